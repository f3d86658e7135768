"""Webhooks: a party says where it wants to be told of what, looks at what it was told, asks for it again."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime

from ecny_tax.clock import rfc3339
from ecny_tax.documents import Document
from ecny_tax.errors import NotFoundError, RejectedError
from ecny_tax.sandbox import Sandbox
from ecny_tax.store.transaction import Transaction
from ecny_tax.web import visibility, webhook_events, webhook_rows
from ecny_tax.web.rights import Party
from ecny_tax.web.webhook_events import EventType
from ecny_tax.web.webhook_model import (
    PING,
    Delivery,
    DeliveryDetail,
    DeliveryState,
    NewWebhook,
    Told,
    Webhook,
    WebhookSecret,
)
from ecny_tax.web.webhook_sending import check_url, secret_of

#: Webhooks of one party.
MAX_WEBHOOKS = 20
#: Attempts of one event that are shown.
MAX_ATTEMPTS = 100


def create(
    sandbox: Sandbox, party: Party, *, key_id: str, url: str, event_types: Sequence[EventType]
) -> NewWebhook:
    """Tell a party from now on of events of these types, as far as it sees the records, until the API key is
    revoked that the webhook was made with.

    Raises ``InvalidInputError`` (``webhook_url_malformed``) and ``RejectedError`` (``too_many_webhooks``).
    """
    check_url(url)
    with sandbox.store.untimed() as tx:
        if len(webhook_rows.webhooks_of(tx, str(party))) >= MAX_WEBHOOKS:
            raise RejectedError("too_many_webhooks", limit=MAX_WEBHOOKS)
        # Never from the seed: the events of two runs are not the same ones.
        webhook_id = f"wh_{secrets.token_hex(12)}"
        wanted = tuple(one for one in EventType if one in event_types)
        made = Webhook(webhook_id, url, wanted, tx.now, None, None, party)
        webhook_rows.insert(tx, made, webhook_events.newest(tx), key_id=key_id)
        values = {each.name: getattr(made, each.name) for each in fields(made)}
        return NewWebhook(**values, secret=secret_of(sandbox.keyring, webhook_id))


def list_(sandbox: Sandbox, party: Party) -> tuple[Webhook, ...]:
    """The party's own webhooks, oldest first."""
    with sandbox.store.reading() as tx:
        return tuple(webhook_rows.webhooks_of(tx, str(party)))


def show(sandbox: Sandbox, party: Party, webhook_id: str) -> Webhook:
    """One of the party's own; raises ``NotFoundError`` (``webhook_not_found``)."""
    with sandbox.store.reading() as tx:
        return _own(tx, party, webhook_id)


def secret(sandbox: Sandbox, party: Party, webhook_id: str) -> WebhookSecret:
    """What its receiver verifies with; raises ``webhook_not_found``."""
    return WebhookSecret(show(sandbox, party, webhook_id).webhook_id, secret_of(sandbox.keyring, webhook_id))


def delete(sandbox: Sandbox, party: Party, webhook_id: str) -> Webhook:
    """Forget a webhook with all that it was told; raises ``webhook_not_found``."""
    with sandbox.store.untimed() as tx:
        found = _own(tx, party, webhook_id)
        webhook_rows.delete(tx, webhook_id)
        return found


def deliveries(
    sandbox: Sandbox, party: Party, webhook_id: str, *, after: int, limit: int, state: DeliveryState | None
) -> list[tuple[int, Delivery]]:
    """What a webhook was told after a place, oldest first, with the places; raises ``webhook_not_found``."""
    with sandbox.store.reading() as tx:
        _own(tx, party, webhook_id)
        return webhook_rows.deliveries(tx, webhook_id, after=after, limit=limit, state=state)


def delivery(sandbox: Sandbox, party: Party, webhook_id: str, event_id: str) -> DeliveryDetail:
    """One event that a webhook was told of; raises ``webhook_not_found``, ``webhook_delivery_not_found``."""
    with sandbox.store.reading() as tx:
        _own(tx, party, webhook_id)
        found = _delivery(tx, webhook_id, event_id)
        values = {each.name: getattr(found, each.name) for each in fields(found)}
        history = tuple(webhook_rows.attempts(tx, event_id, MAX_ATTEMPTS))
        return DeliveryDetail(**values, body=webhook_rows.body(tx, event_id), history=history)


