"""``/v1/ledger``: accounts, transfers, verification, export."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(prefix="/ledger", tags=["ledger"])
