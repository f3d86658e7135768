"""Interest on wallets (钱包利息), decided from values alone: periods, and what balances earn.

What a wallet holds at the end of a day of Beijing earns a day's interest (积数计息).  It is all reckoned in
whole numbers over one denominator, and rounded half up to the fen once for each wallet and period; what
rounding leaves is not carried into the next one.  Rule: ``scheme.toml``, regimes and interest rates.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from itertools import accumulate
from math import lcm

from ecny_tax.errors import RejectedError
from ecny_tax.money import Fen, yuan_text
from ecny_tax.rulebook.scheme import Regime, Scheme
from ecny_tax.wallets.model import WalletKind

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """The days from ``first`` to ``last``, both included, for which interest is credited at once."""

    first: date
    last: date
    regime: Regime

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def credit_day(self) -> date:
        """From when on it is credited: the day after the last (结息日的次日)."""
        return self.last + _DAY

    def until(self, day: date) -> Period:
        """What of it has passed when ``day`` is the last one."""
        return Period(self.first, min(self.last, day), self.regime)


@dataclass(frozen=True, slots=True)
class Tariff:
    """What a fen earns that is held from a day of a period on to its last: ``from_day[day] / over`` fen.

    Days are counted from 0, the first; ``from_day`` has one place more, where nothing is earned any more.
    """

    period: Period
    from_day: tuple[int, ...]
    over: int

    @property
    def days(self) -> int:
        return len(self.from_day) - 1


@dataclass(slots=True)
class Accrual:
    """What a balance earns in a period: it begins with the ``balance`` of now and goes back in time.

    ``start`` is the first day that earns, counted from 0.  ``product_sum`` is in fen times days.
    """

    balance: int
    start: int
    product_sum: int = 0
    earned: int = 0

    def add(self, tariff: Tariff, day: int, amount: int) -> None:
        """A change of the balance on a day; also those after the period, so that its opening is known."""
        self.balance -= amount
        self._hold(tariff, max(day, self.start), amount)

    def close(self, tariff: Tariff) -> None:
        """When every change since the first day was added, what is left was there before it."""
        self._hold(tariff, self.start, self.balance)

    def _hold(self, tariff: Tariff, day: int, amount: int) -> None:
        if day < tariff.days:
            self.earned += amount * tariff.from_day[day]
            self.product_sum += amount * (tariff.days - day)

    def amount(self, tariff: Tariff) -> Fen:
        """In fen, half up."""
        return Fen((2 * self.earned + tariff.over) // (2 * tariff.over))


@dataclass(frozen=True, slots=True)
class PeriodInterest:
    """What an operator paid its wallets for a period; ``amount`` in fen, to so many ``wallets``."""

    operator: str
    period_end: date
    wallets: int
    amount: Fen


@dataclass(frozen=True, slots=True)
class ShortOperator:
    """An operator that credited nothing, since its own funds do not suffice for all that is due."""

    operator: str
    code: str
    needed: Fen
    own_funds: Fen


@dataclass(frozen=True, slots=True)
class InterestCredit:
    """What a run of crediting interest (结息) did: ``amount`` in fen altogether, and when more falls due."""

    at: datetime
    amount: Fen
    periods: tuple[PeriodInterest, ...]
    refused: tuple[ShortOperator, ...]
    next_credit: date | None


@dataclass(frozen=True, slots=True)
class InterestState:
    """Where the interest of a wallet stands, at the end of yesterday.

    ``accrued`` (fen) is what ``days`` from ``accrues_from`` on would bring if it were paid now:
    ``product_sum`` (fen times days) by the rates of the days.  ``awaiting_credit`` is what ended periods
    brought and was not credited yet, ``credited`` all that was.  ``interest_rate`` is listed for today; None
    where nothing is earned.
    """

    wallet_id: str
    operator: str
    interest_rate: Fraction | None
    accrues_from: date | None
    days: int
    product_sum: int
    accrued: Fen
    awaiting_credit: Fen
    credited: Fen
    next_credit: date | None


def periods(scheme: Scheme, until: date, *, after: date | None = None) -> Iterator[Period]:
    """The periods that end after ``after`` and begin on or before ``until``, in order.

    A period ends with its regime, too.
    """
    for since, last_day, regime in sorted(scheme.regimes, key=lambda regime: regime.since):
        first = since
        while regime.bears_interest and first <= min(until, last_day or until):
            last = _period_end(regime, first)
            last = last if last_day is None else min(last, last_day)
            if after is None or last > after:
                yield Period(first, last, regime)
            first = last + _DAY


def _period_end(regime: Regime, first: date) -> date:
    """The first day on or after ``first`` on which a period ends."""
    year, month = first.year, first.month
    while True:
        end = date(year, month, regime.interest_last_day)
        if month in regime.interest_months and end >= first:
            return end
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)


def tariff(scheme: Scheme, operator: str, period: Period) -> Tariff:
    """What a fen earns at an operator, each day of the period by its rate."""
    days = [period.first + place * _DAY for place in range(period.days)]
    rates = [scheme.interest_rate(operator, day).rate for day in days]
    common = lcm(*(rate.denominator for rate in rates))
    parts = [rate.numerator * (common // rate.denominator) for rate in rates]
    from_day = tuple(accumulate(reversed(parts), initial=0))[::-1]
    return Tariff(period, from_day, common * period.regime.days_of_a_year)


def earns(kind: WalletKind, period: Period) -> bool:
    """Whether named wallets of that kind earn: personal ones do; corporate ones by the regime (assumed)."""
    return kind is not WalletKind.CORPORATE or period.regime.corporate_interest


def first_day(period: Period, named_on: date, paid_until: date | None) -> int:
    """The first day that earns, counted from the first of the period: when the holder has a name, and what
    came before is not paid already."""
    begins = max(period.first, named_on, date.min if paid_until is None else paid_until + _DAY)
    return (begins - period.first).days


def check_own_funds(operator: str, needed: int, own_funds: int) -> None:
    """An operator pays what is needed at once, or nothing (``operator_funds_short``)."""
    if needed > own_funds:
        raise RejectedError(
            "operator_funds_short",
            operator=operator,
            needed=yuan_text(needed),
            own_funds=yuan_text(own_funds),
        )
