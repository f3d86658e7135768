"""Carrying out a part of a batch: what many lines need is loaded at once, each is decided by the rules of a
single debit, and what was decided is written at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from ecny_tax import identifiers
from ecny_tax.agreements import rows as agreement_rows
from ecny_tax.crypto.keyring import Keyring
from ecny_tax.errors import NotFoundError, RejectedError
from ecny_tax.ledger import chart
from ecny_tax.ledger.model import Ledger, Result, Transfer, TransferCode, TransferFlags
from ecny_tax.money import Fen, times
from ecny_tax.parties.model import Institution, InstitutionKind
from ecny_tax.payments import batch_model, debit_rows, debits, model, rows
from ecny_tax.payments.batch_file import BatchFile
from ecny_tax.payments.batch_model import Line, LineStatus, Outcome
from ecny_tax.payments.debit_model import OrderedFailure, outcome_unknown
from ecny_tax.payments.debits import Debit
from ecny_tax.payments.model import PaymentMode
from ecny_tax.payments.rows import NewPayment
from ecny_tax.store import Transaction, journal
from ecny_tax.taxes import bills
from ecny_tax.taxes import rows as tax_rows
from ecny_tax.taxes.model import DueBill, check_open
from ecny_tax.treasury import rows as treasury_rows
from ecny_tax.treasury import service as treasury
from ecny_tax.treasury.model import check_open_day
from ecny_tax.wallets import rows as wallet_rows
from ecny_tax.wallets import service as wallets
from ecny_tax.wallets.disclosure import disclose_payment
from ecny_tax.wallets.model import Spent, Wallet, check_funds, check_limits, check_may_spend

#: Lines that are looked at together while a failure waits, which may strike any of them.
_CAREFUL = 50
_NO_PAYMENT = ",,"  # the columns of its number and its receipt
_TAX_PAYMENT, _ECNY, _NONE = int(TransferCode.TAX_PAYMENT), int(Ledger.ECNY), int(TransferFlags.NONE)


class RefusedByLedger(Exception):
    """The ledger, whose word is the last, refused some lines: they are to be left out (never leaves here)."""

    def __init__(self, results: dict[int, str]) -> None:
        super().__init__(results)
        self.results = results


def carry_out(
    tx: Transaction,
    keyring: Keyring,
    file: BatchFile[Line],
    office: Institution,
    part: int,
    lines: Sequence[Line],
    refused_by_ledger: Mapping[int, str],
) -> list[Outcome]:
    """Debit what the lines of a part say, one after the other; what came of each.

    A line that is refused moves nothing, and hinders no other.  Raises ``RefusedByLedger``.
    """
    outcomes: list[Outcome] = []
    first = file.batch.first_line(part)
    while len(outcomes) < len(lines):
        may_fail = debit_rows.any_waits(tx)
        rest = lines[len(outcomes) :][: _CAREFUL if may_fail else None]
        stretch = _Stretch(
            tx, keyring, file, office, rest, first + len(outcomes), refused_by_ledger, may_fail
        )
        outcomes += stretch.carried_out()
    return outcomes


class _Passed(NamedTuple):
    """A line that passed every check."""

    number: int
    bill: DueBill
    wallet: Wallet
    balance_after: Fen
    account: int
    agreement_no: str
    payer_id: str | None
    payment_no: str
    receipt_no: str


class _Stretch:
    """Some lines, up to the first that an ordered failure strikes."""

    def __init__(
        self,
        tx: Transaction,
        keyring: Keyring,
        file: BatchFile[Line],
        office: Institution,
        lines: Sequence[Line],
        first: int,
        refused_by_ledger: Mapping[int, str],
        may_fail: bool,
    ) -> None:
        self._tx, self._keyring, self._batch, self._office = tx, keyring, file.batch, office
        self._lines, self._first = lines, first
        self._refused_by_ledger, self._may_fail = refused_by_ledger, may_fail
        self._today, self._rules = tx.now.date(), tx.rulebook.on(tx.now.date()).wallets
        self._treasury = office.treasury or ""
        self._closed_until = treasury_rows.closed_until(tx, self._treasury)
        self._bills = tax_rows.due_bills_among(tx, [line.bill_no for line in lines])
        self._mandates = agreement_rows.mandates_among(tx, list({line.agreement_no for line in lines}))
        named = list({mandate.wallet_id for mandate in self._mandates.values()})
        self._wallets = wallet_rows.wallets_among(tx, named)
        self._left: dict[str, Fen] = {}  # the balances of wallets that these lines have debited
        self._account_names = {
            wallet.account_id: chart.collection(wallet.operator, self._treasury, wallet.account_id)
            for wallet in self._wallets.values()
        }
        self._accounts = journal.ids_of(tx, list(set(self._account_names.values())))
        limited = [wallet_id for wallet_id in named if self._wallets[wallet_id].wallet_class is not None]
        self._spent = wallet_rows.spent_among(tx, limited, self._today) if limited else {}
        self._counted: dict[str, int] = {}  # what these lines spend, of each wallet that has limits
        custodians = (office.party, f"{InstitutionKind.TREASURY}:{office.treasury}")
        self._told = wallet_rows.told_among(tx, named, *custodians)
        self._by_authority, self._by_treasury = custodians
        self._passed: list[_Passed] = []
        # Of one batch numbers follow its lines: a run that was killed and goes on gives the same ones.
        tail = (int.from_bytes(file.digest[:7], "big") >> 4) + first
        self._suffixes = identifiers.numbers(tx.now, tail, len(lines))
        self._receipt_prefix = model.receipt_prefix(office.code)

    def carried_out(self) -> list[Outcome]:
        """Decide and write; an outcome for each line that was looked at."""
        outcomes: list[Outcome] = []
        struck: tuple[_Passed, OrderedFailure] | None = None
        for number, line in enumerate(self._lines, self._first):
            try:
                passed, failure = self._decide(number, line)
            except (RejectedError, NotFoundError) as refusal:
                outcomes.append(Outcome(LineStatus.REFUSED, refusal.code, _NO_PAYMENT))
                continue
            if failure is None or not failure.leaves_in_doubt:
                self._passed.append(passed)
                outcomes.append(Outcome(LineStatus.SETTLED, "", f",{passed.payment_no},{passed.receipt_no}"))
            if failure is not None:
                struck = passed, failure
                break
        self._write()
        if struck is not None:
            outcomes += self._strike(*struck)
        return outcomes

    def _decide(self, number: int, line: Line) -> tuple[_Passed, OrderedFailure | None]:
        """What a single debit decides, in its order."""
        bill, mandate = self._bills.get(line.bill_no), self._mandates.get(line.agreement_no)
        if bill is None:
            raise NotFoundError("bill_not_found", bill_no=line.bill_no)
        if mandate is None:
            raise NotFoundError("agreement_not_found", agreement_no=line.agreement_no)
        check_open(bill)
        model.check_covers(mandate, bill)
        batch_model.check_line(self._batch, line, bill, mandate)
        wallet, amount = self._wallets[mandate.wallet_id], bill.total
        balance = self._left.get(mandate.wallet_id, wallet.balance)
        check_may_spend(wallet)
        if wallet.wallet_class is not None:  # no sub-wallet signs agreements: it bears its limits itself
            limits = self._rules.wallet_class(wallet.wallet_class)
            check_limits(wallet, amount, limits, self._spent[wallet.wallet_id])
        if balance < amount:  # what is told of it is up to the rule
            check_funds(replace(wallet, balance=balance), amount)
        check_open_day(self._treasury, self._closed_until, today=self._today)
        if number in self._refused_by_ledger:
            raise RejectedError("ledger_refused", result=self._refused_by_ledger[number])
        failure = debit_rows.next_failure(self._tx, wallet.wallet_id) if self._may_fail else None
        in_doubt = failure is not None and failure.leaves_in_doubt
        suffix = self._suffixes[number - self._first]
        passed = _Passed(
            number,
            bill,
            wallet,
            Fen(balance - amount),
            self._account(wallet),
            line.agreement_no,
            None if in_doubt else self._payer(wallet),
            "P" + suffix,
            self._receipt_prefix + suffix,
        )
        self._left[wallet.wallet_id] = passed.balance_after  # nothing refuses it any more
        if wallet.wallet_class is not None:
            self._count(wallet.wallet_id, amount)
        return passed, failure

    def _count(self, wallet_id: str, amount: int) -> None:
        today, this_year = self._spent[wallet_id]
        self._spent[wallet_id] = Spent(today + amount, this_year + amount)
        self._counted[wallet_id] = self._counted.get(wallet_id, 0) + amount

    def _account(self, wallet: Wallet) -> int:
        """Where the wallet's payment is collected; opened before the first."""
        name = self._account_names[wallet.account_id]
        if name not in self._accounts:
            self._accounts[name] = treasury.open_collection_account(
                self._tx, wallet.operator, self._treasury, wallet.account_id
            )
        return self._accounts[name]

    def _payer(self, wallet: Wallet) -> str | None:
        """Tell authority and treasury who pays, where they do not know it; the authority's record of that."""
        by_authority = self._told.get((wallet.wallet_id, self._by_authority))
        by_treasury = self._told.get((wallet.wallet_id, self._by_treasury))
        if by_authority is None or by_treasury is None:
            told = by_authority, by_treasury
            by_authority = disclose_payment(self._tx, self._keyring, wallet, self._office, told)
            for custodian in (self._by_authority, self._by_treasury):
                self._told[wallet.wallet_id, custodian] = by_authority or ""
        return by_authority

    def _write(self) -> None:
        """Move the money of the lines that passed, and write their payments."""
        tx, passed = self._tx, self._passed
        if self._counted:
            wallet_rows.add_spending_of(tx, self._today, self._counted)
        if not passed:
            return
        ids = tx.ids.transfer_ids(tx.now, len(passed))
        refused = {
            one.number: result.value
            for one, result in zip(passed, journal.post(tx, list(map(_transfer, ids, passed))), strict=True)
            if result is not Result.CREATED
        }
        if refused:
            raise RefusedByLedger(refused)
        rows.insert_many(tx, PaymentMode.BATCH_DEBIT, self._payments(ids))
        tax_rows.set_paid(tx, [one.bill for one in passed])

    def _payments(self, ids: Sequence[int]) -> list[NewPayment]:
        rate, batch_no = wallets.fee_rate(self._tx), self._batch.batch_no
        return [
            NewPayment(
                one.payment_no,
                one.bill.bill_no,
                one.wallet.wallet_id,
                one.payer_id,
                one.agreement_no,
                one.bill.total,
                one.bill.late_fee,
                times(one.bill.total, rate),
                one.balance_after,
                one.receipt_no,
                transfer_id.to_bytes(16, "big"),
                batch_model.authorisation(batch_no, one.number),
            )
            for transfer_id, one in zip(ids, self._passed, strict=True)
        ]

    def _strike(self, passed: _Passed, failure: OrderedFailure) -> list[Outcome]:
        """Let a failure strike: a line that is in doubt, or one that was paid and is debited again."""
        debit = Debit(
            passed.payment_no,
            bills.load(self._tx, passed.bill.bill_no),
            passed.wallet,
            passed.account,
            PaymentMode.BATCH_DEBIT,
            passed.agreement_no,
            batch_model.authorisation(self._batch.batch_no, passed.number),
        )
        try:
            if not failure.leaves_in_doubt:
                debits.deliver_again(self._tx, debit, failure)
                return []
            record = debits.leave_in_doubt(self._tx, debit, failure)
        except RejectedError as refusal:
            if refusal.code != "ledger_refused":
                raise
            raise RefusedByLedger({passed.number: str(refusal.values["result"])}) from None
        return [Outcome(LineStatus.IN_DOUBT, outcome_unknown(record).code, f",{record.trace_no},")]


def _transfer(transfer_id: int, one: _Passed) -> Transfer:
    return Transfer(
        transfer_id,
        one.wallet.account_id,
        one.account,
        one.bill.total,
        _ECNY,
        _TAX_PAYMENT,
        _NONE,
        one.payment_no,
    )
