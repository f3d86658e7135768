"""``/v1/instruments``, ``/v1/traces``, ``/v1/freezes`` …, ``/v1/accesses``: lawful access (依法可溯)."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import ConfigDict, Field

from ecny_tax.clock import parse_end, parse_start
from ecny_tax.crypto.signatures import MAX_DOCUMENT_BYTES
from ecny_tax.documents import document
from ecny_tax.errors import RejectedError
from ecny_tax.oversight.drawing import as_svg
from ecny_tax.oversight.model import Access, Identification, Instrument, InstrumentCheck, Trace
from ecny_tax.wallets.model import Wallet
from ecny_tax.web.calls import AnyCall, Call, Cursor, Limit, operation, paged, place_of
from ecny_tax.web.rights import Role
from ecny_tax.web.schemas import Body, page_model

router = APIRouter(tags=["oversight"])

_MAX_TEXT = 4 * MAX_DOCUMENT_BYTES // 3 + 8
#: What an instrument is sent as.
Document = Annotated[
    str,
    Field(
        max_length=_MAX_TEXT,
        description="The signed instrument in standard base64, as issuing it answered.",
        examples=["0oRYKg=="],
    ),
]
_Time = Annotated[
    str, Field(max_length=40, description="RFC 3339, or a day.", examples=["2023-04-20T10:00:00+08:00"])
]


class NewInstrument(Body):
    """What a court or a public security organ orders."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "issuer": "court:CT440784",
                "case_no": "(2023)粤0784刑初17号",
                "kind": "freeze",
                "wallets": ["0021234567890124"],
                "expires_at": "2030-12-31",
            }
        }
    )

    issuer: str = Field(max_length=100, examples=["court:CT440784"])
    case_no: str = Field(
        max_length=200, description="It is logged, so without any name.", examples=["(2023)粤0784刑初17号"]
    )
    kind: Literal["trace", "identity", "freeze", "unfreeze"]
    wallets: list[Annotated[str, Field(max_length=32, examples=["0021234567890124"])]] = Field(
        min_length=1, max_length=1000
    )
    expires_at: _Time = Field(description="A day means its end.")
    window_from: _Time | None = Field(None, description="Of a trace: the first day.")
    window_to: _Time | None = Field(None, description="Of a trace: the last day.")
    depth: int | None = Field(
        None, ge=-1000, le=1000, description="Of a trace: transfers one after the other, 1 to 10."
    )
    opens: Literal["phone", "identity"] | None = Field(
        None, description="What of the holders is opened; of a class IV wallet the phone."
    )
    follows: str | None = Field(
        None,
        max_length=64,
        description="Of an identity: the instrument that opened the phone; of an unfreeze: the freeze.",
    )
    issued_at: _Time | None = Field(None, description="Valid from then on (default: now).")


