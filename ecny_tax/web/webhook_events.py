"""What webhooks are told of: events, read from what the library writes anyway, in the order of writing.

Nothing is written where money moves.  Each source is a table whose rows are numbered in the order in which
they were written; a webhook has a cursor in each.  So nothing is lost between a commit and its telling, and
what the command line or another process did is told as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from ecny_tax.agreements import service as agreements
from ecny_tax.agreements.model import AgreementStatus
from ecny_tax.clock import from_micros
from ecny_tax.documents import Document, document
from ecny_tax.ledger.model import TransferCode
from ecny_tax.money import Fen
from ecny_tax.offline.model import Redemption, VoucherStatus
from ecny_tax.payments import service as payments
from ecny_tax.payments.model import PaymentStatus
from ecny_tax.refunds import payout as refunds
from ecny_tax.refunds.model import Refund, RefundStatus
from ecny_tax.store.transaction import Row, Transaction
from ecny_tax.taxes import bills
from ecny_tax.taxes.model import BillStatus
from ecny_tax.web import visibility
from ecny_tax.web.rights import Party

#: Rows of one source that are read at a time, and transfers that are looked at for them.
CHUNK = 100
_LOOKED_AT = 10_000


class EventType(StrEnum):
    """What a webhook can be told of; `data` of an event is the record that its name begins with.

    `payment.settled`, `payment.reversed`: a payment.  `refund.updated`: a refund, with the `status` that it
    came to.  `agreement.signed`: an agreement, with what the operator answered as `status`.  `bill.declared`:
    a bill.  `voucher.settled`, `voucher.rejected`, `voucher.disputed` (a double spend was caught): what was
    decided about an offline voucher.  `wallet.credited`: a movement into a wallet.
    """

    BILL_DECLARED = "bill.declared"
    AGREEMENT_SIGNED = "agreement.signed"
    PAYMENT_SETTLED = "payment.settled"
    PAYMENT_REVERSED = "payment.reversed"
    VOUCHER_SETTLED = "voucher.settled"
    VOUCHER_REJECTED = "voucher.rejected"
    VOUCHER_DISPUTED = "voucher.disputed"
    REFUND_UPDATED = "refund.updated"
    WALLET_CREDITED = "wallet.credited"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at ``at`` (simulated time), in row ``place`` of a source.

    Whoever sees one of the ``records`` (resource, number) may be told; ``data`` reads what to tell, as it was
    then: it is called in the transaction that found the event.
    """

    type: EventType
    source: str
    place: int
    at: datetime
    records: tuple[tuple[str, str], ...]
    data: Callable[[], Document]

    @property
    def record(self) -> str:
        """The number of what it is about."""
        return self.records[0][1]

    def is_seen_by(self, tx: Transaction, party: Party) -> bool:
        return any(visibility.sees(tx, party, resource, number) for resource, number in self.records)


@dataclass(frozen=True, slots=True)
class Credit:
    """A movement into a wallet; ``amount`` in fen, ``kind`` and ``reference`` as in its statement."""

    wallet_id: str
    transfer_id: str
    kind: str
    reference: str
    amount: Fen
    at: datetime


@dataclass(frozen=True, slots=True)
class _Source:
    """A table in the order of writing, and the events that some of its rows are.

    ``rows`` is a query of rows whose first column is the place, from after ``:after`` up to ``:top``.
    """

    newest: str
    rows: str
    reach: int | None
    read: Callable[[Transaction, Row], list[Event]]


def newest(tx: Transaction) -> dict[str, int]:
    """How far each source goes."""
    row = tx.row("SELECT " + ", ".join(f"coalesce(({one.newest}), 0)" for one in _SOURCES.values())) or ()
    return dict(zip(_SOURCES, row, strict=True))


def after(tx: Transaction, cursors: Mapping[str, int]) -> tuple[list[Event], dict[str, int]]:
    """The next events after the cursors, about a chunk of each source, and the cursors after these.

    They are in the order of their times, and where these are the same, a bill comes before its payment.
    """
    found: list[Event] = []
    ends = newest(tx)
    moved: dict[str, int] = {}
    for name, source in _SOURCES.items():
        start, end = cursors.get(name, 0), ends[name]
        moved[name] = start
        if end <= start:
            continue
        top = end if source.reach is None else min(end, start + source.reach)
        rows = tx.rows(f"{source.rows} LIMIT :limit", after=start, top=top, limit=CHUNK)
        found += [event for row in rows for event in source.read(tx, row)]
        moved[name] = rows[-1][0] if len(rows) == CHUNK else top
    return sorted(found, key=lambda event: event.at), moved


def _bill(tx: Transaction, row: Row) -> list[Event]:
    place, number, at = row

    def data() -> Document:
        # The late fee is that of today, or as it was paid: it grows, and was not declared.
        return document(replace(bills.load(tx, number), status=BillStatus.OPEN, in_doubt=None))

    return [
        Event(EventType.BILL_DECLARED, "bill", place, from_micros(at), (("bill", number),), data),
    ]


