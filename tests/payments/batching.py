"""What the tests of batches share: files as an authority writes them, and as it never would."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from ecny_tax import Sandbox
from ecny_tax.agreements.model import Agreement
from ecny_tax.crypto.signatures import encode
from ecny_tax.money import Fen
from ecny_tax.parties import service as parties
from ecny_tax.payments import authorising, batch_file
from ecny_tax.payments.batch_model import DEBITS, Batch, BatchProgress, Line
from ecny_tax.taxes.model import Bill
from ecny_tax.wallets.model import Wallet
from tests.support import AUTHORITY


def write(s: Sandbox, file: Path, **wishes: object) -> Batch:
    """The file of a batch, as ``batch write`` makes it."""
    return s.payments.write_batch(
        deliver=lambda text: file.write_text("".join(text)),  # type: ignore[arg-type]
        **wishes,  # type: ignore[arg-type]
    )


def sign(
    s: Sandbox,
    file: Path,
    lines: Sequence[Line],
    *,
    authority: str = AUTHORITY,
    signer: str | None = None,
    part_lines: int = 2,
    batch_no: str | None = None,
) -> None:
    """A file of exactly these lines, in this order, said to be of one authority and signed by another."""
    with s._store.reading() as tx:
        office = parties.tax_authority(tx, signer or authority)
        number = batch_no or tx.ids.number("K", tx.now)

        def signed(count: int, amount: Fen, parts: tuple[bytes, ...]) -> bytes:
            batch = Batch(number, authority, tx.now, count, amount, part_lines, parts)
            content = batch_file.content_of(batch)
            return authorising.sign_as_authority(s._keyring, office, DEBITS.content_type, encode(content))

        parts = [list(lines[start : start + part_lines]) for start in range(0, len(lines), part_lines)]
        file.write_text("".join(batch_file.written(DEBITS.kind, parts, part_lines, signed)))


def line(bill: Bill, agreement: Agreement, wallet: Wallet | None = None) -> Line:
    """The line that debits a bill under an agreement."""
    wallet_id = agreement.wallet_id if wallet is None else wallet.wallet_id
    return Line(bill.bill_no, agreement.agreement_no, wallet_id, bill.total)


def lines_of(file: Path) -> list[Line]:
    """What the lines of a file say."""
    found = (text.split(",") for text in file.read_text().splitlines()[1:-1])
    return [
        Line(bill, agreement, wallet, Fen(int(yuan.replace(".", ""))))
        for bill, agreement, wallet, yuan in found
    ]


def results(s: Sandbox, done: BatchProgress) -> list[dict[str, str]]:
    """The result of each line."""
    text = "".join(s.payments.batch_results(batch_no=done.batch_no))
    return list(csv.DictReader(text.splitlines()))


def codes(s: Sandbox, done: BatchProgress) -> list[str]:
    """What each line was refused with; ``settled`` where it was paid."""
    return [result["code"] or result["status"] for result in results(s, done)]
