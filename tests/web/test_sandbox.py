"""The sandbox as a whole over HTTP: status, the catalogue of refusals, health, and beginning anew."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from ecny_tax import Sandbox
from ecny_tax.errors import UnavailableError, catalogue
from ecny_tax.store.migrations import newest_version
from ecny_tax.web.gate import Gate
from ecny_tax.web.hints import hint_of_code
from ecny_tax.web.keys import create_key
from tests.web.client import Api
from tests.web.conftest import NOW, serving
from tests.web.test_payments import COMPANY, DUTY


def bill_of(admin: Api) -> Any:
    wallet = admin.made("/v1/wallets", COMPANY)
    return admin.made("/v1/payments", {"wallet_id": wallet["wallet_id"], **DUTY})


def test_status_and_the_catalogue_are_for_everybody_with_a_key(
    admin: Api, as_party: Callable[[str], Api], sandbox: Sandbox
) -> None:
    bill_of(admin)
    status = admin.seen("/v1/status")
    assert (status["now"], status["wallets"], status["in_circulation"]) == (NOW, 1, "20000.00")
    api = as_party("taxpayer:91440784MA00DEM06F")
    assert api.seen("/v1/status") == status
    listed = {one["code"]: one for one in api.seen("/v1/errors")["errors"]}
    assert listed.keys() == catalogue().keys()
    for code, said in catalogue().items():
        one = listed[code]
        assert (one["error_class"], one["detail_en"], one["hint_zh"]) == (
            said["class"],
            said["en"],
            hint_of_code(code, "zh"),
        )
    assert (listed["insufficient_funds"]["status"], listed["not_permitted"]["status"]) == (422, 403)
    assert Api(admin.address, None).get("/v1/status").code == "api_key_missing"


# --- health ---------------------------------------------------------------------------------------------


def test_health_and_readiness_need_no_key_and_are_documented(address: str, admin: Api) -> None:
    nobody = Api(address, None)
    assert nobody.seen("/healthz") == {"status": "ok"}
    ready = {"status": "ready", "schema_version": newest_version(), "sealed": 0}
    assert nobody.seen("/readyz") == ready
    bill_of(admin)
    size = admin.seen("/v1/ledger/checkpoint")["size"]
    assert nobody.seen("/readyz") == ready | {"sealed": size}
    paths = nobody.seen("/openapi.json")["paths"]
    for path in ("/healthz", "/readyz"):
        assert "security" not in paths[path]["get"]
    assert "503" in paths["/readyz"]["get"]["responses"]


def test_readiness_is_told_while_more_requests_wait_than_run_at_once(
    address: str, admin: Api, shared_server: tuple[str, FastAPI]
) -> None:
    gate = shared_server[1].state.hub.gate
    with ThreadPoolExecutor(80) as pool, gate.alone():
        waiting = [pool.submit(admin.get, "/v1/status") for _ in range(80)]
        time.sleep(0.5)
        assert not any(one.done() for one in waiting)
        told = Api(address, None).get("/readyz")
        assert (told.status, told.code, told.json["what"]) == (503, "not_ready", "sandbox_busy")
    assert {one.result().status for one in waiting} == {200}


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        ("UPDATE checkpoint SET note = replace(note, substr(note, -20, 4), 'AAAA')", "signature_invalid"),
        ("UPDATE log_tile SET hashes = zeroblob(length(hashes))", "log_broken"),
        ("DELETE FROM checkpoint", "log_broken"),
        ("UPDATE meta SET value = 'whole 3 00' WHERE name = 'mark'", "log_broken"),
        ("PRAGMA user_version = 1000", "schema_version"),
    ],
)
def test_a_damaged_database_is_not_ready(tmp_path: Path, damage: str, what: str) -> None:
    path = tmp_path / "scheme.db"
    with Sandbox.open(path) as s:
        key = create_key(s, party="admin").api_key
        s.ledger.checkpoint()
    s = Sandbox.open(path)
    with serving(s) as address:
        assert Api(address, key).seen("/readyz")["status"] == "ready"
        with sqlite3.connect(path) as other:
            for (name,) in other.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
                other.execute(f"DROP TRIGGER {name}")
            other.execute(damage)
        other.close()
        answer = Api(address, None).get("/readyz")
        assert (answer.status, answer.code, answer.json["what"]) == (503, "not_ready", what)
        assert Api(address, None).seen("/healthz") == {"status": "ok"}


# --- reset ----------------------------------------------------------------------------------------------


@pytest.fixture(params=["memory", "file"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """An admin of a sandbox that follows its own clock, in memory and in a file."""
    s = Sandbox.open(":memory:" if request.param == "memory" else tmp_path / "scheme.db")
    key = create_key(s, party="admin").api_key
    with serving(s) as address:
        yield Api(address, key)


def test_a_reset_leaves_a_fresh_scheme_and_the_keys(served: Api) -> None:
    served.put("/v1/clock", {"at": "2030-01-01"})
    bill_of(served)
    assert served.seen("/v1/status")["wallets"] == 1
    fresh = served.made("/v1/reset", {"seed": 1, "at": "2023-04-20"})
    assert (fresh["wallets"], fresh["now"], fresh["in_circulation"]) == (0, NOW, "0.00")
    assert served.seen("/v1/clock") == {"now": NOW, "fixed": True}
    assert served.seen("/v1/payments")["payments"] == []
    assert served.made("/v1/ledger/verifications")["ok"]
    first = bill_of(served)
    served.made("/v1/reset", {"seed": 1, "at": "2023-04-20"})
    again = bill_of(served)
    assert {k: again[k] for k in ("payment_no", "bill_no", "wallet_id", "receipt_no")} == {
        k: first[k] for k in ("payment_no", "bill_no", "wallet_id", "receipt_no")
    }
    served.made("/v1/reset")
    assert served.seen("/v1/clock")["fixed"] is False
    assert served.seen("/readyz")["status"] == "ready"
    assert served.made("/v1/ledger/verifications")["ok"]


def test_the_keyring_stays_and_an_opened_file_is_the_new_scheme(tmp_path: Path) -> None:
    path = tmp_path / "scheme.db"
    s = Sandbox.open(path)
    key, keyring = create_key(s, party="admin").api_key, (tmp_path / "scheme.db.keys").read_bytes()
    taxpayer = create_key(s, party="taxpayer:91440784MA00DEM06F").api_key
    with serving(s) as address:
        admin = Api(address, key)
        bill_of(admin)
        admin.made("/v1/reset", {"at": "2023-04-20"})
        payment = bill_of(admin)
        assert Api(address, taxpayer).seen("/v1/payments")["payments"] == [payment]
    assert (tmp_path / "scheme.db.keys").read_bytes() == keyring
    with Sandbox.open(path) as s:
        assert [one.payment_no for one in s.payments.list()] == [payment["payment_no"]]
        assert s.ledger.verify().ok


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"at": "never"}, 400, "time_malformed"),
        ({"seed": -1}, 400, "request_malformed"),
        ({"seed": "1"}, 400, "request_malformed"),
        ({"at": "1979-01-01"}, 400, "time_malformed"),
        ({"keep": True}, 400, "request_malformed"),
    ],
)
def test_a_reset_that_is_refused_changes_nothing(served: Api, body: object, status: int, code: str) -> None:
    payment = bill_of(served)
    answer = served.post("/v1/reset", body)
    assert (answer.status, answer.code) == (status, code)
    assert served.seen(f"/v1/payments/{payment['payment_no']}") == payment


def test_a_reset_that_fails_on_its_way_leaves_the_old_scheme_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ecny_tax import sandbox as module

    s = Sandbox.open(tmp_path / "scheme.db")
    key = create_key(s, party="admin").api_key

    def full(*_: object) -> None:
        raise UnavailableError("disk_full", path="here")

    with serving(s) as address:
        admin = Api(address, key)
        payment = bill_of(admin)
        monkeypatch.setattr(module, "_open_accounts", full)
        refused = admin.post("/v1/reset", {"at": "2023-04-20"})
        assert (refused.status, refused.code) == (503, "disk_full")
        monkeypatch.undo()
        assert admin.seen(f"/v1/payments/{payment['payment_no']}") == payment
        assert bill_of(admin)["status"] == "settled"
        assert admin.made("/v1/ledger/verifications")["ok"]


def test_only_the_admin_resets(as_party: Callable[[str], Api], admin: Api) -> None:
    payment = bill_of(admin)
    for party in ("auditor", "operator:ICBC", "tax-authority:14407840000", "taxpayer:91440784MA00DEM06F"):
        assert as_party(party).post("/v1/reset").code == "not_permitted"
    assert admin.seen(f"/v1/payments/{payment['payment_no']}") == payment


def test_I16_a_reset_under_load_leaves_only_what_was_done_after_it(tmp_path: Path) -> None:
    """Payers pay all the while: whatever was acknowledged after the last reset is there, the rest is gone
    whole, and nobody saw a bug."""
    path = tmp_path / "scheme.db"
    s = Sandbox.open(path)
    key = create_key(s, party="admin").api_key
    answered: list[tuple[float, float, str]] = []
    refusals: list[tuple[int, str]] = []
    stop = threading.Event()

    def pay(address: str, number: int) -> None:
        api = Api(address, key)
        place = 0
        while not stop.is_set():
            place += 1
            began = time.monotonic()
            phone = f"139{number:02d}{place:06d}"
            made = api.post(
                "/v1/wallets", {"kind": "personal", "operator": "ICBC", "phone": phone, "fund": "5"}
            )
            if made.status == 201:
                answered.append((began, time.monotonic(), made.json["wallet_id"]))
            else:
                refusals.append((made.status, made.code))

    with serving(s) as address:
        admin = Api(address, key)
        threads = [threading.Thread(target=pay, args=(address, number)) for number in range(6)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(3):
                time.sleep(0.4)
                began = time.monotonic()
                admin.made("/v1/reset")
                ended = time.monotonic()
            time.sleep(0.4)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert refusals == []
        assert admin.made("/v1/ledger/verifications")["ok"]
    with Sandbox.open(path) as s:
        there = {wallet.wallet_id for wallet in s.wallets.list()}
        assert s.ledger.verify().ok
    assert {wallet for first, _, wallet in answered if first > ended} <= there
    assert not {wallet for _, last, wallet in answered if last < began} & there
    assert there <= {wallet for _, _, wallet in answered}
    assert len(answered) > len(there) > 0


_KILLED = """
import sys, threading, time, os, signal
from ecny_tax import Sandbox
from ecny_tax.clock import parse_time
s = Sandbox.open(sys.argv[1])
print("open", flush=True)
sys.stdin.readline()
number = 0
while True:
    s = s.start_anew(seed=str(number), at=parse_time("2023-04-20"), keeping=("api_key",))
    s.wallets.open(kind="personal", phone="13800000000", operator="ICBC")
    number += 1
    print(number, flush=True)
