"""A terminal accepts once and alike, refuses by a code, keeps evidence, and takes only newer lists."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ecny_tax.errors import VerificationError
from ecny_tax.money import MAX_AMOUNT, Fen
from ecny_tax.offline import terminal as terminals
from ecny_tax.offline.bundles import RequestBundle, TrustBundle, VoucherBundle
from ecny_tax.offline.checks import CHECKS
from ecny_tax.offline.evidence import verify_evidence
from ecny_tax.offline.objects import PaymentRequest, ProvisionalReceipt, Seconds, Voucher, digest
from ecny_tax.offline.state_file import StateFile
from ecny_tax.offline.terminal import APPLICATION_ID, Terminal, TerminalSettings
from tests.offline import hand
from tests.offline.hand import DAY, NOW, OPEN, SKEW, kept, later, refused
from tests.support import START


class Nonces:
    """Other bytes each time, the same in every run."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, size: int) -> bytes:
        self.count += 1
        return self.count.to_bytes(size, "big")


@pytest.fixture
def terminal() -> Terminal:
    return hand.tax_hall(nonces=Nonces())


def ask(terminal: Terminal, amount: int = 100_00, *, bill: str = "B1", after: int = 0) -> RequestBundle:
    return terminal.request(bill_no=bill, amount=Fen(amount), at=later(after))


def pay(asked: RequestBundle, **paid: Any) -> VoucherBundle:
    """A voucher for a request, by a device that signs what it is told."""
    return hand.bundle(hand.voucher(asked.request, **paid))


def pay_next(asked: RequestBundle, last: VoucherBundle, *, skip: int = 0) -> VoucherBundle:
    """The voucher that follows ``last``, or one as if ``skip`` others had been paid elsewhere between."""
    before, amount = Voucher.read(last.voucher), PaymentRequest.read(asked.request).amount
    return pay(
        asked,
        counter=before.counter + 1 + skip,
        spent=Fen(before.spent + amount),
        previous=bytes(32) if skip else digest(last.voucher),
    )


# --- accepting ----------------------------------------------------------------------------------------------


def test_good_voucher_is_accepted_provisionally_with_a_signed_receipt(terminal: Terminal) -> None:
    paid = pay(ask(terminal))
    accepted = terminal.accept(paid.to_text(), at=later(10))
    assert (accepted.voucher_id, accepted.amount, accepted.bill_no) == (paid.voucher_id, 100_00, "B1")
    assert accepted.accepted_at == later(10)
    receipt = ProvisionalReceipt.read(accepted.receipt.receipt)
    assert receipt.voucher_digest == digest(paid.voucher)
    assert receipt.accepted_at == NOW + 10
    assert [queued.voucher for queued in terminal.queue()] == [paid]


def test_the_same_voucher_again_is_answered_alike_to_the_byte(terminal: Terminal) -> None:
    text = pay(ask(terminal)).to_text()
    first = terminal.accept(text, at=START)
    before = kept(terminal)
    for after in (1, OPEN, OPEN + SKEW + 1, DAY):
        assert terminal.accept(text, at=later(after)) == first
    assert kept(terminal) == before
    assert len(terminal.queue()) == 1


def test_repeat_is_answered_alike_after_redemption_and_does_not_queue_again(terminal: Terminal) -> None:
    paid = pay(ask(terminal))
    first = terminal.accept(paid.to_text(), at=START)
    terminal.redeemed({"V404": "settled"})
    assert len(terminal.queue()) == 1
    terminal.redeemed({paid.voucher_id: "settled"})
    assert terminal.queue() == ()
    assert terminal.accept(paid.to_text(), at=later(60)) == first
    assert terminal.queue() == ()


def test_examining_makes_all_checks_and_keeps_nothing(terminal: Terminal) -> None:
    text = pay(ask(terminal)).to_text()
    before = kept(terminal)
    found = terminal.examine(text, at=START)
    assert found.valid
    assert [check.check for check in found.checks] == list(CHECKS)
    assert kept(terminal) == before


