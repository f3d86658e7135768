"""The form of each rule file, strictly: what it must hold before its figures may be used."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ecny_tax.rulebook.forms import (
    Code,
    Convention,
    Evidence,
    Figure,
    Form,
    Limit,
    MonthDay,
    Named,
    Rate,
    RuleFile,
    Text,
    Weight,
    Yuan,
    check_codes,
    check_periods,
    digits,
    fault,
    meet,
    spelled,
    uncovered,
    unfit,
)

# --- stamp_duty.toml --------------------------------------------------------------------------------


class StampDutyItem(Named):
    side: Literal["buy", "sell"] | None = None
    rate: Rate
    base_zh: Text
    base_en: Text
    minimum: Yuan | None = None
    each: Yuan | None = None


class Relief(Named):
    factor: Rate
    not_for: list[Code]
    taxpayers: Annotated[list[Code], Field(min_length=1)]
    for_zh: Text
    for_en: Text


class Exemption(Named):
    items: list[Code]


class Rounding(Figure):
    unit: Literal["0.01", "0.10", "1.00"]
    exempt_below: Yuan
    not_for: list[Code]


class Term(Figure):
    code: Code
    period: Literal["week", "quarter"]
    days: Annotated[int, Field(ge=0, le=366)]


class StampDuty(RuleFile):
    items: list[StampDutyItem]
    relief: list[Relief]
    exemptions: list[Exemption]
    base_rules: list[Convention]
    rounding: list[Rounding]
    terms: list[Term]

    @model_validator(mode="after")
    def _documents_have_a_term(self) -> Self:
        if not any(term.code == "documents" for term in self.terms):
            raise unfit('terms: there is none for "documents"', 'terms：缺少 "documents" 一条')
        return self

    @model_validator(mode="after")
    def _codes_name_items(self) -> Self:
        """A relief or term of what is no item would be passed over, as if it had not been written."""
        known = [item.code for item in self.items]
        check_codes("relief", self.relief, "not_for", known)
        check_codes("exemptions", self.exemptions, "items", known)
        check_codes("rounding", self.rounding, "not_for", known)
        check_codes("terms", self.terms, "code", ["documents", *known])
        return self

    @model_validator(mode="after")
    def _one_relief_a_day(self) -> Self:
        """Whatever its code: a quote asks for the relief of its day, and would pass over a second one."""
        check_periods("relief", self.relief, lambda _relief: None)
        return self


# --- income_tax.toml --------------------------------------------------------------------------------


class BracketLine(Form):
    up_to: Yuan | None = None
    rate: Rate
    quick_deduction: Yuan


class Brackets(Figure):
    brackets: Annotated[list[BracketLine], Field(min_length=1)]

    @model_validator(mode="after")
    def _lines_meet(self) -> Self:
        """Bounds and rates rise, only the last line is open, and the tax has no jump at a bound."""
        *bounded, last = self.brackets
        if last.up_to is not None or any(line.up_to is None for line in bounded):
            raise unfit(
                "the last bracket, and no other, is without up_to", "只有最后一级（且必须是它）没有 up_to"
            )
        for line, following in zip(self.brackets, self.brackets[1:], strict=False):
            step = Fraction(following.rate) - Fraction(line.rate)
            bound = Fraction(line.up_to or 0)
            rise = Fraction(following.quick_deduction) - Fraction(line.quick_deduction)
            if step <= 0 or bound <= 0 or rise != step * bound:
                raise unfit(f"the brackets do not meet at {line.up_to}", f"各级在 {line.up_to} 处不衔接")
        if Fraction(self.brackets[0].quick_deduction) != 0:
            raise unfit("the first bracket has no quick deduction", "第一级没有速算扣除数")
        return self


class IncomeRatios(Figure):
    wages: Rate
    labour: Rate
    royalty: Rate
    author: Rate


class Deduction(Figure):
    amount: Yuan


class Medical(Figure):
    threshold: Yuan
    cap: Yuan


class SpecialAdditional(Named):
    amount: Yuan
    paid: Literal["month", "year"]
    for_each: Literal["child", "person"]
    not_with: list[Code]
    not_with_for: Literal["person", "household"] = "household"
    shares: Annotated[list[Rate], Field(default_factory=lambda: ["1"])]
    share_of: Code | None = None
    group: Code | None = None
    shared_among: Literal["household", "named", "nobody"] = "household"

    @model_validator(mode="after")
    def _what_is_for_a_child_is_shared(self) -> Self:
        """Without that nothing would cap what is claimed for one child: the other cap is a person's own."""
        if self.for_each == "child" and self.shared_among != "household":
            reason = "what is for each child is shared among the household"
            raise unfit(reason, "按子女计的扣除须在家庭内分摊")
        return self


