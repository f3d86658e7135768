"""The teaching console over HTTP: pages that are addresses, and classes that follow a leader.

It needs no key and never touches the sandbox that is served: a class is a sandbox of its own, in memory.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from importlib.resources import files
from secrets import randbelow
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ecny_tax.errors import EcnyTaxError, InvalidInputError, Language, NotFoundError, RejectedError
from ecny_tax.scenarios import classroom
from ecny_tax.scenarios.heshan import COMPANY
from ecny_tax.web.console.addresses import Address, read_address
from ecny_tax.web.console.led import FORGOTTEN_SECONDS, Led, LedClasses
from ecny_tax.web.console.replays import Replays
from ecny_tax.web.console.tour import stop_after
from ecny_tax.web.console.view import Seat, page, refused_page
from ecny_tax.web.problems import language_of, status_of

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    # Not less: without a referrer a browser says of its own forms that they come from nowhere.
    "Referrer-Policy": "same-origin",
}
#: A picture is opened by itself, too; what it says of its fonts is all that it may.
_PICTURE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
}
_FILES = {
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "console.svg": "image/svg+xml",
}
#: Seeds that are made here are short enough to be read out.
_SEEDS = 10**6
#: After so many milliseconds a browser that lost a stream asks for it again.
_RETRY_MILLISECONDS = 2000
_STREAM = "text/event-stream"


class Console:
    """What the requests of one server's console share: classes as they were played, and led classes."""

    def __init__(self) -> None:
        self.replays = Replays(classroom.play, COMPANY)
        self.led = LedClasses()

    def close(self) -> None:
        """End every stream: the server stops."""
        self.led.close()


def add_console(app: FastAPI) -> None:
    """Add the console to an application, at ``/`` and outside of the OpenAPI document."""
    app.state.console = Console()
    for path, answers in _PAGES.items():
        app.router.routes.append(Route(path, _as_page(answers), methods=list(answers)))
    for name, media_type in _FILES.items():
        app.router.routes.append(Route(f"/{name}", _file(name, media_type), methods=["GET"]))


_Answer = Callable[[Request], Awaitable[Response]]


def _as_page(answers: Mapping[str, _Answer]) -> _Answer:
    """What answers each method; a refusal is a page too, in the reader's language."""

    async def answered(request: Request) -> Response:
        try:
            return await answers["GET" if request.method == "HEAD" else request.method](request)
        except EcnyTaxError as error:
            language = _language(request)
            status = status_of(error)
            headers = {**_HEADERS, "Content-Language": language}
            if status == 503:
                headers["Retry-After"] = "5"
            return HTMLResponse(refused_page(error, language), status, headers)

    return answered


def _file(name: str, media_type: str) -> _Answer:
    content = files("ecny_tax.web.console").joinpath(name).read_bytes()

    async def answered(_request: Request) -> Response:
        return Response(content, media_type=media_type, headers=_HEADERS)

    return answered


# --- a class, and what it shows ---------------------------------------------------------------------------


async def _show(request: Request) -> Response:
    address = _address(request)
    console: Console = request.app.state.console
    leads = bool(address.led) and console.led.is_led(address.led, _token(request, address.led))
    return await _page(request, address, Seat("leader" if leads else "alone", _origin(request)))


async def _page(request: Request, address: Address, seat: Seat) -> Response:
    replays: Replays = request.app.state.console.replays

    def made() -> str:
        played = replays.lesson(address)
        return page(address, played, stop_after(address.steps), seat)

    return HTMLResponse(
        await replays.beside(made), headers={**_HEADERS, "Content-Language": address.language}
    )


async def _new(request: Request) -> Response:
    """A class with a seed that nobody chose."""
    return _see(str(replace(_address(request).at_the_beginning(), seed=randbelow(_SEEDS))))


async def _trace(request: Request) -> Response:
    address = _address(request)
    replays: Replays = request.app.state.console.replays
    played = await replays.beside(lambda: replays.lesson(address))
    standing = played.standing
    picture = standing.trace_picture_zh if address.language == "zh" else standing.trace_picture
    if not picture:
        raise NotFoundError("class_without_trace")
    return Response(picture, media_type="image/svg+xml", headers=_PICTURE_HEADERS)


# --- a class that follows ---------------------------------------------------------------------------------


