"""A client that holds every answer against the OpenAPI document: its status, media type and form."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import jsonschema_rs

from ecny_tax import Sandbox
from ecny_tax.web.app import create_app
from ecny_tax.web.keys import create_key
from tests.web.client import Answer, Api


class DocumentedApi(Api):
    def ask(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Answer:
        answer = super().ask(method, path, body, headers)
        check_documented(method, path, answer)
        return answer


def documented(sandbox: Sandbox, address: str) -> Callable[[str], Api]:
    """Makes a key for a party, as `api-key create` does, and answers its client."""
    return lambda party: DocumentedApi(address, create_key(sandbox, party=party).api_key)


def check_documented(method: str, path: str, answer: Answer) -> None:
    where = f"{method} {path}: {answer.status} {answer.content!r}"
    assert answer.status < 500, where
    operation = operation_of(method, path)
    if operation is None:
        assert answer.code in ("route_not_found", "method_not_allowed"), where
        return
    assert str(answer.status) in operation["responses"], where
    content = operation["responses"][str(answer.status)]["content"]
    media_type = answer.headers["content-type"].partition(";")[0]
    assert media_type in content, where
    if not media_type.endswith("json"):
        return
    _validator(json.dumps(content[media_type]["schema"])).validate(answer.json)


def operation_of(method: str, path: str) -> Any:
    """The operation of the document that answers at a path; None where there is none."""
    plain = path.partition("?")[0]
    found = [
        operations[method.lower()]
        for template, operations in document()["paths"].items()
        if method.lower() in operations and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), plain)
    ]
    return found[0] if found else None


def paths() -> list[tuple[str, str]]:
    """Every operation: its method and the pattern of its path."""
    return [(method.upper(), path) for path, methods in document()["paths"].items() for method in methods]


@cache
def document() -> Any:
    with Sandbox.open(":memory:") as sandbox:
        return json.loads(json.dumps(create_app(sandbox).openapi()))


@cache
def _validator(schema: str) -> Any:
    whole = {**json.loads(schema), "components": document()["components"]}
    return jsonschema_rs.validator_for(whole, validate_formats=True)
