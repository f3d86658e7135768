"""Faults of the server: a clear line and exit 7, nothing lost or done twice, and the next command goes on."""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from ecny_tax import InvalidInputError, Sandbox, UnavailableError, yuan
from ecny_tax.cli.app import run_command_line
from ecny_tax.store import postgres as store
from ecny_tax.store.postgres_refusals import shown
from ecny_tax.store.postgres_wire import Connection as Wired
from ecny_tax.wallets.model import Wallet
from tests import postgres_server
from tests.cli.process import GUESSED_FROM, Answer, Cli, eventually
from tests.postgres_server import Server, free_port
from tests.support import balance, corporate, judged

OPEN = ("wallet", "open", "--kind", "personal", "--phone", "13800000000", "--operator", "ICBC")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A durable server of this module alone, to be stopped and killed."""
    if reason := postgres_server.missing():
        pytest.skip(reason)
    with postgres_server.own_folder() as folder:
        yield Server.make(folder)


@pytest.fixture
def url(server: Server) -> Iterator[str]:
    with server.database() as url:
        yield url


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command line inside this process, in the folder of this test."""
    monkeypatch.chdir(tmp_path)
    for name in ("ECNY_TAX_DB", "ECNY_TAX_LANG", "ECNY_TAX_KEYRING", "ECNY_TAX_DEBUG", *GUESSED_FROM):
        monkeypatch.delenv(name, raising=False)
    return Inside(tmp_path)


class Inside(Cli):
    def run(self, *arguments: str | Path, **environment: str) -> Answer:
        out, err = io.StringIO(), io.StringIO()
        words = tuple(map(str, arguments))
        with redirect_stdout(out), redirect_stderr(err):
            code = run_command_line(words)
        return Answer(words, code, out.getvalue(), err.getvalue())


def opened(url: str, folder: Path) -> Sandbox:
    return Sandbox.open(url, keyring=folder / "keyring")


def one_line(answer: Answer, code: str, cli: Cli, *secrets: str) -> None:
    """The command said in one line what happened and in one what to do, ended with 7, and told no secret."""
    assert answer.exit_code == 7, answer
    assert answer.stdout == ""
    assert 1 <= len(answer.stderr.splitlines()) <= 2, answer.stderr
    in_json = cli.run(*answer.arguments, "--json")
    assert in_json.exit_code == 7
    assert in_json.problem["code"] == code, in_json
    for secret in secrets:
        assert secret not in answer.stderr + in_json.stderr


# --- the way to the server ------------------------------------------------------------------------


def test_a_server_that_is_not_there_is_one_line_and_exit_7(cli: Cli) -> None:
    url = f"postgresql://somebody:secret@127.0.0.1:{free_port()}/heshan"
    for command in (OPEN, ("status",), ("clock", "show")):
        one_line(cli.run(*command, "--db", url), "database_unreachable", cli, "secret")
    assert list(cli.folder.iterdir()) == []


def test_a_wrong_password_is_one_line_and_exit_7(server: Server, cli: Cli) -> None:
    with server.database() as url:
        name = url.partition("@/")[2].partition("?")[0]
        right = server.url(name, tcp=True)
        wrong = right.replace(server.password, "wr0ng-secret")
        one_line(cli.run(*OPEN, "--db", wrong), "database_login_refused", cli, "wr0ng-secret")
        assert list(cli.folder.iterdir()) == []
        assert cli(*OPEN, "--db", right)["balance"] == "0.00"


def test_no_password_in_a_url_is_shown() -> None:
    url = "postgresql://somebody:secret@db1/heshan?sslpassword=secret&sslmode=require&password=secret"
    assert shown(url) == url.replace("secret", "***")


def test_a_password_that_would_be_taken_for_a_host_is_not_told(cli: Cli) -> None:
    url = "postgresql://somebody:secret@se@cret@127.0.0.1:1/heshan"
    answer = cli.run(*OPEN, "--db", url, "--json")
    assert answer.exit_code == 2
    assert answer.problem["code"] == "database_url_malformed"
    assert "secret" not in answer.stderr
    assert "cret@" not in answer.stderr


