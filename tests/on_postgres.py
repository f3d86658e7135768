"""A pytest plugin that runs tests made for SQLite on PostgreSQL, where it makes every database they open.

    PYTHONPATH=tests pytest -p on_postgres tests/payments tests/wallets ...

with ECNY_TAX_TEST_SERVER, the URL of a server where databases can be made.
"""

from __future__ import annotations

import os
import uuid
from typing import Any

import psycopg
import pytest

from ecny_tax import sandbox
from ecny_tax.store import opening
from ecny_tax.store.transaction import Store

SERVER = os.environ.get("ECNY_TAX_TEST_SERVER", "postgresql://postgres@127.0.0.1:5439")
_by_path: dict[str, str] = {}


def _new() -> str:
    name = f"t_{uuid.uuid4().hex}"
    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template_ecny")
    return f"{SERVER}/{name}"


def _drop(url: str) -> None:
    name = url.rpartition("/")[2]
    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _open(database: str, **settings: Any) -> Store:
    if database == opening.MEMORY:
        url = _new()
        store = opening.open_store(url, **settings)
        close = store.close

        def closing() -> None:
            close()
            _drop(url)

        store.close = closing  # type: ignore[method-assign]
        return store
    url = _by_path.get(database) or _by_path.setdefault(database, _new())
    open(database, "a").write("x")  # noqa: SIM115
    return opening.open_store(url, **settings)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that go around the library, by SQLite's own means, stay on SQLite."""
    for item in items:
        module = getattr(item, "module", None)
        if hasattr(module, "sqlite3") or hasattr(module, "subprocess"):
            item.add_marker(pytest.mark.skip(reason="made for SQLite alone"))


@pytest.fixture(autouse=True)
def _on_postgres(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(sandbox, "open_store", _open)
    yield
    for path, url in list(_by_path.items()):
        _drop(url)
        del _by_path[path]
