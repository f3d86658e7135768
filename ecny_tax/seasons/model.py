"""What a season is: who files on which day, and what is told of it in the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

from ecny_tax.errors import InvalidInputError
from ecny_tax.money import Fen, split
from ecny_tax.rulebook import Rulebook
from ecny_tax.taxes.checks import check_year
from ecny_tax.taxes.income_tax import settlement_window

#: Said wherever a season is reported.
ASSUMPTION = (
    "the people, what they earned, what they deduct and what they do are invented (see docs/season.md); their"
    " returns stand for the tax authority's record"
)
ASSUMPTION_ZH = "人口、收入、扣除和行为均为虚构（见 docs/season.md）；所填申报视同税务机关的记录"
#: People who could be told apart by their numbers, and more than one season takes.
MOST_PEOPLE = 10_000_000
#: The year that is settled where none is named.
DEFAULT_YEAR = 2025
_MOST_SEED = 2**63 - 1
#: People who are opened, filed and paid in one transaction, at most.
CHUNK = 10_000
#: Of a thousand people, how many file in each month of the window (invented); on its working days alike.
_BY_MONTH = {3: 400, 4: 220, 5: 150, 6: 230}
#: Where bands of a year's income and of refunds and dues begin, in fen.
INCOME_BANDS = tuple(yuan * 100 for yuan in (0, 60_000, 120_000, 200_000, 300_000, 500_000, 1_000_000))
AMOUNT_BANDS = tuple(yuan * 100 for yuan in (0, 100, 200, 400, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000))


@dataclass(frozen=True, slots=True)
class Setting:
    """Which season it is; everything but the time that it takes follows from these three.

    Raises ``InvalidInputError``: ``season_size_malformed``, ``season_seed_malformed``, and
    ``input_value_malformed`` for a year without rules.
    """

    people: int
    seed: int
    tax_year: int

    def __post_init__(self) -> None:
        if type(self.people) is not int or not 1 <= self.people <= MOST_PEOPLE:
            raise InvalidInputError("season_size_malformed", value=self.people, most=MOST_PEOPLE)
        if type(self.seed) is not int or not 0 <= self.seed <= _MOST_SEED:
            raise InvalidInputError("season_seed_malformed", value=self.seed, most=_MOST_SEED)
        check_year(self.tax_year)

    def window(self, book: Rulebook) -> tuple[date, date]:
        """The first and the last day of the season (汇算清缴期)."""
        return settlement_window(self.tax_year, book=book)


class Chunk(NamedTuple):
    """People who file together: those from number ``start`` to ``stop``, on a day."""

    place: int
    day: date
    start: int
    stop: int


def chunks(setting: Setting, book: Rulebook) -> Iterator[Chunk]:
    """Everybody in the order of filing: those of a day in equal parts of at most ``CHUNK``."""
    first, last = setting.window(book)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    days = [day for day in days if book.calendar.is_working_day(day)]
    in_month = {month: sum(day.month == month for day in days) for month in range(1, 13)}
    weights = [_BY_MONTH.get(day.month, 100) * 1000 // in_month[day.month] for day in days]
    place = start = 0
    for day, count in zip(days, split(Fen(setting.people), weights), strict=True):
        parts = -(-count // CHUNK)
        for part in split(Fen(count), [1] * parts) if parts else ():
            yield Chunk(place, day, start, start + part)
            place, start = place + 1, start + part


@dataclass(slots=True)
class Band:
    """People whose income of the year (fen) begins at ``at_least``: sums in fen."""

    at_least: int
    people: int = 0
    income: int = 0
    tax: int = 0
    withheld: int = 0
    to_refund: int = 0
    to_pay: int = 0


@dataclass(slots=True)
class Tally:
    """How far a season is, and what it has counted of those who leave no record."""

    chunks: int
    people: int
    with_refund: int
    with_due: int
    need_not_pay: int
    even: int
    do_not_apply: int
    do_not_declare: int
    wallets: int
    refused: dict[str, int]
    unpaid: dict[str, int] | None  # why bills could not be paid, once all were tried
    bands: list[Band]

    @classmethod
    def new(cls) -> Tally:
        return cls(0, 0, 0, 0, 0, 0, 0, 0, 0, {}, None, [Band(bound) for bound in INCOME_BANDS])

    @classmethod
    def of(cls, document: dict[str, object]) -> Tally:
        """What :meth:`document` gave."""
        bands = document.pop("bands")
        return cls(bands=[Band(**band) for band in bands], **document)  # type: ignore[attr-defined, arg-type]

    def document(self) -> dict[str, object]:
        return asdict(self)

    def refuse(self, code: str) -> None:
        self.refused[code] = self.refused.get(code, 0) + 1


@dataclass(frozen=True, slots=True)
class IncomeBand:
    """People by their income of the year: those of ``at_least`` and more, below the next band.

    ``tax`` is what the year comes to, ``withheld`` what payers had withheld; ``to_refund`` and ``to_pay`` is
    what settling leaves.
    """

    at_least: Fen
    people: int
    income: Fen
    tax: Fen
    withheld: Fen
    to_refund: Fen
    to_pay: Fen


@dataclass(frozen=True, slots=True)
class AmountBand:
    """Refunds paid and bills declared, by their amounts: of ``at_least`` and more, below the next band."""

    at_least: Fen
    refunds: int
    refunded: Fen
    bills: int
    billed: Fen


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many refunds or bills are in a status, and their sum; ``code`` says why one failed."""

    status: str
    code: str | None
    count: int
    amount: Fen


