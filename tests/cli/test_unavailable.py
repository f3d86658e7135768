"""What stands in the way of a run: unusable databases and keyrings, locks, signals, closed pipes."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Inside, World
from tests.cli.process import TODAY, Cli, contents, eventually
from tests.support import phone_number

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and files")
linux_only = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks into /proc")
OPEN = ("wallet", "open", "--kind", "personal", "--phone", phone_number(77), "--operator", "ICBC")


@contextlib.contextmanager
def locked(database: Path) -> Iterator[sqlite3.Connection]:
    """Hold the write lock of a database, as another process in the middle of a transaction does."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        connection.close()


def has_opened(process: subprocess.Popen[str], database: Path) -> bool:
    """Whether a process that is still running has a database file open."""
    assert process.poll() is None, process.communicate()
    with contextlib.suppress(OSError):
        for link in Path(f"/proc/{process.pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                if Path(os.readlink(link)) == database.resolve():
                    return True
    return False


# --- databases ------------------------------------------------------------------------------------


def test_a_file_that_is_no_database_is_foreign_and_left_alone(cli: Cli) -> None:
    file = cli.folder / "notes.txt"
    file.write_text("these are my notes\n" * 100)
    before = file.read_bytes()
    problem = cli.refused(7, "database_foreign", "status", "--db", "notes.txt")
    assert "notes.txt" in problem["detail"]
    cli.refused(7, "database_foreign", *OPEN, "--db", "notes.txt")
    assert file.read_bytes() == before
    assert sorted(path.name for path in cli.folder.iterdir()) == ["notes.txt"]


def test_a_database_of_another_program_is_foreign_and_left_alone(cli: Cli) -> None:
    file = cli.folder / "theirs.db"
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE transfer (id)")
        connection.commit()
    before = file.read_bytes()
    cli.refused(7, "database_foreign", *OPEN, "--db", "theirs.db")
    assert file.read_bytes() == before
    assert sorted(path.name for path in cli.folder.iterdir()) == ["theirs.db"]


def test_a_database_of_a_newer_version_is_left_alone(world: World, cli: Cli) -> None:
    with contextlib.closing(sqlite3.connect(world.database)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        connection.execute("PRAGMA user_version = 9999")
    before = contents(world.database)
    problem = cli.refused(7, "database_newer", *OPEN)
    assert "9999" in problem["detail"]
    assert str(version) in problem["detail"]
    assert contents(world.database) == before


@pytest.mark.parametrize("name", ["no/such/folder/s.db", "folder", ".", "/"])
def test_a_database_in_a_missing_folder_or_that_is_a_folder_makes_nothing(cli: Cli, name: str) -> None:
    (cli.folder / "folder").mkdir()
    cli.refused(7, "database_unwritable", *OPEN, "--db", name)
    assert [path.name for path in cli.folder.rglob("*")] == ["folder"]


def test_a_path_longer_than_the_system_allows_is_refused(cli: Cli) -> None:
    answer = cli.run("status", "--db", "x" * 300, "--json")
    assert answer.exit_code == 7, answer
    assert answer.problem["hint"]


def test_a_command_that_needs_no_database_does_not_mind_an_impossible_one(cli: Cli) -> None:
    assert cli.run("tax", "items", "--db", "x" * 300, "--json").exit_code == 0


def test_a_keyring_path_longer_than_the_system_allows_is_refused(cli: Cli) -> None:
    assert cli.asked("status", ECNY_TAX_KEYRING="x" * 300).exit_code == 7
    assert list(cli.folder.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="POSIX permissions")
def test_a_database_in_a_folder_that_may_not_be_read_is_refused(
    inside: Inside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may read everything, so the answer of the system is given here by hand."""
    real = os.stat

    def stat(path: object, *rest: object, **more: object) -> object:
        if "private" in os.fspath(path) if isinstance(path, str | os.PathLike) else False:
            raise PermissionError(13, "Permission denied", os.fspath(path))  # type: ignore[arg-type]
        return real(path, *rest, **more)  # type: ignore[arg-type,call-overload]

    monkeypatch.setattr(os, "stat", stat)
    assert inside("status", "--db", "private/s.db", "--json").problem["exit_code"] == 7


def test_a_database_without_its_keyring_is_refused_until_it_is_back(world: World, cli: Cli) -> None:
    keys = world.folder / "s.db.keys"
    keys.rename(world.folder / "away")
    before = contents(world.database)
    problem = cli.refused(7, "keyring_missing", *OPEN)
    assert "s.db.keys" in problem["detail"]
    assert not keys.exists()
    assert contents(world.database) == before
    (world.folder / "away").rename(keys)
    cli(*OPEN)


def test_a_keyring_of_another_database_is_refused(world: World, cli: Cli) -> None:
    cli("status", "--db", "other.db")
    before = contents(world.database)
    cli.refused(7, "keyring_mismatch", *OPEN, ECNY_TAX_KEYRING="other.db.keys")
    shutil.copy(world.folder / "other.db.keys", world.folder / "s.db.keys")
    cli.refused(7, "keyring_mismatch", *OPEN)
    assert contents(world.database) == before


@pytest.mark.parametrize("content", [b"", b"no keyring\n", b"ecny-tax keyring 1\nabcd\n", b"\xff\xfe\0"])
def test_a_broken_keyring_is_refused_and_left_alone(world: World, cli: Cli, content: bytes) -> None:
    keys = world.folder / "s.db.keys"
    keys.write_bytes(content)
    cli.refused(7, "keyring_unreadable", *OPEN)
    assert keys.read_bytes() == content


# --- locks ----------------------------------------------------------------------------------------


def test_a_reader_does_not_wait_for_a_writer(world: World, cli: Cli) -> None:
    with locked(world.database):
        assert cli("wallet", "list")["wallets"]


@linux_only
def test_a_writer_waits_for_another_one(world: World, cli: Cli) -> None:
    with locked(world.database) as other:
        process = cli.start(*OPEN, "--json", "--now", TODAY)
        eventually(lambda: has_opened(process, world.database))
        time.sleep(0.5)  # from opening it to asking for the lock
        other.execute("ROLLBACK")
        stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (0, "")
    assert '"status": "active"' in stdout


def test_a_writer_that_has_waited_long_enough_is_told_that_the_database_is_busy(
    world: World, inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ecny_tax.store.sqlite.BUSY_SECONDS", 0.2)
    before = contents(world.database)
    with locked(world.database):
        problem = inside(*OPEN, "--json", "--now", TODAY).problem
    assert (problem["exit_code"], problem["code"]) == (7, "database_busy")
    assert contents(world.database) == before


# --- signals --------------------------------------------------------------------------------------


@linux_only
def test_interrupting_a_wait_for_a_lock_ends_it_soon_with_130_and_nothing_done(
    world: World, cli: Cli
) -> None:
    before = contents(world.database)
    with locked(world.database):
        process = cli.start(*OPEN, "--json", "--now", TODAY)
        eventually(lambda: has_opened(process, world.database))
        time.sleep(0.5)  # from opening it to asking for the lock
        process.send_signal(signal.SIGINT)
        try:
            stdout, stderr = process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            pytest.fail("an interrupted command still waits for the lock after 10 s")
    assert (process.returncode, stdout, stderr.strip()) == (130, "", "")
    assert contents(world.database) == before


@linux_only
def test_a_command_interrupted_while_it_waited_for_a_lock_does_nothing_when_it_gets_it(
    world: World, cli: Cli
) -> None:
    before = contents(world.database)
    with locked(world.database) as other:
        process = cli.start(*OPEN, "--json", "--now", TODAY)
        eventually(lambda: has_opened(process, world.database))
        time.sleep(0.5)  # from opening it to asking for the lock
        process.send_signal(signal.SIGINT)
        other.execute("ROLLBACK")
        stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout, stderr.strip()) == (130, "", "")
    assert contents(world.database) == before


@posix_only
def test_interrupting_a_command_that_reads_its_input_ends_it_with_130(cli: Cli) -> None:
    os.mkfifo(cli.folder / "pipe")
    process = cli.start("tax", "quote", "income-tax", "--input", "pipe")
    with (cli.folder / "pipe").open("wb"):  # opens when the command has opened it too, to read
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout, stderr.strip()) == (130, "", "")


# --- output ---------------------------------------------------------------------------------------


@posix_only
@pytest.mark.parametrize(
    "command", ["ledger accounts", "ledger accounts --json", "--help", "wallet --help", "--version", "demo"]
)
def test_a_reader_who_has_seen_enough_is_no_error(world: World, cli: Cli, command: str) -> None:
    process = cli.start(*command.split())
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    stderr = process.stderr.read()
    process.stderr.close()
    assert (process.wait(timeout=60), stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("command", ["status", "status --json", "--version"])
def test_a_full_disk_behind_stdout_is_unavailable_and_no_bug(cli: Cli, command: str) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            cli.command(*command.split()),
            cwd=cli.folder,
            env=cli.environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            check=False,
        )
    assert "Traceback" not in done.stderr
    assert done.returncode == 7, done.stderr
