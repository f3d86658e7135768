"""The books as others read them: CSV by the csv module, Beancount by its own checker, JSON lines by line."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from beancount import loader
from beancount.core.data import Balance, Commodity, Open, Transaction
from hypothesis import given, settings

from ecny_tax import EcnyTaxError, Fen, Sandbox, yuan, yuan_text
from ecny_tax.store import beancount as beancount_file
from ecny_tax.store.snapshot import AccountRow
from tests.store.export_ledgers import histories, lines, told, written
from tests.support import clock, corporate, judged, nameless, sandbox  # noqa: F401 - fixtures


def stored(s: Sandbox, table: str) -> list[tuple[Any, ...]]:
    with s._store.reading() as tx:
        return tx.rows(f"SELECT * FROM {table} ORDER BY 1")


def checked(s: Sandbox) -> list[Any]:
    """The directives as Beancount reads them, when its checker finds nothing to complain about."""
    entries, errors, _ = loader.load_string("".join(lines(s, "beancount")))
    assert errors == []
    return list(entries)


def assert_beancount_agrees(s: Sandbox) -> None:
    entries = checked(s)
    accounts, transfers = stored(s, "account"), stored(s, "transfer")
    opened = [e for e in entries if isinstance(e, Open)]
    assert {e.meta["name"] for e in opened} >= {row[1] for row in accounts if row[1].isprintable()}
    names = {e.account for e in opened}
    assert len(names) == len(accounts)
    balances = [e for e in entries if isinstance(e, Balance)]
    assert {e.account for e in balances} == names
    assert len(balances) == len(accounts)
    assert all(e.tolerance == 0 and e.diff_amount is None for e in balances)
    moved = {e.meta["transfer-id"]: e for e in entries if isinstance(e, Transaction)}
    assert moved.keys() == {row[1].hex() for row in transfers}
    for row in transfers:
        debit, credit = moved[row[1].hex()].postings
        assert yuan(debit.units.number) == row[4] == yuan(-credit.units.number)
    assert len({e.currency for e in entries if isinstance(e, Commodity)}) == 2


def test_beancount_accepts_the_ledger_of_the_demo() -> None:
    with told() as s:
        assert_beancount_agrees(s)
        entries = checked(s)
    kinds = {e.meta["kind"]: e.meta["name-zh"] for e in entries if isinstance(e, Open)}
    assert kinds["wallet"] == "钱包"
    assert any(e.account.startswith("Liabilities:Wallet:0021") for e in entries if isinstance(e, Open))
    paid = [e for e in entries if isinstance(e, Transaction) and e.narration == "tax_payment"]
    assert paid
    assert all(e.links == {e.meta["user-data"]} for e in paid)


@settings(max_examples=20)
@given(histories)
def test_beancount_accepts_any_ledger(history: list[Any]) -> None:
    with written(history) as s:
        assert_beancount_agrees(s)


def test_beancount_finds_a_fen_too_much() -> None:
    with told() as s:
        text = "".join(lines(s, "beancount"))
    balance = next(line for line in text.splitlines() if " balance Assets:Issuance " in line)
    amount = balance.split()[3]
    _, errors, _ = loader.load_string(text.replace(balance, balance.replace(amount, f"{amount[:-1]}1")))
    assert len(errors) == 1


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("issuance", "Liabilities:Issuance"),
        ("wallet:0021000000000001", "Liabilities:Wallet:0021000000000001"),
        ("revenue:1907840000:central", "Liabilities:Revenue:1907840000:Central"),
        ("collection:ICBC:1907840000", "Liabilities:Collection:ICBC:1907840000"),
        ("a", "Liabilities:Id-9"),
        ("Wallet:1", "Liabilities:Id-9"),
        ("wallet:", "Liabilities:Id-9"),
        ("钱包:1", "Liabilities:Id-9"),
        ("wallet:1 2", "Liabilities:Id-9"),
        ("wallet:1\n", "Liabilities:Id-9"),
        ("id-9", "Liabilities:Id-9"),
    ],
)
def test_account_names_are_legal_in_beancount(name: str, found: str) -> None:
    assert beancount_file.account_name(AccountRow(9, name, 1, 3, 1, 0, 0, 0)) == found


def assert_csv_agrees(s: Sandbox) -> None:
    text = "".join(lines(s, "csv"))
    rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    names = {row[0]: row[1] for row in stored(s, "account")}
    transfers = stored(s, "transfer")
    assert len(rows) == len(transfers)
    for row, (seq, id_, debit, credit, amount, _ledger, _code, flags, user_data, _at) in zip(
        rows, transfers, strict=True
    ):
        assert (row["seq"], row["transfer_id"], row["linked"]) == (str(seq), id_.hex(), str(flags))
        assert row["amount"] == yuan_text(amount)
        assert row["debit_account"] in (names[debit], f"'{names[debit]}")
        assert row["credit_account"] in (names[credit], f"'{names[credit]}")
        assert row["user_data"] in (user_data, f"'{user_data}")
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row.values())


@given(histories)
def test_csv_is_read_back_and_starts_no_formula(history: list[Any]) -> None:
    with written(history) as s:
        assert_csv_agrees(s)


def test_csv_of_the_demo_holds_every_cell_as_it_is() -> None:
    with told() as s:
        text = "".join(lines(s, "csv"))
        assert_csv_agrees(s)
    assert "'" not in text
    assert text.count("\r\n") == text.count("\n")
    assert "17000.00,P" in text


@given(histories)
def test_json_lines_hold_everything_in_one_canonical_form(history: list[Any]) -> None:
    with written(history) as s:
        found = lines(s)
        accounts, transfers = stored(s, "account"), stored(s, "transfer")
    parsed = [json.loads(line) for line in found]
    for line, value in zip(found, parsed, strict=True):
        assert line == json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")) + "\n"
    header, body = parsed[0], parsed[1:]
    assert (header["accounts"], header["transfers"]) == (len(accounts), len(transfers))
    assert (header["amounts"], header["version"]) == ("fen", 1)
    keys = ("id", "name", "ledger", "code", "flags", "debits", "credits", "opened_at")
    assert [tuple(line[key] for key in keys) for line in body[: len(accounts)]] == accounts
    moved = ("debit", "credit", "amount", "ledger", "code", "flags", "user_data", "posted_at")
    assert [
        (line["seq"], bytes.fromhex(line["id"]), *(line[key] for key in moved))
        for line in body[len(accounts) :]
    ] == transfers


def test_an_export_is_one_state_and_leaves_the_database_free(sandbox: Sandbox) -> None:  # noqa: F811
    found = sandbox.ledger.export(format="jsonl")
    before = iter(found)
    first = next(before)
    nameless(sandbox, fund=Fen(100))
    assert sandbox.status().transfers > found.transfers
    assert [first, *before] == list(found)
    assert len(list(found)) == 1 + found.accounts + found.transfers


def test_long_ledgers_come_page_by_page(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    corporate(sandbox, fund=Fen(1_000_00))
    whole = lines(sandbox)
    monkeypatch.setattr("ecny_tax.store.snapshot._PAGE", 3)
    assert lines(sandbox) == whole


@pytest.mark.parametrize("format", ["", "JSONL", "xlsx", "jsonl "])
def test_another_format_is_refused_at_once(sandbox: Sandbox, format: str) -> None:  # noqa: F811
    with pytest.raises(EcnyTaxError) as caught:
        sandbox.ledger.export(format=format)
    judged(caught.value, "ledger_format_unknown")
