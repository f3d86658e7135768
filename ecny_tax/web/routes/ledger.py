"""``/v1/ledger``: accounts, transfers, verification, proofs, export."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import IO, Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from ecny_tax.clock import parse_end
from ecny_tax.errors import NotFoundError, UnavailableError, VerificationError
from ecny_tax.ledger.checkpoint import read_checkpoint
from ecny_tax.store.books import AccountBalance, JournalEntry, LedgerVerification
from ecny_tax.web.calls import AnyCall, Call, Cursor, Limit, Number, operation, page, page_after
from ecny_tax.web.rights import Role
from ecny_tax.web.schemas import Body, page_model

router = APIRouter(prefix="/ledger", tags=["ledger"])

_ALL = (Role.AUDITOR, Role.OPERATOR, Role.TAX_AUTHORITY, Role.TREASURY, Role.TAXPAYER)
_BROKEN = {422: "The log does not verify."}
_PAYMENT = "P"
_BLOCK = 64 * 1024
_MAX_NOTE = 4096


@dataclass(frozen=True, slots=True)
class SealedState:
    """The newest checkpoint of the transparency log; ``note`` is what the ledger's key signed."""

    origin: str
    size: int
    root_hash: str
    note: str


class Proof(BaseModel):
    """What `ecny-tax ledger verify` takes as a file, and everybody can check with the published keys."""

    model_config = ConfigDict(extra="forbid")

    format: str
    path: list[str] = Field(description="Hashes, in hex digits.")
    checkpoint: str


class ProofOfInclusion(Proof):
    """That a transfer is in the log: `record` is leaf `index` of the tree of `checkpoint`."""

    kind: Literal["inclusion"]
    record: str
    index: int


class ProofOfConsistency(Proof):
    """That the log of `checkpoint` only added to that of `earlier`."""

    kind: Literal["consistency"]
    earlier: str


class VerifyProof(Body):
    """What is to be verified beside the ledger itself."""

    signatures: bool = Field(
        False, description="What authorised each payment, and every voucher, too.", examples=[True]
    )
    checkpoint: str | None = Field(
        None,
        max_length=_MAX_NOTE,
        description="The `note` of one that was kept: the ledger must go on from it.",
    )


class Since(Body):
    """An earlier state of the log."""

    checkpoint: str = Field(
        max_length=_MAX_NOTE,
        description="The `note` of a checkpoint that was kept.",
        examples=["the note that GET /v1/ledger/checkpoint answered"],
    )


_At = Annotated[
    str | None,
    Query(
        max_length=64, description="As it stood then, the whole day where it is a date: RFC 3339 or a date."
    ),
]


@operation(router, "GET", "/accounts", Role.AUDITOR, answer=page_model("accounts", AccountBalance))
def accounts(call: AnyCall, limit: Limit = 50, cursor: Cursor = None, at: _At = None) -> dict[str, object]:
    """List the accounts with their counters, in the order of opening."""
    moment, ledger = None if at is None else parse_end(at), call.sandbox.ledger
    return page(call, "account", "accounts", limit, cursor, lambda name: ledger.account(name=name, at=moment))


@operation(router, "GET", "/transfers", Role.AUDITOR, answer=page_model("transfers", JournalEntry))
def transfers(call: AnyCall, limit: Limit = 50, cursor: Cursor = None) -> dict[str, object]:
    """List the transfers of the journal, oldest first."""
    ledger = call.sandbox.ledger

    def load(after: int, count: int) -> list[tuple[int, object]]:
        return [(one.seq, one) for one in ledger.transfers(after=after, limit=count)]

    return page_after("transfers", limit, cursor, load)