class Donations(Figure):
    share: Rate


class TopUpExemption(Figure):
    gross: Yuan
    balance: Yuan


class PayWithholding(Figure):
    small: Yuan
    flat: Yuan
    share: Rate
    author_factor: Rate
    rate: Rate


class NonResident(Figure):
    deduction: Yuan
    parts: Annotated[int, Field(ge=1, le=12)]


class Window(Figure):
    opens: MonthDay
    closes: MonthDay

    @model_validator(mode="after")
    def _days_exist_in_every_year(self) -> Self:
        first, last = (date.fromisoformat(f"2023-{text}") for text in (self.opens, self.closes))
        if last < first:
            raise unfit("the window closes before it opens", "截止日早于开始日")
        return self


class TermInDays(Figure):
    days: Annotated[int, Field(ge=0, le=366)]


class ClaimWindow(Figure):
    years: Annotated[int, Field(ge=1, le=30)]


class IncomeTax(RuleFile):
    annual_brackets: list[Brackets]
    monthly_brackets: list[Brackets]
    business_brackets: list[Brackets]
    labour_brackets: list[Brackets]
    income_ratios: list[IncomeRatios]
    basic_deduction: list[Deduction]
    monthly_deduction: list[Deduction]
    special_additional: list[SpecialAdditional]
    medical: list[Medical]
    personal_pension: list[Deduction]
    donations: list[Donations]
    separate_bonus: list[Figure]
    top_up_exemption: list[TopUpExemption]
    first_wage_of_year: list[Figure]
    annual_60000_from_january: list[Figure]
    pay_withholding: list[PayWithholding]
    non_resident: list[NonResident]
    settlement_window: list[Window]
    withholding_term: list[TermInDays]
    claim_window: list[ClaimWindow]
    conventions: Annotated[list[Convention], Field(default_factory=list)]

    @model_validator(mode="after")
    def _deductions_name_deductions(self) -> Self:
        table = "special_additional"
        known = [rule.code for rule in self.special_additional]
        check_codes(table, self.special_additional, "not_with", known)
        sharing = [rule for rule in self.special_additional if rule.share_of is not None]
        check_codes(table, sharing, "share_of", known)
        for rule in sharing:
            wholes = [other for other in self.special_additional if other.code == rule.share_of]
            if day := uncovered(rule, wholes):
                raise fault(
                    table,
                    rule,
                    "share_of",
                    f"{rule.share_of} is not in force on {day}: give it for that day too",
                    f"{rule.share_of} 在 {day} 没有规则：请补上该日的规则",
                )
            for whole in wholes:
                if meet(rule, whole) and Fraction(rule.amount) > Fraction(whole.amount):
                    since = max(rule.effective_from, whole.effective_from)
                    raise fault(
                        table,
                        rule,
                        "amount",
                        f"{rule.amount} is above the whole that is shared, {whole.amount} of"
                        f" {whole.code} from {since} on",
                        f"{rule.amount} 高于所分摊的全额：{whole.code} 自 {since} 起为 {whole.amount}",
                    )
        return self


# --- taxes.toml -------------------------------------------------------------------------------------


class CollectionItem(Named):
    code: Annotated[str, digits(5)]
    budget_subject_zh: Text
    budget_subject_en: Text


class Share(Figure):
    code: Annotated[str, digits(5)]
    case: Code | None = None
    central: Weight
    local: Weight

    @model_validator(mode="after")
    def _shares_make_a_whole(self) -> Self:
        if self.central + self.local != 100:
            raise unfit("central and local add up to 100", "central 与 local 之和应为 100")
        return self


class LocalSplit(Figure):
    treasury: Annotated[str, digits(10)] | None = None
    province: Weight
    city: Weight
    county: Weight

    @model_validator(mode="after")
    def _shares_make_a_whole(self) -> Self:
        if self.province + self.city + self.county != 100:
            raise unfit("province, city and county add up to 100", "province、city 与 county 之和应为 100")
        return self


