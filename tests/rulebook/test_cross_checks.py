"""What a user's rule files must agree in: figures with each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecny_tax import InvalidInputError
from ecny_tax.rulebook import rulebook_with

MADE_UP = 'citation = "made up"\nevidence = "assumption"\n'
NAMES = 'name_zh = "虚构"\nname_en = "Made up"\n'


def figure(table: str, text: str, since: str, *, named: bool = True, until: str | None = None) -> str:
    """A figure of a rule file; ``text`` holds what is its own."""
    end = f"effective_to = {until}\n" if until else ""
    return f"{table}\n{text}\n{NAMES if named else ''}effective_from = {since}\n{end}{MADE_UP}"


def item(code: str = "10199", since: str = "2020-01-01", until: str | None = None) -> str:
    subject = 'budget_subject_zh = "虚构"\nbudget_subject_en = "Made up"'
    return figure("[[collection_items]]", f'code = "{code}"\n{subject}', since, until=until)


def share(since: str, until: str | None = None, *, code: str = "10199", weights: str = "60 40") -> str:
    central, local = weights.split()
    text = f'code = "{code}"\ncentral = {central}\nlocal = {local}'
    return figure("[[shares]]", text, since, named=False, until=until)


def deduction(more: str, since: str = "2024-01-01") -> str:
    text = f'code = "moon"\namount = "100"\npaid = "month"\nfor_each = "person"\n{more}'
    return figure("[[special_additional]]", text, since)


def operator(since: str, *, code: str = "ICBC", digits: str = "21", until: str | None = None) -> str:
    return figure("[[operators]]", f'code = "{code}"\ndigits = "{digits}"', since, until=until)


def relief(since: str) -> str:
    text = 'code = "moon"\nfactor = "0.5"\nnot_for = []\ntaxpayers = ["small"]\nfor_zh = "谁"\nfor_en = "who"'
    return figure("[[relief]]", text, since)


def opening(since: str = "2020-01-01", until: str | None = None) -> str:
    return figure("[opening]", 'operator_reserve = "1"\nrevenue = "1"', since, named=False, until=until)


FAULTS = [
    ("taxes", item(), "collection_items / 10199 / 2020-01-01 / effective_from", "on 2020-01-01"),
    (
        "taxes",
        item() + share("2020-02-01"),
        "collection_items / 10199 / 2020-01-01 / effective_from",
        "nobody shares it on 2020-01-01",
    ),
    (
        "taxes",
        item() + share("2020-01-01", "2020-12-31"),
        "collection_items / 10199 / 2020-01-01 / effective_from",
        "nobody shares it on 2021-01-01: give a [[shares]]",
    ),
    (
        "taxes",
        item() + share("2020-01-01", "2020-12-31") + share("2022-01-01") + "after_lapse = true\n",
        "collection_items / 10199 / 2020-01-01 / effective_from",
        "on 2021-01-01",
    ),
    (
        "taxes",
        share("2020-01-01", "2020-12-31") + share("2022-01-01"),
        "shares / 10199 / 2022-01-01 / effective_from",
        "fill it, or say after_lapse = true",
    ),
    ("taxes", share("2020-01-01", weights="60 41"), "shares / 10199 / 2020-01-01", "add up to 100"),
    ("taxes", share("2020-01-01", weights="60.0 40"), "shares / 10199 / 2020-01-01 / central", "integer"),
    (
        "taxes",
        figure("[[local_split]]", "province = 30\ncity = 20\ncounty = 51", "2024-01-01", named=False),
        "local_split / 2024-01-01",
        "add up to 100",
    ),
    (
        "taxes",
        figure("[[surcharges]]", 'code = "10109"\nplace = "city"\nrate = 0.07', "2024-01-01", named=False),
        "surcharges / 10109 / city / 2024-01-01 / rate",
        "string",
    ),
    (
        "income_tax",
        deduction('not_with = ["child_education", "mooon"]'),
        "special_additional / moon / 2024-01-01 / not_with",
        "mooon is none of: child_education ",
    ),
    (
        "income_tax",
        deduction('not_with = []\nshare_of = "mooon"'),
        "special_additional / moon / 2024-01-01 / share_of",
        "mooon is none of: child_education ",
    ),
    (
        "income_tax",
        deduction('not_with = []\nshare_of = "elderly_only_child"', "2018-01-01"),
        "special_additional / moon / 2018-01-01 / share_of",
        "elderly_only_child is not in force on 2018-01-01",
    ),
    ("stamp_duty", relief("2024-01-01"), "relief / moon / 2024-01-01 / effective_from", "two rules"),
    (
        "scheme",
        operator("2021-01-01", code="MOON", digits="99", until="2022-12-31")
        + operator("2022-12-31", code="MOON", digits="99"),
        "operators / MOON / 2022-12-31 / effective_from",
        "two rules from 2022-12-31 on: end the earlier one",
    ),
    (
        "scheme",
        operator("2023-01-01"),
        "operators / ICBC / 2023-01-01 / effective_from",
        "replace the one from 2020-01-01",
    ),
    (
        "scheme",
        operator("2020-01-01", until="2023-12-31"),
        "operators / ICBC / 2020-01-01 / effective_to",
        "leave it out",
    ),
    ("scheme", opening(until="2023-12-31"), "opening / 2020-01-01 / effective_to", "leave it out"),
    (
        "scheme",
        operator("2020-01-01", code="MOON"),
        "operators / MOON / 2020-01-01 / digits",
        "ICBC has these digits",
    ),
]


@pytest.mark.parametrize(("name", "text", "place", "reason"), FAULTS)
def test_figures_that_do_not_agree_are_refused_with_file_table_and_key(
    tmp_path: Path, name: str, text: str, place: str, reason: str
) -> None:
    path = tmp_path / f"{name}.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(InvalidInputError) as refusal:
        rulebook_with(path)
    assert (refusal.value.code, refusal.value.values["path"]) == ("rule_file_malformed", path)
    assert refusal.value.values["place"] == place
    assert reason in str(refusal.value.values["reason"])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("taxes", item() + share("2020-01-01")),
        ("taxes", item() + share("2019-01-01", "2020-12-31") + share("2021-01-01")),
        ("taxes", item(until="2020-12-31") + share("2020-01-01", "2020-12-31")),
        ("taxes", item() + share("2020-01-01", "9999-12-31")),
        ("taxes", share("2024-01-01", code="10110")),  # ends the package's the day before
        ("income_tax", deduction('not_with = ["child_education"]\nshare_of = "elderly_only_child"')),
        ("stamp_duty", relief("2028-01-01")),
        ("scheme", operator("2020-01-01") + operator("2020-01-01", code="MOON", digits="99")),
    ],
)
def test_figures_that_agree_are_taken(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / f"{name}.toml"
    path.write_text(text, "utf-8")
    assert rulebook_with(path).document(name)
