"""``/v1/clock``: the simulated time."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(prefix="/clock", tags=["clock"])
