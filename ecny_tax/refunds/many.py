"""Many refunds in one transaction: filed, reviewed and paid in a few statements.

Who is an ordinary case (a personal wallet of its own, nothing owed, nothing settled before) is judged by the
rules that judge one, and is paid together with the others: one posting, netted by budget level and operator.
Everybody else is done one by one, in his turn.  Each refund succeeds or fails alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from ecny_tax.crypto.keyring import Keyring
from ecny_tax.errors import EcnyTaxError, RejectedError
from ecny_tax.ledger import chart
from ecny_tax.ledger.model import MAX_BATCH, Ledger, TransferCode
from ecny_tax.money import Fen
from ecny_tax.parties import rows as party_rows
from ecny_tax.parties import service as parties
from ecny_tax.parties.model import Institution, InstitutionKind
from ecny_tax.refunds import failing, rows
from ecny_tax.refunds.filing import check_may_apply, file_settlement, new_settlement
from ecny_tax.refunds.model import (
    Application,
    Refund,
    RefundEvent,
    RefundKind,
    RefundStatus,
    check_status,
)
from ecny_tax.refunds.payout import load, pay_out, weights_of_settlement
from ecny_tax.store import Transaction, journal
from ecny_tax.store.journal import Move, known_account
from ecny_tax.taxes import rows as tax_rows
from ecny_tax.taxes import settlements
from ecny_tax.taxes.model import Basis
from ecny_tax.taxes.settlements import YearSettlement
from ecny_tax.treasury import model as treasury_model
from ecny_tax.treasury import service as treasury
from ecny_tax.wallets import model as wallet_model
from ecny_tax.wallets import rows as wallet_rows
from ecny_tax.wallets import supply
from ecny_tax.wallets.many import disclose_many
from ecny_tax.wallets.model import Wallet, WalletKind, WalletStatus
from ecny_tax.wallets.service import limits_of

if TYPE_CHECKING:
    from ecny_tax.rulebook import WalletClass

_T = TypeVar("_T")
_Answer = Refund | EcnyTaxError
#: Legs of a posting that belong to no refund by itself: one a budget level, and one an operator.
_SHARED_LEGS = len(chart.LEVELS) + 100
_BATCH = MAX_BATCH - _SHARED_LEGS


def apply_many(
    tx: Transaction, keyring: Keyring, applications: Sequence[Application], *, manual_review: bool = False
) -> list[_Answer]:
    """The refund of each application, or what ``Refunds.apply_for_income_tax`` would raise."""
    ordinary = _Ordinary(tx, [asked.wallet_id for asked in applications])

    def together(part: Sequence[Application]) -> list[_Answer]:
        return _apply_together(tx, keyring, part, ordinary.wallets, manual_review=manual_review)

    def alone(asked: Application) -> Refund:
        filed = file_settlement(tx, keyring, asked)
        return load(tx, filed.refund_no) if manual_review else pay_out(tx, keyring, filed)

    return _in_turn(tx, applications, ordinary.may_apply, together, alone)


def approve_many(tx: Transaction, keyring: Keyring, refund_nos: Sequence[str]) -> list[_Answer]:
    """Each refund paid by its treasury, or what ``Refunds.approve`` would raise."""
    known = rows.refunds_among(tx, list(dict.fromkeys(refund_nos)))
    ordinary = _Ordinary(tx, [refund.wallet_id for refund in known.values()])

    def is_ordinary(refund_no: str) -> bool:
        refund = known.get(refund_no)
        return refund is not None and ordinary.may_be_approved(refund)

    def together(part: Sequence[str]) -> list[_Answer]:
        return _approve_together(tx, keyring, [known[refund_no] for refund_no in part], ordinary.wallets)

    def alone(refund_no: str) -> Refund:
        refund = load(tx, refund_no)
        check_status(refund, RefundStatus.TAX_REVIEW)
        return pay_out(tx, keyring, refund)

    return _in_turn(tx, refund_nos, is_ordinary, together, alone)


class _Ordinary:
    """Who is an ordinary case, found out for many at once; whoever comes twice is one the first time only.

    So nobody else's turn changes the ``wallets`` of ordinary cases before their own.
    """

    def __init__(self, tx: Transaction, wallet_ids: Iterable[str]) -> None:
        ids = list(dict.fromkeys(wallet_ids))
        self.wallets = wallet_rows.wallets_among(tx, ids)
        self._parents = wallet_rows.parents_among(tx, ids)
        subjects = list({wallet.subject_id for wallet in self.wallets.values()})
        self._owing = tax_rows.have_open_bills(tx, subjects)
        self._settled = tax_rows.have_settled(tx, subjects)
        self._erased = party_rows.erased_among(
            tx, list({wallet.identity_id for wallet in self.wallets.values()})
        )
        self._may_fail = failing.any_waits(tx)
        self._seen: set[str] = set()

    def may_apply(self, asked: Application) -> bool:
        """A first return of a person who is known, has one wallet in this and owes nothing."""
        wallet = self.wallets.get(asked.wallet_id)
        return (
            self._is_ordinary(wallet)
            and wallet is not None
            and wallet.kind is WalletKind.PERSONAL
            and wallet.subject_id not in self._settled
            and not asked.correction
        )

    def may_be_approved(self, refund: Refund) -> bool:
        return (
            refund.kind is RefundKind.ANNUAL_SETTLEMENT
            and refund.status is RefundStatus.TAX_REVIEW
            and len(refund.history) == 1
            and self._is_ordinary(self.wallets.get(refund.wallet_id))
        )

    def _is_ordinary(self, wallet: Wallet | None) -> bool:
        if wallet is None or self._may_fail or wallet.subject_id in self._seen:
            return False
        self._seen.add(wallet.subject_id)
        return (
            wallet.is_named
            and wallet.parent is None
            and wallet.status is not WalletStatus.CLOSED
            and wallet.wallet_id not in self._parents
            and wallet.subject_id not in self._owing
            and wallet.identity_id not in self._erased
        )


def _in_turn(
    tx: Transaction,
    asked: Sequence[_T],
    is_ordinary: Callable[[_T], bool],
    together: Callable[[Sequence[_T]], list[_Answer]],
    alone: Callable[[_T], Refund],
) -> list[_Answer]:
    """The answers in order: ordinary cases together, up to the next one that is none."""
    answers: list[_Answer] = []
    part: list[_T] = []
    for one in asked:
        if is_ordinary(one):
            part.append(one)
            continue
        answers += together(part)
        part = []
        try:
            with tx.savepoint():
                answers.append(alone(one))
        except EcnyTaxError as refusal:
            answers.append(refusal)
    return answers + together(part)


class _Filed(NamedTuple):
    refund: Refund
    settled: YearSettlement


def _apply_together(
    tx: Transaction,
    keyring: Keyring,
    applications: Sequence[Application],
    wallets: Mapping[str, Wallet],
    *,
    manual_review: bool,
) -> list[_Answer]:
    offices, years = _Offices(tx), set[int]()
    judged: list[tuple[Application, Institution, YearSettlement] | EcnyTaxError] = []
    for asked in applications:
        try:
            office = offices.of(asked.authority)
            settled = _settled(tx, asked, years)
            if not manual_review:
                offices.check_open_day(asked.authority)
            judged.append((asked, office, settled))
        except EcnyTaxError as refusal:
            judged.append(refusal)
    payees = _disclosed(
        tx,
        keyring,
        [(wallets[one[0].wallet_id], one[1].party) for one in judged if not isinstance(one, EcnyTaxError)],
    )
    under_review = (RefundEvent(RefundStatus.TAX_REVIEW, tx.now, ""),)
    answers: list[_Answer] = []
    filed: list[_Filed] = []
    for one in judged:
        if isinstance(one, EcnyTaxError):
            answers.append(one)
            continue
        asked, office, settled = one
        wallet = wallets[asked.wallet_id]
        payee = payees[wallet.wallet_id, office.party]
        refund = new_settlement(tx, payee, wallet, office.code, settled, history=under_review)
        filed.append(_Filed(refund, settled))
        answers.append(refund)
    paid = _Paid() if manual_review else _pay(tx, keyring, [one.refund for one in filed], wallets)
    final = [paid.refunds.get(one.refund.refund_no, one.refund) for one in filed]
    rows.insert_many(tx, final, paid.batches)
    settlements.settle_years(
        tx, [(one.refund.subject_id, one.refund.refund_no, one.settled) for one in filed]
    )
    _finish(tx, paid)
    return [
        answer if isinstance(answer, EcnyTaxError) else paid.refunds.get(answer.refund_no, answer)
        for answer in answers
    ]


def _approve_together(
    tx: Transaction, keyring: Keyring, refunds: Sequence[Refund], wallets: Mapping[str, Wallet]
) -> list[_Answer]:
    offices = _Offices(tx)
    answers: list[_Answer] = []
    approved = []
    for refund in refunds:
        try:
            offices.check_open_day(refund.authority)
            approved.append(refund)
            answers.append(refund)
        except EcnyTaxError as refusal:
            answers.append(refusal)
    paid = _pay(tx, keyring, approved, wallets)
    rows.update_many(tx, list(paid.refunds.values()), paid.batches, known=1)
    _finish(tx, paid)
    return [
        answer if isinstance(answer, EcnyTaxError) else paid.refunds[answer.refund_no] for answer in answers
    ]


def _settled(tx: Transaction, asked: Application, years: set[int]) -> YearSettlement:
    """What a first return comes to, when it may be handed in: it stands for the authority's record.

    ``years`` are those of which that is known.
    """
    found = settlements.settlement_of(asked.annual_return, tx.rulebook)
    settled = YearSettlement(found, Basis.STATED, is_correction=False, outcome=found.refund - found.due)
    if settled.outcome <= 0 or found.tax_year not in years:
        check_may_apply(tx, found.tax_year, settled.outcome)
        settlements.check_open(tx, found.tax_year)
        years.add(found.tax_year)
    return settled


class _Offices:
    """Tax authorities by their codes, each looked up once."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._known: dict[str | None, Institution] = {}
        self._open: set[str] = set()

    def of(self, code: str | None) -> Institution:
        if code not in self._known:
            self._known[code] = parties.tax_authority(self._tx, code)
        return self._known[code]

    def treasury_of(self, code: str | None) -> str:
        return self.of(code).treasury or ""

    def check_open_day(self, code: str | None) -> None:
        paying = self.treasury_of(code)
        if paying not in self._open:
            treasury.check_open_day(self._tx, paying)
            self._open.add(paying)


