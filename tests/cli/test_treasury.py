"""The treasury's commands: a day is closed once for all, and a report reads back as it was written."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.cli.conftest import Inside, World
from tests.cli.process import Cli

DAY, AFTER = "2023-04-20", "2023-04-21T09:00"
COLUMNS = ["collected", "refunded", "net", "waiting"]
NS = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("by", ["tax", "level", "day", "month"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_csv_reads_back_as_the_document(world: World, inside: Inside, by: str, language: str) -> None:
    options = ("--by", by, "--now", AFTER, "--lang", language)
    inside("treasury", "close", "--date", DAY, "--now", AFTER)
    inside("pay", "--bill", world.names["open"], "--now", AFTER)
    document = inside("treasury", "report", *options, "--json").document
    printed = inside("treasury", "report", *options, "--csv")
    assert (printed.exit_code, printed.stderr) == (0, "")
    inside("treasury", "report", *options, "--out", "report.csv")
    assert (world.folder / "report.csv").read_text("utf-8") == printed.stdout.replace("\r\n", "\n")
    rows = list(csv.DictReader(io.StringIO(printed.stdout)))
    assert list(rows[0]) == [by, "name", *COLUMNS, "status"]
    name = f"name_{language}"
    assert rows == [
        {by: line["key"], "name": line[name], **{key: line[key] for key in COLUMNS},
         "status": line["status"] or ""}
        for line in document["lines"]
    ]  # fmt: skip
    assert document["waiting"] != "0.00"


def test_the_chart_is_svg_with_the_amounts_in_it(world: World, inside: Inside) -> None:
    inside("treasury", "close", "--date", DAY, "--now", AFTER)
    answer = inside("treasury", "report", "--by", "tax", "--out", "r.SVG", "--lang", "zh", "--json",
                    "--now", AFTER)  # fmt: skip
    assert answer.document["file"] == "r.SVG"
    root = ET.fromstring((world.folder / "r.SVG").read_text("utf-8"))
    texts = [text.text for text in root.iter(f"{NS}text")]
    assert {"10111 印花税", "17,000.00", "720.00", "已报解收入", "已退库"} <= set(texts)
    assert "国家金库鹤山市支库" in str(root.findtext(f"{NS}title"))
    values = [int(bar.get("data-value", "")) for bar in root.iter(f"{NS}rect") if bar.get("data-value")]
    assert 17_000_00 in values


def test_a_closed_day_is_shown_as_closed_and_an_open_one_as_not_yet_closed(
    world: World, inside: Inside
) -> None:
    open_one = inside("treasury", "report", "--now", DAY).stdout
    assert "not yet closed" in open_one
    closing = inside("treasury", "close", "--date", DAY, "--now", AFTER, "--json").document
    assert closing["status"] == "closed"
    assert "assumption" in closing
    assert "not yet closed" not in inside("treasury", "report", "--now", AFTER).stdout
    listed = inside("treasury", "list", "--now", AFTER, "--json").document["treasuries"]
    assert [(one["closed_until"], one["waiting"]) for one in listed] == [(DAY, "0.00")]


def test_closing_twice_answers_the_same(world: World, inside: Inside) -> None:
    first = inside("treasury", "close", "--date", DAY, "--now", AFTER, "--json").document
    assert inside("treasury", "close", "--date", DAY, "--now", "2023-05-01", "--json").document == first
    assert first["collected"] == "17030.00"


def test_a_payment_on_a_closed_day_is_refused_and_says_what_to_do(world: World, inside: Inside) -> None:
    inside("treasury", "close", "--date", DAY, "--now", f"{DAY}T18:00")
    late = inside("pay", "--bill", world.names["open"], "--json", "--now", f"{DAY}T19:00")
    assert (late.exit_code, late.problem["code"]) == (3, "treasury_day_closed")
    assert DAY in late.problem["hint"]
    assert inside("bill", "show", world.names["open"], "--json").document["status"] == "open"
    assert inside("pay", "--bill", world.names["open"], "--json", "--now", AFTER).exit_code == 0


@pytest.mark.parametrize("name", ["s.db", "s.db.keys"])
def test_a_report_is_never_written_over_what_cannot_be_made_again(world: World, name: str) -> None:
    (world.folder / "report.csv").symlink_to(name)
    before = (world.folder / name).read_bytes()
    answer = Cli(world.folder, ECNY_TAX_DB="s.db").asked(
        "treasury", "report", "--out", "report.csv", "--now", DAY
    )
    assert (answer.exit_code, answer.problem["code"]) == (7, "output_unwritable")
    assert (world.folder / name).read_bytes() == before


def test_a_folder_that_may_not_be_written_is_refused_before_anything_is_done(
    world: World, inside: Inside, tmp_path: Path
) -> None:
    answer = inside("treasury", "report", "--out", str(tmp_path / "none" / "r.csv"), "--json")
    assert (answer.exit_code, answer.problem["code"]) == (7, "output_unwritable")
