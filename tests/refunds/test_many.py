"""Many at once is what one by one is: the same answers, the same balances, the same records."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecny_tax import AnnualReturn, EcnyTaxError, Fen, FixedClock, Sandbox, WithholdingStatement
from ecny_tax.refunds.model import Application, Refund
from ecny_tax.wallets.many import Opening
from ecny_tax.wallets.model import Wallet
from tests.support import START, dump, owe, person_id, person_name, phone_number, refund_of

OTHER_OFFICE = "14407840001"
#: Refunds that fit, that exceed the cap of class III or II, and of which a level pays one and not two.
AMOUNTS = (1, 99, 300_00, 20_000_00, 20_000_01, 500_000_01, 15 * 10**12)


@contextmanager
def scheme() -> Iterator[Sandbox]:
    with Sandbox.open(":memory:", clock=FixedClock(START), seed="many") as s:
        s.parties.add_tax_authority(code=OTHER_OFFICE, name="虚构税务局")
        yield s


def answered(act: Any) -> Any:
    try:
        return act()
    except EcnyTaxError as refusal:
        return refusal


def told(answer: object) -> object:
    """An answer without the numbers that are drawn anew."""
    if isinstance(answer, EcnyTaxError):
        values = {key: value for key, value in answer.values.items() if key not in ("record", "wallet_id")}
        return answer.code, str(values)
    if isinstance(answer, Wallet):
        return answer.kind, answer.wallet_class, answer.operator, answer.balance, answer.status
    assert isinstance(answer, Refund)
    steps = [(event.status, event.note, event.at) for event in answer.history]
    return (
        answer.kind, answer.amount, answer.set_off, answer.interest, answer.status, answer.failure_code,
        answer.balance_after, answer.authority, answer.code, answer.tax_year, answer.basis, answer.applied_at,
        answer.completed_at, answer.is_correction, steps,
    )  # fmt: skip


def state(s: Sandbox) -> dict[str, object]:
    """Every balance and, but for what is netted, how many rows each table has; the ledger verifies."""
    verified = s.ledger.verify()
    assert verified.ok, [check for check in verified.checks if not check.ok]
    tables = {name: len(rows) for name, rows in dump(s).items()}
    for netted in ("transfer", "refund_batch", "log_tile", "checkpoint"):
        tables.pop(netted)
    return {
        "wallets": [told(wallet) for wallet in s.wallets.list()],
        "accounts": [one.balance for one in s.ledger.accounts()],
        "refunds": [told(refund) for refund in s.refunds.list()],
        "collected": [line.amount for line in s.taxes.bills()],
        "report": [(line.key, line.refunded) for line in s.treasury.report(by="level").lines],
        "by_tax": [(line.key, line.refunded) for line in s.treasury.report(by="tax").lines],
        "tables": tables,
    }


def _opening(number: int, operator: str, wallet_class: str | None, fund: int | None, how: str) -> Opening:
    name, id_number = person_name(number), person_id(number)
    phone, kind = None, "personal"
    if how == "nameless":
        name, id_number, phone, wallet_class = None, None, phone_number(number), None  # type: ignore[assignment]
    elif how == "renamed":
        name = "虚构他名"
    elif how == "no id":
        id_number = id_number[:-1] + "?"
    elif how == "corporate":
        kind = "corporate"
    return Opening(kind, operator, wallet_class, name, id_number, phone, None if fund is None else Fen(fund))


openings = st.builds(
    _opening,
    st.integers(1, 4),
    st.sampled_from(["ICBC", "ABC", "BOC", "icbc", "XX"]),
    st.sampled_from([None, "I", "II", "III", "IV", "V"]),
    st.sampled_from([None, 1, 100_00, 20_000_01, 0]),
    st.sampled_from(["", "", "", "", "nameless", "renamed", "no id", "corporate"]),
)


def open_one(s: Sandbox, asked: Opening) -> Wallet:
    return s.wallets.open(
        kind=asked.kind,
        operator=asked.operator,
        wallet_class=asked.wallet_class,
        name=asked.name,
        id_number=asked.id_number,
        phone=asked.phone,
        fund=asked.fund,
    )


@settings(max_examples=20)  # each opens two schemes and verifies both
@given(st.lists(openings, max_size=9))
def test_I11_wallets_opened_together_are_as_if_opened_one_by_one(asked: list[Opening]) -> None:
    with scheme() as together, scheme() as apart:
        first = together.wallets.open_many(openings=asked)
        second = [answered(lambda one=one: open_one(apart, one)) for one in asked]
        assert list(map(told, first)) == list(map(told, second))
        assert state(together) == state(apart)
        for answer in first:
            if isinstance(answer, Wallet):
                assert together.wallets.show(wallet_id=answer.wallet_id) == answer


events = st.lists(
    st.tuples(st.sampled_from(["owes", "closes", "parents", "withheld", "applied"]), st.integers(0, 7)),
    max_size=4,
)
applications = st.lists(
    st.tuples(
        st.integers(0, 8),  # the last one is nobody's wallet
        st.sampled_from(AMOUNTS),
        st.sampled_from(
            ["", "", "", "", "correction", "nothing", "partial", "early", "elsewhere", "no office"]
        ),
    ),
    max_size=9,
)


def wallets_of(s: Sandbox) -> list[str]:
    """People of every class, two of them with two wallets, a nameless one and a company's."""
    opened = [
        open_one(s, _opening(number, operator, wallet_class, None, how))
        for number, operator, wallet_class, how in (
            (1, "ICBC", "I", ""),
            (2, "ICBC", "II", ""),
            (3, "ABC", "III", ""),
            (4, "BOC", "II", ""),
            (1, "ABC", "I", ""),
            (2, "BOC", "III", ""),
            (5, "ICBC", None, "nameless"),
        )
    ]
    company = s.wallets.open(
        kind="corporate", operator="ICBC", name="虚构公司", id_number="91440784MA0000001Y"
    )
    return [wallet.wallet_id for wallet in (*opened, company)] + ["0021000000000003"]


