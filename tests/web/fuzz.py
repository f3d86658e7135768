"""``python -m tests.web.fuzz``: schemathesis over the whole OpenAPI document, against a served database.

It asks what the document allows and what it does not, operation by operation and along the links, until it
has sent as many requests as told; any server error, and any answer that the document does not have (status,
content type, header, schema), fails.  What is left out of its checks is ``positive_data_acceptance``:
whether a wallet may pay is not to be seen from a schema.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from ecny_tax import Sandbox
from ecny_tax.web.keys import create_key
from tests.web.client import Api
from tests.web.test_payments import COMPANY, DUTY
from tests.web.test_serving import served

_CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance",
    "response_headers_conformance", "response_schema_conformance", "negative_data_rejection",
    "missing_required_header", "unsupported_method", "use_after_free", "ignored_auth",
)  # fmt: skip


def main() -> int:
    """0 where nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.web.fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=2000, help="at least so many (default: 2000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--examples", type=int, default=2, help="generated ones an operation and round")
    parser.add_argument("--only", default="", help="a regular expression of paths")
    asked = parser.parse_args()
    sent, seed = 0, asked.seed
    while sent < asked.requests:
        count, failed = run(seed, asked.examples, asked.only)
        sent, seed = sent + count, seed + 1
        if failed or count == 0:
            print(f"{sent} requests: schemathesis found something (seed {seed - 1})")
            return 1
    print(f"{sent} requests: no server error, no undocumented status, content type, header or schema")
    return 0


def run(seed: int, examples: int, only: str = "") -> tuple[int, bool]:
    """How many requests one round sent to a fresh server, and whether it found anything."""
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "fuzz.db"
        with Sandbox.open(database, seed=seed) as s:
            api_key = create_key(s, party="admin").api_key
        with served(database) as (_, address):
            _furnish(Api(address, api_key))
            command = [
                Path(sys.executable).with_name("schemathesis"), "run", f"{address}/openapi.json",
                "--header", f"Authorization: Bearer {api_key}", "--checks", ",".join(_CHECKS),
                "--max-examples", str(examples), "--seed", str(seed), "--no-color",
                "--request-timeout", "40", "--generation-database", "none",
                *(["--include-path-regex", only] if only else []),
            ]  # fmt: skip
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, cwd=folder, env=_quiet_environment()
            )
    generated = re.search(r"^ *(\d+) generated", done.stdout, re.MULTILINE)
    if done.returncode:
        print(done.stdout, done.stderr)
    return (int(generated[1]) if generated else 0), done.returncode != 0


def _furnish(api: Api) -> None:
    """Records that links and guesses may meet."""
    wallet = api.made("/v1/wallets", COMPANY)["wallet_id"]
    api.made("/v1/payments", {"wallet_id": wallet, **DUTY, "base": "1000000"})


def _quiet_environment() -> dict[str, str]:
    """Without what a test runner around it sets for itself."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "HYPOTHESIS"))
    }


if __name__ == "__main__":
    sys.exit(main())
