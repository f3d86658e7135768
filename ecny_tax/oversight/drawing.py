"""A trace as a picture: one column a hop, where money came from on the left, where it went on the right.

It reads without colours: the wallet asked about has a thick frame, an account where everybody's money is
together a broken one.
"""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

from ecny_tax.errors import Language
from ecny_tax.money import yuan_text
from ecny_tax.oversight.model import Edge, Node, Trace
from ecny_tax.svg import escaped

_WIDTH, _HEIGHT = 210, 112
_ACROSS, _DOWN = 370, 144
_MARGIN, _TOP = 30, 70
_FOLLOWED = ("wallet", "lien")
_LINE = 16

_WORDS: dict[str, tuple[str, str]] = {
    "title": ("Trace of the wallet {wallet}", "钱包 {wallet} 的资金溯源"),
    "desc": (
        "Instrument {number} of {issuer}, case {case}: {nodes} accounts, {edges} transfers. Simulation.",
        "法律文书 {number}（{issuer}，{case}）：账户 {nodes} 个，转账 {edges} 笔。模拟数据。",
    ),
    "truncated": ("There is more than a trace names.", "尚有未列出的内容。"),
    "goes_on": ("⋯ goes on beyond the instrument", "⋯ 资金流至文书范围之外"),
    "comes_from_beyond": ("⋯ from beyond the instrument", "⋯ 资金来自文书范围之外"),
    "wallet": ("wallet", "钱包"),
    "lien": ("load", "圈存"),
    "collection": ("collection", "待报解"),
    "operator_vault": ("vault", "银行库"),
    "issuance": ("issuance", "发行库"),
    "class": ("class {0}", "{0} 类"),
    "corporate": ("corporate", "对公"),
}


class _Place(NamedTuple):
    x: int
    y: int


def as_svg(trace: Trace, language: Language) -> str:
    """An SVG document with title, description and text labels."""
    places = _places(trace.nodes)
    right = max(place.x for place in places.values()) + _WIDTH + _MARGIN
    bottom = max(place.y for place in places.values()) + _HEIGHT + _MARGIN
    order = trace.instrument
    title = _word("title", language).format(wallet=trace.wallet_id)
    desc = _word("desc", language).format(
        number=order.instrument_no,
        issuer=order.issuer,
        case=order.case_no,
        nodes=len(trace.nodes),
        edges=len(trace.edges),
    )
    if trace.truncated:
        desc = f"{desc} {_word('truncated', language)}"
    width = max(right, 2 * _MARGIN + _length(desc))
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {bottom}" width="{width}"'
        f' height="{bottom}" role="img" aria-labelledby="title desc" xml:lang="{language}"'
        ' font-family="sans-serif" font-size="12" fill="#000">',
        f'<title id="title">{escaped(title)}</title>',
        f'<desc id="desc">{escaped(desc)}</desc>',
        '<defs><marker id="arrow" markerWidth="9" markerHeight="8" refX="9" refY="4" orient="auto">'
        '<path d="M0,0 L9,4 L0,8 z"/></marker></defs>',
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="{_MARGIN}" y="26" font-size="16" font-weight="bold">{escaped(title)}</text>',
        f'<text x="{_MARGIN}" y="46">{escaped(desc)}</text>',
    ]
    for (source, target), edges in groupby(sorted(trace.edges, key=_ends), key=_ends):
        lines += _arrow(places[source], places[target], list(edges))
    for node in trace.nodes:
        lines += _box(node, places[node.node], language)
    return "\n".join([*lines, "</svg>", ""])


def _places(nodes: tuple[Node, ...]) -> dict[str, _Place]:
    """Columns by hop; in each, the order in which the accounts were reached."""
    first = min(node.hop for node in nodes)
    filled: dict[int, int] = {}
    places = {}
    for node in nodes:
        row = filled[node.hop] = filled.get(node.hop, -1) + 1
        places[node.node] = _Place(_MARGIN + (node.hop - first) * _ACROSS, _TOP + row * _DOWN)
    return places


def _ends(edge: Edge) -> tuple[str, str]:
    return edge.from_node, edge.to_node


def _arrow(source: _Place, target: _Place, edges: list[Edge]) -> list[str]:
    """All transfers from one account to another as one arrow, with their sum and number."""
    start, end = source.x + _WIDTH, target.x
    y1, y2 = source.y + _HEIGHT // 2, target.y + _HEIGHT // 2
    if end <= start:  # back, or within a column: from the bottom of one box to the bottom of the other
        start, end = source.x + _WIDTH * 2 // 3, target.x + _WIDTH // 3
        y1, y2 = source.y + _HEIGHT, target.y + _HEIGHT
        curve = f"M{start},{y1} C{start},{y1 + 26} {end},{y2 + 26} {end},{y2}"
        middle = max(y1, y2) + 18
    else:
        half = (start + end) // 2
        curve = f"M{start},{y1} C{half},{y1} {half},{y2} {end},{y2}"
        middle = (y1 + y2) // 2 - 4
    total = yuan_text(sum(edge.amount for edge in edges))
    label = f"¥{total}" + (f" ×{len(edges)}" if len(edges) > 1 else "")
    return [
        f'<path d="{curve}" fill="none" stroke="#333" marker-end="url(#arrow)"/>',
        f'<text x="{(start + end) // 2}" y="{middle}" text-anchor="middle" stroke="#fff" stroke-width="3"'
        f' paint-order="stroke">{escaped(label)}</text>',
    ]


def _box(node: Node, place: _Place, language: Language) -> list[str]:
    style = ' stroke-width="3"' if node.hop == 0 else ""
    if node.kind not in _FOLLOWED:
        style += ' stroke-dasharray="5 3"'
    kind = _word(node.kind, language) if node.kind in _WORDS else node.kind
    if node.wallet_id is not None:
        rank = node.wallet_class
        rank_text = _word("corporate", language) if rank is None else _word("class", language).format(rank)
        said = [node.wallet_id, " · ".join((kind, rank_text, node.operator or ""))]
    else:
        said = [node.account.partition(":")[2] or node.account, kind]
    opened = (node.name, " · ".join(filter(None, (node.id_number, node.phone))))
    beyond = [_word(fact, language) for fact in ("comes_from_beyond", "goes_on") if getattr(node, fact)]
    lines = [
        f'<rect x="{place.x}" y="{place.y}" width="{_WIDTH}" height="{_HEIGHT}" rx="6" fill="#fff"'
        f' stroke="#000"{style}/>'
    ]
    for number, text in enumerate(filter(None, (*said, *opened, *beyond))):
        fit = f' textLength="{_WIDTH - 16}" lengthAdjust="spacingAndGlyphs"' if _is_wide(text) else ""
        lines.append(
            f'<text x="{place.x + 8}" y="{place.y + 20 + number * _LINE}"{fit}>{escaped(text)}</text>'
        )
    return lines


def _is_wide(text: str) -> bool:
    """Whether a text would run out of its box."""
    return _length(text) > _WIDTH - 16


def _length(text: str) -> int:
    """About how many units a text takes: Chinese characters are twice as wide as others."""
    return sum(13 if ord(char) > 0x2E80 else 7 for char in text)


def _word(key: str, language: Language) -> str:
    return _WORDS[key][language == "zh"]