def happen(s: Sandbox, wallets: list[str], what: str, place: int) -> None:
    """Something that makes the case of a wallet's holder no ordinary one."""
    wallet_id = wallets[place]
    if what == "owes":
        answered(lambda: owe(s, s.wallets.show(wallet_id=wallet_id), 150_00))
    elif what == "closes":
        answered(lambda: s.wallets.close(wallet_id=wallet_id))
    elif what == "parents":
        answered(lambda: s.wallets.open_sub(parent=wallet_id, purpose="limited", single=Fen(100)))
    elif what == "withheld":
        number = place % 4 + 1
        statement = WithholdingStatement(
            tax_year=2022, name=person_name(number), id_number=person_id(number), wages=Fen(60_000_00)
        )
        answered(lambda: s.taxes.declare_withholding(wallet_id=wallets[7], statement=statement))
    else:
        answered(lambda: s.refunds.apply_for_income_tax(wallet_id=wallet_id, annual_return=refund_of(7)))


def application(wallets: list[str], place: int, amount: int, how: str) -> Application:
    asked = refund_of(amount, year=2023 if how == "early" else 2022)
    if how == "nothing":
        asked = refund_of(0)
    elif how == "partial":
        asked = AnnualReturn(tax_year=2022, base_taxable=Fen(1), wages=Fen(1))
    office = {"elsewhere": OTHER_OFFICE, "no office": "14407849999"}.get(how)
    return Application(wallets[place], asked, correction=how == "correction", authority=office)


def apply_one(s: Sandbox, asked: Application, manual_review: bool) -> Refund:
    return s.refunds.apply_for_income_tax(
        wallet_id=asked.wallet_id,
        annual_return=asked.annual_return,
        correction=asked.correction,
        authority=asked.authority,
        manual_review=manual_review,
    )


