"""What every figure and every rule file must be like, whatever it is about.

Import this only where a file is checked; see ``book.Rulebook`` for why reading does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta
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
    """What every figure carries.

    ``assumed`` names the keys that ``evidence`` does not speak for; ``after_lapse`` says that for some days
    before there was no such rule, where there had been one earlier.
    """

    effective_from: date
    effective_to: date | None = None
    citation: Text
    evidence: Evidence
    assumed: list[Code] = []
    after_lapse: bool = False
    note: Text | None = None

    @model_validator(mode="after")
    def _period_runs_forward(self) -> Self:
        if self.effective_to is not None and self.effective_to < self.effective_from:
            raise ValueError("effective_to lies before effective_from")
        return self


def conflict(figures: Iterable[Figure]) -> str | None:
    """Which figures of one thing overlap, or leave days without a rule in between; or ``None``."""
    last: dict[object, Figure] = {}
    for figure in sorted(figures, key=lambda figure: figure.effective_from):
        thing = identity(figure)
        before = last.get(thing)
        if before is not None:
            name = " ".join(map(str, thing)) or "the rule"
            if before.effective_to is None or figure.effective_from <= before.effective_to:
                return f"{name}: two rules from {figure.effective_from} on"
            if before.effective_to + timedelta(days=1) < figure.effective_from and not figure.after_lapse:
                return f"{name}: no rule between {before.effective_to} and {figure.effective_from}"
        last[thing] = figure
    return None


#: The keys that name what a figure speaks of, so that two periods of one thing compare.
NAMING = ("wallet_class", "code", "side", "case", "place")


def identity(figure: Figure | dict[str, object]) -> tuple[object, ...]:
    """What a figure, or its row, speaks of."""
    values = figure if isinstance(figure, dict) else figure.__dict__
    return tuple(values[key] for key in NAMING if values.get(key) is not None)


class RuleFile(Form):
    """A rule file: every list in it holds figures, of which at most one a thing is in force on a day, and one
    on every day from the first to the last."""

    @model_validator(mode="after")
    def _one_rule_a_day(self) -> Self:
        for table in type(self).model_fields:
            rows = getattr(self, table)
            figures = [row for row in rows if isinstance(row, Figure)] if isinstance(rows, list) else []
            if found := conflict(figures):
                raise ValueError(f"{table}: {found}")
        return self


class Convention(Figure):
    code: Code
    text_zh: Text
    text_en: Text


class Named(Figure):
    code: Code
    name_zh: Text
    name_en: Text
