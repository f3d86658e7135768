"""Stamp duty on one document: the arithmetic, reliefs and exemptions, and what is refused."""

from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecny_tax import rulebook
from ecny_tax.errors import EcnyTaxError, InvalidInputError, RejectedError
from ecny_tax.money import MAX_AMOUNT, Fen, yuan
from ecny_tax.taxes import stamp_duty
from ecny_tax.taxes.stamp_duty_base import TaxBase

LAW = date(2022, 7, 1)
REGULATION = date(2021, 5, 10)  # a day of the regulation of 1988 on which its relief is in force
ITEMS = [item.item for item in stamp_duty.items(rulebook.on(LAW)) if item.side is None]
OLD_ITEMS = [
    rate.code
    for rate in rulebook.on(REGULATION).stamp_duty.rates()
    if rate.side is None and rate.each is None and rate.minimum is None
]

bases = st.integers(1, MAX_AMOUNT).map(Fen)


def quoted(*, on: date, **asked: Any) -> stamp_duty.StampDutyQuote:
    return stamp_duty.quote(rulebook.on(on), **asked)


def test_the_heshan_payment_is_17000_yuan() -> None:
    quote = quoted(item="sale_contract", base=yuan("56666666.67"), on=date(2023, 4, 20))
    assert quote.tax == yuan("17000.00")
    assert (quote.rate, quote.relief, quote.evidence) == ("0.0003", None, "law")
    assert (quote.name_zh, quote.on) == ("买卖合同", date(2023, 4, 20))
    assert "印花税法" in quote.citation


@pytest.mark.parametrize(
    ("day", "side", "tax"),
    [
        ("2008-04-23", "buy", "3000.00"),
        ("2008-04-24", "buy", "1000.00"),
        ("2008-09-18", "buy", "1000.00"),
        ("2008-09-19", "buy", "0.00"),
        ("2008-09-19", "sell", "1000.00"),
        ("2022-06-30", "sell", "1000.00"),
        ("2023-08-27", "sell", "1000.00"),
        ("2023-08-28", "sell", "500.00"),
        ("2023-08-28", "buy", "0.00"),
    ],
)
def test_securities_follow_the_day_and_the_side(day: str, side: Any, tax: str) -> None:
    quote = quoted(item="securities", base=yuan(1_000_000), on=date.fromisoformat(day), side=side)
    assert quote.tax == yuan(tax)


def test_an_item_says_what_a_piece_costs_where_it_goes_by_the_piece() -> None:
    each = {item.item: item.each for item in stamp_duty.items(rulebook.on(REGULATION))}
    assert each["permit_or_licence"] == yuan(5)
    assert each["purchase_sale_contract"] is None
    assert {item.each for item in stamp_duty.items(rulebook.on(LAW))} == {None}


def test_the_law_has_seventeen_items() -> None:
    found = stamp_duty.items(rulebook.on(LAW))
    assert len({item.item for item in found}) == 17
    assert all(item.citation and item.evidence and item.base_zh and item.base_en for item in found)


@pytest.mark.parametrize(("base", "tax"), [("49.99", "0.01"), ("50.00", "0.02"), ("150.00", "0.05")])
def test_half_a_fen_goes_up_and_less_goes_down(base: str, tax: str) -> None:
    assert quoted(item="sale_contract", base=yuan(base), on=LAW).tax == yuan(tax)


def test_the_relief_halves_before_rounding_and_is_cited() -> None:
    # 50.01 × 0.0003 = 0.015003 yuan: 2 fen; half of it 0.0075015: 1 fen
    full = quoted(item="sale_contract", base=yuan("50.01"), on=date(2023, 1, 1))
    half = quoted(item="sale_contract", base=yuan("50.01"), on=date(2023, 1, 1), half_relief=True)
    assert (full.tax, half.tax) == (2, 1)
    assert (half.rate, half.relief) == ("0.0003", "six_taxes_two_fees")
    assert "2023年第12号" in half.citation


def test_a_result_is_as_well_known_as_its_weakest_rule() -> None:
    quote = quoted(item="lease_contract", base=yuan(100), on=date(2022, 8, 1), half_relief=True)
    assert quote.evidence == "unverified"  # the dates of the relief of 2022


@given(base=bases, item=st.sampled_from(ITEMS))
def test_the_relief_never_raises_a_tax_and_leaves_half_to_the_fen(base: Fen, item: str) -> None:
    full = quoted(item=item, base=base, on=date(2024, 1, 1)).tax
    half = quoted(item=item, base=base, on=date(2024, 1, 1), half_relief=True).tax
    assert half <= full
    assert abs(2 * half - full) <= 1


