"""Nothing that a party may not see appears in its outputs, in refusals, or in the database file.

A small scheme lives through the whole story; then every view, command and refusal is searched for every name,
id number and phone that was sealed away.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from ecny_tax import Fen, FixedClock, RejectedError, Sandbox
from ecny_tax.offline.device import Device
from ecny_tax.taxes.withholding_records import WithholdingStatement
from tests.cli.conftest import PASSPHRASE, Inside
from tests.cli.process import TODAY, Answer
from tests.support import (
    AUTHORITY,
    START,
    company_id,
    company_name,
    corporate,
    instrument,
    nameless,
    owe,
    person_id,
    person_name,
    personal,
    phone_number,
    refund_of,
)

OTHER_OFFICE, TREASURY, OTHER_TREASURY = "14400000001", "1907840000", "1900000001"
CODE = company_id(9, start="92440784")  # the sole trader's own
_COMPANIES = {"debtor": 1, "stranger": 2}
_PEOPLE = {"payer": 3, "trader": 4, "idle": 5, "told": 6}
#: Whose name, id number and phone is what; one person was only told of, one is known by a phone alone.
SECRETS = {
    **{f"{who}.name": company_name(number) for who, number in _COMPANIES.items()},
    **{f"{who}.id": company_id(number) for who, number in _COMPANIES.items()},
    **{f"{who}.name": person_name(number) for who, number in _PEOPLE.items()},
    **{f"{who}.id": person_id(number) for who, number in _PEOPLE.items()},
    **{f"{who}.phone": phone_number(_PEOPLE[who]) for who in ("payer", "trader", "idle")},
    "nameless.phone": phone_number(7),
    "trader.code": CODE,
    "entered.name": "冒名的虚构公司",
}
WALLETS = ("debtor", "stranger", "payer", "trader", "idle", "nameless")


@dataclass(frozen=True)
class Scheme:
    """A folder in which the story was told, and the numbers of what is in it."""

    folder: Path
    names: dict[str, str]


def _told(folder: Path) -> Scheme:
    with Sandbox.open(folder / "s.db", clock=FixedClock(START), seed="views") as s:
        s.treasury.add(code=OTHER_TREASURY, name="虚构国库")
        s.parties.add_tax_authority(code=OTHER_OFFICE, name="虚构税务局", treasury=OTHER_TREASURY)
        wallets = {
            "debtor": corporate(s, 1, fund=Fen(10**6)),
            "stranger": corporate(s, 2, operator="CCB", fund=Fen(10**6)),
            "payer": personal(s, 3, phone=phone_number(3), operator="BOC", fund=Fen(10**6)),
            "trader": personal(s, 4, phone=phone_number(4), fund=Fen(10**6)),
            "idle": personal(s, 5, phone=phone_number(5), operator="CMB", fund=Fen(10**6)),
            "nameless": nameless(s, 7, fund=Fen(10**5)),
        }
        ids = {name: wallet.wallet_id for name, wallet in wallets.items()}
        signed = s.agreements.sign(wallet_id=ids["debtor"])
        trader = s.agreements.sign(wallet_id=ids["trader"], taxpayer_id=CODE)
        with pytest.raises(RejectedError) as failed:
            s.agreements.sign(
                wallet_id=ids["stranger"], authority=OTHER_OFFICE, taxpayer_name="冒名的虚构公司"
            )
        paid = {"own": s.payments.pay(bill_no=owe(s, wallets["debtor"], 1_00).bill_no)}
        for who in ("payer", "nameless"):
            bill = owe(s, wallets["debtor"], 2_00)
            paid[who] = s.payments.pay(bill_no=bill.bill_no, wallet_id=ids[who])
        refunds = {
            who: s.refunds.apply_for_payment(payment_no=payment.payment_no, amount=Fen(50)).refund_no
            for who, payment in paid.items()
        }
        refunds["annual"] = s.refunds.apply_for_income_tax(
            wallet_id=ids["payer"], annual_return=refund_of(70_00)
        ).refund_no
        statement = WithholdingStatement(2022, person_name(6), person_id(6), wages=Fen(100))
        s.taxes.declare_withholding(wallet_id=ids["debtor"], statement=statement)
        for who in ("payer", "nameless", "idle"):
            for payee in ("debtor", "stranger"):
                s.wallets.transfer(from_wallet=ids[who], to_wallet=ids[payee], amount=Fen(10))
        voucher = _offline(s, folder, wallets["idle"].wallet_id, owe(s, wallets["debtor"], 3_00).bill_no)
        (folder / "freeze.law").write_bytes(instrument(s, "freeze", ids["idle"]))
        open_bill = owe(s, wallets["debtor"], 4_00).bill_no
    receipts = {f"receipt_{who}": payment.receipt_no for who, payment in paid.items()}
    refused = str(failed.value.values["agreement_no"])
    return Scheme(
        folder,
        ids
        | receipts
        | {f"refund_{who}": number for who, number in refunds.items()}
        | {"signed": signed.agreement_no, "traders": trader.agreement_no, "failed": refused}
        | {"bill": paid["own"].bill_no, "payment": paid["own"].payment_no, "open": open_bill}
        | {"voucher": voucher},
    )


def _offline(s: Sandbox, folder: Path, wallet_id: str, bill_no: str) -> str:
    """A voucher of the idle person's device, redeemed: so that person has paid the authority after all."""
    terminal = s.offline.terminal(path=folder / "t.term")
    device = Device.create(folder / "d.dev", passphrase=PASSPHRASE)
    s.offline.enroll(device=device, wallet_id=wallet_id)
    s.offline.load(device=device, amount=Fen(50_00))
    bundle = device.pay(terminal.request(bill_no=bill_no, amount=Fen(3_00), at=START), at=START)
    (folder / "v.txt").write_text(bundle.to_text() + "\n")
    (redeemed,) = s.offline.redeem(vouchers=[bundle])
    assert redeemed.status == "settled", redeemed
    (folder / "trust.txt").write_text(s.offline.trust().to_text() + "\n")
    device.close()
    terminal.close()
    return redeemed.voucher_id


