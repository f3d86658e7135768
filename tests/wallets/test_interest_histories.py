"""Interest against a brute-force model: day by day, in fractions, over random histories and rates."""

from __future__ import annotations

import copy
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ecny_tax import BEIJING, Fen, FixedClock, RejectedError, Sandbox
from ecny_tax.rulebook import Rulebook
from ecny_tax.rulebook.book import package_document
from tests.support import company_id, company_name, nameless, person_id, person_name, personal

DAY = timedelta(days=1)
BEGIN = datetime(2025, 12, 15, 10, tzinfo=BEIJING)
FIRST_DAY = date(2026, 1, 1)
NAMES = ("person", "sub", "company", "phone")
OPERATOR = {"person": "ICBC", "sub": "ICBC", "company": "BOC", "phone": "ICBC"}
OWN_FUNDS = 10**12

Rates = list[tuple[int, str | None, str]]  # days after the first, operator, rate: from then on


class Model:
    """Balances, what they were at the end of every day that has passed, and what was paid."""

    def __init__(self, rates: Rates) -> None:
        self.today = BEGIN.date()
        self.rates = rates
        self.balance = dict.fromkeys(NAMES, 0)
        self.ends: dict[str, dict[date, int]] = {name: {} for name in NAMES}
        self.named_on: dict[str, date | None] = dict.fromkeys(NAMES, self.today) | {"phone": None}
        self.closed: set[str] = set()
        self.paid_until: dict[str, date] = dict.fromkeys(NAMES, FIRST_DAY - DAY)
        self.paid = dict.fromkeys(("ICBC", "BOC"), 0)

    def rate(self, operator: str, day: date) -> Fraction:
        def newest(code: str | None) -> Fraction | None:
            begun = [r for after, c, r in self.rates if c == code and FIRST_DAY + after * DAY <= day]
            return Fraction(begun[-1]) if begun else None

        own = newest(operator)
        return own if own is not None else newest(None) or Fraction(0)

    def pass_days(self, count: int) -> None:
        for _ in range(count):
            for name in NAMES:
                self.ends[name][self.today] = self.balance[name]
            self.today += DAY

    def earned(self, name: str, last: date) -> tuple[int, Fen]:
        """Days and fen from the day after the last payment to ``last``."""
        named, total, days = self.named_on[name], Fraction(0), 0
        day = self.paid_until[name] + DAY
        while day <= last:
            if named is not None and day >= named:
                total += self.ends[name].get(day, 0) * self.rate(OPERATOR[name], day) / 360
                days += 1
            day += DAY
        return days, Fen(int(total + Fraction(1, 2)))

    def ended(self, name: str) -> list[date]:
        """The ends of periods that have passed, and for which this wallet was not paid."""
        ends, day = [], self.paid_until[name] + DAY
        while day < self.today:
            if day.day == 20 and day.month in (3, 6, 9, 12):
                ends.append(day)
            day += DAY
        return ends

    def pay_periods(self, name: str) -> int:
        total = 0
        for end in self.ended(name):
            total += self.earned(name, end)[1]
            self.paid_until[name] = end
        self.paid[OPERATOR[name]] += total
        return total

    def credit(self, operator: str | None) -> int:
        total = 0
        for name in NAMES:
            if name not in self.closed and operator in (None, OPERATOR[name]):
                amount = self.pay_periods(name)
                self.balance["person" if name == "sub" else name] += amount
                total += amount
        return total

    def close(self, name: str) -> int:
        total = self.pay_periods(name)
        _days, rest = self.earned(name, self.today - DAY)
        self.paid[OPERATOR[name]] += rest
        self.closed.add(name)
        return total + rest


class World:
    """The same wallets in a sandbox, with the same rates."""

    def __init__(self, s: Sandbox, clock: FixedClock) -> None:
        self.s, self.clock = s, clock
        person = personal(s, wallet_class="I")
        sub = s.wallets.open_sub(parent=person.wallet_id, purpose="limited", single=Fen(1))
        company = s.wallets.open(
            kind="corporate", name=company_name(), id_number=company_id(), operator="BOC"
        )
        opened = (person, sub, company, nameless(s))
        self.ids = {name: wallet.wallet_id for name, wallet in zip(NAMES, opened, strict=True)}

    def held(self, account: str) -> int:
        return next(a.balance for a in self.s.ledger.accounts() if a.account == account)


def rulebook_of(rates: Rates) -> Rulebook:
    document = copy.deepcopy(package_document("scheme"))
    rows: list[dict[str, Any]] = []
    for after, code, rate in rates:
        since = FIRST_DAY + after * DAY
        for row in rows:
            if row.get("code") == code and "effective_to" not in row:
                row["effective_to"] = since - DAY
        rows.append({"rate": rate, "effective_from": since, "citation": "a test", "evidence": "assumption"})
        if code is not None:
            rows[-1]["code"] = code
    document["interest_rates"] = rows
    return Rulebook({"scheme": document})


