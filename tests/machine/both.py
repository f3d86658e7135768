"""Two sandboxes as one: what is asked of it is asked of both, and both must answer alike."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from ecny_tax import EcnyTaxError


class Both:
    """Hands every call on to two sandboxes, or to two of their services, and compares what comes of it."""

    def __init__(self, one: Any, other: Any) -> None:
        self._pair = one, other

    def __getattr__(self, name: str) -> Any:
        one, other = (getattr(side, name) for side in self._pair)
        if name == "_store":  # to look into the tables, which are compared in the end
            return one
        return _both_answer(one, other) if callable(one) else Both(one, other)


def _both_answer(one: Callable[..., Any], other: Callable[..., Any]) -> Callable[..., Any]:
    def call(*values: Any, **named: Any) -> Any:
        first, second = _outcome(one, *values, **named), _outcome(other, *values, **named)
        assert _plain(first) == _plain(second), f"I15: {one.__qualname__}"
        if isinstance(first, EcnyTaxError):
            raise first
        return first

    return call


def _outcome(act: Callable[..., Any], *values: Any, **named: Any) -> Any:
    try:
        return act(*values, **named)
    except EcnyTaxError as refusal:
        return refusal


def _plain(answer: Any) -> Any:
    """What is compared: a refusal by its code and what it says, a status without the name of the engine."""
    if isinstance(answer, EcnyTaxError):
        return answer.code, str(answer), answer.hint_in("zh")
    if dataclasses.is_dataclass(answer) and hasattr(answer, "engine"):
        return dataclasses.replace(answer, engine="")  # type: ignore[type-var]
    return answer
