"""An operator that is not reached: answers get lost, and reconciliation finds out what became of the money.

A company pays two taxes while its operator's line is down.  One debit was done and the answer got lost: the
money goes back, and the tax is paid again.  The other reached nobody, though the treasury has it as paid: it
is debited now, under the number that the payer was told.  In the end both payments stand, each once.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

from ecny_tax.errors import EcnyTaxError
from ecny_tax.money import Fen, yuan
from ecny_tax.payments.model import Payment
from ecny_tax.reconciliation.model import Reconciliation
from ecny_tax.sandbox import Sandbox
from ecny_tax.scenarios.heshan import COMPANY, COMPANY_ID
from ecny_tax.scenarios.story import Step, Story, grouped
from ecny_tax.taxes.model import Bill

_COMPANY, _OPERATOR, _TREASURY = (
    ("the company", "公司"),
    ("the operator", "运营机构"),
    ("the treasury", "国库"),
)


def outage(s: Sandbox) -> Iterator[Step]:
    """Play the story on a fresh sandbox whose clock stands still; yields each step as it ends."""
    story = Story()
    wallet = story.do(
        lambda: s.wallets.open(
            kind="corporate", name=COMPANY, id_number=COMPANY_ID, operator="ICBC", fund=yuan(20000)
        )
    )
    s.agreements.sign(wallet_id=wallet.wallet_id)
    yield story.step(
        ("Open a corporate wallet at ICBC, and sign the agreement", "在工商银行开立对公钱包并签订三方协议"),
        _COMPANY,
        (f"{grouped(wallet.balance)} yuan in the wallet", f"钱包余额 {grouped(wallet.balance)} 元"),
        moved=(
            f"bank deposit → wallet {grouped(wallet.balance)}",
            f"银行存款 → 钱包 {grouped(wallet.balance)}",
        ),
        fee=Fen(0),
    )
    first, second = (
        s.taxes.declare_stamp_duty(wallet_id=wallet.wallet_id, item="sale_contract", base=yuan(base))
        for base in (10_000_000, 20_000_000)
    )

    lost = yield from _in_doubt(s, story, first, "answer_lost")
    yield story.step(
        ("The operator had debited the wallet; only its answer got lost", "运营机构已扣款，只是回执丢失"),
        _OPERATOR,
        (
            f"{_held(s, wallet.wallet_id)} yuan are left, and the treasury knows nothing of debit {lost}",
            f"余额 {_held(s, wallet.wallet_id)} 元，国库没有扣款 {lost} 的记录",
        ),
        moved=(
            f"wallet → collection account {grouped(first.amount)}",
            f"钱包 → 待报解预算收入 {grouped(first.amount)}",
        ),
        fee=Fen(0),
    )
    refusal = story.refusal("bill_in_doubt", lambda: s.payments.pay(bill_no=first.bill_no))
    yield story.refused(("Pay the same bill by another way", "另行缴纳同一凭证"), _COMPANY, refusal)
    unheard = yield from _in_doubt(s, story, second, "operator_outage")

    mended = yield from _reconciled(s, story)

    again = story.do(lambda: _pay(s, first))
    yield story.step(
        ("What was given back is paid again, with the same key", "退回的税款以同一幂等键再次缴纳"),
        _COMPANY,
        (
            f"payment {again.payment_no} settled; receipt {again.receipt_no}",
            f"缴款 {again.payment_no} 已结算；电子税票号 {again.receipt_no}",
        ),
        moved=(
            f"wallet → collection account {grouped(again.amount)}",
            f"钱包 → 待报解预算收入 {grouped(again.amount)}",
        ),
        fee=again.fee,
    )
    told = s.payments.show(payment_no=unheard)
    found = story.do(s.ledger.verify)
    day = s.clock.now().date()
    stands = (
        found.ok
        and s.reconciliation.reconcile(entrust_date=day).ok
        and (again.status, told.status) == ("settled", "settled")
        and [one.outcome for one in sorted(mended.mends, key=lambda one: one.payment_no != lost)]
        == ["given_back", "debited"]
        and s.wallets.show(wallet_id=wallet.wallet_id).balance
        == wallet.balance - first.amount - second.amount
    )
    if not stands:
        raise AssertionError("the story does not hold")
    yield story.step(
        ("Verify the ledger: both payments stand, each once", "核验账本：两笔缴款均成立，且各只一次"),
        ("anybody", "任何人"),
        (
            f"{found.transfers} transfers, {len(found.checks)} checks, all promises hold",
            f"{found.transfers} 笔转账，{len(found.checks)} 项核验，全部承诺成立",
        ),
    )


def _pay(s: Sandbox, bill: Bill) -> Payment:
    return s.payments.pay(bill_no=bill.bill_no, idempotency_key=f"pay {bill.bill_no}")


def _in_doubt(s: Sandbox, story: Story, bill: Bill, kind: str) -> Generator[Step, None, str]:
    """Pay while the line is down; answers the number of the debit that nobody knows the outcome of."""
    s.reconciliation.order_failure(kind=kind, operator="ICBC")
    refusal: EcnyTaxError = story.refusal("payment_outcome_unknown", lambda: _pay(s, bill))
    yield story.refused(
        (f"Pay {grouped(bill.amount)} yuan: no answer comes", f"缴纳 {grouped(bill.amount)} 元：没有回执"),
        _COMPANY,
        refusal,
    )
    return str(refusal.values["payment_no"])


def _reconciled(s: Sandbox, story: Story) -> Generator[Step, None, Reconciliation]:
    """Compare the books of the day, and mend what differs."""
    day = s.clock.now().date()
    found = story.do(lambda: s.reconciliation.reconcile(entrust_date=day))
    yield story.step(
        (
            "Reconcile the day: the books of treasury and operator differ",
            "日终对账：国库与运营机构记录不一致",
        ),
        _TREASURY,
        (
            f"{len(found.differences)} differences: what moved, and what should have, is known now",
            f"{len(found.differences)} 处差异：实际扣款与应扣款均已查明",
        ),
    )
    mended = story.do(lambda: s.reconciliation.mend(entrust_date=day, idempotency_key=f"mend {day}"))
    back, now = (
        sum(one.amount for one in mended.mends if one.outcome == outcome)
        for outcome in ("given_back", "debited")
    )
    yield story.step(
        ("Mend them: one debit goes back, the other is done now", "调账：一笔退回，一笔补扣"),
        _TREASURY,
        (
            f"{grouped(back)} yuan back in the wallet; {grouped(now)} yuan debited under the number told",
            f"{grouped(back)} 元退回钱包；{grouped(now)} 元按原编号补扣",
        ),
        moved=(
            f"collection account → wallet {grouped(back)}; wallet → collection account {grouped(now)}",
            f"待报解预算收入 → 钱包 {grouped(back)}；钱包 → 待报解预算收入 {grouped(now)}",
        ),
        fee=Fen(0),
    )
    return mended


def _held(s: Sandbox, wallet_id: str) -> str:
    return grouped(s.wallets.show(wallet_id=wallet_id).balance)