def _disclosed(
    tx: Transaction, keyring: Keyring, told: Sequence[tuple[Wallet, str]]
) -> dict[tuple[str, str], str]:
    """Tell each custodian of its wallets; (wallet id, custodian) → the custodian's record."""
    by_custodian: dict[str, list[Wallet]] = {}
    for wallet, custodian in told:
        by_custodian.setdefault(custodian, []).append(wallet)
    found: dict[tuple[str, str], str] = {}
    for custodian, wallets in by_custodian.items():
        found |= disclose_many(tx, keyring, wallets, custodian)
    return found


# --- paying -------------------------------------------------------------------------------------------


class _Paid:
    """What became of refunds, by their numbers: as they are now, who paid them, what each level gave."""

    def __init__(self) -> None:
        self.refunds: dict[str, Refund] = {}
        self.batches: dict[str, str] = {}
        self.shares: dict[str, dict[str, Fen]] = {}


class _Levels:
    """What the budget levels of a treasury hold, as the refunds go on."""

    def __init__(self, tx: Transaction, treasury: str) -> None:
        self._tx = tx
        self._treasury = treasury
        self.accounts = {level: known_account(tx, chart.revenue(treasury, level)) for level in chart.LEVELS}
        self._held = {level: account.credit_balance for level, account in self.accounts.items()}
        self._weights: dict[str, tuple[int, ...]] = {}

    def take(self, amount: Fen, item: str) -> dict[str, Fen]:
        """What each level gives of a refund; raises ``RejectedError`` where one has too little."""
        if item not in self._weights:
            self._weights[item] = weights_of_settlement(self._tx, item, self._treasury)
        by_level = treasury_model.by_level(amount, self._weights[item])
        for level, share in by_level.items():
            if share:
                treasury_model.check_level(level, self._held[level], share)
        for level, share in by_level.items():
            self._held[level] -= share
        return by_level


