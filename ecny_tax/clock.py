"""Time: aware datetimes in Beijing time, and the two clocks a simulation can follow.

Nothing inside a rule asks for the time; every operation reads a clock once and passes ``now`` on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Protocol

from ecny_tax.errors import InvalidInputError

#: China Standard Time.  A fixed offset: the years this project covers know no summer time.
BEIJING = timezone(timedelta(hours=8))

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC).astimezone(BEIJING)
_EARLIEST, _LATEST = 1980, 2200
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_OFFSET = r"(?:[Zz]|[+-][0-9]{2}:[0-9]{2})?"
_TIME = re.compile(
    rf"{_DATE.pattern}(?:[Tt ][0-9]{{2}}:[0-9]{{2}}(?::[0-9]{{2}}(?:\.[0-9]{{1,6}})?)?{_OFFSET})?"
)


class Clock(Protocol):
    """Anything that tells the time as an aware datetime."""

    def now(self) -> datetime: ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        return datetime.now(BEIJING)


@dataclass(slots=True)
class FixedClock:
    """A clock that stands still until it is moved by hand."""

    at: datetime

    def now(self) -> datetime:
        return self.at

    def advance(self, step: timedelta) -> datetime:
        """Move on by ``step`` and return the new time."""
        try:
            self.at = within_range(self.at + step)
        except OverflowError:
            raise InvalidInputError("time_malformed", value=step) from None
        return self.at


def parse_time(text: str) -> datetime:
    """Read RFC 3339, or a date, which means 10:00 Beijing time; a time without offset is Beijing time.

    Raises ``InvalidInputError`` (``time_malformed``).
    """
    if not _TIME.fullmatch(text):
        raise InvalidInputError("time_malformed", value=text)
    try:
        if len(text) == len("2023-04-20"):
            return within_range(datetime.combine(date.fromisoformat(text), time(10), BEIJING))
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInputError("time_malformed", value=text) from None
    return within_range(moment if moment.tzinfo else moment.replace(tzinfo=BEIJING))


def parse_start(text: str) -> datetime:
    """Like :func:`parse_time`, but a date means the beginning of that day, in Beijing."""
    if _DATE.fullmatch(text):
        return day_begins(parse_date(text))
    return parse_time(text)


def parse_end(text: str) -> datetime:
    """Like :func:`parse_time`, but a date means the end of that day, in Beijing."""
    if _DATE.fullmatch(text):
        return day_ends(parse_date(text))
    return parse_time(text)


def day_begins(day: date) -> datetime:
    """The first moment of a day, in Beijing."""
    return datetime.combine(day, time.min, BEIJING)


def day_ends(day: date) -> datetime:
    """The last moment of a day, in Beijing."""
    return datetime.combine(day, time.max, BEIJING)


def parse_date(text: str) -> date:
    """Read an ISO date such as ``2023-04-20``; raises ``InvalidInputError`` (``date_malformed``)."""
    if not _DATE.fullmatch(text):
        raise InvalidInputError("date_malformed", value=text)
    try:
        return checked_day(date.fromisoformat(text))
    except ValueError:
        raise InvalidInputError("date_malformed", value=text) from None


def checked_day(day: object) -> date:
    """A date between the years accepted here; raises ``InvalidInputError`` (``date_malformed``).

    A ``datetime`` is refused, though Python takes it for a date: which day it means goes by its zone.
    """
    if type(day) is not date or not _EARLIEST <= day.year <= _LATEST:
        raise InvalidInputError("date_malformed", value=day)
    return day


def within_range(moment: datetime) -> datetime:
    """An aware ``moment`` in Beijing time, when its year is one that is accepted here (1980 to 2200)."""
    if moment.tzinfo is None:
        raise InvalidInputError("time_malformed", value=moment.isoformat())
    try:
        local = moment.astimezone(BEIJING)
    except (OverflowError, ValueError):
        raise InvalidInputError("time_malformed", value=moment) from None
    if not _EARLIEST <= local.year <= _LATEST:
        raise InvalidInputError("time_malformed", value=moment.isoformat())
    return local


def micros(moment: datetime) -> int:
    """Microseconds since 1970-01-01T00:00:00Z: how times are stored."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def from_micros(count: int) -> datetime:
    """The Beijing time of a stored number of microseconds."""
    return _EPOCH + timedelta(microseconds=count)


def rfc3339(moment: datetime) -> str:
    """``2023-04-20T10:00:00+08:00``."""
    return moment.astimezone(BEIJING).isoformat()
