"""Reading the values of a signed receipt: each has one type and one range, anything else is refused."""

from __future__ import annotations

from datetime import date, datetime

from ecny_tax.clock import from_micros
from ecny_tax.errors import VerificationError
from ecny_tax.money import MAX_AMOUNT

_EARLIEST, _LATEST = 315_532_800_000_000, 7_258_118_400_000_000  # 1980 to 2200
_MAX_TEXT = 1_024


def malformed(field: str) -> VerificationError:
    return VerificationError("receipt_malformed", field=field)


def array(
    value: object, field: str, count: int | None = None, *, least: int = 0, most: int = 64
) -> list[object]:
    """A list of ``count`` items, or of some within bounds."""
    if not isinstance(value, list):
        raise malformed(field)
    if len(value) != count if count is not None else not least <= len(value) <= most:
        raise malformed(field)
    return value


def text(value: object, field: str) -> str:
    """A text that is not longer than any that is written here."""
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        raise malformed(field)
    return value


def number(value: object, field: str, least: int = 0, most: int = MAX_AMOUNT) -> int:
    """A whole number within bounds; true and false are none."""
    if type(value) is not int or not least <= value <= most:
        raise malformed(field)
    return value


def moment_of(value: object, field: str) -> datetime:
    """A time in microseconds since 1970, UTC."""
    return from_micros(number(value, field, _EARLIEST, _LATEST))


def day_of(value: object, field: str) -> date:
    """A day as a number of eight digits, such as 20230420."""
    found = number(value, field, 19800101, 22001231)
    try:
        return date(found // 10_000, found // 100 % 100, found % 100)
    except ValueError:
        raise malformed(field) from None


def day_number(day: date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day


def institution(code: str, name: str, name_en: str) -> list[object]:
    """A code with its names; an English one that is the Chinese one is not repeated."""
    return [code, *names(name, name_en)]


def names(name: str, name_en: str) -> list[object]:
    """A name in Chinese and English; None for an English one that is the same."""
    return [name, None if name == name_en else name_en]


def institution_of(value: object, field: str) -> tuple[str, str, str]:
    """What :func:`institution` has written."""
    code, *named = array(value, field, 3)
    return (text(code, field), *names_of(named, field))


def names_of(value: object, field: str) -> tuple[str, str]:
    """What :func:`names` has written."""
    name, name_en = array(value, field, 2)
    found = text(name, field)
    return found, found if name_en is None else text(name_en, field)