def test_vouchers_of_rising_counters_are_accepted_with_gaps(terminal: Terminal) -> None:
    first = pay(ask(terminal))
    second = pay_next(ask(terminal), first)
    paid = [first, second, pay_next(ask(terminal), second, skip=4)]
    for one in paid:
        terminal.accept(one.to_text(), at=START)
    assert [queued.voucher for queued in terminal.queue()] == paid


# --- what was asked for -------------------------------------------------------------------------------------


def test_request_of_another_terminal_is_refused(terminal: Terminal) -> None:
    asked = hand.request(terminal_id="T2").signed(hand.TERMINAL)
    with refused("voucher_for_other_terminal", terminal):
        terminal.accept(hand.bundle(hand.voucher(asked)).to_text(), at=START)


def test_request_that_the_terminal_did_not_make_is_unknown_even_if_signed_by_its_key(
    terminal: Terminal,
) -> None:
    with refused("request_unknown", terminal):
        terminal.accept(hand.bundle().to_text(), at=START)


@pytest.mark.parametrize(
    "change", [{"bill_no": "B2"}, {"nonce": bytes(16)}, {"expires_at": NOW + DAY}, {"issued_at": NOW + 1}]
)
def test_changed_request_is_unknown(terminal: Terminal, change: dict[str, Any]) -> None:
    asked = replace(PaymentRequest.read(ask(terminal).request), **change)
    for key in (hand.DEVICE, hand.TERMINAL):
        paid = hand.bundle(hand.voucher(asked.signed(key), paid_at=NOW))
        with refused("request_unknown", terminal):
            terminal.accept(paid.to_text(), at=START)


def test_request_is_answered_once(terminal: Terminal) -> None:
    asked = ask(terminal)
    paid = pay(asked)
    terminal.accept(paid.to_text(), at=START)
    with refused("request_answered", terminal):
        terminal.accept(pay_next(asked, paid).to_text(), at=START)


def test_request_is_open_to_the_second_and_what_was_accepted_in_time_repeats(terminal: Terminal) -> None:
    first, second = ask(terminal), ask(terminal)
    edge = OPEN + SKEW
    accepted = terminal.accept(pay(first).to_text(), at=later(edge))
    paid = pay_next(second, pay(first))
    with refused("voucher_request_expired", terminal):
        terminal.accept(paid.to_text(), at=later(edge + 1))
    assert terminal.accept(pay(first).to_text(), at=later(edge + 1)) == accepted


def test_request_has_its_own_nonce_each_time(terminal: Terminal) -> None:
    asked = {ask(terminal).request for _ in range(5)}
    assert len(asked) == 5


@pytest.mark.parametrize("bill_no", ["", "B 1", "B-1", "税单", "B" * 65, "B\n", "１"])
def test_bill_number_of_other_characters_is_refused(terminal: Terminal, bill_no: str) -> None:
    with refused("bill_number_malformed", terminal):
        terminal.request(bill_no=bill_no, amount=Fen(1), at=START)


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        (0, "amount_not_positive"),
        (-1, "amount_not_positive"),
        (MAX_AMOUNT + 1, "amount_too_large"),
        (2**70, "amount_too_large"),
        (True, "amount_malformed"),
        ("1", "amount_malformed"),
    ],
)
def test_request_for_nothing_or_too_much_is_refused(terminal: Terminal, amount: Any, code: str) -> None:
    with refused(code, terminal):
        terminal.request(bill_no="B1", amount=amount, at=START)


def test_terminal_asks_only_while_its_certificate_is_in_force(terminal: Terminal) -> None:
    certificate = terminal.chain.terminal
    for at in (certificate.not_before, certificate.not_after):
        assert terminal.request(bill_no="B1", amount=Fen(1), at=hand.when(at))
    for at in (certificate.not_before - 1, certificate.not_after + 1):
        with refused("terminal_not_in_force", terminal):
            terminal.request(bill_no="B1", amount=Fen(1), at=hand.when(at))


