"""The sandbox: one object is one simulated scheme, with its services on one store, clock and keyring."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import weakref
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from functools import cached_property
from pathlib import Path
from stat import S_ISREG
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ecny_tax.clock import Clock, FixedClock, within_range
from ecny_tax.crypto.keyring import Keyring, create_keyring, read_keyring
from ecny_tax.errors import (
    ConflictError,
    InvalidInputError,
    RejectedError,
    UnavailableError,
    VerificationError,
)
from ecny_tax.identifiers import is_text
from ecny_tax.store import MEMORY, Store, Transaction, copy_rows, is_url, log, name_in, open_store
from ecny_tax.store.sealer import Sealer
from ecny_tax.store.simulated_clock import SimulatedClock

if TYPE_CHECKING:
    from datetime import datetime

    from ecny_tax.agreements.service import Agreements
    from ecny_tax.offline.service import Offline
    from ecny_tax.oversight.service import Oversight
    from ecny_tax.parties.service import Parties
    from ecny_tax.payments.batches import BatchPayments
    from ecny_tax.reconciliation.service import Reconciliations
    from ecny_tax.refunds.batches import BatchRefunds
    from ecny_tax.rulebook import Rulebook
    from ecny_tax.store.books import Books, Status
    from ecny_tax.taxes.service import Taxes
    from ecny_tax.treasury.service import Treasury
    from ecny_tax.wallets.sub_wallets import FamilyWallets

_MAX_PATH = 4096


class Sandbox:
    """A whole simulated scheme: central bank, operators, tax authorities, treasuries and taxpayers.

    Use it as a context manager::

        with Sandbox.open("heshan.db") as s:
            wallet = s.wallets.open(kind="personal", phone="13800000000", operator="ICBC")
    """

    def __init__(
        self,
        store: Store,
        keyring: Keyring,
        *,
        clock: Clock | None = None,
        names: tuple[str, str] | None = None,
    ) -> None:
        """Put the services together on an open store; :meth:`open` is the usual way.

        ``names`` are those of database and keyring, where another process can open them.
        """
        self._store = store
        self._keyring = keyring
        self._given_clock = clock
        self._names = names
        self._sealer = Sealer(store, keyring, names)
        store.watcher = self._sealer
        _found(store, keyring)
        self._end = weakref.finalize(self, _end, store, self._sealer)  # runs at exit, too, if nobody closes
        self.clock = SimulatedClock(store, clock)

    @property
    def store(self) -> Store:
        """The store, for rooms on higher floors that keep records of their own."""
        return self._store

    @property
    def keyring(self) -> Keyring:
        """The keyring, for the same."""
        return self._keyring

    @property
    def names(self) -> tuple[str, str] | None:
        """The names of database and keyring; None of a sandbox in memory."""
        return self._names

    # Each service is imported when it is first used: a command line uses one, and starts fast.

    @cached_property
    def ledger(self) -> Books:
        """The books, to read and to verify."""
        from ecny_tax.store.books import Books

        return Books(self._store, self._keyring)

    @cached_property
    def parties(self) -> Parties:
        """The institutions of the scheme."""
        from ecny_tax.parties.service import Parties

        return Parties(self._store, self._keyring)

    @cached_property
    def wallets(self) -> FamilyWallets:
        """The wallets (钱包), with their sub-wallets (子钱包)."""
        from ecny_tax.wallets.sub_wallets import FamilyWallets

        return FamilyWallets(self._store, self._keyring, _needed_for, _forget)

    @cached_property
    def treasury(self) -> Treasury:
        """The treasuries (国库)."""
        from ecny_tax.treasury.service import Treasury

        return Treasury(self._store, self._keyring)

    @cached_property
    def agreements(self) -> Agreements:
        """The three-party agreements (三方协议)."""
        from ecny_tax.agreements.service import Agreements

        return Agreements(self._store, self._keyring)

    @cached_property
    def taxes(self) -> Taxes:
        """Quotes, declarations and bills."""
        from ecny_tax.taxes.service import Taxes
        from ecny_tax.wallets.disclosure import taxpayer_of

        return Taxes(self._store, self._keyring, taxpayer_of)

    @cached_property
    def payments(self) -> BatchPayments:
        """Payments (缴款), one by one and in batches (批量扣税), and their receipts."""
        from ecny_tax.payments.batches import BatchPayments

        return BatchPayments(self._store, self._keyring)

    @cached_property
    def refunds(self) -> BatchRefunds:
        """Refunds (退税)."""
        from ecny_tax.refunds.batches import BatchRefunds

        return BatchRefunds(self._store, self._keyring)

    @cached_property
    def offline(self) -> Offline:
        """Offline payment (离线支付): devices, loads and the redemption of vouchers."""
        from ecny_tax.offline.service import Offline

        return Offline(self._store, self._keyring)

    @cached_property
    def reconciliation(self) -> Reconciliations:
        """Reconciliation (对账) of treasury, operator and ledger, and failures to order."""
        from ecny_tax.reconciliation.service import Reconciliations

        return Reconciliations(self._store, self._keyring)

    @cached_property
    def oversight(self) -> Oversight:
        """Lawful access (依法可溯): instruments, traces, stops and freezes, and the log of all of them."""
        from ecny_tax.oversight.service import Oversight

        return Oversight(self._store, self._keyring)

    @classmethod
    def open(
        cls,
        database: str | Path = MEMORY,
        *,
        clock: Clock | None = None,
        seed: str | int | None = None,
        keyring: str | Path | None = None,
        rulebook: str | Path | Rulebook | None = None,
    ) -> Self:
        """Open a database, making it on first use with the time then in force.

        ``database`` is a path, ``:memory:``, or the ``postgresql://`` URL of a database that is empty or ours
        (extra ``[postgres]``).  ``clock`` overrides the database's own clock; with a
        ``seed`` every id and key is the same in every run; ``keyring`` is the path of the keyring file
        (default: the database's path with ``.keys`` after it; of a URL, the name of its database in the
        working directory); ``rulebook`` a rule file, or a folder of them,
        laid over the package's rules.  Raises ``UnavailableError``, and ``InvalidInputError`` for a rule
        file (``rule_file_unreadable``, ``rule_file_unknown``, ``rule_file_malformed``), or ``ConflictError``
        where it changes a party that the database holds (``party_differs``).
        """
        name = _checked(database)
        seed_text = None if seed is None else str(seed)
        fresh_seed = (
            secrets.token_bytes(32) if seed_text is None else hashlib.sha256(seed_text.encode()).digest()
        )
        rules = _rules(rulebook)
        if name == MEMORY:
            store = open_store(name, clock=clock, seed=seed_text, rulebook=rules)
            return cls(store, Keyring(fresh_seed), clock=clock)

        keys = _keyring_path(name, keyring)
        # The keyring is there before the first thing is that needs it.
        ring = create_keyring(keys, fresh_seed) if not is_url(name) and _is_new(Path(name)) else None
        store = open_store(name, clock=clock, seed=seed_text, rulebook=rules)
        try:
            if is_url(name) and not _is_founded(store):
                ring = create_keyring(keys, fresh_seed)
            if ring is None:
                ring = read_keyring(keys)
                if rules is not None and "scheme" in rules.own:
                    _check_parties(store)
            return cls(store, ring, clock=clock, names=_names(name, keys))
        except BaseException:
            store.close()
            raise

    @classmethod
    def import_ledger(
        cls,
        lines: Iterable[str],
        database: str | Path = MEMORY,
        *,
        clock: Clock | None = None,
        keyring: str | Path | None = None,
        rulebook: str | Path | Rulebook | None = None,
    ) -> Self:
        """Make a database of the ledger that an export in JSON lines holds, and open it.

        The accounts and transfers come back, and the institutions are recorded as in every new database;
        the records that moved the money (wallets, agreements, bills, payments, refunds) are not part of a
        ledger and stay behind.  The file appears whole or not at all.  Raises ``ConflictError``
        (``database_exists``), ``InvalidInputError`` (``ledger_file_malformed``, ``ledger_file_unknown``),
        ``VerificationError`` (``ledger_file_inconsistent``, ``ledger_broken``) and ``UnavailableError``.
        """
        name = _checked(database)
        seed, rules = secrets.token_bytes(32), _rules(rulebook)
        if name == MEMORY:
            store, ring = open_store(name, clock=clock, rulebook=rules), Keyring(seed)
            try:
                _found(store, ring, lines)
                log.seal(store, ring)
                return cls(store, ring, clock=clock)
            except BaseException:
                store.close()
                raise
        keys = _keyring_path(name, keyring)
        if is_url(name):
            with closing(open_store(name, clock=clock, rulebook=rules)) as store:
                if _is_founded(store):
                    raise ConflictError("database_exists", path=getattr(store, "path", ""))
                ring = create_keyring(keys, seed)
                _found(store, ring, lines)
                log.seal(store, ring)
            return cls.open(name, clock=clock, keyring=keyring, rulebook=rules)
        path = Path(name)
        if not _is_new(path) or path.exists():
            raise ConflictError("database_exists", path=path)
        ring = read_keyring(keys) if keys.exists() else Keyring(seed)
        draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
        try:
            store = open_store(str(draft), clock=clock, rulebook=rules)
            try:
                _found(store, ring, lines)
                log.seal(store, ring)
            finally:
                store.close()
            if create_keyring(keys, seed).fingerprint != ring.fingerprint:
                raise ConflictError("database_exists", path=path)  # somebody is making it at this moment
            _put_in_place(draft, path)
        finally:
            for ending in ("", "-wal", "-shm"):
                with suppress(OSError):  # on a read-only disk even what is not there cannot be removed
                    draft.with_name(draft.name + ending).unlink(missing_ok=True)
        return cls.open(path, clock=clock, keyring=keyring, rulebook=rules)

    def published_keys(self) -> dict[str, str]:
        """Every published Ed25519 key, of institutions, the ledger and wallets: name → 64 hex digits."""
        return {
            **self.parties.published_keys(),
            **self.ledger.published_keys(),
            **self.wallets.published_keys(),
        }

    def status(self) -> Status:
        """The time in force, how much e-CNY there is, how many records."""
        return self.ledger.status()

    def beside(self) -> Sandbox | None:
        """Another sandbox on the same database, with a connection of its own; None of one in memory."""
        if self._names is None:
            return None
        database, keyring = self._names
        rules = self._store.rulebook
        return Sandbox.open(database, clock=self._given_clock, keyring=keyring, rulebook=rules)

    def start_anew(
        self, *, seed: str | None = None, at: datetime | None = None, keeping: Sequence[str] = ()
    ) -> Sandbox:
        """Empty the database, found a fresh scheme in it with the same keyring, and close this sandbox.

        With a ``seed`` all ids are the same every time; the clock stands still at ``at``, or follows the
        system; the rows of the tables ``keeping`` stay.  It is one transaction: whatever happens, the
        database holds the old scheme or the new one, and after a refusal this sandbox goes on.  Nobody else
        may use this sandbox meanwhile.  Raises ``UnavailableError``, and ``RejectedError``
        (``clock_not_ours``) where a clock that cannot be moved was given to :meth:`open`.
        """
        clock, rules = self._given_clock, self._store.rulebook
        if at is not None:
            at = within_range(at)
            if clock is not None and not isinstance(clock, FixedClock):
                raise RejectedError("clock_not_ours")
        self._sealer.finish()  # nobody seals the old log any more
        before = clock.at if isinstance(clock, FixedClock) else None
        if isinstance(clock, FixedClock) and at is not None:
            clock.at = at
        try:
            if self._names is None:
                store = open_store(MEMORY, clock=clock, seed=seed, rulebook=rules)
                if at is not None:
                    store.fix_time(lambda _now: at)
                copy_rows(self._store, store, keeping)
            else:
                database = self._names[0]
                with closing(open_store(database, clock=clock, rulebook=rules)) as emptied:
                    emptied.start_anew(
                        lambda tx: _found_scheme(tx, self._keyring),
                        keeping=keeping,
                        at=at,
                        seed=None if seed is None else f"{seed}/0",
                    )
                store = open_store(database, clock=clock, seed=seed, rulebook=rules)
            fresh = Sandbox(store, self._keyring, clock=clock, names=self._names)
        except BaseException:
            if isinstance(clock, FixedClock) and before is not None:
                clock.at = before
            raise
        self.close()
        return fresh

    def close(self) -> None:
        """Seal what was written, and close the database."""
        self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _checked(database: str | Path) -> str:
    """The name of a database, when it is one that can be opened here."""
    name = str(database)
    if is_url(name):
        return name
    if "://" in name:
        hidden = re.sub("://.*@", "://***@", name)  # who knows what stands there: a password, perhaps
        raise InvalidInputError("database_url_unknown", value=hidden)
    if not 0 < len(name) <= _MAX_PATH or not is_text(name):
        raise InvalidInputError("database_path_malformed", value=name)
    return name


def _rules(rulebook: str | Path | Rulebook | None) -> Rulebook | None:
    if isinstance(rulebook, str | Path):
        from ecny_tax.rulebook import rulebook_with

        return rulebook_with(rulebook)
    return rulebook


def _keyring_path(database: str, keyring: str | Path | None) -> Path:
    """The keyring of a database: beside its file, or for one on a server, in the working directory."""
    if keyring is not None:
        return Path(keyring)
    return Path(f"{name_in(database)}.keys") if is_url(database) else Path(f"{database}.keys")


def _names(database: str, keys: Path) -> tuple[str, str]:
    """What another process opens the same by, wherever it is started."""
    return database if is_url(database) else os.path.abspath(database), os.path.abspath(keys)


def _put_in_place(draft: Path, path: Path) -> None:
    """Give a finished database its name, unless somebody was faster."""
    try:
        os.link(draft, path)
    except FileExistsError:
        raise ConflictError("database_exists", path=path) from None
    except OSError:
        raise UnavailableError("database_unwritable", path=path) from None


def _is_founded(store: Store) -> bool:
    """Whether the tables hold a scheme already, and not only stand there."""
    with store.reading() as tx:
        return tx.row("SELECT 1 FROM meta WHERE name = 'keyring'") is not None


def _is_new(path: Path) -> bool:
    """Whether the file is still to be made; raises ``UnavailableError`` where it cannot be.

    It is looked at once: another process may be making it.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        if path.parent.is_dir():
            return True
    except OSError:  # a name too long, say
        pass
    else:
        if S_ISREG(found.st_mode):
            return found.st_size == 0
    raise UnavailableError("database_unwritable", path=path)


