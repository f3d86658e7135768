"""Whatever stands in a body or an address about taxes, the answer is a documented one and never a bug."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.web.client import Api
from tests.web.documented import paths
from tests.web.paying import corporate, owe, pay, personal, refund_of

RETURN = {**refund_of("10"), "bonus_mode": "better", "withheld_properly": True}
HOSTILE: list[Any] = [
    None, True, -1, 1.5, 10**30, "", "\0", "\ud800", "１２", "x" * 5_000, [[[]]], float("nan"),
    {"\ud800": "\udfff"}, "\x1b[2J\n\r",
]  # fmt: skip
ROOMS = ("taxes", "bills", "withholdings", "batches", "refunds", "receipts")


def bodies(wallet: str, hers: str, payment: str, receipt: str, bill: str) -> dict[str, list[dict[str, Any]]]:
    """A body that each operation would take."""
    return {
        "/v1/taxes/quotes/stamp-duty": [
            {"item": "sale_contract", "base": "1", "vat": "0.1", "on": "2023-04-20", "taxpayer_kind": "small",
             "half_relief": True, "exemption": None, "side": "buy", "pieces": 1},
            {"item": "sale_contract",
             "foreign": {"amount_fx": "1", "currency": "USD", "central_parity": "7"}},
        ],
        "/v1/taxes/quotes/income-tax": [RETURN],
        "/v1/taxes/quotes/surcharges": [
            {"paid": "1", "place": "city", "half_relief": True, "on": "2023-04-20"},
        ],
        "/v1/taxes/quotes/wage-withholding": [
            {"months": [{"month": 1, "wage": "1", "social": "1", "sad": 1}], "tax_year": 2022,
             "first_wage_of_year": False, "annual_60000_from_january": False},
        ],
        "/v1/taxes/quotes/payment-withholding": [{"type": "labour", "amount": "1", "tax_year": 2022}],
        "/v1/taxes/quotes/deductions": [
            {"tax_year": 2025, "claims": [
                {"item": "child_education", "person": "a", "months": 1, "first_month": 1, "children": 1,
                 "share": "1", "concerning": "b"}]},
        ],
        "/v1/taxes/quotes/business-income": [{"taxable": "1", "tax_year": 2022}],
        "/v1/taxes/quotes/non-resident-wage": [{"wage": "1", "tax_year": 2022}],
        "/v1/taxes/quotes/non-resident-bonus": [{"bonus": "1", "tax_year": 2022}],
        "/v1/taxes/checks": [
            {"cases": [{"id": "a", "kind": "late_fee", "inputs": {"tax": "1", "days": 1},
                        "expected": {"fee": "1"}}]},
        ],
        "/v1/bills": [
            {"tax": "stamp-duty", "wallet_id": wallet, "item": "sale_contract", "base": "9999",
             "on": "2023-04-20", "authority": "14407840000", "side": None, "pieces": None,
             "taxpayer_kind": None},
            {"tax": "income-tax", "wallet_id": hers, "annual_return": RETURN, "correction": False},
            {"tax": "surcharge", "wallet_id": wallet, "code": "10109", "paid": "100", "place": "city"},
            {"tax": "other", "wallet_id": wallet, "code": "10110", "amount": "1"},
        ],
        "/v1/withholdings": [
            {"wallet_id": wallet, "authority": "14407840000",
             "statement": {"tax_year": 2022, "name": "虚构人", "id_number": "440784199001010017",
                           "wages": "1"}},
        ],
        "/v1/batches/files": [
            {"kind": "debit", "authority": "14407840000", "due_by": "2023-04-20", "tax": "other"},
            {"kind": "refund", "applied_by": "2023-04-20"},
        ],
        "/v1/batches": [{"kind": "debit", "content": "ecny-tax debit batch 1, parts of 2 lines\n"}],
        "/v1/refunds": [
            {"kind": "annual_settlement", "wallet_id": hers, "annual_return": RETURN, "correction": True},
            {"kind": "payment", "payment_no": payment, "amount": "1", "reason": "other",
             "manual_review": True},
        ],
        "/v1/refunds/{}/rejection": [{"note": "a"}],
        "/v1/refunds/{}/resubmission": [{"wallet_id": wallet}],
        "/v1/receipts/verifications": [{"document": "RUNOWTE6"}],
        f"/v1/receipts/{receipt}/prints": [{"form": "html"}],
        f"/v1/bills/{bill}/cancellation": [{}],
    }  # fmt: skip


def twisted(body: Any) -> Iterator[Any]:
    """The body with each of its values replaced, one at a time, and with a member too many."""
    if isinstance(body, dict):
        yield {**body, "no_such": 1}
        for key, value in body.items():
            yield {other: one for other, one in body.items() if other != key}
            for worse in twisted(value):
                yield {**body, key: worse}
    elif isinstance(body, list):
        for place, value in enumerate(body):
            for worse in twisted(value):
                yield [*body[:place], worse, *body[place + 1 :]]
    if not isinstance(body, dict) or not body:
        yield from HOSTILE


@pytest.mark.parametrize("part", range(4))
def test_no_body_is_answered_with_a_bug(boss: Api, part: int) -> None:
    wallet, hers = corporate(boss), personal(boss)
    payment = pay(boss, owe(boss, wallet), wallet)
    refund = boss.made(
        "/v1/refunds",
        {"kind": "payment", "payment_no": payment["payment_no"], "amount": "1", "manual_review": True},
    )["refund_no"]
    found = bodies(wallet, hers, payment["payment_no"], payment["receipt_no"], owe(boss, wallet)["bill_no"])
    for path, taken in list(found.items())[part::4]:
        for body in taken:
            for worse in twisted(body):
                answer = boss.post(path.format(refund), json.dumps(worse).encode())
                assert answer.status < 500, (path, worse, answer.content)


def test_what_is_no_document_at_all_is_refused_everywhere(boss: Api) -> None:
    for method, pattern in paths():
        room = pattern.removeprefix("/v1").split("/")[1]
        if method == "POST" and room in ROOMS:
            path = pattern.replace("{", "").replace("}", "")
            for raw in (
                b"",
                b"[]",
                b"null",
                b'"',
                b"\xff",
                b'{"a": 1, "a": 2}',
                b"[" * 100_000,
                b"1" * 5_000,
            ):
                answer = boss.post(path, raw)
                assert answer.status in (400, 404), (path, raw[:20], answer.status)


def test_no_address_is_answered_with_a_bug(boss: Api) -> None:
    for method, pattern in paths():
        room = pattern.removeprefix("/v1").split("/")[1]
        if method == "GET" and room in ROOMS:
            for part in ("%00", "%F0%9F%98%80", "..", "%2e%2e", "A" * 65, "~", "' OR 1=1", "\x7f".join("ab")):
                path = pattern
                while "{" in path:
                    before, _, rest = path.partition("{")
                    path = before + part.replace(" ", "%20").replace("\x7f", "%7f") + rest.partition("}")[2]
                if path != pattern:
                    answer = Api(boss.address, boss.api_key).get(path)  # some are not of this address at all
                    assert answer.status in (400, 404), (path, answer.status)
            for query in (
                "limit=0",
                "limit=x",
                "limit=201",
                "cursor=%00",
                "cursor=MA",
                "on=%00",
                "limit=1&limit=2",
            ):
                path = pattern.replace("{", "").replace("}", "")
                assert boss.get(f"{path}?{query}").status in (200, 400, 404)
