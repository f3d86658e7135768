"""``ecny-tax wallet``: open, look at, fund, pay between and close wallets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ecny_tax.cli import holds, sub_wallets
from ecny_tax.cli.command import Key, Run, command
from ecny_tax.documents import document

if TYPE_CHECKING:
    from ecny_tax.wallets.model import Statement, StatementLine

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
    """Open a wallet: class II with name and id, IV with a phone.

    Examples:
        wallet open --kind personal --phone 13700000000 --operator CMB --fund 1.00  # wallet class IV
        wallet open --kind personal --name 虚构人7号 --id {new_id} --class II --operator BOC  # balance 0.00
    Exit codes: 3 5.
    See also: wallet show, wallet open-sub, agreement sign.
    """
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
def show(
    run: Run,
    wallet: _Wallet,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="ISO8601", help="The balance at this time; the status is today's."),
    ] = None,
    party: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="PARTY",
            help="As holder, operator:CODE, tax-authority:CODE, treasury:CODE, central-bank or wallet:ID.",
        ),
    ] = None,
) -> None:
    """Show a wallet with its balance, or what a party sees of it.

    Examples:
        wallet show {company}
        wallet show {company} --at 2023-04-20
        wallet show {company} --as operator:ICBC
        wallet show {company} --as tax-authority:{authority}
    Exit codes: 3 4 6.
    See also: wallet statement, wallet list.
    """
    from ecny_tax.clock import parse_end

    if party is not None:
        _show_as(run, wallet, party, at)
        return
    moment = None if at is None else parse_end(at)
    with run.sandbox() as s:
        found = s.wallets.show(wallet_id=wallet, at=moment)
        times = {} if moment is None else {"at": moment, "status_at": s.clock.now()}
        terms = {} if found.parent is None else document(s.wallets.terms(wallet_id=wallet))
    run.answer(found, **times, **terms)


def _show_as(run: Run, wallet: str, party: str, at: str | None) -> None:
    """Print what a party sees: what it may not see is absent, not empty."""
    from ecny_tax.documents import document
    from ecny_tax.errors import InvalidInputError

    if at is not None:
        raise InvalidInputError("view_is_of_now")
    with run.sandbox() as s:
        view = s.wallets.view(wallet_id=wallet, party=party)
    whole = document(view)
    run.answer({key: whole[key] for key in ("party", "known", *view.fields)})


@command(app, "list")
def list_(
    run: Run,
    parent: Annotated[
        str | None, typer.Option("--parent", metavar="WALLET", help="Only the sub-wallets of this one.")
    ] = None,
) -> None:
    """List every wallet.

    Examples:
        wallet list
    Exit codes: 4.
    See also: wallet show.
    """
    with run.sandbox() as s:
        found = s.wallets.list(parent=parent)
    family = ("purpose", "parent") if any(wallet.parent for wallet in found) else ()
    columns = ("wallet_id", "kind", "wallet_class", "operator", "balance", "status", *family)
    run.answer_list("wallets", found, columns)


@command(app, "statement")
def statement(
    run: Run,
    wallet: _Wallet,
    from_: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="First day (default: from the beginning).")
    ] = None,
    to: Annotated[str | None, typer.Option("--to", metavar="DATE", help="Last day (default: today).")] = None,
) -> None:
    """List movements with opening, running and closing balance.

    Examples:
        wallet statement {company}
        wallet statement {company} --from 2023-04-01 --to 2023-04-20
    Exit codes: 4.
    See also: wallet show, payments list.
    """
    from ecny_tax.clock import parse_date

    from_date = None if from_ is None else parse_date(from_)
    to_date = None if to is None else parse_date(to)
    with run.sandbox() as s:
        found = s.wallets.statement(wallet_id=wallet, from_date=from_date, to_date=to_date)
        status = s.wallets.show(wallet_id=wallet).status
    if run.as_json:
        run.answer(found, status=status)
    else:
        run.answer(_sheet(found), status=status)


def _sheet(found: Statement) -> dict[str, object]:
    """A statement for a human: opening and closing rows in the table, narrow enough for a terminal."""
    from ecny_tax.money import yuan_text

    def row(at: object, kind: str, details: str, amount: str, balance: int) -> dict[str, object]:
        balance_text = yuan_text(balance)
        return {"at": at, "kind": kind, "details": details, "amount": amount, "balance": balance_text}

    moved = [
        row(
            f"{line.at:%Y-%m-%d %H:%M}",
            line.kind.removeprefix("wallet_").removeprefix("tax_"),
            _details(line, found.wallet_id),
            yuan_text(line.amount),
            line.balance,
        )
        for line in found.lines
    ]
    return {
        "wallet_id": found.wallet_id,
        "balance": yuan_text(found.balance),
        "lines": [
            row(found.from_date, "opening", "", "", found.opening),
            *moved,
            row(found.to_date, "closing", "", "", found.closing),
        ],
    }


def _details(line: StatementLine, wallet_id: str) -> str:
    """The record behind a movement, or whom it was with."""
    if line.reference and line.reference != wallet_id:
        return line.reference
    return line.counterparty.removeprefix("wallet:")


@command(app, "top-up")
def top_up(run: Run, wallet: _Wallet, amount: _Amount, key: Key = None) -> None:
    """Turn bank deposits into e-CNY (兑出).

    Examples:
        wallet top-up {company} --amount 1.5  # amount 1.50
    Exit codes: 3 4 5.
    See also: wallet cash-out, wallet transfer.
    """
    from ecny_tax.money import positive_yuan

    with run.sandbox() as s:
        done = s.wallets.top_up(wallet_id=wallet, amount=positive_yuan(amount), idempotency_key=key)
    run.answer(done)


@command(app, "cash-out")
def cash_out(run: Run, wallet: _Wallet, amount: _Amount, key: Key = None) -> None:
    """Turn e-CNY into bank deposits (兑回).

    Examples:
        wallet cash-out {company} --amount 1
    Exit codes: 3 4 5.
    See also: wallet top-up, wallet close.
    """
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
    """Transfer between wallets, at once and without fee.

    Examples:
        wallet transfer {company} {person} --amount 0.01  # fee 0.00
    Exit codes: 3 4 5.
    See also: wallet top-up, wallet statement.
    """
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
    """Raise a personal wallet to a higher class.

    Examples:
        wallet upgrade {person} --class I
    Exit codes: 3 4 5.
    See also: wallet open.
    """
    with run.sandbox() as s:
        found = s.wallets.upgrade(
            wallet_id=wallet, wallet_class=wallet_class, name=name, id_number=id_number, phone=phone
        )
    run.answer(found)


@command(app, "close")
def close(run: Run, wallet: _Wallet, key: Key = None) -> None:
    """Close an empty wallet for good; interest earned so far goes to the holder's bank account.

    Examples:
        wallet close {nameless}  # status closed
    Exit codes: 3 4 5.
    See also: wallet cash-out, wallet erase.
    """
    with run.sandbox() as s:
        found = s.wallets.close(wallet_id=wallet, idempotency_key=key)
    run.answer(found)


@command(app, "erase")
def erase(run: Run, wallet: _Wallet) -> None:
    """Erase who held a closed wallet, for good.

    Examples:
        wallet close {nameless}
        then wallet erase {nameless}
    Exit codes: 3 4.
    See also: wallet close.
    """
    with run.sandbox() as s:
        done = s.wallets.erase(wallet_id=wallet)
    run.answer(done)


holds.register(app)
sub_wallets.register(app)
