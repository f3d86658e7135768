"""Who may be in the sandbox at the same time: many at once, or one alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ecny_tax.errors import UnavailableError

#: How long whoever must be alone waits for the others to end; meanwhile newcomers wait for it.
ALONE_SECONDS = 60.0


class Gate:
    """Every operation goes through :meth:`shared`; what replaces the sandbox, through :meth:`alone`.

    Nobody goes through it twice at once: it would wait for itself.
    """

    def __init__(self, *, seconds: float = ALONE_SECONDS) -> None:
        self._seconds = seconds
        self._changed = threading.Condition()
        self._inside = 0
        self._is_shut = False

    @property
    def is_shut(self) -> bool:
        """Whether somebody is alone inside, or is going to be."""
        return self._is_shut

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Beside others."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_shut)
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """With nobody beside; raises ``UnavailableError`` (``sandbox_busy``) where others do not end."""
        deadline = time.monotonic() + self._seconds
        refusal = UnavailableError("sandbox_busy", seconds=f"{self._seconds:g}")
        with self._changed:
            if not self._changed.wait_for(lambda: not self._is_shut, self._seconds):
                raise refusal
            self._is_shut = True
            if not self._changed.wait_for(lambda: not self._inside, max(0.0, deadline - time.monotonic())):
                self._is_shut = False
                self._changed.notify_all()
                raise refusal
        try:
            yield
        finally:
            with self._changed:
                self._is_shut = False
                self._changed.notify_all()
