"""What is done under law to a wallet in ``ecny-tax wallet``: stops, freezes, opening who holds it."""

from __future__ import annotations

from typing import Annotated

import typer

from ecny_tax.cli.command import Run, command
from ecny_tax.cli.oversight import Order, read_order

_Wallet = Annotated[str, typer.Argument(metavar="WALLET", help="The wallet's 16 digits.")]
_By = Annotated[
    str | None,
    typer.Option("--by", metavar="PARTY", help="anti_fraud_centre:CODE (default: Heshan's, AF440784)."),
]


def register(group: typer.Typer) -> None:
    """Add these commands to ``wallet``."""
    for function in (stop, resume, freeze, unfreeze, identify):
        command(group, function.__name__)(function)


def stop(
    run: Run,
    wallet: _Wallet,
    by: _By = None,
    reason: Annotated[
        str | None,
        typer.Option("--reason", metavar="CODE", help="fraud_victim (default), fraud_proceeds, taken_over."),
    ] = None,
    hours: Annotated[int | None, typer.Option("--hours", help="1 to 48 (default: 24); assumed.")] = None,
) -> None:
    """Put a protective stop on what goes out, for some hours (保护性停付).

    Examples:
        wallet stop {company}  # status stopped
        wallet stop {company} --by anti_fraud_centre:AF440784 --reason taken_over --hours 48
    Exit codes: 3 4.
    See also: wallet resume, wallet freeze.
    """
    with run.sandbox() as s:
        found = s.oversight.stop(wallet_id=wallet, by=by, reason=reason, hours=hours)
    run.answer(found)


def resume(run: Run, wallet: _Wallet, by: _By = None) -> None:
    """Lift a protective stop.

    Examples:
        wallet stop {company}
        then wallet resume {company}  # status active
    Exit codes: 3 4.
    See also: wallet stop.
    """
    with run.sandbox() as s:
        found = s.oversight.resume(wallet_id=wallet, by=by)
    run.answer(found)


def freeze(run: Run, wallet: _Wallet, instrument: Order = None) -> None:
    """Freeze what goes out, as a court orders (冻结).

    Examples:
        wallet freeze {company} --instrument freeze.law  # status frozen
    Exit codes: 3 4 6.
    See also: instrument issue, wallet unfreeze.
    """
    order = read_order(instrument)
    with run.sandbox() as s:
        found = s.oversight.freeze(wallet_id=wallet, instrument=order)
    run.answer(found)


def unfreeze(run: Run, wallet: _Wallet, instrument: Order = None) -> None:
    """Lift one freeze, as the court that laid it orders.

    Examples:
        wallet freeze {company} --instrument freeze.law
        then wallet unfreeze {company} --instrument unfreeze.law  # status active
    Exit codes: 3 4 6.
    See also: wallet freeze, instrument issue.
    """
    order = read_order(instrument)
    with run.sandbox() as s:
        found = s.oversight.unfreeze(wallet_id=wallet, instrument=order)
    run.answer(found)


def identify(run: Run, wallet: _Wallet, instrument: Order = None) -> None:
    """Open who holds a wallet, as a legal instrument orders.

    Examples:
        wallet identify {person} --instrument identity.law
    Exit codes: 3 4 6.
    See also: instrument issue, access list.
    """
    order = read_order(instrument)
    with run.sandbox() as s:
        found = s.oversight.identify(wallet_id=wallet, instrument=order)
    run.answer(found)
