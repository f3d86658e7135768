"""The scheme as a rule-based machine of Hypothesis, to be extended with rules and invariants of one's own.

A run is a random order of what people do: open wallets, sign, declare, pay, reverse, refund, close the day;
lose an answer, reconcile.  The machine keeps a tiny model in dictionaries, of **what callers were told**, and
holds the sandbox against it after every step.  So money that moved without anybody being told is found, by
the fewest steps that lead there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from ecny_tax.agreements.model import Agreement
from ecny_tax.clock import BEIJING, FixedClock
from ecny_tax.errors import EcnyTaxError
from ecny_tax.money import Fen
from ecny_tax.payments.model import Payment, PaymentMode, PaymentStatus
from ecny_tax.reconciliation.model import Reconciliation
from ecny_tax.refunds.model import Refund, RefundStatus
from ecny_tax.sandbox import Sandbox
from ecny_tax.taxes.income_tax import AnnualReturn
from ecny_tax.taxes.model import Bill
from ecny_tax.testing import promises, strategies
from ecny_tax.testing.identities import company_id, company_name, person_id, person_name
from ecny_tax.testing.strategies import StampDuty
from ecny_tax.wallets.many import Opening
from ecny_tax.wallets.model import Exchange, Wallet, WalletTransfer

_T = TypeVar("_T")
_Made = str | MultipleResults[str]

_KEYS = st.sampled_from([None, None, "k1", "k2"])
_STEPS = st.sampled_from([timedelta(seconds=1), timedelta(hours=1), timedelta(days=1), timedelta(days=40)])
#: Wages of a year on which no tax is due: all that was withheld comes back.
_FREE = Fen(60_000_00)
_MEANS = Fen(10_000_00)
#: What a document says at most: 5,000,000 yuan, on which the duty is 5,000 yuan at the highest rate.
_BASE = Fen(5_000_000_00)


class EcnyMachine(RuleBasedStateMachine):
    """Subclass it, add ``@rule`` and ``@invariant``, and let pytest collect ``YourMachine.TestCase``.

    In your rules, act through :meth:`attempt` (a refusal ends there, once it is certain that it moved
    nothing), and say by :meth:`note` what your own code was told; a wallet that was never noted is your own
    affair.  ``EcnyMachine.wallets`` and the other bundles hold the numbers of what there is.  The model, all
    by number: ``balances`` (fen), ``bills`` and ``agreements`` (their status), ``told`` (payments as last
    told), and ``refused`` (how often, by code).  A rule that does not fit is left out by ``reverse = None``.
    """

    #: When every run begins, and the seed of all its numbers.
    begins: ClassVar[datetime] = datetime(2023, 4, 20, 10, tzinfo=BEIJING)
    seed: ClassVar[str] = "machine"
    #: What may go wrong with a debit; an empty tuple for a world where every answer arrives.
    failures: ClassVar[tuple[str, ...]] = ("answer_lost", "operator_outage", "both_failed")

    wallets: Bundle[str] = Bundle("wallets")
    agreements_signed: Bundle[str] = Bundle("agreements_signed")
    bills_declared: Bundle[str] = Bundle("bills_declared")
    payments: Bundle[str] = Bundle("payments")
    refunds: Bundle[str] = Bundle("refunds")

    def __init__(self) -> None:
        super().__init__()
        self.sandbox = self.open_sandbox()
        self.balances: dict[str, int] = {}
        self.agreements: dict[str, str] = {}
        self.bills: dict[str, str] = {}
        self.told: dict[str, Payment] = {}
        self.refunded: dict[str, Refund] = {}
        self.refused: Counter[str] = Counter()

    def open_sandbox(self) -> Sandbox:
        """What a run plays on: a fresh scheme in memory, whose clock stands still."""
        return Sandbox.open(":memory:", clock=FixedClock(self.begins), seed=self.seed)

    def teardown(self) -> None:
        """The books verify in the end; subclasses that override it call it."""
        try:
            promises.check_promises(self.sandbox)
        finally:
            self.sandbox.close()

    # --- acting -----------------------------------------------------------------------------------------

    def attempt(self, act: Callable[[], _T]) -> _T | None:
        """What ``act`` answers, noted; or ``None`` where it is refused, which must have moved no money."""
        before = self.sandbox.status().transfers
        try:
            answer = act()
        except EcnyTaxError as error:
            refusal = error
        else:
            self.note(answer)
            return answer
        self.refused[refusal.code] += 1
        if refusal.code == "payment_outcome_unknown":
            self._note_doubt(str(refusal.values["bill_no"]))
        else:
            after = self.sandbox.status().transfers
            assert after == before, f"{refusal.code} is a refusal, and money moved"
        return None

    def note(self, answer: object) -> None:
        """Enter what a caller was told into the model; the same answer again changes nothing.

        Records of the scheme count (and lists of them); anything else is no news.
        """
        match answer:
            case Wallet():
                self.balances.setdefault(answer.wallet_id, answer.balance)
            case Exchange():
                self._move(answer.wallet_id, answer.amount if answer.kind == "top_up" else -answer.amount)
            case WalletTransfer():
                self._move(answer.from_wallet, -answer.amount)
                self._move(answer.to_wallet, answer.amount)
            case Agreement():
                self.agreements[answer.agreement_no] = answer.status
            case Bill():
                self.bills[answer.bill_no] = answer.status
            case Payment():
                self._note_payment(answer)
            case Refund():
                self._note_refund(answer)
            case Reconciliation():
                self._note_mends(answer)
            case list() | tuple():
                for one in answer:
                    self.note(one)

    def _move(self, wallet: str, amount: int) -> None:
        """A wallet that was never noted is not kept account of."""
        if wallet in self.balances:
            self.balances[wallet] += amount

    def _note_payment(self, payment: Payment) -> None:
        known = self.told.get(payment.payment_no)
        if known is None:
            other = self._settled(payment.bill_no)
            assert other is None, f"I7: {payment.payment_no} pays what {other} has paid"
            if payment.mode is not PaymentMode.SET_OFF:  # that comes out of a refund, not of the wallet
                self._move(payment.wallet_id, -payment.amount - payment.fee)
            self.bills[payment.bill_no] = "paid"
        elif payment.status == known.status or known.status is PaymentStatus.REVERSED:
            return
        else:
            self._move(payment.wallet_id, payment.amount)
            self.bills[payment.bill_no] = "open"
        self.told[payment.payment_no] = payment

    def _settled(self, bill_no: str) -> str | None:
        return next(
            (no for no, one in self.told.items() if one.bill_no == bill_no and one.status == "settled"), None
        )

    def _note_refund(self, refund: Refund) -> None:
        known = self.refunded.get(refund.refund_no)
        self.refunded[refund.refund_no] = refund
        if refund.status != RefundStatus.COMPLETED or (known and known.status == RefundStatus.COMPLETED):
            return
        self._move(refund.wallet_id, refund.amount - refund.set_off + refund.interest)
        if refund.set_off:  # bills that were due were paid out of it
            for payment in self.sandbox.payments.list():
                if payment.mode is PaymentMode.SET_OFF:
                    self.note(payment)

    def _note_doubt(self, bill_no: str) -> None:
        """Nobody was told whether a debit moved the money: both is right, but nothing else."""
        bill = self.sandbox.taxes.bill(bill_no=bill_no)
        held = self._held()
        gone = {wallet: had - held[wallet] for wallet, had in self.balances.items() if had != held[wallet]}
        assert list(gone.values()) in ([], [bill.total]), f"a debit of {bill.total} fen moved {gone}"
        self.balances |= {wallet: held[wallet] for wallet in gone}
        self.bills[bill_no] = bill.status

    def _note_mends(self, found: Reconciliation) -> None:
        for mended in found.mends:
            if mended.outcome == "given_back":
                self._move(mended.wallet_id, mended.amount)
            elif mended.outcome == "debited":
                self.note(self.sandbox.payments.show(payment_no=mended.payment_no))

    def _held(self) -> dict[str, int]:
        return {wallet.wallet_id: wallet.balance for wallet in self.sandbox.wallets.list()}

    # --- what people do ---------------------------------------------------------------------------------

    @initialize(target=wallets)
    def begin(self) -> _Made:
        """A company under an agreement and a person, with 10,000 yuan each: so that a run gets somewhere."""
        s = self.sandbox
        company = Opening("corporate", "ICBC", None, company_name(), company_id(), None, _MEANS)
        person = Opening("personal", "BOC", "II", person_name(), person_id(), None, _MEANS)
        opened = [_opened(s, one) for one in (company, person)]
        self.note(opened)
        numbers = [wallet.wallet_id for wallet in opened]
        self.attempt(lambda: s.agreements.sign(wallet_id=numbers[0]))
        return multiple(*numbers)

    @rule(target=wallets, opening=strategies.openings(funds=strategies.fens(1_00, 10_000_00)))
    def open_wallet(self, opening: Opening) -> _Made:
        s = self.sandbox
        return _number(self.attempt(lambda: _opened(s, opening)), "wallet_id")

    @rule(wallet=wallets, amount=strategies.fens(1, 100_000_00))
    def top_up(self, wallet: str, amount: Fen) -> None:
        self.attempt(lambda: self.sandbox.wallets.top_up(wallet_id=wallet, amount=amount))

    @rule(wallet=wallets, amount=strategies.fens(1, 10_000_00))
    def cash_out(self, wallet: str, amount: Fen) -> None:
        self.attempt(lambda: self.sandbox.wallets.cash_out(wallet_id=wallet, amount=amount))

    @rule(payer=wallets, payee=wallets, amount=strategies.fens(1, 10_000_00))
    def transfer(self, payer: str, payee: str, amount: Fen) -> None:
        self.attempt(lambda: self.sandbox.wallets.transfer(from_wallet=payer, to_wallet=payee, amount=amount))

    @rule(target=agreements_signed, wallet=wallets)
    def sign(self, wallet: str) -> _Made:
        return _number(self.attempt(lambda: self.sandbox.agreements.sign(wallet_id=wallet)), "agreement_no")

    @rule(agreement=agreements_signed)
    def terminate(self, agreement: str) -> None:
        self.attempt(lambda: self.sandbox.agreements.terminate(agreement_no=agreement))

    @rule(target=bills_declared, wallet=wallets, document=strategies.stamp_duties(most=_BASE))
    def declare(self, wallet: str, document: StampDuty) -> _Made:
        act = self.sandbox.taxes.declare_stamp_duty
        return _number(self.attempt(lambda: act(wallet_id=wallet, **document)), "bill_no")

    @rule(target=bills_declared, wallet=wallets, amount=strategies.fens(1, 5_000_00))
    def declare_other(self, wallet: str, amount: Fen) -> _Made:
        act = self.sandbox.taxes.declare_other
        return _number(self.attempt(lambda: act(wallet_id=wallet, code="10110", amount=amount)), "bill_no")

    @rule(target=payments, bill=bills_declared, key=_KEYS)
    def pay_under_the_agreement(self, bill: str, key: str | None) -> _Made:
        act = self.sandbox.payments.pay
        return _number(self.attempt(lambda: act(bill_no=bill, idempotency_key=key)), "payment_no")

    @rule(target=payments, bill=bills_declared, wallet=wallets, key=_KEYS)
    def pay_by_scan(self, bill: str, wallet: str, key: str | None) -> _Made:
        act = self.sandbox.payments.pay
        paid = self.attempt(lambda: act(bill_no=bill, wallet_id=wallet, idempotency_key=key))
        return _number(paid, "payment_no")

    @rule(payment=payments)
    def reverse(self, payment: str) -> None:
        self.attempt(lambda: self.sandbox.payments.reverse(payment_no=payment))

    @rule(target=refunds, payment=payments, amount=st.none() | strategies.fens(1, 5_000_00))
    def refund_payment(self, payment: str, amount: Fen | None) -> _Made:
        act = self.sandbox.refunds.apply_for_payment
        return _number(self.attempt(lambda: act(payment_no=payment, amount=amount)), "refund_no")

    @rule(target=refunds, wallet=wallets, withheld=strategies.fens(1, 5_000_00))
    def refund_year(self, wallet: str, withheld: Fen) -> _Made:
        year = self.sandbox.clock.now().year - 1
        settled = AnnualReturn(tax_year=year, wages=_FREE, withheld=withheld)
        act = self.sandbox.refunds.apply_for_income_tax
        return _number(self.attempt(lambda: act(wallet_id=wallet, annual_return=settled)), "refund_no")

    @rule(step=_STEPS)
    def move_the_clock(self, step: timedelta) -> None:
        self.attempt(lambda: self.sandbox.clock.advance(step))

    @precondition(lambda self: self.sandbox.clock.now().date() > self.begins.date())
    @rule()
    def close_the_day(self) -> None:
        """The treasury closes yesterday: no wallet holds more or less for it."""
        yesterday = self.sandbox.clock.now().date() - timedelta(days=1)
        self.attempt(lambda: self.sandbox.treasury.close(day=yesterday))

    @precondition(lambda self: self.failures)
    @rule(kind=st.runner().flatmap(lambda machine: st.sampled_from(machine.failures)))
    def lose_the_next_answer(self, kind: str) -> None:
        """The next debit, whoever pays, goes wrong: nobody learns what came of it."""
        self.attempt(lambda: self.sandbox.reconciliation.order_failure(kind=kind))

    @rule()
    def reconcile(self) -> None:
        """Compare the books of today, and mend what differs."""
        today = self.sandbox.clock.now().date()
        self.attempt(lambda: self.sandbox.reconciliation.mend(entrust_date=today))

    # --- what holds after every step ----------------------------------------------------------------------

    @invariant()
    def all_is_as_was_told(self) -> None:
        """Wallets and bills are as callers were told, and the promises of the ledger hold."""
        held = self._held()
        for wallet, balance in self.balances.items():
            assert held[wallet] == balance, (
                f"I6: wallet {wallet} holds {held[wallet]} fen; by what callers were told it is {balance}"
            )
        for bill in self.sandbox.taxes.bills():
            told = self.bills.get(bill.bill_no)
            assert told in (None, bill.status), (
                f"bill {bill.bill_no} is {bill.status}; by what callers were told it is {told}"
            )
        promises.check_accounts(self.sandbox)
        promises.check_records(self.sandbox)


def _opened(s: Sandbox, opening: Opening) -> Wallet:
    (opened,) = s.wallets.open_many(openings=[opening])
    if isinstance(opened, EcnyTaxError):
        raise opened
    return opened


def _number(record: object, field: str) -> _Made:
    """The number of a record for its bundle; of nothing, nothing."""
    return multiple() if record is None else str(getattr(record, field))
