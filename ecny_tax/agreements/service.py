"""Signing, verifying, locking, terminating and exporting three-party agreements."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ecny_tax import strict_json
from ecny_tax.agreements import model, rows
from ecny_tax.agreements.model import (
    CONTENT_TYPE,
    Agreement,
    AgreementCheck,
    AgreementStatus,
    Verification,
)
from ecny_tax.clock import rfc3339
from ecny_tax.crypto.keyring import Keyring
from ecny_tax.errors import (
    ConflictError,
    NotFoundError,
    RejectedError,
    VerificationError,
)
from ecny_tax.identifiers import is_text
from ecny_tax.parties import service as parties
from ecny_tax.parties.model import Identity, IdentityKind, Institution
from ecny_tax.store import Store, Transaction
from ecny_tax.wallets import service as wallets
from ecny_tax.wallets.disclosure import disclose, note_entered
from ecny_tax.wallets.model import Wallet, check_is_parent, check_not_closed

if TYPE_CHECKING:
    from ecny_tax.crypto.signatures import PublishedKeys

#: The first line of an exported agreement.
FORMAT = "ecny-tax agreement 1"
_EXPORT_KEYS = {"format", "agreement_no", "status", "document", "signatures", "operator_answer"}
_MAX_NUMBER = 60


class Agreements:
    """The three-party agreements (三方协议)."""

    def __init__(self, store: Store, keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring

    def sign(
        self,
        *,
        wallet_id: str,
        authority: str | None = None,
        taxpayer_name: str | None = None,
        taxpayer_id: str | None = None,
        batch_debit: bool = False,
    ) -> Agreement:
        """Sign with all three keys, then have the operator verify.

        Name and id of the taxpayer default to the wallet holder's.  Where the operator refuses, the
        agreement stays as ``verification_failed`` and ``RejectedError`` carries the operator's code
        (``agreement_name_mismatch``, …) and the agreement number; the wallet may sign anew.  A nameless
        wallet signs nothing (``wallet_without_name``); neither does a wallet that has a verified (or locked)
        agreement with the authority already (``agreement_exists``).
        """
        with self._store.transaction() as tx:
            wallet = wallets.load(tx, wallet_id)
            check_is_parent(wallet)
            check_not_closed(wallet)
            if not wallet.is_named:
                raise RejectedError("wallet_without_name", wallet_id=wallet.wallet_id)
            office = parties.tax_authority(tx, authority)
            holder = parties.open_identity(tx, self._keyring, wallet.identity_id)
            taxpayer = self._taxpayer(tx, office, wallet, holder, taxpayer_name, taxpayer_id)
            if rows.standing(tx, authority=office.code, wallet_id=wallet.wallet_id):
                raise ConflictError("agreement_exists", wallet_id=wallet.wallet_id, authority=office.code)
            agreement, digest = self._signed(tx, wallet, office.code, taxpayer, batch_debit)
            rows.insert(tx, agreement)
            asked = Verification(
                agreement.agreement_no,
                agreement.authority,
                wallet.operator,
                wallet.wallet_id,
                taxpayer.name or "",
                taxpayer.id_number or "",
            )
            code = model.refusal_code(agreement, wallet, holder, asked)
            status = _answered(code)
            answer = self._answer(tx, agreement, digest, status, code)
            rows.set_answer(tx, agreement.agreement_no, status, code=code, answer=answer)
            if code is None:
                note_entered(tx, wallet, taxpayer, office)
            agreement = load(tx, agreement.agreement_no)
        if code is not None:
            raise RejectedError(code, agreement_no=agreement.agreement_no)
        return agreement

    def verify_with_operator(self, asked: Verification) -> None:
        """Ask the operator again about an agreement (message 9114, answered by 9115); changes nothing.

        Raises ``RejectedError`` with the code of the operator's first check that fails, or
        ``NotFoundError`` for an agreement number or wallet that it does not know; ``agreement_names_erased``
        where it can compare no more.
        """
        with self._store.reading() as tx:
            agreement = rows.agreement(tx, asked.agreement_no)
            if agreement is None:
                raise NotFoundError("agreement_not_found", agreement_no=asked.agreement_no)
            wallet = wallets.load(tx, agreement.wallet_id)
            holder = parties.open_identity(tx, self._keyring, wallet.identity_id)
        if holder.erased:
            raise RejectedError("agreement_names_erased", agreement_no=asked.agreement_no)
        code = model.refusal_code(agreement, wallet, holder, asked)
        if code is not None:
            raise RejectedError(code, agreement_no=asked.agreement_no)

    def show(self, *, agreement_no: str) -> Agreement:
        """One agreement; raises ``NotFoundError`` (``agreement_not_found``)."""
        with self._store.reading() as tx:
            return load(tx, agreement_no)

    def list(self) -> tuple[Agreement, ...]:
        """Every agreement, oldest first."""
        with self._store.reading() as tx:
            return tuple(rows.agreements(tx))

    def terminate(self, *, agreement_no: str) -> Agreement:
        """End an agreement for good; no debit under it any more."""
        return self._change(
            agreement_no, AgreementStatus.TERMINATED, (AgreementStatus.VERIFIED, AgreementStatus.LOCKED)
        )

    def lock(self, *, agreement_no: str) -> Agreement:
        """Lock a verified agreement: debits are refused until :meth:`unlock`."""
        return self._change(agreement_no, AgreementStatus.LOCKED, (AgreementStatus.VERIFIED,))

    def unlock(self, *, agreement_no: str) -> Agreement:
        """Make a locked agreement usable again."""
        return self._change(agreement_no, AgreementStatus.VERIFIED, (AgreementStatus.LOCKED,))

    def export(self, *, agreement_no: str) -> str:
        """The signed agreement as a JSON text that :func:`check_export` can check without this database.

        Raises ``agreement_not_found``, and ``agreement_names_erased``: what was signed had a name in it, and
        without that no copy would verify.
        """
        with self._store.reading() as tx:
            agreement = load(tx, agreement_no)
            wallet = wallets.load(tx, agreement.wallet_id)
            taxpayer = parties.open_identity(tx, self._keyring, agreement.identity_id)
        if taxpayer.erased:
            raise RejectedError("agreement_names_erased", agreement_no=agreement_no)
        text = {
            "format": FORMAT,
            "agreement_no": agreement.agreement_no,
            "status": _answered(agreement.code),
            "document": _document(agreement, wallet, taxpayer),
            "signatures": agreement.signatures.hex(),
            "operator_answer": (agreement.answer or b"").hex(),
        }
        return json.dumps(text, ensure_ascii=False, indent=2)

    def _change(
        self, agreement_no: str, status: AgreementStatus, allowed: tuple[AgreementStatus, ...]
    ) -> Agreement:
        with self._store.transaction() as tx:
            agreement = load(tx, agreement_no)
            if agreement.status not in allowed:
                raise RejectedError(
                    "agreement_state_not_normal", agreement_no=agreement_no, status=agreement.status
                )
            rows.set_status(tx, agreement_no, status)
            return load(tx, agreement_no)

    def _taxpayer(
        self,
        tx: Transaction,
        office: Institution,
        wallet: Wallet,
        holder: Identity,
        name: str | None,
        id_number: str | None,
    ) -> Identity:
        """The taxpayer as entered, as the authority keeps it; what is not entered is the wallet holder's.

        It is sealed with the holder's key whatever was entered, since it is the holder who did.
        """
        if name is None and id_number is None:
            return parties.open_identity(tx, self._keyring, disclose(tx, self._keyring, wallet, office))
        kind = holder.kind
        if id_number is not None and kind is IdentityKind.PERSON and id_number.strip().startswith("92"):
            kind = IdentityKind.COMPANY  # a sole trader's own code, on the person's wallet
        return parties.record_identity(
            tx,
            self._keyring,
            custodian=office.party,
            kind=kind,
            name=holder.name if name is None else name,
            id_number=holder.id_number if id_number is None else id_number,
            phone=None,
            subject_id=wallet.subject_id,
        )

    def _signed(
        self, tx: Transaction, wallet: Wallet, authority: str, taxpayer: Identity, batch_debit: bool
    ) -> tuple[Agreement, bytes]:
        """The new agreement with the signatures of taxpayer's wallet, tax authority and operator, and the
        digest of what they signed."""
        from ecny_tax.crypto.signatures import encode, sign_many

        agreement = Agreement(
            agreement_no=tx.ids.number("A", tx.now),
            wallet_id=wallet.wallet_id,
            operator=wallet.operator,
            authority=authority,
            status=AgreementStatus.ONLINE_UNVERIFIED,
            code=None,
            batch_debit=batch_debit,
            signed_at=tx.now,
            verified_at=None,
            ended_at=None,
            identity_id=taxpayer.identity_id,
            subject_id=wallet.subject_id,
            signatures=b"",
            answer=None,
        )
        payload = encode(_document(agreement, wallet, taxpayer))
        keys = [self._keyring.signing_key(role, party) for role, party in _signers(agreement)]
        signed = replace(agreement, signatures=sign_many(payload, keys, CONTENT_TYPE))
        return signed, hashlib.sha256(payload).digest()

    def _answer(
        self, tx: Transaction, agreement: Agreement, digest: bytes, status: AgreementStatus, code: str | None
    ) -> bytes:
        """The operator's signed answer to the verification; it names the document by its digest."""
        from ecny_tax.crypto.signatures import encode, sign_one

        content = {
            "agreement_no": agreement.agreement_no,
            "answered_at": rfc3339(tx.now),
            "code": code or "",
            "document": digest,
            "status": status,
        }
        key = self._keyring.signing_key("operator", agreement.operator)
        return sign_one(encode(content), key, model.ANSWER_TYPE)


