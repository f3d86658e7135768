"""What the rule files say, as values: each with the citation and the evidence mark of its rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Literal, Protocol

from ecny_tax.money import Fen

Side = Literal["buy", "sell"]

#: How well a figure is known, best first: the law's text was read; published by press, white paper or
#: notice; stated by a secondary source; seen in public code; assumed by this project; from memory.
EVIDENCE = ("law", "published", "secondary", "code", "assumption", "unverified")


class Cited(Protocol):
    """Any value that says where it comes from."""

    @property
    def citation(self) -> str: ...
    @property
    def evidence(self) -> str: ...


def sources(*rules: Cited) -> tuple[str, str]:
    """Citation and evidence of a result that rests on several rules.

    Every citation is named once, and the evidence is the weakest mark among them.
    """
    citations = dict.fromkeys(rule.citation for rule in rules)
    return "; ".join(citations), max((rule.evidence for rule in rules), key=EVIDENCE.index)


@dataclass(frozen=True, slots=True)
class WalletClass:
    """A class of wallet (钱包类别) with its limits; ``None`` means without limit.

    ``assumed`` names the limits that have no published source, whatever ``evidence`` says of the others.
    """

    wallet_class: str
    name_zh: str
    name_en: str
    cap: Fen | None
    single: Fen | None
    day: Fen | None
    year: Fen | None
    citation: str
    evidence: str
    assumed: tuple[str, ...] = ()
    minimum_age: int | None = None


@dataclass(frozen=True, slots=True)
class WalletType:
    """A type code of wallets (钱包类型), such as ``WT09`` for a corporate wallet."""

    code: str
    kind: str
    name_zh: str
    name_en: str
    citation: str
    evidence: str


@dataclass(frozen=True, slots=True)
class CollectionName:
    """What a collection code (征收项目代码) stands for, and the budget subject it is booked under."""

    name_zh: str
    name_en: str
    budget_subject_zh: str
    budget_subject_en: str
    citation: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Share:
    """How central and local budgets share a collection item (中央与地方分享比例)."""

    central: int
    local: int
    citation: str
    evidence: str


@dataclass(frozen=True, slots=True)
class CollectionItem:
    """A tax or fee that is collected (征收项目), and how central and local budgets share it."""

    code: str
    name_zh: str
    name_en: str
    central_weight: int
    local_weight: int
    citation: str
    evidence: str
    budget_subject_zh: str
    budget_subject_en: str


@dataclass(frozen=True, slots=True)
class OperatorRule:
    """An operator (运营机构) and the two digits that stand for it in wallet ids."""

    code: str
    name_zh: str
    name_en: str
    digits: str


@dataclass(frozen=True, slots=True)
class RefundReason:
    """Why a payment is refunded (退税原因)."""

    code: str
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Scheme:
    """What a new simulation starts with: the default authority, its treasury, and opening balances."""

    authority_code: str
    authority_name_zh: str
    authority_name_en: str
    treasury_code: str
    treasury_name_zh: str
    treasury_name_en: str
    operator_reserve: Fen
    revenue_opening: Fen
    refund_reasons: Mapping[str, RefundReason]


@dataclass(frozen=True, slots=True)
class StampDutyRate:
    """The rate of an item of stamp duty (印花税税目); securities have one for each side."""

    code: str
    side: Side | None
    name_zh: str
    name_en: str
    rate: str
    base_zh: str
    base_en: str
    citation: str
    evidence: str


@dataclass(frozen=True, slots=True)
class StampDutyRelief:
    """A relief (减免) that leaves ``factor`` of the duty, for every item but those in ``not_for``."""

    code: str
    name_zh: str
    name_en: str
    factor: Fraction
    not_for: tuple[str, ...]
    citation: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Bracket:
    """One line of a rate table (税率表): up to and including ``up_to``, or without end."""

    up_to: Fen | None
    rate: Fraction
    quick_deduction: Fen


@dataclass(frozen=True, slots=True)
class BracketTable:
    """A progressive rate table (超额累进税率表), lowest bracket first."""

    brackets: tuple[Bracket, ...]
    citation: str
    evidence: str


@dataclass(frozen=True, slots=True)
class IncomeRatios:
    """Which part of each kind of comprehensive income is taken as income amount (收入额)."""

    wages: Fraction
    labour: Fraction
    royalty: Fraction
    author: Fraction
    citation: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Amount:
    """One amount set by a rule: a deduction or a cap."""

    amount: Fen
    citation: str
    evidence: str


@dataclass(frozen=True, slots=True)
class MedicalRule:
    """Serious illness (大病医疗): own cost above ``threshold`` is deducted, at most ``cap``."""

    threshold: Fen
    cap: Fen
    citation: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Permission:
    """A choice that the law leaves to the taxpayer while the rule is in force."""

    citation: str
    evidence: str


@dataclass(frozen=True, slots=True)
class YearlyWindow:
    """A span of days in every year, both days included, as (month, day)."""

    opens: tuple[int, int]
    closes: tuple[int, int]
    citation: str
    evidence: str

    def in_year(self, year: int) -> tuple[date, date]:
        """The first and the last day of the window in ``year``."""
        return date(year, *self.opens), date(year, *self.closes)


@dataclass(frozen=True, slots=True)
class Years:
    """A term in whole years."""

    years: int
    citation: str
    evidence: str
