"""The tree of commands and their help pages, and which exit codes a page promises."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from typer.main import get_command

from ecny_tax.cli.app import build
from ecny_tax.cli.pages import Page, page_of


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, with the words that lead to it."""
    if hasattr(command, "commands"):
        for name, child in command.commands.items():
            yield from leaves(child, (*path, name))
    else:
        yield path, command


TREE = dict(leaves(get_command(build())))
PAGES: dict[tuple[str, ...], Page] = {path: page_of(command.help) for path, command in TREE.items()}


def command_of(words: Sequence[str]) -> tuple[str, ...] | None:
    """Which command a command line runs; None of none."""
    if tuple(words[:1]) == ("reconcile",) and tuple(words[1:2]) not in {("day",), ("export",)}:
        words = ("reconcile", "day", *words[1:])
    return next((path for path in TREE if tuple(words[: len(path)]) == path), None)


def exit_codes_of(words: Sequence[str]) -> set[int]:
    """The exit codes in which a command line may end, as the help page says."""
    path = command_of(words)
    return {0, 2} if path is None else set(PAGES[path].exit_codes)
