"""Several processes run the tests, and the first one tells of them as if it had run them itself."""

import subprocess
import sys
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from subprocess import PIPE, STDOUT

import pytest

from tests.support.paths import ROOT

CONFTEST = """
import os
import pytest
from tests.support import forked_runs

def pytest_runtestloop(session):
    files = {}
    for item in session.items:
        files.setdefault(item.path, []).append(item)
    forked_runs.run(session, list(files.values()), processes=2)
    return True

@pytest.fixture(scope="session", autouse=True)
def whole_session():
    yield
    with open(os.environ["TAKEN_DOWN"], "a") as file:
        file.write(f"{os.getpid()} ")
"""
MIXED = {
    "test_one.py": """
        import os, pytest
        def test_passes(tmp_path): (tmp_path / "its own").touch()
        def test_fails():
            print("printed before")
            assert os.getpid() == 0, "wrong process"
        @pytest.mark.skip(reason="not today")
        def test_is_skipped(): pass
        @pytest.mark.xfail(strict=True)
        def test_fails_as_expected(): assert False
        """,
    "test_two.py": "def test_passes(tmp_path): assert list(tmp_path.iterdir()) == []",
    "test_three.py": "def test_passes(): pass",
}
DEADLY = {
    "test_deadly.py": """
        import os, signal
        def test_dies(): os.kill(os.getpid(), signal.SIGKILL)
        def test_comes_after(): pass
        """,
    "test_two.py": MIXED["test_two.py"],
}

Run = Callable[..., tuple[int, str, int]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a function that runs a suite of its own: the exit status, what was printed, the processes that ended."""

    def go(files: Mapping[str, str], *options: str) -> tuple[int, str, int]:
        suite = tmp_path / "suite"
        suite.mkdir()
        (suite / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT}\n", "utf-8")
        for name, text in {**files, "conftest.py": CONFTEST}.items():
            (suite / name).write_text(textwrap.dedent(text), "utf-8")
        taken_down = tmp_path / "taken_down"
        taken_down.touch()
        asked = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'base'}", *options]
        done = subprocess.run(
            asked, cwd=suite, env={"TAKEN_DOWN": str(taken_down)}, stdout=PIPE, stderr=STDOUT, text=True, check=False
        )
        return done.returncode, done.stdout, len(set(taken_down.read_text("utf-8").split()))

    return go


def test_what_happens_in_other_processes_is_told_once_and_all_are_taken_down(run: Run) -> None:
    """Each test is counted once, a failure comes with its reason and what it printed, and each process ends whole."""
    status, told, processes = run(MIXED, "-q")
    assert (status, processes) == (1, 2), told
    assert "1 failed, 3 passed, 1 skipped, 1 xfailed" in told
    assert "wrong process" in told
    assert "printed before" in told


def test_the_first_failure_ends_the_run_when_that_is_asked_for(run: Run) -> None:
    """With `-x`, the tests behind a failure in its own file do not run, and the run fails."""
    status, told, processes = run({"test_one.py": MIXED["test_one.py"]}, "-q", "-x")
    assert (status, processes) == (1, 1), told
    assert "1 failed, 1 passed" in told
    assert "skipped" not in told


def test_a_process_that_dies_fails_the_run(run: Run) -> None:
    """A test whose process is killed is named, and what nobody has run is never taken for passed."""
    status, told, _ = run(DEADLY, "-q")
    assert status == 1, told
    assert "A process of the tests died in test_deadly.py::test_dies" in told
