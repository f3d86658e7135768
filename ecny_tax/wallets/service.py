"""Opening, funding, paying between, upgrading and closing wallets; statements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from fractions import Fraction
from typing import TYPE_CHECKING

from ecny_tax import identifiers
from ecny_tax.clock import micros, within_range
from ecny_tax.crypto.keyring import Keyring
from ecny_tax.errors import EcnyTaxError, InvalidInputError, NotFoundError, RejectedError
from ecny_tax.ledger import chart
from ecny_tax.ledger.model import Account, AccountCode, AccountFlags, Ledger, TransferCode
from ecny_tax.money import Fen, positive, times, yuan_text
from ecny_tax.parties import service as parties
from ecny_tax.parties.model import Identity, Institution
from ecny_tax.store import Store, Transaction, journal
from ecny_tax.store.idempotency import Request, earlier_answer, hand_over, remember
from ecny_tax.store.journal import Move
from ecny_tax.wallets import families, model, rows, statements, supply
from ecny_tax.wallets.model import (
    ClosedWallet,
    Exchange,
    Spent,
    Statement,
    Wallet,
    WalletKind,
    WalletTransfer,
)

if TYPE_CHECKING:
    from ecny_tax.rulebook import WalletClass
    from ecny_tax.wallets.erasure import Erasure
    from ecny_tax.wallets.interest_model import InterestCredit, InterestState
    from ecny_tax.wallets.many import Opening
    from ecny_tax.wallets.views import WalletView

#: Answers which record still needs the name of a subject; rooms above know, so it is handed in.
NeededFor = Callable[[Transaction, str], str | None]
#: Takes out what those rooms hold of a subject besides its name, and that tells it to whoever guesses it.
Forget = Callable[[Transaction, str], None]
_CLASS_RANK = {"IV": 0, "III": 1, "II": 2, "I": 3}


class Wallets:
    """The wallets (钱包) of all operators.  Amounts are in fen; a refusal moves nothing."""

    def __init__(self, store: Store, keyring: Keyring, needed_for: NeededFor, forget: Forget) -> None:
        self._store = store
        self._keyring = keyring
        self._needed_for = needed_for
        self._forget = forget

    def open(
        self,
        *,
        kind: str,
        operator: str,
        wallet_class: str | None = None,
        name: str | None = None,
        id_number: str | None = None,
        phone: str | None = None,
        fund: Fen | None = None,
        idempotency_key: str | None = None,
    ) -> Wallet:
        """Open a wallet at an operator, and top it up with ``fund`` fen from the holder's bank account.

        ``kind`` is ``personal`` or ``corporate``; ``wallet_class`` I to IV defaults to II with a name and
        id, IV with a phone only.  Raises ``InvalidInputError`` for malformed values and ``RejectedError``:
        ``holder_too_young``, ``sole_trader_needs_personal_wallet``, ``real_name_wallet_exists`` (one per
        person and operator), ``holder_name_differs``, ``wallet_limit_exceeded``.
        """
        which, wallet_class = model.checked_opening(kind, wallet_class, named=bool(name or id_number))
        if fund is not None:
            positive(fund)
        with self._store.transaction() as tx:
            bank = parties.operator(tx, operator)
            holder = self._identify(tx, bank, which, wallet_class, name, id_number, phone)
            content = (kind, wallet_class, bank.code, holder.identity_id, fund)
            request = Request("wallet.open", holder.subject_id, idempotency_key, content)
            if (earlier := earlier_answer(tx, request, Wallet)) is not None:
                return earlier
            self._check_new_holder(tx, which, wallet_class, bank.code, holder)
            wallet_id = free_wallet_id(tx, bank.digits or "")
            account_id = journal.open_account(
                tx,
                name=chart.wallet(wallet_id),
                ledger=Ledger.ECNY,
                code=AccountCode.WALLET,
                flags=AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS,
            )
            rows.insert(
                tx,
                wallet_id=wallet_id,
                kind=which,
                wallet_class=wallet_class,
                operator=bank.code,
                identity_id=holder.identity_id,
                subject_id=holder.subject_id,
                account_id=account_id,
                public_key=self._keyring.signing_key("wallet", wallet_id).public_bytes,
            )
            if fund is not None:
                _top_up(tx, load(tx, wallet_id), fund)
            return remember(tx, request, load(tx, wallet_id))

    def open_many(self, *, openings: Sequence[Opening]) -> tuple[Wallet | EcnyTaxError, ...]:
        """Open many wallets in one transaction, each as :meth:`open` would: the wallet, or what it raises.

        Who is refused leaves nothing, and the others are opened all the same.
        """
        from ecny_tax.wallets.many import open_many  # imported late: most open one

        with self._store.transaction() as tx:
            return tuple(open_many(tx, self._keyring, openings))

    def show(self, *, wallet_id: str, at: datetime | None = None) -> Wallet:
        """One wallet; raises ``NotFoundError`` (``wallet_not_found``).

        With ``at`` its balance is the one at that time, movements of that very time included, as the
        journal has it; everything else is as it is today.
        """
        last = None if at is None else micros(within_range(at))
        with self._store.reading() as tx:
            wallet = load(tx, wallet_id)
            if last is None:
                return wallet
            return replace(wallet, balance=Fen(rows.balance_after(tx, wallet.account_id, last)))

    def list(self, *, parent: str | None = None) -> tuple[Wallet, ...]:
        """Every wallet, oldest first, or the sub-wallets of ``parent``."""
        with self._store.reading() as tx:
            return tuple(rows.wallets(tx, None if parent is None else load(tx, parent).wallet_id))

    def view(self, *, wallet_id: str, party: str) -> WalletView:
        """What a party sees of a wallet, and nothing else: see :mod:`ecny_tax.wallets.views`.

        ``party`` is ``holder``, ``operator:CODE``, ``tax-authority:CODE``, ``treasury:CODE``,
        ``central-bank`` or ``wallet:ID``, somebody it paid; a code alone will do.  Raises
        ``wallet_not_found``, and for a party that there is not ``InvalidInputError`` (``party_malformed``,
        ``operator_unknown``) or ``NotFoundError`` (``tax_authority_not_found``, ``treasury_not_found``).
        """
        from ecny_tax.wallets.looking import look  # imported late: few look as somebody

        with self._store.reading() as tx:
            return look(tx, self._keyring, load(tx, wallet_id), party)

    def erase(self, *, wallet_id: str) -> Erasure:
        """Destroy every key of the holder of a closed wallet: see :mod:`ecny_tax.wallets.erasure`.

        Raises ``RejectedError``: ``holder_has_open_wallets``, ``identity_still_needed`` (an open bill, a
        refund that waits).
        """
        from ecny_tax.wallets.erasure import erase  # imported late: few erase

        return erase(self._store, self._keyring, wallet_id, self._needed_for, self._forget)

    def holder(self, *, wallet_id: str) -> Identity:
        """What the operator's KYC took of the holder."""
        with self._store.reading() as tx:
            return parties.open_identity(tx, self._keyring, load(tx, wallet_id).identity_id)

    def top_up(self, *, wallet_id: str, amount: Fen, idempotency_key: str | None = None) -> Exchange:
        """Turn bank deposits of the holder into e-CNY (兑出); the balance cap of the class applies."""
        positive(amount)
        with self._store.transaction() as tx:
            wallet = load(tx, wallet_id)
            content = (wallet.wallet_id, amount)
            request = Request("wallet.top-up", wallet.party, idempotency_key, content)
            if (earlier := earlier_answer(tx, request, Exchange)) is not None:
                return earlier
            return remember(tx, request, _top_up(tx, wallet, amount))

    def cash_out(self, *, wallet_id: str, amount: Fen, idempotency_key: str | None = None) -> Exchange:
        """Turn e-CNY of the holder into bank deposits (兑回); the spending limits do not apply."""
        positive(amount)
        with self._store.transaction() as tx:
            wallet = load(tx, wallet_id)
            content = (wallet.wallet_id, amount)
            request = Request("wallet.cash-out", wallet.party, idempotency_key, content)
            if (earlier := earlier_answer(tx, request, Exchange)) is not None:
                return earlier
            model.check_is_parent(wallet)
            model.check_may_spend(wallet)
            model.check_funds(wallet, amount)
            moves = supply.cash_out_moves(tx, wallet.operator, wallet.account_id, amount)
            ids = journal.move(tx, moves, user_data="")
            return remember(tx, request, _exchange(tx, wallet, "cash_out", amount, ids[0]))

    def transfer(
        self, *, from_wallet: str, to_wallet: str, amount: Fen, idempotency_key: str | None = None
    ) -> WalletTransfer:
        """Move e-CNY to another wallet, at once and without fee (支付即结算，零手续费).

        Between a wallet and its own sub-wallet it is no spending (子钱包划转).  Raises ``RejectedError``:
        ``wallet_stopped``, ``wallet_frozen``, ``wallet_closed``, ``insufficient_funds``,
        ``wallet_limit_exceeded`` (of the sender's spending), ``payee_limit_exceeded`` (of the payee's
        balance, which the payer is not told), and what the terms of a sub-wallet forbid.
        """
        positive(amount)

        def move(tx: Transaction) -> WalletTransfer:
            (source, from_account), (target, to_account) = _load_both(tx, from_wallet, to_wallet)
            own_families(tx, source, target)
            content = (source.wallet_id, target.wallet_id, amount)
            request = Request("wallet.transfer", source.party, idempotency_key, content)
            if (earlier := earlier_answer(tx, request, WalletTransfer)) is not None:
                return earlier
            accounts = (from_account, to_account)
            return remember(tx, request, _transfer(tx, source, target, amount, accounts))

        return self._store.concurrently(move, *owned(from_wallet, to_wallet))

    def statement(
        self, *, wallet_id: str, from_date: date | None = None, to_date: date | None = None
    ) -> Statement:
        """The movements of the wallet with the balance after each, oldest first.

        Whoever paid into it stands there by a pseudonym that is this wallet's alone.
        The dates are days of Beijing and both included; without them nothing is left out.  Raises
        ``wallet_not_found`` and ``InvalidInputError`` (``period_reversed``).
        """
        with self._store.reading() as tx:
            return statements.statement(tx, self._keyring, load(tx, wallet_id), from_date, to_date)

    def upgrade(
        self,
        *,
        wallet_id: str,
        wallet_class: str,
        name: str | None = None,
        id_number: str | None = None,
        phone: str | None = None,
    ) -> Wallet:
        """Raise a personal wallet to a higher class; a class IV wallet gets its holder's name and id.

        Raises ``RejectedError`` (``wallet_class_not_higher``, and what :meth:`open` raises).
        """
        with self._store.transaction() as tx:
            wallet = load(tx, wallet_id)
            model.check_is_parent(wallet)
            model.check_not_closed(wallet)
            target = model.checked_class(wallet.kind, wallet_class, named=True) or ""
            current = wallet.wallet_class or ""
            if _CLASS_RANK[target] <= _CLASS_RANK[current]:
                raise RejectedError("wallet_class_not_higher", current=current, wanted=target)
            known = parties.open_identity(tx, self._keyring, wallet.identity_id)
            if wallet.is_named:
                if (name, id_number, phone) != (None, None, None):
                    raise InvalidInputError("upgrade_keeps_holder", wallet_id=wallet.wallet_id)
                holder = known
            else:
                bank = parties.operator(tx, wallet.operator)
                phone = phone or known.phone
                holder = self._identify(tx, bank, wallet.kind, target, name, id_number, phone)
                self._check_new_holder(tx, wallet.kind, target, wallet.operator, holder)
                hand_over(tx, actor=wallet.party, to=holder.subject_id)
            rows.set_holder(
                tx,
                wallet.wallet_id,
                wallet_class=target,
                identity_id=holder.identity_id,
                subject_id=holder.subject_id,
            )
            if phone != known.phone and not rows.is_held(tx, known.identity_id):
                parties.forget(tx, known.identity_id)  # nobody would find it when the holder is erased
            return load(tx, wallet.wallet_id)

    def close(self, *, wallet_id: str, idempotency_key: str | None = None) -> ClosedWallet:
        """Close an empty wallet for good, and pay the interest it earned so far to its holder's bank account.

        Raises ``RejectedError`` (``wallet_not_empty``, ``wallet_has_loads``, ``wallet_has_debit_in_doubt``,
        ``wallet_has_sub_wallets``, ``operator_funds_short``, …).
        """
        with self._store.transaction() as tx:
            wallet = load(tx, wallet_id)
            request = Request("wallet.close", wallet.party, idempotency_key, (wallet.wallet_id,))
            if (earlier := earlier_answer(tx, request, ClosedWallet)) is not None:
                return earlier
            interest = close(tx, wallet)
            return remember(tx, request, model.closed(load(tx, wallet.wallet_id), interest))

    def credit_interest(
        self,
        *,
        operator: str | None = None,
        idempotency_key: str | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> InterestCredit:
        """Credit the interest (结息) of every period that has ended, at one operator or at all of them.

        It is paid from the operator's own funds, in batches; killed in between, the next run goes on, and
        what was credited is never credited again.  Where own funds do not suffice for all that is due,
        nothing is credited: with ``operator`` that raises ``RejectedError`` (``operator_funds_short``), else
        the operator stands under ``refused``.  ``progress`` is told how many wallets are done.  Raises
        ``operator_unknown``.
        """
        from ecny_tax.wallets.interest import credit

        return credit(self._store, operator, idempotency_key, progress)

    def interest(self, *, wallet_id: str) -> InterestState:
        """What a wallet has earned and when it is credited; raises ``wallet_not_found``."""
        from ecny_tax.wallets.interest import state

        with self._store.reading() as tx:
            return state(tx, load(tx, wallet_id))

    def published_keys(self) -> dict[str, str]:
        """The Ed25519 key that operators publish for each wallet: ``wallet:0021…`` → 64 hex digits."""
        with self._store.reading() as tx:
            return {f"wallet:{wallet_id}": key.hex() for wallet_id, key in rows.public_keys(tx)}

    def _identify(
        self,
        tx: Transaction,
        bank: Institution,
        kind: WalletKind,
        wallet_class: str | None,
        name: str | None,
        id_number: str | None,
        phone: str | None,
    ) -> Identity:
        needed = model.identity_needed(kind, wallet_class, name, id_number, phone)
        return parties.record_identity(
            tx,
            self._keyring,
            custodian=bank.party,
            kind=needed,
            name=name,
            id_number=id_number,
            phone=phone,
        )

    def _check_new_holder(
        self, tx: Transaction, kind: WalletKind, wallet_class: str | None, operator: str, holder: Identity
    ) -> None:
        """The rules on who may hold a new or upgraded wallet."""
        if wallet_class == "IV":
            return
        least, today = minimum_age(tx, wallet_class), tx.now.date()
        model.check_holder(kind, holder.id_number, minimum_age=least, on=today)
        for other in rows.wallets_of(tx, holder.subject_id):
            if other.status is model.WalletStatus.CLOSED:
                continue
            known = parties.open_identity(tx, self._keyring, other.identity_id)
            model.check_beside(
                kind, operator, holder.name, other_operator=other.operator, other_name=known.name
            )


def owned(*wallet_ids: str) -> tuple[str, ...]:
    """The names by which ``Store.concurrently`` owns wallets, with all that goes in and out of them."""
    return tuple(f"wallet:{wallet_id.strip()}" for wallet_id in wallet_ids)


def own_families(tx: Transaction, *wallets: Wallet) -> None:
    """A sub-wallet shares limits and cap with its family, and moves when nobody of it does."""
    if any(wallet.parent is not None for wallet in wallets):
        tx.be_alone()


def _load_both(
    tx: Transaction, from_wallet: str, to_wallet: str
) -> tuple[tuple[Wallet, Account], tuple[Wallet, Account]]:
    """Two wallets with their accounts, read at once; raises as :func:`load`."""
    numbers = [as_stored(from_wallet), as_stored(to_wallet)]
    found = rows.with_accounts(tx, list(dict.fromkeys(numbers)))
    for number, asked in zip(numbers, (from_wallet, to_wallet), strict=True):
        if number not in found:
            raise _not_found(asked)
    return found[numbers[0]], found[numbers[1]]


def _transfer(
    tx: Transaction, source: Wallet, target: Wallet, amount: Fen, accounts: tuple[Account, Account]
) -> WalletTransfer:
    if source.wallet_id == target.wallet_id:
        raise InvalidInputError("wallets_must_be_different", value=source.wallet_id)
    code, booked_under = TransferCode.WALLET_TRANSFER, ""
    if families.are_parent_and_sub(source, target):
        families.check_move(source, target, amount)
        code, booked_under = TransferCode.SUB_WALLET, families.reference(source, target)
    else:
        spend(tx, source, amount, payee=target.wallet_id)
        check_payee(tx, target, amount)
    leg = Move(source.account_id, target.account_id, amount, Ledger.ECNY, code)
    ids = journal.move(tx, [leg], user_data=booked_under, accounts=accounts)
    return WalletTransfer(
        transfer_id=f"{ids[0]:032x}",
        from_wallet=source.wallet_id,
        to_wallet=target.wallet_id,
        amount=amount,
        fee=fee(tx, amount),
        balance_after=Fen(source.balance - amount),
        at=tx.now,
    )


def load(tx: Transaction, wallet_id: str) -> Wallet:
    """The wallet of that id; raises ``NotFoundError`` (``wallet_not_found``)."""
    wallet = rows.wallet(tx, as_stored(wallet_id))
    if wallet is None:
        raise _not_found(wallet_id)
    return wallet


def close(tx: Transaction, wallet: Wallet) -> Fen:
    """Close a wallet, and answer the interest that was paid with it; raises as :meth:`Wallets.close`."""
    from ecny_tax.wallets.interest import pay_out  # imported late: most commands pay no interest

    model.check_may_spend(wallet)
    if wallet.balance:
        raise RejectedError("wallet_not_empty", wallet_id=wallet.wallet_id, balance=yuan_text(wallet.balance))
    if held := rows.held_in_liens(tx, wallet.wallet_id):
        raise RejectedError("wallet_has_loads", wallet_id=wallet.wallet_id, amount=yuan_text(Fen(held)))
    if (debit := rows.debit_in_doubt(tx, wallet.wallet_id)) is not None:
        raise RejectedError("wallet_has_debit_in_doubt", wallet_id=wallet.wallet_id, payment_no=debit)
    families.check_has_no_sub_wallets(tx, wallet)
    interest = pay_out(tx, wallet)
    account = journal.account(tx, wallet.account_id)
    journal.set_flags(tx, account.id, account.flags | AccountFlags.CLOSED)
    rows.set_closed(tx, wallet.wallet_id)
    return interest


def empty(tx: Transaction, wallet: Wallet) -> None:
    """Turn all that a wallet holds into bank deposits of its holder (兑回)."""
    model.check_is_parent(wallet)
    model.check_may_spend(wallet)
    if wallet.balance:
        moves = supply.cash_out_moves(tx, wallet.operator, wallet.account_id, wallet.balance)
        journal.move(tx, moves, user_data="")


def as_stored(wallet_id: str) -> str:
    """A wallet id that was asked for as it would be stored; empty, which none is, where it cannot be one."""
    return wallet_id.strip() if wallet_id.isascii() else ""


def _not_found(wallet_id: str) -> NotFoundError:
    return NotFoundError("wallet_not_found", wallet_id=identifiers.check_wallet_id(wallet_id))


def limits_of(tx: Transaction, wallet: Wallet) -> WalletClass | None:
    """The limits of the wallet's class today; corporate wallets have none."""
    if wallet.wallet_class is None:
        return None
    return tx.rulebook.on(tx.now.date()).wallets.wallet_class(wallet.wallet_class)


def minimum_age(tx: Transaction, wallet_class: str | None) -> int | None:
    """From what age on people may hold a wallet of the class today; corporate wallets have none."""
    if wallet_class is None:
        return None
    return tx.rulebook.on(tx.now.date()).wallets.wallet_class(wallet_class).minimum_age


def spend(
    tx: Transaction,
    wallet: Wallet,
    amount: Fen,
    *,
    payee: str,
    by_token: bool = False,
    spent: Spent | None = None,
) -> None:
    """Check that ``amount`` may go out (state, limits, funds), and count it towards a person's limits.

    ``payee`` is a wallet id or the code of a tax authority.  A sub-wallet spends on its own terms, and within
    the limits of its parent.  ``spent`` is what the wallet itself spent so far, where that was read already.
    """
    bearer = families.bearer(tx, wallet, amount, payee, by_token=by_token)
    model.check_may_spend(wallet)
    limits, today = limits_of(tx, wallet), tx.now.date()
    if limits is not None:
        if spent is None or bearer is not wallet:
            spent = rows.spent(tx, bearer.wallet_id, today)
        model.check_limits(bearer, amount, limits, spent)
    model.check_funds(wallet, amount)
    if limits is not None:
        rows.add_spending(tx, wallet.wallet_id, today, amount)


def check_may_receive(tx: Transaction, wallet: Wallet, amount: Fen) -> None:
    """Check that ``amount`` from somebody else may come in: open, and under the balance cap."""
    families.check_may_receive(wallet)
    limits = limits_of(tx, wallet)
    model.check_incoming(wallet, amount, limits, beside=_beside(tx, wallet, limits))


def check_payee(tx: Transaction, wallet: Wallet, amount: Fen) -> None:
    """The same for whoever pays, and is told neither class nor balance of the payee."""
    families.check_may_receive(wallet)
    limits = limits_of(tx, wallet)
    model.check_payee(wallet, amount, limits, beside=_beside(tx, wallet, limits))


def _beside(tx: Transaction, wallet: Wallet, limits: WalletClass | None) -> int:
    """What the rest of the family holds, where a cap is theirs together."""
    return 0 if limits is None or limits.cap is None else families.held_beside(tx, wallet)


def fee(tx: Transaction, amount: Fen) -> Fen:
    """The fee of moving ``amount``: a rule whose value is zero (零手续费)."""
    return times(amount, fee_rate(tx))


def fee_rate(tx: Transaction) -> Fraction:
    """The fee as a share of what is moved."""
    return tx.rulebook.on(tx.now.date()).wallets.fee_rate


def _top_up(tx: Transaction, wallet: Wallet, amount: Fen) -> Exchange:
    model.check_is_parent(wallet)
    check_may_receive(tx, wallet, amount)
    moves = supply.top_up_moves(tx, wallet.operator, [(wallet.account_id, amount)])
    ids = journal.move(tx, moves, user_data="")
    return _exchange(tx, wallet, "top_up", amount, ids[-1])


def _exchange(
    tx: Transaction, wallet: Wallet, kind: model.ExchangeKind, amount: Fen, transfer_id: int
) -> Exchange:
    balance = wallet.balance + amount if kind == "top_up" else wallet.balance - amount
    return Exchange(
        transfer_id=f"{transfer_id:032x}",
        wallet_id=wallet.wallet_id,
        kind=kind,
        amount=amount,
        fee=fee(tx, amount),
        balance=Fen(balance),
        status=wallet.status,
        at=tx.now,
    )


def free_wallet_id(tx: Transaction, digits: str) -> str:
    while True:
        wallet_id = tx.ids.wallet_id(digits)
        if not rows.is_taken(tx, wallet_id):
            return wallet_id
