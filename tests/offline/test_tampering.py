"""Whoever changes a row of offline payment outside this package is found by ``ledger verify``."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ecny_tax import Fen, FixedClock, Sandbox
from ecny_tax.errors import RejectedError
from ecny_tax.offline.bundles import VoucherBundle
from ecny_tax.offline.device import Device
from tests.support import START, corporate, owe

TABLES = ("voucher", "device_load", "revocation")

#: The columns whose change is not found, in whatever row, and why.
NOT_FOUND = {
    "voucher.accepted_at": "what the terminal's receipt said, and the receipt is not kept",
    "voucher.decided_at": "the clock of the books; nobody signs it (later only: see revocation.since)",
    "device_load.loaded_at": "the clock of the books; the load certificate names only the ends",
    "revocation.reason": "a word for people; the list that is signed holds numbers and times",
    "revocation.number": "the order of revoking is not signed",
}
#: Those whose change is found in some rows only: a change to this, and why not in every row.
SOMETIMES = {
    "voucher.code": "why a voucher was rejected is not signed; that there is a code is checked, and what a"
    " settled or disputed one may say",
    "voucher.place": "the order of decision is not signed; only that a dispute has one before it",
    "device_load.evidence": "nothing else says that a proof was kept; one of another content is found",
    "device_load.released_at": "a load with nothing left looks alike, released or not",
    "revocation.since": "what was revoked by hand is in no signature that is kept; a double spend is revoked"
    " no later than it was decided",
}


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two settled vouchers, a rejected one whose value went back, a disputed one; a load that is spent in
    part, one that was given back, one that a copy tried to give back, and one that nobody touched."""
    path = tmp_path_factory.mktemp("books") / "a.db"
    clock = FixedClock(START)
    with Sandbox.open(path, clock=clock, seed="tampering") as s:
        wallet = corporate(s, fund=Fen(9000_00))
        device = Device.create(None)
        s.offline.enroll(device=device, wallet_id=wallet.wallet_id)
        terminal = s.offline.terminal()

        def pay(one: Device, amount: int, bill_no: str | None = None) -> VoucherBundle:
            bill_no = bill_no or owe(s, wallet, amount).bill_no
            asked = terminal.request(bill_no=bill_no, amount=Fen(amount), at=clock.now())
            return one.pay(asked, at=clock.now())

        s.offline.load(device=device, amount=Fen(300_00))
        for _ in range(2):
            terminal.accept(pay(device, 100_00).to_text(), at=clock.now())
        s.offline.redeem_terminal(terminal=terminal)
        s.offline.redeem(vouchers=[pay(device, 50_00, "B404")])
        given_back = s.offline.load(device=device, amount=Fen(40_00))
        s.offline.unload(statement=device.unload(given_back.load_id, at=clock.now()))
        copied = s.offline.load(device=device, amount=Fen(400_00))
        copy, spare = device.copied(), device.copied()
        s.offline.load(device=device, amount=Fen(60_00))
        s.offline.redeem(vouchers=[pay(device, 350_00), pay(copy, 351_00)])
        with pytest.raises(RejectedError, match="unload_contradicted"):
            s.offline.unload(statement=spare.unload(copied.load_id, at=clock.now()))
    assert is_found(path) == set()
    return path


def is_found(path: Path) -> set[str]:
    """The checks of ``ledger verify --signatures`` that fail."""
    with Sandbox.open(path, clock=FixedClock(START), seed="check") as s:
        more = (s.payments.check_authorisations(), s.offline.check_vouchers())
        return {one.promise for one in (*s.ledger.verify().checks, *more) if not one.ok}


def changed(books: Path, sql: str, *values: Any) -> Path:
    """A copy of the books with a change that no part of this package would make."""
    path = books.with_name("x.db")
    for old in books.parent.glob("x.db*"):
        old.unlink()
    for file in books.parent.glob("a.db*"):
        shutil.copy(file, path.with_name(file.name.replace("a.db", "x.db")))
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        for (trigger,) in raw.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            raw.execute(f"DROP TRIGGER {trigger}")
        raw.execute(sql, values)
    return path


def rows(books: Path, table: str) -> Iterator[tuple[int, dict[str, Any]]]:
    with closing(sqlite3.connect(books)) as raw:
        found = raw.execute(f"SELECT rowid AS row_number, * FROM {table}")
        names = [one[0] for one in found.description][1:]
        for number, *values in found.fetchall():
            yield number, dict(zip(names, values, strict=True))


def others(value: Any) -> list[Any]:
    """What somebody could put in its place: nothing, something near, something strange."""
    if value is None:
        return [1, "X", b"\x00"]
    if isinstance(value, int):
        return [None, value + 1, value - 1, 0]
    if isinstance(value, str):
        return [None, f"{value}X", ""]
    return [None, b"", value[:-1], value[:-1] + bytes((value[-1] ^ 1,))]


