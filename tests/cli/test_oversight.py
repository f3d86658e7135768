"""Lawful access on the command line: refused with the documented code and logged, followed to where the money
went, and in no form of the answer anything that the instrument does not cover."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ecny_tax import FixedClock, Sandbox, yuan
from tests.cli.conftest import Inside, World
from tests.cli.process import TODAY, Answer, Cli
from tests.support import START, instrument, nameless, person_id, person_name, personal, phone_number

IN = ("--db", "o.db", "--now", TODAY)
SECRETS = {n: {phone_number(n), person_name(n), person_id(n)} for n in (1, 2, 3, 4)}


@pytest.fixture
def fraud(tmp_path: Path) -> dict[str, str]:
    """A victim pays a mule, who pays on, and that one on again; the mule's wallet is stopped then."""
    with Sandbox.open(tmp_path / "o.db", clock=FixedClock(START), seed="fraud") as s:
        victim = personal(s, 1, phone=phone_number(1), fund=yuan(1000))
        mule, second = nameless(s, 2), personal(s, 3, phone=phone_number(3), operator="BOC")
        last = personal(s, 4, phone=phone_number(4), operator="CCB")
        for source, target, amount in ((victim, mule, 900), (mule, second, 800), (second, last, 700)):
            s.wallets.transfer(from_wallet=source.wallet_id, to_wallet=target.wallet_id, amount=yuan(amount))
        s.oversight.stop(wallet_id=mule.wallet_id, reason="fraud_proceeds")
        wallets = {"victim": victim, "mule": mule, "second": second, "last": last}
        ids = {name: wallet.wallet_id for name, wallet in wallets.items()}
        (tmp_path / "t.law").write_bytes(instrument(s, "trace", ids["mule"], depth=1, opens="identity"))
    return ids


def every_form(inside: Inside, folder: Path, *words: str) -> list[str]:
    """The answer as table and JSON in both languages, and both files."""
    texts = []
    for more in (("--json",), (), ("--lang", "zh"), ("--lang", "zh", "--json")):
        answer = inside(*words, *IN, *more)
        assert answer.exit_code == 0, answer
        texts.append(answer.stdout + answer.stderr)
    for name in ("t.svg", "t.json"):
        assert inside(*words, "--out", name, *IN, "--lang", "zh").exit_code == 0
        texts.append((folder / name).read_text("utf-8"))
    return texts


def test_the_trace_of_a_stopped_wallet_tells_where_its_money_went_and_nothing_beyond(
    inside: Inside, tmp_path: Path, fraud: dict[str, str]
) -> None:
    for text in every_form(inside, tmp_path, "trace", fraud["mule"], "--instrument", "t.law"):
        for n, name in ((1, "victim"), (2, "mule"), (3, "second")):
            assert fraud[name] in text
            assert (phone_number(n) in text) == (n == 2)
            assert n == 2 or person_name(n) in text
        assert person_name(2) not in text  # of a class IV wallet there is the phone alone
        assert fraud["last"] not in text
        assert not [secret for secret in SECRETS[4] if secret in text]
    found = json.loads((tmp_path / "t.json").read_text("utf-8"))
    assert [(node["hop"], node["goes_on"], node["comes_from_beyond"]) for node in found["nodes"]] == [
        (0, False, False),
        (1, True, False),
        (-1, False, True),
    ]
    ElementTree.parse(tmp_path / "t.svg")


def test_a_direction_tells_that_side_alone(inside: Inside, tmp_path: Path, fraud: dict[str, str]) -> None:
    words = ("trace", fraud["mule"], "--instrument", "t.law", "--direction")
    for text in every_form(inside, tmp_path, *words, "down"):
        assert fraud["second"] in text
        assert not [secret for secret in {fraud["victim"], *SECRETS[1]} if secret in text]
    for text in every_form(inside, tmp_path, *words, "up"):
        assert fraud["victim"] in text
        assert not [secret for secret in {fraud["second"], *SECRETS[3]} if secret in text]