@given(one=bases, other=bases, item=st.sampled_from(ITEMS))
def test_the_duty_grows_with_the_base(one: Fen, other: Fen, item: str) -> None:
    low, high = sorted((one, other))
    assert quoted(item=item, base=low, on=LAW).tax <= quoted(item=item, base=high, on=LAW).tax


@given(parts=st.lists(st.integers(1, 10**13), min_size=2, max_size=8), item=st.sampled_from(ITEMS))
def test_splitting_a_document_changes_the_duty_by_rounding_only(parts: list[int], item: str) -> None:
    whole = quoted(item=item, base=Fen(sum(parts)), on=LAW).tax
    split = sum(quoted(item=item, base=Fen(part), on=LAW).tax for part in parts)
    assert 2 * abs(whole - split) <= len(parts) + 1


@given(
    base=st.one_of(bases, st.integers(1, 10**6).map(Fen)), item=st.sampled_from(OLD_ITEMS), half=st.booleans()
)
def test_to_2022_the_duty_is_whole_jiao_within_five_fen_or_was_under_a_jiao(
    base: Fen, item: str, half: bool
) -> None:
    quote = quoted(item=item, base=base, on=REGULATION, half_relief=half)
    exact = base * Fraction(quote.rate) * (Fraction(1, 2) if half else 1)
    assert quote.exact == exact
    assert quote.tax % 10 == 0
    if exact < 10:
        assert quote.tax == 0
    else:
        assert -5 < exact - quote.tax <= 5 or exact - quote.tax == -5
        assert quote.tax >= 10


@given(one=bases, other=bases, item=st.sampled_from([*OLD_ITEMS, "property_lease_contract"]))
def test_to_2022_too_the_duty_grows_with_the_base(one: Fen, other: Fen, item: str) -> None:
    low, high = sorted((one, other))
    assert quoted(item=item, base=low, on=REGULATION).tax <= quoted(item=item, base=high, on=REGULATION).tax


@given(base=st.integers(1, 10**7).map(Fen), item=st.sampled_from([*OLD_ITEMS, "property_lease_contract"]))
def test_the_relief_never_raises_a_tax_to_2022(base: Fen, item: str) -> None:
    full = quoted(item=item, base=base, on=REGULATION).tax
    assert quoted(item=item, base=base, on=REGULATION, half_relief=True).tax <= full


@given(parts=st.lists(st.integers(1, 10**13), min_size=2, max_size=8), item=st.sampled_from(OLD_ITEMS))
def test_to_2022_splitting_changes_the_duty_by_rounding_only(parts: list[int], item: str) -> None:
    whole = quoted(item=item, base=Fen(sum(parts)), on=REGULATION).tax
    split = sum(quoted(item=item, base=Fen(part), on=REGULATION).tax for part in parts)
    assert abs(whole - split) < 10 * len(parts) + 10  # a part may be exempt, which is nearly a jiao


@given(day=st.dates(date(2008, 4, 24), date(2100, 12, 31)))
def test_every_item_in_force_has_one_rate_a_day_and_can_be_quoted(day: date) -> None:
    rules = rulebook.on(day)
    rates = rules.stamp_duty.rates()
    assert len({(rate.code, rate.side) for rate in rates}) == len(rates)
    for rate in rates:
        measure: dict[str, Any] = {"pieces": 2} if rate.each else {"base": yuan(10_000)}
        quote = stamp_duty.quote(rules, item=rate.code, side=rate.side, **measure)
        assert quote.tax == (2 * rate.each if rate.each else 1_000_000 * Fraction(rate.rate))


@pytest.mark.parametrize(
    ("rent", "tax", "halved"),
    [
        ("99.99", "0.00", "0.00"),  # 0.09999: under a jiao, exempt in spite of the minimum
        ("100.00", "1.00", "0.50"),
        ("999.99", "1.00", "0.50"),
        ("1049.99", "1.00", "0.50"),  # 1.04999; half of it 0.524995
        ("1050.00", "1.10", "0.50"),  # 1.05; half of it 0.525
    ],
)
def test_a_lease_of_the_regulation_bears_a_yuan_at_least(rent: str, tax: str, halved: str) -> None:
    asked: dict[str, Any] = {"item": "property_lease_contract", "base": yuan(rent), "on": REGULATION}
    assert quoted(**asked).tax == yuan(tax)
    assert quoted(**asked, half_relief=True).tax == yuan(halved)