def _pay(
    tx: Transaction, keyring: Keyring, refunds: Sequence[Refund], wallets: Mapping[str, Wallet]
) -> _Paid:
    """Pay what fits under the caps and what the levels hold; what does not has failed, and moves nothing."""
    paid = _Paid()
    offices = _Offices(tx)
    levels: dict[str, _Levels] = {}
    limits: dict[str | None, WalletClass | None] = {}
    posted: dict[tuple[str, str], list[Refund]] = {}
    told: list[tuple[Wallet, str]] = []
    tried = RefundEvent(RefundStatus.TREASURY_PROCESSING, tx.now, "")
    for refund in refunds:
        treasury_code = offices.treasury_of(refund.authority)
        if treasury_code not in levels:
            levels[treasury_code] = _Levels(tx, treasury_code)
        wallet = wallets[refund.wallet_id]
        if wallet.wallet_class not in limits:
            limits[wallet.wallet_class] = limits_of(tx, wallet)
        try:
            wallet_model.check_incoming(wallet, refund.amount, limits[wallet.wallet_class])
            by_level = levels[treasury_code].take(refund.amount, refund.code)
        except RejectedError as refusal:
            failed = RefundEvent(RefundStatus.TREASURY_FAILED, tx.now, refusal.code)
            paid.refunds[refund.refund_no] = replace(
                refund,
                status=RefundStatus.TREASURY_FAILED,
                failure_code=refusal.code,
                history=(*refund.history, tried, failed),
            )
            continue
        paid.shares[refund.refund_no] = by_level
        posted.setdefault((treasury_code, refund.code), []).append(refund)
        told.append((wallet, offices.of(refund.authority).party))
        told.append((wallet, f"{InstitutionKind.TREASURY}:{treasury_code}"))
    _disclosed(tx, keyring, told)  # the vouchers name the payees
    done = RefundEvent(RefundStatus.COMPLETED, tx.now, "")
    for (treasury_code, item), part in posted.items():
        rest = iter(part)
        while batch := list(islice(rest, _BATCH)):
            number = _post(tx, treasury_code, item, levels[treasury_code], batch, wallets, paid.shares)
            for refund in batch:
                paid.batches[refund.refund_no] = number
                paid.refunds[refund.refund_no] = replace(
                    refund,
                    status=RefundStatus.COMPLETED,
                    balance_after=Fen(wallets[refund.wallet_id].balance + refund.amount),
                    completed_at=tx.now,
                    history=(*refund.history, tried, done),
                )
    return paid


