"""I11: class caps hold for every credit from others, spending limits for every debit, to the fen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from ecny_tax import Fen, FixedClock, Sandbox
from ecny_tax.clock import parse_time
from ecny_tax.wallets.model import Wallet
from tests.support import balance, corporate, nameless, owe, personal, refused

#: Class -> balance cap, single, day, year, in fen.
PUBLISHED = {
    "II": (500_000_00, 50_000_00, 100_000_00, None),
    "III": (20_000_00, 5_000_00, 10_000_00, None),
    "IV": (10_000_00, 2_000_00, 5_000_00, 50_000_00),
}
CLASSES = sorted(PUBLISHED)


def of_class(s: Sandbox, wallet_class: str, fund: int | None = None) -> Wallet:
    wishes = {"fund": None if fund is None else Fen(fund)}
    if wallet_class == "IV":
        return nameless(s, **wishes)
    return personal(s, wallet_class=wallet_class, **wishes)


def send(s: Sandbox, source: Wallet, target: Wallet, amount: int) -> None:
    s.wallets.transfer(from_wallet=source.wallet_id, to_wallet=target.wallet_id, amount=Fen(amount))


@pytest.mark.parametrize("wallet_class", CLASSES)
def test_i11_the_cap_holds_to_the_fen_for_top_ups_and_transfers(sandbox: Sandbox, wallet_class: str) -> None:
    cap = PUBLISHED[wallet_class][0]
    wallet, rich = of_class(sandbox, wallet_class), corporate(sandbox, fund=Fen(2 * cap))
    with refused(sandbox, "wallet_limit_exceeded", limit="balance"):
        sandbox.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(cap + 1))
    with refused(sandbox, "payee_limit_exceeded", wallet_id=wallet.wallet_id):
        send(sandbox, rich, wallet, cap + 1)
    sandbox.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(cap - 1))
    with refused(sandbox, "payee_limit_exceeded", wallet_id=wallet.wallet_id):
        send(sandbox, rich, wallet, 2)
    send(sandbox, rich, wallet, 1)
    assert balance(sandbox, wallet) == cap
    with refused(sandbox, "wallet_limit_exceeded", limit="balance"):
        sandbox.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(1))


@pytest.mark.parametrize("wallet_class", CLASSES)
@pytest.mark.parametrize("way", ["transfer", "payment"])
def test_i11_the_single_limit_holds_to_the_fen(sandbox: Sandbox, wallet_class: str, way: str) -> None:
    cap, single, _day, _year = PUBLISHED[wallet_class]
    wallet, other = of_class(sandbox, wallet_class, cap), corporate(sandbox)

    def spend(amount: int) -> None:
        if way == "transfer":
            send(sandbox, wallet, other, amount)
        else:
            sandbox.payments.pay(bill_no=bills[amount], wallet_id=wallet.wallet_id)

    bills = {amount: owe(sandbox, other, amount).bill_no for amount in (single - 1, single, single + 1)}
    with refused(sandbox, "wallet_limit_exceeded", limit="single"):
        spend(single + 1)
    spend(single)
    spend(single - 1)
    assert balance(sandbox, wallet) == cap - 2 * single + 1


@pytest.mark.parametrize("wallet_class", CLASSES)
def test_i11_the_day_limit_holds_to_the_fen_and_ends_at_beijing_midnight(
    sandbox: Sandbox, clock: FixedClock, wallet_class: str
) -> None:
    cap, single, day, _year = PUBLISHED[wallet_class]
    wallet, other = of_class(sandbox, wallet_class, cap), corporate(sandbox)
    clock.at = parse_time("2023-04-20T23:59:59.999999")
    left = day - 1
    while left:
        send(sandbox, wallet, other, min(single, left))
        left -= min(single, left)
    with refused(sandbox, "wallet_limit_exceeded", limit="day"):
        send(sandbox, wallet, other, 2)
    send(sandbox, wallet, other, 1)
    with refused(sandbox, "wallet_limit_exceeded", limit="day"):
        send(sandbox, wallet, other, 1)
    clock.advance(timedelta(microseconds=1))
    send(sandbox, wallet, other, single)
    assert balance(sandbox, wallet) == cap - day - single


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=-5)), timezone(timedelta(hours=8))])
def test_i11_days_are_beijing_days_whatever_zone_the_given_clock_speaks(zone: timezone) -> None:
    noon = datetime(2023, 4, 20, 16, 30, tzinfo=UTC)  # half past midnight on the 21st in Beijing
    with Sandbox.open(":memory:", clock=FixedClock(noon.astimezone(zone)), seed=1) as s:
        wallet, other = nameless(s, fund=Fen(10_000_00)), corporate(s)
        send(s, wallet, other, 2_000_00)
        send(s, wallet, other, 2_000_00)
        s.clock.set(noon + timedelta(hours=12))  # the same day in Beijing, the next one nowhere
        send(s, wallet, other, 1_000_00)
        with refused(s, "wallet_limit_exceeded", limit="day"):
            send(s, wallet, other, 1)
        assert s.ledger.verify().ok


def test_i11_the_year_limit_of_class_iv_holds_to_the_fen_and_ends_at_new_year(
    sandbox: Sandbox, clock: FixedClock
) -> None:
    wallet, other = nameless(sandbox, fund=Fen(10_000_00)), corporate(sandbox)
    for day in range(10):  # ten days of 5,000 yuan but one fen
        clock.at = parse_time("2023-12-01") + timedelta(days=day)
        for amount in (2_000_00, 2_000_00, 1_000_00 - (day == 9)):
            send(sandbox, wallet, other, amount)
        sandbox.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(5_000_00 - (day == 9)))
    clock.at = parse_time("2023-12-31T23:59:59.999999")
    with refused(sandbox, "wallet_limit_exceeded", limit="year"):
        send(sandbox, wallet, other, 2)
    send(sandbox, wallet, other, 1)
    with refused(sandbox, "wallet_limit_exceeded", limit="year"):
        send(sandbox, wallet, other, 1)
    clock.advance(timedelta(microseconds=1))
    send(sandbox, wallet, other, 2_000_00)


def test_i11_transfers_and_payments_count_together(sandbox: Sandbox) -> None:
    wallet, other = nameless(sandbox, fund=Fen(10_000_00)), corporate(sandbox)
    send(sandbox, wallet, other, 2_000_00)
    sandbox.payments.pay(bill_no=owe(sandbox, other, 2_000_00).bill_no, wallet_id=wallet.wallet_id)
    bill = owe(sandbox, other, 1_000_01)
    with refused(sandbox, "wallet_limit_exceeded", limit="day"):
        sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id)


def test_exchanges_do_not_count_to_the_limits(sandbox: Sandbox) -> None:
    wallet, other = nameless(sandbox, fund=Fen(10_000_00)), corporate(sandbox)
    for _ in range(10):
        sandbox.wallets.cash_out(wallet_id=wallet.wallet_id, amount=Fen(10_000_00))
        sandbox.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(10_000_00))
    send(sandbox, wallet, other, 2_000_00)


def test_what_comes_in_does_not_count_to_the_payees_spending(sandbox: Sandbox) -> None:
    wallet, rich = nameless(sandbox), corporate(sandbox, fund=Fen(10_000_00))
    send(sandbox, rich, wallet, 10_000_00)
    send(sandbox, wallet, rich, 2_000_00)


def test_class_i_and_corporate_wallets_know_no_limit(sandbox: Sandbox) -> None:
    for wallet in (personal(sandbox, wallet_class="I"), corporate(sandbox)):
        other = corporate(sandbox, 2)
        sandbox.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(10**11))
        send(sandbox, wallet, other, 10**11)
        assert balance(sandbox, other) == 10**11


def test_a_refused_transfer_uses_no_allowance(sandbox: Sandbox) -> None:
    wallet, full = nameless(sandbox, fund=Fen(4_000_00)), nameless(sandbox, 2, fund=Fen(10_000_00))
    other = corporate(sandbox)
    for _ in range(5):
        with refused(sandbox, "payee_limit_exceeded", wallet_id=full.wallet_id):
            send(sandbox, wallet, full, 2_000_00)
    send(sandbox, wallet, other, 2_000_00)
    send(sandbox, wallet, other, 2_000_00)
    assert balance(sandbox, wallet) == 0


def test_a_higher_class_has_its_own_limits_and_keeps_what_was_spent(sandbox: Sandbox) -> None:
    wallet, other = personal(sandbox, wallet_class="III", fund=Fen(20_000_00)), corporate(sandbox)
    send(sandbox, wallet, other, 5_000_00)
    send(sandbox, wallet, other, 5_000_00)
    with refused(sandbox, "wallet_limit_exceeded", limit="day"):
        send(sandbox, wallet, other, 1)
    sandbox.wallets.upgrade(wallet_id=wallet.wallet_id, wallet_class="II")
    sandbox.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(100_000_00))
    send(sandbox, wallet, other, 50_000_00)
    with refused(sandbox, "wallet_limit_exceeded", limit="day", total="100000.01"):
        send(sandbox, wallet, other, 40_000_01)
    send(sandbox, wallet, other, 40_000_00)
    assert balance(sandbox, other) == 100_000_00
