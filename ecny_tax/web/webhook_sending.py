"""Signing and sending webhooks by the Standard Webhooks scheme (standardwebhooks.com, version 1).

Three headers: ``webhook-id`` (the event, the same at every attempt), ``webhook-timestamp`` (of the attempt,
in real seconds since 1970) and ``webhook-signature``: ``v1,`` and the base64 of HMAC-SHA256 over
``id.timestamp.body``.
"""

from __future__ import annotations

import hmac
import http.client
import io
import ipaddress
import re
import socket
import ssl
import threading
import time
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any, Protocol
from urllib.parse import urlsplit

from ecny_tax.crypto.keyring import Keyring
from ecny_tax.errors import InvalidInputError, Said

MAX_URL = 500
#: How long a receiver has, from the first step of connecting to the status of its answer.
SECONDS = 15.0
_URL = re.compile(
    r"https?://(?:\[(?P<v6>[0-9A-Fa-f:.]{2,45})\]|(?P<host>[0-9A-Za-z_-]{1,63}(?:\.[0-9A-Za-z_-]{1,63})*))"
    r"(?::(?P<port>[0-9]{1,5}))?(?:[/?](?:[0-9A-Za-z!$&'()*+,./:;=?@_~-]|%[0-9A-Fa-f]{2})*)?"
)
_MAX_HOST = 253


def check_url(text: str) -> str:
    """An address that events can be sent to: http or https, with no user, password or fragment in it.

    Raises ``InvalidInputError`` (``webhook_url_malformed``).
    """
    found = _URL.fullmatch(text) if len(text) <= MAX_URL else None
    if found is None or len(found["host"] or "") > _MAX_HOST:
        raise InvalidInputError("webhook_url_malformed", value=text, reason=_FORM)
    if found["port"] is not None and not 0 < int(found["port"]) < 2**16:
        raise InvalidInputError("webhook_url_malformed", value=text, reason=_PORT)
    if found["v6"] is not None:
        try:
            ipaddress.IPv6Address(found["v6"])
        except ValueError:
            raise InvalidInputError("webhook_url_malformed", value=text, reason=_FORM) from None
    return text


_FORM = Said(
    "it is not an http:// or https:// address in ASCII, without user, password and fragment",
    "它不是不含用户名、密码和片段的 http:// 或 https:// 地址（ASCII 字符）",
)
_PORT = Said("there is no such port", "端口不存在")


def secret_of(keyring: Keyring, webhook_id: str) -> str:
    """What the receiver verifies with; derived from the keyring, so it is stored nowhere."""
    return f"whsec_{b64encode(keyring.secret(f'webhook/{webhook_id}')).decode()}"


def signed_headers(keyring: Keyring, webhook_id: str, event_id: str, body: bytes, at: int) -> dict[str, str]:
    """The headers of one attempt at ``at``, real seconds since 1970."""
    signature = hmac.digest(
        keyring.secret(f"webhook/{webhook_id}"), f"{event_id}.{at}.".encode() + body, "sha256"
    )
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{b64encode(signature).decode()}",
        "Content-Type": "application/json",
        "User-Agent": "ecny-tax-sandbox",
        "Connection": "close",
    }


class NotSentError(Exception):
    """No answer came; the text says why."""


class Sender(Protocol):
    """How a request gets to a receiver."""

    def send(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """POST it once, and return the status of the answer; raises :class:`NotSentError`."""

    def close(self) -> None:
        """Break off what is being sent, by whichever thread."""


class HttpSender:
    """Sends over HTTP; redirects are not followed, and the body of an answer is not read."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._is_closed = False

    def send(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        deadline = time.monotonic() + self._seconds
        place = urlsplit(url)
        target = (place.path or "/") + (f"?{place.query}" if place.query else "")
        connection = self._connection(place.scheme, place.hostname or "", place.port)
        plain: socket.socket | None = None
        try:
            connection.connect()
            opened: socket.socket = connection.sock
            plain = opened
            self._note(opened)
            connection.sock = _Timed(opened, deadline)
            connection.request("POST", target, body, dict(headers))
            return connection.getresponse().status
        except TimeoutError:
            raise NotSentError(f"no answer within {self._seconds:g} seconds") from None
        except socket.gaierror:
            raise NotSentError("there is no such host") from None
        except ssl.SSLError as error:
            raise NotSentError(f"TLS: {error.reason or 'failed'}") from None
        except OSError as error:
            raise NotSentError(error.strerror or "the connection broke") from None
        except (http.client.HTTPException, ValueError):
            raise NotSentError("what answered does not speak HTTP") from None
        finally:
            with self._lock:
                if plain is not None:
                    self._open.discard(plain)
            connection.close()

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            for one in self._open:
                with suppress(OSError):  # it is closed already
                    socket.socket.shutdown(one, socket.SHUT_RDWR)  # of TLS, too: another thread reads it

    def _note(self, plain: socket.socket) -> None:
        with self._lock:
            if self._is_closed:
                raise NotSentError("the server is being stopped")
            self._open.add(plain)

    def _connection(self, scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
        if scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=self._seconds, context=self._tls)
        return http.client.HTTPConnection(host, port, timeout=self._seconds)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()


class _Timed:
    """A socket for ``http.client`` on which everything together ends by a deadline.

    A plain time-out is one of each step: a receiver that sends a byte now and then would never end.
    """

    def __init__(self, plain: socket.socket, deadline: float) -> None:
        self._plain = plain
        self._deadline = deadline

    def sendall(self, data: bytes) -> None:
        self._limit().sendall(data)

    def recv_into(self, buffer: memoryview) -> int:
        return self._limit().recv_into(buffer)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Answer(self))

    def close(self) -> None:
        self._plain.close()

    def _limit(self) -> socket.socket:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._plain.settimeout(left)
        return self._plain


class _Answer(io.RawIOBase):
    """What comes back on a socket."""

    def __init__(self, timed: _Timed) -> None:
        self._timed = timed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._timed.recv_into(memoryview(buffer))
