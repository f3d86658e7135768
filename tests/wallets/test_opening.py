"""Who may open which wallet, and what a refused opening leaves behind: nothing."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ecny_tax import Fen, FixedClock, Sandbox, yuan
from ecny_tax.clock import parse_time
from tests.support import (
    company_id,
    company_name,
    corporate,
    dump,
    nameless,
    person_id,
    person_name,
    personal,
    phone_number,
    refused,
    refused_and_logged,
)

PERSON: dict[str, Any] = {"kind": "personal", "operator": "ICBC", "name": "虚构人", "id_number": person_id()}
COMPANY: dict[str, Any] = {
    "kind": "corporate",
    "operator": "ICBC",
    "name": company_name(),
    "id_number": company_id(),
}
OTHER_LAST_DIGIT = person_id()[:-1] + ("1" if person_id().endswith("0") else "0")


def test_a_new_wallet_is_empty_active_and_carries_its_operators_digits(sandbox: Sandbox) -> None:
    for operator, digits in (("ICBC", "21"), ("BOC", "23"), ("MYBANK", "30")):
        wallet = personal(sandbox, operator=operator)
        assert wallet.wallet_id.startswith(f"00{digits}")
        assert len(wallet.wallet_id) == 16
        assert (wallet.balance, wallet.status, wallet.operator) == (0, "active", operator)
        assert sandbox.wallets.show(wallet_id=wallet.wallet_id) == wallet


def test_the_class_is_ii_with_a_name_and_iv_with_a_phone_only(sandbox: Sandbox) -> None:
    assert personal(sandbox).wallet_class == "II"
    assert nameless(sandbox).wallet_class == "IV"
    assert corporate(sandbox).wallet_class is None


def test_wallets_are_listed_oldest_first(sandbox: Sandbox) -> None:
    made = [personal(sandbox), nameless(sandbox), corporate(sandbox)]
    assert list(sandbox.wallets.list()) == made


def test_an_opening_deposit_is_a_top_up(sandbox: Sandbox) -> None:
    wallet = personal(sandbox, fund=yuan("123.45"))
    assert wallet.balance == 12345
    (line,) = sandbox.wallets.statement(wallet_id=wallet.wallet_id).lines
    assert (line.kind, line.amount, line.balance) == ("top_up", 12345, 12345)


def test_the_operator_knows_what_its_kyc_took_and_no_more(sandbox: Sandbox) -> None:
    named = personal(sandbox, phone=phone_number(7))
    holder = sandbox.wallets.holder(wallet_id=named.wallet_id)
    assert (holder.name, holder.id_number, holder.phone) == (person_name(), person_id(), phone_number(7))
    holder = sandbox.wallets.holder(wallet_id=nameless(sandbox, 8).wallet_id)
    assert (holder.name, holder.id_number, holder.phone) == (None, None, phone_number(8))


@pytest.mark.parametrize(
    ("code", "wishes"),
    [
        ("wallet_kind_unknown", PERSON | {"kind": "sub"}),
        ("wallet_class_not_applicable", COMPANY | {"wallet_class": "II"}),
        ("wallet_class_unknown", PERSON | {"wallet_class": "V"}),
        ("wallet_class_is_nameless", PERSON | {"wallet_class": "IV", "phone": phone_number()}),
        ("phone_required", {"kind": "personal", "operator": "ICBC"}),
        ("phone_malformed", {"kind": "personal", "operator": "ICBC", "phone": "12345678901"}),
        ("name_and_id_required", {"kind": "personal", "operator": "ICBC", "name": "虚构人"}),
        ("name_and_id_required", {"kind": "personal", "operator": "ICBC", "id_number": person_id()}),
        ("name_and_id_required", {"kind": "corporate", "operator": "ICBC", "name": company_name()}),
        ("name_malformed", PERSON | {"name": "名" * 101}),
        ("name_malformed", PERSON | {"name": "\udcff"}),
        ("operator_unknown", PERSON | {"operator": "HSBC"}),
        ("resident_id_malformed", PERSON | {"id_number": "1"}),
        ("resident_id_malformed", PERSON | {"id_number": person_id(born=date(2023, 4, 21))}),
        ("resident_id_check_failed", PERSON | {"id_number": OTHER_LAST_DIGIT}),
        ("uscc_malformed", COMPANY | {"id_number": "I" * 18}),
        ("uscc_check_failed", COMPANY | {"id_number": company_id()[:-1] + "0"}),
        ("amount_not_positive", PERSON | {"fund": Fen(0)}),
        ("amount_too_large", COMPANY | {"fund": Fen(10**17 + 1)}),
        ("idempotency_key_malformed", PERSON | {"idempotency_key": ""}),
        ("idempotency_key_malformed", PERSON | {"idempotency_key": "k" * 256}),
        ("idempotency_key_malformed", PERSON | {"idempotency_key": "a\nb"}),
        ("wallet_limit_exceeded", PERSON | {"fund": yuan("500000.01")}),
    ],
)
def test_a_malformed_wish_is_refused(sandbox: Sandbox, code: str, wishes: dict[str, Any]) -> None:
    with refused(sandbox, code):
        sandbox.wallets.open(**wishes)


def test_a_name_of_a_hundred_characters_is_accepted(sandbox: Sandbox) -> None:
    assert personal(sandbox, name="名" * 100).status == "active"


@pytest.mark.parametrize("wallet_class", ["I", "II", "III"])
def test_the_holder_is_sixteen_or_older_from_class_iii_up(
    sandbox: Sandbox, clock: FixedClock, wallet_class: str
) -> None:
    wishes = {"born": date(2007, 4, 21), "wallet_class": wallet_class}
    clock.at = parse_time("2023-04-20T23:59:59.999999")
    with refused(sandbox, "holder_too_young"):
        personal(sandbox, **wishes)
    clock.at = parse_time("2023-04-21T00:00:00")
    assert personal(sandbox, **wishes).wallet_class == wallet_class


def test_who_was_born_on_29_february_is_sixteen_on_1_march(sandbox: Sandbox, clock: FixedClock) -> None:
    clock.at = parse_time("2025-02-28")
    with refused(sandbox, "holder_too_young"):
        personal(sandbox, born=date(2008, 2, 29), id_number=person_id(born=date(2009, 3, 1)))
    clock.at = parse_time("2024-02-28")
    with refused(sandbox, "holder_too_young"):
        personal(sandbox, born=date(2008, 2, 29))
    clock.at = parse_time("2024-02-29")
    assert personal(sandbox, born=date(2008, 2, 29)).wallet_class == "II"


def test_a_sole_trader_holds_a_personal_wallet_not_a_corporate_one(sandbox: Sandbox) -> None:
    trader = company_id(5, start="92440784")
    with refused(sandbox, "sole_trader_needs_personal_wallet"):
        corporate(sandbox, id_number=trader)
    assert personal(sandbox, 5).kind == "personal"


def test_one_real_name_wallet_per_person_and_operator(sandbox: Sandbox) -> None:
    first = personal(sandbox)
    for wallet_class in ("I", "II", "III"):
        with refused(sandbox, "real_name_wallet_exists", operator="ICBC"):
            personal(sandbox, wallet_class=wallet_class)
    personal(sandbox, operator="BOC")
    personal(sandbox, 2)
    sandbox.wallets.close(wallet_id=first.wallet_id)
    assert personal(sandbox).wallet_id != first.wallet_id


def test_a_person_may_hold_nameless_wallets_beside_the_named_one(sandbox: Sandbox) -> None:
    personal(sandbox, phone=phone_number())
    assert nameless(sandbox).wallet_id != nameless(sandbox).wallet_id


def test_a_company_may_hold_several_wallets_at_one_operator(sandbox: Sandbox) -> None:
    assert corporate(sandbox).wallet_id != corporate(sandbox).wallet_id


def test_one_id_number_bears_one_name(sandbox: Sandbox) -> None:
    personal(sandbox, name="虚构A人")
    corporate(sandbox)
    with refused(sandbox, "holder_name_differs"):
        personal(sandbox, name="虚构B人", operator="BOC")
    with refused(sandbox, "holder_name_differs"):
        corporate(sandbox, name="另一家虚构公司")
    assert personal(sandbox, name="虚构Ａ人", operator="BOC").status == "active"


def test_an_opening_with_a_key_is_answered_once(sandbox: Sandbox) -> None:
    first = personal(sandbox, fund=Fen(100), idempotency_key="open")
    sandbox.wallets.top_up(wallet_id=first.wallet_id, amount=Fen(1))
    before = dump(sandbox)
    assert personal(sandbox, fund=Fen(100), idempotency_key="open") == first
    assert dump(sandbox) == before
    with refused(sandbox, "idempotency_conflict", key="open"):
        personal(sandbox, fund=Fen(101), idempotency_key="open")
    with refused(sandbox, "idempotency_conflict"):
        personal(sandbox, fund=Fen(100), operator="BOC", idempotency_key="open")
    assert personal(sandbox, 2, fund=Fen(100), idempotency_key="open").wallet_id != first.wallet_id


@pytest.mark.parametrize(
    ("code", "wallet_id"),
    [
        ("wallet_not_found", "0021000000000005"),
        ("wallet_id_malformed", "21"),
        ("wallet_id_malformed", "\udcff"),
        ("wallet_id_check_failed", "0021000000000000"),
    ],
)
def test_a_wallet_that_is_not_there_is_named_in_the_refusal(
    sandbox: Sandbox, code: str, wallet_id: str
) -> None:
    for act in ("show", "statement", "close", "holder"):
        with refused(sandbox, code):
            getattr(sandbox.wallets, act)(wallet_id=wallet_id)
    with refused_and_logged(sandbox, code):
        sandbox.oversight.stop(wallet_id=wallet_id)
