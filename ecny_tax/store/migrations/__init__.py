"""The numbered files that lead from an empty database to ``schema.sql``, applied in order, each once."""

from __future__ import annotations

import sqlite3
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
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        for number, name in migrations().items():
            if number > version:
                for statement in statements(files(__package__).joinpath(name).read_text("utf-8")):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number:d}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID:d}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


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
