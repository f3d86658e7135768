"""``/v1/status``, ``/v1/errors`` and ``/v1/reset``: the sandbox as a whole."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter
from pydantic import Field

from ecny_tax.clock import parse_time
from ecny_tax.errors import catalogue
from ecny_tax.store.books import Status
from ecny_tax.web.calls import AnyCall, operation
from ecny_tax.web.hints import hint_of_code
from ecny_tax.web.problems import status_of_code
from ecny_tax.web.rights import Role
from ecny_tax.web.schemas import Body, list_model

router = APIRouter(tags=["sandbox"])


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """A code of a refusal: its class, its HTTP status, and what is said of it.

    In the sentences the values of a refusal stand in the place of `{…}`.
    """

    code: str
    error_class: str
    status: int
    detail_en: str
    detail_zh: str
    hint_en: str
    hint_zh: str


class Reset(Body):
    """How the fresh scheme is to begin."""

    seed: int | None = Field(
        None, ge=0, le=2**63 - 1, description="The same seed: the same ids.", examples=[1]
    )
    at: str | None = Field(
        None,
        max_length=64,
        description="When it begins, and its clock stands still: RFC 3339 or a date.  Default: the clock"
        " follows the system.",
        examples=["2023-04-20"],
    )


_ALL = (Role.AUDITOR, Role.OPERATOR, Role.TAX_AUTHORITY, Role.TREASURY, Role.TAXPAYER)


@operation(router, "GET", "/status", *_ALL, answer=Status)
def status(call: AnyCall) -> Status:
    """Show the time, how much e-CNY there is, how many records."""
    return call.sandbox.status()


@operation(router, "GET", "/errors", *_ALL, answer=list_model("errors", ErrorCode))
def errors(call: AnyCall) -> dict[str, object]:  # noqa: ARG001 - for whoever has a key
    """List every code that something can be refused with."""
    found = [
        ErrorCode(
            code=code,
            error_class=said["class"],
            status=status_of_code(code),
            detail_en=said["en"],
            detail_zh=said["zh"],
            hint_en=hint_of_code(code, "en"),
            hint_zh=hint_of_code(code, "zh"),
        )
        for code, said in catalogue().items()
    ]
    return {"errors": found}


@operation(router, "POST", "/reset", answer=Status, alone=True, may_fail=False)
def reset(call: AnyCall, asked: Reset | None = None) -> Status:
    """Throw away what the sandbox holds, and begin with a fresh scheme.

    API keys stay as they are, and so do the keys that the scheme signs with.  Requests that are running are
    waited for, new ones wait.  It is done as a whole or not at all.
    """
    wish = asked or Reset(seed=None, at=None)
    call.hub.start_anew(
        seed=None if wish.seed is None else str(wish.seed),
        at=None if wish.at is None else parse_time(wish.at),
    )
    return call.sandbox.status()
