"""The guides name codes, exit codes, statuses, commands and failures as they are."""

import re
from pathlib import Path

import pytest

from ecny_tax import errors
from ecny_tax.cli.refusals import EDGE
from ecny_tax.errors import catalogue
from ecny_tax.payments.debit_model import FailureKind

GUIDES = sorted((Path(__file__).resolve().parents[2] / "docs" / "how-to").glob("*.md"))


def rows(page: Path, head: str) -> list[list[str]]:
    """The rows of the table of a page whose first column has this heading."""
    table = page.read_text("utf-8").partition(f"\n| {head} |")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()[2:]]


@pytest.mark.parametrize("name", ["integrate-payment.md", "integrate-payment.zh.md"])
def test_the_refusals_to_handle_have_the_exit_codes_and_statuses_that_are_named(name: str) -> None:
    problems = pytest.importorskip("ecny_tax.web.problems", reason="needs the extra [web]")
    (page,) = (page for page in GUIDES if page.name == name)
    table = rows(page, "code" if name.count(".") == 1 else "代码")
    assert len(table) > 15
    for codes, numbers, *_ in table:
        exits, statuses = re.split("[,，] ?", numbers)
        for code in re.findall(r"`(\w+)`", codes):
            assert code in catalogue(), code
            kind = getattr(errors, catalogue()[code]["class"])
            assert exits == str(EDGE[kind][0]), code
            assert str(problems.status_of_code(code)) in statuses, code


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.name)
def test_every_code_in_a_table_is_one(page: Path) -> None:
    cells = "\n".join(line for line in page.read_text("utf-8").splitlines() if line.startswith("|"))
    found = re.findall(r"`((?:database|receipt|bill|agreement|wallet|idempotency)_[a-z_]+)`", cells)
    names = {"receipt_no", "bill_no", "agreement_no", "wallet_id"} | set(FailureKind)
    assert set(found) - names <= catalogue().keys()


@pytest.mark.parametrize("name", ["test-failures.md", "test-failures.zh.md"])
def test_every_failure_that_can_be_ordered_of_debits_and_refunds_is_named(name: str) -> None:
    (page,) = (page for page in GUIDES if page.name == name)
    named = set(re.findall(r"`([a-z_]+)`", page.read_text("utf-8")))
    assert {str(kind) for kind in FailureKind} <= named


def test_what_an_operation_over_http_does_is_said_in_words() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "http-reference.md"
    said = re.findall(r"^\| `[A-Z]+ /v1/[^|]*\| (\S+)", page.read_text("utf-8"), re.MULTILINE)
    assert len(said) > 100
    assert [word for word in said if not re.fullmatch(r"[A-Z][a-z]*,?", word)] == []


def test_every_operation_over_http_that_is_named_is_one() -> None:
    routes = pytest.importorskip("ecny_tax.web.routes", reason="needs the extra [web]")
    operations = {
        (method, "/v1" + re.sub(r"\{\w+\}", "{}", route.path))
        for router in routes.routers()
        for route in router.routes
        for method in getattr(route, "methods", ())
    }
    found = {
        (method, re.sub(r"\{\w+\}", "{}", path), page.name)
        for page in GUIDES
        for method, path in re.findall(r"`(GET|POST|PUT|DELETE) (/v1/[^` ]+)`", page.read_text("utf-8"))
    }
    assert len(found) > 10
    for method, path, page_name in found:
        played = re.sub(r"^(/v1/scenarios)/[\w-]+$", r"\1/{}", path)
        assert (method, played) in operations, f"{page_name}: {method} {path}"


def test_nobody_is_told_to_install_from_an_index_what_is_in_none() -> None:
    """The name is free there: whoever took it would be installed by our readers."""
    root = GUIDES[0].parents[2]
    pages = [*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("examples/**/*.md")]
    texts = {page: page.read_text("utf-8") for page in [*pages, root / "ecny_tax" / "errors.toml"]}
    wrong = re.compile(r"install\s+(?:-\S+\s+)*['\"]?ecny-tax\b")
    assert [page for page, text in texts.items() if wrong.search(text)] == []
