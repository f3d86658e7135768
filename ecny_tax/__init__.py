"""ecny-tax: a sandbox for paying Chinese taxes and receiving tax refunds in digital RMB (e-CNY).

Everything here is a simulation.  Names are loaded when they are first used, so that importing the package
costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from ecny_tax.clock import BEIJING, Clock, FixedClock, SystemClock
    from ecny_tax.errors import (
        ConflictError,
        EcnyTaxError,
        InvalidInputError,
        NotFoundError,
        RejectedError,
        UnavailableError,
        VerificationError,
    )
    from ecny_tax.money import Fen, capital_numerals, yuan, yuan_text
    from ecny_tax.offline.device import Device
    from ecny_tax.offline.terminal import Terminal
    from ecny_tax.refunds.verification import ReceiptCheck, verify_receipt
    from ecny_tax.sandbox import Sandbox
    from ecny_tax.taxes.household import Claim
    from ecny_tax.taxes.income_tax import AnnualReturn
    from ecny_tax.taxes.returns import read_annual_return
    from ecny_tax.taxes.stamp_duty_base import TaxBase
    from ecny_tax.taxes.withholding import WageMonth
    from ecny_tax.taxes.withholding_records import WithholdingStatement

__all__ = [
    "BEIJING",
    "AnnualReturn",
    "Claim",
    "Clock",
    "ConflictError",
    "Device",
    "EcnyTaxError",
    "Fen",
    "FixedClock",
    "InvalidInputError",
    "NotFoundError",
    "ReceiptCheck",
    "RejectedError",
    "Sandbox",
    "SystemClock",
    "TaxBase",
    "Terminal",
    "UnavailableError",
    "VerificationError",
    "WageMonth",
    "WithholdingStatement",
    "capital_numerals",
    "read_annual_return",
    "verify_receipt",
    "yuan",
    "yuan_text",
]

_HOMES = {
    "BEIJING": "clock",
    "Clock": "clock",
    "FixedClock": "clock",
    "SystemClock": "clock",
    "Fen": "money",
    "capital_numerals": "money",
    "yuan": "money",
    "yuan_text": "money",
    "Sandbox": "sandbox",
    "ReceiptCheck": "refunds.verification",
    "verify_receipt": "refunds.verification",
    "AnnualReturn": "taxes.income_tax",
    "Device": "offline.device",
    "Terminal": "offline.terminal",
    "Claim": "taxes.household",
    "TaxBase": "taxes.stamp_duty_base",
    "WageMonth": "taxes.withholding",
    "WithholdingStatement": "taxes.withholding_records",
    "read_annual_return": "taxes.returns",
}


def __getattr__(name: str) -> object:
    """Load a public name from its home on first use (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{_HOMES.get(name, 'errors')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
