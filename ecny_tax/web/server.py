"""Running the application: one process, on the loopback interface unless told otherwise."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from ecny_tax.sandbox import Sandbox
from ecny_tax.web.app import create_app
from ecny_tax.web.console.reach import reached_at
from ecny_tax.web.limits import MAX_HEAD
from ecny_tax.web.strikes import TRANSPORT
from ecny_tax.web.webhook_delivery import DeliverySettings

#: Seconds that an idle connection is kept, and that running requests have when the server is stopped.
_IDLE_SECONDS = 5
_GRACE_SECONDS = 10
#: More connections than these are told to come again.
_MAX_CONNECTIONS = 512
_BACKLOG = 1024
#: Seconds in which the head of a request has to arrive, from its first byte on.
_HEAD_SECONDS = 10


class _Protocol(H11Protocol):
    """Hangs up on whoever sends the head of a request too slowly; uvicorn would wait for ever.

    Its requests can close it without an answer, where that failure was ordered.
    """

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, TRANSPORT: transport}
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._stop_watching()

    def _watch(self) -> None:
        """Wait for the rest of a head that is not whole."""
        if self.conn.their_state is not h11.IDLE:
            self._stop_watching()
        elif self._waiting is None:
            self._waiting = self.loop.call_later(_HEAD_SECONDS, self.transport.close)

    def _stop_watching(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None


class _Server(uvicorn.Server):
    """A server on a socket that listens already; it says so once it answers."""

    def __init__(
        self, app: FastAPI, config: uvicorn.Config, listener: socket.socket, started: Callable[[str], None]
    ) -> None:
        super().__init__(config)
        self._app = app
        self._listener = listener
        self._told = started

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        with self._listener:
            super().run(sockets or [self._listener])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        host, port = self._listener.getsockname()[:2]
        self._told(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Streams end at once: nobody would ever close them, and the server waits for what is open."""
        self._app.state.console.close()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End in order when told to; uvicorn's own would raise the signal once more in the end."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        told = (signal.SIGINT, signal.SIGTERM)
        before = {one: signal.signal(one, self.handle_exit) for one in told}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)


def make_server(
    sandbox: Sandbox,
    listener: socket.socket,
    *,
    started: Callable[[str], None],
    webhooks: DeliverySettings | None = None,
) -> uvicorn.Server:
    """A server that is ready to run, until the process is told to stop; it closes the sandbox in the end.

    ``started`` is given the address once it answers.
    """
    app = create_app(sandbox, webhooks)
    app.state.console.listening = listener.getsockname()[0]
    config = uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        log_level="warning",
        access_log=False,  # addresses name records, and logs are kept longer than records
        server_header=False,
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        limit_concurrency=_MAX_CONNECTIONS,
        h11_max_incomplete_event_size=MAX_HEAD,
    )
    return _Server(app, config, listener, started)


def address_for_others(listener: socket.socket) -> str | None:
    """Where other machines reach a server that listens on every address of this one; else None."""
    host, port = listener.getsockname()[:2]
    return reached_at("localhost", port, "http", host) or None


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes any that is free.  Raises ``OSError`` where it cannot."""
    family, kind, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    # Named as TCP: asyncio sends small answers at once on such sockets only (TCP_NODELAY).
    listener = socket.socket(family, kind, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
