"""``/v1/receipts``: electronic payment vouchers (电子缴款凭证)."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(prefix="/receipts", tags=["receipts"])
