"""Group commit: callers who come while another one commits share the next transaction.

One caller alone runs at once, in the caller's own thread.  Whoever comes meanwhile waits, and the first of
those leads the next group: one transaction, in which each has a savepoint, so that one who fails takes
nothing from its neighbours.  All are answered after the one commit.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Generic, Protocol, TypeVar

from ecny_tax.errors import UnavailableError
from ecny_tax.store.transaction import Transaction

#: Callers of one transaction.  More would make the first of them wait for the last.
MAX_GROUP = 64
#: Callers who may wait; one more is refused at once (``too_many_waiting``).
MAX_WAITING = 1_024
#: How long somebody waits for a turn, in seconds, before ``database_busy``.
MAX_SECONDS = 60.0

_T = TypeVar("_T")


class AloneNeeded(Exception):
    """The use case has to do what only a transaction may that shares the database with no other."""


class Engine(Protocol):
    """What a group needs of a store."""

    path: str

    def shared(self, names: Sequence[str]) -> AbstractContextManager[Transaction]:
        """A transaction beside others that hold none of the names."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """A transaction beside no other."""

    def savepoint(self, tx: Transaction) -> AbstractContextManager[None]:
        """Take back what the block did, and nothing before it, when it raises."""

    def is_to_be_repeated(self, error: BaseException) -> bool:
        """Whether it failed only because of what others did at the same time."""


class _Caller(Generic[_T]):
    """One use case, and what came of it."""

    def __init__(self, act: Callable[[Transaction], _T], names: Sequence[str]) -> None:
        self.act = act
        self.names = names
        self.turn: threading.Event
        self.is_done = False
        self.answer: _T
        self.error: Exception | None = None


class Group:
    """The callers of one store in one process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._waiting: list[_Caller[Any]] = []
        self._is_led = False

    def run(self, act: Callable[[Transaction], _T], names: Sequence[str]) -> _T:
        """Run a use case in a transaction, with others or alone; return its answer when that is committed."""
        caller = _Caller(act, names)
        with self._lock:
            if len(self._waiting) >= MAX_WAITING:
                raise UnavailableError("too_many_waiting", limit=MAX_WAITING)
            leads = not self._is_led
            if leads:
                self._is_led = True
            else:
                caller.turn = threading.Event()  # dear, so only who waits has one
                self._waiting.append(caller)
        if leads:
            self._lead(caller)
        else:
            self._follow(caller)
        if caller.error is not None:
            raise caller.error
        return caller.answer

    def _follow(self, caller: _Caller[_T]) -> None:
        """Wait for the answer, or for the turn to lead."""
        if not caller.turn.wait(MAX_SECONDS):
            with self._lock:
                if caller in self._waiting:  # otherwise it is being run
                    self._waiting.remove(caller)
                    raise UnavailableError("database_busy", path=self._engine.path)
            caller.turn.wait()
        if not caller.is_done:
            self._lead(caller)

    def _lead(self, caller: _Caller[_T]) -> None:
        """Run the caller with those who wait, answer them, and give the lead on."""
        with self._lock:
            others = self._waiting[: MAX_GROUP - 1]
            del self._waiting[: MAX_GROUP - 1]
        members: list[_Caller[Any]] = [caller, *others]
        answered = others
        try:
            self._run(members)
        except BaseException:  # Ctrl-C in the thread that leads: the others go on without it
            answered = []
            with self._lock:
                self._waiting[:0] = others
            raise
        finally:
            with self._lock:
                following = self._waiting.pop(0) if self._waiting else None
                self._is_led = following is not None
            for member in answered:
                member.is_done = True
                member.turn.set()
            if following is not None:
                following.turn.set()

    def _run(self, members: list[_Caller[Any]]) -> None:
        """Give every member its answer or its error."""
        if len(members) == 1:
            self._run_one(members[0])
            return
        names = sorted({name for member in members for name in member.names})
        again: list[_Caller[Any]] = []
        try:
            with self._engine.shared(names) as tx:
                again = [member for member in members if not self._run_beside(tx, member)]
        except Exception as error:
            unanswered = [member for member in members if member.error is None]
            if self._engine.is_to_be_repeated(error):
                again = unanswered
            else:
                for member in unanswered:
                    member.error = error
                return
        for member in again:
            self._run_one(member)

    def _run_beside(self, tx: Transaction, member: _Caller[Any]) -> bool:
        """Run one member of a group; False where it is to be run once more, by itself."""
        try:
            with self._engine.savepoint(tx):
                member.answer = member.act(tx)
        except Exception as error:
            if isinstance(error, AloneNeeded) or self._engine.is_to_be_repeated(error):
                return False
            member.error = error
        return True

    def _run_one(self, member: _Caller[Any]) -> None:
        try:
            try:
                with self._engine.shared(member.names) as tx:
                    member.answer = member.act(tx)
            except Exception as error:
                if not isinstance(error, AloneNeeded) and not self._engine.is_to_be_repeated(error):
                    raise
                with self._engine.transaction() as tx:
                    member.answer = member.act(tx)
        except Exception as error:
            member.error = error
