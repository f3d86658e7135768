"""What the strategies make is what they say: accepted where it is valid, refused where it is malformed."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

import ecny_tax
from ecny_tax import (
    EcnyTaxError,
    Fen,
    FixedClock,
    InvalidInputError,
    Sandbox,
    verify_receipt,
    yuan,
)
from ecny_tax import errors as errors_module
from ecny_tax.clock import BEIJING, parse_time, within_range
from ecny_tax.errors import catalogue
from ecny_tax.identifiers import check_phone, check_resident_id, check_uscc, check_wallet_id
from ecny_tax.money import positive
from ecny_tax.taxes.income_tax import AnnualReturn
from ecny_tax.testing import check_promises, malformed, records, strategies
from tests.support import START, company_id, company_name, person_id

#: What stands in `ecny_tax.__all__`, and what makes it.
MADE_BY = {
    "AnnualReturn": strategies.annual_returns,
    "Claim": strategies.claims,
    "Device": strategies.devices,
    "EcnyTaxError": strategies.refusals,
    "Fen": strategies.fens,
    "FixedClock": strategies.clocks,
    "ReceiptCheck": records.receipt_checks_in,
    "Sandbox": records.sandboxes,
    "TaxBase": strategies.tax_bases,
    "Terminal": records.terminals_in,
    "WageMonth": strategies.wage_months,
    "WithholdingStatement": strategies.withholding_statements,
}
#: Those that are no values: functions, one constant, what is implemented or has no state.
NOT_MADE = {
    "BEIJING", "Clock", "SystemClock", "capital_numerals", "read_annual_return", "verify_receipt", "yuan",
    "yuan_text",
}  # fmt: skip
#: The classes of refusals, which `refusals` makes.
REFUSALS = {name for name in ecny_tax.__all__ if name.endswith("Error")}

few = settings(max_examples=10, suppress_health_check=list(HealthCheck), deadline=None)


@pytest.fixture(scope="module")
def s() -> Any:
    """What is only asked and not changed."""
    with Sandbox.open(":memory:", clock=FixedClock(START), seed=1) as opened:
        yield opened


def test_every_public_value_is_made_by_a_strategy() -> None:
    assert set(MADE_BY) | NOT_MADE | REFUSALS == set(ecny_tax.__all__)
    assert not set(MADE_BY) & NOT_MADE


def test_hypothesis_makes_public_types_by_their_name() -> None:
    for name in set(MADE_BY) | REFUSALS:
        kind = getattr(ecny_tax, name)
        if isinstance(kind, type) and name not in ("ReceiptCheck", "Sandbox", "Terminal"):
            assert isinstance(find(st.from_type(kind), lambda _: True), kind), name


def test_every_strategy_says_its_range_and_what_it_shrinks_to() -> None:
    for module in (strategies, records, malformed):
        for name, made in vars(module).items():
            if callable(made) and not name.startswith("_") and made.__module__ == module.__name__:
                if isinstance(made, type):
                    continue
                assert made.__doc__, name
                assert module is records or "shrinks" in made.__doc__.lower(), name


@given(strategies.fens(0, 10**17), st.data())
def test_amounts_are_read_as_what_they_are(amount: Fen, data: st.DataObject) -> None:
    text = data.draw(strategies.yuan_texts(amount, amount))
    assert yuan(text) == amount


@given(strategies.company_ids(), strategies.person_ids(), strategies.phones(), strategies.wallet_ids())
def test_numbers_have_right_check_digits(company: str, person: str, phone: str, wallet: str) -> None:
    assert check_uscc(company) == company
    assert check_resident_id(person, on=date(2023, 4, 20)) == person
    assert check_phone(phone) == phone
    assert check_wallet_id(wallet) == wallet


@few
@given(st.data())
def test_openings_open_and_names_are_kept_as_they_are(data: st.DataObject) -> None:
    with Sandbox.open(":memory:", clock=FixedClock(START), seed=1) as s:
        opening = data.draw(strategies.openings())
        assert s.wallets.open(**asdict(opening)).balance == (opening.fund or 0)
        name = data.draw(strategies.any_names())
        other = s.wallets.open(kind="corporate", operator="ABC", name=name, id_number=company_id(999_999_99))
        assert s.wallets.holder(wallet_id=other.wallet_id).name == name


@given(st.data())
def test_what_is_quoted_is_accepted(s: Sandbox, data: st.DataObject) -> None:
    document = data.draw(strategies.stamp_duties())
    assert s.taxes.quote_stamp_duty(**document).tax >= 0
    assert s.taxes.quote_stamp_duty(item="sale_contract", base=data.draw(strategies.tax_bases())).tax >= 0
    settlement = s.taxes.quote_income_tax(annual_return=data.draw(strategies.annual_returns()))
    added = s.taxes.quote_income_tax(annual_return=data.draw(strategies.added_incomes()))
    assert added.increment is not None
    assert settlement.refund == 0 or settlement.due == 0
    assert (
        s.taxes.quote_wage_withholding(months=[data.draw(strategies.wage_months())], tax_year=2022).total >= 0
    )
    assert s.taxes.quote_deductions(claims=[data.draw(strategies.claims())], tax_year=2022).people


@given(strategies.refusals())
def test_refusals_say_what_they_are_in_both_languages(refusal: EcnyTaxError) -> None:
    for language in ("en", "zh"):
        assert refusal.message(language)  # type: ignore[arg-type]
        assert refusal.hint_in(language)  # type: ignore[arg-type]
    assert type(refusal) is getattr(errors_module, catalogue()[refusal.code]["class"])


#: Malformed values, what refuses them, and how the codes begin.
REFUSED: dict[str, tuple[st.SearchStrategy[Any], Callable[[Sandbox, Any], object], str]] = {
    "amounts": (malformed.amounts(), lambda _, value: yuan(value), "amount_"),
    "fens": (malformed.fens(), lambda _, value: positive(value), "amount_"),
    "company ids": (malformed.company_ids(), lambda _, value: check_uscc(value), "uscc_"),
    "person ids": (
        malformed.person_ids(), lambda _, value: check_resident_id(value, on=START.date()), "resident_id_"
    ),
    "phones": (malformed.phones(), lambda _, value: check_phone(value), "phone_"),
    "wallet ids": (malformed.wallet_ids(), lambda s, value: s.wallets.show(wallet_id=value), "wallet_id_"),
    "names": (
        malformed.names(),
        lambda s, value: s.wallets.open(
            kind="corporate", operator="ICBC", name=value, id_number=company_id()
        ),
        "name_malformed",
    ),
    "operators": (
        malformed.operators(),
        lambda s, value: s.wallets.open(
            kind="corporate", operator=value, name=company_name(), id_number=company_id()
        ),
        "operator_unknown",
    ),
    "times": (
        malformed.times(),
        lambda _, value: within_range(value) if isinstance(value, datetime) else parse_time(value),
        "time_malformed",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
@given(data=st.data())
def test_what_is_malformed_is_refused_with_its_code(s: Sandbox, what: str, data: st.DataObject) -> None:
    made, act, code = REFUSED[what]
    value = data.draw(made)
    with pytest.raises(InvalidInputError) as caught:
        act(s, value)
    assert caught.value.code.startswith(code)


@pytest.mark.parametrize(
    ("made", "simplest"),
    [
        (strategies.fens(), 1),
        (strategies.yuan_texts(), "0.01"),
        (strategies.days(), date(2019, 1, 1)),
        (strategies.moments(), datetime(2019, 1, 1, tzinfo=BEIJING)),
        (strategies.any_names(), "0"),
        (strategies.company_ids(), company_id(1)),
        (strategies.person_ids(), person_id(1, born=date(2000, 1, 1))),
        (strategies.phones(), "13900000001"),
        (strategies.operators(), "ICBC"),
        (strategies.openings().map(lambda opening: (opening.kind, opening.fund)), ("corporate", None)),
        (strategies.stamp_duties().map(lambda document: document["base"]), 1_00),
        (strategies.annual_returns(), AnnualReturn(2019)),
        (strategies.added_incomes(), AnnualReturn(2019, wages=Fen(1), base_taxable=Fen(0))),
        (malformed.amounts(), None),
        (malformed.fens(), 0),
        (malformed.names(), ""),
        (malformed.company_ids(), f"{company_id(1)}0"),
        (malformed.times(), ""),
    ],
    ids=map(str, range(18)),
)
def test_it_shrinks_to_what_it_says(made: st.SearchStrategy[object], simplest: object) -> None:
    found = find(made, lambda _: True, settings=settings(database=None))
    assert found == simplest


RECORDS = {
    "wallets": records.wallets_in,
    "agreements": records.agreements_in,
    "bills": records.bills_in,
    "payments": records.payments_in,
    "refunds": records.refunds_in,
    "receipts": records.receipts_in,
    "receipt checks": records.receipt_checks_in,
    "terminals": records.terminals_in,
    "devices": records.loaded_devices_in,
    "vouchers": records.vouchers_in,
}


@pytest.mark.parametrize("kind", RECORDS)
@few
@given(data=st.data())
def test_records_are_made_in_an_empty_sandbox_and_the_promises_hold(kind: str, data: st.DataObject) -> None:
    with data.draw(records.sandboxes()) as s:
        for _ in range(2):
            assert data.draw(RECORDS[kind](s))
        check_promises(s)


def test_records_that_are_there_are_drawn_too() -> None:
    drawn: set[bool] = set()

    @few
    @given(data=st.data())
    def draw_twice(data: st.DataObject) -> None:
        with data.draw(records.sandboxes()) as s:
            first = data.draw(records.payments_in(s))
            drawn.add(data.draw(records.payments_in(s)) == first)
            assert data.draw(records.wallets_in(s, "nameless")).wallet_class == "IV"

    draw_twice()
    assert drawn == {True, False}


@few
@given(data=st.data())
def test_receipts_verify_unless_somebody_altered_them(data: st.DataObject) -> None:
    with data.draw(records.sandboxes()) as s:
        receipt = data.draw(records.receipts_in(s))
        assert verify_receipt(receipt, s.published_keys()).valid
        check = data.draw(records.receipt_checks_in(s))
        assert check.valid == (check.reason is None)


@few
@given(data=st.data())
def test_vouchers_are_redeemed(data: st.DataObject) -> None:
    with data.draw(records.sandboxes()) as s:
        voucher = data.draw(records.vouchers_in(s))
        (redemption,) = s.offline.redeem(vouchers=[voucher])
        assert redemption.status == "settled", redemption
        paid = s.payments.show(payment_no=redemption.payment_no or "")
        assert redemption.amount == paid.amount > 0
