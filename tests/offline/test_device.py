"""A device pays what it is asked for, once, never a counter twice; a refusal burns nothing."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ecny_tax.money import Fen
from ecny_tax.offline.bundles import RequestBundle, VoucherBundle
from ecny_tax.offline.chains import payer_chain
from ecny_tax.offline.device import CLOCK_SKEW, MAX_PASSPHRASE, Device
from ecny_tax.offline.objects import LoadCertificate, Seconds, UnloadStatement, Voucher, digest
from tests.offline import hand
from tests.offline.hand import AMOUNT, DAY, NOW, OPEN, later, refused
from tests.support import START


@pytest.fixture
def device() -> Device:
    return hand.enrolled(loads=(hand.load(),))


def asked(bill: str = "B1", **changes: Any) -> RequestBundle:
    return hand.request_bundle(hand.request(bill_no=bill, **changes))


def read(bundle: VoucherBundle) -> Voucher:
    return Voucher.read(bundle.voucher)


# --- paying -------------------------------------------------------------------------------------------------


def test_voucher_of_a_device_passes_every_check(device: Device) -> None:
    paid = device.pay(asked(), at=START)
    voucher = hand.verify(paid.to_bytes()).voucher
    assert (voucher.counter, voucher.amount, voucher.spent) == (1, AMOUNT, AMOUNT)
    assert device.state.loads[0].remaining == 500_00 - AMOUNT


def test_same_request_again_gets_the_same_voucher_to_the_byte(device: Device) -> None:
    first = device.pay(asked(), at=START)
    before = hand.kept(device)
    for after in (1, OPEN + 1, 30 * DAY):
        assert device.pay(asked(), at=later(after)) == first
    assert hand.kept(device) == before


def test_vouchers_count_up_sum_up_and_follow_each_other(device: Device) -> None:
    paid = [device.pay(asked(f"B{n}"), at=later(n)) for n in range(4)]
    vouchers = [read(one) for one in paid]
    assert [one.counter for one in vouchers] == [1, 2, 3, 4]
    assert [one.spent for one in vouchers] == [AMOUNT * n for n in (1, 2, 3, 4)]
    assert [one.previous for one in vouchers] == [
        digest(paid[0].load),
        *(digest(one.voucher) for one in paid[:3]),
    ]
    assert device.state.loads[0].last == digest(paid[3].voucher)


def test_second_load_is_used_when_the_first_does_not_cover() -> None:
    device = hand.enrolled(
        loads=(hand.load(amount=Fen(AMOUNT)), hand.load(load_id="L2", first_counter=101, last_counter=200))
    )
    assert read(device.pay(asked(), at=START)).load_id == "L1"
    second = read(device.pay(asked("B2"), at=START))
    assert (second.load_id, second.counter) == ("L2", 101)


def test_copy_of_a_device_signs_the_same_counter_otherwise(device: Device) -> None:
    copy = device.copied()
    first, second = device.pay(asked(), at=START), copy.pay(asked("B2"), at=START)
    assert read(first).counter == read(second).counter
    assert copy.public_key == device.public_key


# --- refusals burn nothing ----------------------------------------------------------------------------------


@pytest.mark.parametrize("caps", [{"cap_single": Fen(AMOUNT - 1)}, {"cap_single": Fen(0)}], ids=ascii)
def test_request_above_the_cap_is_refused(caps: dict[str, Any]) -> None:
    device = hand.enrolled(loads=(hand.load(),), **caps)
    with refused("device_cap_exceeded", device):
        device.pay(asked(), at=START)


def test_request_is_paid_until_it_expires_and_no_second_longer(device: Device) -> None:
    with refused("request_expired", device):
        device.pay(asked(), at=later(OPEN + 1))
    assert device.pay(asked(), at=later(OPEN))


def test_request_from_the_future_is_refused_beyond_the_clock_skew(device: Device) -> None:
    with refused("request_from_the_future", device):
        device.pay(asked(), at=later(-CLOCK_SKEW - 1))
    assert device.pay(asked(), at=later(-CLOCK_SKEW))


def test_load_is_spent_until_its_end_and_no_second_longer() -> None:
    device = hand.enrolled(loads=(hand.load(spend_by=Seconds(NOW + 60)),))
    with refused("load_expired", device):
        device.pay(asked(), at=later(61))
    assert device.pay(asked(), at=later(60))


def test_load_without_enough_money_or_counters_is_exhausted() -> None:
    poor = hand.enrolled(loads=(hand.load(amount=Fen(AMOUNT - 1)),))
    with refused("load_exhausted", poor):
        poor.pay(asked(), at=START)
    short = hand.enrolled(loads=(hand.load(last_counter=1),))
    short.pay(asked(), at=START)
    with refused("load_exhausted", short):
        short.pay(asked("B2"), at=START)


def test_device_without_certificate_or_load_does_not_pay() -> None:
    new = Device.create(None)
    with refused("device_not_enrolled", new):
        new.pay(asked(), at=START)
    with refused("device_not_enrolled", new):
        new.put_load(hand.LOAD)
    empty = hand.enrolled()
    with refused("device_not_loaded", empty):
        empty.pay(asked(), at=START)
    with refused("device_not_loaded", empty):
        empty.unload(at=START)
    assert new.state.certificate is None


@pytest.mark.parametrize(
    "change",
    [{"terminal_id": "T2"}, {"authority": "14400000000"}, {"bill_digest": bytes(32)}],
    ids=ascii,
)
def test_request_that_names_another_terminal_authority_or_bill_is_refused(
    device: Device, change: dict[str, Any]
) -> None:
    with refused("request_of_other_terminal", device):
        device.pay(asked(**change), at=START)


def test_request_signed_by_anybody_else_is_refused(device: Device) -> None:
    for key in (hand.STRANGER, hand.AUTHORITY_KEY, hand.ROOT, hand.DEVICE):
        with refused("signature_invalid", device):
            device.pay(hand.request_bundle(by=key), at=START)


@pytest.mark.parametrize("edge", ["not_before", "not_after"])
def test_request_outside_the_time_of_its_certificates_is_refused(device: Device, edge: str) -> None:
    step = 1 if edge == "not_before" else -1
    good = hand.request_bundle()
    for beyond in (0, step):
        times = {edge: Seconds(NOW + beyond)}
        for changed in (
            replace(good, authority=hand.authority(**times).signed(hand.ROOT)),
            replace(good, terminal=hand.terminal(**times).signed(hand.AUTHORITY_KEY)),
        ):
            if beyond:
                with refused("certificate_not_in_force", device):
                    device.pay(changed, at=START)
            else:
                assert hand.enrolled(loads=(hand.load(),)).pay(changed, at=START)


def test_terminal_of_another_authority_is_refused(device: Device) -> None:
    strange = hand.authority(authority="14400000000").signed(hand.ROOT)
    with refused("terminal_of_other_authority", device):
        device.pay(replace(hand.request_bundle(), authority=strange), at=START)


# --- loads and certificates ---------------------------------------------------------------------------------


def test_same_load_again_changes_nothing(device: Device) -> None:
    device.pay(asked(), at=START)
    before = hand.kept(device)
    load = device.put_load(hand.LOAD)
    assert load.spent == AMOUNT
    assert hand.kept(device) == before


def test_load_of_another_device_or_signer_is_refused(device: Device) -> None:
    with refused("load_of_other_device", device):
        device.put_load(hand.load(load_id="L2", device_id="D2").signed(hand.OPERATOR))
    with refused("signature_invalid", device):
        device.put_load(hand.load(load_id="L2").signed(hand.STRANGER))
    with refused("object_kind_wrong", device):
        device.put_load(hand.REQUEST)


def test_certificate_of_another_key_or_device_is_refused(device: Device) -> None:
    chain = {"root": hand.root().signed(hand.ROOT), "operator": hand.operator().signed(hand.ROOT)}
    with refused("device_certified_otherwise", device):
        device.install(**chain, device=hand.device().signed(hand.OPERATOR))
    other = hand.device(public_key=device.public_key, device_id="D2")
    with refused("device_certified_otherwise", device):
        device.install(**chain, device=other.signed(hand.OPERATOR))
    with refused("object_kind_wrong", device):
        device.install(**chain, device=hand.LOAD)
    renewed = hand.device(public_key=device.public_key, serial="C9")
    assert device.install(**chain, device=renewed.signed(hand.OPERATOR)) == renewed
    assert device.state.certificate == renewed


def test_voucher_of_an_older_load_keeps_the_chain_that_it_was_loaded_with(device: Device) -> None:
    new_key = hand.key("next operator")
    renewed = hand.device(public_key=device.public_key, serial="C9")
    device.install(
        root=hand.root().signed(hand.ROOT),
        operator=hand.operator(serial="C8", public_key=new_key.public_bytes).signed(hand.ROOT),
        device=renewed.signed(new_key),
    )
    paid = device.pay(asked(), at=START)
    assert payer_chain(hand.ROOT.public_bytes, paid.operator, paid.device, paid.load).device.serial == "C4"
    assert hand.verify(paid.to_bytes())


# --- giving back --------------------------------------------------------------------------------------------


def test_unloaded_load_pays_no_more_and_the_statement_is_the_same_each_time(device: Device) -> None:
    paid = device.pay(asked(), at=START)
    statement = device.unload(at=START)
    said = UnloadStatement.read(statement.statement)
    assert (said.load_id, said.device_id, said.spent, said.next_counter) == ("L1", "D1", AMOUNT, 2)
    assert said.last == digest(paid.voucher)
    assert device.unload("L1", at=later(60)) == statement
    assert device.pay(asked(), at=later(60)) == paid
    with refused("device_not_loaded", device):
        device.pay(asked("B2"), at=START)
    assert device.unload(at=later(60)) == statement  # the only one, whose statement may have been lost
    assert device.state.loads[0].remaining == 0


def test_load_to_give_back_must_be_known_and_named_among_several() -> None:
    loads = (hand.load(), hand.load(load_id="L2", first_counter=101, last_counter=200))
    device = hand.enrolled(loads=loads)
    with refused("load_must_be_named", device):
        device.unload(at=START)
    with refused("load_not_on_device", device):
        device.unload("L3", at=START)
    device.unload("L1", at=START)
    assert LoadCertificate.read(device.unload(at=START).load) == loads[1]


# --- the file -----------------------------------------------------------------------------------------------


def test_device_in_a_file_goes_on_where_it_was_and_shows_nothing_without_the_passphrase(
    tmp_path: Path,
) -> None:
    path = tmp_path / "device"
    made = Device.create(path, passphrase="口令 one")
    made.install(
        root=hand.root().signed(hand.ROOT),
        operator=hand.operator().signed(hand.ROOT),
        device=hand.device(public_key=made.public_key).signed(hand.OPERATOR),
    )
    made.put_load(hand.LOAD)
    paid = made.pay(asked(), at=START)
    made.close()
    for wrong in ("", "demo", "口令 two"):
        with refused("passphrase_wrong" if wrong else "passphrase_malformed"):
            Device.open(path, passphrase=wrong)
    again = Device.open(path, passphrase="口令 one")
    assert again.pay(asked(), at=START) == paid
    assert read(again.pay(asked("B2"), at=START)).counter == 2
    data = path.read_bytes()
    assert paid.voucher not in data
    assert b"ICBC" not in data
    with refused("state_file_exists", again):
        Device.create(path)


@pytest.mark.parametrize("passphrase", ["", "x" * (MAX_PASSPHRASE + 1), "\ud800"], ids=len)
def test_passphrase_of_another_form_is_refused_and_leaves_no_file(tmp_path: Path, passphrase: str) -> None:
    with refused("passphrase_malformed"):
        Device.create(tmp_path / "device", passphrase=passphrase)
    assert not list(tmp_path.iterdir())


def test_file_of_something_else_is_no_device(tmp_path: Path) -> None:
    with refused("state_file_not_found"):
        Device.open(tmp_path / "none")
    for name, content in {"empty": b"", "zeros": bytes(4096), "text": b"ECNY1:" * 1000}.items():
        path = tmp_path / name
        path.write_bytes(content)
        with refused("state_file_foreign"):
            Device.open(path)
        assert path.read_bytes() == content


def test_damaged_box_is_refused_as_a_wrong_passphrase(device: Device) -> None:
    for table in (
        "UPDATE sealed SET box = zeroblob(length(box)) WHERE name = 'device'",
        "UPDATE sealed SET box = x'' WHERE name = 'device'",
        "UPDATE sealed SET box = (SELECT box FROM sealed WHERE name = 'root') WHERE name = 'device'",
    ):
        copy = device.copied()
        copy._file._connection.execute(table)
        with refused("passphrase_wrong", copy):
            copy.pay(asked(), at=START)
