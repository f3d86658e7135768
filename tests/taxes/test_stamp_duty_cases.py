"""Stamp duty: the shared worked cases, and more of the same kinds, worked by hand."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ecny_tax import rulebook
from ecny_tax.errors import EcnyTaxError
from ecny_tax.money import yuan
from ecny_tax.rulebook import Rules
from ecny_tax.taxes import stamp_duty, stamp_duty_base, stamp_duty_documents
from ecny_tax.taxes.stamp_duty_base import ForeignAmount
from ecny_tax.taxes.stamp_duty_documents import ItemAmount

Inputs = dict[str, Any]

SHARED = json.loads((Path(__file__).parents[1] / "cases/tax-cases.json").read_text("utf-8"))


def document(rules: Rules, given: Inputs) -> object:
    foreign = [given[key] for key in ("amount_fx", "currency", "central_parity") if key in given]
    base = stamp_duty_base.of_document(
        rules,
        amount=ForeignAmount(*foreign) if foreign else yuan(given["amount"]),
        vat=yuan(given.get("vat", "0")),
        **{key: given[key] for key in ("vat_listed_separately", "amount_includes_vat") if key in given},
    )
    return stamp_duty.quote(rules, item=given["item"], base=base, half_relief=given.get("half_relief", False))


def securities(rules: Rules, given: Inputs) -> object:
    return stamp_duty.quote(rules, item="securities", base=yuan(given["amount"]), side=given["side"])


def in_fen(given: Inputs, *but: str) -> Inputs:
    """The inputs with what is an amount in fen."""
    return {
        key: yuan(value) if isinstance(value, str) and key not in but else value
        for key, value in given.items()
        if key != "date"
    }


def parts(given: list[dict[str, str]]) -> list[ItemAmount]:
    return [ItemAmount(part["item"], yuan(part["amount"])) for part in given]


KINDS: dict[str, Callable[[Rules, Inputs], object]] = {
    "stamp.document": document,
    "stamp.document_1988": document,
    "stamp.securities": securities,
    "stamp.account_book": lambda rules, given: stamp_duty_documents.account_book(rules, **in_fen(given)),
    "stamp.equity_transfer": lambda rules, given: stamp_duty_documents.equity_transfer(
        rules, **in_fen(given)
    ),
    "stamp.mixed": lambda rules, given: stamp_duty_documents.mixed(
        rules, parts=parts(given["parts"]), separately_listed=given["separately_listed"]
    ),
    "stamp.multi": lambda rules, given: stamp_duty_documents.multi(
        rules, documents=parts(given["documents"]), half_relief=given.get("half_relief", False)
    ),
    "stamp.amendment": lambda rules, given: stamp_duty_documents.amendment(rules, **in_fen(given, "item")),
}


def result(kind: str, inputs: Inputs) -> object:
    return KINDS[kind](rulebook.on(date.fromisoformat(inputs["date"])), inputs)


def check(kind: str, inputs: Inputs, expected: dict[str, Any]) -> None:
    found = result(kind, inputs)
    for key, value in expected.items():
        wanted = tuple(map(yuan, value)) if isinstance(value, list) else yuan(value)
        assert getattr(found, key) == wanted, key


@pytest.mark.parametrize(
    ("kind", "inputs", "expected"),
    [
        pytest.param(case["kind"], case["inputs"], case["expected"], id=case["id"])
        for case in SHARED
        if case["kind"].startswith("stamp.")
    ],
)
def test_shared_case(kind: str, inputs: Inputs, expected: dict[str, Any]) -> None:
    check(kind, inputs, expected)


def test_every_kind_has_a_shared_case() -> None:
    shared = {case["kind"] for case in SHARED if case["kind"].startswith("stamp.")}
    assert shared == set(KINDS)


LISTED = {"date": "2026-05-01", "item": "sale_contract"}


@pytest.mark.parametrize(
    ("inputs", "base", "tax"),
    [
        ({"amount": "1000000", "vat": "130000", "vat_listed_separately": True}, "1000000", "300"),
        ({"amount": "1000000", "vat": "130000"}, "1000000", "300"),
        (
            {
                "amount": "1130000",
                "vat": "130000",
                "vat_listed_separately": True,
                "amount_includes_vat": True,
            },
            "1000000",
            "300",
        ),
        (
            {
                "amount": "1130000",
                "vat": "130000",
                "vat_listed_separately": False,
                "amount_includes_vat": True,
            },
            "1130000",
            "339",
        ),
        ({"amount": "1000000", "vat": "130000", "vat_listed_separately": False}, "1130000", "339"),
        ({"amount": "1130000", "vat_listed_separately": False}, "1130000", "339"),
        ({"amount": "1130000", "vat_listed_separately": True}, "1130000", "339"),
        ({"amount": "1130000", "amount_includes_vat": True}, "1130000", "339"),
        # 100,000.55 × 7.8123 = 781,234.296765; × 0.0003 = 234.37029
        ({"amount_fx": "100000.55", "currency": "EUR", "central_parity": "7.8123"}, "781234.30", "234.37"),
        # half a fen goes up: 1 × 0.045
        ({"amount_fx": "1", "currency": "JPY", "central_parity": "0.045"}, "0.05", "0"),
        (
            {
                "amount_fx": "226000",
                "currency": "USD",
                "central_parity": "7",
                "vat": "182000",
                "amount_includes_vat": True,
            },
            "1400000",
            "420",
        ),
        ({"amount": "1000000", "half_relief": True, "date": "2022-12-31"}, "1000000", "150"),
        ({"amount": "1000000", "half_relief": True, "date": "2023-01-01"}, "1000000", "150"),
        ({"amount": "1000000", "half_relief": True, "date": "2027-12-31"}, "1000000", "150"),
        ({"amount": "1001000", "item": "loan_contract", "date": "2022-07-01"}, "1001000", "50.05"),
        ({"amount": "1001000", "item": "loan_contract", "date": "2022-06-30"}, "1001000", "50.10"),
        ({"amount": "1000000", "item": "processing_contract", "date": "2022-07-01"}, "1000000", "300"),
        ({"amount": "1000000", "item": "processing_contract", "date": "2022-06-30"}, "1000000", "500"),
    ],
)
def test_document(inputs: Inputs, base: str, tax: str) -> None:
    check("stamp.document", LISTED | inputs, {"base": base, "tax_per_party": tax})


@pytest.mark.parametrize(
    ("item", "amount", "tax"),
    [
        ("purchase_sale_contract", "133.33", "0"),  # 0.039999, under a jiao
        ("purchase_sale_contract", "333.33", "0"),  # 0.099999
        ("purchase_sale_contract", "333.34", "0.10"),  # 0.100002
        ("purchase_sale_contract", "466.66", "0.10"),  # 0.139998
        ("purchase_sale_contract", "499.99", "0.10"),  # 0.149997
        ("purchase_sale_contract", "500", "0.20"),  # 0.15
        ("processing_contract", "80", "0"),  # 0.04
        ("processing_contract", "100", "0"),  # 0.05: five fen, but under a jiao
        ("processing_contract", "2080", "1.00"),  # 1.04
        ("processing_contract", "2100", "1.10"),  # 1.05
        ("survey_design_contract", "300", "0.20"),
        ("construction_contract", "1000000", "300"),
        ("property_lease_contract", "500", "1.00"),
        ("freight_contract", "1000000", "500"),
        ("storage_contract", "1234", "1.20"),
        ("loan_contract", "1999.99", "0"),  # 0.0999995
        ("loan_contract", "2000", "0.10"),
        ("property_insurance_contract", "1250", "1.30"),
        ("technology_contract", "1000000", "300"),
        ("property_transfer", "5000000", "2500"),
        ("capital_account_book", "1000000", "250"),
    ],
)
def test_document_of_the_regulation_of_1988(item: str, amount: str, tax: str) -> None:
    inputs = {"date": "2022-06-30", "item": item, "amount": amount}
    check("stamp.document_1988", inputs, {"tax_per_party": tax})


@pytest.mark.parametrize(("day", "tax"), [("2018-04-30", "500"), ("2018-05-01", "250")])
def test_capital_account_book_is_halved_in_2018(day: str, tax: str) -> None:
    inputs = {"date": day, "item": "capital_account_book", "amount": "1000000"}
    check("stamp.document_1988", inputs, {"tax_per_party": tax})


@pytest.mark.parametrize(
    ("day", "buy", "sell"),
    [
        ("2008-04-23", "3000", "3000"),
        ("2008-04-24", "1000", "1000"),
        ("2008-09-18", "1000", "1000"),
        ("2008-09-19", "0", "1000"),
        ("2022-06-30", "0", "1000"),
        ("2022-07-01", "0", "1000"),
        ("2023-08-27", "0", "1000"),
        ("2023-08-28", "0", "500"),
    ],
)
def test_securities(day: str, buy: str, sell: str) -> None:
    for side, tax in (("buy", buy), ("sell", sell)):
        check("stamp.securities", {"date": day, "amount": "1000000", "side": side}, {"tax": tax})


def test_securities_were_not_rounded_to_the_jiao() -> None:
    inputs = {"date": "2022-06-30", "amount": "45.67", "side": "sell"}
    check("stamp.securities", inputs, {"tax": "0.05"})  # 0.04567


@pytest.mark.parametrize(
    ("changed", "base", "tax"),
    [
        ({"date": "2018-04-30"}, "1500000", "750"),
        ({"date": "2018-05-01"}, "1500000", "375"),
        ({"date": "2022-06-30"}, "1500000", "375"),
        ({"date": "2022-07-01"}, "1500000", "375"),
        ({"half_relief": True, "date": "2021-06-01"}, "1500000", "187.50"),
        ({"already_taxed": "1499999.99"}, "0.01", "0"),
        ({"already_taxed": "1500000"}, "0", "0"),
        ({"already_taxed": "2000000"}, "0", "0"),
        ({"paid_in_capital": "0", "already_taxed": "100000"}, "400000", "100"),
    ],
)
def test_account_book(changed: Inputs, base: str, tax: str) -> None:
    given = {"paid_in_capital": "1000000", "capital_reserve": "500000", "already_taxed": "0"}
    check("stamp.account_book", {"date": "2026-01-31"} | given | changed, {"base": base, "tax": tax})


@pytest.mark.parametrize(
    ("day", "portion", "base", "tax"),
    [
        ("2022-07-01", "0", "6000000", "3000"),
        ("2022-07-01", "500000", "5500000", "2750"),
        ("2024-01-01", "6000000", "0", "0"),
        ("2022-06-30", "0", "6000000", "3000"),
    ],
)
def test_equity_transfer(day: str, portion: str, base: str, tax: str) -> None:
    inputs = {
        "date": day,
        "consideration": "6000000",
        "portion_for_unpaid_subscribed_capital": portion,
    }
    check("stamp.equity_transfer", inputs, {"base": base, "tax_per_party": tax})


@pytest.mark.parametrize(
    ("day", "listed", "given", "taxes", "total"),
    [
        (
            "2026-05-01",
            True,
            [("transport_contract", "200000"), ("warehousing_contract", "50000")],
            ["60", "50"],
            "110",
        ),
        (
            "2026-05-01",
            False,
            [("loan_contract", "100"), ("sale_contract", "100"), ("ip_transfer", "100")],
            ["0.09"],
            "0.09",
        ),
        # each rounded to the fen by itself: 0.015 twice
        ("2026-05-01", True, [("sale_contract", "50"), ("ip_transfer", "50")], ["0.02", "0.02"], "0.04"),
        # to 2022 added first, then to the jiao: 0.15 + 0.15, and 0.05 + 0.05
        (
            "2022-06-30",
            True,
            [("purchase_sale_contract", "500"), ("processing_contract", "300")],
            ["0.15", "0.15"],
            "0.30",
        ),
        (
            "2022-06-30",
            True,
            [("processing_contract", "100"), ("freight_contract", "100")],
            ["0.05", "0.05"],
            "0.10",
        ),
        ("2022-06-30", False, [("freight_contract", "500"), ("storage_contract", "355")], ["0.90"], "0.90"),
    ],
)
def test_mixed(day: str, listed: bool, given: list[tuple[str, str]], taxes: list[str], total: str) -> None:
    inputs = {
        "date": day,
        "separately_listed": listed,
        "parts": [{"item": item, "amount": amount} for item, amount in given],
    }
    check("stamp.mixed", inputs, {"taxes": taxes, "total": total})


def test_multi_with_the_relief_for_each() -> None:
    documents = [{"item": "sale_contract", "amount": "1000000"}, {"item": "account_book", "amount": "50"}]
    inputs = {"date": "2026-01-15", "documents": documents, "half_relief": True}
    check("stamp.multi", inputs, {"taxes": ["150", "0.01"], "total": "150.01"})  # 0.00625 is 0.01


@pytest.mark.parametrize(
    ("changed", "additional", "refundable"),
    [
        ({"new_amount": "2500000"}, "150", "0"),
        ({"new_amount": "1500000"}, "0", "150"),
        ({"new_amount": "2000000"}, "0", "0"),
        ({"not_performed": True}, "0", "0"),
        ({"new_amount": "2000050"}, "0.02", "0"),
        ({"new_amount": "1999950"}, "0", "0.02"),
        ({"new_amount": "1500000", "date": "2022-07-01"}, "0", "150"),
        # the regulation of 1988 gave nothing back, and rounded an increase to the jiao
        (
            {"new_amount": "1500000", "date": "2022-06-30", "item": "purchase_sale_contract"},
            "0",
            "0",
        ),
        ({"new_amount": "2001333", "date": "2022-06-30", "item": "purchase_sale_contract"}, "0.40", "0"),
        ({"not_performed": True, "date": "2022-06-30", "item": "purchase_sale_contract"}, "0", "0"),
    ],
)
def test_amendment(changed: Inputs, additional: str, refundable: str) -> None:
    given = {"date": "2026-02-01", "item": "sale_contract", "old_amount": "2000000"}
    expected = {"additional_tax": additional, "refundable": refundable}
    check("stamp.amendment", given | changed, expected)


@pytest.mark.parametrize(
    ("kind", "inputs", "code"),
    [
        ("stamp.document", {"item": "sale_contract", "amount": "1", "date": "2022-06-30"}, "no_rule_on_date"),
        (
            "stamp.document_1988",
            {"item": "purchase_sale_contract", "amount": "1", "date": "2022-07-01"},
            "no_rule_on_date",
        ),
        ("stamp.securities", {"amount": "1", "side": "sell", "date": "2007-05-29"}, "no_rule_on_date"),
        (
            "stamp.document",
            {"item": "sale_contract", "amount": "1", "half_relief": True, "date": "2028-01-01"},
            "relief_not_in_force",
        ),
    ],
)
def test_what_no_rule_covers_is_refused(kind: str, inputs: Inputs, code: str) -> None:
    with pytest.raises(EcnyTaxError) as refused:
        result(kind, inputs)
    assert refused.value.code == code
