"""``tax settle-many`` as its users meet it: a file out whole or not at all, and one clear refusal."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.cli.conftest import Inside
from tests.cli.process import Cli

TABLE = "id,wages,social,sad,withheld\nP1,150000,18000,24000,3000\nP2,180000.5,0,0,9000.00\n"


def test_a_table_is_settled_into_a_file(cli: Cli) -> None:
    (cli.folder / "in.csv").write_text(TABLE)
    answer = cli("tax", "settle-many", "in.csv", "out.csv", "--tax-year", "2022")
    assert "the tax authority's own record" in answer.pop("assumption")
    assert answer == {
        "people": 2,
        "tax_total": "11760.05",
        "refund": "720.00",
        "due": "480.05",
        "passed_through": ["id"],
        "file": "out.csv",
    }
    first, one, other = (cli.folder / "out.csv").read_text().splitlines()
    assert first.startswith("id,wages,social,sad,withheld,income_amount,taxable,tax,")
    assert one.startswith("P1,150000,18000,24000,3000,150000.00,48000.00,2280.00,0.00,2280.00,720.00,0.00,")
    assert other.endswith("480.05,0.00,0.00,true")
    assert sorted(path.name for path in cli.folder.iterdir()) == ["in.csv", "out.csv"]


def test_a_table_that_a_spreadsheet_wrote_is_settled(cli: Cli) -> None:
    table = (
        "id,tax_year,wages,withheld,withheld_properly\r\n"
        "P1,2022,150000,,TRUE\r\nP2,2022,100000,,False\r\n,,,,\r\n\r\n"
    )
    (cli.folder / "in.csv").write_text(table, encoding="utf-8-sig", newline="")
    answer = cli("tax", "settle-many", "in.csv", "out.csv")
    assert (answer["people"], answer["due"]) == (2, "7960.00")
    assert len((cli.folder / "out.csv").read_text().splitlines()) == 3


@pytest.mark.parametrize("out", ["in.csv", "./in.csv", "more/../in.csv", "link.csv", "other-name.csv"])
def test_the_table_is_not_written_over_by_whatever_name(cli: Cli, out: str) -> None:
    (cli.folder / "in.csv").write_text(TABLE)
    (cli.folder / "more").mkdir()
    (cli.folder / "link.csv").symlink_to("in.csv")
    (cli.folder / "other-name.csv").hardlink_to(cli.folder / "in.csv")
    words = ("tax", "settle-many", "in.csv", out, "--tax-year", "2022")
    cli.refused(2, "output_is_input", *words)
    assert (cli.folder / "in.csv").read_text() == TABLE


def test_a_table_that_is_not_utf8_is_to_be_saved_anew(cli: Cli) -> None:
    (cli.folder / "in.csv").write_text("姓名,wages\n张三,1\n", encoding="gbk")
    words = ("tax", "settle-many", "in.csv", "out.csv", "--tax-year", "2022")
    assert "save it as UTF-8" in cli.refused(2, "input_not_utf8", *words)["hint"]


@pytest.mark.parametrize("before", [None, "kept"])
def test_a_bad_line_is_named_and_nothing_is_written(cli: Cli, before: str | None) -> None:
    (cli.folder / "in.csv").write_text("id,wages\n" + "P,1\n" * 30_000 + "P,1e5\n")
    if before:
        (cli.folder / "out.csv").write_text(before)
    problem = cli.refused(2, "line_refused", "tax", "settle-many", "in.csv", "out.csv", "--tax-year", "2022")
    assert [problem[key] for key in ("line", "column", "value", "cause")] == [
        "30002",
        "wages",
        "1e5",
        "amount_malformed",
    ]
    assert sorted(path.name for path in cli.folder.iterdir()) == ["in.csv", *(["out.csv"] if before else [])]
    assert before is None or (cli.folder / "out.csv").read_text() == before


def test_a_refusal_is_one_clear_line(cli: Cli) -> None:
    (cli.folder / "in.csv").write_text("id,wages\nP1,1.234\n")
    answer = cli.run("tax", "settle-many", "in.csv", "out.csv", "--tax-year", "2022")
    said = answer.stderr.splitlines()[0]
    assert said == (
        "line 2 of in.csv is refused: wages = 1.234 (amount_too_precise); nothing was written (line_refused)"
    )


def test_without_numpy_it_says_what_to_install(cli: Cli) -> None:
    (cli.folder / "in.csv").write_text(TABLE)
    (cli.folder / "numpy.py").write_text("raise ImportError('not installed')\n")
    problem = cli.refused(
        7, "numpy_missing", "tax", "settle-many", "in.csv", "out.csv", "--tax-year", "2022",
        PYTHONPATH=str(cli.folder),
    )  # fmt: skip
    assert problem["hint"] == "install the extra [batch]: pip install '.[batch]' in the folder of ecny-tax"


def test_an_output_that_cannot_be_written_is_refused(cli: Cli) -> None:
    (cli.folder / "in.csv").write_text(TABLE)
    words = ("tax", "settle-many", "in.csv", "no/out.csv", "--tax-year", "2022")
    assert "--out" not in cli.refused(7, "output_unwritable", *words)["hint"]
    assert "没有这个文件或文件夹" in cli.refused(7, "output_unwritable", *words, "--lang", "zh")["detail"]


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal of its own needs POSIX")
def test_a_terminal_sees_a_progress_bar_and_a_pipe_does_not(cli: Cli, inside: Inside) -> None:
    import pty

    (cli.folder / "in.csv").write_text(TABLE)
    words = ("tax", "settle-many", "in.csv", "out.csv", "--tax-year", "2022")
    assert inside(*words).stderr == ""
    mine, its = pty.openpty()
    done = subprocess.run(
        cli.command(*words, "--json"),
        cwd=cli.folder,
        env=cli.environment(TERM="xterm"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=its,
        check=True,
    )
    os.close(its)
    shown = b""
    while chunk := _read(mine):
        shown += chunk
    os.close(mine)
    assert done.stdout.startswith(b"{")
    assert b"%" in shown


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux says that nobody is at the other end
        return b""
