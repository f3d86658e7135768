"""The keyring: one seed gives every key, always the same; the file is private, whole, and made once."""

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecny_tax.crypto.keyring import Keyring, create_keyring, read_keyring
from ecny_tax.errors import UnavailableError

SEED = bytes(range(32))


def refused(path: Path, code: str) -> UnavailableError:
    with pytest.raises(UnavailableError) as refusal:
        read_keyring(path)
    assert refusal.value.code == code
    assert refusal.value.message()
    assert refusal.value.hint
    return refusal.value


# --- derivation -------------------------------------------------------------------------------------


def test_derived_keys_are_these_for_ever() -> None:
    # Signatures and sealed identities of existing databases hang on these bytes.
    ring = Keyring(SEED)
    derived = (ring.fingerprint, ring.secret("identity keys").hex(), _public(ring, "operator", "ICBC"))
    assert derived == (
        "b5efffcbc6bf6d4cf60abf50fe8fd610",
        "eca7296b1d277a00ebff24ee4eca0e75a905b5bf5ba7d5d14e996e41468b750d",
        "ac9a88869a43a89b843d619a7959a4988b26490f159951d2a52ba7664f49c753",
    )


def test_derivation_is_hkdf_sha256_of_the_seed() -> None:
    import hashlib
    import hmac

    pseudo_random = hmac.digest(bytes(32), SEED, hashlib.sha256)
    expected = hmac.digest(pseudo_random, b"ecny-tax/1/secret/identity keys\x01", hashlib.sha256)
    assert Keyring(SEED).secret("identity keys") == expected


def _public(ring: Keyring, role: str, party: str) -> str:
    return ring.signing_key(role, party).public_bytes.hex()


names = st.text("abcXYZ019_:鹤山 ", min_size=1, max_size=6)


@given(st.lists(st.tuples(names, names), min_size=2, max_size=20, unique=True))
def test_keys_differ_by_role_and_by_party(parties: list[tuple[str, str]]) -> None:
    ring = Keyring(SEED)
    assert len({_public(ring, role, party) for role, party in parties}) == len(parties)


def test_keys_differ_by_seed_purpose_and_kind() -> None:
    one, other = Keyring(SEED), Keyring(bytes(32))
    made = [
        key
        for ring in (one, other)
        for key in (ring.secret("a"), ring.secret("b"), ring.signing_key("a", "b").public_bytes)
    ]
    assert len(set(made)) == len(made) == 6
    assert one.fingerprint != other.fingerprint


def test_the_same_seed_gives_the_same_keys_and_they_name_their_party() -> None:
    one, other = Keyring(SEED), Keyring(SEED)
    assert one.signing_key("wallet", "1").name == "wallet:1"
    assert _public(one, "wallet", "1") == _public(other, "wallet", "1")
    assert one.secret("a") == other.secret("a")
    assert one.fingerprint == other.fingerprint


def test_fingerprint_tells_nothing_of_the_seed() -> None:
    assert SEED.hex()[:8] not in Keyring(SEED).fingerprint
    assert len(Keyring(SEED).fingerprint) == 32


# --- the file ---------------------------------------------------------------------------------------


def test_file_is_readable_by_its_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        create_keyring(tmp_path / "a.keys", SEED)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.keys").stat().st_mode) == 0o600
    assert [item.name for item in tmp_path.iterdir()] == ["a.keys"]


def test_file_is_read_back_and_not_made_twice(tmp_path: Path) -> None:
    path = tmp_path / "a.keys"
    made = create_keyring(path, SEED)
    text = path.read_bytes()
    again = create_keyring(path, bytes(32))
    assert path.read_bytes() == text
    assert made.fingerprint == again.fingerprint == read_keyring(path).fingerprint


_CREATE = """
import os, sys, time
from pathlib import Path
from ecny_tax.crypto.keyring import create_keyring
path, start = Path(sys.argv[1]), Path(sys.argv[2])
seed = os.urandom(32)
while not start.exists():
    time.sleep(0.0002)
print(create_keyring(path, seed).fingerprint)
"""


def test_processes_that_create_at_once_agree(tmp_path: Path) -> None:
    path, start = tmp_path / "a.keys", tmp_path / "start"
    command = [sys.executable, "-c", _CREATE, str(path), str(start)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    start.touch()
    answers = [process.communicate(timeout=60)[0].strip() for process in processes]
    assert [process.returncode for process in processes] == [0] * 6
    assert set(answers) == {read_keyring(path).fingerprint}
    assert sorted(item.name for item in tmp_path.iterdir()) == ["a.keys", "start"]


def test_threads_that_create_at_once_agree(tmp_path: Path) -> None:
    for attempt in range(20):
        path = tmp_path / f"{attempt}.keys"
        barrier, answers = threading.Barrier(4), []

        def create(path=path, barrier=barrier, answers=answers) -> None:  # type: ignore[no-untyped-def]
            barrier.wait()
            try:
                answers.append(create_keyring(path, os.urandom(32)).fingerprint)
            except UnavailableError as refusal:
                answers.append(str(refusal))

        threads = [threading.Thread(target=create) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(answers) == {read_keyring(path).fingerprint}


def test_draft_left_by_a_killed_process_of_the_same_number_does_not_matter(tmp_path: Path) -> None:
    # Process numbers come again; in a container every run may have the same.
    path = tmp_path / "a.keys"
    path.with_name(f"{path.name}.{os.getpid()}.new").write_text("half a dra")
    ring = create_keyring(path, SEED)
    assert ring.fingerprint == read_keyring(path).fingerprint == Keyring(SEED).fingerprint


# --- refusals ---------------------------------------------------------------------------------------

_GOOD = f"ecny-tax keyring 1\n{SEED.hex()}\n"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"ecny-tax keyring 1",
        b"ecny-tax keyring 1\n",
        _GOOD.replace("1\n", "2\n", 1).encode(),
        _GOOD[:-3].encode(),
        _GOOD.replace("\n", "").encode(),
        (_GOOD + "00").encode(),
        (_GOOD + _GOOD).encode(),
        _GOOD.replace("00", "zz", 1).encode(),
        _GOOD.encode("utf-16"),
        b"\xff" * 90,
        b"\x00" * 90,
        b"ecny-tax keyring 1\n" + "１".encode() * 64,
        b" " + _GOOD.encode(),
        b"SQLite format 3\x00",
        b"x" * 1_000_000,
    ],
    ids=lambda content: ascii(content[:30]),
)
def test_malformed_file_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.keys"
    path.write_bytes(content)
    refusal = refused(path, "keyring_unreadable")
    assert SEED.hex() not in refusal.message()
    with pytest.raises(UnavailableError):
        create_keyring(path, SEED)
    assert path.read_bytes() == content


@given(st.binary(max_size=200))
def test_any_bytes_are_a_keyring_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.keys"
    path.write_bytes(content)
    refused(path, "keyring_unreadable")


def test_missing_file_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "none.keys", "keyring_missing")


def test_directory_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, "keyring_unreadable")


def test_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError) as refusal:
        create_keyring(tmp_path / "no such folder" / "a.keys", SEED)
    assert refusal.value.code == "keyring_unwritable"
    assert list(tmp_path.iterdir()) == []
