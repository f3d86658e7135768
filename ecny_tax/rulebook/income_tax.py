"""What ``income_tax.toml`` says: rate tables, deductions, withholding, windows, exemptions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cached_property
from typing import Literal

from ecny_tax.errors import InvalidInputError
from ecny_tax.money import Fen, yuan
from ecny_tax.rulebook.figures import Dated, Row, in_force, keyed, single

#: Serious illness (大病医疗) among the special additional deductions; it goes by what was spent.
MEDICAL = "medical"


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
class SpecialAdditional:
    """A special additional deduction (专项附加扣除): so much a month, or once a year, whatever it cost.

    ``for_each`` says whether it counts by child; ``not_with`` names what it excludes in the same year, for
    the ``person`` who claims it or for the whole ``household``.  ``shares`` are the parts that one person may
    claim (any part where there are none); ``share_of`` names the deduction that is shared where this one is
    only the most of a share.  Deductions of one ``group`` are one, whichever of them is claimed.
    ``shared_among`` says whose claims are parts of one deduction: those of the ``household`` that concern the
    same, also where they name nothing, only those that are ``named`` the same, or ``nobody``'s.
    """

    code: str
    name_zh: str
    name_en: str
    amount: Fen
    paid: Literal["month", "year"]
    for_each: Literal["child", "person"]
    not_with: tuple[str, ...]
    citation: str
    evidence: str
    not_with_for: Literal["person", "household"] = "household"
    shares: tuple[Fraction, ...] = (Fraction(1),)
    share_of: str | None = None
    group: str | None = None
    shared_among: Literal["household", "named", "nobody"] = "household"

    @property
    def thing(self) -> str:
        """What is deducted, for which there may be several deductions: rent, the support of one's parents."""
        return self.share_of or self.group or self.code


@dataclass(frozen=True, slots=True)
class MedicalRule:
    """Serious illness (大病医疗): own cost above ``threshold`` is deducted, at most ``cap``."""

    threshold: Fen
    cap: Fen
    citation: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Donations:
    """Donations (公益捐赠) are deducted up to ``share`` of the taxable income before them."""

    share: Fraction
    citation: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Permission:
    """A choice that the law leaves to the taxpayer while the rule is in force."""

    citation: str
    evidence: str


@dataclass(frozen=True, slots=True)
class TopUpExemption:
    """Who need not settle and top up: gross income at most ``gross``, or at most ``balance`` due."""

    gross: Fen
    balance: Fen
    citation: str
    evidence: str


@dataclass(frozen=True, slots=True)
class PayWithholding:
    """Withholding on labour, author's pay and royalties: up to ``small`` less ``flat``, above less ``share``.

    Of author's pay ``author_factor`` of the rest counts; ``rate`` is that of author's pay and royalties.
    """

    small: Fen
    flat: Fen
    share: Fraction
    author_factor: Fraction
    rate: Fraction
    citation: str
    evidence: str


@dataclass(frozen=True, slots=True)
class NonResident:
    """Wages of a non-resident: by the month less ``deduction``; a bonus as ``parts`` equal ones."""

    deduction: Fen
    parts: int
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
class Days:
    """A term in days."""

    days: int
    citation: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Years:
    """A term in whole years."""

    years: int
    citation: str
    evidence: str


class Figures:
    """The file's figures, of all times."""

    def __init__(self, document: Row) -> None:
        def table(name: str) -> tuple[Dated[BracketTable], ...]:
            return single(document[name], BracketTable, brackets=_brackets)

        self.annual_brackets = table("annual_brackets")
        self.monthly_brackets = table("monthly_brackets")
        self.business_brackets = table("business_brackets")
        self.labour_brackets = table("labour_brackets")
        self.income_ratios = single(
            document["income_ratios"], IncomeRatios,
            wages=Fraction, labour=Fraction, royalty=Fraction, author=Fraction,
        )  # fmt: skip
        self.basic_deduction = single(document["basic_deduction"], Amount, amount=yuan)
        self.monthly_deduction = single(document["monthly_deduction"], Amount, amount=yuan)
        self.special_additional = keyed(
            document["special_additional"], "code", SpecialAdditional,
            amount=yuan, not_with=tuple, shares=lambda shares: tuple(map(Fraction, shares)),
        )  # fmt: skip
        self.medical = single(document["medical"], MedicalRule, threshold=yuan, cap=yuan)
        self.personal_pension = single(document["personal_pension"], Amount, amount=yuan)
        self.donations = single(document["donations"], Donations, share=Fraction)
        self.separate_bonus = single(document["separate_bonus"], Permission)
        self.top_up_exemption = single(document["top_up_exemption"], TopUpExemption, gross=yuan, balance=yuan)
        self.first_wage_of_year = single(document["first_wage_of_year"], Permission)
        self.annual_60000_from_january = single(document["annual_60000_from_january"], Permission)
        self.pay_withholding = single(
            document["pay_withholding"], PayWithholding,
            small=yuan, flat=yuan, share=Fraction, author_factor=Fraction, rate=Fraction,
        )  # fmt: skip
        self.non_resident = single(document["non_resident"], NonResident, deduction=yuan)
        self.settlement_window = single(
            document["settlement_window"], YearlyWindow, opens=_month_day, closes=_month_day
        )
        self.withholding_term = single(document["withholding_term"], Days)
        self.claim_window = single(document["claim_window"], Years)


