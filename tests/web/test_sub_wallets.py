"""Sub-wallets over HTTP: of one's own wallets only; a platform has a token and learns nothing by it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ecny_tax import Sandbox
from tests import support
from tests.web.client import Api
from tests.web.documented import documented

AsParty = Callable[[str], Api]

PERSON, FIRM, SHOP = support.person_id(), support.company_id(), support.company_id(2)


@pytest.fixture
def as_party(sandbox: Sandbox, address: str) -> AsParty:
    return documented(sandbox, address)


@pytest.fixture
def holder(as_party: AsParty) -> Api:
    return as_party(f"taxpayer:{PERSON}")


@pytest.fixture
def treasurer(as_party: AsParty) -> Api:
    """Who acts for the company."""
    return as_party(f"taxpayer:{FIRM}")


@pytest.fixture
def wallet(holder: Api) -> str:
    return opened(holder, "personal", PERSON, support.person_name())


@pytest.fixture
def firm(treasurer: Api) -> str:
    return opened(treasurer, "corporate", FIRM, support.company_name())


@pytest.fixture
def shop(as_party: AsParty) -> str:
    return opened(as_party(f"taxpayer:{SHOP}"), "corporate", SHOP, support.company_name(2))


def opened(api: Api, kind: str, id_number: str, name: str) -> str:
    """The path of a wallet with 1000 yuan in it."""
    asked = {"kind": kind, "id_number": id_number, "name": name, "operator": "ICBC", "fund": "1000"}
    return f"/v1/wallets/{api.made('/v1/wallets', asked)['wallet_id']}"


def number(path: str) -> str:
    return path.rpartition("/")[2]


def test_a_conditional_sub_wallet_pays_whom_it_names_until_its_day(
    holder: Api, as_party: AsParty, wallet: str, shop: str, firm: str
) -> None:
    asked = {
        "purpose": "conditional",
        "payees": [number(shop)],
        "until": "2023-05-01",
        "fund": "80",
        "day": "60",
    }
    sub = holder.made(f"{wallet}/sub-wallets", asked)
    assert (sub["parent"], sub["balance"], sub["until"], sub["token"]) == (
        number(wallet),
        "80.00",
        "2023-05-01",
        None,
    )
    below = f"/v1/wallets/{sub['wallet_id']}"
    terms = {
        "single": None,
        "day": "60.00",
        "payees": [number(shop)],
        "until": "2023-05-01",
        "platform": None,
    }
    for reader in (holder, as_party("operator:ICBC"), as_party("auditor")):
        assert reader.seen(f"{below}/terms") == terms
        listed = reader.seen(f"{wallet}/sub-wallets")["wallets"]
        assert [one["wallet_id"] for one in listed] == [sub["wallet_id"]]
    assert holder.made(f"{below}/transfers", {"to_wallet": number(shop), "amount": "50"})["amount"] == "50.00"
    for payee, code in ((firm, "sub_wallet_payee_not_named"), (shop, "sub_wallet_limit_exceeded")):
        refused = holder.post(f"{below}/transfers", {"to_wallet": number(payee), "amount": "20"})
        assert (refused.status, refused.code) == (422, code)


def test_the_same_key_opens_one_sub_wallet(holder: Api, wallet: str) -> None:
    asked = {"purpose": "pushed", "platform": "某平台", "fund": "10"}
    first, again = (holder.post(f"{wallet}/sub-wallets", asked, key="k") for _ in range(2))
    assert (first.status, again.content) == (201, first.content)
    assert first.json["token"].startswith("pt_")
    assert len(holder.seen(f"{wallet}/sub-wallets")["wallets"]) == 1


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "request_malformed"),
        ({"purpose": "secret"}, "request_malformed"),
        ({"purpose": "limited"}, "sub_wallet_term_missing"),
        ({"purpose": "limited", "single": "5", "platform": "p"}, "sub_wallet_term_not_applicable"),
        ({"purpose": "collection"}, "sub_wallet_purpose_not_for"),
        ({"purpose": "conditional", "payees": ["0"], "until": "2023-05-01"}, "wallet_id_malformed"),
        (
            {"purpose": "conditional", "payees": ["14407840000"], "until": "2023-04-01"},
            "sub_wallet_until_past",
        ),
        ({"purpose": "conditional", "payees": ["14407840000"], "until": 0}, "request_malformed"),
        ({"purpose": "pushed", "platform": "a\u0000b"}, "platform_malformed"),
        ({"purpose": "limited", "single": "5", "fund": "1000.01"}, "insufficient_funds"),
    ],
)
def test_a_refused_sub_wallet_leaves_nothing(holder: Api, wallet: str, body: Any, code: str) -> None:
    assert holder.post(f"{wallet}/sub-wallets", body).code == code
    assert holder.seen(f"{wallet}/sub-wallets") == {"wallets": []}
    assert holder.seen(wallet)["balance"] == "1000.00"


def test_a_company_distributes_and_collects(treasurer: Api, firm: str, shop: str) -> None:
    till, *branches = (
        treasurer.made(f"{firm}/sub-wallets", {"purpose": purpose})["wallet_id"]
        for purpose in ("collection", "distribution", "distribution")
    )
    to = [{"wallet_id": branch, "amount": "100"} for branch in branches]
    done = treasurer.made(f"{firm}/distributions", {"to": to})
    assert (done["amount"], done["balance"], len(done["moves"])) == ("200.00", "800.00", 2)
    for shares, code in (
        ([], "request_malformed"),
        ([*to, to[0]], "distribution_malformed"),
        ([to[0], {"wallet_id": number(shop), "amount": "1"}], "not_a_distribution_sub_wallet"),
        ([to[0], {"wallet_id": branches[1], "amount": "9999"}], "insufficient_funds"),
    ):
        assert treasurer.post(f"{firm}/distributions", {"to": shares}).code == code
    treasurer.made(f"{firm}/transfers", {"to_wallet": till, "amount": "30"})
    swept = treasurer.made(f"{firm}/collections")
    assert (swept["amount"], swept["balance"]) == ("30.00", "800.00")
    assert treasurer.seen(firm)["balance"] == "800.00"


def test_nobody_acts_on_the_sub_wallets_of_somebody_else(
    holder: Api, treasurer: Api, as_party: AsParty, wallet: str, shop: str
) -> None:
    sub = holder.made(f"{wallet}/sub-wallets", {"purpose": "limited", "single": "5", "fund": "50"})
    below = f"/v1/wallets/{sub['wallet_id']}"
    for stranger in (treasurer, as_party("operator:ABC")):
        assert stranger.get(f"{wallet}/sub-wallets").code == "wallet_not_found"
        assert stranger.get(f"{below}/terms").code == "wallet_not_found"
        asked = {"to_wallet": number(shop), "amount": "1"}
        assert stranger.post(f"{below}/transfers", asked).code == "wallet_not_found"
    for refused in ("tax-authority:14407840000", "auditor"):
        assert as_party(refused).post(f"{wallet}/sub-wallets", {"purpose": "limited"}).code == "not_permitted"
    assert as_party("tax-authority:14407840000").get(f"{below}/terms").code == "not_permitted"


def test_a_platform_charges_with_its_token_and_learns_nothing_of_the_holder(
    holder: Api, as_party: AsParty, wallet: str, shop: str
) -> None:
    asked = {"purpose": "pushed", "platform": "某平台", "fund": "50", "single": "30"}
    sub = holder.made(f"{wallet}/sub-wallets", asked)
    platform, place = as_party(f"taxpayer:{SHOP}"), f"/v1/pushed-wallets/{sub['token']}"
    charge = {"payee": number(shop), "amount": "20"}
    first, again = (platform.post(f"{place}/charges", charge, key="c") for _ in range(2))
    assert (first.status, first.json["amount"], again.content) == (201, "20.00", first.content)
    seen = platform.seen(place)
    assert (seen["charged"], seen["single"], seen["status"]) == ("20.00", "30.00", "active")
    said = first.content.decode() + platform.get(place).content.decode()
    assert not [one for one in (sub["wallet_id"], number(wallet), PERSON) if one in said]
    above_its_limit = platform.post(f"{place}/charges", {**charge, "amount": "30.01"})
    platform.made(f"{place}/charges", charge)
    more_than_is_left = platform.post(f"{place}/charges", charge)
    assert (above_its_limit.status, above_its_limit.code) == (422, "charge_declined")
    assert more_than_is_left.content == above_its_limit.content
    assert platform.get(f"/v1/wallets/{sub['wallet_id']}").code == "wallet_not_found"


@pytest.mark.parametrize("token", ["pt_", "pt_" + "a" * 32, "x", "~" * 64])
def test_a_token_that_nobody_got_opens_nothing(holder: Api, wallet: str, token: str) -> None:
    place, charge = f"/v1/pushed-wallets/{token}", {"payee": number(wallet), "amount": "1"}
    for refused in (holder.get(place), holder.post(f"{place}/charges", charge)):
        assert (refused.status, refused.code) == (404, "platform_token_unknown")
