"""The messages of an action as a sequence diagram: who sent what to whom, from the top down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from ecny_tax.errors import Language
from ecny_tax.scenarios.classroom_model import Actor, Event, Message
from ecny_tax.svg import text_width
from ecny_tax.web.console.drawing import (
    LINE,
    arrow_head,
    balanced,
    block,
    box,
    cross,
    fitted,
    label,
    line,
    one_line,
    picture,
    qr_mark,
    said,
    wrapped,
)

_MARGIN = 12
#: How far apart two life lines stand, by how many there are: few may have more room for their words.
_APART = {0: 480, 1: 320, 2: 380, 3: 270, 4: 215}
_APART_MANY = 185
_LOOP = 36

_TITLE = ("Messages: {title}", "报文：{title}")
_DESC = (
    "{count} messages between {actors}. The same stands beside it as a list.",
    "{actors}之间的 {count} 条报文。旁边的列表内容相同。",
)
_NOBODY = ("No message was sent.", "没有发送报文。")
_BY_HAND = ("by QR code, without network", "二维码当面传递，无需网络")
_REFUSED = ("Refused: {message} ({code})", "被拒绝：{message}（{code}）")


class _Columns(NamedTuple):
    """Where each actor's life line stands."""

    at: dict[Actor, int]
    apart: int
    width: int


def sequence(event: Event, language: Language, names: Mapping[Actor, str], *, id_prefix: str) -> str:
    """The messages of an event as SVG; only actors that take part are drawn.

    ``names`` are the actors' names in the reader's language.  A code handed over on a screen has a broken
    line and a small QR sign; where the action was refused, a cross marks whoever refused it: the receiver of
    the last message, or its sender if that message is an answer.
    """
    columns = _columns(event)
    shown = {actor: wrapped(names.get(actor, actor), columns.apart - 40, 3) for actor in columns.at}
    head = 14 + LINE * max((len(lines) for lines in shown.values()), default=0)
    top = 2 * _MARGIN + (head if shown else 0)
    parts: list[str] = []
    for place, message in enumerate(event.messages, start=1):
        last = event.refusal is not None and place == len(event.messages)
        refused_by = _who_refused(event.messages) if last else None
        drawn, top = _message(message, columns, language, top, refused_by)
        parts += drawn
    life = [
        line([(x, _MARGIN + head), (x, top + 8)], 'stroke-opacity="0.4" stroke-dasharray="2 4"')
        for x in columns.at.values()
    ]
    heads = chain.from_iterable(
        _head(columns.at[actor], lines, head, columns.apart) for actor, lines in shown.items()
    )
    top += 8
    if not event.messages:
        parts.append(label(_MARGIN, top, said(_NOBODY, language)))
        top += LINE
    if event.refusal is not None:
        drawn, top = _refusal(_refused(event, language), columns.width, top)
        parts += drawn
    title = event.title_zh if language == "zh" else event.title
    actors = ("、" if language == "zh" else ", ").join(names.get(actor, actor) for actor in columns.at)
    desc = said(_DESC, language).format(count=len(event.messages), actors=actors)
    return picture(
        (*life, *heads, *parts),
        kind="sequence",
        width=columns.width,
        height=top + _MARGIN,
        title=said(_TITLE, language).format(title=title),
        desc=desc if event.messages else said(_NOBODY, language),
        id_prefix=id_prefix,
    )


def sequence_lines(event: Event, language: Language, names: Mapping[Actor, str]) -> tuple[str, ...]:
    """The same in words: a line for each message, and one for the refusal."""
    lines = [_in_words(message, language, names) for message in event.messages]
    if not lines:
        lines.append(said(_NOBODY, language))
    if event.refusal is not None:
        lines.append(_refused(event, language))
    return tuple(lines)


def _in_words(message: Message, language: Language, names: Mapping[Actor, str]) -> str:
    ends = f"{names.get(message.sender, message.sender)} → {names.get(message.receiver, message.receiver)}"
    number = f" [{message.number}]" if message.number else ""
    words = message.said_zh if language == "zh" else message.said
    if language == "zh":
        by_hand = f"（{said(_BY_HAND, language)}）" if message.by_hand else ""
        return one_line(f"{ends}{number}：{words}{by_hand}")
    return one_line(
        f"{ends}{number}: {words}" + (f" ({said(_BY_HAND, language)})" if message.by_hand else "")
    )