# --- counters -----------------------------------------------------------------------------------------------


def test_same_counter_with_other_content_is_refused_and_both_are_kept_as_evidence(
    terminal: Terminal,
) -> None:
    first, second = pay(ask(terminal)), pay(ask(terminal, bill="B2"))
    terminal.accept(first.to_text(), at=START)
    for _ in range(2):  # the same conflict is kept once
        with pytest.raises(VerificationError) as refusal:
            terminal.accept(second.to_text(), at=START)
        assert refusal.value.code == "voucher_counter_reused"
        (evidence,) = terminal.evidence()
    assert (evidence.first, evidence.second) == (first.to_bytes(), second.to_bytes())
    proven = verify_evidence(evidence, hand.root())
    assert (proven.first, proven.second) == (first.voucher_id, second.voucher_id)
    assert [queued.voucher for queued in terminal.queue()] == [first]


def test_evidence_is_kept_whatever_the_second_voucher_fails_by_after_its_signature(
    terminal: Terminal,
) -> None:
    asked = ask(terminal)
    terminal.accept(pay(asked).to_text(), at=START)
    failing = {
        "request_answered": pay(asked, paid_at=NOW + 1),
        "voucher_for_other_terminal": hand.bundle(
            hand.voucher(hand.request(terminal_id="T2").signed(hand.STRANGER))
        ),
        "voucher_sum_wrong": pay(ask(terminal), spent=Fen(1)),
        "voucher_from_the_future": pay(ask(terminal), paid_at=NOW + DAY),
        "voucher_not_for_request": pay(ask(terminal), payee="T9"),
    }
    for count, (code, paid) in enumerate(failing.items(), start=1):
        with pytest.raises(VerificationError) as refusal:
            terminal.accept(paid.to_text(), at=START)
        assert refusal.value.code == code
        assert len(terminal.evidence()) == count
    for evidence in terminal.evidence():
        assert verify_evidence(evidence, hand.root()).counter == 1


FORKS = {
    "naming another before it": {"previous": bytes(32)},
    "paying the same money again": {"spent": Fen(100_00)},
    "leaving money out": {"spent": Fen(300_00)},
    "paying money again after a gap": {"counter": 5, "spent": Fen(150_00), "previous": bytes(32)},
}


@pytest.mark.parametrize("fork", FORKS.values(), ids=FORKS)
@pytest.mark.parametrize("turned", [False, True], ids=["later", "earlier"])
def test_voucher_that_does_not_follow_is_refused_and_both_are_kept_as_evidence(
    terminal: Terminal, fork: dict[str, Any], turned: bool
) -> None:
    first, asked = pay(ask(terminal)), ask(terminal, bill="B2")
    forked = pay(asked, **({"counter": 2, "spent": Fen(200_00), "previous": digest(first.voucher)} | fork))
    pair = (forked, first) if turned else (first, forked)
    terminal.accept(pair[0].to_text(), at=START)
    with pytest.raises(VerificationError) as refusal:
        terminal.accept(pair[1].to_text(), at=START)
    assert refusal.value.code == "voucher_chain_forked"
    (evidence,) = terminal.evidence()
    assert verify_evidence(evidence, hand.root()).proves == "voucher_chain_forked"


def test_terminal_that_is_revoked_asks_no_more_and_takes_nothing_asked_for_since(
    terminal: Terminal,
) -> None:
    before, after = ask(terminal), ask(terminal, after=60)
    terminal.renew(hand.trust_bundle(hand.revocations(("T1", NOW + 60))))
    with refused("terminal_revoked", terminal):
        ask(terminal, after=61)
    first = pay(before)
    assert terminal.accept(first.to_text(), at=later(61))
    with refused("certificate_revoked", terminal):
        terminal.accept(pay_next(after, first).to_text(), at=later(61))


