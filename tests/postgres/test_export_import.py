"""A ledger that is taken away from a server and brought into a file, or to another server, is the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ecny_tax import ConflictError, EcnyTaxError, FixedClock, Sandbox, yuan
from ecny_tax.scenarios.heshan import heshan
from tests.postgres.test_tampering import leave_gap
from tests.postgres_server import Server
from tests.store.export_ledgers import lines, told
from tests.support import START, corporate, judged, owe


@pytest.fixture
def taken(postgres_url: str, tmp_path: Path) -> list[str]:
    """The demo on a server, with a number that somebody took and gave up."""
    with Sandbox.open(postgres_url, keyring=tmp_path / "keys", clock=FixedClock(START), seed="demo") as s:
        assert all(heshan(s))
    with Sandbox.open(postgres_url, keyring=tmp_path / "keys") as s:
        leave_gap(s)
        taken = lines(s)
        assert lines(s) == taken
    assert any('"code":22' in line for line in taken)
    return taken


@pytest.fixture
def other_url(postgres: Server) -> Iterator[str]:
    with postgres.database() as url:
        yield url


def test_I15_the_demo_on_a_server_exports_the_same_lines_as_on_sqlite(
    postgres_url: str, tmp_path: Path
) -> None:
    with told() as s:
        expected = lines(s)
    with Sandbox.open(postgres_url, keyring=tmp_path / "keys", clock=FixedClock(START), seed="demo") as s:
        assert all(heshan(s))
        assert lines(s) == expected


def test_a_ledger_of_a_server_comes_back_in_a_file(taken: list[str], tmp_path: Path) -> None:
    with Sandbox.import_ledger(taken, tmp_path / "again.db") as s:
        assert lines(s) == taken
        go_on(s)


def test_a_ledger_of_a_server_comes_back_on_another(taken: list[str], other_url: str, tmp_path: Path) -> None:
    with Sandbox.import_ledger(taken, other_url, keyring=tmp_path / "other") as s:
        assert lines(s) == taken
        go_on(s)


def test_a_ledger_of_a_file_comes_back_on_a_server(other_url: str, tmp_path: Path) -> None:
    with told() as s:
        expected = lines(s)
    with Sandbox.import_ledger(expected, other_url, keyring=tmp_path / "other") as s:
        assert lines(s) == expected
        go_on(s)


def go_on(s: Sandbox) -> None:
    found = s.ledger.verify()
    assert found.ok, [check for check in found.checks if not check.ok]
    assert found.imported == found.transfers
    wallet = corporate(s, 99, fund=yuan(100))
    s.payments.pay(bill_no=owe(s, wallet, 10_00).bill_no, wallet_id=wallet.wallet_id)
    assert s.ledger.verify().ok


def test_an_import_into_a_database_that_is_used_is_refused(
    taken: list[str], postgres_url: str, tmp_path: Path
) -> None:
    with pytest.raises(ConflictError) as refusal:
        Sandbox.import_ledger(taken, postgres_url, keyring=tmp_path / "keys")
    judged(refusal.value, "database_exists")


def test_an_import_that_is_refused_shows_no_password(
    taken: list[str], postgres: Server, postgres_url: str, tmp_path: Path
) -> None:
    name = postgres_url.partition("@/")[2].partition("?")[0]
    with pytest.raises(ConflictError) as refusal:
        Sandbox.import_ledger(taken, postgres.url(name, tcp=True), keyring=tmp_path / "keys")
    assert postgres.password not in str(refusal.value)
    assert name in str(refusal.value)


def test_a_file_that_is_no_ledger_may_be_mended_and_imported_anew(
    taken: list[str], other_url: str, tmp_path: Path
) -> None:
    with pytest.raises(EcnyTaxError) as refusal:
        Sandbox.import_ledger([*taken[:-2], taken[-1]], other_url, keyring=tmp_path / "other")
    assert refusal.value.code.startswith("ledger_")
    with Sandbox.import_ledger(taken, other_url, keyring=tmp_path / "other") as s:
        assert lines(s) == taken
        go_on(s)
