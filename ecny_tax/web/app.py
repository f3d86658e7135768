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
from ecny_tax.web.console.routes import add_console
from ecny_tax.web.hub import Hub
from ecny_tax.web.limits import Limits
from ecny_tax.web.openapi import finished
from ecny_tax.web.reference import add_reference
from ecny_tax.web.webhook_delivery import DeliverySettings

_ABOUT = """A simulated scheme of paying Chinese taxes and receiving tax refunds in digital RMB (e-CNY).

It is a sandbox: no money is real, and what it assumes is named where it matters.  Amounts are text in yuan
with two decimals, times RFC 3339 in Beijing time, refusals problem details (RFC 9457) with a stable `code`.
Every POST that moves money takes an `Idempotency-Key`.
"""

#: Requests that run at once; more of them wait.
_THREADS = 64


class _Application(FastAPI):
    """FastAPI's, with a document that says more."""

    def openapi(self) -> dict[str, Any]:
        """Made once in a process: every application has the same operations."""
        if not _document:
            _document.update(finished(super().openapi()))
        return _document


#: The OpenAPI document, once it was asked for.
_document: dict[str, Any] = {}


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
    app.state.hub = Hub(sandbox, webhooks, _operations())
    app.add_exception_handler(EcnyTaxError, problems.on_refusal)
    app.add_exception_handler(RequestValidationError, problems.on_malformed)
    app.add_exception_handler(HTTPException, problems.on_http_error)
    app.add_exception_handler(Exception, problems.on_bug)
    app.add_middleware(Limits)
    for router in routes.routers():
        app.include_router(router, prefix="/v1")
    app.include_router(health.router)
    add_reference(app)
    add_console(app)
    return app


def _operations() -> dict[str, frozenset[int]]:
    """The operations that an ordered failure may strike, and the statuses that each documents."""
    return {
        route.operation_id: frozenset(map(int, route.responses))
        for router in routes.routers()
        for route in router.routes
        if isinstance(route, APIRoute) and route.operation_id and _may_fail(route)
    }


def _may_fail(route: APIRoute) -> bool:
    return bool((route.openapi_extra or {}).get("x-may-fail"))


def _version() -> str:
    from importlib.metadata import version

    return version("ecny-tax")
