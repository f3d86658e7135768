"""Calls by curl that show how an operation of the OpenAPI document is used."""

from __future__ import annotations

import json
import shlex
from typing import Any
from urllib.parse import quote

#: Where a schema says nothing better.
_BY_FORMAT = {"date": "2023-04-20", "date-time": "2023-04-20T10:00:00+08:00"}


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """A schema, or the one that it refers to."""
    while "$ref" in schema:
        found = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        schema = found | {name: said for name, said in schema.items() if name != "$ref"}
    return schema


def curl(
    document: dict[str, Any],
    method: str,
    path: str,
    said: dict[str, Any],
    body: dict[str, Any] | None,
    number: int = 1,
) -> str:
    """A call of an operation; names in capitals after a dollar sign are the reader's to set."""
    parts = [f'curl "$ECNY_TAX{_address(document, path, said.get("parameters", []))}"']
    if method != "GET":
        parts[0] += f" -X {method}"
    if said.get("security"):
        parts.append('-H "Authorization: Bearer $API_KEY"')
    if any(one["name"] == "Idempotency-Key" for one in said.get("parameters", [])):
        parts.append(f"-H 'Idempotency-Key: {said['operationId'].replace('_', '-')}-{number}'")
    if body is not None:
        sent = json.dumps(example(document, body), ensure_ascii=False)
        parts += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(sent)}"]
    return " \\\n  ".join(parts)


def _address(document: dict[str, Any], path: str, parameters: list[dict[str, Any]]) -> str:
    """The path with what it needs: examples, or variables of the shell."""
    query = []
    for one in parameters:
        name, schema = one["name"], one.get("schema", {})
        if one["in"] == "path":
            known = _known(resolved(document, schema))
            path = path.replace(f"{{{name}}}", quote(str(known[0]), "~") if known else f"${{{name.upper()}}}")
        elif one["in"] == "query" and one.get("required"):
            query.append(f"{name}={quote(str(example(document, schema)))}")
    return path + ("?" + "&".join(query) if query else "")


def _known(schema: dict[str, Any]) -> list[Any]:
    """What a schema itself gives as a value, if anything."""
    if "example" in schema:
        return [schema["example"]]
    if "const" in schema:
        return [schema["const"]]
    default = [schema["default"]] if schema.get("default") is not None else []
    return [*schema.get("examples", []), *default, *schema.get("enum", [])]


def example(document: dict[str, Any], schema: dict[str, Any]) -> Any:
    """A value of a schema: its own example, or one made of those of its parts."""
    schema = resolved(document, schema)
    known = _known(schema)
    if known:
        return _in_order(known[0], schema)
    for one in schema.get("anyOf", schema.get("oneOf", [])):
        if one.get("type") != "null":
            return example(document, one)
    match schema.get("type"):
        case "object":
            return _object(document, schema)
        case "array":
            return [example(document, schema["items"])] if "items" in schema else []
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "string":
            return _BY_FORMAT.get(schema.get("format", ""), "text")
        case _:
            return None


def _object(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """What is needed; where nothing is, what has an example."""
    members = schema.get("properties", {})
    shown = schema.get("required") or [name for name, one in members.items() if "examples" in one]
    return {name: example(document, members[name]) for name in members if name in shown}


def _in_order(value: Any, schema: dict[str, Any]) -> Any:
    """An object with its members in the order in which the schema has them."""
    if not isinstance(value, dict):
        return value
    return {name: value[name] for name in schema.get("properties", {}) if name in value} | value
