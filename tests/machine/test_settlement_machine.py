"""Settled years against a model, in runs of random commands.

Returns and their corrections, bills and refunds that settle them, and the statements of withholding agents
that a return must agree with.  However often a year is corrected, and whatever is reversed, refunded,
cancelled, rejected or withdrawn in between: in the end it has cost the tax of its last return.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from ecny_tax import AnnualReturn, Fen
from ecny_tax.taxes.withholding_records import WithholdingStatement
from tests.machine.harness import keys, person, when
from tests.machine.paying import PayingRules
from tests.machine.settlement_model import FINAL, INCOMES, SettlementModel
from tests.support import AUTHORITY, person_name

#: What a run may do without, as in the machine of the whole sandbox.
SWITCHES = (
    "cancel",
    "scan",
    "debit",
    "reverse",
    "take_back",
    "refund_payment",
    "review",
    "retry",
    "clock",
    "correct",
    "withhold",
)
FIGURES: dict[str, st.SearchStrategy[int]] = {
    "wages": st.sampled_from([96_000_00, 60_000_00, 96_000_00, 60_000_00, 30_000_00, 0]),
    "labour": st.sampled_from([0, 0, 0, 10_000_00]),
    "author": st.sampled_from([0, 0, 0, 20_000_00]),
    "bonus": st.sampled_from([0, 0, 12_000_00, 36_100_00]),
    "withheld": st.sampled_from([1_080_00, 5_000_00, 300_00, 1_080_00, 5_000_00, 0, 1, 200_000_00]),
}
sad = st.sampled_from([0, 12_000_00, 24_000_00])
mostly = st.sampled_from([True, True, True, True, False])


class SettlementMachine(PayingRules):
    made = SettlementModel

    @initialize(
        off=st.sets(st.sampled_from(SWITCHES), max_size=5),
        signed=st.sets(st.sampled_from(["W1", "W2", "W3", "W4", "W5"]), max_size=5),
        hour=st.sampled_from([0, 10, 23]),
        furnished=st.booleans(),
        ahead=st.booleans(),
    )
    def begin(self, off: set[str], signed: set[str], hour: int, furnished: bool, ahead: bool) -> None:
        """Two agents, and two persons of whom the first has a wallet that is nearly full besides.

        Half of the runs start with a statement that is paid, at times before it was made by the clock.
        """
        self.on = set(SWITCHES) - off
        self.start(hour=hour)
        self._open("corporate", "ICBC", 1, Fen(20_000_00))
        self._open("corporate", "BOC", 2, Fen(20_000_00))
        self._open("II", "ICBC", 1, Fen(20_000_00))
        self._open("II", "ICBC", 2, Fen(2_000_00))
        self._open("III", "BOC", 1, Fen(19_500_00))
        for w in sorted(signed):
            self._sign(w, AUTHORITY, "")
        if furnished:
            figures = {"tax_year": 2022, **dict.fromkeys(FIGURES, 0), "bonus_mode": "merge"}
            figures |= {"wages": 96_000_00, "withheld": 5_000_00}
            now = self.model.now
            self._set_the_clock(now + timedelta(hours=1 if ahead else 0))
            self._withhold("W1", 1, figures, pays=False)
            self._set_the_clock(now)
            self._pay("B1", "W1", None, None)

    # --- what holds after every command -----------------------------------------------------------------

    def check(self) -> None:
        super().check()
        model = self.model
        records = {record.withholding_no: record for record in self.s.taxes.withholdings()}
        assert {number: record.paid for number, record in records.items()} == {
            self.numbers[s]: model.withheld(s) for s in model.statements
        }
        for subject, year in {(settled["subject"], settled["year"]) for settled in model.settlements}:
            settled = model.settled(subject, year)
            if not settled:
                continue
            last = settled[-1]
            if last["compared"]:  # what the return relied on is not given back
                mine = [records[self.numbers[s]].paid for s in last["compared"]]
                assert sum(mine) >= last["withheld"], "I8"
            if all(model.status(one) in FINAL for one in settled):
                cost = self.paid_for(subject, year) + last["withheld"] - self.refunded(subject, year)
                assert cost == last["tax"], "I8"

    def paid_for(self, subject: str, year: int) -> int:
        """What payments of the year's settlement bills stand for, late fees apart."""
        mine = [
            b for b, bill in self.model.bills.items() if (bill["subject"], bill["year"]) == (subject, year)
        ]
        numbers = {self.numbers[b] for b in mine}
        stand = [p for p in self.s.payments.list() if p.bill_no in numbers and p.status == "settled"]
        return sum(p.amount - p.late_fee - p.refunded for p in stand)

    def refunded(self, subject: str, year: int) -> int:
        mine = [
            r
            for r, refund in self.model.refunds.items()
            if (refund["subject"], refund["year"]) == (subject, year)
        ]
        numbers = {self.numbers[r] for r in mine}
        paid_out = [r for r in self.s.refunds.list() if r.refund_no in numbers and r.status == "completed"]
        return sum(r.amount for r in paid_out)

    # --- choices ----------------------------------------------------------------------------------------

    def year(self, data: Any) -> int:
        """Mostly one about which something is known; taxing a bonus apart ends with 2027."""
        known = {s["tax_year"] for s in self.model.statements.values()}
        known |= {s["year"] for s in self.model.settlements}
        now = self.model.now.year
        if known and data.draw(mostly, label="known year"):
            return data.draw(st.sampled_from(sorted(known)), label="year")
        return min(
            2027, data.draw(st.sampled_from([now - 1, now - 1, now - 1, now - 2, now, now + 1]), label="year")
        )

    def figures(self, data: Any, subject: str, year: int) -> dict[str, Any]:
        """A return: mostly one that agrees with what agents declared and paid, where they did."""
        standing = self.model.standing(subject, year)
        records = [self.model.statements[s] for s in standing]
        found = {key: data.draw(what, label=key) for key, what in FIGURES.items()}
        if records and data.draw(mostly, label="agreeing"):
            found = {key: sum(record[key] for record in records) for key in INCOMES}
            bonus = data.draw(st.sampled_from([0, *(record["bonus"] for record in records)]), label="bonus")
            found["wages"] += found["bonus"] - bonus
            found |= {"bonus": bonus, "withheld": sum(map(self.model.withheld, standing))}
            if not data.draw(mostly, label="to the fen"):
                found[data.draw(st.sampled_from([*INCOMES, "withheld"]), label="but for")] += 100_00
        mode = data.draw(st.sampled_from(["merge", "separate", "better"]), label="mode")
        return {"tax_year": year, **found, "bonus_mode": mode, "sad": data.draw(sad, label="sad")}

    # --- rules ------------------------------------------------------------------------------------------

    @when("withhold")
    @rule(data=st.data(), n=st.sampled_from([1, 1, 2]), named=mostly, pays=mostly)
    def withhold(self, data: Any, n: int, named: bool, pays: bool) -> None:
        w, year = data.draw(st.sampled_from(["W1", "W1", "W2", "W3", "W4"]), label="agent"), self.year(data)
        figures: dict[str, Any] = {key: data.draw(what, label=key) for key, what in FIGURES.items()}
        figures |= {
            "tax_year": year,
            "bonus_mode": data.draw(st.sampled_from(["merge", "separate"]), label="mode"),
        }
        self._withhold(w, n, figures, pays=pays, named=named)

    def _withhold(self, w: str, n: int, figures: dict[str, Any], *, pays: bool, named: bool = True) -> None:
        name = person_name(n) if named else "虚构别名"
        statement = WithholdingStatement(name=name, id_number=person(n), **figures)
        done = self.run(
            lambda: self.model.withhold(w, figures, person=f"person {n}", right_name=named),
            lambda: self.s.taxes.declare_withholding(wallet_id=self.numbers[w], statement=statement),
        )
        if done and pays and figures["withheld"]:
            self._pay(list(self.model.bills)[-1], w, None, None)

    @when("take_back", "statements")
    @rule(data=st.data())
    def take_back(self, data: Any) -> None:
        s = self.pick(data, "statements")
        self.run(
            lambda: self.model.take_back(s),
            lambda: self.s.taxes.cancel_withholding(withholding_no=self.numbers[s]),
        )

    @when(shelf="wallets")
    @rule(data=st.data(), usual=mostly)
    def settle(self, data: Any, usual: bool) -> None:
        """Anew or correcting, mostly as it stands with the year."""
        w = data.draw(st.sampled_from(["W3", "W3", "W5", "W4", "W3", "W4", "W1"]), label="wallet")
        year = self.year(data)
        before = self.model.settled(self.model.wallets[w]["subject"], year)
        self._settle(data, w, year, correction=bool(before) == usual)

    @precondition(lambda self: "correct" in self.on and self.model.settlements)
    @rule(data=st.data())
    def correct(self, data: Any) -> None:
        settled = data.draw(st.sampled_from(self.model.settlements), label="what")
        theirs = [w for w, wallet in self.model.wallets.items() if wallet["subject"] == settled["subject"]]
        self._settle(
            data, data.draw(st.sampled_from(theirs), label="wallet"), settled["year"], correction=True
        )

    def _settle(self, data: Any, w: str, year: int, *, correction: bool) -> None:
        """Declare and mostly pay what is due, apply for what comes back; at times the wrong way round."""
        subject = self.model.wallets[w]["subject"]
        figures = self.figures(data, subject, year)
        outcome = self.model.outcome(subject, figures, correction=correction)
        wishes = {"wallet_id": self.numbers[w], "annual_return": AnnualReturn(**figures)}
        if (outcome < 0) == data.draw(mostly, label="right way"):
            done = self.run(
                lambda: self.model.declare_return(w, figures, correction=correction),
                lambda: self.s.taxes.declare_income_tax(**wishes, correction=correction),
            )
            if done and data.draw(mostly, label="pays"):
                self._pay(list(self.model.bills)[-1], w, None, None)
            return
        key, manually = data.draw(keys, label="key"), not data.draw(mostly, label="automatic")
        self.run(
            lambda: self.model.apply(w, figures, correction=correction, manual=manually, key=key),
            lambda: self.s.refunds.apply_for_income_tax(
                **wishes, correction=correction, manual_review=manually, idempotency_key=key
            ),
            key=key,
            actor=w,
        )


TestSettlements = SettlementMachine.TestCase
TestSettlements.settings = settings(stateful_step_count=50)
