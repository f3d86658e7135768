"""Redeeming decides each voucher once: paid, refused by a code, or disputed with evidence (first wins)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from ecny_tax import FixedClock, Sandbox
from ecny_tax.crypto.signatures import SigningKey
from ecny_tax.errors import EcnyTaxError, VerificationError
from ecny_tax.money import Fen
from ecny_tax.offline import certification
from ecny_tax.offline.bundles import EvidenceBundle, VoucherBundle
from ecny_tax.offline.device import Device
from ecny_tax.offline.evidence import verify_evidence
from ecny_tax.offline.model import Redemption
from ecny_tax.offline.objects import (
    LoadCertificate,
    PaymentRequest,
    ProvisionalReceipt,
    Seconds,
    Voucher,
    digest,
    seconds,
)
from ecny_tax.offline.redemption import Claim
from ecny_tax.offline.terminal import Terminal
from ecny_tax.store.idempotency import Request
from ecny_tax.wallets.model import Wallet
from tests.support import balance, dump, judged, owe, personal, refused

#: A redemption that nobody gave a key.
UNKEYED = Request("voucher.redeem", "", None, ())


@dataclass
class Scheme:
    """A real scheme, a loaded device, a terminal, and a way to sign vouchers that no device would."""

    s: Sandbox
    clock: FixedClock
    wallet: Wallet
    device: Device
    terminal: Terminal

    def bill(self, amount: int = 100_00) -> str:
        return owe(self.s, self.wallet, amount).bill_no

    def pay(self, bill_no: str | None = None, amount: int = 100_00) -> VoucherBundle:
        """An honest voucher."""
        now = self.clock.now()
        asked = self.terminal.request(bill_no=bill_no or self.bill(amount), amount=Fen(amount), at=now)
        return self.device.pay(asked, at=now)

    def forge(self, bundle: VoucherBundle, asked: dict[str, Any] | None = None, **paid: Any) -> VoucherBundle:
        """The same voucher with other contents, signed by the device and, where it is asked, the terminal."""
        voucher = Voucher.read(bundle.voucher)
        if asked is not None:
            request = replace(PaymentRequest.read(voucher.request), **asked)
            paid["request"] = request.signed(self.terminal._config.key)
        return replace(bundle, voucher=replace(voucher, **paid).signed(self.device_key()))

    def device_key(self) -> SigningKey:
        with self.device._transaction() as boxes:
            return boxes.signing_key()

    def redeem(self, *vouchers: VoucherBundle | str) -> tuple[Redemption, ...]:
        return self.s.offline.redeem(vouchers=vouchers)

    def decided(self, voucher: VoucherBundle) -> str:
        """The code of its refusal, which is documented, keeps the lien and is answered alike again."""
        lien = self.load.lien
        (result,) = self.redeem(voucher)
        assert result.status == "rejected"
        assert result.code is not None
        assert not result.released
        assert self.load.lien == lien
        before = dump(self.s)
        assert self.redeem(voucher, voucher.to_text()) == (result, result)
        assert dump(self.s) == before
        return result.code

    @property
    def load(self) -> Any:
        (found,) = self.s.offline.loads(device_id=self.device.state.certificate.device_id)
        return found

    def advance(self, **by: float) -> None:
        self.clock.advance(timedelta(**by))


@pytest.fixture
def scheme(sandbox: Sandbox, clock: FixedClock) -> Iterator[Scheme]:
    wallet = personal(sandbox)
    sandbox.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(2000_00))
    device, count = Device.create(None, random_bytes=_counted()), _counted()
    sandbox.offline.enroll(device=device, wallet_id=wallet.wallet_id)
    sandbox.offline.load(device=device, amount=Fen(500_00))
    found = Scheme(sandbox, clock, wallet, device, sandbox.offline.terminal(random_bytes=count))
    yield found
    assert sandbox.offline.check_vouchers().ok
    for load in sandbox.offline.loads(device_id=device.state.certificate.device_id):
        assert load.amount == load.lien + load.settled + load.released


def _counted() -> Callable[[int], bytes]:
    made = 0

    def random_bytes(size: int) -> bytes:
        nonlocal made
        made += 1
        return made.to_bytes(size, "big")

    return random_bytes


# --- paid ---------------------------------------------------------------------------------------------------


def test_good_voucher_pays_its_bill_once_and_is_answered_alike(scheme: Scheme) -> None:
    bill_no = scheme.bill()
    paid = scheme.pay(bill_no)
    (settled,) = scheme.redeem(paid)
    assert (settled.status, settled.code, settled.amount, settled.bill_no) == (
        "settled",
        None,
        100_00,
        bill_no,
    )
    assert scheme.s.payments.show(payment_no=settled.payment_no).amount == 100_00
    assert (scheme.load.lien, scheme.load.settled) == (400_00, 100_00)
    before = dump(scheme.s)
    assert scheme.redeem(paid.to_text(), paid) == (settled, settled)
    assert dump(scheme.s) == before
    assert scheme.s.offline.redemptions() == (settled,)


def test_queue_of_a_terminal_is_redeemed_in_its_order_and_renews_its_list(scheme: Scheme) -> None:
    paid = [scheme.pay(amount=amount) for amount in (10_00, 20_00, 30_00)]
    for one in paid:
        scheme.terminal.accept(one.to_text(), at=scheme.clock.now())
    scheme.advance(days=2)
    results = scheme.s.offline.redeem_terminal(terminal=scheme.terminal)
    assert [result.voucher_id for result in results] == [one.voucher_id for one in paid]
    assert {result.status for result in results} == {"settled"}
    assert scheme.terminal.queue() == ()
    assert scheme.terminal.trust.revocations.issued_at == seconds(scheme.clock.now())
    assert scheme.s.offline.redeem_terminal(terminal=scheme.terminal) == ()


def test_what_waits_is_answered_in_its_order_also_where_it_is_evidence_besides(scheme: Scheme) -> None:
    copy = scheme.device.copied()
    paid = [scheme.pay(amount=amount) for amount in (10_00, 20_00, 30_00)]
    scheme.device = copy
    twice = scheme.pay(amount=40_00)
    for one in paid:
        scheme.terminal.accept(one.to_text(), at=scheme.clock.now())
    with pytest.raises(VerificationError, match="voucher_counter_reused"):
        scheme.terminal.accept(twice.to_text(), at=scheme.clock.now())
    results = scheme.s.offline.redeem_terminal(terminal=scheme.terminal)
    assert [result.voucher_id for result in results] == [one.voucher_id for one in (*paid, twice)]
    assert [result.status for result in results] == ["settled", "settled", "settled", "disputed"]


# --- refused, value released --------------------------------------------------------------------------------


def released(scheme: Scheme, voucher: VoucherBundle) -> str | None:
    had = balance(scheme.s, scheme.wallet)
    lien = scheme.load.lien
    (result,) = scheme.redeem(voucher)
    assert result.status == "rejected"
    assert result.released
    assert balance(scheme.s, scheme.wallet) == had + result.amount
    assert scheme.load.lien == lien - result.amount
    before = dump(scheme.s)
    assert scheme.redeem(voucher) == (result,)
    assert dump(scheme.s) == before
    return result.code


def test_second_voucher_for_a_paid_bill_gives_its_value_back(scheme: Scheme) -> None:
    bill_no = scheme.bill()
    first, second = scheme.pay(bill_no), scheme.pay(bill_no)
    scheme.redeem(first)
    assert released(scheme, second) == "bill_already_paid"


def test_voucher_for_a_cancelled_bill_gives_its_value_back(scheme: Scheme) -> None:
    bill_no = scheme.bill()
    paid = scheme.pay(bill_no)
    scheme.s.taxes.cancel(bill_no=bill_no)
    assert released(scheme, paid) == "bill_cancelled"


@pytest.mark.parametrize("kind", ["operator_outage", "answer_lost"])
def test_voucher_for_a_bill_in_doubt_is_decided_after_the_mend(scheme: Scheme, kind: str) -> None:
    """A doubt passes, so nothing is final: the bill is paid by one of the two, and once."""
    bill_no = scheme.bill()
    scheme.terminal.accept(scheme.pay(bill_no).to_text(), at=scheme.clock.now())
    doubt(scheme, bill_no, kind)
    lien = scheme.load.lien
    for _ in range(2):
        (result,) = scheme.s.offline.redeem_terminal(terminal=scheme.terminal)
        assert (result.status, result.code, result.amount) == ("rejected", "bill_in_doubt", None)
        assert (scheme.load.lien, result.released) == (lien, False)
    assert scheme.s.offline.redemptions() == ()
    assert scheme.s.reconciliation.mend(entrust_date=scheme.clock.at.date()).ok
    had = balance(scheme.s, scheme.wallet)
    (result,) = scheme.s.offline.redeem_terminal(terminal=scheme.terminal)
    if kind == "operator_outage":  # debited after all
        assert (result.status, result.code, result.released) == ("rejected", "bill_already_paid", True)
        assert balance(scheme.s, scheme.wallet) == had + 100_00
    else:
        assert (result.status, balance(scheme.s, scheme.wallet)) == ("settled", had)
    assert scheme.load.lien == lien - 100_00
    assert scheme.s.offline.redeem_terminal(terminal=scheme.terminal) == ()
    assert scheme.s.ledger.verify().ok


def doubt(scheme: Scheme, bill_no: str, kind: str) -> None:
    """Let a failure strike a debit of the bill."""
    scheme.s.reconciliation.order_failure(kind=kind)
    with pytest.raises(EcnyTaxError, match="payment_outcome_unknown"):
        scheme.s.payments.pay(bill_no=bill_no, wallet_id=scheme.wallet.wallet_id)


def test_voucher_for_another_amount_or_authority_than_the_bill_gives_its_value_back(scheme: Scheme) -> None:
    assert released(scheme, scheme.pay(scheme.bill(100_00), amount=99_99)) == "bill_amount_differs"


def test_voucher_for_a_bill_that_is_none_gives_its_value_back(scheme: Scheme) -> None:
    assert released(scheme, scheme.pay("B404")) == "bill_not_found"


# --- refused ------------------------------------------------------------------------------------------------


def test_voucher_of_a_load_that_this_scheme_did_not_issue_is_refused_and_not_kept(scheme: Scheme) -> None:
    paid = scheme.pay()
    operator_key = certification._operator_key(scheme.s.offline._keyring, "ICBC", 1)
    known = LoadCertificate.read(paid.load)
    for load in (replace(known, amount=Fen(5000_00)), replace(known, load_id="L404")):
        message = load.signed(operator_key)
        forged = replace(scheme.forge(paid, load_id=load.load_id, previous=digest(message)), load=message)
        before = dump(scheme.s)
        (result,) = scheme.redeem(forged)
        assert (result.status, result.code, result.amount) == ("rejected", "load_unknown", None)
        assert dump(scheme.s) == before


@pytest.mark.parametrize("text", ["", "ECNY1:", "ECNY1:000", "税", "ECNY1:" + "0" * 200_000], ids=len)
def test_what_is_no_voucher_is_refused_and_not_kept(scheme: Scheme, text: str) -> None:
    before = dump(scheme.s)
    (result,) = scheme.redeem(text)
    assert (result.voucher_id, result.status) == ("", "rejected")
    assert result.code in ("object_text_malformed", "object_malformed")
    assert dump(scheme.s) == before


def test_voucher_for_a_terminal_that_is_none_is_refused(scheme: Scheme) -> None:
    forged = scheme.forge(scheme.pay(), asked={"terminal_id": "T404"}, payee="T404")
    assert scheme.decided(forged) == "terminal_unknown"


def test_request_that_the_terminal_did_not_sign_is_refused(scheme: Scheme) -> None:
    paid = scheme.pay()
    request = PaymentRequest.read(Voucher.read(paid.voucher).request)
    forged = scheme.forge(paid, request=request.signed(scheme.device_key()))
    assert scheme.decided(forged) == "signature_invalid"


def test_request_for_another_authority_than_the_terminals_is_refused(scheme: Scheme) -> None:
    assert scheme.decided(scheme.forge(scheme.pay(), asked={"authority": "14400000000"})) == (
        "request_of_other_terminal"
    )


FORGED: dict[str, tuple[str, dict[str, Any]]] = {
    "counter": ("voucher_counter_out_of_range", {"counter": 5000}),
    "sum": ("voucher_sum_wrong", {"spent": Fen(1)}),
    "amount": ("voucher_not_for_request", {"amount": Fen(1), "spent": Fen(1)}),
    "payee": ("voucher_not_for_request", {"payee": "T404"}),
}


@pytest.mark.parametrize(("code", "paid"), FORGED.values(), ids=FORGED)
def test_what_a_terminal_would_refuse_is_refused_again(
    scheme: Scheme, code: str, paid: dict[str, Any]
) -> None:
    assert scheme.decided(scheme.forge(scheme.pay(), **paid)) == code


def test_voucher_with_a_time_outside_its_request_is_refused(scheme: Scheme) -> None:
    early = scheme.forge(scheme.pay(), paid_at=Seconds(seconds(scheme.clock.now()) - 301))
    assert scheme.decided(early) == "voucher_request_expired"


def test_voucher_from_the_future_is_refused_until_its_time_has_come(scheme: Scheme) -> None:
    now = seconds(scheme.clock.now())
    future = scheme.forge(scheme.pay(), paid_at=Seconds(now + 301))
    assert scheme.decided(future) == "voucher_from_the_future"
    assert scheme.s.offline.redemptions() == ()
    scheme.advance(seconds=1)
    assert scheme.redeem(future)[0].status == "settled"


def test_voucher_that_comes_in_when_the_treasury_has_closed_the_day_is_paid_on_the_next(
    scheme: Scheme,
) -> None:
    """Nothing is decided, so nothing is lost: the terminal goes on holding it."""
    now = scheme.clock.now()
    waits, taken = scheme.pay(), scheme.pay()
    for voucher in (waits, taken):
        scheme.terminal.accept(voucher.to_text(), at=now)
    assert scheme.redeem(taken)[0].status == "settled"
    scheme.s.treasury.close(day=now.date())
    before = dump(scheme.s)
    for statuses in (["rejected", "settled"], ["rejected"]):
        results = scheme.s.offline.redeem_terminal(terminal=scheme.terminal)
        assert [one.status for one in results] == statuses
        assert (results[0].code, results[0].amount) == ("treasury_day_closed", None)
        noted = dump(scheme.s)
        assert len(noted["voucher_waiting"]) == 1
        assert noted | {"voucher_waiting": []} == before
    scheme.advance(days=1)
    (settled,) = scheme.s.offline.redeem_terminal(terminal=scheme.terminal)
    assert (settled.status, settled.voucher_id) == ("settled", waits.voucher_id)
    assert scheme.s.treasury.close(day=scheme.clock.now().date()).collected == 100_00


def test_voucher_that_came_in_time_on_a_closed_day_is_paid_though_its_time_is_over_then(
    scheme: Scheme,
) -> None:
    waits, late = scheme.pay(), scheme.pay()
    scheme.terminal.accept(waits.to_text(), at=scheme.clock.now())
    scheme.clock.advance(scheme.load.redeem_by - scheme.clock.now())
    scheme.s.treasury.close(day=scheme.clock.now().date())
    (result,) = scheme.s.offline.redeem_terminal(terminal=scheme.terminal)
    assert result.code == "treasury_day_closed"
    scheme.advance(days=1)
    (settled,) = scheme.s.offline.redeem_terminal(terminal=scheme.terminal)
    assert (settled.status, settled.voucher_id) == ("settled", waits.voucher_id)
    assert scheme.decided(late) == "voucher_too_late"


def test_voucher_that_came_too_late_is_no_better_for_a_closed_day(scheme: Scheme) -> None:
    paid = scheme.pay()
    scheme.clock.advance(scheme.load.redeem_by - scheme.clock.now() + timedelta(seconds=1))
    scheme.s.treasury.close(day=scheme.clock.now().date())
    assert scheme.decided(paid) == "voucher_too_late"


def test_voucher_that_waits_without_a_receipt_is_paid_on_the_day_it_was_first_presented(
    scheme: Scheme,
) -> None:
    """The late fee of the days between is not the payer's."""
    bill_no = scheme.bill()
    due = scheme.s.taxes.bill(bill_no=bill_no).due_date
    scheme.clock.advance(timedelta(days=(due - scheme.clock.now().date()).days))
    scheme.device = Device.create(None, random_bytes=_counted())
    scheme.s.offline.enroll(device=scheme.device, wallet_id=scheme.wallet.wallet_id)
    scheme.s.offline.load(device=scheme.device, amount=Fen(500_00))
    scheme.terminal.renew(scheme.s.offline.trust())
    paid = scheme.pay(bill_no)
    scheme.s.treasury.close(day=due)
    assert scheme.redeem(paid)[0].code == "treasury_day_closed"
    scheme.advance(days=4)
    assert scheme.s.taxes.bill(bill_no=bill_no).late_fee == 20
    (settled,) = scheme.redeem(paid)
    payment = scheme.s.payments.show(payment_no=settled.payment_no)
    assert (payment.amount, payment.late_fee, payment.settled_at) == (100_00, 0, scheme.clock.now())


