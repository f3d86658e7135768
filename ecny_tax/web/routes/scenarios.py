"""``/v1/scenarios``: seeded stories to play."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import Field

from ecny_tax.web import stories
from ecny_tax.web.calls import AnyCall, Number, operation
from ecny_tax.web.schemas import Body, list_model
from ecny_tax.web.stories import Played, Scenario

router = APIRouter(prefix="/scenarios", tags=["scenarios"])

_FEWEST, _MOST = 100, 5000


class Play(Body):
    """Which run of a scenario it is to be; the same seed makes the same records."""

    seed: int = Field(1, ge=0, le=2**63 - 1, examples=[1])
    reset: bool = Field(False, description="Throw away what the sandbox holds, first.", examples=[True])
    people: int = Field(
        500, ge=_FEWEST, le=_MOST, description="Of `refund-season`: how many file a return.", examples=[100]
    )


@operation(router, "GET", "", answer=list_model("scenarios", Scenario))
def list_(call: AnyCall) -> dict[str, object]:
    """List the scenarios."""
    return {"scenarios": stories.scenarios(call.sandbox.store.rulebook)}


@operation(router, "POST", "/{name}", answer=Played, alone=True)
def play(call: AnyCall, name: Number, asked: Play) -> Played:
    """Play a scenario.

    It needs a sandbox without wallets, which has not gone past its time and where no failure of a debit or
    refund waits, unless `reset` is true.  Other requests wait meanwhile; the clock stands still where it
    ends.  What comes to pass, and what the records are called, follows from `seed`.
    """
    found = stories.scenario(call.sandbox.store.rulebook, name)
    if asked.reset:
        call.hub.start_anew(seed=None, at=found.begins)
    return stories.play(call.sandbox, found, stories.Wish(asked.seed, asked.people))
