"""``ecny-tax device``: enroll, load, look at, unload and revoke devices for offline payment."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecny_tax.cli.command import Key, Run, check_options, command
from ecny_tax.cli.offline_files import AskPassphrase, open_device, passphrase
from ecny_tax.documents import document

if TYPE_CHECKING:
    from ecny_tax.money import Fen
    from ecny_tax.offline.device import Device

app = typer.Typer(help="Devices for offline payment (硬钱包).", no_args_is_help=True)

_File = Annotated[Path, typer.Option("--device", metavar="DEVICE", help="The file of the device.")]
_Named = Annotated[
    str | None, typer.Argument(metavar="DEVICE", help="The file of the device, or its id (D…).")
]
_NamedFile = Annotated[str | None, typer.Argument(metavar="DEVICE", help="The file of the device.")]
_Option = Annotated[str | None, typer.Option("--device", metavar="DEVICE", help="The same.")]


def register(root: typer.Typer) -> None:
    """Add ``device`` and its sub-commands."""
    root.add_typer(app, name="device")


@command(app, "enroll")
def enroll(
    run: Run,
    wallet: Annotated[str, typer.Option("--wallet", help="The wallet that it pays for.")],
    out: Annotated[Path, typer.Option("--out", metavar="DEVICE", help="The new file of the device.")],
    cap_single: Annotated[
        str | None, typer.Option("--cap-single", metavar="YUAN", help="At most so much a voucher.")
    ] = None,
    cap_total: Annotated[
        str | None, typer.Option("--cap-total", metavar="YUAN", help="At most so much on the device.")
    ] = None,
    cap_count: Annotated[
        int | None, typer.Option("--cap-count", metavar="N", help="At most so many vouchers a load.")
    ] = None,
    ask_passphrase: AskPassphrase = False,
) -> None:
    """Make a device and bind it to a wallet: the wallet's operator certifies its key and caps.

    Examples:
        device enroll --wallet {person} --out phone.dev
        device enroll --wallet {person} --out phone.dev --cap-single 10 --cap-total 20 --cap-count 3
    Exit codes: 3 4 5.
    See also: device load, device show.
    """
    from ecny_tax.offline.device import Device

    single, total = _amount(cap_single), _amount(cap_total)
    secret = passphrase(run, ask_passphrase)
    with run.sandbox() as s:
        s.wallets.show(wallet_id=wallet)
        device = Device.create(out, passphrase=secret)
        try:
            found = s.offline.enroll(
                device=device, wallet_id=wallet, cap_single=single, cap_total=total, cap_count=cap_count
            )
        except BaseException:
            device.close()
            with suppress(OSError):
                out.unlink()  # a device that nobody certified is of no use
            raise
    run.answer(found, file=str(out))


@command(app, "load")
def load(
    run: Run,
    device: _File,
    amount: Annotated[str, typer.Option("--amount", metavar="YUAN", help="What to set aside and load.")],
    hours: Annotated[
        int | None, typer.Option("--hours", metavar="N", help="For how long it may be spent (default: 24).")
    ] = None,
    ask_passphrase: AskPassphrase = False,
    idempotency_key: Key = None,
) -> None:
    """Set money aside in the wallet (圈存) and load (装载) the device with it.

    Examples:
        device load --device card.dev --amount 12.34  # amount 12.34
        device load --device card.dev --amount 12.34 --hours 2
    Exit codes: 3 4 5 6.
    See also: device unload, voucher pay.
    """
    from ecny_tax.money import positive_yuan

    wanted = positive_yuan(amount)
    opened = open_device(run, device, ask_passphrase)
    with run.sandbox() as s:
        found = s.offline.load(device=opened, amount=wanted, hours=hours, idempotency_key=idempotency_key)
    run.answer(found)


@command(app, "show")
def show(
    run: Run, device: _Named = None, option: _Option = None, ask_passphrase: AskPassphrase = False
) -> None:
    """Show a device: by its file what it holds itself (no database), by its id what its operator knows.

    Examples:
        device show card.dev
        device show {device}
    Exit codes: 3 4 6.
    See also: device list.
    """
    named = _one(device, option)
    if _is_id(named):
        with run.sandbox() as s:
            found = s.offline.device(device_id=named)
            loads = s.offline.loads(device_id=named)
        run.answer(found, loads=[document(load) for load in loads])
        return
    run.answer(_state(open_device(run, Path(named), ask_passphrase)))


@command(app, "list")
def list_(run: Run) -> None:
    """List every device that is enrolled.

    Examples:
        device list
    See also: device show.
    """
    with run.sandbox() as s:
        found = s.offline.devices()
    columns = ("device_id", "wallet_id", "operator", "cap_single", "cap_total", "cap_count", "revoked_since")
    run.answer_list("devices", found, columns)


@command(app, "unload")
def unload(
    run: Run,
    device: _NamedFile = None,
    option: _Option = None,
    load: Annotated[
        str | None, typer.Option("--load", metavar="LOAD", help="Which load (default: the only one).")
    ] = None,
    ask_passphrase: AskPassphrase = False,
    idempotency_key: Key = None,
) -> None:
    """Give a load back by the device's signed statement: what it did not spend returns to the wallet.

    Examples:
        device unload card.dev
    Exit codes: 3 4 5 6.
    See also: device load, device release.
    """
    opened = open_device(run, Path(_one(device, option)), ask_passphrase)
    with run.sandbox() as s:
        statement = opened.unload(load, at=s.clock.now())
        found = s.offline.unload(statement=statement, idempotency_key=idempotency_key)
    run.answer(found)


@command(app, "release")
def release(
    run: Run,
    load: Annotated[str, typer.Argument(metavar="LOAD", help="The load's number.")],
    idempotency_key: Key = None,
) -> None:
    """Give back what is left of a load that can be redeemed no more, of a lost device say.

    Examples:
        device release {load} --now 2023-05-20
    Exit codes: 3 4 5.
    See also: device unload, device revoke.
    """
    with run.sandbox() as s:
        found = s.offline.release(load_id=load, idempotency_key=idempotency_key)
    run.answer(found)


@command(app, "revoke")
def revoke(
    run: Run,
    device: _Named = None,
    option: _Option = None,
    reason: Annotated[str, typer.Option("--reason", help="Why: lost, stolen, replaced …")] = "lost",
    ask_passphrase: AskPassphrase = False,
) -> None:
    """Revoke a device from now on; what it was asked for before stays good.

    Examples:
        device revoke {device} --reason stolen
        device revoke card.dev
    Exit codes: 3 4 5 6.
    See also: trust revoke, device release.
    """
    from ecny_tax.errors import RejectedError

    named = _one(device, option)
    if not _is_id(named):
        certificate = open_device(run, Path(named), ask_passphrase).state.certificate
        if certificate is None:
            raise RejectedError("device_not_enrolled")
        named = certificate.device_id
    with run.sandbox() as s:
        s.offline.revoke(serial=named, reason=reason)
        found = s.offline.device(device_id=named)
    run.answer(found)


def _one(device: str | None, option: str | None) -> str:
    check_options("device_what", {"DEVICE": device or option}, {"--device": option if device else None})
    return device or option or ""


def _is_id(text: str) -> bool:
    """Whether this is a device's id and not its file; a file of that name comes first."""
    try:
        return text.startswith("D") and text.isalnum() and not Path(text).exists()
    except OSError:  # too long for a name of a file
        return True


