"""Reading the files that are named on the command line; none of them is trusted."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable
from pathlib import Path

from ecny_tax import strict_json
from ecny_tax.errors import InvalidInputError, Said, UnavailableError, system_reason

MAX_BYTES = 1024 * 1024
_KEY = re.compile(r"[0-9a-f]{64}")
#: How files begin that hold what cannot be made again.
_PRECIOUS = (b"SQLite format 3\0", b"ecny-tax keyring")


def write(path: Path, content: bytes | Iterable[str], database: str) -> None:
    """Write a file whole or not at all; raises ``UnavailableError`` (``output_unwritable``).

    An answer is never written over a database, its log, or a keyring.
    """
    try:
        if path.is_file():
            path = Path(os.path.realpath(path))  # a link stays, and leads to what is new
        _check_may_be_replaced(path, database)
        if path.exists() and not path.is_file():  # a pipe or a device takes what comes
            _put(path, content)
            return
        draft = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}.part")
        try:
            _put(draft, content)
            os.replace(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise UnavailableError("output_unwritable", path=path, reason=system_reason(error)) from None


def check_differ(source: Path, out: Path) -> None:
    """Refuse to write over what is read, by whatever name; ``InvalidInputError`` (``output_is_input``)."""
    try:
        same = source.is_file() and out.is_file() and source.samefile(out)
    except (OSError, ValueError):  # a name that no file can have: opening it says so
        return
    if same:
        raise InvalidInputError("output_is_input", path=source)


def check_output(path: Path, database: str, *inputs: Path) -> None:
    """Before something is done whose answer goes into ``path``: that it may, and is none of the ``inputs``.

    Raises ``UnavailableError`` (``output_unwritable``) and ``InvalidInputError`` (``output_is_input``).
    """
    for given in inputs:
        check_differ(given, path)
    try:
        _check_may_be_replaced(path, database)
        if path.is_dir() or not path.parent.is_dir() or not os.access(path.parent, os.W_OK | os.X_OK):
            reason = Said("its folder does not exist or may not be written", "其文件夹不存在或不可写")
            raise UnavailableError("output_unwritable", path=path, reason=reason)
    except OSError as error:
        raise UnavailableError("output_unwritable", path=path, reason=system_reason(error)) from None
    except ValueError as error:  # a name that no file can have
        raise UnavailableError("output_unwritable", path=path, reason=str(error)) from None


def _put(path: Path, content: bytes | Iterable[str]) -> None:
    if isinstance(content, bytes):
        path.write_bytes(content)
        return
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(content)


def _check_may_be_replaced(path: Path, database: str) -> None:
    if not path.is_file():
        return
    with path.open("rb") as file:
        start = file.read(16)
    logs = [f"{database}{part}" for part in ("-wal", "-shm") if os.path.exists(database + part)]
    if start.startswith(_PRECIOUS) or any(path.samefile(log) for log in logs):
        reason = Said("it is a database, a part of one, or a keyring", "它是数据库、数据库的一部分或密钥文件")
        raise UnavailableError("output_unwritable", path=path, reason=reason)


def read_bytes(path: Path, *, beyond: int | None = None) -> bytes:
    """A file of at most 1 MB; raises ``InvalidInputError``.

    With ``beyond`` so many bytes and one more, of a longer file: enough to see that it is one.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1 if beyond is None else beyond + 1)
    except OSError as error:
        raise InvalidInputError("input_file_unreadable", path=path, reason=system_reason(error)) from None
    if len(data) > MAX_BYTES:
        raise InvalidInputError("input_too_large", path=path, limit=MAX_BYTES)
    return data


def read_text(path: Path) -> str:
    """The UTF-8 text of a file of at most 1 MB; raises ``InvalidInputError``."""
    data = read_bytes(path)
    try:
        return data.decode("utf-8-sig")  # editors of Windows begin with a mark
    except UnicodeDecodeError:
        raise InvalidInputError("input_not_utf8", path=path) from None


def read_keys(path: Path) -> dict[str, str]:
    """Published keys as ``parties keys`` writes them: name → 64 hex digits."""
    try:
        document = strict_json.loads(read_text(path))
        keys = document["keys"] if isinstance(document, dict) else {}
        if all(isinstance(name, str) and _KEY.fullmatch(key) for name, key in keys.items()):
            return dict(keys)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    raise InvalidInputError("keys_malformed", path=path)
