"""What a class does without network: loading before, two screens and their codes, redemption, a copy
caught."""

from __future__ import annotations

from ecny_tax.money import yuan
from ecny_tax.offline.device import Device
from ecny_tax.offline.evidence import verify_evidence
from ecny_tax.offline.model import Redemption, VoucherStatus
from ecny_tax.offline.terminal import Terminal
from ecny_tax.scenarios.classroom_model import Actor
from ecny_tax.scenarios.classroom_stage import Stage, Talk, Told, assumed
from ecny_tax.scenarios.story import grouped
from ecny_tax.taxes.model import Bill

_AMOUNT = yuan("1000.00")

_COMPANY, _OPERATOR = Actor.COMPANY, Actor.OPERATOR
_DEVICE, _TERMINAL, _SECOND = Actor.DEVICE, Actor.TERMINAL, Actor.SECOND_TERMINAL

# --- 离线装载 -------------------------------------------------------------------------------------------

_ASKS_TO_LOAD = assumed(
    _COMPANY,
    _OPERATOR,
    ("set {amount} yuan aside and load my device with it", "请圈存 {amount} 元并装载我的设备"),
)
_LOADED = assumed(
    _OPERATOR,
    _DEVICE,
    (
        "certificates, and load {load}: {amount} yuan, to be spent by {until}",
        "证书及装载 {load}：{amount} 元，{until} 前使用",
    ),
)


def load(stage: Stage, talk: Talk) -> Told:
    talk.say(_ASKS_TO_LOAD, amount=grouped(_AMOUNT))
    if stage.device.state.certificate is None:
        stage.s.offline.enroll(device=stage.device, wallet_id=stage.company_wallet)
    loaded = stage.s.offline.load(device=stage.device, amount=_AMOUNT)
    until = f"{loaded.spend_by:%Y-%m-%d %H:%M}"
    talk.say(_LOADED, load=loaded.load_id, amount=grouped(loaded.amount), until=until)
    return (
        f"{grouped(loaded.amount)} yuan are set aside in the ledger and loaded on the device until {until}.",
        f"账本中圈存 {grouped(loaded.amount)} 元并装载到设备，{until} 前可用。",
    )


# --- 断网与恢复 -----------------------------------------------------------------------------------------


def cut(stage: Stage, _talk: Talk) -> Told:
    if not stage.network:
        return "The network is off already.", "网络已处于断开状态。"
    stage.network = False
    return (
        "The network is off: device and terminal see nothing but each other's screens.",
        "网络断开：设备与终端只能看到彼此的屏幕。",
    )


def restore(stage: Stage, _talk: Talk) -> Told:
    if stage.network:
        return "The network is on already.", "网络本来就是通的。"
    stage.network = True
    waiting = len(stage.terminal.queue()) + len(stage.second_terminal.queue())
    return (
        f"The network is back; vouchers that wait in the terminals: {waiting}.",
        f"网络恢复；终端中待兑付凭证：{waiting} 张。",
    )


# --- 收款码、付款码、暂时受理 ---------------------------------------------------------------------------

_REQUEST: Told = (
    "payment request: {amount} yuan for bill {bill}, signed by the terminal",
    "收款请求：应征凭证 {bill}，{amount} 元，终端签名",
)
_VOUCHER: Told = (
    "voucher {voucher} over {amount} yuan, signed by the device",
    "离线凭证 {voucher}，{amount} 元，设备签名",
)
_RECEIPT: Told = (
    "provisional receipt: the tax is not paid before redemption",
    "暂收回执：兑付之前税款未视为已缴",
)


def ask(stage: Stage, talk: Talk) -> Told:
    bill = stage.asked or stage.next_bill()
    request = stage.terminal.request(bill_no=bill.bill_no, amount=bill.total, at=stage.clock.now())
    stage.asked, stage.request = bill, request
    amount = grouped(bill.total)
    talk.show(assumed(_TERMINAL, _DEVICE, _REQUEST), request.to_text(), amount=amount, bill=bill.bill_no)
    return (
        f"The terminal shows a code: {amount} yuan for bill {bill.bill_no}.",
        f"终端出示收款码：应征凭证 {bill.bill_no}，{amount} 元。",
    )


def hand_over(stage: Stage, talk: Talk) -> Told:
    if stage.request is None or stage.asked is None:
        return "The terminal shows no code to pay.", "终端没有出示收款码。"
    amount = grouped(stage.asked.total)
    voucher = stage.device.pay(stage.request, at=stage.clock.now())
    stage.voucher = voucher
    name = voucher.voucher_id
    talk.show(assumed(_DEVICE, _TERMINAL, _VOUCHER), voucher.to_text(), voucher=name, amount=amount)
    return (
        f"The device has checked the request, burnt a counter and signed voucher {name}.",
        f"设备核验收款请求，消耗一个计数，签发凭证 {name}。",
    )


def accept(stage: Stage, talk: Talk) -> Told:
    if stage.voucher is None:
        return "The device shows no voucher.", "设备没有出示付款码。"
    accepted = stage.terminal.accept(stage.voucher.to_text(), at=stage.clock.now())
    stage.asked = stage.request = stage.voucher = None
    talk.show(assumed(_TERMINAL, _DEVICE, _RECEIPT), accepted.receipt.to_text())
    return (
        f"Voucher {accepted.voucher_id} is genuine and queued: accepted provisionally, not yet paid.",
        f"凭证 {accepted.voucher_id} 真实有效，已入队：仅为暂时受理，尚未缴款。",
    )


