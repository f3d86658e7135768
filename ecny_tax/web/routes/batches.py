"""``/v1/batches``: signed files of debits and refunds (批量扣税、批量退税)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from fastapi import APIRouter
from fastapi.responses import Response, StreamingResponse
from pydantic import Field

from ecny_tax.documents import Document, document
from ecny_tax.errors import RejectedError
from ecny_tax.payments.batch_model import Batch, BatchProgress
from ecny_tax.web.calls import AnyCall, Call, Cursor, Limit, MoneyCall, Number, operation, page
from ecny_tax.web.limits import MAX_BODY
from ecny_tax.web.rights import Role
from ecny_tax.web.schemas import Body, Day, page_model, with_members

router = APIRouter(prefix="/batches", tags=["batches"])

_READERS = (Role.AUDITOR, Role.TAX_AUTHORITY, Role.TREASURY)
#: What else stands in the body that hands a file in.
_BESIDE = 1024


class WriteDebits(Body):
    """A batch of debits: the open bills that agreements on batch debits cover."""

    kind: Literal["debit"]
    authority: str | None = Field(None, max_length=11, description="Default: your own, or Heshan.")
    due_by: Day | None = Field(None, description="Only bills that are due by this day.")
    tax: Literal["stamp-duty", "income-tax", "other"] | None = None


class WriteRefunds(Body):
    """A batch of refunds: every application under review."""

    kind: Literal["refund"]
    authority: str | None = Field(None, max_length=11, description="Default: your own, or Heshan.")
    applied_by: Day | None = Field(None, description="Only what was applied for by this day.")


class HandIn(Body):
    """A batch to be carried out."""

    kind: Literal["debit", "refund"]
    content: str = Field(
        max_length=MAX_BODY,
        description="The file as it was written, to the last line feed.",
        examples=["the content that POST /v1/batches/files answered"],
    )


_Asked = Annotated[WriteDebits | WriteRefunds, Field(discriminator="kind")]


@operation(
    router, "POST", "/files", Role.TAX_AUTHORITY, answer=with_members("WrittenBatch", Batch, content=str)
)
def write(call: AnyCall, asked: _Asked) -> Document:
    """Write a batch, signed by its tax authority; nothing is moved, nor kept.

    Debits are the authority's open bills that a verified agreement on batch debits covers.  Refunds are
    those under review, which the signature approves.  POST /v1/batches carries the `content` out.
    """
    content = ""

    def deliver(pieces: Iterable[str]) -> None:
        nonlocal content
        content = _within_a_body(pieces)

    authority = _own(call, asked.authority)
    batch: Batch
    if isinstance(asked, WriteDebits):
        batch = call.sandbox.payments.write_batch(
            deliver=deliver, authority=authority, due_by=asked.due_by, tax=asked.tax
        )
    else:
        batch = call.sandbox.refunds.write_batch(
            deliver=deliver, authority=authority, applied_by=asked.applied_by
        )
    return document(batch) | {"content": content}


def _own(call: Call, authority: str | None) -> str | None:
    """The authority that writes: of a tax authority its own, and no other."""
    if call.party.role is not Role.TAX_AUTHORITY:
        return authority
    if authority not in (None, call.party.code):
        raise RejectedError("not_permitted", party=call.party.role)
    return call.party.code


def _within_a_body(pieces: Iterable[str]) -> str:
    """The whole text, when a body can bring it back: line feeds are two characters there."""
    parts, size = list[str](), _BESIDE
    for piece in pieces:
        size += len(piece) + piece.count("\n")
        if size > MAX_BODY:
            raise RejectedError("answer_too_large", limit=MAX_BODY)
        parts.append(piece)
    return "".join(parts)


@operation(router, "POST", "", Role.TAX_AUTHORITY, answer=BatchProgress, status=201)
def hand_in(call: MoneyCall, asked: HandIn) -> BatchProgress:
    """Carry a batch out, line by line.

    A line that is refused moves nothing and hinders no other: see the results.  A file that was handed in
    before, or was interrupted, is gone on with where it stopped, and never pays a line twice.
    """
    own = call.party.code if call.party.role is Role.TAX_AUTHORITY else None
    pays = call.sandbox.payments if asked.kind == "debit" else call.sandbox.refunds
    file = asked.content.encode()
    return call.once(lambda key: pays.pay_batch(file=file, idempotency_key=key, authority=own))


@operation(router, "GET", "", *_READERS, answer=page_model("batches", BatchProgress))
def list_(call: AnyCall, limit: Limit = 50, cursor: Cursor = None) -> dict[str, object]:
    """List batches that were handed in, oldest first."""
    payments = call.sandbox.payments
    return page(call, "batch", "batches", limit, cursor, lambda no: payments.batch(batch_no=no))


@operation(router, "GET", "/{batch_no}", *_READERS, answer=BatchProgress)
def show(call: AnyCall, batch_no: Number) -> BatchProgress:
    """Show how far a batch is carried out."""
    call.check_sees("batch", batch_no)
    return call.sandbox.payments.batch(batch_no=batch_no)


@operation(router, "GET", "/{batch_no}/results", *_READERS, answer=str, media_type="text/csv")
def results(call: AnyCall, batch_no: Number) -> Response:
    """Read what came of each line so far, as CSV with a line of names.

    Of debits: line, bill_no, amount, status, code, payment_no, receipt_no.  Of refunds: line, refund_no,
    amount, status, code.
    """
    call.check_sees("batch", batch_no)
    return StreamingResponse(
        _pieces(call.sandbox.payments.batch_results(batch_no=batch_no)), media_type="text/csv"
    )


def _pieces(results: Iterator[str]) -> Iterator[str]:
    """The first of them now: what is refused must be refused before an answer begins."""
    first = next(results)

    def all_of_them() -> Iterator[str]:
        yield first
        yield from results

    return all_of_them()
