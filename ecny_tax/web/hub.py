"""What the requests of one server share: the sandbox, who may use it now, keys, devices, webhooks."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from ecny_tax.errors import UnavailableError
from ecny_tax.sandbox import Sandbox
from ecny_tax.web.gate import Gate
from ecny_tax.web.hosted import Hosted
from ecny_tax.web.idempotency import Keys
from ecny_tax.web.keys import open_with
from ecny_tax.web.rights import Party
from ecny_tax.web.webhook_delivery import Courier, DeliverySettings

#: Tables that a reset leaves as they are: who may ask, and whom to tell.
KEPT = ("api_key", "webhook")
#: Whole ledgers that are read at the same time: each takes a processor.
MAX_LONG_READS = 2


class Hub:
    """The sandbox that a server serves; ``operations`` are the statuses that each operation documents.

    Whoever uses the sandbox outside of an operation goes through the ``gate``, as these do.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        webhooks: DeliverySettings | None,
        operations: Mapping[str, frozenset[int]],
    ) -> None:
        self.sandbox = sandbox
        self.gate = Gate()
        self.keys = Keys()
        self.hosted = Hosted(sandbox.names)
        self.operations = operations
        self.courier = Courier(self.using, webhooks)
        self._long_reads = threading.BoundedSemaphore(MAX_LONG_READS)

    def start(self) -> None:
        """Begin what goes on beside requests."""
        self.courier.start()

    def opened_with(self, secret: str | None) -> tuple[str, Party]:
        """The id of an API key, and whom it stands for; raises as ``keys.open_with``."""
        with self.gate.shared():
            return open_with(self.sandbox, secret)

    @contextmanager
    def using(self) -> Iterator[Sandbox]:
        """The sandbox, for what runs outside of an operation; a reset waits for it."""
        with self.gate.shared():
            yield self.sandbox

    def start_anew(self, *, seed: str | None, at: datetime | None) -> None:
        """Make the sandbox a fresh scheme, with API keys and webhooks kept; for one who is alone at the gate.

        Raises as ``Sandbox.start_anew``; then everything is as before.
        """
        self.sandbox = self.sandbox.start_anew(seed=seed, at=at, keeping=KEPT)
        self.hosted.clear()

    @contextmanager
    def long_read(self) -> Iterator[Sandbox]:
        """A sandbox to read much of: on a connection of its own, so that nobody waits for it.

        One in memory has only the one connection.  Raises ``UnavailableError`` (``too_many_long_reads``).
        """
        if not self._long_reads.acquire(blocking=False):
            raise UnavailableError("too_many_long_reads", limit=MAX_LONG_READS)
        try:
            beside = self.sandbox.beside()
            try:
                yield beside or self.sandbox
            finally:
                if beside is not None:
                    beside.close()
        finally:
            self._long_reads.release()

    def close(self) -> None:
        self.courier.close()
        self.hosted.close()
        self.sandbox.close()
