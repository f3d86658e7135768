"""A command line in a folder of its own, empty or with the story told; and the same in this process."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ecny_tax import FixedClock, Sandbox, yuan
from ecny_tax.cli.app import run_command_line
from ecny_tax.offline.bundles import Bundle
from ecny_tax.offline.device import Device
from tests.cli.process import GUESSED_FROM, Answer, Cli
from tests.support import (
    AUTHORITY,
    START,
    company_id,
    company_name,
    instrument,
    nameless,
    number_of,
    owe,
    person_id,
    person_name,
    phone_number,
)

#: The annual return of the story: 48,000 taxable, 2,280 tax, so 720 of the 3,000 withheld come back.
ANNUAL_RETURN = {"tax_year": 2022, "wages": "150000", "social": "18000", "sad": "24000", "withheld": "3000"}
#: A worked case that passes: 2,000 yuan a day late.
LATE_FEE = {"id": "L", "kind": "late_fee", "inputs": {"tax": "2000", "days": 1}, "expected": {"fee": "1"}}
#: What a treasury and an operator have of some debits: day, number and bill, amount and status.
BOOKS = {
    "booked.csv": [
        ("2023-04-20", "1,B1", "50.00,succeeded"),
        ("2023-04-20", "2,B2", "1000.00,succeeded"),
        ("2023-04-20", "3,B3", "0.01,failed"),
        ("2023-04-21", "4,B4", "1.00,succeeded"),
    ],
    "debited.csv": [
        ("2023-04-20", "1,B1", "50.00,succeeded"),
        ("2023-04-20", "2,B2", "2000.00,succeeded"),
        ("2023-04-20", "3,B3", "0.01,succeeded"),
        ("2023-04-20", "5,B5", "5.00,failed"),
    ],
}
#: The passphrase of the devices of the story.
PASSPHRASE = "口令 for tests"
Inside = Callable[..., Answer]


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """The command in an empty folder, where ``s.db`` is the database."""
    return Cli(tmp_path, ECNY_TAX_DB="s.db")


@dataclass(frozen=True)
class World:
    """A folder in which the story was told, and the numbers of what is in it."""

    folder: Path
    names: dict[str, str]

    @property
    def database(self) -> Path:
        return self.folder / "s.db"

    def filled(self, template: str) -> list[str]:
        """A command line whose ``{words}`` are replaced by the numbers of this world."""
        return [word.format_map(self.names) for word in template.split()]

    def copied(self, folder: Path) -> World:
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return World(folder, dict(self.names))


def told(folder: Path) -> World:
    """Tell the story in a folder, with one bill left open and one refund left under review."""
    cli = Cli(folder, ECNY_TAX_DB="s.db")
    (folder / "i.json").write_text(json.dumps(ANNUAL_RETURN))
    (folder / "due.json").write_text(json.dumps({"tax_year": 2021, "wages": "96000"}))
    (folder / "withheld.json").write_text(
        json.dumps(
            {
                "tax_year": 2021,
                "name": "虚构人9号",
                "id_number": person_id(9),
                "wages": "1",
                "withheld": "0.10",
            }
        )
    )
    (folder / "i2020.json").write_text(json.dumps({**ANNUAL_RETURN, "tax_year": 2020}))
    (folder / "wages.json").write_text(json.dumps({"months": [{"month": 1, "wage": "15000"}]}))
    (folder / "pay.json").write_text(json.dumps({"tax_year": 2022, "type": "labour", "amount": "3000"}))
    claims = [{"item": "child_education", "share": "0.5"}, {"item": "housing_loan_interest"}]
    (folder / "claims.json").write_text(json.dumps({"tax_year": 2025, "claims": claims}))
    (folder / "cases.json").write_text(json.dumps([LATE_FEE]))
    (folder / "many.csv").write_text("id,tax_year,wages,withheld\nP1,2022,150000,3000\nP2,2022,96000.5,0\n")
    names = "entrust_date,authority,trace_no,bill_no,operator,wallet_id,amount,status\n"
    for file, debits in BOOKS.items():
        rows = (f"{day},14407840000,{debit},ICBC,0021706634257445,{last}\n" for day, debit, last in debits)
        (folder / file).write_text(names + "".join(rows))
    company = ("--kind", "corporate", "--name", company_name(), "--id", company_id(), "--operator", "ICBC")
    person = ("--kind", "personal", "--name", person_name(), "--id", person_id(), "--phone", phone_number())
    w = cli("wallet", "open", *company, "--fund", "20000.00")["wallet_id"]
    a = cli("agreement", "sign", "--wallet", w, "--authority", AUTHORITY)["agreement_no"]
    p = cli(
        "pay", "--wallet", w, "--tax", "stamp-duty", "--item", "sale_contract", "--base", "56666666.67",
        "--idempotency-key", "first",
    )  # fmt: skip
    v = cli("wallet", "open", *person, "--class", "II", "--operator", "BOC")["wallet_id"]
    f = cli("refund", "--wallet", v, "--tax", "income-tax", "--input", "i.json")["refund_no"]
    m = cli("refund", "--payment", p["payment_no"], "--amount", "100", "--manual-review")["refund_no"]
    b = cli("bill", "declare", "other", "--wallet", w, "--code", "10110", "--amount", "50")["bill_no"]
    x = cli("wallet", "open", "--kind", "personal", "--phone", phone_number(2), "--operator", "ICBC")
    cli("failure", "order", "both_failed", "--operator", "PSBC")
    cli("agreement", "export", a, "--out", "a.json")
    cli("parties", "keys", "--out", "keys.json")
    cli("ledger", "checkpoint", "--out", "cp.txt")
    cli("ledger", "prove", p["payment_no"], "--out", "proof.json")
    cli("ledger", "prove", "--since", "cp.txt", "--out", "growth.json")
    names = {
        "company": w, "agreement": a, "payment": p["payment_no"], "paid": p["bill_no"],
        "receipt": p["receipt_no"], "person": v, "refund": f, "review": m, "open": b,
        "nameless": x["wallet_id"], "authority": AUTHORITY,
    }  # fmt: skip
    with Sandbox.open(folder / "s.db", clock=FixedClock(START)) as s:
        (folder / "p.cose").write_bytes(s.payments.signed_receipt(receipt_no=p["receipt_no"]))
        (folder / "f.cose").write_bytes(s.refunds.signed_refund_voucher(refund_no=f))
        for kind in ("trace", "identity", "freeze", "unfreeze"):
            wishes = {"opens": "identity"} if kind in ("trace", "identity") else {}
            if kind == "unfreeze":
                wishes["follows"] = number_of(s, (folder / "freeze.law").read_bytes())
            (folder / f"{kind}.law").write_bytes(instrument(s, kind, w, v, **wishes))
    return World(folder, names | told_offline(folder, w))


def told_offline(folder: Path, company: str) -> dict[str, str]:
    """What belongs to offline payment: a loaded device, a terminal, vouchers, and one that was spent twice.

    ``d.dev`` has paid v.txt, which nobody has seen yet, and may pay r.txt; w.txt was redeemed, x.txt is
    disputed, and e.txt proves it.
    """
    with Sandbox.open(folder / "s.db", clock=FixedClock(START)) as s:

        def put(name: str, bundle: Bundle) -> Bundle:
            (folder / name).write_text(bundle.to_text() + "\n")
            return bundle

        terminal = s.offline.terminal(path=folder / "t.term")
        wallets = [nameless(s, number, operator="ICBC", fund=yuan(500)) for number in (8, 9)]
        devices = [Device.create(folder / f"{name}.dev", passphrase=PASSPHRASE) for name in ("d", "c")]
        for wallet, device in zip(wallets, devices, strict=True):
            s.offline.enroll(device=device, wallet_id=wallet.wallet_id)
            s.offline.load(device=device, amount=yuan(200))
        debtor = s.wallets.show(wallet_id=company)
        owed = [owe(s, debtor, 30_00).bill_no for _ in range(4)]
        requests = [terminal.request(bill_no=bill_no, amount=yuan(30), at=START) for bill_no in owed]
        copied = devices[1].copied()
        put("r.txt", requests[0])
        unseen = devices[0].pay(requests[1], at=START)
        first, second = devices[1].pay(requests[2], at=START), copied.pay(requests[3], at=START)
        for name, bundle in (("v.txt", unseen), ("w.txt", first), ("x.txt", second)):
            put(name, bundle)
        redeemed, disputed = s.offline.redeem(vouchers=[first, second])
        assert (redeemed.status, disputed.status) == ("settled", "disputed")
        put("e.txt", s.offline.evidence(voucher_id=disputed.voucher_id))
        put("trust.txt", s.offline.trust())
        states = [device.state for device in devices]
        for held in (terminal, *devices):
            held.close()
    (load,) = states[0].loads
    certificate = states[0].certificate
    assert certificate is not None
    return {
        "payer": wallets[0].wallet_id, "device": certificate.device_id, "load": load.certificate.load_id,
        "terminal": terminal.chain.terminal.terminal_id, "asked": owed[0], "unseen": owed[1],
        "disputed": disputed.voucher_id, "redeemed": redeemed.voucher_id,
    }  # fmt: skip


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The story, told once; nobody changes this one."""
    return told(tmp_path_factory.mktemp("told"))


@pytest.fixture
def world(original: World, tmp_path: Path) -> World:
    """The story, in the folder of this test."""
    return original.copied(tmp_path)


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Inside:
    """Run a command inside this process, with ``--json`` at the usual time, in the folder of this test."""
    monkeypatch.chdir(tmp_path)
    for name in ("ECNY_TAX_LANG", "ECNY_TAX_KEYRING", "ECNY_TAX_DEBUG", *GUESSED_FROM):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ECNY_TAX_DB", "s.db")
    monkeypatch.setenv("ECNY_TAX_PASSPHRASE", PASSPHRASE)
    monkeypatch.setenv("NO_COLOR", "1")
    return run_inside


def run_inside(*arguments: str) -> Answer:
    """Run exactly this command line inside this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run_command_line(arguments)
    return Answer(arguments, code, out.getvalue(), err.getvalue())
