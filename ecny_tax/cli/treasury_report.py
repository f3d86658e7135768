"""A treasury's report on a terminal: a table with bars, or CSV."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping

from ecny_tax.cli.words import label, value_word
from ecny_tax.errors import Language
from ecny_tax.treasury.drawing import AMOUNTS, as_csv, shown_name
from ecny_tax.treasury.model import By, Report, ReportLine

_BAR_WIDTH = 24
#: What a label is of: some words mean something else elsewhere.
_RECORD = {"collected": ""}
#: What the bars of a terminal are made of.
_MARKS = {"collected": "█", "waiting": "░", "refunded": "▒"}


def print_csv(found: Report, language: Language) -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(newline="")  # the lines bring their own ends
    sys.stdout.write(as_csv(found, language))


def print_table(found: Report, shown: Mapping[str, object], language: Language) -> None:
    """What the report is about, its lines with bars, and what the bars mean."""
    from rich.table import Table
    from rich.text import Text

    from ecny_tax.cli import tables
    from ecny_tax.documents import document

    about = {key: value for key, value in shown.items() if key not in ("lines", "assumption")}
    tables.print_record(about, language)
    tables.show("")
    if not found.lines:
        tables.print_records("lines", (), (), language)
    else:
        table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
        dated = found.by in (By.DAY, By.MONTH)
        table.add_column(label(found.by, language, None, _RECORD), no_wrap=True)
        for key in AMOUNTS:
            table.add_column(label(key, language, None, _RECORD), justify="right", no_wrap=True)
        if dated:
            table.add_column(label("status", language), no_wrap=True)
        table.add_column("", no_wrap=True)
        longest = max(max(1, sum(getattr(line, key) for key in _MARKS)) for line in found.lines)
        for line in found.lines:
            row = document(line)
            cells = [tables.shown(row[key], language, key, row) for key in AMOUNTS]
            if dated:
                status = value_word("status", str(row["status"]), language, row)
                cells.append(Text(status.replace("_", " ")))
            table.add_row(Text(shown_name(found.by, line, language)), *cells, Text(_bar(line, longest)))
        tables.show(table)
        legend = "  ".join(f"{mark} {label(key, language, None, _RECORD)}" for key, mark in _MARKS.items())
        tables.show(Text(legend, style="dim"))
    tables.show(Text(str(shown["assumption"])))


def _bar(line: ReportLine, longest: int) -> str:
    """The amounts of a line, one after the other; what is there has at least one mark."""
    amounts = {key: getattr(line, key) for key in _MARKS}
    return "".join(
        _MARKS[key] * max(1, (2 * amount * _BAR_WIDTH + longest) // (2 * longest))
        for key, amount in amounts.items()
        if amount
    )
