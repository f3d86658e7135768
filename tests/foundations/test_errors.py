"""Refusals: every code is in the catalogue, of the class that raises it, with every value it shows."""

import ast
import copy
import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ecny_tax
from ecny_tax import errors
from ecny_tax.errors import EcnyTaxError, NotFoundError, RejectedError, catalogue

PACKAGE = Path(ecny_tax.__file__).parent
CLASSES = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, EcnyTaxError) and kind is not EcnyTaxError
}
SENTENCES = ("en", "zh", "hint_en", "hint_zh")


@dataclass(frozen=True)
class Raised:
    """A place that makes a refusal: its class, the codes it may have, and the values it gives (None where
    they cannot be seen, as with ``**values``)."""

    place: str
    kind: str
    codes: frozenset[str]
    values: frozenset[str] | None


@cache
def raised() -> tuple[Raised, ...]:
    return tuple(found for path in sorted(PACKAGE.rglob("*.py")) for found in _raised_in(path))


def _raised_in(path: Path) -> Iterator[Raised]:
    tree = ast.parse(path.read_text("utf-8"))
    constants = _codes_among(tree)
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and _name(node.func) in CLASSES):
            continue
        place = f"{path.relative_to(PACKAGE)}:{node.lineno}"
        assert node.args, f"{place} raises a refusal without a code"
        literal = node.args[0]
        if isinstance(literal, ast.Constant):
            codes = frozenset([literal.value])
        elif isinstance(literal, ast.IfExp):
            codes = frozenset(_codes_among(literal))
        else:
            # A code that comes through a variable may be any that this file, or a file that it imports,
            # mentions otherwise than in a call of a refusal; its class is proven by the table below.
            codes = frozenset(constants | _codes_of_neighbours(path, tree))
        seen = None if any(word.arg is None for word in node.keywords) else {w.arg for w in node.keywords}
        direct = isinstance(literal, ast.Constant | ast.IfExp)
        yield Raised(
            place,
            _name(node.func),
            codes if direct else frozenset(code for code in codes if _class_of(code) == _name(node.func)),
            None if seen is None or not direct else frozenset(str(word) for word in seen),
        )


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _class_of(code: str) -> str:
    return catalogue().get(code, {}).get("class", "")


def _codes_among(tree: ast.AST) -> set[str]:
    """Every catalogued code that stands as a string in the tree, but not as the code of a raised refusal."""
    direct = {
        id(node.args[0])
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _name(node.func) in CLASSES and node.args
    }
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value in catalogue()
        and id(node) not in direct
    }


def _codes_of_neighbours(path: Path, tree: ast.AST) -> set[str]:
    """The codes that modules imported from the same room hand over, as a model does to its service."""
    found: set[str] = set()
    for other in sorted(path.parent.glob("*.py")):
        if other != path:
            found |= _codes_among(ast.parse(other.read_text("utf-8")))
    return found


def placeholders(code: str) -> set[str]:
    return {
        field for key in SENTENCES for _, field, _, _ in Formatter().parse(catalogue()[code][key]) if field
    }


def test_the_scan_sees_direct_and_indirect_codes() -> None:
    direct = {code for site in raised() if site.values is not None for code in site.codes}
    assert {"insufficient_funds", "amount_malformed", "wallet_or_agreement"} <= direct
    everywhere = {code for site in raised() for code in site.codes}
    assert {"agreement_name_mismatch", "agreement_not_verified", "disk_full", "database_busy"} <= everywhere


def test_every_code_in_the_catalogue_is_raised_somewhere() -> None:
    assert set(catalogue()) - {code for site in raised() for code in site.codes} == set()


@pytest.mark.parametrize("site", raised(), ids=lambda site: site.place)
def test_every_raised_code_is_in_the_catalogue_with_the_class_that_raises_it(site: Raised) -> None:
    assert site.codes, "no code is known for this place"
    for code in site.codes:
        assert code in catalogue()
        assert catalogue()[code]["class"] == site.kind


@pytest.mark.parametrize(
    "site", [site for site in raised() if site.values is not None], ids=lambda site: site.place
)
def test_every_place_gives_the_values_that_its_sentences_show(site: Raised) -> None:
    assert site.values is not None
    for code in site.codes:
        assert placeholders(code) <= site.values, code


@pytest.mark.parametrize("code", sorted(catalogue()))
def test_catalogue_entry_is_complete(code: str) -> None:
    entry = catalogue()[code]
    assert set(entry) == {"class", *SENTENCES}
    assert entry["class"] in CLASSES
    assert code.isascii()
    assert code == code.lower()
    assert all(entry[key].strip() == entry[key] != "" for key in SENTENCES)
    refusal = CLASSES[entry["class"]](code, **dict.fromkeys(placeholders(code), "x"))
    for language in ("en", "zh"):
        assert "{" not in refusal.message(language).replace('{"', "")
        assert refusal.hint_in(language)
    assert str(refusal) == f"{refusal.message()} ({code})"
    assert refusal.hint == refusal.hint_in("en")


@pytest.mark.parametrize("code", sorted(catalogue()))
def test_english_and_chinese_show_the_same_values(code: str) -> None:
    def fields(*keys: str) -> set[str]:
        entry = catalogue()[code]
        return {field for key in keys for _, field, _, _ in Formatter().parse(entry[key]) if field}

    assert fields("en") == fields("zh")
    assert fields("hint_en") == fields("hint_zh")


def test_every_class_is_used_and_public() -> None:
    assert {entry["class"] for entry in catalogue().values()} == set(CLASSES)
    for name in ("EcnyTaxError", *CLASSES):
        assert getattr(ecny_tax, name) is getattr(errors, name)
        assert name in ecny_tax.__all__


@pytest.mark.parametrize("again", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy, copy.deepcopy])
def test_refusal_survives_pickling_and_copying(again) -> None:  # type: ignore[no-untyped-def]
    refusal = RejectedError("insufficient_funds", wallet_id="0021", balance="1.00", amount="2.00")
    twin = again(refusal)
    assert type(twin) is RejectedError
    assert (twin.code, twin.values, str(twin), twin.hint) == (
        refusal.code,
        refusal.values,
        str(refusal),
        refusal.hint,
    )


@given(st.text())
def test_shown_value_is_short_and_printable(value: str) -> None:
    text = NotFoundError("bill_not_found", bill_no=value).message()
    assert text.isprintable()
    if value.isprintable():
        assert len(text) <= len("there is no bill ") + 80
        assert value[:77] in text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a\nb", r"a\nb"),
        ("a\x1b[31mb", r"a\x1b[31mb"),
        ("a\x00b", r"a\x00b"),
        ("a\u202eb", r"a\u202eb"),
        ("a\u2028b", r"a\u2028b"),
        ("a\x7fb", r"a\x7fb"),
        ("a\ud800b", r"a\ud800b"),
        ("{code}", "{code}"),
        ("{0.__class__}", "{0.__class__}"),
        ("鹤山", "鹤山"),
    ],
)
def test_control_characters_are_shown_escaped_and_braces_as_they_are(value: str, shown: str) -> None:
    refusal = NotFoundError("bill_not_found", bill_no=value)
    assert refusal.message() == f"there is no bill {shown}"
    assert refusal.message("zh") == f"没有应征凭证 {shown}"


def test_long_value_is_cut() -> None:
    text = NotFoundError("bill_not_found", bill_no="9" * 1000).message()
    assert text == f"there is no bill {'9' * 77}…"
