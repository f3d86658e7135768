"""Webhooks over real HTTP: signed so that another program verifies them, retried, and lost by no crash."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import standardwebhooks
from standardwebhooks import WebhookVerificationError

from ecny_tax import Fen, FixedClock, Sandbox
from ecny_tax.clock import SystemClock, parse_time
from ecny_tax.offline.device import Device
from ecny_tax.web import webhook_rows
from ecny_tax.web.keys import create_key
from ecny_tax.web.webhook_delivery import MAX_SENDING, MAX_SENDING_OF_PARTY, DeliverySettings
from ecny_tax.web.webhook_events import EventType
from ecny_tax.web.webhook_sending import HttpSender
from tests.support import company_id, corporate, owe, person_id, personal, refund_of
from tests.web.client import Api
from tests.web.conftest import NOW, serving
from tests.web.receiver import Receiver, eventually, receiving

QUICK = DeliverySettings(every=0.02, schedule=(0.0, 0.05, 0.1), sender=lambda: HttpSender(seconds=1.0))
START = parse_time(NOW)


@pytest.fixture
def address(sandbox: Sandbox) -> Iterator[str]:
    with serving(sandbox, QUICK) as address:
        yield address


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def hooked(api: Api, receiver: Receiver, *types: str) -> Any:
    asked: dict[str, Any] = {"url": receiver.url}
    return api.made("/v1/webhooks", asked | ({"event_types": list(types)} if types else {}))


def told(api: Api, webhook: Any, state: str = "") -> list[Any]:
    """What a webhook was told, as its list of deliveries has it."""
    query = f"?state={state}" if state else ""
    found: list[Any] = api.seen(f"/v1/webhooks/{webhook['webhook_id']}/deliveries{query}")["deliveries"]
    return found


def in_state(api: Api, webhook: Any, state: str, count: int = 1) -> list[Any]:
    eventually(lambda: len(told(api, webhook, state)) >= count, lambda: told(api, webhook))
    return told(api, webhook, state)


def ping(api: Api, webhook: Any) -> Any:
    answer = api.post(f"/v1/webhooks/{webhook['webhook_id']}/ping")
    assert answer.status == 202
    return answer.json


# --- signing ------------------------------------------------------------------------------------------------


def test_another_program_verifies_what_comes_by_the_secret(
    admin: Api, sandbox: Sandbox, receiver: Receiver
) -> None:
    webhook = hooked(admin, receiver, "payment.settled")
    wallet = corporate(sandbox, fund=Fen(1_000_00))
    payment = sandbox.payments.pay(bill_no=owe(sandbox, wallet, 30_00).bill_no, wallet_id=wallet.wallet_id)
    (got,) = receiver.wait()
    verified = standardwebhooks.Webhook(webhook["secret"]).verify(got.body, got.headers)
    assert verified == {
        "type": "payment.settled",
        "timestamp": NOW,
        "data": admin.seen(f"/v1/payments/{payment.payment_no}"),
    }
    assert (got.path, got.headers["content-type"]) == ("/hooks?from=sandbox", "application/json")
    assert abs(int(got.headers["webhook-timestamp"]) - time.time()) < 60  # real time, not that of the story
    assert admin.seen(f"/v1/webhooks/{webhook['webhook_id']}/secret")["secret"] == webhook["secret"]


def test_whatever_is_tampered_with_does_not_verify(admin: Api, receiver: Receiver) -> None:
    webhook, other = hooked(admin, receiver), hooked(admin, receiver)
    ping(admin, webhook)
    (got,) = receiver.wait()
    own, body, headers = standardwebhooks.Webhook(webhook["secret"]), got.body, got.headers
    own.verify(body, headers)
    later = str(int(headers["webhook-timestamp"]) + 1)
    forged = headers["webhook-signature"][:-4] + "AAA="
    for verifier, content, changed in (
        (own, body.replace(b"ping", b"pong"), {}),
        (own, body + b" ", {}),
        (own, body, {"webhook-id": got.id + "0"}),
        (own, body, {"webhook-timestamp": later}),
        (own, body, {"webhook-signature": forged}),
        (standardwebhooks.Webhook(other["secret"]), body, {}),
    ):
        with pytest.raises(WebhookVerificationError, match="No matching signature"):
            verifier.verify(content, headers | changed)


def test_what_is_replayed_later_does_not_verify(admin: Api, receiver: Receiver) -> None:
    webhook = hooked(admin, receiver)
    ping(admin, webhook)
    (got,) = receiver.wait()
    old = got.headers | {"webhook-timestamp": str(int(got.headers["webhook-timestamp"]) - 6 * 60)}
    with pytest.raises(WebhookVerificationError, match="too old"):
        standardwebhooks.Webhook(webhook["secret"]).verify(got.body, old)


# --- what is told -------------------------------------------------------------------------------------------


def test_a_company_is_told_of_its_whole_way(
    admin: Api, as_party: Callable[[str], Api], sandbox: Sandbox, receiver: Receiver
) -> None:
    own = as_party(f"taxpayer:{company_id()}")
    hooked(own, receiver)
    wallet = corporate(sandbox)
    sandbox.wallets.top_up(wallet_id=wallet.wallet_id, amount=Fen(500_00))
    agreement = sandbox.agreements.sign(wallet_id=wallet.wallet_id)
    bill = owe(sandbox, wallet, 30_00)
    payment = sandbox.payments.pay(bill_no=bill.bill_no)
    sandbox.payments.reverse(payment_no=payment.payment_no)
    sandbox.agreements.terminate(agreement_no=agreement.agreement_no)
    found = {one.type: one.json["data"] for one in receiver.wait(6)}
    assert receiver.types.count("wallet.credited") == 2
    assert found.keys() == {
        "wallet.credited", "agreement.signed", "bill.declared", "payment.settled", "payment.reversed",
    }  # fmt: skip
    # As it was then, however late it is told.
    assert (found["agreement.signed"]["status"], found["agreement.signed"]["ended_at"]) == ("verified", None)
    assert (found["bill.declared"]["bill_no"], found["bill.declared"]["status"]) == (bill.bill_no, "open")
    assert (found["payment.settled"]["status"], found["payment.settled"]["reversed_at"]) == ("settled", None)
    assert found["payment.reversed"] == admin.seen(f"/v1/payments/{payment.payment_no}")
    credits = [one.json["data"] for one in receiver.got if one.type == "wallet.credited"]
    assert {(one["kind"], one["amount"], one["wallet_id"]) for one in credits} == {
        ("top_up", "500.00", wallet.wallet_id),
        ("reversal", "30.00", wallet.wallet_id),
    }


def test_a_refund_is_told_at_every_step_of_its_way(admin: Api, sandbox: Sandbox, receiver: Receiver) -> None:
    hooked(admin, receiver, "refund.updated")
    wallet = personal(sandbox)
    refund = sandbox.refunds.apply_for_income_tax(
        wallet_id=wallet.wallet_id, annual_return=refund_of(90_00), manual_review=True
    )
    receiver.wait(1)
    sandbox.refunds.approve(refund_no=refund.refund_no)
    steps = [one.json["data"] for one in receiver.wait(3)]
    assert [one["status"] for one in steps] == ["tax_review", "treasury_processing", "completed"]
    assert [len(one["history"]) for one in steps] == [1, 2, 3]
    assert [one["balance_after"] for one in steps] == [None, None, "90.00"]
    assert {one["refund_no"] for one in steps} == {refund.refund_no}


def test_many_refunds_of_one_posting_are_all_told(admin: Api, sandbox: Sandbox, receiver: Receiver) -> None:
    from ecny_tax.refunds.model import Application

    hooked(admin, receiver, "refund.updated")
    asked = [Application(personal(sandbox, number).wallet_id, refund_of(90_00)) for number in range(1, 4)]
    paid = sandbox.refunds.apply_for_income_tax_many(applications=asked)
    got = [one.json["data"] for one in receiver.wait(9)]
    completed = {one["refund_no"] for one in got if one["status"] == "completed"}
    assert completed == {one.refund_no for one in paid}  # type: ignore[union-attr]


def test_a_double_spend_is_told_to_the_payer_its_operator_and_the_authority(
    as_party: Callable[[str], Api], sandbox: Sandbox
) -> None:
    payer, operator = as_party(f"taxpayer:{person_id()}"), as_party("operator:ICBC")
    authority, stranger = as_party("tax-authority:14407840000"), as_party("operator:CCB")
    wallet = personal(sandbox, fund=Fen(500_00))
    bill, other = owe(sandbox, wallet, 100_00), owe(sandbox, wallet, 100_00)
    device = Device.create()
    sandbox.offline.enroll(device=device, wallet_id=wallet.wallet_id)
    sandbox.offline.load(device=device, amount=Fen(200_00))
    terminal = sandbox.offline.terminal()
    copy = device.copied()
    vouchers = [
        one.pay(terminal.request(bill_no=owed.bill_no, amount=Fen(100_00), at=START), at=START)
        for one, owed in ((device, bill), (copy, other))
    ]
    with receiving() as first, receiving() as second, receiving() as third, receiving() as fourth:
        for api, receiver in (payer, first), (operator, second), (authority, third), (stranger, fourth):
            hooked(api, receiver, "voucher.settled", "voucher.rejected", "voucher.disputed")
        results = sandbox.offline.redeem(vouchers=vouchers)
        for receiver in (first, second, third):
            got = receiver.wait(2)
            assert [one.type for one in got] == ["voucher.settled", "voucher.disputed"]
            assert [one.json["data"]["voucher_id"] for one in got] == [one.voucher_id for one in results]
        assert fourth.got == []


def test_whose_bill_a_voucher_names_is_told_of_the_payment_and_not_of_the_voucher(
    as_party: Callable[[str], Api], sandbox: Sandbox
) -> None:
    """As it is shown none: who tried to pay, and with what, is the payer's."""
    owing, payer = as_party(f"taxpayer:{person_id()}"), as_party(f"taxpayer:{person_id(2)}")
    bill = owe(sandbox, personal(sandbox), 100_00)
    wallet = personal(sandbox, 2, fund=Fen(500_00))
    device = Device.create()
    sandbox.offline.enroll(device=device, wallet_id=wallet.wallet_id)
    sandbox.offline.load(device=device, amount=Fen(200_00))
    request = sandbox.offline.terminal().request(bill_no=bill.bill_no, amount=Fen(100_00), at=START)
    with receiving() as first, receiving() as second:
        for api, receiver in (owing, first), (payer, second):
            hooked(api, receiver, "payment.settled", "voucher.settled")
        (result,) = sandbox.offline.redeem(vouchers=[device.pay(request, at=START)])
        assert second.wait(2)[1].type == "voucher.settled"
        (webhook,) = payer.seen("/v1/webhooks")["webhooks"]
        assert told(payer, webhook)[1]["record"] == result.voucher_id
        first.wait()
        time.sleep(0.2)
        assert first.types == ["payment.settled"]
    assert owing.get(f"/v1/vouchers/redemptions/{result.voucher_id}").status == 404


