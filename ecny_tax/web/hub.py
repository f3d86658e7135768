"""What the requests of one server share: the open sandbox, and the keys that are running."""

from __future__ import annotations

from ecny_tax.sandbox import Sandbox
from ecny_tax.web.idempotency import Keys


class Hub:
    """The sandbox that a server serves."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.keys = Keys()

    def close(self) -> None:
        self.sandbox.close()
