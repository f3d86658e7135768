"""Hypothesis strategies for what users hand in: valid values, each with its range and what it shrinks to.

What stands in a sandbox (wallets, bills, payments, …) comes from ``ecny_tax.testing.records``; what must be
refused from ``ecny_tax.testing.malformed``.  Importing this module also tells Hypothesis how the public types
are made, so that ``st.from_type(AnnualReturn)`` and ``@given(...)`` by annotation work.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from functools import cache
from string import Formatter
from typing import TypedDict

from hypothesis import strategies as st

import ecny_tax.errors
from ecny_tax.clock import BEIJING, FixedClock, SystemClock
from ecny_tax.errors import EcnyTaxError, catalogue
from ecny_tax.identifiers import luhn_digit
from ecny_tax.money import MAX_AMOUNT, Fen, yuan_text
from ecny_tax.offline.device import Device
from ecny_tax.parties.model import ERASED, ERASED_ZH, fold_name
from ecny_tax.rulebook import PACKAGE
from ecny_tax.taxes import stamp_duty
from ecny_tax.taxes.household import TAXPAYER, Claim
from ecny_tax.taxes.income_tax import AnnualReturn, BonusMode
from ecny_tax.taxes.stamp_duty_base import TaxBase
from ecny_tax.taxes.withholding import WageMonth
from ecny_tax.taxes.withholding_records import WithholdingStatement
from ecny_tax.testing.identities import company_id, company_name, person_id, person_name, phone_number
from ecny_tax.wallets.many import Opening

#: The days between which dated values are drawn unless asked otherwise: all are governed by known rules.
FIRST_DAY, LAST_DAY = date(2019, 1, 1), date(2026, 12, 31)
#: 1,000,000 yuan: what amounts stay under unless asked otherwise, in fen.
_USUAL = Fen(1_000_000_00)
_FIRST_YEAR, _LAST_YEAR = 2019, 2025


# --- money and time -------------------------------------------------------------------------------------


def fens(least: int = 1, most: int = _USUAL) -> st.SearchStrategy[Fen]:
    """Amounts in fen from ``least`` to ``most``, at most 10^17; shrinks to ``least``."""
    return st.integers(least, min(most, MAX_AMOUNT)).map(Fen)


def yuan_texts(least: int = 1, most: int = _USUAL) -> st.SearchStrategy[str]:
    """Amounts as people type them (``"17000"``, ``"17000.5"``, ``"1.7万元"``), of ``least`` to ``most`` fen;
    shrinks to the plain form with two decimals."""
    return st.tuples(fens(least, most), st.sampled_from((_plain, _short, _in_wan))).map(
        lambda drawn: drawn[1](drawn[0])
    )


def _plain(amount: int) -> str:
    return yuan_text(amount)


def _short(amount: int) -> str:
    return yuan_text(amount).rstrip("0").rstrip(".")


def _in_wan(amount: int) -> str:
    whole, part = divmod(amount, 10**6)
    return f"{whole}.{part:06d}".rstrip("0").rstrip(".") + "万元"


def days(first: date = FIRST_DAY, last: date = LAST_DAY) -> st.SearchStrategy[date]:
    """Dates from ``first`` to ``last``, both included; shrinks towards 2000-01-01, hence to ``first``."""
    return st.dates(first, last)


def moments(first: date = FIRST_DAY, last: date = LAST_DAY) -> st.SearchStrategy[datetime]:
    """Times in Beijing on the days from ``first`` to ``last``; shrinks to the first midnight."""
    return st.datetimes(
        datetime.combine(first, time.min), datetime.combine(last, time.max), timezones=st.just(BEIJING)
    )


def steps() -> st.SearchStrategy[timedelta]:
    """How far a clock is moved on: up to 400 days, to the second; shrinks to nothing."""
    return st.integers(0, 400 * 86_400).map(lambda seconds: timedelta(seconds=seconds))


def clocks(first: date = FIRST_DAY, last: date = LAST_DAY) -> st.SearchStrategy[FixedClock]:
    """Clocks that stand still on a day from ``first`` to ``last``; shrinks to the first midnight."""
    return moments(first, last).map(FixedClock)


# --- who ------------------------------------------------------------------------------------------------


def person_names() -> st.SearchStrategy[str]:
    """Names of people, all made up (虚构人1号 to 虚构人999号); shrinks to number 1."""
    return st.integers(1, 999).map(person_name)


def company_names() -> st.SearchStrategy[str]:
    """Names of companies, all made up; shrinks to number 1."""
    return st.integers(1, 999).map(company_name)


def any_names() -> st.SearchStrategy[str]:
    """Whatever is accepted as a name: 1 to 100 characters of any script, markup too; shrinks to ``"0"``."""
    return st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=100).filter(
        lambda name: fold_name(name) not in (fold_name(ERASED), fold_name(ERASED_ZH))
    )


def person_ids(
    born_first: date = date(1930, 1, 1), born_last: date = date(2000, 12, 31)
) -> st.SearchStrategy[str]:
    """Resident identity numbers (公民身份号码) with a right check digit, of people born between two days;
    shrinks to number 1, born 2000-01-01."""
    return st.builds(person_id, st.integers(1, 999), born=st.dates(born_first, born_last))


def company_ids() -> st.SearchStrategy[str]:
    """Unified social credit codes (统一社会信用代码) with a right check character; shrinks to number 1."""
    return st.integers(1, 999_999_999).map(company_id)


def phones() -> st.SearchStrategy[str]:
    """Mobile numbers (手机号): eleven digits from 13 to 19; shrinks to 13900000001."""
    return st.one_of(
        st.integers(1, 99_999_999).map(phone_number),
        st.integers(13_000_000_001, 19_999_999_999).map(str),
    )


def wallet_ids() -> st.SearchStrategy[str]:
    """Wallet ids (钱包编号) with a right check digit, of no wallet in particular; shrinks to all zeros."""
    return st.integers(0, 10**13 - 1).map(lambda tail: f"00{tail:013d}" + luhn_digit(f"00{tail:013d}"))


def operators() -> st.SearchStrategy[str]:
    """Codes of the operators (运营机构) of every new scheme; shrinks to ICBC."""
    return st.sampled_from([operator.code for operator in PACKAGE.scheme.operators])


# --- what is handed in ----------------------------------------------------------------------------------


class StampDuty(TypedDict):
    """What ``taxes.declare_stamp_duty`` and ``payments.pay_stamp_duty`` take beside the wallet; ``base`` in
    fen."""

    item: str
    base: Fen


def openings(
    kind: str | None = None, *, funds: st.SearchStrategy[Fen] | None = None
) -> st.SearchStrategy[Opening]:
    """Wallets to open (``wallets.open_many``, or ``wallets.open`` with its values), within the limits.

    ``kind`` is ``corporate``, ``personal`` (class I to III, people of age) or ``nameless`` (class IV).
    ``funds`` are what they open with, by default nothing to 10,000 yuan.  Shrinks to a corporate wallet at
    ICBC without money.
    """
    fund = st.none() | (fens(1, 10_000_00) if funds is None else funds)
    made = {
        "corporate": st.builds(
            Opening,
            st.just("corporate"), operators(), name=company_names(), id_number=company_ids(), fund=fund,
        ),
        "personal": st.builds(
            Opening,
            st.just("personal"), operators(), st.sampled_from(["II", "I", "III"]),
            name=person_names(), id_number=person_ids(), phone=phones(), fund=fund,
        ),
        "nameless": st.builds(
            Opening, st.just("personal"), operators(), st.just("IV"), phone=phones(), fund=fund
        ),
    }  # fmt: skip
    return st.one_of(*made.values()) if kind is None else made[kind]


def stamp_duties(
    on: date | None = None, *, least: int = 1_00, most: int = 100_000_000_00
) -> st.SearchStrategy[StampDuty]:
    """Contracts of an item (税目) in force ``on`` a day (default 2023-04-20), with a base of ``least`` to
    ``most`` fen (one yuan to 100 million); shrinks to the first item and the least base."""
    day = date(2023, 4, 20) if on is None else on
    return st.builds(_stamp_duty, st.sampled_from(_contracts(day)), fens(least, most))


def _stamp_duty(item: str, base: Fen) -> StampDuty:
    return {"item": item, "base": base}


@cache
def _contracts(day: date) -> list[str]:
    return [one.item for one in stamp_duty.items(PACKAGE.on(day)) if one.item.endswith("_contract")]


def tax_bases() -> st.SearchStrategy[TaxBase]:
    """Bases (计税依据) of up to 100 million yuan without the steps to them; shrinks to nothing."""
    return fens(0, 100_000_000_00).map(TaxBase)


def tax_years() -> st.SearchStrategy[int]:
    """Years whose income tax is computed, 2019 to 2025; shrinks to 2019."""
    return st.integers(_FIRST_YEAR, _LAST_YEAR)


def annual_returns(tax_year: int | None = None) -> st.SearchStrategy[AnnualReturn]:
    """Annual returns (年度汇算申报) of a year or any, each figure up to 1,000,000 yuan; shrinks to 2019
    without any figure."""
    figure = st.just(Fen(0)) | fens(0)
    modes: st.SearchStrategy[BonusMode] = st.sampled_from(["merge", "separate", "better"])
    return st.builds(
        AnnualReturn,
        _years(tax_year), wages=figure, labour=figure, author=figure, royalty=figure, social=figure,
        sad=figure, medical_self_pay=figure, personal_pension=st.just(Fen(0)), bonus=figure, bonus_mode=modes,
        withheld=figure, base_taxable=st.none(), other_deductions=figure, donations=figure,
        donations_in_full=figure, withheld_properly=st.sampled_from([True, False]),
    )  # fmt: skip


def added_incomes(tax_year: int | None = None) -> st.SearchStrategy[AnnualReturn]:
    """The other form of a return: taxable income already known, and one more income to see what it adds, both
    up to 1,000,000 yuan; shrinks to a fen of wages in 2019."""
    keys = st.sampled_from(["wages", "labour", "author", "royalty"])
    return st.builds(_added_income, _years(tax_year), fens(0), keys, fens())


def _added_income(year: int, base: Fen, key: str, amount: Fen) -> AnnualReturn:
    return AnnualReturn(year, base_taxable=base, **{key: amount})  # type: ignore[arg-type]


def _years(tax_year: int | None) -> st.SearchStrategy[int]:
    return tax_years() if tax_year is None else st.just(tax_year)


def wage_months() -> st.SearchStrategy[WageMonth]:
    """One month's wage of up to 1,000,000 yuan with its deductions; shrinks to January without any."""
    return st.builds(
        WageMonth, st.integers(1, 12), fens(0), social=fens(0, 30_000_00), sad=fens(0, 10_000_00)
    )


