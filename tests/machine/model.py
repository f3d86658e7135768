"""The scheme in plain dictionaries: what every command must answer, without ledger, keys or database.

It imports nothing of the library.  A command either raises :class:`Refused`, having changed nothing, or
changes the dictionaries and returns the handle of what it made (``W1``, ``B2`` …).
"""

from datetime import date

RANK = {"IV": 0, "III": 1, "II": 2, "I": 3}
# Fen: balance cap, single payment, day, year; None is without limit.
LIMITS = {
    "II": (500_000_00, 50_000_00, 100_000_00, None),
    "III": (20_000_00, 5_000_00, 10_000_00, None),
    "IV": (10_000_00, 2_000_00, 5_000_00, 50_000_00),
}
UNLIMITED = (None, None, None, None)


class Refused(Exception):
    """The command is refused; ``kept`` names the one record that stays (a failed agreement)."""

    def __init__(self, code, limit=None, kept=None):
        super().__init__(code)
        self.code, self.limit, self.kept = code, limit, kept


class Replayed(Exception):
    """The key was answered before: this is where the earlier answer is kept."""


def no(code, when=True, *, limit=None):
    """Refuse with ``code`` when it is so."""
    if when:
        raise Refused(code, limit)


class Model:
    def __init__(self, now, authority):
        self.now, self.authority = now, authority
        self.wallets, self.agreements, self.bills, self.payments, self.refunds = {}, {}, {}, {}, {}
        self.years = {}  # (subject, tax year) -> the bill or refund that settled it
        self.answered = {}  # (operation, actor, key) -> content
        self.keyed = None  # where and what the present command will be remembered as
        self.collected, self.paid_out = {}, 0  # by operator; out of the treasury's revenue
        self.made = 0

    def _new(self, shelf, prefix, record):
        self.made += 1
        shelf[f"{prefix}{self.made}"] = record
        return f"{prefix}{self.made}"

    def _once(self, operation, actor, key, *content):
        """A key belongs to one operation of one party; only answers are remembered."""
        where = (operation, actor, key)
        if where in self.answered:
            no("idempotency_conflict", self.answered[where] != content)
            raise Replayed(where)
        self.keyed = None if key is None else (where, content)

    # --- wallets ----------------------------------------------------------------------------------------

    def limits(self, wallet):
        return LIMITS.get(wallet["class"], UNLIMITED)

    def spent(self, wallet):
        """What counts towards today's and this year's limit."""
        today = self.now.date()
        year = sum(amount for day, amount in wallet["spent"].items() if day.year == today.year)
        return wallet["spent"].get(today, 0), year

    def _check_open_wallet(self, wallet, *, outgoing=False, named=False):
        no("wallet_closed", wallet["closed"])
        no("wallet_frozen", outgoing and wallet["frozen"])
        no("wallet_stopped", outgoing and wallet["stopped"])
        no("wallet_without_name", named and wallet["class"] == "IV")

    def _check_spend(self, wallet, amount):
        self._check_open_wallet(wallet, outgoing=True)
        today, year = self.spent(wallet)
        totals = (("single", amount), ("day", today + amount), ("year", year + amount))
        for (name, total), limit in zip(totals, self.limits(wallet)[1:], strict=True):
            no("wallet_limit_exceeded", limit is not None and total > limit, limit=name)
        no("insufficient_funds", wallet["balance"] < amount)

    def _spend(self, wallet, amount):
        wallet["balance"] -= amount
        today = self.now.date()
        wallet["spent"][today] = wallet["spent"].get(today, 0) + amount

    def _check_receive(self, wallet, amount):
        self._check_open_wallet(wallet)
        cap = self.limits(wallet)[0]
        over = cap is not None and wallet["balance"] + amount > cap
        no("wallet_limit_exceeded", over and amount > 0, limit="balance")

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
        wallet |= {"balance": 0, "closed": False, "stopped": False, "frozen": False, "spent": {}}
        self._check_receive(wallet, fund or 0)
        return self._new(self.wallets, "W", wallet | {"balance": fund or 0, "may_exceed": False})

    def upgrade(self, w, cls, *, subject, name, too_young=False):
        wallet = self.wallets[w]
        self._check_open_wallet(wallet)
        no("wallet_class_not_applicable", wallet["kind"] == "corporate")
        no("wallet_class_not_higher", RANK[cls] <= RANK.get(wallet["class"], 0))
        if wallet["class"] == "IV":
            self._check_holder("personal", cls, wallet["operator"], subject, name, too_young)
            wallet |= {"subject": subject, "name": name}
        wallet["class"] = cls

    def exchange(self, w, amount, *, way, key=None):
        wallet = self.wallets[w]
        self._once(way, wallet["subject"], key, w, amount)
        if way == "top_up":
            self._check_receive(wallet, amount)
        else:
            self._check_open_wallet(wallet, outgoing=True)
            no("insufficient_funds", wallet["balance"] < amount)
        wallet["balance"] += amount if way == "top_up" else -amount

    def transfer(self, source, target, amount, *, key=None):
        payer, payee = self.wallets[source], self.wallets[target]
        self._once("transfer", payer["subject"], key, source, target, amount)
        no("wallets_must_be_different", source == target)
        self._check_spend(payer, amount)
        self._check_receive(payee, amount)
        self._spend(payer, amount)
        payee["balance"] += amount

    def flag(self, w, *, what):
        self._check_open_wallet(self.wallets[w])
        self.wallets[w]["stopped" if what in ("stop", "resume") else "frozen"] = what in ("stop", "freeze")

    def close(self, w):
        self._check_open_wallet(self.wallets[w], outgoing=True)
        no("wallet_not_empty", self.wallets[w]["balance"] != 0)
        self.wallets[w]["closed"] = True

    # --- agreements -------------------------------------------------------------------------------------

    def sign(self, w, authority, *, right_name=True):
        wallet = self.wallets[w]
        self._check_open_wallet(wallet, named=True)
        for other in self.agreements.values():
            same = (other["wallet"], other["authority"], other["status"]) == (w, authority, "verified")
            no("agreement_exists", same)
        agreement = {"wallet": w, "authority": authority, "subject": wallet["subject"], "at": self.now}
        agreement |= {"status": "verified" if right_name else "verification_failed", "number": ""}
        handle = self._new(self.agreements, "A", agreement)
        if not right_name:
            raise Refused("agreement_name_mismatch", kept=handle)
        return handle

    def change_agreement(self, a, *, what):
        allowed = ("verified", "locked") if what == "terminate" else ("verified",)
        allowed = ("locked",) if what == "unlock" else allowed
        no("agreement_state_not_normal", self.agreements[a]["status"] not in allowed)
        after = {"terminate": "terminated", "lock": "locked", "unlock": "verified"}
        self.agreements[a]["status"] = after[what]

    # --- bills and payments -----------------------------------------------------------------------------

    def _check_year(self, wallet, year):
        no("taxpayer_is_not_a_person", wallet["kind"] == "corporate")
        no("annual_settlement_not_open", self.now.date() < date(year + 1, 3, 1))
        no("annual_settlement_exists", (wallet["subject"], year) in self.years)

    def _reopen_year(self, record):
        self.years = {where: by for where, by in self.years.items() if by != record}

    def declare(self, w, amount, *, authority, year=None):
        """A bill of any tax, or of a year's income tax."""
        wallet = self.wallets[w]
        self._check_open_wallet(wallet, named=True)
        no("nothing_to_pay", amount == 0)
        if year is not None:
            self._check_year(wallet, year)
        bill = {"subject": wallet["subject"], "authority": authority, "amount": amount, "status": "open"}
        handle = self._new(self.bills, "B", bill)
        if year is not None:
            self.years[wallet["subject"], year] = handle
        return handle

    def _check_open_bill(self, bill):
        no("bill_already_paid", bill["status"] == "paid")
        no("bill_cancelled", bill["status"] == "cancelled")

    def cancel(self, b):
        self._check_open_bill(self.bills[b])
        self.bills[b]["status"] = "cancelled"
        self._reopen_year(b)

    def _agreement_for(self, bill, w):
        """The newest verified agreement of the bill's taxpayer and authority, of wallet ``w`` where given."""
        fitting = [
            (agreement["at"], agreement["number"], handle)
            for handle, agreement in self.agreements.items()
            if agreement["status"] == "verified"
            and (agreement["subject"], agreement["authority"]) == (bill["subject"], bill["authority"])
            and w in (None, agreement["wallet"])
            and not self.wallets[agreement["wallet"]]["closed"]
        ]
        return max(fitting)[2] if fitting else None

    def pay(self, b, *, w=None, a=None, key=None):
        bill = self.bills[b]
        no("wallet_or_agreement", w is not None and a is not None)
        named = self.agreements[a]["wallet"] if a else w
        self._once("pay", self.wallets[named]["subject"] if named else bill["subject"], key, b, w, a)
        self._check_open_bill(bill)
        a = a or self._agreement_for(bill, named)
        if a:
            agreement = self.agreements[a]
            no(f"agreement_{agreement['status']}", agreement["status"] in ("terminated", "locked"))
            no("agreement_not_verified", agreement["status"] != "verified")
            differs = any(agreement[field] != bill[field] for field in ("subject", "authority"))
            no("agreement_does_not_cover", differs)
            named = agreement["wallet"]
        no("agreement_required", named is None)
        self._check_spend(self.wallets[named], bill["amount"])
        self._spend(self.wallets[named], bill["amount"])
        return self._settled(b, named, "real_time_debit" if a else "scan_to_pay")

    def _collect(self, wallet, amount):
        self.collected[wallet["operator"]] = self.collected.get(wallet["operator"], 0) + amount

    def _settled(self, b, w, mode):
        bill = self.bills[b]
        self._collect(self.wallets[w], bill["amount"])
        bill["status"] = "paid"
        payment = {"bill": b, "wallet": w, "mode": mode, "amount": bill["amount"], "status": "settled"}
        return self._new(self.payments, "P", payment | {"refunded": 0, "day": self.now.date()})

    def reverse(self, p, *, key=None):
        payment = self.payments[p]
        bill, wallet = self.bills[payment["bill"]], self.wallets[payment["wallet"]]
        self._once("reverse", bill["authority"], key, p)
        no("payment_already_reversed", payment["status"] == "reversed")
        no("payment_not_reversible", payment["mode"] != "real_time_debit")
        no("reversal_too_late", payment["day"] != self.now.date())
        no("payment_already_refunded", payment["refunded"] > 0)
        self._check_open_wallet(wallet)
        wallet["balance"] += payment["amount"]
        wallet["spent"][payment["day"]] -= payment["amount"]
        wallet["may_exceed"] = True  # the cap: it is the holder's own money
        self._collect(wallet, -payment["amount"])
        payment["status"], bill["status"] = "reversed", "open"

    # --- refunds ----------------------------------------------------------------------------------------

    def refund_year(self, w, amount, *, year, manual=False, key=None):
        wallet = self.wallets[w]
        self._once("refund", wallet["subject"], key, "year", w, amount, year, manual)
        self._check_open_wallet(wallet, named=True)
        no("claim_window_closed", self.now.date() > date(year + 4, 6, 30))
        no("nothing_to_refund", amount == 0)
        self._check_year(wallet, year)
        refund = {"subject": wallet["subject"], "wallet": w, "payment": None, "amount": amount}
        handle = self._review(refund, manual)
        self.years[wallet["subject"], year] = handle
        return handle

    def refund_payment(self, p, amount, *, manual=False, key=None):
        payment = self.payments[p]
        subject, day = self.wallets[payment["wallet"]]["subject"], payment["day"]
        self._once("refund", subject, key, "payment", p, amount, manual)
        left = payment["amount"] - payment["refunded"]
        no("payment_already_reversed", payment["status"] == "reversed")
        no("nothing_to_refund", left == 0)
        no("refund_exceeds_payment", (amount or 0) > left)
        last = date(day.year + 3, day.month, 28 if (day.month, day.day) == (2, 29) else day.day)
        no("claim_window_closed", self.now.date() > last)
        payment["refunded"] += amount or left
        refund = {"subject": subject, "wallet": payment["wallet"], "payment": p, "amount": amount or left}
        return self._review(refund, manual)

    def _review(self, refund, manual):
        refund["status"] = "tax_review"
        if not manual:
            self._pay_out(refund)
        return self._new(self.refunds, "R", refund)

    def _pay_out(self, refund):
        """A settlement refund pays the open bills first; a credit that fails moves nothing."""
        wallet, owed = self.wallets[refund["wallet"]], []
        if refund["payment"] is None:
            mine = (refund["subject"], "open")
            owed = [b for b, bill in self.bills.items() if (bill["subject"], bill["status"]) == mine]
        credit = refund["amount"] - sum(self.bills[b]["amount"] for b in owed)
        no("unpaid_bills", credit < 0)
        try:
            self._check_receive(wallet, credit)
        except Refused:
            refund["status"] = "treasury_failed"
            return
        for b in owed:
            self._settled(b, refund["wallet"], "set_off")
        wallet["balance"] += credit
        self.paid_out += refund["amount"]
        refund["status"] = "completed"

    def approve(self, r, *, key=None):
        self._once("approve", self.authority, key, r)
        no("refund_state_not_normal", self.refunds[r]["status"] != "tax_review")
        self._pay_out(self.refunds[r])

    def resubmit(self, r, *, w=None, key=None):
        refund = self.refunds[r]
        self._once("resubmit", refund["subject"], key, r, w)
        no("refund_state_not_normal", refund["status"] != "treasury_failed")
        stranger = w is not None and self.wallets[w]["subject"] != refund["subject"]
        no("refund_wallet_of_another", stranger)
        again = refund | {"wallet": w or refund["wallet"]}
        self._pay_out(again)
        refund.update(again)

    def end(self, r, *, what):
        refund = self.refunds[r]
        allowed = ("tax_review", "treasury_failed") if what == "withdraw" else ("tax_review",)
        no("refund_state_not_normal", refund["status"] not in allowed)
        refund["status"] = "withdrawn" if what == "withdraw" else "tax_refused"
        if refund["payment"]:
            self.payments[refund["payment"]]["refunded"] -= refund["amount"]
        self._reopen_year(r)
