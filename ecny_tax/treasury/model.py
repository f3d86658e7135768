"""Who gets what of a tax, by budget level, and what a closed day and a report say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from ecny_tax.errors import InvalidInputError, RejectedError
from ecny_tax.ledger import chart
from ecny_tax.money import Fen, split, yuan_text
from ecny_tax.rulebook.taxes import TaxRules

#: Said wherever a day is closed or reported.
ASSUMPTION = (
    "how a day is closed is an assumption of this simulation: what was collected goes back to issuance in"
    " e-CNY, and the budget levels are credited with deposits"
)
ASSUMPTION_ZH = "日终报解的做法是本模拟的假设：所收数字人民币回笼至发行库，同时以存款分级次入库"
#: Budget levels (预算级次) in English and Chinese.
LEVEL_NAMES = {
    "central": ("Central", "中央"),
    "province": ("Province", "省"),
    "city": ("City", "市"),
    "county": ("County", "县"),
}


class By(StrEnum):
    """What the lines of a report are about."""

    TAX = "tax"  # 税种
    LEVEL = "level"  # 预算级次
    DAY = "day"
    MONTH = "month"


class DayStatus(StrEnum):
    CLOSED = "closed"  # 已报解
    NOT_YET_CLOSED = "not_yet_closed"  # 未报解


@dataclass(frozen=True, slots=True)
class LevelAmount:
    """What a budget level got, in fen."""

    budget_level: str
    amount: Fen


@dataclass(frozen=True, slots=True)
class Closing:
    """What one closing (日终报解) of a treasury did: every day from ``first_day`` to ``day``.

    ``collected`` is what was paid on these days and not reversed, in fen; ``levels`` says who got it.
    """

    treasury: str
    day: date
    status: DayStatus
    first_day: date
    days: int
    collected: Fen
    levels: tuple[LevelAmount, ...]
    closed_at: datetime


@dataclass(frozen=True, slots=True)
class TreasuryDay:
    """A closed day, and what was collected on it, in fen."""

    treasury: str
    day: date
    collected: Fen
    closed_at: datetime


@dataclass(frozen=True, slots=True)
class TreasuryState:
    """A treasury: its last closed day, and in fen what waits to be allocated and what its levels hold.

    ``in_doubt`` lies on collection accounts too, and no day allocates it: it was debited without a payment,
    or twice, and goes back when the day of the debit is mended.
    """

    treasury: str
    name_zh: str
    name_en: str
    closed_until: date | None
    waiting: Fen
    in_doubt: Fen
    revenue: Fen


@dataclass(frozen=True, slots=True)
class ReportLine:
    """A tax, level, day or month; amounts in fen.

    ``collected`` was allocated by closed days, ``refunded`` was paid out (interest included), ``net`` is the
    one less the other, and ``waiting`` was collected on days that are not yet closed.  ``status`` is that of
    a day or month.
    """

    key: str
    name_zh: str
    name_en: str
    collected: Fen
    refunded: Fen
    net: Fen
    waiting: Fen
    status: DayStatus | None


@dataclass(frozen=True, slots=True)
class Report:
    """What a treasury collected and refunded in a period (both days included); amounts in fen.

    ``open_days`` counts the days of the period up to today that are not yet closed.
    """

    treasury: str
    name_zh: str
    name_en: str
    period_start: date
    period_end: date
    by: By
    closed_until: date | None
    open_days: int
    collected: Fen
    refunded: Fen
    net: Fen
    waiting: Fen
    lines: tuple[ReportLine, ...]


class Entry(NamedTuple):
    """An amount of one day, tax and level; what a report adds up."""

    day: date
    code: str
    level: str
    amount: int


def weights(rules: TaxRules, treasury: str, code: str, item: str | None) -> tuple[int, ...]:
    """The weights by which the budget levels share a tax, after the rules of a day, in the order of
    ``chart.LEVELS``.

    ``code`` is the collection item (征收项目), ``item`` the tax item, since stamp duty on securities is
    shared otherwise than on documents; a treasury may split the local share in its own way.
    """
    rule = rules.collection_item(code, case="securities" if item == "securities" else None)
    local = rules.local_split(treasury)
    return (rule.central_weight * sum(local), *(rule.local_weight * part for part in local))


def shares(rules: TaxRules, treasury: str, code: str, item: str | None, amount: Fen) -> dict[str, Fen]:
    """``amount`` of a tax by budget level, to the fen, after the rules of a day."""
    return by_level(amount, weights(rules, treasury, code, item))


def by_level(amount: Fen, by: tuple[int, ...]) -> dict[str, Fen]:
    """``amount`` by budget level, after weights in the order of ``chart.LEVELS``."""
    return dict(zip(chart.LEVELS, split(amount, by), strict=True))


def allocated(amount: Fen, late_fee: Fen, by: tuple[int, ...]) -> list[Fen]:
    """A payment by budget level as its receipt prints it: the tax, and by the same weights the late fee."""
    tax = split(Fen(amount - late_fee), by)
    if not late_fee:
        return list(tax)
    return [Fen(of_tax + late) for of_tax, late in zip(tax, split(late_fee, by), strict=True)]


def part_of(left: Mapping[str, Fen], amount: Fen) -> dict[str, Fen]:
    """``amount`` by budget level, in proportion to what each level has ``left`` to give back.

    So a payment that is refunded bit by bit takes from each level what that level got, to the fen.
    """
    return dict(zip(left, split(amount, list(left.values())), strict=True))


def check_may_close(day: date, *, first: date, today: date) -> None:
    """A day to close is none to come, and none before the treasury's first."""
    if day > today:
        raise RejectedError("treasury_day_in_future", day=day, today=today)
    if day < first:
        raise RejectedError("treasury_day_before_first", day=day, first=first)


