"""A class: the same in every run, every action at any time, and always books that verify."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from datetime import date
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecny_tax import verify_receipt, yuan
from ecny_tax.errors import InvalidInputError, UnavailableError
from ecny_tax.scenarios.classroom import MOST_ACTIONS, play, title_of
from ecny_tax.scenarios.classroom_model import Action, Actor, Event, Lesson
from ecny_tax.scenarios.classroom_online import pay
from ecny_tax.scenarios.classroom_stage import Talk, opened
from ecny_tax.scenarios.heshan import COMPANY, STORY_TIME
from ecny_tax.scenarios.lesson import tour

_CHINESE = re.compile("[一-鿿]")
#: What a class does when the network is off.
WITHOUT_NETWORK = {
    Action.CUT,
    Action.RESTORE,
    Action.ASK,
    Action.HAND_OVER,
    Action.ACCEPT,
    Action.COPY,
}


def played(actions: str, **wishes: object) -> Lesson:
    return play(**{"seed": 7, "actions": [Action(word) for word in actions.split()], **wishes})  # type: ignore[arg-type]


@cache
def whole_tour() -> Lesson:
    """The lesson as it is played for a class that does nothing else."""
    return play(seed=7, actions=tour())


def codes(lesson: Lesson) -> list[str | None]:
    return [event.refusal.code if event.refusal else None for event in lesson.events]


def numbers(event: Event) -> list[str]:
    return [message.number for message in event.messages if message.number]


def moved(event: Event) -> list[tuple[str, int]]:
    return [(entry.kind, entry.amount) for entry in event.entries]


# --- the same every time --------------------------------------------------------------------------------


def test_the_same_seed_company_and_actions_give_the_same_class_to_the_byte() -> None:
    first = whole_tour()
    random.seed(2)
    assert play(seed=7, company=COMPANY, actions=list(tour())) == first


def test_another_seed_gives_other_numbers_and_the_same_story() -> None:
    first, second = whole_tour(), play(seed=8, actions=tour())
    assert first.standing.company.wallet_id != second.standing.company.wallet_id
    assert first.standing.offline.caught != second.standing.offline.caught
    assert [moved(event) for event in first.events] == [moved(event) for event in second.events]
    assert codes(first) == codes(second)


def test_what_comes_later_changes_nothing_of_what_came_before() -> None:
    for count in (1, 7):
        assert play(seed=7, actions=tour()[:count]).events == whole_tour().events[:count]


def test_a_refusal_keeps_no_frame_of_the_class_alive() -> None:
    for event in played("cut pay copy").events:
        if event.refusal is not None:
            assert event.refusal.__traceback__ is None
            assert event.refusal.__context__ is None


# --- each action ----------------------------------------------------------------------------------------


def test_an_empty_class_stands_at_the_beginning_of_the_story() -> None:
    lesson = played("")
    assert (lesson.events, lesson.company) == ((), COMPANY)
    now = lesson.standing
    assert (now.now, now.network) == (STORY_TIME, True)
    assert (now.company.balance, now.person.balance) == (yuan(20000), 0)
    assert (now.company.operator, now.person.operator) == ("ICBC", "BOC")
    assert (now.agreement, now.paid, now.refund, now.closing, now.verification) == (None,) * 5
    assert now.trace_picture == now.trace_picture_zh == ""


def test_signing_is_verified_with_the_messages_of_the_link() -> None:
    lesson = played("sign")
    assert numbers(lesson.events[0]) == ["9114", "9115"]
    assert lesson.events[0].entries == ()
    assert lesson.standing.agreement is not None
    assert lesson.standing.agreement.status == "verified"


def test_signing_again_is_refused_by_the_authority_which_asks_no_operator() -> None:
    lesson = played("sign sign")
    assert codes(lesson) == [None, "agreement_exists"]
    again = lesson.events[1].messages
    assert [(message.sender, message.receiver) for message in again] == [
        (Actor.COMPANY, Actor.AUTHORITY),
        (Actor.AUTHORITY, Actor.COMPANY),
    ]


def test_paying_under_an_agreement_is_a_real_time_debit_with_a_receipt() -> None:
    lesson = played("sign pay")
    assert numbers(lesson.events[1]) == ["1001", "3001"]
    assert moved(lesson.events[1]) == [("tax_payment", yuan(17000))]
    paid = lesson.standing.paid
    assert paid is not None
    assert (paid.payment.mode, paid.payment.amount, paid.payment.fee) == ("real_time_debit", yuan(17000), 0)
    assert paid.receipt_text.startswith("ECNY1:")
    assert paid.receipt_qr.startswith("<svg")
    assert lesson.standing.company.balance == yuan(3000)


def test_I14_the_receipt_verifies_with_the_published_keys_alone() -> None:
    with opened(seed=7, company=COMPANY) as stage:
        pay(stage, Talk())
        assert stage.payment is not None
        checked = verify_receipt(stage.receipt_text, stage.s.published_keys())
    assert (checked.valid, checked.reason) == (True, None)


def test_the_receipt_stays_as_it_was_when_the_payer_got_it() -> None:
    first, later = (played(f"sign pay{more}").standing.paid for more in ("", " refund close-day verify"))
    assert first == later


def test_paying_without_an_agreement_is_scan_to_pay_and_shown_as_such() -> None:
    lesson = played("pay")
    assert codes(lesson) == [None]
    assert numbers(lesson.events[0]) == []
    assert "scan to pay" in lesson.events[0].outcome
    assert "扫码" in lesson.events[0].outcome_zh
    assert lesson.standing.paid is not None
    assert lesson.standing.paid.payment.mode == "scan_to_pay"


def test_paying_twice_is_more_than_the_wallet_holds_and_moves_nothing() -> None:
    lesson = played("sign pay pay")
    assert codes(lesson) == [None, None, "insufficient_funds"]
    assert lesson.events[2].entries == ()
    assert lesson.events[2].messages[-1].sender is Actor.OPERATOR
    assert lesson.standing.company.balance == yuan(3000)


def test_the_refund_comes_from_the_budget_levels_and_comes_once() -> None:
    lesson = played("refund refund")
    assert codes(lesson) == [None, "annual_settlement_exists"]
    levels = [amount for kind, amount in moved(lesson.events[0]) if kind == "revenue_to_backing"]
    assert sum(levels) == yuan(720)
    assert (lesson.standing.person.balance, lesson.events[1].entries) == (yuan(720), ())


def test_a_payment_without_network_counts_when_it_is_redeemed() -> None:
    before = played("load cut ask hand-over accept restore")
    assert codes(before) == [None] * 6
    assert [moved(event) for event in before.events] == [[("load", yuan(1000))], [], [], [], [], []]
    assert len(before.standing.offline.queued) == 1
    assert (before.standing.company.balance, before.standing.company.set_aside) == (yuan(19000), yuan(1000))
    assert before.standing.paid is None

    after = played("load cut ask hand-over accept restore redeem")
    assert moved(after.events[-1]) == [("tax_payment", yuan(300))]
    assert after.standing.offline.queued == ()
    assert after.standing.company.set_aside == after.standing.offline.loaded == yuan(700)
    assert after.standing.paid is not None
    assert after.standing.paid.payment.mode == "offline"


def test_the_two_panes_show_the_codes_that_pass_between_them() -> None:
    asked = played("load cut ask")
    request = asked.standing.offline.request
    assert [m.text for m in asked.events[-1].messages if m.by_hand] == [request]
    assert request.startswith("ECNY1:")
    paid = played("load cut ask hand-over")
    assert (paid.standing.offline.request, paid.standing.offline.voucher) == (
        request,
        paid.events[-1].messages[0].text,
    )
    accepted = played("load cut ask hand-over accept").standing.offline
    assert (accepted.request, accepted.voucher) == ("", "")


def test_asking_again_is_about_the_same_bill_until_it_is_paid() -> None:
    lesson = played("ask ask load hand-over accept ask")
    asked = [re.findall(r"B23\w+", event.outcome) for event in lesson.events if event.action == "ask"]
    assert asked[0] == asked[1] != asked[2]


def test_I10_of_a_device_and_its_copy_the_second_voucher_is_caught_and_proven() -> None:
    lesson = played("load cut copy restore redeem pay ask hand-over accept load")
    now = lesson.standing
    assert codes(lesson)[:5] == [None] * 5
    assert "Redeemed: 1." in lesson.events[4].outcome
    assert "Disputed, since spent twice: 1. The device is revoked" in lesson.events[4].outcome
    assert "未兑付" not in lesson.events[4].outcome_zh
    assert [event.caught for event in lesson.events] == [number == 4 for number in range(len(lesson.events))]
    assert moved(lesson.events[4]) == [("tax_payment", yuan(150))]
    assert now.offline.caught.startswith("V")
    assert (now.company.status, now.company.available) == ("stopped", 0)
    assert codes(lesson)[5:] == ["wallet_stopped", None, None, "certificate_revoked", "device_revoked"]


def test_a_device_that_is_not_loaded_pays_nothing_whoever_copies_it() -> None:
    assert codes(played("copy")) == ["device_not_enrolled"]
    assert codes(played("ask hand-over")) == [None, "device_not_enrolled"]


def test_a_second_copy_is_caught_by_the_terminal_that_knows_the_first() -> None:
    lesson = played("load cut copy copy restore redeem verify")
    assert codes(lesson)[3] == "voucher_chain_forked"
    assert lesson.standing.offline.caught
    assert lesson.standing.verification is not None
    assert lesson.standing.verification.ok


def test_nothing_to_do_is_said_and_not_refused() -> None:
    for actions in ("redeem", "hand-over", "accept", "restore", "cut cut"):
        lesson = played(actions)
        assert codes(lesson)[-1] is None
        assert lesson.events[-1].messages == lesson.events[-1].entries == ()


def test_day_end_shares_what_was_collected_and_opens_the_next_morning() -> None:
    lesson = played("sign pay close-day load")
    closing = lesson.standing.closing
    assert closing is not None
    assert (closing.day, closing.collected) == (date(2023, 4, 20), yuan(17000))
    assert sum(level.amount for level in closing.levels) == yuan(17000)
    assert lesson.events[2].at.isoformat() == "2023-04-21T09:00:00+08:00"
    assert "next morning" in lesson.events[2].outcome
    assert "次日" in lesson.events[2].outcome_zh
    assert codes(lesson) == [None] * 4


def test_a_trace_draws_where_the_money_went_and_names_nobody() -> None:
    lesson = played("sign pay load trace")
    now = lesson.standing
    for picture in (now.trace_picture, now.trace_picture_zh):
        assert picture.startswith("<svg")
        assert "17000.00" in picture
        assert COMPANY not in picture
    assert "Trace of the wallet" in now.trace_picture
    assert "资金溯源" in now.trace_picture_zh
    ordered, answered = lesson.events[-1].messages
    assert (ordered.sender, answered.receiver) == (Actor.POLICE, Actor.POLICE)


def test_verification_reads_the_whole_ledger() -> None:
    found = played("sign pay verify").standing.verification
    assert found is not None
    assert found.ok
    assert found.transfers == played("sign pay").events[1].entries[-1].seq


# --- the network ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", Action)
def test_with_the_network_off_exactly_what_needs_it_is_refused(action: Action) -> None:
    event = play(seed=7, actions=[Action.LOAD, Action.CUT, action]).events[-1]
    if action in WITHOUT_NETWORK:
        assert event.refusal is None
    else:
        assert isinstance(event.refusal, UnavailableError)
        assert event.refusal.code == "network_is_off"
        assert event.messages == event.entries == ()


# --- any order ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", Action)
def test_each_action_may_be_the_first_and_may_be_repeated(action: Action) -> None:
    lesson = play(seed=7, actions=[action] * 3 + [Action.VERIFY])
    holds(lesson, [action] * 3 + [Action.VERIFY])


@settings(deadline=None, max_examples=10)
@given(st.lists(st.sampled_from(Action), max_size=12), st.integers(0, 3))
def test_any_order_of_actions_gives_events_and_a_ledger_that_verifies(
    actions: list[Action], seed: int
) -> None:
    whole = [*actions, Action.RESTORE, Action.REDEEM, Action.VERIFY]
    holds(play(seed=seed, actions=whole), whole)


def holds(lesson: Lesson, actions: Sequence[Action]) -> None:
    """What is true of every class: an event an action, told in both languages; entries in one row; a refusal
    moved nothing; and where it was verified at last, the ledger verifies."""
    assert [event.action for event in lesson.events] == list(actions)
    times = [event.at for event in lesson.events]
    assert times == sorted(times)
    assert lesson.standing.now == times[-1]
    for event in lesson.events:
        assert (event.title, event.title_zh) == title_of(event.action)
        for message in event.messages:
            assert "{" not in message.said
            assert _CHINESE.search(message.said_zh)
            assert message.number or "(form assumed)" in message.said
            assert message.number or "（格式为假设）" in message.said_zh
            assert bool(message.text) <= message.by_hand
        assert event.outcome
        assert _CHINESE.search(event.outcome_zh)
        if event.refusal is not None:
            assert event.entries == ()
    seqs = [entry.seq for event in lesson.events for entry in event.entries]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs))) if seqs else True
    if actions[-1] is Action.VERIFY and lesson.events[-1].refusal is None:
        found = lesson.standing.verification
        assert found is not None
        assert found.ok, [check for check in found.checks if not check.ok]


# --- bad input ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", "{0} {wallet} %s", "a & b \"c\" 'd'", "\u202eevil", "甲" * 40],
    ids=["markup", "placeholders", "quotes", "control", "long"],
)
def test_a_company_may_be_called_anything_and_it_comes_through_as_text(name: str) -> None:
    lesson = played("sign pay load cut copy restore redeem close-day trace verify", company=name)
    assert codes(lesson) == [None] * 10
    assert lesson.company == lesson.standing.company.holder == name
    assert name in lesson.events[0].messages[0].said
    assert name in lesson.events[0].messages[0].said_zh
    assert "<script" not in lesson.standing.trace_picture


@pytest.mark.parametrize(
    "name",
    ["", "  ", "a" * 10_000, "nul \0", "lone \ud800", "（已删除）"],
    ids=["empty", "blank", "long", "nul", "surrogate", "reserved"],
)
def test_a_name_that_no_wallet_can_have_is_refused(name: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        played("sign", company=name)
    assert caught.value.code == "name_malformed"


def test_a_class_has_its_limit_and_says_it() -> None:
    lesson = play(seed=1, actions=[Action.CUT] * MOST_ACTIONS)
    assert len(lesson.events) == MOST_ACTIONS
    with pytest.raises(InvalidInputError) as caught:
        play(seed=1, actions=[Action.CUT] * (MOST_ACTIONS + 1))
    assert caught.value.code == "class_too_long"
    assert str(MOST_ACTIONS) in caught.value.message("zh")


def test_the_amounts_of_a_refusal_stand_as_those_beside_it() -> None:
    refused = played("sign pay pay").events[-1]
    assert refused.refusal is not None
    for told in (refused.outcome, refused.outcome_zh, refused.messages[-1].said, refused.refusal.message()):
        assert "3,000.00" in told
        assert "17,000.00" in told
