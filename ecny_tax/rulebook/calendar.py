"""What ``calendar.toml`` says: which days are not working days, so that a deadline on them moves on."""

from __future__ import annotations

from datetime import date, timedelta

from ecny_tax.rulebook.figures import Row

_SATURDAY = 5
_DAY = timedelta(days=1)


class Calendar:
    """Weekends, but for the working days among them, and the public holidays that the file lists."""

    def __init__(self, document: Row) -> None:
        self.holidays = frozenset(day for row in document["holidays"] for day in row["days"])
        self.working_days = frozenset(day for row in document["working_days"] for day in row["days"])

    def is_working_day(self, day: date) -> bool:
        if day in self.working_days:
            return True
        return day.weekday() < _SATURDAY and day not in self.holidays

    def working_day_from(self, day: date) -> date:
        """The day itself where it is a working day, else the next one (税收征收管理法实施细则 art. 109)."""
        while not self.is_working_day(day):
            day += _DAY
        return day
