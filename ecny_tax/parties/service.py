"""Finding and adding institutions; recording who somebody is, sealed, and opening that again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ecny_tax import identifiers
from ecny_tax.crypto.keyring import Keyring
from ecny_tax.errors import ConflictError, InvalidInputError, NotFoundError, RejectedError
from ecny_tax.parties import rows, sealed
from ecny_tax.parties.model import (
    ENFORCERS,
    Identity,
    IdentityKind,
    Institution,
    InstitutionKind,
    checked_identity,
    fold_name,
)
from ecny_tax.parties.sealed import subject_of as subject_of  # noqa: PLC0414 - a name of this module
from ecny_tax.store import Store, Transaction

if TYPE_CHECKING:
    from ecny_tax.rulebook.scheme import Scheme

CENTRAL_BANK = "PBC"
_TREASURY_DIGITS = 10
_CODE = re.compile("[A-Z0-9]{2,20}")
#: Table of the rulebook, kind, code, names, treasury, digits.
_Founder = tuple[str, InstitutionKind, str, str, str, str | None, str | None]


class Parties:
    """The institutions of the scheme and the keys they publish."""

    def __init__(self, store: Store, keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring

    def list(self) -> tuple[Institution, ...]:
        """Every institution: central bank, operators, tax authorities, treasuries, courts …"""
        with self._store.reading() as tx:
            return tuple(rows.institutions(tx))

    def add_tax_authority(
        self, *, code: str, name: str, name_en: str = "", treasury: str | None = None
    ) -> Institution:
        """Add a tax authority (税务机关) of eleven digits, collecting for ``treasury`` (default: Heshan's).

        Raises ``InvalidInputError``, ``NotFoundError`` (``treasury_not_found``) and ``ConflictError``
        (``party_exists``).
        """
        code = identifiers.check_authority_code(code)
        treasury = self._store.rulebook.scheme.treasury.code if treasury is None else treasury
        with self._store.transaction() as tx:
            if rows.institution(tx, InstitutionKind.TREASURY, treasury) is None:
                raise NotFoundError("treasury_not_found", treasury=treasury)
            return _add(tx, self._keyring, InstitutionKind.TAX_AUTHORITY, code, name, name_en, treasury)

    def add_enforcer(self, *, kind: str, code: str, name: str, name_en: str = "") -> Institution:
        """Add a ``court`` (法院), ``public_security`` organ (公安机关) or ``anti_fraud_centre`` (反诈中心).

        Raises ``InvalidInputError`` (``party_kind_unknown``, ``party_code_malformed``) and ``ConflictError``
        (``party_exists``).
        """
        if kind not in ENFORCERS:
            raise InvalidInputError("party_kind_unknown", value=kind)
        if not _CODE.fullmatch(code.strip()):
            raise InvalidInputError("party_code_malformed", value=code)
        with self._store.transaction() as tx:
            return _add(tx, self._keyring, InstitutionKind(kind), code.strip(), name, name_en)

    def published_keys(self) -> dict[str, str]:
        """The Ed25519 key of every institution: name, such as ``operator:ICBC`` → 64 hex digits."""
        with self._store.reading() as tx:
            return {f"{party.kind}:{party.code}": party.public_key.hex() for party in rows.institutions(tx)}


def found(tx: Transaction, keyring: Keyring) -> None:
    """Record the institutions that every new database has."""
    _add(tx, keyring, InstitutionKind.CENTRAL_BANK, CENTRAL_BANK, "中国人民银行", "People's Bank of China")
    for _table, kind, code, name_zh, name_en, treasury, digits in _of_scheme(tx.rulebook.scheme):
        _add(tx, keyring, kind, code, name_zh, name_en, treasury, digits)


def check_founded(tx: Transaction) -> None:
    """Whether the database holds the parties of a user's rule file as that file has them (``party_differs``).

    They were recorded when it was made, with keys and accounts of their own, and wallets and agreements name
    them: what a file says otherwise could not come true, so it is refused and not passed over.
    """
    for table, kind, code, *others in _of_scheme(tx.rulebook.scheme):
        held = rows.institution(tx, kind, code)
        said = zip(("code", "name_zh", "name_en", "treasury", "digits"), (code, *others), strict=True)
        for key, value in said:
            found_one = getattr(held, key, None)
            if value != found_one:
                place = f"{table} / {code} / {key}"
                raise ConflictError("party_differs", place=place, said=value, held=found_one or "–")


def _of_scheme(scheme: Scheme) -> list[_Founder]:
    """The operators, the treasury, the authority and the enforcers of the rulebook, with their tables."""
    office, treasury = scheme.authority, scheme.treasury
    return [
        *(
            ("operators", InstitutionKind.OPERATOR, rule.code, rule.name_zh, rule.name_en, None, rule.digits)
            for rule in scheme.operators
        ),
        ("treasury", InstitutionKind.TREASURY, treasury.code, treasury.name_zh, treasury.name_en, None, None),
        (
            "authority", InstitutionKind.TAX_AUTHORITY, office.code, office.name_zh, office.name_en,
            treasury.code, None,
        ),
        *(
            ("enforcers", InstitutionKind(one.kind), one.code, one.name_zh, one.name_en, None, None)
            for one in scheme.enforcers
        ),
    ]  # fmt: skip


def add_treasury(
    tx: Transaction, keyring: Keyring, *, code: str, name: str, name_en: str = ""
) -> Institution:
    """Record a treasury (国库); its accounts are opened by the treasury room."""
    if len(code) != _TREASURY_DIGITS or not (code.isascii() and code.isdigit()):
        raise InvalidInputError("treasury_code_malformed", value=code)
    return _add(tx, keyring, InstitutionKind.TREASURY, code, name, name_en)


def _add(
    tx: Transaction,
    keyring: Keyring,
    kind: InstitutionKind,
    code: str,
    name_zh: str,
    name_en: str,
    treasury: str | None = None,
    digits: str | None = None,
) -> Institution:
    for name in (name_zh, name_en or name_zh):
        checked_identity(kind=IdentityKind.COMPANY, name=name, id_number=None, phone=None, on=tx.now.date())
    if rows.institution(tx, kind, code) is not None:
        raise ConflictError("party_exists", kind=kind, party=code)
    key = keyring.signing_key(kind, code).public_bytes
    party = Institution(
        kind, code, name_zh.strip(), name_en.strip() or name_zh.strip(), digits, treasury, key
    )
    rows.insert_institution(tx, party)
    return party


def operators(tx: Transaction) -> list[Institution]:
    """Every operator of the database, by code."""
    return [party for party in rows.institutions(tx) if party.kind is InstitutionKind.OPERATOR]


def operator(tx: Transaction, code: str) -> Institution:
    """The operator of that code; those of the database are a closed list (``operator_unknown``)."""
    found_one = rows.institution(tx, InstitutionKind.OPERATOR, code.strip().upper())
    if found_one is None:
        known = " ".join(party.code for party in operators(tx))
        raise InvalidInputError("operator_unknown", value=code, known=known)
    return found_one


def tax_authorities(tx: Transaction) -> list[Institution]:
    """Every tax authority of the database, by code."""
    return [party for party in rows.institutions(tx) if party.kind is InstitutionKind.TAX_AUTHORITY]


def tax_authority(tx: Transaction, code: str | None) -> Institution:
    """The tax authority of that code, or the scheme's default one for None.

    Raises ``NotFoundError`` (``tax_authority_not_found``).
    """
    if code is None:
        code = tx.rulebook.scheme.authority.code
    found_one = rows.institution(tx, InstitutionKind.TAX_AUTHORITY, code.strip())
    if found_one is None:
        raise NotFoundError("tax_authority_not_found", authority=identifiers.check_authority_code(code))
    return found_one


def treasury(tx: Transaction, code: str) -> Institution:
    """The treasury of that code; raises ``NotFoundError`` (``treasury_not_found``)."""
    found_one = rows.institution(tx, InstitutionKind.TREASURY, code)
    if found_one is None:
        raise NotFoundError("treasury_not_found", treasury=code)
    return found_one


def authorities_of(tx: Transaction, treasury: str) -> frozenset[str]:
    """The codes of the tax authorities that collect for a treasury."""
    return frozenset(party.code for party in rows.institutions(tx) if party.treasury == treasury)


def enforcer(tx: Transaction, party: str) -> Institution:
    """The court, public security organ or anti-fraud centre of a name such as ``court:CT440784``.

    Raises ``InvalidInputError`` (``enforcer_malformed``) and ``NotFoundError`` (``enforcer_not_found``).
    """
    said, _, code = party.strip().partition(":")
    kind = said.strip().lower().replace("-", "_")
    if kind not in ENFORCERS or not _CODE.fullmatch(code.strip().upper()):
        raise InvalidInputError("enforcer_malformed", value=party)
    found_one = rows.institution(tx, InstitutionKind(kind), code.strip().upper())
    if found_one is None:
        raise NotFoundError("enforcer_not_found", party=f"{kind}:{code.strip().upper()}")
    return found_one


def record_identity(
    tx: Transaction,
    keyring: Keyring,
    *,
    custodian: str,
    kind: IdentityKind,
    name: str | None,
    id_number: str | None,
    phone: str | None,
    subject_id: str | None = None,
) -> Identity:
    """Find or seal away an identity that the party ``custodian`` took; only its key opens it again.

    The same kind, name, id number and phone are the same identity.  ``subject_id`` is whose key seals it,
    where that is not whoever bears the number.  Raises ``InvalidInputError`` for a malformed name, id number
    or phone.
    """
    name, id_number, phone = checked_identity(
        kind=kind, name=name, id_number=id_number, phone=phone, on=tx.now.date()
    )
    if subject_id is None:
        subject_id = subject_of(keyring, kind, id_number if kind is not IdentityKind.PHONE else phone)
    plain = sealed.plain_text(kind, name, id_number, phone)
    digest = sealed.look_up_digest(keyring, custodian, subject_id, plain)
    identity_id = rows.identity_by_digest(tx, custodian, digest)
    if identity_id is None:
        identity_id = tx.ids.number("I", tx.now)
        box = sealed.sealed(
            plain,
            key=_data_key(tx, keyring, subject_id, custodian),
            identity_id=identity_id,
            custodian=custodian,
            random_bytes=tx.ids.random_bytes,
        )
        rows.insert_identity(
            tx,
            identity_id=identity_id,
            subject_id=subject_id,
            custodian=custodian,
            kind=kind,
            digest=digest,
            box=box,
        )
    return Identity(identity_id, subject_id, kind, name, id_number, phone)


def check_same_name(tx: Transaction, keyring: Keyring, identity: Identity) -> None:
    """Whoever bears an id number has one name: ``holder_name_differs`` where it is known under another.

    Every party that knows the number is asked, answers yes or no out of its own records, and tells nothing.
    """
    for known in rows.identities_of(tx, identity.subject_id):
        other = open_identity(tx, keyring, known)
        if other.id_number != identity.id_number or other.kind is not identity.kind:
            continue  # what a holder entered of somebody else in an agreement
        if other.name and identity.name and fold_name(other.name) != fold_name(identity.name):
            raise RejectedError("holder_name_differs")


def forget(tx: Transaction, identity_id: str) -> None:
    """Take out a record that nothing refers to any more."""
    rows.delete_identity(tx, identity_id)


def erase(tx: Transaction, subject_id: str) -> int:
    """Destroy every key of a subject, with the boxes they open and the digests they are found by; how many.

    The records stay, and so does the keyed pseudonym: what was done once for a subject (a yearly refund) is
    still known to have been done.  Whoever comes back is recorded afresh.
    """
    return rows.erase_subject(tx, subject_id)


def open_identity(tx: Transaction, keyring: Keyring, identity_id: str) -> Identity:
    """Unseal an identity that a record refers to, with the key of whoever took it.

    Once its subject was erased it comes without name, id number and phone.
    """
    return sealed.opened(keyring, identity_id, *rows.identity(tx, identity_id))


def _data_key(tx: Transaction, keyring: Keyring, subject_id: str, custodian: str) -> bytes:
    """The key that seals what a custodian took of a subject, made when it is first needed."""
    known = rows.wrapped_key(tx, subject_id, custodian)
    if known is not None:
        return sealed.unwrapped(keyring, subject_id, custodian, known)
    data_key = tx.ids.random_bytes(32)
    box = sealed.wrapped(
        data_key,
        keyring,
        subject_id=subject_id,
        custodian=custodian,
        random_bytes=tx.ids.random_bytes,
    )
    rows.insert_key(tx, subject_id=subject_id, custodian=custodian, key=box)
    return data_key
