"""``/v1/taxes/quotes``: what a tax comes to, step by step; nothing is declared."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from ecny_tax.errors import InvalidInputError
from ecny_tax.money import NOTHING, Fen, yuan
from ecny_tax.taxes import stamp_duty_base as duty_base
from ecny_tax.taxes.checks import placed
from ecny_tax.taxes.household import Claim, HouseholdDeductions
from ecny_tax.taxes.income_tax import AnnualSettlement
from ecny_tax.taxes.stamp_duty import StampDutyQuote
from ecny_tax.taxes.steps import ExplainedTax
from ecny_tax.taxes.surcharges import SurchargeQuote
from ecny_tax.taxes.withholding import WageMonth, WageWithholding
from ecny_tax.web.calls import AnyCall, Call, operation
from ecny_tax.web.returns import AnnualReturnBody
from ecny_tax.web.rights import Role
from ecny_tax.web.routes import document_quotes
from ecny_tax.web.schemas import Body, Day, Yuan, YuanOrZero, list_model

router = APIRouter(prefix="/quotes", tags=["taxes"])
router.include_router(document_quotes.router)

_EVERYBODY = (Role.AUDITOR, Role.OPERATOR, Role.TAX_AUTHORITY, Role.TREASURY, Role.TAXPAYER)
_THIS_YEAR = Field(None, ge=2019, le=2100, description="The tax year (default: this year).")
#: More claims than any household has; each is compared with every other.
_MOST_CLAIMS = 500


class ForeignBase(Body):
    """What a document states in another currency (外币)."""

    amount_fx: str = Field(max_length=40, examples=["100000"])
    currency: str = Field(max_length=40, examples=["USD"])
    central_parity: str = Field(max_length=40, examples=["6.8987"], description="Yuan for one unit.")


class StampDutyAsked(Body):
    """One document; its base in yuan or another currency, or how many pieces it is."""

    model_config = ConfigDict(json_schema_extra={"example": {"item": "sale_contract", "base": "56666666.67"}})

    item: str = Field(max_length=64, examples=["sale_contract"])
    base: Yuan | None = Field(None, examples=["56666666.67"])
    foreign: ForeignBase | None = None
    pieces: int | None = Field(None, ge=1, le=10**9, description="For items taxed by the piece.")
    vat: YuanOrZero = Field(NOTHING, description="The VAT; the base is without it.")
    vat_listed_separately: bool = True
    amount_includes_vat: bool = Field(False, description="The VAT is part of what `base` says.")
    half_relief: bool = Field(False, description="Six taxes and two fees halved (六税两费减半).")
    taxpayer_kind: str | None = Field(None, max_length=64)
    exemption: str | None = Field(None, max_length=64)
    side: Literal["buy", "sell"] | None = Field(None, description="Of a securities trade.")
    on: Day | None = Field(None, description="The date of the document (default: today).")


class SurchargesAsked(Body):
    """VAT and consumption tax that were paid."""

    paid: Yuan
    place: str = Field("city", max_length=64, examples=["city", "town", "other"])
    half_relief: bool = False
    on: Day | None = None


class MonthPaid(Body):
    """What one employer pays for a month and takes into account."""

    month: int = Field(ge=1, le=12)
    wage: YuanOrZero
    social: YuanOrZero = NOTHING
    sad: YuanOrZero = NOTHING


class WagesAsked(Body):
    """The months of a year, in order."""

    months: list[MonthPaid] = Field(
        min_length=1, max_length=12, examples=[[{"month": 1, "wage": "30000", "social": "4500"}]]
    )
    tax_year: int | None = _THIS_YEAR
    first_wage_of_year: bool = False
    annual_60000_from_january: bool = False


class PaymentAsked(Body):
    """One payment that is no wage."""

    type: Literal["labour", "author", "royalty"]
    amount: YuanOrZero
    tax_year: int | None = _THIS_YEAR


class ClaimAsked(Body):
    """What one person of a household claims; `concerning` says which child, home or parents are meant."""

    item: str = Field(min_length=1, max_length=64, examples=["child_education"])
    person: str = Field("taxpayer", min_length=1, max_length=200)
    months: int = Field(12, ge=1, le=12)
    first_month: int = Field(1, ge=1, le=12)
    children: int = Field(1, ge=1, le=10**6)
    share: str = Field("1", max_length=40, examples=["0.5"])
    concerning: str = Field("", max_length=200)


class HouseholdAsked(Body):
    """The claims of a household in a year."""

    tax_year: int = Field(ge=2019, le=2100, examples=[2025])
    claims: list[ClaimAsked] = Field(
        min_length=1, max_length=_MOST_CLAIMS, examples=[[{"item": "child_education", "children": 2}]]
    )


class BusinessAsked(Body):
    """The taxable business income of a year."""

    taxable: YuanOrZero
    tax_year: int | None = _THIS_YEAR


class WageAsked(Body):
    """The wage of a month."""

    wage: YuanOrZero
    tax_year: int | None = _THIS_YEAR


class BonusAsked(Body):
    """A bonus for several months."""

    bonus: YuanOrZero
    tax_year: int | None = _THIS_YEAR


@operation(router, "POST", "/stamp-duty", *_EVERYBODY, answer=StampDutyQuote)
def stamp_duty(call: AnyCall, asked: StampDutyAsked) -> StampDutyQuote:
    """Quote the stamp duty (印花税) on one document."""
    return call.sandbox.taxes.quote_stamp_duty(
        item=asked.item,
        base=_base(call, asked),
        on=asked.on,
        half_relief=asked.half_relief,
        side=asked.side,
        pieces=asked.pieces,
        taxpayer_kind=asked.taxpayer_kind,
        exemption=asked.exemption,
    )


def _base(call: Call, asked: StampDutyAsked) -> Fen | duty_base.TaxBase | None:
    """The base that a document states, as the law has it where VAT or another currency plays a part."""
    if asked.base is not None and asked.foreign is not None:
        raise InvalidInputError("case_inputs_conflict", key="base", other="foreign")
    stated: Fen | duty_base.ForeignAmount
    if asked.foreign is not None:
        foreign = asked.foreign
        stated = duty_base.ForeignAmount(foreign.amount_fx, foreign.currency, foreign.central_parity)
    elif asked.base is not None:
        stated = yuan(asked.base)
        if not asked.vat:
            return stated
    else:
        if asked.vat:
            raise InvalidInputError("option_needs", option="vat", needed="base")
        return None
    return duty_base.of_document(
        call.sandbox.taxes.rules(on=asked.on),
        amount=stated,
        vat=asked.vat,
        vat_listed_separately=asked.vat_listed_separately,
        amount_includes_vat=asked.amount_includes_vat,
    )


@operation(router, "POST", "/income-tax", *_EVERYBODY, answer=AnnualSettlement)
def income_tax(call: AnyCall, asked: AnnualReturnBody) -> AnnualSettlement:
    """Quote the annual settlement (汇算清缴) that a return comes to, step by step.

    What is given stands for the tax authority's own record, as `assumption` says.
    """
    return call.sandbox.taxes.quote_income_tax(annual_return=asked.read())


@operation(router, "POST", "/surcharges", *_EVERYBODY, answer=list_model("surcharges", SurchargeQuote))
def surcharges(call: AnyCall, asked: SurchargesAsked) -> dict[str, object]:
    """Quote the surcharges (附加税费) on VAT and consumption tax; their rates are unverified."""
    found = call.sandbox.taxes.quote_surcharges(
        paid=yuan(asked.paid), place=asked.place, half_relief=asked.half_relief, on=asked.on
    )
    return {"surcharges": found}


@operation(router, "POST", "/wage-withholding", *_EVERYBODY, answer=WageWithholding)
def wage_withholding(call: AnyCall, asked: WagesAsked) -> WageWithholding:
    """Quote what is withheld on wages (预扣预缴), by the cumulative method."""
    months = []
    for place, given in enumerate(asked.months):
        with placed(f"months[{place}]"):
            months.append(WageMonth(given.month, given.wage, given.social, given.sad))
    return call.sandbox.taxes.quote_wage_withholding(
        months=months,
        tax_year=_year(call, asked.tax_year),
        first_wage_of_year=asked.first_wage_of_year,
        annual_60000_from_january=asked.annual_60000_from_january,
    )


@operation(router, "POST", "/payment-withholding", *_EVERYBODY, answer=ExplainedTax)
def payment_withholding(call: AnyCall, asked: PaymentAsked) -> ExplainedTax:
    """Quote what is withheld on one payment for labour, to an author or for royalties."""
    return call.sandbox.taxes.quote_payment_withholding(
        kind=asked.type, amount=asked.amount, tax_year=_year(call, asked.tax_year)
    )


@operation(router, "POST", "/deductions", *_EVERYBODY, answer=HouseholdDeductions)
def deductions(call: AnyCall, asked: HouseholdAsked) -> HouseholdDeductions:
    """Quote the special additional deductions (专项附加扣除) of a household in a year, claim by claim."""
    claims = [Claim(**given.model_dump()) for given in asked.claims]
    return call.sandbox.taxes.quote_deductions(claims=claims, tax_year=asked.tax_year)


@operation(router, "POST", "/business-income", *_EVERYBODY, answer=ExplainedTax)
def business_income(call: AnyCall, asked: BusinessAsked) -> ExplainedTax:
    """Quote the income tax on a year's business income (经营所得), before reliefs for sole traders."""
    return call.sandbox.taxes.quote_business_income(
        taxable=asked.taxable, tax_year=_year(call, asked.tax_year)
    )


@operation(router, "POST", "/non-resident-wage", *_EVERYBODY, answer=ExplainedTax)
def non_resident_wage(call: AnyCall, asked: WageAsked) -> ExplainedTax:
    """Quote the income tax on a non-resident's (非居民个人) wage of a month."""
    year = _year(call, asked.tax_year)
    return call.sandbox.taxes.quote_non_resident_wage(wage=asked.wage, tax_year=year)


@operation(router, "POST", "/non-resident-bonus", *_EVERYBODY, answer=ExplainedTax)
def non_resident_bonus(call: AnyCall, asked: BonusAsked) -> ExplainedTax:
    """Quote the income tax on a non-resident's (非居民个人) bonus for several months."""
    year = _year(call, asked.tax_year)
    return call.sandbox.taxes.quote_non_resident_bonus(bonus=asked.bonus, tax_year=year)


def _year(call: Call, tax_year: int | None) -> int:
    return call.sandbox.taxes.rules().day.year if tax_year is None else tax_year
