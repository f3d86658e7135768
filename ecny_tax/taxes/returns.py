"""The file of an annual return: one JSON object, read strictly.

Keys are those of ``AnnualReturn``; ``tax_year`` must be there.  Amounts are strings in yuan with at most
two decimals, or whole numbers; a JSON number with a point is refused, because reading it would go through
a float.  A key written twice, an unknown key and anything after the object are refused too.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ecny_tax import strict_json
from ecny_tax.errors import InvalidInputError
from ecny_tax.money import Fen, yuan
from ecny_tax.taxes.income_tax import AMOUNTS, AnnualReturn, malformed

MAX_BYTES = 64 * 1024

_KEYS = ("tax_year", *AMOUNTS, "bonus_mode", "withheld_properly")


def read_annual_return(source: bytes | str | Path) -> AnnualReturn:
    """Read an annual return from a file (a path), or from the bytes of one.

    Raises ``InvalidInputError``: ``input_file_unreadable``, ``input_too_large``, ``input_not_json``,
    ``input_key_repeated``, ``input_key_unknown``, ``input_key_missing``, ``input_value_malformed`` and
    ``input_keys_conflict``.
    """
    document = read_object(source, _KEYS, needed=("tax_year",))
    amounts = {key: amount_of(key, document[key]) for key in AMOUNTS if key in document}
    return AnnualReturn(**{**document, **amounts})  # which judges the year, the mode and the flag


def read_object(source: bytes | str | Path, keys: Sequence[str], needed: Sequence[str]) -> dict[str, Any]:
    """One JSON object from a file (a path), or from the bytes of one, with ``keys`` and no others."""
    path = "-" if isinstance(source, bytes) else str(source)
    document = _json_object(_content(source, path), path)
    for key in document:
        if key not in keys:
            raise InvalidInputError("input_key_unknown", key=key)
    for key in needed:
        if key not in document:
            raise InvalidInputError("input_key_missing", key=key)
    return document


def _content(source: bytes | str | Path, path: str) -> bytes:
    if isinstance(source, bytes):
        content = source
    else:
        try:
            with Path(source).open("rb") as file:
                content = file.read(MAX_BYTES + 1)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise InvalidInputError("input_file_unreadable", path=path, reason=reason) from None
        except ValueError as error:  # a name that no file can have
            raise InvalidInputError("input_file_unreadable", path=path, reason=error) from None
    if len(content) > MAX_BYTES:
        raise InvalidInputError("input_too_large", path=path, limit=MAX_BYTES)
    return content


def _json_object(content: bytes, path: str) -> dict[str, Any]:
    try:
        document = strict_json.loads(content.decode("utf-8"))
    except strict_json.RepeatedKeyError as error:
        raise InvalidInputError("input_key_repeated", key=error.key) from None
    except UnicodeDecodeError as error:
        reason = f"not UTF-8 at byte {error.start}"
    except RecursionError:
        reason = "nested too deeply"
    except json.JSONDecodeError as error:
        reason = f"line {error.lineno}, column {error.colno}: {error.msg}"
    except ValueError:  # a whole number of thousands of digits
        reason = "a number is too long"
    else:
        if isinstance(document, dict):
            return document
        reason = "not one object in braces"
    raise InvalidInputError("input_not_json", path=path, reason=reason)


def amount_of(key: str, value: object) -> Fen:
    """An amount as a file gives it, in fen: text in yuan, or a whole number."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise malformed(key, json.dumps(value, ensure_ascii=False))
    try:
        return yuan(value)
    except InvalidInputError:
        raise malformed(key, value) from None
