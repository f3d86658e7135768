"""Everything that can be refused, as one tree of exceptions with stable codes.

The class says who is at fault and what to do about it; the ``code`` says exactly what happened.  The
words for every code, in English and Chinese, stand in ``errors.toml`` beside this module, from which
``docs/errors.md`` is generated.  Nothing else (``ValueError``, ``sqlite3.Error`` …) leaves the library.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Literal

Language = Literal["en", "zh"]


class EcnyTaxError(Exception):
    """A refusal: ``code`` (stable, snake_case), ``values`` (what was refused) and ``hint`` (what to do).

    The values fill the placeholders of the code's sentences; amounts are given as text in yuan.
    A refusal has moved no money and changed no record, unless its sentence says otherwise.
    """

    def __init__(self, code: str, /, **values: object) -> None:
        super().__init__(code)
        self.code = code
        self.values = values

    def message(self, language: Language = "en") -> str:
        """One sentence: what was refused, and which value."""
        return _sentence(self.code, language, self.values)

    @property
    def hint(self) -> str:
        """What to do next, in English."""
        return self.hint_in("en")

    def hint_in(self, language: Language) -> str:
        """What to do next."""
        return _sentence(self.code, f"hint_{language}", self.values)

    def __str__(self) -> str:
        return f"{self.message()} ({self.code})"

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.code, self.values))


class InvalidInputError(EcnyTaxError):
    """A malformed value, or a code that is not in a closed list: the caller must change the request."""


class NotFoundError(EcnyTaxError):
    """No record of that name."""


class ConflictError(EcnyTaxError):
    """The request contradicts an earlier one: same key with other content, or a record that exists."""


class RejectedError(EcnyTaxError):
    """A rule of the scheme, the law or the ledger said no."""


class VerificationError(EcnyTaxError):
    """A proof does not verify: a signature, a document, a ledger."""


class UnavailableError(EcnyTaxError):
    """A file, database or keyring cannot be used now.  Nothing was done, and a retry is safe; only where
    the answer itself was lost (``answer_lost``) the sentence says otherwise."""


def _rebuild(kind: type[EcnyTaxError], code: str, values: dict[str, object]) -> EcnyTaxError:
    return kind(code, **values)


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Every code with its class and sentences, as written in ``errors.toml``."""
    import tomllib  # imported late: a command that succeeds never needs it

    return tomllib.loads(files("ecny_tax").joinpath("errors.toml").read_text("utf-8"))


#: Values that the program lists or says itself: they stand whole, since a list that is cut misleads.
_WHOLE = frozenset({"known", "accepted", "allowed", "periods", "keys", "said"})


def _sentence(code: str, name: str, values: dict[str, object]) -> str:
    template = catalogue()[code][name]
    return template.format_map({key: _shown(key, value) for key, value in values.items()})


def _shown(key: str, value: object) -> str:
    """A value as it may stand in a sentence: short where it may be anybody's, without control characters."""
    text = str(value)
    if len(text) > 80 and key not in _WHOLE:
        text = text[:77] + "…"
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
