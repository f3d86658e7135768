"""A receiver of webhooks for the tests: it keeps what came, and answers as it is told to."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Request:
    path: str
    headers: dict[str, str]  # names in lower case
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def type(self) -> str:
        return str(self.json["type"])


@dataclass
class Receiver:
    """``answers`` are the statuses of the first requests; any other is answered ``status``."""

    port: int = 0
    status: int = 204
    answers: list[int] = field(default_factory=list)
    #: Called before each answer, as a slow receiver would do.
    before: Callable[[Any], None] = lambda _handler: None
    got: list[Request] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks?from=sandbox"

    @property
    def types(self) -> list[str]:
        return [one.type for one in self.got]

    def wait(self, count: int = 1) -> list[Request]:
        """The requests so far, once there are as many."""
        eventually(lambda: len(self.got) >= count, lambda: f"{len(self.got)} of {count} came: {self.types}")
        return list(self.got)


def eventually(holds: Callable[[], bool], said: Callable[[], object] = str, seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, said()
        time.sleep(0.01)


@contextmanager
def receiving(receiver: Receiver | None = None) -> Iterator[Receiver]:
    found = receiver or Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            found.got.append(Request(self.path, headers, body))
            status = found.answers.pop(0) if found.answers else found.status
            found.before(self)
            try:
                self.send_response(status)
                self.send_header("Location", found.url)
                self.end_headers()
            except OSError:  # nobody waits for it any more
                pass

        def do_GET(self) -> None:
            found.got.append(Request(self.path, {}, b'{"type": "a redirect was followed"}'))

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", found.port), Handler)
    server.daemon_threads = True
    found.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
