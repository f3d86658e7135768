"""The pytest plugin: ``ecny_sandbox``, ``ecny_http_sandbox``, ``ecny_story`` and their markers.

pytest loads it by its entry point, so it imports nothing of the scheme before a test asks for a fixture.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from datetime import datetime

    from ecny_tax import Sandbox
    from ecny_tax.testing.http import HttpSandbox
    from ecny_tax.web.stories import Played

#: When a test happens unless it says otherwise: a Thursday inside the settlement window of 2022.
_BEGINS = "2023-04-20"
_DATABASES = ("memory", "sqlite")
#: People of the scenario refund-season unless the marker says how many.
_PEOPLE = 100

_MARKERS = (
    'ecny_sandbox(seed=None, at="2023-04-20", database="memory"): how ecny_sandbox is opened; the seed is'
    " the test's own name unless given, the database is in memory or a file of SQLite (sqlite)",
    "ecny_scenario(name, seed=1, people=100): a scenario that is played in ecny_sandbox before the test;"
    " ecny_story gives its steps and records",
)

#: The sandboxes whose books must verify when their test has passed: what gives the present one of each.
_OPEN = pytest.StashKey[list[Callable[[], "Sandbox"]]]()
_PLAYED = pytest.StashKey["Played"]()

# Their assertions explain themselves, wherever they are raised.
for _module in ("ecny_tax.testing.machine", "ecny_tax.testing.promises"):
    if _module not in sys.modules:
        pytest.register_assert_rewrite(_module)


def pytest_configure(config: pytest.Config) -> None:
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """A test that passed fails after all where the books of its sandbox do not verify."""
    yield
    for present in item.stash.get(_OPEN, []):
        _check_books(present())


@pytest.fixture
def ecny_sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A whole scheme of its own for a test, whose clock stands still and whose books must verify in the end.

    Its seed follows from the test's name, so that a test sees the same numbers whenever it runs.  Markers:
    ``ecny_sandbox`` says how it is opened, ``ecny_scenario`` what has happened in it.
    """
    from ecny_tax import FixedClock, Sandbox

    wished = _Wished(request.node)
    scenario = _Scenario(request.node)
    clock = FixedClock(scenario.begins(wished) if scenario.name else wished.begins())
    path = request.getfixturevalue("tmp_path") / "ecny-tax.db" if wished.database == "sqlite" else ":memory:"
    with Sandbox.open(path, clock=clock, seed=wished.seed) as sandbox:
        if scenario.name:
            request.node.stash[_PLAYED] = scenario.played(sandbox)
        request.node.stash.setdefault(_OPEN, []).append(lambda: sandbox)
        yield sandbox


@pytest.fixture
def ecny_story(request: pytest.FixtureRequest, ecny_sandbox: Sandbox) -> Played:  # noqa: ARG001 - it plays
    """What the scenario of the test's marker did in ``ecny_sandbox``: ``steps``, and ``records`` by kind."""
    if _PLAYED not in request.node.stash:
        _refuse('ecny_story needs a scenario: mark the test with @pytest.mark.ecny_scenario("heshan")')
    played: Played = request.node.stash[_PLAYED]
    return played


@pytest.fixture
def ecny_http_sandbox(request: pytest.FixtureRequest, ecny_sandbox: Sandbox) -> Iterator[HttpSandbox]:
    """``ecny_sandbox``, served over HTTP: ``url``, ``admin_key``, ``key_for(party)``, ``sandbox``."""
    from ecny_tax import UnavailableError
    from ecny_tax.testing.http import http_sandbox

    with ExitStack() as stack:
        try:
            served = stack.enter_context(http_sandbox(ecny_sandbox))
        except UnavailableError as missing:
            _refuse(f"{missing.message()}; {missing.hint}")
        # A reset over HTTP puts another sandbox in the place of the first.
        request.node.stash[_OPEN] = [lambda: served.sandbox]
        yield served


