"""Every ordered failure: what it leaves in the three books, and how a mend brings them together."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime, timedelta

import pytest

from ecny_tax import BEIJING, Fen, FixedClock, Sandbox, UnavailableError
from tests.reconciliation.struck import (
    DAY,
    DEBITED,
    IN_DOUBT,
    LEAVES,
    RETURNED,
    compared,
    counts,
    mended,
    only,
    struck,
    verified,
)
from tests.support import START, balance, corporate, dump, owe, personal, refused

DIFFERING = [kind for kind, (_, _, mend) in LEAVES.items() if mend]


@pytest.mark.parametrize("kind", DIFFERING)
def test_a_failure_ends_in_its_class_with_its_money_and_its_mend(sandbox: Sandbox, kind: str) -> None:
    of_class, times, mend = LEAVES[kind]
    found = struck(sandbox, kind)
    assert (found.held, found.collected) == (1_000 - times * 100, times * 100)
    result = compared(sandbox)
    assert (result.ok, counts(result)) == (False, {of_class: 1})
    difference = only(result)
    assert (difference.pair_class, difference.mend, difference.mend_amount) == (of_class, mend, 100)
    assert difference.bill_no == found.bill_no


@pytest.mark.parametrize(
    ("kind", "treasury", "operator", "ledger"),
    [
        ("answer_lost", (None, None), ("succeeded", 100), 100),
        ("answer_late", ("failed", 100), ("succeeded", 100), 100),
        ("delivered_twice", ("succeeded", 100), ("succeeded", 200), 200),
        ("operator_outage", ("succeeded", 100), (None, None), None),
        ("operator_rollback", ("succeeded", 100), ("failed", 100), None),
    ],
)
def test_each_side_has_what_it_wrote(
    sandbox: Sandbox,
    kind: str,
    treasury: tuple[str | None, int | None],
    operator: tuple[str | None, int | None],
    ledger: int | None,
) -> None:
    struck(sandbox, kind)
    difference = only(compared(sandbox))
    assert (difference.treasury_status, difference.treasury_amount) == treasury
    assert (difference.operator_status, difference.operator_amount) == operator
    assert difference.ledger_amount == ledger


@pytest.mark.parametrize("kind", RETURNED)
def test_class_5_and_6_are_mended_by_giving_the_money_back(sandbox: Sandbox, kind: str) -> None:
    found = struck(sandbox, kind)
    result = mended(sandbox)
    (mend,) = result.mends
    assert (mend.outcome, mend.amount, mend.code) == ("given_back", 100, None)
    assert (result.ok, counts(result)) == (True, {7: 1})
    assert (found.held, found.collected, found.bill_status, found.in_doubt) == (1_000, 0, "open", None)
    assert found.pay().status == "settled"
    assert (found.held, counts(compared(sandbox))) == (900, {1: 1, 7: 1})


def test_class_2_is_mended_by_giving_back_what_was_too_much(sandbox: Sandbox) -> None:
    found = struck(sandbox, "delivered_twice")
    assert found.bill_status == "paid"
    result = mended(sandbox)
    assert (result.ok, counts(result)) == (True, {1: 1})
    assert (found.held, found.collected, found.bill_status) == (900, 100, "paid")


@pytest.mark.parametrize("kind", DEBITED)
def test_class_3_and_4_are_mended_by_debiting_now(sandbox: Sandbox, kind: str) -> None:
    found = struck(sandbox, kind)
    debit = only(compared(sandbox)).trace_no
    result = mended(sandbox)
    assert (result.ok, counts(result), result.mends[0].outcome) == (True, {1: 1}, "debited")
    assert (found.held, found.collected, found.bill_status, found.in_doubt) == (900, 100, "paid", None)
    payment = sandbox.payments.show(payment_no=debit)
    assert (payment.amount, payment.status, payment.bill_no) == (100, "settled", found.bill_no)
    assert sandbox.payments.receipt(receipt_no=payment.receipt_no).amount == 100
    with refused(sandbox, "bill_already_paid"):
        found.pay()


@pytest.mark.parametrize("kind", DEBITED)
def test_class_3_and_4_are_struck_out_where_the_wallet_cannot_pay(sandbox: Sandbox, kind: str) -> None:
    found = struck(sandbox, kind)
    sandbox.wallets.cash_out(wallet_id=found.wallet.wallet_id, amount=Fen(950))
    result = mended(sandbox)
    (mend,) = result.mends
    assert (mend.outcome, mend.amount, mend.code) == ("struck_out", 0, "insufficient_funds")
    assert (result.ok, counts(result)) == (True, {7: 1})
    assert (found.held, found.bill_status, found.in_doubt) == (50, "open", None)
    sandbox.wallets.top_up(wallet_id=found.wallet.wallet_id, amount=Fen(50))
    assert found.pay().status == "settled"


def test_class_7_needs_no_mend_and_leaves_the_bill_free(sandbox: Sandbox) -> None:
    found = struck(sandbox, "both_failed")
    assert (found.held, found.collected, found.in_doubt) == (1_000, 0, None)
    result = compared(sandbox)
    assert (result.ok, counts(result), result.differences) == (True, {7: 1}, ())
    before = dump(sandbox)
    assert mended(sandbox).mends == ()
    assert dump(sandbox) == before
    assert found.pay().status == "settled"


@pytest.mark.parametrize("kind", DIFFERING)
def test_mending_again_does_nothing(sandbox: Sandbox, kind: str) -> None:
    struck(sandbox, kind)
    first = mended(sandbox)
    before = dump(sandbox)
    again = mended(sandbox)
    assert (again.mends, again.classes) == ((), first.classes)
    assert dump(sandbox) == before


@pytest.mark.parametrize("kind", DIFFERING)
def test_a_day_is_mended_long_after_and_both_days_agree(
    sandbox: Sandbox, clock: FixedClock, kind: str
) -> None:
    """The deadline has passed: what is debited now is what the treasury had booked, without a late fee."""
    found = struck(sandbox, kind)
    clock.advance(timedelta(days=60))
    before = counts(compared(sandbox))
    assert mended(sandbox, clock.at.date()).mends == ()
    result = mended(sandbox)
    assert (result.ok, before) == (True, {LEAVES[kind][0]: 1})
    assert compared(sandbox, clock.at.date()).compared == 0
    if kind in DEBITED:
        payment = sandbox.payments.show(payment_no=result.mends[0].payment_no)
        assert (payment.amount, payment.late_fee, payment.settled_at) == (100, 0, clock.at)
        assert found.bill_status == "paid"


@pytest.mark.parametrize("kind", DIFFERING)
def test_a_wallet_is_closed_and_its_holder_erased_only_after_the_mend(sandbox: Sandbox, kind: str) -> None:
    """Closed, it could take nothing back, and the bill would be in doubt for ever."""
    found = struck(sandbox, kind)
    wallet_id = found.wallet.wallet_id
    sandbox.wallets.cash_out(wallet_id=wallet_id, amount=Fen(found.held))
    debit = only(compared(sandbox)).trace_no
    with refused(sandbox, "wallet_has_debit_in_doubt", wallet_id=wallet_id, payment_no=debit):
        sandbox.wallets.close(wallet_id=wallet_id)
    with refused(sandbox, "holder_has_open_wallets"):
        sandbox.wallets.erase(wallet_id=wallet_id)
    assert mended(sandbox).ok
    if found.held:
        sandbox.wallets.cash_out(wallet_id=wallet_id, amount=Fen(found.held))
    if found.bill_status == "open":
        sandbox.taxes.cancel(bill_no=found.bill_no)
    assert sandbox.wallets.close(wallet_id=wallet_id).status == "closed"
    assert sandbox.wallets.erase(wallet_id=wallet_id).keys_destroyed > 0
    verified(sandbox)


def test_one_mend_that_cannot_be_done_does_not_hinder_the_others(sandbox: Sandbox) -> None:
    sandbox.treasury.add(code="1900000001", name="虚构国库")
    sandbox.parties.add_tax_authority(code="14400000001", name="虚构税务局", treasury="1900000001")
    wallet = corporate(sandbox, fund=Fen(1_000))
    bill = owe(sandbox, wallet, 100, authority="14400000001")
    sandbox.reconciliation.order_failure(kind="answer_lost")
    with pytest.raises(Exception, match="payment_outcome_unknown"):
        sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id)
    other = struck(sandbox, "answer_lost", wallet)
    sandbox.treasury.close(day=DAY, treasury="1900000001")
    result = mended(sandbox)
    assert sorted(mend.outcome for mend in result.mends) == ["given_back", "left"]
    assert (other.held, only(result).bill_no) == (900, bill.bill_no)


def test_the_allowance_of_the_day_comes_back_with_the_money(sandbox: Sandbox, clock: FixedClock) -> None:
    """Class III may spend 10,000 yuan a day."""
    wallet = personal(sandbox, wallet_class="III", fund=Fen(20_000_00))
    for _ in range(2):
        bill = owe(sandbox, wallet, 5_000_00)
        sandbox.reconciliation.order_failure(kind="answer_lost")
        with pytest.raises(Exception, match="payment_outcome_unknown"):
            sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id)
    third = owe(sandbox, wallet, 1).bill_no
    with refused(sandbox, "wallet_limit_exceeded", limit="day"):
        sandbox.payments.pay(bill_no=third, wallet_id=wallet.wallet_id)
    mended(sandbox)
    assert balance(sandbox, wallet) == 20_000_00
    assert sandbox.payments.pay(bill_no=third, wallet_id=wallet.wallet_id).status == "settled"


@pytest.mark.parametrize("kind", ["operator_outage", "operator_rollback", "both_failed"])
def test_a_debit_that_moved_nothing_uses_up_no_allowance(sandbox: Sandbox, kind: str) -> None:
    wallet = personal(sandbox, wallet_class="III", fund=Fen(20_000_00))
    for _ in range(3):
        bill = owe(sandbox, wallet, 5_000_00)
        sandbox.reconciliation.order_failure(kind=kind)
        with pytest.raises(Exception, match="payment_outcome_unknown"):
            sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id)
    verified(sandbox)
    assert balance(sandbox, wallet) == 20_000_00


def test_a_debit_under_an_agreement_is_struck_and_mended_alike(sandbox: Sandbox) -> None:
    wallet = corporate(sandbox, fund=Fen(1_000))
    agreement = sandbox.agreements.sign(wallet_id=wallet.wallet_id)
    found = struck(sandbox, "operator_outage", wallet)
    result = mended(sandbox)
    payment = sandbox.payments.show(payment_no=result.mends[0].payment_no)
    assert (payment.mode, payment.agreement_no) == ("real_time_debit", agreement.agreement_no)
    assert sandbox.payments.reverse(payment_no=payment.payment_no).status == "reversed"
    assert (found.held, found.bill_status, compared(sandbox).compared) == (1_000, "open", 0)


def test_an_agreement_that_ended_since_debits_no_more(sandbox: Sandbox) -> None:
    wallet = corporate(sandbox, fund=Fen(1_000))
    agreement = sandbox.agreements.sign(wallet_id=wallet.wallet_id)
    found = struck(sandbox, "operator_outage", wallet)
    sandbox.agreements.terminate(agreement_no=agreement.agreement_no)
    (mend,) = mended(sandbox).mends
    assert (mend.outcome, mend.code) == ("struck_out", "agreement_terminated")
    assert (found.held, found.in_doubt) == (1_000, None)


def test_a_sub_wallet_gets_its_money_back(sandbox: Sandbox) -> None:
    parent = personal(sandbox, fund=Fen(5_000))
    sub = sandbox.wallets.open_sub(
        parent=parent.wallet_id, purpose="conditional", payees=("14407840000",), fund=Fen(1_000)
    )
    bill = owe(sandbox, parent, 100)
    sandbox.reconciliation.order_failure(kind="answer_lost", wallet_id=sub.wallet_id)
    with pytest.raises(Exception, match="payment_outcome_unknown"):
        sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=sub.wallet_id)
    verified(sandbox)
    assert mended(sandbox).ok
    assert sandbox.wallets.show(wallet_id=sub.wallet_id).balance == 1_000


def test_money_in_doubt_is_not_allocated_and_comes_back_after_its_day_is_closed() -> None:
    clock = FixedClock(START)
    with Sandbox.open(clock=clock) as s:
        found = struck(s, "answer_lost")
        assert s.treasury.close(day=DAY).collected == 0
        (left,) = mended(s).mends
        assert (left.outcome, left.code) == ("left", "treasury_day_closed")
        clock.advance(timedelta(days=1))
        (mend,) = mended(s).mends
        assert (mend.outcome, mend.amount, found.held) == ("given_back", 100, 1_000)


@pytest.mark.parametrize("kind", DIFFERING)
def test_the_days_of_doubt_cost_late_fee_and_interest_as_is_said_to_be_assumed(kind: str) -> None:
    """Half a fen a day and yuan of what is owed; and what lies in doubt earns nothing."""
    clock = FixedClock(datetime(2026, 3, 2, 10, tzinfo=BEIJING))
    with Sandbox.open(clock=clock) as s:
        wallet = personal(s, fund=Fen(36_000_00))
        bill = owe(s, wallet, 1_000_00)
        day = clock.at.date()
        clock.advance(timedelta(days=(bill.due_date - day).days))
        held = s.wallets.interest(wallet_id=wallet.wallet_id).product_sum
        s.reconciliation.order_failure(kind=kind)
        with suppress(UnavailableError):
            s.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id)
        left = balance(s, wallet)
        clock.advance(timedelta(days=4))
        mended(s, bill.due_date)
        assert s.wallets.interest(wallet_id=wallet.wallet_id).product_sum == held + 4 * left
        owed = s.taxes.bill(bill_no=bill.bill_no)
        due = ("open", 2_00) if kind in RETURNED else ("paid", 0)
        assert (owed.status, owed.late_fee) == due


@pytest.mark.parametrize("kind", LEAVES)
def test_money_in_doubt_does_not_wait_to_be_allocated(sandbox: Sandbox, kind: str) -> None:
    found = struck(sandbox, kind)
    paid = 100 if kind == "delivered_twice" else 0

    def state() -> tuple[int, int, int]:
        (listed,) = sandbox.treasury.list()
        return listed.waiting, listed.in_doubt, sandbox.treasury.report().waiting

    assert state() == (paid, LEAVES[kind][1] * 100 - paid, paid)
    mended(sandbox)
    assert state() == (found.collected, 0, found.collected)


@pytest.mark.parametrize("kind", DIFFERING)
def test_on_a_closed_day_every_mend_is_left_and_writes_nothing(kind: str) -> None:
    """I11: a debit that is not made uses up no allowance, whoever refuses it."""
    clock = FixedClock(START)
    with Sandbox.open(clock=clock) as s:
        found = struck(s, kind, personal(s, fund=Fen(1_000)))
        held, doubt = found.held, found.in_doubt
        s.treasury.close(day=DAY)
        before = dump(s)
        (left,) = mended(s).mends
        assert (left.outcome, left.amount, left.code) == ("left", 0, "treasury_day_closed")
        assert (found.held, found.in_doubt) == (held, doubt)
        assert dump(s) == before
        clock.advance(timedelta(days=1))
        (mend,) = mended(s).mends
        assert mend.outcome == ("debited" if kind in DEBITED else "given_back")


# --- orders -------------------------------------------------------------------------------------------


def test_a_failure_strikes_as_often_as_it_was_ordered_and_then_no_more(sandbox: Sandbox) -> None:
    wallet = corporate(sandbox, fund=Fen(1_000))
    order = sandbox.reconciliation.order_failure(kind="both_failed", count=2)
    bill = owe(sandbox, wallet, 100)
    for left in (1, 0):
        with pytest.raises(Exception, match="payment_outcome_unknown"):
            sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id)
        assert sandbox.reconciliation.failures()[0].left == left
    assert sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id).status == "settled"
    (listed,) = sandbox.reconciliation.failures()
    assert (listed.failure_no, listed.status) == (order.failure_no, "struck")


def test_a_failure_strikes_debits_of_its_operator_and_wallet_alone(sandbox: Sandbox) -> None:
    one = corporate(sandbox, fund=Fen(1_000))
    other = corporate(sandbox, 2, operator="BOC", fund=Fen(1_000))
    sandbox.reconciliation.order_failure(kind="both_failed", operator="boc")
    sandbox.reconciliation.order_failure(kind="both_failed", wallet_id=other.wallet_id)
    assert sandbox.payments.pay(bill_no=owe(sandbox, one, 1).bill_no, wallet_id=one.wallet_id)
    for _ in range(2):
        with pytest.raises(Exception, match="payment_outcome_unknown"):
            sandbox.payments.pay(bill_no=owe(sandbox, other, 1).bill_no, wallet_id=other.wallet_id)
    assert [order.status for order in sandbox.reconciliation.failures()] == ["struck", "struck"]


def test_what_a_rule_refuses_is_struck_by_nothing(sandbox: Sandbox) -> None:
    wallet = corporate(sandbox, fund=Fen(50))
    bill = owe(sandbox, wallet, 100)
    sandbox.reconciliation.order_failure(kind="answer_lost")
    with refused(sandbox, "insufficient_funds"):
        sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id)


def test_a_wallet_that_cannot_pay_twice_is_not_debited_twice(sandbox: Sandbox) -> None:
    wallet = corporate(sandbox, fund=Fen(150))
    bill = owe(sandbox, wallet, 100)
    sandbox.reconciliation.order_failure(kind="delivered_twice")
    assert sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id).status == "settled"
    assert balance(sandbox, wallet) == 50
    assert compared(sandbox).ok
    assert sandbox.reconciliation.failures()[0].status == "waiting"


def test_a_cancelled_failure_strikes_nothing(sandbox: Sandbox) -> None:
    wallet = corporate(sandbox, fund=Fen(1_000))
    order = sandbox.reconciliation.order_failure(kind="answer_lost")
    cancelled = sandbox.reconciliation.cancel_failure(failure_no=order.failure_no)
    assert (cancelled.status, cancelled.left) == ("cancelled", 1)
    assert sandbox.payments.pay(bill_no=owe(sandbox, wallet, 1).bill_no, wallet_id=wallet.wallet_id)
    with refused(sandbox, "failure_is_over"):
        sandbox.reconciliation.cancel_failure(failure_no=order.failure_no)


@pytest.mark.parametrize(
    ("code", "wishes"),
    [
        ("failure_kind_unknown", {"kind": "fire"}),
        ("failure_kind_unknown", {"kind": ""}),
        ("failure_times_malformed", {"kind": "answer_lost", "count": 0}),
        ("failure_times_malformed", {"kind": "answer_lost", "count": 1001}),
        ("failure_times_malformed", {"kind": "answer_lost", "count": True}),
        ("operator_unknown", {"kind": "answer_lost", "operator": "NOBANK"}),
        ("wallet_not_found", {"kind": "answer_lost", "wallet_id": "0021000000000005"}),
    ],
)
def test_an_order_that_means_nothing_is_refused(
    sandbox: Sandbox, code: str, wishes: dict[str, object]
) -> None:
    with refused(sandbox, code):
        sandbox.reconciliation.order_failure(**wishes)  # type: ignore[arg-type]


def test_an_unknown_order_day_or_party_is_refused(sandbox: Sandbox) -> None:
    with refused(sandbox, "failure_not_found"):
        sandbox.reconciliation.cancel_failure(failure_no="F0")
    with refused(sandbox, "date_malformed"):
        compared(sandbox, date(1970, 1, 1))
    for code, wishes in (
        ("operator_unknown", {"operator": "NOBANK"}),
        ("treasury_not_found", {"treasury": "0000000000"}),
    ):
        with refused(sandbox, code):
            compared(sandbox, DAY, **wishes)
        with refused(sandbox, code):
            sandbox.reconciliation.mend(entrust_date=DAY, **wishes)


@pytest.mark.parametrize("kind", IN_DOUBT)
def test_views_are_of_the_treasury_and_operator_that_are_asked_for(sandbox: Sandbox, kind: str) -> None:
    struck(sandbox, kind)
    other = corporate(sandbox, 2, operator="BOC", fund=Fen(1_000))
    sandbox.payments.pay(bill_no=owe(sandbox, other, 1).bill_no, wallet_id=other.wallet_id)
    assert counts(compared(sandbox, operator="BOC")) == {1: 1}
    assert counts(compared(sandbox, operator="icbc", treasury="1907840000")) == {LEAVES[kind][0]: 1}
    assert mended(sandbox, operator="BOC").mends == ()
    assert len(mended(sandbox, operator="ICBC").mends) == 1


def test_a_reversed_payment_is_not_compared(sandbox: Sandbox) -> None:
    wallet = corporate(sandbox, fund=Fen(1_000))
    sandbox.agreements.sign(wallet_id=wallet.wallet_id)
    paid = sandbox.payments.pay(bill_no=owe(sandbox, wallet, 100).bill_no)
    assert counts(compared(sandbox)) == {1: 1}
    sandbox.payments.reverse(payment_no=paid.payment_no)
    assert compared(sandbox).compared == 0
