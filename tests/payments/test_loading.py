"""What a payment is decided by comes in one statement, and is what the single records say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecny_tax import Fen, FixedClock, Sandbox
from ecny_tax.agreements import rows as agreement_rows
from ecny_tax.clock import BEIJING
from ecny_tax.crypto.signatures import encode, encode_sorted
from ecny_tax.ledger import chart
from ecny_tax.parties import service as parties
from ecny_tax.payments import loading, model
from ecny_tax.payments.loading import Case
from ecny_tax.payments.model import Payment, PaymentMode
from ecny_tax.store import Transaction, idempotency, journal
from ecny_tax.store.idempotency import Request
from ecny_tax.taxes.model import Bill, BillStatus, DueBill, Tax
from ecny_tax.wallets import rows as wallet_rows
from ecny_tax.wallets.model import Wallet
from tests.support import corporate, nameless, owe, personal

MONTHS = timedelta(days=120)


def agrees(tx: Transaction, s: Sandbox, case: Case, bill: Bill) -> None:
    """Every part of the case is what reading that record by itself gives."""
    wallet, office = case.wallet, parties.tax_authority(tx, bill.authority)
    assert case.bill._asdict() == {name: getattr(bill, name) for name in case.bill._fields}
    assert wallet == wallet_rows.wallet(tx, wallet.wallet_id)
    assert case.office == office
    assert case.account == journal.account(tx, wallet.account_id)
    assert case.collection == journal.account_named(
        tx, chart.collection(wallet.operator, office.treasury or "", wallet.account_id)
    )
    assert case.spent == wallet_rows.spent(tx, wallet.wallet_id, tx.now.date())
    assert case.told == wallet_rows.told_both(tx, wallet.wallet_id, bill.authority)
    assert case.told[0] == wallet_rows.told(tx, wallet.wallet_id, office.party)
    assert case.told[1] == wallet_rows.told(tx, wallet.wallet_id, f"treasury:{office.treasury}")
    assert case.wallet_key == wallet_rows.public_key(tx, wallet.wallet_id)


def test_a_case_is_what_its_records_say(sandbox: Sandbox, clock: FixedClock) -> None:
    company, person = corporate(sandbox, fund=Fen(90_000)), personal(sandbox, fund=Fen(90_000))
    part = sandbox.wallets.open_sub(parent=person.wallet_id, purpose="limited", day=Fen(5_000))
    wallets = [company, person, nameless(sandbox, fund=Fen(90_000)), part]
    agreement = sandbox.agreements.sign(wallet_id=company.wallet_id).agreement_no
    sandbox.payments.pay(bill_no=owe(sandbox, person, 100).bill_no, wallet_id=person.wallet_id)
    bills = [owe(sandbox, company, 40_000), owe(sandbox, company, 700), owe(sandbox, person, 300)]
    sandbox.payments.pay(bill_no=bills[1].bill_no, agreement_no=agreement)
    clock.advance(MONTHS)  # with a late fee on what is open, and another one's on what is paid
    for bill in bills:
        now = sandbox.taxes.bill(bill_no=bill.bill_no)
        for wallet in wallets:
            with sandbox._store.transaction() as tx:
                case = loading.from_wallet(tx, bill.bill_no, f" {wallet.wallet_id} ")
                agrees(tx, sandbox, case, now)
                covers = wallet.wallet_id == company.wallet_id == case.wallet.wallet_id and bill in bills[:2]
                assert (case.agreement and case.agreement.agreement_no) == (agreement if covers else None)
        with sandbox._store.transaction() as tx:
            case = loading.under_agreement(tx, bill.bill_no, agreement)
            agrees(tx, sandbox, case, now)
            assert case.agreement is not None
            known = agreement_rows.agreement(tx, agreement)
            mandate = case.agreement
            assert mandate._asdict() == {name: getattr(known, name) for name in mandate._fields}
    assert now.late_fee > 0


def test_the_newest_verified_agreement_of_an_open_wallet_covers(sandbox: Sandbox) -> None:
    wallet = corporate(sandbox)
    bill = owe(sandbox, wallet, 100)
    first = sandbox.agreements.sign(wallet_id=wallet.wallet_id)
    sandbox.agreements.terminate(agreement_no=first.agreement_no)

    def covering() -> str | None:
        with sandbox._store.transaction() as tx:
            case = loading.from_wallet(tx, bill.bill_no, wallet.wallet_id)
            return case.agreement and case.agreement.agreement_no

    assert covering() is None
    second = sandbox.agreements.sign(wallet_id=wallet.wallet_id).agreement_no
    assert covering() == second
    sandbox.agreements.lock(agreement_no=second)
    assert covering() is None


def test_the_oldest_failure_that_waits_for_the_wallet_is_seen(sandbox: Sandbox) -> None:
    wallet, other = corporate(sandbox, fund=Fen(500)), corporate(sandbox, 2, operator="CCB")
    bill = owe(sandbox, wallet, 100)

    def waiting() -> str | None:
        with sandbox._store.transaction() as tx:
            return loading.from_wallet(tx, bill.bill_no, wallet.wallet_id).next_failure

    order = sandbox.reconciliation.order_failure
    order(kind="both_failed", operator="CCB")
    order(kind="both_failed", wallet_id=other.wallet_id)
    assert waiting() is None
    mine = order(kind="both_failed", operator="ICBC", wallet_id=wallet.wallet_id)
    order(kind="both_failed")
    assert waiting() == mine.failure_no
    sandbox.reconciliation.cancel_failure(failure_no=mine.failure_no)
    assert waiting() != mine.failure_no


def test_what_was_spent_counts_for_the_case(sandbox: Sandbox, clock: FixedClock) -> None:
    wallet = personal(sandbox, fund=Fen(10_000))
    part = sandbox.wallets.open_sub(parent=wallet.wallet_id, purpose="limited", day=Fen(5_000))
    sandbox.wallets.transfer(from_wallet=wallet.wallet_id, to_wallet=part.wallet_id, amount=Fen(1_000))
    for payer, amount, days in ((wallet, 100, 0), (part, 20, 1), (wallet, 3, 0)):
        clock.advance(timedelta(days=days))
        sandbox.payments.pay(bill_no=owe(sandbox, wallet, amount).bill_no, wallet_id=payer.wallet_id)
    bill = owe(sandbox, wallet, 500)
    with sandbox._store.transaction() as tx:
        assert loading.from_wallet(tx, bill.bill_no, wallet.wallet_id).spent == (23, 123)


def test_a_payment_takes_few_statements(sandbox: Sandbox) -> None:
    """Each is a round trip where the database is on a server."""
    if sandbox._store.engine != "sqlite":
        pytest.skip("counted on SQLite")
    for wallet, limit in ((corporate(sandbox, fund=Fen(900)), 9), (personal(sandbox, fund=Fen(900)), 10)):
        agreement = sandbox.agreements.sign(wallet_id=wallet.wallet_id).agreement_no
        sandbox.payments.pay(bill_no=owe(sandbox, wallet, 100).bill_no, agreement_no=agreement)
        bill = owe(sandbox, wallet, 100)
        statements: list[str] = []
        connection = sandbox._store._connection  # type: ignore[attr-defined]
        connection.set_trace_callback(statements.append)
        sandbox.payments.pay(bill_no=bill.bill_no, agreement_no=agreement)
        connection.set_trace_callback(None)
        assert len(dict.fromkeys(statements)) <= limit, statements  # a trigger names its statement again


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(
    st.sampled_from(PaymentMode),
    texts,
    texts,
    st.none() | texts,
    st.integers(1, 10**17),
    st.datetimes(timezones=st.just(BEIJING)),
)
def test_what_is_signed_is_encoded_in_its_one_form(mode, number, wallet, agreement, amount, at) -> None:
    bill = DueBill(number, "14407840000", "", Tax.OTHER, Fen(0), Fen(1), BillStatus.OPEN, None)
    document = model.authorisation_document(
        mode=mode,
        payment_no=number,
        bill=bill,
        amount=Fen(amount),
        wallet_id=wallet,
        agreement_no=agreement,
        at=at,
    )
    assert encode_sorted(document) == encode(document)


@pytest.mark.parametrize("opened", [corporate, personal, nameless])
def test_what_was_answered_to_the_key_of_whoever_acts_is_in_the_case(
    sandbox: Sandbox, opened: Callable[..., Wallet]
) -> None:
    payer = opened(sandbox, fund=Fen(500))
    bills = [owe(sandbox, corporate(sandbox, 9), amount).bill_no for amount in (100, 200)]
    paid = [
        sandbox.payments.pay(bill_no=bills[0], wallet_id=payer.wallet_id, idempotency_key="k")
        for _ in range(2)
    ]
    assert paid[0] == paid[1]
    with sandbox._store.transaction() as tx:
        case = loading.from_wallet(tx, bills[1], payer.wallet_id, "k")
        request = Request(loading.PAY, case.wallet.party, "k", ("bill", bills[0], payer.wallet_id, None))
        assert idempotency.outcome_of(case.answered, request, Payment) == paid[0]
        assert loading.from_wallet(tx, bills[1], payer.wallet_id, "another").answered == (None, None, None)
        assert loading.from_wallet(tx, bills[1], payer.wallet_id).answered == (None, None, None)
