"""What every command promises: one JSON document, the same options, the documented exit codes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from ecny_tax.cli.pages import Step
from tests.cli.conftest import Inside, World
from tests.cli.examples import EXAMPLES, REFUND, holds, keys_of, prepare, remember, text_of
from tests.cli.process import Answer, Cli, StartedCli, one_object
from tests.cli.tree import TREE

MOVES_MONEY = {
    ("wallet", "open"), ("wallet", "top-up"), ("wallet", "cash-out"), ("wallet", "transfer"), ("pay",),
    ("wallet", "open-sub"), ("wallet", "collect"), ("wallet", "distribute"), ("wallet", "charge"),
    ("payments", "reverse"), ("refund",), ("refunds", "approve"), ("refunds", "resubmit"),
    ("device", "load"), ("device", "unload"), ("device", "release"), ("wallet", "close"),
    ("treasury", "close"), ("interest", "credit"), ("reconcile", "day"),
}  # fmt: skip

_AMOUNT_KEYS = {
    "amount", "balance", "balance_after", "fee", "base", "tax", "tax_total", "taxable", "withheld",
    "refund", "due", "refunded", "set_off", "in_circulation", "operator_vaults", "debits", "credits",
    "income_amount", "bonus_tax", "cap_single", "cap_total", "lien", "settled", "spent", "remaining",
    "charged", "charged_today", "collected", "net", "waiting", "revenue",
    "accrued", "awaiting_credit", "credited", "interest_paid", "needed",
    "own_funds", "treasury_amount", "operator_amount", "ledger_amount", "mend_amount",
}  # fmt: skip
#: Of a bill, and of a line of a receipt, ``tax`` is a name.
_NAMED_TAXES = {"stamp-duty", "income-tax", "other", "印花税", "个人所得税"}
_AMOUNT = re.compile(r"-?\d+\.\d\d")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+08:00")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def fields(value: object, key: str = "") -> Iterator[tuple[str, object]]:
    """Every scalar of a document with the key it stands under; a list passes its own key on."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from fields(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from fields(inner, key)
    else:
        yield key, value


def names(value: object) -> Iterator[str]:
    """Every key of a document."""
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from names(inner)
    if isinstance(value, dict):
        yield from value


# --- documents ------------------------------------------------------------------------------------


@pytest.mark.parametrize("example", EXAMPLES, ids=text_of)
def test_json_is_one_document_with_the_promised_keys_amounts_and_times(
    world: World, inside: Inside, example: tuple[Step, ...]
) -> None:
    prepare(world)
    found: dict[str, Any] = {}
    for step in example:
        time = () if step.line.startswith("demo") or "--now" in step.line else ("--now", "2023-04-20")
        found = inside(*world.filled(step.line), "--json", *time).document
        remember(world, found)
        assert not step.says or holds(found, step.says), found
    assert found.keys() >= keys_of(example[-1].line)
    for key, value in fields(found):
        if key in _AMOUNT_KEYS and value is not None and not (key == "tax" and value in _NAMED_TAXES):
            assert isinstance(value, str), (key, value)
            assert _AMOUNT.fullmatch(value), (key, value)
        if value is not None and (key.endswith("_at") or key in ("at", "now")):
            assert _TIME.fullmatch(str(value)), (key, value)
        if value is not None and (key.endswith("_date") or key in ("on", "period_start", "period_end")):
            assert _DAY.fullmatch(str(value)), (key, value)
        if isinstance(value, float):
            assert key in ("seconds", "processor_seconds"), (key, value)


@pytest.mark.parametrize(
    "example", [example for example in EXAMPLES if example[-1].line.split()[-1] == "list"], ids=text_of
)
def test_a_list_is_an_array_under_its_plural_key(
    world: World, inside: Inside, example: tuple[Step, ...]
) -> None:
    if example[-1].line == "batch list":
        for line in ("refunds batch --out b.batch", "refund --batch b.batch --out r.csv"):
            inside(*line.split(), "--now", "2023-04-20")
    for step in example:
        found = inside(*world.filled(step.line), "--json", "--now", "2023-04-20").document
    assert found.keys() == keys_of(example[-1].line)
    (records,) = found.values()
    assert records
    assert all(isinstance(record, dict) for record in records)


