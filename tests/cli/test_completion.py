"""Completion as shells ask for it: the protocol of each, a real bash, what `--install-completion` writes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from ecny_tax.cli.app import COMMANDS
from tests.cli.conftest import Inside, World
from tests.cli.process import Answer, StartedCli
from tests.support import AUTHORITY


def asked(folder: Path, line: str, shell: str = "bash", **environment: str) -> Answer:
    """What the program answers a shell in which this line stands, the cursor at its end."""
    words = line.split(" ")
    variables = {
        "_ECNY_TAX_COMPLETE": f"complete_{shell}",
        "COMP_WORDS" if shell == "bash" else "_TYPER_COMPLETE_ARGS": line,
        "COMP_CWORD": str(len(words) - 1),
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    answer = StartedCli(folder, ECNY_TAX_DB="s.db").run(**{**variables, **environment})
    assert answer.stderr == ""
    return answer


def offered(folder: Path, line: str, **environment: str) -> list[str]:
    answer = asked(folder, line, **environment)
    assert answer.exit_code == 0
    return answer.stdout.split()


def test_every_command_is_offered_though_each_is_loaded_when_it_is_used(tmp_path: Path) -> None:
    assert set(offered(tmp_path, "ecny-tax ")) == set(COMMANDS)
    assert offered(tmp_path, "ecny-tax pay") == ["pay", "payments"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ecny-tax clock ", {"show", "set", "advance"}),
        ("ecny-tax bill declare sur", {"surcharge"}),
        ("ecny-tax wallet open --cl", {"--class"}),
        ("ecny-tax wallet open --kind ", {"personal", "corporate"}),
        ("ecny-tax wallet open --class ", {"I", "II", "III", "IV"}),
        ("ecny-tax wallet open --operator IC", {"ICBC"}),
        ("ecny-tax pay --item sale", {"sale_contract"}),
        ("ecny-tax pay --tax ", {"stamp-duty"}),
        ("ecny-tax pay --taxpayer-kind small_s", {"small_scale_vat_payer"}),
        ("ecny-tax tax quote stamp-duty --exemption armed", {"armed_forces"}),
        ("ecny-tax batch write --tax ", {"stamp-duty", "income-tax", "other"}),
        ("ecny-tax bill declare other --code 1011", {f"1011{n}" for n in (0, 1, 2, 3, 4, 6, 8, 9)}),
        ("ecny-tax bill declare surcharge --code ", {"10109", "30203", "30216"}),
        ("ecny-tax wallet stop X --reason ", {"fraud_victim", "fraud_proceeds", "taken_over"}),
        ("ecny-tax refund --reason o", {"overpaid", "other"}),
        ("ecny-tax wallet open-sub X --purpose p", {"pushed"}),
        ("ecny-tax failure order operator_", {"operator_outage", "operator_rollback"}),
        ("ecny-tax reconcile --date 2023-04-20 --operator PS", {"PSBC"}),
        ("ecny-tax status --lang ", {"en", "zh"}),
        ("ecny-tax treasury report --by ", {"tax", "level", "day", "month"}),
    ],
)
def test_closed_lists_are_offered(tmp_path: Path, line: str, expected: set[str]) -> None:
    assert set(offered(tmp_path, line)) == expected
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("ecny-tax wallet show ", {"company", "person", "nameless"}),
        ("ecny-tax wallet transfer X 00", {"company", "person", "nameless"}),
        ("ecny-tax pay --wallet ", {"company", "person", "nameless"}),
        ("ecny-tax agreement show A", {"agreement"}),
        ("ecny-tax bill show B", {"open", "paid", "asked"}),
        ("ecny-tax pay --bill ", {"open", "asked"}),
        ("ecny-tax payments show ", {"payment"}),
        ("ecny-tax receipt show ", {"receipt"}),
        ("ecny-tax refunds approve ", {"refund", "review"}),
        ("ecny-tax device release ", {"load"}),
        ("ecny-tax evidence export ", {"disputed"}),
    ],
)
def test_numbers_are_offered_from_the_database_which_stays_as_it_is(
    world: World, line: str, names: set[str]
) -> None:
    before = world.database.read_bytes()
    found = offered(world.folder, line)
    assert {world.names[name] for name in names} <= set(found)
    assert ("paid" in names) or world.names["paid"] not in found
    assert world.database.read_bytes() == before


def test_the_database_is_the_one_that_the_line_names(world: World) -> None:
    line = "ecny-tax agreement sign --db {} --authority 1"
    assert offered(world.folder, line.format("s.db"), ECNY_TAX_DB="none.db") == [AUTHORITY]
    assert offered(world.folder, line.format("none.db")) == []
    assert not (world.folder / "none.db").exists()


@pytest.mark.parametrize(
    "line",
    [
        "ecny-tax wallet show %", "ecny-tax wallet show '", 'ecny-tax wallet show "00',
        "ecny-tax wallet show $(x)", "ecny-tax wallet show ;--", "ecny-tax agreement verify a",
        "ecny-tax wallet nothing --", "ecny-tax 虚构",
        "ecny-tax clock advance --days x --hours y ",
    ],
)  # fmt: skip
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_whatever_stands_in_the_line_nothing_is_said_of_trouble(world: World, line: str, shell: str) -> None:
    answer = asked(world.folder, line, shell)
    assert "Traceback" not in answer.stdout
    if line.endswith(("%", ")", "--")):
        assert world.names["company"] not in answer.stdout


@pytest.mark.parametrize("content", [b"", b"no database at all" * 100])
def test_a_file_that_is_no_database_offers_nothing_and_stays(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "s.db").write_bytes(content)
    assert offered(tmp_path, "ecny-tax wallet show ") == []
    assert (tmp_path / "s.db").read_bytes() == content
    assert [file.name for file in tmp_path.iterdir()] == ["s.db"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_that_never_answers_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "s.db")
    assert offered(tmp_path, "ecny-tax wallet show ") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_nothing_that_a_shell_would_run_is_offered_from_anybodys_database(world: World, shell: str) -> None:
    """zsh evaluates what it is told, and a number is put into the line as it is."""
    import sqlite3

    with closing(sqlite3.connect(world.database, isolation_level=None)) as writer:
        writer.executemany(
            "INSERT INTO institution (kind, code, name_zh, name_en, public_key)"
            " VALUES ('tax_authority', ?, ?, '', x'')",
            [("1$(touch${IFS}x)", "虚构"), ("1`x`\n;x", "虚构"), ("19", "虚构\\$(touch x)`x`\"'\x1b[2J局")],
        )
    told = asked(world.folder, "ecny-tax agreement sign --authority 1", shell).stdout
    assert "19" in told
    assert ("虚构(touch x)x" in told) == (shell != "bash")
    for char in ("$", "`", "\\", ";", "\x1b"):
        assert char not in told, char


def test_no_server_is_asked(tmp_path: Path) -> None:
    url = "postgresql://nobody@192.0.2.1:5432/nothing"
    assert offered(tmp_path, "ecny-tax wallet show ", ECNY_TAX_DB=url) == []


def test_a_database_that_is_being_written_is_read_beside_it(world: World) -> None:
    import sqlite3

    writer = sqlite3.connect(world.database, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    try:
        assert world.names["company"] in offered(world.folder, "ecny-tax wallet show ")
    finally:
        writer.close()


def test_zsh_and_fish_are_told_what_a_value_is(world: World) -> None:
    line = "ecny-tax wallet show 00"
    assert f'"{world.names["company"]}":"corporate ICBC"' in asked(world.folder, line, "zsh").stdout
    assert f"{world.names['company']}\tcorporate ICBC" in asked(world.folder, line, "fish").stdout


def test_fish_asks_whether_there_is_anything_before_it_offers_files(tmp_path: Path) -> None:
    how = {"_TYPER_COMPLETE_FISH_ACTION": "is-args"}
    assert asked(tmp_path, "ecny-tax clock ", "fish", **how).exit_code == 0
    assert asked(tmp_path, "ecny-tax agreement verify a", "fish", **how).exit_code == 1


# --- installing -----------------------------------------------------------------------------------


def with_command(folder: Path) -> dict[str, str]:
    """An environment whose HOME is a folder of its own and where `ecny-tax` is this tree."""
    tools, home = folder / "bin", folder / "home"
    tools.mkdir()
    home.mkdir()
    program = tools / "ecny-tax"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ecny_tax "$@"\n')
    program.chmod(0o755)
    root = str(Path(__file__).parents[2])
    environment = StartedCli(folder).environment(HOME=str(home), PYTHONPATH=root)
    return environment | {"PATH": f"{tools}{os.pathsep}{environment['PATH']}"}


needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")


def bash(folder: Path, environment: dict[str, str], script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "--norc", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )


@needs_bash
def test_installing_writes_below_home_alone_and_bash_then_completes(world: World, tmp_path: Path) -> None:
    environment = with_command(tmp_path)
    before = {file for file in tmp_path.rglob("*") if file.is_file()}
    # With more to do after it, bash stays the parent, which is how its shell is known.
    done = bash(tmp_path, environment, "ecny-tax --install-completion; exit $?")
    assert (done.returncode, done.stderr) == (0, "")
    written = {file for file in tmp_path.rglob("*") if file.is_file()} - before
    home = tmp_path / "home"
    assert written == {home / ".bashrc", home / ".bash_completions" / "ecny-tax.sh"}
    script = """
        . "$HOME/.bashrc"
        complete -p ecny-tax >&2
        COMP_WORDS=(ecny-tax wallet open --kind p) COMP_CWORD=4
        _ecny_tax_completion ecny-tax p --kind
        printf '%s\\n' "${COMPREPLY[@]}"
        COMP_WORDS=(ecny-tax wallet show "") COMP_CWORD=3
        _ecny_tax_completion ecny-tax "" show
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    told = bash(tmp_path, environment | {"ECNY_TAX_DB": str(world.database)}, script)
    assert told.returncode == 0, told.stderr
    assert "_ecny_tax_completion" in told.stderr
    lines = told.stdout.splitlines()
    assert lines[0] == "personal"
    assert world.names["company"] in lines[1:]


