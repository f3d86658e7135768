"""The worked example: the mended desk passes.

That the planted bug is found, and by which steps, is what docs/testing.md shows and its test runs.
"""

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


def test_the_mended_desk_passes(folder: Path) -> None:
    """Over two seconds: forty runs of fifteen steps."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *PLUGIN, "-q", "-p", "no:xdist"],
        cwd=folder,
        env=os.environ
        | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "DESK": "desk_mended", "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done
    assert "3 passed" in done.stdout