def _agreement(tx: Transaction, row: Row) -> list[Event]:
    place, number, at = row

    def data() -> Document:
        found = agreements.load(tx, number)
        answered = AgreementStatus.VERIFIED if found.code is None else AgreementStatus.VERIFICATION_FAILED
        return document(replace(found, status=answered, ended_at=None))

    return [
        Event(EventType.AGREEMENT_SIGNED, "agreement", place, from_micros(at), (("agreement", number),), data)
    ]


def _payment(tx: Transaction, row: Row) -> list[Event]:
    place, number, at = row

    def data() -> Document:
        found = payments.load(tx, number)
        none = Fen(0)
        settled = replace(
            found, status=PaymentStatus.SETTLED, refunded=none, refund_pending=none, reversed_at=None
        )
        return document(settled)

    return [Event(EventType.PAYMENT_SETTLED, "payment", place, from_micros(at), (("payment", number),), data)]


def _voucher(_tx: Transaction, row: Row) -> list[Event]:
    place, number, status, code, amount, bill_no, payment_no, released, at = row
    decided = Redemption(
        number, VoucherStatus(status), code, Fen(amount), bill_no, payment_no, bool(released), None
    )
    return [
        Event(
            EventType(f"voucher.{status}"),
            "voucher",
            place,
            from_micros(at),
            (("voucher", number),),  # not whose bill it names: who pays it with what is the payer's
            lambda: document(decided),
        )
    ]


def _refund(tx: Transaction, row: Row) -> list[Event]:
    place, number, step, at = row
    data = _as_of(refunds.load, tx, number, step)
    return [Event(EventType.REFUND_UPDATED, "refund", place, from_micros(at), (("refund", number),), data)]


def _as_of(
    load: Callable[[Transaction, str], Refund], tx: Transaction, number: str, step: int
) -> Callable[[], Document]:
    """A refund as it was after so many steps of its way."""

    def data() -> Document:
        refund = load(tx, number)
        history = refund.history[:step]
        status, note = history[-1].status, history[-1].note
        if status is not RefundStatus.COMPLETED:
            refund = replace(refund, set_off=Fen(0), interest=Fen(0), balance_after=None, completed_at=None)
        failure = note if status is RefundStatus.TREASURY_FAILED else None
        return document(replace(refund, status=status, failure_code=failure, history=history))

    return data


def _credit(tx: Transaction, row: Row) -> list[Event]:
    seq, transfer_id, code, reference, amount, posted_at, wallet_id = row
    at = from_micros(posted_at)
    kind = TransferCode(code).name.lower()
    credit = Credit(wallet_id, transfer_id.hex(), kind, reference, Fen(amount), at)
    found = [
        Event(
            EventType.WALLET_CREDITED,
            "transfer",
            seq,
            at,
            (("wallet", wallet_id),),
            lambda: document(credit),
        )
    ]
    if code == TransferCode.REVERSAL:
        found.insert(
            0,
            Event(
                EventType.PAYMENT_REVERSED,
                "transfer",
                seq,
                at,
                (("payment", reference),),
                lambda: document(payments.load(tx, reference)),
            ),
        )
    return found


def _numbered(table: str, columns: str) -> str:
    return f"SELECT place, {columns} FROM {table} WHERE place > :after AND place <= :top ORDER BY place"


#: In the order in which events of one time are told.
_SOURCES: dict[str, _Source] = {
    "bill": _Source("SELECT max(place) FROM bill", _numbered("bill", "bill_no, declared_at"), None, _bill),
    "agreement": _Source(
        "SELECT max(place) FROM agreement",
        _numbered("agreement", "agreement_no, signed_at"),
        None,
        _agreement,
    ),
    "payment": _Source(
        "SELECT max(place) FROM payment", _numbered("payment", "payment_no, settled_at"), None, _payment
    ),
    "voucher": _Source(
        "SELECT max(place) FROM voucher",
        "SELECT v.place, v.voucher_id, v.status, v.code, v.amount, v.named_bill, v.payment_no, v.released,"
        " v.decided_at FROM voucher v WHERE v.place > :after AND v.place <= :top ORDER BY v.place",
        None,
        _voucher,
    ),
    "refund": _Source(
        "SELECT max(place) FROM refund_event", _numbered("refund_event", "refund_no, step, at"), None, _refund
    ),
    "transfer": _Source(
        "SELECT max(seq) FROM transfer",
        "SELECT t.seq, t.id, t.code, t.user_data, t.amount, t.posted_at, w.wallet_id FROM transfer t"
        " JOIN wallet w ON w.account_id = t.credit_account_id"
        " WHERE t.seq > :after AND t.seq <= :top ORDER BY t.seq",
        _LOOKED_AT,  # few of them may be credits to wallets
        _credit,
    ),
}
SOURCES = tuple(_SOURCES)