@needs_bash
def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    environment = with_command(tmp_path)
    no_folder = tmp_path / "no-folder"
    no_folder.touch()
    script = "ecny-tax --install-completion; exit $?"
    done = bash(tmp_path, environment | {"HOME": str(no_folder)}, script)
    assert done.returncode == 7
    assert done.stderr.startswith(str(no_folder)[:60])  # what is long is shortened
    assert "(output_unwritable)" in done.stderr.splitlines()[0]
    assert no_folder.read_bytes() == b""


@needs_bash
def test_showing_completion_prints_what_bash_can_read_and_writes_nothing(tmp_path: Path) -> None:
    environment = with_command(tmp_path)
    done = bash(tmp_path, environment, 'eval "$(ecny-tax --show-completion)"; complete -p ecny-tax')
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "complete -o default -F _ecny_tax_completion ecny-tax\n"
    assert list((tmp_path / "home").iterdir()) == []


@pytest.mark.parametrize(
    ("shell", "sign"), [("zsh", "#compdef ecny-tax"), ("fish", "complete --command ecny-tax")]
)
def test_the_script_of_another_shell_can_be_had(tmp_path: Path, shell: str, sign: str) -> None:
    answer = StartedCli(tmp_path).run(_ECNY_TAX_COMPLETE=f"source_{shell}")
    assert answer.exit_code == 0
    assert answer.stdout.strip().startswith(sign)


@pytest.mark.parametrize("option", ["--install-completion", "--show-completion"])
def test_a_shell_that_nobody_knows_is_a_refusal(
    inside: Inside, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    monkeypatch.setattr("shellingham.detect_shell", lambda: ("cobolsh", "/bin/cobolsh"))
    answer = inside(option)
    assert answer.exit_code == 2
    assert answer.stderr.splitlines()[-2].endswith("(usage)")
