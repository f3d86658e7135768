"""Erasing a holder: names are gone for good, from the file too, and the books stay whole."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from ecny_tax import Fen, FixedClock, RejectedError, Sandbox
from ecny_tax.agreements.model import Verification
from ecny_tax.payments.printing import as_html, as_text
from ecny_tax.payments.receipts import paper as receipt_paper
from ecny_tax.refunds.vouchers import paper as voucher_paper
from ecny_tax.wallets.erasure import Erasure
from ecny_tax.wallets.model import Wallet
from tests.support import (
    AUTHORITY,
    SEED,
    START,
    company_id,
    company_name,
    corporate,
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


def empty_and_close(s: Sandbox, wallet: Wallet) -> None:
    if left := s.wallets.show(wallet_id=wallet.wallet_id).balance:
        s.wallets.cash_out(wallet_id=wallet.wallet_id, amount=left)
    s.wallets.close(wallet_id=wallet.wallet_id)


def erase(s: Sandbox, wallet: Wallet) -> Erasure:
    return s.wallets.erase(wallet_id=wallet.wallet_id)


def gone(s: Sandbox, wallet: Wallet) -> Erasure:
    empty_and_close(s, wallet)
    return erase(s, wallet)


def sealed(path: Path, subject: str) -> list[bytes]:
    """Every wrapped key, box and digest of a subject."""
    with closing(sqlite3.connect(path)) as outside:
        found = outside.execute(
            "SELECT wrapped_key FROM subject_key WHERE subject_id = ?", (subject,)
        ).fetchall()
        found += outside.execute("SELECT sealed FROM identity WHERE subject_id = ?", (subject,)).fetchall()
        found += outside.execute("SELECT digest FROM identity WHERE subject_id = ?", (subject,)).fetchall()
    return [value for (value,) in found]


# --- what goes ------------------------------------------------------------------------------------------


def test_no_byte_of_an_erased_key_box_or_digest_stays_in_the_files(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with Sandbox.open(path, clock=FixedClock(START), seed=SEED) as s:
        wallet = personal(s, phone=phone_number(), fund=Fen(500))
        others = [personal(s, number, phone=phone_number(number)) for number in range(2, 60)]
        s.payments.pay(bill_no=owe(s, wallet, 100).bill_no, wallet_id=wallet.wallet_id)
        secrets, kept = sealed(path, wallet.subject_id), sealed(path, others[0].subject_id)
        assert len(secrets) == 3 * 3  # operator, authority, treasury

        def found() -> set[bytes]:
            files = b"".join(file.read_bytes() for file in tmp_path.iterdir())
            return {secret for secret in (*secrets, *kept) if secret in files}

        assert found() == {*secrets, *kept}
        done = gone(s, wallet)
        assert (done.keys_destroyed, done.file_cleaned, done.status) == (3, True, "closed")
        assert found() == set(kept)
        assert [row[0] for row in sqlite3.connect(path).execute("PRAGMA integrity_check")] == ["ok"]
    assert found() == set(kept)
    with Sandbox.open(path, clock=FixedClock(START)) as s:
        assert s.ledger.verify().ok
        assert s.wallets.holder(wallet_id=others[0].wallet_id).name == person_name(2)


def test_while_somebody_reads_an_older_state_the_answer_says_that_the_file_is_not_clean(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.db"
    with Sandbox.open(path, clock=FixedClock(START), seed=SEED) as s:
        wallet = personal(s)
        secrets = sealed(path, wallet.subject_id)
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            assert reader.execute("SELECT count(*) FROM identity").fetchone() == (1,)
            done = gone(s, wallet)
            assert (done.keys_destroyed, done.file_cleaned) == (1, False)
            assert s.wallets.holder(wallet_id=wallet.wallet_id).erased
            reader.execute("ROLLBACK")
        again = erase(s, wallet)
        assert (again.keys_destroyed, again.file_cleaned) == (0, True)
    files = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert not any(secret in files for secret in secrets)


def test_a_nameless_holders_phone_is_erased(sandbox: Sandbox) -> None:
    wallet = nameless(sandbox)
    assert gone(sandbox, wallet).keys_destroyed == 1
    assert sandbox.wallets.holder(wallet_id=wallet.wallet_id).phone is None


@pytest.mark.parametrize("new_phone", [None, phone_number(7)])
def test_what_was_known_before_an_upgrade_is_erased_with_the_holder(
    sandbox: Sandbox, new_phone: str | None
) -> None:
    wallet = nameless(sandbox)
    sandbox.wallets.upgrade(
        wallet_id=wallet.wallet_id,
        wallet_class="II",
        name=person_name(),
        id_number=person_id(),
        phone=new_phone,
    )
    gone(sandbox, wallet)
    with sandbox._store.reading() as tx:
        assert tx.rows("SELECT identity_id FROM identity WHERE sealed IS NOT NULL") == []


def test_a_nameless_wallet_that_is_still_open_keeps_its_phone(sandbox: Sandbox) -> None:
    wallet, other = personal(sandbox, phone=phone_number()), nameless(sandbox, 1)
    gone(sandbox, wallet)
    assert sandbox.wallets.holder(wallet_id=other.wallet_id).phone == phone_number()
    assert sandbox.wallets.holder(wallet_id=wallet.wallet_id).erased


# --- what stays -----------------------------------------------------------------------------------------


def lived(s: Sandbox) -> tuple[Wallet, dict[str, str]]:
    """A person who signed, paid for itself, was paid for and refunded, and the numbers of all that."""
    person, company = personal(s, phone=phone_number(), fund=Fen(5_000)), corporate(s, fund=Fen(5_000))
    signed = s.agreements.sign(wallet_id=person.wallet_id)
    with pytest.raises(RejectedError):
        s.agreements.sign(wallet_id=company.wallet_id, taxpayer_name="另一家虚构公司")
    own = s.payments.pay(bill_no=owe(s, person, 100).bill_no)
    scanned = s.payments.pay(bill_no=owe(s, company, 200).bill_no, wallet_id=person.wallet_id)
    back = s.refunds.apply_for_payment(payment_no=scanned.payment_no, amount=Fen(50))
    annual = s.refunds.apply_for_income_tax(wallet_id=person.wallet_id, annual_return=refund_of(700))
    s.wallets.transfer(from_wallet=person.wallet_id, to_wallet=company.wallet_id, amount=Fen(30))
    numbers = {
        "company": company.wallet_id, "agreement": signed.agreement_no, "own": own.receipt_no,
        "scanned": scanned.receipt_no, "back": back.refund_no, "annual": annual.refund_no,
    }  # fmt: skip
    return person, numbers


def test_after_an_erasure_everything_still_answers_and_names_nobody(sandbox: Sandbox) -> None:
    person, numbers = lived(sandbox)
    ledger = {
        name: rows for name, rows in dump(sandbox).items() if name in ("transfer", "account", "payment")
    }
    empty_and_close(sandbox, person)
    moved = dump(sandbox)
    erase(sandbox, person)
    changed = {name for name, rows in dump(sandbox).items() if rows != moved[name]}
    assert changed == {"identity", "subject_key", "agreement"}  # of the last, what was signed over the name
    assert sandbox.ledger.verify().ok
    assert sandbox.payments.check_authorisations().ok, "`ledger verify --signatures`"
    assert ledger["payment"] == dump(sandbox)["payment"]

    own = sandbox.payments.receipt(receipt_no=numbers["own"])
    assert (own.taxpayer_name, own.taxpayer_id, own.payer_name) == ("(erased)",) * 3
    scanned = sandbox.payments.print_receipt(receipt_no=numbers["scanned"])
    assert (scanned.taxpayer_name, scanned.payer_name) == (company_name(), "(erased)")
    back = sandbox.refunds.voucher(refund_no=numbers["back"])
    assert (back.taxpayer_name, back.payee_name) == (company_name(), "(erased)")
    annual = sandbox.refunds.voucher(refund_no=numbers["annual"])
    assert (annual.taxpayer_name, annual.taxpayer_id, annual.payee_name) == ("(erased)",) * 3
    for paper in (receipt_paper(own), receipt_paper(scanned), voucher_paper(back), voucher_paper(annual)):
        for form in (as_text, as_html):
            assert "（已删除）" in form(paper, "zh")
            assert "(erased)" not in form(paper, "zh")
            assert "(erased)" in form(paper, "en")

    assert sandbox.agreements.show(agreement_no=numbers["agreement"]).status == "verified"
    for party in ("holder", "ICBC", AUTHORITY):
        view = sandbox.wallets.view(wallet_id=person.wallet_id, party=party)
        assert (view.name, view.phone) == ("(erased)", None)
    assert sandbox.wallets.view(wallet_id=person.wallet_id, party="1907840000").name == "(erased)"
    payee = sandbox.wallets.statement(wallet_id=numbers["company"]).lines[-1]
    seen = sandbox.wallets.view(wallet_id=person.wallet_id, party=numbers["company"])
    assert seen.pseudonym == payee.counterparty, "a payee knows its payer again, and never knew more"
    assert len(sandbox.wallets.statement(wallet_id=person.wallet_id).lines) > 4
    holder = sandbox.wallets.holder(wallet_id=person.wallet_id)
    assert (holder.erased, holder.name, holder.id_number, holder.phone) == (True, None, None, None)


def test_an_agreement_whose_names_are_erased_is_not_exported_and_not_verified_anew(sandbox: Sandbox) -> None:
    person, numbers = lived(sandbox)
    gone(sandbox, person)
    with refused(sandbox, "agreement_names_erased", agreement_no=numbers["agreement"]):
        sandbox.agreements.export(agreement_no=numbers["agreement"])
    asked = Verification(
        numbers["agreement"], AUTHORITY, "ICBC", person.wallet_id, person_name(), person_id()
    )
    with refused(sandbox, "agreement_names_erased"):
        sandbox.agreements.verify_with_operator(asked)


def test_what_a_sole_trader_entered_in_its_agreement_is_erased_too(sandbox: Sandbox) -> None:
    wallet = personal(sandbox)
    code = company_id(9, start="92440784")
    agreement = sandbox.agreements.sign(wallet_id=wallet.wallet_id, taxpayer_id=code)
    gone(sandbox, wallet)
    with refused(sandbox, "agreement_names_erased"):
        sandbox.agreements.export(agreement_no=agreement.agreement_no)
    with sandbox._store.reading() as tx:
        assert tx.rows("SELECT identity_id FROM identity WHERE sealed IS NOT NULL") == []


def test_who_comes_back_is_recorded_afresh_and_is_not_refunded_twice(
    sandbox: Sandbox, clock: FixedClock
) -> None:
    person = personal(sandbox)
    sandbox.refunds.apply_for_income_tax(wallet_id=person.wallet_id, annual_return=refund_of(700))
    gone(sandbox, person)
    clock.advance(timedelta(days=1))
    back = personal(sandbox, phone=phone_number(5))
    assert back.subject_id == person.subject_id
    assert back.identity_id != person.identity_id
    assert sandbox.wallets.holder(wallet_id=back.wallet_id).name == person_name()
    assert sandbox.wallets.holder(wallet_id=person.wallet_id).erased, "the past stays erased"
    with refused(sandbox, "annual_settlement_exists"):
        sandbox.refunds.apply_for_income_tax(wallet_id=back.wallet_id, annual_return=refund_of(700))
    sandbox.payments.pay_stamp_duty(
        wallet_id=sandbox.wallets.open(
            kind="corporate", operator="ICBC", name=company_name(), id_number=company_id(), fund=Fen(10**6)
        ).wallet_id,
        item="sale_contract",
        base=Fen(10**6),
    )


def test_a_replay_does_not_bring_an_erased_identity_back(sandbox: Sandbox) -> None:
    wallet = personal(sandbox, idempotency_key="k")
    gone(sandbox, wallet)
    with refused(sandbox, "idempotency_conflict"):
        personal(sandbox, idempotency_key="k")


# --- when it is refused ---------------------------------------------------------------------------------


def test_a_holder_with_an_open_wallet_is_not_erased(sandbox: Sandbox) -> None:
    first, second = personal(sandbox), personal(sandbox, operator="BOC")
    with refused(sandbox, "holder_has_open_wallets", count=2):
        erase(sandbox, first)
    empty_and_close(sandbox, first)
    with refused(sandbox, "holder_has_open_wallets", count=1):
        erase(sandbox, first)
    empty_and_close(sandbox, second)
    erase(sandbox, first)
    assert sandbox.wallets.holder(wallet_id=second.wallet_id).erased


def _open_bill(s: Sandbox, wallet: Wallet) -> Callable[[], object]:
    bill = owe(s, wallet, 100)
    return lambda: s.taxes.cancel(bill_no=bill.bill_no)


def _under_review(s: Sandbox, wallet: Wallet) -> Callable[[], object]:
    refund = s.refunds.apply_for_income_tax(
        wallet_id=wallet.wallet_id, annual_return=refund_of(700), manual_review=True
    )
    return lambda: s.refunds.reject(refund_no=refund.refund_no)


def _failed(s: Sandbox, wallet: Wallet) -> Callable[[], object]:
    refund = s.refunds.apply_for_income_tax(
        wallet_id=wallet.wallet_id, annual_return=refund_of(700), manual_review=True
    )
    s.wallets.close(wallet_id=wallet.wallet_id)
    assert s.refunds.approve(refund_no=refund.refund_no).status == "treasury_failed"
    return lambda: s.refunds.withdraw(refund_no=refund.refund_no)


@pytest.mark.parametrize("waiting", [_open_bill, _under_review, _failed])
def test_a_name_that_is_still_needed_is_not_erased(
    sandbox: Sandbox, waiting: Callable[[Sandbox, Wallet], Callable[[], object]]
) -> None:
    wallet = personal(sandbox)
    end = waiting(sandbox, wallet)
    if sandbox.wallets.show(wallet_id=wallet.wallet_id).status != "closed":
        sandbox.wallets.close(wallet_id=wallet.wallet_id)
    with refused(sandbox, "identity_still_needed", wallet_id=wallet.wallet_id):
        erase(sandbox, wallet)
    end()
    assert erase(sandbox, wallet).keys_destroyed == 2


def test_erasing_nobodys_wallet_is_refused(sandbox: Sandbox) -> None:
    with refused(sandbox, "wallet_not_found"):
        sandbox.wallets.erase(wallet_id="0021000000000005")


def test_nothing_is_left_by_which_a_guessed_name_could_be_checked(sandbox: Sandbox) -> None:
    """The operator's answer names the signed document by its hash, and the document names the taxpayer."""
    company = corporate(sandbox)
    agreement = sandbox.agreements.sign(wallet_id=company.wallet_id)
    sandbox.agreements.terminate(agreement_no=agreement.agreement_no)
    before = dump(sandbox)["agreement"]
    gone(sandbox, company)
    after = dump(sandbox)["agreement"]
    assert before != after
    assert all(not isinstance(value, bytes) or not value for row in after for value in row)
    assert sandbox.agreements.show(agreement_no=agreement.agreement_no).status == "terminated"


def test_a_refund_asked_for_after_an_erasure_tells_nobody_anything(sandbox: Sandbox) -> None:
    """A nameless wallet paid, got a name, was closed and erased: nobody can be told any more who asks."""
    wallet = nameless(sandbox, fund=Fen(500))
    debtor = corporate(sandbox, 2)
    paid = sandbox.payments.pay(bill_no=owe(sandbox, debtor, 100).bill_no, wallet_id=wallet.wallet_id)
    sandbox.wallets.upgrade(
        wallet_id=wallet.wallet_id, wallet_class="II", name=person_name(), id_number=person_id()
    )
    gone(sandbox, wallet)
    with refused(sandbox, "holder_erased", wallet_id=wallet.wallet_id):
        sandbox.refunds.apply_for_payment(payment_no=paid.payment_no)
