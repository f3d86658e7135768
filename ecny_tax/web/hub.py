"""What the requests of one server share: the open sandbox, who may use it now, the keys that are running."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from ecny_tax.errors import UnavailableError
from ecny_tax.sandbox import Sandbox
from ecny_tax.web.gate import Gate
from ecny_tax.web.idempotency import Keys

#: Tables that a reset leaves as they are: who may ask, and whom to tell.
KEPT = ("api_key",)
#: Whole ledgers that are read at the same time: each takes a processor.
MAX_LONG_READS = 2


class Hub:
    """The sandbox that a server serves; ``operations`` are the statuses that each operation documents.

    Whoever uses the sandbox outside of an operation goes through the ``gate``, as these do.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.gate = Gate()
        self.keys = Keys()
        self.operations: Mapping[str, frozenset[int]] = {}
        self._long_reads = threading.BoundedSemaphore(MAX_LONG_READS)

    def start_anew(self, *, seed: str | None, at: datetime | None) -> None:
        """Make the sandbox a fresh scheme, with the API keys kept; for one who is alone at the gate.

        Raises as ``Sandbox.start_anew``; then everything is as before.
        """
        self.sandbox = self.sandbox.start_anew(seed=seed, at=at, keeping=KEPT)
        # Files that belong to records of the old scheme (hosted devices) are emptied here, after it is gone.

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
        self.sandbox.close()