def test_a_database_that_does_not_exist_is_one_line_and_exit_7(server: Server, cli: Cli) -> None:
    url = server.url("no_such_database", tcp=True)
    one_line(cli.run(*OPEN, "--db", url), "database_login_refused", cli, server.password)


def test_a_refused_connection_says_why_before_it_is_cut_short(server: Server, cli: Cli) -> None:
    said = cli.run("status", "--db", server.url("no_such_database", tcp=True)).stderr
    assert 'FATAL: database "no_such_database" does not exist' in said


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:secret@127.0.0.1:99999/x",
        "postgresql://u:secret@127.0.0.1/x?connect_timeout=soon",
        "postgresql://u:secret@127.0.0.1/x?sslmode=perhaps",
        "postgresql://u@127.0.0.1/x?sslmode=perhaps&sslpassword=secret",
    ],
)
def test_a_url_with_a_value_that_is_none_is_malformed_and_shows_no_password(cli: Cli, url: str) -> None:
    done = cli.run("status", "--db", url)
    assert (done.exit_code, "database_url_malformed" in done.stderr) == (2, True), done.stderr
    assert "cret" not in done.stderr


@pytest.mark.parametrize("limit", ["server", "role", "database"])
def test_a_server_without_a_free_connection_is_busy(server: Server, url: str, cli: Cli, limit: str) -> None:
    name = url.partition("@/")[2].partition("?")[0]
    cli(*OPEN, "--db", url)
    held = []
    with server.connect() as connection:
        if limit == "role":
            connection.execute("ALTER ROLE ecny_tax CONNECTION LIMIT 1")
        elif limit == "database":
            connection.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 1")
        try:
            with suppress(psycopg.OperationalError):
                while True:
                    held.append(psycopg.connect(url))
            one_line(cli.run("wallet", "list", "--db", url), "database_busy", cli)
        finally:
            for one in held:
                one.close()
            connection.execute("ALTER ROLE ecny_tax CONNECTION LIMIT -1")
    if limit != "database":
        eventually(lambda: cli.run("wallet", "list", "--db", url).exit_code == 0, 10)


# --- the server goes away -------------------------------------------------------------------------


def stopped(server: Server, how: str) -> None:
    if how == "kill":
        server.kill()
    else:
        server.stop(how)


@pytest.mark.parametrize("how", ["fast", "immediate", "kill"])
def test_I16_a_server_that_ends_in_the_middle_of_a_transaction_leaves_nothing_of_it(
    server: Server, url: str, tmp_path: Path, how: str
) -> None:
    with opened(url, tmp_path) as sandbox:
        wallet = corporate(sandbox, fund=yuan(100))

        def write_and_lose() -> None:
            with sandbox._store.transaction() as tx:
                tx.run("DELETE FROM meta WHERE name = 'mark'")
                stopped(server, how)
                server.start()
                tx.row("SELECT 1 FROM meta")

        with pytest.raises(UnavailableError) as lost:
            write_and_lose()
        judged(lost.value, "database_connection_lost")
        # The same object goes on, and nobody notices.
        assert balance(sandbox, wallet) == yuan(100)
        sandbox.wallets.top_up(wallet_id=wallet.wallet_id, amount=yuan(1))
        assert sandbox.ledger.verify().ok


@pytest.mark.parametrize("how", ["fast", "immediate", "kill"])
def test_connections_that_died_while_nothing_was_asked_are_not_noticed(
    server: Server, url: str, tmp_path: Path, how: str
) -> None:
    with opened(url, tmp_path) as sandbox:
        wallet = corporate(sandbox, fund=yuan(100))
        stopped(server, how)
        server.start()
        paid = pay(sandbox, wallet, "after the restart")
        assert balance(sandbox, wallet) == yuan(100) - paid.amount


def pay(sandbox: Sandbox, wallet: Wallet, key: str) -> Any:
    return sandbox.payments.pay_stamp_duty(
        wallet_id=wallet.wallet_id, item="sale_contract", base=yuan(1000), idempotency_key=key
    )


