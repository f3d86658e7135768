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
from ecny_tax.store.transaction import Row, Transaction

Answer = TypeVar("Answer")
MAX_KEY = 255
#: The columns of an answered request ``q``, which :func:`outcome_of` reads.
COLUMNS = ("q.digest", "q.answer", "q.record")


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
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


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
    check_key(request.key)
    row = tx.row(
        f"SELECT {', '.join(COLUMNS)} FROM answered_request q"
        " WHERE q.operation = :operation AND q.actor = :actor AND q.key = :key",
        operation=request.operation,
        actor=request.actor,
        key=request.key,
    )
    return None if row is None else outcome_of(row, request, kind)


def check_key(key: str | None) -> None:
    """Raises ``InvalidInputError`` (``idempotency_key_malformed``)."""
    if key is not None and not (0 < len(key) <= MAX_KEY and key.isprintable() and is_text(key)):
        raise InvalidInputError("idempotency_key_malformed", value=key)


def outcome_of(row: Row, request: Request, kind: type[Answer]) -> Answer | Unanswered | None:
    """What came of a request that was found as :data:`COLUMNS`; None where nothing was found."""
    digest, answer, record = row
    if digest is None:
        return None
    if digest != request.digest:
        raise ConflictError("idempotency_conflict", key=request.key, operation=request.operation)
    if answer is None:
        return Unanswered(record)
    from pydantic import TypeAdapter  # imported late: only a replay needs it

    return TypeAdapter(kind).validate_json(answer)


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
    kept = tx.row(
        "INSERT INTO answered_request (operation, actor, key, digest, answer, record, at)"
        " VALUES (:operation, :actor, :key, :digest, :answer, :record, :at)"
        " ON CONFLICT (operation, actor, key) DO UPDATE SET answer = excluded.answer,"
        " record = excluded.record, at = excluded.at WHERE answered_request.answer IS NULL"
        " RETURNING at",
        operation=request.operation,
        actor=request.actor,
        key=request.key,
        digest=request.digest,
        answer=answer,
        record=record,
        at=micros(tx.now),
    )
    if kept is None:
        tx.be_alone()  # the same actor has used the key at the same time, with another wallet


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
