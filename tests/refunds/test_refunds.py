"""Refunds of annual settlements and of payments: windows, review, set-off, failed credits, resubmission."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from ecny_tax import AnnualReturn, Fen, FixedClock, Sandbox, yuan
from ecny_tax.clock import parse_time
from tests.support import (
    balance,
    company_id,
    corporate,
    due_of,
    dump,
    hold,
    nameless,
    owe,
    person_id,
    person_name,
    personal,
    refund_of,
    refused,
)


def settle(s: Sandbox, wallet: Any, amount: int = 1_000, *, year: int = 2022, **wishes: Any) -> Any:
    asked = {"wallet_id": wallet.wallet_id, "annual_return": refund_of(amount, year=year)}
    return s.refunds.apply_for_income_tax(**{**asked, **wishes})


def paid_by(s: Sandbox, wallet: Any, amount: int) -> str:
    bill = owe(s, wallet, amount)
    return s.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id).payment_no


# --- annual settlement ----------------------------------------------------------------------------------


def test_a_settlement_refund_arrives_at_once(sandbox: Sandbox) -> None:
    wallet = personal(sandbox, fund=Fen(5))
    given = AnnualReturn(
        tax_year=2022, wages=yuan("180000"), social=yuan("18000"), sad=yuan("24000"), withheld=yuan("6480.50")
    )
    quote = sandbox.taxes.quote_income_tax(annual_return=given)
    refund = sandbox.refunds.apply_for_income_tax(wallet_id=wallet.wallet_id, annual_return=given)
    assert (refund.status, refund.kind, refund.tax_year) == ("completed", "annual_settlement", 2022)
    assert (refund.amount, refund.set_off, refund.failure_code) == (quote.refund, 0, None)
    assert refund.balance_after == balance(sandbox, wallet) == quote.refund + 5
    assert refund.applied_at == refund.completed_at == sandbox.clock.now()
    assert [event.status for event in refund.history] == ["tax_review", "treasury_processing", "completed"]
    assert sandbox.refunds.show(refund_no=refund.refund_no) == refund
    assert sandbox.refunds.list() == (refund,)


@pytest.mark.parametrize("wallet_class", ["I", "II", "III"])
def test_every_named_personal_wallet_may_receive_one(sandbox: Sandbox, wallet_class: str) -> None:
    assert settle(sandbox, personal(sandbox, wallet_class=wallet_class)).status == "completed"


def test_a_nameless_wallet_and_a_company_receive_none(sandbox: Sandbox) -> None:
    anonymous, company = nameless(sandbox), corporate(sandbox)
    with refused(sandbox, "wallet_without_name"):
        settle(sandbox, anonymous)
    with refused(sandbox, "taxpayer_is_not_a_person"):
        settle(sandbox, company)


@pytest.mark.parametrize(
    ("code", "given"),
    [
        ("nothing_to_refund", refund_of(0)),
        ("nothing_to_refund", due_of(300)),
        (
            "return_is_partial",
            AnnualReturn(tax_year=2022, base_taxable=Fen(0), wages=Fen(100), withheld=Fen(50)),
        ),
        ("no_rule_on_date", AnnualReturn(tax_year=2021, personal_pension=Fen(1), withheld=Fen(1))),
    ],
)
def test_a_return_that_refunds_nothing_is_refused(sandbox: Sandbox, code: str, given: AnnualReturn) -> None:
    wallet = personal(sandbox)
    with refused(sandbox, code):
        sandbox.refunds.apply_for_income_tax(wallet_id=wallet.wallet_id, annual_return=given)


def test_the_window_opens_on_the_first_of_march_in_beijing(sandbox: Sandbox, clock: FixedClock) -> None:
    wallet = personal(sandbox)
    with refused(sandbox, "annual_settlement_not_open", opens=date(2024, 3, 1)):
        settle(sandbox, wallet, year=2023)
    clock.at = parse_time("2024-02-29T23:59:59.999999")
    with refused(sandbox, "annual_settlement_not_open"):
        settle(sandbox, wallet, year=2023)
    clock.at = parse_time("2024-03-01T00:00:00")
    assert settle(sandbox, wallet, year=2023).status == "completed"


def test_the_claim_window_closes_three_years_after_the_settlement_window(
    sandbox: Sandbox, clock: FixedClock
) -> None:
    first, second = personal(sandbox), personal(sandbox, 2)
    clock.at = parse_time("2026-06-30T23:59:59.999999")
    assert settle(sandbox, first).status == "completed"
    clock.at = parse_time("2026-07-01T00:00:00")
    with refused(sandbox, "claim_window_closed", last=date(2026, 6, 30)):
        settle(sandbox, second)
    assert settle(sandbox, second, year=2023).status == "completed"


def test_i8_a_year_is_refunded_once_a_person_whichever_wallet(sandbox: Sandbox) -> None:
    first, second = personal(sandbox), personal(sandbox, operator="BOC")
    refund = settle(sandbox, first)
    for wallet in (first, second):
        with refused(sandbox, "annual_settlement_exists", record=refund.refund_no, year=2022):
            settle(sandbox, wallet)
        with refused(sandbox, "annual_settlement_exists"):
            sandbox.taxes.declare_income_tax(wallet_id=wallet.wallet_id, annual_return=due_of(300))
    assert settle(sandbox, second, year=2021).status == "completed"
    assert settle(sandbox, personal(sandbox, 2)).status == "completed"


def test_i8_a_year_settled_by_a_bill_is_not_refunded(sandbox: Sandbox) -> None:
    wallet = personal(sandbox, fund=Fen(300))
    at = {"wallet_id": wallet.wallet_id, "annual_return": due_of(300)}
    bill = sandbox.taxes.declare_income_tax(**at)
    with refused(sandbox, "annual_settlement_exists", record=bill.bill_no):
        settle(sandbox, wallet)
    with refused(sandbox, "annual_settlement_exists"):
        sandbox.taxes.declare_income_tax(**at)
    sandbox.taxes.cancel(bill_no=bill.bill_no)
    bill = sandbox.taxes.declare_income_tax(**at)
    sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id)
    with refused(sandbox, "annual_settlement_exists"):
        settle(sandbox, wallet)


# --- set-off --------------------------------------------------------------------------------------------


def test_open_bills_are_set_off_first(sandbox: Sandbox) -> None:
    wallet, other = personal(sandbox), personal(sandbox, 2)
    bills = [owe(sandbox, wallet, 300), owe(sandbox, wallet, 200)]
    foreign, cancelled = owe(sandbox, other, 1), owe(sandbox, wallet, 5_000)
    sandbox.taxes.cancel(bill_no=cancelled.bill_no)
    refund = settle(sandbox, wallet, 1_000)
    assert (refund.status, refund.amount, refund.set_off) == ("completed", 1_000, 500)
    assert refund.balance_after == balance(sandbox, wallet) == 500
    payments = sandbox.payments.list()
    assert sorted((p.bill_no, p.amount) for p in payments) == sorted((b.bill_no, b.amount) for b in bills)
    for payment in payments:
        assert (payment.mode, payment.fee, payment.agreement_no) == ("set_off", 0, None)
        assert (payment.wallet_id, payment.balance_after) == (wallet.wallet_id, 500)
        receipt = sandbox.payments.receipt(receipt_no=payment.receipt_no)
        assert (receipt.remark, receipt.amount) == ("以应退税款抵缴", payment.amount)
        with refused(sandbox, "payment_not_reversible", mode="set_off"):
            sandbox.payments.reverse(payment_no=payment.payment_no)
    assert {bill.bill_no for bill in sandbox.taxes.bills() if bill.status == "open"} == {foreign.bill_no}


def test_a_refund_that_covers_the_bills_exactly_leaves_nothing(sandbox: Sandbox) -> None:
    wallet = personal(sandbox)
    owe(sandbox, wallet, 1_000)
    refund = settle(sandbox, wallet, 1_000)
    assert (refund.status, refund.set_off, refund.balance_after) == ("completed", 1_000, 0)


def test_i11_a_refund_that_is_set_off_in_full_credits_nothing_so_no_cap_stands_in_its_way(
    sandbox: Sandbox,
) -> None:
    """The wallet is above its cap, as a reversal may leave it."""
    wallet = personal(sandbox, wallet_class="III", fund=Fen(20_000_00))
    sandbox.agreements.sign(wallet_id=wallet.wallet_id)
    paid = sandbox.payments.pay(bill_no=owe(sandbox, wallet, 1_000).bill_no)
    sandbox.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(1_000))
    sandbox.payments.reverse(payment_no=paid.payment_no)
    refund = settle(sandbox, wallet, 1_000)
    assert (refund.status, refund.set_off) == ("completed", 1_000)


def test_more_bills_than_refund_are_paid_first(sandbox: Sandbox) -> None:
    wallet = personal(sandbox)
    for amount in (600, 401):
        owe(sandbox, wallet, amount)
    with refused(sandbox, "unpaid_bills", count=2, owed="10.01", amount="10.00"):
        settle(sandbox, wallet, 1_000)
    assert settle(sandbox, wallet, 1_001).set_off == 1_001


def test_what_was_set_off_by_mistake_is_refunded_to_the_wallet(sandbox: Sandbox) -> None:
    wallet = personal(sandbox)
    owe(sandbox, wallet, 400)
    settle(sandbox, wallet, 1_000)
    (payment,) = sandbox.payments.list()
    sandbox.refunds.apply_for_payment(payment_no=payment.payment_no)
    assert balance(sandbox, wallet) == 1_000


# --- review ---------------------------------------------------------------------------------------------


def test_a_manual_review_waits_and_moves_nothing_until_it_is_approved(
    sandbox: Sandbox, clock: FixedClock
) -> None:
    wallet = personal(sandbox)
    waiting = settle(sandbox, wallet, manual_review=True)
    assert (waiting.status, waiting.balance_after, waiting.completed_at) == ("tax_review", None, None)
    assert balance(sandbox, wallet) == 0
    with refused(sandbox, "annual_settlement_exists"):
        settle(sandbox, wallet)
    clock.advance(timedelta(days=3))
    done = sandbox.refunds.approve(refund_no=waiting.refund_no)
    assert (done.status, done.balance_after) == ("completed", 1_000)
    assert done.applied_at < done.completed_at == sandbox.clock.now()


@pytest.mark.parametrize(("act", "after"), [("reject", "tax_refused"), ("withdraw", "withdrawn")])
def test_a_rejected_or_withdrawn_application_can_be_made_anew(sandbox: Sandbox, act: str, after: str) -> None:
    wallet = personal(sandbox)
    waiting = settle(sandbox, wallet, manual_review=True)
    ended = getattr(sandbox.refunds, act)(refund_no=waiting.refund_no)
    assert (ended.status, ended.history[-1].status) == (after, after)
    assert settle(sandbox, wallet).status == "completed"


def test_the_reviewers_words_are_kept(sandbox: Sandbox) -> None:
    waiting = settle(sandbox, personal(sandbox), manual_review=True)
    refund = sandbox.refunds.reject(refund_no=waiting.refund_no, note="资料不符")
    assert refund.history[-1].note == "资料不符"


def test_a_note_that_is_no_text_is_refused_and_not_a_crash(sandbox: Sandbox) -> None:
    from ecny_tax import EcnyTaxError

    waiting = settle(sandbox, personal(sandbox), manual_review=True)
    before = dump(sandbox)
    with pytest.raises(EcnyTaxError):
        sandbox.refunds.reject(refund_no=waiting.refund_no, note="\udcff")
    assert dump(sandbox) == before


def in_status(s: Sandbox, status: str) -> str:
    wallet = personal(s, wallet_class="III", fund=Fen(20_000_00))
    manual = status in ("tax_review", "tax_refused", "withdrawn")
    if status == "completed":
        s.wallets.cash_out(wallet_id=wallet.wallet_id, amount=Fen(1_000))
    number = settle(s, wallet, manual_review=manual).refund_no
    if status == "tax_refused":
        s.refunds.reject(refund_no=number)
    if status == "withdrawn":
        s.refunds.withdraw(refund_no=number)
    assert s.refunds.show(refund_no=number).status == status
    return number


ALLOWED = {
    "approve": ("tax_review",),
    "reject": ("tax_review",),
    "withdraw": ("tax_review", "treasury_failed"),
    "resubmit": ("treasury_failed",),
}
STATUSES = ("tax_review", "tax_refused", "completed", "treasury_failed", "withdrawn")


@pytest.mark.parametrize(
    ("status", "act"),
    [(status, act) for act, allowed in ALLOWED.items() for status in STATUSES if status not in allowed],
)
def test_an_act_in_the_wrong_state_is_refused(sandbox: Sandbox, status: str, act: str) -> None:
    number = in_status(sandbox, status)
    with refused(sandbox, "refund_state_not_normal", state=status):
        getattr(sandbox.refunds, act)(refund_no=number)


def test_an_approval_finds_the_bills_declared_meanwhile(sandbox: Sandbox) -> None:
    wallet = personal(sandbox)
    waiting = settle(sandbox, wallet, manual_review=True)
    bill = owe(sandbox, wallet, 1_001)
    with refused(sandbox, "unpaid_bills"):
        sandbox.refunds.approve(refund_no=waiting.refund_no)
    sandbox.taxes.cancel(bill_no=bill.bill_no)
    owe(sandbox, wallet, 999)
    assert sandbox.refunds.approve(refund_no=waiting.refund_no).set_off == 999


# --- failed credits -------------------------------------------------------------------------------------


def test_a_wallet_closed_meanwhile_makes_the_refund_fail_and_another_of_the_person_gets_it(
    sandbox: Sandbox,
) -> None:
    wallet, other = personal(sandbox), personal(sandbox, operator="BOC")
    waiting = settle(sandbox, wallet, manual_review=True)
    sandbox.wallets.close(wallet_id=wallet.wallet_id)
    circulating = sandbox.status().in_circulation
    failed = sandbox.refunds.approve(refund_no=waiting.refund_no)
    assert (failed.status, failed.failure_code) == ("treasury_failed", "wallet_closed")
    assert (failed.balance_after, failed.completed_at, failed.set_off) == (None, None, 0)
    assert sandbox.status().in_circulation == circulating
    again = sandbox.refunds.resubmit(refund_no=failed.refund_no)
    assert (again.status, again.failure_code) == ("treasury_failed", "wallet_closed")
    done = sandbox.refunds.resubmit(refund_no=failed.refund_no, wallet_id=other.wallet_id)
    assert (done.status, done.wallet_id, done.failure_code) == ("completed", other.wallet_id, None)
    assert balance(sandbox, other) == 1_000
    states = [event.status for event in done.history]
    assert states.count("treasury_failed") == 2
    assert states[-2:] == ["treasury_processing", "completed"]


def test_i11_a_refund_above_the_cap_fails_to_the_fen_and_can_be_resubmitted(sandbox: Sandbox) -> None:
    wallet = personal(sandbox, wallet_class="III", fund=Fen(19_000_01))
    failed = settle(sandbox, wallet, 1_000_00)
    assert (failed.status, failed.failure_code) == ("treasury_failed", "wallet_limit_exceeded")
    assert balance(sandbox, wallet) == 19_000_01
    sandbox.wallets.cash_out(wallet_id=wallet.wallet_id, amount=Fen(1))
    done = sandbox.refunds.resubmit(refund_no=failed.refund_no)
    assert (done.status, done.balance_after) == ("completed", 20_000_00)


def test_a_failed_refund_leaves_the_bills_open(sandbox: Sandbox) -> None:
    wallet = personal(sandbox, wallet_class="III", fund=Fen(20_000_00))
    bill = owe(sandbox, wallet, 400)
    assert settle(sandbox, wallet, 1_000).status == "treasury_failed"
    assert sandbox.taxes.bill(bill_no=bill.bill_no).status == "open"
    assert sandbox.payments.list() == ()


def test_a_refund_goes_to_nobody_elses_wallet(sandbox: Sandbox) -> None:
    number = in_status(sandbox, "treasury_failed")
    strangers = [personal(sandbox, 2), corporate(sandbox), nameless(sandbox)]
    for stranger in strangers:
        with refused(sandbox, "refund_wallet_of_another", wallet_id=stranger.wallet_id):
            sandbox.refunds.resubmit(refund_no=number, wallet_id=stranger.wallet_id)
    with refused(sandbox, "wallet_not_found"):
        sandbox.refunds.resubmit(refund_no=number, wallet_id="0021000000000005")


def test_a_failed_refund_can_be_withdrawn_and_applied_for_anew(sandbox: Sandbox) -> None:
    number = in_status(sandbox, "treasury_failed")
    wallet = sandbox.refunds.show(refund_no=number).wallet_id
    sandbox.refunds.withdraw(refund_no=number)
    sandbox.wallets.cash_out(wallet_id=wallet, amount=Fen(1_000))
    done = sandbox.refunds.apply_for_income_tax(wallet_id=wallet, annual_return=refund_of(1_000))
    assert done.status == "completed"


def test_a_wallet_that_got_its_name_meanwhile_is_still_the_applicants_own(sandbox: Sandbox) -> None:
    wallet = nameless(sandbox, fund=Fen(10_000_00))
    debtor = personal(sandbox, 2)
    bill = owe(sandbox, debtor, 1_000)
    payment = sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id).payment_no
    sandbox.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(1_000))
    failed = sandbox.refunds.apply_for_payment(payment_no=payment)
    assert failed.status == "treasury_failed"
    sandbox.wallets.upgrade(
        wallet_id=wallet.wallet_id, wallet_class="II", name=person_name(), id_number=person_id()
    )
    done = sandbox.refunds.resubmit(refund_no=failed.refund_no, wallet_id=wallet.wallet_id)
    assert done.status == "completed"


# --- refunds of payments --------------------------------------------------------------------------------


def test_a_payment_is_refunded_in_parts_and_never_beyond_i8(sandbox: Sandbox) -> None:
    wallet = corporate(sandbox, fund=Fen(1_000))
    payment = paid_by(sandbox, wallet, 1_000)
    part = sandbox.refunds.apply_for_payment(payment_no=payment, amount=Fen(300), reason="overpaid")
    assert (part.status, part.kind, part.amount, part.reason) == ("completed", "payment", 300, "overpaid")
    assert (part.payment_no, part.tax_year, part.code) == (payment, None, "10110")
    with refused(sandbox, "refund_exceeds_payment", amount="7.01", left="7.00"):
        sandbox.refunds.apply_for_payment(payment_no=payment, amount=Fen(701))
    waiting = sandbox.refunds.apply_for_payment(payment_no=payment, amount=Fen(699), manual_review=True)
    with refused(sandbox, "refund_exceeds_payment", left="0.01"):
        sandbox.refunds.apply_for_payment(payment_no=payment, amount=Fen(2))
    rest = sandbox.refunds.apply_for_payment(payment_no=payment)
    assert rest.amount == 1
    with refused(sandbox, "nothing_to_refund"):
        sandbox.refunds.apply_for_payment(payment_no=payment)
    assert balance(sandbox, wallet) == 301
    sandbox.refunds.withdraw(refund_no=waiting.refund_no)
    assert sandbox.payments.show(payment_no=payment).refunded == 301
    assert sandbox.refunds.apply_for_payment(payment_no=payment).amount == 699
    assert balance(sandbox, wallet) == 1_000


@pytest.mark.parametrize(
    ("code", "wishes"),
    [
        ("payment_not_found", {"payment_no": "P0"}),
        ("refund_reason_unknown", {"reason": "because"}),
        ("amount_not_positive", {"amount": Fen(0)}),
        ("amount_malformed", {"amount": 1.5}),
        ("refund_exceeds_payment", {"amount": Fen(101)}),
        ("idempotency_key_malformed", {"idempotency_key": ""}),
    ],
)
def test_a_malformed_application_is_refused(sandbox: Sandbox, code: str, wishes: dict[str, Any]) -> None:
    wallet = corporate(sandbox, fund=Fen(100))
    asked = {"payment_no": paid_by(sandbox, wallet, 100)}
    with refused(sandbox, code):
        sandbox.refunds.apply_for_payment(**(asked | wishes))


def test_a_refund_of_a_payment_returns_to_the_wallet_that_paid(sandbox: Sandbox) -> None:
    debtor, helper = corporate(sandbox), nameless(sandbox, fund=Fen(100))
    bill = owe(sandbox, debtor, 100)
    payment = sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=helper.wallet_id).payment_no
    owe(sandbox, debtor, 7)
    refund = sandbox.refunds.apply_for_payment(payment_no=payment)
    assert (refund.wallet_id, refund.set_off) == (helper.wallet_id, 0)
    assert balance(sandbox, helper) == 100
    assert sandbox.taxes.bill(bill_no=bill.bill_no).status == "paid"


@pytest.mark.parametrize(
    ("settled", "last", "late"),
    [
        ("2023-04-20", "2026-04-20T23:59:59.999999", "2026-04-21T00:00:00"),
        ("2024-02-29", "2027-02-28T23:59:59.999999", "2027-03-01T00:00:00"),
    ],
)
def test_a_payment_is_refunded_within_three_years(
    sandbox: Sandbox, clock: FixedClock, settled: str, last: str, late: str
) -> None:
    clock.at = parse_time(settled)
    wallet = corporate(sandbox, fund=Fen(200))
    first, second = paid_by(sandbox, wallet, 100), paid_by(sandbox, wallet, 100)
    clock.at = parse_time(last)
    assert sandbox.refunds.apply_for_payment(payment_no=first).status == "completed"
    clock.at = parse_time(late)
    with refused(sandbox, "claim_window_closed"):
        sandbox.refunds.apply_for_payment(payment_no=second)


def test_a_refund_to_a_wallet_closed_since_fails_and_goes_to_another_of_the_company(sandbox: Sandbox) -> None:
    wallet, other = corporate(sandbox, fund=Fen(100)), corporate(sandbox)
    payment = paid_by(sandbox, wallet, 100)
    sandbox.wallets.close(wallet_id=wallet.wallet_id)
    failed = sandbox.refunds.apply_for_payment(payment_no=payment)
    assert (failed.status, failed.failure_code) == ("treasury_failed", "wallet_closed")
    with refused(sandbox, "nothing_to_refund"):
        sandbox.refunds.apply_for_payment(payment_no=payment)
    done = sandbox.refunds.resubmit(refund_no=failed.refund_no, wallet_id=other.wallet_id)
    assert done.status == "completed"
    assert balance(sandbox, other) == 100


def test_securities_duty_is_refunded_by_the_central_level_alone(sandbox: Sandbox) -> None:
    wallet = corporate(sandbox, fund=Fen(1_000))
    paid = sandbox.payments.pay_stamp_duty(
        wallet_id=wallet.wallet_id, item="securities", side="sell", base=Fen(1_000_00)
    )
    before = {account.account: account.balance for account in sandbox.ledger.accounts()}
    sandbox.refunds.apply_for_payment(payment_no=paid.payment_no, amount=Fen(33))
    after = {account.account: account.balance for account in sandbox.ledger.accounts()}
    moved = {name for name in after if name.startswith("revenue:") and after[name] != before[name]}
    assert moved == {"revenue:1907840000:central"}


# --- keys -----------------------------------------------------------------------------------------------


def test_i5_the_same_key_gives_the_same_answer_after_other_things_happened(
    sandbox: Sandbox, clock: FixedClock
) -> None:
    wallet = personal(sandbox, fund=Fen(100))
    payment = paid_by(sandbox, wallet, 100)
    acts: list[Callable[[], Any]] = [
        lambda: settle(sandbox, wallet, manual_review=True, idempotency_key="a"),
        lambda: sandbox.refunds.apply_for_payment(payment_no=payment, amount=Fen(10), idempotency_key="b"),
    ]
    first = [act() for act in acts]
    number = first[0].refund_no
    approve = lambda: sandbox.refunds.approve(refund_no=number, idempotency_key="c")  # noqa: E731
    acts, first = [*acts, approve], [*first, approve()]
    clock.advance(timedelta(days=5_000))
    hold(sandbox, "freeze", wallet.wallet_id)
    before = dump(sandbox)
    assert [act() for act in acts] == first
    assert dump(sandbox) == before
    assert first[0].status == "tax_review"


def test_i5_a_key_with_other_content_is_a_conflict(sandbox: Sandbox) -> None:
    wallet = personal(sandbox, fund=Fen(100))
    payment = paid_by(sandbox, wallet, 100)
    settle(sandbox, wallet, 10, idempotency_key="k")
    with refused(sandbox, "idempotency_conflict"):
        settle(sandbox, wallet, 11, idempotency_key="k")
    with refused(sandbox, "idempotency_conflict"):
        settle(sandbox, wallet, 10, year=2021, idempotency_key="k")
    with refused(sandbox, "idempotency_conflict"):
        settle(sandbox, wallet, 10, manual_review=True, idempotency_key="k")
    with refused(sandbox, "idempotency_conflict"):
        sandbox.refunds.apply_for_payment(payment_no=payment, idempotency_key="k")


def test_i5_a_refused_resubmission_is_judged_anew(sandbox: Sandbox) -> None:
    number = in_status(sandbox, "treasury_failed")
    wallet = sandbox.refunds.show(refund_no=number).wallet_id
    stranger = personal(sandbox, 2)
    with refused(sandbox, "refund_wallet_of_another"):
        sandbox.refunds.resubmit(refund_no=number, wallet_id=stranger.wallet_id, idempotency_key="k")
    sandbox.wallets.cash_out(wallet_id=wallet, amount=Fen(1_000))
    done = sandbox.refunds.resubmit(refund_no=number, wallet_id=wallet, idempotency_key="k")
    assert done.status == "completed"
    assert sandbox.refunds.resubmit(refund_no=number, wallet_id=wallet, idempotency_key="k") == done


def test_a_sole_traders_own_code_is_not_needed_for_the_persons_refund(sandbox: Sandbox) -> None:
    wallet = personal(sandbox)
    sandbox.agreements.sign(wallet_id=wallet.wallet_id, taxpayer_id=company_id(start="92440784"))
    assert settle(sandbox, wallet).status == "completed"