@pytest.fixture(scope="session")
def told_scheme(tmp_path_factory: pytest.TempPathFactory) -> Scheme:
    return _told(tmp_path_factory.mktemp("views"))


@pytest.fixture
def scheme(told_scheme: Scheme, tmp_path: Path) -> Scheme:
    """The story, in the folder of this test, where ``inside`` runs commands."""
    for file in told_scheme.folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return Scheme(tmp_path, told_scheme.names)


def shown(answer: Answer) -> set[str]:
    """Which secrets stand anywhere in what a command said, plain or escaped."""
    said = answer.stdout + answer.stderr
    texts = (said, said.encode().decode("unicode_escape", errors="ignore"), re.sub(r"\s", "", said))
    return {name for name, secret in SECRETS.items() if any(secret in text for text in texts)}


def every_way(inside: Inside, *command: str) -> list[Answer]:
    """The same command as JSON and as tables in both languages."""
    options = (("--json",), ("--lang", "en"), ("--lang", "zh"), ("--json", "--lang", "zh"))
    return [inside(*command, *option, "--now", TODAY) for option in options]


# --- views ----------------------------------------------------------------------------------------------

_KYC = {
    "debtor": {"debtor.name", "debtor.id"},
    "stranger": {"stranger.name", "stranger.id"},
    "payer": {"payer.name", "payer.id", "payer.phone"},
    "trader": {"trader.name", "trader.id", "trader.phone"},
    "idle": {"idle.name", "idle.id", "idle.phone"},
    "nameless": {"nameless.phone"},
}
_OF_OPERATOR = {
    "ICBC": ("debtor", "trader", "nameless"),
    "BOC": ("payer",),
    "CCB": ("stranger",),
    "CMB": ("idle",),
    "ABC": (),
}
#: Party → wallet → the secrets that it may see; nothing of a wallet that is not listed.
MAY_SEE: dict[str, dict[str, set[str]]] = {
    "holder": _KYC,
    **{f"operator:{code}": {who: _KYC[who] for who in customers} for code, customers in _OF_OPERATOR.items()},
    f"tax-authority:{AUTHORITY}": {
        "debtor": _KYC["debtor"],
        "payer": {"payer.name", "payer.id"},
        "trader": {"trader.name", "trader.code"},
        "idle": {"idle.name", "idle.id"},
    },
    f"tax-authority:{OTHER_OFFICE}": {},
    f"treasury:{TREASURY}": {who: {f"{who}.name"} for who in ("debtor", "payer", "idle")},
    f"treasury:{OTHER_TREASURY}": {},
    "central-bank": {},
    "wallet:debtor": {"debtor": _KYC["debtor"]},
    "wallet:stranger": {"stranger": _KYC["stranger"]},
}


