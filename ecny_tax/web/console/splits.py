"""What a closed day brought each budget level, as bars."""

from __future__ import annotations

from ecny_tax.errors import Language
from ecny_tax.money import yuan_text
from ecny_tax.treasury.model import LEVEL_NAMES, Closing
from ecny_tax.web.console.drawing import box, label, picture, said

_WIDTH, _MARGIN, _ROW, _BAR = 480, 12, 50, 18

_TITLE = ("Split of {first} to {last} by budget level", "{first} 至 {last} 分级次入库")
_TITLE_DAY = ("Split of {last} by budget level", "{last} 分级次入库")
_DESC = (
    "Collected in all: {collected} yuan. The same stands beside it as a list.",
    "合计 {collected} 元。旁边的列表内容相同。",
)
_LINE = ("{level}: {amount} yuan ({share})", "{level}：{amount} 元（{share}）")
_TOTAL = ("In all: {amount} yuan", "合计：{amount} 元")
_NOTHING = ("Nothing was collected.", "没有入库款项。")


def treasury_split(closing: Closing, language: Language, *, id_prefix: str) -> str:
    """The budget levels (预算级次) of a closing as bars, each with its amount and its share;
    a full bar is all that was collected."""
    total = sum(level.amount for level in closing.levels)
    room = _WIDTH - 2 * _MARGIN
    parts = [label(_MARGIN, 24, _title(closing, language), 'font-size="15" font-weight="bold"')]
    top = 40
    for level in closing.levels:
        length = room * max(0, level.amount) // total if total > 0 else 0
        amount = f"{yuan_text(level.amount, grouped=True)} · {_share(level.amount, total)}"
        parts += [
            label(_MARGIN, top + 14, _level(level.budget_level, language)),
            label(_WIDTH - _MARGIN, top + 14, amount, 'text-anchor="end"'),
            box(_MARGIN, top + 20, room, _BAR, 'class="all" stroke-opacity="0.35"'),
            f'<rect class="level {_class(level.budget_level)}" x="{_MARGIN}" y="{top + 20}" width="{length}"'
            f' height="{_BAR}" rx="{min(5, length // 2)}" fill-opacity="0.75"/>',
        ]
        top += _ROW
    last = said(_TOTAL, language).format(amount=yuan_text(closing.collected, grouped=True))
    parts.append(label(_MARGIN, top + 14, last if total else said(_NOTHING, language)))
    return picture(
        parts,
        kind="split",
        width=_WIDTH,
        height=top + 14 + _MARGIN,
        title=_title(closing, language),
        desc=said(_DESC, language).format(collected=yuan_text(closing.collected, grouped=True)),
        id_prefix=id_prefix,
    )


def split_lines(closing: Closing, language: Language) -> tuple[str, ...]:
    """The same in words: a line for each budget level, and the total."""
    total = sum(level.amount for level in closing.levels)
    lines = [
        said(_LINE, language).format(
            level=_level(level.budget_level, language),
            amount=yuan_text(level.amount, grouped=True),
            share=_share(level.amount, total),
        )
        for level in closing.levels
    ]
    collected = yuan_text(closing.collected, grouped=True)
    return (*lines, said(_TOTAL, language).format(amount=collected) if total else said(_NOTHING, language))


def _title(closing: Closing, language: Language) -> str:
    words = _TITLE_DAY if closing.first_day == closing.day else _TITLE
    return said(words, language).format(first=closing.first_day, last=closing.day)


def _level(level: str, language: Language) -> str:
    names = LEVEL_NAMES.get(level)
    return level if names is None else said(names, language)


def _class(level: str) -> str:
    return level if level in LEVEL_NAMES else "other"


def _share(amount: int, total: int) -> str:
    """A share in hundredths of a percent, half up."""
    if total <= 0:
        return "—"
    hundredths = (2 * amount * 10_000 + total) // (2 * total)
    return f"{hundredths // 100}.{hundredths % 100:02d}%"
