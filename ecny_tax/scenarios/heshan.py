"""The story from Heshan (鹤山), Guangdong, spring 2023, on a simulated scheme.

A lighting company signs a three-party agreement for its ICBC corporate wallet and pays 17,000 yuan of stamp
duty, in under three minutes and without fee; Mr Liang (梁先生) receives his 2022 income-tax settlement refund
at once.  Then the refusals worth seeing, and the verification of the books.

All identity numbers are synthetic; the company's base and Mr Liang's incomes are made up to fit the story.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime

from ecny_tax.clock import BEIJING
from ecny_tax.money import Fen, yuan
from ecny_tax.payments.model import Payment
from ecny_tax.sandbox import Sandbox
from ecny_tax.scenarios.story import Step, Story, grouped
from ecny_tax.taxes.income_tax import AnnualReturn

#: When the story happens.
STORY_TIME = datetime(2023, 4, 20, 10, 0, tzinfo=BEIJING)
#: What the press reported as the time from signing to paying, in seconds.
TIME_ALLOWED = 180.0

COMPANY = "广东弘明智能照明科技有限公司"
COMPANY_ID = "91440784MA00DEM06F"
_OTHERCOMPANY_ID = "91440784MA00DEM14A"
_LIANG_ID = "440784198501010017"


def heshan(s: Sandbox) -> Iterator[Step]:
    """Play the story on a fresh sandbox whose clock stands at ``STORY_TIME``; yields each step as it ends."""
    story = Story()
    company, liang, operator = ("the company", "公司"), ("Mr Liang", "梁先生"), ("the operator", "运营机构")

    wallet = story.do(
        lambda: s.wallets.open(
            kind="corporate", name=COMPANY, id_number=COMPANY_ID, operator="ICBC", fund=yuan("20000.00")
        )
    )
    yield story.step(
        ("Open a corporate wallet at ICBC and top it up", "在工商银行开立对公钱包并兑出"),
        company,
        (
            f"wallet {wallet.wallet_id} holds {grouped(wallet.balance)} yuan",
            f"钱包 {wallet.wallet_id} 余额 {grouped(wallet.balance)} 元",
        ),
        moved=(
            f"bank deposit → wallet {grouped(wallet.balance)}",
            f"银行存款 → 钱包 {grouped(wallet.balance)}",
        ),
        fee=Fen(0),
    )

    signing = time.perf_counter()
    agreement = story.do(lambda: s.agreements.sign(wallet_id=wallet.wallet_id))
    yield story.step(
        ("Sign the three-party agreement; the operator verifies it", "签订三方协议，运营机构验证"),
        ("the company, the Heshan tax service and ICBC", "公司、鹤山市税务局、工商银行"),
        (
            f"agreement {agreement.agreement_no}: {agreement.status}, three signatures",
            f"协议书 {agreement.agreement_no}：验证通过，三方签名",
        ),
    )

    base = yuan("56666666.67")
    quote = story.do(lambda: s.taxes.quote_stamp_duty(item="sale_contract", base=base))
    yield story.step(
        ("Compute the stamp duty on a sales contract", "计算买卖合同印花税"),
        company,
        (
            f"{grouped(base)} × {quote.rate} = {grouped(quote.tax)} yuan ({quote.citation})",
            f"{grouped(base)} × {quote.rate} = {grouped(quote.tax)} 元（{quote.citation}）",
        ),
    )

    def pay() -> Payment:
        return s.payments.pay_stamp_duty(
            wallet_id=wallet.wallet_id, item="sale_contract", base=base, idempotency_key="contract-1"
        )

    payment = story.do(pay)
    elapsed = time.perf_counter() - signing
    yield story.step(
        ("Pay: a real-time debit under the agreement", "缴款：协议项下实时扣税"),
        ("the tax service", "税务局"),
        (
            f"settled at once; {grouped(payment.balance_after)} yuan left; {elapsed:.3f} s since the signing"
            f" began, {TIME_ALLOWED:.0f} s allowed; receipt {payment.receipt_no}",
            f"支付即结算；余额 {grouped(payment.balance_after)} 元；自开始签约 {elapsed:.3f} 秒"
            f"（限 {TIME_ALLOWED:.0f} 秒）；电子税票号 {payment.receipt_no}",
        ),
        moved=(
            f"wallet → collection account {grouped(payment.amount)}",
            f"钱包 → 待报解预算收入 {grouped(payment.amount)}",
        ),
        fee=payment.fee,
    )

    own = story.do(
        lambda: s.wallets.open(
            kind="personal",
            wallet_class="II",
            name="梁先生",
            id_number=_LIANG_ID,
            phone="13800000000",
            operator="BOC",
        )
    )
    yield story.step(
        ("Open a class II wallet at the Bank of China", "在中国银行开立二类钱包"),
        liang,
        (f"wallet {own.wallet_id}, empty", f"钱包 {own.wallet_id}，余额为零"),
    )

    annual_return = AnnualReturn(
        tax_year=2022, wages=yuan(150000), social=yuan(18000), sad=yuan(24000), withheld=yuan(3000)
    )
    refund = story.do(
        lambda: s.refunds.apply_for_income_tax(wallet_id=own.wallet_id, annual_return=annual_return)
    )
    yield story.step(
        ("Apply for the 2022 income-tax settlement refund", "申请 2022 年度个人所得税汇算退税"),
        liang,
        (
            f"{' → '.join(event.status for event in refund.history)};"
            f" {grouped(refund.balance_after or 0)} yuan in the wallet",
            f"税务审核 → 国库处理 → 完成；钱包余额 {grouped(refund.balance_after or 0)} 元",
        ),
        moved=(f"treasury → wallet {grouped(refund.amount)}", f"国库 → 钱包 {grouped(refund.amount)}"),
        fee=Fen(0),
    )

    yield from _refusals(s, story, wallet.wallet_id, payment.bill_no, operator)

    again = story.do(pay)
    yield story.step(
        ("Send the first payment again with its key", "用同一幂等键重发第一笔缴款"),
        company,
        (
            f"answered from the first run: {'yes' if again == payment else 'no'}; nothing moved",
            f"按第一次的结果应答：{'是' if again == payment else '否'}；未移动任何资金",
        ),
    )

    found = story.do(s.ledger.verify)
    if not found.ok or again != payment or elapsed > TIME_ALLOWED:
        raise AssertionError("the story does not hold")
    yield story.step(
        ("Verify the ledger", "核验账本"),
        ("anybody", "任何人"),
        (
            f"{found.transfers} transfers, {len(found.checks)} checks, all promises hold",
            f"{found.transfers} 笔转账，{len(found.checks)} 项核验，全部承诺成立",
        ),
    )


def _refusals(
    s: Sandbox, story: Story, wallet_id: str, bill_no: str, operator: tuple[str, str]
) -> Iterator[Step]:
    other = s.wallets.open(
        kind="corporate", name="甲公司", id_number=_OTHERCOMPANY_ID, operator="CCB", fund=yuan(100)
    ).wallet_id
    refusal = story.refusal(
        "agreement_name_mismatch", lambda: s.agreements.sign(wallet_id=other, taxpayer_name="乙公司")
    )
    yield story.refused(("Sign for a taxpayer of another name", "以不同名称的纳税人签约"), operator, refusal)

    nameless = s.wallets.open(kind="personal", phone="13900000000", operator="ICBC").wallet_id
    refusal = story.refusal("wallet_without_name", lambda: s.agreements.sign(wallet_id=nameless))
    yield story.refused(("Sign with a class IV wallet", "用四类（匿名）钱包签约"), operator, refusal)

    refusal = story.refusal(
        "insufficient_funds",
        lambda: s.payments.pay_stamp_duty(
            wallet_id=wallet_id, item="sale_contract", base=yuan("56666666.67")
        ),
    )
    yield story.refused(("Pay more than the wallet holds", "缴款超过余额"), operator, refusal)

    refusal = story.refusal("bill_already_paid", lambda: s.payments.pay(bill_no=bill_no))
    yield story.refused(
        ("Pay the same bill twice", "重复缴纳同一凭证"), ("the tax service", "税务局"), refusal
    )
