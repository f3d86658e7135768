"""Every figure of a rulebook that is in force on a day, listed from the rule files whatever they are about.

It reads the files as TOML gives them, so a new table, or a user's own rows, need nothing here; only of a new
key must be known whether it is an amount.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from ecny_tax.money import yuan, yuan_text
from ecny_tax.rulebook.book import NAMES, Rulebook
from ecny_tax.rulebook.figures import Row

#: The keys that say what a figure speaks of, which set it apart from the others of its table.
_NAMING = ("wallet_class", "code", "side", "case", "place", "treasury")
#: What every figure carries, and what is no value of it.
_ABOUT = (
    *_NAMING, "name_zh", "name_en", "effective_from", "effective_to", "citation", "evidence", "note",
    "assumed", "after_lapse",
)  # fmt: skip
#: The values that are amounts in yuan (or ``unlimited``), which the files may write without decimals.
AMOUNTS = frozenset(
    (
        "amount", "threshold", "cap", "minimum", "each", "exempt_below", "up_to", "quick_deduction", "gross",
        "balance", "small", "flat", "deduction", "single", "day", "year", "cap_single",
        "cap_total", "operator_reserve", "own_funds", "revenue",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FigureInForce:
    """A figure: the rule ``file`` and ``table`` it stands in, what it speaks of, and its ``values`` as text.

    ``code`` and the names are empty where a table is about one thing.  The days in force are both included;
    ``effective_from`` is ``None`` for what has no date, such as the days of the calendar.  ``assumed`` names
    the values that ``evidence`` does not speak for.
    """

    file: str
    table: str
    code: str
    name_zh: str
    name_en: str
    values: Mapping[str, str]
    effective_from: date | None
    effective_to: date | None
    citation: str
    evidence: str
    assumed: tuple[str, ...]
    note: str | None


def figures(book: Rulebook, on: date | None) -> tuple[FigureInForce, ...]:
    """Every figure in force on ``on``, or of all days, in the order of the files."""
    return tuple(
        _figure(name, table, row)
        for name in NAMES
        for table, row in _rows(book.document(name))
        if on is None or _in_force(row, on)
    )


def first_day(book: Rulebook) -> date:
    """The first day on which a rule is in force."""
    rows = (row for name in NAMES for _table, row in _rows(book.document(name)))
    days: Iterator[date] = (row["effective_from"] for row in rows if "effective_from" in row)
    return min(days)


def _rows(document: Row) -> Iterator[tuple[str, Row]]:
    for table, rows in document.items():
        for row in rows if isinstance(rows, list) else [rows]:
            yield table, row


def _in_force(row: Row, on: date) -> bool:
    since, until = row.get("effective_from"), row.get("effective_to")
    return (since is None or since <= on) and (until is None or on <= until)


def _figure(file: str, table: str, row: Row) -> FigureInForce:
    return FigureInForce(
        file=f"{file}.toml",
        table=table,
        code=" ".join(str(row[key]) for key in _NAMING if key in row),
        name_zh=row.get("name_zh", ""),
        name_en=row.get("name_en", ""),
        values={key: _text(key, value) for key, value in row.items() if key not in _ABOUT},
        effective_from=row.get("effective_from"),
        effective_to=row.get("effective_to"),
        citation=row["citation"],
        evidence=row["evidence"],
        assumed=tuple(row.get("assumed", ())),
        note=row.get("note"),
    )


def _text(key: str, value: object) -> str:
    """A value of TOML as text: amounts with two decimals, rates as they are written, lists in order."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return " ".join(f"{name} {_text(name, inner)}" for name, inner in value.items())
    if isinstance(value, list):
        separator = "; " if value and isinstance(value[0], dict) else ", "
        return separator.join(_text(key, inner) for inner in value)
    if key in AMOUNTS and isinstance(value, str) and value != "unlimited":
        return yuan_text(yuan(value))
    return str(value)
