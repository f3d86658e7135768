"""A client of the HTTP sandbox for the tests: one request a connection, and the answer as it came."""

from __future__ import annotations

import http.client
import json
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]  # names in lower case
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def code(self) -> str:
        """The code of a refusal."""
        assert self.headers["content-type"] == "application/problem+json", self.content
        return str(self.json["code"])


class Api:
    """One party's way to a server; every POST bears an ``Idempotency-Key`` of its own unless given one."""

    def __init__(self, address: str, api_key: str | None) -> None:
        self.address = address
        self.api_key = api_key

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, None, headers)

    def post(self, path: str, body: Any = None, *, key: str | None = None, **headers: str) -> Answer:
        """``headers`` are written with underscores: ``Accept_Language="zh"``."""
        return self.ask("POST", path, body, {"Idempotency-Key": key or uuid.uuid4().hex, **headers})

    def delete(self, path: str, **headers: str) -> Answer:
        return self.ask("DELETE", path, None, headers)

    def put(self, path: str, body: Any, **headers: str) -> Answer:
        return self.ask("PUT", path, body, headers)

    def made(self, path: str, body: Any = None) -> Any:
        """The record that a POST makes."""
        answer = self.post(path, body)
        assert answer.status in (200, 201), answer.content.decode()
        return answer.json

    def seen(self, path: str) -> Any:
        """The record that a GET shows."""
        answer = self.get(path)
        assert answer.status == 200, answer.content.decode()
        return answer.json

    def ask(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Answer:
        """``body``: bytes as they are, None for none, or a document."""
        place = urlsplit(self.address)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.api_key is not None:
            sent.setdefault("Authorization", f"Bearer {self.api_key}")
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
            body = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        try:
            connection.request(method, path, body, sent)
            got = connection.getresponse()
            content = got.read()
            return Answer(got.status, {k.lower(): v for k, v in got.getheaders()}, content)
        finally:
            connection.close()
