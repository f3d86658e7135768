"""The SQL of wallets and of what they spent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from ecny_tax.clock import from_micros, micros
from ecny_tax.ledger.model import Account, TransferCode
from ecny_tax.parties.model import InstitutionKind
from ecny_tax.store import journal
from ecny_tax.store.transaction import Row, Transaction
from ecny_tax.wallets.model import Spent, Stop, SubWalletPurpose, Wallet, WalletKind, WalletStatus, longest

#: The columns of a wallet ``w`` with its account ``a`` and parent ``p``, which :func:`wallet_of` reads.
COLUMNS = (
    "w.wallet_id", "w.kind", "w.wallet_class", "w.operator", "a.credits - a.debits", "w.opened_at",
    "w.closed_at", "w.frozen + coalesce(p.frozen, 0)", "w.stop_reason", "w.stopped_until", "p.stop_reason",
    "p.stopped_until", "w.identity_id", "w.subject_id", "w.account_id", "w.parent", "w.purpose",
)  # fmt: skip
#: What a wallet is read with.
JOINED = " JOIN account a ON a.id = w.account_id LEFT JOIN wallet p ON p.wallet_id = w.parent"
#: Who acts through a wallet, as ``Wallet.party`` says it.
PARTY = "CASE WHEN w.wallet_class = 'IV' THEN w.wallet_id ELSE w.subject_id END"
_WALLET = f"SELECT {', '.join(COLUMNS)} FROM wallet w{JOINED}"
_WALLET_AND_ACCOUNT = f"SELECT {', '.join(COLUMNS + journal.account_columns('a'))} FROM wallet w{JOINED}"


def insert(
    tx: Transaction,
    *,
    wallet_id: str,
    kind: WalletKind,
    wallet_class: str | None,
    operator: str,
    identity_id: str,
    subject_id: str,
    account_id: int,
    public_key: bytes,
    parent: str | None = None,
    purpose: str | None = None,
) -> None:
    tx.run(
        "INSERT INTO wallet (wallet_id, kind, wallet_class, operator, identity_id, subject_id, account_id,"
        " public_key, opened_at, parent, purpose, named_at) VALUES (:wallet_id, :kind, :wallet_class,"
        " :operator, :identity_id, :subject_id, :account_id, :public_key, :now, :parent, :purpose,"
        " :named_at)",
        wallet_id=wallet_id,
        kind=kind,
        wallet_class=wallet_class,
        operator=operator,
        identity_id=identity_id,
        subject_id=subject_id,
        account_id=account_id,
        public_key=public_key,
        now=micros(tx.now),
        parent=parent,
        purpose=purpose,
        named_at=None if wallet_class == "IV" else micros(tx.now),
    )


def insert_many(tx: Transaction, wallets: Iterable[tuple[Wallet, bytes]]) -> None:
    """New wallets, none of them a sub-wallet, each with its public key."""
    now = micros(tx.now)
    tx.run_many(
        "INSERT INTO wallet (wallet_id, kind, wallet_class, operator, identity_id, subject_id, account_id,"
        " public_key, opened_at, named_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                one.wallet_id,
                one.kind.value,
                one.wallet_class,
                one.operator,
                one.identity_id,
                one.subject_id,
                one.account_id,
                public_key,
                now,
                now if one.is_named else None,
            )
            for one, public_key in wallets
        ),
    )


def wallet(tx: Transaction, wallet_id: str) -> Wallet | None:
    row = tx.row(f"{_WALLET} WHERE w.wallet_id = :wallet_id", wallet_id=wallet_id)
    return wallet_of(row, micros(tx.now)) if row else None


def wallets(tx: Transaction, parent: str | None = None) -> list[Wallet]:
    """Every wallet, or the sub-wallets of one, oldest first."""
    order = "ORDER BY w.opened_at, w.account_id"
    if parent is None:
        found = tx.rows(f"{_WALLET} {order}")
    else:
        found = tx.rows(f"{_WALLET} WHERE w.parent = :parent {order}", parent=parent)
    now = micros(tx.now)
    return [wallet_of(row, now) for row in found]


def wallets_among(tx: Transaction, wallet_ids: Sequence[str]) -> dict[str, Wallet]:
    """Those of these wallets that there are, by their ids."""
    now = micros(tx.now)
    return {row[0]: wallet_of(row, now) for row in tx.rows_among(_WALLET, "w.wallet_id", wallet_ids)}


def with_accounts(tx: Transaction, wallet_ids: Sequence[str]) -> dict[str, tuple[Wallet, Account]]:
    """The same with their accounts, as the ledger takes them."""
    now, end = micros(tx.now), len(COLUMNS)
    return {
        row[0]: (wallet_of(row[:end], now), Account(*row[end:]))
        for row in tx.rows_among(_WALLET_AND_ACCOUNT, "w.wallet_id", wallet_ids)
    }


def wallets_of(tx: Transaction, subject_id: str) -> list[Wallet]:
    """The wallets of one person or body, oldest first."""
    now = micros(tx.now)
    return [
        wallet_of(row, now)
        for row in tx.rows(
            f"{_WALLET} WHERE w.subject_id = :id ORDER BY w.opened_at, w.account_id", id=subject_id
        )
    ]


def parents_among(tx: Transaction, wallet_ids: Sequence[str]) -> set[str]:
    """Which of these wallets have sub-wallets."""
    return {row[0] for row in tx.rows_among("SELECT parent FROM wallet", "parent", wallet_ids)}


def open_wallets_of(tx: Transaction, subjects: Sequence[str]) -> list[Row]:
    """(subject_id, operator, identity_id) of every wallet of these people that is not closed."""
    select = "SELECT subject_id, operator, identity_id, closed_at FROM wallet"
    return [row[:3] for row in tx.rows_among(select, "subject_id", subjects) if row[3] is None]


def taken(tx: Transaction, wallet_ids: Sequence[str]) -> set[str]:
    """Which of these ids wallets have."""
    return {row[0] for row in tx.rows_among("SELECT wallet_id FROM wallet", "wallet_id", wallet_ids)}


def is_taken(tx: Transaction, wallet_id: str) -> bool:
    return tx.row("SELECT 1 FROM wallet WHERE wallet_id = :id", id=wallet_id) is not None


def public_key(tx: Transaction, wallet_id: str) -> bytes:
    """The Ed25519 key that the operator publishes for a wallet."""
    row = tx.row("SELECT public_key FROM wallet WHERE wallet_id = :id", id=wallet_id)
    return row[0] if row else b""


def public_keys(tx: Transaction) -> list[Row]:
    """(wallet id, key) of every wallet that signs; a pushed one does not, and nobody need know of it."""
    return tx.rows(
        "SELECT wallet_id, public_key FROM wallet WHERE coalesce(purpose, '') <> 'pushed'"
        " ORDER BY opened_at, account_id"
    )


def wallet_of(row: Row, now: int) -> Wallet:
    wallet_id, kind, wallet_class, operator, balance, opened, closed, frozen, *rest = row
    *stops, identity_id, subject_id, account_id, parent, purpose = rest
    stop = None
    if closed is None and any(stops):
        stop = longest(*(Stop(*s) for s in (stops[:2], stops[2:]) if s[0] is not None), now=now)
    if closed is not None:
        status = WalletStatus.CLOSED
    elif frozen:
        status = WalletStatus.FROZEN
    else:
        status = WalletStatus.STOPPED if stop else WalletStatus.ACTIVE
    return Wallet(
        wallet_id,
        WalletKind(kind),
        wallet_class,
        operator,
        balance,
        status,
        from_micros(opened),
        None if closed is None else from_micros(closed),
        identity_id,
        subject_id,
        account_id,
        parent,
        None if purpose is None else SubWalletPurpose(purpose),
        None if stop is None else stop.reason,
        None if stop is None or stop.until is None else from_micros(stop.until),
    )


def held_in_liens(tx: Transaction, wallet_id: str) -> int:
    """What of the wallet's money is set aside for offline vouchers, in fen."""
    row = tx.row(
        "SELECT coalesce(sum(a.credits - a.debits), 0) FROM device d"
        " JOIN device_load l ON l.device_id = d.device_id JOIN account a ON a.id = l.account_id"
        " WHERE d.wallet_id = :id",
        id=wallet_id,
    )
    return int(row[0]) if row else 0


