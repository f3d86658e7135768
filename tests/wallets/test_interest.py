"""Interest on wallets: when, on what, at which rate, from whose money, and what is refused."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ecny_tax import BEIJING, Fen, FixedClock, Sandbox, yuan
from ecny_tax.offline.device import Device
from ecny_tax.rulebook import Rulebook
from ecny_tax.rulebook.book import package_document
from ecny_tax.wallets import interest as interest_module
from tests.support import balance, corporate, dump, hold, nameless, person_id, person_name, personal, refused

DAY = timedelta(days=1)


def at(clock: FixedClock, day: str, hour: int = 10) -> None:
    clock.at = datetime.fromisoformat(f"{day}T{hour:02d}:00:00").replace(tzinfo=BEIJING)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 1, 5, 10, tzinfo=BEIJING))


@contextmanager
def scheme(clock: FixedClock, **tables: Any) -> Iterator[Sandbox]:
    """A sandbox whose scheme has other tables; its books verify in the end."""
    document = copy.deepcopy(package_document("scheme"))
    for name, value in tables.items():
        document[name] = {**document[name], **value} if isinstance(value, dict) else value
    with Sandbox.open(":memory:", clock=clock, seed="scheme", rulebook=Rulebook({"scheme": document})) as s:
        yield s
        assert s.ledger.verify().ok


def own_funds(s: Sandbox, operator: str = "ICBC") -> int:
    return next(a.balance for a in s.ledger.accounts() if a.account == f"own:{operator}")


# --- what is earned -------------------------------------------------------------------------------------


def test_a_quarter_comes_to_what_a_hand_reckons(sandbox: Sandbox, clock: FixedClock) -> None:
    """500,000 yuan from January 5 to March 20 are 75 days: 500,000 × 75 × 0.0005 / 360 = 52.0833…"""
    wallet = personal(sandbox, fund=yuan(500_000))
    at(clock, "2026-03-21")
    done = sandbox.wallets.credit_interest()
    assert (done.amount, done.next_credit) == (52_08, date(2026, 6, 21))
    (period,) = done.periods
    assert (period.operator, period.period_end, period.wallets) == ("ICBC", date(2026, 3, 20), 1)
    assert balance(sandbox, wallet) == 500_052_08
    (_top_up, line) = sandbox.wallets.statement(wallet_id=wallet.wallet_id).lines
    assert (line.kind, line.reference, line.amount) == ("wallet_interest", "2026-03-20", 52_08)
    assert line.counterparty == "vault:ICBC"


@pytest.mark.parametrize(("held", "earned"), [(3_600_00, 1), (3_599_99, 0), (10_800_00, 2), (10_799_99, 1)])
def test_half_a_fen_is_rounded_up_and_less_is_not(
    sandbox: Sandbox, clock: FixedClock, held: int, earned: int
) -> None:
    """3,600 yuan earn half a fen a day."""
    at(clock, "2026-03-20", 23)
    personal(sandbox, fund=Fen(held))
    at(clock, "2026-03-21", 0)
    assert sandbox.wallets.credit_interest().amount == earned


def test_days_are_days_of_beijing(sandbox: Sandbox, clock: FixedClock) -> None:
    """At half past midnight there the day before still lasts in most of the world."""
    clock.at = datetime(2026, 3, 20, 0, 30, tzinfo=BEIJING)
    wallet = personal(sandbox, fund=yuan(7_200))
    clock.at = datetime(2026, 3, 21, 0, 30, tzinfo=BEIJING)
    sandbox.wallets.top_up(wallet_id=wallet.wallet_id, amount=yuan(7_200))
    assert sandbox.wallets.credit_interest().amount == 1


def test_what_rounding_leaves_is_not_carried(sandbox: Sandbox, clock: FixedClock) -> None:
    wallet = corporate(sandbox, fund=Fen(1))
    at(clock, "2036-01-01")
    assert sandbox.wallets.credit_interest().amount == 0
    told = sandbox.wallets.interest(wallet_id=wallet.wallet_id)
    assert (told.accrues_from, told.product_sum) == (date(2035, 12, 21), 11)


def test_there_is_no_interest_for_days_before_2026(clock: FixedClock) -> None:
    at(clock, "2025-12-31", 23)
    with Sandbox.open(":memory:", clock=clock, seed="crossing") as s:
        wallet = personal(s, fund=yuan(360_000))
        before = s.status().regime
        assert before is not None
        assert (before.name_en, before.interest_rate, before.bank_reserve) == ("e-CNY 1.0", 0, "full")
        assert s.wallets.interest(wallet_id=wallet.wallet_id).next_credit is None
        told = s.wallets.credit_interest()
        assert (told.amount, told.periods, told.next_credit) == (0, (), date(2026, 3, 21))
        at(clock, "2026-01-01", 0)
        after = s.status().regime
        assert after is not None
        assert (after.name_en, after.since, after.bank_reserve) == (
            "e-CNY 2.0",
            date(2026, 1, 1),
            "deposit_reserve_base",
        )
        at(clock, "2026-01-02", 0)
        told_then = s.wallets.interest(wallet_id=wallet.wallet_id)
        assert (told_then.days, told_then.accrued) == (1, 50)
        at(clock, "2026-03-21")
        assert s.wallets.credit_interest().amount == 79 * 50
        assert s.ledger.verify().ok


def test_a_clock_before_the_scheme_has_no_regime_and_nothing_due(clock: FixedClock) -> None:
    at(clock, "2019-12-31")
    with Sandbox.open(":memory:", clock=clock) as s:
        assert s.status().regime is None
        assert s.wallets.credit_interest().periods == ()


def test_class_iv_earns_nothing_and_from_the_day_of_its_upgrade_it_does(
    sandbox: Sandbox, clock: FixedClock
) -> None:
    wallet, other = nameless(sandbox, fund=yuan(7_200)), nameless(sandbox, 2, fund=yuan(7_200))
    at(clock, "2026-03-11")
    sandbox.wallets.upgrade(
        wallet_id=wallet.wallet_id, wallet_class="II", name=person_name(), id_number=person_id()
    )
    at(clock, "2026-03-21")
    assert sandbox.wallets.credit_interest().amount == 10
    assert balance(sandbox, other) == 7_200_00
    told = sandbox.wallets.interest(wallet_id=other.wallet_id)
    assert (told.interest_rate, told.accrued, told.next_credit) == (None, 0, None)


def test_a_wallet_upgraded_after_a_quarter_gets_nothing_for_it(sandbox: Sandbox, clock: FixedClock) -> None:
    wallet = nameless(sandbox, fund=yuan(7_200))
    at(clock, "2026-03-21")
    sandbox.wallets.upgrade(
        wallet_id=wallet.wallet_id, wallet_class="II", name=person_name(), id_number=person_id()
    )
    assert sandbox.wallets.credit_interest().periods == ()


def test_interest_may_exceed_the_cap_and_neither_stop_nor_freeze_hinders_it(
    sandbox: Sandbox, clock: FixedClock
) -> None:
    full = [personal(sandbox, n, wallet_class="III", fund=yuan(20_000)) for n in (1, 2)]
    at(clock, "2026-03-21")
    hold(sandbox, "stop", full[0].wallet_id)
    hold(sandbox, "freeze", full[1].wallet_id)
    sandbox.wallets.credit_interest()
    assert [balance(sandbox, wallet) for wallet in full] == [20_002_08, 20_002_08]


def test_what_a_sub_wallet_earns_goes_to_its_parent(sandbox: Sandbox, clock: FixedClock) -> None:
    person = personal(sandbox, fund=yuan(36_000))
    sub = sandbox.wallets.open_sub(
        parent=person.wallet_id, purpose="pushed", platform="某平台", fund=yuan(36_000)
    )
    at(clock, "2026-03-21")
    sandbox.wallets.credit_interest()
    assert balance(sandbox, person) == 75 * 5
    assert sandbox.wallets.show(wallet_id=sub.wallet_id).balance == 36_000_00
    assert sandbox.wallets.interest(wallet_id=sub.wallet_id).credited == 75 * 5


def test_what_is_loaded_for_offline_payment_earns_nothing(
    sandbox: Sandbox, clock: FixedClock, tmp_path: Path
) -> None:
    wallet = personal(sandbox, fund=yuan(4_600))
    device = Device.create(tmp_path / "d.dev", passphrase="口令 for tests")
    sandbox.offline.enroll(device=device, wallet_id=wallet.wallet_id)
    sandbox.offline.load(device=device, amount=yuan(1_000))
    device.close()
    at(clock, "2026-01-07")
    assert sandbox.wallets.interest(wallet_id=wallet.wallet_id).product_sum == 2 * 3_600_00


def test_rates_go_by_operator_and_by_day(clock: FixedClock) -> None:
    def rate(value: str, since: date, **more: Any) -> dict[str, Any]:
        return {
            "rate": value,
            "effective_from": since,
            "citation": "a test",
            "evidence": "assumption",
            **more,
        }

    rates = [
        rate("0.0005", date(2026, 1, 1)),
        rate("0.001", date(2026, 3, 11), code="ICBC", effective_to=date(2026, 3, 15)),
    ]
    with scheme(clock, interest_rates=rates) as s:
        at(clock, "2026-03-08")
        here, there = personal(s, fund=yuan(7_200)), personal(s, operator="BOC", fund=yuan(7_200))
        at(clock, "2026-03-12")
        regime = s.status().regime
        assert regime is not None
        assert [(own.operator, own.interest_rate * 1000) for own in regime.operator_rates] == [("ICBC", 1)]
        at(clock, "2026-03-21")
        s.wallets.credit_interest()
        assert balance(s, here) == 7_200_00 + 8 + 2 * 5
        assert balance(s, there) == 7_200_00 + 13


def test_a_regime_in_which_companies_earn_nothing(clock: FixedClock) -> None:
    regimes = copy.deepcopy(package_document("scheme")["regimes"])
    regimes[1]["corporate_interest"] = False
    with scheme(clock, regimes=regimes) as s:
        company, _person = corporate(s, fund=yuan(36_000)), personal(s, fund=yuan(36_000))
        at(clock, "2026-03-21")
        assert s.wallets.credit_interest().amount == 75 * 5
        assert s.wallets.interest(wallet_id=company.wallet_id).interest_rate is None
        assert s.wallets.interest(wallet_id=company.wallet_id).accrued == 0


def test_a_period_ends_with_its_regime(clock: FixedClock) -> None:
    regimes = copy.deepcopy(package_document("scheme")["regimes"])
    regimes[1]["effective_to"] = date(2026, 1, 14)
    with scheme(clock, regimes=regimes) as s:
        personal(s, fund=yuan(36_000))
        at(clock, "2026-07-01")
        done = s.wallets.credit_interest()
        assert (done.amount, done.periods[0].period_end, done.next_credit) == (50, date(2026, 1, 14), None)


# --- crediting ------------------------------------------------------------------------------------------


def test_i6_a_second_run_moves_nothing(sandbox: Sandbox, clock: FixedClock) -> None:
    personal(sandbox, fund=yuan(36_000))
    at(clock, "2026-03-21")
    sandbox.wallets.credit_interest()
    before = dump(sandbox)
    again = sandbox.wallets.credit_interest()
    assert (again.amount, again.periods, again.refused) == (0, (), ())
    assert dump(sandbox) == before


def test_the_same_key_gets_the_same_answer(sandbox: Sandbox, clock: FixedClock) -> None:
    personal(sandbox, fund=yuan(36_000))
    at(clock, "2026-03-21")
    first = sandbox.wallets.credit_interest(idempotency_key="k")
    assert first.amount == 375
    at(clock, "2026-06-21")
    assert sandbox.wallets.credit_interest(idempotency_key="k") == first


def test_the_day_before_the_credit_day_nothing_is_due(sandbox: Sandbox, clock: FixedClock) -> None:
    personal(sandbox, fund=yuan(36_000))
    at(clock, "2026-03-20", 23)
    assert sandbox.wallets.credit_interest().periods == ()


def test_years_at_once_credit_every_quarter_by_the_balances_as_they_were(
    sandbox: Sandbox, clock: FixedClock
) -> None:
    """What is credited late earns from then on: nobody gets interest on it for the time before."""
    late = personal(sandbox, fund=yuan(400_000))
    at(clock, "2028-01-01")
    done = sandbox.wallets.credit_interest()
    ends = [period.period_end for period in done.periods]
    assert ends == [date(y, m, 20) for y in (2026, 2027) for m in (3, 6, 9, 12)]
    days = [75, 92, 92, 91, 90, 92, 92, 91]
    assert [period.amount for period in done.periods] == [
        (2 * 40_000_000 * n * 5 + 3_600_000) // 7_200_000 for n in days
    ]
    at(clock, "2028-01-02")
    told = sandbox.wallets.interest(wallet_id=late.wallet_id)
    assert told.product_sum == 11 * 40_000_000 + 40_000_000 + done.amount


def test_operators_are_credited_one_by_one_and_an_unknown_one_is_refused(
    sandbox: Sandbox, clock: FixedClock
) -> None:
    here, there = personal(sandbox, fund=yuan(36_000)), personal(sandbox, operator="BOC", fund=yuan(36_000))
    at(clock, "2026-03-21")
    with refused(sandbox, "operator_unknown"):
        sandbox.wallets.credit_interest(operator="NOBANK")
    assert sandbox.wallets.credit_interest(operator="BOC").amount == 375
    assert (balance(sandbox, here), balance(sandbox, there)) == (36_000_00, 36_003_75)
    with refused(sandbox, "wallet_not_found"):
        sandbox.wallets.interest(wallet_id="0021000000000005")


def test_an_operator_without_funds_pays_nobody_and_the_others_do(clock: FixedClock) -> None:
    with scheme(clock, opening={"own_funds": "7.49"}) as s:
        poor = [personal(s, n, fund=yuan(36_000)) for n in (1, 2)]
        personal(s, operator="BOC", fund=yuan(36_000))
        at(clock, "2026-03-21")
        with refused(s, "operator_funds_short", operator="ICBC", needed="7.50", own_funds="7.49"):
            s.wallets.credit_interest(operator="ICBC")
        done = s.wallets.credit_interest()
        assert [(one.operator, one.needed, one.own_funds) for one in done.refused] == [("ICBC", 750, 749)]
        assert [period.operator for period in done.periods] == ["BOC"]
        assert [balance(s, wallet) for wallet in poor] == [36_000_00, 36_000_00]


def test_i16_what_a_kill_between_batches_leaves_is_credited_by_the_next_run(
    sandbox: Sandbox, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interest_module, "_BATCH", 2)
    wallets = [personal(sandbox, n, fund=yuan(36_000)) for n in range(1, 8)]
    at(clock, "2026-06-21")
    whole, calls = interest_module._credit_batch, []

    def killed(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return whole(*arguments)

    monkeypatch.setattr(interest_module, "_credit_batch", killed)
    with pytest.raises(KeyboardInterrupt):
        sandbox.wallets.credit_interest()
    assert sandbox.ledger.verify().ok
    assert sum(balance(sandbox, wallet) for wallet in wallets) == 7 * 36_000_00 + 4 * 375
    done = sandbox.wallets.credit_interest()
    assert [(one.period_end.month, one.wallets, one.amount) for one in done.periods] == [
        (3, 3, 3 * 375),
        (6, 7, 7 * 460),
    ]
    assert {balance(sandbox, wallet) for wallet in wallets} == {36_000_00 + 375 + 460}


def test_i6_own_funds_lose_what_wallets_get_and_it_is_issued_as_a_top_up_is(
    sandbox: Sandbox, clock: FixedClock
) -> None:
    personal(sandbox, fund=yuan(36_000))
    before, status = own_funds(sandbox), sandbox.status()
    at(clock, "2026-03-21")
    done = sandbox.wallets.credit_interest()
    assert before - own_funds(sandbox) == done.amount == 375
    assert sandbox.status().in_circulation - status.in_circulation == 375
    assert sandbox.status().operator_vaults == status.operator_vaults


def test_product_sums_above_64_bits_are_exact(clock: FixedClock) -> None:
    rates = [
        {
            "rate": "0.00000001",
            "effective_from": date(2026, 1, 1),
            "citation": "a test",
            "evidence": "assumption",
        }
    ]
    with scheme(clock, interest_rates=rates) as s:
        wallet = corporate(s)
        for _ in range(50):
            s.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(10**17))
        at(clock, "2026-03-21")
        assert s.wallets.interest(wallet_id=wallet.wallet_id).awaiting_credit == 10_416_666_667
        assert s.wallets.credit_interest().amount == 10_416_666_667
        with s._store.reading() as tx:
            assert tx.row("SELECT product_sum FROM interest") == (str(75 * 50 * 10**17),)


# --- closing --------------------------------------------------------------------------------------------


def test_closing_pays_what_was_earned_to_the_bank_account(sandbox: Sandbox, clock: FixedClock) -> None:
    wallet = personal(sandbox, fund=yuan(36_000))
    before = own_funds(sandbox)
    at(clock, "2026-06-25")
    sandbox.wallets.cash_out(wallet_id=wallet.wallet_id, amount=yuan(36_000))
    done = sandbox.wallets.close(wallet_id=wallet.wallet_id, idempotency_key="k")
    assert done.interest_paid == 375 + 460 + 4 * 5  # two quarters that nobody credited, and four days
    assert before - own_funds(sandbox) == done.interest_paid
    assert (done.status, sandbox.status().in_circulation) == ("closed", 0)
    assert sandbox.wallets.close(wallet_id=wallet.wallet_id, idempotency_key="k") == done
    at(clock, "2026-09-21")
    assert sandbox.wallets.credit_interest().periods == ()
    told = sandbox.wallets.interest(wallet_id=wallet.wallet_id)
    assert (told.credited, told.accrued, told.next_credit) == (done.interest_paid, 0, None)


def test_the_day_of_closing_earns_nothing(sandbox: Sandbox, clock: FixedClock) -> None:
    at(clock, "2026-02-01", 0)
    wallet = personal(sandbox, fund=yuan(36_000))
    at(clock, "2026-02-01", 23)
    sandbox.wallets.cash_out(wallet_id=wallet.wallet_id, amount=yuan(36_000))
    assert sandbox.wallets.close(wallet_id=wallet.wallet_id).interest_paid == 0


def test_closing_on_the_credit_day_pays_the_quarter_once(sandbox: Sandbox, clock: FixedClock) -> None:
    wallet = personal(sandbox, fund=yuan(36_000))
    at(clock, "2026-03-21")
    assert sandbox.wallets.credit_interest().amount == 375
    sandbox.wallets.cash_out(wallet_id=wallet.wallet_id, amount=yuan("36003.75"))
    assert sandbox.wallets.close(wallet_id=wallet.wallet_id).interest_paid == 0


def test_an_operator_without_funds_closes_no_wallet_that_earned(clock: FixedClock) -> None:
    with scheme(clock, opening={"own_funds": "0.00"}) as s:
        wallet = personal(s, fund=yuan(36_000))
        at(clock, "2026-01-07")
        s.wallets.cash_out(wallet_id=wallet.wallet_id, amount=yuan(36_000))
        with refused(s, "operator_funds_short", needed="0.10", own_funds="0.00"):
            s.wallets.close(wallet_id=wallet.wallet_id)


# --- the promises ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE interest SET amount = amount + 1",
        "DELETE FROM interest",
        "UPDATE interest SET period_end = '2026-03-19'",
        "UPDATE interest SET at = at + 1",
        "UPDATE interest SET wallet_id = (SELECT wallet_id FROM wallet WHERE operator = 'BOC')",
        "UPDATE interest SET amount = 0, transfer_id = NULL",
        "UPDATE interest SET transfer_id = (SELECT min(id) FROM transfer)",
        "UPDATE wallet SET named_at = NULL WHERE operator = 'ICBC'",
    ],
)
def test_i6_ledger_verify_finds_interest_that_was_altered(tampering: str, clock: FixedClock) -> None:
    with Sandbox.open(":memory:", clock=clock) as s:
        personal(s, fund=yuan(36_000))
        personal(s, operator="BOC")
        at(clock, "2026-03-21")
        s.wallets.credit_interest(operator="ICBC")
        assert s.ledger.verify().ok
        with s._store.transaction() as tx:
            tx.run(tampering)
        broken = [check for check in s.ledger.verify().checks if not check.ok]
        assert {check.promise for check in broken} == {"I6"}
        assert all(check.detail for check in broken)
