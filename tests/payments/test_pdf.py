"""The printed voucher as PDF: every field, in Chinese and English, on as many pages as it takes."""

from __future__ import annotations

import io
import re
import sys
from dataclasses import replace
from unicodedata import normalize

import pypdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecny_tax import EcnyTaxError, Sandbox
from ecny_tax.errors import Language
from ecny_tax.payments import receipts
from ecny_tax.payments.paper import Both, Paper, explained
from ecny_tax.payments.pdf import as_pdf
from ecny_tax.refunds.verification import signed_paper
from tests.offline import qr_reader
from tests.payments import signed
from tests.payments.signed import MODES, check
from tests.payments.test_receipts import FIELDS, LINES
from tests.support import judged

LANGUAGES: tuple[Language, ...] = ("en", "zh")


def read(data: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(data), strict=True)


def text_of(data: bytes) -> str:
    """What stands in a PDF, blanks aside: where a line breaks is a matter of its layout."""
    return squeezed("".join(page.extract_text() for page in read(data).pages))


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", normalize("NFC", text))


def signed_page(s: Sandbox, receipt_no: str, *, explain: bool = False) -> Paper:
    data = s.payments.signed_receipt(receipt_no=receipt_no, explain=explain)
    found = check(s, data).receipt
    assert found is not None
    return signed_paper(found, data)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_printed_field_stands_in_the_pdf(sandbox: Sandbox, language: Language) -> None:
    receipt_no = signed.real_time_debit(sandbox)
    receipt = sandbox.payments.receipt(receipt_no=receipt_no)
    text = text_of(as_pdf(receipts.paper(receipt), language))
    for label, value in FIELDS[language].items():
        assert squeezed(label + value) in text, label
    for value in (receipt.receipt_no, receipt.wallet_id, *LINES[language]):
        assert squeezed(value) in text
    assert {"en": "withoutlegalforce", "zh": "不具法律效力"}[language] in text


@pytest.mark.parametrize("mode", list(MODES))
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pdf_says_what_the_page_says_in_its_order(
    sandbox: Sandbox, mode: str, language: Language
) -> None:
    paper = signed_page(sandbox, MODES[mode](sandbox), explain=True)
    text, at = text_of(as_pdf(paper, language)), 0

    def said(part: Both | str) -> str:
        return squeezed(part if isinstance(part, str) else part.zh if language == "zh" else part.en)

    shown = [paper.title, paper.notice]
    for label, parts in paper.fields:
        shown += [label, *parts]
    for value in filter(None, map(said, shown)):
        assert value in text[at:], value
        at = text.index(value, at) + len(value)
    for line in (*paper.lines, *paper.steps):
        for cell in line:
            # The words of a cell may stand on several lines, between those of its neighbours.
            words = re.findall(r"[^\W_]+", cell if isinstance(cell, str) else getattr(cell, language))
            assert all(squeezed(word)[:6] in text[at:] for word in words), cell


def test_no_font_is_embedded_and_nothing_is_fetched_or_run(sandbox: Sandbox) -> None:
    data = as_pdf(signed_page(sandbox, signed.real_time_debit(sandbox)), "zh")
    document = read(data)
    names = {font["/BaseFont"] for page in document.pages for font in _fonts(page)}
    assert names <= {"/STSong-Light", "/Helvetica"}
    assert "/STSong-Light" in names
    for forbidden in (b"/FontFile", b"/JavaScript", b"/URI", b"/EmbeddedFile", b"/Launch"):
        assert forbidden not in data
    assert document.metadata is not None
    assert (document.metadata.title, document.metadata.creator) == ("电子缴款凭证", "ecny-tax")


def _fonts(page: pypdf.PageObject) -> list[pypdf.generic.DictionaryObject]:
    resources = page["/Resources"].get_object()
    return [font.get_object() for font in resources["/Font"].get_object().values()]  # type: ignore[index]


def test_pages_are_a4_and_the_same_paper_is_the_same_file(sandbox: Sandbox) -> None:
    paper = signed_page(sandbox, signed.real_time_debit(sandbox))
    data = as_pdf(paper, "zh")
    assert data == as_pdf(paper, "zh") != as_pdf(paper, "en")
    (page,) = read(data).pages
    width, height = (float(side) * 25.4 / 72 for side in page.mediabox[2:])
    assert (round(width), round(height)) == (210, 297)


@pytest.mark.parametrize("mode", list(MODES))
def test_the_code_of_the_pdf_verifies_by_itself(sandbox: Sandbox, mode: str) -> None:
    paper = signed_page(sandbox, MODES[mode](sandbox))
    scanned = qr_reader.text_of(drawn(as_pdf(paper, "zh")))
    assert scanned == paper.signed
    assert check(sandbox, scanned).valid


