"""``ecny-tax parties``: the institutions of the scheme and the keys they publish."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from ecny_tax.cli.command import Out, Run, command

app = typer.Typer(help="Central bank, operators, authorities, treasuries, courts …", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    """Add ``parties`` and its sub-commands."""
    root.add_typer(app, name="parties")


@command(app, "list")
def list_(run: Run) -> None:
    """List every institution.

    Examples:
        parties list
    See also: parties add.
    """
    with run.sandbox() as s:
        found = s.parties.list()
    name = "name_zh" if run.language == "zh" else "name_en"
    run.answer_list("parties", found, ("kind", "code", name, "treasury"))


@command(app, "add")
def add(
    run: Run,
    kind: Annotated[
        str,
        typer.Option(
            "--kind",
            metavar="KIND",
            help="tax-authority, treasury, court, public-security, anti-fraud-centre.",
        ),
    ],
    code: Annotated[
        str,
        typer.Option(
            "--code", help="Eleven digits; a treasury has ten; of others capital letters and digits."
        ),
    ],
    name: Annotated[str, typer.Option("--name")],
    name_en: Annotated[str, typer.Option("--name-en")] = "",
    treasury: Annotated[
        str | None, typer.Option("--treasury", help="Where the authority's taxes go (default: Heshan's).")
    ] = None,
) -> None:
    """Add a tax authority, a treasury, or somebody who enforces the law.

    Examples:
        parties add --kind treasury --code 1234567890 --name 某支库
        parties add --kind tax-authority --code 14407850000 --name 某税务局
    Exit codes: 3 4 5.
    See also: parties list.
    """
    with run.sandbox() as s:
        if kind == "tax-authority":
            party = s.parties.add_tax_authority(code=code, name=name, name_en=name_en, treasury=treasury)
        elif kind == "treasury":
            party = s.treasury.add(code=code, name=name, name_en=name_en)
        else:
            kind = kind.replace("-", "_")
            party = s.parties.add_enforcer(kind=kind, code=code, name=name, name_en=name_en)
    run.answer(party)


@command(app, "keys")
def keys(run: Run, out: Out = None) -> None:
    """Write every published key, for `--keys` of agreements, receipts and proofs.

    Examples:
        parties keys
        parties keys --out published.json
    See also: agreement verify, receipt verify.
    """
    with run.sandbox() as s:
        found = {"keys": s.published_keys()}
    text = json.dumps(found, indent=2)
    if out is not None:
        run.write(out, text + "\n")
        run.answer({"keys": len(found["keys"]), "file": str(out)})
    else:
        run.answer_text(text, found)
