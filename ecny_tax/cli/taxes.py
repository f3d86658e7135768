"""``ecny-tax tax``: items, rules and worked cases, and what is in ``quotes``; nothing is declared here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecny_tax.cli import output, settle_many
from ecny_tax.cli.command import Run, command
from ecny_tax.cli.quotes import quote
from ecny_tax.documents import document

if TYPE_CHECKING:
    from ecny_tax.taxes.checking import CaseReport, Mismatch

_OnDay = Annotated[str | None, typer.Option("--on", metavar="DATE", help="The day (default: today).")]

app = typer.Typer(help="Tax items, quotes, rules and worked cases.", no_args_is_help=True)
app.add_typer(quote, name="quote")
settle_many.register(app)


def register(root: typer.Typer) -> None:
    """Add ``tax`` and its sub-commands."""
    root.add_typer(app, name="tax")


# --- lists --------------------------------------------------------------------------------------------------


@command(app, "items")
def items(run: Run, on: _OnDay = None) -> None:
    """List the stamp duty items (税目) in force on a day; `each` is what one costs that goes by the piece.

    Examples:
        tax items --on 2023-04-20
    See also: tax exemptions, tax quote stamp-duty.
    """
    from ecny_tax.taxes import stamp_duty

    found = stamp_duty.items(run.rules(on))
    by_the_piece = ("each",) if any(item.each is not None for item in found) else ()
    run.answer_list("items", found, ("item", _name(run), "rate", *by_the_piece, "side", "evidence"))


@command(app, "exemptions")
def exemptions(run: Run, on: _OnDay = None) -> None:
    """List the reasons of exemption from stamp duty (印花税免税) in force on a day.

    Examples:
        tax exemptions --on 2023-04-20
    See also: tax items.
    """
    found = run.rules(on).stamp_duty.exemptions()
    run.answer_list("exemptions", found, ("code", _name(run), "items", "citation", "evidence"))


@command(app, "deductions")
def deductions(run: Run, on: _OnDay = None) -> None:
    """List the special additional deductions (专项附加扣除) in force on a day.

    Examples:
        tax deductions --on 2023-04-20
    See also: tax quote deductions.
    """
    from ecny_tax.errors import InvalidInputError

    law = run.rules(on).income_tax
    found = [
        document(figure.value)
        for figures in law.figures.special_additional.values()
        for figure in figures
        if figure.covers(law.day)
    ]
    try:  # serious illness is one of them too, but goes by what was spent
        illness = {"code": "medical", "name_zh": "大病医疗", "name_en": "Serious illness", "paid": "year"}
        found.append(illness | document(law.medical))
    except InvalidInputError:
        pass
    keys = dict.fromkeys(key for row in found for key in row)
    columns = ("amount", "paid", "for_each", "shares", "not_with", "threshold", "cap", "citation")
    rows = [{key: row.get(key) for key in keys} for row in found]
    run.answer_list("deductions", rows, ("code", _name(run), *columns))


@command(app, "rules")
def rules(run: Run, on: _OnDay = None) -> None:
    """List every figure of the rulebook (规则) in force on a day, with its source and evidence mark.

    Examples:
        tax rules --on 2023-04-20
    See also: tax items.
    """
    from ecny_tax.errors import InvalidInputError
    from ecny_tax.rulebook.listing import figures, first_day

    asked = run.rules(on)
    found = [document(figure) for figure in figures(asked.book, asked.day)]
    if not found:
        raise InvalidInputError("no_rules_on_date", date=asked.day, first=first_day(asked.book))
    if run.as_json:
        output.print_json({"rules": found})
        return
    from ecny_tax.cli.rules_table import print_figures

    print_figures(found, run.language)


def _name(run: Run) -> str:
    return "name_zh" if run.language == "zh" else "name_en"


# --- worked cases -------------------------------------------------------------------------------------------


@command(app, "check")
def check(
    run: Run,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Worked cases, a JSON list.")],
) -> int:
    """Run worked cases (算例) against the rules: each mismatch, then how many passed and failed.

    Examples:
        tax check cases.json  # failed 0
    Exit codes: 6.
    See also: tax rules.
    """
    from ecny_tax.errors import VerificationError
    from ecny_tax.taxes.checking import check, read_cases

    report = check(read_cases(file), book=run.rulebook())
    if run.as_json:
        output.print_json(document(report))
    else:
        output.print_text("\n".join(_report_lines(run, report)))
    total = report.passed + report.failed
    failed = VerificationError("cases_failed", failed=report.failed, total=total) if report.failed else None
    return run.verdict(failed)


def _report_lines(run: Run, report: CaseReport) -> list[str]:
    chinese = run.language == "zh"
    lines = [_mismatch_line(run, mismatch) for mismatch in report.mismatches]
    last = "{} 个通过，{} 个不符" if chinese else "{} passed, {} failed"
    return [*lines, last.format(report.passed, report.failed)]


def _mismatch_line(run: Run, found: Mismatch) -> str:
    """One line; what it shows of the file is spelled out where it could move the cursor."""
    from ecny_tax.cli.tables import shown

    chinese = run.language == "zh"
    place = " ".join(shown(part, run.language).plain for part in (found.id, found.kind, found.key) if part)
    got = shown(found.got, run.language).plain
    if found.detail is not None:
        said = shown(found.detail_zh if chinese else found.detail, run.language).plain
        return f"{place}：{got}，{said}" if chinese else f"{place}: {got}, {said}"
    expected = shown(found.expected, run.language).plain or "null"
    return f"{place}：预期 {expected}，实为 {got}" if chinese else f"{place}: expected {expected}, got {got}"
