"""When the transparency log is sealed: by each process before it ends, and on the way where it writes much.

Sealing a transfer takes a third of the time of posting it in a batch.  A process that posts many has the
sealing done beside it, by a second process on the same database, so that it loses next to nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ecny_tax.errors import EcnyTaxError
from ecny_tax.store import log
from ecny_tax.store.transaction import Store, Transaction

if TYPE_CHECKING:
    from ecny_tax.crypto.keyring import Keyring

#: Transfers after which sealing starts while the process goes on.
EVERY = 32_768


class Sealer:
    """Seals what a store has committed; with its names (database, keyring) a second process can do it."""

    def __init__(self, store: Store, keyring: Keyring, names: tuple[str, str] | None) -> None:
        self._store = store
        self._keyring = keyring
        self._names = names if _can_start_python() else None
        self._helper: subprocess.Popen[bytes] | None = None
        self._has_written = False
        self._begun_at: int | None = None  # the newest transfer when sealing was begun
        self._process = os.getpid()

    def before_commit(self, tx: Transaction) -> None:
        """Mark the log as growing, in the transaction that lets it grow."""
        log.note_growth(tx, self._keyring)

    def after_commit(self, newest: int) -> None:
        """Take note of a commit that began after the transfer ``newest``."""
        self._has_written = True
        if self._begun_at is None:
            self._begun_at = newest
        elif newest - self._begun_at >= EVERY and not self._is_busy():
            self._begun_at = newest
            self._start()

    def finish(self) -> None:
        """Seal the rest.  What cannot be sealed now, as on a full disk, the next process seals."""
        if self._process != os.getpid():
            return  # a copy of the process, which has written nothing
        if self._helper is not None:
            self._helper.wait()
            self._helper = None
        if self._has_written:
            self._has_written = False
            with suppress(EcnyTaxError):
                log.seal(self._store, self._keyring)

    def _is_busy(self) -> bool:
        return self._helper is not None and self._helper.poll() is None

    def _start(self) -> None:
        if self._names is None:
            with suppress(EcnyTaxError):
                log.seal(self._store, self._keyring)
            return
        path = os.pathsep.join(filter(None, sys.path))
        # Not the folder that this process was started in (-P): whatever lies there is none of ours.
        command = [sys.executable, "-P", "-m", __name__]
        with suppress(OSError):  # then it is sealed at the end
            self._helper = subprocess.Popen(  # noqa: S603 - this very program
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": path},
            )
            assert self._helper.stdin is not None  # noqa: S101 - it is a pipe
            with self._helper.stdin as names:  # a command line, which all can read, may not hold a password
                names.write("\0".join(self._names).encode())


def _can_start_python() -> bool:
    """Whether this process was started by a Python that can be started again, and is no frozen program."""
    return not getattr(sys, "frozen", False) and Path(sys.executable or "").name.startswith(
        ("python", "pypy")
    )


def main(database: str, keyring: str) -> None:
    """Seal what a database has committed; the process that asked for it looks no further."""
    from ecny_tax.crypto.keyring import read_keyring
    from ecny_tax.store import open_store

    with suppress(EcnyTaxError):
        store = open_store(database)
        try:
            log.seal(store, read_keyring(Path(keyring)))
        finally:
            store.close()


if __name__ == "__main__":
    main(*sys.stdin.buffer.read().decode().split("\0"))
