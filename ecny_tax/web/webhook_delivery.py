"""The threads that tell webhooks: one looks for events, and a few send them, a webhook by one at a time.

No request waits for them.  Nothing is remembered but what is in the database: a server that is killed leaves
at most an event that was sent and not noted, and it is sent again under the same id.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from datetime import timedelta

from ecny_tax.clock import SystemClock
from ecny_tax.crypto.keyring import Keyring
from ecny_tax.errors import UnavailableError
from ecny_tax.sandbox import Sandbox
from ecny_tax.web import webhook_rows, webhooks
from ecny_tax.web.webhook_model import GONE, GONE_STATUS, SCHEDULE, Attempt, Waiting, after_attempt
from ecny_tax.web.webhook_sending import SECONDS, HttpSender, NotSentError, Sender, signed_headers

_LOG = logging.getLogger(__name__)
#: Webhooks that are sent to at once, and those of one party, so that it holds up no other's.
MAX_SENDING = 8
MAX_SENDING_OF_PARTY = 4
#: Events that one thread takes at a time, and after how many seconds it begins no other one.
_RUN = 20
_RUN_SECONDS = 30.0
#: How long what a thread took is its own: longer than any run, so that two servers send nothing twice.
_CLAIM = timedelta(seconds=_RUN_SECONDS + 2 * SECONDS)
#: How long a server that stops waits for a thread.
_STOP_SECONDS = 2.0
#: How long it rests after a fault of its own.
_FAULT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class DeliverySettings:
    """``every``: seconds between two looks for events; ``schedule``: seconds before each attempt."""

    every: float = 0.5
    schedule: tuple[float, ...] = SCHEDULE
    sender: Callable[[], Sender] = field(default=HttpSender)


class Courier:
    """Tells the webhooks of a server's sandbox, from :meth:`start` to :meth:`close`."""

    def __init__(
        self,
        using: Callable[[], AbstractContextManager[Sandbox]],
        settings: DeliverySettings | None = None,
    ) -> None:
        self._using = using
        self._settings = settings or DeliverySettings()
        self._sender = self._settings.sender()
        self._stopping = threading.Event()
        self._news = threading.Event()
        self._lock = threading.Lock()
        self._sending: dict[str, tuple[str, threading.Thread]] = {}  # by webhook, with its party
        self._turns: dict[str, float] = {}  # when a party's webhooks were last sent to
        self._looking = threading.Thread(target=self._look, name="webhooks", daemon=True)

    def start(self) -> None:
        self._looking.start()

    def wake(self) -> None:
        """Look now: there is something new."""
        self._news.set()

    def close(self) -> None:
        """Stop, and break off what is being sent; it is sent again when a server starts."""
        self._stopping.set()
        self._news.set()
        self._sender.close()
        with self._lock:
            threads = [self._looking, *(thread for _party, thread in self._sending.values())]
        until = time.monotonic() + _STOP_SECONDS
        for thread in threads:
            if thread.is_alive():
                thread.join(max(0.0, until - time.monotonic()))

    # --- looking ----------------------------------------------------------------------------------------

    def _look(self) -> None:
        look_at = 0.0  # not sooner, whatever is sent meanwhile: on a server, writers wait for who looks
        while not self._stopping.is_set():
            self._news.clear()
            try:
                if time.monotonic() >= look_at:
                    with self._using() as sandbox:
                        has_more = webhooks.tell(sandbox)
                    look_at = time.monotonic() + (0.0 if has_more else self._settings.every)
                self._send_what_is_due()
            except UnavailableError:  # the database is busy, or gone: the next look may find it
                look_at = time.monotonic() + self._settings.every
            except Exception:
                if not self._stopping.is_set():
                    _LOG.exception("webhooks: a fault of our own")
                look_at = time.monotonic() + _FAULT_SECONDS
            self._news.wait(max(0.0, look_at - time.monotonic()))

    def _send_what_is_due(self) -> None:
        with self._using() as sandbox, sandbox.store.reading() as tx:
            due = webhook_rows.due(tx, SystemClock().now())
        with self._lock:
            while not self._stopping.is_set() and len(self._sending) < MAX_SENDING:
                chosen = self._next(due)
                if chosen is None:
                    return
                webhook_id, party = chosen
                thread = threading.Thread(target=self._send, args=(webhook_id,), daemon=True)
                self._sending[webhook_id] = party, thread
                self._turns[party] = time.monotonic()
                thread.start()

    def _next(self, due: list[tuple[str, str]]) -> tuple[str, str] | None:
        """Whom to send to now: of the party that has the fewest under way, or waits the longest."""
        under_way = Counter(party for party, _thread in self._sending.values())
        waiting = [
            (webhook_id, party)
            for webhook_id, party in due
            if webhook_id not in self._sending and under_way[party] < MAX_SENDING_OF_PARTY
        ]
        return min(waiting, key=lambda one: (under_way[one[1]], self._turns.get(one[1], 0.0)), default=None)

    # --- sending ----------------------------------------------------------------------------------------

    def _send(self, webhook_id: str) -> None:
        """Send what is due of one webhook, a run of events."""
        is_done = False
        try:
            with suppress(UnavailableError):  # the database again: what was taken is free after a while
                self._send_run(webhook_id)
                is_done = True
        except Exception:
            if not self._stopping.is_set():
                _LOG.exception("webhooks: a fault of our own")
        finally:
            with self._lock:
                del self._sending[webhook_id]
            if is_done:  # more may be due; what failed waits for the next look
                self._news.set()

    def _send_run(self, webhook_id: str) -> None:
        with self._using() as sandbox, sandbox.store.untimed() as tx:
            keyring = sandbox.keyring
            webhook = webhook_rows.webhook(tx, webhook_id)
            taken = webhook_rows.claim(tx, webhook_id, until=tx.now + _CLAIM, limit=_RUN)
        made: list[tuple[Waiting, Attempt]] = []
        until = time.monotonic() + _RUN_SECONDS
        is_gone = False
        for one in taken:
            if webhook is None or is_gone or self._stopping.is_set() or time.monotonic() > until:
                break
            attempt = self._attempt(keyring, webhook.webhook_id, webhook.url, one)
            if self._stopping.is_set() and attempt.status is None:
                break  # it was broken off here, not refused there
            made.append((one, attempt))
            is_gone = attempt.status == GONE_STATUS
        with self._using() as sandbox, sandbox.store.untimed() as tx:
            for one, attempt in made:
                if not webhook_rows.is_there(tx, one.event_id):
                    continue  # the sandbox began anew meanwhile, or the webhook was deleted
                following = after_attempt(attempt, one.round, self._settings.schedule)
                webhook_rows.note_attempt(tx, one.event_id, attempt, *following)
            webhook_rows.release(tx, [one.event_id for one in taken[len(made) :]])
            if is_gone:
                webhook_rows.disable(tx, webhook_id, GONE)

    def _attempt(self, keyring: Keyring, webhook_id: str, url: str, one: Waiting) -> Attempt:
        at = SystemClock().now()
        body = one.body.encode()
        headers = signed_headers(keyring, webhook_id, one.event_id, body, int(at.timestamp()))
        began = time.monotonic()
        status: int | None = None
        reason: str | None = None
        try:
            status = self._sender.send(url, headers, body)
        except NotSentError as error:
            reason = str(error)
        return Attempt(0, at, round((time.monotonic() - began) * 1000), status, reason)