class Surcharge(Figure):
    code: Annotated[str, digits(5)]
    place: Code | None = None
    rate: Rate


class PlainRate(Figure):
    rate: Rate


class Taxes(RuleFile):
    collection_items: list[CollectionItem]
    shares: list[Share]
    local_split: list[LocalSplit]
    surcharges: list[Surcharge]
    late_fee: list[PlainRate]
    deposit_interest: list[PlainRate]

    @model_validator(mode="after")
    def _codes_name_what_is_collected(self) -> Self:
        known = [item.code for item in self.collection_items]
        check_codes("shares", self.shares, "code", known)
        check_codes("surcharges", self.surcharges, "code", known)
        return self

    @model_validator(mode="after")
    def _what_is_collected_is_shared(self) -> Self:
        for item in self.collection_items:
            shares = (share for share in self.shares if share.code == item.code and share.case is None)
            if day := uncovered(item, shares):
                raise fault(
                    "collection_items",
                    item,
                    "effective_from",
                    f"nobody shares it on {day}: give a [[shares]] for that day too",
                    f"{day} 没有分享比例：请用 [[shares]] 补上该日",
                )
        return self


# --- wallets.toml -----------------------------------------------------------------------------------


class WalletClass(Figure):
    wallet_class: Literal["I", "II", "III", "IV", "corporate"]
    level_code: Code | None = None
    name_zh: Text
    name_en: Text
    cap: Limit
    single: Limit
    day: Limit
    year: Limit
    minimum_age: Annotated[int, Field(ge=0, le=150)] | None = None


class Stops(Figure):
    default_hours: Annotated[int, Field(ge=1, le=8760)]
    most_hours: Annotated[int, Field(ge=1, le=8760)]


class StopReason(Named):
    stopped_by: Literal["anti_fraud_centre", "operator"]


class Fee(Figure):
    """I6: there is none; the rule is there to say so."""

    rate: Literal["0"]


class WalletType(Named):
    kind: Code


class Wallets(RuleFile):
    classes: list[WalletClass]
    types: list[WalletType]
    fees: list[Fee]
    stops: list[Stops]
    stop_reasons: list[StopReason]
    conventions: Annotated[list[Convention], Field(default_factory=list)]


# --- offline.toml -----------------------------------------------------------------------------------


Whole = Annotated[int, Field(ge=1, le=100_000)]


class OfflineLimits(Figure):
    cap_single: Yuan
    cap_total: Yuan
    cap_count: Whole
    load_hours: Whole
    most_load_hours: Whole
    redeem_days: Whole
    grace_hours: Whole
    request_minutes: Whole
    skew_minutes: Whole
    list_days: Whole
    certificate_years: Whole
    root_years: Whole


class Offline(RuleFile):
    limits: list[OfflineLimits]
    conventions: Annotated[list[Convention], Field(default_factory=list)]


# --- scheme.toml ------------------------------------------------------------------------------------


class Authority(Named):
    code: Annotated[str, digits(11)]


class Treasury(Named):
    code: Annotated[str, digits(10)]


class Opening(Figure):
    operator_reserve: Yuan
    own_funds: Yuan
    revenue: Yuan


class Operator(Named):
    code: Annotated[str, spelled(r"[A-Z]{2,12}", "2 to 12 capital letters", " 2 至 12 个大写字母")]
    digits: Annotated[str, digits(2)]


class Enforcer(Named):
    kind: Literal["court", "public_security", "anti_fraud_centre"]
    code: Annotated[
        str, spelled(r"[A-Z0-9]{2,20}", "2 to 20 capital letters and digits", " 2 至 20 个大写字母和数字")
    ]


class Mandate(Figure):
    code: Literal["court", "public_security", "anti_fraud_centre"]
    may_issue: list[Literal["trace", "identity", "freeze", "unfreeze"]]


class RefundReason(Named):
    bears_interest: bool


Month = Annotated[int, Field(ge=1, le=12)]
Reserve = Literal["full", "deposit_reserve_base"]


