"""The rulebook (规则): law and scheme as dated figures, each with its citation and evidence mark.

``on(day)`` answers with the rules in force on that day.  The figures stand in the TOML files of this
package, one file and one module a subject, each figure with ``effective_from``, ``effective_to`` where it
lapses, ``citation`` and ``evidence``; ``rulebook_with(path)`` reads files of a user's own beside them.

Importing this package reads nothing, and a name is loaded when it is first used, because many a command
(``wallet show``) needs none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecny_tax.rulebook.book import PACKAGE, Rulebook, on
    from ecny_tax.rulebook.figures import EVIDENCE, Cited, sources
    from ecny_tax.rulebook.income_tax import Bracket, BracketTable, IncomeTaxRules, SpecialAdditional, Years
    from ecny_tax.rulebook.overriding import rulebook_with
    from ecny_tax.rulebook.rules import Rules
    from ecny_tax.rulebook.stamp_duty import (
        Exemption,
        Rounding,
        Side,
        StampDutyRate,
        StampDutyRelief,
        StampDutyRules,
    )
    from ecny_tax.rulebook.taxes import CollectionItem, Surcharge
    from ecny_tax.rulebook.wallets import WalletClass, WalletType

__all__ = [
    "EVIDENCE",
    "PACKAGE",
    "Bracket",
    "BracketTable",
    "Cited",
    "CollectionItem",
    "Exemption",
    "IncomeTaxRules",
    "Rounding",
    "Rulebook",
    "Rules",
    "Side",
    "SpecialAdditional",
    "StampDutyRate",
    "StampDutyRelief",
    "StampDutyRules",
    "Surcharge",
    "WalletClass",
    "WalletType",
    "Years",
    "on",
    "rulebook_with",
    "sources",
]

_HOMES = {
    "PACKAGE": "book",
    "Rulebook": "book",
    "on": "book",
    "EVIDENCE": "figures",
    "Cited": "figures",
    "sources": "figures",
    "rulebook_with": "overriding",
    "Rules": "rules",
    "Exemption": "stamp_duty",
    "Rounding": "stamp_duty",
    "Side": "stamp_duty",
    "StampDutyRate": "stamp_duty",
    "StampDutyRelief": "stamp_duty",
    "StampDutyRules": "stamp_duty",
    "CollectionItem": "taxes",
    "Surcharge": "taxes",
    "WalletClass": "wallets",
    "WalletType": "wallets",
}


def __getattr__(name: str) -> object:
    """Load a name from its home on first use (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{_HOMES.get(name, 'income_tax')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
