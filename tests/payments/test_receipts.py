"""The electronic payment voucher: every printed field, in both languages, as text and as HTML."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from unicodedata import east_asian_width

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecny_tax import Sandbox, rulebook
from ecny_tax.errors import Language
from ecny_tax.money import Fen
from ecny_tax.payments import receipts
from ecny_tax.payments.model import Receipt
from ecny_tax.payments.paper import Both, Paper
from ecny_tax.payments.printing import as_html, as_text
from tests.support import START, company_id, company_name, corporate, nameless, owe

LANGUAGES: tuple[Language, ...] = ("en", "zh")
#: Elements that must not stand in a file that runs nothing and fetches nothing.
ACTIVE = {"script", "link", "img", "iframe", "object", "embed", "form", "a", "svg", "base"}
VOID = {"meta"}


def paid(s: Sandbox) -> Receipt:
    """The receipt of 17,000 yuan of stamp duty."""
    wallet = corporate(s, fund=Fen(20_000_00))
    s.agreements.sign(wallet_id=wallet.wallet_id)
    payment = s.payments.pay_stamp_duty(
        wallet_id=wallet.wallet_id, item="sale_contract", base=Fen(5666666667)
    )
    return s.payments.receipt(receipt_no=payment.receipt_no)


class Page(HTMLParser):
    """What a page is made of; an element that is not closed, or closed wrongly, is a failure."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.text.append(data)

    def shown(self) -> str:
        return "".join(self.text)


def width(line: str) -> int:
    return sum(1 + (east_asian_width(char) in "WF") for char in line)


FIELDS = {
    "zh": {
        "缴款日期": "2023-04-20 10:00:00（北京时间）",
        "纳税人识别号": company_id(),
        "纳税人名称": company_name(),
        "税务机关": "国家税务总局鹤山市税务局（14407840000）",
        "收款国库": "国家金库鹤山市支库（1907840000）",
        "付款运营机构": "中国工商银行（ICBC）",
        "付款人名称": company_name(),
        "金额（小写）": "¥17,000.00",
        "金额（大写）": "人民币壹万柒仟元整",
        "状态": "已缴款",
        "打印次数": "0",
        "备注": "数字人民币实时扣税",
    },
    "en": {
        "Payment date": "2023-04-20 10:00:00 (Beijing time)",
        "Taxpayer id": company_id(),
        "Taxpayer name": company_name(),
        "Tax authority": "Heshan Tax Service, State Taxation Administration (14407840000)",
        "Receiving treasury": "State Treasury, Heshan sub-treasury (1907840000)",
        "Paying operator": "Industrial and Commercial Bank of China (ICBC)",
        "Payer name": company_name(),
        "Amount": "¥17,000.00",
        "Amount in capitals": "人民币壹万柒仟元整",
        "Status": "Settled",
        "Print count": "0",
        "Remark": "Real-time debit in e-CNY",
    },
}
LINES = {
    "zh": ("印花税", "买卖合同", "省", "税收收入—印花税", "2023-04-01 至 2023-06-30", "5,100.00"),
    "en": (
        "Stamp duty", "Sale contract (movables, not by individuals)", "Province", "Tax revenue: stamp duty",
        "2023-04-01 to 2023-06-30", "5,100.00",
    ),
}  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_printed_field_stands_in_the_text(sandbox: Sandbox, language: Language) -> None:
    receipt = paid(sandbox)
    text = as_text(receipts.paper(receipt), language)
    joined = re.sub(r"\n {4,}", " ", text)  # what stands on two lines for want of room
    for label, value in FIELDS[language].items():
        assert re.search(rf"^{re.escape(label)} +{re.escape(value)}$", joined, re.MULTILINE), label
    for value in (receipt.receipt_no, receipt.wallet_id, *LINES[language]):
        assert value in text
    assert all(width(line) <= 78 for line in text.splitlines())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_printed_field_stands_in_the_html(sandbox: Sandbox, language: Language) -> None:
    receipt = paid(sandbox)
    html = as_html(receipts.paper(receipt), language)
    for label, value in FIELDS[language].items():
        assert f"<dt>{label}</dt><dd>{value}</dd>" in html
    rows = re.findall(r"<tr>(<td.*)</tr>", html)
    assert tuple(re.findall(r">([^<]*)</td>", rows[0])) == LINES[language]
    assert len(rows) == len(receipt.lines) == 3


def test_columns_of_the_text_stand_in_line(sandbox: Sandbox) -> None:
    """Values begin in one column, and amounts end in one, though Chinese takes two columns a character."""
    for language in LANGUAGES:
        fields, _, lines = as_text(receipts.paper(paid_once(sandbox)), language).partition("-" * 78)
        begins = {width(re.match(r"\S+(?: \S+)* {2,}| +", x).group()) for x in fields.splitlines()[2:]}  # type: ignore[union-attr]
        assert len(begins) == 1, begins
        assert {width(x) for x in lines.splitlines() if re.search(r"\d\.\d\d$", x)} == {78}


