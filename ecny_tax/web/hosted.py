"""Devices and terminals that the sandbox keeps for callers who have no program of their own for them.

In the scheme they work without network, in the hands of payer and payee; here their state files lie in a
folder beside the database (or in memory, of a database in memory), sealed with the demo passphrase that
everybody may know.  A device goes by the number it was enrolled under, a copy of it by that and ``~1``.
"""

from __future__ import annotations

import os
import re
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from ecny_tax.errors import NotFoundError, RejectedError, UnavailableError, system_reason
from ecny_tax.money import Fen
from ecny_tax.offline.device import Device
from ecny_tax.offline.model import RegisteredDevice
from ecny_tax.offline.service import Offline
from ecny_tax.offline.terminal import Terminal
from ecny_tax.store import is_url, name_in

#: Copies of one device.
MAX_COPIES = 50
_DEVICE, _TERMINAL = ".device", ".terminal"
_HANDLE = re.compile("[0-9A-Z]{1,40}(?:~[1-9][0-9]?)?")
_LOCKS = 64
_State = TypeVar("_State", Device, Terminal)


#: How many files are opened at once: the passphrase of each takes 32 MB and a tenth of a second (scrypt).
_OPENING = threading.BoundedSemaphore(4)


class Hosted:
    """The devices and terminals of one server; each is used by one request at a time."""

    def __init__(self, names: tuple[str, str] | None) -> None:
        """``names`` are those of database and keyring (``Sandbox.names``)."""
        self._folder = None if names is None else _folder(*names)
        self._devices: dict[str, Device] = {}
        self._terminals: dict[str, Terminal] = {}
        self._locks = tuple(threading.Lock() for _ in range(_LOCKS))

    def enroll(
        self,
        offline: Offline,
        *,
        wallet_id: str,
        cap_single: Fen | None,
        cap_total: Fen | None,
        cap_count: int | None,
    ) -> RegisteredDevice:
        """Make a device and bind it to a wallet; raises as ``Offline.enroll``."""
        with self._draft(_DEVICE) as draft:
            device = Device.create(draft)
            with _closed_after(device, draft):
                found = offline.enroll(
                    device=device,
                    wallet_id=wallet_id,
                    cap_single=cap_single,
                    cap_total=cap_total,
                    cap_count=cap_count,
                )
            self._forget(found.device_id)
            self._keep(self._devices, device, draft, found.device_id, _DEVICE)
        return found

    def make_terminal(self, offline: Offline, *, authority: str | None) -> str:
        """Make a terminal of a tax authority, and answer its number; raises as ``Offline.terminal``."""
        with self._draft(_TERMINAL) as draft:
            terminal = offline.terminal(path=draft, authority=authority)
            with _closed_after(terminal, draft):
                terminal_id = terminal.chain.terminal.terminal_id
            self._keep(self._terminals, terminal, draft, terminal_id, _TERMINAL)
        return terminal_id

    @contextmanager
    def device(self, handle: str) -> Iterator[Device]:
        """A device or a copy of one, nobody else's for as long as it is used.

        Raises ``NotFoundError`` (``device_not_hosted``).
        """
        missing = NotFoundError("device_not_hosted", handle=handle)
        with self._used(self._devices, handle, _DEVICE, Device.open, missing) as device:
            yield device

    @contextmanager
    def terminal(self, terminal_id: str) -> Iterator[Terminal]:
        """A terminal; raises ``NotFoundError`` (``terminal_not_hosted``)."""
        missing = NotFoundError("terminal_not_hosted", terminal_id=terminal_id)
        with self._used(self._terminals, terminal_id, _TERMINAL, Terminal.open, missing) as terminal:
            yield terminal

    def copy(self, handle: str) -> str:
        """Copy a device as it stands, as who broke the hardware would; the handle of the copy.

        Raises ``RejectedError`` (``device_copies_exceeded``).
        """
        with self.device(handle) as device:
            device_id = device_of(handle)
            number = len(self.copies(device_id)) + 1
            if number > MAX_COPIES:
                raise RejectedError("device_copies_exceeded", device_id=device_id, limit=MAX_COPIES)
            name = f"{device_id}~{number}"
            if self._folder is None:
                self._devices[name] = device.copied()
            else:
                device.copied(self._folder / f"{name}{_DEVICE}").close()
        return name

    def copies(self, device_id: str) -> list[str]:
        """The handles of the copies of a device, in the order in which they were made."""
        names = (f"{device_id}~{number}" for number in range(1, MAX_COPIES + 1))
        return [name for name in names if self.has_device(name)]

    def has_device(self, handle: str) -> bool:
        """Whether it is kept here."""
        return handle in self._devices if self._folder is None else self._path(handle, _DEVICE).is_file()

    def clear(self) -> None:
        """Forget every device and terminal, as when the scheme begins anew."""
        self.close()
        if self._folder is not None and self._folder.is_dir():
            for ending in (_DEVICE, _TERMINAL):
                for path in self._folder.glob(f"*{ending}"):
                    path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of what is in memory."""
        for device in self._devices.values():
            device.close()
        for terminal in self._terminals.values():
            terminal.close()
        self._devices.clear()
        self._terminals.clear()

    @contextmanager
    def _used(
        self,
        kept: dict[str, _State],
        handle: str,
        ending: str,
        read: Callable[[Path], _State],
        missing: NotFoundError,
    ) -> Iterator[_State]:
        if not _HANDLE.fullmatch(handle):
            raise missing
        with self._lock(handle):
            if self._folder is None:
                if handle not in kept:
                    raise missing
                yield kept[handle]
                return
            path = self._path(handle, ending)
            if not path.is_file():
                raise missing
            with _OPENING:
                state = read(path)
            try:
                yield state
            finally:
                state.close()

    def _lock(self, handle: str) -> threading.Lock:
        """One lock for a device and its copies, so that their numbers are given once."""
        return self._locks[hash(device_of(handle)) % _LOCKS]

    @contextmanager
    def _draft(self, ending: str) -> Iterator[Path | None]:
        """Where a new file is made before its number is known; None where it stays in memory."""
        if self._folder is None:
            yield None
            return
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            draft = self._path(f"new-{secrets.token_hex(8)}", ending)
            yield draft
        except OSError as error:
            raise UnavailableError(
                "state_file_unavailable", path=self._folder, reason=system_reason(error)
            ) from None

    def _keep(
        self, kept: dict[str, _State], state: _State, draft: Path | None, name: str, ending: str
    ) -> None:
        """Give it its number; what lies there under it is of a database that is gone."""
        if draft is None:
            kept[name] = state
        else:
            state.close()
            os.replace(draft, self._path(name, ending))

    def _forget(self, device_id: str) -> None:
        """Copies under this number are of a database that is gone."""
        if self._folder is not None:
            for name in self.copies(device_id):
                self._path(name, _DEVICE).unlink(missing_ok=True)

    def _path(self, name: str, ending: str) -> Path:
        assert self._folder is not None  # noqa: S101 - asked for only where there is one
        return self._folder / f"{name}{ending}"


def device_of(handle: str) -> str:
    """The number of the device that a handle names, or a copy of it."""
    return handle.partition("~")[0]


@contextmanager
def _closed_after(state: Device | Terminal, draft: Path | None) -> Iterator[None]:
    """Of what fails, leave no file: a device that nobody certified is of no use."""
    try:
        yield
    except BaseException:
        state.close()
        if draft is not None:
            with suppress(OSError):
                draft.unlink()
        raise


def _folder(database: str, keyring: str) -> Path:
    """Beside the database's file; of one on a server, beside its keyring."""
    if is_url(database):
        return Path(keyring).with_name(f"{name_in(database)}.devices")
    return Path(f"{database}.devices")
