"""A server of its own for every test, on a fresh sandbox, asked over real HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from ecny_tax import Sandbox
from ecny_tax.clock import FixedClock, parse_time
from ecny_tax.web.keys import create_key
from ecny_tax.web.server import make_server
from ecny_tax.web.webhook_delivery import DeliverySettings
from tests.web.client import Api

#: When the tests happen, unless they move the clock.
NOW = "2023-04-20T10:00:00+08:00"


@contextmanager
def serving(sandbox: Sandbox, webhooks: DeliverySettings | None = None) -> Iterator[str]:
    """The address of a server in this process; it closes the sandbox in the end."""
    listening = threading.Event()
    addresses: list[str] = []

    def started(address: str) -> None:
        addresses.append(address)
        listening.set()

    server = make_server(sandbox, host="127.0.0.1", port=0, started=started, webhooks=webhooks)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert listening.wait(30)
        yield addresses[0]
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive()


@pytest.fixture
def sandbox() -> Sandbox:
    """In memory, with its clock standing at ``NOW``; what it is asked in a test goes through the server."""
    return Sandbox.open(":memory:", seed="web", clock=FixedClock(parse_time(NOW)))


@pytest.fixture
def address(sandbox: Sandbox) -> Iterator[str]:
    with serving(sandbox) as address:
        yield address


@pytest.fixture
def as_party(sandbox: Sandbox, address: str) -> Callable[[str], Api]:
    """Makes a key for a party, as `api-key create` does, and answers its client."""
    return lambda party: Api(address, create_key(sandbox, party=party).api_key)


@pytest.fixture
def admin(as_party: Callable[[str], Api]) -> Api:
    return as_party("admin")
