"""The SQL of treasuries.

What was collected stands in the records of payments, and what was refunded in the journal and in the records
of refunds: they are read here, and written in the rooms above.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from ecny_tax.clock import day_begins, from_micros, micros
from ecny_tax.ledger import chart
from ecny_tax.ledger.model import AccountCode, TransferCode
from ecny_tax.store.transaction import Row, Transaction

_LAST = "(SELECT max(day) FROM treasury_day WHERE treasury = :treasury)"


#: As ``chart.collection`` names it: the account on which the operator of a wallet ``w`` collects from it for
#: the treasury of an authority ``o``; and the last day that this treasury has closed.
COLLECTION = f"'collection:' || w.operator || ':' || o.treasury || ':' || (w.account_id % {chart.STRIPES})"
CLOSED_UNTIL = "(SELECT max(td.day) FROM treasury_day td WHERE td.treasury = o.treasury)"


def closed_until(tx: Transaction, treasury: str) -> str | None:
    """The last closed day of a treasury."""
    row = tx.row(f"SELECT {_LAST}", treasury=treasury)
    return row[0] if row else None


def first_day(tx: Transaction, treasury: str) -> date:
    """The day on which a treasury's accounts were opened."""
    row = tx.row("SELECT opened_at FROM account WHERE name = :name", name=chart.revenue(treasury, "central"))
    assert row is not None  # noqa: S101 - each treasury has its accounts
    return from_micros(row[0]).date()


def payments_of(tx: Transaction, treasury: str, first: date, last: date) -> Iterable[Row]:
    """(settled_at, operator, account of the wallet, code, item, amount, late_fee) of what was paid into a
    treasury and not reversed, in the days from ``first`` to ``last``."""
    return tx.stream(
        "SELECT p.settled_at, w.operator, w.account_id, b.code, b.item, p.amount, p.late_fee FROM payment p"
        " JOIN bill b ON b.bill_no = p.bill_no"
        " JOIN institution i ON i.kind = 'tax_authority' AND i.code = b.authority"
        " JOIN wallet w ON w.wallet_id = p.wallet_id"
        " WHERE i.treasury = :treasury AND p.status = 'settled'"
        " AND p.settled_at >= :since AND p.settled_at < :until ORDER BY p.settled_at",
        treasury=treasury,
        since=_begin(first),
        until=_begin(last + timedelta(days=1)),
    )


def insert_days(tx: Transaction, treasury: str, days: Sequence[date], closed_with: date) -> None:
    at, last = micros(tx.now), closed_with.isoformat()
    tx.run_many(
        "INSERT INTO treasury_day VALUES (?, ?, ?, ?)",
        ((treasury, day.isoformat(), last, at) for day in days),
    )


def insert_allocations(tx: Transaction, rows: Iterable[tuple[str, str, str, str, str, int]]) -> None:
    """Rows of (treasury, day, operator, code, level, amount)."""
    tx.run_many("INSERT INTO allocation VALUES (?, ?, ?, ?, ?, ?)", rows)


def closing(tx: Transaction, treasury: str, day: date) -> tuple[date, int, datetime]:
    """(first day, number of days, time) of the closing that closed a day, up to that day."""
    row = tx.row(
        "SELECT min(d.day), count(*), max(d.closed_at) FROM treasury_day d JOIN treasury_day asked"
        " ON asked.treasury = d.treasury AND asked.closed_with = d.closed_with AND d.day <= asked.day"
        " WHERE asked.treasury = :treasury AND asked.day = :day",
        treasury=treasury,
        day=day.isoformat(),
    )
    assert row is not None  # noqa: S101 - an aggregate has a row
    return date.fromisoformat(row[0]), row[1], from_micros(row[2])


def by_level(tx: Transaction, treasury: str, first: date, last: date) -> dict[str, int]:
    """What each budget level got of the days from ``first`` to ``last``."""
    found = tx.rows(
        "SELECT level, sum(amount) FROM allocation"
        " WHERE treasury = :treasury AND day BETWEEN :first AND :last GROUP BY level",
        treasury=treasury,
        first=first.isoformat(),
        last=last.isoformat(),
    )
    return dict(found)


def days(tx: Transaction, treasury: str) -> list[Row]:
    """(day, collected, closed_at) of every closed day, in order."""
    return tx.rows(
        "SELECT d.day, coalesce(sum(a.amount), 0), d.closed_at FROM treasury_day d"
        " LEFT JOIN allocation a ON a.treasury = d.treasury AND a.day = d.day"
        " WHERE d.treasury = :treasury GROUP BY d.day, d.closed_at ORDER BY d.day",
        treasury=treasury,
    )


def allocations(tx: Transaction, treasury: str, first: date, last: date) -> list[Row]:
    """(day, code, level, amount) of what closed days allocated."""
    return tx.rows(
        "SELECT day, code, level, sum(amount) FROM allocation"
        " WHERE treasury = :treasury AND day BETWEEN :first AND :last GROUP BY day, code, level",
        treasury=treasury,
        first=first.isoformat(),
        last=last.isoformat(),
    )


def refunds_of(tx: Transaction, treasury: str, first: date, last: date) -> list[Row]:
    """(at, code, level, amount) of what the revenue accounts paid out for refunds, interest included."""
    found: list[Row] = []
    for level in chart.LEVELS:
        found += tx.rows(
            "SELECT t.posted_at, coalesce(r.code, b.code), :level, t.amount FROM account a"
            " JOIN transfer t ON t.debit_account_id = a.id LEFT JOIN refund r ON r.refund_no = t.user_data"
            " LEFT JOIN refund_batch b ON b.batch_no = t.user_data"
            " WHERE a.name = :name AND t.code = :code AND t.posted_at >= :since AND t.posted_at < :until",
            name=chart.revenue(treasury, level),
            level=level,
            code=int(TransferCode.REVENUE_TO_BACKING),
            since=_begin(first),
            until=_begin(last + timedelta(days=1)),
        )
    return found


def states(tx: Transaction) -> list[Row]:
    """(code, name_zh, name_en, last closed day, on collection accounts, of that in doubt, revenue) of every
    treasury, by code.  In doubt is what operators debited without a payment."""
    return tx.rows(
        "SELECT i.code, i.name_zh, i.name_en,"
        " (SELECT max(day) FROM treasury_day WHERE treasury = i.code),"
        " (SELECT coalesce(sum(a.credits - a.debits), 0) FROM institution o"
        " JOIN account a ON a.name >= 'collection:' || o.code || ':' || i.code || ':'"
        " AND a.name < 'collection:' || o.code || ':' || i.code || ';' WHERE o.kind = 'operator'),"
        " (SELECT coalesce(sum(d.amount), 0) FROM debit_record d JOIN bill b ON b.bill_no = d.bill_no"
        " JOIN institution o ON o.kind = 'tax_authority' AND o.code = b.authority"
        " WHERE o.treasury = i.code AND d.outcome IS NULL AND d.transfer_id IS NOT NULL),"
        " (SELECT coalesce(sum(a.credits - a.debits), 0) FROM account a"
        " WHERE a.code = :revenue AND a.name LIKE 'revenue:' || i.code || ':%')"
        " FROM institution i WHERE i.kind = 'treasury' ORDER BY i.code",
        revenue=int(AccountCode.TREASURY_REVENUE),
    )


def _begin(day: date) -> int:
    """The first moment of a day, as times are stored."""
    return micros(day_begins(day))
