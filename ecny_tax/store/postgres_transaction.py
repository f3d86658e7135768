"""A transaction on PostgreSQL: what is written waits, and goes out together, in few round trips."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from hashlib import sha256
from itertools import chain, count, islice
from typing import TYPE_CHECKING

import psycopg

from ecny_tax.identifiers import IdSource
from ecny_tax.ledger.model import MAX_DISORDER
from ecny_tax.store.group import AloneNeeded
from ecny_tax.store.postgres_schema import WITHOUT_GAPS
from ecny_tax.store.postgres_wire import Connection, Statement
from ecny_tax.store.transaction import Row, Value

if TYPE_CHECKING:
    from ecny_tax.rulebook import Rulebook

_Parameters = dict[str, Value]
#: Rows of one statement up to which they go out with other statements, and from which on they are copied.
_FEW, _MANY = 4, 50
#: Statements that go out together, at most.
_TOGETHER = 16
_streams = count(1)
_MARK = re.compile(r"'(?:[^']|'')*'|(?<!:):(?P<name>[a-z_][a-z0-9_]*)|\?|%")
_WRITTEN = re.compile(r"(?:INSERT INTO|UPDATE|DELETE FROM) (\w+)")
_WORD = re.compile(r"\w+")
_PLAIN_INSERT = re.compile(r"INSERT INTO (\w+)(?: (\([a-z_, ]+\)))? VALUES \([?, ]+\)")


class PostgresTransaction:
    """See :class:`ecny_tax.store.transaction.Transaction`.

    Statements that write and answer nothing wait until something is asked, or until the end, and go out as
    one (``WITH a AS (INSERT …), b AS (UPDATE …) …``).  Those are run side by side by the server, each on the
    state before all of them: so none names a table that another one writes.
    """

    __slots__ = ("_connection", "_is_alone", "_rules", "_tables", "_waiting", "ids", "now")

    def __init__(
        self,
        connection: Connection,
        now: datetime,
        ids: IdSource,
        rules: Callable[[], Rulebook],
        *,
        is_alone: bool,
    ) -> None:
        self._is_alone = is_alone
        self._connection = connection
        self._rules = rules
        self._waiting: list[tuple[str, _Parameters]] = []
        self._tables: set[str] = set()
        self.now = now
        self.ids = ids

    @property
    def rulebook(self) -> Rulebook:
        return self._rules()

    @property
    def disorder(self) -> int:
        return MAX_DISORDER

    @property
    def goes_on(self) -> bool:
        return self._connection.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        wire = self._connection.wire
        wire.ask(*self._taken(), (b"SAVEPOINT part", ()))
        try:
            yield
            wire.ask(*self._taken(), (b"RELEASE part", ()))
        except BaseException:
            self._waiting.clear()  # it is never sent
            self._tables.clear()
            wire.ask_plainly(b"ROLLBACK TO part; RELEASE part")
            raise

    def be_alone(self) -> None:
        if not self._is_alone:
            raise AloneNeeded

    def as_bytes(self, column: str) -> str:
        return f"convert_to({column}, 'UTF8')"

    def row(self, sql: str, **parameters: Value) -> Row | None:
        found = self._ask(sql, parameters)
        return found[0] if found else None

    def rows(self, sql: str, **parameters: Value) -> list[Row]:
        return self._ask(sql, parameters)

    def stream(self, sql: str, **parameters: Value) -> Iterable[Row]:
        self.flush()
        with self._connection.cursor(name=f"s{next(_streams)}") as cursor:
            cursor.itersize = 2_000
            yield from cursor.execute(_native(sql), parameters)

    def rows_among(self, select: str, column: str, keys: Sequence[int] | Sequence[str]) -> list[Row]:
        return self._ask(f"{select} WHERE {column} = ANY(:keys)", {"keys": list(keys)})

    def run(self, sql: str, **parameters: Value) -> None:
        self._wait(sql, [parameters])

    def run_many(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        several = iter(rows)
        first = list(islice(several, _MANY))
        if len(first) <= _FEW:
            self._wait_with_rows(sql, first)
            return
        self.flush()
        plain = _PLAIN_INSERT.fullmatch(sql)
        if len(first) == _MANY and plain is not None and plain[1] not in WITHOUT_GAPS:
            table, columns = plain.groups()
            with self._connection.cursor().copy(f"COPY {table} {columns or ''} FROM STDIN".encode()) as copy:
                for row in chain(first, several):
                    copy.write_row([int(value) if type(value) is bool else value for value in row])
        else:
            self._connection.cursor().executemany(_native(sql), map(_numbered, chain(first, several)))

    def _ask(self, sql: str, parameters: Mapping[str, Value | Sequence[int | str]]) -> list[Row]:
        """Send what waits, and a query, whose rows are answered."""
        statement, names = _on_the_wire((sql,))
        values = [parameters[name[:-2]] for name in names]
        return self._connection.wire.ask(*self._taken(), (statement, values))

    def flush(self) -> None:
        """Send what waits."""
        if self._waiting:
            self._connection.wire.ask(*self._taken())

    def commit(self) -> bytes | None:
        """Send what waits, and commit; what the server says it did (``COMMIT``, or ``ROLLBACK``)."""
        wire = self._connection.wire
        wire.ask(*self._taken(), (b"COMMIT", ()))
        return wire.done

    def _taken(self) -> list[Statement]:
        """What waits, as one statement, which is sent now; nothing where nothing does."""
        if not self._waiting:
            return []
        waiting, self._waiting = self._waiting, []
        self._tables.clear()
        statement, names = _on_the_wire(tuple(sql for sql, _ in waiting))
        named = {
            f"{name} {n}": value for n, (_, given) in enumerate(waiting) for name, value in given.items()
        }
        return [(statement, [named[name] for name in names])]

    def _wait_with_rows(self, sql: str, rows: list[Sequence[Value]]) -> None:
        if sql.startswith("UPDATE") or len(rows) == 1:
            self._wait(sql, [_numbered(row) for row in rows])
        elif rows and all(None not in row for row in rows) and (longer := _with_rows(sql, len(rows))):
            self._wait(longer, [_numbered([value for row in rows for value in row])])
        elif rows:
            self.flush()
            self._connection.cursor().executemany(_native(sql), map(_numbered, rows))

    def _wait(self, sql: str, rows: list[_Parameters]) -> None:
        """Let a statement wait, with rows of its own that it does not touch twice; or send it now."""
        written = _WRITTEN.match(sql)
        if written is None:
            self.row(sql, **rows[0])
            return
        if not self._tables.isdisjoint(_words(sql)) or len(self._waiting) + len(rows) > _TOGETHER:
            self.flush()
        self._tables.add(written[1])
        self._waiting += [(sql, row) for row in rows]


def _numbered(row: Sequence[Value]) -> _Parameters:
    return {f"p{place}": value for place, value in enumerate(row)}


@cache
def _native(sql: str) -> bytes:
    """The text with its parameters as psycopg marks them; they are bound by the server, as on SQLite.

    Parameters without a name are called p0, p1, …
    """
    places = count()

    def mark(found: re.Match[str]) -> str:
        if name := found["name"]:
            return f"%({name})s"
        return f"%(p{next(places)})s" if found[0] == "?" else found[0].replace("%", "%%")

    return _MARK.sub(mark, sql).encode()


@cache
def _on_the_wire(statements: tuple[str, ...]) -> tuple[bytes, tuple[str, ...]]:
    """Statements as one, with parameters as the server marks them, and the names of those in their order; of
    several statements, each name with the place of its own."""
    names: dict[str, int] = {}
    texts = []
    for number, sql in enumerate(statements):
        places, end = count(), f" {number}"

        def mark(found: re.Match[str]) -> str:
            if found["name"] is None and found[0] != "?":
                return found[0]
            name = (found["name"] or f"p{next(places)}") + end  # noqa: B023 - called before the next one
            return f"${names.setdefault(name, len(names) + 1)}"

        texts.append(_MARK.sub(mark, sql))
    if len(texts) == 1:
        return texts[0].encode(), tuple(names)
    parts = ", ".join(f"w{number} AS ({text})" for number, text in enumerate(texts))
    return f"WITH {parts} SELECT 1".encode(), tuple(names)


@cache
def _words(sql: str) -> frozenset[str]:
    return frozenset(_WORD.findall(sql))


@cache
def _with_rows(sql: str, rows: int) -> str | None:
    """A plain INSERT of so many rows, which are numbered in their order; None of another statement."""
    plain = _PLAIN_INSERT.fullmatch(sql)
    if plain is None or plain[1] in WITHOUT_GAPS:
        return None
    row = sql[sql.rindex("(") :]
    return sql + f", {row}" * (rows - 1)


def lock_key(name: str) -> int:
    """The number of the lock that stands for a name; where two names share one, somebody waits in vain."""
    return int.from_bytes(sha256(name.encode("utf-8", "surrogatepass")).digest()[:8], "big", signed=True)
