"""The rule files, read once each, as dated values.

The files inside the package were checked against ``schema`` by the test suite before they were released,
so they are read here without pydantic: importing that would cost every wallet command about 40 ms, where
``tomllib`` takes 4 and a file about 1.  A file from outside must pass ``schema`` first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from fractions import Fraction
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, TypeVar

from ecny_tax.errors import InvalidInputError
from ecny_tax.money import Fen, yuan
from ecny_tax.rulebook import model

K = TypeVar("K")
T = TypeVar("T")
Row = dict[str, Any]

NAMES = ("stamp_duty", "income_tax", "taxes", "wallets", "scheme")


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


@cache
def document(name: str) -> Row:
    """A rule file as TOML gives it."""
    import tomllib  # imported late, as the package must import cheaply

    return tomllib.loads(files("ecny_tax.rulebook").joinpath(f"{name}.toml").read_text("utf-8"))


def _single(name: str, table: str, build: Callable[[Row], T]) -> tuple[Dated[T], ...]:
    return tuple(_dated(row, build) for row in document(name)[table])


def _keyed(
    name: str, table: str, key: Callable[[Row], K], build: Callable[[Row], T]
) -> dict[K, list[Dated[T]]]:
    figures: dict[K, list[Dated[T]]] = {}
    for row in document(name)[table]:
        figures.setdefault(key(row), []).append(_dated(row, build))
    return figures


def _dated(row: Row, build: Callable[[Row], T]) -> Dated[T]:
    return Dated(row["effective_from"], row.get("effective_to"), build(row))


def _pick(row: Row, *keys: str) -> Row:
    return {key: row[key] for key in (*keys, "citation", "evidence")}


def _limit(text: str) -> Fen | None:
    return None if text == "unlimited" else yuan(text)


# --- wallets.toml -----------------------------------------------------------------------------------


@cache
def wallet_classes() -> dict[str, list[Dated[model.WalletClass]]]:
    return _keyed("wallets", "classes", lambda row: row["wallet_class"], _wallet_class)


def _wallet_class(row: Row) -> model.WalletClass:
    return model.WalletClass(
        **_pick(row, "wallet_class", "name_zh", "name_en"),
        cap=_limit(row["cap"]),
        single=_limit(row["single"]),
        day=_limit(row["day"]),
        year=_limit(row["year"]),
        assumed=tuple(row.get("assumed", ())),
        minimum_age=row.get("minimum_age"),
    )


@cache
def wallet_types() -> tuple[model.WalletType, ...]:
    rows = document("wallets")["types"]
    return tuple(model.WalletType(**_pick(row, "code", "kind", "name_zh", "name_en")) for row in rows)


# --- taxes.toml -------------------------------------------------------------------------------------


@cache
def collection_names() -> dict[str, list[Dated[model.CollectionName]]]:
    keys = ("name_zh", "name_en", "budget_subject_zh", "budget_subject_en")
    return _keyed(
        "taxes",
        "collection_items",
        lambda row: row["code"],
        lambda row: model.CollectionName(**_pick(row, *keys)),
    )


@cache
def shares() -> dict[tuple[str, str | None], list[Dated[model.Share]]]:
    return _keyed(
        "taxes",
        "shares",
        lambda row: (row["code"], row.get("case")),
        lambda row: model.Share(**_pick(row, "central", "local")),
    )


# --- scheme.toml ------------------------------------------------------------------------------------


@cache
def operators() -> tuple[model.OperatorRule, ...]:
    keys = ("code", "name_zh", "name_en", "digits")
    return tuple(model.OperatorRule(*(row[key] for key in keys)) for row in document("scheme")["operators"])


@cache
def scheme() -> model.Scheme:
    book = document("scheme")
    authority, treasury, opening = book["authority"], book["treasury"], book["opening"]
    return model.Scheme(
        authority_code=authority["code"],
        authority_name_zh=authority["name_zh"],
        authority_name_en=authority["name_en"],
        treasury_code=treasury["code"],
        treasury_name_zh=treasury["name_zh"],
        treasury_name_en=treasury["name_en"],
        operator_reserve=yuan(opening["operator_reserve"]),
        revenue_opening=yuan(opening["revenue"]),
        refund_reasons=MappingProxyType(
            {
                row["code"]: model.RefundReason(row["code"], row["name_zh"], row["name_en"])
                for row in book["refund_reasons"]
            }
        ),
    )


@cache
def local_splits() -> tuple[Dated[tuple[int, int, int]], ...]:
    return _single("scheme", "local_split", lambda row: (row["province"], row["city"], row["county"]))


@cache
def fees() -> tuple[Dated[Fraction], ...]:
    return _single("scheme", "fees", lambda row: Fraction(row["rate"]))


# --- stamp_duty.toml --------------------------------------------------------------------------------

StampKey = tuple[str, str | None]  # item, side


@cache
def stamp_duty_rates() -> dict[StampKey, list[Dated[model.StampDutyRate]]]:
    keys = ("code", "name_zh", "name_en", "rate", "base_zh", "base_en")
    return _keyed(
        "stamp_duty",
        "items",
        lambda row: (row["code"], row.get("side")),
        lambda row: model.StampDutyRate(side=row.get("side"), **_pick(row, *keys)),
    )


@cache
def stamp_duty_reliefs() -> tuple[Dated[model.StampDutyRelief], ...]:
    return _single(
        "stamp_duty",
        "relief",
        lambda row: model.StampDutyRelief(
            factor=Fraction(row["factor"]),
            not_for=tuple(row["not_for"]),
            **_pick(row, "code", "name_zh", "name_en"),
        ),
    )


# --- income_tax.toml --------------------------------------------------------------------------------


@cache
def brackets(table: str) -> tuple[Dated[model.BracketTable], ...]:
    return _single("income_tax", table, _bracket_table)


def _bracket_table(row: Row) -> model.BracketTable:
    lines = (
        model.Bracket(
            up_to=yuan(line["up_to"]) if "up_to" in line else None,
            rate=Fraction(line["rate"]),
            quick_deduction=yuan(line["quick_deduction"]),
        )
        for line in row["brackets"]
    )
    return model.BracketTable(brackets=tuple(lines), **_pick(row))


@cache
def income_ratios() -> tuple[Dated[model.IncomeRatios], ...]:
    return _single(
        "income_tax",
        "income_ratios",
        lambda row: model.IncomeRatios(
            wages=Fraction(row["wages"]),
            labour=Fraction(row["labour"]),
            royalty=Fraction(row["royalty"]),
            author=Fraction(row["author"]),
            **_pick(row),
        ),
    )


@cache
def income_amounts(table: str, key: str) -> tuple[Dated[model.Amount], ...]:
    return _single("income_tax", table, lambda row: model.Amount(amount=yuan(row[key]), **_pick(row)))


@cache
def medical() -> tuple[Dated[model.MedicalRule], ...]:
    return _single(
        "income_tax",
        "medical",
        lambda row: model.MedicalRule(threshold=yuan(row["threshold"]), cap=yuan(row["cap"]), **_pick(row)),
    )


@cache
def separate_bonus() -> tuple[Dated[model.Permission], ...]:
    return _single("income_tax", "separate_bonus", lambda row: model.Permission(**_pick(row)))


@cache
def settlement_windows() -> tuple[Dated[model.YearlyWindow], ...]:
    return _single(
        "income_tax",
        "settlement_window",
        lambda row: model.YearlyWindow(
            opens=_month_day(row["opens"]), closes=_month_day(row["closes"]), **_pick(row)
        ),
    )


def _month_day(text: str) -> tuple[int, int]:
    month, day = text.split("-")
    return int(month), int(day)


@cache
def claim_windows() -> tuple[Dated[model.Years], ...]:
    return _single("income_tax", "claim_window", lambda row: model.Years(**_pick(row, "years")))