@pytest.mark.parametrize("party", MAY_SEE)
@pytest.mark.parametrize("who", WALLETS)
def test_a_view_shows_exactly_the_secrets_that_this_party_may_see(
    scheme: Scheme, inside: Inside, party: str, who: str
) -> None:
    role, _, code = party.partition(":")
    named = f"wallet:{scheme.names[code]}" if role == "wallet" else party
    for answer in every_way(inside, "wallet", "show", scheme.names[who], "--as", named):
        assert answer.exit_code == 0, answer
        assert answer.stderr == ""
        assert shown(answer) == MAY_SEE[party].get(who, set()), answer


@pytest.mark.parametrize("payee", ["debtor", "stranger"])
def test_a_payee_learns_neither_wallet_nor_name_of_who_paid_it(
    scheme: Scheme, inside: Inside, payee: str
) -> None:
    payers = [scheme.names[who] for who in ("payer", "nameless", "idle")]
    said = every_way(inside, "wallet", "statement", scheme.names[payee])
    for payer in payers:
        said += every_way(inside, "wallet", "show", payer, "--as", f"wallet:{scheme.names[payee]}")
    for answer in said:
        assert answer.exit_code == 0, answer
        assert shown(answer) == set()
        assert not [payer for payer in payers if payer in answer.stdout]


def test_two_payees_of_one_payer_see_two_pseudonyms(scheme: Scheme, inside: Inside) -> None:
    found = {}
    for payee in ("debtor", "stranger"):
        asked = ("wallet", "show", scheme.names["payer"], "--as", scheme.names[payee])
        found[payee] = inside(*asked, "--json", "--now", TODAY).document["pseudonym"]
        statement = inside("wallet", "statement", scheme.names[payee], "--json", "--now", TODAY).document
        assert found[payee] in [line["counterparty"] for line in statement["lines"]]
    assert found["debtor"] != found["stranger"]


def test_what_a_party_may_not_see_is_absent_and_a_view_always_says_whose_it_is(
    scheme: Scheme, inside: Inside
) -> None:
    def seen(party: str, who: str = "payer") -> dict[str, object]:
        asked = ("wallet", "show", scheme.names[who], "--as", party)
        return dict(inside(*asked, "--json", "--now", TODAY).document)

    assert seen("ABC") == {
        "party": "operator:ABC", "known": True, "wallet_id": scheme.names["payer"], "operator": "BOC",
    }  # fmt: skip
    assert seen("central_bank:PBC").keys() == {
        "party", "known", "wallet_id", "kind", "wallet_class", "operator", "balance", "status",
    }  # fmt: skip
    assert seen(AUTHORITY) == {
        "party": f"tax_authority:{AUTHORITY}",
        "known": True,
        "name": person_name(3),
        "taxpayer_id": person_id(3),
    }
    assert seen(OTHER_OFFICE) == {"party": f"tax_authority:{OTHER_OFFICE}", "known": False}
    assert seen(TREASURY) == {"party": f"treasury:{TREASURY}", "known": True, "name": person_name(3)}
    assert seen(scheme.names["trader"]) == {"party": f"wallet:{scheme.names['trader']}", "known": False}
    assert seen("holder", "nameless")["party"] == "holder"
    assert "name" not in seen("holder", "nameless")