def test_another_party_hears_nothing(
    as_party: Callable[[str], Api], sandbox: Sandbox, receiver: Receiver
) -> None:
    others = [
        as_party(party) for party in (f"taxpayer:{company_id(2)}", "operator:CCB", f"taxpayer:{person_id(3)}")
    ]
    made = [hooked(api, receiver) for api in others]
    with receiving() as own:
        hooked(as_party(f"taxpayer:{company_id()}"), own)
        wallet = corporate(sandbox, fund=Fen(1_000_00))
        sandbox.payments.pay(bill_no=owe(sandbox, wallet, 30_00).bill_no, wallet_id=wallet.wallet_id)
        own.wait(3)  # in one step with the cursors of the others
    assert [told(api, webhook) for api, webhook in zip(others, made, strict=True)] == [[], [], []]
    assert receiver.got == []


def test_an_authority_is_not_told_what_the_wallet_holds_that_paid_it(
    as_party: Callable[[str], Api], sandbox: Sandbox, receiver: Receiver
) -> None:
    hooked(as_party("tax-authority:14407840000"), receiver, "payment.settled")
    with receiving() as own:
        hooked(as_party(f"taxpayer:{company_id()}"), own, "payment.settled")
        wallet = corporate(sandbox, fund=Fen(1_000_00))
        sandbox.payments.pay(bill_no=owe(sandbox, wallet, 30_00).bill_no, wallet_id=wallet.wallet_id)
        (payer,) = own.wait()
    (authority,) = receiver.wait()
    assert payer.json["data"]["balance_after"] == "970.00"
    assert authority.json["data"] == {**payer.json["data"], "balance_after": None}


