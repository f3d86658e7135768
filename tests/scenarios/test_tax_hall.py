"""The story of the tax hall without network, played as anybody would see it."""

from __future__ import annotations

from ecny_tax import FixedClock, Sandbox
from ecny_tax.scenarios.heshan import STORY_TIME
from ecny_tax.scenarios.story import Step
from ecny_tax.scenarios.tax_hall import tax_hall


def played() -> list[Step]:
    clock = FixedClock(STORY_TIME)
    with Sandbox.open(clock=clock, seed="heshan") as s:
        return list(tax_hall(s))


def test_the_tax_hall_takes_a_voucher_redeems_it_and_catches_a_copied_device() -> None:
    steps = played()
    assert [step.refused for step in steps if step.refused] == [
        "voucher_counter_reused",
        "certificate_revoked",
    ]
    assert "settled" in steps[4].detail
    assert "disputed" in steps[6].detail
    assert [step.number for step in steps] == list(range(1, len(steps) + 1))


def test_the_story_is_the_same_every_time() -> None:
    one, other = ([(step.title, step.detail, step.detail_zh) for step in played()] for _ in range(2))
    assert one == other
