"""Idempotency keys of offline payment: the same key is answered alike, whatever has happened since."""

from __future__ import annotations

from ecny_tax import Fen
from tests.offline.test_redemption import Scheme, scheme
from tests.support import clock, dump, refused, sandbox

__all__ = ["clock", "sandbox", "scheme"]


def test_I5_repeated_load_is_answered_as_when_it_was_set_aside(scheme: Scheme) -> None:
    offline = scheme.s.offline
    first = offline.load(device=scheme.device, amount=Fen(10_00), idempotency_key="load-1")
    assert scheme.redeem(scheme.pay())[0].status == "settled"
    offline.unload(statement=scheme.device.unload(first.load_id, at=scheme.clock.now()))
    before = dump(scheme.s)
    assert offline.load(device=scheme.device, amount=Fen(10_00), idempotency_key="load-1") == first
    assert dump(scheme.s) == before


def test_I5_repeated_redemption_is_answered_alike_with_its_evidence(scheme: Scheme) -> None:
    offline, copy = scheme.s.offline, scheme.device.copied()
    one = scheme.pay()
    asked = scheme.terminal.request(bill_no=scheme.bill(), amount=Fen(100_00), at=scheme.clock.now())
    other = copy.pay(asked, at=scheme.clock.now())
    vouchers = (one, other.to_text(), "ECNY1:nothing")
    first = offline.redeem(vouchers=vouchers, idempotency_key="redeem-1")
    assert [result.status for result in first] == ["settled", "disputed", "rejected"]
    assert first[1].evidence is not None
    before = dump(scheme.s)
    assert offline.redeem(vouchers=vouchers, idempotency_key="redeem-1") == first
    assert dump(scheme.s) == before


def test_I5_key_of_a_redemption_is_refused_for_other_vouchers(scheme: Scheme) -> None:
    offline, one, other = scheme.s.offline, scheme.pay(), scheme.pay()
    offline.redeem(vouchers=[one], idempotency_key="redeem-1")
    for vouchers in ([other], [one, other], []):
        with refused(scheme.s, "idempotency_conflict"):
            offline.redeem(vouchers=vouchers, idempotency_key="redeem-1")


def test_I5_repeated_redemption_of_a_terminal_leaves_what_came_after_it_in_the_queue(scheme: Scheme) -> None:
    offline, now = scheme.s.offline, scheme.clock.now()
    scheme.terminal.accept(scheme.pay().to_text(), at=now)
    first = offline.redeem_terminal(terminal=scheme.terminal, idempotency_key="evening")
    assert [result.status for result in first] == ["settled"]
    scheme.terminal.accept(scheme.pay().to_text(), at=now)
    assert offline.redeem_terminal(terminal=scheme.terminal, idempotency_key="evening") == first
    assert len(scheme.terminal.queue()) == 1
    assert len(offline.redeem_terminal(terminal=scheme.terminal, idempotency_key="next evening")) == 1


def test_redeeming_an_empty_queue_is_an_answer_too(scheme: Scheme) -> None:
    offline = scheme.s.offline
    assert offline.redeem_terminal(terminal=scheme.terminal, idempotency_key="evening") == ()
    scheme.terminal.accept(scheme.pay().to_text(), at=scheme.clock.now())
    assert offline.redeem_terminal(terminal=scheme.terminal, idempotency_key="evening") == ()
    assert len(scheme.terminal.queue()) == 1


def test_decision_about_one_voucher_is_found_by_its_number(scheme: Scheme) -> None:
    (settled,) = scheme.redeem(scheme.pay())
    assert scheme.s.offline.decision(voucher_id=settled.voucher_id) == settled


def test_terminal_is_known_by_its_certificate(scheme: Scheme) -> None:
    found = scheme.terminal.chain.terminal
    known = scheme.s.offline.registered_terminal(terminal_id=found.terminal_id)
    assert (known.terminal_id, known.authority) == (found.terminal_id, found.authority)
