"""``python -m bench.growth``: what a transfer costs in a ledger of a thousand, and of ten million."""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from bench.databases import Database, database
from bench.growth_chart import drawn
from bench.plain import connect
from bench.runner import BUILD, stopwatch
from bench.scheme import open_wallets, post, random_batch, verified_apart
from ecny_tax import Fen
from ecny_tax.ledger.model import MAX_BATCH

_WALLETS = 200
#: Moves and readings at each size.
_MOVES, _READINGS, _STATEMENTS = 200, 20, 5
#: Transfers that are posted before each size to see how fast that goes there, in batches.
_TIMED = 5


@dataclass(frozen=True, slots=True)
class Point:
    """What was measured when the ledger had so many transfers; times in microseconds unless named so."""

    engine: str
    transfers: int
    batch_us: float  # a transfer, posted in batches, durable, sealed by a process beside
    move_us: float  # a transfer between two wallets, one a call, durable
    balance_us: float  # reading one wallet and its balance
    statement_us: float  # a row of a statement of one wallet
    statement_rows: int
    verify_us: float  # a transfer, verified whole
    verify_seconds: float
    verify_peak_mb: float  # of a process that does nothing else
    bytes_each: float  # of the database on the disk, indexes and sealed log included


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument("--sqlite", type=int, default=10_000_000, metavar="N", help="transfers on SQLite")
    parser.add_argument("--postgresql", type=int, default=1_000_000, metavar="N", help="and on PostgreSQL")
    parser.add_argument("--at", type=Path, default=BUILD, help="where the file grows (150 bytes a transfer)")
    parser.add_argument("--out", type=Path, default=Path("docs/performance.json"))
    parser.add_argument("--draw", action="store_true", help="only draw what was measured before")
    options = parser.parse_args()
    if not options.draw:
        points = [
            point
            for engine, largest in (("sqlite", options.sqlite), ("postgresql", options.postgresql))
            for point in _grown(engine, options.at, [10**n for n in range(3, 10) if 10**n <= largest])
        ]
        written = {"environment": environment(options.at), "points": [asdict(point) for point in points]}
        options.out.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    measured = json.loads(options.out.read_text("utf-8"))
    options.out.with_suffix(".svg").write_text(drawn(measured["points"]), encoding="utf-8")
    return 0


def _grown(engine: str, place: Path, sizes: Sequence[int]) -> Iterator[Point]:
    """Let a ledger grow from size to size, and measure at each."""
    place.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="growth-", dir=place) as folder,
        database(engine, Path(folder)) as db,
    ):
        with db.open() as sandbox:
            accounts = [wallet.account_id for wallet in open_wallets(sandbox, _WALLETS)]
        pick = random.Random(1)  # noqa: S311 - the same transfers in every run
        for size in sizes:
            batch_us = _fill(db, accounts, size, pick)
            point = _measured(db, engine, size, batch_us)
            sys.stderr.write(f"{point}\n")
            yield point


def _fill(db: Database, accounts: list[int], size: int, pick: random.Random) -> float:
    """Post batches until the ledger has so many transfers; microseconds a transfer of the last few."""
    store, sandbox = db.opened()
    with sandbox:
        missing = size - sandbox.status().transfers
        times: list[float] = []
        while missing > 0:
            batch = random_batch(store, accounts, min(MAX_BATCH, missing), pick)
            with stopwatch() as taken:
                post(store, batch)
            times.append(taken[0] * 1e6 / len(batch))
            missing -= len(batch)
        sandbox.ledger.checkpoint()
    full = times[:-1] or times  # the last one is shorter
    return median(full[-_TIMED:])


def _measured(db: Database, engine: str, size: int, batch_us: float) -> Point:
    bytes_each = _bytes(db) / size
    peak, seconds = verified_apart(db)
    with db.open() as sandbox:
        wallets = [wallet.wallet_id for wallet in sandbox.wallets.list()]
        read = sandbox.wallets
        rows = len(read.statement(wallet_id=wallets[0]).lines)
        balance = _each(_READINGS, lambda n: read.show(wallet_id=wallets[n]))
        statement = _each(_STATEMENTS, lambda _n: read.statement(wallet_id=wallets[0])) / rows
        move = _each(
            _MOVES, lambda n: read.transfer(from_wallet=wallets[n], to_wallet=wallets[-1 - n], amount=Fen(1))
        )
    return Point(
        engine, size, _short(batch_us), _short(move), _short(balance), _short(statement), rows,
        _short(seconds * 1e6 / size), _short(seconds), _short(peak), _short(bytes_each),
    )  # fmt: skip


def _each(times: int, act: Callable[[int], object]) -> float:
    """Microseconds that one takes where the machine lets it: the fastest tenth of several takes no longer."""
    taken = []
    for n in range(times):
        start = time.perf_counter()
        act(n)
        taken.append(time.perf_counter() - start)
    return sorted(taken)[times // 10] * 1e6


def _bytes(db: Database) -> int:
    connection = connect(db.name)
    if db.name.startswith("postgresql:"):
        sql = "SELECT pg_database_size(current_database())"
    else:
        connection.read("PRAGMA wal_checkpoint(TRUNCATE)")
        sql = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
    ((size,),) = connection.read(sql)
    connection.close()
    return int(size)


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def environment(place: Path) -> dict[str, object]:
    """What a figure depends on: the machine, as far as it is not a name of its own."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "disk": _disk(place),
        "python": platform.python_version(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.machine())


def _disk(place: Path) -> str:
    """The file system on which databases are made, and how long a durable write of a page takes there."""
    system = "?"
    if Path("/proc/mounts").exists():
        mounts = [line.split()[:3] for line in Path("/proc/mounts").read_text("utf-8").splitlines()]
        inside = [one for one in mounts if place.resolve().is_relative_to(one[1])]
        system = max(inside, key=lambda one: len(one[1]))[2] if inside else system
    with tempfile.TemporaryFile(dir=place) as file:

        def write(_n: int) -> None:
            os.pwrite(file.fileno(), b"x" * 4096, 0)
            os.fsync(file.fileno())

        return f"{system}, {_each(200, write):.0f} µs for a page to be on it"


if __name__ == "__main__":
    sys.exit(main())
