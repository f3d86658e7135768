"""Dated figures: values with the days on which they are in force, read from the tables of a rule file."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from ecny_tax.errors import InvalidInputError

T = TypeVar("T")
Row = dict[str, Any]  # a table of a TOML file

#: How well a figure is known, best first: the law's text was read; published by press, white paper or
#: notice; stated by a secondary source; seen in public code; assumed by this project; from memory.
EVIDENCE = ("law", "published", "secondary", "code", "assumption", "unverified")


class Cited(Protocol):
    """Any value that says where it comes from."""

    @property
    def citation(self) -> str: ...
    @property
    def evidence(self) -> str: ...


def sources(*rules: Cited) -> tuple[str, str]:
    """Citation and evidence of a result that rests on several rules.

    Every citation is named once, and the evidence is the weakest mark among them.
    """
    citations = dict.fromkeys(rule.citation for rule in rules)
    return "; ".join(citations), max((rule.evidence for rule in rules), key=EVIDENCE.index)


class Dated(NamedTuple, Generic[T]):
    """A value and the days on which it is in force, both included."""

    since: date
    until: date | None
    value: T

    def covers(self, day: date) -> bool:
        """Whether the value is in force on ``day``."""
        return self.since <= day and (self.until is None or day <= self.until)


def in_force(what: str, figures: Sequence[Dated[T]], day: date) -> T:
    """The one value in force on ``day``; ``what`` names the rule, as file and table, in the refusal."""
    for figure in figures:
        if figure.covers(day):
            return figure.value
    raise InvalidInputError("no_rule_on_date", what=what, date=day, periods=periods(figures))


def periods(figures: Iterable[Dated[T]]) -> str:
    """The days covered, as text that needs no language: ``2019-01-01 – 2027-12-31``."""
    joined: list[tuple[date, date | None]] = []
    for since, until, _ in sorted(figures, key=lambda figure: figure.since):
        if joined and (end := joined[-1][1]) is not None and (since - end).days == 1:
            joined[-1] = (joined[-1][0], until)
        else:
            joined.append((since, until))
    return ", ".join(f"{since} – {until or '…'}" for since, until in joined)


def read(kind: type[T], row: Row, **convert: Callable[[Any], object]) -> T:
    """A dataclass from the keys of a row that bear the names of its fields, converted where that is asked."""
    values = {}
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        if field.name in row:
            value = row[field.name]
            values[field.name] = convert[field.name](value) if field.name in convert else value
    return kind(**values)


def dated(row: Row, value: T) -> Dated[T]:
    return Dated(row["effective_from"], row.get("effective_to"), value)


def single(rows: list[Row], kind: type[T], **convert: Callable[[Any], object]) -> tuple[Dated[T], ...]:
    """The periods of the one thing that a table is about."""
    return tuple(dated(row, read(kind, row, **convert)) for row in rows)


def keyed(
    rows: list[Row], key: str, kind: type[T], **convert: Callable[[Any], object]
) -> dict[str, list[Dated[T]]]:
    """The periods of each thing of a table, by the ``key`` that names it."""
    figures: dict[str, list[Dated[T]]] = {}
    for row in rows:
        figures.setdefault(row[key], []).append(dated(row, read(kind, row, **convert)))
    return figures