def resend(sandbox: Sandbox, party: Party, webhook_id: str, event_id: str) -> Delivery:
    """Send an event once more, with a whole round of attempts, under the same id.

    Raises ``NotFoundError`` as :func:`delivery`, and ``RejectedError`` (``webhook_disabled``).
    """
    with sandbox.store.untimed() as tx:
        _check_enabled(_own(tx, party, webhook_id))
        _delivery(tx, webhook_id, event_id)
        webhook_rows.send_again(tx, event_id)
        return _delivery(tx, webhook_id, event_id)


def ping(sandbox: Sandbox, party: Party, webhook_id: str) -> Delivery:
    """Send a test; raises ``webhook_not_found`` and ``RejectedError`` (``webhook_disabled``)."""
    now = sandbox.clock.now()
    with sandbox.store.untimed() as tx:
        _check_enabled(_own(tx, party, webhook_id))
        event_id = _new_event_id()
        data: Document = {"webhook_id": webhook_id}
        told = Told(event_id, PING, webhook_id, _body(PING, now, data))
        webhook_rows.insert_told(tx, webhook_id, [told])
        return _delivery(tx, webhook_id, event_id)


def tell(sandbox: Sandbox) -> bool:
    """Write down for every webhook the next events that it was not told of; whether there were more.

    An event and the step of the cursor over it are committed together.  What is read is read at rest, since
    a server gives out numbers before their rows can be seen.
    """
    store = sandbox.store
    with store.reading() as tx:
        waiting = _behind(tx)
    if not waiting:
        return False
    with store.reading(at_rest=True) as tx:
        told = [_told(tx, webhook, cursors) for webhook, cursors in _behind(tx)]
        ends = webhook_events.newest(tx)
    with store.untimed() as tx:
        for webhook, before, events, moved in told:
            # Else it is deleted or disabled by now, or another server was faster.
            if webhook_rows.enabled_cursors(tx, webhook.webhook_id) == before:
                webhook_rows.insert_told(tx, webhook.webhook_id, events)
                webhook_rows.set_cursors(tx, webhook.webhook_id, moved)
    return any(moved != ends for *_, moved in told)


_Cursors = dict[str, int]


def _behind(tx: Transaction) -> list[tuple[Webhook, _Cursors]]:
    """The webhooks for which something was written since they were told."""
    found = webhook_rows.enabled(tx)
    if not found:
        return []
    ends = webhook_events.newest(tx)
    return [
        (webhook, cursors)
        for webhook, cursors in found
        if any(end > cursors.get(source, 0) for source, end in ends.items())
    ]


def _told(
    tx: Transaction, webhook: Webhook, cursors: _Cursors
) -> tuple[Webhook, _Cursors, list[Told], _Cursors]:
    events, moved = webhook_events.after(tx, cursors)
    wanted = [
        Told(
            _new_event_id(),
            event.type,
            event.record,
            _body(event.type, event.at, _as_seen(tx, webhook.party, event.data())),
        )
        for event in events
        if event.type in webhook.event_types and event.is_seen_by(tx, webhook.party)
    ]
    return webhook, cursors, wanted, moved


def _new_event_id() -> str:
    """Never from the seed, and of no meaning: places would tell how much others do."""
    return f"msg_{secrets.token_hex(16)}"


def _as_seen(tx: Transaction, party: Party, data: Document) -> Document:
    """A record without what its wallet held, for whoever does not see the wallet."""
    if data.get("balance_after") is None or visibility.sees(tx, party, "wallet", str(data["wallet_id"])):
        return data
    return {**data, "balance_after": None}


def _body(kind: str, at: datetime, data: Document) -> str:
    said = {"type": kind, "timestamp": rfc3339(at), "data": data}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def _own(tx: Transaction, party: Party, webhook_id: str) -> Webhook:
    found = webhook_rows.webhook(tx, webhook_id)
    if found is None or found.party != party:
        raise NotFoundError("webhook_not_found", webhook_id=webhook_id)
    return found


def _delivery(tx: Transaction, webhook_id: str, event_id: str) -> Delivery:
    found = webhook_rows.delivery(tx, webhook_id, event_id)
    if found is None:
        raise NotFoundError("webhook_delivery_not_found", event_id=event_id)
    return found


def _check_enabled(webhook: Webhook) -> None:
    if webhook.disabled_at is not None:
        raise RejectedError("webhook_disabled", webhook_id=webhook.webhook_id)
