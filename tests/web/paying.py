"""What the tests of bills, batches, refunds and receipts share: whom they are about, how they come to owe."""

from __future__ import annotations

from typing import Any

from tests.support import company_id, company_name, person_id, person_name
from tests.web.client import Api

AUTHORITY, TREASURY = "tax-authority:14407840000", "treasury:1907840000"


def company(number: int = 1) -> str:
    """The party that a made-up company is."""
    return f"taxpayer:{company_id(number)}"


def person(number: int = 1) -> str:
    return f"taxpayer:{person_id(number)}"


def corporate(admin: Api, number: int = 1, **wishes: Any) -> str:
    """The id of a company's wallet at ICBC with a million yuan in it."""
    asked = {"kind": "corporate", "operator": "ICBC", "fund": "1000000", "name": company_name(number)}
    made = admin.made("/v1/wallets", asked | {"id_number": company_id(number)} | wishes)
    return str(made["wallet_id"])


def personal(admin: Api, number: int = 1, **wishes: Any) -> str:
    asked = {"kind": "personal", "operator": "ICBC", "name": person_name(number)}
    made = admin.made("/v1/wallets", asked | {"id_number": person_id(number)} | wishes)
    return str(made["wallet_id"])


def owe(api: Api, wallet_id: str, amount: str = "100.00", **wishes: Any) -> dict[str, Any]:
    """An open bill."""
    asked = {"tax": "other", "wallet_id": wallet_id, "code": "10110", "amount": amount}
    made: dict[str, Any] = api.made("/v1/bills", asked | wishes)
    return made


def pay(api: Api, bill: dict[str, Any], wallet_id: str) -> dict[str, Any]:
    asked = {"bill_no": bill["bill_no"], "wallet_id": wallet_id}
    made: dict[str, Any] = api.made("/v1/payments", asked)
    return made


def refund_of(amount: str) -> dict[str, Any]:
    """A return that comes to a refund of so much: no tax is due, and that was withheld."""
    return {"tax_year": 2022, "wages": "60000", "withheld": amount}


def refusals(api: Api, paths: list[tuple[str, str]], body: Any = None) -> set[tuple[int, str]]:
    """How a party is refused at each of these operations: statuses and codes."""
    found = set()
    for method, path in paths:
        answer = api.get(path) if method == "GET" else api.post(path, body)
        assert answer.status >= 400, (method, path)
        found.add((answer.status, answer.code))
    return found
