"""The ledger over HTTP: read it, verify it, prove what is in it, take it away."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ecny_tax import Sandbox
from ecny_tax.clock import FixedClock, parse_time
from ecny_tax.crypto.signatures import key_reader
from ecny_tax.ledger.proofs import check_proof
from ecny_tax.store.books import Books
from ecny_tax.web.keys import create_key
from tests.web.client import Api
from tests.web.conftest import NOW, serving
from tests.web.test_payments import COMPANY, DUTY

PARTIES = ("operator:ICBC", "tax-authority:14407840000", "treasury:1907840000", "taxpayer:91440784MA00DEM06F")


def paid(admin: Api) -> Any:
    wallet = admin.made("/v1/wallets", COMPANY)
    return admin.made("/v1/payments", {"wallet_id": wallet["wallet_id"], **DUTY})


def all_of(api: Api, path: str, name: str, limit: int) -> list[Any]:
    """Every record of a list, page by page."""
    found: list[Any] = []
    page = api.seen(f"{path}?limit={limit}")
    while True:
        assert len(page[name]) <= limit
        found += page[name]
        if page["next_cursor"] is None:
            return found
        page = api.seen(f"{path}?limit={limit}&cursor={page['next_cursor']}")


def test_accounts_come_in_pages_as_they_are_and_as_they_stood(admin: Api, sandbox: Sandbox) -> None:
    payment = paid(admin)
    shown = all_of(admin, "/v1/ledger/accounts", "accounts", 7)
    assert [one["account"] for one in shown] == [one.account for one in sandbox.ledger.accounts()]
    (wallet,) = (one for one in shown if payment["wallet_id"] in one["account"])
    assert wallet["balance"] == "3000.00"
    assert all_of(admin, "/v1/ledger/accounts", "accounts", 200) == shown
    then = admin.seen("/v1/ledger/accounts?limit=200&at=2023-04-19")["accounts"]
    assert {one["balance"] for one in then} == {"0.00"}


def test_transfers_come_in_pages_and_add_up_to_the_accounts(admin: Api, sandbox: Sandbox) -> None:
    paid(admin)
    shown = all_of(admin, "/v1/ledger/transfers", "transfers", 3)
    assert [one["seq"] for one in shown] == list(range(1, sandbox.status().transfers + 1))
    assert (shown[-1]["kind"], shown[-1]["amount"]) == ("tax_payment", "17000.00")


def test_it_verifies_also_from_a_checkpoint_that_was_kept(admin: Api) -> None:
    kept = admin.seen("/v1/ledger/checkpoint")
    paid(admin)
    found = admin.made("/v1/ledger/verifications", {"signatures": True, "checkpoint": kept["note"]})
    assert found["ok"] is True
    assert found["transfers"] == admin.seen("/v1/status")["transfers"]
    bad = admin.post("/v1/ledger/verifications", {"checkpoint": "nonsense"})
    assert (bad.status, bad.code) == (422, "checkpoint_malformed")


def test_proofs_verify_with_the_published_keys(admin: Api, sandbox: Sandbox) -> None:
    kept = admin.seen("/v1/ledger/checkpoint")
    payment = paid(admin)
    inclusion = admin.seen(f"/v1/ledger/inclusion-proofs/{payment['payment_no']}")
    consistency = admin.made("/v1/ledger/consistency-proofs", {"checkpoint": kept["note"]})
    keys = key_reader(sandbox.ledger.published_keys())
    for proof, kind in ((inclusion, "inclusion"), (consistency, "consistency")):
        checked = check_proof(json.dumps(proof, ensure_ascii=False), keys)
        assert (checked.valid, checked.kind) == (True, kind)
    newest = admin.seen("/v1/ledger/transfers?limit=200")["transfers"][-1]["transfer_id"]
    assert admin.seen(f"/v1/ledger/inclusion-proofs/{newest}") == inclusion


def test_a_party_proves_its_own_payments_and_no_transfer_by_its_id(
    admin: Api, as_party: Callable[[str], Api]
) -> None:
    payment = paid(admin)
    newest = admin.seen("/v1/ledger/transfers?limit=200")["transfers"][-1]["transfer_id"]
    own, other = as_party("taxpayer:91440784MA00DEM06F"), as_party("taxpayer:440784198501010017")
    path = f"/v1/ledger/inclusion-proofs/{payment['payment_no']}"
    assert own.seen(path)["kind"] == "inclusion"
    assert (other.get(path).status, other.get(path).code) == (404, "payment_not_found")
    for api in (own, other):
        answer = api.get(f"/v1/ledger/inclusion-proofs/{newest}")
        assert (answer.status, answer.code) == (404, "transfer_not_found")


def test_accounts_transfers_verification_and_export_are_for_admin_and_auditor(
    admin: Api, as_party: Callable[[str], Api]
) -> None:
    paths = ("accounts", "transfers", "export.csv", "export.jsonl", "export.beancount")
    auditor = as_party("auditor")
    for path in paths:
        assert auditor.get(f"/v1/ledger/{path}").status == 200
    assert auditor.post("/v1/ledger/verifications").status == 200
    for party in PARTIES:
        api = as_party(party)
        for path in paths:
            answer = api.get(f"/v1/ledger/{path}")
            assert (answer.status, answer.code) == (403, "not_permitted")
        assert api.post("/v1/ledger/verifications").code == "not_permitted"
        assert api.get("/v1/ledger/checkpoint").status == 200


@pytest.mark.parametrize(
    ("name", "media_type"), [("csv", "text/csv"), ("jsonl", "application/jsonl"), ("beancount", "text/plain")]
)
def test_an_export_is_what_the_library_exports(
    admin: Api, sandbox: Sandbox, name: str, media_type: str
) -> None:
    paid(admin)
    answer = admin.get(f"/v1/ledger/export.{name}")
    assert answer.headers["content-type"].partition(";")[0] == media_type
    assert answer.content.decode() == "".join(sandbox.ledger.export(format=name))


def test_a_verification_does_not_hold_up_other_requests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The long one stands still within its reading transaction until others were served."""
    inside, served = threading.Event(), threading.Event()
    verify = Books.verify

    def slowly(books: Books, **how: Any) -> Any:
        with books._store.reading(at_rest=True):
            inside.set()
            assert served.wait(20)
        return verify(books, **how)

    monkeypatch.setattr(Books, "verify", slowly)
    s = Sandbox.open(tmp_path / "scheme.db", clock=FixedClock(parse_time(NOW)))
    key = create_key(s, party="admin").api_key
    with serving(s) as address:
        admin, answers = Api(address, key), []
        verifying = threading.Thread(target=lambda: answers.append(admin.post("/v1/ledger/verifications")))
        verifying.start()
        try:
            assert inside.wait(20)
            began = time.monotonic()
            assert paid(admin)["status"] == "settled"
            assert time.monotonic() - began < 10
        finally:
            served.set()
            verifying.join()
    assert (answers[0].status, answers[0].json["ok"]) == (200, True)


