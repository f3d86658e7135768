"""What every command shares: the four common options, and the run they describe."""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperCommand

from ecny_tax.cli import output
from ecny_tax.cli.refusals import EXIT_VERIFICATION, report
from ecny_tax.documents import document, plain
from ecny_tax.errors import EcnyTaxError, InvalidInputError, Language

if TYPE_CHECKING:
    from typer._click import Context, HelpFormatter

    from ecny_tax.rulebook import Rulebook, Rules
    from ecny_tax.sandbox import Sandbox

_Command = Callable[..., int | None]
DEFAULT_DATABASE = "ecny-tax.db"
#: The variable by which a shell asks for completions; see ``completion``.
COMPLETING = "_ECNY_TAX_COMPLETE"

#: An idempotency key, as every command that moves money takes it.
Key = Annotated[
    str | None,
    typer.Option("--idempotency-key", help="Repeat with the same key: done once, answered alike."),
]
Authority = Annotated[
    str | None,
    typer.Option("--authority", help="Tax authority, eleven digits (default: Heshan, 14407840000)."),
]
Correction = Annotated[
    bool, typer.Option("--correction", help="A corrected return: only the difference counts.")
]
Out = Annotated[Path | None, typer.Option("--out", help="Write to this file.")]


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the command: where the database is, what time it is, how to answer."""

    database: str
    as_json: bool
    now: str | None
    language: Language
    notes: list[str]

    @contextmanager
    def sandbox(self, *, seed: str | None = None) -> Iterator[Sandbox]:
        """The sandbox on the database of this run; with a ``seed`` its ids and keys follow from that."""
        from ecny_tax.clock import FixedClock, parse_time
        from ecny_tax.sandbox import Sandbox

        clock = FixedClock(parse_time(self.now)) if self.now is not None else None
        keyring = os.environ.get("ECNY_TAX_KEYRING") or None
        rules = self._rules()
        with Sandbox.open(self.database, clock=clock, seed=seed, keyring=keyring, rulebook=rules) as sandbox:
            yield sandbox

    def published_keys(self) -> dict[str, str]:
        """The keys that this run's database publishes; it is not made for the question (``keys_needed``)."""
        from ecny_tax.errors import NotFoundError
        from ecny_tax.store import exists

        if not exists(self.database):
            raise NotFoundError("keys_needed", path=self.database)
        with self.sandbox() as s:
            return s.published_keys()

    def rulebook(self) -> Rulebook:
        """The rules of this run, for a question that needs no database."""
        from ecny_tax.rulebook import PACKAGE, rulebook_with

        path = self._rules()
        return PACKAGE if path is None else rulebook_with(path)

    def rules(self, on: str | None) -> Rules:
        """The rules in force on the day asked for, or today."""
        from ecny_tax.clock import parse_date

        return self.rulebook().on(parse_date(on) if on is not None else self.today())

    def _rules(self) -> str | None:
        return os.environ.get("ECNY_TAX_RULEBOOK") or None

    def today(self) -> date:
        """The day in force, without making a database for the question."""
        from ecny_tax.clock import SystemClock, parse_time
        from ecny_tax.store import fixed_time_of

        if self.now is not None:
            return parse_time(self.now).date()
        return (fixed_time_of(self.database) or SystemClock().now()).date()

    def answer(self, result: object, **more: object) -> None:
        """Print a record, as JSON or as a table of two columns."""
        output.record(document(result) | plain(more), self.as_json, self.language)

    def answer_list(self, name: str, records: Sequence[object], columns: Sequence[str] = ()) -> None:
        """Print records under a plural key, or as a table with the given columns."""
        found = [document(item) for item in records]
        output.records(name, found, columns, self.as_json, self.language)

    def assumption(self, basis: str | None) -> dict[str, object]:
        """What is said beside a figure that was computed from an annual return that stands for a record."""
        from ecny_tax.taxes.income_tax import ASSUMPTION, ASSUMPTION_ZH

        if basis != "stated":
            return {}
        return {"assumption": ASSUMPTION_ZH if self.language == "zh" else ASSUMPTION}

    def answer_text(self, text: str, document: Mapping[str, object]) -> None:
        """Print prepared text, or with ``--json`` the document that says the same."""
        if self.as_json:
            output.print_json(document)
        else:
            output.print_text(text)

    def verdict(self, error: EcnyTaxError | None) -> int:
        """The exit code of a command that has printed its verdict; a no is said on stderr."""
        if error is None:
            return 0
        sys.stdout.flush()  # where both go to one file, the reason stands below what was found
        report(error, as_json=self.as_json, language=self.language)
        return EXIT_VERIFICATION

    def note(self, text: str) -> None:
        """Say something beside the answer, on stderr.

        With ``--json`` it is said when the command went well: a refusal is the one object on stderr.
        """
        if self.as_json:
            self.notes.append(text)
        else:
            print(text, file=sys.stderr)

    def write(self, path: Path, content: bytes | Iterable[str]) -> None:
        """Write a file; raises ``UnavailableError`` (``output_unwritable``)."""
        from ecny_tax.cli.files import write

        write(path, [content] if isinstance(content, str) else content, self.database)


