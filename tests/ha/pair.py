"""A primary and a synchronous standby that change places."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.postgres_server import DURABLE, SUPERUSER, USER, Server, free_port

#: Seconds after which something that should have happened has gone wrong.
PATIENCE = 60.0
#: What the documentation recommends to whoever runs a pair (docs/postgresql.md), and room for our writers.
SETTINGS = DURABLE | {
    "synchronous_commit": "on",
    "restart_after_crash": "off",
    "wal_keep_size": "512MB",
    "max_wal_size": "512MB",
    # The pair finds out in seconds, not in minutes, that the other one is gone.
    "wal_receiver_timeout": "5s",
    "wal_sender_timeout": "5s",
    "wal_retrieve_retry_interval": "200ms",
}


@dataclass
class Pair:
    """Two servers of one folder; ``synchronous``: a commit is answered when both have it on their disks."""

    primary: Server
    standby: Server
    synchronous: bool

    @classmethod
    def make(cls, folder: Path, *, synchronous: bool = True) -> Pair:
        primary = Server.make(folder, "a", SETTINGS)
        pair = cls(primary, Server(folder, "b", free_port(), primary.password), synchronous)
        pair.copy()
        pair.join()
        return pair

    def url(self, database: str) -> str:
        """Where the programs find whichever of both takes what they write."""
        a, b = sorted((self.primary, self.standby), key=lambda server: server.name)
        return (
            f"postgresql://{USER}:{a.password}@127.0.0.1:{a.port},127.0.0.1:{b.port}/{database}"
            "?target_session_attrs=read-write"
        )

    def promote(self) -> None:
        """Let the standby take the place of the primary, which must not run any more."""
        self.standby.promote()
        self.primary, self.standby = self.standby, self.primary

    def cut_off(self) -> None:
        """Let the standby hear nothing any more: what is committed now is on one disk alone."""
        with self.standby.connect() as connection:
            connection.execute("ALTER SYSTEM SET primary_conninfo = ''")
            connection.execute("SELECT pg_reload_conf()")
            until(
                "the standby does not hear",
                lambda: connection.execute("SELECT count(*) FROM pg_stat_wal_receiver").fetchone() == (0,),
            )

    def copy(self) -> None:
        """Make the standby a fresh copy of the primary."""
        if self.standby.data.exists():
            shutil.rmtree(self.standby.data)
        self.standby.run(
            "pg_basebackup", f"--pgdata={self.standby.data}", f"--dbname={self._source}",
            "--write-recovery-conf", "--checkpoint=fast", "--wal-method=stream", "--no-sync",
        )  # fmt: skip

    def rewind(self) -> None:
        """Make a standby of what was the primary: take back what it has and nobody else, fetch the rest."""
        with self.primary.connect() as connection:
            connection.execute("CHECKPOINT")  # else the new primary does not know yet that it is one
        self.standby.run(
            "pg_rewind", f"--target-pgdata={self.standby.data}", f"--source-server={self._source}",
            "--write-recovery-conf", "--no-sync",
        )  # fmt: skip

    def join(self) -> None:
        """Start the standby, and wait until nothing is committed without it any more."""
        # The files of settings are copies of the primary's: the port is our own, and nobody waits for us
        # until we say so.
        self.standby.configure({"synchronous_standby_names": ""})
        self.standby.start()
        with self.primary.connect() as connection:
            if self.synchronous:
                self.primary.configure({"synchronous_standby_names": self.standby.name})
                connection.execute("SELECT pg_reload_conf()")
            here = connection.execute("SELECT pg_current_wal_lsn()").fetchone()
            state = "sync" if self.synchronous else "async"
            until(
                f"{self.standby.name} follows",
                lambda: (
                    connection.execute(
                        "SELECT sync_state, flush_lsn >= %s::pg_lsn FROM pg_stat_replication", here
                    ).fetchone()
                    == (state, True)
                ),
            )

    @property
    def _source(self) -> str:
        """Where the standby copies from and listens to, under its own name."""
        return (
            f"host={self.primary.folder} port={self.primary.port} user={SUPERUSER} dbname={SUPERUSER}"
            f" application_name={self.standby.name}"
        )


def until(what: str, done: Callable[[], bool]) -> float:
    """Wait until it is so; the seconds that took."""
    start = time.monotonic()
    while not done():
        if time.monotonic() - start > PATIENCE:
            raise TimeoutError(f"after {PATIENCE:.0f} s still not so: {what}")
        time.sleep(0.01)
    return time.monotonic() - start
