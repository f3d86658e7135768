"""Sealing and proving: what is committed comes into the log once, in order, whoever seals it and when."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecny_tax import Fen, FixedClock, Sandbox, VerificationError
from ecny_tax.errors import EcnyTaxError
from ecny_tax.ledger import merkle
from ecny_tax.ledger.checkpoint import open_checkpoint, read_checkpoint
from ecny_tax.ledger.proofs import ConsistencyProof, InclusionProof, ProofCheck, check_proof
from ecny_tax.store import log, sealer
from tests.support import START, corporate, judged, nameless, owe


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.db"


def opened(path: Path | str, **wishes: str) -> Sandbox:
    return Sandbox.open(path, clock=FixedClock(START), **wishes)  # type: ignore[arg-type]


def published(s: Sandbox) -> dict[str, bytes]:
    return {name: bytes.fromhex(key) for name, key in s.published_keys().items()}


def transfer_ids(s: Sandbox) -> list[str]:
    with s._store.reading() as tx:
        return [row[0].hex() for row in tx.rows("SELECT id FROM transfer ORDER BY seq")]


def kill(s: Sandbox) -> None:
    """End a sandbox without sealing, as the end of a process that is killed."""
    s._end.detach()
    s._store.close()


# --- when it is sealed --------------------------------------------------------------------------------


def test_a_process_seals_what_it_committed_when_it_closes(path: Path) -> None:
    with opened(path) as s:
        corporate(s, fund=Fen(100))
        found = s.ledger.verify()
        assert (found.sealed, found.unsealed) == (0, s.ledger.records())
    with opened(path) as s:
        found = s.ledger.verify()
        assert (found.sealed, found.unsealed, found.checkpoints) == (s.ledger.records(), 0, 1)


def test_a_process_that_never_closes_seals_when_it_exits(path: Path) -> None:
    code = f"from ecny_tax import Sandbox; s = Sandbox.open({str(path)!r})"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
    with opened(path) as s:
        assert s.ledger.verify().unsealed == 0


def test_what_a_killed_process_left_is_reported_and_sealed_by_the_next_one(path: Path) -> None:
    code = (
        "import os, signal; from ecny_tax import Sandbox; "
        f"s = Sandbox.open({str(path)!r}); "
        "s.wallets.open(kind='personal', phone='13900000000', operator='ABC'); "
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode < 0
    with Sandbox.open(path) as s:
        found = s.ledger.verify()
        assert found.ok
        assert found.unsealed == s.ledger.records() > 0
        nameless(s, 2)
    with Sandbox.open(path) as s:
        assert s.ledger.verify().unsealed == 0


def test_a_process_that_only_reads_seals_nothing(path: Path) -> None:
    with opened(path) as s:
        s.status()
        kill(s)
    before = path.read_bytes()
    with opened(path) as s:
        s.ledger.verify()
        s.wallets.list()
    assert path.read_bytes() == before


def test_a_failed_seal_at_the_end_is_no_failure_of_what_was_done(path: Path) -> None:
    with opened(path) as s:
        wallet = corporate(s, fund=Fen(100))
        with s._store.untimed() as tx:  # what nobody can seal: a tile of the log is gone
            tx.run("DROP TRIGGER log_tile_is_never_deleted")
        s.ledger.checkpoint()
        with s._store.untimed() as tx:
            tx.run("DELETE FROM log_tile")
        s.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(1))
        with pytest.raises(EcnyTaxError) as caught:
            s.ledger.checkpoint()
        judged(caught.value, "log_broken")
    with opened(path) as s:
        assert s.wallets.show(wallet_id=wallet.wallet_id).balance == 101
        assert not s.ledger.verify().ok


def test_sealing_again_changes_nothing(path: Path) -> None:
    with opened(path) as s:
        corporate(s, fund=Fen(100))
        first = s.ledger.checkpoint()
        assert s.ledger.checkpoint() == first
        assert s.ledger.verify().checkpoints == 1


def test_many_records_are_sealed_a_chunk_at_a_time(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "CHUNK", 7)
    monkeypatch.setattr(log, "RUN", 3)
    with opened(path) as s:
        wallet = corporate(s, fund=Fen(100))
        for _ in range(20):
            s.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(1))
        s.ledger.checkpoint()
        found = s.ledger.verify()
        assert found.ok
        assert found.unsealed == 0
        assert found.checkpoints > 5


def test_a_process_that_writes_much_seals_on_the_way(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealer, "EVERY", 10)
    with opened(path) as s:
        wallet = corporate(s, fund=Fen(100))
        for _ in range(30):
            s.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(1))
        helper = s._store.watcher._helper  # type: ignore[union-attr]
        assert helper is not None
        assert helper.wait() == 0
        assert s.ledger.verify().sealed > 0
    with opened(path) as s:
        assert s.ledger.verify().unsealed == 0


def test_a_database_in_memory_seals_on_the_way_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealer, "EVERY", 10)
    with opened(":memory:") as s:
        wallet = corporate(s, fund=Fen(100))
        for _ in range(30):
            s.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(1))
        assert s.ledger.verify().sealed > 0


def test_two_processes_that_seal_at_once_seal_everything_once(path: Path) -> None:
    with opened(path) as s:
        wallet = corporate(s, fund=Fen(100))
        for _ in range(50):
            s.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(1))
        kill(s)
    command = [sys.executable, "-m", "ecny_tax.store.sealer"]
    both = [subprocess.Popen(command, stdin=subprocess.PIPE) for _ in range(2)]
    for one in both:
        assert one.stdin is not None
        with one.stdin as names:
            names.write(f"{path}\0{path}.keys".encode())
    assert [one.wait() for one in both] == [0, 0]
    with opened(path) as s:
        found = s.ledger.verify()
        assert found.ok
        assert (found.unsealed, found.sealed) == (0, s.ledger.records())


def test_an_imported_ledger_is_sealed_when_it_is_made(path: Path) -> None:
    with opened(":memory:") as s:
        corporate(s, fund=Fen(100))
        lines = list(s.ledger.export(format="jsonl"))
    with Sandbox.import_ledger(lines, path) as s:
        found = s.ledger.verify()
        assert found.ok
        assert (found.unsealed, found.sealed) == (0, s.ledger.records())


# --- what the log says --------------------------------------------------------------------------------


@given(st.lists(st.sampled_from(["open", "top up", "close", "seal", "refused"]), max_size=12))
@settings(deadline=None)
def test_I14_every_transfer_is_proven_and_every_checkpoint_continues_the_one_before(steps: list[str]) -> None:
    """Openings, closings and transfers in any order, sealed at any moment: the log is the same."""
    with opened(":memory:", seed="steps") as s:
        company = corporate(s, fund=Fen(100))
        spare: list[str] = []
        kept = [s.ledger.checkpoint()]
        for place, step in enumerate(steps):
            if step == "open":
                spare.append(nameless(s, place).wallet_id)
            elif step == "top up":
                s.wallets.top_up(wallet_id=company.wallet_id, amount=Fen(1))
            elif step == "close" and spare:
                s.wallets.close(wallet_id=spare.pop())
            elif step == "refused":
                with pytest.raises(EcnyTaxError):
                    s.wallets.cash_out(wallet_id=company.wallet_id, amount=Fen(10**12))
            elif step == "seal":
                kept.append(s.ledger.checkpoint())
        keys = published(s)
        for id_ in transfer_ids(s):
            record, _state = s.ledger.prove(transfer_id=id_).verify(keys.get)
            assert record.id.hex() == id_
        kept.append(s.ledger.checkpoint())
        for earlier in kept:
            first, last = s.ledger.prove_consistency(earlier=earlier).verify(keys.get)
            assert (first, last) == (earlier, kept[-1])
        found = s.ledger.verify()
        assert found.ok
        assert found.unsealed == 0


def test_I14_an_event_of_an_account_is_a_leaf_of_its_own(path: Path) -> None:
    with opened(path) as s:
        leaving = nameless(s)
        before = s.ledger.checkpoint().size
        s.wallets.close(wallet_id=leaving.wallet_id)
        assert s.ledger.checkpoint().size == before + 1
        with s._store.reading() as tx:
            flags = tx.rows(
                "SELECT e.flags FROM event e WHERE account_id = :id ORDER BY place",
                id=leaving.account_id,
            )
        assert flags == [(1,), (5,)]


def test_the_same_seed_gives_the_same_checkpoint(tmp_path: Path) -> None:
    notes = set()
    for name in ("a", "b"):
        with opened(tmp_path / f"{name}.db", seed="again") as s:
            corporate(s, fund=Fen(100))
            notes.add(s.ledger.checkpoint().note)
    assert len(notes) == 1


def test_two_ledgers_have_two_keys(tmp_path: Path) -> None:
    keyring = tmp_path / "shared.keys"
    names = set()
    for name in ("a", "b"):
        with Sandbox.open(tmp_path / f"{name}.db", keyring=keyring) as s:
            names.add(s.ledger.checkpoint().origin)
            assert names <= {*s.published_keys(), *names}
    assert len(names) == 2


# --- proofs that stand alone --------------------------------------------------------------------------


@pytest.fixture
def s(path: Path) -> Iterator[Sandbox]:
    with opened(path) as sandbox:
        corporate(sandbox, fund=Fen(100))
        yield sandbox


def origin_of(sandbox: Sandbox) -> str:
    return sandbox.ledger.checkpoint().origin


def test_a_proof_is_written_and_read_back(s: Sandbox) -> None:
    keys = published(s).get
    proof = s.ledger.prove(transfer_id=transfer_ids(s)[3])
    check = check_proof(proof.to_json(), keys)
    assert check.record is not None
    assert check.record.seq == 4
    size = open_checkpoint(proof.note, keys).size
    assert check == ProofCheck(True, "inclusion", origin_of(s), size, None, check.record, None)
    corporate(s, fund=Fen(100))
    growth = s.ledger.prove_consistency(earlier=open_checkpoint(proof.note, keys))
    check = check_proof(growth.to_json(), keys)
    later = s.ledger.checkpoint().size
    assert later > size
    assert check == ProofCheck(True, "consistency", origin_of(s), later, size, None, None)


def test_what_a_proof_that_fails_was_to_prove_is_told(s: Sandbox) -> None:
    keys = published(s).get
    proof = s.ledger.prove(transfer_id=transfer_ids(s)[3])
    wrong = InclusionProof(proof.record, proof.index + 1, proof.path, proof.note)
    check = check_proof(wrong.to_json(), keys)
    assert check == ProofCheck(False, "inclusion", None, None, None, None, "inclusion_unproven")


def test_a_proof_of_one_kind_with_the_members_of_the_other_is_malformed(s: Sandbox) -> None:
    proof = s.ledger.prove(transfer_id=transfer_ids(s)[3])
    growth = s.ledger.prove_consistency(earlier=open_checkpoint(proof.note, published(s).get))
    for text, kind in ((proof.to_json(), "consistency"), (growth.to_json(), "inclusion")):
        for other in (kind, "third"):
            document = json.loads(text) | {"kind": other}
            assert check_proof(json.dumps(document), published(s).get).reason == "proof_malformed"


def test_a_proof_file_is_for_people_to_read_too(s: Sandbox) -> None:
    text = s.ledger.prove(transfer_id=transfer_ids(s)[3]).to_json()
    assert text.splitlines()[:3] == ["{", '  "format": "ecny-tax proof 1",', '  "kind": "inclusion",']
    assert "— " in text  # the mark of a signature, as it stands in the checkpoint


def test_another_ledgers_proof_is_refused(s: Sandbox, tmp_path: Path) -> None:
    with opened(tmp_path / "other.db") as other:
        corporate(other, fund=Fen(100))
        theirs = other.ledger.prove(transfer_id=transfer_ids(other)[3])
        ours = s.ledger.prove(transfer_id=transfer_ids(s)[3])
        assert check_proof(theirs.to_json(), published(s).get).reason == "ledger_key_unknown"
        mixed = InclusionProof(theirs.record, theirs.index, theirs.path, ours.note)
        assert check_proof(mixed.to_json(), published(s).get).reason == "inclusion_unproven"
        with pytest.raises(VerificationError) as caught:
            s.ledger.prove_consistency(earlier=open_checkpoint(theirs.note, published(other).get))
        judged(caught.value, "checkpoint_of_another_ledger")
        growth = ConsistencyProof(theirs.note, (), ours.note)
        both = published(s) | published(other)
        assert check_proof(growth.to_json(), both.get).reason == "checkpoint_of_another_ledger"
        with pytest.raises(VerificationError) as caught:
            growth.verify(both.get)
        assert caught.value.values == {"origin": origin_of(other)}


def test_a_checkpoint_that_forks_history_is_found(path: Path, tmp_path: Path) -> None:
    """A copy of the database goes its own way, with the same keys: its checkpoints fit nowhere else."""
    with opened(path) as s:
        wallet = corporate(s, fund=Fen(100))
    copy = tmp_path / "copy.db"
    for ending in ("", ".keys"):
        shutil.copy(f"{path}{ending}", f"{copy}{ending}")
    with opened(path) as s, opened(copy) as fork:
        common = s.ledger.checkpoint()
        s.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(1))
        fork.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(2))
        other = fork.ledger.checkpoint()
        s.ledger.checkpoint()
        s.ledger.check_continues(note=common.note)
        with pytest.raises(VerificationError) as caught:
            s.ledger.check_continues(note=other.note)
        judged(caught.value, "history_forked")
        fork.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(2))
        with pytest.raises(VerificationError) as caught:
            s.ledger.check_continues(note=fork.ledger.checkpoint().note)
        judged(caught.value, "log_truncated")


def test_a_log_that_was_cut_off_and_signed_anew_is_found_by_an_older_checkpoint(
    path: Path, tmp_path: Path
) -> None:
    """The whole database is put back to yesterday's copy: only who kept a checkpoint can tell."""
    with opened(path) as s:
        wallet = corporate(s, fund=Fen(100))
    copy = tmp_path / "yesterday.db"
    shutil.copy(path, copy)
    with opened(path) as s:
        s.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(1))
        kept = s.ledger.checkpoint().note
    for ending in ("-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    shutil.copy(copy, path)
    with opened(path) as s:
        assert s.ledger.verify().ok
        with pytest.raises(VerificationError) as caught:
            s.ledger.check_continues(note=kept)
        judged(caught.value, "log_truncated")


@pytest.mark.parametrize("id_", ["", "xyz", "0" * 31, "0" * 33, "é" * 32])
def test_an_id_that_is_none_is_refused(s: Sandbox, id_: str) -> None:
    with pytest.raises(EcnyTaxError) as caught:
        s.ledger.prove(transfer_id=id_)
    judged(caught.value, "transfer_id_malformed")


def test_a_transfer_that_is_not_there_is_not_found(s: Sandbox) -> None:
    with pytest.raises(EcnyTaxError) as caught:
        s.ledger.prove(transfer_id="0" * 32)
    judged(caught.value, "transfer_not_found")


def test_a_transfer_that_is_not_sealed_yet_has_no_proof(s: Sandbox) -> None:
    s.ledger.checkpoint()
    (wallet,) = s.wallets.list()
    done = s.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(1))
    with s._store.reading() as tx, pytest.raises(VerificationError) as caught:
        log.prove(tx, bytes.fromhex(done.transfer_id))
    judged(caught.value, "transfer_not_sealed")


