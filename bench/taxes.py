"""Taxes of many people at once."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np

from bench.runner import Setting, benchmark, compare, stopwatch
from ecny_tax.taxes.income_tax import settle_many
from ecny_tax.taxes.settle_many import RESULT_COLUMNS

#: Rate table 1 of the law and the basic deduction of a year, in hundredths and fen, as one would write them.
_RATES = (3, 10, 20, 25, 30, 35, 45)
_QUICK_DEDUCTIONS = (0, 252_000, 1_692_000, 3_192_000, 5_292_000, 8_592_000, 18_192_000)
_BASIC_DEDUCTION = 6_000_000


@benchmark("settle_many", engine="numpy", at_least=0.5)
def settle_many_row(setting: Setting) -> tuple[float, str]:
    """Wages with two deductions, all brackets; ours also checks every amount and fills every column."""
    people = setting.size(1_000_000, 10_000)
    pick = np.random.default_rng(1)
    wages = pick.integers(3_000_000, 150_000_000, people)
    given = {
        "wages": wages,
        "social": wages // 6,
        "sad": pick.integers(0, 6_000_000, people),
        "withheld": pick.integers(0, 30_000_000, people),
    }

    def ours() -> float:
        with stopwatch() as taken:
            settle_many({"tax_year": 2022, **given})
        return taken[0]

    def plain() -> float:
        with stopwatch() as taken:
            _by_hand(**given)
        return taken[0]

    tracemalloc.start()
    found = settle_many({"tax_year": 2022, **given})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    for one, other in zip((found.tax, found.refund, found.due), _by_hand(**given), strict=True):
        if not np.array_equal(one, other):
            raise RuntimeError("the benchmark's two sides do not settle alike")
    result = sum(getattr(found, name).nbytes for name in RESULT_COLUMNS)
    del found

    rounds = setting.size(25, 2)
    mine, theirs = compare(rounds, ours, plain)
    return theirs / mine, (
        f"{people / mine:,.0f} people/s; numpy by hand settles the same at {people / theirs:,.0f}/s (median "
        f"of {rounds} rounds of {people:,}); peak of memory {peak / 1e6:.1f} MB, of which the result has "
        f"{result / 1e6:.1f}"
    )


def _by_hand(wages: Any, social: Any, sad: Any, withheld: Any) -> tuple[Any, Any, Any]:
    """Tax, refund and due as one would write them straight, the tax as the highest of the seven lines.

    Over whole columns, as one writes it; `searchsorted`, or new arrays for every step, take longer.
    """
    taxable = wages - social
    taxable -= sad
    taxable -= _BASIC_DEDUCTION
    np.maximum(taxable, 0, out=taxable)
    highest = taxable * _RATES[0]
    line = np.empty_like(taxable)
    for rate, quick_deduction in zip(_RATES[1:], _QUICK_DEDUCTIONS[1:], strict=True):
        np.multiply(taxable, rate, out=line)
        line -= 100 * quick_deduction
        np.maximum(highest, line, out=highest)
    highest += 50
    highest //= 100
    balance = withheld - highest
    return highest, np.maximum(balance, 0), np.maximum(-balance, 0)
