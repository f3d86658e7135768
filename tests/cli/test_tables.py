"""A table fits the terminal: sentences go on in the next line, numbers are never broken in two."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable

import pytest

from ecny_tax.cli import tables

PROMISE = {
    "promise": "I6",
    "what": "no fee: every payment moved exactly its amount from its wallet",
    "ok": True,
}
NUMBERS = {
    "payment_no": "P2304208S80AVTZFTGR61",
    "bill_no": "B2304208S815RNQHFN3GK",
    "wallet_id": "0021671698149377",
}


_STYLE = re.compile(r"\x1b\[\d*m")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """The lines of a table on a terminal of 60 columns."""
    for name, value in {"COLUMNS": "60", "NO_COLOR": "1", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)

    def lines(name: str, record: dict[str, object]) -> list[str]:
        with contextlib.redirect_stdout(Terminal()) as terminal:
            tables.print_records(name, [record, record], (), "en")
        return [_STYLE.sub("", line).rstrip() for line in terminal.getvalue().splitlines()]

    return lines


def test_a_sentence_is_wrapped_in_its_column(shown: Callable[..., list[str]]) -> None:
    head, *lines = shown("checks", PROMISE)
    assert head.split() == ["promise", "what", "ok"]
    assert len(lines) == 4
    assert all(len(line) <= 60 for line in lines)
    promise, *sentence, ok = f"{lines[0].removesuffix('yes')} {lines[1]} yes".split()
    assert (promise, " ".join(sentence), ok) == ("I6", PROMISE["what"], "yes")


def test_numbers_that_do_not_fit_stand_one_under_the_other(shown: Callable[..., list[str]]) -> None:
    lines = shown("payments", NUMBERS)
    assert [line.split()[-1] for line in lines if line] == 2 * list(NUMBERS.values())