@settings(max_examples=30)
@given(events, applications, st.booleans(), st.lists(st.integers(0, 9), max_size=6), st.booleans())
def test_I8_refunds_filed_and_paid_together_are_as_if_one_by_one(
    before: list[tuple[str, int]],
    asked: list[tuple[int, int, str]],
    manual: bool,
    approved: list[int],
    closed: bool,
) -> None:
    with scheme() as together, scheme() as apart:
        whose = {id(s): wallets_of(s) for s in (together, apart)}
        for s in (together, apart):
            for what, place in before:
                happen(s, whose[id(s)], what, place)
            if closed:
                s.treasury.close(day=START.date())
        first = together.refunds.apply_for_income_tax_many(
            applications=[application(whose[id(together)], *one) for one in asked], manual_review=manual
        )
        second = [
            answered(lambda one=one: apply_one(apart, application(whose[id(apart)], *one), manual))
            for one in asked
        ]
        assert list(map(told, first)) == list(map(told, second))
        numbers = [[refund.refund_no for refund in s.refunds.list()] for s in (together, apart)]
        chosen = [[of[place] for place in approved if place < len(of)] + ["R0"] for of in numbers]
        first = together.refunds.approve_many(refund_nos=chosen[0])
        second = [
            answered(lambda number=number: apart.refunds.approve(refund_no=number)) for number in chosen[1]
        ]
        for one, other in zip(first, second, strict=True):
            if isinstance(one, EcnyTaxError):
                assert isinstance(other, EcnyTaxError)
                assert one.code == other.code
            else:
                assert told(one) == told(other)
                assert together.refunds.show(refund_no=one.refund_no) == one
        assert state(together) == state(apart)


def test_what_many_are_paid_is_one_posting_netted_by_level_and_operator() -> None:
    with scheme() as s:
        people = [
            Opening("personal", ("ICBC", "ABC")[number % 2], None, person_name(number), person_id(number))
            for number in range(1, 41)
        ]
        opened = [wallet for wallet in s.wallets.open_many(openings=people) if isinstance(wallet, Wallet)]
        before = s.status().transfers
        asked = [Application(wallet.wallet_id, refund_of(101)) for wallet in opened]
        refunds = s.refunds.apply_for_income_tax_many(applications=asked)
        assert s.status().transfers - before == 4 + 2 + 40, "levels, operators, refunds"
        (batch,) = dump(s)["refund_batch"]
        assert batch[4:6] == (40, 40 * 101)
        assert s.treasury.report(by="tax").lines[0].refunded == 40 * 101
        refund = refunds[7]
        assert isinstance(refund, Refund)
        voucher = s.refunds.voucher(refund_no=refund.refund_no)
        assert (voucher.payee_name, sum(line.amount for line in voucher.lines)) == (person_name(8), 101)
        s.refunds.signed_refund_voucher(refund_no=refund.refund_no)


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE refund SET batch_no = NULL WHERE place = 2",
        "UPDATE refund_batch SET refunds = refunds + 1",
        "UPDATE refund_batch SET amount = amount + 1",
        "UPDATE refund_share SET amount = amount + 1 WHERE level = 'city'",
    ],
)
def test_I8_a_posting_that_differs_from_its_refunds_is_found(harm: str) -> None:
    with scheme() as s:
        people = [Opening("personal", "ICBC", None, person_name(n), person_id(n)) for n in (1, 2, 3)]
        opened = [wallet for wallet in s.wallets.open_many(openings=people) if isinstance(wallet, Wallet)]
        asked = [Application(wallet.wallet_id, refund_of(1001)) for wallet in opened]
        s.refunds.apply_for_income_tax_many(applications=asked)
        assert s.ledger.verify().ok
        with s._store.untimed() as tx:
            tx.run(harm)
        broken = [check for check in s.ledger.verify().checks if not check.ok]
        assert [(check.promise, check.detail[:1]) for check in broken] == [("I8", "K")]
