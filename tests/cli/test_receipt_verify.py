"""``receipt verify``: every form of a signed receipt, with the published keys and without a database."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import pytest

from ecny_tax.text_form import to_text
from tests.cli.conftest import Inside, World
from tests.cli.process import TODAY, Answer, Cli, one_object

FORMS = ("r.cose", "r.json", "r.html")


@pytest.fixture
def printed(world: World, inside: Inside) -> World:
    """The story, with the receipt of its payment in every form, and the text of its QR code."""
    for name in (*FORMS, "r.pdf", "plain.txt"):
        shown = inside("receipt", "show", world.names["receipt"], "--out", name, "--now", TODAY)
        assert shown.exit_code == 0
    (world.folder / "r.qr").write_text(to_text((world.folder / "r.cose").read_bytes()) + "\n")
    return world


def verdict(answer: Answer, code: str) -> None:
    """A no: said on stdout with its reason, and on stderr with the same code."""
    assert answer.exit_code == 6, answer
    document = one_object(answer.stdout)
    assert document == {
        "valid": False, "reason": code, "signer": None, "issued_at": None, "origin": None, "sealed": None,
        "receipt": None,
    }  # fmt: skip
    assert answer.complaint["code"] == code


@pytest.mark.parametrize("name", [*FORMS, "r.qr"])
def test_every_form_verifies_without_a_database_and_makes_none(printed: World, cli: Cli, name: str) -> None:
    found = cli.run("receipt", "verify", name, "--keys", "keys.json", "--json", "--db", "none.db").document
    assert (found["valid"], found["reason"], found["signer"]) == (True, None, "treasury:1907840000")
    shown = cli("receipt", "show", printed.names["receipt"])
    said = found["receipt"]
    assert said.pop("print_count") <= shown.pop("print_count")
    if name != "r.json":  # without --explain only JSON tells the steps
        assert said.pop("steps") == []
        shown.pop("steps")
    assert said == shown
    assert "reversed or refunded since" in found["note"]
    assert not (cli.folder / "none.db").exists()


def test_the_prints_are_counted_and_each_count_is_signed(printed: World, inside: Inside) -> None:
    counts = [
        inside("receipt", "verify", name, "--json").document["receipt"]["print_count"] for name in FORMS
    ]
    assert counts == [1, 2, 3]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_human_reads_the_verdict_and_the_paper(printed: World, inside: Inside, language: str) -> None:
    answer = inside("receipt", "verify", "r.html", "--lang", language)
    assert (answer.exit_code, answer.stderr) == (0, "")
    assert {"en": "Print count           3", "zh": "打印次数      3"}[language] in answer.stdout
    assert {"en": "whether the payment was reversed", "zh": "此后是否冲正"}[language] in answer.stdout


def test_a_receipt_of_a_reversed_payment_says_so(printed: World, inside: Inside) -> None:
    inside("payments", "reverse", printed.names["payment"], "--now", TODAY)
    reversed_now = inside("refunds", "withdraw", printed.names["review"], "--now", TODAY)
    assert reversed_now.exit_code == 0
    assert inside("payments", "reverse", printed.names["payment"], "--now", TODAY).exit_code == 0
    inside("receipt", "show", printed.names["receipt"], "--out", "late.cose", "--now", TODAY)
    late = inside("receipt", "verify", "late.cose", "--json").document["receipt"]
    early = inside("receipt", "verify", "r.cose", "--json").document["receipt"]
    assert (late["status"], early["status"]) == ("reversed", "settled")


@pytest.mark.parametrize("explain", [(), ("--explain",)])
@pytest.mark.parametrize("form", ["cose", "json", "html"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_refund_verifies_in_every_form(
    world: World, inside: Inside, form: str, language: str, explain: tuple[str, ...]
) -> None:
    words = ("--out", f"f.{form}", "--lang", language, "--now", TODAY, *explain)
    assert inside("receipt", "show", world.names["refund"], *words).exit_code == 0
    found = inside("receipt", "verify", f"f.{form}", "--keys", "keys.json", "--json").document
    assert found["receipt"]["refund_no"] == world.names["refund"]
    assert (found["reason"], found["receipt"]["reason"]) == (None, "annual_settlement")
    assert bool(found["receipt"]["steps"]) is (form == "json" or bool(explain))


def edited(world: World, name: str, before: str, after: str) -> str:
    """A copy of a file with one thing in it changed; answers its name."""
    text = (world.folder / name).read_text("utf-8")
    assert before in text
    copy = world.folder / f"x{Path(name).suffix}"
    copy.write_text(text.replace(before, after, 1), "utf-8", newline="")
    return copy.name


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("¥17,000.00", "¥71,000.00"),
        ("壹万柒仟元整", "柒万壹仟元整"),
        ("<dd>3</dd>", "<dd>1</dd>"),
        ("<table>", "<p>paid twice</p><table>"),
        ('aria-label="The', 'aria-label="This'),
        ("</html>\n", "</html>\n\n"),
        ("</style>", "dd { display: none }</style>"),
        ("\n", "\r\n"),
    ],
)
def test_a_page_that_shows_anything_else_is_refused(
    printed: World, inside: Inside, before: str, after: str
) -> None:
    answer = inside("receipt", "verify", edited(printed, "r.html", before, after), "--json")
    verdict(answer, "receipt_page_differs")


def test_a_page_whose_signed_text_was_altered_is_refused(printed: World, inside: Inside) -> None:
    page = (printed.folder / "r.html").read_text("utf-8")
    text = re.search(r"ECNY1:([^<]{300})(.)", page)
    assert text is not None
    other = "A" if text[2] != "A" else "B"
    (printed.folder / "x.html").write_text(page.replace(text[0], text[0][:-1] + other), "utf-8")
    answer = inside("receipt", "verify", "x.html", "--json")
    assert answer.exit_code == 6
    assert one_object(answer.stdout)["reason"] in {
        "signature_invalid", "document_malformed", "object_text_malformed", "signer_unknown",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "field"),
    [
        ('"17000.00"', '"71000.00"', "amount"),
        ("壹万柒仟元整", "柒万壹仟元整", "amount_in_capitals"),
        ('"print_count": 2', '"print_count": 1', "print_count"),
        ('"print_count": 2', '"print_count": 2.0', "print_count"),
        ('"reversed_at": null', '"reversed_at": false', "reversed_at"),
        ('"status": "settled",', "", "status"),
        ('"status": "settled",', '"status": "settled", "paid_twice": true,', "paid_twice"),
        ('"5100.00"', '"5100.01"', "lines"),
    ],
)
def test_json_that_shows_anything_else_is_refused_and_the_field_is_named(
    printed: World, inside: Inside, before: str, after: str, field: str
) -> None:
    answer = inside("receipt", "verify", edited(printed, "r.json", before, after), "--json")
    verdict(answer, "receipt_fields_differ")
    assert answer.complaint["field"] == field


def test_json_may_be_laid_out_otherwise(printed: World, inside: Inside) -> None:
    document = json.loads((printed.folder / "r.json").read_text("utf-8"))
    shuffled = dict(sorted(document.items()))
    (printed.folder / "x.json").write_text("\ufeff\n" + json.dumps(shuffled), "utf-8")
    assert inside("receipt", "verify", "x.json", "--json").document["valid"] is True


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "receipt_text_missing"),
        (b"{}", "receipt_text_missing"),
        (b'{"cose": 1}', "receipt_text_missing"),
        (b'{"cose": "AA=="}', "document_malformed"),
        (b'{"cose": "A', "receipt_text_missing"),
        (b"[" * 100_000, "receipt_text_missing"),
        (b'{"a":' * 100_000, "receipt_text_missing"),
        (b'{"cose": "AA==", "cose": "AA=="}', "receipt_text_missing"),
        (b"<html></html>", "receipt_text_missing"),
        (b'<pre id="signed">ECNY1:00</pre>', "document_malformed"),
        (b"ECNY1:", "document_malformed"),
        (b"ECNY1:?", "object_text_malformed"),
        (b"ecny1:00", "receipt_text_missing"),
        (b"\xd2\x84\xff", "document_malformed"),
        (b"\xff" * 1000, "document_malformed"),
    ],
)
def test_what_is_no_receipt_is_a_no(world: World, inside: Inside, content: bytes, code: str) -> None:
    (world.folder / "x").write_bytes(content)
    verdict(inside("receipt", "verify", "x", "--keys", "keys.json", "--json"), code)


def test_a_text_file_bears_no_signature(printed: World, inside: Inside) -> None:
    verdict(inside("receipt", "verify", "plain.txt", "--json"), "receipt_text_missing")


def test_a_pdf_is_refused_and_it_is_said_what_to_verify_instead(printed: World, cli: Cli) -> None:
    problem = cli.refused(2, "receipt_pdf", "receipt", "verify", "r.pdf", "--keys", "keys.json")
    assert ".cose" in problem["hint"]
    assert "QR" in problem["hint"]


def test_without_keys_and_without_a_database_it_is_said_what_is_needed(printed: World, cli: Cli) -> None:
    for database in ("none.db", ":memory:", "no/such/folder.db"):
        problem = cli.refused(4, "keys_needed", "receipt", "verify", "r.cose", "--db", database)
        assert "--keys" in problem["hint"]
    assert not (cli.folder / "none.db").exists()


def test_the_keys_of_another_scheme_do_not_verify_it(printed: World, inside: Inside) -> None:
    assert inside("parties", "keys", "--db", "other.db", "--out", "other.json").exit_code == 0
    for words in (("--keys", "other.json"), ("--db", "other.db")):
        verdict(inside("receipt", "verify", "r.cose", *words, "--json"), "signature_invalid")
    document = json.loads((printed.folder / "keys.json").read_text())
    theirs = json.loads((printed.folder / "other.json").read_text())["keys"]
    mixed = {name: key for name, key in document["keys"].items() if not name.startswith("ledger:")}
    (printed.folder / "mixed.json").write_text(json.dumps({"keys": {**theirs, **mixed}}))
    verdict(inside("receipt", "verify", "r.cose", "--keys", "mixed.json", "--json"), "ledger_key_unknown")


def test_keys_that_are_none_are_refused(printed: World, cli: Cli) -> None:
    cli.refused(2, "keys_malformed", "receipt", "verify", "r.cose", "--keys", "a.json")
    cli.refused(2, "input_file_unreadable", "receipt", "verify", "nowhere.cose", "--keys", "keys.json")
    cli.refused(2, "input_file_unreadable", "receipt", "verify", "r.cose", "--keys", "nowhere.json")


def test_what_json_holds_is_the_cose_file(world: World, inside: Inside) -> None:
    refund = world.names["refund"]
    for name in ("f.json", "f2.cose"):
        inside("receipt", "show", refund, "--out", name, "--explain", "--now", TODAY)
    document = json.loads((world.folder / "f.json").read_text("utf-8"))
    assert base64.b64decode(document["cose"]) == (world.folder / "f2.cose").read_bytes()


def test_a_print_that_cannot_be_written_is_not_counted(world: World, cli: Cli) -> None:
    for name in ("no/such/folder/r.cose", "s.db.cose/r.pdf"):
        cli.refused(7, "output_unwritable", "receipt", "show", world.names["receipt"], "--out", name)
    assert cli("receipt", "show", world.names["receipt"])["print_count"] == 0


def test_without_reportlab_nothing_is_printed_and_nothing_counted(
    world: World, inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "reportlab", None)  # what Python itself takes for "not there"
    answer = inside("receipt", "show", world.names["receipt"], "--out", "x.pdf", "--json")
    assert (answer.exit_code, answer.problem["code"]) == (7, "pdf_missing")
    assert not (world.folder / "x.pdf").exists()
    shown = inside("receipt", "show", world.names["receipt"], "--json").document
    assert shown["print_count"] == 0