@dataclass(frozen=True, slots=True)
class Refusal:
    """How often something was refused, by the code of the refusal."""

    code: str
    count: int


@dataclass(frozen=True, slots=True)
class Month:
    """What was refunded in a month of the season, and paid of bills."""

    month: str
    refunds: int
    refunded: Fen
    payments: int
    paid: Fen


@dataclass(frozen=True, slots=True)
class LevelShare:
    """What a budget level refunded and collected."""

    budget_level: str
    refunded: Fen
    collected: Fen


@dataclass(frozen=True, slots=True)
class Phase:
    """How long a part of the work took: seconds, of them processor time, and people a second."""

    phase: str
    seconds: float
    processor_seconds: float
    people_a_second: int


@dataclass(frozen=True, slots=True)
class Work:
    """What differs from run to run: the time it took, the memory, and whether it went on from before."""

    seconds: float
    people: int
    people_a_second: int
    most_memory_mb: int
    went_on: bool
    phases: tuple[Phase, ...]


@dataclass(frozen=True, slots=True)
class SeasonReport:
    """What came of a season: counts, and sums in fen.

    ``need_not_pay`` owe so little, or earn so little, that they need not settle; ``even`` have nothing to
    settle; ``did_not_apply`` leave their refund where it is, ``did_not_declare`` owe and keep silent.  What
    stands under ``work`` differs from run to run, everything else follows from people, seed and year.
    """

    people: int
    seed: int
    tax_year: int
    first_day: date
    last_day: date
    wallets: int
    with_refund: int
    with_due: int
    need_not_pay: int
    even: int
    did_not_apply: int
    did_not_declare: int
    refunds: int
    refunded: Fen
    failed_refunds: int
    bills: int
    billed: Fen
    payments: int
    paid: Fen
    ok: bool
    transfers: int
    accounts: int
    refund_outcomes: tuple[Outcome, ...]
    bill_outcomes: tuple[Outcome, ...]
    refusals: tuple[Refusal, ...]
    incomes: tuple[IncomeBand, ...]
    amounts: tuple[AmountBand, ...]
    months: tuple[Month, ...]
    levels: tuple[LevelShare, ...]
    work: Work


def band_texts(bounds: Sequence[int]) -> list[str]:
    """How bands of amounts are called, in yuan: ``0 – 100``, … ``50,000 +``."""
    texts = [f"{bound // 100:,}" for bound in bounds]
    pairs = [f"{low} – {high}" for low, high in pairwise(texts)]
    return [*pairs, f"{texts[-1]} +"]
