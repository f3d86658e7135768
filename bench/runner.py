"""What the rows share: how they are registered, run, shown and written, and how times are compared.

A row is one function with the decorator ``benchmark``.  It returns a ratio, defined so that more is better,
and a sentence that says what was measured, with absolute figures.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

#: Where databases are made: on the project's own disk, since many a /tmp is memory, and costs no sync.
BUILD = Path(__file__).parents[1] / "build"


@dataclass(frozen=True, slots=True)
class Setting:
    """What a row may use: an empty folder, and whether to be quick instead of exact; and its engine."""

    folder: Path
    quick: bool
    engine: str

    def size(self, exact: int, quick: int) -> int:
        return quick if self.quick else exact


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the result."""

    name: str
    engine: str
    ratio: float
    at_least: float
    ok: bool
    detail: str


Benchmark = Callable[[Setting], tuple[float, str]]
_registered: dict[str, tuple[str, float, Benchmark]] = {}


def benchmark(name: str, *, engine: str, at_least: float) -> Callable[[Benchmark], Benchmark]:
    """Register a function as the row ``name``."""

    def register(function: Benchmark) -> Benchmark:
        _registered[name] = (engine, at_least, function)
        return function

    return register


def names() -> list[str]:
    return list(_registered)


def measure(*, only: str | None = None, quick: bool = False) -> list[Row]:
    """Run the rows, one after the other."""
    BUILD.mkdir(exist_ok=True)
    rows = []
    for name, (engine, at_least, function) in _registered.items():
        if only in (None, name):
            with tempfile.TemporaryDirectory(prefix="bench-", dir=BUILD) as folder:
                ratio, detail = function(Setting(Path(folder), quick, engine))
            rows.append(Row(name, engine, round(ratio, 3), at_least, round(ratio, 3) >= at_least, detail))
    return rows


def compare(rounds: int, ours: Callable[[], float], plain: Callable[[], float]) -> tuple[float, float]:
    """The median seconds that both sides return, measured in turn, so that a busy moment meets both."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        times[0].append(ours())
        times[1].append(plain())
    return median(times[0]), median(times[1])


@contextmanager
def stopwatch(clock: Callable[[], float] = time.perf_counter) -> Iterator[list[float]]:
    """Put the seconds that the block takes into the list that it is given."""
    taken: list[float] = []
    start = clock()
    yield taken
    taken.append(clock() - start)


def write(rows: Sequence[Row], path: Path) -> None:
    text = json.dumps({"rows": [asdict(row) for row in rows]}, ensure_ascii=False, indent=2)
    path.write_text(text + "\n", encoding="utf-8")


def show(rows: Sequence[Row], *, judged: bool) -> None:
    """Print the rows; small sizes are not judged."""
    from rich.console import Console
    from rich.table import Table

    table = Table("row", "engine", "ratio", "at least", "", "what was measured")
    for row in rows:
        verdict = ("[green]ok[/]" if row.ok else "[red]misses[/]") if judged else ""
        table.add_row(row.name, row.engine, f"{row.ratio:.2f}", f"{row.at_least:.2f}", verdict, row.detail)
    Console(width=None if os.isatty(1) else 160).print(table)
