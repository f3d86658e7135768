"""What the central bank, operators and tax authorities sign: certificates, loads, and the revocation list.

Their keys come from the keyring.  The root is the key that the central bank publishes; an operator signs
with a key of its own for offline payment, one a generation, so that it can be renewed (``roll_over``).
"""

from __future__ import annotations

from ecny_tax.crypto.keyring import Keyring
from ecny_tax.crypto.signatures import SigningKey
from ecny_tax.errors import UnavailableError
from ecny_tax.money import Fen
from ecny_tax.offline import rows
from ecny_tax.offline.bundles import TrustBundle
from ecny_tax.offline.chains import Trust, read_root
from ecny_tax.offline.objects import (
    MAX_REVOCATIONS,
    AuthorityCertificate,
    DeviceCertificate,
    LoadCertificate,
    OperatorCertificate,
    RevocationList,
    RootCertificate,
    Seconds,
    TerminalCertificate,
    seconds,
)
from ecny_tax.parties.service import CENTRAL_BANK
from ecny_tax.rulebook.offline import OfflineLimits
from ecny_tax.store import Transaction

_DAY = 24 * 3600
_YEAR = 366 * _DAY
_ROOT, _OPERATOR, _AUTHORITY, _DEVICE, _TERMINAL = "root", "operator", "authority", "device", "terminal"


def limits(tx: Transaction) -> OfflineLimits:
    """The caps and times of today."""
    return tx.rulebook.on(tx.now.date()).offline.limits


def root(tx: Transaction, keyring: Keyring) -> bytes:
    """The root certificate, made when it is first needed."""
    known = known_root(tx)
    if known is not None:
        return known
    key = _root_key(keyring)
    serial, since, until = _validity(tx, limits(tx).root_years)
    message = RootCertificate(serial, key.public_bytes, since, until).signed(key)
    rows.insert_certificate(
        tx,
        serial=serial,
        kind=_ROOT,
        subject=CENTRAL_BANK,
        message=message,
        issuer=None,
        not_after=until,
    )
    return message


def known_root(tx: Transaction) -> bytes | None:
    """The root certificate; none where nothing was signed under it yet."""
    return rows.newest_certificate(tx, _ROOT, CENTRAL_BANK)


def trust_bundle(tx: Transaction, keyring: Keyring) -> TrustBundle:
    """The root certificate and the revocation list of this moment, signed.

    Raises ``UnavailableError`` (``revocation_list_full``).
    """
    now = seconds(tx.now)
    # What ended today may be in a request that is open still.
    revoked = rows.revocations_in_force(tx, Seconds(now - _DAY))
    if len(revoked) > MAX_REVOCATIONS:
        raise UnavailableError("revocation_list_full", limit=MAX_REVOCATIONS)
    found = RevocationList(
        number=len(rows.revocations(tx)),
        issued_at=now,
        renew_by=Seconds(now + limits(tx).list_days * _DAY),
        revocations=revoked,
    )
    return TrustBundle(root(tx, keyring), found.signed(_root_key(keyring)))


def trust(tx: Transaction, keyring: Keyring) -> Trust:
    """The root, and everything that was ever revoked."""
    revoked, now = rows.revocations(tx), seconds(tx.now)
    found = RevocationList(len(revoked), now, now, revoked)
    return Trust(read_root(root(tx, keyring)), found, {one.serial: one.since for one in revoked})


def operator_certificate(tx: Transaction, keyring: Keyring, operator: str) -> bytes:
    """The operator's newest certificate; a new one where there is none that is good for long."""
    known = rows.newest_certificate(tx, _OPERATOR, operator)
    if known is not None:
        found = OperatorCertificate.read(known)
        if _is_good(tx, found.serial, found.not_after):
            return known
    return roll_over(tx, keyring, operator)


def roll_over(tx: Transaction, keyring: Keyring, operator: str) -> bytes:
    """Certify a new key of the operator; what the earlier one signed stays in force."""
    generation = rows.count_certificates(tx, _OPERATOR, operator) + 1
    key = _operator_key(keyring, operator, generation)
    serial, since, until = _validity(tx, limits(tx).certificate_years)
    certificate = OperatorCertificate(serial, operator, key.public_bytes, since, until)
    return _issue(tx, keyring, certificate, _OPERATOR, operator)


def authority_certificate(tx: Transaction, keyring: Keyring, authority: str) -> bytes:
    """The tax authority's newest certificate; a new one where there is none that is good for long."""
    known = rows.newest_certificate(tx, _AUTHORITY, authority)
    if known is not None:
        found = AuthorityCertificate.read(known)
        if _is_good(tx, found.serial, found.not_after):
            return known
    serial, since, until = _validity(tx, limits(tx).certificate_years)
    generation = rows.count_certificates(tx, _AUTHORITY, authority) + 1
    key = keyring.signing_key("offline_authority", f"{authority}/{generation}")
    certificate = AuthorityCertificate(serial, authority, key.public_bytes, since, until)
    return _issue(tx, keyring, certificate, _AUTHORITY, authority)


