"""Records as JSON documents: amounts in yuan as text, times in RFC 3339, nothing that is internal."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import cache
from typing import get_type_hints

from ecny_tax.clock import rfc3339
from ecny_tax.money import Fen, yuan_text

Document = dict[str, object]


def document(record: object) -> Document:
    """A frozen record as a JSON object: amounts in yuan as text, times in RFC 3339, no internal fields."""
    if isinstance(record, Mapping):
        return plain(record)
    kind: type = type(record)
    amounts = _amount_fields(kind)
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


@cache
def _amount_fields(kind: type) -> frozenset[str]:
    """The fields that are declared as fen, one or several."""
    amounts = (Fen, Fen | None, tuple[Fen, ...])
    return frozenset(name for name, hint in get_type_hints(kind).items() if hint in amounts)
