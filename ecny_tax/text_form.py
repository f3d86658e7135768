"""The text form of signed objects: ``ECNY1:`` and base45 (RFC 9285), as it fits into QR codes.

Offline objects and receipts travel in it.

A QR code in alphanumeric mode holds base45 almost as densely as bytes, and every reader hands it on unharmed.
"""

from __future__ import annotations

from ecny_tax.errors import VerificationError

PREFIX = "ECNY1:"
#: The longest text that is looked at: a full revocation list has about two thirds of it, a voucher 1,300.
MAX_CHARACTERS = 128 * 1024

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_DIGITS = {character: value for value, character in enumerate(_ALPHABET)}
_BASE = 45


def to_text(data: bytes) -> str:
    """The text form of an object."""
    characters = [PREFIX]
    for start in range(0, len(data), 2):
        pair = data[start : start + 2]
        value, size = int.from_bytes(pair, "big"), len(pair) + 1
        for _ in range(size):
            value, digit = divmod(value, _BASE)
            characters.append(_ALPHABET[digit])
    return "".join(characters)


def from_text(text: str) -> bytes:
    """The bytes of a text form; blanks and line ends around it are not part of it.

    Raises ``VerificationError`` (``object_text_malformed``).  Each object has one text form only.
    """
    if len(text) > MAX_CHARACTERS:
        raise _malformed(f"it is longer than {MAX_CHARACTERS} characters")
    text = text.strip("\r\n\t")
    if not text.startswith(PREFIX):
        raise _malformed(f"it does not begin with {PREFIX}")
    body = text[len(PREFIX) :]
    data = bytearray()
    for start in range(0, len(body), 3):
        group = body[start : start + 3]
        size = len(group) - 1
        try:
            value = sum(_DIGITS[character] * _BASE**place for place, character in enumerate(group))
            data += value.to_bytes(size, "big") if size else _single()
        except (KeyError, OverflowError):
            raise _malformed("it is not base45") from None
    return bytes(data)


def _single() -> bytes:
    raise OverflowError  # one character alone stands for no byte


def _malformed(reason: str) -> VerificationError:
    return VerificationError("object_text_malformed", reason=reason)
