"""Failures to order over HTTP: late and lost answers, refusals, debits in doubt, a wallet that closes."""

from __future__ import annotations

import http.client
import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from ecny_tax import AnnualReturn, Sandbox, yuan
from ecny_tax.clock import FixedClock, parse_time
from ecny_tax.errors import catalogue
from ecny_tax.web.keys import create_key
from ecny_tax.web.problems import status_of_code
from tests.support import company_id, company_name
from tests.web.client import Api
from tests.web.conftest import NOW, serving
from tests.web.test_payments import COMPANY, DUTY

OF_REQUESTS = {"strikes": "request"}
LOST = {**OF_REQUESTS, "kind": "answer_lost", "operation": "payments_pay"}


def refusing(code: str, **wishes: object) -> dict[str, object]:
    return {**OF_REQUESTS, "kind": "refusal", "code": code, **wishes}


def wallet_of(admin: Api, number: int | None = None, operator: str = "ICBC") -> str:
    other = {} if number is None else {"name": company_name(number), "id_number": company_id(number)}
    return str(admin.made("/v1/wallets", {**COMPANY, **other, "operator": operator})["wallet_id"])


def test_an_answer_is_lost_after_the_commit_and_the_same_key_gives_it(admin: Api) -> None:
    wallet_id = wallet_of(admin)
    failure = admin.made("/v1/failures", LOST)
    asked = {"wallet_id": wallet_id, **DUTY}
    with pytest.raises(http.client.RemoteDisconnected):
        admin.post("/v1/payments", asked, key="order-1")
    (payment,) = admin.seen("/v1/payments")["payments"]
    again = admin.post("/v1/payments", asked, key="order-1")
    assert (again.status, again.json, again.headers["idempotency-hit"]) == (201, payment, "true")
    assert admin.seen("/v1/payments")["payments"] == [payment]
    over = admin.seen(f"/v1/failures/{failure['failure_no']}")
    assert (over["status"], over["left"]) == ("struck", 0)


def test_no_refusal_strikes_what_was_answered_before(admin: Api) -> None:
    path = f"/v1/wallets/{wallet_of(admin)}/top-ups"
    done = admin.post(path, {"amount": "1.00"}, key="k")
    ordered = admin.made("/v1/failures", refusing("insufficient_funds"))
    again = admin.post(path, {"amount": "1.00"}, key="k")
    assert (again.status, again.content) == (201, done.content)
    assert admin.seen(f"/v1/failures/{ordered['failure_no']}")["left"] == 1
    assert admin.post(path, {"amount": "1.00"}, key="another").code == "insufficient_funds"


def test_an_answer_that_is_lost_may_be_a_refusal(admin: Api) -> None:
    wallet_id = wallet_of(admin)
    admin.made("/v1/failures", LOST)
    asked = {"wallet_id": wallet_id, **DUTY, "base": "99999999999.00"}
    with pytest.raises(http.client.RemoteDisconnected):
        admin.post("/v1/payments", asked)
    assert admin.post("/v1/payments", asked).code == "insufficient_funds"


def test_a_late_answer_comes_after_the_operation_was_carried_out(admin: Api) -> None:
    wallet_id = wallet_of(admin)
    admin.made("/v1/failures", {**LOST, "kind": "answer_late", "seconds": 1})
    began = time.monotonic()
    payment = admin.post("/v1/payments", {"wallet_id": wallet_id, **DUTY}, key="order-1")
    assert time.monotonic() - began >= 1
    assert payment.status == 201
    began = time.monotonic()
    again = admin.post("/v1/payments", {"wallet_id": wallet_id, **DUTY}, key="order-1")
    assert time.monotonic() - began < 1
    assert again.content == payment.content


def test_a_refusal_is_answered_and_nothing_is_done(admin: Api) -> None:
    wallet_id = wallet_of(admin)
    admin.made("/v1/failures", refusing("insufficient_funds", operation="payments_pay", times=2))
    before = admin.seen("/v1/status")
    asked = {"wallet_id": wallet_id, **DUTY}
    for language in ("en", "zh"):
        answer = admin.post("/v1/payments", asked, key="order-1", Accept_Language=language)
        assert (answer.status, answer.code) == (422, "insufficient_funds")
        assert (answer.headers["content-language"], wallet_id in answer.json["detail"]) == (language, True)
    assert admin.seen("/v1/status") == before
    assert admin.post("/v1/payments", asked, key="order-1").status == 201


