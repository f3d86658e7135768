"""``/v1/devices``: devices (硬钱包) that the sandbox keeps for the caller, and their loads."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from ecny_tax.errors import NotFoundError
from ecny_tax.money import yuan
from ecny_tax.offline.bundles import RequestBundle
from ecny_tax.offline.model import RegisteredDevice, RegisteredLoad, Released
from ecny_tax.web.calls import AnyCall, Call, Cursor, Limit, MoneyCall, Number, operation, page
from ecny_tax.web.hosted import device_of
from ecny_tax.web.offline_forms import HeldDevice, ObjectText, Paid, held, paid
from ecny_tax.web.rights import Role
from ecny_tax.web.schemas import Body, Yuan, list_model, page_model

router = APIRouter(prefix="/devices", tags=["devices"])

_READERS = (Role.AUDITOR, Role.OPERATOR, Role.TAXPAYER)
_HOLDERS = (Role.OPERATOR, Role.TAXPAYER)
#: A device by its number, or a copy of it by the handle that copying answered.
Handle = Annotated[
    str, Path(min_length=1, max_length=64, pattern="^[0-9A-Za-z~]+$", examples=["D20230420ABCDEFGHJKMNPQ~1"])
]


class Enroll(Body):
    """A device to be made for a wallet; its caps are those of the rules, or lower ones."""

    wallet_id: str = Field(max_length=32, examples=["0021234567890124"])
    cap_single: Yuan | None = Field(None, description="At most so much a voucher.")
    cap_total: Yuan | None = Field(None, description="At most so much on the device.")
    cap_count: int | None = Field(None, ge=1, le=10**9, description="At most so many vouchers a load.")


class LoadAmount(Body):
    """What is to be set aside and loaded."""

    amount: Yuan
    hours: int | None = Field(
        None, ge=1, le=10**6, description="For how long it may be spent (default by the rules)."
    )


class Why(Body):
    """Why something is revoked."""

    reason: str = Field(
        "lost", min_length=1, max_length=100, pattern="^[^\\x00-\\x1f\\x7f-\\x9f]+$", examples=["stolen"]
    )


class RequestToPay(Body):
    """What a terminal asked for."""

    request: ObjectText


class Copy(BaseModel):
    """A copy of a device."""

    model_config = ConfigDict(extra="forbid")

    handle: str


@operation(router, "POST", "", *_HOLDERS, answer=RegisteredDevice, status=201)
def enroll(call: AnyCall, asked: Enroll) -> RegisteredDevice:
    """Make a device and bind it to a wallet.

    The wallet's operator certifies its key and caps.  The sandbox keeps it, sealed with a passphrase that
    everybody may know: it stands for hardware in the hands of its holder, and is good for trying only.
    """
    call.check_sees("wallet", asked.wallet_id)
    return call.hub.hosted.enroll(
        call.sandbox.offline,
        wallet_id=asked.wallet_id,
        cap_single=None if asked.cap_single is None else yuan(asked.cap_single),
        cap_total=None if asked.cap_total is None else yuan(asked.cap_total),
        cap_count=asked.cap_count,
    )


@operation(router, "GET", "", *_READERS, answer=page_model("devices", RegisteredDevice))
def list_(call: AnyCall, limit: Limit = 50, cursor: Cursor = None) -> dict[str, object]:
    """List devices as their operators know them, oldest first."""
    offline = call.sandbox.offline
    return page(call, "device", "devices", limit, cursor, lambda no: offline.device(device_id=no))


@operation(router, "GET", "/{handle}", *_READERS, answer=RegisteredDevice)
def show(call: AnyCall, handle: Handle) -> RegisteredDevice:
    """Show a device as its operator knows it."""
    return call.sandbox.offline.device(device_id=_seen(call, handle))


@operation(router, "GET", "/{handle}/state", *_READERS, answer=HeldDevice)
def state(call: AnyCall, handle: Handle) -> HeldDevice:
    """Show what a device or a copy of it holds itself, which nobody else needs to know yet."""
    _seen(call, handle)
    with call.hub.hosted.device(handle) as device:
        return held(handle, device)


@operation(router, "GET", "/{handle}/loads", *_READERS, answer=list_model("loads", RegisteredLoad))
def loads(call: AnyCall, handle: Handle) -> dict[str, object]:
    """List the loads of a device, oldest first."""
    return {"loads": call.sandbox.offline.loads(device_id=_seen(call, handle))}


@operation(router, "POST", "/{handle}/loads", *_HOLDERS, answer=RegisteredLoad, status=201)
def load(call: MoneyCall, handle: Handle, asked: LoadAmount) -> RegisteredLoad:
    """Set money aside in the wallet (圈存) and load (装载) the device with it."""
    _seen(call, handle)
    offline = call.sandbox.offline
    with call.hub.hosted.device(handle) as device:
        return call.once(
            lambda key: offline.load(
                device=device, amount=yuan(asked.amount), hours=asked.hours, idempotency_key=key
            )
        )


@operation(router, "POST", "/{handle}/loads/{load_id}/unload", *_HOLDERS, answer=Released)
def unload(call: MoneyCall, handle: Handle, load_id: Number) -> Released:
    """Give a load back by the device's signed statement.

    What it did not spend returns to the wallet; what it did stays set aside for its vouchers.  A statement
    that contradicts a voucher which was decided is refused, revokes the device and stops its wallet.
    """
    _seen(call, handle)
    offline = call.sandbox.offline
    with call.hub.hosted.device(handle) as device:
        now = call.sandbox.clock.now()
        return call.once(
            lambda key: offline.unload(statement=device.unload(load_id, at=now), idempotency_key=key)
        )


@operation(router, "POST", "/{handle}/loads/{load_id}/release", *_HOLDERS, answer=Released)
def release(call: MoneyCall, handle: Handle, load_id: Number) -> Released:
    """Give back what is left of a load that can be redeemed no more, of a lost device say."""
    offline, device_id = call.sandbox.offline, _seen(call, handle)
    if load_id not in {one.load_id for one in offline.loads(device_id=device_id)}:
        raise NotFoundError("load_not_found", load_id=load_id)
    return call.once(lambda key: offline.release(load_id=load_id, idempotency_key=key))


@operation(router, "POST", "/{handle}/revocation", *_HOLDERS, answer=RegisteredDevice)
def revoke(call: AnyCall, handle: Handle, asked: Why) -> RegisteredDevice:
    """Revoke a device from now on; what it was asked for before stays good."""
    device_id = _seen(call, handle)
    call.sandbox.offline.revoke(serial=device_id, reason=asked.reason)
    return call.sandbox.offline.device(device_id=device_id)


@operation(router, "POST", "/{handle}/payments", Role.TAXPAYER, answer=Paid, status=201)
def pay(call: AnyCall, handle: Handle, asked: RequestToPay) -> Paid:
    """Pay what a terminal asked for, with a device.

    The same request again gets the same voucher.  In the scheme no network is needed for it.
    """
    _seen(call, handle)
    request = RequestBundle.from_text(asked.request)
    with call.hub.hosted.device(handle) as device:
        return paid(device.pay(request, at=call.sandbox.clock.now()), device)


@operation(router, "GET", "/{handle}/copies", *_READERS, answer=list_model("copies", Copy))
def copies(call: AnyCall, handle: Handle) -> dict[str, object]:
    """List the copies of a device."""
    copies = call.hub.hosted.copies(_seen(call, handle))
    return {"copies": [{"handle": name} for name in copies]}


@operation(router, "POST", "/{handle}/copies", Role.TAXPAYER, answer=Copy, status=201)
def copy(call: AnyCall, handle: Handle) -> dict[str, object]:
    """Copy a device as it stands: a sandbox power.

    So a double spend can be tried: the copy pays under a handle of its own, with the same key and counters.
    """
    _seen(call, handle)
    return {"handle": call.hub.hosted.copy(handle)}


def _seen(call: Call, handle: str) -> str:
    """The number of the device that a handle names, when the party sees it, and the copy is there."""
    device_id = device_of(handle)
    call.check_sees("device", device_id)
    if handle != device_id and not call.hub.hosted.has_device(handle):
        raise NotFoundError("device_not_hosted", handle=handle)
    return device_id
