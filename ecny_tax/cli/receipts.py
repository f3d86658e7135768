"""``ecny-tax receipt``: the electronic payment voucher (电子缴款凭证)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from ecny_tax.cli.command import Out, Run, command

if TYPE_CHECKING:
    from ecny_tax.errors import Language
    from ecny_tax.payments.model import Receipt

app = typer.Typer(help="Receipts (电子缴款凭证).", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    """Add ``receipt`` and its sub-commands."""
    root.add_typer(app, name="receipt")


@app.callback()
def group() -> None:
    """A group even with a single sub-command."""


@command(app, "show")
def show(
    run: Run,
    receipt: Annotated[str, typer.Argument(metavar="RECEIPT", help="The e-tax voucher number.")],
    out: Out = None,
) -> None:
    """Show a receipt; --out prints it to a .txt or .json file and counts the print."""
    from ecny_tax.cli.output import document
    from ecny_tax.errors import InvalidInputError

    if out is not None and out.suffix.lower() not in (".txt", ".json"):
        raise InvalidInputError("receipt_kind_unknown", value=out.name)

    def deliver(receipt: Receipt) -> None:
        assert out is not None  # noqa: S101 - called below only then
        as_json = out.suffix.lower() == ".json"
        text = json.dumps(document(receipt), ensure_ascii=False, indent=2) if as_json else ""
        run.write(out, (text or receipt_text(receipt, run.language)) + "\n")

    with run.sandbox() as s:
        if out is None:
            found = s.payments.receipt(receipt_no=receipt)
        else:
            found = s.payments.print_receipt(receipt_no=receipt, deliver=deliver)
    run.answer_text(receipt_text(found, run.language), document(found))


def receipt_text(receipt: Receipt, language: Language) -> str:
    """The receipt as plain text, with every printed field."""
    from ecny_tax.cli.tables import shown
    from ecny_tax.cli.words import label
    from ecny_tax.clock import rfc3339
    from ecny_tax.money import yuan_text

    title = "电子缴款凭证" if language == "zh" else "Electronic payment voucher (电子缴款凭证)"
    rows = [
        ("receipt_no", receipt.receipt_no),
        ("paid_at", rfc3339(receipt.paid_at)),
        ("taxpayer_id", receipt.taxpayer_id),
        ("taxpayer_name", receipt.taxpayer_name),
        ("authority", f"{receipt.authority_name} {receipt.authority}"),
        ("treasury", f"{receipt.treasury_name} {receipt.treasury}"),
        ("operator", f"{receipt.operator_name} {receipt.operator}"),
        ("wallet_id", receipt.wallet_id),
        ("payer_name", receipt.payer_name),
        ("amount", f"¥{yuan_text(receipt.amount, grouped=True)}"),
        ("amount_in_capitals", f"人民币{receipt.amount_in_capitals}"),
        ("status", receipt.status.value),
        ("print_count", str(receipt.print_count)),
        ("remark", receipt.remark),
    ]
    text = [title, "=" * 60]
    text += [f"{label(key, language)}: {shown(value, language, key).plain}" for key, value in rows]
    text.append("-" * 60)
    for line in receipt.lines:
        level = shown(line.budget_level, language, "budget_level").plain
        period = f"{line.period_start} … {line.period_end}"
        name = line.tax if language == "zh" else f"{line.tax_en} ({line.tax})"
        amount = yuan_text(line.amount, grouped=True)
        text.append(f"{name} {line.item or ''} | {level} | {line.budget_subject} | {period} | {amount}")
    return "\n".join(text)
