"""Quoting taxes, declaring them, and the bills that come of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from ecny_tax.errors import InvalidInputError, NotFoundError, RejectedError
from ecny_tax.money import Fen, positive
from ecny_tax.parties import service as parties
from ecny_tax.parties.model import Taxpayer
from ecny_tax.rulebook import Side
from ecny_tax.store import Store, Transaction
from ecny_tax.taxes import income_tax, model, rows, stamp_duty
from ecny_tax.taxes.income_tax import AnnualReturn, AnnualSettlement
from ecny_tax.taxes.model import Bill, BillStatus, Tax
from ecny_tax.taxes.stamp_duty import StampDutyItem, StampDutyQuote

#: Answers whose wallet it is; the wallets' room stands on the same floor, so it is handed in.
TaxpayerOf = Callable[[Transaction, str], Taxpayer]


class Taxes:
    """Quotes, declarations (申报) and bills (应征凭证).  Amounts are in fen."""

    def __init__(self, store: Store, taxpayer_of: TaxpayerOf) -> None:
        self._store = store
        self._taxpayer_of = taxpayer_of

    def stamp_duty_items(self, *, on: date | None = None) -> tuple[StampDutyItem, ...]:
        """The items (税目) in force on a day (default: today)."""
        return stamp_duty.items(self._store.rulebook.on(on or self._today()))

    def quote_stamp_duty(
        self,
        *,
        item: str,
        base: Fen,
        on: date | None = None,
        half_relief: bool = False,
        side: Side | None = None,
    ) -> StampDutyQuote:
        """The stamp duty on one document dated ``on`` (default: today); declares nothing."""
        rules = self._store.rulebook.on(on or self._today())
        return stamp_duty.quote(rules, item=item, base=base, half_relief=half_relief, side=side)

    def quote_income_tax(self, *, annual_return: AnnualReturn) -> AnnualSettlement:
        """The annual settlement (汇算清缴) that a return comes to; declares nothing."""
        return income_tax.settle(annual_return, book=self._store.rulebook)

    def declare_stamp_duty(
        self,
        *,
        wallet_id: str,
        item: str,
        base: Fen,
        on: date | None = None,
        half_relief: bool = False,
        side: Side | None = None,
        authority: str | None = None,
    ) -> Bill:
        """Declare a document for the holder of a wallet; the bill falls due after the document's quarter.

        Raises what :meth:`quote_stamp_duty` raises, ``wallet_without_name`` and ``nothing_to_pay``.
        """
        with self._store.transaction() as tx:
            taxpayer = self._taxpayer_of(tx, wallet_id)
            return declare_stamp_duty(
                tx,
                taxpayer,
                item=item,
                base=base,
                on=on,
                half_relief=half_relief,
                side=side,
                authority=authority,
            )

    def declare_income_tax(
        self, *, wallet_id: str, annual_return: AnnualReturn, authority: str | None = None
    ) -> Bill:
        """Declare a year's comprehensive income for the holder of a personal wallet, to pay what is due.

        Raises ``nothing_to_pay`` where nothing is due or a refund is (apply for that instead),
        ``taxpayer_is_not_a_person``, ``annual_settlement_not_open`` and ``annual_settlement_exists``.
        """
        with self._store.transaction() as tx:
            taxpayer = self._taxpayer_of(tx, wallet_id)
            return _declare_income_tax(tx, taxpayer, annual_return, authority)

    def declare_other(self, *, wallet_id: str, code: str, amount: Fen, authority: str | None = None) -> Bill:
        """Declare any other tax by its collection code (征收项目) with the amount given."""
        positive(amount)
        with self._store.transaction() as tx:
            taxpayer = self._taxpayer_of(tx, wallet_id)
            today = tx.now.date()
            item = tx.rulebook.on(today).taxes.collection_item(code)
            if item.code in (model.STAMP_DUTY_CODE, model.INCOME_TAX_CODE):
                raise InvalidInputError("tax_declared_by_name", value=code)
            start, end = model.month_of(today)
            return _insert(
                tx,
                taxpayer,
                tax=Tax.OTHER,
                code=item.code,
                amount=amount,
                authority=authority,
                period=(start, end),
                due=model.due_after(end),
                citation=item.citation,
                evidence=item.evidence,
            )

    def bill(self, *, bill_no: str) -> Bill:
        """One bill; raises ``NotFoundError`` (``bill_not_found``)."""
        with self._store.reading() as tx:
            return load(tx, bill_no)

    def bills(self) -> tuple[Bill, ...]:
        """Every bill, oldest first."""
        with self._store.reading() as tx:
            return tuple(rows.bills(tx))

    def cancel(self, *, bill_no: str) -> Bill:
        """Cancel an open bill (作废)."""
        with self._store.transaction() as tx:
            model.check_open(load(tx, bill_no))
            rows.set_status(tx, bill_no, BillStatus.CANCELLED)
            reopen_year(tx, bill_no)
            return load(tx, bill_no)

    def _today(self) -> date:
        with self._store.reading() as tx:
            return tx.now.date()


def set_paid(tx: Transaction, bill: Bill) -> None:
    """The bill has its settlement."""
    rows.set_status(tx, bill.bill_no, BillStatus.PAID)


def set_open(tx: Transaction, bill: Bill) -> None:
    """The bill's settlement was reversed."""
    rows.set_status(tx, bill.bill_no, BillStatus.OPEN)


