"""Signed receipts: they say what is printed, verify with the published keys alone, and nothing else does."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycose.algorithms import EdDSA
from pycose.headers import KID, Algorithm, ContentType
from pycose.keys import OKPKey
from pycose.keys.curves import Ed25519
from pycose.messages import Sign1Message

from ecny_tax import Fen, FixedClock, Sandbox, VerificationError
from ecny_tax import verify_receipt as verify
from ecny_tax.errors import Language
from ecny_tax.ledger.checkpoint import sign_checkpoint
from ecny_tax.payments import receipts, rows, signing
from ecny_tax.payments.printing import as_html, as_text
from ecny_tax.payments.receipt_form import content_of
from ecny_tax.payments.signing import CONTENT_TYPE
from ecny_tax.refunds.verification import signed_paper, verify_page
from ecny_tax.store import log
from ecny_tax.text_form import from_text, to_text
from tests.offline import qr_reader
from tests.payments import signed
from tests.payments.signed import (
    CHECKPOINT,
    CONTENT,
    HASHES,
    ISSUED_AT,
    KIND,
    MODES,
    STEPS,
    TRANSFERS,
    TREASURY,
    VERSION,
    check,
    payload,
    plain,
    reason,
)
from tests.support import START, corporate, judged, owe, refused

LANGUAGES: tuple[Language, ...] = ("en", "zh")


@pytest.fixture(params=list(MODES))
def receipt_no(request: pytest.FixtureRequest, sandbox: Sandbox) -> str:
    """The number of a receipt, of every mode in turn."""
    return MODES[request.param](sandbox)


# --- what it says ---------------------------------------------------------------------------------------


def test_i14_every_receipt_proves_its_inclusion_and_says_what_is_printed(
    sandbox: Sandbox, receipt_no: str
) -> None:
    data = sandbox.payments.signed_receipt(receipt_no=receipt_no)
    found = check(sandbox, data)
    assert (found.valid, found.reason, found.problem) == (True, None, None)
    assert found.receipt == plain(sandbox.payments.receipt(receipt_no=receipt_no))
    assert (found.signer, found.issued_at) == (f"treasury:{TREASURY}", START)
    assert found.origin in sandbox.published_keys()
    assert found.sealed is not None
    assert found.sealed >= sandbox.ledger.status().transfers


def test_with_explain_the_steps_are_signed_too(sandbox: Sandbox, receipt_no: str) -> None:
    data = sandbox.payments.signed_receipt(receipt_no=receipt_no, explain=True)
    assert check(sandbox, data).receipt == sandbox.payments.receipt(receipt_no=receipt_no)


def test_a_late_fee_has_lines_of_its_own(sandbox: Sandbox, clock: FixedClock) -> None:
    wallet = corporate(sandbox, fund=Fen(10**8))
    bill = owe(sandbox, wallet, 10**6)
    clock.advance(timedelta(days=60))
    payment = sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id)
    assert payment.late_fee
    found = check(sandbox, sandbox.payments.signed_receipt(receipt_no=payment.receipt_no)).receipt
    assert found == plain(sandbox.payments.receipt(receipt_no=payment.receipt_no))
    assert len({line.tax for line in found.lines}) == 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_paper_is_printed_again_from_what_is_signed(
    sandbox: Sandbox, receipt_no: str, language: Language
) -> None:
    data = sandbox.payments.signed_receipt(receipt_no=receipt_no)
    found = check(sandbox, to_text(data)).receipt
    assert found is not None
    paper = receipts.paper(sandbox.payments.receipt(receipt_no=receipt_no))
    assert as_text(signed_paper(found, data), language) == as_text(paper, language)


def test_a_receipt_of_before_the_reversal_still_verifies_and_does_not_know_it(sandbox: Sandbox) -> None:
    receipt_no = signed.real_time_debit(sandbox)
    early = sandbox.payments.signed_receipt(receipt_no=receipt_no)
    sandbox.payments.reverse(payment_no=sandbox.payments.receipt(receipt_no=receipt_no).payment_no)
    late = sandbox.payments.signed_receipt(receipt_no=receipt_no)
    before, after = check(sandbox, early).receipt, check(sandbox, late).receipt
    assert (before.status, before.reversed_at) == ("settled", None)
    assert (after.status, after.reversed_at) == ("reversed", START)
    assert len(payload(late)[TRANSFERS]) == 2


def test_printed_twice_it_differs_in_the_print_count_alone(sandbox: Sandbox) -> None:
    receipt_no = signed.real_time_debit(sandbox)
    printed: list[tuple[Any, bytes]] = []
    for _ in range(2):
        sandbox.payments.print_receipt(receipt_no=receipt_no, deliver=lambda *one: printed.append(one))
    first, second = (payload(data) for _, data in printed)
    assert [check(sandbox, data).receipt for _, data in printed] == [plain(one) for one, _ in printed]
    assert [one.print_count for one, _ in printed] == [1, 2]
    assert (first[CONTENT].pop(12), second[CONTENT].pop(12)) == (1, 2)
    assert first == second
    pages = [as_html(signed_paper(one, b""), "zh") for one, _ in printed]
    assert pages[0].replace("<dt>打印次数</dt><dd>1<", "<dt>打印次数</dt><dd>2<") == pages[1] != pages[0]


def test_signing_counts_no_print_and_moves_nothing(sandbox: Sandbox) -> None:
    receipt_no = signed.real_time_debit(sandbox)
    before = sandbox.ledger.status()
    first = sandbox.payments.signed_receipt(receipt_no=receipt_no)
    assert sandbox.payments.signed_receipt(receipt_no=receipt_no) == first
    assert sandbox.payments.receipt(receipt_no=receipt_no).print_count == 0
    assert sandbox.ledger.status() == before


def test_there_is_no_signed_receipt_of_what_is_not_there(sandbox: Sandbox) -> None:
    with refused(sandbox, "receipt_not_found"):
        sandbox.payments.signed_receipt(receipt_no="0")
    with refused(sandbox, "receipt_not_found"):
        sandbox.payments.print_receipt(receipt_no="0", deliver=lambda *_: None)


@pytest.mark.parametrize("mode", ["real_time_debit", "reversed"])
def test_it_is_small_enough_for_a_code_on_a_ledger_of_a_million(sandbox: Sandbox, mode: str) -> None:
    """A path has one hash more for each doubling: on a million records 20, each of 32 bytes."""
    data = sandbox.payments.signed_receipt(receipt_no=MODES[mode](sandbox))
    parts = payload(data)
    missing = 20 - len(parts[TRANSFERS][0][2])
    assert 0 < missing < 20
    assert len(data) + missing * (32 + len(parts[TRANSFERS])) < 2_000


# --- another implementation -----------------------------------------------------------------------------


def test_pycose_verifies_it_with_the_published_key(sandbox: Sandbox, receipt_no: str) -> None:
    data = sandbox.payments.signed_receipt(receipt_no=receipt_no)
    tag = cbor2.loads(data)
    assert tag.tag == 18
    protected, unprotected, content, signature = tag.value
    found: Any = Sign1Message.from_cose_obj([protected, dict(unprotected), content, signature], False)
    name = f"treasury:{TREASURY}"
    assert found.phdr == {Algorithm: EdDSA, ContentType: CONTENT_TYPE, KID: name.encode()}
    found.key = OKPKey(crv=Ed25519, x=bytes.fromhex(sandbox.published_keys()[name]))
    assert found.verify_signature()
    found.key = OKPKey(crv=Ed25519, x=bytes.fromhex(sandbox.published_keys()["operator:ICBC"]))
    assert not found.verify_signature()


def test_what_pycose_signs_is_the_same_to_the_byte(sandbox: Sandbox) -> None:
    data = sandbox.payments.signed_receipt(receipt_no=signed.scan(sandbox))
    key = sandbox._keyring.signing_key("treasury", TREASURY)
    message: Any = Sign1Message(
        phdr={Algorithm: EdDSA, ContentType: CONTENT_TYPE, KID: key.name.encode()},
        payload=cbor2.loads(data).value[2],
        key=OKPKey(
            crv=Ed25519,
            x=key.public_bytes,
            d=sandbox._keyring._derive(f"ed25519/treasury/{TREASURY}"),
        ),
    )
    assert bytes(message.encode()) == data


# --- what does not verify -------------------------------------------------------------------------------


def test_every_flipped_bit_is_refused_by_a_code(sandbox: Sandbox) -> None:
    data = sandbox.payments.signed_receipt(receipt_no=signed.scan(sandbox))
    keys = sandbox.published_keys()
    reasons = set()
    for place in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << place % 8
        found = verify(bytes(flipped), keys)
        assert not found.valid, place
        assert found.receipt is None
        reasons.add(found.reason)
    assert reasons == {"document_malformed", "signer_unknown", "signature_invalid"}


def test_whatever_is_cut_off_or_added_is_refused(sandbox: Sandbox) -> None:
    data = sandbox.payments.signed_receipt(receipt_no=signed.scan(sandbox))
    for size in range(len(data)):
        assert reason(sandbox, data[:size]) == "document_malformed"
    for more in (b"\0", b"\xf6", data):
        assert reason(sandbox, data + more) == "document_malformed"
    assert reason(sandbox, to_text(data)[:-1]) in ("object_text_malformed", "document_malformed")
    assert reason(sandbox, to_text(data) + "A") in ("object_text_malformed", "document_malformed")
    assert reason(sandbox, "") == "object_text_malformed"


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200)), st.dictionaries(st.text(), st.text()))
def test_whatever_else_is_no_receipt_and_raises_nothing(data: bytes | str, keys: dict[str, str]) -> None:
    found = verify(data, keys)
    assert not found.valid
    assert isinstance(found.problem, VerificationError)


_PLAIN = st.recursive(
    st.none()
    | st.integers(-(2**63), 2**64 - 1)
    | st.text(max_size=8)
    | st.binary(max_size=8)
    | st.booleans(),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=8,
)


@given(data=st.data())
def test_a_treasury_that_signs_nonsense_is_judged_and_raises_nothing(data: st.DataObject) -> None:
    """Any one value anywhere in the payload is replaced by any other, and signed with the right key."""
    with Sandbox.open(":memory:", clock=FixedClock(START), seed="nonsense") as s:
        mode = data.draw(st.sampled_from(["scan_to_pay", "reversed"]))
        parts = payload(s.payments.signed_receipt(receipt_no=MODES[mode](s)))
        holder, place = parts, data.draw(st.integers(0, len(parts) - 1))
        while isinstance(holder[place], list) and holder[place] and data.draw(st.booleans()):
            holder = holder[place]
            place = data.draw(st.integers(0, len(holder) - 1))
        holder[place] = data.draw(_PLAIN)
        found = check(s, signed.signed(s, parts))
        if found.valid:  # names and the like are what the treasury says they are: shown as they were signed
            shown = found.receipt
            assert content_of(shown) == parts[CONTENT]
            assert [[one.label, one.label_zh, one.amount, one.citation] for one in shown.steps] == parts[
                STEPS
            ]
        else:
            assert isinstance(found.problem, VerificationError)
            judged(found.problem, str(found.reason))


Change = Callable[[Sandbox, list[Any]], object]


def put(*where: int, value: object) -> Change:
    """A change of the payload at this place."""

    def change(_: Sandbox, parts: list[Any]) -> None:
        for place in where[:-1]:
            parts = parts[place]
        parts[where[-1]] = value(parts[where[-1]]) if callable(value) else value

    return change


def all_of(*changes: Change) -> Change:
    def change(s: Sandbox, parts: list[Any]) -> None:
        for one in changes:
            one(s, parts)

    return change


def swapped_proof(s: Sandbox, parts: list[Any]) -> None:
    """The proof of another transfer of the same ledger, whole and good."""
    wallet = corporate(s, 2, fund=Fen(100))
    payment = s.payments.pay(bill_no=owe(s, wallet, 100).bill_no, wallet_id=wallet.wallet_id)
    other = payload(s.payments.signed_receipt(receipt_no=payment.receipt_no))
    parts[CHECKPOINT:] = other[CHECKPOINT:]


def note_by(role: str) -> Change:
    """The same tree, its checkpoint signed with another key under the name of the ledger."""

    def change(s: Sandbox, parts: list[Any]) -> None:
        from ecny_tax.crypto.signatures import SigningKey
        from ecny_tax.ledger.checkpoint import read_checkpoint

        found = read_checkpoint(parts[CHECKPOINT])
        key = SigningKey(found.origin, bytes(32)) if role == "another key" else None
        name = "ledger:0123456789abcdef" if key is None else found.origin
        signer = key or SigningKey(name, bytes(32))
        parts[CHECKPOINT] = sign_checkpoint(signer, size=found.size, root=found.root).note

    return change


def larger(note: str) -> str:
    """The note of a tree of ten times as many records."""
    origin, size, rest = note.split("\n", 2)
    return f"{origin}\n{size}0\n{rest}"


LINE = (CONTENT, 16, 0, 2, 0, 1)
#: By name: the reason, and what a treasury would have signed.  The receipt is a scan of one yuan.
FORGED: dict[str, tuple[str, Change]] = {
    "a version to come": ("receipt_version_unknown", put(VERSION, value=2)),
    "no version": ("receipt_malformed", put(VERSION, value="1")),
    "an unknown kind": ("receipt_malformed", put(KIND, value=3)),
    "the kind of a refund": ("receipt_malformed", put(KIND, value=2)),
    "an issue before all times": ("receipt_malformed", put(ISSUED_AT, value=0)),
    "a part too many": ("receipt_malformed", lambda _, parts: parts.append(None)),
    "a field too few": ("receipt_malformed", lambda _, parts: parts[CONTENT].pop()),
    "a mode that is none": ("receipt_malformed", put(CONTENT, 2, value=99)),
    "a true amount": ("receipt_malformed", put(CONTENT, 9, value=True)),
    "no amount": ("receipt_malformed", put(CONTENT, 9, value=0)),
    "a name written twice": ("receipt_malformed", put(CONTENT, 4, value=["14407840000", "甲", "甲"])),
    "the payer's name written twice": (
        "receipt_malformed", lambda _, parts: put(CONTENT, 8, value=parts[CONTENT][3][1])(_, parts)),
    "a day that is none": ("receipt_malformed", put(CONTENT, 15, 0, value=20230431)),
    "no lines": ("receipt_malformed", put(CONTENT, 16, value=[])),
    "a line of no level": ("receipt_malformed", put(CONTENT, 16, 0, 2, 0, 0, value=5)),
    "a tax in two parts": (
        "receipt_malformed",
        put(CONTENT, 16, value=lambda parts: [[*parts[0][:2], [one]] for one in parts[0][2]])),
    "steps that are none": ("receipt_malformed", put(STEPS, value=[["a", "b", 1]])),
    "a text too long": ("receipt_malformed", put(CONTENT, 7, value="0" * 1025)),
    "half a hash": ("receipt_malformed", put(HASHES, value=lambda hashes: hashes[:-1])),
    "a hash that is not used": ("receipt_malformed", put(HASHES, value=lambda hashes: hashes + bytes(32))),
    "hashes out of their order": ("receipt_malformed", put(TRANSFERS, 0, 2, value=lambda path: path[::-1])),
    "no transfer": ("receipt_malformed", all_of(put(TRANSFERS, value=[]), put(HASHES, value=b""))),
    "a record that is none": ("record_malformed", put(TRANSFERS, 0, 0, value=b"record")),
    "another treasury": ("receipt_signer_differs", put(CONTENT, 5, 0, value="1907840001")),
    "a line with a fen more": ("receipt_amounts_differ", put(*LINE, value=lambda fen: fen + 1)),
    "an amount with a fen more": ("receipt_amounts_differ", put(CONTENT, 9, value=lambda fen: fen + 1)),
    "amount and line with a fen more": (
        "receipt_record_differs",
        all_of(put(*LINE, value=lambda fen: fen + 1), put(CONTENT, 9, value=lambda fen: fen + 1))),
    "another time": ("receipt_record_differs", put(CONTENT, 10, value=lambda at: at + 1)),
    "another payment": ("receipt_record_differs", put(CONTENT, 1, value="P1")),
    "another mode": ("receipt_record_differs", put(CONTENT, 2, value=3)),
    "reversed, which it was not": (
        "receipt_transfers_differ", put(CONTENT, 11, value=1_681_956_000_000_000)),
    "the proof of another transfer": ("receipt_record_differs", swapped_proof),
    "an altered record": (
        "inclusion_unproven", put(TRANSFERS, 0, 0, value=lambda record: record[:-1] + b"0")),
    "another place in the tree": ("inclusion_unproven", put(TRANSFERS, 0, 1, value=lambda index: index - 1)),
    "a place beyond the tree": ("inclusion_unproven", put(TRANSFERS, 0, 1, value=10**6)),
    "an altered hash": ("inclusion_unproven", put(HASHES, value=lambda hashes: bytes(32) + hashes[32:])),
    "a hash too many": (
        "inclusion_unproven",
        all_of(
            put(HASHES, value=lambda hashes: hashes + bytes(32)),
            put(TRANSFERS, 0, 2, value=lambda path: [*path, len(path)]))),
    "no checkpoint": ("checkpoint_malformed", put(CHECKPOINT, value="")),
    "an altered checkpoint": ("signature_invalid", put(CHECKPOINT, value=larger)),
    "a checkpoint of an unknown ledger": ("ledger_key_unknown", note_by("another ledger")),
    "a checkpoint by another key": ("signature_invalid", note_by("another key")),
}  # fmt: skip


@pytest.mark.parametrize("name", list(FORGED))
def test_what_a_treasury_must_not_sign_is_refused_for_its_own_reason(sandbox: Sandbox, name: str) -> None:
    expected, change = FORGED[name]
    parts = payload(sandbox.payments.signed_receipt(receipt_no=signed.scan(sandbox)))
    assert reason(sandbox, signed.signed(sandbox, parts)) is None
    change(sandbox, parts)
    found = check(sandbox, signed.signed(sandbox, parts))
    assert found.reason == expected
    assert found.problem is not None
    judged(found.problem, expected)


def test_a_reversal_must_be_one_and_give_back_to_whom_it_was_taken_from(sandbox: Sandbox) -> None:
    receipt_no = signed.reversed_debit(sandbox)
    receipt = check(sandbox, sandbox.payments.signed_receipt(receipt_no=receipt_no)).receipt
    with sandbox._store.reading() as tx:
        proofs = [log.prove(tx, one) for one in rows.transfers_of(tx, receipt.payment_no)]

    def with_proofs(*chosen: int, **changes: Any) -> str | None:
        data = signing.sign(
            sandbox._keyring, TREASURY, signing.Kind.PAYMENT, issued_at=START, steps=(),
            content=content_of(replace(receipt, **changes)), proofs=[proofs[place] for place in chosen],
        )  # fmt: skip
        return reason(sandbox, data)

    assert with_proofs(0, 1) is None
    assert with_proofs(0) == "receipt_transfers_differ"
    assert with_proofs(0, 1, 1) == "receipt_transfers_differ"
    assert with_proofs(0, 0) == "receipt_record_differs"
    assert with_proofs(1, 0) == "receipt_record_differs"
    assert with_proofs(0, 1, reversed_at=None) == "receipt_transfers_differ"
    assert with_proofs(0, 1, reversed_at=START + timedelta(seconds=1)) == "receipt_record_differs"


def test_another_ledgers_proof_is_refused_even_where_its_key_is_published(sandbox: Sandbox) -> None:
    parts = payload(sandbox.payments.signed_receipt(receipt_no=signed.scan(sandbox)))
    with Sandbox.open(":memory:", clock=FixedClock(START), seed="another ledger") as other:
        theirs = payload(other.payments.signed_receipt(receipt_no=signed.scan(other)))
        keys = other.published_keys() | sandbox.published_keys()
        foreign = signed.signed(other, theirs)
    forged = [*parts[:CHECKPOINT], *theirs[CHECKPOINT:]]
    assert verify(signed.signed(sandbox, forged), keys).reason == "receipt_record_differs"
    assert reason(sandbox, signed.signed(sandbox, forged)) == "ledger_key_unknown"
    mixed = [*parts[:CHECKPOINT], theirs[CHECKPOINT], *parts[HASHES:]]
    assert verify(signed.signed(sandbox, mixed), keys).reason == "inclusion_unproven"
    assert reason(sandbox, foreign) == "signature_invalid"  # the same treasury has another key there


def test_who_is_not_the_treasury_signs_in_vain(sandbox: Sandbox) -> None:
    sandbox.treasury.add(code="1907840001", name="国家金库另一支库")
    parts = payload(sandbox.payments.signed_receipt(receipt_no=signed.scan(sandbox)))
    assert reason(sandbox, signed.signed(sandbox, parts)) is None
    for by in (("treasury", "1907840001"), ("operator", "ICBC"), ("central_bank", "PBC")):
        assert reason(sandbox, signed.signed(sandbox, parts, by=by)) == "receipt_signer_differs"
    assert reason(sandbox, signed.signed(sandbox, parts, by=("treasury", "1"))) == "signer_unknown"


def test_a_document_of_another_kind_is_no_receipt(sandbox: Sandbox) -> None:
    parts = payload(sandbox.payments.signed_receipt(receipt_no=signed.scan(sandbox)))
    other = "application/vnd.ecny-tax.debit-instruction+cbor"
    assert reason(sandbox, signed.signed(sandbox, parts, kind=other)) == "document_malformed"


def test_another_form_of_the_same_values_is_no_receipt(sandbox: Sandbox) -> None:
    parts = payload(sandbox.payments.signed_receipt(receipt_no=signed.scan(sandbox)))
    longer = b"\x88\x18\x01" + cbor2.dumps(parts)[2:]  # the version in two bytes
    assert cbor2.loads(longer) == cbor2.loads(cbor2.dumps(parts))
    assert reason(sandbox, signed.signed(sandbox, longer)) == "document_malformed"


def test_keys_of_another_scheme_or_none_do_not_verify_it(sandbox: Sandbox) -> None:
    data = sandbox.payments.signed_receipt(receipt_no=signed.scan(sandbox))
    with Sandbox.open(":memory:", clock=FixedClock(START), seed="elsewhere") as other:
        assert verify(data, other.published_keys()).reason == "signature_invalid"
    assert verify(data, {}).reason == "signer_unknown"
    keys = sandbox.published_keys()
    assert verify(data, {**keys, f"treasury:{TREASURY}": "no key"}).reason == "signer_unknown"
    assert verify(data, {**keys, f"treasury:{TREASURY}": "00"}).reason == "document_malformed"
    without = {name: key for name, key in keys.items() if not name.startswith("ledger:")}
    assert verify(data, without).reason == "ledger_key_unknown"


def test_the_capital_numerals_are_those_of_the_amount(sandbox: Sandbox) -> None:
    """They are not signed, since they follow: what is printed can show no others."""
    receipt_no = signed.real_time_debit(sandbox)
    data = sandbox.payments.signed_receipt(receipt_no=receipt_no)
    assert "壹万柒仟元整".encode() not in data
    found = check(sandbox, data).receipt
    assert found.amount_in_capitals == "壹万柒仟元整"


# --- the page -------------------------------------------------------------------------------------------


def page_of(s: Sandbox, receipt_no: str, language: Language, *, explain: bool = False) -> str:
    data = s.payments.signed_receipt(receipt_no=receipt_no, explain=explain)
    found = check(s, data).receipt
    assert found is not None
    return as_html(signed_paper(found, data), language) + "\n"


def picture(page: str) -> qr_reader.Matrix:
    """The QR code of a page."""
    (svg,) = re.findall(r"<svg .*?</svg>", page, re.DOTALL)
    return qr_reader.from_svg(svg.encode())


@pytest.mark.parametrize("explain", [False, True])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_verifies_and_its_code_verifies_by_itself(
    sandbox: Sandbox, receipt_no: str, language: Language, explain: bool
) -> None:
    page = page_of(sandbox, receipt_no, language, explain=explain)
    found = verify_page(page, sandbox.published_keys())
    assert (found.valid, found.problem) == (True, None)
    scanned = qr_reader.text_of(picture(page))
    assert check(sandbox, scanned).receipt == found.receipt
    assert from_text(scanned) == sandbox.payments.signed_receipt(receipt_no=receipt_no, explain=explain)
    said = {
        "en": "The code holds this whole receipt with the treasury&#x27;s signature",
        "zh": "二维码含有国库签名的完整凭证",
    }[language]
    assert page.count(said) == 2
    assert f'<div role="img" aria-label="{said}' in page


def test_a_page_with_one_other_character_is_refused(sandbox: Sandbox) -> None:
    page, keys = page_of(sandbox, signed.real_time_debit(sandbox), "zh"), sandbox.published_keys()
    assert verify_page(page, keys).valid
    seen = [found.start() for found in re.finditer("17,000|虚构|已缴款|打印次数|M4 ", page)]
    for place in (*range(0, len(page), 997), *seen):
        other = "1" if page[place] != "1" else "2"
        found = verify_page(page[:place] + other + page[place + 1 :], keys)
        assert not found.valid, page[place - 10 : place + 10]
        assert found.reason in {
            "receipt_page_differs", "receipt_text_missing", "object_text_malformed", "document_malformed",
            "signature_invalid", "signer_unknown",
        }  # fmt: skip
    assert verify_page(page.replace("17,000.00", "71,000.00", 1), keys).reason == "receipt_page_differs"
    assert verify_page(page + " ", keys).reason == "receipt_page_differs"
    assert verify_page(page.replace("<h1>", "<p>已作废</p><h1>"), keys).reason == "receipt_page_differs"
    twice = page.replace("</main>", f'<pre id="signed">{"ECNY1:"}</pre></main>')
    assert verify_page(twice, keys).reason == "receipt_page_differs"
    assert verify_page("<html></html>", keys).reason == "receipt_text_missing"


def test_a_signed_page_fetches_and_runs_nothing_either(sandbox: Sandbox) -> None:
    page = page_of(sandbox, signed.real_time_debit(sandbox), "en")
    assert set(re.findall(r"<([a-z1-6]+)", page)) == {
        "html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "dl", "dt", "dd", "table",
        "thead", "tbody", "tr", "th", "td", "figure", "figcaption", "div", "svg", "path", "pre", "footer",
    }  # fmt: skip
    assert not re.search(r"url\(|@import|https?:| (?:src|href|xlink:href|style|on\w+)=", page)


def test_what_fits_no_code_is_printed_without_one_and_still_verifies(sandbox: Sandbox) -> None:
    receipt_no = signed.real_time_debit(sandbox)
    parts = payload(sandbox.payments.signed_receipt(receipt_no=receipt_no))
    parts[STEPS] = [["x" * 1000, "长" * 300, 1, ""]]
    data = signed.signed(sandbox, parts)
    found = check(sandbox, data).receipt
    assert found is not None
    for language, said in (("en", "too long for a QR code"), ("zh", "二维码无法容纳")):
        page = as_html(signed_paper(found, data), language)  # type: ignore[arg-type]
        assert "<svg" not in page
        assert said in page
        assert verify_page(page, sandbox.published_keys()).valid
