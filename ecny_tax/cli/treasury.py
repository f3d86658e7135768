"""``ecny-tax treasury``: close the days of a treasury, and report what it collected and refunded."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecny_tax.cli.command import Key, Run, command

if TYPE_CHECKING:
    from ecny_tax.treasury.model import Report

app = typer.Typer(help="Treasuries (国库): day-end allocation and reports.", no_args_is_help=True)

_Treasury = Annotated[
    str | None, typer.Option("--treasury", metavar="CODE", help="Ten digits (default: Heshan's, 1907840000).")
]
_KINDS = (".csv", ".svg")


def register(root: typer.Typer) -> None:
    """Add ``treasury`` and its sub-commands."""
    root.add_typer(app, name="treasury")


@command(app, "list")
def list_(run: Run) -> None:
    """List the treasuries: the last closed day, what waits or is in doubt, what the budget levels hold.

    Examples:
        treasury list
    See also: treasury report.
    """
    with run.sandbox() as s:
        found = s.treasury.list()
    name = "name_zh" if run.language == "zh" else "name_en"
    run.answer_list("treasuries", found, ("treasury", name, "closed_until", "waiting", "in_doubt", "revenue"))


@command(app, "close")
def close(
    run: Run,
    date_: Annotated[str, typer.Option("--date", metavar="ISO8601", help="The day to close.")],
    treasury: _Treasury = None,
    key: Key = None,
) -> None:
    """Close a day (日终报解) and every earlier open one: what came in is allocated to the budget levels.

    Nothing enters a closed day. To close it again changes nothing.

    Examples:
        treasury close --date 2023-04-20
    Exit codes: 3 4 5.
    See also: treasury report.
    """
    from ecny_tax.clock import parse_date

    day = parse_date(date_)
    with run.sandbox() as s:
        found = s.treasury.close(day=day, treasury=treasury, idempotency_key=key)
    run.answer(found, assumption=_assumption(run))


@command(app, "report")
def report(
    run: Run,
    treasury: _Treasury = None,
    from_: Annotated[
        str | None,
        typer.Option("--from", metavar="ISO8601", help="First day (default: the treasury's first)."),
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="ISO8601", help="Last day (default: today).")
    ] = None,
    by: Annotated[
        str, typer.Option("--by", metavar="tax|level|day|month", help="What the lines are about.")
    ] = "day",
    csv: Annotated[bool, typer.Option("--csv", help="Write the lines as CSV.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write a .csv table or an .svg chart.")
    ] = None,
) -> None:
    """Report what a treasury collected and refunded, with a bar chart; open days are shown apart.

    Examples:
        treasury close --date 2023-04-20
        then treasury report
        treasury report --from 2023-04-20 --to 2023-04-20 --by tax
        treasury report --by month --out report.svg
    Exit codes: 3 4.
    See also: treasury close.
    """
    from ecny_tax.cli import files

    first, last = _day(from_), _day(to)
    if out is not None:
        _check_kind(out, csv=csv)
        files.check_output(out, run.database)
    with run.sandbox() as s:
        found = s.treasury.report(treasury=treasury, start=first, end=last, by=by)
    _answer(run, found, csv=csv, out=out)


def _day(text: str | None) -> date | None:
    from ecny_tax.clock import parse_date

    return None if text is None else parse_date(text)


def _check_kind(out: Path, *, csv: bool) -> None:
    """A file says by its ending what it holds; with ``--csv`` that is a table."""
    from ecny_tax.errors import InvalidInputError, Said

    accepted = _KINDS[:1] if csv else _KINDS
    if out.suffix.lower() not in accepted:
        known = Said(" or ".join(accepted), " 或 ".join(accepted))
        raise InvalidInputError("report_kind_unknown", value=out.name, accepted=known)


def _answer(run: Run, found: Report, *, csv: bool, out: Path | None) -> None:
    from ecny_tax.cli import treasury_report
    from ecny_tax.documents import document
    from ecny_tax.treasury import drawing

    shown = document(found) | {"assumption": _assumption(run)}
    if out is not None:
        is_table = out.suffix.lower() == ".csv"
        text = (drawing.as_csv if is_table else drawing.as_svg)(found, run.language)
        run.write(out, text)
        run.answer({**{key: value for key, value in shown.items() if key != "lines"}, "file": str(out)})
    elif run.as_json:
        run.answer(shown)
    elif csv:
        treasury_report.print_csv(found, run.language)
    else:
        treasury_report.print_table(found, shown, run.language)


def _assumption(run: Run) -> str:
    from ecny_tax.treasury.model import ASSUMPTION, ASSUMPTION_ZH

    return ASSUMPTION_ZH if run.language == "zh" else ASSUMPTION
