"""Bytecode that the processes of the tests make together.

In a fresh clone, as CI's is, each of them would compile every file at the same time as the others, which takes half a
minute of CPU. So each begins with files of its own, and finds those of the others compiled when it comes to them.
"""

import compileall
import importlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.paths import ROOT


def compile_share(config: pytest.Config) -> None:
    """Compile what falls to this process, when it is one of several and all tests are asked for."""
    worker = getattr(config, "workerinput", None)
    if worker is None or config.args_source is not pytest.Config.ArgsSource.TESTPATHS:
        return
    first, step = int(worker["workerid"].removeprefix("gw")), worker["workercount"]
    for file in _files("bot", "jobs", "tests/support")[first::step]:
        compileall.compile_file(file, quiet=2)
    for file in _files("tests", named="test_*.py")[first::step]:
        with suppress(Exception, pytest.skip.Exception):  # the collection, which imports it again, tells of it
            importlib.import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))  # pytest compiles it


def _files(*folders: str, named: str = "*.py") -> Sequence[Path]:
    return sorted(file for folder in folders for file in (ROOT / folder).rglob(named))
