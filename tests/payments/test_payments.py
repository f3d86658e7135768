"""Paying bills by debit and by scan, refusals that move nothing, keys, reversals and receipts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from ecny_tax import EcnyTaxError, Fen, FixedClock, Sandbox
from tests.support import (
    AUTHORITY,
    balance,
    company_id,
    company_name,
    corporate,
    dump,
    hold,
    nameless,
    owe,
    person_name,
    personal,
    refused,
)

OTHER = "14400000001"


@pytest.fixture
def two_offices(sandbox: Sandbox) -> Sandbox:
    sandbox.parties.add_tax_authority(code=OTHER, name="虚构税务局")
    return sandbox


def test_without_an_agreement_a_wallet_pays_by_scan(sandbox: Sandbox) -> None:
    wallet = corporate(sandbox, fund=Fen(1_000))
    bill = owe(sandbox, wallet, 400)
    paid = sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id)
    assert (paid.mode, paid.status, paid.agreement_no) == ("scan_to_pay", "settled", None)
    assert (paid.amount, paid.fee, paid.balance_after) == (400, 0, 600)
    assert paid.settled_at == sandbox.clock.now()
    assert sandbox.taxes.bill(bill_no=bill.bill_no).status == "paid"
    assert sandbox.payments.show(payment_no=paid.payment_no) == paid
    assert sandbox.payments.list() == (paid,)


def test_with_an_agreement_the_authority_debits_the_wallet(sandbox: Sandbox) -> None:
    wallet = corporate(sandbox, fund=Fen(1_000))
    agreement = sandbox.agreements.sign(wallet_id=wallet.wallet_id).agreement_no
    for wishes in ({}, {"wallet_id": wallet.wallet_id}, {"agreement_no": agreement}):
        paid = sandbox.payments.pay(bill_no=owe(sandbox, wallet, 100).bill_no, **wishes)
        assert (paid.mode, paid.agreement_no, paid.wallet_id) == (
            "real_time_debit",
            agreement,
            wallet.wallet_id,
        )
    assert balance(sandbox, wallet) == 700


def test_anybody_may_pay_anybodys_bill_by_scan(sandbox: Sandbox) -> None:
    debtor = corporate(sandbox)
    for helper in (personal(sandbox, fund=Fen(10)), nameless(sandbox, fund=Fen(10))):
        paid = sandbox.payments.pay(bill_no=owe(sandbox, debtor, 10).bill_no, wallet_id=helper.wallet_id)
        assert (paid.mode, paid.wallet_id) == ("scan_to_pay", helper.wallet_id)


def test_an_agreement_does_not_make_another_taxpayers_bill_a_debit(two_offices: Sandbox) -> None:
    s = two_offices
    wallet, other = corporate(s, fund=Fen(100)), corporate(s, 2)
    s.agreements.sign(wallet_id=wallet.wallet_id)
    for bill in (owe(s, other, 10), owe(s, wallet, 10, authority=OTHER)):
        assert s.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id).mode == "scan_to_pay"


def test_the_agreement_of_one_wallet_does_not_debit_another_of_the_same_taxpayer(sandbox: Sandbox) -> None:
    signed, unsigned = corporate(sandbox, fund=Fen(100)), corporate(sandbox, fund=Fen(100))
    sandbox.agreements.sign(wallet_id=signed.wallet_id)
    bill = owe(sandbox, unsigned, 10)
    paid = sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=unsigned.wallet_id)
    assert (paid.mode, paid.wallet_id) == ("scan_to_pay", unsigned.wallet_id)
    paid = sandbox.payments.pay(bill_no=owe(sandbox, unsigned, 10).bill_no)
    assert (paid.mode, paid.wallet_id) == ("real_time_debit", signed.wallet_id)


def test_of_several_agreements_the_newest_with_an_open_wallet_pays(
    sandbox: Sandbox, clock: FixedClock
) -> None:
    wallets = []
    for _ in range(3):
        wallets.append(corporate(sandbox, fund=Fen(10)))
        sandbox.agreements.sign(wallet_id=wallets[-1].wallet_id)
        clock.advance(timedelta(seconds=1))
    sandbox.wallets.cash_out(wallet_id=wallets[2].wallet_id, amount=Fen(10))
    sandbox.wallets.close(wallet_id=wallets[2].wallet_id)
    assert sandbox.payments.pay(bill_no=owe(sandbox, wallets[0], 1).bill_no).wallet_id == wallets[1].wallet_id


def test_stamp_duty_is_declared_and_paid_in_one_step(sandbox: Sandbox) -> None:
    wallet = corporate(sandbox, fund=Fen(20_000_00))
    paid = sandbox.payments.pay_stamp_duty(
        wallet_id=wallet.wallet_id, item="sale_contract", base=Fen(56_666_666_67)
    )
    assert (paid.amount, paid.fee, paid.balance_after) == (17_000_00, 0, 3_000_00)
    bill = sandbox.taxes.bill(bill_no=paid.bill_no)
    assert (bill.tax, bill.item, bill.status) == ("stamp-duty", "sale_contract", "paid")
    with refused(sandbox, "insufficient_funds"):
        sandbox.payments.pay_stamp_duty(
            wallet_id=wallet.wallet_id, item="sale_contract", base=Fen(56_666_666_67)
        )
    assert len(sandbox.taxes.bills()) == 1


#: What is refused: its code, and how to get there (a scene returns what is then asked for).
def _wallet_and_bill(s: Sandbox, amount: int = 100, fund: int = 1_000) -> tuple[Any, dict[str, Any]]:
    wallet = corporate(s, fund=Fen(fund))
    bill = owe(s, wallet, amount)
    return wallet, {"bill_no": bill.bill_no, "wallet_id": wallet.wallet_id}


def _after(act: str) -> Callable[[Sandbox], dict[str, Any]]:
    def scene(s: Sandbox) -> dict[str, Any]:
        wallet, asked = _wallet_and_bill(s)
        if act == "close":
            s.wallets.cash_out(wallet_id=wallet.wallet_id, amount=Fen(1_000))
            s.wallets.close(wallet_id=wallet.wallet_id)
        else:
            hold(s, act, wallet.wallet_id)
        return asked

    return scene


def _paid(s: Sandbox) -> dict[str, Any]:
    _wallet, asked = _wallet_and_bill(s)
    s.payments.pay(**asked)
    return asked


def _cancelled(s: Sandbox) -> dict[str, Any]:
    _wallet, asked = _wallet_and_bill(s)
    s.taxes.cancel(bill_no=asked["bill_no"])
    return asked


def _poor(s: Sandbox) -> dict[str, Any]:
    return _wallet_and_bill(s, amount=101, fund=100)[1]


def _over(wallet_class: str) -> Callable[[Sandbox], dict[str, Any]]:
    def scene(s: Sandbox) -> dict[str, Any]:
        wallet = personal(s, wallet_class=wallet_class, fund=Fen(20_000_00))
        return {"bill_no": owe(s, wallet, 5_000_01).bill_no, "wallet_id": wallet.wallet_id}

    return scene


def _agreement(change: str) -> Callable[[Sandbox], dict[str, Any]]:
    def scene(s: Sandbox) -> dict[str, Any]:
        wallet, asked = _wallet_and_bill(s)
        number = s.agreements.sign(wallet_id=wallet.wallet_id).agreement_no
        if change in ("lock", "terminate"):
            getattr(s.agreements, change)(agreement_no=number)
        if change == "close":
            s.wallets.cash_out(wallet_id=wallet.wallet_id, amount=Fen(1_000))
            s.wallets.close(wallet_id=wallet.wallet_id)
        bill = asked["bill_no"]
        if change == "other taxpayer":
            bill = owe(s, corporate(s, 2), 10).bill_no
        if change == "other authority":
            s.parties.add_tax_authority(code=OTHER, name="虚构税务局")
            bill = owe(s, wallet, 10, authority=OTHER).bill_no
        return (
            asked
            | {"bill_no": bill, "agreement_no": number}
            | ({} if change == "both" else {"wallet_id": None})
        )

    return scene


REFUSALS: list[tuple[str, Callable[[Sandbox], dict[str, Any]]]] = [
    ("bill_not_found", lambda s: {"bill_no": "B1"}),
    ("bill_already_paid", _paid),
    ("bill_cancelled", _cancelled),
    ("wallet_not_found", lambda s: _poor(s) | {"wallet_id": "0021000000000005"}),
    ("wallet_id_malformed", lambda s: _poor(s) | {"wallet_id": "1"}),
    ("wallet_id_check_failed", lambda s: _poor(s) | {"wallet_id": "0021000000000001"}),
    ("insufficient_funds", _poor),
    ("wallet_limit_exceeded", _over("III")),
    ("wallet_stopped", _after("stop")),
    ("wallet_frozen", _after("freeze")),
    ("wallet_closed", _after("close")),
    ("agreement_required", lambda s: {"bill_no": _poor(s)["bill_no"]}),
    ("agreement_not_found", lambda s: {"bill_no": _poor(s)["bill_no"], "agreement_no": "A1"}),
    ("wallet_or_agreement", _agreement("both")),
    ("agreement_locked", _agreement("lock")),
    ("agreement_terminated", _agreement("terminate")),
    ("agreement_does_not_cover", _agreement("other taxpayer")),
    ("agreement_does_not_cover", _agreement("other authority")),
    ("wallet_closed", _agreement("close")),
    ("idempotency_key_malformed", lambda s: _wallet_and_bill(s)[1] | {"idempotency_key": "\n"}),
    ("idempotency_key_malformed", lambda s: _wallet_and_bill(s)[1] | {"idempotency_key": "k" * 256}),
]


@pytest.mark.parametrize(("code", "scene"), REFUSALS)
def test_a_refused_payment_moves_nothing(
    sandbox: Sandbox, code: str, scene: Callable[[Sandbox], dict[str, Any]]
) -> None:
    asked = scene(sandbox)
    with refused(sandbox, code):
        sandbox.payments.pay(**asked)


@pytest.mark.parametrize(
    ("code", "wishes"),
    [
        ("stamp_duty_item_unknown", {"item": "napkin"}),
        ("side_required", {"item": "securities"}),
        ("side_not_applicable", {"side": "sell"}),
        ("relief_not_applicable", {"item": "securities", "side": "sell", "half_relief": True}),
        ("relief_not_in_force", {"half_relief": True, "on": date(2028, 1, 1)}),
        ("no_rule_on_date", {"on": date(2022, 6, 30)}),
        ("amount_not_positive", {"base": Fen(0)}),
        ("nothing_to_pay", {"base": Fen(1)}),
        ("nothing_to_pay", {"item": "securities", "side": "buy"}),
        ("tax_authority_not_found", {"authority": OTHER}),
        ("insufficient_funds", {"base": Fen(10_000_00)}),
    ],
)
def test_a_refused_declaration_and_payment_leaves_no_bill(
    sandbox: Sandbox, code: str, wishes: dict[str, Any]
) -> None:
    wallet = corporate(sandbox, fund=Fen(100))
    asked = {"wallet_id": wallet.wallet_id, "item": "sale_contract", "base": Fen(1_000_00)}
    with refused(sandbox, code):
        sandbox.payments.pay_stamp_duty(**(asked | wishes))


def test_the_buyer_of_securities_is_told_why_there_is_nothing_to_pay(sandbox: Sandbox) -> None:
    wallet = corporate(sandbox).wallet_id
    asked: dict[str, Any] = {"wallet_id": wallet, "item": "securities", "side": "buy", "base": Fen(100_00)}
    for act in (sandbox.taxes.declare_stamp_duty, sandbox.payments.pay_stamp_duty):
        with pytest.raises(EcnyTaxError, match="nothing_to_pay") as caught:
            act(**asked)
        assert "the buyer of securities has owed no stamp duty since 2008-09-19" in caught.value.hint
        assert "证券买方不缴印花税" in caught.value.hint_in("zh")


def test_a_nameless_wallet_declares_nothing(sandbox: Sandbox) -> None:
    wallet = nameless(sandbox, fund=Fen(100))
    with refused(sandbox, "wallet_without_name"):
        sandbox.payments.pay_stamp_duty(wallet_id=wallet.wallet_id, item="sale_contract", base=Fen(1_000_00))
    with refused(sandbox, "wallet_without_name"):
        owe(sandbox, wallet, 1)


def test_i7_a_bill_is_paid_once(sandbox: Sandbox) -> None:
    a, b = corporate(sandbox, fund=Fen(100)), corporate(sandbox, 2, fund=Fen(100))
    sandbox.agreements.sign(wallet_id=a.wallet_id)
    bill = owe(sandbox, a, 100).bill_no
    sandbox.payments.pay(bill_no=bill)
    for wishes in ({}, {"wallet_id": a.wallet_id}, {"wallet_id": b.wallet_id}):
        with refused(sandbox, "bill_already_paid"):
            sandbox.payments.pay(bill_no=bill, **wishes)
    with refused(sandbox, "bill_already_paid"):
        sandbox.taxes.cancel(bill_no=bill)


# --- keys -----------------------------------------------------------------------------------------------


def test_i5_the_same_key_is_answered_from_the_first_run_whatever_happened_since(
    sandbox: Sandbox, clock: FixedClock
) -> None:
    wallet = corporate(sandbox, fund=Fen(1_000))
    agreement = sandbox.agreements.sign(wallet_id=wallet.wallet_id)
    bill = owe(sandbox, wallet, 100).bill_no
    first = sandbox.payments.pay(bill_no=bill, idempotency_key="k")
    back = sandbox.payments.reverse(payment_no=first.payment_no, idempotency_key="k")
    sandbox.taxes.cancel(bill_no=bill)
    sandbox.agreements.terminate(agreement_no=agreement.agreement_no)
    clock.advance(timedelta(days=1000))
    sandbox.wallets.cash_out(wallet_id=wallet.wallet_id, amount=Fen(1_000))
    sandbox.wallets.close(wallet_id=wallet.wallet_id)
    before = dump(sandbox)
    assert sandbox.payments.pay(bill_no=bill, idempotency_key="k") == first
    assert sandbox.payments.reverse(payment_no=first.payment_no, idempotency_key="k") == back
    assert dump(sandbox) == before


def test_i5_a_key_with_other_content_is_a_conflict(sandbox: Sandbox) -> None:
    wallet = corporate(sandbox, fund=Fen(1_000))
    at = {"wallet_id": wallet.wallet_id, "idempotency_key": "k"}
    one, two = owe(sandbox, wallet, 10).bill_no, owe(sandbox, wallet, 10).bill_no
    sandbox.payments.pay(bill_no=one, **at)
    with refused(sandbox, "idempotency_conflict", key="k", operation="pay"):
        sandbox.payments.pay(bill_no=two, **at)
    with refused(sandbox, "idempotency_conflict"):
        sandbox.payments.pay(bill_no=one, idempotency_key="k")
    with refused(sandbox, "idempotency_conflict"):
        sandbox.payments.pay_stamp_duty(item="sale_contract", base=Fen(1_000_00), **at)
    other = corporate(sandbox, 2, fund=Fen(10))
    paid = sandbox.payments.pay(bill_no=two, wallet_id=other.wallet_id, idempotency_key="k")
    assert paid.wallet_id == other.wallet_id


@pytest.mark.parametrize(
    "change",
    [
        {"item": "lease_contract"},
        {"base": Fen(1_000_01)},
        {"on": date(2023, 4, 20)},
        {"half_relief": True},
        {"authority": AUTHORITY},
    ],
)
def test_i5_stamp_duty_with_a_key_is_one_payment_and_every_field_is_content(
    sandbox: Sandbox, change: dict[str, Any]
) -> None:
    wallet = corporate(sandbox, fund=Fen(1_000))
    asked: dict[str, Any] = {"wallet_id": wallet.wallet_id, "item": "sale_contract", "base": Fen(1_000_00)}
    first = sandbox.payments.pay_stamp_duty(**asked, idempotency_key="k")
    assert sandbox.payments.pay_stamp_duty(**asked, idempotency_key="k") == first
    with refused(sandbox, "idempotency_conflict"):
        sandbox.payments.pay_stamp_duty(**(asked | change), idempotency_key="k")
    assert sandbox.payments.pay_stamp_duty(**asked).bill_no != first.bill_no


@pytest.mark.parametrize("change", [{"pieces": 3}, {"base": Fen(1)}, {"taxpayer_kind": "sole_trader"}])
def test_stamp_duty_by_the_piece_is_paid_and_every_field_is_content(
    sandbox: Sandbox, change: dict[str, Any]
) -> None:
    wallet = corporate(sandbox, fund=Fen(20_00))
    asked: dict[str, Any] = {"wallet_id": wallet.wallet_id, "item": "permit_or_licence", "pieces": 2}
    asked["on"] = date(2022, 6, 30)
    first = sandbox.payments.pay_stamp_duty(**asked, idempotency_key="k")
    assert first.amount - first.late_fee == 10_00
    assert sandbox.payments.pay_stamp_duty(**asked, idempotency_key="k") == first
    with refused(sandbox, "idempotency_conflict"):
        sandbox.payments.pay_stamp_duty(**(asked | change), idempotency_key="k")


@pytest.mark.parametrize(
    ("code", "wishes"),
    [
        ("base_required", {}),
        ("pieces_not_applicable", {"pieces": 1}),
        ("taxpayer_kind_unknown", {"base": Fen(1), "half_relief": True, "taxpayer_kind": "king"}),
    ],
)
def test_stamp_duty_is_paid_on_what_its_item_goes_by(
    sandbox: Sandbox, code: str, wishes: dict[str, Any]
) -> None:
    wallet = corporate(sandbox, fund=Fen(100)).wallet_id
    with refused(sandbox, code):
        sandbox.payments.pay_stamp_duty(wallet_id=wallet, item="sale_contract", **wishes)


def test_i5_a_refusal_is_judged_anew(sandbox: Sandbox) -> None:
    wallet = corporate(sandbox)
    asked = {"bill_no": owe(sandbox, wallet, 10).bill_no, "wallet_id": wallet.wallet_id}
    with refused(sandbox, "insufficient_funds"):
        sandbox.payments.pay(**asked, idempotency_key="k")
    sandbox.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(10))
    assert sandbox.payments.pay(**asked, idempotency_key="k").status == "settled"


# --- reversal -------------------------------------------------------------------------------------------


def debit(s: Sandbox, amount: int = 100, **wishes: Any) -> Any:
    wallet = corporate(s, **{"fund": Fen(1_000), **wishes})
    s.agreements.sign(wallet_id=wallet.wallet_id)
    return s.payments.pay(bill_no=owe(s, wallet, amount).bill_no)


def test_a_reversal_is_a_new_transfer_and_opens_the_bill_again(sandbox: Sandbox) -> None:
    paid = debit(sandbox)
    before = sandbox.status().transfers
    back = sandbox.payments.reverse(payment_no=paid.payment_no)
    assert (back.status, back.reversed_at, back.refunded) == ("reversed", sandbox.clock.now(), 0)
    assert sandbox.wallets.show(wallet_id=paid.wallet_id).balance == 1_000
    assert sandbox.status().transfers == before + 1
    assert sandbox.taxes.bill(bill_no=paid.bill_no).status == "open"
    with refused(sandbox, "payment_already_reversed"):
        sandbox.payments.reverse(payment_no=paid.payment_no)
    with refused(sandbox, "payment_already_reversed"):
        sandbox.refunds.apply_for_payment(payment_no=paid.payment_no)
    again = sandbox.payments.pay(bill_no=paid.bill_no)
    assert again.payment_no != paid.payment_no
    assert again.receipt_no != paid.receipt_no


@pytest.mark.parametrize(
    ("settled", "last", "late"),
    [
        ("2023-04-21T00:00:00", "2023-04-21T23:59:59.999999", "2023-04-22T00:00:00"),
        ("2023-12-31T23:59:59.999999", "2023-12-31T23:59:59.999999", "2024-01-01T00:00:00"),
        # the same day in UTC, and yet another one in Beijing
        ("2023-04-21T07:59:59+00:00", "2023-04-21T15:59:59+00:00", "2023-04-21T16:00:00+00:00"),
    ],
)
def test_a_debit_is_reversed_on_its_beijing_day_only(
    sandbox: Sandbox, settled: str, last: str, late: str
) -> None:
    wallet = corporate(sandbox, fund=Fen(1_000))
    sandbox.agreements.sign(wallet_id=wallet.wallet_id)
    sandbox.clock.set(settled)
    first, second = (
        sandbox.payments.pay(bill_no=owe(sandbox, wallet, 10).bill_no).payment_no for _ in range(2)
    )
    sandbox.clock.set(last)
    assert sandbox.payments.reverse(payment_no=first).status == "reversed"
    sandbox.clock.set(late)
    with refused(sandbox, "reversal_too_late"):
        sandbox.payments.reverse(payment_no=second)


def test_only_a_debit_is_reversed(sandbox: Sandbox) -> None:
    wallet = corporate(sandbox, fund=Fen(100))
    paid = sandbox.payments.pay(bill_no=owe(sandbox, wallet, 10).bill_no, wallet_id=wallet.wallet_id)
    with refused(sandbox, "payment_not_reversible", mode="scan_to_pay"):
        sandbox.payments.reverse(payment_no=paid.payment_no)


def test_i8_what_was_refunded_in_part_is_not_reversed(sandbox: Sandbox) -> None:
    paid = debit(sandbox)
    refund = sandbox.refunds.apply_for_payment(payment_no=paid.payment_no, amount=Fen(1), manual_review=True)
    with refused(sandbox, "payment_already_refunded"):
        sandbox.payments.reverse(payment_no=paid.payment_no)
    sandbox.refunds.reject(refund_no=refund.refund_no)
    assert sandbox.payments.reverse(payment_no=paid.payment_no).status == "reversed"


def test_nothing_is_reversed_into_a_closed_wallet(sandbox: Sandbox) -> None:
    paid = debit(sandbox, 1_000)
    sandbox.wallets.close(wallet_id=paid.wallet_id)
    with refused(sandbox, "wallet_closed"):
        sandbox.payments.reverse(payment_no=paid.payment_no)


def test_i11_a_reversal_gives_the_allowance_back_and_may_exceed_the_cap(sandbox: Sandbox) -> None:
    wallet, other = personal(sandbox, wallet_class="III", fund=Fen(20_000_00)), corporate(sandbox)
    sandbox.agreements.sign(wallet_id=wallet.wallet_id)
    paid = [sandbox.payments.pay(bill_no=owe(sandbox, wallet, 5_000_00).bill_no) for _ in range(2)]
    bill = owe(sandbox, wallet, 1).bill_no
    with refused(sandbox, "wallet_limit_exceeded", limit="day"):
        sandbox.payments.pay(bill_no=bill)
    sandbox.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(10_000_00))
    for payment in paid:
        sandbox.payments.reverse(payment_no=payment.payment_no)
    assert balance(sandbox, wallet) == 30_000_00
    with refused(sandbox, "wallet_limit_exceeded", limit="balance"):
        sandbox.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(1))
    for amount in (5_000_00, 5_000_00):
        sandbox.wallets.transfer(from_wallet=wallet.wallet_id, to_wallet=other.wallet_id, amount=Fen(amount))
    with refused(sandbox, "wallet_limit_exceeded", limit="day"):
        sandbox.payments.pay(bill_no=bill)


def test_a_debit_is_reversed_also_after_an_upgrade_of_its_wallet_on_the_same_day(sandbox: Sandbox) -> None:
    """Class I counts no spending, yet what the wallet spent before, as class II, stands counted."""
    wallet, other = personal(sandbox, fund=Fen(1_000)), personal(sandbox, 2)
    sandbox.agreements.sign(wallet_id=wallet.wallet_id)
    counted = sandbox.payments.pay(bill_no=owe(sandbox, wallet, 10).bill_no)
    sandbox.wallets.transfer(from_wallet=wallet.wallet_id, to_wallet=other.wallet_id, amount=Fen(1))
    sandbox.wallets.upgrade(wallet_id=wallet.wallet_id, wallet_class="I")
    uncounted = sandbox.payments.pay(bill_no=owe(sandbox, wallet, 500).bill_no)
    for paid in (uncounted, counted):
        assert sandbox.payments.reverse(payment_no=paid.payment_no).status == "reversed"
    assert balance(sandbox, wallet) == 999


# --- receipts -------------------------------------------------------------------------------------------


def test_a_receipt_prints_everything_of_the_payment_voucher(sandbox: Sandbox) -> None:
    wallet = corporate(sandbox, fund=Fen(20_000_00))
    sandbox.agreements.sign(wallet_id=wallet.wallet_id)
    paid = sandbox.payments.pay_stamp_duty(
        wallet_id=wallet.wallet_id, item="sale_contract", base=Fen(56_666_666_67)
    )
    receipt = sandbox.payments.receipt(receipt_no=paid.receipt_no)
    assert len(receipt.receipt_no) <= 24
    assert (receipt.payment_no, receipt.status) == (paid.payment_no, "settled")
    assert (receipt.taxpayer_id, receipt.taxpayer_name) == (company_id(), company_name())
    assert (receipt.authority, receipt.authority_name) == (AUTHORITY, "国家税务总局鹤山市税务局")
    assert (receipt.treasury, receipt.treasury_name) == ("1907840000", "国家金库鹤山市支库")
    assert (receipt.operator, receipt.operator_name) == ("ICBC", "中国工商银行")
    assert (receipt.wallet_id, receipt.payer_name) == (wallet.wallet_id, company_name())
    assert (receipt.amount, receipt.amount_in_capitals) == (17_000_00, "壹万柒仟元整")
    assert (receipt.paid_at, receipt.remark) == (paid.settled_at, "数字人民币实时扣税")
    assert [(line.budget_level, line.amount) for line in receipt.lines] == [
        ("province", 5_100_00),
        ("city", 3_400_00),
        ("county", 8_500_00),
    ]
    for line in receipt.lines:
        assert (line.tax, line.item, line.budget_subject) == ("印花税", "sale_contract", "税收收入—印花税")
        assert (line.period_start, line.period_end) == (date(2023, 4, 1), date(2023, 6, 30))


@pytest.mark.parametrize(
    ("amount", "capitals"),
    [
        (1, "壹分"),
        (10, "壹角整"),
        (1_01, "壹元零壹分"),
        (1_005_06, "壹仟零伍元零陆分"),
        (1_000_000_00, "壹佰万元整"),
    ],
)
def test_a_receipt_writes_its_amount_in_capital_numerals(
    sandbox: Sandbox, amount: int, capitals: str
) -> None:
    wallet = corporate(sandbox, fund=Fen(amount))
    paid = sandbox.payments.pay(bill_no=owe(sandbox, wallet, amount).bill_no, wallet_id=wallet.wallet_id)
    receipt = sandbox.payments.receipt(receipt_no=paid.receipt_no)
    assert receipt.amount_in_capitals == capitals
    assert sum(line.amount for line in receipt.lines) == amount
    assert len(receipt.lines) <= 10


def test_a_receipt_counts_its_prints_and_says_whether_it_was_reversed(sandbox: Sandbox) -> None:
    paid = debit(sandbox)
    number = {"receipt_no": paid.receipt_no}
    assert sandbox.payments.receipt(**number).print_count == 0
    assert [sandbox.payments.print_receipt(**number).print_count for _ in range(2)] == [1, 2]
    assert sandbox.payments.receipt(**number).print_count == 2
    sandbox.payments.reverse(payment_no=paid.payment_no)
    assert sandbox.payments.receipt(**number).status == "reversed"


def test_a_payee_sees_no_identity_of_a_nameless_payer(sandbox: Sandbox) -> None:
    payer, debtor = nameless(sandbox, fund=Fen(10)), personal(sandbox)
    paid = sandbox.payments.pay(bill_no=owe(sandbox, debtor, 10).bill_no, wallet_id=payer.wallet_id)
    receipt = sandbox.payments.receipt(receipt_no=paid.receipt_no)
    assert (receipt.payer_name, receipt.taxpayer_name) == ("", person_name())
    assert receipt.remark == "数字人民币扫码缴税"


def test_a_receipt_stays_as_it_was_however_much_later_it_is_shown(
    sandbox: Sandbox, clock: FixedClock
) -> None:
    paid = debit(sandbox)
    first = sandbox.payments.receipt(receipt_no=paid.receipt_no)
    clock.advance(timedelta(days=365 * 50))
    assert sandbox.payments.receipt(receipt_no=paid.receipt_no) == first


@pytest.mark.parametrize("names", [{"wallet_id": ""}, {"agreement_no": ""}])
def test_an_empty_name_is_no_absent_one(sandbox: Sandbox, names: dict[str, str]) -> None:
    """A shell variable that was never set must not debit another wallet."""
    wallet = corporate(sandbox, fund=Fen(1_000))
    sandbox.agreements.sign(wallet_id=wallet.wallet_id)
    bill = owe(sandbox, wallet, 100)
    code = "wallet_id_malformed" if "wallet_id" in names else "agreement_not_found"
    with refused(sandbox, code):
        sandbox.payments.pay(bill_no=bill.bill_no, **names)


def test_a_print_that_fails_is_not_counted(sandbox: Sandbox) -> None:
    wallet = corporate(sandbox, fund=Fen(1_000))
    number = sandbox.payments.pay(
        bill_no=owe(sandbox, wallet, 100).bill_no, wallet_id=wallet.wallet_id
    ).receipt_no

    def jam(_receipt: object, _signed: bytes) -> None:
        raise OSError("the printer is on fire")

    with pytest.raises(OSError, match="fire"):
        sandbox.payments.print_receipt(receipt_no=number, deliver=jam)
    assert sandbox.payments.receipt(receipt_no=number).print_count == 0


def test_lists_are_in_the_order_of_writing_while_the_clock_stands_still(sandbox: Sandbox) -> None:
    wallet = corporate(sandbox, fund=Fen(1_000))
    for amount in range(1, 9):
        bill = owe(sandbox, wallet, amount)
        sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id)
    assert [bill.amount for bill in sandbox.taxes.bills()] == list(range(1, 9))
    assert [payment.amount for payment in sandbox.payments.list()] == list(range(1, 9))


@pytest.mark.parametrize(
    ("on", "due"), [(date(2023, 4, 20), date(2023, 4, 28)), (date(2023, 4, 24), date(2023, 5, 5))]
)
def test_securities_fall_due_five_days_after_their_week(sandbox: Sandbox, on: date, due: date) -> None:
    wallet = corporate(sandbox)
    bill = sandbox.taxes.declare_stamp_duty(
        wallet_id=wallet.wallet_id, item="securities", side="sell", base=Fen(1_000_000), on=on
    )
    assert bill.due_date == due


@pytest.mark.parametrize("code", ["10111", "10106"])
def test_taxes_with_rules_of_their_own_are_not_declared_by_code(sandbox: Sandbox, code: str) -> None:
    wallet = corporate(sandbox)
    with refused(sandbox, "tax_declared_by_name"):
        sandbox.taxes.declare_other(wallet_id=wallet.wallet_id, code=code, amount=Fen(1))
