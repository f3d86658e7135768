"""Bar charts as SVG, readable without colour: every kind of bar has a pattern of its own and its value.

Whatever a text holds, it is shown as text: nothing of it becomes markup.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

_WIDTH = 960
_MARGIN = 24
_BAR, _GAP, _BETWEEN = 14, 3, 12
_VALUE_ROOM = 150
_LINE = 22
_FONT = "font-family='Noto Sans CJK SC, Source Han Sans SC, Microsoft YaHei, PingFang SC, sans-serif'"
#: Of each series in turn: its pattern, or its plain fill; told apart by hatching and by darkness.
_FILLS = ("#1b4f72", "url(#hatched)", "#ffffff", "url(#dotted)")
_PATTERNS = (
    "<defs>"
    "<pattern id='hatched' width='6' height='6' patternUnits='userSpaceOnUse' patternTransform='rotate(45)'>"
    "<rect width='6' height='6' fill='#fdebd0'/><rect width='2.5' height='6' fill='#a04000'/></pattern>"
    "<pattern id='dotted' width='6' height='6' patternUnits='userSpaceOnUse'>"
    "<rect width='6' height='6' fill='#eafaf1'/><circle cx='3' cy='3' r='1.4' fill='#145a32'/></pattern>"
    "</defs>"
)
#: The most kinds of bars that can be told apart.
MAX_SERIES = len(_FILLS)


@dataclass(frozen=True, slots=True)
class Series:
    """One kind of bars: a value for each label, and the text that stands beside its bar.

    Where the text is empty there is neither bar nor text.
    """

    name: str
    values: tuple[int, ...]
    texts: tuple[str, ...]


def bar_chart(*, title: str, description: str, labels: Sequence[str], series: Sequence[Series]) -> str:
    """Horizontal bars, those of one label under each other; at most four series, values of either sign.

    ``title`` and ``description`` are read out by screen readers.
    """
    drawn = tuple(series[:MAX_SERIES])
    low = min((0, *(value for one in drawn for value in one.values)))
    high = max((1, *(value for one in drawn for value in one.values)))
    left = _MARGIN + max((text_width(label) for label in labels), default=0) + 10
    scale = _Scale(left, max(100, _WIDTH - _MARGIN - _VALUE_ROOM - left), low, high)
    body: list[str] = []
    top = _MARGIN + 2 * _LINE + 10
    for place, label in enumerate(labels):
        group = list(_group(drawn, place, scale, top))
        height = max(1, sum(bool(one.texts[place]) for one in drawn)) * (_BAR + _GAP)
        middle = top + (height - _GAP) / 2
        body.append(_text(left - 10, middle, label, "text-anchor='end' dominant-baseline='central'"))
        body += group
        top += height + _BETWEEN
    axis = _line(scale.x(0), _MARGIN + 2 * _LINE, scale.x(0), top)
    return "\n".join(
        (
            f"<svg xmlns='http://www.w3.org/2000/svg' width='{_WIDTH}' height='{top + _MARGIN}'"
            f" viewBox='0 0 {_WIDTH} {top + _MARGIN}' role='img' aria-labelledby='title desc'"
            f" {_FONT} font-size='13'>",
            f"<title id='title'>{escaped(title)}</title>",
            f"<desc id='desc'>{escaped(description)}</desc>",
            _PATTERNS,
            f"<rect width='{_WIDTH}' height='{top + _MARGIN}' fill='#ffffff'/>",
            _text(_MARGIN, _MARGIN + 8, title, "font-size='17' font-weight='bold'"),
            *_legend(drawn),
            axis,
            *body,
            "</svg>",
            "",
        )
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    """Where a value lies from left to right, in whole hundredths of a pixel: no float decides."""

    left: int
    width: int
    low: int
    high: int

    def x(self, value: int) -> str:
        hundredths = self.left * 100 + (value - self.low) * self.width * 100 // (self.high - self.low)
        return f"{hundredths // 100}.{hundredths % 100:02d}"

    def length(self, value: int) -> str:
        hundredths = abs(value) * self.width * 100 // (self.high - self.low)
        return f"{hundredths // 100}.{hundredths % 100:02d}"


def _group(series: Sequence[Series], place: int, scale: _Scale, top: int) -> Iterator[str]:
    """The bars of one label, each with its value at its right end."""
    for one, fill in zip(series, _FILLS, strict=False):
        value, text = one.values[place], one.texts[place]
        if not text:
            continue
        start, end = scale.x(min(0, value)), scale.x(max(0, value))
        yield (
            f"<rect x='{start}' y='{top}' width='{scale.length(value)}' height='{_BAR}' fill='{fill}'"
            f" stroke='#1c2833' data-series={quoteattr(_clean(one.name))} data-value='{value}'/>"
        )
        yield _text(end, top + _BAR / 2, text, "dx='6' dominant-baseline='central' font-size='12'")
        top += _BAR + _GAP


def _legend(series: Sequence[Series]) -> Iterator[str]:
    x = _MARGIN
    for one, fill in zip(series, _FILLS, strict=False):
        y = _MARGIN + _LINE
        yield f"<rect x='{x}' y='{y}' width='18' height='12' fill='{fill}' stroke='#1c2833'/>"
        yield _text(x + 24, y + 6, one.name, "dominant-baseline='central'")
        x += 24 + text_width(one.name) + 24


def _text(x: object, y: object, words: str, more: str) -> str:
    return f"<text x='{x}' y='{y}' fill='#1c2833' {more}>{escaped(words)}</text>"


def _line(x1: object, y1: object, x2: object, y2: object) -> str:
    return f"<line x1='{x1}' y1='{y1}' x2='{x2}' y2='{y2}' stroke='#1c2833'/>"


def text_width(words: str) -> int:
    """About how many pixels a text of 13 pixels takes: Chinese characters are twice as wide as others."""
    return sum(14 if ord(char) >= 0x2E80 else 8 for char in words)


def escaped(words: str) -> str:
    """Words as the text of an element: no markup, and no characters that XML does not know."""
    return escape(_clean(words))


def _clean(words: str) -> str:
    """Text without characters that no XML may hold."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in words)
