"""What a batch of debits (批量扣税) is, what a line of one says, and what came of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from ecny_tax.agreements.model import Mandate
from ecny_tax.errors import InvalidInputError, RejectedError
from ecny_tax.money import MAX_AMOUNT, Fen, yuan_text
from ecny_tax.taxes.model import DueBill

#: What the tax authority signs over a whole batch (message 3102); part of the protected header.
CONTENT_TYPE = "application/vnd.ecny-tax.debit-batch+cbor"
MAX_LINES = 1_000_000
MAX_PARTS = 1_000
#: Lines of a part, which is carried out in one transaction: by default, and at most.
PART_LINES, MAX_PART_LINES = 2_000, 4_000
#: The first debit stands on the second line of its file; lines are numbered as an editor numbers them.
FIRST_LINE = 2

_NUMBER = "[0-9]{6}[0-9A-HJKMNP-TV-Z]{14}"
_LINE = re.compile(
    rf"(?P<bill>B{_NUMBER}),(?P<agreement>A{_NUMBER}),(?P<wallet>00[0-9]{{14}}),"
    r"(?P<yuan>0|[1-9][0-9]{0,15})\.(?P<part>[0-9]{2})\n"
)
_BATCH_NO = re.compile(f"K{_NUMBER}")


class Line(NamedTuple):
    """One debit: so many fen of a bill, under an agreement, from the wallet that signed it."""

    bill_no: str
    agreement_no: str
    wallet_id: str
    amount: Fen

    @property
    def text(self) -> str:
        """The line as it stands in a file, in its one form."""
        return f"{self.bill_no},{self.agreement_no},{self.wallet_id},{yuan_text(self.amount)}\n"


@dataclass(frozen=True, slots=True)
class Batch:
    """What an authority signed: how many lines, ``amount`` fen in all, and the SHA-256 of every part."""

    batch_no: str
    authority: str
    at: datetime
    lines: int
    amount: Fen
    part_lines: int
    parts: tuple[bytes, ...] = field(repr=False, metadata={"internal": True})

    def part_of(self, line: int) -> tuple[int, int]:
        """In which part a line of the file stands, and at which place in it, both from 0."""
        return divmod(line - FIRST_LINE, self.part_lines)

    def first_line(self, part: int) -> int:
        """The number of the first line of a part."""
        return FIRST_LINE + part * self.part_lines


class LineStatus(StrEnum):
    SETTLED = "settled"
    REFUSED = "refused"
    IN_DOUBT = "in_doubt"  # 结果未知


class Outcome(NamedTuple):
    """What came of a line; ``code`` says why it was not paid, or that nobody knows."""

    status: LineStatus
    code: str = ""
    payment_no: str = ""
    receipt_no: str = ""

    def text(self, number: int, line: Line) -> str:
        """The line of the results."""
        words = (
            str(number),
            line.bill_no,
            yuan_text(line.amount),
            self.status.value,
            self.code,
            self.payment_no,
            self.receipt_no,
        )
        return ",".join(words) + "\n"


#: The first line of the results.
RESULT_COLUMNS = "line,bill_no,amount,status,code,payment_no,receipt_no\n"


class BatchStatus(StrEnum):
    IN_PROGRESS = "in_progress"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class BatchProgress:
    """How far a batch is carried out: ``lines_done`` of its lines have a result; ``amount`` fen were paid."""

    batch_no: str
    authority: str
    status: BatchStatus
    lines: int
    lines_done: int
    lines_settled: int
    lines_refused: int
    lines_in_doubt: int
    amount: Fen
    taken_at: datetime
    done_at: datetime | None


def read_line(text: str, number: int) -> Line:
    """The debit that a line of a file says; raises ``InvalidInputError`` (``batch_line_malformed``)."""
    found = _LINE.fullmatch(text)
    if found is not None:
        bill_no, agreement_no, wallet_id, whole, part = found.groups()
        amount = int(whole + part)
        if 0 < amount <= MAX_AMOUNT:
            return Line(bill_no, agreement_no, wallet_id, Fen(amount))
    raise InvalidInputError("batch_line_malformed", line=number, value=text.rstrip("\n"))


def signed_line(text: str) -> Line:
    """The debit that a line says whose form was checked before."""
    bill_no, agreement_no, wallet_id, yuan = text.split(",")
    return Line(bill_no, agreement_no, wallet_id, Fen(int(yuan.replace(".", ""))))


def is_batch_no(text: str) -> bool:
    return _BATCH_NO.fullmatch(text) is not None


def check_part_lines(part_lines: int) -> None:
    """Raises ``InvalidInputError`` (``batch_part_malformed``)."""
    if type(part_lines) is not int or not 0 < part_lines <= MAX_PART_LINES:
        raise InvalidInputError("batch_part_malformed", value=part_lines, most=MAX_PART_LINES)


def check_size(lines: int, parts: int) -> None:
    """Raises ``InvalidInputError`` (``batch_too_long``)."""
    if lines > MAX_LINES or parts > MAX_PARTS:
        raise InvalidInputError("batch_too_long", lines=MAX_LINES, parts=MAX_PARTS)


def check_line(batch: Batch, line: Line, bill: DueBill, agreement: Mandate) -> None:
    """Whether a line is what may be debited: all that is due today, under an agreement on batch debits.

    Raises ``RejectedError``: ``batch_bill_of_another``, ``agreement_without_batch_debit``,
    ``agreement_wallet_mismatch``, ``batch_amount_differs``.
    """
    if bill.authority != batch.authority:
        raise RejectedError("batch_bill_of_another", bill_no=bill.bill_no, authority=batch.authority)
    if not agreement.batch_debit:
        raise RejectedError("agreement_without_batch_debit", agreement_no=agreement.agreement_no)
    if agreement.wallet_id != line.wallet_id:
        raise RejectedError("agreement_wallet_mismatch", agreement_no=agreement.agreement_no)
    if bill.total != line.amount:
        raise RejectedError(
            "batch_amount_differs",
            bill_no=bill.bill_no,
            amount=yuan_text(line.amount),
            total=yuan_text(bill.total),
        )


def authorisation(batch_no: str, line: int) -> bytes:
    """What is kept with a payment: which line of which batch authorised it."""
    return f"{batch_no}:{line}".encode()


def authorising_line(authorisation: bytes) -> tuple[str, int]:
    """The batch and the line that an authorisation names; raises ``ValueError``."""
    batch_no, _, line = authorisation.decode("ascii").partition(":")
    number = int(line)
    if str(number) != line or number < FIRST_LINE or not is_batch_no(batch_no):
        raise ValueError(line)
    return batch_no, number
