"""What every figure and every rule file must be like, whatever it is about.

Import this only where a file is checked; see ``book.Rulebook`` for why reading does not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import date, timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from ecny_tax.errors import InvalidInputError, Said, short
from ecny_tax.money import yuan


def unfit(en: str, zh: str) -> PydanticCustomError:
    """What is wrong with a value, in both languages; where it stands, pydantic knows."""
    return PydanticCustomError("rule_file", "{reason}", {"reason": Said(en, zh)})


def quoted(value: object) -> str:
    """A value as it stands in a file."""
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{short(value)}"' if isinstance(value, str) else short(value)


def spelled(pattern: str, en: str, zh: str) -> BeforeValidator:
    """Text of this form; another value is refused in words, not by the pattern."""
    form = re.compile(pattern)

    def check(value: object) -> object:
        if not isinstance(value, str) or not form.fullmatch(value):
            raise unfit(f"{quoted(value)} is not {en}", f"{quoted(value)} 不是{zh}")
        return value

    return BeforeValidator(check)


Text = Annotated[
    str,
    spelled(
        r"\S(.{0,298}\S)?",
        "text in one line of 1 to 300 characters, without blanks around it",
        "单行的 1 至 300 个字符且首尾无空白的文本",
    ),
]
Code = Annotated[
    str,
    spelled(
        r"[A-Za-z0-9_]{1,40}",
        "a code of 1 to 40 letters, digits and underscores",
        "由 1 至 40 个字母、数字和下划线组成的代码",
    ),
]
Rate = Annotated[
    str,
    spelled(
        r"0(\.[0-9]{1,8})?|1",
        "a decimal string from 0 to 1 with at most eight decimals",
        "引号中的 0 至 1 之间、最多八位小数的数",
    ),
]
Evidence = Literal["law", "published", "secondary", "code", "assumption", "unverified"]
Weight = Annotated[int, Field(ge=0, le=100)]


def digits(count: int) -> BeforeValidator:
    """A number with so many digits, as text."""
    return spelled(rf"[0-9]{{{count}}}", f"a string of {count} digits", f"引号中的 {count} 位数字")


def _amount(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]+(\.[0-9]{2})?", value):
        raise unfit(
            f"{quoted(value)} is not an amount: a string of digits, with two decimals or none",
            f"{quoted(value)} 不是金额：应为引号中的数字，两位小数或无小数",
        )
    try:
        yuan(value)
    except InvalidInputError as error:
        raise unfit(error.message(), error.message("zh")) from None
    return value


def _month_day(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{2}-[0-9]{2}", value):
        with suppress(ValueError):
            date.fromisoformat(f"2023-{value}")
            return value
    raise unfit(
        f'{quoted(value)} is not a month and day that every year has, such as "03-01"',
        f'{quoted(value)} 不是每年都有的月日，例如 "03-01"',
    )


Yuan = Annotated[str, BeforeValidator(_amount)]
Limit = Annotated[str, BeforeValidator(lambda value: value if value == "unlimited" else _amount(value))]
MonthDay = Annotated[str, BeforeValidator(_month_day)]


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
            raise unfit("effective_to lies before effective_from", "effective_to 早于 effective_from")
        return self


#: The keys that name what a figure speaks of, so that two periods of one thing compare.
NAMING = ("wallet_class", "code", "side", "case", "place", "treasury")


def identity(figure: Figure | dict[str, object]) -> tuple[object, ...]:
    """What a figure, or its row, speaks of."""
    values = figure if isinstance(figure, dict) else figure.__dict__
    return tuple(values[key] for key in NAMING if values.get(key) is not None)


def fault(table: str, figure: Figure, key: str, en: str, zh: str) -> PydanticCustomError:
    """A fault between figures, with its place: the file's own form would name only the file."""
    place = " / ".join(map(str, (table, *identity(figure), figure.effective_from, key)))
    told = {"place": place, "reason": Said(en, zh)}
    return PydanticCustomError("rule_file", "{place}: {reason}", told)


def check_codes(table: str, figures: Iterable[Figure], key: str, known: Iterable[str]) -> None:
    """The code, or each of the codes, under a key is one of those that are known."""
    accepted = dict.fromkeys(known)
    for figure in figures:
        value = getattr(figure, key)
        for code in [value] if isinstance(value, str) else value:
            if code not in accepted:
                listed = " ".join(accepted)
                raise fault(
                    table, figure, key, f"{code} is none of: {listed}", f"{code} 不在下列代码之中：{listed}"
                )


def check_periods(
    table: str, figures: Iterable[Figure], thing: Callable[[Figure], object] = identity
) -> None:
    """Figures of one thing do not overlap, nor leave days without a rule in between unless they say so."""
    last: dict[object, Figure] = {}
    for figure in sorted(figures, key=lambda figure: figure.effective_from):
        before, first = last.get(thing(figure)), figure.effective_from
        if before is not None:
            if before.effective_to is None or first <= before.effective_to:
                raise fault(
                    table,
                    figure,
                    "effective_from",
                    f"two rules from {first} on: end the earlier one the day before",
                    f"自 {first} 起有两条规则：请使较早的一条止于前一日",
                )
            if before.effective_to + timedelta(days=1) < first and not figure.after_lapse:
                raise fault(
                    table,
                    figure,
                    "effective_from",
                    f"no rule between {before.effective_to} and {first}: fill it, or say after_lapse = true",
                    f"{before.effective_to} 与 {first} 之间没有规则：请补上，或写明 after_lapse = true",
                )
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


def meet(one: Figure, other: Figure) -> bool:
    """Whether there is a day on which both are in force."""
    end = min(one.effective_to or date.max, other.effective_to or date.max)
    return max(one.effective_from, other.effective_from) <= end


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