def attempts(books: Path, table: str, column: str) -> Iterator[tuple[str, bool]]:
    """Each row and value that the database takes, and whether the change is found."""
    for number, row in rows(books, table):
        for value in others(row[column]):
            if value == row[column]:
                continue
            try:
                path = changed(books, f"UPDATE {table} SET {column} = ? WHERE rowid = ?", value, number)
            except sqlite3.Error:
                continue  # the schema does not let it in
            yield f"row {number}: {row[column]!r:.40} -> {value!r:.40}", bool(is_found(path))


def columns(table: str) -> list[str]:
    with Sandbox.open(":memory:") as s, s._store.reading() as tx:
        return [row[1] for row in tx.rows(f"PRAGMA table_info ({table})")]


@pytest.mark.parametrize(
    ("table", "column"), [(table, column) for table in TABLES for column in columns(table)]
)
def test_change_of_any_column_is_found_but_of_those_named(books: Path, table: str, column: str) -> None:
    """Every column of ``voucher``, ``device_load`` and ``revocation``, in every row, with several values.

    Not found is a change of:

    * ``voucher.accepted_at``: the receipt that says it is not kept;
    * ``voucher.decided_at`` and ``device_load.loaded_at``: the clock of the books, which nobody signs;
    * ``revocation.reason`` and ``number``: the list that is signed holds neither;
    * ``voucher.place``: the order of decision, unless a dispute comes to stand before what it contradicts;
    * ``voucher.code`` of a rejected voucher, from one code to another: nobody signs why;
    * ``device_load.evidence`` that is taken away: nothing else says that a proof was kept (so a disputed
      voucher whose whole row is taken away is not missed either);
    * ``device_load.released_at`` of a load of which nothing is left: no money tells the difference;
    * ``revocation.since`` of what was revoked by hand, since earlier lists are not kept: here all was revoked
      for a double spend, where it may not be later than the decision (earlier, and nobody can tell).
    """
    name = f"{table}.{column}"
    made = dict(attempts(books, table, column))
    assert made, name
    missed = [change for change, found in made.items() if not found]
    if name in NOT_FOUND:
        assert len(missed) > 0
    elif name in SOMETIMES:
        assert len(missed) < len(made)
    else:
        assert not missed


@pytest.mark.parametrize("value", [None, b"", b"\x00", "X"])
def test_change_of_what_authorised_an_offline_payment_is_found(books: Path, value: Any) -> None:
    for number, row in rows(books, "payment"):
        assert row["mode"] == "offline"
        try:
            path = changed(books, "UPDATE payment SET authorisation = ? WHERE rowid = ?", value, number)
        except sqlite3.Error:
            continue
        assert "I9" in is_found(path)


CHANGES = {
    "authorisations of two payments changed over": "UPDATE payment SET authorisation = (SELECT authorisation"
    " FROM payment p WHERE p.rowid = 3 - payment.rowid) WHERE rowid < 3",
    "bundles of two vouchers changed over": "UPDATE voucher SET bundle = (SELECT bundle FROM voucher v"
    " WHERE v.place = 3 - voucher.place) WHERE place < 3",
    "payments of two vouchers changed over": "UPDATE voucher SET payment_no = (SELECT payment_no FROM voucher"
    " v WHERE v.place = 3 - voucher.place) WHERE place < 3",
    "a dispute made a rejection": "UPDATE voucher SET status = 'rejected', evidence = NULL, counter = 90"
    " WHERE status = 'disputed'",
    "a dispute with the evidence turned round": "UPDATE voucher SET evidence = (SELECT evidence FROM"
    " device_load WHERE evidence IS NOT NULL) WHERE status = 'disputed'",
    "a status that is none": "UPDATE voucher SET status = 'lost' WHERE status = 'rejected'",
    "a settled voucher taken away": "DELETE FROM voucher WHERE place = 1",
    "the revocations taken away": "DELETE FROM revocation",
    "the load's revocation taken away": "DELETE FROM revocation WHERE serial LIKE 'L%'",
    "the revocations made later": "UPDATE revocation SET since = since + 1",
    "a load that nobody touched taken away": "DELETE FROM device_load WHERE amount = 6000",
    "a load of no device": "UPDATE device_load SET device_id = 'D0' WHERE amount = 6000",
    "a load of no certificate": "UPDATE device_load SET certificate = 'C0' WHERE amount = 6000",
    "an unload statement taken away": "UPDATE device_load SET unload = NULL",
    "an open load released": "UPDATE device_load SET released_at = 1 WHERE amount = 6000",
    "the root certificate taken away": "DELETE FROM certificate WHERE kind = 'root'",
    "certificates of another content": "UPDATE certificate SET message = x'00' WHERE kind = 'device'",
}


@pytest.mark.parametrize("sql", CHANGES.values(), ids=CHANGES)
def test_change_across_rows_is_found(books: Path, sql: str) -> None:
    with closing(sqlite3.connect(books)) as raw:
        raw.execute("BEGIN")
        for (trigger,) in raw.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            raw.execute(f"DROP TRIGGER {trigger}")
        assert raw.execute(sql).rowcount > 0
        raw.rollback()
    assert is_found(changed(books, sql))
