"""The worked example: its planted bug is found, as the page says; the mended desk passes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.testing.conftest import PLUGIN

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "examples" / "testing", tmp_path / "testing"))


def tested(folder: Path, desk: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "pytest", *PLUGIN, "-q", "-p", "no:xdist"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "DESK": desk, "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=300,
    )


def test_the_planted_bug_is_found_by_the_fewest_steps(folder: Path) -> None:
    """Over two seconds: Hypothesis plays some hundred runs, to find the bug and to shorten the way to it."""
    done = tested(folder, "desk")
    assert done.returncode == 1, done
    assert "1 failed, 2 passed" in done.stdout
    assert "600 fen are gone, 300 were owed" in done.stdout
    steps = [
        line.split("state.")[1]
        for line in done.stdout.splitlines()
        if line.startswith("E  ") and "state." in line
    ]
    assert [step for step in steps if not step.startswith(("all_is", "no_contract"))] == [
        "begin()",
        "open_the_desk()",
        "lose_the_next_answer(kind='answer_lost')",
        "pay_the_duty(contract='HT-1')",
        "teardown()",
    ]


def test_the_mended_desk_passes(folder: Path) -> None:
    """Over two seconds: forty runs of fifteen steps."""
    done = tested(folder, "desk_mended")
    assert done.returncode == 0, done
    assert "3 passed" in done.stdout


def test_the_desks_differ_in_what_the_page_names_alone() -> None:
    broken, mended = (
        (ROOT / "examples" / "testing" / f"{name}.py").read_text("utf-8") for name in ("desk", "desk_mended")
    )
    assert "idempotency_key" not in broken
    assert "idempotency_key" in mended
    assert max(len(text.splitlines()) for text in (broken, mended)) <= 60