def test_a_webhook_ends_with_the_key_that_made_it(
    admin: Api, as_party: Callable[[str], Api], sandbox: Sandbox, receiver: Receiver
) -> None:
    own = as_party(f"taxpayer:{company_id()}")
    webhook = hooked(own, receiver)
    (key_id,) = [
        one["key_id"] for one in admin.seen("/v1/api-keys")["api_keys"] if one["party"].startswith("taxpayer")
    ]
    admin.made(f"/v1/api-keys/{key_id}/revocation")
    corporate(sandbox, fund=Fen(1_000_00))
    again = as_party(f"taxpayer:{company_id()}")  # another key of the same party
    shown = again.seen(f"/v1/webhooks/{webhook['webhook_id']}")
    assert (shown["reason"], shown["disabled_at"] is None) == ("key_revoked", False)
    assert told(again, webhook) == receiver.got == []


def test_a_webhook_is_told_nothing_of_what_was_before_it(
    admin: Api, sandbox: Sandbox, receiver: Receiver
) -> None:
    first = corporate(sandbox, fund=Fen(1_000_00))
    webhook = hooked(admin, receiver, "wallet.credited")
    sandbox.wallets.top_up(wallet_id=first.wallet_id, amount=Fen(7_00))
    (got,) = receiver.wait()
    assert got.json["data"]["amount"] == "7.00"
    assert len(told(admin, webhook)) == 1


