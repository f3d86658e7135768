"""Links of the OpenAPI document: where the number of a record that was just made can be used."""

from __future__ import annotations

import re
from typing import Any

_PARAMETER = re.compile(r"\{(\w+)\}")


def add_links(document: dict[str, Any]) -> None:
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
