"""The plan in docs/lesson.md and docs/lesson.zh.md, which follows from the lesson; generate.py writes it."""

from __future__ import annotations

from pathlib import Path

from ecny_tax.errors import Language
from ecny_tax.scenarios.lesson import Chapter, chapters

_BEGIN = "<!-- From here on written by docs/generate.py, from ecny_tax/scenarios/lesson.toml. -->\n"
_END = "<!-- Up to here. -->\n"

#: Of the table and the chapters.
_HEAD = {
    "en": (
        "Chapter",
        "Minutes",
        "Steps",
        "minutes",
        "Steps",
        "on the way a refusal, as it should be",
        "Say",
        "Look at",
        "Ask",
    ),
    "zh": ("章节", "分钟", "步骤", "分钟", "步骤", "途中应出现的拒绝", "讲解", "观察", "提问"),
}


def with_plan(page: Path, language: Language) -> str:
    """The page with its plan as the lesson has it now."""
    before, begin, rest = page.read_text("utf-8").partition(_BEGIN)
    _plan, end, after = rest.partition(_END)
    if not (begin and end):
        raise SystemExit(f"{page.name} has lost the marks between which its plan stands")
    return f"{before}{begin}\n{plan(language)}\n{end}{after}"


def plan(language: Language) -> str:
    """A table of the chapters, then each of them."""
    chapter, minutes, steps, *_ = _HEAD[language]
    lines = [f"| | {chapter} | {minutes} | {steps} |", "|---|---|---|---|"]
    for number, one in enumerate(chapters(), start=1):
        name = one.title_zh if language == "zh" else one.title
        lines.append(f"| {number} | {name} | {one.minutes} | {_steps(one, language)} |")
    lines.append(f"| | | {sum(one.minutes for one in chapters())} | |\n")
    lines += [_chapter(number, one, language) for number, one in enumerate(chapters(), start=1)]
    return "\n".join(lines)


def _steps(chapter: Chapter, language: Language) -> str:
    titles = [title[language == "zh"] for title in chapter.titles]
    return "、".join(titles) if language == "zh" else ", ".join(titles)


def _chapter(number: int, chapter: Chapter, language: Language) -> str:
    zh = language == "zh"
    *_, minutes, steps, refused, say, look, ask = _HEAD[language]
    colon = "：" if zh else ": "
    title, takes = (chapter.title_zh if zh else chapter.title), f"{chapter.minutes} {minutes}"
    parts = [f"### {number}. {title}{f'（{takes}）' if zh else f' ({takes})'}\n"]
    line = f"**{steps}**{colon}{_steps(chapter, language)}"
    if chapter.refusals:
        codes = ", ".join(f"[`{code}`](errors.md#{code})" for code in chapter.refusals)
        line += f"{'；' if zh else '; '}{refused}{colon}{codes}"
    parts.append(f"{line}\n")
    parts.append(f"**{say}**{colon}{chapter.say_zh if zh else chapter.say}\n")
    parts.append(f"**{look}**{colon.rstrip()}\n")
    parts.append("".join(f"- {seen}\n" for seen in (chapter.look_zh if zh else chapter.look)))
    parts.append(f"**{ask}**{colon.rstrip()}\n")
    for question in chapter.questions:
        asked, answer = (question.ask_zh, question.answer_zh) if zh else (question.ask, question.answer)
        parts.append(f"- *{asked}*\n  {answer}\n")
    return "\n".join(parts)
