"""Bringing a ledger back from the JSON lines of an export; nothing in them is trusted.

Every line must be written exactly as the export writes it, every transfer is judged anew by the state
machine, and the counters that the accounts state must come out.  Who alters a file throughout, counters
included, makes another ledger that holds together: only the transparency of the original can tell the two.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

from ecny_tax import strict_json
from ecny_tax.clock import BEIJING, micros
from ecny_tax.errors import InvalidInputError, VerificationError, system_reason
from ecny_tax.identifiers import is_text
from ecny_tax.ledger.model import (
    MAX_BATCH,
    MAX_COUNTER,
    MAX_DISORDER,
    Account,
    AccountCode,
    AccountFlags,
    Ledger,
    Result,
    Transfer,
    TransferCode,
    TransferFlags,
)
from ecny_tax.ledger.state_machine import decide
from ecny_tax.store.export import JSONL_AMOUNTS, JSONL_FORMAT, JSONL_TIMES, JSONL_VERSION, canonical
from ecny_tax.store.journal import MAX_NAME
from ecny_tax.store.snapshot import AccountRow
from ecny_tax.store.transaction import Transaction

#: Limits of a file: bytes in a line, accounts (which are kept in memory) and transfers.
MAX_LINE = 4096
MAX_ACCOUNTS = 10**7
MAX_TRANSFERS = 10**9

_FIRST = micros(datetime(1980, 1, 1, tzinfo=BEIJING))
_END = micros(datetime(2201, 1, 1, tzinfo=BEIJING))
_BOUNDS = AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS | AccountFlags.CREDITS_MUST_NOT_EXCEED_DEBITS
_Line = dict[str, Any]
_Members = Mapping[str, Callable[[Any], bool]]


def read_lines(path: Path) -> Iterator[str]:
    """The lines of a file, each with its end and at most 4,096 bytes long; memory stays flat.

    Raises ``InvalidInputError`` (``input_file_unreadable``, ``ledger_file_malformed``).
    """
    number = 0
    try:
        with path.open("rb") as file:
            while line := file.readline(MAX_LINE + 1):
                number += 1
                yield _text(line, number)
    except OSError as error:
        raise InvalidInputError("input_file_unreadable", path=path, reason=system_reason(error)) from None


def _text(line: bytes, number: int) -> str:
    if len(line) > MAX_LINE:
        _malformed(number, f"it is longer than {MAX_LINE} bytes")
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        _malformed(number, "it is not UTF-8 text")


def restore(tx: Transaction, lines: Iterable[str]) -> None:
    """Write the ledger that the JSON lines hold into a database without accounts.

    Raises ``InvalidInputError`` (``ledger_file_malformed``, ``ledger_file_unknown``) for lines that no
    export wrote, and ``VerificationError`` (``ledger_file_inconsistent``) for a ledger that does not hold
    together: a transfer out of order, twice or refused by the ledger, counters that do not come out.
    """
    source = _Source(lines)
    header = source.header()
    stated = [source.account() for _ in range(header["accounts"])]
    restoring = _Restoring(tx, stated, source)
    restoring.play(header["transfers"])
    source.end()
    restoring.settle()
    tx.run("INSERT INTO meta VALUES ('imported_accounts', :last)", last=str(stated[-1].id if stated else 0))
    tx.run("INSERT INTO meta VALUES ('imported_transfers', :last)", last=str(header["transfers"]))


class _Source:
    """The lines one after the other, each judged by itself; ``number`` is the one that was read last."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._last_account = 0
        self._names: set[str] = set()
        self.number = 0

    def header(self) -> _Line:
        """The first line; a file of another kind or version is told apart from a malformed one."""
        line = self._parsed()
        if (line.get("format"), line.get("version")) != (JSONL_FORMAT, JSONL_VERSION):
            found = f"{line.get('format')} {line.get('version')}"
            raise InvalidInputError(
                "ledger_file_unknown", value=found, known=f"{JSONL_FORMAT} {JSONL_VERSION}"
            )
        return self._checked(line, _HEADER)

    def account(self) -> AccountRow:
        line = self._checked(self._parsed(), _ACCOUNT)
        account = AccountRow(**{name: line[name] for name in AccountRow._fields})
        if account.id <= self._last_account or account.name in self._names:
            raise _inconsistent(self.number, "the account is out of order, or its name is taken")
        self._last_account = account.id
        self._names.add(account.name)
        return account

    def transfer(self) -> _Line:
        return self._checked(self._parsed(), _TRANSFER)

    def end(self) -> None:
        for _ in self._lines:
            _malformed(self.number + 1, "the header says that the file ends before it")

    def _parsed(self) -> _Line:
        self.number += 1
        text = next(self._lines, None)
        if text is None:
            _malformed(self.number, "it is missing")
        if not text.endswith("\n") or len(text) > MAX_LINE:
            _malformed(self.number, "it is no whole line of text")
        try:
            line = strict_json.loads(text)
        except (ValueError, RecursionError):
            _malformed(self.number, "it is not JSON")
        if not isinstance(line, dict) or f"{canonical(line)}\n" != text:
            _malformed(self.number, "it is not an object in the canonical form of the export")
        return line

    def _checked(self, line: _Line, members: _Members) -> _Line:
        if line.keys() != members.keys():
            _malformed(self.number, "it has other members than it must have")
        for name, is_right in members.items():
            if not is_right(line[name]):
                _malformed(self.number, f"its {name} is not acceptable")
        return line


