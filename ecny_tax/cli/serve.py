"""``ecny-tax serve`` and ``ecny-tax api-key``: the HTTP sandbox, and who may ask it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ecny_tax.cli.command import Run, command

app = typer.Typer(help="API keys of the HTTP sandbox (API 密钥).", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    """Add ``serve`` and ``api-key``."""
    command(root, "serve")(serve)
    root.add_typer(app, name="api-key")


def serve(
    run: Run,
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            "--port", min=0, max=65535, envvar="ECNY_TAX_PORT", help="The port; 0: any that is free."
        ),
    ] = 8000,
) -> None:
    """Serve the sandbox over HTTP until Ctrl-C (extra [web]).

    The teaching console is at /, the document at /openapi.json, its page at /docs.  What is asked under /v1
    needs an API key.

    Examples:
        serve --port 8080
    See also: api-key create.
    """
    from ecny_tax.errors import UnavailableError

    try:
        from ecny_tax.web.server import listen, make_server
    except ImportError:
        raise UnavailableError("web_missing") from None
    from ecny_tax.web.keys import list_keys

    def started(address: str) -> None:
        if run.as_json:
            run.answer({"address": address})
        else:
            print(address, flush=True)
        sys.stdout.flush()

    try:
        listener = listen(host, port)
    except (OSError, UnicodeError, OverflowError):  # no such host, not ours, taken
        raise UnavailableError("port_unavailable", host=host, port=port) from None
    with listener, run.sandbox() as s:
        if not list_keys(s):
            run.note("no API key yet: ecny-tax api-key create --party admin")
        make_server(s, listener, started=started).run()


@command(app, "create")
def create(
    run: Run,
    party: Annotated[
        str,
        typer.Option(
            "--party",
            metavar="PARTY",
            help="admin, auditor, operator:CODE, tax-authority:CODE, treasury:CODE or taxpayer:ID.",
        ),
    ],
) -> None:
    """Make a key for a party; it is shown this once.

    Examples:
        api-key create --party admin  # party admin
    Exit codes: 3 4.
    See also: api-key list, serve.
    """
    from ecny_tax.web.keys import create_key

    with run.sandbox() as s:
        made = create_key(s, party=party)
    run.answer(made)


@command(app, "list")
def list_(run: Run) -> None:
    """List the keys, without what opens.

    Examples:
        api-key create --party admin
        then api-key list
    See also: api-key revoke.
    """
    from ecny_tax.web.keys import list_keys

    with run.sandbox() as s:
        found = list_keys(s)
    run.answer_list("api_keys", found, ("key_id", "party", "created_at", "revoked_at"))


@command(app, "revoke")
def revoke(
    run: Run, key: Annotated[str, typer.Argument(metavar="KEY_ID", help="See `api-key list`.")]
) -> None:
    """Let a key open nothing any more.

    Examples:
        api-key create --party admin
        then api-key revoke {key}
    Exit codes: 3 4.
    See also: api-key list.
    """
    from ecny_tax.web.keys import revoke_key

    with run.sandbox() as s:
        found = revoke_key(s, key_id=key)
    run.answer(found)
