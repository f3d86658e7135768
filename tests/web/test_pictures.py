"""The pictures of the console are well-formed, of shapes and text alone, and say what the records say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ecny_tax.clock import BEIJING
from ecny_tax.errors import EcnyTaxError, Language, RejectedError
from ecny_tax.money import MAX_AMOUNT, Fen, yuan_text
from ecny_tax.scenarios.classroom_model import Action, Actor, Event, Message
from ecny_tax.store.books import AccountBalance, JournalEntry
from ecny_tax.svg import text_width
from ecny_tax.treasury.model import Closing, DayStatus, LevelAmount
from ecny_tax.web.console.drawing import balanced, wrapped
from ecny_tax.web.console.pictures import (
    account_name,
    money_flow,
    money_lines,
    sequence,
    sequence_lines,
    split_lines,
    treasury_split,
)

NOW = datetime(2023, 4, 20, 10, tzinfo=BEIJING)
LANGUAGES: tuple[Language, ...] = ("en", "zh")
MARKUP = "<script>alert(1)</script>\"'&]]><b style='x'>名</b>"
NAMES = {
    Actor.COMPANY: "弘明照明",
    Actor.AUTHORITY: "鹤山市税务局",
    Actor.OPERATOR: "工商银行",
    Actor.DEVICE: "付款设备",
    Actor.TERMINAL: "收款终端",
}
REFUSAL = RejectedError("treasury_funds_insufficient", level="central", amount="12.00")

words = st.text(max_size=120)
amounts = st.integers(0, 10**20).map(Fen)
languages = st.sampled_from(LANGUAGES)
actors = st.sampled_from(Actor)
accounts = st.one_of(
    st.sampled_from(
        (
            "issuance",
            "backing",
            "opening",
            "vault:ICBC",
            "reserve:ICBC",
            "wallet:0021",
            "wallet:0022",
            "lien:a",
            "lien:b",
            "collection:ICBC:1907840000:3",
            "collection:ICBC:1907840000:4",
            "revenue:1907840000:central",
            "revenue:1907840000:county",
            "revenue:1907840000:",
            "public:ICBC",
            "collection:",
            "",
        )
    ),
    words,
)


def messages() -> SearchStrategy[Message]:
    return st.builds(Message, actors, actors, words, words, words, st.booleans(), words)


def event(*sent: Message, refusal: EcnyTaxError | None = None) -> Event:
    return Event(Action.PAY, "Pay", "缴款", "Paid", "已缴", refusal, sent, (), NOW)


def entry(debit: str, credit: str, amount: int, seq: int = 1) -> JournalEntry:
    return JournalEntry(seq, f"{seq:032x}", NOW, "ecny", "x", debit, credit, Fen(amount), "", False)


def holding(account: str, balance: int) -> AccountBalance:
    return AccountBalance(account, "ecny", "x", Fen(0), Fen(balance), Fen(balance))


def closing(*levels: tuple[str, int]) -> Closing:
    total = Fen(sum(amount for _level, amount in levels))
    got = tuple(LevelAmount(level, Fen(amount)) for level, amount in levels)
    day = date(2023, 4, 20)
    return Closing("1907840000", day, DayStatus.CLOSED, day, 1, total, got, NOW)


def read(svg: str) -> ElementTree.Element:
    """The picture as a tree; that it may stand in a page whose policy is strict is checked on the way."""
    root = ElementTree.fromstring(svg)
    for element in root.iter():
        name = element.tag.rpartition("}")[2]
        assert name in {"svg", "title", "desc", "g", "rect", "text", "polyline", "path"}
        for attribute, value in element.attrib.items():
            assert attribute not in {"style", "href", "src"}
            assert not attribute.startswith(("on", "{"))
            assert "url(" not in value
    assert root.attrib["role"] == "img"
    for reference, tag in (("aria-labelledby", "title"), ("aria-describedby", "desc")):
        (named,) = (one for one in root.iter() if one.attrib.get("id") == root.attrib[reference])
        assert named.tag.endswith(tag)
        assert (named.text or "").strip()
    return root


def texts(root: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in root.iter() if element.tag.endswith("}text")]


def of_class(root: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    return (one for one in root.iter() if name in one.attrib.get("class", "").split())


@given(st.lists(messages(), max_size=6), languages, st.dictionaries(actors, words), st.booleans(), words)
def test_any_event_gives_a_well_formed_sequence_of_as_many_messages(
    sent: list[Message], language: Language, names: dict[Actor, str], refused: bool, title: str
) -> None:
    happened = replace(event(*sent, refusal=REFUSAL if refused else None), title=title, title_zh=title)
    root = read(sequence(happened, language, names, id_prefix="s1"))
    assert len(list(of_class(root, "message"))) == len(sent)
    assert len(list(of_class(root, "by-hand"))) == sum(message.by_hand for message in sent)
    assert len(sequence_lines(happened, language, names)) == max(1, len(sent)) + refused


@given(
    st.lists(st.builds(entry, accounts, accounts, amounts), max_size=5),
    st.lists(st.builds(entry, accounts, accounts, amounts), max_size=5),
    st.lists(st.builds(holding, accounts, st.integers(-(10**20), 10**20)), max_size=8),
    languages,
    st.dictionaries(st.sampled_from(["0021", "ICBC", "1907840000"]), words),
)
def test_any_transfers_give_a_well_formed_picture_whose_amounts_are_theirs(
    earlier: list[JournalEntry],
    newest: list[JournalEntry],
    held: list[AccountBalance],
    language: Language,
    names: dict[str, str],
) -> None:
    root = read(money_flow(earlier, newest, held, language, names=names, id_prefix="m1"))
    shown = [
        int(text.split(" ×")[0].replace(",", "").replace(".", ""))
        for one in of_class(root, "newest")
        for text in [one.text or ""]
        if one.tag.endswith("}text")
    ]
    assert sum(shown) == sum(one.amount for one in newest)
    widths = [int(one.attrib["stroke-width"]) for one in root.iter() if one.tag.endswith("}polyline")]
    assert all(1 <= width <= 8 for width in widths)
    lines = money_lines(newest, held, language, names=names)
    for one in newest:
        assert any(yuan_text(one.amount, grouped=True) in line for line in lines)


@given(st.lists(st.tuples(st.one_of(st.sampled_from(["central", "city"]), words), amounts)), languages)
def test_any_closing_gives_a_well_formed_split_with_every_amount(
    levels: list[tuple[str, Fen]], language: Language
) -> None:
    closed = closing(*levels)
    root = read(treasury_split(closed, language, id_prefix="t1"))
    for _level, amount in levels:
        assert any(yuan_text(amount, grouped=True) in text for text in texts(root))
    for bar in of_class(root, "level"):
        assert 0 <= int(bar.attrib["width"]) <= int(root.attrib["width"])
    assert len(split_lines(closed, language)) == len(levels) + 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_markup_in_a_name_or_a_message_is_text_and_nothing_else(language: Language) -> None:
    message = Message(Actor.COMPANY, Actor.AUTHORITY, MARKUP, MARKUP, MARKUP)
    names = dict.fromkeys(Actor, MARKUP)
    drawn = read(sequence(event(message), language, names, id_prefix="s"))
    assert "".join(texts(drawn)).count("alert(1)") >= 2
    flow = money_flow((), [entry("wallet:1", MARKUP, 5)], (), language, names={"1": MARKUP}, id_prefix="m")
    assert any("<script>" in text for text in texts(read(flow)))
    assert any(
        "<script>" in text
        for text in texts(read(treasury_split(closing((MARKUP, 1)), language, id_prefix="t")))
    )


def test_pictures_with_different_prefixes_share_no_id() -> None:
    message = Message(Actor.COMPANY, Actor.AUTHORITY, "1001", "asks", "请求")
    pictures = [
        *(sequence(event(message), "en", NAMES, id_prefix=prefix) for prefix in ("s-1", "s-2")),
        money_flow((), [entry("wallet:1", "wallet:2", 5)], (), "en", names={}, id_prefix="m"),
        treasury_split(closing(("central", 1)), "en", id_prefix="t"),
    ]
    ids = [found for svg in pictures for found in re.findall(r'\bid="([^"]*)"', svg)]
    assert len(ids) == 8
    assert len(set(ids)) == 8


def test_only_those_who_take_part_have_a_life_line_in_the_order_of_the_class() -> None:
    sent = [
        Message(Actor.OPERATOR, Actor.AUTHORITY, "3001", "answers", "回执"),
        Message(Actor.AUTHORITY, Actor.COMPANY, "", "receipt", "凭证"),
    ]
    root = read(sequence(event(*sent), "zh", NAMES, id_prefix="s"))
    assert len(list(of_class(root, "actor"))) == 3
    heads = [text for text in texts(root) if text in NAMES.values()]
    assert heads == ["弘明照明", "鹤山市税务局", "工商银行"]
    assert {"3001", "回执", "凭证"} <= set(texts(root))


def test_a_code_handed_over_is_drawn_and_said_otherwise_than_a_message() -> None:
    by_hand = Message(Actor.DEVICE, Actor.TERMINAL, "", "a voucher", "付款码", by_hand=True, text="V")
    root = read(sequence(event(by_hand), "en", NAMES, id_prefix="s"))
    assert len(list(of_class(root, "qr-mark"))) == 1
    (group,) = of_class(root, "by-hand")
    assert any("stroke-dasharray" in one.attrib for one in group)
    assert sequence_lines(event(by_hand), "en", NAMES) == (
        "付款设备 → 收款终端: a voucher (by QR code, without network)",
    )
    assert sequence_lines(event(by_hand), "zh", NAMES) == (
        "付款设备 → 收款终端：付款码（二维码当面传递，无需网络）",
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_refusal_crosses_the_last_arrow_and_is_said_with_its_code(language: Language) -> None:
    sent = [
        Message(Actor.COMPANY, Actor.AUTHORITY, "", "asks", "请求"),
        Message(Actor.AUTHORITY, Actor.OPERATOR, "1001", "asks", "请求"),
    ]
    root = read(sequence(event(*sent, refusal=REFUSAL), language, NAMES, id_prefix="s"))
    refused = [
        "refused" in one.attrib["class"].split()
        for one in of_class(root, "message")
        if one.tag.endswith("}g")
    ]
    assert refused == [False, True]
    assert REFUSAL.code in "".join(texts(root))
    last = sequence_lines(event(*sent, refusal=REFUSAL), language, NAMES)[-1]
    assert REFUSAL.message(language) in last
    assert REFUSAL.code in last


def test_the_cross_marks_who_refused_be_it_by_silence_or_by_an_answer() -> None:
    asks = Message(Actor.COMPANY, Actor.AUTHORITY, "", "asks", "请求")
    answers = Message(Actor.AUTHORITY, Actor.COMPANY, "", "refuses", "拒绝")
    places = []
    for sent in ((asks,), (asks, answers)):
        root = read(sequence(event(*sent, refusal=REFUSAL), "en", NAMES, id_prefix="s"))
        authority = max(int(one.attrib["x"]) for one in of_class(root, "name"))
        (mark,) = (
            one
            for group in of_class(root, "message")
            for one in of_class(group, "refused")
            if one is not group
        )
        left, right = re.findall(r"[ML](\d+),", mark.attrib["d"])[:2]
        places.append(abs(authority - (int(left) + int(right)) // 2))
    assert places == [9, 0]


def test_a_refusal_before_any_message_is_shown() -> None:
    root = read(sequence(event(refusal=REFUSAL), "en", NAMES, id_prefix="s"))
    assert "No message was sent." in texts(root)
    assert REFUSAL.code in "".join(texts(root))


def test_accounts_have_names_in_both_languages_and_stand_in_the_order_in_which_money_goes() -> None:
    newest = [
        entry("wallet:0021", "collection:ICBC:1907840000:3", 1700000),
        entry("collection:ICBC:1907840000:3", "issuance", 1700000),
        entry("backing", "revenue:1907840000:county", 850000),
        entry("backing", "revenue:1907840000:city", 850000),
    ]
    held = [holding("issuance", -2000000), holding("wallet:0021", 300000), holding("vault:ABC", 0)]
    names = {"0021": "弘明照明", "ICBC": "工商银行", "1907840000": "鹤山市支库"}
    zh = texts(read(money_flow((), newest, held, "zh", names=names, id_prefix="m")))
    named = [
        "发行库（人民银行）",
        "钱包",
        "待报解预算收入",
        "发行准备（人民银行）",
        "国库收入：市",
        "国库收入：县",
    ]
    assert [text for text in zh if text in named] == named
    assert "已发行 20,000.00" in zh
    assert {"弘明照明", "工商银行 · 鹤山市支库", "3,000.00"} <= set(zh)
    assert "银行库" not in zh  # nothing on it, and no transfer touched it
    assert not [text for text in zh if "collection" in text or "0021" in text]
    en = texts(read(money_flow((), newest, held, "en", names=names, id_prefix="m")))
    assert {"Wallet", "Collection account", "Treasury revenue: County", "issued 20,000.00"} <= set(en)


def test_operators_and_the_treasury_have_the_rulebooks_names_unless_told_otherwise() -> None:
    account = "collection:ICBC:1907840000:3"
    assert account_name(account, "zh", {}) == "待报解预算收入（中国工商银行 · 国家金库鹤山市支库）"
    assert account_name(account, "en", {"1907840000": "Heshan"}) == "Collection account (ICBC · Heshan)"
    assert account_name("revenue:1907840000:city", "zh", {}) == "国库收入：市（国家金库鹤山市支库）"
    assert account_name("issuance", "en", {}) == "Issuance (central bank)"
    assert account_name("x:y", "en", {}) == "Other account (x · y)"


def test_transfers_between_the_same_two_are_one_arrow_with_their_sum_and_number() -> None:
    newest = [entry("wallet:1", "lien:a", 100), entry("wallet:1", "lien:b", 250)]
    shown = texts(read(money_flow((), newest, (), "en", names={}, id_prefix="m")))
    assert "3.50 ×2" in shown


def test_transfers_of_earlier_steps_are_drawn_without_amounts() -> None:
    root = read(money_flow([entry("wallet:1", "lien:a", 1234)], (), (), "en", names={}, id_prefix="m"))
    assert len(list(of_class(root, "earlier"))) == 1
    assert "12.34" not in texts(root)
    assert "No money moved in the newest step." in texts(root)
    assert money_lines((), (), "en", names={}) == ("No money moved in the newest step.",)


def test_a_split_says_amounts_and_shares_that_add_up() -> None:
    closed = closing(("central", 0), ("province", 510000), ("city", 340000), ("county", 850000))
    assert split_lines(closed, "zh") == (
        "中央：0.00 元（0.00%）",
        "省：5,100.00 元（30.00%）",
        "市：3,400.00 元（20.00%）",
        "县：8,500.00 元（50.00%）",
        "合计：17,000.00 元",
    )
    root = read(treasury_split(closed, "en", id_prefix="t"))
    assert "8,500.00 · 50.00%" in texts(root)
    lengths = [int(bar.attrib["width"]) for bar in of_class(root, "level")]
    assert lengths[0] == 0
    assert lengths[3] == int(next(of_class(root, "all")).attrib["width"]) // 2


def test_lines_break_neither_before_punctuation_nor_between_a_number_and_its_yuan() -> None:
    said = "电子税票号 3442304208T64C8JSN59XDW，可取电子缴款凭证：17,000.00 元由钱包划至（待报解预算收入）。"
    for room in range(210, 500, 7):
        lines = wrapped(said, room, most=20)
        assert "".join(lines).replace(" ", "") == said.replace(" ", "")
        assert not [line for line in lines if line[0] in "，：）。元" or line[-1] == "（"]
        assert max(map(text_width, lines)) <= room
        assert len(balanced(said, room)) == len(lines)


@given(words, st.integers(30, 400))
def test_whatever_is_wrapped_stays_whole_and_within_its_room(said: str, room: int) -> None:
    lines = wrapped(said, room, most=1000)
    assert "".join("".join(lines).split()) == "".join(said.split())
    assert all(text_width(line) <= room for line in lines)


def test_a_day_without_receipts_is_said_to_have_none() -> None:
    assert split_lines(closing(), "en") == ("Nothing was collected.",)
    assert "Nothing was collected." in texts(read(treasury_split(closing(), "en", id_prefix="t")))


def test_the_largest_amount_is_inside_the_picture() -> None:
    newest = [entry("wallet:1", "wallet:2", MAX_AMOUNT)]
    root = read(money_flow((), newest, [holding("wallet:2", MAX_AMOUNT)], "en", names={}, id_prefix="m"))
    (amount,) = (one for one in of_class(root, "newest") if one.tag.endswith("}text"))
    assert int(amount.attrib["x"]) + 8 * len(amount.text or "") <= int(root.attrib["width"])
