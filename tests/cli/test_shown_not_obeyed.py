"""What users typed is shown as text: never obeyed as markup, never sent to the terminal as control."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.cli.conftest import Inside
from tests.cli.process import TODAY, Cli
from tests.support import company_id

MARKUP = "[bold red]甲[/bold red] :smile: [link=http://example.invalid]乙[/link] [/]"
CONTROL = "丙\x1b[31m丁\x1b]0;title\x07\x9b2J\u202e\r\n\b\t"
#: A value that also is a word of a closed list.
WORD = "paid"


def opened(inside: Inside, name: str) -> str:
    answer = inside(
        "wallet", "open", "--kind", "corporate", "--name", name, "--id", company_id(), "--operator", "ICBC",
        "--fund", "100", "--json", "--now", TODAY,
    )  # fmt: skip
    wallet = answer.document["wallet_id"]
    assert isinstance(wallet, str)
    return wallet


def receipt(inside: Inside, wallet: str, *options: str) -> str:
    paid = inside(
        "pay", "--wallet", wallet, "--tax", "stamp-duty", "--item", "sale_contract", "--base", "1000",
        "--json", "--now", TODAY,
    )  # fmt: skip
    shown = inside("receipt", "show", paid.document["receipt_no"], *options)
    assert shown.exit_code == 0, shown
    return shown.stdout


def named(inside: Inside, name: str, *options: str) -> str:
    words = ("--kind", "treasury", "--code", "1234567890", "--name", name, "--name-en", name)
    added = inside("parties", "add", *words, "--now", TODAY)
    assert added.exit_code == 0, added
    listed = inside("parties", "list", *options)
    assert listed.exit_code == 0, listed
    return added.stdout + listed.stdout


def harmless(text: str) -> bool:
    return all(char.isprintable() or char == "\n" for char in text)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_markup_in_a_name_stands_in_tables_as_it_was_typed(inside: Inside, language: str) -> None:
    assert named(inside, MARKUP, "--lang", language).count(MARKUP) >= 2


@pytest.mark.parametrize("language", ["en", "zh"])
def test_markup_in_a_name_stands_on_the_receipt_as_it_was_typed(inside: Inside, language: str) -> None:
    assert MARKUP in receipt(inside, opened(inside, MARKUP), "--lang", language)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_control_characters_in_a_name_are_spelled_out_in_tables(inside: Inside, language: str) -> None:
    shown = named(inside, CONTROL, "--lang", language)
    assert harmless(shown)
    assert r"丙\x1b[31m丁" in shown


@pytest.mark.parametrize("language", ["en", "zh"])
def test_control_characters_in_a_name_are_spelled_out_on_the_receipt(inside: Inside, language: str) -> None:
    shown = receipt(inside, opened(inside, CONTROL), "--lang", language)
    assert harmless(shown)
    assert r"丙\x1b[31m丁" in shown


def test_control_characters_of_a_refused_value_are_spelled_out(inside: Inside) -> None:
    for words in (("wallet", "show", CONTROL), ("bill", "show", CONTROL), ("status", "--now", CONTROL)):
        answer = inside(*words)
        assert answer.exit_code in (2, 4)
        assert harmless(answer.stderr)
        assert r"\x1b" in answer.stderr


@pytest.mark.parametrize("words", [("wallet", CONTROL), (CONTROL,), ("wallet", "show", f"--{CONTROL}")])
def test_control_characters_of_a_usage_error_are_spelled_out(inside: Inside, words: tuple[str, ...]) -> None:
    answer = inside(*words)
    assert answer.exit_code == 2
    assert harmless(answer.stderr)


def test_control_characters_in_a_note_are_spelled_out(inside: Inside) -> None:
    wallet = opened(inside, "甲公司")
    paid = inside(
        "pay", "--wallet", wallet, "--tax", "stamp-duty", "--item", "sale_contract", "--base", "1000000",
        "--json", "--now", TODAY,
    ).complaint  # fmt: skip
    assert paid["code"] == "insufficient_funds"
    inside("wallet", "top-up", wallet, "--amount", "1000", "--now", TODAY)
    payment = inside(
        "pay", "--wallet", wallet, "--tax", "stamp-duty", "--item", "sale_contract", "--base", "1000000",
        "--json", "--now", TODAY,
    ).document["payment_no"]  # fmt: skip
    refund = inside("refund", "--payment", payment, "--manual-review", "--json", "--now", TODAY).document
    rejected = inside("refunds", "reject", refund["refund_no"], "--note", MARKUP + CONTROL, "--now", TODAY)
    assert rejected.exit_code == 0
    assert harmless(rejected.stdout)
    assert MARKUP in rejected.stdout


def test_a_hostile_agreement_file_cannot_write_to_the_terminal(inside: Inside) -> None:
    import json
    from pathlib import Path

    assert inside("status").exit_code == 0  # so that there is a database with keys
    document = {"agreement_no": CONTROL, "authority": CONTROL, "operator": CONTROL, "wallet_id": CONTROL}
    for hostile in (
        {"format": CONTROL},
        {"format": "ecny-tax agreement 1", "document": document, "signatures": "d862" + "00"},
        {CONTROL: CONTROL},
    ):
        Path("hostile.json").write_text(json.dumps(hostile))
        answer = inside("agreement", "verify", "hostile.json")
        assert answer.exit_code in (2, 6), answer
        assert harmless(answer.stdout + answer.stderr)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_name_that_is_a_word_of_a_closed_list_stays_as_it_is(inside: Inside, language: str) -> None:
    """A company called “paid” is no paid bill."""
    shown = receipt(inside, opened(inside, WORD), "--lang", language)
    assert shown.count(f"  {WORD}\n") == 2  # the taxpayer and the payer
    assert WORD in named(inside, WORD, "--lang", language)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal")
def test_a_terminal_gets_no_sequence_that_a_user_typed_and_no_colour_it_did_not_want(cli: Cli) -> None:
    words = ("--kind", "treasury", "--code", "1234567890", "--name", CONTROL)
    cli("parties", "add", *words)
    for colourless in ("1", ""):
        shown = on_terminal(cli, "parties", "list", NO_COLOR=colourless)
        assert "丙\\x1b" in shown
        for sequence in ("\x1b[31m丁", "\x1b]0;", "\x9b", "\u202e"):
            assert sequence not in shown
    story = on_terminal(cli, "demo", NO_COLOR="1")
    assert "\x1b[3" not in story.replace("\x1b[3m", "")  # 30 to 37 are colours, 3 is italic
    assert "✓" in story


def on_terminal(cli: Cli, *arguments: str, **environment: str) -> str:
    """What a command sends to a terminal of its own."""
    ours, theirs = os.openpty()
    with subprocess.Popen(
        cli.command(*arguments),
        cwd=cli.folder,
        env=cli.environment(TERM="xterm-256color", **environment),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        sent = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # Linux says so when the other side is closed
                break
            if not piece:
                break
            sent += piece
        assert process.wait(timeout=60) == 0, sent
    os.close(ours)
    return sent.decode()
