"""Group commit: callers who come while another one commits share the next transaction.

One caller alone runs at once, in the caller's own thread.  Whoever comes meanwhile waits, and the first of
those leads the next group: one transaction, in which each has a savepoint, so that one who fails takes
nothing from its neighbours.  All are answered after the one commit.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from copy import copy
from typing import Any, Generic, Protocol, TypeVar

from ecny_tax.errors import EcnyTaxError, UnavailableError
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

    def is_to_be_repeated(self, error: BaseException) -> bool:
        """Whether it failed only because of what others did at the same time."""


class _Caller(Generic[_T]):
    """One use case, and what came of it."""

    def __init__(self, act: Callable[[Transaction], _T], names: Sequence[str]) -> None:
        self.act = act
        self.names = names
        #: Set when it is done, or is to lead; dear, so only who waits has one.
        self.turn: threading.Event
        self.needs_alone = False
        self.is_done = False
        self.has_left = False
        self.answer: _T
        self.error: Exception | None = None
        #: Whom it runs beside itself, where it leads.
        self.others: list[_Caller[Any]] = []

    def end(self, error: Exception | None) -> None:
        self.error = error
        self.is_done = True


class Group:
    """The callers of one store in one process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._waiting: list[_Caller[Any]] = []
        self._leader: _Caller[Any] | None = None

    def run(self, act: Callable[[Transaction], _T], names: Sequence[str]) -> _T:
        """Run a use case in a transaction, with others or alone; return its answer when that is committed."""
        caller = _Caller(act, names)
        try:
            self._come(caller)
            if not caller.is_done:
                self._lead(caller)
        finally:  # Ctrl-C included, wherever it strikes: the others go on
            self._leave(caller)
        if caller.error is not None:
            raise caller.error
        return caller.answer

    def _come(self, caller: _Caller[Any]) -> None:
        """Take the lead where nobody has it, or wait until it is given on, or somebody has done it all."""
        with self._lock:
            if self._leader is None:
                self._leader = caller
                return
            if len(self._waiting) >= MAX_WAITING:
                raise UnavailableError("too_many_waiting", limit=MAX_WAITING)
            caller.turn = threading.Event()
            self._waiting.append(caller)
        if caller.turn.wait(MAX_SECONDS):
            return
        with self._lock:
            if caller in self._waiting:
                self._waiting.remove(caller)
                raise UnavailableError("database_busy", path=self._engine.path)
        caller.turn.wait()  # it is being run

    def _lead(self, caller: _Caller[Any]) -> None:
        """Run the caller, and those who wait, too."""
        with self._lock:
            caller.others = self._waiting[: MAX_GROUP - 1]
            del self._waiting[: MAX_GROUP - 1]
        apart = members = [caller, *caller.others]
        if len(members) > 1:
            apart = self._run_together(members)
        for member in apart:
            self._run_apart(member)

    def _leave(self, caller: _Caller[Any]) -> None:
        """Answer those whom the caller ran, and give its lead on."""
        with self._lock:
            caller.has_left = True
            if self._leader is not caller:
                if not caller.is_done and caller in self._waiting:
                    self._waiting.remove(caller)
                return
            self._waiting[:0] = [other for other in caller.others if not (other.is_done or other.has_left)]
            self._leader = self._waiting.pop(0) if self._waiting else None
            for other in caller.others:
                if other.is_done:
                    other.turn.set()
            if self._leader is not None:
                self._leader.turn.set()

    def _run_together(self, members: list[_Caller[Any]]) -> list[_Caller[Any]]:
        """Run them in one transaction; those who are to be run once more, each by itself."""
        names = sorted({name for member in members for name in member.names})
        try:
            with self._engine.shared(names) as tx:
                outcomes = [self._run_beside(tx, member) for member in members]
                self._doubt(members)
        except Exception as error:
            if self._is_others_fault(error):
                return self._not_done(members)
            for member in members:
                member.end(_own(error))
            return []
        for member, outcome in zip(members, outcomes, strict=True):
            member.end(outcome)
        return self._not_done(
            [member for member in members if member.error and not isinstance(member.error, EcnyTaxError)]
        )

    def _run_beside(self, tx: Transaction, member: _Caller[Any]) -> Exception | None:
        """Run one member of a group; its error is no other's."""
        try:
            with tx.savepoint():
                member.answer = member.act(tx)
        except Exception as error:
            if not tx.goes_on:
                raise
            member.needs_alone = isinstance(error, AloneNeeded)
            return error
        return None

    def _run_apart(self, member: _Caller[Any]) -> None:
        """Run a member by itself: beside other programs, or alone where that is needed."""
        try:
            if not member.needs_alone:
                try:
                    self._run_in(self._engine.shared(member.names), member)
                except Exception as error:
                    if not self._is_others_fault(error):
                        raise
                    member.needs_alone = True
            if member.needs_alone:
                self._not_done([member])
                self._run_in(self._engine.transaction(), member)
        except Exception as error:
            member.end(error)
        else:
            member.end(None)

    def _run_in(self, transaction: AbstractContextManager[Transaction], member: _Caller[Any]) -> None:
        with transaction as tx:
            member.answer = member.act(tx)
            self._doubt([member])

    def _doubt(self, members: Sequence[_Caller[Any]]) -> None:
        """Note what is known of them until the commit has answered: nothing, should Ctrl-C come between."""
        for member in members:
            member.end(UnavailableError("database_outcome_unknown", path=self._engine.path))

    @staticmethod
    def _not_done(members: list[_Caller[Any]]) -> list[_Caller[Any]]:
        for member in members:
            member.is_done = False
        return members

    def _is_others_fault(self, error: Exception) -> bool:
        return isinstance(error, AloneNeeded) or self._engine.is_to_be_repeated(error)


def _own(error: Exception) -> Exception:
    """An error that one of several threads may raise."""
    if not isinstance(error, EcnyTaxError):
        return error
    own = copy(error)
    own.__cause__ = error.__cause__
    return own
