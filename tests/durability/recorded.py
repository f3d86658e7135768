"""Commands that many programs give at once, with what they were answered and when; and a model of the books.

Times are those of the one monotonic clock that all processes of a machine share.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass, field
from random import Random
from typing import Any

from ecny_tax import EcnyTaxError, Fen, Sandbox
from ecny_tax.rulebook.wallets import WalletClass
from tests.support import company_id, company_name, owe, phone_number

COMPANIES, PEOPLE, BILLS = 6, 4, 40
WALLETS = COMPANIES + PEOPLE
#: What companies and people begin with: these near their cap.
FUND, SAVED = Fen(1_500_00), Fen(9_000_00)


@dataclass(frozen=True)
class Command:
    """``transfer`` from a wallet to another, ``top_up`` one, or ``pay`` a bill from it."""

    kind: str
    wallet: int
    other: int  # the payee or the bill
    amount: int
    key: str

    @property
    def content(self) -> tuple[int, int, int]:
        return self.wallet, self.other, self.amount


@dataclass(frozen=True)
class Answer:
    """What came of a command: a reference, amount, fee and the balance left; or a code."""

    command: Command
    start: float
    end: float
    refused: str = ""
    reference: str = ""
    amount: int = 0
    fee: int = 0
    balance: int = 0

    @property
    def said(self) -> tuple[str, int, int, int]:
        return self.reference, self.amount, self.fee, self.balance


def amount_of_bill(bill: int) -> int:
    return 10_00 + 97 * bill**2


def random_commands(source: Random, place: int, number: int) -> list[Command]:
    """What one program does: commands of its own, some of them twice, and some that others give, too."""
    commands: list[Command] = []
    for turn in range(number):
        shared = source.random() < 0.3
        pool = Random(f"shared {source.randrange(12)}") if shared else source
        key = f"shared {pool.random()}" if shared else f"{place}/{turn}"
        kind = pool.choice(["transfer", "transfer", "pay", "pay", "top_up"])
        wallet, other = pool.sample(range(WALLETS), 2)
        amount = pool.choice([pool.randrange(1, 100_00), pool.randrange(1, 2_500_00)])
        if kind == "pay":
            other = pool.randrange(BILLS)
            amount = amount_of_bill(other)
        elif kind == "top_up":
            other = wallet
        if shared and source.random() < 0.1 and kind != "pay":
            amount += 1  # the same key with other content
        commands.append(Command(kind, wallet, other, amount, key))
        if source.random() < 0.1:
            commands.append(source.choice(commands))
    return commands


def open_all(s: Sandbox) -> dict[str, list[str]]:
    """The wallets, of companies and then of nameless people, and the bills, all of the first company."""
    companies = [
        s.wallets.open(
            kind="corporate",
            operator=("ICBC", "BOC")[number % 2],
            name=company_name(number + 1),
            id_number=company_id(number + 1),
            fund=FUND,
        )
        for number in range(COMPANIES)
    ]
    people = [
        s.wallets.open(kind="personal", operator="CCB", phone=phone_number(number + 1), fund=SAVED)
        for number in range(PEOPLE)
    ]
    bills = [owe(s, companies[0], amount_of_bill(bill)).bill_no for bill in range(BILLS)]
    return {"wallets": [wallet.wallet_id for wallet in companies + people], "bills": bills}


def perform(s: Sandbox, names: dict[str, list[str]], command: Command) -> Answer:
    """Give a command, and note what was answered."""
    wallets, start = names["wallets"], time.monotonic()
    said: Any
    try:
        if command.kind == "transfer":
            said = s.wallets.transfer(
                from_wallet=wallets[command.wallet],
                to_wallet=wallets[command.other],
                amount=Fen(command.amount),
                idempotency_key=command.key,
            )
            said = said.transfer_id, said.amount, said.fee, said.balance_after
        elif command.kind == "top_up":
            said = s.wallets.top_up(
                wallet_id=wallets[command.wallet], amount=Fen(command.amount), idempotency_key=command.key
            )
            said = said.transfer_id, said.amount, said.fee, said.balance
        else:
            said = s.payments.pay(
                bill_no=names["bills"][command.other],
                wallet_id=wallets[command.wallet],
                idempotency_key=command.key,
            )
            said = said.payment_no, said.amount, said.fee, said.balance_after
    except EcnyTaxError as refusal:
        return Answer(command, start, time.monotonic(), refused=refusal.code)
    return Answer(command, start, time.monotonic(), "", *said)


@dataclass
class Books:
    """The books in plain dictionaries, in which commands are done one after the other."""

    limits: WalletClass  # of people
    balances: list[int] = field(default_factory=lambda: [FUND] * COMPANIES + [SAVED] * PEOPLE)
    spent: list[int] = field(default_factory=lambda: [0] * WALLETS)
    paid: set[int] = field(default_factory=set)
    answered: dict[tuple[str, int, str], tuple[int, int, int]] = field(default_factory=dict)

    def refusal(self, command: Command) -> str:
        """The code with which the command is refused now, or nothing; ``again`` for one that is done."""
        earlier = self.answered.get((command.kind, command.wallet, command.key))
        if earlier is not None:
            return "again" if earlier == command.content else "idempotency_conflict"
        if command.kind == "top_up":
            return "wallet_limit_exceeded" if self._is_full(command.wallet, command.amount) else ""
        if command.kind == "pay" and command.other in self.paid:
            return "bill_already_paid"
        if command.wallet >= COMPANIES:
            single, day = self.limits.single, self.limits.day
            assert single is not None
            assert day is not None
            if command.amount > single or self.spent[command.wallet] + command.amount > day:
                return "wallet_limit_exceeded"
        if self.balances[command.wallet] < command.amount:
            return "insufficient_funds"
        if command.kind == "transfer" and self._is_full(command.other, command.amount):
            return "payee_limit_exceeded"
        return ""

    def _is_full(self, wallet: int, amount: int) -> bool:
        assert self.limits.cap is not None
        return wallet >= COMPANIES and self.balances[wallet] + amount > self.limits.cap

    def do(self, command: Command) -> int:
        """Do a command that is not refused; the balance that it leaves."""
        self.answered[command.kind, command.wallet, command.key] = command.content
        if command.kind == "top_up":
            self.balances[command.wallet] += command.amount
        else:
            self.balances[command.wallet] -= command.amount
            self.spent[command.wallet] += command.amount
        if command.kind == "transfer":
            self.balances[command.other] += command.amount
        elif command.kind == "pay":
            self.paid.add(command.other)
        return self.balances[command.wallet]


def read(line: str) -> Answer:
    value = json.loads(line)
    return Answer(**value | {"command": Command(**value["command"])})


def main() -> None:
    """One program: its commands are told on stdin, and begin with a second line there."""
    setting = json.loads(sys.stdin.readline())
    commands = [Command(**command) for command in setting["commands"]]
    with Sandbox.open(setting["url"], keyring=setting["keyring"]) as s:
        s.wallets.list()
        print("ready", flush=True)
        sys.stdin.readline()
        for command in commands:
            print(json.dumps(asdict(perform(s, setting["names"], command))), flush=True)


if __name__ == "__main__":
    main()
