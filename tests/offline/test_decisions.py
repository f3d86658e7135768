"""What is handed in late, twice, unproven or after a crash is decided once, and nothing of it is lost."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from ecny_tax import BEIJING, Fen
from ecny_tax.errors import RejectedError, UnavailableError, VerificationError
from ecny_tax.offline import certification
from ecny_tax.offline.bundles import EvidenceBundle, VoucherBundle
from ecny_tax.offline.device import Device
from ecny_tax.offline.evidence import verify_evidence
from ecny_tax.offline.objects import (
    DeviceCertificate,
    OperatorCertificate,
    Revocation,
    RevocationList,
    seconds,
)
from ecny_tax.offline.redemption import Claim
from ecny_tax.offline.terminal import Terminal
from tests.offline.test_redemption import UNKEYED, Scheme, scheme
from tests.support import clock, dump, judged, owe, refused, sandbox

__all__ = ["clock", "sandbox", "scheme"]


def copied(scheme: Scheme) -> Scheme:
    """The same scheme with a copy of the device."""
    return Scheme(scheme.s, scheme.clock, scheme.wallet, scheme.device.copied(), scheme.terminal)


def is_stopped(scheme: Scheme, *, since: datetime | None) -> None:
    """Device and load are revoked since then and the wallet is stopped; or none of it."""
    device_id = scheme.device.state.certificate.device_id
    revoked = {one.serial: one.since for one in listed(scheme)}
    assert scheme.s.offline.device(device_id=device_id).revoked_since == since
    wallet = scheme.s.wallets.show(wallet_id=scheme.wallet.wallet_id)
    if since is None:
        assert (revoked, wallet.status) == ({}, "active")
    else:
        at = seconds(since)
        assert (revoked, wallet.status) == ({device_id: at, scheme.load.load_id: at}, "stopped")


def load_ids(scheme: Scheme) -> list[str]:
    device_id = scheme.device.state.certificate.device_id
    return [load.load_id for load in scheme.s.offline.loads(device_id=device_id)]


def listed(scheme: Scheme) -> tuple[Revocation, ...]:
    return RevocationList.read(scheme.s.offline.trust().revocations).revocations


def accept(scheme: Scheme, voucher: VoucherBundle, code: str | None = None) -> None:
    """The terminal accepts it, or refuses it by that code."""
    if code is None:
        scheme.terminal.accept(voucher.to_text(), at=scheme.clock.now())
        return
    with pytest.raises(VerificationError) as refusal:
        scheme.terminal.accept(voucher.to_text(), at=scheme.clock.now())
    judged(refusal.value, code)


# --- what a terminal hands in -------------------------------------------------------------------------------


def test_evidence_of_a_terminal_stops_the_device_once_and_is_handed_in(scheme: Scheme) -> None:
    copy = copied(scheme)
    first, second, third = scheme.pay(), scheme.pay(), copy.pay()
    accept(scheme, first)
    accept(scheme, second)
    accept(scheme, third, "voucher_counter_reused")
    assert len(scheme.terminal.evidence(new=True)) == 1
    results = scheme.s.offline.redeem_terminal(terminal=scheme.terminal)
    assert [one.voucher_id for one in results] == [one.voucher_id for one in (first, second, third)]
    assert [one.status for one in results] == ["settled", "settled", "disputed"]
    proven = verify_evidence(results[2].evidence, scheme.terminal.trust.root)
    assert (proven.proves, proven.second) == ("voucher_counter_reused", third.voucher_id)
    is_stopped(scheme, since=scheme.clock.now() + timedelta(seconds=1))
    assert scheme.terminal.trust.revocations.revocations == listed(scheme)
    assert scheme.terminal.queue() == scheme.terminal.evidence(new=True) == ()
    assert len(scheme.terminal.evidence()) == 1
    assert scheme.s.offline.redeem_terminal(terminal=scheme.terminal) == ()


def test_what_is_not_decided_waits_in_the_terminal(scheme: Scheme, monkeypatch: pytest.MonkeyPatch) -> None:
    paid = [scheme.pay(), scheme.pay()]
    for one in paid:
        accept(scheme, one)
    monkeypatch.setattr(certification, "terminal_chain", lambda _tx, _terminal_id: None)
    before = dump(scheme.s)
    results = scheme.s.offline.redeem_terminal(terminal=scheme.terminal)
    assert {(one.status, one.code, one.amount) for one in results} == {("rejected", "terminal_unknown", None)}
    assert dump(scheme.s) == before
    assert [one.voucher for one in scheme.terminal.queue()] == paid
    monkeypatch.undo()
    results = scheme.s.offline.redeem_terminal(terminal=scheme.terminal)
    assert {one.status for one in results} == {"settled"}
    assert scheme.terminal.queue() == ()


def test_full_list_does_not_stop_redemption(scheme: Scheme, monkeypatch: pytest.MonkeyPatch) -> None:
    accept(scheme, scheme.pay())
    scheme.advance(minutes=1)
    scheme.s.offline.revoke(serial=scheme.load.load_id)
    had = scheme.terminal.trust
    monkeypatch.setattr(certification, "MAX_REVOCATIONS", 0)
    (settled,) = scheme.s.offline.redeem_terminal(terminal=scheme.terminal)
    assert settled.status == "settled"
    assert scheme.terminal.queue() == ()
    assert scheme.terminal.trust == had
    with pytest.raises(UnavailableError) as refusal:
        scheme.s.offline.trust()
    judged(refusal.value, "revocation_list_full")


def test_voucher_of_a_disputed_one_s_counter_is_judged_by_what_stands(scheme: Scheme) -> None:
    copy = copied(scheme)
    first, second = scheme.pay(), scheme.pay()
    copy.pay()
    forked = copy.pay()
    assert [one.status for one in scheme.redeem(first, forked, second)] == ["settled", "disputed", "settled"]
    statement = scheme.device.unload(at=scheme.clock.now())
    assert scheme.s.offline.unload(statement=statement).amount == 300_00


# --- revoked terminals --------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["terminal", "its certificate", "its authority"])
def test_terminal_that_is_revoked_takes_what_it_had_asked_for_and_no_more(scheme: Scheme, what: str) -> None:
    chain = scheme.terminal.chain
    serials = dict(zip(["its authority", "its certificate", "terminal"], chain.serials, strict=True))
    before = scheme.pay()
    scheme.advance(minutes=1)
    after = scheme.pay()
    scheme.s.offline.revoke(serial=serials[what])
    scheme.terminal.renew(scheme.s.offline.trust())
    accept(scheme, before)
    accept(scheme, after, "certificate_revoked")
    with pytest.raises(RejectedError) as refusal:
        scheme.terminal.request(bill_no="B1", amount=Fen(1), at=scheme.clock.now())
    judged(refusal.value, "terminal_revoked")
    other = scheme.s.offline.terminal()  # a new one has a certificate that is not revoked
    assert other.request(bill_no="B1", amount=Fen(1), at=scheme.clock.now())


def test_terminal_that_is_open_twice_takes_no_older_list(scheme: Scheme, tmp_path: Path) -> None:
    path = tmp_path / "terminal"
    one = scheme.s.offline.terminal(path=path)
    other = Terminal.open(path)
    older = scheme.s.offline.trust()
    scheme.advance(minutes=1)
    scheme.s.offline.revoke(serial=scheme.load.load_id)
    one.renew(scheme.s.offline.trust())
    other.renew(older)
    assert Terminal.open(path).trust == one.trust
    assert other.trust == one.trust  # what another process had taken
    assert [found.serial for found in other.trust.revocations.revocations] == [scheme.load.load_id]


# --- unload statements --------------------------------------------------------------------------------------


def test_statement_that_contradicts_a_decided_voucher_is_refused_and_stops_the_device(scheme: Scheme) -> None:
    copy = copied(scheme)
    accept(scheme, scheme.pay())
    scheme.s.offline.redeem_terminal(terminal=scheme.terminal)
    is_stopped(scheme, since=None)
    statement = copy.device.unload(at=scheme.clock.now())
    for _ in range(2):
        with pytest.raises(RejectedError) as refusal:
            scheme.s.offline.unload(statement=statement)
        judged(refusal.value, "unload_contradicted")
        is_stopped(scheme, since=scheme.clock.now() + timedelta(seconds=1))
    assert (scheme.load.status, scheme.load.lien) == ("open", 400_00)
    evidence = scheme.s.offline.evidence(voucher_id=scheme.load.load_id)
    assert evidence.second == statement.to_bytes()
    proven = verify_evidence(EvidenceBundle.from_text(evidence.to_text()), scheme.terminal.trust.root)
    assert (proven.load_id, proven.second[0]) == (scheme.load.load_id, "U")
    honest = scheme.device.unload(at=scheme.clock.now())
    assert scheme.s.offline.unload(statement=honest).amount == 400_00


# --- the late fee -------------------------------------------------------------------------------------------


def test_receipt_spares_the_late_fee_and_without_it_nothing_is_decided(scheme: Scheme) -> None:
    bill = owe(scheme.s, scheme.wallet, 100_00)
    evening = datetime(bill.due_date.year, bill.due_date.month, bill.due_date.day, 23, tzinfo=BEIJING)
    scheme.clock.advance(evening - scheme.clock.now())
    scheme.s.offline.load(device=scheme.device, amount=Fen(500_00))
    scheme.terminal.renew(scheme.s.offline.trust())
    paid = scheme.pay(bill.bill_no)
    accept(scheme, paid)
    scheme.advance(hours=2)
    assert scheme.s.taxes.bill(bill_no=bill.bill_no).total > 100_00
    before = dump(scheme.s)
    (result,) = scheme.redeem(paid)
    assert (result.status, result.code, result.amount) == ("rejected", "receipt_needed", None)
    assert dump(scheme.s) == before
    (settled,) = scheme.s.offline.redeem_terminal(terminal=scheme.terminal)
    assert settled.status == "settled"
    (payment,) = scheme.s.payments.list()
    assert (payment.amount, payment.late_fee) == (100_00, 0)
    other = scheme.pay(amount=100_00)
    wrong = scheme.pay(scheme.bill(100_00), amount=99_00)
    assert [one.code for one in scheme.redeem(other, wrong)] == [None, "bill_amount_differs"]


def test_voucher_of_a_bad_receipt_is_judged_anew(scheme: Scheme) -> None:
    paid, other = scheme.pay(), scheme.pay()
    accept(scheme, paid)
    accept(scheme, other)
    mine, its = (one.receipt for one in scheme.terminal.queue())
    before = dump(scheme.s)
    (result,) = scheme.s.offline._redeem([Claim(paid, its)], UNKEYED)
    assert (result.code, result.amount) == ("receipt_of_other_voucher", None)
    assert dump(scheme.s) == before
    assert scheme.s.offline._redeem([Claim(paid, mine)], UNKEYED)[0].status == "settled"


# --- certificates -------------------------------------------------------------------------------------------


def serials(device: Device) -> tuple[str, str]:
    """The serial numbers of the operator's and the device's certificate of its newest load."""
    load = device.state.loads[-1]
    return OperatorCertificate.read(load.operator).serial, DeviceCertificate.read(load.device).serial


def test_revoked_operator_certificate_is_renewed_with_the_next_load(scheme: Scheme) -> None:
    operator, device = serials(scheme.device)
    scheme.s.offline.revoke(serial=operator)
    scheme.advance(minutes=1)
    scheme.terminal.renew(scheme.s.offline.trust())
    scheme.s.offline.load(device=scheme.device, amount=Fen(100_00))
    assert not {operator, device} & set(serials(scheme.device))
    scheme.device.unload(load_ids(scheme)[0], at=scheme.clock.now())
    paid = scheme.pay()
    accept(scheme, paid)
    assert scheme.redeem(paid)[0].status == "settled"


def test_certificates_are_renewed_when_they_are_not_good_for_the_longest_load(scheme: Scheme) -> None:
    until = DeviceCertificate.read(scheme.device.state.loads[0].device).not_after
    with scheme.s._store.reading() as tx:
        rules = certification.limits(tx)
    longest = timedelta(hours=rules.most_load_hours, days=rules.redeem_days + 1)
    last = scheme.s.offline.device(device_id=scheme.load.device_id).valid_until - longest
    known = serials(scheme.device)
    authority = scheme.terminal.chain.authority.serial
    scheme.clock.advance(last - scheme.clock.now())
    found = scheme.s.offline.load(device=scheme.device, amount=Fen(1_00), hours=rules.most_load_hours)
    assert seconds(found.redeem_by) <= until
    assert serials(scheme.device) == known
    assert scheme.s.offline.terminal().chain.authority.serial == authority
    scheme.advance(seconds=1)
    scheme.s.offline.load(device=scheme.device, amount=Fen(1_00))
    assert not set(known) & set(serials(scheme.device))
    assert scheme.s.offline.terminal().chain.authority.serial != authority


def test_revoking_a_device_s_certificate_revokes_the_device(scheme: Scheme) -> None:
    _operator, certificate = serials(scheme.device)
    device_id = scheme.load.device_id
    scheme.advance(minutes=1)
    scheme.s.offline.revoke(serial=certificate)
    assert {one.serial for one in listed(scheme)} == {certificate, device_id}
    assert scheme.s.offline.device(device_id=device_id).revoked_since == scheme.clock.now()
    scheme.s.offline.roll_over(operator="ICBC")  # another certificate helps nothing
    with refused(scheme.s, "device_revoked"):
        scheme.s.offline.load(device=scheme.device, amount=Fen(1_00))


def test_list_leaves_out_what_ended_a_day_ago(scheme: Scheme) -> None:
    load, until = scheme.load, scheme.s.offline.device(device_id=scheme.load.device_id).valid_until
    _operator, certificate = serials(scheme.device)
    for serial in (load.load_id, certificate):
        scheme.s.offline.revoke(serial=serial)
    day = timedelta(days=1)
    for end, left in ((load.redeem_by, {certificate, load.device_id}), (until, set())):
        scheme.clock.advance(end + day - scheme.clock.now())
        before = {one.serial for one in listed(scheme)}
        number = RevocationList.read(scheme.s.offline.trust().revocations).number
        scheme.advance(seconds=1)
        assert {one.serial for one in listed(scheme)} == left < before
        assert RevocationList.read(scheme.s.offline.trust().revocations).number == number == 3
    with refused(scheme.s, "device_revoked"):  # the list is shorter, the books forget nothing
        scheme.s.offline.load(device=scheme.device, amount=Fen(1_00))


# --- crashes ------------------------------------------------------------------------------------------------


def test_load_that_was_not_handed_over_arrives_with_the_next_call_even_if_that_is_refused(
    scheme: Scheme, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_given: object, **_named: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Device, "put_load", crash)
    with pytest.raises(KeyboardInterrupt):
        scheme.s.offline.load(device=scheme.device, amount=Fen(1000_00))
    monkeypatch.undo()
    assert len(scheme.device.state.loads) == 1
    cap = scheme.device.state.certificate.cap_total
    with refused(scheme.s, "device_cap_exceeded"):
        scheme.s.offline.load(device=scheme.device, amount=Fen(cap))
    assert [load.certificate.load_id for load in scheme.device.state.loads] == load_ids(scheme)
    assert scheme.device.state.loads[1].remaining == 1000_00
    before = scheme.device.state
    with refused(scheme.s, "device_cap_exceeded"):
        scheme.s.offline.load(device=scheme.device, amount=Fen(cap))
    assert scheme.device.state == before


@pytest.mark.parametrize("made", [0, 1])
def test_file_that_could_not_be_filled_is_not_there(
    tmp_path: Path, scheme: Scheme, monkeypatch: pytest.MonkeyPatch, made: int
) -> None:
    """A device or a terminal cut off while it is made leaves no file that would take money."""

    def crash(*_given: object, **_named: object) -> None:
        raise KeyboardInterrupt

    path = tmp_path / "state"
    if made:
        monkeypatch.setattr("ecny_tax.offline.terminal._put", crash)
        with pytest.raises(KeyboardInterrupt):
            scheme.s.offline.terminal(path=path)
    else:
        monkeypatch.setattr("ecny_tax.offline.device._Boxes.put", crash)
        with pytest.raises(KeyboardInterrupt):
            Device.create(path)
    assert list(tmp_path.iterdir()) == []
