"""What the commands of offline payment share: their files, their time, and the passphrase of a device."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecny_tax.cli.command import Run

if TYPE_CHECKING:
    from ecny_tax.offline.device import Device

AskPassphrase = Annotated[
    bool, typer.Option("--ask-passphrase", help="Ask for the device's passphrase on the terminal.")
]
Trust = Annotated[Path, typer.Option("--trust", metavar="TRUST", help="What `trust export` wrote.")]

_DEMO = {
    "en": "the demo passphrase is used; for a device of your own: ECNY_TAX_PASSPHRASE or --ask-passphrase",
    "zh": "使用的是演示口令：自用设备请设置 ECNY_TAX_PASSPHRASE 或使用 --ask-passphrase",
}

_PROMPT = {"en": "Passphrase", "zh": "设备口令"}


def time(run: Run) -> datetime:
    """The time of an offline command: ``--now``, or the machine's clock; no database is asked."""
    from ecny_tax.clock import SystemClock, parse_time

    return SystemClock().now() if run.now is None else parse_time(run.now)


def read_object(path: Path) -> str:
    """The text of an offline object in a file; what is no text comes out as one that is refused."""
    from ecny_tax.cli.files import read_bytes

    return read_bytes(path).decode("utf-8-sig", errors="replace")


def passphrase(run: Run, ask: bool) -> str:
    """The passphrase of a device: asked for, from the environment, or the one for demonstrations, said."""
    from ecny_tax.offline.device import DEMO_PASSPHRASE

    if ask:
        return str(typer.prompt(_PROMPT[run.language], hide_input=True, err=True))
    found = os.environ.get("ECNY_TAX_PASSPHRASE")
    if found:
        return found
    run.note(_DEMO[run.language])
    return DEMO_PASSPHRASE


def open_device(run: Run, path: Path, ask: bool) -> Device:
    """The device of a file."""
    from ecny_tax.offline.device import Device

    return Device.open(path, passphrase=passphrase(run, ask))