def test_a_permit_is_taxed_by_the_piece() -> None:
    quote = quoted(item="permit_or_licence", pieces=3, on=date(2022, 6, 30))
    assert (quote.tax, quote.pieces, quote.base) == (yuan(15), 3, None)
    assert [step.amount for step in quote.steps] == [1500, 1500]
    half = quoted(item="permit_or_licence", pieces=1, on=REGULATION, half_relief=True)
    assert half.tax == yuan("2.50")
    books = quoted(item="other_account_book", pieces=2, on=date(2018, 4, 30))
    assert books.tax == yuan(10)


@pytest.mark.parametrize(
    ("day", "kind", "tax"),
    [
        ("2019-01-01", "small_scale_vat_payer", 15),
        ("2021-12-31", "small_scale_vat_payer", 15),
        ("2022-01-01", "sole_trader", 15),
        ("2022-12-31", "small_low_profit_enterprise", 15),
        ("2023-01-01", "sole_trader", 15),
        ("2027-12-31", "small_scale_vat_payer", 15),
        ("2018-12-31", "small_scale_vat_payer", "relief_not_in_force"),
        ("2021-12-31", "sole_trader", "relief_not_applicable"),
        ("2019-01-01", "small_low_profit_enterprise", "relief_not_applicable"),
        ("2028-01-01", "sole_trader", "relief_not_in_force"),
        ("2023-01-01", "astronaut", "taxpayer_kind_unknown"),
    ],
)
def test_the_relief_follows_the_day_and_the_kind_of_taxpayer(day: str, kind: str, tax: Any) -> None:
    on = date.fromisoformat(day)
    item = "sale_contract" if on >= LAW else "purchase_sale_contract"
    asked: dict[str, Any] = {"item": item, "base": yuan(100_000), "half_relief": True, "on": on}
    if isinstance(tax, str):
        assert refusal(**asked, taxpayer_kind=kind).code == tax
    else:
        assert quoted(**asked, taxpayer_kind=kind).tax == yuan(tax)
        assert quoted(**asked).tax == yuan(tax)


def test_a_declared_reason_exempts_and_is_cited() -> None:
    quote = quoted(item="loan_contract", base=yuan(10**6), on=LAW, exemption="small_enterprise_loan")
    assert (quote.tax, quote.exemption, quote.relief) == (0, "small_enterprise_loan", None)
    assert "2023年第13号" in quote.citation
    assert quote.steps[-1].label.startswith("Exempt: Loans of financial institutions")
    assert quote.steps[-1].label_zh.startswith("免税：金融机构")


def test_beside_an_exemption_no_relief_is_needed() -> None:
    quote = quoted(
        item="sale_contract", base=yuan(100), on=date(2030, 1, 1), exemption="farming", half_relief=True
    )
    assert (quote.tax, quote.relief) == (0, None)


def test_the_steps_lead_from_the_base_to_the_tax() -> None:
    quote = quoted(item="sale_contract", base=yuan("50.01"), on=date(2023, 1, 1), half_relief=True)
    assert [(step.label, step.amount) for step in quote.steps] == [
        ("Base: the price", 5001),
        ("Duty: 50.01 × 0.0003 = 0.015003", 2),
        ("Six taxes and two fees at half: 0.015003 × 0.5 = 0.0075015", 1),
        ("Rounded to the fen, half up", 1),
    ]
    assert [step.label_zh for step in quote.steps] == [
        "计税依据：价款",
        "应纳税额：50.01 × 0.0003 = 0.015003",
        "六税两费减半征收：0.015003 × 0.5 = 0.0075015",
        "四舍五入到分",
    ]
    assert not quote.steps[0].citation  # the taxpayer stated it
    assert all(step.citation for step in quote.steps[1:])


def test_the_steps_to_2022_name_the_rounding_to_the_jiao() -> None:
    tiny = quoted(item="loan_contract", base=yuan(1000), on=REGULATION)
    assert (tiny.tax, tiny.steps[-1].label) == (0, "Under 0.10 yuan: exempt")
    rounded = quoted(item="loan_contract", base=yuan(3000), on=REGULATION)
    assert (rounded.tax, rounded.steps[-1].label) == (20, "Rounded to 0.10 yuan, half up")
    assert "(1988), art. 3" in rounded.citation
    lease = quoted(item="property_lease_contract", base=yuan(200), on=REGULATION)
    assert lease.steps[1].label == "Duty: 200.00 × 0.001, at least 1.00 = 1.00"


