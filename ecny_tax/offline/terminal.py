"""A payee's terminal (收款终端) in a tax hall: a file; it asks, checks and keeps without any network.

What it accepts is provisional: it can tell that a voucher is genuine, never that no copy of the device paid
somebody else.  Tax counts as paid when the voucher has been redeemed.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ecny_tax.clock import rfc3339
from ecny_tax.crypto.signatures import SigningKey
from ecny_tax.errors import InvalidInputError, RejectedError, UnavailableError, VerificationError
from ecny_tax.money import Fen, positive
from ecny_tax.offline.bundles import (
    EvidenceBundle,
    ReceiptBundle,
    RequestBundle,
    TrustBundle,
    VoucherBundle,
    voucher_id,
)
from ecny_tax.offline.chains import PayeeChain, Trust, payee_chain
from ecny_tax.offline.checks import Examination, Presented, check_not_revoked, examine, present
from ecny_tax.offline.evidence import contradiction, stand_of_voucher
from ecny_tax.offline.objects import (
    MAX_NUMBER,
    NONCE_BYTES,
    PaymentRequest,
    ProvisionalReceipt,
    Seconds,
    bill_digest,
    digest,
    moment,
    seconds,
)
from ecny_tax.offline.state_file import StateFile
from ecny_tax.text_form import from_text

APPLICATION_ID = 0x65435431  # "eCT1"
_SCHEMA = """
    CREATE TABLE config (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
    CREATE TABLE request (digest BLOB PRIMARY KEY, bill_no TEXT NOT NULL, answered_by BLOB) STRICT;
    CREATE TABLE accepted (
        load BLOB NOT NULL, counter INTEGER NOT NULL, digest BLOB NOT NULL, voucher BLOB NOT NULL,
        receipt BLOB NOT NULL, accepted_at INTEGER NOT NULL, redeemed TEXT, PRIMARY KEY (load, counter)
    ) STRICT;
    CREATE TABLE conflict (
        digest BLOB PRIMARY KEY, evidence BLOB NOT NULL, handed_in INTEGER NOT NULL
    ) STRICT
"""
#: The accepted vouchers of a load with one counter, and nearest to it.
_SIDES = tuple(
    f"SELECT digest, voucher FROM accepted WHERE load = ? AND {side} LIMIT 1"
    for side in ("counter = ?", "counter < ? ORDER BY counter DESC", "counter > ? ORDER BY counter")
)
#: Vouchers that wait for redemption; a terminal that is full accepts no more until it was online.
MAX_QUEUE = 10_000


@dataclass(frozen=True, slots=True)
class TerminalSettings:
    """What the tax authority sets for its terminals, in seconds: how far clocks may differ (时钟容差), and
    how long a request is open."""

    clock_skew: int
    request_open: int


@dataclass(frozen=True, slots=True)
class ProvisionalAcceptance:
    """A voucher that a terminal accepted: provisional until redeemed.  ``amount`` is in fen."""

    voucher_id: str
    load_id: str
    counter: int
    amount: Fen
    bill_no: str
    accepted_at: datetime
    receipt: ReceiptBundle


@dataclass(frozen=True, slots=True)
class Queued:
    """An accepted voucher that was not redeemed yet, with the receipt that says when it was accepted."""

    voucher: VoucherBundle
    receipt: ReceiptBundle


class Terminal:
    """A terminal.  Amounts are in fen; every method is one durable step, done or not done."""

    def __init__(self, file: StateFile, random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._file = file
        self._random_bytes = random_bytes
        self._config = _Config.read(file)

    @classmethod
    def create(
        cls,
        path: str | Path | None,
        *,
        seed: bytes,
        authority: bytes,
        terminal: bytes,
        trust: TrustBundle,
        settings: TerminalSettings,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> Terminal:
        """A new terminal with the key of ``seed``, certified by its authority; in memory without ``path``.

        Raises ``ConflictError`` (``state_file_exists``), ``VerificationError`` where the certificates do not
        lead to the root, and ``UnavailableError``.
        """
        payee_chain(Trust.read(trust).root.public_key, authority, terminal)

        def fill(tx: sqlite3.Connection) -> None:
            _put(
                tx,
                seed=seed,
                authority=authority,
                terminal=terminal,
                trust=trust.to_bytes(),
                settings=json.dumps([settings.clock_skew, settings.request_open]).encode(),
            )

        file = StateFile.create(path, application_id=APPLICATION_ID, schema=_SCHEMA, fill=fill)
        return cls(file, random_bytes)

    @classmethod
    def open(cls, path: str | Path) -> Terminal:
        """Open a terminal; raises ``NotFoundError`` (``state_file_not_found``), ``InvalidInputError``
        (``state_file_foreign``) and ``UnavailableError``."""
        return cls(StateFile.open(path, application_id=APPLICATION_ID))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def chain(self) -> PayeeChain:
        """Its certificate, and that of its authority."""
        return self._config.chain

    @property
    def trust(self) -> Trust:
        """What it trusts: the root, and the revocation list that it has."""
        return self._config.trust

    @property
    def path(self) -> Path | None:
        """Its file."""
        return self._file.path

    def renew(self, trust: TrustBundle) -> None:
        """Take a newer revocation list; the same or an older one changes nothing.

        Raises ``VerificationError`` (``trust_of_other_root``).
        """
        found = Trust.read(trust)
        if found.root.public_key != self.trust.root.public_key:
            raise VerificationError("trust_of_other_root")
        with self._file.transaction() as tx:
            (kept,) = tx.execute("SELECT value FROM config WHERE name = 'trust'").fetchone()
            known = Trust.read(TrustBundle.from_bytes(kept)).revocations
            if (found.revocations.number, found.revocations.issued_at) > (known.number, known.issued_at):
                _put(tx, trust=trust.to_bytes())
        self._config = _Config.read(self._file)

    def request(self, *, bill_no: str, amount: Fen, at: datetime) -> RequestBundle:
        """Ask for the amount of a bill; the request is open for the minutes that the authority set.

        Raises ``InvalidInputError`` (``amount_not_positive``, ``bill_number_malformed``, …) and
        ``RejectedError`` (``terminal_not_in_force``, ``terminal_revoked``).
        """
        positive(amount)
        if not (bill_no.isascii() and bill_no.isalnum() and len(bill_no) <= MAX_NUMBER):
            raise InvalidInputError("bill_number_malformed", value=bill_no)
        now, config = seconds(at), self._config
        terminal = config.chain.terminal
        if not terminal.not_before <= now <= terminal.not_after:
            raise RejectedError("terminal_not_in_force", at=rfc3339(at))
        if any(serial in config.trust.since for serial in config.chain.serials):
            raise RejectedError("terminal_revoked", terminal=terminal.terminal_id)
        request = PaymentRequest(
            terminal_id=terminal.terminal_id,
            authority=terminal.authority,
            bill_no=bill_no,
            bill_digest=bill_digest(terminal.authority, bill_no, amount),
            amount=amount,
            nonce=self._random_bytes(NONCE_BYTES),
            issued_at=now,
            expires_at=Seconds(now + config.settings.request_open),
        )
        signed = request.signed(config.key)
        with self._file.transaction() as tx:
            tx.execute("INSERT INTO request VALUES (?, ?, NULL)", (digest(signed), bill_no))
        return RequestBundle(config.authority, config.terminal, signed)

    def examine(self, voucher: str, *, at: datetime) -> Examination:
        """Make all checks of a voucher, as text, and keep nothing."""
        with self._file.transaction() as tx:
            return self._examined(tx, voucher, at)

    def accept(self, voucher: str, *, at: datetime) -> ProvisionalAcceptance:
        """Accept a voucher provisionally: checked, stored and queued for redemption.

        The same voucher again is answered alike.  Of another one with the same counter both are kept as
        evidence.  Raises ``VerificationError`` with the code of the first check that fails, and
        ``RejectedError`` (``terminal_full``).
        """
        with self._file.transaction() as tx:
            found = self._examined(tx, voucher, at)
            presented = found.presented
            if presented is not None and (found.valid or _is_accepted(tx, found, presented)):
                return self._accepted(tx, presented, seconds(at))
            self._keep_conflict(tx, found)
        raise found.problem or AssertionError

    def queue(self) -> tuple[Queued, ...]:
        """What waits for redemption, in the order of acceptance."""
        with self._file.transaction() as tx:
            rows = tx.execute(
                "SELECT voucher, receipt FROM accepted WHERE redeemed IS NULL ORDER BY rowid"
            ).fetchall()
        return tuple(
            Queued(VoucherBundle.from_bytes(voucher), ReceiptBundle.from_bytes(receipt))
            for voucher, receipt in rows
        )

    def redeemed(self, decisions: dict[str, str]) -> None:
        """Take what was decided, by voucher id, out of the queue."""
        with self._file.transaction() as tx:
            rows = tx.execute("SELECT digest FROM accepted WHERE redeemed IS NULL").fetchall()
            for (accepted,) in rows:
                status = decisions.get(voucher_id(accepted))
                if status is not None:
                    tx.execute("UPDATE accepted SET redeemed = ? WHERE digest = ?", (status, accepted))
            for (refused,) in tx.execute("SELECT digest FROM conflict WHERE NOT handed_in").fetchall():
                if voucher_id(refused) in decisions:
                    tx.execute("UPDATE conflict SET handed_in = 1 WHERE digest = ?", (refused,))

    def evidence(self, *, new: bool = False) -> tuple[EvidenceBundle, ...]:
        """The double spends that this terminal itself has seen; only ``new`` ones, not handed in yet."""
        with self._file.transaction() as tx:
            rows = tx.execute(
                "SELECT evidence FROM conflict WHERE NOT (? AND handed_in) ORDER BY rowid", (new,)
            ).fetchall()
        return tuple(EvidenceBundle.from_bytes(row[0]) for row in rows)

    def _examined(self, tx: sqlite3.Connection, voucher: str, at: datetime) -> Examination:
        config = self._config
        skew, payee = config.settings.clock_skew, _Payee(tx, config)
        return examine(lambda: from_text(voucher), config.trust, at=seconds(at), skew=skew, payee=payee)

    def _accepted(self, tx: sqlite3.Connection, presented: Presented, at: Seconds) -> ProvisionalAcceptance:
        voucher, bundle, config = presented.voucher, presented.bundle, self._config
        row = tx.execute(
            "SELECT receipt, accepted_at FROM accepted WHERE load = ? AND counter = ?",
            (digest(bundle.load), voucher.counter),
        ).fetchone()
        if row is None:
            waiting = tx.execute("SELECT count(*) FROM accepted WHERE redeemed IS NULL").fetchone()[0]
            if waiting >= MAX_QUEUE:
                raise RejectedError("terminal_full", limit=MAX_QUEUE)
            receipt = ProvisionalReceipt(
                terminal_id=config.chain.terminal.terminal_id,
                voucher_digest=bundle.digest,
                bill_no=presented.request.bill_no,
                amount=voucher.amount,
                accepted_at=at,
            )
            signed = ReceiptBundle(config.authority, config.terminal, receipt.signed(config.key))
            row = (signed.to_bytes(), at)
            tx.execute(
                "INSERT INTO accepted VALUES (?, ?, ?, ?, ?, ?, NULL)",
                (digest(bundle.load), voucher.counter, bundle.digest, bundle.to_bytes(), *row),
            )
            tx.execute(
                "UPDATE request SET answered_by = ? WHERE digest = ?",
                (bundle.digest, digest(voucher.request)),
            )
        return ProvisionalAcceptance(
            voucher_id=bundle.voucher_id,
            load_id=voucher.load_id,
            counter=voucher.counter,
            amount=voucher.amount,
            bill_no=presented.request.bill_no,
            accepted_at=moment(row[1]),
            receipt=ReceiptBundle.from_bytes(row[0]),
        )

    def _keep_conflict(self, tx: sqlite3.Connection, found: Examination) -> None:
        """Keep both where a voucher that the device did sign contradicts another, whatever it failed by."""
        presented = found.presented
        if presented is None or not _is_signed(found):
            return
        bundle = presented.bundle
        for _code, other in _contradicted(tx, presented):
            evidence = EvidenceBundle(other, bundle.to_bytes()).to_bytes()
            tx.execute("INSERT OR IGNORE INTO conflict VALUES (?, ?, 0)", (bundle.digest, evidence))


@dataclass(frozen=True, slots=True)
class _Config:
    """What a terminal was set up with."""

    key: SigningKey
    authority: bytes
    terminal: bytes
    chain: PayeeChain
    trust: Trust
    settings: TerminalSettings

    @classmethod
    def read(cls, file: StateFile) -> _Config:
        with file.transaction() as tx:
            rows: dict[str, bytes] = dict(tx.execute("SELECT name, value FROM config").fetchall())
        try:
            return cls._read(rows)
        except (
            KeyError,
            ValueError,
            TypeError,
            VerificationError,
        ):  # not what it wrote
            raise UnavailableError("state_file_damaged", path=file.path or ":memory:") from None

    @classmethod
    def _read(cls, rows: dict[str, bytes]) -> _Config:
        trust = Trust.read(TrustBundle.from_bytes(rows["trust"]))
        chain = payee_chain(trust.root.public_key, rows["authority"], rows["terminal"])
        return cls(
            key=SigningKey(f"terminal:{chain.terminal.terminal_id}", rows["seed"]),
            authority=rows["authority"],
            terminal=rows["terminal"],
            chain=chain,
            trust=trust,
            settings=TerminalSettings(*json.loads(rows["settings"])),
        )


@dataclass(frozen=True, slots=True)
class _Payee:
    """What this terminal adds to the checks of a voucher."""

    tx: sqlite3.Connection
    config: _Config

    def check_request(self, presented: Presented, at: Seconds) -> None:
        """It answers an open request of this terminal, in time; the nonce was not used by another."""
        terminal = self.config.chain.terminal
        if presented.request.terminal_id != terminal.terminal_id:
            raise VerificationError("voucher_for_other_terminal", terminal=presented.request.terminal_id)
        check_not_revoked(presented.request, self.config.chain, self.config.trust.since)
        row = self.tx.execute(
            "SELECT answered_by FROM request WHERE digest = ?", (digest(presented.voucher.request),)
        ).fetchone()
        if row is None:
            raise VerificationError("request_unknown", bill_no=presented.request.bill_no)
        if row[0] == presented.bundle.digest:
            return
        if row[0] is not None:
            raise VerificationError("request_answered", bill_no=presented.request.bill_no)
        if at > presented.request.expires_at + self.config.settings.clock_skew:
            until = rfc3339(moment(presented.request.expires_at))
            raise VerificationError("voucher_request_expired", until=until)

    def check_store(self, presented: Presented) -> None:
        """No other voucher with this counter, and none newer of this load, came before."""
        voucher = presented.voucher
        for code, _other in _contradicted(self.tx, presented):
            raise VerificationError(code, load_id=voucher.load_id, counter=voucher.counter)
        newer = self.tx.execute(
            "SELECT 1 FROM accepted WHERE load = ? AND counter > ?",
            (digest(presented.bundle.load), voucher.counter),
        ).fetchone()
        if newer is not None and not _is_known(self.tx, presented):
            raise VerificationError("voucher_counter_old", load_id=voucher.load_id, counter=voucher.counter)


def _is_signed(found: Examination) -> bool:
    """Whether the device did sign it, whatever it failed by."""
    return any(check.check == "chain" and check.ok for check in found.checks)


def _is_accepted(tx: sqlite3.Connection, found: Examination, presented: Presented) -> bool:
    """Whether this very voucher was accepted before: time and a newer list take nothing of that back."""
    return _is_known(tx, presented) and _is_signed(found)


def _is_known(tx: sqlite3.Connection, presented: Presented) -> bool:
    row = tx.execute("SELECT 1 FROM accepted WHERE digest = ?", (presented.bundle.digest,)).fetchone()
    return row is not None


def _contradicted(tx: sqlite3.Connection, presented: Presented) -> Iterator[tuple[str, bytes]]:
    """The accepted vouchers of the load that this one contradicts, each with the code of why.

    The nearest on either side are enough: each of those agrees with what lies beyond it.
    """
    stand = stand_of_voucher(presented.voucher, presented.bundle.digest)
    place = (digest(presented.bundle.load), stand.counter)
    for side in _SIDES:
        row = tx.execute(side, place).fetchone()
        if row is None:
            continue
        other = stand_of_voucher(present(row[1]).voucher, row[0])
        code = contradiction(other, stand)
        if code is not None:
            yield code, row[1]


def _put(tx: sqlite3.Connection, **values: bytes) -> None:
    tx.executemany("INSERT OR REPLACE INTO config VALUES (?, ?)", values.items())
