"""``ecny-tax wallet``: open, look at, fund, pay between and close wallets."""

from __future__ import annotations

from typing import Annotated

import typer

from ecny_tax.cli.command import Key, Run, command

_Wallet = Annotated[str, typer.Argument(metavar="WALLET", help="The wallet's 16 digits.")]
_Amount = Annotated[str, typer.Option("--amount", metavar="YUAN")]
_Name = Annotated[str | None, typer.Option("--name", help="The holder's name.")]
_Id = Annotated[str | None, typer.Option("--id", help="USCC of a body, resident id of a person.")]
_Phone = Annotated[str | None, typer.Option("--phone", help="Mobile number.")]

app = typer.Typer(help="Wallets (钱包).", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    """Add ``wallet`` and its sub-commands."""
    root.add_typer(app, name="wallet")


@command(app, "open")
def open_(
    run: Run,
    kind: Annotated[str, typer.Option("--kind", metavar="personal|corporate", help="Kind of wallet.")],
    operator: Annotated[str, typer.Option("--operator", metavar="CODE", help="ICBC, ABC, BOC, CCB …")],
    wallet_class: Annotated[
        str | None, typer.Option("--class", metavar="I|II|III|IV", help="Of a personal wallet.")
    ] = None,
    name: _Name = None,
    id_number: _Id = None,
    phone: _Phone = None,
    fund: Annotated[
        str | None, typer.Option("--fund", metavar="YUAN", help="Top up from the holder's bank account.")
    ] = None,
    key: Key = None,
) -> None:
    """Open a wallet: class II with name and id, IV with a phone only."""
    from ecny_tax.money import positive_yuan

    with run.sandbox() as s:
        wallet = s.wallets.open(
            kind=kind,
            operator=operator,
            wallet_class=wallet_class,
            name=name,
            id_number=id_number,
            phone=phone,
            fund=positive_yuan(fund) if fund is not None else None,
            idempotency_key=key,
        )
    run.answer(wallet)


@command(app, "show")
def show(run: Run, wallet: _Wallet) -> None:
    """Show a wallet with its balance."""
    with run.sandbox() as s:
        found = s.wallets.show(wallet_id=wallet)
    run.answer(found)


@command(app, "list")
def list_(run: Run) -> None:
    """List every wallet."""
    with run.sandbox() as s:
        found = s.wallets.list()
    run.answer_list("wallets", found, ("wallet_id", "kind", "wallet_class", "operator", "balance", "status"))


@command(app, "statement")
def statement(run: Run, wallet: _Wallet) -> None:
    """List what came in and went out, with the balance after each movement."""
    with run.sandbox() as s:
        found = s.wallets.statement(wallet_id=wallet)
        status = s.wallets.show(wallet_id=wallet).status
    run.answer(found, status=status)


@command(app, "top-up")
def top_up(run: Run, wallet: _Wallet, amount: _Amount, key: Key = None) -> None:
    """Turn bank deposits into e-CNY (兑出)."""
    from ecny_tax.money import positive_yuan

    with run.sandbox() as s:
        done = s.wallets.top_up(wallet_id=wallet, amount=positive_yuan(amount), idempotency_key=key)
    run.answer(done)


@command(app, "cash-out")
def cash_out(run: Run, wallet: _Wallet, amount: _Amount, key: Key = None) -> None:
    """Turn e-CNY into bank deposits (兑回)."""
    from ecny_tax.money import positive_yuan

    with run.sandbox() as s:
        done = s.wallets.cash_out(wallet_id=wallet, amount=positive_yuan(amount), idempotency_key=key)
    run.answer(done)


@command(app, "transfer")
def transfer(
    run: Run,
    from_wallet: Annotated[str, typer.Argument(metavar="FROM")],
    to_wallet: Annotated[str, typer.Argument(metavar="TO")],
    amount: _Amount,
    key: Key = None,
) -> None:
    """Transfer between wallets, at once and without fee."""
    from ecny_tax.money import positive_yuan

    with run.sandbox() as s:
        done = s.wallets.transfer(
            from_wallet=from_wallet,
            to_wallet=to_wallet,
            amount=positive_yuan(amount),
            idempotency_key=key,
        )
    run.answer(done)


@command(app, "upgrade")
def upgrade(
    run: Run,
    wallet: _Wallet,
    wallet_class: Annotated[str, typer.Option("--class", metavar="I|II|III")] = "II",
    name: _Name = None,
    id_number: _Id = None,
    phone: _Phone = None,
) -> None:
    """Raise a personal wallet to a higher class."""
    with run.sandbox() as s:
        found = s.wallets.upgrade(
            wallet_id=wallet, wallet_class=wallet_class, name=name, id_number=id_number, phone=phone
        )
    run.answer(found)


@command(app, "close")
def close(run: Run, wallet: _Wallet) -> None:
    """Close an empty wallet for good."""
    with run.sandbox() as s:
        found = s.wallets.close(wallet_id=wallet)
    run.answer(found)


@command(app, "stop")
def stop(run: Run, wallet: _Wallet) -> None:
    """Put a protective stop on what goes out (保护性停付)."""
    with run.sandbox() as s:
        found = s.wallets.stop(wallet_id=wallet)
    run.answer(found)


@command(app, "resume")
def resume(run: Run, wallet: _Wallet) -> None:
    """Lift a protective stop."""
    with run.sandbox() as s:
        found = s.wallets.resume(wallet_id=wallet)
    run.answer(found)


@command(app, "freeze")
def freeze(run: Run, wallet: _Wallet) -> None:
    """Freeze what goes out (冻结)."""
    with run.sandbox() as s:
        found = s.wallets.freeze(wallet_id=wallet)
    run.answer(found)


@command(app, "unfreeze")
def unfreeze(run: Run, wallet: _Wallet) -> None:
    """Lift a freeze."""
    with run.sandbox() as s:
        found = s.wallets.unfreeze(wallet_id=wallet)
    run.answer(found)
