"""``/v1/vouchers``: redemption of offline vouchers (离线凭证), and evidence."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(prefix="/vouchers", tags=["vouchers"])
