"""Worked cases: every kind with all it may take, what counts as equal, and what is reported instead."""

import copy
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ecny_tax.errors import InvalidInputError, catalogue
from ecny_tax.rulebook import PACKAGE, rulebook_with
from ecny_tax.taxes.case_kinds import KINDS, newest_year
from ecny_tax.taxes.checking import MAX_BYTES, CaseReport, Mismatch, check, read_cases
from tests.taxes.worked_cases import CASES

Inputs = dict[str, Any]


def case(kind: str, inputs: object, expected: object, name: str = "X-1") -> dict[str, object]:
    return {"id": name, "kind": kind, "evidence": "test", "inputs": inputs, "expected": expected}


def only(report: CaseReport) -> Mismatch:
    """The one mismatch of a report about one case."""
    assert (report.passed, report.failed) == (0, 1)
    (found,) = report.mismatches
    return found


# --- the kinds ----------------------------------------------------------------------------------------------


def test_every_shared_case_passes() -> None:
    assert check(CASES) == CaseReport(passed=len(CASES), failed=0, mismatches=())


def test_every_kind_has_a_shared_case_and_no_shared_case_another_kind() -> None:
    assert {case["kind"] for case in CASES} == set(KINDS)


CONTRACT: Inputs = {"date": "2026-05-01", "item": "sale_contract"}
DOLLARS: Inputs = {"amount_fx": 200000, "currency": "USD", "central_parity": "7.1"}
BOOK: Inputs = {"date": "2026-01-31", "paid_in_capital": "1000000", "capital_reserve": "500000"}
CARE: Inputs = {"date": "2024-03-01", "item": "infant_care", "months": 12}