@given(st.data())
@settings(deadline=None)
def test_a_proof_file_with_one_byte_changed_never_proves_anything_else(data: st.DataObject) -> None:
    text = _PROOF[0].to_json()
    place = data.draw(st.integers(0, len(text) - 1))
    changed = text[:place] + data.draw(st.characters(max_codepoint=0x2FF)) + text[place + 1 :]
    check = check_proof(changed, _PROOF[1].get)
    if check.valid:  # a blank between two members, say
        assert check == check_proof(text, _PROOF[1].get)
    else:
        assert check.reason


def _make() -> tuple[InclusionProof, dict[str, bytes]]:
    with opened(":memory:", seed="proof") as s:
        wallet = corporate(s, fund=Fen(100))
        s.payments.pay(bill_no=owe(s, wallet, 30).bill_no, wallet_id=wallet.wallet_id)
        return s.ledger.prove(transfer_id=transfer_ids(s)[-1]), published(s)


_PROOF = _make()


_HEAD = '{"format": "ecny-tax proof 1", "kind": '


@pytest.mark.parametrize(
    "text",
    [
        "", "null", "[]", "{}", '{"format": "ecny-tax proof 1"}', _HEAD + '"x"}',
        _HEAD + '"inclusion", "record": 1, "index": 0, "path": [], "checkpoint": ""}',
        _HEAD + '"consistency", "earlier": 1, "path": [], "checkpoint": ""}',
        _HEAD + '"consistency", "earlier": "", "path": ["AA"], "checkpoint": ""}',
        _HEAD + '"consistency", "earlier": "", "path": 5, "checkpoint": ""}',
        "[" * 100_000,
    ],
)  # fmt: skip
def test_a_file_that_is_no_proof_is_malformed(text: str) -> None:
    malformed = ProofCheck(False, None, None, None, None, None, "proof_malformed")
    assert check_proof(text, _PROOF[1].get) == malformed


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"path": ["00" * 32] * 128}, "inclusion_unproven"),
        ({"path": ["00" * 32] * 129}, "proof_malformed"),
        ({"record": "00" * 1024}, "inclusion_unproven"),
        ({"record": "00" * 1025}, "proof_malformed"),
    ],
    ids=["longest path", "path too long", "longest record", "record too long"],
)
def test_a_proof_is_read_to_the_longest_path_and_record(changes: dict[str, object], reason: str) -> None:
    document = json.loads(_PROOF[0].to_json()) | changes
    assert check_proof(json.dumps(document), _PROOF[1].get).reason == reason


