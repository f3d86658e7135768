"""``/healthz`` and ``/readyz``: whether the process runs, and whether it can serve.  They need no key."""

from __future__ import annotations

from typing import Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from ecny_tax.errors import EcnyTaxError, UnavailableError
from ecny_tax.store.migrations import newest_version
from ecny_tax.web.hub import Hub
from ecny_tax.web.problems import PROBLEM_CONTENT

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The process answers."""

    model_config = ConfigDict(extra="forbid")

    status: str = Field(examples=["ok"])


class Readiness(BaseModel):
    """The database answers, its tables are the newest, and its log is whole."""

    model_config = ConfigDict(extra="forbid")

    status: str = Field(examples=["ready"])
    schema_version: int
    sealed: int = Field(description="Records of the transparency log that the newest checkpoint seals.")


_PROBLEM: dict[str, Any] = {"content": PROBLEM_CONTENT}
_MALFORMED: dict[int | str, dict[str, Any]] = {
    400: {**_PROBLEM, "description": "The request has a body that cannot be read."},
    408: {**_PROBLEM, "description": "The body did not arrive in time."},
    413: {**_PROBLEM, "description": "The body is too large."},
    415: {**_PROBLEM, "description": "The body is not JSON."},
}


@router.get("/healthz", operation_id="healthz", responses={**_MALFORMED}, summary="Whether the process runs")
async def healthz() -> Health:
    """It looks at nothing, so that it answers also where the database does not."""
    return Health(status="ok")


@router.get(
    "/readyz",
    operation_id="readyz",
    summary="Whether requests can be served",
    responses={**_MALFORMED, 503: {**_PROBLEM, "description": "Not ready; `what` says why."}},
)
async def readyz(request: Request) -> Readiness:
    """The store answers, its tables are those of this program, the newest checkpoint bears the ledger's
    signature, and the log agrees with it."""
    hub: Hub = request.app.state.hub
    # Said at once, and looked at in a thread of its own: requests that wait may have taken all others.
    if hub.gate.is_shut:
        raise UnavailableError("not_ready", what="sandbox_busy")
    return await to_thread.run_sync(_readiness, hub, limiter=CapacityLimiter(1))


def _readiness(hub: Hub) -> Readiness:
    """Raises ``UnavailableError`` (``not_ready``)."""
    with hub.gate.shared():
        sandbox = hub.sandbox
        try:
            version = sandbox.store.schema_version()
            sealed = sandbox.ledger.check_head()
        except EcnyTaxError as error:
            raise UnavailableError("not_ready", what=error.code) from error
    if version != newest_version():
        raise UnavailableError("not_ready", what="schema_version")
    return Readiness(status="ready", schema_version=version, sealed=sealed)
