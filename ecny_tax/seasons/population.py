"""The made-up people of a season: what they earn, what was withheld, what they may deduct, what they do.

Every figure of :class:`Shares` is invented for this simulation, and chosen so that refunds and dues come out
as one hears of them: most refunds small, most people with little to settle.  The tax on it is the law's: on
wages it is withheld by the cumulative method, on other pay at once, on a bonus apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from operator import mul
from typing import NamedTuple

import numpy as np

from ecny_tax.errors import InvalidInputError
from ecny_tax.money import Fen
from ecny_tax.rulebook import IncomeTaxRules
from ecny_tax.seasons.draws import Column, Draws, Flags
from ecny_tax.taxes.columns import BETTER, year_rules
from ecny_tax.taxes.income_tax import BONUS_MODES, AnnualReturn
from ecny_tax.taxes.settle_many import AMOUNT_COLUMNS
from ecny_tax.taxes.withholding_columns import withheld_on_payments, withheld_on_wages

_YUAN = 100
#: A county code of Jiangmen that was never given to a county: nobody real bears these numbers.
_AREA = "440799"
_BORN, _DAYS = date(1962, 1, 1), 15_340  # until the last day of 2003
_STEP = 7919  # a prime that parts neighbours by decades, and shares no factor with the days
_WEIGHTS, _CHECK = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), "10X98765432"


@dataclass(frozen=True, slots=True)
class Shares:
    """How many of a thousand do what, and how much it comes to (yuan; ``sigma`` in hundredths)."""

    #: Employment: the rest have one employer all year.
    part_of_year: int = 110
    changed_employer: int = 70
    two_employers: int = 15
    freelance: int = 45
    #: A month's wage, and of it what social insurance and housing fund take, up to a base.
    wage_median: int = 6_800
    wage_sigma: int = 62
    wage_least: int = 2_300
    social_of_1000: int = 175
    social_base: int = 27_000
    #: Special additional deductions of a month, and who tells the employer of them.
    children: int = 330
    parents: int = 420
    housing: int = 460
    told_employer: int = 720
    #: Beside the wage.
    bonus: int = 380
    labour: int = 110
    labour_median: int = 2_600
    labour_sigma: int = 85
    author: int = 18
    author_median: int = 2_200
    royalty: int = 4
    royalty_median: int = 9_000
    #: Deductions that only the annual return brings.
    medical: int = 18
    medical_median: int = 21_000
    pension: int = 60
    donation: int = 25
    #: What people do.
    apply_for_refund: int = 940
    declare_due: int = 970
    pay_due: int = 900
    #: Wallets: the rest are of class II.
    class_i: int = 15
    class_iii: int = 60


SHARES = Shares()


class People(NamedTuple):
    """Some people of a season: their returns as columns (fen), and what they will do."""

    start: int
    tax_year: int
    returns: dict[str, Column]
    applies: Flags
    declares: Flags
    pays: Flags
    wallet_class: Column  # places in CLASSES
    operator: Column  # a number to choose an operator by

    def __len__(self) -> int:
        return len(self.applies)

    def columns(self) -> dict[str, int | str | Column]:
        """The columns that ``settle_many`` reads."""
        return {**self.returns, "tax_year": self.tax_year, "bonus_mode": BONUS_MODES[BETTER]}

    def annual_returns(self, places: Column) -> list[AnnualReturn]:
        """The returns of the people at these places, each for the one-person functions."""
        names = [name for name in AMOUNT_COLUMNS if name in self.returns]
        figures = zip(*(self.returns[name][places].tolist() for name in names), strict=True)
        return [
            AnnualReturn(tax_year=self.tax_year, bonus_mode="better", **dict(zip(names, row, strict=True)))
            for row in figures
        ]


CLASSES = ("II", "I", "III")


def people(
    rules: IncomeTaxRules, *, tax_year: int, seed: int, start: int, stop: int, shares: Shares = SHARES
) -> People:
    """The people from number ``start`` to ``stop`` (counted from 0) of the population of a seed."""
    drawn = Draws(seed, start, stop)
    of_jobs, freelance = _employment(drawn, shares)
    wage = np.maximum(drawn.log_normal("wage", shares.wage_median, shares.wage_sigma), shares.wage_least)
    social = np.minimum(wage, shares.social_base) * shares.social_of_1000 // 1000
    sad = _special_additional(drawn, shares)
    told = np.where(drawn.happens("told", shares.told_employer), sad, 0)
    wages, paid_social, withheld = (np.zeros(stop - start, np.int64) for _ in range(3))
    for job, (first, last, percent) in enumerate(of_jobs):
        months = np.maximum(last - first + 1, 0)
        paid, insured = wage * percent // 100 * _YUAN, social * percent // 100 * _YUAN
        wages += months * paid
        paid_social += months * insured
        told_here = told * _YUAN if job == 0 else np.where(of_jobs[0][1] < first, told * _YUAN, 0)
        withheld += withheld_on_wages(rules, wage=paid, social=insured, sad=told_here, first=first, last=last)
    bonus = _bonus(drawn, shares, wage, wages)
    withheld += _withheld_on_bonus(rules, bonus)
    given = {"wages": wages, "social": paid_social, "sad": sad * 12 * _YUAN, "bonus": bonus}
    withheld += _other_pay(drawn, shares, rules, freelance, given)
    _deductions(drawn, shares, rules, given)
    given["withheld"] = withheld
    chosen = drawn.below("class", 1000)
    wallet_class = np.where(chosen < shares.class_i, 1, np.where(chosen >= 1000 - shares.class_iii, 2, 0))
    return People(
        start=start,
        tax_year=tax_year,
        returns=given,
        applies=drawn.happens("applies", shares.apply_for_refund),
        declares=drawn.happens("declares", shares.declare_due),
        pays=drawn.happens("pays", shares.pay_due),
        wallet_class=wallet_class,
        operator=drawn.below("operator", 1000),
    )


_Job = tuple[Column, Column, Column]  # first month, last month, per cent of the wage


def _employment(drawn: Draws, shares: Shares) -> tuple[tuple[_Job, _Job], Flags]:
    """Two jobs, of which most have the first alone, all year; and who has none."""
    kind = drawn.below("employment", 1000)
    bound = shares.part_of_year
    part = kind < bound
    changed = (kind >= bound) & (kind < bound + shares.changed_employer)
    bound += shares.changed_employer
    both = (kind >= bound) & (kind < bound + shares.two_employers)
    freelance = kind >= 1000 - shares.freelance
    month, length = 1 + drawn.below("month", 9), 2 + drawn.below("length", 8)
    first = np.where(part, month, 1)
    last = np.where(part, np.minimum(month + length, 12), np.where(changed, month + 1, 12))
    last = np.where(freelance, first - 1, last)
    second_first = np.where(changed, last + 1, 1)
    second_last = np.where(changed | both, 12, second_first - 1)
    whole = np.full(len(kind), 100)
    after = np.where(both, 40, 90 + drawn.below("rise", 41))
    return ((first, last, whole), (second_first, second_last, after)), freelance


def _special_additional(drawn: Draws, shares: Shares) -> Column:
    """Special additional deductions of a month, in yuan: children, parents, housing."""
    children = np.where(drawn.happens("children", shares.children), 1 + drawn.below("siblings", 2), 0)
    parents = np.where(drawn.happens("parents", shares.parents), 1500 * (1 + drawn.below("only child", 2)), 0)
    homes = np.array([1000, 1100, 1500])[drawn.below("home", 3)]
    housing = np.where(drawn.happens("housing", shares.housing), homes, 0)
    total: Column = children * (1000 * (1 + drawn.below("one parent", 2))) + parents + housing
    return total


def _bonus(drawn: Draws, shares: Shares, wage: Column, wages: Column) -> Column:
    """A yearly bonus of half a month's wage to three, in fen, of whoever was employed."""
    halves = 1 + drawn.below("bonus size", 6)
    has = drawn.happens("bonus", shares.bonus) & (wages > 0)
    return np.where(has, halves * wage // 2 * _YUAN, 0)


def _withheld_on_bonus(rules: IncomeTaxRules, bonus: Column) -> Column:
    """The employer taxes it apart, where that is in force; else by the table of the year, as if alone."""
    found = year_rules(rules)
    return (found.bonus or found.annual).tax(bonus)


def _other_pay(
    drawn: Draws, shares: Shares, rules: IncomeTaxRules, freelance: Flags, given: dict[str, Column]
) -> Column:
    """Add labour, author's pay and royalties to the returns; what was withheld on them."""
    monthly = drawn.log_normal("freelance", shares.wage_median, shares.wage_sigma)
    now_and_then = drawn.log_normal("labour", shares.labour_median, shares.labour_sigma)
    sometimes = np.where(drawn.happens("labour", shares.labour), 1 + drawn.below("labour count", 6), 0)
    texts = np.where(drawn.happens("author", shares.author), 1 + drawn.below("author count", 3), 0)
    rights = np.where(drawn.happens("royalty", shares.royalty), 1, 0)
    pay = {
        "labour": (np.where(freelance, monthly, now_and_then), np.where(freelance, 12, sometimes)),
        "author": (drawn.log_normal("author", shares.author_median, 70), texts),
        "royalty": (drawn.log_normal("royalty", shares.royalty_median, 90), rights),
    }
    withheld = np.zeros(len(freelance), np.int64)
    for kind in ("labour", "author", "royalty"):
        one, count = pay[kind]
        given[kind] = one * _YUAN * count
        withheld += withheld_on_payments(rules, kind, one * _YUAN) * count
    return withheld


def _deductions(drawn: Draws, shares: Shares, rules: IncomeTaxRules, given: dict[str, Column]) -> None:
    """Add what only the annual return brings: serious illness, a personal pension, donations."""
    ill = drawn.happens("medical", shares.medical)
    given["medical_self_pay"] = np.where(ill, drawn.log_normal("cost", shares.medical_median, 60), 0) * _YUAN
    cap = _pension_cap(rules)
    saved = (1 + drawn.below("saved", 12)) * (cap // 12)
    given["personal_pension"] = np.where(drawn.happens("pension", shares.pension), saved, 0)
    donated = 100 * (1 + drawn.below("donated", 30)) * _YUAN
    given["donations"] = np.where(drawn.happens("donation", shares.donation), donated, 0)


def _pension_cap(rules: IncomeTaxRules) -> Fen:
    try:
        return rules.personal_pension_cap.amount
    except InvalidInputError:  # there was none yet
        return Fen(0)


def name_of(number: int) -> str:
    """The name of a person, which nobody takes for somebody's."""
    return f"虚构人{number + 1:08d}"


def id_number_of(number: int) -> str:
    """A resident identity number with a true check digit, of an area that there is not; all differ."""
    born = _BORN + timedelta(days=number * _STEP % _DAYS)
    body = f"{_AREA}{born.year}{born.month:02d}{born.day:02d}{number // _DAYS:03d}"
    total = sum(map(mul, _WEIGHTS, map(int, body)))
    return body + _CHECK[total % 11]
