"""Hypothesis strategies of accounts and batches that meet every rule of the ledger often."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from ecny_tax.ledger.model import Account, Transfer
from tests.ledger.model import FIELDS, LIMIT, Event, Model

#: Amounts near the places where something changes.
amounts = st.one_of(
    st.integers(0, 3),
    st.integers(0, 3),
    st.integers(98, 102),
    st.integers(0, 1_000),
    st.sampled_from([LIMIT - 2, LIMIT - 1, LIMIT, LIMIT // 2, LIMIT // 2 + 1]),
)


def events(accounts: int, ids: int) -> st.SearchStrategy[Event]:
    """Any event, over accounts 1 to ``accounts`` (and 0, and one that does not exist) and few ids."""
    account = st.integers(0, accounts + 1)
    return st.fixed_dictionaries(
        {
            "id": st.integers(0, ids),
            "debit_account_id": account,
            "credit_account_id": account,
            "amount": amounts,
            "ledger": st.integers(0, 2),
            "code": st.sampled_from([8, 9, 0]),
            "flags": st.integers(0, 1),
            "user_data": st.sampled_from(["", "P1"]),
        }
    )


@st.composite
def books(draw: st.DrawFn) -> Model:
    """Accounts of both assets, some bound, some closed, some with counters near their end."""
    model = Model()
    calm = draw(st.integers(0, 2)) > 0  # most books are sound, so that most transfers succeed
    counter = st.sampled_from([0, 100] if calm else [0, 0, 1, 100, LIMIT - 1])
    for id_ in range(1, draw(st.integers(2, 6)) + 1):
        model.open(
            id_,
            ledger=1 if calm else draw(st.sampled_from([1, 1, 2])),
            flags=draw(st.sampled_from([0, 0, 0, 1] if calm else [0, 0, 1, 2, 3, 4])),
            debits=draw(counter),
            credits=draw(counter),
        )
    return model


@st.composite
def batches(draw: st.DrawFn, model: Model, past: Sequence[Event] = ()) -> list[Event]:
    """A batch over the accounts of ``model``: mostly transfers with new ids that break no rule of form, some
    with one field or all of them wild, some that came before (in ``past`` or in the batch), as they were or
    with one field changed."""
    sent = [dict(event) for event in past]
    batch: list[Event] = []
    known = sorted(model.accounts)
    for _ in range(draw(st.integers(0, 10))):
        wild = draw(events(len(known), ids=len(sent) + 2))
        kind = draw(st.sampled_from(["good", "good", "good", "one wild", "repeat", "repeat changed", "wild"]))
        event = wild
        if kind in {"good", "one wild"} or not sent:
            debit = draw(st.sampled_from(known))
            ledger = model.accounts[debit]["ledger"]
            alike = [id_ for id_ in known if id_ != debit and model.accounts[id_]["ledger"] == ledger]
            event = {
                "id": 1_000 + len(sent),
                "debit_account_id": debit,
                "credit_account_id": draw(st.sampled_from(alike or known)),
                "amount": wild["amount"],
                "ledger": ledger,
                "code": 8,
                "flags": draw(st.sampled_from([0, 0, 1])),
                "user_data": "",
            }
        elif kind.startswith("repeat"):
            event = dict(draw(st.sampled_from(sent)))
        if kind in {"one wild", "repeat changed"}:
            field = draw(st.sampled_from((*FIELDS, "id")))
            event = event | {field: wild[field]}
        batch.append(event)
        sent.append(event)
    if 0 < len(past) <= 30 and draw(st.booleans()):
        # Everything of an earlier time once more, chains and all.
        batch += [dict(event) for event in past]
    return batch


def as_transfer(event: Event) -> Transfer:
    return Transfer(**event)


def as_account(id_: int, account: dict[str, int]) -> Account:
    return Account(id=id_, name=f"account {id_}", code=3, **account)
