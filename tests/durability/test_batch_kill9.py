"""I16: a batch that is killed at any line goes on where it stopped, pays nothing twice, and ends the same."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ecny_tax import Fen, FixedClock, Sandbox
from tests.cli.process import Cli
from tests.payments.batching import write
from tests.support import START, corporate, owe

LINES = 4

#: The command line, killed at a statement: so many after one begins like this for the n-th time.
_KILLED = """
import os, signal, sqlite3, sys
from ecny_tax.cli.app import run_command_line

begins, times, more = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
connect, seen, after = sqlite3.connect, 0, 0

def count(statement):
    global seen, after
    if seen == times:
        after += 1
    elif statement.startswith(begins):
        seen += 1
    if seen == times and after == more:
        os.kill(os.getpid(), signal.SIGKILL)

def traced(*arguments, **options):
    connection = connect(*arguments, **options)
    connection.set_trace_callback(count)
    return connection

sqlite3.connect = traced
sys.exit(run_command_line(sys.argv[4:]))
"""
_PAY = ("pay", "--batch", "b.txt", "--out", "r.csv", "--now", "2023-04-20", "--json")


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database, a batch of a line a part, and the results of a run that nobody killed."""
    folder = tmp_path_factory.mktemp("unbroken")
    with Sandbox.open(folder / "s.db", clock=FixedClock(START), seed="killed") as s:
        wallet = corporate(s, fund=Fen(50_00))
        s.agreements.sign(wallet_id=wallet.wallet_id, batch_debit=True)
        for amount in range(1, LINES):
            owe(s, wallet, amount * 1_00)
        owe(s, wallet, 100_00)  # which it cannot pay
        write(s, folder / "b.txt", part_lines=1)
    shutil.copytree(folder, folder / "before", ignore=shutil.ignore_patterns("before"))
    Cli(folder, ECNY_TAX_DB="s.db").run(*_PAY)
    assert (folder / "r.csv").read_text().count("\n") == LINES + 1
    return folder


# Each starts two processes: one that is killed, and one that goes on.
@pytest.mark.parametrize("line", range(1, LINES + 1))
@pytest.mark.parametrize(
    ("begins", "more"),
    [("BEGIN IMMEDIATE", 7), ("INSERT INTO batch_part", 0), ("COMMIT", 0), ("COMMIT", 1)],
)
def test_I16_a_batch_killed_at_every_line_converges(
    unbroken: Path, tmp_path: Path, begins: str, more: int, line: int
) -> None:
    shutil.copytree(unbroken / "before", tmp_path, dirs_exist_ok=True)
    cli = Cli(tmp_path, ECNY_TAX_DB="s.db")
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED, begins, str(line), str(more), *_PAY],
        cwd=tmp_path,
        env=cli.environment(),
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (tmp_path / "r.csv").exists()
    with Sandbox.open(tmp_path / "s.db", clock=FixedClock(START)) as s:
        taken_in = s.payments.batches()
        done = line if (begins, more) == ("COMMIT", 1) else line - 1
        assert [one.lines_done for one in taken_in] == [done] * bool(done)
        assert len(s.payments.list()) == sum(one.lines_paid for one in taken_in)
        assert s.ledger.verify().ok
    gone_on = cli.run(*_PAY)
    assert gone_on.exit_code == 0, gone_on
    assert (tmp_path / "r.csv").read_bytes() == (unbroken / "r.csv").read_bytes()
    with Sandbox.open(tmp_path / "s.db", clock=FixedClock(START)) as s:
        assert s.ledger.verify().ok
        assert s.payments.check_authorisations().ok
        assert s.payments.pay_batch(file=tmp_path / "b.txt").lines_paid == LINES - 1
        assert len(s.payments.list()) == LINES - 1
