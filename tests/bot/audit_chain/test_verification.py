"""A verification says what it proved: with which checkpoints, from which beginning, up to where."""

from dataclasses import replace
from random import Random

import pytest

from bot.audit_chain.proofs import Checkpoint, Seal
from bot.audit_chain.tampering import Tampering
from bot.audit_chain.verification import Start
from tests.support import log_copies
from tests.support.log_copies import CHAIN, LogCopy


@pytest.fixture
def log() -> LogCopy:
    """Return a whole log of at least 100 records."""
    return log_copies.log_copy(Random(3), least=100)


def _sealed(log: LogCopy, until: int) -> LogCopy:
    last = log.links[until - 1]
    seal = Seal(until, last.hash, "2026-12-01T09:00:00Z", CHAIN, rule="older than a year")
    return replace(log, links=log.links[until:], seals=(seal,), checkpoints=(*log.checkpoints, seal))


def test_a_log_may_begin_after_a_seal(log: LogCopy) -> None:
    """The records up to it are not asked for."""
    report = _sealed(log, 40).verified()
    assert (report.whole, report.start, report.first) == (True, Start.SEAL, 41)


@pytest.mark.parametrize("more", [1, -1])
def test_a_log_may_begin_nowhere_else(log: LogCopy, more: int) -> None:
    """One record more or fewer than the seal says is a cut, and so is a seal of another hash or another log."""
    sealed = _sealed(log, 40)
    cut = replace(sealed, links=log.links[40 + more :]).verified()
    assert cut.findings[0].fits == (Tampering.CUT_HEAD,)
    assert cut.start is Start.CUT
    [seal] = sealed.seals
    for wrong in (replace(seal, hash=bytes(32)), replace(seal, chain="another")):
        assert replace(sealed, seals=(wrong,), checkpoints=()).verified().findings[0].fits == (Tampering.CUT_HEAD,)


def test_what_no_checkpoint_covers_is_counted(log: LogCopy) -> None:
    """The records after the last checkpoint that agrees; without one, all of them."""
    [first, *_] = log.checkpoints
    report = replace(log, checkpoints=(first,)).verified()
    assert (report.whole, report.uncovered) == (True, len(log.links) - first.position)
    assert replace(log, checkpoints=()).verified().uncovered == len(log.links)


def test_checkpoints_of_another_log_prove_nothing(log: LogCopy) -> None:
    """They are counted apart."""
    others = tuple(replace(one, chain="another") for one in log.checkpoints)
    report = replace(log, checkpoints=others).verified()
    assert (report.whole, report.agreed, report.foreign) == (True, (), len(others))


def test_two_checkpoints_of_one_position_cannot_both_agree(log: LogCopy) -> None:
    """The one that does not agree is a finding, even if the other one agrees."""
    wrong = Checkpoint(log.checkpoints[0].position, bytes(32), "2026-12-01T09:00:00Z", CHAIN)
    report = replace(log, checkpoints=(*log.checkpoints, wrong)).verified()
    assert report.findings[0].fits[0] is Tampering.REWRITE


def test_nothing_but_a_checkpoint_finds_what_was_made_anew(log: LogCopy) -> None:
    """The same rewritten log is whole without checkpoints: that is what they are for."""
    random = Random(1)
    done = log_copies.rewrite(log, random)
    assert replace(done.copy, checkpoints=()).verified().whole
    assert not done.copy.verified().whole
