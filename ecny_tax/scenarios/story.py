"""How a story is told: step after step, each numbered and timed, with what moved and what was refused."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from ecny_tax.errors import EcnyTaxError
from ecny_tax.money import Fen, yuan_text

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a story: who acts, what moved, what it cost, and how long the computer took.

    ``refused`` is the code of a refusal that the story expects, or None.
    """

    number: int
    title: str
    title_zh: str
    who: str
    who_zh: str
    moved: str
    moved_zh: str
    fee: Fen | None
    refused: str | None
    detail: str
    detail_zh: str
    seconds: float


class Story:
    """Numbers the steps and times them."""

    def __init__(self) -> None:
        self._number = 0
        self._started = 0.0

    def do(self, act: Callable[[], _T]) -> _T:
        self._started = time.perf_counter()
        return act()

    def step(
        self,
        title: tuple[str, str],
        who: tuple[str, str],
        detail: tuple[str, str],
        *,
        moved: tuple[str, str] = ("", ""),
        fee: Fen | None = None,
        refused: str | None = None,
    ) -> Step:
        self._number += 1
        seconds = time.perf_counter() - self._started
        return Step(self._number, *title, *who, *moved, fee, refused, *detail, seconds)

    def refusal(self, code: str, act: Callable[[], object]) -> EcnyTaxError:
        """The refusal that ``act`` must end in."""
        try:
            self.do(act)
        except EcnyTaxError as error:
            if error.code == code:
                return error
            raise
        raise AssertionError(f"expected a refusal: {code}")

    def refused(self, title: tuple[str, str], who: tuple[str, str], refusal: EcnyTaxError) -> Step:
        """The step that a refusal is."""
        detail = (refusal.message("en"), refusal.message("zh"))
        return self.step(title, who, detail, refused=refusal.code)


def grouped(amount: int) -> str:
    """Fen as yuan with thousands set apart."""
    return yuan_text(amount, grouped=True)
