"""What the order of redemption decides: of vouchers that exclude each other the first wins.

Two vouchers exclude each other where no device that never forgot anything could have signed both, where they
pay one bill, and where copies of a device have overdrawn their load.  Nothing else about the order matters,
while the clock stands still: then every voucher is asked for, paid and redeemed in the same second.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ecny_tax import Fen, FixedClock, RejectedError, Sandbox
from ecny_tax.offline.device import Device
from ecny_tax.offline.objects import Voucher
from tests.support import START, corporate

LOADED = 1_000_00
#: (which device, which copy of it, which bill)
Payment = tuple[int, int, int]


@dataclass
class Scene:
    """A scheme, and vouchers that were signed but not redeemed: by number, as text and as they read."""

    s: Sandbox
    texts: list[str]
    vouchers: list[Voucher]
    digests: list[bytes]
    bills: list[int]  # which one each of them pays

    def exclude(self, a: int, b: int) -> bool:
        """Whether the two exclude each other."""
        one, other = self.vouchers[a], self.vouchers[b]
        if self.bills[a] == self.bills[b]:
            return True
        if one.load_id != other.load_id:
            return False
        asked = sum(v.amount for v in self.vouchers if v.load_id == one.load_id)
        return self.contradiction(a, b) is not None or asked > LOADED

    def contradiction(self, a: int, b: int) -> str | None:
        """Why a device that never forgot anything cannot have signed both, if it cannot."""
        a, b = sorted((a, b), key=lambda n: self.vouchers[n].counter)
        low, high = self.vouchers[a], self.vouchers[b]
        if low.load_id != high.load_id or a == b:
            return None
        if low.counter == high.counter:
            return "voucher_counter_reused"
        if high.counter == low.counter + 1:
            follows = high.previous == self.digests[a]
        else:
            follows = high.spent - high.amount >= low.spent
        return None if follows else "voucher_chain_forked"

    def redeem(self, order: Sequence[int]) -> dict[int, tuple[str, str | None, bool]]:
        """What becomes of each."""
        found = self.s.offline.redeem(vouchers=[self.texts[number] for number in order])
        verification = self.s.ledger.verify()
        assert verification.ok, [check for check in verification.checks if not check.ok]
        return {n: (one.status, one.code, one.released) for n, one in zip(order, found, strict=True)}

    def balances(self) -> dict[str, int]:
        return {account.account: account.balance for account in self.s.ledger.accounts()}


def scene(payments: Sequence[Payment], amounts: Sequence[int]) -> Scene:
    """Two devices of two wallets, each with two copies, made and used the same way every time."""
    s = Sandbox.open(":memory:", clock=FixedClock(START), seed="order")
    terminal = s.offline.terminal(random_bytes=_bytes(0))
    owing = corporate(s, 9, fund=None)
    bills = [
        s.taxes.declare_other(wallet_id=owing.wallet_id, code="10110", amount=Fen(amount))
        for amount in amounts
    ]
    units: dict[tuple[int, int], Device] = {}
    for number in (0, 1):
        wallet = corporate(s, number + 1, fund=Fen(2 * LOADED))
        device = Device.create(random_bytes=_bytes(number + 1))
        s.offline.enroll(device=device, wallet_id=wallet.wallet_id)
        s.offline.load(device=device, amount=Fen(LOADED))
        units |= {(number, copy): device.copied() if copy else device for copy in range(3)}
    made = Scene(s, [], [], [], [])
    for number, copy, which in payments:
        bill = bills[which]
        request = terminal.request(bill_no=bill.bill_no, amount=bill.total, at=START)
        with suppress(RejectedError):  # its load is exhausted
            voucher = units[number, copy].pay(request, at=START)
            made.texts.append(voucher.to_text())
            made.vouchers.append(Voucher.read(voucher.voucher))
            made.digests.append(voucher.digest)
            made.bills.append(which)
    return made


def _bytes(seed: int) -> Callable[[int], bytes]:
    return Random(seed).randbytes


def payments_of(bills: Any) -> Any:
    unit = st.tuples(st.integers(0, 1), st.integers(0, 2))
    return st.lists(unit, min_size=2, max_size=8).flatmap(
        lambda units: bills(len(units)).map(
            lambda chosen: [(*u, b) for u, b in zip(units, chosen, strict=True)]
        )
    )


@given(
    payments=payments_of(lambda count: st.lists(st.integers(0, 5), min_size=count, max_size=count)),
    amounts=st.lists(st.sampled_from([100_00, 400_00, 900_00]), min_size=6, max_size=6),
    data=st.data(),
)
def test_I10_orders_that_agree_about_what_excludes_each_other_come_to_the_same(
    payments: list[Payment], amounts: list[int], data: Any
) -> None:
    first, second = scene(payments, amounts), scene(payments, amounts)
    assert first.texts == second.texts
    order = data.draw(st.permutations(range(len(first.texts))), label="order")
    waiting, other = list(order), []
    while waiting:  # anything that nothing before it excludes may come next
        free = [n for at, n in enumerate(waiting) if not any(first.exclude(n, one) for one in waiting[:at])]
        other.append(data.draw(st.sampled_from(free), label="next"))
        waiting.remove(other[-1])
    with first.s, second.s:
        assert first.redeem(order) == second.redeem(other)
        assert first.balances() == second.balances()
        redeemed = first.s.offline.redeem(vouchers=first.texts)
        assert second.s.offline.redeem(vouchers=second.texts)[0].status == redeemed[0].status


@given(payments=payments_of(lambda count: st.permutations(range(count))), data=st.data())
def test_I10_of_what_contradicts_the_first_settles_and_each_other_is_evidence(
    payments: list[Payment], data: Any
) -> None:
    """Where each bill is asked for once and loads suffice, nothing but the vouchers of a load decides.

    Whatever contradicts one that stands is evidence; one that is disputed stands in nobody's way.
    """
    scenes = [scene(payments, [(1 + which) * 1_00 for which in range(8)]) for _ in range(2)]
    held = []
    for made in scenes:
        order = data.draw(st.permutations(range(len(made.texts))), label="order")
        before = made.balances()
        with made.s:
            decided = made.redeem(order)
            after = made.balances()
        expected: dict[int, tuple[str, str | None, bool]] = {}
        settles: set[int] = set()
        for n in order:
            found = {made.contradiction(n, other) for other in expected if other in settles}
            codes = sorted(code for code in found if code is not None)  # reused before forked
            expected[n] = ("disputed", codes[-1], False) if codes else ("settled", None, False)
            settles |= set() if codes else {n}
        assert decided == expected
        moved: dict[str, int] = defaultdict(int)
        for n in settles:
            moved[f"lien:{made.vouchers[n].load_id}"] -= made.vouchers[n].amount
        for account, balance in after.items():
            if not account.startswith("collection:"):
                assert balance == before[account] + moved[account]
        held.append((settles, after))
    if held[0][0] == held[1][0]:
        assert held[0][1] == held[1][1]
