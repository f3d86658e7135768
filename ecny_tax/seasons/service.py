"""Running a season: a whole population, chunk by chunk, in flat memory.

A chunk is one transaction: its people get wallets, hand in what their returns come to, and are paid.  So what
a kill leaves is whole, and the same command goes on after it.  Then those who owe and mean to pay do so one
by one, the treasury closes its days, and the ledger is verified.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from typing import TYPE_CHECKING

from ecny_tax.clock import BEIJING, day_begins, micros
from ecny_tax.errors import ConflictError, EcnyTaxError, RejectedError
from ecny_tax.money import Fen
from ecny_tax.seasons import rows
from ecny_tax.seasons.model import (
    AMOUNT_BANDS,
    INCOME_BANDS,
    AmountBand,
    Band,
    Chunk,
    IncomeBand,
    LevelShare,
    Month,
    Outcome,
    Phase,
    Refusal,
    SeasonReport,
    Setting,
    Tally,
    Work,
    chunks,
)
from ecny_tax.store import Transaction, log
from ecny_tax.taxes.settle_many import ManySettled, require_numpy

if TYPE_CHECKING:
    from ecny_tax.sandbox import Sandbox
    from ecny_tax.seasons.draws import Flags
    from ecny_tax.seasons.population import People
    from ecny_tax.wallets.model import Wallet

#: The phases in their order, in English and Chinese.
PHASES = {
    "generate": "生成人口",
    "settle": "汇算",
    "open": "开立钱包",
    "file": "申报",
    "refund": "审核退税",
    "commit": "提交",
    "pay": "补缴",
    "close": "日终报解",
    "seal": "封存日志",
    "verify": "核验",
}
#: Is told the phase, how much of it is done, and how much there is.
Progress = Callable[[str, int, int], None]
_PAGE = 1_000


class Season:
    """A refund season (汇算清缴期) on a sandbox whose database has no people of its own.

    Raises ``ConflictError``: ``season_needs_new_database``, and ``season_differs`` where the database holds
    another season; ``UnavailableError`` (``numpy_missing``).
    """

    def __init__(self, sandbox: Sandbox, setting: Setting, progress: Progress | None = None) -> None:
        require_numpy()
        self._sandbox = sandbox
        # A chunk is one transaction over several rooms: so it works on the store itself.
        self._store = sandbox._store
        self._keyring = sandbox._keyring
        self._setting = setting
        self._progress = progress or (lambda _phase, _done, _total: None)
        self._book = self._store.rulebook
        self._store.write_much()
        self._times: dict[str, list[float]] = {}

    def run(self) -> SeasonReport:
        """Run the season, or the rest of one that was interrupted, and report it."""
        began = time.perf_counter()
        before = self._begin()
        plan = list(chunks(self._setting, self._book))
        tally = before
        while tally.chunks < len(plan):
            tally = self._run_chunk(plan[tally.chunks])
        if tally.unpaid is None:
            tally = self._pay_bills()
        self._close_days()
        with self._timed("seal"):
            log.seal(self._store, self._keyring)
        return self._report(tally, before, began)

    # --- where it begins ------------------------------------------------------------------------------

    def _begin(self) -> Tally:
        with self._store.reading() as tx:
            known, is_used = rows.state(tx), rows.is_used(tx)
        if known is not None:
            self._check_same(known["setting"])
            return Tally.of(known["tally"])
        if is_used:
            raise self._used()
        first, _last = self._setting.window(self._book)
        try:
            self._set_clock(first)
        except RejectedError:  # the database is younger than the season
            raise self._used() from None
        with self._store.transaction() as tx:
            self._save(tx, Tally.new())
        return Tally.new()

    def _used(self) -> ConflictError:
        first, _last = self._setting.window(self._book)
        return ConflictError("season_needs_new_database", path=getattr(self._store, "path", ""), first=first)

    def _check_same(self, known: dict[str, int]) -> None:
        if known != self._identity():
            raise ConflictError(
                "season_differs", people=known["people"], seed=known["seed"], year=known["tax_year"]
            )

    def _identity(self) -> dict[str, int]:
        one = self._setting
        return {"people": one.people, "seed": one.seed, "tax_year": one.tax_year}

    def _save(self, tx: Transaction, tally: Tally) -> None:
        rows.save(tx, {"setting": self._identity(), "tally": tally.document()})

    def _set_clock(self, day: date) -> None:
        """Ten in the morning of a day; a season that goes on is there already."""
        moment = datetime.combine(day, time_of_day(10), BEIJING)
        if self._sandbox.clock.now() != moment or not self._sandbox.clock.is_fixed():
            self._sandbox.clock.set(moment)

    # --- a chunk --------------------------------------------------------------------------------------

    def _run_chunk(self, chunk: Chunk) -> Tally:
        """One transaction; where another process was faster, what it has done stands."""
        from ecny_tax.seasons.population import people
        from ecny_tax.taxes.settle_many import settle_many

        one = self._setting
        with self._timed("generate", chunk.stop):
            rules = self._book.on(date(one.tax_year, 12, 31)).income_tax
            found = people(rules, tax_year=one.tax_year, seed=one.seed, start=chunk.start, stop=chunk.stop)
        with self._timed("settle", chunk.stop):
            settled = settle_many(found.columns(), book=self._book)
        self._set_clock(chunk.day)
        with (
            self._timed("commit", chunk.stop, less=("open", "file", "refund")),
            self._store.transaction() as tx,
        ):
            known = rows.state(tx) or {}
            tally = Tally.of(known["tally"])
            if tally.chunks != chunk.place:
                return tally
            with tx.ids.seeded(f"season {one.seed} chunk {chunk.place}"):
                self._serve(tx, chunk, found, settled, tally)
            tally.chunks += 1
            self._save(tx, tally)
        return tally

    def _serve(
        self, tx: Transaction, chunk: Chunk, found: People, settled: ManySettled, tally: Tally
    ) -> None:
        """Wallets, then bills and applications, then refunds."""
        from ecny_tax.refunds.many import approve_many

        _count(found, settled, tally)
        owes = settled.must_settle & (settled.due > 0)
        with self._timed("open", chunk.stop):
            wallets = self._open(tx, found, settled, owes, tally)
        with self._timed("file", chunk.stop):
            self._declare(tx, found, owes & found.declares, wallets, tally)
            waiting = self._apply(tx, found, (settled.refund > 0) & found.applies, wallets, tally)
        with self._timed("refund", chunk.stop):
            for answer in approve_many(tx, self._keyring, waiting):
                if isinstance(answer, EcnyTaxError):
                    tally.refuse(answer.code)

    def _open(
        self, tx: Transaction, found: People, settled: ManySettled, owes: Flags, tally: Tally
    ) -> list[Wallet | None]:
        """A wallet for everybody; whoever owes and means to pay brings the money, in one that holds more."""
        from ecny_tax.seasons.population import CLASSES, id_number_of, name_of
        from ecny_tax.wallets.many import Opening, open_many

        operators = [operator.code for operator in tx.rulebook.scheme.operators]
        pays = owes & found.declares & found.pays
        openings = [
            Opening(
                "personal",
                operators[operator % len(operators)],
                "II" if funded and CLASSES[place] == "III" else CLASSES[place],
                name_of(number),
                id_number_of(number),
                fund=Fen(due) if funded else None,
            )
            for number, operator, place, funded, due in zip(
                range(found.start, found.start + len(found)),
                found.operator.tolist(),
                found.wallet_class.tolist(),
                pays.tolist(),
                settled.due.tolist(),
                strict=True,
            )
        ]
        wallets: list[Wallet | None] = []
        for answer in open_many(tx, self._keyring, openings):
            if isinstance(answer, EcnyTaxError):
                tally.refuse(answer.code)
            wallets.append(None if isinstance(answer, EcnyTaxError) else answer)
        tally.wallets += sum(wallet is not None for wallet in wallets)
        return wallets

    def _declare(
        self, tx: Transaction, found: People, who: Flags, wallets: Sequence[Wallet | None], tally: Tally
    ) -> None:
        """A bill for each who owes: they are few, so one by one."""
        from ecny_tax.taxes import settlements
        from ecny_tax.wallets.disclosure import taxpayer_of

        places = who.nonzero()[0]
        for place, annual_return in zip(places.tolist(), found.annual_returns(places), strict=True):
            wallet = wallets[place]
            if wallet is None:
                continue
            try:
                with tx.savepoint():
                    taxpayer = taxpayer_of(tx, self._keyring, wallet.wallet_id, None)
                    settlements.declare(tx, taxpayer, annual_return, None, correction=False)
            except EcnyTaxError as refusal:
                tally.refuse(refusal.code)

    def _apply(
        self, tx: Transaction, found: People, who: Flags, wallets: Sequence[Wallet | None], tally: Tally
    ) -> list[str]:
        """The numbers of the applications that are under review now."""
        from ecny_tax.refunds.many import apply_many
        from ecny_tax.refunds.model import Application

        places = who.nonzero()[0]
        asked = [
            Application(wallet.wallet_id, annual_return)
            for place, annual_return in zip(places.tolist(), found.annual_returns(places), strict=True)
            if (wallet := wallets[place]) is not None
        ]
        waiting = []
        for answer in apply_many(tx, self._keyring, asked, manual_review=True):
            if isinstance(answer, EcnyTaxError):
                tally.refuse(answer.code)
            else:
                waiting.append(answer.refund_no)
        return waiting

    # --- after all have filed -------------------------------------------------------------------------

    def _pay_bills(self) -> Tally:
        """Whoever brought the money pays on the last day, one by one; why who could not is counted."""
        _first, last = self._setting.window(self._book)
        refused: dict[str, int] = {}
        after = done = 0
        self._set_clock(last)
        with self._store.reading() as tx:
            ids = tx.ids
            total = {status: count for status, count, _sum in rows.bill_outcomes(tx)}.get("open", 0)
        while True:
            with self._timed("pay"):
                with self._store.reading() as tx:
                    page = rows.waiting_bills(tx, after, _PAGE)
                for place, bill_no, wallet_id in page:
                    try:
                        with ids.seeded(f"season {self._setting.seed} bill {place}"):
                            self._sandbox.payments.pay(bill_no=bill_no, wallet_id=wallet_id)
                    except RejectedError as refusal:
                        if refusal.code != "bill_already_paid":  # by another process that runs this season
                            refused[refusal.code] = refused.get(refusal.code, 0) + 1
                    after, done = place, done + 1
            self._progress("pay", done, total)
            if len(page) < _PAGE:
                break
        with self._store.transaction() as tx:
            tally = Tally.of((rows.state(tx) or {})["tally"])
            tally.unpaid = refused
            self._save(tx, tally)
        return tally

    def _close_days(self) -> None:
        """The treasury closes every day of the season, on the day after it."""
        _first, last = self._setting.window(self._book)
        self._set_clock(last + timedelta(days=1))
        with self._timed("close"), self._store.reading() as tx:
            ids = tx.ids
        with self._timed("close"), ids.seeded(f"season {self._setting.seed} closing"):
            self._sandbox.treasury.close(day=last)

    # --- the report -----------------------------------------------------------------------------------

    def _report(self, tally: Tally, before: Tally, began: float) -> SeasonReport:
        one = self._setting
        first, last = one.window(self._book)
        total = self._sandbox.ledger.records()
        with self._timed("verify"):
            verified = self._sandbox.ledger.verify(
                progress=lambda done: self._progress("verify", done, total)
            )
        levels = self._sandbox.treasury.report(start=first, end=last, by="level").lines
        with self._store.reading() as tx:
            refunds, bills = rows.refund_outcomes(tx), rows.bill_outcomes(tx)
            amounts, months = _amounts(tx), _months(tx, first, last)
        refused = dict(tally.refused)
        for code, count in (tally.unpaid or {}).items():
            refused[code] = refused.get(code, 0) + count
        return SeasonReport(
            people=one.people,
            seed=one.seed,
            tax_year=one.tax_year,
            first_day=first,
            last_day=last,
            wallets=tally.wallets,
            with_refund=tally.with_refund,
            with_due=tally.with_due,
            need_not_pay=tally.need_not_pay,
            even=tally.even,
            did_not_apply=tally.do_not_apply,
            did_not_declare=tally.do_not_declare,
            refunds=sum(band.refunds for band in amounts),
            refunded=Fen(sum(band.refunded for band in amounts)),
            failed_refunds=sum(
                count for status, _code, count, _sum in refunds if status == "treasury_failed"
            ),
            bills=sum(band.bills for band in amounts),
            billed=Fen(sum(band.billed for band in amounts)),
            payments=sum(month.payments for month in months),
            paid=Fen(sum(month.paid for month in months)),
            ok=verified.ok,
            transfers=verified.transfers,
            accounts=verified.accounts,
            refund_outcomes=tuple(
                Outcome(status, code, count, Fen(amount)) for status, code, count, amount in refunds
            ),
            bill_outcomes=tuple(Outcome(status, None, count, Fen(amount)) for status, count, amount in bills),
            refusals=tuple(Refusal(code, count) for code, count in sorted(refused.items())),
            incomes=tuple(_income(band) for band in tally.bands),
            amounts=amounts,
            months=months,
            levels=tuple(LevelShare(line.key, line.refunded, line.collected) for line in levels),
            work=self._work(tally, before, began),
        )

    def _work(self, tally: Tally, before: Tally, began: float) -> Work:
        people, seconds = tally.people - before.people, time.perf_counter() - began
        return Work(
            seconds=round(seconds, 3),
            people=people,
            people_a_second=round(people / seconds),
            most_memory_mb=_most_memory() // 2**20,
            went_on=before.chunks > 0,
            phases=tuple(
                Phase(name, round(wall, 3), round(processor, 3), round(people / wall) if wall > 0 else 0)
                for name, (wall, processor) in sorted(
                    self._times.items(), key=lambda item: list(PHASES).index(item[0])
                )
            ),
        )

    @contextmanager
    def _timed(self, phase: str, done: int = 0, *, less: tuple[str, ...] = ()) -> Iterator[None]:
        """Count what runs inside towards a phase, less what is counted towards others meanwhile."""
        wall, processor = time.perf_counter(), time.process_time()
        inner = self._sum(less)
        try:
            yield
        finally:
            spent = self._times.setdefault(phase, [0.0, 0.0])
            apart = self._sum(less)
            spent[0] += time.perf_counter() - wall - (apart[0] - inner[0])
            spent[1] += time.process_time() - processor - (apart[1] - inner[1])
        if done:
            self._progress(phase, done, self._setting.people)

    def _sum(self, phases: Sequence[str]) -> tuple[float, float]:
        found = [self._times.get(phase, [0.0, 0.0]) for phase in phases]
        return sum(one[0] for one in found), sum(one[1] for one in found)


def _count(found: People, settled: ManySettled, tally: Tally) -> None:
    """What the returns of some people come to."""
    import numpy as np

    owes = settled.must_settle & (settled.due > 0)
    tally.people += len(found)
    tally.with_refund += int((settled.refund > 0).sum())
    tally.with_due += int(owes.sum())
    tally.need_not_pay += int(((settled.due > 0) & ~owes).sum())
    tally.even += int(((settled.due == 0) & (settled.refund == 0)).sum())
    tally.do_not_apply += int(((settled.refund > 0) & ~found.applies).sum())
    tally.do_not_declare += int((owes & ~found.declares).sum())
    given = found.returns
    income = sum(given[kind] for kind in ("wages", "labour", "author", "royalty", "bonus"))
    place = np.searchsorted(np.array(INCOME_BANDS), income, side="right") - 1
    columns = {
        "income": income,
        "tax": settled.tax_total,
        "withheld": given["withheld"],
        "to_refund": settled.refund,
        "to_pay": settled.due,
    }
    for band, one in enumerate(tally.bands):
        inside = place == band
        one.people += int(inside.sum())
        for name, column in columns.items():
            setattr(one, name, getattr(one, name) + int(column[inside].sum()))  # type: ignore[index]


def _income(band: Band) -> IncomeBand:
    return IncomeBand(
        Fen(band.at_least),
        band.people,
        Fen(band.income),
        Fen(band.tax),
        Fen(band.withheld),
        Fen(band.to_refund),
        Fen(band.to_pay),
    )


def _amounts(tx: Transaction) -> tuple[AmountBand, ...]:
    refunds, bills = rows.refunds_by_amount(tx, AMOUNT_BANDS), rows.bills_by_amount(tx, AMOUNT_BANDS)
    found = []
    for place, bound in enumerate(AMOUNT_BANDS):
        (count, amount), (billed, owed) = refunds.get(place, (0, 0)), bills.get(place, (0, 0))
        found.append(AmountBand(Fen(bound), count, Fen(amount), billed, Fen(owed)))
    return tuple(found)


def _months(tx: Transaction, first: date, last: date) -> tuple[Month, ...]:
    """The months that the season touches."""
    begins = [first.replace(day=1)]
    while (following := (begins[-1] + timedelta(days=31)).replace(day=1)) <= last:
        begins.append(following)
    bounds = [micros(day_begins(day)) for day in begins]
    refunds, payments = rows.refunds_by_time(tx, bounds), rows.payments_by_time(tx, bounds)
    found = []
    for place, day in enumerate(begins):
        (count, amount), (paid, taken) = refunds.get(place, (0, 0)), payments.get(place, (0, 0))
        found.append(Month(f"{day:%Y-%m}", count, Fen(amount), paid, Fen(taken)))
    return tuple(found)


def _most_memory() -> int:
    """The most memory that this process has held, in bytes; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held if sys.platform == "darwin" else held * 1024
