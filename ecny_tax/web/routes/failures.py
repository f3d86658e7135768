"""``/v1/failures``: what is to go wrong, to order."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(prefix="/failures", tags=["failures"])
