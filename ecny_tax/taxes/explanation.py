"""An annual settlement with its steps: what a person needs to follow and check it line by line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Literal

from ecny_tax.money import Fen, times, yuan_text
from ecny_tax.rulebook import PACKAGE, IncomeTaxRules, Rulebook
from ecny_tax.taxes.bonus import may_be_taxed_apart
from ecny_tax.taxes.brackets import bracket_steps
from ecny_tax.taxes.checks import rules_of
from ecny_tax.taxes.exemption import REASONS, exemption_in_force
from ecny_tax.taxes.income_tax import AnnualReturn, AnnualSettlement, deductible_pension, settle
from ecny_tax.taxes.steps import Step, percent

_INCOMES: tuple[tuple[Literal["labour", "author", "royalty"], str, str], ...] = (
    ("labour", "Labour service pay", "劳务报酬"),
    ("author", "Author's pay", "稿酬"),
    ("royalty", "Royalties", "特许权使用费"),
)


def explain(annual_return: AnnualReturn, *, book: Rulebook = PACKAGE) -> AnnualSettlement:
    """What ``income_tax.settle`` answers or raises, with ``steps``; what was not given is left out."""
    found = settle(annual_return, book=book)
    rules = rules_of(book, annual_return.tax_year)
    steps = [
        *_income(annual_return, found, rules),
        *_taxable(annual_return, found, rules),
        *_tax(found, rules),
        *_bonus(annual_return, found, rules),
        *_other_way(annual_return, found, rules, book),
        *_balance(annual_return, found, rules),
    ]
    return replace(found, steps=tuple(steps))


def _income(given: AnnualReturn, found: AnnualSettlement, rules: IncomeTaxRules) -> Iterator[Step]:
    ratios = rules.income_ratios
    if given.wages:
        yield Step("Wages", "工资薪金", given.wages)
    if given.bonus and found.bonus_mode == "merge":
        yield Step("Yearly bonus, merged with the wages", "全年一次性奖金，并入综合所得", given.bonus)
    for key, label, label_zh in _INCOMES:
        if received := getattr(given, key):
            ratio: Fraction = getattr(ratios, key)
            yield Step(label, label_zh, received)
            counted = times(received, ratio)
            yield Step(
                f"{label} that counts: {percent(ratio)}",
                f"{label_zh}收入额：{percent(ratio)}",
                counted,
                ratios.citation,
            )
    yield Step("Income amount", "收入额合计", found.income_amount, ratios.citation)


def _taxable(given: AnnualReturn, found: AnnualSettlement, rules: IncomeTaxRules) -> Iterator[Step]:
    if given.base_taxable is not None:
        yield Step("Taxable income already known", "已知的应纳税所得额", given.base_taxable)
        yield Step("Taxable income", "应纳税所得额", found.taxable)
        return
    law = rules.basic_deduction.citation
    yield Step("Less the basic deduction", "减除费用", rules.basic_deduction.amount, law)
    if given.social:
        yield Step("Less special deductions", "专项扣除", given.social, law)
    if given.sad:
        yield Step("Less special additional deductions", "专项附加扣除", given.sad, law)
    if given.medical_self_pay:
        rule = rules.medical
        above, most = yuan_text(rule.threshold, grouped=True), yuan_text(rule.cap, grouped=True)
        label = f"Less serious illness: own cost above {above}, at most {most}"
        label_zh = f"大病医疗：自付超过 {above} 的部分，最多 {most}"
        yield Step(label, label_zh, found.medical_deduction, rule.citation)
    if given.personal_pension:
        cap = rules.personal_pension_cap
        most = yuan_text(cap.amount, grouped=True)
        label, label_zh = f"Less the personal pension, at most {most}", f"个人养老金，最多 {most}"
        yield Step(label, label_zh, deductible_pension(given.personal_pension, rules), cap.citation)
    if given.other_deductions:
        yield Step("Less other deductions by law", "依法确定的其他扣除", given.other_deductions, law)
    if given.donations or given.donations_in_full:
        rule_of_donations = rules.donations
        before, share = Fen(found.taxable + found.donation_deduction), percent(rule_of_donations.share)
        yield Step("Taxable income before donations", "扣除捐赠前的应纳税所得额", before, law)
        if given.donations:
            label, label_zh = f"Donations, up to {share} of that", f"公益捐赠，不超过其 {share}"
            yield Step(label, label_zh, given.donations)
        if given.donations_in_full:
            yield Step("Donations that count in full", "全额扣除的公益捐赠", given.donations_in_full)
        citation = rule_of_donations.citation
        yield Step("Less what counts of donations", "准予扣除的公益捐赠", found.donation_deduction, citation)
    yield Step("Taxable income, at least zero", "应纳税所得额（不低于零）", found.taxable, law)


def _tax(found: AnnualSettlement, rules: IncomeTaxRules) -> Iterator[Step]:
    yield from bracket_steps(found.taxable, rules.annual_brackets, "Taxable income", "应纳税所得额")
    yield Step("Tax on comprehensive income", "综合所得应纳税额", found.tax, rules.annual_brackets.citation)


def _bonus(given: AnnualReturn, found: AnnualSettlement, rules: IncomeTaxRules) -> Iterator[Step]:
    if given.bonus and found.bonus_mode == "separate":
        yield Step("Yearly bonus, taxed apart", "全年一次性奖金，单独计税", given.bonus)
        label, label_zh = "Bonus, by the rate of its twelfth", "奖金（按十二分之一确定税率）"
        yield from bracket_steps(given.bonus, rules.monthly_brackets, label, label_zh, parts=12)
        citation = rules.separate_bonus.citation
        yield Step("Tax on the bonus", "奖金应纳税额", found.bonus_tax, citation)


def _other_way(
    given: AnnualReturn, found: AnnualSettlement, rules: IncomeTaxRules, book: Rulebook
) -> Iterator[Step]:
    """What the way of taxing the bonus that was not taken would have come to."""
    if given.bonus_mode != "better" or not given.bonus or not may_be_taxed_apart(rules):
        return
    citation = rules.separate_bonus.citation
    if found.bonus_mode == "merge":
        label, label_zh = "Tax of the year were the bonus taxed apart", "若奖金单独计税的全年税额"
        other = settle(replace(given, bonus_mode="separate"), book=book)
    else:
        label, label_zh = "Tax of the year were the bonus merged", "若奖金并入综合所得的全年税额"
        other = settle(replace(given, bonus_mode="merge"), book=book)
    yield Step(label, label_zh, other.tax_total, citation)


def _balance(given: AnnualReturn, found: AnnualSettlement, rules: IncomeTaxRules) -> Iterator[Step]:
    yield Step("Tax of the year", "全年应纳税额", found.tax_total)
    if found.increment is not None:
        yield Step("What this income adds to the tax", "该项所得增加的税额", found.increment)
    yield Step("Withheld", "已预缴税额", given.withheld)
    if found.refund:
        yield Step("Refund", "应退税额", found.refund)
    else:
        yield Step("Amount due", "应补税额", found.due)
    if found.must_settle_reason and found.must_settle_reason != "nothing_due":
        words, words_zh = REASONS[found.must_settle_reason]
        label = "Must settle" if found.must_settle else "Need not settle"
        label_zh = "须办理汇算清缴" if found.must_settle else "无需办理汇算清缴"
        rule = exemption_in_force(rules)
        citation = rule.citation if rule and found.due else ""
        balance = Fen(found.refund + found.due)
        yield Step(f"{label}: {words}", f"{label_zh}：{words_zh}", balance, citation)
