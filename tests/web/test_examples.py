"""The clients of ``examples/http`` play the story against a server, as their readers would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

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


def test_the_client_in_curl_pays_is_answered_alike_and_gets_a_refund(admin: Api, tmp_path: Path) -> None:
    needs("bash", "curl", "jq")
    lines = told(admin, tmp_path, "bash", str(CLIENTS / "story.sh"))
    assert lines[1].startswith("paid 17000.00 yuan, fee 0.00, settled, receipt 3")
    assert lines[2] == "asked again: the same answer"
    assert lines[3].startswith("refund ")
    assert lines[-1].startswith("ledger: ok true")


@pytest.mark.parametrize("client", [[sys.executable, "story.py"], ["node", "story.mjs"]], ids=["py", "js"])
def test_the_client_pays_by_debit_once_and_is_told_why_not_twice(
    admin: Api, tmp_path: Path, client: list[str]
) -> None:
    needs(client[0])
    lines = told(admin, tmp_path, client[0], str(CLIENTS / client[1]))
    assert lines[1] == "paid 17000.00 yuan by real_time_debit, fee 0.00, settled"
    assert lines[2] == "asked again: the same answer"
    assert lines[3].startswith("refused, bill_already_paid: ")
    assert lines[-1] in ("ledger: ok True", "ledger: ok true")


def test_a_client_plays_as_a_taxpayer_what_is_its_own(as_party: Callable[[str], Api], tmp_path: Path) -> None:
    needs("node")
    own = as_party("taxpayer:91440784MA00DEM06F")
    environment = os.environ | {"ECNY_TAX": own.address, "API_KEY": own.api_key or ""}
    done = subprocess.run(
        ["node", str(CLIENTS / "story.mjs")],
        env=environment, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert "paid 17000.00 yuan" in done.stdout
    assert "not_permitted" in done.stderr  # the ledger is not a taxpayer's to verify
