"""High availability, shown: the primary is killed under load, the standby takes over, and nothing is lost.

    python -m tests.ha.failover --rounds 10

Each round kills the primary with all its processes (SIGKILL) while many programs pay and transfer, promotes
the standby, waits until every program was answered again, compares what was answered with the books, and
makes a standby of what was the primary, by pg_rewind and pg_basebackup in turn.  In every second round the
standby is cut off for a moment before: commits then wait for it, and those that nobody was told of are gone.

With ``--asynchronous`` commits do not wait for the standby: then the same must find answers that were lost.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import psycopg

from ecny_tax import Sandbox
from tests import postgres_server
from tests.ha.load import FUND, Answer, amount_of, command, heard, is_payment, open_wallets, payee_of
from tests.ha.pair import Pair, until

ROOT = Path(__file__).parents[2]
DATABASE = "heshan"


@dataclass
class Writers:
    """The programs that put load on the pair."""

    folder: Path
    wallets: list[str]
    processes: list[subprocess.Popen[str]]

    def __len__(self) -> int:
        return len(self.wallets)

    def answers(self) -> list[list[Answer]]:
        """What each of them has heard so far."""
        return [heard(self.folder / f"{writer}.answers") for writer in range(len(self))]

    def check_alive(self) -> None:
        for process in self.processes:
            if process.poll() is not None:
                raise RuntimeError(f"a writer ended: {process.communicate()}")

    def longest_silence_since(self, moment: float) -> float:
        """Wait until everybody is answered again; how long nobody was, in seconds."""

        def heard_since() -> list[list[float]]:
            return [[it.heard_at for it in answers if it.heard_at > moment] for answers in self.answers()]

        def is_over() -> bool:
            self.check_alive()
            # An answer that was under way when the server was killed is heard after it.
            return all(len(times) > 1 for times in heard_since())

        until("everybody is answered again", is_over)
        times = [moment, *sorted(time for times in heard_since() for time in times)]
        return max(later - earlier for earlier, later in pairwise(times))

    def stop(self) -> int:
        """Let each finish its command; how often the database was unavailable to them."""
        (self.folder / "stop").touch()
        said = [process.communicate(timeout=60)[0] for process in self.processes]
        return sum(int(text.splitlines()[-1]) for text in said)


@contextmanager
def writers(folder: Path, url: str, keyring: Path, wallets: list[str]) -> Iterator[Writers]:
    processes = []
    try:
        for writer in range(len(wallets)):
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.ha.load"],
                cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )  # fmt: skip
            processes.append(process)
            assert process.stdin is not None
            setting = {
                "url": url, "keyring": str(keyring), "writer": writer, "wallets": wallets,
                "answers": str(folder / f"{writer}.answers"), "stop": str(folder / "stop"),
            }  # fmt: skip
            process.stdin.write(json.dumps(setting) + "\n")
            process.stdin.flush()
        yield Writers(folder, wallets, processes)
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def recorded(connection: psycopg.Connection[tuple[object, ...]]) -> list[str]:
    """The payments and transfers between wallets that the database holds."""
    rows = connection.execute(
        "SELECT payment_no FROM payment UNION ALL SELECT encode(id, 'hex') FROM transfer"
    ).fetchall()
    return [str(row[0]) for row in rows]


def paid_by_each(connection: psycopg.Connection[tuple[object, ...]], wallets: list[str]) -> list[int]:
    rows = connection.execute("SELECT wallet_id, count(*) FROM payment GROUP BY wallet_id").fetchall()
    counts = {str(wallet): int(str(number)) for wallet, number in rows}
    return [counts.get(wallet, 0) for wallet in wallets]


def lost_and_twice(url: str, working: Writers) -> tuple[int, int]:
    """How many answers the database knows nothing of, and how many payments nobody asked for."""
    before = working.answers()
    with psycopg.connect(url) as connection:
        known = set(recorded(connection))
        paid = paid_by_each(connection, working.wallets)
    after = working.answers()
    lost = sum(answer.reference not in known for answers in before for answer in answers)
    # Of each writer one command may be done that it has not heard of yet.
    asked = [sum(map(is_payment, range(len(answers) + 1))) for answers in after]
    return lost, sum(max(0, found - wanted) for found, wanted in zip(paid, asked, strict=True))


def broken_promises(sandbox: Sandbox) -> list[str]:
    return [f"{check.promise}: {check.detail}" for check in sandbox.ledger.verify().checks if not check.ok]


def wrong_at_the_end(sandbox: Sandbox, url: str, working: Writers, source: random.Random) -> list[str]:
    """Everybody has stopped: the books say exactly what was answered, and answer the same again."""
    answers = working.answers()
    balances = [int(FUND)] * len(working)
    wrong = broken_promises(sandbox)
    for writer, heard_by in enumerate(answers):
        for answer in heard_by:
            if answer.amount != amount_of(answer.number):
                wrong.append(f"writer {writer} was answered {answer}")
            balances[writer] -= answer.amount
            if not answer.is_payment:
                balances[payee_of(writer, len(working))] += answer.amount
    for wallet, balance in zip(working.wallets, balances, strict=True):
        found = sandbox.wallets.show(wallet_id=wallet).balance
        if found != balance:
            wrong.append(f"wallet {wallet} holds {found}, answered was what leaves {balance}")
    with psycopg.connect(url) as connection:
        paid = paid_by_each(connection, working.wallets)
    if paid != [sum(answer.is_payment for answer in heard_by) for heard_by in answers]:
        wrong.append(f"payments of each: {paid}")
    everything = [(writer, answer) for writer, heard_by in enumerate(answers) for answer in heard_by]
    for writer, answer in source.sample(everything, min(100, len(everything))):
        again = command(sandbox, working.wallets, writer, answer.number)
        if again != (answer.reference, answer.amount):
            wrong.append(f"asked again, writer {writer} is answered {again}, and was {answer}")
    return wrong


@dataclass(frozen=True)
class Round:
    """What came of one kill."""

    told: str
    lost: int
    twice: int
    broken: list[str]
    outage: float


def play(
    number: int, pair: Pair, working: Writers, sandbox: Sandbox, url: str, source: random.Random
) -> Round:
    """Kill the primary under load, promote the standby, compare, and build the pair anew."""
    answered = sum(map(len, working.answers()))
    cut_off = number % 2 == 0
    if cut_off:
        pair.cut_off()
        time.sleep(source.uniform(0.1, 0.5))
    pair.primary.kill()
    killed_at = time.monotonic()
    pair.promote()
    promoted_at = time.monotonic()
    outage = working.longest_silence_since(killed_at)
    lost, twice = lost_and_twice(url, working)
    broken = broken_promises(sandbox)
    rebuilding_at = time.monotonic()
    way = "pg_rewind" if number % 2 else "pg_basebackup"
    (pair.rewind if way == "pg_rewind" else pair.copy)()
    pair.join()
    told = (
        f"round {number}: {pair.standby.name} killed after {answered:,} answers"
        f"{' with its standby cut off' if cut_off else ''},"
        f" {pair.primary.name} promoted in {promoted_at - killed_at:.2f} s, silence {outage:.2f} s;"
        f" lost {lost}, twice {twice}, promises broken {len(broken)};"
        f" {pair.standby.name} back by {way} in {time.monotonic() - rebuilding_at:.1f} s"
    )
    return Round(told, lost, twice, broken, outage)


def show(rounds: int, programs: int, seconds: float, *, synchronous: bool, seed: int) -> bool:
    """Play the rounds, one line each, and give a verdict; whether all is well."""
    source = random.Random(seed)
    began = time.monotonic()
    with postgres_server.own_folder() as folder:
        pair = Pair.make(folder, synchronous=synchronous)
        with pair.primary.connect() as connection:
            connection.execute(f"CREATE DATABASE {DATABASE} OWNER {postgres_server.USER} TEMPLATE template0")
        url, keyring = pair.url(DATABASE), folder / "keyring"
        with Sandbox.open(url, keyring=keyring) as sandbox:
            wallets = open_wallets(sandbox, programs)
            print(
                f"{programs} programs write to a primary with {'a' if synchronous else 'NO'} synchronous"
                f" standby (ready after {time.monotonic() - began:.1f} s; seed {seed})",
                flush=True,
            )
            played = []
            with writers(folder, url, keyring, wallets) as working:
                working.longest_silence_since(time.monotonic())
                for number in range(1, rounds + 1):
                    time.sleep(seconds * source.uniform(0.5, 1.5))
                    played.append(play(number, pair, working, sandbox, url, source))
                    print("\n  ".join([played[-1].told, *played[-1].broken]), flush=True)
                unavailable = working.stop()
                answered = sum(map(len, working.answers()))
                wrong = wrong_at_the_end(sandbox, url, working, source)
    print(
        "\n  ".join(
            [
                f"{answered:,} commands answered in {time.monotonic() - began:.0f} s, {unavailable:,} times"
                f" asked again; longest silence {max((it.outage for it in played), default=0):.2f} s",
                *wrong,
            ]
        )
    )
    lost, twice = sum(it.lost for it in played), sum(it.twice for it in played)
    other = len(wrong) + sum(len(it.broken) for it in played)
    is_well = not (lost or twice or other)
    print(
        "verdict: nothing that was answered is lost, nothing is done twice, every promise is kept"
        if is_well
        else f"verdict: BROKEN: {lost} answers lost, {twice} payments twice, {other} other faults"
    )
    return is_well


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2, help="promotions in a row (default: 2)")
    parser.add_argument("--programs", type=int, default=8, help="programs that write (default: 8)")
    parser.add_argument("--seconds", type=float, default=2.0, help="of load before each kill (default: 2)")
    parser.add_argument("--asynchronous", action="store_true", help="do not wait for the standby")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4)))
    given = parser.parse_args()
    if reason := postgres_server.missing():
        sys.exit(reason)
    is_well = show(
        given.rounds, given.programs, given.seconds, synchronous=not given.asynchronous, seed=given.seed
    )
    # Where commits do not wait, what is well is that the loss was seen.
    sys.exit(is_well == given.asynchronous)


if __name__ == "__main__":
    main()
