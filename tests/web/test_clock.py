"""Moving the clock over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.web.client import Api
from tests.web.conftest import NOW
from tests.web.test_payments import COMPANY


def test_the_clock_is_read_set_advanced_and_let_go(admin: Api) -> None:
    assert admin.seen("/v1/clock") == {"now": NOW, "fixed": False}  # the test gave the sandbox its clock
    moved = admin.put("/v1/clock", {"at": "2023-05-04"}).json
    assert moved == {"now": "2023-05-04T10:00:00+08:00", "fixed": True}
    later = admin.made("/v1/clock/advance", {"days": 1, "hours": 2, "minutes": 3, "seconds": 4})
    assert later == {"now": "2023-05-05T12:03:04+08:00", "fixed": True}
    assert admin.made("/v1/clock/follow-system")["fixed"] is False


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("PUT", "", {"at": "2023-01-01"}, 422, "clock_went_back"),
        ("PUT", "", {"at": "yesterday"}, 400, "time_malformed"),
        ("PUT", "", {"at": "2023-04-20T25:00:00Z"}, 400, "time_malformed"),
        ("PUT", "", {"at": "２０２３-04-20"}, 400, "time_malformed"),
        ("PUT", "", {"at": "\ud800"}, 400, "request_malformed"),
        ("PUT", "", {"at": 20230420}, 400, "request_malformed"),
        ("PUT", "", {}, 400, "request_malformed"),
        ("POST", "/advance", {}, 400, "step_malformed"),
        ("POST", "/advance", {"days": -1}, 400, "request_malformed"),
        ("POST", "/advance", {"days": 10**6}, 400, "time_malformed"),
        ("POST", "/advance", {"weeks": 1}, 400, "request_malformed"),
    ],
)
def test_a_time_that_is_none_is_refused_and_the_clock_stays(
    admin: Api, method: str, path: str, body: object, status: int, code: str
) -> None:
    admin.made("/v1/wallets", COMPANY)
    sent = json.dumps(body).encode()
    answer = admin.ask(method, f"/v1/clock{path}", sent, {})
    assert (answer.status, answer.code) == (status, code)
    assert admin.seen("/v1/clock")["now"] == NOW


def test_everybody_reads_the_clock_and_only_the_admin_moves_it(as_party: Callable[[str], Api]) -> None:
    for party in ("auditor", "operator:ICBC", "taxpayer:91440784MA00DEM06F"):
        api = as_party(party)
        assert api.seen("/v1/clock")["now"] == NOW
        for answer in (
            api.put("/v1/clock", {"at": "2023-05-04"}),
            api.post("/v1/clock/advance", {"days": 1}),
            api.post("/v1/clock/follow-system"),
        ):
            assert (answer.status, answer.code) == (403, "not_permitted")
    assert as_party("admin").seen("/v1/clock")["now"] == NOW
