"""What a batch (批量扣税、批量退税) is, what a line of one says, and what came of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Generic, NamedTuple, Protocol, TypeVar

from ecny_tax.agreements.model import Mandate
from ecny_tax.errors import InvalidInputError, RejectedError, short
from ecny_tax.money import Fen, yuan_text
from ecny_tax.taxes.model import DueBill

MAX_LINES = 1_000_000
MAX_PARTS = 1_000
#: Lines of a part, which is carried out in one transaction: by default, and at most.
PART_LINES, MAX_PART_LINES = 2_000, 4_000
#: The first of them stands on the second line of its file; lines are numbered as an editor numbers them.
FIRST_LINE = 2

#: How a number for people goes on after its prefix, and a wallet id, as regular expressions.
NUMBER, WALLET = "[0-9]{6}[0-9A-HJKMNP-TV-Z]{14}", "00[0-9]{14}"
#: Up to the largest amount, 10^15 yuan.
_YUAN = r"(?!0\.00)(?:0|[1-9][0-9]{0,14}|1000000000000000(?=\.00))\.[0-9]{2}"
_BATCH_NO = re.compile(f"K{NUMBER}")


class BatchKind(StrEnum):
    DEBIT = "debit"  # 批量扣税
    REFUND = "refund"  # 批量退税


class AnyLine(Protocol):
    """A line of a batch: which record it is about, how much of it, and how that stands in a file."""

    @property
    def record(self) -> str: ...

    @property
    def amount(self) -> Fen: ...

    @property
    def text(self) -> str: ...


LineT = TypeVar("LineT", bound=AnyLine)


@dataclass(frozen=True)
class Form(Generic[LineT]):
    """How the lines of a kind of batch are written: ``fields`` (a regular expression), and the amount.

    ``read`` reads one.
    """

    kind: BatchKind
    fields: str
    read: Callable[[str], LineT]

    @property
    def content_type(self) -> str:
        """Of what the tax authority signs over a whole batch (message 3102); part of the protected header."""
        return f"application/vnd.ecny-tax.{self.kind}-batch+cbor"

    def read_lines(self, text: str, first: int) -> list[LineT]:
        """What several lines say, in the order of their records; ``first`` is the number of the first.

        Raises ``InvalidInputError``: ``batch_line_malformed``, ``batch_line_repeated``,
        ``batch_lines_unordered``.
        """
        lines = text.splitlines(keepends=True)
        pattern = f"{self.fields},{_YUAN}\n"
        if re.fullmatch(f"(?:{pattern})*", text) is None:
            bad = (
                (number, line) for number, line in enumerate(lines, first) if not re.fullmatch(pattern, line)
            )
            number, line = next(bad)
            raise InvalidInputError("batch_line_malformed", line=number, value=short(line.rstrip("\n")))
        found = list(map(self.read, lines))
        records = [line.record for line in found]
        for number, (before, after) in enumerate(pairwise(records), first + 1):
            if after <= before:
                check_order(before, after, number)
        return found

    def read_signed(self, text: str) -> list[LineT]:
        """The same of lines whose form was checked before."""
        return list(map(self.read, text.splitlines()))


class Line(NamedTuple):
    """One debit: so many fen of a bill, under an agreement, from the wallet that signed it."""

    bill_no: str
    agreement_no: str
    wallet_id: str
    amount: Fen

    @property
    def record(self) -> str:
        return self.bill_no

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
    SETTLED = "settled"  # of a debit
    COMPLETED = "completed"  # of a refund
    REFUSED = "refused"
    IN_DOUBT = "in_doubt"  # 扣款结果未知
    TREASURY_FAILED = "treasury_failed"  # 退税未能入账


PAID = (LineStatus.SETTLED, LineStatus.COMPLETED)
PENDING = (LineStatus.IN_DOUBT, LineStatus.TREASURY_FAILED)


class Outcome(NamedTuple):
    """What came of a line; ``code`` says why it was not paid, or that nobody knows.

    ``more`` are the further columns of the results, each after its comma.
    """

    status: LineStatus
    code: str = ""
    more: str = ""

    def text(self, number: int, line: AnyLine) -> str:
        """The line of the results."""
        status, code, more = self
        return f"{number},{line.record},{yuan_text(line.amount)},{status},{code}{more}\n"


class BatchStatus(StrEnum):
    IN_PROGRESS = "in_progress"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class BatchProgress:
    """How far a batch is carried out: ``lines_done`` of its lines have a result; ``amount`` fen were paid.

    ``lines_pending`` are debits in doubt, and refunds that could not be credited.
    """

    batch_no: str
    kind: BatchKind
    authority: str
    status: BatchStatus
    lines: int
    lines_done: int
    lines_paid: int
    lines_refused: int
    lines_pending: int
    amount: Fen
    taken_at: datetime
    done_at: datetime | None


def check_order(before: str, record: str, number: int) -> None:
    """Records grow from line to line: ``batch_line_repeated``, ``batch_lines_unordered``."""
    if record <= before:
        code = "batch_line_repeated" if record == before else "batch_lines_unordered"
        raise InvalidInputError(code, line=number, record=record)


def _read_debit(text: str) -> Line:
    bill_no, agreement_no, wallet_id, yuan = text.split(",")
    return Line(bill_no, agreement_no, wallet_id, Fen(int(yuan.replace(".", ""))))


DEBITS = Form(BatchKind.DEBIT, f"B{NUMBER},A{NUMBER},{WALLET}", _read_debit)

#: The first line of the results of each kind.
RESULT_COLUMNS = {
    BatchKind.DEBIT: "line,bill_no,amount,status,code,payment_no,receipt_no\n",
    BatchKind.REFUND: "line,refund_no,amount,status,code\n",
}


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
