"""What every computation of income tax asks of its input: whole fen, whole numbers, a year with rules."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from ecny_tax.errors import EcnyTaxError, InvalidInputError
from ecny_tax.money import MAX_AMOUNT, yuan_text
from ecny_tax.rulebook import IncomeTaxRules, Rulebook

#: The years of the law in force since 2019; before that there was no comprehensive income.
FIRST_YEAR, LAST_YEAR = 2019, 2100

AMOUNTS_ACCEPTED = '"17000.00" | 17000'
SHARES_ACCEPTED = '"1" | "0.5"'

_WRITABLE = 10**30  # Python refuses to write out a number of thousands of digits


def malformed(key: str, value: object, accepted: str) -> InvalidInputError:
    """The refusal (``input_value_malformed``) of the value of ``key``, saying what would be accepted."""
    try:
        text = value if isinstance(value, str) else repr(value)
    except ValueError:
        text = "a number that is too long"
    return InvalidInputError("input_value_malformed", key=key, value=text, accepted=accepted)


@contextmanager
def placed(place: str) -> Iterator[None]:
    """Let a refusal that names a key say where that stands: ``share`` as ``claims[1].share``."""
    try:
        yield
    except EcnyTaxError as error:
        if "key" not in error.values:
            raise
        values = error.values | {"key": f"{place}.{error.values['key']}"}
        raise type(error)(error.code, **values) from None


def check_amount(key: str, amount: object) -> None:
    """Refuse what is not a whole number of fen from 0 to ``MAX_AMOUNT``."""
    if not isinstance(amount, int) or isinstance(amount, bool):
        raise malformed(key, amount, AMOUNTS_ACCEPTED)
    if not 0 <= amount <= MAX_AMOUNT:
        text = yuan_text(amount) if abs(amount) < _WRITABLE else "a number that is too long"
        raise malformed(key, text, AMOUNTS_ACCEPTED)


def check_number(key: str, value: object, least: int, most: int) -> None:
    """Refuse what is not a whole number from ``least`` to ``most``."""
    if type(value) is not int or not least <= value <= most:
        shown = f'"{value}"' if isinstance(value, str) else value  # text that looks like a number is none
        raise malformed(key, shown, f"{least} … {most}" if least < most else f"{least}")


def check_flag(key: str, value: object) -> None:
    """Refuse what is neither true nor false."""
    if not isinstance(value, bool):
        raise malformed(key, value, "true | false")


def check_year(tax_year: object) -> None:
    """Refuse a tax year without comprehensive income, or beyond what is computed."""
    check_number("tax_year", tax_year, FIRST_YEAR, LAST_YEAR)


def rules_of(book: Rulebook, tax_year: int) -> IncomeTaxRules:
    """The rules of a tax year: those in force on its last day."""
    check_year(tax_year)
    return book.on(date(tax_year, 12, 31)).income_tax
