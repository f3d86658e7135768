"""Writing a batch, and carrying one out part by part: what debits and refunds share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ecny_tax.crypto.keyring import Keyring
from ecny_tax.errors import ConflictError, NotFoundError, RejectedError
from ecny_tax.money import Fen
from ecny_tax.parties import service as parties
from ecny_tax.parties.model import Institution
from ecny_tax.payments import authorising, batch_rows
from ecny_tax.payments.batch_model import AnyLine, Batch, BatchProgress, Form, LineT, Outcome
from ecny_tax.store import Store, Transaction
from ecny_tax.store.idempotency import (
    Request,
    earlier_answer,
    earlier_outcome,
    remember,
    remember_unanswered,
)

if TYPE_CHECKING:
    from ecny_tax.payments.batch_file import BatchFile

#: Is told now and then how many bytes of the file are carried out.
Progress = Callable[[int], None]
#: Does what the lines of a part say: (transaction, file, authority, part, lines) → what came of each.
CarryOut = Callable[[Transaction, "BatchFile[LineT]", Institution, int, Sequence[LineT]], list[Outcome]]


def write(
    tx: Transaction,
    keyring: Keyring,
    form: Form[LineT],
    office: Institution,
    parts: Iterable[Sequence[AnyLine]],
    part_lines: int,
    deliver: Callable[[Iterable[str]], None],
) -> Batch:
    """Sign the lines of a batch as its authority, while ``deliver`` is given their text piece by piece."""
    from ecny_tax.crypto.signatures import encode
    from ecny_tax.payments import batch_file

    signed: list[Batch] = []

    def sign(lines: int, amount: Fen, digests: tuple[bytes, ...]) -> bytes:
        batch = Batch(tx.ids.number("K", tx.now), office.code, tx.now, lines, amount, part_lines, digests)
        signed.append(batch)
        payload = encode(batch_file.content_of(batch))
        return authorising.sign_as_authority(keyring, office, form.content_type, payload)

    deliver(batch_file.written(form.kind, parts, part_lines, sign))
    return signed[0]


def run(
    store: Store,
    form: Form[LineT],
    source: str | Path | bytes,
    carry_out: CarryOut[LineT],
    progress: Progress | None,
    idempotency_key: str | None,
    authority: str | None,
    again: Callable[[Exception], bool] = lambda _error: False,
) -> BatchProgress:
    """Check a file whole, and carry out every part that is not done yet.

    Each part is one transaction with the note that it is done, so that a run that was killed is gone on with.
    ``again`` says whether a part that raised is to be tried anew.
    """
    from ecny_tax.payments.batch_file import BatchFile

    with store.reading() as tx:
        keys = {office.party: office.public_key for office in parties.tax_authorities(tx)}
    file = BatchFile(source if isinstance(source, bytes) else Path(source), form, keys.get)
    batch = file.batch
    if authority is not None and batch.authority != authority:
        raise RejectedError("batch_of_another", batch_no=batch.batch_no, authority=batch.authority)
    request = Request("batch", f"tax_authority:{batch.authority}", idempotency_key, (file.digest.hex(),))
    with store.reading() as tx:
        if (earlier := earlier_answer(tx, request, BatchProgress)) is not None:
            return earlier
        part = batch_rows.parts_done(tx, batch.batch_no) if _is_taken_in(tx, file) else 0
    while part < len(batch.parts):
        text, lines = file.lines(part)
        try:
            with store.transaction() as tx:
                if not _is_taken_in(tx, file):
                    batch_rows.insert(tx, form.kind, batch, file.message)
                if earlier_outcome(tx, request, BatchProgress) is None:
                    remember_unanswered(tx, request, batch.batch_no)
                done = batch_rows.parts_done(tx, batch.batch_no)
                if done == part:  # and not by another process meanwhile
                    office = parties.tax_authority(tx, batch.authority)
                    outcomes = carry_out(tx, file, office, part, lines)
                    batch_rows.insert_part(tx, batch, part, text, lines, outcomes)
                    done += 1
        except Exception as error:
            if not again(error):
                raise
            continue
        part = done
        if progress is not None:
            progress(file.end_of(part))
    with store.reading() as tx:
        answer = progress_of(tx, batch.batch_no)
    if idempotency_key is None:
        return answer
    with store.transaction() as tx:  # another process may have answered meanwhile
        return earlier_answer(tx, request, BatchProgress) or remember(tx, request, answer)


def progress_of(tx: Transaction, batch_no: str) -> BatchProgress:
    """Raises ``NotFoundError`` (``batch_not_found``)."""
    found = batch_rows.progress(tx, batch_no)
    if found is None:
        raise NotFoundError("batch_not_found", batch_no=batch_no)
    return found


def _is_taken_in(tx: Transaction, file: BatchFile[LineT]) -> bool:
    """Whether the batch is known; ``batch_number_taken`` where its number is that of another one."""
    known = batch_rows.message(tx, file.batch.batch_no)
    if known is not None and not file.says_as(known):
        raise ConflictError("batch_number_taken", batch_no=file.batch.batch_no)
    return known is not None
