"""Batch debits (批量扣税): writing the file that an authority signs, and carrying one out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from ecny_tax.errors import InvalidInputError
from ecny_tax.parties import service as parties
from ecny_tax.parties.model import Institution
from ecny_tax.payments import batch_model, batch_rows, batch_running
from ecny_tax.payments.batch_model import DEBITS, RESULT_COLUMNS, Batch, BatchProgress, Line, Outcome
from ecny_tax.payments.batch_running import Progress
from ecny_tax.payments.service import Payments
from ecny_tax.store import Transaction
from ecny_tax.taxes import rows as tax_rows
from ecny_tax.taxes.model import Tax

if TYPE_CHECKING:
    from ecny_tax.payments.batch_file import BatchFile


class BatchPayments(Payments):
    """Payments, with those that an authority collects in batches."""

    def write_batch(
        self,
        *,
        deliver: Callable[[Iterable[str]], None],
        authority: str | None = None,
        due_by: date | None = None,
        tax: str | None = None,
        part_lines: int = batch_model.PART_LINES,
    ) -> Batch:
        """Write the file of a batch: an authority's open bills that can be debited so, signed as a whole.

        These are the bills that a verified agreement on batch debits (批扣标志) covers, with what there is to
        pay today; ``due_by`` leaves out bills that fall due later, ``tax`` those of other taxes
        (``stamp-duty``, ``income-tax``, ``other``).  ``deliver`` is given the pieces of the text, in order.
        ``part_lines`` lines are carried out in one transaction.  Raises ``batch_empty``, ``batch_too_long``,
        ``batch_part_malformed``, ``tax_unknown`` and ``tax_authority_not_found``.
        """
        batch_model.check_part_lines(part_lines)
        if tax is not None and tax not in tuple(Tax):
            raise InvalidInputError("tax_unknown", value=tax)
        with self._store.reading() as tx:
            office = parties.tax_authority(tx, authority)

            parts = _covered_lines(tx, office.code, due_by, tax, part_lines)
            return batch_running.write(tx, self._keyring, DEBITS, office, parts, part_lines, deliver)

    def pay_batch(
        self,
        *,
        file: str | Path | bytes,
        progress: Progress | None = None,
        idempotency_key: str | None = None,
        authority: str | None = None,
    ) -> BatchProgress:
        """Carry out a batch: debit what its lines say, each by the rules of a single debit.

        A line that is refused moves nothing and hinders no other; its result bears the code.  It is done part
        by part, and what is done is known with it: after a kill the same file goes on where it stopped, and
        a file that is done answers the same again and moves nothing.  ``file`` is a path, or the bytes of
        a file; with an ``authority``, a batch of any other is refused (``batch_of_another``).  Raises what
        :class:`ecny_tax.payments.batch_file.BatchFile` raises, having moved nothing, ``batch_number_taken``
        and ``tax_authority_not_found``.
        """
        from ecny_tax.payments import batch_debits

        refused_by_ledger: dict[int, str] = {}

        def carry_out(
            tx: Transaction, found: BatchFile[Line], office: Institution, part: int, lines: Sequence[Line]
        ) -> list[Outcome]:
            return batch_debits.carry_out(tx, self._keyring, found, office, part, lines, refused_by_ledger)

        def again(error: Exception) -> bool:
            if isinstance(error, batch_debits.RefusedByLedger):
                refused_by_ledger.update(error.results)
                return True
            return False

        return batch_running.run(
            self._store, DEBITS, file, carry_out, progress, idempotency_key, authority, again=again
        )

    def batch(self, *, batch_no: str) -> BatchProgress:
        """How far a batch is carried out; raises ``NotFoundError`` (``batch_not_found``)."""
        with self._store.reading() as tx:
            return batch_running.progress_of(tx, batch_no)

    def batches(self) -> tuple[BatchProgress, ...]:
        """Every batch that was taken in, oldest first."""
        with self._store.reading() as tx:
            return tuple(batch_rows.batches(tx))

    def batch_results(self, *, batch_no: str) -> Iterator[str]:
        """What came of each line so far, as the text of a CSV file, piece by piece.

        Raises ``NotFoundError`` (``batch_not_found``).
        """
        columns = RESULT_COLUMNS[self.batch(batch_no=batch_no).kind]
        return self._results(batch_no, columns)

    def _results(self, batch_no: str, columns: str) -> Iterator[str]:
        """Parts that are carried out change no more, so that each may be read by itself."""
        yield columns
        for part in range(batch_model.MAX_PARTS):
            with self._store.reading() as tx:
                text = batch_rows.results(tx, batch_no, part)
            if text is None:
                return
            yield text


def _covered_lines(
    tx: Transaction, authority: str, due_by: date | None, tax: str | None, part_lines: int
) -> Iterator[list[Line]]:
    """The lines of a new batch, part by part."""
    after, is_more = "", True
    while is_more:
        covered = batch_rows.covered(tx, authority, after=after, limit=part_lines, due_by=due_by, tax=tax)
        bills = tax_rows.due_bills_among(tx, [bill_no for bill_no, *_ in covered])
        if covered:
            yield [
                Line(bill_no, agreement_no, wallet_id, bills[bill_no].total)
                for bill_no, agreement_no, wallet_id in covered
            ]
            after = covered[-1][0]
        is_more = len(covered) == part_lines
