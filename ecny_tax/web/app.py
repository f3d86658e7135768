"""The ASGI application: routes, refusals, limits, and the OpenAPI document."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from anyio import to_thread
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from ecny_tax.errors import EcnyTaxError
from ecny_tax.sandbox import Sandbox
from ecny_tax.web import health, problems, routes
from ecny_tax.web.hub import Hub
from ecny_tax.web.limits import Limits
from ecny_tax.web.links import add_links
from ecny_tax.web.reference import add_reference
from ecny_tax.web.webhook_delivery import DeliverySettings

_ABOUT = """A simulated scheme of paying Chinese taxes and receiving tax refunds in digital RMB (e-CNY).

It is a sandbox: no money is real, and what it assumes is named where it matters.  Amounts are text in yuan
with two decimals, times RFC 3339 in Beijing time, refusals problem details (RFC 9457) with a stable `code`.
Every POST that moves money takes an `Idempotency-Key`.
"""

#: Requests that run at once; more of them wait.
_THREADS = 64
_FRAMEWORKS_OWN = "#/components/schemas/HTTPValidationError"


class _Application(FastAPI):
    """FastAPI's, with a document that says of refusals what they are."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            _say_problems(super().openapi())
        return super().openapi()


def _say_problems(document: dict[str, Any]) -> None:
    """A refusal is of its own media type, and none has the framework's form."""
    operations = [one for path in document["paths"].values() for one in path.values()]
    for responses in (operation["responses"] for operation in operations):
        for status, response in list(responses.items()):
            content = response.get("content", {})
            said = content.get("application/json", {}).get("schema", {})
            if problems.MEDIA_TYPE in content and said:
                content[problems.MEDIA_TYPE] = content.pop("application/json")
            elif said == {"$ref": _FRAMEWORKS_OWN}:
                del responses[status]
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)


def create_app(sandbox: Sandbox, webhooks: DeliverySettings | None = None) -> FastAPI:
    """The application that serves an open sandbox, and closes it when it shuts down."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        to_thread.current_default_thread_limiter().total_tokens = _THREADS
        app.state.hub.start()
        try:
            yield
        finally:
            app.state.hub.close()

    app = _Application(
        title="ecny-tax",
        version=_version(),
        description=_ABOUT,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # it tells nobody anything
    )
    app.state.hub = Hub(sandbox, webhooks)
    app.add_exception_handler(EcnyTaxError, problems.on_refusal)
    app.add_exception_handler(RequestValidationError, problems.on_malformed)
    app.add_exception_handler(HTTPException, problems.on_http_error)
    app.add_exception_handler(Exception, problems.on_bug)
    app.add_middleware(Limits)
    for router in routes.routers():
        app.include_router(router, prefix="/v1")
    app.include_router(health.router)
    app.state.hub.operations = {
        route.operation_id: frozenset(map(int, route.responses))
        for router in routes.routers()
        for route in router.routes
        if isinstance(route, APIRoute) and route.operation_id and _may_fail(route)
    }
    _document(app)
    add_reference(app)
    return app


def _may_fail(route: APIRoute) -> bool:
    return bool((route.openapi_extra or {}).get("x-may-fail"))


def _document(app: FastAPI) -> None:
    """Make the OpenAPI document once, with what FastAPI does not put into it."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            add_links(plain())
        return plain()

    app.openapi = openapi  # type: ignore[method-assign]


def _version() -> str:
    from importlib.metadata import version

    return version("ecny-tax")
