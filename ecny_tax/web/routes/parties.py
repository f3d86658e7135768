"""``/v1/parties`` and ``/v1/api-keys``: institutions, and who may ask."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(tags=["parties"])
