"""The annual settlement of many people at once, bit for bit what ``income_tax.settle`` gives each of them.

It needs numpy, the extra ``[batch]``.  ``many_returns`` reads and judges the columns, ``columns`` has the
arithmetic; both are loaded when it is called.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ecny_tax.errors import InvalidInputError, UnavailableError
from ecny_tax.rulebook import PACKAGE, Rulebook
from ecny_tax.taxes.checks import check_number, rules_of
from ecny_tax.taxes.income_tax import AMOUNTS

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ecny_tax.taxes.columns import Returns, YearRules

#: The columns that hold amounts: those of ``AnnualReturn`` that make up a whole year.
AMOUNT_COLUMNS = tuple(key for key in AMOUNTS if key != "base_taxable")
#: Every column that is read.
COLUMNS = ("tax_year", *AMOUNT_COLUMNS, "bonus_mode", "withheld_properly")

#: People who are settled together: their columns fit the second-level cache of a processor.
CHUNK = 32_768


@dataclass(frozen=True, slots=True, eq=False)
class ManySettled:
    """The settlements of many people, in the order of their returns: the fields of ``AnnualSettlement``.

    Each is a read-only array with one entry a person: int64 amounts in fen, and ``must_settle``.
    """

    income_amount: npt.NDArray[np.int64]
    taxable: npt.NDArray[np.int64]
    tax: npt.NDArray[np.int64]
    bonus_tax: npt.NDArray[np.int64]
    tax_total: npt.NDArray[np.int64]
    refund: npt.NDArray[np.int64]
    due: npt.NDArray[np.int64]
    medical_deduction: npt.NDArray[np.int64]
    donation_deduction: npt.NDArray[np.int64]
    must_settle: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.tax_total)


#: The columns of the result.
RESULT_COLUMNS = tuple(field.name for field in fields(ManySettled))


def require_numpy() -> None:
    """Raises ``UnavailableError`` (``numpy_missing``), which says what to install."""
    try:
        import_module("numpy")
    except ImportError:
        raise UnavailableError("numpy_missing") from None


def settle_many(columns: Mapping[str, Any], *, book: Rulebook = PACKAGE, chunk: int = CHUNK) -> ManySettled:
    """Settle a year for each of many people, as :func:`ecny_tax.taxes.income_tax.settle` would.

    ``columns`` has the keys of ``AnnualReturn`` but for ``base_taxable``.  Amounts are arrays of whole fen,
    one entry a person, all of one length; what is missing is zero.  ``tax_year`` must be there, as one year
    for all or as an array; ``bonus_mode`` is one word, or an array of places in ``BONUS_MODES`` (0 merge,
    1 separate, 2 better); ``withheld_properly`` one flag, or an array of bool.

    ``chunk`` people are computed at a time, so that beside the result memory does not grow with their number.

    All or nothing: raises ``InvalidInputError`` (``row_refused``) for the first row that ``settle`` refuses,
    counted from 0, with the ``column``, the ``value`` and the ``cause``, its code; ``input_key_unknown``,
    ``input_key_missing``, ``input_value_malformed`` (of a value for all) and ``column_malformed`` (no whole
    numbers, or of another length); ``UnavailableError`` (``numpy_missing``).
    """
    require_numpy()
    import numpy as np

    from ecny_tax.taxes.columns import may_be_refused, settle_columns, year_rules
    from ecny_tax.taxes.many_returns import ManyReturns

    @cache
    def rules_in(year: int) -> YearRules:
        return year_rules(rules_of(book, year))

    def may_hold_a_refusal(year: int, returns: Returns) -> bool:
        try:
            return may_be_refused(returns, rules_in(year))
        except InvalidInputError:  # there are no rules for that year
            return True

    check_number("chunk", chunk, 1, 2**31 - 1)
    given = ManyReturns(columns)
    result: dict[str, npt.NDArray[Any]] = {
        name: np.zeros(given.people, np.bool_ if name == "must_settle" else np.int64)
        for name in RESULT_COLUMNS
    }
    for start in range(0, given.people, chunk):
        stop = min(start + chunk, given.people)
        years = list(given.by_year(start, stop))
        if any(may_hold_a_refusal(year, returns) for year, _, returns in years):
            given.refuse_the_first(start, stop, book)
        for year, rows, returns in years:
            for name, column in settle_columns(returns, rules_in(year))._asdict().items():
                if not isinstance(column, int):  # else it is zero, as the result is already
                    result[name][rows] = column
    for column in result.values():
        column.setflags(write=False)
    return ManySettled(**result)
