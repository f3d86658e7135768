"""What a legal instrument (法律文书) orders, and whether it covers what is asked; from values alone."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from ecny_tax.clock import rfc3339
from ecny_tax.errors import InvalidInputError, RejectedError
from ecny_tax.identifiers import check_wallet_id
from ecny_tax.money import Fen

MAX_DEPTH = 10
MAX_WALLETS = 64
MAX_CASE = 60
#: The most accounts and transfers that a trace names in one direction.
MOST_NODES, MOST_EDGES = 500, 2_000

_LONG_NUMBER = re.compile(r"\d{11}")  # as a phone or an id number is
#: What an instrument's number looks like: J, a date, and fourteen digits and letters.
_NUMBER = re.compile("J[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[0-9A-HJKMNP-TV-Z]{14}")
_Word = TypeVar("_Word", bound=StrEnum)


class InstrumentKind(StrEnum):
    TRACE = "trace"  # 溯源
    IDENTITY = "identity"  # 查询身份
    FREEZE = "freeze"  # 冻结
    UNFREEZE = "unfreeze"  # 解除冻结


class Opens(StrEnum):
    """What of a holder may be opened: the phone, or name and id number; of a class IV wallet the phone either
    way.  Never both of one holder, so that no instrument alone joins a class IV wallet's phone to a name.
    """

    PHONE = "phone"
    IDENTITY = "identity"


class Direction(StrEnum):
    """Where money went, where it came from, or both."""

    DOWN = "down"
    UP = "up"
    BOTH = "both"


class Action(StrEnum):
    """What an entry of the access log is about."""

    TRACE = "trace"
    IDENTIFY = "identify"
    OPEN_PHONE = "open_phone"
    OPEN_IDENTITY = "open_identity"
    STOP = "stop"
    RESUME = "resume"
    FREEZE = "freeze"
    UNFREEZE = "unfreeze"


@dataclass(frozen=True, slots=True)
class Instrument:
    """A legal instrument (法律文书) as its issuer signed it.

    ``wallets`` are those it is about.  A ``trace`` has a window (both ends included) and a depth in hops, and
    ``may_open`` something of the holders reached; an ``identity`` says that too.  ``follows`` is the number
    of an earlier instrument: of an ``identity`` the one that opened the phone of a class IV wallet, of an
    ``unfreeze`` the freeze that it lifts.
    """

    instrument_no: str
    issuer: str
    case_no: str
    kind: InstrumentKind
    wallets: tuple[str, ...]
    window_from: datetime | None
    window_to: datetime | None
    depth: int | None
    may_open: Opens | None
    follows: str | None
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class InstrumentCheck:
    """What an instrument says, and whether it was signed by its issuer: ``reason`` is the code why not."""

    instrument: Instrument
    valid: bool
    reason: str | None


@dataclass(frozen=True, slots=True)
class Node:
    """An account that a trace reached, by ``hop``: after 0 where money went, before 0 where it came from.

    ``goes_on`` says that the walk down reached it, and that money moved on from there beyond what the
    instrument covers; ``comes_from_beyond`` that the walk up did, and that money came there from beyond.  Of
    a holder there is what the instrument opens, and no more.
    """

    node: str
    kind: str
    account: str
    wallet_id: str | None
    wallet_class: str | None
    operator: str | None
    hop: int
    goes_on: bool
    comes_from_beyond: bool
    name: str | None = field(default=None, repr=False)
    id_number: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Edge:
    """A transfer that a trace followed, from one node to another; ``amount`` in fen."""

    from_node: str
    to_node: str
    kind: str
    amount: Fen
    at: datetime
    transfer_id: str
    reference: str


@dataclass(frozen=True, slots=True)
class Trace:
    """Where the money of a wallet went or came from (溯源), within what the instrument covers.

    ``truncated`` says that there was more than a trace names: ``MOST_NODES`` accounts, ``MOST_EDGES``
    transfers in a direction.
    """

    wallet_id: str
    direction: Direction
    instrument: Instrument
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    truncated: bool


@dataclass(frozen=True, slots=True)
class Person:
    """Who holds a wallet, as its operator's KYC took it."""

    wallet_id: str
    operator: str
    name: str | None = field(repr=False)
    id_number: str | None = field(repr=False)
    phone: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Identification:
    """What an ``identity`` instrument opened of a wallet; of a class IV one its phone, or who gave the same
    phone elsewhere (``same_phone``)."""

    wallet_id: str
    instrument_no: str
    phone: str | None = field(repr=False)
    name: str | None = field(repr=False)
    id_number: str | None = field(repr=False)
    same_phone: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class Access:
    """An entry of the access log (查阅日志); ``outcome`` is ``done`` or the code of the refusal."""

    entry: int
    at: datetime
    action: str
    wallet_id: str | None
    by: str | None
    instrument_no: str | None
    case_no: str | None
    asked: str
    outcome: str


def chosen(kind: type[_Word], value: str, code: str) -> _Word:
    """A word of a closed list; raises ``InvalidInputError`` with that code."""
    word = value.strip().lower()
    if word not in tuple(kind):
        raise InvalidInputError(code, value=value, known=" ".join(kind))
    return kind(word)


