"""``season`` as its users meet it: sums and charts, the same again, and refusals in one clear line."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.cli.conftest import Inside
from tests.cli.process import Cli

pytest.importorskip("numpy")
WORDS = ("season", "--people", "40", "--seed", "7", "--db", "s.db")


def test_a_season_is_reported_as_one_document(cli: Cli) -> None:
    found = cli(*WORDS)
    assert (found["people"], found["seed"], found["tax_year"], found["ok"]) == (40, 7, 2025, True)
    assert re.fullmatch(r"\d+\.\d\d", found["refunded"])
    assert sum(one["refunds"] for one in found["amounts"]) == found["refunds"] > 0
    assert [one["phase"] for one in found["work"]["phases"]] == [
        "generate", "settle", "open", "file", "refund", "commit", "pay", "close", "seal", "verify",
    ]  # fmt: skip
    assert "invented" in found["assumption"]
    assert cli("ledger", "verify", "--db", "s.db")["ok"]
    again = cli(*WORDS)
    assert again.pop("work")["went_on"] is True
    found.pop("work")
    assert again == found


@pytest.mark.parametrize("language", ["en", "zh"])
def test_tables_show_the_distribution_with_bars(cli: Cli, language: str) -> None:
    shown = cli.run(*WORDS, "--lang", language)
    assert shown.exit_code == 0
    assert shown.stderr == ""
    assert "█" in shown.stdout
    assert {"en": "with refund", "zh": "应退人数"}[language] in shown.stdout
    if language == "zh":
        known = r"[A-Z]{2,}|docs/season\.md|MB"
        assert not re.findall(r"[a-z_]{3,}", re.sub(known, "", shown.stdout)), shown.stdout


def test_a_page_stands_for_itself_and_a_chart_is_a_picture(cli: Cli) -> None:
    cli(*WORDS, "--out", "s.html")
    cli(*WORDS, "--out", "s.svg")
    page = (cli.folder / "s.html").read_text("utf-8")
    assert not re.search(r"<script|https?:", page)
    assert page.count("data:image/svg+xml;base64,") == 4
    assert "退税笔数" not in page, "charts are pictures"
    assert "人数 · people" in page
    root = ElementTree.parse(cli.folder / "s.svg").getroot()
    assert root.tag.endswith("svg")
    assert "invented people" in "".join(root.itertext())
    assert sum(int(bar.get("data-value", 0)) for bar in root.iter() if bar.get("data-series")) > 0


@pytest.mark.parametrize(
    ("exit_code", "code", "words"),
    [
        (2, "season_size_malformed", "--people 0"),
        (2, "season_size_malformed", "--people -5"),
        (2, "season_size_malformed", "--people 10000001"),
        (2, "season_seed_malformed", "--people 5 --seed -1"),
        (2, "input_value_malformed", "--people 5 --year 2018"),
        (2, "input_value_malformed", "--people 5 --year 2101"),
        (2, "report_kind_unknown", "--people 5 --out s.pdf"),
        (7, "output_unwritable", "--people 5 --out no/s.html"),
        (2, "usage", "--people many"),
        (2, "usage", ""),
    ],
)
def test_a_season_that_is_none_is_refused_and_no_database_is_made(
    cli: Cli, inside: Inside, exit_code: int, code: str, words: str
) -> None:
    answer = inside("season", *words.split(), "--json", "--db", str(cli.folder / "n.db"))
    assert (answer.exit_code, answer.problem["code"]) == (exit_code, code)
    assert list(cli.folder.iterdir()) == []


def test_another_season_and_a_database_with_people_are_refused_and_left_as_they_are(cli: Cli) -> None:
    cli(*WORDS)
    before = (cli.folder / "s.db").read_bytes()
    problem = cli.refused(5, "season_differs", "season", "--people", "41", "--db", "s.db")
    assert "40" in problem["detail"]
    assert (cli.folder / "s.db").read_bytes() == before
    cli(
        "wallet", "open", "--kind", "personal", "--phone", "13900000001", "--operator", "ICBC", "--db", "o.db"
    )
    cli.refused(5, "season_needs_new_database", *WORDS[:-1], "o.db")
    assert len(cli("wallet", "list", "--db", "o.db")["wallets"]) == 1
    cli.refused(7, "database_unwritable", *WORDS[:-1], "x" * 300)


def test_without_numpy_it_says_what_to_install(cli: Cli) -> None:
    (cli.folder / "numpy.py").write_text("raise ImportError('not installed')\n")
    path = os.pathsep.join(filter(None, [str(cli.folder), os.environ.get("PYTHONPATH")]))
    problem = cli.refused(7, "numpy_missing", *WORDS, PYTHONPATH=path)
    assert problem["hint"] == "install the extra [batch]: pip install '.[batch]' in the folder of ecny-tax"
    assert not (cli.folder / "s.db").exists()


def test_it_keeps_its_own_time(cli: Cli) -> None:
    cli(*WORDS, "--now", "2031-01-01")
    shown = cli.run("clock", "show", "--db", "s.db", "--json").document
    assert shown["now"].startswith("2026-07-01T10:00")


@pytest.mark.skipif(sys.platform == "win32", reason="a kill is POSIX's")
def test_I16_a_season_that_was_killed_goes_on_to_the_same_journal(tmp_path: Path) -> None:
    """Killed in three places; it takes seconds, for each run is a process."""
    words = ("season", "--people", "200", "--seed", "3", "--json")
    whole = Cli(_folder(tmp_path, "whole"))
    expected = whole(*words[:-1])
    killed = Cli(_folder(tmp_path, "killed"))
    for chunks in (3, 30, 60):
        process = killed.start(*words)
        deadline = time.monotonic() + 60
        while process.poll() is None and _chunks(killed.folder) < chunks and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    found = killed(*words[:-1])
    assert found.pop("work")["went_on"] is True
    expected.pop("work")
    assert found == expected
    assert _journal(killed.folder) == _journal(whole.folder)


def _folder(parent: Path, name: str) -> Path:
    (parent / name).mkdir()
    return parent / name


def _chunks(folder: Path) -> int:
    """How many chunks of the season are committed by now."""
    path = folder / "ecny-tax.db"
    if not path.exists():
        return 0
    try:
        with sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True) as connection:
            row = connection.execute(
                "SELECT json_extract(value, '$.tally.chunks') FROM meta WHERE name = 'season'"
            ).fetchone()
            return int(row[0]) if row else 0
    except sqlite3.Error:
        return 0


def _journal(folder: Path) -> list[tuple[object, ...]]:
    with sqlite3.connect(folder / "ecny-tax.db") as connection:
        return connection.execute("SELECT * FROM transfer ORDER BY seq").fetchall()
