"""A JSON file from outside: read up to a limit, and strictly, or refused by name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ecny_tax import strict_json
from ecny_tax.errors import InvalidInputError, Said, short, system_reason

#: What is asked for in a file, as a hint says it.
ONE_OBJECT = Said(
    'one object in braces, such as {"tax_year": 2022, …}', '一个对象，例如 {"tax_year": 2022, …}'
)
NOT_ONE_OBJECT = Said("not one object in braces", "不是一个用花括号括起的对象")


def read_json(source: bytes | str | Path, *, limit: int, accepted: Said = ONE_OBJECT) -> object:
    """The value in a file (a path), or in the bytes of one, of at most ``limit`` bytes.

    ``accepted`` says in a refusal what is asked for; whether the value is that, the caller judges.

    Raises ``InvalidInputError``: ``input_file_unreadable``, ``input_too_large``, ``input_not_json`` and
    ``input_key_repeated``.
    """
    path = "-" if isinstance(source, bytes) else str(source)
    content = source if isinstance(source, bytes) else _content(path, limit)
    if len(content) > limit:
        raise InvalidInputError("input_too_large", path=path, limit=limit)
    try:
        return strict_json.loads(content.decode("utf-8-sig"))  # editors of Windows begin with a mark
    except strict_json.RepeatedKeyError as error:
        raise InvalidInputError("input_key_repeated", key=error.key) from None
    except UnicodeDecodeError as error:
        reason = Said(f"not UTF-8 at byte {error.start}", f"第 {error.start} 字节起不是 UTF-8")
    except RecursionError:
        reason = Said("nested too deeply", "嵌套过深")
    except json.JSONDecodeError as error:
        place, place_zh = (
            f"line {error.lineno}, column {error.colno}",
            f"第 {error.lineno} 行第 {error.colno} 列",
        )
        reason = Said(f"{place}: {error.msg}", f"{place_zh}：{error.msg}")
    except ValueError:  # a whole number of thousands of digits
        reason = Said("a number is too long", "数字过长")
    raise InvalidInputError("input_not_json", path=path, reason=reason, accepted=accepted)


def read_object(
    source: bytes | str | Path, keys: Sequence[str], needed: Sequence[str], *, limit: int
) -> dict[str, Any]:
    """One JSON object with ``keys`` and no others; what :func:`read_json` raises, and
    ``input_key_unknown`` and ``input_key_missing``."""
    document = read_json(source, limit=limit)
    if not isinstance(document, dict):
        path = "-" if isinstance(source, bytes) else str(source)
        raise InvalidInputError("input_not_json", path=path, reason=NOT_ONE_OBJECT, accepted=ONE_OBJECT)
    for key in document:
        if key not in keys:
            raise InvalidInputError("input_key_unknown", key=key, known=", ".join(keys))
    for key in needed:
        if key not in document:
            raise InvalidInputError("input_key_missing", key=key)
    return document


def _content(path: str, limit: int) -> bytes:
    """The file, and of one that is too large a byte more than the limit."""
    try:
        with Path(path).open("rb") as file:
            return file.read(limit + 1)
    except OSError as error:
        reason = system_reason(error)
    except ValueError as error:  # a name that no file can have
        reason = Said(short(error))
    raise InvalidInputError("input_file_unreadable", path=path, reason=reason)
