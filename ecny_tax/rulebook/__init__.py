"""The rulebook (规则): law and scheme as dated figures, each with its citation and evidence mark.

``on(day)`` answers with the rules in force on that day; ``operators()`` and ``scheme()`` describe the
simulated scheme itself.  The figures stand in the TOML files of this package, one file a subject, each
figure with ``effective_from``, ``effective_to`` where it lapses, ``citation`` and ``evidence``.

Importing this package reads nothing, and a name is loaded when it is first used, because many a command
(``wallet show``) needs none.  A file is read, without pydantic, when its first figure is asked for;
``schema`` holds the full check of a file's form, which the test suite runs over every file of the package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecny_tax.rulebook.files import operators, scheme, wallet_types
    from ecny_tax.rulebook.model import (
        EVIDENCE,
        Amount,
        Bracket,
        BracketTable,
        Cited,
        CollectionItem,
        IncomeRatios,
        MedicalRule,
        OperatorRule,
        Permission,
        RefundReason,
        Scheme,
        Side,
        StampDutyRate,
        StampDutyRelief,
        WalletClass,
        WalletType,
        YearlyWindow,
        Years,
        sources,
    )
    from ecny_tax.rulebook.rules import Rules, on

__all__ = [
    "EVIDENCE",
    "Amount",
    "Bracket",
    "BracketTable",
    "Cited",
    "CollectionItem",
    "IncomeRatios",
    "MedicalRule",
    "OperatorRule",
    "Permission",
    "RefundReason",
    "Rules",
    "Scheme",
    "Side",
    "StampDutyRate",
    "StampDutyRelief",
    "WalletClass",
    "WalletType",
    "YearlyWindow",
    "Years",
    "on",
    "operators",
    "scheme",
    "sources",
    "wallet_types",
]

_HOMES = {
    "Rules": "rules",
    "on": "rules",
    "operators": "files",
    "scheme": "files",
    "wallet_types": "files",
}


def __getattr__(name: str) -> object:
    """Load a name from its home on first use (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{_HOMES.get(name, 'model')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
