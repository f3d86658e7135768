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


def test_files_of_two_sides_are_compared(lost: Any, admin: Api, as_party: Callable[[str], Api]) -> None:
    sides = ("treasury", "operator")
    files = {f"{one}_file": admin.get(f"{PATH}/lines.csv?side={one}").content.decode() for one in sides}
    for api in (admin, as_party("auditor"), as_party("operator:ICBC"), as_party(f"treasury:{HESHAN}")):
        found = api.made(f"{PATH}/comparisons", files)
        assert (found["compared"], found["ok"], found["mends"]) == (1, False, [])
        assert found["differences"][0]["wallet_id"] == lost.wallet_id
    alike = {"treasury_file": files["operator_file"], "operator_file": files["operator_file"]}
    assert admin.made(f"{PATH}/comparisons", alike)["ok"] is True
    assert admin.made(f"{PATH}/comparisons", {"operator_file": files["operator_file"]})["compared"] == 1


def test_side_sees_nothing_of_the_ledger_by_the_file_that_it_sends(
    lost: Any, admin: Api, as_party: Callable[[str], Api]
) -> None:
    own = admin.get(f"{PATH}/lines.csv?side=operator").content.decode()
    for party in ("operator:CCB", "operator:ICBC", f"treasury:{HESHAN}"):
        for name in ("operator_file", "treasury_file"):
            answer = as_party(party).post(f"{PATH}/comparisons", {name: own})
            assert (answer.status, answer.code) == (422, "reconciliation_file_needed")
    stranger = as_party("operator:CCB").post(
        f"{PATH}/comparisons", {"treasury_file": own, "operator_file": own, "operator": "ICBC"}
    )
    assert stranger.code == "not_permitted"
    assert as_party("taxpayer:91440784MA00DEM06F").post(f"{PATH}/comparisons", {}).code == "not_permitted"


def test_malformed_file_is_refused_by_its_line_and_not_by_where_it_lay(admin: Api) -> None:
    header = "entrust_date,authority,trace_no,bill_no,operator,wallet_id,amount,status\n"
    for text in (
        "",
        "x",
        header + "1,2,3\n",
        header + "=cmd,,,,,,,\n",
        "\x00",
        "\ufeff",
        header * 2,
        "é" * 600,
    ):
        answer = admin.post(f"{PATH}/comparisons", {"treasury_file": text})
        assert (answer.status, answer.code) == (400, "reconciliation_file_malformed"), text
        assert (answer.json["path"], "/tmp" in answer.content.decode()) == ("treasury_file", False)
    assert admin.post(f"{PATH}/comparisons", {}).code == "reconciliation_without_files"
    half = b'{"operator_file": "\\ud800"}'
    assert admin.ask("POST", f"{PATH}/comparisons", half, {}).status == 400


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