def test_a_proof_with_an_index_that_is_no_number_is_malformed() -> None:
    text = _PROOF[0].to_json().replace(f'"index": {_PROOF[0].index}', '"index": true')
    assert check_proof(text, _PROOF[1].get).reason == "proof_malformed"


def test_the_path_of_a_proof_is_the_one_of_the_tree(s: Sandbox) -> None:
    proof = s.ledger.prove(transfer_id=transfer_ids(s)[0])
    checkpoint = open_checkpoint(proof.note, published(s).get)
    with s._store.reading() as tx:
        rows = [row for run, _ in log.runs(tx) for row in run]
        assert len(rows) == checkpoint.size
        (hashes,) = tx.rows("SELECT hashes FROM log_tile WHERE level = 0")[0]
    assert merkle.root_of(hashes) == checkpoint.root


# --- rows that this library cannot have written -----------------------------------------------------------


def _insert(path: Path, sql: str) -> None:
    """What another SQLite client adds; nothing forbids that a journal grows."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute(sql)


_COPY = (
    "INSERT INTO transfer SELECT {seq}, randomblob(16), debit_account_id, credit_account_id, amount, ledger,"
    " {code}, flags, user_data, posted_at FROM transfer WHERE seq = (SELECT max(seq) FROM transfer)"
)


@pytest.mark.parametrize(
    "sql",
    [
        _COPY.format(seq=2**60, code="code"),
        _COPY.format(seq="(SELECT max(seq) + 5 FROM transfer)", code="code"),
        _COPY.format(seq="(SELECT max(seq) + 1 FROM transfer)", code=2**40),
        "INSERT INTO event SELECT max(place) + 1, 9999, 1, NULL, 14, 0 FROM event",
        "INSERT INTO event SELECT max(place) + 7, 1, 1, NULL, 14, 0 FROM event",
        "INSERT INTO event SELECT max(place) + 1, NULL, NULL, zeroblob(32), 18, 0 FROM event",
    ],
)
def test_a_foreign_row_is_neither_sealed_nor_a_crash(path: Path, sql: str) -> None:
    with opened(path) as s:
        wallet = corporate(s, fund=Fen(100))
    _insert(path, sql)
    with opened(path) as s:
        before = s.ledger.verify()
        assert not before.ok
        s.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(1))  # what is asked for is done all the same
        with pytest.raises(VerificationError) as caught:
            s.ledger.checkpoint()
        judged(caught.value, "log_broken")
        assert "transfer 29" in str(caught.value)  # the first that came after the log was whole
    with opened(path) as s:
        assert s.wallets.show(wallet_id=wallet.wallet_id).balance == 101
        found = s.ledger.verify()
        assert not found.ok
        assert found.checkpoints == before.checkpoints


def test_a_plausible_row_behind_the_others_is_named(path: Path) -> None:
    with opened(path) as s:
        corporate(s, fund=Fen(100))
        newest = s.status().transfers
    _insert(path, _COPY.format(seq="(SELECT max(seq) + 1 FROM transfer)", code="code"))
    with opened(path) as s:
        found = s.ledger.verify()
    assert not found.ok
    assert found.unsealed == 1
    assert found.altered == f"transfer {newest + 1}"


def test_a_checkpoint_that_nobody_signed_accuses_nobody(s: Sandbox) -> None:
    checkpoint = s.ledger.checkpoint()
    size = checkpoint.size
    for note in (
        checkpoint.note.replace(f"\n{size}\n", f"\n{size + 9}\n"),
        checkpoint.note.replace(f"\n{size}\n", f"\n{size - 9}\n"),
    ):
        with pytest.raises(VerificationError) as caught:
            s.ledger.check_continues(note=note)
        judged(caught.value, "signature_invalid")
        with pytest.raises(VerificationError) as caught:
            s.ledger.prove_consistency(earlier=read_checkpoint(note))
        judged(caught.value, "signature_invalid")


def test_nobody_is_given_a_proof_of_an_altered_row(path: Path) -> None:
    with opened(path) as s:
        corporate(s, fund=Fen(100))
        id_ = transfer_ids(s)[3]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TRIGGER transfer_is_never_updated")
        connection.execute("UPDATE transfer SET posted_at = posted_at + 1 WHERE seq = 4")
    with opened(path) as s, pytest.raises(VerificationError) as caught:
        s.ledger.prove(transfer_id=id_)
    judged(caught.value, "log_broken")
    assert "transfer 4" in str(caught.value)


def test_a_path_that_is_no_list_is_malformed() -> None:
    document = json.loads(_PROOF[0].to_json())
    document["path"] = dict.fromkeys(document["path"], 1)
    assert check_proof(json.dumps(document), _PROOF[1].get).reason == "proof_malformed"


# --- the mark: how far the log was sealed ----------------------------------------------------------------


def _rewritten(path: Path) -> None:
    """An old transfer edited with its balances, and the whole log thrown away."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        (debit, credit) = connection.execute(
            "SELECT debit_account_id, credit_account_id FROM transfer ORDER BY seq DESC LIMIT 1"
        ).fetchone()
        connection.execute(
            "UPDATE transfer SET amount = amount - 1 WHERE seq = (SELECT max(seq) FROM transfer)"
        )
        connection.execute("UPDATE account SET debits = debits - 1 WHERE id = ?", (debit,))
        connection.execute("UPDATE account SET credits = credits - 1 WHERE id = ?", (credit,))
        connection.execute("DELETE FROM checkpoint")
        connection.execute("DELETE FROM log_tile")


