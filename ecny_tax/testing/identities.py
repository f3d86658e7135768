"""Made-up identities: numbers with check digits that are right, computed and nobody's."""

from __future__ import annotations

from datetime import date

_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def company_id(number: int = 1, *, start: str = "91440784") -> str:
    """A made-up unified social credit code (统一社会信用代码) of a number up to nine digits.

    ``start`` are its first eight characters: registrar, kind of organisation, place.
    """
    body = f"{start}{number:09d}"
    total = sum(_USCC_ALPHABET.index(char) * 3**place for place, char in enumerate(body))
    return body + _USCC_ALPHABET[-total % 31]


def person_id(number: int = 1, *, born: date = date(1990, 1, 1)) -> str:
    """A made-up resident identity number (公民身份号码) of a number up to three digits."""
    body = f"440784{born:%Y%m%d}{number:03d}"
    total = sum(int(digit) * 2 ** (17 - place) for place, digit in enumerate(body))
    return body + "10X98765432"[total % 11]


def phone_number(number: int = 1) -> str:
    """A made-up mobile number (手机号) of a number up to eight digits."""
    return f"139{number:08d}"


def person_name(number: int = 1) -> str:
    """A name that says it is made up (虚构)."""
    return f"虚构人{number}号"


def company_name(number: int = 1) -> str:
    """A company's name that says it is made up (虚构)."""
    return f"虚构照明{number}号有限公司"
