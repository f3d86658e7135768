"""The picture of ``bench.growth``: microseconds a transfer against the size of the ledger, both in powers of
ten.

It is read on white and on black pages alike: the paper is transparent, the ink is of middle darkness, and
each line has its name at its end and a mark of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import ceil, floor, log10

from ecny_tax.svg import escaped

#: (column, what it is called, its colour, its mark)
_LINES = (
    ("move_us", "one move a call", "#d9541e", "circle"),
    ("verify_us", "verified", "#0f8a5f", "square"),
    ("batch_us", "posted in a batch", "#2f7fd1", "diamond"),
)
_ENGINES = (("sqlite", "SQLite", ""), ("postgresql", "PostgreSQL", " stroke-dasharray='7 5'"))
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 960, 520, 70, 250, 60, 50
_INK = "#7a7f87"
_APART = 16  # pixels between the names of two lines
_MARKS = {
    "circle": "<circle cx='{x:.1f}' cy='{y:.1f}' r='4'",
    "square": "<rect x='{x:.1f}' y='{y:.1f}' width='8' height='8' transform='translate(-4 -4)'",
    "diamond": "<path d='M{x:.1f} {y:.1f}m0 -6l6 6l-6 6l-6 -6z'",
}
_Point = Mapping[str, float | str]


def drawn(points: Sequence[_Point]) -> str:
    """The picture as SVG."""
    sizes = [float(point["transfers"]) for point in points]
    costs = [float(point[column]) for point in points for column, *_ in _LINES]
    scale = _Scale(min(sizes), max(sizes), min(costs), max(costs))
    title = "Microseconds a transfer, as the ledger grows"
    return "\n".join(
        (
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {_HEIGHT}' width='{_WIDTH}'"
            f" height='{_HEIGHT}' role='img' aria-labelledby='title' font-family='sans-serif' font-size='13'"
            f" fill='{_INK}'>",
            f"<title id='title'>{title}</title>",
            f"<text x='{_LEFT}' y='28' font-size='17' font-weight='bold'>{title}</text>",
            f"<text x='{_LEFT}' y='47'>solid: SQLite; dashed: PostgreSQL; scales in powers of ten</text>",
            *scale.grid(),
            *_lines(points, scale),
            "</svg>",
            "",
        )
    )


class _Scale:
    """Where sizes and costs lie; the paper ends at whole powers of ten."""

    def __init__(self, smallest: float, largest: float, cheapest: float, dearest: float) -> None:
        self._first, self._last = (
            floor(log10(smallest)),
            max(ceil(log10(largest)), floor(log10(smallest)) + 1),
        )
        self._low, self._high = floor(log10(cheapest)), ceil(log10(dearest))

    def x(self, size: float) -> float:
        return _LEFT + (log10(size) - self._first) * (_WIDTH - _LEFT - _RIGHT) / (self._last - self._first)

    def y(self, cost: float) -> float:
        return (
            _HEIGHT
            - _BOTTOM
            - (log10(cost) - self._low) * (_HEIGHT - _TOP - _BOTTOM) / (self._high - self._low)
        )

    def grid(self) -> Iterator[str]:
        ends = f"x1='{_LEFT}' x2='{_WIDTH - _RIGHT}'"
        for power in range(self._low, self._high + 1):
            y = self.y(10**power)
            yield f"<line {ends} y1='{y:.1f}' y2='{y:.1f}' stroke='{_INK}' stroke-opacity='0.35'/>"
            yield f"<text x='{_LEFT - 8}' y='{y + 4:.1f}' text-anchor='end'>{10**power:,} µs</text>"
        for power in range(self._first, self._last + 1):
            x, y = self.x(10**power), _HEIGHT - _BOTTOM + 20
            yield f"<text x='{x:.1f}' y='{y}' text-anchor='middle'>{10**power:,}</text>"
        yield (
            f"<text x='{(_LEFT + _WIDTH - _RIGHT) / 2:.0f}' y='{_HEIGHT - 8}' text-anchor='middle'>"
            "transfers in the ledger</text>"
        )


def _lines(points: Sequence[_Point], scale: _Scale) -> Iterator[str]:
    names: list[tuple[float, str, str]] = []
    for engine, engine_name, dashes in _ENGINES:
        of_engine = [point for point in points if point["engine"] == engine]
        for column, what, colour, mark in _LINES if of_engine else ():
            at = [(scale.x(float(p["transfers"])), scale.y(float(p[column]))) for p in of_engine]
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
            yield f"<polyline points='{path}' fill='none' stroke='{colour}' stroke-width='2'{dashes}/>"
            for x, y in at:
                yield _MARKS[mark].format(x=x, y=y) + f" fill='{colour}'/>"
            names.append((at[-1][1], f"{what}, {engine_name}: {of_engine[-1][column]:,.0f} µs", colour))
    lowest = float(_TOP)
    for y, name, colour in sorted(names):  # below each other where lines end close together
        lowest = max(y + 4, lowest + _APART)
        yield f"<text x='{_WIDTH - _RIGHT + 12}' y='{lowest:.1f}' fill='{colour}'>{escaped(name)}</text>"
