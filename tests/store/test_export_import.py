"""A ledger that is taken away and brought back is the same to the byte; what is no such ledger is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecny_tax import ConflictError, EcnyTaxError, Fen, FixedClock, Sandbox
from ecny_tax.ledger.model import MAX_BATCH, MAX_COUNTER, Ledger, Transfer, TransferFlags
from ecny_tax.store import importing, journal
from ecny_tax.store.importing import MAX_LINE, read_lines
from tests.store.export_ledgers import histories, lines, told, written
from tests.support import START, corporate, judged, nameless, owe

MALFORMED, UNKNOWN = "ledger_file_malformed", "ledger_file_unknown"
INCONSISTENT, LACKS, BROKEN = "ledger_file_inconsistent", "ledger_file_lacks", "ledger_broken"
Change = Callable[[list[str]], Iterable[str]]


@cache
def demo() -> tuple[str, ...]:
    with told() as s:
        return tuple(lines(s))


def edited(place: int, **members: object) -> Change:
    """Change members of one line, written in the canonical form."""

    def change(old: list[str]) -> list[str]:
        value = json.loads(old[place]) | members
        new = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")) + "\n"
        assert new != old[place]
        return [*old[:place], new, *old[place:][1:]]

    return change


def judged_as_a_file(error: EcnyTaxError) -> None:
    judged(error, error.code)
    assert error.code in (MALFORMED, UNKNOWN, INCONSISTENT, LACKS, BROKEN)


def refusal(changed: Iterable[str]) -> EcnyTaxError:
    with pytest.raises(EcnyTaxError) as caught:
        Sandbox.import_ledger(changed)
    judged(caught.value, caught.value.code)
    return caught.value


# --- the same again -------------------------------------------------------------------------------


@given(histories)
def test_any_ledger_comes_back_to_the_byte(history: list[Any]) -> None:
    with written(history) as s:
        taken = lines(s)
    with Sandbox.import_ledger(taken, clock=FixedClock(START)) as again:
        assert lines(again) == taken
        verification = again.ledger.verify()
        assert verification.ok, [check for check in verification.checks if not check.ok]
        assert verification.imported == verification.transfers


def test_the_demo_comes_back_in_a_file_with_a_keyring(tmp_path: Path) -> None:
    path = tmp_path / "again.db"
    with Sandbox.import_ledger(demo(), path) as s:
        assert tuple(lines(s)) == demo()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["again.db", "again.db.keys"]
    with Sandbox.open(path) as s:
        assert tuple(lines(s)) == demo()
        assert s.ledger.verify().ok
        assert len(s.parties.list()) == 16
        assert s.wallets.list() == ()


def test_a_new_ledger_that_holds_only_its_founding_comes_back() -> None:
    with Sandbox.open(clock=FixedClock(START), seed="empty") as s:
        taken = lines(s)
    with Sandbox.import_ledger(taken) as again:
        assert lines(again) == taken


def test_life_goes_on_after_an_import_and_still_verifies() -> None:
    with Sandbox.import_ledger(demo(), clock=FixedClock(START.replace(year=2024))) as s:
        wallet = corporate(s, fund=Fen(1_000_00))
        s.agreements.sign(wallet_id=wallet.wallet_id)
        back = s.payments.pay(bill_no=owe(s, wallet, 5_00).bill_no)
        s.payments.reverse(payment_no=back.payment_no)
        s.payments.pay(bill_no=owe(s, wallet, 6_00).bill_no, wallet_id=wallet.wallet_id)
        s.wallets.close(wallet_id=nameless(s).wallet_id)
        taken = lines(s)
        found = s.ledger.verify()
        assert found.ok, [check for check in found.checks if not check.ok]
        assert found.imported < found.transfers
    with Sandbox.import_ledger(taken) as again:
        assert lines(again) == taken


def test_accounts_of_a_treasury_that_was_imported_are_not_opened_twice() -> None:
    with Sandbox.open(clock=FixedClock(START), seed="treasury") as s:
        s.treasury.add(code="1234567890", name="某支库")
        taken = lines(s)
    with Sandbox.import_ledger(taken, clock=FixedClock(START)) as again:
        with pytest.raises(ConflictError) as caught:
            again.treasury.add(code="1234567890", name="某支库")
        judged(caught.value, "account_exists")
        assert lines(again) == taken


def test_the_largest_counters_and_the_longest_chain_come_back() -> None:
    with Sandbox.open(clock=FixedClock(START), seed="big") as s:
        with s._store.transaction() as tx:
            a, b = (
                journal.open_account(tx, name=name, ledger=Ledger.DEPOSITS, code=12, flags=0)
                for name in ("public:A", "public:B")
            )
            amounts = [MAX_COUNTER - MAX_BATCH + 1, *[1] * (MAX_BATCH - 1)]
            last = MAX_BATCH - 1
            chain = [
                Transfer(tx.ids.transfer_id(tx.now), a, b, amount, Ledger.DEPOSITS, 8, int(place != last))
                for place, amount in enumerate(amounts)
            ]
            assert set(journal.post(tx, chain)) == {"created"}
            assert set(journal.post(tx, [Transfer(2**128 - 1, b, a, MAX_COUNTER, 2, 8)])) == {"created"}
        taken = lines(s)
    assert f'"credits":{MAX_COUNTER},' in "".join(taken)
    with Sandbox.import_ledger(taken) as again:
        assert lines(again) == taken


# --- refusals -------------------------------------------------------------------------------------

A = 1  # the line of the first account, and below of the first transfer
T = 1 + sum('"type":"account"' in line for line in demo())
LAST = len(demo()) - 1

CHANGES: dict[str, tuple[str, Change]] = {
    "nothing": (MALFORMED, lambda old: []),
    "blank": (MALFORMED, lambda old: ["\n"]),
    "not JSON": (MALFORMED, lambda old: ["hello\n"]),
    "deep JSON": (MALFORMED, lambda old: ["[" * 4000 + "\n"]),
    "no object": (MALFORMED, lambda old: ["[1]\n", *old[1:]]),
    "another format": (UNKNOWN, edited(0, format="ledger")),
    "another version": (UNKNOWN, edited(0, version=2)),
    "true for 1": (MALFORMED, edited(0, version=True)),
    "1.0 for 1": (MALFORMED, edited(0, version=1.0)),
    "no header": (UNKNOWN, lambda old: old[1:]),
    "two headers": (MALFORMED, lambda old: [old[0], *old]),
    "other amounts": (MALFORMED, edited(0, amounts="yuan")),
    "too many accounts": (MALFORMED, edited(0, accounts=10**7 + 1)),
    "a header too few accounts": (MALFORMED, edited(0, accounts=T - 2)),
    "a header too many accounts": (MALFORMED, edited(0, accounts=T)),
    "a transfer too few, which cuts a chain": (INCONSISTENT, edited(0, transfers=LAST - T)),
    "a transfer too many": (MALFORMED, edited(0, transfers=LAST - T + 2)),
    "unknown member": (MALFORMED, edited(T, more=1)),
    "a blank more": (MALFORMED, lambda old: [*old[:T], old[T].replace(":", ": ", 1), *old[T + 1 :]]),
    "a repeated key": (MALFORMED, lambda old: [*old[:T], old[T].replace("{", '{"amount":1,'), *old[T + 1 :]]),
    "an escape": (
        MALFORMED,
        lambda old: [*old[:A], old[A].replace("issuance", "\\u0069ssuance"), *old[A + 1 :]],
    ),
    "a long line": (MALFORMED, edited(T, user_data="x" * MAX_LINE)),
    "a long reference": (MALFORMED, edited(T, user_data="x" * 129)),
    "a NUL": (MALFORMED, edited(T, user_data="\0")),
    "no name": (MALFORMED, edited(A, name="")),
    "a negative amount": (MALFORMED, edited(T, amount=-1)),
    "a float": (MALFORMED, edited(T, amount=1.5)),
    "text": (MALFORMED, edited(T, amount="1")),
    "too large": (MALFORMED, edited(T, amount=MAX_COUNTER + 1)),
    "a short id": (MALFORMED, edited(T, id="00")),
    "capital digits": (MALFORMED, edited(T, id="A" * 32)),
    "an unknown kind": (MALFORMED, edited(T, code=99)),
    "an unknown asset": (MALFORMED, edited(A, ledger=3)),
    "a distant time": (MALFORMED, edited(A, opened_at=10**18)),
    "an id of zero": (INCONSISTENT, edited(T, id="0" * 32)),
    "half a chain": (INCONSISTENT, edited(LAST, flags=1)),
    "a changed amount": (INCONSISTENT, edited(T, amount=1)),
    "an overdraft": (INCONSISTENT, edited(LAST, amount=MAX_COUNTER)),
    "changed counters": (INCONSISTENT, edited(A, debits=1)),
    "an account that is not there": (INCONSISTENT, edited(T, debit=999999)),
    "one account twice": (INCONSISTENT, edited(T, debit=3, credit=3)),
    "another asset": (INCONSISTENT, edited(T, ledger=1)),
    "another order": (INCONSISTENT, edited(T, seq=2)),
    "an older time": (INCONSISTENT, edited(LAST, posted_at=10**15)),
    "a chain of two times": (INCONSISTENT, edited(T, posted_at=10**15)),
    "swapped accounts": (INCONSISTENT, lambda old: [old[0], old[2], old[1], *old[3:]]),
    "a name twice": (INCONSISTENT, edited(A, name="backing")),
    "another name": (LACKS, edited(A, name="something")),
    "another bound": (BROKEN, edited(A, flags=0)),
    "a closed institution": (BROKEN, edited(A + 3, flags=5)),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_no_export_wrote_is_refused(name: str) -> None:
    code, change = CHANGES[name]
    assert refusal(change(list(demo()))).code == code


def test_a_transfer_that_comes_twice_is_refused_even_far_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    first = json.loads(demo()[T])["id"]
    for limit in (MAX_BATCH, 10):
        monkeypatch.setattr(importing, "MAX_BATCH", limit)
        found = refusal(edited(LAST, id=first)(list(demo())))
        assert found.code == INCONSISTENT
        assert found.values["line"] == LAST + 1


def test_small_batches_restore_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "MAX_BATCH", 3)
    at_least = [json.loads(line)["flags"] for line in demo()[T:]]
    assert TransferFlags.LINKED in at_least
    with Sandbox.import_ledger(line for line in lines_of_short_chains()) as s:
        assert lines(s) == lines_of_short_chains()


@cache
def lines_of_short_chains() -> list[str]:
    """The demo's ledger with every chain cut into single transfers."""
    unlinked = [line.replace('"flags":1,"id":"', '"flags":0,"id":"') for line in demo()[T:]]
    return [*demo()[:T], *unlinked]


