"""The testing kit: what users import to test their own code against a simulated scheme (extra ``[testing]``).

``pytest`` finds the fixtures by itself (``ecny_tax.testing.plugin``).  From here come Hypothesis strategies
(``strategies``, ``records``, ``malformed``), made-up identities, the promises as assertions, and the machine
that plays the scheme in random order and can be extended.  Names are loaded when they are first used, so that
a suite that does not use them pays nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecny_tax.testing import malformed, records, strategies
    from ecny_tax.testing.http import HttpSandbox, http_sandbox
    from ecny_tax.testing.identities import (
        company_id,
        company_name,
        person_id,
        person_name,
        phone_number,
    )
    from ecny_tax.testing.machine import EcnyMachine
    from ecny_tax.testing.promises import check_promises

__all__ = [
    "EcnyMachine",
    "HttpSandbox",
    "check_promises",
    "company_id",
    "company_name",
    "http_sandbox",
    "malformed",
    "person_id",
    "person_name",
    "phone_number",
    "records",
    "strategies",
]

_HOMES = {
    "EcnyMachine": "machine",
    "HttpSandbox": "http",
    "check_promises": "promises",
    "company_id": "identities",
    "company_name": "identities",
    "http_sandbox": "http",
    "person_id": "identities",
    "person_name": "identities",
    "phone_number": "identities",
}


def __getattr__(name: str) -> object:
    """Load a public name from its home on first use (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    home = import_module(f"{__name__}.{_HOMES.get(name, name)}")
    value: object = getattr(home, name) if name in _HOMES else home
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
