"""What a service sees of the database: one transaction, with the time and the ids to use in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ecny_tax.identifiers import IdSource

if TYPE_CHECKING:
    from ecny_tax.rulebook import Rulebook

#: What a column holds, and what may be bound to a named parameter.
Value = str | int | bytes | bytearray | None
Row = tuple[Any, ...]  # the columns are as the statement says
_T = TypeVar("_T")


class Transaction(Protocol):
    """One transaction: what is read in it belongs together, what is written in it commits whole."""

    @property
    def now(self) -> datetime:
        """The one time of this operation."""

    @property
    def ids(self) -> IdSource:
        """Where new ids and random bytes come from."""

    @property
    def rulebook(self) -> Rulebook:
        """The rules that this simulation follows."""

    def as_bytes(self, column: str) -> str:
        """The SQL for a column of text, or of bytes, as the bytes that are stored (text in UTF-8)."""

    @property
    def disorder(self) -> int:
        """By how much (µs) a transfer may be older than one with a smaller number."""

    def be_alone(self) -> None:
        """Demand that no other transaction writes at the same time; ``concurrently`` sees to it."""

    def savepoint(self) -> AbstractContextManager[None]:
        """Take back what the block did, and nothing before it, when it raises."""

    @property
    def goes_on(self) -> bool:
        """Whether more can be done in it; a full disk or a lost server may have ended it."""

    def row(self, sql: str, **parameters: Value) -> Row | None:
        """The first row of a query, or None."""

    def rows(self, sql: str, **parameters: Value) -> list[Row]:
        """All rows of a query."""

    def stream(self, sql: str, **parameters: Value) -> Iterable[Row]:
        """The rows of a query one after the other, in flat memory."""

    def rows_among(self, select: str, column: str, keys: Sequence[int] | Sequence[str]) -> list[Row]:
        """The rows of ``select`` whose ``column`` is one of ``keys`` (no two alike), in any order."""

    def run(self, sql: str, **parameters: Value) -> None:
        """One statement that writes."""

    def run_many(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """One statement that writes, once for each row; parameters are ``?`` in order, for speed."""


class Watcher(Protocol):
    """Is told of transactions that bear a time."""

    def before_commit(self, tx: Transaction) -> None:
        """In the end of one, where nothing was unsealed when it began."""

    def after_commit(self, newest: int) -> None:
        """After one; ``newest`` is the newest transfer before it."""


class Store(Protocol):
    """A database of the simulation, on one engine."""

    engine: str
    #: Who seals what is committed, where somebody does.
    watcher: Watcher | None

    @property
    def rulebook(self) -> Rulebook:
        """The rules that this simulation follows."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Write: commits when the block ends, rolls back when it raises.

        Raises ``RejectedError`` (``clock_went_back``) when the time lies before the newest transfer, and
        ``UnavailableError`` when the database cannot be written.
        """

    def untimed(self) -> AbstractContextManager[Transaction]:
        """Write what bears no time, whatever the clock says."""

    def concurrently(self, act: Callable[[Transaction], _T], *names: str) -> _T:
        """Run a use case in a transaction beside others that own none of the same names; answer its answer.

        What it reads to decide by, and others may change at the same time, it owns by name: ``bill:…``,
        ``wallet:…``.  ``act`` may be called more than once, and in another thread.  Raises as
        :meth:`transaction`, and ``too_many_waiting``.
        """

    def reading(self, *, at_rest: bool = False) -> AbstractContextManager[Transaction]:
        """Read one consistent state; ``at_rest``: one at which nobody was writing."""

    def fix_time(self, choose: Callable[[datetime], datetime | None]) -> datetime | None:
        """Let the database's clock stand still at the time that is chosen, or follow the system for None.

        ``choose`` is given the time in force.  Raises ``RejectedError`` (``clock_went_back``).
        """

    def write_much(self) -> None:
        """Get ready to write millions of rows: from now on this store may take some 200 MB of memory."""

    def scrub(self) -> bool:
        """Rewrite the database so that nothing stays in it of what was deleted; outside a transaction.

        False where that could not be finished, since somebody else still reads an older state.
        """

    def schema_version(self) -> int:
        """The number of the newest migration that was applied to the database."""

    def seeded(self, seed: str) -> AbstractContextManager[None]:
        """Inside, every id follows from ``seed`` alone; for one who has the store to himself."""

    def start_anew(
        self,
        found: Callable[[Transaction], None],
        *,
        keeping: Sequence[str],
        at: datetime | None,
        seed: str | None,
    ) -> None:
        """Empty the database and found another scheme in it, in one transaction: there is either the old one
        or the new one, whatever happens.

        The rows of the tables ``keeping`` stay.  The clock stands still at ``at``, or follows the system.
        Nobody else may use this store meanwhile, nor afterwards: what it has prepared is about other tables.
        """

    def close(self) -> None: ...
