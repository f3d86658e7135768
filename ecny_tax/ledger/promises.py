"""The promises of the ledger that its journal alone can prove, checked by folding the journal once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
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


_BOUND_BY_CREDITS = int(AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS)
_BOUND_BY_DEBITS = int(AccountFlags.CREDITS_MUST_NOT_EXCEED_DEBITS)


class JournalFold:
    """Derives every balance anew from a journal that is given to it in order, a run of transfers at a time.

    Memory grows with the accounts (some 100 bytes each), not with the transfers.  Up to the transfer
    ``side_by_side`` several wrote at a time, and times may lie back by ``MAX_DISORDER``.
    """

    def __init__(self, accounts: Callable[[], Iterable[Account]], *, side_by_side: int = 0) -> None:
        """``accounts`` gives every account, the same each time: it is asked again in the end."""
        self.count = 0
        self._side_by_side = side_by_side
        self._accounts = accounts
        self._place: dict[int, int] = {}  # of an account's id in the lists that follow
        self._asset: list[int] = []
        self._flags: list[int] = []
        for account in accounts():
            self._place[account.id] = len(self._asset)
            self._asset.append(account.ledger)
            self._flags.append(account.flags)
        self._debits = [0] * len(self._asset)
        self._credits = [0] * len(self._asset)
        self._newest = 0
        self._crossed = self._overdrawn = self._broken = ""

    def add(self, run: Sequence[TransferColumns]) -> None:
        """Fold in the next transfers of the journal."""
        place, asset, flags = self._place.get, self._asset, self._flags
        debits, credits_ = self._debits, self._credits
        count, newest = self.count, self._newest
        for seq, debit, credit, amount, ledger, _code, _flags, at, _id, _user_data in run:
            count += 1
            if seq != count:
                self._broken = self._broken or f"transfer {seq} stands where {count} is expected"
            if at >= newest:
                newest = at
            elif seq > self._side_by_side or at < newest - MAX_DISORDER:
                self._broken = self._broken or f"transfer {seq} is older than the one before it"
            payer, payee = place(debit), place(credit)
            if payer is None or payee is None:
                self._broken = self._broken or f"transfer {seq} names an account that does not exist"
                continue
            if not asset[payer] == asset[payee] == ledger:
                self._crossed = self._crossed or f"transfer {seq} crosses assets"
            debited = debits[payer] = debits[payer] + amount
            credited = credits_[payee] = credits_[payee] + amount
            if debited > credits_[payer] and flags[payer] & _BOUND_BY_CREDITS:
                self._overdraws(seq, debit)
            if credited > debits[payee] and flags[payee] & _BOUND_BY_DEBITS:
                self._overdraws(seq, credit)
        self.count, self._newest = count, newest

    def _overdraws(self, seq: int, account: int) -> None:
        if not self._overdrawn:
            name = next(one.name for one in self._accounts() if one.id == account)
            self._overdrawn = f"transfer {seq} overdraws {name}"

    def checks(self) -> list[Check]:
        """I1 to I5, once the whole journal is folded in."""
        totals, differing = _Totals(), ""
        for account in self._accounts():
            totals.add(account)
            differing = differing or self._differs(account)
        unequal = [ledger.name for ledger in Ledger if totals.by_ledger.get(ledger, 0) != 0]
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
                totals.unbacked(),
            ),
            _check("I3", "no bounded account was ever overdrawn", "受限账户从未透支", self._overdrawn),
            _check("I4", "balances equal the fold of the journal", "余额等于流水累计", differing),
            _check(
                "I5",
                "the journal only grows, in order and without gaps",
                "流水只增不改，有序无缺",
                self._broken,
            ),
        ]

    def differing(self) -> str:
        """The first account whose stored counters are not what the journal adds up to, or nothing."""
        return next(filter(None, map(self._differs, self._accounts())), "")

    def _differs(self, account: Account) -> str:
        place = self._place[account.id]
        same = (account.debits, account.credits) == (self._debits[place], self._credits[place])
        return "" if same else account.name


class _Totals:
    """What balances add up to, by asset and by what e-CNY there is."""

    def __init__(self) -> None:
        self.by_ledger: dict[int, int] = {}
        self._issued = self._held = self._backed = 0

    def add(self, account: Account) -> None:
        balance = account.credit_balance
        self.by_ledger[account.ledger] = self.by_ledger.get(account.ledger, 0) + balance
        if account.code == AccountCode.ISSUANCE:
            self._issued -= balance
        elif account.code == AccountCode.RESERVE_BACKING:
            self._backed += balance
        if account.code == AccountCode.OPERATOR_VAULT or is_outside(account):
            self._held += balance

    def unbacked(self) -> str:
        """How issued, held and backed differ, or nothing."""
        if self._issued == self._held == self._backed:
            return ""
        return f"issued {self._issued}, held {self._held}, backed {self._backed} fen"


def check_journal(
    accounts: Mapping[int, Account], journal: Sequence[TransferColumns]
) -> tuple[int, list[Check]]:
    """Fold a whole journal; return how many transfers it has and the checks I1 to I5."""
    fold = JournalFold(accounts.values)
    fold.add(journal)
    return fold.count, fold.checks()


def _check(promise: str, what: str, what_zh: str, detail: str) -> Check:
    return Check(promise, what, what_zh, not detail, detail)


def in_circulation(accounts: Iterable[Account]) -> int:
    """All e-CNY outside issuance and operator vaults, in fen."""
    return sum(a.credit_balance for a in accounts if is_outside(a))


def is_outside(account: Account) -> bool:
    """Whether what the account holds is e-CNY in circulation."""
    inside = (AccountCode.ISSUANCE, AccountCode.OPERATOR_VAULT)
    return account.ledger == Ledger.ECNY and account.code not in inside


def in_vaults(accounts: Iterable[Account]) -> int:
    """All e-CNY in operator vaults, in fen."""
    return sum(a.credit_balance for a in accounts if a.code == AccountCode.OPERATOR_VAULT)