written = st.sampled_from(["0.0005", "0.001", "0.0035", "0.00000001", "0.0123", "0"])
changes = st.lists(st.tuples(st.integers(1, 200), st.sampled_from([None, "ICBC"]), written), max_size=4)
amounts = st.sampled_from([1, 3_599_99, 3_600_00, 9_999_99, 12_345_678_90])
steps = st.one_of(
    st.tuples(st.just("days"), st.sampled_from([1, 1, 2, 5, 17, 40, 100])),
    st.tuples(st.just("days"), st.integers(1, 60)),
    st.tuples(st.just("top_up"), st.sampled_from(["person", "company", "phone"]), amounts),
    st.tuples(st.just("cash_out"), st.sampled_from(["person", "company"]), amounts),
    st.tuples(st.just("transfer"), st.just("company"), st.just("person"), amounts),
    st.tuples(st.just("transfer"), st.just("person"), st.just("sub"), amounts),
    st.tuples(st.just("credit"), st.sampled_from([None, None, "ICBC", "BOC"])),
    st.just(("upgrade",)),
    st.tuples(st.just("close"), st.sampled_from(["sub", "company"])),
)


class Pair:
    """A step is taken in both, where it is possible at all."""

    def __init__(self, world: World, model: Model) -> None:
        self.world, self.model, self.s, self.ids = world, model, world.s.wallets, world.ids

    def days(self, count: int) -> None:
        self.world.clock.advance(count * DAY)
        self.model.pass_days(count)

    def top_up(self, name: str, amount: int) -> None:
        if name in self.model.closed:
            return
        try:
            self.s.top_up(wallet_id=self.ids[name], amount=Fen(amount))
        except RejectedError:  # above the cap of its class
            return
        self.model.balance[name] += amount

    def cash_out(self, name: str, amount: int) -> None:
        if name not in self.model.closed and self.model.balance[name] >= amount > 0:
            self.s.cash_out(wallet_id=self.ids[name], amount=Fen(amount))
            self.model.balance[name] -= amount

    def transfer(self, source: str, target: str, amount: int) -> None:
        if not {source, target} & self.model.closed and self.model.balance[source] >= amount > 0:
            self.s.transfer(from_wallet=self.ids[source], to_wallet=self.ids[target], amount=Fen(amount))
            self.model.balance[source] -= amount
            self.model.balance[target] += amount

    def credit(self, operator: str | None) -> None:
        assert self.s.credit_interest(operator=operator).amount == self.model.credit(operator)

    def upgrade(self) -> None:
        if self.model.named_on["phone"] is None:
            who = {"name": person_name(2), "id_number": person_id(2)}
            self.s.upgrade(wallet_id=self.ids["phone"], wallet_class="II", **who)
            self.model.named_on["phone"] = self.model.today
            self.model.paid_until["phone"] = max(self.model.today, FIRST_DAY) - DAY

    def close(self, name: str) -> None:
        if name in self.model.closed:
            return
        if name == "sub":
            self.transfer("sub", "person", self.model.balance["sub"])
        else:
            self.cash_out(name, self.model.balance[name])
        assert self.s.close(wallet_id=self.ids[name]).interest_paid == self.model.close(name)


#: What every history begins with: something to earn on everywhere, some days before the first that earns.
BEGINNING: list[tuple[Any, ...]] = [
    ("top_up", "person", 77_777_77),
    ("transfer", "person", "sub", 3_600_00),
    ("top_up", "phone", 3_600_00),
    ("days", 14),
    ("top_up", "company", 12_345_678_90),
    ("days", 9),
]


@given(changes, st.lists(steps, min_size=10, max_size=40), st.sampled_from([0, 10, 23]))
def test_i1_to_i6_interest_is_what_a_count_day_by_day_comes_to(
    further: Rates, history: list[tuple[Any, ...]], hour: int
) -> None:
    by_day = {(after, code): (after, code, rate) for after, code, rate in further}
    rates: Rates = [(0, None, "0.0005"), *sorted(by_day.values(), key=lambda change: change[0])]
    clock, model = FixedClock(BEGIN.replace(hour=hour)), Model(rates)
    with Sandbox.open(":memory:", clock=clock, seed="interest", rulebook=rulebook_of(rates)) as s:
        world = World(s, clock)
        pair = Pair(world, model)
        for what, *values in BEGINNING + history:
            getattr(pair, what)(*values)
        for name in NAMES:
            wallet_id = world.ids[name]
            assert s.wallets.show(wallet_id=wallet_id).balance == model.balance[name], name
            told = s.wallets.interest(wallet_id=wallet_id)
            if name in model.closed or model.named_on[name] is None:
                assert (told.accrued, told.awaiting_credit, told.interest_rate) == (0, 0, None)
                continue
            before = model.pay_periods(name)
            model.paid[OPERATOR[name]] -= before
            assert told.awaiting_credit == before
            assert (told.days, told.accrued) == model.earned(name, model.today - DAY)
        for operator, paid in model.paid.items():
            assert OWN_FUNDS - world.held(f"own:{operator}") == paid
        verification = s.ledger.verify()
        assert verification.ok, [check for check in verification.checks if not check.ok]
