"""``/v1/terminals``: terminals that the sandbox keeps for the caller."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(prefix="/terminals", tags=["terminals"])
