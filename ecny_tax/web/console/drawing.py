"""What the pictures of the console are drawn with: text, lines, arrow heads, and the frame around them.

Everything is drawn by presentation attributes in ``currentColor``, so that a page whose policy allows no
inline style may show it, in a light scheme and in a dark one; classes let a style sheet add colour.
Lengths are whole units of about a pixel.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ecny_tax.errors import Language
from ecny_tax.svg import escaped, text_width

LINE = 17
_FONT = "Noto Sans CJK SC, Source Han Sans SC, Microsoft YaHei, PingFang SC, sans-serif"
_MOST_LINES = 8
_CHINESE = "⺀-\U0003ffff"
_CLOSING = "[，。；：、！？）》”」…]*"
#: What a line may be broken between: words with the space after them, and single Chinese characters; each
#: with the punctuation that must neither begin nor end a line, and a number with its 元.
_PIECES = re.compile(f"[（《“「]*[{_CHINESE}]{_CLOSING}|[^\\s{_CHINESE}]+(?: ?元)?{_CLOSING} ?| ")


def picture(
    parts: Iterable[str], *, kind: str, width: int, height: int, title: str, desc: str, id_prefix: str
) -> str:
    """An SVG element of that natural size, which shrinks with a page that says so.

    ``id_prefix`` (letters, digits and hyphens) begins its ids and is to be unique on the page.
    """
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="picture {kind}" role="img"'
        f' aria-labelledby="{id_prefix}-title" aria-describedby="{id_prefix}-desc"'
        f' viewBox="0 0 {width} {height}" width="{width}" font-family="{_FONT}" font-size="13"'
        ' fill="currentColor">',
        f'<title id="{id_prefix}-title">{escaped(one_line(title))}</title>',
        f'<desc id="{id_prefix}-desc">{escaped(one_line(desc))}</desc>',
    )
    return "\n".join((*head, *parts, "</svg>"))


def one_line(words: str) -> str:
    """Words with single spaces between them, whatever parted them."""
    return " ".join(words.split())


def label(x: int, y: int, words: str, more: str = "") -> str:
    """Text whose base line is at ``y``."""
    return f'<text x="{x}" y="{y}" {more}>{escaped(one_line(words))}</text>'


def block(x: int, y: int, lines: Iterable[str], more: str = "") -> list[str]:
    """Lines of text under each other, the first with its base line at ``y``."""
    return [label(x, y + place * LINE, line, more) for place, line in enumerate(lines)]


def wrapped(words: str, room: int, most: int = _MOST_LINES) -> list[str]:
    """Words in lines of at most ``room`` units; what ``most`` lines do not hold is cut, and shown to be."""
    lines, line = [], ""
    for piece in _PIECES.findall(one_line(words)):
        rest = piece
        if line and text_width(line + rest.rstrip()) > room:
            lines.append(line.rstrip())
            line = ""
        while len(rest) > 1 and text_width(rest.rstrip()) > room:  # a word longer than a line
            fits = max(1, _how_many_fit(rest, room))
            lines.append(rest[:fits])
            rest = rest[fits:]
        line += rest
    lines += [line.rstrip()] if line.strip() else []
    return lines if len(lines) <= most else [*lines[: most - 1], fitted(lines[most - 1] + "……", room)]


def balanced(words: str, room: int) -> list[str]:
    """Words in as few lines as ``room`` allows, of about the same length."""
    lines = wrapped(words, room)
    longest = max((text_width(piece) for piece in _PIECES.findall(one_line(words))), default=0)
    for narrower in range(room - 8, max(longest, room // 3), -8):
        narrow = wrapped(words, narrower)
        if len(narrow) > len(lines) or len(lines) in (1, _MOST_LINES):
            break
        lines = narrow
    return lines


def fitted(words: str, room: int) -> str:
    """Words in one line, cut with an ellipsis where they do not fit."""
    words = one_line(words)
    if text_width(words) <= room:
        return words
    return words[: _how_many_fit(words, room - text_width("…"))] + "…"


def _how_many_fit(words: str, room: int) -> int:
    taken = 0
    for place, char in enumerate(words):
        taken += text_width(char)
        if taken > room:
            return place
    return len(words)


def box(x: int, y: int, width: int, height: int, more: str = "") -> str:
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="5" fill="none" stroke="currentColor"'
        f" {more}/>"
    )


def line(points: Iterable[tuple[int, int]], more: str = "") -> str:
    way = " ".join(f"{x},{y}" for x, y in points)
    return f'<polyline points="{way}" fill="none" stroke="currentColor" {more}/>'


def arrow_head(x: int, y: int, towards: int, size: int = 5, more: str = "") -> str:
    """A filled head whose tip is at the place; it points right for ``towards`` 1, and left for -1."""
    back = x - towards * size * 2
    return f'<path d="M{x},{y} L{back},{y - size} L{back},{y + size} z" {more}/>'


def cross(x: int, y: int, size: int = 6) -> str:
    """The mark of what was refused."""
    return (
        f'<path class="refused" d="M{x - size},{y - size} L{x + size},{y + size}'
        f' M{x - size},{y + size} L{x + size},{y - size}" fill="none" stroke="currentColor"'
        ' stroke-width="3"/>'
    )


def qr_mark(x: int, y: int) -> str:
    """A small sign for a QR code, 18 units square with its middle at the place."""
    left, top = x - 9, y - 9
    finders = "".join(
        f'<rect x="{left + dx}" y="{top + dy}" width="6" height="6" fill="none" stroke="currentColor"'
        f' stroke-width="2"/>'
        for dx, dy in ((1, 1), (11, 1), (1, 11))
    )
    modules = "".join(
        f'<rect x="{left + dx}" y="{top + dy}" width="3" height="3"/>'
        for dx, dy in ((10, 10), (15, 10), (12, 14), (16, 16))
    )
    return f'<g class="qr-mark">{finders}{modules}</g>'


def said(words: tuple[str, str], language: Language) -> str:
    """One of (English, Chinese)."""
    return words[language == "zh"]
