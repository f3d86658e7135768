"""A legal instrument as a document: deterministic CBOR in a COSE_Sign1 message, read in one way only.

    {case, depth, expires, follows, from, issued, issuer, kind, number, opens, to, wallets}

Every key is there, with null for what an instrument of its kind does not have; times are microseconds since
1970, UTC, and the wallets are in order, each once.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

from ecny_tax.clock import from_micros, micros
from ecny_tax.crypto.signatures import PublishedKeys, SigningKey, decode, encode, sign_one, verify_one
from ecny_tax.errors import InvalidInputError, VerificationError
from ecny_tax.oversight.model import Instrument, InstrumentKind, Opens, check_form, in_scope

CONTENT_TYPE = "application/vnd.ecny-tax.legal-instrument+cbor"
_EARLIEST, _LATEST = 315_532_800_000_000, 7_258_118_400_000_000  # 1980 to 2200
_TEXT = 200


def payload_of(instrument: Instrument) -> bytes:
    """What the issuer signs."""

    def time(moment: datetime | None) -> int | None:
        return None if moment is None else micros(moment)

    return encode(
        {
            "case": instrument.case_no,
            "depth": instrument.depth,
            "expires": time(instrument.expires_at),
            "follows": instrument.follows,
            "from": time(instrument.window_from),
            "issued": time(instrument.issued_at),
            "issuer": instrument.issuer,
            "kind": str(instrument.kind),
            "number": instrument.instrument_no,
            "opens": None if instrument.may_open is None else str(instrument.may_open),
            "to": time(instrument.window_to),
            "wallets": list(instrument.wallets),
        }
    )


def sign(instrument: Instrument, key: SigningKey) -> bytes:
    """The signed document."""
    return sign_one(payload_of(instrument), key, CONTENT_TYPE)


def open_instrument(message: bytes, published: PublishedKeys) -> Instrument:
    """The instrument that a message holds, when its issuer signed it.

    Raises ``VerificationError``: ``document_malformed``, ``signer_unknown``, ``signature_invalid``.
    """
    signer, payload = verify_one(message, CONTENT_TYPE, published)
    instrument = read_payload(payload)
    if instrument.issuer != signer:
        raise _malformed("its issuer is not who signed it")
    return instrument


def digest_of(instrument: Instrument) -> bytes:
    """The SHA-256 of all that an instrument says."""
    return hashlib.sha256(payload_of(instrument)).digest()


def read_payload(payload: bytes) -> Instrument:
    """What a payload says, unsigned; raises ``VerificationError`` (``document_malformed``)."""
    said = decode(payload)
    if not isinstance(said, dict):
        raise _malformed("it is no legal instrument")
    try:
        wallets = said["wallets"]
        instrument = Instrument(
            instrument_no=_text(said["number"]),
            issuer=_text(said["issuer"]),
            case_no=_text(said["case"]),
            kind=InstrumentKind(said["kind"]),
            wallets=in_scope([_text(wallet) for wallet in wallets]) if isinstance(wallets, list) else (),
            window_from=None if said["from"] is None else _time(said["from"]),
            window_to=None if said["to"] is None else _time(said["to"]),
            depth=said["depth"],
            may_open=None if said["opens"] is None else Opens(said["opens"]),
            follows=None if said["follows"] is None else _text(said["follows"]),
            issued_at=_time(said["issued"]),
            expires_at=_time(said["expires"]),
        )
        check_form(instrument)
    except (KeyError, ValueError, TypeError, InvalidInputError):
        raise _malformed("it is no legal instrument") from None
    if not instrument.wallets or payload_of(instrument) != payload:
        raise _malformed("it is no legal instrument in its one form")
    return instrument


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > _TEXT:
        raise TypeError
    return value


def _time(value: object) -> datetime:
    if type(value) is not int or not _EARLIEST <= value <= _LATEST:
        raise TypeError
    return from_micros(value)


def _malformed(reason: str) -> VerificationError:
    return VerificationError("document_malformed", reason=reason)