@contextmanager
def one_connection(api: Api) -> Iterator[Callable[[str, Any], tuple[int, Any]]]:
    """Posts over a connection that stays open."""
    place = urlsplit(api.address)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)

    def post(path: str, body: Any) -> tuple[int, Any]:
        headers = {
            "Authorization": f"Bearer {api.api_key}",
            "Content-Type": "application/json",
            "Idempotency-Key": uuid.uuid4().hex,
        }
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())

    try:
        yield post
    finally:
        connection.close()


def _borne(code: str) -> bool:
    return status_of_code(code) in {400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 503}


def test_each_code_that_http_can_bear_can_be_ordered(admin: Api, sandbox: Sandbox) -> None:
    wallet_id = wallet_of(admin)
    codes = [code for code in catalogue() if _borne(code)]
    assert len(codes) >= len(catalogue()) - 1
    with one_connection(admin) as post:  # there are hundreds
        for code in codes:
            status, made = post("/v1/failures", refusing(code, operation="wallets_top_up"))
            assert status == 201, made
            status, said = post(f"/v1/wallets/{wallet_id}/top-ups", {"amount": "1.00"})
            assert (status, said["status"], said["code"]) == (status_of_code(code),) * 2 + (code,)
            for text in ("detail", "hint", "title"):
                assert said[text], code
                assert "{" not in said[text], code
    assert admin.post(f"/v1/wallets/{wallet_id}/top-ups", {"amount": "1.00"}).status == 201
    for code in set(catalogue()) - set(codes) | {"no_such_code", "", "\x00"}:
        refused = admin.post("/v1/failures", refusing(code))
        assert (refused.status, refused.code) == (400, "failure_code_unknown")


def test_a_refusal_strikes_only_operations_that_document_its_status(admin: Api) -> None:
    refused = admin.post("/v1/failures", refusing("insufficient_funds", operation="payments_list"))
    assert (refused.status, refused.code) == (400, "failure_status_undocumented")
    wallet_id = wallet_of(admin)
    admin.made("/v1/failures", refusing("insufficient_funds"))
    assert admin.get("/v1/payments").status == 200  # a list is never answered with 422
    assert admin.post(f"/v1/wallets/{wallet_id}/top-ups", {"amount": "1.00"}).code == "insufficient_funds"


def test_a_failure_strikes_who_and_what_it_names_and_nothing_else(
    admin: Api, as_party: Callable[[str], Api]
) -> None:
    one, other = wallet_of(admin), wallet_of(admin, 2)
    company = as_party("taxpayer:91440784MA00DEM06F")
    admin.made("/v1/failures", refusing("wallet_frozen", wallet_id=one, party="taxpayer:91440784MA00DEM06F"))
    amount = {"amount": "1.00"}
    assert admin.post(f"/v1/wallets/{one}/top-ups", amount).status == 201  # another party
    assert admin.post(f"/v1/wallets/{other}/top-ups", amount).status == 201  # another wallet, too
    assert company.get("/v1/wallets").status == 200
    assert company.post(f"/v1/wallets/{one}/top-ups", amount).code == "wallet_frozen"
    assert company.post(f"/v1/wallets/{one}/top-ups", amount).status == 201
    admin.made("/v1/failures", refusing("wallet_frozen", wallet_id=one))
    assert admin.post("/v1/payments", {"wallet_id": one, **DUTY}).code == "wallet_frozen"  # named in the body
    admin.made("/v1/failures", refusing("wallet_frozen", wallet_id=one))
    shares = {"to": [{"wallet_id": one, "amount": "1.00"}]}
    refused = admin.post(f"/v1/wallets/{other}/distributions", shares)  # named in a list of the body
    assert (refused.code, refused.json["wallet_id"]) == ("wallet_frozen", other)


def test_an_ordered_failure_outlasts_a_restart_and_can_be_cancelled(tmp_path: Path) -> None:
    path = tmp_path / "scheme.db"
    s = Sandbox.open(path, clock=FixedClock(parse_time(NOW)))
    key = create_key(s, party="admin").api_key
    with serving(s) as address:
        first = Api(address, key).made("/v1/failures", refusing("wallet_frozen", operation="wallets_open"))
        second = Api(address, key).made("/v1/failures", {**LOST, "times": 5})
    with serving(Sandbox.open(path, clock=FixedClock(parse_time(NOW)))) as address:
        admin = Api(address, key)
        assert admin.seen("/v1/failures")["failures"] == [first, second]
        assert admin.post("/v1/wallets", COMPANY).code == "wallet_frozen"
        gone = admin.made(f"/v1/failures/{second['failure_no']}/cancel")
        assert (gone["status"], gone["left"]) == ("cancelled", 5)
        again = admin.post(f"/v1/failures/{second['failure_no']}/cancel")
        assert (again.status, again.code) == (422, "failure_is_over")
        assert admin.made("/v1/payments", {"wallet_id": wallet_of(admin), **DUTY})["status"] == "settled"


