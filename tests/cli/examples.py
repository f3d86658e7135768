"""Every example of the help pages, some more that only tests need, and what the answers must hold."""

from __future__ import annotations

import shutil
from typing import Any

from ecny_tax.cli.pages import Step
from tests.cli.conftest import World
from tests.cli.tree import PAGES
from tests.support import person_id, person_name

#: It goes on until it is stopped; tests/web/test_serving.py runs it.
ENDLESS = ("serve",)

WALLET = {"wallet_id", "balance", "status"}
OPENED = {"wallet_id", "kind", "wallet_class", "operator", "balance", "status"}
MOVED = {"transfer_id", "amount", "fee"}
AGREEMENT = {"agreement_no", "status"}
BILL = {"bill_no", "amount", "status"}
PAID = {
    "payment_no", "bill_no", "wallet_id", "amount", "fee", "mode", "status", "settled_at",
    "balance_after", "receipt_no",
}  # fmt: skip
BATCH = {"batch_no", "authority", "at", "lines", "amount", "part_lines", "file"}
BATCH_DONE = {
    "batch_no", "kind", "authority", "status", "lines", "lines_done", "lines_paid", "lines_refused",
    "lines_pending", "amount", "taken_at", "done_at", "file",
}  # fmt: skip
REFUND = {"refund_no", "amount", "status", "balance_after"}
RECEIPT = {
    "receipt_no", "taxpayer_id", "taxpayer_name", "authority_name", "treasury_name", "operator_name",
    "amount", "amount_in_capitals", "lines", "paid_at", "print_count", "remark",
}  # fmt: skip
DEVICE = {"device_id", "wallet_id", "operator", "cap_single", "cap_total", "cap_count", "valid_until"}
LOAD = {"load_id", "device_id", "wallet_id", "amount", "lien", "settled", "released", "spend_by", "status"}
RELEASED = {"load_id", "wallet_id", "amount", "lien", "status", "balance_after"}
VOUCHER = {"voucher_id", "load_id", "counter", "amount"}
EXAMINED = VOUCHER | {"valid", "bill_no", "checks"}
FAILURE = {"failure_no", "kind", "operator", "wallet_id", "times", "left", "status", "ordered_at"}
RECONCILED = {"ok", "entrust_date", "compared", "classes", "differences", "left_out", "mends"}
TERMINAL = {"terminal_id", "authority", "valid_until", "queued", "evidence", "list_number", "renew_by"}
REPORT = {
    "treasury", "period_start", "period_end", "by", "closed_until", "open_days", "collected", "refunded",
    "net", "waiting", "assumption",
}  # fmt: skip
INSTRUMENT = {"instrument_no", "issuer", "case_no", "kind", "wallets", "issued_at", "expires_at"}
TRACE = {"wallet_id", "direction", "instrument", "nodes", "edges", "truncated"}
PROOF = {"valid", "reason", "kind", "origin", "size"}

