"""Eight processes at once: one wallet is never overdrawn, one key is one payment, one opening is whole.

On both engines: a file that they share, and a server where they work beside each other.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ecny_tax.money import yuan
from ecny_tax.sandbox import Sandbox

PROCESSES = 8

#: Copies of a process that has imported what they use and opened nothing: each waits until everybody is
#: ready, does its work, and leaves what became of it as JSON.
_RUN = """
import json, os, sys, time
from pathlib import Path
import ecny_tax.sandbox, cryptography.hazmat.primitives.kdf.hkdf, ecny_tax.crypto.signatures, pydantic
from ecny_tax.errors import EcnyTaxError
from ecny_tax.sandbox import Sandbox

path, keys, wallet = sys.argv[1], sys.argv[2], sys.argv[6]
start, first, last = Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
if path.startswith("postgresql:"):
    import psycopg

def opened():
    return Sandbox.open(path, keyring=keys)

def attempt(work):
    try:
        return work()
    except EcnyTaxError as refusal:
        return {{"refused": refusal.code}}

def answer(payment):
    return {{
        "payment_no": payment.payment_no, "amount": payment.amount, "fee": payment.fee,
        "balance_after": payment.balance_after, "receipt_no": payment.receipt_no,
        "settled_at": payment.settled_at.isoformat(), "bill_no": payment.bill_no,
    }}

for place in range(first, last):
    if last - first == 1 or os.fork() == 0:
        break
else:
    sys.exit(max(os.wait()[1] != 0 for _ in range(first, last)))
os.write(1, b"ready\\n")
while not start.exists():
    time.sleep(0.0005)
{work}
Path(f"{{start}}-{{place}}").write_text(json.dumps(answers))
"""


class Shared(NamedTuple):
    """A database that several processes open, with its keyring and a folder for them."""

    name: str
    folder: Path

    @property
    def keyring(self) -> Path:
        return self.folder / "a.db.keys"

    def opened(self) -> Sandbox:
        return Sandbox.open(self.name, keyring=self.keyring)


@pytest.fixture(params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Shared:
    """A fresh database on each engine."""
    if request.param == "sqlite":
        return Shared(str(tmp_path / "a.db"), tmp_path)
    return Shared(request.getfixturevalue("postgres_url"), tmp_path)


def run(shared: Shared, work: str, wallet: str = "") -> list[Any]:
    """What eight processes answered that did ``work`` at once."""
    start = shared.folder / "start"
    script = _RUN.format(work=work)
    # Where processes cannot be forked, each is started.
    groups = [(0, PROCESSES)] if hasattr(os, "fork") else [(place, place + 1) for place in range(PROCESSES)]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", script, shared.name, shared.keyring, start, *map(str, group), wallet],
            stdout=subprocess.PIPE,
            text=True,
        )
        for group in groups
    ]
    for process, (first, last) in zip(running, groups, strict=True):
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(first, last)] == ["ready\n"] * (last - first)
    start.touch()
    for process in running:
        process.communicate(timeout=120)
    assert [process.returncode for process in running] == [0] * len(running)
    start.unlink()
    left = [shared.folder / f"start-{place}" for place in range(PROCESSES)]
    answers = [json.loads(file.read_text()) for file in left]
    for file in left:
        file.unlink()
    return answers


class Funded(NamedTuple):
    """A database in which a corporate wallet has 100 yuan."""

    shared: Shared
    wallet: str

    def opened(self) -> Sandbox:
        return self.shared.opened()


@pytest.fixture
def funded(shared: Shared) -> Funded:
    with shared.opened() as sandbox:
        wallet = sandbox.wallets.open(
            kind="corporate",
            operator="ICBC",
            name="示例照明有限公司",
            id_number="91350100M000100Y43",
            fund=yuan(100),
        )
    return Funded(shared, wallet.wallet_id)


def settled(answers: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [answer for answer in answers if "payment_no" in answer]


PAY = """
with opened() as sandbox:
    answers = [
        attempt(lambda: answer(sandbox.payments.pay_stamp_duty(
            wallet_id=wallet, item="sale_contract", base=(10_000 + 3_333 * place + turn) * 100
        )))
        for turn in range(8)
    ]
"""


def test_I3_eight_processes_paying_from_one_wallet_never_overdraw_it(
    funded: Funded,
) -> None:
    wallet = funded.wallet
    answers = [answer for some in run(funded.shared, PAY, wallet) for answer in some]
    assert len(answers) == 8 * PROCESSES
    payments = settled(answers)
    refusals = [answer["refused"] for answer in answers if "refused" in answer]
    assert len(payments) + len(refusals) == len(answers)
    assert set(refusals) == {"insufficient_funds"}  # 64 payments of 3 yuan and more cannot all be made
    assert payments
    assert len({payment["payment_no"] for payment in payments}) == len(payments)
    assert len({payment["receipt_no"] for payment in payments}) == len(payments)
    with funded.opened() as sandbox:
        left = sandbox.wallets.show(wallet_id=wallet).balance
        assert left == yuan(100) - sum(payment["amount"] for payment in payments) >= 0
        assert {payment["fee"] for payment in payments} == {0}
        collected = [a.balance for a in sandbox.ledger.accounts() if a.kind == "collection"]
        assert sum(collected) == sum(payment["amount"] for payment in payments)
        # In the order of the ledger every answer tells the balance that it left.
        stored = sandbox.payments.list()
        lines = sandbox.wallets.statement(wallet_id=wallet).lines
        by_number = {payment["payment_no"]: payment for payment in payments}
        assert {payment.payment_no for payment in stored} == set(by_number)
        balance = yuan(100)
        for line in lines[1:]:
            payment = by_number[line.reference]
            balance -= payment["amount"]  # type: ignore[assignment]
            assert payment["balance_after"] == balance == line.balance
        found = sandbox.ledger.verify()
        assert found.ok, [check for check in found.checks if not check.ok]
        # Nobody was refused who could have been paid at the end.
        assert left < max(3_00 + 100 * PROCESSES, 11_00)


OPEN = """
with opened() as sandbox:
    answers = {"parties": len(sandbox.parties.list()), "keys": sandbox.published_keys(),
               "transfers": sandbox.status().transfers, "ok": sandbox.ledger.verify().ok}