@pytest.mark.parametrize(
    "command", ["wallet", "agreement", "bill", "payments", "refunds", "device", "voucher", "failure"]
)
def test_an_empty_list_is_an_empty_array(inside: Inside, command: str) -> None:
    (records,) = inside(command, "list", "--json").document.values()
    assert records == []


@pytest.mark.parametrize("command", ["wallet list", "wallet show {company}", "ledger verify", "status"])
def test_the_process_says_the_same_as_json_and_nothing_on_stderr(world: World, command: str) -> None:
    answer = StartedCli(world.folder, ECNY_TAX_DB="s.db").asked(*world.filled(command))
    assert answer.document
    assert answer.exit_code == 0


def test_chinese_stays_chinese_in_json_whatever_the_terminal_speaks(world: World) -> None:
    cli = Cli(world.folder, ECNY_TAX_DB="s.db", PYTHONIOENCODING="latin-1")
    assert "鹤山" in cli.asked("parties", "list").stdout


@pytest.mark.parametrize("command", ["--help", "wallet --help", "pay --help"])
def test_the_help_page_is_shown_whatever_the_terminal_speaks(cli: Cli, command: str) -> None:
    answer = cli.run(*command.split(), PYTHONIOENCODING="latin-1")
    assert (answer.exit_code, answer.stderr) == (0, "")
    assert "Usage" in answer.stdout


# --- options --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", TREE, ids=" ".join)
def test_every_command_takes_the_common_options_at_its_end(path: tuple[str, ...]) -> None:
    names = [name for parameter in TREE[path].params for name in parameter.opts if parameter.name != "help"]
    options = [name for name in names if name.startswith("--")]
    assert options[-4:] == ["--db", "--json", "--now", "--lang"]


@pytest.mark.parametrize("path", sorted(MOVES_MONEY), ids=" ".join)
def test_a_command_that_moves_money_takes_an_idempotency_key(path: tuple[str, ...]) -> None:
    assert any("--idempotency-key" in parameter.opts for parameter in TREE[path].params)


@pytest.mark.parametrize("path", TREE, ids=" ".join)
def test_every_command_says_what_it_does(path: tuple[str, ...]) -> None:
    assert TREE[path].help


def test_the_version_is_told(cli: Cli) -> None:
    from ecny_tax import __version__

    assert cli.run("--version").stdout == f"ecny-tax {__version__}\n"
    assert cli.run("--version", "--json").document == {"version": __version__}


def test_the_help_page_names_every_command_and_the_version(cli: Cli) -> None:
    page = cli.run("--help")
    assert (page.exit_code, page.stderr) == (0, "")
    for name in dict.fromkeys(path[0] for path in TREE):
        assert re.search(rf"^  {name} ", page.stdout, re.MULTILINE), name
    assert "--version" in page.stdout


# --- refusals -------------------------------------------------------------------------------------

