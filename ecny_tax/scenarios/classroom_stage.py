"""What the actions of a class act on, and the messages of one action as they are sent."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

from ecny_tax.agreements.model import Agreement
from ecny_tax.clock import FixedClock
from ecny_tax.errors import EcnyTaxError
from ecny_tax.money import yuan
from ecny_tax.offline.bundles import RequestBundle, VoucherBundle
from ecny_tax.offline.device import Device
from ecny_tax.offline.terminal import Terminal
from ecny_tax.oversight.model import Trace
from ecny_tax.payments.model import Payment
from ecny_tax.refunds.model import Refund
from ecny_tax.sandbox import Sandbox
from ecny_tax.scenarios.classroom_model import Actor, Message
from ecny_tax.scenarios.heshan import COMPANY_ID, STORY_TIME
from ecny_tax.store.books import LedgerVerification
from ecny_tax.taxes.model import Bill
from ecny_tax.text_form import to_text
from ecny_tax.treasury.model import Closing

#: A text in English and in Chinese.
Told = tuple[str, str]

PERSON: Told = ("Mr Liang", "梁先生")
_PERSON_ID = "440784198501010017"
#: Sales contracts (yuan) that the company declared before the class, to be paid without network.
_SMALL_CONTRACTS = (1_000_000, 500_000, 800_000, 600_000, 400_000, 200_000)
#: What a message whose form nobody published says of itself.
_ASSUMED: Told = (" (form assumed)", "（格式为假设）")


@dataclass(slots=True)
class Stage:
    """A class under way: a sandbox, two wallets, a device, two terminals, and what has happened so far."""

    s: Sandbox
    clock: FixedClock
    company: str
    company_wallet: str
    person_wallet: str
    device: Device
    terminal: Terminal
    second_terminal: Terminal
    bills: list[Bill]
    #: What is closed when the class is over.
    closing_time: ExitStack
    network: bool = True
    agreement: Agreement | None = None
    payment: Payment | None = None
    receipt_text: str = ""
    refund: Refund | None = None
    asked: Bill | None = None
    request: RequestBundle | None = None
    voucher: VoucherBundle | None = None
    caught: str = ""
    closing: Closing | None = None
    trace: Trace | None = None
    verification: LedgerVerification | None = None

    def take_receipt(self, payment: Payment) -> None:
        """The holder takes the receipt of a payment at once, with its proof from the ledger of that time."""
        self.payment = payment
        self.receipt_text = to_text(self.s.payments.signed_receipt(receipt_no=payment.receipt_no))

    def next_bill(self) -> Bill:
        """A bill that no voucher was asked for yet; when there is no other, the last one again."""
        return self.bills.pop(0) if len(self.bills) > 1 else self.bills[0]


@contextmanager
def opened(*, seed: int, company: str) -> Iterator[Stage]:
    """A fresh class; raises ``InvalidInputError`` (``name_malformed``) for a name no company can have."""
    clock = FixedClock(STORY_TIME)
    with ExitStack() as stack:
        s = stack.enter_context(Sandbox.open(":memory:", clock=clock, seed=f"class {seed}"))
        corporate = s.wallets.open(
            kind="corporate", name=company, id_number=COMPANY_ID, operator="ICBC", fund=yuan("20000.00")
        )
        personal = s.wallets.open(
            kind="personal",
            wallet_class="II",
            name=PERSON[1],
            id_number=_PERSON_ID,
            phone="13800000000",
            operator="BOC",
        )
        bills = [
            s.taxes.declare_stamp_duty(wallet_id=corporate.wallet_id, item="sale_contract", base=yuan(base))
            for base in _SMALL_CONTRACTS
        ]
        device, terminal, second_terminal = _offline(s, seed)
        for file in (device, terminal, second_terminal):
            stack.callback(file.close)
        yield Stage(
            s=s,
            clock=clock,
            company=company.strip(),
            company_wallet=corporate.wallet_id,
            person_wallet=personal.wallet_id,
            device=device,
            terminal=terminal,
            second_terminal=second_terminal,
            bills=bills,
            closing_time=stack,
        )


def _offline(s: Sandbox, seed: int) -> tuple[Device, Terminal, Terminal]:
    """The device, not enrolled yet, and a terminal in each of two tax halls."""

    def bytes_of(what: str) -> random.Random:
        return random.Random(f"class {seed} {what}")  # noqa: S311 - the same class every time

    return (
        Device.create(random_bytes=bytes_of("device").randbytes),
        s.offline.terminal(random_bytes=bytes_of("terminal").randbytes),
        s.offline.terminal(random_bytes=bytes_of("second terminal").randbytes),
    )


@dataclass(slots=True)
class Talk:
    """The messages of one action, in the order in which they are sent."""

    messages: list[Message] = field(default_factory=list)

    def say(self, *lines: Message, **values: object) -> None:
        """Send messages; the values fill the placeholders of their sentences."""
        self.messages += [_filled(line, values) for line in lines]

    def show(self, line: Message, text: str, **values: object) -> None:
        """Pass a QR code that holds ``text`` from one screen to another."""
        self.messages.append(replace(_filled(line, values), by_hand=True, text=text))

    def refuse(self, refusal: EcnyTaxError) -> None:
        """Whoever got the last message refuses what it asks for."""
        if self.messages:
            last = self.messages[-1]
            said = f"refuses: {refusal.message('en')}", f"拒绝：{refusal.message('zh')}"
            answer = assumed(last.receiver, last.sender, said)
            self.messages.append(replace(answer, by_hand=last.by_hand))


def numbered(sender: Actor, receiver: Actor, number: str, said: Told) -> Message:
    """A message whose number is known from public code of banks and vendors."""
    return Message(sender, receiver, number, *said)


def assumed(sender: Actor, receiver: Actor, said: Told) -> Message:
    """A message that somebody has to send, in a form that this simulation assumes, and says so."""
    en, zh = (text + mark for text, mark in zip(said, _ASSUMED, strict=True))
    return Message(sender, receiver, "", en, zh)


def _filled(line: Message, values: Mapping[str, object]) -> Message:
    return replace(line, said=line.said.format_map(values), said_zh=line.said_zh.format_map(values))