def drawn(data: bytes) -> qr_reader.Matrix:
    """The QR code as it is drawn: black rectangles of whole modules, in one path."""
    for page in read(data).pages:
        content = page.get_contents()
        assert content is not None
        for path in re.findall(
            r"0 0 0 rg\s+n\s+((?:[-\d. ]+ re\s+)+)f\*?", content.get_data().decode("latin-1")
        ):
            boxes = [[float(one) for one in box.split()] for box in re.findall(r"([-\d. ]+) re", path)]
            side = min(height for *_, height in boxes)
            left, top = min(x for x, *_ in boxes), max(y for _, y, *_ in boxes)
            size = round(max(x + width - left for x, _, width, _ in boxes) / side)
            matrix = [[False] * size for _ in range(size)]
            for x, y, width, _ in boxes:
                for column in range(round(width / side)):
                    matrix[round((top - y) / side)][round((x - left) / side) + column] = True
            return matrix
    raise AssertionError("there is no code in it")


def test_many_lines_take_several_pages_with_the_head_on_each(sandbox: Sandbox) -> None:
    paper = receipts.paper(sandbox.payments.receipt(receipt_no=signed.scan(sandbox)))
    many = replace(paper, lines=tuple((f"税{place}", *paper.lines[0][1:]) for place in range(100)))
    pages = [squeezed(page.extract_text()) for page in read(as_pdf(many, "zh")).pages]
    assert len(pages) == 4
    for number, text in enumerate(pages, start=1):
        assert "预算科目" in text
        assert "不具法律效力" in text
        assert str(number) in text
    together = "".join(pages)
    assert all(f"税{place}" in together for place in range(100))


def test_what_fits_no_code_is_said(sandbox: Sandbox) -> None:
    paper = receipts.paper(sandbox.payments.receipt(receipt_no=signed.scan(sandbox)))
    too_long = replace(paper, signed="ECNY1:" + "A" * 4291)
    assert "二维码无法容纳" in text_of(as_pdf(too_long, "zh"))
    fits = replace(paper, signed="ECNY1:" + "A" * 4290)
    assert qr_reader.text_of(drawn(as_pdf(fits, "en"))) == fits.signed
    assert "Signedbythetreasury" not in text_of(as_pdf(paper, "en"))


@given(name=st.text(max_size=100), amount=st.text("0123456789,.", max_size=30), notice=st.text(max_size=200))
def test_whatever_users_wrote_is_printed_or_spelled_out(name: str, amount: str, notice: str) -> None:
    paper = Paper(
        title=Both("票", "Paper"),
        notice=notice,
        fields=((Both("名称", "Name"), (name,)), (Both("二", "Two"), (name, "x"))),
        columns=(Both("项", "Item"), Both("额", "Amount")),
        lines=((name, amount), ("y", "2.00")),
    )
    for language in LANGUAGES:
        document = read(as_pdf(paper, language))
        assert len(document.pages) == 1


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("𠮷野家", "[U+20BB7]野家"),
        ("A\x07B", r"A\x07B"),
        ("é×—（）", "é×—（）"),
        ("한국", "[U+D55C][U+AD6D]"),
    ],
)
def test_a_character_that_the_font_lacks_is_spelled_out(sandbox: Sandbox, name: str, printed: str) -> None:
    receipt = sandbox.payments.receipt(receipt_no=signed.scan(sandbox))
    text = text_of(as_pdf(receipts.paper(replace(receipt, taxpayer_name=name)), "zh"))
    assert squeezed(f"纳税人名称{printed}") in text


def test_a_long_name_is_broken_between_words_and_never_lost(sandbox: Sandbox) -> None:
    receipt = sandbox.payments.receipt(receipt_no=signed.real_time_debit(sandbox))
    for name in ("虚构照明" * 25, "Invented Lighting " * 5 + "Company", "X" * 100):
        paper = explained(receipts.paper(replace(receipt, payer_name=name)), receipt.steps)
        text = text_of(as_pdf(paper, "zh"))
        assert squeezed(name) in text
    lines = read(as_pdf(paper, "zh")).pages[0].extract_text().splitlines()
    assert not [line for line in lines if line.startswith(("，", "。", "）"))]


def test_without_reportlab_it_is_said_what_to_install(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    paper = receipts.paper(sandbox.payments.receipt(receipt_no=signed.scan(sandbox)))
    monkeypatch.setitem(sys.modules, "reportlab", None)  # what Python itself takes for "not there"
    with pytest.raises(EcnyTaxError) as caught:
        as_pdf(paper, "zh")
    judged(caught.value, "pdf_missing")
    assert "reportlab" in caught.value.hint