# --- delivering ---------------------------------------------------------------------------------------------


def test_what_is_refused_comes_again_under_the_same_id(admin: Api, receiver: Receiver) -> None:
    receiver.answers = [500, 302]
    webhook = hooked(admin, receiver)
    event_id = ping(admin, webhook)["event_id"]
    (delivered,) = in_state(admin, webhook, "delivered")
    assert delivered["attempts"] == 3
    assert [one.id for one in receiver.got] == [event_id] * 3
    shown = admin.seen(f"/v1/webhooks/{webhook['webhook_id']}/deliveries/{event_id}")
    assert [(one["number"], one["status"]) for one in shown["history"]] == [(1, 500), (2, 302), (3, 204)]
    assert shown["body"].encode() == receiver.got[0].body
    for one in receiver.got:
        standardwebhooks.Webhook(webhook["secret"]).verify(one.body, one.headers)


def test_after_the_last_attempt_it_is_failed(admin: Api, receiver: Receiver) -> None:
    receiver.status = 503
    webhook = hooked(admin, receiver)
    ping(admin, webhook)
    (failed,) = in_state(admin, webhook, "failed")
    assert (failed["attempts"], failed["last_status"], failed["next_attempt_at"]) == (3, 503, None)
    assert len(receiver.got) == len(QUICK.schedule)


def test_a_receiver_that_is_away_is_told_when_it_is_back(admin: Api) -> None:
    with receiving() as receiver:
        pass
    webhook = hooked(admin, receiver)
    event_id = ping(admin, webhook)["event_id"]
    path = f"/v1/webhooks/{webhook['webhook_id']}/deliveries/{event_id}"
    eventually(lambda: admin.seen(path)["attempts"] > 0)
    assert admin.seen(path)["last_error"] == "Connection refused"
    with receiving(Receiver(port=receiver.port)) as back:
        if told(admin, webhook, "failed"):
            assert admin.post(f"{path}/resend").status == 202
        assert back.wait()[0].id == event_id


@pytest.mark.parametrize("kind", ["silent", "dripping"])
def test_a_slow_receiver_holds_up_no_other_and_no_request(admin: Api, kind: str) -> None:
    is_over = threading.Event()

    def linger(handler: Any) -> None:
        while not is_over.wait(0.05):
            if kind == "dripping":  # each byte comes in time, the answer never
                try:
                    handler.wfile.write(b"H")
                    handler.wfile.flush()
                except OSError:
                    return

    with receiving(Receiver(before=linger)) as slow, receiving() as quick:
        first, second = hooked(admin, slow), hooked(admin, quick)
        sent = ping(admin, first)
        slow.wait()
        began = time.monotonic()
        ping(admin, second)
        quick.wait()
        admin.seen("/v1/webhooks")
        assert time.monotonic() - began < 0.8  # the slow one is given a second
        path = f"/v1/webhooks/{first['webhook_id']}/deliveries/{sent['event_id']}"
        eventually(lambda: admin.seen(path)["attempts"] > 0)
        assert admin.seen(path)["last_error"] == "no answer within 1 seconds"
        is_over.set()


def test_a_party_with_many_slow_receivers_holds_up_no_other_party(as_party: Callable[[str], Api]) -> None:
    is_over = threading.Event()

    def linger(_handler: Any) -> None:
        is_over.wait(30)

    crowd, other = as_party(f"taxpayer:{person_id()}"), as_party("operator:ICBC")
    with receiving(Receiver(before=linger)) as slow, receiving() as quick:
        webhook = hooked(other, quick)
        for one in [hooked(crowd, slow) for _ in range(MAX_SENDING)]:
            for _ in range(5):
                ping(crowd, one)
        slow.wait(MAX_SENDING_OF_PARTY)
        began = time.monotonic()
        ping(other, webhook)
        quick.wait()
        assert time.monotonic() - began < 0.8  # a slow one is given a second, and has five to wait for
        is_over.set()


def test_a_receiver_that_speaks_no_http_is_an_error_of_its_own(admin: Api) -> None:
    def babble(handler: Any) -> None:
        handler.wfile.write("你好\r\n\r\n\x00".encode() * 100)

    with receiving(Receiver(before=babble)) as receiver:
        webhook = hooked(admin, receiver)
        ping(admin, webhook)
        (failed,) = in_state(admin, webhook, "failed")
        assert failed["last_error"] == "what answered does not speak HTTP"


