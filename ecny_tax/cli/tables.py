"""Tables on the terminal.  What comes from users is shown as text, never obeyed as markup or control."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ecny_tax.cli.words import label, value_word
from ecny_tax.errors import Language

_AMOUNTS = {
    "amount",
    "balance",
    "balance_after",
    "fee",
    "base",
    "debits",
    "credits",
    "refunded",
    "set_off",
    "tax",
}

_PIPE_WIDTH = 320
#: Between groups of three digits before the decimal point.
_GROUPS = re.compile(r"(?<=[0-9])(?=(?:[0-9]{3})+\.)")


def console() -> Console:
    """A console that honours NO_COLOR and guesses nothing; a pipe gets lines as long as they need to be."""
    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    return Console(highlight=False, markup=False, emoji=False, soft_wrap=True, width=width)


def print_record(found: Mapping[str, object], language: Language) -> None:
    """The fields of one record, one under the other; nested lists as tables below."""
    grid = Table.grid(padding=(0, 2))
    nested = []
    for key, value in found.items():
        if value is None or value == "":
            continue
        if isinstance(value, list) and value and isinstance(value[0], dict):
            nested.append((key, value))
            continue
        grid.add_row(Text(label(key, language), style="dim"), shown(key, value, language))
    out = console()
    out.print(grid)
    for key, value in nested:
        out.print()
        print_records(key, value, (), language)


def print_records(
    name: str, found: Sequence[Mapping[str, object]], columns: Sequence[str], language: Language
) -> None:
    """A table of records; by default with a column for every field that any of them fills."""
    if not found:
        console().print(Text(f"{label(name, language)}: 0", style="dim"))
        return
    chosen = columns or [key for key in found[0] if any(row.get(key) not in (None, "") for row in found)]
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for key in chosen:
        table.add_column(
            label(key, language), justify="right" if key in _AMOUNTS else "left", overflow="fold"
        )
    for row in found:
        table.add_row(*(shown(key, row.get(key), language) for key in chosen))
    console().print(table)


def shown(key: str, value: object, language: Language) -> Text:
    """A value for a human: amounts grouped, closed lists in words, control characters spelled out."""
    if value is None:
        return Text("")
    if isinstance(value, bool):
        value = {"en": ("no", "yes"), "zh": ("否", "是")}[language][value]
    if key in _AMOUNTS and isinstance(value, str) and value:
        return Text(_GROUPS.sub(",", value))
    text = value_word(str(value), language)
    return Text("".join(char if char.isprintable() else repr(char)[1:-1] for char in text))
