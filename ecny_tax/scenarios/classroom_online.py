"""What a class does where there is a network: agreement, payment, refund, day-end, trace, verification."""

from __future__ import annotations

from datetime import timedelta

from ecny_tax.clock import day_begins
from ecny_tax.money import yuan
from ecny_tax.scenarios.classroom_model import Actor
from ecny_tax.scenarios.classroom_stage import PERSON, Stage, Talk, Told, assumed, numbered
from ecny_tax.scenarios.story import grouped
from ecny_tax.taxes.income_tax import AnnualReturn

#: The sales contract of the story: 17,000 yuan of stamp duty.
_BASE = yuan("56666666.67")
_ANNUAL_RETURN = AnnualReturn(
    tax_year=2022, wages=yuan(150000), social=yuan(18000), sad=yuan(24000), withheld=yuan(3000)
)
_MORNING = timedelta(hours=9)
_ISSUER, _CASE = "public_security:PS440784", "鹤公（经）字〔2023〕1号（虚构）"
_DEPTH = 3

COMPANY, AUTHORITY, OPERATOR = Actor.COMPANY, Actor.AUTHORITY, Actor.OPERATOR
CITIZEN, TREASURY, CENTRAL_BANK, POLICE = Actor.PERSON, Actor.TREASURY, Actor.CENTRAL_BANK, Actor.POLICE

# --- 签约 -----------------------------------------------------------------------------------------------

_SIGNS = assumed(
    COMPANY,
    AUTHORITY,
    (
        "{company} enters wallet {wallet} and signs the three-party agreement",
        "{company}填写钱包 {wallet} 并签署三方协议",
    ),
)
_VERIFY = numbered(
    AUTHORITY,
    OPERATOR,
    "9114",
    (
        "verify this agreement: its number, the wallet, the taxpayer's name and id",
        "请验证协议：协议书号、钱包、纳税人名称和识别号",
    ),
)
_VERIFIED = (
    numbered(
        OPERATOR,
        AUTHORITY,
        "9115",
        (
            "verified: agreement {agreement}, and the wallet's holder has the taxpayer's name",
            "验证通过：协议书号 {agreement}，钱包户名与纳税人名称一致",
        ),
    ),
    assumed(
        AUTHORITY,
        COMPANY,
        ("agreement {agreement} is in force", "三方协议 {agreement} 已生效"),
    ),
)


def sign(stage: Stage, talk: Talk) -> Told:
    talk.say(_SIGNS, company=stage.company, wallet=stage.company_wallet)
    if stage.agreement is None:  # the authority knows of one that is in force, and asks nobody
        talk.say(_VERIFY)
    agreement = stage.s.agreements.sign(wallet_id=stage.company_wallet)
    stage.agreement = agreement
    talk.say(*_VERIFIED, agreement=agreement.agreement_no)
    return (
        f"Agreement {agreement.agreement_no} has three signatures and is verified.",
        f"三方协议 {agreement.agreement_no} 三方签署完毕，验证通过。",
    )


# --- 缴款 -----------------------------------------------------------------------------------------------

_DECLARES = assumed(
    COMPANY,
    AUTHORITY,
    (
        "declares a sales contract of {base} yuan: {tax} yuan of stamp duty",
        "申报买卖合同 {base} 元：印花税 {tax} 元",
    ),
)
_DEBIT = (
    numbered(
        AUTHORITY,
        TREASURY,
        "1001",
        ("real-time debit of {tax} yuan under agreement {agreement}", "按协议 {agreement} 实时扣税 {tax} 元"),
    ),
    numbered(
        TREASURY,
        OPERATOR,
        "3001",
        ("the link hands the debit on to the wallet's operator", "横向联网将扣税请求转发至钱包所在运营机构"),
    ),
)
_DEBITED = (
    assumed(
        OPERATOR,
        TREASURY,
        (
            "settled: {tax} yuan from the wallet to the collection account",
            "已结算：{tax} 元由钱包划至待报解预算收入",
        ),
    ),
    assumed(TREASURY, AUTHORITY, ("the debit has succeeded", "扣税成功")),
    assumed(
        AUTHORITY,
        COMPANY,
        ("e-tax voucher {receipt}; the receipt is at hand", "电子税票号 {receipt}，可取电子缴款凭证"),
    ),
)
_SCAN = (
    assumed(AUTHORITY, COMPANY, ("shows the bill as a code to scan", "出示缴税二维码")),
    assumed(COMPANY, OPERATOR, ("scans it and orders {tax} yuan to be paid", "扫码并指令支付 {tax} 元")),
)
_SCANNED = (
    assumed(
        OPERATOR,
        AUTHORITY,
        (
            "settled: {tax} yuan from the wallet to the collection account",
            "已结算：{tax} 元由钱包划至待报解预算收入",
        ),
    ),
    assumed(
        OPERATOR,
        COMPANY,
        ("e-tax voucher {receipt}; the receipt is at hand", "电子税票号 {receipt}，可取电子缴款凭证"),
    ),
)


