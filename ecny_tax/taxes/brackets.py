"""Progressive rate tables (超额累进税率表): which line an amount falls into, and the tax by that line."""

from __future__ import annotations

from collections.abc import Iterator

from ecny_tax.money import Fen, times
from ecny_tax.rulebook import Bracket, BracketTable
from ecny_tax.taxes.steps import Step, percent


def line_of(amount: Fen, table: BracketTable, *, parts: int = 1) -> Bracket:
    """The line of the table for ``amount / parts``; a bound belongs to the line below it."""
    return next(line for line in table.brackets if line.up_to is None or amount <= parts * line.up_to)


def by_brackets(amount: Fen, table: BracketTable, *, months: int = 1) -> Fen:
    """The tax on ``amount`` by a table: amount × rate, half up to the fen, less the quick deduction.

    With ``months`` the rate is found at ``amount / months``, while it is applied to the whole and the quick
    deduction taken off once: how a yearly bonus is taxed on the monthly table.
    """
    line = line_of(amount, table, parts=months)
    return Fen(times(amount, line.rate) - line.quick_deduction)


def bracket_steps(
    amount: Fen, table: BracketTable, label: str, label_zh: str, *, parts: int = 1, quick: int = 1
) -> Iterator[Step]:
    """The steps of a tax by the table: the rate found at ``amount / parts``, and the quick deduction that
    is taken off ``quick`` times."""
    line = line_of(amount, table, parts=parts)
    rate = percent(line.rate)
    yield Step(f"{label} × {rate}", f"{label_zh} × {rate}", times(amount, line.rate), table.citation)
    less, less_zh = "Less the quick deduction", "速算扣除数"
    if quick > 1:
        less, less_zh = f"{less}, {quick} times", f"{less_zh} × {quick}"
    yield Step(less, less_zh, Fen(quick * line.quick_deduction), table.citation)
