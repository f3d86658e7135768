"""The keyring: one master seed, from which the key of every party in the simulation is derived.

In the real scheme every party holds its own key.  A sandbox plays all parties, so it keeps one secret
file beside the database, never in it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ecny_tax.errors import Said, UnavailableError, system_reason

if TYPE_CHECKING:
    from ecny_tax.crypto.signatures import SigningKey

_HEADER = "ecny-tax keyring 1"
_SEED_BYTES = 32
_NO_KEYRING = Said("it is not a keyring file", "它不是密钥文件")


class Keyring:
    """Derives Ed25519 signing keys by role and id, and secrets by purpose, from one seed of 32 bytes."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        #: Which keyring this is, without telling anything of the seed; kept in the database it serves.
        self.fingerprint = hashlib.sha256(b"ecny-tax keyring fingerprint" + seed).hexdigest()[:32]
        self.signing_key = lru_cache(maxsize=4096)(self._signing_key)
        self.secret = lru_cache(maxsize=64)(self._secret)

    def _signing_key(self, role: str, party: str) -> SigningKey:
        """The Ed25519 key of a party, named ``role:party``."""
        from ecny_tax.crypto.signatures import SigningKey

        return SigningKey(f"{role}:{party}", self._derive(f"ed25519/{role}/{party}"))

    def _secret(self, purpose: str) -> bytes:
        """A symmetric key of 32 bytes for one purpose."""
        return self._derive(f"secret/{purpose}")

    def _derive(self, info: str) -> bytes:
        """HKDF-SHA256 (RFC 5869) of the seed, one output per ``info``."""
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        return HKDF(SHA256(), 32, salt=None, info=f"ecny-tax/1/{info}".encode()).derive(self._seed)


def read_keyring(path: Path) -> Keyring:
    """Open a keyring file; raises ``UnavailableError`` (``keyring_missing``, ``keyring_unreadable``)."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        raise UnavailableError("keyring_missing", path=path) from None
    except (OSError, ValueError) as error:
        raise UnavailableError("keyring_unreadable", path=path, reason=_reason(error)) from None
    header, _, seed = text.partition("\n")
    try:
        raw = bytes.fromhex(seed.strip())
    except ValueError:
        raw = b""
    if header != _HEADER or len(raw) != _SEED_BYTES:
        raise UnavailableError("keyring_unreadable", path=path, reason=_NO_KEYRING)
    return Keyring(raw)


def create_keyring(path: Path, seed: bytes) -> Keyring:
    """Write a new keyring file, readable by its owner alone, or open the one that is there already.

    Two processes that start at once agree: the file is linked into place whole, by one of them.
    """
    if os.path.exists(path):
        return read_keyring(path)
    try:
        handle, draft = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".new", dir=path.parent)  # mode 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(f"{_HEADER}\n{seed.hex()}\n")
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, path)
            _sync_folder(path.parent)
        finally:
            os.unlink(draft)
    except FileExistsError:
        return read_keyring(path)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UnavailableError("disk_full", path=path) from None
        raise UnavailableError("keyring_unwritable", path=path, reason=_reason(error)) from None
    return Keyring(seed)


def _sync_folder(folder: Path) -> None:
    """Make a new name in the folder survive a power cut, where the system can do that."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _reason(error: Exception) -> Said:
    return system_reason(error) if isinstance(error, OSError) else _NO_KEYRING
