"""Who sees what of a wallet, and that two payees cannot join their books."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecny_tax import EcnyTaxError, Fen, FixedClock, InvalidInputError, RejectedError, Sandbox
from ecny_tax.documents import document
from ecny_tax.identifiers import luhn_digit
from ecny_tax.ledger.model import TransferCode
from ecny_tax.parties.model import Identity, IdentityKind
from ecny_tax.wallets import views
from ecny_tax.wallets.model import StatementLine, Wallet
from ecny_tax.wallets.views import Role, WalletView
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

TREASURY = "1907840000"
REGISTERED = {"wallet_id", "kind", "wallet_class", "operator", "balance", "status"}
WHOLE = REGISTERED | {"opened_at", "closed_at", "stop_reason", "stopped_until"}
#: A token that could identify somebody; the words of every view are none.
TOKEN = re.compile(r"\w{6,}")


def view(s: Sandbox, wallet: Wallet, party: str) -> WalletView:
    return s.wallets.view(wallet_id=wallet.wallet_id, party=party)


def seen(s: Sandbox, wallet: Wallet, party: str) -> dict[str, Any]:
    """What a party sees, by name; everything else must be None, so that nothing hides in the object."""
    found = view(s, wallet, party)
    shown = {name: getattr(found, name) for name in found.fields}
    others = set(document(found)) - shown.keys() - {"party", "known"}
    assert all(getattr(found, name) is None for name in others)
    assert found.known == bool(shown)
    return shown


def pay(s: Sandbox, payer: Wallet, payee: Wallet, amount: int = 100) -> None:
    s.wallets.transfer(from_wallet=payer.wallet_id, to_wallet=payee.wallet_id, amount=Fen(amount))


# --- one party after the other --------------------------------------------------------------------------


@pytest.mark.parametrize("party", ["holder", "operator:ICBC", "icbc"])
def test_holder_and_own_operator_see_the_wallet_and_what_kyc_took(sandbox: Sandbox, party: str) -> None:
    wallet = personal(sandbox, phone=phone_number(), fund=Fen(5))
    shown = seen(sandbox, wallet, party)
    assert shown.keys() == WHOLE | {"name", "id_number", "phone"}
    assert (shown["name"], shown["id_number"], shown["phone"]) == (person_name(), person_id(), phone_number())
    assert shown["balance"] == 5
    assert seen(sandbox, corporate(sandbox), party).keys() == WHOLE | {"name", "id_number"}


@pytest.mark.parametrize("party", ["holder", "operator:ICBC"])
def test_of_a_class_iv_wallet_kyc_took_the_phone_alone(sandbox: Sandbox, party: str) -> None:
    shown = seen(sandbox, nameless(sandbox), party)
    assert shown.keys() == WHOLE | {"phone"}
    assert shown["phone"] == phone_number()


def test_another_operator_sees_where_to_route_and_nothing_else(sandbox: Sandbox) -> None:
    wallet = personal(sandbox, phone=phone_number(), fund=Fen(5))
    assert seen(sandbox, wallet, "BOC") == {"wallet_id": wallet.wallet_id, "operator": "ICBC"}


@pytest.mark.parametrize("party", ["central-bank", "central_bank:PBC", "PBC"])
def test_the_central_bank_sees_the_register_and_nobodys_name(sandbox: Sandbox, party: str) -> None:
    assert seen(sandbox, personal(sandbox, phone=phone_number()), party).keys() == REGISTERED
    assert seen(sandbox, nameless(sandbox), party).keys() == REGISTERED


def _signs(s: Sandbox, w: Wallet) -> None:
    s.agreements.sign(wallet_id=w.wallet_id)


def _declares(s: Sandbox, w: Wallet) -> None:
    owe(s, w, 100)


def _pays_anothers_bill(s: Sandbox, w: Wallet) -> None:
    s.payments.pay(bill_no=owe(s, corporate(s, 9), 100).bill_no, wallet_id=w.wallet_id)


def _is_refunded(s: Sandbox, w: Wallet) -> None:
    s.refunds.apply_for_income_tax(wallet_id=w.wallet_id, annual_return=refund_of(100))


@pytest.mark.parametrize("act", [_signs, _declares, _pays_anothers_bill, _is_refunded])
def test_an_authority_sees_name_and_number_of_whom_it_deals_with_and_of_nobody_else(
    sandbox: Sandbox, act: Any
) -> None:
    sandbox.parties.add_tax_authority(code="14400000001", name="虚构税务局")
    wallet = personal(sandbox, phone=phone_number(), fund=Fen(500))
    second = personal(sandbox, phone=phone_number(), operator="BOC")
    assert seen(sandbox, wallet, AUTHORITY) == {}
    act(sandbox, wallet)
    assert seen(sandbox, wallet, AUTHORITY) == {"name": person_name(), "taxpayer_id": person_id()}
    assert seen(sandbox, wallet, "tax-authority:14400000001") == {}
    assert seen(sandbox, second, AUTHORITY) == {}, "another wallet of the same person told it nothing"


def test_a_nameless_payer_tells_authority_and_treasury_nothing(sandbox: Sandbox) -> None:
    payer = nameless(sandbox, fund=Fen(500))
    _pays_anothers_bill(sandbox, payer)
    paid = sandbox.payments.list()[0]
    sandbox.refunds.apply_for_payment(payment_no=paid.payment_no)
    for party in (AUTHORITY, TREASURY):
        assert seen(sandbox, payer, party) == {}
    with sandbox._store.reading() as tx:
        kinds = tx.rows("SELECT DISTINCT kind FROM identity WHERE custodian NOT LIKE 'operator:%'")
    assert kinds == [("company",)], "no phone ever reaches an authority or a treasury"


def test_what_an_agent_told_of_a_person_tells_nobody_which_wallet_is_theirs(sandbox: Sandbox) -> None:
    from ecny_tax.taxes.withholding_records import WithholdingStatement

    agent, person = corporate(sandbox), personal(sandbox, 2)
    statement = WithholdingStatement(2022, person_name(2), person_id(2), wages=Fen(100))
    sandbox.taxes.declare_withholding(wallet_id=agent.wallet_id, statement=statement)
    assert seen(sandbox, agent, AUTHORITY) == {"name": company_name(), "taxpayer_id": company_id()}
    assert seen(sandbox, person, AUTHORITY) == {}


def test_what_was_entered_in_a_refused_agreement_is_nobodys_name(sandbox: Sandbox) -> None:
    wallet, victim = personal(sandbox, 1), personal(sandbox, 2)
    with pytest.raises(EcnyTaxError):
        sandbox.agreements.sign(
            wallet_id=wallet.wallet_id, taxpayer_name=person_name(2), taxpayer_id=person_id(2)
        )
    for other in (wallet, victim):
        assert seen(sandbox, other, AUTHORITY) == {}


def test_a_sole_trader_is_known_as_it_signed_until_it_declares_as_a_person(sandbox: Sandbox) -> None:
    code = company_id(9, start="92440784")
    wallet = personal(sandbox)
    sandbox.agreements.sign(wallet_id=wallet.wallet_id, taxpayer_id=code)
    assert seen(sandbox, wallet, AUTHORITY) == {"name": person_name(), "taxpayer_id": code}
    owe(sandbox, wallet, 100)
    assert seen(sandbox, wallet, AUTHORITY)["taxpayer_id"] == person_id()


def test_a_treasury_sees_the_name_of_who_paid_into_it_and_no_number(sandbox: Sandbox) -> None:
    sandbox.treasury.add(code="1900000001", name="虚构国库")
    wallet = corporate(sandbox, fund=Fen(500))
    bill = owe(sandbox, wallet, 100)
    assert seen(sandbox, wallet, TREASURY) == {}, "a declaration is no payment"
    sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id)
    assert seen(sandbox, wallet, TREASURY) == {"name": company_name()}
    assert seen(sandbox, wallet, "treasury:1900000001") == {}


def test_a_payee_sees_a_pseudonym_once_it_was_paid(sandbox: Sandbox) -> None:
    payer, payee, other = corporate(sandbox, fund=Fen(500)), personal(sandbox), personal(sandbox, 2)
    assert seen(sandbox, payer, payee.wallet_id) == {}
    pay(sandbox, payer, payee)
    shown = seen(sandbox, payer, f"wallet:{payee.wallet_id}")
    assert shown.keys() == {"pseudonym"}
    assert re.fullmatch("payer:[0-9A-F]{20}", shown["pseudonym"])
    assert seen(sandbox, payer, other.wallet_id) == {}
    assert seen(sandbox, payee, payer.wallet_id) == {}, "it was not paid back"
    (line,) = sandbox.wallets.statement(wallet_id=payee.wallet_id).lines
    assert line.counterparty == shown["pseudonym"]
    mine = sandbox.wallets.statement(wallet_id=payer.wallet_id).lines[-1]
    assert mine.counterparty == f"wallet:{payee.wallet_id}", "the payer named it itself"


def test_whoever_looks_through_the_wallet_itself_is_its_holder(sandbox: Sandbox) -> None:
    wallet = personal(sandbox)
    assert view(sandbox, wallet, wallet.wallet_id) == view(sandbox, wallet, "holder")


# --- pseudonyms -----------------------------------------------------------------------------------------


def test_a_pseudonym_needs_the_key_of_the_payers_operator() -> None:
    found = set()
    for seed in ("one", "two"):
        with Sandbox.open(":memory:", clock=FixedClock(START), seed=seed) as s:
            from ecny_tax.wallets.pseudonyms import pseudonym

            asked = {"payer": "0021000000000005", "payee": "0021000000000013"}
            found |= {pseudonym(s._keyring, operator=code, **asked) for code in ("ICBC", "BOC")}
    assert len(found) == 4


payments = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(1, 99)), min_size=2, max_size=8
)


@given(payments, st.sampled_from(["ICBC", "BOC", "CMB"]))
def test_two_payees_views_of_one_payer_share_no_identifier(
    paid: list[tuple[int, int, int]], operator: str
) -> None:
    clock = FixedClock(START)
    with Sandbox.open(":memory:", clock=clock, seed="payees") as s:
        payers = [
            nameless(s, fund=Fen(10_000)),
            personal(s, 2, operator=operator, fund=Fen(10_000)),
            corporate(s, 3, fund=Fen(10_000)),
        ]
        payees = [corporate(s, 11), corporate(s, 12, operator="BOC"), nameless(s, 13)]
        pseudonyms: dict[tuple[int, int], set[str]] = {}
        for who, whom, amount in paid:
            clock.advance(timedelta(hours=1, seconds=amount))
            pay(s, payers[who], payees[whom], amount)
            line = s.wallets.statement(wallet_id=payees[whom].wallet_id).lines[-1]
            pseudonyms.setdefault((who, whom), set()).add(line.counterparty)
        assert all(len(found) == 1 for found in pseudonyms.values()), "a payee knows its payer again"
        every = [next(iter(found)) for found in pseudonyms.values()]
        assert len(every) == len(set(every))
        books = [tokens(s, payee, payers) for payee in payees]
        for first in range(3):
            for second in range(first):
                assert not books[first] & books[second]
        identifying = {token for payer in payers for token in TOKEN.findall(identity_of(s, payer))}
        assert not identifying & set.union(*books)


def tokens(s: Sandbox, payee: Wallet, payers: list[Wallet]) -> set[str]:
    """Everything in a payee's statement and views that could identify somebody: all but their words."""
    statement = document(s.wallets.statement(wallet_id=payee.wallet_id))
    shown = [document(view(s, payer, f"wallet:{payee.wallet_id}")) for payer in payers]
    keys = {*statement, *document(StatementLine(START, "", "", "", "", Fen(0), Fen(0))), *shown[0]}
    kinds = {code.name.lower() for code in TransferCode} | set(Role)
    return set(TOKEN.findall(json.dumps([statement, shown]))) - keys - kinds