def _amount(text: str | None) -> Fen | None:
    from ecny_tax.money import positive_yuan

    return None if text is None else positive_yuan(text)


def _state(device: Device) -> dict[str, object]:
    """What a device shows of itself."""
    from ecny_tax.clock import rfc3339
    from ecny_tax.money import yuan_text
    from ecny_tax.offline.objects import moment

    state = device.state
    loads = [
        {
            "load_id": load.certificate.load_id,
            "amount": yuan_text(load.certificate.amount),
            "spent": yuan_text(load.spent),
            "remaining": yuan_text(load.remaining),
            "next_counter": load.next_counter,
            "last_counter": load.certificate.last_counter,
            "spend_by": rfc3339(moment(load.certificate.spend_by)),
            "redeem_by": rfc3339(moment(load.certificate.redeem_by)),
            "status": "unloaded" if load.closed else "open",
        }
        for load in state.loads
    ]
    found = state.certificate
    if found is None:
        return {"device_id": None, "loads": loads}
    return {
        "device_id": found.device_id,
        "wallet_id": found.wallet_id,
        "cap_single": yuan_text(found.cap_single),
        "cap_total": yuan_text(found.cap_total),
        "cap_count": found.cap_count,
        "valid_until": rfc3339(moment(found.not_after)),
        "loads": loads,
    }
