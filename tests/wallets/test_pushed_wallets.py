"""Sub-wallets pushed to platforms (子钱包推送): what a platform does with its token, what it never sees."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from ecny_tax import EcnyTaxError, Fen, FixedClock, RejectedError, Sandbox
from ecny_tax.documents import document
from ecny_tax.wallets.model import Wallet
from ecny_tax.wallets.sub_model import SubWallet
from tests import support
from tests.support import (
    balance,
    corporate,
    dump,
    owe,
    person_id,
    person_name,
    personal,
    phone_number,
    refused,
)


def push(s: Sandbox, parent: Wallet, platform: str = "某平台", **wishes: Fen) -> SubWallet:
    return s.wallets.open_sub(parent=parent.wallet_id, purpose="pushed", platform=platform, **wishes)


def charge(s: Sandbox, sub: SubWallet, payee: Wallet, amount: int) -> object:
    return s.wallets.charge(token=sub.token or "", payee=payee.wallet_id, amount=Fen(amount))


def test_a_platform_charges_within_the_limits_of_the_sub_wallet(sandbox: Sandbox, clock: FixedClock) -> None:
    parent, shop = personal(sandbox, fund=Fen(100_00)), corporate(sandbox)
    sub = push(sandbox, parent, single=Fen(10_00), day=Fen(15_00), fund=Fen(40_00))
    done = sandbox.wallets.charge(token=sub.token or "", payee=shop.wallet_id, amount=Fen(10_00))
    assert (done.amount, done.fee, done.payee, done.token) == (10_00, 0, shop.wallet_id, sub.token)
    for amount in (10_01, 5_01):
        with refused(sandbox, "charge_declined"):
            charge(sandbox, sub, shop, amount)
    charge(sandbox, sub, shop, 5_00)
    view = sandbox.wallets.pushed(token=sub.token or "")
    assert (view.charged, view.charged_today, view.single, view.day) == (15_00, 15_00, 10_00, 15_00)
    clock.advance(timedelta(days=1))
    charge(sandbox, sub, shop, 1_00)
    view = sandbox.wallets.pushed(token=sub.token or "")
    assert (view.charged, view.charged_today) == (16_00, 1_00)
    assert (balance(sandbox, sub), balance(sandbox, shop)) == (24_00, 16_00)  # type: ignore[arg-type]


def test_i11_charges_count_towards_the_limits_of_the_parent(sandbox: Sandbox) -> None:
    parent, shop = personal(sandbox, wallet_class="III", fund=Fen(20_000_00)), corporate(sandbox)
    subs = [push(sandbox, parent, name, fund=Fen(5_000_00)) for name in ("A", "B", "C")]
    charge(sandbox, subs[0], shop, 5_000_00)
    charge(sandbox, subs[1], shop, 5_000_00)
    with refused(sandbox, "charge_declined"):
        charge(sandbox, subs[2], shop, 1)
    with refused(sandbox, "wallet_limit_exceeded", limit="day"):
        sandbox.wallets.transfer(from_wallet=parent.wallet_id, to_wallet=shop.wallet_id, amount=Fen(1))


def test_a_charge_in_favour_of_the_parent_is_answered_like_any_other(sandbox: Sandbox) -> None:
    """A platform that tries every wallet learns nothing: the parent answers as a stranger does."""
    parent, other, stranger = (personal(sandbox, number, fund=Fen(100_00)) for number in (1, 2, 3))
    subs = [push(sandbox, holder, single=Fen(10_00), fund=Fen(20_00)) for holder in (parent, other)]

    def answered(sub: SubWallet, payee: Wallet, amount: int) -> str:
        try:
            told = document(charge(sandbox, sub, payee, amount))
        except EcnyTaxError as refusal:
            return f"{refusal.code} {sorted(refusal.values)}"
        return f"{sorted(told)} {told['amount']}"

    def alike(amount: int) -> bool:
        return answered(subs[0], parent, amount) == answered(subs[1], stranger, amount)

    assert all(alike(amount) for amount in (1, 10_00, 10_01, 10_00, 9_98, 1, 10_000_000_00))
    for hold in ("stop", "freeze"):
        for wallet in (other, parent):
            support.hold(sandbox, hold, wallet.wallet_id)
        assert alike(1)
    assert sandbox.ledger.verify().ok


def test_whatever_keeps_the_payer_from_paying_the_platform_hears_the_same(sandbox: Sandbox) -> None:
    parent, shop = personal(sandbox, fund=Fen(100_00)), corporate(sandbox)
    sub, other = push(sandbox, parent, single=Fen(10_00), fund=Fen(20_00)), push(sandbox, parent, "另一平台")

    @contextmanager
    def declined() -> Iterator[None]:
        with pytest.raises(RejectedError) as caught:
            yield
        assert (caught.value.code, caught.value.values) == ("charge_declined", {})
        assert caught.value.__cause__ is None

    with declined():
        charge(sandbox, other, shop, 1)  # empty
    with declined():
        charge(sandbox, sub, shop, 10_01)  # over its limit
    for hold, lift in (("stop", "resume"), ("freeze", "unfreeze")):
        for wallet in (sub.wallet_id, parent.wallet_id):
            support.hold(sandbox, hold, wallet)
            with declined():
                charge(sandbox, sub, shop, 1)
            assert sandbox.wallets.pushed(token=sub.token or "").status == "active"
            support.hold(sandbox, lift, wallet)
    sandbox.wallets.transfer(from_wallet=sub.wallet_id, to_wallet=parent.wallet_id, amount=Fen(20_00))
    sandbox.wallets.close(wallet_id=sub.wallet_id)
    with declined():
        charge(sandbox, sub, shop, 1)
    assert sandbox.wallets.pushed(token=sub.token or "").status == "closed"


def test_what_keeps_the_payee_from_receiving_is_said(sandbox: Sandbox) -> None:
    parent, shop, full = personal(sandbox, fund=Fen(100_00)), corporate(sandbox), personal(sandbox, 2)
    sandbox.wallets.close(wallet_id=shop.wallet_id)
    sandbox.wallets.top_up(wallet_id=full.wallet_id, amount=Fen(500_000_00))
    sub = push(sandbox, parent, fund=Fen(20_00))
    with refused(sandbox, "wallet_closed", wallet_id=shop.wallet_id):
        charge(sandbox, sub, shop, 1)
    with refused(sandbox, "payee_limit_exceeded", wallet_id=full.wallet_id):
        charge(sandbox, sub, full, 1)
    with refused(sandbox, "wallet_not_found"):
        sandbox.wallets.charge(token=sub.token or "", payee="0021000000000005", amount=Fen(1))
    with refused(sandbox, "amount_not_positive"):
        charge(sandbox, sub, shop, 0)


def test_a_pushed_sub_wallet_pays_by_its_token_alone(sandbox: Sandbox) -> None:
    parent, shop = personal(sandbox, fund=Fen(100_00)), corporate(sandbox)
    sub, bill = push(sandbox, parent, fund=Fen(50_00)), owe(sandbox, parent, 1_00).bill_no
    with refused(sandbox, "pushed_pays_by_token_only"):
        sandbox.wallets.transfer(from_wallet=sub.wallet_id, to_wallet=shop.wallet_id, amount=Fen(1))
    with refused(sandbox, "pushed_pays_by_token_only"):
        sandbox.payments.pay(bill_no=bill, wallet_id=sub.wallet_id)
    sandbox.wallets.transfer(from_wallet=sub.wallet_id, to_wallet=parent.wallet_id, amount=Fen(50_00))


@pytest.mark.parametrize(
    "token", ["", "pt_", "pt_" + "a" * 32, "令牌", "\udcff", "pt_" + "a" * 10_000, "a\0b"]
)
def test_a_token_that_is_none_is_refused_without_being_repeated(sandbox: Sandbox, token: str) -> None:
    shop = corporate(sandbox)
    push(sandbox, personal(sandbox, fund=Fen(100)), fund=Fen(50))
    for ask in (
        lambda: sandbox.wallets.pushed(token=token),
        lambda: sandbox.wallets.charge(token=token, payee=shop.wallet_id, amount=Fen(1)),
    ):
        with refused(sandbox, "platform_token_unknown"):
            ask()


def test_tokens_differ_for_each_platform_and_sub_wallet_and_are_kept_nowhere(sandbox: Sandbox) -> None:
    parent, second = personal(sandbox, fund=Fen(100_00)), personal(sandbox, 2)
    shop = corporate(sandbox)
    pushed = [
        sandbox.wallets.open_sub(
            parent=wallet.wallet_id,
            purpose="pushed",
            platform=platform,
            idempotency_key=f"{platform}{number}",
        )
        for number, (wallet, platform) in enumerate(
            [(parent, "A"), (parent, "A"), (parent, "B"), (second, "A")]
        )
    ]
    sandbox.wallets.transfer(from_wallet=parent.wallet_id, to_wallet=pushed[0].wallet_id, amount=Fen(50_00))
    sandbox.wallets.charge(
        token=pushed[0].token or "", payee=shop.wallet_id, amount=Fen(1), idempotency_key="k"
    )
    tokens = [sub.token or "" for sub in pushed]
    assert len(set(tokens)) == 4
    assert all(re.fullmatch(r"pt_[a-z2-7]{32}", token) for token in tokens)
    stored = repr(dump(sandbox))
    assert not [token for token in tokens if token in stored or token[3:] in stored]


def test_another_keyring_gives_other_tokens() -> None:
    tokens = set()
    for seed in (1, 2):
        with Sandbox.open(":memory:", seed=seed) as s:
            tokens.add(push(s, personal(s)).token)
    assert len(tokens) == 2


def test_nothing_a_platform_is_answered_tells_who_pays_or_links_two_sub_wallets(
    sandbox: Sandbox, clock: FixedClock
) -> None:
    parent = personal(sandbox, phone=phone_number(7), fund=Fen(1_000_00))
    shop, full = corporate(sandbox), personal(sandbox, 2, fund=Fen(500_000_00))
    subs = [push(sandbox, parent, "某平台", single=Fen(90_00), fund=Fen(100_00)) for _ in range(2)]
    seen: list[list[str]] = []
    for sub in subs:
        told = []
        for amount, payee in ((10_00, shop), (95_00, shop), (1_00, full), (1_00, parent), (80_00, shop)):
            clock.advance(timedelta(seconds=1))
            try:
                told.append(json.dumps(document(charge(sandbox, sub, payee, amount))))
            except EcnyTaxError as refusal:
                told += [refusal.message("zh"), refusal.hint_in("zh"), str(refusal), refusal.hint]
                told.append(repr(refusal.values))
        told.append(json.dumps(document(sandbox.wallets.pushed(token=sub.token or "")), ensure_ascii=False))
        seen.append(told)
    # The platform reads the statement of its own wallet, too.
    lines = sandbox.wallets.statement(wallet_id=shop.wallet_id).lines
    assert [line.amount for line in lines] == [10_00, 80_00] * 2
    for told, number in zip(seen, (0, 2), strict=True):
        told += [repr(document(line)) for line in lines[number : number + 2]]
    wallet = sandbox.wallets.show(wallet_id=parent.wallet_id)
    secrets = {
        person_name(), person_id(), phone_number(7), wallet.subject_id, wallet.identity_id,
        f"account_id={wallet.account_id}", *(sub.wallet_id for sub in subs),
    }  # fmt: skip
    said = "\n".join(line for told in seen for line in told)
    assert not {secret for secret in secrets if secret in said}
    # The parent's id is named only where the platform itself named it as payee.
    assert parent.wallet_id not in said.replace(f'"payee": "{parent.wallet_id}"', "")
    # What is told of one and of the other has in common what the platform gave or what time it was.
    ids = re.compile(r"pt_[a-z2-7]{32}|[0-9a-f]{32}|payer:[0-9A-F]{20}")
    first, second = (set(ids.findall("\n".join(told))) for told in seen)
    assert first.isdisjoint(second)
    assert len(first) >= 4  # the token, two transfers, the pseudonym in the statement
