"""A client that holds every answer against the OpenAPI document: status, content type, form."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import jsonschema_rs

from ecny_tax import Sandbox
from ecny_tax.web.app import create_app
from tests.web.client import Answer, Api


class DocumentedApi(Api):
    """Fails where an answer is not as the document says."""

    def ask(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Answer:
        answer = super().ask(method, path, body, headers)
        responses = _responses(method, path.partition("?")[0])
        assert str(answer.status) in responses, (method, path, answer.status, answer.content)
        content = responses[str(answer.status)].get("content", {})
        kind = answer.headers.get("content-type", "").partition(";")[0]
        assert kind in content, (method, path, kind)
        if kind.endswith("json") and answer.status < 400:
            _validator(content[kind]["schema"]["$ref"]).validate(answer.json)
        return answer


def paths() -> list[tuple[str, str]]:
    """Every operation: its method and the pattern of its path."""
    return [(method.upper(), path) for path, methods in document()["paths"].items() for method in methods]


@cache
def document() -> dict[str, Any]:
    with Sandbox.open(":memory:") as sandbox:
        return create_app(sandbox).openapi()


def _responses(method: str, path: str) -> dict[str, Any]:
    found = [
        (pattern, methods)
        for pattern, methods in document()["paths"].items()
        if re.fullmatch(re.sub(r"\{[a-z_]+\}", "[^/]+", pattern), path)
    ]
    assert found, path
    _, methods = min(found, key=lambda one: one[0].count("{"))
    responses: dict[str, Any] = methods[method.lower()]["responses"]
    return responses


@cache
def _validator(reference: str) -> Any:
    return jsonschema_rs.validator_for(
        {"$ref": reference, "components": document()["components"]}, validate_formats=True
    )
