"""Opening a database: what is refused, that a refusal changes nothing, and that a kill leaves no half."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ecny_tax.clock import BEIJING, FixedClock, parse_time
from ecny_tax.errors import EcnyTaxError, InvalidInputError, RejectedError, UnavailableError
from ecny_tax.money import yuan
from ecny_tax.sandbox import Sandbox, _is_new
from ecny_tax.store import sqlite as sqlite_store
from ecny_tax.store.migrations import APPLICATION_ID, newest_version

TEN = parse_time("2023-04-20")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A closed database in which money has moved."""
    path = tmp_path / "a.db"
    with Sandbox.open(path) as sandbox:
        sandbox.wallets.open(kind="personal", phone="13800000000", operator="ICBC", fund=yuan(10))
    return path


def contents(folder: Path) -> dict[str, str]:
    return {
        item.name: hashlib.sha256(item.read_bytes()).hexdigest()
        for item in folder.iterdir()
        if item.is_file() and not item.name.endswith(("-shm", "-wal"))
    }


def refused(code: str, path: Path | str, **options: Any) -> UnavailableError:
    with pytest.raises(UnavailableError) as refusal:
        Sandbox.open(path, **options)
    assert refusal.value.code == code
    for language in ("en", "zh"):
        assert refusal.value.message(language)
        assert refusal.value.hint_in(language)
    return refusal.value


def test_a_file_that_another_process_is_making_is_none_that_cannot_be_written(tmp_path: Path) -> None:
    path, over = tmp_path / "a.db", threading.Event()

    def make_and_remove() -> None:
        while not over.is_set():
            path.touch()
            path.unlink()

    other = threading.Thread(target=make_and_remove)
    other.start()
    try:
        until = time.monotonic() + 0.3
        while time.monotonic() < until:
            assert _is_new(path)
    finally:
        over.set()
        other.join()


# --- files that are not ours ------------------------------------------------------------------------


