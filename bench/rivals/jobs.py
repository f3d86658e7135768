"""The side of a rival: it answers jobs until there are no more (see the package's first lines)."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Protocol

Moves = Sequence[tuple[int, int, int]]
#: What every account begins with.
FUNDS = 100_000_000


class Rival(Protocol):
    def open(self, accounts: int) -> None: ...
    def single(self, payer: int, payee: int, fen: int) -> None: ...
    def batch(self, moves: Moves) -> None: ...
    def balances(self) -> list[int]: ...


def serve(rival: Rival) -> None:
    for line in sys.stdin:
        ((job, given),) = json.loads(line).items()
        sys.stdout.write(json.dumps(_answer(rival, job, given)) + "\n")
        sys.stdout.flush()


def _answer(rival: Rival, job: str, given: object) -> object:
    if job == "open":
        rival.open(given)  # type: ignore[arg-type]
        return True
    if job == "balances":
        return rival.balances()
    if job == "single":
        return _timed(lambda: [rival.single(*move) for move in given])  # type: ignore[attr-defined]
    return _timed(lambda: rival.batch(given))  # type: ignore[arg-type]


def _timed(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start
