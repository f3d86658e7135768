"""The address of a class is its state: seed, company, language and the steps taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from ecny_tax.errors import InvalidInputError, Language
from ecny_tax.scenarios.classroom_model import Action

#: Whole numbers up to here are the same in every browser.
MAX_SEED = 2**53
SEED = 7
_BETWEEN = "."
_KNOWN = ("seed", "company", "lang", "steps", "class")


@dataclass(frozen=True, slots=True)
class Address:
    """What an address of the console names; ``company`` empty stands for the story's own.

    ``led`` is the code of the class that whoever opens it leads, or empty.
    """

    language: Language
    seed: int = SEED
    company: str = ""
    steps: tuple[Action, ...] = ()
    led: str = ""

    def __str__(self) -> str:
        """The address in its one form, with what is usual left out."""
        said = {"seed": str(self.seed), "lang": self.language}
        said |= {"company": self.company} if self.company else {}
        said |= {"class": self.led} if self.led else {}
        said |= {"steps": _BETWEEN.join(self.steps)} if self.steps else {}
        return f"/?{urlencode(said)}"

    def then(self, action: Action) -> Address:
        """The address after one more step."""
        return replace(self, steps=(*self.steps, action))

    def before(self, count: int) -> Address:
        """The address as it was after ``count`` steps."""
        return replace(self, steps=self.steps[:count])

    def at_the_beginning(self) -> Address:
        return self.before(0)

    def in_language(self, language: Language) -> Address:
        return replace(self, language=language)

    def alone(self) -> Address:
        """The same state, led by nobody."""
        return replace(self, led="")


def read_address(query: Sequence[tuple[str, str]], usual: Language) -> Address:
    """The address of a query; ``usual`` is the language of the reader where it names none.

    What is not known is passed over: whoever passes a link on may have added to it.  Raises
    ``InvalidInputError`` (``request_malformed``, ``language_unknown``, ``class_seed_malformed``,
    ``class_step_unknown``).
    """
    given = [(name, value) for name, value in query if name in _KNOWN]
    found = dict(given)
    if len(found) < len(given):
        raise InvalidInputError("request_malformed", where="query", reason="it names something twice")
    return Address(
        language=_language(found.get("lang") or usual),
        seed=_seed(found.get("seed") or str(SEED)),
        company=found.get("company", "").strip(),
        steps=_steps(found.get("steps", "")),
        led=found.get("class", ""),
    )


def _language(text: str) -> Language:
    known: dict[str, Language] = {"en": "en", "zh": "zh"}
    if text not in known:
        raise InvalidInputError("language_unknown", value=text)
    return known[text]


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MAX_SEED)) and int(text) <= MAX_SEED):
        raise InvalidInputError("class_seed_malformed", value=text, limit=MAX_SEED)
    return int(text)


def _steps(text: str) -> tuple[Action, ...]:
    known: dict[str, Action] = {action.value: action for action in Action}
    names = text.split(_BETWEEN) if text else []
    for name in names:
        if name not in known:
            raise InvalidInputError("class_step_unknown", value=name, known=", ".join(known))
    return tuple(known[name] for name in names)
