"""The lesson: what the guided tour promises is what a class comes to."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

from ecny_tax.errors import catalogue
from ecny_tax.money import yuan
from ecny_tax.scenarios.classroom import play, title_of
from ecny_tax.scenarios.classroom_model import Action
from ecny_tax.scenarios.lesson import Chapter, chapters, next_stop, titles_of, tour

_CHINESE = re.compile("[一-鿿]")


def test_the_lesson_has_its_six_chapters_and_takes_45_minutes() -> None:
    keys = [chapter.key for chapter in chapters()]
    assert keys == ["agreement", "payment", "refund", "offline", "double-spend", "audit"]
    assert sum(chapter.minutes for chapter in chapters()) == 45


def test_it_plays_through_with_the_refusals_that_it_announces_and_no_other() -> None:
    lesson = play(seed=7, actions=tour())
    events = iter(lesson.events)
    for chapter in chapters():
        refusals = [next(events).refusal for _ in chapter.actions]
        assert tuple(refusal.code for refusal in refusals if refusal) == chapter.refusals, chapter.key
    assert next(events, None) is None
    assert set(tour()) == set(Action)


def test_what_it_says_about_the_money_is_what_happens() -> None:
    lesson = play(seed=7, actions=tour())
    now = lesson.standing
    assert lesson.events[1].entries[0].amount == yuan(17000)
    assert now.refund is not None
    assert now.refund.amount == yuan(3000) - yuan(2280) == yuan(720)
    central = next(
        entry for event in lesson.events for entry in event.entries if "central" in entry.debit_account
    )
    assert central.amount * 100 == now.refund.amount * 60
    assert now.closing is not None
    assert now.closing.levels[0].amount == 0
    assert now.offline.caught
    assert now.company.status == "stopped"
    assert now.verification is not None
    assert now.verification.ok


@pytest.mark.parametrize("chapter", chapters(), ids=lambda chapter: chapter.key)
def test_everything_is_told_in_both_languages(chapter: Chapter) -> None:
    pairs = [(chapter.title, chapter.title_zh), (chapter.say, chapter.say_zh)]
    pairs += zip(chapter.look, chapter.look_zh, strict=True)
    for question in chapter.questions:
        pairs += [(question.ask, question.ask_zh), (question.answer, question.answer_zh)]
    for english, chinese in pairs:
        assert english
        assert _CHINESE.search(chinese)
        assert not _CHINESE.search(re.sub("（[^）]*）|\\([^)]*\\)", "", english))
    assert 2 <= len(chapter.questions) <= 3
    assert chapter.look
    assert set(chapter.refusals) <= set(catalogue())
    assert all(getattr(chapter, field.name) is not None for field in fields(chapter))


def test_the_next_stop_leads_through_the_whole_tour() -> None:
    walked: list[Action] = []
    while (stop := next_stop(walked)) is not None:
        assert stop.action in stop.chapter.actions
        walked.append(stop.action)
    assert tuple(walked) == tour()


def test_whoever_left_the_tour_goes_on_where_they_left_it() -> None:
    left = next_stop([Action.SIGN, Action.VERIFY, Action.REFUND])
    assert left is not None
    assert (left.chapter.key, left.action) == ("payment", Action.PAY)


@pytest.mark.parametrize("language", [0, 1])
def test_no_two_steps_of_the_tour_have_the_same_name(language: int) -> None:
    names = [title[language] for chapter in chapters() for title in chapter.titles]
    assert len(set(names)) == len(names) == len(tour())
    assert [title[language] for title in titles_of(tour())] == names


def test_what_is_done_beside_the_tour_has_its_usual_name() -> None:
    taken = [Action.PAY, Action.SIGN, Action.PAY, Action.REDEEM, Action.PAY, Action.PAY]
    usual, again = title_of(Action.PAY), ("Pay a second contract", "再缴一份合同的税")
    assert [title for title in titles_of(taken) if title[0].startswith("Pay")] == [usual, usual, again, usual]
