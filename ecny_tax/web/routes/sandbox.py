"""``/v1/status`` and ``/v1/reset``: the sandbox as a whole."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(tags=["sandbox"])
