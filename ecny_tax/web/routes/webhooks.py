"""``/v1/webhooks``: where events are sent, and what became of each."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from ecny_tax.documents import document
from ecny_tax.web import webhooks
from ecny_tax.web.calls import AnyCall, Cursor, Limit, Number, cursor_at, operation, place_of
from ecny_tax.web.rights import Role
from ecny_tax.web.schemas import Body, list_model, page_model
from ecny_tax.web.webhook_events import EventType
from ecny_tax.web.webhook_model import (
    Delivery,
    DeliveryDetail,
    DeliveryState,
    NewWebhook,
    Webhook,
    WebhookSecret,
)
from ecny_tax.web.webhook_sending import MAX_URL

router = APIRouter(prefix="/webhooks", tags=["webhooks"])

_EVERYBODY = (Role.AUDITOR, Role.OPERATOR, Role.TAX_AUTHORITY, Role.TREASURY, Role.TAXPAYER)
_Type = Annotated[EventType, Field(strict=False)]


class CreateWebhook(Body):
    """A webhook to be made."""

    url: str = Field(
        max_length=MAX_URL,
        description="An http:// or https:// address in ASCII, without user, password and fragment.",
        examples=["http://127.0.0.1:9000/webhooks"],
    )
    event_types: list[_Type] = Field(
        list(EventType),
        min_length=1,
        max_length=50,
        description="What to be told of; by default everything.",
        examples=[["payment.settled", "refund.updated"]],
    )


@operation(router, "POST", "", *_EVERYBODY, answer=NewWebhook, status=201)
def create(call: AnyCall, asked: CreateWebhook) -> NewWebhook:
    """Make a webhook.

    From now on it is told of events of these types, as far as the party sees the records, by the Standard
    Webhooks scheme: a POST of `{"type", "timestamp", "data"}` with the headers `webhook-id`,
    `webhook-timestamp` and `webhook-signature`, which is verified with `secret`.  `timestamp` in the body is
    simulated time; the header, and all times of webhooks and deliveries, are real.  An answer 2xx within 15
    seconds counts as delivered.  Otherwise it is sent again, under the same `webhook-id`, after 5 seconds, 5
    and 30 minutes, 2, 5, 10, 14, 20 and 24 hours; an event may come more than once, and before an older one.
    Redirects are not followed; 410 disables the webhook.  This is a sandbox: it sends to any address that it
    can reach, loopback included, so serve it to people that you trust with that.
    """
    return webhooks.create(
        call.sandbox, call.party, key_id=call.key_id, url=asked.url, event_types=asked.event_types
    )


@operation(router, "GET", "", *_EVERYBODY, answer=list_model("webhooks", Webhook))
def list_(call: AnyCall) -> dict[str, object]:
    """List the party's own webhooks, oldest first."""
    return {"webhooks": [document(one) for one in webhooks.list_(call.sandbox, call.party)]}


@operation(router, "GET", "/{webhook_id}", *_EVERYBODY, answer=Webhook)
def show(call: AnyCall, webhook_id: Number) -> Webhook:
    """Show a webhook."""
    return webhooks.show(call.sandbox, call.party, webhook_id)


@operation(router, "DELETE", "/{webhook_id}", *_EVERYBODY, answer=Webhook)
def delete(call: AnyCall, webhook_id: Number) -> Webhook:
    """Forget a webhook, with its deliveries."""
    return webhooks.delete(call.sandbox, call.party, webhook_id)


@operation(router, "GET", "/{webhook_id}/secret", *_EVERYBODY, answer=WebhookSecret)
def secret(call: AnyCall, webhook_id: Number) -> WebhookSecret:
    """Show the secret that the receiver verifies signatures with."""
    return webhooks.secret(call.sandbox, call.party, webhook_id)


@operation(router, "POST", "/{webhook_id}/ping", *_EVERYBODY, answer=Delivery, status=202)
def ping(call: AnyCall, webhook_id: Number) -> Delivery:
    """Send a test event.

    Its type is `ping`, whatever the webhook is to be told of.
    """
    sent = webhooks.ping(call.sandbox, call.party, webhook_id)
    call.hub.courier.wake()
    return sent


@operation(router, "GET", "/{webhook_id}/deliveries", *_EVERYBODY, answer=page_model("deliveries", Delivery))
def deliveries(
    call: AnyCall,
    webhook_id: Number,
    state: Annotated[DeliveryState | None, Query(description="Those in this state alone.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> dict[str, object]:
    """List what a webhook was told, oldest first."""
    found = webhooks.deliveries(
        call.sandbox, call.party, webhook_id, after=place_of(cursor), limit=limit + 1, state=state
    )
    shown = found[:limit]
    following = cursor_at(shown[-1][0]) if len(found) > limit else None
    return {"deliveries": [document(one) for _, one in shown], "next_cursor": following}


@operation(router, "GET", "/{webhook_id}/deliveries/{event_id}", *_EVERYBODY, answer=DeliveryDetail)
def delivery(call: AnyCall, webhook_id: Number, event_id: Number) -> DeliveryDetail:
    """Show a delivery with its attempts."""
    return webhooks.delivery(call.sandbox, call.party, webhook_id, event_id)


@operation(
    router,
    "POST",
    "/{webhook_id}/deliveries/{event_id}/resend",
    *_EVERYBODY,
    answer=Delivery,
    status=202,
)
def resend(call: AnyCall, webhook_id: Number, event_id: Number) -> Delivery:
    """Send an event again, now, under the same id.

    Whatever became of it, a whole round of attempts begins.
    """
    sent = webhooks.resend(call.sandbox, call.party, webhook_id, event_id)
    call.hub.courier.wake()
    return sent
