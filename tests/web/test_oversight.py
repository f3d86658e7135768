"""Lawful access over HTTP: instruments as base64, what they order, who may ask, and the log of it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from ecny_tax import Fen, Sandbox
from tests.support import CASE, COURT, person_id, person_name, personal
from tests.web.client import Api


@pytest.fixture
def wallet(sandbox: Sandbox) -> Any:
    found = personal(sandbox)
    sandbox.wallets.top_up(wallet_id=found.wallet_id, amount=Fen(100_00))
    other = personal(sandbox, 2, operator="CCB")
    sandbox.wallets.transfer(from_wallet=found.wallet_id, to_wallet=other.wallet_id, amount=Fen(10_00))
    return found


def issued(admin: Api, kind: str, wallet_id: str, **wishes: Any) -> Any:
    asked = {
        "issuer": COURT,
        "case_no": CASE,
        "kind": kind,
        "wallets": [wallet_id],
        "expires_at": "2023-04-21",
    }
    if kind == "trace":
        asked |= {"window_from": "2023-01-01", "window_to": "2023-12-31", "depth": 3}
    return admin.made("/v1/instruments", {**asked, **wishes})


def ordered(order: Any, wallet_id: str) -> dict[str, Any]:
    return {"wallet_id": wallet_id, "instrument": order["document"]}


def test_money_is_followed_and_drawn_as_an_instrument_orders(wallet: Any, admin: Api) -> None:
    order = issued(admin, "trace", wallet.wallet_id)
    assert order["instrument"]["depth"] == 3
    found = admin.made("/v1/traces", {**ordered(order, wallet.wallet_id), "direction": "down"})
    assert "10.00" in [edge["amount"] for edge in found["edges"]]
    drawn = admin.post("/v1/traces/drawings", ordered(order, wallet.wallet_id), Accept_Language="zh")
    assert (drawn.status, drawn.headers["content-type"]) == (200, "image/svg+xml")
    assert drawn.content.startswith(b"<svg")
    assert len(admin.seen("/v1/accesses")["accesses"]) == 2


def test_operator_opens_who_holds_a_wallet_of_its_own(
    wallet: Any, admin: Api, as_party: Callable[[str], Api]
) -> None:
    order = issued(admin, "identity", wallet.wallet_id)
    bank = as_party("operator:ICBC")
    assert bank.made("/v1/instruments/readings", {"instrument": order["document"]})["valid"] is True
    found = bank.made("/v1/identifications", ordered(order, wallet.wallet_id))
    assert (found["name"], found["id_number"]) == (person_name(1), person_id(1))


def test_wallet_is_frozen_and_thawed_by_instruments(
    wallet: Any, admin: Api, as_party: Callable[[str], Api]
) -> None:
    bank = as_party("operator:ICBC")
    freeze = issued(admin, "freeze", wallet.wallet_id)
    assert bank.made("/v1/freezes", ordered(freeze, wallet.wallet_id))["status"] == "frozen"
    refused = bank.post("/v1/freezes", ordered(freeze, wallet.wallet_id))
    assert (refused.status, refused.code) == (422, "instrument_used_up")
    lift = issued(admin, "unfreeze", wallet.wallet_id, follows=freeze["instrument"]["instrument_no"])
    assert bank.made("/v1/unfreezes", ordered(lift, wallet.wallet_id))["status"] == "active"


def test_without_an_instrument_it_is_refused_and_logged(wallet: Any, admin: Api) -> None:
    for path in ("traces", "traces/drawings", "identifications", "freezes", "unfreezes"):
        refused = admin.post(f"/v1/{path}", {"wallet_id": wallet.wallet_id})
        assert (refused.status, refused.code) == (422, "instrument_required")
        refused = admin.post(f"/v1/{path}", {"wallet_id": wallet.wallet_id, "instrument": "no base64"})
        assert (refused.status, refused.code) == (422, "document_malformed")
    outcomes = [entry["outcome"] for entry in admin.seen("/v1/accesses")["accesses"]]
    assert outcomes == ["instrument_required", "document_malformed"] * 5


def test_access_log_is_read_page_by_page(wallet: Any, admin: Api, as_party: Callable[[str], Api]) -> None:
    for _ in range(5):
        admin.post("/v1/freezes", {"wallet_id": wallet.wallet_id})
    auditor, seen, cursor = as_party("auditor"), [], ""
    for size in (2, 2, 1):
        page = auditor.seen(f"/v1/accesses?limit=2&wallet_id={wallet.wallet_id}{cursor}")
        assert len(page["accesses"]) == size
        seen += [entry["entry"] for entry in page["accesses"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert page["next_cursor"] is None
    assert seen == sorted(set(seen))
    assert auditor.seen("/v1/accesses")["accesses"][0]["wallet_id"] == wallet.wallet_id
    assert admin.get("/v1/accesses?cursor=x").code == "cursor_malformed"
    assert admin.get("/v1/accesses?wallet_id=1").status == 400


def test_operator_does_nothing_with_a_wallet_elsewhere(
    wallet: Any, admin: Api, as_party: Callable[[str], Api]
) -> None:
    bank = as_party("operator:CCB")
    orders = {"freezes": "freeze", "identifications": "identity"}
    for path, kind in orders.items():
        order = issued(admin, kind, wallet.wallet_id)
        refused = bank.post(f"/v1/{path}", ordered(order, wallet.wallet_id))
        assert (refused.status, refused.code) == (404, "wallet_not_found")
        assert person_name(1) not in refused.content.decode()
    refused = bank.post("/v1/unfreezes", {"wallet_id": wallet.wallet_id})
    assert (refused.status, refused.code) == (404, "wallet_not_found")
    assert admin.seen("/v1/wallets")["wallets"][0]["status"] == "active"


def test_operator_does_not_look_through_the_holders_of_others(
    sandbox: Sandbox, admin: Api, as_party: Callable[[str], Api]
) -> None:
    nameless = sandbox.wallets.open(kind="personal", phone="13800000001", operator="ICBC").wallet_id
    personal(sandbox, 3, operator="CCB", phone="13800000001")
    bank = as_party("operator:ICBC")
    first = issued(admin, "identity", nameless, opens="phone")
    assert bank.made("/v1/identifications", ordered(first, nameless))["phone"] == "13800000001"
    second = issued(admin, "identity", nameless, follows=first["instrument"]["instrument_no"])
    refused = bank.post("/v1/identifications", ordered(second, nameless))
    assert (refused.status, refused.code) == (403, "not_permitted")
    (person,) = admin.made("/v1/identifications", ordered(second, nameless))["same_phone"]
    assert person["operator"] == "CCB"


def test_nobody_else_issues_traces_or_reads_the_log(
    wallet: Any, admin: Api, as_party: Callable[[str], Api]
) -> None:
    order = issued(admin, "trace", wallet.wallet_id)
    body = ordered(order, wallet.wallet_id)
    others = ("treasury:1907840000", "tax-authority:14407840000", f"taxpayer:{person_id(1)}")
    for party in ("auditor", "operator:ICBC", *others):
        api = as_party(party)
        for path in ("instruments", "traces", "traces/drawings"):
            sent = body if path != "instruments" else {
                "issuer": COURT,
                "case_no": CASE, "kind": "freeze", "wallets": ["1"], "expires_at": "2023-05-01"
            }  # fmt: skip
            assert api.post(f"/v1/{path}", sent).code == "not_permitted", (party, path)
    for party in ("auditor", *others):
        for path in ("identifications", "freezes", "unfreezes"):
            assert as_party(party).post(f"/v1/{path}", body).code == "not_permitted"
    for party in ("operator:ICBC", *others):
        assert as_party(party).get("/v1/accesses").code == "not_permitted"
    assert admin.seen("/v1/accesses")["accesses"] == []


def test_hostile_input_has_a_code_and_freezes_nothing(wallet: Any, admin: Api) -> None:
    good = {
        "issuer": COURT, "case_no": CASE, "kind": "identity", "wallets": [wallet.wallet_id],
        "expires_at": "2023-04-21",
    }  # fmt: skip
    hostile: list[Any] = [
        "", "x" * 100_000, "\x00", "１２３４", "2023-02-30", "0000-01-01", "9999-12-31T23:59:59-12:00",
        "court:\x00", -5, 10**30, True, {}, [""], ["\x00"], [None], "J23042000000000000000",
    ]  # fmt: skip
    for name in ("issuer", "case_no", "kind", "wallets", "expires_at", "window_from", "window_to", "depth",
                 "opens", "follows", "issued_at"):  # fmt: skip
        for value in hostile:
            answer = admin.post("/v1/instruments", {**good, name: value})
            assert answer.status in (201, 400, 404, 422), (name, value, answer.content)
            assert answer.status == 201 or answer.code
        half = b'{"%s": "\\ud800"}' % name.encode()
        assert admin.ask("POST", "/v1/instruments", half, {}).status == 400
    documents = [
        "",
        "=",
        "AA==",
        "A" * 88_000,
        base64.b64encode(b"\xd2\x84" * 40).decode(),
        "é",
        "\x00",
        1,
        [],
    ]
    for path in (
        "instruments/readings",
        "traces",
        "traces/drawings",
        "identifications",
        "freezes",
        "unfreezes",
    ):
        extra = {} if path == "instruments/readings" else {"wallet_id": wallet.wallet_id}
        for document in documents:
            answer = admin.post(f"/v1/{path}", {**extra, "instrument": document})
            assert answer.status in (400, 422), (path, document, answer.content)
            assert answer.code
        for value in hostile[:6] if extra else ():
            answer = admin.post(f"/v1/{path}", {"wallet_id": value})
            assert answer.status in (400, 404, 422), (path, value, answer.content)
    assert admin.seen("/v1/wallets")["wallets"][0]["status"] == "active"