@pytest.mark.parametrize(
    ("kind", "inputs", "expected"),
    [
        ("stamp.document", {**CONTRACT, "amount": 1000000}, {"base": 1000000, "tax_per_party": 300}),
        (
            "stamp.document",
            {**CONTRACT, "amount": "1000000", "vat": "130000", "vat_listed_separately": True},
            {"base": "1000000", "tax_per_party": "300"},
        ),
        (
            "stamp.document",
            {**CONTRACT, "amount": "1130000", "vat": "130000", "amount_includes_vat": True},
            {"base": "1000000"},
        ),
        (
            "stamp.document",
            {
                **CONTRACT, "amount": "1130000", "vat": "130000", "vat_listed_separately": False,
                "amount_includes_vat": True,
            },
            {"base": "1130000", "tax_per_party": "339"},
        ),
        ("stamp.document", {**CONTRACT, "amount": "113", "vat_listed_separately": False}, {"base": 113}),
        (
            "stamp.document",
            {**CONTRACT, **DOLLARS, "half_relief": True},
            {"base": "1420000", "tax_per_party": "213"},
        ),
        ("stamp.account_book", {**BOOK, "already_taxed": "1600000"}, {"base": "0", "tax": "0"}),
        ("stamp.account_book", {**BOOK, "already_taxed": 0, "half_relief": True}, {"tax": "187.50"}),
        (
            "stamp.equity_transfer",
            {"date": "2023-05-01", "consideration": "6000000", "portion_for_unpaid_subscribed_capital": "0"},
            {"base": "6000000", "tax_per_party": "3000.00"},
        ),
        ("stamp.securities", {"date": "2023-08-27", "amount": "1000000", "side": "sell"}, {"tax": "1000"}),
        (
            "stamp.mixed",
            {
                "date": "2026-05-01",
                "separately_listed": True,
                "parts": [
                    {"item": "transport_contract", "amount": "200000"},
                    {"item": "warehousing_contract", "amount": 50000},
                ],
            },
            {"taxes": ["60", "50"], "total": "110"},
        ),
        (
            "stamp.multi",
            {
                "date": "2026-01-15",
                "documents": [
                    {"item": "sale_contract", "amount": "1000000"},
                    {"item": "account_book", "amount": "50"},
                ],
                "half_relief": True,
            },
            {"taxes": ["150", "0.01"], "total": "150.01"},
        ),
        (
            "stamp.amendment",
            {"date": "2026-02-01", "item": "sale_contract", "old_amount": "2000000", "not_performed": True},
            {"additional_tax": "0", "refundable": "0"},
        ),
        (
            "stamp.amendment",
            {
                "date": "2026-02-01", "item": "sale_contract", "old_amount": "2000000",
                "new_amount": "1500000", "not_performed": False,
            },
            {"additional_tax": "0", "refundable": "150"},
        ),
        (
            "stamp.document_1988",
            {"date": "2022-06-30", "item": "purchase_sale_contract", "amount": "333.33"},
            {"tax_per_party": "0"},
        ),
        ("iit.annual_tax", {"tax_year": 2019, "taxable_income": "-0.01"}, {"tax": "0"}),
        ("iit.business_tax", {"tax_year": 2023, "taxable_income": -5}, {"tax": "0"}),
        ("iit.bonus_trap_upper", {"lower": "36000", "tax_year": 2020}, {"upper": "38566.67"}),
        ("iit.bonus_trap_upper", {"lower": 144000}, {"upper": "160500"}),
        (
            "iit.withhold_wage",
            {"months": [{"month": 7, "wage": "40000"}], "first_wage_of_year": True},
            {"tax": ["150"], "total": "150"},  # 40,000 less seven times 5,000
        ),
        (
            "iit.withhold_wage",
            {
                "months": [{"month": 1, "wage": "70000", "social": "1000", "sad": 0}],
                "annual_60000_from_january": True,
                "first_wage_of_year": False,
            },
            {"tax": ["270"]},
        ),
        ("iit.withhold_other", {"tax_year": 2024, "type": "royalty", "amount": "4000.01"}, {"tax": "640"}),
        ("iit.settlement", {"tax_year": 2022}, {"taxable": "0", "refund": "0", "due": "0"}),
        (
            "iit.settlement",
            {"tax_year": 2024, "base_taxable": "290000", "bonus": "36000", "bonus_mode": "separate"},
            {"increment": "1080", "tax_total": "42160"},
        ),
        (
            "iit.settlement",
            {"tax_year": 2024, "wages": "200000", "donations": "100000", "withheld_properly": False},
            {"donation_deduction": "42000", "taxable": "98000", "must_settle": True},
        ),
        (
            "iit.settlement_exemption",
            {
                "tax_year": 2024, "gross_comprehensive_income": "500000", "balance_due": "-400.01",
                "withheld_properly": False,
            },
            {"must_settle": False},
        ),
        (
            "iit.settlement_exemption",
            {
                "tax_year": 2028, "gross_comprehensive_income": "90000", "balance_due": "1",
                "withheld_properly": True,
            },
            {"must_settle": True},
        ),
        ("iit.donation_cap", {"donation": "1", "taxable_before_donation": "-1"}, {"deductible": "0"}),
        ("iit.medical_deduction", {"tax_year": 2022, "self_pay": "95000.01"}, {"deduction": "80000"}),
        ("iit.sad", {**CARE, "share": "0.5"}, {"amount": "12000"}),
        ("iit.sad", {**CARE, "share": 1, "children": 3}, {"amount": "72000"}),
        ("iit.sad", {**CARE, "item": "elderly_shared_max", "share": "0.25"}, {"amount": "9000"}),
        (
            "iit.sad",
            {**CARE, "item": "housing_loan_interest", "actual_interest": "312.50"},
            {"amount": "12000"},  # fixed, whatever was paid
        ),
        ("iit.sad", {**CARE, "item": "housing_loan_interest", "actual_interest": "0"}, {"amount": "0"}),
        ("iit.nonresident_month", {"wage": "5000", "tax_year": 2022}, {"tax": "0"}),
        ("iit.nonresident_bonus", {"bonus": "18000"}, {"tax": "540"}),
        ("late_fee", {"tax": "10000", "days": 0}, {"fee": "0"}),
        ("late_fee", {"tax": 10000, "days": 31}, {"fee": "155"}),
    ],
)  # fmt: skip
def test_case(kind: str, inputs: Inputs, expected: Inputs) -> None:
    assert check([case(kind, inputs, expected)]).mismatches == ()


