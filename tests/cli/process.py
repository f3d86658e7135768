"""The command line as its users meet it: arguments, an environment, two streams, an exit code."""

from __future__ import annotations

import atexit
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.cli.warm import POSSIBLE, Server

#: The time of every command, unless a test says otherwise.
TODAY = "2023-04-20"
#: What RFC 9457 and the contract ask of a refusal.
PROBLEM_MEMBERS = {"type", "title", "detail", "code", "hint", "exit_code"}
#: The exit codes a user may meet; 1 would be a bug.
DOCUMENTED = {0, 2, 3, 4, 5, 6, 7}

#: From these others guess whether to colour, and how wide a line is.
GUESSED_FROM = ("FORCE_COLOR", "PY_COLORS", "GITHUB_ACTIONS", "TERMINAL_WIDTH", "LINES", "COLUMNS")


def clean_environment() -> dict[str, str]:
    """The environment of the tests without what ecny-tax reads, and without colours."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ECNY_TAX_", "_ECNY_TAX_")) and name not in GUESSED_FROM
    }
    return {**kept, "NO_COLOR": "1", "COLUMNS": "80"}


@cache
def warm_server() -> Server:
    """The server that the commands of these tests come from."""
    found = Server(clean_environment())
    atexit.register(found.stop)
    return found


@dataclass(frozen=True)
class Answer:
    """What one run left behind."""

    arguments: tuple[str, ...]
    exit_code: int
    stdout: str
    stderr: str

    def __post_init__(self) -> None:
        """No command ends otherwise than its help page says."""
        from tests.cli.tree import exit_codes_of

        if self.exit_code in DOCUMENTED:
            assert self.exit_code in exit_codes_of(self.arguments), self

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON object on stdout of a run that went well."""
        assert self.exit_code == 0, self
        assert self.stderr == "", self
        return one_object(self.stdout)

    @property
    def problem(self) -> dict[str, Any]:
        """The one JSON object on stderr of a refusal that said nothing on stdout."""
        assert self.exit_code != 0, self
        assert self.stdout == "", self
        return self.complaint

    @property
    def complaint(self) -> dict[str, Any]:
        """The one JSON object on stderr, whatever stands on stdout."""
        found = one_object(self.stderr)
        assert found.keys() >= PROBLEM_MEMBERS, found
        assert found["exit_code"] == self.exit_code, self
        assert found["type"].rpartition(":")[2] == found["code"]
        assert all(found[name] for name in ("title", "detail", "hint")), found
        return found


class Cli:
    """Runs the command in a folder, in an environment that says nothing about ecny-tax.

    Each command is a process of its own, forked from one that has imported the package already (``warm.py``).
    """

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self._environment = environment

    def environment(self, **more: str) -> dict[str, str]:
        return {**clean_environment(), **self._environment, **more}

    def command(self, *arguments: str | Path) -> list[str]:
        return [sys.executable, "-m", "ecny_tax", *map(str, arguments)]

    def server(self) -> Server:
        """Where its commands come from."""
        return warm_server()

    def start(self, *arguments: str | Path, **environment: str) -> subprocess.Popen[str]:
        """Start a command and leave it running."""
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment(**environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def run(self, *arguments: str | Path, **environment: str) -> Answer:
        """Run a command exactly as given."""
        if not POSSIBLE:
            return self._run_started(*arguments, **environment)
        with (
            open(os.devnull, "rb") as nothing,
            tempfile.TemporaryFile("w+", encoding="utf-8") as stdout,
            tempfile.TemporaryFile("w+", encoding="utf-8") as stderr,
        ):
            streams = nothing.fileno(), stdout.fileno(), stderr.fileno()
            words = tuple(map(str, arguments))
            code = self.server().run(words, self.folder, self.environment(**environment), streams)
            stdout.seek(0)
            stderr.seek(0)
            return Answer(words, code, stdout.read(), stderr.read())

    def _run_started(self, *arguments: str | Path, **environment: str) -> Answer:
        with self.start(*arguments, **environment) as process:
            stdout, stderr = process.communicate(timeout=120)
        return Answer(tuple(map(str, arguments)), process.returncode, stdout, stderr)

    def asked(self, *arguments: str | Path, now: str = TODAY, **environment: str) -> Answer:
        """Run a command with ``--json`` at the usual time."""
        return self.run(*arguments, "--json", "--now", now, **environment)

    def __call__(self, *arguments: str | Path, **how: str) -> dict[str, Any]:
        """Run a command that must go well; its document."""
        return self.asked(*arguments, **how).document

    def refused(self, exit_code: int, code: str, *arguments: str | Path, **how: str) -> dict[str, Any]:
        """Run a command that must be refused so; the problem it reports."""
        answer = self.asked(*arguments, **how)
        assert answer.exit_code == exit_code, answer
        assert answer.problem["code"] == code, answer
        return answer.problem

    def text(self, *arguments: str | Path, now: str = TODAY, **environment: str) -> str:
        """Run a command that must go well; what it shows to a human."""
        answer = self.run(*arguments, "--now", now, **environment)
        assert answer.exit_code == 0, answer
        assert answer.stderr == "", answer
        return answer.stdout


class StartedCli(Cli):
    """Starts Python anew for every command, as users do: where the start is the matter."""

    run = Cli._run_started


def one_object(text: str) -> dict[str, Any]:
    """Exactly one JSON object; a number that is no JSON (NaN), or a repeated key, is not one."""

    def no_constant(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        assert len(found) == len(pairs), pairs
        return found

    found = json.loads(text, parse_constant=no_constant, object_pairs_hook=once)
    assert isinstance(found, dict), found
    return found


def contents(database: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table of a database file."""
    connection = sqlite3.connect(database)
    try:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return {
            table: connection.execute(f"SELECT * FROM {table} ORDER BY rowid").fetchall()
            if "WITHOUT ROWID" not in _declaration(connection, table)
            else sorted(connection.execute(f"SELECT * FROM {table}").fetchall(), key=repr)
            for table in tables
        }
    finally:
        connection.close()


def _declaration(connection: sqlite3.Connection, table: str) -> str:
    row = connection.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    return str(row[0]).upper()


def wrong_check_digit(number: str) -> str:
    """The same number with another last character, so that its check digit is wrong."""
    return number[:-1] + ("1" if number[-1] != "1" else "2")


def eventually(happened: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something has happened."""
    import time

    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
