"""Writes the pages of the documentation that follow from the code.

Here stand those of the command line and of refusals; the others have a module each in generators/.

`.venv/bin/python docs/generate.py` writes them; with `--check` it writes nothing and exits with 1 when a page
is out of date.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main
from generators import api, http_reference, law, lesson_plan, tables

from ecny_tax import errors
from ecny_tax.cli.app import build
from ecny_tax.cli.pages import exit_code_lines, page_of
from ecny_tax.cli.refusals import EDGE  # class -> exit code, English title, Chinese title
from ecny_tax.ledger.model import Result
from ecny_tax.web.hints import own_hints

DOCS = Path(__file__).resolve().parent
HEAD = "<!-- Written by docs/generate.py (`make docs`); changes made here will be lost. -->\n\n"

#: What stands for the value of an option that does not say so itself; others get their name in capitals.
METAVARS = {
    "days": "N",
    "hours": "N",
    "minutes": "N",
    "keys": "FILE",
    "out": "FILE",
    "idempotency-key": "KEY",
}

#: What each class means to a caller, in Chinese; the English is the docstring of the class.
CLASSES_ZH = {
    "InvalidInputError": "值的写法不对，或代码不在封闭列表中：请修改请求。",
    "NotFoundError": "没有此记录。",
    "ConflictError": "与先前的请求或已有的记录矛盾。",
    "RejectedError": "方案、法律或账本的某条规则不允许。",
    "VerificationError": "证明不成立：签名、文件或账本核验不通过。",
    "UnavailableError": "数据库或密钥文件此刻不能用；未作任何改动，可以重试。",
}

ERRORS_HEAD = """\
# Refusals · 拒绝代码

A refusal has a stable code, a sentence that says what was refused, and a hint that says what to do next.
Words in `{braces}` are filled with the values of the case. Unless its sentence says otherwise, a refusal has
moved no money and changed no record. In Python it is an exception of the class named here, with `.code`,
`.values`, `.message(language)` and `.hint`; on the command line it is two lines on stderr (with `--json` one
JSON object) and the exit code. Over HTTP it is a problem (RFC 9457); where the hint speaks of commands, the
one marked *HTTP* takes its place there.

每个拒绝都有固定的代码、一句说明和一条处理建议。`{花括号}` 中的内容由具体数值代入。除非说明中另有交代，\
被拒绝的操作没有移动资金，也没有改动记录。在 Python 中它是下列类别的异常；在命令行中，它是标准错误输出上的\
两行文字（加 `--json` 则为一个 JSON 对象）和退出码；在 HTTP 接口中，它是一个 problem 对象（RFC 9457），\
建议涉及命令时改用标有 *HTTP* 的一条。

The other exit codes are 0 (done), 1 (a bug in the program) and 130 (interrupted).
其余退出码：0 完成，1 程序缺陷，130 被中断。
"""

RESULTS_HEAD = """\
## Results of the ledger · 账本结果名称

What can become of one transfer in a batch, in the order in which they are judged: where two apply, the one
that stands first here is the answer. `created` and `exists` are good news: the transfer is in the journal.
The names are TigerBeetle's; `ledger` in them means the asset (e-CNY or bank deposits). Callers of the
services rarely meet them: `ledger_refused` names one.

一批转账中每笔转账的结果，按判定的先后排列：同时符合两项时，以排在前面的为准。`created` 和 `exists`
表示转账已经入账。名称沿用 TigerBeetle 的用语；其中 `ledger` 指资产（数字人民币或银行存款）。
"""

CLI_HEAD = """\
# The command line · 命令行

Every command with its arguments, options, examples and exit codes, as its `--help` shows them. The
[tutorial](tutorial.md) shows them at work; [errors.md](errors.md) lists every refusal. Numbers in the
examples are nobody's: take those of your own database.