def debit_in_doubt(tx: Transaction, wallet_id: str) -> str | None:
    """The number of a debit of the wallet of which nobody knows yet what came of it."""
    row = tx.row(
        "SELECT trace_no FROM debit_record WHERE outcome IS NULL AND wallet_id = :id"
        " ORDER BY trace_no LIMIT 1",
        id=wallet_id,
    )
    return row[0] if row else None


def set_holder(
    tx: Transaction, wallet_id: str, *, wallet_class: str, identity_id: str, subject_id: str
) -> None:
    """Note a named holder, and since when there is one; of a wallet and its sub-wallets."""
    tx.run(
        "UPDATE wallet SET wallet_class = :wallet_class, identity_id = :identity_id,"
        " subject_id = :subject_id, named_at = coalesce(named_at, :now)"
        " WHERE wallet_id = :wallet_id OR parent = :wallet_id",
        wallet_id=wallet_id,
        wallet_class=wallet_class,
        identity_id=identity_id,
        subject_id=subject_id,
        now=micros(tx.now),
    )


def set_closed(tx: Transaction, wallet_id: str) -> None:
    tx.run("UPDATE wallet SET closed_at = :now WHERE wallet_id = :id", id=wallet_id, now=micros(tx.now))


def stop_of(tx: Transaction, wallet_id: str) -> Stop | None:
    """The stop of the wallet itself that is in force."""
    row = tx.row("SELECT stop_reason, stopped_until FROM wallet WHERE wallet_id = :id", id=wallet_id)
    return longest(Stop(*row), now=micros(tx.now)) if row and row[0] is not None else None