def test_I9_load_is_not_given_back_while_a_voucher_of_it_waits(scheme: Scheme) -> None:
    """Nobody need present it again: the release decides it, and gives back what is left."""
    bill_no, had = scheme.bill(), balance(scheme.s, scheme.wallet)
    waits, not_presented = scheme.pay(bill_no), scheme.pay()
    day = scheme.clock.now().date()
    doubt(scheme, bill_no, "operator_outage")
    assert scheme.redeem(waits)[0].code == "bill_in_doubt"
    load_id = scheme.load.load_id
    scheme.advance(days=10)
    with refused(scheme.s, "load_has_vouchers_waiting", load_id=load_id, voucher_id=waits.voucher_id):
        scheme.s.offline.release(load_id=load_id)
    scheme.s.oversight.stop(wallet_id=scheme.wallet.wallet_id)  # so that the debit is struck out
    assert scheme.s.reconciliation.mend(entrust_date=day).mends[0].outcome == "struck_out"
    scheme.s.treasury.close(day=scheme.clock.now().date())
    with refused(scheme.s, "load_has_vouchers_waiting", reason="treasury_day_closed"):
        scheme.s.offline.release(load_id=load_id)
    scheme.advance(days=1)
    released = scheme.s.offline.release(load_id=load_id)
    assert (released.amount, released.lien, released.status) == (400_00, 0, "released")
    assert balance(scheme.s, scheme.wallet) == had + 400_00
    assert [one.status for one in scheme.s.offline.redemptions()] == ["settled"]
    assert scheme.redeem(waits)[0].status == "settled"
    assert scheme.decided(not_presented) == "voucher_too_late"
    assert scheme.s.ledger.verify().ok


