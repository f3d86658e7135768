"""The special additional deductions of a household: what fits together, what is refused, and its steps."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecny_tax.errors import EcnyTaxError, InvalidInputError, RejectedError
from ecny_tax.money import Fen, yuan
from ecny_tax.taxes.household import Claim, household_deductions, read_claims


def refused(compute: Any) -> EcnyTaxError:
    with pytest.raises(EcnyTaxError) as refusal:
        compute()
    assert all(
        refusal.value.message(language) and refusal.value.hint_in(language) for language in ("en", "zh")
    )
    return refusal.value


def totals(claims: list[Claim], tax_year: int) -> dict[str, Fen]:
    found = household_deductions(claims, tax_year=tax_year)
    return {person.person: person.special_additional_deductions for person in found.people}


def test_a_household_that_fits_together() -> None:
    claims = [
        Claim("child_education", "mother", share="0.5", concerning="elder"),
        Claim("child_education", "father", share="0.5", concerning="elder"),
        Claim("infant_care", "mother", months=8, concerning="younger"),
        Claim("child_education", "mother", first_month=9, months=4, concerning="younger"),
        Claim("housing_loan_interest", "father"),
        Claim("elderly_only_child", "father", concerning="his parents"),
        Claim("elderly_shared_max", "mother", concerning="her parents"),
        Claim("elderly_shared_max", "aunt", concerning="her parents"),
        Claim("professional_certificate", "mother", months=1, concerning="mother"),
        Claim("professional_certificate", "father", months=1, concerning="father"),
    ]
    assert totals(claims, 2025) == {
        "mother": yuan(12_000 + 16_000 + 8_000 + 18_000 + 3_600),
        "father": yuan(12_000 + 12_000 + 36_000 + 3_600),
        "aunt": yuan(18_000),
    }


def test_the_steps_add_up_to_what_each_person_deducts_and_cite_the_rule() -> None:
    claims = [
        Claim("child_education", "a", concerning="elder"),
        Claim("housing_loan_interest", "b", months=3),
    ]
    found = household_deductions(claims, tax_year=2025)
    assert [(step.label, step.label_zh, step.amount) for step in found.steps] == [
        ("a: Education of children (elder), 12 months", "a：子女教育 (elder)，12 个月", yuan(24_000)),
        ("b: Interest on a housing loan, 3 months", "b：住房贷款利息，3 个月", yuan(3_000)),
    ]
    assert all(step.citation in found.citation for step in found.steps)


def test_a_file_of_claims_is_read() -> None:
    content = json.dumps({"tax_year": 2025, "claims": [{"item": "infant_care", "months": 2, "share": "0.5"}]})
    assert read_claims(content.encode()) == (2025, [Claim("infant_care", months=2, share="0.5")])


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ([], "input_not_json"),
        ({"tax_year": 2025}, "input_key_missing"),
        ({"tax_year": 2025, "claims": {}}, "input_value_malformed"),
        ({"tax_year": 2025, "claims": [1]}, "input_value_malformed"),
        ({"tax_year": 2025, "claims": [{"months": 1}]}, "input_value_malformed"),
        ({"tax_year": 2025, "claims": [{"item": "infant_care", "colour": "red"}]}, "input_value_malformed"),
        ({"tax_year": 2025, "claims": [{"item": "infant_care", "months": "2"}]}, "input_value_malformed"),
        ({"tax_year": 2018, "claims": [{"item": "infant_care"}]}, "input_value_malformed"),
        ({"tax_year": 2025, "claims": [], "more": 1}, "input_key_unknown"),
    ],
)
def test_a_file_that_is_no_claims_is_refused(document: object, code: str) -> None:
    assert refused(lambda: read_claims(json.dumps(document).encode())).code == code


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ([Claim("rent_large_city", "a"), Claim("housing_loan_interest", "b")], "exclude"),
        ([Claim("housing_loan_interest", "a", months=1), Claim("rent_small_city", "a")], "exclude"),
        ([Claim("rent_large_city", "a", months=6), Claim("rent_small_city", "b", months=6)], "exclude"),
        ([Claim("elderly_only_child", "a"), Claim("elderly_shared_max", "a")], "exclude"),
        ([Claim("child_education", "a"), Claim("child_education", "b", share="0.5")], "shares"),
        ([Claim("infant_care", "a", months=6), Claim("infant_care", "b", first_month=6, months=1)], "shares"),
        ([Claim("child_education", p, share="0.5") for p in "abc"], "shares"),
        ([Claim("elderly_shared_max", p) for p in "abc"], "shares"),
        ([Claim("elderly_shared_max", "a"), Claim("elderly_shared_max", "b", share="0.5001"),
          Claim("elderly_shared_max", "c", share="0.0001")], "shares"),
        ([Claim("professional_certificate", "a", months=1),
          Claim("professional_certificate", "a", first_month=7, months=1)], "shares"),
        ([Claim("child_education", "a", first_month=2)], "malformed"),
        ([Claim("child_education", "a", months=13)], "malformed"),
        ([Claim("child_education", "a", first_month=0)], "malformed"),
        ([Claim("child_education", "a", first_month=13, months=1)], "malformed"),
        ([Claim("pets", "a")], "unknown"),
        ([], "malformed"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together(claims: list[Claim], code: str) -> None:
    codes = {
        "exclude": (RejectedError, "deductions_exclude_each_other"),
        "shares": (RejectedError, "deduction_shares_above_one"),
        "malformed": (InvalidInputError, "input_value_malformed"),
        "unknown": (InvalidInputError, "deduction_unknown"),
    }
    refusal = refused(lambda: household_deductions(claims, tax_year=2025))
    assert (type(refusal), refusal.code) == codes[code]


@given(
    months=st.integers(1, 12),
    share=st.sampled_from(["0.5", "1"]),
    year=st.integers(2022, 2100),
    item=st.sampled_from(["child_education", "infant_care", "housing_loan_interest"]),
)
def test_what_two_halves_claim_is_what_one_claims(months: int, share: str, year: int, item: str) -> None:
    whole = totals([Claim(item, "a", months=months)], year)["a"]
    halves = totals([Claim(item, p, months=months, share="0.5") for p in "ab"], year)
    assert sum(halves.values()) == whole