# --- every other command --------------------------------------------------------------------------------

#: Commands that everybody's console has: they speak of numbers, never of people.
NAMELESS = [
    "wallet list", "wallet show {payer}", "wallet show {nameless}", "wallet statement {payer}",
    "wallet show {payer} --at 2023-04-20", "agreement list", "agreement show {signed}",
    "agreement show {failed}", "bill list", "bill show {bill}", "bill qr {bill}", "bill withholdings",
    "payments list", "payments show {payment}", "refunds list", "refunds show {refund_payer}",
    "refunds show {refund_annual}", "ledger accounts", "ledger verify", "ledger verify --signatures",
    "ledger export --format jsonl", "ledger export --format csv", "ledger export --format beancount",
    "parties list", "parties keys", "status", "device list", "device show d.dev", "voucher list",
    "voucher show v.txt", "voucher verify v.txt --trust trust.txt", "voucher show trust.txt",
    "reconcile --date 2023-04-20", "failure order both_failed --operator CMB", "failure list",
    "terminal show t.term", "wallet top-up {payer} --amount 1",
    "wallet transfer {payer} {stranger} --amount 1", "pay --bill {open} --wallet {payer}",
    "wallet stop {idle}", "wallet freeze {idle} --instrument freeze.law", "access list",
    "agreement lock {signed}",
]  # fmt: skip
#: Papers bear the names of those they are about, as the authority knows them.
NAMING = {
    "receipt show {receipt_own}": {"debtor.name", "debtor.id"},
    "receipt show {receipt_payer} --explain": {"debtor.name", "debtor.id", "payer.name"},
    "receipt show {receipt_nameless}": {"debtor.name", "debtor.id"},
    "receipt show {refund_payer}": {"debtor.name", "debtor.id", "payer.name"},
    "receipt show {refund_nameless}": {"debtor.name", "debtor.id"},
    "receipt show {refund_annual}": {"payer.name", "payer.id"},
    "agreement export {signed}": {"debtor.name", "debtor.id"},
    "agreement export {traders}": {"trader.name", "trader.code"},
    "agreement export {failed}": {"entered.name", "stranger.id"},
}


@pytest.mark.parametrize("command", NAMELESS)
def test_a_command_that_is_about_numbers_names_nobody(scheme: Scheme, inside: Inside, command: str) -> None:
    answers = every_way(inside, *(word.format_map(scheme.names) for word in command.split()))
    assert answers[0].exit_code == 0, answers[0]  # what cannot be done twice is refused after that
    for answer in answers:
        assert shown(answer) == set(), answer


@pytest.mark.parametrize("command", NAMING)
def test_a_paper_names_those_it_is_about_and_nobody_else(
    scheme: Scheme, inside: Inside, command: str
) -> None:
    for answer in every_way(inside, *(word.format_map(scheme.names) for word in command.split())):
        assert answer.exit_code == 0, answer
        assert shown(answer) == NAMING[command]


# --- refusals -------------------------------------------------------------------------------------------

