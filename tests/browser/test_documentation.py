"""The site of the documentation in a browser that has no server and no network: its search still finds."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def small_site(tmp_path: Path) -> Path:
    """Two pages under the settings of the whole site, which would take seconds to build."""
    pytest.importorskip("zensical", reason="the site is built by zensical, of the extra [dev]")
    settings, _navigation, _pages = (ROOT / "mkdocs.yml").read_text("utf-8").partition("\nnav:")
    (tmp_path / "mkdocs.yml").write_text(settings, "utf-8")
    for ours in ("assets", "theme"):
        shutil.copytree(ROOT / "docs" / ours, tmp_path / "docs" / ours)
    (tmp_path / "docs" / "index.md").write_text("# Start\n\nNothing to see.\n", "utf-8")
    (tmp_path / "docs" / "found.md").write_text(
        "# Elsewhere\n\nTwo vouchers are 双花证据, or evidence.\n", "utf-8"
    )
    command = [sys.executable, "-m", "zensical", "build", "--strict"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=60)
    return tmp_path / "build" / "site"


@pytest.mark.parametrize("word", ["evidence", "双花"])
def test_search_finds_a_word_in_a_site_that_was_opened_as_a_file(
    browser: Browser, small_site: Path, word: str
) -> None:
    context = browser.new_context(offline=True)
    wrong: list[str] = []
    context.on("request", lambda asked: asked.url.startswith("file:") or wrong.append(asked.url))
    context.on("weberror", lambda error: wrong.append(str(error.error)))
    page = context.new_page()
    page.goto((small_site / "index.html").as_uri())
    page.keyboard.press("Control+k")
    page.keyboard.type(word)
    page.get_by_text("1 result").wait_for(timeout=10_000)
    page.keyboard.press("Enter")
    page.wait_for_url("**/found.html*", timeout=10_000)
    context.close()
    assert [one for one in wrong if not one.startswith(("blob:", "data:", "about:"))] == []
