"""Three-party agreements: signed by three keys, verified or refused, changed, exported and checked."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from ecny_tax import EcnyTaxError, Fen, FixedClock, Sandbox
from ecny_tax.agreements.model import Agreement, Verification
from ecny_tax.agreements.service import check_export
from tests.support import (
    AUTHORITY,
    company_id,
    company_name,
    corporate,
    dump,
    judged,
    nameless,
    owe,
    person_id,
    person_name,
    personal,
    refused,
)

OTHER = "14400000001"


def sign(s: Sandbox, wallet: Any, **wishes: Any) -> Agreement:
    return s.agreements.sign(wallet_id=wallet.wallet_id, **wishes)


def fails_verification(s: Sandbox, code: str, wallet: Any, **wishes: Any) -> Agreement:
    """Signing is refused by the operator, and only the failed agreement stays; it is returned."""
    before = dump(s)
    with pytest.raises(EcnyTaxError) as caught:
        sign(s, wallet, **wishes)
    judged(caught.value, code)
    after = dump(s)
    grown = {table for table in after if after[table] != before[table]}
    assert grown <= {"agreement", "identity", "subject_key"}  # what was entered, sealed
    assert len(after["agreement"]) == len(before["agreement"]) + 1
    failed = s.agreements.show(agreement_no=str(caught.value.values["agreement_no"]))
    assert (failed.status, failed.code, failed.verified_at) == ("verification_failed", code, s.clock.now())
    return failed


def test_a_signed_agreement_is_verified_at_once(sandbox: Sandbox) -> None:
    for wallet in (corporate(sandbox), personal(sandbox), personal(sandbox, 2, wallet_class="III")):
        agreement = sign(sandbox, wallet)
        assert (agreement.status, agreement.code) == ("verified", None)
        assert (agreement.wallet_id, agreement.operator) == (wallet.wallet_id, "ICBC")
        assert (agreement.authority, agreement.batch_debit) == (AUTHORITY, False)
        assert agreement.signed_at == agreement.verified_at == sandbox.clock.now()
        assert sandbox.agreements.show(agreement_no=agreement.agreement_no) == agreement
    assert len(sandbox.agreements.list()) == 3


def test_i12_a_nameless_wallet_signs_nothing(sandbox: Sandbox) -> None:
    wallet = nameless(sandbox)
    with refused(sandbox, "wallet_without_name"):
        sign(sandbox, wallet)
    with refused(sandbox, "wallet_without_name"):
        sign(sandbox, wallet, taxpayer_name=person_name(), taxpayer_id=person_id())


def test_a_wrong_name_stays_as_a_failed_agreement_and_the_wallet_may_sign_anew(sandbox: Sandbox) -> None:
    wallet = corporate(sandbox)
    wrong = {"taxpayer_name": company_name(2)}
    failed = fails_verification(sandbox, "agreement_name_mismatch", wallet, **wrong)
    again = fails_verification(sandbox, "agreement_name_mismatch", wallet, **wrong)
    assert again.agreement_no != failed.agreement_no
    bill = owe(sandbox, wallet, 1)
    with refused(sandbox, "agreement_required"):
        sandbox.payments.pay(bill_no=bill.bill_no)
    with refused(sandbox, "agreement_not_verified"):
        sandbox.payments.pay(bill_no=bill.bill_no, agreement_no=failed.agreement_no)
    assert sign(sandbox, wallet).status == "verified"
    assert sandbox.agreements.show(agreement_no=failed.agreement_no) == failed


def test_a_wrong_taxpayer_id_fails_after_the_name(sandbox: Sandbox) -> None:
    wallet = corporate(sandbox)
    fails_verification(sandbox, "agreement_taxpayer_id_mismatch", wallet, taxpayer_id=company_id(2))
    both = {"taxpayer_name": company_name(2), "taxpayer_id": company_id(2)}
    fails_verification(sandbox, "agreement_name_mismatch", wallet, **both)


def test_full_width_characters_in_the_name_do_not_matter(sandbox: Sandbox) -> None:
    wallet = corporate(sandbox, name="虚构(A)公司")
    assert sign(sandbox, wallet, taxpayer_name="虚构（Ａ）公司").status == "verified"


def test_a_sole_trader_signs_with_the_persons_wallet(sandbox: Sandbox) -> None:
    wallet, code = personal(sandbox), company_id(start="92440784")
    fails_verification(
        sandbox, "agreement_name_mismatch", wallet, taxpayer_name=company_name(), taxpayer_id=code
    )
    assert sign(sandbox, wallet, taxpayer_id=code).status == "verified"


@pytest.mark.parametrize(
    ("code", "wishes"),
    [
        ("authority_code_malformed", {"authority": "1"}),
        ("tax_authority_not_found", {"authority": OTHER}),
        ("name_malformed", {"taxpayer_name": ""}),
        ("uscc_malformed", {"taxpayer_id": "1"}),
        ("uscc_check_failed", {"taxpayer_id": company_id()[:-1] + "0"}),
    ],
)
def test_a_malformed_signing_leaves_nothing(sandbox: Sandbox, code: str, wishes: dict[str, str]) -> None:
    wallet = corporate(sandbox)
    with refused(sandbox, code):
        sign(sandbox, wallet, **wishes)


def test_one_verified_agreement_per_wallet_and_authority(sandbox: Sandbox) -> None:
    sandbox.parties.add_tax_authority(code=OTHER, name="虚构税务局")
    wallet, second = corporate(sandbox), corporate(sandbox)
    agreement = sign(sandbox, wallet)
    with refused(sandbox, "agreement_exists", authority=AUTHORITY):
        sign(sandbox, wallet)
    sign(sandbox, wallet, authority=OTHER)
    sign(sandbox, second)
    sandbox.agreements.terminate(agreement_no=agreement.agreement_no)
    assert sign(sandbox, wallet).agreement_no != agreement.agreement_no


def test_a_lock_and_its_lifting_never_leave_two_verified_agreements(sandbox: Sandbox) -> None:
    """Whether signing anew is refused while one is locked, or the unlocking afterwards."""
    wallet = corporate(sandbox)
    agreement = sign(sandbox, wallet)
    sandbox.agreements.lock(agreement_no=agreement.agreement_no)
    with suppress(EcnyTaxError):
        sign(sandbox, wallet)
        sandbox.agreements.unlock(agreement_no=agreement.agreement_no)
    assert [a.status for a in sandbox.agreements.list()].count("verified") <= 1


#: Status -> what each act makes of it; None is a refusal.
CHANGES = {
    "verified": {"lock": "locked", "unlock": None, "terminate": "terminated"},
    "locked": {"lock": None, "unlock": "verified", "terminate": "terminated"},
    "terminated": {"lock": None, "unlock": None, "terminate": None},
    "verification_failed": {"lock": None, "unlock": None, "terminate": None},
}


@pytest.mark.parametrize(
    ("status", "act", "after"),
    [(status, act, after) for status, acts in CHANGES.items() for act, after in acts.items()],
)
def test_what_may_become_of_an_agreement(
    sandbox: Sandbox, clock: FixedClock, status: str, act: str, after: str | None
) -> None:
    wallet = corporate(sandbox)
    if status == "verification_failed":
        agreement = fails_verification(sandbox, "agreement_name_mismatch", wallet, taxpayer_name="虚构")
    else:
        agreement = sign(sandbox, wallet)
    number = {"agreement_no": agreement.agreement_no}
    clock.advance(timedelta(hours=1))
    if status in ("locked", "terminated"):
        (sandbox.agreements.lock if status == "locked" else sandbox.agreements.terminate)(**number)
    if after is None:
        with refused(sandbox, "agreement_state_not_normal"):
            getattr(sandbox.agreements, act)(**number)
        return
    changed = getattr(sandbox.agreements, act)(**number)
    assert changed.status == after
    assert changed.ended_at == (sandbox.clock.now() if after == "terminated" else None)


@pytest.mark.parametrize(
    ("act", "code"), [("terminate", "agreement_terminated"), ("lock", "agreement_locked")]
)
def test_no_debit_under_an_agreement_that_ended_or_is_locked(sandbox: Sandbox, act: str, code: str) -> None:
    wallet = corporate(sandbox, fund=Fen(10))
    agreement, bill = sign(sandbox, wallet), owe(sandbox, wallet, 10)
    getattr(sandbox.agreements, act)(agreement_no=agreement.agreement_no)
    with refused(sandbox, code):
        sandbox.payments.pay(bill_no=bill.bill_no, agreement_no=agreement.agreement_no)
    with refused(sandbox, "agreement_required"):
        sandbox.payments.pay(bill_no=bill.bill_no)
    paid = sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id)
    assert (paid.mode, paid.agreement_no) == ("scan_to_pay", None)


def test_the_operator_can_be_asked_again(sandbox: Sandbox) -> None:
    wallet = corporate(sandbox)
    agreement = sign(sandbox, wallet)
    right = {
        "agreement_no": agreement.agreement_no,
        "authority": AUTHORITY,
        "operator": "ICBC",
        "wallet_id": wallet.wallet_id,
        "taxpayer_name": company_name(),
        "taxpayer_id": company_id(),
    }
    sandbox.agreements.verify_with_operator(Verification(**right))
    for code, change in (
        ("agreement_not_found", {"agreement_no": "A0"}),
        ("agreement_authority_mismatch", {"authority": OTHER}),
        ("agreement_operator_mismatch", {"operator": "BOC"}),
        ("agreement_wallet_mismatch", {"wallet_id": "0021000000000005"}),
        ("agreement_name_mismatch", {"taxpayer_name": company_name(2)}),
        ("agreement_taxpayer_id_mismatch", {"taxpayer_id": company_id(2)}),
    ):
        with refused(sandbox, code):
            sandbox.agreements.verify_with_operator(Verification(**(right | change)))
    sandbox.agreements.lock(agreement_no=agreement.agreement_no)
    with refused(sandbox, "agreement_locked"):
        sandbox.agreements.verify_with_operator(Verification(**right))


# --- export and check -----------------------------------------------------------------------------------


def exported(s: Sandbox, **wishes: Any) -> tuple[str, dict[str, str]]:
    agreement = sign(s, corporate(s), **wishes)
    return s.agreements.export(agreement_no=agreement.agreement_no), s.published_keys()


def test_an_export_verifies_with_nothing_but_the_published_keys(sandbox: Sandbox) -> None:
    text, keys = exported(sandbox, batch_debit=True)
    document = json.loads(text)["document"]
    assert document["taxpayer_name"] == company_name()
    assert document["batch_debit"] is True
    check = check_export(text, keys)
    assert (check.valid, check.status, check.reason) == (True, "verified", None)
    assert check.agreement_no == document["agreement_no"]
    signers = (f"wallet:{document['wallet_id']}", f"tax_authority:{AUTHORITY}", "operator:ICBC")
    assert check.signers == signers
    assert check_export(text, {name: keys[name] for name in signers}).valid
    assert check_export(json.dumps(json.loads(text)), keys).valid  # spacing is not content


def test_a_failed_agreement_verifies_as_failed(sandbox: Sandbox) -> None:
    failed = fails_verification(
        sandbox, "agreement_name_mismatch", corporate(sandbox), taxpayer_name="另一家虚构公司"
    )
    text = sandbox.agreements.export(agreement_no=failed.agreement_no)
    check = check_export(text, sandbox.published_keys())
    assert (check.valid, check.status) == (True, "verification_failed")
    assert json.loads(text)["document"]["taxpayer_name"] == "另一家虚构公司"


def test_any_single_character_changed_in_its_content_makes_an_export_invalid(sandbox: Sandbox) -> None:
    text, keys = exported(sandbox)
    content = json.loads(text)

    def changed(value: str, place: int) -> str:
        other = next(char for char in "01" if char != value[place])
        return value[:place] + other + value[place + 1 :]

    variants = []
    for part in ("signatures", "operator_answer", "format"):
        for place in range(len(content[part])):
            variants.append(content | {part: changed(content[part], place)})
    for field, value in content["document"].items():
        if isinstance(value, bool):
            variants.append(content | {"document": content["document"] | {field: not value}})
            continue
        for place in range(len(value)):
            document = content["document"] | {field: changed(value, place)}
            variants.append(content | {"document": document})
    assert len(variants) > 1_000
    for variant in variants:
        check = check_export(json.dumps(variant, ensure_ascii=False), keys)
        assert not check.valid
        assert check.reason


@pytest.mark.parametrize("cut", ["first", "last", "half"])
def test_a_signature_cut_short_is_invalid(sandbox: Sandbox, cut: str) -> None:
    text, keys = exported(sandbox)
    content = json.loads(text)
    for part in ("signatures", "operator_answer"):
        value = content[part]
        short = {"first": value[2:], "last": value[:-2], "half": value[: len(value) // 4 * 2]}[cut]
        assert not check_export(json.dumps(content | {part: short}), keys).valid
        assert not check_export(json.dumps(content | {part: value + "00"}), keys).valid


def test_parts_of_two_agreements_do_not_fit_together(sandbox: Sandbox) -> None:
    first, keys = exported(sandbox)
    second, keys = exported(sandbox)
    for part in ("document", "signatures", "operator_answer"):
        mixed = json.loads(first) | {part: json.loads(second)[part]}
        assert not check_export(json.dumps(mixed), keys).valid


def test_missing_and_added_members_make_an_export_invalid(sandbox: Sandbox) -> None:
    text, keys = exported(sandbox)
    content = json.loads(text)
    for part in content:
        rest = {name: value for name, value in content.items() if name != part}
        assert not check_export(json.dumps(rest), keys).valid
    assert not check_export(json.dumps(content | {"more": ""}), keys).valid
    for field in content["document"]:
        rest = {name: value for name, value in content["document"].items() if name != field}
        assert not check_export(json.dumps(content | {"document": rest}), keys).valid
    more = content["document"] | {"more": ""}
    assert not check_export(json.dumps(content | {"document": more}), keys).valid


def test_wrong_or_missing_keys_make_an_export_invalid(sandbox: Sandbox) -> None:
    text, keys = exported(sandbox)
    signers = check_export(text, keys).signers
    for signer in signers:
        without = {name: key for name, key in keys.items() if name != signer}
        assert not check_export(text, without).valid
        assert not check_export(text, keys | {signer: keys["operator:BOC"]}).valid
        assert not check_export(text, keys | {signer: "00" * 31}).valid
    assert not check_export(text, {}).valid
    with Sandbox.open(":memory:", clock=FixedClock(sandbox.clock.now()), seed="another scheme") as other:
        strange = other.published_keys()
    assert not check_export(text, strange | {signers[0]: keys[signers[0]]}).valid


@pytest.mark.parametrize("key", ["", "zz" * 32, "00", "号", "0" * 63])
def test_a_key_that_is_no_key_makes_an_export_invalid_and_raises_nothing(sandbox: Sandbox, key: str) -> None:
    text, keys = exported(sandbox)
    check = check_export(text, keys | {"operator:ICBC": key})
    assert not check.valid


_EXPORT = '{"format": "ecny-tax agreement 1", "document": %s, "signatures": %s, "operator_answer": %s}'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "1" * 5000,
        "[" * 100_000,
        _EXPORT % ("{}", '""', '""'),
        _EXPORT % ("{}", '"d8"', '"d2"'),
        _EXPORT % ('{"a": "\\ud800"}', '""', '""'),
        _EXPORT % ("[]", "1", "null"),
        "号",
        "\ud800",
    ],
    ids=range(12),
)
def test_no_text_whatever_makes_the_check_raise(sandbox: Sandbox, text: str) -> None:
    check = check_export(text, sandbox.published_keys())
    assert not check.valid
    assert check.reason


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace('"document": {', '"document": {"authority": "forged"}, "document": {', 1),
        lambda text: text.replace('"authority":', '"authority": "forged", "authority":', 1),
    ],
)
def test_an_export_with_a_key_written_twice_is_refused(sandbox: Sandbox, spoil: Any) -> None:
    wallet = corporate(sandbox)
    number = sandbox.agreements.sign(wallet_id=wallet.wallet_id).agreement_no
    text = sandbox.agreements.export(agreement_no=number)
    assert check_export(text, sandbox.published_keys()).valid
    assert not check_export(spoil(text), sandbox.published_keys()).valid


def test_an_export_with_nested_values_is_refused(sandbox: Sandbox) -> None:
    text = _EXPORT % ('{"a": {"b": "\\ud800"}}', '""', '""')
    assert not check_export(text, sandbox.published_keys()).valid
