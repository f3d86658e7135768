"""docs/law.md: every rule of the rulebook, with its days, its citation, and how well it is known."""

from __future__ import annotations

from collections import Counter

from generators import tables

from ecny_tax.rulebook import PACKAGE
from ecny_tax.rulebook.figures import EVIDENCE
from ecny_tax.rulebook.listing import FigureInForce, figures

_FILES = {
    "stamp_duty.toml": "Stamp duty · 印花税",
    "income_tax.toml": "Income tax · 个人所得税",
    "taxes.toml": "What can be paid, and who shares it · 征收项目与分享",
    "wallets.toml": "Wallets · 钱包",
    "offline.toml": "Offline payment · 离线支付",
    "scheme.toml": "The scheme · 参与方与制度",
    "calendar.toml": "The calendar · 日历",
}
_MARKS = {
    "law": "the text of the law was read",
    "published": "a white paper, a notice or the press says so",
    "secondary": "a secondary source states it",
    "code": "seen in public code of banks and vendors",
    "assumption": "chosen by this project",
    "unverified": "from memory, to be checked before it is relied on",
}
_HEAD = """\
# Law and sources

Rates, limits, windows and parties are no constants of the program. They are dated entries of
`ecny_tax/rulebook/*.toml`, each with a citation and a mark of how well it is known, and this page lists all
of them. An old document is judged by the rule of its day; a day without a rule is refused, never guessed. A
result that rests on several rules shows the weakest mark.

What stands here is a simulation's reading of the law, made for teaching and testing. It is no legal advice.
What the rules leave open, and this project decided, is on the page of [assumptions](assumptions.md).

The command line prints what is in force on a day, and `ECNY_TAX_RULEBOOK` lays files of your own over these:

```sh
ecny-tax tax rules --on 2023-08-28 --json | python3 -c '
import json, sys
for rule in json.load(sys.stdin)["rules"]:
    if rule["code"].startswith("securities"):
        print(rule["effective_from"], rule["code"], rule["values"].get("rate", ""), rule["evidence"])
        print("  ", rule["citation"])'
```

```text
2023-08-28 securities sell 0.0005 secondary
   印花税法 (Stamp Tax Law), annexed table; halved by 财政部 税务总局公告2023年第39号
2022-07-01 securities buy 0 law
   印花税法 (Stamp Tax Law, in force 2022-07-01), annexed table of items and rates: the seller pays
1988-10-01 securities law
   印花税法 (Stamp Tax Law), art. 16: by the week, within five days of its end
```

## Marks
"""


def page() -> str:
    """The page, from the files as they are."""
    found = figures(PACKAGE, None)
    count = Counter(figure.evidence for figure in found)
    marks = [f"| `{mark}` | {_MARKS[mark]} | {count[mark]} |" for mark in EVIDENCE]
    parts = [_HEAD, "\n".join(["| mark | meaning | rules |", "|---|---|---|", *marks]) + "\n"]
    for file, title in _FILES.items():
        parts.append(f"## {title}\n\n`ecny_tax/rulebook/{file}`\n")
        ours = [figure for figure in found if figure.file == file]
        if not ours:
            parts.append("Empty: a calendar of public holidays is yours to give.\n")
        for table in dict.fromkeys(figure.table for figure in ours):
            parts.append(_table(table, [figure for figure in ours if figure.table == table]))
    return "\n".join(parts)


def _table(name: str, rows: list[FigureInForce]) -> str:
    lines = [f"### {name.replace('_', ' ').capitalize()}\n"]
    lines += ["| what | values | in force | mark | citation |", "|---|---|---|---|---|"]
    lines += [_line(figure) for figure in rows]
    return "\n".join(lines) + "\n"


def _line(figure: FigureInForce) -> str:
    names = " · ".join(filter(None, (figure.name_en, figure.name_zh)))
    code = f"`{figure.code}`" if figure.code else ""
    values = "; ".join(f"{key} {value}" for key, value in figure.values.items())
    mark = figure.evidence + (f"; assumed: {', '.join(figure.assumed)}" if figure.assumed else "")
    cited = figure.citation + (f". {figure.note}" if figure.note else "")
    cells = (" ".join(filter(None, (code, names))), values, _days(figure), mark, cited)
    return tables.row(cells)


def _days(figure: FigureInForce) -> str:
    if figure.effective_from is None:
        return ""
    until = f"to {figure.effective_to}" if figure.effective_to else "on"
    return f"{figure.effective_from} {until}"
