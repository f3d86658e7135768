"""The table of annual returns: each cell as ``money.yuan`` reads it, each line as ``settle`` answers it."""

from __future__ import annotations

import csv
import io
import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ecny_tax.errors import InvalidInputError
from ecny_tax.money import yuan, yuan_text
from ecny_tax.taxes import return_table
from ecny_tax.taxes.income_tax import AMOUNTS, AnnualReturn, settle
from ecny_tax.taxes.return_table import MAX_LINE, SettledTable, amounts_of
from ecny_tax.taxes.settle_many import RESULT_COLUMNS

Table = Callable[[str | bytes], Path]


@pytest.fixture
def table(tmp_path: Path) -> Table:
    def write(text: str | bytes) -> Path:
        path = tmp_path / "in.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def out(path: Path, **how: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("".join(SettledTable(path, **how)), newline="")))


def refusal(path: Path, **how: Any) -> InvalidInputError:
    with pytest.raises(InvalidInputError) as refused:
        out(path, **how)
    for language in ("en", "zh"):
        assert refused.value.message(language)
        assert refused.value.hint_in(language)
    return refused.value


def read(text: str) -> int | str:
    try:
        return yuan(text)
    except InvalidInputError as error:
        return error.code


# --- cells --------------------------------------------------------------------------------------------

whole = st.one_of(st.integers(0, 10**16), st.integers(0, 10**6)).map(str)
plain = st.one_of(
    whole, st.from_regex(r"[0-9]{1,16}\.[0-9]{1,2}", fullmatch=True), st.sampled_from(["0", "0.5", "007.10"])
)
strange = st.one_of(
    st.text(max_size=8),
    st.text("0123456789.,-+eE_ \n\r\t\0١２万元", max_size=8),
    st.sampled_from(
        ["1.7万", "1.7万元", "12元", "1e5", "１２", "", " 1", "1 ", "+1", "-1", "1\n2", "1_0", ".5", "5."]
    ),
    st.sampled_from(
        ["1.234", "1.000", "1000000000000000.01", "999999999999999.99", "1000000000000000", "9" * 25]
    ),
)


@given(st.lists(plain, max_size=20))
def test_plain_amounts_are_read_as_yuan_reads_them(texts: list[str]) -> None:
    expected = [read(text) for text in texts]
    if all(isinstance(one, int) for one in expected):
        assert amounts_of("wages", texts).tolist() == expected


@given(st.lists(plain, max_size=5), strange, st.lists(plain, max_size=5))
@example(["1"], "2\n3", ["4"])
@example([], "12\n", [])
def test_a_strange_cell_is_read_or_refused_as_yuan_does(
    before: list[str], cell: str, after: list[str]
) -> None:
    texts = [*before, cell, *after]
    expected = [read(text) for text in texts]
    refused = [(row, one) for row, one in enumerate(expected) if isinstance(one, str)]
    if not refused:
        assert amounts_of("wages", texts).tolist() == expected
        return
    with pytest.raises(InvalidInputError) as error:
        amounts_of("wages", texts)
    row, cause = refused[0]
    assert error.value.values == {"row": row, "column": "wages", "value": texts[row], "cause": cause}


# --- lines --------------------------------------------------------------------------------------------


