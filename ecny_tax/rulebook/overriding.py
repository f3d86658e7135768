"""Rule files of a user's own: read, checked, and laid over those of the package.

A file bears the name of one of the package's (``stamp_duty.toml``) and holds any of its tables.  A figure in
it replaces the one that speaks of the same thing from the same day on; any other is added.  So a change of
law is one figure: on the day before it begins, the package's figure of the same thing ends.
"""

from __future__ import annotations

import os
from datetime import date, timedelta
from pathlib import Path
from typing import Any, get_args

from ecny_tax.errors import InvalidInputError, Said, short, system_reason
from ecny_tax.rulebook.book import NAMES, Rulebook, package_document
from ecny_tax.rulebook.figures import Row

MAX_BYTES = 1024 * 1024
#: The most wrong keys of a table that are named.
MAX_KEYS = 20


def rulebook_with(path: str | Path) -> Rulebook:
    """The package's rules with those of a file, or of every ``.toml`` file of a folder, over them.

    Raises ``InvalidInputError``: ``rule_file_unreadable``, ``rule_file_unknown`` (its name is none of the
    package's) and ``rule_file_malformed``, which names file, table and key.
    """
    path = Path(path)
    try:
        found = sorted(path.glob("*.toml")) if path.is_dir() else [path]
    except (OSError, ValueError) as error:  # a name that no file can have
        raise InvalidInputError("rule_file_unreadable", path=path, reason=error) from None
    if not found:
        reason = Said("there is no .toml file in it", "其中没有 .toml 文件")
        raise InvalidInputError("rule_file_unreadable", path=path, reason=reason)
    documents = {}
    for file in found:
        if not os.path.lexists(file):
            reason = Said("there is no such file or folder", "没有这个文件或文件夹")
            raise InvalidInputError("rule_file_unreadable", path=file, reason=reason)
        if file.suffix != ".toml" or file.stem not in NAMES:
            known = " ".join(f"{name}.toml" for name in NAMES)
            raise InvalidInputError("rule_file_unknown", path=file, known=known)
        documents[file.stem] = _checked(file, _laid_over(file.stem, _read(file)))
    return Rulebook(documents)


def _read(file: Path) -> Row:
    import tomllib

    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            reason = Said(f"above {MAX_BYTES} bytes", f"超过 {MAX_BYTES} 字节")
            raise InvalidInputError("rule_file_unreadable", path=file, reason=reason)
        return tomllib.loads(data.decode("utf-8"))
    except OSError as error:
        raise InvalidInputError("rule_file_unreadable", path=file, reason=system_reason(error)) from None
    except (ValueError, RecursionError) as error:  # not UTF-8, or not TOML
        raise InvalidInputError("rule_file_unreadable", path=file, reason=str(error)) from None


def _laid_over(name: str, own: Row) -> Row:
    """The package's document with the user's rows in it."""
    merged = dict(package_document(name))
    for table, rows in own.items():
        theirs = merged.get(table)
        if not isinstance(rows, list) or not isinstance(theirs, list):
            merged[table] = rows
            continue
        replaced = {_thing_and_day(row) for row in rows if isinstance(row, dict)}
        kept = [row for row in theirs if _thing_and_day(row) not in replaced]
        merged[table] = [_ended(row, rows) for row in kept] + rows
    return merged


def _ended(row: Row, own: list[Any]) -> Row:
    """A row of the package, ended where a row of the user's own follows on it."""
    from ecny_tax.rulebook.forms import identity

    first, last = row.get("effective_from"), row.get("effective_to")
    for new in own:
        if isinstance(new, dict) and repr(identity(new)) == repr(identity(row)):
            begins = new.get("effective_from")
            if (
                type(begins) is date
                and first is not None
                and first < begins
                and (last is None or begins <= last)
            ):
                last = begins - timedelta(days=1)
    return row if last == row.get("effective_to") else {**row, "effective_to": last}


def _thing_and_day(row: Row) -> str:
    from ecny_tax.rulebook.forms import identity

    return repr((identity(row), row.get("effective_from")))


