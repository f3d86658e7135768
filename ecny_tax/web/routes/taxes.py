"""``/v1/taxes``: items, rules and quotes."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(prefix="/taxes", tags=["taxes"])
