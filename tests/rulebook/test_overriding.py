"""Rule files of a user's own: laid over the package's, checked strictly, followed everywhere."""

from __future__ import annotations

import ast
from datetime import date
from pathlib import Path

import pytest

from ecny_tax import Fen, FixedClock, InvalidInputError, RejectedError, Sandbox, rulebook, yuan
from ecny_tax.rulebook import rulebook_with
from tests.support import START, corporate, personal

ROOT = Path(rulebook.__file__).parents[1]
RATE = """
[[items]]
code = "sale_contract"
name_zh = "买卖合同"
name_en = "Sale contract"
rate = "0.0003"
base_zh = "价款"
base_en = "the price"
effective_from = 2022-07-01
effective_to = 2023-03-31
citation = "made up"
evidence = "assumption"

[[items]]
code = "sale_contract"
name_zh = "买卖合同"
name_en = "Sale contract"
rate = "0.0006"
base_zh = "价款"
base_en = "the price"
effective_from = 2023-04-01
citation = "made up"
evidence = "assumption"
"""


def written(folder: Path, text: str, name: str = "stamp_duty.toml") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def test_a_change_of_law_is_two_figures_and_the_rest_stays(tmp_path: Path) -> None:
    for path in (written(tmp_path, RATE), tmp_path):  # a file, or a folder of them
        book = rulebook_with(path)
        rates = [
            book.on(day).stamp_duty.rate("sale_contract").rate
            for day in (date(2022, 7, 1), date(2023, 3, 31), date(2023, 4, 1))
        ]
        assert rates == ["0.0003", "0.0003", "0.0006"]
        assert book.on(date(2023, 4, 1)).stamp_duty.rate("lease_contract").rate == "0.001"
    assert rulebook.on(date(2023, 4, 1)).stamp_duty.rate("sale_contract").rate == "0.0003"


def test_a_change_of_law_is_one_figure_that_ends_the_old_one(tmp_path: Path) -> None:
    book = rulebook_with(written(tmp_path, RATE[RATE.rindex("[[items]]") :]))
    for day, rate in ((date(2023, 3, 31), "0.0003"), (date(2023, 4, 1), "0.0006")):
        assert book.on(day).stamp_duty.rate("sale_contract").rate == rate
    text = '[[basic_deduction]]\namount = "96000"\neffective_from = 2027-01-01\ncitation = "made up"\n'
    book = rulebook_with(written(tmp_path, text + 'evidence = "assumption"\n', "income_tax.toml"))
    days = (date(2026, 12, 31), date(2027, 1, 1))
    amounts = [book.on(day).income_tax.basic_deduction.amount for day in days]
    assert amounts == [60_000_00, 96_000_00]


def test_a_new_thing_is_added(tmp_path: Path) -> None:
    text = RATE[RATE.rindex("[[items]]") :].replace("sale_contract", "moon_contract")
    book = rulebook_with(written(tmp_path, text))
    assert book.on(START.date()).stamp_duty.rate("moon_contract").rate == "0.0006"
    assert book.on(START.date()).stamp_duty.rate("sale_contract").rate == "0.0003"


NEW_RATE = RATE[RATE.rindex("[[items]]") :]
EVIDENCE = '"law", "published", "secondary", "code", "assumption" or "unverified"'
RATES = "a decimal string from 0 to 1 with at most eight decimals"