def test_a_kind_without_a_year_follows_the_last_year_that_has_its_rules() -> None:
    assert newest_year(PACKAGE, "monthly_brackets", "non_resident") == 2100
    assert newest_year(PACKAGE, "separate_bonus", "monthly_brackets") == 2027


def test_a_year_whose_last_day_has_no_rule_is_not_the_newest(tmp_path: Path) -> None:
    own = tmp_path / "income_tax.toml"
    own.write_text(
        '[[separate_bonus]]\neffective_from = 2019-01-01\neffective_to = 2025-06-30\n'
        'citation = "a lapse in summer"\nevidence = "assumption"\n'
    )  # fmt: skip
    assert newest_year(rulebook_with(own), "separate_bonus") == 2024


def test_the_rules_of_the_book_that_is_given_are_used(tmp_path: Path) -> None:
    (tmp_path / "taxes.toml").write_text(
        '[[late_fee]]\nrate = "0.001"\neffective_from = 2001-05-01\n'
        'citation = "twice as much"\nevidence = "assumption"\n'
    )
    late = [case("late_fee", {"tax": "1000", "days": 1}, {"fee": "0.5"})]
    assert check(late).failed == 0
    assert only(check(late, book=rulebook_with(tmp_path))).got == "1.00"


# --- what is equal ------------------------------------------------------------------------------------------

BETTER = {"tax_year": 2025, "bonus": "36000", "other_taxable_income": "50000"}
MIXED = {
    "date": "2026-05-01",
    "separately_listed": True,
    "parts": [{"item": "sale_contract", "amount": "1000"}, {"item": "sale_contract", "amount": "10000"}],
}
EXEMPT = {
    "tax_year": 2025, "gross_comprehensive_income": "120000", "balance_due": "5000", "withheld_properly": True
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "inputs", "key", "value", "equal"),
    [
        ("iit.bonus_compare", BETTER, "saving", "2520", True),
        ("iit.bonus_compare", BETTER, "saving", "2520.000", True),
        ("iit.bonus_compare", BETTER, "saving", 2520, True),
        ("iit.bonus_compare", BETTER, "saving", "2520.001", False),
        ("iit.bonus_compare", BETTER, "saving", "2520.01", False),
        ("iit.bonus_compare", BETTER, "saving", "-2520", False),
        ("iit.bonus_compare", BETTER, "saving", 2520.0, False),
        ("iit.bonus_compare", BETTER, "saving", "2,520", False),
        ("iit.bonus_compare", BETTER, "saving", "２５２０", False),
        ("iit.bonus_compare", BETTER, "saving", "2520\n", False),
        ("iit.bonus_compare", BETTER, "saving", "NaN", False),
        ("iit.bonus_compare", BETTER, "saving", "2.52E3", False),
        ("iit.bonus_compare", BETTER, "saving", None, False),
        ("iit.bonus_compare", BETTER, "saving", ["2520"], False),
        ("iit.bonus_compare", BETTER, "better", "separate", True),
        ("iit.bonus_compare", BETTER, "better", "Separate", False),
        ("iit.bonus_compare", BETTER, "better", True, False),
        ("stamp.mixed", MIXED, "taxes", ["0.30", "3"], True),
        ("stamp.mixed", MIXED, "taxes", ["3", "0.30"], False),
        ("stamp.mixed", MIXED, "taxes", ["0.30"], False),
        ("stamp.mixed", MIXED, "taxes", [], False),
        ("stamp.mixed", MIXED, "taxes", ["0.30", "3", "0"], False),
        ("stamp.mixed", MIXED, "taxes", "0.30", False),
        ("stamp.mixed", MIXED, "taxes", {"0": "0.30"}, False),
        ("iit.settlement_exemption", EXEMPT, "must_settle", False, True),
        ("iit.settlement_exemption", EXEMPT, "must_settle", True, False),
        ("iit.settlement_exemption", EXEMPT, "must_settle", 0, False),
        ("iit.settlement_exemption", EXEMPT, "must_settle", "false", False),
        ("iit.settlement_exemption", EXEMPT, "must_settle", None, False),
        ("iit.annual_tax", {"tax_year": 2025, "taxable_income": "100"}, "tax", True, False),
        ("late_fee", {"tax": "2000", "days": 1}, "fee", True, False),  # True is no 1
    ],
)
def test_amounts_compare_as_numbers_and_all_else_exactly(
    kind: str, inputs: Inputs, key: str, value: object, equal: bool
) -> None:
    report = check([case(kind, inputs, {key: value})])
    assert (report.passed, report.failed) == ((1, 0) if equal else (0, 1))
    if not equal:
        found = only(report)
        assert (found.id, found.kind, found.key, found.detail) == ("X-1", kind, key, None)