def _sqlite_of_another(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE notes (text TEXT); INSERT INTO notes VALUES ('mine');")


def _sqlite_with_the_mark_of_another(path: Path) -> None:
    _sqlite_of_another(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID + 1}")
        connection.execute(f"PRAGMA user_version = {newest_version()}")


FOREIGN: dict[str, Callable[[Path], object]] = {
    "text": lambda path: path.write_text("dear diary\n" * 1000),
    "one letter": lambda path: path.write_text("x"),
    "short text": lambda path: path.write_text("remember the milk\n" * 10),
    "binary": lambda path: path.write_bytes(bytes(range(256)) * 100),
    "zeros": lambda path: path.write_bytes(bytes(8192)),
    "SQLite": _sqlite_of_another,
    "SQLite with another mark": _sqlite_with_the_mark_of_another,
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_foreign_file_is_refused_and_nothing_is_written_beside_it(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.db"
    FOREIGN[kind](path)
    before = contents(tmp_path)
    for _ in range(2):
        assert refused("database_foreign", path).values["path"] == str(path)
    assert contents(tmp_path) == before
    assert [item.name for item in tmp_path.iterdir()] == ["a.db"]


def test_newer_schema_is_refused_and_left_as_it_is(tmp_path: Path, database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(f"PRAGMA user_version = {newest_version() + 1}")
    before = contents(tmp_path)
    values = refused("database_newer", database).values
    assert (values["version"], values["known"]) == (newest_version() + 1, newest_version())
    assert contents(tmp_path) == before


def test_empty_file_is_taken_as_a_new_database(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.touch()
    with Sandbox.open(path) as sandbox:
        assert sandbox.ledger.verify().ok


def test_damaged_file_is_refused_by_name(tmp_path: Path, database: Path) -> None:
    data = bytearray(database.read_bytes())
    page = int.from_bytes(data[16:18], "big")
    data[page:] = os.urandom(len(data) - page)
    database.write_bytes(data)
    with pytest.raises(UnavailableError) as refusal, Sandbox.open(database) as sandbox:
        sandbox.ledger.verify()
    assert refusal.value.code == "database_damaged"


def test_truncated_file_is_refused_by_name(tmp_path: Path, database: Path) -> None:
    size = database.stat().st_size
    for part in (200, size // 3, size - 5000):
        copy = tmp_path / f"{part}.db"
        copy.write_bytes(database.read_bytes()[:part])
        shutil.copy(f"{database}.keys", f"{copy}.keys")
        with pytest.raises(EcnyTaxError) as refusal, Sandbox.open(copy) as sandbox:
            sandbox.ledger.verify()
        assert refusal.value.code in {"database_damaged", "database_foreign"}


# --- places -----------------------------------------------------------------------------------------


def test_folder_that_does_not_exist_is_refused_and_not_made(tmp_path: Path) -> None:
    refused("database_unwritable", tmp_path / "no" / "such" / "a.db")
    assert list(tmp_path.iterdir()) == []


def test_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    refused("database_unwritable", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("", "database_path_malformed"),
        ("a\0.db", "database_path_malformed"),
        ("x" * 4097, "database_path_malformed"),
        ("mysql://localhost/x", "database_url_unknown"),
        ("file://a.db", "database_url_unknown"),
    ],
    ids=lambda text: text[:12] or "empty",
)
def test_what_is_no_path_is_refused(path: str, code: str) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        Sandbox.open(path)
    assert refusal.value.code == code


def test_a_url_of_another_kind_is_refused_without_showing_its_password() -> None:
    with pytest.raises(InvalidInputError) as refusal:
        Sandbox.open("postgresql+psycopg://u:se@cret@localhost/x")
    assert "postgresql+psycopg://***@localhost/x" in str(refusal.value)
    assert "cret" not in str(refusal.value)


@pytest.mark.parametrize("name", ["\ud800.db", "x" * 300], ids=["surrogate", "too long for a file name"])
def test_name_that_the_system_refuses_is_refused_by_name(tmp_path: Path, name: str) -> None:
    with pytest.raises((InvalidInputError, UnavailableError)):
        Sandbox.open(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def ordinary_user() -> Iterator[Path]:
    """A folder of somebody who is not root, as whom the test goes on: root may write everywhere."""
    folder = Path(tempfile.mkdtemp())
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    if root:
        # What is imported late must be there before the rights are gone.
        with Sandbox.open() as sandbox:
            sandbox.wallets.open(kind="personal", phone="13800000000", operator="ICBC")
        UnavailableError("keyring_mismatch").message()
        os.chown(folder, 65534, 65534)
        os.seteuid(65534)
    try:
        try:
            (folder / "probe").touch()
            (folder / "probe").unlink()
        except OSError:  # the temporary folder lies in a place that only root may enter
            pytest.skip("an ordinary user cannot enter the temporary folder")
        yield folder
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o700)
        shutil.rmtree(folder)


def test_folder_without_the_right_to_write_is_refused(ordinary_user: Path) -> None:
    ordinary_user.chmod(0o500)
    with pytest.raises(UnavailableError) as refusal:
        Sandbox.open(ordinary_user / "a.db")
    assert refusal.value.code in {"database_unwritable", "keyring_unwritable"}
    ordinary_user.chmod(0o700)
    assert list(ordinary_user.iterdir()) == []


def test_file_without_the_right_to_write_may_be_read_but_refuses_to_move_money(ordinary_user: Path) -> None:
    path = ordinary_user / "a.db"
    with Sandbox.open(path) as sandbox:
        wallet = sandbox.wallets.open(kind="personal", phone="13800000000", operator="ICBC", fund=yuan(10))
    path.chmod(0o400)
    before = contents(ordinary_user)
    with Sandbox.open(path) as sandbox:
        assert sandbox.wallets.show(wallet_id=wallet.wallet_id).balance == yuan(10)
        for write in (
            lambda: sandbox.wallets.top_up(wallet_id=wallet.wallet_id, amount=yuan(1)),
            lambda: sandbox.clock.set(datetime(2100, 1, 1, tzinfo=BEIJING)),
        ):
            with pytest.raises(UnavailableError, match="database_unwritable"):
                write()
        assert sandbox.wallets.show(wallet_id=wallet.wallet_id).balance == yuan(10)
    assert contents(ordinary_user) == before


def test_keyring_without_the_right_to_read_is_refused(ordinary_user: Path) -> None:
    path = ordinary_user / "a.db"
    Sandbox.open(path).close()
    Path(f"{path}.keys").chmod(0)
    refused("keyring_unreadable", path)


# --- locks ------------------------------------------------------------------------------------------


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_store, "BUSY_SECONDS", 0.2)


_HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def held_by_another_process(path: Path) -> Iterator[None]:
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        try:
            yield
        finally:
            process.communicate()


def test_database_locked_longer_than_the_wait_is_refused_and_works_again_after(
    impatient: None, database: Path
) -> None:
    with Sandbox.open(database) as sandbox:
        wallet = sandbox.wallets.list()[0].wallet_id
        with held_by_another_process(database):
            begun = time.monotonic()
            with pytest.raises(UnavailableError) as refusal:
                sandbox.wallets.top_up(wallet_id=wallet, amount=yuan(1))
            assert refusal.value.code == "database_busy"
            assert time.monotonic() - begun >= 0.15
            assert sandbox.wallets.show(wallet_id=wallet).balance == yuan(10)  # readers need not wait
        assert sandbox.wallets.top_up(wallet_id=wallet, amount=yuan(1)).balance == yuan(11)


def test_new_database_locked_by_another_process_is_refused(impatient: None, tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with held_by_another_process(path):
        refused("database_busy", path)
    with Sandbox.open(path) as sandbox:
        assert sandbox.ledger.verify().ok


def test_writer_waits_for_another_that_is_soon_done(database: Path) -> None:
    with Sandbox.open(database) as sandbox:
        wallet = sandbox.wallets.list()[0].wallet_id
        process = subprocess.Popen(
            [sys.executable, "-c", _HOLD, str(database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        process.kill()
        with process:
            assert sandbox.wallets.top_up(wallet_id=wallet, amount=yuan(1)).balance == yuan(11)


# --- keyrings ---------------------------------------------------------------------------------------


def test_missing_keyring_is_refused_and_not_made_anew(tmp_path: Path, database: Path) -> None:
    keys = Path(f"{database}.keys")
    away = keys.rename(tmp_path / "away")
    before = contents(tmp_path)
    refused("keyring_missing", database)
    assert contents(tmp_path) == before
    with Sandbox.open(database, keyring=away) as sandbox:
        assert len(sandbox.wallets.list()) == 1


def test_keyring_of_another_database_is_refused(tmp_path: Path, database: Path) -> None:
    Sandbox.open(tmp_path / "b.db").close()
    refused("keyring_mismatch", database, keyring=tmp_path / "b.db.keys")
    shutil.copy(tmp_path / "b.db.keys", f"{database}.keys")
    before = contents(tmp_path)
    refused("keyring_mismatch", database)
    assert contents(tmp_path) == before


def test_malformed_keyring_is_refused(database: Path) -> None:
    Path(f"{database}.keys").write_text("not a keyring")
    refused("keyring_unreadable", database)


def test_keyring_is_never_in_the_database(database: Path) -> None:
    seed = Path(f"{database}.keys").read_text("ascii").split()[-1]
    data = database.read_bytes()
    assert seed.encode() not in data
    assert bytes.fromhex(seed) not in data


def test_identities_are_never_in_the_clear(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with Sandbox.open(path) as sandbox:
        sandbox.wallets.open(
            kind="corporate", operator="ICBC", name="示例照明有限公司", id_number="91350100M000100Y43"
        )
        sandbox.wallets.open(kind="personal", phone="13812345678", operator="ICBC")
    data = path.read_bytes()
    for secret in ("示例照明有限公司", "91350100M000100Y43", "13812345678"):
        assert secret.encode() not in data


def test_refused_opening_leaves_no_connection_open(tmp_path: Path, database: Path) -> None:
    Path(f"{database}.keys").unlink()
    for _ in range(3):
        refused("keyring_missing", database)
    with closing(sqlite3.connect(database, timeout=0)) as connection:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")


# --- time -------------------------------------------------------------------------------------------


def test_time_before_the_newest_transfer_is_refused_and_changes_no_row(tmp_path: Path) -> None:
    clock = FixedClock(TEN)
    with Sandbox.open(tmp_path / "a.db", clock=clock) as sandbox:
        wallet = sandbox.wallets.open(
            kind="personal", phone="13800000000", operator="ICBC", fund=yuan(10)
        ).wallet_id
        before = sandbox.ledger.accounts()
        clock.at = TEN - timedelta(microseconds=1)
        with pytest.raises(RejectedError) as refusal:
            sandbox.wallets.top_up(wallet_id=wallet, amount=yuan(1))
        assert refusal.value.code == "clock_went_back"
        assert refusal.value.values["newest"] == "2023-04-20T10:00:00+08:00"
        with pytest.raises(RejectedError, match="clock_went_back"):
            sandbox.clock.set("2023-04-19")
        assert sandbox.ledger.accounts() == before
        clock.at = TEN  # the same instant is no step back
        sandbox.wallets.top_up(wallet_id=wallet, amount=yuan(1))


def test_database_made_in_the_future_refuses_the_system_clock(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with Sandbox.open(path, clock=FixedClock(parse_time("2199-01-01"))):
        pass
    with Sandbox.open(path) as sandbox:
        with pytest.raises(RejectedError, match="clock_went_back"):
            sandbox.wallets.open(kind="personal", phone="13800000000", operator="ICBC")
        sandbox.clock.set("2199-01-01")
        sandbox.wallets.open(kind="personal", phone="13800000000", operator="ICBC")


def test_clock_of_the_database_lasts(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    later = datetime.now(BEIJING) + timedelta(days=400)
    with Sandbox.open(path) as sandbox:
        assert not sandbox.clock.is_fixed()
        assert sandbox.clock.set(later) == later
    with Sandbox.open(path) as sandbox:
        assert sandbox.clock.is_fixed()
        assert sandbox.clock.now() == later
        assert sandbox.clock.advance(timedelta(hours=1)) == sandbox.clock.now() == later + timedelta(hours=1)
        assert abs(sandbox.clock.follow_system() - datetime.now(BEIJING)) < timedelta(minutes=5)
        assert not sandbox.clock.is_fixed()


@pytest.mark.parametrize("zone", [UTC, BEIJING], ids=["UTC", "Beijing"])
def test_days_are_those_of_beijing_whatever_the_zone_of_the_clock(zone: Any) -> None:
    evening_in_london = datetime(2023, 4, 20, 20, tzinfo=UTC)  # 04:00 of the 21st in Beijing
    with Sandbox.open(clock=FixedClock(evening_in_london.astimezone(zone))) as sandbox:
        one = sandbox.wallets.open(kind="personal", phone="13800000000", operator="ICBC", fund=yuan(10))
        other = sandbox.wallets.open(kind="personal", phone="13800000001", operator="ICBC")
        moved = sandbox.wallets.transfer(from_wallet=one.wallet_id, to_wallet=other.wallet_id, amount=yuan(1))
        assert moved.at.date().isoformat() == "2023-04-21"
        assert [check for check in sandbox.ledger.verify().checks if not check.ok] == []


# --- repeatable runs --------------------------------------------------------------------------------


def test_seeded_run_is_the_same_to_the_byte(tmp_path: Path) -> None:
    dumps = []
    for name in ("a.db", "b.db"):
        for _ in range(2):  # reopened, it goes on with other ids
            with Sandbox.open(tmp_path / name, clock=FixedClock(TEN), seed="story") as sandbox:
                sandbox.wallets.open(kind="personal", phone="13800000000", operator="ICBC", fund=yuan(1))
        with closing(sqlite3.connect(tmp_path / name)) as connection:
            dumps.append(list(connection.iterdump()))
    assert dumps[0] == dumps[1]
    assert (tmp_path / "a.db.keys").read_bytes() == (tmp_path / "b.db.keys").read_bytes()


# --- kills ------------------------------------------------------------------------------------------

_OPEN = """
import sys
import cryptography.hazmat.primitives.kdf.hkdf, ecny_tax.crypto.signatures, ecny_tax.rulebook
import ecny_tax.sandbox
ecny_tax.rulebook.PACKAGE.scheme.operators
print("ready", flush=True)
for path in sys.stdin:
    ecny_tax.sandbox.Sandbox.open(path.strip()).close()
    print("open", flush=True)
"""


def test_killed_during_the_first_opening_it_opens_whole_the_next_time(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    source = random.Random(seed)
    command = [sys.executable, "-c", _OPEN]
    survivors = halves = 0
    for attempt in range(16):
        path = tmp_path / f"{attempt}.db"
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            process.stdin.write(f"{path}\n")
            process.stdin.flush()
            time.sleep(source.uniform(0, 0.03))
            process.send_signal(signal.SIGKILL)
            survivors += process.stdout.read() == "open\n"
        halves += path.exists() and path.stat().st_size > 0
        with Sandbox.open(path) as sandbox:
            assert sandbox.ledger.verify().ok
            assert sandbox.status().transfers > 0
            assert len(sandbox.parties.list()) == 16
            sandbox.wallets.open(kind="personal", phone="13800000000", operator="ICBC", fund=yuan(1))
    print(f"{survivors} were open before the kill, {halves} had begun")


def test_readers_and_seeded_openings_wait_for_a_writer_too(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    Sandbox.open(path, seed=1).close()
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    timer = threading.Timer(1.5, lambda: (other.execute("COMMIT"), other.close()))
    timer.start()
    try:
        with Sandbox.open(path, seed=1) as s:
            assert s.status().wallets == 0
    finally:
        timer.join()


def test_a_closed_sandbox_says_so() -> None:
    s = Sandbox.open(":memory:")
    s.close()
    with pytest.raises(UnavailableError) as caught:
        s.wallets.list()
    assert caught.value.code == "database_closed"
