"""What a class does with the parties of the agreement: sign it, pay under it or by scan, get a refund."""

from __future__ import annotations

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

_COMPANY, _AUTHORITY, _OPERATOR = Actor.COMPANY, Actor.AUTHORITY, Actor.OPERATOR
_CITIZEN, _TREASURY = Actor.PERSON, Actor.TREASURY

# --- 签约 -----------------------------------------------------------------------------------------------

_SIGNS = assumed(
    _COMPANY,
    _AUTHORITY,
    (
        "{company} enters wallet {wallet} and signs the three-party agreement",
        "{company}填写钱包 {wallet} 并签署三方协议",
    ),
)
_VERIFY = numbered(
    _AUTHORITY,
    _OPERATOR,
    "9114",
    (
        "verify this agreement: its number, the wallet, the taxpayer's name and id",
        "请验证协议：协议书号、钱包、纳税人名称和识别号",
    ),
)
_VERIFIED = (
    numbered(
        _OPERATOR,
        _AUTHORITY,
        "9115",
        (
            "verified: agreement {agreement}, and the wallet's holder has the taxpayer's name",
            "验证通过：协议书号 {agreement}，钱包户名与纳税人名称一致",
        ),
    ),
    assumed(
        _AUTHORITY,
        _COMPANY,
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
    _COMPANY,
    _AUTHORITY,
    (
        "declares a sales contract of {base} yuan: {tax} yuan of stamp duty",
        "申报买卖合同 {base} 元：印花税 {tax} 元",
    ),
)
_DEBIT = (
    numbered(
        _AUTHORITY,
        _TREASURY,
        "1001",
        ("real-time debit of {tax} yuan under agreement {agreement}", "按协议 {agreement} 实时扣税 {tax} 元"),
    ),
    numbered(
        _TREASURY,
        _OPERATOR,
        "3001",
        ("the link hands the debit on to the wallet's operator", "横向联网将扣税请求转发至钱包所在运营机构"),
    ),
)
_DEBITED = (
    assumed(
        _OPERATOR,
        _TREASURY,
        (
            "settled: {tax} yuan from the wallet to the collection account",
            "已结算：{tax} 元由钱包划至待报解预算收入",
        ),
    ),
    assumed(_TREASURY, _AUTHORITY, ("the debit has succeeded", "扣税成功")),
    assumed(
        _AUTHORITY,
        _COMPANY,
        ("e-tax voucher {receipt}; the receipt is at hand", "电子税票号 {receipt}，可取电子缴款凭证"),
    ),
)
_SCAN = (
    assumed(_AUTHORITY, _COMPANY, ("shows the bill as a code to scan", "出示缴税二维码")),
    assumed(_COMPANY, _OPERATOR, ("scans it and orders {tax} yuan to be paid", "扫码并指令支付 {tax} 元")),
)
_SCANNED = (
    assumed(
        _OPERATOR,
        _AUTHORITY,
        (
            "settled: {tax} yuan from the wallet to the collection account",
            "已结算：{tax} 元由钱包划至待报解预算收入",
        ),
    ),
    assumed(
        _OPERATOR,
        _COMPANY,
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
    stage.take_receipt(payment)
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
    _CITIZEN,
    _AUTHORITY,
    (
        "applies for the refund of the 2022 annual settlement: {withheld} yuan were withheld",
        "申请 2022 年度汇算退税：已预缴 {withheld} 元",
    ),
)
_REFUNDED = (
    assumed(
        _AUTHORITY,
        _TREASURY,
        (
            "review passed: revenue refund voucher over {amount} yuan",
            "税务审核通过：税收收入退还书 {amount} 元",
        ),
    ),
    assumed(
        _TREASURY, _OPERATOR, ("credit {amount} yuan to wallet {wallet}", "退库 {amount} 元至钱包 {wallet}")
    ),
    assumed(_OPERATOR, _CITIZEN, ("{amount} yuan have arrived", "到账 {amount} 元")),
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
