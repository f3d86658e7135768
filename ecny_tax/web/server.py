"""Running the application: one process, on the loopback interface unless told otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from ecny_tax.sandbox import Sandbox
from ecny_tax.web.app import create_app
from ecny_tax.web.strikes import TRANSPORT

#: Seconds that an idle connection is kept, and that running requests have when the server is stopped.
_IDLE_SECONDS = 5
_GRACE_SECONDS = 10
#: More connections than these are told to come again.
_MAX_CONNECTIONS = 512
_MAX_HEADERS = 32 * 1024


class _Protocol(H11Protocol):
    """A connection that its requests can close without an answer, where that failure was ordered."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, TRANSPORT: transport}


class _Server(uvicorn.Server):
    """A server that says when it listens."""

    def __init__(self, config: uvicorn.Config, started: Callable[[str], None]) -> None:
        super().__init__(config)
        self._told = started

    def _log_started_message(self, listeners: object) -> None:  # noqa: ARG002 - ours says it better
        host = f"[{self.config.host}]" if ":" in self.config.host else self.config.host
        port = self.servers[0].sockets[0].getsockname()[1] if self.servers else self.config.port
        self._told(f"http://{host}:{port}")


def make_server(sandbox: Sandbox, *, host: str, port: int, started: Callable[[str], None]) -> uvicorn.Server:
    """A server that is ready to run; it closes the sandbox in the end.

    ``started`` is given the address once it listens; port 0 takes any that is free.
    """
    config = uvicorn.Config(
        create_app(sandbox),
        host=host,
        port=port,
        http=_Protocol,
        ws="none",
        log_level="warning",
        access_log=False,  # addresses name records, and logs are kept longer than records
        server_header=False,
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        limit_concurrency=_MAX_CONNECTIONS,
        h11_max_incomplete_event_size=_MAX_HEADERS,
    )
    return _Server(config, started)


def serve(sandbox: Sandbox, *, host: str, port: int, started: Callable[[str], None]) -> bool:
    """Serve until the process is told to stop; False where it could not listen."""
    server = make_server(sandbox, host=host, port=port, started=started)
    try:
        server.run()
    except SystemExit:  # uvicorn's way of saying that the port is taken
        return False
    return server.started
