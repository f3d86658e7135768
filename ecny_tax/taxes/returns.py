"""The file of an annual return: one JSON object, read strictly.

Keys are those of ``AnnualReturn``; ``tax_year`` must be there.  Amounts are strings in yuan with at most
two decimals, or whole numbers; a JSON number with a point is refused, because reading it would go through
a float.  A key written twice, an unknown key and anything after the object are refused too.
"""

from __future__ import annotations

import json
from pathlib import Path

from ecny_tax.errors import InvalidInputError
from ecny_tax.money import Fen, yuan
from ecny_tax.taxes.income_tax import AMOUNTS, AnnualReturn, malformed
from ecny_tax.taxes.json_files import read_object

MAX_BYTES = 64 * 1024

_KEYS = ("tax_year", *AMOUNTS, "bonus_mode", "withheld_properly")


def read_annual_return(source: bytes | str | Path) -> AnnualReturn:
    """Read an annual return from a file (a path), or from the bytes of one.

    Raises ``InvalidInputError``: ``input_file_unreadable``, ``input_too_large``, ``input_not_json``,
    ``input_key_repeated``, ``input_key_unknown``, ``input_key_missing``, ``input_value_malformed`` and
    ``input_keys_conflict``.
    """
    document = read_object(source, _KEYS, needed=("tax_year",), limit=MAX_BYTES)
    amounts = {key: amount_of(key, document[key]) for key in AMOUNTS if key in document}
    return AnnualReturn(**{**document, **amounts})  # which judges the year, the mode and the flag


def amount_of(key: str, value: object) -> Fen:
    """An amount as a file gives it, in fen: text in yuan, or a whole number."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise malformed(key, json.dumps(value, ensure_ascii=False))
    try:
        return yuan(value)
    except InvalidInputError:
        raise malformed(key, value) from None
