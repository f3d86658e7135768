"""Whoever took an identity can open it, and nobody else: what is sealed under whose key."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path

import pytest

from ecny_tax import Fen, FixedClock, Sandbox
from ecny_tax.crypto.sealing import unseal
from ecny_tax.errors import VerificationError
from ecny_tax.parties import service as parties
from ecny_tax.parties.model import IdentityKind
from ecny_tax.taxes.withholding_records import WithholdingStatement
from tests.support import (
    AUTHORITY,
    START,
    company_id,
    company_name,
    corporate,
    nameless,
    owe,
    person_id,
    person_name,
    personal,
    phone_number,
    refund_of,
    refused,
)

OFFICE, TREASURY = f"tax_authority:{AUTHORITY}", "treasury:1907840000"


def custody(s: Sandbox) -> dict[str, list[tuple[str | None, str | None, str | None]]]:
    """What each custodian's records say, opened with its own key."""
    found: dict[str, list[tuple[str | None, str | None, str | None]]] = {}
    with s._store.reading() as tx:
        for identity_id, custodian in tx.rows("SELECT identity_id, custodian FROM identity ORDER BY rowid"):
            taken = parties.open_identity(tx, s._keyring, identity_id)
            found.setdefault(custodian, []).append((taken.name, taken.id_number, taken.phone))
    return found


def story(s: Sandbox) -> None:
    """A company and a person deal with the authority; a nameless wallet pays, another person does nothing."""
    company = corporate(s, fund=Fen(1_000_00))
    person = personal(s, 2, phone=phone_number(2), operator="BOC", fund=Fen(1_000_00))
    anonymous = nameless(s, 3, fund=Fen(1_000_00))
    personal(s, 4, phone=phone_number(4))
    s.agreements.sign(wallet_id=company.wallet_id)
    for payer in (company, person, anonymous):
        s.payments.pay(bill_no=owe(s, company, 100).bill_no, wallet_id=payer.wallet_id)
    s.refunds.apply_for_income_tax(wallet_id=person.wallet_id, annual_return=refund_of(50))
    statement = WithholdingStatement(2022, person_name(5), person_id(5), wages=Fen(100))
    s.taxes.declare_withholding(wallet_id=company.wallet_id, statement=statement)


def test_each_party_holds_what_it_took_and_no_more(sandbox: Sandbox) -> None:
    story(sandbox)
    assert custody(sandbox) == {
        "operator:ICBC": [
            (company_name(), company_id(), None),
            (None, None, phone_number(3)),
            (person_name(4), person_id(4), phone_number(4)),
        ],
        "operator:BOC": [(person_name(2), person_id(2), phone_number(2))],
        OFFICE: [
            (company_name(), company_id(), None),
            (person_name(2), person_id(2), None),
            (person_name(5), person_id(5), None),
        ],
        TREASURY: [(company_name(), None, None), (person_name(2), None, None)],
    }


def test_a_custodians_key_opens_nothing_of_another_custodian(sandbox: Sandbox) -> None:
    story(sandbox)
    with sandbox._store.reading() as tx:
        keys = tx.rows("SELECT subject_id, custodian, wrapped_key FROM subject_key")
        boxes = tx.rows("SELECT identity_id, subject_id, custodian, sealed FROM identity")
    custodians = {custodian for _subject, custodian, _key in keys}
    secrets = {name: sandbox._keyring.secret(f"identity keys/{name}") for name in custodians}
    data_keys = {
        (subject, name): unseal(wrapped, key=secrets[name], label=f"{subject}/{name}".encode())
        for subject, name, wrapped in keys
    }
    assert len(set(data_keys.values())) == len(keys), "a data key of its own for each subject and custodian"
    for subject, owner, wrapped in keys:
        for other in custodians - {owner}:
            for label in (f"{subject}/{owner}", f"{subject}/{other}"):
                with pytest.raises(VerificationError):
                    unseal(wrapped, key=secrets[other], label=label.encode())
    for (one, box_of, custodian, box), (another, *_rest) in permutations(boxes, 2):
        label = f"{one}/{custodian}".encode()
        own = data_keys[box_of, custodian]
        assert json.loads(unseal(box, key=own, label=label))
        with pytest.raises(VerificationError):
            unseal(box, key=own, label=f"{another}/{custodian}".encode())
        for key in set(data_keys.values()) - {own}:
            with pytest.raises(VerificationError):
                unseal(box, key=key, label=label)


