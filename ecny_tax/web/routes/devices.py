"""``/v1/devices``: devices (硬钱包) that the sandbox keeps for the caller, and their loads."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(prefix="/devices", tags=["devices"])
