"""A rulebook: the rule files of the package, and those that a user adds or puts in their place."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cached_property
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # each subject is imported when it is asked for: a command needs one or two of them
    from ecny_tax.rulebook import calendar, income_tax, offline, scheme, stamp_duty, taxes, wallets
    from ecny_tax.rulebook.figures import Row
    from ecny_tax.rulebook.rules import Rules

#: The rule files, by their names without ``.toml``.
NAMES = ("stamp_duty", "income_tax", "taxes", "wallets", "offline", "scheme", "calendar")


class Rulebook:
    """All rules of all times, each file read when its first figure is asked for.

    ``documents`` are rule files that stand in the place of the package's, by name; they must have passed
    ``schema`` (see ``overriding.rulebook_with``), since reading here is without pydantic: importing that
    would cost every command about 40 ms, where ``tomllib`` takes 4 and a file about 1.
    """

    def __init__(self, documents: Mapping[str, Row] | None = None) -> None:
        self._documents = dict(documents or {})
        self.own = frozenset(self._documents)  # the names of the files that are not the package's
        self._days: dict[date, Rules] = {}

    def document(self, name: str) -> Row:
        """A rule file as TOML gives it."""
        if name not in self._documents:
            self._documents[name] = package_document(name)
        return self._documents[name]

    def on(self, day: date) -> Rules:
        """The rules in force on ``day``."""
        found = self._days.get(day)
        if found is None:
            from ecny_tax.rulebook.rules import Rules

            if len(self._days) > 4096:
                self._days.clear()
            found = self._days[day] = Rules(day, self)
        return found

    @cached_property
    def stamp_duty(self) -> stamp_duty.Figures:
        from ecny_tax.rulebook import stamp_duty

        return stamp_duty.Figures(self.document("stamp_duty"))

    @cached_property
    def income_tax(self) -> income_tax.Figures:
        from ecny_tax.rulebook import income_tax

        return income_tax.Figures(self.document("income_tax"))

    @cached_property
    def taxes(self) -> taxes.Figures:
        from ecny_tax.rulebook import taxes

        return taxes.Figures(self.document("taxes"))

    @cached_property
    def wallets(self) -> wallets.Figures:
        from ecny_tax.rulebook import wallets

        return wallets.Figures(self.document("wallets"))

    @cached_property
    def offline(self) -> offline.Figures:
        from ecny_tax.rulebook import offline

        return offline.Figures(self.document("offline"))

    @cached_property
    def scheme(self) -> scheme.Scheme:
        from ecny_tax.rulebook import scheme

        return scheme.Scheme(self.document("scheme"))

    @cached_property
    def calendar(self) -> calendar.Calendar:
        from ecny_tax.rulebook import calendar

        return calendar.Calendar(self.document("calendar"))


def package_document(name: str) -> Row:
    """A rule file of the package."""
    import tomllib  # imported late, as the package must import cheaply

    return tomllib.loads(files("ecny_tax.rulebook").joinpath(f"{name}.toml").read_text("utf-8"))


#: The rules that come with the package.
PACKAGE = Rulebook()


def on(day: date) -> Rules:
    """The package's rules in force on ``day``."""
    return PACKAGE.on(day)
