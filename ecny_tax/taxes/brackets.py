"""Progressive rate tables (超额累进税率表): which line an amount falls into, and the tax by that line."""

from __future__ import annotations

from ecny_tax.money import Fen, times
from ecny_tax.rulebook import Bracket, BracketTable


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
