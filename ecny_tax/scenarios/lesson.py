"""The lesson: a class of 45 minutes as a guided tour, in chapters with what to say, to look at and to ask.

The words stand in ``lesson.toml``; the actions are those of :mod:`ecny_tax.scenarios.classroom`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from ecny_tax.scenarios.classroom import title_of
from ecny_tax.scenarios.classroom_model import Action


@dataclass(frozen=True, slots=True)
class Question:
    """A question to the class, with its answer."""

    ask: str
    ask_zh: str
    answer: str
    answer_zh: str


@dataclass(frozen=True, slots=True)
class Chapter:
    """A part of the lesson: its actions, and which refusals (codes) belong to it, in their order.

    ``titles`` are what its actions are called in English and Chinese: one that the tour has taken before, by
    what is new.  ``say`` is what the teacher says first, ``look`` what the class should see.
    """

    key: str
    title: str
    title_zh: str
    minutes: int
    actions: tuple[Action, ...]
    titles: tuple[tuple[str, str], ...]
    refusals: tuple[str, ...]
    say: str
    say_zh: str
    look: tuple[str, ...]
    look_zh: tuple[str, ...]
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Stop:
    """The next action of the tour, and the chapter that it belongs to."""

    chapter: Chapter
    action: Action
    title: str
    title_zh: str


@cache
def chapters() -> tuple[Chapter, ...]:
    """The chapters, in the order of the tour."""
    import tomllib  # imported late: whoever plays a class need not read the lesson

    text = files("ecny_tax.scenarios").joinpath("lesson.toml").read_text("utf-8")
    taken: set[Action] = set()
    return tuple(
        Chapter(
            key=written["key"],
            title=written["title_en"],
            title_zh=written["title_zh"],
            minutes=written["minutes"],
            actions=tuple(Action(action) for action in written["actions"]),
            titles=_titles(written, taken),
            refusals=tuple(written["refusals"]),
            say=written["say_en"],
            say_zh=written["say_zh"],
            look=tuple(written["look_en"]),
            look_zh=tuple(written["look_zh"]),
            questions=tuple(
                Question(asked["ask_en"], asked["ask_zh"], asked["answer_en"], asked["answer_zh"])
                for asked in written["questions"]
            ),
        )
        for written in tomllib.loads(text)["chapters"]
    )


def _titles(written: Mapping[str, Any], taken: set[Action]) -> tuple[tuple[str, str], ...]:
    """What the actions of a chapter are called; ``taken`` are those of the tour so far, and grows."""
    again = iter(written.get("again", ()))
    titles = []
    for action in map(Action, written["actions"]):
        new = next(again) if action in taken else None
        titles.append(title_of(action) if new is None else (new["en"], new["zh"]))
        taken.add(action)
    return tuple(titles)


@cache
def tour() -> tuple[Action, ...]:
    """The actions of the whole lesson."""
    return tuple(action for chapter in chapters() for action in chapter.actions)


def next_stop(actions: Sequence[Action]) -> Stop | None:
    """Where the tour goes on after these actions; None at its end.

    Whoever did something beside the tour goes on where they left it: actions count for the tour in its order,
    and any others stand between them.
    """
    done = 0
    for action in actions:
        if done < len(tour()) and action is tour()[done]:
            done += 1
    return _stops()[done] if done < len(tour()) else None


def titles_of(actions: Sequence[Action]) -> tuple[tuple[str, str], ...]:
    """What the actions that were taken are called: those of the tour as the tour calls them."""
    done, titles = 0, []
    for action in actions:
        if done < len(tour()) and action is tour()[done]:
            titles.append((_stops()[done].title, _stops()[done].title_zh))
            done += 1
        else:
            titles.append(title_of(action))
    return tuple(titles)


@cache
def _stops() -> tuple[Stop, ...]:
    """Every action of the tour."""
    return tuple(
        Stop(chapter, action, *title)
        for chapter in chapters()
        for action, title in zip(chapter.actions, chapter.titles, strict=True)
    )
