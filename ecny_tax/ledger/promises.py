"""The promises of the ledger that its journal alone can prove, checked by folding the journal once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ecny_tax.ledger.model import Account, AccountCode, AccountFlags, Ledger


@dataclass(frozen=True, slots=True)
class Check:
    """One promise (I1 …) and whether it holds; ``detail`` names the first record that breaks it."""

    promise: str
    what: str
    what_zh: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class JournalLine:
    """A stored transfer as the fold reads it."""

    seq: int
    debit_account_id: int
    credit_account_id: int
    amount: int
    ledger: int
    posted_at: int


def check_journal(accounts: Mapping[int, Account], journal: Iterable[JournalLine]) -> tuple[int, list[Check]]:
    """Fold the journal; return how many transfers it has and the checks I1 to I5.

    Memory grows with the accounts, not with the transfers.
    """
    debits = dict.fromkeys(accounts, 0)
    credits_ = dict.fromkeys(accounts, 0)
    bound_by_credits = {
        a.id for a in accounts.values() if a.flags & AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS
    }
    bound_by_debits = {
        a.id for a in accounts.values() if a.flags & AccountFlags.CREDITS_MUST_NOT_EXCEED_DEBITS
    }
    crossed = overdrawn = broken = ""
    count, newest = 0, 0
    for line in journal:
        count += 1
        debit, credit = line.debit_account_id, line.credit_account_id
        if line.seq != count and not broken:
            broken = f"transfer {line.seq} stands where {count} is expected"
        if line.posted_at < newest and not broken:
            broken = f"transfer {line.seq} is older than the one before it"
        newest = line.posted_at
        if debit not in accounts or credit not in accounts:
            broken = broken or f"transfer {line.seq} names an account that does not exist"
            continue
        if not (accounts[debit].ledger == accounts[credit].ledger == line.ledger) and not crossed:
            crossed = f"transfer {line.seq} crosses assets"
        debits[debit] += line.amount
        credits_[credit] += line.amount
        if debit in bound_by_credits and debits[debit] > credits_[debit] and not overdrawn:
            overdrawn = f"transfer {line.seq} overdraws {accounts[debit].name}"
        if credit in bound_by_debits and credits_[credit] > debits[credit] and not overdrawn:
            overdrawn = f"transfer {line.seq} overdraws {accounts[credit].name}"
    unequal = [ledger.name for ledger in Ledger if not _balances(accounts, ledger)]
    differing = next(
        (a.name for a in accounts.values() if (a.debits, a.credits) != (debits[a.id], credits_[a.id])), ""
    )
    issued, held = _issued_and_held(accounts)
    backed = _backing(accounts)
    supply = "" if issued == held == backed else f"issued {issued}, held {held}, backed {backed} fen"
    return count, [
        _check("I1", "per asset, debits equal credits", "每种资产借贷相等", crossed or ", ".join(unequal)),
        _check(
            "I2",
            "issued equals in circulation plus vaults, and is backed in full",
            "发行等于流通加银行库，且全额有准备",
            supply,
        ),
        _check("I3", "no bounded account was ever overdrawn", "受限账户从未透支", overdrawn),
        _check("I4", "balances equal the fold of the journal", "余额等于流水累计", differing),
        _check("I5", "the journal only grows, in order and without gaps", "流水只增不改，有序无缺", broken),
    ]


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
