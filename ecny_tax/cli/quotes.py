"""``ecny-tax tax quote``: what a tax comes to; nothing is declared here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecny_tax.cli.command import Run, check_options, command
from ecny_tax.cli.tax_options import (
    Base,
    Exemption,
    HalfRelief,
    Item,
    On,
    Pieces,
    Place,
    Side,
    TaxpayerKind,
    Year,
    check_needs,
    checked_side,
)

if TYPE_CHECKING:
    from ecny_tax.money import Fen
    from ecny_tax.rulebook import Rules
    from ecny_tax.taxes.stamp_duty_base import TaxBase

quote = typer.Typer(help="What a tax comes to.", no_args_is_help=True)


@command(quote, "stamp-duty")
def stamp_duty(
    run: Run,
    item: Item,
    base: Base = None,
    on: On = None,
    half_relief: HalfRelief = False,
    taxpayer_kind: TaxpayerKind = None,
    exemption: Exemption = None,
    side: Side = None,
    pieces: Pieces = None,
    vat: Annotated[
        str | None, typer.Option("--vat", metavar="YUAN", help="The VAT; the base is without it.")
    ] = None,
    vat_listed: Annotated[
        bool | None,
        typer.Option(
            "--vat-listed/--vat-not-listed", help="The document lists the VAT (default), or --vat-not-listed."
        ),
    ] = None,
    amount_includes_vat: Annotated[
        bool, typer.Option("--amount-includes-vat", help="The VAT is part of what --base says.")
    ] = False,
) -> None:
    """Quote the stamp duty (印花税) on one document.

    Examples:
        tax quote stamp-duty --item sale_contract --base 1000 --on 2023-04-20  # tax 0.30
        tax quote stamp-duty --item sale_contract --base 1130 --vat 130 --amount-includes-vat --half-relief
            --taxpayer-kind small_scale_vat_payer  # tax 0.15
    Exit codes: 3.
    See also: tax items, bill declare stamp-duty, pay.
    """
    from ecny_tax.taxes import stamp_duty

    check_needs("--taxpayer-kind", taxpayer_kind, "--half-relief", half_relief or None)
    check_needs("--vat", vat, "--base", base)
    said = "--vat-not-listed" if vat_listed is False else "--vat-listed"
    check_needs(said, vat_listed, "--vat", vat)
    check_needs("--amount-includes-vat", amount_includes_vat or None, "--vat", vat)
    rules = run.rules(on)
    run.answer(
        stamp_duty.quote(
            rules,
            item=item,
            base=_base(rules, base, vat, vat_listed is not False, amount_includes_vat),
            pieces=pieces,
            half_relief=half_relief,
            taxpayer_kind=taxpayer_kind,
            exemption=exemption,
            side=checked_side(side),
        )
    )


def _base(
    rules: Rules, base: str | None, vat: str | None, listed: bool, included: bool
) -> Fen | TaxBase | None:
    from ecny_tax.money import positive_yuan, yuan
    from ecny_tax.taxes import stamp_duty_base

    if base is None:
        return None
    if vat is None:
        return positive_yuan(base)
    return stamp_duty_base.of_document(
        rules,
        amount=positive_yuan(base),
        vat=yuan(vat),
        vat_listed_separately=listed,
        amount_includes_vat=included,
    )


@command(quote, "surcharge")
def surcharge(
    run: Run,
    paid: Annotated[
        str, typer.Option("--paid", metavar="YUAN", help="VAT and consumption tax that were paid.")
    ],
    place: Place = "city",
    half_relief: HalfRelief = False,
    on: On = None,
) -> None:
    """Quote the surcharges (附加税费) on VAT and consumption tax; their rates are unverified.

    Examples:
        tax quote surcharge --paid 100 --place town
    Exit codes: 3.
    See also: bill declare surcharge.
    """
    from ecny_tax.money import positive_yuan
    from ecny_tax.taxes import surcharges

    found = surcharges.quotes(run.rules(on), paid=positive_yuan(paid), place=place, half_relief=half_relief)
    name = "name_zh" if run.language == "zh" else "name_en"
    run.answer_list("surcharges", found, ("code", name, "base", "rate", "tax", "evidence"))


@command(quote, "income-tax")
def income_tax(
    run: Run,
    file: Annotated[Path, typer.Option("--input", metavar="FILE", help="The annual return, JSON.")],
) -> None:
    """Quote the annual settlement (汇算清缴) that a return comes to, step by step.

    Examples:
        tax quote income-tax --input return.json  # refund 720.00
    Exit codes: 3.
    See also: bill declare income-tax, refund.
    """
    from ecny_tax.taxes.explanation import explain
    from ecny_tax.taxes.returns import read_annual_return

    run.answer(explain(read_annual_return(file), book=run.rulebook()))


@command(quote, "withholding")
def withholding(
    run: Run,
    file: Annotated[Path, typer.Option("--input", metavar="FILE", help="What is paid, JSON.")],
) -> None:
    """Quote what a payer withholds (预扣预缴): on wages by the month, or on one other payment.

    The file is one JSON object with the inputs of a worked case: `months` of {month, wage, social, sad} for
    wages, or `type` (labour, author, royalty) and `amount`; without `tax_year` this year is meant.

    Examples:
        tax quote withholding --input wages.json
    Exit codes: 3.
    See also: bill declare withholding.
    """
    from ecny_tax.errors import InvalidInputError, Said
    from ecny_tax.taxes.case_kinds import computed
    from ecny_tax.taxes.json_files import NOT_ONE_OBJECT, ONE_OBJECT, read_json

    given = read_json(file, limit=64 * 1024)
    if not isinstance(given, dict):
        raise InvalidInputError("input_not_json", path=file, reason=NOT_ONE_OBJECT, accepted=ONE_OBJECT)
    if given.keys().isdisjoint(("months", "type", "amount")):
        needed = Said("months, or type and amount", "months，或 type 与 amount")
        raise InvalidInputError("input_key_missing", key=needed)
    kind = "iit.withhold_wage" if "months" in given else "iit.withhold_other"
    run.answer(computed(kind, {"tax_year": run.today().year} | given, book=run.rulebook()))


@command(quote, "deductions")
def quote_deductions(
    run: Run,
    file: Annotated[Path, typer.Option("--input", metavar="FILE", help="The claims of a household, JSON.")],
) -> None:
    """Quote the special additional deductions (专项附加扣除) of a household in a year, claim by claim.

    The file is one JSON object: `tax_year`, and `claims`, a list of {item, person, months, first_month,
    children, share, concerning}, of which only the item must be given; see `tax deductions`. `concerning`
    says which child, home or parents are meant: two people who rent one home name it alike.

    Examples:
        tax quote deductions --input claims.json
    Exit codes: 3.
    See also: tax deductions.
    """
    from ecny_tax.taxes.household import household_deductions, read_claims

    tax_year, claims = read_claims(file)
    run.answer(household_deductions(claims, tax_year=tax_year, book=run.rulebook()))


@command(quote, "business")
def business(
    run: Run,
    taxable: Annotated[
        str, typer.Option("--taxable", metavar="YUAN", help="The taxable income of the year.")
    ],
    year: Year = None,
) -> None:
    """Quote the income tax on a year's business income (经营所得), before reliefs for sole traders.

    Examples:
        tax quote business --taxable 90000 --year 2025
    Exit codes: 3.
    See also: tax quote income-tax.
    """
    from ecny_tax.money import yuan
    from ecny_tax.taxes.business import business_tax

    run.answer(business_tax(yuan(taxable), tax_year=_year(run, year), book=run.rulebook()))


@command(quote, "non-resident")
def non_resident(
    run: Run,
    wage: Annotated[str | None, typer.Option("--wage", metavar="YUAN", help="The wage of a month.")] = None,
    bonus: Annotated[
        str | None, typer.Option("--bonus", metavar="YUAN", help="A bonus for several months.")
    ] = None,
    year: Year = None,
) -> None:
    """Quote the income tax on a non-resident's (非居民个人) wage of a month, or on a bonus.

    Examples:
        tax quote non-resident --bonus 600000
    Exit codes: 3.
    See also: tax quote income-tax.
    """
    from ecny_tax.errors import InvalidInputError
    from ecny_tax.money import yuan
    from ecny_tax.taxes.nonresident import nonresident_bonus_tax, nonresident_month_tax

    book, tax_year = run.rulebook(), _year(run, year)
    if wage is not None and bonus is not None:
        raise InvalidInputError("wage_or_bonus", what="--wage, --bonus")
    if bonus is not None:
        run.answer(nonresident_bonus_tax(yuan(bonus), tax_year=tax_year, book=book))
    else:
        check_options("wage_or_bonus", {"--wage": wage}, {})
        run.answer(nonresident_month_tax(yuan(wage or ""), tax_year=tax_year, book=book))


def _year(run: Run, year: int | None) -> int:
    return run.today().year if year is None else year
