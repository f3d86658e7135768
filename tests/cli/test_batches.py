"""Batches on the command line: the file that an authority writes, and what paying it answers and leaves."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.cli.conftest import Inside, World
from tests.cli.process import TODAY, Answer, Cli
from tests.support import AUTHORITY, company_id, company_name


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """Two companies with agreements on batch debits; one of them owes more than it has."""
    cli = Cli(tmp_path, ECNY_TAX_DB="s.db")
    for number, owed in ((1, ("10.00", "20.00")), (2, ("500.00",))):
        who = ("--kind", "corporate", "--name", company_name(number), "--id", company_id(number))
        wallet = cli("wallet", "open", *who, "--operator", "ICBC", "--fund", "100")["wallet_id"]
        cli("agreement", "sign", "--wallet", wallet, "--authority", AUTHORITY, "--batch-debit")
        for amount in owed:
            cli("bill", "declare", "other", "--wallet", wallet, "--code", "10110", "--amount", amount)
    return cli


def test_a_batch_is_written_paid_shown_and_paid_again_without_moving_anything(cli: Cli) -> None:
    written = cli("batch", "write", "--out", "b.batch")
    assert (written["lines"], written["amount"], written["authority"]) == (3, "530.00", AUTHORITY)
    done = cli("pay", "--batch", "b.batch", "--out", "r.csv")
    expected = {
        "batch_no": written["batch_no"], "status": "done", "lines": 3, "lines_done": 3, "lines_paid": 2,
        "lines_refused": 1, "lines_pending": 0, "amount": "30.00", "kind": "debit", "file": "r.csv",
    }  # fmt: skip
    assert expected.items() <= done.items()
    results = cli.folder / "r.csv"
    first = results.read_bytes()
    with results.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["line"] for row in rows] == ["2", "3", "4"]
    assert sorted((row["status"], row["code"], row["amount"]) for row in rows) == [
        ("refused", "insufficient_funds", "500.00"),
        ("settled", "", "10.00"),
        ("settled", "", "20.00"),
    ]
    paid = {row["bill_no"]: row["payment_no"] for row in rows if row["status"] == "settled"}
    for bill_no, payment_no in paid.items():
        shown = cli("payments", "show", payment_no)
        assert (shown["bill_no"], shown["mode"], shown["fee"]) == (bill_no, "batch_debit", "0.00")
    results.unlink()
    assert cli("pay", "--batch", "b.batch", "--out", "r.csv") == done
    assert results.read_bytes() == first
    assert cli("batch", "show", done["batch_no"], "--out", "again.csv")["amount"] == "30.00"
    assert (cli.folder / "again.csv").read_bytes() == first
    (listed,) = cli("batch", "list")["batches"]
    assert listed.items() <= done.items()
    assert cli("ledger", "verify", "--signatures")["ok"]


def test_what_people_see_of_a_batch(cli: Cli) -> None:
    cli("batch", "write", "--out", "b.batch")
    shown = cli.text("pay", "--batch", "b.batch", "--out", "r.csv", "--lang", "zh")
    for label, value in (("批次号", "K230420"), ("成功行数", "2"), ("被拒绝行数", "1"), ("金额", "30.00")):
        (line,) = (line for line in shown.splitlines() if line.strip().startswith(label))
        assert value in line
    assert "已办理" in shown


def _refused(inside: Inside, *arguments: str) -> Answer:
    return inside(*arguments, "--json", "--now", TODAY)


@pytest.mark.parametrize(
    ("exit_code", "code", "command"),
    [
        (2, "pay_what", "pay --batch b.batch"),
        (2, "pay_what", "pay --out r.csv"),
        (2, "pay_what", "pay --batch b.batch --out r.csv --bill {open}"),
        (2, "pay_what", "pay --batch b.batch --out r.csv --wallet {company}"),
        (2, "pay_what", "pay --batch b.batch --out r.csv --half-relief"),
        (2, "output_is_input", "pay --batch b.batch --out b.batch"),
        (7, "output_unwritable", "pay --batch b.batch --out nowhere/r.csv"),
        (7, "output_unwritable", "pay --batch b.batch --out s.db"),
        (2, "input_file_unreadable", "pay --batch nothing --out r.csv"),
        (2, "batch_file_malformed", "pay --batch many.csv --out r.csv"),
        (2, "batch_file_malformed", "pay --batch s.db --out r.csv"),
        (6, "batch_not_signed", "pay --batch b.batch --out r.csv"),
        (2, "refund_what", "refund --batch b.batch"),
        (2, "refund_what", "refund --batch b.batch --out r.csv --payment {payment}"),
        (2, "refund_what", "refund --batch b.batch --out r.csv --correction"),
        (2, "batch_file_malformed", "refund --batch b.batch --out r.csv"),
        (4, "tax_authority_not_found", "refunds batch --out new.batch --authority 99999999999"),
        (2, "date_malformed", "refunds batch --out new.batch --applied-by yesterday"),
        (3, "batch_empty", "batch write --out new.batch"),
        (2, "tax_unknown", "batch write --out new.batch --tax vat"),
        (2, "date_malformed", "batch write --out new.batch --due-by tomorrow"),
        (4, "tax_authority_not_found", "batch write --out new.batch --authority 99999999999"),
        (4, "batch_not_found", "batch show K23042000000000000000"),
    ],
)
def test_what_cannot_be_done_is_one_refusal_and_moves_nothing(
    world: World, inside: Inside, exit_code: int, code: str, command: str
) -> None:
    (world.folder / "b.batch").write_text("ecny-tax debit batch 1, parts of 2000 lines\n")
    before = inside("status", "--json", "--now", TODAY).document
    answer = _refused(inside, *world.filled(command))
    assert (answer.exit_code, answer.problem["code"]) == (exit_code, code)
    assert not {"r.csv", "new.batch"} & {file.name for file in world.folder.iterdir()}
    assert inside("status", "--json", "--now", TODAY).document == before
