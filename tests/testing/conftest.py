"""Suites of users, written to a folder and run by a pytest of their own."""

from collections.abc import Callable

import pytest

# What a run in this process imports must be there before: afterwards pytester takes out what is new.
import ecny_tax.testing.http
import ecny_tax.testing.machine
import ecny_tax.testing.records
import ecny_tax.web.server
import ecny_tax.web.stories  # noqa: F401

#: By module, as the entry point is named: so it is loaded once, whether it is installed or not.
PLUGIN = ("-p", "ecny_tax.testing.plugin")

Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    """Runs a suite of one module with the plugin; what a user's strict settings refuse is refused."""

    def run(code: str, *arguments: str) -> pytest.RunResult:
        pytester.makepyfile(code)
        pytester.makeini("[pytest]\nfilterwarnings = error\naddopts = --strict-markers --strict-config\n")
        return pytester.runpytest_inprocess(*PLUGIN, "-p", "no:cacheprovider", "-p", "no:xdist", *arguments)

    return run
