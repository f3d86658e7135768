"""A protective stop ends by itself; what comes in still arrives; who may stop is a closed list."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ecny_tax import Fen, FixedClock, Sandbox
from tests.support import (
    SEED,
    START,
    balance,
    hold,
    nameless,
    owe,
    personal,
    refund_of,
    refused,
    refused_and_logged,
)

HOUR = timedelta(hours=1)
CENTRE = "anti_fraud_centre:AF440784"


def test_a_stop_ends_by_itself(sandbox: Sandbox, clock: FixedClock) -> None:
    wallet, other = personal(sandbox, fund=Fen(100)), personal(sandbox, 2)
    pay = {"from_wallet": wallet.wallet_id, "to_wallet": other.wallet_id, "amount": Fen(1)}
    stopped = sandbox.oversight.stop(wallet_id=wallet.wallet_id, hours=3, reason="taken_over")
    assert (stopped.status, stopped.stop_reason, stopped.stopped_until) == (
        "stopped", "taken_over", START + 3 * HOUR,
    )  # fmt: skip
    clock.at = START + 3 * HOUR - timedelta(microseconds=1)
    with refused(sandbox, "wallet_stopped"):
        sandbox.wallets.transfer(**pay)
    clock.at = START + 3 * HOUR
    sandbox.wallets.transfer(**pay)
    found = sandbox.wallets.show(wallet_id=wallet.wallet_id)
    assert (found.status, found.stop_reason, found.stopped_until) == ("active", None, None)
    assert sandbox.wallets.list()[0] == found


def test_a_stop_lasts_a_day_where_nothing_is_said_and_two_at_most(sandbox: Sandbox) -> None:
    wallet = personal(sandbox)
    found = sandbox.oversight.stop(wallet_id=wallet.wallet_id)
    assert (found.stop_reason, found.stopped_until) == ("fraud_victim", START + 24 * HOUR)
    assert sandbox.oversight.stop(wallet_id=wallet.wallet_id, hours=48).stopped_until == START + 48 * HOUR
    shorter = sandbox.oversight.stop(wallet_id=wallet.wallet_id, hours=1, reason="taken_over")
    assert (shorter.stop_reason, shorter.stopped_until) == ("fraud_victim", START + 48 * HOUR)
    for hours in (0, -1, 49, 10**30, True, 1.5):
        with refused_and_logged(sandbox, "stop_hours_malformed"):
            sandbox.oversight.stop(wallet_id=wallet.wallet_id, hours=hours)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "wishes"),
    [
        ("stop_reason_unknown", {"reason": "dislike"}),
        ("stop_reason_unknown", {"reason": "double_spend"}),
        ("stop_not_by_centre", {"by": "court:CT440784"}),
        ("enforcer_malformed", {"by": "ICBC"}),
        ("enforcer_not_found", {"by": "anti_fraud_centre:NONE"}),
    ],
)
def test_only_a_centre_stops_a_wallet_and_for_a_reason_of_the_list(
    sandbox: Sandbox, code: str, wishes: dict[str, Any]
) -> None:
    wallet = personal(sandbox)
    with refused_and_logged(sandbox, code):
        sandbox.oversight.stop(wallet_id=wallet.wallet_id, **wishes)
    if "by" in wishes:
        with refused_and_logged(sandbox, code):
            sandbox.oversight.resume(wallet_id=wallet.wallet_id, **wishes)


def test_transfers_and_refunds_reach_a_stopped_wallet(sandbox: Sandbox) -> None:
    wallet, other = personal(sandbox), personal(sandbox, 2, fund=Fen(100))
    sandbox.oversight.stop(wallet_id=wallet.wallet_id, by=CENTRE)
    sandbox.wallets.transfer(from_wallet=other.wallet_id, to_wallet=wallet.wallet_id, amount=Fen(7))
    refund = sandbox.refunds.apply_for_income_tax(wallet_id=wallet.wallet_id, annual_return=refund_of(30))
    assert refund.status == "completed"
    assert balance(sandbox, wallet) == 37


def test_who_stopped_and_who_lifted_it_is_logged(sandbox: Sandbox) -> None:
    wallet = nameless(sandbox)
    hold(sandbox, "stop", wallet.wallet_id)
    hold(sandbox, "resume", wallet.wallet_id)
    hold(sandbox, "freeze", wallet.wallet_id)
    hold(sandbox, "unfreeze", wallet.wallet_id)
    found = sandbox.oversight.accesses(wallet_id=wallet.wallet_id)
    assert [(e.entry, e.action, e.by, e.asked, e.outcome) for e in found] == [
        (1, "stop", CENTRE, "fraud_victim until 2023-04-21T10:00:00+08:00", "done"),
        (2, "resume", CENTRE, "", "done"),
        (3, "freeze", "court:CT440784", "", "done"),
        (4, "unfreeze", "court:CT440784", "", "done"),
    ]


def test_of_a_stop_shorter_than_the_one_in_force_the_log_says_which_one_is(sandbox: Sandbox) -> None:
    wallet = personal(sandbox)
    sandbox.oversight.stop(wallet_id=wallet.wallet_id, hours=48)
    sandbox.oversight.stop(wallet_id=wallet.wallet_id, hours=1, reason="taken_over")
    asked = [entry.asked for entry in sandbox.oversight.accesses()]
    assert asked == 2 * ["fraud_victim until 2023-04-22T10:00:00+08:00"]


def test_a_wallet_that_is_not_stopped_is_not_resumed(sandbox: Sandbox, clock: FixedClock) -> None:
    parent = personal(sandbox, fund=Fen(100))
    sub = sandbox.wallets.open_sub(parent=parent.wallet_id, purpose="limited", single=Fen(10))
    with refused_and_logged(sandbox, "wallet_not_stopped"):
        sandbox.oversight.resume(wallet_id=parent.wallet_id)
    hold(sandbox, "stop", parent.wallet_id)
    with refused_and_logged(sandbox, "wallet_not_stopped", wallet_id=sub.wallet_id):
        sandbox.oversight.resume(wallet_id=sub.wallet_id)
    sandbox.oversight.resume(wallet_id=parent.wallet_id)
    hold(sandbox, "stop", parent.wallet_id)
    clock.at = START + 24 * HOUR
    with refused_and_logged(sandbox, "wallet_not_stopped"):
        sandbox.oversight.resume(wallet_id=parent.wallet_id)


TOUCHED = {
    "frozen without an order": "UPDATE wallet SET frozen = 1 WHERE wallet_id = :idle",
    "thawed": "UPDATE wallet SET frozen = 0 WHERE wallet_id = :frozen",
    "a freeze taken away": "DELETE FROM wallet_freeze WHERE wallet_id = :frozen",
    "a freeze lifted":
        "UPDATE wallet_freeze SET lifted_by = 'J1', lifted_at = laid_at WHERE wallet_id = :frozen",
    "a freeze lifted and thawed":
        "UPDATE wallet_freeze SET lifted_by = 'J1', lifted_at = laid_at WHERE wallet_id = :frozen;"
        " UPDATE wallet SET frozen = 0 WHERE wallet_id = :frozen",
    "another court's": "UPDATE wallet_freeze SET issuer = 'court:CT2' WHERE wallet_id = :frozen",
    "stopped without anybody": "UPDATE wallet SET stop_reason = 'double_spend' WHERE wallet_id = :idle",
    "resumed": "UPDATE wallet SET stop_reason = NULL, stopped_until = NULL WHERE wallet_id = :stopped",
    "stopped for longer": "UPDATE wallet SET stopped_until = NULL WHERE wallet_id = :stopped",
    "stopped for shorter":
        "UPDATE wallet SET stopped_until = stopped_until - 1000000 WHERE wallet_id = :stopped",
}  # fmt: skip


@pytest.mark.parametrize("what", TOUCHED)
def test_I14_a_hold_that_the_access_log_does_not_tell_of_is_found(what: str) -> None:
    with Sandbox.open(":memory:", clock=FixedClock(START), seed=SEED) as s:
        ids = {name: personal(s, n).wallet_id for n, name in enumerate(("idle", "frozen", "stopped"), 1)}
        hold(s, "stop", ids["stopped"])
        hold(s, "resume", ids["stopped"])
        hold(s, "stop", ids["stopped"])
        for act in ("freeze", "unfreeze", "freeze"):
            hold(s, act, ids["frozen"])
        assert s.ledger.verify().ok
        with s._store.transaction() as tx:
            for statement in TOUCHED[what].split(";"):
                names = [name for name in ids if f":{name}" in statement]
                tx.run(statement, **{name: ids[name] for name in names})
        touched = next(ids[name] for name in ids if f":{name}" in TOUCHED[what])
        found = [(check.promise, check.detail) for check in s.ledger.verify().checks if not check.ok]
        assert found == [("I14", touched)]


def test_a_sub_wallet_tells_of_the_stop_that_ends_last(sandbox: Sandbox, clock: FixedClock) -> None:
    parent = personal(sandbox, fund=Fen(100))
    sub = sandbox.wallets.open_sub(parent=parent.wallet_id, purpose="limited", single=Fen(10))
    sandbox.oversight.stop(wallet_id=parent.wallet_id, hours=2)
    sandbox.oversight.stop(wallet_id=sub.wallet_id, hours=1, reason="taken_over")
    shown = sandbox.wallets.show(wallet_id=sub.wallet_id)
    assert (shown.stop_reason, shown.stopped_until) == ("fraud_victim", START + 2 * HOUR)
    clock.at = START + 2 * HOUR
    assert sandbox.wallets.show(wallet_id=sub.wallet_id).status == "active"


def test_a_bill_of_somebody_stopped_is_paid_by_another(sandbox: Sandbox) -> None:
    wallet, other = personal(sandbox, fund=Fen(100)), personal(sandbox, 2, fund=Fen(100))
    bill = owe(sandbox, wallet, 50)
    hold(sandbox, "stop", wallet.wallet_id)
    assert sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=other.wallet_id).status == "settled"
