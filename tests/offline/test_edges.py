"""Offline payment at its edges: what once went wrong for a payer or payee who did nothing wrong."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from ecny_tax import Fen, FixedClock, Sandbox
from ecny_tax.offline.bundles import VoucherBundle
from ecny_tax.offline.device import Device
from ecny_tax.offline.objects import OperatorCertificate
from ecny_tax.offline.terminal import Terminal
from tests.support import clock, corporate, owe, refused, sandbox

__all__ = ["clock", "sandbox"]


@pytest.fixture
def device(sandbox: Sandbox) -> Device:
    wallet = corporate(sandbox, fund=Fen(5_000_00))
    device = Device.create()
    sandbox.offline.enroll(device=device, wallet_id=wallet.wallet_id)
    return device


@pytest.fixture
def terminal(sandbox: Sandbox) -> Terminal:
    return sandbox.offline.terminal()


def paid(
    s: Sandbox, device: Device, terminal: Terminal, amount: int, *, ago: timedelta = timedelta(0)
) -> VoucherBundle:
    """A voucher for a new bill; the request was signed ``ago``."""
    bill = owe(s, s.wallets.list()[0], amount)
    now = s.clock.now()
    return device.pay(terminal.request(bill_no=bill.bill_no, amount=Fen(amount), at=now - ago), at=now)


def test_a_device_empties_its_loads_in_the_order_in_which_they_came(
    sandbox: Sandbox, device: Device, terminal: Terminal
) -> None:
    loads = [sandbox.offline.load(device=device, amount=Fen(500_00)).load_id for _ in range(2)]
    for spent in (100_00, 200_00, 300_00):
        paid(sandbox, device, terminal, 100_00)
        assert [load.certificate.load_id for load in device.state.loads] == loads
        assert [load.spent for load in device.state.loads] == [spent, 0]


def test_a_device_that_comes_while_the_request_is_open_may_pay_it(
    sandbox: Sandbox, device: Device, terminal: Terminal, clock: FixedClock
) -> None:
    now = sandbox.clock.now()
    bill = owe(sandbox, sandbox.wallets.list()[0], 100_00)
    request = terminal.request(bill_no=bill.bill_no, amount=Fen(100_00), at=now)
    clock.advance(timedelta(minutes=20))
    sandbox.offline.roll_over(operator="ICBC")
    sandbox.offline.load(device=device, amount=Fen(500_00))
    voucher = device.pay(request, at=clock.now())
    assert terminal.examine(voucher.to_text(), at=clock.now()).problem is None
    (redeemed,) = sandbox.offline.redeem(vouchers=[voucher])
    assert (redeemed.status, redeemed.code) == ("settled", None)


def test_a_device_whose_clock_is_before_its_certificate_signs_nothing_that_nobody_could_redeem(
    sandbox: Sandbox, device: Device, terminal: Terminal, clock: FixedClock
) -> None:
    bill = owe(sandbox, sandbox.wallets.list()[0], 100_00)
    request = terminal.request(bill_no=bill.bill_no, amount=Fen(100_00), at=sandbox.clock.now())
    clock.advance(timedelta(minutes=20))
    sandbox.offline.roll_over(operator="ICBC")
    sandbox.offline.load(device=device, amount=Fen(500_00))
    slow = timedelta(minutes=5)
    with refused(sandbox, "certificate_not_in_force"):
        device.pay(request, at=clock.now() - slow - timedelta(seconds=1))
    assert device.state.loads[0].spent == 0
    voucher = device.pay(request, at=clock.now() - slow)
    terminal.accept(voucher.to_text(), at=clock.now())
    (redeemed,) = sandbox.offline.redeem_terminal(terminal=terminal)
    assert redeemed.status == "settled"


def test_what_was_accepted_stays_accepted_when_the_revocation_list_is_old(
    sandbox: Sandbox, device: Device, terminal: Terminal, clock: FixedClock
) -> None:
    sandbox.offline.load(device=device, amount=Fen(500_00))
    voucher = paid(sandbox, device, terminal, 100_00).to_text()
    accepted = terminal.accept(voucher, at=clock.now())
    clock.advance(timedelta(days=8))
    assert terminal.accept(voucher, at=clock.now()) == accepted
    assert len(terminal.queue()) == 1


def test_a_double_spend_takes_nothing_from_what_was_asked_for_in_the_same_second(
    sandbox: Sandbox, device: Device, terminal: Terminal
) -> None:
    sandbox.offline.load(device=device, amount=Fen(500_00))
    copy = device.copied()
    first, second = (paid(sandbox, one, terminal, 100_00) for one in (device, copy))
    third = paid(sandbox, device, terminal, 100_00)
    found = sandbox.offline.redeem(vouchers=[first, second, third])
    assert [one.status for one in found] == ["settled", "disputed", "settled"]


def test_the_newest_key_of_an_operator_is_the_last_one_though_the_clock_stands_still(
    sandbox: Sandbox, device: Device
) -> None:
    for _ in range(4):
        serial = sandbox.offline.roll_over(operator="ICBC")
        load = sandbox.offline.load(device=device, amount=Fen(1_00))
        assert OperatorCertificate.read(load.operator_certificate).serial == serial


def test_a_terminal_takes_no_name_that_is_taken(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "terminal"
    sandbox.offline.terminal(path=path).close()
    before = path.read_bytes()
    with refused(sandbox, "state_file_exists"):
        sandbox.offline.terminal(path=path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
