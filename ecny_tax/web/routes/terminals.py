"""``/v1/terminals``: terminals (收款终端) that the sandbox keeps for the caller."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import Field

from ecny_tax.errors import RejectedError
from ecny_tax.money import yuan
from ecny_tax.offline.model import RegisteredTerminal
from ecny_tax.web.calls import AnyCall, Cursor, Limit, MoneyCall, Number, operation, page
from ecny_tax.web.offline_forms import (
    Accepted,
    Asked,
    EvidenceText,
    Examined,
    ObjectText,
    Queue,
    Redeemed,
    TerminalState,
    accepted,
    asked,
    examined,
    in_queue,
    redeemed,
    terminal_state,
)
from ecny_tax.web.rights import Role
from ecny_tax.web.schemas import Body, Yuan, list_model, page_model

router = APIRouter(prefix="/terminals", tags=["terminals"])

_READERS = (Role.AUDITOR, Role.TAX_AUTHORITY)


class MakeTerminal(Body):
    """Whose terminal it is to be."""

    authority: str | None = Field(
        None,
        max_length=20,
        description="Eleven digits (default: the caller's own, or Heshan's).",
        examples=["14407840000"],
    )


class ToBePaid(Body):
    """The bill that is to be paid, and what it comes to."""

    bill_no: str = Field(max_length=64, examples=["B20230420100000000001"])
    amount: Yuan


class VoucherText(Body):
    """A voucher that somebody presents."""

    voucher: ObjectText


@operation(router, "POST", "", Role.TAX_AUTHORITY, answer=TerminalState, status=201)
def make(call: AnyCall, wanted: MakeTerminal) -> TerminalState:
    """Make a terminal of a tax authority.

    In the scheme it works without network from then on; here the sandbox keeps it.
    """
    authority = wanted.authority
    if call.party.role is Role.TAX_AUTHORITY:
        authority = call.party.code if authority is None else authority.strip()
        if authority != call.party.code:
            raise RejectedError("not_permitted", party=call.party.role)
    made = call.hub.hosted.make_terminal(call.sandbox.offline, authority=authority)
    with call.hub.hosted.terminal(made) as terminal:
        return terminal_state(terminal)


@operation(router, "GET", "", *_READERS, answer=page_model("terminals", RegisteredTerminal))
def list_(call: AnyCall, limit: Limit = 50, cursor: Cursor = None) -> dict[str, object]:
    """List terminals, oldest first, also those that others keep as files."""
    offline = call.sandbox.offline
    return page(
        call, "terminal", "terminals", limit, cursor, lambda no: offline.registered_terminal(terminal_id=no)
    )


@operation(router, "GET", "/{terminal_id}", *_READERS, answer=TerminalState)
def show(call: AnyCall, terminal_id: Number) -> TerminalState:
    """Show a terminal, what waits in it, and how old its revocation list is."""
    call.check_sees("terminal", terminal_id)
    with call.hub.hosted.terminal(terminal_id) as terminal:
        return terminal_state(terminal)


@operation(router, "POST", "/{terminal_id}/requests", Role.TAX_AUTHORITY, answer=Asked, status=201)
def request(call: AnyCall, terminal_id: Number, wanted: ToBePaid) -> Asked:
    """Ask for the payment of a bill, signed by the terminal; it is open for some minutes."""
    call.check_sees("terminal", terminal_id)
    with call.hub.hosted.terminal(terminal_id) as terminal:
        now = call.sandbox.clock.now()
        return asked(terminal.request(bill_no=wanted.bill_no, amount=yuan(wanted.amount), at=now))


@operation(router, "POST", "/{terminal_id}/examinations", Role.TAX_AUTHORITY, answer=Examined)
def examine(call: AnyCall, terminal_id: Number, presented: VoucherText) -> Examined:
    """Make all checks of a voucher, and keep nothing."""
    call.check_sees("terminal", terminal_id)
    with call.hub.hosted.terminal(terminal_id) as terminal:
        return examined(terminal.examine(presented.voucher, at=call.sandbox.clock.now()))


@operation(router, "POST", "/{terminal_id}/acceptances", Role.TAX_AUTHORITY, answer=Accepted, status=201)
def accept(call: AnyCall, terminal_id: Number, presented: VoucherText) -> Accepted:
    """Accept a voucher provisionally: checked, stored and queued.

    The same voucher again is answered alike.  The tax counts as paid when the voucher has been redeemed.
    """
    call.check_sees("terminal", terminal_id)
    with call.hub.hosted.terminal(terminal_id) as terminal:
        return accepted(terminal.accept(presented.voucher, at=call.sandbox.clock.now()))


@operation(router, "GET", "/{terminal_id}/queue", *_READERS, answer=Queue)
def queue(call: AnyCall, terminal_id: Number, limit: Limit = 50) -> Queue:
    """Show what waits for redemption, in the order of acceptance.

    There is no second page: what is redeemed leaves the queue, and the next vouchers move up.
    """
    call.check_sees("terminal", terminal_id)
    with call.hub.hosted.terminal(terminal_id) as terminal:
        waiting = terminal.queue()
    return Queue(len(waiting), tuple(in_queue(one) for one in waiting[:limit]))


@operation(
    router,
    "POST",
    "/{terminal_id}/redemptions",
    Role.TAX_AUTHORITY,
    answer=list_model("results", Redeemed),
    status=201,
)
def redeem(call: MoneyCall, terminal_id: Number) -> dict[str, object]:
    """Redeem what waits in the terminal (兑付), in the order of acceptance, and renew its revocation list.

    Each voucher is decided by itself.  The day on which it was accepted counts as the day of payment.  What
    is not decided stays in the queue, and is tried again with another key.
    """
    call.check_sees("terminal", terminal_id)
    offline = call.sandbox.offline
    with call.hub.hosted.terminal(terminal_id) as terminal:
        results = call.once(lambda key: offline.redeem_terminal(terminal=terminal, idempotency_key=key))
    return {"results": [redeemed(result) for result in results]}


@operation(router, "POST", "/{terminal_id}/renewals", Role.TAX_AUTHORITY, answer=TerminalState)
def renew(call: AnyCall, terminal_id: Number) -> TerminalState:
    """Give a terminal the current revocation list."""
    call.check_sees("terminal", terminal_id)
    with call.hub.hosted.terminal(terminal_id) as terminal:
        terminal.renew(call.sandbox.offline.trust())
        return terminal_state(terminal)


@operation(router, "GET", "/{terminal_id}/evidence", *_READERS, answer=list_model("evidence", EvidenceText))
def evidence(call: AnyCall, terminal_id: Number) -> dict[str, object]:
    """List the double spends that the terminal itself has seen."""
    call.check_sees("terminal", terminal_id)
    with call.hub.hosted.terminal(terminal_id) as terminal:
        return {"evidence": [EvidenceText(one.to_text()) for one in terminal.evidence()]}