def _checked(file: Path, document: Row) -> Row:
    """The document, if it has the form of its file."""
    from pydantic import ValidationError

    from ecny_tax.rulebook.schema import FILES

    try:
        FILES[file.stem].model_validate(document)
    except ValidationError as errors:
        found = errors.errors(include_url=False)
        place = found[0].get("ctx", {}).get("place") or _where(document, found[0]["loc"])
        reason = _reason(FILES[file.stem], found)
        raise InvalidInputError("rule_file_malformed", path=file, place=place, reason=reason) from None
    return document


#: How pydantic's own faults are said, by their type; those of our own come with their words.
_WORDS = {
    "string_type": ("text in quotes is wanted", "应为引号中的文本"),
    "int_type": ("a whole number (an integer) is wanted", "应为整数"),
    "int_from_float": ("a whole number (an integer) is wanted", "应为整数"),
    "bool_type": ("true or false is wanted", "应为 true 或 false"),
    "list_type": ("a list is wanted, or [[…]] around its name", "应为列表，或以 [[…]] 书写表名"),
    "model_type": ("a table of keys is wanted", "应为由键组成的表"),
    "date_type": (
        "a date without quotes and time is wanted, such as 2023-04-20",
        "应为不加引号、不带时间的日期，例如 2023-04-20",
    ),
    "greater_than_equal": ("it is below {ge}", "小于 {ge}"),
    "less_than_equal": ("it is above {le}", "大于 {le}"),
    "too_short": ("the list is empty", "列表为空"),
}


def _reason(form: Any, errors: list[Any]) -> Said:
    """What is wrong at the first place of an error, in both languages."""
    from ecny_tax.rulebook.forms import quoted

    first, kind = errors[0], errors[0]["type"]
    told = first.get("ctx", {})
    if kind == "rule_file":  # see ``forms.unfit`` and ``forms.fault``
        return Said(told["reason"], told["reason"].zh)
    if kind in ("missing", "extra_forbidden"):
        return _wrong_keys(form, first["loc"], errors)
    if kind == "literal_error":
        given, accepted = quoted(first["input"]), told["expected"].replace("'", '"')
        accepted_zh = accepted.replace(" or ", "、").replace(", ", "、")
        return Said(f"{given} is none of: {accepted}", f"{given} 不在下列写法之中：{accepted_zh}")
    if kind in _WORDS:
        en, zh = _WORDS[kind]
        return Said(en.format_map(told), zh.format_map(told))
    return Said(first["msg"])


def _wrong_keys(form: Any, location: tuple[str | int, ...], errors: list[Any]) -> Said:
    """The keys of a table that are unknown and those that are missing; a slip of the pen is both at once."""
    beside = [error for error in errors if error["loc"][:-1] == location[:-1]]
    missing, unknown = (
        ", ".join([short(error["loc"][-1]) for error in beside if error["type"] == kind][:MAX_KEYS])
        for kind in ("missing", "extra_forbidden")
    )
    en = [f"unknown key: {unknown}"] if unknown else []
    zh = [f"未知的键：{unknown}"] if unknown else []
    if missing:
        en, zh = [*en, f"missing key: {missing}"], [*zh, f"缺少的键：{missing}"]
    else:
        known = ", ".join(_keys_of(form, location[:-1]))
        en, zh = [*en, f"known are: {known}"], [*zh, f"可用的键：{known}"]
    return Said("; ".join(en), "；".join(zh))


def _keys_of(form: Any, location: tuple[str | int, ...]) -> list[str]:
    """The keys that the form of a file knows at a place."""
    for part in location:
        if isinstance(part, str):
            annotation = form.model_fields[part].annotation
            form = (get_args(annotation) or (annotation,))[0]
    return list(form.model_fields)


def _where(document: Row, location: tuple[str | int, ...]) -> str:
    """The place of an error, as a reader finds it: table, what the figure speaks of, key."""
    from ecny_tax.rulebook.forms import NAMING

    if not location:
        return "–"
    table, *rest = location
    words = [str(table)]
    rows = document.get(str(table))
    if rest and isinstance(rest[0], int) and isinstance(rows, list):
        row = rows[rest[0]]
        if isinstance(row, dict):
            named = [str(row[key]) for key in (*NAMING, "effective_from") if key in row]
            words += named or [f"row {rest[0] + 1}"]
        rest = rest[1:]
    return " / ".join([*words, *map(str, rest)])
