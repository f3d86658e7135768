"""The pure heart of the ledger: (accounts, known transfers, batch) → (results, new balances).

Every engine loads what a batch touches, calls :func:`decide`, and stores what comes out.  So there is one
semantics, and the property tests attack the very function that production runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ecny_tax.ledger.model import MAX_COUNTER, Account, AccountFlags, Result, Transfer, TransferFlags

_CREATED = Result.CREATED  # found at once, where an enum's member takes a look-up
_LINKED = int(TransferFlags.LINKED)
_CLOSED = int(AccountFlags.CLOSED)
_BOUND_BY_CREDITS = int(AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS)
_BOUND_BY_DEBITS = int(AccountFlags.CREDITS_MUST_NOT_EXCEED_DEBITS)


class Decision(NamedTuple):
    """One result for each transfer of the batch, the transfers that were created, in order, and the new
    (debits, credits) counters of every account that they changed."""

    results: list[Result]
    created: list[Transfer]
    counters: dict[int, tuple[int, int]]


def decide(
    accounts: Mapping[int, Account], known: Mapping[int, Transfer], batch: Sequence[Transfer]
) -> Decision:
    """Judge a batch: ``accounts`` and ``known`` hold what of the batch's accounts and ids is stored.

    Transfers joined by the linked flag form a chain, which succeeds or fails whole.  A chain that was
    created before, and is sent again unchanged, answers ``exists`` throughout, so that every command can
    be repeated; this is the one place where the answers differ from TigerBeetle's.
    """
    book = _Book(accounts, known)
    judge = book.judge
    results: list[Result] = []
    chain: list[Transfer] = []
    for transfer in batch:
        is_linked = transfer.flags & _LINKED
        if not is_linked and not chain:
            results.append(judge(transfer))
            continue
        chain.append(transfer)
        if not is_linked:
            results += book.judge_chain(chain)
            chain = []
    if chain:
        results += book.judge_chain(chain)
    return Decision(results, book.created, book.changed_counters())


class _Counters:
    """An account, and its counters as the batch goes on; looked up once for each side of a transfer."""

    __slots__ = ("account", "credits", "debits", "flags", "ledger")

    def __init__(self, account: Account) -> None:
        self.account = account
        self.ledger = account.ledger
        self.flags = account.flags
        self.debits = account.debits
        self.credits = account.credits


class _Book:
    """The counters as the batch goes on, and what it has created so far."""

    def __init__(self, accounts: Mapping[int, Account], known: Mapping[int, Transfer]) -> None:
        self.accounts = {id_: _Counters(account) for id_, account in accounts.items()}
        self.known = dict(known)
        self.created: list[Transfer] = []

    def changed_counters(self) -> dict[int, tuple[int, int]]:
        return {
            id_: (now.debits, now.credits)
            for id_, now in self.accounts.items()
            if now.debits != now.account.debits or now.credits != now.account.credits
        }

    def judge_chain(self, chain: Sequence[Transfer]) -> list[Result]:
        is_open = bool(chain[-1].flags & _LINKED)
        if not is_open and all(
            transfer.id in self.known and _compare(transfer, self.known[transfer.id]) is Result.EXISTS
            for transfer in chain
        ):
            return [Result.EXISTS] * len(chain)
        results = [Result.LINKED_EVENT_FAILED] * len(chain)
        before = len(self.created)
        for place, transfer in enumerate(chain[:-1] if is_open else chain):
            result = self.judge(transfer)
            if result is not Result.CREATED:
                results[place] = result
                break
        else:
            if not is_open:
                return [Result.CREATED] * len(chain)
        self._undo(before)
        if is_open:  # the last one says so, whatever else broke the chain before it
            results[-1] = Result.LINKED_EVENT_CHAIN_OPEN
        return results

    def _undo(self, before: int) -> None:
        """Take back what was created since there were ``before`` transfers."""
        for transfer in self.created[before:]:
            self.accounts[transfer.debit_account_id].debits -= transfer.amount
            self.accounts[transfer.credit_account_id].credits -= transfer.amount
            del self.known[transfer.id]
        del self.created[before:]

    def judge(self, transfer: Transfer) -> Result:
        """Create one transfer or say why not; the order of the checks is the order of precedence."""
        earlier = self.known.get(transfer.id)
        if earlier is not None:
            return _compare(transfer, earlier)
        debit = self.accounts.get(transfer.debit_account_id)
        credit = self.accounts.get(transfer.credit_account_id)
        is_whole = transfer.id and transfer.ledger and transfer.code
        if debit is None or credit is None or debit is credit or not is_whole:
            return _misdirected(transfer, debit)
        if debit.ledger != credit.ledger:
            return Result.ACCOUNTS_MUST_HAVE_THE_SAME_LEDGER
        if debit.ledger != transfer.ledger:
            return Result.TRANSFER_MUST_HAVE_THE_SAME_LEDGER_AS_ACCOUNTS
        if debit.flags & _CLOSED:
            return Result.DEBIT_ACCOUNT_ALREADY_CLOSED
        if credit.flags & _CLOSED:
            return Result.CREDIT_ACCOUNT_ALREADY_CLOSED
        debits = debit.debits + transfer.amount
        if debits > MAX_COUNTER:
            return Result.OVERFLOWS_DEBITS
        credits_ = credit.credits + transfer.amount
        if credits_ > MAX_COUNTER:
            return Result.OVERFLOWS_CREDITS
        if debit.flags & _BOUND_BY_CREDITS and debits > debit.credits:
            return Result.EXCEEDS_CREDITS
        if credit.flags & _BOUND_BY_DEBITS and credits_ > credit.debits:
            return Result.EXCEEDS_DEBITS

        debit.debits = debits
        credit.credits = credits_
        self.known[transfer.id] = transfer
        self.created.append(transfer)
        return _CREATED


def _misdirected(transfer: Transfer, debit: _Counters | None) -> Result:
    """Why a transfer leads nowhere: what is zero in it, or which account is not there."""
    if transfer.id == 0:
        return Result.ID_MUST_NOT_BE_ZERO
    if transfer.debit_account_id == 0:
        return Result.DEBIT_ACCOUNT_ID_MUST_NOT_BE_ZERO
    if transfer.credit_account_id == 0:
        return Result.CREDIT_ACCOUNT_ID_MUST_NOT_BE_ZERO
    if transfer.debit_account_id == transfer.credit_account_id:
        return Result.ACCOUNTS_MUST_BE_DIFFERENT
    if transfer.ledger == 0:
        return Result.LEDGER_MUST_NOT_BE_ZERO
    if transfer.code == 0:
        return Result.CODE_MUST_NOT_BE_ZERO
    return Result.DEBIT_ACCOUNT_NOT_FOUND if debit is None else Result.CREDIT_ACCOUNT_NOT_FOUND


def _compare(transfer: Transfer, earlier: Transfer) -> Result:
    """The answer to an id that is taken: the same transfer again, or which field differs."""
    if transfer.flags != earlier.flags:
        return Result.EXISTS_WITH_DIFFERENT_FLAGS
    if transfer.debit_account_id != earlier.debit_account_id:
        return Result.EXISTS_WITH_DIFFERENT_DEBIT_ACCOUNT_ID
    if transfer.credit_account_id != earlier.credit_account_id:
        return Result.EXISTS_WITH_DIFFERENT_CREDIT_ACCOUNT_ID
    if transfer.amount != earlier.amount:
        return Result.EXISTS_WITH_DIFFERENT_AMOUNT
    if transfer.user_data != earlier.user_data:
        return Result.EXISTS_WITH_DIFFERENT_USER_DATA
    if transfer.ledger != earlier.ledger:
        return Result.EXISTS_WITH_DIFFERENT_LEDGER
    if transfer.code != earlier.code:
        return Result.EXISTS_WITH_DIFFERENT_CODE
    return Result.EXISTS
