"""The words of tables: labels of fields, and values from closed lists, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping

from ecny_tax.cli.labels import LABELS
from ecny_tax.errors import Language
from ecny_tax.parties.model import ERASED, ERASED_ZH

_VALUES = {
    "active": "正常",
    "stopped": "保护性停付",
    "frozen": "冻结",
    "closed": "已注销",
    "personal": "个人",
    "corporate": "对公",
    "online_unverified": "网签未验证",
    "paper_unverified": "纸签未验证",
    "verified": "验证通过",
    "verification_failed": "验证失败",
    "terminated": "已终止",
    "locked": "已锁定",
    "open": "未缴",
    "paid": "已缴",
    "cancelled": "已作废",
    "settled": "已缴款",
    "reversed": "已冲正",
    "real_time_debit": "实时扣税",
    "batch_debit": "批量扣税",
    "in_progress": "办理中",
    "scan_to_pay": "扫码缴税",
    "tax_review": "税务审核中",
    "tax_refused": "税务审核不通过",
    "treasury_processing": "国库处理中",
    "completed": "国库处理完成",
    "treasury_failed": "国库退库失败",
    "withdrawn": "已撤销",
    "top_up": "兑出",
    "cash_out": "兑回",
    "wallet_transfer": "转账",
    "wallet_interest": "钱包利息",
    "interest": "利息",
    "full": "全额",
    "deposit_reserve_base": "计入存款准备金基数",
    "sub_wallet": "子钱包划转",
    "tax_payment": "缴款",
    "reversal": "冲正",
    "transfer": "转账",
    "opening": "期初余额",
    "closing": "期末余额",
    "annual_settlement": "汇算清缴",
    "paid_in_error": "误收多缴",
    "overpaid": "多缴",
    "relief_granted": "享受减免",
    "other": "其他",
    "payment": "缴款",
    "refund": "退税",
    "central_bank": "中央银行",
    "operator": "运营机构",
    "tax_authority": "税务机关",
    "treasury": "国库",
    "stamp-duty": "印花税",
    "income-tax": "个人所得税",
    "central": "中央",
    "province": "省",
    "city": "市",
    "county": "县",
    "law": "法规原文",
    "published": "公开发布",
    "secondary": "二手资料",
    "code": "公开代码",
    "assumption": "本项目假设",
    "unverified": "未核实",
    "merge": "并入综合所得",
    "separate": "单独计税",
    "equal": "两者相同",
    "month": "每月",
    "year": "每年",
    "child": "每个子女",
    "person": "每人",
    "nothing_due": "无需补税",
    "not_withheld_properly": "未依法预扣预缴",
    "gross_within_limit": "年收入未超过限额",
    "balance_within_limit": "补税未超过限额",
    "tax_due": "应补税",
    "stated": "申报数据",
    "recorded": "扣缴记录",
    "late_fee": "滞纳金",
    "tax": "税款",
    "household": "家庭",
    "named": "涉及对象相同者",
    "nobody": "不分摊",
    "load": "圈存",
    "release": "解圈",
    "offline": "离线支付",
    "provisional": "暂时受理",
    "refused": "不予受理",
    "rejected": "不予兑付",
    "disputed": "有争议",
    "unloaded": "已卸载",
    "released": "已解圈",
    "revoked": "已吊销",
    "lost": "丢失",
    "stolen": "被盗",
    "replaced": "更换",
    "form": "形式",
    "chain": "证书链",
    "validity": "有效期",
    "limits": "限额",
    "request": "收款请求",
    "revocation": "吊销",
    "store": "留存",
    "root certificate": "根证书",
    "operator certificate": "运营机构证书",
    "authority certificate": "税务机关证书",
    "device certificate": "设备证书",
    "terminal certificate": "终端证书",
    "load certificate": "装载证书",
    "revocation list": "吊销列表",
    "voucher": "离线凭证",
    "provisional receipt": "暂收回执",
    "unload statement": "卸载声明",
    "trust": "信任文件",
    "request with its chain": "收款请求及其证书链",
    "voucher with its chain": "离线凭证及其证书链",
    "evidence": "双花证据",
    "provisional receipt with its chain": "暂收回执及其证书链",
    "done": "已办理",
    "trace": "溯源",
    "identity": "身份",
    "identify": "查询身份",
    "open_phone": "开启手机号",
    "open_identity": "开启身份",
    "stop": "保护性停付",
    "resume": "解除停付",
    "freeze": "冻结",
    "unfreeze": "解除冻结",
    "down": "去向",
    "up": "来源",
    "both": "双向",
    "phone": "手机号",
    "wallet": "钱包",
    "lien": "圈存",
    "collection": "待报解预算收入",
    "operator_vault": "银行库",
    "issuance": "发行库",
    "court": "法院",
    "public_security": "公安机关",
    "anti_fraud_centre": "反诈中心",
    "fraud_victim": "疑似受骗",
    "fraud_proceeds": "疑似涉诈资金",
    "taken_over": "疑似被盗用",
    "double_spend": "离线重复支付",
    "unload statement with its chain": "卸载声明及其证书链",
    "adjustment": "调账",
    "void": "作废号",
    "answer_lost": "回执丢失",
    "answer_late": "回执超时",
    "delivered_twice": "报文重复",
    "operator_outage": "机构中断",
    "operator_rollback": "机构回滚",
    "both_failed": "双方失败",
    "waiting": "等待中",
    "struck": "已发生",
    "succeeded": "成功",
    "failed": "失败",
    "give_back": "退回钱包",
    "debit_now": "补扣",
    "given_back": "已退回钱包",
    "debited": "已补扣",
    "struck_out": "国库已冲销",
    "left": "未处理",
}


#: What a sub-wallet is for; elsewhere the same words mean something else.
_PURPOSES = {
    "limited": "限额支付",
    "conditional": "条件支付",
    "pushed": "推送平台",
    "collection": "归集",
    "distribution": "分发",
}

#: Fields that hold one of a closed list; any other may hold what a user wrote.
_CLOSED = {
    "status", "kind", "mode", "budget_level", "by", "tax", "reason", "failure_code", "evidence", "basis",
    "bonus_mode", "better", "must_settle_reason", "paid", "for_each", "not_with_for", "shared_among",
    "check", "bank_reserve", "non_bank_reserve", "treasury_status", "operator_status", "mend", "outcome",
    "action", "direction", "may_open", "stop_reason", "stopped_by",
}  # fmt: skip
#: What a word says of loads and vouchers, where it says something else of bills and payments.
_OFFLINE = {"open": "可用", "settled": "已兑付"}
_OF_OFFLINE = {"load_id", "voucher_id", "terminal_id"}

#: The fields of a treasury's days and reports, and what they hold; elsewhere some mean something else.
_TREASURY_LABELS = {
    "day": "日期",
    "first_day": "起始日",
    "collected": "已报解收入",
    "refunded": "已退库",
    "net": "净入库",
    "waiting": "待报解",
    "in_doubt": "存疑款项",
    "revenue": "各级次库款",
    "closed_until": "已报解至",
    "open_days": "未报解天数",
    "period_start": "起始日",
    "period_end": "截止日",
    "by": "汇总方式",
    "levels": "分级次",
    "closed_at": "报解时间",
    "tax": "税种",
    "level": "预算级次",
    "month": "月份",
    "treasuries": "国库",
}
_TREASURY_VALUES = {
    "closed": "已报解",
    "not_yet_closed": "未报解",
    "tax": "税种",
    "level": "预算级次",
    "day": "日",
    "month": "月",
}
_OF_TREASURY = {"collected", "waiting"}

#: What stands where a user wrote nothing, in a field that else holds what users write.
_DEFAULTS = {("person", "taxpayer"): "本人"} | {
    (key, ERASED): ERASED_ZH for key in ("name", "id_number", "taxpayer_id", "phone")
}


def label(
    key: str, language: Language, value: object = None, record: Mapping[str, object] | None = None
) -> str:
    """The label of a field; what it holds tells the name of a tax, or a way to pay, from an amount."""
    if language == "zh" and key == "evidence" and _is_offline(record):
        return "双花证据"
    if language == "zh" and _is_of_treasury(record) and key in _TREASURY_LABELS:
        return _TREASURY_LABELS[key]
    if language == "zh" and isinstance(value, str):
        if key == "tax" and value in _VALUES:
            return "税种"
        if key == "paid" and value not in _VALUES:
            return "已缴金额"
    if language == "zh" and key in LABELS:
        return LABELS[key]
    return key.removesuffix("_en").replace("_", " ")


def value_word(key: str, value: str, language: Language, record: Mapping[str, object] | None = None) -> str:
    """A value of a closed list in the reader's language; other text stays as it is."""
    if language != "zh":
        return value
    if (default := _DEFAULTS.get((key, value))) is not None:
        return default
    if key == "purpose":
        return _PURPOSES.get(value, value)
    if key == "details_differ":
        return LABELS.get(value, value)
    if key not in _CLOSED:
        return value
    own = _OFFLINE if _is_offline(record) else _TREASURY_VALUES if _is_of_treasury(record) else {}
    return own.get(value) or _VALUES.get(value, value)


def _is_offline(record: Mapping[str, object] | None) -> bool:
    """Whether a record is about a load, a voucher or a terminal."""
    return record is not None and not _OF_OFFLINE.isdisjoint(record)


def _is_of_treasury(record: Mapping[str, object] | None) -> bool:
    """Whether a record is about what a treasury collected."""
    return record is not None and not _OF_TREASURY.isdisjoint(record)
