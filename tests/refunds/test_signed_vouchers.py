"""Signed revenue refund vouchers: what is printed, its proof from the ledger, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ecny_tax import Fen, FixedClock, Sandbox
from ecny_tax.errors import Language
from ecny_tax.payments import signing
from ecny_tax.payments.printing import as_html, as_text
from ecny_tax.refunds import rows, vouchers
from ecny_tax.refunds.refund_voucher_form import content_of
from ecny_tax.refunds.verification import signed_paper, verify_page
from ecny_tax.refunds.vouchers import RefundVoucher
from ecny_tax.store import log
from ecny_tax.text_form import to_text
from tests.payments.signed import (
    CONTENT,
    KIND,
    STEPS,
    TRANSFERS,
    TREASURY,
    check,
    payload,
    reason,
    signed,
)
from tests.support import START, corporate, judged, nameless, owe, personal, refund_of, refused

LANGUAGES: tuple[Language, ...] = ("en", "zh")


def settlement(s: Sandbox) -> str:
    wallet = personal(s, operator="BOC")
    refund = s.refunds.apply_for_income_tax(wallet_id=wallet.wallet_id, annual_return=refund_of(720_00))
    return refund.refund_no


def with_set_off(s: Sandbox) -> str:
    wallet = personal(s)
    for amount in (200_00, 100_00):
        owe(s, wallet, amount)
    refund = s.refunds.apply_for_income_tax(wallet_id=wallet.wallet_id, annual_return=refund_of(720_00))
    return refund.refund_no


def all_set_off(s: Sandbox) -> str:
    wallet = personal(s)
    owe(s, wallet, 720_00)
    refund = s.refunds.apply_for_income_tax(wallet_id=wallet.wallet_id, annual_return=refund_of(720_00))
    return refund.refund_no


def of_a_payment(s: Sandbox) -> str:
    """In part, to a nameless wallet that had paid for a company."""
    bill, wallet = owe(s, corporate(s), 1_000_00), nameless(s, fund=Fen(1_000_00))
    payment = s.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id)
    refund = s.refunds.apply_for_payment(payment_no=payment.payment_no, amount=Fen(400_00), reason="overpaid")
    return refund.refund_no


REFUNDS: dict[str, Callable[[Sandbox], str]] = {
    "settlement": settlement,
    "with bills set off": with_set_off,
    "all set off": all_set_off,
    "of a payment": of_a_payment,
}


@pytest.fixture(params=list(REFUNDS))
def refund_no(request: pytest.FixtureRequest, sandbox: Sandbox) -> str:
    return REFUNDS[request.param](sandbox)


def test_i14_every_voucher_proves_its_inclusion_and_says_what_is_printed(
    sandbox: Sandbox, refund_no: str
) -> None:
    voucher = sandbox.refunds.voucher(refund_no=refund_no)
    data = sandbox.refunds.signed_refund_voucher(refund_no=refund_no)
    found = check(sandbox, data)
    assert (found.valid, found.problem, found.signer) == (True, None, f"treasury:{TREASURY}")
    assert found.receipt == replace(voucher, steps=())
    explained = sandbox.refunds.signed_refund_voucher(refund_no=refund_no, explain=True)
    assert check(sandbox, to_text(explained)).receipt == voucher
    assert len(data) < 2_000


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_verifies_and_the_paper_is_printed_again(
    sandbox: Sandbox, refund_no: str, language: Language
) -> None:
    data = sandbox.refunds.signed_refund_voucher(refund_no=refund_no)
    found = check(sandbox, data).receipt
    assert found is not None
    paper = signed_paper(found, data)
    assert as_text(paper, language) == as_text(
        vouchers.paper(sandbox.refunds.voucher(refund_no=refund_no)), language
    )
    page = as_html(paper, language)
    assert verify_page(page, sandbox.published_keys()).valid
    assert verify_page(page.replace("0.00", "0.01", 1), sandbox.published_keys()).reason == (
        "receipt_page_differs"
    )


def test_interest_is_proved_beside_the_refund(sandbox: Sandbox, clock: FixedClock) -> None:
    wallet = corporate(sandbox, fund=Fen(10**7))
    payment = sandbox.payments.pay(bill_no=owe(sandbox, wallet, 10**7).bill_no, wallet_id=wallet.wallet_id)
    clock.advance(timedelta(days=100))
    refund = sandbox.refunds.apply_for_payment(payment_no=payment.payment_no, reason="overpaid")
    assert refund.interest
    data = sandbox.refunds.signed_refund_voucher(refund_no=refund.refund_no)
    found = check(sandbox, data).receipt
    assert (found.interest, found.credited) == (refund.interest, 10**7 + refund.interest)
    assert len(payload(data)[TRANSFERS]) == 2


def test_what_is_not_completed_is_not_signed(sandbox: Sandbox) -> None:
    wallet = personal(sandbox)
    refund = sandbox.refunds.apply_for_income_tax(
        wallet_id=wallet.wallet_id, annual_return=refund_of(720_00), manual_review=True
    )
    with refused(sandbox, "refund_not_completed"):
        sandbox.refunds.signed_refund_voucher(refund_no=refund.refund_no)
    with refused(sandbox, "refund_not_found"):
        sandbox.refunds.signed_refund_voucher(refund_no="R0")


def test_a_refund_that_was_paid_into_another_wallet_proves_that_one(sandbox: Sandbox) -> None:
    wallet = personal(sandbox)
    refund = sandbox.refunds.apply_for_income_tax(
        wallet_id=wallet.wallet_id, annual_return=refund_of(5_00), manual_review=True
    )
    sandbox.wallets.close(wallet_id=wallet.wallet_id)
    sandbox.refunds.approve(refund_no=refund.refund_no)
    other = personal(sandbox, operator="CCB")
    sandbox.refunds.resubmit(refund_no=refund.refund_no, wallet_id=other.wallet_id)
    found = check(sandbox, sandbox.refunds.signed_refund_voucher(refund_no=refund.refund_no)).receipt
    assert (found.wallet_id, found.operator) == (other.wallet_id, "CCB")


#: By name: the reason, the place in the payload, and what a treasury would have signed there.
FORGED: dict[str, tuple[str, tuple[int, ...], Callable[[Any], Any]]] = {
    "the kind of a payment": ("receipt_malformed", (KIND,), lambda _: 1),
    "a year for a payment": ("receipt_malformed", (CONTENT, 1), lambda _: 2),
    "a kind that is none": ("receipt_malformed", (CONTENT, 1), lambda _: 3),
    "more set off than there is": ("receipt_malformed", (CONTENT, 11), lambda _: 720_01),
    "another treasury": ("receipt_signer_differs", (CONTENT, 6, 0), lambda _: "1907840001"),
    "a line with a fen more": ("receipt_amounts_differ", (CONTENT, 16, 0, 2, 0, 1), lambda fen: fen + 1),
    "less set off": ("receipt_amounts_differ", (CONTENT, 11), lambda fen: fen - 1),
    "interest that was not paid": ("receipt_amounts_differ", (CONTENT, 12), lambda _: 1),
    "another time": ("receipt_record_differs", (CONTENT, 14), lambda at: at + 1),
    "another refund": ("receipt_record_differs", (CONTENT, 0), lambda _: "R1"),
    "an altered record": ("inclusion_unproven", (TRANSFERS, 0, 0), lambda one: one[:-1] + b"0"),
    "steps that are none": ("receipt_malformed", (STEPS,), lambda _: [1]),
}


@pytest.mark.parametrize("name", list(FORGED))
def test_what_a_treasury_must_not_sign_is_refused_for_its_own_reason(sandbox: Sandbox, name: str) -> None:
    expected, (*where, last), change = FORGED[name]
    parts = payload(sandbox.refunds.signed_refund_voucher(refund_no=with_set_off(sandbox)))
    holder = parts
    for place in where:
        holder = holder[place]
    holder[last] = change(holder[last])
    found = check(sandbox, signed(sandbox, parts))
    assert found.reason == expected
    assert found.problem is not None
    judged(found.problem, expected)


def test_every_transfer_is_proved_once_and_in_order(sandbox: Sandbox) -> None:
    refund_no = with_set_off(sandbox)
    voucher = check(sandbox, sandbox.refunds.signed_refund_voucher(refund_no=refund_no)).receipt
    assert isinstance(voucher, RefundVoucher)
    with sandbox._store.reading() as tx:
        found = rows.transfers_of(tx, refund_no, voucher.wallet_id)
        proofs = [log.prove(tx, one) for one in found]
    assert len(proofs) == 3

    def with_proofs(*chosen: int) -> str | None:
        data = signing.sign(
            sandbox._keyring, TREASURY, signing.Kind.REFUND, issued_at=START, steps=(),
            content=content_of(voucher), proofs=[proofs[place] for place in chosen],
        )  # fmt: skip
        return reason(sandbox, data)

    assert with_proofs(0, 1, 2) is None
    assert with_proofs(1, 0, 2) == "receipt_record_differs"
    assert with_proofs(0, 0, 1, 2) == "receipt_record_differs"
    assert with_proofs(0, 2) == "receipt_amounts_differ"
    assert with_proofs(0, 1) == "receipt_amounts_differ"


def test_every_flipped_bit_is_refused_by_a_code(sandbox: Sandbox) -> None:
    data = sandbox.refunds.signed_refund_voucher(refund_no=with_set_off(sandbox))
    for place in range(0, len(data) * 8, 5):
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << place % 8
        assert reason(sandbox, bytes(flipped)) in {
            "document_malformed",
            "signer_unknown",
            "signature_invalid",
        }