def test_every_wrong_key_of_a_case_is_a_mismatch_and_the_case_fails_once() -> None:
    wrong = case("iit.bonus_compare", BETTER, {"tax_separate": "1", "better": "merge", "saving": "2520"})
    report = check([*CASES, wrong])
    assert (report.passed, report.failed) == (len(CASES), 1)
    assert report.mismatches == (
        Mismatch("X-1", "iit.bonus_compare", "tax_separate", "1", "1080.00"),
        Mismatch("X-1", "iit.bonus_compare", "better", "merge", "separate"),
    )


def test_what_does_not_apply_is_no_amount() -> None:
    whole_year = case("iit.settlement", {"tax_year": 2025, "wages": "1"}, {"increment": "0"})
    assert only(check([whole_year])).got is None


@given(st.sampled_from(CASES), st.integers(0, 10**12), st.data())
def test_an_answer_that_is_fed_back_passes_and_a_fen_more_fails(
    shared: dict[str, Any], fen: int, data: st.DataObject
) -> None:
    """Whatever an amount of a case is changed to, it is its own answer, and no other is."""
    own = copy.deepcopy(shared)
    amounts = [key for key, value in own["inputs"].items() if isinstance(value, str) and value.isdigit()]
    if amounts and own["kind"] != "iit.bonus_trap_upper":
        own["inputs"][data.draw(st.sampled_from(amounts))] = f"{fen // 100}.{fen % 100:02}"
    own["expected"] = dict.fromkeys(KINDS[own["kind"]].answers, "?")
    answers = {found.key: found.got for found in check([own]).mismatches}
    if answers.keys() != own["expected"].keys():
        (code,) = answers.values()
        assert code in catalogue()
        return
    own["expected"] = {key: value for key, value in answers.items() if value is not None}
    assert check([own]).failed == 0
    for key, value in own["expected"].items():
        if isinstance(value, str) and value[0].isdigit():
            wrong = {**own, "expected": {**own["expected"], key: value + "1"}}
            assert only(check([wrong])).key == key


# --- what is reported instead -------------------------------------------------------------------------------

TAXED = {"tax_year": 2025, "taxable_income": "36000"}


