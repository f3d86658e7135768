"""The rules in force on a day, looked up in the dated values of the rule files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import lru_cache

from ecny_tax.errors import InvalidInputError
from ecny_tax.rulebook import files
from ecny_tax.rulebook.files import in_force
from ecny_tax.rulebook.model import (
    Amount,
    BracketTable,
    CollectionItem,
    IncomeRatios,
    MedicalRule,
    Permission,
    Side,
    StampDutyRate,
    StampDutyRelief,
    WalletClass,
    YearlyWindow,
    Years,
    sources,
)


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules in force on ``day``.

    Every look-up raises ``InvalidInputError``: ``no_rule_on_date`` where the rulebook knows the thing but
    has no rule for that day, or a code of its own where it does not know the thing at all.
    """

    day: date

    # --- the scheme ---------------------------------------------------------------------------------

    def wallet_class(self, name: str) -> WalletClass:
        """A wallet class: ``I`` to ``IV``, or ``corporate`` (``wallet_class_unknown``)."""
        return _wallet_class(self.day, name)

    @property
    def fee_rate(self) -> Fraction:
        """What part of an amount is charged as a fee: 0."""
        return _fee_rate(self.day)

    # --- collection ---------------------------------------------------------------------------------

    def collection_item(self, code: str, *, case: str | None = None) -> CollectionItem:
        """A collection item, with the shares of ``case`` where the law sets a case apart.

        Cases are ``imports`` of 10101 and ``securities`` of 10111.  Raises ``tax_code_unknown``.
        """
        return _collection_item(self.day, code, case)

    def collection_items(self) -> tuple[CollectionItem, ...]:
        """Every collection item in force, by code, special cases apart."""
        return tuple(
            self.collection_item(code)
            for code, figures in files.collection_names().items()
            if any(figure.covers(self.day) for figure in figures)
        )

    @property
    def local_split(self) -> tuple[int, int, int]:
        """How the local share divides: weights of province, city and county."""
        return in_force("scheme.local_split", files.local_splits(), self.day)

    # --- stamp duty ---------------------------------------------------------------------------------

    def stamp_duty_rate(self, item: str, *, side: Side | None = None) -> StampDutyRate:
        """The rate of an item, or of one side of a securities transaction.

        Raises ``stamp_duty_item_unknown``, ``side_required`` and ``side_not_applicable``.
        """
        return _stamp_duty_rate(self.day, item, side)

    def stamp_duty_rates(self) -> tuple[StampDutyRate, ...]:
        """Every rate in force, in the order of the law's table."""
        return tuple(
            figure.value
            for figures in files.stamp_duty_rates().values()
            for figure in figures
            if figure.covers(self.day)
        )

    @property
    def stamp_duty_relief(self) -> StampDutyRelief:
        """The relief that halves the duty of small taxpayers (六税两费)."""
        return in_force("stamp_duty.relief", files.stamp_duty_reliefs(), self.day)

    # --- income tax on comprehensive income ---------------------------------------------------------

    @property
    def annual_brackets(self) -> BracketTable:
        """The rate table of a year."""
        return self._brackets("annual_brackets")

    @property
    def monthly_brackets(self) -> BracketTable:
        """The rate table of a month, which also finds the rate of a bonus taxed apart."""
        return self._brackets("monthly_brackets")

    def _brackets(self, table: str) -> BracketTable:
        return in_force(f"income_tax.{table}", files.brackets(table), self.day)

    @property
    def income_ratios(self) -> IncomeRatios:
        """Which part of each kind of income counts."""
        return in_force("income_tax.income_ratios", files.income_ratios(), self.day)

    @property
    def basic_deduction(self) -> Amount:
        """The basic deduction of a year (减除费用)."""
        figures = files.income_amounts("basic_deduction", "amount")
        return in_force("income_tax.basic_deduction", figures, self.day)

    @property
    def medical(self) -> MedicalRule:
        """The deduction for serious illness."""
        return in_force("income_tax.medical", files.medical(), self.day)

    @property
    def personal_pension_cap(self) -> Amount:
        """What may be paid into a personal pension (个人养老金) in a year and deducted."""
        figures = files.income_amounts("personal_pension", "cap")
        return in_force("income_tax.personal_pension", figures, self.day)

    @property
    def separate_bonus(self) -> Permission:
        """The choice of taxing a yearly bonus apart (全年一次性奖金单独计税)."""
        return in_force("income_tax.separate_bonus", files.separate_bonus(), self.day)

    @property
    def settlement_window(self) -> YearlyWindow:
        """When the year that ends is settled, in the year that follows (汇算清缴期)."""
        return in_force("income_tax.settlement_window", files.settlement_windows(), self.day)

    @property
    def claim_window(self) -> Years:
        """How long a refund may be claimed after the settlement window has closed."""
        return in_force("income_tax.claim_window", files.claim_windows(), self.day)


def on(day: date) -> Rules:
    """The rules in force on ``day``."""
    return Rules(day)


@lru_cache(maxsize=4096)
def _wallet_class(day: date, name: str) -> WalletClass:
    figures = files.wallet_classes().get(name)
    if figures is None:
        raise InvalidInputError("wallet_class_unknown", value=name)
    return in_force(f"wallets.classes.{name}", figures, day)


@lru_cache(maxsize=4096)
def _fee_rate(day: date) -> Fraction:
    return in_force("scheme.fees", files.fees(), day)


@lru_cache(maxsize=4096)
def _collection_item(day: date, code: str, case: str | None) -> CollectionItem:
    names, shares = files.collection_names().get(code), files.shares().get((code, case))
    if names is None or shares is None:
        raise InvalidInputError("tax_code_unknown", value=code if case is None else f"{code} ({case})")
    name = in_force(f"taxes.collection_items.{code}", names, day)
    share = in_force(f"taxes.shares.{code}", shares, day)
    citation, evidence = sources(name, share)
    return CollectionItem(
        code=code,
        name_zh=name.name_zh,
        name_en=name.name_en,
        central_weight=share.central,
        local_weight=share.local,
        citation=citation,
        evidence=evidence,
        budget_subject_zh=name.budget_subject_zh,
        budget_subject_en=name.budget_subject_en,
    )


@lru_cache(maxsize=4096)
def _stamp_duty_rate(day: date, item: str, side: Side | None) -> StampDutyRate:
    table = files.stamp_duty_rates()
    sides = [key[1] for key in table if key[0] == item]
    if not sides:
        raise InvalidInputError("stamp_duty_item_unknown", value=item)
    if side not in sides:
        if sides == [None]:
            raise InvalidInputError("side_not_applicable", item=item, value=side)
        raise InvalidInputError("side_required", item=item)
    what = f"stamp_duty.items.{item}" + (f".{side}" if side else "")
    return in_force(what, table[item, side], day)