#: Exit code, problem code, and a command that ends so after the story.
REFUSALS = [
    (2, "usage", ""),
    (2, "usage", "wallet"),
    (2, "usage", "nothing-like-it"),
    (2, "usage", "wallet shwo"),
    (2, "usage", "wallet show"),
    (2, "usage", "wallet show {company} {person}"),
    (2, "usage", "wallet show {company} --no-such-option"),
    (2, "usage", "wallet open --kind"),
    (2, "usage", "wallet open --kind personal"),
    (2, "usage", "clock advance --days many"),
    (2, "wallet_id_malformed", "wallet show 123"),
    (2, "operator_unknown", "wallet open --kind personal --phone 13700000000 --operator NOBANK"),
    (2, "wallet_kind_unknown", "wallet open --kind golden --phone 13700000000 --operator ICBC"),
    (2, "stamp_duty_item_unknown", "tax quote stamp-duty --item poem --base 1"),
    (2, "tax_unknown", "pay --wallet {company} --tax window-tax --item poem --base 1"),
    (2, "pay_what", "pay"),
    (2, "refund_what", "refund"),
    (2, "language_unknown", "status --lang fr"),
    (2, "time_malformed", "status --now yesterday"),
    (3, "insufficient_funds", "wallet cash-out {company} --amount 99999"),
    (3, "bill_already_paid", "pay --bill {paid}"),
    (3, "wallet_without_name", "agreement sign --wallet {nameless} --authority {authority}"),
    (3, "wallet_not_empty", "wallet close {company}"),
    (3, "refund_exceeds_payment", "refund --payment {payment} --amount 17000.01"),
    (3, "clock_went_back", "clock set 2023-04-19"),
    (3, "treasury_day_in_future", "treasury close --date 2199-12-31"),
    (3, "treasury_day_before_first", "treasury close --date 1999-12-31"),
    (2, "date_malformed", "treasury close --date 2023-02-30"),
    (2, "date_malformed", "treasury report --from yesterday"),
    (2, "period_reversed", "treasury report --from 2023-04-21 --to 2023-04-20"),
    (2, "report_by_unknown", "treasury report --by year"),
    (2, "report_kind_unknown", "treasury report --out r.png"),
    (2, "report_kind_unknown", "treasury report --csv --out r.svg"),
    (4, "treasury_not_found", "treasury close --date 2023-04-20 --treasury 1900000009"),
    (4, "treasury_not_found", "treasury report --treasury x"),
    (7, "output_unwritable", "treasury report --out nowhere/r.svg"),
    (4, "wallet_not_found", "wallet show 0021000000000005"),
    (4, "agreement_not_found", "agreement show A0"),
    (4, "bill_not_found", "bill show B0"),
    (4, "payment_not_found", "payments show P0"),
    (4, "receipt_not_found", "receipt show 0"),
    (4, "failure_not_found", "failure cancel F0"),
    (2, "failure_kind_unknown", "failure order fire"),
    (2, "failure_times_malformed", "failure order answer_lost --times 0"),
    (2, "usage", "failure order answer_lost --times many"),
    (2, "usage", "reconcile"),
    (2, "usage", "reconcile day"),
    (2, "usage", "reconcile --mend"),
    (2, "date_malformed", "reconcile --date 2023-02-30"),
    (2, "operator_unknown", "reconcile --date 2023-04-20 --operator NOBANK"),
    (4, "treasury_not_found", "reconcile --date 2023-04-20 --treasury 1"),
    (2, "key_without_mend", "reconcile --date 2023-04-20 --idempotency-key k"),
    (2, "mend_of_files", "reconcile --date 2023-04-20 --operator-file o.csv --mend"),
    (2, "input_file_unreadable", "reconcile --date 2023-04-20 --operator-file none.csv"),
    (2, "reconciliation_file_malformed", "reconcile --date 2023-04-20 --treasury-file many.csv"),
    (2, "reconciliation_side_unknown", "reconcile export --date 2023-04-20 --side bank --out o.csv"),
    (7, "output_unwritable", "reconcile export --date 2023-04-20 --side ledger --out s.db"),
    (4, "refund_not_found", "refunds show R0"),
    (4, "tax_authority_not_found", "agreement sign --wallet {company} --authority 14407849999"),
    (
        5,
        "idempotency_conflict",
        "pay --wallet {company} --tax stamp-duty --item sale_contract --base 1 --idempotency-key first",
    ),
    (5, "agreement_exists", "agreement sign --wallet {company} --authority {authority}"),
    (5, "party_exists", "parties add --kind treasury --code 1907840000 --name 某支库"),
    (7, "database_unwritable", "wallet list --db no/such/folder.db"),
    (7, "output_unwritable", "agreement export {agreement} --out no/such/folder.json"),
    (2, "amount_not_positive", "device load --device d.dev --amount 0"),
    (2, "load_hours_malformed", "device load --device d.dev --amount 1 --hours 0"),
    (2, "load_hours_malformed", "device load --device d.dev --amount 1 --hours 721"),
    (2, "device_what", "device show"),
    (2, "device_what", "device unload d.dev --device d.dev"),
    (2, "redeem_what", "voucher redeem"),
    (2, "redeem_what", "voucher redeem v.txt --terminal t.term"),
    (2, "state_file_foreign", "device show v.txt"),
    (2, "state_file_foreign", "device show t.term"),
    (2, "state_file_foreign", "terminal show d.dev"),
    (2, "bill_number_malformed", "voucher request --terminal t.term --bill B/1 --amount 1 --out q.txt"),
    (2, "picture_kind_unknown", "voucher qr v.txt --out v.gif"),
    (2, "operator_unknown", "trust roll-over --operator NOBANK"),
    (3, "device_cap_not_allowed", "device enroll --wallet {person} --out n.dev --cap-single 1000.01"),
    (3, "device_cap_exceeded", "device load --device d.dev --amount 5000"),
    (3, "insufficient_funds", "device load --device d.dev --amount 400"),
    (3, "device_revoked", "device load --device c.dev --amount 1"),
    (3, "load_not_expired", "device release {load}"),
    (3, "request_expired", "voucher pay --device d.dev --request r.txt --out q.txt --now 2023-04-20T10:31"),
    (4, "state_file_not_found", "device show none.dev"),
    (4, "state_file_not_found", "terminal show none.term"),
    (4, "device_not_found", "device show D0"),
    (4, "load_not_found", "device release L0"),
    (4, "load_not_on_device", "device unload d.dev --load L0"),
    (4, "nothing_to_revoke", "trust revoke X0"),
    (4, "nothing_to_revoke", "device revoke D0"),
    (4, "evidence_not_found", "evidence export {redeemed} --out q.txt"),
    (4, "wallet_not_found", "device enroll --wallet 0021000000000005 --out n.dev"),
    (5, "state_file_exists", "device enroll --wallet {person} --out d.dev"),
    (5, "state_file_exists", "terminal init --out trust.txt"),
    (6, "object_text_malformed", "voucher show a.json"),
    (6, "object_kind_wrong", "voucher pay --device d.dev --request v.txt --out q.txt"),
    (6, "object_kind_wrong", "voucher verify v.txt --trust r.txt"),
    (7, "output_unwritable", "trust export --out no/such/folder.txt"),
    (7, "state_file_unavailable", "device enroll --wallet {person} --out no/such/folder.dev"),
    (7, "state_file_unavailable", "terminal init --out no/such/folder.term"),
    (7, "output_unwritable", "voucher pay --device d.dev --request r.txt --out s.db"),
]


