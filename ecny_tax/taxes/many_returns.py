"""The returns of many people as columns: judged in kind and length, cut into chunks and years.

Whether a person is refused, and why, is left to the one-person function.  Only ``settle_many`` imports this
module, once it knows that numpy is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ecny_tax.errors import EcnyTaxError, InvalidInputError
from ecny_tax.money import yuan_text
from ecny_tax.rulebook import Rulebook
from ecny_tax.taxes.checks import check_flag, check_year
from ecny_tax.taxes.columns import Returns
from ecny_tax.taxes.income_tax import BONUS_MODES, AnnualReturn, malformed, settle
from ecny_tax.taxes.settle_many import AMOUNT_COLUMNS, COLUMNS


class ManyReturns:
    """The columns of a call, judged by kind and length; their values are judged by chunks, and last."""

    def __init__(self, columns: Mapping[str, Any]) -> None:
        for key in columns:
            if key not in COLUMNS:
                raise InvalidInputError("input_key_unknown", key=key, known=", ".join(COLUMNS))
        if "tax_year" not in columns:
            raise InvalidInputError("input_key_missing", key="tax_year")
        self.people = 0
        self._for_all: dict[str, Any] = {"bonus_mode": "merge", "withheld_properly": True}
        self._arrays: dict[str, npt.NDArray[Any]] = {}
        for key, value in columns.items():
            one = value.item() if isinstance(value, np.generic) else value
            if key not in AMOUNT_COLUMNS and isinstance(one, int | str):
                self._for_all[key] = _checked(key, one)
            else:
                self._arrays[key] = self._array(key, value)
        self._mode_for_all = BONUS_MODES.index(self._for_all["bonus_mode"])

    def _array(self, key: str, value: object) -> npt.NDArray[Any]:
        try:
            found = np.asarray(value)
        except (TypeError, ValueError, OverflowError):  # rows of different lengths, say
            found = np.asarray(None)
        dtype = "masked" if isinstance(value, np.ma.MaskedArray) else str(found.dtype)
        kind = "bool" if key == "withheld_properly" else "int64"
        if kind == "bool":
            fits = found.dtype == np.bool_
        else:
            fits = found.dtype.kind in "iu" and np.can_cast(found.dtype, np.int64) and dtype != "masked"
        known = len(next(iter(self._arrays.values()))) if self._arrays else None
        if found.ndim != 1 or not (fits or len(found) == 0) or known not in (None, len(found)):
            raise InvalidInputError(
                "column_malformed",
                column=key,
                value=f"{dtype}{list(found.shape)}",
                accepted=f"{kind}[{'' if known is None else known}]",
            )
        self.people = len(found)
        return found if fits else found.astype(kind)

    def by_year(self, start: int, stop: int) -> Iterator[tuple[int, Any, Returns]]:
        """The returns from ``start`` to ``stop``: each year with its rows, as an index, and their columns."""
        if "tax_year" not in self._arrays:
            every = slice(start, stop)
            yield self._for_all["tax_year"], every, self._returns(every, stop - start)
            return
        years = self._arrays["tax_year"][start:stop]
        for year in np.unique(years).tolist():
            rows = start + np.flatnonzero(years == year)
            yield year, rows, self._returns(rows, len(rows))

    def _returns(self, rows: Any, people: int) -> Returns:
        arrays = {key: array[rows] for key, array in self._arrays.items() if key != "tax_year"}
        mode = arrays.pop("bonus_mode", None)
        properly = arrays.pop("withheld_properly", None)
        return Returns(
            people=people,
            amounts={key: array.astype(np.int64, copy=False) for key, array in arrays.items()},
            bonus_mode=self._mode_for_all if mode is None else mode.astype(np.int64, copy=False),
            withheld_properly=self._for_all["withheld_properly"] if properly is None else properly,
        )

    def refuse_the_first(self, start: int, stop: int, book: Rulebook) -> None:
        """Settle one by one, up to the first return that the one-person function refuses."""
        for row in range(start, stop):
            values = self._for_all | {key: array[row].item() for key, array in self._arrays.items()}
            if values["bonus_mode"] in range(len(BONUS_MODES)):
                values["bonus_mode"] = BONUS_MODES[values["bonus_mode"]]
            try:
                settle(AnnualReturn(**values), book=book)
            except EcnyTaxError as error:
                column = _column_of(error)
                value = values.get(column, 0)
                raise InvalidInputError(
                    "row_refused",
                    row=row,
                    column=column,
                    value=yuan_text(value) if column in AMOUNT_COLUMNS else value,
                    cause=error.code,
                ) from error


def _checked(key: str, value: int | str) -> int | str:
    """A value that holds for all."""
    if key == "tax_year":
        check_year(value)
    elif key == "withheld_properly":
        check_flag(key, value)
    elif value not in BONUS_MODES:
        raise malformed(key, value)
    return value


def _column_of(error: EcnyTaxError) -> str:
    """The column whose value the one-person function did not accept."""
    if error.code == "bonus_mode_not_in_force":
        return "bonus_mode"
    named = str(error.values.get("key") or error.values.get("what")).removeprefix("income_tax.")
    return named if named in AMOUNT_COLUMNS or named == "bonus_mode" else "tax_year"
