"""Group commit: who shares a transaction with whom, and that nobody suffers from his neighbours."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from psycopg import errors as pg

from ecny_tax import EcnyTaxError, Fen, FixedClock, RejectedError, Sandbox, UnavailableError, yuan
from ecny_tax.store import group as module
from ecny_tax.store.group import AloneNeeded, Group
from ecny_tax.store.transaction import Transaction
from ecny_tax.wallets.model import Wallet
from tests.support import START, balance, corporate, judged, owe, personal

PATIENCE = 60  # until a test that hangs fails


class Conflict(Exception):
    """What others did at the same time."""


class Lost(Exception):
    """The transaction is no more."""


class Written(list[str]):
    """What one transaction of the fake engine wrote, with the savepoints of a real one."""

    def __init__(self, told: list[str]) -> None:
        super().__init__()
        self.goes_on = True
        self._told = told

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        self._told.append("savepoint")
        length = len(self)
        try:
            yield
        except BaseException as error:
            self.goes_on = not isinstance(error, Lost)
            del self[length:]
            raise


class FakeEngine:
    """A database that is a list of words, and that tells what was asked of it.

    A transaction is the list of what was written in it, see :class:`Written`.
    """

    path = "fake"

    def __init__(self) -> None:
        self.words: list[str] = []
        self.told: list[str] = []
        self.commits: list[list[str]] = []
        self.fails_at_commit: BaseException | None = None
        self.committing: Callable[[], None] = lambda: None

    @contextmanager
    def shared(self, names: Sequence[str]) -> Iterator[Transaction]:
        self.told.append(f"shared {' '.join(names)}".strip())
        with self._begun() as tx:
            yield tx

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        self.told.append("alone")
        with self._begun() as tx:
            yield tx

    @contextmanager
    def _begun(self) -> Iterator[Transaction]:
        written = Written(self.told)
        yield cast(Transaction, written)
        self.committing()
        failure, self.fails_at_commit = self.fails_at_commit, None
        if failure is not None:
            raise failure
        self.words += written
        self.commits.append(written)

    def is_to_be_repeated(self, error: BaseException) -> bool:
        return isinstance(error, Conflict)


def writes(word: str, error: BaseException | None = None) -> Callable[[Transaction], str]:
    """A use case that writes a word, and then answers it or fails."""

    def act(tx: Transaction) -> str:
        cast(list[str], tx).append(word)
        if error is not None:
            raise error
        return word

    return act


class Gathering:
    """Callers of a group who come while the first of them is in the middle of its transaction."""

    def __init__(self, group: Group) -> None:
        self.group = group
        self._pool = ThreadPoolExecutor(100)
        self._inside, self._go_on = threading.Event(), threading.Event()

    def __enter__(self) -> Gathering:
        self.first = self._pool.submit(self.group.run, self._hold, ("first",))
        assert self._inside.wait(PATIENCE)
        return self

    def _hold(self, _tx: Transaction) -> str:
        self._inside.set()
        assert self._go_on.wait(PATIENCE)
        return "first"

    def come(self, act: Callable[[Transaction], Any], *names: str) -> Future[Any]:
        """One more caller, who waits when this returns."""
        before = len(self.group._waiting)
        coming = self._pool.submit(self.group.run, act, names)
        while len(self.group._waiting) == before and not coming.done():
            threading.Event().wait(0.0005)
        return coming

    def go_on(self) -> None:
        self._go_on.set()
        assert self.first.result(PATIENCE) == "first"

    def __exit__(self, *_error: object) -> None:
        self._go_on.set()
        self._pool.shutdown()


def together(engine: FakeEngine, *acts: Callable[[Transaction], Any]) -> list[Any]:
    """What callers who came together were answered: a value, or the error."""
    with Gathering(Group(engine)) as gathering:
        coming = [gathering.come(act, f"n{place}") for place, act in enumerate(acts)]
        gathering.go_on()
        answers = [one.exception(PATIENCE) or one.result() for one in coming]
    assert gathering.group._leader is None
    assert gathering.group._waiting == []
    return answers


# --- who shares a transaction ---------------------------------------------------------------------


def test_one_caller_alone_makes_one_transaction_in_its_own_thread_and_no_savepoint() -> None:
    engine, threads = FakeEngine(), []

    def act(_tx: Transaction) -> str:
        threads.append(threading.current_thread())
        return "done"

    group = Group(engine)
    assert [group.run(act, ("a", "b")) for _ in range(3)] == ["done"] * 3
    assert engine.told == ["shared a b"] * 3
    assert threads == [threading.current_thread()] * 3
    assert len(engine.commits) == 3


def test_callers_who_come_together_share_one_transaction_with_a_savepoint_each() -> None:
    engine = FakeEngine()
    answers = together(engine, *(writes(str(number)) for number in range(10)))
    assert answers == [str(number) for number in range(10)]
    assert engine.commits == [[], answers]
    assert engine.told == ["shared first", "shared n0 n1 n2 n3 n4 n5 n6 n7 n8 n9"] + ["savepoint"] * 10


def test_nobody_is_answered_before_the_commit() -> None:
    engine = FakeEngine()
    with Gathering(Group(engine)) as gathering:
        coming = [gathering.come(writes(str(number))) for number in range(5)]
        engine.committing = lambda: heard.append([one.done() for one in coming])
        heard: list[list[bool]] = []
        gathering.go_on()
        assert [one.result(PATIENCE) for one in coming] == list("01234")
    assert heard[-1] == [False] * 5


def test_a_group_is_no_larger_than_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_GROUP", 4)
    engine = FakeEngine()
    answers = together(engine, *(writes(str(number)) for number in range(10)))
    assert answers == list("0123456789")
    assert [len(commit) for commit in engine.commits] == [0, 4, 4, 2]


def test_more_callers_than_may_wait_are_refused_at_once_in_both_languages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 5)
    engine = FakeEngine()
    with Gathering(Group(engine)) as gathering:
        coming = [gathering.come(writes(str(number))) for number in range(5)]
        with pytest.raises(UnavailableError) as refusal:
            gathering.group.run(writes("too many"), ())
        judged(refusal.value, "too_many_waiting")
        assert refusal.value.values == {"limit": 5}
        assert refusal.value.message("en") == "5 callers of this program wait already"
        assert refusal.value.message("zh") == "本程序已有 5 个调用在等待"
        gathering.go_on()
        assert [one.result(PATIENCE) for one in coming] == list("01234")
        assert gathering.group.run(writes("later"), ()) == "later"
    assert engine.words == [*"01234", "later"]


def test_who_waits_too_long_is_told_so_and_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = FakeEngine()
    with Gathering(Group(engine)) as gathering:
        patient = gathering.come(writes("patient"))
        monkeypatch.setattr(module, "MAX_SECONDS", 0.01)
        with pytest.raises(UnavailableError) as refusal:
            gathering.group.run(writes("impatient"), ())
        judged(refusal.value, "database_busy")
        gathering.go_on()
        assert patient.result(PATIENCE) == "patient"
    assert engine.words == ["patient"]


def test_who_is_being_run_when_its_patience_ends_hears_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    class Impatient(threading.Event):
        """Its time is over just when somebody has taken it up."""

        def wait(self, timeout: float | None = None) -> bool:
            return super().wait(PATIENCE) and timeout is None

    engine = FakeEngine()
    with Gathering(Group(engine)) as gathering:
        leading = gathering.come(writes("leading"))
        monkeypatch.setattr(module, "threading", SimpleNamespace(Event=Impatient))
        led = gathering.come(writes("led"))
        monkeypatch.undo()
        gathering.go_on()
        assert [leading.result(PATIENCE), led.result(PATIENCE)] == ["leading", "led"]
    assert engine.commits == [[], ["leading", "led"]]


# --- who fails ------------------------------------------------------------------------------------

REFUSAL = RejectedError("insufficient_funds", wallet_id="w", available="0.00", needed="1.00")
OUTCOMES: dict[str, BaseException | None] = {
    "done": None,
    "refused": REFUSAL,
    "bug": KeyError("a bug"),
    "conflict": Conflict(),
    "alone": AloneNeeded(),
}


@pytest.mark.parametrize("order", list(itertools.permutations(OUTCOMES)), ids=" ".join)
def test_a_caller_that_fails_never_fails_its_neighbours(order: Sequence[str]) -> None:
    """Every order of five; whoever met others, or must be alone, is run once more and does it then."""
    engine = FakeEngine()
    tried: dict[str, int] = {}

    def act(name: str) -> Callable[[Transaction], str]:
        def once(tx: Transaction) -> str:
            tried[name] = tried.get(name, 0) + 1
            passing = name in ("conflict", "alone") and tried[name] > 1
            return writes(name, None if passing else OUTCOMES[name])(tx)

        return once

    answers = dict(zip(order, together(engine, *map(act, order)), strict=True))
    assert answers["refused"] is REFUSAL
    assert isinstance(answers["bug"], KeyError)
    assert {name: answers[name] for name in ("done", "conflict", "alone")} == {
        name: name for name in ("done", "conflict", "alone")
    }
    assert engine.words[0] == "done"
    assert sorted(engine.words) == ["alone", "conflict", "done"]
    assert (tried["done"], tried["refused"], tried["conflict"], tried["alone"]) == (1, 1, 2, 2)
    assert engine.told.count("alone") == 1


def test_a_commit_that_fails_answers_everybody_with_the_error_and_nothing_is_done() -> None:
    engine = FakeEngine()
    with Gathering(Group(engine)) as gathering:
        coming = [gathering.come(writes(word)) for word in "abc"]
        coming.append(gathering.come(writes("d", REFUSAL)))
        engine.committing = lambda: setattr(
            engine, "fails_at_commit", UnavailableError("disk_full", path="fake") if engine.commits else None
        )
        gathering.go_on()
        errors = [one.exception(PATIENCE) for one in coming]
        for error in errors:
            assert isinstance(error, UnavailableError)
            judged(error, "disk_full")
        assert len({id(error) for error in errors}) == len(errors)  # each has its own to raise
        assert engine.words == []
        engine.committing = lambda: None
        assert gathering.group.run(writes("later"), ()) == "later"
    assert engine.words == ["later"]


def test_a_transaction_that_was_lost_in_the_middle_fails_everybody_in_it_and_runs_nobody_outside_it() -> None:
    engine = FakeEngine()
    lost = Lost("the server is gone")
    answers = together(engine, writes("a"), writes("b", REFUSAL), writes("c", lost), writes("d"))
    assert answers[0] is answers[2] is answers[3] is lost
    assert engine.words == []
    assert engine.told == ["shared first", "shared n0 n1 n2 n3", "savepoint", "savepoint", "savepoint"]


def test_a_conflict_at_the_commit_is_repeated_by_everybody_for_itself() -> None:
    engine = FakeEngine()
    with Gathering(Group(engine)) as gathering:
        coming = [gathering.come(writes(word), word) for word in "abc"]
        first = [True]

        def once() -> None:
            if engine.commits and first:
                first.clear()
                engine.fails_at_commit = Conflict()

        engine.committing = once
        gathering.go_on()
        assert [one.result(PATIENCE) for one in coming] == list("abc")
    assert engine.commits == [[], ["a"], ["b"], ["c"]]
    assert engine.told[-3:] == ["shared a", "shared b", "shared c"]


@pytest.mark.parametrize("error", [AloneNeeded(), Conflict()], ids=["alone", "conflict"])
def test_one_who_must_be_alone_or_met_others_is_run_alone(error: Exception) -> None:
    engine, failing = FakeEngine(), [error]

    def act(tx: Transaction) -> str:
        return writes("word", failing.pop() if failing else None)(tx)

    assert Group(engine).run(act, ("a",)) == "word"
    assert engine.told == ["shared a", "alone"]
    assert engine.commits == [["word"]]


def test_one_whose_conflict_does_not_end_fails_with_it() -> None:
    engine = FakeEngine()
    with pytest.raises(Conflict):
        Group(engine).run(writes("word", Conflict()), ("a",))
    assert engine.told == ["shared a", "alone"]
    assert engine.words == []


# --- Ctrl-C ---------------------------------------------------------------------------------------


def test_ctrl_c_in_the_thread_that_leads_leaves_the_others_going_on() -> None:
    engine = FakeEngine()
    interrupted = [KeyboardInterrupt()]

    def leading(tx: Transaction) -> str:
        return writes("leading", interrupted.pop() if interrupted else None)(tx)

    answers = together(engine, leading, writes("b"), writes("c", REFUSAL), writes("d"))
    assert isinstance(answers[0], KeyboardInterrupt)
    assert answers[1:] == ["b", REFUSAL, "d"]
    assert engine.commits == [[], ["b", "d"]]


def test_ctrl_c_in_a_use_case_of_another_leaves_the_others_going_on_too() -> None:
    """It strikes the thread that leads, whosever use case that runs just then."""
    engine, interrupted = FakeEngine(), [KeyboardInterrupt()]

    def second(tx: Transaction) -> str:
        return writes("b", interrupted.pop() if interrupted else None)(tx)

    answers = together(engine, writes("leading"), second, writes("c"))
    assert isinstance(answers[0], KeyboardInterrupt)
    assert answers[1:] == ["b", "c"]
    assert engine.commits == [[], ["b", "c"]]


def test_ctrl_c_in_the_commit_tells_the_others_that_the_outcome_is_unknown_and_runs_nobody_twice() -> None:
    engine = FakeEngine()
    with Gathering(Group(engine)) as gathering:
        coming = [gathering.come(writes(word)) for word in "abc"]
        engine.committing = lambda: setattr(
            engine, "fails_at_commit", KeyboardInterrupt() if engine.commits else None
        )
        gathering.go_on()
        assert isinstance(coming[0].exception(PATIENCE), KeyboardInterrupt)
        for one in coming[1:]:
            error = one.exception(PATIENCE)
            assert isinstance(error, UnavailableError)
            judged(error, "database_outcome_unknown")
        engine.committing = lambda: None
        assert gathering.group.run(writes("later"), ()) == "later"
    assert engine.words == ["later"]


def test_ctrl_c_after_the_commit_runs_nobody_twice() -> None:
    """It strikes while one who must be alone is run; the others of its group are done, and hear so."""
    engine, tries = FakeEngine(), [KeyboardInterrupt(), AloneNeeded()]

    def alone(tx: Transaction) -> str:
        return writes("b", tries.pop() if tries else None)(tx)

    answers = together(engine, writes("a"), alone, writes("c"))
    # The first has its own answer by then; but its thread is the one that is interrupted.
    assert isinstance(answers[0], KeyboardInterrupt)
    assert answers[1:] == ["b", "c"]
    assert engine.commits == [[], ["a", "c"], ["b"]]


def test_ctrl_c_in_a_thread_that_waits_takes_it_out_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = FakeEngine()
    with Gathering(Group(engine)) as gathering:
        monkeypatch.setattr(module, "threading", SimpleNamespace(Event=_Interrupted))
        with pytest.raises(KeyboardInterrupt):
            gathering.group.run(writes("interrupted"), ())
        monkeypatch.undo()
        assert gathering.group._waiting == []
        patient = gathering.come(writes("patient"))
        gathering.go_on()
        assert patient.result(PATIENCE) == "patient"
    assert engine.words == ["patient"]


class _Interrupted(threading.Event):
    def wait(self, timeout: float | None = None) -> bool:
        raise KeyboardInterrupt


def test_ctrl_c_in_a_thread_that_is_given_the_lead_gives_it_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The signal comes together with the turn."""
    engine = FakeEngine()

    class Late(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            super().wait(timeout)
            raise KeyboardInterrupt

    with Gathering(Group(engine)) as gathering:
        monkeypatch.setattr(module, "threading", SimpleNamespace(Event=Late))
        interrupted = gathering._pool.submit(gathering.group.run, writes("interrupted"), ())
        while not gathering.group._waiting:
            pass
        monkeypatch.undo()
        patient = gathering.come(writes("patient"))
        gathering.go_on()
        assert isinstance(interrupted.exception(PATIENCE), KeyboardInterrupt)
        assert patient.result(PATIENCE) == "patient"
    assert engine.words == ["patient"]


# --- on both engines ------------------------------------------------------------------------------


@pytest.fixture(params=["sqlite", "postgresql"])
def store_of(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database on each engine: a path or a URL."""
    if request.param == "sqlite":
        return str(tmp_path / "a.db")
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def s(store_of: str, tmp_path: Path) -> Iterator[Sandbox]:
    """A scheme whose books must verify in the end, on a clock that lets callers run beside each other."""
    Sandbox.open(store_of, keyring=tmp_path / "keys", clock=FixedClock(START)).close()
    with Sandbox.open(store_of, keyring=tmp_path / "keys") as opened:
        opened.clock.set(START)
        yield opened
        found = opened.ledger.verify()
        assert found.ok, [check for check in found.checks if not check.ok]


class Gathered(Gathering):
    """The same on a sandbox: what comes are calls of its services."""

    def __init__(self, s: Sandbox) -> None:
        super().__init__(s._store._group)  # type: ignore[attr-defined]

    def calls(self, call: Callable[..., Any], **named: Any) -> Future[Any]:
        before = len(self.group._waiting)
        coming = self._pool.submit(call, **named)
        while len(self.group._waiting) == before and not coming.done():
            threading.Event().wait(0.0005)
        return coming


@contextmanager
def commits_counted(s: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What kinds of transactions are begun meanwhile."""
    begun: list[str] = []
    for name in ("shared", "transaction"):
        plain = getattr(type(s._store), name)

        def counted(store: Any, *given: Any, _name: str = name, _plain: Any = plain) -> Any:
            if store is s._store:
                begun.append(_name)
            return _plain(store, *given)

        monkeypatch.setattr(type(s._store), name, counted)
    yield begun
    monkeypatch.undo()


def test_I6_payments_and_transfers_that_come_together_share_one_commit(
    s: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    wallets = [corporate(s, number, fund=yuan(110)) for number in range(1, 6)]
    for wallet in wallets:  # the first payment of an operator opens an account, and must be alone
        s.payments.pay(bill_no=owe(s, wallet, 10_00).bill_no, wallet_id=wallet.wallet_id)
    billed = [owe(s, wallet, 10_00) for wallet in wallets]
    with commits_counted(s, monkeypatch) as begun, Gathered(s) as gathering:
        paid = [
            gathering.calls(s.payments.pay, bill_no=bill.bill_no, wallet_id=wallet.wallet_id)
            for bill, wallet in zip(billed, wallets, strict=True)
        ]
        moved = gathering.calls(
            s.wallets.transfer,
            from_wallet=wallets[0].wallet_id,
            to_wallet=wallets[1].wallet_id,
            amount=yuan(5),
        )
        gathering.go_on()
        assert [one.result(PATIENCE).balance_after for one in paid] == [yuan(90)] * 5
        assert moved.result(PATIENCE).balance_after == yuan(85)
    assert [name for name in begun if name == "shared"] == ["shared"] * 2
    assert [balance(s, wallet) for wallet in wallets] == [yuan(x) for x in (85, 95, 90, 90, 90)]


REFUSED: dict[str, tuple[str, Callable[[Sandbox, Wallet, Wallet], Callable[[], Any]]]] = {
    "insufficient_funds": (
        "insufficient_funds",
        lambda s, one, other: (
            lambda: s.wallets.transfer(
                from_wallet=one.wallet_id, to_wallet=other.wallet_id, amount=yuan(1_000_000)
            )
        ),
    ),
    "bill_not_found": (
        "bill_not_found",
        lambda s, one, _other: (
            lambda: s.payments.pay(bill_no="B23042000000000000000", wallet_id=one.wallet_id)
        ),
    ),
    "same wallet": (
        "wallets_must_be_different",
        lambda s, one, _other: (
            lambda: s.wallets.transfer(from_wallet=one.wallet_id, to_wallet=one.wallet_id, amount=yuan(1))
        ),
    ),
    "item_unknown": (
        "stamp_duty_item_unknown",
        lambda s, one, _other: (
            lambda: s.payments.pay_stamp_duty(wallet_id=one.wallet_id, item="no such item", base=yuan(1))
        ),
    ),
}


def test_I6_callers_that_are_refused_in_any_place_of_a_group_fail_nobody_else(s: Sandbox) -> None:
    one, other = corporate(s, 1, fund=yuan(100)), corporate(s, 2)
    for number, order in enumerate(itertools.permutations(["done", *REFUSED][:4])):
        with Gathered(s) as gathering:
            coming = {}
            for name in order:
                call = (
                    REFUSED[name][1](s, one, other)
                    if name in REFUSED
                    else lambda: s.wallets.transfer(
                        from_wallet=one.wallet_id, to_wallet=other.wallet_id, amount=Fen(1)
                    )
                )
                coming[name] = gathering.calls(call)
            gathering.go_on()
            answers = {name: future.exception(PATIENCE) or future.result() for name, future in coming.items()}
        assert answers["done"].balance_after == yuan(100) - number - 1
        for name in set(order) & set(REFUSED):
            assert isinstance(answers[name], EcnyTaxError)
            judged(answers[name], REFUSED[name][0])
    assert balance(s, one) + balance(s, other) == yuan(100)


def test_what_must_be_alone_is_done_alone_beside_a_group(s: Sandbox) -> None:
    """A payment that looks for the taxpayer's agreements, and one of a sub-wallet's family."""
    company, other = corporate(s, 1, fund=yuan(100)), corporate(s, 2, fund=yuan(100))
    s.agreements.sign(wallet_id=company.wallet_id)
    under_agreement, scanned = owe(s, company, 10_00), owe(s, other, 20_00)
    with Gathered(s) as gathering:
        paid = [
            gathering.calls(s.payments.pay, bill_no=scanned.bill_no, wallet_id=other.wallet_id),
            gathering.calls(s.payments.pay, bill_no=under_agreement.bill_no),
        ]
        gathering.go_on()
        assert [one.result(PATIENCE).balance_after for one in paid] == [yuan(80), yuan(90)]


def test_I5_one_key_in_one_group_is_done_once_and_answered_alike(s: Sandbox) -> None:
    wallet = corporate(s, fund=yuan(100))
    bill = owe(s, wallet, 10_00)
    with Gathered(s) as gathering:
        paid = [
            gathering.calls(
                s.payments.pay, bill_no=bill.bill_no, wallet_id=wallet.wallet_id, idempotency_key="once"
            )
            for _ in range(8)
        ]
        gathering.go_on()
        answers = [one.result(PATIENCE) for one in paid]
    assert all(answer == answers[0] for answer in answers)
    assert balance(s, wallet) == yuan(90)


def test_I7_one_bill_in_one_group_is_paid_once(s: Sandbox) -> None:
    wallets = [corporate(s, number, fund=yuan(100)) for number in range(1, 9)]
    bill = owe(s, wallets[0], 10_00)
    with Gathered(s) as gathering:
        paid = [
            gathering.calls(s.payments.pay, bill_no=bill.bill_no, wallet_id=wallet.wallet_id)
            for wallet in wallets
        ]
        gathering.go_on()
        refusals = [one.exception(PATIENCE) for one in paid]
    assert [refusal and cast(EcnyTaxError, refusal).code for refusal in refusals] == [
        None, *["bill_already_paid"] * 7
    ]  # fmt: skip
    assert sum(balance(s, wallet) for wallet in wallets) == yuan(790)


def test_I16_a_commit_that_fails_fails_the_group_and_leaves_nothing(
    s: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    wallets = [corporate(s, number, fund=yuan(100)) for number in range(1, 5)]
    before = s.status().transfers

    with Gathered(s) as gathering:
        coming = [
            gathering.calls(
                s.wallets.transfer,
                from_wallet=one.wallet_id,
                to_wallet=other.wallet_id,
                amount=yuan(1),
                idempotency_key="again",
            )
            for one, other in itertools.pairwise(wallets)
        ]
        plain = type(s._store).shared  # type: ignore[attr-defined]

        @contextmanager
        def failing(store: Any, names: Sequence[str]) -> Iterator[Any]:
            with plain(store, names) as tx:
                yield tx
                raise UnavailableError("disk_full", path="test")

        monkeypatch.setattr(type(s._store), "shared", failing)
        gathering.go_on()
        errors = [one.exception(PATIENCE) for one in coming]
        monkeypatch.undo()
    assert [cast(EcnyTaxError, error).code for error in errors] == ["disk_full"] * 3
    assert s.status().transfers == before
    assert [balance(s, wallet) for wallet in wallets] == [yuan(100)] * 4
    for _ in range(2):
        s.wallets.transfer(
            from_wallet=wallets[0].wallet_id,
            to_wallet=wallets[1].wallet_id,
            amount=yuan(1),
            idempotency_key="again",
        )
    assert [balance(s, wallet) for wallet in wallets] == [yuan(99), yuan(101), yuan(100), yuan(100)]


def test_faults_of_statements_in_a_group_are_told_in_our_words(s: Sandbox) -> None:
    """A text that no database takes comes from one caller, and is that one's alone."""
    wallet = corporate(s, fund=yuan(100))
    other = corporate(s, 2)
    with Gathered(s) as gathering:
        bad = gathering.calls(
            s.wallets.transfer,
            from_wallet=wallet.wallet_id,
            to_wallet=other.wallet_id,
            amount=yuan(1),
            idempotency_key="a\ud800b",
        )
        good = gathering.calls(
            s.wallets.transfer, from_wallet=wallet.wallet_id, to_wallet=other.wallet_id, amount=yuan(1)
        )
        gathering.go_on()
        refusal = bad.exception(PATIENCE)
        assert isinstance(refusal, EcnyTaxError), refusal
        assert good.result(PATIENCE).balance_after == yuan(99)


def test_I3_I4_sixty_four_threads_that_pay_and_transfer_conserve_money(s: Sandbox) -> None:
    """Takes some seconds: every thread does five commands, on eight wallets that they share."""
    wallets = [corporate(s, number, fund=yuan(100)) for number in range(1, 7)]
    wallets += [personal(s, number, fund=yuan(100)) for number in range(1, 3)]
    total = yuan(800)

    def work(place: int) -> list[tuple[str, int]]:
        done = []
        for turn in range(5):
            one, other = (wallets[(place + turn * step) % 8] for step in (1, 3))
            try:
                if (place + turn) % 2 or one is other:
                    paid = s.payments.pay_stamp_duty(
                        wallet_id=one.wallet_id, item="sale_contract", base=yuan(1_000 + 100 * turn)
                    )
                    done.append(("paid", int(paid.amount)))
                else:
                    s.wallets.transfer(
                        from_wallet=one.wallet_id, to_wallet=other.wallet_id, amount=yuan(1 + turn)
                    )
                    done.append(("moved", 0))
            except EcnyTaxError as refusal:
                if refusal.code != "insufficient_funds":
                    raise
        return done

    with ThreadPoolExecutor(64) as threads:
        done = [one for some in threads.map(work, range(64)) for one in some]
    paid = sum(amount for _, amount in done)
    assert len(done) > 200
    assert sum(balance(s, wallet) for wallet in wallets) == total - paid
    assert all(balance(s, wallet) >= 0 for wallet in wallets)
    assert len(s.payments.list()) == sum(what == "paid" for what, _ in done)


def test_a_deadlock_between_programs_is_repeated(postgres_url: str, tmp_path: Path) -> None:
    """Two sandboxes own two wallets one after the other, in opposite order; the server ends one of them."""
    from ecny_tax.store.postgres_transaction import lock_key

    with (
        Sandbox.open(postgres_url, keyring=tmp_path / "keys") as one,
        Sandbox.open(postgres_url, keyring=tmp_path / "keys") as other,
        ThreadPoolExecutor(2) as threads,
    ):
        barrier = threading.Barrier(2)
        tries: list[str] = []

        def owning(first: str, second: str) -> Callable[[Transaction], str]:
            def act(tx: Transaction) -> str:
                tries.append(first)
                if len(tries) <= 2:
                    tx.row("SELECT pg_advisory_xact_lock(:key)", key=lock_key(first))
                    barrier.wait(PATIENCE)
                tx.row("SELECT pg_advisory_xact_lock(:key)", key=lock_key(second))
                return first

            return act

        done = [
            threads.submit(side._store.concurrently, owning(*names))
            for side, names in ((one, ("wallet:a", "wallet:b")), (other, ("wallet:b", "wallet:a")))
        ]
        assert [future.result(PATIENCE) for future in done] == ["wallet:a", "wallet:b"]
        assert len(tries) == 3


@pytest.mark.parametrize("error", [pg.UniqueViolation, pg.SerializationFailure, pg.DeadlockDetected])
def test_what_a_server_says_of_others_is_repeated(
    postgres_url: str, tmp_path: Path, error: type[Exception]
) -> None:
    with Sandbox.open(postgres_url, keyring=tmp_path / "keys") as s:
        failing = [error()]

        def act(tx: Transaction) -> int | str | bytes | None:
            if failing:
                raise failing.pop()
            row = tx.row("SELECT 1")
            assert row is not None
            return cast(int, row[0])

        assert s._store.concurrently(act, "wallet:a") == 1


def test_a_disk_that_is_full_in_the_middle_of_a_group_fails_the_group_and_leaves_nothing(
    tmp_path: Path,
) -> None:
    """SQLite may end the transaction by itself then: nobody who comes after may be written outside of it."""
    with Sandbox.open(tmp_path / "a.db") as s:
        wallets = [corporate(s, number, fund=yuan(100)) for number in (1, 2)]
        before = s.status().transfers
        connection = s._store._connection  # type: ignore[attr-defined]

        def transfer() -> Any:
            return s.wallets.transfer(
                from_wallet=wallets[0].wallet_id, to_wallet=wallets[1].wallet_id, amount=yuan(1)
            )

        def ended(tx: Transaction) -> None:
            tx.run("ROLLBACK")
            tx.run("SELECT 1 FROM no_such_table")

        with Gathered(s) as gathering:
            first = gathering.calls(transfer)
            full = gathering.come(ended)
            last = gathering.calls(transfer)
            gathering.go_on()
            errors = [one.exception(PATIENCE) for one in (first, full, last)]
        assert all(errors), errors
        assert not connection.in_transaction
        assert s.status().transfers == before
        assert transfer().balance_after == yuan(99)
