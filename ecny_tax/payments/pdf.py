"""Papers as PDF, on A4: what the HTML page says, in its order.

It needs reportlab, the extra ``[pdf]``.  Chinese is set in STSong-Light and the rest in Helvetica: fonts that
every reader of PDF knows by name and replaces by its own, so that none is bundled or embedded.  The same
paper is the same file to the byte.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

from ecny_tax.errors import Language, UnavailableError
from ecny_tax.payments.paper import (
    IN_THE_CODE,
    NO_CODE,
    SIGNED,
    SIMULATED,
    STEP_COLUMNS,
    STEPS,
    Both,
    Paper,
    Text,
    all_said,
    code_of,
    joined,
    said,
)

if TYPE_CHECKING:
    from segno import QRCode

_FONT, _LATIN = "STSong-Light", "Helvetica"
_MM = 72 / 25.4
_WIDTH, _HEIGHT = 210 * _MM, 297 * _MM
_MARGIN = 18 * _MM
_INSIDE = _WIDTH - 2 * _MARGIN
_CODE = 90 * _MM
_PAD = 4.0
_INK, _FAINT, _RED, _LINE = (0.07, 0.07, 0.07), (0.27, 0.35, 0.39), (0.72, 0.11, 0.11), (0.56, 0.64, 0.68)
_SHADE = (0.925, 0.937, 0.945)
_BODY, _SMALL = 10.5, 9.0
#: What fits by the sum of other roundings fits.
_HAIR = 0.01
#: Where a line may break: after a blank, and between Chinese characters, though no line begins with a closing
#: mark or ends with an opening one; else inside a word that is too long for a line.
_PIECE = re.compile(
    r"[（《「【]*[⺀-鿿][，。）、；：》」】]*\s*|[^\s⺀-鿿（）《》「」【】，。、；：]+\s*|\S|\s+"
)


def require_reportlab() -> None:
    """Raises ``UnavailableError`` (``pdf_missing``), which says what to install."""
    try:
        import reportlab  # noqa: F401
    except ImportError:
        raise UnavailableError("pdf_missing") from None


def as_pdf(paper: Paper, language: Language) -> bytes:
    """The paper as a PDF of as many pages as it needs; raises ``UnavailableError`` (``pdf_missing``)."""
    require_reportlab()
    tag = "zh-CN" if language == "zh" else "en"
    page = _Pages(said(paper.title, language), said(SIMULATED, language), tag)
    page.heading(said(paper.title, language))
    if paper.notice:
        page.notice(said(paper.notice, language))
    page.fields([(said(label, language), joined(parts, language)) for label, parts in paper.fields])
    page.table(*_table(paper.columns, paper.lines, language))
    if paper.steps:
        page.part(said(STEPS, language))
        page.table(*_table(STEP_COLUMNS, paper.steps, language))
    if paper.signed:
        code = code_of(paper)
        page.signed(said(SIGNED, language), said(NO_CODE if code is None else IN_THE_CODE, language), code)
    return page.finished()


def _table(
    columns: Sequence[Both], lines: Iterable[Sequence[Text]], language: Language
) -> tuple[list[str], list[list[str]]]:
    return all_said(columns, language), [all_said(line, language) for line in lines]


class _Pages:
    """A4 pages that are filled from the top; what does not fit begins a new one.

    Every page ends with the ``footer`` and its number.
    """

    def __init__(self, title: str, footer: str, language: str) -> None:
        from reportlab.pdfbase import pdfmetrics
        from reportlab.pdfbase.cidfonts import UnicodeCIDFont
        from reportlab.pdfgen.canvas import Canvas

        if _FONT not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(UnicodeCIDFont(_FONT))
        self._measure = pdfmetrics.stringWidth
        self._file = io.BytesIO()
        self._canvas: Any = Canvas(
            self._file, pagesize=(_WIDTH, _HEIGHT), invariant=True, pageCompression=1, lang=language
        )
        self._canvas.setTitle(title)
        self._canvas.setAuthor("ecny-tax")
        self._canvas.setCreator("ecny-tax")
        self._canvas.setSubject(footer)
        self._y = _HEIGHT - _MARGIN
        self._footer = footer

    def heading(self, text: str) -> None:
        """The title in the middle, over a double rule."""
        for line in self._broken(text, _INSIDE, 16):
            self._room(24)
            self._write(line, _WIDTH / 2, 16, _RED, align="centre")
            self._y -= 24
        self._canvas.setStrokeColorRGB(*_RED)
        for gap in (0, 2):
            self._canvas.line(_MARGIN, self._y - gap, _WIDTH - _MARGIN, self._y - gap)
        self._y -= 12

    def notice(self, text: str) -> None:
        """What must not be overlooked, in a frame."""
        lines = self._broken(text, _INSIDE - 2 * _PAD, _BODY)
        height = 15 * len(lines) + 2 * _PAD
        self._room(height + 8)
        self._canvas.setStrokeColorRGB(*_RED)
        self._canvas.rect(_MARGIN, self._y - height, _INSIDE, height)
        for place, line in enumerate(lines):
            self._write(line, _WIDTH / 2, _BODY, _RED, down=_PAD + 15 * place, align="centre")
        self._y -= height + 8

    def part(self, text: str) -> None:
        """The heading of a part; it does not stand alone at the foot of a page."""
        self._room(60)
        self._y -= 8
        self._write(text, _MARGIN, 12, _INK)
        self._y -= 20

    def fields(self, fields: Sequence[tuple[str, str]]) -> None:
        """Labels on the left, values on the right."""
        gap = max(self._wide(label, _BODY) for label, _ in fields) + 14
        for label, value in fields:
            lines = self._broken(value, _INSIDE - gap, _BODY)
            for place, line in enumerate(lines):
                self._room(16)
                if place == 0:
                    self._write(label, _MARGIN, _BODY, _FAINT)
                self._write(line, _MARGIN + gap, _BODY, _INK)
                self._y -= 16
        self._y -= 8

    def table(self, head: list[str], lines: list[list[str]]) -> None:
        """Cells in frames, the last column to the right; the head stands again on every page."""
        widths = self._columns([head, *lines])
        cells = [self._cells(line, widths) for line in lines]
        top = self._cells(head, widths)
        self._room(self._height(top) + (self._height(cells[0]) if cells else 0))
        self._row(top, widths, shaded=True)
        for row in cells:
            if self._room(self._height(row)):
                self._row(top, widths, shaded=True)
            self._row(row, widths, shaded=False)
        self._y -= 8

    def signed(self, title: str, caption: str, code: QRCode | None) -> None:
        """The QR code with what it holds beside it, or why there is none."""
        height = _CODE if code is not None else 30.0
        self._room(height + 28)
        self.part(title)
        left = _MARGIN + (_CODE + 12 if code is not None else 0)
        top = self._y
        for place, line in enumerate(self._broken(caption, _WIDTH - _MARGIN - left, _SMALL)):
            self._write(line, left, _SMALL, _FAINT, down=13 * place)
        if code is not None:
            matrix = [list(row) for row in code.matrix_iter(border=4)]
            side = _CODE / len(matrix)
            self._canvas.setFillColorRGB(0, 0, 0)
            path = self._canvas.beginPath()
            for i, row in enumerate(matrix):
                for start, end in _runs(row):
                    path.rect(_MARGIN + start * side, top - (i + 1) * side, (end - start) * side, side)
            self._canvas.drawPath(path, stroke=0, fill=1)
        self._y -= height

    def finished(self) -> bytes:
        """The file."""
        self._end_page()
        self._canvas.save()
        return self._file.getvalue()

    # --- how it is set ----------------------------------------------------------------------------------

    def _room(self, height: float) -> bool:
        """Begin a new page where so much does not fit on this one; tell whether it did."""
        if self._y - height >= _MARGIN + 2 * _SMALL:
            return False
        self._end_page()
        self._y = _HEIGHT - _MARGIN
        return True

    def _end_page(self) -> None:
        self._y = _MARGIN + _SMALL
        self._write(self._footer, _MARGIN, _SMALL, _FAINT)
        self._write(str(self._canvas.getPageNumber()), _WIDTH - _MARGIN, _SMALL, _FAINT, align="right")
        self._canvas.showPage()

    def _columns(self, rows: list[list[str]]) -> list[float]:
        """The widths of columns: as their texts need, or less of what the widest ask, so that all fit."""
        wanted = [
            max(self._wide(cell, _SMALL) for cell in column) + 2 * _PAD for column in zip(*rows, strict=True)
        ]
        over = sum(wanted) - _INSIDE
        if over <= 0:
            return [width - over / len(wanted) for width in wanted]
        fair = _INSIDE / len(wanted)
        while sum(min(width, fair) for width in wanted) < _INSIDE - 0.01:
            fair += (_INSIDE - sum(min(width, fair) for width in wanted)) / len(wanted)
        return [min(width, fair) for width in wanted]

    def _cells(self, row: list[str], widths: list[float]) -> list[list[str]]:
        return [self._broken(cell, width - 2 * _PAD, _SMALL) for cell, width in zip(row, widths, strict=True)]

    def _height(self, cells: list[list[str]]) -> float:
        return 13 * max(map(len, cells)) + 2 * _PAD

    def _row(self, cells: list[list[str]], widths: list[float], *, shaded: bool) -> None:
        height, left = self._height(cells), _MARGIN
        self._canvas.setStrokeColorRGB(*_LINE)
        for column, (lines, width) in enumerate(zip(cells, widths, strict=True), start=1):
            self._canvas.setFillColorRGB(*_SHADE)
            self._canvas.rect(left, self._y - height, width, height, fill=int(shaded))
            last = column == len(cells)
            for place, line in enumerate(lines):
                x = left + width - _PAD if last else left + _PAD
                down = _PAD + 13 * place
                self._write(line, x, _SMALL, _INK, down=down, align="right" if last else "left")
            left += width
        self._y -= height

    def _write(
        self,
        text: str,
        x: float,
        size: float,
        colour: tuple[float, float, float],
        *,
        down: float = 0,
        align: str = "left",
    ) -> None:
        """One line, ``down`` below where the page is filled to."""
        x -= {"left": 0.0, "centre": 0.5, "right": 1.0}[align] * self._wide(text, size)
        line = self._canvas.beginText(x, self._y - down - size)
        line.setFillColorRGB(*colour)
        for font, run in _in_fonts(text):
            line.setFont(font, size)
            line.textOut(run)
        self._canvas.drawText(line)

    def _wide(self, text: str, size: float) -> float:
        return float(sum(self._measure(run, font, size) for font, run in _in_fonts(text)))

    def _broken(self, text: str, width: float, size: float) -> list[str]:
        """A text in lines of at most that width."""
        lines = [""]
        for piece in _PIECE.findall(_printable(text)):
            if self._wide((lines[-1] + piece).rstrip(), size) <= width + _HAIR:
                lines[-1] += piece
                continue
            if lines[-1]:
                lines.append("")
            for char in piece:  # a word that is longer than a line breaks anywhere
                if lines[-1] and self._wide(lines[-1] + char.rstrip(), size) > width + _HAIR:
                    lines.append("")
                lines[-1] += char
        return [line.rstrip() for line in lines]


def _printable(text: str) -> str:
    """The text with every character spelled out that its font may lack."""
    return "".join(char if _font(char) else f"[U+{ord(char):04X}]" for char in text)


@lru_cache(maxsize=4096)
def _font(char: str) -> str:
    """The font of a character; empty where none has it."""
    for font, repertoire in ((_LATIN, "latin-1"), (_FONT, "gbk")):
        with suppress(UnicodeEncodeError):
            char.encode(repertoire)
            return font
    return ""


def _in_fonts(text: str) -> Iterator[tuple[str, str]]:
    """The text in runs of one font."""
    for font, run in groupby(_printable(text), _font):
        yield font, "".join(run)


def _runs(row: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Where the dark modules of a row begin and end."""
    start = None
    for place, dark in enumerate([*row, 0]):
        if dark and start is None:
            start = place
        elif not dark and start is not None:
            yield start, place
            start = None
