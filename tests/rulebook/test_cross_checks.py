"""What a user's rule files must agree in: figures with each other, and parties with the database."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ecny_tax import ConflictError, Fen, FixedClock, InvalidInputError, Sandbox
from ecny_tax.rulebook import rulebook_with
from ecny_tax.rulebook.book import package_document
from tests.support import AUTHORITY, START, corporate, due_of, owe, personal, refused

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


def surcharge(code: str) -> str:
    return figure("[[surcharges]]", f'code = "{code}"\nrate = "0.01"', "2024-01-01", named=False)


def stamp_duty_item(code: str) -> str:
    text = f'code = "{code}"\nrate = "0.001"\nbase_zh = "价款"\nbase_en = "the price"'
    return figure("[[items]]", text, "2024-01-01")


def opening(since: str = "2020-01-01", until: str | None = None) -> str:
    return figure(
        "[opening]", 'operator_reserve = "1"\nown_funds = "1"\nrevenue = "1"', since, named=False, until=until
    )


ITEMS = " ".join(dict.fromkeys(row["code"] for row in package_document("stamp_duty")["items"]))

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
        figure(
            "[[local_split]]",
            'treasury = "190784000"\nprovince = 30\ncity = 20\ncounty = 50',
            "2024-01-01",
            named=False,
        ),
        "local_split / 190784000 / 2024-01-01 / treasury",
        "10 digits",
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
    (
        "income_tax",
        deduction('not_with = []\nshared_among = "nobody"').replace('"person"', '"child"'),
        "special_additional / moon / 2024-01-01",
        "what is for each child is shared among the household",
    ),
    (
        "income_tax",
        deduction('not_with = []\nshare_of = "elderly_only_child"').replace('"100"', '"3000.01"'),
        "special_additional / moon / 2024-01-01 / amount",
        "3000.01 is above the whole that is shared, 3000 of elderly_only_child from 2024-01-01 on",
    ),
    (
        "income_tax",  # of the years to 2022 the whole is less
        deduction('not_with = []\nshare_of = "elderly_only_child"', "2022-07-01").replace('"100"', '"2500"'),
        "special_additional / moon / 2022-07-01 / amount",
        "2000 of elderly_only_child from 2022-07-01 on",
    ),
    (
        "stamp_duty",
        relief("2028-01-01").replace("not_for = []", 'not_for = ["mooon"]'),
        "relief / moon / 2028-01-01 / not_for",
        f"mooon is none of: {ITEMS}",
    ),
    (
        "stamp_duty",
        figure("[[exemptions]]", 'code = "moon"\nitems = ["sale_contract", "mooon"]', "2024-01-01"),
        "exemptions / moon / 2024-01-01 / items",
        f"mooon is none of: {ITEMS}",
    ),
    (
        "stamp_duty",
        figure(
            "[[rounding]]",
            'unit = "0.01"\nexempt_below = "0"\nnot_for = ["mooon"]',
            "2024-01-01",
            named=False,
        ),
        "rounding / 2024-01-01 / not_for",
        f"mooon is none of: {ITEMS}",
    ),
    (
        "stamp_duty",
        figure("[[terms]]", 'code = "mooon"\nperiod = "week"\ndays = 5', "2024-01-01", named=False),
        "terms / mooon / 2024-01-01 / code",
        f"mooon is none of: documents {ITEMS}",
    ),
    (
        "taxes",
        share("2020-01-01"),
        "shares / 10199 / 2020-01-01 / code",
        "10199 is none of: 10101 10102 ",
    ),
    (
        "taxes",
        figure("[[surcharges]]", 'code = "10199"\nrate = "0.01"', "2024-01-01", named=False),
        "surcharges / 10199 / 2024-01-01 / code",
        "10199 is none of: 10101 10102 ",
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
    assert reason in refusal.value.message()  # whole, though it may be long
    chinese = refusal.value.message("zh").partition("格式不符：")[2]
    assert any("一" <= char <= "鿿" for char in chinese)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("taxes", item() + share("2020-01-01")),
        ("taxes", item() + share("2019-01-01", "2020-12-31") + share("2021-01-01")),
        ("taxes", item(until="2020-12-31") + share("2020-01-01", "2020-12-31")),
        ("taxes", item() + share("2020-01-01", "9999-12-31")),
        ("taxes", item() + share("2020-01-01") + surcharge("10199")),
        ("stamp_duty", relief("2028-01-01").replace("not_for = []", 'not_for = ["securities"]')),
        (
            "stamp_duty",
            figure("[[terms]]", 'code = "gift_deed"\nperiod = "week"\ndays = 5', "2024-01-01", named=False)
            + stamp_duty_item("gift_deed"),
        ),
        (
            "income_tax",
            deduction('not_with = []\nshare_of = "elderly_only_child"').replace('"100"', '"3000"'),
        ),
        ("taxes", share("2024-01-01", code="10110")),  # ends the package's the day before
        ("income_tax", deduction('not_with = ["child_education"]\nshare_of = "elderly_only_child"')),
        ("income_tax", deduction('not_with = []\ngroup = "rent"\nshared_among = "nobody"')),
        ("stamp_duty", relief("2028-01-01")),
        ("scheme", operator("2020-01-01") + operator("2020-01-01", code="MOON", digits="99")),
    ],
)
def test_figures_that_agree_are_taken(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / f"{name}.toml"
    path.write_text(text, "utf-8")
    assert rulebook_with(path).document(name)


# --- the dates of the scheme's figures --------------------------------------------------------------------


def test_a_reason_for_a_refund_goes_by_the_day_on_which_it_is_given(tmp_path: Path) -> None:
    """From 2024 on ``other`` bears interest and has another name; ``moon`` is a reason in 2023 alone."""
    path = tmp_path / "scheme.toml"
    path.write_text(
        figure("[[refund_reasons]]", 'code = "other"\nbears_interest = true', "2024-01-01")
        + figure(
            "[[refund_reasons]]", 'code = "moon"\nbears_interest = false', "2023-01-01", until="2023-12-31"
        ),
        "utf-8",
    )
    clock = FixedClock(START)
    with Sandbox.open(clock=clock, rulebook=path) as s:
        wallet = corporate(s, fund=Fen(1_000_000_00))
        bill = owe(s, wallet, 500_000_00)
        payment = s.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id).payment_no
        part: Any = {"payment_no": payment, "amount": Fen(100_000_00)}
        s.refunds.apply_for_payment(reason="moon", **part, idempotency_key="once")
        waits = s.refunds.apply_for_payment(reason="other", manual_review=True, **part)
        clock.advance(timedelta(days=300))
        with refused(s, "refund_reason_unknown"):
            s.refunds.apply_for_payment(reason="moon", **part)
        assert s.refunds.apply_for_payment(reason="moon", **part, idempotency_key="once").reason == "moon"
        s.refunds.approve(refund_no=waits.refund_no)
        later = s.refunds.apply_for_payment(reason="other", **part)
        shown = [s.refunds.voucher(refund_no=no) for no in (waits.refund_no, later.refund_no)]
    assert [voucher.reason_name for voucher in shown] == ["其他", "虚构"]
    assert shown[0].interest == 0
    assert shown[1].interest > 0


# --- parties that a database holds already ----------------------------------------------------------------

TREASURY = '[treasury]\ncode = "1907840000"\nname_zh = "国家金库鹤山市支库"\nname_en = "{}"\n'
DIFFERENT = {
    "operators / ICBC / name_zh": operator("2020-01-01"),
    "operators / MOON / code": operator("2020-01-01", code="MOON", digits="99"),
    "authority / 14400000001 / code": figure("[authority]", 'code = "14400000001"', "2020-01-01"),
    f"authority / {AUTHORITY} / name_zh": figure("[authority]", f'code = "{AUTHORITY}"', "2020-01-01"),
    "treasury / 1907840000 / name_en": TREASURY.format("Moon") + f"effective_from = 2020-01-01\n{MADE_UP}",
}


@pytest.mark.parametrize("place", DIFFERENT)
def test_a_rule_file_does_not_change_the_parties_of_an_older_database(tmp_path: Path, place: str) -> None:
    rules = tmp_path / "scheme.toml"
    rules.write_text(DIFFERENT[place], "utf-8")
    with Sandbox.open(tmp_path / "old.db", clock=FixedClock(START)) as s:
        parties = s.parties.list()
    with pytest.raises(ConflictError) as refusal:
        Sandbox.open(tmp_path / "old.db", clock=FixedClock(START), rulebook=rules)
    assert (refusal.value.code, refusal.value.values["place"]) == ("party_differs", place)
    with Sandbox.open(tmp_path / "old.db", clock=FixedClock(START)) as s:
        assert s.parties.list() == parties
    for _ in ("made", "opened again"):
        with Sandbox.open(tmp_path / "new.db", clock=FixedClock(START), rulebook=rules) as s:
            assert len(s.parties.list()) >= len(parties)


def test_a_rule_file_may_say_what_the_database_has_and_change_the_rest_of_the_scheme(tmp_path: Path) -> None:
    """An authority that was added becomes the one to which declarations go by default."""
    rules = tmp_path / "scheme.toml"
    rules.write_text(
        figure("[authority]", 'code = "14400000001"', "2020-01-01")
        + figure("[[refund_reasons]]", 'code = "moon"\nbears_interest = false', "2020-01-01"),
        "utf-8",
    )
    with Sandbox.open(tmp_path / "a.db", clock=FixedClock(START)) as s:
        s.parties.add_tax_authority(code="14400000001", name="虚构", name_en="Made up")
    with Sandbox.open(tmp_path / "a.db", clock=FixedClock(START), rulebook=rules) as s:
        wallet = personal(s).wallet_id
        declared = s.taxes.declare_income_tax(wallet_id=wallet, annual_return=due_of(300_00))
        assert declared.authority == "14400000001"


def test_a_refused_operator_is_told_those_of_the_database(tmp_path: Path) -> None:
    rules = tmp_path / "scheme.toml"
    rules.write_text(operator("2020-01-01", code="MOON", digits="99"), "utf-8")
    with Sandbox.open(tmp_path / "a.db", clock=FixedClock(START), rulebook=rules):
        pass
    with Sandbox.open(tmp_path / "a.db", clock=FixedClock(START)) as s:  # without the rule file
        assert personal(s, operator="MOON").operator == "MOON"
        with pytest.raises(InvalidInputError) as refusal:
            personal(s, 2, operator="SUN")
    assert "MOON" in str(refusal.value.values["known"])
