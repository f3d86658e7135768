"""I16 on a server that many programs use at once: they are killed, or it is, in the middle of everything."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from ecny_tax import Sandbox
from ecny_tax.ledger.model import TransferCode
from tests import postgres_server
from tests.cli.process import eventually
from tests.ha import load
from tests.postgres_server import Server

WRITERS = 6


class Work(NamedTuple):
    """What programs write that pay and transfer from a wallet each, and into each other's."""

    url: str
    folder: Path
    wallets: list[str]

    @property
    def stop(self) -> Path:
        return self.folder / "stop"

    def answers(self, writer: int) -> Path:
        return self.folder / f"answers-{writer}"

    def heard(self) -> list[list[load.Answer]]:
        """What each writer was answered, in every life of it, in order."""
        return [load.heard(self.answers(writer)) for writer in range(WRITERS)]

    def opened(self) -> Sandbox:
        return Sandbox.open(self.url, keyring=self.folder / "keys")

    def start(self, writer: int) -> subprocess.Popen[str]:
        """A program that does its commands from the first on: those that are done are answered as before."""
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.ha.load"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert process.stdin is not None
        setting = {
            "url": self.url, "keyring": str(self.folder / "keys"), "writer": writer, "wallets": self.wallets,
            "answers": str(self.answers(writer)), "stop": str(self.stop),
        }  # fmt: skip
        process.stdin.write(json.dumps(setting) + "\n")
        process.stdin.flush()
        return process

    @contextmanager
    def running(self) -> Iterator[list[subprocess.Popen[str]]]:
        """All programs, which are ended at the end."""
        before = [len(answers) for answers in self.heard()]
        processes = [self.start(writer) for writer in range(WRITERS)]
        try:
            eventually(lambda: all(len(now) > was for now, was in zip(self.heard(), before, strict=True)), 60)
            yield processes
        finally:
            for process in processes:
                process.kill()
                process.communicate()

    def check(self) -> int:
        """What was acknowledged is there, as it was said; what was not converges; how many commands."""
        done = []
        with self.opened() as sandbox:
            for writer, answers in enumerate(self.heard()):
                said: dict[int, tuple[str, int]] = {}
                for answer in answers:  # every life of the program heard the same
                    assert said.setdefault(answer.number, (answer.reference, answer.amount)) == (
                        answer.reference,
                        answer.amount,
                    )
                assert sorted(said) == list(range(len(said)))
                # The command after the last answer was done, or not at all; both ways it is done once now.
                unheard = load.command(sandbox, self.wallets, writer, len(said))
                assert load.command(sandbox, self.wallets, writer, len(said)) == unheard
                said[len(said)] = unheard
                with self.answers(writer).open("a") as out:
                    out.write(json.dumps([len(said) - 1, *unheard, 0.0]) + "\n")
                done.append(said)
            found = sandbox.ledger.verify()
            assert found.ok, [check for check in found.checks if not check.ok]
            expected = [int(load.FUND)] * WRITERS
            for writer, said in enumerate(done):
                for number, (_, amount) in said.items():
                    assert amount == load.amount_of(number)
                    expected[writer] -= amount
                    if not load.is_payment(number):
                        expected[load.payee_of(writer, WRITERS)] += amount
            assert [sandbox.wallets.show(wallet_id=wallet).balance for wallet in self.wallets] == expected
            payments = {payment.payment_no for payment in sandbox.payments.list()}
            heard = {said[n][0] for said in done for n in said if load.is_payment(n)}
            assert payments == heard
            with sandbox._store.reading(at_rest=True) as tx:
                numbers, newest = tx.row("SELECT count(*), max(seq) FROM transfer") or (0, 0)
                voids = tx.rows("SELECT amount FROM transfer WHERE code = :void", void=int(TransferCode.VOID))
            assert numbers == newest  # what was taken and not used is filled
            assert {amount for (amount,) in voids} <= {0}
        return sum(map(len, done))


@contextmanager
def work_on(url: str, folder: Path) -> Iterator[Work]:
    with Sandbox.open(url, keyring=folder / "keys") as sandbox:
        wallets = load.open_wallets(sandbox, WRITERS)
    yield Work(url, folder, wallets)


def test_I16_programs_that_are_killed_beside_each_other_lose_and_double_nothing(
    postgres_url: str, tmp_path: Path
) -> None:
    """Takes some seconds: six programs are started and killed twice."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    source = random.Random(seed)
    with work_on(postgres_url, tmp_path) as work:
        for _ in range(2):
            with work.running() as processes:
                source.shuffle(processes)
                for process in processes:
                    time.sleep(source.uniform(0, 0.1))
                    process.kill()
            assert work.check() > 2 * WRITERS


@pytest.fixture
def server() -> Iterator[Server]:
    """A durable server of its own, to be killed."""
    if reason := postgres_server.missing():
        pytest.skip(reason)
    with postgres_server.own_folder() as folder:
        yield Server.make(folder)


def test_I16_a_server_that_is_killed_under_programs_loses_and_doubles_nothing(
    server: Server, tmp_path: Path
) -> None:
    """Takes some seconds: the server is killed twice; programs ask again, and go on by themselves."""
    with server.database() as url, work_on(url, tmp_path) as work:
        with work.running() as processes:
            for _ in range(2):
                server.kill()
                server.start()
                counts = [len(answers) for answers in work.heard()]
                eventually(
                    lambda counts=counts: all(
                        len(now) > was + 1 for now, was in zip(work.heard(), counts, strict=True)
                    ),
                    60,
                )
            work.stop.touch()
            answered = [process.wait(60) for process in processes]
        assert answered == [0] * WRITERS
        assert work.check() > 2 * WRITERS