def test_a_debit_is_left_in_doubt_as_the_library_orders_it(admin: Api) -> None:
    wallet_id = wallet_of(admin)
    asked = {"strikes": "debit", "kind": "answer_lost", "wallet_id": wallet_id}
    failure = admin.made("/v1/failures", asked)
    answer = admin.post("/v1/payments", {"wallet_id": wallet_id, **DUTY})
    assert (answer.status, answer.code) == (503, "payment_outcome_unknown")
    assert admin.seen(f"/v1/failures/{failure['failure_no']}")["status"] == "struck"


# --- the wallet closes between review and credit ---------------------------------------------------------


def _liang(sandbox: Sandbox, **wishes: Any) -> str:
    return sandbox.wallets.open(
        kind="personal", name="梁先生", id_number="440784198501010017", operator="BOC", **wishes
    ).wallet_id


_RETURN = AnnualReturn(
    tax_year=2022, wages=yuan(150000), social=yuan(18000), sad=yuan(24000), withheld=yuan(3000)
)


@pytest.mark.parametrize("many", [False, True])
def test_a_wallet_closes_between_review_and_credit_and_the_credit_fails(
    admin: Api, sandbox: Sandbox, many: bool
) -> None:
    wallet_id = _liang(sandbox, fund=yuan(100))
    admin.made("/v1/failures", {"strikes": "refund", "kind": "wallet_closes", "operator": "BOC"})
    applied = sandbox.refunds.apply_for_income_tax(
        wallet_id=wallet_id, annual_return=_RETURN, manual_review=True
    )
    assert sandbox.wallets.show(wallet_id=wallet_id).status == "active"
    if many:
        (refund,) = sandbox.refunds.approve_many(refund_nos=[applied.refund_no])
        refund = sandbox.refunds.show(refund_no=applied.refund_no)
    else:
        refund = sandbox.refunds.approve(refund_no=applied.refund_no)
    assert (refund.status, refund.failure_code) == ("treasury_failed", "wallet_closed")
    closed = sandbox.wallets.show(wallet_id=wallet_id)
    assert (closed.status, closed.balance) == ("closed", 0)
    assert sandbox.ledger.verify().ok
    other = _liang(sandbox)
    again = sandbox.refunds.resubmit(refund_no=refund.refund_no, wallet_id=other)
    assert (again.status, again.balance_after) == ("completed", yuan(720))


def test_a_wallet_that_cannot_be_closed_is_left_alone_and_the_order_waits(
    admin: Api, sandbox: Sandbox
) -> None:
    wallet_id = _liang(sandbox, fund=yuan(100))
    failure = admin.made("/v1/failures", {"strikes": "refund", "kind": "wallet_closes"})
    sandbox.oversight.stop(wallet_id=wallet_id)
    refund = sandbox.refunds.apply_for_income_tax(wallet_id=wallet_id, annual_return=_RETURN)
    assert sandbox.wallets.show(wallet_id=wallet_id).status == "stopped"
    assert refund.status in ("completed", "treasury_failed")
    assert refund.failure_code != "wallet_closed"
    assert admin.seen(f"/v1/failures/{failure['failure_no']}")["status"] == "waiting"


# --- who may --------------------------------------------------------------------------------------------


