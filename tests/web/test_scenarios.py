"""Stories played over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ecny_tax import Sandbox
from ecny_tax.web.keys import create_key
from tests.web.client import Api
from tests.web.conftest import serving
from tests.web.test_payments import COMPANY

STORIES = ("heshan", "double-spend", "outage")


@pytest.fixture(params=["memory", "file"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """An admin of a sandbox that was made today: every story begins before it."""
    s = Sandbox.open(":memory:" if request.param == "memory" else tmp_path / "scheme.db")
    key = create_key(s, party="admin").api_key
    with serving(s) as address:
        yield Api(address, key)


def test_every_scenario_is_listed_with_what_it_shows(admin: Api) -> None:
    listed = admin.seen("/v1/scenarios")["scenarios"]
    assert [one["name"] for one in listed] == [*STORIES, "refund-season"]
    assert all(one["about"] and one["about_zh"] and one["begins"] for one in listed)


@pytest.mark.parametrize("name", STORIES)
def test_a_seed_makes_the_same_records_in_every_run(served: Api, name: str) -> None:
    first, again, other = (
        served.made(f"/v1/scenarios/{name}", {"seed": seed, "reset": True}) for seed in (7, 7, 8)
    )
    assert first["records"] == again["records"]
    assert first["records"]["wallets"] != other["records"]["wallets"]
    assert [step["number"] for step in first["steps"]] == list(range(1, len(first["steps"]) + 1))
    assert {one["payment_no"] for one in served.seen("/v1/payments")["payments"]} == set(
        other["records"]["payments"]
    )
    assert served.seen("/v1/clock") == {"now": other["now"], "fixed": True}
    assert served.made("/v1/ledger/verifications", {"signatures": True})["ok"]


def test_a_season_of_a_hundred_people_ends_with_books_that_verify(served: Api) -> None:
    asked = {"seed": 3, "reset": True, "people": 100}
    first = served.made("/v1/scenarios/refund-season", asked)
    assert len(first["records"]["wallets"]) == 100
    assert first["records"]["refunds"]
    assert first["steps"][-1]["detail"].endswith("all promises hold")
    again = served.made("/v1/scenarios/refund-season", asked)
    assert first["records"] == again["records"]


def test_a_scenario_needs_a_sandbox_without_wallets_that_is_not_past_its_time(admin: Api) -> None:
    assert admin.made("/v1/scenarios/heshan", {"seed": 1})["records"]["payments"]
    refused = admin.post("/v1/scenarios/outage", {"seed": 1})
    assert (refused.status, refused.code) == (409, "scenario_needs_fresh_sandbox")
    assert admin.made("/v1/scenarios/outage", {"seed": 1, "reset": True})["scenario"] == "outage"


@pytest.mark.parametrize("order", [("debit", "operator_outage"), ("refund", "wallet_closes")])
def test_a_failure_that_waits_strikes_no_story(admin: Api, order: tuple[str, str]) -> None:
    strikes, kind = order
    ordered = admin.made("/v1/failures", {"strikes": strikes, "kind": kind})
    refused = admin.post("/v1/scenarios/heshan", {})
    assert (refused.status, refused.code) == (409, "scenario_needs_fresh_sandbox")
    assert admin.seen("/v1/wallets")["wallets"] == []
    admin.made(f"/v1/failures/{ordered['failure_no']}/cancel")
    assert admin.post("/v1/scenarios/heshan", {}).status == 200


def test_a_sandbox_of_today_is_past_the_time_of_a_story(served: Api) -> None:
    refused = served.post("/v1/scenarios/heshan", {"seed": 1})
    assert (refused.status, refused.code) == (409, "scenario_needs_fresh_sandbox")
    served.made("/v1/reset", {"at": "2023-04-20"})
    assert served.made("/v1/scenarios/heshan", {"seed": 1})["steps"]


@pytest.mark.parametrize(
    ("name", "body", "status", "code"),
    [
        ("unheard-of", {"seed": 1}, 404, "scenario_not_found"),
        ("heshan", {"seed": -1}, 400, "request_malformed"),
        ("heshan", {"seed": 2**63}, 400, "request_malformed"),
        ("refund-season", {"people": 99}, 400, "request_malformed"),
        ("refund-season", {"people": 5001}, 400, "request_malformed"),
        ("heshan", {"seed": 1, "reset": "yes"}, 400, "request_malformed"),
        ("heshan", None, 400, "request_malformed"),
    ],
)
def test_a_scenario_that_is_asked_for_wrongly_resets_nothing(
    admin: Api, name: str, body: object, status: int, code: str
) -> None:
    wallet = admin.made("/v1/wallets", COMPANY)
    answer = admin.post(f"/v1/scenarios/{name}", body)
    assert (answer.status, answer.code) == (status, code)
    assert admin.seen("/v1/wallets")["wallets"] == [wallet]


def test_only_the_admin_plays(as_party: Callable[[str], Api]) -> None:
    for party in ("auditor", "operator:ICBC", "taxpayer:91440784MA00DEM06F"):
        api = as_party(party)
        assert api.get("/v1/scenarios").code == "not_permitted"
        assert api.post("/v1/scenarios/heshan", {"seed": 1, "reset": True}).code == "not_permitted"
