"""What the tests of this room share: a debit that an ordered failure struck, and what was found about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from ecny_tax import Fen, Sandbox, UnavailableError
from ecny_tax.payments.model import Payment
from ecny_tax.reconciliation.model import Difference, Reconciliation
from ecny_tax.wallets.model import Wallet
from tests.support import START, collected, corporate, judged, owe

DAY = START.date()
#: What each failure leaves: its class, what of the amount has left the wallet, the proposed mend.
LEAVES: dict[str, tuple[int, int, str | None]] = {
    "answer_lost": (6, 1, "give_back"),
    "answer_late": (5, 1, "give_back"),
    "delivered_twice": (2, 2, "give_back"),
    "operator_outage": (4, 0, "debit_now"),
    "operator_rollback": (3, 0, "debit_now"),
    "both_failed": (7, 0, None),
}
IN_DOUBT = [kind for kind in LEAVES if kind not in ("delivered_twice", "both_failed")]
RETURNED, DEBITED = ("answer_lost", "answer_late"), ("operator_outage", "operator_rollback")


@dataclass(frozen=True)
class Struck:
    """A wallet that held 1,000 fen, and its bill of 100 whose debit was struck."""

    s: Sandbox
    wallet: Wallet
    bill_no: str

    @property
    def held(self) -> int:
        return self.s.wallets.show(wallet_id=self.wallet.wallet_id).balance

    @property
    def bill_status(self) -> str:
        return self.s.taxes.bill(bill_no=self.bill_no).status

    @property
    def in_doubt(self) -> str | None:
        return self.s.taxes.bill(bill_no=self.bill_no).in_doubt

    @property
    def collected(self) -> int:
        return collected(self.s).get(f"{self.wallet.operator}:1907840000", 0)

    def pay(self, **wishes: Any) -> Payment:
        return self.s.payments.pay(bill_no=self.bill_no, wallet_id=self.wallet.wallet_id, **wishes)


def struck(s: Sandbox, kind: str, wallet: Wallet | None = None, **wishes: Any) -> Struck:
    """Order a failure and let it strike a debit of 100 fen."""
    wallet = wallet or corporate(s, fund=Fen(1_000))
    found = Struck(s, wallet, owe(s, wallet, 100).bill_no)
    s.reconciliation.order_failure(kind=kind, wallet_id=wallet.wallet_id)
    if kind == "delivered_twice":
        assert found.pay(**wishes).status == "settled"
    else:
        with pytest.raises(UnavailableError) as caught:
            found.pay(**wishes)
        judged(caught.value, "payment_outcome_unknown")
        assert caught.value.values["bill_no"] == found.bill_no
    verified(s)
    return found


def verified(s: Sandbox) -> None:
    found = s.ledger.verify()
    assert found.ok, [check for check in found.checks if not check.ok]
    assert s.payments.check_authorisations().ok


def compared(s: Sandbox, day: date = DAY, **wishes: Any) -> Reconciliation:
    return s.reconciliation.reconcile(entrust_date=day, **wishes)


def mended(s: Sandbox, day: date = DAY, **wishes: Any) -> Reconciliation:
    found = s.reconciliation.mend(entrust_date=day, **wishes)
    verified(s)
    return found


def only(found: Reconciliation) -> Difference:
    (difference,) = found.differences
    return difference


def counts(found: Reconciliation) -> dict[int, int]:
    """Class → count, without those that are empty."""
    return {one.pair_class: one.count for one in found.classes if one.count}
