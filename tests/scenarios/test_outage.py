"""The story of an operator that is not reached, played as anybody would see it."""

from __future__ import annotations

import re

from ecny_tax import FixedClock, Sandbox, yuan
from ecny_tax.scenarios.heshan import STORY_TIME
from ecny_tax.scenarios.outage import outage
from ecny_tax.scenarios.story import Step


def fresh() -> Sandbox:
    return Sandbox.open(clock=FixedClock(STORY_TIME), seed="outage")


def test_answers_get_lost_bills_are_in_doubt_and_in_the_end_both_payments_stand() -> None:
    with fresh() as s:
        steps = list(outage(s))
        assert [step.refused for step in steps if step.refused] == [
            "payment_outcome_unknown",
            "bill_in_doubt",
            "payment_outcome_unknown",
        ]
        assert [step.number for step in steps] == list(range(1, len(steps) + 1))
        first, second = sorted(s.payments.list(), key=lambda payment: payment.amount)
        assert (first.amount, first.status) == (yuan(3000), "settled")
        assert (second.amount, second.status) == (yuan(6000), "settled")
        assert {bill.status for bill in s.taxes.bills()} == {"paid"}
        assert s.reconciliation.reconcile(entrust_date=STORY_TIME.date()).ok
        assert s.ledger.verify().ok


def test_it_is_told_in_both_languages_without_a_fee_and_refusals_move_nothing() -> None:
    with fresh() as s:
        steps = list(outage(s))
    for step in steps:
        for told in (step.title_zh, step.who_zh, step.detail_zh):
            assert re.search("[一-鿿]", told), told
        assert bool(step.moved) == bool(step.moved_zh)
        assert not (step.refused and step.moved)
    assert {step.fee for step in steps if step.moved} == {0}


def test_the_story_is_the_same_every_time() -> None:
    def told() -> list[Step]:
        with fresh() as s:
            return list(outage(s))

    one, other = ([(step.title, step.detail, step.detail_zh) for step in told()] for _ in range(2))
    assert one == other
