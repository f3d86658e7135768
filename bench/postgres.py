"""PostgreSQL: payments of many processes at once, against bare calls of a function of the server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psycopg

from bench.databases import durable_server as _server
from bench.runner import Setting, benchmark, compare, stopwatch
from bench.scheme import open_wallets, owe
from ecny_tax import Sandbox
from tests import postgres_server

_TRANSFER = (
    "id", "debit_account_id", "credit_account_id", "amount", "ledger", "code", "flags", "user_data",
    "posted_at",
)  # fmt: skip
_PAYMENT = (
    "payment_no", "bill_no", "wallet_id", "payer_id", "agreement_no", "amount", "late_fee", "fee", "mode",
    "status", "settled_at", "balance_after", "receipt_no", "transfer_id", "authorisation",
)  # fmt: skip
#: The same rows as a payment of ours, written by one function: what a program would do that checks nothing.
_PLAIN = f"""
CREATE FUNCTION plain_payment(t transfer, p payment) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE account SET debits = debits + t.amount WHERE id = t.debit_account_id;
    UPDATE account SET credits = credits + t.amount WHERE id = t.credit_account_id;
    INSERT INTO transfer ({", ".join(_TRANSFER)}) VALUES ({", ".join(f"t.{name}" for name in _TRANSFER)});
    INSERT INTO payment ({", ".join(_PAYMENT)}) VALUES ({", ".join(f"p.{name}" for name in _PAYMENT)});
    UPDATE bill SET status = 'paid' WHERE bill_no = p.bill_no;
END $$
"""


@benchmark("postgres_payments", engine="postgresql", at_least=0.5)
def postgres_payments(setting: Setting) -> tuple[float, str]:
    """Real-time debits under agreements, one a call, of 16 processes, each with a wallet of its own."""
    processes, rounds, size = setting.size(16, 2), setting.size(5, 2), setting.size(60, 3)
    with _server() as server, server.database() as url, server.database() as twin_url:
        keys = setting.folder / "keys"
        with Sandbox.open(url, keyring=keys) as sandbox:
            wallets = open_wallets(sandbox, processes)
            work = [owe(sandbox, wallet.wallet_id, rounds * size + 1) for wallet in wallets]
            for agreement_no, bills in work:  # the first one opens the collection account
                sandbox.payments.pay(bill_no=bills.pop(), agreement_no=agreement_no)
        _copy(server, url, twin_url)
        with _workers(_pay, processes, url, str(keys)) as ours, _workers(_call, processes, twin_url) as plain:
            paid: list[list[tuple[Any, ...]]] = []

            def pay() -> float:
                jobs = [(no, [bills.pop() for _ in range(size)]) for no, bills in work]
                with stopwatch() as taken:
                    _together(ours, jobs)
                paid[:] = [_rows(url, bills) for _no, bills in jobs]
                return taken[0]

            def call() -> float:
                with stopwatch() as taken:
                    _together(plain, paid)
                return taken[0]

            mine, theirs = compare(rounds, pay, call)
    count = processes * size
    return theirs / mine, (
        f"{count / mine:,.0f} payments/s of {processes} processes, authorisation signed; a bare psycopg call "
        f"of one function that writes the same rows: {count / theirs:,.0f}/s "
        f"(median of {rounds} blocks of {count})"
    )


def _copy(server: postgres_server.Server, url: str, twin_url: str) -> None:
    """Make the twin the same database, with the function beside."""
    name, twin = (one.partition("?")[0].rpartition("/")[2] for one in (url, twin_url))
    with server.connect() as connection:
        connection.execute(f"DROP DATABASE {twin}")
        connection.execute(f"CREATE DATABASE {twin} OWNER {postgres_server.USER} TEMPLATE {name}")
    with psycopg.connect(twin_url, autocommit=True) as connection:
        connection.execute(_PLAIN)


def _rows(url: str, bills: Sequence[str]) -> list[tuple[Any, ...]]:
    """What the payments of these bills wrote: transfer and payment, as records of their tables."""
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT t::text, p::text FROM payment p JOIN transfer t ON t.id = p.transfer_id"
            " WHERE p.bill_no = ANY(%s) ORDER BY p.place",
            (list(bills),),
        ).fetchall()


_Job = Any
_Worker = Callable[..., None]


@contextmanager
def _workers(work: _Worker, count: int, *arguments: str) -> Iterator[list[Connection]]:
    """Processes that wait for work."""
    context = get_context("spawn")
    pipes, processes = [], []
    for _ in range(count):
        here, there = context.Pipe()
        processes.append(context.Process(target=work, args=(there, *arguments), daemon=True))
        processes[-1].start()
        pipes.append(here)
    for pipe in pipes:
        pipe.recv()
    try:
        yield pipes
    finally:
        for pipe in pipes:
            with suppress(OSError):
                pipe.send(None)
        for process in processes:
            process.join(60)


def _together(workers: Sequence[Connection], jobs: Sequence[_Job]) -> None:
    for worker, job in zip(workers, jobs, strict=True):
        worker.send(job)
    for worker in workers:
        if (error := worker.recv()) is not None:
            raise RuntimeError(error)


def _pay(pipe: Connection, url: str, keys: str) -> None:
    with Sandbox.open(url, keyring=Path(keys)) as sandbox:
        sandbox.payments.list()
        pipe.send(None)
        while (job := pipe.recv()) is not None:
            agreement_no, bills = job
            try:
                for bill_no in bills:
                    sandbox.payments.pay(bill_no=bill_no, agreement_no=agreement_no)
                pipe.send(None)
            except Exception as error:
                pipe.send(repr(error))


def _call(pipe: Connection, url: str) -> None:
    with psycopg.connect(url, autocommit=True, prepare_threshold=0) as connection:
        pipe.send(None)
        while (rows := pipe.recv()) is not None:
            try:
                for row in rows:
                    connection.execute("SELECT plain_payment(%s::transfer, %s::payment)", row)
                pipe.send(None)
            except Exception as error:
                pipe.send(repr(error))