def in_scope(wallets: Sequence[str]) -> tuple[str, ...]:
    """The wallets of an instrument in their one order; raises ``InvalidInputError``."""
    found = tuple(sorted({check_wallet_id(wallet) for wallet in wallets}))
    if not 0 < len(found) <= MAX_WALLETS:
        raise InvalidInputError("instrument_wallets_malformed", value=len(found), limit=MAX_WALLETS)
    return found


def check_form(instrument: Instrument) -> None:
    """Whether an instrument says what one of its kind must say, and nothing else.

    Raises ``InvalidInputError``: ``case_malformed``, ``instrument_number_malformed``,
    ``instrument_depth_malformed``, ``instrument_window_reversed``, ``instrument_period_reversed``,
    ``instrument_scope_malformed``.
    """
    case = instrument.case_no
    if not (case.strip() == case != "") or len(case) > MAX_CASE or not case.isprintable():
        raise InvalidInputError("case_malformed", value=case, limit=MAX_CASE)
    if _LONG_NUMBER.search(_run_together(case)):
        raise InvalidInputError("case_malformed", value="…", limit=MAX_CASE)
    for number in (instrument.instrument_no, instrument.follows):
        if number is not None and not _NUMBER.fullmatch(number):
            raise InvalidInputError("instrument_number_malformed", value=number)
    if instrument.expires_at <= instrument.issued_at:
        raise InvalidInputError("instrument_period_reversed")
    _check_trace(instrument)
    is_identity = instrument.kind is InstrumentKind.IDENTITY
    lifts = instrument.kind is InstrumentKind.UNFREEZE
    if lifts != (instrument.follows is not None) and not is_identity:
        raise InvalidInputError("instrument_scope_malformed", kind=instrument.kind, what="follows")
    if is_identity and instrument.may_open is None:
        raise InvalidInputError("instrument_scope_malformed", kind=instrument.kind, what="opens")
    if instrument.may_open is not None and instrument.kind not in (
        InstrumentKind.TRACE,
        InstrumentKind.IDENTITY,
    ):
        raise InvalidInputError("instrument_scope_malformed", kind=instrument.kind, what="opens")


def _run_together(text: str) -> str:
    """A text without what may stand between the digits of one number, full-width ones made plain."""
    plain = unicodedata.normalize("NFKC", text)
    return "".join(char for char in plain if char.isalnum() or unicodedata.category(char) in ("Ps", "Pe"))


def _check_trace(instrument: Instrument) -> None:
    """Window and depth, which a trace has and nothing else."""
    since, until, depth = instrument.window_from, instrument.window_to, instrument.depth
    if instrument.kind is not InstrumentKind.TRACE:
        if (since, until, depth) != (None, None, None):
            raise InvalidInputError(
                "instrument_scope_malformed", kind=instrument.kind, what="from, to, depth"
            )
        return
    missing = [name for name, value in (("from", since), ("to", until), ("depth", depth)) if value is None]
    if since is None or until is None or missing:
        raise InvalidInputError("instrument_scope_malformed", kind=instrument.kind, what=", ".join(missing))
    if type(depth) is not int or not 1 <= depth <= MAX_DEPTH:
        raise InvalidInputError("instrument_depth_malformed", value=depth, limit=MAX_DEPTH)
    if until < since:
        raise InvalidInputError("instrument_window_reversed")


def check_may_issue(issuer: str, kind: InstrumentKind, mandate: Sequence[str]) -> None:
    """Whether an issuer's mandate covers the kind (``instrument_beyond_mandate``)."""
    if kind not in mandate:
        raise RejectedError("instrument_beyond_mandate", issuer=issuer, kind=kind)


def check_covers(instrument: Instrument, kind: InstrumentKind, wallet_id: str, now: datetime) -> None:
    """Whether a verified instrument covers what is asked now.

    Raises ``RejectedError``: ``instrument_kind_differs``, ``instrument_not_yet_valid``,
    ``instrument_expired``, ``instrument_out_of_scope``.
    """
    number = instrument.instrument_no
    if instrument.kind is not kind:
        raise RejectedError("instrument_kind_differs", instrument_no=number, kind=instrument.kind, asked=kind)
    if now < instrument.issued_at:
        raise RejectedError(
            "instrument_not_yet_valid", instrument_no=number, issued_at=rfc3339(instrument.issued_at)
        )
    if now >= instrument.expires_at:
        raise RejectedError(
            "instrument_expired", instrument_no=number, expires_at=rfc3339(instrument.expires_at)
        )
    if wallet_id not in instrument.wallets:
        raise RejectedError("instrument_out_of_scope", instrument_no=number, wallet_id=wallet_id)


def stop_hours(hours: int | None, default: int, most: int) -> int:
    """For how many hours a stop lasts; raises ``InvalidInputError`` (``stop_hours_malformed``)."""
    found = default if hours is None else hours
    if type(found) is not int or not 1 <= found <= most:
        raise InvalidInputError("stop_hours_malformed", value=hours, most=most)
    return found
