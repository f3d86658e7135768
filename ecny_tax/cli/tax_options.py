"""Options of a declaration or a quote, shared by ``tax quote``, ``bill declare`` and ``pay``."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

Item = Annotated[str, typer.Option("--item", metavar="CODE", help="See `tax items`.")]
Base = Annotated[str | None, typer.Option("--base", metavar="YUAN", help="What the duty is computed on.")]
On = Annotated[
    str | None, typer.Option("--on", metavar="DATE", help="Date of the document (default: today).")
]
HalfRelief = Annotated[
    bool, typer.Option("--half-relief", help="Six taxes and two fees halved (六税两费减半).")
]
Side = Annotated[str | None, typer.Option("--side", metavar="buy|sell", help="Of a securities trade.")]
Exemption = Annotated[
    str | None, typer.Option("--exemption", metavar="CODE", help="Nothing is owed; see `tax exemptions`.")
]
Pieces = Annotated[
    int | None, typer.Option("--pieces", metavar="N", help="Instead of a base: for items taxed by the piece.")
]
TaxpayerKind = Annotated[
    str | None,
    typer.Option("--taxpayer-kind", metavar="KIND", help="As what the taxpayer has the --half-relief."),
]
Year = Annotated[
    int | None, typer.Option("--year", metavar="YEAR", help="The tax year (default: this year).")
]

#: Where a surcharge goes by the place.
Place = Annotated[str, typer.Option("--place", metavar="city|town|other", help="Of 10109.")]


def check_needs(option: str, value: object, needed: str, other: object) -> None:
    """Refuse an option that says nothing without another one (``option_needs``)."""
    from ecny_tax.errors import InvalidInputError

    if value is not None and other is None:
        raise InvalidInputError("option_needs", option=option, needed=needed)


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