def test_I14_a_log_that_was_thrown_away_is_found_and_not_begun_anew(path: Path) -> None:
    with opened(path) as s:
        wallet = corporate(s, fund=Fen(100))
    _rewritten(path)
    with opened(path) as s:
        assert not s.ledger.verify().ok
        s.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(1))
    with opened(path) as s:
        found = s.ledger.verify()
        assert not found.ok
        assert (found.sealed, found.checkpoints) == (0, 0)
        assert found.altered.startswith("the checkpoint of ")


def test_I14_a_log_whose_newest_checkpoint_was_cut_off_with_its_hashes_is_found(path: Path) -> None:
    with opened(path) as s:
        wallet = corporate(s, fund=Fen(100))
    with opened(path) as s:
        size = s.ledger.checkpoint().size
        s.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(1))
    with closing(sqlite3.connect(path)) as connection, connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("DELETE FROM checkpoint WHERE size > ?", (size,))
        connection.execute("UPDATE log_tile SET hashes = substr(hashes, 1, ?)", (size * 32,))
    with opened(path) as s:
        found = s.ledger.verify()
        assert not found.ok
        assert found.altered.startswith("the checkpoint of ")


def test_I14_a_transfer_added_with_its_balances_to_a_whole_log_is_found_and_not_sealed(path: Path) -> None:
    """Nothing but the mark tells: the row is sound, the balances agree."""
    with opened(path) as s:
        wallet = corporate(s, fund=Fen(100))
        newest = s.status().transfers
    _insert(path, _COPY.format(seq="(SELECT max(seq) + 1 FROM transfer)", code=8))
    with closing(sqlite3.connect(path)) as connection, connection:
        (debit, credit, amount) = connection.execute(
            "SELECT debit_account_id, credit_account_id, amount FROM transfer ORDER BY seq DESC LIMIT 1"
        ).fetchone()
        connection.execute("UPDATE account SET credits = credits + ? WHERE id = ?", (amount, debit))
        connection.execute("UPDATE account SET debits = debits + ? WHERE id = ?", (amount, debit))
        connection.execute("UPDATE account SET credits = credits + ? WHERE id = ?", (amount, credit))
    with opened(path) as s:
        assert s.ledger.verify().altered == f"transfer {newest + 1}"
        s.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(1))
        with pytest.raises(VerificationError) as caught:
            s.ledger.checkpoint()
        judged(caught.value, "log_broken")
    with opened(path) as s:
        assert s.ledger.verify().unsealed > 0


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM meta WHERE name = 'mark'",
        "UPDATE meta SET value = 'whole 9 ' || substr(value, -64) WHERE name = 'mark'",
        "UPDATE meta SET value = replace(value, 'whole', 'growing') WHERE name = 'mark'",
        "UPDATE meta SET value = '' WHERE name = 'mark'",
    ],
)
def test_I14_a_mark_that_is_gone_or_forged_is_found(path: Path, sql: str) -> None:
    with opened(path) as s:
        corporate(s, fund=Fen(100))
    _insert(path, sql)
    with opened(path) as s:
        found = s.ledger.verify()
        assert not found.ok
        assert "mark" in found.altered
