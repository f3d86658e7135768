"""The SQL of webhooks, of what they are told, and of the attempts to do so.  Times here are real ones."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from ecny_tax.clock import from_micros, micros
from ecny_tax.store.transaction import Row, Transaction
from ecny_tax.web.rights import read_party
from ecny_tax.web.webhook_events import EventType
from ecny_tax.web.webhook_model import Attempt, Delivery, DeliveryState, Told, Waiting, Webhook

_WEBHOOK = "SELECT webhook_id, url, event_types, created_at, disabled_at, reason, party FROM webhook"
_DELIVERY = (
    "SELECT event_id, webhook_id, type, record, state, attempts, next_attempt_at, last_status, last_error,"
    " told_at, ended_at FROM webhook_delivery"
)


def insert(tx: Transaction, webhook: Webhook, cursors: Mapping[str, int], *, key_id: str) -> None:
    tx.run(
        "INSERT INTO webhook (webhook_id, party, key_id, url, event_types, created_at)"
        " VALUES (:webhook_id, :party, :key_id, :url, :event_types, :created_at)",
        webhook_id=webhook.webhook_id,
        party=str(webhook.party),
        key_id=key_id,
        url=webhook.url,
        event_types=json.dumps([one.value for one in webhook.event_types]),
        created_at=micros(webhook.created_at),
    )
    set_cursors(tx, webhook.webhook_id, cursors)


def webhook(tx: Transaction, webhook_id: str) -> Webhook | None:
    row = tx.row(f"{_WEBHOOK} WHERE webhook_id = :webhook_id", webhook_id=webhook_id)
    return _webhook(row) if row else None


def webhooks_of(tx: Transaction, party: str) -> list[Webhook]:
    """The webhooks of a party, oldest first."""
    return [_webhook(row) for row in tx.rows(f"{_WEBHOOK} WHERE party = :party ORDER BY place", party=party)]


def is_there(tx: Transaction, event_id: str) -> bool:
    """Whether there is still such an event to be told."""
    row = tx.row("SELECT 1 FROM webhook_delivery WHERE event_id = :event_id", event_id=event_id)
    return row is not None


def enabled(tx: Transaction) -> list[tuple[Webhook, dict[str, int]]]:
    """Every webhook that is told anything, with its cursors; none where the sandbox began anew since."""
    cursors: dict[str, dict[str, int]] = {}
    for webhook_id, source, place in tx.rows(
        "SELECT c.webhook_id, c.source, c.place FROM webhook w JOIN webhook_cursor c"
        " ON c.webhook_id = w.webhook_id WHERE w.disabled_at IS NULL"
    ):
        cursors.setdefault(webhook_id, {})[source] = place
    found = (_webhook(row) for row in tx.rows(f"{_WEBHOOK} WHERE disabled_at IS NULL ORDER BY place"))
    return [(one, cursors.get(one.webhook_id, {})) for one in found]


def enabled_cursors(tx: Transaction, webhook_id: str) -> dict[str, int] | None:
    """The cursors of a webhook that is told anything; None of any other."""
    found = tx.rows(
        "SELECT c.source, c.place FROM webhook w LEFT JOIN webhook_cursor c ON c.webhook_id = w.webhook_id"
        " WHERE w.webhook_id = :webhook_id AND w.disabled_at IS NULL",
        webhook_id=webhook_id,
    )
    return {source: place for source, place in found if source is not None} if found else None


def set_cursors(tx: Transaction, webhook_id: str, cursors: Mapping[str, int]) -> None:
    tx.run_many(
        "INSERT INTO webhook_cursor (webhook_id, source, place) VALUES (?, ?, ?)"
        " ON CONFLICT (webhook_id, source) DO UPDATE SET place = excluded.place",
        [(webhook_id, source, place) for source, place in cursors.items()],
    )


def disable(tx: Transaction, webhook_id: str, reason: str) -> None:
    """Tell a webhook nothing any more, and nothing of what is waiting."""
    tx.run(
        "UPDATE webhook SET disabled_at = :now, reason = :reason"
        " WHERE webhook_id = :webhook_id AND disabled_at IS NULL",
        webhook_id=webhook_id,
        reason=reason,
        now=micros(tx.now),
    )
    tx.run(
        "UPDATE webhook_delivery SET state = 'cancelled', next_attempt_at = NULL, ended_at = :now"
        " WHERE webhook_id = :webhook_id AND state = 'waiting'",
        webhook_id=webhook_id,
        now=micros(tx.now),
    )


def disable_of_key(tx: Transaction, key_id: str, reason: str) -> None:
    """The same of every webhook that was made with an API key."""
    for row in tx.rows("SELECT webhook_id FROM webhook WHERE key_id = :key_id", key_id=key_id):
        disable(tx, row[0], reason)


def delete(tx: Transaction, webhook_id: str) -> None:
    """Forget a webhook, with everything that it was told."""
    tx.run(
        "DELETE FROM webhook_attempt WHERE event_id IN"
        " (SELECT event_id FROM webhook_delivery WHERE webhook_id = :webhook_id)",
        webhook_id=webhook_id,
    )
    tx.run("DELETE FROM webhook_delivery WHERE webhook_id = :webhook_id", webhook_id=webhook_id)
    tx.run("DELETE FROM webhook_cursor WHERE webhook_id = :webhook_id", webhook_id=webhook_id)
    tx.run("DELETE FROM webhook WHERE webhook_id = :webhook_id", webhook_id=webhook_id)


# --- what is told ---------------------------------------------------------------------------------------


def insert_told(tx: Transaction, webhook_id: str, told: Sequence[Told]) -> None:
    """Let events wait to be sent, from now on, in this order."""
    now = micros(tx.now)
    tx.run_many(
        "INSERT INTO webhook_delivery (webhook_id, event_id, type, record, body, state, next_attempt_at,"
        " told_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (webhook_id, one.event_id, one.type, one.record, one.body, DeliveryState.WAITING.value, now, now)
            for one in told
        ],
    )


def delivery(tx: Transaction, webhook_id: str, event_id: str) -> Delivery | None:
    row = tx.row(
        f"{_DELIVERY} WHERE event_id = :event_id AND webhook_id = :webhook_id",
        event_id=event_id,
        webhook_id=webhook_id,
    )
    return _delivery(row) if row else None


def deliveries(
    tx: Transaction, webhook_id: str, *, after: int, limit: int, state: DeliveryState | None
) -> list[tuple[int, Delivery]]:
    """The first deliveries of a webhook after a place, with their places."""
    chosen = " AND state = :state" if state else ""
    found = tx.rows(
        f"{_DELIVERY.replace('SELECT', 'SELECT place,', 1)} WHERE webhook_id = :webhook_id"
        f" AND place > :after{chosen} ORDER BY place LIMIT :limit",
        webhook_id=webhook_id,
        after=after,
        limit=limit,
        state=state,
    )
    return [(place, _delivery(tuple(row))) for place, *row in found]


def body(tx: Transaction, event_id: str) -> str:
    row = tx.row("SELECT body FROM webhook_delivery WHERE event_id = :event_id", event_id=event_id)
    return row[0] if row else ""


def attempts(tx: Transaction, event_id: str, limit: int) -> list[Attempt]:
    """The newest attempts, oldest first."""
    found = tx.rows(
        "SELECT number, at, milliseconds, status, error FROM webhook_attempt WHERE event_id = :event_id"
        " ORDER BY number DESC LIMIT :limit",
        event_id=event_id,
        limit=limit,
    )
    return [Attempt(number, from_micros(at), *rest) for number, at, *rest in reversed(found)]


def send_again(tx: Transaction, event_id: str) -> None:
    """Begin a new round of attempts, now."""
    tx.run(
        "UPDATE webhook_delivery SET state = 'waiting', round = 0, next_attempt_at = :now, ended_at = NULL"
        " WHERE event_id = :event_id",
        event_id=event_id,
        now=micros(tx.now),
    )


# --- sending --------------------------------------------------------------------------------------------


def due(tx: Transaction, now: datetime) -> list[tuple[str, str]]:
    """The webhooks for which something is to be sent, each with its party, longest due first."""
    found = tx.rows(
        "SELECT d.webhook_id, w.party FROM webhook_delivery d JOIN webhook w ON w.webhook_id = d.webhook_id"
        " WHERE d.next_attempt_at <= :now GROUP BY d.webhook_id, w.party ORDER BY min(d.next_attempt_at)",
        now=micros(now),
    )
    return [(webhook_id, party) for webhook_id, party in found]


def claim(tx: Transaction, webhook_id: str, *, until: datetime, limit: int) -> list[Waiting]:
    """Take what is due of a webhook, so that nobody else sends it before ``until``; in order."""
    found = tx.rows(
        "UPDATE webhook_delivery SET next_attempt_at = :until WHERE place IN (SELECT place FROM"
        " webhook_delivery WHERE webhook_id = :webhook_id AND next_attempt_at <= :now"
        " ORDER BY next_attempt_at, place LIMIT :limit) RETURNING place, event_id, body, round",
        webhook_id=webhook_id,
        until=micros(until),
        now=micros(tx.now),
        limit=limit,
    )
    return [Waiting(*row[1:]) for row in sorted(found)]


def release(tx: Transaction, event_ids: Sequence[str]) -> None:
    """Give back what was taken and not sent."""
    tx.run_many(
        "UPDATE webhook_delivery SET next_attempt_at = ? WHERE event_id = ? AND state = 'waiting'",
        [(micros(tx.now), event_id) for event_id in event_ids],
    )


def note_attempt(
    tx: Transaction, event_id: str, attempt: Attempt, state: DeliveryState, next_attempt_at: datetime | None
) -> None:
    """Write down an attempt and what follows, unless the event is not waiting any more, or gone."""
    row = tx.row(
        "UPDATE webhook_delivery SET attempts = attempts + 1, round = round + 1, state = :state,"
        " next_attempt_at = :next, last_status = :status, last_error = :error, ended_at = :ended"
        " WHERE event_id = :event_id AND state = 'waiting' RETURNING attempts",
        event_id=event_id,
        state=state,
        next=None if next_attempt_at is None else micros(next_attempt_at),
        status=attempt.status,
        error=attempt.error,
        ended=micros(tx.now) if next_attempt_at is None else None,
    )
    if row is None:
        return
    tx.run(
        "INSERT INTO webhook_attempt (event_id, number, at, milliseconds, status, error)"
        " VALUES (:event_id, :number, :at, :milliseconds, :status, :error)",
        event_id=event_id,
        number=row[0],
        at=micros(attempt.at),
        milliseconds=attempt.milliseconds,
        status=attempt.status,
        error=attempt.error,
    )


def _webhook(row: Row) -> Webhook:
    webhook_id, url, event_types, created, disabled, reason, party = row
    return Webhook(
        webhook_id,
        url,
        tuple(EventType(one) for one in json.loads(event_types)),
        from_micros(created),
        None if disabled is None else from_micros(disabled),
        reason,
        read_party(party),
    )


def _delivery(row: Row) -> Delivery:
    event_id, webhook_id, kind, record, state, tries, following, status, error, told, ended = row
    return Delivery(
        event_id,
        webhook_id,
        kind,
        record,
        DeliveryState(state),
        tries,
        None if following is None else from_micros(following),
        status,
        error,
        from_micros(told),
        None if ended is None else from_micros(ended),
    )
