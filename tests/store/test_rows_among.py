"""Rows by their keys: the same ones on both engines, whatever stands in a key."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecny_tax.store import Store, open_store

#: What means something in an array, a pattern or a text of the engines.
ODD = [
    "",
    "NULL",
    "null",
    '"',
    "\\",
    '\\"',
    "a,b",
    "{a}",
    "'",
    "%",
    ":key",
    "?",
    "$1",
    " a ",
    "钱包",
    "a\nb",
    "{}",
]


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    url = ":memory:" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    opened = open_store(url)
    with opened.untimed() as tx:
        tx.run_many("INSERT INTO meta VALUES (?, 'odd')", [(name,) for name in ODD])
        account = "INSERT INTO account (name, ledger, code, flags, opened_at) VALUES (?, 1, 1, 0, 0)"
        tx.run_many(account, [(f"account {number}",) for number in range(4)])
    yield opened
    opened.close()


@given(keys=st.lists(st.sampled_from([*ODD, "none"]), unique=True))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_rows_of_exactly_these_keys_are_found(store: Store, keys: list[str]) -> None:
    with store.reading() as tx:
        found = {row[0] for row in tx.rows_among("SELECT name FROM meta", "name", keys)}
    assert found == set(keys) - {"none"}


@pytest.mark.parametrize("keys", [[], [1], [1, 2, 3, 4, 5, 6], [-1, 2**62]])
def test_keys_may_be_numbers(store: Store, keys: list[int]) -> None:
    with store.reading() as tx:
        found = tx.rows_among("SELECT id FROM account", "id", keys)
        every = {row[0] for row in tx.rows("SELECT id FROM account")}
    assert {row[0] for row in found} == every & set(keys)
    assert len(every) == 4
