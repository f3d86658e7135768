"""How a result came about: one step a line, so that a person can follow and check it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from ecny_tax.money import Fen


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a computation: what it is, the amount in fen that it gave, and the rule it follows.

    A rate is part of the label; the citation is empty for what the taxpayer stated.
    """

    label: str
    label_zh: str
    amount: Fen
    citation: str = ""


@dataclass(frozen=True, slots=True)
class ExplainedTax:
    """A tax on one income, in fen: the rate is applied to ``taxable``; ``steps`` show how it came about."""

    taxable: Fen
    tax: Fen
    citation: str
    evidence: str
    steps: tuple[Step, ...]


def percent(rate: Fraction) -> str:
    """A rate as a step's label shows it: ``3 %``, ``16.8 %``."""
    number = Decimal(rate.numerator) * 100 / rate.denominator
    return f"{number.normalize():f} %"
