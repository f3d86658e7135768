"""The time in force: the system's, a fixed one that lasts, or one command's own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.conftest import Inside
from tests.cli.process import Answer, Cli
from tests.support import phone_number

OPEN = (
    "wallet",
    "open",
    "--kind",
    "personal",
    "--phone",
    phone_number(),
    "--operator",
    "ICBC",
    "--fund",
    "1",
)


def now_of(answer: Answer) -> datetime:
    return datetime.fromisoformat(answer.document["now"])


def test_a_new_database_follows_the_system(cli: Cli) -> None:
    before = datetime.now(UTC)
    first = cli.run("clock", "show", "--json")
    assert first.document["fixed"] is False
    assert before <= now_of(first) <= datetime.now(UTC)
    assert now_of(first) < now_of(cli.run("clock", "show", "--json"))


def test_a_time_that_is_set_lasts_across_processes(cli: Cli) -> None:
    cli("status")  # makes the database at a time before
    fixed = {"now": "2023-04-20T10:00:00+08:00", "fixed": True}
    assert cli.run("clock", "set", "2023-04-20T10:00:00+08:00", "--json").document == fixed
    for _ in range(2):
        assert cli.run("clock", "show", "--json").document == fixed
    opened = cli.run(*OPEN, "--json").document
    assert opened["opened_at"] == fixed["now"]


def test_a_step_fixes_the_clock_that_much_later(inside: Inside) -> None:
    inside("status", "--now", "2023-04-20")
    inside("clock", "set", "2023-04-20")
    for options, expected in (
        (("--days", "1"), "2023-04-21T10:00:00+08:00"),
        (("--hours", "14"), "2023-04-22T00:00:00+08:00"),
        (("--minutes", "5"), "2023-04-22T00:05:00+08:00"),
        (("--days", "7", "--hours", "23", "--minutes", "55"), "2023-04-30T00:00:00+08:00"),
    ):
        moved = inside("clock", "advance", *options, "--json").document
        assert moved == {"now": expected, "fixed": True}


def test_a_step_from_the_system_clock_fixes_it(inside: Inside) -> None:
    before = now_of(inside("clock", "show", "--json"))
    moved = inside("clock", "advance", "--days", "2", "--json")
    assert moved.document["fixed"] is True
    assert timedelta(days=2) <= now_of(moved) - before < timedelta(days=2, minutes=5)


def test_the_clock_follows_the_system_again(inside: Inside) -> None:
    inside("status", "--now", "2023-04-20")
    assert inside("clock", "set", "2023-04-20", "--json").document["fixed"] is True
    following = inside("clock", "set", "system", "--json")
    assert following.document["fixed"] is False
    assert abs(now_of(following) - datetime.now(UTC)) < timedelta(minutes=5)
    assert inside("clock", "show", "--json").document["fixed"] is False


def test_now_holds_for_one_command_only(inside: Inside) -> None:
    opened = inside(*OPEN, "--json", "--now", "2023-04-20T23:59:59+08:00").document
    assert opened["opened_at"] == "2023-04-20T23:59:59+08:00"
    shown = inside("clock", "show", "--json")
    assert shown.document["fixed"] is False
    assert now_of(shown).year >= 2026
    assert inside("clock", "show", "--json", "--now", "2030-01-01").document["now"] == (
        "2030-01-01T10:00:00+08:00"
    )


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2023-04-20", "2023-04-20T10:00:00+08:00"),
        ("2023-04-20T08:30", "2023-04-20T08:30:00+08:00"),
        ("2023-04-20T08:30:00+08:00", "2023-04-20T08:30:00+08:00"),
        ("2023-04-20T00:30:00Z", "2023-04-20T08:30:00+08:00"),
        ("2023-04-19T20:30:00-04:00", "2023-04-20T08:30:00+08:00"),
    ],
)
def test_times_are_read_as_they_are_written_and_shown_in_beijing(
    inside: Inside, written: str, meant: str
) -> None:
    assert inside("clock", "show", "--now", written, "--json").document["now"] == meant


def test_a_database_is_made_with_the_time_then_in_force(inside: Inside) -> None:
    status = inside("status", "--json", "--now", "2023-04-20").document
    assert status["newest_transfer_at"] == "2023-04-20T10:00:00+08:00"


def test_time_does_not_go_back_before_the_newest_transfer(inside: Inside) -> None:
    inside(*OPEN, "--json", "--now", "2023-04-20")
    wallets = inside("wallet", "list", "--json").document
    other = tuple(word.replace(phone_number(), phone_number(2)) for word in OPEN)
    for words in (
        ("clock", "set", "2023-04-19"),
        ("clock", "set", "2023-04-20T09:59:59.999999+08:00"),
        (*other, "--now", "2023-04-19"),
    ):
        problem = inside(*words, "--json").problem
        assert (problem["exit_code"], problem["code"]) == (3, "clock_went_back")
        assert "2023-04-20T10:00:00+08:00" in problem["detail"]
    assert inside("wallet", "list", "--json").document == wallets
    assert inside("clock", "show", "--json").document["fixed"] is False
    # The very same moment is not before it.
    assert inside("clock", "set", "2023-04-20T10:00:00+08:00", "--json").document["fixed"] is True


def test_looking_back_is_allowed(inside: Inside) -> None:
    inside(*OPEN, "--json", "--now", "2023-04-20")
    assert inside("wallet", "list", "--json", "--now", "2022-01-01").document["wallets"]


def test_a_simulation_whose_clock_runs_ahead_cannot_follow_the_system_back(inside: Inside) -> None:
    inside("clock", "set", "2190-01-01")
    inside(*OPEN)
    assert inside("clock", "set", "system", "--json").problem["code"] == "clock_went_back"
    assert inside("clock", "show", "--json").document["now"] == "2190-01-01T10:00:00+08:00"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("step_malformed", ("clock", "advance")),
        ("step_malformed", ("clock", "advance", "--days", "0")),
        ("step_malformed", ("clock", "advance", "--days", "-1")),
        ("step_malformed", ("clock", "advance", "--days", "2", "--hours", "-1")),
        ("step_malformed", ("clock", "advance", "--minutes", "99999999999999999999")),
        ("time_malformed", ("clock", "advance", "--days", "1000000")),
        ("time_malformed", ("clock", "set", "1979-12-31")),
        ("time_malformed", ("clock", "set", "2201-01-01")),
        ("time_malformed", ("clock", "set", "tomorrow")),
        ("time_malformed", ("clock", "set", "20230420")),
        ("time_malformed", ("clock", "set", "")),
        ("time_malformed", ("clock", "show", "--now", "2023-02-29")),
        ("time_malformed", ("clock", "show", "--now", "")),
    ],
)
def test_a_time_that_is_none_is_refused_and_changes_nothing(
    inside: Inside, code: str, words: tuple[str, ...]
) -> None:
    inside("clock", "set", "2190-01-01")
    problem = inside(*words, "--json").problem
    assert (problem["exit_code"], problem["code"]) == (2, code)
    assert inside("clock", "show", "--json").document["now"] == "2190-01-01T10:00:00+08:00"
