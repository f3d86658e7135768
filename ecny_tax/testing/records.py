"""Hypothesis strategies for what stands in a sandbox: one that is there already, or a new one.

Each is drawn inside a test, where the sandbox is (``data.draw(payments_in(s))``), and shrinks to the oldest
that is there.  What a new one needs (a wallet, a bill, money) is drawn and made as well, so any of them works
on an empty sandbox.  Where the scheme refuses what was drawn, Hypothesis tries another example.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import date
from random import Random
from typing import TypeVar

from hypothesis import reject
from hypothesis import strategies as st

from ecny_tax.agreements.model import Agreement
from ecny_tax.clock import FixedClock
from ecny_tax.errors import EcnyTaxError
from ecny_tax.money import Fen
from ecny_tax.offline.bundles import VoucherBundle
from ecny_tax.offline.device import Device
from ecny_tax.offline.terminal import Terminal
from ecny_tax.payments.model import Payment
from ecny_tax.refunds.model import Refund
from ecny_tax.refunds.verification import ReceiptCheck, verify_receipt
from ecny_tax.sandbox import Sandbox
from ecny_tax.taxes.income_tax import AnnualReturn
from ecny_tax.taxes.model import Bill
from ecny_tax.testing import strategies
from ecny_tax.wallets.model import Wallet

_T = TypeVar("_T")

#: What a bill that is made here comes to at most: 1,000 yuan, which every class of wallet may pay at once.
_DUTY = Fen(1_000_00)


def sandboxes(clocks: st.SearchStrategy[FixedClock] | None = None) -> st.SearchStrategy[Sandbox]:
    """Fresh sandboxes in memory, which need not be closed, with a clock that stands still (default: on a day
    of 2023); shrinks to seed 0."""
    moved = strategies.clocks(date(2023, 3, 1), date(2023, 12, 31)) if clocks is None else clocks
    return st.builds(
        lambda clock, seed: Sandbox.open(":memory:", clock=clock, seed=seed), moved, st.integers(0, 2**32)
    )


@st.composite
def wallets_in(draw: st.DrawFn, s: Sandbox, kind: str | None = None) -> Wallet:
    """A wallet that is not closed: ``corporate``, ``personal``, ``nameless``, or any."""
    there = [
        wallet
        for wallet in s.wallets.list()
        if wallet.status != "closed" and wallet.parent is None and kind in (None, _kind(wallet))
    ]

    def new() -> Wallet:
        return s.wallets.open(**asdict(draw(strategies.openings(kind))))

    return _one(draw, there, new)


def _kind(wallet: Wallet) -> str:
    return "nameless" if not wallet.is_named else str(wallet.kind)


@st.composite
def agreements_in(draw: st.DrawFn, s: Sandbox) -> Agreement:
    """A three-party agreement (三方协议) that is verified."""
    there = [agreement for agreement in s.agreements.list() if agreement.status == "verified"]
    return _one(draw, there, lambda: s.agreements.sign(wallet_id=draw(_named_wallets_in(s)).wallet_id))


@st.composite
def bills_in(draw: st.DrawFn, s: Sandbox) -> Bill:
    """An open bill (应征凭证); new ones are of up to 1,000 yuan, late fees apart."""
    there = [bill for bill in s.taxes.bills() if bill.status == "open" and bill.in_doubt is None]
    return _one(draw, there, lambda: _bill(draw, s, draw(_named_wallets_in(s))))


@st.composite
def payments_in(draw: st.DrawFn, s: Sandbox) -> Payment:
    """A payment (缴款) that is settled, and nothing of it refunded; new ones of a new bill."""
    there = [
        payment
        for payment in s.payments.list()
        if payment.status == "settled" and not payment.refunded + payment.refund_pending
    ]
    return _one(draw, there, lambda: _pay(draw, s))


@st.composite
def refunds_in(draw: st.DrawFn, s: Sandbox) -> Refund:
    """A completed refund (退税): of a person's settled year, or of a payment made in error."""
    there = [refund for refund in s.refunds.list() if refund.status == "completed"]

    def new() -> Refund:
        if draw(st.booleans()):
            return s.refunds.apply_for_payment(payment_no=draw(payments_in(s)).payment_no)
        wallet = draw(wallets_in(s, "personal"))
        year = s.clock.now().year - 1
        withheld = draw(strategies.fens(1, 1_000_00))
        given = AnnualReturn(tax_year=year, wages=Fen(60_000_00), withheld=withheld)  # no tax is due on that
        refund = s.refunds.apply_for_income_tax(wallet_id=wallet.wallet_id, annual_return=given)
        return refund if refund.status == "completed" else reject()

    return _one(draw, there, new)


