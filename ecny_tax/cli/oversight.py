"""``ecny-tax instrument``, ``trace`` and ``access``: legal instruments, what they order, the log of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ecny_tax.cli.command import Out, Run, command

instrument_app = typer.Typer(help="Legal instruments (法律文书).", no_args_is_help=True)
access_app = typer.Typer(help="The access log (查阅日志).", no_args_is_help=True)

_Wallet = Annotated[str, typer.Argument(metavar="WALLET", help="The wallet's 16 digits.")]
#: The legal instrument that orders what is asked; without one it is refused, and logged.
Order = Annotated[
    Path | None, typer.Option("--instrument", metavar="FILE", help="The legal instrument that orders it.")
]
_KINDS = "trace|identity|freeze|unfreeze"


def register(root: typer.Typer) -> None:
    """Add ``instrument``, ``trace`` and ``access``."""
    if "trace" not in {one.name for one in root.registered_commands}:
        command(root, "trace")(trace)
    root.add_typer(instrument_app, name="instrument")
    root.add_typer(access_app, name="access")


def read_order(path: Path | None) -> bytes | None:
    """The instrument in a file; none where none is given.

    That, and a file which is too long, or there and not readable, is for the rules to refuse, so that it is
    logged; with a file that is not there, nothing was asked yet (``input_file_unreadable``).
    """
    import os

    from ecny_tax.cli.files import read_bytes
    from ecny_tax.crypto.signatures import MAX_DOCUMENT_BYTES
    from ecny_tax.errors import InvalidInputError

    if path is None:
        return None
    try:
        return read_bytes(path, beyond=MAX_DOCUMENT_BYTES)
    except InvalidInputError:
        if os.path.exists(path):
            return b""
        raise


@command(instrument_app, "issue")
def issue(
    run: Run,
    issuer: Annotated[
        str, typer.Option("--issuer", metavar="PARTY", help="court:CODE, public-security:CODE")
    ],
    case: Annotated[str, typer.Option("--case", help="Case number; it is logged, so without any name.")],
    kind: Annotated[str, typer.Option("--kind", metavar=_KINDS)],
    wallets: Annotated[list[str], typer.Option("--wallet", metavar="WALLET", help="Once for each wallet.")],
    expires: Annotated[str, typer.Option("--expires", metavar="TIME", help="A date means its end.")],
    out: Annotated[Path, typer.Option("--out", help="Write the signed instrument to this file.")],
    from_: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="Of a trace: first day.")
    ] = None,
    to: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Of a trace: last day.")] = None,
    depth: Annotated[
        int | None, typer.Option("--depth", help="Of a trace: transfers one after the other, 1 to 10.")
    ] = None,
    opens: Annotated[
        str | None,
        typer.Option(
            "--opens", metavar="phone|identity", help="What of the holders; a class IV one: the phone."
        ),
    ] = None,
    follows: Annotated[
        str | None,
        typer.Option(
            "--follows",
            metavar="NUMBER",
            help="Of an identity: the instrument that opened the phone; of an unfreeze: the freeze it lifts.",
        ),
    ] = None,
    issued: Annotated[
        str | None, typer.Option("--issued", metavar="TIME", help="Valid from then on (default: now).")
    ] = None,
) -> None:
    """Sign a legal instrument as its issuer.

    Examples:
        instrument issue --issuer court:CT440784 --case C1 --kind trace --wallet {company} --from 2023-01-01
            --to 2023-12-31 --depth 2 --expires 2023-12-31 --out order.law
        instrument issue --issuer public-security:PS440784 --case C1 --kind identity --wallet {person}
            --opens phone --expires 2023-05-02 --out order.law
    Exit codes: 3 4 5.
    See also: instrument show, trace, wallet freeze.
    """
    from ecny_tax.cli.files import check_output
    from ecny_tax.clock import parse_end, parse_start

    check_output(out, run.database)
    with run.sandbox() as s:
        signed = s.oversight.issue_instrument(
            issuer=issuer,
            case_no=case,
            kind=kind,
            wallets=wallets,
            expires_at=parse_end(expires),
            window_from=None if from_ is None else parse_start(from_),
            window_to=None if to is None else parse_end(to),
            depth=depth,
            opens=opens,
            follows=follows,
            issued_at=None if issued is None else parse_start(issued),
        )
        found = s.oversight.read_instrument(instrument=signed)
        run.write(out, signed)
    run.answer(found.instrument, file=str(out))


@command(instrument_app, "show")
def show(run: Run, file: Annotated[Path, typer.Argument(metavar="FILE")]) -> int:
    """Show what an instrument orders, and whether its signature verifies.

    Examples:
        instrument show trace.law  # valid yes
    Exit codes: 3 4 6.
    See also: instrument issue.
    """
    from ecny_tax.cli.files import read_bytes
    from ecny_tax.documents import document
    from ecny_tax.errors import VerificationError

    with run.sandbox() as s:
        found = s.oversight.read_instrument(instrument=read_bytes(file))
    said = document(found.instrument)
    run.answer({**said, "valid": found.valid, "reason": found.reason})
    refusal = None
    if not found.valid:
        refusal = VerificationError("instrument_invalid", path=file, reason=found.reason)
    return run.verdict(refusal)


def trace(
    run: Run,
    wallet: _Wallet,
    instrument: Order = None,
    direction: Annotated[
        str, typer.Option("--direction", metavar="down|up|both", help="Where it went, came from, or both.")
    ] = "both",
    out: Out = None,
) -> None:
    """Follow the money of a wallet, as a legal instrument orders (溯源).

    --out writes the graph as .svg or the trace as .json.

    Examples:
        trace {company} --instrument trace.law
        trace {company} --instrument trace.law --direction down --out flow.svg
    Exit codes: 3 4 6.
    See also: instrument issue, access list.
    """
    from ecny_tax.cli.files import check_output
    from ecny_tax.documents import document
    from ecny_tax.errors import InvalidInputError
    from ecny_tax.oversight.drawing import as_svg

    if out is not None:
        if out.suffix.lower() not in (".svg", ".json"):
            raise InvalidInputError("trace_format_unknown", value=out.name)
        check_output(out, run.database, *([] if instrument is None else [instrument]))
    order = read_order(instrument)
    with run.sandbox() as s:
        found = s.oversight.trace(wallet_id=wallet, instrument=order, direction=direction)
        if out is not None and out.suffix.lower() == ".svg":
            run.write(out, as_svg(found, run.language))
        elif out is not None:
            run.write(out, json.dumps(document(found), ensure_ascii=False, indent=2) + "\n")
    run.answer(found, **({} if out is None else {"file": str(out)}))


@command(access_app, "list")
def list_(
    run: Run,
    wallet: Annotated[
        str | None, typer.Option("--wallet", metavar="WALLET", help="Only of this one.")
    ] = None,
) -> None:
    """List who asked under law for what, and what came of it.

    Examples:
        access list
        access list --wallet {company}
    Exit codes: 4.
    See also: trace, wallet identify.
    """
    with run.sandbox() as s:
        found = s.oversight.accesses(wallet_id=wallet)
    run.answer_list("accesses", found)
