"""Treasuries over HTTP: closing days, reports, and each treasury its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ecny_tax import Sandbox
from tests.web.client import Api

HESHAN = "1907840000"
OTHER = {"code": "1907030000", "name": "国家金库江门市蓬江区支库", "name_en": "Pengjiang treasury"}
COMPANY = {
    "kind": "corporate",
    "name": "广东弘明智能照明科技有限公司",
    "id_number": "91440784MA00DEM06F",
    "operator": "ICBC",
    "fund": "20000.00",
}
DUTY = {"tax": "stamp-duty", "item": "sale_contract", "base": "56666666.67"}
PATH = f"/v1/treasuries/{HESHAN}"


@pytest.fixture
def paid(admin: Api) -> Any:
    wallet = admin.made("/v1/wallets", COMPANY)
    return admin.made("/v1/payments", {"wallet_id": wallet["wallet_id"], **DUTY})


def test_treasury_closes_its_day_and_reports_it(paid: Any, as_party: Callable[[str], Api]) -> None:
    treasury = as_party(f"treasury:{HESHAN}")
    (before,) = treasury.seen("/v1/treasuries")["treasuries"]
    assert (before["waiting"], before["closed_until"]) == ("17000.00", None)
    closed = treasury.made(f"{PATH}/closings", {"day": "2023-04-20"})
    assert (closed["collected"], closed["status"]) == ("17000.00", "closed")
    assert "assumption" in closed["assumption"]
    assert [day["day"] for day in treasury.seen(f"{PATH}/days")["days"]] == ["2023-04-20"]
    for by, key in (("tax", "10111"), ("day", "2023-04-20"), ("month", "2023-04")):
        report = treasury.seen(f"{PATH}/report?by={by}&from=2023-04-01&to=2023-04-30")
        assert [(line["key"], line["collected"]) for line in report["lines"]] == [(key, "17000.00")]
    levels = treasury.seen(f"{PATH}/report?by=level")["lines"]
    assert sum(round(float(line["collected"]) * 100) for line in levels) == 17_000_00


def test_report_is_a_table_and_a_chart_in_the_readers_language(paid: Any, admin: Api) -> None:
    table = admin.get(f"{PATH}/report.csv?by=tax", Accept_Language="zh-CN")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert "印花税" in table.content.decode()
    assert admin.get(f"{PATH}/report.csv?by=tax").content.decode().startswith("tax,name,collected")
    chart = admin.get(f"{PATH}/report.svg", Accept_Language="zh")
    assert chart.headers["content-type"] == "image/svg+xml"
    assert chart.content.startswith(b"<svg")
    assert "待报解" in chart.content.decode()
    assert "waiting" in admin.get(f"{PATH}/report.svg").content.decode()


def test_I5_closing_again_with_the_key_is_answered_alike(paid: Any, admin: Api) -> None:
    first = admin.post(f"{PATH}/closings", {"day": "2023-04-20"}, key="close")
    again = admin.post(f"{PATH}/closings", {"day": "2023-04-20"}, key="close")
    assert (first.status, again.status, again.content) == (201, 201, first.content)
    assert again.headers["idempotency-hit"] == "true"
    refused = admin.post(f"{PATH}/closings", {"day": "2023-04-21"}, key="close")
    assert (refused.status, refused.code) == (422, "idempotency_conflict")
    refused = admin.post(f"{PATH}/closings", {"day": "2023-04-21"})
    assert (refused.status, refused.code) == (422, "treasury_day_in_future")


def test_treasury_sees_itself_alone(paid: Any, admin: Api, as_party: Callable[[str], Api]) -> None:
    assert admin.made("/v1/treasuries", OTHER)["code"] == OTHER["code"]
    other = as_party(f"treasury:{OTHER['code']}")
    assert [one["treasury"] for one in other.seen("/v1/treasuries")["treasuries"]] == [OTHER["code"]]
    refused = [other.get(f"{PATH}/{part}") for part in ("days", "report", "report.csv", "report.svg")]
    refused.append(other.post(f"{PATH}/closings", {"day": "2023-04-20"}))
    for answer in refused:
        assert (answer.status, answer.code) == (404, "treasury_not_found")
    missing = other.get("/v1/treasuries/1999999999/days").json
    assert {**missing, "detail": "", "treasury": HESHAN} == {**refused[0].json, "detail": ""}
    assert other.post("/v1/treasuries", OTHER).code == "not_permitted"
    assert len(as_party("auditor").seen("/v1/treasuries")["treasuries"]) == 2
    for party in ("operator:ICBC", "tax-authority:14407840000", "taxpayer:91440784MA00DEM06F"):
        assert as_party(party).get("/v1/treasuries").code == "not_permitted"
        assert as_party(party).post(f"{PATH}/closings", {"day": "2023-04-20"}).code == "not_permitted"
    assert as_party("auditor").post(f"{PATH}/closings", {"day": "2023-04-20"}).code == "not_permitted"


def test_bad_input_has_a_code_and_closes_nothing(admin: Api, sandbox: Sandbox) -> None:
    hostile = [
        "",
        "2023-02-30",
        "２０２３-04-20",
        "0000-01-01",
        "9999-12-31",
        "x" * 5000,
        "\x00",
        20230420,
        None,
        [],
    ]
    for value in hostile:
        answer = admin.post(f"{PATH}/closings", {"day": value})
        assert answer.status in (400, 422), (value, answer.content)
        assert answer.code
        for name in ("code", "name", "name_en"):
            answer = admin.post("/v1/treasuries", {**OTHER, name: value})
            assert answer.status in (201, 400, 409, 422), (name, value, answer.content)
    half = admin.ask("POST", "/v1/treasuries", b'{"code": "1907030001", "name": "\\ud800"}', {})
    assert (half.status, bool(half.code)) == (400, True)
    for query in ("from=x", "to=2023-02-30", "by=week", "by=", "from=2023-05-01&to=2023-04-01", "from=%00"):
        for end in ("report", "report.csv", "report.svg"):
            answer = admin.get(f"{PATH}/{end}?{query}")
            assert (answer.status, bool(answer.code)) == (400, True), query
    assert admin.get("/v1/treasuries/%00/days").status == 400
    assert admin.get("/v1/treasuries/none/days").code == "treasury_not_found"
    assert admin.seen(f"{PATH}/days") == {"days": []}
    assert sandbox.ledger.verify().ok
