"""``/v1/batches``: signed files of debits and refunds (批量扣税)."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(prefix="/batches", tags=["batches"])
