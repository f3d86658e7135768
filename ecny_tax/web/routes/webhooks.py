"""``/v1/webhooks``: where events are sent, and what became of each."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(prefix="/webhooks", tags=["webhooks"])
