"""What withholding agents declare and pay of a person and year, and returns that must agree with it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ecny_tax import Fen, FixedClock, InvalidInputError, RejectedError, Sandbox, yuan
from ecny_tax.taxes.income_tax import AnnualReturn
from ecny_tax.taxes.withholding_records import WithholdingStatement, read_statement
from ecny_tax.wallets.model import Wallet
from tests.support import corporate, due_of, nameless, person_id, person_name, personal, refund_of, refused


def statement(number: int = 1, **figures: Any) -> WithholdingStatement:
    return WithholdingStatement(
        **{"tax_year": 2022, "name": person_name(number), "id_number": person_id(number), **figures}
    )


@pytest.fixture
def agent(sandbox: Sandbox) -> Wallet:
    return corporate(sandbox, fund=yuan(1_000_000))


def declared_and_paid(sandbox: Sandbox, agent: Wallet, **figures: Any) -> None:
    found = sandbox.taxes.declare_withholding(wallet_id=agent.wallet_id, statement=statement(**figures))
    if found.bill_no is not None:
        sandbox.payments.pay(bill_no=found.bill_no, wallet_id=agent.wallet_id)


def test_an_agent_declares_and_pays_and_the_return_rests_on_its_record(
    sandbox: Sandbox, agent: Wallet
) -> None:
    found = sandbox.taxes.declare_withholding(
        wallet_id=agent.wallet_id, statement=statement(wages=yuan(60_000), withheld=Fen(500_00))
    )
    assert (found.amount, found.status, found.tax_year) == (500_00, "open", 2022)
    assert found.bill_no is not None
    bill = sandbox.taxes.bill(bill_no=found.bill_no)
    assert (bill.amount, bill.code, bill.tax) == (500_00, "10106", "income-tax")
    sandbox.payments.pay(bill_no=found.bill_no, wallet_id=agent.wallet_id)
    assert [row.status for row in sandbox.taxes.withholdings()] == ["paid"]
    person = personal(sandbox)
    refund = sandbox.refunds.apply_for_income_tax(wallet_id=person.wallet_id, annual_return=refund_of(500_00))
    assert (refund.amount, refund.basis, refund.status) == (500_00, "recorded", "completed")


def test_a_statement_says_by_ids_whose_it_is_and_of_whom(sandbox: Sandbox, agent: Wallet) -> None:
    other = corporate(sandbox, 2)
    for wallet, person in ((agent, 1), (agent, 2), (other, 1)):
        given = statement(person, wages=Fen(1_00))
        sandbox.taxes.declare_withholding(wallet_id=wallet.wallet_id, statement=given)
    first, second, third = sandbox.taxes.withholdings()
    assert first.agent == second.agent == agent.subject_id
    assert third.agent == other.subject_id
    assert first.person == third.person == personal(sandbox).subject_id
    assert second.person == personal(sandbox, 2).subject_id


def test_where_nothing_is_held_the_return_stands_for_it(sandbox: Sandbox) -> None:
    person = personal(sandbox)
    refund = sandbox.refunds.apply_for_income_tax(wallet_id=person.wallet_id, annual_return=refund_of(500_00))
    assert refund.basis == "stated"
    bill = sandbox.taxes.declare_income_tax(wallet_id=person.wallet_id, annual_return=due_of(300, year=2021))
    assert bill.basis == "stated"


@pytest.mark.parametrize(
    ("figures", "key", "difference"),
    [
        ({"wages": yuan(60_000), "withheld": Fen(400_00)}, "withheld", "100.00"),
        ({"wages": yuan(60_000), "withheld": Fen(600_00)}, "withheld", "-100.00"),
        ({"wages": yuan(50_000), "withheld": Fen(500_00)}, "wages", "10000.00"),
        ({"wages": yuan(60_000), "labour": Fen(1), "withheld": Fen(500_00)}, "labour", "-0.01"),
    ],
)
def test_a_return_that_differs_is_refused_with_the_difference(
    sandbox: Sandbox,
    agent: Wallet,
    figures: dict[str, Fen],
    key: str,
    difference: str,
) -> None:
    declared_and_paid(sandbox, agent, **figures)
    person = personal(sandbox)
    with refused(sandbox, "withholding_differs", key=key, difference=difference):
        sandbox.refunds.apply_for_income_tax(wallet_id=person.wallet_id, annual_return=refund_of(500_00))


def test_several_agents_add_up_income_as_declared_and_tax_as_paid(sandbox: Sandbox, agent: Wallet) -> None:
    second, third = corporate(sandbox, 2, fund=yuan(1_000)), corporate(sandbox, 3, fund=yuan(1_000))
    declared_and_paid(sandbox, agent, wages=yuan(40_000), withheld=Fen(200_00))
    declared_and_paid(sandbox, second, wages=yuan(19_000), withheld=Fen(300_00))
    unpaid = sandbox.taxes.declare_withholding(
        wallet_id=third.wallet_id, statement=statement(wages=yuan(1_000), withheld=Fen(1))
    )
    assert (unpaid.paid, unpaid.status) == (0, "open")
    person = personal(sandbox)
    refund = sandbox.refunds.apply_for_income_tax(wallet_id=person.wallet_id, annual_return=refund_of(500_00))
    assert refund.basis == "recorded"


def test_a_statement_is_made_once_and_taken_back_before_it_is_made_anew(
    sandbox: Sandbox, agent: Wallet
) -> None:
    wrong = sandbox.taxes.declare_withholding(
        wallet_id=agent.wallet_id, statement=statement(wages=yuan(50_000), withheld=Fen(500_00))
    )
    with refused(sandbox, "withholding_exists", year=2022):
        sandbox.taxes.declare_withholding(wallet_id=agent.wallet_id, statement=statement(wages=Fen(1)))
    gone = sandbox.taxes.cancel_withholding(withholding_no=wrong.withholding_no)
    assert gone.status == "cancelled"
    assert gone.bill_no is not None
    assert sandbox.taxes.bill(bill_no=gone.bill_no).status == "cancelled"
    with refused(sandbox, "withholding_cancelled"):
        sandbox.taxes.cancel_withholding(withholding_no=wrong.withholding_no)
    with refused(sandbox, "withholding_not_found"):
        sandbox.taxes.cancel_withholding(withholding_no="W0")
    declared_and_paid(sandbox, agent, wages=yuan(60_000), withheld=Fen(500_00))
    with refused(sandbox, "bill_already_paid"):
        sandbox.taxes.cancel_withholding(withholding_no=sandbox.taxes.withholdings()[-1].withholding_no)
    person = personal(sandbox)
    refund = sandbox.refunds.apply_for_income_tax(wallet_id=person.wallet_id, annual_return=refund_of(500_00))
    assert refund.basis == "recorded"


def test_what_a_settled_year_rests_on_stays_and_what_was_given_back_does_not_count(
    sandbox: Sandbox, agent: Wallet
) -> None:
    sandbox.agreements.sign(wallet_id=agent.wallet_id)
    found = sandbox.taxes.declare_withholding(
        wallet_id=agent.wallet_id, statement=statement(wages=yuan(60_000), withheld=Fen(500_00))
    )
    assert found.bill_no is not None
    paid = sandbox.payments.pay(bill_no=found.bill_no)
    sandbox.refunds.apply_for_payment(payment_no=paid.payment_no, amount=Fen(100_00))
    person = personal(sandbox)
    with refused(sandbox, "withholding_differs", key="withheld", recorded="400.00"):
        sandbox.refunds.apply_for_income_tax(wallet_id=person.wallet_id, annual_return=refund_of(500_00))
    sandbox.refunds.apply_for_income_tax(wallet_id=person.wallet_id, annual_return=refund_of(400_00))
    for attempt in (
        lambda: sandbox.refunds.apply_for_payment(payment_no=paid.payment_no),
        lambda: sandbox.taxes.cancel_withholding(withholding_no=found.withholding_no),
    ):
        with pytest.raises(RejectedError) as refusal:
            attempt()
        assert refusal.value.code in ("withholding_relied_on", "bill_already_paid")


def test_a_debit_that_a_settled_year_rests_on_is_not_reversed(sandbox: Sandbox, agent: Wallet) -> None:
    sandbox.agreements.sign(wallet_id=agent.wallet_id)
    found = sandbox.taxes.declare_withholding(
        wallet_id=agent.wallet_id, statement=statement(wages=yuan(60_000), withheld=Fen(500_00))
    )
    assert found.bill_no is not None
    paid = sandbox.payments.pay(bill_no=found.bill_no)
    person = personal(sandbox)
    sandbox.refunds.apply_for_income_tax(wallet_id=person.wallet_id, annual_return=refund_of(500_00))
    with refused(sandbox, "withholding_relied_on", year=2022):
        sandbox.payments.reverse(payment_no=paid.payment_no)


def test_a_year_that_was_settled_before_the_statement_does_not_rest_on_it(
    sandbox: Sandbox, agent: Wallet
) -> None:
    person = personal(sandbox)
    sandbox.refunds.apply_for_income_tax(wallet_id=person.wallet_id, annual_return=refund_of(500_00))
    sandbox.agreements.sign(wallet_id=agent.wallet_id)
    found = sandbox.taxes.declare_withholding(
        wallet_id=agent.wallet_id, statement=statement(wages=yuan(60_000), withheld=Fen(500_00))
    )
    assert found.bill_no is not None
    paid = sandbox.payments.pay(bill_no=found.bill_no)
    assert sandbox.payments.reverse(payment_no=paid.payment_no).status == "reversed"


def test_a_statement_that_a_settled_year_was_not_compared_with_is_taken_back(
    sandbox: Sandbox, agent: Wallet
) -> None:
    person = personal(sandbox)
    sandbox.refunds.apply_for_income_tax(wallet_id=person.wallet_id, annual_return=refund_of(500_00))
    for withheld in (500_00, 0):
        wrong = sandbox.taxes.declare_withholding(
            wallet_id=agent.wallet_id, statement=statement(wages=yuan(60_000), withheld=Fen(withheld))
        )
        gone = sandbox.taxes.cancel_withholding(withholding_no=wrong.withholding_no)
        assert gone.status == "cancelled"


@pytest.mark.parametrize("seconds", [1, 0])
def test_a_year_does_not_rest_on_a_statement_made_after_it_was_settled(
    sandbox: Sandbox, agent: Wallet, clock: FixedClock, seconds: int
) -> None:
    person, second = personal(sandbox), corporate(sandbox, 2, fund=yuan(1_000))
    declared_and_paid(sandbox, agent, wages=yuan(60_000), withheld=Fen(500_00))
    sandbox.refunds.apply_for_income_tax(wallet_id=person.wallet_id, annual_return=refund_of(500_00))
    clock.at += timedelta(seconds=seconds)
    late = sandbox.taxes.declare_withholding(
        wallet_id=second.wallet_id, statement=statement(wages=yuan(1_000), withheld=Fen(1_00))
    )
    assert late.bill_no is not None
    paid = sandbox.payments.pay(bill_no=late.bill_no, wallet_id=second.wallet_id)
    sandbox.refunds.apply_for_payment(payment_no=paid.payment_no)
    assert sandbox.taxes.cancel_withholding(withholding_no=late.withholding_no).status == "cancelled"
    with refused(sandbox, "withholding_relied_on"):
        sandbox.refunds.apply_for_payment(payment_no=sandbox.payments.list()[0].payment_no)


def test_a_year_rests_on_its_statement_though_the_clock_was_set_back_between_i8(
    sandbox: Sandbox, agent: Wallet, clock: FixedClock
) -> None:
    person, now = personal(sandbox), clock.at
    sandbox.agreements.sign(wallet_id=agent.wallet_id)
    clock.at = now + timedelta(hours=1)
    found = sandbox.taxes.declare_withholding(
        wallet_id=agent.wallet_id, statement=statement(wages=yuan(60_000), withheld=Fen(500_00))
    )
    clock.at = now
    assert found.bill_no is not None
    paid = sandbox.payments.pay(bill_no=found.bill_no)
    refund = sandbox.refunds.apply_for_income_tax(wallet_id=person.wallet_id, annual_return=refund_of(500_00))
    assert (refund.amount, refund.basis, refund.applied_at < found.declared_at) == (500_00, "recorded", True)
    with refused(sandbox, "withholding_relied_on", year=2022):
        sandbox.refunds.apply_for_payment(payment_no=paid.payment_no)
    with refused(sandbox, "withholding_relied_on", year=2022):
        sandbox.payments.reverse(payment_no=paid.payment_no)


def test_a_bill_of_a_year_rests_on_its_statement_though_the_clock_was_set_back_between(
    sandbox: Sandbox, agent: Wallet, clock: FixedClock
) -> None:
    person, second = personal(sandbox), corporate(sandbox, 2)
    clock.at += timedelta(days=1)
    found = sandbox.taxes.declare_withholding(
        wallet_id=agent.wallet_id, statement=statement(wages=yuan(70_000))
    )
    clock.at -= timedelta(days=1)
    bill = sandbox.taxes.declare_income_tax(wallet_id=person.wallet_id, annual_return=due_of(300_00))
    assert bill.basis == "recorded"
    with refused(sandbox, "withholding_relied_on", year=2022):
        sandbox.taxes.cancel_withholding(withholding_no=found.withholding_no)
    late = sandbox.taxes.declare_withholding(
        wallet_id=second.wallet_id, statement=statement(wages=yuan(1_000))
    )
    assert late.declared_at == bill.declared_at
    assert sandbox.taxes.cancel_withholding(withholding_no=late.withholding_no).status == "cancelled"
    sandbox.taxes.cancel(bill_no=bill.bill_no)
    assert sandbox.taxes.cancel_withholding(withholding_no=found.withholding_no).status == "cancelled"


def test_a_year_does_not_rest_on_a_statement_taken_back_before_it_was_settled(
    sandbox: Sandbox, agent: Wallet
) -> None:
    wrong = sandbox.taxes.declare_withholding(
        wallet_id=agent.wallet_id, statement=statement(wages=yuan(50_000), withheld=Fen(900_00))
    )
    assert wrong.bill_no is not None
    paid = sandbox.payments.pay(bill_no=wrong.bill_no, wallet_id=agent.wallet_id)
    asked = sandbox.refunds.apply_for_payment(payment_no=paid.payment_no, manual_review=True)
    sandbox.taxes.cancel_withholding(withholding_no=wrong.withholding_no)
    sandbox.refunds.reject(refund_no=asked.refund_no)
    declared_and_paid(sandbox, agent, wages=yuan(60_000), withheld=Fen(500_00))
    person = personal(sandbox)
    sandbox.refunds.apply_for_income_tax(wallet_id=person.wallet_id, annual_return=refund_of(500_00))
    assert sandbox.refunds.apply_for_payment(payment_no=paid.payment_no).status == "completed"


def test_a_statement_without_a_bill_stays_too_where_a_year_rests_on_it(
    sandbox: Sandbox, agent: Wallet
) -> None:
    found = sandbox.taxes.declare_withholding(
        wallet_id=agent.wallet_id, statement=statement(wages=yuan(70_000))
    )
    person = personal(sandbox)
    sandbox.taxes.declare_income_tax(
        wallet_id=person.wallet_id, annual_return=AnnualReturn(tax_year=2022, wages=yuan(70_000))
    )
    with refused(sandbox, "withholding_relied_on", year=2022):
        sandbox.taxes.cancel_withholding(withholding_no=found.withholding_no)


@pytest.mark.parametrize(
    ("figures", "code"),
    [
        ({}, "withholding_implausible"),
        ({"wages": Fen(100), "withheld": Fen(101)}, "withholding_implausible"),
        ({"wages": Fen(100), "tax_year": 2024}, "withholding_too_early"),
        ({"wages": Fen(100), "name": "虚构某"}, "holder_name_differs"),
    ],
)
def test_a_statement_that_cannot_be_true_is_refused(
    sandbox: Sandbox, agent: Wallet, figures: dict[str, Any], code: str
) -> None:
    personal(sandbox)
    with refused(sandbox, code):
        sandbox.taxes.declare_withholding(wallet_id=agent.wallet_id, statement=statement(**figures))


def test_one_bonus_may_be_taxed_apart_and_the_other_merged_but_not_both_apart(
    sandbox: Sandbox, agent: Wallet
) -> None:
    second = corporate(sandbox, 2, fund=yuan(10_000))
    declared_and_paid(
        sandbox, agent, wages=yuan(60_000), bonus=yuan(36_000), bonus_mode="separate", withheld=Fen(1_080_00)
    )
    declared_and_paid(sandbox, second, bonus=yuan(36_000), withheld=Fen(5_000_00))
    person = personal(sandbox)

    def apply(wages: int, bonus: int) -> None:
        sandbox.refunds.apply_for_income_tax(
            wallet_id=person.wallet_id,
            annual_return=AnnualReturn(
                tax_year=2022, wages=yuan(wages), bonus=yuan(bonus), bonus_mode="separate",
                withheld=Fen(6_080_00),
            ),
        )  # fmt: skip

    with refused(sandbox, "withholding_differs", key="bonus"):
        apply(60_000, 72_000)
    apply(96_000, 36_000)


def test_where_nothing_was_withheld_the_statement_counts_without_a_bill(
    sandbox: Sandbox, agent: Wallet
) -> None:
    declared_and_paid(sandbox, agent, wages=yuan(50_000))
    assert [(row.bill_no, row.status) for row in sandbox.taxes.withholdings()] == [(None, "recorded")]
    person = personal(sandbox)
    with refused(sandbox, "withholding_differs", key="wages"):
        sandbox.refunds.apply_for_income_tax(wallet_id=person.wallet_id, annual_return=refund_of(500_00))


def test_records_of_another_person_or_year_do_not_matter(sandbox: Sandbox, agent: Wallet) -> None:
    declared_and_paid(sandbox, agent, number=2, wages=yuan(1), withheld=Fen(1))
    declared_and_paid(sandbox, agent, tax_year=2021, wages=yuan(1), withheld=Fen(1))
    person = personal(sandbox)
    refund = sandbox.refunds.apply_for_income_tax(wallet_id=person.wallet_id, annual_return=refund_of(500_00))
    assert refund.basis == "stated"


def test_a_second_bonus_taxed_apart_in_a_year_is_refused(sandbox: Sandbox, agent: Wallet) -> None:
    apart = {"bonus": yuan(36_000), "bonus_mode": "separate"}
    second = corporate(sandbox, 2)
    declared_and_paid(sandbox, agent, withheld=Fen(1080_00), **apart)
    with refused(sandbox, "separate_bonus_used", year=2022):
        sandbox.taxes.declare_withholding(wallet_id=second.wallet_id, statement=statement(**apart))
    declared_and_paid(sandbox, second, bonus=yuan(1), bonus_mode="merge")
    declared_and_paid(sandbox, agent, tax_year=2021, **apart)
    declared_and_paid(sandbox, agent, number=2, **apart)


def test_a_nameless_wallet_withholds_nothing(sandbox: Sandbox) -> None:
    wallet = nameless(sandbox)
    with refused(sandbox, "wallet_without_name"):
        sandbox.taxes.declare_withholding(wallet_id=wallet.wallet_id, statement=statement(wages=Fen(1)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"tax_year": 2018},
        {"name": 7},
        {"wages": Fen(-1)},
        {"bonus_mode": "better"},
        {"withheld": 1.5},
    ],
)
def test_a_malformed_statement_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        statement(**wrong)
    assert refusal.value.code == "input_value_malformed"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"tax_year": 2022, "name": "x"}', "input_key_missing"),
        ('{"tax_year": 2022, "name": "x", "id_number": "y", "sad": 1}', "input_key_unknown"),
        ('{"tax_year": 2022, "name": "x", "id_number": "y", "wages": 1.5}', "input_value_malformed"),
        ("[]", "input_not_json"),
    ],
)
def test_a_malformed_file_of_a_statement_is_refused(text: str, code: str) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        read_statement(text.encode())
    assert refusal.value.code == code


def test_a_file_of_a_statement_is_read_in_yuan() -> None:
    text = f'{{"tax_year": 2022, "name": "虚构人", "id_number": "{person_id()}", "wages": "60000.50"}}'
    assert read_statement(text.encode()).wages == 60_000_50


# --- corrections ------------------------------------------------------------------------------------


def year(withheld: int, *, due: int = 0) -> AnnualReturn:
    """A return of 2022 whose tax is ``due`` fen (3 %), of which ``withheld`` was withheld."""
    return AnnualReturn(tax_year=2022, wages=Fen(60_000_00 + due * 100 // 3), withheld=Fen(withheld))


def test_a_correction_refunds_or_bills_the_difference_i8(sandbox: Sandbox) -> None:
    person = personal(sandbox, fund=yuan(10_000))
    wallet = person.wallet_id
    first = sandbox.refunds.apply_for_income_tax(wallet_id=wallet, annual_return=year(500_00))
    assert (first.amount, first.is_correction) == (500_00, False)
    more = sandbox.refunds.apply_for_income_tax(wallet_id=wallet, annual_return=year(800_00), correction=True)
    assert (more.amount, more.is_correction, more.status) == (300_00, True, "completed")
    bill = sandbox.taxes.declare_income_tax(
        wallet_id=wallet, annual_return=year(800_00, due=900_00), correction=True
    )
    assert bill.amount == 900_00  # from 800 yuan refunded to 100 yuan due
    with refused(sandbox, "annual_settlement_pending"):
        sandbox.refunds.apply_for_income_tax(wallet_id=wallet, annual_return=year(900_00), correction=True)
    sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=wallet)
    back = sandbox.refunds.apply_for_income_tax(wallet_id=wallet, annual_return=year(800_00), correction=True)
    assert back.amount == 900_00
    with pytest.raises(RejectedError, match="nothing_to_refund") as caught:
        sandbox.refunds.apply_for_income_tax(wallet_id=wallet, annual_return=year(0, due=100_00))
    assert "`--correction`" in caught.value.hint
    assert "`--correction`" in caught.value.hint_in("zh")
    with refused(sandbox, "nothing_to_refund"):
        sandbox.refunds.apply_for_income_tax(wallet_id=wallet, annual_return=year(800_00), correction=True)
    with refused(sandbox, "nothing_to_pay"):
        sandbox.taxes.declare_income_tax(wallet_id=wallet, annual_return=year(800_00), correction=True)


def test_only_a_settled_year_is_corrected_and_only_once_it_is_paid(sandbox: Sandbox) -> None:
    wallet = personal(sandbox, fund=yuan(10_000)).wallet_id
    with refused(sandbox, "annual_settlement_missing"):
        sandbox.refunds.apply_for_income_tax(wallet_id=wallet, annual_return=year(500_00), correction=True)
    waiting = sandbox.refunds.apply_for_income_tax(
        wallet_id=wallet, annual_return=year(500_00), manual_review=True
    )
    with refused(sandbox, "annual_settlement_pending"):
        sandbox.refunds.apply_for_income_tax(wallet_id=wallet, annual_return=year(600_00), correction=True)
    sandbox.refunds.reject(refund_no=waiting.refund_no)
    with refused(sandbox, "annual_settlement_missing"):
        sandbox.refunds.apply_for_income_tax(wallet_id=wallet, annual_return=year(600_00), correction=True)
    sandbox.refunds.apply_for_income_tax(wallet_id=wallet, annual_return=year(500_00))
    with refused(sandbox, "annual_settlement_exists"):
        sandbox.refunds.apply_for_income_tax(wallet_id=wallet, annual_return=year(600_00))


def test_a_reversed_top_up_must_be_paid_again_before_a_correction(sandbox: Sandbox) -> None:
    person = personal(sandbox, fund=yuan(10_000))
    sandbox.agreements.sign(wallet_id=person.wallet_id)
    bill = sandbox.taxes.declare_income_tax(wallet_id=person.wallet_id, annual_return=year(0, due=900_00))
    paid = sandbox.payments.pay(bill_no=bill.bill_no)
    sandbox.payments.reverse(payment_no=paid.payment_no)
    with refused(sandbox, "annual_settlement_pending"):
        sandbox.refunds.apply_for_income_tax(
            wallet_id=person.wallet_id, annual_return=year(500_00), correction=True
        )


def test_what_settled_a_year_comes_back_by_a_correction_alone_i8(sandbox: Sandbox) -> None:
    person = personal(sandbox, fund=yuan(10_000))
    sandbox.agreements.sign(wallet_id=person.wallet_id)
    bill = sandbox.taxes.declare_income_tax(wallet_id=person.wallet_id, annual_return=year(0, due=900_00))
    paid = sandbox.payments.pay(bill_no=bill.bill_no)
    with refused(sandbox, "refund_by_correction", year=2022):
        sandbox.refunds.apply_for_payment(payment_no=paid.payment_no)
    less = sandbox.refunds.apply_for_income_tax(
        wallet_id=person.wallet_id, annual_return=year(0, due=300_00), correction=True
    )
    assert less.amount == 600_00
    assert [step.amount for step in sandbox.taxes.steps(record=less.refund_no)[-2:]] == [900_00, 600_00]
    with refused(sandbox, "annual_settlement_corrected", later=less.refund_no):
        sandbox.payments.reverse(payment_no=paid.payment_no)


def test_bill_and_refund_tell_how_their_amount_came_about(sandbox: Sandbox) -> None:
    wallet = personal(sandbox, fund=yuan(10_000)).wallet_id
    refund = sandbox.refunds.apply_for_income_tax(wallet_id=wallet, annual_return=year(500_00))
    steps = sandbox.taxes.steps(record=refund.refund_no)
    assert steps[-1].amount == 500_00
    assert all(step.label and step.label_zh for step in steps)
    assert sandbox.refunds.voucher(refund_no=refund.refund_no).steps == steps
    duty = sandbox.taxes.declare_stamp_duty(wallet_id=wallet, item="loan_contract", base=yuan(100_000))
    assert sandbox.taxes.steps(record=duty.bill_no)[-1].amount == 5_00
