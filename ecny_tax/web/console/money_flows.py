"""Where money is and how it moved: accounts from the top down, transfers as arrows in lanes beside them.

e-CNY and bank deposits are two bands, since no transfer crosses them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ecny_tax.errors import Language
from ecny_tax.money import yuan_text
from ecny_tax.store.books import AccountBalance, JournalEntry
from ecny_tax.svg import text_width
from ecny_tax.web.console.account_names import (
    KINDS,
    Place,
    detail_of,
    full_name,
    place_of,
    place_order,
    short_name,
)
from ecny_tax.web.console.drawing import arrow_head, box, fitted, label, line, one_line, picture, said

_MARGIN, _BOX, _HEIGHT, _ROW, _BAND = 12, 330, 44, 60, 30
_THIN, _THICK = 2, 8
#: Where an arrow leaves its box, and where another enters it, from the middle of the box.
_OUT, _IN = -9, 9

_TITLE = ("Where money is and how it moved", "资金在哪里、如何流动")
_DESC = (
    "{places} accounts; {moves} transfers of the newest step. The same stands beside it as a list.",
    "账户 {places} 个；最新一步转账 {moves} 笔。旁边的列表内容相同。",
)
_BANDS = (("e-CNY, in yuan", "数字人民币（元）"), ("Bank deposits, in yuan", "银行存款（元）"))
_ISSUED = ("issued {amount}", "已发行 {amount}")
_MOVED = ("{source} → {target}: {amount} yuan", "{source} → {target}：{amount} 元")
_HOLDS = ("{place} now: {amount} yuan", "{place}现为：{amount} 元")
_NOTHING = ("No money moved in the newest step.", "最新一步没有资金流动。")
_DASHED = ("Broken lines: earlier steps.", "虚线：先前的步骤。")


class _Flow(NamedTuple):
    """All transfers from one place to another: their amounts in fen, and whether they are the newest."""

    source: Place
    target: Place
    amounts: tuple[int, ...]
    newest: bool


def money_flow(
    earlier: Sequence[JournalEntry],
    newest: Sequence[JournalEntry],
    accounts: Sequence[AccountBalance],
    language: Language,
    *,
    names: Mapping[str, str],
    id_prefix: str,
) -> str:
    """Accounts and transfers as SVG: the newest step's with their amounts, the earlier ones thin and broken.

    ``names`` as for ``account_name``.  What is drawn is what a transfer touched and what e-CNY is on.
    """
    flows = [*_flows(earlier, newest=False), *_flows(newest, newest=True)]
    balances = _balances(accounts)
    rows, bottom, headings = _rows(_shown(flows, balances), language)
    boxes = [part for place in rows for part in _box(place, rows, balances, language, names)]
    lanes, right = _lanes(flows, rows)
    note = said(_DASHED if newest else _NOTHING, language)
    show_note = bool(earlier) or not newest
    if show_note:
        bottom += 18
        headings.append(label(_MARGIN, bottom, note, 'font-size="12"'))
    return picture(
        (*headings, *lanes, *boxes),
        kind="money",
        width=max(right, _MARGIN * 2 + text_width(note)) + _MARGIN,
        height=bottom + _MARGIN,
        title=said(_TITLE, language),
        desc=said(_DESC, language).format(places=len(rows), moves=len(newest)),
        id_prefix=id_prefix,
    )


def money_lines(
    newest: Sequence[JournalEntry],
    accounts: Sequence[AccountBalance],
    language: Language,
    *,
    names: Mapping[str, str],
) -> tuple[str, ...]:
    """The same in words: the transfers of the newest step, then what each account holds that it touched or
    that e-CNY is on."""
    moved = [
        one_line(
            said(_MOVED, language).format(
                source=full_name(place_of(entry.debit_account), language, names),
                target=full_name(place_of(entry.credit_account), language, names),
                amount=yuan_text(entry.amount, grouped=True),
            )
        )
        for entry in newest
    ]
    balances = _balances(accounts)
    held = []
    for place in sorted(_shown(_flows(newest, newest=True), balances), key=place_order):
        amount = _held(place, balances, language)
        if amount:
            name = full_name(place, language, names)
            held.append(one_line(said(_HOLDS, language).format(place=name, amount=amount)))
    return (*(moved or [said(_NOTHING, language)]), *held)


def _flows(entries: Sequence[JournalEntry], *, newest: bool) -> list[_Flow]:
    amounts: dict[tuple[Place, Place], list[int]] = {}
    for entry in entries:
        ends = place_of(entry.debit_account), place_of(entry.credit_account)
        amounts.setdefault(ends, []).append(entry.amount)
    return [_Flow(*ends, tuple(of_them), newest) for ends, of_them in amounts.items()]


def _balances(accounts: Sequence[AccountBalance]) -> dict[Place, int]:
    balances: dict[Place, int] = {}
    for account in accounts:
        place = place_of(account.account)
        balances[place] = balances.get(place, 0) + account.balance
    return balances


def _shown(flows: Sequence[_Flow], balances: Mapping[Place, int]) -> set[Place]:
    touched = {place for flow in flows for place in (flow.source, flow.target)}
    return touched | {place for place, held in balances.items() if held and KINDS[place.kind].ecny}


def _rows(shown: set[Place], language: Language) -> tuple[dict[Place, int], int, list[str]]:
    """The middle of each place's box from the top down, where they end, and the headings of the bands."""
    rows: dict[Place, int] = {}
    headings = []
    top = _MARGIN
    for ecny, words in zip((True, False), _BANDS, strict=True):
        band = [place for place in sorted(shown, key=place_order) if KINDS[place.kind].ecny is ecny]
        if band:
            headings.append(label(_MARGIN, top + 14, said(words, language), 'font-weight="bold"'))
            top += _BAND
        for place in band:
            rows[place] = top + _HEIGHT // 2
            top += _ROW
    return rows, top, headings