每条命令的参数、选项、示例和退出码，与其 `--help` 所示相同。用法见[入门教程](tutorial.zh.md)，\
拒绝代码见 [errors.md](errors.md)。示例中的编号均为虚构，请换成您自己数据库中的编号。
"""


def errors_page() -> str:
    """Every code of the catalogue by class, then the results of the ledger."""
    parts = [ERRORS_HEAD, _classes()]
    for kind, (exit_code, title_en, title_zh) in EDGE.items():
        parts.append(f"## {title_en} · {title_zh}\n\n`{kind.__name__}`, exit code {exit_code}.\n")
        parts += [_code(code, entry) for code, entry in _codes(kind.__name__)]
    rows = [f"{place}. `{result.value}`" for place, result in enumerate(Result, start=1)]
    parts += [RESULTS_HEAD, "\n".join(rows) + "\n"]
    return "\n".join(parts)


def _classes() -> str:
    rows = ["| class · 类别 | exit code · 退出码 | meaning · 含义 | codes · 代码数 |", "|---|---|---|---|"]
    for kind, (exit_code, _, _) in EDGE.items():
        meaning = " ".join((kind.__doc__ or "").split())
        count = len(_codes(kind.__name__))
        rows.append(f"| `{kind.__name__}` | {exit_code} | {meaning} {CLASSES_ZH[kind.__name__]} | {count} |")
    return "\n".join(rows) + "\n"


def _codes(kind: str) -> list[tuple[str, dict[str, str]]]:
    return sorted((code, entry) for code, entry in errors.catalogue().items() if entry["class"] == kind)


def _code(code: str, entry: dict[str, str]) -> str:
    sentence = {key: entry[key].replace("{{", "{").replace("}}", "}") for key in entry}
    lines = [f"### `{code}`\n"]
    for language in ("en", "zh"):
        lines += [f"- {sentence[language]}", f"    - {sentence[f'hint_{language}']}"]
        if code in own_hints():
            lines.append(f"    - *HTTP*: {own_hints()[code][language]}")
    return "\n".join(lines) + "\n"


def cli_page() -> str:
    """Every command of the tree, in the order of the help page."""
    root: Any = typer.main.get_command(build())
    commands = list(_walk(root, ""))
    common = [parameter for parameter in commands[0][1].params if _is_common(parameter)]
    parts = [
        CLI_HEAD,
        "## Options of every command · 通用选项\n",
        "They stand at the end, after the command's own. 写在命令自身的选项之后。\n",
        _options(common),
        "`ecny-tax --version` prints the version, `ecny-tax COMMAND --help` explains a command.\n",
        f"Exit codes · 退出码: {_exit_codes()}; 1 a bug · 程序缺陷; 130 interrupted · 被中断.\n",
    ]
    for name, command in commands:
        own = [parameter for parameter in command.params if not _is_common(parameter)]
        page = page_of(command.help)
        parts.append(f"## `ecny-tax {name}`\n\n{page.about}\n")
        parts.append(f"```text\n{_usage(name, own)}\n```\n")
        if described := [parameter for parameter in own if parameter.name != "help"]:
            parts.append(_options(described))
        lines = [step.shown() for example in page.examples for step in example]
        parts.append("```text\n" + "\n".join(lines) + "\n```\n")
        codes = ", ".join(f"`{code}`" for code in page.exit_codes)
        others = ", ".join(f"[{other}](#ecny-tax-{other.replace(' ', '-')})" for other in page.see_also)
        parts.append(f"Exit codes · 退出码: {codes}.{others and f' See also · 另见: {others}.'}\n")
    return "\n".join(parts)


def _exit_codes() -> str:
    codes = [0, *sorted(exit_code for exit_code, _, _ in EDGE.values())]
    both = zip(exit_code_lines(codes, "en"), exit_code_lines(codes, "zh"), strict=True)
    return "; ".join(f"{code} {english} · {chinese}" for (code, english), (_, chinese) in both)


def _walk(group: Any, prefix: str) -> list[tuple[str, Any]]:
    found = []
    for name, command in group.commands.items():
        path = f"{prefix} {name}".strip()
        found += _walk(command, path) if hasattr(command, "commands") else [(path, command)]
    return found


def _is_common(parameter: Any) -> bool:
    return parameter.name in ("db", "as_json", "now", "lang")


def _is_argument(parameter: Any) -> bool:
    return parameter.param_type_name == "argument"


def _usage(name: str, parameters: list[Any]) -> str:
    arguments = [_metavar(parameter) for parameter in parameters if _is_argument(parameter)]
    words = [f"ecny-tax {name}", *arguments]
    options = [parameter for parameter in parameters if not _is_argument(parameter)]
    words += [_written(parameter) for parameter in options if parameter.required]
    words += [f"[{_written(parameter)}]" for parameter in options if not parameter.required]
    return " ".join(words)


def _written(parameter: Any) -> str:
    option = parameter.opts[0]
    return option if parameter.is_flag else f"{option} {_metavar(parameter)}"


def _metavar(parameter: Any) -> str:
    if parameter.metavar:
        return str(parameter.metavar)
    name = str(parameter.opts[0]).removeprefix("--")
    return METAVARS.get(name, name.upper())


def _options(parameters: list[Any]) -> str:
    rows = ["| option | | |", "|---|---|---|"]
    for parameter in parameters:
        name = _metavar(parameter) if _is_argument(parameter) else _written(parameter)
        notes = ["required"] if parameter.required else []
        if not parameter.required and not getattr(parameter, "is_flag", False) and parameter.default:
            notes.append(f"default `{parameter.default}`")
        if parameter.envvar:
            notes.append(f"environment `{parameter.envvar}`")
        help_text = " ".join((parameter.help or "").split())
        cells = (f"`{name}`", help_text, ", ".join(notes))
        rows.append(tables.row(cells))
    return "\n".join(rows) + "\n"


PAGES = {
    "errors.md": errors_page,
    "cli.md": cli_page,
    "api.md": api.page,
    "http-reference.md": http_reference.page,
    "law.md": law.page,
}


def texts() -> Iterator[tuple[str, str]]:
    """Each page with its text: those that are written as a whole, and those of which a part is."""
    for name, page in PAGES.items():
        yield name, HEAD + page().rstrip("\n") + "\n"
    yield "lesson.md", lesson_plan.with_plan(DOCS / "lesson.md", "en")
    yield "lesson.zh.md", lesson_plan.with_plan(DOCS / "lesson.zh.md", "zh")


def main(arguments: list[str]) -> int:
    """Write every page, or with ``--check`` name those that are out of date."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: generate.py [--check]\n")
        return 2
    stale = []
    for name, text in texts():
        path = DOCS / name
        if path.is_file() and path.read_text("utf-8") == text:
            continue
        stale.append(name)
        if not arguments:
            path.write_text(text, encoding="utf-8", newline="\n")
            sys.stderr.write(f"wrote docs/{name}\n")
    if arguments and stale:
        sys.stderr.write(f"out of date: {', '.join(stale)}; run `make docs`\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
