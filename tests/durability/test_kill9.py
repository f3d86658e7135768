"""I16: what was acknowledged survives a kill; what was not is whole or absent, and converges."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ecny_tax.ledger.model import TransferCode
from ecny_tax.sandbox import Sandbox

ROUNDS = {"sqlite": 30, "postgresql": 8}
WALLET = {
    "kind": "corporate",
    "operator": "ICBC",
    "name": "示例照明有限公司",
    "id_number": "91350100M000100Y43",
}

#: Works through numbered commands from ``start`` on, writes each answer after it was given, until killed.
_WORK = """
import sys
from ecny_tax import Sandbox
from tests.durability.test_kill9 import command, written

path, keys, answers, start = *sys.argv[1:4], int(sys.argv[4])
with open(answers, "a", encoding="utf-8") as out, Sandbox.open(path, keyring=keys) as sandbox:
    print("ready", flush=True)
    number = start
    while True:
        answer = command(sandbox, number)
        out.write(written(number, answer))
        out.flush()
        if number == start:
            print("going", flush=True)
        number += 1
"""


def command(sandbox: Sandbox, number: int) -> Any:
    """The command of this number: the same every time, under its own idempotency key."""
    key = f"command {number}"
    if number == 0:
        return sandbox.wallets.open(**WALLET, fund=100_000_00, idempotency_key=key)  # type: ignore[arg-type]
    (wallet,) = [wallet for wallet in sandbox.wallets.list() if wallet.kind == "corporate"]
    if number % 10 == 7:
        return sandbox.wallets.open(
            kind="personal",
            phone=f"138{number:08d}",
            operator="BOC",
            fund=number,  # type: ignore[arg-type]
            idempotency_key=key,
        )
    if number % 3 == 1:
        return sandbox.wallets.top_up(
            wallet_id=wallet.wallet_id,
            amount=100 + number,  # type: ignore[arg-type]
            idempotency_key=key,
        )
    return sandbox.payments.pay_stamp_duty(
        wallet_id=wallet.wallet_id,
        item="sale_contract",
        base=1_000_00 + number,  # type: ignore[arg-type]
        idempotency_key=key,
    )


def written(number: int, answer: Any) -> str:
    """The answer as one line, which is whole only with its end of line."""
    return json.dumps([number, plain(answer)]) + "\n"


def plain(answer: Any) -> dict[str, str]:
    fields = type(answer).__dataclass_fields__
    values = {name: getattr(answer, name) for name in fields}
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else str(value)
        for name, value in values.items()
    }


@pytest.fixture(params=ROUNDS)
def engine(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def database(request: pytest.FixtureRequest, engine: str, tmp_path: Path) -> str:
    if engine == "sqlite":
        return str(tmp_path / "a.db")
    url: str = request.getfixturevalue("postgres_url")
    return url


def test_I16_nothing_acknowledged_is_lost_in_many_kills(engine: str, database: str, tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    source = random.Random(seed)
    keyring, answers = tmp_path / "a.db.keys", tmp_path / "answers"
    answers.touch()
    moved_after_kill = 0
    for _ in range(ROUNDS[engine]):
        start = len(acknowledged(answers))
        kill_at_a_random_moment([database, str(keyring), str(answers), str(start)], source)
        known = acknowledged(answers)
        with Sandbox.open(database, keyring=keyring) as sandbox:
            # The last command may have been done without its answer being heard, or not at all.
            unheard = len(known)
            before = moved(sandbox)
            answer = plain(command(sandbox, unheard))
            moved_after_kill += moved(sandbox) > before
            settled = moved(sandbox), sandbox.status().in_circulation
            assert plain(command(sandbox, unheard)) == answer
            for number in sorted({*source.sample(range(unheard), min(unheard, 10)), *range(start, unheard)}):
                assert plain(command(sandbox, number)) == known[number], f"seed {seed}, command {number}"
            assert (moved(sandbox), sandbox.status().in_circulation) == settled
            found = sandbox.ledger.verify()
            assert found.ok, f"seed {seed}: {[check for check in found.checks if not check.ok]}"
        with answers.open("a", encoding="utf-8") as out:
            out.write(json.dumps([unheard, answer]) + "\n")

    known = acknowledged(answers)
    print(f"{len(known)} commands, {moved_after_kill} kills left the last one undone")
    assert len(known) > ROUNDS[engine]
    with Sandbox.open(database, keyring=keyring) as sandbox:
        before_all = moved(sandbox)
        assert [plain(command(sandbox, number)) for number in range(len(known))] == known
        assert moved(sandbox) == before_all
        check_sums(sandbox, known)
    assert not list(tmp_path.glob("*.new"))


def moved(sandbox: Sandbox) -> int:
    """How many transfers there are, without those that only fill a number that nobody used (作废号)."""
    with sandbox._store.reading() as tx:
        row = tx.row("SELECT count(*) FROM transfer WHERE code <> :void", void=int(TransferCode.VOID))
    assert row is not None
    return int(row[0])


def kill_at_a_random_moment(arguments: list[str], source: random.Random) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _WORK, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        if arguments[-1] != "0":  # the very first time it is killed wherever it is, the founding included
            for word in source.choice([["ready"], ["ready", "going"]]):
                line = process.stdout.readline().decode()
                assert line == f"{word}\n", process.stderr.read().decode()
            time.sleep(source.choice([source.uniform(0, 0.01), source.uniform(0, 0.15)]))
        else:
            time.sleep(source.uniform(0.1, 1.0))
        assert process.poll() is None, process.stderr.read().decode()
        process.send_signal(signal.SIGKILL)


def acknowledged(answers: Path) -> list[dict[str, str]]:
    """The answers that were heard, cut after the last whole one."""
    text = answers.read_text("utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        answers.write_text(whole, "utf-8")
    lines = [json.loads(line) for line in whole.splitlines()]
    assert [number for number, _ in lines] == list(range(len(lines)))
    return [answer for _, answer in lines]


def check_sums(sandbox: Sandbox, known: list[dict[str, str]]) -> None:
    """Every answer moved money once: what came in less what was paid is what is there."""
    paid = sum(int(answer["amount"]) for answer in known if "payment_no" in answer)
    topped_up = sum(int(answer["amount"]) for answer in known if answer.get("kind") == "top_up")
    opened = sum(int(answer["balance"]) for answer in known if "opened_at" in answer)
    wallets = sandbox.wallets.list()
    assert sum(wallet.balance for wallet in wallets) == opened + topped_up - paid
    assert sandbox.status().in_circulation == opened + topped_up
    assert len(sandbox.payments.list()) == sum("payment_no" in answer for answer in known)
    assert len(wallets) == sum("opened_at" in answer for answer in known)
