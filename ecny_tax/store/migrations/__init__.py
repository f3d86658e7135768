"""The numbered files that lead from an empty database to ``schema.sql``, applied in order, each once."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

#: Marks a SQLite file as ours ("eCNY").
APPLICATION_ID = 0x65434E59


@cache
def migrations() -> dict[int, str]:
    """Number → name of every migration file."""
    names = (item.name for item in files(__package__).iterdir() if item.name.endswith(".sql"))
    return {int(name[:4]): name for name in sorted(names)}


def newest_version() -> int:
    """The schema version this program writes."""
    return max(migrations())


def migrate(connection: sqlite3.Connection) -> None:
    """Apply what is missing, in one transaction; safe when several processes start at once."""
    if connection.execute("PRAGMA user_version").fetchone()[0] == newest_version():
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        _apply(connection, connection.execute("PRAGMA user_version").fetchone()[0])
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def make_anew(connection: sqlite3.Connection, keeping: Sequence[str]) -> None:
    """Empty a database in the transaction that goes on, and make its tables as in a new one.

    The rows of the tables ``keeping`` come back.  Foreign keys must be off: tables go in any order.
    """
    kept = {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in keeping}
    found = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    for (table,) in found:
        if not table.startswith("sqlite_"):
            connection.execute(f'DROP TABLE "{table}"')
    _apply(connection, 0)
    for table, rows in kept.items():
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)


def _apply(connection: sqlite3.Connection, version: int) -> None:
    """The migrations after the one of that number."""
    for number, name in migrations().items():
        if number > version:
            for statement in statements(files(__package__).joinpath(name).read_text("utf-8")):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number:d}")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID:d}")


def statements(script: str) -> list[str]:
    """The single statements of an SQL script; one may contain semicolons, as triggers do."""
    found, pending = [], ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            found.append(pending)
            pending = ""
    if any(line.strip() and not line.startswith("--") for line in pending.splitlines()):
        raise ValueError(f"the script ends within a statement: {pending.strip()[:60]}")
    return found
