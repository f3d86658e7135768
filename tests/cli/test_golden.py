"""What a human sees, kept as files: a change of the words or the layout shows up in review.

``ECNY_TAX_GOLDEN=write`` in the environment of the tests writes the files anew.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.cli.conftest import PASSPHRASE, World
from tests.cli.process import TODAY, Cli, StartedCli

GOLDEN = Path(__file__).parent / "golden"
#: Name of the file → the command; time stands still, so numbers are all that differs between runs.
SHOWN = {
    "help": "--help",
    "wallet-help": "wallet --help",
    "pay-help": "pay --help",
    "batch-help": "batch --help",
    "wallet-list": "wallet list",
    "wallet-show": "wallet show {company}",
    "wallet-statement": "wallet statement {company}",
    "interest-help": "interest --help",
    "interest-show": "interest show {company}",
    "interest-credit": "interest credit",
    "status": "status",
    "agreement-show": "agreement show {agreement}",
    "bill-show": "bill show {paid}",
    "payments-show": "payments show {payment}",
    "receipt-show": "receipt show {receipt}",
    "receipt-help": "receipt verify --help",
    "receipt-verify": "receipt verify p.cose",
    "receipt-verify-refund": "receipt verify f.cose --keys keys.json",
    "refunds-show": "refunds show {refund}",
    "device-help": "device --help",
    "device-show": "device show d.dev",
    "device-list": "device list",
    "voucher-help": "voucher --help",
    "voucher-show": "voucher show w.txt",
    "voucher-verify": "voucher verify w.txt --trust trust.txt",
    "voucher-redeem": "voucher redeem w.txt r.txt",
    "voucher-list": "voucher list",
    "evidence-verify": "evidence verify e.txt --trust trust.txt",
    "terminal-show": "terminal show t.term",
    "treasury-help": "treasury --help",
    "treasury-list": "treasury list",
    "treasury-report": "treasury report",
    "treasury-report-by-tax": "treasury report --by tax",
    "failure-help": "failure --help",
    "reconcile-help": "reconcile --help",
    "reconcile": "reconcile --date 2023-04-20 --treasury-file booked.csv --operator-file debited.csv",
    "reconcile-own": "reconcile --date 2023-04-20",
    "instrument-help": "instrument --help",
    "instrument-show": "instrument show trace.law",
    "trace-help": "trace --help",
    "trace": "trace {company} --instrument trace.law",
    "access-list": "trace {company} --instrument trace.law --direction down; access list",
    "refusal-without-instrument": "wallet freeze {company}",
    "refusal": "pay --bill {paid}",
    "refusal-of-a-value": "wallet top-up {company} --amount 1.005",
}
#: Those that write, be it an entry of the access log, in a copy of the story.
WRITING = {"trace", "access-list", "refusal-without-instrument"}
#: What the sandbox numbers anew in every run; the placeholder is as long, so that columns stay in line.
_NUMBERS = re.compile(
    r"\b(?P<wallet>00\d{14})\b"
    r"|\b(?P<agreement>A\d{6}[0-9A-Z]{14})\b"
    r"|\b(?P<bill>B\d{6}[0-9A-Z]{14})\b"
    r"|\b(?P<payment>P\d{6}[0-9A-Z]{14})\b"
    r"|\b(?P<refund>R\d{6}[0-9A-Z]{14})\b"
    r"|\b(?P<receipt>344\d{6}[0-9A-Z]{14})\b"
    r"|\b(?P<transfer>[0-9a-f]{32})\b"
    r"|\b(?P<device>D\d{6}[0-9A-Z]{14})\b"
    r"|\b(?P<instrument>J\d{6}[0-9A-Z]{14})\b"
    r"|\b(?P<load>L\d{6}[0-9A-Z]{14})\b"
    r"|\b(?P<terminal>T\d{6}[0-9A-Z]{14})\b"
    r"|\b(?P<certificate>C\d{6}[0-9A-Z]{14})\b"
    r"|\b(?P<voucher>V[0-9A-F]{20})\b"
    r"|\b(?P<digest>[0-9a-f]{64})\b"
    r"|\b(?P<ledger>(?<=ledger:)[0-9a-f]{16})\b"
)


def normalised(text: str) -> str:
    """Numbers by kind and order of appearance, no blanks at the ends of lines."""
    names: dict[str, str] = {}

    def name(match: re.Match[str]) -> str:
        kind, number = str(match.lastgroup), match.group()
        if number not in names:
            order = sum(given.startswith(f"<{kind}-") for given in names.values()) + 1
            names[number] = f"<{kind}-{order}>".ljust(len(number), "~")
        return names[number]

    return "\n".join(line.rstrip() for line in _NUMBERS.sub(name, text).splitlines()) + "\n"


def shown(world: World, command: str, language: str, how: type[Cli] = Cli) -> str:
    options = () if command.endswith("--help") else ("--now", TODAY, "--lang", language)
    cli = how(world.folder, ECNY_TAX_DB="s.db", ECNY_TAX_PASSPHRASE=PASSPHRASE)
    *before, command_shown = (part.strip() for part in command.split(";"))
    for part in before:
        cli.run(*world.filled(part), *options)
    answer = cli.run(*world.filled(command_shown), *options)
    return normalised(f"$ ecny-tax {command}\n{answer.stdout}{answer.stderr}[{answer.exit_code}]")


# Help pages are in one language: the names of the groups are bilingual.
CASES = [
    (name, language)
    for name, command in SHOWN.items()
    for language in (("en",) if command.endswith("--help") else ("en", "zh"))
]


@pytest.mark.parametrize(("name", "language"), CASES)
def test_what_is_shown_is_what_was_reviewed(
    original: World, tmp_path: Path, name: str, language: str
) -> None:
    world = original.copied(tmp_path) if name in WRITING else original
    found = shown(world, SHOWN[name], language)
    file = GOLDEN / f"{name}.{language}.txt"
    if os.environ.get("ECNY_TAX_GOLDEN") == "write":
        file.parent.mkdir(exist_ok=True)
        file.write_text(found, encoding="utf-8")
    assert found == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SHOWN)
def test_a_process_that_starts_anew_shows_the_same(original: World, tmp_path: Path, name: str) -> None:
    language = "en" if SHOWN[name].endswith("--help") else "zh"
    world = original.copied(tmp_path) if name in WRITING else original
    found = shown(world, SHOWN[name], language, StartedCli)
    assert found == (GOLDEN / f"{name}.{language}.txt").read_text(encoding="utf-8")


def test_no_golden_file_is_left_over() -> None:
    assert {file.name for file in GOLDEN.iterdir()} == {f"{name}.{language}.txt" for name, language in CASES}
