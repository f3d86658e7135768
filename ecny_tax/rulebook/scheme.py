"""What ``scheme.toml`` says: what a new simulation starts with, regimes, interest, reasons for refunds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Literal

from ecny_tax.money import yuan
from ecny_tax.rulebook.figures import Dated, Row, dated, in_force, keyed, read, single


@dataclass(frozen=True, slots=True)
class OperatorRule:
    """An operator (运营机构) and the two digits that stand for it in wallet ids."""

    code: str
    name_zh: str
    name_en: str
    digits: str


@dataclass(frozen=True, slots=True)
class OfficeRule:
    """The tax authority or the treasury that a new simulation has."""

    code: str
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class RefundReason:
    """Why a payment is refunded (退税原因); ``bears_interest`` where the taxpayer found an overpayment."""

    code: str
    name_zh: str
    name_en: str
    bears_interest: bool
    citation: str


@dataclass(frozen=True, slots=True)
class Regime:
    """What e-CNY is for a time (数字人民币 1.0, 2.0), and whether and how it earns.

    Reserves are ``full``, or e-CNY counts in the ``deposit_reserve_base``.  Where it earns, a period ends on
    ``interest_last_day`` of each of ``interest_months``; elsewhere there is neither.
    """

    name_zh: str
    name_en: str
    nature_zh: str
    nature_en: str
    bank_reserve: Literal["full", "deposit_reserve_base"]
    non_bank_reserve: Literal["full", "deposit_reserve_base"]
    citation: str
    evidence: str
    interest_months: tuple[int, ...] = ()
    interest_last_day: int = 0
    days_of_a_year: int = 0
    corporate_interest: bool = False

    @property
    def bears_interest(self) -> bool:
        return bool(self.interest_months)


@dataclass(frozen=True, slots=True)
class InterestRate:
    """A listed demand deposit rate (活期存款挂牌利率), by the year."""

    rate: Fraction


@dataclass(frozen=True, slots=True)
class EnforcerRule:
    """A court, public security organ or anti-fraud centre that a new simulation has."""

    kind: str
    code: str
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Mandate:
    """Which legal instruments (法律文书) a kind of institution may issue; its code is that kind."""

    code: str
    may_issue: tuple[str, ...]
    citation: str
    evidence: str


class Scheme:
    """What a new simulation starts with: operators, the default authority, its treasury, those who enforce
    the law, opening balances.

    These go by no day, whatever their dates: they are recorded when a database is made, also one that is set
    before the scheme began, and stay (``schema`` refuses a second period).  Regimes, rates of interest,
    reasons for refunds and mandates have a day.
    """

    def __init__(self, document: Row) -> None:
        self.operators = tuple(read(OperatorRule, row) for row in document["operators"])
        self.authority = read(OfficeRule, document["authority"])
        self.treasury = read(OfficeRule, document["treasury"])
        self.enforcers = tuple(read(EnforcerRule, row) for row in document["enforcers"])
        self.mandates = keyed(document["mandates"], "code", Mandate, may_issue=tuple)
        self.operator_reserve = yuan(document["opening"]["operator_reserve"])
        self.own_funds = yuan(document["opening"]["own_funds"])
        self.revenue_opening = yuan(document["opening"]["revenue"])
        self.regimes = single(document["regimes"], Regime, interest_months=tuple)
        self._rates: dict[str | None, list[Dated[InterestRate]]] = {}
        for row in document["interest_rates"]:
            rate = dated(row, read(InterestRate, row, rate=Fraction))
            self._rates.setdefault(row.get("code"), []).append(rate)
        self.refund_reasons = keyed(document["refund_reasons"], "code", RefundReason)

    def interest_rate(self, operator: str | None, day: date) -> InterestRate:
        """What an operator lists for a day: its own rate, or else the one of all (``no_rule_on_date``)."""
        for rate in self._rates.get(operator, ()):
            if rate.covers(day):
                return rate.value
        return in_force("scheme.interest_rates", self._rates.get(None, ()), day)

    def own_interest_rates(self, day: date) -> dict[str, Fraction]:
        """The operators that list a rate of their own for a day, with it."""
        return {
            code: rate.value.rate
            for code, rates in self._rates.items()
            for rate in rates
            if code is not None and rate.covers(day)
        }


@dataclass(frozen=True, slots=True)
class SchemeRules:
    """The rules of the scheme in force on ``day``."""

    day: date
    figures: Scheme

    def may_issue(self, kind: str) -> tuple[str, ...]:
        """The kinds of legal instrument that institutions of a kind may issue."""
        return next(
            (f.value.may_issue for f in self.figures.mandates.get(kind, ()) if f.covers(self.day)), ()
        )

    @property
    def regime(self) -> Dated[Regime] | None:
        """The regime in force, with its first and last day; none before the scheme began."""
        return next((regime for regime in self.figures.regimes if regime.covers(self.day)), None)

    @property
    def refund_reasons(self) -> dict[str, RefundReason]:
        """Every reason for a refund in force, by its code."""
        return {
            code: figure.value
            for code, figures in self.figures.refund_reasons.items()
            for figure in figures
            if figure.covers(self.day)
        }
