"""Agreements over HTTP: signed by the holder, seen by their three parties, verified by anybody."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ecny_tax import Sandbox
from ecny_tax.agreements.service import check_export
from tests import support
from tests.web.client import Api
from tests.web.documented import documented

AsParty = Callable[[str], Api]

FIRM, OTHER = support.company_id(), support.company_id(2)
OFFICE = "14407840000"
EVERYBODY = ("auditor", "operator:ABC", f"tax-authority:{OFFICE}", f"taxpayer:{OTHER}")


@pytest.fixture
def as_party(sandbox: Sandbox, address: str) -> AsParty:
    return documented(sandbox, address)


@pytest.fixture
def holder(as_party: AsParty) -> Api:
    return as_party(f"taxpayer:{FIRM}")


@pytest.fixture
def wallet_id(holder: Api) -> str:
    asked = {"kind": "corporate", "id_number": FIRM, "name": support.company_name(), "operator": "ICBC"}
    return str(holder.made("/v1/wallets", asked)["wallet_id"])


@pytest.fixture
def agreement(holder: Api, wallet_id: str) -> Any:
    return holder.made("/v1/agreements", {"wallet_id": wallet_id})


def path(agreement: Any, rest: str = "") -> str:
    return f"/v1/agreements/{agreement['agreement_no']}{rest}"


def test_a_holder_signs_and_its_three_parties_see_the_agreement(
    holder: Api, as_party: AsParty, agreement: Any
) -> None:
    assert (agreement["status"], agreement["authority"]) == ("verified", OFFICE)
    for reader in (holder, *map(as_party, ("operator:ICBC", f"tax-authority:{OFFICE}", "auditor", "admin"))):
        assert reader.seen(path(agreement)) == agreement
        assert reader.seen("/v1/agreements") == {"agreements": [agreement], "next_cursor": None}


def test_whoever_is_no_party_of_an_agreement_learns_nothing_of_it(
    admin: Api, as_party: AsParty, agreement: Any
) -> None:
    office = {"kind": "tax_authority", "code": "14401040000", "name": "虚构市税务局"}
    admin.made("/v1/parties", office)
    missing = admin.get("/v1/agreements/A0")
    assert (missing.status, missing.code) == (404, "agreement_not_found")
    strangers = {
        "operator:ABC": ("termination", "lock", "unlock"),
        "tax-authority:14401040000": ("termination", "lock", "unlock"),
        f"taxpayer:{OTHER}": ("termination",),
    }
    for party, acts in strangers.items():
        stranger = as_party(party)
        assert stranger.seen("/v1/agreements")["agreements"] == []
        answers = [stranger.get(path(agreement)), stranger.get(path(agreement, "/export"))]
        answers += [stranger.post(path(agreement, f"/{act}")) for act in acts]
        for answer in answers:
            expected = missing.content.decode().replace("A0", agreement["agreement_no"])
            assert answer.content.decode() == expected
    assert admin.seen(path(agreement)) == agreement


@pytest.mark.parametrize("party", EVERYBODY)
def test_nobody_signs_for_the_wallet_of_somebody_else(
    as_party: AsParty, admin: Api, wallet_id: str, party: str
) -> None:
    refused = as_party(party).post("/v1/agreements", {"wallet_id": wallet_id})
    code = "wallet_not_found" if party.startswith("taxpayer") else "not_permitted"
    assert refused.code == code
    assert admin.seen("/v1/agreements")["agreements"] == []


def test_what_the_operator_refuses_stays_as_failed_and_the_refusal_names_it(
    holder: Api, wallet_id: str
) -> None:
    refused = holder.post("/v1/agreements", {"wallet_id": wallet_id, "taxpayer_name": "别家有限公司"})
    assert (refused.status, refused.code) == (422, "agreement_name_mismatch")
    failed = holder.seen(path(refused.json))
    assert (failed["status"], failed["code"]) == ("verification_failed", "agreement_name_mismatch")
    signed = holder.made("/v1/agreements", {"wallet_id": wallet_id, "batch_debit": True})
    assert (signed["status"], signed["batch_debit"]) == ("verified", True)
    again = holder.post("/v1/agreements", {"wallet_id": wallet_id})
    assert (again.status, again.code) == (409, "agreement_exists")
    pages = holder.seen("/v1/agreements?limit=1")
    rest = holder.seen(f"/v1/agreements?limit=1&cursor={pages['next_cursor']}")
    assert pages["agreements"] + rest["agreements"] == [failed, signed]
    assert rest["next_cursor"] is None


def test_authority_and_operator_lock_and_unlock_and_the_taxpayer_ends_it(
    holder: Api, as_party: AsParty, agreement: Any
) -> None:
    office, bank = as_party(f"tax-authority:{OFFICE}"), as_party("operator:ICBC")
    assert office.made(path(agreement, "/lock"))["status"] == "locked"
    for act in ("lock", "unlock"):
        assert holder.post(path(agreement, f"/{act}")).code == "not_permitted"
    assert bank.made(path(agreement, "/unlock"))["status"] == "verified"
    assert holder.made(path(agreement, "/termination"))["status"] == "terminated"
    for act in ("lock", "unlock", "termination"):
        refused = office.post(path(agreement, f"/{act}"))
        assert (refused.status, refused.code) == (422, "agreement_state_not_normal")


def test_an_export_verifies_here_and_elsewhere(
    holder: Api, as_party: AsParty, agreement: Any, tmp_path: Path
) -> None:
    exported = holder.seen(path(agreement, "/export"))
    assert exported["document"]["taxpayer_id"] == FIRM
    office = as_party(f"tax-authority:{OFFICE}")
    for party in (office, *map(as_party, EVERYBODY)):
        verdict = party.post("/v1/agreements/verifications", {"agreement": exported})
        assert (verdict.status, verdict.json["valid"], verdict.json["problem"]) == (200, True, None)
        assert verdict.json["signers"][0] == f"wallet:{agreement['wallet_id']}"
    keys = office.seen("/v1/parties/keys")["keys"]
    assert check_export(json.dumps(exported), keys).valid
    asked = {"agreement": exported, "keys": {name: keys[name] for name in verdict.json["signers"]}}
    assert office.post("/v1/agreements/verifications", asked).json["valid"]
    asked["keys"].popitem()
    assert not office.post("/v1/agreements/verifications", asked).json["valid"]


def test_an_export_that_was_changed_is_answered_with_no_and_why(holder: Api, agreement: Any) -> None:
    exported = holder.seen(path(agreement, "/export"))
    changed = {**exported, "document": {**exported["document"], "taxpayer_name": "别家有限公司"}}
    surrogate = {**exported, "document": {**exported["document"], "taxpayer_name": "\ud800"}}
    for wrong in (changed, {**exported, "status": "locked"}, {}, {"format": 1}, {"a": [[]]}, surrogate):
        body = json.dumps({"agreement": wrong}).encode()
        answer = holder.post("/v1/agreements/verifications", body)
        assert (answer.status, answer.json["valid"]) == (200, False)
        problem = answer.json["problem"]
        assert (problem["code"], problem["status"]) == ("agreement_invalid", 422)
        assert problem["reason"] == answer.json["reason"]
    in_chinese = holder.post(
        "/v1/agreements/verifications", {"agreement": changed}, Accept_Language="zh"
    ).json["problem"]
    assert in_chinese["hint"] == "请从原数据库重新导出"


def test_an_auditor_gets_no_export_since_it_bears_the_name(as_party: AsParty, agreement: Any) -> None:
    assert as_party("auditor").get(path(agreement, "/export")).code == "not_permitted"
    assert FIRM not in as_party("auditor").get(path(agreement)).content.decode()


def test_an_export_of_who_was_erased_is_refused(holder: Api, agreement: Any) -> None:
    holder.made(path(agreement, "/termination"))
    holder.made(f"/v1/wallets/{agreement['wallet_id']}/closing")
    holder.made(f"/v1/wallets/{agreement['wallet_id']}/erasure")
    refused = holder.get(path(agreement, "/export"))
    assert (refused.status, refused.code) == (422, "agreement_names_erased")
