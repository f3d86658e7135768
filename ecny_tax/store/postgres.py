"""The store on PostgreSQL: many processes at once, on a server of their own.

A writing transaction is the only one there is, as on SQLite: it holds an advisory lock of the database.  Use
cases that lock by themselves what they touch (see :meth:`PostgresStore.concurrently`) share that lock.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

import psycopg
from psycopg import errors as pg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import ConnectionPool, PoolTimeout

from ecny_tax.clock import Clock, SystemClock, from_micros, micros, within_range
from ecny_tax.errors import InvalidInputError, UnavailableError
from ecny_tax.identifiers import IdSource
from ecny_tax.ledger.model import AccountCode, Ledger, TransferCode
from ecny_tax.store.group import Group
from ecny_tax.store.postgres_refusals import Refusals, shown
from ecny_tax.store.postgres_schema import make_anew, migrate, version_of
from ecny_tax.store.postgres_transaction import PostgresTransaction, lock_key
from ecny_tax.store.postgres_wire import Connection
from ecny_tax.store.simulated_clock import FIXED_TIME, check_not_before
from ecny_tax.store.transaction import Row, Transaction, Watcher

if TYPE_CHECKING:
    from ecny_tax.rulebook import Rulebook

# The pool warns of every connection that it makes anew; what a caller must know of it, our refusals say.
logging.getLogger("psycopg.pool").addHandler(logging.NullHandler())
_T = TypeVar("_T")
_TWO_ATS = re.compile(r"\w+://[^/?]*@[^/?]*@")
#: How long a writer waits for another one, in seconds, and somebody who wants a connection for one.
BUSY_SECONDS = 30.0
#: How long a lost server is tried in vain before somebody who waits has it tried anew, without the pauses
#: that grow and grow: programs go on soon after it is back.
RETRY_SECONDS = 1.0
#: How long a transaction, or whoever reads at rest, may do nothing before the server ends it: a stopped
#: program must not hold up others.
IDLE_SECONDS = 60.0
#: How long a transaction beside others may take from its time to its commit: what is left of a minute is for
#: the way there, see ``MAX_DISORDER``.
MAX_SHARED_SECONDS = 45.0
#: What libpq is told where the URL says nothing of it: how long it tries to connect, and when a connection of
#: which nothing is heard counts as lost (a machine without power closes none), in seconds and milliseconds.
_CONNECTING: dict[str, str | int] = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 30_000,
    "application_name": "ecny-tax",
}
#: Connections of one store; each is a process of the server.
MAX_CONNECTIONS = 16
#: The key of the advisory lock that every writer holds, alone or shared with others ("eCNY").
_WRITERS = 0x65434E59
_SERVER_TIME = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
_BEGIN_ALONE = f"BEGIN; SELECT * FROM begin_writing({_WRITERS}, true, '{{}}')"
_BEGIN_READING = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT ({FIXED_TIME}), {_SERVER_TIME}"
#: Numbers that were taken and not used, since whoever took them gave up: each becomes an empty transfer
#: (作废号), so that the journal has no gaps.
_VOID_UNUSED = f"""
INSERT INTO transfer
    (seq, id, debit_account_id, credit_account_id, amount, ledger, code, flags, user_data, posted_at)
SELECT n, substr(b.id, 1, 6) || substr(uuid_send(gen_random_uuid()), 7), i.id, v.id, 0, {Ledger.ECNY:d},
    {TransferCode.VOID:d}, 0, '', b.posted_at
FROM generate_series(
    (SELECT coalesce(max(transfers), 0) + 1 FROM checkpoint), (SELECT max(seq) FROM transfer)) n,
    LATERAL (SELECT id, posted_at FROM transfer WHERE seq < n ORDER BY seq DESC LIMIT 1) b,
    (SELECT id FROM account WHERE code = {AccountCode.ISSUANCE:d}) i,
    (SELECT id FROM account WHERE code = {AccountCode.OPERATOR_VAULT:d} ORDER BY id LIMIT 1) v
