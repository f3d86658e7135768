"""Rivals move the same money as we do, where they are installed; and what is drawn of a growing ledger."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest.importorskip("fcntl", reason="the servers of the benchmark need POSIX")

from bench.document import replaced
from bench.growth_chart import drawn
from bench.rivals.__main__ import PYTHON

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, encoding="utf-8", check=False
    )


@pytest.mark.skipif(not PYTHON.exists(), reason="`make rivals` installs them, and was not asked to")
def test_every_rival_ends_with_our_balances(tmp_path: Path) -> None:
    done = run("bench.rivals", "--quick", "--out", str(tmp_path / "rivals.json"))
    assert done.returncode == 0, done.stderr  # where balances differ, it is not
    sides = json.loads((tmp_path / "rivals.json").read_text("utf-8"))["sides"]
    assert [side["name"] for side in sides] == ["ecny-tax", "django-hordak", "SQLAlchemy"]
    assert all(side["one_a_call"] > 0 and side["in_batches"] > 0 for side in sides)


@pytest.mark.skipif(PYTHON.exists(), reason="they are installed")
def test_without_rivals_one_line_says_how_to_get_them(tmp_path: Path) -> None:
    done = run("bench.rivals", "--out", str(tmp_path / "rivals.json"))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "make rivals" in done.stderr
    assert not (tmp_path / "rivals.json").exists()


def test_a_ledger_grows_and_every_size_is_measured_and_drawn(tmp_path: Path) -> None:
    out = tmp_path / "growth.json"
    done = run(
        "bench.growth", "--sqlite", "1000", "--postgresql", "0", "--at", str(tmp_path), "--out", str(out)
    )
    assert done.returncode == 0, done.stderr
    (point,) = json.loads(out.read_text("utf-8"))["points"]
    assert (point["engine"], point["transfers"]) == ("sqlite", 1000)
    assert all(point[name] > 0 for name in point if name != "engine")
    assert out.with_suffix(".svg").exists()


def test_the_picture_in_the_documents_is_the_one_of_their_figures() -> None:
    points = json.loads((ROOT / "docs" / "performance.json").read_text("utf-8"))["points"]
    picture = (ROOT / "docs" / "performance.svg").read_text("utf-8")
    assert picture == drawn(points)
    lines = ElementTree.fromstring(picture).findall("{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 6  # three on each engine


def test_figures_are_put_between_their_marks_and_nowhere_else() -> None:
    page = "a\n<!-- measured: rows -->\nold\n<!-- end -->\nb\n<!-- measured: growth -->\n<!-- end -->\n"
    assert replaced(page, "rows", ["new \\1"]) == page.replace("old", "new \\1")
