"""Taking the books away: the whole ledger as JSON lines, as CSV, or as a Beancount file.

Everything is streamed: memory grows with the accounts, not with the transfers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ecny_tax.clock import from_micros
from ecny_tax.errors import InvalidInputError
from ecny_tax.ledger.model import Ledger
from ecny_tax.money import yuan_text
from ecny_tax.store import beancount
from ecny_tax.store.snapshot import Snapshot, TransferRow, take, transfers
from ecny_tax.store.transaction import Store

#: What the first of the JSON lines says of the others.
JSONL_FORMAT, JSONL_VERSION = "ecny-tax ledger", 1
JSONL_AMOUNTS, JSONL_TIMES = "fen", "microseconds since 1970-01-01T00:00:00Z"

#: The one way in which a value is written as JSON here: keys in order, no blanks, text as it is.
canonical = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode

_CSV_COLUMNS = (
    "seq", "transfer_id", "posted_at", "asset", "kind", "debit_account", "credit_account", "amount",
    "user_data", "linked",
)  # fmt: skip
#: A spreadsheet would take what follows for a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Export:
    """The books as text: iterating gives the lines, each with its line end, of one state of the ledger."""

    format: str
    accounts: int
    transfers: int
    _lines: Callable[[], Iterator[str]]

    def __iter__(self) -> Iterator[str]:
        return self._lines()


def export(store: Store, format: str) -> Export:
    """The ledger as it is now, in ``beancount``, ``csv`` or ``jsonl``.

    Raises ``InvalidInputError`` (``ledger_format_unknown``).
    """
    writers = {"beancount": beancount.lines, "csv": _csv_lines, "jsonl": _json_lines}
    if format not in writers:
        raise InvalidInputError("ledger_format_unknown", value=format, known=", ".join(writers))
    snapshot, write = take(store), writers[format]
    return Export(format, len(snapshot.accounts), snapshot.transfers, lambda: write(store, snapshot))


def _json_lines(store: Store, snapshot: Snapshot) -> Iterator[str]:
    """A header, every account in the order of opening, every transfer in the order of the journal."""
    header = {
        "accounts": len(snapshot.accounts),
        "amounts": JSONL_AMOUNTS,
        "format": JSONL_FORMAT,
        "times": JSONL_TIMES,
        "transfers": snapshot.transfers,
        "version": JSONL_VERSION,
    }
    yield canonical(header) + "\n"
    for account in snapshot.accounts:
        yield canonical({"type": "account", **account._asdict()}) + "\n"
    for transfer in transfers(store, snapshot):
        yield canonical({"type": "transfer", **transfer._asdict(), "id": transfer.id.hex()}) + "\n"


def _csv_lines(store: Store, snapshot: Snapshot) -> Iterator[str]:
    """RFC 4180: a header and one row a transfer, amounts in yuan, lines ended by CR and LF."""
    names = {account.id: account.name for account in snapshot.accounts}
    yield ",".join(_CSV_COLUMNS) + "\r\n"
    for transfer in transfers(store, snapshot):
        yield ",".join(map(_cell, _csv_row(transfer, names))) + "\r\n"


def _csv_row(transfer: TransferRow, names: dict[int, str]) -> tuple[str, ...]:
    return (
        str(transfer.seq),
        transfer.id.hex(),
        from_micros(transfer.posted_at).isoformat(timespec="microseconds"),
        "e-CNY" if transfer.ledger == Ledger.ECNY else "deposits",
        transfer.kind,
        names.get(transfer.debit, f"account {transfer.debit}"),
        names.get(transfer.credit, f"account {transfer.credit}"),
        yuan_text(transfer.amount),
        transfer.user_data,
        str(transfer.flags),
    )


def _cell(text: str) -> str:
    """A cell that is quoted where it must be, and that no spreadsheet takes for a formula.

    The names and references of this library start with letters, and amounts have no sign; those of an
    imported ledger may be otherwise, and get an apostrophe before them.
    """
    if text.startswith(_FORMULA_STARTS):
        text = "'" + text
    return '"' + text.replace('"', '""') + '"' if any(char in text for char in ',"\r\n') else text
