"""Bills and withholding statements over HTTP: declared, seen and cancelled by whom they are of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ecny_tax import Sandbox
from tests.support import person_id, person_name
from tests.web.client import Api
from tests.web.paying import AUTHORITY, TREASURY, company, corporate, owe, pay, person, personal, refusals

As = Callable[[str], Api]


def test_a_taxpayer_declares_each_tax_for_its_own_wallet(boss: Api, anybody: As) -> None:
    mine, hers = corporate(boss), personal(boss)
    own, woman = anybody(company()), anybody(person())
    duty = own.made(
        "/v1/bills",
        {"tax": "stamp-duty", "wallet_id": mine, "item": "sale_contract", "base": "56666666.67",
         "on": "2023-04-01"},
    )  # fmt: skip
    assert (duty["amount"], duty["status"], duty["period_end"]) == ("17000.00", "open", "2023-06-30")
    surcharge = own.made(
        "/v1/bills", {"tax": "surcharge", "wallet_id": mine, "code": "10109", "paid": "10000"}
    )
    assert surcharge["amount"] == "700.00"
    other = owe(own, mine, "250.5")
    settlement = woman.made(
        "/v1/bills",
        {"tax": "income-tax", "wallet_id": hers, "annual_return": {"tax_year": 2022, "wages": "100000"}},
    )
    assert (other["amount"], settlement["amount"]) == ("250.50", "1480.00")
    assert own.seen("/v1/bills")["bills"] == [duty, surcharge, other]
    assert woman.seen("/v1/bills")["bills"] == [settlement]
    for party in ("auditor", AUTHORITY, TREASURY):
        assert len(anybody(party).seen("/v1/bills")["bills"]) == 4


def test_a_bill_that_rests_on_what_was_stated_says_so_and_others_do_not(boss: Api) -> None:
    wallet = personal(boss)
    asked = {"tax": "income-tax", "wallet_id": wallet, "annual_return": {"tax_year": 2022, "wages": 100000}}
    stated = boss.made("/v1/bills", asked)
    assert stated["basis"] == "stated"
    assert "authority's own record" in stated["assumption"]
    assert "税务机关" in stated["assumption_zh"]
    shown = boss.seen(f"/v1/bills/{stated['bill_no']}")
    assert shown["assumption"] == stated["assumption"]
    assert shown["steps"][0] == {
        "label": "Wages", "label_zh": "工资薪金", "amount": "100000.00", "citation": ""
    }  # fmt: skip
    other = owe(boss, corporate(boss))
    assert (other["assumption"], other["assumption_zh"]) == (None, None)
    assert boss.seen(f"/v1/bills/{other['bill_no']}")["steps"] == []


def test_nobody_declares_for_anothers_wallet_and_only_taxpayers_declare(boss: Api, anybody: As) -> None:
    theirs = corporate(boss)
    for body in (
        {"tax": "stamp-duty", "wallet_id": theirs, "item": "sale_contract", "base": "1000000"},
        {"tax": "income-tax", "wallet_id": theirs, "annual_return": {"tax_year": 2022}},
        {"tax": "surcharge", "wallet_id": theirs, "code": "10109", "paid": "10000"},
        {"tax": "other", "wallet_id": theirs, "code": "10110", "amount": "1"},
    ):
        other = anybody(company(2))
        refused, absent = (
            other.post("/v1/bills", body),
            other.post("/v1/bills", {**body, "wallet_id": "0029999999999999"}),
        )
        assert (refused.status, refused.code) == (absent.status, absent.code) == (404, "wallet_not_found")
        for party in ("auditor", AUTHORITY, TREASURY, "operator:ICBC"):
            assert anybody(party).post("/v1/bills", body).status == 403
    assert boss.seen("/v1/bills")["bills"] == []


def test_a_bill_of_another_is_as_one_that_is_not_there(boss: Api, anybody: As, sandbox: Sandbox) -> None:
    sandbox.parties.add_tax_authority(code="14407840001", name="另一税务局")
    no = owe(boss, corporate(boss))["bill_no"]
    paths = [("GET", f"/v1/bills/{no}"), ("GET", f"/v1/bills/{no}/qr"), ("GET", f"/v1/bills/{no}/qr.svg"),
             ("POST", f"/v1/bills/{no}/cancellation")]  # fmt: skip
    for party in (company(2), "tax-authority:14407840001"):
        api = anybody(party)
        assert refusals(api, paths) == {(404, "bill_not_found")}
        assert api.get(f"/v1/bills/{no}").content == api.get("/v1/bills/B0").content.replace(
            b"B0", no.encode()
        )
        assert api.seen("/v1/bills") == {"bills": [], "next_cursor": None}
    assert refusals(anybody("operator:ICBC"), paths) == {(403, "not_permitted")}
    for party in ("auditor", TREASURY):
        assert anybody(party).seen(paths[0][1])["status"] == "open"
        assert refusals(anybody(party), paths[3:]) == {(403, "not_permitted")}


@pytest.mark.parametrize("party", [company(), AUTHORITY])
def test_the_taxpayer_and_the_authority_cancel_an_open_bill(boss: Api, anybody: As, party: str) -> None:
    no = owe(boss, corporate(boss))["bill_no"]
    assert anybody(party).made(f"/v1/bills/{no}/cancellation")["status"] == "cancelled"
    again = anybody(party).post(f"/v1/bills/{no}/cancellation")
    assert (again.status, again.code) == (422, "bill_cancelled")


def test_a_bill_is_shown_as_a_code_to_scan(boss: Api, anybody: As) -> None:
    mine, payer = corporate(boss), corporate(boss, 2)
    bill = owe(boss, mine)
    own = anybody(company())
    code = own.seen(f"/v1/bills/{bill['bill_no']}/qr")
    assert code == {"bill_no": bill["bill_no"], "amount": "100.00", "status": "open",
                    "text": f"ECNYTAX:BILL:{bill['bill_no']}"}  # fmt: skip
    picture = own.get(f"/v1/bills/{bill['bill_no']}/qr.svg")
    assert picture.content.lstrip().startswith(b"<?xml")
    assert b"<svg" in picture.content
    assert pay(anybody(company(2)), bill, payer)["mode"] == "scan_to_pay"
    assert own.seen(f"/v1/bills/{bill['bill_no']}/qr")["status"] == "paid"


def test_bills_come_in_pages(boss: Api) -> None:
    wallet = corporate(boss)
    made = [owe(boss, wallet, f"{amount}.00")["bill_no"] for amount in (1, 2, 3)]
    first = boss.seen("/v1/bills?limit=2")
    rest = boss.seen(f"/v1/bills?limit=2&cursor={first['next_cursor']}")
    assert [bill["bill_no"] for bill in first["bills"] + rest["bills"]] == made
    assert rest["next_cursor"] is None


# --- withholding statements -----------------------------------------------------------------------------


def statement(wallet_id: str, withheld: str = "1000") -> dict[str, Any]:
    return {
        "wallet_id": wallet_id,
        "statement": {
            "tax_year": 2022, "name": person_name(), "id_number": person_id(), "wages": "100000",
            "withheld": withheld,
        },
    }  # fmt: skip


def test_agent_and_person_see_a_statement_and_the_agent_alone_takes_it_back(
    boss: Api, anybody: As, sandbox: Sandbox
) -> None:
    sandbox.parties.add_tax_authority(code="14407840001", name="另一税务局")
    agent, paid, other = anybody(company()), anybody(person()), anybody(company(2))
    made = agent.made("/v1/withholdings", statement(corporate(boss)))
    assert (made["amount"], made["status"]) == ("1000.00", "open")
    path = f"/v1/withholdings/{made['withholding_no']}"
    for api in (agent, paid, anybody("auditor"), anybody(AUTHORITY)):
        assert api.seen(path) == made
        assert api.seen("/v1/withholdings")["withholdings"] == [made]
        assert person_name() not in api.get(path).content.decode()
        assert person_id() not in api.get(path).content.decode()
    for api in (other, anybody("tax-authority:14407840001")):
        assert refusals(api, [("GET", path), ("POST", f"{path}/cancellation")]) == {
            (404, "withholding_not_found")
        }
        assert api.seen("/v1/withholdings")["withholdings"] == []
    for api in (anybody(TREASURY), anybody("operator:ICBC")):
        assert refusals(api, [("GET", path), ("GET", "/v1/withholdings")]) == {(403, "not_permitted")}
    assert refusals(paid, [("POST", f"{path}/cancellation")]) == {(403, "not_permitted")}
    assert agent.made(f"{path}/cancellation")["status"] == "cancelled"


def test_a_statement_is_declared_for_the_agents_own_wallet(boss: Api, anybody: As) -> None:
    body = statement(corporate(boss))
    refused = anybody(company(2)).post("/v1/withholdings", body)
    assert (refused.status, refused.code) == (404, "wallet_not_found")
    assert anybody(AUTHORITY).post("/v1/withholdings", body).status == 403
    implausible = statement(body["wallet_id"], "100000.01")
    refused = anybody(company()).post("/v1/withholdings", implausible)
    assert (refused.status, refused.code) == (422, "withholding_implausible")


def test_a_bill_of_a_return_that_agrees_with_what_was_declared_assumes_nothing(boss: Api) -> None:
    agent, hers = corporate(boss), personal(boss)
    made = boss.made("/v1/withholdings", statement(agent))
    pay(boss, made, agent)
    asked = {
        "tax": "income-tax", "wallet_id": hers,
        "annual_return": {"tax_year": 2022, "wages": "100000", "withheld": "1000"},
    }  # fmt: skip
    bill = boss.made("/v1/bills", asked)
    assert (bill["basis"], bill["assumption"], bill["amount"]) == ("recorded", None, "480.00")
    differing = {**asked, "annual_return": {"tax_year": 2022, "wages": "100001", "withheld": "1000"}}
    assert boss.post("/v1/bills", differing).code == "withholding_differs"
