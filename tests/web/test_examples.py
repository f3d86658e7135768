"""The clients of ``examples/http`` play the story against a server, as their readers would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ecny_tax import Sandbox
from tests.web.client import Api

CLIENTS = Path(__file__).resolve().parents[2] / "examples" / "http"


def told(api: Api, folder: Path, *command: str) -> list[str]:
    """What a client says, line by line."""
    environment = os.environ | {"ECNY_TAX": api.address, "API_KEY": api.api_key or ""}
    done = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def needs(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"there is no {program} here")


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    """One that follows the clock of today, as that of whoever tries a client."""
    return Sandbox.open(tmp_path / "today.db")


def test_the_client_in_curl_pays_is_answered_alike_and_gets_a_refund(admin: Api, tmp_path: Path) -> None:
    needs("bash", "curl", "jq")
    lines = told(admin, tmp_path, "bash", str(CLIENTS / "story.sh"))
    assert lines[1].startswith("paid 17000.00 yuan, fee 0.00, settled, receipt 3")
    assert lines[2] == "asked again: the same answer"
    assert lines[3] == "refund 720.00 yuan: completed, balance 720.00"
    assert lines[-1].startswith("ledger: ok true")


@pytest.mark.parametrize("client", [[sys.executable, "story.py"], ["node", "story.mjs"]], ids=["py", "js"])
def test_the_client_pays_by_debit_once_and_is_told_why_not_twice(
    admin: Api, tmp_path: Path, client: list[str]
) -> None:
    needs(client[0])
    told(admin, tmp_path, client[0], str(CLIENTS / client[1]))
    lines = told(admin, tmp_path, client[0], str(CLIENTS / client[1]))  # once more: the same story
    assert lines[1] == "paid 17000.00 yuan by real_time_debit, fee 0.00, settled"
    assert lines[2] == "asked again: the same answer"
    assert lines[3].startswith("refused, bill_already_paid: ")
    assert lines[4] == "refund 720.00 yuan: completed, balance 720.00"
    assert lines[-1] in ("ledger: ok True", "ledger: ok true")


def test_without_an_address_and_a_key_a_client_says_what_it_needs(tmp_path: Path) -> None:
    needs("bash", "node")
    environment = {key: value for key, value in os.environ.items() if key not in ("ECNY_TAX", "API_KEY")}
    for command in (["bash", "story.sh"], [sys.executable, "story.py"], ["node", "story.mjs"]):
        done = subprocess.run(
            [command[0], str(CLIENTS / command[1])],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode != 0
        assert len(done.stderr.splitlines()) == 1
