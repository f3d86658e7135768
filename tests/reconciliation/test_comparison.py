"""Bringing streams together and classing what they hold, against a model of plain dictionaries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecny_tax import Fen, Sandbox
from ecny_tax.reconciliation import files, model
from ecny_tax.reconciliation.model import Entry, Mend, Pair, PairClass, Scope
from tests.reconciliation.struck import counts

DAY = date(2023, 4, 20)
EVERYTHING = Scope(DAY)


def entry(number: int = 1, **wishes: Any) -> Entry:
    given_ = {
        "trace_no": f"P{number:03}",
        "authority": "14407840000",
        "entrust_date": DAY.isoformat(),
        "bill_no": f"B{number}",
        "operator": "ICBC",
        "wallet_id": "0021706634257445",
        "amount": Fen(100),
        "status": "succeeded",
    }
    return Entry(**{**given_, **wishes})


entries = st.builds(
    entry,
    st.integers(1, 12),
    authority=st.sampled_from(["14407840000", "14407030000"]),
    entrust_date=st.sampled_from(["2023-04-20", "2023-04-20", "2023-04-21"]),
    operator=st.sampled_from(["ICBC", "ICBC", "BOC"]),
    amount=st.sampled_from([1, 100, 10**17]).map(Fen),
    status=st.sampled_from(["succeeded", "succeeded", "failed"]),
)
books = st.lists(entries, max_size=25).map(lambda found: {e[:3]: e for e in found})
BOOK = dict[tuple[str, str, str], Entry]
#: Under this stands how many debits the sides name another operator for.
DETAILS = -1


def modelled(treasury: BOOK, operator: BOOK, covered: set[str] | None) -> Counter[int]:
    """The classes, written as the list of the field has them."""
    found: Counter[int] = Counter()
    for key in treasury.keys() | operator.keys():
        t, o = treasury.get(key), operator.get(key)
        outside = key[2] != "2023-04-20" or (
            covered is not None and covered.isdisjoint(e.operator for e in (t, o) if e)
        )
        said = (t.status if t else "none", o.status if o else "none")
        if outside:
            found[0] += 1
        elif said == ("succeeded", "succeeded"):
            assert t is not None and o is not None  # noqa: PT018
            found[1 if t.amount == o.amount else 2] += 1
        else:
            found[
                {
                    ("succeeded", "failed"): 3,
                    ("succeeded", "none"): 4,
                    ("failed", "succeeded"): 5,
                    ("none", "succeeded"): 6,
                }.get(said, 7)
            ] += 1
        found[DETAILS] += not outside and t is not None and o is not None and t.operator != o.operator
    return found


@given(treasury=books, operator=books)
def test_the_classes_are_those_of_a_model_in_dictionaries(treasury: BOOK, operator: BOOK) -> None:
    found = model.pairs(*(sorted(book.values()) for book in (treasury, operator)))
    seen: Counter[int] = Counter()
    for pair in found:
        which = model.class_of(pair, EVERYTHING)
        seen[int(which)] += 1
        seen[DETAILS] += which != PairClass.NOT_COMPARED and model.details_differ(pair) == ("operator",)
    assert seen == modelled(treasury, operator, None)


@given(books=st.tuples(books, books, books))
def test_every_record_is_in_exactly_one_pair(books: tuple[BOOK, BOOK, BOOK]) -> None:
    found = list(model.pairs(*(sorted(book.values()) for book in books)))
    assert [pair.known[:3] for pair in found] == sorted({key for book in books for key in book})
    for place, book in enumerate(books):
        assert {pair[place][:3]: pair[place] for pair in found if pair[place] is not None} == book  # type: ignore[index]


@pytest.fixture(scope="module")
def scheme() -> Iterator[Sandbox]:
    """A sandbox that no test here changes."""
    with Sandbox.open(":memory:") as s:
        yield s


@given(treasury=books, operator=books, seed=st.randoms())
def test_files_in_any_order_of_lines_and_columns_are_classed_as_by_the_model(
    scheme: Sandbox, tmp_path_factory: pytest.TempPathFactory, treasury: BOOK, operator: BOOK, seed: Any
) -> None:
    folder = tmp_path_factory.mktemp("files")
    paths = []
    for name, book in (("t", treasury), ("o", operator)):
        shuffled, names = list(book.values()), list(files.COLUMNS)
        seed.shuffle(shuffled)
        seed.shuffle(names)
        rows = [names, *([str(_cell(e, column)) for column in names] for e in shuffled)]
        path = folder / f"{name}.csv"
        path.write_text("".join(",".join(row) + "\r\n" for row in rows), "utf-8", newline="")
        paths.append(path)
    found = scheme.reconciliation.reconcile_files(
        entrust_date=DAY, treasury_file=paths[0], operator_file=paths[1]
    )
    covered = {e.operator for e in operator.values()} or None
    expected = modelled(treasury, operator, covered)
    assert found.ok == (not any(expected[number] for number in (2, 3, 4, 5, 6, DETAILS)))
    assert sum(difference.details_differ == ("operator",) for difference in found.differences) == (
        expected.pop(DETAILS, 0)
    )
    assert counts(found) == dict(+expected)
    assert all(difference.mend is None for difference in found.differences)


def _cell(e: Entry, column: str) -> object:
    return f"{e.amount // 100}.{e.amount % 100:02}" if column == "amount" else getattr(e, column)


@pytest.mark.parametrize(
    ("due", "moved", "mend"),
    [
        (100, 100, None),
        (None, None, None),
        (None, 100, (Mend.GIVE_BACK, 100)),
        (100, 200, (Mend.GIVE_BACK, 100)),
        (100, None, (Mend.DEBIT_NOW, 100)),
    ],
)
def test_the_ledger_tells_which_mend_it_is(
    due: int | None, moved: int | None, mend: tuple[Mend, int] | None
) -> None:
    sides = [None if amount is None else entry(amount=Fen(amount)) for amount in (due, moved)]
    assert model.mend_of(Pair(sides[0], None, sides[1])) == mend


def test_a_failed_entry_of_the_treasury_asks_for_nothing() -> None:
    assert model.mend_of(Pair(entry(status="failed"), None, entry())) == (Mend.GIVE_BACK, 100)


@pytest.mark.parametrize(
    ("pair", "differs"),
    [
        (Pair(entry(), entry(), entry()), False),
        (Pair(entry(), entry(), None), True),
        (Pair(entry(bill_no="B2"), entry(), entry()), True),
        (Pair(entry(), entry(), entry(amount=Fen(99))), True),
        (Pair(None, None, entry()), True),
        (Pair(entry(status="failed"), None, None), False),
        (Pair(entry(status="failed"), entry(status="failed"), entry()), True),
    ],
)
def test_what_treasury_and_operator_agree_on_must_be_in_the_ledger(pair: Pair, differs: bool) -> None:
    assert model.differs(pair, model.class_of(pair, EVERYTHING), EVERYTHING, three_way=True) is differs
    two_way = model.differs(pair, model.class_of(pair, EVERYTHING), EVERYTHING, three_way=False)
    assert two_way is bool(model.details_differ(pair))


def test_every_class_has_its_meaning_in_both_languages() -> None:
    assert list(model.MEANINGS) == list(PairClass)
    assert len({text for pair in model.MEANINGS.values() for text in pair}) == 2 * len(PairClass)


def test_a_long_list_of_differences_is_cut_and_counted(scheme: Sandbox, tmp_path: Path) -> None:
    many = model.MAX_LISTED + 5
    (tmp_path / "t.csv").write_text("".join(files.lines(entry(n) for n in range(many))))
    (tmp_path / "o.csv").write_text("".join(files.lines([])))
    found = scheme.reconciliation.reconcile_files(
        entrust_date=DAY, treasury_file=tmp_path / "t.csv", operator_file=tmp_path / "o.csv"
    )
    assert (len(found.differences), found.left_out, counts(found)) == (model.MAX_LISTED, 5, {4: many})
