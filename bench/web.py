"""The HTTP sandbox under load: 64 connections that declare and pay stamp duty, beside the library itself."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from bench.databases import Database, database
from bench.runner import Setting, benchmark
from bench.scheme import open_wallets
from ecny_tax import Sandbox, yuan
from ecny_tax.web.keys import create_key

_CONNECTIONS = 64
_BASE = "10000.00"


@benchmark("http_payments", engine="sqlite", at_least=0.0)
def http_payments(setting: Setting) -> tuple[float, str]:
    """Every answer must be a settled payment of its own; the books are verified in the end."""
    seconds = setting.size(30, 1)
    with database(setting.engine, setting.folder) as db:
        with db.open() as sandbox:
            wallets = [wallet.wallet_id for wallet in open_wallets(sandbox, _CONNECTIONS)]
            api_key = create_key(sandbox, party="admin").api_key
            own = _library(sandbox, wallets, seconds)
        process, address = _served(db)
        try:
            over_http, slowest = _http(address, api_key, wallets, seconds)
        finally:
            process.terminate()
            process.wait(60)
        with db.open() as sandbox:
            if not sandbox.ledger.verify().ok:
                raise AssertionError("the books do not hold")
    return over_http / own, (
        f"{over_http:,.0f} payments/s over HTTP by {_CONNECTIONS} connections for {seconds} s, no error, the "
        f"slowest after {slowest * 1000:,.0f} ms; the library makes {own:,.0f}/s for as many callers "
        "(stamp duty declared and paid; no floor)"
    )


def _library(sandbox: Sandbox, wallets: list[str], seconds: float) -> float:
    base = yuan(_BASE)

    def pay(wallet: str, number: int) -> None:
        sandbox.payments.pay_stamp_duty(
            wallet_id=wallet, item="sale_contract", base=base, idempotency_key=f"library-{wallet}-{number}"
        )

    return _rate(wallets, seconds, lambda wallet: lambda number: pay(wallet, number))[0]


def _http(address: str, api_key: str, wallets: list[str], seconds: float) -> tuple[float, float]:
    place = urlsplit(address)

    def caller(wallet: str) -> Callable[[int], None]:
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
        asked = {"tax": "stamp-duty", "wallet_id": wallet, "item": "sale_contract", "base": _BASE}
        body = json.dumps(asked)
        headers = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"}

        def pay(number: int) -> None:
            connection.request(
                "POST", "/v1/payments", body, {**headers, "Idempotency-Key": f"{wallet}-{number}"}
            )
            answer = connection.getresponse()
            content = answer.read()
            if answer.status != 201 or b'"status":"settled"' not in content:
                raise AssertionError(f"{answer.status}: {content.decode()}")

        return pay

    return _rate(wallets, seconds, caller)


def _rate(
    wallets: list[str], seconds: float, caller: Callable[[str], Callable[[int], None]]
) -> tuple[float, float]:
    """Payments a second of one caller for each wallet, and how long the slowest took."""

    def work(wallet: str) -> tuple[int, float]:
        pay, done, slowest = caller(wallet), 0, 0.0
        now = time.perf_counter()
        while now < end:
            pay(done)
            done, before = done + 1, now
            now = time.perf_counter()
            slowest = max(slowest, now - before)
        return done, slowest

    with ThreadPoolExecutor(len(wallets)) as pool:
        began = time.perf_counter()
        end = began + seconds
        found = list(pool.map(work, wallets))
        return sum(done for done, _ in found) / (time.perf_counter() - began), max(slow for _, slow in found)


def _served(db: Database) -> tuple[subprocess.Popen[str], str]:
    command = [sys.executable, "-m", "ecny_tax", "serve", "--port", "0", "--db", db.name]
    environment = os.environ | {"ECNY_TAX_KEYRING": str(db.keyring)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)  # noqa: S603 - our own program
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for
    return process, process.stdout.readline().strip()
