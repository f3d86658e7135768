"""A headless Chromium, and a console of its own for the tests of a worker; without Chromium they skip."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from ecny_tax import Sandbox
from tests.browser.chromium import NONE, chromium
from tests.web.conftest import serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright here: `make browser`")
    with playwright.sync_playwright() as driver:
        place = chromium(driver.chromium.executable_path)
        if place is None:
            pytest.skip(NONE)
        root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        started = driver.chromium.launch(executable_path=place, args=root)
        yield started
        started.close()


@pytest.fixture(scope="session")
def console(browser: Browser) -> Iterator[str]:
    """The address of a console; ``browser`` comes first, so that nothing is served when tests are skipped."""
    with serving(Sandbox.open(":memory:")) as address:
        yield address


class Watched:
    """What must never happen while a test looks at pages: every context that it opens is watched."""

    def __init__(self, browser: Browser, console: str) -> None:
        self._browser = browser
        self._console = console
        self._contexts: list[BrowserContext] = []
        self.wrong: list[str] = []

    def page(self, *, width: int = 1280, dark: bool = False, script: bool = True) -> Page:
        """A page in a browser of its own."""
        context = self._browser.new_context(
            base_url=self._console,
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
        )
        context.set_default_timeout(20_000)
        self._contexts.append(context)
        context.on("request", lambda request: self._outside(request.url))
        context.on("console", lambda message: self._said(message.text))
        context.on("weberror", lambda error: self.wrong.append(f"script: {error.error}"))
        page = context.new_page()
        page.on("dialog", lambda dialog: (self.wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        return page

    def _outside(self, url: str) -> None:
        if urlsplit(url).netloc != urlsplit(self._console).netloc:
            self.wrong.append(f"request: {url}")

    def _said(self, text: str) -> None:
        if "Content Security Policy" in text or "Refused to" in text:
            self.wrong.append(text)

    def close(self) -> None:
        for context in self._contexts:
            context.close()


@pytest.fixture
def watched(browser: Browser, console: str) -> Iterator[Watched]:
    watching = Watched(browser, console)
    yield watching
    watching.close()
    assert watching.wrong == []


@pytest.fixture
def open_page(watched: Watched) -> Callable[..., Page]:
    """Opens a page; no request leaves the server, no policy is broken, no script fails, no dialog opens."""
    return watched.page
