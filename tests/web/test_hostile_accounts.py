"""Whatever comes in for wallets, agreements and parties: a documented answer, and nothing is changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ecny_tax import Sandbox
from tests import support
from tests.web.client import Api
from tests.web.documented import document, documented

NUMBERS = {"wallet_id": "0021728869830068", "token": "pt_x", "agreement_no": "A0", "key_id": "K0"}
#: What a member of a body may be, beside what it is documented as.
VALUES = (
    None,
    "",
    " ",
    "\0",
    "a\0b",
    "\ud800",
    "\u202e\x1b[31m",
    "١٢٣",
    "x" * 70_000,
    "0021728869830068",
    "1" * 19,
    "-1",
    "1e400",
    "'; DROP TABLE wallet; --",
    0,
    -1,
    10**400,
    1.5,
    float("nan"),
    float("inf"),
    True,
    [],
    [None],
    {},
    {"a": {"a": []}},
    [["x"]] * 3,
)
BODIES = (b"", b"null", b"[]", b"1", b'"x"', b"{", b"\xff", b"{}{}", b"[" * 100_000, b'{"a":1,"a":2}')
PATHS = (
    "%00",
    "%ff",
    "%ed%a0%80",
    "%E2%80%AE",
    "..",
    "%2e%2e%2f",
    "a" * 65,
    "a" * 4000,
    "%D9%A1",
    " "[:0] + "%20",
)
MINE = ("/v1/wallets", "/v1/pushed-wallets", "/v1/agreements", "/v1/parties", "/v1/api-keys")
OPERATIONS = [
    (method.upper(), template)
    for template, operations in document()["paths"].items()
    for method in operations
    if template.startswith(MINE)
]
#: Bodies that are right, but for the record that they name.
RIGHT: dict[str, dict[str, Any]] = {
    "/v1/wallets": {
        "kind": "personal",
        "operator": "ICBC",
        "name": "n",
        "id_number": "1",
    },
    "/v1/wallets/{wallet_id}/top-ups": {"amount": "1"},
    "/v1/wallets/{wallet_id}/cash-outs": {"amount": "1"},
    "/v1/wallets/{wallet_id}/transfers": {"amount": "1", "to_wallet": "0021728869830068"},
    "/v1/wallets/{wallet_id}/sub-wallets": {"purpose": "conditional", "payees": ["0"]},
    "/v1/wallets/{wallet_id}/distributions": {"to": [{"wallet_id": "0", "amount": "1"}]},
    "/v1/pushed-wallets/{token}/charges": {"payee": "0", "amount": "1"},
    "/v1/agreements": {"wallet_id": "0", "authority": "1"},
    "/v1/agreements/verifications": {"agreement": {}},
    "/v1/parties": {"kind": "tax_authority", "code": "1", "name": "n"},
    "/v1/api-keys": {"party": "nobody"},
}


@pytest.fixture
def as_party(sandbox: Sandbox, address: str) -> Callable[[str], Api]:
    return documented(sandbox, address)


@pytest.fixture
def wallet_id(admin: Api) -> str:
    asked = {
        "kind": "personal",
        "name": support.person_name(),
        "id_number": support.person_id(),
        "operator": "ICBC",
        "fund": "9",
    }
    return str(admin.made("/v1/wallets", asked)["wallet_id"])


@pytest.mark.parametrize("template", [path for method, path in OPERATIONS if method == "POST"])
def test_a_hostile_body_gets_a_documented_answer_and_moves_nothing(
    admin: Api, wallet_id: str, template: str
) -> None:
    before = state(admin)
    path = template.format(**{**NUMBERS, "wallet_id": wallet_id})
    has_body = "requestBody" in document()["paths"][template]["post"]
    for body in BODIES if has_body else ():
        assert admin.post(path, body).status in (400, 415), body[:20]
    for name in members(template):
        for value in VALUES:
            admin.post(path, json.dumps({**RIGHT.get(template, {}), name: value}).encode())
    extra = admin.post(path, {**RIGHT.get(template, {}), "extra": 1})
    if has_body:
        assert (extra.status, extra.code) == (400, "request_malformed")
    if not template.endswith("/stop"):  # which takes null for every member
        assert state(admin) == before
    assert admin.seen(f"/v1/wallets/{wallet_id}")["balance"] == "9.00"


def members(template: str) -> list[str]:
    """The members of the bodies that an operation takes."""
    body = document()["paths"][template]["post"].get("requestBody")
    if body is None:
        return []
    schema = body["content"]["application/json"]["schema"]
    forms = [one["$ref"].rpartition("/")[2] for one in schema.get("oneOf", [schema])]
    return sorted(
        {name for form in forms for name in document()["components"]["schemas"][form]["properties"]}
    )


def state(admin: Api) -> list[bytes]:
    listed = ("/v1/wallets", "/v1/agreements", "/v1/parties", "/v1/api-keys")
    return [admin.get(path).content for path in listed]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_hostile_number_in_an_address_finds_nothing(admin: Api, method: str) -> None:
    for template in (path for verb, path in OPERATIONS if verb == method and "{" in path):
        has_body = "requestBody" in document()["paths"][template][method.lower()]
        for number in PATHS:
            path = template.format(**dict.fromkeys(NUMBERS, number))
            body = RIGHT.get(template, {}) if has_body else None
            assert admin.ask(method, path, body, {"Idempotency-Key": "k"}).status in (400, 404, 405), path


@pytest.mark.parametrize("api_key", [None, "", "ecny_sandbox_x", "x" * 5000])
def test_every_operation_asks_for_a_key(address: str, api_key: str | None) -> None:
    for method, template in OPERATIONS:
        path = template.format(**NUMBERS)
        answer = Api(address, api_key).ask(method, path, None, {"Idempotency-Key": "k"})
        assert answer.status == 401, path


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "limit=", "cursor=x", "cursor=" + "A" * 41, "cursor=%00"]
)
def test_a_page_that_cannot_be_is_refused(admin: Api, query: str) -> None:
    for path in ("/v1/wallets", "/v1/agreements"):
        assert admin.get(f"{path}?{query}").status == 400


def test_what_moves_money_demands_an_idempotency_key(admin: Api) -> None:
    moves_none = ("/upgrade", "/erasure", "/stop", "/resume")
    for method, template in OPERATIONS:
        if method == "POST" and template.startswith(("/v1/wallets", "/v1/pushed-wallets")):
            answer = admin.ask("POST", template.format(**NUMBERS), RIGHT.get(template, {}), {})
            assert (answer.code == "idempotency_key_missing") is not template.endswith(moves_none), template
