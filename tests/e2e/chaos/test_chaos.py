"""The short form of `make chaos`: everything dies, many times, in two minutes."""

from pathlib import Path

import pytest

from tests.e2e.chaos.run import Plan, chaos

SECONDS = 105.0
KILLS = 30
"At least, on a machine with ten others at work; an idle one reaches several times as many."

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def test_whatever_dies_every_request_has_one_answer(tmp_path: Path) -> None:
    """Web, workers, clock, Redis and PostgreSQL die, Slack and the model misbehave: no answer is lost or doubled."""
    plan = Plan(kills=10_000, seconds=SECONDS, seed=4, trial_seconds=30.0, only=("everybody", "storm"))
    report = chaos(plan, tmp_path, print)
    assert report["look_at"] == [], report
    assert report["trials"] == 2
    assert report["kills"] >= KILLS, report
    assert report["replies"] > 0, report
    assert report["handoffs"] > 0, report
