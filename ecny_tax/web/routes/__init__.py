"""The resources under ``/v1``, a module each."""

from __future__ import annotations

from importlib import import_module

from fastapi import APIRouter

#: In the order of the reference.
_MODULES = (
    "wallets",
    "sub_wallets",
    "pushed_wallets",
    "interest",
    "agreements",
    "taxes",
    "bills",
    "withholdings",
    "payments",
    "batches",
    "refunds",
    "receipts",
    "devices",
    "terminals",
    "vouchers",
    "trust",
    "treasuries",
    "reconciliations",
    "oversight",
    "ledger",
    "clock",
    "scenarios",
    "failures",
    "webhooks",
    "parties",
    "api_keys",
    "sandbox",
)


def routers() -> list[APIRouter]:
    """The router of every resource."""
    found: list[APIRouter] = [import_module(f"ecny_tax.web.routes.{name}").router for name in _MODULES]
    return found