def test_410_disables_the_webhook_and_cancels_what_waits(
    admin: Api, sandbox: Sandbox, receiver: Receiver
) -> None:
    receiver.answers = [500, 410]
    webhook = hooked(admin, receiver)
    path = f"/v1/webhooks/{webhook['webhook_id']}"
    first = ping(admin, webhook)
    eventually(lambda: admin.seen(path)["disabled_at"] is not None)
    assert admin.seen(path)["reason"] == "gone"
    assert told(admin, webhook, "waiting") == []
    corporate(sandbox, fund=Fen(1_000_00))
    for refused in (admin.post(f"{path}/ping"), admin.post(f"{path}/deliveries/{first['event_id']}/resend")):
        assert (refused.status, refused.code) == (422, "webhook_disabled")
    with receiving() as other:
        hooked(admin, other, "wallet.credited")
        corporate(sandbox, 2, fund=Fen(1_000_00))
        other.wait()
    assert len(told(admin, webhook)) == 1
    assert len(receiver.got) == 2


def test_resending_sends_the_same_event_once_more(admin: Api, receiver: Receiver) -> None:
    webhook = hooked(admin, receiver)
    sent = ping(admin, webhook)
    in_state(admin, webhook, "delivered")
    answer = admin.post(f"/v1/webhooks/{webhook['webhook_id']}/deliveries/{sent['event_id']}/resend")
    assert (answer.status, answer.json["state"]) == (202, "waiting")
    first, second = receiver.wait(2)
    assert (first.id, first.body) == (second.id, second.body)
    (again,) = in_state(admin, webhook, "delivered")
    assert again["attempts"] == 2


def test_two_webhooks_are_each_told_what_they_asked_for(
    admin: Api, sandbox: Sandbox, receiver: Receiver
) -> None:
    with receiving() as other:
        hooked(admin, receiver, "bill.declared", "payment.settled", "bill.declared")
        hooked(admin, other, "payment.settled")
        wallet = corporate(sandbox, fund=Fen(1_000_00))
        sandbox.payments.pay(bill_no=owe(sandbox, wallet, 30_00).bill_no, wallet_id=wallet.wallet_id)
        assert [one.type for one in receiver.wait(2)] == ["bill.declared", "payment.settled"]
        assert [one.type for one in other.wait(1)] == ["payment.settled"]
        assert receiver.got[1].id != other.got[0].id  # an id tells nobody what others are told


def test_more_than_a_chunk_is_told_whole_and_once(admin: Api, sandbox: Sandbox, receiver: Receiver) -> None:
    webhook = hooked(admin, receiver, "bill.declared")
    wallet = corporate(sandbox)
    declared = {owe(sandbox, wallet, 1_00 + number).bill_no for number in range(250)}
    receiver.wait(250)
    assert {one.json["data"]["bill_no"] for one in receiver.got} == declared
    assert len({one.id for one in receiver.got}) == len(receiver.got) == 250
    pages, cursor = [], ""
    while cursor is not None:
        query = f"?limit=100{f'&cursor={cursor}' if cursor else ''}"
        page = admin.seen(f"/v1/webhooks/{webhook['webhook_id']}/deliveries{query}")
        pages.append([one["record"] for one in page["deliveries"]])
        cursor = page["next_cursor"]
    assert [len(page) for page in pages] == [100, 100, 50]
    assert {number for page in pages for number in page} == declared


# --- other processes, and crashes ---------------------------------------------------------------------------


@contextmanager
def served(database: str | Path, keyring: Path | None = None) -> Iterator[tuple[Api, Sandbox]]:
    """A server on a database, as admin sees it."""
    sandbox = Sandbox.open(database, clock=FixedClock(START), keyring=keyring)
    api_key = create_key(sandbox, party="admin").api_key
    with serving(sandbox, QUICK) as address:
        yield Api(address, api_key), sandbox


def test_what_another_process_does_is_told(tmp_path: Path, receiver: Receiver) -> None:
    path = tmp_path / "a.db"
    with served(path) as (admin, _), Sandbox.open(path, clock=FixedClock(START)) as other:
        hooked(admin, receiver, "payment.settled")
        wallet = corporate(other, fund=Fen(1_000_00))
        payment = other.payments.pay(bill_no=owe(other, wallet, 30_00).bill_no, wallet_id=wallet.wallet_id)
        assert receiver.wait()[0].json["data"]["payment_no"] == payment.payment_no


