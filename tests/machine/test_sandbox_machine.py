"""The whole sandbox against a model in plain dictionaries, in runs of random commands.

Before every command the model says what must come of it: success, an answer given before, or one refusal
code.  After every command all records equal the model's and the promises hold; they are checked here from
the accounts and the journal, independently of the library's own verification, which has the last word.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from ecny_tax import Fen
from tests.machine.harness import SIXTEEN, authorities, keys, manual, person, when
from tests.machine.model import LIMITS
from tests.machine.paying import PayingRules
from tests.support import AUTHORITY, due_of, dump, hold, person_name, refund_of

#: What a run may do without (swarm testing: runs that lack something go further in the rest).
SWITCHES = (
    "cash_out",
    "transfer",
    "flag",
    "close",
    "upgrade",
    "sign",
    "agreement",
    "cancel",
    "scan",
    "debit",
    "stamp_duty",
    "reverse",
    "refund_year",
    "refund_payment",
    "review",
    "retry",
    "clock",
    "interest",
    "nameless",
    "corporate",
    "close_day",
    "reopen",
)
sums = st.sampled_from([1, 3_00, 999_99, 2_000_00, 2_000_01, 4_999_99, 5_000_00, 5_000_01, 12_000_00])


class SandboxMachine(PayingRules):
    """On a database in memory."""

    @initialize(
        off=st.sets(st.sampled_from(SWITCHES), max_size=12),
        most=st.sampled_from([2, 2, 3, 4, 9]),
        hour=st.sampled_from([0, 10, 23]),
        year=st.sampled_from([2023, 2023, 2026]),
        furnished=st.booleans(),
        wallet_class=st.sampled_from(["II", "III"]),
        bill=sums,
    )
    def begin(
        self,
        off: set[str],
        most: int,
        hour: int,
        year: int,
        furnished: bool,
        wallet_class: str,
        bill: int,
    ) -> None:
        """Half of the runs start where taxes can be paid and set off at once, a third where wallets earn."""
        self.on, self.most = set(SWITCHES) - off, most
        self.start(hour=hour, year=year)
        if furnished:
            self._open("corporate", "ICBC", 1, Fen(20_000_00))
            self._open(wallet_class, "BOC", 1, Fen(9_000_00))
            for w in list(self.model.wallets):
                self._sign(w, AUTHORITY, "")
                self._declare(w, bill, AUTHORITY)

    # --- wallets ----------------------------------------------------------------------------------------

    @precondition(lambda self: self.open_wallets() < self.most)
    @rule(
        data=st.data(),
        kind=st.sampled_from(["II", "III", "I", "II", "IV", "corporate"]),
        operator=st.sampled_from(["ICBC", "ICBC", "BOC"]),
        other_name=st.sampled_from([False, False, False, True]),
        key=keys,
    )
    def open_wallet(self, data: Any, kind: str, operator: str, other_name: bool, key: str | None) -> None:
        if kind == "IV":
            kind = kind if "nameless" in self.on else "II"
        if kind == "corporate":
            kind = kind if "corporate" in self.on else "II"
        edge = LIMITS.get(kind, LIMITS[None])[0] or 20_000_00
        fund = data.draw(
            st.sampled_from([None, edge // 2, edge // 2, edge - 1, edge, edge + 1]), label="fund"
        )
        n = data.draw(st.sampled_from([1, 1, 2] if kind == "corporate" else [1, 1, 2, 3]), label="who")
        self._open(kind, operator, n, fund, other_name=other_name, key=key)

    @when(shelf="wallets")
    @rule(data=st.data(), key=keys)
    def top_up(self, data: Any, key: str | None) -> None:
        w = self.pick(data, "wallets")
        self._exchange(w, self.amount(data, w), "top_up", key)

    @when("cash_out", "wallets")
    @rule(data=st.data(), key=keys)
    def cash_out(self, data: Any, key: str | None) -> None:
        w = self.pick(data, "wallets")
        self._exchange(w, self.amount(data, w), "cash_out", key)

    @when("transfer", "wallets")
    @rule(data=st.data(), key=keys)
    def transfer(self, data: Any, key: str | None) -> None:
        a = self.pick(data, "wallets")
        b = self.pick(data, "wallets", but=data.draw(st.sampled_from([a, a, a, None])))
        amount = self.amount(data, data.draw(st.sampled_from([a, a, b])))
        self.run(
            lambda: self.model.transfer(a, b, amount, key=key),
            lambda: self.s.wallets.transfer(
                from_wallet=self.no(a), to_wallet=self.no(b), amount=amount, idempotency_key=key
            ),
            key=key,
            actor=a,
        )

    @when("flag", "wallets")
    @rule(
        data=st.data(), what=st.sampled_from(["stop", "freeze", "resume", "unfreeze", "resume", "unfreeze"])
    )
    def flag(self, data: Any, what: str) -> None:
        w = self.pick(data, "wallets")
        self.run(
            lambda: self.model.flag(w, what=what), lambda: hold(self.s, what, self.no(w) or ""), logged=True
        )

    @precondition(lambda self: "close" in self.on and self.open_wallets() > 1)
    @rule(data=st.data(), empty_first=st.booleans())
    def close(self, data: Any, empty_first: bool) -> None:
        w = self.pick(data, "wallets")
        held = Fen(self.model.wallets[w]["balance"])
        if empty_first and held:
            self._exchange(w, held, "cash_out", None)
        self.run(lambda: self.model.close(w), lambda: self.s.wallets.close(wallet_id=self.no(w)))

    @when("upgrade", "wallets")
    @rule(data=st.data(), cls=st.sampled_from(["I", "II", "III"]), n=st.sampled_from([1, 2, 3]))
    def upgrade(self, data: Any, cls: str, n: int) -> None:
        w = self.pick(data, "wallets")
        nameless = self.model.wallets[w]["class"] == "IV"
        acting = (self.model.wallets[w]["subject"], f"person {n}")
        if nameless and any(actor in acting for _operation, actor, _key in self.model.answered):
            return  # what becomes of a phone's keys when it gets a name is proved elsewhere
        young = n == 3 and self.model.now.date() < SIXTEEN
        facts = {"subject": f"person {n}", "name": person_name(n), "too_young": young}
        wishes = {"name": person_name(n), "id_number": person(n)} if nameless else {}
        done = self.run(
            lambda: self.model.upgrade(w, cls, **facts),
            lambda: self.s.wallets.upgrade(wallet_id=self.no(w), wallet_class=cls, **wishes),
        )
        if done and nameless:  # from now on the person acts, no longer the phone
            self.keyed_calls = [call for call in self.keyed_calls if call[2] != w]

    @when("interest", "wallets")
    @rule(months=st.sampled_from([0, 1, 3, 3, 3]))
    def credit_interest(self, months: int) -> None:
        """Also after a while, in years in which wallets earn."""
        if self.model.now.year >= 2026:
            self._set_the_clock(self.model.now + timedelta(days=31 * months))
        self.run(self.model.credit_interest, self.s.wallets.credit_interest)

    # --- agreements -------------------------------------------------------------------------------------

    @when("sign", "wallets")
    @rule(data=st.data(), authority=authorities, spelling=st.sampled_from(["", "", "full-width", "other"]))
    def sign(self, data: Any, authority: str, spelling: str) -> None:
        self._sign(self.pick(data, "wallets"), authority, spelling)

    @when("agreement", "agreements")
    @rule(data=st.data(), what=st.sampled_from(["terminate", "lock", "unlock"]))
    def change_agreement(self, data: Any, what: str) -> None:
        a = self.pick(data, "agreements")
        self.run(
            lambda: self.model.change_agreement(a, what=what),
            lambda: getattr(self.s.agreements, what)(agreement_no=self.no(a)),
        )

    # --- bills and payments -----------------------------------------------------------------------------

    @when(shelf="wallets")
    @rule(data=st.data(), authority=authorities)
    def declare(self, data: Any, authority: str) -> None:
        w = self.pick(data, "wallets")
        amount = data.draw(sums) if data.draw(st.booleans()) else self.amount(data, w)
        self._declare(w, amount, authority)

    @when("refund_year", "wallets")
    @rule(data=st.data(), authority=authorities, amount=st.sampled_from([0, 3_00, 999_99, 1_080_00]))
    def declare_year(self, data: Any, authority: str, amount: int) -> None:
        w, year = self.pick(data, "wallets"), self.year(data)
        wishes = {"wallet_id": self.no(w), "annual_return": due_of(amount, year=year), "authority": authority}
        self.run(
            lambda: self.model.declare(w, amount, authority=authority, year=year),
            lambda: self.s.taxes.declare_income_tax(**wishes),
        )

    def year(self, data: Any) -> int:
        now = self.model.now.year
        return min(2100, max(2019, data.draw(st.sampled_from([now - 1, now - 1, now - 2, now - 4, now]))))

    @when("stamp_duty", "wallets")
    @rule(data=st.data(), key=keys)
    def pay_stamp_duty(self, data: Any, key: str | None) -> None:
        w = self.pick(data, "wallets")
        amount = max(3, self.amount(data, w) // 3 * 3)
        base = Fen(amount * 10_000 // 3)
        wishes = {"wallet_id": self.no(w), "item": "sale_contract", "base": base}
        self.run(
            lambda: self.model.pay_stamp_duty(w, amount, key=key),
            lambda: self.s.payments.pay_stamp_duty(**wishes, idempotency_key=key),
            key=key,
            actor=w,
        )

    # --- refunds ----------------------------------------------------------------------------------------

    @when("refund_year", "wallets")
    @rule(data=st.data(), key=keys, manually=manual)
    def refund_year(self, data: Any, key: str | None, manually: bool) -> None:
        w, year = self.pick(data, "wallets"), self.year(data)
        amount = data.draw(st.sampled_from([0, 1, 12_345_67])) if data.draw(st.booleans()) else None
        amount = self.amount(data, w) if amount is None else amount
        wishes = {"wallet_id": self.no(w), "annual_return": refund_of(amount, year=year)}
        self.run(
            lambda: self.model.refund_year(w, amount, year=year, manual=manually, key=key),
            lambda: self.s.refunds.apply_for_income_tax(
                **wishes, manual_review=manually, idempotency_key=key
            ),
            key=key,
            actor=w,
        )

    # --- the treasury -----------------------------------------------------------------------------------

    @when("close_day")
    @rule(back=st.sampled_from([1, 1, 1, 1, 2, 31, 400, 0, -1]), key=keys)
    def close_the_treasurys_day(self, back: int, key: str | None) -> None:
        day = self.model.now.date() - timedelta(days=back)
        self.run(
            lambda: self.model.close_day(day, key=key),
            lambda: self.s.treasury.close(day=day, idempotency_key=key),
            key=key,
        )


class SandboxOnFileMachine(SandboxMachine):
    """On a file, which is closed and opened again between commands."""

    on_file = True

    @when("reopen")
    @rule()
    def reopen(self) -> None:
        self.s.close()
        self.s = self.opened()
        after = dump(self.s)
        for tables in (self.state, after):
            tables.pop("meta")  # it counts how often a seeded run was opened
            tables.pop("log_tile")  # closing seals
            tables.pop("checkpoint")
        assert after == self.state
        assert self.s.ledger.verify().unsealed == 0
        self.check()


TestSandboxInMemory = SandboxMachine.TestCase
TestSandboxInMemory.settings = settings(stateful_step_count=50)
TestSandboxOnFile = SandboxOnFileMachine.TestCase
TestSandboxOnFile.settings = settings(
    max_examples=max(5, settings.default.max_examples // 4), stateful_step_count=50
)