@st.composite
def receipts_in(draw: st.DrawFn, s: Sandbox) -> bytes:
    """A signed receipt (电子缴款凭证) of a payment, as ``verify_receipt`` takes it."""
    return s.payments.signed_receipt(receipt_no=draw(payments_in(s)).receipt_no)


@st.composite
def receipt_checks_in(draw: st.DrawFn, s: Sandbox) -> ReceiptCheck:
    """What comes of checking a receipt: of a genuine one, or of one that somebody altered."""
    receipt = draw(receipts_in(s))
    if draw(st.booleans()):
        place, other = draw(st.integers(0, len(receipt) - 1)), draw(st.integers(1, 255))
        receipt = receipt[:place] + bytes([receipt[place] ^ other]) + receipt[place + 1 :]
    return verify_receipt(receipt, s.published_keys())


@st.composite
def terminals_in(draw: st.DrawFn, s: Sandbox) -> Terminal:
    """A terminal (收款终端) of the tax authority, in memory, whose keys follow from a number."""
    return s.offline.terminal(random_bytes=_random_bytes(draw))


@st.composite
def loaded_devices_in(draw: st.DrawFn, s: Sandbox) -> Device:
    """A device (设备) of a wallet's holder, in memory, with 1,000 yuan set aside to be spent offline."""
    wallet = draw(_named_wallets_in(s))
    device = Device.create(random_bytes=_random_bytes(draw))

    def enroll() -> Device:
        _fund(s, wallet.wallet_id, _DUTY)
        s.offline.enroll(device=device, wallet_id=wallet.wallet_id)
        s.offline.load(device=device, amount=_DUTY)
        return device

    return _accepted(enroll)


@st.composite
def vouchers_in(draw: st.DrawFn, s: Sandbox) -> VoucherBundle:
    """An offline voucher (离线凭证) for a bill, signed by a device and not redeemed yet."""
    device, terminal, bill = draw(loaded_devices_in(s)), draw(terminals_in(s)), draw(bills_in(s))
    if bill.total > _DUTY:
        reject()
    now = s.clock.now()
    request = terminal.request(bill_no=bill.bill_no, amount=bill.total, at=now)
    return _accepted(lambda: device.pay(request, at=now))


# --- how they are made ----------------------------------------------------------------------------------


def _named_wallets_in(s: Sandbox) -> st.SearchStrategy[Wallet]:
    return st.one_of(wallets_in(s, "corporate"), wallets_in(s, "personal"))


def _one(draw: st.DrawFn, there: Sequence[_T], new: Callable[[], _T]) -> _T:
    if there and not draw(st.booleans(), label="new"):
        return draw(st.sampled_from(there))
    return _accepted(new)


def _accepted(act: Callable[[], _T]) -> _T:
    """What the scheme makes of what was drawn; where it refuses, another example is tried."""
    try:
        return act()
    except EcnyTaxError:
        reject()


def _bill(draw: st.DrawFn, s: Sandbox, wallet: Wallet) -> Bill:
    amount = draw(strategies.fens(1, _DUTY))
    return s.taxes.declare_other(wallet_id=wallet.wallet_id, code="10110", amount=amount)


def _pay(draw: st.DrawFn, s: Sandbox) -> Payment:
    wallet = draw(_named_wallets_in(s))
    bill = _bill(draw, s, wallet)
    _fund(s, wallet.wallet_id, bill.total)
    return s.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id)


def _fund(s: Sandbox, wallet_id: str, amount: Fen) -> None:
    """Top up what a wallet lacks of an amount."""
    lacking = amount - s.wallets.show(wallet_id=wallet_id).balance
    if lacking > 0:
        s.wallets.top_up(wallet_id=wallet_id, amount=Fen(lacking))


def _random_bytes(draw: st.DrawFn) -> Callable[[int], bytes]:
    return Random(draw(st.integers(0, 2**32))).randbytes  # noqa: S311 - the same keys every time
