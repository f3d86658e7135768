"""``/v1/taxes/quotes/stamp-duty/…``: documents on more than one amount; nothing is declared."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from ecny_tax.money import NOTHING
from ecny_tax.taxes import stamp_duty_documents as documents
from ecny_tax.taxes.stamp_duty import StampDutyQuote
from ecny_tax.taxes.stamp_duty_documents import ItemAmount, Party, StampDutyAmendment, StampDutyTotal
from ecny_tax.web.calls import AnyCall, operation
from ecny_tax.web.rights import Role
from ecny_tax.web.schemas import Body, Day, YuanOrZero

router = APIRouter(prefix="/stamp-duty", tags=["taxes"])

_EVERYBODY = (Role.AUDITOR, Role.OPERATOR, Role.TAX_AUTHORITY, Role.TREASURY, Role.TAXPAYER)
_MOST = 1_000


class _Document(Body):
    half_relief: bool = Field(False, description="Six taxes and two fees halved (六税两费减半).")
    taxpayer_kind: str | None = Field(None, max_length=64)
    on: Day | None = Field(None, description="The date of the document (default: today).")


class AccountBookAsked(_Document):
    """A business account book (营业账簿)."""

    paid_in_capital: YuanOrZero = Field(description="实收资本（股本）.", examples=["1000000.00"])
    capital_reserve: YuanOrZero = Field(NOTHING, description="资本公积.")
    already_taxed: YuanOrZero = Field(NOTHING, description="The base that was taxed before.")


class EquityTransferAsked(_Document):
    """A deed transferring equity (股权转让书据)."""

    consideration: YuanOrZero = Field(examples=["500000.00"])
    portion_for_unpaid_subscribed_capital: YuanOrZero = Field(
        NOTHING, description="The listed part for subscribed capital that is not paid in."
    )


class DocumentAmount(Body):
    """A document, or a part of one."""

    item: str = Field(max_length=64, examples=["sale_contract"])
    amount: YuanOrZero = Field(examples=["100000.00"])


class MixedDocumentAsked(_Document):
    """One document with several items (同一应税凭证载有两个以上税目)."""

    parts: list[DocumentAmount] = Field(
        min_length=1,
        max_length=_MOST,
        examples=[
            [
                {"item": "sale_contract", "amount": "100000.00"},
                {"item": "transport_contract", "amount": "20000.00"},
            ]
        ],
    )
    separately_listed: bool = Field(description="The amounts are listed separately.", examples=[True])


class DocumentsAsked(_Document):
    """Several documents of one taxpayer."""

    documents: list[DocumentAmount] = Field(min_length=1, max_length=_MOST)


class PartyAmount(Body):
    """A party to a document, and the amount that concerns it."""

    amount: YuanOrZero = Field(examples=["100000.00"])
    half_relief: bool = False


class PartiesAsked(Body):
    """One document of several parties (两方以上当事人)."""

    item: str = Field(max_length=64, examples=["sale_contract"])
    parties: list[PartyAmount] = Field(min_length=1, max_length=_MOST)
    on: Day | None = Field(None, description="The date of the document (default: today).")


class AmendmentAsked(_Document):
    """A taxed document whose amount changes (变更), or that is not performed (未履行)."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"item": "sale_contract", "old_amount": "100000.00", "new_amount": "150000.00"}
        }
    )

    item: str = Field(max_length=64, examples=["sale_contract"])
    old_amount: YuanOrZero
    new_amount: YuanOrZero | None = Field(None, description="Not beside `not_performed`.")
    not_performed: bool = False
    signed_on: Day | None = Field(None, description="The day of the first signing, where it is not `on`.")


@operation(router, "POST", "/account-book", *_EVERYBODY, answer=StampDutyQuote)
def account_book(call: AnyCall, asked: AccountBookAsked) -> StampDutyQuote:
    """Quote the duty on a business account book (营业账簿): capital over what was taxed before."""
    return documents.account_book(
        call.sandbox.taxes.rules(on=asked.on),
        paid_in_capital=asked.paid_in_capital,
        capital_reserve=asked.capital_reserve,
        already_taxed=asked.already_taxed,
        half_relief=asked.half_relief,
        taxpayer_kind=asked.taxpayer_kind,
    )


@operation(router, "POST", "/equity-transfer", *_EVERYBODY, answer=StampDutyQuote)
def equity_transfer(call: AnyCall, asked: EquityTransferAsked) -> StampDutyQuote:
    """Quote the duty of each party to a transfer of equity (股权转让书据)."""
    return documents.equity_transfer(
        call.sandbox.taxes.rules(on=asked.on),
        consideration=asked.consideration,
        portion_for_unpaid_subscribed_capital=asked.portion_for_unpaid_subscribed_capital,
        half_relief=asked.half_relief,
        taxpayer_kind=asked.taxpayer_kind,
    )


@operation(router, "POST", "/mixed-document", *_EVERYBODY, answer=StampDutyTotal)
def mixed_document(call: AnyCall, asked: MixedDocumentAsked) -> StampDutyTotal:
    """Quote the duty on one document with several items.

    Listed separately, each at its own rate; else all of it at the highest rate among them.
    """
    return documents.mixed(
        call.sandbox.taxes.rules(on=asked.on),
        parts=_amounts(asked.parts),
        separately_listed=asked.separately_listed,
        half_relief=asked.half_relief,
        taxpayer_kind=asked.taxpayer_kind,
    )


@operation(router, "POST", "/several-documents", *_EVERYBODY, answer=StampDutyTotal)
def several_documents(call: AnyCall, asked: DocumentsAsked) -> StampDutyTotal:
    """Quote the duties on several documents of one taxpayer, each by itself."""
    return documents.multi(
        call.sandbox.taxes.rules(on=asked.on),
        documents=_amounts(asked.documents),
        half_relief=asked.half_relief,
        taxpayer_kind=asked.taxpayer_kind,
    )


@operation(router, "POST", "/several-parties", *_EVERYBODY, answer=StampDutyTotal)
def several_parties(call: AnyCall, asked: PartiesAsked) -> StampDutyTotal:
    """Quote the duty of each party to one document, on its own amount and with its own relief."""
    return documents.several_parties(
        call.sandbox.taxes.rules(on=asked.on),
        item=asked.item,
        parties=[Party(given.amount, given.half_relief) for given in asked.parties],
    )


@operation(router, "POST", "/amendment", *_EVERYBODY, answer=StampDutyAmendment)
def amendment(call: AnyCall, asked: AmendmentAsked) -> StampDutyAmendment:
    """Quote what a taxed document owes, or gets back, when its amount changes."""
    taxes = call.sandbox.taxes
    return documents.amendment(
        taxes.rules(on=asked.on),
        item=asked.item,
        old_amount=asked.old_amount,
        new_amount=asked.new_amount,
        not_performed=asked.not_performed,
        half_relief=asked.half_relief,
        taxpayer_kind=asked.taxpayer_kind,
        signed=None if asked.signed_on is None else taxes.rules(on=asked.signed_on),
    )


def _amounts(given: list[DocumentAmount]) -> list[ItemAmount]:
    return [ItemAmount(one.item, one.amount) for one in given]