@pytest.mark.parametrize(
    ("kind", "inputs", "key", "code"),
    [
        ("iit.poll_tax", {}, "kind", "case_kind_unknown"),
        ("", {}, "kind", "input_value_malformed"),
        ("iit.annual_tax", {**TAXED, "colour": "red"}, "colour", "case_input_unknown"),
        ("iit.annual_tax", {"tax_year": 2025}, "taxable_income", "input_key_missing"),
        ("iit.annual_tax", [], "inputs", "input_value_malformed"),
        ("iit.annual_tax", None, "inputs", "input_value_malformed"),
        ("iit.annual_tax", {**TAXED, "taxable_income": 36000.0}, "taxable_income", "input_value_malformed"),
        ("iit.annual_tax", {**TAXED, "taxable_income": "1.001"}, "taxable_income", "input_value_malformed"),
        ("iit.annual_tax", {**TAXED, "taxable_income": "--1"}, "taxable_income", "input_value_malformed"),
        ("iit.annual_tax", {**TAXED, "taxable_income": True}, "taxable_income", "input_value_malformed"),
        ("iit.annual_tax", {**TAXED, "taxable_income": 10**5000}, "taxable_income", "input_value_malformed"),
        ("iit.annual_tax", {**TAXED, "tax_year": "2025"}, "tax_year", "input_value_malformed"),
        ("iit.annual_tax", {**TAXED, "tax_year": 2018}, "tax_year", "input_value_malformed"),
        ("iit.annual_tax", {**TAXED, "tax_year": True}, "tax_year", "input_value_malformed"),
        ("iit.bonus_separate", {"tax_year": 2028, "bonus": "1"}, "inputs", "bonus_mode_not_in_force"),
        ("iit.bonus_separate", {"tax_year": 2025, "bonus": "-1"}, "bonus", "input_value_malformed"),
        ("iit.bonus_trap_upper", {"lower": "36001"}, "inputs", "bonus_trap_unknown"),
        ("iit.bonus_trap_upper", {"lower": "36000", "tax_year": 2028}, "inputs", "bonus_mode_not_in_force"),
        ("iit.withhold_wage", {"months": []}, "months", "input_value_malformed"),
        ("iit.withhold_wage", {"months": {"month": 1}}, "months", "input_value_malformed"),
        ("iit.withhold_wage", {"months": [{"month": 1}]}, "months[0]", "input_value_malformed"),
        ("iit.withhold_wage", {"months": [{"month": 13, "wage": "1"}]}, "months[0].month",
         "input_value_malformed"),
        (
            "iit.withhold_wage",
            {"months": [{"month": 1, "wage": "1"}, {"month": 1, "wage": "x"}]},
            "months[1].wage",
            "input_value_malformed",
        ),
        (
            "iit.withhold_wage",
            {"months": [{"month": 2, "wage": "1"}, {"month": 1, "wage": "1"}]},
            "inputs",
            "withholding_months_disordered",
        ),
        ("iit.withhold_other", {"tax_year": 2025, "type": "rent", "amount": "1"}, "type",
         "input_value_malformed"),
        ("iit.settlement", {"tax_year": 2025, "bonus_mode": "apart"}, "bonus_mode", "input_value_malformed"),
        ("iit.settlement", {"tax_year": 2025, "base_taxable": "1"}, "inputs", "input_keys_conflict"),
        ("iit.sad", {**CARE, "item": "dog"}, "item", "deduction_unknown"),
        ("iit.sad", {**CARE, "share": "0.7"}, "share", "deduction_share_not_allowed"),
        ("iit.sad", {**CARE, "item": "medical"}, "item", "deduction_by_cost"),
        ("iit.sad", {**CARE, "share": 0.5}, "share", "input_value_malformed"),
        ("iit.sad", {**CARE, "months": 13}, "months", "input_value_malformed"),
        ("iit.settlement_exemption", {**EXEMPT, "withheld_properly": 1}, "withheld_properly",
         "input_value_malformed"),
        ("late_fee", {"tax": "1", "days": -1}, "days", "input_value_malformed"),
        ("late_fee", {"tax": "1", "days": "1"}, "days", "input_value_malformed"),
        ("stamp.document", CONTRACT, "amount", "input_key_missing"),
        ("stamp.document", {**CONTRACT, "amount": "0"}, "inputs", "amount_not_positive"),
        ("stamp.document", {**CONTRACT, "amount": "1", "amount_fx": "1"}, "amount", "case_inputs_conflict"),
        ("stamp.document", {**CONTRACT, "amount_fx": "1"}, "currency", "input_key_missing"),
        ("stamp.document", {**CONTRACT, "amount": "1", "date": "2022-06-30"}, "inputs", "no_rule_on_date"),
        ("stamp.document", {**CONTRACT, "amount": 1, "date": "2023-02-29"}, "date", "input_value_malformed"),
        ("stamp.document", {**CONTRACT, "amount": "1", "date": 20230228}, "date", "input_value_malformed"),
        ("stamp.document", {**CONTRACT, "amount": "1", "item": "poem"}, "inputs", "stamp_duty_item_unknown"),
        ("stamp.document", {**CONTRACT, "amount": "1", "item": 5}, "item", "input_value_malformed"),
        (
            "stamp.document",
            {**CONTRACT, "amount": "1", "half_relief": "yes"},
            "half_relief",
            "input_value_malformed",
        ),
        (
            "stamp.document",
            {**CONTRACT, "amount_fx": "1", "currency": "usd", "central_parity": "7"},
            "inputs",
            "currency_malformed",
        ),
        ("stamp.document", {**CONTRACT, "amount_fx": 1.5}, "amount_fx", "input_value_malformed"),
        ("stamp.securities", {"date": "2026-01-01", "amount": "1", "side": "both"}, "side",
         "input_value_malformed"),
        ("stamp.mixed", {"date": "2026-01-01", "separately_listed": True, "parts": []}, "inputs",
         "parts_missing"),
        (
            "stamp.multi",
            {"date": "2026-01-01", "documents": [{"item": "sale_contract", "amount": "1", "side": "buy"}]},
            "documents[0]",
            "input_value_malformed",
        ),
        (
            "stamp.amendment",
            {"date": "2026-01-01", "item": "sale_contract", "old_amount": "1"},
            "inputs",
            "amendment_unclear",
        ),
        (
            "stamp.document_1988",
            {"date": "2022-07-01", "item": "purchase_sale_contract", "amount": "1"},
            "inputs",
            "no_rule_on_date",
        ),
    ],
)  # fmt: skip
def test_a_case_that_cannot_be_computed_is_a_mismatch_with_the_code(
    kind: str, inputs: object, key: str, code: str
) -> None:
    good = case("late_fee", {"tax": "2000", "days": 1}, {"fee": "1"}, "X-2")
    report = check([case(kind, inputs, {"tax": "0"}), good])
    assert (report.passed, report.failed) == (1, 1)
    (found,) = report.mismatches
    assert (found.id, found.kind, found.key, found.expected, found.got) == ("X-1", kind, key, None, code)
    assert found.detail
    assert found.detail_zh


