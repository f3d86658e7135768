"""What sixteen programs were answered side by side is what one after the other would have been answered."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from ecny_tax import FixedClock, Sandbox
from ecny_tax.rulebook import PACKAGE
from tests.durability.recorded import (
    Answer,
    Books,
    open_all,
    perform,
    random_commands,
    read,
)
from tests.support import START

PROCESSES, COMMANDS = 16, 12
#: How commands end that come up in every history, whatever the seed; others may, too.
CODES = {"", "insufficient_funds", "bill_already_paid", "wallet_limit_exceeded"}


def history(url: str, keyring: Path, names: dict[str, list[str]], seed: int) -> list[Answer]:
    """Let sixteen programs do random commands at once; every answer they got."""
    source = random.Random(seed)
    processes = []
    for place in range(PROCESSES):
        commands = [asdict(command) for command in random_commands(source, place, COMMANDS)]
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.durability.recorded"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert process.stdin is not None
        setting = {"url": url, "keyring": str(keyring), "names": names, "commands": commands}
        process.stdin.write(json.dumps(setting) + "\n")
        process.stdin.flush()
        processes.append((process, len(commands)))
    for process, _ in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process, _ in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    answers = []
    for process, number in processes:
        lines = process.communicate(timeout=120)[0].splitlines()
        assert process.returncode == 0
        assert len(lines) == number
        answers += [read(line) for line in lines]
    return answers


def test_I3_I5_I15_I16_sixteen_programs_are_answered_as_one_after_the_other(
    postgres_url: str, tmp_path: Path
) -> None:
    """Takes some seconds for sixteen programs.  In the order of the ledger every answer is what a plain model
    and SQLite give; every refusal is what the model gives at a moment between its question and its answer."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    Sandbox.open(postgres_url, keyring=tmp_path / "keys", clock=FixedClock(START)).close()
    with Sandbox.open(postgres_url, keyring=tmp_path / "keys") as s:
        s.clock.set(START)
        names = open_all(s)
        answers = history(postgres_url, tmp_path / "keys", names, seed)
        done = in_order_of_the_ledger(s, answers)
        check_by_model(s, names, answers, done)
        assert {answer.refused for answer in answers} >= CODES
        found = s.ledger.verify()
        assert found.ok, [check for check in found.checks if not check.ok]
        check_by_sqlite(done)


def in_order_of_the_ledger(s: Sandbox, answers: list[Answer]) -> list[list[Answer]]:
    """The answers about what was done: those of one transfer together, transfer by transfer."""
    with s._store.reading() as tx:
        places = {
            reference: int(seq)
            for seq, id_, user_data in tx.rows("SELECT seq, id, user_data FROM transfer")
            for reference in (id_.hex(), user_data)
            if reference
        }
    of_one: dict[str, list[Answer]] = {}
    for answer in answers:
        if not answer.refused:
            of_one.setdefault(answer.reference, []).append(answer)
    done = [of_one[reference] for reference in sorted(of_one, key=places.__getitem__)]
    for same in done:  # I5: whoever asked with one key heard the same
        assert len({answer.said for answer in same}) == 1
        assert len({answer.command for answer in same}) == 1
    # What was answered before something was asked stands before it.
    for place, same in enumerate(done):
        asked = min(answer.start for answer in same)
        assert all(min(answer.end for answer in later) >= asked for later in done[place + 1 :])
    return done


def check_by_model(
    s: Sandbox, names: dict[str, list[str]], answers: list[Answer], done: list[list[Answer]]
) -> None:
    books = Books(PACKAGE.on(START.date()).wallets.wallet_class("IV"))
    heard = [min(answer.end for answer in same) for same in done]
    asked = [min(answer.start for answer in same) for same in done]
    open_ = [answer for answer in answers if answer.refused]
    refusals = Counter(answer.refused for answer in open_)
    before, topped_up, paid = sum(books.balances), 0, 0
    for place in range(len(done) + 1):
        # So much was done: was it at this moment that somebody was refused?
        open_ = [
            answer
            for answer in open_
            if any(end < answer.start for end in heard[place:])
            or any(start > answer.end for start in asked[:place])
            or books.refusal(answer.command) != answer.refused
        ]
        if place < len(done):
            answer = done[place][0]
            command = answer.command
            assert books.refusal(command) == "", answer
            assert books.do(command) == answer.balance, answer
            assert (answer.amount, answer.fee) == (command.amount, 0)
            topped_up += command.amount if command.kind == "top_up" else 0
            paid += command.amount if command.kind == "pay" else 0
    assert open_ == [], "refused at no moment"
    print(f"{len(done)} done, {sum(refusals.values())} refused: {dict(refusals)}")
    balances = [s.wallets.show(wallet_id=wallet).balance for wallet in names["wallets"]]
    assert balances == books.balances
    assert sum(balances) == before + topped_up - paid
    assert len(s.payments.list()) == len(books.paid)


def check_by_sqlite(done: list[list[Answer]]) -> None:
    """I15: SQLite answers the same, when it is asked in the order of the ledger."""
    with Sandbox.open(":memory:", clock=FixedClock(START)) as s:
        names = open_all(s)
        for same in done:
            again = perform(s, names, same[0].command)
            assert again.refused == ""
            assert again.said[1:] == same[0].said[1:]
        assert s.ledger.verify().ok
