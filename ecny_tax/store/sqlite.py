"""The store on SQLite: write-ahead log, every commit on disk before it is acknowledged."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from ecny_tax.clock import Clock, SystemClock, from_micros, micros, within_range
from ecny_tax.errors import InvalidInputError, UnavailableError
from ecny_tax.identifiers import IdSource
from ecny_tax.store.group import Group
from ecny_tax.store.migrations import APPLICATION_ID, make_anew, migrate, newest_version
from ecny_tax.store.simulated_clock import FIXED_TIME, check_not_before
from ecny_tax.store.transaction import Row, Transaction, Value, Watcher

if TYPE_CHECKING:
    from ecny_tax.rulebook import Rulebook

#: How long a writer waits for another one, in seconds, and in one go: while SQLite waits, it heeds no Ctrl-C.
BUSY_SECONDS = 30.0
_NAP_SECONDS = 0.5
_MUCH_KIB = 192 * 1024  # of the database, at most, in the memory of whoever writes much
_FEW = 4  # rows that are fetched faster one by one
_T = TypeVar("_T")
_Stamp = tuple[int, int, bool]
MEMORY = ":memory:"
_SHORTEST = 512  # bytes: the smallest page
_TIMES = (
    f"SELECT ({FIXED_TIME}), t.posted_at, t.id, t.seq,"
    # Where somebody else has added a row to a whole log, its mark stays as it is, and tells.  To most
    # transactions the log is growing, and they need not count.
    " (SELECT CASE WHEN substr(m.value, 1, 5) = 'whole' THEN m.value LIKE 'whole ' || (coalesce(t.seq, 0)"
    " + coalesce((SELECT max(place) FROM event), 0)) || ' %' END FROM meta m WHERE m.name = 'mark')"
    " FROM (SELECT max(seq) AS newest FROM transfer) LEFT JOIN transfer t ON t.seq = newest"
)
#: What says whose a file is; in one statement, since another process may be making its tables now.
_MARKS = "SELECT (SELECT count(*) FROM sqlite_schema), * FROM pragma_application_id, pragma_user_version"


class SqliteStore:
    """One SQLite file (or memory) and one connection to it, shared by the threads of a process in turn."""

    engine = "sqlite"

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: str,
        clock: Clock | None,
        ids: IdSource,
        rulebook: Rulebook | None,
        frozen: _Stamp | None,
    ) -> None:
        self.path = path
        self._connection = connection
        self._clock = clock
        self._ids = ids
        self._rulebook = rulebook
        self._frozen = frozen
        self._lock = threading.RLock()
        self._refusals = _Refusals(path)
        self._group = Group(self)
        self.watcher: Watcher | None = None

    @classmethod
    def open(
        cls,
        path: str,
        *,
        clock: Clock | None = None,
        seed: str | None = None,
        rulebook: Rulebook | None = None,
    ) -> SqliteStore:
        """Open the file, making or migrating it as needed; ``:memory:`` is a database of this object alone.

        ``clock`` overrides the database's own clock; ``seed`` makes the ids the same in every run;
        ``rulebook`` stands in the place of the package's.
        Raises ``UnavailableError`` for a file that is not ours, newer, locked, or cannot be written.
        """
        _check_size(path)
        named = path
        path = path if path == MEMORY else os.path.realpath(path)  # SQLite keeps its files beside the target
        with _Refusals(named):
            connection, frozen = _connect(path, timeout=_NAP_SECONDS)
            try:
                _prepare(connection, named)
                opening = 0 if seed is None else patiently(lambda: _count_seeded_opening(connection))
            except BaseException:
                connection.close()
                raise
        ids = IdSource(None if seed is None else f"{seed}/{opening}")
        return cls(connection, path, clock, ids, rulebook, frozen)

    @property
    def rulebook(self) -> Rulebook:
        if self._rulebook is None:
            from ecny_tax.rulebook import PACKAGE  # imported late: many a command needs no rule

            self._rulebook = PACKAGE
        return self._rulebook

    def transaction(self) -> AbstractContextManager[SqliteTransaction]:
        return _Writing(self, self._begun)

    def _begun(self) -> _Begun:
        fixed, newest_at, newest_id, newest, is_whole = self._connection.execute(_TIMES).fetchone()
        now = self._time(fixed)
        at = micros(now)
        if newest_at is not None:
            check_not_before(newest_at, at)
            if newest_at // 1000 == at // 1000:  # so that no new id is below a stored one
                self._ids.go_on_after(newest_id, now)
        return SqliteTransaction(self._connection, now, self._ids, self), newest or 0, bool(is_whole)

    def concurrently(self, act: Callable[[Transaction], _T], *names: str) -> _T:
        return self._group.run(act, names)

    def shared(self, _names: Sequence[str]) -> AbstractContextManager[SqliteTransaction]:
        """There is one writer at a time, whatever it owns."""
        return self.transaction()

    def is_to_be_repeated(self, _error: BaseException) -> bool:
        return False

    def untimed(self) -> AbstractContextManager[SqliteTransaction]:
        return _Writing(self, self._begun_untimed)

    def _begun_untimed(self) -> _Begun:
        return SqliteTransaction(self._connection, SystemClock().now(), self._ids, self), None, False

    @contextmanager
    def reading(self, *, at_rest: bool = False) -> Iterator[SqliteTransaction]:  # noqa: ARG002 - it always is
        with self._lock, self._refusals:
            self._look_again()
            fixed = patiently(self._begin_reading)
            try:
                yield SqliteTransaction(self._connection, self._time(fixed), self._ids, self)
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def fix_time(self, choose: Callable[[datetime], datetime | None]) -> datetime | None:
        with self.untimed():
            fixed, newest_at, *_ = self._connection.execute(_TIMES).fetchone()
            time = choose(self._time(fixed))
            if newest_at is not None:
                check_not_before(newest_at, micros(time or SystemClock().now()))
            self._connection.execute("DELETE FROM meta WHERE name = 'fixed_time'")
            if time is not None:
                self._connection.execute("INSERT INTO meta VALUES ('fixed_time', ?)", (str(micros(time)),))
            return time

    def write_much(self) -> None:
        """Pages that a long run touches stay in memory: each is read and written once a transaction."""
        with self._lock, self._refusals:
            self._connection.execute(f"PRAGMA cache_size = -{_MUCH_KIB}")

    def scrub(self) -> bool:
        """Secure deletion clears what is deleted in place; copies that moving rows between pages left behind
        go with a file that is written anew, and the log with them."""
        with self._lock, self._refusals:
            patiently(lambda: self._connection.execute("VACUUM"))
            busy, _pages, _moved = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not busy

    def schema_version(self) -> int:
        with self._lock, self._refusals:
            row = patiently(lambda: self._connection.execute("PRAGMA user_version").fetchone())
            return int(row[0])

    def seeded(self, seed: str) -> AbstractContextManager[None]:
        return self._ids.seeded(seed)

    def start_anew(
        self,
        found: Callable[[Transaction], None],
        *,
        keeping: Sequence[str],
        at: datetime | None,
        seed: str | None,
    ) -> None:
        with self._lock, self._refusals:
            self._connection.execute("PRAGMA foreign_keys = OFF")
            try:
                begin_writing(self._connection)
                make_anew(self._connection, keeping)
                if at is not None:
                    self._connection.execute("INSERT INTO meta VALUES ('fixed_time', ?)", (str(micros(at)),))
                now = self._time(None if at is None else str(micros(at)))
                found(SqliteTransaction(self._connection, now, IdSource(seed), self))
                self._connection.execute("COMMIT")
            finally:
                self._roll_back()
                self._connection.execute("PRAGMA foreign_keys = ON")

    def _roll_back(self) -> None:
        if self._connection.in_transaction:  # a full disk, say, has ended it already
            self._connection.execute("ROLLBACK")

    def _look_again(self) -> None:
        """A file that is read as it lies there may have been written by somebody who can."""
        if self._frozen is not None and _stamp(self.path) != self._frozen:
            self._connection.close()
            self._connection, self._frozen = _connect(self.path, timeout=_NAP_SECONDS)

    def _begin_reading(self) -> str | None:
        """Start a transaction and read the fixed time: reading is what fixes the state that it sees."""
        self._connection.execute("BEGIN")
        try:
            row = self._connection.execute(FIXED_TIME).fetchone()
            return row[0] if row else None
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _time(self, fixed: str | None) -> datetime:
        """The time in force: of the clock given, or where the database's own stands still, or now."""
        if self._clock is not None:
            return within_range(self._clock.now())
        return from_micros(int(fixed)) if fixed else SystemClock().now()


