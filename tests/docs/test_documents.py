"""What the documents show is what happens: their code blocks run, and print what stands below them.

A block of shell or Python runs as it stands, in one folder and one session for each document.  A `text` block
right below it holds its output, where numbers that differ from run to run are not compared.  Blocks for
setting up are marked with `<!-- set-up -->` and do not run here: they would fetch packages.  A page marked
with `<!-- on postgresql -->` runs on an empty database of the tests' server, where there is one.

Pages that users start from stand in Chinese, too, with the blocks of the page in English: these are run once.

Where an output has changed on purpose, `RENEW_DOCUMENTS=1` makes the tests write it instead of comparing.
"""

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sybil import Document
from sybil.parsers.markdown import CodeBlockParser

from tests.cli.warm import ASK, POSSIBLE, Server

ROOT = Path(__file__).resolve().parents[2]
READMES = (ROOT / "README.md", ROOT / "README.zh-CN.md")
DOCUMENTS = (
    *READMES,
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "how-to").glob("*.md")),
)
#: Stands in a page in Chinese that shows what is printed in Chinese: its blocks are its own, and run.
_IN_CHINESE = "<!-- blocks in Chinese -->\n"
#: The pages in Chinese → those in English whose blocks they have.
TRANSLATIONS = {READMES[1]: READMES[0]} | {
    path: path.with_name(path.name.replace(".zh.md", ".md"))
    for path in DOCUMENTS
    if path.name.endswith(".zh.md") and _IN_CHINESE not in path.read_text("utf-8")
}
LINKED = (*DOCUMENTS, ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", ROOT / "examples" / "README.md")

_BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
_SETUP = "<!-- set-up -->\n"
_ON_POSTGRESQL = "<!-- on postgresql -->\n"
_LANGUAGES = {"sh", "python", "powershell", "text"}

#: What differs from run to run: 128-bit ids, numbers for people (with their date), those of vouchers (from
#: their digests), wallet ids, pseudonyms.
_ID = re.compile(
    r"\b(?:[0-9a-f]{32}|(?:[ABCDFJKLPRT]|344)\d{6}[0-9A-Z]{14}|V[0-9A-F]{20}|payer:[0-9A-F]{20}|00\d{14})\b"
)


@dataclass(frozen=True)
class Block:
    """A block of code, what the document says it prints (or None), and whether it only sets up."""

    language: str
    code: str
    printed: str | None
    setup: bool
    line: int
    #: Where the output stands in the text of the document.
    place: tuple[int, int] | None


def blocks(path: Path) -> list[Block]:
    """The blocks of a document that are commands or code, in order."""
    text = path.read_text("utf-8")
    found = list(_BLOCK.finditer(text))
    result = []
    for place, block in enumerate(found):
        after = found[place + 1] if place + 1 < len(found) else None
        if block["language"] == "text":
            continue
        below = after is not None and after["language"] == "text"
        below = below and not text[block.end() : after.start()].strip()
        result.append(
            Block(
                block["language"],
                block["code"],
                after["code"] if below else None,
                text[: block.start()].endswith(_SETUP),
                text.count("\n", 0, block.start()) + 1,
                after.span("code") if below else None,
            )
        )
    return result


def comparable(output: str) -> list[str]:
    """The lines of an output without what differs from run to run, and without alignment."""
    return [" ".join(_ID.sub("<id>", line).split()) for line in output.strip().splitlines()]


def check(path: Path, ran: list[tuple[Block, str]]) -> None:
    """Compare what the blocks printed with what the document says, or renew the document."""
    changed = [
        (block, output) for block, output in ran if comparable(output) != comparable(block.printed or "")
    ]
    if os.environ.get("RENEW_DOCUMENTS"):
        text = path.read_text("utf-8")
        for block, output in reversed(changed):
            assert block.place is not None, f"{path.name}:{block.line} has no `text` block below it"
            lines = "".join(f"{line.rstrip()}\n" for line in output.strip().splitlines())
            text = text[: block.place[0]] + lines + text[block.place[1] :]
        path.write_text(text, "utf-8")
        return
    for block, output in changed:
        assert comparable(output) == comparable(block.printed or ""), f"{path.name}:{block.line}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as the reader has it before the first command, as far as the documents use it."""
    shutil.copytree(ROOT / "examples", tmp_path / "work" / "examples")
    return tmp_path / "work"


def environment_of_readers() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ECNY_TAX_")}
    paths = [str(ROOT), *filter(None, [kept.get("PYTHONPATH")])]
    kept["PYTHONPATH"] = os.pathsep.join(paths)
    # Documents that serve do so side by side, each on a port of its own.
    return kept | {"PYTHONUTF8": "1", "LC_ALL": "C.UTF-8", "NO_COLOR": "1", "ECNY_TAX_PORT": "0"}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment where `ecny-tax` and `python3` are this Python and this tree."""
    return with_commands(tmp_path, {"ecny-tax": "-m ecny_tax", "python3": ""})


@pytest.fixture(scope="session")
def warm_server() -> Iterator[Server]:
    server = Server(environment_of_readers())
    yield server
    server.stop()


@pytest.fixture
def quick_environment(tmp_path: Path, request: pytest.FixtureRequest) -> dict[str, str]:
    """The same where each `ecny-tax` is a process whose imports are done (tests/cli/warm.py)."""
    if not POSSIBLE:
        return request.getfixturevalue("environment")
    address = request.getfixturevalue("warm_server").address
    return with_commands(tmp_path, {"ecny-tax": f'-IS "{ASK}" {address}', "python3": ""})


def with_commands(folder: Path, commands: dict[str, str]) -> dict[str, str]:
    """The environment with these commands: name → what Python is started with."""
    place = folder / "bin"
    place.mkdir()
    for name, words in commands.items():
        command = place / name
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n', encoding="utf-8")
        command.chmod(0o755)
    found = environment_of_readers()
    return found | {"PATH": f"{place}{os.pathsep}{found['PATH']}"}


def run_shell(chosen: list[Block], folder: Path, environment: dict[str, str]) -> list[str]:
    """Run the blocks in one session of bash; return what each of them printed, on either stream."""
    bash = shutil.which("bash")
    if bash is None or os.name == "nt":
        pytest.skip("there is no bash here to run the documents' commands")
    mark = "--- end of block ---"
    script = "exec 2>&1\n" + "".join(f"{block.code}\nprintf '%s\\n' '{mark}'\n" for block in chosen)
    done = subprocess.run(
        [bash, "-c", script],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=300,
    )
    printed = done.stdout.split(f"{mark}\n")
    assert len(printed) == len(chosen) + 1, done.stdout
    return printed[:-1]


#: A page in Chinese has the blocks of the one in English, as a test below says: they are run once, and twice
#: only to renew what stands in both.
_RUN = [path for path in DOCUMENTS if path not in TRANSLATIONS or os.environ.get("RENEW_DOCUMENTS")]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", _RUN, ids=name_of)
def test_shell_blocks_print_what_stands_below_them(
    path: Path, folder: Path, request: pytest.FixtureRequest
) -> None:
    """Those of the README with the command as it starts for its readers."""
    environment = request.getfixturevalue("environment" if path in READMES else "quick_environment")
    chosen = [block for block in blocks(path) if block.language == "sh" and not block.setup]
    if not chosen:
        return
    if _ON_POSTGRESQL in path.read_text("utf-8"):
        environment = environment | {"ECNY_TAX_DB": request.getfixturevalue("postgres_url")}
    check(path, list(zip(chosen, run_shell(chosen, folder, environment), strict=True)))


@pytest.mark.parametrize("path", _RUN, ids=name_of)
def test_python_blocks_print_what_stands_below_them(
    path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    parser = CodeBlockParser(language="python", evaluator=lambda example: exec(example.parsed, {}))
    document = Document.parse(str(path), parser)
    shown = [block for block in blocks(path) if block.language == "python"]
    ran = []
    for example, block in zip(document.examples(), shown, strict=True):
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            example.evaluate()
        ran.append((block, output.getvalue()))
    check(path, ran)


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_block_names_a_language_that_is_tested(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.count("```") == 2 * len(_BLOCK.findall(text))
    assert {block["language"] for block in _BLOCK.finditer(text)} <= _LANGUAGES
    for block in blocks(path):
        assert block.setup or block.language in ("sh", "python"), f"{path.name}:{block.line}"


def test_no_page_of_the_project_has_blocks_that_do_not_run() -> None:
    """Those that are not run here (decisions, the changelog, the examples' own page, …) have none."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    done = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False)
    if done.returncode:
        pytest.skip("what belongs to the project is known in a clone only")
    others = {ROOT / name for name in done.stdout.splitlines()} - set(DOCUMENTS)
    assert ROOT / "CONTRIBUTING.md" in others
    assert [
        path
        for path in others
        if path.is_file() and re.search(r"^ *(```|~~~)", path.read_text("utf-8"), re.M)
    ] == []


#: What is written without spaces: Chinese characters and punctuation.
_CHINESE = r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]"


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_no_line_ends_within_a_sentence_in_chinese(path: Path) -> None:
    """It would be shown as a space in the middle of it."""
    text = _BLOCK.sub("\n", path.read_text("utf-8"))
    assert re.findall(rf".*{_CHINESE}\n *{_CHINESE}.*", text) == []


@pytest.mark.parametrize("path", READMES, ids=name_of)
def test_readme_lists_every_promise(path: Path) -> None:
    listed = re.findall(r"^\| (I\d+) \|", path.read_text("utf-8"), re.MULTILINE)
    assert listed == [f"I{number}" for number in range(1, 17)]


@pytest.mark.parametrize("path", READMES, ids=name_of)
def test_set_up_comes_first_and_names_what_is_there(path: Path) -> None:
    setting_up = [block.setup for block in blocks(path)]
    assert setting_up == sorted(setting_up, reverse=True)
    commands = "".join(block.code for block in blocks(path) if block.setup).splitlines()
    assert commands[:2] == ["make demo", "make test"]
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert {command.split()[1] for command in commands if command.startswith("make ")} <= set(targets)
    named = re.findall(r"-c (\S+)", "\n".join(commands))
    assert named
    assert all((ROOT / name).is_file() for name in named)


@pytest.mark.parametrize("path", TRANSLATIONS, ids=name_of)
def test_a_page_in_chinese_has_the_code_blocks_of_the_one_in_english(path: Path) -> None:
    english, chinese = (
        [(language, comparable(code)) for language, code in _BLOCK.findall(page.read_text("utf-8"))]
        for page in (TRANSLATIONS[path], path)
    )
    assert english == chinese
    assert [block.setup for block in blocks(TRANSLATIONS[path])] == [block.setup for block in blocks(path)]


def test_the_story_in_python_is_short() -> None:
    story = next(block for block in blocks(READMES[0]) if block.language == "python")
    assert "pay_stamp_duty" in story.code
    assert "apply_for_income_tax" in story.code
    assert len(story.code.splitlines()) < 25


@pytest.mark.parametrize("path", LINKED, ids=name_of)
def test_links_inside_the_project_lead_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", _BLOCK.sub("", path.read_text("utf-8"))):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.is_relative_to(ROOT), link
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as they are made on the usual hosts."""
    headings = re.findall(r"^#+ (.+)$", _BLOCK.sub("", path.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_generated_pages_are_up_to_date(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"],
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
