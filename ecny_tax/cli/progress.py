"""A progress bar on a terminal, for work that takes a while; stdout stays free for the answer."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(total: int) -> Iterator[Callable[[int], None]]:
    """A function to call with how much of ``total`` is done; without a terminal it does nothing."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total or None)
        yield lambda done: bar.update(task, completed=done)


@contextmanager
def progress_bars() -> Iterator[Callable[[str, int, int], None]]:
    """A function to call with a part of the work, how much of it is done, and how much there is: each part
    gets a bar of its own."""
    if not sys.stderr.isatty():
        yield lambda _part, _done, _total: None
        return
    from rich.console import Console
    from rich.progress import Progress, TaskID

    bars: dict[str, TaskID] = {}
    with Progress(console=Console(stderr=True), transient=True) as shown:

        def progress(part: str, done: int, total: int) -> None:
            if part not in bars:
                bars[part] = shown.add_task(part, total=total)
            shown.update(bars[part], completed=done)

        yield progress
