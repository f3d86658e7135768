"""Reconciliation over HTTP: a day is compared, mended once, and each side sees its own books."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ecny_tax import Fen, Sandbox
from ecny_tax.errors import EcnyTaxError
from tests.support import corporate, owe
from tests.web.client import Api

HESHAN = "1907840000"
PATH = "/v1/reconciliations/2023-04-20"


@pytest.fixture
def lost(sandbox: Sandbox) -> Any:
    """A debit whose answer was lost: the wallet is debited, and no payment stands against it."""
    wallet = corporate(sandbox)
    sandbox.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(2000_00))
    agreement = sandbox.agreements.sign(wallet_id=wallet.wallet_id, authority="14407840000")
    bill = owe(sandbox, wallet, 100_00)
    sandbox.reconciliation.order_failure(kind="operator_rollback")
    with pytest.raises(EcnyTaxError):
        sandbox.payments.pay(bill_no=bill.bill_no, agreement_no=agreement.agreement_no)
    return wallet


def test_difference_is_found_and_mended_once(lost: Any, as_party: Callable[[str], Api]) -> None:
    treasury = as_party(f"treasury:{HESHAN}")
    found = treasury.seen(PATH)
    assert (found["ok"], len(found["differences"])) == (False, 1)
    first = treasury.post(f"{PATH}/mends", {}, key="mend")
    assert (first.status, first.json["ok"], len(first.json["mends"])) == (200, True, 1)
    again = treasury.post(f"{PATH}/mends", {}, key="mend")
    assert (again.content, again.headers["idempotency-hit"]) == (first.content, "true")
    assert treasury.post(f"{PATH}/mends", {"operator": "ICBC"}, key="mend").code == "idempotency_conflict"
    assert treasury.seen(PATH)["ok"] is True


def test_side_writes_its_lines(lost: Any, admin: Api) -> None:
    for side in ("treasury", "operator", "ledger"):
        answer = admin.get(f"{PATH}/lines.csv?side={side}")
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert answer.content.startswith(b"entrust_date,authority,trace_no")
    assert lost.wallet_id in admin.get(f"{PATH}/lines.csv?side=treasury").content.decode()


def test_treasury_and_operator_compare_their_own_books_only(
    lost: Any, sandbox: Sandbox, as_party: Callable[[str], Api]
) -> None:
    sandbox.treasury.add(code="1907030000", name="国家金库江门市蓬江区支库")
    strangers = as_party("treasury:1907030000"), as_party("operator:CCB")
    for api, others in zip(strangers, (f"treasury={HESHAN}", "operator=ICBC"), strict=True):
        found = api.seen(PATH)
        assert (found["compared"], found["differences"]) == (0, [])
        for path in (f"{PATH}?{others}", f"{PATH}/lines.csv?side=ledger&{others}"):
            assert api.get(path).code == "not_permitted"
        name, _, code = others.partition("=")
        assert api.post(f"{PATH}/mends", {name: code}).code == "not_permitted"
        assert api.made(f"{PATH}/mends", {})["mends"] == []
        assert lost.wallet_id not in api.get(f"{PATH}/lines.csv?side=treasury").content.decode()
    assert len(as_party("operator:ICBC").seen(PATH)["differences"]) == 1
    auditor = as_party("auditor")
    assert len(auditor.seen(PATH)["differences"]) == 1
    assert auditor.post(f"{PATH}/mends", {}).code == "not_permitted"
    for party in ("taxpayer:91440784MA00DEM06F", "tax-authority:14407840000"):
        assert as_party(party).get(PATH).code == "not_permitted"
        assert as_party(party).post(f"{PATH}/mends", {}).code == "not_permitted"


def test_bad_input_has_a_code(lost: Any, admin: Api) -> None:
    for day in ("x", "2023-02-30", "0000-01-01", "2023-4-20", "%00", "%EF%BC%92023-04-20"):
        for answer in (
            admin.get(f"/v1/reconciliations/{day}"),
            admin.get(f"/v1/reconciliations/{day}/lines.csv?side=ledger"),
            admin.post(f"/v1/reconciliations/{day}/mends", {}),
        ):
            assert (answer.status, bool(answer.code)) == (400, True), day
    for value in ("", "\x00", "x" * 5000, "１９０７８４００００", 1, [], True):
        for name in ("treasury", "operator"):
            answer = admin.post(f"{PATH}/mends", {name: value})
            assert answer.status in (400, 404), (name, value, answer.content)
            assert answer.code
    assert (
        admin.ask("POST", f"{PATH}/mends", b'{"operator": "\\ud800"}', {"Idempotency-Key": "1"}).status == 400
    )
    assert admin.get(f"{PATH}/lines.csv").code == "request_malformed"
    assert admin.get(f"{PATH}/lines.csv?side=bank").code == "request_malformed"
    assert admin.get(f"{PATH}?operator=%00").code == "operator_unknown"
    assert admin.get(f"{PATH}?treasury=%27").code == "treasury_not_found"
