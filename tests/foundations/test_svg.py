"""Bar charts: well-formed whatever a label holds, true to the values, and readable without colour."""

from __future__ import annotations

from decimal import Decimal
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from ecny_tax.svg import MAX_SERIES, Series, bar_chart

NS = "{http://www.w3.org/2000/svg}"


def bars(svg: str) -> list[ET.Element]:
    return [rect for rect in ET.fromstring(svg).iter(f"{NS}rect") if "data-value" in rect.attrib]


def chart(values: list[int], *, labels: list[str] | None = None, title: str = "标题") -> str:
    series = Series("收入 & <b>", tuple(values), tuple(str(value) for value in values))
    names = labels or [f"label {place}" for place in range(len(values))]
    return bar_chart(title=title, description="what it says", labels=names, series=[series])


def test_a_chart_tells_readers_of_the_screen_what_it_shows() -> None:
    root = ET.fromstring(chart([1, 2], title="国库 & <script>"))
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "title desc"
    assert root.findtext(f"{NS}title") == "国库 & <script>"
    assert root.findtext(f"{NS}desc") == "what it says"


@given(st.lists(st.integers(-(10**15), 10**15), min_size=1, max_size=8))
def test_the_bars_are_as_long_as_their_values_and_begin_at_the_axis(values: list[int]) -> None:
    svg = chart(values)
    axis = ET.fromstring(svg).find(f"{NS}line")
    assert axis is not None
    zero = Decimal(axis.get("x1", ""))
    found = bars(svg)
    assert [int(bar.get("data-value", "")) for bar in found] == values
    longest = max(abs(value) for value in values) or 1
    most = max(Decimal(bar.get("width", "")) for bar in found)
    for bar, value in zip(found, values, strict=True):
        width, x = Decimal(bar.get("width", "")), Decimal(bar.get("x", ""))
        assert abs(width - most * abs(value) / longest) <= Decimal("0.02")
        assert abs((x if value >= 0 else x + width) - zero) <= Decimal("0.02")


@given(st.lists(st.text(max_size=20), min_size=1, max_size=5))
def test_whatever_a_label_holds_is_text(labels: list[str]) -> None:
    root = ET.fromstring(chart([1] * len(labels), labels=labels).encode("utf-8", "replace"))
    shown = [text.text or "" for text in root.iter(f"{NS}text")]
    for label in labels:
        if label.isprintable() and label:
            assert label in shown
    assert not list(root.iter(f"{NS}script"))


def test_series_are_told_apart_by_pattern_and_every_bar_has_its_value_beside_it() -> None:
    series = [Series(f"s{place}", (5,), (f"{place}.00",)) for place in range(MAX_SERIES + 1)]
    root = ET.fromstring(bar_chart(title="t", description="d", labels=["x"], series=series))
    fills = [bar.get("fill") for bar in root.iter(f"{NS}rect") if "data-value" in bar.attrib]
    assert len(set(fills)) == len(fills) == MAX_SERIES
    shown = [text.text for text in root.iter(f"{NS}text")]
    for place in range(MAX_SERIES):
        assert f"{place}.00" in shown
        assert f"s{place}" in shown


def test_what_has_no_text_has_no_bar() -> None:
    svg = bar_chart(title="t", description="d", labels=["a", "b"], series=[Series("s", (0, 3), ("", "3"))])
    assert [bar.get("data-value") for bar in bars(svg)] == ["3"]


def test_a_chart_of_nothing_is_a_chart() -> None:
    assert ET.fromstring(bar_chart(title="t", description="d", labels=[], series=[])).tag == f"{NS}svg"
