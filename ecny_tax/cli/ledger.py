"""``ecny-tax ledger``: look at the books, verify and prove them, take them away and bring them back."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecny_tax.cli.command import Out, Run, command

if TYPE_CHECKING:
    from ecny_tax.store.export import Export

app = typer.Typer(help="The ledger (账本).", no_args_is_help=True)

_PAYMENT = "P"

_NOTE = {
    "en": "only the ledger was imported, without the wallets, bills and payments behind its transfers",
    "zh": "只导入了账本（账户与转账），不含其背后的钱包、应征凭证与缴款等记录",
}


def register(root: typer.Typer) -> None:
    """Add ``ledger`` and its sub-commands."""
    root.add_typer(app, name="ledger")


@command(app, "verify")
def verify(
    run: Run,
    proof: Annotated[
        Path | None,
        typer.Argument(metavar="PROOF", help="What `ledger prove` wrote; without it the whole ledger."),
    ] = None,
    keys: Annotated[
        Path | None,
        typer.Option("--keys", help="Of a proof: published keys (`parties keys`); default: this database's."),
    ] = None,
    checkpoint_: Annotated[
        Path | None,
        typer.Option(
            "--checkpoint", help="Check that the ledger goes on from this checkpoint, kept elsewhere."
        ),
    ] = None,
    signatures: Annotated[
        bool, typer.Option("--signatures", help="Verify what authorised each payment, too.")
    ] = False,
) -> int:
    """Derive every balance anew, compare every record with the sealed log, check every promise.

    With PROOF verify that proof alone; with --keys no database is needed.

    Examples:
        ledger verify  # ok yes
        ledger checkpoint --out kept.txt
        then ledger verify --checkpoint kept.txt  # ok yes
        ledger prove {payment} --out paid.json
        then ledger verify paid.json --keys keys.json  # valid yes
    Exit codes: 3 4 6.
    See also: ledger checkpoint, ledger prove.
    """
    from ecny_tax.cli.command import check_options

    if proof is not None:
        needless = {"--checkpoint": checkpoint_, "--signatures": signatures or None}
        check_options("option_not_with_proof", {}, needless)
        return _verify_proof(run, proof, keys)
    check_options("keys_without_proof", {}, {"--keys": keys})
    return _verify_ledger(run, checkpoint_, signatures)


def _verify_ledger(run: Run, checkpoint: Path | None, signatures: bool) -> int:
    from dataclasses import replace

    from ecny_tax.cli import files
    from ecny_tax.cli.progress import progress_bar
    from ecny_tax.documents import document
    from ecny_tax.errors import Said, VerificationError

    note = None if checkpoint is None else files.read_text(checkpoint)
    forked = None
    with run.sandbox() as s:
        with progress_bar(s.ledger.records()) as progress:
            found = s.ledger.verify(progress=progress)
        if signatures:
            checks = (s.payments.check_authorisations(), s.offline.check_vouchers())
            ok = found.ok and all(check.ok for check in checks)
            found = replace(found, ok=ok, checks=found.checks + checks)
        if note is not None:
            try:
                s.ledger.check_continues(note=note)
            except VerificationError as error:
                found, forked = replace(found, ok=False), error
    shown = document(found)
    if not run.as_json and not found.imported:
        del shown["imported"]
    run.answer(shown)
    broken = [check for check in found.checks if not check.ok]
    if not broken:
        return run.verdict(forked)
    promise, detail = broken[0].promise, broken[0].detail or broken[0].what
    if found.altered:  # whatever else no longer adds up follows from that
        promise = next((check.promise for check in broken if check.promise == "I14"), promise)
        if not found.altered.endswith("missing"):
            detail = Said(f"{found.altered} is not as it was written", f"{found.altered} 与写入时不符")
        else:
            detail = found.altered
    return run.verdict(VerificationError("ledger_broken", promise=promise, detail=detail))


def _verify_proof(run: Run, proof: Path, keys: Path | None) -> int:
    from ecny_tax.cli import files
    from ecny_tax.clock import from_micros
    from ecny_tax.crypto.signatures import key_reader
    from ecny_tax.errors import VerificationError
    from ecny_tax.ledger.checkpoint import ROLE
    from ecny_tax.ledger.proofs import check_proof
    from ecny_tax.money import yuan_text

    text = files.read_text(proof)
    names = files.read_keys(keys) if keys is not None else run.published_keys()
    check = check_proof(text, key_reader(names))
    found: dict[str, object] = {
        "valid": check.valid,
        "kind": check.kind,
        "origin": check.origin,
        "earlier_size": check.earlier_size,
        "size": check.size,
    }
    if check.record is not None:
        found |= {
            "seq": check.record.seq,
            "transfer_id": check.record.id.hex(),
            "amount": yuan_text(check.record.amount),
            "reference": check.record.user_data,
            "at": from_micros(check.record.posted_at),
        }
    run.answer({**found, "reason": check.reason})
    if check.valid:
        return run.verdict(None)
    if text.startswith(f"{ROLE}:"):
        return run.verdict(VerificationError("checkpoint_is_no_proof", path=proof))
    return run.verdict(VerificationError("proof_invalid", reason=check.reason))


@command(app, "checkpoint")
def checkpoint(run: Run, out: Out = None) -> None:
    """Seal what is committed and show the newest checkpoint; keep it elsewhere, for `verify --checkpoint`.

    Examples:
        ledger checkpoint
        ledger checkpoint --out kept.txt
    See also: ledger verify, ledger prove.
    """
    with run.sandbox() as s:
        found = s.ledger.checkpoint()
    about = {"origin": found.origin, "size": found.size, "root_hash": found.root.hex()}
    if out is not None:
        run.write(out, found.note)
        run.answer({**about, "file": str(out)})
    else:
        run.answer_text(found.note.removesuffix("\n"), {**about, "note": found.note})


@command(app, "prove")
def prove(
    run: Run,
    transfer: Annotated[
        str | None,
        typer.Argument(metavar="TRANSFER", help="The id of a transfer, or the number of a payment."),
    ] = None,
    since: Annotated[
        Path | None,
        typer.Option("--since", help="Prove instead that the log only grew since this checkpoint."),
    ] = None,
    out: Out = None,
) -> None:
    """Prove that a transfer is in the log, for `ledger verify PROOF`.

    Examples:
        ledger prove {payment}
        ledger prove {payment} --out paid.json
        ledger checkpoint --out kept.txt
        then ledger prove --since kept.txt
    Exit codes: 3 4 6.
    See also: ledger verify.
    """
    from ecny_tax.cli import files
    from ecny_tax.cli.command import check_options
    from ecny_tax.ledger.checkpoint import read_checkpoint
    from ecny_tax.ledger.proofs import ConsistencyProof, InclusionProof

    proof: InclusionProof | ConsistencyProof
    if since is None:
        check_options("transfer_or_checkpoint", {"TRANSFER": transfer}, {})
        with run.sandbox() as s:
            id_ = str(transfer)
            if id_.startswith(_PAYMENT):
                id_ = s.payments.transfer_id(payment_no=id_)
            proof = s.ledger.prove(transfer_id=id_)
    else:
        check_options("transfer_or_checkpoint", {}, {"TRANSFER": transfer})
        earlier = read_checkpoint(files.read_text(since))
        with run.sandbox() as s:
            proof = s.ledger.prove_consistency(earlier=earlier)
    text = proof.to_json()
    if out is not None:
        run.write(out, text + "\n")
        run.answer({"file": str(out)})
    else:
        run.answer_text(text, json.loads(text))


@command(app, "accounts")
def accounts(
    run: Run,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="ISO8601", help="The accounts open at this time, as they stood then."),
    ] = None,
) -> None:
    """List every account with its counters.

    Examples:
        ledger accounts
        ledger accounts --at 2023-04-20
    See also: wallet statement.
    """
    from ecny_tax.clock import parse_end

    moment = None if at is None else parse_end(at)
    with run.sandbox() as s:
        found = s.ledger.accounts(at=moment)
    run.answer_list("accounts", found)


@command(app, "export")
def export(
    run: Run,
    format_: Annotated[str, typer.Option("--format", metavar="beancount|csv|jsonl", help="The format.")],
    out: Out = None,
) -> None:
    """Write the whole ledger to stdout or to a file, for other programs or for `ledger import`.

    With --json, the lines are an array of the document, unless --out takes them.

    Examples:
        ledger export --format jsonl --out ledger.jsonl
        ledger export --format csv --out ledger.csv
    See also: ledger import.
    """
    with run.sandbox() as s:
        found = s.ledger.export(format=format_)
        about = {"format": found.format, "accounts": found.accounts, "transfers": found.transfers}
        if out is not None:
            run.write(out, found)
            run.answer({**about, "file": str(out)})
        elif run.as_json:
            _print_document(about, found)
        else:
            if isinstance(sys.stdout, io.TextIOWrapper):
                sys.stdout.reconfigure(newline="")  # the lines bring their own ends
            sys.stdout.writelines(map(_harmless, found) if sys.stdout.isatty() else found)


@command(app, "import")
def import_(
    run: Run,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `ledger export --format jsonl` wrote.")],
) -> None:
    """Make a new database of an exported ledger: accounts and transfers, no other records.

    The database (--db) must not exist yet. A line has at most 4,096 bytes, a ledger at most 10,000,000
    accounts and 1,000,000,000 transfers.

    Examples:
        ledger export --format jsonl --out ledger.jsonl
        then ledger import ledger.jsonl --db restored.db
    Exit codes: 3 5 6.
    See also: ledger export.
    """
    from ecny_tax.clock import FixedClock, parse_time
    from ecny_tax.sandbox import Sandbox
    from ecny_tax.store.importing import read_lines

    clock = FixedClock(parse_time(run.now)) if run.now is not None else None
    keyring = os.environ.get("ECNY_TAX_KEYRING") or None
    with Sandbox.import_ledger(read_lines(file), run.database, clock=clock, keyring=keyring) as s:
        found = s.ledger.export(format="jsonl")
    about = {"accounts": found.accounts, "transfers": found.transfers}
    run.answer({**about, "file": run.database, "note": _NOTE[run.language]})


def _harmless(line: str) -> str:
    """A line for a terminal: control characters of references are shown, never obeyed."""
    return "".join(char if char.isprintable() or char in "\r\n" else repr(char)[1:-1] for char in line)


def _print_document(about: dict[str, object], lines: Export) -> None:
    """One JSON document that is never whole in memory: what is exported, and its lines."""
    sys.stdout.write(json.dumps(about, ensure_ascii=False, indent=2).removesuffix("\n}") + ',\n  "lines": [')
    for place, line in enumerate(lines):
        text = json.dumps(line.removesuffix("\n").removesuffix("\r"), ensure_ascii=False)
        sys.stdout.write(f"{',' if place else ''}\n    {text}")
    sys.stdout.write("\n  ]\n}\n")
