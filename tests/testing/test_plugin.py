"""The pytest plugin, in suites as users write them."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.testing.conftest import PLUGIN, Run

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parents[2]

#: A test that leaves behind which numbers it saw.
_NOTES = """
    from pathlib import Path
    import pytest

    def note(request, s):
        wallet = s.wallets.open(kind="personal", phone="13900000001", operator="ICBC")
        with Path("seen.txt").open("a") as seen:
            numbers = wallet.wallet_id, s.clock.now().isoformat(), s.status().engine
            print(request.node.name, *numbers, file=seen)
"""


def seen(pytester: pytest.Pytester) -> dict[str, list[str]]:
    lines = (pytester.path / "seen.txt").read_text("utf-8").splitlines()
    return {line.split()[0]: line.split()[1:] for line in lines}


def test_a_sandbox_is_fresh_and_a_test_sees_the_same_numbers_again(
    run: Run, pytester: pytest.Pytester
) -> None:
    code = f"""{_NOTES}
    @pytest.mark.parametrize("n", [1, 2])
    def test_some(request, ecny_sandbox, n):
        note(request, ecny_sandbox)
        assert len(ecny_sandbox.wallets.list()) == 1
    """
    run(code).assert_outcomes(passed=2)
    first = seen(pytester)
    run(code, "-k", "2").assert_outcomes(passed=1, deselected=1)
    assert seen(pytester) == first
    assert first["test_some[1]"][0] != first["test_some[2]"][0]
    assert {tuple(values[1:]) for values in first.values()} == {("2023-04-20T10:00:00+08:00", "sqlite")}


def test_the_marker_says_seed_time_and_database(run: Run, pytester: pytest.Pytester) -> None:
    run(
        f"""{_NOTES}
    @pytest.mark.ecny_sandbox(seed=7, at="2026-01-05T09:30:00+08:00", database="sqlite")
    def test_marked(request, ecny_sandbox, tmp_path):
        note(request, ecny_sandbox)
        assert (tmp_path / "ecny-tax.db").stat().st_size

    @pytest.mark.ecny_sandbox(seed=7)
    class TestSeven:
        def test_same_seed(self, request, ecny_sandbox):
            note(request, ecny_sandbox)

        @pytest.mark.ecny_sandbox(seed="eight")
        def test_the_nearest_counts(self, request, ecny_sandbox):
            note(request, ecny_sandbox)
    """
    ).assert_outcomes(passed=3)
    found = seen(pytester)
    assert found["test_marked"][1] == "2026-01-05T09:30:00+08:00"
    assert found["test_same_seed"][0] != found["test_the_nearest_counts"][0]


_BREAK = """
        with ecny_sandbox.store.transaction() as tx:
            tx.run("UPDATE account SET credits = credits + 1 WHERE name = 'issuance'")
