"""What the machines share: one command against the model, and what holds after every command."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition

from ecny_tax import EcnyTaxError, Fen, FixedClock, Sandbox
from ecny_tax.testing import check_promises
from tests.machine.model import LIMITS, Model, Refused, Replayed, no
from tests.support import (
    AUTHORITY,
    START,
    but_the_log,
    by_collection,
    company_id,
    company_name,
    dump,
    judged,
    person_id,
    person_name,
    phone_number,
)

OTHER_AUTHORITY = "14407030000"
#: The third person turns sixteen on this day.
SIXTEEN = date(2024, 5, 1)
BORN = {1: date(1990, 1, 1), 2: date(1958, 12, 31), 3: date(2008, 5, 1)}
NUMBER = {
    "W": "wallet_id",
    "A": "agreement_no",
    "B": "bill_no",
    "P": "payment_no",
    "R": "refund_no",
    "S": "withholding_no",
}
USEFUL = {
    "wallets": (),
    "agreements": ("verified",),
    "bills": ("open",),
    "payments": ("settled",),
    "refunds": ("tax_review", "treasury_failed"),
    "statements": ("standing",),
}
keys = st.sampled_from([None, None, None, "k1", "k2"])
manual = st.booleans()
authorities = st.sampled_from([AUTHORITY, AUTHORITY, OTHER_AUTHORITY])


def when(switch: str | None = None, shelf: str | None = None) -> Callable[..., Any]:
    """The rule runs only where the run has this switch on, and something of that kind exists."""
    return precondition(
        lambda self: (
            (switch is None or switch in self.on) and (shelf is None or bool(getattr(self.model, shelf)))
        )
    )


class Harness(RuleBasedStateMachine):
    """A sandbox and its model side by side, on a database in memory."""

    on_file = False
    made = Model

    def __init__(self) -> None:
        super().__init__()
        self.on: set[str] = set()
        self.folder: tempfile.TemporaryDirectory[str] | None = None
        self.clock = FixedClock(START)
        self.model = self.made(START, AUTHORITY)
        self.numbers: dict[str, str] = {}  # handle of the model -> number in the sandbox
        self.answers: dict[Any, Any] = {}
        self.keyed_calls: list[tuple[Any, Any, str | None]] = []
        self.journal: list[tuple[Any, ...]] = []
        self.fold: dict[int, list[int]] = {}

    def start(self, *, hour: int, year: int = START.year) -> None:
        self.clock.at = START.replace(year=year, hour=hour)
        self.model = self.made(self.clock.at, AUTHORITY)
        self.folder = tempfile.TemporaryDirectory() if self.on_file else None
        self.path = str(Path(self.folder.name) / "machine.db") if self.folder else ":memory:"
        self.s = self.opened()
        self.s.parties.add_tax_authority(code=OTHER_AUTHORITY, name="虚构税务局")
        self.opening = self.revenue()
        self.check()

    def opened(self) -> Sandbox:
        return Sandbox.open(self.path, clock=self.clock, seed="machine")

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
        self,
        ask: Callable[[], Any],
        act: Callable[[], Any],
        *,
        key: Any = None,
        actor: Any = None,
        logged: bool = False,
    ) -> bool:
        """Whether the command did something; everything it answered is as the model said.

        Of what is ``logged`` the access log holds also what was refused.
        """
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
            before, self.state = self.state, dump(self.s)
            kept = but_the_log if logged else dict
            assert kept(self.state) == kept(before), "what is refused or repeated changes nothing"
            return False
        if self.model.keyed is not None:
            where, content = self.model.keyed
            self.model.answered[where], self.answers[where] = content, answer
        if handle is not None:
            self.name(handle, answer)
        self.check()
        return True

    def name(self, handle: str, answer: Any) -> None:
        """Note which number the sandbox gave to what the model made, and to the bill that came with it."""
        self.numbers[handle] = getattr(answer, NUMBER[handle[0]])
        if handle[0] == "P":
            self.numbers.setdefault(self.model.payments[handle]["bill"], answer.bill_no)
        if handle[0] == "S" and answer.bill_no is not None:
            self.numbers[self.model.statements[handle]["bill"]] = answer.bill_no

    def no(self, handle: str | None) -> str | None:
        return None if handle is None else self.numbers[handle]

    # --- what holds after every command -----------------------------------------------------------------

    def check(self) -> None:
        s, model = self.s, self.model
        wallets = {
            self.numbers[h]: (w["balance"], w["class"], model.wallet_status(w))
            for h, w in model.wallets.items()
        }
        assert {w.wallet_id: (w.balance, w.wallet_class, w.status) for w in s.wallets.list()} == wallets
        self._check_records()
        check_promises(s)
        held = {account.account: account.balance for account in s.ledger.accounts()}
        money = {name: amount for name, amount in held.items() if name.startswith(("wallet:", "collection:"))}
        owned = {f"wallet:{number}": wallet[0] for number, wallet in wallets.items()}
        waiting = by_collection(money)
        taken = {name: amount for name, amount in waiting.items() if amount}
        assert taken == {f"{o}:1907840000": n for o, n in model.collected.items() if n}, "I6"
        assert sum(money.values()) == sum(waiting.values()) + sum(owned.values()), "I6"
        assert self.opening - self.revenue() == model.paid_out
        own = [amount for name, amount in held.items() if name.startswith("own:")]
        assert len(own) * 10**12 - sum(own) == model.interest, "I6"
        self._check_journal()
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
        bills = {b.bill_no: (b.amount, b.status) for b in s.taxes.bills()}
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
        assert {r.refund_no: (r.amount, r.status, r.wallet_id) for r in s.refunds.list()} == {
            self.numbers[h]: (r["amount"], r["status"], self.numbers[r["wallet"]])
            for h, r in model.refunds.items()
        }
        agreements = {a.agreement_no: a.status for a in s.agreements.list()}
        assert agreements == {self.numbers[h]: a["status"] for h, a in model.agreements.items()}
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

    # --- what several rules do ---------------------------------------------------------------------------

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
            subject, identity = f"person {n}", {"name": person_name(n), "id_number": person(n)}
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

    def _exchange(self, w: str, amount: Fen, way: str, key: str | None) -> None:
        self.run(
            lambda: self.model.exchange(w, amount, way=way, key=key),
            lambda: getattr(self.s.wallets, way)(wallet_id=self.no(w), amount=amount, idempotency_key=key),
            key=key,
            actor=w,
        )

    def _sign(self, w: str, authority: str, spelling: str) -> None:
        name = self.model.wallets[w]["name"] or ""
        entered = {"": None, "full-width": _full_width(name), "other": f"{name}分"}[spelling]
        wishes = {"wallet_id": self.no(w), "authority": authority}
        self.run(
            lambda: self.model.sign(w, authority, right_name=spelling != "other"),
            lambda: self.s.agreements.sign(**wishes, taxpayer_name=entered),
        )

    def _declare(self, w: str, amount: int, authority: str) -> None:
        wishes = {"wallet_id": self.no(w), "code": "10110", "amount": Fen(amount), "authority": authority}
        self.run(
            lambda: self.model.declare(w, amount, authority=authority),
            lambda: self.s.taxes.declare_other(**wishes),
        )

    def _set_the_clock(self, time: datetime, *, refused: bool = False) -> None:
        def ask() -> None:
            no("clock_went_back", refused)
            self.model.go_to(time)

        self.run(ask, lambda: self.s.clock.set(time))
        assert self.s.clock.now() == self.clock.now() == self.model.now

    def _pay(self, b: str, w: str | None, a: str | None, key: str | None) -> None:
        wishes = {"bill_no": self.no(b), "wallet_id": self.no(w), "agreement_no": self.no(a)}
        self.run(
            lambda: self.model.pay(b, w=w, a=a, key=key),
            lambda: self.s.payments.pay(**wishes, idempotency_key=key),
            key=key,
            actor=w,
        )


def person(number: int) -> str:
    return person_id(number, born=BORN[number])


def _full_width(name: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in name)
