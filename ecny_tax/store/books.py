"""Reading the books: accounts, the state of the currency, and the verification of every promise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ecny_tax.clock import from_micros, micros, within_range
from ecny_tax.errors import NotFoundError, VerificationError
from ecny_tax.ledger.checkpoint import ROLE, Checkpoint, open_checkpoint, read_checkpoint
from ecny_tax.ledger.model import (
    Account,
    AccountCode,
    Ledger,
    TransferCode,
    TransferFlags,
    account_kind,
)
from ecny_tax.ledger.promises import Check, in_circulation, in_vaults
from ecny_tax.money import Fen
from ecny_tax.store import journal, log
from ecny_tax.store.record_checks import LAST_TRANSFER, RECORD_CHECKS
from ecny_tax.store.transaction import Row, Store, Transaction
from ecny_tax.store.verifying import Progress, verify_journal

if TYPE_CHECKING:
    from ecny_tax.crypto.keyring import Keyring
    from ecny_tax.ledger.proofs import ConsistencyProof, InclusionProof
    from ecny_tax.store.export import Export


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """An account; amounts in fen, ``balance`` is credits less debits."""

    account: str
    asset: str
    kind: str
    debits: Fen
    credits: Fen
    balance: Fen


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A transfer of the journal, by its place ``seq``; ``linked`` to the one after it: both or none."""

    seq: int
    transfer_id: str
    posted_at: datetime
    asset: str
    kind: str
    debit_account: str
    credit_account: str
    amount: Fen
    reference: str
    linked: bool


@dataclass(frozen=True, slots=True)
class LedgerVerification:
    """What a full verification found; ``imported`` transfers came without the records they belong to.

    Of the transparency log: ``sealed`` records in ``checkpoints`` that the ledger's key signed, and those
    ``unsealed`` yet; ``altered`` names the first record that is not as it was sealed, or is empty.
    """

    ok: bool
    transfers: int
    imported: int
    accounts: int
    sealed: int
    unsealed: int
    checkpoints: int
    altered: str
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class OperatorRate:
    """What an operator lists by the year, where it is not the rate of all."""

    operator: str
    interest_rate: Fraction


@dataclass(frozen=True, slots=True)
class RegimeInForce:
    """What e-CNY is today (see ``rulebook.scheme.Regime``); ``interest_rate`` is by the year, 0 for none.

    ``operator_rates`` are those of the operators that list another one.
    """

    name_en: str
    name_zh: str
    since: date
    nature_en: str
    nature_zh: str
    interest_rate: Fraction
    operator_rates: tuple[OperatorRate, ...]
    bank_reserve: str
    non_bank_reserve: str
    citation: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Status:
    """The state of a database; amounts in fen.  Before the scheme began there is no ``regime``."""

    engine: str
    now: datetime
    in_circulation: Fen
    operator_vaults: Fen
    wallets: int
    transfers: int
    newest_transfer_at: datetime | None
    regime: RegimeInForce | None


