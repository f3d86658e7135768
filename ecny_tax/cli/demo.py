"""``ecny-tax demo``: a story on a fresh ledger, narrated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ecny_tax.cli.command import Run, command
from ecny_tax.documents import document

if TYPE_CHECKING:
    from ecny_tax.errors import Language
    from ecny_tax.scenarios.story import Step


def register(root: typer.Typer) -> None:
    """Add ``demo``."""
    command(root, "demo")(demo)


def demo(
    run: Run,
    offline: Annotated[
        bool, typer.Option("--offline", help="The tax hall without network, and a copied device.")
    ] = False,
) -> None:
    """Play the story from Heshan on a fresh ledger that is thrown away afterwards.

    Examples:
        demo  # ok yes
    Exit codes: 6.
    See also: status, serve.
    """
    import tempfile
    from pathlib import Path

    from ecny_tax.cli import output
    from ecny_tax.clock import FixedClock
    from ecny_tax.sandbox import Sandbox
    from ecny_tax.scenarios.heshan import STORY_TIME, heshan
    from ecny_tax.scenarios.tax_hall import tax_hall

    if not run.as_json:
        _print_heading(run.language, offline)
    steps = []
    clock = FixedClock(STORY_TIME)
    with tempfile.TemporaryDirectory(prefix="ecny-tax-demo-") as folder:
        path = Path(folder) / "heshan.db"
        with Sandbox.open(path, clock=clock, seed="heshan") as s:
            for step in tax_hall(s) if offline else heshan(s):
                steps.append(document(step))
                if not run.as_json:
                    _print_step(step, run.language)
    if run.as_json:
        output.print_json({"steps": steps, "ok": True})
    else:
        _print_ending(run.language, offline)


def _print_heading(language: Language, offline: bool) -> None:
    from rich.panel import Panel
    from rich.text import Text

    from ecny_tax.cli.tables import show

    title = {"en": "Heshan, 20 April 2023", "zh": "鹤山，2023 年 4 月 20 日"}[language]
    body = {
        "en": "Tax in digital RMB without network: device, voucher, redemption, a double spend caught."
        " A simulation.",
        "zh": "数字人民币离线缴税：设备、凭证、兑付，以及双花查处。此为模拟。",
    }
    if not offline:
        body = {
            "en": "Tax in digital RMB: agreement, payment, refund. A simulation; all identities are made up.",
            "zh": "数字人民币缴税：签约、缴款、退税。此为模拟；所有身份均为虚构。",
        }
    show(Panel(Text(body[language]), title=Text(title), title_align="left", expand=False))


def _print_step(step: Step, language: Language) -> None:
    from rich.padding import Padding
    from rich.text import Text

    from ecny_tax.cli.tables import show
    from ecny_tax.money import yuan_text

    zh = language == "zh"
    mark = Text("✗ ", style="red") if step.refused else Text("✓ ", style="green")
    head = Text(f"{step.number:2d} ") + mark
    head.append(step.title_zh if zh else step.title, style="bold")
    head.append(f"  {step.who_zh if zh else step.who} · {step.seconds * 1000:.0f} ms", style="dim")
    show(head)
    lines = [step.detail_zh if zh else step.detail]
    if step.refused:
        lines[0] += f" ({step.refused})"
    if step.moved:
        fee = f"{'手续费' if zh else 'fee'} {yuan_text(step.fee or 0)}"
        lines.append(f"{step.moved_zh}；{fee}" if zh else f"{step.moved}; {fee}")
    for line in lines:
        show(Padding(Text(line), (0, 0, 0, 5)))


def _print_ending(language: Language, offline: bool) -> None:
    from rich.text import Text

    from ecny_tax.cli.tables import show

    ending = {
        "en": "The story holds: paid without fee, refunded at once, refusals moved nothing, books verified.",
        "zh": "故事成立：缴款零手续费，退税即时到账，拒绝未动分文，账本核验通过。",
    }
    if offline:
        ending = {
            "en": "The story holds: paid without network, settled when it was back, a copy caught by proof.",
            "zh": "故事成立：无网络可缴税，恢复后兑付，复制设备被查出并留有证据。",
        }
    show(Text(f"\n{ending[language]}", style="bold green"))
