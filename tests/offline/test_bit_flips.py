"""No bit of an offline object can be changed: every single one that is flipped has it refused by a code."""

from collections.abc import Callable, Iterator

from ecny_tax.money import Fen
from ecny_tax.offline.bundles import (
    EvidenceBundle,
    ReceiptBundle,
    RequestBundle,
    TrustBundle,
    UnloadBundle,
)
from ecny_tax.offline.chains import Trust
from ecny_tax.offline.checks import verify
from ecny_tax.offline.evidence import verify_evidence
from ecny_tax.text_form import to_text
from tests.offline import hand
from tests.offline.hand import NOW, SKEW, code_of
from tests.support import START, Sandbox, owe, personal


def flips(data: bytes, step: int = 1) -> Iterator[bytes]:
    """The data with each single bit flipped; with a step, each so many bits."""
    for place in range(0, len(data) * 8, step):
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << place % 8
        yield bytes(flipped)


def refused_codes(data: bytes, check: Callable[[bytes], object], step: int = 1) -> set[str]:
    check(data)
    return {code_of(lambda flipped=flipped: check(flipped)) for flipped in flips(data, step)}


#: What a flipped bit can come to where the whole is signed and nothing but its form is looked at before.
FORM = {
    "object_malformed", "object_kind_wrong", "object_version_unknown", "object_value_out_of_range",
    "algorithm_unknown", "signature_invalid", "load_of_other_device", "voucher_of_other_load",
    "terminal_of_other_authority",
}  # fmt: skip


def test_every_flipped_bit_of_a_voucher_with_its_chain_is_refused() -> None:
    trust = hand.trust()
    codes = refused_codes(hand.bundle().to_bytes(), lambda data: verify(data, trust, at=NOW, skew=SKEW))
    assert codes <= FORM
    assert {"object_malformed", "algorithm_unknown", "signature_invalid"} <= codes


def test_every_flipped_bit_of_a_request_with_its_chain_is_refused_and_leaves_the_device_alone() -> None:
    device = hand.enrolled(loads=(hand.load(),))
    bundle = hand.request_bundle()
    before = hand.kept(device)
    for flipped in flips(bundle.to_bytes()):
        assert code_of(lambda f=flipped: device.pay(RequestBundle.from_bytes(f), at=START)) in FORM
    assert hand.kept(device) == before
    assert device.pay(bundle, at=START)


def test_every_flipped_bit_of_a_trust_is_refused() -> None:
    data = hand.trust_bundle(hand.revocations(("D1", NOW), ("L7", NOW + 1))).to_bytes()
    assert refused_codes(data, lambda found: Trust.read(TrustBundle.from_bytes(found))) <= FORM


def test_every_flipped_bit_of_an_evidence_is_refused() -> None:
    other = hand.request(nonce=bytes(16)).signed(hand.TERMINAL)
    first, second = hand.bundle().to_bytes(), hand.bundle(hand.voucher(other)).to_bytes()
    root = hand.root()
    codes = refused_codes(
        EvidenceBundle(first, second).to_bytes(),
        lambda data: verify_evidence(EvidenceBundle.from_bytes(data), root),
    )
    assert codes <= FORM


def test_terminal_refuses_a_flipped_bit_in_every_byte_and_keeps_nothing_of_it() -> None:
    terminal = hand.tax_hall()
    asked = terminal.request(bill_no="B1", amount=Fen(100), at=START)
    paid = hand.bundle(hand.voucher(asked.request))
    before = hand.kept(terminal)
    for flipped in flips(paid.to_bytes(), step=9):
        assert code_of(lambda f=flipped: terminal.accept(to_text(f), at=START)) in FORM
    assert hand.kept(terminal) == before
    assert terminal.accept(paid.to_text(), at=START).amount == 100


def test_every_changed_character_of_a_voucher_is_refused() -> None:
    terminal = hand.tax_hall()
    asked = terminal.request(bill_no="B1", amount=Fen(100), at=START)
    text = hand.bundle(hand.voucher(asked.request)).to_text()
    codes = set()
    for place, was in enumerate(text):
        changed = text[:place] + ("0" if was != "0" else "1") + text[place + 1 :]
        codes.add(code_of(lambda changed=changed: terminal.accept(changed, at=START)))
    assert codes <= FORM | {"object_text_malformed"}


def test_redemption_refuses_a_flipped_bit_in_every_byte_and_keeps_nothing_of_it(sandbox: Sandbox) -> None:
    wallet = personal(sandbox)
    sandbox.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(1000_00))
    bill = owe(sandbox, wallet, 100_00)
    device, terminal = hand.Device.create(None), sandbox.offline.terminal()
    sandbox.offline.enroll(device=device, wallet_id=wallet.wallet_id)
    sandbox.offline.load(device=device, amount=Fen(500_00))
    asked = terminal.request(bill_no=bill.bill_no, amount=Fen(100_00), at=START)
    paid = device.pay(asked, at=START)
    changed = [to_text(flipped) for flipped in flips(paid.to_bytes(), step=9)]
    results = sandbox.offline.redeem(vouchers=changed)
    assert {result.code for result in results} <= FORM | {"load_unknown"}
    assert sandbox.offline.redemptions() == ()
    receipt = terminal.accept(paid.to_text(), at=START).receipt
    (settled,) = sandbox.offline.redeem_terminal(terminal=terminal)
    assert settled.status == "settled"
    assert ReceiptBundle.from_bytes(receipt.to_bytes()) == receipt


def test_every_flipped_bit_of_an_unload_statement_is_refused(sandbox: Sandbox) -> None:
    wallet = personal(sandbox)
    sandbox.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(1000_00))
    device = hand.Device.create(None)
    sandbox.offline.enroll(device=device, wallet_id=wallet.wallet_id)
    sandbox.offline.load(device=device, amount=Fen(500_00))
    said = device.unload(at=START)
    for flipped in flips(said.to_bytes(), step=9):
        code = code_of(lambda f=flipped: sandbox.offline.unload(statement=UnloadBundle.from_bytes(f)))
        assert code in FORM
    assert sandbox.offline.unload(statement=said).amount == 500_00
