"""``ecny-tax clock``: the time of the simulation."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from ecny_tax.cli.command import Run, command

if TYPE_CHECKING:
    from ecny_tax.sandbox import Sandbox

app = typer.Typer(help="The clock of the simulation.", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    """Add ``clock`` and its sub-commands."""
    root.add_typer(app, name="clock")


@command(app, "show")
def show(run: Run) -> None:
    """Show the time in force, and whether it stands still.

    Examples:
        clock show
    See also: clock set.
    """
    with run.sandbox() as s:
        _answer(run, s)


@command(app, "set")
def set_(
    run: Run, time: Annotated[str, typer.Argument(metavar="TIME", help="ISO 8601, or `system`.")]
) -> None:
    """Fix the clock at a time, or let it follow the system again; a new database begins at that time.

    Examples:
        clock set 2023-05-01
    Exit codes: 3.
    See also: clock advance.
    """
    from ecny_tax.store import exists

    if time != "system" and run.now is None and not exists(run.database):
        run = replace(run, now=time)
    with run.sandbox() as s:
        if time == "system":
            s.clock.follow_system()
        else:
            s.clock.set(time)
        _answer(run, s)


@command(app, "advance")
def advance(
    run: Run,
    days: Annotated[int, typer.Option("--days")] = 0,
    hours: Annotated[int, typer.Option("--hours")] = 0,
    minutes: Annotated[int, typer.Option("--minutes")] = 0,
) -> None:
    """Fix the clock some time on from now.

    Examples:
        clock advance --days 1
    Exit codes: 3.
    See also: clock set.
    """
    from datetime import timedelta

    from ecny_tax.errors import InvalidInputError

    if min(days, hours, minutes) < 0 or max(days, hours, minutes) > 10**6 or not (days or hours or minutes):
        raise InvalidInputError("step_malformed")
    with run.sandbox() as s:
        s.clock.advance(timedelta(days=days, hours=hours, minutes=minutes))
        _answer(run, s)


def _answer(run: Run, sandbox: Sandbox) -> None:
    run.answer({"now": sandbox.clock.now(), "fixed": sandbox.clock.is_fixed()})
