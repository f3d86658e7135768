"""Sub-wallets (子钱包) in ``ecny-tax wallet``: open, collect, distribute, and what a platform does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ecny_tax.cli.command import Key, Run, command
from ecny_tax.errors import InvalidInputError

if TYPE_CHECKING:
    from ecny_tax.money import Fen

_Parent = Annotated[str, typer.Argument(metavar="PARENT", help="The parent wallet's 16 digits.")]
_Token = Annotated[str, typer.Argument(metavar="TOKEN", help="What `wallet open-sub` gave for the platform.")]


def register(group: typer.Typer) -> None:
    """Add the commands of sub-wallets to ``wallet``."""
    for name, function in (
        ("open-sub", open_sub),
        ("collect", collect),
        ("distribute", distribute),
        ("charge", charge),
        ("show-pushed", show_pushed),
    ):
        command(group, name)(function)


def open_sub(
    run: Run,
    parent: _Parent,
    purpose: Annotated[
        str,
        typer.Option(
            "--purpose",
            metavar="PURPOSE",
            help="limited, conditional, pushed; of a company collection, distribution.",
        ),
    ],
    single: Annotated[
        str | None, typer.Option("--single", metavar="YUAN", help="Its own limit on one payment.")
    ] = None,
    day: Annotated[str | None, typer.Option("--day", metavar="YUAN", help="Its own limit on a day.")] = None,
    payee: Annotated[
        list[str] | None,
        typer.Option("--payee", metavar="PAYEE", help="Whom it pays: a wallet or tax authority; repeatable."),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="DATE", help="The last day on which it pays them.")
    ] = None,
    platform: Annotated[
        str | None, typer.Option("--platform", metavar="NAME", help="Pushed to whom.")
    ] = None,
    fund: Annotated[
        str | None, typer.Option("--fund", metavar="YUAN", help="Move this into it from the parent.")
    ] = None,
    key: Key = None,
) -> None:
    """Open a sub-wallet (子钱包) under a wallet.

    Examples:
        wallet open-sub {person} --purpose limited --single 10
        wallet open-sub {person} --purpose conditional --payee {authority}
        wallet open-sub {person} --purpose pushed --platform 某平台
        wallet open-sub {company} --purpose collection
    Exit codes: 3 4 5.
    See also: wallet collect, wallet distribute, wallet charge.
    """
    from ecny_tax.clock import parse_date
    from ecny_tax.money import positive_yuan

    def amount(text: str | None) -> Fen | None:
        return None if text is None else positive_yuan(text)

    last = None if until is None else parse_date(until)
    with run.sandbox() as s:
        found = s.wallets.open_sub(
            parent=parent,
            purpose=purpose,
            single=amount(single),
            day=amount(day),
            payees=payee or (),
            until=last,
            platform=platform,
            fund=amount(fund),
            idempotency_key=key,
        )
    run.answer(found)


def collect(run: Run, parent: _Parent, key: Key = None) -> None:
    """Sweep all collection sub-wallets into the parent (归集).

    Examples:
        wallet open-sub {company} --purpose collection --fund 1
        then wallet collect {company}  # amount 1.00
    Exit codes: 3 4 5.
    See also: wallet open-sub, wallet distribute.
    """
    with run.sandbox() as s:
        done = s.wallets.collect(parent=parent, idempotency_key=key)
    run.answer(done)


def distribute(
    run: Run,
    parent: _Parent,
    to: Annotated[list[str], typer.Option("--to", metavar="SUB=YUAN", help="How much to which; repeatable.")],
    key: Key = None,
) -> None:
    """Move money to distribution sub-wallets, all or none (分发).

    Examples:
        wallet open-sub {company} --purpose distribution
        then wallet distribute {company} --to {sub}=1.50  # amount 1.50
    Exit codes: 3 4 5.
    See also: wallet open-sub, wallet collect.
    """
    from ecny_tax.money import positive_yuan

    amounts: dict[str, Fen] = {}
    for leg in to:
        wallet, separator, amount = leg.partition("=")
        if not separator or wallet.strip() in amounts:
            raise InvalidInputError("distribution_malformed", value=leg)
        amounts[wallet.strip()] = positive_yuan(amount)
    with run.sandbox() as s:
        done = s.wallets.distribute(parent=parent, to=amounts, idempotency_key=key)
    run.answer(done)


def charge(
    run: Run,
    token: _Token,
    payee: Annotated[str, typer.Option("--payee", metavar="WALLET", help="The wallet to be paid.")],
    amount: Annotated[str, typer.Option("--amount", metavar="YUAN")],
    key: Key = None,
) -> None:
    """As a platform, charge a sub-wallet that was pushed to it.

    Examples:
        wallet open-sub {person} --purpose pushed --platform 某平台 --fund 30
        then wallet charge {token} --payee {company} --amount 12.50  # amount 12.50
    Exit codes: 3 4 5.
    See also: wallet open-sub, wallet show-pushed.
    """
    from ecny_tax.money import positive_yuan

    with run.sandbox() as s:
        done = s.wallets.charge(token=token, payee=payee, amount=positive_yuan(amount), idempotency_key=key)
    run.answer(done)


def show_pushed(run: Run, token: _Token) -> None:
    """Show what a platform sees of a sub-wallet pushed to it.

    Examples:
        wallet open-sub {person} --purpose pushed --platform 某平台
        then wallet show-pushed {token}  # platform 某平台
    Exit codes: 3 4.
    See also: wallet open-sub, wallet charge.
    """
    with run.sandbox() as s:
        found = s.wallets.pushed(token=token)
    run.answer(found)
