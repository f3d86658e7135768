"""The rulebook on the terminal: a table for each table of the rule files, with its sources below it.

Citations are long and many figures share one, so a figure has the number of its source instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from rich.table import Table
from rich.text import Text

from ecny_tax.cli.tables import show, shown
from ecny_tax.cli.words import label, value_word
from ecny_tax.errors import Language

_Row = Mapping[str, Any]


def print_figures(found: Sequence[_Row], language: Language) -> None:
    """The figures of ``rulebook.listing`` as JSON documents, grouped by file and table."""
    for (file, name), group in groupby(found, key=lambda row: (row["file"], row["table"])):
        rows = list(group)
        sources = list(dict.fromkeys(_source(row, language) for row in rows))
        show(Text(f"{file}: {name}", style="bold"))
        show(_table(rows, sources, language))
        for number, source in enumerate(sources, start=1):
            show(Text(f"[{number}] {source}", style="dim"))
        show("")


def _table(rows: Sequence[_Row], sources: Sequence[str], language: Language) -> Table:
    """Codes and days are never broken in two; what a table is about, and its values, wrap beside them."""
    columns = ["code"] if any(row["code"] for row in rows) else []
    columns += ["values", "effective_from", "source"]
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(label(column, language), overflow="fold", no_wrap=column != "values")
    for row in rows:
        cells = {
            "code": row["code"],
            "values": _values(row, language),
            "effective_from": row["effective_from"],
            "source": f"[{sources.index(_source(row, language)) + 1}]",
        }
        table.add_row(*(shown(cells[column], language) for column in columns))
    return table


def _values(row: _Row, language: Language) -> str:
    """Name, values and last day; of a text that is there in two languages, the reader's."""
    other = "_en" if language == "zh" else "_zh"
    texts = [row[f"name_{language}"]]
    for key, value in row["values"].items():
        if value and not key.endswith(other):
            name = key.removesuffix(f"_{language}")
            said = value_word(name, value, language)
            texts.append(said if name == "text" else f"{label(name, language)} {said}")
    if row["effective_to"]:
        texts.append(f"{label('effective_to', language)} {row['effective_to']}")
    return ("，" if language == "zh" else ", ").join(filter(None, texts))


def _source(row: _Row, language: Language) -> str:
    """Citation, evidence mark, what that does not speak for, and the note."""
    text = f"{shown(row['citation'], language)} ({shown(row['evidence'], language, 'evidence')})"
    if row["assumed"]:
        assumed = ", ".join(label(key, language) for key in row["assumed"])
        text += f"; {label('assumed', language)}: {assumed}"
    return f"{text}; {shown(row['note'], language)}" if row["note"] else text
