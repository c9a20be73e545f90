"""Whatever is done to a log is found, with the first bad record and with what was done."""

from random import Random

import pytest

from tests.support import log_copies
from tests.support.log_copies import Tamper, TamperedCopy
from tests.support.volumes import volume

CASES = volume(40, long=200)


@pytest.mark.parametrize("tamper", [*log_copies.EIGHT, *log_copies.BESIDE], ids=lambda one: one.__name__)
def test_every_random_case_is_found(tamper: Tamper) -> None:
    """The finding that comes first names the first bad record, and its likeliest kind is what was done."""
    missed = [seed for seed in range(CASES) if not _is_found(tamper(*_log(seed)))]
    assert missed == []


def test_a_whole_log_is_whole() -> None:
    """No case is found where nothing was done, and every checkpoint agrees."""
    for seed in range(CASES):
        log, _ = _log(seed)
        report = log.verified()
        assert report.whole
        assert len(report.agreed) == len(log.checkpoints)
        assert report.uncovered == 0


def _log(seed: int) -> tuple[log_copies.LogCopy, Random]:
    random = Random(seed)
    return log_copies.log_copy(random), random


def _is_found(done: TamperedCopy) -> bool:
    report = done.copy.verified()
    if report.whole:
        return False
    found = report.findings[0]
    bad = done.first if done.bad is None else done.bad
    return found.fits[0] is done.kind and found.position == done.first and found.position <= bad <= found.last