class _Restoring:
    """Accounts that start from zero, and the transfers that are played on them again."""

    def __init__(self, tx: Transaction, stated: Sequence[AccountRow], source: _Source) -> None:
        self._tx = tx
        self._stated = stated
        self._source = source
        self._newest_id = -1
        # Nobody knows any more when a closed account was closed: it is open until the journal ends.
        self._accounts = {a.id: Account(a.id, a.name, a.ledger, a.code, a.flags & _BOUNDS) for a in stated}

    def play(self, transfers: int) -> None:
        """Store the accounts, and the next ``transfers`` lines."""
        self._tx.run_many(
            "INSERT INTO account (id, name, ledger, code, flags, opened_at) VALUES (?, ?, ?, ?, ?, ?)",
            [(a.id, a.name, a.ledger, a.code, a.flags, a.opened_at) for a in self._stated],
        )
        self._tx.run_many(
            "INSERT INTO event (account_id, flags, after_seq, at) VALUES (?, ?, 0, ?)",
            [(a.id, a.flags, a.opened_at) for a in self._stated],
        )
        for first, batch in self._batches(transfers):
            self._post(first, batch)

    def settle(self) -> None:
        """Compare the counters that came out with those stated, and store them."""
        for place, stated in enumerate(self._stated):
            account = self._accounts[stated.id]
            if (account.debits, account.credits) != (stated.debits, stated.credits):
                raise _inconsistent(place + 2, "the transfers do not add up to its debits and credits")
        self._tx.run_many(
            "UPDATE account SET debits = ?, credits = ? WHERE id = ?",
            [(a.debits, a.credits, a.id) for a in self._stated],
        )

    def _batches(self, transfers: int) -> Iterator[tuple[int, list[_Line]]]:
        """The number of the first line and the transfers of each batch; no chain is cut in two."""
        batch: list[_Line] = []
        newest, linked = _FIRST, False
        for seq in range(1, transfers + 1):
            line = self._source.transfer()
            at = line["posted_at"]
            if line["seq"] != seq or at < newest - MAX_DISORDER or (linked and at != newest):
                raise _inconsistent(self._source.number, "the transfer is out of order")
            newest, linked = at, bool(line["flags"] & TransferFlags.LINKED)
            batch.append(line)
            if (len(batch) >= MAX_BATCH and not linked) or seq == transfers or len(batch) > 2 * MAX_BATCH:
                yield self._source.number - len(batch) + 1, batch
                batch = []

    def _post(self, first: int, batch: Sequence[_Line]) -> None:
        """Judge a batch anew and store it; every transfer of it must be one that the ledger creates."""
        wishes = [_transfer(line) for line in batch]
        touched = {t.debit_account_id for t in wishes} | {t.credit_account_id for t in wishes}
        known = {id_: self._accounts[id_] for id_ in touched if id_ in self._accounts}
        decision = decide(known, self._stored(wishes), wishes)
        for place, result in enumerate(decision.results):
            if result not in (Result.CREATED, Result.LINKED_EVENT_FAILED):
                raise _inconsistent(first + place, f"the ledger refuses the transfer ({result.value})")
        for id_, (debits, credits_) in decision.counters.items():
            was = self._accounts[id_]
            self._accounts[id_] = Account(id_, was.name, was.ledger, was.code, was.flags, debits, credits_)
        self._tx.run_many(
            "INSERT INTO transfer (seq, id, debit_account_id, credit_account_id, amount, ledger, code, flags,"
            " user_data, posted_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [_row(line) for line in batch],
        )
        self._newest_id = max(self._newest_id, *(wish.id for wish in wishes))

    def _stored(self, wishes: Sequence[Transfer]) -> dict[int, Transfer]:
        """The wishes that bear an id of an earlier batch; ids grow with time, so there are seldom any."""
        return {
            wish.id: wish
            for wish in wishes
            if wish.id <= self._newest_id
            and self._tx.row("SELECT 1 FROM transfer WHERE id = :id", id=wish.id.to_bytes(16, "big"))
        }


