"""How the inputs of a worked case are read: each kind of value strictly, or refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from ecny_tax.clock import parse_date
from ecny_tax.errors import InvalidInputError
from ecny_tax.money import NOTHING, Fen, yuan
from ecny_tax.taxes import stamp_duty_documents as documents
from ecny_tax.taxes import withholding
from ecny_tax.taxes.checks import AMOUNTS_ACCEPTED, SHARES_ACCEPTED, check_flag, malformed, placed

Given = dict[str, Any]
Reader = Callable[[str, object], Any]
Readers = Mapping[str, Reader]


def not_accepted(key: str, value: object, accepted: str) -> InvalidInputError:
    """The refusal of a value (``input_value_malformed``); of a list or an object it shows no more."""
    if isinstance(value, Mapping):
        value = "{…}"
    elif not isinstance(value, str | int | float | None):
        value = "[…]"
    return malformed(key, value, accepted)


def amount(key: str, value: object) -> Fen:
    """An amount in fen."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise not_accepted(key, value, AMOUNTS_ACCEPTED)
    try:
        return yuan(value)
    except InvalidInputError:
        raise not_accepted(key, value, AMOUNTS_ACCEPTED) from None


def amount_or_less(key: str, value: object) -> Fen:
    """An amount that may come out below zero, as a loss or a refund does, and is then nothing."""
    if isinstance(value, str) and value.startswith("-"):
        amount(key, value[1:])
        return NOTHING
    if type(value) is int and value < 0:
        amount(key, -value)
        return NOTHING
    return amount(key, value)


def decimal_text(key: str, value: object) -> str:
    """A number that is no amount in yuan, as text; the function that takes it judges its form."""
    return _number_text(key, value, '"7.1" | 7')


def share(key: str, value: object) -> str:
    """A part of a deduction, as text; the function that takes it judges its form."""
    return _number_text(key, value, SHARES_ACCEPTED)


def _number_text(key: str, value: object, accepted: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise not_accepted(key, value, accepted)
    try:
        return str(value)
    except ValueError:  # Python refuses to write out a number of thousands of digits
        raise not_accepted(key, value, accepted) from None


def word(key: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise not_accepted(key, value, '"…"')
    return value


def day(key: str, value: object) -> date:
    try:
        return parse_date(value if isinstance(value, str) else "")
    except InvalidInputError:
        raise not_accepted(key, value, '"2023-04-20"') from None


def flag(key: str, value: object) -> bool:
    check_flag(key, value)
    return value is True


def side(key: str, value: object) -> object:
    if value not in ("buy", "sell"):
        raise not_accepted(key, value, '"buy" | "sell"')
    return value


def whole(key: str, value: object) -> int:
    """A whole number; the function that takes it judges its range."""
    if type(value) is not int:
        raise not_accepted(key, value, "0, 1, 2, …")
    return value


def rows(key: str, value: object, needs: Readers, may: Readers) -> list[Given]:
    """A list of objects with the keys that are asked for and no others, each value read."""
    known = {**needs, **may}
    accepted = f"[{{{', '.join(known)}}}, …]"
    if not isinstance(value, list | tuple):
        raise not_accepted(key, value, accepted)
    found = []
    for place, row in enumerate(value):
        if not isinstance(row, Mapping) or not needs.keys() <= row.keys() <= known.keys():
            raise not_accepted(f"{key}[{place}]", row, accepted)
        found.append({name: known[name](f"{key}[{place}].{name}", given) for name, given in row.items()})
    return found


def item_amounts(key: str, value: object) -> list[documents.ItemAmount]:
    return [documents.ItemAmount(**row) for row in rows(key, value, {"item": word, "amount": amount}, {})]


def wage_months(key: str, value: object) -> list[withholding.WageMonth]:
    found = rows(key, value, {"month": whole, "wage": amount}, {"social": amount, "sad": amount})
    months = []
    for place, row in enumerate(found):
        with placed(f"{key}[{place}]"):
            months.append(withholding.WageMonth(**row))
    return months
