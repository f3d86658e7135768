"""``ecny-tax season``: the refund season of a made-up population."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecny_tax.cli.command import Run, command

if TYPE_CHECKING:
    from ecny_tax.sandbox import Sandbox
    from ecny_tax.seasons.model import SeasonReport, Setting

_KINDS = (".html", ".svg")


def register(root: typer.Typer) -> None:
    """Add ``season``."""
    command(root, "season")(season)


def season(
    run: Run,
    people: Annotated[int, typer.Option("--people", metavar="COUNT", help="1 to 10,000,000.")],
    seed: Annotated[
        int, typer.Option("--seed", metavar="NUMBER", help="The same seed gives the same people.")
    ] = 1,
    year: Annotated[
        int | None, typer.Option("--year", metavar="YEAR", help="The tax year settled (default: 2025).")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write an .html page with charts, or an .svg chart."),
    ] = None,
) -> int:
    """Settle, file, refund and pay a whole season (汇算清缴期) of made-up people; needs the extra [batch].

    It makes a database of its own, where it keeps its own time, and refuses one that has people. Who they
    are, what they earn and what they do is invented and documented; the tax on it is the law's. Interrupted,
    the same command goes on where it stopped. The exit code is 6 where the ledger does not verify.

    Examples:
        season --people 12 --seed 7 --year 2024 --db season.db --out season.html  # people 12
    Exit codes: 3 5 6.
    See also: tax settle-many, treasury report.
    """
    from ecny_tax.cli import files
    from ecny_tax.cli.refusals import EXIT_VERIFICATION
    from ecny_tax.seasons.model import DEFAULT_YEAR, Setting
    from ecny_tax.taxes.settle_many import require_numpy

    setting = Setting(people, seed, DEFAULT_YEAR if year is None else year)
    if out is not None:
        _check_kind(out)
        files.check_output(out, run.database)
    require_numpy()
    with _sandbox(run, setting) as s:
        found = _run(s, setting)
    _answer(run, found, out)
    return 0 if found.ok else EXIT_VERIFICATION


def _check_kind(out: Path) -> None:
    from ecny_tax.errors import InvalidInputError, Said

    if out.suffix.lower() not in _KINDS:
        known = Said(" or ".join(_KINDS), " 或 ".join(_KINDS))
        raise InvalidInputError("report_kind_unknown", value=out.name, accepted=known)


@contextmanager
def _sandbox(run: Run, setting: Setting) -> Iterator[Sandbox]:
    """The sandbox of this run, at the time of the season: made at its beginning, where it is new.

    A new one is made from the seed, so that every number in it is the same in every run.
    """
    from dataclasses import replace

    from ecny_tax.clock import day_begins, rfc3339
    from ecny_tax.store import exists

    name = run.database
    is_empty = os.path.isfile(name) and not os.path.getsize(name)
    is_new = is_empty or not exists(name)
    first, _last = setting.window(run.rulebook())
    began = rfc3339(day_begins(first).replace(hour=10)) if is_new else None
    with replace(run, now=began).sandbox(seed=f"season {setting.seed}" if is_new else None) as s:
        yield s


def _run(s: Sandbox, setting: Setting) -> SeasonReport:
    from ecny_tax.seasons.service import Season

    with _bars() as progress:
        return Season(s, setting, progress).run()


@contextmanager
def _bars() -> Iterator[Callable[[str, int, int], None]]:
    """A bar for each phase on a terminal; elsewhere nothing."""
    from ecny_tax.cli.progress import progress_bars

    with progress_bars() as progress:
        yield progress


def _answer(run: Run, found: SeasonReport, out: Path | None) -> None:
    from ecny_tax.cli import season_report
    from ecny_tax.documents import document
    from ecny_tax.seasons.model import ASSUMPTION, ASSUMPTION_ZH

    shown = document(found) | {"assumption": ASSUMPTION_ZH if run.language == "zh" else ASSUMPTION}
    if out is not None:
        is_page = out.suffix.lower() == ".html"
        text = season_report.as_html(found) if is_page else season_report.as_svg(found)
        run.write(out, [text])
        shown["file"] = str(out)
    if run.as_json:
        run.answer(shown)
    else:
        season_report.print_tables(found, shown, run.language)