class Books:
    """The books of the scheme, to read and to verify."""

    def __init__(self, store: Store, keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring

    def accounts(self, *, at: datetime | None = None) -> tuple[AccountBalance, ...]:
        """Every account with its counters in fen, in the order of opening.

        With ``at`` the accounts that were open at that time, with the counters they had then, transfers of
        that very time included.  Raises ``InvalidInputError`` (``time_malformed``).
        """
        last = None if at is None else micros(within_range(at))
        with self._store.reading() as tx:
            found = journal.accounts(tx) if last is None else _accounts_at(tx, last)
        return tuple(_balance(account) for account in found)

    def account(self, *, name: str, at: datetime | None = None) -> AccountBalance:
        """One account, now or as it stood at a time; raises ``NotFoundError`` (``account_not_found``)."""
        last = None if at is None else micros(within_range(at))
        with self._store.reading() as tx:
            row = tx.row(f"{_ACCOUNT} WHERE name = :name", name=name)
            if row is None:
                raise NotFoundError("account_not_found", account=name)
            return _balance(Account(*row) if last is None else _account_at(tx, Account(*row), last))

    def transfers(self, *, after: int = 0, limit: int = 100) -> tuple[JournalEntry, ...]:
        """The first ``limit`` transfers of the journal after the one of number ``after``."""
        with self._store.reading() as tx:
            return tuple(JournalEntry(*_entry(row)) for row in tx.rows(_JOURNAL, after=after, limit=limit))

    def export(self, *, format: str) -> Export:
        """The ledger as text in ``beancount``, ``csv`` or ``jsonl``; iterate for its lines, with their ends.

        Memory grows with the accounts, not with the transfers, and the database stays free meanwhile.
        :meth:`ecny_tax.Sandbox.import_ledger` takes the lines of ``jsonl`` back.  Raises
        ``InvalidInputError`` (``ledger_format_unknown``).
        """
        from ecny_tax.store.export import export  # imported late: only an export needs it

        return export(self._store, format)

    def verify(self, *, progress: Progress | None = None) -> LedgerVerification:
        """Derive every balance anew from the journal, compare every record with the sealed log, and check the
        promises that journal and records prove.

        ``progress`` is called now and then with how many of the :meth:`records` are done.  Memory grows with
        the accounts, not with the transfers.
        """
        with self._store.reading(at_rest=True) as tx:
            return verification(tx, self._keyring, progress)

    def records(self) -> int:
        """How many records the transparency log has or will have: transfers and events."""
        with self._store.reading() as tx:
            return log.committed(tx).size

    def checkpoint(self) -> Checkpoint:
        """Seal what is committed by now, and return the newest checkpoint of the transparency log.

        Every process does so before it ends; raises ``UnavailableError``.
        """
        log.seal(self._store, self._keyring)
        with self._store.reading() as tx:
            return log.newest(tx)

    def check_head(self) -> int:
        """Check that the newest checkpoint is the ledger's own and agrees with the log; how many it seals.

        It takes the same time however long the ledger is.  Raises ``VerificationError`` (``log_broken``,
        ``checkpoint_malformed``, ``signature_invalid``) and ``UnavailableError``.
        """
        with self._store.reading() as tx:
            log.check_head(tx, self._keyring)
            return log.head(tx).size

    def published_keys(self) -> dict[str, str]:
        """The Ed25519 key that signs the checkpoints: ``ledger:…`` → 64 hex digits."""
        with self._store.reading() as tx:
            key = self._keyring.signing_key(ROLE, log.ledger_id(tx))
        return {key.name: key.public_bytes.hex()}

    def prove(self, *, transfer_id: str) -> InclusionProof:
        """Prove that a transfer (by the 32 hex digits of its id) is in the log, sealing it first if needed.

        Raises ``NotFoundError`` (``transfer_not_found``).
        """
        id_ = log.transfer_id_of(transfer_id)

        def prove() -> InclusionProof:
            with self._store.reading() as tx:
                return log.prove(tx, id_)

        return log.sealed(self._store, self._keyring, prove)

    def prove_consistency(self, *, earlier: Checkpoint) -> ConsistencyProof:
        """Prove that the log only grew since a checkpoint that was taken from it earlier.

        Raises ``VerificationError``: ``checkpoint_of_another_ledger``, ``signature_invalid``,
        ``log_truncated``, ``history_forked``.
        """
        log.seal(self._store, self._keyring)
        with self._store.reading() as tx:
            return log.prove_consistency(tx, self._opened(tx, earlier.note))

    def check_continues(self, *, note: str) -> None:
        """Check that this ledger goes on from a checkpoint that somebody kept, signed by its own key.

        It finds what no look at the database alone can: that its newest records were cut off, or that it was
        rewritten and signed anew.  Raises ``VerificationError`` (``checkpoint_malformed``,
        ``checkpoint_of_another_ledger``, ``signature_invalid``, ``log_truncated``, ``history_forked``).
        """
        with self._store.reading() as tx:
            log.prove_consistency(tx, self._opened(tx, note))

    def _opened(self, tx: Transaction, note: str) -> Checkpoint:
        """A checkpoint of this ledger; one that its key never signed accuses nobody of anything."""
        key = self._keyring.signing_key(ROLE, log.ledger_id(tx))
        origin = read_checkpoint(note).origin
        if origin != key.name:
            raise VerificationError("checkpoint_of_another_ledger", origin=origin)
        return open_checkpoint(note, {key.name: key.public_bytes}.get)

    def status(self) -> Status:
        """The time in force, how much e-CNY there is, and how many records."""
        with self._store.reading() as tx:
            accounts = journal.accounts(tx)
            newest = tx.row("SELECT seq, posted_at FROM transfer ORDER BY seq DESC LIMIT 1")
            return Status(
                engine=self._store.engine,
                now=tx.now,
                in_circulation=Fen(in_circulation(accounts)),
                operator_vaults=Fen(in_vaults(accounts)),
                wallets=sum(account.code == AccountCode.WALLET for account in accounts),
                transfers=newest[0] if newest else 0,
                newest_transfer_at=from_micros(newest[1]) if newest else None,
                regime=_regime(tx),
            )


def verification(tx: Transaction, keyring: Keyring, progress: Progress | None = None) -> LedgerVerification:
    """See :meth:`Books.verify`."""
    found = verify_journal(tx, keyring, progress)
    checks = list(found.checks)
    for promise, what, what_zh, query in RECORD_CHECKS:
        broken = tx.row(query)
        checks.append(Check(promise, what, what_zh, broken is None, broken[0] if broken else ""))
    counts = tx.row(f"SELECT {LAST_TRANSFER}, (SELECT count(*) FROM account)")
    imported, accounts = counts or (0, 0)
    return LedgerVerification(
        ok=all(check.ok for check in checks),
        transfers=found.transfers,
        imported=imported,
        accounts=accounts,
        sealed=found.sealed,
        unsealed=found.unsealed,
        checkpoints=found.checkpoints,
        altered=found.altered,
        checks=tuple(checks),
    )


def _regime(tx: Transaction) -> RegimeInForce | None:
    today = tx.now.date()
    rules = tx.rulebook.on(today).scheme
    if (found := rules.regime) is None:
        return None
    regime, scheme = found.value, rules.figures
    own = scheme.own_interest_rates(today) if regime.bears_interest else {}
    return RegimeInForce(
        name_en=regime.name_en,
        name_zh=regime.name_zh,
        since=found.since,
        nature_en=regime.nature_en,
        nature_zh=regime.nature_zh,
        interest_rate=scheme.interest_rate(None, today).rate if regime.bears_interest else Fraction(0),
        operator_rates=tuple(OperatorRate(code, rate) for code, rate in own.items()),
        bank_reserve=regime.bank_reserve,
        non_bank_reserve=regime.non_bank_reserve,
        citation=regime.citation,
        evidence=regime.evidence,
    )


_ACCOUNT = "SELECT id, name, ledger, code, flags, debits, credits FROM account"
_JOURNAL = (
    "SELECT t.seq, t.id, t.posted_at, t.ledger, t.code, d.name, c.name, t.amount, t.user_data, t.flags"
    " FROM transfer t JOIN account d ON d.id = t.debit_account_id"
    " JOIN account c ON c.id = t.credit_account_id WHERE t.seq > :after ORDER BY t.seq LIMIT :limit"
)


def _entry(row: Row) -> tuple[Any, ...]:
    seq, id_, at, ledger, code, debit, credit, amount, reference, flags = row
    known = code in frozenset(TransferCode)
    kind = TransferCode(code).name.lower() if known else f"code_{code}"
    linked = bool(flags & TransferFlags.LINKED)
    return seq, id_.hex(), from_micros(at), _asset(ledger), kind, debit, credit, amount, reference, linked


def _account_at(tx: Transaction, account: Account, last: int) -> Account:
    """An account with its counters after every transfer up to and including the time ``last``."""
    sums = [
        tx.row(
            f"SELECT coalesce(sum(amount), 0) FROM transfer WHERE {side}_account_id = :id"
            " AND posted_at <= :last",
            id=account.id,
            last=last,
        )
        for side in ("debit", "credit")
    ]
    debits, credits = (int(row[0]) if row else 0 for row in sums)
    return replace(account, debits=debits, credits=credits)


def _asset(ledger: int) -> str:
    return "e-CNY" if ledger == Ledger.ECNY else "deposits"


def _accounts_at(tx: Transaction, last: int) -> list[Account]:
    """The accounts with their counters after every transfer up to and including the time ``last``.

    An account counts as open once it was used, too: a clock may be set back after the opening.
    """
    moved = (
        "(SELECT {side}_account_id AS id, sum(amount) AS amount FROM transfer"
        " WHERE posted_at <= :last GROUP BY {side}_account_id)"
    )
    rows = tx.rows(
        "SELECT a.id, name, ledger, code, flags, coalesce(d.amount, 0), coalesce(c.amount, 0) FROM account a"
        f" LEFT JOIN {moved.format(side='debit')} d ON d.id = a.id"
        f" LEFT JOIN {moved.format(side='credit')} c ON c.id = a.id"
        " WHERE opened_at <= :last OR d.id IS NOT NULL OR c.id IS NOT NULL ORDER BY a.id",
        last=last,
    )
    return [Account(*row) for row in rows]


def _balance(account: Account) -> AccountBalance:
    return AccountBalance(
        account=account.name,
        asset=_asset(account.ledger),
        kind=account_kind(account.code),
        debits=Fen(account.debits),
        credits=Fen(account.credits),
        balance=Fen(account.credit_balance),
    )
