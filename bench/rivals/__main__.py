"""``python -m bench.rivals``: measure us and each rival in turn, print a table, write rivals.json."""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench.databases import Database, durable_server
from bench.rivals.jobs import Moves
from bench.runner import BUILD, stopwatch
from bench.scheme import open_wallets, post
from ecny_tax import Fen
from ecny_tax.ledger.model import Ledger, Transfer, TransferCode

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-rivals" / "bin" / "python"
#: (name, its program, what it does less, what it does more than the others)
RIVALS = (
    (
        "django-hordak",
        "run_hordak.py",
        "one call: Account.transfer_to; a batch: bulk_create. Triggers hold every transaction to a sum of "
        "zero, and its currency to the account's. No balance is kept, so none is looked at: an account may "
        "be overdrawn, and reading a balance sums its legs. No idempotency, no sealed log",
    ),
    (
        "SQLAlchemy",
        "run_sqlalchemy.py",
        "three tables of one's own: accounts locked and their balances looked at and kept, two entries a "
        "transfer. Nothing in the database holds the entries to a sum of zero. No idempotency, no sealed log",
    ),
)
OURS = (
    "one call: s.wallets.transfer, with limits, pseudonyms and answers to keys; a batch: the ledger's post. "
    "Balances are looked at and kept; triggers refuse to change or delete a transfer; sealed afterwards, "
    "by a process beside"
)


@dataclass(frozen=True, slots=True)
class Measured:
    """Transfers a second, the median of the rounds."""

    name: str
    one_a_call: float
    in_batches: float
    what: str


class _Ours:
    """The same jobs by us."""

    def __init__(self, db: Database) -> None:
        self._store, self._sandbox = None, None
        self._db = db

    def open(self, accounts: int) -> None:
        with self._db.open() as sandbox:
            self._wallets = open_wallets(sandbox, accounts)
        self._store, self._sandbox = self._db.opened()
        self._first = self._now()

    def single(self, moves: Moves) -> float:
        ids = [wallet.wallet_id for wallet in self._wallets]
        with stopwatch() as taken:
            for payer, payee, fen in moves:
                self._sandbox.wallets.transfer(from_wallet=ids[payer], to_wallet=ids[payee], amount=Fen(fen))
        return taken[0]

    def batch(self, moves: Moves) -> float:
        accounts = [wallet.account_id for wallet in self._wallets]
        with stopwatch() as taken:
            with self._store.reading() as tx:
                ids = tx.ids.transfer_ids(tx.now, len(moves))
            code = TransferCode.WALLET_TRANSFER
            post(
                self._store,
                [
                    Transfer(
                        id_, accounts[payer], accounts[payee], fen, Ledger.ECNY, code, user_data="rivals"
                    )
                    for id_, (payer, payee, fen) in zip(ids, moves, strict=True)
                ],
            )
        return taken[0]

    def gained(self) -> list[int]:
        """What each wallet has more than in the beginning, once the ledger is verified."""
        if not self._sandbox.ledger.verify().ok:
            raise RuntimeError("our own ledger does not verify")
        return [now - first for now, first in zip(self._now(), self._first, strict=True)]

    def close(self) -> None:
        self._sandbox.close()

    def _now(self) -> list[int]:
        balances = {wallet.wallet_id: wallet.balance for wallet in self._sandbox.wallets.list()}
        return [int(balances[wallet.wallet_id]) for wallet in self._wallets]


class _Theirs:
    """The jobs of a rival, which runs beside us."""

    def __init__(self, program: subprocess.Popen[str]) -> None:
        self._program = program

    def open(self, accounts: int) -> None:
        self._ask("open", accounts)
        self._first = self._ask("balances")

    def single(self, moves: Moves) -> float:
        return float(self._ask("single", moves))

    def batch(self, moves: Moves) -> float:
        return float(self._ask("batch", moves))

    def gained(self) -> list[int]:
        return [now - first for now, first in zip(self._ask("balances"), self._first, strict=True)]

    def _ask(self, job: str, given: object = None) -> Any:
        assert self._program.stdin is not None  # noqa: S101 - both are pipes
        assert self._program.stdout is not None  # noqa: S101
        self._program.stdin.write(json.dumps({job: given}) + "\n")
        self._program.stdin.flush()
        answer = self._program.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self._program.args} ended: what it said stands above")
        return json.loads(answer)


@contextmanager
def _started(program: str, url: str) -> Iterator[_Theirs]:
    command = [str(PYTHON), str(Path(__file__).with_name(program)), url]
    with subprocess.Popen(  # noqa: S603 - our own programs
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        yield _Theirs(running)
        running.stdin.close()  # type: ignore[union-attr]


def measure(*, accounts: int, rounds: int, single: int, batch: int) -> list[Measured]:
    """Every side moves the same money, round by round; raises ``RuntimeError`` where balances differ."""
    BUILD.mkdir(exist_ok=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rivals-", dir=BUILD)))
        server = stack.enter_context(durable_server())
        ours = _Ours(Database(stack.enter_context(server.database()), folder / "keys"))
        sides: dict[str, _Ours | _Theirs] = {"ecny-tax": ours}
        for name, program, _what in RIVALS:
            url = stack.enter_context(server.database())
            sides[name] = stack.enter_context(_started(program, url))
        for side in sides.values():
            side.open(accounts)
        stack.callback(ours.close)
        pick = random.Random(1)  # noqa: S311 - the same transfers in every run
        times: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in sides}
        for _ in range(rounds):
            one, many = (
                [(*pick.sample(range(accounts), 2), pick.randrange(1, 100)) for _ in range(count)]
                for count in (single, batch)
            )
            for name, side in sides.items():
                times[name][0].append(single / side.single(one))
                times[name][1].append(batch / side.batch(many))
        gained = {name: side.gained() for name, side in sides.items()}
        for name, found in gained.items():
            if found != gained["ecny-tax"] or sum(found):
                raise RuntimeError(f"the balances of {name} are not ours")
    what = {"ecny-tax": OURS} | {name: does for name, _program, does in RIVALS}
    return [
        Measured(name, round(median(one), 1), round(median(many), 1), what[name])
        for name, (one, many) in times.items()
    ]


def show(found: Sequence[Measured]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("what", "one a call", "ours is", "in batches", "ours is", "what it does")
    ours = found[0]
    for one in found:
        table.add_row(
            one.name,
            f"{one.one_a_call:,.0f}/s", f"{ours.one_a_call / one.one_a_call:.1f} times",
            f"{one.in_batches:,.0f}/s", f"{ours.in_batches / one.in_batches:.1f} times",
            one.what,
        )  # fmt: skip
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.rivals", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes: to try it out")
    parser.add_argument("--out", type=Path, default=Path("rivals.json"), help="default: ./rivals.json")
    options = parser.parse_args()
    if not PYTHON.exists():
        sys.stderr.write(
            f"{PYTHON.parents[1].name} is missing: `make rivals` installs it from bench/rivals.txt\n"
        )
        return 1
    quick = options.quick
    found = measure(
        accounts=10 if quick else 200,
        rounds=2 if quick else 5,
        single=3 if quick else 100,
        batch=20 if quick else 2_000,
    )
    written = {"sides": [asdict(one) for one in found]}
    options.out.write_text(json.dumps(written, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    show(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
