"""``ecny-tax serve`` as a process: it listens, stops when it is told, and loses nothing to kill -9."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ecny_tax import Sandbox
from ecny_tax.clock import FixedClock, parse_time
from ecny_tax.web.keys import create_key
from tests.web.client import Api
from tests.web.conftest import NOW
from tests.web.test_payments import COMPANY, DUTY


@contextmanager
def served(database: Path | str, *more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that serves a database on a free port, and its address."""
    command = [
        sys.executable,
        "-m",
        "ecny_tax",
        "serve",
        "--port",
        "0",
        "--db",
        str(database),
        "--json",
        *more,
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        text = ""
        for line in lines:
            text += line
            if line.startswith("}"):
                break
        yield process, json.loads(text)["address"]
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database at ``NOW`` with the company's wallet."""
    with Sandbox.open(tmp_path / "s.db", seed=1, clock=FixedClock(parse_time(NOW))) as s:
        s.clock.set(NOW)
    return tmp_path / "s.db"


def key_of(database: Path, party: str = "admin") -> str:
    with Sandbox.open(database) as s:
        return create_key(s, party=party).api_key


def test_it_says_where_it_listens_and_ends_when_it_is_told(database: Path) -> None:
    with served(database) as (process, address):
        assert address.startswith("http://127.0.0.1:")
        assert Api(address, key_of(database)).get("/v1/payments").status == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        _, said = process.communicate()
        assert "Traceback" not in said


def test_a_port_that_is_taken_is_one_clear_line(database: Path) -> None:
    with served(database) as (_, address):
        port = address.rpartition(":")[2]
        command = [sys.executable, "-m", "ecny_tax", "serve", "--port", port, "--db", str(database), "--json"]
        second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert second.returncode == 7
        assert json.loads(second.stderr)["code"] == "port_unavailable"


@pytest.mark.parametrize(
    ("host", "language", "said"),
    [
        (
            "127.0.0.1",
            "en",
            ("the teaching console: http://127.0.0.1:", "programs need a key: ecny-tax api-key"),
        ),
        ("0.0.0.0", "zh", ("教学台：http://localhost:", "程序需要密钥：ecny-tax api-key create")),
    ],
)
def test_a_person_is_told_where_the_console_is(
    database: Path, host: str, language: str, said: tuple[str, str]
) -> None:
    command = [
        sys.executable,
        "-m",
        "ecny_tax",
        "serve",
        "--host",
        host,
        "--port",
        "0",
        "--db",
        str(database),
    ]
    process = subprocess.Popen(
        [*command, "--lang", language], stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert Api(address.replace("0.0.0.0", "127.0.0.1"), None).get("/").status == 200
    finally:
        process.send_signal(signal.SIGINT)
        out, told = process.communicate(timeout=20)
    assert out == ""  # the address was all
    first, *_, last = told.splitlines()
    assert (first.startswith(said[0]), last.startswith(said[1])) == (True, True), told
    others = [line for line in told.splitlines() if "其他设备" in line]
    assert all("0.0.0.0" not in line and "localhost" not in line for line in others)
    assert host != "127.0.0.1" or not others


def test_a_payment_whose_server_was_killed_is_made_once_however_often_it_is_sent(database: Path) -> None:
    api_key = key_of(database)
    wallet, asked, first = "", {}, None
    for round_ in range(4):
        with served(database) as (process, address):
            api = Api(address, api_key)
            if not wallet:
                wallet = api.made("/v1/wallets", COMPANY)["wallet_id"]
                asked = {"wallet_id": wallet, **DUTY, "base": "3000000"}
            with ThreadPoolExecutor(8) as pool:
                sent = [
                    pool.submit(_quietly, api, asked, f"order-{number}")
                    for number in range(round_ * 2, round_ * 2 + 8)
                ]
                if round_ % 2 == 0:
                    os.kill(process.pid, signal.SIGKILL)
                answers = [one.result() for one in sent]
            if round_ == 3:
                first = answers
    assert first is not None
    assert all(answer is not None and answer["status"] == "settled" for answer in first)
    with Sandbox.open(database) as s:
        numbers = [payment.payment_no for payment in s.payments.list()]
        assert s.ledger.verify().ok
        assert len(numbers) == len(set(numbers))
        # 20,000 yuan pay 22 times 900 yuan; each of the 14 orders was paid at most once.
        assert len(numbers) <= 14
        assert {answer["payment_no"] for answer in first} <= set(numbers)  # type: ignore[index]


def _quietly(api: Api, asked: dict[str, Any], key: str) -> dict[str, Any] | None:
    try:
        answer = api.post("/v1/payments", asked, key=key)
    except (OSError, http.client.HTTPException):
        return None
    assert answer.status in (201, 409), answer.content
    return answer.json if answer.status == 201 else None


def test_a_key_is_shown_once_opens_and_is_revoked(database: Path) -> None:
    def cli(*arguments: str) -> Any:
        command = [sys.executable, "-m", "ecny_tax", *arguments, "--db", str(database), "--json"]
        return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    made = cli("api-key", "create", "--party", "tax-authority:14407840000")
    assert made["party"] == "tax_authority:14407840000"
    assert made["api_key"].encode() not in database.read_bytes()
    with served(database) as (_, address):
        api = Api(address, made["api_key"])
        assert api.get("/v1/payments").status == 200
        assert cli("api-key", "list")["api_keys"][0]["key_id"] == made["key_id"]
        assert cli("api-key", "revoke", made["key_id"])["revoked_at"] is not None
        refused = api.get("/v1/payments")
        assert (refused.status, refused.code) == (401, "api_key_unknown")
