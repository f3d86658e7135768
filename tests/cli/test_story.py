"""The story from Heshan: through the shell command by command, from Python, and as the demo."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ecny_tax import AnnualReturn, FixedClock, Sandbox, yuan
from tests.cli.conftest import ANNUAL_RETURN
from tests.cli.process import Cli, StartedCli
from tests.postgres_server import Server
from tests.support import START, company_id, person_id

COMPANY = "广东弘明智能照明科技有限公司"
AUTHORITY = "14407840000"
REFUSALS = ["agreement_name_mismatch", "wallet_without_name", "insufficient_funds", "bill_already_paid"]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """What ``ECNY_TAX_DB`` names: a file in the folder of the command, or a database of a server."""
    return "s.db" if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def on_each(tmp_path: Path, database: str) -> Cli:
    """The command in an empty folder, on each engine."""
    return Cli(tmp_path, ECNY_TAX_DB=database)


def test_the_story_holds_command_by_command(tmp_path: Path, database: str) -> None:
    cli = StartedCli(tmp_path, ECNY_TAX_DB=database)
    (cli.folder / "income-2022.json").write_text(json.dumps(ANNUAL_RETURN))

    opened = cli(
        "wallet", "open", "--kind", "corporate", "--name", COMPANY, "--id", company_id(),
        "--operator", "ICBC", "--fund", "20000.00",
    )  # fmt: skip
    assert (opened["balance"], opened["status"]) == ("20000.00", "active")
    company = opened["wallet_id"]

    assert cli("agreement", "sign", "--wallet", company, "--authority", AUTHORITY)["status"] == "verified"

    paid = cli(
        "pay", "--wallet", company, "--tax", "stamp-duty", "--item", "sale_contract",
        "--base", "56666666.67",
    )  # fmt: skip
    assert paid["amount"] == "17000.00"
    assert paid["fee"] == "0.00"
    assert paid["status"] == "settled"
    assert paid["mode"] == "real_time_debit"
    assert paid["balance_after"] == "3000.00"
    assert "壹万柒仟元整" in cli("receipt", "show", paid["receipt_no"])["amount_in_capitals"]

    person = cli(
        "wallet", "open", "--kind", "personal", "--class", "II", "--name", "梁先生", "--id", person_id(),
        "--phone", "13800000000", "--operator", "BOC",
    )["wallet_id"]  # fmt: skip
    refund = cli("refund", "--wallet", person, "--tax", "income-tax", "--input", "income-2022.json")
    assert (refund["status"], refund["amount"], refund["balance_after"]) == ("completed", "720.00", "720.00")

    verified = cli("ledger", "verify")
    assert verified["ok"] is True
    assert verified["transfers"] > 0
    assert all(check["ok"] for check in verified["checks"])
    assert cli("status")["in_circulation"] == "20720.00"


def test_a_replay_is_answered_from_the_first_run_and_moves_nothing(on_each: Cli) -> None:
    cli = on_each
    opening = (
        "wallet", "open", "--kind", "corporate", "--name", COMPANY, "--id", company_id(),
        "--operator", "ICBC", "--fund", "20000", "--idempotency-key", "open",
    )  # fmt: skip
    first = cli(*opening)
    assert cli(*opening) == first
    paying = (
        "pay", "--wallet", first["wallet_id"], "--tax", "stamp-duty", "--item", "sale_contract",
        "--idempotency-key", "pay",
    )  # fmt: skip
    paid = cli(*paying, "--base", "1000000")
    assert cli(*paying, "--base", "1000000") == paid
    cli.refused(5, "idempotency_conflict", *paying, "--base", "2000000")
    assert cli("wallet", "show", first["wallet_id"])["balance"] == paid["balance_after"] == "19700.00"
    assert len(cli("payments", "list")["payments"]) == len(cli("bill", "list")["bills"]) == 1


def test_the_story_holds_from_python_and_the_shell_sees_the_same(
    on_each: Cli, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli = on_each
    monkeypatch.chdir(cli.folder)
    with Sandbox.open(database, clock=FixedClock(START)) as s:
        company = s.wallets.open(
            kind="corporate", name=COMPANY, id_number=company_id(), operator="ICBC", fund=yuan("20000.00")
        )
        assert s.agreements.sign(wallet_id=company.wallet_id, authority=AUTHORITY).status == "verified"
        paid = s.payments.pay_stamp_duty(
            wallet_id=company.wallet_id, item="sale_contract", base=yuan("56666666.67")
        )
        assert (paid.amount, paid.fee, paid.balance_after) == (yuan("17000.00"), 0, yuan("3000.00"))
        person = s.wallets.open(
            kind="personal",
            wallet_class="II",
            name="梁先生",
            id_number=person_id(),
            phone="13800000000",
            operator="BOC",
        )
        annual_return = AnnualReturn(
            tax_year=2022, wages=yuan(150000), social=yuan(18000), sad=yuan(24000), withheld=yuan(3000)
        )
        refund = s.refunds.apply_for_income_tax(wallet_id=person.wallet_id, annual_return=annual_return)
        assert (refund.status, refund.amount, refund.balance_after) == ("completed", yuan(720), yuan(720))
        assert s.ledger.verify().ok

    shown = cli("payments", "show", paid.payment_no)
    assert (shown["amount"], shown["fee"], shown["balance_after"]) == ("17000.00", "0.00", "3000.00")
    assert cli("wallet", "show", person.wallet_id)["balance"] == "720.00"
    assert cli("ledger", "verify")["ok"] is True


def test_a_ledger_goes_from_a_server_into_a_file_and_back(
    postgres: Server, postgres_url: str, tmp_path: Path
) -> None:
    cli = Cli(tmp_path)
    company = (
        "wallet", "open", "--kind", "corporate", "--name", COMPANY, "--id", company_id(),
        "--operator", "ICBC", "--fund", "20000",
    )  # fmt: skip
    cli(*company, "--db", postgres_url)
    first = cli("ledger", "verify", "--db", postgres_url)
    export = ("ledger", "export", "--format", "jsonl", "--out")
    cli(*export, "one", "--db", postgres_url)
    cli("ledger", "import", "one", "--db", "a.db")
    cli(*export, "two", "--db", "a.db")
    with postgres.database() as other:
        cli("ledger", "import", "two", "--db", other)
        cli(*export, "three", "--db", other)
        again = cli("ledger", "verify", "--db", other)
        cli.refused(5, "database_exists", "ledger", "import", "two", "--db", other)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert (tmp_path / "two").read_bytes() == (tmp_path / "three").read_bytes()
    assert (again["ok"], again["transfers"]) == (True, first["transfers"])


def test_the_demo_as_data_tells_every_step(cli: Cli) -> None:
    told = cli.run("demo", "--json").document
    assert told["ok"] is True
    steps = told["steps"]
    assert [step["number"] for step in steps] == list(range(1, len(steps) + 1))
    assert [step["refused"] for step in steps if step["refused"]] == REFUSALS
    assert {step["fee"] for step in steps} == {"0.00", None}
    for step in steps:
        for name in ("title", "who", "detail"):
            assert step[name]
            assert step[f"{name}_zh"]
    assert any("17,000.00" in step["moved"] for step in steps)
    assert any("720.00" in step["moved"] for step in steps)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["The story holds", "three-party agreement", "17,000.00", "fee 0.00", "180 s allowed"]),
        ("zh", ["故事成立", "三方协议", "17,000.00", "手续费 0.00", "零手续费"]),
    ],
)
def test_the_demo_as_text_tells_who_acts_what_moved_and_what_was_refused(
    cli: Cli, language: str, words: list[str]
) -> None:
    told = cli.run("demo", "--lang", language)
    assert (told.exit_code, told.stderr) == (0, "")
    for word in [*words, *REFUSALS]:
        assert word in told.stdout
    assert "\x1b" not in told.stdout


@pytest.mark.parametrize("how", [(), ("--json",)])
def test_the_demo_leaves_nothing_behind(tmp_path: Path, how: tuple[str, ...]) -> None:
    folder, temporary = tmp_path / "here", tmp_path / "tmp"
    folder.mkdir()
    temporary.mkdir()
    cli = Cli(folder, ECNY_TAX_DB="mine.db", TMPDIR=str(temporary))
    assert cli.run("demo", *how).exit_code == 0
    assert list(folder.iterdir()) == []
    assert list(temporary.iterdir()) == []


def test_the_demo_keeps_its_own_time_and_its_own_ledger(cli: Cli) -> None:
    """Neither ``--now`` nor the database of the folder touch it."""
    told = cli.run("demo", "--json", "--now", "2031-01-01", "--db", "no/such/folder.db")
    assert told.document["ok"] is True


def test_the_demo_is_the_same_in_every_run(tmp_path: Path) -> None:
    """Its numbers come from a seed; only the time it takes differs."""
    cli = StartedCli(tmp_path)  # each has hash values of its own

    def wallets() -> list[str]:
        steps = cli.run("demo", "--json").document["steps"]
        return [step["detail"] for step in steps if step["detail"].startswith("wallet ")]

    assert wallets() == wallets()
