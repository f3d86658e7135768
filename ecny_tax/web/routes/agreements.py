"""``/v1/agreements``: three-party agreements (三方协议)."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(prefix="/agreements", tags=["agreements"])
