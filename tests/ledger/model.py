"""A ledger in plain dictionaries, to compare the real one with: nothing of it is imported here.

It says the same rules in another way.  Instead of a ladder it has a list of (result, what is wrong), and
instead of taking a broken chain back it works on a copy that is thrown away.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

LINKED = 1
DEBITS_BOUND, CREDITS_BOUND, CLOSED = 1, 2, 4
LIMIT = 2**63 - 1

#: The fields of a transfer in the order in which a repeat is compared.
FIELDS = ("flags", "debit_account_id", "credit_account_id", "amount", "user_data", "ledger", "code")

Accounts = dict[int, dict[str, int]]
Event = dict[str, Any]


class Model:
    """Accounts by id, transfers by id in the order of posting."""

    def __init__(self) -> None:
        self.accounts: Accounts = {}
        self.transfers: dict[int, Event] = {}

    def open(self, id_: int, *, ledger: int, flags: int = 0, debits: int = 0, credits: int = 0) -> None:
        self.accounts[id_] = {"ledger": ledger, "flags": flags, "debits": debits, "credits": credits}

    def counters(self) -> dict[int, tuple[int, int]]:
        return {id_: (account["debits"], account["credits"]) for id_, account in self.accounts.items()}

    def post(self, batch: list[Event]) -> list[str]:
        results: list[str] = []
        for chain in chains(batch):
            results += self._post_chain(chain)
        return results

    def _post_chain(self, chain: list[Event]) -> list[str]:
        is_open = chain[-1]["flags"] & LINKED
        if not is_open and all(self._answer(event) == "exists" for event in chain):
            return ["exists"] * len(chain)
        trial = deepcopy(self)
        results = []
        for event in chain[:-1] if is_open else chain:
            results.append(trial._post_one(event))
            if results[-1] != "created":
                break
        if not is_open and results[-1] == "created":
            self.accounts, self.transfers = trial.accounts, trial.transfers
            return results
        if len(chain) == 1:
            return results or ["linked_event_chain_open"]
        answers = ["linked_event_failed"] * len(chain)
        if results and results[-1] != "created":
            answers[len(results) - 1] = results[-1]
        if is_open:
            answers[-1] = "linked_event_chain_open"
        return answers

    def _post_one(self, event: Event) -> str:
        answer = self._answer(event)
        if answer == "created":
            self.accounts[event["debit_account_id"]]["debits"] += event["amount"]
            self.accounts[event["credit_account_id"]]["credits"] += event["amount"]
            self.transfers[event["id"]] = dict(event)
        return answer

    def _answer(self, event: Event) -> str:
        """What the event would be answered, standing alone."""
        if event["id"] == 0:
            return "id_must_not_be_zero"
        if (earlier := self.transfers.get(event["id"])) is not None:
            different = [field for field in FIELDS if event[field] != earlier[field]]
            return f"exists_with_different_{different[0]}" if different else "exists"
        return next((name for name, wrong in self._faults(event) if wrong), "created")

    def everything_wrong(self, event: Event) -> list[str]:
        """Every rule that the event breaks, in order of precedence, not only the first."""
        earlier = self.transfers.get(event["id"], event)
        different = [f"exists_with_different_{field}" for field in FIELDS if event[field] != earlier[field]]
        taken = [] if earlier is event else different or ["exists"]
        unnamed = ["id_must_not_be_zero"] if event["id"] == 0 else []
        return unnamed + taken + [name for name, wrong in self._faults(event) if wrong]

    def _faults(self, event: Event) -> list[tuple[str, bool]]:
        debit_id, credit_id = event["debit_account_id"], event["credit_account_id"]
        nobody = {"ledger": -1, "flags": 0, "debits": 0, "credits": 0}
        debit, credit = self.accounts.get(debit_id, nobody), self.accounts.get(credit_id, nobody)
        debits, credits_ = debit["debits"] + event["amount"], credit["credits"] + event["amount"]
        return [
            ("debit_account_id_must_not_be_zero", debit_id == 0),
            ("credit_account_id_must_not_be_zero", credit_id == 0),
            ("accounts_must_be_different", debit_id == credit_id),
            ("ledger_must_not_be_zero", event["ledger"] == 0),
            ("code_must_not_be_zero", event["code"] == 0),
            ("debit_account_not_found", debit_id not in self.accounts),
            ("credit_account_not_found", credit_id not in self.accounts),
            ("accounts_must_have_the_same_ledger", debit["ledger"] != credit["ledger"]),
            ("transfer_must_have_the_same_ledger_as_accounts", event["ledger"] != debit["ledger"]),
            ("debit_account_already_closed", bool(debit["flags"] & CLOSED)),
            ("credit_account_already_closed", bool(credit["flags"] & CLOSED)),
            ("overflows_debits", debits > LIMIT),
            ("overflows_credits", credits_ > LIMIT),
            ("exceeds_credits", bool(debit["flags"] & DEBITS_BOUND) and debits > debit["credits"]),
            ("exceeds_debits", bool(credit["flags"] & CREDITS_BOUND) and credits_ > credit["debits"]),
        ]


def chains(batch: list[Event]) -> list[list[Event]]:
    """The batch cut where an event is not linked to the next."""
    cut: list[list[Event]] = [[]]
    for event in batch:
        cut[-1].append(event)
        if not event["flags"] & LINKED:
            cut.append([])
    return [chain for chain in cut if chain]
