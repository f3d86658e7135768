"""``/v1/instruments``, ``/v1/traces``, ``/v1/accesses``: lawful access (依法可溯)."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(tags=["oversight"])