def identity_of(s: Sandbox, payer: Wallet) -> str:
    """Whatever names a payer anywhere."""
    return f"{payer} {s.wallets.holder(wallet_id=payer.wallet_id)} {payer.identity_id} {payer.subject_id}"


def test_a_transfer_that_the_payee_cannot_take_in_tells_nothing_of_its_balance(sandbox: Sandbox) -> None:
    payer, payee = corporate(sandbox, fund=Fen(10**9)), nameless(sandbox, fund=Fen(1_234_56))
    with pytest.raises(RejectedError) as found:
        pay(sandbox, payer, payee, 9_000_00)
    assert found.value.code == "payee_limit_exceeded"
    assert found.value.values == {"wallet_id": payee.wallet_id, "amount": "9000.00"}


# --- naming a party -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "party"),
    [
        ("holder", (Role.HOLDER, "")),
        (" Holder ", (Role.HOLDER, "")),
        ("operator:icbc", (Role.OPERATOR, "ICBC")),
        ("WeBank", (Role.OPERATOR, "WEBANK")),
        ("tax-authority:14407840000", (Role.TAX_AUTHORITY, AUTHORITY)),
        ("tax_authority: 14407840000", (Role.TAX_AUTHORITY, AUTHORITY)),
        (AUTHORITY, (Role.TAX_AUTHORITY, AUTHORITY)),
        (TREASURY, (Role.TREASURY, TREASURY)),
        ("treasury:1907840000", (Role.TREASURY, TREASURY)),
        ("central-bank", (Role.CENTRAL_BANK, "PBC")),
        ("central-bank:pbc", (Role.CENTRAL_BANK, "PBC")),
        ("0021000000000005", (Role.WALLET, "0021000000000005")),
        ("wallet:0021000000000005", (Role.WALLET, "0021000000000005")),
    ],
)
def test_a_party_is_named_by_role_and_code_or_by_a_code_alone(text: str, party: tuple[Role, str]) -> None:
    assert views.parse_party(text) == party