def test_voucher_asked_for_after_the_load_ended_is_refused(scheme: Scheme) -> None:
    paid = scheme.pay()
    spend_by = LoadCertificate.read(paid.load).spend_by
    scheme.advance(seconds=spend_by + 301 - seconds(scheme.clock.now()))
    asked = {"issued_at": Seconds(spend_by + 301), "expires_at": Seconds(spend_by + 2000)}
    assert scheme.decided(scheme.forge(paid, asked=asked, paid_at=Seconds(spend_by + 301))) == (
        "voucher_load_expired"
    )


def test_voucher_asked_for_before_its_certificates_were_in_force_is_refused(scheme: Scheme) -> None:
    before = seconds(scheme.clock.now()) - 301
    asked = {"issued_at": Seconds(before), "expires_at": Seconds(before + 2000)}
    assert scheme.decided(scheme.forge(scheme.pay(), asked=asked)) == "certificate_not_in_force"


@pytest.mark.parametrize("what", ["device", "load", "terminal", "operator", "authority"])
def test_voucher_asked_for_before_a_revocation_is_paid_and_none_after(scheme: Scheme, what: str) -> None:
    certificate = scheme.device.state.certificate
    chain = scheme.terminal.chain
    paid = scheme.pay()
    with scheme.s._store.reading() as tx:
        operator = certification.operator_certificate(tx, scheme.s.offline._keyring, "ICBC")
    serial = {
        "device": certificate.device_id,
        "load": scheme.load.load_id,
        "terminal": chain.terminal.terminal_id,
        "operator": certification.OperatorCertificate.read(operator).serial,
        "authority": chain.authority.serial,
    }[what]
    scheme.advance(seconds=1)
    scheme.s.offline.revoke(serial=serial)
    after = scheme.pay()
    assert scheme.decided(after) == "certificate_revoked"
    assert scheme.redeem(paid)[0].status == "settled"


