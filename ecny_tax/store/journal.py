"""The ledger's storage: load what a batch touches, let the state machine decide, write what it decided."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import NamedTuple

from ecny_tax.clock import micros
from ecny_tax.errors import ConflictError, InvalidInputError, RejectedError
from ecny_tax.ledger.model import (
    MAX_BATCH,
    MAX_COUNTER,
    Account,
    Ledger,
    Result,
    Transfer,
    TransferCode,
    TransferFlags,
)
from ecny_tax.ledger.state_machine import decide
from ecny_tax.store.transaction import Row, Transaction

_ACCOUNT_COLUMNS = ("id", "name", "ledger", "code", "flags", "debits", "credits")
_ACCOUNT = f"SELECT {', '.join(_ACCOUNT_COLUMNS)} FROM account"
_TRANSFER = (
    "SELECT id, debit_account_id, credit_account_id, amount, ledger, code, flags, user_data FROM transfer"
)
_INSERT = (
    "INSERT INTO transfer (id, debit_account_id, credit_account_id, amount, ledger, code, flags, user_data,"
    " posted_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_ADD_TO_COUNTERS = "UPDATE account SET debits = debits + ?, credits = credits + ? WHERE id = ?"
_DEBIT_ACCOUNT, _CREDIT_ACCOUNT = attrgetter("debit_account_id"), attrgetter("credit_account_id")
MAX_NAME = 128
_MAX_ID = 2**128 - 1
_LINKED = int(TransferFlags.LINKED)


def account_columns(alias: str) -> tuple[str, ...]:
    """The columns that make an :class:`Account` of a row of ``account``, for who reads it with others."""
    return tuple(f"{alias}.{name}" for name in _ACCOUNT_COLUMNS)


class Move(NamedTuple):
    """One leg of a business operation: ``amount`` fen from the debit account to the credit account.

    ``user_data`` names the record of this leg, where that is not the record of the whole.
    """

    debit: int
    credit: int
    amount: int
    ledger: Ledger
    code: TransferCode
    user_data: str | None = None


def open_account(tx: Transaction, *, name: str, ledger: int, code: int, flags: int) -> int:
    """Add an account with zero counters; return its id.

    Raises ``InvalidInputError`` (``account_name_malformed``) and ``ConflictError`` (``account_exists``), as
    for a treasury whose accounts came with an imported ledger.
    """
    if not 0 < len(name) <= MAX_NAME:
        raise InvalidInputError("account_name_malformed", value=name)
    row = tx.row(
        "INSERT INTO account (name, ledger, code, flags, opened_at)"
        " VALUES (:name, :ledger, :code, :flags, :now) ON CONFLICT (name) DO NOTHING RETURNING id",
        name=name,
        ledger=ledger,
        code=code,
        flags=flags,
        now=micros(tx.now),
    )
    if row is None:
        raise ConflictError("account_exists", account=name)
    _record_event(tx, int(row[0]), flags)
    return int(row[0])


def open_accounts(
    tx: Transaction, names: Sequence[str], *, ledger: int, code: int, flags: int
) -> dict[str, int]:
    """The same for many of one kind, whose names are all different and well formed: the id of each."""
    tx.be_alone()  # as for any event
    select = "SELECT id, name FROM account"
    for _id, name in tx.rows_among(select, "name", names):
        raise ConflictError("account_exists", account=name)
    at = micros(tx.now)
    tx.run_many(
        "INSERT INTO account (name, ledger, code, flags, opened_at) VALUES (?, ?, ?, ?, ?)",
        ((name, int(ledger), int(code), int(flags), at) for name in names),
    )
    opened = {name: id_ for id_, name in tx.rows_among(select, "name", names)}
    newest = tx.row("SELECT coalesce(max(seq), 0) FROM transfer") or (0,)
    tx.run_many(
        "INSERT INTO event (account_id, flags, after_seq, at) VALUES (?, ?, ?, ?)",
        ((opened[name], int(flags), newest[0], at) for name in names),
    )
    return opened


def account_named(tx: Transaction, name: str) -> Account | None:
    row = tx.row(f"{_ACCOUNT} WHERE name = :name", name=name)
    return Account(*row) if row else None


def ids_of(tx: Transaction, names: Sequence[str]) -> dict[str, int]:
    """The ids of those of these accounts that there are, by name."""
    return dict(tx.rows_among("SELECT name, id FROM account", "name", names))


def known_account(tx: Transaction, name: str) -> Account:
    """An account that every database of the scheme has, since it was opened with it."""
    found = account_named(tx, name)
    assert found is not None, name  # noqa: S101
    return found


def account(tx: Transaction, account_id: int) -> Account:
    """An account that is known to exist, since a record refers to it."""
    row = tx.row(f"{_ACCOUNT} WHERE id = :id", id=account_id)
    assert row is not None  # noqa: S101 - foreign keys keep it so
    return Account(*row)


def accounts(tx: Transaction) -> list[Account]:
    """Every account, in the order of opening."""
    return [Account(*row) for row in tx.rows(f"{_ACCOUNT} ORDER BY id")]


def each_account(tx: Transaction) -> Iterator[Account]:
    """The same one after the other, in flat memory."""
    return (Account(*row) for row in tx.stream(f"{_ACCOUNT} ORDER BY id"))


def set_flags(tx: Transaction, account_id: int, flags: int) -> None:
    tx.run("UPDATE account SET flags = :flags WHERE id = :id", id=account_id, flags=flags)
    _record_event(tx, account_id, flags)


def _record_event(tx: Transaction, account_id: int, flags: int) -> None:
    """Write down from when on an account has these flags; the transparency log seals it."""
    tx.be_alone()  # an event stands between the transfers before it and those after it
    tx.run(
        "INSERT INTO event (account_id, flags, after_seq, at)"
        " VALUES (:id, :flags, coalesce((SELECT max(seq) FROM transfer), 0), :now)",
        id=account_id,
        flags=flags,
        now=micros(tx.now),
    )


def record_digest(tx: Transaction, digest: bytes) -> None:
    """Let the transparency log seal an entry of the access log by its digest."""
    tx.be_alone()
    tx.run(
        "INSERT INTO event (digest, after_seq, at)"
        " VALUES (:digest, coalesce((SELECT max(seq) FROM transfer), 0), :now)",
        digest=digest,
        now=micros(tx.now),
    )


def post(tx: Transaction, batch: Sequence[Transfer]) -> list[Result]:
    """Post a batch of at most 8,189 transfers at the transaction's time; one result for each.

    Raises ``InvalidInputError`` (``batch_too_large``, ``transfer_malformed``) for what no batch may hold.
    """
    if len(batch) > MAX_BATCH:
        raise InvalidInputError("batch_too_large", value=len(batch), limit=MAX_BATCH)
    _check_fields(batch)
    return _write(tx, batch, _known(tx, batch), _touched(tx, batch))


def _touched(tx: Transaction, batch: Sequence[Transfer]) -> list[Account]:
    """The accounts of a batch, in one sorted statement."""
    touched = {*map(_DEBIT_ACCOUNT, batch), *map(_CREDIT_ACCOUNT, batch)}
    return [Account(*row) for row in tx.rows_among(_ACCOUNT, "id", sorted(touched))]


def _write(
    tx: Transaction, batch: Sequence[Transfer], known: dict[int, Transfer], touched: Iterable[Account]
) -> list[Result]:
    """Let the state machine decide, and store what it decided."""
    before = {account.id: account for account in touched}
    decision = decide(before, known, batch)
    at = micros(tx.now)
    tx.run_many(
        _INSERT,
        [
            (
                # sqlite3 binds these types as they are, and asks for an adapter of any other one: of bytes,
                # and of an enum that is a number, of which a plus makes a plain one.
                bytearray(t.id.to_bytes(16, "big")),
                t.debit_account_id,
                t.credit_account_id,
                t.amount,
                +t.ledger,
                +t.code,
                +t.flags,
                t.user_data,
                at,
            )
            for t in decision.created
        ],
    )
    # By what is added, since somebody beside this transaction may credit the same account.  Whatever is
    # debited, a transaction owns.
    tx.run_many(
        _ADD_TO_COUNTERS,
        [
            (debits - before[id_].debits, credits_ - before[id_].credits, id_)
            for id_, (debits, credits_) in decision.counters.items()
        ],
    )
    return decision.results


def move(
    tx: Transaction, moves: Sequence[Move], *, user_data: str, accounts: Sequence[Account] | None = None
) -> list[int]:
    """Post the moves as one linked chain of new transfers; return their ids.

    ``accounts`` are those that are moved between, where they were read in this transaction, and no money
    of theirs was moved since.

    Services check their rules first; the ledger's own refusal is the last guard and raises
    ``RejectedError`` (``ledger_refused``), which rolls the transaction back.
    """
    last = len(moves) - 1
    batch = [
        Transfer(
            tx.ids.transfer_id(tx.now),
            leg.debit,
            leg.credit,
            leg.amount,
            leg.ledger,
            leg.code,
            0 if place == last else _LINKED,
            user_data if leg.user_data is None else leg.user_data,
        )
        for place, leg in enumerate(moves)
    ]
    _check_fields(batch)
    touched = _touched(tx, batch) if accounts is None else accounts
    for result in _write(tx, batch, {}, touched):  # the ids are new, and the index refuses one that is not
        if result not in (Result.CREATED, Result.LINKED_EVENT_FAILED):
            raise RejectedError("ledger_refused", result=result.value)
    return [transfer.id for transfer in batch]


def transfers(tx: Transaction) -> Iterable[Row]:
    """The whole journal in order: (seq, id, debit, credit, amount, ledger, code, flags, user_data, at)."""
    return tx.stream(
        "SELECT seq, id, debit_account_id, credit_account_id, amount, ledger, code, flags, user_data,"
        " posted_at FROM transfer ORDER BY seq"
    )


def _known(tx: Transaction, batch: Sequence[Transfer]) -> dict[int, Transfer]:
    """The stored transfers that bear an id of the batch.  Ids grow with time, so there are seldom any."""
    row = tx.row("SELECT max(id) FROM transfer")
    newest = int.from_bytes(row[0], "big") if row and row[0] else -1
    known = {}
    for transfer in batch:
        if transfer.id <= newest:
            found = tx.row(f"{_TRANSFER} WHERE id = :id", id=transfer.id.to_bytes(16, "big"))
            if found is not None:
                known[transfer.id] = Transfer(transfer.id, *found[1:])
    return known


def _check_fields(batch: Sequence[Transfer]) -> None:
    """Refuse what the columns could not hold."""
    for t in batch:
        if not (
            0 <= t.id <= _MAX_ID
            # Joined by bits, numbers are below a power of two, or not negative, as long as each of them is.
            and 0 <= (t.amount | t.debit_account_id | t.credit_account_id) <= MAX_COUNTER
            and 0 <= (t.ledger | t.code) < 2**31
            and 0 <= t.flags <= _LINKED
            and len(t.user_data) <= MAX_NAME
        ):
            raise InvalidInputError("transfer_malformed", value=t.id)


def range_of(tx: Transaction, first: int, last: int) -> tuple[int, int]:
    """The numbers between which every transfer from ``first`` to ``last`` (µs) lies, both included.

    Times grow with numbers, so it is a short search; where several write side by side, not strictly, and
    between those numbers there may be some of another time.
    """
    return _newest_before(tx, first - tx.disorder) + 1, _newest_before(tx, last + 1 + tx.disorder)


def _newest_before(tx: Transaction, at: int) -> int:
    """A transfer before that time whose next one is not, or 0."""
    row = tx.row("SELECT coalesce(max(seq), 0) FROM transfer")
    low, high = 0, int(row[0]) if row else 0
    while low < high:
        middle = (low + high + 1) // 2
        found = tx.row("SELECT posted_at FROM transfer WHERE seq >= :seq ORDER BY seq LIMIT 1", seq=middle)
        low, high = (middle, high) if found is not None and found[0] < at else (low, middle - 1)
    return low