def test_I16_a_commit_whose_answer_is_lost_is_called_unknown_and_its_key_tells(
    server: Server, url: str, tmp_path: Path
) -> None:
    with server.connect() as connection:
        connection.execute("ALTER ROLE ecny_tax SET statement_timeout = '200ms'")
    with opened(url, tmp_path) as sandbox:
        wallet = corporate(sandbox, fund=yuan(100))
        before = sandbox.status().transfers
        with server.connect() as connection:
            connection.execute("ALTER ROLE ecny_tax RESET statement_timeout")
            # Commits wait for a standby that does not exist: they are on the disk, and nobody is told.
            connection.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
            connection.execute("SELECT pg_reload_conf()")
            try:
                with ThreadPoolExecutor(1) as other:
                    unheard = other.submit(pay, sandbox, wallet, "once")
                    eventually(lambda: waiting(connection), 10)
                    time.sleep(0.5)
                    assert waiting(connection)  # a limit on statements does not end it: it would be answered
                    server.kill()
                    with pytest.raises(UnavailableError) as unknown:
                        unheard.result(timeout=30)
            finally:
                (server.data / "postgresql.auto.conf").write_text("")
                server.start()
        judged(unknown.value, "database_outcome_unknown")
        paid = pay(sandbox, wallet, "once")
        assert pay(sandbox, wallet, "once") == paid
        assert sandbox.status().transfers == before + 1
        assert balance(sandbox, wallet) == yuan(100) - paid.amount
        assert sandbox.ledger.verify().ok


