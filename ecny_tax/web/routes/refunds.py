"""``/v1/refunds``: apply for refunds, review and pay them (退税)."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(prefix="/refunds", tags=["refunds"])
