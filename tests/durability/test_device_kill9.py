"""A device or a terminal that is killed at any moment: nothing signed twice, nothing accepted is forgotten.

One process opens the files and forks: each child works on a copy of its own until it is killed, either by
itself at its n-th step (before and after every statement and every signature, for every n), or by its parent
after a random time, in the midst of writing.  The parent then opens what is left.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ecny_tax import ConflictError, Fen, FixedClock, NotFoundError, Sandbox
from ecny_tax.crypto import sign1
from ecny_tax.offline import device as device_module
from ecny_tax.offline import state_file
from ecny_tax.offline.bundles import RequestBundle, TrustBundle
from ecny_tax.offline.device import Device
from ecny_tax.offline.objects import Voucher, digest
from ecny_tax.offline.terminal import Terminal, TerminalSettings
from tests.support import START, corporate, owe

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="children are forked")

AMOUNTS = (100_00, 1, 33_33, 250_00)
LOADED = 600_00
LATER = START + timedelta(minutes=5)
RANDOM_KILLS = 60
_sign = sign1.sign


# --- the child ------------------------------------------------------------------------------------


class Steps:
    """Counts what a process does to its disk and with its key, and kills it at step ``last``."""

    def __init__(self, last: int | None, log: Path) -> None:
        self.last, self.count, self.log = last, 0, log

    def take(self) -> None:
        self.count += 1
        if self.count == self.last:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self) -> None:
        """Let every connection and every signature of this process go through here."""
        steps = self

        class Connection(sqlite3.Connection):
            def execute(self, *arguments: Any) -> sqlite3.Cursor:
                steps.take()
                cursor = super().execute(*arguments)
                steps.take()
                return cursor

        def connection(name: str) -> sqlite3.Connection:
            return unsynced(sqlite3.connect(name, isolation_level=None, factory=Connection))

        def sign(payload: bytes, *more: Any) -> bytes:
            steps.take()
            signed = _sign(payload, *more)
            note(steps.log, payload.hex())  # signed, whether anybody hears of it or not
            steps.take()
            return signed

        state_file._connection = connection  # type: ignore[assignment]
        sign1.sign = sign  # type: ignore[assignment]


def unsynced(connection: sqlite3.Connection) -> sqlite3.Connection:
    """The same writes in the same order, but nobody waits for the disk: the system survives the kill."""
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("PRAGMA synchronous = OFF")
    return connection


def quick_key(passphrase: str, *, salt: bytes) -> bytes:
    """A key without the price of scrypt."""
    return hashlib.sha256(passphrase.encode() + salt).digest()


def note(path: Path, line: str) -> None:
    with path.open("a", encoding="ascii") as file:
        file.write(line + "\n")


def notes(path: Path) -> list[str]:
    """The whole lines of a file that its writer may have been killed over."""
    text = path.read_text("ascii") if path.exists() else ""
    return text[: text.rfind("\n") + 1].splitlines()


def killed(folder: Path, work: Callable[[Path], None], last: int | None, after: float | None) -> bool:
    """Run ``work`` in a child that is killed at a step or after a time; whether it was."""
    child = os.fork()
    if child == 0:
        try:
            Steps(last, folder / "signed").watch()
            work(folder)
            os._exit(0)
        except BaseException as error:
            print(f"child: {error!r}", file=sys.stderr, flush=True)
            os._exit(1)
    if after is not None:
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or status == 0, status
    return os.WIFSIGNALED(status)


def at_every_step(
    folder: Path, work: Callable[[Path], None], check: Callable[[Path], None], *, seed: int
) -> None:
    """Kill ``work`` at each of its steps, then at random moments, each time on a copy of ``folder``."""
    source, count, is_killed = random.Random(seed), 0, True
    while is_killed:
        count += 1
        is_killed = in_copy(folder, work, check, last=count)
    begun = time.perf_counter()
    in_copy(folder, work, check)
    whole = time.perf_counter() - begun
    hits = sum(in_copy(folder, work, check, after=source.uniform(0, whole)) for _ in range(RANDOM_KILLS))
    print(f"{count} steps, {hits} of {RANDOM_KILLS} killed in between")
    assert count > 10
    assert hits


def in_copy(
    folder: Path,
    work: Callable[[Path], None],
    check: Callable[[Path], None],
    *,
    last: int | None = None,
    after: float | None = None,
) -> bool:
    copy = folder.with_name("case")
    shutil.copytree(folder, copy)
    try:
        is_killed = killed(copy, work, last, after)
        check(copy)
        return is_killed
    finally:
        shutil.rmtree(copy)


# --- what is done, and what must then hold --------------------------------------------------------


def pay_all(folder: Path) -> None:
    device = Device.open(folder / "device")
    for request in notes(folder / "requests"):
        note(folder / "vouchers", device.pay(RequestBundle.from_text(request), at=LATER).to_bytes().hex())
    device.unload(at=LATER)


def check_device(folder: Path) -> None:
    """The same requests get the same vouchers, one counter each; nothing else was ever signed."""
    device = Device.open(folder / "device")
    said, signed = notes(folder / "vouchers"), notes(folder / "signed")
    (before,) = device.state.loads
    assert before.closed <= (len(said) == len(AMOUNTS))
    assert len(said) <= before.next_counter - 1 <= len(said) + 1, (
        "what was said is burnt, and one more at most"
    )
    assert before.spent == sum(AMOUNTS[: before.next_counter - 1])
    requests = [RequestBundle.from_text(request) for request in notes(folder / "requests")]
    bundles = [
        device.pay(request, at=LATER + timedelta(minutes=number)) for number, request in enumerate(requests)
    ]
    assert [bundle.to_bytes().hex() for bundle in bundles][: len(said)] == said
    last = digest(bundles[0].load)
    contents, spent = [], 0
    for number, (bundle, amount) in enumerate(zip(bundles, AMOUNTS, strict=True)):
        voucher = Voucher.read(bundle.voucher)
        spent += amount
        assert (voucher.counter, voucher.amount, voucher.spent) == (number + 1, amount, spent)
        assert voucher.previous == last
        last = digest(bundle.voucher)
        contents.append(voucher.payload().hex())
    statement = device.unload(before.certificate.load_id, at=LATER + timedelta(hours=1))
    contents.append(sign1.payload_of(statement.statement).hex())
    assert set(signed) <= set(contents), "no counter was signed with other content"
    assert (device.state.loads[0].next_counter, device.state.loads[0].remaining) == (len(AMOUNTS) + 1, 0)
    assert device.state.loads[0].spent == spent == sum(AMOUNTS)
    device.close()


def accept_all(folder: Path) -> None:
    terminal = Terminal.open(folder / "terminal")
    for voucher in notes(folder / "presented"):
        note(folder / "accepted", terminal.accept(voucher, at=LATER).receipt.to_bytes().hex())


def check_terminal(folder: Path) -> None:
    """What was acknowledged is in the queue and is answered alike; the rest can be accepted still."""
    terminal = Terminal.open(folder / "terminal")
    said, vouchers = notes(folder / "accepted"), notes(folder / "presented")
    queue = terminal.queue()
    assert len(said) <= len(queue) <= len(said) + 1
    assert [one.voucher.to_text() for one in queue] == vouchers[: len(queue)]
    assert [one.receipt.to_bytes().hex() for one in queue][: len(said)] == said
    again = [terminal.accept(voucher, at=LATER + timedelta(minutes=1)) for voucher in vouchers]
    assert [one.receipt.to_bytes().hex() for one in again][: len(said)] == said
    assert [one.voucher.to_text() for one in terminal.queue()] == vouchers
    assert terminal.evidence() == ()
    terminal.close()


def make_both(folder: Path) -> None:
    Device.create(folder / "new device").close()
    made_terminal(folder, folder / "new terminal").close()
    note(folder / "made", "both")


def made_terminal(folder: Path, path: Path) -> Terminal:
    authority, terminal, root, revocations = map(bytes.fromhex, notes(folder / "certified"))
    return Terminal.create(
        path,
        seed=bytes(32),
        authority=authority,
        terminal=terminal,
        trust=TrustBundle(root, revocations),
        settings=TerminalSettings(300, 1800),
    )


def check_made(folder: Path) -> None:
    """A file is there whole, or not at all and is made the next time."""
    device, terminal = folder / "new device", folder / "new terminal"
    is_whole = bool(notes(folder / "made"))
    for path, opens, makes in (
        (device, Device.open, Device.create),
        (terminal, Terminal.open, lambda path: made_terminal(folder, path)),
    ):
        try:
            opens(path).close()
            with pytest.raises(ConflictError):
                makes(path)
        except NotFoundError:
            assert not is_whole
            makes(path).close()
            opens(path).close()


WORK = {
    "device": (pay_all, check_device),
    "terminal": (accept_all, check_terminal),
    "creation": (make_both, check_made),
}


def drive(folder: str, what: str, seed: str) -> None:
    """What the driving process does."""
    device_module.passphrase_key = quick_key
    state_file._connection = lambda name: unsynced(sqlite3.connect(name, isolation_level=None))
    at_every_step(Path(folder), *WORK[what], seed=int(seed))


# --- the tests ------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A loaded device, a terminal, requests, and the vouchers of a second device for others."""
    monkeypatch.setattr(device_module, "passphrase_key", quick_key)
    folder = tmp_path / "files"
    folder.mkdir()
    with Sandbox.open(":memory:", clock=FixedClock(START)) as s:
        wallet = corporate(s, fund=Fen(2_000_00))
        device, other = Device.create(folder / "device"), Device.create()
        terminal = s.offline.terminal(path=folder / "terminal")
        for one in (device, other):
            s.offline.enroll(device=one, wallet_id=wallet.wallet_id)
            s.offline.load(device=one, amount=Fen(LOADED))
        for amount in AMOUNTS:
            note(folder / "requests", request(s, terminal, wallet, amount).to_text())
            voucher = other.pay(request(s, terminal, wallet, amount), at=START)
            note(folder / "presented", voucher.to_text())
        spare, trust = s.offline.terminal(), s.offline.trust()
        asked = request(s, spare, wallet, 1)
        for content in (asked.authority, asked.terminal, trust.root, trust.revocations):
            note(folder / "certified", content.hex())
        device.close()
        terminal.close()
    return folder


def request(s: Sandbox, terminal: Terminal, wallet: Any, amount: int) -> RequestBundle:
    bill = owe(s, wallet, amount)
    return terminal.request(bill_no=bill.bill_no, amount=Fen(amount), at=START)


@pytest.mark.parametrize("what", WORK)
def test_I10_killed_at_every_step(folder: Path, what: str) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    code = "import sys; from tests.durability.test_device_kill9 import drive; drive(*sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder), what, str(seed)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stderr