def check_open_day(treasury: str, closed_until: str | None, *, today: date) -> None:
    """Nothing enters a closed day (``treasury_day_closed``); ``closed_until`` is the last, an ISO date."""
    if closed_until is not None and today.isoformat() <= closed_until:
        raise RejectedError("treasury_day_closed", treasury=treasury, day=today, closed_until=closed_until)


def check_level(level: str, held: int, share: Fen) -> None:
    """A budget level pays what it holds (``treasury_funds_insufficient``)."""
    if held < share:
        raise RejectedError("treasury_funds_insufficient", level=level, amount=yuan_text(share))


def by_of(text: str) -> By:
    """What a report is asked for; raises ``InvalidInputError`` (``report_by_unknown``)."""
    try:
        return By(text)
    except ValueError:
        raise InvalidInputError("report_by_unknown", value=text, known=" ".join(By)) from None


def check_period(first: date, last: date) -> None:
    if last < first:
        raise InvalidInputError("period_reversed", first=first, last=last)


def report_lines(
    by: By,
    *,
    collected: Iterable[Entry],
    refunded: Iterable[Entry],
    waiting: Iterable[Entry],
    is_closed: Callable[[str], bool],
    name_of: Callable[[str], tuple[str, str]],
) -> tuple[ReportLine, ...]:
    """The lines of a report; ``is_closed`` tells of a day or month, ``name_of`` (English, Chinese) of others.

    Levels stand from the top down, everything else in order; what nothing happened to has no line.
    """
    sums: dict[str, list[int]] = {}
    for place, entries in enumerate((collected, refunded, waiting)):
        for entry in entries:
            sums.setdefault(_key(by, entry), [0, 0, 0])[place] += entry.amount
    order = chart.LEVELS.index if by is By.LEVEL else str
    lines = []
    for key in sorted(sums, key=order):
        got, back, still = sums[key]
        dated = by in (By.DAY, By.MONTH)
        status = (DayStatus.CLOSED if is_closed(key) else DayStatus.NOT_YET_CLOSED) if dated else None
        en, zh = ("", "") if dated else name_of(key)
        lines.append(ReportLine(key, zh, en, Fen(got), Fen(back), Fen(got - back), Fen(still), status))
    return tuple(lines)


def _key(by: By, entry: Entry) -> str:
    if by is By.TAX:
        return entry.code
    if by is By.LEVEL:
        return entry.level
    day = entry.day.isoformat()
    return day if by is By.DAY else day[: len("2023-04")]
