"""Exchange, transfer, statement; stops, freezes, closing and upgrading; keys."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from ecny_tax import Fen, FixedClock, Sandbox
from ecny_tax.wallets.model import Wallet
from tests.support import (
    balance,
    corporate,
    dump,
    hold,
    nameless,
    owe,
    person_id,
    person_name,
    personal,
    phone_number,
    refund_of,
    refused,
    refused_and_logged,
)


def send(s: Sandbox, source: Wallet, target: Wallet, amount: int, key: str | None = None) -> object:
    return s.wallets.transfer(
        from_wallet=source.wallet_id, to_wallet=target.wallet_id, amount=Fen(amount), idempotency_key=key
    )


def test_i6_a_transfer_moves_exactly_its_amount_without_fee(sandbox: Sandbox) -> None:
    a, b = personal(sandbox, fund=Fen(1_000)), personal(sandbox, 2)
    done = sandbox.wallets.transfer(from_wallet=a.wallet_id, to_wallet=b.wallet_id, amount=Fen(333))
    assert (done.amount, done.fee, done.balance_after) == (333, 0, 667)
    assert (balance(sandbox, a), balance(sandbox, b)) == (667, 333)


def test_i2_exchange_issues_and_keeps_what_comes_back_in_the_vault(sandbox: Sandbox) -> None:
    wallet = personal(sandbox)
    up = sandbox.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(1_000))
    assert (up.kind, up.amount, up.fee, up.balance) == ("top_up", 1_000, 0, 1_000)
    down = sandbox.wallets.cash_out(wallet_id=wallet.wallet_id, amount=Fen(400))
    assert (down.kind, down.amount, down.fee, down.balance) == ("cash_out", 400, 0, 600)
    assert (sandbox.status().in_circulation, sandbox.status().operator_vaults) == (600, 400)
    sandbox.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(500))
    assert (sandbox.status().in_circulation, sandbox.status().operator_vaults) == (1_100, 0)


def test_cash_out_beyond_the_operators_reserve_redeems_e_cny(sandbox: Sandbox) -> None:
    """The reserve opens with 10,000,000,000 yuan; what is issued drains it through the backing."""
    wallet, reserve = corporate(sandbox), 10**12
    treasury_money = personal(sandbox, wallet_class="I")
    sandbox.refunds.apply_for_income_tax(
        wallet_id=treasury_money.wallet_id, annual_return=refund_of(reserve + 7)
    )
    send(sandbox, treasury_money, wallet, reserve + 7)
    sandbox.wallets.cash_out(wallet_id=wallet.wallet_id, amount=Fen(reserve + 7))
    held = {account.account: account.balance for account in sandbox.ledger.accounts()}
    assert held["reserve:ICBC"] == 0
    assert balance(sandbox, wallet) == 0


def test_the_statement_shows_every_movement_and_ends_at_the_balance(
    sandbox: Sandbox, clock: FixedClock
) -> None:
    a, b = personal(sandbox, fund=Fen(1_000)), personal(sandbox, 2)
    clock.advance(timedelta(seconds=1))
    send(sandbox, a, b, 300)
    sandbox.payments.pay(bill_no=owe(sandbox, b, 200).bill_no, wallet_id=a.wallet_id)
    sandbox.wallets.cash_out(wallet_id=a.wallet_id, amount=Fen(100))
    statement = sandbox.wallets.statement(wallet_id=a.wallet_id)
    assert [(line.kind, line.amount, line.balance) for line in statement.lines] == [
        ("top_up", 1_000, 1_000),
        ("wallet_transfer", -300, 700),
        ("tax_payment", -200, 500),
        ("cash_out", -100, 400),
    ]
    assert statement.balance == balance(sandbox, a) == 400
    assert sandbox.wallets.statement(wallet_id=b.wallet_id).lines[0].amount == 300


def test_a_wallet_cannot_pay_itself(sandbox: Sandbox) -> None:
    wallet = personal(sandbox, fund=Fen(1))
    with refused(sandbox, "wallets_must_be_different"):
        send(sandbox, wallet, wallet, 1)


def test_i3_a_wallet_is_never_overdrawn(sandbox: Sandbox) -> None:
    wallet, other = personal(sandbox, fund=Fen(100)), personal(sandbox, 2)
    with refused(sandbox, "insufficient_funds", balance="1.00", amount="1.01"):
        send(sandbox, wallet, other, 101)
    with refused(sandbox, "insufficient_funds"):
        sandbox.wallets.cash_out(wallet_id=wallet.wallet_id, amount=Fen(101))
    send(sandbox, wallet, other, 100)
    with refused(sandbox, "insufficient_funds"):
        send(sandbox, wallet, other, 1)


@pytest.mark.parametrize(
    ("code", "amount"),
    [
        ("amount_not_positive", 0),
        ("amount_not_positive", -1),
        ("amount_too_large", 10**17 + 1),
        ("amount_malformed", 1.0),
        ("amount_malformed", True),
        ("amount_malformed", "1"),
    ],
)
def test_an_amount_that_cannot_move_is_refused(sandbox: Sandbox, code: str, amount: Fen) -> None:
    a, b = corporate(sandbox, fund=Fen(100)), corporate(sandbox, 2)
    for act in (sandbox.wallets.top_up, sandbox.wallets.cash_out):
        with refused(sandbox, code):
            act(wallet_id=a.wallet_id, amount=amount)
    with refused(sandbox, code):
        sandbox.wallets.transfer(from_wallet=a.wallet_id, to_wallet=b.wallet_id, amount=amount)


@pytest.mark.parametrize(
    ("code", "put", "lift"),
    [("wallet_stopped", "stop", "resume"), ("wallet_frozen", "freeze", "unfreeze")],
)
def test_a_stop_or_freeze_blocks_what_goes_out_and_nothing_that_comes_in(
    sandbox: Sandbox, code: str, put: str, lift: str
) -> None:
    wallet, other = personal(sandbox, fund=Fen(1_000)), personal(sandbox, 2, fund=Fen(1_000))
    own = owe(sandbox, wallet, 10)
    agreement = sandbox.agreements.sign(wallet_id=wallet.wallet_id)
    mine = owe(sandbox, wallet, 20)
    assert hold(sandbox, put, wallet.wallet_id).status == code.removeprefix("wallet_")
    outgoing: list[Callable[[], object]] = [
        lambda: send(sandbox, wallet, other, 1),
        lambda: sandbox.wallets.cash_out(wallet_id=wallet.wallet_id, amount=Fen(1)),
        lambda: sandbox.payments.pay(bill_no=mine.bill_no),
        lambda: sandbox.payments.pay(bill_no=own.bill_no, agreement_no=agreement.agreement_no),
        lambda: sandbox.payments.pay(bill_no=own.bill_no, wallet_id=wallet.wallet_id),
        lambda: sandbox.wallets.close(wallet_id=wallet.wallet_id),
    ]
    for act in outgoing:
        with refused(sandbox, code, wallet_id=wallet.wallet_id):
            act()
    sandbox.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(5))
    send(sandbox, other, wallet, 7)
    refund = sandbox.refunds.apply_for_income_tax(wallet_id=wallet.wallet_id, annual_return=refund_of(1_030))
    assert (refund.status, refund.set_off) == ("completed", 30)
    assert balance(sandbox, wallet) == 1_000 + 5 + 7 + 1_000
    assert hold(sandbox, lift, wallet.wallet_id).status == "active"
    send(sandbox, wallet, other, 1)


def test_a_stop_and_a_freeze_are_lifted_each_by_itself(sandbox: Sandbox) -> None:
    wallet = personal(sandbox)
    found = [
        hold(sandbox, what, wallet.wallet_id).status
        for what in ("stop", "freeze", "unfreeze", "freeze", "resume", "unfreeze")
    ]
    assert found == ["stopped", "frozen", "stopped", "frozen", "frozen", "active"]


def test_only_an_empty_wallet_is_closed_and_then_nothing_moves(sandbox: Sandbox) -> None:
    wallet, other = personal(sandbox, fund=Fen(1)), personal(sandbox, 2, fund=Fen(10))
    at = {"wallet_id": wallet.wallet_id}
    with refused(sandbox, "wallet_not_empty", balance="0.01"):
        sandbox.wallets.close(**at)
    sandbox.wallets.cash_out(**at, amount=Fen(1))
    closed = sandbox.wallets.close(**at)
    assert (closed.status, closed.closed_at) == ("closed", sandbox.clock.now())
    acts: list[Callable[[], object]] = [
        lambda: sandbox.wallets.close(**at),
        lambda: sandbox.wallets.top_up(**at, amount=Fen(1)),
        lambda: sandbox.wallets.cash_out(**at, amount=Fen(1)),
        lambda: send(sandbox, wallet, other, 1),
        lambda: send(sandbox, other, wallet, 1),
        lambda: sandbox.wallets.upgrade(**at, wallet_class="I"),
        lambda: sandbox.agreements.sign(**at),
        lambda: owe(sandbox, wallet, 1),
        lambda: sandbox.refunds.apply_for_income_tax(**at, annual_return=refund_of(1)),
    ]
    for act in acts:
        with refused(sandbox, "wallet_closed"):
            act()
    for what in ("stop", "resume", "freeze", "unfreeze"):
        with refused_and_logged(sandbox, "wallet_closed"):
            hold(sandbox, what, wallet.wallet_id)
    assert len(sandbox.wallets.statement(**at).lines) == 2


def test_an_upgrade_raises_the_class_and_nothing_else(sandbox: Sandbox) -> None:
    wallet = personal(sandbox, wallet_class="III", fund=Fen(5))
    for wallet_class in ("II", "I"):
        raised = sandbox.wallets.upgrade(wallet_id=wallet.wallet_id, wallet_class=wallet_class)
        assert (raised.wallet_class, raised.balance, raised.status) == (wallet_class, 5, "active")
    for wallet_class in ("I", "II", "III", "IV"):
        with refused(sandbox, "wallet_class_not_higher"):
            sandbox.wallets.upgrade(wallet_id=wallet.wallet_id, wallet_class=wallet_class)
    with refused(sandbox, "wallet_class_unknown"):
        sandbox.wallets.upgrade(wallet_id=wallet.wallet_id, wallet_class="0")
    company = corporate(sandbox)
    with refused(sandbox, "wallet_class_not_applicable"):
        sandbox.wallets.upgrade(wallet_id=company.wallet_id, wallet_class="I")


def test_a_class_iv_wallet_gets_a_name_by_its_upgrade(sandbox: Sandbox) -> None:
    wallet = nameless(sandbox, fund=Fen(5))
    at = {"wallet_id": wallet.wallet_id, "wallet_class": "III"}
    with refused(sandbox, "name_and_id_required"):
        sandbox.wallets.upgrade(**at)
    with refused(sandbox, "holder_too_young"):
        sandbox.wallets.upgrade(**at, name=person_name(), id_number=person_id(born=date(2007, 4, 21)))
    with refused(sandbox, "resident_id_malformed"):
        sandbox.wallets.upgrade(**at, name=person_name(), id_number="1")
    taken = personal(sandbox, 2)
    with refused(sandbox, "real_name_wallet_exists"):
        sandbox.wallets.upgrade(**at, name=person_name(2), id_number=person_id(2))
    with refused(sandbox, "holder_name_differs"):
        sandbox.wallets.upgrade(**at, name="虚构别名", id_number=person_id(2))
    raised = sandbox.wallets.upgrade(**at, name=person_name(), id_number=person_id())
    assert (raised.wallet_class, raised.balance) == ("III", 5)
    holder = sandbox.wallets.holder(wallet_id=wallet.wallet_id)
    assert (holder.name, holder.phone) == (person_name(), phone_number())
    assert sandbox.agreements.sign(wallet_id=wallet.wallet_id).status == "verified"
    with refused(sandbox, "real_name_wallet_exists"):
        personal(sandbox)
    assert taken.status == "active"


def test_i5_the_same_key_gives_the_same_answer_and_moves_nothing_again(
    sandbox: Sandbox, clock: FixedClock
) -> None:
    a, b = personal(sandbox, fund=Fen(1_000)), personal(sandbox, 2)
    up = {"wallet_id": a.wallet_id, "amount": Fen(10), "idempotency_key": "k"}
    acts: list[Callable[[], object]] = [
        lambda: sandbox.wallets.top_up(**up),
        lambda: sandbox.wallets.cash_out(**up),
        lambda: send(sandbox, a, b, 10, "k"),
    ]
    first = [act() for act in acts]
    clock.advance(timedelta(days=400))
    sandbox.wallets.top_up(wallet_id=a.wallet_id, amount=Fen(77))
    hold(sandbox, "stop", a.wallet_id)
    before = dump(sandbox)
    assert [act() for act in acts] == first
    assert dump(sandbox) == before


def test_i5_a_key_with_other_content_is_a_conflict(sandbox: Sandbox) -> None:
    a, b = personal(sandbox, fund=Fen(1_000)), personal(sandbox, 2)
    c = personal(sandbox, operator="BOC", fund=Fen(10))
    send(sandbox, a, b, 10, "k")
    for source, target, amount in ((a, b, 11), (a, c, 10), (c, b, 10)):
        with refused(sandbox, "idempotency_conflict", key="k"):
            send(sandbox, source, target, amount, "k")
    send(sandbox, b, a, 10, "k")
    sandbox.wallets.top_up(wallet_id=a.wallet_id, amount=Fen(10), idempotency_key="k")


def test_i5_a_refusal_is_not_remembered(sandbox: Sandbox) -> None:
    a, b = personal(sandbox), personal(sandbox, 2)
    with refused(sandbox, "insufficient_funds"):
        send(sandbox, a, b, 10, "k")
    sandbox.wallets.top_up(wallet_id=a.wallet_id, amount=Fen(30))
    first = send(sandbox, a, b, 10, "k")
    assert send(sandbox, a, b, 10, "k") == first
    assert balance(sandbox, b) == 10


def test_i5_a_key_outlives_the_upgrade_of_its_wallet(sandbox: Sandbox) -> None:
    wallet = nameless(sandbox)
    up = {"wallet_id": wallet.wallet_id, "amount": Fen(10), "idempotency_key": "k"}
    first = sandbox.wallets.top_up(**up)
    sandbox.wallets.upgrade(
        wallet_id=wallet.wallet_id, wallet_class="II", name=person_name(), id_number=person_id()
    )
    assert sandbox.wallets.top_up(**up) == first
    assert balance(sandbox, wallet) == 10


def test_i5_the_keys_of_a_phones_other_wallet_stay_when_one_of_them_is_upgraded(sandbox: Sandbox) -> None:
    raised, other = nameless(sandbox), nameless(sandbox)
    up = {"wallet_id": other.wallet_id, "amount": Fen(10), "idempotency_key": "k"}
    first = sandbox.wallets.top_up(**up)
    sandbox.wallets.upgrade(
        wallet_id=raised.wallet_id, wallet_class="II", name=person_name(), id_number=person_id()
    )
    assert sandbox.wallets.top_up(**up) == first
    assert balance(sandbox, other) == 10


def test_nothing_is_written_before_the_newest_transfer(sandbox: Sandbox, clock: FixedClock) -> None:
    wallet = personal(sandbox, fund=Fen(10))
    clock.at -= timedelta(microseconds=1)
    with refused(sandbox, "clock_went_back"):
        sandbox.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(1))
    with refused(sandbox, "clock_went_back"):
        sandbox.clock.set(clock.at)
    clock.at += timedelta(microseconds=1)
    sandbox.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(1))


def test_a_seeded_run_is_the_same_to_the_byte() -> None:
    from tests.support import SEED, START

    def run() -> dict[str, list[tuple[object, ...]]]:
        with Sandbox.open(":memory:", clock=FixedClock(START), seed=SEED) as s:
            a, b = personal(s, fund=Fen(1_000)), corporate(s)
            send(s, a, b, 10)
            s.agreements.sign(wallet_id=a.wallet_id)
            s.payments.pay(bill_no=owe(s, a, 20).bill_no)
            s.refunds.apply_for_income_tax(wallet_id=a.wallet_id, annual_return=refund_of(30))
            return dump(s)

    assert run() == run()
