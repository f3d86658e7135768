"""Institutions, identities, and the rules about names."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from ecny_tax import identifiers
from ecny_tax.errors import InvalidInputError

MAX_NAME = 100
#: What stands in documents in the place of a name, id number or phone whose key was destroyed (已删除).
ERASED = "(erased)"
ERASED_ZH = "（已删除）"

#: Full-width forms (U+FF01 to U+FF5E and the ideographic space) and their half-width twins.
_HALF_WIDTH = {0x3000: " ", **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}}


class InstitutionKind(StrEnum):
    CENTRAL_BANK = "central_bank"  # 人民银行
    OPERATOR = "operator"  # 运营机构
    TAX_AUTHORITY = "tax_authority"  # 税务机关
    TREASURY = "treasury"  # 国库
    COURT = "court"  # 法院
    PUBLIC_SECURITY = "public_security"  # 公安机关
    ANTI_FRAUD_CENTRE = "anti_fraud_centre"  # 反诈中心


#: Those that act under law on wallets which are not theirs; more of them can be added.
ENFORCERS = (InstitutionKind.COURT, InstitutionKind.PUBLIC_SECURITY, InstitutionKind.ANTI_FRAUD_CENTRE)


class IdentityKind(StrEnum):
    COMPANY = "company"  # 单位，统一社会信用代码
    PERSON = "person"  # 个人，公民身份号码
    PHONE = "phone"  # 仅手机号，匿名


@dataclass(frozen=True, slots=True)
class Institution:
    """A central bank, operator, authority, treasury, court …; all of it is public knowledge."""

    kind: InstitutionKind
    code: str
    name_zh: str
    name_en: str
    #: Of an operator: the two digits inside its wallet ids.
    digits: str | None
    #: Of a tax authority: the code of the treasury it collects for.
    treasury: str | None
    public_key: bytes = field(repr=False, metadata={"internal": True})

    @property
    def party(self) -> str:
        """Its name among all parties, as keys and custodians bear it: ``operator:ICBC``."""
        return f"{self.kind}:{self.code}"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a wallet holder or taxpayer (纳税人) is; class IV holders have a phone and nothing else.

    ``subject_id`` is the pseudonym of the person or body: the same for every spelling of the name.
    ``erased`` says that its key was destroyed: nobody can tell any more who it was.
    """

    identity_id: str
    subject_id: str
    kind: IdentityKind
    name: str | None = field(default=None, repr=False)
    id_number: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    erased: bool = False

    @property
    def shown_name(self) -> str:
        """The name as papers print it: empty where there is none."""
        return ERASED if self.erased else self.name or ""

    @property
    def shown_id_number(self) -> str:
        return ERASED if self.erased else self.id_number or ""


@dataclass(frozen=True, slots=True)
class Taxpayer:
    """Whom a declaration or refund is for (纳税人), without a name."""

    identity_id: str
    subject_id: str
    is_person: bool


def checked_identity(
    *, kind: IdentityKind, name: str | None, id_number: str | None, phone: str | None, on: date
) -> tuple[str | None, str | None, str | None]:
    """Name, id number and phone in canonical form; raises ``InvalidInputError`` for a malformed one."""
    if kind is IdentityKind.PHONE:
        name = id_number = None
    if name is not None:
        name = name.strip()
        if not 0 < len(name) <= MAX_NAME or not identifiers.is_text(name) or fold_name(name) in _RESERVED:
            raise InvalidInputError("name_malformed", value=name)
    if id_number is not None:
        if kind is IdentityKind.COMPANY:
            id_number = identifiers.check_uscc(id_number)
        else:
            id_number = identifiers.check_resident_id(id_number, on=on)
    if phone is not None:
        phone = identifiers.check_phone(phone)
    return name, id_number, phone


def fold_name(name: str) -> str:
    """A name with full-width characters folded to half-width, as operators compare names."""
    return name.translate(_HALF_WIDTH).strip()


#: Nobody is called what stands for a name that was erased.
_RESERVED = {fold_name(ERASED), fold_name(ERASED_ZH)}
