"""Answers as JSON documents or as tables."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import get_type_hints

from ecny_tax.clock import rfc3339
from ecny_tax.errors import Language
from ecny_tax.money import Fen, yuan_text

Document = dict[str, object]


def document(record: object) -> Document:
    """A frozen record as a JSON object: amounts in yuan as text, times in RFC 3339, no internal fields."""
    if isinstance(record, Mapping):
        return plain(record)
    amounts = _amount_fields(type(record))
    found: Document = {}
    for field in dataclasses.fields(record):  # type: ignore[arg-type]
        if field.metadata.get("internal"):
            continue
        value = getattr(record, field.name)
        found[field.name] = _yuan_value(value) if field.name in amounts else _plain_value(value)
    return found


def plain(values: Mapping[str, object]) -> Document:
    """A mapping with every value in its JSON form; amounts must be text already."""
    return {key: _plain_value(value) for key, value in values.items()}


def _plain_value(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Fraction):
        return _decimal(value)
    if dataclasses.is_dataclass(value):
        return document(value)
    if isinstance(value, Mapping):
        return plain(value)
    if isinstance(value, list | tuple):
        return [_plain_value(item) for item in value]
    return value


def _yuan_value(value: object) -> object:
    """Fen as text in yuan, also each of several."""
    if isinstance(value, tuple):
        return [_yuan_value(one) for one in value]
    return yuan_text(value) if isinstance(value, int) else value


def _decimal(value: Fraction) -> str:
    """A rate as the rulebook writes it, in decimals; a fraction where these would not end."""
    text = f"{Decimal(value.numerator) / value.denominator:f}"
    return text if Fraction(text) == value else str(value)


def _amount_fields(kind: type) -> frozenset[str]:
    """The fields that are declared as fen, one or several."""
    amounts = (Fen, Fen | None, tuple[Fen, ...])
    return frozenset(name for name, hint in get_type_hints(kind).items() if hint in amounts)


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
