"""A trace tells what its instrument covers and opens, in every form it takes, and nothing besides."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecny_tax import Fen, FixedClock, Sandbox
from ecny_tax.documents import document
from ecny_tax.offline.device import Device
from ecny_tax.oversight import rows, tracing
from ecny_tax.oversight.drawing import as_svg
from ecny_tax.oversight.model import Direction, Trace
from ecny_tax.wallets.model import Wallet
from tests.support import (
    SEED,
    START,
    but_the_log,
    corporate,
    dump,
    hold,
    instrument,
    nameless,
    number_of,
    owe,
    person_id,
    person_name,
    personal,
    phone_number,
    refund_of,
    refused,
    refused_and_logged,
)

PEOPLE = 6
HOUR = timedelta(hours=1)


def send(s: Sandbox, source: Wallet, target: Wallet, amount: int) -> str:
    return s.wallets.transfer(
        from_wallet=source.wallet_id, to_wallet=target.wallet_id, amount=Fen(amount)
    ).transfer_id


def traced(s: Sandbox, wallet: Wallet, direction: str = "both", **wishes: Any) -> Trace:
    order = instrument(s, "trace", wallet.wallet_id, **wishes)
    return s.oversight.trace(wallet_id=wallet.wallet_id, instrument=order, direction=direction)


def forms(found: Trace) -> str:
    """Everything that is written of a trace."""
    whole = json.dumps(document(found), ensure_ascii=False)
    return whole + as_svg(found, "en") + as_svg(found, "zh") + repr(found)


def follows(s: Sandbox, wallet: Wallet, depth: int, window: tuple[Any, Any], *, down: bool) -> set[str]:
    """The ids of the transfers that a trace may tell, by trying every chain of them, from the statements."""
    every: dict[str, tuple[int, str, str]] = {}
    with s._store.reading() as tx:
        for seq, id_, one, other, at in tx.rows(
            "SELECT t.seq, t.id, d.name, c.name, t.posted_at FROM transfer t"
            " JOIN account d ON d.id = t.debit_account_id JOIN account c ON c.id = t.credit_account_id"
            " WHERE t.ledger = 1"
        ):
            if window[0] <= at <= window[1]:
                every[id_.hex()] = (seq, one, other) if down else (-seq, other, one)
    chains = [[id_] for id_, (_, source, _t) in every.items() if source == f"wallet:{wallet.wallet_id}"]
    told: set[str] = set()
    for _ in range(depth):
        told |= {chain[-1] for chain in chains}
        chains = [
            [*chain, id_]
            for chain in chains
            for id_, (seq, source, _t) in every.items()
            if source == every[chain[-1]][2] and seq > every[chain[-1]][0] and source.startswith("wallet:")
        ]
    return told


moves = st.lists(
    st.tuples(st.integers(0, PEOPLE - 1), st.integers(0, PEOPLE - 1), st.integers(0, 3)), max_size=14
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(
    moves, st.integers(0, PEOPLE - 1), st.integers(1, 4), st.integers(0, 6), st.integers(0, 6), st.booleans()
)
def test_nothing_outside_the_scope_is_ever_told(
    graph: list[tuple[int, int, int]], start: int, depth: int, first: int, last: int, by_name: bool
) -> None:
    """Transfers outside the window, wallets beyond the depth, and names that are not opened stay untold."""
    clock = FixedClock(START)
    with Sandbox.open(":memory:", clock=clock, seed=SEED) as s:
        wallets = [
            nameless(s, n, fund=Fen(1_000))
            if n % 2
            else personal(s, n, phone=phone_number(n), fund=Fen(1_000))
            for n in range(PEOPLE)
        ]
        for source, target, hours in graph:
            clock.advance(hours * HOUR)
            if source != target:
                send(s, wallets[source], wallets[target], 1 + source)
        begin, end = START + min(first, last) * HOUR, START + max(first, last) * HOUR
        before = but_the_log(dump(s))
        found = traced(
            s, wallets[start], window_from=begin, window_to=end, depth=depth,
            opens="identity" if by_name else None,
        )  # fmt: skip
        assert but_the_log(dump(s)) == before, "a trace moves nothing"
        window = tuple(int(moment.timestamp() * 10**6) for moment in (begin, end))
        may = {
            id_
            for down in (True, False)
            for id_ in follows(s, wallets[start], depth, (window[0], window[1]), down=down)
        }
        assert {edge.transfer_id for edge in found.edges} == may
        reached = {node.wallet_id for node in found.nodes if node.wallet_id}
        ends = {edge.from_node for edge in found.edges} | {edge.to_node for edge in found.edges}
        assert {node.node for node in found.nodes} == ends | {"n0"}
        text = forms(found)
        with s._store.reading() as tx:
            every = {row[0].hex() for row in tx.rows("SELECT id FROM transfer")}
        assert not [id_ for id_ in every - may if id_ in text]
        for n, wallet in enumerate(wallets):
            is_told = wallet.wallet_id in reached
            assert (wallet.wallet_id in text) == is_told
            opened, withheld = {phone_number(n)}, {person_name(n), person_id(n)}
            if n % 2 == 0:
                opened, withheld = withheld, opened
            assert not [secret for secret in withheld if secret in text]
            for secret in opened:
                assert (secret in text) == (is_told and by_name), secret
        assert s.ledger.verify().ok


def test_where_money_goes_on_beyond_the_depth_is_said_without_saying_where(sandbox: Sandbox) -> None:
    a, b, c, d = (nameless(sandbox, n) for n in range(4))
    sandbox.wallets.top_up(wallet_id=a.wallet_id, amount=Fen(100))
    for source, target in ((a, b), (b, c), (c, d)):
        send(sandbox, source, target, 50)
    found = traced(sandbox, a, "down", depth=2, opens="phone")
    assert [(node.wallet_id, node.hop, node.goes_on) for node in found.nodes] == [
        (a.wallet_id, 0, False),
        (b.wallet_id, 1, False),
        (c.wallet_id, 2, True),
    ]
    assert d.wallet_id not in forms(found)
    assert phone_number(3) not in forms(found)
    whole = traced(sandbox, a, "down", depth=3)
    assert [node.goes_on for node in whole.nodes] == [False] * 4
    assert all(node.phone is None for node in whole.nodes)


def test_transfers_outside_the_window_are_not_read(sandbox: Sandbox, clock: FixedClock) -> None:
    """What an account did before and after costs nothing: reading it goes by an index to the window."""
    a, b = corporate(sandbox, fund=Fen(1_000)), nameless(sandbox, 2)
    for _ in range(3):
        for _ in range(5):
            send(sandbox, a, b, 1)
        clock.advance(HOUR)
    with sandbox._store.reading() as tx:
        seqs = [row[0] for row in tx.rows("SELECT seq FROM transfer ORDER BY seq")][-10:-5]
        window = rows.window_of(tx, START + HOUR, START + HOUR)
        assert (window.first, window.last) == (seqs[0], seqs[-1])
        before = rows.window_of(tx, START - 2 * HOUR, START - HOUR)
        assert (before.first, before.last) == (1, 0)
        assert rows.window_of(tx, START + 9 * HOUR, START + 9 * HOUR).first == seqs[-1] + 6
        asked: list[str] = []
        for read, column in ((rows.going_out, "debit"), (rows.coming_in, "credit")):
            spy = SimpleNamespace(rows=lambda sql, **values: asked.append(sql) or [])  # type: ignore[func-returns-value]
            read(cast(Any, spy), 1, 0, 9, window, 9)
            names = dict.fromkeys(re.findall(":([a-z]+)", asked[-1]), 1)
            plan = " ".join(row[3] for row in tx.rows(f"EXPLAIN QUERY PLAN {asked[-1]}", **names))
            assert f"{column}_account_id=?" in plan, plan
            assert "seq>" in plan, plan
            assert "TEMP B-TREE" not in plan
    found = traced(sandbox, a, "down", depth=1, window_from=START + HOUR, window_to=START + HOUR)
    assert len(found.edges) == 5


def test_up_and_down_are_told_apart_and_both_are_both(sandbox: Sandbox) -> None:
    a, b, c = nameless(sandbox, 1, fund=Fen(100)), nameless(sandbox, 2), nameless(sandbox, 3)
    send(sandbox, a, b, 50)
    send(sandbox, b, c, 20)
    hops = {way: {n.account: n.hop for n in traced(sandbox, b, way).nodes} for way in ("up", "down", "both")}
    names = [f"wallet:{wallet.wallet_id}" for wallet in (a, b, c)]
    assert hops["up"] == {names[1]: 0, names[0]: -1, "vault:ICBC": -2}
    assert hops["down"] == {names[1]: 0, names[2]: 1}
    assert hops["both"] == hops["down"] | hops["up"]


def test_each_way_tells_by_itself_what_lies_beyond_it(sandbox: Sandbox) -> None:
    """An account that both walks reach: money came to it from beyond, and none went on; and the other way."""
    a, b, c = (nameless(sandbox, n) for n in range(3))
    sandbox.wallets.top_up(wallet_id=c.wallet_id, amount=Fen(100))
    send(sandbox, c, b, 60)
    send(sandbox, b, a, 40)
    send(sandbox, a, b, 30)
    facts = {
        way: {
            node.wallet_id: (node.goes_on, node.comes_from_beyond)
            for node in traced(sandbox, a, way, depth=1).nodes
        }
        for way in ("down", "up", "both")
    }
    assert facts["down"][b.wallet_id] == (False, False)
    assert facts["up"][b.wallet_id] == (False, True)
    assert facts["both"] == {a.wallet_id: (False, False), b.wallet_id: (False, True)}
    send(sandbox, b, c, 10)
    found = traced(sandbox, a, depth=1)
    assert [(node.goes_on, node.comes_from_beyond) for node in found.nodes] == [(False, False), (True, True)]
    picture = as_svg(found, "en")
    assert "⋯ goes on beyond the instrument" in picture
    assert "⋯ from beyond the instrument" in picture


def test_payments_refunds_exchanges_and_sub_wallets_are_followed(sandbox: Sandbox) -> None:
    company = corporate(sandbox, fund=Fen(1_000))
    sub = sandbox.wallets.open_sub(parent=company.wallet_id, purpose="distribution", fund=Fen(300))
    sandbox.wallets.transfer(from_wallet=company.wallet_id, to_wallet=sub.wallet_id, amount=Fen(100))
    sandbox.payments.pay(bill_no=owe(sandbox, company, 200).bill_no, wallet_id=company.wallet_id)
    sandbox.wallets.cash_out(wallet_id=company.wallet_id, amount=Fen(50))
    kinds = {(e.kind, e.amount) for e in traced(sandbox, company, "down").edges}
    assert kinds == {("sub_wallet", 300), ("sub_wallet", 100), ("tax_payment", 200), ("cash_out", 50)}
    person = personal(sandbox)
    sandbox.refunds.apply_for_income_tax(wallet_id=person.wallet_id, annual_return=refund_of(70))
    (edge,) = traced(sandbox, person, "up").edges
    assert (edge.kind, edge.amount) == ("refund", 70)


def test_a_load_is_followed_to_what_its_vouchers_paid(sandbox: Sandbox, tmp_path: Path) -> None:
    payer, debtor = nameless(sandbox, fund=Fen(500)), corporate(sandbox)
    bill = owe(sandbox, debtor, 30)
    device = Device.create(tmp_path / "d.dev", passphrase="口令")
    terminal = sandbox.offline.terminal(path=tmp_path / "t.term")
    sandbox.offline.enroll(device=device, wallet_id=payer.wallet_id)
    sandbox.offline.load(device=device, amount=Fen(200))
    voucher = device.pay(terminal.request(bill_no=bill.bill_no, amount=Fen(30), at=START), at=START)
    hold(sandbox, "stop", payer.wallet_id)
    with refused(sandbox, "wallet_stopped"):
        sandbox.offline.load(device=device, amount=Fen(1))
    sandbox.offline.redeem(vouchers=[voucher])  # signed against a lien, so a stop does not hinder it
    for held in (device, terminal):
        held.close()
    assert sandbox.taxes.bill(bill_no=bill.bill_no).status == "paid"
    found = traced(sandbox, payer, "down")
    assert [(node.kind, node.hop) for node in found.nodes] == [("wallet", 0), ("lien", 1), ("collection", 2)]
    assert [(edge.kind, edge.amount) for edge in found.edges] == [("load", 200), ("tax_payment", 30)]


def test_a_pushed_sub_wallet_is_no_hiding_place(sandbox: Sandbox) -> None:
    person, shop = personal(sandbox, fund=Fen(500)), corporate(sandbox)
    sub = sandbox.wallets.open_sub(
        parent=person.wallet_id, purpose="pushed", platform="虚构平台", fund=Fen(100)
    )
    sandbox.wallets.charge(token=sub.token or "", payee=shop.wallet_id, amount=Fen(40))
    found = traced(sandbox, shop, "up", opens="identity")
    by_hop = {node.hop: node for node in found.nodes if node.kind == "wallet"}
    assert (by_hop[-1].wallet_id, by_hop[-1].name) == (sub.wallet_id, person_name())
    assert by_hop[-2].wallet_id == person.wallet_id


@pytest.mark.parametrize(("limit", "value"), [("MOST_NODES", 3), ("MOST_EDGES", 2)])
def test_a_trace_that_is_too_large_is_cut_and_says_so(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(tracing, limit, value)
    a = corporate(sandbox, fund=Fen(1_000))
    for n in range(5):
        send(sandbox, a, nameless(sandbox, n), 10)
    found = traced(sandbox, a, "down", depth=1)
    assert found.truncated
    assert (len(found.nodes), len(found.edges)) == (3, 2)
    assert "There is more" in as_svg(found, "en")


# --- identities -----------------------------------------------------------------------------------------


def test_a_class_iv_wallet_gives_its_phone_first_and_the_person_by_a_second_instrument(
    sandbox: Sandbox,
) -> None:
    anonymous = nameless(sandbox, 5, operator="CMB")
    named = personal(sandbox, 5, phone=phone_number(5), operator="BOC")
    personal(sandbox, 6, phone=phone_number(6), operator="CCB")
    at = {"wallet_id": anonymous.wallet_id}
    first = instrument(sandbox, "identity", anonymous.wallet_id, opens="identity")
    number = sandbox.oversight.read_instrument(instrument=first).instrument.instrument_no
    early = instrument(sandbox, "identity", anonymous.wallet_id, opens="identity", follows=number)
    with pytest.raises(Exception, match="instrument_follows_nothing"):
        sandbox.oversight.identify(**at, instrument=early)
    opened = sandbox.oversight.identify(**at, instrument=first)
    assert (opened.phone, opened.name, opened.id_number, opened.same_phone) == (
        phone_number(5),
        None,
        None,
        (),
    )
    second = sandbox.oversight.identify(**at, instrument=early)
    (person,) = second.same_phone
    assert (person.wallet_id, person.operator) == (named.wallet_id, "BOC")
    assert (person.name, person.id_number) == (person_name(5), person_id(5))
    assert [(e.action, e.wallet_id, e.outcome) for e in sandbox.oversight.accesses()] == [
        ("identify", anonymous.wallet_id, "instrument_follows_nothing"),
        ("identify", anonymous.wallet_id, "done"),
        ("open_phone", anonymous.wallet_id, "done"),
        ("identify", anonymous.wallet_id, "done"),
        ("open_identity", named.wallet_id, "done"),
    ]
    looked = [entry.asked for entry in sandbox.oversight.accesses()]
    assert looked == ["", "looked through 1", "", "looked through 3", ""]  # its own record and two named ones


def test_a_trace_that_opened_the_phone_may_be_the_first_and_one_that_did_not_may_not(
    sandbox: Sandbox,
) -> None:
    wallet = nameless(sandbox, 5)
    named = personal(sandbox, 5, phone=phone_number(5))
    for opens, is_enough in ((None, False), ("phone", True)):
        trace = instrument(sandbox, "trace", wallet.wallet_id, opens=opens)
        number = sandbox.oversight.read_instrument(instrument=trace).instrument.instrument_no
        found = sandbox.oversight.trace(wallet_id=wallet.wallet_id, instrument=trace)
        assert (found.nodes[0].phone is not None) == is_enough
        second = instrument(sandbox, "identity", wallet.wallet_id, follows=number)
        if is_enough:
            people = sandbox.oversight.identify(wallet_id=wallet.wallet_id, instrument=second).same_phone
            assert [person.wallet_id for person in people] == [named.wallet_id]
        else:
            with pytest.raises(Exception, match="instrument_follows_nothing"):
                sandbox.oversight.identify(wallet_id=wallet.wallet_id, instrument=second)


def test_no_instrument_alone_joins_the_phone_of_a_class_iv_wallet_to_a_name(sandbox: Sandbox) -> None:
    """The same phone on a class IV wallet and a named one, both in the reach of one instrument."""
    anonymous, named = nameless(sandbox, 5, fund=Fen(100)), personal(sandbox, 5, phone=phone_number(5))
    send(sandbox, anonymous, named, 50)
    found = traced(sandbox, anonymous, opens="identity")
    told = {node.wallet_id: (node.name, node.id_number, node.phone) for node in found.nodes}
    assert told[anonymous.wallet_id] == (None, None, phone_number(5))
    assert told[named.wallet_id] == (person_name(5), person_id(5), None)
    phones = {node.phone for node in traced(sandbox, anonymous, opens="phone").nodes if node.wallet_id}
    assert phones == {phone_number(5)}
    order = instrument(sandbox, "identity", anonymous.wallet_id, named.wallet_id)
    opened = [
        sandbox.oversight.identify(wallet_id=wallet.wallet_id, instrument=order)
        for wallet in (anonymous, named)
    ]
    assert [(one.name, one.phone) for one in opened] == [(None, phone_number(5)), (person_name(5), None)]


def test_the_second_instrument_is_of_the_issuer_and_case_of_the_first(sandbox: Sandbox) -> None:
    wallet = nameless(sandbox, 5)
    named = personal(sandbox, 5, phone=phone_number(5))
    first = instrument(sandbox, "identity", wallet.wallet_id, opens="phone")
    sandbox.oversight.identify(wallet_id=wallet.wallet_id, instrument=first)
    for wishes in ({"issuer": "public_security:PS440784"}, {"case_no": "另案1号"}):
        other = instrument(sandbox, "identity", wallet.wallet_id, follows=number_of(sandbox, first), **wishes)
        with refused_and_logged(sandbox, "instrument_follows_nothing"):
            sandbox.oversight.identify(wallet_id=wallet.wallet_id, instrument=other)
    second = instrument(sandbox, "identity", wallet.wallet_id, follows=number_of(sandbox, first))
    (person,) = sandbox.oversight.identify(wallet_id=wallet.wallet_id, instrument=second).same_phone
    assert (person.wallet_id, person.phone) == (named.wallet_id, phone_number(5))


def test_an_instrument_for_phones_opens_no_name(sandbox: Sandbox) -> None:
    anonymous, named = nameless(sandbox, 5), personal(sandbox, 5, phone=phone_number(5))
    first = instrument(sandbox, "identity", anonymous.wallet_id, named.wallet_id, opens="phone")
    number = sandbox.oversight.read_instrument(instrument=first).instrument.instrument_no
    for wallet in (anonymous, named):
        found = sandbox.oversight.identify(wallet_id=wallet.wallet_id, instrument=first)
        assert (found.phone, found.name, found.id_number) == (phone_number(5), None, None)
    second = instrument(sandbox, "identity", anonymous.wallet_id, opens="phone", follows=number)
    assert sandbox.oversight.identify(wallet_id=anonymous.wallet_id, instrument=second).same_phone == ()


def test_who_was_erased_is_opened_as_erased(sandbox: Sandbox) -> None:
    wallet = personal(sandbox, 5, phone=phone_number(5))
    sandbox.wallets.close(wallet_id=wallet.wallet_id)
    sandbox.wallets.erase(wallet_id=wallet.wallet_id)
    order = instrument(sandbox, "identity", wallet.wallet_id)
    found = sandbox.oversight.identify(wallet_id=wallet.wallet_id, instrument=order)
    assert (found.name, found.phone) == ("(erased)", None)


def test_the_access_log_names_nobody(sandbox: Sandbox) -> None:
    a, b = personal(sandbox, 5, phone=phone_number(5), fund=Fen(100)), nameless(sandbox, 6)
    send(sandbox, a, b, 50)
    traced(sandbox, a, opens="identity")
    order = instrument(sandbox, "identity", a.wallet_id)
    sandbox.oversight.identify(wallet_id=a.wallet_id, instrument=order)
    text = repr(sandbox.oversight.accesses()) + repr(dump(sandbox)["access"])
    for secret in (person_name(5), person_id(5), phone_number(5), phone_number(6)):
        assert secret not in text


# --- pictures -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_picture_is_well_formed_and_free_of_markup_from_names(sandbox: Sandbox, language: Any) -> None:
    name = '<script>"&\'</script><a href="x">公司'
    company = corporate(sandbox, name=name, fund=Fen(1_000))
    other = nameless(sandbox, 2)
    send(sandbox, company, other, 10)
    send(sandbox, company, other, 20)
    send(sandbox, other, company, 5)
    found = traced(sandbox, company, opens="identity")
    picture = as_svg(found, language)
    root = ElementTree.fromstring(picture)
    tags = {element.tag.partition("}")[2] for element in root.iter()}
    assert tags == {"svg", "title", "desc", "defs", "marker", "path", "rect", "text"}
    texts = [element.text or "" for element in root.iter() if element.tag.endswith("}text")]
    assert any(name in text for text in texts)
    assert "¥0.30 ×2" in texts
    assert root.attrib["role"] == "img"
    assert root[0].text == ("Trace of the wallet " if language == "en" else "钱包 ") + company.wallet_id + (
        "" if language == "en" else " 的资金溯源"
    )


def test_every_account_of_a_picture_stands_in_it_apart_from_the_others(sandbox: Sandbox) -> None:
    company = corporate(sandbox, fund=Fen(1_000))
    for n in range(4):
        send(sandbox, company, nameless(sandbox, n), 10)
    found = traced(sandbox, company)
    root = ElementTree.fromstring(as_svg(found, "zh"))
    boxes = [
        (int(e.attrib["x"]), int(e.attrib["y"]), int(e.attrib["width"]), int(e.attrib["height"]))
        for e in root.iter()
        if e.tag.endswith("}rect") and "rx" in e.attrib
    ]
    assert len(boxes) == len(found.nodes) == len(set(boxes))
    width, height = (int(root.attrib[key]) for key in ("width", "height"))
    for x, y, w, h in boxes:
        assert 0 <= x <= width - w
        assert 0 <= y <= height - h
        assert not [b for b in boxes if b != (x, y, w, h) and abs(b[0] - x) < w and abs(b[1] - y) < h]


def test_the_directions_are_the_words_of_the_list() -> None:
    assert [str(way) for way in Direction] == ["down", "up", "both"]
