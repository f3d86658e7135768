"""A command loads what it uses, so that scripts may ask it often."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import typer

from ecny_tax.cli.app import COMMANDS, build
from tests.cli.conftest import PASSPHRASE, World
from tests.cli.process import TODAY, Cli

#: Runs the command and tells on stderr which of the modules in question it has loaded.
PROBE = """
import sys
from ecny_tax.cli import main
asked, sys.argv = sys.argv[1].split(","), ["ecny-tax", *sys.argv[2:]]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
loaded = {name for module in sys.modules for name in asked if f"{module}.".startswith(f"{name}.")}
print(*sorted(loaded), file=sys.stderr)
"""
ALL = [
    "typer", "pydantic", "sqlite3", "cryptography", "rich", "cbor2", "segno", "reportlab", "tomllib", "click",
    "json",
    "ecny_tax.agreements", "ecny_tax.payments", "ecny_tax.refunds", "ecny_tax.taxes", "ecny_tax.scenarios",
    "ecny_tax.rulebook.schema", "ecny_tax.errors", "ecny_tax.sandbox", "hypothesis", "pytest", "email",
]  # fmt: skip


def loaded(cli: Cli, *arguments: str) -> set[str]:
    """Which of the modules in question a command loads."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, ",".join(ALL), *arguments],
        cwd=cli.folder,
        env=cli.environment(),
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return set(done.stderr.split())


def test_the_version_is_told_before_anything_is_imported(cli: Cli) -> None:
    assert loaded(cli, "--version") == set()


def test_showing_a_wallet_as_json_loads_no_table_no_key_and_no_other_service(world: World, cli: Cli) -> None:
    used = loaded(cli, "wallet", "show", world.names["company"], "--json")
    assert used.isdisjoint({"rich", "cryptography", "cbor2", "segno", "ecny_tax.scenarios"})
    assert used.isdisjoint({"ecny_tax.agreements", "ecny_tax.payments", "ecny_tax.refunds", "ecny_tax.taxes"})
    assert "ecny_tax.rulebook.schema" not in used


def test_the_help_page_opens_no_database(cli: Cli) -> None:
    used = loaded(cli, "--help")
    assert used.isdisjoint({"sqlite3", "cryptography", "cbor2", "segno", "rich", "ecny_tax.sandbox"})


def test_a_quote_opens_no_database_and_no_keyring(cli: Cli) -> None:
    words = "tax quote stamp-duty --item sale_contract --base 1000 --on 2023-04-20 --json"
    used = loaded(cli, *words.split())
    assert used.isdisjoint({"sqlite3", "cryptography", "cbor2", "rich", "ecny_tax.sandbox"})
    assert list(cli.folder.iterdir()) == []


@pytest.mark.parametrize(
    "command",
    [
        "voucher request --terminal t.term --bill {asked} --amount 30 --out q.txt",
        "voucher pay --device d.dev --request r.txt --out p.txt",
        "voucher accept v.txt --terminal t.term",
        "voucher verify v.txt --trust trust.txt",
        "voucher show v.txt",
        "evidence verify e.txt --trust trust.txt",
        "terminal show t.term",
        "device show d.dev",
    ],
)
def test_what_needs_no_network_loads_no_service(world: World, command: str) -> None:
    cli = Cli(world.folder, ECNY_TAX_PASSPHRASE=PASSPHRASE, ECNY_TAX_DB="none.db")
    used = loaded(cli, *world.filled(command), "--json", "--now", TODAY)
    assert used.isdisjoint({"rich", "segno", "ecny_tax.sandbox", "ecny_tax.payments", "ecny_tax.taxes"})
    assert used.isdisjoint({"ecny_tax.rulebook.schema", "ecny_tax.scenarios", "ecny_tax.agreements"})
    assert not (world.folder / "none.db").exists()


@pytest.mark.parametrize("receipt", ["p.cose", "f.cose"])
def test_verifying_a_receipt_with_keys_opens_no_database(world: World, receipt: str) -> None:
    cli = Cli(world.folder, ECNY_TAX_DB="none.db")
    used = loaded(cli, "receipt", "verify", receipt, "--keys", "keys.json", "--json")
    assert used.isdisjoint({"rich", "segno", "reportlab", "ecny_tax.sandbox", "ecny_tax.scenarios"})
    assert "ecny_tax.rulebook.schema" not in used
    assert not (world.folder / "none.db").exists()


def test_showing_a_receipt_loads_nothing_that_prints_or_signs(world: World, cli: Cli) -> None:
    used = loaded(cli, "receipt", "show", world.names["receipt"])
    assert used.isdisjoint({"rich", "segno", "reportlab", "cbor2"})


@pytest.mark.parametrize(
    "command",
    ["wallet show {company} --json", "payments list --json", "receipt show {receipt}", "demo --json"],
)
def test_no_command_loads_the_test_tools(world: World, cli: Cli, command: str) -> None:
    used = loaded(cli, *world.filled(command))
    assert used.isdisjoint({"hypothesis", "pytest", "ecny_tax.rulebook.schema", "click"})


# --- processor time -------------------------------------------------------------------------------

needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="processor time of a child needs POSIX")
#: The best of this many runs is compared: a busy machine makes runs longer, never shorter.
ROUNDS = 7


def processor_seconds(cli: Cli, *arguments: str) -> float:
    import resource

    def spent() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return float(usage.ru_utime + usage.ru_stime)

    best = float("inf")
    for _ in range(ROUNDS):
        before = spent()
        subprocess.run(
            [sys.executable, *arguments],
            cwd=cli.folder,
            env=cli.environment(),
            stdout=subprocess.DEVNULL,
            check=True,
        )
        best = min(best, spent() - before)
    return best


def ratio(cli: Cli, *arguments: str) -> float:
    """Processor time of a command over that of importing typer."""
    # The first run of either writes the bytecode files.
    return processor_seconds(cli, "-m", "ecny_tax", *arguments) / processor_seconds(cli, "-c", "import typer")


@needs_posix
def test_the_version_costs_at_most_one_and_a_half_times_an_import_of_typer(cli: Cli) -> None:
    assert ratio(cli, "--version") <= 1.5


@needs_posix
def test_showing_a_wallet_stays_within_what_it_costs_today(world: World, cli: Cli) -> None:
    """The benchmark asks for three times an import of typer; this guards against what would double it."""
    assert ratio(cli, "wallet", "show", world.names["company"], "--json") <= 6


def test_the_package_itself_loads_nothing_until_a_name_is_used() -> None:
    code = "import sys, ecny_tax; print(*(m for m in sys.modules if m.startswith('ecny_tax.')))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("module", sorted(set(COMMANDS.values())))
def test_a_command_tree_built_again_holds_no_command_twice(module: str) -> None:
    """Of a program that runs many commands in one process, the last is as quick as the first."""
    for _ in range(2):
        names = _names(build(module))
        assert names
        assert len(names) == len(set(names)), names


def _names(app: object) -> list[str]:
    """The full names of the commands of a tree."""
    assert isinstance(app, typer.Typer)
    own = [str(found.name) for found in app.registered_commands]
    below = [
        f"{group.name} {name}" for group in app.registered_groups for name in _names(group.typer_instance)
    ]
    return own + below
