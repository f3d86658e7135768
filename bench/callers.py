"""Sixty-four callers of one program at once, who share commits, against one plain transaction a call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from bench.databases import database
from bench.plain import Part, PlainSqlite, Twin, one_by_one, side_by_side
from bench.runner import Setting, benchmark, compare, stopwatch
from bench.scheme import open_wallets, owe
from ecny_tax import Fen

_CALLERS = 64
#: What a server can do that a file cannot, shown beside the ratio: as many as ours has connections.
_CONNECTIONS = 16
_One = TypeVar("_One")


@benchmark("postgres_callers_payments", engine="postgresql", at_least=1.0)
@benchmark("callers_payments", engine="sqlite", at_least=1.0)
def callers_payments(setting: Setting) -> tuple[float, str]:
    """Real-time debits, each with an authorisation that is signed and held against the published key."""
    rounds, size, callers = setting.size(7, 2), setting.size(640, 16), setting.size(_CALLERS, 8)
    with database(setting.engine, setting.folder) as db:
        work = []
        with db.open() as sandbox:
            for wallet in open_wallets(sandbox, callers):
                agreement, bills = owe(sandbox, wallet.wallet_id, (rounds + 1) * size // callers + 1)
                # The first one opens the account where it is collected.
                sandbox.payments.pay(bill_no=bills.pop(), agreement_no=agreement)
                work += [(bill_no, agreement) for bill_no in bills]
            work.sort(key=lambda one: one[0][::-1])  # the wallets in any order
        twin = Twin(db.name)
        with db.open() as sandbox:

            def pay(one: tuple[str, str]) -> None:
                sandbox.payments.pay(bill_no=one[0], agreement_no=one[1])

            mine, theirs, beside = _compared(callers, rounds, work, size, pay, twin, twin.payments_alone)
        twin.close()
    return theirs / mine, (
        f"{size / mine:,.0f} payments/s of {callers} callers, authorisation signed; one plain "
        f"{twin.copy.module} transaction for each writes the same rows at {size / theirs:,.0f}/s "
        f"(median of {rounds} blocks of {size}){beside}"
    )


@benchmark("postgres_callers_transfers", engine="postgresql", at_least=2.0)
@benchmark("callers_transfers", engine="sqlite", at_least=2.0)
def callers_transfers(setting: Setting) -> tuple[float, str]:
    """Transfers between wallets, which nobody signs."""
    rounds, size, callers = setting.size(7, 2), setting.size(1_280, 16), setting.size(_CALLERS, 8)
    with database(setting.engine, setting.folder) as db:
        with db.open() as sandbox:
            wallets = [wallet.wallet_id for wallet in open_wallets(sandbox, callers)]
        work = [
            (wallets[n % callers], wallets[(n * 7 + 1 + n // callers) % callers])
            for n in range((rounds + 1) * size * 2)
        ]
        work = [one for one in work if one[0] != one[1]][: (rounds + 1) * size]
        twin = Twin(db.name)
        with db.open() as sandbox:

            def move(one: tuple[str, str]) -> None:
                sandbox.wallets.transfer(from_wallet=one[0], to_wallet=one[1], amount=Fen(1))

            mine, theirs, beside = _compared(callers, rounds, work, size, move, twin, twin.transfers_alone)
        twin.close()
    return theirs / mine, (
        f"{size / mine:,.0f} transfers/s of {callers} callers; one plain {twin.copy.module} transaction for "
        f"each writes the same rows at {size / theirs:,.0f}/s (median of {rounds} blocks of {size}){beside}"
    )


def _compared(
    callers: int,
    rounds: int,
    work: Sequence[_One],
    size: int,
    act: Callable[[_One], None],
    twin: Twin,
    written: Callable[[], list[list[Part]]],
) -> tuple[float, float, str]:
    """Seconds of ours and of one plain caller; on a server also what several of those do, in words.

    There is work for one block more than there are rounds, which goes to those.
    """
    blocks = iter([work[start : start + size] for start in range(0, len(work), size)])
    with ThreadPoolExecutor(callers) as pool:

        def ours() -> float:
            block = next(blocks)
            with stopwatch() as taken:
                list(pool.map(act, block))
            return taken[0]

        mine, theirs = compare(rounds, ours, lambda: one_by_one(twin, written()))
        if isinstance(twin.copy, PlainSqlite):  # which has one writer at a time
            return mine, theirs, ""
        ours()
        rate = size / side_by_side(twin, written(), _CONNECTIONS)
    return mine, theirs, f"; {_CONNECTIONS} plain callers with a connection each write them at {rate:,.0f}/s"
