"""Offline payment in plain dictionaries: what devices, terminals and operators have to say to everything.

Like :mod:`tests.machine.model` it imports nothing of the library.  Times are whole seconds, amounts fen.  A
voucher is known by what it says, so that a copy of a device which says the same makes the same voucher.
"""

from copy import deepcopy
from datetime import datetime, timedelta, timezone

from tests.machine.model import half_up, no

MINUTE, HOUR, DAY = 60, 3600, 86_400
SKEW, REQUEST_OPEN, LIST, REDEEM, GRACE = 5 * MINUTE, 30 * MINUTE, 7 * DAY, 7 * DAY, DAY
CAPS = {"single": 300_00, "total": 1_000_00, "count": 4}
#: The voucher is good, and its bill takes no payment: the value goes back at once.
RELEASING = ("bill_already_paid", "bill_cancelled", "bill_amount_differs")
#: Refused without a decision: at another time, or with a receipt, it may be judged otherwise.
NOT_YET = ("voucher_from_the_future", "receipt_needed")
DISPUTES = ("voucher_counter_reused", "voucher_chain_forked", "voucher_after_unload")
UNPAYABLE = {"paid": "bill_already_paid", "cancelled": "bill_cancelled"}
BEIJING = timezone(timedelta(hours=8))


class OfflineModel:
    def __init__(self, now):
        self.now = now
        self.wallets = {}  # handle -> balance, stopped, operator
        self.operators = {}  # -> the generations of its key that were revoked, and the newest
        self.devices = {}  # -> wallet, revoked, copied: what its operator knows, and whether anybody cheats
        self.units = {}  # -> a device or a copy of it, as it stands: its loads and what it has signed
        self.loads = {}
        self.bills = {}
        self.terminals = {}
        self.requests = {}
        self.vouchers = {}  # what it says -> handle
        self.decided = {}  # voucher -> (status, code, released), in the order of decision
        self.statements = {}  # what it says -> handle
        self.revoked = {}  # handle of a device, load, terminal or operator's key -> since when
        self.collected = 0

    def _new(self, shelf, letter, record):
        handle = f"{letter}{len(shelf) + 1}"
        shelf[handle] = record
        return handle

    def day(self, at):
        return datetime.fromtimestamp(at, BEIJING).date()

    def total(self, b, at):
        """With the late fee of that day: five ten-thousandths a day, half up."""
        bill = self.bills[b]
        late = max(0, (self.day(at) - bill["due"]).days)
        return bill["amount"] + half_up(bill["amount"] * late * 5, 10_000)

    # --- online -----------------------------------------------------------------------------------------

    def enroll(self, w):
        """The handles of a device and of what stands for it here."""
        no("wallet_stopped", self.wallets[w]["stopped"])
        operator = self.wallets[w]["operator"]
        key = operator, self.operators[operator]
        certified = {"key": key, "since": self.now}  # by which key of its operator, and when
        d = self._new(self.devices, "D", {"wallet": w, "copied": False} | certified)
        return d, self._new(self.units, "U", {"device": d, "loads": {}, "signed": {}, "statements": {}})

    def load(self, u, amount, hours):
        unit = self.units[u]
        device = self.devices[unit["device"]]
        wallet = self.wallets[device["wallet"]]
        self._hand_over(unit)
        no("device_revoked", unit["device"] in self.revoked)
        mine = [load for load in self.loads.values() if load["device"] == unit["device"]]
        no("device_cap_exceeded", sum(map(self.lien, mine)) + amount > CAPS["total"])
        no("wallet_stopped", wallet["stopped"])
        no("insufficient_funds", wallet["balance"] < amount)
        wallet["balance"] -= amount
        first = 1 + max((load["last"] for load in mine), default=0)
        spend_by = self.now + hours * HOUR
        load = {"device": unit["device"], "amount": amount, "settled": 0, "released": 0, "status": "open"}
        load |= {"statement": None}
        load |= {"first": first, "last": first + CAPS["count"] - 1}
        load |= {"spend_by": spend_by, "redeem_by": spend_by + REDEEM}
        key = wallet["operator"], self.operators[wallet["operator"]]
        if device["key"] != key:
            device |= {"key": key, "since": self.now}
        handle = self._new(self.loads, "L", load | {"key": key, "since": device["since"]})
        self._hand_over(unit)
        return handle

    def _hand_over(self, unit):
        """What is open and a device lacks, because it was loaded as a copy or has forgotten it."""
        for known, one in self.loads.items():
            if one["device"] == unit["device"] and one["status"] == "open":
                fresh = {"next": one["first"], "spent": 0, "last": known, "closed": False}
                unit["loads"].setdefault(known, fresh)

    def lien(self, load):
        return load["amount"] - load["settled"] - load["released"]

    def _release(self, load, amount):
        load["released"] += amount
        self.wallets[self.devices[load["device"]]["wallet"]]["balance"] += amount

    def take_unload(self, n):
        handle, counter, spent, _last, _at = self.says(n)
        load = self.loads[handle]
        no("load_released", load["status"] == "released")
        if load["status"] == "open":
            if self.against(n, self.rivals(handle, counter)):
                self._stop(handle)
                no("unload_contradicted")
            load |= {"status": "unloaded", "statement": n}
            self._release(load, min(self.lien(load), load["amount"] - spent))

    def release(self, handle):
        load = self.loads[handle]
        no("load_released", load["status"] == "released" or self.lien(load) == 0)
        no("load_not_expired", self.now <= load["redeem_by"] + GRACE)
        load["status"] = "released"
        self._release(load, self.lien(load))

    def revoke(self, what):
        no("revoked_already", what in self.revoked)
        self.revoked[what] = self.now

    def pay_bill(self, b, w):
        bill, wallet, amount = self.bills[b], self.wallets[w], self.total(b, self.now)
        no(UNPAYABLE.get(bill["status"]), bill["status"] != "open")
        wallet["balance"] -= amount
        self.collected += amount
        bill["status"] = "paid"

    def cancel(self, b):
        no(UNPAYABLE.get(self.bills[b]["status"]), self.bills[b]["status"] != "open")
        self.bills[b]["status"] = "cancelled"

    # --- a device and a terminal, without network -------------------------------------------------------

    def copy(self, u):
        self.devices[self.units[u]["device"]]["copied"] = True
        return self._new(self.units, "U", deepcopy(self.units[u]))

    def request(self, t, b, amount):
        no("terminal_revoked", t in self.terminals[t]["revoked"])
        request = {"terminal": t, "bill": b, "amount": amount, "at": self.now}
        return self._new(self.requests, "R", request | {"until": self.now + REQUEST_OPEN})

    def pay(self, u, r, at):
        """The voucher's handle; ``at`` is the time of the device."""
        unit, request = self.units[u], self.requests[r]
        if r in unit["signed"]:
            return unit["signed"][r]
        amount = request["amount"]
        no("request_from_the_future", request["at"] > at + SKEW)
        no("request_expired", at > request["until"])
        no("device_cap_exceeded", amount > CAPS["single"])
        still_open = [handle for handle, load in unit["loads"].items() if not load["closed"]]
        no("device_not_loaded", not still_open)
        spendable = [handle for handle in still_open if at <= self.loads[handle]["spend_by"]]
        no("load_expired", not spendable)
        for handle in spendable:
            load, issued = unit["loads"][handle], self.loads[handle]
            if issued["amount"] - load["spent"] >= amount and load["next"] <= issued["last"]:
                break
        else:
            no("load_exhausted")
        no("certificate_not_in_force", max(request["at"], at) < issued["since"] - SKEW)
        spent = load["spent"] + amount
        says = (handle, load["next"], amount, spent, r, load["last"], at)
        voucher = self.vouchers.setdefault(says, f"V{len(self.vouchers) + 1}")
        unit["loads"][handle] = load | {"next": load["next"] + 1, "spent": spent, "last": voucher}
        unit["signed"][r] = voucher
        return voucher

    def says(self, signed):
        """What a voucher or a statement says: its load and counter first."""
        shelf = self.vouchers if signed.startswith("V") else self.statements
        return next(says for says, handle in shelf.items() if handle == signed)

    def contradiction(self, one, other):
        """Why a device cannot have signed both, if it never forgot anything; both are of one load."""
        if one == other:
            return None
        (low, first), (high, second) = sorted(
            ((handle, self.says(handle)) for handle in (one, other)), key=lambda signed: signed[1][1]
        )
        ends = [handle.startswith("N") for handle in (low, high)]
        if first[1] == second[1]:
            return "voucher_after_unload" if any(ends) else "voucher_counter_reused"
        if ends[0]:
            return "voucher_after_unload"
        before, last = (second[2], second[3]) if ends[1] else (second[3] - second[2], second[5])
        follows = last == low if second[1] == first[1] + 1 else before >= first[3]
        return None if follows else "voucher_chain_forked"

    def against(self, signed, others):
        """(what it contradicts, why), the first of the others; or ``None``."""
        found = ((other, self.contradiction(other, signed)) for other in others)
        return next(((other, code) for other, code in found if code), None)

    def unload(self, u, handle):
        """The statement's handle; the same load again gives the same."""
        unit = self.units[u]
        if handle not in unit["statements"]:
            no("load_not_on_device", handle not in unit["loads"])
            load = unit["loads"][handle]
            says = (handle, load["next"], load["spent"], load["last"], self.now)
            statement = self.statements.setdefault(says, f"N{len(self.statements) + 1}")
            unit["statements"][handle] = statement
            load["closed"] = True
        return unit["statements"][handle]

    def new_terminal(self):
        terminal = {"renew_by": self.now + LIST, "revoked": dict(self.revoked), "listed_at": self.now}
        terminal |= {"accepted": {}, "answered": {}, "queue": []}
        terminal |= {"conflicts": {}, "handed_in": set()}  # what was refused -> what it contradicts
        return self._new(self.terminals, "T", terminal)

    def renew(self, t, revoked, at):
        terminal = self.terminals[t]
        if (len(revoked), at) > (len(terminal["revoked"]), terminal["listed_at"]):
            terminal |= {"renew_by": at + LIST, "revoked": revoked, "listed_at": at}

    def accept(self, t, v):
        """When it was accepted; what came before is answered alike."""
        terminal = self.terminals[t]
        load, counter, _amount, _spent, r, _last, paid_at = self.says(v)
        request, accepted = self.requests[r], terminal["accepted"]
        earlier = accepted.get((load, counter))
        if earlier is not None and earlier["voucher"] == v:
            return earlier["at"]
        mine = sorted((other, one["voucher"]) for (of, other), one in accepted.items() if of == load)
        below = [one for other, one in mine if other < counter]
        above = [one for other, one in mine if other > counter]
        same = [] if earlier is None else [earlier["voucher"]]
        rival = self.against(v, [*same, *reversed(below), *above])
        if rival is not None:
            terminal["conflicts"].setdefault(v, rival[0])
        no("voucher_load_expired", request["at"] > self.loads[load]["spend_by"] + SKEW)
        no("voucher_from_the_future", paid_at > self.now + SKEW)
        no("voucher_request_expired", not request["at"] - SKEW <= paid_at <= request["until"] + SKEW)
        no("voucher_for_other_terminal", request["terminal"] != t)
        no("certificate_revoked", request["at"] >= terminal["revoked"].get(t, self.now + 1))
        no("request_answered", r in terminal["answered"])
        no("voucher_request_expired", self.now > request["until"] + SKEW)
        no("revocation_list_stale", self.now > terminal["renew_by"] + SKEW)
        no("certificate_revoked", self._is_revoked(v, terminal["revoked"]))
        no(rival and rival[1], rival is not None)
        no("voucher_counter_old", bool(above))
        accepted[load, counter] = {"voucher": v, "at": self.now}
        terminal["answered"][r] = v
        terminal["queue"].append(v)
        return self.now

    def _is_revoked(self, v, revoked, payee=False):
        load, _counter, _amount, _spent, r, _last, _at = self.says(v)
        chain = [load, self.loads[load]["device"], self.loads[load]["key"]]
        chain += [self.requests[r]["terminal"]] if payee else []
        return any(what in revoked and self.requests[r]["at"] >= revoked[what] for what in chain)

    # --- redemption -------------------------------------------------------------------------------------

    def decide(self, v, accepted_at=None):
        """(status, code, whether the value went back): for good, but for what may be judged otherwise."""
        if v in self.decided:
            return self.decided[v]
        handle, counter, amount, _spent, r, *_ = self.says(v)
        load, request = self.loads[handle], self.requests[r]
        said = [load["statement"]] if load["statement"] else []
        rival = self.against(v, [*self.rivals(handle, counter), *said])
        if rival is not None:
            self._stop(handle)
            decision = ("disputed", rival[1], False)
        else:
            code, released = self._refusal(v, load, request, accepted_at), False
            if code in NOT_YET:
                return "rejected", code, False
            if code is None:
                load["settled"] += amount
                self.collected += amount
                self.bills[request["bill"]]["status"] = "paid"
            elif code in RELEASING and self.lien(load) >= amount:
                self._release(load, amount)
                released = True
            decision = ("rejected" if code else "settled", code, released)
        self.decided[v] = decision
        return decision

    def rivals(self, handle, counter):
        """What was decided of a load and stands: what has this counter first."""
        found = [v for v in self.decided if self.says(v)[0] == handle and self.decided[v][0] != "disputed"]
        return sorted(found, key=lambda v: self.says(v)[1] != counter)

    def _stop(self, handle):
        """A device that contradicted itself: what was asked for up to this second stays good."""
        device = self.loads[handle]["device"]
        for what in (device, handle):
            self.revoked.setdefault(what, self.now + 1)
        self.wallets[self.devices[device]["wallet"]]["stopped"] = True

    def redeem_terminal(self, t):
        """What becomes of what waits there, and of what it refused, by voucher."""
        terminal = self.terminals[t]
        found = {}
        for v in terminal["queue"]:
            load, counter, *_ = self.says(v)
            found[v] = self.decide(v, terminal["accepted"][load, counter]["at"])
        for refused, rival in terminal["conflicts"].items():
            if refused not in terminal["handed_in"]:
                for v in (rival, refused):
                    found.setdefault(v, self.decide(v))
        terminal["queue"] = [v for v in terminal["queue"] if v not in self.decided]
        handed_in = {v for v in terminal["conflicts"] if v in found and v in self.decided}
        terminal["handed_in"] |= handed_in
        self.renew(t, dict(self.revoked), self.now)
        return found

    def _refusal(self, v, load, request, accepted_at):
        paid_at = self.says(v)[6]
        if paid_at > self.now + SKEW:
            return "voucher_from_the_future"
        if request["at"] > load["spend_by"] + SKEW:
            return "voucher_load_expired"
        if not request["at"] - SKEW <= paid_at <= request["until"] + SKEW:
            return "voucher_request_expired"
        if self._is_revoked(v, self.revoked, payee=True):
            return "certificate_revoked"
        if self.now > load["redeem_by"] or load["status"] == "released":
            return "voucher_too_late"
        b, amount = request["bill"], request["amount"]
        if self.bills[b]["status"] != "open":
            return UNPAYABLE[self.bills[b]["status"]]
        if self.total(b, accepted_at or self.now) != amount:
            by_fee_alone = accepted_at is None and self.total(b, request["at"]) == amount
            return "receipt_needed" if by_fee_alone else "bill_amount_differs"
        return "lien_exhausted" if self.lien(load) < amount else None
