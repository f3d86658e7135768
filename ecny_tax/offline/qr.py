"""Offline objects as QR codes (ISO/IEC 18004): alphanumeric mode, error correction level M."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecny_tax.errors import InvalidInputError

if TYPE_CHECKING:
    from segno import QRCode

LEVEL = "m"


def qr_code(text: str) -> QRCode:
    """One code that holds the text; a voucher with its chain needs version 25 at most.

    Raises ``InvalidInputError`` (``qr_too_large``), as for a long revocation list.
    """
    import segno

    try:
        return segno.make_qr(text, error=LEVEL, boost_error=False)
    except segno.DataOverflowError:
        raise InvalidInputError("qr_too_large", characters=len(text)) from None
