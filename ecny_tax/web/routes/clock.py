"""``/v1/clock``: the simulated time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import APIRouter
from pydantic import Field

from ecny_tax.clock import parse_time
from ecny_tax.errors import InvalidInputError
from ecny_tax.web.calls import AnyCall, Call, operation
from ecny_tax.web.rights import Role
from ecny_tax.web.schemas import Body

router = APIRouter(prefix="/clock", tags=["clock"])

_MOST = 10**6


@dataclass(frozen=True, slots=True)
class ClockState:
    """The time in force; ``fixed`` where it stands still until it is moved."""

    now: datetime
    fixed: bool


class SetClock(Body):
    """A time at which the clock is to stand still."""

    at: str = Field(
        max_length=64,
        description="RFC 3339, or a date, which means 10:00 in Beijing.",
        examples=["2023-04-20T10:00:00+08:00", "2023-04-20"],
    )


class Advance(Body):
    """How far the clock is to go on; at least one part above zero."""

    days: int = Field(0, ge=0, le=_MOST, examples=[1])
    hours: int = Field(0, ge=0, le=_MOST)
    minutes: int = Field(0, ge=0, le=_MOST)
    seconds: int = Field(0, ge=0, le=_MOST)


_ALL = (Role.AUDITOR, Role.OPERATOR, Role.TAX_AUTHORITY, Role.TREASURY, Role.TAXPAYER)


@operation(router, "GET", "", *_ALL, answer=ClockState)
def show(call: AnyCall) -> ClockState:
    """Show the time in force."""
    return _state(call)


@operation(router, "PUT", "", answer=ClockState)
def set_(call: AnyCall, asked: SetClock) -> ClockState:
    """Let the clock stand still at a time.

    It does not go back before the newest transfer.
    """
    call.sandbox.clock.set(parse_time(asked.at))
    return _state(call)


@operation(router, "POST", "/advance", answer=ClockState)
def advance(call: AnyCall, asked: Advance) -> ClockState:
    """Let the clock go on, and stand still there."""
    step = timedelta(days=asked.days, hours=asked.hours, minutes=asked.minutes, seconds=asked.seconds)
    if not step:
        raise InvalidInputError("step_malformed")
    call.sandbox.clock.advance(step)
    return _state(call)


@operation(router, "POST", "/follow-system", answer=ClockState)
def follow_system(call: AnyCall) -> ClockState:
    """Let the clock follow the system again."""
    call.sandbox.clock.follow_system()
    return _state(call)


def _state(call: Call) -> ClockState:
    clock = call.sandbox.clock
    return ClockState(clock.now(), clock.is_fixed())