def _post(
    tx: Transaction,
    receiving: str,
    item: str,
    levels: _Levels,
    refunds: Sequence[Refund],
    wallets: Mapping[str, Wallet],
    shares: Mapping[str, Mapping[str, Fen]],
) -> str:
    """Treasury to wallets in one linked batch; the number that its netted legs are booked under."""
    number = tx.ids.number("K", tx.now)
    backing = known_account(tx, chart.BACKING)
    by_level = dict.fromkeys(chart.LEVELS, 0)
    credits: dict[str, list[tuple[int, Fen, str]]] = {}
    for refund in refunds:
        for level, share in shares[refund.refund_no].items():
            by_level[level] += share
        wallet = wallets[refund.wallet_id]
        leg = (wallet.account_id, refund.amount, refund.refund_no)
        credits.setdefault(wallet.operator, []).append(leg)
    moves = [
        Move(levels.accounts[level].id, backing.id, amount, Ledger.DEPOSITS, TransferCode.REVENUE_TO_BACKING)
        for level, amount in by_level.items()
        if amount
    ]
    for operator, legs in credits.items():
        moves += supply.refund_moves(tx, operator, legs)
    journal.move(tx, moves, user_data=number)
    amount = sum(by_level.values())
    rows.insert_batch(tx, number, treasury=receiving, code=item, refunds=len(refunds), amount=amount)
    return number


def _finish(tx: Transaction, paid: _Paid) -> None:
    """What is written of paid refunds once they themselves are there."""
    rows.insert_many_shares(tx, paid.shares.items())
    settlements.close_years(tx, list(paid.batches))
