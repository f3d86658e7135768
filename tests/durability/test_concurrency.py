"""Eight processes at once: one wallet is never overdrawn, one key is one payment, one opening is whole."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ecny_tax.money import yuan
from ecny_tax.sandbox import Sandbox

PROCESSES = 8

#: Waits until everybody is ready, does its work, and prints what became of it as JSON.
_RUN = """
import json, sys, time
from pathlib import Path
import ecny_tax.sandbox, cryptography.hazmat.primitives.kdf.hkdf, ecny_tax.crypto.signatures, pydantic
from ecny_tax.errors import EcnyTaxError
from ecny_tax.sandbox import Sandbox

path, start, place, wallet = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]

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

print("ready", flush=True)
while not start.exists():
    time.sleep(0.0005)
{work}
print(json.dumps(answers))
"""


def run(tmp_path: Path, database: Path, work: str, wallet: str = "") -> list[Any]:
    """What eight processes answered that did ``work`` at once."""
    start = tmp_path / "start"
    script = _RUN.format(work=work)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(database), str(start), str(place), wallet],
            stdout=subprocess.PIPE,
            text=True,
        )
        for place in range(PROCESSES)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    start.touch()
    answers = [json.loads(process.communicate(timeout=120)[0]) for process in processes]
    assert [process.returncode for process in processes] == [0] * PROCESSES
    start.unlink()
    return answers


@pytest.fixture
def funded(tmp_path: Path) -> tuple[Path, str]:
    """A database with a corporate wallet of 100 yuan."""
    path = tmp_path / "a.db"
    with Sandbox.open(path) as sandbox:
        wallet = sandbox.wallets.open(
            kind="corporate",
            operator="ICBC",
            name="示例照明有限公司",
            id_number="91350100M000100Y43",
            fund=yuan(100),
        )
    return path, wallet.wallet_id


def settled(answers: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [answer for answer in answers if "payment_no" in answer]


PAY = """
with Sandbox.open(path) as sandbox:
    answers = [
        attempt(lambda: answer(sandbox.payments.pay_stamp_duty(
            wallet_id=wallet, item="sale_contract", base=(10_000 + 3_333 * place + turn) * 100
        )))
        for turn in range(8)
    ]
"""


def test_I3_eight_processes_paying_from_one_wallet_never_overdraw_it(
    tmp_path: Path, funded: tuple[Path, str]
) -> None:
    path, wallet = funded
    answers = [answer for some in run(tmp_path, path, PAY, wallet) for answer in some]
    assert len(answers) == 8 * PROCESSES
    payments = settled(answers)
    refusals = [answer["refused"] for answer in answers if "refused" in answer]
    assert len(payments) + len(refusals) == len(answers)
    assert set(refusals) == {"insufficient_funds"}  # 64 payments of 3 yuan and more cannot all be made
    assert payments
    assert len({payment["payment_no"] for payment in payments}) == len(payments)
    assert len({payment["receipt_no"] for payment in payments}) == len(payments)
    with Sandbox.open(path) as sandbox:
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
with Sandbox.open(path) as sandbox:
    answers = {"parties": len(sandbox.parties.list()), "keys": sandbox.published_keys(),
               "transfers": sandbox.status().transfers, "ok": sandbox.ledger.verify().ok}
"""


@pytest.mark.parametrize("attempt", range(3))
def test_eight_processes_opening_one_fresh_database_all_succeed_and_agree(
    tmp_path: Path, attempt: int
) -> None:
    path = tmp_path / "a.db"
    answers = run(tmp_path, path, OPEN)
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["ok"]
    assert answers[0]["parties"] == 16
    assert sorted(item.name for item in tmp_path.iterdir()) == ["a.db", "a.db.keys"]


SAME_KEY = """
with Sandbox.open(path) as sandbox:
    answers = [
        attempt(lambda: answer(sandbox.payments.pay_stamp_duty(
            wallet_id=wallet, item="sale_contract", base=1_000_000, idempotency_key=f"key {turn}"
        )))
        for turn in range(5)
    ]
"""


