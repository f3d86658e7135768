"""Prepared statements straight over libpq, as psycopg wraps it.

A statement through a cursor of psycopg takes 45 to 70 µs of this program's processor, and so 15.  A payment
has three, and many programs share the server's machine with it.  So what is asked goes this way; copies and
streams go through cursors, on the same connection.
"""

from __future__ import annotations

import re
import select
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property

import psycopg
from psycopg import errors, pq
from psycopg.adapt import Transformer

from ecny_tax.errors import InvalidInputError
from ecny_tax.store.transaction import Row

#: A statement with its parameters marked $1, $2, …, and their values.
Statement = tuple[bytes, Sequence[object]]
_BYTES, _INTEGER = 17, 20
_TYPES = {bytes: _BYTES, bytearray: _BYTES, int: _INTEGER, bool: _INTEGER}
_TO_ESCAPE = re.compile(r'["\\]')
_BAD = (pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.BAD_RESPONSE, pq.ExecStatus.PIPELINE_ABORTED)


class Connection(psycopg.Connection[Row]):
    """A connection with its wire."""

    @cached_property
    def wire(self) -> Wire:
        return Wire(self)


class Wire:
    """The libpq connection below one of psycopg's, and the statements that are prepared on it."""

    def __init__(self, connection: Connection) -> None:
        self._pgconn = connection.pgconn
        self._loader = Transformer(connection)  # reads rows as the cursors do
        self.done: bytes | None = None  # what the server says that the last statement did
        self._prepared: dict[tuple[bytes, tuple[int, ...]], bytes] = {}

    def ask(self, *statements: Statement) -> list[Row]:
        """Run statements that go out together, all or, from the first that fails on, none of them; the rows
        of the last.

        Raises psycopg's errors.
        """
        ready = [self._prepared_for(sql, *_dumped(values)) for sql, values in statements]
        pgconn = self._pgconn
        if len(ready) == 1:
            pgconn.send_query_prepared(*ready[0])
            return self._rows(self._results()[-1])
        pgconn.enter_pipeline_mode()
        try:
            for one in ready:
                pgconn.send_query_prepared(*one)
            pgconn.pipeline_sync()
            answers = [self._results()[-1] for _ in ready]
            self._results(to_the_end=False)  # of the sync
        finally:
            # Where Ctrl-C struck, not everything has come; the connection is then closed, not used again.
            with suppress(psycopg.OperationalError):
                pgconn.exit_pipeline_mode()
        for result in answers:
            _check(result)
        return self._rows(answers[-1])

    def ask_plainly(self, statements: bytes) -> list[Row]:
        """Run statements without parameters, separated by semicolons; the rows of the last."""
        self._pgconn.send_query(statements)
        results = self._results()
        for result in results:
            _check(result)
        return self._rows(results[-1])

    def _rows(self, result: pq.abc.PGresult) -> list[Row]:
        _check(result)
        self.done = result.command_status
        if not result.ntuples:
            return []
        self._loader.set_pgresult(result)
        return self._loader.load_rows(0, result.ntuples, tuple)

    def _prepared_for(
        self,
        sql: bytes,
        values: list[pq.abc.Buffer | None],
        types: tuple[int, ...],
        formats: list[int] | None,
    ) -> tuple[bytes, list[pq.abc.Buffer | None], list[int] | None]:
        """The name of a statement that is prepared for values of these types, with the values."""
        name = self._prepared.get((sql, types))
        if name is None:
            name = b"w%d" % len(self._prepared)
            self._pgconn.send_prepare(name, sql, types)
            _check(self._results()[-1])
            self._prepared[sql, types] = name
        return name, values, formats

    def _results(self, *, to_the_end: bool = True) -> list[pq.abc.PGresult]:
        """The results of what was sent; the waiting heeds Ctrl-C."""
        pgconn, socket, found = self._pgconn, self._pgconn.socket, list[pq.abc.PGresult]()
        while pgconn.flush():
            select.select([socket], [socket], [])
            pgconn.consume_input()
        while True:
            while pgconn.is_busy():
                select.select([socket], [], [])
                pgconn.consume_input()
            result = pgconn.get_result()
            if result is not None:
                found.append(result)
            if result is None or not to_the_end:
                return found


def _in_array(value: object) -> str:
    if isinstance(value, int):
        return str(value)
    return '"' + _TO_ESCAPE.sub(r"\\\g<0>", str(value)) + '"'


def _check(result: pq.abc.PGresult) -> None:
    if result.status in _BAD:
        state = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()
        message = result.error_message.decode("utf-8", "replace").strip()
        try:
            kind = errors.lookup(state)
        except KeyError:
            kind = psycopg.DatabaseError if state else psycopg.OperationalError
        raise kind(message)


def _dumped(values: Sequence[object]) -> tuple[list[pq.abc.Buffer | None], tuple[int, ...], list[int] | None]:
    """Values as they are sent, the numbers of their types, and their formats: bytes as they are, all else
    as text, of which the server knows the type from where it stands."""
    types = tuple(_TYPES.get(type(value), 0) for value in values)
    formats = [int(one == _BYTES) for one in types] if _BYTES in types else None
    return [_as_bytes(value) for value in values], types, formats


def _as_bytes(value: object) -> bytes | bytearray | None:
    if value is None or isinstance(value, bytes | bytearray):
        return value
    if isinstance(value, int):
        return b"%d" % value
    if isinstance(value, list):  # of one kind: the server's own form of an array
        value = "{" + ",".join(map(_in_array, value)) + "}"
    text = str(value).encode()
    if b"\0" in text:  # libpq would take it for the end
        raise InvalidInputError("text_malformed", value=ascii(value))
    return text
