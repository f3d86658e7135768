"""Every object of offline payment that can be written, from the declared fields of its class."""

from __future__ import annotations

import string
from dataclasses import fields
from typing import Any

from hypothesis import strategies as st

from ecny_tax.money import MAX_AMOUNT
from ecny_tax.offline.bundles import BUNDLES, Bundle
from ecny_tax.offline.objects import KINDS, MAX_COUNTER, MAX_NUMBER, Revocation, SignedObject

numbers = st.text(string.ascii_letters + string.digits, min_size=1, max_size=MAX_NUMBER)
times = st.integers(315_532_800, 7_258_118_400)
_SIZES = {"nonce": 16, "request": None}


def _values(name: str, declared: str) -> st.SearchStrategy[Any]:
    if declared == "bytes":
        size = _SIZES.get(name, 32)
        return st.binary(max_size=500) if size is None else st.binary(min_size=size, max_size=size)
    return {
        "str": numbers,
        "Fen": st.integers(1 if name == "amount" else 0, MAX_AMOUNT),
        "int": st.integers(0, MAX_COUNTER),
        "Seconds": times,
        "tuple[Revocation, ...]": st.lists(st.builds(Revocation, numbers, times), max_size=5).map(tuple),
    }[declared]


def objects_of(kind: type[SignedObject]) -> st.SearchStrategy[SignedObject]:
    """Objects of one kind, each value anywhere in its range."""
    return st.builds(kind, **{field.name: _values(field.name, str(field.type)) for field in fields(kind)})


def bundles_of(kind: type[Bundle]) -> st.SearchStrategy[Bundle]:
    """Bundles of one kind, of any bytes."""
    return st.builds(kind, **{field.name: st.binary(max_size=300) for field in fields(kind)})


objects = st.one_of([objects_of(kind) for kind in KINDS])
bundles = st.one_of([bundles_of(kind) for kind in BUNDLES])