#: How a command line begins → the keys of its document; of several beginnings that fit, all count.
PROMISED: dict[str, set[str]] = {
    "demo": {"steps", "ok"},
    "wallet open": OPENED,
    "wallet show": set(),
    "wallet show {company} --at": OPENED | {"at", "status_at"},
    "wallet show {company} --as operator:ICBC": OPENED | {"party", "known", "name", "id_number"},
    "wallet show {company} --as tax-authority:{authority}": {"party", "known", "name", "taxpayer_id"},
    "wallet list": {"wallets"},
    "wallet statement": WALLET | {"lines"},
    "wallet top-up": WALLET | MOVED,
    "wallet cash-out": WALLET | MOVED,
    "wallet transfer": MOVED,
    "wallet upgrade": WALLET,
    "wallet close": WALLET | {"interest_paid"},
    "wallet erase": {"wallet_id", "status", "keys_destroyed"},
    "wallet open-sub": OPENED | {"parent", "purpose"},
    "wallet open-sub {person} --purpose limited": {"single"},
    "wallet open-sub {person} --purpose conditional": {"payees", "until"},
    "wallet open-sub {person} --purpose pushed": {"platform", "token"},
    "wallet collect": {"wallet_id", "amount", "fee", "balance", "at", "moves", "held_back"},
    "wallet distribute": {"wallet_id", "amount", "fee", "balance", "at", "moves"},
    "wallet charge": MOVED | {"token", "platform", "payee", "at"},
    "wallet show-pushed": {"token", "platform"},
    "interest credit": {"at", "amount", "periods", "refused"},
    "interest show": {"accrued"},
    "interest show {company} --now 2026-03-01": {"product_sum", "accrued", "next_credit", "assumption"},
    "wallet stop": WALLET | {"stop_reason", "stopped_until"},
    "wallet resume": WALLET,
    "wallet freeze": WALLET,
    "wallet unfreeze": WALLET,
    "wallet identify": {"wallet_id", "name", "id_number", "same_phone"},
    "instrument issue": INSTRUMENT,
    "instrument show": INSTRUMENT | {"valid", "reason"},
    "trace": TRACE,
    "access list": {"accesses"},
    "agreement sign": AGREEMENT,
    "agreement show": AGREEMENT,
    "agreement list": {"agreements"},
    "agreement terminate": AGREEMENT,
    "agreement lock": AGREEMENT,
    "agreement unlock": AGREEMENT,
    "agreement export": AGREEMENT,
    "agreement verify": AGREEMENT | {"valid", "reason"},
    "api-key create": {"api_key", "key_id", "party"},
    "api-key list": {"api_keys"},
    "api-key revoke": {"key_id", "party", "revoked_at"},
    "tax settle-many": {"people", "tax_total", "refund", "due", "passed_through", "file", "assumption"},
    "tax items": {"items"},
    "tax exemptions": {"exemptions"},
    "tax deductions": {"deductions"},
    "tax rules": {"rules"},
    "tax check": {"passed", "failed", "mismatches"},
    "tax quote stamp-duty": {"base", "rate", "tax", "citation"},
    "tax quote stamp-duty --item sale_contract --base 1130": {"relief", "exemption", "pieces", "steps"},
    "tax quote surcharge": {"surcharges"},
    "tax quote income-tax": {
        "taxable", "tax", "tax_total", "withheld", "refund", "due", "citation", "steps", "assumption",
    },
    "tax quote withholding": {"tax", "citation", "evidence"},
    "tax quote withholding --input wages.json": {"total", "months"},
    "tax quote withholding --input pay.json": {"taxable"},
    "tax quote deductions": {"people", "citation", "evidence", "steps"},
    "tax quote business": {"taxable", "tax", "citation", "steps"},
    "tax quote non-resident": {"taxable", "tax", "citation", "steps"},
    "bill show": BILL,
    "bill withholdings": {"withholdings"},
    "bill list": {"bills"},
    "bill cancel": BILL,
    "bill qr": BILL,
    "bill declare": BILL,
    "bill declare withholding": {"withholding_no"},
    "pay --bill": PAID,
    "pay --wallet": PAID,
    "pay --batch": BATCH_DONE,
    "payments list": {"payments"},
    "payments show": PAID,
    "payments reverse": PAID,
    "batch write": BATCH,
    "batch list": {"batches"},
    "batch show": BATCH_DONE,
    "receipt show": RECEIPT,
    "receipt verify": {"valid", "reason", "receipt"},
    "receipt verify receipt.cose": {"signer", "issued_at", "note"},
    "receipt verify f.cose": {"origin", "sealed"},
    "refund --wallet": REFUND,
    "refund --payment": REFUND,
    "refund --batch": BATCH_DONE,
    "refunds batch": BATCH,
    "refunds list": {"refunds"},
    "refunds show": REFUND,
    "refunds approve": REFUND,
    "refunds reject": REFUND,
    "refunds withdraw": REFUND,
    "refunds resubmit": REFUND,
    "device enroll": DEVICE | {"file"},
    "device load": LOAD,
    "device show": {"device_id", "wallet_id", "cap_single", "loads"},
    "device show {device}": DEVICE,
    "device list": {"devices"},
    "device unload": RELEASED,
    "device release": RELEASED,
    "device revoke": DEVICE | {"revoked_since"},
    "voucher request": {"terminal_id", "authority", "bill_no", "amount", "expires_at", "file"},
    "voucher pay": VOUCHER | {"remaining", "file"},
    "voucher accept": EXAMINED | {"status", "accepted_at", "note", "receipt"},
    "voucher verify": EXAMINED,
    "voucher show": {"kind", "bytes"},
    "voucher show voucher.txt": {"voucher_id", "operator", "device", "load", "voucher"},
    "voucher show request.txt": {"authority", "terminal", "request"},
    "voucher show trust.txt": {"root", "revocations"},
    "voucher show evidence.txt": {"first", "second"},
    "voucher qr": {"kind", "characters", "version", "error_level"},
    "voucher redeem": {"results"},
    "voucher list": {"vouchers"},
    "evidence verify": {"valid", "reason", "device_id", "load_id", "counter"},
    "evidence export": {"voucher_id", "file"},
    "terminal init": TERMINAL,
    "terminal show": TERMINAL,
    "terminal renew": TERMINAL,
    "trust export": {"root_serial", "public_key", "list_number", "revoked", "file"},
    "trust revoke": {"serial", "reason", "status"},
    "trust roll-over": {"operator", "serial"},
    "season": {
        "people", "seed", "tax_year", "refunds", "refunded", "bills", "billed", "ok", "amounts", "work",
        "file",
    },
    "treasury list": {"treasuries"},
    "treasury close": {"treasury", "day", "days", "collected", "levels", "closed_at"},
    "treasury report": REPORT,
    "ledger verify": set(),
    "ledger verify --checkpoint": {"ok", "transfers", "checks"},
    "ledger verify paid.json": PROOF,
    "ledger verify proof.json": PROOF | {"transfer_id", "amount"},
    "ledger verify growth.json": PROOF | {"earlier_size"},
    "ledger checkpoint": {"origin", "size", "root_hash"},
    "ledger prove": set(),
    "ledger prove {payment} --out": {"file"},
    "ledger prove --since": {"format", "kind", "earlier", "path", "checkpoint"},
    "ledger accounts": {"accounts"},
    "ledger export": {"format", "accounts", "transfers"},
    "ledger import": {"accounts", "transfers", "file", "note"},
    "failure order": FAILURE,
    "failure list": {"failures"},
    "failure cancel": FAILURE,
    "reconcile --date": RECONCILED,
    "reconcile day": RECONCILED,
    "reconcile export": {"entrust_date", "side", "file"},
    "parties list": {"parties"},
    "parties add": {"kind", "code", "name_zh"},
    "parties keys": {"keys"},
    "clock": {"now", "fixed"},
    "status": {"engine", "in_circulation", "operator_vaults", "now", "regime"},
}  # fmt: skip
#: What the whole command line must be.
EXACTLY: dict[str, set[str]] = {
    "wallet show {company}": OPENED,
    "ledger verify": {"ok", "transfers", "checks", "sealed", "unsealed", "checkpoints", "altered"},
    "ledger checkpoint": {"note"},
    "ledger prove {payment}": {"format", "kind", "record", "index", "path", "checkpoint"},
    "ledger export --format jsonl": {"lines"},
    "interest credit": {"next_credit"},
    "interest show {company}": {
        "wallet_id", "operator", "interest_rate", "days", "awaiting_credit", "credited",
    },
    "treasury report": {"lines"},
    "treasury report --by level --csv": {"lines"},
    "voucher qr voucher.txt": {"text"},
}  # fmt: skip

