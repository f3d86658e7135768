"""The promises of the ledger that its journal alone can prove, checked by folding the journal once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ecny_tax.ledger.model import MAX_DISORDER, Account, AccountCode, AccountFlags, Ledger
from ecny_tax.ledger.records import TransferColumns


@dataclass(frozen=True, slots=True)
class Check:
    """One promise (I1 …) and whether it holds; ``detail`` names the first record that breaks it."""

    promise: str
    what: str
    what_zh: str
    ok: bool
    detail: str


class JournalFold:
    """Derives every balance anew from a journal that is given to it in order, a run of transfers at a time.

    Memory grows with the accounts, not with the transfers.  Up to the transfer ``side_by_side`` several wrote
    at a time, and times may lie back by ``MAX_DISORDER``.
    """

    def __init__(self, accounts: Mapping[int, Account], *, side_by_side: int = 0) -> None:
        self.count = 0
        self._side_by_side = side_by_side
        self._accounts = accounts
        self._asset = {a.id: a.ledger for a in accounts.values()}
        self._debits = dict.fromkeys(accounts, 0)
        self._credits = dict.fromkeys(accounts, 0)
        self._bound_by_credits = _flagged(accounts, AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS)
        self._bound_by_debits = _flagged(accounts, AccountFlags.CREDITS_MUST_NOT_EXCEED_DEBITS)
        self._newest = 0
        self._crossed = self._overdrawn = self._broken = ""

    def add(self, run: Sequence[TransferColumns]) -> None:
        """Fold in the next transfers of the journal."""
        asset, debits, credits_ = self._asset, self._debits, self._credits
        count, newest = self.count, self._newest
        for seq, debit, credit, amount, ledger, _code, _flags, at, _id, _user_data in run:
            count += 1
            if seq != count:
                self._broken = self._broken or f"transfer {seq} stands where {count} is expected"
            if at >= newest:
                newest = at
            elif seq > self._side_by_side or at < newest - MAX_DISORDER:
                self._broken = self._broken or f"transfer {seq} is older than the one before it"
            if debit not in asset or credit not in asset:
                self._broken = self._broken or f"transfer {seq} names an account that does not exist"
                continue
            if not asset[debit] == asset[credit] == ledger:
                self._crossed = self._crossed or f"transfer {seq} crosses assets"
            debited = debits[debit] = debits[debit] + amount
            credited = credits_[credit] = credits_[credit] + amount
            if debited > credits_[debit] and debit in self._bound_by_credits:
                self._overdraws(seq, debit)
            if credited > debits[credit] and credit in self._bound_by_debits:
                self._overdraws(seq, credit)
        self.count, self._newest = count, newest

    def _overdraws(self, seq: int, account: int) -> None:
        self._overdrawn = self._overdrawn or f"transfer {seq} overdraws {self._accounts[account].name}"

    def checks(self) -> list[Check]:
        """I1 to I5, once the whole journal is folded in."""
        accounts = self._accounts
        unequal = [ledger.name for ledger in Ledger if not _balances(accounts, ledger)]
        issued, held = _issued_and_held(accounts)
        backed = _backing(accounts)
        supply = "" if issued == held == backed else f"issued {issued}, held {held}, backed {backed} fen"
        return [
            _check(
                "I1",
                "per asset, debits equal credits",
                "每种资产借贷相等",
                self._crossed or ", ".join(unequal),
            ),
            _check(
                "I2",
                "issued equals in circulation plus vaults, and is backed in full",
                "发行等于流通加银行库，且全额有准备",
                supply,
            ),
            _check("I3", "no bounded account was ever overdrawn", "受限账户从未透支", self._overdrawn),
            _check("I4", "balances equal the fold of the journal", "余额等于流水累计", self.differing()),
            _check(
                "I5",
                "the journal only grows, in order and without gaps",
                "流水只增不改，有序无缺",
                self._broken,
            ),
        ]

    def differing(self) -> str:
        """The first account whose stored counters are not what the journal adds up to, or nothing."""
        for account in self._accounts.values():
            folded = self._debits[account.id], self._credits[account.id]
            if (account.debits, account.credits) != folded:
                return account.name
        return ""


def check_journal(
    accounts: Mapping[int, Account], journal: Sequence[TransferColumns]
) -> tuple[int, list[Check]]:
    """Fold a whole journal; return how many transfers it has and the checks I1 to I5."""
    fold = JournalFold(accounts)
    fold.add(journal)
    return fold.count, fold.checks()


def _flagged(accounts: Mapping[int, Account], flag: AccountFlags) -> frozenset[int]:
    return frozenset(a.id for a in accounts.values() if a.flags & flag)


def _check(promise: str, what: str, what_zh: str, detail: str) -> Check:
    return Check(promise, what, what_zh, not detail, detail)


def in_circulation(accounts: Iterable[Account]) -> int:
    """All e-CNY outside issuance and operator vaults, in fen."""
    outside = (AccountCode.ISSUANCE, AccountCode.OPERATOR_VAULT)
    return sum(a.credit_balance for a in accounts if a.ledger == Ledger.ECNY and a.code not in outside)


def in_vaults(accounts: Iterable[Account]) -> int:
    """All e-CNY in operator vaults, in fen."""
    return sum(a.credit_balance for a in accounts if a.code == AccountCode.OPERATOR_VAULT)


def _balances(accounts: Mapping[int, Account], ledger: Ledger) -> bool:
    return sum(a.credit_balance for a in accounts.values() if a.ledger == ledger) == 0


def _issued_and_held(accounts: Mapping[int, Account]) -> tuple[int, int]:
    issued = -sum(a.credit_balance for a in accounts.values() if a.code == AccountCode.ISSUANCE)
    return issued, in_circulation(accounts.values()) + in_vaults(accounts.values())


def _backing(accounts: Mapping[int, Account]) -> int:
    return sum(a.credit_balance for a in accounts.values() if a.code == AccountCode.RESERVE_BACKING)
