"""``/v1/scenarios``: seeded stories to play."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(prefix="/scenarios", tags=["scenarios"])