def load(tx: Transaction, agreement_no: str) -> Agreement:
    """The agreement of that number; raises ``NotFoundError`` (``agreement_not_found``)."""
    agreement = rows.agreement(tx, agreement_no) if len(agreement_no) <= _MAX_NUMBER else None
    if agreement is None:
        raise NotFoundError("agreement_not_found", agreement_no=agreement_no)
    return agreement


def check_export(text: str, published: Mapping[str, str]) -> AgreementCheck:
    """Check an exported agreement with nothing but the published keys (name → 64 hex digits).

    Answers, and does not raise, for any text whatever: ``reason`` says what is wrong with it.
    """
    from ecny_tax.crypto.signatures import encode, key_reader, verify_many

    key_of = key_reader(published)
    number = None
    try:
        number, claimed, content, signatures, answer = _read_export(text)
        payload = encode(content)
        signers = verify_many(signatures, payload, CONTENT_TYPE, key_of)
        if signers != [f"{role}:{content.get(field)}" for role, field in _ROLES]:
            raise VerificationError("signers_differ", signers=", ".join(signers))
        status = _answered_status(answer, payload, signers[-1], key_of)
        if (number, claimed) != (content.get("agreement_no"), status):
            raise VerificationError("document_differs_from_signature")
    except VerificationError as error:
        return AgreementCheck(False, number, None, (), error.message())
    return AgreementCheck(True, number, status, tuple(signers), None)