def claims() -> st.SearchStrategy[Claim]:
    """What one person claims (专项附加扣除) for a child, for months that fit into a year;
    shrinks to one month of the first item."""
    months = st.integers(1, 12).flatmap(lambda first: st.tuples(st.just(first), st.integers(1, 13 - first)))
    return st.builds(
        lambda item, span, concerning: Claim(item, TAXPAYER, span[1], span[0], concerning=concerning),
        st.sampled_from(["child_education", "infant_care"]),
        months,
        st.sampled_from(["", "first child", "second child"]),
    )


def withholding_statements(tax_year: int | None = None) -> st.SearchStrategy[WithholdingStatement]:
    """What an agent paid a person in a year and withheld, each figure up to 1,000,000 yuan; shrinks to person
    1, 2019, without any figure."""
    return st.builds(
        WithholdingStatement,
        _years(tax_year), name=person_names(), id_number=person_ids(), wages=fens(0), labour=fens(0),
        author=fens(0), royalty=fens(0), bonus=fens(0), bonus_mode=st.sampled_from(["merge", "separate"]),
        withheld=fens(0),
    )  # fmt: skip


def devices() -> st.SearchStrategy[Device]:
    """Offline devices (设备) in memory, not enrolled; their keys follow from a number, which shrinks to 0."""
    from random import Random

    return st.integers(0, 2**32).map(lambda seed: Device.create(random_bytes=Random(seed).randbytes))  # noqa: S311