def _refused(event: Event, language: Language) -> str:
    refusal = event.refusal
    if refusal is None:
        return ""
    return one_line(said(_REFUSED, language).format(message=refusal.message(language), code=refusal.code))


def _who_refused(messages: Sequence[Message]) -> Actor:
    """Whoever was asked last, or answered last what it had been asked."""
    *before, last = messages
    asked = any((one.sender, one.receiver) == (last.receiver, last.sender) for one in before)
    return last.sender if asked else last.receiver


def _columns(event: Event) -> _Columns:
    """The actors that take part, in the order in which the class has them."""
    takes_part = {actor for message in event.messages for actor in (message.sender, message.receiver)}
    actors = [actor for actor in Actor if actor in takes_part]
    apart = _APART.get(len(actors), _APART_MANY)
    at = {actor: _MARGIN + apart // 2 + place * apart for place, actor in enumerate(actors)}
    loops = any(message.sender == message.receiver == actors[-1] for message in event.messages)
    return _Columns(at, apart, 2 * _MARGIN + apart * max(1, len(actors)) + (apart // 2 if loops else 0))


def _head(x: int, lines: list[str], height: int, apart: int) -> list[str]:
    width = min(apart - 16, 24 + max((text_width(words) for words in lines), default=0))
    first = _MARGIN + (height - LINE * len(lines)) // 2 + 13
    return [
        box(x - width // 2, _MARGIN, width, height, 'class="actor"'),
        *block(x, first, lines, 'class="name" text-anchor="middle" font-weight="bold"'),
    ]


def _message(
    message: Message, columns: _Columns, language: Language, top: int, refused_by: Actor | None
) -> tuple[list[str], int]:
    """One message, its words above its arrow, and where the next may begin."""
    start, end = columns.at[message.sender], columns.at[message.receiver]
    itself = start == end
    room = (columns.apart if itself else abs(end - start)) - 14
    words = message.said_zh if language == "zh" else message.said
    lines = balanced(words, room)
    number = [fitted(message.number, room)] if message.number else []
    y = top + 6 + LINE * (len(number) + len(lines))
    dashes = 'stroke-dasharray="7 5"' if message.by_hand else ""
    towards = -1 if end < start or itself else 1
    tip = end - towards * (9 if refused_by == message.receiver else 0)
    if itself:
        x, anchor = start + 8, ""
        way = [(start, y + 4), (start + _LOOP, y + 4), (start + _LOOP, y + 18), (tip, y + 18)]
        y += 18
    else:
        x, anchor = (start + end) // 2, 'text-anchor="middle"'
        y += 4
        way = [(start, y), (tip, y)]
    texts = block(x, top + LINE, number, f'class="number" font-weight="bold" {anchor}')
    texts += block(x, top + LINE * (1 + len(number)), lines, anchor)
    drawn = [*texts, line(way, f'stroke-width="1.5" {dashes}')]
    if refused_by == message.receiver:
        drawn.append(cross(tip, y))
    else:
        drawn.append(arrow_head(end, y, towards))
        drawn += [cross(start, y)] if refused_by is not None else []
    if message.by_hand:
        drawn.append(
            qr_mark(start + _LOOP + 16 if itself else (start + end) // 2, y + (-7 if itself else 14))
        )
        y += 0 if itself else 18
    kind = " ".join(
        ["message", *(["by-hand"] if message.by_hand else []), *(["refused"] if refused_by else [])]
    )
    return [f'<g class="{kind}">', *drawn, "</g>"], y + 10


def _refusal(words: str, width: int, top: int) -> tuple[list[str], int]:
    lines = wrapped(words, width - 2 * _MARGIN - 48)
    height = 14 + LINE * len(lines)
    return [
        '<g class="refusal">',
        box(_MARGIN, top, width - 2 * _MARGIN, height, 'stroke-width="2"'),
        cross(_MARGIN + 18, top + height // 2),
        *block(_MARGIN + 38, top + LINE + 3, lines),
        "</g>",
    ], top + height