def pay(stage: Stage, talk: Talk) -> Told:
    tax = grouped(stage.s.taxes.quote_stamp_duty(item="sale_contract", base=_BASE).tax)
    agreement = stage.agreement
    talk.say(_DECLARES, base=grouped(_BASE), tax=tax)
    if agreement is not None:
        talk.say(*_DEBIT, tax=tax, agreement=agreement.agreement_no)
    else:
        talk.say(*_SCAN, tax=tax)
    payment = stage.s.payments.pay_stamp_duty(
        wallet_id=stage.company_wallet, item="sale_contract", base=_BASE
    )
    talk.say(*(_SCANNED if agreement is None else _DEBITED), tax=tax, receipt=payment.receipt_no)
    left, fee = grouped(payment.balance_after), grouped(payment.fee)
    if agreement is None:
        return (
            f"Without an agreement, by scan to pay: {tax} yuan, fee {fee}, {left} yuan left.",
            f"未签协议，扫码缴税：{tax} 元，手续费 {fee} 元，余额 {left} 元。",
        )
    return (
        f"Paid and settled at once: {tax} yuan, fee {fee}, {left} yuan left.",
        f"支付即结算：{tax} 元，手续费 {fee} 元，余额 {left} 元。",
    )


# --- 退税 -----------------------------------------------------------------------------------------------

_APPLIES = assumed(
    CITIZEN,
    AUTHORITY,
    (
        "applies for the refund of the 2022 annual settlement: {withheld} yuan were withheld",
        "申请 2022 年度汇算退税：已预缴 {withheld} 元",
    ),
)
_REFUNDED = (
    assumed(
        AUTHORITY,
        TREASURY,
        (
            "review passed: revenue refund voucher over {amount} yuan",
            "税务审核通过：税收收入退还书 {amount} 元",
        ),
    ),
    assumed(
        TREASURY, OPERATOR, ("credit {amount} yuan to wallet {wallet}", "退库 {amount} 元至钱包 {wallet}")
    ),
    assumed(OPERATOR, CITIZEN, ("{amount} yuan have arrived", "到账 {amount} 元")),
)


def refund(stage: Stage, talk: Talk) -> Told:
    talk.say(_APPLIES, withheld=grouped(_ANNUAL_RETURN.withheld))
    paid = stage.s.refunds.apply_for_income_tax(wallet_id=stage.person_wallet, annual_return=_ANNUAL_RETURN)
    stage.refund = paid
    amount = grouped(paid.amount)
    talk.say(*_REFUNDED, amount=amount, wallet=stage.person_wallet)
    return (
        f"Reviewed, paid by the treasury and in the wallet of {PERSON[0]}: {amount} yuan.",
        f"税务审核、国库处理、到账：{PERSON[1]}的钱包收到 {amount} 元。",
    )


# --- 日终报解 -------------------------------------------------------------------------------------------

_CLOSE = assumed(
    TREASURY,
    OPERATOR,
    ("the day {day} is over: hand in what was collected", "{day} 日终：请报解当日所收税款"),
)
_CLOSED = (
    assumed(OPERATOR, TREASURY, ("{collected} yuan were collected", "当日代收 {collected} 元")),
    assumed(
        TREASURY,
        CENTRAL_BANK,
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
    POLICE,
    OPERATOR,
    (
        "legal instrument {number}: where did the money of wallet {wallet} go?",
        "法律文书 {number}：查询钱包 {wallet} 的资金去向",
    ),
)
_TRACED = assumed(
    OPERATOR,
    POLICE,
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
