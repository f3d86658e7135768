"""Settled years in plain dictionaries: returns, their corrections, and what withholding agents declared.

Like :mod:`tests.machine.model`, which it builds on, it imports nothing of the library.  Figures are in fen
and whole hundreds of yuan, so that no tax has to be rounded.
"""

from datetime import date

from tests.machine.model import Model, no, working_day

INCOMES = ("wages", "labour", "author", "bonus")
#: What of an income is taxed, in per cent.
TAXED = {"wages": 100, "labour": 80, "author": 56}
#: Of comprehensive income: up to so many yuan, per cent, quick deduction in yuan.
YEARLY = (
    (36_000, 3, 0),
    (144_000, 10, 2_520),
    (300_000, 20, 16_920),
    (420_000, 25, 31_920),
    (660_000, 30, 52_920),
    (960_000, 35, 85_920),
    (10**9, 45, 181_920),
)
CAME_TO_NOTHING = ("cancelled", "tax_refused", "withdrawn")
FINAL = ("paid", "completed")


def tax_by(table, income, base, *, parts=1):
    """The tax on ``income`` at the rate of ``base``; ``parts`` divides the table."""
    percent, quick = next((rate, off) for top, rate, off in table if base <= top * 100)
    return income * percent // 100 - quick * 100 // parts