def set_stop(tx: Transaction, wallet_id: str, stop: Stop | None) -> None:
    """Put a protective stop on a wallet, or lift the one that is there."""
    tx.run(
        "UPDATE wallet SET stop_reason = :reason, stopped_until = :until WHERE wallet_id = :id",
        id=wallet_id,
        reason=None if stop is None else stop.reason,
        until=None if stop is None else stop.until,
    )


def count_freezes(tx: Transaction, wallet_id: str) -> None:
    """Keep with a wallet how many freezes of it are in force; after each that is laid or lifted."""
    tx.run(
        "UPDATE wallet SET frozen = (SELECT count(*) FROM wallet_freeze f WHERE f.wallet_id = :id"
        " AND f.lifted_at IS NULL) WHERE wallet_id = :id",
        id=wallet_id,
    )


#: A wallet ``w`` and its sub-wallets: each counts what it spent itself, the limits of the class hold for the
#: sum.  A wallet without a class has none.
_SPENT = (
    "CASE WHEN w.wallet_class IS NOT NULL THEN (SELECT coalesce(sum(s.amount), 0) FROM wallet_spending s"
    " WHERE (s.wallet_id = w.wallet_id OR s.wallet_id IN"
    " (SELECT f.wallet_id FROM wallet f WHERE f.parent = w.wallet_id)) AND s.day {when}) ELSE 0 END"
)
#: What they spent on a day and in its year, which :func:`spending_days` gives.
SPENT = (_SPENT.format(when="= :day"), _SPENT.format(when="BETWEEN :first AND :last"))


def spending_days(day: date) -> dict[str, str]:
    return {"day": day.isoformat(), "first": f"{day.year}-01-01", "last": f"{day.year}-12-31"}


def spent(tx: Transaction, wallet_id: str, day: date) -> Spent:
    """What a wallet and its sub-wallets spent on a day and in its year."""
    row = tx.row(
        f"SELECT {', '.join(SPENT)} FROM wallet w WHERE w.wallet_id = :id", id=wallet_id, **spending_days(day)
    )
    return Spent(*row) if row else Spent(0, 0)


