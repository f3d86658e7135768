"""A legal instrument is believed only as its issuer signed it, for what it says, while it is valid, and every
refusal of one is an entry of the access log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecny_tax import EcnyTaxError, Fen, FixedClock, InvalidInputError, Sandbox, VerificationError
from ecny_tax.crypto.keyring import Keyring
from ecny_tax.crypto.signatures import decode, encode, payload_of_one, sign_one
from ecny_tax.oversight.documents import CONTENT_TYPE, read_payload
from ecny_tax.store import access
from tests.support import (
    CASE,
    COURT,
    SEED,
    START,
    balance,
    dump,
    instrument,
    judged,
    nameless,
    number_of,
    personal,
    refused,
    refused_and_logged,
)

DAY = timedelta(days=1)


def court_key(s: Sandbox, code: str = "CT440784", role: str = "court") -> Any:
    return s._keyring.signing_key(role, code)


def resigned(s: Sandbox, order: bytes, key: Any = None, **changes: Any) -> bytes:
    """The same instrument with something else in it, signed by the court or by another key."""
    said = decode(payload_of_one(order))
    assert isinstance(said, dict)
    return sign_one(encode(said | changes), key or court_key(s), CONTENT_TYPE)


def test_an_instrument_says_what_was_issued_and_verifies(sandbox: Sandbox) -> None:
    a, b = personal(sandbox), nameless(sandbox)
    order = instrument(sandbox, "trace", b.wallet_id, a.wallet_id, a.wallet_id, opens="phone", depth=4)
    found = sandbox.oversight.read_instrument(instrument=order)
    assert (found.valid, found.reason) == (True, None)
    said = found.instrument
    assert (said.issuer, said.case_no, said.kind, said.depth, said.may_open) == (
        COURT,
        CASE,
        "trace",
        4,
        "phone",
    )
    assert said.wallets == tuple(sorted((a.wallet_id, b.wallet_id)))
    assert said.expires_at - said.issued_at == DAY


@pytest.mark.parametrize("what", ["trace", "identify", "freeze", "unfreeze"])
def test_without_an_instrument_nothing_is_done(sandbox: Sandbox, what: str) -> None:
    wallet = personal(sandbox)
    with refused_and_logged(sandbox, "instrument_required"):
        getattr(sandbox.oversight, what)(wallet_id=wallet.wallet_id, instrument=None)
    (entry,) = sandbox.oversight.accesses()
    assert (entry.entry, entry.action, entry.wallet_id, entry.by) == (1, what, wallet.wallet_id, None)


def test_who_has_no_instrument_is_told_who_may_issue_one(sandbox: Sandbox) -> None:
    wallet = personal(sandbox)
    either, court = ("a court or a public security organ", "法院或公安机关"), ("a court", "法院")
    for what, (en, zh) in {"trace": either, "identify": either, "freeze": court, "unfreeze": court}.items():
        with pytest.raises(EcnyTaxError) as caught:
            getattr(sandbox.oversight, what)(wallet_id=wallet.wallet_id, instrument=None)
        assert caught.value.hint_in("en").startswith(f"give an instrument of {en};")
        assert caught.value.hint_in("zh").startswith(f"请提供{zh}出具的法律文书；")


FORGED = {
    "a flipped bit of the signature": (
        "signature_invalid", lambda s, order: order[:-1] + bytes([order[-1] ^ 1]),
    ),
    "a flipped bit of the payload": (
        "signature_invalid", lambda s, order: order.replace("粤0784".encode(), "粤0785".encode()),
    ),
    "trailing bytes": ("document_malformed", lambda s, order: order + b"\0"),
    "cut off": ("document_malformed", lambda s, order: order[:-1]),
    "too long": ("document_malformed", lambda s, order: order + bytes(70_000)),
    "nothing": ("document_malformed", lambda s, order: b""),
    "another's key under the court's name": (
        "signature_invalid",
        lambda s, order: resigned(s, order, Keyring(bytes(32)).signing_key("court", "CT440784")),
    ),
    "signed by another court": (
        "signer_unknown", lambda s, order: resigned(s, order, court_key(s, "CT2")),
    ),
    "signed by the police in the court's name": (
        "document_malformed",
        lambda s, order: resigned(s, order, court_key(s, "PS440784", "public_security")),
    ),
    "signed by a tax authority": (
        "signer_unknown", lambda s, order: resigned(s, order, court_key(s, "14407840000", "tax_authority")),
    ),
    "a document of another kind": (
        "document_malformed", lambda s, order: sign_one(payload_of_one(order), court_key(s), "text/plain"),
    ),
    "no map": ("document_malformed", lambda s, order: sign_one(encode([1]), court_key(s), CONTENT_TYPE)),
    "one key more": ("document_malformed", lambda s, order: resigned(s, order, more=1)),
    "a wallet twice": (
        "document_malformed",
        lambda s, order: resigned(s, order, wallets=2 * read_payload(payload_of_one(order)).wallets[:1]),
    ),
    "no wallet": ("document_malformed", lambda s, order: resigned(s, order, wallets=[])),
    "an unknown kind": ("document_malformed", lambda s, order: resigned(s, order, kind="arrest")),
    "a depth that is true": ("document_malformed", lambda s, order: resigned(s, order, depth=True)),
    "depth 0": ("document_malformed", lambda s, order: resigned(s, order, depth=0)),
    "depth 11": ("document_malformed", lambda s, order: resigned(s, order, depth=11)),
    "a reversed window": ("document_malformed", lambda s, order: resigned(s, order, to=315_532_800_000_000)),
    "a time before all times": ("document_malformed", lambda s, order: resigned(s, order, issued=-1)),
    "a number of another form": ("document_malformed", lambda s, order: resigned(s, order, number="虚构人")),
    "a phone for a number": (
        "document_malformed", lambda s, order: resigned(s, order, number="J13900000001ABCDEFGHJ"),
    ),
    "a phone for a case": ("document_malformed", lambda s, order: resigned(s, order, case="13900000001")),
}  # fmt: skip


@pytest.mark.parametrize("what", FORGED)
def test_what_is_not_as_its_issuer_signed_it_is_refused_and_nothing_of_it_logged(
    sandbox: Sandbox, what: str
) -> None:
    code, forge = FORGED[what]
    wallet = personal(sandbox)
    order = forge(sandbox, instrument(sandbox, "trace", wallet.wallet_id))
    with refused_and_logged(sandbox, code):
        sandbox.oversight.trace(wallet_id=wallet.wallet_id, instrument=order)
    (entry,) = sandbox.oversight.accesses()
    assert (entry.by, entry.instrument_no, entry.case_no) == (None, None, None)


@pytest.fixture(scope="module")
def issued() -> Iterator[tuple[Sandbox, str, bytes]]:
    """One scheme for many forgeries, with a wallet and a trace of it."""
    with Sandbox.open(":memory:", clock=FixedClock(START), seed=SEED) as s:
        wallet = personal(s)
        yield s, wallet.wallet_id, instrument(s, "trace", wallet.wallet_id)


@settings(max_examples=60)
@given(st.data())
def test_no_single_bit_of_an_instrument_can_be_flipped(
    issued: tuple[Sandbox, str, bytes], data: st.DataObject
) -> None:
    s, wallet_id, order = issued
    place = data.draw(st.integers(0, len(order) * 8 - 1))
    flipped = bytearray(order)
    flipped[place // 8] ^= 1 << place % 8
    with pytest.raises(VerificationError):
        s.oversight.trace(wallet_id=wallet_id, instrument=bytes(flipped))


def test_another_content_under_a_number_that_was_presented_is_forged(sandbox: Sandbox) -> None:
    wallet = personal(sandbox)
    order = instrument(sandbox, "trace", wallet.wallet_id)
    wider = resigned(sandbox, order, depth=9)
    sandbox.oversight.trace(wallet_id=wallet.wallet_id, instrument=order)
    for _ in range(2):
        with refused_and_logged(sandbox, "instrument_number_reused"):
            sandbox.oversight.trace(wallet_id=wallet.wallet_id, instrument=wider)
    sandbox.oversight.trace(wallet_id=wallet.wallet_id, instrument=order)  # a trace is no secret used up


def test_nobody_uses_up_the_number_of_another_issuer(sandbox: Sandbox) -> None:
    wallet = personal(sandbox)
    at = {"wallet_id": wallet.wallet_id}
    police, key = "public_security:PS440784", court_key(sandbox, "PS440784", "public_security")
    trace, freeze = (instrument(sandbox, kind, wallet.wallet_id) for kind in ("trace", "freeze"))
    with refused_and_logged(sandbox, "instrument_beyond_mandate"):
        sandbox.oversight.freeze(**at, instrument=resigned(sandbox, freeze, key, issuer=police))
    sandbox.oversight.trace(**at, instrument=resigned(sandbox, trace, key, issuer=police, depth=1))
    sandbox.oversight.trace(**at, instrument=trace)
    assert sandbox.oversight.freeze(**at, instrument=freeze).status == "frozen"


def test_what_one_issuer_may_not_order_is_refused_before_its_number_is_looked_at(sandbox: Sandbox) -> None:
    wallet = personal(sandbox)
    police, key = "public_security:PS440784", court_key(sandbox, "PS440784", "public_security")
    order = instrument(sandbox, "freeze", wallet.wallet_id)
    for expires in (1_700_000_000_000_000, 1_700_000_000_000_001):
        forged = resigned(sandbox, order, key, issuer=police, expires=expires)
        with refused_and_logged(sandbox, "instrument_beyond_mandate"):
            sandbox.oversight.freeze(wallet_id=wallet.wallet_id, instrument=forged)


def test_an_instrument_is_valid_from_its_issue_until_it_expires(sandbox: Sandbox, clock: FixedClock) -> None:
    wallet = personal(sandbox)
    order = instrument(sandbox, "trace", wallet.wallet_id, issued_at=START + DAY, expires_at=START + 2 * DAY)
    ask = {"wallet_id": wallet.wallet_id, "instrument": order}
    with refused_and_logged(sandbox, "instrument_not_yet_valid"):
        sandbox.oversight.trace(**ask)
    clock.at = START + DAY
    sandbox.oversight.trace(**ask)
    clock.at = START + 2 * DAY - timedelta(microseconds=1)
    sandbox.oversight.trace(**ask)
    clock.at = START + 2 * DAY
    with refused_and_logged(sandbox, "instrument_expired"):
        sandbox.oversight.trace(**ask)


def test_the_clock_is_not_turned_back_to_make_an_instrument_valid_again(
    sandbox: Sandbox, clock: FixedClock
) -> None:
    wallet = personal(sandbox)
    order = instrument(sandbox, "identity", wallet.wallet_id, expires_at=START + DAY)
    ask = {"wallet_id": wallet.wallet_id, "instrument": order}
    clock.at = START + DAY
    with refused_and_logged(sandbox, "instrument_expired"):
        sandbox.oversight.identify(**ask)
    before = dump(sandbox)
    clock.at = START
    with refused(sandbox, "clock_went_back"):
        sandbox.oversight.identify(**ask)
    with refused(sandbox, "clock_went_back"):
        sandbox.oversight.stop(wallet_id=wallet.wallet_id)
    assert dump(sandbox) == before
    clock.at = START + DAY
    sandbox.oversight.stop(wallet_id=wallet.wallet_id)
    assert sandbox.ledger.verify().ok


def test_I14_entries_of_the_access_log_whose_times_fall_are_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(access, "check_clock", lambda tx: None)
    clock = FixedClock(START)
    with Sandbox.open(":memory:", clock=clock, seed=SEED) as s:
        wallet = personal(s)
        refusing = {"wallet_id": wallet.wallet_id, "instrument": None}
        for at in (START + DAY, START):
            clock.at = at
            with pytest.raises(EcnyTaxError):
                s.oversight.trace(**refusing)
        assert [check.detail for check in s.ledger.verify().checks if not check.ok] == ["access entry 2"]


def test_an_instrument_covers_the_wallets_that_it_names_and_is_of_one_kind(sandbox: Sandbox) -> None:
    named, other = personal(sandbox), personal(sandbox, 2)
    orders = {kind: instrument(sandbox, kind, named.wallet_id) for kind in ("trace", "identity", "freeze")}
    with refused_and_logged(sandbox, "instrument_out_of_scope", wallet_id=other.wallet_id):
        sandbox.oversight.trace(wallet_id=other.wallet_id, instrument=orders["trace"])
    acts = {"trace": "trace", "identity": "identify", "freeze": "freeze", "unfreeze": "unfreeze"}
    for kind, act in acts.items():
        for of_kind, order in orders.items():
            if kind != of_kind:
                with refused_and_logged(sandbox, "instrument_kind_differs"):
                    getattr(sandbox.oversight, act)(wallet_id=named.wallet_id, instrument=order)


def test_a_wallet_that_is_not_there_is_refused_and_logged(sandbox: Sandbox) -> None:
    missing = "0021000000000005"
    order = instrument(sandbox, "trace", missing)
    with refused_and_logged(sandbox, "wallet_not_found"):
        sandbox.oversight.trace(wallet_id=missing, instrument=order)
    with refused_and_logged(sandbox, "wallet_id_malformed"):
        sandbox.oversight.trace(wallet_id="虚构人1号", instrument=order)
    assert [entry.wallet_id for entry in sandbox.oversight.accesses()] == [missing, None]


def test_what_an_instrument_tells_may_be_read_again_until_it_expires_and_is_logged_each_time(
    sandbox: Sandbox, clock: FixedClock
) -> None:
    wallet = personal(sandbox)
    for kind, act in (("trace", sandbox.oversight.trace), ("identity", sandbox.oversight.identify)):
        order = instrument(sandbox, kind, wallet.wallet_id)
        before = len(sandbox.oversight.accesses())
        first, again = (act(wallet_id=wallet.wallet_id, instrument=order) for _ in range(2))
        assert first == again
        new = [(entry.action, entry.outcome) for entry in sandbox.oversight.accesses()[before:]]
        assert new == 2 * new[: len(new) // 2] != []
        clock.at += DAY
        with refused_and_logged(sandbox, "instrument_expired"):
            act(wallet_id=wallet.wallet_id, instrument=order)


@pytest.mark.parametrize("kind", ["freeze", "unfreeze"])
def test_a_freeze_or_unfreeze_is_carried_out_once_a_wallet(sandbox: Sandbox, kind: str) -> None:
    a, b = personal(sandbox), personal(sandbox, 2)
    if kind == "unfreeze":
        first = instrument(sandbox, "freeze", a.wallet_id, b.wallet_id)
        for wallet in (a, b):
            sandbox.oversight.freeze(wallet_id=wallet.wallet_id, instrument=first)
    order = instrument(sandbox, kind, a.wallet_id, b.wallet_id)
    act = getattr(sandbox.oversight, kind)
    for wallet in (a, b):
        act(wallet_id=wallet.wallet_id, instrument=order)
        with refused_and_logged(sandbox, "instrument_used_up", wallet_id=wallet.wallet_id):
            act(wallet_id=wallet.wallet_id, instrument=order)


def test_a_freeze_is_not_laid_on_again_by_the_order_that_was_lifted(sandbox: Sandbox) -> None:
    wallet = personal(sandbox)
    order = instrument(sandbox, "freeze", wallet.wallet_id)
    assert sandbox.oversight.freeze(wallet_id=wallet.wallet_id, instrument=order).status == "frozen"
    lift = instrument(sandbox, "unfreeze", wallet.wallet_id)
    assert sandbox.oversight.unfreeze(wallet_id=wallet.wallet_id, instrument=lift).status == "active"
    with refused_and_logged(sandbox, "instrument_used_up"):
        sandbox.oversight.freeze(wallet_id=wallet.wallet_id, instrument=order)


def test_each_freeze_is_lifted_by_itself_and_only_by_the_court_that_laid_it(sandbox: Sandbox) -> None:
    wallet, other = personal(sandbox), personal(sandbox, 2)
    sandbox.parties.add_enforcer(kind="court", code="CT2", name="虚构法院")
    at = {"wallet_id": wallet.wallet_id}
    ours, again, theirs = (
        instrument(sandbox, "freeze", wallet.wallet_id, other.wallet_id, issuer=issuer)
        for issuer in (COURT, COURT, "court:CT2")
    )
    lifts = [
        instrument(sandbox, "unfreeze", wallet.wallet_id, issuer=issuer, follows=number_of(sandbox, order))
        for issuer, order in (
            (COURT, ours), (COURT, theirs), ("court:CT2", ours), (COURT, again), ("court:CT2", theirs),
        )
    ]  # fmt: skip
    for order in (ours, again, theirs):
        assert sandbox.oversight.freeze(**at, instrument=order).status == "frozen"
    sandbox.oversight.freeze(wallet_id=other.wallet_id, instrument=ours)
    assert sandbox.oversight.unfreeze(**at, instrument=lifts[0]).status == "frozen"
    for lift in lifts[1:3]:  # another court's
        with refused_and_logged(sandbox, "instrument_lifts_nothing", wallet_id=wallet.wallet_id):
            sandbox.oversight.unfreeze(**at, instrument=lift)
    twice = instrument(sandbox, "unfreeze", wallet.wallet_id, follows=number_of(sandbox, ours))
    with refused_and_logged(sandbox, "instrument_lifts_nothing"):  # lifted already
        sandbox.oversight.unfreeze(**at, instrument=twice)
    assert sandbox.oversight.unfreeze(**at, instrument=lifts[3]).status == "frozen"
    assert sandbox.oversight.unfreeze(**at, instrument=lifts[4]).status == "active"
    assert sandbox.wallets.show(wallet_id=other.wallet_id).status == "frozen"
    assert sandbox.ledger.verify().ok


def test_each_issues_what_its_mandate_covers(sandbox: Sandbox) -> None:
    wallet = personal(sandbox)
    allowed = {
        "court:CT440784": {"trace", "identity", "freeze", "unfreeze"},
        "public_security:PS440784": {"trace", "identity"},
        "anti_fraud_centre:AF440784": set(),
    }
    for issuer, kinds in allowed.items():
        for kind in ("trace", "identity", "freeze", "unfreeze"):
            if kind in kinds:
                instrument(sandbox, kind, wallet.wallet_id, issuer=issuer)
            else:
                with refused(sandbox, "instrument_beyond_mandate", issuer=issuer):
                    instrument(sandbox, kind, wallet.wallet_id, issuer=issuer)


def test_a_signature_gives_nobody_a_mandate(sandbox: Sandbox) -> None:
    wallet = personal(sandbox)
    police = "public_security:PS440784"
    order = instrument(sandbox, "freeze", wallet.wallet_id)
    key = court_key(sandbox, "PS440784", "public_security")
    forged = resigned(sandbox, order, key, issuer=police)
    with refused_and_logged(sandbox, "instrument_beyond_mandate"):
        sandbox.oversight.freeze(wallet_id=wallet.wallet_id, instrument=forged)
    assert sandbox.oversight.accesses()[0].by == police
    found = sandbox.oversight.read_instrument(instrument=forged)
    assert (found.valid, found.reason) == (False, "instrument_beyond_mandate")


def test_a_court_that_was_added_issues_instruments(sandbox: Sandbox) -> None:
    wallet = personal(sandbox)
    party = sandbox.parties.add_enforcer(kind="court", code="CT1", name="虚构法院")
    order = instrument(sandbox, "freeze", wallet.wallet_id, issuer=party.party)
    assert sandbox.oversight.freeze(wallet_id=wallet.wallet_id, instrument=order).status == "frozen"
    assert sandbox.parties.published_keys()["court:CT1"] == party.public_key.hex()
    with refused(sandbox, "party_exists"):
        sandbox.parties.add_enforcer(kind="court", code="CT1", name="虚构法院")
    for kind, code, refusal in (
        ("court", "ct1", "party_code_malformed"), ("court", "", "party_code_malformed"),
        ("operator", "CT2", "party_kind_unknown"), ("sheriff", "CT2", "party_kind_unknown"),
    ):  # fmt: skip
        with refused(sandbox, refusal):
            sandbox.parties.add_enforcer(kind=kind, code=code, name="虚构")


MALFORMED: list[tuple[str, str, dict[str, Any]]] = [
    ("instrument_window_reversed", "trace", {"window_to": START - 900 * DAY}),
    ("instrument_depth_malformed", "trace", {"depth": 0}),
    ("instrument_depth_malformed", "trace", {"depth": -1}),
    ("instrument_depth_malformed", "trace", {"depth": 11}),
    ("instrument_scope_malformed", "trace", {"depth": None}),
    ("instrument_depth_malformed", "trace", {"depth": True}),
    ("instrument_scope_malformed", "trace", {"window_from": None}),
    ("instrument_scope_malformed", "trace", {"follows": "J23042000000000000000"}),
    ("instrument_scope_malformed", "freeze", {"follows": "J23042000000000000000"}),
    ("instrument_scope_malformed", "unfreeze", {"follows": None}),
    ("instrument_scope_malformed", "freeze", {"opens": "phone"}),
    ("instrument_scope_malformed", "freeze", {"depth": 3}),
    ("instrument_scope_malformed", "identity", {"window_from": START}),
    ("instrument_period_reversed", "freeze", {"expires_at": START}),
    ("instrument_kind_unknown", "arrest", {}),
    ("instrument_opens_unknown", "identity", {"opens": "diary"}),
    ("instrument_number_malformed", "identity", {"follows": "虚构人1号"}),
    ("case_malformed", "freeze", {"case_no": ""}),
    ("case_malformed", "freeze", {"case_no": " \n"}),
    ("case_malformed", "freeze", {"case_no": "a\nb"}),
    ("case_malformed", "freeze", {"case_no": "案" * 61}),
    ("case_malformed", "freeze", {"case_no": "440784199001010018"}),
    ("case_malformed", "freeze", {"case_no": "案139 0000 0001"}),
    ("case_malformed", "freeze", {"case_no": "案139-0000—0001"}),
    ("case_malformed", "freeze", {"case_no": "案１３９００００　０００１"}),
    ("case_malformed", "freeze", {"case_no": "案139.0000_0001"}),
    ("case_malformed", "freeze", {"case_no": "案٠١٢٣٤٥٦٧٨٩٠"}),
    ("instrument_number_malformed", "identity", {"follows": "J13900000001000000000"}),
    ("instrument_number_malformed", "identity", {"follows": "J230420ILOU0000000000"}),
    ("enforcer_malformed", "freeze", {"issuer": "ICBC"}),
    ("enforcer_malformed", "freeze", {"issuer": "operator:ICBC"}),
    ("enforcer_malformed", "freeze", {"issuer": "court:\udcff"}),
    ("enforcer_not_found", "freeze", {"issuer": "court:NONE"}),
    ("time_malformed", "freeze", {"expires_at": START.replace(year=9000)}),
]


@pytest.mark.parametrize(("code", "kind", "wishes"), MALFORMED)
def test_a_malformed_instrument_is_not_issued(
    sandbox: Sandbox, code: str, kind: str, wishes: dict[str, Any]
) -> None:
    wallet = personal(sandbox)
    with refused(sandbox, code):
        instrument(sandbox, kind, wallet.wallet_id, **wishes)


def test_the_wallets_of_an_instrument_are_some_and_not_too_many(sandbox: Sandbox) -> None:
    ids = [f"0021{number:011d}" for number in range(70)]
    from ecny_tax.identifiers import luhn_digit

    whole = [body + luhn_digit(body) for body in ids]
    instrument(sandbox, "freeze", *whole[:64])
    for wallets in ([], whole[:65]):
        with refused(sandbox, "instrument_wallets_malformed"):
            instrument(sandbox, "freeze", *wallets)
    with refused(sandbox, "wallet_id_malformed"):
        instrument(sandbox, "freeze", "12")


@given(st.binary(max_size=300))
def test_bytes_that_are_no_instrument_are_refused(data: bytes) -> None:
    for read in (read_payload, payload_of_one):
        try:
            read(data)
        except VerificationError as refusal:
            judged(refusal, "document_malformed")


@given(st.dictionaries(
    st.sampled_from([
        "case", "depth", "expires", "follows", "from", "issued", "issuer", "kind", "number", "opens", "to",
        "wallets",
    ]),
    st.one_of(
        st.none(), st.integers(-9, 2**60), st.text(max_size=9), st.booleans(), st.just([1]), st.just({}),
    ),
))  # fmt: skip
def test_a_payload_of_any_values_is_an_instrument_in_its_one_form_or_refused(said: dict[str, Any]) -> None:
    with pytest.raises(VerificationError) as caught:
        read_payload(encode(said))
    judged(caught.value, "document_malformed")


def test_an_invalid_direction_is_refused_and_logged(sandbox: Sandbox) -> None:
    wallet = personal(sandbox, fund=Fen(5))
    order = instrument(sandbox, "trace", wallet.wallet_id)
    with refused_and_logged(sandbox, "direction_unknown"):
        sandbox.oversight.trace(wallet_id=wallet.wallet_id, instrument=order, direction="sideways")
    assert balance(sandbox, wallet) == 5


def test_issuing_and_showing_change_nothing(sandbox: Sandbox) -> None:
    wallet = personal(sandbox)
    before = dump(sandbox)
    order = instrument(sandbox, "trace", wallet.wallet_id)
    sandbox.oversight.read_instrument(instrument=order)
    with pytest.raises(EcnyTaxError):
        sandbox.oversight.read_instrument(instrument=b"x")
    with pytest.raises(InvalidInputError):
        sandbox.oversight.accesses(wallet_id="x")
    assert dump(sandbox) == before