# --- 复制设备 -------------------------------------------------------------------------------------------


def copy(stage: Stage, talk: Talk) -> Told:
    """The copy pays first, and the smaller bill is the original's: where one of the two cannot pay, the
    original has signed nothing."""
    copied = stage.device.copied()
    stage.closing_time.callback(copied.close)
    smaller, larger = sorted((stage.next_bill(), stage.next_bill()), key=lambda bill: bill.total)
    second = _pay_at(stage, talk, copied, (stage.second_terminal, _SECOND), larger)
    first = _pay_at(stage, talk, stage.device, (stage.terminal, _TERMINAL), smaller)
    return (
        f"Device and copy paid at two terminals with one counter: {first}, {second}. Both are accepted"
        " provisionally: no terminal knows what the other has seen.",
        f"设备与其复制品以同一计数在两台终端支付：{first}、{second}。均获暂时受理：终端之间互不知情。",
    )


def _pay_at(stage: Stage, talk: Talk, device: Device, hall: tuple[Terminal, Actor], bill: Bill) -> str:
    """Request, voucher and provisional acceptance; answers the number of the voucher."""
    (terminal, actor), now, amount = hall, stage.clock.now(), grouped(bill.total)
    request = terminal.request(bill_no=bill.bill_no, amount=bill.total, at=now)
    talk.show(assumed(actor, _DEVICE, _REQUEST), request.to_text(), amount=amount, bill=bill.bill_no)
    voucher = device.pay(request, at=now)
    name, text = voucher.voucher_id, voucher.to_text()
    talk.show(assumed(_DEVICE, actor, _VOUCHER), text, voucher=name, amount=amount)
    terminal.accept(text, at=now)
    return name


# --- 兑付 -----------------------------------------------------------------------------------------------

_HANDS_IN: Told = ("hands in vouchers to be redeemed: {count}", "提交凭证兑付：{count} 张")
_SETTLED: Told = (
    "voucher {voucher} is redeemed: {amount} yuan to the collection account, the bill is paid",
    "凭证 {voucher} 已兑付：{amount} 元划至待报解预算收入，税款已缴",
)
_NOT_PAID: Told = ("voucher {voucher} is not redeemed ({code})", "凭证 {voucher} 未兑付（{code}）")
_CAUGHT: Told = (
    "voucher {voucher} is disputed: the device signed counter {counter} twice, and here is the evidence",
    "凭证 {voucher} 有争议：设备对计数 {counter} 签名两次，附双花证据",
)
_STOPPED = assumed(
    _OPERATOR,
    _COMPANY,
    ("device {device} is revoked and the wallet stopped", "设备 {device} 已吊销，钱包已停付"),
)
_LISTED = tuple(
    assumed(
        Actor.CENTRAL_BANK, hall, ("the new revocation list names the device", "新的吊销列表已列入该设备")
    )
    for hall in (_TERMINAL, _SECOND)
)


def redeem(stage: Stage, talk: Talk) -> Told:
    results: list[Redemption] = []
    for terminal, actor in ((stage.terminal, _TERMINAL), (stage.second_terminal, _SECOND)):
        waiting = len(terminal.queue()) + len(terminal.evidence(new=True))
        if not waiting:
            continue
        talk.say(assumed(actor, _OPERATOR, _HANDS_IN), count=waiting)
        for result in stage.s.offline.redeem_terminal(terminal=terminal):
            results.append(result)
            _answer(stage, talk, actor, result)
    if not results:
        return "No voucher waits in a terminal.", "终端中没有待兑付的凭证。"
    for terminal in (stage.terminal, stage.second_terminal):
        terminal.renew(stage.s.offline.trust())  # the first one was online before the second was
    settled = sum(result.status is VoucherStatus.SETTLED for result in results)
    disputed = sum(result.status is VoucherStatus.DISPUTED for result in results)
    rest = len(results) - settled - disputed
    told = f"Redeemed: {settled}.", f"已兑付：{settled} 张。"
    if rest:
        told = f"{told[0]} Not paid: {rest}.", f"{told[1]}未兑付：{rest} 张。"
    if not disputed:
        return told
    talk.say(*_LISTED)
    return (
        f"{told[0]} Disputed, since spent twice: {disputed}. The device is revoked and the wallet stopped;"
        " the root certificate alone proves it.",
        f"{told[1]}有争议（双花）：{disputed} 张。设备已吊销，钱包已停付；仅凭根证书即可证明。",
    )


def _answer(stage: Stage, talk: Talk, hall: Actor, result: Redemption) -> None:
    """What the operator answers about one voucher."""
    if result.evidence is not None:
        proof = verify_evidence(result.evidence, stage.terminal.trust.root)
        stage.caught = result.voucher_id
        talk.say(assumed(_OPERATOR, hall, _CAUGHT), voucher=result.voucher_id, counter=proof.counter)
        talk.say(_STOPPED, device=proof.device_id)
    elif result.payment_no is not None:
        stage.take_receipt(stage.s.payments.show(payment_no=result.payment_no))
        amount = grouped(result.amount or 0)
        talk.say(assumed(_OPERATOR, hall, _SETTLED), voucher=result.voucher_id, amount=amount)
    else:
        talk.say(assumed(_OPERATOR, hall, _NOT_PAID), voucher=result.voucher_id, code=result.code)
