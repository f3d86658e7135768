"""``ecny-tax tax``: items and quotes; nothing is declared here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from ecny_tax.cli.command import Run, command

#: Options of a stamp duty document, shared by ``tax quote``, ``bill declare`` and ``pay``.
On = Annotated[
    str | None, typer.Option("--on", metavar="DATE", help="Date of the document (default: today).")
]
HalfRelief = Annotated[
    bool, typer.Option("--half-relief", help="Six taxes and two fees halved (六税两费减半).")
]
Side = Annotated[str | None, typer.Option("--side", metavar="buy|sell", help="Of a securities trade.")]

app = typer.Typer(help="Tax items and quotes.", no_args_is_help=True)
quote = typer.Typer(help="What a tax comes to.", no_args_is_help=True)
app.add_typer(quote, name="quote")


def register(root: typer.Typer) -> None:
    """Add ``tax`` and its sub-commands."""
    root.add_typer(app, name="tax")


@command(app, "items")
def items(run: Run, on: On = None) -> None:
    """List the stamp duty items (税目) in force on a day."""
    from ecny_tax.taxes import stamp_duty

    found = stamp_duty.items(run.rules(on))
    name = "name_zh" if run.language == "zh" else "name_en"
    run.answer_list("items", found, ("item", name, "rate", "side", "evidence"))


@command(quote, "stamp-duty")
def stamp_duty(
    run: Run,
    item: Annotated[str, typer.Option("--item", metavar="CODE", help="See `tax items`.")],
    base: Annotated[str, typer.Option("--base", metavar="YUAN", help="What the duty is computed on.")],
    on: On = None,
    half_relief: HalfRelief = False,
    side: Side = None,
) -> None:
    """Quote the stamp duty (印花税) on one document."""
    from ecny_tax.money import positive_yuan
    from ecny_tax.taxes import stamp_duty

    run.answer(
        stamp_duty.quote(
            run.rules(on),
            item=item,
            base=positive_yuan(base),
            half_relief=half_relief,
            side=checked_side(side),
        )
    )


@command(quote, "income-tax")
def income_tax(
    run: Run,
    file: Annotated[Path, typer.Option("--input", metavar="FILE", help="The annual return, JSON.")],
) -> None:
    """Quote the annual settlement (汇算清缴) that a return comes to."""
    from ecny_tax.taxes.income_tax import settle
    from ecny_tax.taxes.returns import read_annual_return

    run.answer(settle(read_annual_return(file), book=run.rulebook()))


def checked_side(side: str | None) -> Literal["buy", "sell"] | None:
    """``buy`` or ``sell``; raises ``InvalidInputError`` (``side_unknown``)."""
    from ecny_tax.errors import InvalidInputError

    if side is None:
        return None
    if side == "buy":
        return "buy"
    if side == "sell":
        return "sell"
    raise InvalidInputError("side_unknown", value=side)
