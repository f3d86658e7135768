"""Items, rules, quotes and worked cases over HTTP: what the library answers, for every party alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from tests.web.client import Api

PARTIES = ("auditor", "operator:ICBC", "tax-authority:14407840000", "treasury:1907840000",
           "taxpayer:91440784MA00DEM06F")  # fmt: skip
QUOTES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("stamp-duty", {"item": "sale_contract", "base": "56666666.67"}, {"tax": "17000.00"}),
    (
        "stamp-duty",
        {"item": "sale_contract", "base": "1130", "vat": "130", "amount_includes_vat": True},
        {"base": "1000.00", "tax": "0.30"},
    ),
    (
        "stamp-duty",
        {
            "item": "sale_contract",
            "foreign": {"amount_fx": "100000", "currency": "USD", "central_parity": "6.8987"},
        },
        {"base": "689870.00"},
    ),
    (
        "stamp-duty/account-book",
        {"paid_in_capital": "1000000", "capital_reserve": "200000", "already_taxed": "200000"},
        {"base": "1000000.00", "tax": "250.00"},
    ),
    (
        "stamp-duty/equity-transfer",
        {"consideration": "500000", "portion_for_unpaid_subscribed_capital": "100000"},
        {"base": "400000.00", "tax": "200.00"},
    ),
    (
        "stamp-duty/mixed-document",
        {
            "parts": [
                {"item": "sale_contract", "amount": "100000"},
                {"item": "lease_contract", "amount": "20000"},
            ],
            "separately_listed": True,
        },
        {"taxes": ["30.00", "20.00"], "total": "50.00"},
    ),
    (
        "stamp-duty/mixed-document",
        {
            "parts": [
                {"item": "sale_contract", "amount": "100000"},
                {"item": "lease_contract", "amount": "20000"},
            ],
            "separately_listed": False,
        },
        {"taxes": ["120.00"], "total": "120.00"},
    ),
    (
        "stamp-duty/several-documents",
        {"documents": [{"item": "sale_contract", "amount": "100000"}] * 2},
        {"taxes": ["30.00", "30.00"], "total": "60.00"},
    ),
    (
        "stamp-duty/several-parties",
        {
            "item": "sale_contract",
            "parties": [{"amount": "100000"}, {"amount": "100000", "half_relief": True}],
        },
        {"taxes": ["30.00", "15.00"]},
    ),
    (
        "stamp-duty/amendment",
        {"item": "sale_contract", "old_amount": "100000", "new_amount": "150000"},
        {"additional_tax": "15.00", "refundable": "0.00"},
    ),
    (
        "stamp-duty/amendment",
        {"item": "sale_contract", "old_amount": "100000", "not_performed": True},
        {"additional_tax": "0.00", "refundable": "0.00"},
    ),
    (
        "income-tax",
        {"tax_year": 2022, "wages": "180000", "social": 18000, "sad": "24000", "withheld": "6480.50"},
        {"tax": "5280.00", "refund": "1200.50", "due": "0.00"},
    ),
    (
        "wage-withholding",
        {"months": [{"month": 1, "wage": "30000", "social": "4500", "sad": "2000"}]},
        {"tax": ["555.00"], "total": "555.00"},
    ),
    ("payment-withholding", {"type": "labour", "amount": "4000"}, {"taxable": "3200.00", "tax": "640.00"}),
    ("business-income", {"taxable": "100000", "tax_year": 2022}, {"tax": "9500.00"}),
    ("non-resident-wage", {"wage": "8000"}, {"taxable": "3000.00", "tax": "90.00"}),
    ("non-resident-bonus", {"bonus": 18000}, {"tax": "540.00"}),
]


@pytest.fixture
def taxpayer(anybody: Callable[[str], Api]) -> Api:
    return anybody("taxpayer:91440784MA00DEM06F")


def test_every_party_reads_items_rules_and_quotes(anybody: Callable[[str], Api]) -> None:
    for party in PARTIES:
        api = anybody(party)
        assert {item["item"] for item in api.seen("/v1/taxes/stamp-duty/items")["items"]} > {"sale_contract"}
        assert api.made("/v1/taxes/quotes/stamp-duty", QUOTES[0][1])["tax"] == "17000.00"
    assert len(api.seen("/v1/taxes/rules")["rules"]) > 100
    assert api.seen("/v1/taxes/stamp-duty/exemptions?on=2023-04-20")["exemptions"]
    found = api.seen("/v1/taxes/deductions?on=2023-04-20")
    assert {"child_education", "infant_care"} <= {one["code"] for one in found["deductions"]}
    assert found["serious_illness"]["cap"] == "80000.00"


@pytest.mark.parametrize(("kind", "asked", "expected"), QUOTES, ids=[one[0] for one in QUOTES])
def test_a_quote_comes_to_what_the_law_says_with_its_steps(
    taxpayer: Api, kind: str, asked: dict[str, Any], expected: dict[str, Any]
) -> None:
    found = taxpayer.made(f"/v1/taxes/quotes/{kind}", asked)
    assert {key: found[key] for key in expected} == expected
    assert found["steps"]
    assert found["citation"]


def test_surcharges_and_deductions_are_quoted_too(taxpayer: Api) -> None:
    found = taxpayer.made("/v1/taxes/quotes/surcharges", {"paid": "10000", "place": "town"})["surcharges"]
    assert [one["code"] for one in found] == ["10109", "30203", "30216"]
    claims = [{"item": "child_education", "children": 2}, {"item": "child_education", "person": "她"}]
    household = taxpayer.post("/v1/taxes/quotes/deductions", {"tax_year": 2025, "claims": claims})
    assert (household.status, household.code) == (422, "deduction_shares_above_one")
    household = taxpayer.made("/v1/taxes/quotes/deductions", {"tax_year": 2025, "claims": claims[:1]})
    assert household["people"] == [{"person": "taxpayer", "special_additional_deductions": "48000.00"}]


def test_a_quote_of_the_annual_settlement_says_what_it_assumes(taxpayer: Api) -> None:
    found = taxpayer.made("/v1/taxes/quotes/income-tax", {"tax_year": 2022, "wages": "60000"})
    assert "authority's own record" in found["assumption"]
    assert "税务机关" in found["assumption_zh"]


def test_the_day_asked_for_selects_the_rule_and_is_a_day(taxpayer: Api) -> None:
    items = taxpayer.seen("/v1/taxes/stamp-duty/items?on=2022-06-30")["items"]
    assert [item["each"] for item in items if item["each"]] == ["5.00"]
    for day in ("0", "1700000000", "2023-13-01", "20230420", "２０２３-04-20", "9999-01-01", ""):
        answer = taxpayer.get(f"/v1/taxes/rules?on={quote(day)}")
        assert (answer.status, answer.code) == (400, "request_malformed"), day
    assert taxpayer.get("/v1/taxes/rules?on=1981-01-01").code == "no_rules_on_date"


@pytest.mark.parametrize(
    ("kind", "asked", "code"),
    [
        ("stamp-duty", {"item": "no_such", "base": "1"}, "stamp_duty_item_unknown"),
        ("stamp-duty", {"item": "sale_contract"}, "base_required"),
        ("stamp-duty", {"item": "sale_contract", "vat": "1"}, "option_needs"),
        (
            "stamp-duty",
            {
                "item": "sale_contract",
                "base": "1",
                "foreign": {"amount_fx": "1", "currency": "USD", "central_parity": "7"},
            },
            "case_inputs_conflict",
        ),
        ("stamp-duty", {"item": "sale_contract", "base": 1.5}, "request_malformed"),
        ("stamp-duty", {"item": "sale_contract", "base": "1", "on": 0}, "request_malformed"),
        ("income-tax", {"tax_year": 2022, "wages": 1.5}, "request_malformed"),
        ("income-tax", {"tax_year": 2022, "wages": "1.7万"}, "request_malformed"),
        ("income-tax", {"tax_year": 2022, "wages": True}, "request_malformed"),
        ("income-tax", {"tax_year": 2022, "wages": -1}, "request_malformed"),
        ("income-tax", {"tax_year": 2022, "wages": "１"}, "request_malformed"),
        ("income-tax", {"tax_year": 2022, "wages": 10**400}, "request_malformed"),
        ("income-tax", {"tax_year": 2022, "base_taxable": "1"}, "input_keys_conflict"),
        ("wage-withholding", {"months": []}, "request_malformed"),
        (
            "wage-withholding",
            {"months": [{"month": 2, "wage": "1"}, {"month": 1, "wage": "1"}]},
            "withholding_months_disordered",
        ),
        ("surcharges", {"paid": "1", "place": "sea"}, "surcharge_place_unknown"),
        ("deductions", {"tax_year": 2025, "claims": [{"item": "rent", "share": "½"}]}, None),
    ],
)
def test_a_quote_that_cannot_be_is_refused_by_name(
    taxpayer: Api, kind: str, asked: dict[str, Any], code: str | None
) -> None:
    refused = taxpayer.post(f"/v1/taxes/quotes/{kind}", asked)
    assert refused.status == 400
    assert code in (None, refused.code)


def test_worked_cases_are_judged_and_the_verdict_is_an_answer(taxpayer: Api) -> None:
    good = {
        "id": "heshan",
        "kind": "stamp.document",
        "inputs": {"date": "2023-04-20", "item": "sale_contract", "amount": "56666666.67"},
        "expected": {"tax_per_party": "17000.00"},
    }
    wrong = good | {"id": "wrong", "expected": {"tax_per_party": "17000.01"}}
    found = taxpayer.made("/v1/taxes/checks", {"cases": [good, wrong, {"id": "none"}, 7]})
    assert (found["passed"], found["failed"]) == (1, 3)
    assert found["mismatches"][0] == {
        "id": "wrong", "kind": "stamp.document", "key": "tax_per_party", "expected": "17000.01",
        "got": "17000.00", "detail": None, "detail_zh": None,
    }  # fmt: skip


def test_cases_with_half_characters_and_numbers_that_are_none_are_mismatches(taxpayer: Api) -> None:
    raw = (
        b'{"cases": [{"id": "\\ud800", "kind": "stamp.document", "inputs": {"\\udfff": NaN},'
        b' "expected": {"tax": 1e999}}, {"id": "b", "kind": "late_fee", "inputs": {"tax": "100", "days": 1},'
        b' "expected": {"fee": "\\ud800"}}]}'
    )
    found = taxpayer.post("/v1/taxes/checks", raw)
    assert (found.status, found.json["failed"]) == (200, 2)
