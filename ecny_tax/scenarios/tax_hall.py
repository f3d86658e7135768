"""A tax hall without network: payment by device, redemption when the network is back, a copied device caught.

The company of the Heshan story pays stamp duty at a terminal that is cut off; what the terminal accepts is
provisional until it has been redeemed.  Then somebody copies the device, and spends twice.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta

from ecny_tax.money import Fen, yuan
from ecny_tax.offline.device import Device
from ecny_tax.offline.evidence import verify_evidence
from ecny_tax.offline.terminal import Terminal
from ecny_tax.sandbox import Sandbox
from ecny_tax.scenarios.heshan import COMPANY, COMPANY_ID
from ecny_tax.scenarios.story import Step, Story, grouped
from ecny_tax.store.simulated_clock import SimulatedClock
from ecny_tax.taxes.model import Bill

_HALL, _COMPANY, _NETWORK = ("the tax hall", "办税厅"), ("the company", "公司"), ("the operator", "运营机构")
_THIEF, _ANYBODY = ("whoever copied the device", "复制设备者"), ("anybody", "任何人")


def tax_hall(s: Sandbox) -> Iterator[Step]:
    """Play the story on a fresh sandbox whose clock stands still; yields each step as it ends."""
    story, clock = Story(), s.clock
    random_bytes = random.Random("tax hall").randbytes  # noqa: S311 - the same story every time
    wallet = s.wallets.open(
        kind="corporate", name=COMPANY, id_number=COMPANY_ID, operator="ICBC", fund=yuan(20000)
    )
    device = Device.create(random_bytes=random_bytes)

    def prepare() -> Fen:
        s.offline.enroll(device=device, wallet_id=wallet.wallet_id)
        return s.offline.load(device=device, amount=yuan(3000)).lien

    loaded = story.do(prepare)
    yield story.step(
        ("Enroll a device and load it, while there is a network", "联网时注册设备并装载"),
        _COMPANY,
        (
            f"{grouped(loaded)} yuan are set aside in the wallet, to be spent within 24 hours",
            f"钱包中圈存 {grouped(loaded)} 元，24 小时内可用",
        ),
        moved=(f"wallet → lien {grouped(loaded)}", f"钱包 → 圈存 {grouped(loaded)}"),
        fee=Fen(0),
    )
    terminal = s.offline.terminal(random_bytes=random_bytes)
    bills = [_bill(s, wallet.wallet_id, base) for base in (1_000_000, 500_000, 800_000)]

    yield from _without_network(story, device, terminal, bills[0], clock)

    clock.advance(timedelta(minutes=20))
    (settled,) = story.do(lambda: s.offline.redeem_terminal(terminal=terminal))
    paid = s.taxes.bill(bill_no=bills[0].bill_no)
    yield story.step(
        ("The network is back: the terminal redeems its queue", "网络恢复：终端兑付队列"),
        _HALL,
        (
            f"voucher {settled.voucher_id}: {settled.status}; bill {paid.bill_no}: {paid.status}",
            f"凭证 {settled.voucher_id} 已兑付；应征凭证 {paid.bill_no} 已缴清",
        ),
        moved=(
            f"lien → collection account {grouped(paid.total)}",
            f"圈存 → 待报解预算收入 {grouped(paid.total)}",
        ),
        fee=Fen(0),
    )

    yield from _double_spend(s, story, device, terminal, bills[1:], clock)

    found = story.do(s.ledger.verify)
    vouchers = s.offline.check_vouchers()
    if not (found.ok and vouchers.ok and settled.status == "settled" and paid.status == "paid"):
        raise AssertionError("the story does not hold")
    yield story.step(
        ("Verify the ledger and every voucher", "核验账本与每张凭证"),
        _ANYBODY,
        (
            f"{found.transfers} transfers, {len(found.checks) + 1} checks, all promises hold",
            f"{found.transfers} 笔转账，{len(found.checks) + 1} 项核验，全部承诺成立",
        ),
    )


def _without_network(
    story: Story, device: Device, terminal: Terminal, bill: Bill, clock: SimulatedClock
) -> Iterator[Step]:
    """Request, payment and acceptance: device and terminal alone."""
    request = story.do(lambda: terminal.request(bill_no=bill.bill_no, amount=bill.total, at=clock.now()))
    yield story.step(
        ("No network: the terminal asks for the stamp duty", "无网络：终端发起收款请求"),
        _HALL,
        (
            f"{grouped(bill.total)} yuan for bill {bill.bill_no}, signed by the terminal",
            f"应征凭证 {bill.bill_no}，{grouped(bill.total)} 元，终端签名",
        ),
    )
    voucher = story.do(lambda: device.pay(request, at=clock.now()))
    text = voucher.to_text()
    yield story.step(
        ("The device checks the request and signs a voucher", "设备核验请求并签发离线凭证"),
        _COMPANY,
        (
            f"voucher {voucher.voucher_id}, {len(text)} characters, one QR code",
            f"凭证 {voucher.voucher_id}，{len(text)} 个字符，一个二维码",
        ),
    )
    accepted = story.do(lambda: terminal.accept(text, at=clock.now()))
    yield story.step(
        ("The terminal checks it and accepts it provisionally", "终端核验并暂时受理"),
        _HALL,
        (
            f"{accepted.voucher_id}: genuine and queued; the tax is not paid before it is redeemed",
            f"{accepted.voucher_id} 真实有效，已入队；兑付前税款未视为已缴",
        ),
    )


def _double_spend(
    s: Sandbox,
    story: Story,
    device: Device,
    terminal: Terminal,
    bills: list[Bill],
    clock: SimulatedClock,
) -> Iterator[Step]:
    """Two copies of one device pay two terminals, which cannot know of each other."""
    elsewhere = s.offline.terminal(random_bytes=random.Random("elsewhere").randbytes)  # noqa: S311
    copy = story.do(device.copied)
    now = clock.now()
    vouchers = []
    for payer, hall, bill in ((device, terminal, bills[0]), (copy, elsewhere, bills[1])):
        request = hall.request(bill_no=bill.bill_no, amount=bill.total, at=now)
        vouchers.append(payer.pay(request, at=now))
        hall.accept(vouchers[-1].to_text(), at=now)
    yield story.step(
        ("Somebody copies the device and pays in two tax halls", "有人复制设备，在两个办税厅支付"),
        _THIEF,
        (
            "both terminals accept: neither can know offline what the other has seen",
            "两台终端均暂时受理：离线时互不知情",
        ),
    )
    first = s.offline.redeem_terminal(terminal=terminal)[0]
    second = story.do(lambda: s.offline.redeem_terminal(terminal=elsewhere))[0]
    if first.status != "settled" or second.evidence is None:
        raise AssertionError("the story does not hold")
    yield story.step(
        ("Redemption: the first voucher stands, the second is caught", "兑付：第一张有效，第二张被查出"),
        _NETWORK,
        (
            f"{first.voucher_id}: settled; {second.voucher_id}: {second.status}; the device is revoked"
            " and the wallet stopped",
            f"{first.voucher_id} 已兑付；{second.voucher_id} 有争议；设备已吊销，钱包已停付",
        ),
        refused=second.code,
    )
    evidence = second.evidence
    proof = story.do(lambda: verify_evidence(evidence, terminal.trust.root))
    yield story.step(
        ("The evidence verifies with the root certificate alone", "仅凭根证书即可核验双花证据"),
        _ANYBODY,
        (
            f"device {proof.device_id} signed counter {proof.counter} twice: {proof.first}, {proof.second}",
            f"设备 {proof.device_id} 以计数 {proof.counter} 签名两次：{proof.first}、{proof.second}",
        ),
    )
    now = clock.advance(timedelta(minutes=1))
    terminal.renew(s.offline.trust())
    third = terminal.request(bill_no=bills[1].bill_no, amount=bills[1].total, at=now)
    refused = device.pay(third, at=now).to_text()
    refusal = story.refusal("certificate_revoked", lambda: terminal.accept(refused, at=now))
    yield story.refused(
        ("Pay once more with the device, at a terminal that was online", "用该设备在已联网的终端再次支付"),
        _HALL,
        refusal,
    )


def _bill(s: Sandbox, wallet_id: str, base: int) -> Bill:
    return s.taxes.declare_stamp_duty(wallet_id=wallet_id, item="sale_contract", base=yuan(base))
