"""Day-end allocation (日终报解): what was collected on a day becomes revenue of the budget levels.

How this simulation does it, an assumption: the e-CNY of the collection accounts goes back to issuance, and in
the same linked batch the central bank's backing of it goes to the treasury's revenue accounts, in deposits.
One batch a day, netted by collection account and by level.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

from ecny_tax.clock import from_micros
from ecny_tax.ledger import chart
from ecny_tax.ledger.model import Ledger, TransferCode
from ecny_tax.money import Fen
from ecny_tax.store import Transaction, journal
from ecny_tax.store.journal import Move, known_account
from ecny_tax.treasury import model, rows
from ecny_tax.treasury.model import Closing, DayStatus, LevelAmount


class Collected(NamedTuple):
    """What was collected of days, in fen."""

    shares: dict[tuple[date, str, str, str], int]  #: by day, operator, collection item, budget level
    held: dict[tuple[date, str], int]  #: by day and name of the collection account


_DAY = timedelta(days=1)


def close(tx: Transaction, treasury: str, day: date) -> Closing:
    """Close a day and every earlier open one, the oldest first; a day that is closed answers the same again.

    Raises ``RejectedError`` (``treasury_day_in_future``, ``treasury_day_before_first``).
    """
    first = rows.first_day(tx, treasury)
    model.check_may_close(day, first=first, today=tx.now.date())
    last = rows.closed_until(tx, treasury)
    if last is None or last < day.isoformat():
        _close_days(tx, treasury, first if last is None else date.fromisoformat(last) + _DAY, day)
    return _closing(tx, treasury, day)


def collected(tx: Transaction, treasury: str, first: date, last: date) -> Collected:
    """What was paid in the days from ``first`` to ``last`` and not reversed, as the receipts share it."""
    found = Collected({}, {})
    weights: dict[tuple[date, str, str | None], tuple[int, ...]] = {}
    for at, operator, payer, code, item, amount, late_fee in rows.payments_of(tx, treasury, first, last):
        day = from_micros(at).date()
        held = day, chart.collection(operator, treasury, payer)
        found.held[held] = found.held.get(held, 0) + amount
        by = weights.get((day, code, item))
        if by is None:
            by = weights[day, code, item] = model.weights(tx.rulebook.on(day).taxes, treasury, code, item)
        for level, share in zip(chart.LEVELS, model.allocated(amount, late_fee, by), strict=True):
            if share:
                key = (day, operator, code, level)
                found.shares[key] = found.shares.get(key, 0) + share
    return found


def days_between(first: date, last: date) -> Iterator[date]:
    """Every day from ``first`` to ``last``, both included."""
    while first <= last:
        yield first
        first += _DAY


def _close_days(tx: Transaction, treasury: str, first: date, last: date) -> None:
    found = collected(tx, treasury, first, last)
    rows.insert_days(tx, treasury, list(days_between(first, last)), last)
    rows.insert_allocations(
        tx,
        (
            (treasury, on.isoformat(), operator, code, level, amount)
            for (on, operator, code, level), amount in sorted(found.shares.items())
        ),
    )
    issuance, backing = known_account(tx, chart.ISSUANCE).id, known_account(tx, chart.BACKING).id
    revenue = {level: known_account(tx, chart.revenue(treasury, level)).id for level in chart.LEVELS}
    collection = {name: known_account(tx, name).id for name in {name for _day, name in found.held}}
    moves: dict[date, list[Move]] = {}
    for (on, name), amount in sorted(found.held.items()):
        leg = Move(collection[name], issuance, amount, Ledger.ECNY, TransferCode.ALLOCATION)
        moves.setdefault(on, []).append(leg)
    for (on, level), amount in _by_level(found).items():
        leg = Move(backing, revenue[level], amount, Ledger.DEPOSITS, TransferCode.BACKING_TO_REVENUE)
        moves[on].append(leg)
    for on, legs in moves.items():
        journal.move(tx, legs, user_data=f"{treasury} {on}")


def _by_level(found: Collected) -> dict[tuple[date, str], int]:
    """Of each day, what each budget level gets, from the top."""
    levels: dict[tuple[date, str], int] = {}
    for (day, _operator, _code, level), amount in found.shares.items():
        levels[day, level] = levels.get((day, level), 0) + amount
    return dict(sorted(levels.items(), key=lambda one: (one[0][0], chart.LEVELS.index(one[0][1]))))


def _closing(tx: Transaction, treasury: str, day: date) -> Closing:
    """What the closing did that closed this day, up to it: the same whenever it is asked for."""
    first, count, at = rows.closing(tx, treasury, day)
    by_level = rows.by_level(tx, treasury, first, day)
    return Closing(
        treasury=treasury,
        day=day,
        status=DayStatus.CLOSED,
        first_day=first,
        days=count,
        collected=Fen(sum(by_level.values())),
        levels=tuple(LevelAmount(level, Fen(by_level.get(level, 0))) for level in chart.LEVELS),
        closed_at=at,
    )
