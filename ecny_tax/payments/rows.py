"""The SQL of payments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from ecny_tax.clock import from_micros, micros
from ecny_tax.ledger.model import TransferCode
from ecny_tax.payments.model import Payment, PaymentMode, PaymentStatus
from ecny_tax.store.transaction import Row, Transaction

_PAYMENT = (
    "SELECT payment_no, bill_no, wallet_id, agreement_no, amount, late_fee, fee, mode, status, settled_at,"
    " balance_after, receipt_no, refunded, refund_pending, reversed_at FROM payment"
)


def insert(
    tx: Transaction, payment: Payment, *, payer_id: str | None, transfer_id: int, authorisation: bytes
) -> None:
    tx.run(
        "INSERT INTO payment (payment_no, bill_no, wallet_id, payer_id, agreement_no, amount, late_fee, fee,"
        " mode, status, settled_at, balance_after, receipt_no, transfer_id, authorisation)"
        " VALUES (:payment_no, :bill_no, :wallet_id, :payer_id, :agreement_no, :amount, :late_fee, :fee,"
        " :mode, :status, :settled_at, :balance_after, :receipt_no, :transfer_id, :authorisation)",
        payment_no=payment.payment_no,
        bill_no=payment.bill_no,
        wallet_id=payment.wallet_id,
        payer_id=payer_id,
        agreement_no=payment.agreement_no,
        amount=payment.amount,
        late_fee=payment.late_fee,
        fee=payment.fee,
        mode=payment.mode.value,  # sqlite3 would ask for an adapter of the enum
        status=payment.status.value,
        settled_at=micros(payment.settled_at),
        balance_after=payment.balance_after,
        receipt_no=payment.receipt_no,
        transfer_id=transfer_id.to_bytes(16, "big"),
        authorisation=authorisation,
    )


class NewPayment(NamedTuple):
    """A payment that was just made, as one of many; amounts in fen."""

    payment_no: str
    bill_no: str
    wallet_id: str
    payer_id: str | None
    agreement_no: str
    amount: int
    late_fee: int
    fee: int
    balance_after: int
    receipt_no: str
    transfer_id: bytes
    authorisation: bytes


def insert_many(tx: Transaction, mode: PaymentMode, payments: Iterable[NewPayment]) -> None:
    """Write payments of one mode that were made now."""
    same = (mode.value, PaymentStatus.SETTLED.value, micros(tx.now))
    tx.run_many(
        "INSERT INTO payment (payment_no, bill_no, wallet_id, payer_id, agreement_no, amount, late_fee, fee,"
        " balance_after, receipt_no, transfer_id, authorisation, mode, status, settled_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (payment + same for payment in payments),
    )


def payment(tx: Transaction, payment_no: str) -> Payment | None:
    row = tx.row(f"{_PAYMENT} WHERE payment_no = :payment_no", payment_no=payment_no)
    return _payment(row) if row else None


def payment_of_receipt(tx: Transaction, receipt_no: str) -> Payment | None:
    row = tx.row(f"{_PAYMENT} WHERE receipt_no = :receipt_no", receipt_no=receipt_no)
    return _payment(row) if row else None


def payments(tx: Transaction) -> list[Payment]:
    return [_payment(row) for row in tx.rows(f"{_PAYMENT} ORDER BY place")]


def numbers(tx: Transaction) -> Iterator[str]:
    """The number of every payment, oldest first."""
    return (row[0] for row in tx.rows("SELECT payment_no FROM payment ORDER BY place"))


def authorisation(tx: Transaction, payment_no: str) -> tuple[bytes, datetime | None]:
    """The signed instruction or order of a payment, and when it was given if that was long before."""
    row = tx.row(
        "SELECT p.authorisation, d.entrusted_at FROM payment p"
        " LEFT JOIN debit_record d ON d.trace_no = p.payment_no WHERE p.payment_no = :payment_no",
        payment_no=payment_no,
    )
    message, at = row or (b"", None)
    return message, None if at is None else from_micros(at)


def transfers_of(tx: Transaction, payment_no: str) -> list[bytes]:
    """The ids of the transfers that moved a payment's money, and after it that of its reversal."""
    found = tx.rows(
        "SELECT p.transfer_id, (SELECT t.id FROM transfer t WHERE t.credit_account_id = w.account_id"
        " AND t.code = :reversal AND t.user_data = p.payment_no)"
        " FROM payment p JOIN wallet w ON w.wallet_id = p.wallet_id WHERE p.payment_no = :payment_no",
        payment_no=payment_no,
        reversal=int(TransferCode.REVERSAL),
    )
    return [transfer_id for row in found for transfer_id in row if transfer_id is not None]


def transfer_id(tx: Transaction, payment_no: str) -> bytes:
    """The id of the transfer that moved a payment."""
    row = tx.row("SELECT transfer_id FROM payment WHERE payment_no = :payment_no", payment_no=payment_no)
    return row[0] if row else b""


def payer_id(tx: Transaction, payment_no: str) -> str | None:
    """The authority's record of who paid; None of a wallet that was nameless."""
    row = tx.row("SELECT payer_id FROM payment WHERE payment_no = :payment_no", payment_no=payment_no)
    return row[0] if row else None


def set_reversed(tx: Transaction, payment_no: str) -> None:
    tx.run(
        "UPDATE payment SET status = 'reversed', reversed_at = :now WHERE payment_no = :payment_no",
        payment_no=payment_no,
        now=micros(tx.now),
    )


def add_refund(tx: Transaction, payment_no: str, *, pending: int = 0, refunded: int = 0) -> None:
    """Count what is asked back of a payment and what went back; negative where it is no longer so."""
    tx.run(
        "UPDATE payment SET refund_pending = refund_pending + :pending, refunded = refunded + :refunded"
        " WHERE payment_no = :payment_no",
        payment_no=payment_no,
        pending=pending,
        refunded=refunded,
    )


def count_print(tx: Transaction, payment_no: str) -> None:
    tx.run("UPDATE payment SET print_count = print_count + 1 WHERE payment_no = :no", no=payment_no)


def print_count(tx: Transaction, payment_no: str) -> int:
    row = tx.row("SELECT print_count FROM payment WHERE payment_no = :no", no=payment_no)
    return row[0] if row else 0


def _payment(row: Row) -> Payment:
    no, bill, wallet, agreement, amount, late_fee, fee, mode, status, at, *rest = row
    balance, receipt, refunded, pending, back = rest
    return Payment(
        no,
        bill,
        wallet,
        agreement,
        amount,
        late_fee,
        fee,
        PaymentMode(mode),
        PaymentStatus(status),
        from_micros(at),
        balance,
        receipt,
        refunded,
        pending,
        None if back is None else from_micros(back),
    )
