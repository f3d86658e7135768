"""A simulated scheme to measure on, and what fills it."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.databases import Database
from bench.plain import connect
from ecny_tax import Sandbox, yuan
from ecny_tax.ledger.model import Ledger, Transfer, TransferCode
from ecny_tax.store import Store, journal
from ecny_tax.wallets.model import Wallet

#: A made-up company.
_NAME, _ID = "虚构照明有限公司", "91440784MA0000001Y"


def open_wallets(sandbox: Sandbox, count: int) -> list[Wallet]:
    """Corporate wallets of one company, with a million yuan each."""
    return [
        sandbox.wallets.open(
            kind="corporate", operator="ICBC", name=_NAME, id_number=_ID, fund=yuan("1000000.00")
        )
        for _ in range(count)
    ]


def owe(sandbox: Sandbox, wallet_id: str, count: int) -> tuple[str, list[str]]:
    """An agreement of the wallet, and so many open bills."""
    agreement = sandbox.agreements.sign(wallet_id=wallet_id)
    bills = [
        sandbox.taxes.declare_stamp_duty(
            wallet_id=wallet_id, item="sale_contract", base=yuan("100000.00")
        ).bill_no
        for _ in range(count)
    ]
    return agreement.agreement_no, bills


def open_companies(sandbox: Sandbox, count: int) -> list[Wallet]:
    """A corporate wallet of each of so many companies, with a million yuan and an agreement on batch debits.

    Each has paid a bill, so that authority and treasury know it.
    """
    wallets = []
    for number in range(count):
        wallet = sandbox.wallets.open(
            kind="corporate",
            operator="ICBC",
            name=f"虚构照明{number}号有限公司",
            id_number=_company_id(number),
            fund=yuan("1000000.00"),
        )
        sandbox.agreements.sign(wallet_id=wallet.wallet_id, batch_debit=True)
        sandbox.payments.pay_stamp_duty(
            wallet_id=wallet.wallet_id, item="sale_contract", base=yuan("100000.00")
        )
        wallets.append(wallet)
    return wallets


def _company_id(number: int) -> str:
    """A made-up unified social credit code with its check character (GB 32100-2015)."""
    body, alphabet = f"91440784{number:09d}", "0123456789ABCDEFGHJKLMNPQRTUWXY"
    total = sum(alphabet.index(char) * 3**place for place, char in enumerate(body))
    return body + alphabet[-total % 31]


def owe_many(name: str | Path, count: int) -> None:
    """Give ``count`` open bills to the companies in turn: copies of those that they have paid."""
    connection = connect(str(name))
    kept = [one for one in connection.columns("bill") if one not in ("place", "bill_no", "status")]
    first = "SELECT min(b.place), min(b.bill_no) FROM bill b GROUP BY b.subject_id ORDER BY 1"
    paid = [bill_no for _place, bill_no in connection.read(first)]
    ((known,),) = connection.read("SELECT count(*) FROM bill")
    numbers = ((f"{paid[0][:7]}{known + n:014d}", paid[n % len(paid)]) for n in range(count))
    connection.write(
        ("CREATE TEMPORARY TABLE owed (bill_no TEXT, model TEXT)", [()]),
        ("INSERT INTO owed (bill_no, model) VALUES (?, ?)", list(numbers)),
        (
            f"INSERT INTO bill (bill_no, status, {', '.join(kept)})"
            f" SELECT o.bill_no, 'open', {', '.join(f'b.{one}' for one in kept)}"
            " FROM owed o JOIN bill b ON b.bill_no = o.model ORDER BY o.bill_no",
            [()],
        ),
    )
    connection.close()


def pay_bills(sandbox: Sandbox, count: int) -> None:
    """Payments of as many bills, one a call."""
    (wallet,) = open_wallets(sandbox, 1)
    for _ in range(count):
        sandbox.payments.pay_stamp_duty(
            wallet_id=wallet.wallet_id, item="sale_contract", base=yuan("100000.00")
        )


def random_batch(store: Store, accounts: Sequence[int], size: int, pick: random.Random) -> list[Transfer]:
    """Transfers between random wallets, small enough that none is refused."""
    batch = []
    with store.reading() as tx:
        for _ in range(size):
            debit, credit = pick.sample(accounts, 2)
            id_, amount = tx.ids.transfer_id(tx.now), pick.randrange(1, 100)
            code = TransferCode.WALLET_TRANSFER
            batch.append(Transfer(id_, debit, credit, amount, Ledger.ECNY, code, user_data="bench"))
    return batch


def post(store: Store, batch: Sequence[Transfer]) -> None:
    """One durable transaction of ours."""
    with store.transaction() as tx:
        journal.post(tx, batch)


_VERIFY = """
import resource, sys, time
from pathlib import Path
from ecny_tax import Sandbox
with Sandbox.open(sys.argv[1], keyring=sys.argv[2]) as sandbox:
    start = time.perf_counter()
    assert sandbox.ledger.verify().ok
    seconds = time.perf_counter() - start
status = Path("/proc/self/status")
if status.exists():  # Linux counts in ru_maxrss what the process was before it became this program
    peak = 1024 * next(int(line.split()[1]) for line in status.open() if line.startswith("VmHWM"))
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(peak, seconds)
"""


def verified_apart(db: Database) -> tuple[float, float]:
    """Megabytes and seconds that a process of its own needs to verify the ledger."""
    command = [sys.executable, "-c", _VERIFY, db.name, str(db.keyring)]
    peak, seconds = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.split()  # noqa: S603
    return int(peak) / 2**20, float(seconds)
