"""``/docs``: the OpenAPI document as a page, made here, that asks nothing of anybody outside."""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, PackageLoader
from markupsafe import Markup, escape

from ecny_tax.web.samples import curl, resolved

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
}
_METHODS = ("get", "post", "put", "patch", "delete")
_CODE = re.compile("(`{1,2})([^`]+)\\1")
_OR = Markup(" | ")


def add_reference(app: FastAPI) -> None:
    """Add ``/docs`` and its style sheet to an application, outside of the document."""
    templates = Environment(loader=PackageLoader("ecny_tax.web"), autoescape=True, trim_blocks=True)

    @app.get("/docs", include_in_schema=False)
    def reference() -> HTMLResponse:
        return HTMLResponse(_page(), headers=_HEADERS)

    @app.get("/docs.css", include_in_schema=False)
    def style() -> Response:
        return Response(templates.get_template("reference.css").render(), media_type="text/css")

    @cache
    def _page() -> str:
        return page(templates, app.openapi())


def page(templates: Environment, document: dict[str, Any]) -> str:
    """The page of a document."""
    shown = _Page(document)
    rooms = shown.rooms()
    return templates.get_template("reference.html").render(
        title=document["info"]["title"],
        version=document["info"]["version"],
        about=_paragraphs(document["info"]["description"].strip()),
        statuses={code: _text(said) for code, said in shown.statuses.items()},
        rooms=rooms,
        forms=shown.forms(),
    )


def _text(text: str) -> Markup:
    """Text as it is, with what stands in backticks as code."""
    return Markup(_CODE.sub(r"<code>\2</code>", str(escape(text))))  # noqa: S704 - escaped before


def _paragraphs(text: str) -> list[Markup]:
    return [_text(part) for part in text.split("\n\n") if part]


class _Page:
    """What the page shows of a document; it remembers which forms it named."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._schemas: dict[str, dict[str, Any]] = document["components"]["schemas"]
        self._named: list[str] = []
        #: What the statuses of refusals mean, as most operations have it.
        self.statuses = _statuses(document)

    def rooms(self) -> dict[str, list[dict[str, Any]]]:
        """The operations of the document by their tag, in its order."""
        rooms: dict[str, list[dict[str, Any]]] = {}
        for path, methods in self._document["paths"].items():
            for method in _METHODS:
                if method in methods:
                    shown = self._operation(method.upper(), path, methods[method])
                    rooms.setdefault(methods[method].get("tags", ["server"])[0], []).append(shown)
        return rooms

    def forms(self) -> list[dict[str, Any]]:
        """Every form that was named so far, and those that these name, by their names."""
        self._link("Problem")
        shown: dict[str, dict[str, Any]] = {}
        for name in self._named:  # it grows meanwhile
            shown[name] = {"name": name, **self._form(self._schemas[name])}
        return [shown[name] for name in sorted(shown)]

    def _operation(self, method: str, path: str, said: dict[str, Any]) -> dict[str, Any]:
        bodies, is_optional = self._bodies(said)
        done, answer = next((code, one) for code, one in said["responses"].items() if code.startswith("2"))
        contents: dict[str, dict[str, Any]] = answer.get("content", {})
        media_type = next(iter(contents), None)
        schema = contents[media_type].get("schema", {}) if media_type else {}
        sent: list[dict[str, Any] | None] = [*bodies] or [None]
        return {
            "id": said["operationId"],
            "method": method,
            "path": path,
            "summary": _text(said.get("summary", "")),
            "description": _paragraphs(said.get("description", "")),
            "parameters": [
                {
                    "name": one["name"],
                    "in": one["in"],
                    "needed": _needed(bool(one.get("required")), one.get("schema", {})),
                    "type": self._type(one.get("schema", {})),
                    "about": _text(one.get("description", "")),
                }
                for one in said.get("parameters", [])
            ],
            "bodies": [
                {"name": one.get("title", ""), **self._form(resolved(self._document, one))} for one in bodies
            ],
            "body_optional": is_optional,
            "done": done,
            "media_type": media_type,
            "answer": self._form(resolved(self._document, schema)),
            "refusals": self._refusals(said["responses"]),
            "samples": [curl(self._document, method, path, said, body, n) for n, body in enumerate(sent, 1)],
        }

    def _bodies(self, said: dict[str, Any]) -> tuple[list[dict[str, Any]], bool]:
        """The forms that a body may have, and whether it may be left out."""
        request = said.get("requestBody")
        if request is None:
            return [], False
        schema = request["content"]["application/json"]["schema"]
        choices = schema.get("anyOf", schema.get("oneOf", [schema]))
        found = [resolved(self._document, one) for one in choices if one.get("type") != "null"]
        return found, not request.get("required", False) or len(found) < len(choices)

    def _refusals(self, responses: dict[str, dict[str, Any]]) -> list[dict[str, str]]:
        """The statuses in order; ``differs`` where one means something else here than mostly."""
        return [
            {
                "code": code,
                "about": _text(said).striptags(),
                "differs": _text("" if said == self.statuses[code] else said),
            }
            for code, said in sorted((code, one["description"]) for code, one in responses.items())
            if not code.startswith("2")
        ]

    def _form(self, schema: dict[str, Any]) -> dict[str, Any]:
        needed = schema.get("required", [])
        return {
            "about": _text(" ".join(schema.get("description", "").split())),
            "type": None if schema.get("properties") else self._type(schema),
            "members": [
                {
                    "name": name,
                    "type": self._type(one),
                    "needed": _needed(name in needed, one),
                    "about": _text(one.get("description", "")),
                }
                for name, one in schema.get("properties", {}).items()
            ],
        }

    def _link(self, name: str) -> Markup:
        """To the form of a name, which is shown from now on."""
        if name not in self._named:
            self._named.append(name)
        return Markup('<a href="#form-{0}">{0}</a>').format(name)

    def _type(self, schema: dict[str, Any]) -> Markup:
        """A schema in a few words, and links to the forms in it."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            found = self._schemas[name]
            return self._link(name) if found.get("properties") else self._type(found)
        if "anyOf" in schema or "oneOf" in schema:
            parts = schema.get("anyOf", schema.get("oneOf", []))
            return _OR.join(dict.fromkeys(self._type(one) for one in parts))
        if "const" in schema:
            return escape(json.dumps(schema["const"], ensure_ascii=False))
        if "enum" in schema:
            return _OR.join(map(str, schema["enum"]))
        if schema.get("type") == "array":
            return Markup("list of ") + self._type(schema.get("items", {}))
        if isinstance(schema.get("additionalProperties"), dict):
            return Markup("object of ") + self._type(schema["additionalProperties"])
        return escape(schema.get("format", schema.get("type", "any")))


def _needed(is_needed: bool, schema: dict[str, Any]) -> str:
    if is_needed:
        return "needed"
    default = schema.get("default")
    if default in (None, "") or isinstance(default, list):
        return "optional"
    said = default if isinstance(default, str) else json.dumps(default)
    return f"optional, {said}"


def _statuses(document: dict[str, Any]) -> dict[str, str]:
    said: dict[str, Counter[str]] = {}
    for methods in document["paths"].values():
        for operation in methods.values():
            for code, response in operation["responses"].items():
                if not code.startswith("2"):
                    said.setdefault(code, Counter())[response["description"]] += 1
    return {code: said[code].most_common(1)[0][0] for code in sorted(said)}
