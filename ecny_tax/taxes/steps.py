"""How a result came about: one step a line, so that a person can follow and check it."""

from __future__ import annotations

from dataclasses import dataclass

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
