"""Interest on the command line: a quarter from end to end, two at once, an operator without funds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.process import Cli, contents, one_object
from tests.support import company_id, company_name, person_id, person_name

OPENED, CREDIT_DAY = "2026-01-05", "2026-03-21"


@pytest.fixture
def wallet(cli: Cli) -> str:
    """A person's wallet with 36,000 yuan, which earn 5 fen a day."""
    who = ("--kind", "personal", "--name", person_name(), "--id", person_id(), "--operator", "ICBC")
    return str(cli("wallet", "open", *who, "--fund", "36000", now=OPENED)["wallet_id"])


def test_a_quarter_is_shown_credited_and_stands_in_the_statement(cli: Cli, wallet: str) -> None:
    before = cli("interest", "show", wallet, now=CREDIT_DAY)
    assert (before["awaiting_credit"], before["accrued"], before["credited"]) == ("3.75", "0.00", "0.00")
    done = cli("interest", "credit", now=CREDIT_DAY)
    assert done["periods"] == [
        {"operator": "ICBC", "period_end": "2026-03-20", "wallets": 1, "amount": "3.75"}
    ]
    assert (done["amount"], done["refused"], done["next_credit"]) == ("3.75", [], "2026-06-21")
    after = cli("interest", "show", wallet, now="2026-03-23")
    assert (after["interest_rate"], after["days"], after["accrued"]) == ("0.0005", 2, "0.10")
    assert (after["accrues_from"], after["credited"]) == ("2026-03-21", "3.75")
    lines = cli("wallet", "statement", wallet, now=CREDIT_DAY)["lines"]
    assert (lines[-1]["kind"], lines[-1]["amount"]) == ("wallet_interest", "3.75")
    assert "利息" in cli.text("wallet", "statement", wallet, "--lang", "zh", now=CREDIT_DAY)
    assert cli("ledger", "verify", now=CREDIT_DAY)["ok"] is True


def test_before_the_date_and_twice_nothing_moves(cli: Cli, wallet: str) -> None:
    assert cli("interest", "credit", now="2026-03-20")["periods"] == []
    cli("interest", "credit", now=CREDIT_DAY)
    before = contents(cli.folder / "s.db")["transfer"]
    assert cli("interest", "credit", now=CREDIT_DAY)["amount"] == "0.00"
    assert contents(cli.folder / "s.db")["transfer"] == before


def test_a_clock_that_goes_back_before_the_newest_transfer_credits_nothing(cli: Cli, wallet: str) -> None:
    assert cli("interest", "credit", now="2025-06-01")["amount"] == "0.00"
    cli("interest", "credit", now=CREDIT_DAY)
    assert cli("interest", "credit", now="2026-03-20")["amount"] == "0.00"


def test_two_processes_at_once_credit_once(cli: Cli, wallet: str) -> None:
    running = [cli.start("interest", "credit", "--json", "--now", CREDIT_DAY) for _ in range(2)]
    answers = [one_object(process.communicate(timeout=120)[0]) for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert sorted(answer["amount"] for answer in answers) == ["0.00", "3.75"]
    assert cli("wallet", "show", wallet, now=CREDIT_DAY)["balance"] == "36003.75"
    assert cli("ledger", "verify", now=CREDIT_DAY)["ok"] is True


def test_an_operator_without_funds_is_named_and_the_others_credit(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "scheme.toml").write_text(
        '[opening]\noperator_reserve = "1.00"\nown_funds = "3.74"\nrevenue = "1.00"\n'
        'effective_from = 2020-01-01\ncitation = "a test"\nevidence = "assumption"\n'
    )
    rules = {"ECNY_TAX_RULEBOOK": str(tmp_path / "scheme.toml")}
    person = ("--kind", "personal", "--name", person_name(), "--id", person_id(), "--operator", "ICBC")
    company = ("--kind", "corporate", "--name", company_name(), "--id", company_id(), "--operator", "BOC")
    cli("wallet", "open", *person, "--fund", "36000", now=OPENED, **rules)
    cli("wallet", "open", *company, "--fund", "7200", now=OPENED, **rules)
    one = ("interest", "credit", "--operator", "ICBC")
    cli.refused(3, "operator_funds_short", *one, now=CREDIT_DAY, **rules)
    answer = cli.asked("interest", "credit", now=CREDIT_DAY, **rules)
    assert (answer.exit_code, answer.complaint["code"]) == (3, "operator_funds_short")
    done = one_object(answer.stdout)
    assert [period["operator"] for period in done["periods"]] == ["BOC"]
    assert done["refused"] == [
        {"operator": "ICBC", "code": "operator_funds_short", "needed": "3.75", "own_funds": "3.74"}
    ]


def test_closing_answers_the_interest_it_paid(cli: Cli, wallet: str) -> None:
    cli("wallet", "cash-out", wallet, "--amount", "36000", now="2026-01-07")
    assert cli("wallet", "close", wallet, now="2026-01-07")["interest_paid"] == "0.10"
