"""What the service tests share: synthetic identities, a sandbox at a fixed time, and what a refusal is.

Every identity here is made up: the numbers are computed, with check digits that are right.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from ecny_tax import BEIJING, AnnualReturn, EcnyTaxError, Fen, FixedClock, Sandbox
from ecny_tax import errors as errors_module
from ecny_tax.errors import catalogue
from ecny_tax.taxes.model import Bill
from ecny_tax.testing.identities import company_id, company_name, person_id, person_name, phone_number
from ecny_tax.wallets.model import Wallet

#: When a test begins: a Thursday inside the settlement window of 2022.
START = datetime(2023, 4, 20, 10, tzinfo=BEIJING)
AUTHORITY = "14407840000"
SEED = "service tests"
COURT = "court:CT440784"
CASE = "（2023）粤0784刑初1号"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(START)


@pytest.fixture
def sandbox(clock: FixedClock) -> Iterator[Sandbox]:
    """A scheme in memory whose books must verify when the test is over."""
    with Sandbox.open(":memory:", clock=clock, seed=SEED) as opened:
        yield opened
        verification = opened.ledger.verify()
        assert verification.ok, [check for check in verification.checks if not check.ok]


def personal(s: Sandbox, number: int = 1, **wishes: Any) -> Wallet:
    """A real-name wallet of the made-up person of that number: class II at ICBC unless wished otherwise."""
    born = wishes.pop("born", date(1990, 1, 1))
    asked = {"operator": "ICBC", "name": person_name(number), "id_number": person_id(number, born=born)}
    return s.wallets.open(kind="personal", **{**asked, **wishes})


def nameless(s: Sandbox, number: int = 1, **wishes: Any) -> Wallet:
    """A class IV wallet, known by its phone alone."""
    return s.wallets.open(kind="personal", **{"operator": "ICBC", "phone": phone_number(number), **wishes})


def corporate(s: Sandbox, number: int = 1, **wishes: Any) -> Wallet:
    asked = {"operator": "ICBC", "name": company_name(number), "id_number": company_id(number)}
    return s.wallets.open(kind="corporate", **{**asked, **wishes})


def owe(s: Sandbox, wallet: Wallet, amount: int, **wishes: Any) -> Bill:
    """An open bill of exactly ``amount`` fen of the wallet's holder."""
    return s.taxes.declare_other(
        wallet_id=wallet.wallet_id, **{"code": "10110", "amount": Fen(amount), **wishes}
    )


def refund_of(amount: int, *, year: int = 2022) -> AnnualReturn:
    """A return that comes to a refund of exactly ``amount`` fen: no tax is due, so much was withheld."""
    return AnnualReturn(tax_year=year, wages=Fen(60_000_00), withheld=Fen(amount))


