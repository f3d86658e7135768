"""Quoting taxes, declaring them, and the bills that come of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import TYPE_CHECKING

from ecny_tax.clock import checked_day
from ecny_tax.crypto.keyring import Keyring
from ecny_tax.errors import EcnyTaxError, InvalidInputError
from ecny_tax.money import Fen, positive
from ecny_tax.parties.model import Taxpayer
from ecny_tax.rulebook import Rules, Side
from ecny_tax.store import Store, Transaction
from ecny_tax.taxes import bills, model, rows, settlements, stamp_duty, surcharges, withholding_records
from ecny_tax.taxes.business import business_tax
from ecny_tax.taxes.explanation import explain
from ecny_tax.taxes.income_tax import AnnualReturn, AnnualSettlement
from ecny_tax.taxes.model import Bill, BillStatus, Tax
from ecny_tax.taxes.nonresident import nonresident_bonus_tax, nonresident_month_tax
from ecny_tax.taxes.stamp_duty import StampDutyItem, StampDutyQuote
from ecny_tax.taxes.stamp_duty_base import TaxBase
from ecny_tax.taxes.steps import ExplainedTax, Step
from ecny_tax.taxes.surcharges import SurchargeQuote
from ecny_tax.taxes.withholding import (
    PayKind,
    WageMonth,
    WageWithholding,
    withhold_payment,
    withhold_wages,
)
from ecny_tax.taxes.withholding_records import Withholding, WithholdingStatement

if TYPE_CHECKING:
    from ecny_tax.taxes.checking import CaseReport, Hint
    from ecny_tax.taxes.household import Claim, HouseholdDeductions

#: Answers whose wallet it is, and tells the authority; the wallets' room stands on the same floor, so it is
#: handed in.
TaxpayerOf = Callable[[Transaction, Keyring, str, str | None], Taxpayer]


class Taxes:
    """Quotes, declarations (申报) and bills (应征凭证).  Amounts are in fen."""

    def __init__(self, store: Store, keyring: Keyring, taxpayer_of: TaxpayerOf) -> None:
        self._store = store
        self._keyring = keyring
        self._taxpayer_of = taxpayer_of

    def rules(self, *, on: date | None = None) -> Rules:
        """The rules of this simulation in force on a day (default: today): the functions of
        ``taxes.stamp_duty_base`` and ``taxes.stamp_duty_documents`` take them.

        Raises ``InvalidInputError`` (``date_malformed``) for what is no date, such as text or a time.
        """
        return self._store.rulebook.on(self._today() if on is None else checked_day(on))

    def stamp_duty_items(self, *, on: date | None = None) -> tuple[StampDutyItem, ...]:
        """The items (税目) in force on a day (default: today)."""
        return stamp_duty.items(self.rules(on=on))

    def quote_stamp_duty(
        self,
        *,
        item: str,
        base: Fen | TaxBase | None = None,
        on: date | None = None,
        half_relief: bool = False,
        side: Side | None = None,
        pieces: int | None = None,
        taxpayer_kind: str | None = None,
        exemption: str | None = None,
    ) -> StampDutyQuote:
        """The stamp duty on one document dated ``on`` (default: today); declares nothing.

        See ``taxes.stamp_duty.quote`` for the arguments, ``taxes.stamp_duty_base`` for a base with VAT or in
        another currency, and ``taxes.stamp_duty_documents`` for account books, transfers of equity, several
        items, documents or parties, and amendments.
        """
        return stamp_duty.quote(
            self.rules(on=on),
            item=item,
            base=base,
            half_relief=half_relief,
            side=side,
            pieces=pieces,
            taxpayer_kind=taxpayer_kind,
            exemption=exemption,
        )

    def quote_income_tax(self, *, annual_return: AnnualReturn) -> AnnualSettlement:
        """The annual settlement (汇算清缴) that a return comes to, with its steps; declares nothing."""
        return explain(annual_return, book=self._store.rulebook)

    def quote_surcharges(
        self, *, paid: Fen, place: str = "city", half_relief: bool = False, on: date | None = None
    ) -> tuple[SurchargeQuote, ...]:
        """The surcharges (附加税费) on ``paid`` fen of VAT and consumption tax; declares nothing."""
        return surcharges.quotes(self.rules(on=on), paid=paid, place=place, half_relief=half_relief)

    def quote_wage_withholding(
        self,
        *,
        months: Sequence[WageMonth],
        tax_year: int,
        first_wage_of_year: bool = False,
        annual_60000_from_january: bool = False,
    ) -> WageWithholding:
        """What is withheld (预扣预缴) on the wages of a year, month by month; declares nothing."""
        return withhold_wages(
            months,
            tax_year=tax_year,
            first_wage_of_year=first_wage_of_year,
            annual_60000_from_january=annual_60000_from_january,
            book=self._store.rulebook,
        )

    def quote_payment_withholding(self, *, kind: PayKind, amount: Fen, tax_year: int) -> ExplainedTax:
        """What is withheld on one payment: labour, author or royalty; declares nothing."""
        return withhold_payment(kind, amount, tax_year=tax_year, book=self._store.rulebook)

    def quote_deductions(self, *, claims: Sequence[Claim], tax_year: int) -> HouseholdDeductions:
        """What the people of a household may deduct in a year (专项附加扣除); declares nothing."""
        from ecny_tax.taxes.household import household_deductions  # imported late: few need it

        return household_deductions(claims, tax_year=tax_year, book=self._store.rulebook)

    def quote_business_income(self, *, taxable: Fen, tax_year: int) -> ExplainedTax:
        """The income tax on a year's business income (经营所得); declares nothing."""
        return business_tax(taxable, tax_year=tax_year, book=self._store.rulebook)

    def quote_non_resident_wage(self, *, wage: Fen, tax_year: int) -> ExplainedTax:
        """The income tax on a non-resident's (非居民个人) wage of a month; declares nothing."""
        return nonresident_month_tax(wage, tax_year=tax_year, book=self._store.rulebook)

    def quote_non_resident_bonus(self, *, bonus: Fen, tax_year: int) -> ExplainedTax:
        """The income tax on a non-resident's bonus for several months; declares nothing."""
        return nonresident_bonus_tax(bonus, tax_year=tax_year, book=self._store.rulebook)

    def check(self, cases: object, *, hint: Hint = EcnyTaxError.hint_in) -> CaseReport:
        """Run worked cases (see ``taxes.checking``) against the rules of this simulation."""
        from ecny_tax.taxes.checking import check  # imported late: few need it

        return check(cases, book=self._store.rulebook, hint=hint)

    def declare_stamp_duty(
        self,
        *,
        wallet_id: str,
        item: str,
        base: Fen | None = None,
        on: date | None = None,
        half_relief: bool = False,
        side: Side | None = None,
        authority: str | None = None,
        pieces: int | None = None,
        taxpayer_kind: str | None = None,
    ) -> Bill:
        """Declare a document for the holder of a wallet; the bill falls due after the document's quarter.

        Raises what :meth:`quote_stamp_duty` raises, ``wallet_without_name`` and ``nothing_to_pay``.
        """
        with self._store.transaction() as tx:
            taxpayer = self._taxpayer_of(tx, self._keyring, wallet_id, authority)
            return declare_stamp_duty(
                tx,
                taxpayer,
                item=item,
                base=base,
                on=on,
                half_relief=half_relief,
                side=side,
                authority=authority,
                pieces=pieces,
                taxpayer_kind=taxpayer_kind,
            )

    def declare_income_tax(
        self,
        *,
        wallet_id: str,
        annual_return: AnnualReturn,
        correction: bool = False,
        authority: str | None = None,
    ) -> Bill:
        """Declare a year's comprehensive income for the holder of a personal wallet, to pay what is due.

        Whoever is exempt from topping up (the quote says so) may declare all the same.  Where the authority
        holds what withholding agents declared and paid, the return must agree with it.
        A ``correction`` bills the difference to what the year has come to so far.  Raises
        ``nothing_to_pay`` where nothing is due or a refund is (apply for that instead),
        ``withholding_differs``, ``taxpayer_is_not_a_person``,
        ``annual_settlement_not_open``, ``annual_settlement_exists``, and of a correction
        ``annual_settlement_missing`` and ``annual_settlement_pending``.
        """
        with self._store.transaction() as tx:
            taxpayer = self._taxpayer_of(tx, self._keyring, wallet_id, authority)
            return settlements.declare(tx, taxpayer, annual_return, authority, correction)

    def declare_withholding(
        self, *, wallet_id: str, statement: WithholdingStatement, authority: str | None = None
    ) -> Withholding:
        """Declare what the holder of a wallet, as withholding agent (扣缴义务人), withheld of a person.

        A bill comes with it where tax was withheld; it counts for the person's settlement once that is
        paid.  Raises ``InvalidInputError`` for a malformed name or id number and
        ``separate_bonus_used`` for a second bonus taxed apart in the year.
        """
        with self._store.transaction() as tx:
            agent = self._taxpayer_of(tx, self._keyring, wallet_id, authority)
            return withholding_records.declare(tx, self._keyring, agent, statement, authority)

    def cancel_withholding(self, *, withholding_no: str) -> Withholding:
        """Take a statement back, with its open bill; the agent may declare anew.

        Raises ``withholding_not_found``, ``withholding_cancelled``, ``bill_already_paid`` (ask the payment
        back first) and ``withholding_relied_on`` (the person's year rests on it).
        """
        with self._store.transaction() as tx:
            return withholding_records.cancel(tx, withholding_no)

    def withholding(self, *, withholding_no: str) -> Withholding:
        """One statement of a withholding agent; raises ``NotFoundError`` (``withholding_not_found``)."""
        with self._store.reading() as tx:
            return withholding_records.load(tx, withholding_no)

    def withholdings(self) -> tuple[Withholding, ...]:
        """Every statement of a withholding agent, oldest first."""
        with self._store.reading() as tx:
            return tuple(withholding_records.every(tx))

    def declare_surcharge(
        self,
        *,
        wallet_id: str,
        code: str,
        paid: Fen,
        place: str = "city",
        half_relief: bool = False,
        authority: str | None = None,
    ) -> Bill:
        """Declare a surcharge, computed from the ``paid`` fen of VAT and consumption tax.

        ``code`` is 10109 (its rate goes by the ``place``: city, town or other), 30203 or 30216.
        """
        with self._store.transaction() as tx:
            taxpayer = self._taxpayer_of(tx, self._keyring, wallet_id, authority)
            rules = tx.rulebook.on(tx.now.date())
            quote = surcharges.quote(
                rules, code=code, paid=positive(paid), place=place, half_relief=half_relief
            )
            start, end = model.month_of(tx.now.date())
            return bills.insert(
                tx,
                taxpayer,
                tax=Tax.OTHER,
                code=code,
                base=paid,
                rate=quote.rate,
                amount=quote.tax,
                authority=authority,
                period=(start, end),
                due=model.due_after(tx.rulebook.calendar, end),
                citation=quote.citation,
                evidence=quote.evidence,
                steps=quote.steps,
            )

    def declare_other(self, *, wallet_id: str, code: str, amount: Fen, authority: str | None = None) -> Bill:
        """Declare any other tax by its collection code (征收项目) with the amount given."""
        positive(amount)
        with self._store.transaction() as tx:
            taxpayer = self._taxpayer_of(tx, self._keyring, wallet_id, authority)
            today = tx.now.date()
            item = tx.rulebook.on(today).taxes.collection_item(code)
            if item.code in (model.STAMP_DUTY_CODE, model.INCOME_TAX_CODE):
                raise InvalidInputError("tax_declared_by_name", value=code)
            start, end = model.month_of(today)
            return bills.insert(
                tx,
                taxpayer,
                tax=Tax.OTHER,
                code=item.code,
                amount=amount,
                authority=authority,
                period=(start, end),
                due=model.due_after(tx.rulebook.calendar, end),
                citation=item.citation,
                evidence=item.evidence,
            )

    def bill(self, *, bill_no: str) -> Bill:
        """One bill; raises ``NotFoundError`` (``bill_not_found``)."""
        with self._store.reading() as tx:
            return bills.load(tx, bill_no)

    def steps(self, *, record: str) -> tuple[Step, ...]:
        """How the amount of a bill or refund came about; nothing where it was given."""
        with self._store.reading() as tx:
            return rows.steps(tx, record)

    def bills(self) -> tuple[Bill, ...]:
        """Every bill, oldest first."""
        with self._store.reading() as tx:
            return tuple(rows.bills(tx))

    def cancel(self, *, bill_no: str) -> Bill:
        """Cancel an open bill (作废)."""
        with self._store.transaction() as tx:
            bill = bills.load(tx, bill_no)
            model.check_open(bill)
            settlements.check_may_be_taken_back(tx, bill)
            rows.set_status(tx, bill_no, BillStatus.CANCELLED)
            settlements.reopen_year(tx, bill_no)
            return bills.load(tx, bill_no)

    def _today(self) -> date:
        with self._store.reading() as tx:
            return tx.now.date()


def declare_stamp_duty(
    tx: Transaction,
    taxpayer: Taxpayer,
    *,
    item: str,
    base: Fen | None,
    on: date | None,
    half_relief: bool,
    side: Side | None,
    authority: str | None,
    pieces: int | None = None,
    taxpayer_kind: str | None = None,
) -> Bill:
    """Declare a document; the day of the document selects the rule."""
    document_date = tx.now.date() if on is None else checked_day(on)
    rules = tx.rulebook.on(document_date)
    quote = stamp_duty.quote(
        rules,
        item=item,
        base=base,
        half_relief=half_relief,
        side=side,
        pieces=pieces,
        taxpayer_kind=taxpayer_kind,
    )
    term = rules.stamp_duty.term(quote.item)
    period = model.week_of(document_date) if term.period == "week" else model.quarter_of(document_date)
    return bills.insert(
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
        due=model.due_after(tx.rulebook.calendar, period[1], term.days),
        citation=quote.citation,
        evidence=quote.evidence,
        steps=quote.steps,
    )
