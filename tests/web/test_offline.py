"""Offline payment over HTTP: the sandbox keeps devices and terminals for those who have none."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ecny_tax import Sandbox
from ecny_tax.clock import FixedClock, parse_time
from ecny_tax.errors import NotFoundError
from ecny_tax.web.hosted import Hosted
from ecny_tax.web.keys import create_key
from tests.support import owe, person_id, personal
from tests.web.client import Api
from tests.web.conftest import NOW, serving

AUTHORITY = "14407840000"
Parties = Callable[[str], Api]


@dataclass
class Hall:
    """A wallet with a loaded device, a terminal of the tax hall, and a client of either party."""

    sandbox: Sandbox
    wallet: Any
    payer: Api
    hall: Api
    device: str
    terminal: str

    def bill(self, amount: int = 100_00) -> str:
        return owe(self.sandbox, self.wallet, amount).bill_no

    def ask(self, amount: str = "100.00", bill_no: str | None = None) -> Any:
        """A request for a bill of that amount."""
        fen = round(float(amount) * 100)
        asked = {"bill_no": bill_no or self.bill(fen), "amount": amount}
        return self.hall.made(f"/v1/terminals/{self.terminal}/requests", asked)

    def pay(self, request: Any, device: str | None = None) -> Any:
        path = f"/v1/devices/{device or self.device}/payments"
        return self.payer.made(path, {"request": request["request"]})

    def accept(self, voucher: Any) -> Any:
        body = {"voucher": voucher["voucher"]}
        return self.hall.made(f"/v1/terminals/{self.terminal}/acceptances", body)


def set_up(sandbox: Sandbox, as_party: Parties) -> Hall:
    wallet = personal(sandbox)
    payer, hall = as_party(f"taxpayer:{person_id(1)}"), as_party(f"tax-authority:{AUTHORITY}")
    payer.made(f"/v1/wallets/{wallet.wallet_id}/top-ups", {"amount": "2000.00"})
    device = payer.made("/v1/devices", {"wallet_id": wallet.wallet_id})["device_id"]
    payer.made(f"/v1/devices/{device}/loads", {"amount": "500.00"})
    terminal = hall.made("/v1/terminals", {})["terminal_id"]
    return Hall(sandbox, wallet, payer, hall, device, terminal)


@pytest.fixture
def hall(sandbox: Sandbox, as_party: Parties) -> Hall:
    return set_up(sandbox, as_party)


# --- the whole story ----------------------------------------------------------------------------------------


def test_device_pays_offline_and_a_copy_of_it_is_caught(hall: Hall) -> None:
    asked = hall.ask()
    voucher = hall.pay(asked)
    assert (voucher["amount"], voucher["remaining"], voucher["counter"]) == ("100.00", "400.00", 1)
    examined = hall.hall.made(f"/v1/terminals/{hall.terminal}/examinations", {"voucher": voucher["voucher"]})
    assert examined["valid"], examined
    assert hall.accept(voucher)["status"] == "provisional"
    queue = hall.hall.seen(f"/v1/terminals/{hall.terminal}/queue")
    assert [one["voucher"] for one in queue["vouchers"]] == [voucher["voucher"]]

    copied = hall.payer.made(f"/v1/devices/{hall.device}/copies")["handle"]
    assert copied == f"{hall.device}~1"
    real = hall.pay(hall.ask("20.00"))
    double = hall.pay(hall.ask("30.00"), copied)
    assert real["counter"] == double["counter"] == 2

    (settled,) = hall.hall.made(f"/v1/terminals/{hall.terminal}/redemptions")["results"]
    assert (settled["status"], settled["bill_no"]) == ("settled", asked["bill_no"])
    payment = hall.payer.seen(f"/v1/payments/{settled['payment_no']}")
    assert (payment["mode"], payment["amount"]) == ("offline", "100.00")

    texts = [real["voucher"], double["voucher"]]
    results = hall.hall.made("/v1/vouchers/redemptions", {"vouchers": texts})["results"]
    assert [one["status"] for one in results] == ["settled", "disputed"]
    disputed = results[1]["voucher_id"]
    evidence = hall.hall.seen(f"/v1/vouchers/redemptions/{disputed}/evidence")
    assert evidence["evidence"] == results[1]["evidence"]
    trust = hall.payer.seen("/v1/trust")["trust"]
    proven = hall.payer.made("/v1/vouchers/evidence/verifications", {**evidence, "trust": trust})
    assert (proven["valid"], proven["reason"]) == (True, None)
    assert proven["proven"]["device_id"] == hall.device
    assert proven["proven"]["proves"] == "voucher_counter_reused"

    assert hall.payer.seen(f"/v1/devices/{hall.device}")["revoked_since"] is not None
    refused = hall.payer.post(f"/v1/devices/{hall.device}/loads", {"amount": "1.00"})
    assert (refused.status, refused.code) == (422, "device_revoked")
    assert hall.sandbox.ledger.verify().ok


def test_state_of_a_device_is_its_own_until_it_is_online_again(hall: Hall) -> None:
    hall.pay(hall.ask("60.00"))
    state = hall.payer.seen(f"/v1/devices/{hall.device}/state")
    assert (state["loads"][0]["spent"], state["loads"][0]["remaining"]) == ("60.00", "440.00")
    (load,) = hall.payer.seen(f"/v1/devices/{hall.device}/loads")["loads"]
    assert (load["lien"], load["settled"]) == ("500.00", "0.00")
    given = hall.payer.made(f"/v1/devices/{hall.device}/loads/{load['load_id']}/unload")
    assert (given["amount"], given["lien"], given["status"]) == ("440.00", "60.00", "unloaded")
    refused = hall.payer.post(f"/v1/devices/{hall.device}/loads/{load['load_id']}/release")
    assert (refused.status, refused.code) == (422, "load_not_expired")


def test_same_request_gets_the_same_voucher_and_the_same_voucher_is_accepted_once(hall: Hall) -> None:
    asked = hall.ask()
    voucher = hall.pay(asked)
    assert hall.pay(asked) == voucher
    assert hall.accept(voucher) == hall.accept(voucher)
    assert hall.hall.seen(f"/v1/terminals/{hall.terminal}")["queued"] == 1


def test_voucher_describes_itself_and_verifies_without_any_terminal(hall: Hall) -> None:
    voucher = hall.pay(hall.ask())["voucher"]
    assert (
        hall.payer.made("/v1/vouchers/descriptions", {"object": voucher})["kind"] == "voucher with its chain"
    )
    found = hall.payer.made("/v1/vouchers/verifications", {"voucher": voucher})
    assert (found["valid"], found["reason"], found["amount"]) == (True, None, "100.00")
    last = "0" if voucher[-1] != "0" else "1"
    found = hall.payer.made("/v1/vouchers/verifications", {"voucher": voucher[:-1] + last})
    assert found["valid"] is False
    assert found["reason"] is not None


def test_caps_that_are_asked_for_hold(hall: Hall) -> None:
    asked = {"wallet_id": hall.wallet.wallet_id, "cap_single": "50.00", "cap_total": "100", "cap_count": 3}
    device = hall.payer.made("/v1/devices", asked)
    assert (device["cap_single"], device["cap_total"], device["cap_count"]) == ("50.00", "100.00", 3)
    refused = hall.payer.post(f"/v1/devices/{device['device_id']}/loads", {"amount": "100.01"})
    assert (refused.status, refused.code) == (422, "device_cap_exceeded")
    refused = hall.payer.post("/v1/devices", {**asked, "cap_total": "999999.00"})
    assert (refused.status, refused.code) == (422, "device_cap_not_allowed")
    assert len(hall.payer.seen("/v1/devices")["devices"]) == 2


# --- keys ---------------------------------------------------------------------------------------------------


def test_I5_repeated_load_moves_money_once_and_is_answered_alike(hall: Hall) -> None:
    path, body = f"/v1/devices/{hall.device}/loads", {"amount": "10.00"}
    first = hall.payer.post(path, body, key="load")
    hall.hall.made("/v1/vouchers/redemptions", {"vouchers": [hall.pay(hall.ask())["voucher"]]})
    again = hall.payer.post(path, body, key="load")
    assert (first.status, again.status, again.content) == (201, 201, first.content)
    assert again.headers["idempotency-hit"] == "true"
    refused = hall.payer.post(path, {"amount": "11.00"}, key="load")
    assert (refused.status, refused.code) == (422, "idempotency_conflict")
    assert len(hall.payer.seen(path)["loads"]) == 2


def test_I5_repeated_unload_is_answered_alike_and_another_body_leaves_the_device_loaded(hall: Hall) -> None:
    (load,) = hall.payer.seen(f"/v1/devices/{hall.device}/loads")["loads"]
    path = f"/v1/devices/{hall.device}/loads/{load['load_id']}/unload"
    assert hall.payer.post(f"/v1/devices/{hall.device}/loads", {"amount": "1.00"}, key="x").status == 201
    refused = hall.payer.post(path, key="x")
    assert (refused.status, refused.code) == (422, "idempotency_conflict")
    assert hall.payer.seen(f"/v1/devices/{hall.device}/state")["loads"][0]["status"] == "open"
    first = hall.payer.post(path, key="unload")
    again = hall.payer.post(path, key="unload")
    assert (first.status, again.content) == (200, first.content)
    assert again.headers["idempotency-hit"] == "true"


def test_I5_repeated_redemption_is_answered_alike_and_another_body_is_refused(hall: Hall) -> None:
    copied = hall.payer.made(f"/v1/devices/{hall.device}/copies")["handle"]
    texts = [hall.pay(hall.ask())["voucher"], hall.pay(hall.ask(), copied)["voucher"], "ECNY1:nothing"]
    first = hall.hall.post("/v1/vouchers/redemptions", {"vouchers": texts}, key="r")
    again = hall.hall.post("/v1/vouchers/redemptions", {"vouchers": texts}, key="r")
    assert (first.status, again.status, again.content) == (201, 201, first.content)
    assert [one["decided"] for one in first.json["results"]] == [True, True, False]
    assert again.headers["idempotency-hit"] == "true"
    refused = hall.hall.post("/v1/vouchers/redemptions", {"vouchers": texts[:1]}, key="r")
    assert (refused.status, refused.code) == (422, "idempotency_conflict")


def test_I5_repeated_redemption_of_a_queue_takes_nothing_that_came_after_it(hall: Hall) -> None:
    path = f"/v1/terminals/{hall.terminal}/redemptions"
    hall.accept(hall.pay(hall.ask()))
    first = hall.hall.post(path, key="evening")
    hall.accept(hall.pay(hall.ask()))
    again = hall.hall.post(path, key="evening")
    assert (first.status, again.content) == (201, first.content)
    assert hall.hall.seen(f"/v1/terminals/{hall.terminal}")["queued"] == 1
    assert hall.hall.post("/v1/vouchers/redemptions", {"vouchers": ["ECNY1:"]}).status == 201


def test_money_is_not_moved_without_a_key(hall: Hall) -> None:
    for api, path, body in (
        (hall.payer, f"/v1/devices/{hall.device}/loads", {"amount": "1.00"}),
        (hall.hall, f"/v1/terminals/{hall.terminal}/redemptions", None),
        (hall.hall, "/v1/vouchers/redemptions", {"vouchers": ["ECNY1:"]}),
    ):
        refused = api.ask("POST", path, body, {})
        assert (refused.status, refused.code) == (400, "idempotency_key_missing"), path


# --- whose --------------------------------------------------------------------------------------------------


def test_device_of_somebody_else_is_not_there(hall: Hall, as_party: Parties) -> None:
    (load,) = hall.payer.seen(f"/v1/devices/{hall.device}/loads")["loads"]
    copied = hall.payer.made(f"/v1/devices/{hall.device}/copies")["handle"]
    request = hall.ask()
    other, bank = as_party(f"taxpayer:{person_id(2)}"), as_party("operator:CCB")
    for handle in (hall.device, copied):
        path = f"/v1/devices/{handle}"
        answers = [
            *(api.get(path + end) for api in (other, bank) for end in ("", "/state", "/loads", "/copies")),
            *(api.post(f"{path}/loads", {"amount": "1.00"}) for api in (other, bank)),
            *(
                api.post(f"{path}/loads/{load['load_id']}/{end}")
                for api in (other, bank)
                for end in ("unload", "release")
            ),
            *(api.post(f"{path}/revocation", {}) for api in (other, bank)),
            other.post(f"{path}/payments", {"request": request["request"]}),
            other.post(f"{path}/copies"),
        ]
        for answer in answers:
            assert (answer.status, answer.code) == (404, "device_not_found")
            assert answer.json["device_id"] == hall.device
    missing = other.get("/v1/devices/D20230420000000000000").json
    assert {**missing, "device_id": hall.device, "detail": ""} == {**answers[0].json, "detail": ""}
    for api in (other, bank):
        assert api.seen("/v1/devices")["devices"] == []
        refused = api.post("/v1/devices", {"wallet_id": hall.wallet.wallet_id})
        assert (refused.status, refused.code) == (404, "wallet_not_found")
    assert hall.payer.seen(f"/v1/devices/{hall.device}")["revoked_since"] is None


def test_load_of_another_device_is_not_given_back(hall: Hall, as_party: Parties) -> None:
    (load,) = hall.payer.seen(f"/v1/devices/{hall.device}/loads")["loads"]
    stranger = personal(hall.sandbox, 2)
    other = as_party(f"taxpayer:{person_id(2)}")
    own = other.made("/v1/devices", {"wallet_id": stranger.wallet_id})["device_id"]
    path = f"/v1/devices/{own}/loads/{load['load_id']}"
    assert (other.post(f"{path}/release").code, other.post(f"{path}/unload").code) == (
        "load_not_found",
        "load_not_on_device",
    )


def test_operator_of_the_wallet_and_the_auditor_see_the_device_and_neither_pays_with_it(
    hall: Hall, as_party: Parties
) -> None:
    request = hall.ask()
    for party in ("operator:ICBC", "auditor"):
        api = as_party(party)
        assert [one["device_id"] for one in api.seen("/v1/devices")["devices"]] == [hall.device]
        assert api.seen(f"/v1/devices/{hall.device}/state")["device_id"] == hall.device
        for path, body in (("payments", {"request": request["request"]}), ("copies", None)):
            refused = api.post(f"/v1/devices/{hall.device}/{path}", body)
            assert (refused.status, refused.code) == (403, "not_permitted")
    assert as_party("operator:ICBC").made(f"/v1/devices/{hall.device}/revocation", {"reason": "被盗"})
    for party in ("treasury:1907840000", f"tax-authority:{AUTHORITY}"):
        assert as_party(party).get("/v1/devices").code == "not_permitted"


def test_terminal_and_vouchers_of_another_authority_are_not_there(
    hall: Hall, admin: Api, as_party: Parties, sandbox: Sandbox
) -> None:
    sandbox.parties.add_tax_authority(code="14407030000", name="国家税务总局江门市蓬江区税务局")
    other = as_party("tax-authority:14407030000")
    voucher = hall.pay(hall.ask())
    path, text = f"/v1/terminals/{hall.terminal}", voucher["voucher"]
    answers = [
        *(other.get(path + end) for end in ("", "/queue", "/evidence")),
        *(other.post(f"{path}/{end}", {"voucher": text}) for end in ("examinations", "acceptances")),
        *(other.post(f"{path}/{end}") for end in ("redemptions", "renewals")),
        other.post(f"{path}/requests", {"bill_no": hall.bill(), "amount": "1.00"}),
    ]
    assert {(answer.status, answer.code) for answer in answers} == {(404, "terminal_not_found")}
    assert other.seen("/v1/terminals")["terminals"] == []
    refused = other.post("/v1/vouchers/redemptions", {"vouchers": [text]})
    assert (refused.status, refused.code) == (422, "voucher_of_other_authority")
    refused = other.post("/v1/terminals", {"authority": AUTHORITY})
    assert (refused.status, refused.code) == (403, "not_permitted")

    (result,) = hall.hall.made("/v1/vouchers/redemptions", {"vouchers": [text]})["results"]
    path = f"/v1/vouchers/redemptions/{result['voucher_id']}"
    strangers = (other, as_party(f"taxpayer:{person_id(2)}"), as_party("operator:CCB"))
    for api in strangers:
        assert (api.get(path).code, api.get(f"{path}/evidence").code) == ("voucher_not_found",) * 2
        assert api.seen("/v1/vouchers/redemptions")["redemptions"] == []
    for party in ("auditor", "operator:ICBC", "treasury:1907840000"):
        assert as_party(party).seen(path) == result
    assert hall.payer.seen("/v1/vouchers/redemptions")["redemptions"] == [result]
    refused = hall.payer.post("/v1/vouchers/redemptions", {"vouchers": [text]})
    assert (refused.status, refused.code) == (403, "not_permitted")
    assert admin.get(f"{path}/evidence").code == "evidence_not_found"


def test_trust_is_everybodys_and_revoking_is_not(hall: Hall, admin: Api, as_party: Parties) -> None:
    before = hall.payer.seen("/v1/trust")
    bank = as_party("operator:ICBC")
    for api in (hall.payer, hall.hall, bank):
        assert api.post("/v1/trust/revocations", {"serial": hall.terminal}).code == "not_permitted"
    assert admin.made("/v1/trust/revocations", {"serial": hall.terminal, "reason": "stolen"})
    assert admin.seen("/v1/trust")["revoked"] == before["revoked"] + 1
    assert admin.post("/v1/trust/revocations", {"serial": "C0"}).code == "nothing_to_revoke"
    assert hall.hall.made(f"/v1/terminals/{hall.terminal}/renewals")["list_number"] == 1
    refused = hall.hall.post(f"/v1/terminals/{hall.terminal}/requests", {"bill_no": "B1", "amount": "1"})
    assert (refused.status, refused.code) == (422, "terminal_revoked")
    assert bank.made("/v1/trust/operator-keys", {"operator": "icbc"})["operator"] == "ICBC"
    assert bank.post("/v1/trust/operator-keys", {"operator": "CCB"}).code == "not_permitted"


# --- where they are kept ------------------------------------------------------------------------------------


def test_devices_lie_beside_the_database_and_outlive_the_server(tmp_path: Path) -> None:
    database = tmp_path / "scheme.db"

    def opened() -> Sandbox:
        return Sandbox.open(database, seed="web", clock=FixedClock(parse_time(NOW)))

    sandbox = opened()
    keys: dict[str, str] = {}

    def parties(address: str) -> Parties:
        def as_party(party: str) -> Api:
            if party not in keys:
                keys[party] = create_key(sandbox, party=party).api_key
            return Api(address, keys[party])

        return as_party

    with serving(sandbox) as address:
        hall = set_up(sandbox, parties(address))
        voucher = hall.pay(hall.ask())
        copied = hall.payer.made(f"/v1/devices/{hall.device}/copies")["handle"]
    folder = tmp_path / "scheme.db.devices"
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [f"{hall.device}.device", f"{copied}.device", f"{hall.terminal}.terminal"]
    )
    assert {stat.S_IMODE(os.stat(path).st_mode) for path in folder.iterdir()} == {0o600}

    sandbox = opened()
    with serving(sandbox) as address:
        again = parties(address)
        payer, office = again(f"taxpayer:{person_id(1)}"), again(f"tax-authority:{AUTHORITY}")
        for handle in (hall.device, copied):
            state = payer.seen(f"/v1/devices/{handle}/state")
            assert (state["handle"], state["loads"][0]["spent"]) == (handle, "100.00")
        assert payer.seen(f"/v1/devices/{hall.device}/copies") == {"copies": [{"handle": copied}]}
        accepted = office.made(f"/v1/terminals/{hall.terminal}/acceptances", {"voucher": voucher["voucher"]})
        assert accepted["voucher_id"] == voucher["voucher_id"]


def test_on_postgresql_devices_lie_beside_the_keyring(postgres_url: str, tmp_path: Path) -> None:
    sandbox = Sandbox.open(
        postgres_url, seed="web", clock=FixedClock(parse_time(NOW)), keyring=tmp_path / "scheme.keys"
    )
    with serving(sandbox) as address:
        hall = set_up(sandbox, lambda party: Api(address, create_key(sandbox, party=party).api_key))
        text = hall.pay(hall.ask())["voucher"]
        (result,) = hall.hall.made("/v1/vouchers/redemptions", {"vouchers": [text]})["results"]
        for api in (hall.payer, hall.hall):
            assert api.seen("/v1/vouchers/redemptions")["redemptions"] == [result]
        assert [one["terminal_id"] for one in hall.hall.seen("/v1/terminals")["terminals"]] == [hall.terminal]
        admin = Api(address, create_key(sandbox, party="admin").api_key)
        more = [
            ("/v1/treasuries", {"code": "1907030000", "name": "国库", "name_en": ""}),
            ("/v1/reconciliations/2023-04-20/mends", {"treasury": None, "operator": None}),
            ("/v1/freezes", {"wallet_id": hall.wallet.wallet_id}),
        ]
        for path, body in [*((path, asked(hall, names)) for path, names in operations(hall)), *more]:
            for name in {*body, *dict(operations(hall)).get(path, ())}:
                for value in ("a\x00b", ["a\x00b"]):
                    answer = admin.post(path, {**body, name: value})
                    assert answer.status < 500, (path, name, answer)
    (folder,) = tmp_path.glob("*.devices")
    assert len(list(folder.iterdir())) == 2


def test_device_and_terminal_that_others_keep_are_shown_and_not_used(hall: Hall, admin: Api) -> None:
    from ecny_tax.offline.device import Device

    own = Device.create(None)
    device_id = hall.sandbox.offline.enroll(device=own, wallet_id=hall.wallet.wallet_id).device_id
    assert hall.payer.seen(f"/v1/devices/{device_id}")["device_id"] == device_id
    terminal_id = hall.sandbox.offline.terminal().chain.terminal.terminal_id
    assert len(hall.hall.seen("/v1/terminals")["terminals"]) == 2
    for answer, code in (
        (hall.payer.get(f"/v1/devices/{device_id}/state"), "device_not_hosted"),
        (hall.payer.post(f"/v1/devices/{device_id}/loads", {"amount": "1.00"}), "device_not_hosted"),
        (hall.payer.get(f"/v1/devices/{hall.device}~7"), "device_not_hosted"),
        (hall.payer.post(f"/v1/devices/{hall.device}~7/copies"), "device_not_hosted"),
        (hall.hall.get(f"/v1/terminals/{terminal_id}"), "terminal_not_hosted"),
    ):
        assert (answer.status, answer.code) == (404, code)
    assert admin.get("/v1/terminals/T0/queue").code == "terminal_not_found"


def test_refused_enrolment_leaves_no_file(tmp_path: Path) -> None:
    sandbox = Sandbox.open(tmp_path / "scheme.db", seed="web", clock=FixedClock(parse_time(NOW)))
    wallet = personal(sandbox)
    with serving(sandbox) as address:
        admin = Api(address, create_key(sandbox, party="admin").api_key)
        refused = admin.post("/v1/devices", {"wallet_id": wallet.wallet_id, "cap_total": "999999.00"})
        assert refused.code == "device_cap_not_allowed"
        assert list((tmp_path / "scheme.db.devices").iterdir()) == []


@pytest.mark.parametrize("in_memory", [True, False])
def test_scheme_that_begins_anew_has_no_devices(tmp_path: Path, in_memory: bool) -> None:
    database = ":memory:" if in_memory else str(tmp_path / "scheme.db")
    with Sandbox.open(database, seed="web", clock=FixedClock(parse_time(NOW))) as s:
        hosted = Hosted(s.names)
        wallet_id = personal(s).wallet_id
        found = hosted.enroll(s.offline, wallet_id=wallet_id, cap_single=None, cap_total=None, cap_count=None)
        copied = hosted.copy(found.device_id)
        terminal = hosted.make_terminal(s.offline, authority=None)
        hosted.clear()
        assert not any(hosted.has_device(handle) for handle in (found.device_id, copied))
        with pytest.raises(NotFoundError), hosted.terminal(terminal):
            pass
    assert list(tmp_path.glob("*.devices/*")) == []


def test_copies_have_a_limit(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ecny_tax.web.hosted.MAX_COPIES", 2)
    handles = [hall.payer.made(f"/v1/devices/{hall.device}/copies")["handle"]]
    handles.append(hall.payer.made(f"/v1/devices/{handles[0]}/copies")["handle"])
    assert handles == [f"{hall.device}~1", f"{hall.device}~2"]
    refused = hall.payer.post(f"/v1/devices/{hall.device}/copies")
    assert (refused.status, refused.code) == (422, "device_copies_exceeded")


# --- bad input ----------------------------------------------------------------------------------------------

HOSTILE: list[Any] = [
    "", " ", "x" * 200_000, "ECNY1:", "ECNY1:%%%", "ECNY1:" + "0" * 60, "\x00", "a\x00b", "１２３", "'; --",
    "../../etc/passwd", 0, -1, 10**30, 1.5, True, None, [], {}, [[]], "\u202e", "９.００", "1e3", "-1.00",
    "0.00", "9999999999999999.99",
]  # fmt: skip


def operations(hall: Hall) -> list[tuple[str, list[str]]]:
    device, terminal = f"/v1/devices/{hall.device}", f"/v1/terminals/{hall.terminal}"
    return [
        ("/v1/devices", ["wallet_id", "cap_single", "cap_total", "cap_count"]),
        (f"{device}/loads", ["amount", "hours"]),
        (f"{device}/revocation", ["reason"]),
        (f"{device}/payments", ["request"]),
        ("/v1/terminals", ["authority"]),
        (f"{terminal}/requests", ["bill_no", "amount"]),
        (f"{terminal}/examinations", ["voucher"]),
        (f"{terminal}/acceptances", ["voucher"]),
        ("/v1/vouchers/redemptions", ["vouchers"]),
        ("/v1/vouchers/verifications", ["voucher", "trust"]),
        ("/v1/vouchers/evidence/verifications", ["evidence", "trust"]),
        ("/v1/vouchers/descriptions", ["object"]),
        ("/v1/trust/revocations", ["serial", "reason"]),
        ("/v1/trust/operator-keys", ["operator"]),
    ]


def asked(hall: Hall, members: list[str]) -> dict[str, Any]:
    """A body of these members that is well formed."""
    good = {
        "wallet_id": hall.wallet.wallet_id, "amount": "1.00", "bill_no": "B1", "serial": "C0",
        "voucher": "ECNY1:", "evidence": "ECNY1:", "request": "ECNY1:",
    }  # fmt: skip
    return {key: good[key] for key in members if key in good}


def test_hostile_bodies_are_refused_by_a_code_and_break_nothing(hall: Hall, admin: Api) -> None:
    for path, members in operations(hall):
        for name in members:
            for value in [*HOSTILE, [HOSTILE[2]]]:
                body = asked(hall, members) | {name: value}
                answer = admin.post(path, body)
                assert answer.status < 500, (path, name, value, answer.content)
                if answer.status >= 400:
                    assert answer.code
            half = b'["\\ud800"]' if name == "vouchers" else b'"\\ud800"'
            lone = b'{"%s": %s}' % (name.encode(), half)
            answer = admin.ask("POST", path, lone, {"Idempotency-Key": f"lone {path} {name}"})
            assert answer.status in (400, 404, 422), (path, name, answer.content)
        for raw in (b"", b"null", b"[]", b'{"extra": 1}', b"\xff"):
            answer = admin.ask("POST", path, raw or None, {"Idempotency-Key": "raw"})
            assert answer.status < 500, (path, raw, answer.content)
    assert hall.sandbox.ledger.verify().ok


@pytest.mark.parametrize(
    "number", ["..", "~", "D1~", "~1", "D1~1~1", "new-00", "%00", "%2e%2e%2fx", "x" * 64, "*"]
)
def test_hostile_handles_are_not_there(hall: Hall, admin: Api, number: str) -> None:
    for path in (
        "devices/{}",
        "devices/{}/state",
        "devices/{}/copies",
        "terminals/{}",
        "vouchers/redemptions/{}",
    ):
        answer = admin.get("/v1/" + path.format(number))
        assert answer.status in (400, 404), (path, number, answer.content)
        assert answer.code
    for path in (f"devices/{hall.device}/loads/{number}/unload", f"devices/{number}/loads/L1/release"):
        assert admin.post(f"/v1/{path}").status in (400, 404)
    assert json.loads(admin.get(f"/v1/devices/{hall.device}~{number}").content)["status"] in (400, 404)
