"""The site of docs/: every page has a place and one title, every link leads to a page, and what is built asks
nobody else for anything."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
CHINESE = [page for page in PAGES if page.name.endswith(".zh.md")]
ENGLISH = [page for page in PAGES if page not in CHINESE]
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


class _Settings(yaml.SafeLoader):
    """Reads mkdocs.yml, where anchors are made by a function that is named."""


_Settings.add_multi_constructor("tag:yaml.org,2002:python/", lambda _loader, name, _node: name)
SETTINGS: dict[str, Any] = yaml.load((ROOT / "mkdocs.yml").read_text("utf-8"), Loader=_Settings)


def name_of(page: Path) -> str:
    return page.relative_to(DOCS).as_posix()


def prose(page: Path) -> str:
    return _FENCED.sub("", page.read_text("utf-8"))


def in_navigation(entries: list[Any]) -> list[str]:
    """The pages that the navigation names, in its order."""
    found: list[str] = []
    for entry in entries:
        named = next(iter(entry.values())) if isinstance(entry, dict) else entry
        found += in_navigation(named) if isinstance(named, list) else [named]
    return found


def test_every_page_is_in_the_navigation_once_and_the_navigation_names_no_other() -> None:
    named = in_navigation(SETTINGS["nav"])
    assert len(named) == len(set(named))
    assert set(named) == {name_of(page) for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_has_one_title(page: Path) -> None:
    titles = re.findall(r"^# .+$", prose(page), re.MULTILINE)
    assert len(titles) == 1


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_links_to_pages_of_the_site(page: Path) -> None:
    """What is outside of docs/ is on no site; a page names it in code font."""
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        target = (page.parent / link.partition("#")[0]).resolve()
        assert "://" in link or target.is_relative_to(DOCS), link


@pytest.mark.parametrize("page", CHINESE, ids=name_of)
def test_both_languages_of_a_page_lead_to_each_other_at_their_top(page: Path) -> None:
    other = page.with_name(page.name.replace(".zh.md", ".md"))
    assert other.is_file()
    for one, language, leads_to in ((page, "English", other.name), (other, "中文", page.name)):
        top = "\n".join(prose(one).splitlines()[:8])
        assert f"[{language}]({leads_to})" in top, name_of(one)


@pytest.mark.parametrize("page", ENGLISH, ids=name_of)
def test_a_file_that_a_page_names_is_there(page: Path) -> None:
    """A decision may name what it did away with; the changelog of the house tests those by itself."""
    for named in re.findall(r"`((?:ecny_tax|tests|docs|examples)/[\w./-]*\w)`", prose(page)):
        assert (ROOT / named).exists(), named


def promises() -> dict[str, list[str]]:
    """The rows of the table of promises: number → its cells."""
    rows = re.findall(r"^\| (I\d+) \| (.+) \|$", (DOCS / "ledger.md").read_text("utf-8"), re.MULTILINE)
    return {number: cells.split(" | ") for number, cells in rows}


def test_every_promise_has_its_row() -> None:
    assert list(promises()) == [f"I{number}" for number in range(1, 17)]


@pytest.mark.parametrize("number", promises())
def test_a_promise_is_attacked_where_the_page_says(number: str) -> None:
    """At least one of the tests that it names speaks of the promise by its number."""
    *_, attacked = promises()[number]
    tests = re.findall(r"`(tests/[^`]+)`", attacked)
    assert any(re.search(rf"(?<![A-Z\d]){number}(?!\d)", (ROOT / test).read_text("utf-8")) for test in tests)


class _Resources(HTMLParser):
    """What a browser fetches for a page, and the anchors and links in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.anchors.update(filter(None, (given.get("id"), given.get("name") if tag == "a" else None)))
        if tag == "a":
            self.links.append(given.get("href") or "")
        elif tag == "link" and given.get("rel") not in ("canonical", "prev", "next"):
            self.fetched.append(given.get("href") or "")
        elif tag in ("script", "img", "iframe", "source", "video", "audio", "object", "embed"):
            self.fetched += filter(None, (given.get("src"), given.get("srcset"), given.get("data")))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `make docs` builds it, in a folder of its own."""
    pytest.importorskip("zensical", reason="the site is built by zensical, of the extra [dev]")
    place = tmp_path_factory.mktemp("site")
    shutil.copytree(DOCS, place / "docs")
    shutil.copy(ROOT / "mkdocs.yml", place)
    done = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--clean", "--strict"],
        cwd=place,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )
    said = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
    assert done.returncode == 0, said
    assert "Warning" not in said, said
    return place / "build" / "site"


def test_the_site_builds_without_a_warning_and_has_every_page(site: Path) -> None:
    for page in PAGES:
        name = page.with_name("index.md") if page.name == "README.md" else page
        assert (site / name_of(name)).with_suffix(".html").is_file(), name
    assert not list(site.rglob("*.py"))


def test_every_page_of_the_built_site_says_which_language_it_is_in(site: Path) -> None:
    """For those to whom it is read aloud; what stands around the text follows it."""
    for page in site.rglob("*.html"):
        (said,) = re.findall(r'<html lang="(\w+)"', page.read_text("utf-8"))
        assert said == ("zh" if page.name.endswith(".zh.html") else "en"), page.name


def test_the_built_site_asks_nobody_else_for_anything(site: Path) -> None:
    for page in site.rglob("*.html"):
        for address in _Resources(page.read_text("utf-8")).fetched:
            assert not re.match(r"(?:https?:)?//", address), f"{page.name}: {address}"
    for style in site.rglob("*.css"):
        outside = re.findall(r"(?:@import|url\()\s*['\"]?(?:https?:)?//", style.read_text("utf-8"))
        assert not outside, style.name


def test_links_of_the_built_site_lead_to_pages_and_anchors_that_are_there(site: Path) -> None:
    read = {page: _Resources(page.read_text("utf-8")) for page in site.rglob("*.html")}
    for page, found in read.items():
        if page.name == "404.html":  # its addresses are those of a server's root
            continue
        for link in found.links:
            name, _, anchor = unquote(link).partition("#")
            if not link or ":" in name:
                continue
            target = (page.parent / name).resolve() if name else page
            target = target / "index.html" if target.is_dir() else target
            assert target.is_file(), f"{page.name}: {link}"
            if anchor and target in read and not anchor.startswith("__"):
                assert anchor in read[target].anchors, f"{page.name}: {link}"
