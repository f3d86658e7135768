"""Failures that were ordered, and debits that one strikes: what treasury and operator then have on record."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ecny_tax.errors import InvalidInputError, RejectedError, UnavailableError
from ecny_tax.money import Fen
from ecny_tax.payments.model import PaymentMode

#: The most debits, refunds or requests that one order may strike.
MAX_TIMES = 1000


class Struck(StrEnum):
    """What a failure strikes; requests are those over HTTP, of which the rooms here know nothing."""

    DEBIT = "debit"
    REFUND = "refund"
    REQUEST = "request"


class FailureKind(StrEnum):
    """What may go wrong between treasury and operator; that it goes so is how this simulation does it.

    All but the last strike debits.
    """

    ANSWER_LOST = "answer_lost"  # 回执丢失：机构已扣款，国库无记录
    ANSWER_LATE = "answer_late"  # 回执超时：机构已扣款，国库记为失败
    DELIVERED_TWICE = "delivered_twice"  # 报文重复：机构扣款两次
    OPERATOR_OUTAGE = "operator_outage"  # 机构中断：国库记为成功，机构未收到
    OPERATOR_ROLLBACK = "operator_rollback"  # 机构回滚：机构确认后记为失败
    BOTH_FAILED = "both_failed"  # 双方均失败
    WALLET_CLOSES = "wallet_closes"  # 退税途中销户：审核后、入账前钱包注销

    @property
    def strikes(self) -> Struck:
        return Struck.REFUND if self is FailureKind.WALLET_CLOSES else Struck.DEBIT


class DebitStatus(StrEnum):
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class FailureStatus(StrEnum):
    WAITING = "waiting"
    STRUCK = "struck"
    CANCELLED = "cancelled"


class DebitOutcome(StrEnum):
    """What came of a debit that was in doubt."""

    GIVEN_BACK = "given_back"  # 退回钱包
    DEBITED = "debited"  # 补扣
    STRUCK_OUT = "struck_out"  # 国库冲销
    FAILED = "failed"  # 双方均记失败，无需处理


@dataclass(frozen=True, slots=True)
class OrderedFailure:
    """A failure ordered for the next ``times`` debits or refunds; ``left`` are still to be struck."""

    failure_no: str
    kind: FailureKind
    operator: str | None
    wallet_id: str | None
    times: int
    left: int
    status: FailureStatus
    ordered_at: datetime

    @property
    def leaves_in_doubt(self) -> bool:
        """Whether nobody learns the outcome of the debit that it strikes; of a double debit the first is
        settled."""
        return self.kind is not FailureKind.DELIVERED_TWICE


@dataclass(frozen=True, slots=True)
class Written:
    """What one side has on record of a debit; the amount in fen."""

    status: DebitStatus
    amount: Fen


@dataclass(frozen=True, slots=True)
class DebitRecord:
    """A debit that a failure struck: what it was about, and what either side wrote (None: nothing).

    ``trace_no`` is its number (交易流水号), also of the payment where there is one; ``amount`` in fen
    is what was to be debited, ``transfer_id`` what the operator debited beside a payment.
    """

    trace_no: str
    kind: FailureKind
    bill_no: str
    wallet_id: str
    agreement_no: str | None
    mode: PaymentMode
    amount: Fen
    entrusted_at: datetime
    treasury: Written | None
    operator: Written | None
    outcome: DebitOutcome | None
    transfer_id: bytes | None = field(metadata={"internal": True})
    authorisation: bytes = field(metadata={"internal": True})

    @property
    def leaves_bill_in_doubt(self) -> bool:
        """Whether nobody can say if the bill is paid; of a double debit it is."""
        return self.outcome is None and self.kind is not FailureKind.DELIVERED_TWICE


def checked_kind(kind: str) -> FailureKind:
    """Raises ``InvalidInputError`` (``failure_kind_unknown``)."""
    if kind not in tuple(FailureKind):
        raise InvalidInputError("failure_kind_unknown", value=kind, known=" ".join(FailureKind))
    return FailureKind(kind)


def check_times(times: int) -> None:
    """Raises ``InvalidInputError`` (``failure_times_malformed``)."""
    if type(times) is not int or not 0 < times <= MAX_TIMES:
        raise InvalidInputError("failure_times_malformed", value=times, limit=MAX_TIMES)


def check_waiting(failure: OrderedFailure) -> None:
    """Only what still waits can be cancelled."""
    if failure.status is not FailureStatus.WAITING:
        raise RejectedError("failure_is_over", failure_no=failure.failure_no, state=failure.status)


def written(kind: FailureKind, amount: Fen) -> tuple[Written | None, Written | None]:
    """What treasury and operator write of a debit of ``amount`` that this failure strikes."""
    paid, failed = Written(DebitStatus.SUCCEEDED, amount), Written(DebitStatus.FAILED, amount)
    return {
        FailureKind.ANSWER_LOST: (None, paid),
        FailureKind.ANSWER_LATE: (failed, paid),
        FailureKind.DELIVERED_TWICE: (paid, Written(DebitStatus.SUCCEEDED, Fen(2 * amount))),
        FailureKind.OPERATOR_OUTAGE: (paid, None),
        FailureKind.OPERATOR_ROLLBACK: (paid, failed),
        FailureKind.BOTH_FAILED: (failed, failed),
    }[kind]


def outcome_unknown(debit: DebitRecord) -> UnavailableError:
    """What the caller is told: the answer did not arrive."""
    return UnavailableError("payment_outcome_unknown", payment_no=debit.trace_no, bill_no=debit.bill_no)
