"""What a class sees: the actions it may take, what each came to, and how things then stand.

A class is a fresh sandbox made from a seed, on which actions are taken one after another.  All of this is
immutable: the same seed, company and actions give the same values.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ecny_tax.agreements.model import Agreement
from ecny_tax.errors import EcnyTaxError
from ecny_tax.money import Fen
from ecny_tax.payments.model import Payment
from ecny_tax.refunds.model import Refund
from ecny_tax.store.books import AccountBalance, JournalEntry, LedgerVerification
from ecny_tax.treasury.model import Closing


class Action(StrEnum):
    """What a class may do; the values stand in addresses."""

    SIGN = "sign"  # 签约
    PAY = "pay"  # 缴款
    REFUND = "refund"  # 退税
    LOAD = "load"  # 离线装载
    CUT = "cut"  # 断网
    ASK = "ask"  # 终端出示收款码
    HAND_OVER = "hand-over"  # 设备出示付款码
    ACCEPT = "accept"  # 终端暂时受理
    RESTORE = "restore"  # 恢复网络
    REDEEM = "redeem"  # 兑付
    COPY = "copy"  # 复制设备，在两处支付（双花）
    CLOSE_DAY = "close-day"  # 日终报解
    TRACE = "trace"  # 依法追踪
    VERIFY = "verify"  # 核验账本


class Actor(StrEnum):
    """Who sends and who receives; the first three are the parties of the agreement."""

    COMPANY = "company"  # 纳税人（企业）
    AUTHORITY = "authority"  # 税务局
    OPERATOR = "operator"  # 运营机构
    PERSON = "person"  # 纳税人（个人）
    TREASURY = "treasury"  # 国库
    CENTRAL_BANK = "central-bank"  # 中国人民银行
    DEVICE = "device"  # 付款设备
    TERMINAL = "terminal"  # 收款终端
    SECOND_TERMINAL = "second-terminal"  # 另一终端
    POLICE = "police"  # 公安机关，依法查询


@dataclass(frozen=True, slots=True)
class Message:
    """One message of an action; ``number`` is that of the tax-treasury-bank link (1001, 9114, …), or empty.

    ``by_hand`` messages pass between two screens as a QR code, without network; ``text`` is what the code
    holds, or empty.
    """

    sender: Actor
    receiver: Actor
    number: str
    said: str
    said_zh: str
    by_hand: bool = False
    text: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """What one action came to: its messages, and the transfers it made in the ledger (none, if refused).

    Exceptions compare by identity, so of a refusal ``outcome`` is what equal events have in common.
    ``caught`` says that the action has found a double spend.
    """

    action: Action
    title: str
    title_zh: str
    outcome: str
    outcome_zh: str
    refusal: EcnyTaxError | None = field(compare=False)
    messages: tuple[Message, ...]
    entries: tuple[JournalEntry, ...]
    at: datetime
    caught: bool = False


@dataclass(frozen=True, slots=True)
class Purse:
    """A wallet as its pane shows it; amounts in fen.

    ``available`` is what of the ``balance`` may go out: nothing, while the wallet is stopped.  What was
    ``set_aside`` for a device has left the balance.
    """

    wallet_id: str
    holder: str
    operator: str
    balance: Fen
    available: Fen
    set_aside: Fen
    status: str


@dataclass(frozen=True, slots=True)
class OfflineState:
    """The two panes without network: what each shows as a QR code (empty for none), and what waits.

    ``loaded`` is what the device can still pay, in fen.  ``queued`` are vouchers accepted provisionally, by
    terminal; ``caught`` names the voucher that was spent twice, or is empty.
    """

    loaded: Fen
    request: str
    voucher: str
    queued: tuple[str, ...]
    queued_elsewhere: tuple[str, ...]
    caught: str


@dataclass(frozen=True, slots=True)
class Paid:
    """A payment and its receipt as the holder gets it: the signed text, and a picture (SVG) of its QR code.

    The picture is empty where the text is too long for one code.  The receipt is as it was at the payment.
    """

    payment: Payment
    taxpayer: str
    receipt_text: str
    receipt_qr: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand after the last action; what has not happened yet is None or empty."""

    now: datetime
    network: bool
    company: Purse
    person: Purse
    agreement: Agreement | None
    paid: Paid | None
    refund: Refund | None
    offline: OfflineState
    closing: Closing | None
    accounts: tuple[AccountBalance, ...]
    verification: LedgerVerification | None
    trace_picture: str
    trace_picture_zh: str


@dataclass(frozen=True, slots=True)
class Lesson:
    """A class from its beginning: every event in order, and how things stand at its end."""

    seed: int
    company: str
    events: tuple[Event, ...]
    standing: Standing