WHERE NOT EXISTS (SELECT 1 FROM transfer WHERE seq = n) ORDER BY n
"""


class PostgresStore:
    """One database of a PostgreSQL server, with a pool of connections that the threads of a process share."""

    engine = "postgresql"

    def __init__(
        self,
        url: str,
        pool: ConnectionPool[Connection],
        clock: Clock | None,
        seed: str | None,
        rulebook: Rulebook | None,
    ) -> None:
        self.path = shown(url)
        self._url = url
        self._pool = pool
        self._clock = clock
        self._seeded = None if seed is None else IdSource(seed)
        self._rulebook = rulebook
        self._group = Group(self)
        self.watcher: Watcher | None = None

    @classmethod
    def open(
        cls,
        url: str,
        *,
        clock: Clock | None = None,
        seed: str | None = None,
        rulebook: Rulebook | None = None,
    ) -> PostgresStore:
        """Connect to the database, making or migrating the tables in it as needed.

        ``url`` is a ``postgresql://`` one as libpq has it, several hosts included.  The other arguments are
        those of ``SqliteStore.open``.  Raises ``UnavailableError``: ``database_unreachable``,
        ``database_login_refused``, ``database_foreign``, ``database_newer``, ``database_busy``.
        """
        settings = _settings(url)
        with Refusals(shown(url)):
            with Connection.connect(settings, autocommit=True) as connection:
                _configure(connection)
                migrate(connection, shown(url))
                opening = 0 if seed is None else _count_seeded_opening(connection)
            pool = ConnectionPool(
                settings,
                kwargs={"autocommit": True},
                connection_class=Connection,
                configure=_configure,
                min_size=0,
                max_size=MAX_CONNECTIONS,
                timeout=BUSY_SECONDS,
                reconnect_timeout=RETRY_SECONDS,
                open=True,
            )
        return cls(url, pool, clock, None if seed is None else f"{seed}/{opening}", rulebook)

    @property
    def rulebook(self) -> Rulebook:
        if self._rulebook is None:
            from ecny_tax.rulebook import PACKAGE  # imported late: many a command needs no rule

            self._rulebook = PACKAGE
        return self._rulebook

    def _rules(self) -> Rulebook:
        return self.rulebook

    def transaction(self) -> AbstractContextManager[PostgresTransaction]:
        return self._writing(_BEGIN_ALONE, is_alone=True)

    def concurrently(self, act: Callable[[Transaction], _T], *names: str) -> _T:
        return self._group.run(act, names)

    def shared(self, names: Sequence[str]) -> AbstractContextManager[PostgresTransaction]:
        if self._clock is not None:
            return self.transaction()  # others do not follow that clock: times would be in no order
        keys = ",".join(map(str, sorted(map(lock_key, names))))
        begin = f"BEGIN; SELECT * FROM begin_writing({_WRITERS}, false, '{{{keys}}}')"
        return self._writing(begin, is_alone=False)

    def is_to_be_repeated(self, error: BaseException) -> bool:
        cause = error.__cause__ if isinstance(error, UnavailableError) else error
        return isinstance(
            cause,
            pg.DeadlockDetected | pg.SerializationFailure | pg.UniqueViolation | pg.InFailedSqlTransaction,
        )

    @contextmanager
    def _writing(self, begin: str, *, is_alone: bool) -> Iterator[PostgresTransaction]:
        with self._connected(begin) as (connection, times):
            start = time.monotonic()
            fixed, server, newest_at, newest_id, newest, is_whole = times
            now = self._time(fixed, server)
            ids = self._seeded or IdSource()
            if newest_at is not None:
                check_not_before(newest_at, micros(now))
                if newest_at // 1000 == micros(now) // 1000:
                    ids.go_on_after(newest_id, now)
            tx = PostgresTransaction(connection, now, ids, self._rules, is_alone=is_alone)
            yield tx
            if is_whole and self.watcher is not None:
                self.watcher.before_commit(tx)
            if time.monotonic() - start > MAX_SHARED_SECONDS and not is_alone:
                raise UnavailableError("database_busy", path=self.path)
            _commit(tx, connection, self.path)
        if self.watcher is not None:
            self.watcher.after_commit(newest or 0)

    @contextmanager
    def untimed(self) -> Iterator[PostgresTransaction]:
        with self._connected(_BEGIN_ALONE) as (connection, _times):
            ids = self._seeded or IdSource()
            tx = PostgresTransaction(connection, SystemClock().now(), ids, self._rules, is_alone=True)
            yield tx
            _commit(tx, connection, self.path)

    @contextmanager
    def reading(self, *, at_rest: bool = False) -> Iterator[PostgresTransaction]:
        with self._connected(_BEGIN_READING, at_rest=at_rest) as (connection, (fixed, server)):
            ids = self._seeded or IdSource()
            yield PostgresTransaction(connection, self._time(fixed, server), ids, self._rules, is_alone=False)

    def fix_time(self, choose: Callable[[datetime], datetime | None]) -> datetime | None:
        with self._connected(_BEGIN_ALONE) as (connection, (fixed, server, newest_at, *_)):
            time = choose(self._time(fixed, server))
            if newest_at is not None:
                check_not_before(newest_at, micros(time or from_micros(server)))
            tx = PostgresTransaction(connection, from_micros(server), IdSource(), self._rules, is_alone=True)
            tx.run("DELETE FROM meta WHERE name = 'fixed_time'")
            if time is not None:
                tx.run("INSERT INTO meta VALUES ('fixed_time', :value)", value=str(micros(time)))
            _commit(tx, connection, self.path)
            return time

    def write_much(self) -> None:
        """How much memory the server takes is the server's affair."""

    def scrub(self) -> bool:
        """Rows that were deleted leave their bytes in the pages of a table until it is written anew.

        False where somebody still reads an older state; copies in the server's log go as it is recycled.
        """
        with Refusals(self.path), self._pool.connection() as connection:
            connection.execute("SET lock_timeout = '5s'")
            try:
                for table in ("identity", "subject_key"):
                    connection.execute(f"VACUUM (FULL) {table}")
            except pg.LockNotAvailable:
                return False
            finally:
                connection.execute(f"SET lock_timeout = '{BUSY_SECONDS:.0f}s'")
            return True

    def schema_version(self) -> int:
        with Refusals(self.path), self._pool.connection() as connection:
            return version_of(connection, self.path)

    @contextmanager
    def seeded(self, seed: str) -> Iterator[None]:
        before, self._seeded = self._seeded, IdSource(seed)
        try:
            yield
        finally:
            self._seeded = before

    def start_anew(
        self,
        found: Callable[[Transaction], None],
        *,
        keeping: Sequence[str],
        at: datetime | None,
        seed: str | None,
    ) -> None:
        with self._connected(_BEGIN_ALONE) as (connection, (_fixed, server, *_)):
            make_anew(connection, keeping)
            now = self._time(None if at is None else str(micros(at)), server)
            tx = PostgresTransaction(connection, now, IdSource(seed), self._rules, is_alone=True)
            if at is not None:
                tx.run("INSERT INTO meta VALUES ('fixed_time', :value)", value=str(micros(at)))
            found(tx)
            _commit(tx, connection, self.path)

    def close(self) -> None:
        self._pool.close()

    def _time(self, fixed: str | None, server: int) -> datetime:
        """The time in force: the given clock's, or where the database's own stands still, or the server's."""
        if self._clock is not None:
            return within_range(self._clock.now())
        return from_micros(int(fixed) if fixed else server)

    @contextmanager
    def _connected(self, begin: str, *, at_rest: bool = False) -> Iterator[tuple[Connection, Row]]:
        """A connection on which a transaction has begun, and what its first statement found.

        It is rolled back unless it was committed.  A connection that turns out to be dead when it begins,
        since the server was started again or another one took over, gives way to a new one.
        """
        with Refusals(self.path):
            connection, found = self._begun(begin, at_rest=at_rest)
            try:
                yield connection, found
            finally:
                _roll_back(connection)
                self._pool.putconn(connection)

    def _begun(self, begin: str, *, at_rest: bool) -> tuple[Connection, Row]:
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                left = max(0.1, deadline - time.monotonic())
                connection = self._pool.getconn(min(left, RETRY_SECONDS))
            except PoolTimeout:
                if left > RETRY_SECONDS:
                    continue
                with psycopg.connect(_settings(self._url)):  # says what is wrong, if it is the server
                    raise UnavailableError("database_busy", path=self.path) from None
            try:
                return connection, _at_rest(connection, begin) if at_rest else _last_row(connection, begin)
            except BaseException as error:
                is_lost = connection.closed or isinstance(error, pg.AdminShutdown | pg.CrashShutdown)
                if not is_lost:
                    _roll_back(connection)
                self._pool.putconn(connection)
                if not (is_lost and isinstance(error, psycopg.Error)) or time.monotonic() > deadline:
                    raise


