"""What a refusal tells to do next fits what was asked, and in Chinese the program's own words are Chinese."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Inside, World
from tests.cli.process import TODAY

STATEMENT = "tax_year, name, id_number, wages, labour, author, royalty, bonus, withheld, bonus_mode"


def written(folder: Path, content: object, name: str = "f.json") -> str:
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / name).write_text(text, encoding="utf-8")
    return name


def problem(inside: Inside, world: World, command: str, *more: str) -> dict[str, Any]:
    return inside(*world.filled(command), *more, "--json", "--now", TODAY).problem


def test_an_unknown_key_is_answered_by_those_of_its_own_file(world: World, inside: Inside) -> None:
    written(world.folder, {"tax_year": 2022, "sad": "1"})
    found = problem(inside, world, "bill declare withholding --wallet {company} --input f.json")
    assert (found["code"], found["hint"]) == ("input_key_unknown", f"it may have these keys: {STATEMENT}")
    written(world.folder, {"tax_year": 2022, "wage": "1"})
    found = problem(inside, world, "tax quote income-tax --input f.json")
    assert "medical_self_pay" in found["hint"]
    assert "…" not in found["hint"]
    written(world.folder, {"tax_year": 2022, "claim": []})
    found = problem(inside, world, "tax quote deductions --input f.json")
    assert found["hint"] == "it may have these keys: tax_year, claims"


@pytest.mark.parametrize("given", [{"tax_year": 2025}, {}, {"month": []}])
def test_a_quote_of_withholding_says_what_it_is_about(
    world: World, inside: Inside, given: dict[str, object]
) -> None:
    written(world.folder, given)
    command = "tax quote withholding --input f.json"
    found = problem(inside, world, command)
    assert found["detail"] == "the input lacks the key months, or type and amount"
    assert problem(inside, world, command, "--lang", "zh")["detail"] == "输入缺少键 months，或 type 与 amount"


def test_cases_are_a_list_and_other_files_an_object(world: World, inside: Inside) -> None:
    written(world.folder, {})
    found = problem(inside, world, "tax check f.json")
    assert "not a list of cases" in found["detail"]
    assert found["hint"].startswith("write a list of cases in brackets, such as [{")
    written(world.folder, [])
    found = problem(inside, world, "tax quote income-tax --input f.json")
    assert "not one object" in found["detail"]
    assert found["hint"].startswith("write one object in braces")


def test_a_non_resident_has_a_wage_or_a_bonus(world: World, inside: Inside) -> None:
    found = problem(inside, world, "tax quote non-resident --wage 1 --bonus 1")
    assert (found["code"], found["what"]) == ("wage_or_bonus", "--wage, --bonus")
    assert found["hint"].startswith("give only one")
    assert problem(inside, world, "tax quote non-resident")["code"] == "wage_or_bonus"


def test_a_statement_is_looked_for_among_statements(world: World, inside: Inside) -> None:
    found = problem(inside, world, "bill show W2304208S815RNQHFN3GK")
    assert found["code"] == "bill_not_found"
    assert "`bill withholdings`" in found["hint"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_advice_on_securities_is_for_stamp_duty_alone(world: World, inside: Inside, language: str) -> None:
    for command in (
        "bill declare stamp-duty --wallet {company} --item securities --side buy --base 100",
        "pay --wallet {company} --tax stamp-duty --item securities --side buy --base 100",
    ):
        found = problem(inside, world, command, "--lang", language)
        assert (found["code"], "2008-09-19" in found["hint"]) == ("nothing_to_pay", True)
    written(world.folder, {"tax_year": 2022, "wages": "1"})
    owes_nothing = "bill declare income-tax --wallet {person} --input f.json"
    found = problem(inside, world, owes_nothing, "--lang", language)
    assert (found["code"], "2008" in found["hint"]) == ("nothing_to_pay", False)
    assert "--correction" in found["hint"]
    tiny = "bill declare surcharge --wallet {company} --code 30216 --paid 0.01"
    found = problem(inside, world, tiny, "--lang", language)
    assert (found["code"], "2008" in found["hint"]) == ("nothing_to_pay", False)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[", "第 1 行第 2 列"),
        ("[]", "不是一个用花括号括起的对象"),
        ("[" * 20_000, "嵌套过深"),
        ('{"tax_year": ' + "9" * 5000 + "}", "数字过长"),
    ],
)
def test_why_a_file_is_no_input_is_said_in_chinese(
    world: World, inside: Inside, content: str, said: str
) -> None:
    written(world.folder, content)
    found = problem(inside, world, "tax quote income-tax --input f.json", "--lang", "zh")
    assert found["code"] == "input_not_json"
    assert said in found["detail"]
    assert said in found["reason"]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("tax quote income-tax --input none.json", "没有这个文件或文件夹"),
        ("tax quote income-tax --input .", "它是一个文件夹"),
        ("tax check none.json", "没有这个文件或文件夹"),
        ("agreement verify none.json --keys none.json", "没有这个文件或文件夹"),
        ("tax settle-many none.csv out.csv", "没有这个文件或文件夹"),
        ("ledger export --format csv --out no/such/folder", "没有这个文件或文件夹"),
        ("ledger export --format csv --out s.db", "它是数据库"),
    ],
)
def test_why_a_file_cannot_be_read_or_written_is_said_in_chinese(
    world: World, inside: Inside, command: str, said: str
) -> None:
    assert said in problem(inside, world, command, "--lang", "zh")["detail"]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("", "它是空的"),
        ("wages,wages\n", "列 wages 重复出现"),
        ("wages,tax\n", "列名不得为 tax"),
        ("id\n", "没有一列是年度汇算申报的金额"),
        ("wages\n1\n\n2\n", "第 3 行为空行，而第 4 行不是"),
        ("wages\n1,2\n", "第 2 行有 2 格，而首行有 1 格"),
        ('wages,id\n1,"a"b\n', "第 2 行："),
    ],
)
def test_why_a_table_is_none_is_said_in_chinese(world: World, inside: Inside, table: str, said: str) -> None:
    written(world.folder, table, "t.csv")
    found = problem(inside, world, "tax settle-many t.csv o.csv --tax-year 2022", "--lang", "zh")
    assert found["code"] == "table_malformed"
    assert said in found["detail"]
