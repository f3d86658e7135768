"""What an official paper says, in both languages: one form for every kind; ``printing`` writes it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from ecny_tax.clock import BEIJING
from ecny_tax.errors import InvalidInputError, Language
from ecny_tax.money import Fen, capital_numerals, yuan_text
from ecny_tax.parties.model import ERASED, ERASED_ZH
from ecny_tax.qr import LEAST, qr_code
from ecny_tax.taxes.steps import Step

if TYPE_CHECKING:
    from segno import QRCode


class Both(NamedTuple):
    """A text in both languages."""

    zh: str
    en: str


#: A text in both languages, or one that is the same in either: a number, or what a user wrote.
Text = Both | str

LEVELS = {
    "central": Both("中央", "Central"),
    "province": Both("省", "Province"),
    "city": Both("市", "City"),
    "county": Both("县", "County"),
}


@dataclass(frozen=True, slots=True)
class Paper:
    """What is printed: fields of a label and the parts of its value, then a table.

    Of the table, the last column is the amount.  ``notice`` is what must not be overlooked, such as that a
    payment was reversed; empty where there is nothing.  ``steps`` say how the amount came about, where that
    was asked for.  ``signed`` is the signed receipt as text (``ECNY1:…``), for the QR code; empty where
    nothing is signed.
    """

    title: Both
    notice: Text
    fields: tuple[tuple[Both, tuple[Text, ...]], ...]
    columns: tuple[Both, ...]
    lines: tuple[tuple[Text, ...], ...]
    steps: tuple[tuple[Text, ...], ...] = ()
    signed: str = ""


SIMULATED = Both(
    "本凭证由 ecny-tax 模拟生成，不具法律效力。",
    "Made by the ecny-tax simulation; without legal force.",
)
SIGNED = Both("国库签名", "Signed by the treasury")
#: What stands beside the QR code, and what is said where there is none.
IN_THE_CODE = Both(
    "二维码含有国库签名的完整凭证及账本收录证明，可用 ecny-tax receipt verify 核验。",
    "The code holds this whole receipt with the treasury's signature and its proof from the ledger;"
    " ecny-tax receipt verify checks it.",
)
NO_CODE = Both(
    "签名凭证过长，二维码无法容纳；请核验 .cose 文件。",
    "The signed receipt is too long for a QR code; verify its .cose file.",
)

STEPS = Both("计算过程", "How it was computed")
STEP_COLUMNS = (Both("步骤", "Step"), Both("依据", "Rule"), Both("金额", "Amount"))


def explained(paper: Paper, steps: Sequence[Step]) -> Paper:
    """The paper with a table of how its amount came about."""
    lines = (
        (Both(step.label_zh, step.label), step.citation, yuan_text(step.amount, grouped=True))
        for step in steps
    )
    return replace(paper, steps=tuple(lines))


def holder(name: str) -> tuple[Text, ...]:
    """The name of a wallet's holder; class IV wallets have none."""
    return identified(name) if name else (Both("（匿名钱包）", "(nameless wallet)"),)


def identified(value: str) -> tuple[Text, ...]:
    """A name or number, or what stands for one that was erased."""
    return (Both(ERASED_ZH, ERASED) if value == ERASED else value,)


def amount_fields(amount: Fen) -> tuple[tuple[Both, tuple[Text, ...]], ...]:
    """An amount as bank vouchers have it: in figures, and in capital Chinese numerals."""
    return (
        (Both("金额（小写）", "Amount"), (f"¥{yuan_text(amount, grouped=True)}",)),
        (Both("金额（大写）", "Amount in capitals"), (f"人民币{capital_numerals(amount)}",)),
    )


def coded(name: Both, code: str) -> tuple[Text, ...]:
    """The name of an institution with its code."""
    return name, Both(f"（{code}）", f"({code})")


def said(text: Text, language: Language) -> str:
    """A text in the reader's language, with every control character spelled out."""
    chosen = text if isinstance(text, str) else text.zh if language == "zh" else text.en
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in chosen)


def all_said(texts: Iterable[Text], language: Language) -> list[str]:
    """Each of the texts in the reader's language."""
    return [said(text, language) for text in texts]


def joined(parts: Iterable[Text], language: Language) -> str:
    """The parts of a value in one line."""
    return (" " if language == "en" else "").join(all_said(parts, language))


def code_of(paper: Paper) -> QRCode | None:
    """The QR code of the signed receipt; None where nothing is signed, or too much for one code."""
    if not paper.signed:
        return None
    try:
        return qr_code(paper.signed, LEAST)
    except InvalidInputError:
        return None


def moment(at: datetime) -> tuple[Text, ...]:
    """A time as people write it, to the second."""
    return f"{at.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}", Both("（北京时间）", "(Beijing time)")