def test_evidence_is_new_until_its_voucher_was_decided(terminal: Terminal) -> None:
    first, second = pay(ask(terminal)), pay(ask(terminal))
    terminal.accept(first.to_text(), at=START)
    with pytest.raises(VerificationError):
        terminal.accept(second.to_text(), at=START)
    assert terminal.evidence(new=True) == terminal.evidence()
    terminal.redeemed({first.voucher_id: "settled"})
    assert len(terminal.evidence(new=True)) == 1
    terminal.redeemed({second.voucher_id: "disputed"})
    assert terminal.evidence(new=True) == ()
    assert len(terminal.evidence()) == 1


def test_forged_voucher_with_a_used_counter_is_no_evidence(terminal: Terminal) -> None:
    terminal.accept(pay(ask(terminal)).to_text(), at=START)
    forged = hand.bundle(hand.voucher(ask(terminal).request), by=hand.STRANGER)
    with refused("signature_invalid", terminal):
        terminal.accept(forged.to_text(), at=START)
    assert terminal.evidence() == ()


def test_counter_reused_after_redemption_is_still_caught(terminal: Terminal) -> None:
    first = pay(ask(terminal))
    terminal.accept(first.to_text(), at=START)
    terminal.redeemed({first.voucher_id: "settled"})
    with pytest.raises(VerificationError) as refusal:
        terminal.accept(pay(ask(terminal)).to_text(), at=START)
    assert refusal.value.code == "voucher_counter_reused"
    assert len(terminal.evidence()) == 1


def test_older_counter_is_refused_and_an_older_voucher_that_was_accepted_repeats(terminal: Terminal) -> None:
    first = pay(ask(terminal, 10_00))
    second = pay_next(ask(terminal, 10_00), first)
    third = pay_next(ask(terminal, 10_00), second)
    last = pay(ask(terminal), counter=9, spent=Fen(500_00), previous=bytes(32))
    accepted = terminal.accept(second.to_text(), at=START)
    terminal.accept(last.to_text(), at=START)
    for old in (first, third, pay_next(ask(terminal, 10_00), third, skip=2)):
        with refused("voucher_counter_old", terminal):
            terminal.accept(old.to_text(), at=START)
    assert terminal.accept(second.to_text(), at=START) == accepted
    assert terminal.evidence() == ()


def test_counters_of_two_loads_do_not_disturb_each_other(terminal: Terminal) -> None:
    of_load = hand.load(load_id="L2").signed(hand.OPERATOR)
    terminal.accept(pay_next(ask(terminal), pay(ask(terminal)), skip=3).to_text(), at=START)
    other = hand.voucher(ask(terminal).request, load_id="L2", previous=digest(of_load))
    assert terminal.accept(hand.bundle(other, of_load=of_load).to_text(), at=START)


def test_full_terminal_refuses_until_it_was_online(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminals, "MAX_QUEUE", 2)
    paid = [pay(ask(terminal))]
    for _ in range(2):
        paid.append(pay_next(ask(terminal), paid[-1]))
    accepted = [terminal.accept(one.to_text(), at=START) for one in paid[:2]]
    with refused("terminal_full", terminal):
        terminal.accept(paid[2].to_text(), at=START)
    assert terminal.accept(paid[1].to_text(), at=START) == accepted[1]
    terminal.redeemed({paid[0].voucher_id: "settled"})
    assert terminal.accept(paid[2].to_text(), at=START)


# --- revocation ---------------------------------------------------------------------------------------------


def test_voucher_asked_for_before_the_revocation_is_accepted_and_none_after(terminal: Terminal) -> None:
    before, after = ask(terminal), ask(terminal, after=60)
    terminal.renew(hand.trust_bundle(hand.revocations(("D1", NOW + 60))))
    assert terminal.accept(pay(before).to_text(), at=later(61))
    with refused("certificate_revoked", terminal):
        terminal.accept(pay_next(after, pay(before)).to_text(), at=later(61))


