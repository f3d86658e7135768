"""Signed receipts to test with: one of every mode, and what a forger with the treasury's key could sign."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cbor2

from ecny_tax import Device, Fen, Sandbox, verify_receipt
from ecny_tax.crypto.signatures import encode, sign_one
from ecny_tax.payments.model import Receipt
from ecny_tax.payments.signing import CONTENT_TYPE
from ecny_tax.refunds.verification import ReceiptCheck
from tests.support import START, corporate, nameless, owe, personal, refund_of

TREASURY = "1907840000"
#: The places of the payload.
VERSION, KIND, ISSUED_AT, CONTENT, STEPS, CHECKPOINT, HASHES, TRANSFERS = range(8)


def real_time_debit(s: Sandbox) -> str:
    wallet = corporate(s, fund=Fen(20_000_00))
    s.agreements.sign(wallet_id=wallet.wallet_id)
    payment = s.payments.pay_stamp_duty(
        wallet_id=wallet.wallet_id, item="sale_contract", base=Fen(5_666_666_667)
    )
    return payment.receipt_no


def reversed_debit(s: Sandbox) -> str:
    receipt_no = real_time_debit(s)
    s.payments.reverse(payment_no=s.payments.receipt(receipt_no=receipt_no).payment_no)
    return receipt_no


def batch_debit(s: Sandbox) -> str:
    wallet = corporate(s, fund=Fen(200_00))
    s.agreements.sign(wallet_id=wallet.wallet_id, batch_debit=True)
    owe(s, wallet, 150_00)
    with TemporaryDirectory() as folder:
        file = Path(folder, "batch.txt")
        s.payments.write_batch(deliver=lambda text: file.write_text("".join(text)))  # type: ignore[arg-type]
        s.payments.pay_batch(file=file)
    return s.payments.list()[-1].receipt_no


def scan(s: Sandbox) -> str:
    """A nameless wallet pays the bill of a company."""
    bill, wallet = owe(s, corporate(s), 100), nameless(s, fund=Fen(100))
    return s.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id).receipt_no


def set_off(s: Sandbox) -> str:
    wallet = personal(s)
    owe(s, wallet, 200_00)
    s.refunds.apply_for_income_tax(wallet_id=wallet.wallet_id, annual_return=refund_of(720_00))
    return s.payments.list()[-1].receipt_no


def offline(s: Sandbox) -> str:
    wallet = personal(s)
    s.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(500_00))
    device, terminal = Device.create(None), s.offline.terminal()
    s.offline.enroll(device=device, wallet_id=wallet.wallet_id)
    s.offline.load(device=device, amount=Fen(200_00))
    bill = owe(s, wallet, 30_00)
    asked = terminal.request(bill_no=bill.bill_no, amount=bill.amount, at=START)
    s.offline.redeem(vouchers=[device.pay(asked, at=START)])
    return s.payments.list()[-1].receipt_no


MODES: dict[str, Callable[[Sandbox], str]] = {
    "real_time_debit": real_time_debit,
    "batch_debit": batch_debit,
    "reversed": reversed_debit,
    "scan_to_pay": scan,
    "set_off": set_off,
    "offline": offline,
}


def plain(receipt: Receipt) -> Receipt:
    return replace(receipt, steps=())


def check(s: Sandbox, data: bytes | str) -> ReceiptCheck:
    """What becomes of a receipt with the published keys of this scheme."""
    return verify_receipt(data, s.published_keys())


def reason(s: Sandbox, data: bytes | str) -> str | None:
    found = check(s, data)
    assert found.valid is (found.reason is None) is (found.receipt is not None)
    return found.reason


def payload(data: bytes) -> list[Any]:
    """What is signed, to be changed."""
    return thawed(cbor2.loads(cbor2.loads(data).value[2]))


def thawed(value: Any) -> Any:
    return [thawed(one) for one in value] if isinstance(value, list | tuple) else value


def signed(
    s: Sandbox, content: object, *, by: tuple[str, str] = ("treasury", TREASURY), kind: str = CONTENT_TYPE
) -> bytes:
    """Anything, signed with a key of the scheme."""
    raw = content if isinstance(content, bytes) else encode(content)
    return sign_one(raw, s._keyring.signing_key(*by), kind)
