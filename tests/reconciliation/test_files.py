"""The files of treasuries and operators: written, read in either encoding, and refused with their line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ecny_tax import Fen, InvalidInputError, Sandbox, UnavailableError
from ecny_tax.reconciliation import files
from ecny_tax.reconciliation.files import read
from ecny_tax.reconciliation.model import Entry
from tests.reconciliation.struck import DAY, IN_DOUBT, LEAVES, compared, counts, mended, only, struck
from tests.support import corporate, dump, judged, owe, refused

HEADER = "entrust_date,authority,trace_no,bill_no,operator,wallet_id,amount,status\n"
ROW = "2023-04-20,14407840000,P1,B1,ICBC,0021706634257445,50.00,succeeded\n"
ENTRY = Entry("P1", "14407840000", "2023-04-20", "B1", "ICBC", "0021706634257445", Fen(50_00), "succeeded")
CHINESE = "委托日期,征收机关,交易流水号,应征凭证,运营机构,钱包编号,金额,状态\n"
CHINESE_ROW = ROW.replace("succeeded", "成功")


def written(folder: Path, content: bytes | str, name: str = "f.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        (HEADER + ROW).encode(),
        (HEADER + ROW).encode("utf-8-sig"),
        (CHINESE + CHINESE_ROW).encode(),
        (CHINESE + CHINESE_ROW).encode("utf-8-sig"),
        (CHINESE + CHINESE_ROW).encode("gb18030"),
        ("\ufeff" + CHINESE + CHINESE_ROW).encode("gb18030"),
        (HEADER + ROW).replace("\n", "\r\n").encode(),
        (HEADER + ROW).removesuffix("\n").encode(),
        (HEADER + ROW + "\n\r\n\n").encode(),
        (HEADER + ROW.replace("50.00", "50")).encode(),
        (HEADER + ROW.replace("50.00", "50.0")).encode(),
        (HEADER + ROW.replace("ICBC", '"ICBC"')).encode(),
    ],
)
def test_either_encoding_language_and_line_end_is_read_alike(tmp_path: Path, content: bytes) -> None:
    assert list(read(written(tmp_path, content))) == [(2, ENTRY)]


@pytest.mark.parametrize(
    ("line", "content"),
    [
        (1, b""),
        (1, b"\n"),
        (1, ROW.encode()),
        (1, (HEADER.replace("status", "state") + ROW).encode()),
        (1, (HEADER.replace(",status", "") + ROW).encode()),
        (1, (HEADER.replace("bill_no", "status") + ROW).encode()),
        (1, (HEADER.replace("bill_no", "状态") + ROW).encode()),
        (1, (HEADER.removesuffix("\n") + ",extra\n" + ROW.removesuffix("\n") + ",1\n").encode()),
        (1, (CHINESE + CHINESE_ROW).encode("utf-16")),
        (1, HEADER.encode() + b"\xe9\xff\xff"),
        (1, "\ufeff".encode()),
        (1, ("\ufeff\ufeff" + HEADER + ROW).encode()),
        (2, (HEADER + "\ufeff" + ROW).encode()),
        (2, (HEADER + ROW.removesuffix(",succeeded\n")).encode()),
        (2, (HEADER + ROW.removesuffix("\n") + ",more\n").encode()),
        (2, (HEADER + "\n" + ROW).encode()),
        (3, (HEADER + ROW + " \n").encode()),
        (3, (HEADER + ROW + "x" * 600 + "\n").encode()),
        (3, (HEADER + ROW + "金" * 513 + "\n").encode("gb18030")),
        (3, (HEADER + ROW + ROW.replace("P1", '"P2')).encode()),
        (3, (HEADER + ROW + ROW.replace("P1", 'P"2"')).encode() + b'"'),
    ],
)
def test_a_file_of_another_form_is_refused_with_its_line(tmp_path: Path, line: int, content: bytes) -> None:
    path = written(tmp_path, content)
    with pytest.raises(InvalidInputError) as caught:
        list(read(path))
    judged(caught.value, "reconciliation_file_malformed")
    assert (caught.value.values["line"], caught.value.values["path"]) == (line, path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        *(("2023-04-20", day) for day in ("2023-4-20", "20230420", "2023-02-30", "1970-01-01", "")),
        *(("14407840000", code) for code in ("1440784000", "144078400001", "１4407840000", "")),
        *(("P1", number) for number in ("", "p1", "P 1", "=P1", "+1", "-1", "@1", "P" * 33, "P1\t", "P\0")),
        *(("B1", number) for number in ("", "=1+1", "B" * 33, "票1")),
        *(("ICBC", code) for code in ("", "icbc", "=ICBC", "ICBCICBCICBCX")),
        *(("0021706634257445", wallet) for wallet in ("", "1", "00217066342574455", "002170663425744X")),
        *(
            ("50.00", amount)
            for amount in (
                "", "0", "0.00", "-1", "+1", "1e3", "1,0", "50.001", "050.00", ".5", "50.", "NaN", "９",
                "1" * 17,
            )
        ),
        *(("succeeded", status) for status in ("", "Succeeded", "ok", "true", "=1", "成功 ")),
    ],
)  # fmt: skip
def test_a_malformed_cell_is_refused_with_its_line(tmp_path: Path, old: str, new: str) -> None:
    path = written(
        tmp_path, HEADER + ROW + ROW.replace("P1", "P2").replace(old if old != "P1" else "P2", new)
    )
    with pytest.raises(InvalidInputError) as caught:
        list(read(path))
    judged(caught.value, "reconciliation_file_malformed")
    assert caught.value.values["line"] == 3


def test_a_repeated_key_is_refused_with_the_line_that_repeats_it(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = ROW.replace("P1", "P2")
    for block in (1, 2, 10_000):
        monkeypatch.setattr(files, "_BLOCK", block)
        for content, line in ((ROW + other + ROW, 4), (ROW + ROW.replace("50.00", "1.00") + other, 3)):
            path = written(tmp_path, HEADER + content)
            with refused(sandbox, "reconciliation_file_malformed", line=line):
                sandbox.reconciliation.reconcile_files(entrust_date=DAY, treasury_file=path)


def test_a_file_above_the_limit_or_none_at_all_is_refused(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with refused(sandbox, "reconciliation_without_files"):
        sandbox.reconciliation.reconcile_files(entrust_date=DAY)
    for path in (tmp_path, tmp_path / "none.csv", Path("/dev/null"), Path("a\0b"), Path("n" * 5000)):
        with refused(sandbox, "input_file_unreadable"):
            sandbox.reconciliation.reconcile_files(entrust_date=DAY, operator_file=path)
    monkeypatch.setattr(files, "MAX_BYTES", 10)
    with refused(sandbox, "reconciliation_file_too_large"):
        sandbox.reconciliation.reconcile_files(entrust_date=DAY, operator_file=written(tmp_path, HEADER))


def test_a_full_disk_under_the_sorting_is_said(sandbox: Sandbox, tmp_path: Path) -> None:
    path = written(tmp_path, HEADER + "".join(ROW.replace("P1", f"P{n}") for n in range(2_000)))
    with pytest.raises(UnavailableError, match="disk_full"):  # noqa: PT012, SIM117
        with files.Sorted() as scratch:
            scratch._scratch.execute("PRAGMA max_page_count = 4")
            scratch.load(files.Side.TREASURY, path, start=0, progress=lambda _: None)


# --- export and compare -------------------------------------------------------------------------------


def exported(s: Sandbox, folder: Path, side: str, day: date = DAY) -> Path:
    return written(folder, "".join(s.reconciliation.export(entrust_date=day, side=side)), f"{side}.csv")


@pytest.mark.parametrize("kind", LEAVES)
def test_exported_files_compare_as_the_books_do(sandbox: Sandbox, tmp_path: Path, kind: str) -> None:
    struck(sandbox, kind)
    wallet = corporate(sandbox, 2, fund=Fen(1_000))
    sandbox.payments.pay(bill_no=owe(sandbox, wallet, 1).bill_no, wallet_id=wallet.wallet_id)
    treasury, operator, ledger = (
        exported(sandbox, tmp_path, side) for side in ("treasury", "operator", "ledger")
    )
    own = compared(sandbox)
    before = dump(sandbox)
    found = sandbox.reconciliation.reconcile_files(
        entrust_date=DAY, treasury_file=treasury, operator_file=operator
    )
    assert (found.classes, found.ok) == (own.classes, own.ok)
    alone = sandbox.reconciliation.reconcile_files(entrust_date=DAY, operator_file=operator)
    beside = sandbox.reconciliation.reconcile_files(
        entrust_date=DAY, operator_file=operator, treasury_file=ledger
    )
    assert alone.classes == beside.classes
    assert dump(sandbox) == before


@pytest.mark.parametrize("kind", IN_DOUBT)
def test_after_the_mend_the_files_of_all_sides_agree(sandbox: Sandbox, tmp_path: Path, kind: str) -> None:
    struck(sandbox, kind)
    mended(sandbox)
    for side in ("treasury", "operator"):
        path = exported(sandbox, tmp_path, side)
        found = sandbox.reconciliation.reconcile_files(entrust_date=DAY, **{f"{side}_file": path})
        assert found.ok, kind


def test_what_lies_outside_of_day_and_operator_is_not_compared(sandbox: Sandbox, tmp_path: Path) -> None:
    rows = (
        ROW + ROW.replace("P1", "P2").replace("ICBC", "BOC") + ROW.replace("P1", "P3").replace("-20", "-21")
    )
    treasury = written(tmp_path, HEADER + rows, "t.csv")
    operator = written(tmp_path, HEADER + ROW, "o.csv")
    both = {"treasury_file": treasury, "operator_file": operator}
    found = sandbox.reconciliation.reconcile_files(entrust_date=DAY, **both)
    assert (counts(found), found.ok, found.compared) == ({0: 2, 1: 1}, True, 1)
    found = sandbox.reconciliation.reconcile_files(entrust_date=DAY, operator="BOC", **both)
    assert counts(found) == {0: 2, 4: 1}
    nobody = written(tmp_path, HEADER, "o.csv")
    found = sandbox.reconciliation.reconcile_files(
        entrust_date=DAY, treasury_file=treasury, operator_file=nobody
    )
    assert counts(found) == {0: 1, 4: 2}


@pytest.mark.parametrize(
    "files_given", [("treasury_file",), ("operator_file",), ("treasury_file", "operator_file")]
)
def test_of_one_treasury_only_the_lines_of_its_authorities_are_compared(
    sandbox: Sandbox, tmp_path: Path, files_given: tuple[str, ...]
) -> None:
    sandbox.treasury.add(code="1900000001", name="虚构国库")
    sandbox.parties.add_tax_authority(code="14400000001", name="虚构税务局", treasury="1900000001")
    wallet = corporate(sandbox, fund=Fen(10_000))
    for authority in ("14407840000", "14400000001"):
        bill = owe(sandbox, wallet, 50_00, authority=authority)
        sandbox.payments.pay(bill_no=bill.bill_no, wallet_id=wallet.wallet_id)
    given = {name: exported(sandbox, tmp_path, name.removesuffix("_file")) for name in files_given}
    given[files_given[0]].write_text(given[files_given[0]].read_text().replace("50.00", "49.00"))
    for treasury, expected in (
        (None, {2: 2}),
        ("1907840000", {0: 1, 2: 1}),
        ("1900000001", {0: 1, 2: 1}),
    ):
        found = sandbox.reconciliation.reconcile_files(entrust_date=DAY, treasury=treasury, **given)
        assert counts(found) == expected
    assert only(found).authority == "14400000001"
    with refused(sandbox, "treasury_not_found"):
        sandbox.reconciliation.reconcile_files(entrust_date=DAY, treasury="1900000009", **given)


ALTERED = {
    "bill_no": ("B1", "B9"),
    "operator": ("ICBC", "CCB"),
    "wallet_id": ("0021706634257445", "0021999999999999"),
}


@pytest.mark.parametrize("what", [("bill_no",), ("operator",), ("wallet_id",), tuple(ALTERED)])
def test_a_line_of_the_same_key_about_something_else_is_a_difference(
    sandbox: Sandbox, tmp_path: Path, what: tuple[str, ...]
) -> None:
    """A line cannot take itself out of the comparison by naming another operator."""
    altered = ROW
    for name in what:
        altered = altered.replace(*ALTERED[name])
    good, bad = written(tmp_path, HEADER + ROW, "t.csv"), written(tmp_path, HEADER + altered, "o.csv")
    for operator in (None, "ICBC", "CCB") if "operator" in what else (None, "ICBC"):
        found = sandbox.reconciliation.reconcile_files(
            entrust_date=DAY, treasury_file=good, operator_file=bad, operator=operator
        )
        (difference,) = found.differences
        assert (found.ok, counts(found), difference.details_differ) == (False, {1: 1}, what)
        assert difference.bill_no == "B1"


def test_a_line_that_names_another_operator_is_compared_with_the_ledger_too(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    wallet = corporate(sandbox, fund=Fen(10_000))
    sandbox.payments.pay(bill_no=owe(sandbox, wallet, 50_00).bill_no, wallet_id=wallet.wallet_id)
    lines = "".join(sandbox.reconciliation.export(entrust_date=DAY, side="operator"))
    bad = written(tmp_path, lines.replace("ICBC", "CCB").replace("50.00", "5000.00"))
    for operator in (None, "ICBC", "CCB"):
        found = sandbox.reconciliation.reconcile_files(entrust_date=DAY, operator_file=bad, operator=operator)
        (difference,) = found.differences
        assert (found.ok, counts(found), difference.details_differ) == (False, {2: 1}, ("operator",))


@pytest.mark.parametrize("side", ["treasury", "operator", "ledger"])
def test_no_cell_of_an_export_begins_a_formula(sandbox: Sandbox, side: str) -> None:
    for kind in LEAVES:
        struck(sandbox, kind)
    lines = list(sandbox.reconciliation.export(entrust_date=DAY, side=side))
    assert lines[0] == HEADER
    assert len(lines) > 3
    for line in lines:
        assert all(cell[0].isalnum() and cell.isascii() for cell in line.strip().split(","))


def test_an_unknown_side_is_refused(sandbox: Sandbox) -> None:
    with refused(sandbox, "reconciliation_side_unknown"):
        sandbox.reconciliation.export(entrust_date=DAY, side="bank")