def spent_among(tx: Transaction, wallet_ids: Sequence[str], day: date) -> dict[str, Spent]:
    """The same of several wallets."""
    spent = dict.fromkeys(wallet_ids, Spent(0, 0))
    for bearer in ("wallet_id", "parent"):
        for wallet_id, on, amount in tx.rows_among(
            f"SELECT {bearer}, day, amount FROM (SELECT s.wallet_id, w.parent, s.day, s.amount"
            " FROM wallet_spending s JOIN wallet w ON w.wallet_id = s.wallet_id"
            f" WHERE s.day BETWEEN '{day.year}-01-01' AND '{day.year}-12-31') x",
            bearer,
            wallet_ids,
        ):
            today, this_year = spent[wallet_id]
            if on == day.isoformat():
                today += amount
            spent[wallet_id] = Spent(today, this_year + amount)
    return spent


def add_spending_of(tx: Transaction, day: date, amounts: Mapping[str, int]) -> None:
    """Count what several wallets spent towards the limits of that day."""
    tx.run_many(
        f"INSERT INTO wallet_spending VALUES (?, ?, ?) {_ADD_UP}",
        [(wallet_id, day.isoformat(), amount) for wallet_id, amount in amounts.items()],
    )


_ADD_UP = "ON CONFLICT (wallet_id, day) DO UPDATE SET amount = wallet_spending.amount + excluded.amount"


def add_spending(tx: Transaction, wallet_id: str, day: date, amount: int) -> None:
    """Count ``amount`` towards the limits of that day."""
    tx.run(
        f"INSERT INTO wallet_spending VALUES (:id, :day, :amount) {_ADD_UP}",
        id=wallet_id,
        day=day.isoformat(),
        amount=amount,
    )


def return_spending(tx: Transaction, wallet_id: str, day: date, amount: int) -> None:
    """Give back an allowance of that day."""
    tx.run(
        "UPDATE wallet_spending SET amount = amount - :amount WHERE wallet_id = :id AND day = :day",
        id=wallet_id,
        day=day.isoformat(),
        amount=amount,
    )


def balance_after(tx: Transaction, account_id: int, last: int) -> int:
    """The balance after every movement up to and including the time ``last`` (microseconds)."""
    row = tx.row(
        "SELECT coalesce((SELECT sum(amount) FROM transfer"
        " WHERE credit_account_id = :account AND posted_at <= :last), 0)"
        " - coalesce((SELECT sum(amount) FROM transfer"
        " WHERE debit_account_id = :account AND posted_at <= :last), 0)",
        account=account_id,
        last=last,
    )
    return int(row[0]) if row else 0


def statement(tx: Transaction, account_id: int, first: int, last: int) -> list[Row]:
    """(at, transfer id, code, counter account, user_data, signed amount, seq, paying wallet, its operator) of
    the movements, in order; the last two are none where no wallet paid.

    ``first`` and ``last`` are times in microseconds, both included.
    """
    return tx.rows(
        "SELECT posted_at, t.id, t.code, a.name, user_data, amount, seq, w.wallet_id, w.operator"
        " FROM transfer t JOIN account a ON a.id = t.debit_account_id"
        " LEFT JOIN wallet w ON w.account_id = a.id"
        " WHERE credit_account_id = :account AND posted_at BETWEEN :first AND :last"
        " UNION ALL SELECT posted_at, t.id, t.code, a.name, user_data, -amount, seq, NULL, NULL"
        " FROM transfer t JOIN account a ON a.id = t.credit_account_id"
        " WHERE debit_account_id = :account AND posted_at BETWEEN :first AND :last ORDER BY 7",
        account=account_id,
        first=first,
        last=last,
    )


