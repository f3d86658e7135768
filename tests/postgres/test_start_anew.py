"""A database of a server that begins anew: a fresh scheme, what is kept, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecny_tax import Sandbox, UnavailableError
from ecny_tax import sandbox as module
from ecny_tax.clock import parse_time
from ecny_tax.scenarios.heshan import STORY_TIME, heshan
from ecny_tax.scenarios.outage import outage
from ecny_tax.web.keys import create_key, list_keys


def test_it_begins_anew_with_the_keys_kept_and_the_same_ids_for_a_seed(
    postgres_url: str, tmp_path: Path
) -> None:
    s = Sandbox.open(postgres_url, keyring=tmp_path / "keys")
    kept = create_key(s, party="admin").key_id
    records = []
    for _ in range(2):
        s = s.start_anew(seed="one", at=STORY_TIME, keeping=("api_key",))
        assert [key.key_id for key in list_keys(s)] == [kept]
        assert s.clock.now() == STORY_TIME
        with s.store.seeded("story"):
            assert all(heshan(s))
        records.append([one.payment_no for one in s.payments.list()])
        assert s.ledger.verify().ok
    assert records[0] == records[1]
    s = s.start_anew(at=parse_time("2023-04-20"))
    assert list_keys(s) == ()
    assert all(outage(s))
    s.close()
    with Sandbox.open(postgres_url, keyring=tmp_path / "keys") as s:
        assert s.ledger.verify().ok
        assert len(s.payments.list()) == 2
        assert s.ledger.check_head() > 0


def test_where_it_fails_the_old_scheme_stays(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise UnavailableError("disk_full", path="here")

    with Sandbox.open(postgres_url, keyring=tmp_path / "keys") as s:
        wallet = s.wallets.open(kind="personal", phone="13800000000", operator="ICBC")
        monkeypatch.setattr(module, "_open_accounts", full)
        with pytest.raises(UnavailableError) as caught:
            s.start_anew()
        assert caught.value.code == "disk_full"
        monkeypatch.undo()
        assert s.wallets.list() == (wallet,)
        assert s.ledger.verify().ok
