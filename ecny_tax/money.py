"""Money: whole fen, parsed, written, split and multiplied without ever touching a float.

One yuan (元) is one hundred fen (分).  Every amount inside the library is a :data:`Fen`, an ``int``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import NewType

from ecny_tax.errors import InvalidInputError

Fen = NewType("Fen", int)

NOTHING = Fen(0)

#: The largest amount that is accepted anywhere: 10^15 yuan.  Sums of many such still fit 63 bits.
MAX_AMOUNT = Fen(10**17)

_AMOUNT = re.compile(r"(?P<number>[0-9]{1,24}(?:\.[0-9]{1,12})?)(?P<unit>[万亿]?)元?")
_UNIT = {"": 1, "万": 10**4, "亿": 10**8}


def yuan(value: str | int | Decimal) -> Fen:
    """Read an amount in yuan, as ``"17000.00"``, ``"1.7万元"``, ``17000`` or a ``Decimal``, into fen.

    Raises ``InvalidInputError`` (``amount_malformed``, ``amount_too_precise``, ``amount_too_large``):
    signs, exponents, separators, digits other than 0 to 9 and more than two decimals are refused; with a
    unit of 万 or 亿 there may be more decimals, down to a fen.
    """
    if isinstance(value, bool | float) or not isinstance(value, str | int | Decimal):
        raise InvalidInputError("amount_malformed", value=repr(value))
    if isinstance(value, int):  # judged as a number: it may be too long to be written out
        return _within_limit(value * 100)
    match = _AMOUNT.fullmatch(str(value))
    if match is None:
        raise InvalidInputError("amount_malformed", value=value)
    decimals = len(match["number"].partition(".")[2])
    if not match["unit"] and decimals > len("00"):
        raise InvalidInputError("amount_too_precise", value=value)
    fen = Fraction(match["number"]) * _UNIT[match["unit"]] * 100
    if fen.denominator != 1:
        raise InvalidInputError("amount_too_precise", value=value)
    return _within_limit(int(fen))


def positive_yuan(value: str | int | Decimal) -> Fen:
    """Like :func:`yuan`, and refuses zero (``amount_not_positive``)."""
    return positive(yuan(value))


def positive(amount: Fen) -> Fen:
    """Return ``amount`` (fen) when it may be moved: an int above 0 and within ``MAX_AMOUNT``."""
    if type(amount) is not int:
        raise InvalidInputError("amount_malformed", value=repr(amount))
    if amount <= 0:
        raise InvalidInputError("amount_not_positive", value="0.00" if amount == 0 else "below zero")
    return _within_limit(amount)


def _within_limit(fen: int) -> Fen:
    """Refuse an amount below zero or above the limit; it may be too long to be written out."""
    if fen < 0:
        raise InvalidInputError("amount_malformed", value="a number below zero")
    if fen > MAX_AMOUNT:
        raise InvalidInputError("amount_too_large")
    return Fen(fen)


def yuan_text(amount: int, *, grouped: bool = False) -> str:
    """Fen as yuan with two decimals: ``"17000.00"``, or ``"17,000.00"`` when grouped."""
    whole, part = divmod(abs(amount), 100)
    sign = "-" if amount < 0 else ""
    return f"{sign}{whole:,}.{part:02d}" if grouped else f"{sign}{whole}.{part:02d}"


def round_half_up(value: Fraction) -> Fen:
    """The nearest whole fen of a non-negative value; a half goes up (四舍五入)."""
    return Fen((2 * value.numerator + value.denominator) // (2 * value.denominator))


def times(amount: int, rate: Fraction) -> Fen:
    """``amount`` (fen) multiplied by an exact rate, half up to the fen."""
    doubled, over = 2 * amount * rate.numerator, rate.denominator  # whole numbers: a Fraction is slow
    return Fen((doubled + over) // (2 * over))


def split(amount: Fen, weights: Sequence[int]) -> tuple[Fen, ...]:
    """Divide ``amount`` by whole-number weights without losing a fen.

    Largest remainder; where remainders tie, the earlier share gets the fen, so the result is the same
    every time.  Weights are not negative and at least one is positive.
    """
    total = sum(weights)
    if total <= 0 or min(weights) < 0:
        raise InvalidInputError("weights_malformed", value=list(weights))
    shares = [amount * weight // total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: -(amount * weights[i] % total))
    for i in by_remainder[: amount - sum(shares)]:
        shares[i] += 1
    return tuple(Fen(share) for share in shares)


_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_UNITS = ((10**8, "亿"), (10**4, "万"), (1000, "仟"), (100, "佰"), (10, "拾"))


def capital_numerals(amount: Fen) -> str:
    """An amount in capital Chinese numerals (大写金额): 17,000 yuan is ``壹万柒仟元整``.

    After the rules for bank vouchers (支付结算办法, annex 1): 整 closes an amount without fen, and 零
    stands for a run of zeros inside the number and before fen that follow no jiao.
    """
    whole, part = divmod(_within_limit(amount), 100)
    jiao, fen = divmod(part, 10)
    text = f"{_capital_integer(whole)}元" if whole or not part else ""
    if jiao:
        text += f"{_DIGITS[jiao]}角"
    elif fen and whole:
        text += "零"
    return text + (f"{_DIGITS[fen]}分" if fen else "整")


def _capital_integer(number: int) -> str:
    for unit, name in _UNITS:
        if number >= unit:
            high, low = divmod(number, unit)
            gap = "零" if 0 < low < unit // 10 else ""
            return _capital_integer(high) + name + gap + (_capital_integer(low) if low else "")
    return _DIGITS[number]
