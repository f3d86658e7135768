"""The special additional deductions of a household: what fits together, what is refused, and its steps."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecny_tax import rulebook
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
        (
            "a: Education of children (elder), 2,000.00 a month × 1 child × 12 months",
            "a：子女教育 (elder)，每月 2,000.00 × 1 个子女 × 12 个月",
            yuan(24_000),
        ),
        (
            "b: Interest on a housing loan, 1,000.00 a month × 3 months",
            "b：住房贷款利息，每月 1,000.00 × 3 个月",
            yuan(3_000),
        ),
    ]
    assert all(step.citation in found.citation for step in found.steps)


@pytest.mark.parametrize(
    ("claim", "label", "label_zh"),
    [
        (
            Claim("child_education", "mother", children=2, share="0.5", months=1),
            "mother: Education of children, 2,000.00 a month × 2 children × 0.5 × 1 month",
            "mother：子女教育，每月 2,000.00 × 2 个子女 × 0.5 × 1 个月",
        ),
        (
            Claim("elderly_shared_max", share="0.4"),
            "taxpayer: Support of the elderly, at most when shared, 3,000.00 a month × 0.4 × 12 months",
            "本人：赡养老人（分摊上限），每月 3,000.00 × 0.4 × 12 个月",
        ),
        (
            Claim("elderly_shared_max", share="0.6"),
            "taxpayer: Support of the elderly, at most when shared, "
            "3,000.00 a month × 0.6, at most 1,500.00, × 12 months",
            "本人：赡养老人（分摊上限），每月 3,000.00 × 0.6，最多 1,500.00，× 12 个月",
        ),
        (
            Claim("professional_certificate", "aunt"),
            "aunt: Continuing education, a certificate, 3,600.00 a year",
            "aunt：继续教育（职业资格），全年 3,600.00",
        ),
    ],
)
def test_a_step_tells_how_a_claim_comes_to_its_amount(claim: Claim, label: str, label_zh: str) -> None:
    (step,) = household_deductions([claim], tax_year=2025).steps
    assert (step.label, step.label_zh) == (label, label_zh)


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
    ("wrong", "code", "key"),
    [
        ({"share": 0.5}, "input_value_malformed", "claims[1].share"),
        ({"share": True}, "input_value_malformed", "claims[1].share"),
        ({"share": "7"}, "input_value_malformed", "claims[1].share"),
        ({"share": "0.3"}, "deduction_share_not_allowed", "claims[1].share"),
        ({"months": 13}, "input_value_malformed", "claims[1].months"),
        ({"first_month": 13}, "input_value_malformed", "claims[1].first_month"),
        ({"first_month": 2}, "input_value_malformed", "claims[1].months"),
        ({"children": 0}, "input_value_malformed", "claims[1].children"),
        ({"item": "pets"}, "deduction_unknown", "claims[1].item"),
        ({"item": "medical"}, "deduction_by_cost", "claims[1].item"),
        ({}, "deduction_shares_above_one", "claims[1]"),
        ({"item": "rent_small_city"}, "deductions_exclude_each_other", "claims[1]"),
    ],
)
def test_a_refusal_names_the_claim_and_what_of_it(wrong: dict[str, Any], code: str, key: str) -> None:
    first = {"item": "housing_loan_interest" if wrong.get("item") else "infant_care"}
    claims = [first, {"item": "infant_care"} | wrong]
    content = json.dumps({"tax_year": 2025, "claims": claims}).encode()

    def compute() -> None:
        tax_year, read = read_claims(content)
        household_deductions(read, tax_year=tax_year)

    refusal = refused(compute)
    assert (refusal.code, refusal.values["key"]) == (code, key)
    assert key in refusal.message("en")
    assert key in refusal.message("zh")
    if code == "input_value_malformed" and "share" in wrong:
        assert refusal.values["accepted"] == '"1" | "0.5"'
    if code == "deduction_by_cost":
        assert "medical_self_pay" in refusal.hint_in("en")
        assert "medical_self_pay" in refusal.hint_in("zh")


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ([Claim("rent_large_city", "a"), Claim("housing_loan_interest", "b")], "exclude"),
        ([Claim("housing_loan_interest", "a", months=1), Claim("rent_small_city", "a")], "exclude"),
        ([Claim("rent_large_city", "a", months=6),
          Claim("housing_loan_interest", "b", first_month=7, months=6)], "exclude"),
        ([Claim("rent_large_city", "a", concerning="home"),
          Claim("rent_large_city", "b", concerning="home")], "shares"),
        ([Claim("rent_large_city", "a", concerning="home"),
          Claim("rent_small_city", "b", concerning="home")], "shares"),
        ([Claim("rent_large_city", "a"), Claim("rent_large_city", "a")], "person"),
        ([Claim("rent_large_city", "a", concerning="x"), Claim("rent_small_city", "a", concerning="y")],
         "person"),
        ([Claim("rent_small_city", "a", months=7),
          Claim("rent_large_city", "a", first_month=7, months=6)], "person"),
        ([Claim("housing_loan_interest", "a", concerning=home) for home in "xy"], "person"),
        ([Claim("elderly_only_child", "a", concerning=parent) for parent in "xy"], "person"),
        ([Claim("elderly_shared_max", "a", share="0.5", concerning=parent) for parent in "xy"], "person"),
        ([Claim("continuing_education", "a", concerning=school) for school in "xy"], "person"),
        ([Claim("professional_certificate", "a", concerning=paper) for paper in "xy"], "person"),
        ([Claim("elderly_only_child", "a", concerning="x"),
          Claim("elderly_shared_max", "b", share="0.5", concerning="x")], "shares"),
        ([Claim("elderly_only_child", "a"), Claim("elderly_shared_max", "a")], "exclude"),
        ([Claim("child_education", "a"), Claim("child_education", "b", share="0.5")], "shares"),
        ([Claim("infant_care", "a", months=6), Claim("infant_care", "b", first_month=6, months=1)], "shares"),
        ([Claim("child_education", p, share="0.5") for p in "abc"], "shares"),
        ([Claim("elderly_shared_max", p) for p in "abc"], "shares"),
        ([Claim("elderly_shared_max", "a"), Claim("elderly_shared_max", "b", share="0.5001"),
          Claim("elderly_shared_max", "c", share="0.0001")], "shares"),
        ([Claim("professional_certificate", "a", months=1),
          Claim("professional_certificate", "a", first_month=7, months=1)], "person"),
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
        "person": (RejectedError, "deduction_above_one_person"),
        "malformed": (InvalidInputError, "input_value_malformed"),
        "unknown": (InvalidInputError, "deduction_unknown"),
    }
    refusal = refused(lambda: household_deductions(claims, tax_year=2025))
    assert (type(refusal), refusal.code) == codes[code]


@pytest.mark.parametrize(
    ("claims", "amounts"),
    [
        # each one's own studies, whatever they are called
        ([Claim("continuing_education", p) for p in "ab"], {"a": 4_800, "b": 4_800}),
        ([Claim("continuing_education", p, concerning="degree") for p in "ab"], {"a": 4_800, "b": 4_800}),
        ([Claim("professional_certificate", p) for p in "ab"], {"a": 3_600, "b": 3_600}),
        ([Claim("continuing_education", "a"), Claim("professional_certificate", "a")], {"a": 8_400}),
        # spouses who work in two cities, of one size or not
        ([Claim("rent_large_city", "a"), Claim("rent_small_city", "b")], {"a": 18_000, "b": 9_600}),
        ([Claim("rent_large_city", p) for p in "ab"], {"a": 18_000, "b": 18_000}),
        ([Claim("rent_large_city", p, concerning=p) for p in "ab"], {"a": 18_000, "b": 18_000}),
        # one who moves in July, and two who take turns at one home
        ([Claim("rent_large_city", "a", 6), Claim("rent_medium_city", "a", 6, 7)], {"a": 15_600}),
        ([Claim("rent_large_city", "a", 6, concerning="x"),
          Claim("rent_large_city", "b", 6, 7, concerning="x")], {"a": 9_000, "b": 9_000}),
        # parts of two, which make one for the person
        ([Claim("housing_loan_interest", "a", share="0.5", concerning=home) for home in "xy"],
         {"a": 12_000}),
        ([Claim("elderly_shared_max", "a", share="0.25", concerning=parent) for parent in "xy"],
         {"a": 18_000}),
    ],
)  # fmt: skip
def test_what_the_law_grants_is_not_refused(claims: list[Claim], amounts: dict[str, int]) -> None:
    assert totals(claims, 2025) == {person: yuan(amount) for person, amount in amounts.items()}


per_person = st.sampled_from(
    ["elderly_only_child", "elderly_shared_max", "housing_loan_interest", "rent_large_city",
     "rent_medium_city", "rent_small_city", "continuing_education", "professional_certificate"]
)  # fmt: skip


@st.composite
def claims_for_a_person(draw: st.DrawFn) -> Claim:
    item = draw(per_person)
    first = draw(st.integers(1, 12))
    shares = {"elderly_shared_max": ["1", "0.5", "0.2"], "housing_loan_interest": ["1", "0.5"]}
    return Claim(
        item,
        draw(st.sampled_from("ab")),
        months=draw(st.integers(1, 13 - first)),
        first_month=first,
        share=draw(st.sampled_from(shares.get(item, ["1"]))),
        concerning=draw(st.sampled_from(["", "x", "y"])),
    )


@given(claims=st.lists(claims_for_a_person(), min_size=1, max_size=4))
def test_nobody_deducts_more_than_the_amount_for_one_person(claims: list[Claim]) -> None:
    try:
        found = household_deductions(claims, tax_year=2025)
    except RejectedError:
        return
    rules = rulebook.on(date(2025, 12, 31)).income_tax
    for person in found.people:
        for item in {claim.item for claim in claims if claim.person == person.person}:
            rule = rules.special_additional(item)
            most = rule.amount * (12 if rule.paid == "month" else 1)
            steps = zip(claims, found.steps, strict=True)
            mine = [s.amount for c, s in steps if (c.person, c.item) == (person.person, item)]
            assert sum(mine) <= most


@given(claims=st.lists(claims_for_a_person(), min_size=2, max_size=4), data=st.data())
def test_the_order_of_the_claims_does_not_matter(claims: list[Claim], data: st.DataObject) -> None:
    def answer(listed: list[Claim]) -> object:
        try:
            return totals(listed, 2025)
        except RejectedError:
            return "refused"

    assert answer(claims) == answer(data.draw(st.permutations(claims)))


@pytest.mark.parametrize("amount", ["0", "100"])
def test_a_user_s_own_deduction_follows_the_caps(tmp_path: Path, amount: str) -> None:
    rule = f"""
        [[special_additional]]
        code = "moon"
        name_zh = "虚构"
        name_en = "Made up"
        amount = "{amount}"
        paid = "month"
        for_each = "person"
        not_with = []
        group = "rent"
        effective_from = 2024-01-01
        citation = "made up"
        evidence = "assumption"
    """
    (tmp_path / "income_tax.toml").write_text(rule, encoding="utf-8")
    book = rulebook.rulebook_with(tmp_path)
    claims = [Claim("rent_small_city", "a"), Claim("moon", "a")]
    if amount == "0":
        assert household_deductions(claims, tax_year=2025, book=book).people[0] is not None
    else:
        refusal = refused(lambda: household_deductions(claims, tax_year=2025, book=book))
        assert refusal.code == "deduction_above_one_person"


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