def _check_parties(store: Store) -> None:
    """A user's parties are those of the database, unless these are still to be recorded."""
    from ecny_tax.parties import service as parties

    with store.reading() as tx:
        if tx.row("SELECT 1 FROM institution") is not None:
            parties.check_founded(tx)


def _found(store: Store, keyring: Keyring, ledger: Iterable[str] | None = None) -> None:
    """Give a new database its institutions and accounts; check that an older one has this keyring.

    The accounts are those of every new scheme, or those of an exported ``ledger``.
    """
    with store.reading() as tx:
        row = tx.row("SELECT value FROM meta WHERE name = 'keyring'")
    if row is None:
        with store.transaction() as tx:
            row = tx.row("SELECT value FROM meta WHERE name = 'keyring'")
            if row is None:
                if tx.row("SELECT 1 FROM institution") is not None:  # somebody took the keyring's line out
                    raise UnavailableError("database_damaged", path=getattr(store, "path", ""))
                _found_scheme(tx, keyring, ledger)
                return
    if row[0] != keyring.fingerprint:
        raise UnavailableError("keyring_mismatch")


def _found_scheme(tx: Transaction, keyring: Keyring, ledger: Iterable[str] | None = None) -> None:
    """The institutions and accounts of a scheme, in tables that are empty."""
    from ecny_tax.parties import service as parties

    tx.run("INSERT INTO meta VALUES ('keyring', :value)", value=keyring.fingerprint)
    parties.found(tx, keyring)
    log.found(tx, keyring)
    if ledger is None:
        _open_accounts(tx)
    else:
        _restore(tx, keyring, ledger)


