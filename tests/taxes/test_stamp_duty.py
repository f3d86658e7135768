"""Stamp duty: the worked cases, the arithmetic, and what is refused."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecny_tax import rulebook
from ecny_tax.errors import EcnyTaxError, InvalidInputError, RejectedError
from ecny_tax.money import MAX_AMOUNT, Fen, yuan
from ecny_tax.taxes import stamp_duty

LAW = date(2022, 7, 1)
CASES = json.loads((Path(__file__).parents[1] / "cases/tax-cases.json").read_text("utf-8"))
ITEMS = [item.item for item in stamp_duty.items(rulebook.on(LAW)) if item.side is None]

bases = st.integers(1, MAX_AMOUNT).map(Fen)


def cases(kind: str) -> list[Any]:
    found = [
        pytest.param(case["inputs"], case["expected"], id=case["id"])
        for case in CASES
        if case["kind"] == kind
    ]
    assert found, f"no worked case of the kind {kind}"
    return found


def quoted(*, on: date, **asked: Any) -> stamp_duty.StampDutyQuote:
    return stamp_duty.quote(rulebook.on(on), **asked)


@pytest.mark.parametrize(("inputs", "expected"), cases("stamp.document"))
def test_worked_case_of_a_document(inputs: dict[str, Any], expected: dict[str, str]) -> None:
    if "amount_fx" in inputs:
        base = Decimal(inputs["amount_fx"]) * Decimal(inputs["central_parity"])
    else:
        base = Decimal(inputs["amount"])
    quote = quoted(
        item=inputs["item"],
        base=yuan(base),
        on=date.fromisoformat(inputs["date"]),
        half_relief=inputs.get("half_relief", False),
    )
    assert quote.tax == yuan(expected["tax_per_party"])
    assert quote.base == yuan(expected.get("base", base))


@pytest.mark.parametrize(("inputs", "expected"), cases("stamp.securities"))
def test_worked_case_of_securities(inputs: dict[str, Any], expected: dict[str, str]) -> None:
    quote = quoted(
        item="securities",
        base=yuan(inputs["amount"]),
        on=date.fromisoformat(inputs["date"]),
        side=inputs["side"],
    )
    assert quote.tax == yuan(expected["tax"])


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
        ({"half_relief": True, "on": date(2028, 1, 1)}, RejectedError, "relief_not_in_force"),
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
