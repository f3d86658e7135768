"""The files that treasury and operator keep of a day: written, read strictly, and sorted beside memory.

Every cell is made of digits, capital letters or one of two words, so that no spreadsheet takes one for a
formula.
"""

from __future__ import annotations

import codecs
import csv
import errno
import io
import os
import re
import sqlite3
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import count, islice
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from ecny_tax.clock import parse_date
from ecny_tax.errors import InvalidInputError, Said, UnavailableError, short, system_reason
from ecny_tax.money import Fen, yuan_text
from ecny_tax.payments.debit_model import DebitStatus
from ecny_tax.reconciliation.model import Entry, Side

#: The largest file: ten million lines and more.
MAX_BYTES = 1024 * 1024 * 1024
#: The most characters of a line.
MAX_LINE = 512
#: Lines that are sorted in at a time.
_BLOCK = 10_000
_CHUNK = 1024 * 1024

#: The columns by their names, English and Chinese, in the order in which they are written.
COLUMNS = {
    "entrust_date": "委托日期",
    "authority": "征收机关",
    "trace_no": "交易流水号",
    "bill_no": "应征凭证",
    "operator": "运营机构",
    "wallet_id": "钱包编号",
    "amount": "金额",
    "status": "状态",
}
_COLUMN = {name: name for name in COLUMNS} | {zh: name for name, zh in COLUMNS.items()}
_STATUS = {
    "succeeded": DebitStatus.SUCCEEDED.value,
    "failed": DebitStatus.FAILED.value,
    "成功": DebitStatus.SUCCEEDED.value,
    "失败": DebitStatus.FAILED.value,
}
#: What a cell of each column looks like, in the order of an entry.
_FORMS = {
    "trace_no": "[0-9A-Z]{1,32}",
    "authority": "[0-9]{11}",
    "entrust_date": "[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "bill_no": "[0-9A-Z]{1,32}",
    "operator": "[0-9A-Z]{1,12}",
    "wallet_id": "[0-9]{16}",
    "amount": r"(?!0(?:\.0{1,2})?(?:\n|\Z))(?:0|[1-9][0-9]{0,15})(?:\.[0-9]{1,2})?",
    "status": "|".join(_STATUS),
}
#: The cells of a whole line, one under the other: a line is judged at once, and a bad one cell by cell.
_GOOD = re.compile("\n".join(f"(?:{form})" for form in _FORMS.values()))
_TABLE = (
    "CREATE TABLE {side} (trace_no TEXT, authority TEXT, entrust_date TEXT, bill_no TEXT, operator TEXT,"
    " wallet_id TEXT, amount INTEGER, status TEXT, PRIMARY KEY (trace_no, authority, entrust_date))"
    " WITHOUT ROWID"
)

_Numbered = tuple[int, Entry]


def lines(entries: Iterable[Entry]) -> Iterator[str]:
    """The lines of a file, with their ends."""
    yield ",".join(COLUMNS) + "\n"
    for e in entries:
        cells = (e.entrust_date, e.authority, e.trace_no, e.bill_no, e.operator, e.wallet_id)
        yield f"{','.join(cells)},{yuan_text(e.amount)},{e.status}\n"


class Sorted:
    """The entries of files by their keys, in a database of their own that is gone afterwards.

    SQLite keeps a small part of it in memory, and the rest in a temporary file.
    """

    def __init__(self) -> None:
        self._scratch = sqlite3.connect("", isolation_level=None)
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -32768"):
            self._scratch.execute(f"PRAGMA {pragma}")
        for side in (Side.TREASURY, Side.OPERATOR):
            self._scratch.execute(_TABLE.format(side=side.value))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._scratch.close()
        if isinstance(error, sqlite3.OperationalError):
            raise UnavailableError("disk_full", path="(temporary file)") from error

    def load(self, side: Side, path: Path, *, start: int, progress: Callable[[int], None]) -> int:
        """Read a file into the table of a side; return the bytes read so far, ``start`` included."""
        insert = f"INSERT INTO {side.value} VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        self._scratch.execute("BEGIN")
        numbered = read(path, lambda done: progress(start + done))
        while block := list(islice(numbered, _BLOCK)):
            before = self._scratch.total_changes
            try:
                self._scratch.executemany(insert, [entry for _, entry in block])
            except sqlite3.IntegrityError:  # the rows before the one that repeats a key were inserted
                line = block[self._scratch.total_changes - before][0]
                raise _malformed(
                    path, line, "its key stands in a line before", "该键已在前面的行中出现"
                ) from None
        self._scratch.execute("COMMIT")
        return start + os.path.getsize(path)

    def entries(self, side: Side) -> Iterator[Entry]:
        """What a file holds, sorted by its keys."""
        return map(
            Entry._make,
            self._scratch.execute(
                "SELECT trace_no, authority, entrust_date, bill_no, operator, wallet_id, amount, status"
                f" FROM {side.value} ORDER BY trace_no, authority, entrust_date"
            ),
        )

    def operators(self) -> Iterator[str]:
        """The operators that the operator's file names."""
        found = self._scratch.execute(f"SELECT DISTINCT operator FROM {Side.OPERATOR.value}")
        return (row[0] for row in found)


