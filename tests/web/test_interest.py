"""Interest over HTTP: what a wallet earned, and crediting it, an operator its own only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from ecny_tax import Sandbox
from ecny_tax.clock import FixedClock, parse_time
from tests import support
from tests.web.client import Api
from tests.web.documented import documented

AsParty = Callable[[str], Api]


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(parse_time("2026-01-05"))


@pytest.fixture
def sandbox(clock: FixedClock) -> Sandbox:
    return Sandbox.open(":memory:", seed="web", clock=clock)


@pytest.fixture
def as_party(sandbox: Sandbox, address: str) -> AsParty:
    return documented(sandbox, address)


@pytest.fixture
def wallets(admin: Api, clock: FixedClock) -> list[Any]:
    """One at ICBC and one at ABC, with a quarter behind them."""
    asked = {"kind": "personal", "wallet_class": "I", "fund": "100000"}
    made = [
        admin.made(
            "/v1/wallets",
            {
                **asked,
                "operator": operator,
                "name": support.person_name(place),
                "id_number": support.person_id(place),
            },
        )
        for place, operator in enumerate(("ICBC", "ABC"), 1)
    ]
    clock.advance(timedelta(days=80))
    return made


def interest(api: Api, wallet: Any) -> Any:
    return api.seen(f"/v1/wallets/{wallet['wallet_id']}/interest")


def test_an_operator_credits_its_own_wallets_and_nobody_elses(
    admin: Api, as_party: AsParty, wallets: list[Any]
) -> None:
    icbc = as_party("operator:ICBC")
    assert [interest(admin, one)["awaiting_credit"] > "0.00" for one in wallets] == [True, True]
    refused = icbc.post("/v1/wallets/interest-credits", {"operator": "ABC"})
    assert (refused.status, refused.code) == (403, "operator_not_of_key")
    done = icbc.made("/v1/wallets/interest-credits", {})
    assert [one["operator"] for one in done["periods"]] == ["ICBC"]
    assert done["amount"] == interest(icbc, wallets[0])["credited"]
    assert interest(admin, wallets[1])["credited"] == "0.00"
    assert icbc.made("/v1/wallets/interest-credits", {"operator": "icbc"})["amount"] == "0.00"


def test_admin_credits_all_operators_once_a_key(admin: Api, wallets: list[Any]) -> None:
    first, again = (admin.post("/v1/wallets/interest-credits", {}, key="i") for _ in range(2))
    assert (first.status, again.content, first.json["refused"]) == (201, first.content, [])
    assert {one["operator"] for one in first.json["periods"]} == {"ICBC", "ABC"}
    assert again.headers["idempotency-hit"] == "true"
    assert admin.post("/v1/wallets/interest-credits", {"operator": "HSBC"}).code == "operator_unknown"


def test_what_a_wallet_earned_is_its_holders_and_operators_to_see(
    as_party: AsParty, wallets: list[Any]
) -> None:
    place = f"/v1/wallets/{wallets[0]['wallet_id']}/interest"
    for party in ("operator:ICBC", "auditor", f"taxpayer:{support.person_id(1)}"):
        assert as_party(party).seen(place)["wallet_id"] == wallets[0]["wallet_id"]
    for party in ("operator:ABC", f"taxpayer:{support.person_id(2)}"):
        assert as_party(party).get(place).code == "wallet_not_found"
    for party in ("tax-authority:14407840000", f"taxpayer:{support.person_id(1)}", "auditor"):
        refused = as_party(party).post("/v1/wallets/interest-credits", {})
        assert (refused.status, refused.code) == (403, "not_permitted")