def test_an_expected_key_that_the_kind_does_not_answer_is_a_mismatch() -> None:
    found = only(check([case("iit.annual_tax", TAXED, {"tax": "1080", "taxe": "1"})]))
    assert (found.key, found.expected, found.got) == ("taxe", "1", "case_answer_unknown")
    assert "tax" in (found.detail or "")


@pytest.mark.parametrize("key", ["id", "kind", "inputs", "expected"])
def test_a_case_that_lacks_a_member_is_a_mismatch(key: str) -> None:
    lame = case("iit.annual_tax", TAXED, {"tax": "1080"})
    del lame[key]
    found = only(check([lame]))
    assert (found.key, found.got) == (key, "input_key_missing")
    assert found.id == ("#1" if key == "id" else "X-1")


@pytest.mark.parametrize("lame", [None, 5, "late_fee", [], ["late_fee"], True, 1.5])
def test_what_is_no_case_is_a_mismatch_at_its_place(lame: object) -> None:
    report = check([case("late_fee", {"tax": "2000", "days": 1}, {"fee": "1"}), lame])
    assert (report.passed, report.failed) == (1, 1)
    assert report.mismatches[0].id == "#2"
    assert report.mismatches[0].got in ("input_value_malformed", "input_key_missing")


@pytest.mark.parametrize("expected", [{}, [], None, "1080"])
def test_a_case_that_expects_nothing_proves_nothing(expected: object) -> None:
    found = only(check([case("iit.annual_tax", TAXED, expected)]))
    assert (found.key, found.got) == ("expected", "input_value_malformed")


