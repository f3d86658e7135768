"""An honest device never contradicts itself; a rolled back copy of it is caught, or spends nothing twice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ecny_tax import FixedClock, Sandbox
from ecny_tax.errors import RejectedError, VerificationError
from ecny_tax.money import Fen
from ecny_tax.offline.bundles import UnloadBundle, VoucherBundle
from ecny_tax.offline.device import Device
from ecny_tax.offline.evidence import Stand, contradiction, stand_of, verify_evidence
from ecny_tax.offline.objects import Voucher
from ecny_tax.offline.terminal import Terminal
from tests.offline import hand
from tests.offline.test_terminal import Nonces
from tests.support import START, corporate, owe

LOADED = 500_00
DOUBLE_SPENDS = {"voucher_counter_reused", "voucher_chain_forked", "voucher_after_unload"}


def amounts(least: int, most: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(1, 80_00), min_size=least, max_size=most)


#: What was paid before the copy was taken, by the device after it, and by the copy: each row fits the load,
#: both together need not.
PLAYS = st.tuples(amounts(0, 2), amounts(1, 3), amounts(1, 3))


def pay(device: Device, terminal: Terminal, amount: int, bill_no: str) -> VoucherBundle:
    return device.pay(terminal.request(bill_no=bill_no, amount=Fen(amount), at=START), at=START)


def tax_hall() -> tuple[Device, Terminal]:
    """A device with a load of 500 yuan, and a terminal of the same root."""
    return hand.enrolled(loads=(hand.load(),)), hand.tax_hall(nonces=Nonces())


@dataclass
class Play:
    """The vouchers of a device and of its copy, with the unload statement of each."""

    before: list[VoucherBundle]
    device: list[VoucherBundle]
    copy: list[VoucherBundle]
    statements: list[UnloadBundle]

    @property
    def vouchers(self) -> list[VoucherBundle]:
        return [*self.before, *self.device, *self.copy]


def played(device: Device, terminal: Terminal, play: Iterable[list[int]], bills: Iterable[str]) -> Play:
    before, mine, its = play
    numbers = iter(bills)
    common = [pay(device, terminal, amount, next(numbers)) for amount in before]
    copy = device.copied()
    rows = [
        [pay(one, terminal, amount, next(numbers)) for amount in row]
        for one, row in ((device, mine), (copy, its))
    ]
    return Play(common, *rows, [one.unload(at=START) for one in (device, copy)])


def stand(one: VoucherBundle | UnloadBundle) -> Stand:
    return stand_of(one.to_bytes())


def read(one: VoucherBundle) -> Voucher:
    return Voucher.read(one.voucher)


def contradict(one: VoucherBundle | UnloadBundle, other: VoucherBundle | UnloadBundle) -> bool:
    """Whether they do, which is the same the other way round."""
    code = contradiction(stand(one), stand(other))
    assert contradiction(stand(other), stand(one)) == code
    assert code is None or code in DOUBLE_SPENDS
    return code is not None


def agree(found: Iterable[VoucherBundle | UnloadBundle]) -> bool:
    return not any(contradict(*pair) for pair in combinations(found, 2))


# --- what is signed -----------------------------------------------------------------------------------------


@given(amounts(1, 6))
def test_an_honest_device_contradicts_neither_itself_nor_its_statement(paid: list[int]) -> None:
    device, terminal = tax_hall()
    row = [pay(device, terminal, amount, "B1") for amount in paid]
    statement = device.unload(at=START)
    assert agree([*row, statement])
    assert not any(contradict(one, one) for one in (*row, statement))


@given(PLAYS, st.data())
def test_a_rolled_back_copy_contradicts_the_device_or_spends_other_money(
    play: tuple[list[int], ...], data: st.DataObject
) -> None:
    """Who knows all vouchers of the device catches every one of the copy up to the next counter.  One that
    stands behind a gap is not caught by those: it says that more was spent in between, and so, like any
    vouchers that agree, takes nothing that the others took."""
    made = played(*tax_hall(), play, iter("B1" for _ in range(99)))
    last = read(made.device[-1])
    for one in made.copy:
        caught = any(contradict(known, one) for known in made.device)
        assert caught or read(one).counter > last.counter + 1
        assert caught or read(one).spent - read(one).amount >= last.spent
        assert contradict(made.statements[0], one) or read(one).counter < last.counter
    assert not agree([*made.device, *made.copy])
    kept: list[VoucherBundle] = []
    for one in data.draw(st.permutations(made.vouchers)):
        if agree([*kept, one]):
            kept.append(one)
    assert sum(read(one).amount for one in kept) <= LOADED


# --- a terminal ---------------------------------------------------------------------------------------------


def shown(terminal: Terminal, one: VoucherBundle) -> str | None:
    """The code by which a terminal refuses a voucher, or ``None`` where it accepts."""
    try:
        terminal.accept(one.to_text(), at=START)
    except VerificationError as refusal:
        return refusal.code
    return None


@given(amounts(1, 6), st.data())
def test_a_terminal_holds_nothing_against_an_honest_device(paid: list[int], data: st.DataObject) -> None:
    """In whatever order its vouchers come, some never, some again; only an older one comes too late."""
    device, terminal = tax_hall()
    row = [pay(device, terminal, amount, "B1") for amount in paid]
    newest, accepted = 0, set()
    for one in data.draw(st.lists(st.sampled_from(row), max_size=12)):
        counter = read(one).counter
        code = shown(terminal, one)
        if counter > newest or counter in accepted:
            assert code is None
            accepted.add(counter)
        else:
            assert code == "voucher_counter_old"
        newest = max(newest, counter)
    assert terminal.evidence() == ()


@given(PLAYS, st.data())
def test_a_terminal_accepts_no_two_vouchers_that_contradict_each_other(
    play: tuple[list[int], ...], data: st.DataObject
) -> None:
    device, terminal = tax_hall()
    made = played(device, terminal, play, iter("B1" for _ in range(99)))
    accepted: list[VoucherBundle] = []
    evidence = 0
    for one in data.draw(st.permutations(made.vouchers)):
        caught = any(contradict(known, one) for known in accepted)
        newest = max((read(known).counter for known in accepted), default=0)
        code = shown(terminal, one)
        if caught:
            assert code in DOUBLE_SPENDS
            evidence += 1
        elif read(one).counter < newest:
            assert code == "voucher_counter_old"
        else:
            assert code is None
            accepted.append(one)
    assert len(accepted) < len(made.vouchers)
    assert sum(read(one).amount for one in accepted) <= LOADED
    assert len(terminal.evidence()) == evidence
    assert all(verify_evidence(one, hand.root()).device_id == "D1" for one in terminal.evidence())


# --- redemption ---------------------------------------------------------------------------------------------


def scheme(play: tuple[list[int], ...]) -> tuple[Sandbox, Play]:
    """The same in a real scheme, each voucher for a bill of its own."""
    s = Sandbox.open(":memory:", clock=FixedClock(START), seed="contradictions")
    wallet = corporate(s, fund=Fen(9000_00))
    device = Device.create(None)
    s.offline.enroll(device=device, wallet_id=wallet.wallet_id)
    s.offline.load(device=device, amount=Fen(LOADED))
    bills = (owe(s, wallet, amount).bill_no for row in play for amount in row)
    return s, played(device, s.offline.terminal(), play, bills)


def present(s: Sandbox, one: VoucherBundle | UnloadBundle) -> str:
    """What becomes of a voucher or a statement: ``settled``, ``unloaded`` or the code of its refusal."""
    if isinstance(one, VoucherBundle):
        (result,) = s.offline.redeem(vouchers=[one])
        assert (result.code is None) == (result.status == "settled")
        assert (result.evidence is not None) == (result.status == "disputed")
        return result.code or "settled"
    try:
        s.offline.unload(statement=one)
    except RejectedError as refusal:
        return refusal.code
    return "unloaded"


def books_are_right(s: Sandbox, *, caught: bool) -> None:
    (load,) = s.offline.loads(device_id=s.offline.devices()[0].device_id)
    assert load.settled + load.released + load.lien == LOADED
    assert min(load.settled, load.released, load.lien) >= 0
    assert (s.offline.devices()[0].revoked_since is not None) == caught
    assert (s.wallets.list()[0].status == "stopped") == caught
    assert s.offline.check_vouchers().ok
    assert s.ledger.verify().ok


@settings(max_examples=25)
@given(amounts(1, 5), st.data())
def test_redemption_holds_nothing_against_an_honest_device(paid: list[int], data: st.DataObject) -> None:
    """Its vouchers, and the statement between them, in any order: all settle, and the rest comes back."""
    s, made = scheme((paid, [], []))
    with s:
        signed: list[Any] = [*made.before, made.statements[0]]
        for one in data.draw(st.permutations(signed)):
            assert present(s, one) == ("unloaded" if isinstance(one, UnloadBundle) else "settled")
        (load,) = s.offline.loads(device_id=s.offline.devices()[0].device_id)
        assert (load.settled, load.released, load.lien) == (sum(paid), LOADED - sum(paid), 0)
        books_are_right(s, caught=False)


@settings(max_examples=40)
@given(PLAYS, st.data())
def test_redemption_disputes_whatever_contradicts_what_was_decided(
    play: tuple[list[int], ...], data: st.DataObject
) -> None:
    """Vouchers of a device and its copy with a statement of one of them, in any order, some of them never:
    what contradicts is disputed or refused and nothing else is, and the load is never spent twice."""
    s, made = scheme(play)
    with s:
        everything: list[Any] = [*made.vouchers, data.draw(st.sampled_from(made.statements))]
        order = data.draw(st.permutations(everything))
        lost = data.draw(st.integers(0, len(order) - 1))
        standing: list[VoucherBundle | UnloadBundle] = []
        refusals = 0
        for one in order[lost:]:
            caught = any(contradict(known, one) for known in standing)
            found = present(s, one)
            if caught:
                refusals += 1
                assert found in (DOUBLE_SPENDS if isinstance(one, VoucherBundle) else {"unload_contradicted"})
            else:
                assert found == ("settled" if isinstance(one, VoucherBundle) else "unloaded")
                standing.append(one)
        if not lost:
            assert refusals
        books_are_right(s, caught=refusals > 0)
