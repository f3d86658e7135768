"""A table of annual returns (CSV) in, the same table with the settlements out, in blocks of lines.

The first line names the columns: keys of ``AnnualReturn``, with amounts in yuan as ``money.yuan`` reads them,
and any others.  Out comes every line as it was, with the columns of ``ManySettled`` added.  Tables come
out of spreadsheets: flags may be in capitals, an empty cell is one not given, blank lines at the end none.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from ecny_tax.errors import InvalidInputError, Said, short, system_reason
from ecny_tax.money import Fen, yuan
from ecny_tax.rulebook import PACKAGE, Rulebook
from ecny_tax.taxes.checks import FIRST_YEAR, LAST_YEAR, check_year
from ecny_tax.taxes.income_tax import BONUS_MODES
from ecny_tax.taxes.settle_many import (
    AMOUNT_COLUMNS,
    COLUMNS,
    RESULT_COLUMNS,
    ManySettled,
    require_numpy,
    settle_many,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

#: Lines that are in memory together, and the most characters of one.
BLOCK, MAX_LINE = 10_000, 65_536

#: What may stand in the columns that hold no amounts, and what it becomes.
_WORDS: dict[str, dict[str, int | bool]] = {
    "tax_year": {str(year): year for year in range(FIRST_YEAR, LAST_YEAR + 1)},
    "bonus_mode": {mode: code for code, mode in enumerate(BONUS_MODES)},
    "withheld_properly": {"true": True, "false": False},
}
#: What an empty cell means, as a missing column does; a year must be said, and every other cell is an amount.
_EMPTY = {"tax_year": "", "bonus_mode": "merge", "withheld_properly": "true"}
#: Amounts that are read all at once, one a line: less than 10^15 yuan, without a unit.
_PLAIN = re.compile(r"(?:[0-9]{1,15}+(?:\.[0-9]{1,2}+)?+\n)*+")
_END_AFTER_ONE_DECIMAL = re.compile(r"(?<=\.[0-9])\n")
_END_WITHOUT_TWO_DECIMALS = re.compile(r"(?<!\.[0-9]{2})\n")
_HUNDREDTHS = [f".{part:02}" for part in range(100)]

_Line = tuple[int, list[str]]  # its number in the file, its cells


class SettledTable:
    """Iterating once reads, settles and gives the lines to write; then the sums (in fen) are complete.

    Raises ``InvalidInputError``: ``line_refused`` with the ``line``, the ``column`` and the ``cause`` (the
    code with which ``money.yuan`` or ``income_tax.settle`` refuses that value), ``table_malformed``,
    ``table_lacks_year``, ``input_not_utf8``, ``input_file_unreadable``; ``UnavailableError``
    (``numpy_missing``).
    """

    def __init__(
        self,
        path: Path,
        *,
        tax_year: int | None = None,
        book: Rulebook = PACKAGE,
        advance: Callable[[int], None] = lambda _: None,
    ) -> None:
        """``tax_year`` is that of all lines where no column says it; ``advance`` is told the bytes read."""
        require_numpy()
        if tax_year is not None:
            check_year(tax_year)
        self._path, self._tax_year, self._book, self._advance = path, tax_year, book, advance
        self.people = 0
        self.tax_total = self.refund = self.due = Fen(0)
        self.passed_through: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[str]:
        blocks = self._blocks()
        first = next(blocks, None)
        if first is None:
            raise self._malformed(Said("it is empty", "它是空的"))
        header = first.pop(0)[1]
        self._check(header)
        self.passed_through = tuple(name for name in header if name not in COLUMNS)
        yield _text([[*header, *RESULT_COLUMNS]])
        if first:
            yield self._settled(header, first)
        for block in blocks:
            yield self._settled(header, block)

    def _check(self, header: Sequence[str]) -> None:
        """Refuse names of columns that would be misread."""
        for place, name in enumerate(header):
            if name in header[:place]:
                said = short(name)
                raise self._malformed(Said(f"the column {said} stands twice", f"列 {said} 重复出现"))
            if name in RESULT_COLUMNS or name == "base_taxable":
                raise self._malformed(Said(f"a column may not be named {name}", f"列名不得为 {name}"))
        if not set(AMOUNT_COLUMNS).intersection(header):
            none = "none of its columns is an amount of an annual return"
            raise self._malformed(Said(none, "没有一列是年度汇算申报的金额"))
        if "tax_year" in header and self._tax_year is not None:
            twice = "tax_year is one of its columns, and given for all lines"
            raise self._malformed(Said(twice, "表中已有 tax_year 列，又为各行统一指定了年度"))
        if "tax_year" not in header and self._tax_year is None:
            raise InvalidInputError("table_lacks_year", path=self._path)

    def _blocks(self) -> Iterator[list[_Line]]:
        """The lines of the file, many at a time."""
        try:
            with self._path.open("rb") as raw, io.TextIOWrapper(raw, "utf-8-sig", newline="") as file:
                reader = csv.reader(self._short_lines(file), strict=True)
                lines = self._filled((reader.line_num, cells) for cells in reader)
                try:
                    while block := list(islice(lines, BLOCK)):
                        yield block
                        if raw.seekable():
                            self._advance(raw.tell())
                except csv.Error as error:
                    place, place_zh = f"line {reader.line_num}", f"第 {reader.line_num} 行"
                    raise self._malformed(Said(f"{place}: {error}", f"{place_zh}：{error}")) from None
        except OSError as error:
            reason = system_reason(error)
            raise InvalidInputError("input_file_unreadable", path=self._path, reason=reason) from None
        except UnicodeDecodeError:
            raise InvalidInputError("input_not_utf8", path=self._path) from None

    def _filled(self, lines: Iterable[_Line]) -> Iterator[_Line]:
        """The lines without the blank ones at the end; one that others follow may be a person gone astray.

        In a table of one column an empty cell is quoted: that line is a person's, who was given nothing.
        """
        blank, width = 0, 0
        for number, cells in lines:
            width = width or len(cells)
            if not any(map(str.strip, cells)) and not (width == 1 and cells == [""]):
                blank = blank or number
                continue
            if blank:
                reason = Said(
                    f"line {blank} is blank, and line {number} is not",
                    f"第 {blank} 行为空行，而第 {number} 行不是",
                )
                raise self._malformed(reason)
            yield number, cells

    def _short_lines(self, file: TextIO) -> Iterator[str]:
        while line := file.readline(MAX_LINE + 1):
            if len(line) > MAX_LINE:
                long, long_zh = f"a line has more than {MAX_LINE} characters", f"有一行超过 {MAX_LINE} 个字符"
                raise self._malformed(Said(long, long_zh))
            yield line

    def _settled(self, header: Sequence[str], block: Sequence[_Line]) -> str:
        """Settle some lines; what is to be written of them."""
        for number, cells in block:
            if len(cells) != len(header):
                reason = Said(
                    f"line {number} has {len(cells)} cells, and the first line {len(header)}",
                    f"第 {number} 行有 {len(cells)} 格，而首行有 {len(header)} 格",
                )
                raise self._malformed(reason)
        texts = dict(zip(header, zip(*(cells for _, cells in block), strict=True), strict=True))
        columns: dict[str, Any] = {} if self._tax_year is None else {"tax_year": self._tax_year}
        try:
            for name in COLUMNS:
                if name in texts:
                    columns[name] = _values(name, texts[name])
            settled = settle_many(columns, book=self._book)
        except InvalidInputError as error:
            if error.code != "row_refused":
                raise
            row, column = int(str(error.values["row"])), str(error.values["column"])
            raise InvalidInputError(
                "line_refused",
                path=self._path,
                line=block[row][0],
                column=column,
                value=texts[column][row] if column in texts else self._tax_year,
                cause=error.values["cause"],
            ) from None
        self._add(settled)
        added = zip(*(_texts(getattr(settled, name)) for name in RESULT_COLUMNS), strict=True)
        return _text([[*cells, *results] for (_, cells), results in zip(block, added, strict=True)])

    def _add(self, settled: ManySettled) -> None:
        """Count them in; the sums of so many amounts might not fit int64."""
        self.people += len(settled)
        self.tax_total = Fen(self.tax_total + sum(settled.tax_total.tolist()))
        self.refund = Fen(self.refund + sum(settled.refund.tolist()))
        self.due = Fen(self.due + sum(settled.due.tolist()))

    def _malformed(self, reason: Said) -> InvalidInputError:
        return InvalidInputError("table_malformed", path=self._path, reason=reason)


def _values(name: str, texts: Sequence[str]) -> npt.NDArray[Any]:
    """The values of a column; raises ``InvalidInputError`` (``row_refused``)."""
    import numpy as np

    if "" in texts:
        texts = [text or _EMPTY.get(name, "0") for text in texts]
    if name in AMOUNT_COLUMNS:
        return amounts_of(name, texts)
    words = _WORDS[name]
    if name == "withheld_properly":
        texts = [text.lower() for text in texts]
    for row, text in enumerate(texts):
        if text not in words:
            raise _refused(row, name, text, "input_value_malformed")
    return np.array([words[text] for text in texts])


def amounts_of(name: str, texts: Sequence[str]) -> npt.NDArray[np.int64]:
    """Amounts in yuan as fen, each as ``money.yuan`` reads it; most columns are read in one go.

    Raises ``InvalidInputError`` (``row_refused``).
    """
    import numpy as np

    lines = "\n".join([*texts, ""])
    if lines.count("\n") == len(texts) and _PLAIN.fullmatch(lines):
        lines = _END_AFTER_ONE_DECIMAL.sub("0\n", lines)
        lines = _END_WITHOUT_TWO_DECIMALS.sub("00\n", lines)
        return np.fromstring(lines.replace(".", ""), np.int64, count=len(texts), sep="\n")
    found = []
    for row, text in enumerate(texts):
        try:
            found.append(yuan(text))
        except InvalidInputError as error:
            raise _refused(row, name, text, error.code) from None
    return np.array(found, np.int64)


def _refused(row: int, column: str, value: str, cause: str) -> InvalidInputError:
    return InvalidInputError("row_refused", row=row, column=column, value=value, cause=cause)


def _texts(column: npt.NDArray[Any]) -> Sequence[str]:
    """Amounts in yuan with two decimals, or flags as words."""
    if column.dtype == bool:
        return ["true" if flag else "false" for flag in column.tolist()]
    if not column.any():
        return ["0.00"] * len(column)
    wholes = column // 100
    parts = column - 100 * wholes
    return [
        f"{whole}{_HUNDREDTHS[part]}" for whole, part in zip(wholes.tolist(), parts.tolist(), strict=True)
    ]


def _text(lines: Sequence[Sequence[str]]) -> str:
    written = io.StringIO(newline="")
    csv.writer(written).writerows(lines)
    return written.getvalue()
