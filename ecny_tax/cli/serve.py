"""``ecny-tax serve`` and ``ecny-tax api-key``: the HTTP sandbox, and who may ask it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ecny_tax.cli.command import Run, command

if TYPE_CHECKING:
    import socket

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
            sys.stdout.flush()
            return
        print(address, flush=True)
        _welcome(run, listener, address, has_keys=has_keys)

    try:
        listener = listen(host, port)
    except (OSError, UnicodeError, OverflowError):  # no such host, not ours, taken
        raise UnavailableError("port_unavailable", host=host, port=port) from None
    with listener, run.sandbox() as s:
        has_keys = bool(list_keys(s))
        make_server(s, listener, started=started).run()


def _welcome(run: Run, listener: socket.socket, address: str, *, has_keys: bool) -> None:
    """What a person does with the address; whoever has a program finds it alone on standard output."""
    from ecny_tax.web.server import address_for_others

    zh, others = run.language == "zh", address_for_others(listener)
    here = address if others is None else f"http://localhost:{listener.getsockname()[1]}"
    run.note(
        f"教学台：{here}/（按 Ctrl-C 结束）" if zh else f"the teaching console: {here}/ (Ctrl-C ends it)"
    )
    if others is not None:
        run.note(f"同一网络上的其他设备：{others}/" if zh else f"other machines of this network: {others}/")
    if not has_keys:
        key = "ecny-tax api-key create --party admin"
        run.note(f"程序需要密钥：{key}" if zh else f"programs need a key: {key}")


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