def test_what_is_looked_up_at_one_custodian_is_not_found_by_it_at_another(sandbox: Sandbox) -> None:
    story(sandbox)
    with sandbox._store.reading() as tx:
        digests = [row[0] for row in tx.rows("SELECT digest FROM identity")]
    assert len(digests) == len(set(digests))


def test_dealing_again_tells_nothing_twice(sandbox: Sandbox) -> None:
    wallet = corporate(sandbox, fund=Fen(1_000_00))
    sandbox.agreements.sign(wallet_id=wallet.wallet_id)
    sandbox.payments.pay(bill_no=owe(sandbox, wallet, 100).bill_no)
    before = custody(sandbox)
    for _ in range(3):
        paid = sandbox.payments.pay(bill_no=owe(sandbox, wallet, 100).bill_no)
        sandbox.refunds.apply_for_payment(payment_no=paid.payment_no)
    assert custody(sandbox) == before
    assert {name: len(found) for name, found in before.items()} == {
        "operator:ICBC": 1,
        OFFICE: 1,
        TREASURY: 1,
    }


def test_records_of_an_authority_refer_to_its_own_identities(sandbox: Sandbox) -> None:
    story(sandbox)
    refers = {
        "bill": "identity_id", "refund": "identity_id", "agreement": "identity_id", "payment": "payer_id",
    }  # fmt: skip
    with sandbox._store.reading() as tx:
        for table, column in refers.items():
            found = tx.rows(
                f"SELECT DISTINCT i.custodian FROM {table} t JOIN identity i ON i.identity_id = t.{column}"
            )
            assert found == [(OFFICE,)], table
        (row,) = tx.rows("SELECT count(*), count(payer_id) FROM payment")
        assert row == (3, 2), "a nameless wallet has no payer's name"
        assert {
            row[0] for row in tx.rows("SELECT DISTINCT custodian FROM withholding NATURAL JOIN identity")
        } == {OFFICE}


@pytest.mark.parametrize("name", ["(erased)", "（已删除）", "（erased）", " (已删除)"])
def test_nobody_is_called_what_stands_for_an_erased_name(sandbox: Sandbox, name: str) -> None:
    with refused(sandbox, "name_malformed"):
        personal(sandbox, name=name)


def test_what_one_holder_enters_of_somebody_else_does_not_stick_to_that_person(sandbox: Sandbox) -> None:
    wallet = personal(sandbox)
    with pytest.raises(Exception, match="name"):
        sandbox.agreements.sign(wallet_id=wallet.wallet_id, taxpayer_name="冒名者", taxpayer_id=person_id(2))
    agent = corporate(sandbox)
    statement = WithholdingStatement(2022, person_name(2), person_id(2), wages=Fen(100))
    sandbox.taxes.declare_withholding(wallet_id=agent.wallet_id, statement=statement)
    own = WithholdingStatement(2022, person_name(), person_id(), wages=Fen(100))
    sandbox.taxes.declare_withholding(wallet_id=agent.wallet_id, statement=own)


def test_the_subject_is_one_whoever_asks_and_tells_nothing_of_the_number(tmp_path: Path) -> None:
    with Sandbox.open(tmp_path / "a.db", clock=FixedClock(START), seed="one") as one:
        first = parties.subject_of(one._keyring, IdentityKind.PERSON, person_id())
        assert first == parties.subject_of(one._keyring, IdentityKind.PERSON, person_id())
        assert first != parties.subject_of(one._keyring, IdentityKind.PHONE, person_id())
    with Sandbox.open(tmp_path / "b.db", clock=FixedClock(START), seed="two") as two:
        assert first != parties.subject_of(two._keyring, IdentityKind.PERSON, person_id())