@operation(router, "POST", "/verifications", Role.AUDITOR, answer=LedgerVerification)
def verify(call: AnyCall, asked: VerifyProof | None = None) -> LedgerVerification:
    """Verify the whole ledger.

    Every balance is derived anew, every record compared with the sealed log, every promise checked.  `ok` is
    the verdict.  Nobody waits for it, but it takes its time.
    """
    wish = asked or VerifyProof(signatures=False, checkpoint=None)
    note = None if wish.checkpoint is None else read_checkpoint(wish.checkpoint).note
    with call.hub.long_read() as sandbox:
        found = sandbox.ledger.verify()
        if wish.signatures:
            more = (sandbox.payments.check_authorisations(), sandbox.offline.check_vouchers())
            found = replace(
                found, ok=found.ok and all(check.ok for check in more), checks=found.checks + more
            )
    if note is not None:
        try:
            call.sandbox.ledger.check_continues(note=note)
        except VerificationError as error:
            if error.code not in ("log_truncated", "history_forked"):
                raise
            found = replace(found, ok=False)
    return found


@operation(router, "GET", "/checkpoint", *_ALL, answer=SealedState, also=_BROKEN)
def checkpoint(call: AnyCall) -> SealedState:
    """Seal what is committed, and show the newest checkpoint: keep it, to see later that history stands."""
    found = call.sandbox.ledger.checkpoint()
    return SealedState(found.origin, found.size, found.root.hex(), found.note)


@operation(router, "GET", "/inclusion-proofs/{number}", *_ALL, answer=ProofOfInclusion, also=_BROKEN)
def prove_inclusion(call: AnyCall, number: Number) -> dict[str, object]:
    """Prove that a payment, or a transfer by its id, is in the log.

    By the id of a transfer only for the auditor.
    """
    transfer_id = number
    if number.startswith(_PAYMENT):
        call.check_sees("payment", number)
        transfer_id = call.sandbox.payments.transfer_id(payment_no=number)
    elif not call.is_everybodys:
        raise NotFoundError("transfer_not_found", transfer_id=number)
    found: dict[str, object] = json.loads(call.sandbox.ledger.prove(transfer_id=transfer_id).to_json())
    return found


@operation(router, "POST", "/consistency-proofs", *_ALL, answer=ProofOfConsistency)
def prove_consistency(call: AnyCall, asked: Since) -> dict[str, object]:
    """Prove that the log only grew since a checkpoint."""
    earlier = read_checkpoint(asked.checkpoint)
    found: dict[str, object] = json.loads(call.sandbox.ledger.prove_consistency(earlier=earlier).to_json())
    return found


@operation(
    router, "GET", "/export.jsonl", Role.AUDITOR, answer=str, media_type="application/jsonl", also=_BROKEN
)
def export_jsonl(call: AnyCall) -> StreamingResponse:
    """Take the ledger away as JSON lines, which `ecny-tax ledger import` takes back."""
    return _export(call, "jsonl", "application/jsonl")


@operation(router, "GET", "/export.csv", Role.AUDITOR, answer=str, media_type="text/csv", also=_BROKEN)
def export_csv(call: AnyCall) -> StreamingResponse:
    """Take the ledger away as CSV."""
    return _export(call, "csv", "text/csv")


@operation(
    router, "GET", "/export.beancount", Role.AUDITOR, answer=str, media_type="text/plain", also=_BROKEN
)
def export_beancount(call: AnyCall) -> StreamingResponse:
    """Take the ledger away as a Beancount file."""
    return _export(call, "beancount", "text/plain")


def _export(call: Call, format_: str, media_type: str) -> StreamingResponse:
    """Written to a file first: whoever reads slowly then holds up nobody, nor a reset, and gets it whole."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed when it was read
    try:
        with call.hub.long_read() as sandbox:
            file.writelines(line.encode() for line in sandbox.ledger.export(format=format_))
        size = file.tell()
        file.seek(0)
    except OSError as error:
        file.close()
        raise UnavailableError("disk_full", path=tempfile.gettempdir()) from error
    except BaseException:
        file.close()
        raise
    headers = {"Content-Length": str(size)}
    return StreamingResponse(_blocks(file), media_type=media_type, headers=headers)


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while block := file.read(_BLOCK):
            yield block