class Regime(Figure):
    name_zh: Text
    name_en: Text
    nature_zh: Text
    nature_en: Text
    bank_reserve: Reserve
    non_bank_reserve: Reserve
    interest_months: Annotated[list[Month], Field(min_length=1)] | None = None
    interest_last_day: Annotated[int, Field(ge=1, le=28)] | None = None
    days_of_a_year: Annotated[int, Field(ge=360, le=366)] | None = None
    corporate_interest: bool | None = None

    @property
    def terms(self) -> tuple[object, ...]:
        """How it bears interest: of one that does not, nothing is said."""
        how = (self.interest_months, self.interest_last_day, self.days_of_a_year, self.corporate_interest)
        return tuple(value for value in how if value is not None)

    @model_validator(mode="after")
    def _interest_has_all_its_terms(self) -> Self:
        if len(self.terms) not in (0, 4):
            keys = "interest_months, interest_last_day, days_of_a_year, corporate_interest"
            raise unfit(f"interest needs {keys}: all or none", f"计息需要 {keys}：全部写明或全部不写")
        return self


class InterestRate(Figure):
    code: Code | None = None
    rate: Rate


class SchemeFile(RuleFile):
    authority: Authority
    treasury: Treasury
    opening: Opening
    operators: list[Operator]
    regimes: Annotated[list[Regime], Field(min_length=1)]
    interest_rates: list[InterestRate]
    enforcers: list[Enforcer]
    mandates: list[Mandate]
    refund_reasons: list[RefundReason]

    @model_validator(mode="after")
    def _what_bears_interest_has_a_rate(self) -> Self:
        """And a rate of what is no operator would be passed over, as if it had not been written."""
        own = [rate for rate in self.interest_rates if rate.code is not None]
        check_codes("interest_rates", own, "code", [operator.code for operator in self.operators])
        common = [rate for rate in self.interest_rates if rate.code is None]
        for regime in self.regimes:
            if regime.terms and (day := uncovered(regime, common)):
                raise fault(
                    "regimes",
                    regime,
                    "interest_months",
                    f"there is no rate on {day}: give [[interest_rates]] without a code for that day too",
                    f"{day} 没有利率：请用不带 code 的 [[interest_rates]] 补上该日",
                )
        return self

    @model_validator(mode="after")
    def _a_database_is_made_once(self) -> Self:
        """Its parties and opening balances are recorded then: nothing follows a second period, or an end."""
        first: dict[str, Operator] = {}
        for operator in sorted(self.operators, key=lambda operator: operator.effective_from):
            before = first.setdefault(operator.code, operator)
            if before is not operator:
                raise fault(
                    "operators",
                    operator,
                    "effective_from",
                    f"an operator has one period: replace the one from {before.effective_from}",
                    f"运营机构只有一个期间：请替换自 {before.effective_from} 起的那一条",
                )
        made: list[tuple[str, Figure]] = [
            ("authority", self.authority),
            ("treasury", self.treasury),
            ("opening", self.opening),
        ]
        made += [("operators", operator) for operator in self.operators]
        made += [("enforcers", enforcer) for enforcer in self.enforcers]
        for table, figure in made:
            if figure.effective_to is not None:
                raise fault(
                    table,
                    figure,
                    "effective_to",
                    "what a database is made with has no last day: leave it out",
                    "数据库建立时记录的内容没有截止日：请删去",
                )
        return self

    @model_validator(mode="after")
    def _digits_are_unique(self) -> Self:
        bearers: dict[str, str] = {}
        for operator in self.operators:
            other = bearers.setdefault(operator.digits, operator.code)
            if other != operator.code:
                raise fault(
                    "operators",
                    operator,
                    "digits",
                    f"{other} has these digits: choose others",
                    f"{other} 已用此前缀：请另选",
                )
        return self


# --- calendar.toml ----------------------------------------------------------------------------------


class Days(Form):
    name_zh: Text
    name_en: Text
    days: Annotated[list[date], Field(min_length=1)]
    citation: Text
    evidence: Evidence


class CalendarFile(RuleFile):
    holidays: list[Days]
    working_days: list[Days]


#: The form of each rule file, by its name without ``.toml``.
FILES: dict[str, type[RuleFile]] = {
    "stamp_duty": StampDuty,
    "income_tax": IncomeTax,
    "taxes": Taxes,
    "wallets": Wallets,
    "offline": Offline,
    "scheme": SchemeFile,
    "calendar": CalendarFile,
}
