"""Receipts over HTTP: they bear names, so each party sees its own; signed, printed, and verified."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from ecny_tax import Sandbox
from tests.support import company_id, company_name
from tests.web.client import Api
from tests.web.paying import AUTHORITY, TREASURY, company, corporate, owe, pay, refusals

As = Callable[[str], Api]


def paths(receipt_no: str) -> list[tuple[str, str]]:
    path = f"/v1/receipts/{receipt_no}"
    return [("GET", path), ("GET", f"{path}/text"), ("GET", f"{path}/signed"), ("GET", f"{path}/cose"),
            ("POST", f"{path}/prints")]  # fmt: skip


def verify(api: Api, document: bytes) -> Any:
    encoded = base64.b64encode(document).decode()
    return api.made("/v1/receipts/verifications", {"document": encoded})


def test_a_receipt_is_shown_to_its_taxpayer_authority_treasury_and_operator(boss: Api, anybody: As) -> None:
    wallet = corporate(boss)
    no = pay(boss, owe(boss, wallet), wallet)["receipt_no"]
    for party in (company(), AUTHORITY, TREASURY, "operator:ICBC", "admin"):
        receipt = anybody(party).seen(f"/v1/receipts/{no}")
        assert (receipt["taxpayer_name"], receipt["taxpayer_id"]) == (company_name(), company_id())
        assert receipt["amount_in_capitals"] == "壹佰元整"


def test_a_receipt_is_shown_to_nobody_else_and_not_to_the_auditor(
    boss: Api, anybody: As, sandbox: Sandbox
) -> None:
    sandbox.parties.add_tax_authority(code="14407840001", name="另一税务局")
    wallet = corporate(boss)
    no = pay(boss, owe(boss, wallet), wallet)["receipt_no"]
    asked = {"form": "html"}
    assert refusals(anybody("auditor"), paths(no), asked) == {(403, "not_permitted")}
    for party in (company(2), "operator:ABC", "tax-authority:14407840001"):
        other = anybody(party)
        assert refusals(other, paths(no), asked) == {(404, "receipt_not_found")}
        assert other.get(f"/v1/receipts/{no}").content == other.get("/v1/receipts/3X").content.replace(
            b"3X", no.encode()
        )


def test_whoever_pays_anothers_bill_learns_no_name_by_it(boss: Api, anybody: As) -> None:
    friends = corporate(boss, 2)
    payment = pay(anybody(company(2)), owe(boss, corporate(boss)), friends)
    payer = anybody(company(2))
    assert refusals(payer, paths(payment["receipt_no"]), {"form": "html"}) == {(404, "receipt_not_found")}
    assert anybody(company()).seen(f"/v1/receipts/{payment['receipt_no']}")["payer_name"] == company_name(2)


def test_a_receipt_is_read_as_text_in_the_readers_language(boss: Api) -> None:
    wallet = corporate(boss)
    path = f"/v1/receipts/{pay(boss, owe(boss, wallet), wallet)['receipt_no']}/text"
    english, chinese = boss.get(path), boss.get(path, Accept_Language="zh-CN")
    assert english.content.decode().startswith("Electronic payment voucher")
    assert chinese.content.decode().startswith("电子缴款凭证\n")
    assert english.headers["content-type"] == "text/plain; charset=utf-8"


def test_only_prints_are_counted(boss: Api) -> None:
    wallet = corporate(boss)
    no = pay(boss, owe(boss, wallet), wallet)["receipt_no"]
    for _, path in paths(no)[:-1]:
        assert boss.get(path).status == 200
    assert boss.seen(f"/v1/receipts/{no}")["print_count"] == 0
    page = boss.made(f"/v1/receipts/{no}/prints", {"form": "html"})
    assert (page["print_count"], page["media_type"]) == (1, "text/html")
    paper = boss.made(f"/v1/receipts/{no}/prints", {"form": "pdf"})
    assert (paper["print_count"], paper["media_type"]) == (2, "application/pdf")
    assert base64.b64decode(paper["content"]).startswith(b"%PDF-")
    assert boss.seen(f"/v1/receipts/{no}")["print_count"] == 2


def test_every_form_of_a_signed_receipt_verifies(boss: Api) -> None:
    wallet = corporate(boss)
    no = pay(boss, owe(boss, wallet), wallet)["receipt_no"]
    cose = boss.get(f"/v1/receipts/{no}/cose").content
    signed = boss.seen(f"/v1/receipts/{no}/signed")
    shown = boss.seen(f"/v1/receipts/{no}")
    page = base64.b64decode(boss.made(f"/v1/receipts/{no}/prints", {"form": "html"})["content"])
    for document in (cose, base64.b64decode(signed["cose"]), signed["text"].encode(), page):
        verdict = verify(boss, document)
        assert (verdict["valid"], verdict["reason"], verdict["detail"]) == (True, None, None)
        assert verdict["receipt"]["taxpayer_name"] == company_name()
        assert "cannot say" in verdict["note"]
    assert verify(boss, base64.b64decode(signed["cose"]))["receipt"] == shown  # with its steps


def test_what_was_altered_is_answered_as_invalid_and_shows_nothing(boss: Api) -> None:
    wallet = corporate(boss)
    no = pay(boss, owe(boss, wallet), wallet)["receipt_no"]
    cose = boss.get(f"/v1/receipts/{no}/cose").content
    page = base64.b64decode(boss.made(f"/v1/receipts/{no}/prints", {"form": "html"})["content"])
    altered = {
        "signature_invalid": cose[:-1] + bytes([cose[-1] ^ 1]),
        "receipt_page_differs": page.replace(b"100.00", b"900.00"),
        "receipt_text_missing": b"",
    }
    for reason, document in altered.items():
        verdict = verify(boss, document)
        assert (verdict["valid"], verdict["reason"], verdict["receipt"]) == (False, reason, None)
        assert verdict["detail"]
        assert verdict["detail_zh"]
        assert verdict["note"] is None
    for junk in (b"\0", b"\xff" * 100, b"{}", b'{"cose": "\\ud800"}', b"ECNY1:", b"<html>", b"[" * 5000):
        assert verify(boss, junk)["valid"] is False


def test_the_auditor_is_told_whether_a_receipt_is_valid_but_no_name(boss: Api, anybody: As) -> None:
    wallet = corporate(boss)
    cose = boss.get(f"/v1/receipts/{pay(boss, owe(boss, wallet), wallet)['receipt_no']}/cose").content
    verdict = verify(anybody("auditor"), cose)
    assert (verdict["valid"], verdict["receipt"]) == (True, None)
    assert verify(anybody(company(2)), cose)["receipt"]["taxpayer_name"] == company_name()


def test_a_document_that_is_no_base64_or_a_picture_is_refused(boss: Api) -> None:
    for text in ("€", "a", "YWJj\n", "A" * 1_400_001):
        refused = boss.post("/v1/receipts/verifications", {"document": text})
        assert (refused.status, refused.code) == (400, "request_malformed")
    refused = boss.post("/v1/receipts/verifications", {"document": base64.b64encode(b"%PDF-1.4").decode()})
    assert (refused.status, refused.code) == (400, "receipt_pdf")
