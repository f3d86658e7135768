"""What the parser refuses, in the reader's language: its own words in English, and those that are common in
Chinese."""

from __future__ import annotations

import re

#: A reader is told no more than this of what may be a page of somebody's text.
_LIMIT = 300

#: How the parser says it → how that is said in Chinese; the first that fits the whole sentence counts.
_CHINESE = (
    (r"a command is missing|Missing command\.", "缺少命令"),
    (r"No such option: (.+) \(Possible options: (.+)\)", r"没有选项 \1，相近的有 \2"),
    (r"No such option: (.+)", r"没有选项 \1"),
    (r"No such command (.+)\. Did you mean (.+)\?", r"没有命令 \1，相近的有 \2"),
    (r"No such command (.+)\.", r"没有命令 \1"),
    (r"Missing argument (.+)\.", r"缺少参数 \1"),
    (r"Missing option (.+)\.", r"缺少选项 \1"),
    (r"Got unexpected extra argument(?:s|\(s\))? \((.+)\)", r"多余的参数：\1"),
    (r"Option (.+) does not take a value\.", r"选项 \1 不带值"),
    (r"Option (.+) requires (?:an argument|\d+ arguments)\.", r"选项 \1 后面缺少值"),
    (r"Invalid value for (.+?): .*\b(?:valid integer|valid int)\b.*", r"\1 的值应为整数"),
    (r"Invalid value for (.+?): (.+)", r"\1 的值无效：\2"),
)


def words(error: Exception, language: str) -> str:
    """One sentence; in English where nothing is known to say it in Chinese."""
    if type(error).__name__ == "NoArgsIsHelpError":  # its message is the whole help page
        said = "a command is missing"
    else:
        said = " ".join(str(getattr(error, "format_message", error.__str__)()).split())
    said = said if len(said) <= _LIMIT else f"{said[: _LIMIT - 1]}…"
    for pattern, chinese in _CHINESE if language == "zh" else ():
        if found := re.fullmatch(pattern, said):
            return found.expand(chinese)
    return said