def due_of(amount: int, *, year: int = 2022) -> AnnualReturn:
    """A return that comes to ``amount`` fen due; a multiple of 3 up to 1,080 yuan (the 3 % bracket)."""
    return AnnualReturn(tax_year=year, wages=Fen(60_000_00 + amount * 100 // 3))


def balance(s: Sandbox, wallet: Wallet) -> int:
    return s.wallets.show(wallet_id=wallet.wallet_id).balance


def collected(s: Sandbox) -> dict[str, int]:
    """What waits on collection accounts, by ``operator:treasury``, whichever of their stripes it is on."""
    return by_collection({account.account: account.balance for account in s.ledger.accounts()})


def by_collection(balances: dict[str, int]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, amount in balances.items():
        kind, _, rest = name.partition(":")
        if kind == "collection":
            key = rest.rpartition(":")[0]
            found[key] = found.get(key, 0) + amount
    return found


_TABLES = {
    "sqlite": "SELECT name FROM sqlite_schema WHERE type = 'table'",
    "postgresql": "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()",
}


def dump(s: Sandbox) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, sorted: a server gives them in no order of its own."""
    with s._store.reading() as tx:
        tables = [row[0] for row in tx.rows(_TABLES[s._store.engine])]
        return {table: sorted(tx.rows(f"SELECT * FROM {table}"), key=_by_columns) for table in tables}


def _by_columns(row: tuple[Any, ...]) -> list[tuple[str, Any]]:
    return [(type(value).__name__, 0 if value is None else value) for value in row]


def but_the_log(state: dict[str, list[tuple[Any, ...]]]) -> dict[str, list[tuple[Any, ...]]]:
    """Every table but those that tell of requests under law, and of how far they are sealed."""
    kept = {table: rows for table, rows in state.items() if table not in ("access", "event")}
    return kept | {"meta": [row for row in state["meta"] if row[0] != "mark"]}


def judged(refusal: EcnyTaxError, code: str) -> None:
    """The refusal has that code, its class, and a sentence and a hint in both languages."""
    assert refusal.code == code, refusal
    assert type(refusal) is getattr(errors_module, catalogue()[code]["class"])
    for language in ("en", "zh"):
        for sentence in (refusal.message(language), refusal.hint_in(language)):
            assert sentence
            assert "{" not in sentence


@contextmanager
def refused(s: Sandbox, code: str, **values: object) -> Iterator[None]:
    """What runs inside is refused with ``code`` (and these values), and leaves every table as it was."""
    before = dump(s)
    with pytest.raises(EcnyTaxError) as caught:
        yield
    judged(caught.value, code)
    for name, value in values.items():
        assert caught.value.values[name] == value, name
    assert dump(s) == before


@contextmanager
def refused_and_logged(s: Sandbox, code: str, **values: object) -> Iterator[None]:
    """What runs inside is refused with ``code``, which is exactly one entry of the access log, and nothing
    else is changed."""
    before = dump(s)
    with pytest.raises(EcnyTaxError) as caught:
        yield
    judged(caught.value, code)
    for name, value in values.items():
        assert caught.value.values[name] == value, name
    after = dump(s)
    assert but_the_log(after) == but_the_log(before)
    (entry,) = after["access"][len(before["access"]) :]
    assert code in entry
    assert len(after["event"]) == len(before["event"]) + 1


def instrument(s: Sandbox, kind: str, *wallets: str, **wishes: Any) -> bytes:
    """An instrument of the court about these wallets, valid for a day; a trace over all of this year."""
    now = s.clock.now()
    if kind == "unfreeze" and "follows" not in wishes:
        wishes["follows"] = freeze_in_force(s, *wallets)
    asked: dict[str, Any] = {"issuer": COURT, "case_no": CASE, "expires_at": now + timedelta(days=1)}
    if kind == "trace":
        window = {"window_from": now.replace(month=1, day=1), "window_to": now.replace(month=12, day=31)}
        asked |= window | {"depth": 3}
    return s.oversight.issue_instrument(kind=kind, wallets=wallets, **{**asked, **wishes})


def number_of(s: Sandbox, order: bytes) -> str:
    """The number of an instrument."""
    return s.oversight.read_instrument(instrument=order).instrument.instrument_no


def freeze_in_force(s: Sandbox, *wallets: str) -> str:
    """The number of the newest freeze of one of these wallets; where there is none, one that nobody used."""
    with s._store.reading() as tx:
        found = tx.rows(
            "SELECT wallet_id, instrument_no FROM wallet_freeze WHERE lifted_at IS NULL ORDER BY laid_at DESC"
        )
    return next((number for wallet, number in found if wallet in wallets), "J23042000000000000000")


def hold(s: Sandbox, what: str, wallet_id: str) -> Wallet:
    """``stop``, ``resume``, ``freeze`` or ``unfreeze`` a wallet, with the instrument that it takes."""
    order = {"instrument": instrument(s, what, wallet_id)} if "freeze" in what else {}
    done: Wallet = getattr(s.oversight, what)(wallet_id=wallet_id, **order)
    return done
