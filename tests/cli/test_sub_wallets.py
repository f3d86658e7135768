"""Sub-wallets on the command line: every way they pay, refusals by code and exit code, what humans see."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.conftest import World
from tests.cli.process import Answer, Cli
from tests.support import AUTHORITY, person_id, person_name, phone_number

OPENED = {
    "wallet_id", "parent", "purpose", "kind", "wallet_class", "operator", "balance", "status", "opened_at",
    "single", "day", "payees", "until", "platform", "token",
}  # fmt: skip
BATCH = {"wallet_id", "amount", "fee", "balance", "at", "moves", "held_back"}


@pytest.fixture
def story(world: World) -> tuple[Cli, dict[str, str]]:
    """The story, with money in the person's wallet, and a command line in its folder."""
    cli = Cli(world.folder, ECNY_TAX_DB="s.db")
    cli("wallet", "top-up", world.names["person"], "--amount", "1000")
    return cli, world.names


Story = tuple[Cli, dict[str, str]]


def test_a_limited_sub_wallet_pays_a_bill_within_its_limits(story: Story) -> None:
    cli, names = story
    sub = cli(
        "wallet", "open-sub", names["person"], "--purpose", "limited", "--single", "50", "--day", "60",
        "--fund", "80",
    )  # fmt: skip
    assert sub.keys() == OPENED
    assert (sub["balance"], sub["single"], sub["day"], sub["token"]) == ("80.00", "50.00", "60.00", None)
    paid = cli("pay", "--bill", names["open"], "--wallet", sub["wallet_id"])
    assert (paid["amount"], paid["mode"], paid["balance_after"]) == ("50.00", "scan_to_pay", "30.00")
    found = cli.refused(
        3, "sub_wallet_limit_exceeded",
        "wallet", "transfer", sub["wallet_id"], names["company"], "--amount", "10.01",
    )  # fmt: skip
    assert "its own day limit is 60.00" in found["detail"]
    shown = cli("wallet", "show", sub["wallet_id"])
    assert (shown["parent"], shown["purpose"], shown["single"]) == (names["person"], "limited", "50.00")
    assert "single" not in cli("wallet", "show", names["person"])


def test_a_conditional_sub_wallet_pays_its_payees_in_time(story: Story) -> None:
    cli, names = story
    sub = cli(
        "wallet", "open-sub", names["person"], "--purpose", "conditional", "--payee", AUTHORITY,
        "--payee", names["company"], "--until", "2023-04-21", "--fund", "90",
    )  # fmt: skip
    assert (sorted(sub["payees"]), sub["until"]) == (sorted([AUTHORITY, names["company"]]), "2023-04-21")
    w = sub["wallet_id"]
    cli("wallet", "transfer", w, names["company"], "--amount", "1")
    cli("pay", "--bill", names["open"], "--wallet", w)
    cli.refused(3, "sub_wallet_payee_not_named", "wallet", "transfer", w, names["nameless"], "--amount", "1")
    later = {"now": "2023-04-22"}
    cli.refused(3, "sub_wallet_expired", "wallet", "transfer", w, names["company"], "--amount", "1", **later)
    cli("wallet", "transfer", w, names["person"], "--amount", "39", **later)
    assert cli("wallet", "close", w, **later)["status"] == "closed"


def test_collection_and_distribution_move_money_in_one_batch_each(story: Story) -> None:
    cli, names = story
    company, person = names["company"], names["person"]
    tills = [cli("wallet", "open-sub", company, "--purpose", "collection")["wallet_id"] for _ in range(2)]
    wages = [cli("wallet", "open-sub", company, "--purpose", "distribution")["wallet_id"] for _ in range(2)]
    for till, amount in zip(tills, ("3", "4"), strict=True):
        cli("wallet", "transfer", person, till, "--amount", amount)
    done = cli("wallet", "collect", company, "--idempotency-key", "k")
    assert done.keys() == BATCH
    assert (done["amount"], done["fee"], done["held_back"]) == ("7.00", "0.00", [])
    assert [(move["wallet_id"], move["amount"]) for move in done["moves"]] == [
        (tills[0], "3.00"),
        (tills[1], "4.00"),
    ]
    assert cli("wallet", "collect", company, "--idempotency-key", "k") == done
    to = ("--to", f"{wages[0]}=1.50", "--to", f"{wages[1]}=2")
    done = cli("wallet", "distribute", company, *to, "--idempotency-key", "d")
    assert (done["amount"], [move["amount"] for move in done["moves"]]) == ("3.50", ["1.50", "2.00"])
    assert cli("wallet", "distribute", company, *to, "--idempotency-key", "d") == done
    found = cli("wallet", "list", "--parent", company)["wallets"]
    assert [(wallet["purpose"], wallet["balance"]) for wallet in found] == [
        ("collection", "0.00"),
        ("collection", "0.00"),
        ("distribution", "1.50"),
        ("distribution", "2.00"),
    ]
    for wrong in (f"{wages[0]}", f"{wages[0]}:1", "=1"):
        answer = cli.asked("wallet", "distribute", company, "--to", wrong)
        assert (answer.exit_code, answer.problem["exit_code"]) == (2, 2)
    cli.refused(2, "distribution_malformed", "wallet", "distribute", company, *to[:2], *to[:2])
    cli.refused(2, "usage", "wallet", "distribute", company)
    assert cli("ledger", "verify")["ok"] is True