def tax_of(figures, *, apart):
    """A year's tax; a bonus taxed apart finds its rate by a twelfth of it, and is deducted from but once."""
    income = sum(figures[key] * percent // 100 for key, percent in TAXED.items())
    income += 0 if apart else figures["bonus"]
    taxable = max(0, income - 60_000_00 - figures["sad"])
    tax = tax_by(YEARLY, taxable, taxable)
    return tax + (tax_by(YEARLY, figures["bonus"], figures["bonus"], parts=12) if apart else 0)


def is_taxed_apart(figures):
    if figures["bonus_mode"] == "better":
        return tax_of(figures, apart=True) < tax_of(figures, apart=False)
    return figures["bonus_mode"] == "separate"


class SettlementModel(Model):
    def __init__(self, now, authority):
        super().__init__(now, authority)
        self.statements = {}
        self.settlements = []  # what settled a year, oldest first; what came to nothing stays in the list

    # --- withholding agents -----------------------------------------------------------------------------

    def withhold(self, w, figures, *, person, right_name=True):
        """``figures`` as they are stated; ``person`` is of whom."""
        wallet, year = self.wallets[w], figures["tax_year"]
        self._check_open_wallet(wallet, named=True)
        income = sum(figures[key] for key in INCOMES)
        no("withholding_too_early", year > self.now.year)
        no("withholding_implausible", income == 0 or figures["withheld"] > income)
        no("holder_name_differs", not right_name)
        others = [self.statements[s] for s in self.standing(person, year)]
        no("withholding_exists", any(s["agent"] == wallet["subject"] for s in others))
        apart = figures["bonus"] and figures["bonus_mode"] == "separate"
        used = any(s["bonus"] and s["bonus_mode"] == "separate" for s in others)
        no("separate_bonus_used", apart and used)
        statement = figures | {"subject": person, "agent": wallet["subject"], "bill": None}
        if figures["withheld"]:
            bill = {"subject": wallet["subject"], "authority": self.authority, "amount": figures["withheld"]}
            bill |= {"year": None, "due": working_day(date(year + 1, 1, 15)), "status": "open"}
            statement["bill"] = self._new(self.bills, "B", bill)
        return self._new(self.statements, "S", statement | {"status": "standing"})

    def take_back(self, s):
        statement = self.statements[s]
        no("withholding_cancelled", not self._stands(statement))
        no("bill_already_paid", self.withheld(s) > 0)
        no("withholding_relied_on", self._is_relied_on(s))
        statement["status"] = "cancelled"
        bill = self.bills.get(statement["bill"])
        if bill and bill["status"] == "open":
            bill["status"] = "cancelled"

    def _stands(self, statement):
        bill = self.bills.get(statement["bill"], {"status": None})
        return "cancelled" not in (statement["status"], bill["status"])

    def standing(self, person, year):
        mine = [s for s, record in self.statements.items() if record["subject"] == person]
        mine = [s for s in mine if self.statements[s]["tax_year"] == year]
        return [s for s in mine if self._stands(self.statements[s])]

    def withheld(self, s):
        """What counts of a statement: the tax that was paid and is not asked back, late fee apart."""
        b = self.statements[s]["bill"]
        paid = [p for p in self.payments.values() if (p["bill"], p["status"]) == (b, "settled")]
        return max(0, self.bills[b]["amount"] - paid[0]["refunded"]) if paid else 0

    def _is_relied_on(self, s):
        """A year rests on the statements that its settlement was compared with, whatever the clock said."""
        statement = self.statements[s]
        mine = self.settled(statement["subject"], statement["tax_year"])
        return self._stands(statement) and any(s in settled["compared"] for settled in mine)

    # --- settling a year --------------------------------------------------------------------------------

    def settled(self, person, year):
        """What settled a year and did not come to nothing, oldest first."""
        mine = [s for s in self.settlements if (s["subject"], s["year"]) == (person, year)]
        return [s for s in mine if self.status(s) not in CAME_TO_NOTHING]

    def status(self, settlement):
        shelf = self.bills if settlement["record"][0] == "B" else self.refunds
        return shelf[settlement["record"]]["status"]

    def outcome(self, person, figures, *, correction):
        """What there is to refund, or below zero to pay."""
        so_far = sum(s["outcome"] for s in self.settled(person, figures["tax_year"]))
        tax = tax_of(figures, apart=is_taxed_apart(figures))
        return figures["withheld"] - tax - (so_far if correction else 0)

    def _check_agrees(self, person, figures):
        """Which statements there were to agree with."""
        standing = self.standing(person, figures["tax_year"])
        records = [self.statements[s] for s in standing]
        held = {key: sum(record[key] for record in records) for key in INCOMES}
        same = figures["wages"] + figures["bonus"] == held["wages"] + held["bonus"]
        same &= all(figures[key] == held[key] for key in ("labour", "author"))
        same &= figures["withheld"] == sum(map(self.withheld, standing))
        apart = figures["bonus"] and is_taxed_apart(figures)
        same &= not apart or any(record["bonus"] == figures["bonus"] for record in records)
        no("withholding_differs", records and not same)
        return standing

    def _check_order(self, wallet, year, *, correction):
        no("taxpayer_is_not_a_person", wallet["kind"] == "corporate")
        no("annual_settlement_not_open", self.now.date() < date(year + 1, 3, 1))
        earlier = self.settled(wallet["subject"], year)
        no("annual_settlement_exists", earlier and not correction)
        no("annual_settlement_missing", correction and not earlier)
        no("annual_settlement_pending", any(self.status(s) not in FINAL for s in earlier))

    def _note(self, record, person, figures, outcome, compared):
        settled = {"record": record, "subject": person, "year": figures["tax_year"], "outcome": outcome}
        tax = tax_of(figures, apart=is_taxed_apart(figures))
        settled |= {"compared": compared, "tax": tax, "withheld": figures["withheld"]}
        self.settlements.append(settled)
        return record

    def declare_return(self, w, figures, *, correction):
        wallet, year = self.wallets[w], figures["tax_year"]
        self._check_open_wallet(wallet, named=True)
        compared = self._check_agrees(wallet["subject"], figures)
        outcome = self.outcome(wallet["subject"], figures, correction=correction)
        no("nothing_to_pay", outcome >= 0)
        self._check_order(wallet, year, correction=correction)
        bill = {"subject": wallet["subject"], "authority": self.authority, "amount": -outcome, "year": year}
        bill |= {"due": working_day(date(year + 1, 6, 30)), "status": "open"}
        b = self._new(self.bills, "B", bill)
        return self._note(b, wallet["subject"], figures, outcome, compared)

    def apply(self, w, figures, *, correction, manual=False, key=None):
        wallet, year = self.wallets[w], figures["tax_year"]
        content = (w, tuple(figures.items()), correction, manual)
        self._once("refund", self._party(w), key, "year", *content)
        self._check_open_wallet(wallet, named=True)
        compared = self._check_agrees(wallet["subject"], figures)
        outcome = self.outcome(wallet["subject"], figures, correction=correction)
        no("claim_window_closed", self.now.date() > date(year + 4, 6, 30))
        no("nothing_to_refund", outcome <= 0)
        self._check_order(wallet, year, correction=correction)
        refund = {"subject": wallet["subject"], "wallet": w, "payment": None, "amount": outcome}
        r = self._review(refund | {"year": year, "authority": self.authority}, manual)
        return self._note(r, wallet["subject"], figures, outcome, compared)

    def _check_not_built_on(self, b):
        """Neither a correction of the year that the bill settled, nor a year that rests on what it pays."""
        for mine in self.settlements:
            later = self.settled(mine["subject"], mine["year"])
            no("annual_settlement_corrected", mine["record"] == b and mine in later[:-1])
        paid_for = [s for s, statement in self.statements.items() if statement["bill"] == b]
        no("withholding_relied_on", any(map(self._is_relied_on, paid_for)))
