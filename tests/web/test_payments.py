"""Paying over HTTP: what the library answers, in JSON, and only what is the party's own."""

from __future__ import annotations

from collections.abc import Callable

from tests.web.client import Api

COMPANY = {
    "kind": "corporate",
    "name": "广东弘明智能照明科技有限公司",
    "id_number": "91440784MA00DEM06F",
    "operator": "ICBC",
    "fund": "20000.00",
}
DUTY = {"tax": "stamp-duty", "item": "sale_contract", "base": "56666666.67"}


def test_a_company_pays_its_stamp_duty_and_finds_the_payment(admin: Api) -> None:
    wallet = admin.made("/v1/wallets", COMPANY)
    payment = admin.made("/v1/payments", {"wallet_id": wallet["wallet_id"], **DUTY})
    assert (payment["amount"], payment["fee"], payment["status"]) == ("17000.00", "0.00", "settled")
    assert admin.seen(f"/v1/payments/{payment['payment_no']}") == payment
    assert admin.seen("/v1/payments") == {"payments": [payment], "next_cursor": None}


def test_the_same_key_and_body_is_paid_once_and_answered_alike(admin: Api) -> None:
    wallet = admin.made("/v1/wallets", COMPANY)
    asked = {"wallet_id": wallet["wallet_id"], **DUTY}
    first = admin.post("/v1/payments", asked, key="order-1")
    again = admin.post("/v1/payments", dict(reversed(asked.items())), key="order-1")
    assert (first.status, again.status, again.content) == (201, 201, first.content)
    assert "idempotency-hit" not in first.headers
    assert again.headers["idempotency-hit"] == "true"
    assert len(admin.seen("/v1/payments")["payments"]) == 1


def test_a_key_that_was_used_for_another_body_is_refused(admin: Api) -> None:
    wallet = admin.made("/v1/wallets", COMPANY)
    asked = {"wallet_id": wallet["wallet_id"], **DUTY, "base": "1000000"}
    assert admin.post("/v1/payments", asked, key="order-1").status == 201
    refused = admin.post("/v1/payments", {**asked, "base": "2000000"}, key="order-1")
    assert (refused.status, refused.code) == (422, "idempotency_conflict")


def test_another_taxpayers_payment_is_not_there(admin: Api, as_party: Callable[[str], Api]) -> None:
    wallet = admin.made("/v1/wallets", COMPANY)
    payment = admin.made("/v1/payments", {"wallet_id": wallet["wallet_id"], **DUTY})
    own, other = as_party("taxpayer:91440784MA00DEM06F"), as_party("taxpayer:440784198501010017")
    path = f"/v1/payments/{payment['payment_no']}"
    assert own.seen(path) == payment
    refused = other.get(path)
    assert (refused.status, refused.code) == (404, "payment_not_found")
    assert other.seen("/v1/payments")["payments"] == []


def test_what_a_wallet_holds_is_not_told_to_the_authority_that_it_paid(
    admin: Api, as_party: Callable[[str], Api]
) -> None:
    wallet = admin.made("/v1/wallets", COMPANY)
    payment = admin.made("/v1/payments", {"wallet_id": wallet["wallet_id"], **DUTY})
    assert payment["balance_after"] == "3000.00"
    authority = as_party("tax-authority:14407840000")
    told = {**payment, "balance_after": None}
    assert authority.seen(f"/v1/payments/{payment['payment_no']}") == told
    assert authority.seen("/v1/payments")["payments"] == [told]
    assert as_party("operator:ICBC").seen("/v1/payments")["payments"] == [payment]


def test_a_list_is_narrowed_by_members_and_by_nothing_that_is_not_there(admin: Api) -> None:
    wallet = admin.made("/v1/wallets", COMPANY)
    asked = {"wallet_id": wallet["wallet_id"], **DUTY, "base": "1000000"}
    first, second = admin.made("/v1/payments", asked), admin.made("/v1/payments", asked)
    assert admin.seen(f"/v1/payments?bill_no={second['bill_no']}")["payments"] == [second]
    assert admin.seen(f"/v1/payments?wallet_id={wallet['wallet_id']}")["payments"] == [first, second]
    assert admin.seen("/v1/payments?status=reversed")["payments"] == []
    assert [bill["bill_no"] for bill in admin.seen("/v1/bills?status=paid&limit=1")["bills"]] == [
        first["bill_no"]
    ]
    for query in ("limt=1", "operator=ICBC"):
        refused = admin.get(f"/v1/payments?{query}")
        assert (refused.status, refused.code) == (400, "request_malformed")


def test_what_is_wrong_is_named_by_the_members_that_were_sent(admin: Api) -> None:
    wallet = {"wallet_id": "0021754466475487"}
    for body, where in (
        ({"tax": "stamp-duty", "base": "1", **wallet}, "body.item"),
        ({"tax": "income-tax", "item": "sale_contract", **wallet}, "body.tax"),
        ({"tax": "stamp-duty", "item": "sale_contract", "base": "1.234", **wallet}, "body.base"),
        (wallet, "body.bill_no"),
    ):
        refused = admin.post("/v1/payments", body)
        assert (refused.status, refused.code, refused.json["where"]) == (400, "request_malformed", where)