def test_more_than_two_that_read_the_whole_ledger_are_told_to_come_again(
    admin: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, release = threading.Semaphore(0), threading.Event()

    def slowly(books: Books, **how: Any) -> Any:
        inside.release()
        assert release.wait(20)
        return verify(books, **how)

    verify = Books.verify
    monkeypatch.setattr(Books, "verify", slowly)
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(admin.post("/v1/ledger/verifications").status))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    try:
        assert all(inside.acquire(timeout=20) for _ in threads)
        refused = admin.get("/v1/ledger/export.csv")
        assert (refused.status, refused.code) == (429, "too_many_long_reads")
        assert refused.headers["retry-after"] == "1"
    finally:
        release.set()
        for thread in threads:
            thread.join()
    assert answers == [200, 200]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("accounts?limit=0", 400, "request_malformed"),
        ("accounts?limit=²", 400, "request_malformed"),
        ("accounts?cursor=nonsense", 400, "cursor_malformed"),
        ("accounts?at=someday", 400, "time_malformed"),
        ("transfers?cursor=", 400, "cursor_malformed"),
        ("inclusion-proofs/xyz", 400, "transfer_id_malformed"),
        (f"inclusion-proofs/{'0' * 32}", 404, "transfer_not_found"),
        ("inclusion-proofs/P230420XXXXXXXXXXXXXXX", 404, "payment_not_found"),
        ("inclusion-proofs/%00", 400, "request_malformed"),
        ("export.xls", 404, "route_not_found"),
    ],
)
def test_what_is_asked_wrongly_is_refused(admin: Api, path: str, status: int, code: str) -> None:
    from urllib.parse import quote

    answer = admin.get(f"/v1/ledger/{quote(path, safe='/?=&%')}")
    assert (answer.status, answer.code) == (status, code)