#: What help pages need not show.
FURTHER = [
    "wallet show {company} --as {authority}",
    "wallet show {nameless} --as tax-authority:{authority}",
    "instrument issue --issuer court:CT440784 --case C1 --kind trace --wallet {company} --wallet {person}"
    " --from 2023-01-01 --to 2023-12-31 --depth 2 --expires 2023-12-31 --out o.law",
    "instrument issue --issuer public-security:PS440784 --case C1 --kind identity --wallet {person}"
    " --opens phone --follows J23042000000000000000 --issued 2023-05-01 --expires 2023-05-02 --out o.law",
    "trace {company} --instrument trace.law --direction up --out t.json",
    "tax quote withholding --input pay.json",
    "pay --wallet {company} --tax stamp-duty --item permit_or_licence --pieces 2 --on 2022-06-30",
    "pay --wallet {company} --tax stamp-duty --item sale_contract --base 1000000"
    " --half-relief --taxpayer-kind small_scale_vat_payer",
    "wallet close {nameless}; bill declare other --wallet {person} --code 10110 --amount 1; refunds list",
    "receipt verify f.cose --keys keys.json",
    "device unload card.dev --load {load}",
    "voucher show request.txt",
    "voucher show trust.txt",
    "voucher show evidence.txt",
    "treasury report --by level --csv",
    "ledger verify --checkpoint cp.txt",
    "ledger verify proof.json",
    "ledger verify growth.json --keys keys.json",
    "ledger export --format jsonl",
    "parties add --kind court --code CT1 --name 某法院",
]
SHOWN = [example for path, page in PAGES.items() if path != ENDLESS for example in page.examples]
EXAMPLES: list[tuple[Step, ...]] = [
    *SHOWN,
    *(tuple(Step(line, "") for line in example.split("; ")) for example in FURTHER),
]

#: What the files of the help pages are called in the story.
FILES = {
    "return.json": "i2020.json", "people.csv": "many.csv", "card.dev": "d.dev", "hall.term": "t.term",
    "request.txt": "r.txt", "voucher.txt": "v.txt", "evidence.txt": "e.txt", "receipt.cose": "p.cose",
}  # fmt: skip
#: What an example calls the number of something that it made → the key of that number.
MADE = {
    "new_payment": "payment_no", "new_refund": "refund_no", "batch": "batch_no", "failure": "failure_no",
    "sub": "wallet_id", "token": "token", "key": "key_id",
}  # fmt: skip


def text_of(example: tuple[Step, ...]) -> str:
    """An example in one line."""
    return "; ".join(step.line for step in example)


def keys_of(line: str) -> set[str]:
    """The keys that the answer to a command line must have."""
    found = [keys for begun, keys in PROMISED.items() if f"{line} ".startswith(f"{begun} ")]
    assert found, line
    return set().union(*found, EXACTLY.get(line, set()))


def prepare(world: World) -> None:
    """Have the files and the people of the help pages in a world."""
    for name, story in FILES.items():
        shutil.copyfile(world.folder / story, world.folder / name)
    world.names.update(new_id=person_id(7), name=person_name(), id_number=person_id())


def remember(world: World, document: dict[str, Any]) -> None:
    """Keep the numbers of what a step has made for the next."""
    world.names.update({name: document[key] for name, key in MADE.items() if key in document})


def holds(document: dict[str, Any], says: str) -> bool:
    """Whether a document says what an example promises, such as ``tax 0.30``."""
    return says in (f"{key.replace('_', ' ')} {_told(value)}" for key, value in document.items())


def _told(value: object) -> object:
    """What a person is shown of a value."""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
