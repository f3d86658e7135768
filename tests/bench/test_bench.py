"""The benchmark runner runs, and writes what it says; how fast the rows are is not asked here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("resource", reason="processor time of a child needs POSIX")

ROOT = Path(__file__).resolve().parents[2]
ROWS = {
    "batch_debit": ("sqlite", 0.4),
    "postgres_batch_debit": ("postgresql", 0.4),
    "callers_payments": ("sqlite", 1.0),
    "postgres_callers_payments": ("postgresql", 1.0),
    "callers_transfers": ("sqlite", 2.0),
    "postgres_callers_transfers": ("postgresql", 2.0),
    "ledger_batches": ("sqlite", 0.8),
    "postgres_ledger_batches": ("postgresql", 0.8),
    "verification": ("sqlite", 0.25),
    "postgres_verification": ("postgresql", 0.25),
    "sealing": ("sqlite", 0.85),
    "verification_memory": ("sqlite", 0.9),
    "postgres_verification_memory": ("postgresql", 0.9),
    "voucher_verification": ("none", 0.8),
    "voucher_redemption": ("sqlite", 0.0),
    "voucher_size": ("none", 1.0),
    "single_payment": ("sqlite", 0.4),
    "postgres_payments": ("postgresql", 0.5),
    "version": ("none", 1.0),
    "wallet_show": ("sqlite", 1.0),
    "settle_many": ("numpy", 0.5),
    "http_payments": ("sqlite", 0.0),
}


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_every_row_is_measured_shown_and_written(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    done = bench("--quick", "--out", str(out))
    rows = json.loads(out.read_text("utf-8"))["rows"]
    assert [row["name"] for row in rows] == list(ROWS)
    for row in rows:
        assert list(row) == ["name", "engine", "ratio", "at_least", "ok", "detail"]
        assert (row["engine"], row["at_least"]) == ROWS[row["name"]]
        assert row["ratio"] > 0
        assert row["ok"] is (row["ratio"] >= row["at_least"])
        assert any(char.isdigit() for char in row["detail"])
        assert row["name"] in done.stdout
    assert done.returncode == 0, done.stderr  # small sizes are not judged


def test_one_row_alone(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    bench("--quick", "--only", "version", "--out", str(out))
    assert [row["name"] for row in json.loads(out.read_text("utf-8"))["rows"]] == ["version"]


def test_a_row_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    done = bench("--only", "nothing", "--out", str(tmp_path / "bench.json"))
    assert done.returncode == 2
    assert "wallet_show" in done.stderr
    assert not (tmp_path / "bench.json").exists()
