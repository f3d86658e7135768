"""Wallets over HTTP: what each party may do with them, and what it sees of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from ecny_tax import Sandbox
from ecny_tax.clock import FixedClock, parse_time
from tests import support
from tests.web.client import Api
from tests.web.conftest import NOW
from tests.web.documented import documented

AsParty = Callable[[str], Api]

COMPANY = {
    "kind": "corporate",
    "name": support.company_name(),
    "id_number": support.company_id(),
    "operator": "ICBC",
    "fund": "20000.00",
}
PERSON = {
    "kind": "personal",
    "name": support.person_name(),
    "id_number": support.person_id(),
    "phone": support.phone_number(),
    "operator": "ICBC",
    "fund": "1000.00",
}
NAMELESS = {"kind": "personal", "phone": support.phone_number(), "operator": "ABC", "fund": "100.00"}
DUTY = {"tax": "stamp-duty", "item": "sale_contract", "base": "1000000"}
REGISTERED = {"wallet_id", "kind", "wallet_class", "operator", "balance", "status"}
HOLDERS = {
    *REGISTERED,
    "opened_at",
    "closed_at",
    "stop_reason",
    "stopped_until",
    "name",
    "id_number",
    "phone",
}


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(parse_time(NOW))


@pytest.fixture
def sandbox(clock: FixedClock) -> Sandbox:
    return Sandbox.open(":memory:", seed="web", clock=clock)


@pytest.fixture
def as_party(sandbox: Sandbox, address: str) -> AsParty:
    return documented(sandbox, address)


@pytest.fixture
def holder(as_party: AsParty) -> Api:
    return as_party(f"taxpayer:{PERSON['id_number']}")


@pytest.fixture
def person(admin: Api) -> Any:
    return admin.made("/v1/wallets", PERSON)


@pytest.fixture
def company(admin: Api) -> Any:
    return admin.made("/v1/wallets", COMPANY)


def path(wallet: Any, rest: str = "") -> str:
    return f"/v1/wallets/{wallet['wallet_id']}{rest}"


# --- who opens ---------------------------------------------------------------------------------------


def test_a_taxpayer_opens_wallets_in_its_own_name(as_party: AsParty, holder: Api) -> None:
    assert holder.made("/v1/wallets", PERSON)["wallet_class"] == "II"
    assert as_party(f"taxpayer:{COMPANY['id_number']}").made("/v1/wallets", COMPANY)["balance"] == "20000.00"
    assert as_party(f"taxpayer:{NAMELESS['phone']}").made("/v1/wallets", NAMELESS)["wallet_class"] == "IV"


@pytest.mark.parametrize(
    "asked",
    [
        {**PERSON, "id_number": support.person_id(2)},
        {**PERSON, "id_number": f" {support.person_id(2)} "},
        COMPANY,
        NAMELESS,
    ],
)
def test_a_taxpayer_opens_no_wallet_for_anybody_else(admin: Api, holder: Api, asked: Any) -> None:
    refused = holder.post("/v1/wallets", asked)
    assert (refused.status, refused.code) == (403, "holder_not_of_key")
    assert admin.seen("/v1/wallets")["wallets"] == []


def test_a_taxpayers_refusal_does_not_tell_whether_somebody_else_has_a_wallet(
    admin: Api, as_party: AsParty
) -> None:
    other = as_party(f"taxpayer:{support.person_id(2)}")
    before = other.post("/v1/wallets", PERSON)
    admin.made("/v1/wallets", PERSON)
    assert other.post("/v1/wallets", PERSON).content == before.content


def test_an_operator_opens_wallets_at_itself_only(as_party: AsParty) -> None:
    icbc = as_party("operator:ICBC")
    assert icbc.made("/v1/wallets", {**PERSON, "operator": " icbc "})["operator"] == "ICBC"
    refused = icbc.post("/v1/wallets", NAMELESS)
    assert (refused.status, refused.code, refused.json["operator"]) == (403, "operator_not_of_key", "ABC")


@pytest.mark.parametrize("party", ["auditor", "tax-authority:14407840000", "treasury:1907840000"])
def test_whoever_is_no_operator_nor_taxpayer_opens_no_wallet(as_party: AsParty, party: str) -> None:
    if party.startswith("treasury"):
        party = f"treasury:{_treasury(as_party)}"
    refused = as_party(party).post("/v1/wallets", PERSON)
    assert (refused.status, refused.code) == (403, "not_permitted")


def _treasury(as_party: AsParty) -> str:
    parties = as_party("auditor").seen("/v1/parties")["parties"]
    return next(str(one["code"]) for one in parties if one["kind"] == "treasury")


# --- who sees what -----------------------------------------------------------------------------------


def test_holder_and_operator_see_the_wallet_in_full(as_party: AsParty, holder: Api, person: Any) -> None:
    for party in (holder, as_party("operator:ICBC")):
        seen = party.seen(path(person))
        assert set(seen) == HOLDERS
        assert (seen["name"], seen["id_number"], seen["phone"]) == (
            PERSON["name"],
            PERSON["id_number"],
            PERSON["phone"],
        )
        assert seen["balance"] == "1000.00"


def test_another_operator_sees_where_to_route_and_nothing_else(as_party: AsParty, person: Any) -> None:
    bank = as_party("operator:ABC")
    assert bank.seen(path(person)) == {"wallet_id": person["wallet_id"], "operator": "ICBC"}
    for rest in ("/statement", "/interest", "/sub-wallets", "/terms"):
        assert bank.get(path(person, rest)).code == "wallet_not_found"
    assert bank.seen("/v1/wallets")["wallets"] == []


def test_the_auditor_sees_what_the_central_bank_has_and_nobodys_name(as_party: AsParty, person: Any) -> None:
    auditor = as_party("auditor")
    assert set(auditor.seen(path(person))) == REGISTERED
    told = [
        auditor.get(path(person, rest)) for rest in ("", "/statement", "/interest", "/sub-wallets", "/terms")
    ]
    told.append(auditor.get("/v1/wallets"))
    for answer in told:
        assert answer.status == 200
        for secret in (PERSON["name"], PERSON["id_number"], PERSON["phone"]):
            assert str(secret) not in answer.content.decode()


def test_authority_and_treasury_see_what_they_were_told_once_the_holder_pays(
    admin: Api, as_party: AsParty, company: Any
) -> None:
    authority, treasury = as_party("tax-authority:14407840000"), as_party(f"treasury:{_treasury(as_party)}")
    for party in (authority, treasury):
        assert party.get(path(company)).code == "wallet_not_found"
    admin.made("/v1/payments", {"wallet_id": company["wallet_id"], **DUTY})
    name = COMPANY["name"]
    assert authority.seen(path(company)) == {"name": name, "taxpayer_id": COMPANY["id_number"]}
    assert treasury.seen(path(company)) == {"name": name}


def test_what_a_party_may_not_see_is_answered_as_what_is_not_there(
    admin: Api, as_party: AsParty, person: Any
) -> None:
    somebody = {"taxpayer": support.person_id(2), "tax-authority": "14407840000"}
    for role, code in {**somebody, "treasury": _treasury(as_party)}.items():
        hidden = as_party(f"{role}:{code}").get(path(person))
        missing = admin.get("/v1/wallets/0029999999999999")
        assert (hidden.status, missing.status) == (404, 404)
        said, known = missing.json, hidden.json
        assert known.pop("wallet_id") == person["wallet_id"]
        assert said.pop("wallet_id") == "0029999999999999"
        assert known.pop("detail").replace(person["wallet_id"], "W") == said.pop("detail").replace(
            "0029999999999999", "W"
        )
        assert known == said


@pytest.mark.parametrize("number", ["0", "nobody", "0021234567890124", "~", "." * 64])
def test_no_such_wallet_is_404_for_every_party(as_party: AsParty, number: str) -> None:
    for party in ("admin", "auditor", "operator:ICBC", "tax-authority:14407840000", "taxpayer:13900000001"):
        refused = as_party(party).get(f"/v1/wallets/{number}")
        assert (refused.status, refused.code) == (404, "wallet_not_found")


def test_the_balance_at_a_time_is_for_admin(admin: Api, holder: Api, clock: FixedClock, person: Any) -> None:
    clock.advance(timedelta(days=2))
    admin.made(path(person, "/cash-outs"), {"amount": "400"})
    seen = admin.seen(path(person, "?at=2023-04-20"))
    assert (seen["balance"], seen["at"]) == ("1000.00", "2023-04-20T23:59:59.999999+08:00")
    assert seen["status_at"] == "2023-04-22T10:00:00+08:00"
    assert admin.seen(path(person))["balance"] == "600.00"
    assert admin.seen(path(person, "?at=1999-01-01"))["balance"] == "0.00"
    assert holder.get(path(person, "?at=2023-04-20")).code == "view_is_of_now"
    assert admin.get(path(person, "?at=yesterday")).code == "time_malformed"


# --- money -------------------------------------------------------------------------------------------


def test_a_holder_cashes_out_and_transfers_once_a_key(holder: Api, person: Any, company: Any) -> None:
    out = holder.made(path(person, "/cash-outs"), {"amount": "100"})
    assert (out["kind"], out["balance"], out["fee"]) == ("cash_out", "900.00", "0.00")
    asked = {"to_wallet": company["wallet_id"], "amount": "50.5"}
    first = holder.post(path(person, "/transfers"), asked, key="t")
    again = holder.post(path(person, "/transfers"), asked, key="t")
    assert (first.status, first.json["balance_after"], again.content) == (201, "849.50", first.content)
    assert again.headers["idempotency-hit"] == "true"
    assert holder.seen(path(person))["balance"] == "849.50"


@pytest.mark.parametrize(
    ("rest", "body"),
    [
        ("/top-ups", {"amount": "1"}),
        ("/cash-outs", {"amount": "1"}),
        ("/transfers", {"amount": "1", "to_wallet": "{company}"}),
        ("/upgrade", {"wallet_class": "I"}),
        ("/closing", None),
        ("/sub-wallets", {"purpose": "limited", "single": "5"}),
        ("/collections", None),
        ("/distributions", {"to": [{"wallet_id": "{company}", "amount": "1"}]}),
    ],
)
def test_nobody_moves_what_is_not_its_own(
    admin: Api, as_party: AsParty, person: Any, company: Any, rest: str, body: Any
) -> None:
    if rest == "/transfers":
        body = {**body, "to_wallet": company["wallet_id"]}
    for party in (f"taxpayer:{COMPANY['id_number']}", "operator:ABC"):
        refused = as_party(party).post(path(person, rest), body)
        assert (refused.status, refused.code) == (404, "wallet_not_found")
    for party in ("auditor", "tax-authority:14407840000"):
        assert as_party(party).post(path(person, rest), body).code == "not_permitted"
    assert admin.seen(path(person)) == person


def test_an_operator_acts_on_the_wallets_at_itself(as_party: AsParty, person: Any, company: Any) -> None:
    icbc = as_party("operator:ICBC")
    assert icbc.made(path(person, "/cash-outs"), {"amount": "1"})["balance"] == "999.00"
    asked = {"to_wallet": company["wallet_id"], "amount": "9"}
    assert icbc.made(path(person, "/transfers"), asked)["balance_after"] == "990.00"


def test_a_refused_transfer_moves_nothing(admin: Api, holder: Api, person: Any, company: Any) -> None:
    for body, status, code in (
        ({"to_wallet": company["wallet_id"], "amount": "1000.01"}, 422, "insufficient_funds"),
        ({"to_wallet": person["wallet_id"], "amount": "1"}, 400, "wallets_must_be_different"),
        ({"to_wallet": "0029999999999999", "amount": "1"}, 400, "wallet_id_check_failed"),
        ({"to_wallet": company["wallet_id"], "amount": "0"}, 400, "request_malformed"),
        ({"to_wallet": company["wallet_id"], "amount": 1}, 400, "request_malformed"),
    ):
        refused = holder.post(path(person, "/transfers"), body)
        assert (refused.status, refused.code) == (status, code)
    assert [admin.seen(path(one))["balance"] for one in (person, company)] == ["1000.00", "20000.00"]


def test_a_statement_leads_from_its_opening_to_its_closing(
    holder: Api, as_party: AsParty, clock: FixedClock, person: Any, company: Any
) -> None:
    clock.advance(timedelta(days=1))
    payer = as_party(f"taxpayer:{COMPANY['id_number']}")
    payer.made(path(company, "/transfers"), {"to_wallet": person["wallet_id"], "amount": "30"})
    clock.advance(timedelta(days=1))
    holder.made(path(person, "/cash-outs"), {"amount": "5"})
    whole = holder.seen(path(person, "/statement"))
    assert [line["balance"] for line in whole["lines"]] == ["1000.00", "1030.00", "1025.00"]
    day = holder.seen(path(person, "/statement?from=2023-04-21&to=2023-04-21"))
    assert (day["opening"], day["closing"], len(day["lines"])) == ("1000.00", "1030.00", 1)
    assert company["wallet_id"] not in holder.get(path(person, "/statement")).content.decode()
    assert holder.get(path(person, "/statement?from=2023-04-22&to=2023-04-21")).code == "period_reversed"
    for day_text in ("0", "2023-4-21", "2023-02-30", "9999-01-01", "٢٠٢٣-٠٤-٢١", ""):
        refused = as_party("admin").get(path(person, f"/statement?from={_quoted(day_text)}"))
        assert (refused.status, refused.code) == (400, "request_malformed"), day_text


def _quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text)


# --- upgrade, stop, closing, erasure -----------------------------------------------------------------


def test_a_named_holder_upgrades_its_own_wallet(holder: Api, person: Any) -> None:
    assert holder.made(path(person, "/upgrade"), {"wallet_class": "I"})["wallet_class"] == "I"
    assert holder.post(path(person, "/upgrade"), {}).code == "wallet_class_not_higher"


def test_a_nameless_wallet_is_named_by_its_operator_and_not_by_whoever_has_the_phone(
    admin: Api, as_party: AsParty
) -> None:
    wallet = admin.made("/v1/wallets", NAMELESS)
    by_phone, by_id = (as_party(f"taxpayer:{PERSON[name]}") for name in ("phone", "id_number"))
    named = {"name": PERSON["name"], "id_number": PERSON["id_number"]}
    refused = by_phone.post(path(wallet, "/upgrade"), named)
    assert (refused.status, refused.code) == (403, "holder_not_of_key")
    assert set(by_phone.seen(path(wallet))) == HOLDERS - {"name", "id_number"}
    assert by_id.get(path(wallet)).status == 404
    assert as_party("operator:ABC").made(path(wallet, "/upgrade"), named)["wallet_class"] == "II"
    assert by_id.seen(path(wallet))["name"] == PERSON["name"]
    assert by_phone.get(path(wallet)).status == 404


def test_a_protective_stop_holds_what_goes_out_until_it_is_lifted(
    admin: Api, holder: Api, person: Any, company: Any
) -> None:
    stopped = admin.made(path(person, "/stop"), {"hours": 2})
    assert (stopped["status"], stopped["stopped_until"]) == ("stopped", "2023-04-20T12:00:00+08:00")
    assert holder.post(path(person, "/cash-outs"), {"amount": "1"}).code == "wallet_stopped"
    for body, code in (
        ({"by": "court:CT440784"}, "stop_not_by_centre"),
        ({"reason": "because"}, "stop_reason_unknown"),
        ({"hours": 0}, "request_malformed"),
        ({"hours": True}, "request_malformed"),
    ):
        assert admin.post(path(company, "/stop"), body).code == code
    assert admin.made(path(person, "/resume"), {})["status"] == "active"
    assert admin.post(path(person, "/resume"), {}).code == "wallet_not_stopped"


@pytest.mark.parametrize(
    "party", ["operator:ICBC", f"taxpayer:{PERSON['id_number']}", "auditor", "tax-authority:14407840000"]
)
def test_no_party_but_admin_stands_for_an_anti_fraud_centre(
    as_party: AsParty, person: Any, party: str
) -> None:
    for rest in ("/stop", "/resume"):
        assert as_party(party).post(path(person, rest), {}).code == "not_permitted"


def test_a_holder_closes_its_empty_wallet_and_has_itself_erased(
    admin: Api, as_party: AsParty, holder: Api, person: Any
) -> None:
    assert holder.post(path(person, "/closing")).code == "wallet_not_empty"
    assert holder.post(path(person, "/erasure")).code == "holder_has_open_wallets"
    holder.made(path(person, "/cash-outs"), {"amount": "1000"})
    first, again = (holder.post(path(person, "/closing"), key="close") for _ in range(2))
    assert (first.json["status"], first.json["interest_paid"]) == ("closed", "0.00")
    assert first.content == again.content
    for party in ("operator:ICBC", "auditor"):
        assert as_party(party).post(path(person, "/erasure")).code == "not_permitted"
    other = as_party(f"taxpayer:{support.person_id(2)}")
    assert other.post(path(person, "/erasure")).code == "wallet_not_found"
    assert holder.made(path(person, "/erasure"))["keys_destroyed"] > 0
    assert holder.seen(path(person))["name"] == "(erased)"
    assert admin.seen(path(person))["status"] == "closed"
