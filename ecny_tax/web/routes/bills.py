"""``/v1/bills``: declare, look at and cancel what is owed (应征凭证)."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(prefix="/bills", tags=["bills"])