def logged(inside: Inside) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(inside("access", "list", *IN, "--json").stdout)["accesses"]
    return found


REFUSED = {
    "no instrument": ("trace {mule}", 3, "instrument_required"),
    "freeze without": ("wallet freeze {mule}", 3, "instrument_required"),
    "unfreeze without": ("wallet unfreeze {mule}", 3, "instrument_required"),
    "identify without": ("wallet identify {mule}", 3, "instrument_required"),
    "out of scope": ("trace {victim} --instrument t.law", 3, "instrument_out_of_scope"),
    "another kind": ("wallet freeze {mule} --instrument t.law", 3, "instrument_kind_differs"),
    "expired": ("trace {mule} --instrument t.law --now 2023-04-22", 3, "instrument_expired"),
    "forged": ("trace {mule} --instrument forged.law", 6, "signature_invalid"),
    "trailing": ("trace {mule} --instrument longer.law", 6, "document_malformed"),
    "large": ("trace {mule} --instrument large.law", 6, "document_malformed"),
    "far too large": ("trace {mule} --instrument huge.law", 6, "document_malformed"),
    "unreadable": ("wallet freeze {mule} --instrument folder.law", 6, "document_malformed"),
    "empty": ("trace {mule} --instrument empty.law", 6, "document_malformed"),
    "no such wallet": ("wallet stop 0021000000000005", 4, "wallet_not_found"),
    "malformed": ("wallet stop 虚构人", 2, "wallet_id_malformed"),
    "no centre": ("wallet stop {mule} --by court:CT440784", 3, "stop_not_by_centre"),
    "too long": ("wallet stop {mule} --hours 49", 2, "stop_hours_malformed"),
    "no reason": ("wallet stop {mule} --reason spite", 2, "stop_reason_unknown"),
    "nobody": ("wallet resume {mule} --by anti_fraud_centre:NONE", 4, "enforcer_not_found"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_is_refused_with_its_code_and_is_one_entry_of_the_log(
    inside: Inside, tmp_path: Path, fraud: dict[str, str], what: str
) -> None:
    command, exit_code, code = REFUSED[what]
    order = (tmp_path / "t.law").read_bytes()
    (tmp_path / "forged.law").write_bytes(order[:-1] + bytes([order[-1] ^ 1]))
    (tmp_path / "longer.law").write_bytes(order + b"\n")
    (tmp_path / "large.law").write_bytes(order + bytes(100_000))
    (tmp_path / "huge.law").write_bytes(bytes(2 * 1024 * 1024))
    (tmp_path / "folder.law").mkdir()
    (tmp_path / "empty.law").write_bytes(b"")
    before = logged(inside)
    now = () if "--now" in command else ("--now", TODAY)
    answer = inside(*(word.format_map(fraud) for word in command.split()), "--db", "o.db", *now, "--json")
    assert (answer.exit_code, answer.stdout) == (exit_code, "")
    assert json.loads(answer.stderr)["code"] == code
    entries = json.loads(inside("access", "list", "--db", "o.db", "--now", "2023-04-22", "--json").stdout)
    assert [entry["outcome"] for entry in entries["accesses"][len(before) :]] == [code]
    assert inside("ledger", "verify", "--db", "o.db", "--now", "2023-04-22").exit_code == 0


def test_an_instrument_that_does_not_verify_is_shown_with_the_verdict(
    inside: Inside, tmp_path: Path, fraud: dict[str, str]
) -> None:
    order = (tmp_path / "t.law").read_bytes()
    (tmp_path / "forged.law").write_bytes(order[:-1] + bytes([order[-1] ^ 1]))
    answer = inside("instrument", "show", "forged.law", *IN, "--json")
    assert answer.exit_code == 6
    found = json.loads(answer.stdout)
    assert (found["valid"], found["reason"], found["wallets"]) == (
        False,
        "signature_invalid",
        [fraud["mule"]],
    )
    assert json.loads(answer.stderr)["code"] == "instrument_invalid"
    (tmp_path / "no.law").write_bytes(b"no instrument")
    answer = inside("instrument", "show", "no.law", *IN, "--json")
    assert (answer.exit_code, answer.stdout) == (6, "")


def test_with_a_file_that_is_not_there_nothing_was_asked_yet(inside: Inside, fraud: dict[str, str]) -> None:
    before = logged(inside)
    for name in ("missing.law", "missing/t.law", "x" * 300, "t.law/t.law"):
        answer = inside("trace", fraud["mule"], "--instrument", name, *IN, "--json")
        assert (answer.exit_code, json.loads(answer.stderr)["code"]) == (2, "input_file_unreadable")
    assert logged(inside) == before


@pytest.mark.parametrize("out", ["t.txt", "t", "t.cose"])
def test_a_trace_is_written_as_a_picture_or_as_json(
    inside: Inside, tmp_path: Path, fraud: dict[str, str], out: str
) -> None:
    before = logged(inside)
    answer = inside("trace", fraud["mule"], "--instrument", "t.law", "--out", out, *IN, "--json")
    assert (answer.exit_code, json.loads(answer.stderr)["code"]) == (2, "trace_format_unknown")
    assert not (tmp_path / out).exists()
    assert logged(inside) == before


def test_a_trace_is_not_written_over_its_instrument_or_a_database(
    inside: Inside, tmp_path: Path, fraud: dict[str, str]
) -> None:
    (tmp_path / "t.svg").write_bytes((tmp_path / "t.law").read_bytes())
    (tmp_path / "d.json").write_bytes((tmp_path / "o.db").read_bytes())
    for order, out, code in (("t.svg", "t.svg", "output_is_input"), ("t.law", "d.json", "output_unwritable")):
        answer = inside("trace", fraud["mule"], "--instrument", order, "--out", out, *IN, "--json")
        assert json.loads(answer.stderr)["code"] == code
    assert (tmp_path / "t.svg").read_bytes() == (tmp_path / "t.law").read_bytes()


def test_a_stopped_wallet_tells_until_when_and_why(inside: Inside, fraud: dict[str, str]) -> None:
    shown = json.loads(inside("wallet", "show", fraud["mule"], *IN, "--json").stdout)
    assert (shown["status"], shown["stop_reason"]) == ("stopped", "fraud_proceeds")
    assert shown["stopped_until"] == "2023-04-21T10:00:00+08:00"
    later = json.loads(
        inside("wallet", "show", fraud["mule"], "--db", "o.db", "--now", "2023-04-21", "--json").stdout
    )
    assert (later["status"], later["stop_reason"]) == ("active", None)


def test_the_log_is_listed_by_wallet(inside: Inside, fraud: dict[str, str]) -> None:
    inside("trace", fraud["victim"], *IN)
    every: list[Answer] = [
        inside("access", "list", "--wallet", fraud[n], *IN, "--json") for n in ("victim", "mule")
    ]
    actions = [[e["action"] for e in json.loads(answer.stdout)["accesses"]] for answer in every]
    assert actions == [["trace"], ["stop"]]


def test_an_imported_ledger_begins_with_an_empty_access_log(inside: Inside, fraud: dict[str, str]) -> None:
    assert inside("ledger", "export", "--format", "jsonl", "--out", "l.jsonl", *IN).exit_code == 0
    assert inside("ledger", "import", "l.jsonl", "--db", "new.db", "--now", TODAY).exit_code == 0
    found = inside("access", "list", "--db", "new.db", "--now", TODAY, "--json")
    assert json.loads(found.stdout) == {"accesses": []}
    assert inside("ledger", "verify", "--db", "new.db", "--now", TODAY).exit_code == 0


def test_the_refusal_is_logged_by_a_process_too(world: World) -> None:
    cli = Cli(world.folder, ECNY_TAX_DB="s.db")
    assert cli.run("wallet", "freeze", world.names["company"], "--now", TODAY).exit_code == 3
    found = cli("access", "list", "--wallet", world.names["company"])
    assert [entry["outcome"] for entry in found["accesses"]] == ["instrument_required"]
