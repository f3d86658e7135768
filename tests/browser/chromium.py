"""Where a Chromium is; ``python -m tests.browser.chromium`` fetches one where there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NONE = "no Chromium here: `make browser` fetches one, CHROMIUM=/path/to/it names one"


def chromium(own: str) -> str | None:
    """A Chromium: the one that is named, Playwright's ``own``, or the system's."""
    named = os.environ.get("CHROMIUM")
    places = (named,) if named else (own, "/usr/bin/chromium", "google-chrome", "chromium-browser")
    return next((found for place in places if (found := shutil.which(place))), None)


def main() -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        found = chromium(driver.chromium.executable_path)
    if found is not None:
        print(f"Chromium: {found}")
    elif subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False).returncode:
        print("No Chromium is here and none could be fetched: the browser tests skip.", file=sys.stderr)


if __name__ == "__main__":
    main()
