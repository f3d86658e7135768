"""The Heshan story over HTTP, in Python without any package: what an integrator's client looks like.

    ECNY_TAX=http://127.0.0.1:8000 API_KEY=ecny_sandbox_… python story.py

It begins with a reset to the spring of 2023: whatever the sandbox holds is thrown away.
"""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from typing import Any


class RefusedError(Exception):
    """A problem (RFC 9457) that the sandbox answered."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(f"{problem['code']}: {problem['detail']}")
        self.problem = problem


def ask(method: str, path: str, body: dict[str, Any] | None = None, *, key: str | None = None) -> Any:
    """Ask the sandbox; where the answer is lost, ask again with the same key, which is safe."""
    headers = {"Authorization": f"Bearer {os.environ['API_KEY']}"}
    if key is not None:
        headers["Idempotency-Key"] = key
    data = None
    if body is not None:
        data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
    request = urllib.request.Request(os.environ["ECNY_TAX"] + path, data, headers, method=method)  # noqa: S310
    for attempt in range(5):
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            problem = json.load(error)
            if error.code not in (429, 503) and problem["code"] != "idempotency_in_flight":
                raise RefusedError(problem) from None
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            if attempt == 4 or (key is None and method != "GET"):
                raise
        time.sleep(2**attempt / 10)
    raise TimeoutError(f"{method} {path} was not answered")


def main() -> None:
    ask("POST", "/v1/reset", {"at": "2023-04-20"})
    company = ask(
        "POST",
        "/v1/wallets",
        {
            "kind": "corporate",
            "operator": "ICBC",
            "name": "广东弘明智能照明科技有限公司",
            "id_number": "91440784MA00DEM06F",
            "fund": "20000.00",
        },
        key="wallet-1",
    )
    agreement = ask("POST", "/v1/agreements", {"wallet_id": company["wallet_id"]})
    print(f"agreement {agreement['agreement_no']}: {agreement['status']}")

    bill = ask(
        "POST",
        "/v1/bills",
        {
            "tax": "stamp-duty",
            "wallet_id": company["wallet_id"],
            "item": "sale_contract",
            "base": "56666666.67",
        },
    )
    payment = ask("POST", "/v1/payments", {"bill_no": bill["bill_no"]}, key="duty-1")
    print(f"paid {payment['amount']} yuan by {payment['mode']}, fee {payment['fee']}, {payment['status']}")
    again = ask("POST", "/v1/payments", {"bill_no": bill["bill_no"]}, key="duty-1")
    print(f"asked again: {'the same answer' if again == payment else 'another answer'}")

    try:
        ask("POST", "/v1/payments", {"bill_no": bill["bill_no"]}, key="twice-1")
    except RefusedError as error:
        print(f"refused, {error}")

    liang = ask(
        "POST",
        "/v1/wallets",
        {
            "kind": "personal",
            "wallet_class": "II",
            "operator": "BOC",
            "name": "梁先生",
            "id_number": "440784198501010017",
            "phone": "13800000000",
        },
        key="liang-1",
    )
    refund = ask(
        "POST",
        "/v1/refunds",
        {
            "kind": "annual_settlement",
            "wallet_id": liang["wallet_id"],
            "annual_return": {
                "tax_year": 2022,
                "wages": "150000.00",
                "social": "18000.00",
                "sad": "24000.00",
                "withheld": "3000.00",
            },
        },
        key="refund-1",
    )
    print(f"refund {refund['amount']} yuan: {refund['status']}, balance {refund['balance_after']}")
    print(f"ledger: ok {ask('POST', '/v1/ledger/verifications')['ok']}")


if __name__ == "__main__":
    if not {"ECNY_TAX", "API_KEY"} <= os.environ.keys():
        raise SystemExit("set ECNY_TAX to the sandbox's address and API_KEY to a key of admin")
    main()
