"""The annual return as a request body, and what is said beside figures that rest on one."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ecny_tax.documents import Document, document
from ecny_tax.money import NOTHING
from ecny_tax.refunds.model import Refund
from ecny_tax.taxes.income_tax import ASSUMPTION, ASSUMPTION_ZH, AnnualReturn
from ecny_tax.taxes.model import Basis, Bill
from ecny_tax.web.schemas import Body, YuanOrZero, with_members


class AnnualReturnBody(Body):
    """An annual return (年度汇算申报): what one person received, may deduct, and had withheld in a year.

    Either the kinds of income with their deductions, or `base_taxable` and exactly one more income.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "tax_year": 2022,
                "wages": "150000.00",
                "social": "18000.00",
                "sad": "24000.00",
                "withheld": "3000.00",
            }
        }
    )

    tax_year: int = Field(ge=2019, le=2100, examples=[2022])
    wages: YuanOrZero = NOTHING
    labour: YuanOrZero = NOTHING
    author: YuanOrZero = NOTHING
    royalty: YuanOrZero = NOTHING
    social: YuanOrZero = NOTHING
    sad: YuanOrZero = NOTHING
    medical_self_pay: YuanOrZero = NOTHING
    personal_pension: YuanOrZero = NOTHING
    bonus: YuanOrZero = NOTHING
    bonus_mode: Literal["merge", "separate", "better"] = "merge"
    withheld: YuanOrZero = NOTHING
    base_taxable: YuanOrZero | None = None
    other_deductions: YuanOrZero = NOTHING
    donations: YuanOrZero = NOTHING
    donations_in_full: YuanOrZero = NOTHING
    withheld_properly: bool = True

    def read(self) -> AnnualReturn:
        """The return; raises ``InvalidInputError`` (``input_keys_conflict``)."""
        return AnnualReturn(**self.model_dump())


def assumed(record: type, name: str) -> type[BaseModel]:
    """The JSON form of a record with what is said of its basis."""
    return with_members(name, record, assumption=str | None, assumption_zh=str | None)


def with_assumption(record: Bill | Refund, **more: object) -> Document:
    """The record; where its annual return stands for the authority's record, that is said."""
    is_stated = record.basis is Basis.STATED
    said = (ASSUMPTION, ASSUMPTION_ZH) if is_stated else (None, None)
    return document(record) | dict(zip(("assumption", "assumption_zh"), said, strict=True)) | more