def test_I5_eight_processes_with_the_same_key_make_one_payment_and_get_equal_answers(
    tmp_path: Path, funded: tuple[Path, str]
) -> None:
    path, wallet = funded
    answers = run(tmp_path, path, SAME_KEY, wallet)
    assert all(some == answers[0] for some in answers)
    assert len(settled(answers[0])) == 5
    with Sandbox.open(path) as sandbox:
        assert len(sandbox.payments.list()) == 5
        assert sandbox.wallets.show(wallet_id=wallet).balance == yuan(100) - 5 * yuan(3)
        assert sandbox.ledger.verify().ok


ONE_BILL = """
with Sandbox.open(path) as sandbox:
    bills = sandbox.taxes.bills()
    answers = [
        attempt(lambda: answer(sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=wallet)))
        for bill in bills
    ]
"""


def test_I7_eight_processes_paying_the_same_bills_settle_each_once(
    tmp_path: Path, funded: tuple[Path, str]
) -> None:
    path, wallet = funded
    with Sandbox.open(path) as sandbox:
        for _ in range(5):
            sandbox.taxes.declare_stamp_duty(wallet_id=wallet, item="sale_contract", base=yuan(10_000))
    answers = run(tmp_path, path, ONE_BILL, wallet)
    for of_one_bill in zip(*answers, strict=True):
        assert len(settled(of_one_bill)) == 1
        assert {answer.get("refused") for answer in of_one_bill} == {None, "bill_already_paid"}
    with Sandbox.open(path) as sandbox:
        assert sandbox.wallets.show(wallet_id=wallet).balance == yuan(85)
        assert sandbox.ledger.verify().ok


ONE_PERSON = """
with Sandbox.open(path) as sandbox:
    answers = attempt(lambda: {"opened": sandbox.wallets.open(
        kind="personal", operator="BOC", name="示例", id_number="440784199001010015"
    ).wallet_id})
"""


def test_eight_processes_opening_a_wallet_for_one_person_open_one(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    Sandbox.open(path).close()
    answers = run(tmp_path, path, ONE_PERSON)
    assert sum("opened" in answer for answer in answers) == 1
    assert {answer.get("refused") for answer in answers} == {None, "real_name_wallet_exists"}


def test_threads_of_one_sandbox_take_turns(tmp_path: Path, funded: tuple[Path, str]) -> None:
    from concurrent.futures import ThreadPoolExecutor

    path, wallet = funded
    with Sandbox.open(path) as sandbox, ThreadPoolExecutor(PROCESSES) as pool:
        made = list(
            pool.map(lambda _: sandbox.wallets.top_up(wallet_id=wallet, amount=yuan(1)), range(5 * PROCESSES))
        )
        assert sorted(exchange.balance for exchange in made) == [
            yuan(101 + place) for place in range(5 * PROCESSES)
        ]
        assert sandbox.ledger.verify().ok


CLOSE = """
from datetime import date
with Sandbox.open(path) as sandbox:
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
    tmp_path: Path, funded: tuple[Path, str]
) -> None:
    path, wallet = funded
    with Sandbox.open(path) as sandbox:
        sandbox.clock.set(sandbox.clock.now().isoformat())  # no midnight in between
    (closing,), *others = run(tmp_path, path, CLOSE, wallet)
    payments = settled([answer for some in others for answer in some])
    refusals = {answer["refused"] for some in others for answer in some if "refused" in answer}
    assert refusals <= {"treasury_day_closed", "insufficient_funds"}
    for some in others:  # who was refused once is refused from then on
        codes = [answer.get("refused") for answer in some]
        if "treasury_day_closed" in codes:
            first = codes.index("treasury_day_closed")
            assert set(codes[first:]) <= {"treasury_day_closed", "insufficient_funds"}
    with Sandbox.open(path) as sandbox:
        assert closing["collected"] == sum(payment["amount"] for payment in payments)
        assert [a.balance for a in sandbox.ledger.accounts() if a.kind == "collection"] in ([0], [])
        assert sandbox.ledger.verify().ok