def at_the_end(world: World, command: str, *options: str) -> list[str]:
    words = world.filled(command)
    return [*words, *options, *(() if not words or "--now" in words else ("--now", "2023-04-20"))]


@pytest.mark.parametrize(("exit_code", "code", "command"), REFUSALS)
def test_a_refusal_is_a_problem_on_stderr_with_its_exit_code(
    world: World, inside: Inside, exit_code: int, code: str, command: str
) -> None:
    problem = inside(*at_the_end(world, command, "--json")).problem
    assert problem["code"] == code
    assert problem["exit_code"] == exit_code


@pytest.mark.parametrize(
    ("exit_code", "code", "command"),
    [case for case in REFUSALS if case[2] not in ("", "wallet")],  # those show the help page instead
)
def test_a_refusal_to_a_human_is_one_or_two_lines_with_the_code(
    world: World, inside: Inside, exit_code: int, code: str, command: str
) -> None:
    answer = inside(*at_the_end(world, command))
    assert (answer.exit_code, answer.stdout) == (exit_code, "")
    lines = answer.stderr.splitlines()
    assert 1 <= len(lines) <= 2
    assert lines[0].endswith(f"({code})")
    assert all(lines)


@pytest.mark.parametrize(
    ("exit_code", "code", "command"), [case for case in REFUSALS if "--lang" not in case[2]]
)
def test_a_refusal_in_chinese_is_chinese(
    world: World, inside: Inside, exit_code: int, code: str, command: str
) -> None:
    problem = inside(*at_the_end(world, command, "--json", "--lang", "zh")).problem
    assert (problem["exit_code"], problem["code"]) == (exit_code, code)
    for name in ("title", "detail", "hint"):
        assert re.search("[一-鿿]", problem[name]), (name, problem[name])


