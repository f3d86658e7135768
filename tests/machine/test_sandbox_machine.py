"""The whole sandbox against a model in plain dictionaries, in runs of random commands.

Before every command the model says what must come of it: success, an answer given before, or one refusal
code.  After every command all records equal the model's and the promises hold; they are checked here from
the accounts and the journal, independently of the library's own verification, which has the last word.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from ecny_tax import BEIJING, EcnyTaxError, Fen, FixedClock, Sandbox
from tests.machine.model import LIMITS, Model, Refused, Replayed
from tests.support import (
    AUTHORITY,
    START,
    company_id,
    company_name,
    due_of,
    dump,
    judged,
    person_id,
    person_name,
    phone_number,
    refund_of,
)

OTHER_AUTHORITY = "14407030000"
#: The third person turns sixteen on this day.
SIXTEEN = date(2024, 5, 1)
BORN = {1: date(1990, 1, 1), 2: date(1958, 12, 31), 3: date(2008, 5, 1)}
NUMBER = {"W": "wallet_id", "A": "agreement_no", "B": "bill_no", "P": "payment_no", "R": "refund_no"}
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
    "nameless",
    "corporate",
    "reopen",
)
USEFUL = {
    "wallets": (),
    "agreements": ("verified",),
    "bills": ("open",),
    "payments": ("settled",),
    "refunds": ("tax_review", "treasury_failed"),
}
keys = st.sampled_from([None, None, None, "k1", "k2"])
manual = st.booleans()
authorities = st.sampled_from([AUTHORITY, AUTHORITY, OTHER_AUTHORITY])
sums = st.sampled_from([1, 3_00, 999_99, 2_000_00, 2_000_01, 4_999_99, 5_000_00, 5_000_01, 12_000_00])


def when(switch: str | None = None, shelf: str | None = None) -> Callable[..., Any]:
    """The rule runs only where the run has this switch on, and something of that kind exists."""
    return precondition(
        lambda self: (
            (switch is None or switch in self.on) and (shelf is None or bool(getattr(self.model, shelf)))
        )
    )


class SandboxMachine(RuleBasedStateMachine):
    """On a database in memory."""

    on_file = False

    def __init__(self) -> None:
        super().__init__()
        self.on: set[str] = set()
        self.folder: tempfile.TemporaryDirectory[str] | None = None
        self.clock = FixedClock(START)
        self.model = Model(START, AUTHORITY)
        self.numbers: dict[str, str] = {}  # handle of the model -> number in the sandbox
        self.answers: dict[Any, Any] = {}
        self.keyed_calls: list[tuple[Any, Any, str | None]] = []
        self.journal: list[tuple[Any, ...]] = []
        self.fold: dict[int, list[int]] = {}

    @initialize(
        off=st.sets(st.sampled_from(SWITCHES), max_size=12),
        most=st.sampled_from([2, 2, 3, 4, 9]),
        hour=st.sampled_from([0, 10, 23]),
        furnished=st.booleans(),
        wallet_class=st.sampled_from(["II", "III"]),
        bill=sums,
    )
    def begin(
        self, off: set[str], most: int, hour: int, furnished: bool, wallet_class: str, bill: int
    ) -> None:
        """Half of the runs start where taxes can be paid and set off at once."""
        self.on, self.most = set(SWITCHES) - off, most
        self.clock.at = self.model.now = START.replace(hour=hour)
        self.folder = tempfile.TemporaryDirectory() if self.on_file else None
        self.path = str(Path(self.folder.name) / "machine.db") if self.folder else ":memory:"
        self.s = Sandbox.open(self.path, clock=self.clock, seed="machine")
        self.s.parties.add_tax_authority(code=OTHER_AUTHORITY, name="虚构税务局")
        self.opening = self.revenue()
        self.check()
        if furnished:
            self._open("corporate", "ICBC", 1, Fen(20_000_00))
            self._open(wallet_class, "BOC", 1, Fen(9_000_00))
            for w in list(self.model.wallets):
                self._sign(w, AUTHORITY, "")
                self._declare(w, bill, AUTHORITY)

    def teardown(self) -> None:
        try:
            if self.on:
                with self.s._store.reading() as tx:
                    assert tx.rows("SELECT * FROM transfer ORDER BY seq") == self.journal, "I5"
        finally:
            if hasattr(self, "s"):
                self.s.close()
            if self.folder is not None:
                self.folder.cleanup()

    # --- one command against the model ------------------------------------------------------------------

    def run(
        self, ask: Callable[[], Any], act: Callable[[], Any], *, key: Any = None, actor: Any = None
    ) -> bool:
        """Whether the command did something; everything it answered is as the model said."""
        if key is not None and len(self.keyed_calls) < 20:
            self.keyed_calls.append((ask, act, actor))
        expected, earlier, handle, answer, refused = None, None, None, None, None
        self.model.keyed = None
        try:
            handle = ask()
        except Refused as refusal:
            expected = refusal
        except Replayed as replayed:
            earlier = replayed.args[0]
        try:
            answer = act()
        except EcnyTaxError as refusal:
            refused = refusal
        if expected is None:
            assert refused is None, f"{refused} where success was expected"
            assert getattr(answer, "fee", 0) == 0, "I6"
        else:
            assert refused is not None, f"{expected.code} was expected"
            judged(refused, expected.code)
            assert refused.values.get("limit") == expected.limit
            if expected.kept:
                handle = expected.kept
                answer = self.s.agreements.show(agreement_no=str(refused.values["agreement_no"]))
        if earlier is not None:
            assert answer == self.answers[earlier]
        if earlier is not None or (expected is not None and expected.kept is None):
            assert dump(self.s) == self.state, "what is refused or repeated changes nothing"
            return False
        if self.model.keyed is not None:
            where, content = self.model.keyed
            self.model.answered[where], self.answers[where] = content, answer
        if handle is not None:
            self.name(handle, answer)
        self.check()
        return True

    def name(self, handle: str, answer: Any) -> None:
        """Note which number the sandbox gave to what the model made, and to the payments of a set-off."""
        self.numbers[handle] = getattr(answer, NUMBER[handle[0]])
        if handle[0] == "P":
            self.numbers.setdefault(self.model.payments[handle]["bill"], answer.bill_no)

    def no(self, handle: str | None) -> str | None:
        return None if handle is None else self.numbers[handle]

    # --- what holds after every command -----------------------------------------------------------------

    def check(self) -> None:
        s, model = self.s, self.model
        wallets = {self.numbers[h]: (w["balance"], w["class"], _status(w)) for h, w in model.wallets.items()}
        assert {w.wallet_id: (w.balance, w.wallet_class, w.status) for w in s.wallets.list()} == wallets
        self._check_records()
        accounts = s.ledger.accounts()
        for asset in ("e-CNY", "deposits"):
            assert sum(account.balance for account in accounts if account.asset == asset) == 0, "I1"
        held = {account.account: account.balance for account in accounts}
        money = {name: amount for name, amount in held.items() if name.startswith(("wallet:", "collection:"))}
        vaults = sum(amount for name, amount in held.items() if name.startswith("vault:"))
        assert -held["issuance"] == sum(money.values()) + vaults == held["backing"], "I2"
        free = ("issuance", "opening", "public:")
        assert all(amount >= 0 for name, amount in held.items() if not name.startswith(free)), "I3"
        owned = {f"wallet:{number}": wallet[0] for number, wallet in wallets.items()}
        taken = {name: amount for name, amount in money.items() if amount and name not in owned}
        assert taken == {f"collection:{o}:1907840000": n for o, n in model.collected.items() if n}, "I6"
        assert self.opening - self.revenue() == model.paid_out
        self._check_journal()
        verification = s.ledger.verify()
        assert verification.ok, [check for check in verification.checks if not check.ok]
        self.state = dump(s)

    def _check_records(self) -> None:
        s, model = self.s, self.model
        payments = s.payments.list()
        for handle, payment in model.payments.items():
            if handle not in self.numbers:  # made by a set-off
                named = set(self.numbers.values())
                bill = self.numbers[payment["bill"]]
                made = [p for p in payments if p.bill_no == bill and p.payment_no not in named]
                assert len(made) == 1
                self.name(handle, made[0])
        bills, settled = {b.bill_no: (b.amount, b.status) for b in s.taxes.bills()}, {}
        assert bills == {self.numbers[h]: (b["amount"], b["status"]) for h, b in model.bills.items()}
        assert {
            p.payment_no: (p.bill_no, p.wallet_id, p.amount, p.mode, p.status, p.refunded + p.refund_pending)
            for p in payments
        } == {
            self.numbers[h]: (
                self.numbers[p["bill"]],
                self.numbers[p["wallet"]],
                p["amount"],
                p["mode"],
                p["status"],
                p["refunded"],
            )
            for h, p in model.payments.items()
        }
        for payment in payments:
            back = (
                payment.refunded
                + payment.refund_pending
                + (payment.amount if payment.status == "reversed" else 0)
            )
            assert back <= payment.amount, "I8"
            if payment.status == "settled":
                assert settled.setdefault(payment.bill_no, payment) is payment, "I7"
        refunds = s.refunds.list()
        assert {r.refund_no: (r.amount, r.status, r.wallet_id) for r in refunds} == {
            self.numbers[h]: (r["amount"], r["status"], self.numbers[r["wallet"]])
            for h, r in model.refunds.items()
        }
        paid = [(r.subject_id, r.tax_year) for r in refunds if r.tax_year and r.status == "completed"]
        assert len(paid) == len(set(paid)), "I8"
        agreements = {a.agreement_no: a.status for a in s.agreements.list()}
        assert agreements == {self.numbers[h]: a["status"] for h, a in model.agreements.items()}
        for agreement in model.agreements.values():
            assert model.wallets[agreement["wallet"]]["class"] != "IV", "I12"
        for wallet in model.wallets.values():
            cap, _single, day, year = LIMITS[wallet["class"]]
            assert cap is None or wallet["balance"] <= cap or wallet["may_exceed"], "I11"
            spent = model.spent(wallet)
            assert all(top is None or n <= top for n, top in zip(spent, (day, year), strict=True)), "I11"

    def _check_journal(self) -> None:
        """Fold what is new in the journal into counters of our own."""
        with self.s._store.reading() as tx:
            new = tx.rows("SELECT * FROM transfer WHERE seq > :last ORDER BY seq", last=len(self.journal))
            stored = tx.rows("SELECT id, debits, credits FROM account")
            count = tx.row("SELECT count(*), count(DISTINCT id) FROM transfer")
        for seq, _id, debit, credit, amount, *_rest in new:
            self.journal.append((seq, _id, debit, credit, amount, *_rest))
            assert seq == len(self.journal), "I5"
            self.fold.setdefault(debit, [0, 0])[0] += amount
            self.fold.setdefault(credit, [0, 0])[1] += amount
        assert {id_: self.fold.get(id_, [0, 0]) for id_, _debits, _credits in stored} == {
            id_: [debits, credits_] for id_, debits, credits_ in stored
        }, "I4"
        assert count == (len(self.journal), len(self.journal)), "I5"

    def open_wallets(self) -> int:
        return sum(not wallet["closed"] for wallet in self.model.wallets.values())

    def revenue(self) -> int:
        return sum(a.balance for a in self.s.ledger.accounts() if a.kind == "treasury_revenue")

    # --- choices ----------------------------------------------------------------------------------------

    def pick(self, data: st.DataObject, shelf: str, *fields: str, but: str | None = None) -> str:
        """A record of that kind, mostly one that can still do something."""
        records = {handle: record for handle, record in getattr(self.model, shelf).items() if handle != but}
        useful = fields or USEFUL[shelf]
        lively = [
            handle
            for handle, record in records.items()
            if record.get("status") in useful or (shelf == "wallets" and not record["closed"])
        ]
        mostly = data.draw(st.sampled_from([True, True, True, True, False]), label="mostly")
        all_there_is = list(records) or [but]
        return data.draw(st.sampled_from(lively if lively and mostly else all_there_is), label=shelf)

    def amount(self, data: st.DataObject, w: str) -> Fen:
        """An amount near what decides about this wallet."""
        wallet = self.model.wallets[w]
        cap, single, day, _year = LIMITS[wallet["class"]]
        edges = [1, 1_000_00, wallet["balance"], single, day and day - self.model.spent(wallet)[0]]
        edges += [cap and cap - wallet["balance"]]
        edge = data.draw(
            st.sampled_from([edge for edge in edges if edge is not None and edge > 0]), label="edge"
        )
        return Fen(max(1, edge + data.draw(st.sampled_from([0, 0, -1, 1]), label="step")))

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

    def _open(
        self,
        kind: str,
        operator: str,
        n: int,
        fund: Fen | None,
        *,
        other_name: bool = False,
        key: str | None = None,
    ) -> None:
        identity: dict[str, Any]
        if kind == "IV":
            subject, identity = f"phone {n}", {"phone": phone_number(n)}
        elif kind == "corporate":
            subject, identity = f"company {n}", {"name": company_name(n), "id_number": company_id(n)}
        else:
            subject, identity = f"person {n}", {"name": person_name(n), "id_number": _person(n)}
        if other_name and kind != "IV":
            identity["name"] = "虚构别名"
        cls = None if kind == "corporate" else kind
        asked = {"kind": "corporate" if cls is None else "personal", "operator": operator, "fund": fund}
        young = subject == "person 3" and self.model.now.date() < SIXTEEN
        facts = {"cls": cls, "subject": subject, "name": identity.get("name"), "too_young": young}
        self.run(
            lambda: self.model.open(**asked, **facts, key=key),
            lambda: self.s.wallets.open(**asked, **identity, wallet_class=cls, idempotency_key=key),
            # a holder's age changes with the clock, and so would the expectation kept for a retry
            key=None if subject == "person 3" else key,
        )

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

    def _exchange(self, w: str, amount: Fen, way: str, key: str | None) -> None:
        self.run(
            lambda: self.model.exchange(w, amount, way=way, key=key),
            lambda: getattr(self.s.wallets, way)(wallet_id=self.no(w), amount=amount, idempotency_key=key),
            key=key,
            actor=w,
        )

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
            lambda: self.model.flag(w, what=what), lambda: getattr(self.s.wallets, what)(wallet_id=self.no(w))
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
        wishes = {"name": person_name(n), "id_number": _person(n)} if nameless else {}
        done = self.run(
            lambda: self.model.upgrade(w, cls, **facts),
            lambda: self.s.wallets.upgrade(wallet_id=self.no(w), wallet_class=cls, **wishes),
        )
        if done and nameless:  # from now on the person acts, no longer the phone
            self.keyed_calls = [call for call in self.keyed_calls if call[2] != w]

    # --- agreements -------------------------------------------------------------------------------------

    @when("sign", "wallets")
    @rule(data=st.data(), authority=authorities, spelling=st.sampled_from(["", "", "full-width", "other"]))
    def sign(self, data: Any, authority: str, spelling: str) -> None:
        self._sign(self.pick(data, "wallets"), authority, spelling)

    def _sign(self, w: str, authority: str, spelling: str) -> None:
        name = self.model.wallets[w]["name"] or ""
        entered = {"": None, "full-width": _full_width(name), "other": f"{name}分"}[spelling]
        wishes = {"wallet_id": self.no(w), "authority": authority}
        self.run(
            lambda: self.model.sign(w, authority, right_name=spelling != "other"),
            lambda: self.s.agreements.sign(**wishes, taxpayer_name=entered),
        )

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

    def _declare(self, w: str, amount: int, authority: str) -> None:
        wishes = {"wallet_id": self.no(w), "code": "10110", "amount": Fen(amount), "authority": authority}
        self.run(
            lambda: self.model.declare(w, amount, authority=authority),
            lambda: self.s.taxes.declare_other(**wishes),
        )

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

    def _pay(self, b: str, w: str | None, a: str | None, key: str | None) -> None:
        wishes = {"bill_no": self.no(b), "wallet_id": self.no(w), "agreement_no": self.no(a)}
        self.run(
            lambda: self.model.pay(b, w=w, a=a, key=key),
            lambda: self.s.payments.pay(**wishes, idempotency_key=key),
            key=key,
            actor=w,
        )

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

    @when("reverse", "payments")
    @rule(data=st.data(), key=keys)
    def reverse(self, data: Any, key: str | None) -> None:
        p = self.pick(data, "payments")
        self.run(
            lambda: self.model.reverse(p, key=key),
            lambda: self.s.payments.reverse(payment_no=self.no(p), idempotency_key=key),
            key=key,
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

    # --- again, later, elsewhere ------------------------------------------------------------------------

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
        self.model.now = self.s.clock.set(max(now, later))
        assert self.clock.now() == self.model.now
        self.state = dump(self.s)


class SandboxOnFileMachine(SandboxMachine):
    """On a file, which is closed and opened again between commands."""

    on_file = True

    @when("reopen")
    @rule()
    def reopen(self) -> None:
        self.s.close()
        self.s = Sandbox.open(self.path, clock=self.clock, seed="machine")
        after = dump(self.s)
        for tables in (self.state, after):
            tables.pop("meta")  # it counts how often a seeded run was opened
        assert after == self.state
        self.check()


def _status(wallet: dict[str, Any]) -> str:
    for flag in ("closed", "frozen", "stopped"):
        if wallet[flag]:
            return flag
    return "active"


def _person(number: int) -> str:
    return person_id(number, born=BORN[number])


def _full_width(name: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in name)


TestSandboxInMemory = SandboxMachine.TestCase
TestSandboxInMemory.settings = settings(stateful_step_count=50)
TestSandboxOnFile = SandboxOnFileMachine.TestCase
TestSandboxOnFile.settings = settings(
    max_examples=max(5, settings.default.max_examples // 4), stateful_step_count=50
)
