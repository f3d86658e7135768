"""The database that a row has to itself: a file, or one of a PostgreSQL server that lives as long as it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ecny_tax import Sandbox
from ecny_tax.crypto.keyring import read_keyring
from ecny_tax.store import Store, open_store
from tests.postgres_server import DURABLE, USER, Server, own_folder

Engine = Literal["sqlite", "postgresql"]


@dataclass(frozen=True, slots=True)
class Database:
    """A scheme of ours: ``name`` is a path or a URL."""

    name: str
    keyring: Path

    def open(self) -> Sandbox:
        return Sandbox.open(self.name, keyring=self.keyring)

    def opened(self) -> tuple[Store, Sandbox]:
        """A scheme that is there, and the store below it, into which transfers can be posted as they come."""
        store = open_store(self.name)
        return store, Sandbox(store, read_keyring(self.keyring), names=(self.name, str(self.keyring)))


@contextmanager
def database(engine: str, folder: Path) -> Iterator[Database]:
    """A new database on that engine; files of ours lie in the folder."""
    keyring = folder / "scheme.keys"
    if engine == "sqlite":
        yield Database(str(folder / "scheme.db"), keyring)
        return
    with durable_server() as server, server.database() as url:
        with server.connect() as connection:
            connection.execute(f"ALTER ROLE {USER} CREATEDB")  # for the twin
        yield Database(url, keyring)


@contextmanager
def durable_server(settings: Mapping[str, str] = DURABLE) -> Iterator[Server]:
    """A server as durable as servers are by default."""
    with own_folder() as folder:
        server = Server.make(folder, settings=settings)
        try:
            yield server
        finally:
            server.stop()
