"""The access log (查阅日志): who asked under law for what of a wallet, and what came of it.

Each entry is sealed by an event of the transparency log, which bears the digest of all its columns.  Names,
id numbers and phones never stand in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import zip_longest
from struct import error as StructError

from ecny_tax.clock import micros
from ecny_tax.ledger.records import EntryColumns, entry_digest
from ecny_tax.store import journal
from ecny_tax.store.transaction import Row, Transaction

#: What the outcome of an entry says where nothing was refused.
DONE = "done"

_TEXTS = ("action", "wallet", "party", "instrument_no", "instrument_digest", "case_no", "asked", "outcome")
_COLUMNS = f"place, at, {', '.join(f'CAST({name} AS BLOB)' for name in _TEXTS)}"


@dataclass(frozen=True, slots=True)
class Entry:
    """What an entry says: ``action`` and ``asked`` what was wanted, ``outcome`` ``done`` or a refusal's code.

    ``party`` is None where nobody proved who asked; of an instrument whose signature did not verify nothing
    is written down.
    """

    action: str
    asked: str = ""
    outcome: str = DONE
    wallet_id: str | None = None
    party: str | None = None
    instrument_no: str | None = None
    instrument_digest: bytes | None = None
    case_no: str | None = None


def record(tx: Transaction, entry: Entry) -> int:
    """Add an entry to the log, and the event that seals it; its number."""
    row = tx.row(
        "INSERT INTO access (action, wallet, party, instrument_no, instrument_digest, case_no, asked,"
        " outcome, at) VALUES (:action, :wallet_id, :party, :instrument_no, :digest, :case_no, :asked,"
        " :outcome, :now) RETURNING place",
        action=entry.action,
        wallet_id=entry.wallet_id,
        party=entry.party,
        instrument_no=entry.instrument_no,
        digest=entry.instrument_digest,
        case_no=entry.case_no,
        asked=entry.asked,
        outcome=entry.outcome,
        now=micros(tx.now),
    )
    place = int(row[0]) if row else 0
    stored = tx.row(f"SELECT {_COLUMNS} FROM access WHERE place = :place", place=place)
    assert stored is not None  # noqa: S101 - it was written just now
    columns: EntryColumns = stored
    journal.record_digest(tx, entry_digest(columns))
    return place


def entries(tx: Transaction, wallet_id: str | None = None) -> list[Row]:
    """(place, at, action, wallet, party, instrument, case, asked, outcome), oldest first."""
    where = "" if wallet_id is None else " WHERE wallet = :wallet_id"
    return tx.rows(
        "SELECT place, at, action, wallet, party, instrument_no, case_no, asked, outcome"
        f" FROM access{where} ORDER BY place",
        **({} if wallet_id is None else {"wallet_id": wallet_id}),
    )


def digest_of(tx: Transaction, instrument_no: str) -> bytes | None:
    """The digest of the instrument that was first presented under a number, if any was."""
    row = tx.row(
        "SELECT instrument_digest FROM access WHERE instrument_no = :number ORDER BY place",
        number=instrument_no,
    )
    return row[0] if row else None


def was_done(tx: Transaction, *, instrument_no: str, wallet_id: str, actions: Iterable[str]) -> bool:
    """Whether an instrument has brought about one of ``actions`` with a wallet."""
    found = tx.rows(
        "SELECT action FROM access WHERE instrument_no = :number AND wallet = :wallet_id AND outcome = :done",
        number=instrument_no,
        wallet_id=wallet_id,
        done=DONE,
    )
    return not {row[0] for row in found}.isdisjoint(actions)


def first_altered(tx: Transaction) -> str:
    """The first entry that is not as an event says, such as ``access entry 3``; empty where all are."""
    sealed = tx.stream("SELECT digest FROM event WHERE digest IS NOT NULL ORDER BY place")
    written = tx.stream(f"SELECT {_COLUMNS} FROM access ORDER BY place")
    for number, (event, row) in enumerate(zip_longest(sealed, written), 1):
        if event is None or row is None or row[0] != number or _digest(row) != event[0]:
            return f"access entry {number}"
    return ""


def _digest(row: Row) -> bytes:
    """The digest of a row; of one that this library cannot have written, one that no entry has."""
    columns: EntryColumns = row
    try:
        return entry_digest(columns)
    except (StructError, TypeError):
        return b""
