"""``/docs``: the OpenAPI document as a page, made here, that asks nothing of anybody outside."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
}
_METHODS = ("get", "post", "put", "patch", "delete")


def add_reference(app: FastAPI) -> None:
    """Add ``/docs`` and its style sheet to an application, outside of the document."""
    templates = Environment(loader=PackageLoader("ecny_tax.web"), autoescape=True, trim_blocks=True)

    @app.get("/", include_in_schema=False)
    def start() -> RedirectResponse:
        return RedirectResponse("/docs")

    @app.get("/docs", include_in_schema=False)
    def reference() -> HTMLResponse:
        return HTMLResponse(_page(), headers=_HEADERS)

    @app.get("/docs.css", include_in_schema=False)
    def style() -> Response:
        return Response(templates.get_template("reference.css").render(), media_type="text/css")

    @cache
    def _page() -> str:
        document = app.openapi()
        return templates.get_template("reference.html").render(
            title=document["info"]["title"],
            version=document["info"]["version"],
            about=document["info"]["description"].strip().split("\n\n"),
            rooms=_rooms(document),
        )


def _rooms(document: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The operations of the document by their tag, in its order."""
    rooms: dict[str, list[dict[str, Any]]] = {}
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                shown = _operation(document, method.upper(), path, methods[method])
                rooms.setdefault(methods[method].get("tags", ["server"])[0], []).append(shown)
    return rooms


def _operation(document: dict[str, Any], method: str, path: str, said: dict[str, Any]) -> dict[str, Any]:
    body = said.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    bodies = (
        []
        if body is None
        else [_resolved(document, one) for one in body.get("anyOf", body.get("oneOf", [body]))]
    )
    done, answer = next((code, one) for code, one in said["responses"].items() if code.startswith("2"))
    contents: dict[str, dict[str, Any]] = answer.get("content", {})
    media_type = next(iter(contents), None)
    form = _resolved(document, contents[media_type].get("schema", {})) if media_type else {}
    return {
        "id": said["operationId"],
        "method": method,
        "path": path,
        "summary": said.get("summary", ""),
        "description": [part for part in said.get("description", "").split("\n\n") if part],
        "parameters": [
            {**one, "type": _type(document, one.get("schema", {}))} for one in said.get("parameters", [])
        ],
        "bodies": [
            {
                "name": one.get("title", ""),
                "about": one.get("description", ""),
                "members": _members(document, one),
            }
            for one in bodies
        ],
        "done": done,
        "media_type": media_type,
        "answer": _members(document, form),
        "refusals": [code for code in said["responses"] if not code.startswith("2")],
        "curl": _curl(method, path, said, bodies),
    }


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def _members(document: dict[str, Any], schema: dict[str, Any]) -> list[dict[str, Any]]:
    needed = schema.get("required", [])
    return [
        {
            "name": name,
            "type": _type(document, one),
            "needed": name in needed,
            "about": one.get("description", ""),
        }
        for name, one in schema.get("properties", {}).items()
    ]


def _type(document: dict[str, Any], schema: dict[str, Any]) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        found = _resolved(document, schema)
        return " | ".join(map(str, found["enum"])) if "enum" in found else found.get("title", "object")
    if "anyOf" in schema or "oneOf" in schema:
        parts = schema.get("anyOf", schema.get("oneOf", []))
        return " | ".join(dict.fromkeys(_type(document, one) for one in parts))
    if "const" in schema:
        return json.dumps(schema["const"], ensure_ascii=False)
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return f"list of {_type(document, schema.get('items', {}))}"
    return str(schema.get("format", schema.get("type", "any")))


def _curl(method: str, path: str, said: dict[str, Any], bodies: list[dict[str, Any]]) -> str:
    """A call that shows the form; what stands in braces is the reader's."""
    parts = [f'curl -H "Authorization: Bearer $API_KEY" $ECNY_TAX{path}']
    if method != "GET":
        parts.append(f"-X {method}")
    if any(one["name"] == "Idempotency-Key" for one in said.get("parameters", [])):
        parts.append("-H 'Idempotency-Key: order-1'")
    if bodies:
        example = bodies[0].get("example") or {
            name: one.get("examples", [one.get("const", one.get("default", "…"))])[0]
            for name, one in bodies[0].get("properties", {}).items()
            if name in bodies[0].get("required", [])
        }
        parts += ["-H 'Content-Type: application/json'", f"-d '{json.dumps(example, ensure_ascii=False)}'"]
    return " \\\n  ".join(parts)
