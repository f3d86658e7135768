"""Tables on the terminal.  What comes from users is shown as text, never obeyed as markup or control."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from ecny_tax.cli.words import label, value_word
from ecny_tax.errors import Language

_PIPE_WIDTH = 320
#: Sentences longer than this are wrapped in a table, down to this width.
_PROSE_WIDTH = 28
_AMOUNT = re.compile(r"-?[0-9]+\.[0-9]{2}")
#: Microseconds, which nobody reads in a table.
_FRACTION = re.compile(r"^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\.\d+(?=\+08:00$)")
#: Between groups of three digits before the decimal point.
_GROUPS = re.compile(r"(?<=[0-9])(?=(?:[0-9]{3})+\.)")


def show(renderable: RenderableType) -> None:
    """Print to stdout; honours NO_COLOR.  A pipe gets lines as long as they need to be, unpadded."""
    console = _console()
    if sys.stdout.isatty():
        console.print(renderable)
        return
    with console.capture() as captured:
        console.print(renderable)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def _console() -> Console:
    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    return Console(highlight=False, markup=False, emoji=False, width=width)


def print_record(found: Mapping[str, object], language: Language, heading: str = "") -> None:
    """The fields of one record, one under the other.

    Below them stand its nested records: several as a table, a single one under a heading that names it and
    what it is a part of.
    """
    grid = Table.grid(padding=(0, 2))
    grid.add_column()
    grid.add_column(overflow="fold")
    nested: list[tuple[str, list[Mapping[str, object]] | Mapping[str, object]]] = []
    for key in _fields_for(found, language):
        value = found[key]
        if isinstance(value, dict) or (isinstance(value, list) and value and isinstance(value[0], dict)):
            nested.append((key, value))
        elif value not in (None, "", []):
            name = label(key, language, value, found)
            grid.add_row(Text(name, style="dim"), shown(value, language, key, found))
    show(grid)
    for key, inner in nested:
        show("")
        if isinstance(inner, list):
            print_records(key, inner, (), language)
            continue
        part = " · ".join(filter(None, (heading, label(key, language, inner, found))))
        show(Text(part, style="bold"))
        print_record(inner, language, part)


def print_records(
    name: str, found: Sequence[Mapping[str, object]], columns: Sequence[str], language: Language
) -> None:
    """A table of records; by default with a column for every field that any of them fills."""
    if not found:
        show(Text(f"{label(name, language)}: 0", style="dim"))
        return
    filled = [
        key
        for key in _fields_for(found[0], language)
        if any(row.get(key) not in (None, "", []) for row in found)
    ]
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for key in columns or filled:
        amounts = all(_AMOUNT.fullmatch(str(row.get(key) or "0.00")) for row in found)
        is_prose = any(_is_prose(shown(row.get(key), language, key, row)) for row in found)
        table.add_column(
            label(key, language, found[0].get(key), found[0]),
            justify="right" if amounts else "left",
            no_wrap=not is_prose,
            min_width=_PROSE_WIDTH if is_prose else None,
        )
    for row in found:
        table.add_row(*(shown(row.get(key), language, key, row) for key in columns or filled))
    console = _console()
    if console.measure(table, options=console.options.update(width=10_000)).minimum <= console.width:
        show(table)
        return
    for row in found:  # too wide: one record after the other, so that no number is broken in two
        print_record({key: row.get(key) for key in columns or filled}, language)
        show("")


def _is_prose(cell: Text) -> bool:
    """Whether a cell is a sentence, which may go on in the next line; a number never does."""
    return cell.cell_len > _PROSE_WIDTH and (" " in cell.plain or not cell.plain.isascii())


def shown(
    value: object, language: Language, key: str = "", record: Mapping[str, object] | None = None
) -> Text:
    """A value for a human: amounts grouped, closed lists in words, control characters spelled out.

    ``record`` is where it stands: a load that is open is something else than a bill that is.
    """
    if value is None:
        return Text("")
    if isinstance(value, bool):
        return Text({"en": ("no", "yes"), "zh": ("否", "是")}[language][value])
    if isinstance(value, list):
        return Text(", ".join(shown(item, language, key, record).plain for item in value))
    text = _FRACTION.sub(r"\1", str(value))
    if _AMOUNT.fullmatch(text):
        return Text(_GROUPS.sub(",", text))
    return Text(
        "".join(
            char if char.isprintable() else repr(char)[1:-1]
            for char in value_word(key, text, language, record)
        )
    )


def _fields_for(found: Mapping[str, object], language: Language) -> list[str]:
    """The fields to show: of a text that is there in two languages, the reader's."""
    kept = []
    for key in found:
        stem = key.removesuffix("_zh").removesuffix("_en")
        if f"{stem}_zh" in found:
            other = f"{stem}_en" if f"{stem}_en" in found else stem
            if key != (f"{stem}_zh" if language == "zh" else other):
                continue
        kept.append(key)
    return kept
