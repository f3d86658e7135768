"""I16 on real disks that are full or may not be written: exit 7, nothing half done, and the key converges.

Root gets file systems of a test's own, a small one to fill and one that is mounted read-only.  Everybody else
still meets real faults: a limit on the size of files, and permissions that were taken away.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ecny_tax import FixedClock, Sandbox, UnavailableError, yuan
from ecny_tax.offline.device import Device
from tests.cli.process import Answer, Cli, StartedCli, clean_environment, contents
from tests.cli.warm import Server
from tests.support import START, corporate, judged, owe

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX limits, permissions and mounts")

KIB = 1024
#: Room for a new database and a few hundred KiB of write-ahead log.
DISK = 1_600 * KIB
PAY = ("pay", "--tax", "stamp-duty", "--item", "sale_contract", "--base", "10000000", "--wallet")
READING = ["wallet show {}", "wallet list", "wallet statement {}", "payments list", "ledger accounts",
           "ledger verify", "status", "clock show"]  # fmt: skip
MODULE = "sys.argv[0] = 'ecny-tax'; runpy.run_module('ecny_tax', run_name='__main__')"


# --- faults ---------------------------------------------------------------------------------------


@contextlib.contextmanager
def mounted(folder: Path, *how: str) -> Iterator[Path]:
    """Mount something on a new folder, or skip the test where the system does not let us."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a file system needs root on Linux")
    folder.mkdir()
    done = subprocess.run(["mount", *how, str(folder)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = done.stderr.strip().partition("\n")[0].rpartition(": ")[2]
        pytest.skip(f"no file system can be mounted here: {reason}")
    try:
        yield folder
    finally:
        for way in ([], ["-l"]):  # lazily, should a failed test have left a file open
            undone = subprocess.run(["umount", *way, str(folder)], capture_output=True, check=False)
            if undone.returncode == 0:
                break


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of this test alone."""
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs") as folder:
        yield folder


def fill(disk: Path, *, leave: int = 0) -> Path:
    """Write to a disk until there is no more room than ``leave`` bytes; the file that takes it."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while shutil.disk_usage(disk).free > leave:
            file.write(bytes(4 * KIB))
    assert shutil.disk_usage(disk).free <= leave
    return filler


class LimitedCli(StartedCli):
    """The command in a process that may make no file longer than ``limit`` bytes."""

    def __init__(self, folder: Path, limit: int, **environment: str) -> None:
        super().__init__(folder, **environment)
        self._limit = limit

    def command(self, *arguments: str | Path) -> list[str]:
        limited = f"resource.setrlimit(resource.RLIMIT_FSIZE, ({self._limit}, {self._limit}))"
        code = f"import resource, runpy, sys; {limited}; {MODULE}"
        return [sys.executable, "-c", code, *map(str, arguments)]


class PlainUserCli(Cli):
    """The command in a process that permissions bind; root gives up its power to override them."""

    #: PR_CAPBSET_DROP of CAP_DAC_OVERRIDE, which takes effect with the exec after it.
    _WAIVE = (
        "import ctypes, os, sys; ctypes.CDLL(None).prctl(24, 1, 0, 0, 0);"
        " os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    )

    def server(self) -> Server:
        return _plain_server(*self._python())

    def command(self, *arguments: str | Path) -> list[str]:
        return [*self._python(), *super().command(*arguments)[1:]]

    def _python(self) -> list[str]:
        return [sys.executable, "-c", self._WAIVE] if os.geteuid() == 0 else [sys.executable]

    def may_write(self, path: Path) -> bool:
        """Whether a process like that of the command may write to a file or folder, by asking the system."""
        asking = [*self._python(), "-c", f"import os, sys; sys.exit(not os.access({str(path)!r}, os.W_OK))"]
        tried = subprocess.run(asking, check=False)
        return tried.returncode == 0


@cache
def _plain_server(*python: str) -> Server:
    found = Server(clean_environment(), *python)
    atexit.register(found.stop)
    return found


@contextlib.contextmanager
def closed_to_writers(cli: PlainUserCli, path: Path) -> Iterator[None]:
    """Take the permission to write away from a file or folder for a while."""
    mode = path.stat().st_mode
    path.chmod(mode & ~0o222)
    try:
        if cli.may_write(path):
            pytest.skip("this user may write whatever the permissions say")
        yield
    finally:
        path.chmod(mode)


# --- what is there --------------------------------------------------------------------------------


def founded(folder: Path) -> str:
    """Make a database with a funded company; the id of its wallet."""
    with Sandbox.open(folder / "s.db", clock=FixedClock(START)) as sandbox:
        return corporate(sandbox, fund=yuan(1_000_000)).wallet_id


def written(folder: Path, aside: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the database, read from a copy: its own disk may have no room for a reader."""
    aside.mkdir(exist_ok=True)
    for old in aside.iterdir():
        old.unlink()
    for name in ("s.db", "s.db-wal"):
        if (folder / name).exists():
            shutil.copyfile(folder / name, aside / name)
    return contents(aside / "s.db")


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def readers_are_answered(cli: Cli, wallet: str) -> None:
    for command in READING:
        assert cli(*command.format(wallet).split())


def unavailable(answer: Answer, *codes: str) -> None:
    """The command ended with 7 and one of the codes, and said so without a traceback."""
    assert answer.exit_code == 7, answer
    assert answer.problem["code"] in codes, answer


def converges(cli: Cli, wallet: str, key: str) -> None:
    """The payment with this key is made now, once, and the books verify."""
    before = len(cli("payments", "list")["payments"])
    paid = cli(*PAY, wallet, "--idempotency-key", key)
    assert cli(*PAY, wallet, "--idempotency-key", key) == paid
    assert len(cli("payments", "list")["payments"]) == before + 1
    assert cli("ledger", "verify")["ok"] is True


# --- a full disk ----------------------------------------------------------------------------------


def test_I16_a_payment_on_a_full_disk_is_refused_whole_and_made_when_there_is_room(
    disk: Path, tmp_path: Path
) -> None:
    wallet = founded(disk)
    before = written(disk, tmp_path / "aside")
    filler = fill(disk)
    cli = Cli(disk, ECNY_TAX_DB="s.db")
    for _ in range(2):
        unavailable(cli.asked(*PAY, wallet, "--idempotency-key", "rent"), "disk_full")
    text = cli.run(*PAY, wallet, "--now", "2023-04-20")
    assert (text.exit_code, text.stdout, len(text.stderr.splitlines())) == (7, "", 2), text
    assert written(disk, tmp_path / "aside") == before
    filler.unlink()
    converges(cli, wallet, "rent")


def test_I16_a_disk_that_fills_up_during_a_run_keeps_every_answer_that_was_given(disk: Path) -> None:
    """Inside one process: what was answered is there, what was refused is not, and its key converges."""
    wallet = founded(disk)
    filler = fill(disk, leave=500 * KIB)
    with Sandbox.open(disk / "s.db", clock=FixedClock(START)) as sandbox:
        known: list[Any] = []

        def pay(number: int) -> Any:
            return sandbox.payments.pay_stamp_duty(
                wallet_id=wallet, item="sale_contract", base=yuan(10_000), idempotency_key=f"run {number}"
            )

        def work() -> None:
            for number in range(2_000):
                known.append(pay(number))
                if number % 10 == 9:
                    with filler.open("ab", buffering=0) as file, contextlib.suppress(OSError):
                        file.write(bytes(4 * KIB))  # somebody else writes to this disk, too

        with pytest.raises(UnavailableError) as caught:
            work()
        judged(caught.value, "disk_full")
        assert known
        assert sandbox.payments.list() == tuple(known)
        assert sandbox.ledger.verify().ok
        with pytest.raises(UnavailableError):
            pay(len(known))
        assert len(sandbox.payments.list()) == len(known)

        filler.unlink()
        known.append(pay(len(known)))
        assert [pay(number) for number in range(len(known))] == known
        assert sandbox.payments.list() == tuple(known)
        assert sandbox.ledger.verify().ok
    with Sandbox.open(disk / "s.db", clock=FixedClock(START)) as again:
        assert again.payments.list() == tuple(known)
        assert again.ledger.verify().ok


@pytest.mark.parametrize("room", [0, 4, 12, 40, 150, 250])
def test_a_database_that_finds_no_room_when_it_is_made_is_made_by_the_next_command(
    disk: Path, room: int
) -> None:
    filler = fill(disk, leave=room * KIB)
    cli = Cli(disk, ECNY_TAX_DB="s.db")
    answer = cli.asked("status")
    unavailable(answer, "disk_full", "keyring_unwritable")
    if answer.problem["code"] == "keyring_unwritable":
        assert "No space left" in answer.problem["detail"]
    assert not list(disk.glob("*.new"))
    filler.unlink()
    assert cli("status")["transfers"] > 0
    assert cli("ledger", "verify")["ok"] is True


def test_I16_a_payment_beyond_a_limit_on_file_sizes_is_refused_whole_and_made_without_it(
    tmp_path: Path,
) -> None:
    """The quota that everybody may set: SQLite cannot tell it from other failures to write."""
    folder = tmp_path / "limited"
    folder.mkdir()
    wallet = founded(folder)
    before = written(folder, tmp_path / "aside")
    for limit in (0, 5_000, 20_000, 40_000):
        limited = LimitedCli(folder, limit, ECNY_TAX_DB="s.db")
        refused = limited.asked(*PAY, wallet, "--idempotency-key", "rent")
        unavailable(refused, "disk_full", "database_unwritable")
        assert written(folder, tmp_path / "aside") == before
    converges(Cli(folder, ECNY_TAX_DB="s.db"), wallet, "rent")


@pytest.mark.parametrize("limit", [0, 50, 5_000, 20_000, 100_000])
def test_a_database_that_may_not_grow_while_it_is_made_is_made_by_the_next_command(
    tmp_path: Path, limit: int
) -> None:
    answer = LimitedCli(tmp_path, limit, ECNY_TAX_DB="s.db").asked("status")
    unavailable(answer, "disk_full", "database_unwritable", "keyring_unwritable")
    assert not list(tmp_path.glob("*.new"))
    cli = Cli(tmp_path, ECNY_TAX_DB="s.db")
    assert cli("status")["transfers"] > 0
    assert cli("ledger", "verify")["ok"] is True


# --- nothing may be written -----------------------------------------------------------------------


def test_a_payment_on_a_read_only_file_is_refused_and_readers_are_answered(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    wallet = founded(folder)
    before = files(folder)
    cli = PlainUserCli(folder, ECNY_TAX_DB="s.db")
    with closed_to_writers(cli, folder / "s.db"):
        unavailable(cli.asked(*PAY, wallet, "--idempotency-key", "rent"), "database_unwritable")
        readers_are_answered(cli, wallet)
    assert files(folder) == before
    converges(cli, wallet, "rent")


def test_a_payment_in_a_read_only_folder_is_refused_and_changes_no_file(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    wallet = founded(folder)
    before = files(folder)
    cli = PlainUserCli(folder, ECNY_TAX_DB="s.db")
    with closed_to_writers(cli, folder):
        for _ in range(2):
            unavailable(cli.asked(*PAY, wallet, "--idempotency-key", "rent"), "database_unwritable")
        readers_are_answered(cli, wallet)
        unavailable(cli.asked("status", "--db", "new.db"), "database_unwritable", "keyring_unwritable")
    assert files(folder) == before
    converges(cli, wallet, "rent")


def test_a_payment_on_a_read_only_file_system_is_refused_and_changes_no_file(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    wallet = founded(folder)
    before = files(folder)
    with mounted(tmp_path / "seen", "--bind", str(folder)) as seen:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(seen)], check=True)
        cli = Cli(seen, ECNY_TAX_DB="s.db")
        for _ in range(2):
            unavailable(cli.asked(*PAY, wallet, "--idempotency-key", "rent"), "database_unwritable")
        readers_are_answered(cli, wallet)
        unavailable(cli.asked("status", "--db", "new.db"), "database_unwritable", "keyring_unwritable")
    assert files(folder) == before
    converges(Cli(folder, ECNY_TAX_DB="s.db"), wallet, "rent")


# --- read-only, and somebody else writes ----------------------------------------------------------


def balance_of(cli: Cli, wallet: str) -> str:
    return str(cli("wallet", "show", wallet)["balance"])


def test_a_reader_without_rights_sees_what_the_log_holds_through_a_link_too(tmp_path: Path) -> None:
    """Commits that are still in the write-ahead log count, wherever the name leads."""
    folder, links = tmp_path / "kept", tmp_path / "links"
    folder.mkdir()
    links.mkdir()
    wallet = founded(folder)
    (links / "s.db").symlink_to(folder / "s.db")
    (links / "s.db.keys").symlink_to(folder / "s.db.keys")
    with Sandbox.open(folder / "s.db", clock=FixedClock(START)) as writer:
        writer.wallets.top_up(wallet_id=wallet, amount=yuan(5))
        assert (folder / "s.db-wal").stat().st_size > 0
        reader = PlainUserCli(links, ECNY_TAX_DB="s.db")
        with closed_to_writers(reader, folder), closed_to_writers(reader, folder / "s.db"):
            assert balance_of(reader, wallet) == "1000005.00"


def test_a_reader_that_stays_open_sees_what_is_written_meanwhile(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    wallet = founded(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ecny_tax.store.sqlite._can_be_written", lambda path: False)
        reader = Sandbox.open(folder / "s.db", clock=FixedClock(START))
    with reader:
        for paid_in in (1, 2):
            with Sandbox.open(folder / "s.db", clock=FixedClock(START)) as writer:
                writer.wallets.top_up(wallet_id=wallet, amount=yuan(1))
            assert reader.wallets.show(wallet_id=wallet).balance == yuan(1_000_000 + paid_in)
            assert reader.ledger.verify().ok


# --- devices of offline payment -------------------------------------------------------------------


def halls(folder: Path, device: Path) -> tuple[Cli, list[str]]:
    """A device with 100 yuan, a terminal, and two requests for its payment; the command, and their names."""
    folder.mkdir(exist_ok=True)
    with Sandbox.open(folder / "s.db", clock=FixedClock(START)) as s:
        wallet = corporate(s, fund=yuan(1_000))
        made = Device.create(device, passphrase="p")
        s.offline.enroll(device=made, wallet_id=wallet.wallet_id)
        s.offline.load(device=made, amount=yuan(100))
        terminal = s.offline.terminal()
        for name in ("q.txt", "r.txt"):
            bill = owe(s, wallet, 10_00)
            text = terminal.request(bill_no=bill.bill_no, amount=yuan(10), at=START).to_text()
            (folder / name).write_text(text)
        made.close()
    return Cli(folder, ECNY_TAX_DB="s.db", ECNY_TAX_PASSPHRASE="p"), ["q.txt", "r.txt"]


def device_state(cli: Cli, device: Path) -> list[tuple[int, str]]:
    loads = cli("device", "show", device)["loads"]
    return [(load["next_counter"], load["remaining"]) for load in loads]


def test_I16_a_device_on_a_full_disk_burns_no_counter_and_pays_when_there_is_room(
    disk: Path, tmp_path: Path
) -> None:
    device = disk / "d.dev"
    cli, (request, _) = halls(tmp_path / "hall", device)
    before = device.read_bytes()
    filler = fill(disk)
    words = ("voucher", "pay", "--device", device, "--request", request, "--out", "v.txt")
    for _ in range(2):
        unavailable(cli.asked(*words), "disk_full", "state_file_unavailable")
    unavailable(cli.asked("device", "enroll", "--wallet", _wallet(cli), "--out", disk / "n.dev"), "disk_full")
    assert device.read_bytes() == before
    assert {path.name for path in disk.iterdir()} <= {"d.dev", "filler", "d.dev-journal"}
    assert not (cli.folder / "v.txt").exists()
    filler.unlink()
    assert cli(*words)["counter"] == 1
    assert device_state(cli, device) == [(2, "90.00")]


def test_I16_a_load_that_did_not_reach_its_device_does_when_there_is_room(disk: Path, tmp_path: Path) -> None:
    """The money is set aside already; the same key hands the same load over, and takes nothing twice."""
    device = disk / "d.dev"
    cli, _ = halls(tmp_path / "hall", device)
    wallet = _wallet(cli)
    filler = fill(disk)
    words = ("device", "load", "--device", device, "--amount", "50", "--idempotency-key", "k")
    for _ in range(2):
        unavailable(cli.asked(*words), "disk_full", "state_file_unavailable")
    filler.unlink()
    load = cli(*words)
    assert cli(*words) == load
    assert device_state(cli, device) == [(1, "100.00"), (1 + 100, "50.00")]
    assert balance_of(cli, wallet) == "850.00"


@pytest.mark.parametrize("room", [0, 4, 8, 16, 20, 24, 28, 32, 40])
def test_a_device_or_terminal_is_made_whole_or_not_at_all(disk: Path, tmp_path: Path, room: int) -> None:
    cli, _ = halls(tmp_path / "hall", tmp_path / "d.dev")
    filler = fill(disk, leave=room * KIB)
    for words in (("device", "enroll", "--wallet", _wallet(cli)), ("terminal", "init")):
        file = disk / words[0]
        answer = cli.asked(*words, "--out", file)
        if answer.exit_code:
            unavailable(answer, "disk_full", "state_file_unavailable")
            assert not file.exists()
    filler.unlink()
    for words in (("device", "enroll", "--wallet", _wallet(cli)), ("terminal", "init")):
        (disk / words[0]).unlink(missing_ok=True)
        assert cli(*words, "--out", disk / words[0])


def test_I16_a_voucher_for_a_full_disk_is_signed_once_and_delivered_when_there_is_room(
    disk: Path, tmp_path: Path
) -> None:
    device = tmp_path / "d.dev"
    cli, (request, other) = halls(tmp_path / "hall", device)
    filler = fill(disk)
    words = ("voucher", "pay", "--device", device, "--request", request, "--out")
    for _ in range(2):
        unavailable(cli.asked(*words, disk / "v.txt"), "voucher_not_delivered")
    assert device_state(cli, device) == [(2, "90.00")]
    assert [path.name for path in disk.iterdir()] == ["filler"]
    assert cli("voucher", "pay", "--device", device, "--request", other, "--out", "w.txt")["counter"] == 2
    filler.unlink()
    assert cli(*words, disk / "v.txt")["counter"] == 1
    assert device_state(cli, device) == [(3, "80.00")]


def test_a_device_that_may_not_be_written_pays_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "pocket"
    folder.mkdir()
    device = folder / "d.dev"
    made, (request, _) = halls(tmp_path / "hall", device)
    cli = PlainUserCli(made.folder, ECNY_TAX_DB="s.db", ECNY_TAX_PASSPHRASE="p")
    before = device.read_bytes()
    words = ("voucher", "pay", "--device", device, "--request", request, "--out")
    for closed in (device, folder):
        with closed_to_writers(cli, closed):
            unavailable(cli.asked(*words, "v.txt"), "state_file_unavailable")
            assert device.read_bytes() == before
    with closed_to_writers(cli, folder):
        unavailable(cli.asked("device", "enroll", "--wallet", _wallet(cli), "--out", folder / "n.dev"),
                    "state_file_unavailable")  # fmt: skip
    assert cli(*words, "v.txt")["counter"] == 1
    with closed_to_writers(cli, folder):
        unavailable(cli.asked(*words, folder / "v.txt"), "output_unwritable", "state_file_unavailable")
    assert cli(*words, folder / "v.txt")["counter"] == 1


def _wallet(cli: Cli) -> str:
    return str(cli("wallet", "list")["wallets"][0]["wallet_id"])
