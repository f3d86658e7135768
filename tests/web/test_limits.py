"""Bodies and heads that are too large, too slow or no JSON are refused, and the server goes on."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from ecny_tax import Sandbox
from ecny_tax.web import limits, server
from ecny_tax.web.limits import MAX_BODY, SMALL_BODY
from tests.web.client import Api
from tests.web.conftest import serving


def connected(address: str) -> socket.socket:
    place = urlsplit(address)
    return socket.create_connection((place.hostname or "", place.port or 0), timeout=20)


def heard(connection: socket.socket) -> bytes:
    """What comes until the server hangs up."""
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BODY_SECONDS", 0.3)
    monkeypatch.setattr(server, "_HEAD_SECONDS", 0.3)


@pytest.fixture
def hurried(impatient: None) -> Iterator[str]:
    """A server that waits a third of a second for heads and bodies."""
    with serving(Sandbox.open(":memory:")) as address:
        yield address


def test_a_body_that_is_announced_too_large_is_refused_before_it_is_sent(address: str) -> None:
    with connected(address) as connection:
        connection.sendall(
            b"POST /v1/payments HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n" % (MAX_BODY + 1)
        )
        answer = heard(connection)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"body_too_large" in answer


def test_a_body_in_pieces_is_refused_when_it_grows_too_large(admin: Api) -> None:
    refused = admin.post("/v1/payments", b'{"tax": "' + b"x" * MAX_BODY + b'"}')
    assert (refused.status, refused.code) == (413, "body_too_large")
    with connected(admin.address) as connection:
        connection.sendall(
            b"POST /v1/payments HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\nAuthorization: Bearer %s\r\n\r\n" % str(admin.api_key).encode()
        )
        try:
            for _ in range(MAX_BODY // 2**20 + 1):
                connection.sendall(b"100000\r\n" + b"x" * 2**20 + b"\r\n")
            answer = heard(connection)
        except (BrokenPipeError, ConnectionResetError):  # it has hung up already
            answer = b"HTTP/1.1 413"
    assert answer.startswith(b"HTTP/1.1 413")
    assert admin.get("/v1/payments").status == 200


def test_a_body_that_does_not_come_in_time_is_refused_and_nothing_is_done(hurried: str) -> None:
    with connected(hurried) as connection:
        connection.sendall(
            b"POST /v1/payments HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 100\r\n\r\n{"
        )
        answer = heard(connection)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"request_too_slow" in answer


@pytest.mark.parametrize("sent", [b"", b"GET /v1/payments HTTP/1.1\r\nHost: x\r\n", b"G"])
def test_a_head_that_does_not_come_in_time_is_hung_up_on(hurried: str, sent: bytes) -> None:
    with connected(hurried) as connection:
        connection.sendall(sent)
        began = time.monotonic()
        heard(connection)
    assert time.monotonic() - began < 15


def test_a_head_that_comes_in_pieces_but_in_time_is_answered(admin: Api) -> None:
    with connected(admin.address) as connection:
        for part in (b"GET /v1/pay", b"ments HTTP/1.1\r\nHost: x\r\nConn", b"ection: close\r\n\r\n"):
            connection.sendall(part)
            time.sleep(0.02)
        assert heard(connection).startswith(b"HTTP/1.1 401")


def test_a_head_that_is_too_long_is_refused(address: str) -> None:
    with connected(address) as connection:
        try:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 100_000 + b"\r\n\r\n")
            answer = heard(connection)
        except (BrokenPipeError, ConnectionResetError):
            answer = b""
    assert not answer or answer.startswith(b"HTTP/1.1 4")


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff",
        b'{"tax": "stamp-duty", "tax": "stamp-duty"}',
        b"[" * 100_000,
        b"null",
        b"[]",
        b'"text"',
        b"1e999",
        b'{"amount": NaN}',
        b"\x00",
    ],
    ids=lambda body: repr(body[:24]),
)
def test_a_body_that_is_no_such_document_is_malformed(admin: Api, body: bytes) -> None:
    refused = admin.post("/v1/payments", body)
    assert (refused.status, refused.code) == (400, "request_malformed")


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "multipart/form-data", ""])
def test_a_body_of_another_type_is_not_read(admin: Api, media_type: str) -> None:
    refused = admin.post("/v1/payments", b"{}", Content_Type=media_type)
    assert (refused.status, refused.code) == (415, "media_type_unsupported")


def test_what_is_not_there_and_what_a_place_does_not_take_is_said_in_the_readers_language(admin: Api) -> None:
    missing = admin.get("/v1/nothing", Accept_Language="zh-CN,zh;q=0.9")
    assert (missing.status, missing.code) == (404, "route_not_found")
    assert "没有任何资源" in missing.json["detail"]
    wrong = admin.delete("/v1/payments")
    assert (wrong.status, wrong.code) == (405, "method_not_allowed")
    assert set(wrong.headers["allow"].split(", ")) == {"GET", "POST"}


def test_without_a_key_or_with_a_wrong_one_nothing_opens(admin: Api) -> None:
    for api_key, code in (
        (None, "api_key_missing"),
        ("x", "api_key_unknown"),
        ("é" * 300, "api_key_unknown"),
    ):
        refused = Api(admin.address, api_key if api_key is None else api_key.encode().decode("latin-1"))
        answer = refused.get("/v1/payments")
        assert (answer.status, answer.code) == (401, code)
        assert answer.headers["www-authenticate"] == "Bearer"


def test_a_key_does_not_revoke_itself(admin: Api) -> None:
    (own,) = admin.seen("/v1/api-keys")["api_keys"]
    refused = admin.post(f"/v1/api-keys/{own['key_id']}/revocation")
    assert (refused.status, refused.code) == (422, "api_key_in_use")
    other = admin.made("/v1/api-keys", {"party": "admin"})
    assert Api(admin.address, other["api_key"]).post(f"/v1/api-keys/{own['key_id']}/revocation").status == 200
    assert admin.get("/v1/status").status == 401


@pytest.mark.parametrize("heads", [b"Content-Length: 4000000", b"Transfer-Encoding: chunked"])
def test_a_large_body_is_read_only_of_whom_a_key_opens_to(address: str, heads: bytes) -> None:
    for key in (b"", b"Authorization: Bearer ecny_sandbox_unknown\r\n"):
        with connected(address) as connection:
            connection.sendall(
                b"POST /v1/wallets HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                + key
                + heads
                + b"\r\n\r\n"
            )
            answer = heard(connection)
        assert answer.startswith(b"HTTP/1.1 401"), answer
        assert b"api_key_unknown" in answer if key else b"api_key_missing" in answer


def test_a_large_body_of_a_known_party_is_read(admin: Api) -> None:
    refused = admin.post("/v1/payments", {"tax": "x" * 2 * SMALL_BODY})
    assert (refused.status, refused.code) == (400, "request_malformed")


def test_what_needs_no_key_takes_no_large_body(address: str) -> None:
    refused = Api(address, None).ask("GET", "/healthz", b" " * SMALL_BODY + b"{}", {})
    assert (refused.status, refused.code) == (413, "body_too_large")
