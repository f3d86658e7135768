"""``/v1/taxes``: items, rules and worked cases; what a tax comes to stands in ``quotes``."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import Field, create_model

from ecny_tax.documents import Document, document
from ecny_tax.errors import InvalidInputError
from ecny_tax.rulebook.income_tax import MedicalRule, SpecialAdditional
from ecny_tax.rulebook.listing import FigureInForce, figures, first_day
from ecny_tax.rulebook.stamp_duty import Exemption
from ecny_tax.taxes.checking import CaseReport
from ecny_tax.taxes.stamp_duty import StampDutyItem
from ecny_tax.web.calls import AnyCall, operation
from ecny_tax.web.hints import hint_of
from ecny_tax.web.rights import Role
from ecny_tax.web.routes import quotes
from ecny_tax.web.schemas import Body, Day, answer_model, list_model, with_members

router = APIRouter(prefix="/taxes", tags=["taxes"])
router.include_router(quotes.router)

_EVERYBODY = (Role.AUDITOR, Role.OPERATOR, Role.TAX_AUTHORITY, Role.TREASURY, Role.TAXPAYER)
_MAX_CASES = 5_000
_OnDay = Annotated[Day | None, Query(description="The day (default: today).")]


_Deduction = answer_model(SpecialAdditional)
_Illness = with_members("IllnessInForce", MedicalRule, code=str, name_zh=str, name_en=str, paid=str)
_lists: dict[str, Any] = {
    "deductions": (list[_Deduction], ...),  # type: ignore[valid-type]
    "serious_illness": (_Illness | None, ...),
}
_Deductions = create_model("DeductionsInForce", **_lists)


class WorkedCases(Body):
    """Worked cases (算例); what is wrong with one of them is a mismatch like any other."""

    cases: list[Any] = Field(
        max_length=_MAX_CASES,
        description="Each has `id`, `kind`, `inputs` and `expected`; see docs/cases.md.",
        examples=[
            [
                {
                    "id": "heshan",
                    "kind": "stamp.document",
                    "inputs": {"date": "2023-04-20", "item": "sale_contract", "amount": "56666666.67"},
                    "expected": {"tax_per_party": "17000.00"},
                }
            ]
        ],
    )


@operation(router, "GET", "/stamp-duty/items", *_EVERYBODY, answer=list_model("items", StampDutyItem))
def items(call: AnyCall, on: _OnDay = None) -> dict[str, object]:
    """List the stamp duty items (税目) in force on a day.

    `each` is what a piece costs of an item that goes by the piece.
    """
    return {"items": call.sandbox.taxes.stamp_duty_items(on=on)}


@operation(router, "GET", "/stamp-duty/exemptions", *_EVERYBODY, answer=list_model("exemptions", Exemption))
def exemptions(call: AnyCall, on: _OnDay = None) -> dict[str, object]:
    """List the reasons of exemption from stamp duty (印花税免税) in force on a day."""
    return {"exemptions": call.sandbox.taxes.rules(on=on).stamp_duty.exemptions()}


@operation(router, "GET", "/deductions", *_EVERYBODY, answer=_Deductions)
def deductions(call: AnyCall, on: _OnDay = None) -> dict[str, object]:
    """List the special additional deductions (专项附加扣除) in force on a day."""
    law = call.sandbox.taxes.rules(on=on).income_tax
    found = [
        figure.value
        for figures in law.figures.special_additional.values()
        for figure in figures
        if figure.covers(law.day)
    ]
    try:
        medical: Document | None = document(law.medical) | _ILLNESS
    except InvalidInputError:  # there was none
        medical = None
    return {"deductions": found, "serious_illness": medical}


_ILLNESS = {"code": "medical", "name_zh": "大病医疗", "name_en": "Serious illness", "paid": "year"}


@operation(router, "GET", "/rules", *_EVERYBODY, answer=list_model("rules", FigureInForce))
def rules(call: AnyCall, on: _OnDay = None) -> dict[str, object]:
    """List every figure of the rulebook (规则) in force on a day, with its source and evidence mark."""
    asked = call.sandbox.taxes.rules(on=on)
    found = figures(asked.book, asked.day)
    if not found:
        raise InvalidInputError("no_rules_on_date", date=asked.day, first=first_day(asked.book))
    return {"rules": found}


@operation(router, "POST", "/checks", *_EVERYBODY, answer=CaseReport)
def check(call: AnyCall, asked: WorkedCases) -> Response:
    """Run worked cases (算例) against the rules of this sandbox.

    The verdict is the answer: each mismatch, and how many cases passed and failed.
    """
    report = document(call.sandbox.taxes.check(asked.cases, hint=hint_of))
    # In ASCII: a mismatch shows what the case said, which may hold half a character.
    return Response(json.dumps(report), media_type="application/json")