@pytest.mark.parametrize("cases", [None, 5, "cases", {"id": "X"}, {1, 2}])
def test_what_is_no_list_of_cases_is_refused(cases: object) -> None:
    with pytest.raises(InvalidInputError) as refused:
        check(cases)
    assert refused.value.code == "input_value_malformed"


def test_no_case_is_no_failure() -> None:
    assert check([]) == CaseReport(0, 0, ())


def test_members_beside_the_four_are_left_to_their_author() -> None:
    noted = case("late_fee", {"tax": "2000", "days": 1}, {"fee": "1"}) | {"note": "n", "source": 5}
    assert check([noted]).failed == 0


# --- files --------------------------------------------------------------------------------------------------


def test_cases_are_read_from_a_path_or_bytes(tmp_path: Path) -> None:
    content = json.dumps(CASES).encode()
    (tmp_path / "c.json").write_bytes(content)
    assert (
        read_cases(content)
        == read_cases(tmp_path / "c.json")
        == read_cases(str(tmp_path / "c.json"))
        == CASES
    )


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "input_not_json"),
        (b"cases", "input_not_json"),
        (b"{}", "input_not_json"),
        (b"null", "input_not_json"),
        (b"[] []", "input_not_json"),
        (b"[" * 100_000, "input_not_json"),
        (b"[" + b"9" * 5000 + b"]", "input_not_json"),
        (b"\xff\xfe[]", "input_not_json"),
        (b'[{"id": "1", "id": "2"}]', "input_key_repeated"),
        (b'[{"inputs": {"tax": "1", "tax": "2"}}]', "input_key_repeated"),
        (b" " * (MAX_BYTES + 1), "input_too_large"),
    ],
)
def test_a_file_that_is_no_list_of_cases_is_refused(tmp_path: Path, content: bytes, code: str) -> None:
    (tmp_path / "c.json").write_bytes(content)
    for source in (content, tmp_path / "c.json"):
        with pytest.raises(InvalidInputError) as refused:
            read_cases(source)
        assert refused.value.code == code


@pytest.mark.parametrize("name", ["none.json", ".", "a\0b"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        read_cases(f"{tmp_path}/{name}")
    assert refused.value.code == "input_file_unreadable"


def test_a_file_of_just_the_limit_is_read() -> None:
    assert read_cases(b"[" + b" " * (MAX_BYTES - 2) + b"]") == []


# --- anything at all ----------------------------------------------------------------------------------------

scalars = (
    st.none() | st.booleans() | st.integers(-(10**19), 10**19) | st.floats() | st.text(max_size=8)
    | st.sampled_from(["0", "1", "0.5", "-1", "36000", "17000.00", "9" * 30, "2023-04-20", "2022-06-30"])
    | st.sampled_from(["sale_contract", "securities", "permit_or_licence", "buy", "merge", "labour", "USD"])
    | st.integers(2018, 2030)
)  # fmt: skip
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["item", "amount", "month", "wage", "sad", "x"]), inner, max_size=4)
    ),
    max_leaves=6,
)
keys = sorted({key for kind in KINDS.values() for key in {**kind.needs, **kind.may}})