def test_voucher_is_paid_until_the_end_of_redeeming_and_no_later(scheme: Scheme) -> None:
    first, second = scheme.pay(), scheme.pay()
    scheme.clock.advance(scheme.load.redeem_by - scheme.clock.now())
    assert scheme.redeem(first)[0].status == "settled"
    scheme.advance(seconds=1)
    assert scheme.decided(second) == "voucher_too_late"


def test_voucher_of_a_released_load_is_too_late(scheme: Scheme) -> None:
    paid = scheme.pay()
    scheme.advance(days=10)
    scheme.s.offline.release(load_id=scheme.load.load_id)
    assert scheme.decided(paid) == "voucher_too_late"


def test_device_that_lies_about_its_sum_gets_no_more_than_was_set_aside(scheme: Scheme) -> None:
    first = scheme.pay(amount=300_00)
    bill_no = scheme.bill(300_00)
    with scheme.s._store.reading():
        asked = scheme.terminal.request(bill_no=bill_no, amount=Fen(300_00), at=scheme.clock.now())
    lie = scheme.forge(
        first, counter=2, amount=Fen(300_00), spent=Fen(400_00), request=asked.request, previous=bytes(32)
    )
    assert scheme.redeem(first)[0].status == "settled"
    (disputed,) = scheme.redeem(lie)
    assert (disputed.status, disputed.code) == ("disputed", "voucher_chain_forked")
    assert scheme.load.lien == 200_00


