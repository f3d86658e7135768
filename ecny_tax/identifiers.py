"""Numbers that name things: their form, their check digits, and where new ones come from.

Every function that checks a number returns it in its one canonical form or raises ``InvalidInputError``.
"""

from __future__ import annotations

import random
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from operator import mul

from ecny_tax.errors import InvalidInputError

_USCC = re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}")
_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_RESIDENT_ID = re.compile(r"[1-9][0-9]{16}[0-9X]")
_WALLET_ID = re.compile(r"00[0-9]{14}")
_PHONE = re.compile(r"1[3-9][0-9]{9}")
_AUTHORITY = re.compile(r"[0-9]{11}")
_EPOCH, _MILLISECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)
_RESIDENT_WEIGHTS = tuple(pow(2, 17 - place, 11) for place in range(17))
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CROCKFORD_PAIRS = [first + second for first in _CROCKFORD for second in _CROCKFORD]
_SHIFTS = range(60, -1, -10)
_TAILS = 2**53
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)  # twice a digit, its own digits added up


def is_text(value: str) -> bool:
    """Whether it is text that can be stored: command lines can smuggle in bytes that are none (they arrive
    as lone surrogates), and NUL ends a string elsewhere."""
    return not any(char == "\0" or "\ud800" <= char <= "\udfff" for char in value)


def check_uscc(text: str) -> str:
    """A unified social credit code (统一社会信用代码), 18 characters, check character after GB 32100-2015.

    Letters are accepted in the first two places too, where real codes have them (``A1``, ``N2``, ``Y1``).
    """
    code = text.strip().upper()
    if not _USCC.fullmatch(code):
        raise InvalidInputError("uscc_malformed", value=text)
    total = sum(_USCC_ALPHABET.index(char) * pow(3, i, 31) for i, char in enumerate(code[:17]))
    if _USCC_ALPHABET[-total % 31] != code[17]:
        raise InvalidInputError("uscc_check_failed", value=text)
    return code


def check_resident_id(text: str, *, on: date) -> str:
    """A resident identity number (公民身份号码), check character by ISO 7064 MOD 11-2 (GB 11643-1999).

    Residence permits of Hong Kong, Macau and Taiwan residents (81…, 82…, 83…) have the same form and are
    accepted; a birth date that does not exist, or lies after ``on``, is refused.
    """
    number = text.strip().upper()
    if not _RESIDENT_ID.fullmatch(number):
        raise InvalidInputError("resident_id_malformed", value=text)
    total = sum(map(mul, _RESIDENT_WEIGHTS, map(int, number[:17])))
    if "10X98765432"[total % 11] != number[17]:
        raise InvalidInputError("resident_id_check_failed", value=text)
    try:
        born = birth_date(number)
    except ValueError:
        raise InvalidInputError("resident_id_malformed", value=text) from None
    if not born.year >= 1880 or born > on:
        raise InvalidInputError("resident_id_malformed", value=text)
    return number


def birth_date(resident_id: str) -> date:
    """The birth date inside a resident identity number."""
    return date(int(resident_id[6:10]), int(resident_id[10:12]), int(resident_id[12:14]))


def age(resident_id: str, *, on: date) -> int:
    """Whole years lived on the day ``on``."""
    born = birth_date(resident_id)
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def check_phone(text: str) -> str:
    """A mainland mobile number: eleven digits, starting 13 to 19."""
    if not _PHONE.fullmatch(text.strip()):
        raise InvalidInputError("phone_malformed", value=text)
    return text.strip()


def check_wallet_id(text: str) -> str:
    """A wallet id (钱包编号): 16 digits, ``00``, two of the operator, eleven, and a Luhn check digit."""
    number = text.strip()
    if not _WALLET_ID.fullmatch(number):
        raise InvalidInputError("wallet_id_malformed", value=text)
    if luhn_digit(number[:15]) != number[15]:
        raise InvalidInputError("wallet_id_check_failed", value=text)
    return number


def check_authority_code(text: str) -> str:
    """A tax authority's code (税务机关代码): eleven digits."""
    if not _AUTHORITY.fullmatch(text.strip()):
        raise InvalidInputError("authority_code_malformed", value=text)
    return text.strip()


