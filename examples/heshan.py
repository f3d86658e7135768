"""Heshan (鹤山), 20 April 2023: a company pays stamp duty and a citizen gets a refund, in digital RMB.

Everything is simulated, in memory; the identity numbers and incomes are made up.
全部为内存中的模拟；证件号和收入均为虚构。
"""

from datetime import datetime

from ecny_tax import BEIJING, AnnualReturn, FixedClock, RejectedError, Sandbox, yuan, yuan_text


def say(english: str, chinese: str) -> None:
    print(english, chinese, sep="\n", end="\n\n")


with Sandbox.open(clock=FixedClock(datetime(2023, 4, 20, 10, tzinfo=BEIJING)), seed="class") as s:
    # A lighting company opens a wallet at ICBC and changes 20,000 yuan of deposits into e-CNY.
    company = s.wallets.open(
        kind="corporate",
        name="广东弘明智能照明科技有限公司",
        id_number="91440784MA00DEM06F",
        operator="ICBC",
        fund=yuan("20000.00"),
    )
    held = yuan_text(company.balance)
    say(f"The company's wallet holds {held} yuan.", f"公司钱包余额 {held} 元。")

    # Company, tax authority and operator sign one document; then the operator checks it.
    agreement = s.agreements.sign(wallet_id=company.wallet_id)
    say(f"The three-party agreement is {agreement.status}.", "三方协议已签订，验证通过。")

    # A sales contract of 56,666,666.67 yuan is taxed at 0.03 %.
    payment = s.payments.pay_stamp_duty(
        wallet_id=company.wallet_id, item="sale_contract", base=yuan("56666666.67")
    )
    paid, fee, left = (yuan_text(x) for x in (payment.amount, payment.fee, payment.balance_after))
    say(
        f"Stamp duty of {paid} yuan is {payment.status}; the fee is {fee}; {left} are left.",
        f"印花税 {paid} 元，支付即结算；手续费 {fee} 元；余额 {left} 元。",
    )

    # Paying the same bill again is refused, and moves nothing.
    try:
        s.payments.pay(bill_no=payment.bill_no)
    except RejectedError as refusal:
        say(f"Again? Refused: {refusal.code}.", f"再缴一次？被拒绝：{refusal.code}。")

    # Mr Liang paid 3,000 yuan of income tax in 2022, but owed less.
    liang = s.wallets.open(
        kind="personal", name="梁先生", id_number="440784198501010017", phone="13800000000", operator="BOC"
    )
    annual_return = AnnualReturn(
        tax_year=2022,
        wages=yuan("150000.00"),
        social=yuan("18000.00"),
        sad=yuan("24000.00"),
        withheld=yuan("3000.00"),
    )
    refund = s.refunds.apply_for_income_tax(wallet_id=liang.wallet_id, annual_return=annual_return)
    back = yuan_text(refund.amount)
    say(f"Mr Liang's refund of {back} yuan is {refund.status}.", f"梁先生的退税 {back} 元已到账。")

    # Anybody can derive every balance anew from the journal.
    books = s.ledger.verify()
    say(
        f"The books verify: {books.ok} ({books.transfers} transfers).",
        f"账本核验：{'通过' if books.ok else '不通过'}（{books.transfers} 笔转账）。",
    )