def load(tx: Transaction, bill_no: str) -> Bill:
    """The bill of that number; raises ``NotFoundError`` (``bill_not_found``)."""
    bill = rows.bill(tx, bill_no)
    if bill is None:
        raise NotFoundError("bill_not_found", bill_no=bill_no)
    return bill


def declare_stamp_duty(
    tx: Transaction,
    taxpayer: Taxpayer,
    *,
    item: str,
    base: Fen,
    on: date | None,
    half_relief: bool,
    side: Side | None,
    authority: str | None,
) -> Bill:
    """Declare a document; the day of the document selects the rule."""
    document_date = on or tx.now.date()
    rules = tx.rulebook.on(document_date)
    quote = stamp_duty.quote(rules, item=item, base=base, half_relief=half_relief, side=side)
    # Securities are declared by the week, within five days of its end; documents by the quarter here.
    weekly = quote.item == "securities"
    period = model.week_of(document_date) if weekly else model.quarter_of(document_date)
    return _insert(
        tx,
        taxpayer,
        tax=Tax.STAMP_DUTY,
        code=model.STAMP_DUTY_CODE,
        item=quote.item,
        base=quote.base,
        rate=quote.rate,
        amount=quote.tax,
        authority=authority,
        period=period,
        due=model.due_after(period[1], 5 if weekly else 15),
        citation=quote.citation,
        evidence=quote.evidence,
    )


def settle_in_full(tx: Transaction, annual_return: AnnualReturn) -> AnnualSettlement:
    """The settlement of a whole year's return; a what-if (``base_taxable``) cannot be declared."""
    if annual_return.base_taxable is not None:
        raise InvalidInputError("return_is_partial")
    return income_tax.settle(annual_return, book=tx.rulebook)


def settle_year(tx: Transaction, taxpayer: Taxpayer, tax_year: int, record: str) -> None:
    """Note that the bill or refund ``record`` settles the year; a person does that once, from the first of
    March that follows it.  Raises ``taxpayer_is_not_a_person``, ``annual_settlement_not_open`` and
    ``annual_settlement_exists``."""
    if not taxpayer.is_person:
        raise RejectedError("taxpayer_is_not_a_person")
    opens, _closes = income_tax.settlement_window(tax_year, book=tx.rulebook)
    if tx.now.date() < opens:
        raise RejectedError("annual_settlement_not_open", year=tax_year, opens=opens)
    earlier = rows.settled_by(tx, taxpayer.subject_id, tax_year)
    if earlier is not None:
        raise RejectedError("annual_settlement_exists", year=tax_year, record=earlier)
    rows.insert_annual_settlement(tx, taxpayer.subject_id, tax_year, record)


def reopen_year(tx: Transaction, record: str) -> None:
    """The bill or refund that settled a year came to nothing: the person may settle it anew."""
    rows.delete_annual_settlement(tx, record)


def _declare_income_tax(
    tx: Transaction, taxpayer: Taxpayer, annual_return: AnnualReturn, authority: str | None
) -> Bill:
    year = annual_return.tax_year
    settlement = settle_in_full(tx, annual_return)
    _opens, closes = income_tax.settlement_window(year, book=tx.rulebook)
    bill = _insert(
        tx,
        taxpayer,
        tax=Tax.INCOME_TAX,
        code=model.INCOME_TAX_CODE,
        base=settlement.taxable,
        amount=settlement.due,
        authority=authority,
        period=(date(year, 1, 1), date(year, 12, 31)),
        due=model.due_after(closes, 0),
        citation=settlement.citation,
        evidence=settlement.evidence,
    )
    settle_year(tx, taxpayer, year, bill.bill_no)
    return bill


def _insert(
    tx: Transaction,
    taxpayer: Taxpayer,
    *,
    tax: Tax,
    code: str,
    amount: Fen,
    authority: str | None,
    period: tuple[date, date],
    due: date,
    citation: str,
    evidence: str,
    item: str | None = None,
    base: Fen | None = None,
    rate: str | None = None,
) -> Bill:
    if amount == 0:
        raise RejectedError("nothing_to_pay", tax=tax)
    office = parties.tax_authority(tx, authority)
    bill = Bill(
        bill_no=tx.ids.number("B", tx.now),
        tax=tax,
        code=code,
        item=item,
        base=base,
        rate=rate,
        amount=amount,
        authority=office.code,
        period_start=period[0],
        period_end=period[1],
        due_date=due,
        citation=citation,
        evidence=evidence,
        status=BillStatus.OPEN,
        declared_at=tx.now,
        identity_id=taxpayer.identity_id,
        subject_id=taxpayer.subject_id,
    )
    rows.insert(tx, bill)
    return bill