@st.composite
def odd_cases(draw: st.DrawFn) -> dict[str, object]:
    """A case of a known kind, with any values for some of its inputs and for what is expected."""
    kind = draw(st.sampled_from(sorted(KINDS)))
    shared = draw(st.sampled_from([case for case in CASES if case["kind"] == kind]))
    changed = draw(st.dictionaries(st.sampled_from(list({**KINDS[kind].needs, **KINDS[kind].may})), anything))
    more = draw(st.dictionaries(st.sampled_from(keys), anything, max_size=1))
    inputs = {**shared["inputs"], **changed, **more}
    return case(kind, inputs, draw(st.dictionaries(st.sampled_from(KINDS[kind].answers), anything)))


@given(st.lists(odd_cases() | anything, max_size=3))
@example([case("iit.sad", {**CARE, "share": "0.0"}, {"amount": "0"})])
@example([case("stamp.document", {**CONTRACT, "amount": "1" * 15, "vat": "1" * 15}, {"base": "0"})])
def test_any_case_passes_or_is_reported(cases: list[object]) -> None:
    report = check(cases)
    assert report.passed + report.failed == len(cases)
    assert (report.failed == 0) == (report.mismatches == ())
    for found in report.mismatches:
        json.dumps([found.id, found.kind, found.key, found.expected, found.got], allow_nan=False)
        assert found.detail is None or found.got in catalogue()


@given(st.binary(max_size=300) | anything.map(lambda value: json.dumps(value).encode()))
@example(
    b'[{"id": "a", "kind": "late_fee", "inputs": ' + b"[" * 900 + b"]" * 900 + b', "expected": {"fee": 1}}]'
)
@example(b'[{"id": "a", "kind": "late_fee", "inputs": {"tax": ' + b"[" * 900 + b"]" * 900 + b"}}]")
def test_any_file_is_checked_or_refused_by_name(content: bytes) -> None:
    try:
        cases = read_cases(content)
    except InvalidInputError:
        return
    json.dumps([found.expected for found in check(cases).mismatches])


def test_deep_nesting_is_reported_in_short() -> None:
    deep: list[object] = []
    for _ in range(500):
        deep = [deep]
    found = only(check([case("late_fee", {"tax": deep, "days": 1}, {"fee": "1"})]))
    assert found.got == "input_value_malformed"
    found = only(check([case("late_fee", {"tax": "2000", "days": 1}, {"fee": [deep, 1.5, "1"]})]))
    assert found.expected == ["…", "1.5", "1"]


def test_the_day_of_a_case_may_be_any_that_the_rulebook_covers() -> None:
    for day in (date(1988, 10, 1), date(2022, 6, 30)):
        inputs = {"date": day.isoformat(), "item": "purchase_sale_contract", "amount": "1000000"}
        assert check([case("stamp.document_1988", inputs, {"tax_per_party": "300"})]).failed == 0


@pytest.mark.parametrize(
    ("kind", "inputs", "expected"),
    [
        ("iit.sad", {**CARE, "date": "2021-12-31"}, {"amount": "0"}),
        ("iit.sad", {**CARE, "date": "2022-01-01"}, {"amount": "12000"}),
        (
            "stamp.document",
            {**CONTRACT, "amount": "1000000", "half_relief": True, "date": "2027-12-31"},
            {"tax_per_party": "150"},
        ),
        (
            "stamp.document",
            {**CONTRACT, "amount": "1000000", "half_relief": True, "date": "2028-01-01"},
            {"tax_per_party": "300"},
        ),
        (
            "stamp.multi",
            {
                "date": "2028-01-01",
                "half_relief": True,
                "documents": [{"item": "sale_contract", "amount": "1000000"}],
            },
            {"total": "300"},
        ),
    ],
)
def test_before_and_after_a_relief_or_deduction_a_case_comes_to_what_the_law_gives(
    kind: str, inputs: dict[str, object], expected: dict[str, str]
) -> None:
    case = {"id": "edge", "kind": kind, "inputs": inputs, "expected": expected}
    report = check([case])
    assert report.mismatches == ()
