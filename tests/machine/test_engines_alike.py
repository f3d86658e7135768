"""I15: the same random commands on SQLite and on PostgreSQL, with the same answers and the same journal."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import settings

from ecny_tax import Sandbox
from tests import postgres_server
from tests.machine.both import Both
from tests.machine.test_sandbox_machine import SandboxMachine
from tests.support import dump

_RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid.uuid4().hex)[:12]
_servers: list[postgres_server.Server] = []
#: Rows that the server numbers, with gaps where a command was refused after it had written one.
_NUMBERED = (
    "agreement", "bill", "payment", "refund", "withholding", "ordered_failure", "debit_record", "certificate",
    "device", "voucher", "voucher_waiting", "refund_event",
)  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def _server() -> Iterator[None]:
    if reason := postgres_server.missing():
        pytest.skip(reason)
    with postgres_server.shared_server(f"{_RUN}-fast", postgres_server.FAST) as server:
        _servers.append(server)
        yield
        _servers.clear()


class EnginesAlikeMachine(SandboxMachine):
    """On a database in memory and on one of a server."""

    def opened(self) -> Sandbox:
        self.stack = ExitStack()
        folder = Path(self.stack.enter_context(postgres_server.own_folder()))
        url = self.stack.enter_context(_servers[0].database())
        one = Sandbox.open(clock=self.clock, seed="machine")
        self.pair = one, Sandbox.open(url, clock=self.clock, seed="machine", keyring=folder / "keys")
        return cast(Sandbox, Both(*self.pair))

    def teardown(self) -> None:
        try:
            if self.on:
                one, other = (_comparable(dump(side)) for side in self.pair)
                assert one == other, "I15"
        finally:
            super().teardown()
            if hasattr(self, "stack"):
                self.stack.close()


def _comparable(tables: dict[str, list[tuple[Any, ...]]]) -> dict[str, list[tuple[Any, ...]]]:
    """Everything but what a server counts for itself, and which tile of the log is sealed yet."""
    tables["meta"] = [row for row in tables["meta"] if row[0] != "schema_version"]
    for name in _NUMBERED:
        tables[name] = [row[1:] for row in tables[name]]
    return tables


TestEnginesAlike = EnginesAlikeMachine.TestCase
TestEnginesAlike.settings = settings(
    max_examples=max(5, settings.default.max_examples // 8), stateful_step_count=30
)
