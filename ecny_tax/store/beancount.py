"""The books as a Beancount 3 file, for a checker that is not ours.

These are the books of the central bank: what it owes to the holders of e-CNY, to operators and to treasuries
are liabilities, what it has issued is an asset, the outside world is equity.  A debit is positive.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

from ecny_tax.clock import from_micros
from ecny_tax.ledger.model import AccountCode, AccountFlags, Ledger
from ecny_tax.money import yuan_text
from ecny_tax.store.snapshot import AccountRow, Snapshot, TransferRow, transfers
from ecny_tax.store.transaction import Store

_COMMODITY = {Ledger.ECNY: "E-CNY", Ledger.DEPOSITS: "CNY"}
_COMMODITY_NAMES = {Ledger.ECNY: ("e-CNY", "数字人民币"), Ledger.DEPOSITS: ("bank deposits", "银行存款")}
_ROOTS = {
    AccountCode.ISSUANCE: "Assets",
    AccountCode.PUBLIC_DEPOSITS: "Equity",
    AccountCode.OPENING: "Equity",
}
_NAMES_ZH = {
    AccountCode.ISSUANCE: "发行库",
    AccountCode.OPERATOR_VAULT: "银行库",
    AccountCode.WALLET: "钱包",
    AccountCode.COLLECTION: "待报解预算收入",
    AccountCode.LIEN: "圈存",
    AccountCode.RESERVE_BACKING: "发行准备",
    AccountCode.OPERATOR_RESERVE: "运营机构准备金",
    AccountCode.PUBLIC_DEPOSITS: "公众存款",
    AccountCode.TREASURY_REVENUE: "国库分级次收入",
    AccountCode.OPENING: "期初假定余额",
    AccountCode.OPERATOR_OWN_FUNDS: "运营机构自有资金",
}
#: A word of small letters is capitalised, one of capitals and digits stays: no two names become one.
_WORD = re.compile(r"[a-z]{2,}|[A-Z0-9]+")
_LINK = re.compile(r"[A-Za-z0-9\-_/.]+")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}

_HEAD = """\
;; The ledger of a simulated e-CNY scheme, as the books of the central bank: liabilities are what it owes to
;; holders, operators and treasuries, the issued e-CNY is its asset, the outside world is equity.
;; A debit is positive. Days are days of Beijing.
"""


def lines(store: Store, snapshot: Snapshot) -> Iterator[str]:
    """Commodities, accounts, transfers, and at the end one balance assertion an account, exact to the fen."""
    yield from _HEAD.splitlines(keepends=True)
    yield 'option "title" "ecny-tax"\n'
    opened = _first_days(store)
    first = min(opened.values(), default=None)
    for ledger, commodity in _COMMODITY.items() if first else ():
        english, chinese = _COMMODITY_NAMES[ledger]
        yield f"\n{first} commodity {commodity}\n"
        yield f'  name: "{english}"\n'
        yield f'  name-zh: "{chinese}"\n'
    for account in snapshot.accounts:
        yield from _open_directive(account, opened[account.id])
    by_id = {account.id: account_name(account) for account in snapshot.accounts}
    for transfer in transfers(store, snapshot):
        yield from _transaction(transfer, by_id)
    yield "\n"
    day = _day_after(snapshot)
    for account in snapshot.accounts:
        balance, commodity = yuan_text(account.debits - account.credits), _COMMODITY[Ledger(account.ledger)]
        yield f"{day} balance {by_id[account.id]} {balance} ~ 0.00 {commodity}\n"


def account_name(account: AccountRow) -> str:
    """The name of an account in Beancount, such as ``Liabilities:Wallet:0021000000000001``.

    A name that could not be written so (none of the chart) becomes its number, as ``Liabilities:Id-12``.
    """
    root = _ROOTS.get(AccountCode(account.code), "Liabilities")
    words = account.name.split(":")
    if not all(_WORD.fullmatch(word) for word in words):
        return f"{root}:Id-{account.id}"
    return ":".join(
        [root, *(word if word[0].isdigit() or word.isupper() else word.title() for word in words)]
    )


def _open_directive(account: AccountRow, day: date) -> Iterator[str]:
    code = AccountCode(account.code)
    yield f"\n{day} open {account_name(account)} {_COMMODITY[Ledger(account.ledger)]}\n"
    yield f'  name: "{_escaped(account.name)}"\n'
    yield f'  name-zh: "{_NAMES_ZH[code]}"\n'
    yield f'  kind: "{code.name.lower()}"\n'
    yield f'  opened-at: "{_time(account.opened_at)}"\n'
    if account.flags & AccountFlags.CLOSED:
        yield "  closed: TRUE\n"


def _transaction(transfer: TransferRow, names: dict[int, str]) -> Iterator[str]:
    link = f" ^{transfer.user_data}" if _LINK.fullmatch(transfer.user_data) else ""
    amount, commodity = yuan_text(transfer.amount), _COMMODITY[Ledger(transfer.ledger)]
    yield f'\n{_day(transfer.posted_at)} * "{transfer.kind}"{link}\n'
    yield f'  transfer-id: "{transfer.id.hex()}"\n'
    yield f'  time: "{_time(transfer.posted_at)}"\n'
    yield f'  user-data: "{_escaped(transfer.user_data)}"\n'
    yield f"  {names.get(transfer.debit)}  {amount} {commodity}\n"
    yield f"  {names.get(transfer.credit)}  -{amount} {commodity}\n"


def _first_days(store: Store) -> dict[int, date]:
    """When each account opened, or was first used: a clock may be set back between the two."""
    first_use = (
        "(SELECT posted_at FROM transfer WHERE {side}_account_id = a.id ORDER BY seq LIMIT 1)"  # by its index
    )
    with store.reading() as tx:
        rows = tx.stream(
            f"SELECT id, opened_at, coalesce({first_use.format(side='debit')}, opened_at),"
            f" coalesce({first_use.format(side='credit')}, opened_at) FROM account a"
        )
        return {row[0]: _day(min(row[1:])) for row in rows}


def _day_after(snapshot: Snapshot) -> date:
    """The day after the last transfer and the last opening."""
    return _day(max([snapshot.newest or 0, *(a.opened_at for a in snapshot.accounts)])) + timedelta(days=1)


def _day(time: int) -> date:
    return from_micros(time).date()


def _time(time: int) -> str:
    return from_micros(time).isoformat(timespec="microseconds")


def _escaped(text: str) -> str:
    """Text as it may stand in quotes; control characters are spelled out."""
    plain = "".join(char if char.isprintable() or char in _ESCAPES else repr(char)[1:-1] for char in text)
    return "".join(_ESCAPES.get(char, char) for char in plain)
