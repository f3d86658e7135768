"""SQLAlchemy 2: the double entry that one writes oneself, with balances that are kept and locked."""

from __future__ import annotations

import sys
from collections import Counter
from datetime import UTC, datetime

from jobs import FUNDS, Moves, serve
from sqlalchemy import BigInteger, ForeignKey, create_engine, insert, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship


class Base(DeclarativeBase):
    type_annotation_map = {int: BigInteger}  # noqa: RUF012 - so SQLAlchemy wants it


class Account(Base):
    __tablename__ = "book_account"
    id: Mapped[int] = mapped_column(primary_key=True)
    balance: Mapped[int]


class Transfer(Base):
    __tablename__ = "book_transfer"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[str]
    entries: Mapped[list[Entry]] = relationship()


class Entry(Base):
    __tablename__ = "book_entry"
    id: Mapped[int] = mapped_column(primary_key=True)
    transfer_id: Mapped[int] = mapped_column(ForeignKey(Transfer.id), index=True)
    account_id: Mapped[int] = mapped_column(ForeignKey(Account.id), index=True)
    amount: Mapped[int]


class Books:
    def open(self, accounts: int) -> None:
        self._engine = create_engine(sys.argv[1].replace("postgresql:", "postgresql+psycopg:", 1))
        Base.metadata.create_all(self._engine)
        with Session(self._engine) as session, session.begin():
            session.add_all(Account(id=n + 1, balance=FUNDS) for n in range(accounts))

    def single(self, payer: int, payee: int, fen: int) -> None:
        with Session(self._engine) as session, session.begin():
            found = _locked(session, {payer + 1, payee + 1})
            _move(found, payer, payee, fen)
            session.add(Transfer(at=_now(), entries=_entries(payer, payee, fen)))

    def batch(self, moves: Moves) -> None:
        at = _now()
        with Session(self._engine) as session, session.begin():
            touched = {place + 1 for payer, payee, _fen in moves for place in (payer, payee)}
            found = _locked(session, touched)
            for move in moves:
                _move(found, *move)
            ids = session.scalars(
                insert(Transfer).returning(Transfer.id, sort_by_parameter_order=True),
                [{"at": at}] * len(moves),
            ).all()
            session.execute(
                insert(Entry),
                [
                    {"transfer_id": id_, "account_id": account + 1, "amount": amount}
                    for id_, (payer, payee, fen) in zip(ids, moves, strict=True)
                    for account, amount in ((payer, -fen), (payee, fen))
                ],
            )

    def balances(self) -> list[int]:
        """What is kept, once it is seen that the entries say the same."""
        with Session(self._engine) as session:
            kept = session.scalars(select(Account).order_by(Account.id)).all()
            sums: Counter[int] = Counter()
            for account_id, amount in session.execute(select(Entry.account_id, Entry.amount)):
                sums[account_id] += amount
            if any(account.balance != FUNDS + sums[account.id] for account in kept):
                raise RuntimeError("balances and entries differ")
            return [account.balance for account in kept]


def _locked(session: Session, ids: set[int]) -> dict[int, Account]:
    """The accounts in the order of their ids, so that no two wait for each other."""
    query = select(Account).where(Account.id.in_(ids)).order_by(Account.id).with_for_update()
    return {account.id: account for account in session.scalars(query)}


def _move(found: dict[int, Account], payer: int, payee: int, fen: int) -> None:
    if found[payer + 1].balance < fen:
        raise RuntimeError("insufficient funds")
    found[payer + 1].balance -= fen
    found[payee + 1].balance += fen


def _entries(payer: int, payee: int, fen: int) -> list[Entry]:
    return [Entry(account_id=payer + 1, amount=-fen), Entry(account_id=payee + 1, amount=fen)]


def _now() -> str:
    return datetime.now(UTC).isoformat()


serve(Books())
