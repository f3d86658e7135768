"""Random histories of two families of wallets against a model in plain dictionaries.

The model says of every step whether it may be done; the scheme must agree, step by step, and at the end hold
the same balances, with books that verify.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ecny_tax import Fen, FixedClock, InvalidInputError, RejectedError, Sandbox
from tests.support import AUTHORITY, START, corporate, owe, personal

#: name → (purpose, parent, own single limit, own day limit)
FAMILY: dict[str, tuple[str | None, str | None, int | None, int | None]] = {
    "person": (None, None, None, None),
    "limited": ("limited", "person", 3_000_00, 6_000_00),
    "conditional": ("conditional", "person", None, None),
    "pushed": ("pushed", "person", 4_000_00, None),
    "company": (None, None, None, None),
    "till": ("collection", "company", None, None),
    "till2": ("collection", "company", None, None),
    "wages": ("distribution", "company", None, None),
    "payer": (None, None, None, None),
    "shop": (None, None, None, None),
}
NAMES = sorted(FAMILY)
#: Balance cap, single and day limit of the classes used here: the person is of class III, the payer of II.
LIMITS = {"person": (20_000_00, 5_000_00, 10_000_00), "payer": (500_000_00, 50_000_00, 100_000_00)}
OPENING = {"person": 20_000_00, "company": 50_000_00, "payer": 100_000_00, "shop": 10_000_00}


@dataclass
class Model:
    """Who holds and spent what, and which step may be done."""

    balances: dict[str, int] = field(default_factory=lambda: {name: OPENING.get(name, 0) for name in NAMES})
    spent: dict[str, int] = field(default_factory=lambda: dict.fromkeys(NAMES, 0))
    stopped: set[str] = field(default_factory=set)
    paid_tax: int = 0
    outside: int = 0

    def head(self, name: str) -> str:
        return FAMILY[name][1] or name

    def family(self, name: str) -> list[str]:
        return [other for other in NAMES if self.head(other) == self.head(name)]

    def held(self, name: str) -> bool:
        return name in self.stopped or self.head(name) in self.stopped

    def may_spend(self, name: str, amount: int, payee: str, *, by_token: bool = False) -> bool:
        purpose, _parent, single, day = FAMILY[name]
        if self.held(name) or self.balances[name] < amount or purpose == "collection":
            return False
        if (purpose == "pushed" and not by_token) or (purpose == "conditional" and payee != "shop"):
            return False
        if (single is not None and amount > single) or (day is not None and self.spent[name] + amount > day):
            return False
        limits = LIMITS.get(self.head(name))
        together = sum(self.spent[other] for other in self.family(name))
        return limits is None or (amount <= limits[1] and together + amount <= limits[2])

    def may_receive(self, name: str, amount: int) -> bool:
        limits = LIMITS.get(self.head(name))
        together = sum(self.balances[other] for other in self.family(name))
        fits = limits is None or together + amount <= limits[0]
        return fits and FAMILY[name][0] in (None, "collection")

    def transfer(self, source: str, target: str, amount: int) -> bool:
        if source == target:
            return False
        if FAMILY[source][1] == target or FAMILY[target][1] == source:
            done = not self.held(source) and self.balances[source] >= amount
            return done and self._move(source, target, amount)
        done = self.may_spend(source, amount, target) and self.may_receive(target, amount)
        return done and self._move(source, target, amount, spends=True)

    def charge(self, target: str, amount: int) -> bool:
        """A refusal would tell the platform who the holder is, so the parent may be paid, too."""
        done = self.may_receive(target, amount) and self.may_spend("pushed", amount, target, by_token=True)
        return done and self._move("pushed", target, amount, spends=True)

    def pay_tax(self, source: str, amount: int) -> bool:
        if not self.may_spend(source, amount, AUTHORITY):
            return False
        self.balances[source] -= amount
        self.spent[source] += amount
        self.paid_tax += amount
        return True

    def collect(self) -> bool:
        if "company" in self.stopped:
            return False
        for till in ("till", "till2"):
            if till not in self.stopped:
                self._move(till, "company", self.balances[till])
        return True

    def distribute(self, amounts: dict[str, int]) -> bool:
        if (
            self.held("company")
            or self.balances["company"] < sum(amounts.values())
            or set(amounts) != {"wages"}
        ):
            return False
        return self._move("company", "wages", amounts["wages"])

    def top_up(self, name: str, amount: int) -> bool:
        if FAMILY[name][1] is not None or not self.may_receive(name, amount):
            return False
        self.balances[name] += amount
        self.outside -= amount
        return True

    def cash_out(self, name: str, amount: int) -> bool:
        if FAMILY[name][1] is not None or self.held(name) or self.balances[name] < amount:
            return False
        self.balances[name] -= amount
        self.outside += amount
        return True

    def _move(self, source: str, target: str, amount: int, *, spends: bool = False) -> bool:
        self.balances[source] -= amount
        self.balances[target] += amount
        self.spent[source] += amount if spends else 0
        return True


class World:
    """The same families in a sandbox."""

    def __init__(self, s: Sandbox, clock: FixedClock) -> None:
        self.s, self.clock = s, clock
        made = {
            "person": personal(s, wallet_class="III"), "company": corporate(s), "payer": personal(s, 2),
            "shop": corporate(s, 2),
        }  # fmt: skip
        self.ids = {name: wallet.wallet_id for name, wallet in made.items()}
        for name, amount in OPENING.items():
            s.wallets.top_up(wallet_id=self.ids[name], amount=Fen(amount))
        self.debtor = made["shop"]
        terms: dict[str, dict[str, Any]] = {
            "conditional": {"payees": (self.ids["shop"],)}, "pushed": {"platform": "某平台"},
        }  # fmt: skip
        for name, (purpose, parent, single, day) in FAMILY.items():
            if purpose is None or parent is None:
                continue
            limits = {"single": single and Fen(single), "day": day and Fen(day)}
            sub = s.wallets.open_sub(
                parent=self.ids[parent], purpose=purpose, **terms.get(name, {}), **limits
            )
            self.ids[name] = sub.wallet_id
            self.token = sub.token or getattr(self, "token", "")

    def do(self, step: tuple[Any, ...]) -> None:
        match step:
            case ("transfer", source, target, amount):
                self.s.wallets.transfer(
                    from_wallet=self.ids[source], to_wallet=self.ids[target], amount=Fen(amount)
                )
            case ("charge", target, amount):
                self.s.wallets.charge(token=self.token, payee=self.ids[target], amount=Fen(amount))
            case ("pay_tax", source, amount):
                bill = owe(self.s, self.debtor, amount)
                self.s.payments.pay(bill_no=bill.bill_no, wallet_id=self.ids[source])
            case ("collect",):
                self.s.wallets.collect(parent=self.ids["company"])
            case ("distribute", amounts):
                to = {self.ids[name]: Fen(amount) for name, amount in amounts.items()}
                self.s.wallets.distribute(parent=self.ids["company"], to=to)
            case ("top_up", name, amount):
                self.s.wallets.top_up(wallet_id=self.ids[name], amount=Fen(amount))
            case ("cash_out", name, amount):
                self.s.wallets.cash_out(wallet_id=self.ids[name], amount=Fen(amount))
            case ("hold", name, True):
                self.s.oversight.stop(wallet_id=self.ids[name])
            case ("hold", name, False):
                self.s.oversight.resume(wallet_id=self.ids[name])
            case ("next_day",):
                self.clock.advance(timedelta(days=1))
            case _:
                raise AssertionError(step)


def allowed(model: Model, step: tuple[Any, ...]) -> bool:
    """Whether the model does the step."""
    match step:
        case ("hold", name, on):
            is_done = on or name in model.stopped
            (model.stopped.add if on else model.stopped.discard)(name)
            return is_done
        case ("next_day",):
            model.spent = dict.fromkeys(NAMES, 0)
            model.stopped.clear()  # a stop lasts 24 hours
            return True
        case (what, *values):
            return bool(getattr(model, what)(*values))
    raise AssertionError(step)


names = st.sampled_from(NAMES)
amounts = st.one_of(
    st.sampled_from([1, 100_00, 2_000_00, 3_000_00, 3_000_01, 5_000_00, 5_000_01, 20_000_00]),
    st.integers(1, 6_000_00),
)
family_pairs = st.sampled_from(
    [pair for name, (_, parent, *_) in FAMILY.items() if parent for pair in ((parent, name), (name, parent))]
)
steps = st.one_of(
    st.tuples(st.just("transfer"), names, names, amounts),
    st.tuples(family_pairs, amounts).map(lambda found: ("transfer", *found[0], found[1])),
    st.tuples(st.sampled_from(["limited", "conditional", "wages", "person"]), amounts).map(
        lambda found: ("transfer", found[0], "shop", found[1])
    ),
    st.tuples(st.just("charge"), names.filter(lambda name: name != "pushed"), amounts),
    st.tuples(st.just("pay_tax"), names, amounts),
    st.just(("collect",)),
    st.tuples(
        st.just("distribute"),
        st.dictionaries(st.sampled_from(["wages", "wages", "till", "limited"]), amounts, min_size=1),
    ),
    st.tuples(st.just("top_up"), names, amounts),
    st.tuples(st.just("cash_out"), names, amounts),
    st.tuples(st.just("hold"), st.sampled_from(["person", "company", "limited", "till"]), st.booleans()),
    st.just(("next_day",)),
)


#: What every history begins with: something to spend everywhere, and most of a day's limit used up.
BEGINNING: list[tuple[Any, ...]] = [
    ("transfer", "person", "limited", 6_000_00),
    ("transfer", "person", "conditional", 6_000_00),
    ("transfer", "person", "pushed", 6_000_00),
    ("distribute", {"wages": 9_000_00}),
    ("transfer", "payer", "till", 1_000_00),
    ("transfer", "payer", "till2", 2_000_00),
    ("transfer", "limited", "shop", 3_000_00),
    ("transfer", "conditional", "shop", 4_000_00),
]


@given(st.lists(steps, min_size=12, max_size=30))
def test_i11_families_agree_with_the_model_and_no_limit_can_be_multiplied(
    history: list[tuple[Any, ...]],
) -> None:
    clock, model = FixedClock(START), Model()
    with Sandbox.open(":memory:", clock=clock, seed="families") as s:
        world = World(s, clock)
        for step in BEGINNING + history:
            expected = allowed(model, step)
            try:
                world.do(step)
                done = True
            except RejectedError:
                done = False
            except InvalidInputError:  # a wallet that pays itself
                done = False
            assert done == expected, (step, model)
            assert sum(model.spent[name] for name in model.family("person")) <= LIMITS["person"][2]
        held = {wallet.wallet_id: wallet.balance for wallet in s.wallets.list()}
        assert {name: held[wallet_id] for name, wallet_id in world.ids.items()} == model.balances
        assert sum(held[world.ids[name]] for name in model.family("person")) <= LIMITS["person"][0]
        assert sum(held.values()) + model.paid_tax + model.outside == sum(OPENING.values())
        assert s.status().in_circulation == sum(held.values()) + model.paid_tax
        verification = s.ledger.verify()
        assert verification.ok, [check for check in verification.checks if not check.ok]
