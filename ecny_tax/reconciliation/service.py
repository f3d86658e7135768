"""Ordering failures, comparing what treasury, operator and ledger have of a day, and mending it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from pathlib import Path

from ecny_tax.clock import checked_day
from ecny_tax.crypto.keyring import Keyring
from ecny_tax.errors import InvalidInputError, NotFoundError
from ecny_tax.parties import service as parties
from ecny_tax.payments import debit_model, debit_rows
from ecny_tax.payments.debit_model import FailureStatus, OrderedFailure
from ecny_tax.reconciliation import files, mends, model, rows
from ecny_tax.reconciliation.model import (
    Asked,
    Difference,
    Mended,
    Pair,
    PairClass,
    Reconciliation,
    Scope,
    Side,
)
from ecny_tax.store import Store, Transaction
from ecny_tax.store.idempotency import Request, earlier_answer, remember
from ecny_tax.wallets import service as wallets


class Reconciliations:
    """Reconciliation (对账) of treasury, operator and ledger.  Days are those of Beijing, amounts in fen."""

    def __init__(self, store: Store, keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring

    def order_failure(
        self, *, kind: str, operator: str | None = None, wallet_id: str | None = None, count: int = 1
    ) -> OrderedFailure:
        """Let the next ``count`` debits by ``pay`` go wrong, of an operator or wallet or (by default) of any.

        Kinds: ``answer_lost``, ``answer_late``, ``delivered_twice``, ``operator_outage``,
        ``operator_rollback``, ``both_failed``; and ``wallet_closes``, which strikes refunds: the wallet is
        emptied and closed after the review, so that the treasury's credit fails.  Raises
        ``failure_kind_unknown``, ``failure_times_malformed``, ``operator_unknown`` and ``wallet_not_found``.
        """
        what = debit_model.checked_kind(kind)
        debit_model.check_times(count)
        with self._store.transaction() as tx:
            bank = None if operator is None else parties.operator(tx, operator).code
            wallet = None if wallet_id is None else wallets.load(tx, wallet_id).wallet_id
            number = tx.ids.number("F", tx.now)
            failure = OrderedFailure(number, what, bank, wallet, count, count, FailureStatus.WAITING, tx.now)
            debit_rows.insert_failure(tx, failure)
            return failure

    def failures(self) -> tuple[OrderedFailure, ...]:
        """Every failure that was ordered, oldest first."""
        with self._store.reading() as tx:
            return tuple(debit_rows.failures(tx))

    def cancel_failure(self, *, failure_no: str) -> OrderedFailure:
        """Take back what still waits; raises ``failure_not_found`` and ``failure_is_over``."""
        with self._store.transaction() as tx:
            failure = _failure(tx, failure_no)
            debit_model.check_waiting(failure)
            debit_rows.set_cancelled(tx, failure_no)
            return _failure(tx, failure_no)

    def reconcile(
        self, *, entrust_date: date, treasury: str | None = None, operator: str | None = None
    ) -> Reconciliation:
        """Compare the books of treasury, operator and ledger of a day, and propose a mend for each
        difference.

        Raises ``date_malformed``, ``operator_unknown`` and ``treasury_not_found``.
        """
        day = checked_day(entrust_date)
        with self._store.reading() as tx:
            return _compared(tx, _asked(tx, day, treasury, operator))

    def mend(
        self,
        *,
        entrust_date: date,
        treasury: str | None = None,
        operator: str | None = None,
        idempotency_key: str | None = None,
    ) -> Reconciliation:
        """Do the proposed mends in one transaction, and compare again.

        ``mends`` says what was done about each; what cannot be done today is left, with the code of its
        refusal (``treasury_day_closed``).
        """
        day = checked_day(entrust_date)
        with self._store.transaction() as tx:
            asked = _asked(tx, day, treasury, operator)
            content = (day, asked.treasury, asked.operator)
            request = Request("reconcile", asked.treasury or "", idempotency_key, content)
            if (earlier := earlier_answer(tx, request, Reconciliation)) is not None:
                return earlier
            done = []
            for pair in _differing(tx, asked):
                debit, how = debit_rows.record(tx, pair.known.trace_no), model.mend_of(pair)
                if how is not None and debit is not None and debit.outcome is None:
                    done.append(mends.mend(tx, self._keyring, debit, how[0]))
            return remember(tx, request, _compared(tx, asked, tuple(done)))

    def export(
        self, *, entrust_date: date, side: str, treasury: str | None = None, operator: str | None = None
    ) -> Iterator[str]:
        """What a side has of a day, as the lines of a CSV file that :meth:`reconcile_files` reads.

        Raises ``reconciliation_side_unknown`` and what :meth:`reconcile` raises.
        """
        which, day = model.checked_side(side), checked_day(entrust_date)
        with self._store.reading() as tx:
            asked = _asked(tx, day, treasury, operator)
        return self._lines(which, asked)

    def _lines(self, side: Side, asked: Asked) -> Iterator[str]:
        with self._store.reading() as tx:
            yield from files.lines(rows.view(tx, side, asked))

    def reconcile_files(
        self,
        *,
        entrust_date: date,
        treasury_file: Path | None = None,
        operator_file: Path | None = None,
        treasury: str | None = None,
        operator: str | None = None,
        progress: Callable[[int], None] = lambda _: None,
    ) -> Reconciliation:
        """Compare the file of a treasury with that of an operator, or either with this sandbox's ledger.

        With ``treasury`` those of its tax authorities in this database are compared, and no others.
        Records of one key are one debit, whatever else they say: ``details_differ`` names that.
        ``progress`` is told the bytes read.  Memory stays flat, whatever the files hold.  Raises
        ``InvalidInputError``: ``reconciliation_without_files``, ``reconciliation_file_malformed``,
        ``reconciliation_file_too_large``, ``input_file_unreadable``; ``UnavailableError`` (``disk_full``).
        """
        day = checked_day(entrust_date)
        if treasury_file is None and operator_file is None:
            raise InvalidInputError("reconciliation_without_files")
        with files.Sorted() as scratch:
            read = 0
            for side, path in ((Side.TREASURY, treasury_file), (Side.OPERATOR, operator_file)):
                if path is not None:
                    read = scratch.load(side, path, start=read, progress=progress)
            with self._store.reading() as tx:
                asked = _asked(tx, day, treasury, operator)
                covered = None  # a file that names no operator is the whole of an outage
                if operator_file is not None:
                    covered = frozenset(scratch.operators()) or None
                if asked.operator is not None:
                    covered = frozenset((asked.operator,))
                authorities = None if asked.treasury is None else parties.authorities_of(tx, asked.treasury)
                everybody = Asked(day)  # what lies outside is told from what a side lacks
                of_treasury, of_operator = (
                    rows.view(tx, Side.LEDGER, everybody) if path is None else scratch.entries(side)
                    for side, path in ((Side.TREASURY, treasury_file), (Side.OPERATOR, operator_file))
                )
                found = model.pairs(of_treasury, of_operator)
                return _result(found, asked, Scope(day, covered, authorities), three_way=False)


def _failure(tx: Transaction, failure_no: str) -> OrderedFailure:
    found = debit_rows.failure(tx, failure_no)
    if found is None:
        raise NotFoundError("failure_not_found", failure_no=failure_no)
    return found


def _asked(tx: Transaction, day: date, treasury: str | None, operator: str | None) -> Asked:
    return Asked(
        day,
        None if treasury is None else parties.treasury(tx, treasury).code,
        None if operator is None else parties.operator(tx, operator).code,
    )


def _pairs(tx: Transaction, asked: Asked) -> Iterator[Pair]:
    """The three views of a day brought together."""
    return model.pairs(*(rows.view(tx, side, asked) for side in Side))


def _differing(tx: Transaction, asked: Asked) -> list[Pair]:
    scope = Scope(asked.entrust_date)
    return [
        pair
        for pair in _pairs(tx, asked)
        if model.differs(pair, model.class_of(pair, scope), scope, three_way=True)
    ]


def _compared(tx: Transaction, asked: Asked, done: tuple[Mended, ...] = ()) -> Reconciliation:
    return _result(_pairs(tx, asked), asked, Scope(asked.entrust_date), three_way=True, done=done)


def _result(
    found: Iterable[Pair],
    asked: Asked,
    scope: Scope,
    *,
    three_way: bool,
    done: tuple[Mended, ...] = (),
) -> Reconciliation:
    """Count the classes and list what differs; of foreign records no mend is proposed."""
    counts: dict[PairClass, int] = {}
    listed: list[Difference] = []
    left_out = 0
    for pair in found:
        which = model.class_of(pair, scope)
        counts[which] = counts.get(which, 0) + 1
        if not model.differs(pair, which, scope, three_way=three_way):
            continue
        if len(listed) < model.MAX_LISTED:
            listed.append(model.difference(pair, which, mendable=three_way))
        else:
            left_out += 1
    return Reconciliation(
        ok=not listed,
        entrust_date=asked.entrust_date,
        treasury=asked.treasury,
        operator=asked.operator,
        compared=sum(counts.values()) - counts.get(PairClass.NOT_COMPARED, 0),
        classes=model.counted(counts),
        differences=tuple(listed),
        left_out=left_out,
        mends=done,
    )
