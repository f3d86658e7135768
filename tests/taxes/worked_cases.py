"""The worked cases of the repository, as parameters of a test."""

import json
from pathlib import Path
from typing import Any

import pytest

CASES = json.loads((Path(__file__).parents[1] / "cases/tax-cases.json").read_text("utf-8"))


def cases(kind: str) -> list[Any]:
    """Inputs and expected values of every case of a kind; there must be one."""
    found = [
        pytest.param(case["inputs"], case["expected"], id=case["id"])
        for case in CASES
        if case["kind"] == kind
    ]
    assert found, f"no worked case of the kind {kind}"
    return found