NO_PARTY = [
    "", ":", "holder:ICBC", "operator:", "bank:ICBC", "central-bank:ICBC", "123", "operator", "wallet",
    "１４４０７８４００００", "ICBC:operator:", "x" * 41, "IC\nBC", "operator:IC\0BC", "鹤山",
]  # fmt: skip


@pytest.mark.parametrize("text", NO_PARTY)
def test_what_names_no_party_is_refused(sandbox: Sandbox, text: str) -> None:
    wallet = personal(sandbox)
    code = "operator_unknown" if text in ("operator", "wallet") else "party_malformed"
    with refused(sandbox, code):
        view(sandbox, wallet, text)


@given(st.text(max_size=50))
def test_any_text_names_a_party_or_is_refused(text: str) -> None:
    with suppress(InvalidInputError):
        role, code = views.parse_party(text)
        assert (role is Role.HOLDER) == (code == "")


@pytest.mark.parametrize(
    ("party", "code"),
    [
        ("operator:HSBC", "operator_unknown"),
        ("tax-authority:14400000009", "tax_authority_not_found"),
        ("tax-authority:1", "authority_code_malformed"),
        ("treasury:1900000009", "treasury_not_found"),
        (f"wallet:002100000000000{luhn_digit('002100000000000')}", "wallet_not_found"),
        ("wallet:1", "wallet_id_malformed"),
    ],
)
def test_a_party_that_is_not_there_is_refused(sandbox: Sandbox, party: str, code: str) -> None:
    wallet = personal(sandbox)
    with refused(sandbox, code):
        view(sandbox, wallet, party)


def test_a_view_does_not_print_identities_by_accident(sandbox: Sandbox) -> None:
    found = view(sandbox, personal(sandbox, phone=phone_number()), "holder")
    assert not any(value in repr(found) for value in (person_name(), person_id(), phone_number()))


@given(st.booleans(), st.sampled_from(list(IdentityKind)))
def test_the_rules_decide_from_values_alone(erased: bool, kind: IdentityKind) -> None:
    known = Identity("I1", "S1", kind, name="甲", id_number="1", phone="2", erased=erased)
    told = views.told("tax_authority:1", known, with_id=True)
    assert told.fields == ("name", "taxpayer_id")
    assert (told.name, told.taxpayer_id) == (("(erased)", "(erased)") if erased else ("甲", "1"))
    assert told.phone is told.balance is told.wallet_id is None