def device_is_certified(tx: Transaction, device: DeviceCertificate, issuer: bytes) -> bool:
    """Whether a device's certificate is by this key of the operator, and good for as long as a load lives."""
    return rows.issuer_of(tx, device.serial) == issuer and _is_good(tx, device.serial, device.not_after)


def _is_good(tx: Transaction, serial: str, not_after: Seconds) -> bool:
    """Not revoked, and in force for as long as the longest load."""
    rules = limits(tx)
    longest = rules.most_load_hours * 3600 + (rules.redeem_days + 1) * _DAY
    return not_after >= seconds(tx.now) + longest and not rows.is_revoked(tx, serial)


def certify_device(
    tx: Transaction,
    keyring: Keyring,
    *,
    device_id: str,
    wallet_id: str,
    operator: str,
    public_key: bytes,
    caps: tuple[Fen, Fen, int],
) -> bytes:
    """A device's certificate, signed with the operator's newest key."""
    issuer = OperatorCertificate.read(operator_certificate(tx, keyring, operator))
    serial, since, until = _validity(tx, limits(tx).certificate_years)
    certificate = DeviceCertificate(
        serial, device_id, wallet_id, public_key, *caps, since, min(until, issuer.not_after)
    )
    message = certificate.signed(_key_of(tx, keyring, issuer))
    rows.insert_certificate(
        tx,
        serial=serial,
        kind=_DEVICE,
        subject=device_id,
        message=message,
        issuer=issuer.serial,
        not_after=certificate.not_after,
    )
    rows.put_device(tx, device_id=device_id, wallet_id=wallet_id, certificate=serial)
    return message


def certify_terminal(
    tx: Transaction, keyring: Keyring, *, terminal_id: str, authority: str, public_key: bytes
) -> tuple[bytes, bytes]:
    """(the authority's, the terminal's) certificate."""
    issued_by = authority_certificate(tx, keyring, authority)
    issuer = AuthorityCertificate.read(issued_by)
    serial, since, until = _validity(tx, limits(tx).certificate_years)
    certificate = TerminalCertificate(
        serial, terminal_id, authority, public_key, since, min(until, issuer.not_after)
    )
    generation = rows.count_certificates(tx, _AUTHORITY, authority)
    message = certificate.signed(keyring.signing_key("offline_authority", f"{authority}/{generation}"))
    rows.insert_certificate(
        tx,
        serial=serial,
        kind=_TERMINAL,
        subject=terminal_id,
        message=message,
        issuer=issuer.serial,
        not_after=certificate.not_after,
    )
    return issued_by, message


def sign_load(tx: Transaction, keyring: Keyring, load: LoadCertificate, *, device: bytes) -> bytes:
    """A load certificate, signed with the same operator's key as the device's certificate."""
    issued_by = rows.issuer_of(tx, DeviceCertificate.read(device).serial) or b""
    return load.signed(_key_of(tx, keyring, OperatorCertificate.read(issued_by)))


def terminal_chain(tx: Transaction, terminal_id: str) -> tuple[bytes, bytes] | None:
    """(the authority's, the terminal's) certificate of a terminal of this scheme."""
    terminal = rows.newest_certificate(tx, _TERMINAL, terminal_id)
    if terminal is None:
        return None
    issuer = rows.issuer_of(tx, TerminalCertificate.read(terminal).serial)
    return issuer or b"", terminal


def _issue(
    tx: Transaction,
    keyring: Keyring,
    certificate: OperatorCertificate | AuthorityCertificate,
    kind: str,
    subject: str,
) -> bytes:
    """A certificate that the root signs."""
    issuer = read_root(root(tx, keyring)).serial
    message = certificate.signed(_root_key(keyring))
    rows.insert_certificate(
        tx,
        serial=certificate.serial,
        kind=kind,
        subject=subject,
        message=message,
        issuer=issuer,
        not_after=certificate.not_after,
    )
    return message


def _key_of(tx: Transaction, keyring: Keyring, certificate: OperatorCertificate) -> SigningKey:
    """The key that an operator's certificate is about."""
    operator = certificate.operator
    for generation in range(rows.count_certificates(tx, _OPERATOR, operator), 0, -1):
        key = _operator_key(keyring, operator, generation)
        if key.public_bytes == certificate.public_key:
            return key
    raise UnavailableError("keyring_mismatch")


def _root_key(keyring: Keyring) -> SigningKey:
    return keyring.signing_key("central_bank", CENTRAL_BANK)


def _operator_key(keyring: Keyring, operator: str, generation: int) -> SigningKey:
    return keyring.signing_key("offline_operator", f"{operator}/{generation}")


def _validity(tx: Transaction, years: int) -> tuple[str, Seconds, Seconds]:
    """A serial number, and from when to when its certificate is in force."""
    now = seconds(tx.now)
    return tx.ids.number("C", tx.now), now, Seconds(now + years * _YEAR)