def _box(
    place: Place,
    rows: Mapping[Place, int],
    balances: Mapping[Place, int],
    language: Language,
    names: Mapping[str, str],
) -> list[str]:
    top = rows[place] - _HEIGHT // 2
    held = _held(place, balances, language)
    room = _BOX - 16
    return [
        f'<g class="account {place.kind or "other"}">',
        box(_MARGIN, top, _BOX, _HEIGHT, 'class="box"'),
        label(_MARGIN + 8, top + 18, fitted(short_name(place, language), room), 'font-weight="bold"'),
        label(
            _MARGIN + 8,
            top + 36,
            fitted(detail_of(place, language, names), (room - text_width(held) - 12) * 13 // 12),
            'class="detail" font-size="12"',
        ),
        label(_MARGIN + _BOX - 8, top + 36, held, 'class="amount" text-anchor="end"'),
        "</g>",
    ]


def _lanes(flows: Sequence[_Flow], rows: Mapping[Place, int]) -> tuple[list[str], int]:
    """Every flow in a lane of its own, those that reach far outside of others; and where the lanes end.

    Earlier flows lie inside.  An amount stands beside its own lane, in the gap above the lower of its two
    boxes, where no other arrow runs.
    """
    most = max((sum(flow.amounts) for flow in flows if flow.newest), default=0)
    first = _MARGIN + _BOX + 26
    lanes_end = {True: first, False: first}  # by band: their lanes lie under each other
    parts: list[str] = []
    for flow in sorted(flows, key=lambda one: (one.newest, _reach(one, rows))):
        band = KINDS[flow.source.kind].ecny
        x = lanes_end[band]
        start, end = rows[flow.source] + _OUT, rows[flow.target] + _IN
        if not flow.newest:
            parts += _arrow(flow, x, start, end, 1)
            lanes_end[band] += 14
            continue
        total = sum(flow.amounts)
        parts += _arrow(flow, x, start, end, _THIN + (_THICK - _THIN) * total // most if most else _THIN)
        words = yuan_text(total, grouped=True) + (f" ×{len(flow.amounts)}" if len(flow.amounts) > 1 else "")
        gap = max(rows[flow.source], rows[flow.target]) - _ROW // 2
        parts.append(label(x + 8, gap + 4, words, 'class="amount newest" font-weight="bold"'))
        lanes_end[band] += 22 + text_width(words)
    return parts, max(lanes_end.values())


def _reach(flow: _Flow, rows: Mapping[Place, int]) -> tuple[int, int, int]:
    source, target = rows[flow.source], rows[flow.target]
    return abs(source - target), source, target


def _arrow(flow: _Flow, x: int, start: int, end: int, width: int) -> list[str]:
    edge = _MARGIN + _BOX
    kind = "newest" if flow.newest else "earlier"
    dashes = "" if flow.newest else ' stroke-dasharray="4 4" stroke-opacity="0.6"'
    head = 6 + width // 2
    way = [(edge, start), (x, start), (x, end), (edge + head, end)]
    return [
        f'<g class="flow {kind}">',
        line(way, f'stroke-width="{width}" stroke-linejoin="round"{dashes}'),
        arrow_head(edge, end, -1, head),
        "</g>",
    ]


def _held(place: Place, balances: Mapping[Place, int], language: Language) -> str:
    """What a place holds as text; of issuance, what it issued; empty where a balance would say nothing."""
    if place not in balances or not KINDS[place.kind].has_balance:
        return ""
    if place.kind == "issuance":
        return said(_ISSUED, language).format(amount=yuan_text(-balances[place], grouped=True))
    return yuan_text(balances[place], grouped=True)