def _needed_for(tx: Transaction, subject_id: str) -> str | None:
    """The bill or refund that still needs the name of a subject; rooms above the wallets' know."""
    from ecny_tax.refunds.pending import needed_for  # imported late: only an erasure asks

    return needed_for(tx, subject_id)


def _forget(tx: Transaction, subject_id: str) -> None:
    """Take out what rooms above the wallets' hold that tells a name to whoever guesses it."""
    from ecny_tax.agreements.rows import forget_signatures

    forget_signatures(tx, subject_id)


def _open_accounts(tx: Transaction) -> None:
    """The accounts that every scheme has, with the opening balances that are assumed."""
    from ecny_tax.treasury import service as treasury
    from ecny_tax.wallets import supply

    supply.found(tx)
    treasury.open_revenue_accounts(tx, tx.rulebook.scheme.treasury.code)


def _restore(tx: Transaction, keyring: Keyring, ledger: Iterable[str]) -> None:
    """The accounts and transfers of an export, when they are a whole scheme's and keep every promise."""
    from ecny_tax.store import importing, journal
    from ecny_tax.store.books import verification

    importing.restore(tx, ledger)
    found = {(a.name, a.ledger, a.code) for a in journal.accounts(tx)}
    model = open_store(MEMORY, rulebook=tx.rulebook)
    with model.transaction() as other:
        _open_accounts(other)
        needed = [(a.name, a.ledger, a.code) for a in journal.accounts(other)]
    model.close()
    for account in needed:
        if account not in found:
            raise VerificationError("ledger_file_lacks", account=account[0])
    for check in verification(tx, keyring).checks:
        if not check.ok:
            raise VerificationError("ledger_broken", promise=check.promise, detail=check.detail)


def _end(store: Store, sealer: Sealer) -> None:
    try:
        sealer.finish()
    finally:
        store.close()