def test_an_operator_orders_failures_of_its_own_wallets_alone(
    admin: Api, as_party: Callable[[str], Api]
) -> None:
    own, other = wallet_of(admin), wallet_of(admin, 2, operator="CCB")
    icbc, ccb = as_party("operator:ICBC"), as_party("operator:CCB")
    made = icbc.made("/v1/failures", {"strikes": "debit", "kind": "answer_lost"})
    assert made["operator"] == "ICBC"
    also = icbc.made("/v1/failures", refusing("wallet_frozen", wallet_id=own))
    for asked, status, code in (
        ({"strikes": "debit", "kind": "answer_lost", "operator": "CCB"}, 403, "not_permitted"),
        ({"strikes": "debit", "kind": "answer_lost", "wallet_id": other}, 404, "wallet_not_found"),
        (refusing("wallet_frozen"), 403, "not_permitted"),
        (refusing("wallet_frozen", wallet_id=other), 404, "wallet_not_found"),
        (refusing("wallet_frozen", wallet_id=own, party="admin"), 403, "not_permitted"),
    ):
        refused = icbc.post("/v1/failures", asked)
        assert (refused.status, refused.code) == (status, code), asked
    assert icbc.seen("/v1/failures")["failures"] == [made, also]
    assert ccb.seen("/v1/failures")["failures"] == []
    for path, ask in (
        (f"/v1/failures/{made['failure_no']}", ccb.get),
        (f"/v1/failures/{made['failure_no']}/cancel", ccb.post),
    ):
        assert (ask(path).status, ask(path).code) == (404, "failure_not_found")
    assert as_party("auditor").seen("/v1/failures")["failures"] == [made, also]
    for party in ("auditor", "taxpayer:91440784MA00DEM06F", "tax-authority:14407840000"):
        assert as_party(party).post("/v1/failures", LOST).code == "not_permitted"
    assert icbc.made(f"/v1/failures/{made['failure_no']}/cancel")["status"] == "cancelled"


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"strikes": "request", "kind": "answer_late"}, "request_malformed"),
        ({"strikes": "request", "kind": "answer_late", "seconds": 31}, "request_malformed"),
        ({"strikes": "request", "kind": "answer_lost", "seconds": 3}, "request_malformed"),
        ({"strikes": "request", "kind": "refusal"}, "request_malformed"),
        ({"strikes": "request", "kind": "refusal", "code": "method_not_allowed"}, "failure_code_unknown"),
        ({**LOST, "operation": "failures_order"}, "failure_operation_unknown"),
        ({**LOST, "operation": "sandbox_reset"}, "failure_operation_unknown"),
        ({**LOST, "operation": "unheard_of"}, "failure_operation_unknown"),
        ({**LOST, "party": "nobody"}, "api_party_malformed"),
        ({**LOST, "times": 0}, "request_malformed"),
        ({**LOST, "times": 1001}, "request_malformed"),
        ({"strikes": "debit", "kind": "wallet_closes"}, "request_malformed"),
        ({"strikes": "refund", "kind": "answer_lost"}, "request_malformed"),
        ({"strikes": "debit", "kind": "answer_lost", "operator": "XYZ"}, "operator_unknown"),
        ({"strikes": "nothing"}, "request_malformed"),
        ({}, "request_malformed"),
        ([], "request_malformed"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused_and_nothing_waits(
    admin: Api, asked: object, code: str
) -> None:
    answer = admin.post("/v1/failures", asked)
    assert (answer.status, answer.code) == (400, code)
    assert admin.seen("/v1/failures")["failures"] == []


def test_failures_of_requests_are_none_of_the_library_s(admin: Api, sandbox: Sandbox) -> None:
    admin.made("/v1/failures", LOST)
    of_debits = admin.made("/v1/failures", {"strikes": "debit", "kind": "answer_late"})
    assert [one.failure_no for one in sandbox.reconciliation.failures()] == [of_debits["failure_no"]]


def test_so_many_failures_wait_and_no_more(admin: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    from ecny_tax.web.routes import failures

    monkeypatch.setattr(failures, "MAX_WAITING", 2)
    admin.made("/v1/failures", LOST)
    admin.made("/v1/failures", LOST)
    refused = admin.post("/v1/failures", LOST)
    assert (refused.status, refused.code) == (422, "too_many_failures")


def test_a_failure_of_a_wallet_strikes_nobody_who_does_not_see_it(
    admin: Api, as_party: Callable[[str], Api]
) -> None:
    wallet_id = wallet_of(admin)
    order = {"strikes": "request", "kind": "refusal", "code": "wallet_frozen", "wallet_id": wallet_id}
    failure = admin.made("/v1/failures", order)
    stranger = as_party("taxpayer:440784198501010017")
    refused = stranger.post(f"/v1/wallets/{wallet_id}/top-ups", {"amount": "1.00"})
    assert (refused.status, refused.code) == (404, "wallet_not_found")
    assert admin.seen(f"/v1/failures/{failure['failure_no']}")["status"] == "waiting"
    assert admin.post(f"/v1/wallets/{wallet_id}/top-ups", {"amount": "1.00"}).code == "wallet_frozen"
