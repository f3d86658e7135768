"""Which engine a database is on: a URL names one on a PostgreSQL server, everything else a SQLite file."""

from __future__ import annotations

import os
from datetime import datetime
from typing import TYPE_CHECKING

from ecny_tax.clock import Clock
from ecny_tax.errors import UnavailableError
from ecny_tax.store import sqlite
from ecny_tax.store.sqlite import MEMORY, SqliteStore
from ecny_tax.store.transaction import Store

if TYPE_CHECKING:
    from types import ModuleType

    from ecny_tax.rulebook import Rulebook

__all__ = ["MEMORY", "exists", "fixed_time_of", "is_url", "name_in", "open_store"]

_SCHEMES = ("postgresql://", "postgres://")


def is_url(database: str) -> bool:
    """Whether it names a database of a PostgreSQL server."""
    return database.startswith(_SCHEMES)


def name_in(url: str) -> str:
    """The name of the database that a URL leads to; raises ``InvalidInputError``, ``postgres_missing``."""
    name: str = _postgres().name_in(url)
    return name


def open_store(
    database: str, *, clock: Clock | None = None, seed: str | None = None, rulebook: Rulebook | None = None
) -> Store:
    """Open a database on its engine; see ``SqliteStore.open`` and ``PostgresStore.open``."""
    if is_url(database):
        store: Store = _postgres().PostgresStore.open(database, clock=clock, seed=seed, rulebook=rulebook)
        return store
    return SqliteStore.open(database, clock=clock, seed=seed, rulebook=rulebook)


def fixed_time_of(database: str) -> datetime | None:
    """The time at which the clock of a database stands still; None where there is no such database or time.

    It only looks: nothing is made, locked or refused.
    """
    look = _postgres().fixed_time_of if is_url(database) else sqlite.fixed_time_of
    time: datetime | None = look(database)
    return time


def exists(database: str) -> bool:
    """Whether there is such a database already, or one is to be made of it; it only looks."""
    return bool(_postgres().exists(database)) if is_url(database) else os.path.exists(database)


def _postgres() -> ModuleType:
    """The engine, imported late: most do without; raises ``UnavailableError`` (``postgres_missing``)."""
    try:
        import psycopg  # noqa: F401
        import psycopg_pool  # noqa: F401
    except ImportError:
        raise UnavailableError("postgres_missing") from None
    from ecny_tax.store import postgres

    return postgres
