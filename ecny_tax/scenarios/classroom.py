"""A class: a fresh sandbox on which actions are played one after another, each at any time.

The same seed, company and actions give the same class, so that an address can name one.  What is not possible
is refused by the library, and the refusal is what the action came to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import NamedTuple

from ecny_tax.errors import EcnyTaxError, InvalidInputError, UnavailableError
from ecny_tax.money import Fen, yuan
from ecny_tax.offline.model import RegisteredLoad
from ecny_tax.offline.terminal import Terminal
from ecny_tax.oversight.drawing import as_svg
from ecny_tax.qr import LEAST, qr_code
from ecny_tax.scenarios import classroom_audit as audit
from ecny_tax.scenarios import classroom_offline as offline
from ecny_tax.scenarios import classroom_online as online
from ecny_tax.scenarios.classroom_model import (
    Action,
    Actor,
    Event,
    Lesson,
    OfflineState,
    Paid,
    Purse,
    Standing,
)
from ecny_tax.scenarios.classroom_stage import PERSON, Stage, Talk, Told, opened
from ecny_tax.scenarios.heshan import COMPANY
from ecny_tax.scenarios.story import grouped
from ecny_tax.wallets.model import WalletStatus

#: The most actions of one class.
MOST_ACTIONS = 60
_A_MOMENT = timedelta(minutes=1)
_MOST_ENTRIES = 1000


class _Act(NamedTuple):
    """How an action is called, whether it needs the network, and what it does."""

    title: Told
    needs_network: bool
    do: Callable[[Stage, Talk], Told]


_ACTS: Mapping[Action, _Act] = {
    Action.SIGN: _Act(("Sign the three-party agreement", "签订三方协议"), True, online.sign),
    Action.PAY: _Act(("Pay stamp duty", "缴纳印花税"), True, online.pay),
    Action.REFUND: _Act(("Refund income tax", "个人所得税退税"), True, online.refund),
    Action.LOAD: _Act(("Load the device", "装载设备"), True, offline.load),
    Action.CUT: _Act(("Switch the network off", "断开网络"), False, offline.cut),
    Action.ASK: _Act(("The terminal asks", "终端出示收款码"), False, offline.ask),
    Action.HAND_OVER: _Act(("The device pays", "设备出示付款码"), False, offline.hand_over),
    Action.ACCEPT: _Act(("The terminal accepts", "终端暂时受理"), False, offline.accept),
    Action.RESTORE: _Act(("Switch the network on", "恢复网络"), False, offline.restore),
    Action.REDEEM: _Act(("Redeem the vouchers", "兑付离线凭证"), True, offline.redeem),
    Action.COPY: _Act(("Copy the device and spend twice", "复制设备，两处支付"), False, offline.copy),
    Action.CLOSE_DAY: _Act(("Close the treasury's day", "国库日终报解"), True, audit.close_day),
    Action.TRACE: _Act(("Trace under a legal instrument", "凭法律文书追踪"), True, audit.trace),
    Action.VERIFY: _Act(("Verify the ledger", "核验账本"), True, audit.verify),
}


_NAMES: Mapping[Actor, Told] = {
    Actor.COMPANY: ("company", "企业"),
    Actor.AUTHORITY: ("tax authority", "税务机关"),
    Actor.OPERATOR: ("operator", "运营机构"),
    Actor.PERSON: ("Mr Liang", "梁先生"),
    Actor.TREASURY: ("treasury", "国库"),
    Actor.CENTRAL_BANK: ("central bank", "人民银行"),
    Actor.DEVICE: ("device", "付款设备"),
    Actor.TERMINAL: ("terminal", "收款终端"),
    Actor.SECOND_TERMINAL: ("second terminal", "另一终端"),
    Actor.POLICE: ("police", "公安机关"),
}


def title_of(action: Action) -> Told:
    """How an action is called, in English and Chinese."""
    return _ACTS[action].title


def name_of(actor: Actor) -> Told:
    """Who sends or receives, in English and Chinese."""
    return _NAMES[actor]


def play(*, seed: int, company: str = COMPANY, actions: Sequence[Action]) -> Lesson:
    """Play a class from its beginning; ``company`` is the name of the company.

    Raises ``InvalidInputError``: ``class_too_long`` for more than ``MOST_ACTIONS`` actions,
    ``name_malformed`` for a name that no wallet can have.  What an action is refused stands in its event.
    """
    if len(actions) > MOST_ACTIONS:
        raise InvalidInputError("class_too_long", count=len(actions), most=MOST_ACTIONS)
    with opened(seed=seed, company=company) as stage:
        newest, events = stage.s.status().transfers, []
        for action in actions:
            event = _event(stage, action, newest)
            newest = event.entries[-1].seq if event.entries else newest
            events.append(event)
        return Lesson(seed, stage.company, tuple(events), _standing(stage))


def _event(stage: Stage, action: Action, newest: int) -> Event:
    """One action, a moment after the last; ``newest`` is the number of the last transfer before it."""
    act, talk, refusal, caught = _ACTS[action], Talk(), None, stage.caught
    stage.clock.advance(_A_MOMENT)
    try:
        if act.needs_network and not stage.network:
            raise UnavailableError("network_is_off")
        outcome = act.do(stage, talk)
    except EcnyTaxError as error:
        refusal = _to_be_kept(error)
        outcome = refusal.message("en"), refusal.message("zh")
        talk.refuse(refusal)
    entries = stage.s.ledger.transfers(after=newest, limit=_MOST_ENTRIES)
    return Event(
        action,
        *act.title,
        *outcome,
        refusal,
        tuple(talk.messages),
        entries,
        stage.clock.now(),
        caught=stage.caught != caught,
    )


def _to_be_kept(error: EcnyTaxError) -> EcnyTaxError:
    """The same refusal with its amounts as a class has them, the thousands set apart.

    And without what led to it: that would keep the whole sandbox alive.
    """
    values = {name: _as_amount(value) for name, value in error.values.items()}
    return type(error)(error.code, **values)


def _as_amount(value: object) -> object:
    """An amount in yuan with its thousands set apart; whatever is none as it is."""
    if isinstance(value, str) and re.fullmatch(r"\d+\.\d\d", value):
        return grouped(yuan(value))
    return value


def _standing(stage: Stage) -> Standing:
    lien = sum(load.lien for load in _loads(stage))
    return Standing(
        now=stage.clock.now(),
        network=stage.network,
        company=_purse(stage, stage.company_wallet, stage.company, lien),
        person=_purse(stage, stage.person_wallet, PERSON[1], 0),
        agreement=stage.agreement,
        paid=_paid(stage),
        refund=stage.refund,
        offline=_offline(stage),
        closing=stage.closing,
        accounts=stage.s.ledger.accounts(),
        verification=stage.verification,
        trace_picture="" if stage.trace is None else as_svg(stage.trace, "en"),
        trace_picture_zh="" if stage.trace is None else as_svg(stage.trace, "zh"),
    )


def _purse(stage: Stage, wallet_id: str, holder: str, lien: int) -> Purse:
    wallet = stage.s.wallets.show(wallet_id=wallet_id)
    available = wallet.balance if wallet.status is WalletStatus.ACTIVE else Fen(0)
    return Purse(
        wallet.wallet_id, holder, wallet.operator, wallet.balance, available, Fen(lien), wallet.status
    )


def _paid(stage: Stage) -> Paid | None:
    """The newest payment with its receipt."""
    if stage.payment is None:
        return None
    return Paid(stage.payment, stage.company, stage.receipt_text, _picture(stage.receipt_text))


@lru_cache(maxsize=64)
def _picture(text: str) -> str:
    """A QR code as SVG, empty where the text is too long for one.

    Kept, since it takes longer than to play the class, and whoever goes on plays it again with this receipt.
    """
    try:
        return qr_code(text, LEAST).svg_inline(omitsize=True, border=4, svgclass=None, lineclass=None)
    except InvalidInputError:
        return ""


def _loads(stage: Stage) -> tuple[RegisteredLoad, ...]:
    certificate = stage.device.state.certificate
    if certificate is None:
        return ()
    return stage.s.offline.loads(device_id=certificate.device_id)


def _offline(stage: Stage) -> OfflineState:
    return OfflineState(
        loaded=Fen(sum(load.remaining for load in stage.device.state.loads)),
        request="" if stage.request is None else stage.request.to_text(),
        voucher="" if stage.voucher is None else stage.voucher.to_text(),
        queued=_queued(stage.terminal),
        queued_elsewhere=_queued(stage.second_terminal),
        caught=stage.caught,
    )


def _queued(terminal: Terminal) -> tuple[str, ...]:
    return tuple(queued.voucher.voucher_id for queued in terminal.queue())