def test_stale_list_is_refused_until_it_is_renewed() -> None:
    terminal = hand.tax_hall(hand.revocations(renew_by=Seconds(NOW)))
    asked = ask(terminal)
    assert terminal.examine(pay(asked).to_text(), at=later(SKEW)).valid
    with refused("revocation_list_stale", terminal):
        terminal.accept(pay(asked).to_text(), at=later(SKEW + 1))
    terminal.renew(hand.trust_bundle(hand.revocations(issued_at=Seconds(NOW + 1))))
    assert terminal.accept(pay(asked).to_text(), at=later(SKEW + 1))


def test_only_a_newer_list_is_taken(terminal: Terminal) -> None:
    def numbered(number: int, issued_at: int) -> TrustBundle:
        return hand.trust_bundle(hand.revocations(number=number, issued_at=Seconds(issued_at)))

    terminal.renew(numbered(5, NOW))
    before = kept(terminal)
    for older in (numbered(5, NOW), numbered(4, NOW + DAY), numbered(5, NOW - 1), numbered(0, NOW + DAY)):
        terminal.renew(older)
        assert terminal.trust.revocations.number == 5
        assert kept(terminal) == before
    for newer in (numbered(5, NOW + 1), numbered(6, NOW - DAY)):
        terminal.renew(newer)
        assert terminal.trust.revocations == hand.Trust.read(newer).revocations


def test_list_of_another_root_or_signer_is_refused(terminal: Terminal) -> None:
    other = hand.root(public_key=hand.STRANGER.public_bytes).signed(hand.STRANGER)
    newer = hand.revocations(number=9)
    with refused("trust_of_other_root", terminal):
        terminal.renew(TrustBundle(other, newer.signed(hand.STRANGER)))
    with refused("signature_invalid", terminal):
        terminal.renew(TrustBundle(hand.root().signed(hand.ROOT), newer.signed(hand.STRANGER)))
    with refused("signature_invalid", terminal):
        terminal.renew(TrustBundle(other, newer.signed(hand.ROOT)))


# --- its file -----------------------------------------------------------------------------------------------


def test_terminal_in_a_file_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "terminal"
    made = {
        "seed": bytes(32),
        "authority": hand.authority().signed(hand.ROOT),
        "trust": hand.trust_bundle(),
        "settings": TerminalSettings(SKEW, OPEN),
    }
    key = hand.SigningKey("terminal", bytes(32))
    made["terminal"] = hand.terminal(public_key=key.public_bytes).signed(hand.AUTHORITY_KEY)
    first = Terminal.create(path, **made)
    paid = pay(ask(first))
    accepted = first.accept(paid.to_text(), at=START)
    first.close()
    again = Terminal.open(path)
    assert again.accept(paid.to_text(), at=START) == accepted
    assert [queued.voucher for queued in again.queue()] == [paid]
    with refused("state_file_exists", again):
        Terminal.create(path, **made)


def test_certificates_that_do_not_lead_to_the_root_make_no_terminal(tmp_path: Path) -> None:
    path = tmp_path / "terminal"
    with refused("signature_invalid"):
        Terminal.create(
            path,
            seed=bytes(32),
            authority=hand.authority().signed(hand.STRANGER),
            terminal=hand.terminal().signed(hand.AUTHORITY_KEY),
            trust=hand.trust_bundle(),
            settings=TerminalSettings(SKEW, OPEN),
        )
    assert not path.exists()


def test_file_of_something_else_is_no_terminal(tmp_path: Path) -> None:
    with refused("state_file_not_found"):
        Terminal.open(tmp_path / "none")
    with refused("state_file_not_found"):
        Terminal.open(tmp_path)
    text = tmp_path / "text"
    text.write_text("ECNY1:" * 1000)
    with refused("state_file_foreign"):
        Terminal.open(text)
    device = tmp_path / "device"
    hand.Device.create(device).close()
    with refused("state_file_foreign"):
        Terminal.open(device)
    with refused("state_file_unavailable"):
        StateFile.create(
            tmp_path / "none" / "file", application_id=APPLICATION_ID, schema="", fill=lambda tx: None
        )
