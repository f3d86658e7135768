"""JSON from outside, read strictly: a member that is written twice has two meanings, so it has none."""

from __future__ import annotations

import json


class RepeatedKeyError(ValueError):
    """A member of an object is written twice; ``key`` names it."""

    def __init__(self, key: str) -> None:
        super().__init__(f"{key} is written twice")
        self.key = key


def loads(text: str) -> object:
    """Parse one JSON text; raises ``ValueError`` (also for a repeated key) or ``RecursionError``."""
    value: object = json.loads(text, object_pairs_hook=_without_repeats)
    return value


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members: dict[str, object] = {}
    for key, value in pairs:
        if key in members:
            raise RepeatedKeyError(key)
        members[key] = value
    return members
