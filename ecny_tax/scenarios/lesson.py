"""The lesson: a class of 45 minutes as a guided tour, in chapters with what to say, to look at and to ask.

The words stand in ``lesson.toml``; the actions are those of :mod:`ecny_tax.scenarios.classroom`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

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

    ``say`` is what the teacher says first, ``look`` what the class should see.
    """

    key: str
    title: str
    title_zh: str
    minutes: int
    actions: tuple[Action, ...]
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


@cache
def chapters() -> tuple[Chapter, ...]:
    """The chapters, in the order of the tour."""
    import tomllib  # imported late: whoever plays a class need not read the lesson

    text = files("ecny_tax.scenarios").joinpath("lesson.toml").read_text("utf-8")
    return tuple(
        Chapter(
            key=written["key"],
            title=written["title_en"],
            title_zh=written["title_zh"],
            minutes=written["minutes"],
            actions=tuple(Action(action) for action in written["actions"]),
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
    if done == len(tour()):
        return None
    for chapter in chapters():
        if done < len(chapter.actions):
            return Stop(chapter, chapter.actions[done])
        done -= len(chapter.actions)
    raise AssertionError("the tour is its chapters")
