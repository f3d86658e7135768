"""The examples run from anywhere, use nothing but the public API, and say what the documents say."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import ecny_tax
from ecny_tax import AnnualReturn, yuan
from ecny_tax.scenarios.lesson import chapters

ROOT = Path(__file__).resolve().parents[2]
STORY = ROOT / "examples" / "heshan.py"


def test_the_story_says_what_happened(tmp_path: Path) -> None:
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [sys.executable, "-W", "error", str(STORY)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    pairs = [tuple(pair.splitlines()) for pair in done.stdout.strip().split("\n\n")]
    assert pairs == [
        ("The company's wallet holds 20000.00 yuan.", "公司钱包余额 20000.00 元。"),
        ("The three-party agreement is verified.", "三方协议已签订，验证通过。"),
        (
            "Stamp duty of 17000.00 yuan is settled; the fee is 0.00; 3000.00 are left.",
            "印花税 17000.00 元，支付即结算；手续费 0.00 元；余额 3000.00 元。",
        ),
        ("Again? Refused: bill_already_paid.", "再缴一次？被拒绝：bill_already_paid。"),
        ("Mr Liang's refund of 720.00 yuan is completed.", "梁先生的退税 720.00 元已到账。"),
        ("The books verify: True (35 transfers).", "账本核验：通过（35 笔转账）。"),
    ]
    assert list(tmp_path.iterdir()) == []


def test_the_story_uses_the_public_api_alone() -> None:
    tree = ast.parse(STORY.read_text("utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom | ast.Import)]
    modules = {node.module for node in imports if isinstance(node, ast.ImportFrom)}
    assert modules == {"datetime", "ecny_tax"}
    assert len(modules) == len(imports)
    names = {
        alias.name
        for node in imports
        if isinstance(node, ast.ImportFrom) and node.module == "ecny_tax"
        for alias in node.names
    }
    assert names <= set(ecny_tax.__all__)
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr[0] == "_"]


def test_the_return_is_the_one_of_the_story() -> None:
    written = json.loads((ROOT / "examples" / "income-2022.json").read_text("utf-8"))
    year = written.pop("tax_year")
    given = AnnualReturn(tax_year=year, **{key: yuan(amount) for key, amount in written.items()})
    assert given == AnnualReturn(
        tax_year=2022, wages=yuan(150000), social=yuan(18000), sad=yuan(24000), withheld=yuan(3000)
    )


PAYABLE = ROOT / "examples" / "accounts_payable.py"


def test_accounts_payable_dies_and_pays_nothing_twice(tmp_path: Path) -> None:
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [sys.executable, "-W", "error", str(PAYABLE)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "First run: the line broke after HT-2023-019 was paid; noted: HT-2023-017.",
        "Second run: HT-2023-017 17000.00, HT-2023-019 2700.00, HT-2023-020 150.00",
        "  retry later: nothing",
        "  fix the input: HT-2023-018 amount_malformed",
        "  ask a human: HT-2023-021 insufficient_funds",
        "Noted 19850.00, left the wallet 19850.00: they agree.",
    ]
    assert list(tmp_path.iterdir()) == []


def test_accounts_payable_is_short_and_uses_the_public_api_alone() -> None:
    text = PAYABLE.read_text("utf-8")
    assert len(text.splitlines()) < 90
    tree = ast.parse(text)
    names = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ecny_tax")
        for alias in node.names
    }
    assert names <= set(ecny_tax.__all__)
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert modules == {"datetime", "pathlib", "typing", "ecny_tax"}
    private = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr[0] == "_"]
    assert not private


LESSON = ROOT / "examples" / "lesson.py"


def told(*options: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.run(
        [sys.executable, "-W", "error", str(LESSON), *options],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_lesson_tells_every_chapter_and_answers_when_asked_to(language: str, tmp_path: Path) -> None:
    done = told("--lang", language, cwd=tmp_path)
    answered = told("--lang", language, "--answers", cwd=tmp_path)
    assert (done.returncode, done.stderr, answered.returncode) == (0, "", 0)
    for chapter in chapters():
        zh = language == "zh"
        assert f". {chapter.title_zh if zh else chapter.title} · {chapter.minutes} " in done.stdout
        for question in chapter.questions:
            assert (question.ask_zh if zh else question.ask) in done.stdout
            assert (question.answer_zh if zh else question.answer) not in done.stdout
            assert (question.answer_zh if zh else question.answer) in answered.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_lesson_tells_one_chapter_as_it_comes_in_the_whole(tmp_path: Path) -> None:
    whole, one = (told(*options, cwd=tmp_path).stdout for options in ((), ("--chapter", "offline")))
    assert one in whole
    assert one.startswith("== 4. Without network")
    for said in ("9114", "1001"):
        assert said in whole
        assert said not in one


def test_the_lesson_refuses_bad_wishes_in_one_line(tmp_path: Path) -> None:
    for options, code in (
        (("--company", " "), "(name_malformed)"),
        (("--chapter", "nine"), "invalid choice"),
    ):
        done = told(*options, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert code in done.stderr.splitlines()[-1]
    assert "\x1b[31m" not in told("--company", "\x1b[31mred", cwd=tmp_path).stdout


@pytest.mark.skipif(os.name == "nt", reason="there are no pseudo-terminals here")
def test_at_a_terminal_the_lesson_waits_for_enter_and_ends_where_the_reader_does(tmp_path: Path) -> None:
    import pty

    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    ours, theirs = pty.openpty()
    try:
        reader = subprocess.Popen(
            [sys.executable, "-W", "error", str(LESSON), "--chapter", "refund"],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONUTF8": "1"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        shown = b""
        while shown.count("…".encode()) < 1:
            shown += os.read(ours, 4096)
        assert b"720.00 yuan." in shown
        assert b"Ask" not in shown
        os.write(ours, b"\n")
        while shown.count("…".encode()) < 2:
            shown += os.read(ours, 4096)
        assert b"Ask" in shown
        os.write(ours, b"\x04")  # the end of what is typed
        assert reader.wait(timeout=60) == 130
        assert b"Traceback" not in shown
    finally:
        os.close(ours)
        os.close(theirs)


def test_the_lesson_uses_the_public_package_alone() -> None:
    tree = ast.parse(LESSON.read_text("utf-8"))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    documented = {
        f"ecny_tax.scenarios.{name}" for name in ("classroom", "classroom_model", "heshan", "lesson")
    }
    assert modules == {"ecny_tax", *documented}
    page = (ROOT / "docs" / "lesson.md").read_text("utf-8")
    assert all(f"`{name}`" in page for name in documented)
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr[0] == "_"]
