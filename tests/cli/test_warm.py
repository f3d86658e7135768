"""Commands that are forked from a server say and do what those do that Python starts for them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests.cli.conftest import PASSPHRASE, World
from tests.cli.process import TODAY, Cli, StartedCli, clean_environment, eventually, warm_server
from tests.cli.warm import ASK, POSSIBLE, Server

pytestmark = pytest.mark.skipif(
    not POSSIBLE, reason="every command starts anew where processes cannot be forked"
)

#: What both are asked beside the commands of `test_golden.py`; numbers and times stand still.
ASKED = [
    "",
    "wallet",
    "--version",
    "--version --json",
    "--no-such-option",
    "walet list",
    "wallet shwo",
    "wallet show",
    "wallet show 123 --json",
    "wallet show {company} --json",
    "wallet list --lang fr",
    "wallet top-up {company} --amount 1.005 --json --lang zh",
    "pay --bill {paid} --json",
    "bill show B0 --json",
    "agreement sign --wallet {company} --authority {authority} --json",
    "receipt verify i.json --json",
    "wallet list --db no/such/folder.db --lang zh",
    "tax rules --json",
    "ledger export --format jsonl",
    "treasury report --csv",
]


@pytest.mark.parametrize("command", ASKED)
def test_both_answer_alike_to_the_byte(original: World, command: str) -> None:
    common = [] if "--version" in command or not command else ["--now", TODAY]
    answers = [
        how(original.folder, ECNY_TAX_DB="s.db").run(*original.filled(command), *common)
        for how in (Cli, StartedCli)
    ]
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    "variable", ["ECNY_TAX_DB", "ECNY_TAX_LANG", "ECNY_TAX_PASSPHRASE", "ECNY_TAX_DEBUG"]
)
def test_both_read_their_environment(original: World, variable: str) -> None:
    values = {
        "ECNY_TAX_DB": "none.db",
        "ECNY_TAX_LANG": "zh",
        "ECNY_TAX_PASSPHRASE": "wrong",
        "ECNY_TAX_DEBUG": "1",
    }
    environment = {"ECNY_TAX_DB": "s.db", "ECNY_TAX_PASSPHRASE": PASSPHRASE} | {variable: values[variable]}
    words = ("device", "show", "d.dev") if "PASS" in variable else ("wallet", "show", "0010000000000000")
    first, second = (how(original.folder, **environment).run(*words) for how in (Cli, StartedCli))
    assert first == second
    assert first.exit_code != 0


def test_nothing_of_a_command_is_left_to_the_next(cli: Cli) -> None:
    rules = cli.folder / "rules"
    rules.mkdir()
    (rules / "taxes.toml").write_text(
        '[[late_fee]]\nrate = "0.1"\neffective_from = 2001-05-01\ncitation = "my law"\n'
        'evidence = "assumption"\n'
    )
    before = cli("tax", "rules")
    assert cli("tax", "rules", ECNY_TAX_RULEBOOK="rules") != before
    assert "缺少" in cli.run("wallet", "show", ECNY_TAX_LANG="zh").stderr
    assert "缺少" not in cli.run("wallet", "show").stderr
    assert cli("tax", "rules") == before


@pytest.mark.parametrize("variable", ["PYTHONIOENCODING", "PYTHONPROFILEIMPORTTIME", "LC_ALL", "COLUMNS"])
def test_what_python_or_a_library_may_read_at_its_start_starts_one(cli: Cli, variable: str) -> None:
    """What is imported tells it, which only a Python that starts does."""
    environment = {"PYTHONPROFILEIMPORTTIME": "1", variable: "1"}
    assert "import time:" in cli.run("--version", **environment).stderr
    assert "import time:" not in cli.run("--version").stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("command", ["wallet list --json", "--version", "wallet list", "pay"])
def test_both_fail_alike_where_nothing_can_be_written(cli: Cli, command: str) -> None:
    for streams in ((False, True), (True, False)):
        found = []
        for warm in (True, False):
            with (
                open(os.devnull, "rb") as nothing,
                open("/dev/full", "wb") as full,
                open(cli.folder / "said", "wb") as said,
            ):
                out, err = (full if is_full else said for is_full in streams)
                if warm:
                    handed = nothing.fileno(), out.fileno(), err.fileno()
                    code = warm_server().run(command.split(), cli.folder, cli.environment(), handed)
                else:
                    words, environment = cli.command(*command.split()), cli.environment()
                    code = subprocess.run(
                        words,
                        cwd=cli.folder,
                        env=environment,
                        stdin=nothing,
                        stdout=out,
                        stderr=err,
                        check=False,
                    ).returncode
            found.append((code, (cli.folder / "said").read_text()))
        assert found[0] == found[1]


def test_both_end_alike_when_nobody_reads_what_they_say(cli: Cli) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(cli.folder / "said", "w+b") as said, open(os.devnull, "rb") as nothing:
        streams = nothing.fileno(), writer, said.fileno()
        assert warm_server().run(["tax", "rules"], cli.folder, cli.environment(), streams) == 0
        assert said.read() == b""
    os.close(writer)


# --- many, and killed ones ------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server(clean_environment())
    yield found
    found.stop()


def commands_of(server: Server) -> list[psutil.Process]:
    return psutil.Process(server.process.pid).children()


def test_a_command_that_waits_holds_nobody_up_and_its_signal_is_told(server: Server, cli: Cli) -> None:
    os.mkfifo(cli.folder / "pipe")
    words = ["tax", "quote", "income-tax", "--input", "pipe"]
    with ThreadPoolExecutor() as pool, open(os.devnull, "r+b") as nothing:
        streams = (nothing.fileno(),) * 3
        code = pool.submit(server.run, words, cli.folder, cli.environment(), streams)
        eventually(lambda: len(commands_of(server)) == 1)
        assert server.run(["--version"], cli.folder, cli.environment(), streams) == 0
        assert not code.done()
        commands_of(server)[0].kill()
        assert code.result(timeout=60) == -9


def test_a_server_ends_with_who_started_it_and_takes_its_commands_along(tmp_path: Path) -> None:
    code = (
        "import os, sys; from tests.cli.warm import Server\n"
        "server = Server(os.environ)\n"
        "print(server.process.pid, server.address, flush=True); sys.stdin.read(); os._exit(0)"
    )
    os.mkfifo(tmp_path / "pipe")
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout is not None
        pid, address = starter.stdout.readline().split()
        words = ["tax", "quote", "income-tax", "--input", str(tmp_path / "pipe")]
        with subprocess.Popen(
            [sys.executable, "-IS", str(ASK), address, *words], stderr=subprocess.DEVNULL
        ) as client:
            server = psutil.Process(int(pid))
            eventually(lambda: len(server.children()) == 1)
            (command,) = server.children()
            starter.communicate("")
            assert client.wait(timeout=60) != 0
    _, alive = psutil.wait_procs([server, command], timeout=60)
    assert not alive
    assert not Path(address).parent.exists()


def test_a_shell_asks_for_commands_as_if_they_were_programs(cli: Cli) -> None:
    """Pipes, streams into files that are open already, exit codes, a folder and a variable of its own."""
    script = f"""
        ask() {{ "{sys.executable}" -IS "{ASK}" "{warm_server().address}" "$@"; }}
        {{ echo first; ask --version; echo last; }} > all
        mkdir below && (cd below && ECNY_TAX_LANG=zh ask status --db here.db > shown)
        ask tax rules --json | ask tax quote income-tax --input - ; echo "${{PIPESTATUS[*]}}"
        ask wallet show; echo $?
    """
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=cli.folder,
        env=cli.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    first, version, last = (cli.folder / "all").read_text().splitlines()
    assert (first, last) == ("first", "last")
    assert version.startswith("ecny-tax ")
    assert (cli.folder / "below" / "here.db").exists()
    assert "流通中" in (cli.folder / "below" / "shown").read_text()
    assert done.stdout.splitlines()[-1] == "2"
    assert "wallet show --help" in done.stderr or "usage" in done.stderr