_IDLE = psycopg.pq.TransactionStatus.IDLE


def _last_row(connection: Connection, statements: str) -> Row:
    """The row of the last of several statements, which go out together."""
    (found,) = connection.wire.ask_plainly(statements.encode())
    return found


def _at_rest(connection: Connection, begin: str) -> Row:
    """Begin to read at a moment when nobody writes: what is read then has no gaps that somebody will fill."""
    try:
        # A program that is stopped here is in no transaction.  The limit stays: where it ends a connection
        # that nobody uses, a new one is made.
        connection.execute(
            f"SET idle_session_timeout = '{IDLE_SECONDS:.0f}s'; SELECT pg_advisory_lock({_WRITERS})"
        )
        if connection.info.parameter_status("in_hot_standby") != "on":
            connection.execute(_VOID_UNUSED.encode())
        return _last_row(connection, begin)
    except BaseException:
        _roll_back(connection)  # else nothing is done on it any more, and it keeps the lock
        raise
    finally:
        if not connection.closed:
            connection.execute(f"SELECT pg_advisory_unlock({_WRITERS})")


def _configure(connection: Connection) -> None:
    """Bring a connection into the state that every transaction relies on."""
    connection.adapters.register_loader("numeric", _WholeNumber)
    connection.adapters.register_dumper(bool, _Flag)
    connection.execute(
        # Whoever waited for a lock sees what was committed meanwhile, whatever the server's default is.
        "SET default_transaction_isolation = 'read committed';"
        f" SET lock_timeout = '{BUSY_SECONDS:.0f}s'; SET client_encoding = 'UTF8';"
        f" SET idle_in_transaction_session_timeout = '{IDLE_SECONDS:.0f}s'"
    )


