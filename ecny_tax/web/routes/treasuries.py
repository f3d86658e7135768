"""``/v1/treasuries``: day-end, allocation and reports (国库)."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(prefix="/treasuries", tags=["treasuries"])
