"""Classes that are led: where each stands, who may move it, and who waits to hear of it.

In the memory of one process, and used on its one event loop alone, so nothing here is locked.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from ecny_tax.errors import NotFoundError, RejectedError, UnavailableError
from ecny_tax.web.console.addresses import Address

#: Classes and listeners of one server; a class without movement is forgotten after so many seconds.
MAX_CLASSES = 100
MAX_LISTENERS = 300
FORGOTTEN_SECONDS = 2 * 60 * 60
#: A stream says something this often, so that whoever lost the connection notices.
HEARTBEAT_SECONDS = 15.0
#: Without letters and digits that are taken for each other.
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_CODE_LENGTH = 6


@dataclass(slots=True)
class Led:
    """A class that is led; ``version`` counts its movements, ``changed`` is set by the next one."""

    code: str
    token: str
    shown: Address
    moved_at: float
    version: int = 1
    over: bool = False
    listeners: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self) -> None:
        """Wake whoever waits, and let them wait anew."""
        self.changed.set()
        self.changed = asyncio.Event()


class LedClasses:
    """The led classes of a server; ``seconds`` tells a time that only goes on."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._classes: dict[str, Led] = {}
        self._closed = False

    def lead(self, shown: Address) -> Led:
        """Begin to lead a class; raises ``UnavailableError`` (``too_many_classes``).

        Where there are too many, one that nobody listens to gives its place: else whoever begins classes
        and leaves them would keep everybody from it for hours.
        """
        self._forget()
        if len(self._classes) >= MAX_CLASSES:
            unheard = [one for one in self._classes.values() if not one.listeners]
            if not unheard:
                raise UnavailableError("too_many_classes", limit=MAX_CLASSES)
            self._end(min(unheard, key=lambda one: one.moved_at))
        code = self._new_code()
        led = Led(code, secrets.token_urlsafe(24), shown.alone(), self._seconds())
        self._classes[code] = led
        return led

    def find(self, code: str) -> Led:
        """Raises ``NotFoundError`` (``class_not_found``)."""
        self._forget()
        led = self._classes.get(code.strip().upper())
        if led is None:
            raise NotFoundError("class_not_found", value=code)
        return led

    def is_led(self, code: str, token: str) -> bool:
        """Whether a class goes on, and the token is its leader's."""
        self._forget()
        led = self._classes.get(code)
        return led is not None and hmac.compare_digest(led.token.encode(), token.encode())

    def move(self, code: str, token: str, shown: Address) -> Led:
        """Show a class what its leader shows.

        Raises ``NotFoundError`` (``class_not_found``) and ``RejectedError`` (``class_led_by_another``).
        """
        led = self.find(code)
        if not self.is_led(led.code, token):
            raise RejectedError("class_led_by_another", value=led.code)
        led.moved_at = self._seconds()
        if shown.alone() != led.shown:
            led.shown = shown.alone()
            led.version += 1
            led.tell()
        return led

    def enter(self, code: str) -> Led:
        """Take a place among the listeners, until ``leave``.

        Raises as ``find``, and ``UnavailableError`` (``too_many_listeners``).
        """
        led = self.find(code)
        if sum(one.listeners for one in self._classes.values()) >= MAX_LISTENERS:
            raise UnavailableError("too_many_listeners", limit=MAX_LISTENERS)
        led.listeners += 1
        return led

    def leave(self, led: Led) -> None:
        """Give the place back."""
        led.listeners -= 1

    async def versions(self, led: Led, after: int) -> AsyncIterator[int | None]:
        """Each version that comes after one, as it comes; None for a heartbeat; it ends with the class."""
        told = after
        while not (led.over or self._closed):
            if led.version != told:
                told = led.version
                yield told
                continue
            try:
                await asyncio.wait_for(led.changed.wait(), HEARTBEAT_SECONDS)
            except TimeoutError:
                self._forget()
                yield None

    def close(self) -> None:
        """End every stream at once: the server stops."""
        self._closed = True
        for led in self._classes.values():
            led.tell()

    def _forget(self) -> None:
        last = self._seconds() - FORGOTTEN_SECONDS
        for led in [one for one in self._classes.values() if one.moved_at < last]:
            self._end(led)

    def _end(self, led: Led) -> None:
        del self._classes[led.code]
        led.over = True
        led.tell()

    def _new_code(self) -> str:
        while True:  # one in a billion is taken
            code = "".join(secrets.choice(_LETTERS) for _ in range(_CODE_LENGTH))
            if code not in self._classes:
                return code
