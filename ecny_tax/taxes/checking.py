"""Checking worked cases (算例): does the rulebook come to the answers that somebody else has worked out?

A case passes when every key of its ``expected`` is equal: amounts as numbers, lists element by element,
booleans and words exactly.  What a case cannot be computed for (its kind or an input is not known, a value is
malformed, a rule refuses it) is a mismatch like any other, so one bad case hides none of the others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from ecny_tax.errors import EcnyTaxError, InvalidInputError, Language, Said
from ecny_tax.money import yuan_text
from ecny_tax.rulebook import PACKAGE, Rulebook
from ecny_tax.taxes.case_inputs import not_accepted
from ecny_tax.taxes.case_kinds import computed, kind_of
from ecny_tax.taxes.json_files import read_json

MAX_BYTES = 4 * 1024 * 1024
#: What to do next about a refusal, in a language.
Hint = Callable[[EcnyTaxError, Language], str]

_A_LIST = Said(
    'a list of cases in brackets, such as [{"id": …, "kind": …, "inputs": {…}, "expected": {…}}]',
    '用方括号括起的算例列表，例如 [{"id": …, "kind": …, "inputs": {…}, "expected": {…}}]',
)
_NO_LIST = Said("not a list of cases in brackets", "不是用方括号括起的算例列表")

_NUMBER = re.compile(r"-?[0-9]{1,24}(\.[0-9]{1,12})?")


@dataclass(frozen=True, slots=True)
class Mismatch:
    """An answer that is not as expected; amounts are text in yuan.

    Where a case could not be computed or compared, ``key`` names the input at fault, or ``inputs``; then
    ``got`` is the code of the refusal, and ``detail`` and ``detail_zh`` say what was refused.
    """

    id: str
    kind: str
    key: str
    expected: object
    got: object
    detail: str | None = None
    detail_zh: str | None = None


@dataclass(frozen=True, slots=True)
class CaseReport:
    """How many cases passed and how many failed; a failed case has one or more ``mismatches``."""

    passed: int
    failed: int
    mismatches: tuple[Mismatch, ...]


def read_cases(source: bytes | str | Path) -> list[object]:
    """The cases of a file (a path), or of the bytes of one: a JSON list of at most 4 MB.

    Raises ``InvalidInputError``: ``input_file_unreadable``, ``input_too_large``, ``input_not_json`` (also
    where it is no list) and ``input_key_repeated``.  The cases themselves are judged by :func:`check`.
    """
    found = read_json(source, limit=MAX_BYTES, accepted=_A_LIST)
    if not isinstance(found, list):
        path = "-" if isinstance(source, bytes) else source
        raise InvalidInputError("input_not_json", path=path, reason=_NO_LIST, accepted=_A_LIST)
    return found


def check(cases: object, *, book: Rulebook = PACKAGE, hint: Hint = EcnyTaxError.hint_in) -> CaseReport:
    """Run a list of cases against the rules; each has ``id``, ``kind``, ``inputs`` and ``expected``.

    Nothing is believed of them.  ``hint`` says what to do about a refusal.  Raises ``InvalidInputError``
    (``input_value_malformed``) only where there is no list.
    """
    if not isinstance(cases, list | tuple):
        raise not_accepted("cases", cases, '[{"id", "kind", "inputs", "expected"}, …]')
    passed, failed = 0, 0
    mismatches: list[Mismatch] = []
    for place, case in enumerate(cases, start=1):
        found = tuple(_mismatches_of(case, place, book, hint))
        mismatches += found
        if found:
            failed += 1
        else:
            passed += 1
    return CaseReport(passed, failed, tuple(mismatches))


def _mismatches_of(case: object, place: int, book: Rulebook, hint: Hint) -> Iterator[Mismatch]:
    members = case if isinstance(case, Mapping) else {}
    name, kind = (_text_or(members.get(key), "") for key in ("id", "kind"))
    name = name or f"#{place}"
    try:
        _check_form(case)
        result = computed(kind, members["inputs"], book=book)
        answers = kind_of(kind).answers
    except EcnyTaxError as refusal:
        yield _refused(name, kind, str(refusal.values.get("key", "inputs")), None, refusal, hint)
        return
    for key, expected in members["expected"].items():
        if key not in answers:
            unknown = InvalidInputError("case_answer_unknown", key=key, kind=kind, known=" ".join(answers))
            yield _refused(name, kind, str(key), expected, unknown, hint)
            continue
        got = _plain(result[key] if isinstance(result, Mapping) else getattr(result, key))
        if not _equal(expected, got):
            yield Mismatch(name, kind, key, _shown(expected), got)


def _check_form(case: object) -> None:
    """Refuse what is no case at all; members besides the four, such as a note, are left to their author."""
    if not isinstance(case, Mapping):
        raise not_accepted("case", case, '{"id", "kind", "inputs", "expected"}')
    for key in ("id", "kind", "inputs", "expected"):
        if key not in case:
            raise InvalidInputError("input_key_missing", key=key)
    for key in ("id", "kind"):
        if not isinstance(case[key], str) or not case[key]:
            raise not_accepted(key, case[key], '"…"')
    if not isinstance(case["expected"], Mapping) or not case["expected"]:
        raise not_accepted("expected", case["expected"], '{"tax": "300.00", …}')  # nothing proves nothing


def _refused(name: str, kind: str, key: str, expected: object, refusal: EcnyTaxError, hint: Hint) -> Mismatch:
    return Mismatch(
        id=name,
        kind=kind,
        key=key,
        expected=_shown(expected),
        got=refusal.code,
        detail=f"{refusal.message()}; {hint(refusal, 'en')}",
        detail_zh=f"{refusal.message('zh')}；{hint(refusal, 'zh')}",
    )


# --- comparing ----------------------------------------------------------------------------------------------


def _plain(answer: object) -> object:
    """An answer as a case would write it; every whole number among them is an amount in fen."""
    if isinstance(answer, int) and not isinstance(answer, bool):
        return yuan_text(answer)
    if isinstance(answer, tuple):
        return [_plain(one) for one in answer]
    return answer


def _equal(expected: object, got: object) -> bool:
    if isinstance(got, list):
        return (
            isinstance(expected, list | tuple)
            and len(expected) == len(got)
            and all(_equal(one, other) for one, other in zip(expected, got, strict=True))
        )
    if isinstance(got, str) and _NUMBER.fullmatch(got):
        return _number(expected) == Decimal(got)
    return type(expected) is type(got) and expected == got


def _number(expected: object) -> Decimal | None:
    """An amount as a case writes it; ``None`` for anything else, floats too, which no amount equals."""
    if isinstance(expected, str) and _NUMBER.fullmatch(expected):
        return Decimal(expected)
    return Decimal(expected) if type(expected) is int else None


def _shown(expected: object) -> object:
    """What a case expects, as it may stand in any report: one list deep, and without what JSON lacks."""
    if isinstance(expected, list | tuple):
        return [_scalar(one) for one in expected]
    return _scalar(expected)


def _scalar(value: object) -> object:
    if value is None or isinstance(value, str | bool | int):
        return value
    return str(value) if isinstance(value, float) else "…"


def _text_or(value: object, other: str) -> str:
    return value if isinstance(value, str) else other
