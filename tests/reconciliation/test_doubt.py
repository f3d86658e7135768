"""I7: as long as the outcome of a debit is not known, nothing settles or takes away its bill."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from ecny_tax import Fen, FixedClock, Sandbox
from ecny_tax.taxes.withholding_records import WithholdingStatement
from tests.reconciliation.struck import (
    DEBITED,
    IN_DOUBT,
    RETURNED,
    compared,
    counts,
    mended,
    struck,
    verified,
)
from tests.support import balance, corporate, dump, owe, person_id, person_name, personal, refund_of, refused


@pytest.mark.parametrize("kind", IN_DOUBT)
def test_I7_a_bill_in_doubt_is_neither_paid_nor_cancelled(sandbox: Sandbox, kind: str) -> None:
    found = struck(sandbox, kind)
    debit = found.in_doubt
    with refused(sandbox, "bill_in_doubt", payment_no=debit):
        found.pay()
    with refused(sandbox, "bill_in_doubt"):
        found.pay(idempotency_key="another")
    other = corporate(sandbox, 2, fund=Fen(1_000))
    with refused(sandbox, "bill_in_doubt"):
        sandbox.payments.pay(bill_no=found.bill_no, wallet_id=other.wallet_id)
    with refused(sandbox, "bill_in_doubt"):
        sandbox.taxes.cancel(bill_no=found.bill_no)


@pytest.mark.parametrize("kind", IN_DOUBT)
def test_I7_a_repeat_under_the_key_is_refused_the_same_way(sandbox: Sandbox, kind: str) -> None:
    found = struck(sandbox, kind, idempotency_key="k")
    with refused(sandbox, "payment_outcome_unknown", payment_no=found.in_doubt):
        found.pay(idempotency_key="k")
    other = owe(sandbox, found.wallet, 1)
    with refused(sandbox, "idempotency_conflict"):
        sandbox.payments.pay(bill_no=other.bill_no, wallet_id=found.wallet.wallet_id, idempotency_key="k")


@pytest.mark.parametrize("kind", DEBITED)
def test_I7_after_the_mend_the_key_is_answered_with_the_payment(sandbox: Sandbox, kind: str) -> None:
    found = struck(sandbox, kind, idempotency_key="k")
    (mend,) = mended(sandbox).mends
    before = dump(sandbox)
    assert found.pay(idempotency_key="k").payment_no == mend.payment_no
    assert dump(sandbox) == before


@pytest.mark.parametrize("kind", [*RETURNED, "both_failed"])
def test_I7_after_the_money_came_back_the_key_pays_once(sandbox: Sandbox, kind: str) -> None:
    found = struck(sandbox, kind, idempotency_key="k")
    mended(sandbox)
    paid = found.pay(idempotency_key="k")
    assert found.pay(idempotency_key="k") == paid
    assert found.held == 900


@pytest.mark.parametrize("kind", [*IN_DOUBT, "both_failed"])
def test_I7_stamp_duty_under_a_key_is_declared_once_whatever_happens(sandbox: Sandbox, kind: str) -> None:
    wallet = corporate(sandbox, fund=Fen(100_00))
    wishes = {"wallet_id": wallet.wallet_id, "item": "sale_contract", "base": Fen(100_000_00)}
    sandbox.reconciliation.order_failure(kind=kind)
    with pytest.raises(Exception, match="payment_outcome_unknown"):
        sandbox.payments.pay_stamp_duty(**wishes, idempotency_key="k")  # type: ignore[arg-type]
    if kind != "both_failed":
        with refused(sandbox, "payment_outcome_unknown"):
            sandbox.payments.pay_stamp_duty(**wishes, idempotency_key="k")  # type: ignore[arg-type]
    mended(sandbox)
    paid = sandbox.payments.pay_stamp_duty(**wishes, idempotency_key="k")  # type: ignore[arg-type]
    (bill,) = sandbox.taxes.bills()
    assert (paid.bill_no, bill.status, balance(sandbox, wallet)) == (bill.bill_no, "paid", 70_00)


def test_a_bill_in_doubt_is_not_set_off(sandbox: Sandbox) -> None:
    wallet = personal(sandbox, fund=Fen(1_000))
    found = struck(sandbox, "answer_lost", wallet)
    refund = sandbox.refunds.apply_for_income_tax(wallet_id=wallet.wallet_id, annual_return=refund_of(500))
    assert (refund.status, refund.set_off, refund.amount) == ("completed", 0, 500)
    assert found.bill_status == "open"
    assert mended(sandbox).ok


def test_a_withholding_statement_is_not_taken_back_while_its_bill_is_in_doubt(sandbox: Sandbox) -> None:
    agent = corporate(sandbox, fund=Fen(10_000))
    figures = {"wages": Fen(100_000), "withheld": Fen(300)}
    statement = WithholdingStatement(
        tax_year=2022,
        name=person_name(),
        id_number=person_id(),
        **figures,  # type: ignore[arg-type]
    )
    declared = sandbox.taxes.declare_withholding(wallet_id=agent.wallet_id, statement=statement)
    assert declared.bill_no is not None
    sandbox.reconciliation.order_failure(kind="operator_outage")
    with pytest.raises(Exception, match="payment_outcome_unknown"):
        sandbox.payments.pay(bill_no=declared.bill_no, wallet_id=agent.wallet_id)
    with refused(sandbox, "bill_in_doubt"):
        sandbox.taxes.cancel_withholding(withholding_no=declared.withholding_no)
    mended(sandbox)
    assert sandbox.taxes.bill(bill_no=declared.bill_no).status == "paid"


def test_a_payment_that_was_debited_twice_is_reversed_only_after_the_mend(sandbox: Sandbox) -> None:
    wallet = corporate(sandbox, fund=Fen(1_000))
    sandbox.agreements.sign(wallet_id=wallet.wallet_id)
    found = struck(sandbox, "delivered_twice", wallet)
    (payment,) = sandbox.payments.list()
    with refused(sandbox, "payment_in_doubt"):
        sandbox.payments.reverse(payment_no=payment.payment_no)
    mended(sandbox)
    sandbox.payments.reverse(payment_no=payment.payment_no)
    assert (found.held, found.bill_status, compared(sandbox).compared) == (1_000, "open", 0)


def test_a_holder_whose_bill_is_in_doubt_is_not_erased(sandbox: Sandbox) -> None:
    """Somebody else's wallet was debited, so the holder's own may be closed."""
    owing, paying = corporate(sandbox), personal(sandbox, fund=Fen(1_000))
    bill = owe(sandbox, owing, 100)
    sandbox.reconciliation.order_failure(kind="answer_lost")
    with pytest.raises(Exception, match="payment_outcome_unknown"):
        sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=paying.wallet_id)
    sandbox.wallets.close(wallet_id=owing.wallet_id)
    with refused(sandbox, "identity_still_needed", record=bill.bill_no):
        sandbox.wallets.erase(wallet_id=owing.wallet_id)


def test_a_mend_with_a_key_is_answered_alike(sandbox: Sandbox, clock: FixedClock) -> None:
    struck(sandbox, "answer_lost")
    first = sandbox.reconciliation.mend(entrust_date=clock.at.date(), idempotency_key="m")
    struck(sandbox, "answer_lost")
    before = dump(sandbox)
    assert sandbox.reconciliation.mend(entrust_date=clock.at.date(), idempotency_key="m") == first
    assert dump(sandbox) == before
    with refused(sandbox, "idempotency_conflict"):
        sandbox.reconciliation.mend(entrust_date=date(2023, 4, 19), idempotency_key="m")


def test_numbers_of_the_same_day_of_another_century_are_another_day(
    sandbox: Sandbox, clock: FixedClock
) -> None:
    struck(sandbox, "answer_lost")
    day = clock.at.date()
    assert compared(sandbox, day.replace(year=day.year + 100)).compared == 0
    assert counts(compared(sandbox, day)) == {6: 1}


def test_the_day_is_that_of_beijing(sandbox: Sandbox, clock: FixedClock) -> None:
    clock.at = clock.at.replace(hour=23, minute=59, second=59, microsecond=999_999)
    struck(sandbox, "answer_lost")
    day = clock.at.date()
    clock.advance(timedelta(microseconds=1))
    struck(sandbox, "answer_late")
    assert counts(compared(sandbox, day)) == {6: 1}
    assert counts(compared(sandbox, day + timedelta(days=1))) == {5: 1}
    verified(sandbox)