@dataclass(frozen=True)
class IncomeTaxRules:
    """The rules of income tax in force on ``day``; a tax year follows those of its last day."""

    day: date
    figures: Figures

    @cached_property
    def annual_brackets(self) -> BracketTable:
        """The rate table of a year."""
        return in_force("income_tax.annual_brackets", self.figures.annual_brackets, self.day)

    @cached_property
    def monthly_brackets(self) -> BracketTable:
        """The rate table of a month, which also finds the rate of a bonus taxed apart."""
        return in_force("income_tax.monthly_brackets", self.figures.monthly_brackets, self.day)

    @cached_property
    def business_brackets(self) -> BracketTable:
        """The rate table of business income (经营所得) of a year."""
        return in_force("income_tax.business_brackets", self.figures.business_brackets, self.day)

    @cached_property
    def labour_brackets(self) -> BracketTable:
        """The rate table by which tax on labour service pay is withheld."""
        return in_force("income_tax.labour_brackets", self.figures.labour_brackets, self.day)

    @cached_property
    def income_ratios(self) -> IncomeRatios:
        """Which part of each kind of income counts."""
        return in_force("income_tax.income_ratios", self.figures.income_ratios, self.day)

    @cached_property
    def basic_deduction(self) -> Amount:
        """The basic deduction of a year (减除费用)."""
        return in_force("income_tax.basic_deduction", self.figures.basic_deduction, self.day)

    @cached_property
    def monthly_deduction(self) -> Amount:
        """The basic deduction that withholding takes off for a month of work."""
        return in_force("income_tax.monthly_deduction", self.figures.monthly_deduction, self.day)

    def special_additional(self, code: str) -> SpecialAdditional:
        """A special additional deduction (``deduction_unknown``, ``deduction_by_cost``)."""
        figures = self.figures.special_additional.get(code)
        if figures is None and code == MEDICAL:
            raise InvalidInputError("deduction_by_cost", key="item", value=code)
        if figures is None:
            known = " ".join(self.figures.special_additional)
            raise InvalidInputError("deduction_unknown", key="item", value=code, known=known)
        return in_force(f"income_tax.special_additional.{code}", figures, self.day)

    @cached_property
    def medical(self) -> MedicalRule:
        """The deduction for serious illness."""
        return in_force("income_tax.medical", self.figures.medical, self.day)

    @cached_property
    def personal_pension_cap(self) -> Amount:
        """What may be paid into a personal pension (个人养老金) in a year and deducted."""
        return in_force("income_tax.personal_pension", self.figures.personal_pension, self.day)

    @cached_property
    def donations(self) -> Donations:
        return in_force("income_tax.donations", self.figures.donations, self.day)

    @cached_property
    def separate_bonus(self) -> Permission:
        """The choice of taxing a yearly bonus apart (全年一次性奖金单独计税)."""
        return in_force("income_tax.separate_bonus", self.figures.separate_bonus, self.day)

    @cached_property
    def top_up_exemption(self) -> TopUpExemption:
        return in_force("income_tax.top_up_exemption", self.figures.top_up_exemption, self.day)

    @cached_property
    def first_wage_of_year(self) -> Permission:
        """Withholding on the first wage of the year takes off the months since January."""
        return in_force("income_tax.first_wage_of_year", self.figures.first_wage_of_year, self.day)

    @cached_property
    def annual_60000_from_january(self) -> Permission:
        """Withholding takes off the basic deduction of the whole year from January on."""
        figures = self.figures.annual_60000_from_january
        return in_force("income_tax.annual_60000_from_january", figures, self.day)

    @cached_property
    def pay_withholding(self) -> PayWithholding:
        return in_force("income_tax.pay_withholding", self.figures.pay_withholding, self.day)

    @cached_property
    def non_resident(self) -> NonResident:
        return in_force("income_tax.non_resident", self.figures.non_resident, self.day)

    @cached_property
    def settlement_window(self) -> YearlyWindow:
        """When the year that ends is settled, in the year that follows (汇算清缴期)."""
        return in_force("income_tax.settlement_window", self.figures.settlement_window, self.day)

    @cached_property
    def withholding_term(self) -> Days:
        """How long after a month an agent may take to pay what it withheld."""
        return in_force("income_tax.withholding_term", self.figures.withholding_term, self.day)

    @cached_property
    def claim_window(self) -> Years:
        """How long a refund may be claimed after the settlement window has closed."""
        return in_force("income_tax.claim_window", self.figures.claim_window, self.day)


def _brackets(lines: list[Row]) -> tuple[Bracket, ...]:
    return tuple(
        Bracket(
            up_to=yuan(line["up_to"]) if "up_to" in line else None,
            rate=Fraction(line["rate"]),
            quick_deduction=yuan(line["quick_deduction"]),
        )
        for line in lines
    )


def _month_day(text: str) -> tuple[int, int]:
    month, day = text.split("-")
    return int(month), int(day)
