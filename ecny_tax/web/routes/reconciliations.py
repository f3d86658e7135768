"""``/v1/reconciliations``: treasury, operator and ledger compared (对账)."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(prefix="/reconciliations", tags=["reconciliations"])
