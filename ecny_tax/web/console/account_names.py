"""What the accounts of the ledger are called on a page, in both languages.

Accounts that are one to a class are one place: the stripes of a collection account, and the liens of all
loads.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from ecny_tax.errors import Language
from ecny_tax.ledger import chart
from ecny_tax.rulebook.book import PACKAGE
from ecny_tax.treasury.model import LEVEL_NAMES
from ecny_tax.web.console.drawing import said


class Kind(NamedTuple):
    """What the accounts of one kind are called, and whether their balance says anything to a class."""

    en: str
    zh: str
    ecny: bool
    has_balance: bool = True


#: In the order in which money goes; e-CNY first.  Keys are the beginnings of account names.
KINDS = {
    "issuance": Kind("Issuance (central bank)", "发行库（人民银行）", True),
    "vault": Kind("Operator vault", "银行库", True),
    "wallet": Kind("Wallet", "钱包", True),
    "pushed": Kind("Pushed sub-wallet", "推送子钱包", True),
    "lien": Kind("Set aside for offline payment", "圈存（离线支付）", True),
    "collection": Kind("Collection account", "待报解预算收入", True),
    "public": Kind("Bank deposits of the public", "公众存款", False, has_balance=False),
    "reserve": Kind("Operator reserve", "运营机构准备金", False),
    "own": Kind("Operator own funds", "运营机构自有资金", False),
    "backing": Kind("Backing of e-CNY (central bank)", "发行准备（人民银行）", False),
    "opening": Kind("Opening balances (assumed)", "期初余额（假定）", False, has_balance=False),
    "revenue": Kind("Treasury revenue", "国库收入", False),
    "": Kind("Other account", "其他账户", False),
}
_ORDER = list(KINDS)


class Place(NamedTuple):
    """Where money is: accounts of one kind, and what tells it from others of its kind."""

    kind: str
    detail: str


def account_name(account: str, language: Language, names: Mapping[str, str]) -> str:
    """An account of the ledger as readers know it.

    ``names`` are those of wallets' holders by wallet id, and of operators and treasuries by code where the
    rulebook's will not do.
    """
    return full_name(place_of(account), language, names)


def place_of(account: str) -> Place:
    """Where the money of an account of the chart is."""
    kind, _, rest = account.partition(":")
    if kind not in KINDS:
        return Place("", account)
    if kind == "lien":
        return Place(kind, "")
    return Place(kind, rest.rpartition(":")[0] if kind == "collection" else rest)


def place_order(place: Place) -> tuple[int, int, str]:
    """What places are sorted by: the way of money, and budget levels from the top."""
    level = place.detail.rpartition(":")[2]
    return (
        _ORDER.index(place.kind),
        chart.LEVELS.index(level) if level in chart.LEVELS else -1,
        place.detail,
    )


def short_name(place: Place, language: Language) -> str:
    """What places of its kind are called, and which budget level it is."""
    kind = KINDS[place.kind]
    name = said((kind.en, kind.zh), language)
    level = LEVEL_NAMES.get(place.detail.rpartition(":")[2]) if place.kind == "revenue" else None
    if level is None:
        return name
    return f"{name}：{said(level, language)}" if language == "zh" else f"{name}: {said(level, language)}"


def detail_of(place: Place, language: Language, names: Mapping[str, str]) -> str:
    """What tells a place from others of its kind: its holder, operator or treasury."""
    codes = place.detail.split(":")
    if place.kind == "revenue":
        del codes[1:]  # the level is part of the name
    of_scheme = _scheme_names(language)
    return " · ".join(names.get(code) or of_scheme.get(code, code) for code in codes)


@cache
def _scheme_names(language: Language) -> Mapping[str, str]:
    """The operators and the treasury of the rulebook by code, as short as they are still understood.

    In English operators go by their code, and the treasury without what stands before its comma.
    """
    scheme = PACKAGE.scheme
    if language == "en":
        return {scheme.treasury.code: scheme.treasury.name_en.rpartition(", ")[2]}
    return {one.code: one.name_zh for one in scheme.operators} | {
        scheme.treasury.code: scheme.treasury.name_zh
    }


def full_name(place: Place, language: Language, names: Mapping[str, str]) -> str:
    """Both in one: the kind, and which of its kind."""
    detail = detail_of(place, language, names)
    name = short_name(place, language)
    if not detail:
        return name
    return f"{name}（{detail}）" if language == "zh" else f"{name} ({detail})"
