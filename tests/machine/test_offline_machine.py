"""Devices, terminals and the operator against a model, in runs of random commands; messages get lost or late.

Devices are honest, or copied: a copy is what whoever broke the hardware has, and a copy that was put aside is
a device that was rolled back.  Every message (request, voucher, statement, trust) travels as text, and is
delivered as often and as late as a run likes.  Before every command the model says what must come of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, time
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from ecny_tax import EcnyTaxError, Fen, FixedClock, Sandbox
from ecny_tax.offline.bundles import EvidenceBundle, RequestBundle, TrustBundle, UnloadBundle, VoucherBundle
from ecny_tax.offline.chains import read_root
from ecny_tax.offline.device import Device
from ecny_tax.offline.evidence import Evidence, verify_evidence
from ecny_tax.offline.model import Redemption
from ecny_tax.offline.objects import OperatorCertificate, Voucher
from ecny_tax.offline.terminal import Terminal
from tests.machine.harness import when
from tests.machine.model import Refused
from tests.machine.offline_model import (
    BEIJING,
    CAPS,
    DISPUTES,
    GRACE,
    NOT_YET,
    RELEASING,
    SKEW,
    OfflineModel,
)
from tests.support import START, corporate, judged

FUNDS = {"W1": 5_000_00, "W2": 5_000_00, "W3": 1_000_000_00}
OPERATORS = {"W1": "ICBC", "W2": "BOC", "W3": "ICBC"}
DEVICES = ("W1", "W1", "W2")
amounts = st.sampled_from([100_00, 250_00, 300_00, 1, 33_33, 300_01])
MOST = 8  # devices and copies
#: How far a device's clock is from the terminals', in seconds.
drifts = st.sampled_from([0, 0, 0, 0, 60, SKEW, -SKEW, SKEW + 1, -SKEW - 1])


class OfflineMachine(RuleBasedStateMachine):
    @initialize(load=st.sampled_from([700_00, 1_000_00, 300_00, 0]), late=st.booleans())
    def begin(self, load: int, late: bool) -> None:
        """Two wallets with three devices, a third that owes, two terminals; most runs begin with loads, and
        many a quarter of an hour before the first bills are late."""
        self.clock = FixedClock(START)
        self.s = Sandbox.open(":memory:", clock=self.clock, seed="offline machine")
        self.model = OfflineModel(int(START.timestamp()))
        self.ids: dict[Any, str] = {}  # handle of the model -> number in the sandbox
        self.units: dict[str, Device] = {}
        self.terminals: dict[str, Terminal] = {}
        self.texts: dict[str, str] = {}  # what travels: requests, vouchers, statements
        self.signed: dict[bytes, str] = {}  # bytes of a voucher or a statement -> handle
        self.root = read_root(self.s.offline.trust().root)
        self.trusts: list[tuple[str, dict[Any, int], int]] = []
        for number, (w, funds) in enumerate(FUNDS.items(), 1):
            wallet = corporate(self.s, number, operator=OPERATORS[w], fund=Fen(funds))
            self.ids[w] = wallet.wallet_id
            self.model.wallets[w] = {"balance": funds, "stopped": False, "operator": OPERATORS[w]}
            self.model.operators[OPERATORS[w]] = 1
        for amount in (100_00, 250_00, 33_33):
            self._owe(amount)
        if late:
            due = datetime.combine(self.model.bills["B1"]["due"], time(23, 45), BEIJING)
            self._go_to(int(due.timestamp()))
        for w in DEVICES:
            self._enroll(w)
        for _ in range(2):
            t = self.model.new_terminal()
            self.terminals[t] = self.s.offline.terminal()
            self.ids[t] = self.terminals[t].chain.terminal.terminal_id
        for u in list(self.units) if load else []:
            self._load(u, load, 24)
        self.check()

    def teardown(self) -> None:
        if hasattr(self, "s"):
            self.s.close()

    # --- one command against the model ------------------------------------------------------------------

    def run(self, ask: Callable[[], Any], act: Callable[[], Any]) -> tuple[Any, Any]:
        """(what the model made, what was answered), both ``None`` where both refuse with one code."""
        expected, refused, handle, answer = None, None, None, None
        try:
            handle = ask()
        except Refused as refusal:
            expected = refusal
        try:
            answer = act()
        except EcnyTaxError as refusal:
            refused = refusal
        if expected is None:
            assert refused is None, f"{refused!r} where success was expected"
        else:
            assert refused is not None, f"{expected.code} was expected"
            judged(refused, expected.code)
        return handle, answer

    def check(self) -> None:
        """What holds after every command."""
        s, model = self.s, self.model
        verification = s.ledger.verify()
        assert verification.ok, [check for check in verification.checks if not check.ok]
        assert s.offline.check_vouchers().ok
        wallets = {wallet.wallet_id: wallet for wallet in s.wallets.list()}
        for w, wallet in model.wallets.items():
            found = wallets[self.ids[w]]
            assert (found.balance, found.status) == (
                wallet["balance"],
                "stopped" if wallet["stopped"] else "active",
            ), w
        liens = 0
        known = {load.load_id: load for d in model.devices for load in s.offline.loads(device_id=self.ids[d])}
        assert set(known) == {self.ids[handle] for handle in model.loads}
        for handle, load in model.loads.items():
            registered = known[self.ids[handle]]
            assert (registered.settled, registered.released) == (load["settled"], load["released"])
            assert registered.status == load["status"]
            assert registered.lien == load["amount"] - load["settled"] - load["released"] >= 0, "I9"
            liens += registered.lien
        collected = sum(a.balance for a in s.ledger.accounts() if a.kind == "collection")
        assert collected == model.collected
        assert sum(w.balance for w in wallets.values()) + liens + collected == sum(FUNDS.values()), "I1"
        self._check_decisions()
        for t, terminal in model.terminals.items():
            assert [self.texts[v] for v in terminal["queue"]] == [
                queued.voucher.to_text() for queued in self.terminals[t].queue()
            ]
            found_here = self.terminals[t].evidence()
            assert {tuple(reversed(self._pair(evidence))) for evidence in found_here} == set(
                terminal["conflicts"].items()
            ), "what contradicts each other and came to one place is evidence"
            assert len(found_here) == len(terminal["conflicts"])
            for evidence in found_here:
                self._check_evidence(evidence)
            fresh = {self._pair(evidence)[1] for evidence in self.terminals[t].evidence(new=True)}
            assert fresh == set(terminal["conflicts"]) - terminal["handed_in"]

    def _pair(self, evidence: EvidenceBundle) -> tuple[str, str]:
        return self.signed[evidence.first], self.signed[evidence.second]

    def _check_decisions(self) -> None:
        model = self.model
        redemptions = self.s.offline.redemptions()
        assert [one.voucher_id for one in redemptions] == [self.ids[v] for v in model.decided]
        of_load: dict[str, list[tuple[str, Any]]] = defaultdict(list)
        for v, one in zip(model.decided, redemptions, strict=True):
            assert (one.status, one.code, one.released) == model.decided[v], "a decision is for good"
            of_load[model.says(v)[0]].append((v, one))
        for handle, decisions in of_load.items():
            statement = model.loads[handle]["statement"]
            for place, (v, one) in enumerate(decisions):
                earlier = {known: decided.status for known, decided in decisions[:place]}
                standing = [known for known, status in earlier.items() if status != "disputed"]
                if one.status != "disputed":
                    assert one.evidence is None
                    assert model.against(v, [*standing, *([statement] if statement else [])]) is None, "I10"
                    assert all(model.says(known)[1] != model.says(v)[1] for known in standing), "I10"
                    continue
                assert one.evidence is not None, "I10"
                first, second = self._pair(one.evidence)
                assert second == v
                assert first in standing or first == statement, "the first wins"
                assert self._check_evidence(one.evidence).proves == one.code
                self._check_stopped(handle)

    def _check_stopped(self, handle: str) -> None:
        """The device of a load is revoked, and so is the load; its wallet is stopped."""
        d = self.model.loads[handle]["device"]
        assert self.s.offline.device(device_id=self.ids[d]).revoked_since is not None
        wallet_id = self.ids[self.model.devices[d]["wallet"]]
        assert self.s.wallets.show(wallet_id=wallet_id).status == "stopped"

    def _check_evidence(self, evidence: EvidenceBundle) -> Evidence:
        """It verifies from the root certificate alone, and is about a device that was copied."""
        proof = verify_evidence(EvidenceBundle.from_text(evidence.to_text()), self.root)
        handles = [d for d, device in self.model.devices.items() if device["copied"]]
        cheating = {self.ids[d]: self.ids[self.model.devices[d]["wallet"]] for d in handles}
        assert cheating.get(proof.device_id) == proof.wallet_id, "an honest device never makes evidence"
        return proof

    # --- choices ----------------------------------------------------------------------------------------

    def pick(self, data: Any, shelf: str, newest: int = 4) -> str:
        """Mostly one of the newest."""
        handles = list(getattr(self.model, shelf))
        some = handles[-newest:] if data.draw(st.integers(0, 3), label="new") else handles
        return data.draw(st.sampled_from(some), label=shelf)

    def bill(self, data: Any) -> str:
        """Mostly an open one."""
        unpaid = [b for b, bill in self.model.bills.items() if bill["status"] == "open"]
        some = unpaid if data.draw(st.integers(0, 4), label="open") else []
        return data.draw(st.sampled_from(some or list(self.model.bills)), label="bill")

    # --- bills ------------------------------------------------------------------------------------------

    @rule(amount=amounts)
    def owe(self, amount: int) -> None:
        self._owe(amount)
        self.check()

    def _owe(self, amount: int) -> None:
        bill = self.s.taxes.declare_other(wallet_id=self.ids["W3"], code="10110", amount=Fen(amount))
        b = self.model._new(self.model.bills, "B", {"amount": amount, "status": "open", "due": bill.due_date})
        self.ids[b] = bill.bill_no

    @when(shelf="bills")
    @rule(data=st.data(), cancelled=st.booleans())
    def end_otherwise(self, data: Any, cancelled: bool) -> None:
        """A bill is paid online, or cancelled, while vouchers for it are under way."""
        b = self.bill(data)
        if cancelled:
            self.run(lambda: self.model.cancel(b), lambda: self.s.taxes.cancel(bill_no=self.ids[b]))
        else:
            self.run(
                lambda: self.model.pay_bill(b, "W3"),
                lambda: self.s.payments.pay(bill_no=self.ids[b], wallet_id=self.ids["W3"]),
            )
        self.check()

    # --- devices and loads ------------------------------------------------------------------------------

    @rule(w=st.sampled_from(["W1", "W2"]), amount=st.sampled_from([300_00, 1_000_00]))
    def enroll(self, w: str, amount: int) -> None:
        """A device that comes while a request is open may pay it."""
        u = self._enroll(w) if len(self.units) < MOST else None
        if u is not None:
            self._load(u, amount, 24)
            self.check()

    def _enroll(self, w: str) -> str | None:
        device = Device.create()
        handles, found = self.run(
            lambda: self.model.enroll(w),
            lambda: self.s.offline.enroll(
                device=device,
                wallet_id=self.ids[w],
                cap_single=Fen(CAPS["single"]),
                cap_total=Fen(CAPS["total"]),
                cap_count=CAPS["count"],
            ),
        )
        if handles is None:
            return None
        d, u = handles
        self.ids[d], self.units[u] = found.device_id, device
        return str(u)

    @rule(data=st.data(), amount=st.sampled_from([300_00, 500_00, 1_000_00, 1]))
    def load(self, data: Any, amount: int) -> None:
        hours = data.draw(st.sampled_from([24, 24, 1, 720]), label="hours")
        self._load(self.pick(data, "units"), amount, hours)
        self.check()

    def _load(self, u: str, amount: int, hours: int) -> None:
        handle, load = self.run(
            lambda: self.model.load(u, amount, hours),
            lambda: self.s.offline.load(device=self.units[u], amount=Fen(amount), hours=hours),
        )
        if handle is not None:
            self.ids[handle] = load.load_id
            by = OperatorCertificate.read(load.operator_certificate)
            key = self.model.loads[handle]["key"]
            assert self.ids.setdefault(key, by.serial) == by.serial, "signed by the newest key"

    @when(shelf="loads")
    @rule(data=st.data(), arrives=st.sampled_from([True, True, False]))
    def unload(self, data: Any, arrives: bool) -> None:
        self._unload(self.pick(data, "units"), self.pick(data, "loads"), arrives=arrives)

    def _unload(self, u: str, handle: str, *, arrives: bool) -> None:
        n, statement = self.run(
            lambda: self.model.unload(u, handle),
            lambda: self.units[u].unload(self.ids[handle], at=self.clock.at),
        )
        if n is not None:
            assert self.texts.setdefault(n, statement.to_text()) == statement.to_text()
            self.signed[statement.to_bytes()] = n
            if arrives:
                self._take_unload(n)

    @when(shelf="statements")
    @rule(data=st.data())
    def statement_arrives(self, data: Any) -> None:
        handles = list(self.model.statements.values())
        some = handles[-4:] if data.draw(st.integers(0, 3), label="new") else handles
        self._take_unload(data.draw(st.sampled_from(some), label="statement"))

    def _take_unload(self, n: str) -> None:
        statement = UnloadBundle.from_text(self.texts[n])
        load, counter, *_ = self.model.says(n)
        rival = self.model.against(n, self.model.rivals(load, counter))
        is_open = self.model.loads[load]["status"] == "open"
        taken, _ = self.run(
            lambda: self.model.take_unload(n), lambda: self.s.offline.unload(statement=statement)
        )
        if is_open and rival is not None:
            assert taken is None
            evidence = self.s.offline.evidence(voucher_id=self.ids[load])
            assert self.signed[evidence.second] == n
            assert self.model.contradiction(self.signed[evidence.first], n) is not None
            self._check_evidence(evidence)
            self._check_stopped(load)
        self.check()

    @when(shelf="loads")
    @rule(data=st.data(), waits=st.sampled_from([None, None, None, 0, 1]))
    def release(self, data: Any, waits: int | None) -> None:
        handle = self.pick(data, "loads")
        if waits is not None:
            self._go_to(max(self.model.now, self.model.loads[handle]["redeem_by"] + GRACE + waits))
        self.run(lambda: self.model.release(handle), lambda: self.s.offline.release(load_id=self.ids[handle]))
        self.check()

    @rule(data=st.data(), shelf=st.sampled_from(["devices", "loads", "terminals"]))
    def revoke(self, data: Any, shelf: str) -> None:
        if getattr(self.model, shelf):
            self._revoke(self.pick(data, shelf))
            self.check()

    def _revoke(self, what: Any) -> None:
        self.run(lambda: self.model.revoke(what), lambda: self.s.offline.revoke(serial=self.ids[what]))

    @rule(operator=st.sampled_from(["ICBC", "BOC"]), compromised=st.sampled_from([False, False, True]))
    def roll_over(self, operator: str, compromised: bool) -> None:
        """A new key for the operator; one that was compromised is revoked besides."""
        old = operator, self.model.operators[operator]
        if compromised and old in self.ids:
            self._revoke(old)
        self.model.operators[operator] += 1
        new = operator, self.model.operators[operator]
        self.ids[new] = self.s.offline.roll_over(operator=operator)
        self.check()

    # --- offline ----------------------------------------------------------------------------------------

    @rule(data=st.data())
    def copy(self, data: Any) -> None:
        u = self.pick(data, "units")
        if len(self.units) < MOST:
            self.units[self.model.copy(u)] = self.units[u].copied()

    @rule(data=st.data(), wrong=st.sampled_from([0, 0, 0, 0, 1]))
    def request(self, data: Any, wrong: int) -> None:
        self._request(data, wrong)

    def _request(self, data: Any, wrong: int = 0) -> str | None:
        """Ask for what a bill comes to now, or for one fen more."""
        t, b = self.pick(data, "terminals"), self.bill(data)
        amount = self.model.total(b, self.model.now) + wrong
        r, bundle = self.run(
            lambda: self.model.request(t, b, amount),
            lambda: self.terminals[t].request(bill_no=self.ids[b], amount=Fen(amount), at=self.clock.at),
        )
        if r is None:
            return None
        self.texts[r] = bundle.to_text()
        return str(r)

    @rule(
        data=st.data(),
        arrive=st.booleans(),
        order=st.sampled_from([(0, 1), (0, 1), (0, 0, 1), (0, 1, 1, 0)]),
        gives_back=st.sampled_from([False, False, True]),
    )
    def spend_twice(self, data: Any, arrive: bool, order: tuple[int, ...], gives_back: bool) -> None:
        """A device and its copy both pay, which gives vouchers that contradict each other; or its copy
        gives a load back that the device goes on to spend."""
        if len(self.units) >= MOST:
            return
        u = self.pick(data, "units")
        twin = self.model.copy(u)
        self.units[twin] = self.units[u].copied()
        open_loads = [handle for handle, load in self.model.units[u]["loads"].items() if not load["closed"]]
        if gives_back and open_loads:
            self._unload(twin, open_loads[0], arrives=arrive)
        for which in order:
            r = self._request(data)
            v = self._pay_with((u, twin)[which], r) if r is not None else None
            if r is not None and v is not None and arrive:
                self._accept(self.model.requests[r]["terminal"], v)

    @when(shelf="requests")
    @rule(data=st.data(), drift=drifts)
    def pay(self, data: Any, drift: int) -> None:
        """The voucher is made; whether and when it arrives is another matter."""
        self._pay(data, self.pick(data, "requests"), drift)

    def _pay(self, data: Any, r: str, drift: int = 0) -> str | None:
        return self._pay_with(self.pick(data, "units", 8), r, drift)

    def _pay_with(self, u: str, r: str, drift: int = 0) -> str | None:
        at = self.model.now + drift
        v, bundle = self.run(
            lambda: self.model.pay(u, r, at),
            lambda: self.units[u].pay(RequestBundle.from_text(self.texts[r]), at=_moment(at)),
        )
        if v is not None:
            text = bundle.to_text()
            assert self.texts.setdefault(v, text) == text, "the same request, the same voucher"
            voucher = Voucher.read(bundle.voucher)
            load, counter, amount, spent, *_ = self.model.says(v)
            assert (voucher.load_id, voucher.counter) == (self.ids[load], counter)
            assert (voucher.amount, voucher.spent) == (amount, spent)
            self.signed[bundle.to_bytes()] = v
            self.ids[v] = bundle.voucher_id
        return v

    @rule(data=st.data(), drift=drifts)
    def pay_at_the_counter(self, data: Any, drift: int) -> None:
        """Request, voucher and acceptance at once, as usual."""
        r = self._request(data)
        v = self._pay(data, r, drift) if r is not None else None
        if r is not None and v is not None:
            self._accept(self.model.requests[r]["terminal"], v)

    @when(shelf="vouchers")
    @rule(data=st.data())
    def voucher_arrives(self, data: Any) -> None:
        """Mostly where it was asked for; early or late, once or again, in any order."""
        v = self._voucher(data)
        right = self.model.requests[self.model.says(v)[4]]["terminal"]
        self._accept(data.draw(st.sampled_from([right, right, right, "T1"]), label="where"), v)

    def _voucher(self, data: Any) -> str:
        handles = list(self.model.vouchers.values())
        some = handles[-5:] if data.draw(st.integers(0, 2), label="new") else handles
        return data.draw(st.sampled_from(some), label="voucher")

    def _accept(self, t: str, v: str) -> None:
        at, acceptance = self.run(
            lambda: self.model.accept(t, v),
            lambda: self.terminals[t].accept(self.texts[v], at=self.clock.at),
        )
        if at is not None:
            assert acceptance.accepted_at == _moment(at), "the same again is answered alike"
        self.check()

    @rule(data=st.data())
    def trust_is_published(self, data: Any) -> None:
        self.trusts.append((self.s.offline.trust().to_text(), dict(self.model.revoked), self.model.now))

    @rule(data=st.data(), which=st.integers(0, 100))
    def trust_arrives(self, data: Any, which: int) -> None:
        """In any order: an older list than the terminal has changes nothing."""
        if self.trusts:
            t, (text, revoked, at) = self.pick(data, "terminals"), self.trusts[which % len(self.trusts)]
            self.terminals[t].renew(TrustBundle.from_text(text))
            self.model.renew(t, revoked, at)

    # --- redemption -------------------------------------------------------------------------------------

    @rule(data=st.data())
    def redeem_terminal(self, data: Any) -> None:
        """What waits is decided with its receipts, then what was refused as evidence."""
        t = self.pick(data, "terminals")
        accepted = {one["voucher"]: one["at"] for one in self.model.terminals[t]["accepted"].values()}
        known = set(self.model.decided)
        expected = self.model.redeem_terminal(t)
        results = self.s.offline.redeem_terminal(terminal=self.terminals[t])
        assert [result.voucher_id for result in results] == [self.ids[v] for v in expected]
        for (v, decision), result in zip(expected.items(), results, strict=True):
            self._decided(v, decision, result)
            if v in accepted and v not in known:
                self._check_promise(v, result)
        self.check()

    @when(shelf="vouchers")
    @rule(data=st.data(), many=st.integers(1, 4))
    def redeem(self, data: Any, many: int) -> None:
        """Without a terminal, in any order, at times the same twice."""
        vs = [self._voucher(data) for _ in range(many)]
        bundles = [VoucherBundle.from_text(self.texts[v]) if many % 2 else self.texts[v] for v in vs]
        decisions = [self.model.decide(v) for v in vs]
        for v, decision, result in zip(vs, decisions, self.s.offline.redeem(vouchers=bundles), strict=True):
            self._decided(v, decision, result)
        self.check()

    def _decided(self, v: str, decision: tuple[str, str | None, bool], result: Redemption) -> None:
        assert (result.status, result.code, result.released) == decision, (result.code, decision)
        assert result.voucher_id == self.ids[v]
        assert (result.amount is None) == (result.code in NOT_YET), "nothing is kept of what is not decided"
        if not self._is_copied(v):
            assert result.code not in DISPUTES, "an honest device never"

    def _check_promise(self, v: str, result: Redemption) -> None:
        """What a terminal accepted from an honest device, and brings in time."""
        lives = self.model.now <= self.model.loads[self.model.says(v)[0]]["redeem_by"]
        if lives and not self._is_copied(v):
            assert result.code in (None, *RELEASING, "certificate_revoked"), "it settles"
            assert result.released == (result.code in RELEASING), "or the value goes back"

    def _is_copied(self, v: str) -> bool:
        return bool(self.model.devices[self.model.loads[self.model.says(v)[0]]["device"]]["copied"])

    # --- time -------------------------------------------------------------------------------------------

    @rule(data=st.data(), after=st.sampled_from([0, 1]))
    def move_the_clock(self, data: Any, after: int) -> None:
        """On by a step, or to the last moment of something, or just after it."""
        model = self.model
        steps = [1, 60, 600, 600, 1_200, 31 * 60, 2 * 3600, 20 * 3600]
        edges = [load[name] for load in model.loads.values() for name in ("spend_by", "redeem_by")]
        edges += [load["redeem_by"] + GRACE for load in model.loads.values()]
        edges += [request["until"] + skew for request in model.requests.values() for skew in (0, SKEW)]
        edges += [terminal["renew_by"] + SKEW for terminal in model.terminals.values()]
        near = sorted({edge + after for edge in edges if edge + after > model.now})[:3]
        later = [model.now + step for step in steps]
        self._go_to(data.draw(st.sampled_from(later + near), label="until"))
        self.check()

    def _go_to(self, at: int) -> None:
        self.model.now = at
        self.clock.at = _moment(at)


def _moment(at: int) -> datetime:
    return datetime.fromtimestamp(at, BEIJING)


TestOffline = OfflineMachine.TestCase
TestOffline.settings = settings(stateful_step_count=50)
