"""``Idempotency-Key``: a request that moves money is carried out once, and answered alike ever after.

The library keeps the answer to a key in the very transaction that moves the money.  What is added here makes
the key the caller's own, whatever the request is about: the library is given a key of two parts, a digest of
(party, key) and one of the request.  So a crash at any moment leaves nothing to repair, and nothing is
written twice for one payment.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ecny_tax.errors import ConflictError
from ecny_tax.store import Store
from ecny_tax.store.idempotency import check_key
from ecny_tax.web import rows
from ecny_tax.web.rights import Party

_DIGITS = 32


class Keys:
    """The keys that requests of this process are running under."""

    def __init__(self) -> None:
        self._running: set[str] = set()
        self._lock = threading.Lock()

    @contextmanager
    def running(self, store: Store, party: Party, key: str, request: str) -> Iterator[tuple[str, bool]]:
        """The key to give to the library, and whether the request was answered before.

        ``request`` is the digest of what is asked (:func:`digest`).  Raises ``ConflictError``
        (``idempotency_in_flight``: the same key is running; ``idempotency_conflict``: it was used for
        something else) and ``InvalidInputError`` (``idempotency_key_malformed``).
        """
        check_key(key)
        prefix = _prefix(party, key)
        with self._lock:
            if prefix in self._running:
                raise ConflictError("idempotency_in_flight", key=key)
            self._running.add(prefix)
        try:
            whole = prefix + request
            with store.reading() as tx:
                earlier, was_answered = rows.taken_key(tx, prefix) or (whole, False)
            if earlier != whole:
                raise ConflictError("idempotency_conflict", key=key, operation="HTTP")
            yield whole, was_answered
        finally:
            with self._lock:
                self._running.discard(prefix)


def was_answered(store: Store, party: Party, key: str, request: str) -> bool:
    """Whether this request was answered under its key before."""
    prefix = _prefix(party, key)
    with store.reading() as tx:
        return rows.taken_key(tx, prefix) == (prefix + request, True)


def digest(method: str, path: str, body: bytes) -> str:
    """What a request asks, however its JSON is laid out."""
    try:
        content = json.dumps(json.loads(body), sort_keys=True, separators=(",", ":")) if body else ""
    except (ValueError, RecursionError):  # refused elsewhere
        content = body.hex()
    return _short(f"{method} {path} {content}")


def _prefix(party: Party, key: str) -> str:
    return f"http:{_short(f'{party} {key}')}:"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