_SAME = f"--name {person_name(3)}"
_ANOTHER = "--name 虚构别名 --operator ABC"
#: A refusal that another party's data is the reason of, and its code.
REFUSALS = [
    ("holder_name_differs", f"wallet open --kind personal --id {person_id(3)} {_ANOTHER}"),
    ("holder_name_differs", f"wallet open --kind corporate --id {company_id(2)} {_ANOTHER}"),
    ("holder_name_differs", "bill declare withholding --wallet {debtor} --input other.json"),
    ("real_name_wallet_exists", f"wallet open --kind personal --id {person_id(3)} {_SAME} --operator BOC"),
    ("agreement_name_mismatch", "agreement sign --wallet {payer} --taxpayer-name 虚构别名"),
    ("agreement_taxpayer_id_mismatch", f"agreement sign --wallet {{payer}} --taxpayer-id {person_id(11)}"),
    ("payee_limit_exceeded", "wallet transfer {stranger} {nameless} --amount 9900"),
    ("agreement_does_not_cover", "pay --bill {open} --agreement {traders}"),
    ("bill_already_paid", "pay --bill {bill} --wallet {stranger}"),
    ("wallet_not_empty", "wallet close {payer}"),
    ("holder_has_open_wallets", "wallet erase {payer}"),
    ("party_malformed", "wallet show {payer} --as nobody:1"),
    ("operator_unknown", "wallet show {payer} --as operator:HSBC"),
    ("view_is_of_now", "wallet show {payer} --as holder --at 2023-04-20"),
    ("wallet_without_name", "agreement sign --wallet {nameless}"),
    ("idempotency_conflict", "wallet top-up {idle} --amount 2 --idempotency-key k"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "command"), REFUSALS)
def test_a_refusal_tells_nothing_but_what_was_typed(
    scheme: Scheme, inside: Inside, code: str, command: str
) -> None:
    (scheme.folder / "other.json").write_text(
        json.dumps({"tax_year": 2022, "name": "虚构别名", "id_number": person_id(5), "wages": "1"})
    )
    if code == "idempotency_conflict":
        earlier = f"wallet top-up {scheme.names['idle']} --amount 1 --idempotency-key k"
        inside(*earlier.split(), "--json", "--now", TODAY).document  # noqa: B018 - it went well
    words = [word.format_map(scheme.names) for word in command.split()]
    typed = {name for name, secret in SECRETS.items() if any(secret in word for word in words)}
    answers = every_way(inside, *words)
    assert answers[0].complaint["code"] == code
    for answer in answers:
        assert answer.exit_code != 0
        assert shown(answer) <= typed, answer


# --- the file, and after an erasure ---------------------------------------------------------------------


def test_no_secret_stands_in_the_files_of_the_scheme(scheme: Scheme) -> None:
    files = {file.name: file.read_bytes() for file in scheme.folder.iterdir()}
    assert {"s.db", "s.db.keys", "d.dev", "t.term", "v.txt"} <= files.keys()
    for name, content in files.items():
        for secret in SECRETS.values():
            for coded in (secret.encode(), secret.encode("utf-16-le"), secret.encode("unicode_escape")):
                assert coded not in content, (name, secret)


def test_after_an_erasure_no_command_shows_the_holder_any_more(scheme: Scheme, inside: Inside) -> None:
    def run(command: str) -> Answer:
        return inside(*command.format_map(scheme.names).split(), "--json", "--now", TODAY)

    balance = run("wallet show {payer}").document["balance"]
    assert run(f"wallet cash-out {{payer}} --amount {balance}").exit_code == 0
    assert run("wallet close {payer}").exit_code == 0
    done = run("wallet erase {payer}").document
    assert done == {
        "wallet_id": scheme.names["payer"], "status": "closed", "keys_destroyed": 3, "file_cleaned": True,
    }  # fmt: skip
    for party, wallets in MAY_SEE.items():
        if party.startswith("wallet:"):
            continue
        said = every_way(inside, "wallet", "show", scheme.names["payer"], "--as", party)
        for answer, mark in zip(said, ("(erased)", "(erased)", "（已删除）", "(erased)"), strict=True):
            assert answer.exit_code == 0
            assert shown(answer) == set()
            assert (mark in answer.stdout) == ("payer" in wallets)
    for command, named in NAMING.items():
        words = command.format_map(scheme.names).split()
        for answer in every_way(inside, *words):
            assert answer.exit_code == 0, answer
            assert shown(answer) == {name for name in named if not name.startswith("payer.")}
    assert run("ledger verify --signatures").document["ok"] is True
    for command in ("bill list", "payments list", "refunds list", "wallet list", "agreement list"):
        assert run(command).exit_code == 0
