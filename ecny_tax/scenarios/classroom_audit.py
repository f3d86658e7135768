"""What a class does to see what has become of everything: day-end, a trace under law, verification."""

from __future__ import annotations

from datetime import timedelta

from ecny_tax.clock import day_begins
from ecny_tax.scenarios.classroom_model import Actor
from ecny_tax.scenarios.classroom_stage import Stage, Talk, Told, assumed
from ecny_tax.scenarios.story import grouped

_MORNING = timedelta(hours=9)
_ISSUER, _CASE = "public_security:PS440784", "鹤公（经）字〔2023〕1号（虚构）"
_DEPTH = 3

_OPERATOR, _TREASURY, _CENTRAL_BANK, _POLICE = (
    Actor.OPERATOR,
    Actor.TREASURY,
    Actor.CENTRAL_BANK,
    Actor.POLICE,
)

# --- 日终报解 -------------------------------------------------------------------------------------------

_CLOSE = assumed(
    _TREASURY,
    _OPERATOR,
    ("the day {day} is over: hand in what was collected", "{day} 日终：请报解当日所收税款"),
)
_CLOSED = (
    assumed(_OPERATOR, _TREASURY, ("{collected} yuan were collected", "当日代收 {collected} 元")),
    assumed(
        _TREASURY,
        _CENTRAL_BANK,
        (
            "{collected} yuan of e-CNY go back to issuance, and the budget levels are credited",
            "数字人民币 {collected} 元回笼发行库，分级次入库",
        ),
    ),
)


def close_day(stage: Stage, talk: Talk) -> Told:
    day = stage.clock.now().date()
    stage.clock.at = day_begins(day + timedelta(days=1)) + _MORNING
    talk.say(_CLOSE, day=day)
    closing = stage.s.treasury.close(day=day)
    stage.closing = closing
    collected = grouped(closing.collected)
    talk.say(*_CLOSED, collected=collected)
    return (
        f"It is the next morning; {day} is closed: {collected} yuan shared among the budget levels.",
        f"已到次日上午；{day} 已报解：{collected} 元按预算级次划分。",
    )


# --- 依法追踪 -------------------------------------------------------------------------------------------

_ORDERS = assumed(
    _POLICE,
    _OPERATOR,
    (
        "legal instrument {number}: where did the money of wallet {wallet} go?",
        "法律文书 {number}：查询钱包 {wallet} 的资金去向",
    ),
)
_TRACED = assumed(
    _OPERATOR,
    _POLICE,
    (
        "{nodes} accounts, {edges} transfers; no name, since the instrument opens none",
        "账户 {nodes} 个，转账 {edges} 笔；文书未授权查询身份，不含姓名",
    ),
)


def trace(stage: Stage, talk: Talk) -> Told:
    now = stage.clock.now()
    order = stage.s.oversight.issue_instrument(
        issuer=_ISSUER,
        case_no=_CASE,
        kind="trace",
        wallets=(stage.company_wallet,),
        window_from=now - timedelta(days=180),
        window_to=now,
        depth=_DEPTH,
        expires_at=now + timedelta(days=1),
    )
    number = stage.s.oversight.read_instrument(instrument=order).instrument.instrument_no
    talk.say(_ORDERS, number=number, wallet=stage.company_wallet)
    found = stage.s.oversight.trace(wallet_id=stage.company_wallet, instrument=order, direction="down")
    stage.trace = found
    talk.say(_TRACED, nodes=len(found.nodes), edges=len(found.edges))
    return (
        "The instrument shows where the money went, and nobody's name; the access log keeps who asked.",
        "文书只查得资金去向，不含姓名；查阅日志记下了谁查过。",
    )


# --- 核验账本 -------------------------------------------------------------------------------------------


def verify(stage: Stage, _talk: Talk) -> Told:
    found = stage.s.ledger.verify()
    stage.verification = found
    checks = len(found.checks)
    if not found.ok:
        return (
            f"{found.transfers} transfers, {checks} checks: NOT every promise holds.",
            f"{found.transfers} 笔转账，{checks} 项核验：并非全部承诺成立。",
        )
    return (
        f"{found.transfers} transfers, {checks} checks: every promise holds.",
        f"{found.transfers} 笔转账，{checks} 项核验：全部承诺成立。",
    )
