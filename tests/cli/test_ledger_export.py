"""`ledger export`, `ledger import` and `ledger accounts --at` on the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Inside, World
from tests.cli.process import Cli, one_object

NOW = ("--now", "2023-04-20")


def test_bean_check_passes_on_an_export(world: World) -> None:
    cli = Cli(world.folder, ECNY_TAX_DB="s.db")
    assert cli.run("ledger", "export", "--format", "beancount", "--out", "s.beancount").exit_code == 0
    check = Path(sys.executable).with_name("bean-check")
    done = subprocess.run(
        [check, "--no-cache", "s.beancount"], cwd=world.folder, capture_output=True, check=False, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("format", ["beancount", "csv", "jsonl"])
def test_stdout_a_file_and_the_json_document_say_the_same(world: World, inside: Inside, format: str) -> None:
    words = ("ledger", "export", "--format", format, *NOW)
    printed = inside(*words)
    assert (printed.exit_code, printed.stderr) == (0, "")
    assert inside(*words, "--out", "f", "--json").document["file"] == "f"
    assert (world.folder / "f").read_bytes().decode() == printed.stdout
    end = "\r\n" if format == "csv" else "\n"
    document = inside(*words, "--json").document
    assert "".join(line + end for line in document["lines"]) == printed.stdout
    assert document["format"] == format


def test_the_process_prints_the_bytes_of_the_file(world: World) -> None:
    cli = Cli(world.folder, ECNY_TAX_DB="s.db")
    cli.run("ledger", "export", "--format", "csv", "--out", "f")
    done = subprocess.run(
        [sys.executable, "-m", "ecny_tax", "ledger", "export", "--format", "csv", "--db", "s.db"],
        cwd=world.folder,
        capture_output=True,
        check=True,
    )
    assert done.stdout == (world.folder / "f").read_bytes()


def test_export_import_export_is_the_same_to_the_byte(world: World, inside: Inside) -> None:
    inside("ledger", "export", "--format", "jsonl", "--out", "a.jsonl", *NOW)
    answer = inside("ledger", "import", "a.jsonl", "--db", "new.db", "--json", *NOW).document
    assert "only the ledger" in answer["note"]
    assert answer["transfers"] == inside("ledger", "verify", "--db", "new.db", "--json").document["imported"]
    inside("ledger", "export", "--format", "jsonl", "--out", "b.jsonl", "--db", "new.db", *NOW)
    assert (world.folder / "a.jsonl").read_bytes() == (world.folder / "b.jsonl").read_bytes()
    assert "imported" in inside("ledger", "verify", "--db", "new.db").stdout
    assert "imported" not in inside("ledger", "verify").stdout


@pytest.mark.parametrize(
    ("code", "exit_code", "words"),
    [
        ("ledger_format_unknown", 2, "export --format xlsx"),
        ("output_unwritable", 7, "export --format csv --out no/such/folder"),
        ("output_unwritable", 7, "export --format csv --out s.db"),
        ("output_unwritable", 7, "export --format csv --out s.db.keys"),
        ("time_malformed", 2, "accounts --at yesterday"),
        ("database_exists", 5, "import l.jsonl"),
        ("input_file_unreadable", 2, "import none.jsonl --db new.db"),
        ("ledger_file_malformed", 2, "import i.json --db new.db"),
        ("ledger_file_inconsistent", 6, "import bad.jsonl --db new.db"),
        ("database_unwritable", 7, "import l.jsonl --db no/such/folder.db"),
        ("database_url_unknown", 2, "import l.jsonl --db x://y"),
    ],
)
def test_a_refusal_changes_nothing(
    world: World, inside: Inside, code: str, exit_code: int, words: str
) -> None:
    inside("ledger", "export", "--format", "jsonl", "--out", "l.jsonl", *NOW)
    text = (world.folder / "l.jsonl").read_text("utf-8")
    last = text.rindex('"amount":')
    (world.folder / "bad.jsonl").write_text(
        f'{text[:last]}"amount":9{text[last + len(chr(34) + "amount" + chr(34) + ":") :]}', "utf-8"
    )
    before = {file.name: file.read_bytes() for file in world.folder.iterdir()}
    answer = inside("ledger", *words.split(), "--json", *NOW)
    assert answer.stdout == ""
    assert (one_object(answer.stderr)["code"], answer.exit_code) == (code, exit_code)
    after = {
        file.name: file.read_bytes()
        for file in world.folder.iterdir()
        if file.suffix not in (".db-shm", ".db-wal")
    }
    assert after == before


def test_accounts_at_a_time(world: World, inside: Inside) -> None:
    now = inside("ledger", "accounts", "--json", *NOW).document
    assert inside("ledger", "accounts", "--at", "2023-04-21", "--json", *NOW).document == now
    assert inside("ledger", "accounts", "--at", "2023-04-19", "--json", *NOW).document == {"accounts": []}