"""


def test_a_ledger_that_does_not_verify_fails_the_test(run: Run) -> None:
    result = run(f"""
    def test_breaking_the_books(ecny_sandbox):{_BREAK}
    """)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["the ledger of ecny_sandbox does not verify:", "I4: *"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_test_that_fails_by_itself_says_so_and_not_that_the_books_are_broken(run: Run) -> None:
    result = run(f"""
    def test_both(ecny_sandbox):{_BREAK}
        assert 1 == 2
    """)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E*assert 1 == 2"])
    result.stdout.no_fnmatch_line("*does not verify*")


def test_a_sandbox_that_the_test_closed_is_said_to_be_unverifiable(run: Run) -> None:
    result = run("""
    def test_closing(ecny_sandbox):
        ecny_sandbox.close()
    """)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*the ledger of ecny_sandbox cannot be verified: *"])


def test_a_scenario_is_played_before_the_test(run: Run, pytester: pytest.Pytester) -> None:
    run("""
    import pytest

    @pytest.mark.ecny_scenario("heshan", seed=7)
    def test_told(ecny_sandbox, ecny_story):
        s = ecny_sandbox
        assert (ecny_story.scenario, ecny_story.seed) == ("heshan", 7)
        assert ecny_story.steps[0].number == 1
        payment, = ecny_story.records.payments
        assert s.payments.show(payment_no=payment).amount == 17_000_00

    @pytest.mark.ecny_scenario(name="double-spend")
    def test_played_without_being_told(ecny_sandbox):
        assert ecny_sandbox.offline.redemptions()
    """).assert_outcomes(passed=2)


#: Marker, and the sentence that it ends in.
_WRONG = [
    ('ecny_scenario("hesan")', "there is no scenario 'hesan'; there are heshan, double-spend, *"),
    ("ecny_scenario", "the marker ecny_scenario takes the name of one scenario, *"),
    ('ecny_scenario("heshan", "outage")', "the marker ecny_scenario takes the name of one scenario, *"),
    ('ecny_scenario("heshan", sead=7)', "the marker ecny_scenario knows name, seed and people, not sead"),
    ('ecny_scenario("heshan", seed="7")', "seed of the marker ecny_scenario is a whole number, not '7'"),
    ('ecny_sandbox("memory")', "the marker ecny_sandbox takes keywords alone: seed, at, database"),
    ("ecny_sandbox(sead=7)", "the marker ecny_sandbox knows seed, at and database, not sead"),
    ("ecny_sandbox(seed=1.5)", "the seed of the marker ecny_sandbox is a text or a whole number, not 1.5"),
    ('ecny_sandbox(at="2023-02-29")', "at of the marker ecny_sandbox: *2023-02-29*"),
    ("ecny_sandbox(at=20230420)", "at of the marker ecny_sandbox: *20230420*"),
    ('ecny_sandbox(database="oracle")', "the database of the marker ecny_sandbox is one of memory, *"),
]


def test_a_marker_that_is_wrong_is_refused_in_one_sentence(run: Run) -> None:
    result = run(
        "import pytest\n"
        + "".join(
            f"@pytest.mark.{marker}\ndef test_{place:02}(ecny_sandbox): pass\n"
            for place, (marker, _) in enumerate(_WRONG)
        )
    )
    result.assert_outcomes(errors=len(_WRONG))
    result.stdout.fnmatch_lines([sentence for _, sentence in _WRONG], consecutive=False)
    result.stdout.no_fnmatch_line("*plugin.py*")
    result.stdout.no_fnmatch_line("During handling of*")


def test_a_scenario_takes_no_time_of_the_tests_own(run: Run) -> None:
    result = run("""
    import pytest

    @pytest.mark.ecny_sandbox(at="2024-01-01")
    @pytest.mark.ecny_scenario("heshan")
    def test_marked(ecny_sandbox):
        pass
    """)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["a scenario begins at a time of its own: *"])


def test_a_story_without_a_scenario_is_refused_in_one_sentence(run: Run) -> None:
    result = run("""
    def test_unmarked(ecny_story):
        pass
    """)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["ecny_story needs a scenario: *"])


def test_the_sandbox_is_served_over_http(run: Run) -> None:
    run("""
    import json
    import urllib.request

    def ask(served, path, key, method="GET", body=None):
        request = urllib.request.Request(
            served.url + path, method=method, data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def test_asking(ecny_http_sandbox, ecny_sandbox):
        served = ecny_http_sandbox
        assert served.sandbox is ecny_sandbox
        wallet = ecny_sandbox.wallets.open(kind="personal", phone="13900000001", operator="ICBC")
        for key in (served.admin_key, served.key_for("operator:ICBC")):
            found = ask(served, f"/v1/wallets/{wallet.wallet_id}", key)
            assert found["wallet_id"] == wallet.wallet_id
        assert served.admin_key not in repr(served)

    def test_reset(ecny_http_sandbox, ecny_sandbox):
        served = ecny_http_sandbox
        ask(served, "/v1/reset", served.admin_key, "POST", {"seed": 1})
        assert served.sandbox is not ecny_sandbox
        assert served.sandbox.wallets.list() == ()
    """).assert_outcomes(passed=2)


def test_without_the_extra_web_one_sentence_says_what_to_install(run: Run) -> None:
    result = run("""
    import pytest

    @pytest.fixture(autouse=True)
    def not_installed(monkeypatch):
        monkeypatch.setitem(__import__("sys").modules, "ecny_tax.web.server", None)

    def test_asking(ecny_http_sandbox):
        pass
    """)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["the HTTP sandbox needs *pip install '.?web?'*"])
    result.stdout.no_fnmatch_line("During handling of*")
    result.stdout.no_fnmatch_line("*Traceback*")


def test_the_markers_are_listed(run: Run) -> None:
    run("def test_none(): pass", "--markers").stdout.fnmatch_lines(
        ["@pytest.mark.ecny_sandbox(seed=None, *", "@pytest.mark.ecny_scenario(name, *"]
    )


def test_names_are_all_the_kits_own(run: Run) -> None:
    shown = run("def test_none(): pass", "--fixtures").stdout.str()
    ours = [line.split()[0] for line in shown.splitlines() if "testing/plugin.py" in line]
    assert sorted(ours) == ["ecny_http_sandbox", "ecny_sandbox", "ecny_story"]


def in_a_process(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=120,
        env={**__import__("os").environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
    )


def test_a_suite_that_does_not_use_it_imports_nothing_of_the_scheme(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_none(): pass")
    code = f"""
import sys, pytest
assert pytest.main([*{PLUGIN!r}, "-p", "no:cacheprovider", "-q"]) == 0
print(sorted(name for name in sys.modules if name.startswith("ecny_tax")))
"""
    done = in_a_process(pytester.path, "-c", code)
    assert done.stdout.splitlines()[-1] == "['ecny_tax', 'ecny_tax.testing', 'ecny_tax.testing.plugin']", done


def test_workers_of_xdist_see_the_same_numbers(pytester: pytest.Pytester) -> None:
    """Over two seconds: three processes start."""
    pytester.makepyfile(f"""{_NOTES}
    @pytest.mark.parametrize("n", range(4))
    def test_some(request, ecny_sandbox, n):
        note(request, ecny_sandbox)
    """)
    both = []
    for workers in ("0", "2"):
        (pytester.path / "seen.txt").unlink(missing_ok=True)
        done = in_a_process(
            pytester.path, "-m", "pytest", *PLUGIN, "-p", "no:cacheprovider", "-n", workers, "-q"
        )
        assert "4 passed" in done.stdout, done
        both.append(seen(pytester))
    assert both[0] == both[1]


def test_pytest_finds_the_plugin_by_the_name_of_its_module() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {PLUGIN[1]: PLUGIN[1]}
    assert {one.partition(">")[0] for one in project["optional-dependencies"]["testing"]} == {
        "hypothesis",
        "pytest",
    }