def refusal(**changed: Any) -> EcnyTaxError:
    asked: dict[str, Any] = {"item": "sale_contract", "base": yuan(100), "on": LAW} | changed
    with pytest.raises(EcnyTaxError) as caught:
        quoted(**asked)
    assert caught.value.message("en")
    assert caught.value.message("zh")
    assert caught.value.hint
    assert caught.value.hint_in("zh")
    return caught.value


@pytest.mark.parametrize(
    ("changed", "kind", "code"),
    [
        ({"item": "poem"}, InvalidInputError, "stamp_duty_item_unknown"),
        ({"on": date(2022, 6, 30)}, InvalidInputError, "no_rule_on_date"),
        ({"base": Fen(0)}, InvalidInputError, "amount_not_positive"),
        ({"base": Fen(-1)}, InvalidInputError, "amount_not_positive"),
        ({"base": 1.5}, InvalidInputError, "amount_malformed"),
        ({"base": Fen(MAX_AMOUNT + 1)}, InvalidInputError, "amount_too_large"),
        ({"side": "sell"}, InvalidInputError, "side_not_applicable"),
        ({"item": "securities"}, InvalidInputError, "side_required"),
        ({"item": "securities", "side": "both"}, InvalidInputError, "side_required"),
        (
            {"item": "securities", "side": "sell", "on": date(2007, 5, 29)},
            InvalidInputError,
            "no_rule_on_date",
        ),
        ({"base": None}, InvalidInputError, "base_required"),
        ({"pieces": 1}, InvalidInputError, "pieces_not_applicable"),
        ({"item": "permit_or_licence", "on": REGULATION}, InvalidInputError, "pieces_required"),
        ({"item": "permit_or_licence", "base": None, "on": REGULATION}, InvalidInputError, "pieces_required"),
        ({"item": "permit_or_licence", "pieces": 1, "base": None}, InvalidInputError, "no_rule_on_date"),
        *(
            (
                {"item": "permit_or_licence", "pieces": pieces, "base": None, "on": REGULATION},
                InvalidInputError,
                "pieces_malformed",
            )
            for pieces in (0, -1, 1.0, True, stamp_duty.MAX_PIECES + 1)
        ),
        ({"item": "purchase_sale_contract"}, InvalidInputError, "no_rule_on_date"),
        ({"on": date(1988, 9, 30), "item": "loan_contract"}, InvalidInputError, "no_rule_on_date"),
        ({"exemption": "poverty"}, InvalidInputError, "exemption_unknown"),
        ({"exemption": "concessional_loan"}, RejectedError, "exemption_not_applicable"),
        (
            {"exemption": "copy", "item": "securities", "side": "sell"},
            RejectedError,
            "exemption_not_applicable",
        ),
        ({"exemption": "restructuring"}, RejectedError, "exemption_not_in_force"),
        (
            {"exemption": "small_enterprise_loan", "item": "loan_contract", "on": date(2028, 1, 1)},
            RejectedError,
            "exemption_not_in_force",
        ),
        ({"half_relief": True, "on": date(2028, 1, 1)}, RejectedError, "relief_not_in_force"),
        ({"taxpayer_kind": "astronaut"}, InvalidInputError, "taxpayer_kind_unknown"),
        ({"taxpayer_kind": ["sole_trader"]}, InvalidInputError, "taxpayer_kind_unknown"),
        ({"taxpayer_kind": "sole_trader"}, InvalidInputError, "option_needs"),
        (
            {"taxpayer_kind": "astronaut", "half_relief": True, "exemption": "copy"},
            InvalidInputError,
            "taxpayer_kind_unknown",
        ),
        ({"base": TaxBase(Fen(-1))}, InvalidInputError, "amount_not_positive"),
        ({"base": TaxBase(1.5)}, InvalidInputError, "amount_malformed"),  # type: ignore[arg-type]
        (
            {"item": "securities", "side": "sell", "on": date(2024, 1, 2), "half_relief": True},
            RejectedError,
            "relief_not_applicable",
        ),
    ],
)
def test_what_cannot_be_quoted_is_refused_by_name(
    changed: dict[str, Any], kind: type[EcnyTaxError], code: str
) -> None:
    refused = refusal(**changed)
    assert (type(refused), refused.code) == (kind, code)


def test_the_refusal_of_a_day_says_from_when_a_rule_exists() -> None:
    refused = refusal(on=date(2022, 6, 30))
    assert refused.values["what"] == "stamp_duty.items.sale_contract"
    assert "2022-07-01" in refused.hint
