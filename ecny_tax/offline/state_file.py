"""The file of a device or a terminal: small, of its owner alone, and on disk before anything is answered.

It is an SQLite file with a rollback journal, since a torn or half-written file would sign twice or forget a
voucher; a plain copy of it is a copy of the device.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ecny_tax.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError

_BUSY_SECONDS = 30.0


class StateFile:
    """One open file, or memory where ``path`` is ``None``."""

    def __init__(self, connection: sqlite3.Connection, path: Path | None) -> None:
        self.path = path
        self._connection = connection

    @classmethod
    def create(
        cls,
        path: str | Path | None,
        *,
        application_id: int,
        schema: str,
        fill: Callable[[sqlite3.Connection], None],
    ) -> StateFile:
        """Make the file, readable by its owner alone; it is there whole or not at all.

        Raises ``ConflictError`` (``state_file_exists``) and ``UnavailableError``
        (``state_file_unavailable``, ``disk_full``).
        """
        place = None if path is None else Path(path)

        def made(name: str) -> StateFile:
            file = cls(_connection(name), place)
            with file.transaction() as tx:
                tx.execute(f"PRAGMA application_id = {application_id}")
                for statement in filter(str.strip, schema.split(";")):
                    tx.execute(statement)
                fill(tx)
            return file

        if place is None:
            return made(":memory:")
        return cls._put(place, lambda draft: made(draft).close())

    @classmethod
    def _put(cls, place: Path, make: Callable[[str], None]) -> StateFile:
        """Give a file its name when it is whole."""
        try:
            if os.path.lexists(place):
                raise ConflictError("state_file_exists", path=place)
            handle, draft = tempfile.mkstemp(prefix=f"{place.name}.", suffix=".new", dir=place.parent)
            os.close(handle)  # of mode 0600
            try:
                make(draft)
                os.link(draft, place)
            finally:
                os.unlink(draft)
            return cls(_connection(str(place)), place)
        except FileExistsError:
            raise ConflictError("state_file_exists", path=place) from None
        except (OSError, ValueError, sqlite3.Error) as error:
            raise _unavailable(place, error) from None

    @classmethod
    def open(cls, path: str | Path, *, application_id: int) -> StateFile:
        """Open the file.

        Raises ``NotFoundError`` (``state_file_not_found``), ``InvalidInputError`` (``state_file_foreign``:
        it is something else) and ``UnavailableError`` (``state_file_damaged``, ``state_file_unavailable``).
        """
        place = Path(path)
        try:
            if not place.is_file():
                raise NotFoundError("state_file_not_found", path=place)
        except (OSError, ValueError) as error:
            raise _unavailable(place, error) from None
        try:
            connection = _connection(str(place))
            found = connection.execute("PRAGMA application_id").fetchone()[0]
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise _unavailable(place, error) from None
            raise InvalidInputError("state_file_foreign", path=place) from None
        if found != application_id:
            connection.close()
            raise InvalidInputError("state_file_foreign", path=place)
        try:
            sound = connection.execute("PRAGMA integrity_check(1)").fetchone()[0] == "ok"
        except sqlite3.DatabaseError:
            sound = False
        if not sound:
            connection.close()
            raise UnavailableError("state_file_damaged", path=place)
        return cls(connection, place)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Everything or nothing, on disk when the block has ended; other processes wait."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise _unavailable(self.path or Path(":memory:"), error) from None

    def copied(self, path: Path | None = None) -> StateFile:
        """A copy as it stands, in memory or as another file; raises what :meth:`create` raises."""
        content = self._connection.serialize()
        if path is not None:
            return self._put(path, lambda draft: _write(draft, content))
        connection = _connection(":memory:")
        connection.deserialize(content)
        return StateFile(connection, None)

    def close(self) -> None:
        self._connection.close()


def _write(path: str, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _connection(name: str) -> sqlite3.Connection:
    connection = sqlite3.connect(name, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("PRAGMA synchronous = EXTRA")  # the journal's end is on disk too, not the data alone
    return connection


def _unavailable(path: Path, error: Exception) -> UnavailableError:
    if "full" in str(error) or (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)):
        return UnavailableError("disk_full", path=path)
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return UnavailableError("state_file_unavailable", path=path, reason=reason)
