"""The SQL of the three views of a day.

Where nothing went wrong all of them follow from payments; only debits that a failure struck have records of
their own.  A payment number begins with its day, so that its index finds those of a day in their order.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from ecny_tax.clock import day_begins, day_ends, micros
from ecny_tax.reconciliation.model import Asked, Entry, Side
from ecny_tax.store.transaction import Transaction

#: Set-offs move money inside a treasury, and a payment reversed on its day is out of everybody's books.
_PAYMENTS = (
    "SELECT p.payment_no, b.authority, p.bill_no, w.operator, p.wallet_id, {amount}, 'succeeded'"
    " FROM payment p JOIN bill b ON b.bill_no = p.bill_no JOIN wallet w ON w.wallet_id = p.wallet_id"
    " JOIN institution o ON o.kind = 'tax_authority' AND o.code = b.authority"
    " JOIN transfer t ON t.id = p.transfer_id"
    " LEFT JOIN debit_record d ON d.trace_no = p.payment_no"
    " WHERE p.payment_no BETWEEN :low AND :high AND p.settled_at BETWEEN :first AND :last"
    " AND p.status = 'settled' AND p.mode <> 'set_off' AND d.trace_no IS NULL"
)
_RECORDS = (
    "SELECT d.trace_no, b.authority, d.bill_no, w.operator, d.wallet_id, {amount}, {status}"
    " FROM debit_record d JOIN bill b ON b.bill_no = d.bill_no JOIN wallet w ON w.wallet_id = d.wallet_id"
    " JOIN institution o ON o.kind = 'tax_authority' AND o.code = b.authority"
    " LEFT JOIN payment p ON p.payment_no = d.trace_no"
    " LEFT JOIN transfer t ON t.id = p.transfer_id LEFT JOIN transfer x ON x.id = d.transfer_id"
    " LEFT JOIN transfer a ON a.id = d.adjustment_id"
    " WHERE d.trace_no BETWEEN :low AND :high AND d.entrusted_at BETWEEN :first AND :last"
    " AND coalesce(p.status, '') <> 'reversed' AND {there}"
)
_OF = " AND (w.operator = :operator OR :operator IS NULL) AND (o.treasury = :treasury OR :treasury IS NULL)"
_MOVED = "coalesce(t.amount, 0) + coalesce(x.amount, 0) - coalesce(a.amount, 0)"
_VIEWS = {
    Side.TREASURY: (
        _PAYMENTS.format(amount="p.amount"),
        _RECORDS.format(
            amount="d.treasury_amount", status="d.treasury_status", there="d.treasury_status IS NOT NULL"
        ),
    ),
    Side.OPERATOR: (
        _PAYMENTS.format(amount="p.amount"),
        _RECORDS.format(
            amount="d.operator_amount", status="d.operator_status", there="d.operator_status IS NOT NULL"
        ),
    ),
    Side.LEDGER: (
        _PAYMENTS.format(amount="t.amount"),
        _RECORDS.format(amount=_MOVED, status="'succeeded'", there=f"{_MOVED} > 0"),
    ),
}


def view(tx: Transaction, side: Side, asked: Asked) -> Iterator[Entry]:
    """What a side has of a day, sorted by its keys, in flat memory."""
    day = asked.entrust_date
    low, high = numbers_of(day)
    payments, records = _VIEWS[side]
    found = tx.stream(
        f"{payments}{_OF} UNION ALL {records}{_OF} ORDER BY 1",
        low=low,
        high=high,
        first=micros(day_begins(day)),
        last=micros(day_ends(day)),
        treasury=asked.treasury,
        operator=asked.operator,
    )
    on = day.isoformat()
    for trace_no, authority, bill_no, of_operator, wallet_id, amount, status in found:
        yield Entry(trace_no, authority, on, bill_no, of_operator, wallet_id, amount, status)


def numbers_of(day: date) -> tuple[str, str]:
    """The least and the greatest number that a payment of a day can have (:meth:`IdSource.number`)."""
    start = f"P{day.year % 100:02}{day.month:02}{day.day:02}"
    return start, f"{start}ZZZZZZZZZZZZZZ"