class Ordered(Body):
    """A wallet, and the instrument that orders what is asked; without one it is refused, and logged."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"wallet_id": "0021234567890124", "instrument": "0oRYKg=="}}
    )

    wallet_id: str = Field(max_length=32, examples=["0021234567890124"])
    instrument: Document | None = None


class TraceOrdered(Ordered):
    """Which way to follow the money."""

    direction: Literal["down", "up", "both"] = "both"


class Reading(Body):
    """An instrument to be read."""

    instrument: Document


@dataclass(frozen=True, slots=True)
class Issued:
    """An instrument as it was signed, and what it says."""

    document: str
    instrument: Instrument


@operation(router, "POST", "/instruments", answer=Issued, status=201)
def issue(call: AnyCall, asked: NewInstrument) -> Issued:
    """Sign a legal instrument (法律文书) as its issuer, whose part the sandbox plays, too."""
    oversight = call.sandbox.oversight
    signed = oversight.issue_instrument(
        issuer=asked.issuer,
        case_no=asked.case_no,
        kind=asked.kind,
        wallets=asked.wallets,
        expires_at=parse_end(asked.expires_at),
        window_from=None if asked.window_from is None else parse_start(asked.window_from),
        window_to=None if asked.window_to is None else parse_end(asked.window_to),
        depth=asked.depth,
        opens=asked.opens,
        follows=asked.follows,
        issued_at=None if asked.issued_at is None else parse_start(asked.issued_at),
    )
    said = oversight.read_instrument(instrument=signed).instrument
    return Issued(base64.b64encode(signed).decode("ascii"), said)


@operation(router, "POST", "/instruments/readings", Role.OPERATOR, answer=InstrumentCheck)
def read(call: AnyCall, asked: Reading) -> InstrumentCheck:
    """Show what an instrument orders, and whether its issuer signed it."""
    return call.sandbox.oversight.read_instrument(instrument=_bytes(asked.instrument))


@operation(router, "POST", "/traces", answer=Trace)
def trace(call: AnyCall, asked: TraceOrdered) -> Trace:
    """Follow the money of a wallet (溯源), as a legal instrument orders.

    It goes through the wallets of every operator, so no single one of them may do it.
    """
    return _trace(call, asked)


@operation(router, "POST", "/traces/drawings", answer=str, media_type="image/svg+xml")
def draw_trace(call: AnyCall, asked: TraceOrdered) -> Response:
    """Follow the money of a wallet, and draw where it went (SVG); it is logged as any trace."""
    return Response(as_svg(_trace(call, asked), call.language), media_type="image/svg+xml")


@operation(router, "POST", "/identifications", Role.OPERATOR, answer=Identification)
def identify(call: AnyCall, asked: Ordered) -> Identification:
    """Open who holds a wallet, as a legal instrument orders.

    An operator opens holders of its own wallets; who gave the same phone elsewhere is for the sandbox's
    admin to open, since it takes every operator's records.
    """
    order = _order(call, asked)
    if call.party.role is Role.OPERATOR and order is not None:
        said = call.sandbox.oversight.read_instrument(instrument=order).instrument
        if said.follows is not None:
            raise RejectedError("not_permitted", party=call.party.role)
    return call.sandbox.oversight.identify(wallet_id=asked.wallet_id, instrument=order)


@operation(router, "POST", "/freezes", Role.OPERATOR, answer=Wallet)
def freeze(call: AnyCall, asked: Ordered) -> Wallet:
    """Freeze a wallet (冻结), as a legal instrument orders, once: nothing goes out until it is lifted."""
    order = _order(call, asked)
    return call.sandbox.oversight.freeze(wallet_id=asked.wallet_id, instrument=order)


@operation(router, "POST", "/unfreezes", Role.OPERATOR, answer=Wallet)
def unfreeze(call: AnyCall, asked: Ordered) -> Wallet:
    """Lift the freeze that an instrument of its own issuer names (解除冻结), and no other."""
    order = _order(call, asked)
    return call.sandbox.oversight.unfreeze(wallet_id=asked.wallet_id, instrument=order)


@operation(router, "GET", "/accesses", Role.AUDITOR, answer=page_model("accesses", Access))
def accesses(
    call: AnyCall,
    wallet_id: Annotated[str | None, Query(max_length=32, description="Only of this one.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> dict[str, object]:
    """List who asked under law for what, and what came of it (查阅日志), oldest first."""
    found = call.sandbox.oversight.accesses(wallet_id=wallet_id, after=place_of(cursor), limit=limit + 1)
    return paged("accesses", limit, [(one.entry, document(one)) for one in found[:limit]], found)


def _trace(call: Call, asked: TraceOrdered) -> Trace:
    return call.sandbox.oversight.trace(
        wallet_id=asked.wallet_id, instrument=_order(call, asked), direction=asked.direction
    )


def _order(call: Call, asked: Ordered) -> bytes | None:
    """The instrument, of a wallet that the operator who asks has; admin's requests are logged all."""
    if not call.is_everybodys:
        call.check_sees("wallet", asked.wallet_id)
    return None if asked.instrument is None else _bytes(asked.instrument)


def _bytes(text: str) -> bytes:
    """The bytes of a document; of what is no base64 none, which the rules refuse, so that it is logged."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""