# --- what comes back ------------------------------------------------------------------------------------


def refusals(*classes: type[EcnyTaxError]) -> st.SearchStrategy[EcnyTaxError]:
    """Every refusal there is, or those of some classes, to see that a program deals with it; shrinks to the
    first code of the alphabet."""
    found = [code for code in sorted(catalogue()) if not classes or issubclass(_class_of(code), classes)]
    return st.sampled_from(found).map(_refusal)


def _class_of(code: str) -> type[EcnyTaxError]:
    kind: type[EcnyTaxError] = getattr(ecny_tax.errors, catalogue()[code]["class"])
    return kind


def _refusal(code: str) -> EcnyTaxError:
    words = [text for name, text in catalogue()[code].items() if name != "class"]
    places = {place for text in words for _, place, _, _ in Formatter().parse(text) if place}
    return _class_of(code)(code, **dict.fromkeys(places, "…"))


_TYPES: dict[type[object], Callable[[], st.SearchStrategy[object]]] = {
    AnnualReturn: annual_returns,
    Claim: claims,
    Device: devices,
    FixedClock: clocks,
    Opening: openings,
    TaxBase: tax_bases,
    WageMonth: wage_months,
    WithholdingStatement: withholding_statements,
    SystemClock: lambda: st.builds(SystemClock),
    EcnyTaxError: refusals,
}
for _kind, _made in _TYPES.items():
    st.register_type_strategy(_kind, _made())
for _class in EcnyTaxError.__subclasses__():
    st.register_type_strategy(_class, refusals(_class))