def luhn_digit(body: str) -> str:
    """The Luhn check digit (ISO/IEC 7812-1) that follows ``body``."""
    digits = [int(char) for char in reversed(body)]
    total = sum(digits[1::2]) + sum([_DOUBLED[digit] for digit in digits[::2]])
    return str(-total % 10)


def number(prefix: str, now: datetime, tail: int) -> str:
    """A number for people: prefix, date, and 70 bits, of which the last 53 are ``tail``'s."""
    day, since_midnight = _day_and_second(now)
    bits = since_midnight << 53 | tail
    return prefix + day + "".join([_CROCKFORD_PAIRS[bits >> shift & 1023] for shift in _SHIFTS])


@lru_cache(maxsize=8)
def _day_and_second(now: datetime) -> tuple[str, int]:
    """A transaction has one time, and gives several numbers."""
    day = f"{now.year % 100:02}{now.month:02}{now.day:02}"
    return day, (now.hour * 60 + now.minute) * 60 + now.second


def numbers(now: datetime, first: int, count: int) -> list[str]:
    """What follows the prefix in so many numbers, of which the last 53 bits count on from ``first``."""
    found: list[str] = []
    head = ""
    for tail in range(first, first + count):
        if not head or tail & 1023 == 0:
            head = number("", now, tail % _TAILS)[:-2]
        found.append(head + _CROCKFORD_PAIRS[tail & 1023])
    return found


class IdSource:
    """Where new ids come from; with a seed, the same ids in the same order every time.

    Ids start with the time, so that new rows land at the end of their index (random ids cost a quarter of
    the write speed), and grow strictly within one source even while the clock stands still.
    """

    def __init__(self, seed: str | None = None) -> None:
        self.random_bytes: Callable[[int], bytes] = (
            secrets.token_bytes if seed is None else random.Random(seed).randbytes  # noqa: S311 - simulation
        )
        self._last = 0

    @contextmanager
    def seeded(self, seed: str) -> Iterator[None]:
        """Inside, what is drawn follows from ``seed`` alone: so a long run goes on as it began, wherever it
        was stopped.  Where that fails, its ids were never stored, and are drawn again."""
        before, last = self.random_bytes, self._last
        self.random_bytes = random.Random(seed).randbytes  # noqa: S311 - simulation
        try:
            yield
        except BaseException:
            self._last = last
            raise
        finally:
            self.random_bytes = before

    def go_on_after(self, stored: bytes, now: datetime) -> None:
        """Count on from a stored id of this very millisecond, by another process or an earlier run.

        Ids of other times are left alone: who chose one need not have kept to the time.
        """
        newest = int.from_bytes(stored, "big")
        if newest >> 80 == _milliseconds(now):
            self._last = max(self._last, newest)

    def transfer_id(self, now: datetime) -> int:
        """A 128-bit id: 48 bits of milliseconds, 80 random bits, as in a ULID."""
        fresh = (_milliseconds(now) << 80) | int.from_bytes(self.random_bytes(10), "big")
        # In one millisecond the source counts on from its last id, with a random step of up to 2^32.
        if fresh >> 80 <= self._last >> 80:
            fresh = self._last + 1 + int.from_bytes(self.random_bytes(4), "big")
        self._last = fresh
        return fresh

    def transfer_ids(self, now: datetime, count: int) -> list[int]:
        """So many such ids, growing."""
        if not count:
            return []
        newest, steps = self.transfer_id(now), self.random_bytes(4 * count - 4)
        ids = [newest]
        for start in range(0, len(steps), 4):
            newest += 1 + int.from_bytes(steps[start : start + 4], "big")
            ids.append(newest)
        self._last = newest
        return ids

    def number(self, prefix: str, now: datetime) -> str:
        """A number for people: prefix, date, and 70 bits: ``P230420`` + 14 letters and digits.

        With a prefix of one to four characters it fits the 24 characters of an e-tax voucher number.
        """
        return number(prefix, now, int.from_bytes(self.random_bytes(7), "big") >> 3)

    def wallet_id(self, operator_digits: str) -> str:
        """A wallet id of the operator with these two digits; callers check that it is free."""
        body = f"00{operator_digits}{int.from_bytes(self.random_bytes(8), 'big') % 10**11:011d}"
        return body + luhn_digit(body)


def _milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MILLISECOND
