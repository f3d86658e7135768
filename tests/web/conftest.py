"""A server of its own for every test, on a fresh sandbox, asked over real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from fastapi import FastAPI

from ecny_tax import Sandbox
from ecny_tax.clock import FixedClock, parse_time
from ecny_tax.testing.http import running_server
from ecny_tax.web.hub import Hub
from ecny_tax.web.keys import create_key
from ecny_tax.web.webhook_delivery import DeliverySettings
from tests.web.client import Api
from tests.web.documented import DocumentedApi

#: When the tests happen, unless they move the clock.
NOW = "2023-04-20T10:00:00+08:00"


@contextmanager
def serving(sandbox: Sandbox, webhooks: DeliverySettings | None = None) -> Iterator[str]:
    """The address of a server of its own; it closes the sandbox in the end."""
    with running_server(sandbox, webhooks=webhooks) as (address, _app):
        yield address


@pytest.fixture(scope="session")
def shared_server() -> Iterator[tuple[str, FastAPI]]:
    """A server that the tests of a worker share, one after the other, and its application."""
    with running_server(Sandbox.open(":memory:")) as served:
        yield served


@pytest.fixture
def sandbox() -> Sandbox:
    """In memory, with its clock standing at ``NOW``; what it is asked in a test goes through the server."""
    return Sandbox.open(":memory:", seed="web", clock=FixedClock(parse_time(NOW)))


@pytest.fixture
def address(sandbox: Sandbox, shared_server: tuple[str, FastAPI]) -> Iterator[str]:
    """Where the sandbox is served: all that a server keeps between requests is in its hub, which is new."""
    address, app = shared_server
    hub = Hub(sandbox, None, app.state.hub.operations)
    hub.start()
    app.state.hub = hub
    yield address
    hub.close()


@pytest.fixture
def as_party(sandbox: Sandbox, address: str) -> Callable[[str], Api]:
    """Makes a key for a party, as `api-key create` does, and answers its client."""
    return lambda party: Api(address, create_key(sandbox, party=party).api_key)


@pytest.fixture
def admin(as_party: Callable[[str], Api]) -> Api:
    return as_party("admin")


@pytest.fixture
def anybody(sandbox: Sandbox, address: str) -> Callable[[str], Api]:
    """As ``as_party``, and every answer is held against the OpenAPI document."""
    return lambda party: DocumentedApi(address, create_key(sandbox, party=party).api_key)


@pytest.fixture
def boss(anybody: Callable[[str], Api]) -> Api:
    return anybody("admin")
