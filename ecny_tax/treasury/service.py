"""Collection and revenue accounts of treasuries, their day-end and their reports.

How this simulation does it, an assumption: a refund is paid in one linked batch out of the revenue accounts
of the budget levels that share the tax; the central bank turns that money into e-CNY.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from ecny_tax.clock import checked_day, from_micros
from ecny_tax.crypto.keyring import Keyring
from ecny_tax.ledger import chart
from ecny_tax.ledger.model import AccountCode, AccountFlags, Ledger, TransferCode
from ecny_tax.money import Fen
from ecny_tax.parties import service as parties
from ecny_tax.parties.model import Institution
from ecny_tax.store import Store, Transaction, journal
from ecny_tax.store.idempotency import Request, earlier_answer, remember
from ecny_tax.store.journal import Move, known_account
from ecny_tax.treasury import model, rows
from ecny_tax.treasury.model import Closing, Report, TreasuryDay, TreasuryState


class Treasury:
    """The treasuries (国库) of the scheme."""

    def __init__(self, store: Store, keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring

    def add(self, *, code: str, name: str, name_en: str = "") -> Institution:
        """Add a treasury of ten digits, with revenue accounts that open with the assumed balance.

        Raises ``InvalidInputError`` (``treasury_code_malformed``, ``name_malformed``) and
        ``ConflictError`` (``party_exists``).
        """
        with self._store.transaction() as tx:
            party = parties.add_treasury(tx, self._keyring, code=code, name=name, name_en=name_en)
            open_revenue_accounts(tx, code)
            return party

    def list(self) -> tuple[TreasuryState, ...]:
        """Every treasury: its last closed day, what waits, what is in doubt, what its levels hold."""
        with self._store.reading() as tx:
            return tuple(
                TreasuryState(
                    code,
                    zh,
                    en,
                    date.fromisoformat(day) if day else None,
                    waiting=Fen(held - in_doubt),
                    in_doubt=in_doubt,
                    revenue=revenue,
                )
                for code, zh, en, day, held, in_doubt, revenue in rows.states(tx)
            )

    def close(self, *, day: date, treasury: str | None = None, idempotency_key: str | None = None) -> Closing:
        """Close a day (日终报解) of a treasury (default: Heshan's), and every earlier open one.

        What was collected is allocated to the budget levels by the shares of the day of each payment, to the
        fen as receipts print it; from then on nothing enters that day.  A day that is closed answers the
        same again and moves nothing.  Raises ``treasury_day_in_future``, ``treasury_day_before_first``,
        ``treasury_not_found`` and ``date_malformed``.
        """
        from ecny_tax.treasury import closing

        checked_day(day)
        with self._store.transaction() as tx:
            code = _named(tx, treasury).code
            request = Request("treasury.close", code, idempotency_key, (day,))
            if (earlier := earlier_answer(tx, request, Closing)) is not None:
                return earlier
            return remember(tx, request, closing.close(tx, code, day))

    def days(self, *, treasury: str | None = None) -> tuple[TreasuryDay, ...]:
        """The closed days of a treasury (default: Heshan's), the oldest first."""
        with self._store.reading() as tx:
            code = _named(tx, treasury).code
            return tuple(
                TreasuryDay(code, date.fromisoformat(day), Fen(collected), from_micros(at))
                for day, collected, at in rows.days(tx, code)
            )

    def report(
        self,
        *,
        treasury: str | None = None,
        start: date | None = None,
        end: date | None = None,
        by: str = "day",
    ) -> Report:
        """What a treasury (default: Heshan's) collected and refunded from ``start`` to ``end``.

        By default from its first day to today; ``by`` is ``tax``, ``level``, ``day`` or ``month``.  Raises
        ``period_reversed``, ``report_by_unknown``, ``treasury_not_found`` and ``date_malformed``.
        """
        from ecny_tax.treasury import reporting

        for day in (start, end):
            if day is not None:
                checked_day(day)
        with self._store.reading() as tx:
            return reporting.report(tx, _named(tx, treasury), start=start, end=end, by=model.by_of(by))


def _named(tx: Transaction, treasury: str | None) -> Institution:
    """The treasury asked for, or the scheme's own; raises ``NotFoundError`` (``treasury_not_found``)."""
    return parties.treasury(tx, tx.rulebook.scheme.treasury.code if treasury is None else treasury)


def open_revenue_accounts(tx: Transaction, treasury: str) -> None:
    """One account a budget level, each with the opening balance that the rulebook states as assumed."""
    opening = known_account(tx, chart.OPENING)
    amount = tx.rulebook.scheme.revenue_opening
    moves = []
    for level in chart.LEVELS:
        account = journal.open_account(
            tx,
            name=chart.revenue(treasury, level),
            ledger=Ledger.DEPOSITS,
            code=AccountCode.TREASURY_REVENUE,
            flags=AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS,
        )
        moves.append(Move(opening.id, account, amount, Ledger.DEPOSITS, TransferCode.OPENING_BALANCE))
    journal.move(tx, moves, user_data=f"opening {treasury}")


def collection_account(tx: Transaction, operator: str, treasury: str, payer_account: int) -> int:
    """The account (待报解预算收入) on which an operator holds what it collected from a wallet for a treasury.

    Whoever asks moves money into it or out of it: raises ``RejectedError`` (``treasury_day_closed``).
    """
    check_open_day(tx, treasury)
    found = journal.account_named(tx, chart.collection(operator, treasury, payer_account))
    return open_collection_account(tx, operator, treasury, payer_account) if found is None else found.id


def open_collection_account(tx: Transaction, operator: str, treasury: str, payer_account: int) -> int:
    """Before the first payment through an operator into a treasury by a wallet like this one."""
    return journal.open_account(
        tx,
        name=chart.collection(operator, treasury, payer_account),
        ledger=Ledger.ECNY,
        code=AccountCode.COLLECTION,
        flags=AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS,
    )


def check_open_day(tx: Transaction, treasury: str) -> None:
    """Whether a treasury takes in and pays out today: ``RejectedError`` (``treasury_day_closed``)."""
    model.check_open_day(treasury, rows.closed_until(tx, treasury), today=tx.now.date())


def payout_moves(tx: Transaction, treasury: str, by_level: Mapping[str, Fen]) -> list[Move]:
    """The moves that take a refund out of the revenue accounts, into what backs the issued e-CNY.

    Raises ``RejectedError`` (``treasury_funds_insufficient``).
    """
    backing = known_account(tx, chart.BACKING)
    moves = []
    for level, share in by_level.items():
        if share:
            account = known_account(tx, chart.revenue(treasury, level))
            model.check_level(level, account.credit_balance, share)
            moves.append(
                Move(account.id, backing.id, share, Ledger.DEPOSITS, TransferCode.REVENUE_TO_BACKING)
            )
    return moves
