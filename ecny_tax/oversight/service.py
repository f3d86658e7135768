"""Issuing instruments, and doing what they order: tracing, opening identities, freezing; stops; the log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from ecny_tax.clock import from_micros, micros, within_range
from ecny_tax.crypto.keyring import Keyring
from ecny_tax.errors import (
    EcnyTaxError,
    InvalidInputError,
    RejectedError,
    Said,
    UnavailableError,
    VerificationError,
)
from ecny_tax.identifiers import check_wallet_id
from ecny_tax.oversight import documents, model, rows, tracing
from ecny_tax.oversight.model import (
    Access,
    Action,
    Direction,
    Identification,
    Instrument,
    InstrumentCheck,
    InstrumentKind,
    Opens,
    Trace,
)
from ecny_tax.parties import service as parties
from ecny_tax.parties.model import InstitutionKind
from ecny_tax.store import Store, Transaction, access
from ecny_tax.store.access import Entry
from ecny_tax.wallets import model as wallet_model
from ecny_tax.wallets import rows as wallet_rows
from ecny_tax.wallets.model import Stop, Wallet
from ecny_tax.wallets.service import load

_T = TypeVar("_T")
#: What is carried out once a wallet; what tells something may be read again, so that no answer is lost.
_ONCE = (InstrumentKind.FREEZE, InstrumentKind.UNFREEZE)
#: The one who stops a wallet where nobody is named: the scheme's first anti-fraud centre.
_CENTRE = InstitutionKind.ANTI_FRAUD_CENTRE


#: Who may issue instruments at all, in words.
_ISSUERS = {
    InstitutionKind.COURT: ("a court", "法院"),
    InstitutionKind.PUBLIC_SECURITY: ("a public security organ", "公安机关"),
    InstitutionKind.ANTI_FRAUD_CENTRE: ("an anti-fraud centre", "反诈中心"),
}


def _issuers(tx: Transaction, kind: InstrumentKind) -> Said:
    """Who may issue an instrument of a kind today."""
    rules = tx.rulebook.on(tx.now.date()).scheme
    words = [said for role, said in _ISSUERS.items() if kind in rules.may_issue(role)]
    return Said(" or ".join(en for en, _ in words), "或".join(zh for _, zh in words))


@dataclass(slots=True)
class _Request:
    """What somebody asks for, and what of it is proven so far: this is what the log will say."""

    action: Action
    wallet_id: str
    asked: str = ""
    party: str | None = None
    instrument: Instrument | None = None

    def entry(self, outcome: str, *, action: Action | None = None, wallet_id: str | None = None) -> Entry:
        order = self.instrument
        return Entry(
            action or self.action,
            self.asked if action is None else "",
            outcome,
            wallet_id=wallet_id or self.wallet_id or None,
            party=self.party,
            instrument_no=None if order is None else order.instrument_no,
            instrument_digest=None if order is None else documents.digest_of(order),
            case_no=None if order is None else order.case_no,
        )


class Oversight:
    """Lawful access (依法可溯): traceable under law and not otherwise.

    Every request and every refusal of one is an entry of the access log; an entry of a refusal is committed
    although the request raises.  Where the time lies before the newest entry, everything is refused
    (``RejectedError``, ``clock_went_back``) and nothing logged.
    """

    def __init__(self, store: Store, keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring

    def issue_instrument(
        self,
        *,
        issuer: str,
        case_no: str,
        kind: str,
        wallets: Sequence[str],
        expires_at: datetime,
        window_from: datetime | None = None,
        window_to: datetime | None = None,
        depth: int | None = None,
        opens: str | None = None,
        follows: str | None = None,
        issued_at: datetime | None = None,
    ) -> bytes:
        """Sign a legal instrument (法律文书) as its issuer, whose part the sandbox plays, too.

        ``kind`` is ``trace`` (which needs window and depth), ``identity`` (which opens ``phone`` or
        ``identity``), ``freeze`` or ``unfreeze``.  Raises ``InvalidInputError`` for what is malformed,
        ``NotFoundError`` (``enforcer_not_found``) and ``RejectedError`` (``instrument_beyond_mandate``).
        """
        with self._store.reading() as tx:
            by = parties.enforcer(tx, issuer)
            which = model.chosen(InstrumentKind, kind, "instrument_kind_unknown")
            opened = None if opens is None else model.chosen(Opens, opens, "instrument_opens_unknown")
            if which is InstrumentKind.IDENTITY:
                opened = opened or Opens.IDENTITY
            instrument = Instrument(
                instrument_no=tx.ids.number("J", tx.now),
                issuer=by.party,
                case_no=case_no.strip(),
                kind=which,
                wallets=model.in_scope(wallets),
                window_from=None if window_from is None else within_range(window_from),
                window_to=None if window_to is None else within_range(window_to),
                depth=depth,
                may_open=opened,
                follows=follows,
                issued_at=within_range(issued_at or tx.now),
                expires_at=within_range(expires_at),
            )
            model.check_form(instrument)
            self._check_mandate(tx, instrument)
        return documents.sign(instrument, self._keyring.signing_key(by.kind, by.code))

    def read_instrument(self, *, instrument: bytes) -> InstrumentCheck:
        """What an instrument says, and whether its issuer, who is known here and may issue it, signed it.

        Whether it covers something is judged, and logged, when it is used.  Raises ``VerificationError``
        (``document_malformed``) for what is no instrument at all.
        """
        from ecny_tax.crypto.signatures import payload_of_one

        said = documents.read_payload(payload_of_one(instrument))
        with self._store.reading() as tx:
            try:
                self._check_mandate(tx, documents.open_instrument(instrument, self._key_reader(tx)))
            except EcnyTaxError as refusal:
                return InstrumentCheck(said, valid=False, reason=refusal.code)
        return InstrumentCheck(said, valid=True, reason=None)

    def trace(self, *, wallet_id: str, instrument: bytes | None, direction: str = "both") -> Trace:
        """Follow the money of a wallet (溯源) as a ``trace`` instrument orders, until it expires.

        ``direction`` is ``down`` (where it went), ``up`` (where it came from) or ``both``.  Nothing beyond
        window and depth is told, but that money went on.  Raises what :meth:`freeze` raises.
        """
        request = _Request(Action.TRACE, wallet_id)

        def act(tx: Transaction) -> Trace:
            way = model.chosen(Direction, direction, "direction_unknown")
            request.asked = way
            order = self._ordered(tx, request, instrument, InstrumentKind.TRACE)
            found, opened = tracing.trace(tx, self._keyring, load(tx, request.wallet_id), order, way)
            access.record(tx, request.entry(access.DONE))
            for action, wallet in opened:
                access.record(tx, request.entry(access.DONE, action=action, wallet_id=wallet))
            return found

        return self._logged(request, act)

    def identify(self, *, wallet_id: str, instrument: bytes | None) -> Identification:
        """Open who holds a wallet as an ``identity`` instrument orders, until it expires.

        Of a class IV wallet a first instrument opens the phone alone; who gave the same phone to open a
        wallet by name is opened by a second one, which names the first.  Raises what :meth:`freeze` raises,
        and ``RejectedError`` (``instrument_follows_nothing``).
        """
        request = _Request(Action.IDENTIFY, wallet_id)

        def act(tx: Transaction) -> Identification:
            order = self._ordered(tx, request, instrument, InstrumentKind.IDENTITY)
            wallet = load(tx, request.wallet_id)
            if not wallet.is_named and order.follows is not None:
                self._check_follows(tx, order, wallet)
            found, opened, looked_at = tracing.identify(tx, self._keyring, wallet, order)
            request.asked = f"looked through {looked_at}"
            access.record(tx, request.entry(access.DONE))
            for action, other in opened:
                access.record(tx, request.entry(access.DONE, action=action, wallet_id=other))
            return found

        return self._logged(request, act)

    def stop(
        self, *, wallet_id: str, by: str | None = None, reason: str | None = None, hours: int | None = None
    ) -> Wallet:
        """Protective stop (保护性停付): nothing goes out for some hours; what comes in still arrives.

        ``by`` is an anti-fraud centre (default: the scheme's), ``reason`` a code of the rulebook.  A wallet
        that is stopped for longer already stays so, and the log says which stop is in force.  Raises
        ``InvalidInputError`` (``stop_reason_unknown``, ``stop_hours_malformed``) and ``RejectedError``
        (``stop_not_by_centre``, ``wallet_closed``).
        """
        request = _Request(Action.STOP, wallet_id)

        def act(tx: Transaction) -> Wallet:
            request.party = self._centre(tx, by)
            rules = tx.rulebook.on(tx.now.date()).wallets
            known = [code for code, one in rules.stop_reasons.items() if one.stopped_by == _CENTRE]
            why = known[0] if reason is None else reason
            if why not in known:
                raise InvalidInputError("stop_reason_unknown", value=why, known=" ".join(known))
            lasts = model.stop_hours(hours, rules.stops.default_hours, rules.stops.most_hours)
            request.asked = f"{why}, {lasts} h"
            wallet = load(tx, request.wallet_id)
            wallet_model.check_not_closed(wallet)
            new = Stop(why, micros(tx.now + timedelta(hours=lasts)))
            current = wallet_rows.stop_of(tx, wallet.wallet_id)
            in_force = wallet_model.longest(current, new, now=micros(tx.now)) or new
            wallet_rows.set_stop(tx, wallet.wallet_id, in_force)
            request.asked = access.stop_text(in_force.reason, in_force.until)
            access.record(tx, request.entry(access.DONE))
            return load(tx, wallet.wallet_id)

        return self._logged(request, act)

    def resume(self, *, wallet_id: str, by: str | None = None) -> Wallet:
        """Lift a protective stop of the wallet itself, of whatever reason.

        Raises ``RejectedError`` (``stop_not_by_centre``, ``wallet_closed``, ``wallet_not_stopped``).
        """
        request = _Request(Action.RESUME, wallet_id)

        def act(tx: Transaction) -> Wallet:
            request.party = self._centre(tx, by)
            wallet = load(tx, request.wallet_id)
            wallet_model.check_not_closed(wallet)
            if wallet_rows.stop_of(tx, wallet.wallet_id) is None:
                raise RejectedError("wallet_not_stopped", wallet_id=wallet.wallet_id)
            wallet_rows.set_stop(tx, wallet.wallet_id, None)
            access.record(tx, request.entry(access.DONE))
            return load(tx, wallet.wallet_id)

        return self._logged(request, act)

    def freeze(self, *, wallet_id: str, instrument: bytes | None) -> Wallet:
        """Freeze (冻结): nothing goes out until each freeze of the wallet was lifted; a ``freeze`` instrument
        orders it, once.

        Raises ``RejectedError``: ``instrument_required``, ``instrument_beyond_mandate``,
        ``instrument_kind_differs``, ``instrument_not_yet_valid``, ``instrument_expired``,
        ``instrument_out_of_scope``, ``instrument_used_up``, ``wallet_closed``; ``VerificationError``:
        ``document_malformed``, ``signer_unknown``, ``signature_invalid``, ``instrument_number_reused``.
        """

        def lay(tx: Transaction, order: Instrument, wallet_id: str) -> None:
            rows.lay_freeze(tx, wallet_id, order.issuer, order.instrument_no, order.case_no)

        return self._change_freezes(
            _Request(Action.FREEZE, wallet_id), InstrumentKind.FREEZE, instrument, lay
        )

    def unfreeze(self, *, wallet_id: str, instrument: bytes | None) -> Wallet:
        """Lift the freeze that an ``unfreeze`` instrument of its own issuer names (``follows``), no other.

        Raises what :meth:`freeze` raises, and ``RejectedError`` (``instrument_lifts_nothing``).
        """

        def lift(tx: Transaction, order: Instrument, wallet_id: str) -> None:
            first = order.follows or ""
            if not rows.lift_freeze(tx, wallet_id, order.issuer, first, order.instrument_no):
                raise RejectedError(
                    "instrument_lifts_nothing", follows=first, issuer=order.issuer, wallet_id=wallet_id
                )

        request = _Request(Action.UNFREEZE, wallet_id)
        return self._change_freezes(request, InstrumentKind.UNFREEZE, instrument, lift)

    def accesses(
        self, *, wallet_id: str | None = None, after: int = 0, limit: int | None = None
    ) -> tuple[Access, ...]:
        """The access log (查阅日志), oldest first, of all wallets or of one.

        ``limit`` entries after the one numbered ``after``, or all of them.  Raises
        ``InvalidInputError`` for a malformed wallet id.
        """
        only = None if wallet_id is None else check_wallet_id(wallet_id)
        with self._store.reading() as tx:
            return tuple(
                Access(place, from_micros(at), *rest)
                for place, at, *rest in access.entries(tx, only, after=after, limit=limit)
            )

    def _change_freezes(
        self,
        request: _Request,
        kind: InstrumentKind,
        instrument: bytes | None,
        change: Callable[[Transaction, Instrument, str], None],
    ) -> Wallet:
        def act(tx: Transaction) -> Wallet:
            order = self._ordered(tx, request, instrument, kind)
            wallet = load(tx, request.wallet_id)
            wallet_model.check_not_closed(wallet)
            change(tx, order, wallet.wallet_id)
            wallet_rows.count_freezes(tx, wallet.wallet_id)
            access.record(tx, request.entry(access.DONE))
            return load(tx, wallet.wallet_id)

        return self._logged(request, act)

    def _logged(self, request: _Request, act: Callable[[Transaction], _T]) -> _T:
        """Do what is asked in one transaction; of a refusal commit the entry in another one."""
        given, request.wallet_id = request.wallet_id, ""  # until it has the form of one, it may be anything
        try:
            request.wallet_id = check_wallet_id(given)
            with self._store.transaction() as tx:
                access.check_clock(tx)
                return act(tx)
        except UnavailableError:
            raise  # nothing can be written
        except EcnyTaxError as refusal:
            if refusal.code == "clock_went_back":
                raise  # an entry would bear a time before the newest one
            with self._store.transaction() as tx:
                access.record(tx, request.entry(refusal.code))
            raise

    def _ordered(
        self, tx: Transaction, request: _Request, message: bytes | None, kind: InstrumentKind
    ) -> Instrument:
        """The instrument that orders what is asked; nothing of one is believed before it is verified."""
        if message is None:
            raise RejectedError("instrument_required", action=request.action, issuers=_issuers(tx, kind))
        instrument = documents.open_instrument(message, self._key_reader(tx))
        request.instrument, request.party = instrument, instrument.issuer
        self._check_mandate(tx, instrument)
        number, issuer = instrument.instrument_no, instrument.issuer
        if access.digest_of(tx, issuer, number) not in (None, documents.digest_of(instrument)):
            raise VerificationError("instrument_number_reused", instrument_no=number)
        model.check_covers(instrument, kind, request.wallet_id, tx.now)
        if kind in _ONCE and access.was_done(
            tx, request.action, issuer=issuer, instrument_no=number, wallet_id=request.wallet_id
        ):
            raise RejectedError("instrument_used_up", instrument_no=number, wallet_id=request.wallet_id)
        return instrument

    def _check_mandate(self, tx: Transaction, instrument: Instrument) -> None:
        rules = tx.rulebook.on(instrument.issued_at.date()).scheme
        mandate = rules.may_issue(instrument.issuer.partition(":")[0])
        model.check_may_issue(instrument.issuer, instrument.kind, mandate)

    def _check_follows(self, tx: Transaction, order: Instrument, wallet: Wallet) -> None:
        """Whether the earlier instrument that this one names, of the same issuer and case, has opened the
        wallet's phone."""
        first = order.follows or ""
        if not access.was_done(
            tx,
            Action.OPEN_PHONE,
            issuer=order.issuer,
            instrument_no=first,
            wallet_id=wallet.wallet_id,
            case_no=order.case_no,
        ):
            raise RejectedError("instrument_follows_nothing", follows=first, wallet_id=wallet.wallet_id)

    def _centre(self, tx: Transaction, by: str | None) -> str:
        """The anti-fraud centre of that name, or the scheme's first one."""
        if by is None:
            first = next(one for one in tx.rulebook.scheme.enforcers if one.kind == _CENTRE)
            by = f"{_CENTRE}:{first.code}"
        found = parties.enforcer(tx, by)
        if found.kind is not _CENTRE:
            raise RejectedError("stop_not_by_centre", party=found.party)
        return found.party

    def _key_reader(self, tx: Transaction) -> Callable[[str], bytes | None]:
        """The published keys of those who may issue instruments; nobody else's counts here."""

        def key_of(name: str) -> bytes | None:
            try:
                found = parties.enforcer(tx, name)
            except EcnyTaxError:
                return None
            return found.public_key if found.party == name else None

        return key_of
