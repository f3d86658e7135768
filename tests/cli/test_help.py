"""Help pages: what each must hold, in both languages; that their examples run, test_contract.py shows."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from ecny_tax.cli.pages import SAMPLES, page_of
from tests.cli.conftest import Inside, World
from tests.cli.examples import ENDLESS, FURTHER, SHOWN, keys_of, text_of
from tests.cli.process import Cli, StartedCli
from tests.cli.tree import PAGES, TREE, command_of


@pytest.mark.parametrize("path", TREE, ids=" ".join)
def test_every_command_shows_an_example_of_itself(path: tuple[str, ...]) -> None:
    lines = [step.line for example in PAGES[path].examples for step in example]
    assert path in {command_of(line.split()) for line in lines}


@pytest.mark.parametrize("path", TREE, ids=" ".join)
def test_what_a_page_refers_to_is_another_command(path: tuple[str, ...]) -> None:
    others = [tuple(name.split()) for name in PAGES[path].see_also]
    assert others
    assert set(others) <= TREE.keys() - {path}


def test_no_example_stands_in_two_lists() -> None:
    shown = [text_of(example) for example in SHOWN]
    assert not set(FURTHER) & set(shown)


def test_every_example_is_held_to_the_keys_of_an_answer() -> None:
    assert all(keys_of(example[-1].line) for example in SHOWN)


@pytest.mark.parametrize("path", TREE, ids=" ".join)
def test_an_example_is_shown_as_it_is_typed(path: tuple[str, ...]) -> None:
    for example in PAGES[path].examples:
        for step in example:
            assert re.fullmatch(r"ecny-tax [^{}]+", step.shown())


@pytest.mark.parametrize("path", [("wallet", "show"), ("wallet", "unfreeze"), ("pay",), ("reconcile", "day")])
def test_a_page_reads_from_usage_to_see_also(inside: Inside, path: tuple[str, ...]) -> None:
    answer = inside(*path, "--help")
    assert (answer.exit_code, answer.stderr) == (0, "")
    titles = re.findall(r"^(\w[\w ]*): ?", answer.stdout, re.MULTILINE)
    arguments = [title for title in titles if title == "Arguments"]
    assert titles == ["Usage", *arguments, "Options", "Examples", "Exit codes", "See also"]
    for example in PAGES[path].examples:
        for step in example:
            assert f"\n  {step.shown()}\n" in answer.stdout
    for code in PAGES[path].exit_codes:
        assert re.search(rf"^  {code}  \w", answer.stdout, re.MULTILINE)


@pytest.mark.parametrize("path", TREE, ids=" ".join)
def test_the_titles_and_exit_codes_of_a_chinese_page_are_chinese(
    inside: Inside, path: tuple[str, ...]
) -> None:
    page = inside(*path, "--help", "--lang", "zh").stdout
    assert not re.search(r"^(Usage|Arguments|Options|Examples|Exit codes|See also):", page, re.MULTILINE)
    assert page.startswith("用法: ecny-tax ")
    assert "\n示例:\n" in page
    assert "\n  0  完成\n  2  输入有误\n" in page


def test_the_environment_chooses_the_language_of_a_page(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECNY_TAX_LANG", "zh")
    assert inside("status", "--help").stdout.startswith("用法")
    assert inside("status", "--help", "--lang", "en").stdout.startswith("Usage")


def test_the_example_of_what_does_not_end_is_a_line_that_the_parser_takes() -> None:
    ((step,),) = PAGES[ENDLESS].examples
    context = TREE[ENDLESS].make_context("serve", step.line.split()[1:])
    assert context.params["port"] == 8080


def test_a_docstring_is_read_part_by_part() -> None:
    page = page_of(
        """Do it.

        In two paragraphs.

        Examples:
            wallet show {company}
                --json  # status active
            then status
            clock show
        Exit codes: 4 3.
        See also: wallet list,
        status.
        """
    )
    assert page.about == "Do it.\n\nIn two paragraphs."
    assert [[step.line for step in example] for example in page.examples] == [
        ["wallet show {company} --json", "status"],
        ["clock show"],
    ]
    assert page.examples[0][0].says == "status active"
    assert page.examples[0][0].shown() == f"ecny-tax wallet show {SAMPLES['company']} --json  # status active"
    assert page.exit_codes == (0, 2, 3, 4, 7)
    assert page.see_also == ("wallet list", "status")


def test_a_page_is_read_only_when_it_is_asked_for(world: World) -> None:
    code = "import sys; from ecny_tax.cli.app import run_command_line as run; run(sys.argv[1:]); "
    code += "print('ecny_tax.cli.pages' in sys.modules, 'ecny_tax.cli.completion' in sys.modules)"
    for words, expected in ((["status"], "False False"), (["status", "--help"], "True False")):
        done = subprocess.run(
            [sys.executable, "-c", code, *words],
            cwd=world.folder,
            env=StartedCli(world.folder, ECNY_TAX_DB="s.db").environment(),
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        assert done.stdout.splitlines()[-1] == expected


def test_help_makes_no_database(cli: Cli) -> None:
    assert cli.run("wallet", "show", "--help").exit_code == 0
    assert list(cli.folder.iterdir()) == []
