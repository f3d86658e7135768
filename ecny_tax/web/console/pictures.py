"""The pictures of the console, each with the same in words for readers who cannot see it.

All are pure functions and give SVG to stand in a page: no style, no script, nothing from elsewhere, and
whatever a text holds is shown as text.
"""

from __future__ import annotations

from ecny_tax.web.console.account_names import account_name
from ecny_tax.web.console.money_flows import money_flow, money_lines
from ecny_tax.web.console.sequences import sequence, sequence_lines
from ecny_tax.web.console.splits import split_lines, treasury_split

__all__ = [
    "account_name",
    "money_flow",
    "money_lines",
    "sequence",
    "sequence_lines",
    "split_lines",
    "treasury_split",
]