@given(st.data())
def test_a_file_that_was_tampered_with_is_refused_or_is_another_whole_ledger(data: Any) -> None:
    text = "".join(demo())
    place = data.draw(st.integers(0, len(text) - 1))
    with_other = data.draw(st.sampled_from(["", "0", "1", "9", '"', " ", "\n", "x"]))
    tampered = text[:place] + with_other + text[place + 1 :]
    try:
        with Sandbox.import_ledger(tampered.splitlines(keepends=True)) as s:
            assert "".join(lines(s)) == tampered
            assert s.ledger.verify().ok
    except EcnyTaxError as error:
        judged_as_a_file(error)


@given(st.data())
def test_lines_that_are_missing_doubled_or_swapped_are_refused(data: Any) -> None:
    old = list(demo())
    i, j = data.draw(st.lists(st.integers(0, LAST), min_size=2, max_size=2, unique=True))
    swapped = list(old)
    swapped[i], swapped[j] = old[j], old[i]
    for changed in (old[:i] + old[i + 1 :], old[: i + 1] + old[i:], swapped, old[:i], [*old, old[i]]):
        assert refusal(changed).code in (MALFORMED, UNKNOWN, INCONSISTENT)


# --- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", [0, 1, 100, -1, -100, len("".join(demo()).encode()) // 2])
def test_a_truncated_file_leaves_nothing_behind(tmp_path: Path, cut: int) -> None:
    source = tmp_path / "source.jsonl"
    source.write_bytes("".join(demo()).encode()[:cut])
    folder = tmp_path / "empty"
    folder.mkdir()
    with pytest.raises(EcnyTaxError) as caught:
        Sandbox.import_ledger(read_lines(source), folder / "s.db")
    judged(caught.value, MALFORMED)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("content", [b"\xff\n", b"x" * 10**6, b"{}\r\n", b"\0\n", b"\n"])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    source = tmp_path / "source.jsonl"
    source.write_bytes(content)
    assert refusal(read_lines(source)).code == MALFORMED


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    assert refusal(read_lines(tmp_path / "none")).code == "input_file_unreadable"
    assert refusal(read_lines(tmp_path)).code == "input_file_unreadable"


