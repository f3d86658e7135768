"""The plain side: connections without anything of ours, and a twin into which they write the same rows.

On SQLite that is ``sqlite3``, on PostgreSQL psycopg: statements one after the other, prepared by the server,
and ``COPY`` for many new rows.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg.rows import tuple_row

from bench.runner import stopwatch

Row = tuple[Any, ...]
#: A statement, its parameters marked ``?``, and the rows that it is run with.
Part = tuple[str, Sequence[Row]]

ADD_TO_COUNTERS = "UPDATE account SET debits = debits + ?, credits = credits + ? WHERE id = ?"
SET_PAID = "UPDATE bill SET status = 'paid' WHERE bill_no = ?"
#: New rows from which on psycopg copies them.
_MANY = 50
_INSERT = re.compile(r"INSERT INTO (\w+ \([a-z_, ]+\)) VALUES \([?, ]+\)")


class PlainSqlite(sqlite3.Connection):
    """In WAL mode, ``synchronous = FULL``, with foreign keys, as ours."""

    module, many = "sqlite3", "sqlite3.executemany"

    @classmethod
    def to(cls, path: str) -> PlainSqlite:
        connection = sqlite3.connect(path, isolation_level=None, factory=cls)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def read(self, sql: str, *values: object) -> list[Row]:
        return self.execute(sql, values).fetchall()

    def columns(self, table: str) -> list[str]:
        return [name for name, *_ in self.execute(f"SELECT * FROM {table} LIMIT 0").description]

    def read_through(self, table: str) -> None:
        """Every row of a table, in flat memory."""
        for _ in self.execute(f"SELECT * FROM {table}"):
            pass

    def write(self, *parts: Part) -> None:
        """One durable transaction."""
        self.execute("BEGIN IMMEDIATE")
        for sql, rows in parts:
            if len(rows) == 1:
                self.execute(sql, rows[0])
            else:
                self.executemany(sql, rows)
        self.execute("COMMIT")


class PlainPostgres(psycopg.Connection[Row]):
    """With what the server commits by default: what was answered is on the disk."""

    module, many = "psycopg", "psycopg (COPY and executemany)"

    @classmethod
    def to(cls, url: str) -> PlainPostgres:
        return cls.connect(url, autocommit=True, prepare_threshold=0, row_factory=tuple_row)

    def read(self, sql: str, *values: object) -> list[Row]:
        return self.execute(sql.replace("?", "%s").encode(), values).fetchall()

    def columns(self, table: str) -> list[str]:
        described = self.execute(f"SELECT * FROM {table} LIMIT 0".encode()).description
        return [column.name for column in described or ()]

    def read_through(self, table: str) -> None:
        """Every row of a table, in flat memory."""
        with self.transaction(), self.cursor(name="through") as cursor:
            cursor.itersize = 2_000
            for _ in cursor.execute(f"SELECT * FROM {table}".encode()):
                pass

    def write(self, *parts: Part) -> None:
        """One durable transaction."""
        with self.transaction(), self.cursor() as cursor:
            for sql, rows in parts:
                insert = _INSERT.fullmatch(sql)
                if insert is not None and len(rows) >= _MANY:
                    with cursor.copy(f"COPY {insert[1]} FROM STDIN".encode()) as copy:
                        for row in rows:
                            copy.write_row(row)
                    continue
                native = sql.replace("?", "%s").encode()
                if len(rows) <= 2:
                    for row in rows:
                        cursor.execute(native, row)
                else:
                    cursor.executemany(native, rows)


Plain = PlainSqlite | PlainPostgres


def connect(name: str) -> Plain:
    """A plain connection to the database of that path or URL."""
    return PlainPostgres.to(name) if name.startswith("postgresql:") else PlainSqlite.to(name)


class Twin:
    """A copy of a database, into which rows that ours has written are written again, as plainly as can be.

    Same schema (all of it is a copy), same journal mode or server: same durability.  On PostgreSQL nobody may
    be connected to the original while it is copied.
    """

    def __init__(self, name: str | Path) -> None:
        self.name = _copy_of(str(name))
        self.original = connect(str(name))
        self.copy = connect(self.name)

    def news(self, table: str, place: str) -> Part:
        """The INSERT for a table, and the rows that the original has and the copy lacks.

        ``place`` is the column that counts them; both databases count by themselves.
        """
        ((newest,),) = self.copy.read(f"SELECT coalesce(max({place}), 0) FROM {table}")
        names = [name for name in self.copy.columns(table) if name != place]
        return self._part(table, names, f"WHERE {place} > ? ORDER BY {place}", newest)

    def those(self, table: str, column: str, value: object) -> Part:
        """The INSERT for a table, and the rows of the original with this value, by their keys."""
        return self._part(table, self.copy.columns(table), f"WHERE {column} = ? ORDER BY 1, 2", value)

    def _part(self, table: str, names: Sequence[str], condition: str, value: object) -> Part:
        columns = ", ".join(names)
        rows = self.original.read(f"SELECT {columns} FROM {table} {condition}", value)
        return f"INSERT INTO {table} ({columns}) VALUES ({', '.join('?' * len(names))})", rows

    def take_over(self, table: str) -> None:
        """Write the rows of a table that the copy lacks, before anything is measured."""
        self.copy.write(self.news(table, "place"))

    def transfers_alone(self) -> list[list[Part]]:
        """What each of the new transfers wrote, if it was a call of its own."""
        insert, transfers = self.news("transfer", "seq")
        return [[(insert, [row]), (ADD_TO_COUNTERS, added([row]))] for row in transfers]

    def payments_alone(self) -> list[list[Part]]:
        """What each of the new payments wrote, if it was a call of its own."""
        insert, payments = self.news("payment", "place")
        moves = self.transfers_alone()
        return [
            [*move, (insert, [payment]), (SET_PAID, [(payment[1],)])]
            for move, payment in zip(moves, payments, strict=True)
        ]

    def close(self) -> None:
        self.original.close()
        self.copy.close()


def added(transfers: Sequence[Row]) -> list[Row]:
    """What transfers add to debits and credits, and of which account, in the order of their ids."""
    sums: dict[int, list[int]] = {}
    for _id, debit, credit, amount, *_rest in transfers:
        sums.setdefault(debit, [0, 0])[0] += amount
        sums.setdefault(credit, [0, 0])[1] += amount
    return [(*sums[id_], id_) for id_ in sorted(sums)]


def one_by_one(twin: Twin, calls: Sequence[Sequence[Part]]) -> float:
    """Write each as a transaction of its own, one after the other; the seconds it took."""
    with stopwatch() as taken:
        for call in calls:
            twin.copy.write(*call)
    return taken[0]


def side_by_side(twin: Twin, calls: Sequence[Sequence[Part]], connections: int) -> float:
    """The same by as many threads with a connection each, where a server has several writers at a time."""
    writers = [connect(twin.name) for _ in range(connections)]
    with ThreadPoolExecutor(connections) as threads, stopwatch() as taken:
        list(
            threads.map(
                lambda n: [writers[n].write(*call) for call in calls[n::connections]], range(connections)
            )
        )
    for writer in writers:
        writer.close()
    return taken[0]


def _copy_of(name: str) -> str:
    """The name of a copy of a database."""
    if not name.startswith("postgresql:"):
        with sqlite3.connect(name) as original:
            original.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return str(shutil.copy(name, Path(name).with_name(f"twin-{Path(name).name}")))
    url = urlsplit(name)
    own = url.path.removeprefix("/")
    with psycopg.connect(urlunsplit(url._replace(path="/postgres")), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE twin_{own} TEMPLATE {own}".encode())
    return urlunsplit(url._replace(path=f"/twin_{own}"))
