"""Signed objects as QR codes (ISO/IEC 18004), in alphanumeric mode: base45 is made for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ecny_tax.errors import InvalidInputError

if TYPE_CHECKING:
    from segno import QRCode

#: How much damage a code survives: about 15 % with M, about 7 % with L.
LEVEL: Literal["m"] = "m"
#: For what is long and printed small: at this level a code holds most, 4,296 characters.
LEAST: Literal["l"] = "l"


def qr_code(text: str, level: Literal["m", "l"] = LEVEL) -> QRCode:
    """One code that holds the text; a voucher with its chain needs version 25 at most.

    Raises ``InvalidInputError`` (``qr_too_large``), as for a long revocation list.
    """
    import segno

    try:
        return segno.make_qr(text, error=level, boost_error=False)
    except segno.DataOverflowError:
        raise InvalidInputError("qr_too_large", characters=len(text)) from None
