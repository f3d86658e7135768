"""docs/http-reference.md: every operation of the OpenAPI document in a line."""

from __future__ import annotations

from typing import Any

from generators import tables

from ecny_tax import Sandbox
from ecny_tax.web.app import create_app

#: The statuses of refusals that every operation under /v1 has, and every one that writes.
_READING = {"400", "401", "403", "404", "408", "429", "503"}
_WRITING = _READING | {"409", "413", "415", "422"}

_HEAD = """\
# HTTP reference

Every operation of the sandbox over HTTP, taken from its OpenAPI document. A running server shows the same
with every form, field and sample at `/docs`, and as OpenAPI 3.1 at `/openapi.json`; [http.md](http.md)
explains keys, idempotency, webhooks and failures to order, by examples.

*Takes* lists the fields of the body, in bold those that must be there, and the parameters of the query.
*Who may* names the parties beside `admin`, who may everything. *Statuses* are that of success and those of
refusals that are not common: an operation that reads may be refused with 400, 401, 403, 404, 408, 429 or 503,
one that writes also with 409, 413, 415 or 422. **K** marks what needs an `Idempotency-Key`.
"""


def page() -> str:
    """The page, from the document that the application makes."""
    with Sandbox.open(seed=1) as s:
        document = create_app(s).openapi()
    rooms: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, said in methods.items():
            rooms.setdefault(said.get("tags", ["server"])[0], []).append(_row(document, method, path, said))
    parts = [_HEAD, _meanings(document)]
    for room, rows in rooms.items():
        head = "| operation | what | takes | who may | statuses |\n|---|---|---|---|---|\n"
        parts.append(f"## {room}\n\n{head}" + "".join(rows))
    return "\n".join(parts)


def _meanings(document: dict[str, Any]) -> str:
    said = document["paths"]["/v1/payments"]["post"]["responses"]
    rows = [f"| {code} | {said[code]['description']} |" for code in sorted(_WRITING)]
    return "\n".join(["## Statuses of refusals\n", "| status | meaning |", "|---|---|", *rows, ""])


def _row(document: dict[str, Any], method: str, path: str, said: dict[str, Any]) -> str:
    key = " **K**" if any(one["name"] == "Idempotency-Key" for one in said.get("parameters", [])) else ""
    open_to = [one for one in said.get("x-open-to", []) if one != "admin"]
    who = ", ".join(open_to) or ("admin alone" if "x-open-to" in said else "everybody, without a key")
    cells = (
        f"`{method.upper()} {path}`{key}",
        " ".join(said.get("summary", "").split()),
        _taken(document, said),
        who,
        _statuses(method, said),
    )
    return tables.row(cells) + "\n"


def _taken(document: dict[str, Any], said: dict[str, Any]) -> str:
    """The fields of the body (those that must be there in bold) and the parameters of the query."""
    words = []
    for schema in _bodies(said):
        form = document["components"]["schemas"].get(schema.get("$ref", "").rpartition("/")[2], schema)
        needed = form.get("required", [])
        fields = [f"**{name}**" if name in needed else name for name in form.get("properties", {})]
        words.append(" ".join(fields))
    queries = [f"?{one['name']}" for one in said.get("parameters", []) if one["in"] == "query"]
    return "; or ".join(filter(None, words)) + (" " if words and queries else "") + " ".join(queries)


def _bodies(said: dict[str, Any]) -> list[dict[str, Any]]:
    if "requestBody" not in said:
        return []
    schema = said["requestBody"]["content"]["application/json"]["schema"]
    choices = schema.get("anyOf", schema.get("oneOf", [schema]))
    return [one for one in choices if one.get("type") != "null"]


def _statuses(method: str, said: dict[str, Any]) -> str:
    done = [code for code in said["responses"] if code.startswith("2")]
    refused = set(said["responses"]) - set(done)
    common = _READING if method == "get" else _WRITING
    return " ".join(done + sorted(refused - common if refused >= common else refused))
