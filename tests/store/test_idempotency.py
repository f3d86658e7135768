"""Idempotency keys: a repeat is answered from the first run, other content is a conflict."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from ecny_tax.clock import FixedClock, parse_time
from ecny_tax.errors import ConflictError, EcnyTaxError, InvalidInputError, RejectedError
from ecny_tax.money import Fen, yuan
from ecny_tax.sandbox import Sandbox

COMPANY = {
    "kind": "corporate",
    "operator": "ICBC",
    "name": "示例照明有限公司",
    "id_number": "91350100M000100Y43",
}


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(parse_time("2023-04-20"))


@pytest.fixture
def sandbox(tmp_path: Path, clock: FixedClock) -> Iterator[Sandbox]:
    with Sandbox.open(tmp_path / "a.db", clock=clock, seed="idempotency") as sandbox:
        yield sandbox


def dump(sandbox: Sandbox) -> list[Any]:
    with sandbox._store.reading() as tx:
        tables = tx.rows("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        return [(name, tx.rows(f"SELECT * FROM {name} ORDER BY 1, 2")) for (name,) in tables]


@pytest.fixture
def wallets(sandbox: Sandbox) -> tuple[str, str]:
    one = sandbox.wallets.open(**COMPANY, fund=yuan(1000))  # type: ignore[arg-type]
    other = sandbox.wallets.open(kind="personal", phone="13800000001", operator="BOC")
    return one.wallet_id, other.wallet_id


def operations(sandbox: Sandbox, wallets: tuple[str, str]) -> dict[str, Any]:
    one, other = wallets

    def pay(key: str) -> Any:
        bill = sandbox.taxes.bills()[0] if sandbox.taxes.bills() else None
        if bill is None:
            bill = sandbox.taxes.declare_stamp_duty(wallet_id=one, item="sale_contract", base=yuan(10_000))
        return sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=one, idempotency_key=key)

    return {
        "open": lambda key: sandbox.wallets.open(
            kind="personal", phone="13800000009", operator="ABC", fund=yuan(5), idempotency_key=key
        ),
        "top up": lambda key: sandbox.wallets.top_up(wallet_id=one, amount=yuan(7), idempotency_key=key),
        "cash out": lambda key: sandbox.wallets.cash_out(wallet_id=one, amount=yuan(7), idempotency_key=key),
        "transfer": lambda key: sandbox.wallets.transfer(
            from_wallet=one, to_wallet=other, amount=yuan(7), idempotency_key=key
        ),
        "stamp duty": lambda key: sandbox.payments.pay_stamp_duty(
            wallet_id=one,
            item="sale_contract",
            base=yuan(10_000),
            on=date(2023, 4, 19),
            idempotency_key=key,
        ),
        "pay": pay,
    }


NAMES = ["open", "top up", "cash out", "transfer", "stamp duty", "pay"]


@pytest.mark.parametrize("name", NAMES)
def test_repeat_is_answered_from_the_first_run_and_changes_no_row(
    sandbox: Sandbox, wallets: tuple[str, str], clock: FixedClock, name: str
) -> None:
    operation = operations(sandbox, wallets)[name]
    first = operation("key")
    before = dump(sandbox)
    clock.advance(timedelta(days=3))
    again = operation("key")
    assert again == first
    assert type(again) is type(first)
    assert dump(sandbox) == before


@pytest.mark.parametrize("name", ["top up", "cash out", "transfer", "stamp duty"])
def test_without_a_key_or_with_another_everything_is_done_anew(
    sandbox: Sandbox, wallets: tuple[str, str], name: str
) -> None:
    operation = operations(sandbox, wallets)[name]
    before = sandbox.status().transfers
    answers = [operation(key) for key in ("a", "b", None, None)]
    assert sandbox.status().transfers >= before + 4
    assert all(one != other for place, one in enumerate(answers) for other in answers[:place])


def test_same_key_with_other_content_is_a_conflict_and_changes_no_row(
    sandbox: Sandbox, wallets: tuple[str, str]
) -> None:
    one, other = wallets
    sandbox.wallets.transfer(from_wallet=one, to_wallet=other, amount=yuan(7), idempotency_key="key")
    sandbox.payments.pay_stamp_duty(
        wallet_id=one, item="sale_contract", base=yuan(10_000), idempotency_key="key"
    )
    before = dump(sandbox)
    with pytest.raises(ConflictError) as refusal:
        sandbox.wallets.transfer(from_wallet=one, to_wallet=other, amount=yuan(8), idempotency_key="key")
    assert refusal.value.code == "idempotency_conflict"
    duty: dict[str, Any] = {"wallet_id": one, "item": "sale_contract", "base": yuan(10_000)}
    for changed in (
        {"base": yuan(10_001)},
        {"item": "lease"},
        {"on": date(2023, 4, 19)},
        {"half_relief": True},
        {"authority": "14407840000"},
    ):
        with pytest.raises(ConflictError, match="idempotency_conflict"):
            sandbox.payments.pay_stamp_duty(**(duty | changed), idempotency_key="key")
    assert dump(sandbox) == before


def test_key_belongs_to_one_operation_and_one_acting_party(
    sandbox: Sandbox, wallets: tuple[str, str]
) -> None:
    one, other = wallets
    sandbox.wallets.top_up(wallet_id=one, amount=yuan(7), idempotency_key="key")
    sandbox.wallets.top_up(wallet_id=other, amount=yuan(8), idempotency_key="key")
    sandbox.wallets.cash_out(wallet_id=one, amount=yuan(1), idempotency_key="key")
    assert sandbox.wallets.show(wallet_id=one).balance == yuan(1006)
    assert sandbox.wallets.show(wallet_id=other).balance == yuan(8)


def test_refusal_is_not_remembered(sandbox: Sandbox, wallets: tuple[str, str]) -> None:
    one, other = wallets
    before = dump(sandbox)
    for _ in range(2):
        with pytest.raises(RejectedError, match="insufficient_funds"):
            sandbox.wallets.transfer(from_wallet=one, to_wallet=other, amount=yuan(1001), idempotency_key="k")
    assert dump(sandbox) == before
    sandbox.wallets.top_up(wallet_id=one, amount=yuan(1))
    sandbox.wallets.transfer(from_wallet=one, to_wallet=other, amount=yuan(1001), idempotency_key="k")


def test_answer_survives_reopening(tmp_path: Path, sandbox: Sandbox, wallets: tuple[str, str]) -> None:
    ask = {"wallet_id": wallets[0], "item": "sale_contract", "base": yuan(10_000), "idempotency_key": "k"}
    first = sandbox.payments.pay_stamp_duty(**ask)  # type: ignore[arg-type]
    with Sandbox.open(tmp_path / "a.db") as second:
        assert second.payments.pay_stamp_duty(**ask) == first  # type: ignore[arg-type]


@pytest.mark.parametrize("key", ["", "x" * 256, "a\nb", "a\x00b", "\x1b", "\u202e", "\ud800"], ids=ascii)
def test_malformed_key_is_refused(sandbox: Sandbox, wallets: tuple[str, str], key: str) -> None:
    before = dump(sandbox)
    with pytest.raises(InvalidInputError, match="idempotency_key_malformed"):
        sandbox.wallets.top_up(wallet_id=wallets[0], amount=yuan(1), idempotency_key=key)
    assert dump(sandbox) == before


@pytest.mark.parametrize("key", ["x", "x" * 255, "鹤山 1", "' OR 1=1 --", "😀"])
def test_any_printable_key_is_accepted(sandbox: Sandbox, wallets: tuple[str, str], key: str) -> None:
    ask: dict[str, Any] = {"wallet_id": wallets[0], "amount": yuan(1), "idempotency_key": key}
    assert sandbox.wallets.top_up(**ask) == sandbox.wallets.top_up(**ask)
    assert sandbox.wallets.show(wallet_id=wallets[0]).balance == yuan(1001)


# --- refusals ---------------------------------------------------------------------------------------


def refusals(sandbox: Sandbox, wallets: tuple[str, str]) -> dict[str, Any]:
    one, other = wallets
    s = sandbox
    return {
        "wallet_limit_exceeded": lambda: s.wallets.top_up(wallet_id=other, amount=yuan(10**6)),
        "insufficient_funds": lambda: s.wallets.cash_out(wallet_id=one, amount=yuan(10**6)),
        "wallets_must_be_different": lambda: s.wallets.transfer(
            from_wallet=one, to_wallet=one, amount=yuan(1)
        ),
        "wallet_not_empty": lambda: s.wallets.close(wallet_id=one),
        "amount_not_positive": lambda: s.wallets.top_up(wallet_id=one, amount=Fen(0)),
        "operator_unknown": lambda: s.wallets.open(kind="personal", phone="13800000000", operator="X"),
        "uscc_check_failed": lambda: s.wallets.open(
            kind="corporate", operator="ICBC", name="示例", id_number="91350100M000100Y44"
        ),
        "stamp_duty_item_unknown": lambda: s.payments.pay_stamp_duty(wallet_id=one, item="x", base=yuan(1)),
        "wallet_without_name": lambda: s.payments.pay_stamp_duty(
            wallet_id=other, item="sale_contract", base=yuan(10_000)
        ),
        "bill_not_found": lambda: s.payments.pay(bill_no="B1", wallet_id=one),
    }


REFUSALS = [
    "wallet_limit_exceeded",
    "insufficient_funds",
    "wallets_must_be_different",
    "wallet_not_empty",
    "amount_not_positive",
    "operator_unknown",
    "uscc_check_failed",
    "stamp_duty_item_unknown",
    "wallet_without_name",
    "bill_not_found",
]


@pytest.mark.parametrize("code", REFUSALS)
def test_refused_command_leaves_every_row_as_it_was(
    sandbox: Sandbox, wallets: tuple[str, str], code: str
) -> None:
    before = dump(sandbox)
    with pytest.raises(EcnyTaxError) as refusal:
        refusals(sandbox, wallets)[code]()
    assert refusal.value.code == code
    assert dump(sandbox) == before
    assert sandbox.ledger.verify().ok


def test_refused_payment_of_a_new_declaration_leaves_no_bill(
    sandbox: Sandbox, wallets: tuple[str, str]
) -> None:
    before = dump(sandbox)
    with pytest.raises(RejectedError, match="insufficient_funds"):
        sandbox.payments.pay_stamp_duty(
            wallet_id=wallets[0], item="sale_contract", base=yuan(100_000_000), idempotency_key="k"
        )
    assert dump(sandbox) == before
    assert sandbox.taxes.bills() == ()
