"""Canonical records: every column stands in them, and no two rows have one record."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import fields
from struct import error as StructError
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecny_tax import VerificationError
from ecny_tax.ledger.merkle import leaf_hash
from ecny_tax.ledger.records import (
    TransferRecord,
    entry_digest,
    event_leaves,
    event_record,
    read_transfer_record,
    transfer_leaves,
    transfer_record,
)

LONG, SHORT = st.integers(-(2**63), 2**63 - 1), st.integers(-(2**31), 2**31 - 1)
TRANSFERS = st.tuples(
    LONG, LONG, LONG, LONG, SHORT, SHORT, SHORT, LONG, st.binary(min_size=16, max_size=16),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40).map(str.encode),
)  # fmt: skip
NONE = st.none()
OF_ACCOUNTS = st.tuples(LONG, LONG, LONG, SHORT, SHORT, SHORT, LONG, st.binary(max_size=40), NONE)
OF_ACCESS = st.tuples(LONG, NONE, LONG, NONE, NONE, NONE, LONG, NONE, st.binary(min_size=32, max_size=32))
EVENTS = st.one_of(OF_ACCOUNTS, OF_ACCESS)
MAYBE = st.one_of(NONE, st.binary(max_size=5))
ENTRIES = st.tuples(
    LONG, LONG, st.binary(max_size=5), MAYBE, MAYBE, MAYBE, MAYBE, MAYBE, st.binary(max_size=5),
    st.binary(max_size=5),
)  # fmt: skip


def columns(read: TransferRecord) -> tuple[object, ...]:
    """What a record tells, in the order of the columns."""
    *numbers, id_, user_data = (getattr(read, field.name) for field in fields(read))
    return (*numbers, id_, user_data.encode())


@given(st.lists(TRANSFERS, max_size=5))
def test_leaves_are_the_hashes_of_the_records(rows: list[Any]) -> None:
    assert transfer_leaves(rows) == [leaf_hash(transfer_record(row)) for row in rows]


@given(st.lists(EVENTS, max_size=5))
def test_leaves_of_events_are_the_hashes_of_their_records(rows: list[Any]) -> None:
    assert event_leaves(rows) == [leaf_hash(event_record(row)) for row in rows]


@given(TRANSFERS)
def test_a_record_is_read_back_as_it_was_written(row: Any) -> None:
    assert columns(read_transfer_record(transfer_record(row))) == row


@given(TRANSFERS, TRANSFERS)
def test_two_transfers_have_one_record_only_if_they_are_the_same(one: Any, two: Any) -> None:
    assert (transfer_record(one) == transfer_record(two)) is (one == two)


@given(TRANSFERS, st.integers(0, 9), st.data())
def test_each_column_changes_the_record(row: Any, column: int, data: st.DataObject) -> None:
    other = list(row)
    other[column] = data.draw(TRANSFERS)[column]
    assert (transfer_record(tuple(other)) == transfer_record(row)) is (tuple(other) == row)  # type: ignore[arg-type]


def test_an_id_that_swallows_the_reference_has_another_record() -> None:
    row = (1, 2, 3, 4, 1, 8, 0, 5, bytes(16), b"ab")
    longer = (*row[:8], bytes(16) + b"a", b"b")
    assert transfer_record(row) != transfer_record(longer)


@given(TRANSFERS, EVENTS)
def test_a_transfer_never_has_the_record_of_an_event(transfer: Any, event: Any) -> None:
    assert transfer_record(transfer) != event_record(event)


@given(EVENTS, EVENTS)
def test_two_events_have_one_record_only_if_they_are_the_same(one: Any, two: Any) -> None:
    assert (event_record(one) == event_record(two)) is (one == two)


@pytest.mark.parametrize("mixed", [
    (1, 2, 3, 1, 3, 1, 4, b"a", bytes(32)), (1, None, 3, None, None, 1, 4, None, bytes(32)),
    (1, None, 3, None, None, None, 4, None, None), (1, 2, 3, 1, 3, None, 4, b"a", None),
])  # fmt: skip
def test_a_row_that_is_half_one_event_and_half_another_has_no_record(mixed: Any) -> None:
    with pytest.raises((TypeError, StructError)):
        event_record(mixed)


@given(ENTRIES, ENTRIES)
def test_two_entries_of_the_access_log_have_one_digest_only_if_they_are_the_same(one: Any, two: Any) -> None:
    assert (entry_digest(one) == entry_digest(two)) is (one == two)


@given(ENTRIES, st.integers(0, 9), st.data())
def test_each_column_changes_the_digest_of_an_entry(row: Any, column: int, data: st.DataObject) -> None:
    other = list(row)
    other[column] = data.draw(ENTRIES)[column]
    assert (entry_digest(tuple(other)) == entry_digest(row)) is (tuple(other) == row)  # type: ignore[arg-type]


@given(st.binary(max_size=200))
def test_bytes_that_are_no_record_are_refused(data: bytes) -> None:
    with suppress(VerificationError):
        record = read_transfer_record(data)
        assert transfer_record(columns(record)) == data  # type: ignore[arg-type] # then it is one, in its one form


@pytest.mark.parametrize("cut", [0, 1, 30, 56, 57, 69])
def test_a_record_that_is_cut_off_is_refused(cut: int) -> None:
    with pytest.raises(VerificationError):
        read_transfer_record(transfer_record((1, 2, 3, 4, 1, 8, 0, 5, bytes(16), b"ab"))[:cut])
