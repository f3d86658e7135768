"""The access log (查阅日志): who asked under law for what of a wallet, and what came of it.

Each entry is sealed by an event of the transparency log, which bears the digest of all its columns.  Names,
id numbers and phones never stand in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from struct import error as StructError

from ecny_tax.clock import from_micros, micros, rfc3339
from ecny_tax.errors import RejectedError, Said
from ecny_tax.ledger.records import EntryColumns, entry_digest
from ecny_tax.store import journal
from ecny_tax.store.transaction import Row, Transaction

#: What the outcome of an entry says where nothing was refused.
DONE = "done"

_TEXTS = ("action", "wallet", "party", "instrument_no", "instrument_digest", "case_no", "asked", "outcome")


def _columns(tx: Transaction) -> str:
    """The columns of :data:`EntryColumns`, text as the bytes that are stored."""
    return "place, at, " + ", ".join(
        name if name == "instrument_digest" else tx.as_bytes(name) for name in _TEXTS
    )


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


def stop_text(reason: str, until: int | None) -> str:
    """What the entry of a stop says was asked: the stop that is in force from then on."""
    return reason if until is None else f"{reason} until {rfc3339(from_micros(until).replace(microsecond=0))}"


def check_clock(tx: Transaction) -> None:
    """Time goes on: nothing is entered before the newest entry, so nobody makes an instrument valid again by
    turning the clock back; raises ``RejectedError`` (``clock_went_back``)."""
    row = tx.row("SELECT at FROM access ORDER BY place DESC LIMIT 1")
    if row is not None and micros(tx.now) < row[0]:
        raise RejectedError(
            "clock_went_back",
            now=rfc3339(tx.now),
            newest=rfc3339(from_micros(row[0])),
            what=Said("the newest entry of the access log", "查阅日志最新一条记录"),
        )


def record(tx: Transaction, entry: Entry) -> int:
    """Add an entry to the log, and the event that seals it; its number.

    Raises ``RejectedError`` (``clock_went_back``).
    """
    check_clock(tx)
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
    stored = tx.row(f"SELECT {_columns(tx)} FROM access WHERE place = :place", place=place)
    assert stored is not None  # noqa: S101 - it was written just now
    columns: EntryColumns = stored
    journal.record_digest(tx, entry_digest(columns))
    return place


def entries(
    tx: Transaction, wallet_id: str | None = None, *, after: int = 0, limit: int | None = None
) -> list[Row]:
    """(place, at, action, wallet, party, instrument, case, asked, outcome), oldest first."""
    where = "" if wallet_id is None else " AND wallet = :wallet_id"
    most = "" if limit is None else " LIMIT :limit"
    given = {"wallet_id": wallet_id, "limit": limit}
    return tx.rows(
        "SELECT place, at, action, wallet, party, instrument_no, case_no, asked, outcome"
        f" FROM access WHERE place > :after{where} ORDER BY place{most}",
        after=after,
        **{name: value for name, value in given.items() if value is not None},
    )


def digest_of(tx: Transaction, issuer: str, instrument_no: str) -> bytes | None:
    """The digest of the instrument that an issuer's first one under a number had, if there was any; what
    others sign under it says nothing about the issuer's."""
    row = tx.row(
        "SELECT instrument_digest FROM access WHERE instrument_no = :number AND party = :issuer"
        " ORDER BY place",
        number=instrument_no,
        issuer=issuer,
    )
    return row[0] if row else None


def was_done(
    tx: Transaction,
    action: str,
    *,
    issuer: str,
    instrument_no: str,
    wallet_id: str,
    case_no: str | None = None,
) -> bool:
    """Whether an issuer's instrument, of that case where one is given, has brought about an action with a
    wallet."""
    found = tx.row(
        "SELECT 1 FROM access WHERE instrument_no = :number AND party = :issuer AND wallet = :wallet_id"
        " AND action = :action AND outcome = :done AND case_no = coalesce(:case_no, case_no)",
        case_no=case_no,
        number=instrument_no,
        issuer=issuer,
        wallet_id=wallet_id,
        action=action,
        done=DONE,
    )
    return found is not None


def first_altered(tx: Transaction) -> str:
    """The first entry that is not as an event says, such as ``access entry 3``; empty where all are."""
    sealed = tx.stream("SELECT digest FROM event WHERE digest IS NOT NULL ORDER BY place")
    written = tx.stream(f"SELECT {_columns(tx)} FROM access ORDER BY place")
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
