"""The transparency log as its users meet it: checkpoints, proofs, and what verification says of a change."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from tests.cli.conftest import World
from tests.cli.process import TODAY, Cli
from tests.support import company_id, company_name


def change(world: World, sql: str) -> None:
    """What another SQLite client does to the file, with the triggers taken away and put back."""
    with closing(sqlite3.connect(world.database)) as connection, connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for name, _sql in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        assert connection.execute(sql).rowcount == 1
        for _name, written in triggers:
            connection.execute(written)


def test_every_command_leaves_the_log_sealed(world: World, cli: Cli) -> None:
    found = cli("ledger", "verify")
    assert (found["ok"], found["unsealed"], found["altered"]) == (True, 0, "")
    assert found["checkpoints"] > 5


@pytest.mark.parametrize("language", ["en", "zh"])
def test_one_altered_amount_is_named_with_exit_6(world: World, cli: Cli, language: str) -> None:
    change(world, "UPDATE transfer SET amount = amount + 1 WHERE seq = 17")
    shown = cli.run("ledger", "verify", "--lang", language, "--now", TODAY)
    assert shown.exit_code == 6
    assert "transfer 17" in shown.stderr
    assert {"en": "is not as it was written", "zh": "与写入时不符"}[language] in shown.stderr
    document = json.loads(cli.run("ledger", "verify", "--json", "--now", TODAY).stdout)
    assert (document["ok"], document["altered"]) == (False, "transfer 17")


def test_a_proof_given_out_before_still_stands_alone(world: World, cli: Cli) -> None:
    change(world, "UPDATE transfer SET amount = amount + 1 WHERE seq = 17")
    proven = cli("ledger", "verify", "proof.json", "--keys", "keys.json", "--db", "none.db")
    assert proven["valid"] is True
    assert proven["reference"] == world.names["payment"]
    assert not (world.folder / "none.db").exists()


def test_a_proof_of_another_amount_is_refused(world: World, cli: Cli) -> None:
    proof = json.loads((world.folder / "proof.json").read_text("utf-8"))
    record = bytearray.fromhex(proof["record"])
    record[32] ^= 1  # the last byte of the amount
    (world.folder / "forged.json").write_text(json.dumps({**proof, "record": record.hex()}), "utf-8")
    shown = cli.run("ledger", "verify", "forged.json", "--keys", "keys.json", "--json")
    assert shown.exit_code == 6
    assert json.loads(shown.stdout)["reason"] == "inclusion_unproven"
    assert json.loads(shown.stderr)["code"] == "proof_invalid"


def test_the_keys_of_another_scheme_do_not_verify_a_proof(world: World, cli: Cli) -> None:
    cli("wallet", "open", "--kind", "corporate", "--name", company_name(), "--id", company_id(),
        "--operator", "ICBC", "--db", "other.db")  # fmt: skip
    cli("parties", "keys", "--db", "other.db", "--out", "other.json")
    shown = cli.run("ledger", "verify", "proof.json", "--keys", "other.json", "--json")
    assert shown.exit_code == 6
    assert json.loads(shown.stdout)["reason"] == "ledger_key_unknown"


def test_a_database_set_back_is_found_by_a_checkpoint_kept_elsewhere(world: World, cli: Cli) -> None:
    with closing(sqlite3.connect(world.database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    yesterday = world.database.read_bytes()
    cli("wallet", "top-up", world.names["company"], "--amount", "1")
    cli("ledger", "checkpoint", "--out", "kept.txt")
    assert cli("ledger", "verify", "--checkpoint", "kept.txt")["ok"] is True
    for ending in ("-wal", "-shm"):
        world.database.with_name(f"s.db{ending}").unlink(missing_ok=True)
    world.database.write_bytes(yesterday)
    assert cli("ledger", "verify")["ok"] is True
    shown = cli.run("ledger", "verify", "--checkpoint", "kept.txt", "--json", "--now", TODAY)
    assert shown.exit_code == 6
    assert json.loads(shown.stdout)["ok"] is False
    assert json.loads(shown.stderr)["code"] == "log_truncated"


def test_the_keyring_of_another_database_opens_nothing(world: World, cli: Cli) -> None:
    cli(
        "wallet", "open", "--kind", "personal", "--phone", "13900000009", "--operator", "ICBC", "--db", "o.db"
    )
    (world.folder / "s.db.keys").unlink()
    (world.folder / "s.db.keys").write_bytes((world.folder / "o.db.keys").read_bytes())
    for command in ("ledger verify", "ledger checkpoint", f"ledger prove {world.names['payment']}"):
        cli.refused(7, "keyring_mismatch", *command.split())


@pytest.mark.parametrize(
    ("exit_code", "code", "command"),
    [
        (2, "option_not_with_proof", "ledger verify proof.json --signatures"),
        (2, "option_not_with_proof", "ledger verify proof.json --checkpoint cp.txt"),
        (2, "keys_without_proof", "ledger verify --keys keys.json"),
        (2, "transfer_or_checkpoint", "ledger prove"),
        (2, "transfer_or_checkpoint", "ledger prove {payment} --since cp.txt"),
        (2, "transfer_id_malformed", "ledger prove 17"),
        (4, "transfer_not_found", "ledger prove 00000000000000000000000000000000"),
        (4, "payment_not_found", "ledger prove P0"),
        (2, "input_file_unreadable", "ledger verify none.json"),
        (2, "input_file_unreadable", "ledger verify --checkpoint none.txt"),
        (6, "checkpoint_malformed", "ledger prove --since keys.json"),
    ],
)
def test_what_does_not_fit_is_refused(
    world: World, cli: Cli, exit_code: int, code: str, command: str
) -> None:
    cli.refused(exit_code, code, *world.filled(command))


@pytest.mark.parametrize("file", ["keys.json", "i.json", "cp.txt", "a.json"])
def test_a_file_that_is_no_proof_gets_a_verdict(world: World, cli: Cli, file: str) -> None:
    shown = cli.run("ledger", "verify", file, "--keys", "keys.json", "--json")
    assert shown.exit_code == 6
    assert json.loads(shown.stdout)["reason"] == "proof_malformed"
    problem = json.loads(shown.stderr)
    assert problem["code"] == ("checkpoint_is_no_proof" if file == "cp.txt" else "proof_invalid")
    assert ("--checkpoint cp.txt" in problem["hint"]) == (file == "cp.txt")


def test_a_file_that_is_no_checkpoint_gets_a_verdict(world: World, cli: Cli) -> None:
    shown = cli.run("ledger", "verify", "--checkpoint", "keys.json", "--json", "--now", TODAY)
    assert shown.exit_code == 6
    assert json.loads(shown.stdout)["ok"] is False
    assert json.loads(shown.stderr)["code"] == "checkpoint_malformed"


def test_a_proof_without_keys_makes_no_database(world: World, cli: Cli) -> None:
    cli.refused(4, "keys_needed", "ledger", "verify", "proof.json", "--db", "none.db")
    assert not (world.folder / "none.db").exists()
