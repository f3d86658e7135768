"""Everything that can be refused, as one tree of exceptions with stable codes.

The class says who is at fault and what to do about it; the ``code`` says exactly what happened.  The
words for every code, in English and Chinese, stand in ``errors.toml`` beside this module, from which
``docs/errors.md`` is generated.  Nothing else (``ValueError``, ``sqlite3.Error`` …) leaves the library.
"""

from __future__ import annotations

import errno
from functools import cache
from importlib.resources import files
from typing import Literal

Language = Literal["en", "zh"]


class Said(str):
    """A value that is the program's own words: English as text, and ``zh`` in Chinese.

    It stands whole in a sentence; what a user wrote goes into it through :func:`short`.
    """

    zh: str

    def __new__(cls, en: str, zh: str = "") -> Said:
        said = super().__new__(cls, en)
        said.zh = zh or en
        return said


def in_language(value: object, language: Language) -> str:
    """A value of a refusal as text, in the reader's language where the program says it itself."""
    return value.zh if isinstance(value, Said) and language == "zh" else str(value)


def short(value: object) -> str:
    """Text that may be anybody's, cut to what a sentence can hold."""
    text = str(value)
    return text if len(text) <= _LIMIT else text[: _LIMIT - 3] + "…"


#: What the system refuses most often, in Chinese; its English is what it says itself.
_SYSTEM_ZH = {
    errno.ENOENT: "没有这个文件或文件夹",
    errno.EACCES: "没有权限",
    errno.EPERM: "没有权限",
    errno.EISDIR: "它是一个文件夹",
    errno.ESPIPE: "它是管道，不能读两遍",
    errno.ENOTDIR: "路径中有一段不是文件夹",
    errno.EROFS: "文件系统只读",
    errno.ENOSPC: "磁盘已满",
    errno.ENAMETOOLONG: "文件名过长",
}


def system_reason(error: OSError) -> Said:
    """Why the system could not do it; in its own words where no Chinese ones are known."""
    return Said(error.strerror or type(error).__name__, _SYSTEM_ZH.get(error.errno or 0, ""))


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
        return self.filled(catalogue()[self.code][language], language)

    @property
    def hint(self) -> str:
        """What to do next, in English."""
        return self.hint_in("en")

    def hint_in(self, language: Language) -> str:
        """What to do next."""
        return self.filled(catalogue()[self.code][f"hint_{language}"], language)

    def filled(self, sentence: str, language: Language) -> str:
        """A sentence in that language with the values in the place of its placeholders."""
        return sentence.format_map({key: _shown(key, value, language) for key, value in self.values.items()})

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
    the answer itself was lost (``answer_lost``, ``payment_outcome_unknown``) the sentence says otherwise."""


def _rebuild(kind: type[EcnyTaxError], code: str, values: dict[str, object]) -> EcnyTaxError:
    return kind(code, **values)


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Every code with its class and sentences, as written in ``errors.toml``."""
    import tomllib  # imported late: a command that succeeds never needs it

    return tomllib.loads(files("ecny_tax").joinpath("errors.toml").read_text("utf-8"))


#: Values that the program lists or says itself: they stand whole, since a list that is cut misleads.
_WHOLE = frozenset({"known", "accepted", "allowed", "periods", "keys", "said"})
#: The most characters that a sentence shows of any other.
_LIMIT = 80


def _shown(key: str, value: object, language: Language) -> str:
    """A value as it may stand in a sentence: short where it may be anybody's, without control characters."""
    text = in_language(value, language)
    if key not in _WHOLE and not isinstance(value, Said):
        text = short(text)
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