def test_what_was_committed_and_not_told_is_told_by_the_next_server(
    tmp_path: Path, receiver: Receiver
) -> None:
    path = tmp_path / "a.db"
    with served(path) as (admin, _):
        webhook = hooked(admin, receiver, "payment.settled")
    with Sandbox.open(path, clock=FixedClock(START)) as alone:
        wallet = corporate(alone, fund=Fen(1_000_00))
        payment = alone.payments.pay(bill_no=owe(alone, wallet, 30_00).bill_no, wallet_id=wallet.wallet_id)
    assert receiver.got == []
    with served(path) as (admin, _):
        assert receiver.wait()[0].json["data"]["payment_no"] == payment.payment_no
        standardwebhooks.Webhook(webhook["secret"]).verify(receiver.got[0].body, receiver.got[0].headers)
        in_state(admin, webhook, "delivered")
    with served(path) as (admin, _):
        ping(admin, webhook)
        receiver.wait(2)
    assert receiver.types == ["payment.settled", "ping"]  # and nothing twice


def test_what_a_killed_server_had_taken_is_sent_again_when_its_claim_ends(
    tmp_path: Path, receiver: Receiver
) -> None:
    path = tmp_path / "a.db"
    receiver.status = 500
    with served(path) as (admin, _):
        webhook = hooked(admin, receiver)
        sent = ping(admin, webhook)
        in_state(admin, webhook, "failed")
    with Sandbox.open(path) as killed, killed.store.untimed() as tx:
        webhook_rows.send_again(tx, sent["event_id"])
        until = tx.now + timedelta(seconds=1)
        assert len(webhook_rows.claim(tx, webhook["webhook_id"], until=until, limit=9)) == 1
        assert webhook_rows.claim(tx, webhook["webhook_id"], until=until, limit=9) == []
    receiver.status = 204
    count = len(receiver.got)
    with served(path) as (admin, _):
        in_state(admin, webhook, "delivered")
        assert SystemClock().now() >= until
    assert [one.id for one in receiver.got[count:]] == [sent["event_id"]]


def test_a_server_stops_at_once_though_a_receiver_hangs_and_sends_again_later(tmp_path: Path) -> None:
    path, is_over = tmp_path / "a.db", threading.Event()
    hanging = Receiver(before=lambda _handler: is_over.wait(20) and None)
    slow = DeliverySettings(every=0.02, sender=lambda: HttpSender(seconds=15.0))
    with receiving(hanging) as receiver:
        sandbox = Sandbox.open(path, clock=FixedClock(START))
        api_key = create_key(sandbox, party="admin").api_key
        with serving(sandbox, slow) as address:
            webhook = hooked(Api(address, api_key), receiver)
            sent = ping(Api(address, api_key), webhook)
            receiver.wait()
            began = time.monotonic()
        assert time.monotonic() - began < 2
        is_over.set()
        with served(path) as (admin, _):
            (delivered,) = in_state(admin, webhook, "delivered")
            assert (delivered["event_id"], delivered["attempts"]) == (sent["event_id"], 1)


def test_a_busy_database_delays_and_loses_nothing(tmp_path: Path, receiver: Receiver) -> None:
    path = tmp_path / "a.db"
    with served(path) as (admin, sandbox):
        webhook = hooked(admin, receiver, "bill.declared")
        wallet = corporate(sandbox)
        bill = owe(sandbox, wallet, 30_00)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            time.sleep(0.5)
            other.execute("ROLLBACK")
        assert receiver.wait()[0].json["data"]["bill_no"] == bill.bill_no
        (delivered,) = in_state(admin, webhook, "delivered")
        assert delivered["attempts"] == 1


def test_two_servers_on_one_database_send_everything_once(tmp_path: Path, receiver: Receiver) -> None:
    path = tmp_path / "a.db"
    with served(path) as (admin, sandbox), served(path) as (other, _):
        webhook = hooked(admin, receiver, "bill.declared")
        wallet = corporate(sandbox)
        for number in range(40):
            owe(sandbox, wallet, 1_00 + number)
        assert len(in_state(other, webhook, "delivered", 40)) == 40
    assert len(receiver.got) == 40


def test_on_postgresql_everything_is_told_too(postgres_url: str, tmp_path: Path, receiver: Receiver) -> None:
    with served(postgres_url, tmp_path / "keys") as (admin, sandbox):
        webhook = hooked(admin, receiver)
        wallet = corporate(sandbox, fund=Fen(1_000_00))
        payment = sandbox.payments.pay(
            bill_no=owe(sandbox, wallet, 30_00).bill_no, wallet_id=wallet.wallet_id
        )
        sandbox.refunds.apply_for_payment(payment_no=payment.payment_no)
        receiver.wait(7)
        assert sorted(receiver.types) == [
            "bill.declared", "payment.settled", *["refund.updated"] * 3, *["wallet.credited"] * 2,
        ]  # fmt: skip
        for one in receiver.got:
            standardwebhooks.Webhook(webhook["secret"]).verify(one.body, one.headers)
        assert len(in_state(admin, webhook, "delivered", 7)) == 7
        assert admin.delete(f"/v1/webhooks/{webhook['webhook_id']}").status == 200