def test_receipt_of_another_voucher_or_signer_is_refused(scheme: Scheme) -> None:
    key = scheme.terminal._config.key
    for signer, code in ((key, "receipt_of_other_voucher"), (scheme.device_key(), "signature_invalid")):
        paid = scheme.pay()
        accepted = scheme.terminal.accept(paid.to_text(), at=scheme.clock.now())
        said = replace(ProvisionalReceipt.read(accepted.receipt.receipt), voucher_digest=bytes(32))
        receipt = replace(accepted.receipt, receipt=said.signed(signer))
        (result,) = scheme.s.offline._redeem([Claim(paid, receipt)], UNKEYED)
        assert (result.status, result.code) == ("rejected", code)


# --- disputed -----------------------------------------------------------------------------------------------


def test_of_two_vouchers_with_one_counter_the_first_stands_and_the_second_is_evidence(scheme: Scheme) -> None:
    copy = scheme.device.copied()
    first = scheme.pay()
    honest, scheme.device = scheme.device, copy
    second = scheme.pay()
    scheme.device = honest
    (settled,) = scheme.redeem(first)
    (disputed,) = scheme.redeem(second)
    assert settled.status == "settled"
    assert (disputed.status, disputed.code) == ("disputed", "voucher_counter_reused")
    assert not disputed.released
    proven = verify_evidence(disputed.evidence, scheme.terminal.trust.root)
    assert (proven.first, proven.second) == (first.voucher_id, second.voucher_id)
    assert proven.wallet_id == scheme.wallet.wallet_id
    assert scheme.s.offline.evidence(voucher_id=disputed.voucher_id) == disputed.evidence
    assert scheme.s.offline.device(device_id=proven.device_id).revoked_since == (
        scheme.clock.now() + timedelta(seconds=1)  # what was asked for in this second stays good
    )
    assert scheme.redeem(second, first) == (disputed, settled)
    with refused(scheme.s, "evidence_not_found"):
        scheme.s.offline.evidence(voucher_id=settled.voucher_id)