def told(tx: Transaction, wallet_id: str, custodian: str) -> str | None:
    """The custodian's own record of the holder of a wallet, if it was told."""
    row = tx.row(
        "SELECT identity_id FROM disclosure"
        " WHERE wallet_id = :wallet_id AND custodian = :custodian AND is_holder = 1",
        wallet_id=wallet_id,
        custodian=custodian,
    )
    return row[0] if row else None


_TOLD = (
    "(SELECT d.identity_id FROM disclosure d WHERE d.wallet_id = w.wallet_id"
    " AND d.custodian = '{kind}:' || {code} AND d.is_holder = 1 LIMIT 1)"
)
#: The same of a wallet ``w``, by a tax authority ``o`` and by the treasury that it collects for.
TOLD = (
    _TOLD.format(kind=InstitutionKind.TAX_AUTHORITY, code="o.code"),
    _TOLD.format(kind=InstitutionKind.TREASURY, code="o.treasury"),
)


def told_both(tx: Transaction, wallet_id: str, authority: str) -> tuple[str | None, str | None]:
    """The same by the tax authority of that code, and by the treasury that it collects for."""
    row = tx.row(
        f"SELECT {', '.join(TOLD)} FROM wallet w JOIN institution o ON o.kind = 'tax_authority'"
        " AND o.code = :authority WHERE w.wallet_id = :wallet_id",
        wallet_id=wallet_id,
        authority=authority,
    )
    return (row[0], row[1]) if row else (None, None)


def told_among(tx: Transaction, wallet_ids: Sequence[str], *custodians: str) -> dict[tuple[str, str], str]:
    """The same of several wallets and custodians: the record of each wallet and custodian that there is."""
    found = tx.rows_among(
        "SELECT wallet_id, custodian, identity_id FROM"
        " (SELECT wallet_id, custodian, identity_id FROM disclosure WHERE is_holder = 1) d",
        "wallet_id",
        wallet_ids,
    )
    return {
        (wallet_id, custodian): identity_id
        for wallet_id, custodian, identity_id in found
        if custodian in custodians
    }


def known_to(tx: Transaction, wallet_id: str, custodian: str) -> str | None:
    """The record by which a custodian knows the holder: as holder, or else as entered in an agreement."""
    row = tx.row(
        "SELECT identity_id FROM disclosure WHERE wallet_id = :wallet_id AND custodian = :custodian"
        " ORDER BY is_holder DESC, identity_id",
        wallet_id=wallet_id,
        custodian=custodian,
    )
    return row[0] if row else None


def insert_disclosure(
    tx: Transaction, wallet_id: str, custodian: str, identity_id: str, *, is_holder: bool
) -> None:
    """Note what a custodian was told; that the holder is who was entered before is noted in its place."""
    tx.run(
        f"INSERT INTO disclosure VALUES (:wallet_id, :custodian, :identity_id, :is_holder) {_NOTED_BEFORE}",
        wallet_id=wallet_id,
        custodian=custodian,
        identity_id=identity_id,
        is_holder=is_holder,
    )


def insert_disclosures(tx: Transaction, told: Iterable[tuple[str, str, str]]) -> None:
    """The same of (wallet id, custodian, its record), each of a holder."""
    tx.run_many(f"INSERT INTO disclosure VALUES (?, ?, ?, 1) {_NOTED_BEFORE}", told)


_NOTED_BEFORE = (
    "ON CONFLICT (wallet_id, custodian, identity_id) DO UPDATE SET is_holder = 1 WHERE excluded.is_holder = 1"
)


def has_paid(tx: Transaction, payer_account: int, payee_account: int) -> bool:
    """Whether a wallet has ever transferred to another one."""
    row = tx.row(
        "SELECT 1 FROM transfer"
        " WHERE debit_account_id = :payer AND credit_account_id = :payee AND code = :code",
        payer=payer_account,
        payee=payee_account,
        code=TransferCode.WALLET_TRANSFER,
    )
    return row is not None


def is_held(tx: Transaction, identity_id: str) -> bool:
    """Whether a wallet is recorded under that identity."""
    return tx.row("SELECT 1 FROM wallet WHERE identity_id = :id", id=identity_id) is not None