def test_what_a_server_shows_out_of_order_is_told_whole(
    postgres_url: str, tmp_path: Path, receiver: Receiver
) -> None:
    """A payment with a smaller number is committed after one with a greater number."""
    keys = tmp_path / "keys"
    sandbox = Sandbox.open(postgres_url, keyring=keys)  # with the database's clock they write side by side
    admin_key = create_key(sandbox, party="admin").api_key
    with serving(sandbox, QUICK) as address, Sandbox.open(postgres_url, keyring=keys) as other:
        wallet = corporate(sandbox, fund=Fen(1_000_00))
        bills = [owe(sandbox, wallet, 30_00).bill_no for _ in range(2)]
        first = sandbox.payments.pay(bill_no=bills[0], wallet_id=wallet.wallet_id).payment_no
        webhook = hooked(Api(address, admin_key), receiver, "payment.settled")
        with other.store.shared(()) as tx:  # type: ignore[attr-defined]
            tx.run(
                "INSERT INTO payment (payment_no, bill_no, wallet_id, amount, late_fee, fee, mode, status,"
                " settled_at, balance_after, receipt_no, transfer_id, authorisation) SELECT 'slow', bill_no,"
                " wallet_id, amount, late_fee, fee, mode, 'reversed', settled_at, balance_after, 'slow',"
                " transfer_id, authorisation FROM payment WHERE payment_no = :number",
                number=first,
            )
            tx.flush()
            quick = sandbox.payments.pay(bill_no=bills[1], wallet_id=wallet.wallet_id).payment_no
            time.sleep(0.3)
            assert receiver.got == []
        assert [one.json["data"]["payment_no"] for one in receiver.wait(2)] == ["slow", quick]
        assert len(in_state(Api(address, admin_key), webhook, "delivered", 2)) == 2


# --- whose, and bad input -----------------------------------------------------------------------------------


def test_a_webhook_is_its_partys_alone(as_party: Callable[[str], Api], receiver: Receiver) -> None:
    parties = ("admin", "auditor", "operator:ICBC", "tax-authority:14407840000", f"taxpayer:{company_id()}")
    apis = [as_party(party) for party in parties]
    made = [hooked(api, receiver) for api in apis]
    for api, webhook in zip(apis, made, strict=True):
        (own,) = api.seen("/v1/webhooks")["webhooks"]
        assert own == {key: value for key, value in webhook.items() if key != "secret"}
    owner, sent = made[0]["webhook_id"], ping(apis[0], made[0])["event_id"]
    for other in apis[1:]:
        path = f"/v1/webhooks/{owner}"
        for answer in (
            other.get(path),
            other.get(f"{path}/secret"),
            other.get(f"{path}/deliveries"),
            other.get(f"{path}/deliveries/{sent}"),
            other.post(f"{path}/ping"),
            other.post(f"{path}/deliveries/{sent}/resend"),
            other.delete(path),
        ):
            assert (answer.status, answer.code) == (404, "webhook_not_found")
    hidden = apis[1].get(f"/v1/webhooks/{made[1]['webhook_id']}/deliveries/{sent}")
    assert (hidden.status, hidden.code) == (404, "webhook_delivery_not_found")


def test_a_deleted_webhook_is_gone_with_what_it_was_told(
    admin: Api, sandbox: Sandbox, receiver: Receiver
) -> None:
    webhook = hooked(admin, receiver)
    ping(admin, webhook)
    in_state(admin, webhook, "delivered")
    path = f"/v1/webhooks/{webhook['webhook_id']}"
    assert admin.delete(path).json["webhook_id"] == webhook["webhook_id"]
    assert admin.get(path).status == 404
    assert admin.seen("/v1/webhooks") == {"webhooks": []}
    corporate(sandbox, fund=Fen(1_000_00))
    with sandbox.store.reading() as tx:
        for table in ("webhook", "webhook_cursor", "webhook_delivery", "webhook_attempt"):
            assert tx.rows(f"SELECT * FROM {table}") == []


def test_a_party_has_so_many_webhooks_and_no_more(admin: Api, receiver: Receiver) -> None:
    for _ in range(20):
        hooked(admin, receiver)
    refused = admin.post("/v1/webhooks", {"url": receiver.url})
    assert (refused.status, refused.code) == (422, "too_many_webhooks")


