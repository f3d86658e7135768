"""What the OpenAPI document says beyond what FastAPI puts into it: what refusals are, and links."""

from __future__ import annotations

import re
from typing import Any

from ecny_tax.web.problems import Problem

_FRAMEWORKS_OWN = "#/components/schemas/HTTPValidationError"
_PARAMETER = re.compile(r"\{(\w+)\}")


def finished(document: dict[str, Any]) -> dict[str, Any]:
    """The document that FastAPI made, changed in place."""
    _say_problems(document)
    _add_links(document)
    return document


def _say_problems(document: dict[str, Any]) -> None:
    """Refusals have the one form, and none has the framework's."""
    operations = [one for path in document["paths"].values() for one in path.values()]
    for responses in (operation["responses"] for operation in operations):
        for status, response in list(responses.items()):
            said = response.get("content", {}).get("application/json", {}).get("schema", {})
            if said == {"$ref": _FRAMEWORKS_OWN}:
                del responses[status]
    schemas = document["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas.setdefault("Problem", Problem.model_json_schema())


def _add_links(document: dict[str, Any]) -> None:
    """Give every answer that bears the number of a record links to the operations that take it in their path.

    A test that follows links reaches them with records that exist.
    """
    takers: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        names = _PARAMETER.findall(path)
        if len(names) == 1:
            for said in methods.values():
                takers.setdefault(names[0], []).append(said["operationId"])
    for methods in document["paths"].values():
        for method, said in methods.items():
            answer = said["responses"].get("201")
            if method == "post" and answer is not None:
                links = _links(_members(document, answer), takers)
                if links:
                    answer["links"] = links


def _links(members: set[str], takers: dict[str, list[str]]) -> dict[str, Any]:
    return {
        operation: {"operationId": operation, "parameters": {name: f"$response.body#/{name}"}}
        for name in sorted(members & takers.keys())
        for operation in takers[name]
    }


def _members(document: dict[str, Any], answer: dict[str, Any]) -> set[str]:
    schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return set(schema.get("required", ()))
