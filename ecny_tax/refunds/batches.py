"""Batch refunds (批量退税): a file of approved refunds that is signed as a whole, and paying it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ecny_tax.clock import day_ends
from ecny_tax.errors import EcnyTaxError, NotFoundError, RejectedError
from ecny_tax.money import Fen, yuan_text
from ecny_tax.parties import service as parties
from ecny_tax.parties.model import Institution
from ecny_tax.payments import batch_model, batch_running
from ecny_tax.payments.batch_model import (
    NUMBER,
    WALLET,
    Batch,
    BatchKind,
    BatchProgress,
    Form,
    LineStatus,
    Outcome,
)
from ecny_tax.payments.batch_running import Progress
from ecny_tax.refunds import rows
from ecny_tax.refunds.model import Refund, RefundStatus
from ecny_tax.refunds.service import Refunds
from ecny_tax.store import Transaction

if TYPE_CHECKING:
    from ecny_tax.payments.batch_file import BatchFile


class RefundLine(NamedTuple):
    """One refund that the reviewer approved: so many fen, into the wallet that it was asked for."""

    refund_no: str
    wallet_id: str
    amount: Fen

    @property
    def record(self) -> str:
        return self.refund_no

    @property
    def text(self) -> str:
        """The line as it stands in a file, in its one form."""
        return f"{self.refund_no},{self.wallet_id},{yuan_text(self.amount)}\n"


def _read(text: str) -> RefundLine:
    refund_no, wallet_id, yuan = text.split(",")
    return RefundLine(refund_no, wallet_id, Fen(int(yuan.replace(".", ""))))


REFUNDS = Form(BatchKind.REFUND, f"R{NUMBER},{WALLET}", _read)


class BatchRefunds(Refunds):
    """Refunds, with those that an authority approves in batches."""

    def write_batch(
        self,
        *,
        deliver: Callable[[Iterable[str]], None],
        authority: str | None = None,
        applied_by: date | None = None,
        part_lines: int = batch_model.PART_LINES,
    ) -> Batch:
        """Write the file of a batch: every refund under review at an authority, approved by its signature.

        ``applied_by`` leaves out what was applied for after that day.  ``deliver`` is given the pieces of the
        text, in order; ``part_lines`` lines are carried out in one transaction.  Raises ``batch_empty``,
        ``batch_too_long``, ``batch_part_malformed`` and ``tax_authority_not_found``.
        """
        batch_model.check_part_lines(part_lines)
        last = None if applied_by is None else day_ends(applied_by)
        with self._store.reading() as tx:
            office = parties.tax_authority(tx, authority)
            parts = _under_review(tx, office.code, last, part_lines)
            return batch_running.write(tx, self._keyring, REFUNDS, office, parts, part_lines, deliver)

    def pay_batch(
        self,
        *,
        file: str | Path | bytes,
        progress: Progress | None = None,
        idempotency_key: str | None = None,
        authority: str | None = None,
    ) -> BatchProgress:
        """Carry out a batch: what :meth:`approve` does, for every refund that the authority approved.

        A line that is refused moves nothing and hinders no other; one that cannot be credited ends as
        ``treasury_failed``.  Gone on with, repeated and refused as
        :meth:`ecny_tax.payments.batches.BatchPayments.pay_batch`.
        """
        from ecny_tax.refunds.many import approve_many

        def carry_out(
            tx: Transaction,
            found: BatchFile[RefundLine],
            _office: Institution,
            _part: int,
            lines: Sequence[RefundLine],
        ) -> list[Outcome]:
            known = rows.refunds_among(tx, [line.refund_no for line in lines])
            refused = {
                line.refund_no: _refusal(found.batch, line, known.get(line.refund_no)) for line in lines
            }
            approved = [line.refund_no for line in lines if refused[line.refund_no] is None]
            answers = dict(zip(approved, approve_many(tx, self._keyring, approved), strict=True))
            return [_outcome(refused[line.refund_no] or answers[line.refund_no]) for line in lines]

        return batch_running.run(self._store, REFUNDS, file, carry_out, progress, idempotency_key, authority)


def _under_review(
    tx: Transaction, authority: str, last: datetime | None, part_lines: int
) -> Iterator[list[RefundLine]]:
    """The lines of a new batch, part by part."""
    after, is_more = "", True
    while is_more:
        found = rows.under_review(tx, authority, after=after, limit=part_lines, applied_by=last)
        if found:
            yield [RefundLine(*row) for row in found]
            after = found[-1][0]
        is_more = len(found) == part_lines


def _refusal(batch: Batch, line: RefundLine, refund: Refund | None) -> EcnyTaxError | None:
    """Why a line is none that the authority may have paid so."""
    if refund is None:
        return NotFoundError("refund_not_found", refund_no=line.refund_no)
    if refund.authority != batch.authority:
        return RejectedError("batch_refund_of_another", refund_no=refund.refund_no, authority=batch.authority)
    if (refund.wallet_id, refund.amount) != (line.wallet_id, line.amount):
        return RejectedError("batch_refund_differs", refund_no=refund.refund_no)
    return None


def _outcome(answer: Refund | EcnyTaxError) -> Outcome:
    if isinstance(answer, EcnyTaxError):
        return Outcome(LineStatus.REFUSED, answer.code)
    if answer.status is RefundStatus.TREASURY_FAILED:
        return Outcome(LineStatus.TREASURY_FAILED, answer.failure_code or "")
    return Outcome(LineStatus.COMPLETED)
