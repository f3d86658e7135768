"""The scenarios that can be played over HTTP: each on a fresh sandbox, at its own time, from a seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from ecny_tax.clock import day_begins
from ecny_tax.errors import ConflictError, NotFoundError, RejectedError
from ecny_tax.payments import debit_rows
from ecny_tax.payments.debit_model import Struck
from ecny_tax.rulebook import Rulebook
from ecny_tax.sandbox import Sandbox
from ecny_tax.scenarios.heshan import STORY_TIME, heshan
from ecny_tax.scenarios.outage import outage
from ecny_tax.scenarios.story import Step, Story, grouped
from ecny_tax.scenarios.tax_hall import tax_hall
from ecny_tax.seasons.model import DEFAULT_YEAR, Setting
from ecny_tax.store import Transaction

#: Column and table of what a scenario makes, by the plural that its numbers come under.
_RECORDS = {
    "wallets": ("wallet_id", "wallet", "account_id"),
    "agreements": ("agreement_no", "agreement", "place"),
    "bills": ("bill_no", "bill", "place"),
    "payments": ("payment_no", "payment", "place"),
    "refunds": ("refund_no", "refund", "place"),
    "devices": ("device_id", "device", "place"),
    "loads": ("load_id", "device_load", "loaded_at, load_id"),
    "vouchers": ("voucher_id", "voucher", "place"),
}


#: What a failure may strike that a story does.
_FAIL = (Struck.DEBIT, Struck.REFUND)


@dataclass(frozen=True, slots=True)
class Wish:
    """Which run of a scenario it is to be; the same wish gives the same records."""

    seed: int
    people: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """A story that can be played; ``about`` says what it shows."""

    name: str
    about: str
    about_zh: str
    begins: datetime


@dataclass(frozen=True, slots=True)
class Records:
    """The numbers of the records that a scenario made, oldest first."""

    wallets: tuple[str, ...]
    agreements: tuple[str, ...]
    bills: tuple[str, ...]
    payments: tuple[str, ...]
    refunds: tuple[str, ...]
    devices: tuple[str, ...]
    loads: tuple[str, ...]
    vouchers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Played:
    """A scenario that was played: its steps, and what it left behind."""

    scenario: str
    seed: int
    now: datetime
    steps: tuple[Step, ...]
    records: Records


def scenarios(book: Rulebook) -> tuple[Scenario, ...]:
    """Every scenario, with the time at which it begins."""
    first, _last = Setting(1, 0, DEFAULT_YEAR).window(book)
    season_begins = day_begins(first).replace(hour=10)
    return (
        Scenario(
            "heshan",
            "A company signs, pays stamp duty at once; a person is refunded at once; refusals worth seeing.",
            "公司签约并实时缴纳印花税；个人退税即时到账；以及若干值得一看的拒绝。",
            STORY_TIME,
        ),
        Scenario(
            "double-spend",
            "A tax hall without network: payment by device, redemption, a copied device caught by evidence.",
            "无网络的办税厅：设备离线支付、联网兑付、复制设备的双花被查出。",
            STORY_TIME,
        ),
        Scenario(
            "outage",
            "An operator's answers get lost: bills in doubt, reconciliation, and both payments stand.",
            "运营机构回执丢失：凭证存疑、对账调账，两笔缴款最终成立。",
            STORY_TIME,
        ),
        Scenario(
            "refund-season",
            "A whole population settles its year: refunds, dues, the treasury's days, the books verified.",
            "一个群体完成年度汇算：退税、补税、国库日终，账本核验。",
            season_begins,
        ),
    )


def scenario(book: Rulebook, name: str) -> Scenario:
    """Raises ``NotFoundError`` (``scenario_not_found``)."""
    for found in scenarios(book):
        if found.name == name:
            return found
    raise NotFoundError("scenario_not_found", scenario=name)


def play(sandbox: Sandbox, asked: Scenario, wish: Wish) -> Played:
    """Play a scenario on a sandbox that nobody else uses meanwhile, and leave its clock where it ends.

    Raises ``ConflictError`` (``scenario_needs_fresh_sandbox``) where there are wallets already, or time has
    gone on too far, or a failure waits that could strike the story.
    """
    refusal = ConflictError(
        "scenario_needs_fresh_sandbox", scenario=asked.name, begins=asked.begins.isoformat()
    )
    with sandbox.store.reading() as tx:
        if tx.row("SELECT 1 FROM wallet") is not None or any(debit_rows.any_waits(tx, one) for one in _FAIL):
            raise refusal
    try:
        sandbox.clock.set(asked.begins)
    except RejectedError as error:
        if error.code != "clock_went_back":
            raise
        raise refusal from None
    with sandbox.store.seeded(f"scenario {asked.name} {wish.seed}"):
        steps = tuple(_TOLD[asked.name](sandbox, wish))
    with sandbox.store.reading() as tx:
        return Played(asked.name, wish.seed, tx.now, steps, _records(tx))


def _records(tx: Transaction) -> Records:
    found = {
        name: tuple(row[0] for row in tx.rows(f"SELECT {number} FROM {table} ORDER BY {order}"))
        for name, (number, table, order) in _RECORDS.items()
    }
    return Records(**found)


def _refund_season(sandbox: Sandbox, wish: Wish) -> Iterator[Step]:
    from ecny_tax.seasons.service import Season  # imported late: it needs the extra [batch]

    story = Story()
    setting = Setting(wish.people, wish.seed, DEFAULT_YEAR)
    found = story.do(Season(sandbox, setting).run)
    yield story.step(
        (
            f"{found.people:,} people file their returns for {found.tax_year}",
            f"{found.people:,} 人申报 {found.tax_year} 年度汇算",
        ),
        ("made-up people", "虚构的纳税人"),
        (
            f"{found.with_refund} are due a refund, {found.with_due} owe, {found.need_not_pay} need not pay,"
            f" {found.even} are even; {found.did_not_apply} do not apply, {found.did_not_declare} are silent",
            f"应退 {found.with_refund} 人，应补 {found.with_due} 人，免补 {found.need_not_pay} 人，"
            f"不退不补 {found.even} 人；{found.did_not_apply} 人未申请，{found.did_not_declare} 人未申报",
        ),
    )
    yield story.step(
        ("The treasury pays the refunds", "国库退税"),
        ("the treasury", "国库"),
        (
            f"{found.refunds} refunds paid, {found.failed_refunds} failed",
            f"退税 {found.refunds} 笔，{found.failed_refunds} 笔入账失败",
        ),
        moved=(
            f"treasury → wallets {grouped(found.refunded)}",
            f"国库 → 钱包 {grouped(found.refunded)}",
        ),
    )
    yield story.step(
        ("Those who owe pay, and the treasury closes its days", "补税与日终报解"),
        ("made-up people", "虚构的纳税人"),
        (
            f"{found.payments} of {found.bills} bills paid",
            f"{found.bills} 张应征凭证中已缴 {found.payments} 张",
        ),
        moved=(
            f"wallets → collection accounts {grouped(found.paid)}",
            f"钱包 → 待报解预算收入 {grouped(found.paid)}",
        ),
    )
    if not found.ok:
        raise AssertionError("the story does not hold")
    yield story.step(
        ("Verify the ledger", "核验账本"),
        ("anybody", "任何人"),
        (f"{found.transfers} transfers, all promises hold", f"{found.transfers} 笔转账，全部承诺成立"),
    )


_TOLD: Mapping[str, Callable[[Sandbox, Wish], Iterator[Step]]] = {
    "heshan": lambda sandbox, _wish: heshan(sandbox),
    "double-spend": lambda sandbox, _wish: tax_hall(sandbox),
    "outage": lambda sandbox, _wish: outage(sandbox),
    "refund-season": _refund_season,
}
