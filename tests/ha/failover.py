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
from pathlib import Path

import psycopg

from ecny_tax import Sandbox
from tests import postgres_server
from tests.ha.load import FUND, Answer, amount_of, command, heard, is_payment, open_wallets, payee_of
from tests.ha.pair import Pair, until

ROOT = Path(__file__).parents[2]


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

    def wait_for_answers_after(self, moment: float) -> float:
        """Until each was answered after that moment; the seconds from then to the first answer."""

        def first() -> list[float | None]:
            self.check_alive()
            return [
                next((answer.heard_at for answer in answers if answer.heard_at > moment), None)
                for answers in self.answers()
            ]

        until("every writer is answered again", lambda: None not in first())
        return min(found for found in first() if found is not None) - moment

    def stop(self) -> int:
        """Let each finish its command; how often the database was unavailable to them."""
        (self.folder / "stop").touch()
        return sum(int(process.communicate(timeout=60)[0]) for process in self.processes)


@contextmanager
def writers(folder: Path, url: str, keyring: Path, wallets: list[str]) -> Iterator[Writers]:
    processes = []
    try:
        for writer in range(len(wallets)):
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.ha.load"],
                cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
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
    """How many answers the database knows nothing of, and how many payments it holds that nobody asked for."""
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


def what_is_wrong_at_the_end(sandbox: Sandbox, url: str, working: Writers, source: random.Random) -> list[str]:
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


def show(rounds: int, programs: int, seconds: float, *, synchronous: bool, seed: int) -> bool:
    """Run the rounds, one line each, and a verdict; whether all is well."""
    source = random.Random(seed)
    lost = twice = broken = 0
    outages = []
    with postgres_server.own_folder() as folder:
        began = time.monotonic()
        pair = Pair.make(folder, synchronous=synchronous)
        with pair.primary.database() as one_url:
            database = one_url.partition("@/")[2].partition("?")[0]
            url, keyring = pair.url(database), folder / "keyring"
            with Sandbox.open(url, keyring=keyring) as sandbox:
                wallets = open_wallets(sandbox, programs)
                kind = "synchronous" if synchronous else "ASYNCHRONOUS"
                print(
                    f"{programs} programs write to a primary with a {kind} standby"
                    f" (ready after {time.monotonic() - began:.1f} s, seed {seed})", flush=True
                )  # fmt: skip
                with writers(folder, url, keyring, wallets) as working:
                    working.wait_for_answers_after(time.monotonic())
                    for number in range(1, rounds + 1):
                        time.sleep(seconds * source.uniform(0.5, 1.5))
                        heard_before = sum(map(len, working.answers()))
                        cut_off = number % 2 == 0
                        if cut_off:
                            pair.cut_off()
                            time.sleep(source.uniform(0.1, 0.5))
                        killed_at = time.monotonic()
                        pair.fail_over()
                        promoted = time.monotonic() - killed_at
                        outage = working.wait_for_answers_after(killed_at)
                        outages.append(outage)
                        found = lost_and_twice(url, working)
                        promises = broken_promises(sandbox)
                        rebuilding = time.monotonic()
                        (pair.rewind if number % 2 else pair.copy)()
                        pair.join()
                        print(
                            f"round {number}: {pair.standby.name} killed after {heard_before:,} answers"
                            f"{' with its standby cut off' if cut_off else ''},"
                            f" {pair.primary.name} promoted in {promoted:.2f} s,"
                            f" answers again after {outage:.2f} s; lost {found[0]}, twice {found[1]},"
                            f" promises broken {len(promises)};"
                            f" {pair.standby.name} back by {'pg_rewind' if number % 2 else 'pg_basebackup'}"
                            f" in {time.monotonic() - rebuilding:.1f} s", flush=True
                        )  # fmt: skip
                        lost, twice, broken = lost + found[0], twice + found[1], broken + len(promises)
                        for line in promises:
                            print(f"  {line}")
                    unavailable = working.stop()
                    answered = sum(map(len, working.answers()))
                    wrong = what_is_wrong_at_the_end(sandbox, url, working, source)
            print(
                f"{answered:,} commands answered in {time.monotonic() - began:.0f} s,"
                f" {unavailable:,} times asked again; longest outage {max(outages, default=0):.2f} s"
            )
            for line in wrong:
                print(f"  {line}")
    is_well = not (lost or twice or broken or wrong)
    print(
        "verdict: nothing that was answered is lost, nothing is done twice, every promise is kept"
        if is_well
        else f"verdict: BROKEN: {lost} lost, {twice} twice, {broken + len(wrong)} other faults"
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