class _Wished:
    """What the marker ``ecny_sandbox`` of a test asks for; the nearest one counts."""

    def __init__(self, item: pytest.Item) -> None:
        marker = item.get_closest_marker("ecny_sandbox")
        said = dict(marker.kwargs) if marker else {}
        if marker and marker.args:
            _refuse("the marker ecny_sandbox takes keywords alone: seed, at, database")
        seed = said.pop("seed", None)
        self.seed: str | int = item.nodeid if seed is None else seed
        self.at: object = said.pop("at", None)
        self.database: object = said.pop("database", "memory")
        if said:
            _refuse(f"the marker ecny_sandbox knows seed, at and database, not {', '.join(map(str, said))}")
        if not isinstance(self.seed, str | int):
            _refuse(f"the seed of the marker ecny_sandbox is a text or a whole number, not {seed!r}")
        if self.database not in _DATABASES:
            _refuse(
                f"the database of the marker ecny_sandbox is one of {', '.join(_DATABASES)},"
                f" not {self.database!r}"
            )

    def begins(self) -> datetime:
        from datetime import datetime

        from ecny_tax.clock import parse_time, within_range
        from ecny_tax.errors import InvalidInputError

        at = _BEGINS if self.at is None else self.at
        try:
            return within_range(at) if isinstance(at, datetime) else parse_time(str(at))
        except InvalidInputError as refusal:
            _refuse(f"at of the marker ecny_sandbox: {refusal.message()}")


class _Scenario:
    """What the marker ``ecny_scenario`` of a test asks for; without one the name is empty."""

    def __init__(self, item: pytest.Item) -> None:
        marker = item.get_closest_marker("ecny_scenario")
        said = dict(marker.kwargs) if marker else {}
        names = [*(marker.args if marker else ()), *([said.pop("name")] if "name" in said else [])]
        if marker and (len(names) != 1 or not isinstance(names[0], str)):
            _refuse('the marker ecny_scenario takes the name of one scenario, such as "heshan"')
        self.name: str = names[0] if names else ""
        self._seed, self._people = said.pop("seed", 1), said.pop("people", _PEOPLE)
        if said:
            _refuse(f"the marker ecny_scenario knows name, seed and people, not {', '.join(map(str, said))}")
        for key, value in (("seed", self._seed), ("people", self._people)):
            if type(value) is not int or value < 0:
                _refuse(f"{key} of the marker ecny_scenario is a whole number, not {value!r}")

    def begins(self, wished: _Wished) -> datetime:
        from ecny_tax.rulebook import PACKAGE
        from ecny_tax.web.stories import scenarios

        known = {one.name: one.begins for one in scenarios(PACKAGE)}
        if self.name not in known:
            _refuse(f"there is no scenario {self.name!r}; there are {', '.join(known)}")
        if wished.at is not None:
            _refuse("a scenario begins at a time of its own: leave out at, and move the clock in the test")
        return known[self.name]

    def played(self, sandbox: Sandbox) -> Played:
        from ecny_tax.errors import EcnyTaxError
        from ecny_tax.web.stories import Wish, play, scenario

        try:
            found = scenario(sandbox.store.rulebook, self.name)
            return play(sandbox, found, Wish(self._seed, self._people))
        except EcnyTaxError as refusal:  # such as an extra that is not installed
            _refuse(f"scenario {self.name}: {refusal.message()}; {refusal.hint}")


def _check_books(sandbox: Sandbox) -> None:
    from ecny_tax.errors import EcnyTaxError

    try:
        found = sandbox.ledger.verify()
    except EcnyTaxError as refusal:
        _refuse(f"the ledger of ecny_sandbox cannot be verified: {refusal.message()}")
    broken = [f"{check.promise}: {check.detail}" for check in found.checks if not check.ok]
    if broken:
        _refuse("\n".join(("the ledger of ecny_sandbox does not verify:", *broken)))


def _refuse(sentence: str) -> NoReturn:
    """Fail with one sentence, which says enough without a traceback and without what led to it."""
    raise pytest.fail.Exception(sentence, pytrace=False) from None
