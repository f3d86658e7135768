"""Batches over HTTP: an authority writes its own and hands them in; each pays once, whoever repeats it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest

from ecny_tax import Sandbox
from ecny_tax.web.routes import batches
from tests.web.client import Api
from tests.web.paying import (
    AUTHORITY,
    TREASURY,
    company,
    corporate,
    owe,
    person,
    personal,
    refund_of,
    refusals,
)

As = Callable[[str], Api]
OTHER = "tax-authority:14407840001"


@pytest.fixture(autouse=True)
def another_authority(sandbox: Sandbox) -> None:
    sandbox.parties.add_tax_authority(code="14407840001", name="另一税务局")


@pytest.fixture
def office(anybody: As) -> Api:
    return anybody(AUTHORITY)


@pytest.fixture
def wallet(boss: Api, sandbox: Sandbox) -> str:
    """A company's wallet, under an agreement on batch debits."""
    made = corporate(boss)
    sandbox.agreements.sign(wallet_id=made, batch_debit=True)
    return made


def handed_in(file: dict[str, Any], kind: str = "debit") -> dict[str, Any]:
    return {"kind": kind, "content": file["content"]}


def lines(api: Api, batch_no: str) -> list[dict[str, str]]:
    answer = api.get(f"/v1/batches/{batch_no}/results")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


def test_an_authority_debits_what_agreements_cover_and_reads_the_result_of_each_line(
    boss: Api, office: Api, wallet: str
) -> None:
    first, second = owe(boss, wallet, "100"), owe(boss, wallet, "200")
    file = office.made("/v1/batches/files", {"kind": "debit"})
    assert (file["lines"], file["amount"], file["authority"]) == (2, "300.00", "14407840000")
    boss.made(f"/v1/bills/{second['bill_no']}/cancellation")
    done = office.made("/v1/batches", handed_in(file))
    assert (done["status"], done["lines_paid"], done["lines_refused"], done["amount"]) == (
        "done", 1, 1, "100.00",
    )  # fmt: skip
    assert [(line["bill_no"], line["status"], line["code"]) for line in lines(office, done["batch_no"])] == [
        (first["bill_no"], "settled", ""),
        (second["bill_no"], "refused", "bill_cancelled"),
    ]
    assert office.seen(f"/v1/batches/{done['batch_no']}") == done
    assert office.seen("/v1/batches")["batches"] == [done]


def test_I5_a_batch_is_carried_out_once_whatever_the_key(boss: Api, office: Api, wallet: str) -> None:
    owe(boss, wallet, "100")
    file = office.made("/v1/batches/files", {"kind": "debit"})
    first = office.post("/v1/batches", handed_in(file), key="batch")
    again = office.post("/v1/batches", handed_in(file), key="batch")
    assert (first.status, again.content, again.headers["idempotency-hit"]) == (201, first.content, "true")
    assert office.made("/v1/batches", handed_in(file)) == first.json
    assert len(boss.seen("/v1/payments")["payments"]) == 1
    owe(boss, wallet, "200")
    other = office.made("/v1/batches/files", {"kind": "debit"})
    refused = office.post("/v1/batches", handed_in(other), key="batch")
    assert (refused.status, refused.code) == (422, "idempotency_conflict")
    assert len(boss.seen("/v1/payments")["payments"]) == 1


def test_a_batch_is_narrowed_by_day_and_tax(boss: Api, office: Api, wallet: str) -> None:
    owe(boss, wallet, "100")
    for wish in ({"due_by": "2023-04-20"}, {"tax": "stamp-duty"}):
        refused = office.post("/v1/batches/files", {"kind": "debit", **wish})
        assert (refused.status, refused.code) == (422, "batch_empty")
    assert office.made("/v1/batches/files", {"kind": "debit", "tax": "other"})["lines"] == 1


