"""The scheme in plain dictionaries, importing nothing of the library: what every command must answer.

A command raises :class:`Refused`, having changed nothing, or returns the handle of what it made (``W1``).
"""

from collections import Counter
from datetime import date, timedelta

RANK = {"IV": 0, "III": 1, "II": 2, "I": 3}
# Fen: balance cap, single payment, day, year; None is without limit.
LIMITS = {
    "II": (500_000_00, 50_000_00, 100_000_00, None),
    "III": (20_000_00, 5_000_00, 10_000_00, None),
    "IV": (10_000_00, 2_000_00, 5_000_00, 50_000_00),
    **dict.fromkeys(("I", None), (None, None, None, None)),
}
FLAGS = ("closed", "frozen", "stopped", "may_exceed")
AFTER = {"terminate": "terminated", "lock": "locked", "unlock": "verified"}
DAY = timedelta(days=1)
UNPAYABLE = {"paid": "bill_already_paid", "cancelled": "bill_cancelled"}


class Refused(Exception):
    """``kept`` names the one record that stays after a refusal (a failed agreement)."""

    def __init__(self, code, limit=None, kept=None):
        self.code, self.limit, self.kept = code, limit, kept


class Replayed(Exception):
    """The key was answered before: this is where the earlier answer is kept."""


def no(code, when=True, *, limit=None):
    if when:
        raise Refused(code, limit)


def half_up(numerator, denominator):
    return (2 * numerator + denominator) // (2 * denominator)


def working_day(day):
    return day + DAY * (7 - day.weekday()) if day.weekday() >= 5 else day


def covers(agreement, bill):
    return (agreement["subject"], agreement["authority"]) == (bill["subject"], bill["authority"])


