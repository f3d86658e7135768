"""Putting the command together from its modules, and ending every run with a documented exit code."""

from __future__ import annotations

import atexit
import gc
import io
import os
import sys
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from typing import Annotated

import typer
import typer.main
from typer import BadParameter

from ecny_tax.cli import forget_output
from ecny_tax.cli.command import COMPLETING
from ecny_tax.cli.refusals import (
    EXIT_BUG,
    EXIT_INTERRUPTED,
    EXIT_USAGE,
    report,
    report_unwritable_output,
)
from ecny_tax.errors import EcnyTaxError, InvalidInputError

#: Command → the module of this package that registers it, in the order of the help page.
COMMANDS = {
    "demo": "demo",
    "wallet": "wallets",
    "interest": "interest",
    "agreement": "agreements",
    "tax": "taxes",
    "bill": "bills",
    "pay": "payments",
    "payments": "payments",
    "batch": "batches",
    "receipt": "receipts",
    "refund": "refunds",
    "refunds": "refunds",
    "device": "devices",
    "voucher": "vouchers",
    "evidence": "vouchers",
    "terminal": "terminals",
    "trust": "terminals",
    "treasury": "treasury",
    "season": "season",
    "reconcile": "reconciliation",
    "failure": "reconciliation",
    "ledger": "ledger",
    "trace": "oversight",
    "instrument": "oversight",
    "access": "oversight",
    "serve": "serve",
    "api-key": "serve",
    "parties": "parties",
    "clock": "clock",
    "status": "status",
}
#: Options of typer, for the shell that the command is typed in.
_COMPLETION = {"--install-completion", "--show-completion"}
_SHELL_UNKNOWN = {
    "en": "cannot tell which shell this is; see docs/completion.md",
    "zh": "无法判断当前使用的 shell；参见 docs/completion.md",
}
#: The parser's own refusals; typer publishes the subclass only.
_USAGE_ERROR: type[Exception] = BadParameter.__mro__[1]


def run_command_line(arguments: Sequence[str]) -> int:
    """Run one command; return its exit code, as listed in ``refusals``."""
    # At exit the system takes back what the imports have made; the collector need not look through it first,
    # which would be a seventh of the processor time of a simple command.
    atexit.register(gc.freeze)
    as_json = "--json" in arguments
    language = _language(arguments)
    for stream in (sys.stdout, sys.stderr):  # names are Chinese, whatever the terminal says it speaks
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    if COMPLETING in os.environ:
        return _complete()
    try:
        tree = _tree(*_modules(arguments))
        code = tree(list(arguments), prog_name="ecny-tax", standalone_mode=False, obj={"language": language})
        sys.stdout.flush()
        if code == EXIT_BUG and _COMPLETION & set(arguments):  # typer knows no script for this shell
            raise InvalidInputError("usage", said=_SHELL_UNKNOWN["zh" if language == "zh" else "en"])
        return code if isinstance(code, int) else 0
    except EcnyTaxError as error:
        return report(error, as_json=as_json, language=language)
    except _USAGE_ERROR as error:
        if type(error).__name__ == "NoArgsIsHelpError" and not as_json:  # its message is the help page
            print(error, file=sys.stderr)
            return EXIT_USAGE
        from ecny_tax.cli import usage

        refusal = InvalidInputError("usage", said=usage.words(error, language))
        return report(refusal, as_json=as_json, language=language)
    except (KeyboardInterrupt, typer.Abort):
        return EXIT_INTERRUPTED
    except (BrokenPipeError, SystemExit):  # typer leaves by the latter when a pipe breaks
        return forget_output()
    except OSError as error:
        return report_unwritable_output(error, as_json=as_json, language=language)
    except Exception as error:
        if os.environ.get("ECNY_TAX_DEBUG"):
            raise
        print(f"a bug in ecny-tax: {type(error).__name__}: {error}", file=sys.stderr)
        print("set ECNY_TAX_DEBUG=1 to see where, and please report it", file=sys.stderr)
        return EXIT_BUG


def _modules(arguments: Sequence[str]) -> tuple[str, ...]:
    """The module of the command asked for; none for the help page, which needs them all."""
    asked = next((argument for argument in arguments if not argument.startswith("-")), "")
    return (COMMANDS[asked],) if asked in COMMANDS else ()


@cache
def _tree(*modules: str) -> Callable[..., object]:
    """The parser of these modules' commands; making it costs a program that runs many of them the most."""
    return typer.main.get_command(build(*modules))


def build(*modules: str) -> typer.Typer:
    """The commands of these modules, or of all."""
    app = typer.Typer(
        name="ecny-tax",
        help="Pay Chinese taxes and receive tax refunds in digital RMB (e-CNY), in a sandbox. "
        "数字人民币缴税与退税沙箱。",
        epilog="Begin with `ecny-tax demo`. The page of every command (COMMAND --help) has examples. "
        "先运行 demo；每条命令的 --help 都有示例。",
        no_args_is_help=True,
        add_completion=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )

    @app.callback()
    def root(
        version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
    ) -> None:
        """Take part in help; ``main`` answers --version itself, and a callback keeps sub-commands."""

    for name in modules or dict.fromkeys(COMMANDS.values()):
        import_module(f"ecny_tax.cli.{name}").register(app)
    return app


def _complete() -> int:
    """Answer a shell that completes a line; whatever goes wrong, the reader's line stays as it is."""
    from ecny_tax.cli.completion import words_before

    try:
        _tree(*_modules(words_before()))([], prog_name="ecny-tax", standalone_mode=False)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except Exception:
        if os.environ.get("ECNY_TAX_DEBUG"):
            raise
    return EXIT_BUG


def _language(arguments: Sequence[str]) -> str:
    language = os.environ.get("ECNY_TAX_LANG", "en")
    for place, argument in enumerate(arguments):
        if argument == "--lang" and place + 1 < len(arguments):
            language = arguments[place + 1]
        elif argument.startswith("--lang="):
            language = argument.removeprefix("--lang=")
    return language
