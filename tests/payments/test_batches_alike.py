"""A batch answers of every line what a debit by itself would have answered, whatever happened before it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from ecny_tax import EcnyTaxError, Fen, FixedClock, Sandbox
from ecny_tax.payments.debit_model import FailureKind
from ecny_tax.wallets.model import Wallet
from tests.payments.batching import codes, lines_of, write
from tests.support import START, corporate, hold, owe, personal

#: Class III pays at most 5,000 yuan at once and 10,000 a day.
_AMOUNTS = st.sampled_from([1, 100_00, 999_99, 2_500_00, 5_000_00, 5_000_01])
_CHANGES = (
    "terminate", "lock", "stop", "freeze", "empty", "spend", "close", "pay", "cancel", "close the day",
)  # fmt: skip


class Plan(NamedTuple):
    """What there is, and what happens between the writing of a batch and its debits."""

    wallets: list[tuple[str, int]]
    bills: list[tuple[int, int]]
    days: int
    changes: list[tuple[str, int]]
    failures: list[tuple[str, int | None]]
    part_lines: int


_PLANS = st.builds(
    Plan,
    st.lists(st.tuples(st.sampled_from(["corporate", "II", "III"]), _AMOUNTS), min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(0, 2), _AMOUNTS), min_size=1, max_size=8),
    st.sampled_from([0, 0, 400]),
    st.lists(st.tuples(st.sampled_from(_CHANGES), st.integers(0, 7)), max_size=3),
    st.lists(st.tuples(st.sampled_from(list(FailureKind)), st.none() | st.integers(0, 2)), max_size=2),
    st.integers(1, 5),
)


@contextmanager
def world(plan: Plan, file: Path) -> Iterator[Sandbox]:
    """The same world for the same plan, to the byte, with its batch in a file."""
    with Sandbox.open(":memory:", clock=FixedClock(START), seed="alike") as s:
        wallets = [_opened(s, number, *asked) for number, asked in enumerate(plan.wallets, start=1)]
        owed = [owe(s, wallets[who % len(wallets)], amount) for who, amount in plan.bills]
        s.clock.advance(timedelta(days=plan.days))
        write(s, file, part_lines=plan.part_lines)
        for change, which in plan.changes:
            wallet, bill = wallets[which % len(wallets)], owed[which % len(owed)]
            with suppress(EcnyTaxError):
                _change(s, change, wallet, bill.bill_no)
        for kind, who in plan.failures:
            wallet_id = None if who is None else wallets[who % len(wallets)].wallet_id
            s.reconciliation.order_failure(kind=kind, wallet_id=wallet_id)
        yield s


def _opened(s: Sandbox, number: int, kind: str, fund: int) -> Wallet:
    fund = min(3 * fund, 20_000_00)
    if kind == "corporate":
        wallet = corporate(s, number, fund=Fen(fund))
    else:
        wallet = personal(s, number, wallet_class=kind, fund=Fen(fund))
    s.agreements.sign(wallet_id=wallet.wallet_id, batch_debit=True)
    return wallet


def _change(s: Sandbox, change: str, wallet: Wallet, bill_no: str) -> None:
    left = s.wallets.show(wallet_id=wallet.wallet_id).balance
    agreement_no = next(one.agreement_no for one in s.agreements.list() if one.wallet_id == wallet.wallet_id)
    if change in ("terminate", "lock"):
        getattr(s.agreements, change)(agreement_no=agreement_no)
    elif change in ("stop", "freeze"):
        hold(s, change, wallet.wallet_id)
    elif change in ("empty", "close"):
        s.wallets.cash_out(wallet_id=wallet.wallet_id, amount=left)
        if change == "close":
            s.wallets.close(wallet_id=wallet.wallet_id)
    elif change == "spend":
        other = corporate(s, 77)
        s.wallets.transfer(
            from_wallet=wallet.wallet_id, to_wallet=other.wallet_id, amount=Fen(min(left, 2_000_00))
        )
    elif change == "pay":
        s.payments.pay(bill_no=bill_no)
    elif change == "cancel":
        s.taxes.cancel(bill_no=bill_no)
    else:
        s.treasury.close(day=s.clock.now().date())


def one_by_one(s: Sandbox, file: Path) -> list[str]:
    """What single debits of the same bills under the same agreements answer, in the same order."""
    answers = []
    for line in lines_of(file):
        try:
            s.payments.pay(bill_no=line.bill_no, agreement_no=line.agreement_no)
            answers.append("settled")
        except EcnyTaxError as refusal:
            answers.append(refusal.code)
    return answers


def state(s: Sandbox) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that debits change, but for numbers, signatures and the mode."""
    queries = {
        "accounts": "SELECT name, debits, credits FROM account ORDER BY name",
        "bills": "SELECT bill_no, status, late_fee, in_doubt IS NULL FROM bill ORDER BY bill_no",
        "payments": "SELECT bill_no, wallet_id, agreement_no, amount, late_fee, fee, status, settled_at,"
        " balance_after, payer_id IS NULL FROM payment ORDER BY place",
        "transfers": "SELECT debit_account_id, credit_account_id, amount, ledger, code, flags, posted_at"
        " FROM transfer WHERE code <> 9 ORDER BY seq",
        "debits": "SELECT debit_account_id, credit_account_id, amount FROM transfer WHERE code = 9"
        " ORDER BY 1, 2, 3",
        "spending": "SELECT * FROM wallet_spending ORDER BY wallet_id, day",
        "disclosures": "SELECT wallet_id, custodian, is_holder FROM disclosure ORDER BY 1, 2, 3",
        "failures": "SELECT kind, remaining FROM ordered_failure ORDER BY place",
        "doubts": "SELECT kind, bill_no, wallet_id, agreement_no, amount, entrusted_at, treasury_status,"
        " operator_status, transfer_id IS NULL, outcome FROM debit_record ORDER BY place",
    }
    with s._store.reading() as tx:
        return {what: tx.rows(sql) for what, sql in queries.items()}


@settings(max_examples=30)  # each one builds two whole schemes
@given(_PLANS)
def test_a_batch_answers_and_leaves_what_single_debits_do(plan: Plan) -> None:
    with TemporaryDirectory() as folder:
        file, other = Path(folder, "batch.txt"), Path(folder, "other.txt")
        with world(plan, file) as many, world(plan, other) as single:
            assert file.read_text() == other.read_text()
            done = many.payments.pay_batch(file=file)
            assert codes(many, done) == one_by_one(single, other)
            assert state(many) == state(single)
            assert many.payments.check_authorisations().ok
            found = many.ledger.verify()
            assert found.ok, [check for check in found.checks if not check.ok]
