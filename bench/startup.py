"""What a command costs that does next to nothing: processor time of a process, from start to end."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from bench.runner import Setting, benchmark, compare
from bench.scheme import open_wallets
from ecny_tax import Sandbox


@benchmark("version", engine="none", at_least=1.0)
def version(setting: Setting) -> tuple[float, str]:
    return _against_typer(setting, 1.5, "--version")


@benchmark("wallet_show", engine="sqlite", at_least=1.0)
def wallet_show(setting: Setting) -> tuple[float, str]:
    path = setting.folder / "shown.db"
    with Sandbox.open(path) as sandbox:
        (wallet,) = open_wallets(sandbox, 1)
    return _against_typer(setting, 3.0, "wallet", "show", wallet.wallet_id, "--json", "--db", str(path))


def _against_typer(setting: Setting, factor: float, *arguments: str) -> tuple[float, str]:
    """A command against ``python -c "import typer"``, of which it may cost ``factor`` times as much."""
    environment = _environment(setting.folder)
    command = [sys.executable, "-m", "ecny_tax", *arguments]
    typer = [sys.executable, "-c", "import typer"]
    for warming in (command, typer):  # the first run of either writes the bytecode
        _processor_seconds(warming, environment)
    rounds = setting.size(25, 3)
    mine, theirs = compare(
        rounds,
        lambda: _processor_seconds(command, environment),
        lambda: _processor_seconds(typer, environment),
    )
    return factor * theirs / mine, (
        f"{mine * 1000:.0f} ms; {factor:g} times the {theirs * 1000:.0f} ms of `import typer` are "
        f"{factor * theirs * 1000:.0f} ms (processor time, median of {rounds} processes)"
    )


def _environment(folder: Path) -> Mapping[str, str]:
    """The caller's, with bytecode that is kept, as after any installation, and no settings of ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ECNY_TAX_")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept | {"PYTHONPYCACHEPREFIX": str(folder / "bytecode")}


def _processor_seconds(command: list[str], environment: Mapping[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)  # noqa: S603
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
