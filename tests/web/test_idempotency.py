"""``Idempotency-Key``: many callers at once, other callers, other bodies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.web import paying
from tests.web.client import Api
from tests.web.test_payments import COMPANY, DUTY


def test_the_same_key_from_many_callers_at_once_moves_money_once(admin: Api) -> None:
    wallet = admin.made("/v1/wallets", COMPANY)
    asked = {"wallet_id": wallet["wallet_id"], **DUTY, "base": "1000000"}
    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda _: admin.post("/v1/payments", asked, key="one"), range(96)))
    told = Counter(answer.status for answer in answers)
    assert set(told) <= {201, 409}
    assert {answer.code for answer in answers if answer.status == 409} <= {"idempotency_in_flight"}
    (content,) = {answer.content for answer in answers if answer.status == 201}
    (payment,) = admin.seen("/v1/payments")["payments"]
    assert admin.post("/v1/payments", asked, key="one").content == content
    assert content.decode().startswith(f'{{"payment_no":"{payment["payment_no"]}"')
    hits = [answer.headers.get("idempotency-hit") for answer in answers if answer.status == 201]
    assert Counter(hits)[None] == 1


def test_a_key_is_one_over_all_operations_of_a_party(admin: Api) -> None:
    wallet = admin.post("/v1/wallets", COMPANY, key="k")
    assert wallet.status == 201
    for path, body in (
        ("/v1/payments", {"wallet_id": wallet.json["wallet_id"], **DUTY}),
        (f"/v1/wallets/{wallet.json['wallet_id']}/top-ups", {"amount": "1.00"}),
    ):
        refused = admin.post(path, body, key="k")
        assert (refused.status, refused.code) == (422, "idempotency_conflict")
    assert admin.post("/v1/wallets", COMPANY, key="k").content == wallet.content


def test_two_parties_may_choose_the_same_key(admin: Api, as_party: Callable[[str], Api]) -> None:
    wallet = admin.made("/v1/wallets", COMPANY)
    own = as_party(f"taxpayer:{COMPANY['id_number']}")
    asked = {"wallet_id": wallet["wallet_id"], **DUTY, "base": "1000000"}
    first, second = admin.post("/v1/payments", asked, key="k"), own.post("/v1/payments", asked, key="k")
    assert (first.status, second.status) == (201, 201)
    assert first.json["payment_no"] != second.json["payment_no"]


def test_a_refusal_leaves_the_key_free(admin: Api) -> None:
    wallet = admin.made("/v1/wallets", {**COMPANY, "fund": "1.00"})
    asked = {"wallet_id": wallet["wallet_id"], **DUTY}
    refused = admin.post("/v1/payments", asked, key="k")
    assert (refused.status, refused.code) == (422, "insufficient_funds")
    admin.made(f"/v1/wallets/{wallet['wallet_id']}/top-ups", {"amount": "17000"})
    assert admin.post("/v1/payments", asked, key="k").status == 201


def test_a_key_whose_outcome_is_not_known_is_not_free_for_another_request(admin: Api) -> None:
    wallet_id = paying.corporate(admin)
    bill, other = (paying.owe(admin, wallet_id, amount) for amount in ("100.00", "55.00"))
    asked, another = ({"bill_no": one["bill_no"], "wallet_id": wallet_id} for one in (bill, other))
    admin.made("/v1/failures", {"strikes": "debit", "kind": "answer_lost"})

    lost = admin.post("/v1/payments", asked, key="k")
    assert (lost.status, lost.code) == (503, "payment_outcome_unknown")
    refused = admin.post("/v1/payments", another, key="k")
    assert (refused.status, refused.code) == (422, "idempotency_conflict")
    assert admin.seen(f"/v1/bills/{other['bill_no']}")["status"] == "open"

    admin.made("/v1/reconciliations/2023-04-20/mends", {})
    first, second = (admin.post("/v1/payments", asked, key="k") for _ in range(2))
    assert (first.status, first.json["bill_no"], second.content) == (201, bill["bill_no"], first.content)
    refused = admin.post("/v1/payments", another, key="k")
    assert (refused.status, refused.code) == (422, "idempotency_conflict")


@pytest.mark.parametrize("key", ["x" * 256, "\x7f", "é", "a\tb"])
def test_a_key_of_another_form_is_malformed(admin: Api, key: str) -> None:
    refused = admin.post("/v1/payments", {"bill_no": "B"}, key=key)
    assert (refused.status, refused.code) == (400, "request_malformed")


def test_without_a_key_money_does_not_move(admin: Api) -> None:
    answer = admin.ask("POST", "/v1/payments", {"bill_no": "B"}, {})
    assert (answer.status, answer.code) == (400, "idempotency_key_missing")