def _transfer(line: _Line) -> Transfer:
    return Transfer(
        int(line["id"], 16),
        line["debit"],
        line["credit"],
        line["amount"],
        line["ledger"],
        line["code"],
        line["flags"],
        line["user_data"],
    )


def _row(line: _Line) -> tuple[str | int | bytes, ...]:
    return (
        line["seq"],
        bytes.fromhex(line["id"]),
        line["debit"],
        line["credit"],
        line["amount"],
        line["ledger"],
        line["code"],
        line["flags"],
        line["user_data"],
        line["posted_at"],
    )


def _malformed(line: int, reason: str) -> NoReturn:
    raise InvalidInputError("ledger_file_malformed", line=line, reason=reason)


def _inconsistent(line: int, reason: str) -> VerificationError:
    return VerificationError("ledger_file_inconsistent", line=line, reason=reason)


# --- what the members of a line may be ---------------------------------------------------------------


def _whole(low: int, high: int) -> Callable[[Any], bool]:
    """Whole numbers from ``low`` up to ``high``; ``True`` is none."""
    return lambda value: type(value) is int and low <= value <= high


def _one_of(*values: int | str) -> Callable[[Any], bool]:
    return lambda value: type(value) is type(values[0]) and value in values


def _is_user_data(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MAX_NAME and is_text(value)


def _is_name(value: Any) -> bool:
    return _is_user_data(value) and bool(value)


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[0-9a-f]{32}", value) is not None


_COUNTER = _whole(0, MAX_COUNTER)
_TIME = _whole(_FIRST, _END - 1)
_ANY_LEDGER = _one_of(*map(int, Ledger))

_HEADER: _Members = {
    "accounts": _whole(0, MAX_ACCOUNTS),
    "amounts": _one_of(JSONL_AMOUNTS),
    "format": _one_of(JSONL_FORMAT),
    "times": _one_of(JSONL_TIMES),
    "transfers": _whole(0, MAX_TRANSFERS),
    "version": _one_of(JSONL_VERSION),
}
_ACCOUNT: _Members = {
    "type": _one_of("account"),
    "id": _whole(1, MAX_COUNTER),
    "name": _is_name,
    "ledger": _ANY_LEDGER,
    "code": _one_of(*map(int, AccountCode)),
    "flags": _whole(0, _BOUNDS | AccountFlags.CLOSED),
    "debits": _COUNTER,
    "credits": _COUNTER,
    "opened_at": _TIME,
}
_TRANSFER: _Members = {
    "type": _one_of("transfer"),
    "seq": _whole(1, MAX_TRANSFERS),
    "id": _is_id,
    "debit": _whole(1, MAX_COUNTER),
    "credit": _whole(1, MAX_COUNTER),
    "amount": _COUNTER,
    "ledger": _ANY_LEDGER,
    "code": _one_of(*map(int, TransferCode)),
    "flags": _whole(0, int(TransferFlags.LINKED)),
    "user_data": _is_user_data,
    "posted_at": _TIME,
}
