"""``ecny-tax tax``: quotes with all their options, lists, the rules in force, and worked cases."""

from __future__ import annotations

import json
import os
import pty
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.conftest import ANNUAL_RETURN, LATE_FEE, Inside, run_inside
from tests.cli.process import Answer, Cli, one_object
from tests.support import company_id, company_name, person_id, person_name, phone_number

SHARED = Path(__file__).parents[1] / "cases/tax-cases.json"
Quote = Callable[..., dict[str, Any]]


@pytest.fixture
def asked(inside: Inside) -> Callable[..., Answer]:
    """Run a command under ``tax`` in spring 2023, as JSON."""
    return lambda *words: inside("tax", *words, "--json", "--now", "2023-04-20")


@pytest.fixture
def stamp_duty(asked: Callable[..., Answer]) -> Callable[..., Answer]:
    """Quote stamp duty with these options."""
    return lambda options: asked("quote", "stamp-duty", *options.split())


def written(folder: Path, content: object, name: str = "f.json") -> str:
    (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return name


@pytest.mark.parametrize(
    ("command", "content"),
    [
        ("tax check f.json", [LATE_FEE]),
        ("tax quote income-tax --input f.json", ANNUAL_RETURN),
        ("tax quote withholding --input f.json", {"months": [{"month": 1, "wage": "15000"}]}),
        ("refund --wallet {wallet} --tax income-tax --input f.json", ANNUAL_RETURN),
    ],
)
def test_a_file_may_begin_with_the_mark_of_windows_editors(cli: Cli, command: str, content: object) -> None:
    (cli.folder / "f.json").write_text(json.dumps(content), encoding="utf-8-sig")
    wallet = "-"
    if "{wallet}" in command:
        holder = ("--name", person_name(), "--id", person_id(), "--phone", phone_number())
        wallet = cli("wallet", "open", "--kind", "personal", "--operator", "BOC", *holder)["wallet_id"]
    assert cli(*command.format(wallet=wallet).split())


def test_the_statements_of_agents_show_ids_of_parties_and_no_names(cli: Cli) -> None:
    holder = ("--name", company_name(), "--id", company_id(), "--operator", "ICBC")
    wallet = cli("wallet", "open", "--kind", "corporate", *holder)["wallet_id"]
    given = {"tax_year": 2022, "name": person_name(), "id_number": person_id(), "wages": "1"}
    declared = cli(
        "bill", "declare", "withholding", "--wallet", wallet, "--input", written(cli.folder, given)
    )
    (found,) = cli("bill", "withholdings")["withholdings"]
    assert found == declared
    for shown in (cli.text("bill", "withholdings"), cli.text("bill", "withholdings", "--lang", "zh")):
        assert found["agent"] in shown
        assert found["person"] in shown
        assert not any(
            secret in shown for secret in (person_name(), person_id(), company_name(), company_id())
        )
    assert "已缴金额" in shown


# --- worked cases -------------------------------------------------------------------------------------------


def test_every_shared_case_passes(cli: Cli) -> None:
    found = cli.run("tax", "check", SHARED, "--json", "--db", "no/such/folder.db")
    assert found.document == {"passed": len(json.loads(SHARED.read_text())), "failed": 0, "mismatches": []}
    assert list(cli.folder.iterdir()) == []
    assert cli.text("tax", "check", SHARED) == f"{found.document['passed']} passed, 0 failed\n"


def test_one_wrong_expectation_is_shown_and_ends_with_6(tmp_path: Path, asked: Callable[..., Answer]) -> None:
    file = written(tmp_path, [LATE_FEE, LATE_FEE | {"id": "W", "expected": {"fee": "1.01"}}])
    answer = asked("check", file)
    assert answer.exit_code == 6
    wrong = {"id": "W", "kind": "late_fee", "key": "fee", "expected": "1.01", "got": "1.00"}
    document = one_object(answer.stdout)
    assert (document["passed"], document["failed"]) == (1, 1)
    assert [{key: found[key] for key in wrong} for found in document["mismatches"]] == [wrong]
    assert answer.complaint["code"] == "cases_failed"


@pytest.mark.parametrize(
    ("language", "lines"),
    [
        (
            "en",
            [
                "W late_fee fee: expected 1.01, got 1.00",
                "M stamp.mixed taxes: expected 1, 2, got 1,000.00",
                "R late_fee days: input_value_malformed, days cannot be -1; what is accepted: 0 … 36525;",
                r"E\x1b[31m late_fee colour: case_answer_unknown, late_fee does not answer colour; ",
                "0 passed, 4 failed",
            ],
        ),
        (
            "zh",
            ["W late_fee fee：预期 1.01，实为 1.00", "M ", "R late_fee days：", "E", "0 个通过，4 个不符"],
        ),
    ],
)
def test_mismatches_are_shown_line_by_line(
    tmp_path: Path, inside: Inside, language: str, lines: list[str]
) -> None:
    parts = [{"item": "sale_contract", "amount": "3333333.33"}]
    mixed = {"date": "2026-05-01", "separately_listed": True, "parts": parts}
    cases = [
        LATE_FEE | {"id": "W", "expected": {"fee": "1.01"}},
        LATE_FEE | {"id": "M", "kind": "stamp.mixed", "inputs": mixed, "expected": {"taxes": [1, "2"]}},
        LATE_FEE | {"id": "R", "inputs": {"tax": "1", "days": -1}},
        LATE_FEE | {"id": "E\x1b[31m", "expected": {"colour": "red"}},
    ]
    answer = inside("tax", "check", written(tmp_path, cases), "--lang", language)
    assert answer.exit_code == 6
    shown = answer.stdout.splitlines()
    assert len(shown) == len(lines)
    for line, start in zip(shown, lines, strict=True):
        assert line.startswith(start)
    assert "(cases_failed)" in answer.stderr


def test_a_refused_case_shows_the_code_and_the_others_are_checked(
    tmp_path: Path, asked: Callable[..., Answer]
) -> None:
    lapsed = {
        "id": "R",
        "kind": "iit.bonus_separate",
        "inputs": {"tax_year": 2028, "bonus": "1"},
        "expected": {"tax": "0.03"},
    }
    answer = asked("check", written(tmp_path, [lapsed, LATE_FEE, {}]))
    document = one_object(answer.stdout)
    assert (document["passed"], document["failed"]) == (1, 2)
    assert [found["got"] for found in document["mismatches"]] == [
        "bonus_mode_not_in_force",
        "input_key_missing",
    ]


@pytest.mark.parametrize(
    ("code", "content"),
    [
        ("input_not_json", b""),
        ("input_not_json", b"cases"),
        ("input_not_json", b'{"id": "X"}'),
        ("input_not_json", b"null"),
        ("input_not_json", b"[[[["),
        ("input_not_json", b"[" * 50_000),
        ("input_not_json", b"\xff[]"),
        ("input_key_repeated", b'[{"id": "1", "id": "1"}]'),
        ("input_too_large", b"[" + b" " * 4_300_000 + b"]"),
    ],
)
def test_a_malformed_file_of_cases_is_refused(
    tmp_path: Path, asked: Callable[..., Answer], code: str, content: bytes
) -> None:
    (tmp_path / "f.json").write_bytes(content)
    problem = asked("check", "f.json").problem
    assert (problem["exit_code"], problem["code"]) == (2, code)


def test_a_missing_file_of_cases_is_refused(asked: Callable[..., Answer]) -> None:
    assert asked("check", "none.json").problem["code"] == "input_file_unreadable"
    assert asked("check", ".").problem["code"] == "input_file_unreadable"


def test_no_case_at_all_is_no_failure(tmp_path: Path, asked: Callable[..., Answer]) -> None:
    assert asked("check", written(tmp_path, [])).document == {"passed": 0, "failed": 0, "mismatches": []}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(data=st.data())
def test_an_arbitrary_file_of_cases_ends_with_a_documented_exit_code(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Shared cases with members, inputs and expectations replaced by anything; whole files of anything."""
    case = dict(data.draw(st.sampled_from(json.loads(SHARED.read_text()))))
    for key in data.draw(st.lists(st.sampled_from(["id", "kind", "inputs", "expected"]), max_size=2)):
        given = case[key]
        if key in ("inputs", "expected") and isinstance(given, dict) and given and data.draw(st.booleans()):
            case[key] = given | data.draw(st.dictionaries(st.sampled_from(sorted(given)), json_values))
        else:
            case[key] = data.draw(json_values)
    content = data.draw(st.sampled_from([[case], case]) | json_values)
    file = tmp_path_factory.getbasetemp() / "any-cases.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    for options in (("--json",), (), ("--lang", "zh")):
        answer = run_inside("tax", "check", str(file), *options)
        assert answer.exit_code in (0, 2, 6), answer
        assert "Traceback" not in answer.stderr
        if options == ("--json",) and answer.exit_code != 2:
            document = one_object(answer.stdout)
            assert isinstance(content, list)
            assert document["passed"] + document["failed"] == len(content)
            assert (answer.exit_code == 6) == (document["failed"] > 0)


# --- quotes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ("--item sale_contract --base 1000000", {"base": "1000000.00", "tax": "300.00", "pieces": None}),
        ("--item sale_contract --base 1000000 --vat 130000", {"base": "1000000.00", "tax": "300.00"}),
        ("--item sale_contract --base 1000000 --vat 130000 --vat-listed", {"base": "1000000.00"}),
        ("--item sale_contract --base 1000000 --vat 130000 --vat-not-listed", {"base": "1130000.00"}),
        ("--item sale_contract --base 1130000 --vat 130000 --amount-includes-vat", {"base": "1000000.00"}),
        (
            "--item sale_contract --base 1130000 --vat 130000 --vat-not-listed --amount-includes-vat",
            {"base": "1130000.00", "tax": "339.00"},
        ),
        ("--item sale_contract --base 1000 --vat 0", {"base": "1000.00"}),
        (
            "--item sale_contract --base 1000000 --exemption armed_forces",
            {"tax": "0.00", "exemption": "armed_forces"},
        ),
        (
            "--item sale_contract --base 1000000 --half-relief --taxpayer-kind sole_trader",
            {"tax": "150.00", "relief": "six_taxes_two_fees"},
        ),
        (
            "--item permit_or_licence --pieces 3 --on 2021-05-10",
            {"base": None, "pieces": 3, "tax": "15.00"},
        ),
        ("--item securities --base 1000000 --side sell", {"tax": "1000.00"}),
    ],
)
def test_a_quote_of_stamp_duty(
    stamp_duty: Callable[..., Answer], options: str, found: dict[str, object]
) -> None:
    document = stamp_duty(options).document
    assert {key: document[key] for key in found} == found
    assert document["steps"][-1]["amount"] == document["tax"]


@pytest.mark.parametrize(
    ("exit_code", "code", "options"),
    [
        (2, "base_required", "--item sale_contract"),
        (2, "pieces_required", "--item permit_or_licence --base 1 --on 2021-05-10"),
        (2, "pieces_required", "--item permit_or_licence --on 2021-05-10"),
        (2, "pieces_not_applicable", "--item sale_contract --base 1 --pieces 1"),
        (2, "pieces_malformed", "--item permit_or_licence --pieces 0 --on 2021-05-10"),
        (2, "usage", "--item permit_or_licence --pieces many --on 2021-05-10"),
        (2, "exemption_unknown", "--item sale_contract --base 1 --exemption because"),
        (3, "exemption_not_applicable", "--item lease_contract --base 1 --exemption farming"),
        (3, "exemption_not_in_force", "--item sale_contract --base 1 --exemption restructuring"),
        (2, "taxpayer_kind_unknown", "--item sale_contract --base 1 --half-relief --taxpayer-kind king"),
        (2, "option_needs", "--item sale_contract --base 1 --taxpayer-kind sole_trader"),
        (2, "option_needs", "--item sale_contract --vat 1"),
        (2, "option_needs", "--item sale_contract --base 1 --vat-not-listed"),
        (2, "option_needs", "--item sale_contract --base 1 --amount-includes-vat"),
        (2, "vat_above_amount", "--item sale_contract --base 1 --vat 1.01"),
        (2, "amount_malformed", "--item sale_contract --base 1 --vat=-1"),
    ],
)
def test_a_quote_of_stamp_duty_that_is_refused(
    stamp_duty: Callable[..., Answer], exit_code: int, code: str, options: str
) -> None:
    problem = stamp_duty(options).problem
    assert (problem["exit_code"], problem["code"]) == (exit_code, code)


@pytest.mark.parametrize(
    ("item", "day"), [("sale_contract", "2022-06-30"), ("permit_or_licence", "2022-07-01")]
)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_item_of_the_other_law_is_pointed_to_those_of_its_day(
    stamp_duty: Callable[..., Answer], item: str, day: str, language: str
) -> None:
    problem = stamp_duty(f"--item {item} --base 1 --on {day} --lang {language}").problem
    assert problem["code"] == "no_rule_on_date"
    assert f"`tax items --on {day}`" in problem["hint"]


def test_the_whole_list_of_what_is_known_is_told(stamp_duty: Callable[..., Answer]) -> None:
    problem = stamp_duty(f"--item sale_contract --base 1 --exemption {'x' * 200}").problem
    assert problem["hint"].startswith(f"use one of: {problem['known']};")
    assert len(problem["known"]) > 80
    assert "xx… is no reason" in problem["detail"]


@pytest.mark.parametrize("option", ["--vat-listed", "--vat-not-listed"])
def test_an_option_that_needs_another_is_named_as_it_was_given(
    stamp_duty: Callable[..., Answer], option: str
) -> None:
    problem = stamp_duty(f"--item sale_contract --base 1 {option}").problem
    assert (problem["code"], problem["option"], problem["needed"]) == ("option_needs", option, "--vat")


def test_a_quote_of_income_tax_shows_its_steps_and_says_its_assumption(
    tmp_path: Path, inside: Inside
) -> None:
    file = written(tmp_path, ANNUAL_RETURN)
    document = inside("tax", "quote", "income-tax", "--input", file, "--json").document
    assert (document["tax"], document["refund"]) == ("2280.00", "720.00")
    assert {"label", "label_zh", "amount", "citation"} <= document["steps"][0].keys()
    assert document["assumption"].startswith("the figures given stand for the tax authority's own record")
    shown = inside("tax", "quote", "income-tax", "--input", file).stdout
    assert "Less the basic deduction" in shown
    assert "stand for the tax authority's own record" in shown
    chinese = inside("tax", "quote", "income-tax", "--input", file, "--lang", "zh").stdout
    assert "减除费用" in chinese
    assert "视同税务机关" in chinese


def test_a_quote_of_withholding_is_by_the_month_or_by_the_payment(
    tmp_path: Path, asked: Callable[..., Answer]
) -> None:
    months = [{"month": month, "wage": "8000", "social": "2000", "sad": 0} for month in range(1, 13)]
    wages = written(tmp_path, {"months": months, "annual_60000_from_january": True})
    document = asked("quote", "withholding", "--input", wages).document
    assert document["tax"] == ["0.00"] * 10 + ["180.00"] * 2
    assert document["total"] == "360.00"
    assert document["months"][-1] == {
        "month": 12, "taxable": "12000.00", "tax_so_far": "360.00", "tax": "180.00"
    }  # fmt: skip
    pay = written(tmp_path, {"tax_year": 2019, "type": "author", "amount": 40000})
    assert asked("quote", "withholding", "--input", pay).document["tax"] == "4480.00"


def test_a_quote_of_withholding_without_a_year_is_about_this_year(tmp_path: Path, inside: Inside) -> None:
    file = written(tmp_path, {"months": [{"month": 7, "wage": "30000"}], "first_wage_of_year": True})
    words = ("tax", "quote", "withholding", "--input", file, "--json", "--now")
    assert inside(*words, "2023-04-20").document["tax"] == ["0.00"]
    assert inside(*words, "2019-04-20").problem["code"] == "withholding_way_not_in_force"


@pytest.mark.parametrize(
    ("code", "content"),
    [
        ("input_not_json", []),
        ("input_not_json", None),
        ("input_key_missing", {}),
        ("case_input_unknown", {"months": [], "wage": "1"}),
        ("case_input_unknown", {"type": "labour", "amount": "1", "month": 1}),
        ("input_value_malformed", {"months": []}),
        ("input_value_malformed", {"type": "rent", "amount": "1"}),
        ("input_value_malformed", {"type": "labour", "amount": 1.5}),
        ("input_value_malformed", {"tax_year": "2023", "type": "labour", "amount": "1"}),
    ],
)
def test_a_quote_of_withholding_that_is_refused(
    tmp_path: Path, asked: Callable[..., Answer], code: str, content: object
) -> None:
    problem = asked("quote", "withholding", "--input", written(tmp_path, content)).problem
    assert (problem["exit_code"], problem["code"]) == (2, code)


# --- lists --------------------------------------------------------------------------------------------------


def test_items_that_go_by_the_piece_say_what_one_costs(inside: Inside, asked: Callable[..., Answer]) -> None:
    items = asked("items", "--on", "2021-05-10").document["items"]
    each = {item["item"]: item["each"] for item in items}
    assert each["permit_or_licence"] == "5.00"
    assert each["purchase_sale_contract"] is None
    assert "each" in inside("tax", "items", "--on", "2021-05-10").stdout.splitlines()[0]
    assert "each" not in inside("tax", "items", "--on", "2023-04-20").stdout.splitlines()[0]


def test_exemptions_are_those_of_the_day_with_their_citations(asked: Callable[..., Answer]) -> None:
    spring = asked("exemptions").document["exemptions"]
    assert {"armed_forces", "farming", "e_commerce"} <= {found["code"] for found in spring}
    assert all(found["citation"] and found["name_zh"] for found in spring)
    later = asked("exemptions", "--on", "2024-12-01").document["exemptions"]
    assert {found["code"] for found in later} - {found["code"] for found in spring} == {"restructuring"}


def test_deductions_are_those_of_the_day(inside: Inside, asked: Callable[..., Answer]) -> None:
    def amounts(day: str) -> dict[str, object]:
        found = asked("deductions", "--on", day).document["deductions"]
        return {row["code"]: row["amount"] for row in found}

    assert amounts("2022-12-31")["child_education"] == "1000.00"
    assert amounts("2023-01-01")["child_education"] == "2000.00"
    assert "infant_care" not in amounts("2021-12-31")
    medical = asked("deductions").document["deductions"][-1]
    assert (medical["code"], medical["threshold"], medical["cap"]) == ("medical", "15000.00", "80000.00")
    assert asked("deductions").document["deductions"][0]["shares"] == ["1", "0.5"]
    assert amounts("2018-12-31") == {}
    assert inside("tax", "deductions", "--on", "2018-12-31").exit_code == 0


def test_a_household_is_told_in_chinese_who_claims(inside: Inside, cli: Cli) -> None:
    claims = [{"item": "infant_care"}, {"item": "continuing_education", "person": "month"}]
    name = written(cli.folder, {"tax_year": 2025, "claims": claims})
    shown = inside("tax", "quote", "deductions", "--input", name, "--lang", "zh").stdout
    assert "taxpayer" not in shown
    assert "本人：3岁以下婴幼儿照护，每月 2,000.00 × 1 个子女 × 12 个月" in shown
    assert ["本人", "24,000.00"] in [line.split() for line in shown.splitlines()]
    assert ["month", "4,800.00"] in [line.split() for line in shown.splitlines()]  # a name stays as it is
    answer = inside("tax", "quote", "deductions", "--input", name, "--lang", "zh", "--json").document
    assert [row["person"] for row in answer["people"]] == ["taxpayer", "month"]


# --- the rules in force -------------------------------------------------------------------------------------


def test_rules_are_every_figure_of_the_day(asked: Callable[..., Answer]) -> None:
    rules = asked("rules").document["rules"]
    assert {rule["file"] for rule in rules} == {
        "stamp_duty.toml", "income_tax.toml", "taxes.toml", "wallets.toml", "offline.toml",
        "scheme.toml",
    }  # fmt: skip
    sell = {
        day: rule
        for day in ("2023-08-27", "2023-08-28")
        for rule in asked("rules", "--on", day).document["rules"]
        if rule["code"] == "securities sell"
    }
    assert sell["2023-08-27"]["values"]["rate"] == "0.001"
    assert sell["2023-08-27"]["effective_to"] == "2023-08-27"
    assert sell["2023-08-28"]["values"]["rate"] == "0.0005"


def test_a_day_without_any_rule_is_told_with_the_first_that_has_one(inside: Inside) -> None:
    refused = inside("tax", "rules", "--on", "1988-09-30")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr.splitlines() == [
        "the rulebook has no rules on 1988-09-30 (no_rules_on_date)",
        "choose a date from 1988-10-01 on",
    ]
    assert inside("tax", "rules", "--on", "1988-09-30", "--json").problem["code"] == "no_rules_on_date"
    assert inside("tax", "rules", "--on", "1988-10-01", "--json").document["rules"]


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal is made with a pty")
@pytest.mark.parametrize("language", ["en", "zh"])
def test_rules_fit_a_terminal_of_eighty_columns(cli: Cli, language: str) -> None:
    """Long citations stand below their table, and no code or day is broken in two."""
    import fcntl
    import struct
    import subprocess
    import termios

    from rich.cells import cell_len

    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 80, 0, 0))
    words = cli.command("tax", "rules", "--on", "2023-04-20", "--lang", language)
    environment = cli.environment(TERM="dumb")
    with subprocess.Popen(words, cwd=cli.folder, env=environment, stdout=follower) as process:
        os.close(follower)
        shown = b""
        while True:
            try:
                part = os.read(leader, 65_536)
            except OSError:  # Linux says so when the other side has closed
                break
            if not part:
                break
            shown += part
        assert process.wait() == 0
    os.close(leader)
    lines = shown.decode().splitlines()
    assert max(cell_len(line) for line in lines) <= 80
    for word in (
        "property_insurance_contract",
        "2022-07-01",
        "annual_60000_from_january",
        "stamp_duty.toml: items",
    ):
        assert any(word in line for line in lines)
    assert any(line.startswith("[1] ") for line in lines)


# --- a user's own rules -------------------------------------------------------------------------------------


@pytest.fixture
def own_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of a sale is owed, a day of delay costs a tenth, and there is one more exemption."""
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "stamp_duty.toml").write_text(
        '[[items]]\ncode = "sale_contract"\nname_zh = "买卖合同"\nname_en = "Sale"\nrate = "0.5"\n'
        'base_zh = "价款"\nbase_en = "price"\neffective_from = 2022-07-01\ncitation = "my law"\n'
        'evidence = "assumption"\n'
        '[[exemptions]]\ncode = "mine"\nname_zh = "自定"\nname_en = "My own"\nitems = []\n'
        'effective_from = 2022-07-01\ncitation = "my law"\nevidence = "assumption"\n',
        encoding="utf-8",
    )
    (folder / "taxes.toml").write_text(
        '[[late_fee]]\nrate = "0.1"\neffective_from = 2001-05-01\ncitation = "my law"\n'
        'evidence = "assumption"\n'
    )
    (folder / "income_tax.toml").write_text(
        '[[basic_deduction]]\namount = "100000"\neffective_from = 2019-01-01\ncitation = "my law"\n'
        'evidence = "assumption"\n'
        '[[monthly_deduction]]\namount = "10000"\neffective_from = 2019-01-01\ncitation = "my law"\n'
        'evidence = "assumption"\n'
    )
    monkeypatch.setenv("ECNY_TAX_RULEBOOK", str(folder))


@pytest.mark.usefixtures("own_rules")
def test_every_command_follows_the_rules_of_the_user(tmp_path: Path, asked: Callable[..., Answer]) -> None:
    quoted = asked("quote", "stamp-duty", "--item", "sale_contract", "--base", "100").document
    assert (quoted["tax"], quoted["steps"][1]["citation"]) == ("50.00", "my law")
    exempt = asked(
        "quote", "stamp-duty", "--item", "sale_contract", "--base", "100", "--exemption", "mine"
    ).document
    assert exempt["tax"] == "0.00"
    assert "mine" in [found["code"] for found in asked("exemptions").document["exemptions"]]
    assert [
        found["rate"] for found in asked("items").document["items"] if found["item"] == "sale_contract"
    ] == ["0.5"]
    own = [rule["table"] for rule in asked("rules").document["rules"] if rule["citation"] == "my law"]
    assert own == ["items", "exemptions", "basic_deduction", "monthly_deduction", "late_fee"]
    settled = asked("quote", "income-tax", "--input", written(tmp_path, ANNUAL_RETURN)).document
    assert settled["taxable"] == "8000.00"  # 150,000 less 100,000, 18,000 and 24,000
    wages = written(tmp_path, {"months": [{"month": 1, "wage": "15000"}]})
    assert asked("quote", "withholding", "--input", wages).document["tax"] == ["150.00"]
    report = one_object(asked("check", written(tmp_path, [LATE_FEE])).stdout)
    assert [found["got"] for found in report["mismatches"]] == ["200.00"]
