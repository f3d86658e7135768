"""An accounts-payable run that pays stamp duty in digital RMB, and may be repeated at any time.

A document's idempotency key follows from its number.  So when the program dies between a payment and the note
of it, it just runs again: what was paid is answered from the first run, and moves no money twice.
Everything is simulated; the identity number is made up.  全部为模拟；证件号为虚构。
"""

import tempfile
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from ecny_tax import (
    BEIJING,
    EcnyTaxError,
    Fen,
    FixedClock,
    InvalidInputError,
    Sandbox,
    UnavailableError,
    yuan,
    yuan_text,
)


class Document(NamedTuple):
    """A contract (or the like) whose stamp duty is to be paid."""

    number: str
    item: str
    base: str  # yuan, as somebody typed it


QUEUE = [
    Document("HT-2023-017", "sale_contract", "56666666.67"),
    Document("HT-2023-018", "sale_contract", "4OOOOO.00"),  # letters for zeros
    Document("HT-2023-019", "sale_contract", "9000000.00"),
    Document("HT-2023-020", "lease_contract", "150000.00"),
    Document("HT-2023-021", "sale_contract", "80000000.00"),  # more than is in the wallet
]


#: What to do about a refusal follows from its class; for all others somebody has to look.
REMEDIES = {UnavailableError: "retry later", InvalidInputError: "fix the input"}


def pay_all(s: Sandbox, wallet_id: str, noted: dict[str, Fen], die_after: str = "") -> dict[str, list[str]]:
    """Pay what is not noted yet, and sort what was refused by what to do about it."""
    to_do: dict[str, list[str]] = {"retry later": [], "fix the input": [], "ask a human": []}
    for document in QUEUE:
        if document.number in noted:
            continue
        try:
            payment = s.payments.pay_stamp_duty(
                wallet_id=wallet_id,
                item=document.item,
                base=yuan(document.base),
                idempotency_key=f"stamp-duty/{document.number}",
            )
        except EcnyTaxError as refusal:  # it has moved no money
            to_do[REMEDIES.get(type(refusal), "ask a human")].append(f"{document.number} {refusal.code}")
            continue
        if document.number == die_after:
            raise TimeoutError(f"the line broke after {document.number} was paid")
        noted[document.number] = payment.amount
    return to_do


with tempfile.TemporaryDirectory() as folder:
    database, noted = Path(folder) / "payable.db", dict[str, Fen]()
    clock = FixedClock(datetime(2023, 4, 20, 10, tzinfo=BEIJING))
    with Sandbox.open(database, clock=clock) as s:
        company = {"name": "广东弘明智能照明科技有限公司", "id_number": "91440784MA00DEM06F"}
        wallet = s.wallets.open(kind="corporate", **company, operator="ICBC", fund=yuan(20000)).wallet_id
        s.agreements.sign(wallet_id=wallet)
        try:
            pay_all(s, wallet, noted, die_after="HT-2023-019")
        except TimeoutError as failure:
            print(f"First run: {failure}; noted: {', '.join(noted)}.")
    with Sandbox.open(database, clock=clock) as s:  # the program is started again
        to_do = pay_all(s, wallet, noted)
        print("Second run:", ", ".join(f"{number} {yuan_text(paid)}" for number, paid in noted.items()))
        for what, refusals in to_do.items():
            print(f"  {what}: {', '.join(refusals) or 'nothing'}")
        lines = s.wallets.statement(wallet_id=wallet).lines
        left = [Fen(-line.amount) for line in lines if line.kind == "tax_payment"]
        said = "they agree" if sorted(left) == sorted(noted.values()) else "THEY DIFFER"
        totals = [yuan_text(Fen(sum(amounts))) for amounts in (noted.values(), left)]
        print(f"Noted {totals[0]}, left the wallet {totals[1]}: {said}.")
