"""Rule files of a user's own: read, checked, and laid over those of the package.

A file bears the name of one of the package's (``stamp_duty.toml``) and holds any of its tables.  A figure in
it replaces the one that speaks of the same thing from the same day on; any other is added.  So a change of
law is one figure: on the day before it begins, the package's figure of the same thing ends.
"""

from __future__ import annotations

import os
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from ecny_tax.errors import InvalidInputError
from ecny_tax.rulebook.book import NAMES, Rulebook, package_document
from ecny_tax.rulebook.figures import Row

MAX_BYTES = 1024 * 1024


def rulebook_with(path: str | Path) -> Rulebook:
    """The package's rules with those of a file, or of every ``.toml`` file of a folder, over them.

    Raises ``InvalidInputError``: ``rule_file_unreadable``, ``rule_file_unknown`` (its name is none of the
    package's) and ``rule_file_malformed``, which names file, table and key.
    """
    path = Path(path)
    try:
        found = sorted(path.glob("*.toml")) if path.is_dir() else [path]
    except (OSError, ValueError) as error:  # a name that no file can have
        raise InvalidInputError("rule_file_unreadable", path=path, reason=error) from None
    if not found:
        raise InvalidInputError("rule_file_unreadable", path=path, reason="there is no .toml file in it")
    documents = {}
    for file in found:
        if not os.path.lexists(file):
            raise InvalidInputError(
                "rule_file_unreadable", path=file, reason="there is no such file or folder"
            )
        if file.suffix != ".toml" or file.stem not in NAMES:
            known = " ".join(f"{name}.toml" for name in NAMES)
            raise InvalidInputError("rule_file_unknown", path=file, known=known)
        documents[file.stem] = _checked(file, _laid_over(file.stem, _read(file)))
    return Rulebook(documents)


def _read(file: Path) -> Row:
    import tomllib

    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise InvalidInputError("rule_file_unreadable", path=file, reason=f"above {MAX_BYTES} bytes")
        return tomllib.loads(data.decode("utf-8"))
    except OSError as error:
        raise InvalidInputError("rule_file_unreadable", path=file, reason=error.strerror or "") from None
    except (ValueError, RecursionError) as error:  # not UTF-8, or not TOML
        raise InvalidInputError("rule_file_unreadable", path=file, reason=str(error)) from None


def _laid_over(name: str, own: Row) -> Row:
    """The package's document with the user's rows in it."""
    merged = dict(package_document(name))
    for table, rows in own.items():
        theirs = merged.get(table)
        if not isinstance(rows, list) or not isinstance(theirs, list):
            merged[table] = rows
            continue
        replaced = {_thing_and_day(row) for row in rows if isinstance(row, dict)}
        kept = [row for row in theirs if _thing_and_day(row) not in replaced]
        merged[table] = [_ended(row, rows) for row in kept] + rows
    return merged


def _ended(row: Row, own: list[Any]) -> Row:
    """A row of the package, ended where a row of the user's own follows on it."""
    from ecny_tax.rulebook.forms import identity

    first, last = row.get("effective_from"), row.get("effective_to")
    for new in own:
        if isinstance(new, dict) and repr(identity(new)) == repr(identity(row)):
            begins = new.get("effective_from")
            if (
                type(begins) is date
                and first is not None
                and first < begins
                and (last is None or begins <= last)
            ):
                last = begins - timedelta(days=1)
    return row if last == row.get("effective_to") else {**row, "effective_to": last}


def _thing_and_day(row: Row) -> str:
    from ecny_tax.rulebook.forms import identity

    return repr((identity(row), row.get("effective_from")))


def _checked(file: Path, document: Row) -> Row:
    """The document, if it has the form of its file."""
    from pydantic import ValidationError

    from ecny_tax.rulebook.schema import FILES

    try:
        FILES[file.stem].model_validate(document)
    except ValidationError as errors:
        first = errors.errors()[0]
        told = first.get("ctx", {}) if first["type"] == "rule_file" else {}  # see ``forms.fault``
        place = told.get("place") or _where(document, first["loc"])
        reason = told.get("reason") or first["msg"].removeprefix("Value error, ")
        raise InvalidInputError("rule_file_malformed", path=file, place=place, reason=reason) from None
    return document


def _where(document: Row, location: tuple[str | int, ...]) -> str:
    """The place of an error, as a reader finds it: table, what the figure speaks of, key."""
    from ecny_tax.rulebook.forms import NAMING

    if not location:
        return "–"
    table, *rest = location
    words = [str(table)]
    rows = document.get(str(table))
    if rest and isinstance(rest[0], int) and isinstance(rows, list):
        row = rows[rest[0]]
        if isinstance(row, dict):
            named = [str(row[key]) for key in (*NAMING, "effective_from") if key in row]
            words += named or [f"row {rest[0] + 1}"]
        rest = rest[1:]
    return " / ".join([*words, *map(str, rest)])
