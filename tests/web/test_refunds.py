"""Refunds over HTTP: who applies, who reviews, who is paid, and who sees what of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ecny_tax import Sandbox
from tests.support import company_name, person_id, person_name
from tests.web.client import Api
from tests.web.paying import (
    AUTHORITY,
    TREASURY,
    company,
    corporate,
    owe,
    pay,
    person,
    personal,
    refund_of,
    refusals,
)

As = Callable[[str], Api]
READERS = ("auditor", "operator:ICBC", AUTHORITY, TREASURY)


def settlement(wallet_id: str, amount: str = "10", **wishes: Any) -> dict[str, Any]:
    asked = {"kind": "annual_settlement", "wallet_id": wallet_id, "annual_return": refund_of(amount)}
    return asked | wishes


def test_a_person_is_refunded_the_year_at_once_and_told_what_is_assumed(boss: Api, anybody: As) -> None:
    wallet = personal(boss)
    her = anybody(person())
    refund = her.made("/v1/refunds", settlement(wallet, "1200.50"))
    assert (refund["status"], refund["amount"], refund["balance_after"]) == (
        "completed",
        "1200.50",
        "1200.50",
    )
    assert refund["basis"] == "stated"
    assert "authority's own record" in refund["assumption"]
    assert "税务机关" in refund["assumption_zh"]
    shown = her.seen(f"/v1/refunds/{refund['refund_no']}")
    assert shown["steps"]
    assert {key: shown[key] for key in refund} == refund
    assert her.seen("/v1/refunds")["refunds"] == [refund]


def test_the_same_key_refunds_once(boss: Api) -> None:
    asked = settlement(personal(boss))
    first = boss.post("/v1/refunds", asked, key="mine")
    again = boss.post("/v1/refunds", asked, key="mine")
    assert (first.status, again.status, again.content) == (201, 201, first.content)
    assert again.headers["idempotency-hit"] == "true"
    other = boss.post("/v1/refunds", settlement(asked["wallet_id"], "11"), key="mine")
    assert (other.status, other.code) == (422, "idempotency_conflict")
    assert boss.post("/v1/refunds", asked, key="another").code == "annual_settlement_exists"
    assert len(boss.seen("/v1/refunds")["refunds"]) == 1


def test_a_refund_needs_a_key(boss: Api) -> None:
    refused = boss.ask("POST", "/v1/refunds", settlement(personal(boss)), {})
    assert (refused.status, refused.code) == (400, "idempotency_key_missing")


def test_the_payer_asks_a_payment_back_and_nobody_else(boss: Api, anybody: As) -> None:
    mine, friends = corporate(boss), corporate(boss, 2)
    bill = owe(boss, mine)
    payment = pay(anybody(company(2)), bill, friends)  # by scan
    asked = {"kind": "payment", "payment_no": payment["payment_no"], "amount": "40", "reason": "overpaid"}
    stranger = anybody(company(3)).post("/v1/refunds", asked)
    assert (stranger.status, stranger.code) == (404, "payment_not_found")
    taxpayer = anybody(company()).post("/v1/refunds", asked)
    assert (taxpayer.status, taxpayer.code) == (404, "wallet_not_found")
    for party in READERS:
        assert anybody(party).post("/v1/refunds", asked).status == 403
    refund = anybody(company(2)).made("/v1/refunds", asked)
    assert (refund["wallet_id"], refund["amount"], refund["basis"]) == (friends, "40.00", None)
    assert refund["assumption"] is None
    too_much = anybody(company(2)).post("/v1/refunds", {**asked, "amount": "60.01"})
    assert (too_much.status, too_much.code) == (422, "refund_exceeds_payment")
    unknown = anybody(company(2)).post("/v1/refunds", {**asked, "reason": "no_such"})
    assert (unknown.status, unknown.code) == (400, "refund_reason_unknown")


def test_nobody_applies_for_anothers_wallet(boss: Api, anybody: As) -> None:
    wallet = personal(boss)
    other = anybody(person(2))
    refused, absent = (other.post("/v1/refunds", settlement(no)) for no in (wallet, "0029999999999999"))
    assert (refused.status, refused.code) == (absent.status, absent.code) == (404, "wallet_not_found")
    assert refused.content.replace(wallet.encode(), b"") == absent.content.replace(b"0029999999999999", b"")


def test_the_authority_reviews_and_the_applicant_withdraws(boss: Api, anybody: As) -> None:
    her, office = anybody(person()), anybody(AUTHORITY)
    wallet = personal(boss)
    asked = settlement(wallet, manual_review=True)
    first = her.made("/v1/refunds", asked)
    assert first["status"] == "tax_review"
    assert her.post(f"/v1/refunds/{first['refund_no']}/approval").status == 403
    assert her.post(f"/v1/refunds/{first['refund_no']}/rejection", {}).status == 403
    assert office.post(f"/v1/refunds/{first['refund_no']}/withdrawal").status == 403
    rejected = office.made(f"/v1/refunds/{first['refund_no']}/rejection", {"note": "no paper"})
    assert rejected["status"] == "tax_refused"
    assert rejected["history"][-1]["note"] == "no paper"
    second = her.made("/v1/refunds", asked)
    assert her.made(f"/v1/refunds/{second['refund_no']}/withdrawal")["status"] == "withdrawn"
    third = her.made("/v1/refunds", asked)
    path = f"/v1/refunds/{third['refund_no']}/approval"
    paid, again = office.post(path, key="yes"), office.post(path, key="yes")
    assert paid.json["status"] == "completed"
    assert again.content == paid.content
    late = office.post(path, key="once more")
    assert (late.status, late.code) == (422, "refund_state_not_normal")
    assert boss.seen("/v1/wallets?limit=1")["wallets"][0]["balance"] == "10.00"


def test_a_refund_of_another_is_as_one_that_is_not_there(boss: Api, anybody: As, sandbox: Sandbox) -> None:
    sandbox.parties.add_tax_authority(code="14407840001", name="另一税务局")
    no = boss.made("/v1/refunds", settlement(personal(boss), manual_review=True))["refund_no"]
    path = f"/v1/refunds/{no}"
    seeing = [("GET", path), ("GET", f"{path}/voucher"), ("GET", f"{path}/voucher/signed"),
              ("GET", f"{path}/voucher.cose")]  # fmt: skip
    for party in (person(2), "operator:ABC", "tax-authority:14407840001"):
        assert refusals(anybody(party), seeing) == {(404, "refund_not_found")}
        assert anybody(party).seen("/v1/refunds")["refunds"] == []
    other = anybody("tax-authority:14407840001")
    acting = [("POST", f"{path}/{what}") for what in ("approval", "rejection", "resubmission")]
    assert refusals(other, acting, {}) == {(404, "refund_not_found")}
    acting = [("POST", f"{path}/{what}") for what in ("withdrawal", "resubmission")]
    assert refusals(anybody(person(2)), acting, {}) == {(404, "refund_not_found")}
    for party in ("operator:ICBC", TREASURY, "auditor"):
        assert anybody(party).seen(path)["status"] == "tax_review"
        assert refusals(anybody(party), acting, {}) == {(403, "not_permitted")}


def test_what_a_wallet_holds_after_a_refund_is_told_to_its_holder_and_operator_alone(
    boss: Api, anybody: As
) -> None:
    no = boss.made("/v1/refunds", settlement(personal(boss)))["refund_no"]
    seen = {
        party: anybody(party).seen(f"/v1/refunds/{no}")["balance_after"] for party in (*READERS, person())
    }
    assert seen == {"auditor": "10.00", "operator:ICBC": "10.00", AUTHORITY: None, TREASURY: None,
                    person(): "10.00"}  # fmt: skip


def test_a_failed_credit_is_resubmitted_to_another_wallet_of_the_person_who_names_it(
    boss: Api, anybody: As, sandbox: Sandbox
) -> None:
    first, second, theirs = personal(boss), personal(boss, operator="ABC"), personal(boss, 2)
    her, office = anybody(person()), anybody(AUTHORITY)
    no = her.made("/v1/refunds", settlement(first, manual_review=True))["refund_no"]
    sandbox.wallets.close(wallet_id=first)
    assert office.made(f"/v1/refunds/{no}/approval")["status"] == "treasury_failed"
    path = f"/v1/refunds/{no}/resubmission"
    assert office.made(path, {})["failure_code"] == "wallet_closed"
    for api, wallet in ((her, theirs), (office, second), (office, "0029999999999999")):
        refused = api.post(path, {"wallet_id": wallet})
        assert (refused.status, refused.code) == (404, "wallet_not_found")
    refused = boss.post(path, {"wallet_id": theirs})
    assert (refused.status, refused.code) == (422, "refund_wallet_of_another")
    done = her.post(path, {"wallet_id": second}, key="again")
    assert (done.json["status"], done.json["balance_after"]) == ("completed", "10.00")
    assert her.post(path, {"wallet_id": second}, key="again").content == done.content
    assert anybody("operator:ABC").seen(f"/v1/refunds/{no}")["status"] == "completed"
    assert anybody("operator:ICBC").get(f"/v1/refunds/{no}").code == "refund_not_found"


# --- vouchers -------------------------------------------------------------------------------------------


def test_the_voucher_bears_names_and_is_shown_to_its_parties_and_not_to_the_auditor(
    boss: Api, anybody: As
) -> None:
    path = f"/v1/refunds/{boss.made('/v1/refunds', settlement(personal(boss)))['refund_no']}/voucher"
    for party in (person(), AUTHORITY, TREASURY, "operator:ICBC", "admin"):
        voucher = anybody(party).seen(path)
        assert (voucher["taxpayer_name"], voucher["taxpayer_id"]) == (person_name(), person_id())
    assert refusals(
        anybody("auditor"), [("GET", path), ("GET", f"{path}/signed"), ("GET", f"{path}.cose")]
    ) == {(403, "not_permitted")}


def test_the_voucher_is_signed_and_verifies(boss: Api) -> None:
    path = f"/v1/refunds/{boss.made('/v1/refunds', settlement(personal(boss)))['refund_no']}/voucher"
    signed = boss.seen(f"{path}/signed")
    verdict = boss.made("/v1/receipts/verifications", {"document": signed["cose"]})
    assert verdict["valid"]
    assert verdict["receipt"] == boss.seen(path)
    assert boss.get(f"{path}.cose").headers["content-type"] == "application/cose"


def test_there_is_no_voucher_before_the_refund_is_paid(boss: Api) -> None:
    path = (
        f"/v1/refunds/{boss.made('/v1/refunds', settlement(personal(boss), manual_review=True))['refund_no']}"
    )
    for kind in ("voucher", "voucher/signed", "voucher.cose"):
        refused = boss.get(f"{path}/{kind}")
        assert (refused.status, refused.code) == (422, "refund_not_completed")


def test_the_voucher_of_a_bill_that_somebody_else_paid_is_its_taxpayers(boss: Api, anybody: As) -> None:
    friends = corporate(boss, 2)
    payment = pay(boss, owe(boss, corporate(boss)), friends)
    no = boss.made("/v1/refunds", {"kind": "payment", "payment_no": payment["payment_no"]})["refund_no"]
    taxpayer, payer = anybody(company()), anybody(company(2))
    assert payer.seen(f"/v1/refunds/{no}")["amount"] == "100.00"
    assert company_name() not in payer.get(f"/v1/refunds/{no}").content.decode()
    assert payer.get(f"/v1/refunds/{no}/voucher").code == "refund_not_found"
    assert taxpayer.seen(f"/v1/refunds/{no}/voucher")["taxpayer_name"] == company_name()
