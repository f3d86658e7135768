"""What ``scheme.toml`` says: what a new simulation starts with, and the reasons for refunds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ecny_tax.money import yuan
from ecny_tax.rulebook.figures import Row, keyed, read


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
    before the scheme began, and stay (``schema`` refuses a second period).  Reasons for refunds and mandates
    have a day.
    """

    def __init__(self, document: Row) -> None:
        self.operators = tuple(read(OperatorRule, row) for row in document["operators"])
        self.authority = read(OfficeRule, document["authority"])
        self.treasury = read(OfficeRule, document["treasury"])
        self.enforcers = tuple(read(EnforcerRule, row) for row in document["enforcers"])
        self.mandates = keyed(document["mandates"], "code", Mandate, may_issue=tuple)
        self.operator_reserve = yuan(document["opening"]["operator_reserve"])
        self.revenue_opening = yuan(document["opening"]["revenue"])
        self.refund_reasons = keyed(document["refund_reasons"], "code", RefundReason)


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
    def refund_reasons(self) -> dict[str, RefundReason]:
        """Every reason for a refund in force, by its code."""
        return {
            code: figure.value
            for code, figures in self.figures.refund_reasons.items()
            for figure in figures
            if figure.covers(self.day)
        }
