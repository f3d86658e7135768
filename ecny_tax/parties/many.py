"""Recording and opening the identities of many people in a few statements, as one by one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ecny_tax.crypto.keyring import Keyring
from ecny_tax.parties import rows, sealed
from ecny_tax.parties.model import Identity, IdentityKind, checked_identity
from ecny_tax.store import Transaction


class _Taken(NamedTuple):
    identity: Identity
    custodian: str
    plain: str
    digest: bytes


class Takings:
    """What parties take of many people: found where it is known, and written at once in the end.

    The answers are those of ``service.record_identity``.  What was found new is written only where it is
    kept, so that whoever is refused leaves nothing.
    """

    def __init__(self, tx: Transaction, keyring: Keyring, subjects: Iterable[str]) -> None:
        """``subjects`` are the pseudonyms of all whose identities will be asked for."""
        self._tx = tx
        self._keyring = keyring
        asked = list(dict.fromkeys(subjects))
        self._known = {
            (custodian, digest): identity_id
            for identity_id, _subject, custodian, digest in rows.digests_of(tx, asked)
        }
        self._keys = {(subject, custodian): box for subject, custodian, box in rows.wrapped_keys(tx, asked)}
        self._new: dict[str, _Taken] = {}
        self._kept: list[_Taken] = []

    def find(
        self,
        *,
        custodian: str,
        kind: IdentityKind,
        name: str | None,
        id_number: str | None,
        phone: str | None,
        subject_id: str,
    ) -> Identity:
        """The identity that a custodian knows or, once it is kept, will know; the values are canonical."""
        plain = sealed.plain_text(kind, name, id_number, phone)
        digest = sealed.look_up_digest(self._keyring, custodian, subject_id, plain)
        known = self._known.get((custodian, digest))
        number = self._tx.ids.number("I", self._tx.now) if known is None else known
        identity = Identity(number, subject_id, kind, name, id_number, phone)
        if known is None:
            self._new[number] = _Taken(identity, custodian, plain, digest)
        return identity

    def keep(self, identity: Identity) -> None:
        """Write this one, if it is new; from now on it is known."""
        taken = self._new.pop(identity.identity_id, None)
        if taken is not None:
            self._known[taken.custodian, taken.digest] = identity.identity_id
            self._kept.append(taken)

    def write(self) -> None:
        """Seal and write what was kept."""
        random_bytes = self._tx.ids.random_bytes
        new_keys: list[tuple[str, str, bytes]] = []
        data_keys: dict[tuple[str, str], bytes] = {}
        records = []
        for identity, custodian, plain, digest in self._kept:
            whose = identity.subject_id, custodian
            if whose not in data_keys:
                box = self._keys.get(whose)
                if box is None:
                    data_keys[whose] = random_bytes(32)
                    box = sealed.wrapped(
                        data_keys[whose],
                        self._keyring,
                        subject_id=whose[0],
                        custodian=custodian,
                        random_bytes=random_bytes,
                    )
                    new_keys.append((*whose, box))
                else:
                    data_keys[whose] = sealed.unwrapped(self._keyring, *whose, box)
            box = sealed.sealed(
                plain,
                key=data_keys[whose],
                identity_id=identity.identity_id,
                custodian=custodian,
                random_bytes=random_bytes,
            )
            records.append((identity.identity_id, whose[0], custodian, identity.kind.value, digest, box))
        rows.insert_keys(self._tx, new_keys)
        rows.insert_identities(self._tx, records)
        self._keys.update({(subject, custodian): box for subject, custodian, box in new_keys})
        self._kept.clear()


def canonical(
    tx: Transaction,
    keyring: Keyring,
    kind: IdentityKind,
    name: str | None,
    id_number: str | None,
    phone: str | None,
) -> Identity:
    """Values in canonical form, with the pseudonym of whoever bears them and no number yet.

    Raises ``InvalidInputError`` for a malformed name, id number or phone.
    """
    name, id_number, phone = checked_identity(
        kind=kind, name=name, id_number=id_number, phone=phone, on=tx.now.date()
    )
    number = phone if kind is IdentityKind.PHONE else id_number
    return Identity("", sealed.subject_of(keyring, kind, number), kind, name, id_number, phone)


def open_identities(tx: Transaction, keyring: Keyring, identity_ids: Sequence[str]) -> dict[str, Identity]:
    """Unseal identities that records refer to, by their numbers, as ``service.open_identity`` does one."""
    return {
        row[0]: sealed.opened(keyring, *row) for row in rows.identities(tx, list(dict.fromkeys(identity_ids)))
    }
