"""A season's report as tables with bars, as an SVG chart, and as a page of its own in both languages."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

from ecny_tax.cli.words import label
from ecny_tax.errors import Language
from ecny_tax.money import yuan_text
from ecny_tax.seasons.model import (
    AMOUNT_BANDS,
    ASSUMPTION,
    ASSUMPTION_ZH,
    INCOME_BANDS,
    SeasonReport,
    band_texts,
)
from ecny_tax.seasons.service import PHASES
from ecny_tax.svg import Series, bar_chart, escaped
from ecny_tax.treasury.model import LEVEL_NAMES

_BAR_WIDTH = 28
#: What stands in tables of its own, below the sums.
_APART = (
    "incomes", "amounts", "months", "levels", "refund_outcomes", "bill_outcomes", "refusals", "work",
    "assumption", "file",
)  # fmt: skip
_STYLE = (
    "body{font-family:sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#1c2833}"
    "table{border-collapse:collapse;margin:1rem 0}td,th{padding:.2rem .8rem;border-bottom:1px solid #d5d8dc;"
    "text-align:right}th:first-child,td:first-child{text-align:left}img{max-width:100%}.note{color:#566573}"
)
_Row = tuple[str, ...]


def print_tables(found: SeasonReport, shown: Mapping[str, object], language: Language) -> None:
    """The sums, the distributions with bars, what came of refunds and bills, and the time it took."""
    from rich.text import Text

    from ecny_tax.cli import tables

    sums = {key: value for key, value in shown.items() if key not in _APART}
    tables.print_record(sums, language)
    _print_bars(
        label("amounts", language),
        ("", *(label(key, language) for key in ("refunds", "refunded", "bills", "billed"))),
        [
            (name, f"{one.refunds:,}", _yuan(one.refunded), f"{one.bills:,}", _yuan(one.billed))
            for name, one in zip(band_texts(AMOUNT_BANDS), found.amounts, strict=True)
        ],
        [one.refunds for one in found.amounts],
    )
    _print_bars(
        label("incomes", language),
        ("", *(label(key, language) for key in ("people", "tax", "withheld", "to_refund", "to_pay"))),
        [
            (name, f"{one.people:,}", *map(_yuan, (one.tax, one.withheld, one.to_refund, one.to_pay)))
            for name, one in zip(band_texts(INCOME_BANDS), found.incomes, strict=True)
        ],
        [one.people for one in found.incomes],
    )
    _print_bars(
        label("months", language),
        ("", *(label(key, language, "0.00") for key in ("refunds", "refunded", "payments", "paid"))),
        [
            (one.month, f"{one.refunds:,}", _yuan(one.refunded), f"{one.payments:,}", _yuan(one.paid))
            for one in found.months
        ],
        [one.refunds for one in found.months],
    )
    place = 1 if language == "zh" else 0
    _print_bars(
        label("levels", language),
        ("", *(label(key, language) for key in ("refunded", "collected"))),
        [
            (LEVEL_NAMES[one.budget_level][place], _yuan(one.refunded), _yuan(one.collected))
            for one in found.levels
        ],
        [one.refunded for one in found.levels],
    )
    for key in ("refund_outcomes", "bill_outcomes", "refusals"):
        rows = shown[key]
        if isinstance(rows, list) and rows:
            tables.show("")
            tables.show(Text(label(key, language), style="bold"))
            tables.print_records(key, rows, (), language)
    tables.show("")
    work = shown["work"]
    if isinstance(work, dict):
        tables.print_record({key: value for key, value in work.items() if key != "phases"}, language)
    _print_bars(
        label("phase", language),
        ("", *(label(key, language) for key in ("seconds", "processor_seconds", "people_a_second"))),
        [
            (
                PHASES[one.phase] if language == "zh" else one.phase,
                f"{one.seconds:.1f}",
                f"{one.processor_seconds:.1f}",
                f"{one.people_a_second:,}",
            )
            for one in found.work.phases
        ],
        [round(one.seconds * 1000) for one in found.work.phases],
    )
    if "file" in shown:
        tables.print_record({"file": shown["file"]}, language)
    tables.show(Text(str(shown["assumption"])))


def as_svg(found: SeasonReport) -> str:
    """Refunds and bills by their amounts, in both languages; that the people are invented stands in it."""
    return _amounts_chart(found, note=" · 虚构人口 · invented people")


def as_html(found: SeasonReport) -> str:
    """A page that needs nothing else: charts inside, no script, nothing fetched."""
    title = f"汇算清缴期 {found.tax_year} · Refund season {found.tax_year}"
    charts = (_amounts_chart(found), _incomes_chart(found), _months_chart(found), _levels_chart(found))
    parts = [
        f"<p class='note'>{escaped(ASSUMPTION_ZH)}<br>{escaped(ASSUMPTION)}</p>",
        _table(("", ""), _sums(found)),
        *(f"<p><img alt='' src='data:image/svg+xml;base64,{_encoded(chart)}'></p>" for chart in charts),
        "<h2>用时 · Time</h2>",
        _table(
            ("阶段 · phase", "秒 · s", "处理器 · processor s", "人/秒 · people/s"),
            [
                (
                    f"{PHASES[one.phase]} · {one.phase}",
                    f"{one.seconds:.1f}",
                    f"{one.processor_seconds:.1f}",
                    f"{one.people_a_second:,}",
                )
                for one in found.work.phases
            ],
        ),
    ]
    return (
        "<!DOCTYPE html>\n<html lang='zh-CN'><head><meta charset='utf-8'>"
        "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; img-src data:;"
        " style-src 'unsafe-inline'\">"
        f"<title>{escaped(title)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escaped(title)}</h1>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def _sums(found: SeasonReport) -> list[_Row]:
    return [
        ("人数 · people", f"{found.people:,}"),
        ("种子 · seed", str(found.seed)),
        ("期间 · season", f"{found.first_day} – {found.last_day}"),
        ("钱包 · wallets", f"{found.wallets:,}"),
        ("应退人数 · with a refund", f"{found.with_refund:,}"),
        ("应补人数 · with tax due", f"{found.with_due:,}"),
        ("免予补税 · need not pay", f"{found.need_not_pay:,}"),
        ("无退无补 · nothing to settle", f"{found.even:,}"),
        ("已退税 · refunds paid", f"{found.refunds:,} · ¥{_yuan(found.refunded)}"),
        ("退库失败 · refunds failed", f"{found.failed_refunds:,}"),
        ("应征凭证 · bills", f"{found.bills:,} · ¥{_yuan(found.billed)}"),
        ("已缴 · bills paid", f"{found.payments:,} · ¥{_yuan(found.paid)}"),
        ("账本核验 · ledger verified", "✓" if found.ok else "✗"),
    ]


def _amounts_chart(found: SeasonReport, note: str = "") -> str:
    return _chart(
        f"退税与补税的金额分布 · Refunds and bills by amount (¥){note}",
        band_texts(AMOUNT_BANDS),
        ("退税笔数 · refunds", [one.refunds for one in found.amounts]),
        ("应补笔数 · bills", [one.bills for one in found.amounts]),
    )


def _incomes_chart(found: SeasonReport) -> str:
    return _chart(
        "按全年收入的人数 · People by income of the year (¥)",
        band_texts(INCOME_BANDS),
        ("人数 · people", [one.people for one in found.incomes]),
    )


def _months_chart(found: SeasonReport) -> str:
    return _chart(
        "按月退税笔数 · Refunds by month",
        [one.month for one in found.months],
        ("退税笔数 · refunds", [one.refunds for one in found.months]),
    )


def _levels_chart(found: SeasonReport) -> str:
    names = [" · ".join(reversed(LEVEL_NAMES[one.budget_level])) for one in found.levels]
    return _chart(
        "各级次退库与入库（元）· Refunded and collected by level (¥)",
        names,
        ("退库 · refunded", [one.refunded for one in found.levels]),
        ("入库 · collected", [one.collected for one in found.levels]),
        in_yuan=True,
    )


def _chart(title: str, names: Sequence[str], *kinds: tuple[str, Sequence[int]], in_yuan: bool = False) -> str:
    series = [
        Series(
            name,
            tuple(values),
            tuple((_yuan(value) if in_yuan else f"{value:,}") if value else "" for value in values),
        )
        for name, values in kinds
    ]
    totals = "; ".join(
        f"{name} {_yuan(sum(values)) if in_yuan else f'{sum(values):,}'}" for name, values in kinds
    )
    return bar_chart(title=title, description=totals, labels=names, series=series)


def _encoded(chart: str) -> str:
    return base64.b64encode(chart.encode()).decode()


def _table(head: _Row, rows: Sequence[_Row]) -> str:
    def line(cells: _Row, kind: str) -> str:
        return "<tr>" + "".join(f"<{kind}>{escaped(cell)}</{kind}>" for cell in cells) + "</tr>"

    return "<table>" + line(head, "th") + "".join(line(row, "td") for row in rows) + "</table>"


def _print_bars(title: str, head: _Row, rows: Sequence[_Row], lengths: Sequence[int]) -> None:
    """A table whose last column draws the lengths; what is there has at least one mark."""
    from rich.table import Table
    from rich.text import Text

    from ecny_tax.cli import tables

    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(title, no_wrap=True)
    for name in head[1:]:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    longest = max((1, *lengths))
    for row, length in zip(rows, lengths, strict=True):
        marks = max(1, (2 * length * _BAR_WIDTH + longest) // (2 * longest)) if length else 0
        table.add_row(*map(Text, row), Text("█" * marks))
    tables.show("")
    tables.show(table)


def _yuan(amount: int) -> str:
    return yuan_text(amount, grouped=True)