@pytest.mark.parametrize("kind", ["scheme", "empty file", "other file"])
def test_nothing_is_imported_over_a_file_that_is_there(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "s.db"
    if kind == "scheme":
        Sandbox.open(path).close()
    else:
        path.write_bytes(b"" if kind == "empty file" else b"mine")
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(ConflictError) as caught:
        Sandbox.import_ledger(demo(), path)
    judged(caught.value, "database_exists")
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_keyring_that_is_there_is_kept_and_used(tmp_path: Path) -> None:
    keyring = tmp_path / "mine.keys"
    Sandbox.open(tmp_path / "one.db", keyring=keyring).close()
    before = keyring.read_bytes()
    Sandbox.import_ledger(demo(), tmp_path / "two.db", keyring=keyring).close()
    assert keyring.read_bytes() == before
    assert not (tmp_path / "two.db.keys").exists()
    with Sandbox.open(tmp_path / "two.db", keyring=keyring) as s:
        assert s.ledger.verify().ok


def test_whoever_makes_the_database_meanwhile_wins(tmp_path: Path) -> None:
    path = tmp_path / "s.db"

    def meanwhile() -> Iterable[str]:
        yield from demo()
        Sandbox.open(path).close()

    with pytest.raises(ConflictError) as caught:
        Sandbox.import_ledger(meanwhile(), path)
    judged(caught.value, "database_exists")
    with Sandbox.open(path) as s:
        assert s.status().transfers == 24
    assert sorted(file.name for file in tmp_path.iterdir()) == ["s.db", "s.db.keys"]
