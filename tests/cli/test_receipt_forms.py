"""``receipt show`` in every form, ``wallet statement`` and ``wallet show --at``, as their users meet them."""

from __future__ import annotations

import base64
import json

import pytest

from tests.cli.conftest import World
from tests.cli.process import TODAY, Cli


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("what", ["receipt", "refund"])
def test_a_voucher_is_printed_in_the_form_that_the_ending_names(
    world: World, cli: Cli, what: str, language: str
) -> None:
    number, options = world.names[what], ("--lang", language, "--now", TODAY)
    for count, name in enumerate(("a.txt", "a.json", "A.HTML", "a.pdf", "a.cose"), start=1):
        shown = cli.run("receipt", "show", number, "--out", name, *options)
        assert (shown.exit_code, shown.stderr) == (0, "")
        if what == "receipt":
            assert cli("receipt", "show", number)["print_count"] == count
        if name == "a.pdf":
            assert (world.folder / name).read_bytes().startswith(b"%PDF-")
            continue
        if name == "a.cose":
            assert number.encode() in (world.folder / name).read_bytes()
            continue
        written = (world.folder / name).read_text("utf-8")
        if name == "a.txt":
            assert written == shown.stdout
        elif name == "a.json":
            document = json.loads(written)
            assert base64.b64decode(document.pop("cose"), validate=True)
            assert document == cli("receipt", "show", number)
        else:
            assert written.startswith(f'<!DOCTYPE html>\n<html lang="{language}')
        assert number in written


def test_the_names_of_a_voucher_are_there_in_both_languages(world: World, cli: Cli) -> None:
    shown = cli("receipt", "show", world.names["receipt"])
    assert (shown["operator_name"], shown["operator_name_en"]) == (
        "中国工商银行",
        "Industrial and Commercial Bank of China",
    )
    assert (shown["remark"], shown["remark_en"]) == ("数字人民币实时扣税", "Real-time debit in e-CNY")
    assert {(line["item"], line["item_name"]) for line in shown["lines"]} == {("sale_contract", "买卖合同")}


def test_what_has_no_voucher_is_refused_and_writes_nothing(world: World, cli: Cli) -> None:
    out = world.folder / "x.html"
    cli.refused(3, "refund_not_completed", "receipt", "show", world.names["review"], "--out", "x.html")
    cli.refused(4, "refund_not_found", "receipt", "show", "R0", "--out", "x.html")
    cli.refused(4, "receipt_not_found", "receipt", "show", "0", "--out", "x.html")
    cli.refused(2, "receipt_kind_unknown", "receipt", "show", world.names["refund"], "--out", "x.doc")
    assert not out.exists()


def test_a_name_with_markup_is_text_in_the_html(cli: Cli) -> None:
    name = '<script src="http://example.invalid/x.js">甲</script>&"\''
    words = ("--kind", "corporate", "--id", "91440784000000001U", "--operator", "ICBC", "--fund", "100")
    wallet = cli("wallet", "open", "--name", name, *words)["wallet_id"]
    paid = cli("pay", "--wallet", wallet, "--tax", "stamp-duty", "--item", "lease_contract", "--base", "1000")
    cli("receipt", "show", paid["receipt_no"], "--out", "r.html")
    html = (cli.folder / "r.html").read_text("utf-8")
    assert "<script" not in html
    assert html.count("&lt;script src=&quot;http://example.invalid/x.js&quot;&gt;甲&lt;/script&gt;&amp;") == 2


def test_a_statement_has_an_opening_and_a_closing_balance(world: World, cli: Cli) -> None:
    company = world.names["company"]
    cli("wallet", "top-up", company, "--amount", "1.00", now="2023-05-01")
    whole = cli("wallet", "statement", company)
    assert (whole["opening"], whole["closing"], whole["balance"]) == ("0.00", "3001.00", "3001.00")
    may = cli("wallet", "statement", company, "--from", "2023-05-01", "--to", "2023-05-31")
    assert (may["opening"], may["closing"], len(may["lines"])) == ("3000.00", "3001.00", 1)
    april = cli("wallet", "statement", company, "--to", "2023-04-30")
    assert (april["opening"], april["closing"], april["balance"]) == ("0.00", "3000.00", "3001.00")
    assert april["lines"] + may["lines"] == whole["lines"]
    cli.refused(
        2, "period_reversed", "wallet", "statement", company, "--from", "2023-05-02", "--to", "2023-05-01"
    )
    cli.refused(2, "date_malformed", "wallet", "statement", company, "--from", "May")


@pytest.mark.parametrize(
    ("language", "opening", "closing"), [("en", "opening", "closing"), ("zh", "期初余额", "期末余额")]
)
def test_a_statement_for_a_human_begins_and_ends_with_a_balance(
    world: World, cli: Cli, language: str, opening: str, closing: str
) -> None:
    shown = cli.text("wallet", "statement", world.names["company"], "--from", TODAY, "--lang", language)
    rows = shown.splitlines()[-4:]
    assert rows[0].split() == [TODAY, opening, "0.00"]
    assert rows[-1].split() == [closing, "3,000.00"]
    assert all(len(row) <= 80 for row in rows)


def test_the_balance_at_a_time_says_of_when_balance_and_status_are(world: World, cli: Cli) -> None:
    company = world.names["company"]
    before = cli("wallet", "show", company, "--at", "2023-04-20T09:59:59.999999")
    assert (before["balance"], before["at"]) == ("0.00", "2023-04-20T09:59:59.999999+08:00")
    assert (before["status"], before["status_at"]) == ("active", "2023-04-20T10:00:00+08:00")
    assert cli("wallet", "show", company, "--at", TODAY)["balance"] == "3000.00"
    assert "status_at" not in cli("wallet", "show", company)
    cli.refused(2, "time_malformed", "wallet", "show", company, "--at", "noon")
