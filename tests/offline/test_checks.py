"""Each check of a voucher has its own code, in the order that is promised; the clock's edges are exact."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ecny_tax.clock import rfc3339
from ecny_tax.errors import VerificationError
from ecny_tax.money import Fen
from ecny_tax.offline.bundles import EvidenceBundle, TrustBundle, UnloadBundle, VoucherBundle
from ecny_tax.offline.chains import Trust, payee_chain
from ecny_tax.offline.checks import CHECKS, examine
from ecny_tax.offline.evidence import verify_evidence
from ecny_tax.offline.objects import RevocationList, Seconds, UnloadStatement, digest
from tests.offline import hand
from tests.offline.hand import AMOUNT, DAY, NOW, OPEN, SKEW, chained, code_of
from tests.offline.hostile import REFUSED, second
from tests.support import START

ROOT_KEY = hand.ROOT.public_bytes


def test_good_vouchers_pass_every_check() -> None:
    for good in (chained(), second()):
        assert hand.verify(good.to_bytes()).bundle == good
        found = examine(good.to_bytes, hand.trust(), at=NOW, skew=SKEW)
        assert found.valid
        assert found.problem is None
        assert [check.check for check in found.checks] == list(CHECKS)[:-1]
        assert all(check.ok and check.code is None and check.what and check.what_zh for check in found.checks)


@pytest.mark.parametrize(("check", "code", "made"), REFUSED.values(), ids=REFUSED)
def test_each_check_refuses_by_its_own_code(check: str, code: str, made: Callable[[], VoucherBundle]) -> None:
    data, trust = made().to_bytes(), hand.trust()
    assert code_of(lambda: hand.verify(data)) == code
    found = examine(lambda: data, trust, at=NOW, skew=SKEW)
    assert not found.valid
    assert found.problem is not None
    assert found.problem.code == code
    names = list(CHECKS)
    assert [one.check for one in found.checks] == names[: names.index(check) + 1]
    assert [one.ok for one in found.checks] == [True] * (len(found.checks) - 1) + [False]
    assert found.checks[-1].code == code
    assert (found.presented is None) == (check == "form")


def told(*, seconds: int) -> str:
    """A time so many seconds from now, as refusals tell it."""
    return rfc3339(START + timedelta(seconds=seconds))


#: What some of them tell of the voucher.
_SAID = {
    "a voucher of another load": "the voucher is of load L2, which its chain does not certify",
    "a voucher that another device signed": "the signature of device:D1 is not valid",
    "a device no more in force": f"certificate C4 is not in force at {told(seconds=0)}",
    "a load that expired before the request": f"load L1 was to be spent until {told(seconds=-SKEW - 1)}",
    "a voucher from the future": f"the voucher bears a time to come: {told(seconds=SKEW + 1)}",
    "a counter above the load's": "counter 101 is none of load L1",
    "a load of more vouchers than the cap": "the voucher or its load is above a cap of device D1",
    "less spent than the voucher pays": "the sum of voucher 2 of load L1 cannot be",
    "another payee than who asked": "the voucher does not pay what its request for bill B1 asks for",
    "paid before it was asked for": f"the request was open until {told(seconds=OPEN)}",
}


@pytest.mark.parametrize(("name", "sentence"), _SAID.items(), ids=_SAID)
def test_a_refusal_names_what_is_wrong(name: str, sentence: str) -> None:
    with pytest.raises(VerificationError) as refusal:
        hand.verify(REFUSED[name][2]().to_bytes())
    assert refusal.value.message("en") == sentence


@pytest.mark.parametrize(
    ("revoked", "sentence"),
    [
        (hand.revocations(("D1", NOW - DAY)), f"D1 has been revoked since {told(seconds=-DAY)}"),
        (
            hand.revocations(renew_by=Seconds(NOW - DAY)),
            f"the revocation list had to be renewed by {told(seconds=-DAY)}",
        ),
    ],
    ids=["revoked", "stale"],
)
def test_a_refusal_names_what_was_revoked_or_is_old(revoked: RevocationList, sentence: str) -> None:
    with pytest.raises(VerificationError) as refusal:
        hand.verify(hand.bundle().to_bytes(), anchor=hand.trust(revoked))
    assert refusal.value.message("en") == sentence


def test_a_list_that_another_signed_is_told_as_of_the_root() -> None:
    bundle = TrustBundle(hand.root().signed(hand.ROOT), hand.revocations().signed(hand.STRANGER))
    with pytest.raises(VerificationError) as refusal:
        Trust.read(bundle)
    assert refusal.value.message("en") == "the signature of root is not valid"


def test_what_fails_several_checks_is_refused_by_the_first() -> None:
    late = {"not_after": NOW - SKEW - 1}
    wrong = {"counter": 0, "payee": "T2"}
    revoked = hand.trust(hand.revocations(("L1", NOW)))
    steps = [
        (chained(paid=wrong | {"load_id": "L2"}, device=late), "voucher_of_other_load"),
        (chained(paid=wrong, device=late), "certificate_not_in_force"),
        (chained(paid=wrong), "voucher_counter_out_of_range"),
        (chained(paid={"payee": "T2"}), "voucher_not_for_request"),
        (chained(), "certificate_revoked"),
    ]
    for bundle, code in steps:
        assert code_of(lambda b=bundle: hand.verify(b.to_bytes(), anchor=revoked)) == code


# --- the edges of time --------------------------------------------------------------------------------------


@pytest.mark.parametrize("of", ["operator", "device"])
@pytest.mark.parametrize(
    ("field", "edge", "step"), [("not_before", NOW + SKEW, 1), ("not_after", NOW - SKEW, -1)]
)
def test_certificate_counts_to_the_second_within_the_clock_skew(
    of: str, field: str, edge: int, step: int
) -> None:
    assert hand.verify(chained(**{of: {field: edge}}).to_bytes())
    late = chained(**{of: {field: edge + step}}).to_bytes()
    assert code_of(lambda: hand.verify(late)) == "certificate_not_in_force"


@pytest.mark.parametrize(
    ("field", "edge", "step"), [("not_before", NOW + SKEW, 1), ("not_after", NOW - SKEW, -1)]
)
def test_root_counts_to_the_second_within_the_clock_skew(field: str, edge: int, step: int) -> None:
    data = hand.bundle().to_bytes()
    good = hand.trust(of_root=hand.root(**{field: edge}).signed(hand.ROOT))
    late = hand.trust(of_root=hand.root(**{field: edge + step}).signed(hand.ROOT))
    assert hand.verify(data, anchor=good)
    assert code_of(lambda: hand.verify(data, anchor=late)) == "certificate_not_in_force"


def test_certificates_are_judged_by_the_time_of_the_request_not_of_the_check() -> None:
    expiring = chained(device={"not_after": NOW}, load={"spend_by": NOW}).to_bytes()
    assert hand.verify(expiring, at=NOW + 6 * DAY)


def test_device_cannot_extend_its_certificate_or_load_by_its_own_clock() -> None:
    expired = chained(device={"not_after": NOW - DAY}, paid={"paid_at": NOW - SKEW})
    assert code_of(lambda: hand.verify(expired.to_bytes())) == "certificate_not_in_force"
    spent = chained(load={"spend_by": NOW - DAY}, paid={"paid_at": NOW - SKEW})
    assert code_of(lambda: hand.verify(spent.to_bytes())) == "voucher_load_expired"


@pytest.mark.parametrize(
    ("changes", "at", "code"),
    [
        ({"load": {"spend_by": NOW - SKEW}}, NOW, None),
        ({"load": {"spend_by": NOW - SKEW - 1}}, NOW, "voucher_load_expired"),
        ({"paid": {"paid_at": NOW + SKEW}}, NOW, None),
        ({"paid": {"paid_at": NOW + SKEW + 1}}, NOW, "voucher_from_the_future"),
        ({"paid": {"paid_at": NOW + SKEW + 1}}, NOW + 1, None),
        ({"paid": {"paid_at": NOW - SKEW}}, NOW, None),
        ({"paid": {"paid_at": NOW - SKEW - 1}}, NOW, "voucher_request_expired"),
        ({"paid": {"paid_at": NOW + OPEN + SKEW}}, NOW + DAY, None),
        ({"paid": {"paid_at": NOW + OPEN + SKEW + 1}}, NOW + DAY, "voucher_request_expired"),
        ({}, NOW + 7 * DAY + SKEW, None),
        ({}, NOW + 7 * DAY + SKEW + 1, "revocation_list_stale"),
    ],
    ids=ascii,
)
def test_clocks_may_differ_by_the_skew_to_the_second(
    changes: dict[str, Any], at: int, code: str | None
) -> None:
    data = chained(**changes).to_bytes()
    if code is None:
        assert hand.verify(data, at=at)
    else:
        assert code_of(lambda: hand.verify(data, at=at)) == code


# --- limits -------------------------------------------------------------------------------------------------


def test_counters_amounts_and_sums_are_good_to_their_edges() -> None:
    asked = {"amount": Fen(1000_00)}
    whole = {"amount": Fen(5000_00), "first_counter": 1, "last_counter": 100}
    at_the_caps = chained(request=asked, load=whole)
    assert hand.verify(at_the_caps.to_bytes())
    assert hand.verify(second(counter=100, spent=Fen(500_00)).to_bytes())
    assert hand.verify(second(spent=AMOUNT).to_bytes())
    assert hand.verify(chained(load={"amount": AMOUNT}).to_bytes())
    assert hand.verify(chained(device={"cap_single": AMOUNT, "cap_count": 100}).to_bytes())


# --- revocation ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("serial", ["C2", "C4", "D1", "L1"])
def test_voucher_asked_for_before_a_revocation_stays_good_and_none_after(serial: str) -> None:
    data = hand.bundle().to_bytes()
    before = hand.trust(hand.revocations((serial, NOW + 1)))
    assert hand.verify(data, anchor=before)
    for since in (NOW, NOW - 1, NOW - 100 * DAY):
        after = hand.trust(hand.revocations(("D7", 10**9), (serial, since)))
        assert code_of(lambda after=after: hand.verify(data, anchor=after)) == "certificate_revoked"


def test_revocation_of_others_does_not_matter() -> None:
    others = hand.revocations(("C9", NOW - DAY), ("D2", NOW - DAY), ("L2", NOW - DAY), ("W1", NOW - DAY))
    assert hand.verify(hand.bundle().to_bytes(), anchor=hand.trust(others))


def test_stale_list_is_told_before_what_it_says() -> None:
    old = hand.trust(hand.revocations(("D1", NOW), renew_by=Seconds(NOW - SKEW - 1)))
    data = hand.bundle().to_bytes()
    assert code_of(lambda: hand.verify(data, anchor=old)) == "revocation_list_stale"


# --- the payee's chain --------------------------------------------------------------------------------------


def test_terminal_of_another_authority_is_refused() -> None:
    of_authority = hand.authority(authority="14400000000").signed(hand.ROOT)
    of_terminal = hand.terminal().signed(hand.AUTHORITY_KEY)
    code = code_of(lambda: payee_chain(ROOT_KEY, of_authority, of_terminal))
    assert code == "terminal_of_other_authority"


# --- evidence -----------------------------------------------------------------------------------------------


def other_voucher(**paid: Any) -> VoucherBundle:
    asked = hand.request(nonce=bytes(16), bill_no="B2").signed(hand.TERMINAL)
    return hand.bundle(hand.voucher(asked, **paid))


def test_two_vouchers_with_one_counter_prove_a_double_spend_by_the_root_alone() -> None:
    first, other = hand.bundle(), other_voucher()
    for pair in ((first, other), (other, first)):
        evidence = EvidenceBundle(*(one.to_bytes() for one in pair))
        found = verify_evidence(EvidenceBundle.from_text(evidence.to_text()), hand.root())
        assert (found.device_id, found.wallet_id, found.load_id, found.counter) == ("D1", "W1", "L1", 1)
        assert [found.first, found.second] == [one.voucher_id for one in pair]


@pytest.mark.parametrize(
    "other",
    [
        hand.bundle,
        lambda: hand.bundle(of_device=hand.device(serial="C6").signed(hand.OPERATOR)),
        lambda: other_voucher(counter=2, spent=Fen(240_00), previous=digest(hand.bundle().voucher)),
        lambda: other_voucher(counter=3, spent=Fen(240_00), previous=bytes(32)),
    ],
    ids=[
        "the same voucher",
        "the same voucher with a renewed certificate",
        "the next voucher",
        "a later one",
    ],
)
def test_evidence_that_proves_nothing_is_refused(other: Callable[[], VoucherBundle]) -> None:
    evidence = EvidenceBundle(hand.bundle().to_bytes(), other().to_bytes())
    assert code_of(lambda: verify_evidence(evidence, hand.root())) == "evidence_proves_nothing"


def test_evidence_of_two_loads_proves_nothing() -> None:
    of_load = hand.load(load_id="L2").signed(hand.OPERATOR)
    other = hand.bundle(hand.voucher(load_id="L2"), of_load=of_load)
    evidence = EvidenceBundle(hand.bundle().to_bytes(), other.to_bytes())
    assert code_of(lambda: verify_evidence(evidence, hand.root())) == "evidence_proves_nothing"


def test_evidence_that_somebody_else_signed_is_refused() -> None:
    asked = hand.request(nonce=bytes(16)).signed(hand.TERMINAL)
    forged = hand.bundle(hand.voucher(asked), by=hand.TERMINAL)
    for pair in ((hand.bundle(), forged), (forged, hand.bundle())):
        evidence = EvidenceBundle(*(one.to_bytes() for one in pair))
        assert code_of(lambda e=evidence: verify_evidence(e, hand.root())) == "signature_invalid"
    good = EvidenceBundle(hand.bundle().to_bytes(), other_voucher().to_bytes())
    strange = hand.root(public_key=hand.STRANGER.public_bytes)
    assert code_of(lambda: verify_evidence(good, strange)) == "signature_invalid"


FORKS: dict[str, dict[str, Any]] = {
    "naming another before it": {"counter": 2, "spent": Fen(240_00), "previous": bytes(32)},
    "paying the same money again": {"counter": 2, "spent": AMOUNT, "previous": b"first"},
    "leaving money out": {"counter": 2, "spent": Fen(300_00), "previous": b"first"},
    "paying money again after a gap": {"counter": 9, "spent": Fen(239_99), "previous": bytes(32)},
}


@pytest.mark.parametrize("fork", FORKS.values(), ids=FORKS)
def test_two_vouchers_that_cannot_follow_each_other_prove_a_double_spend(fork: dict[str, Any]) -> None:
    first = hand.bundle()
    if fork["previous"] == b"first":
        fork = fork | {"previous": digest(first.voucher)}
    for pair in ((first, other_voucher(**fork)), (other_voucher(**fork), first)):
        found = verify_evidence(EvidenceBundle(*(one.to_bytes() for one in pair)), hand.root())
        assert found.proves == "voucher_chain_forked"


def statement(**said: Any) -> UnloadBundle:
    """What the device says when it gives its load back after the first voucher."""
    first = hand.bundle()
    honest = UnloadStatement("L1", "D1", AMOUNT, 2, digest(first.voucher), Seconds(NOW + 60))
    signed = replace(honest, **said).signed(hand.DEVICE)
    return UnloadBundle(first.operator, first.device, first.load, signed)


UNLOADS: dict[str, tuple[str, Callable[[], VoucherBundle], dict[str, Any]]] = {
    "a voucher at its counter": (
        "voucher_after_unload", lambda: other_voucher(counter=2, spent=Fen(240_00)), {}),
    "a voucher behind it": ("voucher_after_unload", lambda: other_voucher(counter=7, spent=Fen(240_00)), {}),
    "less spent than was": ("voucher_chain_forked", hand.bundle, {"spent": Fen(1)}),
    "another last voucher": ("voucher_chain_forked", hand.bundle, {"last": bytes(32)}),
}  # fmt: skip


@pytest.mark.parametrize(("proves", "other", "said"), UNLOADS.values(), ids=UNLOADS)
def test_unload_statement_and_a_voucher_that_contradict_each_other_are_evidence(
    proves: str, other: Callable[[], VoucherBundle], said: dict[str, Any]
) -> None:
    pair = (statement(**said).to_bytes(), other().to_bytes())
    for both in (pair, pair[::-1]):
        evidence = EvidenceBundle.from_text(EvidenceBundle(*both).to_text())
        found = verify_evidence(evidence, hand.root())
        assert (found.proves, found.load_id, found.device_id) == (proves, "L1", "D1")
        assert {found.first[0], found.second[0]} == {"U", "V"}


def test_honest_unload_statement_proves_nothing() -> None:
    for pair in ((statement(), hand.bundle()), (statement(), statement())):
        evidence = EvidenceBundle(*(one.to_bytes() for one in pair))
        assert code_of(lambda e=evidence: verify_evidence(e, hand.root())) == "evidence_proves_nothing"
    forged = replace(statement(spent=Fen(1)), statement=statement(spent=Fen(1)).statement[:-1] + b"\x00")
    evidence = EvidenceBundle(forged.to_bytes(), hand.bundle().to_bytes())
    assert code_of(lambda: verify_evidence(evidence, hand.root())) == "signature_invalid"
