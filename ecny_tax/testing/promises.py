"""The promises of the ledger as assertions over what a sandbox says of itself, in plain arithmetic.

They are worked out here from accounts and records, apart from the library's own ``ledger verify``, which has
the last word.
"""

from __future__ import annotations

from ecny_tax.sandbox import Sandbox

#: Accounts that may go below zero: where e-CNY comes from, the assumed openings, the world outside.
_UNBOUNDED = ("issuance", "opening", "public:")
#: Accounts whose e-CNY is in circulation: wallets, what platforms hold for them, loads, what is collected.
_CIRCULATING = ("wallet:", "pushed:", "lien:", "collection:")


def check_promises(sandbox: Sandbox) -> None:
    """Raise ``AssertionError``, whose text begins with its number, for the first promise that does not hold.

    I1 to I3 from the accounts, I6 to I8 and I12 from the records, then every check of ``ledger.verify``.
    """
    check_accounts(sandbox)
    check_records(sandbox)
    verification = sandbox.ledger.verify()
    assert verification.ok, [check for check in verification.checks if not check.ok]


def check_accounts(sandbox: Sandbox) -> None:
    """I1 to I3, and that wallets, loads and collection accounts hold all the e-CNY in circulation (I2)."""
    accounts = sandbox.ledger.accounts()
    for asset in sorted({account.asset for account in accounts}):
        total = sum(account.balance for account in accounts if account.asset == asset)
        assert total == 0, f"I1: debits and credits of {asset} differ by {total} fen"
    held = {account.account: account.balance for account in accounts}
    in_circulation = sum(amount for name, amount in held.items() if name.startswith(_CIRCULATING))
    vaults = sum(amount for name, amount in held.items() if name.startswith("vault:"))
    assert -held["issuance"] == in_circulation + vaults == held["backing"], "I2: issued is not what there is"
    for name, amount in held.items():
        assert amount >= 0 or name.startswith(_UNBOUNDED), f"I3: {name} is overdrawn by {-amount} fen"


def check_records(sandbox: Sandbox) -> None:
    """I6 no fee; I7 a bill is settled once; I8 no more comes back than was paid; I12 who signed is named."""
    settled: dict[str, str] = {}
    for payment in sandbox.payments.list():
        assert payment.fee == 0, f"I6: payment {payment.payment_no} bore a fee"
        back = payment.refunded + payment.refund_pending
        back += payment.amount if payment.status == "reversed" else 0
        assert back <= payment.amount, f"I8: of payment {payment.payment_no} more comes back than was paid"
        if payment.status == "settled":
            other = settled.setdefault(payment.bill_no, payment.payment_no)
            assert other == payment.payment_no, f"I7: bill {payment.bill_no} is settled twice"
    years: set[tuple[str, int]] = set()
    for refund in sandbox.refunds.list():
        if refund.tax_year is not None and refund.status == "completed" and not refund.is_correction:
            year = (refund.subject_id, refund.tax_year)
            assert year not in years, f"I8: year {refund.tax_year} of one person is refunded twice"
            years.add(year)
    classes = {wallet.wallet_id: wallet.wallet_class for wallet in sandbox.wallets.list()}
    for agreement in sandbox.agreements.list():
        assert classes[agreement.wallet_id] != "IV", f"I12: {agreement.agreement_no} is of a nameless wallet"
