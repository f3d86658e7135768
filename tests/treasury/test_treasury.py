"""Treasuries: their accounts, how a tax is shared among budget levels, and what a refund takes out."""

from __future__ import annotations

from typing import Any

import pytest

from ecny_tax import Fen, Sandbox
from tests.support import balance, collected, corporate, owe, personal, refund_of, refused

LEVELS = ("central", "province", "city", "county")
OPENING = 10**13


def held(s: Sandbox) -> dict[str, int]:
    return {account.account: account.balance for account in s.ledger.accounts()}


def taken(s: Sandbox, treasury: str = "1907840000") -> list[int]:
    """What was paid out of the revenue accounts, by level."""
    accounts = held(s)
    return [OPENING - accounts[f"revenue:{treasury}:{level}"] for level in LEVELS]


def test_a_new_scheme_opens_with_the_stated_balances(sandbox: Sandbox) -> None:
    assert taken(sandbox) == [0, 0, 0, 0]
    assert held(sandbox)["reserve:ICBC"] == 10**12
    assert (sandbox.status().in_circulation, sandbox.status().operator_vaults) == (0, 0)


def test_an_added_treasury_has_revenue_accounts_of_its_own(sandbox: Sandbox) -> None:
    party = sandbox.treasury.add(code="1900000001", name="虚构国库", name_en="Made-up treasury")
    assert (party.kind, party.code, party.name_en) == ("treasury", "1900000001", "Made-up treasury")
    assert taken(sandbox, "1900000001") == [0, 0, 0, 0]
    sandbox.parties.add_tax_authority(code="14400000001", name="虚构税务局", treasury="1900000001")
    wallet = personal(sandbox)
    sandbox.refunds.apply_for_income_tax(
        wallet_id=wallet.wallet_id, annual_return=refund_of(100), authority="14400000001"
    )
    assert taken(sandbox, "1900000001") == [60, 12, 8, 20]
    assert taken(sandbox) == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("code", "wishes"),
    [
        ("treasury_code_malformed", {"code": "190000000", "name": "虚构"}),
        ("treasury_code_malformed", {"code": "19000000011", "name": "虚构"}),
        ("treasury_code_malformed", {"code": "１９００００００01", "name": "虚构"}),
        ("treasury_code_malformed", {"code": "190000000a", "name": "虚构"}),
        ("party_exists", {"code": "1907840000", "name": "虚构"}),
        ("name_malformed", {"code": "1900000001", "name": ""}),
        ("name_malformed", {"code": "1900000001", "name": "\udcff"}),
    ],
)
def test_a_malformed_or_repeated_treasury_is_refused(
    sandbox: Sandbox, code: str, wishes: dict[str, Any]
) -> None:
    with refused(sandbox, code):
        sandbox.treasury.add(**wishes)


def test_collected_tax_waits_on_accounts_per_operator_and_treasury(sandbox: Sandbox) -> None:
    for number, operator in ((1, "ICBC"), (2, "BOC"), (3, "BOC")):
        wallet = corporate(sandbox, number, operator=operator, fund=Fen(100))
        sandbox.payments.pay(bill_no=owe(sandbox, wallet, 100).bill_no, wallet_id=wallet.wallet_id)
    assert collected(sandbox) == {"ICBC:1907840000": 100, "BOC:1907840000": 200}
    assert sandbox.status().in_circulation == 300


@pytest.mark.parametrize(
    ("amount", "shares"),
    [
        (100, [60, 12, 8, 20]),
        (1, [1, 0, 0, 0]),
        (2, [1, 0, 0, 1]),
        (7, [4, 1, 1, 1]),
        (12345, [7407, 1481, 988, 2469]),
    ],
)
def test_an_income_tax_refund_is_taken_from_the_levels_that_share_it(
    sandbox: Sandbox, amount: int, shares: list[int]
) -> None:
    wallet = personal(sandbox)
    sandbox.refunds.apply_for_income_tax(wallet_id=wallet.wallet_id, annual_return=refund_of(amount))
    assert sum(taken(sandbox)) == amount
    assert taken(sandbox) == shares
    assert balance(sandbox, wallet) == amount


@pytest.mark.parametrize(
    ("item", "side", "shares"),
    [("sale_contract", None, [0, 30, 20, 50]), ("securities", "sell", [100, 0, 0, 0])],
)
def test_stamp_duty_is_local_and_on_securities_central(
    sandbox: Sandbox, item: str, side: Any, shares: list[int]
) -> None:
    wallet = corporate(sandbox, fund=Fen(100_00))
    base = Fen(100_0000) if item == "sale_contract" else Fen(300_00)
    paid = sandbox.payments.pay_stamp_duty(wallet_id=wallet.wallet_id, item=item, base=base, side=side)
    receipt = sandbox.payments.receipt(receipt_no=paid.receipt_no)
    lines = {line.budget_level: line.amount for line in receipt.lines}
    expected = {
        level: paid.amount * share // 100 for level, share in zip(LEVELS, shares, strict=True) if share
    }
    assert lines == expected
    sandbox.refunds.apply_for_payment(payment_no=paid.payment_no)
    assert taken(sandbox) == [expected.get(level, 0) for level in LEVELS]


def test_i2_a_refund_is_issued_against_what_the_treasury_paid(sandbox: Sandbox) -> None:
    wallet = personal(sandbox)
    sandbox.refunds.apply_for_income_tax(wallet_id=wallet.wallet_id, annual_return=refund_of(12345))
    accounts = held(sandbox)
    assert -accounts["issuance"] == accounts["backing"] == sandbox.status().in_circulation == 12345


def test_a_treasury_does_not_pay_what_a_level_does_not_hold(sandbox: Sandbox) -> None:
    """The central level shares 60 % and opens with 100,000,000,000 yuan: this is one fen too much."""
    wallet = personal(sandbox, wallet_class="I")
    most = OPENING * 10 // 6
    asked = refund_of(most + 2)
    refund = sandbox.refunds.apply_for_income_tax(wallet_id=wallet.wallet_id, annual_return=asked)
    assert (refund.status, refund.failure_code) == ("treasury_failed", "treasury_funds_insufficient")
    assert taken(sandbox) == [0, 0, 0, 0]
    assert balance(sandbox, wallet) == 0
    sandbox.refunds.withdraw(refund_no=refund.refund_no)
    asked = refund_of(most)
    refund = sandbox.refunds.apply_for_income_tax(wallet_id=wallet.wallet_id, annual_return=asked)
    assert refund.status == "completed"
    assert taken(sandbox)[0] == OPENING
