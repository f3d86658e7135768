"""``python -m bench.document``: put what was measured into docs/performance.md, between its marks.

Reads bench.json and rivals.json, where they are, and docs/performance.json; what was not measured stays.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[1]
_PAGE = _ROOT / "docs" / "performance.md"


def main() -> int:
    page = _PAGE.read_text("utf-8")
    for name, source, lines in (
        ("rows", _ROOT / "bench.json", _rows),
        ("rivals", _ROOT / "rivals.json", _rivals),
        ("growth", _PAGE.with_suffix(".json"), _growth),
    ):
        if source.exists():
            page = replaced(page, name, list(lines(json.loads(source.read_text("utf-8")))))
    _PAGE.write_text(page, encoding="utf-8")
    return 0


def replaced(page: str, name: str, lines: Sequence[str]) -> str:
    """The page with these lines between the marks of that name."""
    marks = re.compile(f"(<!-- measured: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    text = "".join(f"{line}\n" for line in lines)
    return marks.sub(lambda found: f"{found[1]}{text}{found[2]}", page)


def _rows(found: Any) -> Iterator[str]:
    yield from _head("row", "engine", "ratio", "at least", "what was measured")
    for row in found["rows"]:
        missed = "" if row["ok"] else " (misses)"
        yield _line(row["name"], row["engine"], f"{row['ratio']:.2f}{missed}", row["at_least"], row["detail"])


def _rivals(found: Any) -> Iterator[str]:
    ours = found["sides"][0]
    yield from _head("on PostgreSQL", "one a call", "ours is", "in batches", "ours is")
    for side in found["sides"]:
        cells = []
        for column in ("one_a_call", "in_batches"):
            cells += [f"{side[column]:,.0f}/s", f"{ours[column] / side[column]:.1f} times"]
        yield _line(side["name"], *cells)


def _growth(found: Any) -> Iterator[str]:
    yield from _head(
        "engine", "transfers", "in a batch", "one move a call", "a balance", "a row of a statement",
        "verified",
        "whole", "peak", "bytes each",
    )  # fmt: skip
    for one in found["points"]:
        peak = "" if one["verify_peak_mb"] is None else f"{one['verify_peak_mb']:.0f} MB"
        yield _line(
            one["engine"], f"{one['transfers']:,}",
            *(f"{one[column]:,.0f} µs" for column in
              ("batch_us", "move_us", "balance_us", "statement_us", "verify_us")),
            f"{one['verify_seconds']:.1f} s", peak, f"{one['bytes_each']:,.0f}",
        )  # fmt: skip
    about = found["environment"]
    yield ""
    machine = f"{about['processor']}, {about['cores']} cores, {about['system']}"
    yield f"({machine}, Python {about['python']}; {about['disk']}.)"


def _head(*names: str) -> Iterator[str]:
    yield _line(*names)
    yield "|" + "---|" * len(names)


def _line(*cells: object) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"


if __name__ == "__main__":
    sys.exit(main())
