"""Who asks over HTTP: the parties that an API key can stand for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from ecny_tax import identifiers
from ecny_tax.crypto.keyring import Keyring
from ecny_tax.errors import InvalidInputError
from ecny_tax.parties import service as parties
from ecny_tax.parties.model import IdentityKind
from ecny_tax.store import Transaction


class Role(StrEnum):
    """As what somebody asks."""

    ADMIN = "admin"  # 管理员: the operator of the sandbox itself, who may do everything
    AUDITOR = "auditor"  # 审计: reads all records, and nobody's name
    OPERATOR = "operator"  # 运营机构
    TAX_AUTHORITY = "tax_authority"  # 税务机关
    TREASURY = "treasury"  # 国库
    TAXPAYER = "taxpayer"  # 纳税人


#: Those who act for everybody, and bear no code.
EVERYBODYS = (Role.ADMIN, Role.AUDITOR)
#: What is open to every party, admin apart, who may always.
ANYBODY = tuple(role for role in Role if role is not Role.ADMIN)
_INSTITUTION = {
    Role.OPERATOR: parties.operator,
    Role.TAX_AUTHORITY: parties.tax_authority,
    Role.TREASURY: parties.treasury,
}
_PHONE = re.compile("1[0-9]{10}")
_RESIDENT_ID = re.compile("[0-9]{6}(?:19|20)[0-9]{9}[0-9Xx]")  # a USCC has no year of birth in its middle
_MAX_PARTY = 60


@dataclass(frozen=True, slots=True)
class Party:
    """Who an API key stands for; ``code`` is that of the institution, the taxpayer's pseudonym, or empty."""

    role: Role
    code: str = ""

    def __str__(self) -> str:
        return f"{self.role}:{self.code}" if self.code else str(self.role)


def read_party(text: str) -> Party:
    """A party as :class:`Party` writes it, from the database."""
    role, _, code = text.partition(":")
    return Party(Role(role), code)


def named_party(tx: Transaction, keyring: Keyring, text: str) -> Party:
    """The party that somebody names: ``admin``, ``auditor``, ``operator:CODE``, ``tax-authority:CODE``,
    ``treasury:CODE``, or ``taxpayer:ID`` with a USCC, a resident id or, of an anonymous holder, a phone.

    A taxpayer need not have a wallet yet; an institution must be one of the scheme.  Raises
    ``InvalidInputError`` (``api_party_malformed``, or what is wrong with the code or id).
    """
    said, _, code = text.strip().partition(":")
    name, code = said.strip().lower().replace("-", "_"), code.strip()
    if len(text) > _MAX_PARTY or name not in tuple(Role) or (name in EVERYBODYS) is bool(code):
        raise InvalidInputError("api_party_malformed", value=text)
    role = Role(name)
    if role is Role.TAXPAYER:
        return Party(role, subject_named(tx, keyring, code))
    if role in _INSTITUTION:
        return Party(role, _INSTITUTION[role](tx, code).code)
    return Party(role)


def subject_named(tx: Transaction, keyring: Keyring, number: str) -> str:
    """The pseudonym of whoever bears this id number or phone."""
    if _PHONE.fullmatch(number):
        return parties.subject_of(keyring, IdentityKind.PHONE, identifiers.check_phone(number))
    if _RESIDENT_ID.fullmatch(number):
        checked = identifiers.check_resident_id(number, on=tx.now.date())
        return parties.subject_of(keyring, IdentityKind.PERSON, checked)
    return parties.subject_of(keyring, IdentityKind.COMPANY, identifiers.check_uscc(number))
