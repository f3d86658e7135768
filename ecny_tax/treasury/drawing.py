"""A treasury's report as a CSV table and as an SVG chart."""

from __future__ import annotations

import csv
import io

from ecny_tax.errors import Language
from ecny_tax.money import yuan_text
from ecny_tax.svg import Series, bar_chart
from ecny_tax.treasury.model import By, Report, ReportLine

AMOUNTS = ("collected", "refunded", "net", "waiting")
#: The amounts that have a bar.
DRAWN = ("collected", "waiting", "refunded")
_ZH = {"collected": "已报解收入", "refunded": "已退库", "net": "净入库", "waiting": "待报解"}


def as_csv(found: Report, language: Language) -> str:
    """The lines with a header: amounts in yuan as text, no total among them."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow((found.by, "name", *AMOUNTS, "status"))
    for line in found.lines:
        amounts = (yuan_text(getattr(line, key)) for key in AMOUNTS)
        writer.writerow((line.key, _name(line, language), *amounts, line.status or ""))
    return text.getvalue()


def as_svg(found: Report, language: Language) -> str:
    """A bar each for what was collected, refunded and waits, and the values beside them."""
    series = []
    for key in DRAWN:
        values = tuple(getattr(line, key) for line in found.lines)
        texts = tuple(yuan_text(value, grouped=True) if value else "" for value in values)
        series.append(Series(_label(key, language), values, texts))
    treasury = found.name_zh if language == "zh" else found.name_en
    period = f"{found.period_start} – {found.period_end}"
    totals = "; ".join(
        f"{_label(key, language)} {yuan_text(getattr(found, key), grouped=True)}" for key in AMOUNTS
    )
    unit = "单位：元" if language == "zh" else "in yuan"
    return bar_chart(
        title=f"{treasury} · {period} · {unit}",
        description=totals,
        labels=[shown_name(found.by, line, language) for line in found.lines],
        series=series,
    )


def shown_name(by: By, line: ReportLine, language: Language) -> str:
    """A tax by code and name, a level by its name, a day or month by itself."""
    name = _name(line, language)
    return f"{line.key} {name}" if by is By.TAX else name or line.key


def _name(line: ReportLine, language: Language) -> str:
    return line.name_zh if language == "zh" else line.name_en


def _label(key: str, language: Language) -> str:
    return _ZH[key] if language == "zh" else key
