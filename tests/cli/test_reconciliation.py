"""A failure on the command line: ordered, met, found by its class, mended; verdicts and their exit codes."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Inside, World
from tests.cli.process import TODAY, Answer, one_object
from tests.reconciliation.struck import IN_DOUBT, LEAVES

DAY = ("--date", "2023-04-20")


def pay(world: World, inside: Inside, *more: str) -> Answer:
    command = ("pay", "--bill", world.names["open"], "--wallet", world.names["company"])
    return inside(*command, *more, "--json", "--now", TODAY)


@pytest.mark.parametrize("kind", IN_DOUBT)
def test_a_failure_is_met_found_and_mended(world: World, inside: Inside, kind: str) -> None:
    inside("failure", "order", kind, "--operator", "ICBC", "--json", "--now", TODAY)
    problem = pay(world, inside, "--idempotency-key", "k").problem
    assert (problem["exit_code"], problem["code"]) == (7, "payment_outcome_unknown")
    again = pay(world, inside, "--idempotency-key", "k").problem
    assert (again["code"], again["payment_no"]) == ("payment_outcome_unknown", problem["payment_no"])
    other = pay(world, inside).problem
    assert (other["exit_code"], other["code"]) == (3, "bill_in_doubt")
    bill = inside("bill", "show", world.names["open"], "--json").document
    assert (bill["status"], bill["in_doubt"]) == ("open", problem["payment_no"])

    verdict = inside("reconcile", *DAY, "--json", "--now", TODAY)
    found = one_object(verdict.stdout)
    assert (verdict.exit_code, verdict.complaint["code"]) == (6, "reconciliation_differs")
    (difference,) = found["differences"]
    of_class, moved, mend = LEAVES[kind]
    assert (difference["pair_class"], difference["mend"]) == (of_class, mend)
    assert (difference["trace_no"], difference["mend_amount"]) == (problem["payment_no"], "50.00")
    assert difference["ledger_amount"] == ("50.00" if moved else None)
    assert [one["count"] for one in found["classes"] if one["pair_class"] == of_class] == [1]

    mended = inside("reconcile", *DAY, "--mend", "--json", "--now", TODAY).document
    assert (mended["ok"], mended["differences"], len(mended["mends"])) == (True, [], 1)
    assert inside("ledger", "verify", "--signatures", "--json").document["ok"]
    assert pay(world, inside, "--idempotency-key", "k").document["status"] == "settled"
    assert inside("reconcile", *DAY, "--json", "--now", TODAY).document["ok"]


def test_a_mend_that_cannot_be_done_is_shown_and_the_verdict_stays_no(world: World, inside: Inside) -> None:
    now = ("--json", "--now", TODAY)
    inside("failure", "order", "answer_lost", *now)
    pay(world, inside)
    inside("treasury", "close", "--date", "2023-04-20", *now)
    verdict = inside("reconcile", *DAY, "--mend", *now)
    (mend,) = one_object(verdict.stdout)["mends"]
    assert (verdict.exit_code, mend["outcome"], mend["code"], mend["amount"]) == (
        6,
        "left",
        "treasury_day_closed",
        "0.00",
    )


def test_a_wallet_whose_debit_is_in_doubt_is_not_closed(world: World, inside: Inside) -> None:
    now = ("--json", "--now", TODAY)
    inside("failure", "order", "answer_lost", *now)
    debit = pay(world, inside).problem["payment_no"]
    company = world.names["company"]
    balance = inside("wallet", "show", company, *now).document["balance"]
    inside("wallet", "cash-out", company, "--amount", balance, *now)
    problem = inside("wallet", "close", company, *now).problem
    assert (problem["exit_code"], problem["code"]) == (3, "wallet_has_debit_in_doubt")
    assert problem["payment_no"] == debit


def test_an_exported_day_compares_with_itself_and_with_the_ledger(world: World, inside: Inside) -> None:
    for side in ("treasury", "operator", "ledger"):
        inside("reconcile", "export", *DAY, "--side", side, "--out", f"{side}.csv", "--json")
    files = [(world.folder / f"{side}.csv").read_text() for side in ("treasury", "operator", "ledger")]
    assert len(set(files)) == 1
    assert world.names["payment"] in files[0]
    for given in (("--treasury-file", "treasury.csv"), ("--operator-file", "operator.csv")):
        found = inside("reconcile", *DAY, *given, "--json").document
        assert (found["ok"], found["compared"]) == (True, files[0].count("\n") - 1)


def test_a_line_that_was_altered_is_a_difference_in_every_form_of_the_answer(
    world: World, inside: Inside
) -> None:
    inside("reconcile", "export", *DAY, "--side", "operator", "--out", "o.csv", "--json")
    path = world.folder / "o.csv"
    path.write_text(
        path.read_text().replace("ICBC", "CCB").replace(world.names["company"], "0031999999999999")
    )
    asked = ("reconcile", *DAY, "--operator-file", "o.csv")
    verdict = inside(*asked, "--json")
    assert (verdict.exit_code, verdict.complaint["code"]) == (6, "reconciliation_files_differ")
    found = one_object(verdict.stdout)
    altered = [one["details_differ"] for one in found["differences"] if one["pair_class"] == 1]
    assert ["operator", "wallet_id"] in altered
    for language, said in (("en", "operator, wallet_id"), ("zh", "运营机构, 钱包编号")):
        assert said in inside(*asked, "--lang", language).stdout


def test_a_comparison_never_writes(world: World, inside: Inside) -> None:
    inside("failure", "order", "answer_lost", "--json", "--now", TODAY)
    pay(world, inside)
    assert inside("reconcile", *DAY, "--json").exit_code == 6
    before = world.database.read_bytes()
    assert inside("reconcile", *DAY, "--json").exit_code == 6
    assert world.database.read_bytes() == before
