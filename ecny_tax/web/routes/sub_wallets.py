"""``/v1/wallets/…/sub-wallets``: sub-wallets (子钱包), collecting and distributing."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(prefix="/wallets", tags=["wallets"])
