"""One state of the ledger, read bit by bit: between two bits nothing is locked, and nothing can change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ecny_tax.errors import VerificationError
from ecny_tax.ledger.model import AccountCode, Ledger, TransferCode
from ecny_tax.store.transaction import Store

_PAGE = 4096
_ASSETS, _KINDS = frozenset(Ledger), frozenset(AccountCode)


class AccountRow(NamedTuple):
    """An account as it is stored; counters in fen, ``opened_at`` in microseconds."""

    id: int
    name: str
    ledger: int
    code: int
    flags: int
    debits: int
    credits: int
    opened_at: int


class TransferRow(NamedTuple):
    """A transfer as it is stored; ``amount`` in fen, ``posted_at`` in microseconds."""

    seq: int
    id: bytes
    debit: int
    credit: int
    amount: int
    ledger: int
    code: int
    flags: int
    user_data: str
    posted_at: int

    @property
    def kind(self) -> str:
        """Why money moved, in a word."""
        try:
            return TransferCode(self.code).name.lower()
        except ValueError:
            return f"code_{self.code}"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Every account, and how far the journal went, at one moment; ``newest`` is the time of its end."""

    accounts: tuple[AccountRow, ...]
    transfers: int
    newest: int | None


def take(store: Store) -> Snapshot:
    """The state of the ledger now.  Memory grows with the accounts, not with the transfers.

    Raises ``VerificationError`` (``ledger_broken``) for an account that is of no kind or asset.
    """
    with store.reading(at_rest=True) as tx:
        rows = tx.stream(
            "SELECT id, name, ledger, code, flags, debits, credits, opened_at FROM account ORDER BY id"
        )
        accounts = tuple(AccountRow(*row) for row in rows)
        last = tx.row("SELECT seq, posted_at FROM transfer ORDER BY seq DESC LIMIT 1")
    for account in accounts:
        if account.ledger not in _ASSETS or account.code not in _KINDS:
            detail = f"the account {account.name} is of no known kind or asset"
            raise VerificationError("ledger_broken", promise="I3", detail=detail)
    return Snapshot(accounts, *(last or (0, None)))


def transfers(store: Store, snapshot: Snapshot) -> Iterator[TransferRow]:
    """The journal up to the snapshot, in order, page by page: what is written once never changes."""
    seq = 0
    while seq < snapshot.transfers:
        with store.reading() as tx:
            page = tx.rows(
                "SELECT seq, id, debit_account_id, credit_account_id, amount, ledger, code, flags, user_data,"
                " posted_at FROM transfer WHERE seq > :seq AND seq <= :last ORDER BY seq LIMIT :page",
                seq=seq,
                last=snapshot.transfers,
                page=_PAGE,
            )
        if not page:  # rows were taken out, which only a tool that goes around the library can do
            return
        yield from (TransferRow(*row) for row in page)
        seq = page[-1][0]
