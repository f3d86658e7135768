"""Another implementation of COSE agrees: it verifies what is signed here, and what it signs is read here.

That is pycose.  Its own decoder does not know the tuples of today's cbor2, so the four items of a message are
handed to it; headers, Sig_structure and signature are its own work.
"""

from typing import Any

import cbor2
import pytest
from pycose.algorithms import EdDSA
from pycose.headers import KID, Algorithm
from pycose.keys import OKPKey
from pycose.keys.curves import Ed25519
from pycose.messages import Sign1Message

from ecny_tax.crypto import sign1
from ecny_tax.crypto.signatures import SigningKey
from ecny_tax.money import Fen
from ecny_tax.offline.device import Device
from ecny_tax.offline.objects import (
    AuthorityCertificate,
    DeviceCertificate,
    LoadCertificate,
    OperatorCertificate,
    PaymentRequest,
    ProvisionalReceipt,
    RevocationList,
    RootCertificate,
    SignedObject,
    TerminalCertificate,
    UnloadStatement,
    Voucher,
)
from tests.offline import hand
from tests.offline.hand import code_of
from tests.support import START, Sandbox, owe, personal


def verified(message: bytes, public_key: bytes, domain: str) -> bool:
    """What pycose says of a message, its domain as external data."""
    tag = cbor2.loads(message)
    assert tag.tag == 18
    protected, unprotected, payload, signature = tag.value
    found: Any = Sign1Message.from_cose_obj([protected, dict(unprotected), payload, signature], False)
    assert found.phdr == {Algorithm: EdDSA}
    assert found.uhdr == {}
    found.external_aad = domain.encode()
    found.key = OKPKey(crv=Ed25519, x=public_key)
    return bool(found.verify_signature())


def signed(payload: bytes, name: str, domain: str, **headers: Any) -> bytes:
    """A message that pycose signs with the test key of that name."""
    key = hand.key(name)
    protected = headers.get("protected", {Algorithm: EdDSA})
    message: Any = Sign1Message(
        phdr=protected,
        uhdr=headers.get("unprotected", {}),
        payload=payload,
        external_aad=domain.encode(),
        key=OKPKey(crv=Ed25519, x=key.public_bytes, d=hand.seed(name)),
    )
    return bytes(message.encode())


def test_pycose_verifies_every_object_of_a_real_payment(sandbox: Sandbox) -> None:
    wallet = personal(sandbox)
    sandbox.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(1000_00))
    bill = owe(sandbox, wallet, 100_00)
    device, terminal = Device.create(None), sandbox.offline.terminal()
    sandbox.offline.enroll(device=device, wallet_id=wallet.wallet_id)
    sandbox.offline.load(device=device, amount=Fen(500_00))
    asked = terminal.request(bill_no=bill.bill_no, amount=Fen(100_00), at=START)
    paid = device.pay(asked, at=START)
    receipt = terminal.accept(paid.to_text(), at=START).receipt
    statement = device.unload(at=START)
    trust = sandbox.offline.trust()

    root = RootCertificate.read(trust.root).public_key
    operator = OperatorCertificate.read(paid.operator).public_key
    authority = AuthorityCertificate.read(asked.authority).public_key
    of_terminal = TerminalCertificate.read(asked.terminal).public_key
    signers: list[tuple[bytes, type[SignedObject], bytes]] = [
        (trust.root, RootCertificate, root),
        (trust.revocations, RevocationList, root),
        (paid.operator, OperatorCertificate, root),
        (asked.authority, AuthorityCertificate, root),
        (paid.device, DeviceCertificate, operator),
        (paid.load, LoadCertificate, operator),
        (asked.terminal, TerminalCertificate, authority),
        (asked.request, PaymentRequest, of_terminal),
        (receipt.receipt, ProvisionalReceipt, of_terminal),
        (paid.voucher, Voucher, device.public_key),
        (statement.statement, UnloadStatement, device.public_key),
    ]
    for message, kind, key in signers:
        assert verified(message, key, kind.domain())
        assert not verified(message, key, "")
        assert not verified(message, key, kind.domain() + "1")
        assert not verified(message, hand.STRANGER.public_bytes, kind.domain())
        changed = bytearray(message)
        changed[-1] ^= 1
        assert not verified(bytes(changed), key, kind.domain())


def test_voucher_that_pycose_signs_is_the_same_to_the_byte_and_accepted() -> None:
    terminal = hand.tax_hall()
    asked = terminal.request(bill_no="B1", amount=Fen(100), at=START)
    paid = hand.voucher(asked.request)
    message = signed(paid.payload(), "device", Voucher.domain())
    assert message == paid.signed(hand.DEVICE)
    chain = hand.bundle()
    theirs = type(chain)(
        signed(hand.operator().payload(), "root", OperatorCertificate.domain()),
        signed(hand.device().payload(), "operator", DeviceCertificate.domain()),
        signed(hand.load().payload(), "operator", LoadCertificate.domain()),
        message,
    )
    assert terminal.accept(theirs.to_text(), at=START).amount == 100


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"protected": {Algorithm: EdDSA, KID: b"device"}}, "algorithm_unknown"),
        ({"protected": {}, "unprotected": {Algorithm: EdDSA}}, "algorithm_unknown"),
        ({"unprotected": {KID: b"device"}}, "algorithm_unknown"),
    ],
    ids=["key id", "unprotected algorithm", "unprotected key id"],
)
def test_voucher_that_pycose_signs_with_other_headers_is_refused(headers: dict[str, Any], code: str) -> None:
    message = signed(hand.voucher().payload(), "device", Voucher.domain(), **headers)
    assert code_of(lambda: Voucher.read(message)) == code


def test_voucher_that_pycose_signs_for_another_domain_is_refused() -> None:
    key = SigningKey("device", hand.seed("device"))
    for domain in ("", LoadCertificate.domain()):
        message = signed(hand.voucher().payload(), "device", domain)
        assert Voucher.read(message) == hand.voucher()
        code = code_of(lambda m=message: sign1.verify(m, key.public_bytes, Voucher.domain(), signer="device"))
        assert code == "signature_invalid"
