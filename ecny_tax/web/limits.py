"""What the server takes of a request before anything looks into it: so much, so fast, and JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from anyio import to_thread
from fastapi import Request
from fastapi.security.utils import get_authorization_scheme_param
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ecny_tax import strict_json
from ecny_tax.errors import EcnyTaxError, InvalidInputError
from ecny_tax.web.hub import Hub
from ecny_tax.web.problems import language_of, problem

#: The largest body, in bytes, and how long it may take to arrive, in seconds.
MAX_BODY = 4 * 1024 * 1024
BODY_SECONDS = 10.0
#: The largest head, in bytes.
MAX_HEAD = 32 * 1024
#: A larger body is taken only of whom an API key opens to, and read beside other requests.
SMALL_BODY = 64 * 1024
_T = TypeVar("_T")
_HEADERS = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
_LINGER_SECONDS, _LINGER_BYTES = 2.0, 64 * 1024 * 1024


class _GoneError(Exception):
    """The caller closed the connection before its body was there."""


class _RefusedError(Exception):
    """A body that is not taken; its rest may still be coming."""

    def __init__(self, refusal: EcnyTaxError) -> None:
        super().__init__()
        self.refusal = refusal


class Limits:
    """ASGI middleware: reads the whole body within size and time, or refuses the request."""

    def __init__(self, app: ASGIApp, *, max_body: int = MAX_BODY, seconds: float | None = None) -> None:
        self._app = app
        self._max_body = max_body
        self._seconds = BODY_SECONDS if seconds is None else seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        send = _careful(send)
        refusal: EcnyTaxError
        try:
            await self._check_head(request)
            body = await asyncio.wait_for(self._body(request, receive), self._seconds)
            await beside(body, _check_json, request, body)
        except TimeoutError:
            refusal = InvalidInputError("request_too_slow", seconds=f"{self._seconds:g}")
        except _RefusedError as error:
            refusal = error.refusal
        except _GoneError:
            return
        except InvalidInputError as error:
            await problem(error, language_of(request))(scope, receive, send)
            return
        else:
            await self._app(scope, _replayed(body, receive), send)
            return
        await self._hang_up(problem(refusal, language_of(request)), receive, send)

    async def _hang_up(self, answer: Response, receive: Receive, send: Send) -> None:
        """Answer before the whole body is there, and close the connection."""
        answer.headers["Connection"] = "close"
        headers = answer.raw_headers
        await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body, "more_body": True})
        # Who is still sending hears of it only if the connection stays for a while.
        with suppress(TimeoutError):
            await asyncio.wait_for(self._rest(receive), _LINGER_SECONDS)
        await send({"type": "http.response.body", "body": b""})

    async def _rest(self, receive: Receive) -> None:
        """Read what is still coming, and forget it."""
        size, more = 0, True
        while more and size < _LINGER_BYTES:
            message = await receive()
            size += len(message.get("body", b""))
            more = message.get("more_body", False)

    async def _check_head(self, request: Request) -> None:
        """Before a body is read that is large, or may be: to read it costs more than to refuse the key."""
        if sum(len(name) + len(value) for name, value in request.headers.raw) > MAX_HEAD:
            reason = f"they are larger than {MAX_HEAD} bytes"
            raise _RefusedError(InvalidInputError("request_malformed", where="headers", reason=reason))
        announced = request.headers.get("content-length", "0")
        size = int(announced[:20]) if announced.isascii() and announced.isdigit() else 0
        may_be_large = size > SMALL_BODY or "transfer-encoding" in request.headers
        most = self._most(request)
        if size > most:
            raise _RefusedError(InvalidInputError("body_too_large", limit=most))
        if may_be_large and most > SMALL_BODY:
            hub: Hub = request.app.state.hub
            scheme, secret = get_authorization_scheme_param(request.headers.get("authorization"))
            try:
                await to_thread.run_sync(hub.opened_with, secret if scheme.lower() == "bearer" else None)
            except EcnyTaxError as error:
                raise _RefusedError(error) from None

    def _most(self, request: Request) -> int:
        """The largest body: what needs no key needs no large one."""
        return self._max_body if request.url.path.startswith("/v1/") else min(self._max_body, SMALL_BODY)

    async def _body(self, request: Request, receive: Receive) -> bytes:
        most = self._most(request)
        parts, size, more = [], 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _GoneError
            part = message.get("body", b"")
            size += len(part)
            if size > most:
                raise _RefusedError(InvalidInputError("body_too_large", limit=most))
            parts.append(part)
            more = message.get("more_body", False)
        return b"".join(parts)


async def beside(body: bytes, act: Callable[..., _T], *values: object) -> _T:
    """What is done with a body, in a thread where it is large, so that other requests go on meanwhile."""
    return act(*values) if len(body) <= SMALL_BODY else await to_thread.run_sync(act, *values)


def _check_json(request: Request, body: bytes) -> None:
    """A body is JSON, and says everything once; what else is wrong with it, its model will tell."""
    if not body:
        return
    said = request.headers.get("content-type", "")
    if said.partition(";")[0].strip().lower() != "application/json":
        raise InvalidInputError("media_type_unsupported", value=said or "unknown")
    try:
        strict_json.loads(body.decode("utf-8"))
    except strict_json.RepeatedKeyError as error:
        raise InvalidInputError("request_malformed", where="body", reason=str(error)) from None
    except UnicodeDecodeError:
        raise InvalidInputError("request_malformed", where="body", reason="it is not UTF-8") from None
    except RecursionError:
        raise InvalidInputError("request_malformed", where="body", reason="it is nested too deep") from None
    except ValueError as error:
        raise InvalidInputError("request_malformed", where="body", reason=str(error)) from None


def _careful(send: Send) -> Send:
    """Let no browser keep an answer, or take it for what it does not say it is."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *_HEADERS]
        await send(message)

    return sent


def _replayed(body: bytes, receive: Receive) -> Receive:
    """The body once more, in one piece; after it, what the connection says."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
