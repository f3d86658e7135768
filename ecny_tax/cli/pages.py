"""Help pages: what stands below the sentence of a command's docstring, read when somebody asks for it.

The docstring of a command ends with a block of these parts, in this order:

    Examples:
        wallet show {company}
        wallet freeze {company} --instrument freeze.law
        then wallet show {company}  # status frozen
    Exit codes: 3 4.
    See also: wallet list, wallet statement.

An example is a command line, ``then`` goes on with the one above it, a line that is indented deeper goes on
with the line above, and ``#`` is what the answer says.  Words in braces are numbers of the reader's own
database; ``SAMPLES`` shows what such numbers look like.  Tests run every example and see every exit code.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecny_tax.cli.refusals import EDGE, EXIT_USAGE

if TYPE_CHECKING:
    from typer._click import Command, Context, HelpFormatter

#: What the numbers in an example look like; nobody's.
SAMPLES = {
    "company": "0021372537745224",
    "person": "0023566089743242",
    "nameless": "0021204172524053",
    "authority": "14407840000",
    "agreement": "A2304208S81R693QQKV2C",
    "open": "B2304208S86SKFQAX439E",
    "asked": "B2304208S852X8V8K3N19",
    "payment": "P2304208S84TX8NN1HDGY",
    "new_payment": "P2304208S8XS6K4RPZ17G",
    "receipt": "3442304208S85711QVYH1WA",
    "refund": "R2304208S87QDA2YT9DSF",
    "review": "R2304208S8174N9K3Y9H5",
    "batch": "K2304208S86D78R4PZ17G",
    "device": "D2304208S82B9C2R2ZRFF",
    "load": "L2304208S81E6WCXJZCV3",
    "terminal": "T2304208S86JR4E5V5BFH",
    "disputed": "V774D14482B3E07AF312F",
    "failure": "F2304208S85V2C9QYH1WA",
    "new_refund": "R2304208S8X2M9QWZDT3K",
    "new_id": "440784199001010074",
    "name": "虚构人1号",
    "id_number": "440784199001010015",
    "sub": "0021372537745232",
    "token": "pt_3Kf9Qd0yTnU2mWx7LhZbRg",
    "key": "k_7Hq2Vn4c",
}

#: In which every command may end: done, its words, the database or the output.
_ALWAYS = (0, EXIT_USAGE, 7)
_HEADINGS = {
    "Usage": "用法",
    "Arguments": "参数",
    "Options": "选项",
    "Examples": "示例",
    "Exit codes": "退出码",
    "See also": "另见",
}
_PARTS = re.compile(r"^(Examples|Exit codes|See also):", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Step:
    """One command line of an example, without ``ecny-tax``, and what its answer says."""

    line: str
    says: str

    def shown(self) -> str:
        """As somebody would type it."""
        told = f"  # {self.says}" if self.says else ""
        return f"ecny-tax {self.line.format_map(SAMPLES)}{told}"


@dataclass(frozen=True, slots=True)
class Page:
    """What the docstring of a command says."""

    about: str
    examples: tuple[tuple[Step, ...], ...]
    exit_codes: tuple[int, ...]
    see_also: tuple[str, ...]


def page_of(docstring: str | None) -> Page:
    """The parts of a command's docstring."""
    about, *rest = _PARTS.split(inspect.cleandoc(docstring or ""))
    parts = dict(zip(rest[::2], rest[1::2], strict=True))
    codes = {int(code) for code in re.findall(r"\d+", parts.get("Exit codes", ""))}
    others = " ".join(parts.get("See also", "").rstrip().removesuffix(".").split())
    return Page(
        about.strip(),
        tuple(_examples(parts.get("Examples", ""))),
        tuple(sorted({*_ALWAYS, *codes})),
        tuple(others.split(", ")) if others else (),
    )


def _examples(text: str) -> list[tuple[Step, ...]]:
    lines = re.sub(r"\n {5,}", " ", text).split("\n")
    found: list[tuple[Step, ...]] = []
    for line in filter(None, map(str.strip, lines)):
        command, _, says = line.partition("  # ")
        goes_on = command.startswith("then ")
        step = Step(command.removeprefix("then "), says.strip())
        if goes_on:
            found[-1] += (step,)
        else:
            found.append((step,))
    return found


# --- how a page is shown --------------------------------------------------------------------------


def language_of(context: Context) -> str:
    """The language that the command line asks for."""
    return str((context.find_object(dict) or {}).get("language", "en"))


def heading(title: str, language: str) -> str:
    """The title of a section."""
    return _HEADINGS[title] if language == "zh" else title


def exit_code_lines(codes: Sequence[int], language: str) -> list[tuple[str, str]]:
    """Each code with what it means."""
    means = {code: chinese if language == "zh" else english for code, english, chinese in EDGE.values()}
    means[0] = "完成" if language == "zh" else "done"
    return [(str(code), means[code][:1].lower() + means[code][1:]) for code in codes]


def write_usage(command: Command, context: Context, formatter: HelpFormatter) -> None:
    """The line that says how to write the command."""
    prefix = f"{heading('Usage', language_of(context))}: "
    formatter.write_usage(context.command_path, " ".join(command.collect_usage_pieces(context)), prefix)


def write_about(command: Command, formatter: HelpFormatter) -> None:
    """What the command does."""
    formatter.write_paragraph()
    with formatter.indentation():
        formatter.write_text(page_of(command.help).about)


def write_options(command: Command, context: Context, formatter: HelpFormatter) -> None:
    """Arguments, then options."""
    for title, kind in (("Arguments", "argument"), ("Options", "option")):
        found = [item for item in command.get_params(context) if item.param_type_name == kind]
        records = [record for item in found if (record := item.get_help_record(context))]
        if records:
            with formatter.section(heading(title, language_of(context))):
                formatter.write_dl(records)


def write_rest(command: Command, context: Context, formatter: HelpFormatter) -> None:
    """Examples as they are typed, exit codes, and what to read next."""
    page, language = page_of(command.help), language_of(context)
    with formatter.section(heading("Examples", language)):
        for step in (step for example in page.examples for step in example):
            formatter.write(f"{'':{formatter.current_indent}}{step.shown()}\n")
    with formatter.section(heading("Exit codes", language)):
        formatter.write_dl(exit_code_lines(page.exit_codes, language))
    if page.see_also:
        with formatter.section(heading("See also", language)):
            formatter.write_text(", ".join(f"ecny-tax {name}" for name in page.see_also))
