"""``ecny-tax voucher`` and ``evidence``: ask, pay, accept, verify, show and redeem offline vouchers."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecny_tax.cli.command import Out, Run, check_options, command
from ecny_tax.cli.offline_files import AskPassphrase, Trust, open_device, read_object, time
from ecny_tax.documents import document

if TYPE_CHECKING:
    from ecny_tax.offline.chains import Trust as Anchor
    from ecny_tax.offline.checks import Examination
    from ecny_tax.offline.model import Redemption

vouchers = typer.Typer(help="Vouchers of offline payment (离线凭证).", no_args_is_help=True)
evidence = typer.Typer(help="Evidence of a double spend (双花证据).", no_args_is_help=True)

_Voucher = Annotated[Path, typer.Argument(metavar="VOUCHER", help="The file of the voucher.")]
_Object = Annotated[Path, typer.Argument(metavar="FILE", help="Any file that begins with ECNY1:.")]
_Terminal = Annotated[Path, typer.Option("--terminal", metavar="TERMINAL", help="The file of the terminal.")]

_PROVISIONAL = {
    "en": "provisional: the tax counts as paid when the voucher has been redeemed",
    "zh": "暂时受理：凭证兑付后税款方视为已缴",
}


def register(root: typer.Typer) -> None:
    """Add ``voucher`` and ``evidence`` with their sub-commands."""
    root.add_typer(vouchers, name="voucher")
    root.add_typer(evidence, name="evidence")


# --- without any database -----------------------------------------------------------------------------------


@command(vouchers, "request")
def request(
    run: Run,
    terminal: _Terminal,
    bill: Annotated[str, typer.Option("--bill", help="The number of the bill.")],
    amount: Annotated[str, typer.Option("--amount", metavar="YUAN", help="What is to be paid.")],
    out: Annotated[Path, typer.Option("--out", metavar="REQUEST", help="Write to this file.")],
) -> None:
    """Ask for the payment of a bill, signed by the terminal; no database is needed.

    Examples:
        voucher request --terminal hall.term --bill {asked} --amount 30 --out request.txt
    Exit codes: 3 4 5 6.
    See also: voucher pay, terminal init.
    """
    from ecny_tax.clock import rfc3339
    from ecny_tax.money import positive_yuan, yuan_text
    from ecny_tax.offline.objects import PaymentRequest, moment
    from ecny_tax.offline.terminal import Terminal

    wanted = positive_yuan(amount)
    bundle = Terminal.open(terminal).request(bill_no=bill, amount=wanted, at=time(run))
    run.write(out, bundle.to_text() + "\n")
    found = PaymentRequest.read(bundle.request)
    run.answer(
        {
            "terminal_id": found.terminal_id,
            "authority": found.authority,
            "bill_no": found.bill_no,
            "amount": yuan_text(found.amount),
            "expires_at": rfc3339(moment(found.expires_at)),
            "file": str(out),
        }
    )


@command(vouchers, "pay")
def pay(
    run: Run,
    device: Annotated[Path, typer.Option("--device", metavar="DEVICE", help="The file of the device.")],
    request: Annotated[
        Path, typer.Option("--request", metavar="REQUEST", help="What `voucher request` wrote.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="VOUCHER", help="Write to this file.")],
    ask_passphrase: AskPassphrase = False,
) -> None:
    """Pay a request with a device; the same request again gets the same voucher. No database is needed.

    Examples:
        voucher pay --device card.dev --request request.txt --out voucher.txt  # amount 30.00
    Exit codes: 3 4 5 6.
    See also: voucher request, voucher accept.
    """
    from ecny_tax.cli import files
    from ecny_tax.errors import UnavailableError
    from ecny_tax.money import yuan_text
    from ecny_tax.offline.bundles import RequestBundle
    from ecny_tax.offline.objects import Voucher

    asked = RequestBundle.from_text(read_object(request))
    files.check_output(out, run.database, request, device)
    opened = open_device(run, device, ask_passphrase)
    bundle = opened.pay(asked, at=time(run))
    try:
        run.write(out, bundle.to_text() + "\n")
    except UnavailableError as error:
        raise UnavailableError(
            "voucher_not_delivered", path=out, reason=error.values.get("reason", "")
        ) from None
    voucher = Voucher.read(bundle.voucher)
    load = next(one for one in opened.state.loads if one.certificate.load_id == voucher.load_id)
    run.answer(
        {
            "voucher_id": bundle.voucher_id,
            "load_id": voucher.load_id,
            "counter": voucher.counter,
            "amount": yuan_text(voucher.amount),
            "remaining": yuan_text(load.remaining),
            "file": str(out),
        }
    )


@command(vouchers, "accept")
def accept(run: Run, voucher: _Voucher, terminal: _Terminal, out: Out = None) -> int:
    """Accept a voucher provisionally at a terminal: checked, stored, queued. No database is needed.

    --out writes the signed provisional receipt for the payer.

    Examples:
        voucher accept voucher.txt --terminal hall.term  # valid yes
        voucher accept voucher.txt --terminal hall.term --out receipt.txt
    Exit codes: 3 4 5 6.
    See also: voucher pay, voucher redeem.
    """
    from ecny_tax.cli import files
    from ecny_tax.errors import VerificationError
    from ecny_tax.offline.terminal import Terminal

    text = read_object(voucher)
    if out is not None:
        files.check_output(out, run.database, voucher, terminal)
    opened, now = Terminal.open(terminal), time(run)
    found = opened.examine(text, at=now)
    try:
        accepted = opened.accept(text, at=now)
    except VerificationError as refusal:
        run.answer({"valid": False, "status": "refused"} | _examined(found))
        return run.verdict(refusal)
    receipt = accepted.receipt.to_text()
    if out is not None:
        run.write(out, receipt + "\n")
    answer = (
        {"valid": True, "status": "provisional"}
        | _examined(found)
        | document({"accepted_at": accepted.accepted_at, "note": _PROVISIONAL[run.language]})
    )
    run.answer(answer | ({"receipt": receipt} if run.as_json else {}))
    return run.verdict(None)


@command(vouchers, "verify")
def verify(run: Run, voucher: _Voucher, trust: Trust) -> int:
    """Make all checks of a voucher that need no terminal, and store nothing. No database is needed.

    Examples:
        voucher verify voucher.txt --trust trust.txt  # valid yes
    Exit codes: 3 4 6.
    See also: voucher show, trust export.
    """
    from ecny_tax.offline.checks import examine
    from ecny_tax.offline.objects import seconds
    from ecny_tax.text_form import from_text

    now = time(run)
    limits = run.rulebook().on(now.date()).offline.limits
    text = read_object(voucher)
    found = examine(lambda: from_text(text), _anchor(trust), at=seconds(now), skew=limits.skew_minutes * 60)
    run.answer({"valid": found.valid} | _examined(found))
    return run.verdict(found.problem)


@command(vouchers, "show")
def show(run: Run, file: _Object) -> None:
    """Show what an offline object holds, whatever it is; nothing is verified. No database is needed.

    Examples:
        voucher show voucher.txt
    Exit codes: 3 4 6.
    See also: voucher verify.
    """
    from ecny_tax.offline.describe import describe
    from ecny_tax.text_form import from_text

    run.answer(describe(from_text(read_object(file))))


@command(vouchers, "qr")
def qr(run: Run, file: _Object, out: Out = None) -> None:
    """Show an offline object as one QR code; --out writes a .png or .svg. No database is needed.

    Examples:
        voucher qr voucher.txt
        voucher qr voucher.txt --out voucher.png
    Exit codes: 3 4 6.
    See also: voucher show.
    """
    from ecny_tax.cli.bills import picture_kind
    from ecny_tax.offline.describe import describe
    from ecny_tax.qr import qr_code
    from ecny_tax.text_form import from_text, to_text

    data = from_text(read_object(file))
    text = to_text(data)
    code = qr_code(text)
    answer = {
        "kind": describe(data)["kind"],
        "characters": len(text),
        "version": code.version,
        "error_level": code.error,
    }
    if out is not None:
        picture = io.BytesIO()
        code.save(picture, kind=picture_kind(out), scale=4)
        run.write(out, picture.getvalue())
        run.answer(answer | {"file": str(out)})
        return
    drawing = io.StringIO()
    code.terminal(drawing, compact=True)
    run.answer_text(drawing.getvalue(), answer | {"text": text})


@command(evidence, "verify")
def verify_evidence(
    run: Run,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `voucher redeem` wrote.")],
    trust: Trust,
) -> int:
    """Verify a double spend with the root certificate alone. No database is needed.

    Examples:
        evidence verify evidence.txt --trust trust.txt  # valid yes
    Exit codes: 3 4 6.
    See also: evidence export.
    """
    from ecny_tax.errors import VerificationError
    from ecny_tax.offline.bundles import EvidenceBundle
    from ecny_tax.offline.evidence import verify_evidence

    text = read_object(file)
    try:
        found = verify_evidence(EvidenceBundle.from_text(text), _anchor(trust).root)
    except VerificationError as problem:
        run.answer({"valid": False, "reason": problem.code})
        return run.verdict(problem)
    run.answer({"valid": True, "reason": None} | document(found))
    return run.verdict(None)


# --- with the database --------------------------------------------------------------------------------------


@command(vouchers, "redeem")
def redeem(
    run: Run,
    voucher: Annotated[
        list[Path] | None, typer.Argument(metavar="VOUCHER…", help="Files of vouchers.")
    ] = None,
    terminal: Annotated[
        Path | None, typer.Option("--terminal", metavar="TERMINAL", help="What waits in this terminal.")
    ] = None,
    evidence_folder: Annotated[
        Path, typer.Option("--evidence-folder", metavar="FOLDER", help="Where evidence is written.")
    ] = Path(),
) -> None:
    """Redeem vouchers (兑付): each is decided by itself, and its bill is paid or it is refused by a code.

    The same voucher again is answered alike; what is not `decided` may be tried again. Evidence of a double
    spend is written as a file.

    Examples:
        voucher redeem voucher.txt
        voucher accept voucher.txt --terminal hall.term
        then voucher redeem --terminal hall.term
    Exit codes: 3 4 5 6.
    See also: voucher accept, voucher list, evidence export.
    """
    from ecny_tax.errors import Said, UnavailableError
    from ecny_tax.offline.terminal import Terminal

    named = voucher or None
    check_options(
        "redeem_what",
        {"VOUCHER": named or terminal},
        {"--terminal": terminal if named else None},
    )
    texts = [read_object(path) for path in named or ()]
    if not (os.path.isdir(evidence_folder) and os.access(evidence_folder, os.W_OK | os.X_OK)):
        raise UnavailableError(
            "output_unwritable",
            path=evidence_folder,
            reason=Said("there is no such folder, or it may not be written", "没有这个文件夹，或不可写"),
        )
    with run.sandbox() as s:
        if terminal is not None:
            results = s.offline.redeem_terminal(terminal=Terminal.open(terminal))
        else:
            results = s.offline.redeem(vouchers=texts)
    names: list[str | None] = [str(path) for path in named] if named else [None] * len(results)
    found = [
        {"file": name, **_result(run, result, evidence_folder)}
        for name, result in zip(names, results, strict=True)
    ]
    columns = ["voucher_id", "status", "decided", "code", "amount", "payment_no", "evidence"]
    run.answer_list("results", found, ["file", *columns] if named else columns)


@command(vouchers, "list")
def list_(run: Run) -> None:
    """List every voucher that was decided, in the order of decision.

    Examples:
        voucher list
    See also: voucher redeem.
    """
    with run.sandbox() as s:
        found = s.offline.redemptions()
    columns = ("voucher_id", "status", "code", "amount", "bill_no", "payment_no", "released")
    run.answer_list("vouchers", found, columns)


@command(evidence, "export")
def export_evidence(
    run: Run,
    voucher: Annotated[str, typer.Argument(metavar="VOUCHER_ID", help="The disputed voucher (V…).")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Write to this file.")],
) -> None:
    """Write the evidence against a disputed voucher once more.

    Examples:
        evidence export {disputed} --out evidence.txt
    Exit codes: 3 4 6.
    See also: evidence verify, voucher list.
    """
    with run.sandbox() as s:
        bundle = s.offline.evidence(voucher_id=voucher)
    run.write(out, bundle.to_text() + "\n")
    run.answer({"voucher_id": voucher, "file": str(out)})


def _examined(found: Examination) -> dict[str, object]:
    from ecny_tax.money import yuan_text

    shown: dict[str, object] = {}
    if found.presented is not None:
        voucher = found.presented.voucher
        shown = {
            "voucher_id": found.presented.bundle.voucher_id,
            "load_id": voucher.load_id,
            "counter": voucher.counter,
            "amount": yuan_text(voucher.amount),
            "bill_no": found.presented.request.bill_no,
        }
    return shown | {"checks": [document(check) for check in found.checks]}


def _result(run: Run, result: Redemption, folder: Path) -> dict[str, object]:
    path = None
    if result.evidence is not None:
        path = folder / f"evidence-{result.voucher_id}.txt"
        run.write(path, result.evidence.to_text() + "\n")
    shown = document(result) | {"evidence": None if path is None else str(path)}
    return {**shown, "decided": result.amount is not None}


def _anchor(path: Path) -> Anchor:
    from ecny_tax.offline.bundles import TrustBundle
    from ecny_tax.offline.chains import Trust as Anchor

    return Anchor.read(TrustBundle.from_text(read_object(path)))