@pytest.mark.parametrize(
    ("exit_code", "code", "command"),
    [
        (2, "sub_wallet_purpose_unknown", "wallet open-sub {person} --purpose golden"),
        (2, "usage", "wallet open-sub {person}"),
        (2, "sub_wallet_term_missing", "wallet open-sub {person} --purpose limited"),
        (
            2,
            "sub_wallet_term_not_applicable",
            "wallet open-sub {company} --purpose collection --single 1",
        ),
        (
            2,
            "date_malformed",
            "wallet open-sub {person} --purpose conditional --payee {company} --until soon",
        ),
        (2, "amount_too_precise", "wallet open-sub {person} --purpose limited --single 1.005"),
        (2, "distribution_malformed", "wallet distribute {company} --to {person}"),
        (3, "sub_wallet_purpose_not_for", "wallet open-sub {company} --purpose limited --single 1"),
        (3, "wallet_without_name", "wallet open-sub {nameless} --purpose limited --single 1"),
        (3, "no_collection_sub_wallet", "wallet collect {company}"),
        (3, "not_a_distribution_sub_wallet", "wallet distribute {company} --to {person}=1"),
        (4, "wallet_not_found", "wallet open-sub 0021000000000005 --purpose limited --single 1"),
        (4, "wallet_not_found", "wallet list --parent 0021000000000005"),
        (4, "platform_token_unknown", "wallet charge pt_x --payee {company} --amount 1"),
        (4, "platform_token_unknown", "wallet show-pushed pt_x"),
    ],
)
def test_refusals_of_sub_wallets(world: World, inside: Any, exit_code: int, code: str, command: str) -> None:
    answer: Answer = inside(*world.filled(command), "--json", "--now", "2023-04-20")
    assert (answer.exit_code, answer.problem["code"]) == (exit_code, code)


def test_a_platform_charges_with_its_token_and_sees_nothing_else(story: Story) -> None:
    cli, names = story
    opened = [
        cli(
            "wallet",
            "open-sub",
            names["person"],
            "--purpose",
            "pushed",
            "--platform",
            "某平台",
            "--fund",
            "30",
        )
        for _ in range(2)
    ]
    seen: list[Answer] = []
    for sub in opened:
        token = ("wallet", "charge", sub["token"], "--payee", names["company"], "--amount")
        seen += [cli.asked(*token, "12.50", "--idempotency-key", "k"), cli.asked(*token, "999")]
        seen += [cli.run(*token, "999", "--now", "2023-04-20", "--lang", "zh")]
        seen += [cli.asked("wallet", "show-pushed", sub["token"])]
    charged, declined, _text, view = seen[:4]
    assert charged.document.keys() == {"transfer_id", "token", "platform", "payee", "amount", "fee", "at"}
    assert (declined.exit_code, declined.problem["code"]) == (3, "charge_declined")
    assert view.document == {
        "token": opened[0]["token"], "platform": "某平台", "status": "active", "single": None, "day": None,
        "charged": "12.50", "charged_today": "12.50",
    }  # fmt: skip
    seen.append(cli.asked("wallet", "statement", names["company"]))
    said = "\n".join(answer.stdout + answer.stderr for answer in seen)
    secrets = [names["person"], person_name(), person_id(), phone_number(), *(s["wallet_id"] for s in opened)]
    assert not [secret for secret in secrets if secret in said]
    assert not [word for word in ("subject", "identity", "holder") if word in said]


def test_the_holder_sees_plainly_what_went_where(story: Story) -> None:
    cli, names = story
    sub = cli(
        "wallet", "open-sub", names["person"], "--purpose", "pushed", "--platform", "某平台", "--fund", "30"
    )  # fmt: skip
    plain = cli("wallet", "open-sub", names["person"], "--purpose", "limited", "--day", "9", "--fund", "5")
    parent = cli.text("wallet", "statement", names["person"])
    assert [line.split()[2:5] for line in parent.splitlines() if "sub_wallet" in line] == [
        ["sub_wallet", sub["wallet_id"], "-30.00"],
        ["sub_wallet", plain["wallet_id"], "-5.00"],
    ]
    for below in (sub, plain):
        own = cli.text("wallet", "statement", below["wallet_id"], "--lang", "zh")
        (line,) = [line.split() for line in own.splitlines() if "子钱包划转" in line]
        assert line[2:4] == ["子钱包划转", names["person"]]
    listed = cli.text("wallet", "list", "--lang", "zh")
    assert "推送平台" in listed
    assert "限额支付" in listed
    shown = cli.text("wallet", "show", sub["wallet_id"], "--lang", "zh")
    assert "母钱包" in shown
    assert "推送平台" in shown
    assert sub["token"] not in shown + listed + json.dumps(cli("wallet", "show", sub["wallet_id"]))