"""


def test_I16_a_process_killed_while_it_resets_leaves_the_old_scheme_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "scheme.db"
    with Sandbox.open(path) as s:
        key_id = create_key(s, party="admin").key_id
        s.wallets.open(kind="personal", phone="13900000000", operator="ICBC")
    for milliseconds in (5, 15, 25, 40, 60, 90):
        process = subprocess.Popen(
            [sys.executable, "-c", _KILLED, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        process.stdin.write(b"\n")
        process.stdin.flush()
        time.sleep(milliseconds / 1000)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        with Sandbox.open(path) as s:
            found = s.ledger.verify()
            assert found.ok, [check for check in found.checks if not check.ok]
            assert len(s.wallets.list()) <= 1
            s.ledger.check_head()
            with s.store.reading() as tx:
                assert tx.rows("SELECT key_id FROM api_key") == [(key_id,)]
                assert tx.row("SELECT count(*) FROM institution")[0] > 10  # type: ignore[index]


# --- the gate -------------------------------------------------------------------------------------------


def test_whoever_is_alone_waits_for_those_inside_and_newcomers_wait_for_it() -> None:
    gate, order, inside = Gate(), [], threading.Event()
    leave = threading.Event()

    def first() -> None:
        with gate.shared():
            inside.set()
            assert leave.wait(10)
            order.append("first")

    def alone() -> None:
        with gate.alone():
            order.append("alone")

    def newcomer() -> None:
        with gate.shared():
            order.append("newcomer")

    threads = [threading.Thread(target=first)]
    threads[0].start()
    assert inside.wait(10)
    for act, is_there in ((alone, lambda: gate.is_shut), (newcomer, lambda: True)):
        threads.append(threading.Thread(target=act))
        threads[-1].start()
        while not is_there():
            time.sleep(0.001)
    time.sleep(0.05)
    assert order == []
    leave.set()
    for thread in threads:
        thread.join(10)
    assert order == ["first", "alone", "newcomer"]


def test_whoever_waited_too_long_to_be_alone_gives_up_and_the_gate_is_open_again() -> None:
    gate = Gate(seconds=0.05)
    with gate.shared():
        with pytest.raises(UnavailableError) as caught, gate.alone():
            pass
        assert caught.value.code == "sandbox_busy"
        assert not gate.is_shut
    with gate.alone():
        assert gate.is_shut
