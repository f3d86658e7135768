"""What a webhook is, what it is told, and when it is tried again.

Times of webhooks are real: their receivers do not live in the simulation.  Only the ``timestamp`` of an event
is simulated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from ecny_tax.web.rights import Party
from ecny_tax.web.webhook_events import EventType

#: Seconds before each attempt, as the Standard Webhooks scheme recommends; the first is made at once.
SCHEDULE = (0.0, 5.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
#: What a webhook is sent when its owner asks for a test.
PING = "ping"
#: The answer of a receiver that wants nothing any more, and why its webhook is disabled then.
GONE_STATUS, GONE = 410, "gone"
KEY_REVOKED = "key_revoked"


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook: where its party is told of events.  ``reason`` says why it is disabled, where it is:
    ``gone``, since the receiver answered 410, or ``key_revoked``, of the API key that made it."""

    webhook_id: str
    url: str
    event_types: tuple[EventType, ...]
    created_at: datetime
    disabled_at: datetime | None
    reason: str | None
    party: Party = field(metadata={"internal": True})


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWebhook(Webhook):
    """A webhook that was just made, with the ``secret`` that its receiver verifies signatures with."""

    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class WebhookSecret:
    """What the receiver of a webhook verifies signatures with."""

    webhook_id: str
    secret: str = field(repr=False)


class DeliveryState(StrEnum):
    """Where an event stands: `waiting` for its first or next attempt; `delivered`; `failed`, when every
    attempt was made, or the receiver was gone; `cancelled`, since its webhook was disabled."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event on its way to a webhook.  ``record`` is the number of what it is about, ``attempts`` how many
    were made; ``last_status`` and ``last_error`` are of the last one."""

    event_id: str
    webhook_id: str
    type: str
    record: str
    state: DeliveryState
    attempts: int
    next_attempt_at: datetime | None
    last_status: int | None
    last_error: str | None
    told_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt: what the receiver answered after ``milliseconds``, or why no answer came."""

    number: int
    at: datetime
    milliseconds: int
    status: int | None
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryDetail(Delivery):
    """An event on its way to a webhook, with its ``body`` as sent and its newest attempts, oldest first."""

    body: str
    history: tuple[Attempt, ...]


class Told(NamedTuple):
    """An event as a webhook is to be told of it."""

    event_id: str
    type: str
    record: str
    body: str


class Waiting(NamedTuple):
    """An event that is to be sent, after so many attempts of this round."""

    event_id: str
    body: str
    round: int


def after_attempt(
    attempt: Attempt, made: int, schedule: Sequence[float]
) -> tuple[DeliveryState, datetime | None]:
    """What becomes of an event after an attempt, before which ``made`` others were, and when to try again."""
    if attempt.status is not None and 200 <= attempt.status < 300:
        return DeliveryState.DELIVERED, None
    if attempt.status == GONE_STATUS or made + 1 >= len(schedule):
        return DeliveryState.FAILED, None
    return DeliveryState.WAITING, attempt.at + timedelta(seconds=schedule[made + 1])
