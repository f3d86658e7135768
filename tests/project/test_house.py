"""docs/house.md shows the house as it stands: its floors are those of the contract, its places exist."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "ecny_tax"
DOCS = ROOT / "docs"
HOUSE = (DOCS / "house.md").read_text("utf-8")
PAGES = (DOCS / "house.md", *sorted((DOCS / "decisions").glob("*.md")))
RECORDS = [page for page in PAGES if page.name[0].isdigit()]


def contract() -> list[set[str]]:
    """The floors as import-linter keeps them, top first."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    (layers,) = [found["layers"] for found in config["contracts"] if found["type"] == "layers"]
    return [{room.strip(" ()") for room in layer.split("|")} for layer in layers]


def picture() -> list[tuple[int, list[str]]]:
    """The floors as the page draws them, top first: number, and rooms as they are written."""
    section = HOUSE.partition("## The floors")[2].partition("\n## ")[0]
    drawing = re.search(r"^```text\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    assert drawing is not None
    floors = []
    for line in drawing[1].splitlines():
        number, _, rooms = line.strip().partition("  ")
        floors.append((int(number), [room.strip() for room in rooms.split("|")]))
    return floors


def rooms_in_the_folder() -> set[str]:
    modules = {path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__"}
    return modules | {path.parent.name for path in PACKAGE.glob("*/__init__.py")}


def test_the_picture_has_the_floors_of_the_contract_in_their_order() -> None:
    assert [{room.strip("()") for room in rooms} for _, rooms in picture()] == contract()


def test_the_floors_are_numbered_from_the_ground_up() -> None:
    numbers = [number for number, _ in picture()]
    assert numbers == list(range(len(numbers), 0, -1))


def test_every_room_has_a_floor_and_those_in_parentheses_are_still_to_be_built() -> None:
    drawn = [room for _, rooms in picture() for room in rooms]
    assert len(drawn) == len(set(drawn))
    assert {room for room in drawn if "(" not in room} == rooms_in_the_folder()
    assert {room.strip("()") for room in drawn if "(" in room}.isdisjoint(rooms_in_the_folder())


def test_what_is_said_of_the_rooms_of_the_trade_holds() -> None:
    said = re.search(r"Floors (\d+) to (\d+) are the rooms of the trade", HOUSE)
    assert said is not None
    first, last = int(said[1]), int(said[2])
    trade = {room for number, rooms in picture() if first <= number <= last for room in rooms}
    for room in trade & rooms_in_the_folder():
        assert (PACKAGE / room / "service.py").is_file(), room


def test_every_room_that_stands_is_found_in_the_table() -> None:
    table = HOUSE.partition("## Where does it live?")[2]
    named = {re.split(r"[/.]", place)[0] for place in re.findall(r"`([a-z_]+(?:/|\.py)[^`]*)`", table)}
    assert rooms_in_the_folder() - {"__main__"} <= named


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_place_that_is_named_exists(page: Path) -> None:
    text = page.read_text("utf-8")
    for place in re.findall(r"`([a-z_]+(?:/[a-z_]*)*/(?:[a-z_*]+\.[a-z]+)?|[a-z_]+\.toml)`", text):
        found = [base for base in (PACKAGE, ROOT) if list(base.glob(place.rstrip("/")))]
        assert found, place


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        assert "://" in link or (page.parent / link).resolve().exists(), link


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.stem)
def test_a_decision_record_has_the_short_form(record: Path) -> None:
    text = record.read_text("utf-8")
    assert text.startswith(f"# {int(record.name[:4])}. ")
    parts = [text.find(f"\n**{part}.** ") for part in ("Context", "Decision", "Consequence")]
    assert parts[0] > 0
    assert parts == sorted(parts)
    assert 10 <= len(text.splitlines()) <= 25


def test_decisions_are_numbered_without_gaps_and_listed_with_their_titles() -> None:
    assert [int(record.name[:4]) for record in RECORDS] == list(range(1, len(RECORDS) + 1))
    listed = re.findall(r"^(\d+)\. \[(.+)\]\((.+)\)$", PAGES[-1].read_text("utf-8"), re.MULTILINE)
    titles = [(record, record.read_text("utf-8").splitlines()[0]) for record in RECORDS]
    assert [(f"# {number}. {title}", name) for number, title, name in listed] == [
        (title, record.name) for record, title in titles
    ]
