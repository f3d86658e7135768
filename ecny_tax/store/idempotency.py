"""Idempotency keys: a request that comes again is answered from the first run.

A key belongs to one operation of one acting party.  Only answers are remembered: a refusal leaves nothing,
so the same key is judged anew.  A request whose outcome is not known is remembered by the record that will
tell.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

from ecny_tax.clock import micros
from ecny_tax.errors import ConflictError, InvalidInputError
from ecny_tax.identifiers import is_text
from ecny_tax.store.transaction import Transaction

Answer = TypeVar("Answer")
MAX_KEY = 255


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked: the operation, who acts, the caller's key (or None), and the content asked for."""

    operation: str
    actor: str
    key: str | None
    content: tuple[object, ...]

    @property
    def digest(self) -> bytes:
        text = json.dumps(self.content, default=_plain, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).digest()


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A request that was taken without an answer: what came of it shows in the record of that number."""

    record: str


def earlier_answer(tx: Transaction, request: Request, kind: type[Answer]) -> Answer | None:
    """What was answered to this request before, or None.

    Raises as :func:`earlier_outcome`, which also tells of requests that were taken without an answer.
    """
    outcome = earlier_outcome(tx, request, kind)
    return None if isinstance(outcome, Unanswered) else outcome


def earlier_outcome(tx: Transaction, request: Request, kind: type[Answer]) -> Answer | Unanswered | None:
    """What came of this request before, or None.

    Raises ``ConflictError`` (``idempotency_conflict``) when the key was used for other content, and
    ``InvalidInputError`` (``idempotency_key_malformed``).
    """
    if request.key is None:
        return None
    if not 0 < len(request.key) <= MAX_KEY or not (request.key.isprintable() and is_text(request.key)):
        raise InvalidInputError("idempotency_key_malformed", value=request.key)
    row = tx.row(
        "SELECT digest, answer, record FROM answered_request"
        " WHERE operation = :operation AND actor = :actor AND key = :key",
        operation=request.operation,
        actor=request.actor,
        key=request.key,
    )
    if row is None:
        return None
    if row[0] != request.digest:
        raise ConflictError("idempotency_conflict", key=request.key, operation=request.operation)
    if row[1] is None:
        return Unanswered(row[2])
    from pydantic import TypeAdapter  # imported late: only a replay needs it

    return TypeAdapter(kind).validate_json(row[1])


def remember(tx: Transaction, request: Request, answer: Answer) -> Answer:
    """Keep the answer with its key, in the transaction that made it true; return the answer."""
    if request.key is not None:
        _keep(tx, request, json.dumps(answer, default=_plain, ensure_ascii=False), None)
    return answer


def remember_unanswered(tx: Transaction, request: Request, record: str) -> None:
    """Keep that the request was taken, and which record will show what comes of it."""
    if request.key is not None:
        _keep(tx, request, None, record)


def _keep(tx: Transaction, request: Request, answer: str | None, record: str | None) -> None:
    """One row a key; only one without an answer gives way to another."""
    tx.run(
        "INSERT INTO answered_request (operation, actor, key, digest, answer, record, at)"
        " VALUES (:operation, :actor, :key, :digest, :answer, :record, :at)"
        " ON CONFLICT (operation, actor, key) DO UPDATE SET answer = excluded.answer,"
        " record = excluded.record, at = excluded.at WHERE answered_request.answer IS NULL",
        operation=request.operation,
        actor=request.actor,
        key=request.key,
        digest=request.digest,
        answer=answer,
        record=record,
        at=micros(tx.now),
    )


def hand_over(tx: Transaction, *, actor: str, to: str) -> None:
    """The acting party is known by another name from now on: its keys go with it."""
    tx.run(
        "UPDATE answered_request SET actor = :to WHERE actor = :actor AND NOT EXISTS (SELECT 1"
        " FROM answered_request o WHERE o.operation = answered_request.operation AND o.actor = :to"
        " AND o.key = answered_request.key)",
        actor=actor,
        to=to,
    )


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"cannot write {type(value).__name__} as JSON")
