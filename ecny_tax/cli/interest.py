"""``ecny-tax interest``: credit what wallets earned, and show it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ecny_tax.cli.command import Key, Run, command

app = typer.Typer(help="Interest on wallets (钱包利息), from 2026-01-01 on.", no_args_is_help=True)

_ASSUMPTION = {
    "en": "assumed: balances at the end of a day, a year of 360 days, the same quarters at every operator,"
    " that corporate wallets earn too",
    "zh": "假设：按每日日终余额计息，一年按 360 天，各运营机构结息日相同，对公钱包同样计息",
}


def register(root: typer.Typer) -> None:
    """Add ``interest`` and its sub-commands."""
    root.add_typer(app, name="interest")


@command(app, "credit")
def credit(
    run: Run,
    operator: Annotated[
        str | None, typer.Option("--operator", metavar="CODE", help="Only at this operator (default: all).")
    ] = None,
    key: Key = None,
) -> int:
    """Credit the interest of every period that has ended (结息); what was credited is not credited again.

    Examples:
        interest credit
        interest credit --operator ICBC --now 2026-03-21
    Exit codes: 3 4 5.
    See also: interest show.
    """
    from ecny_tax.cli.progress import progress_bar
    from ecny_tax.cli.refusals import report
    from ecny_tax.errors import RejectedError
    from ecny_tax.money import yuan_text

    with run.sandbox() as s, progress_bar(0) as progress:
        done = s.wallets.credit_interest(operator=operator, idempotency_key=key, progress=progress)
    run.answer(done)
    if not done.refused:
        return 0
    first = done.refused[0]
    refusal = RejectedError(
        "operator_funds_short",
        operator=first.operator,
        needed=yuan_text(first.needed),
        own_funds=yuan_text(first.own_funds),
    )
    sys.stdout.flush()  # where both go to one file, the reason stands below what was done
    return report(refusal, as_json=run.as_json, language=run.language)


@command(app, "show")
def show(
    run: Run, wallet: Annotated[str, typer.Argument(metavar="WALLET", help="The wallet's 16 digits.")]
) -> None:
    """Show what a wallet has earned until yesterday, and when it is credited.

    Examples:
        interest show {company}
        interest show {company} --now 2026-03-01
    Exit codes: 4.
    See also: interest credit.
    """
    with run.sandbox() as s:
        found = s.wallets.interest(wallet_id=wallet)
    run.answer(found, assumption=_ASSUMPTION[run.language])
