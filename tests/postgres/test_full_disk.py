"""I16 on a server whose disk is full: nothing is half done, and the key converges.  Needs root on Linux."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ecny_tax import Sandbox, UnavailableError, yuan
from tests import postgres_server
from tests.durability.test_disk import fill, mounted
from tests.postgres_server import Server, give_to_server
from tests.support import balance, corporate, judged

MIB = 1024 * 1024


@pytest.fixture
def folder() -> Iterator[Path]:
    if reason := postgres_server.missing():
        pytest.skip(reason)
    with postgres_server.own_folder() as folder:
        yield folder


@pytest.fixture
def disk(folder: Path) -> Iterator[Path]:
    """A small disk that the server may write to."""
    with mounted(folder / "disk", "-t", "tmpfs", "-o", f"size={24 * MIB}", "tmpfs") as disk:
        give_to_server(disk)
        yield disk


def pay(sandbox: Sandbox, wallet_id: str, number: int) -> Any:
    return sandbox.payments.pay_stamp_duty(
        wallet_id=wallet_id, item="sale_contract", base=yuan(1000), idempotency_key=f"payment {number}"
    )


def pay_until_refused(sandbox: Sandbox, wallet_id: str) -> tuple[list[Any], UnavailableError]:
    """What was paid before the first refusal, which is that of the payment of the next number."""
    paid: list[Any] = []
    while len(paid) < 5_000:
        try:
            paid.append(pay(sandbox, wallet_id, len(paid)))
        except UnavailableError as refusal:
            return paid, refusal
    pytest.fail("the disk does not fill")


def check(sandbox: Sandbox, wallet_id: str, paid: list[Any]) -> None:
    """What was paid before is still there; the payment that was refused is made now, once."""
    paid = [*paid, pay(sandbox, wallet_id, len(paid))]
    assert [pay(sandbox, wallet_id, number) for number in range(len(paid))] == paid
    assert {one.payment_no for one in sandbox.payments.list()} == {one.payment_no for one in paid}
    assert sandbox.wallets.show(wallet_id=wallet_id).balance == yuan(10_000) - sum(one.amount for one in paid)
    assert sandbox.ledger.verify().ok


def test_I16_where_the_tables_have_no_room_nothing_is_half_done(folder: Path, disk: Path) -> None:
    (disk / "space").mkdir()
    give_to_server(disk / "space")
    server = Server.make(folder)
    try:
        with server.connect() as connection:
            connection.execute(f"CREATE TABLESPACE small OWNER ecny_tax LOCATION '{disk / 'space'}'")
            connection.execute("CREATE DATABASE heshan OWNER ecny_tax TEMPLATE template0 TABLESPACE small")
        with Sandbox.open(server.url("heshan"), keyring=folder / "keyring") as sandbox:
            wallet = corporate(sandbox, fund=yuan(10_000)).wallet_id
            filler = fill(disk, leave=64 * 1024)
            paid, refusal = pay_until_refused(sandbox, wallet)
            judged(refusal, "disk_full")
            assert balance(sandbox, sandbox.wallets.show(wallet_id=wallet)) == yuan(10_000) - sum(
                one.amount for one in paid
            )
            filler.unlink()
            check(sandbox, wallet, paid)
    finally:
        server.kill()


def test_I16_where_the_servers_log_has_no_room_nothing_is_half_done(folder: Path, disk: Path) -> None:
    server = Server.make(
        folder, "main", postgres_server.DURABLE | {"max_wal_size": "4MB", "min_wal_size": "2MB"},
        f"--waldir={disk / 'wal'}", "--wal-segsize=1",
    )  # fmt: skip
    try:
        with server.connect() as connection:
            connection.execute("CREATE DATABASE heshan OWNER ecny_tax TEMPLATE template0")
        with Sandbox.open(server.url("heshan"), keyring=folder / "keyring") as sandbox:
            wallet = corporate(sandbox, fund=yuan(10_000)).wallet_id
            with server.connect() as connection:
                # Nobody reads from it: the server keeps its log for whoever will, and needs ever more room.
                connection.execute("SELECT pg_create_physical_replication_slot('nobody', true)")
            filler = fill(disk)
            paid, refusal = pay_until_refused(sandbox, wallet)
            # The server gives up at once (PANIC); it comes back when there is room.
            assert refusal.code in ("database_connection_lost", "database_outcome_unknown", "disk_full")
            filler.unlink()
            server.kill()
            server.start()
            with server.connect() as connection:
                connection.execute("SELECT pg_drop_replication_slot('nobody')")
            check(sandbox, wallet, paid)
    finally:
        server.kill()
