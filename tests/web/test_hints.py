"""What a refusal over HTTP tells to do next can be done over HTTP: it names operations, not commands."""

from __future__ import annotations

import re
from functools import cache
from string import Formatter
from typing import Any

import pytest
import typer.main

from ecny_tax import Sandbox
from ecny_tax.cli.app import build
from ecny_tax.errors import InvalidInputError, Language, RejectedError, catalogue
from ecny_tax.web.hints import hint_of, hint_of_code, own_hints
from tests.web.client import Api
from tests.web.documented import document, paths

#: What no request is refused with: the parser of the command line, its files and its output, passphrases of
#: devices in files, whole databases (opened before anything is served, imported, filled with a season).
CLI_ONLY = {
    "answer_lost",
    "checkpoint_is_no_proof",
    "database_exists",
    "database_foreign",
    "device_not_enrolled",
    "key_without_mend",
    "keys_malformed",
    "keys_needed",
    "keys_without_proof",
    "ledger_file_inconsistent",
    "ledger_file_malformed",
    "ledger_file_unknown",
    "load_must_be_named",
    "mend_of_files",
    "option_not_with_proof",
    "passphrase_wrong",
    "pay_what",
    "port_unavailable",
    "proof_malformed",
    "reconciliation_differs",
    "redeem_what",
    "refund_what",
    "season_differs",
    "season_needs_new_database",
    "state_file_foreign",
    "state_file_not_found",
    "table_lacks_year",
    "table_malformed",
    "tax_unknown",
    "transfer_or_checkpoint",
    "usage",
    "voucher_not_delivered",
    "wage_or_bonus",
}
#: What nobody can do over HTTP: their hints tell what whoever runs the server can.
ON_THE_SERVER = {"api_key_missing", "api_key_unknown", "not_ready", "unload_contradicted"}

_TICKED = re.compile(r"`([^`]*)`")
_OPTION = re.compile(r"(?<![\w-])--[a-z]")
_OPERATION = re.compile(r"(GET|POST|PUT|DELETE) (/[\w/…{}.-]*)(?:\?(\w+)=\S+)?", re.ASCII)
_LANGUAGES: tuple[Language, ...] = ("en", "zh")


def speaks_of_commands(hint: str) -> bool:
    """Whether it holds an option, or in backticks a command with or without the name of the program."""
    return bool(_OPTION.search(hint)) or any(_is_command(text) for text in _TICKED.findall(hint))


@cache
def _commands() -> dict[str, Any]:
    found: dict[str, Any] = typer.main.get_command(build()).commands  # type: ignore[attr-defined]
    return found


def _is_command(text: str) -> bool:
    """The name of a group alone, such as `tax`, is none; a member of a body may be called so."""
    first, *others = text.removeprefix("ecny-tax ").split() or [""]
    return first in _commands() and (bool(others) or not hasattr(_commands()[first], "commands"))


def placeholders(*sentences: str) -> set[str]:
    return {name for one in sentences for _, name, _, _ in Formatter().parse(one) if name}


def shape(path: str) -> str:
    """A path without the names of its parameters, nor … in their place."""
    return re.sub(r"\{+\w+\}+|…", "{}", path)


@cache
def operations() -> dict[tuple[str, str], Any]:
    """What the document says of each operation, by its method and the shape of its path."""
    found = document()["paths"]
    return {(method, shape(path)): found[path][method.lower()] for method, path in paths()}


def of_commands() -> set[str]:
    """The codes whose hint in the catalogue is of no use over HTTP."""
    return {
        code
        for code, said in catalogue().items()
        if any(speaks_of_commands(said[f"hint_{language}"]) for language in _LANGUAGES)
    }


@cache
def members() -> set[str]:
    """The name of every member of a body, and of every parameter."""
    schemas = document()["components"]["schemas"].values()
    return {name for schema in schemas for name in schema.get("properties", ())} | {
        parameter["name"] for one in operations().values() for parameter in one.get("parameters", ())
    }


def test_commands_and_options_are_told_from_operations_and_members() -> None:
    for hint in ("see `wallet list`", "run `ecny-tax serve`", "try `refund … --input`", "give --bill BILL"):
        assert speaks_of_commands(hint), hint
    for hint in (
        "see `GET /v1/wallets`",
        "give `bill_no`",
        "give `tax`",
        "top the wallet up",
        "write 2022--2023",
    ):
        assert not speaks_of_commands(hint), hint


def test_every_hint_that_speaks_of_commands_has_another_for_http_or_is_never_met_there() -> None:
    assert own_hints().keys() & CLI_ONLY == set()
    assert own_hints().keys() | CLI_ONLY >= of_commands() >= CLI_ONLY
    assert own_hints().keys() >= ON_THE_SERVER


