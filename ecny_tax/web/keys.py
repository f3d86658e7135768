"""API keys: made once, shown once, kept as a digest; each stands for one party."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime

from ecny_tax.errors import NotFoundError, RejectedError
from ecny_tax.sandbox import Sandbox
from ecny_tax.web import rows, webhook_rows
from ecny_tax.web.rights import Party, Role, named_party, read_party
from ecny_tax.web.webhook_model import KEY_REVOKED

#: How every key begins, so that whoever finds one knows what it opens: a sandbox, and no money.
PREFIX = "ecny_sandbox_"
_MAX_KEY = 200


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as the sandbox knows it; ``party`` is whom it stands for, a taxpayer by pseudonym."""

    key_id: str
    party: str
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key that was just made: ``api_key`` is shown this once."""

    api_key: str = field(repr=False)
    key_id: str
    party: str


def create_key(sandbox: Sandbox, *, party: str) -> NewApiKey:
    """Make a key for ``admin``, ``auditor``, ``operator:CODE``, ``tax-authority:CODE``, ``treasury:CODE`` or
    ``taxpayer:ID``.

    Raises ``InvalidInputError`` (``api_party_malformed``, or what is wrong with the code or the id) and
    ``NotFoundError`` for an institution that the scheme does not have.
    """
    with sandbox.store.untimed() as tx:
        whom = named_party(tx, sandbox.keyring, party)
        secret = f"{PREFIX}{secrets.token_urlsafe(32)}"  # never from the seed: whoever knows it would guess
        key_id = f"K{secrets.token_hex(8).upper()}"
        rows.insert_key(tx, key_id, _digest(secret), str(whom))
        return NewApiKey(secret, key_id, str(whom))


def list_keys(sandbox: Sandbox) -> tuple[ApiKey, ...]:
    """Every key, oldest first, without what opens."""
    with sandbox.store.reading() as tx:
        return tuple(ApiKey(*row) for row in rows.keys(tx))


def revoke_key(sandbox: Sandbox, *, key_id: str) -> ApiKey:
    """Let a key open nothing from now on, and end the webhooks that were made with it.

    Raises ``NotFoundError`` (``api_key_not_found``).
    """
    with sandbox.store.untimed() as tx:
        if not rows.revoke_key(tx, key_id):
            raise NotFoundError("api_key_not_found", key_id=key_id)
        webhook_rows.disable_of_key(tx, key_id, KEY_REVOKED)
        return next(ApiKey(*row) for row in rows.keys(tx) if row[0] == key_id)


def open_with(sandbox: Sandbox, secret: str | None) -> tuple[str, Party]:
    """The id of a key, and whom it stands for; raises ``RejectedError`` (``api_key_missing``,
    ``api_key_unknown``)."""
    if not secret:
        raise RejectedError("api_key_missing")
    if len(secret) > _MAX_KEY:
        raise RejectedError("api_key_unknown")
    with sandbox.store.reading() as tx:
        found = rows.key_of(tx, _digest(secret))
    if found is None:
        raise RejectedError("api_key_unknown")
    key_id, party = found
    return key_id, read_party(party)


def check_role(party: Party, roles: tuple[Role, ...]) -> None:
    """Raises ``RejectedError`` (``not_permitted``) for a party that is none of these, nor admin."""
    if party.role is not Role.ADMIN and party.role not in roles:
        raise RejectedError("not_permitted", party=party.role)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
