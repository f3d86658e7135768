"""Reading the files that are named on the command line; none of them is trusted."""

from __future__ import annotations

from pathlib import Path

from ecny_tax import strict_json
from ecny_tax.errors import InvalidInputError

MAX_BYTES = 1024 * 1024


def read_text(path: Path) -> str:
    """The UTF-8 text of a file of at most 1 MB; raises ``InvalidInputError``."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InvalidInputError("input_file_unreadable", path=path, reason=error.strerror) from None
    if len(data) > MAX_BYTES:
        raise InvalidInputError("input_too_large", path=path, limit=MAX_BYTES)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidInputError("input_file_unreadable", path=path, reason="it is not UTF-8 text") from None


def read_keys(path: Path) -> dict[str, str]:
    """Published keys as ``parties keys`` writes them: name → 64 hex digits."""
    try:
        document = strict_json.loads(read_text(path))
        keys = document["keys"] if isinstance(document, dict) else {}
        if all(isinstance(name, str) and len(bytes.fromhex(key)) == 32 for name, key in keys.items()):
            return dict(keys)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    raise InvalidInputError("keys_malformed", path=path)
