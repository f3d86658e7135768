"""The Heshan story as a scenario: what its readers (command line, web, tests) rely on."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from ecny_tax import FixedClock, Sandbox, yuan
from ecny_tax.scenarios.heshan import STORY_TIME, TIME_ALLOWED, heshan
from ecny_tax.scenarios.story import Step


def played(sandbox: Sandbox) -> list[Step]:
    return list(heshan(sandbox))


def fresh(seed: str = "heshan") -> Sandbox:
    return Sandbox.open(clock=FixedClock(STORY_TIME), seed=seed)


def test_every_step_is_numbered_timed_and_told_in_both_languages() -> None:
    with fresh() as s:
        steps = played(s)
    assert [step.number for step in steps] == list(range(1, len(steps) + 1))
    for step in steps:
        assert step.title
        assert step.who
        assert step.detail
        for told in (step.title_zh, step.who_zh, step.detail_zh):
            assert re.search("[一-鿿]", told), told
        assert bool(step.moved) == bool(step.moved_zh)
        assert 0 <= step.seconds < TIME_ALLOWED


def test_nothing_in_it_costs_a_fee_and_a_refusal_moves_nothing() -> None:
    with fresh() as s:
        steps = played(s)
    assert {step.fee for step in steps if step.moved} == {0}
    for step in steps:
        if step.refused:
            assert step.moved == ""
            assert step.fee is None


def test_it_leaves_the_books_as_the_story_says() -> None:
    with fresh() as s:
        played(s)
        assert s.ledger.verify().ok
        (payment,) = s.payments.list()
        assert (payment.amount, payment.fee, payment.balance_after) == (yuan(17000), 0, yuan(3000))
        (refund,) = s.refunds.list()
        assert (refund.amount, refund.status) == (yuan(720), "completed")
        balances = sorted(wallet.balance for wallet in s.wallets.list())
        assert balances == [0, yuan(100), yuan(720), yuan(3000)]


def test_a_seed_makes_it_the_same_in_every_run() -> None:
    def timeless(steps: list[Step]) -> list[Step]:
        seconds = re.compile(r"\d+\.\d{3}( s| 秒)")
        return [
            replace(
                step,
                seconds=0.0,
                detail=seconds.sub("", step.detail),
                detail_zh=seconds.sub("", step.detail_zh),
            )
            for step in steps
        ]

    with fresh() as one, fresh() as two, fresh("another") as three:
        first, second, other = (timeless(played(s)) for s in (one, two, three))
    assert first == second
    assert first != other


def test_steps_come_one_by_one_as_they_happen() -> None:
    with fresh() as s:
        story = heshan(s)
        next(story)
        assert len(s.wallets.list()) == 1
        assert len(s.agreements.list()) == 0
        next(story)
        assert len(s.agreements.list()) == 1
        story.close()


def test_it_is_told_on_a_fresh_sandbox_only() -> None:
    """Its company may open the wallet again, but the year of Mr Liang is settled once."""
    with fresh() as s:
        played(s)
        before = s.status()
        with pytest.raises(Exception) as caught:  # noqa: PT011 - any refusal, but never a second refund
            played(s)
        assert not isinstance(caught.value, AssertionError)
        assert s.ledger.verify().ok
        assert len(s.refunds.list()) == 1
        assert s.status().transfers >= before.transfers
