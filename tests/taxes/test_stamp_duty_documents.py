"""Stamp duty on more than one amount: how results hang together, what they cite, what is refused."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecny_tax import rulebook
from ecny_tax.errors import InvalidInputError, RejectedError
from ecny_tax.money import MAX_AMOUNT, Fen, split, yuan
from ecny_tax.taxes import stamp_duty, stamp_duty_base, stamp_duty_documents
from ecny_tax.taxes.stamp_duty_base import ForeignAmount
from ecny_tax.taxes.stamp_duty_documents import ItemAmount, Party

LAW = rulebook.on(date(2026, 5, 1))
REGULATION = rulebook.on(date(2021, 5, 10))


def items_of(rules: rulebook.Rules) -> list[str]:
    """Items whose duty is a rate of the base and nothing else."""
    rates = rules.stamp_duty.rates()
    return [rate.code for rate in rates if not (rate.side or rate.each or rate.minimum)]


def parts_of(rules: rulebook.Rules) -> st.SearchStrategy[list[ItemAmount]]:
    part = st.builds(ItemAmount, st.sampled_from(items_of(rules)), st.integers(1, 10**13).map(Fen))
    return st.lists(part, min_size=1, max_size=6)


amounts = st.integers(1, 10**15).map(Fen)


# --- properties ---------------------------------------------------------------------------------------------


@given(parts=parts_of(LAW))
def test_not_listing_items_separately_never_pays(parts: list[ItemAmount]) -> None:
    together = stamp_duty_documents.mixed(LAW, parts=parts, separately_listed=False)
    apart = stamp_duty_documents.mixed(LAW, parts=parts, separately_listed=True)
    # Each part is rounded by itself, which may add half a fen a part; the whole loses less than half one.
    assert 2 * together.total > 2 * apart.total - len(parts) - 1
    assert apart.total == sum(apart.taxes)
    assert len(apart.taxes) == len(parts)
    assert together.taxes == (together.total,)


@given(parts=parts_of(REGULATION))
def test_not_listing_items_separately_never_paid_to_2022(parts: list[ItemAmount]) -> None:
    together = stamp_duty_documents.mixed(REGULATION, parts=parts, separately_listed=False)
    apart = stamp_duty_documents.mixed(REGULATION, parts=parts, separately_listed=True)
    assert together.total >= apart.total  # added first, rounded once: so without exception
    assert apart.total % 10 == 0


@given(documents=parts_of(LAW))
def test_several_documents_are_taxed_like_each_alone(documents: list[ItemAmount]) -> None:
    found = stamp_duty_documents.multi(LAW, documents=documents)
    alone = [stamp_duty.quote(LAW, item=one.item, base=one.amount).tax for one in documents]
    assert list(found.taxes) == alone
    assert found.total == sum(alone)
    halved = stamp_duty_documents.multi(LAW, documents=documents, half_relief=True)
    assert all(half <= full for half, full in zip(halved.taxes, found.taxes, strict=True))


@given(old=amounts, new=amounts, item=st.sampled_from(items_of(LAW)))
def test_an_amendment_settles_the_difference_to_the_fen(old: Fen, new: Fen, item: str) -> None:
    found = stamp_duty_documents.amendment(LAW, item=item, old_amount=old, new_amount=new)
    before = stamp_duty.quote(LAW, item=item, base=old).tax
    after = stamp_duty.quote(LAW, item=item, base=new).tax
    assert abs(before + found.additional_tax - found.refundable - after) <= 1
    assert found.refundable <= before
    assert 0 in (found.additional_tax, found.refundable)
    assert found.base == abs(new - old)


@given(capital=amounts, reserve=amounts, more=st.integers(0, 10**15).map(Fen))
def test_an_account_book_taxed_twice_bears_duty_on_its_growth_only(
    capital: Fen, reserve: Fen, more: Fen
) -> None:
    first = stamp_duty_documents.account_book(LAW, paid_in_capital=capital, capital_reserve=reserve)
    assert first.base == capital + reserve
    second = stamp_duty_documents.account_book(
        LAW, paid_in_capital=Fen(capital + more), capital_reserve=reserve, already_taxed=first.base
    )
    assert second.base == more


@given(amount=amounts, vat=amounts)
def test_vat_listed_separately_never_raises_the_base(amount: Fen, vat: Fen) -> None:
    vat = Fen(min(vat, amount - 1)) or Fen(0)

    def base(**how: bool) -> int:
        return stamp_duty_base.of_document(LAW, amount=amount, vat=vat, **how).amount

    assert base(vat_listed_separately=True) == amount
    assert base(vat_listed_separately=True, amount_includes_vat=True) == amount - vat
    assert base(vat_listed_separately=False, amount_includes_vat=True) == amount
    assert base(vat_listed_separately=False) == amount + vat


# --- parties ------------------------------------------------------------------------------------------------


def test_each_party_pays_on_its_own_amount_and_with_its_own_relief() -> None:
    parties = [Party(yuan(1_000_000)), Party(yuan(600_000), half_relief=True), Party(yuan(400_000))]
    found = stamp_duty_documents.several_parties(LAW, item="sale_contract", parties=parties)
    assert found.taxes == (yuan(300), yuan(90), yuan(120))
    assert found.total == yuan(510)
    assert "art. 10" in found.citation


def test_amounts_that_the_document_does_not_tell_apart_are_equal_shares() -> None:
    shares = split(yuan("100000.01"), [1, 1, 1])
    found = stamp_duty_documents.several_parties(
        LAW, item="equity_transfer", parties=[Party(share) for share in shares]
    )
    assert found.taxes == (yuan("16.67"),) * 3


def test_to_2022_the_whole_sum_of_a_lease_and_a_sale_bears_the_lease() -> None:
    parts = [
        ItemAmount("purchase_sale_contract", yuan(100)),
        ItemAmount("property_lease_contract", yuan(100)),
    ]
    found = stamp_duty_documents.mixed(REGULATION, parts=parts, separately_listed=False)
    assert found.quotes[0].item == "property_lease_contract"
    assert found.total == yuan(1)  # 0.20, at least 1


# --- amendments ---------------------------------------------------------------------------------------------


def test_a_decrease_gives_back_at_the_rate_it_was_taxed_with() -> None:
    signed, amended = rulebook.on(date(2022, 6, 1)), rulebook.on(date(2022, 8, 1))
    change: dict[str, Any] = {"item": "processing_contract", "old_amount": yuan(300_000)}
    less = stamp_duty_documents.amendment(amended, **change, new_amount=yuan(200_000), signed=signed)
    assert less.refundable == yuan(50)
    more = stamp_duty_documents.amendment(amended, **change, new_amount=yuan(400_000), signed=signed)
    assert more.additional_tax == yuan(30)
    early = stamp_duty_documents.amendment(signed, **change, new_amount=yuan(200_000))
    assert (early.refundable, early.evidence) == (0, "unverified")


def test_a_relief_holds_for_an_increase_and_a_decrease() -> None:
    for new, key in ((2_500_000, "additional_tax"), (1_500_000, "refundable")):
        found = stamp_duty_documents.amendment(
            LAW, item="sale_contract", old_amount=yuan(2_000_000), new_amount=yuan(new), half_relief=True
        )
        assert getattr(found, key) == yuan(75)


# --- steps --------------------------------------------------------------------------------------------------


def test_the_steps_of_a_foreign_amount_with_vat_lead_to_the_tax() -> None:
    base = stamp_duty_base.of_document(
        LAW,
        amount=ForeignAmount("226000", "USD", "7"),
        vat=yuan(182_000),
        amount_includes_vat=True,
    )
    quote = stamp_duty.quote(LAW, item="sale_contract", base=base)
    assert [step.amount for step in quote.steps] == [158_200_000, 18_200_000, 140_000_000, 42_000, 42_000]
    assert "USD 226000 × 7" in quote.steps[0].label
    assert "2022年第22号" in quote.steps[0].citation
    assert "art. 5" in quote.steps[1].citation
    assert quote.evidence == "secondary"


@pytest.mark.parametrize(
    "result",
    [
        stamp_duty_documents.account_book(LAW, paid_in_capital=yuan(10), capital_reserve=Fen(0)),
        stamp_duty_documents.equity_transfer(
            LAW, consideration=yuan(10), portion_for_unpaid_subscribed_capital=yuan(4)
        ),
        stamp_duty_documents.mixed(
            LAW, parts=[ItemAmount("sale_contract", yuan(1))], separately_listed=False
        ),
        stamp_duty_documents.amendment(LAW, item="sale_contract", old_amount=yuan(2), new_amount=yuan(1)),
        stamp_duty_documents.amendment(LAW, item="sale_contract", old_amount=yuan(2), not_performed=True),
    ],
)
def test_every_step_has_words_in_both_languages_and_a_whole_amount(result: Any) -> None:
    assert result.steps
    assert result.citation
    for step in result.steps:
        assert step.label.isascii() or "×" in step.label
        assert step.label_zh
        assert not step.label_zh.isascii()
        assert type(step.amount) is int


# --- refusals -----------------------------------------------------------------------------------------------


def base_of(**given: Any) -> object:
    return stamp_duty_base.of_document(LAW, **({"amount": yuan(100)} | given))


def converted(**given: Any) -> object:
    asked = {"amount_fx": "100", "currency": "USD", "central_parity": "7.1"} | given
    return stamp_duty_base.in_yuan(LAW, ForeignAmount(**asked))


def equity(**given: Any) -> object:
    return stamp_duty_documents.equity_transfer(LAW, **({"consideration": yuan(100)} | given))


def book(**given: Any) -> object:
    asked = {"paid_in_capital": yuan(1), "capital_reserve": yuan(1)} | given
    return stamp_duty_documents.account_book(LAW, **asked)


def mixed(**given: Any) -> object:
    asked = {"parts": [ItemAmount("sale_contract", yuan(1))], "separately_listed": False} | given
    return stamp_duty_documents.mixed(LAW, **asked)


def amended(**given: Any) -> object:
    return stamp_duty_documents.amendment(LAW, **({"item": "sale_contract", "old_amount": yuan(100)} | given))


def early_equity() -> object:
    return stamp_duty_documents.equity_transfer(
        REGULATION, consideration=yuan(2), portion_for_unpaid_subscribed_capital=yuan(1)
    )


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (lambda: base_of(amount=Fen(0)), "amount_not_positive"),
        (lambda: base_of(amount=Fen(-1)), "amount_not_positive"),
        (lambda: base_of(vat=Fen(-1)), "amount_not_positive"),
        (lambda: base_of(vat=1.0), "amount_malformed"),
        (lambda: base_of(vat=yuan("100.01")), "vat_above_amount"),
        (lambda: base_of(vat=yuan("100.01"), amount_includes_vat=True), "vat_above_amount"),
        (lambda: base_of(vat=yuan(100), amount_includes_vat=True), "amount_not_positive"),
        (
            lambda: base_of(amount=MAX_AMOUNT, vat=Fen(1), vat_listed_separately=False),
            "amount_too_large",
        ),
        (lambda: converted(central_parity="0"), "central_parity_malformed"),
        (lambda: converted(central_parity="0.000"), "central_parity_malformed"),
        (lambda: converted(central_parity="-7"), "central_parity_malformed"),
        (lambda: converted(central_parity="7,1"), "central_parity_malformed"),
        (lambda: converted(central_parity=7.1), "central_parity_malformed"),
        (lambda: converted(central_parity="1e3"), "central_parity_malformed"),
        (lambda: converted(amount_fx="0"), "foreign_amount_malformed"),
        (lambda: converted(amount_fx="٣"), "foreign_amount_malformed"),
        (lambda: converted(amount_fx="9" * 18, central_parity="9"), "amount_too_large"),
        (lambda: converted(amount_fx="0.01", central_parity="0.1"), "amount_not_positive"),
        (lambda: converted(currency="usd"), "currency_malformed"),
        (lambda: converted(currency=None), "currency_malformed"),
        (lambda: equity(consideration=Fen(0)), "amount_not_positive"),
        (
            lambda: equity(portion_for_unpaid_subscribed_capital=yuan("100.01")),
            "unpaid_portion_above_consideration",
        ),
        (early_equity, "no_rule_on_date"),
        (lambda: book(paid_in_capital=Fen(0), capital_reserve=Fen(0)), "amount_not_positive"),
        (lambda: book(paid_in_capital=Fen(-1)), "amount_not_positive"),
        (lambda: book(already_taxed=Fen(-1)), "amount_not_positive"),
        (lambda: book(capital_reserve=MAX_AMOUNT), "amount_too_large"),
        (lambda: mixed(parts=[]), "parts_missing"),
        (lambda: mixed(parts=[ItemAmount("poem", yuan(1))]), "stamp_duty_item_unknown"),
        (lambda: mixed(parts=[ItemAmount("securities", yuan(1))]), "side_required"),
        (lambda: mixed(parts=[ItemAmount("sale_contract", Fen(0))]), "amount_not_positive"),
        (
            lambda: mixed(parts=[ItemAmount("sale_contract", Fen(0))], separately_listed=True),
            "amount_not_positive",
        ),
        (lambda: mixed(parts=[ItemAmount("sale_contract", MAX_AMOUNT)] * 2), "amount_too_large"),
        (
            lambda: stamp_duty_documents.mixed(
                REGULATION, parts=[ItemAmount("permit_or_licence", yuan(5))], separately_listed=False
            ),
            "pieces_required",
        ),
        (lambda: stamp_duty_documents.multi(LAW, documents=[]), "parts_missing"),
        (
            lambda: stamp_duty_documents.several_parties(LAW, item="sale_contract", parties=[]),
            "parts_missing",
        ),
        (amended, "amendment_unclear"),
        (lambda: amended(new_amount=yuan(1), not_performed=True), "amendment_unclear"),
        (
            lambda: amended(new_amount=yuan(1), signed=rulebook.on(date(2200, 1, 1))),
            "amendment_before_signing",
        ),
        (lambda: amended(new_amount=Fen(0)), "amount_not_positive"),
        (lambda: amended(new_amount=yuan(1), old_amount=Fen(0)), "amount_not_positive"),
        (lambda: amended(new_amount=yuan(1), item="poem"), "stamp_duty_item_unknown"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(ask: Callable[[], object], code: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        ask()
    assert refused.value.code == code
    assert refused.value.message("en")
    assert refused.value.message("zh")
    assert refused.value.hint_in("en")
    assert refused.value.hint_in("zh")


def test_a_relief_that_does_not_apply_is_refused_here_too() -> None:
    with pytest.raises(RejectedError) as refused:
        stamp_duty_documents.account_book(
            rulebook.on(date(2020, 1, 1)),
            paid_in_capital=yuan(1),
            capital_reserve=Fen(0),
            half_relief=True,
            taxpayer_kind="sole_trader",
        )
    assert refused.value.code == "relief_not_applicable"
