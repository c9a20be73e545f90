"""Bytecode that several processes make before the tests are collected.

In a fresh clone, as CI's is, one process alone would compile every file while it collects, which takes half a minute.
"""

import compileall
import importlib
import multiprocessing
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from _pytest.assertion.rewrite import PYC_TAIL

from tests.support.paths import ROOT


def compile_together(config: pytest.Config, *, processes: int) -> None:
    """Compile everything in several processes, when all tests are asked for and theirs have no bytecode yet."""
    tests = _files("tests", named="test_*.py")
    compiled = all((file.parent / "__pycache__" / (file.stem + PYC_TAIL)).exists() for file in tests)
    if compiled or sys.dont_write_bytecode or config.args_source is not pytest.Config.ArgsSource.TESTPATHS:
        return
    product, fork = _files("bot", "jobs", "tests/support"), multiprocessing.get_context("fork").Process
    shares = [(product[first::processes], tests[first::processes]) for first in range(processes)]
    running = [fork(target=_compile, args=share) for share in shares]
    for one in running:
        one.start()
    for one in running:
        one.join()


def _compile(product: Sequence[Path], tests: Sequence[Path]) -> None:
    for file in product:
        compileall.compile_file(file, quiet=2)
    for file in tests:
        with suppress(Exception, pytest.skip.Exception):  # the collection, which imports it again, tells of it
            importlib.import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))  # pytest compiles it


def _files(*folders: str, named: str = "*.py") -> Sequence[Path]:
    return sorted(file for folder in folders for file in (ROOT / folder).rglob(named))
