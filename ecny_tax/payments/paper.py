"""What an official paper says, in both languages: one form for every kind; ``printing`` writes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from ecny_tax.clock import BEIJING
from ecny_tax.money import Fen, capital_numerals, yuan_text
from ecny_tax.parties.model import ERASED, ERASED_ZH
from ecny_tax.taxes.steps import Step


class Both(NamedTuple):
    """A text in both languages."""

    zh: str
    en: str


#: A text in both languages, or one that is the same in either: a number, or what a user wrote.
Text = Both | str

LEVELS = {
    "central": Both("中央", "Central"),
    "province": Both("省", "Province"),
    "city": Both("市", "City"),
    "county": Both("县", "County"),
}


@dataclass(frozen=True, slots=True)
class Paper:
    """What is printed: fields of a label and the parts of its value, then a table.

    Of the table, the last column is the amount.  ``notice`` is what must not be overlooked, such as that a
    payment was reversed; empty where there is nothing.  ``steps`` say how the amount came about, where that
    was asked for.
    """

    title: Both
    notice: Text
    fields: tuple[tuple[Both, tuple[Text, ...]], ...]
    columns: tuple[Both, ...]
    lines: tuple[tuple[Text, ...], ...]
    steps: tuple[tuple[Text, ...], ...] = ()


STEPS = Both("计算过程", "How it was computed")
STEP_COLUMNS = (Both("步骤", "Step"), Both("依据", "Rule"), Both("金额", "Amount"))


def explained(paper: Paper, steps: Sequence[Step]) -> Paper:
    """The paper with a table of how its amount came about."""
    lines = (
        (Both(step.label_zh, step.label), step.citation, yuan_text(step.amount, grouped=True))
        for step in steps
    )
    return replace(paper, steps=tuple(lines))


def holder(name: str) -> tuple[Text, ...]:
    """The name of a wallet's holder; class IV wallets have none."""
    return identified(name) if name else (Both("（匿名钱包）", "(nameless wallet)"),)


def identified(value: str) -> tuple[Text, ...]:
    """A name or number, or what stands for one that was erased."""
    return (Both(ERASED_ZH, ERASED) if value == ERASED else value,)


def amount_fields(amount: Fen) -> tuple[tuple[Both, tuple[Text, ...]], ...]:
    """An amount as bank vouchers have it: in figures, and in capital Chinese numerals."""
    return (
        (Both("金额（小写）", "Amount"), (f"¥{yuan_text(amount, grouped=True)}",)),
        (Both("金额（大写）", "Amount in capitals"), (f"人民币{capital_numerals(amount)}",)),
    )


def coded(name: Both, code: str) -> tuple[Text, ...]:
    """The name of an institution with its code."""
    return name, Both(f"（{code}）", f"({code})")


def moment(at: datetime) -> tuple[Text, ...]:
    """A time as people write it, to the second."""
    return f"{at.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}", Both("（北京时间）", "(Beijing time)")
