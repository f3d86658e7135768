"""Institutions, published keys, and names that stand nowhere but in their sealed boxes."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from ecny_tax import EcnyTaxError, Fen, FixedClock, Sandbox
from ecny_tax.identifiers import check_resident_id, check_uscc
from tests.support import (
    AUTHORITY,
    SEED,
    START,
    collected,
    company_id,
    company_name,
    corporate,
    due_of,
    dump,
    nameless,
    owe,
    person_id,
    person_name,
    personal,
    phone_number,
    refund_of,
    refused,
)


def test_the_made_up_identities_of_these_tests_are_well_formed() -> None:
    for number in range(50):
        assert check_uscc(company_id(number)) == company_id(number)
        assert check_resident_id(person_id(number), on=START.date()) == person_id(number)


def test_every_new_scheme_has_its_institutions(sandbox: Sandbox) -> None:
    found = {(party.kind.value, party.code) for party in sandbox.parties.list()}
    operators = ("ICBC", "ABC", "BOC", "CCB", "BOCOM", "PSBC", "CMB", "CIB", "WEBANK", "MYBANK")
    assert found == {
        ("central_bank", "PBC"),
        ("tax_authority", AUTHORITY),
        ("treasury", "1907840000"),
        ("court", "CT440784"),
        ("public_security", "PS440784"),
        ("anti_fraud_centre", "AF440784"),
        *(("operator", code) for code in operators),
    }
    (office,) = [party for party in sandbox.parties.list() if party.kind == "tax_authority"]
    assert (office.name_zh, office.treasury) == ("国家税务总局鹤山市税务局", "1907840000")


def test_an_added_authority_collects_for_its_treasury(sandbox: Sandbox) -> None:
    sandbox.treasury.add(code="1900000001", name="虚构国库")
    sandbox.parties.add_tax_authority(code="14400000001", name="虚构税务局", treasury="1900000001")
    wallet = corporate(sandbox, fund=Fen(100))
    bill = owe(sandbox, wallet, 100, authority="14400000001")
    receipt = sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id).receipt_no
    shown = sandbox.payments.receipt(receipt_no=receipt)
    assert (shown.authority_name, shown.treasury_name) == ("虚构税务局", "虚构国库")
    assert collected(sandbox) == {"ICBC:1900000001": 100}


@pytest.mark.parametrize(
    ("code", "wishes"),
    [
        ("authority_code_malformed", {"code": "1440784000", "name": "虚构"}),
        ("authority_code_malformed", {"code": "１４４０７８４００００", "name": "虚构"}),
        ("party_exists", {"code": AUTHORITY, "name": "虚构"}),
        ("treasury_not_found", {"code": "14400000001", "name": "虚构", "treasury": "1900000001"}),
        ("name_malformed", {"code": "14400000001", "name": " "}),
        ("name_malformed", {"code": "14400000001", "name": "名" * 101}),
    ],
)
def test_a_malformed_or_repeated_authority_is_refused(
    sandbox: Sandbox, code: str, wishes: dict[str, str]
) -> None:
    with refused(sandbox, code):
        sandbox.parties.add_tax_authority(**wishes)


def test_an_authority_that_is_not_there_is_refused(sandbox: Sandbox) -> None:
    wallet = corporate(sandbox)
    with refused(sandbox, "tax_authority_not_found"):
        sandbox.agreements.sign(wallet_id=wallet.wallet_id, authority="14400000001")
    with refused(sandbox, "tax_authority_not_found"):
        owe(sandbox, wallet, 1, authority="14400000001")


def test_published_keys_name_every_institution_and_wallet(sandbox: Sandbox) -> None:
    wallets = [personal(sandbox), nameless(sandbox), corporate(sandbox)]
    keys = sandbox.published_keys()
    (ledger,) = sandbox.ledger.published_keys()
    assert len(keys) == len(set(keys.values())) == len(sandbox.parties.list()) + len(wallets) + len([ledger])
    assert all(len(bytes.fromhex(key)) == 32 for key in keys.values())
    assert {
        "operator:ICBC",
        f"tax_authority:{AUTHORITY}",
        *(f"wallet:{w.wallet_id}" for w in wallets),
        ledger,
    } <= set(keys)


def test_the_pseudonym_is_of_the_person_not_of_the_spelling(sandbox: Sandbox) -> None:
    first, second = personal(sandbox, name="虚构A"), personal(sandbox, name="虚构Ａ", operator="BOC")
    assert first.subject_id == second.subject_id
    assert first.identity_id != second.identity_id
    assert first.subject_id != personal(sandbox, 2).subject_id


def everything_with_names(s: Sandbox) -> list[str]:
    """Every use case that takes or could repeat a name, id number or phone; returns those texts."""
    company = corporate(s, fund=Fen(1_000_00), idempotency_key="a")
    person = personal(s, phone=phone_number(1), wallet_class="III", fund=Fen(1_000_00), idempotency_key="b")
    anonymous = nameless(s, 2, fund=Fen(1_000_00), idempotency_key="c")
    s.wallets.upgrade(
        wallet_id=anonymous.wallet_id, wallet_class="III", name=person_name(2), id_number=person_id(2)
    )
    s.agreements.sign(wallet_id=company.wallet_id)
    with pytest.raises(EcnyTaxError):
        s.agreements.sign(wallet_id=person.wallet_id, taxpayer_name="假冒的纳税人", taxpayer_id=person_id(3))
    s.agreements.sign(wallet_id=person.wallet_id, taxpayer_id=company_id(9, start="92440784"))
    paid = s.payments.pay(bill_no=owe(s, company, 10).bill_no, idempotency_key="d")
    s.payments.print_receipt(receipt_no=paid.receipt_no)
    s.payments.pay_stamp_duty(
        wallet_id=person.wallet_id, item="sale_contract", base=Fen(10**6), idempotency_key="e"
    )
    s.refunds.apply_for_payment(payment_no=paid.payment_no, idempotency_key="f")
    owe(s, person, 20)
    s.refunds.apply_for_income_tax(
        wallet_id=person.wallet_id, annual_return=refund_of(50), idempotency_key="g"
    )
    s.taxes.declare_income_tax(wallet_id=anonymous.wallet_id, annual_return=due_of(300))
    names = [company_name(), person_name(1), person_name(2), "假冒的纳税人"]
    numbers = [company_id(), person_id(1), person_id(2), person_id(3), company_id(9, start="92440784")]
    return [*names, *numbers, phone_number(1), phone_number(2)]


def test_no_table_shows_a_name_an_id_number_or_a_phone(sandbox: Sandbox) -> None:
    secrets = everything_with_names(sandbox)
    for table, rows in dump(sandbox).items():
        for value in (value for row in rows for value in row):
            for secret in secrets:
                shown = value if isinstance(value, bytes) else str(value).encode()
                assert secret.encode() not in shown, (table, secret)
                assert secret.encode("unicode_escape") not in shown, (table, secret)
                assert secret.encode("utf-16-le") not in shown, (table, secret)


def test_no_byte_of_the_database_files_shows_a_name_an_id_number_or_a_phone(tmp_path: Path) -> None:
    path = tmp_path / "names.db"
    with Sandbox.open(path, clock=FixedClock(START), seed=SEED) as s:
        secrets = everything_with_names(s)
        files = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    files |= {f"closed {file.name}": file.read_bytes() for file in tmp_path.iterdir()}
    assert {"names.db", "names.db.keys", "names.db-wal"} <= set(files)
    for name, content in files.items():
        for secret in secrets:
            assert secret.encode() not in content, (name, secret)


def test_a_sealed_identity_opens_with_its_own_keyring_only(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with Sandbox.open(path, clock=FixedClock(START), seed="one") as s:
        wallet = personal(s)
    with Sandbox.open(tmp_path / "b.db", clock=FixedClock(START), seed="two"):
        pass
    with pytest.raises(EcnyTaxError) as caught:
        Sandbox.open(path, keyring=tmp_path / "b.db.keys")
    assert caught.value.code == "keyring_mismatch"
    with Sandbox.open(path, clock=FixedClock(START)) as s:
        assert s.wallets.holder(wallet_id=wallet.wallet_id).name == person_name()


@pytest.mark.parametrize(
    ("table", "column", "key"),
    [("subject_key", "wrapped_key", "subject_id"), ("identity", "sealed", "identity_id")],
)
def test_a_box_that_was_tampered_with_does_not_open(
    tmp_path: Path, table: str, column: str, key: str
) -> None:
    path = tmp_path / "a.db"
    with Sandbox.open(path, clock=FixedClock(START), seed="one") as s:
        wallet, other = personal(s), personal(s, 2)
    outside = sqlite3.connect(path)
    with outside:  # the box of another person does not open here: it is bound to its own record
        outside.execute(
            f"UPDATE {table} SET {column} = (SELECT {column} FROM {table} WHERE {key} = ?) WHERE {key} = ?",
            (getattr(other, key), getattr(wallet, key)),
        )
    outside.close()
    with Sandbox.open(path, clock=FixedClock(START)) as s:
        with refused(s, "identity_unreadable"):
            s.wallets.holder(wallet_id=wallet.wallet_id)
        assert s.wallets.holder(wallet_id=other.wallet_id).name == person_name(2)


BY_NUMBER: list[tuple[str, str, str]] = [
    ("taxes.bill", "bill_no", "bill_not_found"),
    ("taxes.cancel", "bill_no", "bill_not_found"),
    ("payments.pay", "bill_no", "bill_not_found"),
    ("payments.show", "payment_no", "payment_not_found"),
    ("payments.reverse", "payment_no", "payment_not_found"),
    ("payments.receipt", "receipt_no", "receipt_not_found"),
    ("payments.print_receipt", "receipt_no", "receipt_not_found"),
    ("payments.signed_receipt", "receipt_no", "receipt_not_found"),
    ("refunds.signed_refund_voucher", "refund_no", "refund_not_found"),
    ("refunds.apply_for_payment", "payment_no", "payment_not_found"),
    ("refunds.show", "refund_no", "refund_not_found"),
    ("refunds.approve", "refund_no", "refund_not_found"),
    ("refunds.reject", "refund_no", "refund_not_found"),
    ("refunds.withdraw", "refund_no", "refund_not_found"),
    ("refunds.resubmit", "refund_no", "refund_not_found"),
    ("agreements.show", "agreement_no", "agreement_not_found"),
    ("agreements.terminate", "agreement_no", "agreement_not_found"),
    ("agreements.lock", "agreement_no", "agreement_not_found"),
    ("agreements.unlock", "agreement_no", "agreement_not_found"),
    ("agreements.export", "agreement_no", "agreement_not_found"),
]


@pytest.mark.parametrize(("act", "argument", "code"), BY_NUMBER)
@pytest.mark.parametrize("number", ["B0", "", "' OR 1=1 --", "号" * 1000, "\0", "\udcff"], ids=ascii)
def test_a_record_that_is_not_there_is_refused_whatever_its_number(
    sandbox: Sandbox, act: str, argument: str, code: str, number: str
) -> None:
    code = "text_malformed" if number == "\udcff" else code
    room, method = act.split(".")
    call: Any = getattr(getattr(sandbox, room), method)
    with refused(sandbox, code):
        call(**{argument: number})