def paid_once(s: Sandbox) -> Receipt:
    payments = s.payments.list()
    return s.payments.receipt(receipt_no=payments[0].receipt_no) if payments else paid(s)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_html_is_one_file_that_fetches_and_runs_nothing(sandbox: Sandbox, language: Language) -> None:
    html = as_html(receipts.paper(paid(sandbox)), language)
    page = Page(html)
    assert ACTIVE.isdisjoint(name for name, _ in page.elements)
    for _, attributes in page.elements:
        assert not {"src", "href", "srcset", "background", "style"} & attributes.keys()
        assert not any(name.startswith("on") for name in attributes)
    assert not re.search(r"url\(|@import|https?:|//", html.partition("<body>")[0])
    assert ("html", {"lang": {"en": "en", "zh": "zh-CN"}[language]}) in page.elements
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in page.elements
    for rule in ("@media print", "size: A4", "@media screen and (max-width"):
        assert rule in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_reversed_payment_says_so_before_everything_else(sandbox: Sandbox, language: Language) -> None:
    receipt = paid(sandbox)
    said = {"en": "REVERSED on 2023-04-20 10:00:00", "zh": "本笔缴款已于 2023-04-20 10:00:00 冲正"}[language]
    assert said not in as_text(receipts.paper(receipt), language)
    assert "notice" not in as_html(receipts.paper(receipt), language).partition("<body>")[2]
    sandbox.payments.reverse(payment_no=receipt.payment_no)
    receipt = sandbox.payments.receipt(receipt_no=receipt.receipt_no)
    assert receipt.reversed_at == START
    assert said in as_text(receipts.paper(receipt), language).splitlines()[2]
    assert f'<p class="notice" role="note">{said}' in as_html(receipts.paper(receipt), language)
    assert {"en": "Reversed", "zh": "已冲正"}[language] in as_html(receipts.paper(receipt), language)


def test_a_payer_without_a_name_is_said_to_have_none(sandbox: Sandbox) -> None:
    bill = owe(sandbox, corporate(sandbox), 100)
    wallet = nameless(sandbox, fund=Fen(100))
    payment = sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id)
    receipt = sandbox.payments.receipt(receipt_no=payment.receipt_no)
    assert (receipt.payer_name, receipt.taxpayer_name) == ("", company_name())
    assert "<dd>(nameless wallet)</dd>" in as_html(receipts.paper(receipt), "en")
    assert (receipt.remark_en, receipt.lines[0].item_name) == ("Scan to pay in e-CNY", "")


def test_every_item_and_every_tax_has_words_for_its_receipt(sandbox: Sandbox) -> None:
    wallet = corporate(sandbox, fund=Fen(10**9))
    rules = rulebook.on(START.date())
    for rate in rules.stamp_duty.rates():
        payment = sandbox.payments.pay_stamp_duty(
            wallet_id=wallet.wallet_id, item=rate.code, base=Fen(10**8), side=rate.side
        ) if rate.rate != "0" else None  # fmt: skip
        if payment is not None:
            line = sandbox.payments.receipt(receipt_no=payment.receipt_no).lines[0]
            assert (line.item, line.item_name, line.item_name_en) == (rate.code, rate.name_zh, rate.name_en)
    for tax in rules.taxes.collection_items():
        if tax.code not in ("10111", "10106"):
            bill = owe(sandbox, wallet, 997, code=tax.code)
            payment = sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id)
            receipt = sandbox.payments.receipt(receipt_no=payment.receipt_no)
            assert {(x.tax, x.budget_subject, x.budget_subject_en) for x in receipt.lines} == {
                (tax.name_zh, tax.budget_subject_zh, tax.budget_subject_en)
            }
            for language in LANGUAGES:
                text = as_text(receipts.paper(receipt), language)
                assert all(width(line) <= 78 for line in text.splitlines())


@given(name=st.text(max_size=100), other=st.text(max_size=20), notice=st.text(max_size=20))
def test_whatever_users_wrote_is_shown_as_text(name: str, other: str, notice: str) -> None:
    paper = Paper(
        title=Both("票", "Paper"),
        notice=notice,
        fields=((Both("名称", "Name"), (name,)), (Both("二", "Two"), (name, other))),
        columns=(Both("项", "Item"), Both("额", "Amount")),
        lines=((other, "1.00"), (name, "2.00")),
    )
    for language in LANGUAGES:
        text, html = as_text(paper, language), as_html(paper, language)
        assert all(char.isprintable() or char == "\n" for char in text + html)
        page = Page(html)
        assert [tag for tag, _ in page.elements].count("td") == 4
        assert {tag for tag, _ in page.elements} <= {
            "html", "head", "meta", "title", "style", "body", "main", "h1", "p", "dl", "dt", "dd", "table",
            "thead", "tbody", "tr", "th", "td", "footer",
        }  # fmt: skip
        spelled = "".join(char if char.isprintable() else repr(char)[1:-1] for char in name)
        assert spelled in page.shown()
        assert unescape(html).count(spelled) >= 3
        assert spelled.rstrip() in text