def test_an_authority_approves_what_is_under_review_in_one_batch(boss: Api, office: Api, anybody: As) -> None:
    hers = personal(boss)
    applied = anybody(person()).made(
        "/v1/refunds",
        {"kind": "annual_settlement", "wallet_id": hers, "annual_return": refund_of("10"),
         "manual_review": True},
    )  # fmt: skip
    assert (
        office.post("/v1/batches/files", {"kind": "refund", "applied_by": "2023-04-19"}).code == "batch_empty"
    )
    file = office.made("/v1/batches/files", {"kind": "refund"})
    done = office.made("/v1/batches", handed_in(file, "refund"))
    assert (done["kind"], done["lines_paid"], done["amount"]) == ("refund", 1, "10.00")
    assert [line["refund_no"] for line in lines(office, done["batch_no"])] == [applied["refund_no"]]
    assert boss.seen(f"/v1/refunds/{applied['refund_no']}")["status"] == "completed"


def test_an_authority_writes_and_hands_in_its_own_batches_alone(
    boss: Api, office: Api, anybody: As, wallet: str
) -> None:
    owe(boss, wallet, "100")
    other = anybody(OTHER)
    refused = other.post("/v1/batches/files", {"kind": "debit", "authority": "14407840000"})
    assert (refused.status, refused.code) == (403, "not_permitted")
    assert other.post("/v1/batches/files", {"kind": "debit"}).code == "batch_empty"
    file = office.made("/v1/batches/files", {"kind": "debit", "authority": "14407840000"})
    refused = other.post("/v1/batches", handed_in(file))
    assert (refused.status, refused.code) == (422, "batch_of_another")
    assert boss.seen("/v1/batches")["batches"] == boss.seen("/v1/payments")["payments"] == []
    assert boss.made("/v1/batches", handed_in(file))["lines_paid"] == 1


def test_a_batch_is_seen_by_its_authority_and_treasury_and_the_auditor(
    boss: Api, office: Api, anybody: As, wallet: str
) -> None:
    owe(boss, wallet, "100")
    file = office.made("/v1/batches/files", {"kind": "debit"})
    done = office.made("/v1/batches", handed_in(file))
    path = f"/v1/batches/{done['batch_no']}"
    seeing = [("GET", path), ("GET", f"{path}/results")]
    for party in (AUTHORITY, TREASURY, "auditor"):
        assert anybody(party).seen(path) == done
        assert len(lines(anybody(party), done["batch_no"])) == 1
    assert refusals(anybody(OTHER), seeing) == {(404, "batch_not_found")}
    assert anybody(OTHER).seen("/v1/batches")["batches"] == []
    for party in (company(), "operator:ICBC"):
        assert refusals(anybody(party), [*seeing, ("GET", "/v1/batches")]) == {(403, "not_permitted")}
    for party in (company(), "operator:ICBC", TREASURY, "auditor"):
        api = anybody(party)
        assert api.post("/v1/batches", handed_in(file)).status == 403
        assert api.post("/v1/batches/files", {"kind": "debit"}).status == 403


def test_a_file_that_is_none_or_was_altered_moves_nothing(boss: Api, office: Api, wallet: str) -> None:
    owe(boss, wallet, "100")
    file = office.made("/v1/batches/files", {"kind": "debit"})
    content = file["content"]
    for altered, status, code in (
        ("", 400, "batch_file_malformed"),
        (content.replace("100.00", "900.00"), 422, "batch_altered"),
        (content.partition("signed")[0], 422, "batch_not_signed"),
        (content + "\n", 400, "batch_file_malformed"),
        (content.replace("00", "０0"), 400, None),
        ("\0" * 1000, 400, "batch_file_malformed"),
    ):
        refused = office.post("/v1/batches", {"kind": "debit", "content": altered})
        assert refused.status == status, refused.content
        assert code in (None, refused.code)
        assert "/tmp" not in refused.content.decode()
    assert office.post("/v1/batches", handed_in(file, "refund")).code == "batch_file_malformed"
    assert boss.seen("/v1/payments")["payments"] == boss.seen("/v1/batches")["batches"] == []


def test_a_batch_that_no_body_could_bring_back_is_not_written(
    boss: Api, office: Api, wallet: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    owe(boss, wallet, "100")
    size = len(office.made("/v1/batches/files", {"kind": "debit"})["content"])
    monkeypatch.setattr(batches, "MAX_BODY", size + 1024)
    refused = office.post("/v1/batches/files", {"kind": "debit"})
    assert (refused.status, refused.code) == (422, "answer_too_large")
