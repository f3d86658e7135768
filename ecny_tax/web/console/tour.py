"""The guided tour: where in the lesson a class is, and which action comes next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ecny_tax.scenarios.classroom_model import Action
from ecny_tax.scenarios.lesson import Chapter


@dataclass(frozen=True, slots=True)
class Stop:
    """A place of the tour: the chapter that a class is in, of how many, and its next action.

    ``next`` is None at the end of the tour; ``begins`` is the chapter that the next action begins, if any.
    """

    chapter: Chapter
    number: int
    count: int
    next: Action | None
    begins: Chapter | None


def stop_after(chapters: Sequence[Chapter], taken: Sequence[Action]) -> Stop:
    """Where the tour goes on after the actions taken: those that lie beside it do not move it."""
    tour = [(number, action) for number, chapter in enumerate(chapters) for action in chapter.actions]
    done = 0
    for action in taken:
        if done < len(tour) and action == tour[done][1]:
            done += 1
    here = tour[max(0, done - 1)][0]
    number, following = tour[done] if done < len(tour) else (here, None)
    return Stop(
        chapter=chapters[here],
        number=here + 1,
        count=len(chapters),
        next=following,
        begins=chapters[number] if number != here else None,
    )