def check_options(code: str, needed: Mapping[str, object], needless: Mapping[str, object]) -> None:
    """Refuse a set of options that does not fit together, naming the first that is missing or too many."""
    for option, value in needed.items():
        if value is None:
            raise InvalidInputError(code, what=f"{option} ?")
    for option, value in needless.items():
        if value is not None:
            raise InvalidInputError(code, what=f"{option} ✗")


class _Documented(TyperCommand):
    """A command whose help page is read off its docstring (see ``pages``), when somebody asks for it."""

    def format_usage(self, ctx: Context, formatter: HelpFormatter) -> None:
        from ecny_tax.cli import pages

        pages.write_usage(self, ctx, formatter)

    def format_help_text(self, ctx: Context, formatter: HelpFormatter) -> None:  # noqa: ARG002
        from ecny_tax.cli import pages

        pages.write_about(self, formatter)

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        from ecny_tax.cli import pages

        pages.write_options(self, ctx, formatter)

    def format_epilog(self, ctx: Context, formatter: HelpFormatter) -> None:
        from ecny_tax.cli import pages

        pages.write_rest(self, ctx, formatter)


def command(app: typer.Typer, name: str) -> Callable[[_Command], _Command]:
    """Register a function ``f(run, …)`` as a command that also takes the common options.

    ``--db``, ``--json``, ``--now`` and ``--lang`` come after the command's own arguments. Its docstring
    becomes its help page, examples and all (see ``pages``).
    """

    def register(function: _Command) -> _Command:
        signature = inspect.signature(function, eval_str=True)
        own = tuple(signature.parameters.values())[1:]
        common = _common_parameters()

        @functools.wraps(function)
        def wrapper(**values: object) -> int | None:
            options = {parameter.name: values.pop(parameter.name) for parameter in common}
            run = _run(**options)  # type: ignore[arg-type]
            code = function(run, **values)
            for note in run.notes:
                print(note, file=sys.stderr)
            return code

        if COMPLETING in os.environ:
            from ecny_tax.cli.completion import teach

            teach(own + common)
        parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own + common]
        wrapper.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        wrapper.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        del wrapper.__wrapped__
        app.command(name, cls=_Documented)(wrapper)
        return function

    return register


@functools.cache
def _common_parameters() -> tuple[inspect.Parameter, ...]:
    return tuple(inspect.signature(_common, eval_str=True).parameters.values())


def _common(
    db: Annotated[
        str, typer.Option("--db", metavar="PATH_OR_URL", envvar="ECNY_TAX_DB", help="The database.")
    ] = DEFAULT_DATABASE,
    as_json: Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")] = False,
    now: Annotated[
        str | None, typer.Option("--now", metavar="ISO8601", help="The time of this command.")
    ] = None,
    lang: Annotated[
        str, typer.Option("--lang", metavar="en|zh", envvar="ECNY_TAX_LANG", help="Language.")
    ] = "en",
) -> None:
    """The options of every command."""


def _run(db: str, as_json: bool, now: str | None, lang: str) -> Run:
    if lang not in ("en", "zh"):
        raise InvalidInputError("language_unknown", value=lang)
    return Run(db, as_json, now, "zh" if lang == "zh" else "en", [])