def read(path: Path, progress: Callable[[int], None] = lambda _: None) -> Iterator[_Numbered]:
    """The entries of a file, each with the number of its line; one bad line refuses all.

    UTF-8 and GB 18030, either with or without a mark at its beginning, are told apart strictly.
    """
    try:
        _check_file(path)
        encoding = _encoding(path)
        with path.open("rb") as raw:
            reader = csv.reader(_short_lines(path, raw, encoding, progress), strict=True)
            try:
                names = next(reader, [])
                in_order, width, blank = _header(path, names), len(names), 0
                for cells in reader:
                    if not cells:  # at the end of a file nobody minds them
                        blank = blank or reader.line_num
                        continue
                    if blank:
                        raise _malformed(path, blank, "it is blank", "是空行")
                    if len(cells) != width:
                        wrong = f"it has {len(cells)} cells, and the first line {width}"
                        wrong_zh = f"有 {len(cells)} 格，而首行有 {width} 格"
                        raise _malformed(path, reader.line_num, wrong, wrong_zh)
                    yield reader.line_num, _entry(path, reader.line_num, in_order(cells))
            except csv.Error as error:
                raise _malformed(path, reader.line_num, str(error), f"不是 CSV（{error}）") from None
    except OSError as error:
        raise InvalidInputError("input_file_unreadable", path=path, reason=system_reason(error)) from None


def _check_file(path: Path) -> None:
    """It is read twice, so it must be one that lies somewhere; and of a size that has an end."""
    try:
        mode, size = (found := os.stat(path)).st_mode, found.st_size
    except ValueError:  # a name that no file can have
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)) from None
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # opening a folder says what it is
        reason = Said("it is no regular file", "它不是普通文件")
        raise InvalidInputError("input_file_unreadable", path=path, reason=reason)
    if size > MAX_BYTES:
        raise InvalidInputError("reconciliation_file_too_large", path=path, limit=MAX_BYTES)


def _encoding(path: Path) -> str:
    """The first encoding in which all of the file is text."""
    for encoding in ("utf-8", "gb18030"):
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            with path.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    decoder.decode(chunk)
                decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return encoding
    raise _malformed(path, 1, "it is neither UTF-8 nor GB 18030", "既不是 UTF-8 也不是 GB 18030")


def _short_lines(path: Path, raw: BinaryIO, encoding: str, progress: Callable[[int], None]) -> Iterator[str]:
    """The lines as text, without a mark (U+FEFF) at the beginning; none is read on beyond its limit."""
    with io.TextIOWrapper(raw, encoding, newline="\n") as file:
        for number in count(1):
            line = file.readline(MAX_LINE + 1)
            if len(line) > MAX_LINE:
                long = f"it has more than {MAX_LINE} characters"
                raise _malformed(path, number, long, f"超过 {MAX_LINE} 个字符")
            if number % _BLOCK == 0 or not line:
                progress(raw.tell())
            if not line:
                return
            yield line.removeprefix("\ufeff") if number == 1 else line


def _header(path: Path, cells: Sequence[str]) -> Callable[[Sequence[str]], tuple[str, ...]]:
    """What brings the cells of a line into the order of an entry; names are in either language."""
    names = [_COLUMN.get(cell.strip(), "") for cell in cells]
    for name, cell in zip(names, cells, strict=True):
        if not name:
            said = short(cell)
            raise _malformed(path, 1, f"the column {said} is not known", f"未知的列 {said}")
        if names.count(name) > 1:
            raise _malformed(path, 1, f"the column {name} stands twice", f"列 {name} 重复出现")
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        lacking = " ".join(missing)
        raise _malformed(path, 1, f"it lacks {lacking}", f"缺少列 {lacking}")
    return itemgetter(*(names.index(name) for name in Entry._fields))


def _entry(path: Path, line: int, given: tuple[str, ...]) -> Entry:
    """One debit; raises for the first cell that is not as its column demands."""
    trace_no, authority, day, bill_no, operator, wallet_id, amount, status = given
    if _GOOD.fullmatch("\n".join(given)) is None or not _is_day(day):
        for (name, form), cell in zip(_FORMS.items(), given, strict=True):
            if re.fullmatch(form, cell) is None or (name == "entrust_date" and not _is_day(cell)):
                said = short(cell) or '""'
                raise _malformed(path, line, f"{name} cannot be {said}", f"{COLUMNS[name]}不能是 {said}")
    whole, _, part = amount.partition(".")
    fen = Fen(int(whole) * 100 + int(part.ljust(2, "0")))
    return Entry(trace_no, authority, day, bill_no, operator, wallet_id, fen, _STATUS[status])


@lru_cache(maxsize=64)  # most lines of a file are of one day
def _is_day(text: str) -> bool:
    try:
        parse_date(text)
    except InvalidInputError:
        return False
    return True


def _malformed(path: Path, line: int, en: str, zh: str) -> InvalidInputError:
    return InvalidInputError("reconciliation_file_malformed", path=path, line=line, reason=Said(en, zh))
