"""Playing classes for whoever looks at them, within what one server can bear."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from anyio import CapacityLimiter, to_thread

from ecny_tax.errors import UnavailableError
from ecny_tax.scenarios.classroom_model import Action, Lesson
from ecny_tax.web.console.addresses import Address

#: Results that are kept, classes that are played at once, and those that may wait for it.
KEPT = 64
AT_ONCE = 2
MAX_WAITING = 30
_T = TypeVar("_T")


class Play(Protocol):
    """``ecny_tax.scenarios.classroom.play``."""

    def __call__(self, *, seed: int, company: str, actions: Sequence[Action]) -> Lesson: ...


class Replays:
    """Classes as they were played: the same address gives the same class, so the newest are kept."""

    def __init__(self, play: Play, usual_company: str) -> None:
        self._play = play
        self._usual_company = usual_company
        self._kept: OrderedDict[tuple[int, str, tuple[Action, ...]], Lesson] = OrderedDict()
        self._lock = threading.Lock()
        self._limiter: CapacityLimiter | None = None
        self._waiting = 0

    async def beside(self, act: Callable[[], _T]) -> _T:
        """Do what takes a processor in one of the few threads for it.

        Raises ``UnavailableError`` (``too_many_replays``) where too many wait already.
        """
        if self._limiter is None:  # it belongs to the loop that asks first
            self._limiter = CapacityLimiter(AT_ONCE)
        if self._waiting >= MAX_WAITING + AT_ONCE:
            raise UnavailableError("too_many_replays", limit=MAX_WAITING)
        self._waiting += 1
        try:
            return await to_thread.run_sync(act, limiter=self._limiter)
        finally:
            self._waiting -= 1

    def lesson(self, address: Address) -> Lesson:
        """The class of an address; raises what ``play`` raises."""
        company = address.company or self._usual_company
        key = (address.seed, company, address.steps)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        played = self._play(seed=address.seed, company=company, actions=address.steps)
        with self._lock:
            self._kept[key] = played
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return played
