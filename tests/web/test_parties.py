"""Institutions, published keys and API keys over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ecny_tax import Sandbox
from tests import support
from tests.web.client import Api
from tests.web.documented import documented

AsParty = Callable[[str], Api]

FIRM = support.company_id()
PARTIES = ("auditor", "operator:ICBC", "tax-authority:14407840000", f"taxpayer:{FIRM}")
COURT = {"kind": "court", "code": "CT440104", "name": "虚构市人民法院"}


@pytest.fixture
def as_party(sandbox: Sandbox, address: str) -> AsParty:
    return documented(sandbox, address)


def test_everybody_lists_the_institutions(admin: Api, as_party: AsParty) -> None:
    found = admin.seen("/v1/parties")
    assert {"central_bank", "operator", "tax_authority", "treasury"} <= {p["kind"] for p in found["parties"]}
    for party in PARTIES:
        assert as_party(party).seen("/v1/parties") == found


def test_admin_adds_a_treasury_an_authority_and_an_enforcer(admin: Api, as_party: AsParty) -> None:
    treasury = {"kind": "treasury", "code": "1901040000", "name": "国家金库虚构市支库", "name_en": "Made-up"}
    office = {
        "kind": "tax_authority",
        "code": "14401040000",
        "name": "虚构市税务局",
        "treasury": "1901040000",
    }
    for asked in (treasury, office, COURT):
        made = admin.made("/v1/parties", asked)
        assert (made["kind"], made["code"], made["name_zh"]) == (asked["kind"], asked["code"], asked["name"])
        assert made in admin.seen("/v1/parties")["parties"]
        again = admin.post("/v1/parties", asked)
        assert (again.status, again.code) == (409, "party_exists")
    assert as_party("tax-authority:14401040000").seen("/v1/agreements")["agreements"] == []


@pytest.mark.parametrize("party", PARTIES)
def test_nobody_else_adds_institutions_or_keys(as_party: AsParty, admin: Api, party: str) -> None:
    before, caller = admin.seen("/v1/parties"), as_party(party)
    answers = [
        caller.post("/v1/parties", COURT),
        caller.post("/v1/api-keys", {"party": "admin"}),
        caller.get("/v1/api-keys"),
        caller.post("/v1/api-keys/K0/revocation"),
    ]
    assert [(one.status, one.code) for one in answers] == [(403, "not_permitted")] * 4
    assert admin.seen("/v1/parties") == before


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({**COURT, "kind": "operator"}, "request_malformed"),
        ({**COURT, "kind": "central_bank"}, "request_malformed"),
        ({**COURT, "treasury": "1901040000"}, "request_malformed"),
        ({**COURT, "code": "ct"}, "party_code_malformed"),
        ({**COURT, "name": " "}, "name_malformed"),
        ({**COURT, "name": "a\u0000b"}, "name_malformed"),
        ({"kind": "treasury", "code": "١٢٣٤٥٦٧٨٩٠", "name": "n"}, "treasury_code_malformed"),
        ({"kind": "tax_authority", "code": "1", "name": "n"}, "authority_code_malformed"),
        (
            {"kind": "tax_authority", "code": "14401040000", "name": "n", "treasury": "0"},
            "treasury_not_found",
        ),
    ],
)
def test_a_malformed_institution_is_refused(admin: Api, asked: Any, code: str) -> None:
    before = admin.seen("/v1/parties")
    assert admin.post("/v1/parties", asked).code == code
    assert admin.seen("/v1/parties") == before


def test_of_wallets_keys_are_published_to_those_who_see_them(admin: Api, as_party: AsParty) -> None:
    asked = {"kind": "corporate", "id_number": FIRM, "name": support.company_name(), "operator": "ICBC"}
    wallet_id = admin.made("/v1/wallets", asked)["wallet_id"]

    def see_it(party: str) -> bool:
        keys = as_party(party).seen("/v1/parties/keys")["keys"]
        assert "operator:ICBC" in keys
        return f"wallet:{wallet_id}" in keys

    seen_by = {"admin", "auditor", "operator:ICBC", f"taxpayer:{FIRM}"}
    others = {"operator:ABC", "tax-authority:14407840000", f"taxpayer:{support.person_id()}"}
    assert {party for party in seen_by | others if see_it(party)} == seen_by
    admin.made("/v1/agreements", {"wallet_id": wallet_id})
    assert see_it("tax-authority:14407840000")


def test_a_key_is_shown_once_stands_for_its_party_and_opens_nothing_once_revoked(
    admin: Api, as_party: AsParty, address: str
) -> None:
    made = admin.made("/v1/api-keys", {"party": "operator:ICBC"})
    bank = Api(address, made["api_key"])
    assert bank.get("/v1/api-keys").json["party"] == "operator"
    listed = admin.get("/v1/api-keys")
    assert made["api_key"] not in listed.content.decode()
    assert [one["party"] for one in listed.json["api_keys"]].count("operator:ICBC") == 1
    revoked = admin.made(f"/v1/api-keys/{made['key_id']}/revocation")
    assert revoked["revoked_at"] is not None
    assert admin.made(f"/v1/api-keys/{made['key_id']}/revocation") == revoked
    assert (bank.get("/v1/parties").status, bank.get("/v1/parties").code) == (401, "api_key_unknown")
    assert admin.post("/v1/api-keys/K0/revocation").code == "api_key_not_found"


def test_a_taxpayers_key_is_listed_by_pseudonym(admin: Api) -> None:
    made = admin.made("/v1/api-keys", {"party": f"taxpayer:{FIRM}"})
    assert FIRM not in str(made)
    assert FIRM not in admin.get("/v1/api-keys").content.decode()


@pytest.mark.parametrize(
    ("party", "code"),
    [
        ("", "api_party_malformed"),
        ("nobody", "api_party_malformed"),
        ("admin:1", "api_party_malformed"),
        ("taxpayer:", "api_party_malformed"),
        ("taxpayer:91440784MA00DEM06X", "uscc_check_failed"),
        ("operator:HSBC", "operator_unknown"),
        ("treasury:0", "treasury_not_found"),
        ("tax-authority:14400000000", "tax_authority_not_found"),
    ],
)
def test_a_key_is_for_a_party_that_there_is(admin: Api, party: str, code: str) -> None:
    before = admin.seen("/v1/api-keys")
    assert admin.post("/v1/api-keys", {"party": party}).code == code
    assert admin.seen("/v1/api-keys") == before
