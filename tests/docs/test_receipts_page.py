"""docs/receipts.md describes the signed receipt, its fields and its checks as they are."""

import re
from pathlib import Path

import pytest

from ecny_tax.errors import catalogue
from ecny_tax.ledger.chart import LEVELS
from ecny_tax.payments import receipt_form, signing
from ecny_tax.qr import LEAST, qr_code
from ecny_tax.refunds import refund_voucher_form
from ecny_tax.text_form import to_text

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "receipts.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("heading", "fields"),
    [
        ("### The message", signing.PARTS),
        ("### The content of a payment's receipt", receipt_form.FIELDS),
        ("### The content of a refund's voucher", refund_voucher_form.FIELDS),
    ],
)
def test_the_fields_are_described_in_their_order(heading: str, fields: tuple[str, ...]) -> None:
    section = PAGE.partition(f"{heading}\n")[2].partition("\n##")[0]
    assert tuple(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == fields


def test_the_numbers_of_closed_lists_are_those_of_the_code() -> None:
    for number, mode in receipt_form.MODES.items():
        assert f"{number} {str(mode).replace('_', ' ').replace('real time', 'real-time')}" in PAGE.replace(
            "set-off", "set off"
        )
    for number, level in enumerate(LEVELS, start=1):
        assert f"{number} {level}" in PAGE
    assert (signing.Kind.PAYMENT, signing.Kind.REFUND, signing.VERSION) == (1, 2, 1)
    assert f'"{signing.CONTENT_TYPE}"' in PAGE


def test_every_reason_is_named_and_every_name_is_a_code() -> None:
    of_others = {"receipt_of_other_voucher", "receipt_needed"}  # provisional receipts of offline payment
    table = PAGE.partition("## Checks in their order")[2]
    named = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", table))
    known = catalogue()
    assert named <= known.keys()
    reasons = {
        code
        for code, entry in known.items()
        if code.startswith("receipt_") and entry["class"] == "VerificationError"
    }
    assert reasons - of_others <= named


def test_what_a_code_holds_is_said_as_it_is() -> None:
    assert "4,296 characters or 2,860 bytes" in PAGE
    assert qr_code(to_text(bytes(2860)), LEAST).version == 40
    assert len(to_text(bytes(2860))) == 4296
