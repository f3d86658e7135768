"""Accounts, transfers and results.  The words are TigerBeetle's, since the field knows them.

An account has two counters that only grow, what was debited and what was credited, in fen.  A transfer
adds its amount to the debits of one account and the credits of another, of the same asset.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag, StrEnum

#: Counters and amounts are kept in signed 64-bit columns.
MAX_COUNTER = 2**63 - 1
#: Events of one batch, as in TigerBeetle's largest message.
MAX_BATCH = 8189
#: Where several write side by side, each takes its time first and its number last: by so much (µs) a transfer
#: may then be older than one with a smaller number.
MAX_DISORDER = 60_000_000


class Ledger(IntEnum):
    """The two assets; a transfer never crosses them."""

    ECNY = 1  # 数字人民币
    DEPOSITS = 2  # 存款：钱包体系之外的银行存款


class AccountCode(IntEnum):
    """What an account stands for."""

    ISSUANCE = 1  # 发行库
    OPERATOR_VAULT = 2  # 银行库
    WALLET = 3  # 钱包
    COLLECTION = 4  # 待报解预算收入
    LIEN = 5  # 圈存：离线支付的装载
    RESERVE_BACKING = 10  # 人民银行持有的发行准备
    OPERATOR_RESERVE = 11  # 运营机构准备金
    PUBLIC_DEPOSITS = 12  # 公众存款（外部世界）
    TREASURY_REVENUE = 13  # 国库分级次收入
    OPENING = 14  # 期初假定余额的对方科目
    OPERATOR_OWN_FUNDS = 15  # 运营机构自有资金：支付钱包利息


def account_kind(code: int) -> str:
    """What an account stands for, in a word."""
    try:
        return AccountCode(code).name.lower()
    except ValueError:  # only a tool that goes around the library writes another one
        return f"code_{code}"


class TransferCode(IntEnum):
    """Why money moved."""

    OPENING_BALANCE = 1  # 期初假定余额
    ISSUE = 2  # 发行：发行库 → 银行库
    REDEEM = 3  # 回笼：银行库 → 发行库
    RESERVE_TO_BACKING = 4
    BACKING_TO_RESERVE = 5
    TOP_UP = 6  # 兑出：存款 → 数字人民币
    CASH_OUT = 7  # 兑回：数字人民币 → 存款
    WALLET_TRANSFER = 8  # 转账
    TAX_PAYMENT = 9  # 缴款
    REVERSAL = 10  # 冲正
    REFUND = 11  # 退税
    SET_OFF = 12  # 抵缴
    REVENUE_TO_BACKING = 13  # 国库退付资金
    INTEREST = 14  # 多缴税款利息
    LOAD = 15  # 装载：钱包 → 圈存
    RELEASE = 16  # 解圈：圈存 → 钱包
    SUB_WALLET = 17  # 子钱包划转：母钱包 ↔ 子钱包
    WALLET_INTEREST = 18  # 钱包利息：自有资金 → 准备金，银行库 → 钱包
    ALLOCATION = 19  # 报解：待报解预算收入 → 发行库
    BACKING_TO_REVENUE = 20  # 报解入库：发行准备 → 分级次收入
    ADJUSTMENT = 21  # 调账：对账后退回钱包
    VOID = 22  # 作废号：取了序号而未用，金额为零，使流水无缺号


class AccountFlags(IntFlag):
    NONE = 0
    DEBITS_MUST_NOT_EXCEED_CREDITS = 1
    CREDITS_MUST_NOT_EXCEED_DEBITS = 2
    CLOSED = 4


class TransferFlags(IntFlag):
    NONE = 0
    #: Succeeds or fails together with the next transfer of the batch.
    LINKED = 1


@dataclass(frozen=True, slots=True)
class Account:
    """An account; ``debits`` and ``credits`` are counters in fen that only grow."""

    id: int
    name: str
    ledger: int
    code: int
    flags: int = 0
    debits: int = 0
    credits: int = 0

    @property
    def credit_balance(self) -> int:
        """Credits less debits: what a wallet, vault or treasury holds."""
        return self.credits - self.debits


@dataclass(frozen=True, slots=True)
class Transfer:
    """A wish to move ``amount`` fen from the debit account to the credit account.

    ``id`` is chosen by the caller (128 bits, time-ordered); ``user_data`` names the business record.
    """

    id: int
    debit_account_id: int
    credit_account_id: int
    amount: int
    ledger: int
    code: int
    flags: int = 0
    user_data: str = ""


class Result(StrEnum):
    """What became of a transfer, in TigerBeetle's order of precedence."""

    CREATED = "created"
    LINKED_EVENT_FAILED = "linked_event_failed"
    LINKED_EVENT_CHAIN_OPEN = "linked_event_chain_open"
    ID_MUST_NOT_BE_ZERO = "id_must_not_be_zero"
    EXISTS_WITH_DIFFERENT_FLAGS = "exists_with_different_flags"
    EXISTS_WITH_DIFFERENT_DEBIT_ACCOUNT_ID = "exists_with_different_debit_account_id"
    EXISTS_WITH_DIFFERENT_CREDIT_ACCOUNT_ID = "exists_with_different_credit_account_id"
    EXISTS_WITH_DIFFERENT_AMOUNT = "exists_with_different_amount"
    EXISTS_WITH_DIFFERENT_USER_DATA = "exists_with_different_user_data"
    EXISTS_WITH_DIFFERENT_LEDGER = "exists_with_different_ledger"
    EXISTS_WITH_DIFFERENT_CODE = "exists_with_different_code"
    EXISTS = "exists"
    DEBIT_ACCOUNT_ID_MUST_NOT_BE_ZERO = "debit_account_id_must_not_be_zero"
    CREDIT_ACCOUNT_ID_MUST_NOT_BE_ZERO = "credit_account_id_must_not_be_zero"
    ACCOUNTS_MUST_BE_DIFFERENT = "accounts_must_be_different"
    LEDGER_MUST_NOT_BE_ZERO = "ledger_must_not_be_zero"
    CODE_MUST_NOT_BE_ZERO = "code_must_not_be_zero"
    DEBIT_ACCOUNT_NOT_FOUND = "debit_account_not_found"
    CREDIT_ACCOUNT_NOT_FOUND = "credit_account_not_found"
    ACCOUNTS_MUST_HAVE_THE_SAME_LEDGER = "accounts_must_have_the_same_ledger"
    TRANSFER_MUST_HAVE_THE_SAME_LEDGER_AS_ACCOUNTS = "transfer_must_have_the_same_ledger_as_accounts"
    DEBIT_ACCOUNT_ALREADY_CLOSED = "debit_account_already_closed"
    CREDIT_ACCOUNT_ALREADY_CLOSED = "credit_account_already_closed"
    OVERFLOWS_DEBITS = "overflows_debits"
    OVERFLOWS_CREDITS = "overflows_credits"
    EXCEEDS_CREDITS = "exceeds_credits"
    EXCEEDS_DEBITS = "exceeds_debits"
