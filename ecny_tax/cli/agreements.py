"""``ecny-tax agreement``: sign, look at, end, export and verify three-party agreements."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecny_tax.cli.command import Authority, Out, Run, command

_Agreement = Annotated[str, typer.Argument(metavar="AGREEMENT", help="The agreement number.")]

app = typer.Typer(help="Three-party agreements (三方协议).", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    """Add ``agreement`` and its sub-commands."""
    root.add_typer(app, name="agreement")


@command(app, "sign")
def sign(
    run: Run,
    wallet: Annotated[str, typer.Option("--wallet", help="The wallet to debit.")],
    authority: Authority = None,
    taxpayer_name: Annotated[
        str | None, typer.Option("--taxpayer-name", help="Default: the holder's.")
    ] = None,
    taxpayer_id: Annotated[str | None, typer.Option("--taxpayer-id", help="Default: the holder's.")] = None,
    batch_debit: Annotated[
        bool, typer.Option("--batch-debit", help="Allow batch debits too (批扣).")
    ] = False,
) -> None:
    """Sign with all three keys, then have the operator verify.

    Examples:
        agreement sign --wallet {person} --authority {authority}  # status verified
    Exit codes: 3 4 5.
    See also: agreement show, wallet open, pay.
    """
    with run.sandbox() as s:
        agreement = s.agreements.sign(
            wallet_id=wallet,
            authority=authority,
            taxpayer_name=taxpayer_name,
            taxpayer_id=taxpayer_id,
            batch_debit=batch_debit,
        )
    run.answer(agreement)


@command(app, "show")
def show(run: Run, agreement: _Agreement) -> None:
    """Show an agreement.

    Examples:
        agreement show {agreement}  # status verified
    Exit codes: 4.
    See also: agreement list.
    """
    with run.sandbox() as s:
        found = s.agreements.show(agreement_no=agreement)
    run.answer(found)


@command(app, "list")
def list_(run: Run) -> None:
    """List every agreement.

    Examples:
        agreement list
    See also: agreement show.
    """
    with run.sandbox() as s:
        found = s.agreements.list()
    run.answer_list(
        "agreements", found, ("agreement_no", "wallet_id", "operator", "authority", "status", "signed_at")
    )


@command(app, "terminate")
def terminate(run: Run, agreement: _Agreement) -> None:
    """End an agreement for good.

    Examples:
        agreement terminate {agreement}  # status terminated
    Exit codes: 3 4 5.
    See also: agreement sign, agreement lock.
    """
    with run.sandbox() as s:
        found = s.agreements.terminate(agreement_no=agreement)
    run.answer(found)


@command(app, "lock")
def lock(run: Run, agreement: _Agreement) -> None:
    """Lock a verified agreement; debits are refused until it is unlocked.

    Examples:
        agreement lock {agreement}  # status locked
    Exit codes: 3 4 5.
    See also: agreement unlock, agreement terminate.
    """
    with run.sandbox() as s:
        found = s.agreements.lock(agreement_no=agreement)
    run.answer(found)


@command(app, "unlock")
def unlock(run: Run, agreement: _Agreement) -> None:
    """Make a locked agreement usable again.

    Examples:
        agreement lock {agreement}
        then agreement unlock {agreement}  # status verified
    Exit codes: 3 4 5.
    See also: agreement lock.
    """
    with run.sandbox() as s:
        found = s.agreements.unlock(agreement_no=agreement)
    run.answer(found)


@command(app, "export")
def export(run: Run, agreement: _Agreement, out: Out = None) -> None:
    """Write the agreement with its signatures, to be verified anywhere.

    Examples:
        agreement export {agreement}
        agreement export {agreement} --out agreement.json
    Exit codes: 3 4 6.
    See also: agreement verify.
    """
    with run.sandbox() as s:
        text = s.agreements.export(agreement_no=agreement)
        found = s.agreements.show(agreement_no=agreement)
    if out is None:
        run.answer_text(text, _parsed(text))
    else:
        run.write(out, text + "\n")
        run.answer({"agreement_no": found.agreement_no, "status": found.status, "file": str(out)})


@command(app, "verify")
def verify(
    run: Run,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `agreement export` wrote.")],
    keys: Annotated[
        Path | None,
        typer.Option("--keys", help="Published keys (`parties keys`); default: this database's."),
    ] = None,
) -> int:
    """Verify an exported agreement; with --keys no database is needed.

    Examples:
        agreement export {agreement} --out agreement.json
        then agreement verify agreement.json  # valid yes
        parties keys --out published.json
        then agreement export {agreement} --out agreement.json
        then agreement verify agreement.json --keys published.json  # valid yes
    Exit codes: 3 4 6.
    See also: agreement export, parties keys.
    """
    from ecny_tax.agreements.service import check_export
    from ecny_tax.cli import files
    from ecny_tax.errors import VerificationError

    text = files.read_text(file)
    published = files.read_keys(keys) if keys is not None else run.published_keys()
    check = check_export(text, published)
    run.answer(check)
    return run.verdict(None if check.valid else VerificationError("agreement_invalid", reason=check.reason))


def _parsed(text: str) -> dict[str, object]:
    import json

    parsed: dict[str, object] = json.loads(text)
    return parsed
