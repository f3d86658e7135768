"""Batch refunds: what was approved in one signed file, each paid or not as by an approval of its own."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecny_tax import EcnyTaxError, Fen, FixedClock, Sandbox
from ecny_tax.parties import service as parties
from ecny_tax.payments import batch_running
from ecny_tax.payments.batch_model import BatchProgress
from ecny_tax.refunds.batches import REFUNDS, RefundLine
from tests.support import START, balance, corporate, dump, nameless, owe, personal, refund_of, refused

OTHER = "14407840001"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "batch.txt"


def write(s: Sandbox, file: Path, **wishes: Any) -> None:
    s.refunds.write_batch(deliver=lambda text: file.write_text("".join(text)), **wishes)  # type: ignore[arg-type]


def sign(s: Sandbox, file: Path, lines: Sequence[RefundLine], authority: str | None = None) -> None:
    """A file of exactly these lines."""
    with s._store.reading() as tx:
        office = parties.tax_authority(tx, authority)
        deliver = lambda text: file.write_text("".join(text))  # noqa: E731
        batch_running.write(tx, s._keyring, REFUNDS, office, [lines], 2_000, deliver)  # type: ignore[arg-type]


def lines_of(file: Path) -> list[RefundLine]:
    found = (text.split(",") for text in file.read_text().splitlines()[1:-1])
    return [RefundLine(number, wallet, Fen(int(yuan.replace(".", "")))) for number, wallet, yuan in found]


def answers(s: Sandbox, done: BatchProgress) -> list[tuple[str, str]]:
    """(status, code) of each line."""
    rows = "".join(s.payments.batch_results(batch_no=done.batch_no)).splitlines()
    assert rows[0] == "line,refund_no,amount,status,code"
    return [(row.split(",")[3], row.split(",")[4]) for row in rows[1:]]


def applied(s: Sandbox, count: int) -> list[str]:
    """So many people who ask back what was withheld too much, and wait."""
    return [
        s.refunds.apply_for_income_tax(
            wallet_id=personal(s, number).wallet_id,
            annual_return=refund_of(number * 100_00),
            manual_review=True,
        ).refund_no
        for number in range(1, count + 1)
    ]


@pytest.mark.parametrize("part_lines", [1, 2, 5])
def test_every_refund_of_a_batch_is_paid_and_the_same_file_again_moves_nothing(
    sandbox: Sandbox, file: Path, part_lines: int
) -> None:
    waiting = applied(sandbox, 5)
    write(sandbox, file, part_lines=part_lines)
    assert sorted(waiting) == [line.refund_no for line in lines_of(file)]
    done = sandbox.refunds.pay_batch(file=file)
    assert (done.kind, done.status, done.lines_paid, done.amount) == ("refund", "done", 5, 1_500_00)
    assert answers(sandbox, done) == [("completed", "")] * 5
    for line in lines_of(file):
        refund = sandbox.refunds.show(refund_no=line.refund_no)
        assert (refund.status, refund.amount, refund.balance_after) == ("completed", line.amount, line.amount)
        assert sandbox.wallets.show(wallet_id=line.wallet_id).balance == line.amount
        assert sandbox.refunds.voucher(refund_no=line.refund_no).amount == line.amount
    before = dump(sandbox)
    assert sandbox.refunds.pay_batch(file=file) == done
    assert dump(sandbox) == before
    with refused(sandbox, "batch_empty"):
        write(sandbox, file)
    assert sandbox.payments.batches() == (done,)


def test_what_was_decided_otherwise_meanwhile_is_refused_by_itself(sandbox: Sandbox, file: Path) -> None:
    withdrawn, rejected, approved, kept = applied(sandbox, 4)
    write(sandbox, file)
    sandbox.refunds.withdraw(refund_no=withdrawn)
    sandbox.refunds.reject(refund_no=rejected)
    sandbox.refunds.approve(refund_no=approved)
    done = sandbox.refunds.pay_batch(file=file)
    found = dict(zip((line.refund_no for line in lines_of(file)), answers(sandbox, done), strict=True))
    state = ("refused", "refund_state_not_normal")
    assert found == {withdrawn: state, rejected: state, approved: state, kept: ("completed", "")}
    assert (done.lines_paid, done.lines_refused) == (1, 3)


def test_what_cannot_be_credited_is_pending_and_can_be_resubmitted(sandbox: Sandbox, file: Path) -> None:
    (waiting,) = applied(sandbox, 1)
    write(sandbox, file)
    (line,) = lines_of(file)
    sandbox.wallets.close(wallet_id=line.wallet_id)
    done = sandbox.refunds.pay_batch(file=file)
    assert answers(sandbox, done) == [("treasury_failed", "wallet_closed")]
    assert (done.lines_paid, done.lines_pending, done.amount) == (0, 1, 0)
    other = personal(sandbox, 1, operator="BOC")
    paid = sandbox.refunds.resubmit(refund_no=waiting, wallet_id=other.wallet_id)
    assert (paid.status, balance(sandbox, other)) == ("completed", 100_00)


def test_lines_that_no_authority_should_sign_are_refused_by_themselves(sandbox: Sandbox, file: Path) -> None:
    sandbox.parties.add_tax_authority(code=OTHER, name="虚构税务分局")
    applied(sandbox, 3)
    write(sandbox, file)
    good, dear, elsewhere = lines_of(file)
    wrong = [
        good,
        dear._replace(amount=Fen(dear.amount + 1)),
        elsewhere._replace(wallet_id=good.wallet_id),
        RefundLine("R23042200000000000000", good.wallet_id, Fen(1)),
    ]
    sign(sandbox, file, wrong, OTHER)
    another = ("refused", "batch_refund_of_another")
    found = answers(sandbox, sandbox.refunds.pay_batch(file=file))
    assert found == [another, another, another, ("refused", "refund_not_found")]
    sign(sandbox, file, wrong)
    differs = ("refused", "batch_refund_differs")
    found = answers(sandbox, sandbox.refunds.pay_batch(file=file))
    assert found == [("completed", ""), differs, differs, ("refused", "refund_not_found")]


def test_a_batch_of_debits_is_none_of_refunds(sandbox: Sandbox, file: Path) -> None:
    applied(sandbox, 1)
    write(sandbox, file)
    with refused(sandbox, "batch_file_malformed"):
        sandbox.payments.pay_batch(file=file)
    good = file.read_text()
    file.write_text(good.replace("100.00", "900.00"))
    with refused(sandbox, "batch_altered"):
        sandbox.refunds.pay_batch(file=file)
    file.write_text(good.replace("R23", "B23"))
    with refused(sandbox, "batch_line_malformed"):
        sandbox.refunds.pay_batch(file=file)
    wallet = corporate(sandbox, fund=Fen(10_00))
    sandbox.agreements.sign(wallet_id=wallet.wallet_id, batch_debit=True)
    owe(sandbox, wallet, 1_00)
    sandbox.payments.write_batch(deliver=lambda text: file.write_text("".join(text)))  # type: ignore[arg-type]
    with refused(sandbox, "batch_file_malformed"):
        sandbox.refunds.pay_batch(file=file)
    file.write_text(file.read_text().replace("debit batch", "refund batch"))
    with refused(sandbox, "batch_line_malformed"):
        sandbox.refunds.pay_batch(file=file)


def test_only_what_was_applied_for_by_a_day_is_written(
    sandbox: Sandbox, clock: FixedClock, file: Path
) -> None:
    (early,) = applied(sandbox, 1)
    clock.advance(timedelta(days=1))
    wallet = personal(sandbox, 2)
    sandbox.refunds.apply_for_income_tax(
        wallet_id=wallet.wallet_id, annual_return=refund_of(1_00), manual_review=True
    )
    write(sandbox, file, applied_by=START.date())
    assert [line.refund_no for line in lines_of(file)] == [early]
    write(sandbox, file)
    assert len(lines_of(file)) == 2


def test_I16_a_run_that_is_broken_off_goes_on(sandbox: Sandbox, file: Path) -> None:
    applied(sandbox, 4)
    write(sandbox, file, part_lines=1)
    told: list[int] = []

    def progress(done: int) -> None:
        told.append(done)
        if len(told) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sandbox.refunds.pay_batch(file=file, progress=progress)
    (so_far,) = sandbox.payments.batches()
    assert (so_far.status, so_far.lines_done) == ("in_progress", 2)
    done = sandbox.refunds.pay_batch(file=file)
    assert (done.status, done.lines_paid) == ("done", 4)


_CHANGES = st.lists(st.tuples(st.sampled_from(["withdraw", "owe", "close", "approve"]), st.integers(0, 9)))


def _world(s: Sandbox, amounts: list[int], changes: list[tuple[str, int]], file: Path) -> None:
    """Refunds of people and of payments that wait, and what happens after the batch was written."""
    numbers = []
    for place, amount in enumerate(amounts, start=1):
        if amount % 2:
            wallet = nameless(s, place, fund=Fen(amount))
            paid = s.payments.pay(
                bill_no=owe(s, corporate(s, 50), amount).bill_no, wallet_id=wallet.wallet_id
            )
            refund = s.refunds.apply_for_payment(payment_no=paid.payment_no, manual_review=True)
        else:
            refund = s.refunds.apply_for_income_tax(
                wallet_id=personal(s, place).wallet_id, annual_return=refund_of(amount), manual_review=True
            )
        numbers.append(refund.refund_no)
    write(s, file, part_lines=3)
    for change, which in changes:
        refund = s.refunds.show(refund_no=numbers[which % len(numbers)])
        with suppress(EcnyTaxError):
            if change == "owe":
                owe(s, s.wallets.show(wallet_id=refund.wallet_id), refund.amount // 2 + which)
            elif change == "close":
                s.wallets.close(wallet_id=refund.wallet_id)
            else:
                getattr(s.refunds, change)(refund_no=refund.refund_no)


@settings(max_examples=20)  # each one builds two whole schemes
@given(st.lists(st.integers(2, 2_000_00), min_size=1, max_size=6), _CHANGES)
def test_a_batch_answers_and_leaves_what_single_approvals_do(
    amounts: list[int], changes: list[tuple[str, int]]
) -> None:
    def approved(s: Sandbox, number: str) -> tuple[str, str]:
        try:
            refund = s.refunds.approve(refund_no=number)
        except EcnyTaxError as refusal:
            return "refused", refusal.code
        return refund.status, refund.failure_code or ""

    def state(s: Sandbox) -> list[tuple[Any, ...]]:
        refunds = [(one.refund_no, one.status, one.set_off, one.balance_after) for one in s.refunds.list()]
        return [*refunds, *((one.wallet_id, one.balance) for one in s.wallets.list())]

    with TemporaryDirectory() as folder:
        file, other = Path(folder, "batch.txt"), Path(folder, "other.txt")
        clocks = FixedClock(START), FixedClock(START)
        with (
            Sandbox.open(":memory:", clock=clocks[0], seed="alike") as many,
            Sandbox.open(":memory:", clock=clocks[1], seed="alike") as single,
        ):
            _world(many, amounts, changes, file)
            _world(single, amounts, changes, other)
            assert file.read_text() == other.read_text()
            done = many.refunds.pay_batch(file=file)
            assert answers(many, done) == [approved(single, line.refund_no) for line in lines_of(other)]
            assert state(many) == state(single)
            found = many.ledger.verify()
            assert found.ok, [check for check in found.checks if not check.ok]
