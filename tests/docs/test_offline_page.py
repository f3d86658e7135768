"""docs/offline.md describes the objects, checks and codes of offline payment as they are."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from ecny_tax.errors import catalogue
from ecny_tax.offline.bundles import BUNDLES, Bundle
from ecny_tax.offline.checks import CHECKS
from ecny_tax.offline.objects import KINDS, MAX_COUNTER, MAX_NUMBER, MAX_REVOCATIONS, SignedObject
from ecny_tax.offline.terminal import MAX_QUEUE

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "offline.md").read_text("utf-8")


def rows(section: str) -> list[list[str]]:
    """The rows of the first table of a section, without its head."""
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_fields_of_an_object_are_described_in_their_order(kind: type[SignedObject]) -> None:
    found = re.search(rf"^### {kind.kind} {kind.name} · [一-鿿]+\n(.*?)^#", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    described = [(name.strip("`"), declared.strip("`")) for name, declared, _ in rows(found[1])]
    assert described == [(field.name, str(field.type).partition("[")[0]) for field in fields(kind)]


def test_the_bundles_are_described_in_their_order() -> None:
    section = PAGE.partition("### Bundles")[2].partition("\n### ")[0]

    def described(bundle: type[Bundle]) -> list[str]:
        held = ", ".join(f"`{field.name}`" for field in fields(bundle))
        return [str(bundle.kind), bundle.name, held]

    assert rows(section) == [described(bundle) for bundle in BUNDLES]


def test_the_checks_are_described_in_their_order() -> None:
    section = PAGE.partition("### A terminal: checks in their order")[2].partition("\n### ")[0]
    assert [row[0].strip("`") for row in rows(section)] == list(CHECKS)


def test_every_code_that_is_named_is_one() -> None:
    known = catalogue()
    names = {field.name for kind in (*KINDS, *BUNDLES) for field in fields(kind)}
    for code in re.findall(r"`([a-z]+(?:_[a-z]+)+)`", PAGE):
        assert code in known or code in names, code


def test_the_bounds_that_are_named_are_those_of_the_code() -> None:
    assert f"1 to {MAX_NUMBER} of A–Z" in PAGE
    assert "0 to 2^31 − 1" in PAGE
    assert MAX_COUNTER == 2**31 - 1
    assert f"at most {MAX_REVOCATIONS:,} pairs" in PAGE
    assert f"when {MAX_QUEUE:,} wait" in PAGE