def test_first_wins_even_where_the_first_was_refused(scheme: Scheme) -> None:
    copy = scheme.device.copied()
    first = scheme.pay("B404")
    scheme.device = copy
    second = scheme.pay()
    assert scheme.redeem(first)[0].code == "bill_not_found"
    assert scheme.redeem(second)[0].status == "disputed"


def test_evidence_that_a_terminal_kept_is_of_the_same_form(scheme: Scheme) -> None:
    copy = scheme.device.copied()
    first = scheme.pay()
    scheme.device = copy
    second = scheme.pay()
    scheme.terminal.accept(first.to_text(), at=scheme.clock.now())
    with pytest.raises(Exception) as refusal:  # noqa: PT011 - judged on the next line
        scheme.terminal.accept(second.to_text(), at=scheme.clock.now())
    judged(refusal.value, "voucher_counter_reused")
    assert scheme.terminal.evidence() == (EvidenceBundle(first.to_bytes(), second.to_bytes()),)


def test_decision_does_not_depend_on_how_vouchers_are_batched(scheme: Scheme) -> None:
    paid = [scheme.pay(amount=10_00) for _ in range(5)]
    results = scheme.redeem(paid[0], "ECNY1:", paid[1], paid[0], *paid[2:])
    assert [result.status for result in results] == [
        "settled", "rejected", "settled", "settled", "settled", "settled", "settled",
    ]  # fmt: skip
    assert results[3] == results[0]


