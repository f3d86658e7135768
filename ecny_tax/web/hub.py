"""What the requests of one server share: the open sandbox, the keys that are running, the webhooks."""

from __future__ import annotations

from ecny_tax.sandbox import Sandbox
from ecny_tax.web.idempotency import Keys
from ecny_tax.web.webhook_delivery import Courier, DeliverySettings


class Hub:
    """The sandbox that a server serves."""

    def __init__(self, sandbox: Sandbox, webhooks: DeliverySettings | None = None) -> None:
        self.sandbox = sandbox
        self.keys = Keys()
        self.courier = Courier(lambda: self.sandbox, webhooks)

    def start(self) -> None:
        """Begin what goes on beside requests."""
        self.courier.start()

    def close(self) -> None:
        self.courier.close()
        self.sandbox.close()