class Model:
    def __init__(self, now, authority):
        self.now, self.authority = now, authority
        self.wallets, self.agreements, self.bills, self.payments, self.refunds = {}, {}, {}, {}, {}
        self.answered = {}  # (operation, actor, key) -> content
        self.first_asked = {}  # where a key is found since an upgrade -> where it was remembered
        self.keyed = None  # where and what the present command will be remembered as
        self.collected, self.paid_out = Counter(), 0  # by operator; out of the treasury's revenue, net
        self.opened, self.closed = now.date(), None  # the first and the last closed day of the treasury
        self.by_day = Counter()  # (day, operator) -> collected and not yet allocated
        self.logged_at = None  # the newest entry of the access log
        self.interest = 0  # out of the operators' own funds

    def go_to(self, time):
        """Time goes on, or back; every day that ends leaves its balances behind."""
        for passed in range((time.date() - self.now.date()).days):
            for wallet in self.wallets.values():
                wallet["ends"][self.now.date() + passed * DAY] = wallet["balance"]
        self.now = time

    def _new(self, shelf, prefix, record):
        shelf[handle := f"{prefix}{len(shelf) + 1}"] = record
        return handle

    def _party(self, w):
        """Who acts through a wallet: its holder; a nameless one is a party of its own."""
        return w if self.wallets[w]["class"] == "IV" else self.wallets[w]["subject"]

    def _hand_over(self, w, subject):
        for where, content in list(self.answered.items()):
            operation, actor, key = where
            if actor == w and (operation, subject, key) not in self.answered:
                self.answered[operation, subject, key] = content
                self.first_asked[operation, subject, key] = self.first_asked.get(where, where)
                del self.answered[where]

    def _once(self, operation, actor, key, *content):
        where = (operation, actor, key)
        if where in self.answered:
            no("idempotency_conflict", self.answered[where] != content)
            raise Replayed(self.first_asked.get(where, where))
        self.keyed = (where, content) if key is not None else self.keyed

    def spent(self, wallet):
        today = self.now.date()
        year = sum(amount for day, amount in wallet["spent"].items() if day.year == today.year)
        return wallet["spent"].get(today, 0), year

    def _check_open_wallet(self, wallet, *, outgoing=False, named=False):
        for flag in FLAGS[: 3 if outgoing else 1]:
            no(f"wallet_{flag}", self.is_flagged(wallet, flag))
        no("wallet_without_name", named and wallet["class"] == "IV")

    def _check_spend(self, wallet, amount):
        self._check_open_wallet(wallet, outgoing=True)
        used = (0, *self.spent(wallet))
        for name, spent, limit in zip(
            ("single", "day", "year"), used, LIMITS[wallet["class"]][1:], strict=True
        ):
            no("wallet_limit_exceeded", limit is not None and spent + amount > limit, limit=name)
        no("insufficient_funds", wallet["balance"] < amount)

    def _spend(self, wallet, amount):
        wallet["balance"] -= amount
        wallet["spent"][self.now.date()] = self.spent(wallet)[0] + amount

    def _check_receive(self, wallet, amount, *, of_another=False):
        no("wallet_closed", wallet["closed"] and amount > 0)
        cap = LIMITS[wallet["class"]][0]
        over = amount > 0 and cap is not None and wallet["balance"] + amount > cap
        no("payee_limit_exceeded", over and of_another)
        no("wallet_limit_exceeded", over, limit="balance")

    def _check_holder(self, kind, cls, operator, subject, name, too_young):
        no("holder_too_young", too_young)
        for other in self.wallets.values():
            if cls != "IV" and other["subject"] == subject and not other["closed"]:
                no("holder_name_differs", other["name"] != name)
                no("real_name_wallet_exists", kind == "personal" and other["operator"] == operator)

    def open(self, *, kind, cls, operator, subject, name, too_young=False, fund=None, key=None):
        self._once("open", subject, key, kind, cls, operator, name, fund)
        self._check_holder(kind, cls, operator, subject, name, too_young)
        wallet = {"kind": kind, "class": cls, "operator": operator, "subject": subject, "name": name}
        wallet |= {"balance": 0, "spent": {}} | dict.fromkeys(FLAGS, False)
        wallet |= {"ends": {}, "paid_for": set(), "named_on": None if cls == "IV" else self.now.date()}
        self._check_receive(wallet, fund or 0)
        return self._new(self.wallets, "W", wallet | {"balance": fund or 0})

    def upgrade(self, w, cls, *, subject, name, too_young=False):
        wallet = self.wallets[w]
        self._check_open_wallet(wallet)
        no("wallet_class_not_applicable", wallet["kind"] == "corporate")
        no("wallet_class_not_higher", RANK[cls] <= RANK.get(wallet["class"], 0))
        if wallet["class"] == "IV":
            self._check_holder("personal", cls, wallet["operator"], subject, name, too_young)
            self._hand_over(w, subject)
            wallet |= {"subject": subject, "name": name, "named_on": self.now.date()}
        wallet["class"] = cls

    def exchange(self, w, amount, *, way, key=None):
        wallet = self.wallets[w]
        self._once(way, self._party(w), key, w, amount)
        if way == "top_up":
            self._check_receive(wallet, amount)
        else:
            self._check_open_wallet(wallet, outgoing=True)
            no("insufficient_funds", wallet["balance"] < amount)
        wallet["balance"] += amount if way == "top_up" else -amount

    def transfer(self, source, target, amount, *, key=None):
        payer, payee = self.wallets[source], self.wallets[target]
        self._once("transfer", self._party(source), key, source, target, amount)
        no("wallets_must_be_different", source == target)
        self._check_spend(payer, amount)
        self._check_receive(payee, amount, of_another=True)
        self._spend(payer, amount)
        payee["balance"] += amount

    def flag(self, w, *, what):
        no("clock_went_back", self.logged_at is not None and self.now < self.logged_at)
        self.logged_at = self.now
        wallet = self.wallets[w]
        self._check_open_wallet(wallet)
        no("wallet_not_stopped", what == "resume" and not self.is_flagged(wallet, "stopped"))
        if what in ("stop", "resume"):
            wallet["stopped"] = self.now + DAY if what == "stop" else False
        else:
            no("instrument_lifts_nothing", what == "unfreeze" and not wallet["frozen"])
            wallet["frozen"] += 1 if what == "freeze" else -1

    def is_flagged(self, wallet, flag):
        """A stop ends by itself."""
        until = wallet[flag]
        return self.now < until if flag == "stopped" and until else bool(until)

    def wallet_status(self, wallet):
        found = (flag for flag in ("closed", "frozen", "stopped") if self.is_flagged(wallet, flag))
        return next(found, "active")

    def close(self, w):
        self._check_open_wallet(self.wallets[w], outgoing=True)
        no("wallet_not_empty", self.wallets[w]["balance"] != 0)
        self._pay_interest(self.wallets[w], until=self.now.date() - DAY)
        self.wallets[w]["closed"] = True

    def credit_interest(self):
        for wallet in self.wallets.values():
            if not wallet["closed"] and (amount := self._pay_interest(wallet)):
                wallet["balance"] += amount
                wallet["may_exceed"] = True

    def _pay_interest(self, wallet, until=None):
        """Of every quarter that has ended and was not paid, and of the days since if asked: 0.05 % a year."""
        total, first, year = 0, date(2026, 1, 1), 2026
        while wallet["named_on"] and first < self.now.date():
            last = min(d for y in (year, year + 1) for m in (3, 6, 9, 12) if (d := date(y, m, 20)) >= first)
            end = last if last < self.now.date() else until
            if end is not None and last not in wallet["paid_for"]:
                days = (first + DAY * n for n in range((end - first).days + 1))
                sums = sum(wallet["ends"].get(day, 0) for day in days if day >= wallet["named_on"])
                if amount := half_up(sums * 5, 10_000 * 360):
                    wallet["paid_for"].add(last)
                    total += amount
            first, year = last + DAY, (last + DAY).year
        self.interest += total
        return total

    def sign(self, w, authority, *, right_name=True):
        wallet = self.wallets[w]
        self._check_open_wallet(wallet, named=True)
        mine = [a for a in self.agreements.values() if (a["wallet"], a["authority"]) == (w, authority)]
        no("agreement_exists", any(a["status"] in ("verified", "locked") for a in mine))
        agreement = {"wallet": w, "authority": authority, "subject": wallet["subject"]}
        if right_name:
            return self._new(self.agreements, "A", agreement | {"status": "verified"})
        failed = self._new(self.agreements, "A", agreement | {"status": "verification_failed"})
        raise Refused("agreement_name_mismatch", kept=failed)

    def change_agreement(self, a, *, what):
        status = self.agreements[a]["status"]
        no("agreement_state_not_normal", status not in ("verified", "locked") or status == AFTER[what])
        self.agreements[a]["status"] = AFTER[what]

    def _check_year(self, wallet, year):
        no("taxpayer_is_not_a_person", wallet["kind"] == "corporate")
        no("annual_settlement_not_open", self.now.date() < date(year + 1, 3, 1))
        records = [r for r in (*self.bills.values(), *self.refunds.values()) if r["year"] == year]
        mine = [r["status"] for r in records if r["subject"] == wallet["subject"]]
        no("annual_settlement_exists", not set(mine) <= {"cancelled", "tax_refused", "withdrawn"})

    def declare(self, w, amount, *, authority, year=None, months=1):
        wallet = self.wallets[w]
        self._check_open_wallet(wallet, named=True)
        no("nothing_to_pay", amount == 0)
        if year is not None:
            self._check_year(wallet, year)
        bill = {"subject": wallet["subject"], "authority": authority, "amount": amount, "year": year}
        if year is None:  # documents by the quarter, everything else by the month, fifteen days after
            last = self.now.month if months == 1 else (self.now.month + 2) // 3 * 3
            end = date(self.now.year + last // 12, last % 12 + 1, 1) - DAY
            bill["due"] = working_day(end + 15 * DAY)
        else:
            bill["due"] = working_day(date(year + 1, 6, 30))
        return self._new(self.bills, "B", bill | {"status": "open"})

    def _total(self, bill):
        """With the late fee: five ten-thousandths a day, half up."""
        late = max(0, (self.now.date() - bill["due"]).days)
        return bill["amount"] + half_up(bill["amount"] * late * 5, 10_000)

    def cancel(self, b):
        no(UNPAYABLE.get(self.bills[b]["status"]), self.bills[b]["status"] != "open")
        self._check_not_built_on(b)
        self.bills[b]["status"] = "cancelled"

    def _check_not_built_on(self, b):
        """Before a bill or its payment is taken back: nothing later is built on it, that this model knows."""

    def _agreement_for(self, bill, w):
        fitting = []
        for handle, a in self.agreements.items():
            usable = a["status"] == "verified" and not self.wallets[a["wallet"]]["closed"]
            if usable and covers(a, bill) and w in (None, a["wallet"]):
                fitting.append(handle)
        return fitting[-1] if fitting else None

    def pay(self, b, *, w=None, a=None, key=None):
        bill = self.bills[b]
        no("wallet_or_agreement", w and a)
        named = self.agreements[a]["wallet"] if a else w
        self._once("pay", self._party(named) if named else bill["subject"], key, b, w, a)
        no(UNPAYABLE.get(bill["status"]), bill["status"] != "open")
        a = a or self._agreement_for(bill, named)
        if a:
            agreement = self.agreements[a]
            no(f"agreement_{agreement['status']}", agreement["status"] in ("terminated", "locked"))
            no("agreement_not_verified", agreement["status"] != "verified")
            no("agreement_does_not_cover", not covers(agreement, bill))
            named = agreement["wallet"]
        no("agreement_required", named is None)
        self._check_spend(self.wallets[named], self._total(bill))
        self._check_day()
        self._spend(self.wallets[named], self._total(bill))
        return self._settled(b, named, "real_time_debit" if a else "scan_to_pay")

    def pay_stamp_duty(self, w, amount, *, key=None):
        self._once("pay", self._party(w), key, w, amount)
        b = self.declare(w, amount, authority=self.authority, months=3)
        try:
            return self.pay(b, w=w)
        except Refused:
            self.bills.pop(b)
            raise

    def _check_day(self):
        no("treasury_day_closed", self.closed is not None and self.now.date() <= self.closed)

    def close_day(self, day, *, key=None):
        """What was collected up to that day becomes revenue; whether anything was still open."""
        self._once("treasury.close", "treasury", key, day)
        no("treasury_day_in_future", day > self.now.date())
        no("treasury_day_before_first", day < self.opened)
        for (collected_on, operator), amount in list(self.by_day.items()):
            if collected_on <= day:
                self.collected[operator] -= amount
                self.paid_out -= amount
                del self.by_day[collected_on, operator]
        self.closed = max(self.closed or day, day)

    def _settled(self, b, w, mode):
        bill = self.bills[b]
        total = self._total(bill)
        self.collected[self.wallets[w]["operator"]] += total
        self.by_day[self.now.date(), self.wallets[w]["operator"]] += total
        bill["status"] = "paid"
        payment = {"bill": b, "wallet": w, "mode": mode, "amount": total, "status": "settled"}
        return self._new(self.payments, "P", payment | {"refunded": 0, "day": self.now.date()})

    def reverse(self, p, *, key=None):
        payment = self.payments[p]
        bill, wallet = self.bills[payment["bill"]], self.wallets[payment["wallet"]]
        self._once("reverse", bill["authority"], key, p)
        no("payment_already_reversed", payment["status"] == "reversed")
        no("payment_not_reversible", payment["mode"] != "real_time_debit")
        no("reversal_too_late", payment["day"] != self.now.date())
        no("payment_already_refunded", payment["refunded"] > 0)
        self._check_not_built_on(payment["bill"])
        self._check_open_wallet(wallet)
        self._check_day()
        wallet["balance"] += payment["amount"]
        wallet["spent"][payment["day"]] -= payment["amount"]
        wallet["may_exceed"] = True  # the cap: it is the holder's own money
        self.collected[wallet["operator"]] -= payment["amount"]
        self.by_day[payment["day"], wallet["operator"]] -= payment["amount"]
        payment["status"], bill["status"] = "reversed", "open"

    def refund_year(self, w, amount, *, year, manual=False, key=None):
        wallet = self.wallets[w]
        self._once("refund", self._party(w), key, "year", w, amount, year, manual)
        self._check_open_wallet(wallet, named=True)
        no("claim_window_closed", self.now.date() > date(year + 4, 6, 30))
        no("nothing_to_refund", amount == 0)
        self._check_year(wallet, year)
        refund = {"subject": wallet["subject"], "wallet": w, "payment": None, "amount": amount}
        return self._review(refund | {"year": year, "authority": self.authority}, manual)

    def refund_payment(self, p, amount, *, manual=False, key=None):
        payment = self.payments[p]
        subject, day = self.wallets[payment["wallet"]]["subject"], payment["day"]
        self._once("refund", self._party(payment["wallet"]), key, "payment", p, amount, manual)
        no("payment_already_reversed", payment["status"] == "reversed")
        left = payment["amount"] - payment["refunded"]
        no("nothing_to_refund", left == 0)
        no("refund_exceeds_payment", (amount or 0) > left)
        last = date(day.year + 3, day.month, 28 if (day.month, day.day) == (2, 29) else day.day)
        no("claim_window_closed", self.now.date() > last)
        no("refund_by_correction", self.bills[payment["bill"]]["year"] is not None)
        self._check_not_built_on(payment["bill"])
        refund = {"subject": subject, "wallet": payment["wallet"], "payment": p, "amount": amount or left}
        authority = self.bills[payment["bill"]]["authority"]
        reviewed = self._review(refund | {"year": None, "authority": authority}, manual)
        payment["refunded"] += amount or left
        return reviewed

    def _review(self, refund, manual):
        refund["status"] = "tax_review"
        return self._new(self.refunds, "R", refund if manual else self._pay_out(refund))

    def _pay_out(self, refund):
        self._check_day()
        wallet, mine = self.wallets[refund["wallet"]], (refund["subject"], "open")
        owed = [b for b, bill in self.bills.items() if (bill["subject"], bill["status"]) == mine]
        owed = owed if refund["payment"] is None else []
        credit, interest = refund["amount"] - sum(self._total(self.bills[b]) for b in owed), 0
        if refund["payment"]:  # paid in error: 0.35 % a year of 360 days
            days = (self.now.date() - self.payments[refund["payment"]]["day"]).days
            interest = half_up(refund["amount"] * days * 35, 10_000 * 360)
        no("unpaid_bills", credit < 0)
        try:
            self._check_receive(wallet, credit)
        except Refused:
            return refund | {"status": "treasury_failed"}
        for b in owed:
            self._settled(b, refund["wallet"], "set_off")
        wallet["balance"] += credit + interest
        wallet["may_exceed"] |= interest > 0  # the cap, by what it bears
        self.paid_out += refund["amount"] + interest
        return refund | {"status": "completed"}

    def approve(self, r, *, key=None):
        self._once("approve", self.refunds[r]["authority"], key, r)
        no("refund_state_not_normal", self.refunds[r]["status"] != "tax_review")
        self.refunds[r] = self._pay_out(self.refunds[r])

    def resubmit(self, r, *, w=None, key=None):
        refund = self.refunds[r]
        self._once("resubmit", refund["subject"], key, r, w)
        no("refund_state_not_normal", refund["status"] != "treasury_failed")
        no("refund_wallet_of_another", w and self.wallets[w]["subject"] != refund["subject"])
        self.refunds[r] = self._pay_out(refund | {"wallet": w or refund["wallet"]})

    def end(self, r, *, what):
        refund = self.refunds[r]
        open_still = "tax_review" if what == "reject" else ("tax_review", "treasury_failed")
        no("refund_state_not_normal", refund["status"] not in open_still)
        refund["status"] = "withdrawn" if what == "withdraw" else "tax_refused"
        if refund["payment"]:
            self.payments[refund["payment"]]["refunded"] -= refund["amount"]