"""


@pytest.mark.parametrize("attempt", range(2))
def test_eight_processes_opening_one_fresh_database_all_succeed_and_agree(
    shared: Shared, attempt: int
) -> None:
    answers = run(shared, OPEN)
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["ok"]
    assert answers[0]["parties"] == 16
    made = {item.name for item in shared.folder.iterdir()}
    assert made == {shared.keyring.name} | ({"a.db"} if shared.name.endswith("a.db") else set())


SAME_KEY = """
with opened() as sandbox:
    answers = [
        attempt(lambda: answer(sandbox.payments.pay_stamp_duty(
            wallet_id=wallet, item="sale_contract", base=1_000_000, idempotency_key=f"key {turn}"
        )))
        for turn in range(5)
    ]
"""


def test_I5_eight_processes_with_the_same_key_make_one_payment_and_get_equal_answers(
    funded: Funded,
) -> None:
    wallet = funded.wallet
    answers = run(funded.shared, SAME_KEY, wallet)
    assert all(some == answers[0] for some in answers)
    assert len(settled(answers[0])) == 5
    with funded.opened() as sandbox:
        assert len(sandbox.payments.list()) == 5
        assert sandbox.wallets.show(wallet_id=wallet).balance == yuan(100) - 5 * yuan(3)
        assert sandbox.ledger.verify().ok


ONE_BILL = """
with opened() as sandbox:
    bills = sandbox.taxes.bills()
    answers = [
        attempt(lambda: answer(sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=wallet)))
        for bill in bills
    ]
"""


def test_I7_eight_processes_paying_the_same_bills_settle_each_once(
    funded: Funded,
) -> None:
    wallet = funded.wallet
    with funded.opened() as sandbox:
        for _ in range(5):
            sandbox.taxes.declare_stamp_duty(wallet_id=wallet, item="sale_contract", base=yuan(10_000))
    answers = run(funded.shared, ONE_BILL, wallet)
    for of_one_bill in zip(*answers, strict=True):
        assert len(settled(of_one_bill)) == 1
        assert {answer.get("refused") for answer in of_one_bill} == {None, "bill_already_paid"}
    with funded.opened() as sandbox:
        assert sandbox.wallets.show(wallet_id=wallet).balance == yuan(85)
        assert sandbox.ledger.verify().ok


ONE_PERSON = """
with opened() as sandbox:
    answers = attempt(lambda: {"opened": sandbox.wallets.open(
        kind="personal", operator="BOC", name="示例", id_number="440784199001010015"
    ).wallet_id})
"""


def test_eight_processes_opening_a_wallet_for_one_person_open_one(shared: Shared) -> None:
    shared.opened().close()
    answers = run(shared, ONE_PERSON)
    assert sum("opened" in answer for answer in answers) == 1
    assert {answer.get("refused") for answer in answers} == {None, "real_name_wallet_exists"}


def test_threads_of_one_sandbox_take_turns(funded: Funded) -> None:
    from concurrent.futures import ThreadPoolExecutor

    wallet = funded.wallet
    with funded.opened() as sandbox, ThreadPoolExecutor(PROCESSES) as pool:
        made = list(
            pool.map(lambda _: sandbox.wallets.top_up(wallet_id=wallet, amount=yuan(1)), range(5 * PROCESSES))
        )
        assert sorted(exchange.balance for exchange in made) == [
            yuan(101 + place) for place in range(5 * PROCESSES)
        ]
        assert sandbox.ledger.verify().ok


CLOSE = """
from datetime import date
with opened() as sandbox:
    if place == 0:
        time.sleep(0.05)
        closing = sandbox.treasury.close(day=sandbox.clock.now().date())
        answers = [{"closed_at": closing.closed_at.isoformat(), "collected": closing.collected}]
    else:
        answers = [
            attempt(lambda: answer(sandbox.payments.pay_stamp_duty(
                wallet_id=wallet, item="sale_contract", base=100_000
            )))
            for turn in range(12)
        ]
"""


def test_I13_a_day_that_is_closed_while_others_pay_takes_what_came_before_and_nothing_after(
    funded: Funded,
) -> None:
    wallet = funded.wallet
    with funded.opened() as sandbox:
        sandbox.clock.set(sandbox.clock.now().isoformat())  # no midnight in between
    (closing,), *others = run(funded.shared, CLOSE, wallet)
    payments = settled([answer for some in others for answer in some])
    refusals = {answer["refused"] for some in others for answer in some if "refused" in answer}
    assert refusals <= {"treasury_day_closed", "insufficient_funds"}
    for some in others:  # who was refused once is refused from then on
        codes = [answer.get("refused") for answer in some]
        if "treasury_day_closed" in codes:
            first = codes.index("treasury_day_closed")
            assert set(codes[first:]) <= {"treasury_day_closed", "insufficient_funds"}
    with funded.opened() as sandbox:
        assert closing["collected"] == sum(payment["amount"] for payment in payments)
        assert [a.balance for a in sandbox.ledger.accounts() if a.kind == "collection"] in ([0], [])
        assert sandbox.ledger.verify().ok
