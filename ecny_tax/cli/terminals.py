"""``ecny-tax terminal`` and ``trust``: what a tax hall needs to take offline vouchers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecny_tax.cli.command import Authority, Run, command
from ecny_tax.cli.offline_files import Trust, read_object

if TYPE_CHECKING:
    from ecny_tax.offline.terminal import Terminal

terminals = typer.Typer(help="Terminals of a tax hall (收款终端).", no_args_is_help=True)
trusts = typer.Typer(help="The root of trust, and what was revoked.", no_args_is_help=True)

_Terminal = Annotated[Path, typer.Argument(metavar="TERMINAL", help="The file of the terminal.")]


def register(root: typer.Typer) -> None:
    """Add ``terminal`` and ``trust`` with their sub-commands."""
    root.add_typer(terminals, name="terminal")
    root.add_typer(trusts, name="trust")


@command(terminals, "init")
def init(
    run: Run,
    out: Annotated[Path, typer.Option("--out", metavar="TERMINAL", help="The new file of the terminal.")],
    authority: Authority = None,
) -> None:
    """Make a terminal of a tax authority; it works without network from then on.

    Examples:
        terminal init --out counter.term
        terminal init --out counter.term --authority {authority}
    Exit codes: 3 4 5.
    See also: terminal renew, voucher request.
    """
    with run.sandbox() as s:
        terminal = s.offline.terminal(path=out, authority=authority)
    run.answer(_state(terminal))


@command(terminals, "show")
def show(run: Run, terminal: _Terminal) -> None:
    """Show a terminal, what waits in it, and how old its revocation list is; no database is needed.

    Examples:
        terminal show hall.term
    Exit codes: 3 4 6.
    See also: terminal renew.
    """
    from ecny_tax.offline.terminal import Terminal

    run.answer(_state(Terminal.open(terminal)))


@command(terminals, "renew")
def renew(run: Run, terminal: _Terminal, trust: Trust) -> None:
    """Give a terminal the current revocation list; no database is needed.

    Examples:
        trust export --out trusted.txt
        then terminal renew hall.term --trust trusted.txt
    Exit codes: 3 4 5 6.
    See also: trust export.
    """
    from ecny_tax.offline.bundles import TrustBundle
    from ecny_tax.offline.terminal import Terminal

    opened = Terminal.open(terminal)
    opened.renew(TrustBundle.from_text(read_object(trust)))
    run.answer(_state(opened))


@command(trusts, "export")
def export(
    run: Run,
    out: Annotated[Path, typer.Option("--out", metavar="TRUST", help="Write to this file.")],
) -> None:
    """Write the root certificate and the current revocation list, by which anybody can verify.

    Examples:
        trust export --out trusted.txt
    Exit codes: 3 4.
    See also: terminal renew, voucher verify.
    """
    from ecny_tax.clock import rfc3339
    from ecny_tax.offline.chains import Trust as Anchor
    from ecny_tax.offline.objects import moment

    with run.sandbox() as s:
        bundle = s.offline.trust()
    run.write(out, bundle.to_text() + "\n")
    found = Anchor.read(bundle)
    run.answer(
        {
            "root_serial": found.root.serial,
            "public_key": found.root.public_key.hex(),
            "list_number": found.revocations.number,
            "revoked": len(found.revocations.revocations),
            "issued_at": rfc3339(moment(found.revocations.issued_at)),
            "renew_by": rfc3339(moment(found.revocations.renew_by)),
            "file": str(out),
        }
    )


@command(trusts, "revoke")
def revoke(
    run: Run,
    serial: Annotated[
        str, typer.Argument(metavar="SERIAL", help="Of a certificate, or the id of a terminal or load.")
    ],
    reason: Annotated[str, typer.Option("--reason", help="Why: lost, stolen, replaced …")] = "lost",
) -> None:
    """Revoke a certificate, terminal or load from now on; it goes onto the next revocation list.

    Examples:
        trust revoke {terminal} --reason replaced
    Exit codes: 3 4 5.
    See also: trust export, device revoke.
    """
    with run.sandbox() as s:
        s.offline.revoke(serial=serial, reason=reason)
    run.answer({"serial": serial, "reason": reason, "status": "revoked"})


@command(trusts, "roll-over")
def roll_over(
    run: Run,
    operator: Annotated[str, typer.Option("--operator", help="The operator, such as ICBC.")],
) -> None:
    """Give an operator a new key for offline payment; what the old one signed stays good.

    Examples:
        trust roll-over --operator ICBC
    Exit codes: 3 4.
    See also: trust export.
    """
    with run.sandbox() as s:
        serial = s.offline.roll_over(operator=operator)
    run.answer({"operator": operator, "serial": serial})


def _state(terminal: Terminal) -> dict[str, object]:
    from ecny_tax.clock import rfc3339
    from ecny_tax.offline.objects import moment

    found, trust = terminal.chain.terminal, terminal.trust
    return {
        "terminal_id": found.terminal_id,
        "authority": found.authority,
        "valid_until": rfc3339(moment(found.not_after)),
        "queued": len(terminal.queue()),
        "evidence": len(terminal.evidence()),
        "list_number": trust.revocations.number,
        "renew_by": rfc3339(moment(trust.revocations.renew_by)),
        "file": str(terminal.path),
    }
