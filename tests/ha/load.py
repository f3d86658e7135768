"""A program that pays and transfers without end, and asks anew under the same key when it hears nothing.

Every command follows from the number of the writer and its own, so that whoever knows how many were answered
knows what the books must say.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from ecny_tax import Sandbox, UnavailableError
from ecny_tax.money import Fen
from tests.support import company_id, company_name

#: What each wallet begins with.
FUND = Fen(100_000_000_00)
#: Stamp duty of a contract of sale: 0.3 per mille.
BASE, DUTY = Fen(10_000_00), 3_00


@dataclass(frozen=True)
class Answer:
    """What the library answered to a command, and when."""

    number: int
    reference: str  # number of the payment, or id of the transfer
    amount: int
    heard_at: float  # on the clock that all processes of a machine share

    @property
    def is_payment(self) -> bool:
        return is_payment(self.number)


def is_payment(number: int) -> bool:
    return number % 2 == 0


def amount_of(number: int) -> int:
    """What the command of this number moves, in fen."""
    return DUTY * (1 + number % 7) if is_payment(number) else 1 + number % 1000


def payee_of(writer: int, writers: int) -> int:
    """Whom a writer transfers to."""
    return (writer + 1) % writers


def open_wallets(sandbox: Sandbox, writers: int) -> list[str]:
    """A wallet for each writer."""
    return [
        sandbox.wallets.open(
            kind="corporate",
            operator=("ICBC", "BOC", "CCB")[writer % 3],
            name=company_name(writer + 1),
            id_number=company_id(writer + 1),
            fund=FUND,
        ).wallet_id
        for writer in range(writers)
    ]


def command(sandbox: Sandbox, wallets: Sequence[str], writer: int, number: int) -> tuple[str, int]:
    """Do the command of this number, or hear again what became of it: its reference and amount."""
    key = f"{writer}/{number}"
    if is_payment(number):
        paid = sandbox.payments.pay_stamp_duty(
            wallet_id=wallets[writer],
            item="sale_contract",
            base=Fen(BASE * (1 + number % 7)),
            idempotency_key=key,
        )
        return paid.payment_no, paid.amount
    moved = sandbox.wallets.transfer(
        from_wallet=wallets[writer],
        to_wallet=wallets[payee_of(writer, len(wallets))],
        amount=Fen(amount_of(number)),
        idempotency_key=key,
    )
    return moved.transfer_id, moved.amount


def work(url: str, keyring: str, writer: int, wallets: Sequence[str], out: TextIO, stop: Path) -> int:
    """Command after command until ``stop`` exists; how often the database was not there."""
    number = unavailable = 0
    with Sandbox.open(url, keyring=keyring) as sandbox:
        while not stop.exists():
            while True:
                try:
                    reference, amount = command(sandbox, wallets, writer, number)
                    break
                except UnavailableError:
                    if not stop.parent.exists():
                        raise  # whoever started us was killed, and the servers are gone
                    unavailable += 1
                    time.sleep(0.02)
            out.write(json.dumps([number, reference, amount, time.monotonic()]) + "\n")
            out.flush()
            number += 1
    return unavailable


def heard(path: Path) -> list[Answer]:
    """The answers that a writer wrote down so far."""
    text = path.read_text("utf-8") if path.exists() else ""
    return [Answer(*json.loads(line)) for line in text[: text.rfind("\n") + 1].splitlines()]


if __name__ == "__main__":
    setting = json.loads(sys.stdin.readline())
    with open(setting.pop("answers"), "a", encoding="utf-8") as answers:
        print(work(**setting | {"out": answers, "stop": Path(setting["stop"])}))
