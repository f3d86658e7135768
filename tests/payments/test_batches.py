"""Batch debits: one signature over many lines, a result for each, each decided as a debit by itself is."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from ecny_tax import Fen, FixedClock, InvalidInputError, Sandbox, verify_receipt
from ecny_tax.errors import EcnyTaxError
from ecny_tax.ledger.model import AccountFlags
from ecny_tax.payments import batch_model
from ecny_tax.payments.batch_model import DEBITS, Line
from ecny_tax.store import journal
from ecny_tax.wallets.model import Wallet
from tests.payments import batching
from tests.payments.batching import codes, line, lines_of, results, sign, write
from tests.support import (
    AUTHORITY,
    START,
    balance,
    corporate,
    due_of,
    dump,
    hold,
    owe,
    personal,
    refused,
)

OTHER = "14407840001"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "batch.txt"


def debtors(s: Sandbox, count: int = 3, fund: int = 1_000_00) -> list[Wallet]:
    """Companies with agreements on batch debits."""
    wallets = [corporate(s, number, fund=Fen(fund)) for number in range(1, count + 1)]
    for wallet in wallets:
        s.agreements.sign(wallet_id=wallet.wallet_id, batch_debit=True)
    return wallets


# --- writing ----------------------------------------------------------------------------------------


def test_a_batch_holds_the_open_bills_that_agreements_on_batch_debits_cover(
    sandbox: Sandbox, clock: FixedClock, file: Path
) -> None:
    (first, second) = debtors(sandbox, 2)
    without, nobody = corporate(sandbox, 7), corporate(sandbox, 8)
    sandbox.agreements.sign(wallet_id=without.wallet_id)
    person = personal(sandbox)
    sandbox.agreements.sign(wallet_id=person.wallet_id, batch_debit=True)
    covered = [owe(sandbox, first, 10_00), owe(sandbox, second, 20_00), owe(sandbox, first, 30_00)]
    covered.append(sandbox.taxes.declare_income_tax(wallet_id=person.wallet_id, annual_return=due_of(3_00)))
    for wallet in (without, nobody):
        owe(sandbox, wallet, 1_00)
    sandbox.taxes.cancel(bill_no=owe(sandbox, first, 1_00).bill_no)
    sandbox.payments.pay(bill_no=owe(sandbox, first, 1_00).bill_no)
    batch = write(sandbox, file)
    assert (batch.authority, batch.lines, batch.amount) == (AUTHORITY, 4, 63_00)
    agreed = {one.wallet_id: one for one in sandbox.agreements.list()}
    holders = [first, second, first, person]
    expected = [line(bill, agreed[wallet.wallet_id]) for bill, wallet in zip(covered, holders, strict=True)]
    assert lines_of(file) == sorted(expected)

    write(sandbox, file, tax="income-tax")
    assert [one.bill_no for one in lines_of(file)] == [covered[3].bill_no]
    clock.advance(timedelta(days=365))
    late = owe(sandbox, first, 40_00)
    write(sandbox, file, due_by=START.date() + timedelta(days=300))
    found = {one.bill_no: one.amount for one in lines_of(file)}
    assert found.keys() == {bill.bill_no for bill in covered}
    shown = {bill.bill_no: bill.total for bill in sandbox.taxes.bills() if bill.bill_no in found}
    assert found == shown, "with the late fee of today"
    assert found[covered[0].bill_no] > covered[0].amount
    assert late.bill_no not in found


def test_nothing_to_debit_is_no_batch(sandbox: Sandbox, file: Path) -> None:
    owe(sandbox, corporate(sandbox), 1_00)
    for wishes in ({}, {"tax": "stamp-duty"}):
        with refused(sandbox, "batch_empty"):
            write(sandbox, file, **wishes)
    for code, bad in (
        ("tax_unknown", {"tax": "poll-tax"}),
        ("batch_part_malformed", {"part_lines": 0}),
        ("batch_part_malformed", {"part_lines": 4_001}),
        ("tax_authority_not_found", {"authority": "99999999999"}),
    ):
        with refused(sandbox, code):
            write(sandbox, file, **bad)
    assert not file.exists()


def test_limits_are_a_million_lines_and_a_thousand_parts() -> None:
    batch_model.check_size(1_000_000, 1_000)
    for lines, parts in ((1_000_001, 1_000), (1, 1_001)):
        with pytest.raises(InvalidInputError) as caught:
            batch_model.check_size(lines, parts)
        assert caught.value.code == "batch_too_long"


# --- paying -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("part_lines", [1, 2, 3, 6, 7])
def test_every_line_has_its_result_and_each_is_paid_or_moves_nothing(
    sandbox: Sandbox, file: Path, part_lines: int
) -> None:
    wallets = debtors(sandbox, 2, fund=100_00)
    owed = [owe(sandbox, wallet, amount) for amount in (60_00, 40_00, 200_00) for wallet in wallets]
    write(sandbox, file, part_lines=part_lines)
    heard: list[int] = []
    done = sandbox.payments.pay_batch(file=file, progress=heard.append)
    assert (done.status, done.lines, done.lines_done, done.lines_pending) == ("done", 6, 6, 0)
    assert (done.lines_paid, done.lines_refused, done.amount) == (4, 2, 2 * 100_00)
    assert heard == sorted(heard)
    assert heard[-1] < file.stat().st_size, "the signature comes after the last part"
    found = results(sandbox, done)
    assert [result["line"] for result in found] == ["2", "3", "4", "5", "6", "7"]
    bills = {bill.bill_no: bill for bill in sandbox.taxes.bills()}
    payments = {payment.payment_no: payment for payment in sandbox.payments.list()}
    assert len(payments) == 4
    for result in found:
        bill = bills[result["bill_no"]]
        if bill.amount == 200_00:
            assert (result["status"], result["code"], bill.status) == (
                "refused",
                "insufficient_funds",
                "open",
            )
            continue
        payment = payments[result["payment_no"]]
        assert (result["status"], result["code"], bill.status) == ("settled", "", "paid")
        assert (payment.mode, payment.fee, payment.settled_at) == ("batch_debit", 0, START)
        assert (payment.bill_no, payment.amount) == (bill.bill_no, bill.amount)
        assert (payment.receipt_no, payment.status) == (result["receipt_no"], "settled")
    assert [balance(sandbox, wallet) for wallet in wallets] == [0, 0]
    for wallet in wallets:
        first, last = (one for one in sandbox.payments.list() if one.wallet_id == wallet.wallet_id)
        assert (first.balance_after, last.balance_after) == (100_00 - first.amount, 0)
    assert sandbox.payments.check_authorisations().ok
    assert {bill.bill_no for bill in owed} == {result["bill_no"] for result in found}


def test_the_same_file_again_answers_the_same_and_moves_nothing(sandbox: Sandbox, file: Path) -> None:
    (wallet,) = debtors(sandbox, 1, fund=100_00)
    for amount in (60_00, 50_00):
        owe(sandbox, wallet, amount)
    write(sandbox, file)
    done = sandbox.payments.pay_batch(file=file)
    found, before = results(sandbox, done), dump(sandbox)
    assert sandbox.payments.pay_batch(file=file) == done
    assert results(sandbox, done) == found
    assert dump(sandbox) == before
    sandbox.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(100_00))
    assert sandbox.payments.pay_batch(file=file) == done, "what was refused is judged anew in a new batch"
    write(sandbox, file)
    assert sandbox.payments.pay_batch(file=file).lines_paid == 1
    assert [one.status for one in sandbox.payments.batches()] == ["done", "done"]


def test_a_key_belongs_to_one_batch(sandbox: Sandbox, file: Path) -> None:
    (wallet,) = debtors(sandbox, 1)
    owe(sandbox, wallet, 1_00)
    write(sandbox, file)
    done = sandbox.payments.pay_batch(file=file, idempotency_key="april")
    before = dump(sandbox)
    assert sandbox.payments.pay_batch(file=file, idempotency_key="april") == done
    assert dump(sandbox) == before
    owe(sandbox, wallet, 2_00)
    write(sandbox, file)
    with refused(sandbox, "idempotency_conflict"):
        sandbox.payments.pay_batch(file=file, idempotency_key="april")


def test_I16_a_key_belongs_to_the_batch_that_was_begun_with_it(sandbox: Sandbox, file: Path) -> None:
    (wallet,) = debtors(sandbox, 1)
    for _ in range(4):
        owe(sandbox, wallet, 1_00)
    write(sandbox, file, part_lines=2)
    other = file.with_name("other")
    write(sandbox, other)

    def stop(_done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sandbox.payments.pay_batch(file=file, idempotency_key="april", progress=stop)
    with refused(sandbox, "idempotency_conflict"):
        sandbox.payments.pay_batch(file=other, idempotency_key="april")
    done = sandbox.payments.pay_batch(file=file, idempotency_key="april")
    assert (done.status, done.lines_paid) == ("done", 4)
    assert sandbox.payments.pay_batch(file=file, idempotency_key="april") == done


def test_a_bill_that_was_paid_meanwhile_is_refused_and_stands_in_no_second_batch(
    sandbox: Sandbox, file: Path, tmp_path: Path
) -> None:
    (wallet,) = debtors(sandbox, 1)
    owed = [owe(sandbox, wallet, amount) for amount in (1_00, 2_00)]
    write(sandbox, file)
    write(sandbox, tmp_path / "again.txt")
    sandbox.payments.pay(bill_no=owed[0].bill_no)
    paid = {owed[0].bill_no: "bill_already_paid", owed[1].bill_no: "settled"}
    done = sandbox.payments.pay_batch(file=file)
    assert dict(zip((one.bill_no for one in lines_of(file)), codes(sandbox, done), strict=True)) == paid
    again = sandbox.payments.pay_batch(file=tmp_path / "again.txt")
    assert codes(sandbox, again) == ["bill_already_paid"] * 2


def test_two_runs_of_one_file_at_once_pay_each_line_once(sandbox: Sandbox, file: Path) -> None:
    (wallet,) = debtors(sandbox, 1)
    for amount in (1_00, 2_00, 3_00):
        owe(sandbox, wallet, amount)
    write(sandbox, file, part_lines=1)
    inside = []

    def meanwhile(_bytes: int) -> None:
        if not inside:
            inside.append(sandbox.payments.pay_batch(file=file))

    assert [sandbox.payments.pay_batch(file=file, progress=meanwhile)] == inside
    assert len(sandbox.payments.list()) == 3
    assert balance(sandbox, wallet) == 1_000_00 - 6_00


@pytest.mark.parametrize("failing", range(6))
def test_I16_what_is_broken_off_at_any_line_goes_on_and_ends_as_if_it_had_not_been(
    file: Path, tmp_path: Path, failing: int
) -> None:
    """In this process: a part is broken off, or the run is, after so many lines."""

    def paid(break_off: bool) -> tuple[str, list[tuple[object, ...]]]:
        with Sandbox.open(":memory:", clock=FixedClock(START), seed="broken off") as s:
            wallets = debtors(s, 2, fund=5_00)
            for amount in (1_00, 2_00, 3_00):
                for wallet in wallets:
                    owe(s, wallet, amount)
            write(s, file, part_lines=2)
            told: list[int] = []

            def progress(done: int) -> None:
                told.append(done)
                if break_off and len(told) == failing // 2 + 1:
                    raise KeyboardInterrupt

            if break_off and failing % 2:  # between the lines of a part
                with pytest.raises(ZeroDivisionError):
                    _pay_until(s, file, part=failing // 2)
            elif break_off:
                with pytest.raises(KeyboardInterrupt):
                    s.payments.pay_batch(file=file, progress=progress)
            done = s.payments.pay_batch(file=file)
            assert s.ledger.verify().ok
            payments = [replace(one) for one in s.payments.list()]
            text = "".join(s.payments.batch_results(batch_no=done.batch_no))
            return text, [(one.payment_no, one.bill_no, one.amount, one.balance_after) for one in payments]

    assert paid(break_off=True) == paid(break_off=False)


def _pay_until(s: Sandbox, file: Path, *, part: int) -> None:
    """Pay a batch, and break one part off after its money has moved."""
    from ecny_tax.payments import batch_rows

    with pytest.MonkeyPatch.context() as patch:
        insert = batch_rows.insert_part

        def broken(*arguments: object) -> None:
            if arguments[2] == part:
                raise ZeroDivisionError
            insert(*arguments)  # type: ignore[arg-type]

        patch.setattr(batch_rows, "insert_part", broken)
        s.payments.pay_batch(file=file)


# --- lines that are refused -------------------------------------------------------------------------


def test_lines_that_no_authority_should_sign_are_refused_by_themselves(sandbox: Sandbox, file: Path) -> None:
    first, second, third = debtors(sandbox, 3)
    sandbox.parties.add_tax_authority(code=OTHER, name="虚构税务分局")
    plain = corporate(sandbox, 9, fund=Fen(1_000_00))
    single = sandbox.agreements.sign(wallet_id=plain.wallet_id)
    agreed = {one.wallet_id: one for one in sandbox.agreements.list()}
    elsewhere = sandbox.agreements.sign(wallet_id=third.wallet_id, authority=OTHER, batch_debit=True)
    mine, theirs = agreed[first.wallet_id], agreed[second.wallet_id]
    good, dear, cheap = (owe(sandbox, first, 10_00) for _ in range(3))
    cases = {
        line(good, mine): "settled",
        line(dear, mine)._replace(amount=Fen(10_01)): "batch_amount_differs",
        line(cheap, mine)._replace(amount=Fen(9_99)): "batch_amount_differs",
        line(owe(sandbox, first, 1_00), theirs): "agreement_does_not_cover",
        line(owe(sandbox, first, 1_00), mine, second): "agreement_wallet_mismatch",
        line(owe(sandbox, plain, 1_00), single): "agreement_without_batch_debit",
        line(owe(sandbox, third, 1_00, authority=OTHER), elsewhere): "batch_bill_of_another",
        line(owe(sandbox, first, 1_00), mine)._replace(bill_no="B23042000000000000000"): "bill_not_found",
        line(owe(sandbox, first, 1_00), mine)._replace(
            agreement_no="A23042000000000000000"
        ): "agreement_not_found",
    }
    sign(sandbox, file, sorted(cases))
    done = sandbox.payments.pay_batch(file=file)
    assert dict(zip(sorted(cases), codes(sandbox, done), strict=True)) == cases
    assert len(sandbox.payments.list()) == 1


def test_a_late_fee_that_grew_since_is_not_debited_unsigned(
    sandbox: Sandbox, clock: FixedClock, file: Path
) -> None:
    (wallet,) = debtors(sandbox, 1)
    bill = owe(sandbox, wallet, 100_00)
    clock.at = clock.at.replace(year=2024)
    write(sandbox, file)
    clock.advance(timedelta(days=20))
    done = sandbox.payments.pay_batch(file=file)
    assert codes(sandbox, done) == ["batch_amount_differs"]
    write(sandbox, file)
    assert codes(sandbox, sandbox.payments.pay_batch(file=file)) == ["settled"]
    (payment,) = sandbox.payments.list()
    assert payment.amount == payment.late_fee + bill.amount
    assert payment.late_fee > 0


def test_what_the_ledger_refuses_is_the_result_of_that_line_alone(sandbox: Sandbox, file: Path) -> None:
    wallets = debtors(sandbox, 3)
    for wallet in wallets:
        owe(sandbox, wallet, 1_00)
    write(sandbox, file)
    shut = lines_of(file)[1]
    account = sandbox.wallets.show(wallet_id=shut.wallet_id).account_id
    flags = AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS
    with sandbox._store.transaction() as tx:
        journal.set_flags(tx, account, flags | AccountFlags.CLOSED)
    with refused(sandbox, "ledger_refused"):
        sandbox.payments.pay(bill_no=shut.bill_no)
    done = sandbox.payments.pay_batch(file=file)
    assert codes(sandbox, done) == ["settled", "ledger_refused", "settled"]
    with sandbox._store.transaction() as tx:
        journal.set_flags(tx, account, flags)


def test_a_closed_day_refuses_every_line_that_would_be_paid(sandbox: Sandbox, file: Path) -> None:
    wallets = debtors(sandbox, 2)
    for wallet in wallets:
        owe(sandbox, wallet, 1_00)
    write(sandbox, file)
    hold(sandbox, "stop", wallets[0].wallet_id)
    sandbox.treasury.close(day=START.date())
    done = sandbox.payments.pay_batch(file=file)
    stopped = [
        "wallet_stopped" if one.wallet_id == wallets[0].wallet_id else "treasury_day_closed"
        for one in lines_of(file)
    ]
    assert codes(sandbox, done) == stopped


# --- files that are refused whole -------------------------------------------------------------------


def _lines(change: Callable[[list[str]], list[str]]) -> Callable[[str], str]:
    return lambda text: "".join(change(text.splitlines(keepends=True)))


BAD: dict[str, tuple[str, Callable[[str], str]]] = {
    "empty": ("batch_file_malformed", lambda text: ""),
    "of another form": ("batch_file_malformed", lambda text: text.replace("batch 1", "batch 2")),
    "parts of nothing": ("batch_file_malformed", lambda text: text.replace("of 2 lines", "of 0 lines")),
    "parts too long": ("batch_part_malformed", lambda text: text.replace("of 2 lines", "of 9999 lines")),
    "in other parts": ("batch_altered", lambda text: text.replace("of 2 lines", "of 3 lines")),
    "cut off": ("batch_not_signed", _lines(lambda lines: lines[:-1])),
    "cut in a line": ("batch_line_malformed", _lines(lambda lines: [*lines[:-2], lines[-2][:-1]])),
    "cut in its signature": ("batch_file_malformed", lambda text: text[:-9]),
    "with something after it": ("batch_file_malformed", lambda text: text + "\n"),
    "signed twice": ("batch_file_malformed", _lines(lambda lines: [*lines, lines[-1]])),
    "an amount changed": ("batch_altered", lambda text: text.replace("1.00\n", "1.01\n")),
    "a line left out": ("batch_altered", _lines(lambda lines: [*lines[:2], *lines[3:]])),
    "the last line left out": ("batch_altered", _lines(lambda lines: [*lines[:-2], lines[-1]])),
    "all lines left out": ("batch_altered", _lines(lambda lines: [lines[0], lines[-1]])),
    "two lines swapped": (
        "batch_lines_unordered",
        _lines(lambda lines: [lines[0], lines[2], lines[1], *lines[3:]]),
    ),
    "a line twice": ("batch_line_repeated", _lines(lambda lines: [*lines[:2], *lines[1:]])),
    "an empty line": ("batch_line_malformed", _lines(lambda lines: [lines[0], "\n", *lines[1:]])),
    "other ends of line": ("batch_file_malformed", lambda text: text.replace("\n", "\r\n")),
    "a sign before an amount": ("batch_line_malformed", lambda text: text.replace(",1.00\n", ",+1.00\n")),
    "a zero before an amount": ("batch_line_malformed", lambda text: text.replace(",1.00\n", ",01.00\n")),
    "an amount of nothing": ("batch_line_malformed", lambda text: text.replace(",1.00\n", ",0.00\n")),
    "one decimal": ("batch_line_malformed", lambda text: text.replace(",1.00\n", ",1.0\n")),
    "full-width digits": ("batch_line_malformed", lambda text: text.replace(",1.00\n", ",１.00\n")),
    "a field too many": ("batch_line_malformed", lambda text: text.replace(",1.00\n", ",1.00,\n")),
    "a line without end": ("batch_line_malformed", lambda text: text.replace(",1.00\n", "," + "1" * 200_000)),
    "a signature that is none": (
        "batch_file_malformed",
        _lines(lambda lines: [*lines[:-1], "signed !!!\n"]),
    ),
    "a signature of nothing": ("batch_file_malformed", _lines(lambda lines: [*lines[:-1], "signed \n"])),
    "a signature that is no message": (
        "document_malformed",
        _lines(lambda lines: [*lines[:-1], "signed AAAA\n"]),
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_a_file_that_is_not_as_it_was_signed_moves_nothing(sandbox: Sandbox, file: Path, what: str) -> None:
    code, change = BAD[what]
    (wallet,) = debtors(sandbox, 1)
    for amount in (1_00, 2_00, 3_00, 4_00, 5_00):
        owe(sandbox, wallet, amount)
    write(sandbox, file, part_lines=2)
    good = file.read_text()
    bad = change(good)
    assert bad != good
    file.write_bytes(bad.encode())
    with refused(sandbox, code):
        sandbox.payments.pay_batch(file=file)
    file.write_text(good)
    assert sandbox.payments.pay_batch(file=file).lines_paid == 5


def test_a_batch_is_signed_by_the_authority_that_it_names(sandbox: Sandbox, file: Path) -> None:
    (wallet,) = debtors(sandbox, 1)
    sandbox.parties.add_tax_authority(code=OTHER, name="虚构税务分局")
    owe(sandbox, wallet, 1_00)
    write(sandbox, file)
    lines, good = lines_of(file), file.read_text()
    sign(sandbox, file, lines, signer=OTHER)
    with refused(sandbox, "batch_signer_differs"):
        sandbox.payments.pay_batch(file=file)
    sign(sandbox, file, lines, authority=OTHER)
    assert codes(sandbox, sandbox.payments.pay_batch(file=file)) == ["batch_bill_of_another"]
    with Sandbox.open(":memory:", clock=FixedClock(START)) as stranger:
        sign(stranger, file, lines)
        with refused(sandbox, "signature_invalid"):
            sandbox.payments.pay_batch(file=file)
        stranger.parties.add_tax_authority(code="14407840009", name="虚构税务三分局")
        sign(stranger, file, lines, authority="14407840009")
        with refused(sandbox, "signer_unknown"):
            sandbox.payments.pay_batch(file=file)
    file.write_text(good)
    assert sandbox.payments.pay_batch(file=file).lines_paid == 1


def test_a_number_is_that_of_one_batch_alone(sandbox: Sandbox, file: Path) -> None:
    (wallet,) = debtors(sandbox, 1)
    owe(sandbox, wallet, 1_00)
    batch = write(sandbox, file)
    sandbox.payments.pay_batch(file=file)
    owe(sandbox, wallet, 2_00)
    write(sandbox, file)
    sign(sandbox, file, lines_of(file), batch_no=batch.batch_no)
    with refused(sandbox, "batch_number_taken"):
        sandbox.payments.pay_batch(file=file)
    with refused(sandbox, "batch_not_found"):
        sandbox.payments.batch(batch_no="K23042000000000000000")


def test_a_file_that_changes_while_it_is_carried_out_stops_there(sandbox: Sandbox, file: Path) -> None:
    (wallet,) = debtors(sandbox, 1)
    for amount in (1_00, 2_00, 3_00):
        owe(sandbox, wallet, amount)
    write(sandbox, file, part_lines=1)
    good = file.read_text()
    rows = good.splitlines(keepends=True)
    last = lines_of(file)[2]

    def meanwhile(_bytes: int) -> None:
        rows[3] = last._replace(amount=Fen(9_00)).text
        file.write_text("".join(rows))

    with pytest.raises(EcnyTaxError) as caught:
        sandbox.payments.pay_batch(file=file, progress=meanwhile)
    assert caught.value.code == "batch_altered"
    assert len(sandbox.payments.list()) == 2
    assert sandbox.payments.batches()[0].status == "in_progress"
    file.write_text(good)
    assert sandbox.payments.pay_batch(file=file).lines_paid == 3


@pytest.mark.parametrize("name", ["nothing.txt", ".", "\0"])
def test_a_file_that_cannot_be_read_is_said_so(sandbox: Sandbox, tmp_path: Path, name: str) -> None:
    with refused(sandbox, "input_file_unreadable"):
        sandbox.payments.pay_batch(file=f"{tmp_path}/{name}")


def test_a_pipe_is_refused_since_a_batch_is_read_twice(sandbox: Sandbox) -> None:
    reading, writing = os.pipe()
    try:
        with refused(sandbox, "input_file_unreadable"):
            sandbox.payments.pay_batch(file=f"/dev/fd/{reading}")
    finally:
        os.close(reading)
        os.close(writing)


# --- afterwards -------------------------------------------------------------------------------------


def test_a_batch_debit_has_a_receipt_is_closed_refunded_and_not_reversed(
    sandbox: Sandbox, clock: FixedClock, file: Path
) -> None:
    (wallet,) = debtors(sandbox, 1)
    owe(sandbox, wallet, 100_00)
    write(sandbox, file)
    done = sandbox.payments.pay_batch(file=file)
    (payment,) = sandbox.payments.list()
    receipt = sandbox.payments.receipt(receipt_no=payment.receipt_no)
    assert (receipt.remark, receipt.remark_en) == ("数字人民币批量扣税", "Batch debit in e-CNY")
    signed = sandbox.payments.signed_receipt(receipt_no=payment.receipt_no)
    checked = verify_receipt(signed, sandbox.published_keys())
    assert checked.valid, checked
    with refused(sandbox, "payment_not_reversible"):
        sandbox.payments.reverse(payment_no=payment.payment_no)
    closing = sandbox.treasury.close(day=START.date())
    assert closing.collected == done.amount
    clock.advance(timedelta(days=1))
    assert sandbox.refunds.apply_for_payment(payment_no=payment.payment_no).status == "completed"
    assert sandbox.payments.check_authorisations().ok
    found = sandbox.reconciliation.reconcile(entrust_date=START.date())
    assert (found.ok, found.compared) == (True, 1)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE payment SET amount = amount, authorisation = :reference WHERE place = 2",
        "UPDATE payment SET authorisation = x'ff' WHERE place = 2",
        "UPDATE payment SET agreement_no = NULL WHERE place = 2",
        "UPDATE batch_part SET lines = replace(lines, '2.00', '1.00')",
        "UPDATE batch_part SET lines = ''",
        "UPDATE batch SET message = substr(message, 1, length(message) - 1)",
    ],
)
def test_i6_a_batch_debit_that_no_signed_line_says_is_found(file: Path, change: str) -> None:
    with Sandbox.open(clock=FixedClock(START), seed="tampered") as s:
        (wallet,) = debtors(s, 1)
        for amount in (1_00, 2_00, 3_00):
            owe(s, wallet, amount)
        write(s, file)
        done = s.payments.pay_batch(file=file)
        assert s.payments.check_authorisations().ok
        assert s.ledger.verify().ok
        reference = f"{done.batch_no}:2".encode()
        with s._store.transaction() as tx:
            tx.run(change, **({"reference": reference} if ":reference" in change else {}))
        assert not s.payments.check_authorisations().ok


@pytest.mark.parametrize("column", ["paid", "amount"])
def test_i6_a_batch_that_says_more_than_was_paid_is_found(file: Path, column: str) -> None:
    with Sandbox.open(clock=FixedClock(START), seed="tampered") as s:
        (wallet,) = debtors(s, 1)
        owe(s, wallet, 1_00)
        write(s, file)
        s.payments.pay_batch(file=file)
        with s._store.transaction() as tx:
            tx.run(f"UPDATE batch_part SET {column} = {column} + 1")
        broken = [check for check in s.ledger.verify().checks if not check.ok]
        assert [check.promise for check in broken] == ["I6"]


def test_what_a_failure_strikes_is_in_doubt_and_reconciled_as_any_debit(
    sandbox: Sandbox, clock: FixedClock, file: Path
) -> None:
    kinds = [
        "answer_lost",
        "operator_outage",
        "delivered_twice",
        "both_failed",
        "answer_late",
        "operator_rollback",
    ]
    wallets = debtors(sandbox, 3)
    for number in range(9):
        owe(sandbox, wallets[number % 3], 1_00)
    for kind in kinds:
        sandbox.reconciliation.order_failure(kind=kind)
    write(sandbox, file, part_lines=4)
    done = sandbox.payments.pay_batch(file=file)
    unknown = "payment_outcome_unknown"
    assert codes(sandbox, done) == [unknown, unknown, "settled", *[unknown] * 3, *["settled"] * 3]
    assert (done.lines_paid, done.lines_pending) == (4, 5)
    assert sandbox.payments.check_authorisations().ok
    assert sandbox.ledger.verify().ok
    assert len(sandbox.reconciliation.mend(entrust_date=START.date()).mends) == 5
    assert sandbox.payments.check_authorisations().ok
    modes = {payment.mode for payment in sandbox.payments.list()}
    assert modes == {"batch_debit"}
    assert len(sandbox.payments.list()) == 6, "an outage and a rollback are debited late"


def test_lines_are_in_flat_memory_and_named_tuples_stay_as_they_are(sandbox: Sandbox, file: Path) -> None:
    (wallet,) = debtors(sandbox, 1)
    owe(sandbox, wallet, 1_00)
    write(sandbox, file)
    (one,) = lines_of(file)
    assert one == DEBITS.read_lines(one.text, 2)[0]
    assert isinstance(one, Line)
    assert batching.lines_of(file) == [one]