class _WholeNumber(psycopg.adapt.Loader):
    """A sum of fen, which the server gives as ``numeric``."""

    def load(self, data: psycopg.abc.Buffer) -> int:
        return int(bytes(data))


class _Flag(psycopg.adapt.Dumper):
    """A truth value, which stands in the columns as 0 or 1."""

    oid = 20  # bigint

    def dump(self, obj: bool) -> bytes:
        return b"1" if obj else b"0"


def _roll_back(connection: Connection) -> None:
    """End what has begun; a connection that cannot is not used again.

    By the wire: psycopg takes a ROLLBACK of its own for a reason to make the server forget every prepared
    statement, the wire's, too.
    """
    if not _is_lost(connection) and connection.info.transaction_status != _IDLE:
        with suppress(psycopg.Error):
            connection.wire.ask_plainly(b"ROLLBACK")
        if connection.info.transaction_status != _IDLE:
            connection.close()


def _commit(tx: PostgresTransaction, connection: Connection, path: str) -> None:
    """Commit; where the answer is lost, nobody knows whether that was done.

    Of a transaction in which a statement failed the server makes a rollback, and calls that no error.
    """
    if _is_lost(connection):  # before it was asked for
        raise UnavailableError("database_connection_lost", path=path, reason="nothing was committed")
    try:
        done = tx.commit()
    except psycopg.OperationalError as error:
        # What the server says when it is stopped may come after it has committed.
        if _is_lost(connection) or (error.sqlstate or "").startswith("57P0"):
            raise UnavailableError("database_outcome_unknown", path=path) from error
        raise
    if done != b"COMMIT":
        raise pg.InFailedSqlTransaction("what was to be committed was rolled back")


def _is_lost(connection: Connection) -> bool:
    return connection.closed


def _count_seeded_opening(connection: Connection) -> int:
    """How often this database was opened with a seed before: a reopened run must not repeat its ids."""
    row = connection.execute(
        "INSERT INTO meta VALUES ('seeded_openings', '1') ON CONFLICT (name)"
        " DO UPDATE SET value = (meta.value::bigint + 1)::text RETURNING value"
    ).fetchone()
    assert row is not None  # noqa: S101
    return int(row[0])


def fixed_time_of(url: str) -> datetime | None:
    """The time at which the clock of a database stands still; None where there is none, or no database."""
    try:
        with psycopg.connect(_settings(url)) as connection:
            row = connection.execute(FIXED_TIME).fetchone()
            return from_micros(int(row[0])) if row else None
    except (psycopg.Error, UnavailableError, InvalidInputError, ValueError):
        return None


def name_in(url: str) -> str:
    """The name of the database that a URL leads to, as far as it can be one of a file."""
    name = conninfo_to_dict(_settings(url)).get("dbname") or "postgres"
    return re.sub(r"[^\w.-]", "_", str(name))[:100]


def exists(url: str) -> bool:
    """Whether the tables of a scheme are in the database already."""
    with Refusals(shown(url)), psycopg.connect(_settings(url)) as connection:
        row = connection.execute("SELECT to_regclass('meta') IS NOT NULL").fetchone()
        return bool(row and row[0])


def _settings(url: str) -> str:
    """The settings of a connection; raises ``InvalidInputError`` (``database_url_malformed``)."""
    if _TWO_ATS.match(url):  # libpq would take part of the password for the host, and tell it
        raise InvalidInputError("database_url_malformed", value=shown(url))
    try:
        given = conninfo_to_dict(url)
        return make_conninfo(url, **{key: value for key, value in _CONNECTING.items() if key not in given})
    except psycopg.ProgrammingError:
        raise InvalidInputError("database_url_malformed", value=shown(url)) from None