def fixed_time_of(path: str) -> datetime | None:
    """The time at which the clock of a database stands still; None where there is no such database or time.

    It only looks: nothing is made, locked or refused.
    """
    try:
        connection = look(path)
    except (sqlite3.Error, ValueError, OSError):
        return None
    try:
        row = connection.execute(FIXED_TIME).fetchone()
        return from_micros(int(row[0])) if row else None
    except (sqlite3.Error, ValueError):
        return None
    finally:
        connection.close()


def look(path: str) -> sqlite3.Connection:
    """A connection that only reads and waits for nobody; raises what ``sqlite3`` raises."""
    return _connect(os.path.realpath(path), timeout=0, to_write=False)[0]


class SqliteTransaction:
    """See :class:`ecny_tax.store.transaction.Transaction`."""

    __slots__ = ("_connection", "_store", "ids", "now")

    def __init__(
        self, connection: sqlite3.Connection, now: datetime, ids: IdSource, store: SqliteStore
    ) -> None:
        self._connection = connection
        self._store = store
        self.now = now
        self.ids = ids

    @property
    def rulebook(self) -> Rulebook:
        return self._store.rulebook

    @property
    def disorder(self) -> int:
        return 0

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        self._connection.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            if self.goes_on:
                self._connection.execute("ROLLBACK TO part")
                self._connection.execute("RELEASE part")
            raise
        self._connection.execute("RELEASE part")

    @property
    def goes_on(self) -> bool:
        return self._connection.in_transaction

    def be_alone(self) -> None:
        """It always is."""

    def as_bytes(self, column: str) -> str:
        return f"CAST({column} AS BLOB)"

    def row(self, sql: str, **parameters: Value) -> Row | None:
        found: Row | None = self._connection.execute(sql, parameters).fetchone()
        return found

    def rows(self, sql: str, **parameters: Value) -> list[Row]:
        return self._connection.execute(sql, parameters).fetchall()

    def stream(self, sql: str, **parameters: Value) -> Iterable[Row]:
        return self._connection.execute(sql, parameters)

    def rows_among(self, select: str, column: str, keys: Sequence[int] | Sequence[str]) -> list[Row]:
        if len(keys) <= _FEW:
            return [row for key in keys for row in self.rows(f"{select} WHERE {column} = :key", key=key)]
        sql = f"{select} WHERE {column} IN (SELECT value FROM json_each(:keys))"
        return self._connection.execute(sql, {"keys": json.dumps(keys)}).fetchall()

    def run(self, sql: str, **parameters: Value) -> None:
        self._connection.execute(sql, parameters)

    def run_many(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        self._connection.executemany(sql, rows)


def _connect(path: str, *, timeout: float, to_write: bool = True) -> tuple[sqlite3.Connection, _Stamp | None]:
    """Open the file, to be read alone where it cannot be written.

    Where nothing can be made beside it, and nobody who can has it open, it is read as it lies there: the
    second answer then tells its state, so that a change can be seen.
    """
    closed = os.path.isfile(path) and not _can_be_written(path)
    if to_write and not closed:
        return _opened(path, timeout), None
    uri = f"{Path(path).absolute().as_uri()}?mode=ro"
    if not closed or os.path.isfile(f"{path}-shm") or _holds_commits(f"{path}-wal"):
        return _opened(uri, timeout), None
    frozen = _stamp(path)
    return _opened(f"{uri}&immutable=1", timeout), frozen


def _opened(name: str, timeout: float) -> sqlite3.Connection:
    return sqlite3.connect(
        name, timeout=timeout, isolation_level=None, check_same_thread=False, uri=name.startswith("file:")
    )


def _holds_commits(log: str) -> bool:
    return os.path.isfile(log) and os.path.getsize(log) > 0


def _can_be_written(path: str) -> bool:
    folder = os.path.dirname(path) or "."
    return os.access(path, os.W_OK) and (os.access(folder, os.W_OK) or os.path.isfile(f"{path}-shm"))


def _stamp(path: str) -> _Stamp:
    """What changes when somebody writes the file, or opens it to write."""
    found = os.stat(path)
    return found.st_mtime_ns, found.st_size, os.path.exists(f"{path}-shm")


#: A transaction that has begun; of one that bears a time, the newest transfer before it, and whether the log
#: was whole then.
_Begun = tuple[SqliteTransaction, int | None, bool]


class _Writing:
    """A transaction that holds the write lock: it commits when its block ends, unless that raises.

    A class, not a generator, since it stands around every payment.
    """

    __slots__ = ("_begin", "_is_whole", "_newest", "_store", "_tx")

    def __init__(self, store: SqliteStore, begin: Callable[[], _Begun]) -> None:
        self._store = store
        self._begin = begin

    def __enter__(self) -> SqliteTransaction:
        store = self._store
        store._lock.acquire()
        try:
            with store._refusals:
                begin_writing(store._connection)
                try:
                    self._tx, self._newest, self._is_whole = self._begin()
                except BaseException:
                    store._roll_back()
                    raise
        except BaseException:
            store._lock.release()
            raise
        return self._tx

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        store = self._store
        watcher = store.watcher if self._newest is not None else None
        try:
            with store._refusals:
                self._end(error is None)
            store._refusals.__exit__(kind, error, trace)
        finally:
            store._lock.release()
        if watcher is not None and error is None:
            watcher.after_commit(self._newest or 0)

    def _end(self, is_good: bool) -> None:
        """Commit, or roll back."""
        store = self._store
        try:
            if is_good:
                if self._is_whole and store.watcher is not None:
                    store.watcher.before_commit(self._tx)
                store._connection.execute("COMMIT")
        finally:
            store._roll_back()  # does nothing after a commit


def _check_size(path: str) -> None:
    """Refuse a file too short to be SQLite's before SQLite, which takes one of a byte for empty, opens it.

    Of longer ones it says itself whether they are its own.  Nobody else may look: when a program closes a
    file, the system takes all its locks on it away, those of SQLite's other connections included.
    """
    try:
        size = os.stat(path).st_size
    except (OSError, ValueError):
        return  # there is none yet, or SQLite will say what is wrong with it
    if 0 < size < _SHORTEST:
        raise UnavailableError("database_foreign", path=path)


def _prepare(connection: sqlite3.Connection, path: str) -> None:
    """Bring a connection and its file into the state that every transaction relies on."""
    tables, application_id, version = patiently(lambda: connection.execute(_MARKS).fetchone())
    if (application_id, version > 0) != ((APPLICATION_ID, True) if tables else (0, False)):
        raise UnavailableError("database_foreign", path=path)
    if version > newest_version():
        raise UnavailableError("database_newer", path=path, version=version, known=newest_version())
    _use_write_ahead_log(connection)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")  # an erased identity leaves no bytes behind
    patiently(lambda: migrate(connection))


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Switch once; SQLite does not wait by itself when two processes switch a new file at the same time."""
    if patiently(lambda: connection.execute("PRAGMA journal_mode").fetchone()[0]) not in ("wal", "memory"):
        patiently(lambda: connection.execute("PRAGMA journal_mode = WAL"))


def _count_seeded_opening(connection: sqlite3.Connection) -> int:
    """How often this file was opened with a seed before: a reopened run must not repeat its ids."""
    connection.execute(
        "INSERT INTO meta VALUES ('seeded_openings', '1')"
        " ON CONFLICT (name) DO UPDATE SET value = CAST(value AS INTEGER) + 1"
    )
    row = connection.execute("SELECT value FROM meta WHERE name = 'seeded_openings'").fetchone()
    return int(row[0])


def begin_writing(connection: sqlite3.Connection) -> None:
    """Start a transaction that holds the one write lock, waiting for it as long as is due."""
    patiently(lambda: connection.execute("BEGIN IMMEDIATE"))


def patiently(act: Callable[[], _T]) -> _T:
    """Try again while another process holds the lock, for up to ``BUSY_SECONDS``."""
    deadline = None
    while True:
        try:
            return act()
        except sqlite3.OperationalError as error:
            if deadline is None:
                deadline = time.monotonic() + BUSY_SECONDS
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.001)


_CODES = {
    sqlite3.SQLITE_BUSY: "database_busy",
    sqlite3.SQLITE_LOCKED: "database_busy",
    sqlite3.SQLITE_READONLY: "database_unwritable",
    sqlite3.SQLITE_CANTOPEN: "database_unwritable",
    sqlite3.SQLITE_PERM: "database_unwritable",
    sqlite3.SQLITE_FULL: "disk_full",
    sqlite3.SQLITE_NOTADB: "database_foreign",
    sqlite3.SQLITE_CORRUPT: "database_damaged",
}


class _Refusals:
    """Turns what SQLite says about its file into our refusals; faults of our own statements stay bugs.

    A class, not a generator, since it stands around every transaction.
    """

    __slots__ = ("_path",)

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None:
            return
        if isinstance(error, UnicodeEncodeError):  # a lone surrogate in something a caller gave
            raise InvalidInputError("text_malformed", value=ascii(error.object)) from None
        if isinstance(error, UnicodeDecodeError):  # a text in the file's schema that is none
            raise UnavailableError("database_damaged", path=self._path) from None
        if isinstance(error, sqlite3.ProgrammingError):
            if "closed database" in str(error):
                raise UnavailableError("database_closed", path=self._path) from None
        elif isinstance(error, sqlite3.DatabaseError):
            is_no_text = str(error).startswith("Could not decode to UTF-8")
            code = "database_damaged" if is_no_text else self._code(getattr(error, "sqlite_errorcode", 0))
            if code is not None:
                raise UnavailableError(code, path=self._path) from error

    def _code(self, extended: int) -> str | None:
        if extended == sqlite3.SQLITE_IOERR_WRITE:
            return "disk_full"  # a quota or a limit on file size; a full disk mostly has a code of its own
        if extended & 0xFF == sqlite3.SQLITE_IOERR:
            return "disk_full" if _no_space_beside(Path(self._path)) else "database_unwritable"
        return _CODES.get(extended & 0xFF)


def _no_space_beside(path: Path) -> bool:
    """SQLite reports a full disk under its shared memory file as a plain input-output error."""
    import shutil

    try:
        return shutil.disk_usage(path.parent).free < 64 * 1024
    except OSError:
        return False
