"""The short form of `make chaos`: everything dies, many times."""

from pathlib import Path

import pytest

from tests.e2e.chaos.fault_mixes import THEMES
from tests.e2e.chaos.run import ChaosPlan, chaos
from tests.support.volumes import volume

TRIAL_SECONDS = 40.0
"Of harm at most, before everything may come to rest: a busy machine may not reach `ENOUGH` kills."
SEED = 29
"Of the sixteen who ask first, in both themes, four need a person; in the storm three edit and three delete."
KILLS = 15
"At least, on a machine with ten others at work."
ENOUGH = volume(2 * KILLS, long=10 * KILLS)
"Kills that end the harm, so that a quiet machine does no more than that; `make check-long` goes on."

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1_800)]


@pytest.mark.parametrize("theme", ["everybody", "storm"])
def test_whatever_dies_every_request_has_one_answer(tmp_path: Path, theme: str) -> None:
    """Web, workers, clock, Redis and PostgreSQL die, Slack and the model misbehave: no answer is lost or doubled."""
    plan = ChaosPlan(ENOUGH, seconds=560, seed=SEED, trial_seconds=TRIAL_SECONDS, only=(theme,), trials=1, timed=False)
    report = chaos(plan, tmp_path, print)
    assert report["look_at"] == [], report
    assert report["kills"] >= KILLS, report
    assert report["replies"] > 0, report
    assert report["handoffs"] > 0, report
    assert bool(report["changed"]) == bool(THEMES[theme].changes), report
