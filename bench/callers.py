"""Sixty-four callers of one program at once, who share commits, against one plain transaction a call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from bench.runner import Setting, benchmark, compare, stopwatch
from bench.scheme import SET_COUNTERS, Twin, open_wallets, plain_payments
from ecny_tax import Fen, Sandbox, yuan

_CALLERS = 64
_One = TypeVar("_One")


@benchmark("callers_payments", engine="sqlite", at_least=1.0)
def callers_payments(setting: Setting) -> tuple[float, str]:
    """Real-time debits, each with an authorisation that is signed and held against the published key."""
    path = setting.folder / "callers.db"
    rounds, size = setting.size(7, 2), setting.size(640, 64)
    with Sandbox.open(path) as sandbox:
        work = []
        for wallet in open_wallets(sandbox, _CALLERS):
            agreement = sandbox.agreements.sign(wallet_id=wallet.wallet_id).agreement_no
            for _ in range(rounds * size // _CALLERS + 1):
                bill = sandbox.taxes.declare_stamp_duty(
                    wallet_id=wallet.wallet_id, item="sale_contract", base=yuan("100000.00")
                )
                work.append((bill.bill_no, agreement))
        work.sort(key=lambda one: one[0][::-1])  # the wallets in any order

        def pay(one: tuple[str, str]) -> None:
            sandbox.payments.pay(bill_no=one[0], agreement_no=one[1])

        for one in work[rounds * size :]:  # the first ones open the collection accounts
            pay(one)
        twin = Twin(path)
        mine, theirs = _compared(rounds, work[: rounds * size], size, pay, lambda: plain_payments(twin))
        twin.close()
    return theirs / mine, (
        f"{size / mine:,.0f} payments/s of {_CALLERS} callers, authorisation signed; one plain sqlite3 "
        f"transaction for each writes the same rows at {size / theirs:,.0f}/s "
        f"(median of {rounds} blocks of {size})"
    )


@benchmark("callers_transfers", engine="sqlite", at_least=2.0)
def callers_transfers(setting: Setting) -> tuple[float, str]:
    """Transfers between wallets, which nobody signs."""
    path = setting.folder / "callers.db"
    rounds, size = setting.size(7, 2), setting.size(1_280, 64)
    with Sandbox.open(path) as sandbox:
        wallets = [wallet.wallet_id for wallet in open_wallets(sandbox, _CALLERS)]
        work = [
            (wallets[n % _CALLERS], wallets[(n * 7 + 1 + n // _CALLERS) % _CALLERS])
            for n in range(rounds * size * 2)
        ]
        work = [one for one in work if one[0] != one[1]][: rounds * size]
        twin = Twin(path)

        def move(one: tuple[str, str]) -> None:
            sandbox.wallets.transfer(from_wallet=one[0], to_wallet=one[1], amount=Fen(1))

        mine, theirs = _compared(rounds, work, size, move, lambda: _transfers(twin))
        twin.close()
    return theirs / mine, (
        f"{size / mine:,.0f} transfers/s of {_CALLERS} callers; one plain sqlite3 transaction for each "
        f"writes the same rows at {size / theirs:,.0f}/s (median of {rounds} blocks of {size})"
    )


def _compared(
    rounds: int, work: Sequence[_One], size: int, act: Callable[[_One], None], plain: Callable[[], float]
) -> tuple[float, float]:
    blocks = iter([work[start : start + size] for start in range(0, rounds * size, size)])
    with ThreadPoolExecutor(_CALLERS) as callers:

        def ours() -> float:
            block = next(blocks)
            with stopwatch() as taken:
                list(callers.map(act, block))
            return taken[0]

        return compare(rounds, ours, plain)


def _transfers(twin: Twin) -> float:
    insert, transfers = twin.news("transfer", "seq")
    counters = twin.counters_after_each(transfers)
    with stopwatch() as taken:
        for transfer, changed in zip(transfers, counters, strict=True):
            twin.copy.execute("BEGIN IMMEDIATE")
            twin.copy.execute(insert, transfer)
            twin.copy.executemany(SET_COUNTERS, changed)
            twin.copy.execute("COMMIT")
    return taken[0]
