"""Batch debits (批量扣税): writing the file that an authority signs, and carrying one out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from ecny_tax.crypto.keyring import Keyring
from ecny_tax.errors import ConflictError, InvalidInputError, NotFoundError
from ecny_tax.money import Fen
from ecny_tax.parties import service as parties
from ecny_tax.payments import authorising, batch_model, batch_rows
from ecny_tax.payments.batch_model import Batch, BatchProgress, Line
from ecny_tax.payments.service import Payments
from ecny_tax.store import Store, Transaction
from ecny_tax.store.idempotency import Request, earlier_answer, remember
from ecny_tax.taxes import rows as tax_rows
from ecny_tax.taxes.model import Tax

if TYPE_CHECKING:
    from ecny_tax.payments.batch_file import BatchFile

#: Is told now and then how many bytes of the file are carried out.
Progress = Callable[[int], None]


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
        from ecny_tax.crypto.signatures import encode
        from ecny_tax.payments import batch_file

        batch_model.check_part_lines(part_lines)
        if tax is not None and tax not in tuple(Tax):
            raise InvalidInputError("tax_unknown", value=tax)
        signed: list[Batch] = []
        with self._store.reading() as tx:
            office = parties.tax_authority(tx, authority)

            def sign(lines: int, amount: Fen, parts: tuple[bytes, ...]) -> bytes:
                number = tx.ids.number("K", tx.now)
                batch = Batch(number, office.code, tx.now, lines, amount, part_lines, parts)
                signed.append(batch)
                payload = encode(batch_file.content_of(batch))
                return authorising.sign_as_authority(self._keyring, office, batch_model.CONTENT_TYPE, payload)

            parts = _covered_lines(tx, office.code, due_by, tax, part_lines)
            deliver(batch_file.written(parts, part_lines, sign))
        return signed[0]

    def pay_batch(
        self, *, file: str | Path, progress: Progress | None = None, idempotency_key: str | None = None
    ) -> BatchProgress:
        """Carry out a batch: debit what its lines say, each by the rules of a single debit.

        A line that is refused moves nothing and hinders no other; its result bears the code.  It is done part
        by part, and what is done is known with it: after a kill the same file goes on where it stopped, and
        a file that is done answers the same again and moves nothing.  Raises what
        :class:`ecny_tax.payments.batch_file.BatchFile` raises, having moved nothing, ``batch_number_taken``
        and ``tax_authority_not_found``.
        """
        from ecny_tax.payments.batch_file import BatchFile

        with self._store.reading() as tx:
            keys = {office.party: office.public_key for office in parties.tax_authorities(tx)}
        found = BatchFile(Path(file), keys.get)
        batch = found.batch
        request = Request("batch", f"tax_authority:{batch.authority}", idempotency_key, (found.digest.hex(),))
        with self._store.reading() as tx:
            if (earlier := earlier_answer(tx, request, BatchProgress)) is not None:
                return earlier
        _carry_out(self._store, self._keyring, found, progress)
        answer = self.batch(batch_no=batch.batch_no)
        if idempotency_key is None:
            return answer
        with self._store.transaction() as tx:  # another process may have answered meanwhile
            return earlier_answer(tx, request, BatchProgress) or remember(tx, request, answer)

    def batch(self, *, batch_no: str) -> BatchProgress:
        """How far a batch is carried out; raises ``NotFoundError`` (``batch_not_found``)."""
        with self._store.reading() as tx:
            return _progress(tx, batch_no)

    def batches(self) -> tuple[BatchProgress, ...]:
        """Every batch that was taken in, oldest first."""
        with self._store.reading() as tx:
            return tuple(batch_rows.batches(tx))

    def batch_results(self, *, batch_no: str) -> Iterator[str]:
        """What came of each line so far, as the text of a CSV file, piece by piece.

        Raises ``NotFoundError`` (``batch_not_found``).
        """
        self.batch(batch_no=batch_no)
        return self._results(batch_no)

    def _results(self, batch_no: str) -> Iterator[str]:
        """Parts that are carried out change no more, so that each may be read by itself."""
        yield batch_model.RESULT_COLUMNS
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


def _carry_out(store: Store, keyring: Keyring, file: BatchFile, progress: Progress | None) -> None:
    """Carry out every part that is not done yet, each in one transaction with the note that it is done."""
    from ecny_tax.payments import batch_debits

    batch, refused_by_ledger = file.batch, dict[int, str]()
    with store.reading() as tx:
        part = batch_rows.parts_done(tx, batch.batch_no) if _is_taken_in(tx, file) else 0
    while part < len(batch.parts):
        text, lines = file.lines(part)
        try:
            with store.transaction() as tx:
                if not _is_taken_in(tx, file):
                    batch_rows.insert(tx, batch, file.message)
                done = batch_rows.parts_done(tx, batch.batch_no)
                if done == part:  # and not by another process meanwhile
                    office = parties.tax_authority(tx, batch.authority)
                    outcomes = batch_debits.carry_out(
                        tx, keyring, file, office, part, lines, refused_by_ledger
                    )
                    batch_rows.insert_part(tx, batch, part, text, lines, outcomes)
                    done += 1
        except batch_debits.RefusedByLedger as refusal:
            refused_by_ledger |= refusal.results
            continue
        part = done
        if progress is not None:
            progress(file.end_of(part))


def _is_taken_in(tx: Transaction, file: BatchFile) -> bool:
    """Whether the batch is known; ``batch_number_taken`` where its number is that of another one."""
    known = batch_rows.message(tx, file.batch.batch_no)
    if known is not None and not file.says_as(known):
        raise ConflictError("batch_number_taken", batch_no=file.batch.batch_no)
    return known is not None


def _progress(tx: Transaction, batch_no: str) -> BatchProgress:
    found = batch_rows.progress(tx, batch_no)
    if found is None:
        raise NotFoundError("batch_not_found", batch_no=batch_no)
    return found
