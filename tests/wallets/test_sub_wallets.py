"""Sub-wallets: what each purpose may do, and what only the parent does; a refusal moves nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from ecny_tax import Fen, FixedClock, Sandbox
from ecny_tax.clock import parse_time
from ecny_tax.offline.device import Device
from ecny_tax.wallets.model import Wallet
from ecny_tax.wallets.sub_model import MAX_PAYEES, MAX_SUB_WALLETS, SubWallet
from tests import support
from tests.support import (
    AUTHORITY,
    balance,
    corporate,
    dump,
    nameless,
    owe,
    person_id,
    person_name,
    personal,
    refund_of,
    refused,
)

Either = Wallet | SubWallet
#: A sub-wallet of each purpose, with the fewest terms it needs.
TERMS: dict[str, dict[str, Any]] = {
    "limited": {"single": Fen(100_00)},
    "conditional": {"payees": (AUTHORITY,)},
    "pushed": {"platform": "某平台"},
    "collection": {},
    "distribution": {},
}
PERSONAL = ("limited", "conditional", "pushed")


def below(s: Sandbox, parent: Either, purpose: str, **wishes: Any) -> SubWallet:
    return s.wallets.open_sub(parent=parent.wallet_id, purpose=purpose, **{**TERMS[purpose], **wishes})


def parent_for(s: Sandbox, purpose: str, fund: int = 10_000_00) -> Wallet:
    return (personal if purpose in PERSONAL else corporate)(s, fund=Fen(fund))


def send(s: Sandbox, source: Either, target: Either, amount: int, key: str | None = None) -> Any:
    return s.wallets.transfer(
        from_wallet=source.wallet_id, to_wallet=target.wallet_id, amount=Fen(amount), idempotency_key=key
    )


# --- opening --------------------------------------------------------------------------------------


@pytest.mark.parametrize("purpose", TERMS)
def test_a_sub_wallet_is_a_wallet_of_its_own_with_holder_class_and_operator_of_its_parent(
    sandbox: Sandbox, purpose: str
) -> None:
    parent = parent_for(sandbox, purpose)
    sub = below(sandbox, parent, purpose, fund=Fen(300))
    wallet = sandbox.wallets.show(wallet_id=sub.wallet_id)
    assert wallet.wallet_id[:4] == parent.wallet_id[:4]
    assert wallet.wallet_id != parent.wallet_id
    assert wallet.account_id != parent.account_id
    shared = ("kind", "wallet_class", "operator", "identity_id", "subject_id")
    assert [getattr(wallet, name) for name in shared] == [getattr(parent, name) for name in shared]
    assert (wallet.parent, wallet.purpose) == (sub.parent, sub.purpose) == (parent.wallet_id, purpose)
    assert (wallet.balance, sub.balance, balance(sandbox, parent)) == (300, 300, 10_000_00 - 300)
    assert sandbox.wallets.list(parent=parent.wallet_id) == (wallet,)
    keys = sandbox.wallets.published_keys()
    assert keys.get(f"wallet:{wallet.wallet_id}") != keys[f"wallet:{parent.wallet_id}"]
    assert (f"wallet:{wallet.wallet_id}" in keys) == (purpose != "pushed")  # which nobody need know of


def test_the_terms_are_kept_as_they_were_given(sandbox: Sandbox) -> None:
    parent, shop = personal(sandbox), corporate(sandbox)
    sub = below(
        sandbox, parent, "conditional", payees=(shop.wallet_id, AUTHORITY, shop.wallet_id),
        until=date(2023, 5, 1), single=Fen(5), day=Fen(7),
    )  # fmt: skip
    terms = sandbox.wallets.terms(wallet_id=sub.wallet_id)
    assert set(terms.payees) == {shop.wallet_id, AUTHORITY}
    assert (terms.until, terms.single, terms.day, terms.platform) == (date(2023, 5, 1), 5, 7, None)
    assert sandbox.wallets.terms(wallet_id=parent.wallet_id).payees == ()


@pytest.mark.parametrize(
    ("code", "purpose", "wishes"),
    [
        ("sub_wallet_purpose_unknown", "secret", {}),
        ("sub_wallet_purpose_unknown", "LIMITED", {}),
        ("sub_wallet_term_missing", "limited", {}),
        ("sub_wallet_term_missing", "conditional", {}),
        ("sub_wallet_term_missing", "conditional", {"until": date(2023, 5, 1)}),
        ("sub_wallet_term_missing", "pushed", {"single": Fen(1)}),
        ("sub_wallet_term_not_applicable", "limited", {"single": Fen(1), "payees": (AUTHORITY,)}),
        ("sub_wallet_term_not_applicable", "limited", {"single": Fen(1), "until": date(2023, 5, 1)}),
        ("sub_wallet_term_not_applicable", "limited", {"single": Fen(1), "platform": "P"}),
        ("sub_wallet_term_not_applicable", "pushed", {"platform": "P", "payees": (AUTHORITY,)}),
        ("sub_wallet_term_not_applicable", "collection", {"single": Fen(1)}),
        ("sub_wallet_term_not_applicable", "distribution", {"day": Fen(1)}),
        ("sub_wallet_purpose_not_for", "collection", {}),
        ("sub_wallet_purpose_not_for", "distribution", {}),
        ("sub_wallet_limit_above_class", "limited", {"single": Fen(50_000_01)}),
        ("sub_wallet_limit_above_class", "limited", {"day": Fen(100_000_01)}),
        ("sub_wallet_until_past", "conditional", {"payees": (AUTHORITY,), "until": date(2023, 4, 19)}),
        ("wallet_not_found", "conditional", {"payees": ("0021000000000005",)}),
        ("wallet_id_malformed", "conditional", {"payees": ("somebody",)}),
        ("tax_authority_not_found", "conditional", {"payees": ("14407849999",)}),
        ("too_many_payees", "conditional", {"payees": tuple(map(str, range(MAX_PAYEES + 1)))}),
        ("platform_malformed", "pushed", {"platform": " "}),
        ("platform_malformed", "pushed", {"platform": "P" * 101}),
        ("platform_malformed", "pushed", {"platform": "a\nb"}),
        ("platform_malformed", "pushed", {"platform": "\udcff"}),
        ("amount_not_positive", "limited", {"single": Fen(0)}),
        ("amount_not_positive", "limited", {"day": Fen(-1)}),
        ("amount_malformed", "limited", {"single": 1.5}),
        ("amount_not_positive", "pushed", {"platform": "P", "fund": Fen(0)}),
        ("insufficient_funds", "pushed", {"platform": "P", "fund": Fen(10_000_01)}),
        ("idempotency_key_malformed", "pushed", {"platform": "P", "idempotency_key": ""}),
    ],
)
def test_a_wish_that_does_not_fit_is_refused(
    sandbox: Sandbox, code: str, purpose: str, wishes: dict[str, Any]
) -> None:
    parent = personal(sandbox, fund=Fen(10_000_00))
    with refused(sandbox, code):
        sandbox.wallets.open_sub(parent=parent.wallet_id, purpose=purpose, **wishes)


@pytest.mark.parametrize("purpose", PERSONAL)
def test_a_company_has_no_personal_sub_wallets(sandbox: Sandbox, purpose: str) -> None:
    company = corporate(sandbox)
    with refused(sandbox, "sub_wallet_purpose_not_for", kind="corporate"):
        below(sandbox, company, purpose)


def test_only_named_open_wallets_of_their_own_have_sub_wallets(sandbox: Sandbox) -> None:
    anonymous, parent = nameless(sandbox), personal(sandbox)
    with refused(sandbox, "wallet_without_name"):
        below(sandbox, anonymous, "limited")
    sub = below(sandbox, parent, "limited")
    with refused(sandbox, "sub_wallet_cannot_do_this", wallet_id=sub.wallet_id):
        below(sandbox, sub, "limited")
    for hold, lift, code in (
        ("stop", "resume", "wallet_stopped"),
        ("freeze", "unfreeze", "wallet_frozen"),
    ):
        support.hold(sandbox, hold, parent.wallet_id)
        with refused(sandbox, code):
            below(sandbox, parent, "limited")
        support.hold(sandbox, lift, parent.wallet_id)
    sandbox.wallets.close(wallet_id=sub.wallet_id)
    sandbox.wallets.close(wallet_id=parent.wallet_id)
    with refused(sandbox, "wallet_closed"):
        below(sandbox, parent, "limited")


def test_a_parent_has_at_most_a_thousand_open_sub_wallets_and_sweeps_them_at_once(sandbox: Sandbox) -> None:
    company = corporate(sandbox, fund=Fen(MAX_SUB_WALLETS))
    tills = [below(sandbox, company, "collection", fund=Fen(1)) for _ in range(MAX_SUB_WALLETS)]
    with refused(sandbox, "too_many_sub_wallets", most=MAX_SUB_WALLETS):
        below(sandbox, company, "distribution")
    assert sandbox.wallets.collect(parent=company.wallet_id).balance == MAX_SUB_WALLETS
    sandbox.wallets.close(wallet_id=tills[0].wallet_id)
    below(sandbox, company, "collection")


def test_one_real_name_wallet_per_person_and_operator_whatever_sub_wallets_there_are(
    sandbox: Sandbox,
) -> None:
    parent = personal(sandbox)
    for purpose in PERSONAL:
        below(sandbox, parent, purpose)
    with refused(sandbox, "real_name_wallet_exists"):
        personal(sandbox)
    for sub in sandbox.wallets.list(parent=parent.wallet_id):
        sandbox.wallets.close(wallet_id=sub.wallet_id)
    sandbox.wallets.close(wallet_id=parent.wallet_id)
    assert personal(sandbox).status == "active"


# --- between parent and sub-wallet ----------------------------------------------------------------


@pytest.mark.parametrize("purpose", TERMS)
def test_i6_money_moves_both_ways_between_parent_and_sub_wallet_free_of_charge(
    sandbox: Sandbox, purpose: str
) -> None:
    parent = parent_for(sandbox, purpose)
    sub = below(sandbox, parent, purpose)
    there, back = send(sandbox, parent, sub, 70_00), send(sandbox, sub, parent, 30_00)
    assert (there.fee, back.fee, there.balance_after, back.balance_after) == (0, 0, 9_930_00, 40_00)
    for wallet, amounts in ((parent, [-70_00, 30_00]), (sub, [70_00, -30_00])):
        lines = sandbox.wallets.statement(wallet_id=wallet.wallet_id).lines
        moved = [(line.kind, line.amount) for line in lines if line.kind != "top_up"]
        assert moved == [("sub_wallet", amount) for amount in amounts]
    assert sandbox.status().in_circulation == 10_000_00


def test_i11_moves_between_parent_and_sub_wallet_count_to_no_limit(sandbox: Sandbox) -> None:
    parent, other = personal(sandbox, fund=Fen(500_000_00)), corporate(sandbox)
    sub = below(sandbox, parent, "limited", single=Fen(50_000_00))
    send(sandbox, parent, sub, 500_000_00)
    send(sandbox, sub, parent, 400_000_00)
    assert dump(sandbox)["wallet_spending"] == []
    send(sandbox, parent, other, 50_000_00)
    send(sandbox, sub, other, 50_000_00)


def test_a_move_needs_money_and_open_wallets(sandbox: Sandbox) -> None:
    parent = personal(sandbox, fund=Fen(100))
    sub = below(sandbox, parent, "limited", fund=Fen(60))
    with refused(sandbox, "sub_wallet_underfunded", balance="0.60", amount="0.61"):
        send(sandbox, sub, parent, 61)
    with refused(sandbox, "insufficient_funds"):
        send(sandbox, parent, sub, 41)
    send(sandbox, sub, parent, 60)
    sandbox.wallets.close(wallet_id=sub.wallet_id)
    with refused(sandbox, "wallet_closed"):
        send(sandbox, parent, sub, 1)


# --- limits and caps ------------------------------------------------------------------------------


def test_i11_own_limits_hold_to_the_fen_and_the_day_ends_at_beijing_midnight(
    sandbox: Sandbox, clock: FixedClock
) -> None:
    parent, shop = personal(sandbox, fund=Fen(1_000_00)), corporate(sandbox)
    sub = below(sandbox, parent, "limited", single=Fen(10_00), day=Fen(25_00), fund=Fen(1_000_00))
    clock.at = parse_time("2023-04-20T23:59:59.999999")
    with refused(sandbox, "sub_wallet_limit_exceeded", limit="single", total="10.01", allowed="10.00"):
        send(sandbox, sub, shop, 10_01)
    send(sandbox, sub, shop, 10_00)
    sandbox.payments.pay(bill_no=owe(sandbox, parent, 10_00).bill_no, wallet_id=sub.wallet_id)
    with refused(sandbox, "sub_wallet_limit_exceeded", limit="day", total="25.01"):
        send(sandbox, sub, shop, 5_01)
    send(sandbox, sub, shop, 5_00)
    with refused(sandbox, "sub_wallet_limit_exceeded", limit="day"):
        send(sandbox, sub, shop, 1)
    clock.advance(timedelta(microseconds=1))
    send(sandbox, sub, shop, 10_00)


def test_i11_what_sub_wallets_spend_counts_towards_their_parents_limits(sandbox: Sandbox) -> None:
    parent = personal(sandbox, wallet_class="III", fund=Fen(20_000_00))
    shop, wide = corporate(sandbox), {"single": Fen(5_000_00), "day": Fen(10_000_00)}
    subs = [below(sandbox, parent, "limited", **wide, fund=Fen(5_000_00)) for _ in range(3)]
    with refused(sandbox, "sub_wallet_limit_exceeded", limit="single"):
        send(sandbox, subs[0], shop, 5_000_01)
    send(sandbox, subs[0], shop, 4_999_00)
    send(sandbox, parent, shop, 4_999_00)
    with refused(sandbox, "wallet_limit_exceeded", limit="day", wallet_id=parent.wallet_id):
        send(sandbox, subs[1], shop, 2_01)
    send(sandbox, subs[1], shop, 2_00)
    for source in (subs[1], subs[2], parent):
        with refused(sandbox, "wallet_limit_exceeded", limit="day"):
            send(sandbox, source, shop, 1)


def test_i11_a_sub_wallet_without_limits_of_its_own_has_those_of_the_class(sandbox: Sandbox) -> None:
    parent, shop = personal(sandbox, wallet_class="III", fund=Fen(20_000_00)), corporate(sandbox)
    sub = below(sandbox, parent, "conditional", payees=(shop.wallet_id,), fund=Fen(10_000_00))
    with refused(sandbox, "wallet_limit_exceeded", limit="single"):
        send(sandbox, sub, shop, 5_000_01)
    send(sandbox, sub, shop, 5_000_00)


def test_i11_the_balance_cap_holds_for_parent_and_sub_wallets_together(sandbox: Sandbox) -> None:
    parent, rich = personal(sandbox, wallet_class="III", fund=Fen(20_000_00)), corporate(sandbox, fund=Fen(9))
    sub = below(sandbox, parent, "limited", fund=Fen(19_000_00))
    with refused(sandbox, "wallet_limit_exceeded", limit="balance", total="20000.01"):
        sandbox.wallets.top_up(wallet_id=parent.wallet_id, amount=Fen(1))
    with refused(sandbox, "payee_limit_exceeded"):
        send(sandbox, rich, parent, 1)
    send(sandbox, sub, rich, 1)
    send(sandbox, rich, parent, 1)
    send(sandbox, sub, parent, 18_000_00)
    with refused(sandbox, "wallet_limit_exceeded", limit="balance"):
        sandbox.wallets.top_up(wallet_id=parent.wallet_id, amount=Fen(1))


# --- conditional ----------------------------------------------------------------------------------


def test_a_conditional_sub_wallet_pays_the_payees_it_names_and_nobody_else(sandbox: Sandbox) -> None:
    parent, shop, other = personal(sandbox), corporate(sandbox), corporate(sandbox, 2)
    sandbox.wallets.top_up(wallet_id=parent.wallet_id, amount=Fen(100_00))
    sub = below(sandbox, parent, "conditional", payees=(shop.wallet_id,), fund=Fen(50_00))
    taxes = below(sandbox, parent, "conditional", payees=(AUTHORITY,), fund=Fen(50_00))
    bill = owe(sandbox, other, 7_00).bill_no
    send(sandbox, sub, shop, 1_00)
    with refused(sandbox, "sub_wallet_payee_not_named", payee=other.wallet_id):
        send(sandbox, sub, other, 1_00)
    with refused(sandbox, "sub_wallet_payee_not_named", payee=AUTHORITY):
        sandbox.payments.pay(bill_no=bill, wallet_id=sub.wallet_id)
    with refused(sandbox, "sub_wallet_payee_not_named", payee=shop.wallet_id):
        send(sandbox, taxes, shop, 1_00)
    paid = sandbox.payments.pay(bill_no=bill, wallet_id=taxes.wallet_id)
    assert (paid.mode, paid.wallet_id, paid.balance_after) == ("scan_to_pay", taxes.wallet_id, 43_00)
    assert sandbox.payments.check_authorisations().ok


def test_a_conditional_sub_wallet_pays_until_its_last_day_and_then_only_its_parent(
    sandbox: Sandbox, clock: FixedClock
) -> None:
    parent, shop = personal(sandbox, fund=Fen(100_00)), corporate(sandbox)
    wishes = {"payees": (shop.wallet_id,), "until": date(2023, 4, 22), "fund": Fen(50_00)}
    sub = below(sandbox, parent, "conditional", **wishes)
    clock.at = parse_time("2023-04-22T23:59:59.999999")
    send(sandbox, sub, shop, 1_00)
    clock.advance(timedelta(microseconds=1))
    with refused(sandbox, "sub_wallet_expired", until=date(2023, 4, 22)):
        send(sandbox, sub, shop, 1_00)
    send(sandbox, sub, parent, 49_00)


# --- collection and distribution ------------------------------------------------------------------


def test_a_collection_sub_wallet_is_credited_by_anybody_and_pays_its_parent_alone(sandbox: Sandbox) -> None:
    company, payer = corporate(sandbox), personal(sandbox, fund=Fen(100_00))
    till, other = below(sandbox, company, "collection"), below(sandbox, company, "distribution")
    send(sandbox, payer, till, 60_00)
    for target in (payer, other):
        with refused(sandbox, "collection_pays_parent_only", wallet_id=till.wallet_id):
            send(sandbox, till, target, 1)
    bill = owe(sandbox, company, 1_00).bill_no
    with refused(sandbox, "collection_pays_parent_only"):
        sandbox.payments.pay(bill_no=bill, wallet_id=till.wallet_id)
    send(sandbox, till, company, 60_00)
    assert balance(sandbox, company) == 60_00


def test_collecting_sweeps_every_collection_sub_wallet_in_one_linked_batch(sandbox: Sandbox) -> None:
    company, payer = corporate(sandbox, fund=Fen(5)), personal(sandbox, fund=Fen(100_00))
    tills = [below(sandbox, company, "collection") for _ in range(4)]
    wages = below(sandbox, company, "distribution", fund=Fen(5))
    for place, till in enumerate(tills[:3], start=1):
        send(sandbox, payer, till, place * 10_00)
    support.hold(sandbox, "freeze", tills[2].wallet_id)
    before = len(dump(sandbox)["transfer"])
    done = sandbox.wallets.collect(parent=company.wallet_id)
    assert (done.amount, done.fee, done.balance) == (30_00, 0, 30_00)
    assert [(move.wallet_id, move.amount) for move in done.moves] == [
        (tills[0].wallet_id, 10_00),
        (tills[1].wallet_id, 20_00),
    ]
    assert done.held_back == (tills[2].wallet_id,)
    assert [balance(sandbox, till) for till in tills] == [0, 0, 30_00, 0]
    assert (balance(sandbox, wages), balance(sandbox, company)) == (5, 30_00)
    moved = dump(sandbox)["transfer"][before:]
    assert [(row[1].hex(), row[7]) for row in moved] == [
        (done.moves[0].transfer_id, 1),  # linked with the next
        (done.moves[1].transfer_id, 0),
    ]
    again = sandbox.wallets.collect(parent=company.wallet_id)
    assert (again.amount, again.moves, again.held_back) == (0, (), done.held_back)


def test_collecting_needs_a_collection_sub_wallet_and_a_parent_that_may_spend(sandbox: Sandbox) -> None:
    company = corporate(sandbox)
    below(sandbox, company, "distribution")
    with refused(sandbox, "no_collection_sub_wallet"):
        sandbox.wallets.collect(parent=company.wallet_id)
    till = below(sandbox, company, "collection")
    with refused(sandbox, "no_collection_sub_wallet"):
        sandbox.wallets.collect(parent=till.wallet_id)
    support.hold(sandbox, "stop", company.wallet_id)
    with refused(sandbox, "wallet_stopped", wallet_id=company.wallet_id):
        sandbox.wallets.collect(parent=company.wallet_id)


def test_a_distribution_sub_wallet_is_credited_by_its_parent_alone_and_pays_anybody(sandbox: Sandbox) -> None:
    company, other = corporate(sandbox, fund=Fen(100_00)), corporate(sandbox, 2, fund=Fen(100_00))
    wages, theirs = below(sandbox, company, "distribution"), below(sandbox, other, "distribution")
    for source in (other, theirs):
        if source is theirs:
            send(sandbox, other, theirs, 5_00)
        with refused(sandbox, "sub_wallet_filled_by_parent_only", wallet_id=wages.wallet_id):
            send(sandbox, source, wages, 1_00)
    send(sandbox, company, wages, 50_00)
    send(sandbox, wages, personal(sandbox), 20_00)
    paid = sandbox.payments.pay(bill_no=owe(sandbox, company, 30_00).bill_no, wallet_id=wages.wallet_id)
    assert (paid.mode, paid.balance_after) == ("scan_to_pay", 0)


def test_distributing_reaches_all_or_none(sandbox: Sandbox) -> None:
    company = corporate(sandbox, fund=Fen(100_00))
    subs = [below(sandbox, company, "distribution") for _ in range(3)]
    till, stranger = below(sandbox, company, "collection"), corporate(sandbox, 2)
    theirs = below(sandbox, stranger, "distribution")
    names = [sub.wallet_id for sub in subs]

    def distribute(to: dict[str, int]) -> Any:
        wishes = {name: Fen(amount) for name, amount in to.items()}
        return sandbox.wallets.distribute(parent=company.wallet_id, to=wishes)

    done = distribute({names[0]: 10_00, names[1]: 20_00})
    assert (done.amount, done.fee, done.balance) == (30_00, 0, 70_00)
    assert [balance(sandbox, sub) for sub in subs] == [10_00, 20_00, 0]
    for wrong in (till, theirs, stranger, company):
        with refused(sandbox, "not_a_distribution_sub_wallet", wallet_id=wrong.wallet_id):
            distribute({names[0]: 1, wrong.wallet_id: 1})
    with refused(sandbox, "insufficient_funds", amount="70.01"):
        distribute({names[0]: 70_00, names[2]: 1})
    with refused(sandbox, "wallet_not_found"):
        distribute({names[0]: 1, "0021000000000005": 1})
    with refused(sandbox, "amount_not_positive"):
        distribute({names[0]: 1, names[1]: 0})
    with refused(sandbox, "distribution_empty"):
        distribute({})
    sandbox.wallets.close(wallet_id=names[2])
    with refused(sandbox, "wallet_closed"):
        distribute({names[0]: 1, names[2]: 1})
    support.hold(sandbox, "freeze", company.wallet_id)
    with refused(sandbox, "wallet_frozen", wallet_id=company.wallet_id):
        distribute({names[0]: 1})


# --- what only the parent does --------------------------------------------------------------------


@pytest.mark.parametrize("purpose", TERMS)
def test_exchange_agreements_refunds_devices_and_upgrades_stay_with_the_parent(
    sandbox: Sandbox, tmp_path: Path, purpose: str
) -> None:
    parent = parent_for(sandbox, purpose)
    sub = below(sandbox, parent, purpose, fund=Fen(50_00))
    w = sub.wallet_id
    wishes: list[Callable[[], object]] = [
        lambda: sandbox.wallets.top_up(wallet_id=w, amount=Fen(1)),
        lambda: sandbox.wallets.cash_out(wallet_id=w, amount=Fen(1)),
        lambda: sandbox.wallets.upgrade(wallet_id=w, wallet_class="I"),
        lambda: sandbox.agreements.sign(wallet_id=w),
        lambda: sandbox.refunds.apply_for_income_tax(wallet_id=w, annual_return=refund_of(1_00)),
    ]
    for wish in wishes:
        with refused(sandbox, "sub_wallet_cannot_do_this", wallet_id=w):
            wish()
    with (
        closing(Device.create(tmp_path / "d.dev", passphrase="口令")) as device,
        refused(sandbox, "sub_wallet_cannot_do_this"),
    ):
        sandbox.offline.enroll(device=device, wallet_id=w)


def test_a_verified_agreement_debits_the_parent_and_a_sub_wallet_pays_by_scan(sandbox: Sandbox) -> None:
    company = corporate(sandbox, fund=Fen(100_00))
    wages = below(sandbox, company, "distribution", fund=Fen(50_00))
    sandbox.agreements.sign(wallet_id=company.wallet_id)
    debit = sandbox.payments.pay(bill_no=owe(sandbox, company, 1_00).bill_no)
    scan = sandbox.payments.pay(bill_no=owe(sandbox, company, 2_00).bill_no, wallet_id=wages.wallet_id)
    assert (debit.mode, debit.wallet_id) == ("real_time_debit", company.wallet_id)
    assert (scan.mode, scan.wallet_id) == ("scan_to_pay", wages.wallet_id)
    declared = sandbox.payments.pay_stamp_duty(
        wallet_id=wages.wallet_id, item="sale_contract", base=Fen(10_000_00)
    )
    assert (declared.mode, declared.wallet_id) == ("scan_to_pay", wages.wallet_id)


@pytest.mark.parametrize("closed", [False, True])
def test_what_a_sub_wallet_paid_is_refunded_to_its_parent(sandbox: Sandbox, closed: bool) -> None:
    parent = personal(sandbox, fund=Fen(100_00))
    sub = below(sandbox, parent, "limited", fund=Fen(40_00))
    paid = sandbox.payments.pay(bill_no=owe(sandbox, parent, 40_00).bill_no, wallet_id=sub.wallet_id)
    if closed:
        sandbox.wallets.close(wallet_id=sub.wallet_id)
    refund = sandbox.refunds.apply_for_payment(payment_no=paid.payment_no, amount=Fen(15_00))
    assert (refund.status, refund.wallet_id) == ("completed", parent.wallet_id)
    assert (balance(sandbox, parent), balance(sandbox, sub)) == (75_00, 0)


def test_a_failed_refund_is_not_resubmitted_to_a_sub_wallet(sandbox: Sandbox) -> None:
    parent = personal(sandbox, wallet_class="III", fund=Fen(20_000_00))
    sub = below(sandbox, parent, "limited")
    refund = sandbox.refunds.apply_for_income_tax(wallet_id=parent.wallet_id, annual_return=refund_of(1_00))
    assert refund.status == "treasury_failed"
    with refused(sandbox, "sub_wallet_cannot_do_this", wallet_id=sub.wallet_id):
        sandbox.refunds.resubmit(refund_no=refund.refund_no, wallet_id=sub.wallet_id)


def test_an_upgrade_of_the_parent_carries_its_sub_wallets_along(sandbox: Sandbox) -> None:
    parent, shop = personal(sandbox, wallet_class="III", fund=Fen(20_000_00)), corporate(sandbox)
    sub = below(sandbox, parent, "conditional", payees=(shop.wallet_id,), fund=Fen(20_000_00))
    with refused(sandbox, "wallet_limit_exceeded", limit="single"):
        send(sandbox, sub, shop, 6_000_00)
    sandbox.wallets.upgrade(wallet_id=parent.wallet_id, wallet_class="II")
    assert sandbox.wallets.show(wallet_id=sub.wallet_id).wallet_class == "II"
    send(sandbox, sub, shop, 6_000_00)


def test_a_nameless_wallet_that_was_given_a_name_may_have_sub_wallets(sandbox: Sandbox) -> None:
    wallet = nameless(sandbox)
    sandbox.wallets.upgrade(
        wallet_id=wallet.wallet_id, wallet_class="III", name=person_name(), id_number=person_id()
    )
    assert below(sandbox, wallet, "limited").wallet_class == "III"


# --- stop, freeze, close --------------------------------------------------------------------------


@pytest.mark.parametrize(("hold", "lift", "status"), [
    ("stop", "resume", "stopped"), ("freeze", "unfreeze", "frozen"),
])  # fmt: skip
def test_a_stop_or_freeze_of_the_parent_holds_its_sub_wallets_and_lets_incoming_arrive(
    sandbox: Sandbox, hold: str, lift: str, status: str
) -> None:
    company, payer = corporate(sandbox, fund=Fen(100_00)), personal(sandbox, fund=Fen(100_00))
    till, wages = below(sandbox, company, "collection"), below(sandbox, company, "distribution")
    send(sandbox, company, wages, 50_00)
    support.hold(sandbox, hold, company.wallet_id)
    for sub in (till, wages):
        assert sandbox.wallets.show(wallet_id=sub.wallet_id).status == status
    send(sandbox, payer, till, 5_00)
    for source, target in ((wages, payer), (wages, company), (till, company), (company, wages)):
        with refused(sandbox, f"wallet_{status}"):
            send(sandbox, source, target, 1)
    bill = owe(sandbox, payer, 1).bill_no
    with refused(sandbox, f"wallet_{status}", wallet_id=company.wallet_id):
        sandbox.payments.pay(bill_no=bill, wallet_id=wages.wallet_id)
    support.hold(sandbox, lift, company.wallet_id)
    send(sandbox, wages, payer, 1)
    support.hold(sandbox, hold, wages.wallet_id)
    assert sandbox.wallets.show(wallet_id=company.wallet_id).status == "active"
    with refused(sandbox, f"wallet_{status}", wallet_id=wages.wallet_id):
        send(sandbox, wages, payer, 1)
    send(sandbox, company, wages, 1)


def test_a_sub_wallet_is_closed_empty_and_a_parent_after_its_sub_wallets(sandbox: Sandbox) -> None:
    parent = personal(sandbox, fund=Fen(1_00))
    sub = below(sandbox, parent, "limited", fund=Fen(1_00))
    with refused(sandbox, "wallet_not_empty"):
        sandbox.wallets.close(wallet_id=sub.wallet_id)
    with refused(sandbox, "wallet_has_sub_wallets", count=1):
        sandbox.wallets.close(wallet_id=parent.wallet_id)
    send(sandbox, sub, parent, 1_00)
    sandbox.wallets.close(wallet_id=sub.wallet_id)
    sandbox.wallets.cash_out(wallet_id=parent.wallet_id, amount=Fen(1_00))
    assert sandbox.wallets.close(wallet_id=parent.wallet_id).status == "closed"
    assert sandbox.wallets.show(wallet_id=sub.wallet_id).status == "closed"


# --- idempotency ----------------------------------------------------------------------------------


def test_i5_a_repeated_request_is_answered_from_the_first_run(sandbox: Sandbox) -> None:
    company, person = corporate(sandbox, fund=Fen(100_00)), personal(sandbox, fund=Fen(100_00))
    till, wages = below(sandbox, company, "collection"), below(sandbox, company, "distribution")
    pushed = below(sandbox, person, "pushed", fund=Fen(50_00))
    send(sandbox, person, till, 10_00)
    token, w = pushed.token or "", sandbox.wallets
    asked: list[Callable[[], object]] = [
        lambda: below(sandbox, person, "pushed", fund=Fen(1_00), idempotency_key="k"),
        lambda: w.collect(parent=company.wallet_id, idempotency_key="k"),
        lambda: w.distribute(parent=company.wallet_id, to={wages.wallet_id: Fen(5)}, idempotency_key="k"),
        lambda: w.charge(token=token, payee=company.wallet_id, amount=Fen(7), idempotency_key="k"),
        lambda: send(sandbox, person, pushed, 3, "k"),
    ]
    for ask in asked:
        first = ask()
        before = dump(sandbox)
        assert ask() == first
        assert dump(sandbox) == before
    with refused(sandbox, "idempotency_conflict"):
        w.charge(token=token, payee=company.wallet_id, amount=Fen(8), idempotency_key="k")
    with refused(sandbox, "idempotency_conflict"):
        w.distribute(parent=company.wallet_id, to={wages.wallet_id: Fen(6)}, idempotency_key="k")
    with refused(sandbox, "idempotency_conflict"):
        below(sandbox, person, "pushed", fund=Fen(2_00), idempotency_key="k")
