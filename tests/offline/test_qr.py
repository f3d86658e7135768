"""A voucher with its chain fits one QR code, and the pictures that are written hold its text."""

import io
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecny_tax import BEIJING, Sandbox
from ecny_tax.identifiers import IdSource
from ecny_tax.money import MAX_AMOUNT, Fen
from ecny_tax.offline.bundles import VoucherBundle
from ecny_tax.offline.objects import (
    MAX_COUNTER,
    MAX_REVOCATIONS,
    DeviceCertificate,
    LoadCertificate,
    OperatorCertificate,
    PaymentRequest,
    Revocation,
    Voucher,
    seconds,
)
from ecny_tax.qr import LEVEL, qr_code
from ecny_tax.text_form import MAX_CHARACTERS, from_text
from tests.offline import hand, qr_reader
from tests.support import START, owe, personal

LARGEST_VERSION = 25
#: The longest code of an operator in the rules is WEBANK.
OPERATOR = "WEBANK"
LATE = datetime(2099, 12, 31, 23, 59, 59, tzinfo=BEIJING)


def matrix_of(text: str) -> qr_reader.Matrix:
    return [[bool(module) for module in row] for row in qr_code(text).matrix]


def largest_voucher() -> VoucherBundle:
    """A voucher whose every field is as long as it gets."""
    ids, at, most = IdSource("sizes"), seconds(LATE), MAX_AMOUNT
    load_id, device_id, terminal_id, bill_no = (ids.number(prefix, LATE) for prefix in "LDTB")
    wallet_id = ids.wallet_id("21")
    request = PaymentRequest(terminal_id, hand.AUTHORITY, bill_no, bytes(32), most, bytes(16), at, at).signed(
        hand.TERMINAL
    )
    counter = MAX_COUNTER
    key = hand.DEVICE.public_bytes
    return VoucherBundle(
        OperatorCertificate(ids.number("C", LATE), OPERATOR, key, at, at).signed(hand.ROOT),
        DeviceCertificate(
            ids.number("C", LATE), device_id, wallet_id, key, most, most, counter, at, at
        ).signed(hand.OPERATOR),
        LoadCertificate(load_id, device_id, most, counter, counter, at, at).signed(hand.OPERATOR),
        Voucher(load_id, counter, most, most, terminal_id, request, bytes(32), at).signed(hand.DEVICE),
    )


def test_largest_voucher_with_its_chain_fits_one_code_of_version_25() -> None:
    text = largest_voucher().to_text()
    code = qr_code(text)
    assert (code.mode, code.error) == ("alphanumeric", LEVEL.upper())
    assert code.version <= LARGEST_VERSION
    assert qr_reader.text_of(matrix_of(text)) == text


def test_every_object_of_a_real_payment_fits_one_code_that_holds_it(sandbox: Sandbox) -> None:
    wallet = personal(sandbox)
    sandbox.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(1000_00))
    device, terminal = hand.Device.create(None), sandbox.offline.terminal()
    sandbox.offline.enroll(device=device, wallet_id=wallet.wallet_id)
    sandbox.offline.load(device=device, amount=Fen(500_00))
    bill = owe(sandbox, wallet, 100_00)
    asked = terminal.request(bill_no=bill.bill_no, amount=Fen(100_00), at=START)
    paid = device.pay(asked, at=START)
    receipt = terminal.accept(paid.to_text(), at=START).receipt
    for bundle in (sandbox.offline.trust(), asked, paid, receipt, device.unload(at=START)):
        text = bundle.to_text()
        assert qr_code(text).version <= LARGEST_VERSION
        assert qr_reader.text_of(matrix_of(text)) == text


@pytest.mark.parametrize("scale", [1, 4])
def test_pictures_hold_the_text(scale: int) -> None:
    paid = largest_voucher()
    text = paid.to_text()
    png, svg = io.BytesIO(), io.BytesIO()
    qr_code(text).save(png, kind="png", scale=scale)
    qr_code(text).save(svg, kind="svg", scale=4)
    for matrix in (qr_reader.from_png(png.getvalue(), scale), qr_reader.from_svg(svg.getvalue())):
        read = qr_reader.text_of(matrix)
        assert read == text
        assert VoucherBundle.from_text(read) == paid


@given(st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:", max_size=1400))
def test_code_holds_any_text_of_its_alphabet(body: str) -> None:
    assert qr_reader.text_of(matrix_of("ECNY1:" + body)) == "ECNY1:" + body


def test_full_revocation_list_is_a_text_that_is_read_and_too_large_for_a_code() -> None:
    ids = IdSource("list")
    revoked = tuple(Revocation(ids.number("C", LATE), seconds(LATE)) for _ in range(MAX_REVOCATIONS))
    full = hand.trust_bundle(hand.revocations(number=MAX_REVOCATIONS, revocations=revoked))
    text = full.to_text()
    assert len(text) <= MAX_CHARACTERS
    assert from_text(text) == full.to_bytes()
    assert hand.Trust.read(type(full).from_text(text)).revocations.revocations == revoked
    with hand.refused("qr_too_large"):
        qr_code(text)


def test_longest_text_of_a_code_is_known() -> None:
    most = 3391  # version 40, level M (ISO/IEC 18004, table 7)
    assert qr_code("A" * most).version == 40
    with hand.refused("qr_too_large"):
        qr_code("A" * (most + 1))
