"""The rules about bills, payments, refunds and the clock that the machines share."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from ecny_tax import BEIJING
from ecny_tax.clock import from_micros
from tests.machine.harness import Harness, keys, manual, when


class PayingRules(Harness):
    """Bills are paid, cancelled and reversed, refunds asked for, reviewed and tried again."""

    @when("cancel", "bills")
    @rule(data=st.data())
    def cancel(self, data: Any) -> None:
        b = self.pick(data, "bills")
        self.run(lambda: self.model.cancel(b), lambda: self.s.taxes.cancel(bill_no=self.no(b)))

    @when("scan", "bills")
    @rule(data=st.data(), key=keys)
    def pay_with_a_wallet(self, data: Any, key: str | None) -> None:
        self._pay(self.pick(data, "bills"), self.pick(data, "wallets"), None, key)

    @when("debit", "bills")
    @rule(data=st.data(), key=keys)
    def pay_under_the_agreement_there_is(self, data: Any, key: str | None) -> None:
        self._pay(self.pick(data, "bills"), None, None, key)

    @precondition(lambda self: "debit" in self.on and self.model.bills and self.model.agreements)
    @rule(data=st.data(), both=st.sampled_from([False, False, False, True]), key=keys)
    def pay_under_an_agreement(self, data: Any, both: bool, key: str | None) -> None:
        w = self.pick(data, "wallets") if both else None
        self._pay(self.pick(data, "bills"), w, self.pick(data, "agreements"), key)

    @when("reverse", "payments")
    @rule(data=st.data(), key=keys)
    def reverse(self, data: Any, key: str | None) -> None:
        p = self.pick(data, "payments")
        self.run(
            lambda: self.model.reverse(p, key=key),
            lambda: self.s.payments.reverse(payment_no=self.no(p), idempotency_key=key),
            key=key,
        )

    @when("refund_payment", "payments")
    @rule(data=st.data(), key=keys, manually=manual)
    def refund_payment(self, data: Any, key: str | None, manually: bool) -> None:
        p = self.pick(data, "payments")
        left = self.model.payments[p]["amount"] - self.model.payments[p]["refunded"]
        amount = data.draw(
            st.sampled_from([None, 1, max(1, left), left + 1, max(1, left - 1)]), label="amount"
        )
        self.run(
            lambda: self.model.refund_payment(p, amount, manual=manually, key=key),
            lambda: self.s.refunds.apply_for_payment(
                payment_no=self.no(p), amount=amount, manual_review=manually, idempotency_key=key
            ),
            key=key,
            actor=self.model.payments[p]["wallet"],
        )

    @when("review", "refunds")
    @rule(data=st.data(), key=keys)
    def approve(self, data: Any, key: str | None) -> None:
        r = self.pick(data, "refunds", "tax_review")
        self.run(
            lambda: self.model.approve(r, key=key),
            lambda: self.s.refunds.approve(refund_no=self.no(r), idempotency_key=key),
            key=key,
        )

    @when("review", "refunds")
    @rule(data=st.data(), what=st.sampled_from(["reject", "withdraw"]))
    def end_refund(self, data: Any, what: str) -> None:
        r = self.pick(data, "refunds")
        self.run(
            lambda: self.model.end(r, what=what), lambda: getattr(self.s.refunds, what)(refund_no=self.no(r))
        )

    @when("review", "refunds")
    @rule(data=st.data(), key=keys, elsewhere=st.booleans())
    def resubmit(self, data: Any, key: str | None, elsewhere: bool) -> None:
        r = self.pick(data, "refunds", "treasury_failed")
        w = self.pick(data, "wallets") if elsewhere else None
        w = None if w == self.model.refunds[r]["wallet"] else w
        self.run(
            lambda: self.model.resubmit(r, w=w, key=key),
            lambda: self.s.refunds.resubmit(refund_no=self.no(r), wallet_id=self.no(w), idempotency_key=key),
            key=key,
        )

    @precondition(lambda self: "retry" in self.on and self.keyed_calls)
    @rule(data=st.data())
    def retry(self, data: Any) -> None:
        """A command that was answered is answered the same; one that was refused is judged anew."""
        place = data.draw(st.integers(0, len(self.keyed_calls) - 1), label="call")
        self.run(*self.keyed_calls[place][:2])

    @when("clock")
    @rule(
        step=st.sampled_from(
            ["second", "hour", "last moment", "midnight", "day", "month", "new year", "3 years"]
        )
    )
    def move_the_clock(self, step: str) -> None:
        now = self.model.now
        midnight = datetime.combine(now.date() + timedelta(days=1), time(0), BEIJING)
        later = {
            "second": now + timedelta(seconds=1),
            "hour": now + timedelta(hours=1),
            "last moment": midnight - timedelta(microseconds=1),
            "midnight": midnight,
            "day": now + timedelta(days=1),
            "month": now + timedelta(days=31),
            "new year": datetime(now.year + 1, 1, 1, tzinfo=BEIJING),
            "3 years": now + timedelta(days=3 * 365),
        }[step]
        self._set_the_clock(max(now, later))

    @when("clock")
    @rule(step=st.sampled_from(["newest transfer", "newest transfer", "too far", "second", "hour", "day"]))
    def set_the_clock_back(self, step: str) -> None:
        """As far as the newest transfer, and no further: what moves no money may come later by the clock."""
        now, newest = self.model.now, from_micros(self.journal[-1][-1])
        earlier = {
            "newest transfer": newest,
            "too far": newest - timedelta(microseconds=1),
            "second": now - timedelta(seconds=1),
            "hour": now - timedelta(hours=1),
            "day": now - timedelta(days=1),
        }[step]
        self._set_the_clock(earlier, refused=earlier < newest)
