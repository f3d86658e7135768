"""Interest on wallets (钱包利息): crediting what fell due, paying it out at closing, showing it.

Interest is paid from the operator's own funds and issued to the wallet as a top-up is; what a sub-wallet
earned goes to its parent, which alone is credited by the operator.  It may exceed the balance cap, and a stop
or freeze does not hinder it.  What is credited late earns from the day on which it is credited.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta

from ecny_tax.ledger import chart
from ecny_tax.ledger.model import MAX_BATCH, Ledger, TransferCode
from ecny_tax.money import Fen
from ecny_tax.parties import service as parties
from ecny_tax.store import Store, Transaction, journal
from ecny_tax.store.idempotency import Request, earlier_answer, remember
from ecny_tax.store.journal import Move
from ecny_tax.wallets import interest_model, interest_rows, supply
from ecny_tax.wallets.interest_model import (
    Accrual,
    InterestCredit,
    InterestState,
    Period,
    PeriodInterest,
    ShortOperator,
    Tariff,
)
from ecny_tax.wallets.interest_rows import Earner
from ecny_tax.wallets.model import Wallet, WalletKind, WalletStatus

#: Is told now and then how many wallets were credited.
Progress = Callable[[int], None]
#: Wallets of one batch: three more transfers bring the money into the vault.
_BATCH = MAX_BATCH - 3
_DAY = timedelta(days=1)
_END_OF_TIME = date(2201, 1, 1)
_SHORT = "operator_funds_short"


def credit(
    store: Store, operator: str | None, idempotency_key: str | None, progress: Progress | None
) -> InterestCredit:
    """See :meth:`ecny_tax.wallets.service.Wallets.credit_interest`."""
    with store.reading() as tx:
        banks = parties.operators(tx) if operator is None else [parties.operator(tx, operator)]
        actor = "operators" if operator is None else banks[0].party
        request = Request("interest.credit", actor, idempotency_key, ())
        if (earlier := earlier_answer(tx, request, InterestCredit)) is not None:
            return earlier
    credits: list[PeriodInterest] = []
    refused: list[ShortOperator] = []
    for bank in banks:
        short = _funds_short(store, bank.code)
        if short is None:
            credits += _credit_all(store, bank.code, sum(one.wallets for one in credits), progress)
        elif operator is None:
            refused.append(short)
        else:
            interest_model.check_own_funds(bank.code, short.needed, short.own_funds)
    with store.reading() as tx:
        answer = InterestCredit(
            at=tx.now,
            amount=Fen(sum(one.amount for one in credits)),
            periods=tuple(credits),
            refused=tuple(refused),
            next_credit=_next_credit(tx),
        )
    if idempotency_key is None:
        return answer
    with store.transaction() as tx:  # another process may have answered meanwhile
        return earlier_answer(tx, request, InterestCredit) or remember(tx, request, answer)


def state(tx: Transaction, wallet: Wallet) -> InterestState:
    """See :meth:`ecny_tax.wallets.service.Wallets.interest`."""
    credited = interest_rows.credited(tx, wallet.wallet_id)
    nothing = InterestState(
        wallet_id=wallet.wallet_id,
        operator=wallet.operator,
        interest_rate=None,
        accrues_from=None,
        days=0,
        product_sum=0,
        accrued=Fen(0),
        awaiting_credit=Fen(0),
        credited=credited,
        next_credit=None,
    )
    if not wallet.is_named or wallet.status is WalletStatus.CLOSED:
        return nothing
    today, scheme = tx.now.date(), tx.rulebook.scheme
    earner, due, found = interest_rows.earner(tx, wallet.wallet_id), 0, nothing
    for period in interest_model.periods(scheme, today, after=earner.paid_until):
        if not interest_model.earns(earner.kind, period):
            continue
        tariff = interest_model.tariff(scheme, wallet.operator, period.until(today - _DAY))
        accrual = _accruals(tx, wallet.operator, tariff, [earner])[earner.account_id]
        if period.last < today:
            due += accrual.amount(tariff)
            continue
        found = replace(
            nothing,
            interest_rate=scheme.interest_rate(wallet.operator, today).rate,
            accrues_from=period.first + accrual.start * _DAY,
            days=max(0, tariff.days - accrual.start),
            product_sum=accrual.product_sum,
            accrued=accrual.amount(tariff),
            next_credit=period.credit_day,
        )
    return replace(found, awaiting_credit=Fen(due))


def pay_out(tx: Transaction, wallet: Wallet) -> Fen:
    """Pay what a wallet that is being closed earned, until yesterday, to its holder's bank account.

    From own funds to the deposits of the public: no e-CNY is issued for it.  Raises ``operator_funds_short``.
    """
    if not wallet.is_named:
        return Fen(0)
    yesterday, scheme, paid = tx.now.date() - _DAY, tx.rulebook.scheme, 0
    earner = interest_rows.earner(tx, wallet.wallet_id)
    for whole in interest_model.periods(scheme, yesterday, after=earner.paid_until):
        period = whole.until(yesterday)
        if interest_model.earns(earner.kind, period) and _start(earner, period) < period.days:
            paid += _pay_into_bank(tx, wallet.operator, earner, period)
    return Fen(paid)


def _pay_into_bank(tx: Transaction, operator: str, earner: Earner, period: Period) -> Fen:
    tariff = interest_model.tariff(tx.rulebook.scheme, operator, period)
    accrual = _accruals(tx, operator, tariff, [earner])[earner.account_id]
    if amount := accrual.amount(tariff):
        own = journal.known_account(tx, chart.own_funds(operator))
        interest_model.check_own_funds(operator, amount, own.credit_balance)
        public = journal.known_account(tx, chart.public(operator))
        leg = Move(own.id, public.id, amount, Ledger.DEPOSITS, TransferCode.WALLET_INTEREST)
        (transfer_id,) = journal.move(tx, [leg], user_data=period.last.isoformat())
        interest_rows.insert(tx, period.last, [(earner.wallet_id, accrual.product_sum, amount, transfer_id)])
    return amount


def _funds_short(store: Store, operator: str) -> ShortOperator | None:
    """Whether an operator cannot pay all that is due, so that it does not stop half-way."""
    with store.reading() as tx:
        own = journal.known_account(tx, chart.own_funds(operator)).credit_balance
        due = 0
        for tariff in _due(tx, operator):
            for batch in _batches(tx, operator, tariff.period):
                accruals = _accruals(tx, operator, tariff, batch)
                due += sum(accrual.amount(tariff) for accrual in accruals.values())
    return ShortOperator(operator, _SHORT, Fen(due), Fen(own)) if due > own else None


def _credit_all(store: Store, operator: str, before: int, progress: Progress | None) -> list[PeriodInterest]:
    """Credit every period that is due, in order, a batch a transaction: what a kill leaves undone is still
    due, and nothing is credited twice."""
    with store.reading() as tx:
        due = list(_due(tx, operator))
    found = []
    for tariff in due:
        last_account, wallets, amount, is_more = 0, 0, 0, True
        while is_more:
            with store.transaction() as tx:
                batch = _earners(tx, operator, tariff.period, last_account)
                paid = _credit_batch(tx, operator, tariff, batch)
            is_more = len(batch) == _BATCH
            last_account = batch[-1].account_id if batch else last_account
            wallets, amount = wallets + len(paid), amount + sum(paid)
            if progress is not None:
                progress(before + wallets)
        before += wallets
        if wallets:
            found.append(PeriodInterest(operator, tariff.period.last, wallets, Fen(amount)))
    return found


def _credit_batch(tx: Transaction, operator: str, tariff: Tariff, batch: Sequence[Earner]) -> list[Fen]:
    """Pay some wallets what they earned in a period, in one linked batch; the amounts that are not zero.

    Where it is nothing for all of them, nothing is noted either: without a transfer the clock may still go
    back into the period, and something may come in.
    """
    accruals = _accruals(tx, operator, tariff, batch) if batch else {}
    amounts = [accruals[earner.account_id].amount(tariff) for earner in batch]
    pairs = zip(batch, amounts, strict=True)
    credits = [(earner.credited_account, amount) for earner, amount in pairs if amount]
    if not credits:
        return []
    own = journal.known_account(tx, chart.own_funds(operator))
    paid = [amount for _account, amount in credits]
    interest_model.check_own_funds(operator, sum(paid), own.credit_balance)
    moves = supply.interest_moves(tx, operator, credits)
    posted = journal.move(tx, moves, user_data=tariff.period.last.isoformat())
    ids = iter(posted[-len(credits) :])
    interest_rows.insert(
        tx,
        tariff.period.last,
        (
            (earner.wallet_id, accruals[earner.account_id].product_sum, amount, next(ids) if amount else None)
            for earner, amount in zip(batch, amounts, strict=True)
        ),
    )
    return paid


def _due(tx: Transaction, operator: str) -> Iterator[Tariff]:
    """The periods that have ended, and for which somebody was not credited yet."""
    today, scheme = tx.now.date(), tx.rulebook.scheme
    for period in interest_model.periods(scheme, today - _DAY):
        if period.last < today and _earners(tx, operator, period, 0, limit=1):
            yield interest_model.tariff(scheme, operator, period)


def _batches(tx: Transaction, operator: str, period: Period) -> Iterator[list[Earner]]:
    last_account, is_more = 0, True
    while is_more:
        batch = _earners(tx, operator, period, last_account)
        if batch:
            yield batch
            last_account = batch[-1].account_id
        is_more = len(batch) == _BATCH


def _earners(
    tx: Transaction, operator: str, period: Period, after: int, *, limit: int | None = None
) -> list[Earner]:
    kinds = [kind for kind in WalletKind if interest_model.earns(kind, period)]
    return interest_rows.earners(tx, operator, period, after=after, limit=limit or _BATCH, kinds=kinds)


def _accruals(tx: Transaction, operator: str, tariff: Tariff, batch: Sequence[Earner]) -> dict[int, Accrual]:
    """What each wallet earned, by its account: the balance of now, taken back to the first day."""
    period = tariff.period
    found = {earner.account_id: Accrual(earner.balance, _start(earner, period)) for earner in batch}
    for account, day, amount in interest_rows.changes(
        tx, operator, batch[0].account_id, batch[-1].account_id, period.first
    ):
        if (accrual := found.get(account)) is not None:
            accrual.add(tariff, day, amount)
    for accrual in found.values():
        accrual.close(tariff)
    return found


def _start(earner: Earner, period: Period) -> int:
    return interest_model.first_day(period, earner.named_on, earner.paid_until)


def _next_credit(tx: Transaction) -> date | None:
    """The first day on which more falls due."""
    today = tx.now.date()
    coming = interest_model.periods(tx.rulebook.scheme, _END_OF_TIME, after=today - _DAY)
    return next((period.credit_day for period in coming), None)
