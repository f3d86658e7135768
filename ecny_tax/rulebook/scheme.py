"""What ``scheme.toml`` says: operators, and what a new simulation starts with."""

from __future__ import annotations

from dataclasses import dataclass

from ecny_tax.money import yuan
from ecny_tax.rulebook.figures import Row, read


@dataclass(frozen=True, slots=True)
class OperatorRule:
    """An operator (运营机构) and the two digits that stand for it in wallet ids."""

    code: str
    name_zh: str
    name_en: str
    digits: str


@dataclass(frozen=True, slots=True)
class OfficeRule:
    """The tax authority or the treasury that a new simulation has."""

    code: str
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class RefundReason:
    """Why a payment is refunded (退税原因); ``bears_interest`` where the taxpayer found an overpayment."""

    code: str
    name_zh: str
    name_en: str
    bears_interest: bool
    citation: str


class Scheme:
    """What a new simulation starts with: operators, the default authority, its treasury, opening balances."""

    def __init__(self, document: Row) -> None:
        self.operators = tuple(read(OperatorRule, row) for row in document["operators"])
        self.authority = read(OfficeRule, document["authority"])
        self.treasury = read(OfficeRule, document["treasury"])
        self.operator_reserve = yuan(document["opening"]["operator_reserve"])
        self.revenue_opening = yuan(document["opening"]["revenue"])
        self.refund_reasons = {row["code"]: read(RefundReason, row) for row in document["refund_reasons"]}
