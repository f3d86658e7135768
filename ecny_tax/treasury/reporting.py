"""What a treasury collected and refunded in a period, by tax, budget level, day or month."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterator
from datetime import date, timedelta

from ecny_tax.clock import from_micros
from ecny_tax.money import Fen
from ecny_tax.parties.model import Institution
from ecny_tax.rulebook import Rulebook
from ecny_tax.store import Transaction
from ecny_tax.treasury import closing, model, rows
from ecny_tax.treasury.model import By, Entry, Report


def report(tx: Transaction, treasury: Institution, *, start: date | None, end: date | None, by: By) -> Report:
    """The report of a period: by default from the treasury's first day to today.

    Raises ``InvalidInputError`` (``period_reversed``).
    """
    code, today = treasury.code, tx.now.date()
    first = rows.first_day(tx, code) if start is None else start
    last = today if end is None else end
    model.check_period(first, last)
    until = rows.closed_until(tx, code)
    closed_until = None if until is None else date.fromisoformat(until)
    first_open = first if closed_until is None else max(first, closed_until + timedelta(days=1))
    lines = model.report_lines(
        by,
        collected=_allocations(tx, code, first, last),
        refunded=_refunds(tx, code, first, last),
        waiting=_waiting(tx, code, first_open, last),
        is_closed=_closed_test(closed_until, last),
        name_of=_names(tx.rulebook, by),
    )
    collected, refunded = sum(line.collected for line in lines), sum(line.refunded for line in lines)
    return Report(
        treasury=code,
        name_zh=treasury.name_zh,
        name_en=treasury.name_en,
        period_start=first,
        period_end=last,
        by=by,
        closed_until=closed_until,
        open_days=max(0, (min(last, today) - max(first_open, rows.first_day(tx, code))).days + 1),
        collected=Fen(collected),
        refunded=Fen(refunded),
        net=Fen(collected - refunded),
        waiting=Fen(sum(line.waiting for line in lines)),
        lines=lines,
    )


def _allocations(tx: Transaction, treasury: str, first: date, last: date) -> Iterator[Entry]:
    for day, code, level, amount in rows.allocations(tx, treasury, first, last):
        yield Entry(date.fromisoformat(day), code, level, amount)


def _refunds(tx: Transaction, treasury: str, first: date, last: date) -> Iterator[Entry]:
    for at, code, level, amount in rows.refunds_of(tx, treasury, first, last):
        yield Entry(from_micros(at).date(), code, level, amount)


def _waiting(tx: Transaction, treasury: str, first: date, last: date) -> Iterator[Entry]:
    """What the open days would allocate if they were closed now."""
    for (day, _operator, code, level), amount in closing.collected(tx, treasury, first, last).shares.items():
        yield Entry(day, code, level, amount)


def _closed_test(closed_until: date | None, last: date) -> Callable[[str], bool]:
    """Whether a day, or what is asked for of a month, is closed."""

    def is_closed(key: str) -> bool:
        if closed_until is None:
            return False
        if len(key) == len("2023-04-20"):
            return key <= closed_until.isoformat()
        year, month = map(int, key.split("-"))
        return min(last, date(year, month, monthrange(year, month)[1])) <= closed_until

    return is_closed


def _names(book: Rulebook, by: By) -> Callable[[str], tuple[str, str]]:
    """The name of a level, or of a tax as the rulebook last has it."""

    def name_of(key: str) -> tuple[str, str]:
        if by is By.LEVEL:
            return model.LEVEL_NAMES[key]
        named = book.taxes.names[key][-1].value
        return named.name_en, named.name_zh

    return name_of
