"""Answers as JSON documents or as tables."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence

from ecny_tax.documents import Document
from ecny_tax.errors import Language


def print_json(value: Mapping[str, object]) -> None:
    print_text(json.dumps(value, ensure_ascii=False, indent=2))


def print_text(text: str) -> None:
    sys.stdout.write(text + "\n")


def record(found: Document, as_json: bool, language: Language) -> None:
    """One record: JSON, or its fields one under the other."""
    if as_json:
        print_json(found)
        return
    from ecny_tax.cli import tables

    tables.print_record(found, language)


def records(
    name: str, found: Sequence[Document], columns: Sequence[str], as_json: bool, language: Language
) -> None:
    """Many records: JSON under a plural key, or a table, with what is assumed said once below."""
    if as_json:
        print_json({name: list(found)})
        return
    from ecny_tax.cli import tables

    tables.print_records(name, found, columns, language)
    for assumption in dict.fromkeys(str(row["assumption"]) for row in found if "assumption" in row):
        print_text(assumption)
