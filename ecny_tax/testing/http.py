"""An HTTP sandbox of one's own: served by a thread of this process, on a free port of this machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from ecny_tax.errors import UnavailableError
from ecny_tax.sandbox import Sandbox
from ecny_tax.web.keys import create_key

if TYPE_CHECKING:
    from fastapi import FastAPI

    from ecny_tax.web.hub import Hub
    from ecny_tax.web.webhook_delivery import DeliverySettings

#: Seconds that a server may take to answer first, and to end; it takes a tenth of one.
_PATIENCE = 30


@dataclass(frozen=True, slots=True)
class HttpSandbox:
    """A sandbox that is being served: ``url`` without a slash at its end, ``admin_key`` for everything."""

    url: str
    admin_key: str = field(repr=False)
    _hub: Hub = field(repr=False)

    @property
    def sandbox(self) -> Sandbox:
        """The sandbox behind it; after a reset over HTTP another one."""
        return self._hub.sandbox

    def key_for(self, party: str) -> str:
        """A new API key of ``admin``, ``auditor``, ``operator:CODE``, ``tax-authority:CODE``,
        ``treasury:CODE`` or ``taxpayer:ID``.

        Raises ``InvalidInputError`` (``api_party_malformed``, or what is wrong with the code or the id) and
        ``NotFoundError`` for an institution that the scheme does not have.
        """
        return create_key(self.sandbox, party=party).api_key


@contextmanager
def http_sandbox(sandbox: Sandbox, *, webhooks: DeliverySettings | None = None) -> Iterator[HttpSandbox]:
    """Serve a sandbox over HTTP while the block runs; in the end it is closed.

    Raises ``UnavailableError`` (``web_missing``) without the extra ``[web]``.
    """
    with running_server(sandbox, webhooks=webhooks) as (url, app):
        yield HttpSandbox(url, create_key(sandbox, party="admin").api_key, app.state.hub)


@contextmanager
def running_server(
    sandbox: Sandbox, *, webhooks: DeliverySettings | None = None
) -> Iterator[tuple[str, FastAPI]]:
    """The same without a key: the address, and the application that answers there."""
    try:
        from ecny_tax.web.server import listen, make_server
    except ImportError:
        raise UnavailableError("web_missing") from None
    answering = threading.Event()
    addresses: list[str] = []

    def started(address: str) -> None:
        addresses.append(address)
        answering.set()

    server = make_server(sandbox, listen("127.0.0.1", 0), started=started, webhooks=webhooks)
    thread = threading.Thread(target=server.run, name="ecny-http-sandbox")
    thread.start()
    try:
        if not answering.wait(_PATIENCE):
            raise TimeoutError("the HTTP sandbox does not answer")
        yield addresses[0], cast("FastAPI", server.config.app)
    finally:
        server.should_exit = True
        thread.join(_PATIENCE)
        if thread.is_alive():
            raise TimeoutError("the HTTP sandbox does not end")