@pytest.mark.parametrize(
    ("command", "detail"),
    [
        ("wallet show --zzz", "没有选项 --zzz"),
        ("wallet show --jsn", "没有选项 --jsn，相近的有 --as, --json, --now"),
        ("wallet stp", "没有命令 'stp'，相近的有 'stop'"),
        ("nothing-like-it", "没有命令 'nothing-like-it'"),
        ("wallet show", "缺少参数 'WALLET'"),
        ("wallet open", "缺少选项 '--kind'"),
        ("wallet list extra words", "多余的参数：extra words"),
        ("pay --half-relief=yes", "选项 '--half-relief' 不带值"),
        ("clock advance --days many", "'--days' 的值应为整数"),
    ],
)
def test_what_the_parser_refuses_is_said_in_chinese(inside: Inside, command: str, detail: str) -> None:
    assert inside(*command.split(), "--json", "--lang", "zh").problem["detail"] == detail


def test_a_value_that_is_missing_at_the_end_is_said_in_chinese(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECNY_TAX_LANG", "zh")
    assert inside("pay", "--json", "--bill").problem["detail"] == "选项 '--bill' 后面缺少值"
    assert inside("wallet", "--json").problem["detail"] == "没有选项 --json"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_page_of_text_that_the_parser_refuses_is_not_said_again(inside: Inside, language: str) -> None:
    problem = inside("status", "--" + "x" * 5000, "--json", "--lang", language).problem
    assert len(problem["detail"]) < 320


@pytest.mark.parametrize(
    ("exit_code", "command"),
    [
        (2, "wallet show 123"),
        (2, "wallet shwo"),
        (3, "pay --bill {paid}"),
        (4, "bill show B0"),
        (5, "agreement sign --wallet {company} --authority {authority}"),
        (7, "wallet list --db no/such/folder.db"),
    ],
)
def test_the_process_ends_with_the_documented_exit_code(world: World, exit_code: int, command: str) -> None:
    answer = StartedCli(world.folder, ECNY_TAX_DB="s.db").run(*at_the_end(world, command, "--json"))
    assert answer.problem["exit_code"] == answer.exit_code == exit_code


def test_no_command_shows_the_help_page_on_stderr(cli: Cli) -> None:
    for words in ((), ("wallet",)):
        answer = cli.run(*words)
        assert (answer.exit_code, answer.stdout) == (2, "")
        assert answer.stderr.startswith("Usage: ecny-tax")


def test_an_agreement_refused_by_the_operator_is_kept_and_named(world: World, inside: Inside) -> None:
    problem = inside(
        "agreement", "sign", "--wallet", world.names["person"], "--taxpayer-name", "另一人", "--json",
        "--now", "2023-04-20",
    ).problem  # fmt: skip
    assert (problem["exit_code"], problem["code"]) == (3, "agreement_name_mismatch")
    kept = inside("agreement", "show", problem["agreement_no"], "--json").document
    assert kept["status"] == "verification_failed"


def test_a_failed_credit_can_be_resubmitted_to_another_wallet_of_the_person(
    world: World, inside: Inside
) -> None:
    """The wallet is closed while the application is under review; the treasury's credit fails."""

    def run(*words: str) -> Answer:
        return inside(*words, "--json", "--now", "2023-04-20")

    applied = run(
        "refund", "--wallet", world.names["person"], "--tax", "income-tax", "--input", "i2020.json",
        "--manual-review",
    ).document  # fmt: skip
    assert applied["status"] == "tax_review"
    assert run("wallet", "cash-out", world.names["person"], "--amount", "720").exit_code == 0
    assert run("wallet", "close", world.names["person"]).exit_code == 0
    failed = run("refunds", "approve", applied["refund_no"]).document
    assert failed["status"] == "treasury_failed"
    from tests.support import person_id, person_name

    other = run(
        "wallet", "open", "--kind", "personal", "--name", person_name(), "--id", person_id(),
        "--operator", "CCB",
    ).document["wallet_id"]  # fmt: skip
    done = run("refunds", "resubmit", applied["refund_no"], "--wallet", other).document
    assert done.keys() >= REFUND
    assert (done["status"], done["balance_after"]) == ("completed", applied["amount"])


# --- verdicts -------------------------------------------------------------------------------------


def test_a_tampered_agreement_is_judged_on_stdout_and_refused_on_stderr(world: World, inside: Inside) -> None:
    export = (world.folder / "a.json").read_text().replace('"batch_debit": false', '"batch_debit": true')
    (world.folder / "forged.json").write_text(export)
    answer = inside("agreement", "verify", "forged.json", "--json")
    verdict = one_object(answer.stdout)
    assert verdict["valid"] is False
    assert verdict["reason"]
    assert answer.complaint["code"] == "agreement_invalid"
    assert answer.exit_code == 6


def test_an_agreement_verifies_without_a_database(world: World, cli: Cli) -> None:
    answer = cli.run(
        "agreement", "verify", "a.json", "--keys", "keys.json", "--json", "--db", "no/such/folder.db"
    )
    assert answer.document["valid"] is True


def test_a_tampered_ledger_is_judged_on_stdout_and_refused_on_stderr(world: World, inside: Inside) -> None:
    import sqlite3

    with sqlite3.connect(world.database) as connection:
        triggers = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for (name,) in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(
            "UPDATE transfer SET amount = amount + 1 WHERE seq = (SELECT max(seq) FROM transfer)"
        )
    connection.close()
    answer = inside("ledger", "verify", "--json")
    verdict = one_object(answer.stdout)
    assert verdict["ok"] is False
    assert [check for check in verdict["checks"] if not check["ok"]]
    assert answer.complaint["code"] == "ledger_broken"
    assert answer.exit_code == 6
    shown = inside("ledger", "verify", "--lang", "zh")
    assert shown.exit_code == 6
    assert "账本核验不通过" in shown.stderr
    assert "I1" in shown.stdout


# --- environment ----------------------------------------------------------------------------------


def test_the_default_database_is_in_the_folder_and_has_a_private_keyring(cli: Cli) -> None:
    assert cli("status", ECNY_TAX_DB="")["transfers"] > 0
    assert (cli.folder / "ecny-tax.db").exists()
    assert (cli.folder / "ecny-tax.db.keys").stat().st_mode & 0o777 == 0o600


def test_the_environment_names_the_database_and_the_option_comes_first(cli: Cli) -> None:
    cli("status", ECNY_TAX_DB="one.db")
    assert (cli.folder / "one.db").exists()
    cli("status", "--db", "two.db", ECNY_TAX_DB="three.db")
    assert (cli.folder / "two.db").exists()
    assert not (cli.folder / "three.db").exists()


def test_the_environment_names_the_language_and_the_option_comes_first(cli: Cli) -> None:
    assert "引擎" in cli.text("status", ECNY_TAX_LANG="zh")
    assert "engine" in cli.text("status", "--lang", "en", ECNY_TAX_LANG="zh")
    problem = cli.refused(4, "bill_not_found", "bill", "show", "B0", ECNY_TAX_LANG="zh")
    assert problem["title"] == "未找到"
    cli.refused(2, "language_unknown", "status", ECNY_TAX_LANG="fr")


def test_the_environment_names_the_keyring(cli: Cli) -> None:
    cli("status", ECNY_TAX_KEYRING="elsewhere.keys")
    assert (cli.folder / "elsewhere.keys").stat().st_mode & 0o777 == 0o600
    assert not (cli.folder / "s.db.keys").exists()
    cli.refused(7, "keyring_missing", "status")
    assert not (cli.folder / "s.db.keys").exists()
    cli("status", ECNY_TAX_KEYRING="elsewhere.keys")


# --- languages ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [
        "wallet list", "wallet show {company}", "wallet statement {company}", "agreement list",
        "agreement show {agreement}", "bill list", "bill show {open}", "payments list",
        "payments show {payment}", "refunds list", "refunds show {refund}", "receipt show {receipt}",
        "ledger verify", "ledger accounts", "parties list", "clock show", "status", "tax items",
        "tax quote stamp-duty --item sale_contract --base 1", "tax quote income-tax --input i.json",
        "tax quote stamp-duty --item permit_or_licence --pieces 3 --on 2021-05-10", "tax rules",
        "tax quote stamp-duty --item sale_contract --base 1 --exemption armed_forces",
        "tax quote withholding --input wages.json", "tax quote withholding --input pay.json",
        "tax quote deductions --input claims.json", "tax quote business --taxable 90000",
        "tax quote non-resident --bonus 600000", "tax quote non-resident --wage 8000",
        "tax items --on 2021-05-10", "tax exemptions", "tax deductions", "tax check cases.json",
        "agreement verify a.json", "agreement export {agreement} --out b.json",
        "receipt verify p.cose", "receipt verify f.cose",
        "wallet top-up {company} --amount 1", "wallet transfer {company} {person} --amount 1",
        "tax settle-many many.csv settled.csv",
        "device enroll --wallet {person} --out new.dev", "device load --device d.dev --amount 1",
        "device show d.dev", "device show {device}", "device list", "device unload d.dev",
        "device revoke d.dev", "voucher request --terminal t.term --bill {asked} --amount 30 --out new.txt",
        "voucher pay --device d.dev --request r.txt --out new.txt", "voucher accept v.txt --terminal t.term",
        "voucher verify v.txt --trust trust.txt", "voucher show v.txt", "voucher show r.txt",
        "voucher show trust.txt", "voucher show e.txt", "voucher qr v.txt --out v.svg", "voucher list",
        "voucher redeem v.txt w.txt x.txt", "evidence verify e.txt --trust trust.txt",
        "evidence export {disputed} --out again.txt", "terminal show t.term",
        "terminal renew t.term --trust trust.txt", "trust export --out new.txt", "trust revoke {device}",
        "trust roll-over --operator ICBC", "ledger verify --signatures",
    ],
)  # fmt: skip
def test_every_label_of_a_chinese_answer_is_chinese(
    original: World, world: World, inside: Inside, command: str
) -> None:
    """Labels are what stands before the first column gap of a record, or in the head of a table."""
    words = (*world.filled(command), "--now", "2023-04-20")
    document = inside(*words, "--json").document
    for file in world.folder.iterdir():  # the same once more, from the start
        file.unlink()
    original.copied(world.folder)
    answer = inside(*words, "--lang", "zh")
    assert (answer.exit_code, answer.stderr) == (0, "")
    shown = answer.stdout
    keys = set(names(document))
    # A value may be the same word, or begin with it, as the name of a key does.
    keys -= {str(value).partition(":")[0] for _, value in fields(document)}
    english = {
        key for key in keys if re.search(rf"(^|  | · ){key.replace('_', ' ')}(  |:|$)", shown, re.MULTILINE)
    }
    assert english == set()


@pytest.mark.parametrize("file", ["v.txt", "r.txt", "trust.txt", "e.txt"])
def test_what_an_object_holds_is_shown_one_object_under_the_other(
    world: World, inside: Inside, file: str
) -> None:
    document = inside("voucher", "show", file, "--json").document
    lines = inside("voucher", "show", file).stdout.splitlines()
    assert not [line for line in lines if "{" in line or len(line) > 110]

    def look(record: dict[str, Any], path: str) -> None:
        for key, value in record.items():
            if isinstance(value, dict):
                part = f"{path} · {key}".removeprefix(" · ").replace("_", " ")
                assert lines[lines.index(part) - 1] == ""
                look(value, part)

    look(document, "")