GOOD_ADDRESSES = (
    "http://example.com",
    "https://example.com/",
    "http://localhost:9000/a?b=c",
    "http://[::1]:80/x",
    "https://a-b.example.com:65535/%E4%BD%A0",
    "http://127.0.0.1?x=1",
)
BAD_ADDRESSES = (
    "",
    " ",
    "example.com",
    "//example.com",
    "ftp://example.com",
    "file:///etc/passwd",
    "http://",
    "http:///x",
    "http://user@example.com",
    "http://user:secret@example.com/",
    "http://example.com#part",
    "http://example.com:0",
    "http://example.com:65536",
    "http://example.com:",
    "http://exa mple.com",
    "http://example.com/a b",
    "http://example.com/\r\nX-Evil: 1",
    "http://example.com\\@evil.com/",
    "http://例子.com",
    "http://example.com/你",
    "http://[::1",
    "http://[zz::1]/",
    "http://[1:2]/",
    "http://a..b/",
    "http://.a/",
    "http://" + "a" * 64 + ".com",
    "http://" + "a." * 130 + "com",
    "http://example.com/%zz",
    "http://example.com:８０/",
    "http://example.com/" + "a" * 500,
    "\x00",
    "HTTP://example.com/\x00",
    "http://example.com\n",
)


def test_addresses_that_events_can_be_sent_to(admin: Api) -> None:
    for url in GOOD_ADDRESSES:
        made = admin.made("/v1/webhooks", {"url": url})
        assert (made["url"], made["event_types"]) == (url, [one.value for one in EventType])


def test_addresses_that_no_event_can_be_sent_to(admin: Api) -> None:
    for url in BAD_ADDRESSES:
        refused = admin.post("/v1/webhooks", {"url": url})
        assert refused.status == 400, url
        assert refused.code == "webhook_url_malformed" or len(url) > 500
    assert admin.seen("/v1/webhooks")["webhooks"] == []


def test_hostile_input_is_refused_with_a_code(admin: Api, receiver: Receiver) -> None:
    good: dict[str, Any] = {"url": receiver.url}
    bodies: list[Any] = [
        None, [], "x", 1, {}, {"url": None}, {"url": 1}, {"url": ["http://a"]}, b'{"url": "http://\\ud800/"}',
        b'{"url": "http://a/\\u0000"}', good | {"extra": 1}, good | {"event_types": []},
        good | {"event_types": ["ping"]}, good | {"event_types": ["payment.settled "]},
        good | {"event_types": "payment.settled"}, good | {"event_types": [1]},
        good | {"event_types": None}, good | {"event_types": ["payment.settled"] * 51},
        b'{"url": "http://a", "event_types": ["\\ud800"]}', b"{", b"\xff",
    ]  # fmt: skip
    for body in bodies:
        answer = admin.post("/v1/webhooks", body)
        assert answer.status == 400, (body, answer.content)
        assert answer.code
    own = f"/v1/webhooks/{hooked(admin, receiver)['webhook_id']}"
    for number in ("x", "%00", "%ED%A0%80", "%D9%A1", "a" * 65, "..", "%2e%2e", "'", "wh_%25"):
        for answer in (
            admin.get(f"/v1/webhooks/{number}"),
            admin.get(f"/v1/webhooks/{number}/secret"),
            admin.get(f"/v1/webhooks/{number}/deliveries"),
            admin.post(f"/v1/webhooks/{number}/ping"),
            admin.delete(f"/v1/webhooks/{number}"),
            admin.get(f"{own}/deliveries/{number}"),
            admin.post(f"{own}/deliveries/{number}/resend"),
        ):
            assert answer.status in (400, 404), (number, answer.content)
            assert answer.code
    for query in ("state=x", "state=", "limit=0", "limit=x", "cursor=x", "cursor=%00", "state=WAITING"):
        assert admin.get(f"{own}/deliveries?{query}").status == 400, query


def test_answers_are_as_the_document_says(admin: Api, receiver: Receiver) -> None:
    from ecny_tax.web.schemas import form_of
    from ecny_tax.web.webhook_model import Delivery, DeliveryDetail, NewWebhook, Webhook, WebhookSecret

    receiver.answers = [500]
    webhook = hooked(admin, receiver)
    path = f"/v1/webhooks/{webhook['webhook_id']}"
    form_of(NewWebhook).model_validate(webhook)
    form_of(Webhook).model_validate(admin.seen(path))
    form_of(WebhookSecret).model_validate(admin.seen(f"{path}/secret"))
    sent = ping(admin, webhook)
    form_of(Delivery).model_validate(sent)
    in_state(admin, webhook, "delivered")
    form_of(DeliveryDetail).model_validate(admin.seen(f"{path}/deliveries/{sent['event_id']}"))
    schemas = admin.seen("/openapi.json")["components"]["schemas"]
    assert schemas["EventType"]["enum"] == [one.value for one in EventType]
