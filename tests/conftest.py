"""What every test shares: how hard Hypothesis tries, and a real PostgreSQL.

`HYPOTHESIS_PROFILE` names the profile: `dev` (the default) answers quickly, `ci` looks further.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests import postgres_server

# Hypothesis picks a profile of its own when it sees `CI` in the environment, one that always tries
# the same examples. These start from its plain default instead, on every machine alike.
_plain = settings.get_profile("default")

# A machine under load must not fail a property for being slow: neither deadline nor `too_slow`.
settings.register_profile(
    "dev",
    parent=_plain,
    max_examples=10,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("ci", parent=settings.get_profile("dev"), max_examples=15)

settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


#: All workers of one run share a server.
_RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid.uuid4().hex)[:12]


def _server(kind: str, wished: dict[str, str]) -> Iterator[postgres_server.Server]:
    if reason := postgres_server.missing():
        pytest.skip(reason)
    with postgres_server.shared_server(f"{_RUN}-{kind}", wished) as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[postgres_server.Server]:
    """A PostgreSQL server that all tests of this run share; quick, since it leaves writing to the system."""
    yield from _server("fast", postgres_server.FAST)


@pytest.fixture(scope="session")
def durable_postgres() -> Iterator[postgres_server.Server]:
    """Another one, as durable as servers are by default."""
    yield from _server("durable", postgres_server.DURABLE)


@pytest.fixture
def postgres_url(postgres: postgres_server.Server) -> Iterator[str]:
    """The URL of a fresh and empty database."""
    with postgres.database() as url:
        yield url
