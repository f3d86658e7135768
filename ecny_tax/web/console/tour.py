"""The guided tour beside a class: the chapter it is in, and what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ecny_tax.scenarios.classroom_model import Action
from ecny_tax.scenarios.lesson import Chapter, chapters, next_stop


@dataclass(frozen=True, slots=True)
class Stop:
    """The chapter that a class is in (``number`` of ``count``), and the next action of the tour.

    ``next`` is None at its end, ``title`` what it is called; ``begins`` is the chapter that the next action
    begins, if it begins one.
    """

    chapter: Chapter
    number: int
    count: int
    next: Action | None
    title: str
    title_zh: str
    begins: Chapter | None


def stop_after(taken: Sequence[Action]) -> Stop:
    """Where the tour is after the actions taken: the chapter of the last one, until the next has begun."""
    following, last = next_stop(taken), next_stop(taken[:-1])
    here = last.chapter if last is not None else chapters()[-1]
    return Stop(
        chapter=here,
        number=chapters().index(here) + 1,
        count=len(chapters()),
        next=following.action if following is not None else None,
        title=following.title if following is not None else "",
        title_zh=following.title_zh if following is not None else "",
        begins=following.chapter if following is not None and following.chapter is not here else None,
    )