def test_no_hint_for_http_is_superfluous() -> None:
    assert own_hints().keys() <= of_commands()


@pytest.mark.parametrize("code", sorted(own_hints()))
def test_a_hint_for_http_names_what_is_there_in_both_languages(code: str) -> None:
    own, said = own_hints()[code], catalogue()[code]
    assert set(own) == set(_LANGUAGES)
    assert placeholders(own["en"]) == placeholders(own["zh"])
    assert placeholders(*own.values()) <= placeholders(
        *(said[key] for key in ("en", "zh", "hint_en", "hint_zh"))
    )
    ticked = {language: sorted(_TICKED.findall(own[language])) for language in _LANGUAGES}
    assert set(ticked["en"]) == set(ticked["zh"]), "both languages name the same"
    assert re.search("[一-鿿]", own["zh"])
    assert not re.search("[一-鿿]", own["en"])
    for language in _LANGUAGES:
        assert own[language] == own[language].strip() != ""
        assert "/v1/" not in _TICKED.sub("", own[language]), "operations stand in backticks"
        assert speaks_of_commands(own[language]) == (code in ON_THE_SERVER)
    for text in ticked["en"]:
        if text.startswith("ecny-tax "):
            continue  # counted above
        if " " not in text:
            assert text in members(), text
            continue
        found = _OPERATION.fullmatch(text)
        assert found, text
        assert (found[1], shape(found[2])) in operations(), text
        if found[3]:
            known = operations()[found[1], shape(found[2])].get("parameters", ())
            assert found[3] in {one["name"] for one in known if one["in"] == "query"}, text


def test_hints_of_the_catalogue_name_operations_that_are_there() -> None:
    for code, said in catalogue().items():
        for language in _LANGUAGES:
            for method, path, _ in _OPERATION.findall(said[f"hint_{language}"]):
                if path.startswith("/v1"):
                    assert (method, shape(path)) in operations(), code


def test_a_hint_is_filled_with_the_values_of_the_refusal_and_stays_as_it_is_elsewhere() -> None:
    refusal = RejectedError("insufficient_funds", wallet_id="0021", balance="1.00", amount="2.00")
    assert hint_of(refusal, "en") == "top the wallet up: `POST /v1/wallets/0021/top-ups`"
    assert hint_of(refusal, "zh") == "请先兑出充值：`POST /v1/wallets/0021/top-ups`"
    assert refusal.hint == "top the wallet up: `wallet top-up 0021 --amount YUAN`"
    assert "insufficient_funds" in own_hints()
    without = InvalidInputError("amount_malformed", value="x")
    assert "amount_malformed" not in own_hints()
    assert hint_of(without, "zh") == without.hint_in("zh")


def test_a_refusal_over_http_names_the_operation_to_go_on_with(admin: Api) -> None:
    assert admin.get("/v1/payments/P1").json["hint"].startswith("see `GET /v1/payments`;")
    refused = admin.get("/v1/wallets/0021234567890124", Accept_Language="zh")
    assert (refused.code, refused.json["hint"]) == ("wallet_not_found", "请查看 `GET /v1/wallets`")
    listed = {one["code"]: one for one in admin.seen("/v1/errors")["errors"]}
    for code in catalogue():
        for language in _LANGUAGES:
            assert listed[code][f"hint_{language}"] == hint_of_code(code, language)
            if code not in CLI_ONLY | ON_THE_SERVER:
                assert not speaks_of_commands(listed[code][f"hint_{language}"]), code


def test_the_verdict_on_a_worked_case_gives_the_hint_of_this_edge(admin: Api, sandbox: Sandbox) -> None:
    inputs = {"item": "sale", "amount": "1000.00", "date": "2023-04-20"}
    cases = [{"id": "one", "kind": "stamp.document", "inputs": inputs, "expected": {"base": "1000.00"}}]
    (found,) = admin.made("/v1/taxes/checks", {"cases": cases})["mismatches"]
    assert found["got"] == "stamp_duty_item_unknown"
    assert found["detail"].endswith(
        "; write an item such as sale_contract; `GET /v1/taxes/stamp-duty/items` lists them"
    )
    assert found["detail_zh"].endswith("`GET /v1/taxes/stamp-duty/items` 列出全部税目")
    (in_python,) = sandbox.taxes.check(cases).mismatches
    assert (in_python.detail or "").endswith("`ecny-tax tax items` lists them")


def test_the_example_of_a_problem_is_what_such_a_refusal_says() -> None:
    shown = document()["components"]["schemas"]["Problem"]["example"]
    refusal = RejectedError(shown["code"], wallet_id="0021234567890124", balance="100.00", amount="17000.00")
    assert (shown["detail"], shown["hint"]) == (refusal.message(), hint_of(refusal, "en"))