def test_unload_statement_that_contradicts_a_redeemed_voucher_gives_nothing_back(scheme: Scheme) -> None:
    copy = scheme.device.copied()
    paid = scheme.pay()
    scheme.redeem(paid)
    lien = scheme.load.lien
    statement = copy.unload(at=scheme.clock.now())  # as if nothing had been spent
    with pytest.raises(EcnyTaxError) as refusal:
        scheme.s.offline.unload(statement=statement)
    judged(refusal.value, "unload_contradicted")
    assert scheme.load.lien == lien
    assert scheme.s.offline.device(device_id=scheme.load.device_id).revoked_since is not None


def test_voucher_that_was_spent_after_its_load_was_given_back_is_disputed(scheme: Scheme) -> None:
    copy = scheme.device.copied()
    scheme.s.offline.unload(statement=scheme.device.unload(at=scheme.clock.now()))
    scheme.device = copy
    (disputed,) = scheme.redeem(scheme.pay())
    assert (disputed.status, disputed.code) == ("disputed", "voucher_after_unload")
    assert scheme.load.lien == 0


def test_receipt_outside_the_time_of_its_request_is_refused_and_the_voucher_judged_anew(
    scheme: Scheme,
) -> None:
    paid = scheme.pay()
    accepted = scheme.terminal.accept(paid.to_text(), at=scheme.clock.now())
    said = ProvisionalReceipt.read(accepted.receipt.receipt)
    for at in (said.accepted_at - 301, said.accepted_at + 1800 + 301):
        wrong = replace(said, accepted_at=Seconds(at)).signed(scheme.terminal._config.key)
        receipt = replace(accepted.receipt, receipt=wrong)
        (result,) = scheme.s.offline._redeem([Claim(paid, receipt)], UNKEYED)
        assert (result.status, result.code) == ("rejected", "receipt_of_other_voucher")
    assert scheme.s.offline.redemptions() == ()
    assert scheme.s.offline.redeem_terminal(terminal=scheme.terminal)[0].status == "settled"
