"""The clock of a database: it follows the system until it is set by hand, and that lasts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from ecny_tax.clock import Clock, FixedClock, from_micros, parse_time, rfc3339, within_range
from ecny_tax.errors import InvalidInputError, RejectedError, Said
from ecny_tax.store.transaction import Store

#: The time at which the clock of the database stands still, in microseconds, if it does.
FIXED_TIME = "SELECT value FROM meta WHERE name = 'fixed_time'"


class SimulatedClock:
    """Reads and moves the time of a simulation.

    A clock ``given`` to the sandbox comes before the database's own: a ``FixedClock`` is moved along with
    it, any other cannot be moved (``clock_not_ours``).  No move goes back before the newest transfer
    (``clock_went_back``).
    """

    def __init__(self, store: Store, given: Clock | None = None) -> None:
        self._store = store
        self._given = given

    def now(self) -> datetime:
        """The time in force."""
        with self._store.reading() as tx:
            return tx.now

    def is_fixed(self) -> bool:
        """Whether the database's clock stands still until it is moved."""
        with self._store.reading() as tx:
            return tx.row(FIXED_TIME) is not None

    def set(self, time: datetime | str) -> datetime:
        """Fix the clock at a time (RFC 3339 or a date, where it is text); return it."""
        moment = within_range(parse_time(time) if isinstance(time, str) else time)
        return self._fix(lambda _now: moment)

    def advance(self, step: timedelta) -> datetime:
        """Fix the clock at the time in force plus ``step``; return the new time."""
        try:
            return self._fix(lambda now: within_range(now + step))
        except OverflowError:
            raise InvalidInputError("time_malformed", value=step) from None

    def follow_system(self) -> datetime:
        """Let the clock follow the system again; return the time then in force."""
        self._store.fix_time(lambda _now: None)
        return self.now()

    def _fix(self, choose: Callable[[datetime], datetime]) -> datetime:
        """Fix the clock at the time that is chosen from the time in force, in one transaction."""
        if self._given is not None and not isinstance(self._given, FixedClock):
            raise RejectedError("clock_not_ours")
        moment = self._store.fix_time(choose)
        assert moment is not None  # noqa: S101 - a time was chosen
        if self._given is not None:
            self._given.at = moment
        return moment


def check_not_before(newest: int, at: int) -> None:
    """Time goes on: nothing is posted before the newest transfer (both in microseconds)."""
    if at < newest:
        raise RejectedError(
            "clock_went_back",
            now=rfc3339(from_micros(at)),
            newest=rfc3339(from_micros(newest)),
            what=Said("the newest transfer", "最新一笔转账"),
        )
