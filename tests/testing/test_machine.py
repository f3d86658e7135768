"""The machine: nothing in the scheme itself breaks it, and what a user's code could do wrong does."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule, run_state_machine_as_test

from ecny_tax import EcnyTaxError, Fen, RejectedError, Sandbox, yuan
from ecny_tax.testing import EcnyMachine, company_id, company_name

#: Enough runs to be sure, and no shrinking: what is found is found.
SEEK = settings(
    max_examples=40, stateful_step_count=15, deadline=None, phases=[Phase.generate], derandomize=True
)

TestScheme = EcnyMachine.TestCase
TestScheme.settings = settings(max_examples=15, stateful_step_count=30)


class Sloppy(EcnyMachine):
    """What a user's machine is, with one mistake, which a subclass makes."""

    @initialize()
    def start_a_shop(self) -> None:
        self.shop = self.sandbox.wallets.open(
            kind="corporate", operator="CMB", name=company_name(9), id_number=company_id(9), fund=yuan(500)
        )
        self.note(self.shop)

    def bill(self) -> str:
        bill = self.sandbox.taxes.declare_other(
            wallet_id=self.shop.wallet_id, code="10110", amount=Fen(10_00)
        )
        self.note(bill)
        return bill.bill_no


class MovesWithoutTelling(Sloppy):
    @rule()
    def spend(self) -> None:
        self.sandbox.wallets.cash_out(wallet_id=self.shop.wallet_id, amount=Fen(1))


class PaysWithoutTelling(Sloppy):
    @rule()
    def pay(self) -> None:
        self.sandbox.payments.pay(bill_no=self.bill(), wallet_id=self.shop.wallet_id)


class TellsWhatIsNotSo(Sloppy):
    @rule()
    def pay(self) -> None:
        bill = self.bill()
        self.bills[bill] = "paid"


class RefusesAndMoves(Sloppy):
    """Takes a fee from whoever is refused."""

    @rule()
    def refuse(self) -> None:
        def act() -> None:
            self.sandbox.wallets.cash_out(wallet_id=self.shop.wallet_id, amount=Fen(1))
            raise RejectedError("insufficient_funds", wallet_id=self.shop.wallet_id, balance="0", amount="1")

        self.attempt(act)


class BreaksTheBooks(Sloppy):
    @rule()
    def alter(self) -> None:
        with self.sandbox.store.transaction() as tx:
            tx.run("UPDATE account SET credits = credits + 1 WHERE name = 'issuance'")


@pytest.mark.parametrize(
    ("machine", "said"),
    [
        (MovesWithoutTelling, "I6: wallet .* holds 49999 fen; by what callers were told it is 50000"),
        (PaysWithoutTelling, "I6: wallet .* holds 49000 fen; by what callers were told it is 50000"),
        (TellsWhatIsNotSo, "bill .* is open; by what callers were told it is paid"),
        (RefusesAndMoves, "insufficient_funds is a refusal, and money moved"),
        (BreaksTheBooks, "I1: debits and credits of e-CNY differ by 1 fen"),
    ],
)
def test_a_mistake_is_found_and_named(machine: type[EcnyMachine], said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        run_state_machine_as_test(machine, settings=SEEK)


def test_rules_can_be_left_out_and_failures_too() -> None:
    class Quiet(EcnyMachine):
        failures = ()
        move_the_clock: Any = None

        def teardown(self) -> None:
            assert "payment_outcome_unknown" not in self.refused
            assert self.sandbox.clock.now() == self.begins
            assert not self.sandbox.reconciliation.failures()
            super().teardown()

    run_state_machine_as_test(Quiet, settings=settings(SEEK, max_examples=5))


def test_a_world_of_ones_own_is_played_on() -> None:
    class Elsewhere(EcnyMachine):
        def open_sandbox(self) -> Sandbox:
            s = super().open_sandbox()
            s.parties.add_tax_authority(code="14407030000", name="虚构税务局")
            return s

        @rule(authority=st.just("14407030000"), wallet=EcnyMachine.wallets)
        def declare_elsewhere(self, authority: str, wallet: str) -> None:
            act: Callable[..., object] = self.sandbox.taxes.declare_other
            self.attempt(lambda: act(wallet_id=wallet, code="10110", amount=Fen(1), authority=authority))
            assert not any(code.startswith("authority") for code in self.refused)

    run_state_machine_as_test(Elsewhere, settings=settings(SEEK, max_examples=5))


@pytest.mark.parametrize(
    ("kind", "moved", "after"), [("answer_lost", 10_00, 0), ("operator_outage", 0, 10_00)]
)
def test_money_in_doubt_is_allowed_for_and_settles_when_the_day_is_reconciled(
    kind: str, moved: int, after: int
) -> None:
    machine = EcnyMachine()
    s = machine.sandbox
    wallet = s.wallets.open(
        kind="corporate", operator="CMB", name=company_name(9), id_number=company_id(9), fund=yuan(500)
    ).wallet_id
    machine.note([s.wallets.show(wallet_id=wallet), s.agreements.sign(wallet_id=wallet)])
    bill = s.taxes.declare_other(wallet_id=wallet, code="10110", amount=Fen(10_00)).bill_no
    s.reconciliation.order_failure(kind=kind)
    assert machine.attempt(lambda: s.payments.pay(bill_no=bill)) is None
    assert machine.refused == {"payment_outcome_unknown": 1}
    assert machine.balances == {wallet: yuan(500) - moved}
    machine.all_is_as_was_told()
    machine.reconcile()
    assert machine.balances == {wallet: yuan(500) - after}
    machine.all_is_as_was_told()
    machine.teardown()


def test_the_same_answer_twice_is_no_news() -> None:
    machine = EcnyMachine()
    wallet = machine.sandbox.wallets.open(kind="personal", phone="13900000001", operator="ICBC", fund=yuan(9))
    machine.note([wallet, wallet])
    bill = machine.sandbox.taxes.bills()
    assert bill == ()
    machine.note(machine.sandbox.wallets.show(wallet_id=wallet.wallet_id))
    machine.note("anything else")
    assert machine.balances == {wallet.wallet_id: 9_00}
    machine.teardown()


def test_what_is_no_refusal_of_the_scheme_goes_through() -> None:
    machine = EcnyMachine()
    with pytest.raises(ZeroDivisionError):
        machine.attempt(lambda: 1 // 0)
    assert not issubclass(ZeroDivisionError, EcnyTaxError)
    machine.teardown()
