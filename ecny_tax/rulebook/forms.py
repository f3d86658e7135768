"""What every figure and every rule file must be like, whatever it is about.

Import this only where a file is checked; see ``book.Rulebook`` for why reading does not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

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


#: The keys that name what a figure speaks of, so that two periods of one thing compare.
NAMING = ("wallet_class", "code", "side", "case", "place")


def identity(figure: Figure | dict[str, object]) -> tuple[object, ...]:
    """What a figure, or its row, speaks of."""
    values = figure if isinstance(figure, dict) else figure.__dict__
    return tuple(values[key] for key in NAMING if values.get(key) is not None)


def fault(table: str, figure: Figure, key: str, reason: str) -> PydanticCustomError:
    """A fault between figures, with its place: the file's own form would name only the file."""
    place = " / ".join(map(str, (table, *identity(figure), figure.effective_from, key)))
    return PydanticCustomError("rule_file", "{place}: {reason}", {"place": place, "reason": reason})


def check_periods(
    table: str, figures: Iterable[Figure], thing: Callable[[Figure], object] = identity
) -> None:
    """Figures of one thing do not overlap, nor leave days without a rule in between unless they say so."""
    last: dict[object, Figure] = {}
    for figure in sorted(figures, key=lambda figure: figure.effective_from):
        before, first = last.get(thing(figure)), figure.effective_from
        if before is not None:
            if before.effective_to is None or first <= before.effective_to:
                reason = f"two rules from {first} on: end the earlier one the day before"
                raise fault(table, figure, "effective_from", reason)
            if before.effective_to + timedelta(days=1) < first and not figure.after_lapse:
                gap = f"no rule between {before.effective_to} and {first}"
                raise fault(table, figure, "effective_from", f"{gap}: fill it, or say after_lapse = true")
        last[thing(figure)] = figure


def uncovered(figure: Figure, others: Iterable[Figure]) -> date | None:
    """The first day of a figure on which none of the others is in force."""
    day, end = figure.effective_from, figure.effective_to or date.max
    for other in sorted(others, key=lambda other: other.effective_from):
        if other.effective_from > day:
            break
        until = other.effective_to or date.max
        if until >= end:
            return None
        day = max(day, until + timedelta(days=1))
    return day


class RuleFile(Form):
    """A rule file: every list in it holds figures, of which at most one a thing is in force on a day, and one
    on every day from the first to the last."""

    @model_validator(mode="after")
    def _one_rule_a_day(self) -> Self:
        for table in type(self).model_fields:
            rows = getattr(self, table)
            figures = [row for row in rows if isinstance(row, Figure)] if isinstance(rows, list) else []
            check_periods(table, figures)
        return self


class Convention(Figure):
    code: Code
    text_zh: Text
    text_en: Text


class Named(Figure):
    code: Code
    name_zh: Text
    name_en: Text