def waiting(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    return (
        connection.execute("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'").fetchone()
        is not None
    )


def test_I5_I16_programs_that_ask_again_are_answered_once_over_restarts(
    server: Server, url: str, tmp_path: Path
) -> None:
    """Takes some seconds: the server is ended four times under load, each way once."""
    stop = threading.Event()
    answered: list[dict[str, Any]] = [{} for _ in range(4)]
    with opened(url, tmp_path) as sandbox:
        wallets = [corporate(sandbox, number, fund=yuan(10_000)) for number in range(len(answered))]

        def work(wallet: Wallet, answers: dict[str, Any]) -> None:
            while not stop.is_set():
                key = f"payment {len(answers)}"
                with suppress(UnavailableError):  # again, with the same key
                    answers[key] = pay(sandbox, wallet, key)

        def wait_for_two_more_of_each() -> None:
            wanted = [len(answers) + 2 for answers in answered]
            eventually(lambda: all(len(a) >= n for a, n in zip(answered, wanted, strict=True)), 60)

        with ThreadPoolExecutor(len(wallets)) as programs:
            working = [programs.submit(work, *one) for one in zip(wallets, answered, strict=True)]
            try:
                for how in ("fast", "immediate", "kill", "fast"):
                    wait_for_two_more_of_each()
                    stopped(server, how)
                    server.start()
                wait_for_two_more_of_each()
            finally:
                stop.set()
            for done in working:
                done.result()
        stored = {payment.payment_no: payment for payment in sandbox.payments.list()}
        heard = [answer for answers in answered for answer in answers.values()]
        assert {answer.payment_no for answer in heard} == set(stored)
        assert len(heard) == len(stored)
        for wallet, answers in zip(wallets, answered, strict=True):
            assert balance(sandbox, wallet) == yuan(10_000) - sum(one.amount for one in answers.values())
        assert sandbox.ledger.verify().ok


def test_programs_go_on_soon_after_a_long_outage(server: Server, url: str, tmp_path: Path) -> None:
    """Takes some seconds: the outage is long enough that tries are made at ever longer intervals."""
    with opened(url, tmp_path) as sandbox:
        wallet = corporate(sandbox, fund=yuan(100))
        server.stop("immediate")
        with ThreadPoolExecutor(1) as other:
            asked = other.submit(pay, sandbox, wallet, "while it is away")
            time.sleep(5)
            server.start()
            back = time.monotonic()
            asked.result(timeout=60)
            assert time.monotonic() - back < 3


def test_a_server_that_takes_connections_and_says_nothing_is_not_waited_for_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Takes some seconds: libpq waits for no less than two."""
    monkeypatch.setitem(store._CONNECTING, "connect_timeout", 2)
    monkeypatch.setattr(store, "BUSY_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://somebody:secret@127.0.0.1:{silent.getsockname()[1]}/heshan"

        def ask() -> None:
            settings = store._settings(url)
            with (
                ConnectionPool(settings, min_size=0, max_size=1, open=True, connection_class=Wired) as pool,
                store.PostgresStore(url, pool, None, None, None).reading(),
            ):
                pass

        with ThreadPoolExecutor(1) as other:
            asked = other.submit(ask)
            try:
                with pytest.raises(UnavailableError) as refusal:
                    asked.result(timeout=10)
            finally:
                silent.shutdown(socket.SHUT_RDWR)
    judged(refusal.value, "database_unreachable")


def test_a_program_that_is_stopped_as_it_seals_holds_up_writers_for_no_longer_than_others(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, stopped, go_on = store._last_row, threading.Event(), threading.Event()

    def stop_once(connection: Wired, statements: str) -> Any:
        if not stopped.is_set():
            stopped.set()
            assert go_on.wait(60)
        return begin(connection, statements)

    with opened(url, tmp_path) as stopping, opened(url, tmp_path) as sandbox:
        wallet = corporate(sandbox, fund=yuan(100))
        monkeypatch.setattr(store, "IDLE_SECONDS", 1)
        monkeypatch.setattr(store, "_last_row", stop_once)
        with ThreadPoolExecutor(1) as other:
            verifying = other.submit(stopping.ledger.verify)
            try:
                assert stopped.wait(60)
                paid = pay(sandbox, wallet, "meanwhile")
            finally:
                go_on.set()
            assert verifying.result(60).ok  # it begins anew
        assert balance(sandbox, wallet) == yuan(100) - paid.amount


# --- too many at once -----------------------------------------------------------------------------


def test_more_threads_than_connections_wait_and_then_hear_that_it_is_busy(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(url, tmp_path) as sandbox:
        wallet = corporate(sandbox, fund=yuan(100))
        release, inside = threading.Event(), threading.Semaphore(0)

        def hold() -> None:
            with sandbox._store.reading() as tx:
                tx.row("SELECT 1")
                inside.release()
                release.wait(30)

        with ThreadPoolExecutor(store.MAX_CONNECTIONS) as readers:
            for _ in range(store.MAX_CONNECTIONS):
                readers.submit(hold)
            for _ in range(store.MAX_CONNECTIONS):
                assert inside.acquire(timeout=30)
            with ThreadPoolExecutor(1) as other:
                patient = other.submit(pay, sandbox, wallet, "patient")
                monkeypatch.setattr(store, "BUSY_SECONDS", 0.3)
                with pytest.raises(UnavailableError) as busy:
                    balance(sandbox, wallet)
                judged(busy.value, "database_busy")
                release.set()
                paid = patient.result(timeout=30)
        assert [payment.payment_no for payment in sandbox.payments.list()] == [paid.payment_no]
        assert balance(sandbox, wallet) == yuan(100) - paid.amount
        assert sandbox.ledger.verify().ok


# --- what is no text --------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["B\ud800", "B\0"], ids=["lone surrogate", "NUL"])
def test_what_no_database_can_hold_is_refused_by_a_name_of_its_own(
    url: str, tmp_path: Path, text: str
) -> None:
    with opened(url, tmp_path) as sandbox:
        wallet = corporate(sandbox)
        with pytest.raises(InvalidInputError) as refusal:
            sandbox.payments.pay(bill_no=text, wallet_id=wallet.wallet_id)
        judged(refusal.value, "text_malformed")


# --- another version ------------------------------------------------------------------------------


def test_a_program_that_is_older_than_the_database_is_told_so(server: Server, url: str, cli: Cli) -> None:
    cli(*OPEN, "--db", url)
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE meta SET value = '999' WHERE name = 'schema_version'")
    answer = cli.run("wallet", "list", "--db", url)
    one_line(answer, "database_newer", cli)
    assert "999" in answer.stderr
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE meta SET value = '1' WHERE name = 'schema_version'")
    assert len(cli("wallet", "list", "--db", url)["wallets"]) == 1


def test_a_database_of_something_else_is_left_alone(url: str, cli: Cli) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE customer (name text)")
    one_line(cli.run(*OPEN, "--db", url), "database_foreign", cli)
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        )
        assert tables.fetchall() == [("customer",)]