def _answered_status(answer: bytes, payload: bytes, operator: str, key_of: PublishedKeys) -> str:
    """The status in the operator's answer, which must be about this very document."""
    from ecny_tax.crypto.signatures import decode, verify_one

    signer, content = verify_one(answer, model.ANSWER_TYPE, key_of)
    parsed = decode(content)
    if signer != operator:
        raise VerificationError("signers_differ", signers=signer)
    if not isinstance(parsed, dict) or parsed.get("document") != hashlib.sha256(payload).digest():
        raise VerificationError("document_differs_from_signature")
    return str(parsed.get("status"))


def _answered(code: str | None) -> AgreementStatus:
    """The status that the operator's answer gives an agreement."""
    return AgreementStatus.VERIFIED if code is None else AgreementStatus.VERIFICATION_FAILED


#: Who signs, and which field of the document names them.
_ROLES = (("wallet", "wallet_id"), ("tax_authority", "authority"), ("operator", "operator"))


def _signers(agreement: Agreement) -> list[tuple[str, str]]:
    return [(role, getattr(agreement, field)) for role, field in _ROLES]


def _document(agreement: Agreement, wallet: Wallet, taxpayer: Identity) -> dict[str, object]:
    return model.document(
        agreement_no=agreement.agreement_no,
        wallet=wallet,
        authority=agreement.authority,
        taxpayer=taxpayer,
        batch_debit=agreement.batch_debit,
        at=agreement.signed_at,
    )


def _read_export(text: str) -> tuple[str, str, dict[str, object], bytes, bytes]:
    try:
        parsed = strict_json.loads(text)
        if not isinstance(parsed, dict) or set(parsed) != _EXPORT_KEYS or parsed["format"] != FORMAT:
            raise ValueError
        content = parsed["document"]
        for value in (parsed["agreement_no"], parsed["status"], *content, *content.values()):
            if not isinstance(value, bool) and not (isinstance(value, str) and is_text(value)):
                raise ValueError
        signatures, answer = (bytes.fromhex(parsed[key]) for key in ("signatures", "operator_answer"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise VerificationError("document_malformed", reason="it is not an exported agreement") from None
    return parsed["agreement_no"], parsed["status"], content, signatures, answer