@pytest.mark.parametrize(
    ("change", "said", "said_zh"),
    [
        (('rate = "0.0006"', 'rate = "6%"'), f'"6%" is not {RATES}', '"6%" 不是'),
        (('rate = "0.0006"', "rate = 0.0006"), f"0.0006 is not {RATES}", "0.0006 不是"),
        (('evidence = "assumption"', 'evidence = "hearsay"'), f'"hearsay" is none of: {EVIDENCE}', '"law"、'),
        (('rate = "0.0006"', 'rat = "0.0006"'), "unknown key: rat; missing key: rate", "未知的键：rat；缺少"),
        (('rate = "0.0006"', "rate = true"), f"true is not {RATES}", "true 不是"),
        (('\nrate = "0.0006"', ""), "missing key: rate", "缺少的键：rate"),
        (
            ('rate = "0.0006"', 'rate = "0.0006"\nminimun = "1"'),
            "unknown key: minimun; known are: effective_from, ",
            "未知的键：minimun；可用的键：effective_from",
        ),
        (("[[items]]", "[[moons]]"), "unknown key: moons; known are: items, relief, ", "未知的键：moons"),
        (("[[items]]", "[items]"), "a list is wanted", "应为列表"),
        (("effective_from = 2023-04-01", 'effective_from = "2023-04-01"'), "without quotes", "不加引号"),
        (
            ("effective_to = 2023-03-31", "effective_to = 2023-04-30"),
            "two rules from 2023-04-01 on",
            "两条规则",
        ),
        (("effective_to = 2023-03-31", "effective_to = 2023-02-28"), "after_lapse = true", "没有规则"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_in_words_and_whole(
    tmp_path: Path, change: tuple[str, str], said: str, said_zh: str
) -> None:
    text = NEW_RATE if change[0] in NEW_RATE else RATE
    with pytest.raises(InvalidInputError) as refusal:
        rulebook_with(written(tmp_path, text.replace(*change)))
    assert said in refusal.value.message()
    assert said_zh in refusal.value.message("zh")


@pytest.mark.parametrize("key", ["opens", "closes"])
@pytest.mark.parametrize("day", ["02-29", "13-01", "W10-1", "3-1"])
def test_a_month_and_day_are_those_of_every_year(tmp_path: Path, key: str, day: str) -> None:
    days = {"opens": "03-01", "closes": "06-30", key: day}
    text = "".join(f'{name} = "{value}"\n' for name, value in days.items())
    text = f'[[settlement_window]]\n{text}effective_from = 2027-01-01\ncitation = "x"\nevidence = "law"\n'
    with pytest.raises(InvalidInputError) as refusal:
        rulebook_with(written(tmp_path, text, "income_tax.toml"))
    assert f'"{day}" is not a month and day' in refusal.value.message()


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (("effective_from = 2023-04-01", "effective_from = 2023-03-01"), "items"),  # overlap
        (("effective_from = 2023-04-01", "effective_from = 2023-05-01"), "items"),  # gap
        (('rate = "0.0006"', "rate = 0.0006"), "items / sale_contract / 2023-04-01 / rate"),
        (('rate = "0.0006"', 'rate = "six"'), "items / sale_contract / 2023-04-01 / rate"),
        (('citation = "made up"', 'citation = ""'), "items / sale_contract / 2022-07-01 / citation"),
        (
            ('evidence = "assumption"', 'evidence = "hearsay"'),
            "items / sale_contract / 2022-07-01 / evidence",
        ),
        (('code = "sale_contract"', 'code = ["sale_contract"]'), "items"),
        (("[[items]]", "[[moons]]"), "moons"),
        (("effective_from = 2023-04-01", 'effective_from = "2023-04-01"'), "items"),
    ],
)
def test_a_file_that_is_not_in_form_is_refused_with_file_table_and_key(
    tmp_path: Path, change: tuple[str, str], place: str
) -> None:
    path = written(tmp_path, RATE.replace(*change))
    with pytest.raises(InvalidInputError) as refusal:
        rulebook_with(path)
    assert refusal.value.code == "rule_file_malformed"
    assert refusal.value.values["path"] == path
    where = f"{refusal.value.values['place']} {refusal.value.values['reason']}"
    assert place in where, where


def test_a_gap_that_is_meant_is_said(tmp_path: Path) -> None:
    text = RATE.replace("effective_from = 2023-04-01", "effective_from = 2023-05-01\nafter_lapse = true")
    book = rulebook_with(written(tmp_path, text))
    with pytest.raises(InvalidInputError) as refusal:
        book.on(date(2023, 4, 15)).stamp_duty.rate("sale_contract")
    assert refusal.value.code == "no_rule_on_date"
    assert refusal.value.values["periods"] == "2022-07-01 – 2023-03-31, 2023-05-01 – …"


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("moon.toml", "", "rule_file_unknown"),
        ("stamp_duty.json", "{}", "rule_file_unknown"),
        ("stamp_duty.toml", "items = [", "rule_file_unreadable"),
        ("stamp_duty.toml", "\0", "rule_file_unreadable"),
        ("stamp_duty.toml", "# " + "x" * 1_100_000, "rule_file_unreadable"),
    ],
)
def test_a_file_that_cannot_be_a_rule_file_is_refused(
    tmp_path: Path, name: str, text: str, code: str
) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        rulebook_with(written(tmp_path, text, name))
    assert refusal.value.code == code


def test_an_empty_folder_or_none_at_all_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "stamp_duty.toml", tmp_path / "nope", tmp_path / ("x" * 300)):
        with pytest.raises(InvalidInputError) as refusal:
            rulebook_with(path)
        assert refusal.value.code == "rule_file_unreadable"


def test_a_simulation_follows_its_own_rules_from_the_quote_to_the_receipt(tmp_path: Path) -> None:
    written(tmp_path, RATE)
    written(
        tmp_path,
        '[[fees]]\nrate = "0"\neffective_from = 2020-01-01\ncitation = "made up"\nevidence = "assumption"\n'
        '[[classes]]\nwallet_class = "II"\nname_zh = "二类钱包"\nname_en = "Class II"\ncap = "100"\n'
        'single = "50"\nday = "50"\nyear = "unlimited"\nminimum_age = 16\neffective_from = 2020-01-01\n'
        'citation = "made up"\nevidence = "assumption"\n',
        "wallets.toml",
    )
    with Sandbox.open(clock=FixedClock(START), rulebook=tmp_path) as s:
        company = corporate(s, fund=yuan(100))
        assert s.taxes.quote_stamp_duty(item="sale_contract", base=yuan(10_000)).tax == 6_00
        paid = s.payments.pay_stamp_duty(wallet_id=company.wallet_id, item="sale_contract", base=yuan(10_000))
        assert paid.amount == 6_00
        with pytest.raises(RejectedError) as refusal:
            personal(s, fund=Fen(100_01))
        assert refusal.value.code == "wallet_limit_exceeded"


def test_no_room_asks_the_package_for_rules_where_a_simulation_has_its_own() -> None:
    """Services go by ``tx.rulebook``: the package's ``on`` and ``PACKAGE`` are for defaults alone."""
    for room in ("parties", "agreements", "wallets", "treasury", "payments", "refunds"):
        for path in (ROOT / room).glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ecny_tax.rulebook"):
                    assert not {alias.name for alias in node.names} & {"on", "PACKAGE"}, path
                if isinstance(node, ast.ImportFrom) and node.module == "ecny_tax":
                    assert "rulebook" not in {alias.name for alias in node.names}, path
    service = (ROOT / "taxes" / "service.py").read_text("utf-8")
    assert "PACKAGE" not in service