async def _lead(request: Request) -> Response:
    _check_same_site(request)
    address = _address(request)
    console: Console = request.app.state.console
    led = console.led.lead(address)
    return _as_leader(request, led, _see(str(replace(address, led=led.code))))


async def _move(request: Request) -> Response:
    _check_same_site(request)
    code = request.path_params["code"]
    address = _address(request)
    console: Console = request.app.state.console
    led = console.led.move(code, _token(request, code), address)
    if "text/html" in request.headers.get("accept", ""):
        return _as_leader(request, led, _see(str(replace(address, led=led.code))))
    return _as_leader(request, led, Response(status_code=204, headers=_HEADERS))


def _as_leader(request: Request, led: Led, answer: Response) -> Response:
    """Let the browser keep the secret of a class for as long as the class is kept from now on."""
    answer.set_cookie(
        _cookie(led.code),
        led.token,
        max_age=FORGOTTEN_SECONDS,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


async def _find_class(request: Request) -> Response:
    code = request.query_params.get("code", "").strip().upper()
    if not code:
        raise NotFoundError("class_not_found", value=code)
    return _see(f"/class/{quote(code, safe='')}?lang={_language(request)}")


async def _follow(request: Request) -> Response:
    console: Console = request.app.state.console
    led = console.led.find(request.path_params["code"])
    address = led.shown.in_language(_language(request))
    return await _page(request, address, Seat("follower", _origin(request), led.code, led.version))


class _Stream(StreamingResponse):
    """Events for a listener, who gives the place back however it ends."""

    def __init__(self, classes: LedClasses, led: Led, after: int) -> None:
        super().__init__(_told(classes, led, after), media_type=_STREAM, headers=_HEADERS)
        self._classes, self._led = classes, led

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._classes.leave(self._led)


async def _events(request: Request) -> Response:
    classes: LedClasses = request.app.state.console.led
    if request.method == "HEAD":  # nobody would read on
        classes.find(request.path_params["code"])
        return Response(media_type=_STREAM, headers=_HEADERS)
    seen = request.headers.get("last-event-id") or request.query_params.get("after", "")
    after = int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 10 else 0
    return _Stream(classes, classes.enter(request.path_params["code"]), after)


async def _told(classes: LedClasses, led: Led, after: int) -> AsyncIterator[str]:
    yield f"retry: {_RETRY_MILLISECONDS}\n\n"
    async for version in classes.versions(led, after):
        yield ": here\n\n" if version is None else f"id: {version}\nevent: step\ndata: {version}\n\n"
    if led.over:
        yield "event: over\ndata: over\n\n"


# --- what a request says ----------------------------------------------------------------------------------


def _address(request: Request) -> Address:
    return read_address(request.query_params.multi_items(), language_of(request))


def _language(request: Request) -> Language:
    """The reader's language, also where the rest of the address cannot be read."""
    try:
        return read_address([("lang", request.query_params.get("lang", ""))], language_of(request)).language
    except InvalidInputError:
        return language_of(request)


def _origin(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


def _cookie(code: str) -> str:
    return f"ecny-tax-class-{code}"


def _token(request: Request, code: str) -> str:
    return request.cookies.get(_cookie(code), "")


def _check_same_site(request: Request) -> None:
    """Whatever moves a class comes from a page of this very server; browsers say where it comes from.

    Raises ``RejectedError`` (``request_from_elsewhere``).
    """
    origin = request.headers.get("origin")
    site = request.headers.get("sec-fetch-site")
    if origin is not None and origin.partition("://")[2] != request.url.netloc:
        raise RejectedError("request_from_elsewhere", origin=origin)
    if site is not None and site not in ("same-origin", "none"):
        raise RejectedError("request_from_elsewhere", origin=site)


def _see(place: str) -> Response:
    """Go there instead."""
    return RedirectResponse(place, 303, headers=_HEADERS)


_PAGES: Mapping[str, Mapping[str, _Answer]] = {
    "/": {"GET": _show},
    "/new": {"GET": _new},
    "/trace.svg": {"GET": _trace},
    "/follow": {"GET": _find_class},
    "/class": {"POST": _lead},
    "/class/{code}": {"GET": _follow, "POST": _move},
    "/class/{code}/events": {"GET": _events},
}