def test_every_line_comes_out_with_what_settle_answers(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(return_table, "BLOCK", 7)
    draw = random.Random(5)
    keys = [key for key in AMOUNTS if key != "base_taxable"]
    lines = [["name", "tax_year", *keys, "bonus_mode", "withheld_properly"]]
    for i in range(100):
        year = draw.randrange(2022, 2028)
        amounts = [
            "0"
            if key == "personal_pension"
            else str(draw.randrange(300_000)) + draw.choice(["", ".5", ".25"])
            for key in keys
        ]
        mode = draw.choice(["merge", "separate", "better"])
        lines.append([f'梁, "{i}"\n先生', str(year), *amounts, mode, draw.choice(["true", "false"])])
    text = io.StringIO(newline="")
    csv.writer(text).writerows(lines)
    settled = SettledTable(table(text.getvalue()))
    written = list(csv.reader(io.StringIO("".join(settled), newline="")))
    assert written[0] == [*lines[0], *RESULT_COLUMNS]
    sums = [0, 0, 0]
    for line, result in zip(lines[1:], written[1:], strict=True):
        found = settle(
            AnnualReturn(
                tax_year=int(line[1]),
                **{key: yuan(cell) for key, cell in zip(keys, line[2:-2], strict=True)},
                bonus_mode=line[-2],  # type: ignore[arg-type]
                withheld_properly=line[-1] == "true",
            )
        )
        expected = [yuan_text(getattr(found, name)) for name in RESULT_COLUMNS[:-1]]
        assert result == [*line, *expected, "true" if found.must_settle else "false"]
        sums = [sums[0] + found.tax_total, sums[1] + found.refund, sums[2] + found.due]
    assert [settled.tax_total, settled.refund, settled.due] == sums
    assert (settled.people, settled.passed_through) == (100, ("name",))


def test_the_year_may_be_given_for_all(table: Table) -> None:
    (line,) = out(table("wages\r\n180000\r\n"), tax_year=2022)
    assert (line["tax_total"], line["must_settle"]) == ("9480.00", "true")
    assert out(table("wages\n"), tax_year=2022) == []


@pytest.mark.parametrize("flag", ["false", "FALSE", "False"])
def test_a_flag_may_be_written_as_spreadsheets_do(table: Table, flag: str) -> None:
    (line,) = out(table(f"tax_year,wages,withheld_properly\n2022,100000,{flag}\n2022,1,TRUE\n"))[:1]
    assert (line["withheld_properly"], line["must_settle"]) == (flag, "true")
    assert out(table("tax_year,wages\n2022,100000\n"))[0]["must_settle"] == "false"


def test_an_empty_cell_is_as_a_missing_column(table: Table) -> None:
    head, empty = "tax_year,wages,social,bonus,bonus_mode,withheld,withheld_properly", "2022,100000,,,,,"
    (line,) = out(table(f"{head}\n{empty}\n"))
    (bare,) = out(table("tax_year,wages\n2022,100000\n"))
    assert {key: line[key] for key in RESULT_COLUMNS} == {key: bare[key] for key in RESULT_COLUMNS}
    assert [line[key] for key in ("social", "bonus_mode", "withheld_properly")] == ["", "", ""]


def test_an_empty_year_is_refused(table: Table) -> None:
    refused = refusal(table("tax_year,wages\n2022,1\n,100000\n"))
    assert (refused.code, refused.values["line"], refused.values["column"]) == ("line_refused", 3, "tax_year")


@pytest.mark.parametrize("end", ["\n\n\n", "\r\n\r\n", "\n,\n,\n", "\n  \n", "\n" * 30_000])
def test_blank_lines_at_the_end_are_no_lines(table: Table, end: str) -> None:
    assert len(out(table("id,wages\nP1,150000" + end), tax_year=2022)) == 1


@pytest.mark.parametrize("lines", ['""\n', '""', '1\n""\n\n', '""\n1\n'])
def test_in_a_table_of_one_column_a_quoted_empty_cell_is_a_person(table: Table, lines: str) -> None:
    """As the csv module of Python writes one; a blank line it is not."""
    found = out(table(f"wages\n{lines}"), tax_year=2022)
    assert [line["wages"] for line in found] == [cell.strip('"') for cell in lines.split()]
    assert {line["tax_total"] for line in found} == {"0.00"}


@pytest.mark.parametrize("blank", ["", ",", "  "])
def test_a_blank_line_before_others_is_refused(table: Table, blank: str) -> None:
    refused = refusal(table(f"id,wages\nP1,1\n{blank}\n{blank}\nP2,2\n"), tax_year=2022)
    assert refused.code == "table_malformed"
    assert refused.values["reason"] == "line 3 is blank, and line 5 is not"


def test_a_mark_of_the_byte_order_is_no_part_of_the_first_name(table: Table) -> None:
    (line,) = out(table(b"\xef\xbb\xbfwages\n180000\n"), tax_year=2022)
    assert line["wages"] == "180000"


def test_the_sums_of_the_largest_amounts_are_exact(table: Table) -> None:
    settled = SettledTable(table("withheld\n" + "1000000000000000\n" * 1000), tax_year=2022)
    assert len("".join(settled).splitlines()) == 1001
    assert settled.refund == 1000 * 10**17


def test_memory_does_not_grow_with_the_table(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(return_table, "BLOCK", 200)

    def peak(lines: int) -> int:
        path = table("id,wages,withheld\n" + "P1,123456.78,1000\n" * lines)
        tracemalloc.start()
        for _ in SettledTable(path, tax_year=2022):
            pass
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(200)
    assert peak(10_000) < 1.3 * peak(1_000)


def test_it_tells_how_far_it_has_read(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(return_table, "BLOCK", 10_000)
    told: list[int] = []
    path = table("wages\n" + "123456.78\n" * 25_000)
    out(path, tax_year=2022, advance=told.append)
    assert told == sorted(told)
    assert told[-1] == path.stat().st_size


# --- what is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "column", "value", "cause"),
    [
        ("wages\n1\n1e5\n", 3, "wages", "1e5", "amount_malformed"),
        ('id,wages\n"a\nb",1\nc,-\n', 4, "wages", "-", "amount_malformed"),
        ("wages,sad\n1,１２\n", 2, "sad", "１２", "amount_malformed"),
        ("wages\n1.234\n", 2, "wages", "1.234", "amount_too_precise"),
        ("wages\n1000000000000000.01\n", 2, "wages", "1000000000000000.01", "amount_too_large"),
        ("bonus,bonus_mode\n1,apart\n", 2, "bonus_mode", "apart", "input_value_malformed"),
        ("bonus,withheld_properly\n1,yes\n", 2, "withheld_properly", "yes", "input_value_malformed"),
    ],
)
def test_a_bad_line_is_named_with_its_column_and_cause(
    table: Table, text: str, line: int, column: str, value: str, cause: str
) -> None:
    path = table(text)
    found = refusal(path, tax_year=2022)
    assert found.code == "line_refused"
    assert found.values == {"path": path, "line": line, "column": column, "value": value, "cause": cause}


@pytest.mark.parametrize(
    ("text", "column", "value", "cause"),
    [
        ("tax_year,wages\n2018,1\n", "tax_year", "2018", "input_value_malformed"),
        ("tax_year,wages\n 2022,1\n", "tax_year", " 2022", "input_value_malformed"),
        ("tax_year,wages\n２０２２,1\n", "tax_year", "２０２２", "input_value_malformed"),
        ("tax_year,bonus,bonus_mode\n2028,1,separate\n", "bonus_mode", "separate", "bonus_mode_not_in_force"),
        ("tax_year,personal_pension\n2021,1\n", "personal_pension", "1", "no_rule_on_date"),
    ],
)
def test_a_year_in_the_table_is_judged_by_line(
    table: Table, text: str, column: str, value: str, cause: str
) -> None:
    found = refusal(table(text)).values
    assert (found["line"], found["column"], found["value"], found["cause"]) == (2, column, value, cause)


def test_a_bad_line_far_down_has_its_own_number(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(return_table, "BLOCK", 10)
    text = "wages,personal_pension\n" + "1,0\n" * 95 + "1,1e5\n"
    assert refusal(table(text), tax_year=2022).values["line"] == 97


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("", "table_malformed", "empty"),
        ("wages,wages\n", "table_malformed", "wages stands twice"),
        ("wages,tax\n", "table_malformed", "named tax"),
        ("wages,base_taxable\n", "table_malformed", "named base_taxable"),
        ("id;wages\n", "table_malformed", "none of its columns"),
        ("tax_year,wages\n", "table_malformed", "tax_year"),
        ("wages\n1\n\n2\n", "table_malformed", "line 3 is blank"),
        ("wages,id\n1,a,b\n", "table_malformed", "line 2 has 3 cells, and the first line 2"),
        ('wages,id\n1,"a"b\n', "table_malformed", "line 2"),
        ('wages,id\n1,"a', "table_malformed", "line 2"),
        (f"wages,id\n1,{'a' * MAX_LINE}\n", "table_malformed", "characters"),
        (b"wages,id\n1,\xff\n", "input_not_utf8", "UTF-8"),
        ("wages,姓名\n1,张三\n".encode("gbk"), "input_not_utf8", "UTF-8"),
    ],
)
def test_what_is_no_table_is_refused(table: Table, text: str | bytes, code: str, said: str) -> None:
    found = refusal(table(text), tax_year=2022)
    assert found.code == code
    assert said in found.message()


def test_a_year_is_needed_and_one_of_the_law(table: Table, tmp_path: Path) -> None:
    refused = refusal(table("wages\n1\n"))
    assert refused.code == "table_lacks_year"
    assert refused.values["path"] == tmp_path / "in.csv"
    assert "--tax-year" in refused.hint
    assert refusal(table("wages\n1\n"), tax_year=2018).code == "input_value_malformed"
    assert refusal(tmp_path / "no.csv", tax_year=2022).code == "input_file_unreadable"
    assert refusal(tmp_path, tax_year=2022).code == "input_file_unreadable"
