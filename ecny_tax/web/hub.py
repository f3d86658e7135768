"""What the requests of one server share: the open sandbox, the keys that are running, hosted devices."""

from __future__ import annotations

from ecny_tax.sandbox import Sandbox
from ecny_tax.web.hosted import Hosted
from ecny_tax.web.idempotency import Keys


class Hub:
    """The sandbox that a server serves."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.keys = Keys()
        self.hosted = Hosted(sandbox.names)

    def close(self) -> None:
        self.hosted.close()
        self.sandbox.close()
