"""The form of the rule files, strictly: what a file must hold before its figures may be used.

Import this only where a file is checked; see the package's docstring for why reading does not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date
from fractions import Fraction
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from ecny_tax.errors import InvalidInputError
from ecny_tax.money import yuan

Text = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=r"^\S(.*\S)?$")]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,40}$")]
Rate = Annotated[str, StringConstraints(pattern=r"^(0(\.[0-9]{1,8})?|1)$")]
Evidence = Literal["law", "published", "secondary", "code", "assumption", "unverified"]
MonthDay = Annotated[str, StringConstraints(pattern=r"^[0-9]{2}-[0-9]{2}$")]
Weight = Annotated[int, Field(ge=0, le=100)]


def _amount(text: str) -> str:
    if not re.fullmatch(r"[0-9]+(\.[0-9]{2})?", text):
        raise ValueError("an amount is digits, with two decimals or none")
    try:
        yuan(text)
    except InvalidInputError as error:
        raise ValueError(error.message()) from None
    return text


Yuan = Annotated[str, AfterValidator(_amount)]
Limit = Annotated[str, AfterValidator(lambda text: text if text == "unlimited" else _amount(text))]


class Form(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Figure(Form):
    """What every figure carries.  ``assumed`` names the keys that ``evidence`` does not speak for."""

    effective_from: date
    effective_to: date | None = None
    citation: Text
    evidence: Evidence
    assumed: list[Code] = []
    note: Text | None = None

    @model_validator(mode="after")
    def _period_runs_forward(self) -> Self:
        if self.effective_to is not None and self.effective_to < self.effective_from:
            raise ValueError("effective_to lies before effective_from")
        return self


def overlap(figures: Iterable[Figure], key: Callable[[Figure], object]) -> str | None:
    """Which two figures of one thing are in force on the same day, or ``None``."""
    last: dict[object, Figure] = {}
    for figure in sorted(figures, key=lambda figure: figure.effective_from):
        before = last.get(key(figure))
        if before is not None and (
            before.effective_to is None or figure.effective_from <= before.effective_to
        ):
            return f"{key(figure)}: two rules from {figure.effective_from} on"
        last[key(figure)] = figure
    return None


class RuleFile(Form):
    """A rule file: every list in it holds figures, of which at most one a thing is in force on a day."""

    @model_validator(mode="after")
    def _no_overlap(self) -> Self:
        for table in type(self).model_fields:
            rows = getattr(self, table)
            if isinstance(rows, list) and (found := overlap(rows, _identity)):
                raise ValueError(f"{table}: {found}")
        return self


def _identity(figure: Figure) -> object:
    """What a figure speaks of: the keys that name things, so that two periods of one thing compare."""
    return tuple(getattr(figure, key, None) for key in ("wallet_class", "code", "side", "case"))


class Convention(Figure):
    code: Code
    text_zh: Text
    text_en: Text


class Named(Figure):
    code: Code
    name_zh: Text
    name_en: Text


# --- stamp_duty.toml --------------------------------------------------------------------------------


class StampDutyItem(Named):
    side: Literal["buy", "sell"] | None = None
    rate: Rate
    base_zh: Text
    base_en: Text


class Relief(Named):
    factor: Rate
    not_for: list[Code]
    for_zh: Text
    for_en: Text


class StampDuty(RuleFile):
    items: list[StampDutyItem]
    relief: list[Relief]


# --- income_tax.toml --------------------------------------------------------------------------------


class BracketLine(Form):
    up_to: Yuan | None = None
    rate: Rate
    quick_deduction: Yuan


class Brackets(Figure):
    brackets: Annotated[list[BracketLine], Field(min_length=1)]

    @model_validator(mode="after")
    def _lines_meet(self) -> Self:
        """Bounds and rates rise, only the last line is open, and the tax has no jump at a bound."""
        *bounded, last = self.brackets
        if last.up_to is not None or any(line.up_to is None for line in bounded):
            raise ValueError("the last bracket, and no other, is without up_to")
        for line, following in zip(self.brackets, self.brackets[1:], strict=False):
            step = Fraction(following.rate) - Fraction(line.rate)
            bound = Fraction(line.up_to or 0)
            rise = Fraction(following.quick_deduction) - Fraction(line.quick_deduction)
            if step <= 0 or bound <= 0 or rise != step * bound:
                raise ValueError(f"the brackets do not meet at {line.up_to}")
        if Fraction(self.brackets[0].quick_deduction) != 0:
            raise ValueError("the first bracket has no quick deduction")
        return self


class IncomeRatios(Figure):
    wages: Rate
    labour: Rate
    royalty: Rate
    author: Rate


class Deduction(Figure):
    amount: Yuan


class Medical(Figure):
    threshold: Yuan
    cap: Yuan


class Cap(Figure):
    cap: Yuan


class Window(Figure):
    opens: MonthDay
    closes: MonthDay

    @model_validator(mode="after")
    def _days_exist_in_every_year(self) -> Self:
        first, last = (date.fromisoformat(f"2023-{text}") for text in (self.opens, self.closes))
        if last < first:
            raise ValueError("the window closes before it opens")
        return self


class ClaimWindow(Figure):
    years: Annotated[int, Field(ge=1, le=30)]


class IncomeTax(RuleFile):
    annual_brackets: list[Brackets]
    monthly_brackets: list[Brackets]
    income_ratios: list[IncomeRatios]
    basic_deduction: list[Deduction]
    medical: list[Medical]
    personal_pension: list[Cap]
    separate_bonus: list[Figure]
    settlement_window: list[Window]
    claim_window: list[ClaimWindow]
    conventions: list[Convention] = []


# --- taxes.toml -------------------------------------------------------------------------------------


class CollectionItem(Named):
    code: Annotated[str, StringConstraints(pattern=r"^[0-9]{5}$")]
    budget_subject_zh: Text
    budget_subject_en: Text


class Share(Figure):
    code: Annotated[str, StringConstraints(pattern=r"^[0-9]{5}$")]
    case: Code | None = None
    central: Weight
    local: Weight

    @model_validator(mode="after")
    def _shares_make_a_whole(self) -> Self:
        if self.central + self.local != 100:
            raise ValueError("central and local add up to 100")
        return self


class Taxes(RuleFile):
    collection_items: list[CollectionItem]
    shares: list[Share]


# --- wallets.toml -----------------------------------------------------------------------------------


class WalletClass(Figure):
    wallet_class: Literal["I", "II", "III", "IV", "corporate"]
    level_code: Code | None = None
    name_zh: Text
    name_en: Text
    cap: Limit
    single: Limit
    day: Limit
    year: Limit
    minimum_age: Annotated[int, Field(ge=0, le=150)] | None = None


class WalletType(Named):
    kind: Code


class Wallets(RuleFile):
    classes: list[WalletClass]
    types: list[WalletType]
    conventions: list[Convention] = []


# --- scheme.toml ------------------------------------------------------------------------------------


class Authority(Named):
    code: Annotated[str, StringConstraints(pattern=r"^[0-9]{11}$")]


class Treasury(Named):
    code: Annotated[str, StringConstraints(pattern=r"^[0-9]{10}$")]


class Opening(Figure):
    operator_reserve: Yuan
    revenue: Yuan


class Fee(Figure):
    rate: Rate


class LocalSplit(Figure):
    province: Weight
    city: Weight
    county: Weight

    @model_validator(mode="after")
    def _shares_make_a_whole(self) -> Self:
        if self.province + self.city + self.county != 100:
            raise ValueError("province, city and county add up to 100")
        return self


class Operator(Named):
    code: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,12}$")]
    digits: Annotated[str, StringConstraints(pattern=r"^[0-9]{2}$")]


class SchemeFile(RuleFile):
    authority: Authority
    treasury: Treasury
    opening: Opening
    fees: list[Fee]
    local_split: list[LocalSplit]
    operators: list[Operator]
    refund_reasons: list[Named]

    @model_validator(mode="after")
    def _digits_are_unique(self) -> Self:
        digits = [operator.digits for operator in self.operators]
        if len(set(digits)) != len(digits):
            raise ValueError("two operators share their digits")
        return self


#: The form of each rule file, by its name without ``.toml``.
FILES: dict[str, type[RuleFile]] = {
    "stamp_duty": StampDuty,
    "income_tax": IncomeTax,
    "taxes": Taxes,
    "wallets": Wallets,
    "scheme": SchemeFile,
}
