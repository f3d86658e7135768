"""Commands without their start: a server that has imported the package forks a process for each.

A test that runs twenty commands would start Python and import the same modules twenty times, which takes ten
times as long as what it asks for.  Here every command is still a process with its own streams, folder,
environment, memory and exit code, which ends as Python ends; only its imports are done.  What the start is
about (lazy imports, what the interpreter reads from the environment, signals, terminals) is tested with
processes that really start; `test_warm.py` and `test_golden.py` show that both say the same.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import io
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

#: Elsewhere every command starts anew.
POSSIBLE = hasattr(os, "fork") and hasattr(socket, "recv_fds")
#: The program that a shell asks with: its address, then the words of the command.
ASK = Path(__file__).with_name("ask.py")
#: What may differ from the environment of the server: it is read when it is used, if at all.
LATER = ("ECNY_TAX_", "_ECNY_TAX_", "PYTEST_")
NEVER = {"PATH", "PWD", "OLDPWD", "SHLVL", "_"}
#: Starts threads, which a process that forks may not have; the modules that need it are left to the commands.
THREADED = "numpy"


class Server:
    """A server of commands in this environment, run by this Python; it ends with who started it."""

    def __init__(self, environment: Mapping[str, str], *python: str) -> None:
        # Short: the path of a socket is limited to about a hundred characters.  The server removes it.
        self.address = os.path.join(tempfile.mkdtemp(prefix="ecny-tax-", dir="/tmp"), "socket")
        self.process = subprocess.Popen(
            [*(python or [sys.executable]), "-P", __file__, self.address],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"

    def run(
        self,
        words: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        streams: tuple[int, int, int],
    ) -> int:
        """Run one command with these streams; its exit code, or minus the signal that ended it."""
        from tests.cli.ask import ask  # not where nothing is POSSIBLE

        variables = {os.fsencode(name): os.fsencode(value) for name, value in environment.items()}
        return ask(self.address, os.fsencode(folder), [*map(os.fsencode, words)], variables, *streams)

    def stop(self) -> None:
        """End it, and the commands that still run."""
        self.process.communicate()


# ------------------------------------------------------------------------------------------ the server


def serve(address: str) -> None:
    """Fork a process for every connection and tell how it ended, until stdin is closed."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(64)
    ended, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests and for the commands
    running: dict[int, socket.socket] = {}
    _import_all()
    os.write(1, b"ready\n")
    while True:
        ready, _, _ = select.select([listener, ended, 0], [], [])
        if ended in ready:
            os.read(ended, 4096)
            for process in list(running):
                found, status = os.waitpid(process, os.WNOHANG)
                if found:
                    with running.pop(process) as connection, suppress(OSError):  # who asked may be gone
                        connection.send(b"%d" % os.waitstatus_to_exitcode(status))
        if listener in ready:
            connection, _ = listener.accept()
            process = os.fork()
            if process == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                signal.signal(signal.SIGINT, signal.default_int_handler)
                for inherited in (listener, *running.values()):
                    inherited.close()
                os.close(ended)
                os.close(wake)
                _become(connection)
            running[process] = connection
        if 0 in ready:
            for process in running:
                os.kill(process, signal.SIGKILL)
            os.unlink(address)
            os.rmdir(os.path.dirname(address))
            return


def _import_all() -> None:
    """What the commands import, and the parsers they make; no file or connection stays open."""
    import ecny_tax

    sys.modules[THREADED] = None  # type: ignore[assignment]
    for module in pkgutil.walk_packages(ecny_tax.__path__, "ecny_tax."):
        if not module.name.startswith("ecny_tax.testing") and not module.name.endswith("__main__"):
            with suppress(ImportError):
                importlib.import_module(module.name)
    del sys.modules[THREADED]
    from ecny_tax.cli.app import COMMANDS, _tree

    for names in ((), *((name,) for name in COMMANDS.values())):
        _tree(*names)
    assert threading.active_count() == 1
    gc.collect()
    gc.freeze()


def _become(connection: socket.socket) -> NoReturn:
    """Be the process that was asked for."""
    with connection:
        _, streams, _, _ = socket.recv_fds(connection, 1, 3)
        parts = []
        while part := connection.recv(65_536):
            parts.append(part)
    folder, count, *rest = b"".join(parts).split(b"\0")
    words = [os.fsdecode(word) for word in rest[: int(count)]]
    environment = dict(os.fsdecode(pair).split("=", 1) for pair in rest[int(count) :])
    for place, stream in enumerate(streams):
        os.dup2(stream, place)
        os.close(stream)
    os.chdir(folder)
    differing = {name for name, _ in environment.items() ^ os.environ.items()}
    if any(not name.startswith(LATER) and name not in NEVER for name in differing):
        os.execve(sys.executable, [sys.executable, "-m", "ecny_tax", *words], environment)
    os.environ.clear()
    os.environ.update(environment)
    for place, name in enumerate(("stdin", "stdout", "stderr")):
        stream = _stream(place, getattr(sys, name))
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    sys.argv = ["ecny-tax", *words]
    os._exit(_ended())


def _stream(place: int, servers: io.TextIOWrapper) -> io.TextIOWrapper:
    """A standard stream, as Python makes it at its start, given the settings that made that of the server."""
    at_once = servers.write_through
    mode, buffering = ("wb", 0 if at_once else -1) if place else ("rb", -1)
    binary = open(place, mode, buffering=buffering, closefd=False)  # noqa: SIM115
    return io.TextIOWrapper(
        binary,
        encoding=servers.encoding,
        errors=servers.errors,
        newline="\n" if place else None,
        line_buffering=not at_once and (place == 2 or os.isatty(place)),
        write_through=at_once,
    )


def _ended() -> int:
    """Run the command and do what Python does at its end; the exit code."""
    from ecny_tax.cli import main

    code: Any = 0
    try:
        main()
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            if not stream.closed:
                stream.flush()
        except OSError:
            code = 120
    return int(code)


if __name__ == "__main__":
    serve(sys.argv[1])
