"""A row of a Markdown table, whatever its cells hold."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

_CODE = re.compile(r"`([^`]*\|[^`]*)`")


def row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(map(_cell, cells)) + " |"


def _cell(text: str) -> str:
    """Not every renderer takes the backslash before a bar out of code."""
    plain = _CODE.sub(
        lambda found: f"<code>{escape(found[1], quote=False)}</code>".replace("|", "&#124;"), text
    )
    return plain.replace("|", "\\|")
