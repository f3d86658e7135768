"""The wheel: what a user gets who installs the package instead of cloning it.

Nothing is fetched: hatchling builds it without isolation, and it runs against the dependencies of
the development environment.
"""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel built from this tree."""
    directory = tmp_path_factory.mktemp("dist")
    build = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(directory)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert build.returncode == 0, build.stdout + build.stderr
    (built,) = directory.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    """The names of the files in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture
def unpacked(wheel: Path, tmp_path: Path) -> Path:
    """The wheel installed into a directory of its own: a pure wheel needs no more than unpacking."""
    target = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    return target


def run(unpacked: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run this Python on the unpacked wheel, from a directory where the source tree is not."""
    elsewhere = unpacked.parent / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ECNY_TAX_")}
    # Before the development environment's own paths, so before the editable install.
    environment["PYTHONPATH"] = str(unpacked)
    return subprocess.run(
        [sys.executable, "-P", *arguments],
        cwd=elsewhere,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )


def test_it_holds_the_package_and_nothing_else(names: set[str]) -> None:
    roots = {PurePosixPath(name).parts[0] for name in names}
    metadata = {root for root in roots if root.endswith(".dist-info")}
    assert len(metadata) == 1
    assert roots - metadata == {"ecny_tax"}
    assert not [name for name in names if "__pycache__" in name or name.endswith((".pyc", ".db", ".keys"))]


def test_it_holds_what_is_not_python(names: set[str]) -> None:
    assert "ecny_tax/py.typed" in names
    assert "ecny_tax/store/schema.sql" in names
    assert [name for name in names if name.startswith("ecny_tax/rulebook/") and name.endswith(".toml")]
    assert [name for name in names if name.endswith(".dist-info/licenses/LICENSE")]


def test_it_holds_every_file_of_the_package(names: set[str]) -> None:
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "ecny_tax"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if listing.returncode != 0:
        pytest.skip(f"git does not know this tree: {listing.stderr.strip()}")
    # A file that was deleted but not yet committed is still listed.
    known = {name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()}
    assert known
    assert known - names == set()


def test_it_brings_the_command(unpacked: Path) -> None:
    (entry_points,) = unpacked.glob("*.dist-info/entry_points.txt")
    assert "ecny-tax = ecny_tax.cli:main" in entry_points.read_text(encoding="utf-8").splitlines()


def test_the_demo_runs_from_it(unpacked: Path) -> None:
    where = run(unpacked, "-c", "import ecny_tax; print(ecny_tax.__file__)")
    assert Path(where.stdout.strip()) == unpacked / "ecny_tax" / "__init__.py", where.stderr

    demo = run(unpacked, "-m", "ecny_tax", "demo", "--json")
    assert demo.returncode == 0, demo.stderr
    told = json.loads(demo.stdout)
    assert told["ok"] is True
    assert told["steps"]
    assert list((unpacked.parent / "elsewhere").iterdir()) == []


def test_pytest_finds_its_fixtures_by_itself(unpacked: Path, tmp_path: Path) -> None:
    """Over two seconds: pytest compiles the package anew, to explain its assertions."""
    suite = tmp_path / "test_mine.py"
    suite.write_text(
        "def test_a_scheme(ecny_sandbox):\n"
        "    import ecny_tax\n"
        f"    assert ecny_tax.__file__.startswith({str(unpacked)!r})\n"
        "    assert ecny_sandbox.wallets.list() == ()\n",
        encoding="utf-8",
    )
    done = run(unpacked, "-m", "pytest", "-W", "error", "-p", "no:cacheprovider", "-q", str(suite))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
