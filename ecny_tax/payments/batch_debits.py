"""Carrying out a part of a batch: what many lines need is loaded at once, each is decided by the rules of a
single debit, and what was decided is written at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ecny_tax import identifiers
from ecny_tax.agreements import rows as agreement_rows
from ecny_tax.crypto.keyring import Keyring
from ecny_tax.errors import NotFoundError, RejectedError
from ecny_tax.ledger.model import Ledger, Result, Transfer, TransferCode, TransferFlags
from ecny_tax.money import Fen
from ecny_tax.parties.model import Institution, InstitutionKind
from ecny_tax.payments import batch_model, debit_rows, debits, model, rows
from ecny_tax.payments.batch_file import BatchFile
from ecny_tax.payments.batch_model import Line, LineStatus, Outcome
from ecny_tax.payments.debit_model import OrderedFailure, outcome_unknown
from ecny_tax.payments.debits import Debit
from ecny_tax.payments.model import Payment, PaymentMode
from ecny_tax.store import Transaction, journal
from ecny_tax.taxes import rows as tax_rows
from ecny_tax.taxes.model import Bill, check_open
from ecny_tax.treasury import service as treasury
from ecny_tax.wallets import model as wallet_model
from ecny_tax.wallets import rows as wallet_rows
from ecny_tax.wallets import service as wallets
from ecny_tax.wallets.disclosure import disclose_payment
from ecny_tax.wallets.model import Wallet

_TAILS = 2**53
#: Lines that are looked at together while a failure waits, which may strike any of them.
_CAREFUL = 50
_TAX_PAYMENT, _ECNY, _NONE = int(TransferCode.TAX_PAYMENT), int(Ledger.ECNY), int(TransferFlags.NONE)


class RefusedByLedger(Exception):
    """The ledger, whose word is the last, refused some lines: they are to be left out (never leaves here)."""

    def __init__(self, results: dict[int, str]) -> None:
        super().__init__(results)
        self.results = results


def carry_out(
    tx: Transaction,
    keyring: Keyring,
    file: BatchFile,
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
        rest = lines[len(outcomes) :]
        if debit_rows.any_waits(tx):
            rest = rest[:_CAREFUL]
        stretch = _Stretch(tx, keyring, file, office, rest, first + len(outcomes), refused_by_ledger)
        outcomes += stretch.carried_out()
    return outcomes


@dataclass(frozen=True, slots=True)
class _Passed:
    """A line that passed every check, and the wallet as the payment leaves it."""

    number: int
    bill: Bill
    wallet: Wallet
    account: int
    agreement_no: str
    payer_id: str | None
    suffix: str

    @property
    def payment_no(self) -> str:
        return f"P{self.suffix}"


class _Stretch:
    """Some lines, up to the first that an ordered failure strikes."""

    def __init__(
        self,
        tx: Transaction,
        keyring: Keyring,
        file: BatchFile,
        office: Institution,
        lines: Sequence[Line],
        first: int,
        refused_by_ledger: Mapping[int, str],
    ) -> None:
        self._tx, self._keyring, self._batch, self._office = tx, keyring, file.batch, office
        self._lines, self._first, self._refused_by_ledger = lines, first, refused_by_ledger
        self._today, self._rules = tx.now.date(), tx.rulebook.on(tx.now.date()).wallets
        self._may_fail = debit_rows.any_waits(tx)
        self._bills = tax_rows.bills_among(tx, [line.bill_no for line in lines])
        agreed = {line.agreement_no for line in lines}
        self._agreements = agreement_rows.agreements_among(tx, sorted(agreed))
        named = sorted({agreement.wallet_id for agreement in self._agreements.values()})
        self._wallets = wallet_rows.wallets_among(tx, named)
        limited = [wallet_id for wallet_id in named if self._wallets[wallet_id].wallet_class is not None]
        self._spent = wallet_rows.spent_among(tx, limited, self._today) if limited else {}
        self._counted: dict[str, int] = {}  # what these lines spend, of each wallet that has limits
        custodians = (office.party, f"{InstitutionKind.TREASURY}:{office.treasury}")
        self._payers: dict[str, str | None] = {
            wallet_id: told[office.party]
            for wallet_id, told in wallet_rows.told_among(tx, named, *custodians).items()
            if len(told) == len(custodians)
        }
        self._accounts: dict[str, int] = {}
        self._passed: list[_Passed] = []
        self._tail = int.from_bytes(file.digest[:7], "big") >> 3

    def carried_out(self) -> list[Outcome]:
        """Decide and write; an outcome for each line that was looked at."""
        outcomes: list[Outcome] = []
        struck: tuple[_Passed, OrderedFailure] | None = None
        for number, line in enumerate(self._lines, self._first):
            try:
                passed, failure = self._decide(number, line)
            except (RejectedError, NotFoundError) as refusal:
                outcomes.append(Outcome(LineStatus.REFUSED, refusal.code))
                continue
            if failure is not None:
                struck = passed, failure
            if failure is None or not failure.leaves_in_doubt:
                self._passed.append(passed)
                receipt_no = self._receipt_no(passed)
                outcomes.append(Outcome(LineStatus.SETTLED, "", passed.payment_no, receipt_no))
            if struck is not None:
                break
        self._write()
        if struck is not None:
            outcomes += self._strike(*struck)
        return outcomes

    def _decide(self, number: int, line: Line) -> tuple[_Passed, OrderedFailure | None]:
        """What a single debit decides, in its order."""
        bill = self._bills.get(line.bill_no)
        if bill is None:
            raise NotFoundError("bill_not_found", bill_no=line.bill_no)
        agreement = self._agreements.get(line.agreement_no)
        if agreement is None:
            raise NotFoundError("agreement_not_found", agreement_no=line.agreement_no)
        wallet = self._wallets[agreement.wallet_id]
        check_open(bill)
        model.check_covers(agreement, bill)
        batch_model.check_line(self._batch, line, bill, agreement)
        amount = bill.total
        today, this_year = self._spent.get(wallet.wallet_id, (0, 0))
        limits = None if wallet.wallet_class is None else self._rules.wallet_class(wallet.wallet_class)
        # No sub-wallet signs agreements, so the wallet bears its limits itself.
        wallet_model.check_spending(
            wallet, wallet, amount, limits, spent_today=today, spent_this_year=this_year
        )
        account = self._account(wallet.operator)
        failure = None
        if self._may_fail:
            failure = debit_rows.next_failure(self._tx, operator=wallet.operator, wallet_id=wallet.wallet_id)
        if number in self._refused_by_ledger:
            raise RejectedError("ledger_refused", result=self._refused_by_ledger[number])
        payer_id = None if failure is not None and failure.leaves_in_doubt else self._payer(wallet)
        left = replace(wallet, balance=Fen(wallet.balance - amount))
        self._wallets[wallet.wallet_id] = left
        if limits is not None:
            self._spent[wallet.wallet_id] = (today + amount, this_year + amount)
            self._counted[wallet.wallet_id] = self._counted.get(wallet.wallet_id, 0) + amount
        # Of one batch numbers follow its lines: a run that was killed and goes on gives the same ones.
        suffix = identifiers.number("", self._tx.now, (self._tail + number) % _TAILS)
        return _Passed(number, bill, left, account, line.agreement_no, payer_id, suffix), failure

    def _account(self, operator: str) -> int:
        if operator not in self._accounts:
            self._accounts[operator] = treasury.collection_account(
                self._tx, operator, self._office.treasury or ""
            )
        return self._accounts[operator]

    def _payer(self, wallet: Wallet) -> str | None:
        """Tell authority and treasury who pays, where they do not know it; the authority's record of that."""
        if wallet.wallet_id not in self._payers:
            payer_id = disclose_payment(self._tx, self._keyring, wallet, self._office)
            self._payers[wallet.wallet_id] = payer_id
        return self._payers[wallet.wallet_id]

    def _receipt_no(self, passed: _Passed) -> str:
        return model.receipt_prefix(self._batch.authority) + passed.suffix

    def _write(self) -> None:
        """Move the money of the lines that passed, and write their payments."""
        tx, passed = self._tx, self._passed
        if self._counted:
            wallet_rows.add_spending_of(tx, self._today, self._counted)
        if not passed:
            return
        transfers = [
            Transfer(
                tx.ids.transfer_id(tx.now),
                one.wallet.account_id,
                one.account,
                one.bill.total,
                _ECNY,
                _TAX_PAYMENT,
                _NONE,
                one.payment_no,
            )
            for one in passed
        ]
        refused = {
            one.number: result.value
            for one, result in zip(passed, journal.post(tx, transfers), strict=True)
            if result is not Result.CREATED
        }
        if refused:
            raise RefusedByLedger(refused)
        rows.insert_many(
            tx,
            (
                (
                    self._payment(one),
                    one.payer_id,
                    transfer.id,
                    batch_model.authorisation(self._batch.batch_no, one.number),
                )
                for one, transfer in zip(passed, transfers, strict=True)
            ),
        )
        tax_rows.set_paid(tx, [one.bill for one in passed])

    def _payment(self, one: _Passed) -> Payment:
        return model.settled(
            one.bill,
            one.wallet,
            mode=PaymentMode.BATCH_DEBIT,
            payment_no=one.payment_no,
            receipt_no=self._receipt_no(one),
            agreement_no=one.agreement_no,
            fee=wallets.fee(self._tx, one.bill.total),
            at=self._tx.now,
            balance_after=one.wallet.balance,
        )

    def _strike(self, passed: _Passed, failure: OrderedFailure) -> list[Outcome]:
        """Let a failure strike: a line that is in doubt, or one that was paid and is debited again."""
        debit = Debit(
            passed.payment_no,
            passed.bill,
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
            raise RefusedByLedger({passed.number: str(refusal.values["result"])}) from None
        return [Outcome(LineStatus.IN_DOUBT, outcome_unknown(record).code, record.trace_no)]
