"""What must be longer than what, in `bot.durations`: a change of one duration that breaks another fails here."""

import pytest

from bot import durations as d
from jobs import clock, handoff, upkeep

HOLDS = {
    "a renewal that fails does not cost the turn": (d.BEATS_IN_A_LEASE - 1) * d.LEASE_BEAT < d.TURN_LEASE,
    "nor the message": (d.BEATS_IN_A_LEASE - 1) * d.LEASE_BEAT < d.SENDING_LEASE,
    "one failed renewal is survived": d.BEATS_IN_A_LEASE > 2,
    "a turn whose worker died is taken over in time": d.TURN_LEASE + d.CLOCK_SWEEP + d.ON_ITS_WAY <= d.RECOVERY,
    "a message whose sender died is said in time": d.SENDING_LEASE + d.CLOCK_SWEEP <= d.RECOVERY,
    "a job that was lost is queued in time": d.ON_ITS_WAY + d.CLOCK_SWEEP <= d.RECOVERY,
    "locks of a host that was cut off are free in time": d.CUT_OFF + d.CLOCK_SWEEP + d.ON_ITS_WAY <= d.RECOVERY,
    "who sends has its answer before another looks it up": d.SLACK_ANSWER <= d.SENDING_LEASE < d.LOOK_AGAIN,
    "who asks about a person has the answer before another asks": d.SLACK_ANSWER < d.PROFILE_INQUIRY < d.PROFILE_KEPT,
    "a silent model is given up before its turn's stop is told": d.MODEL_SILENCE < d.STOPPED_STEP,
    "a call ends before its money is charged": d.LONGEST_TURN < d.RESERVATION_LEASE < d.JOB,
    "a turn has ended before RQ ends its job": d.LONGEST_TURN + d.MODEL_SILENCE + d.SLACK_ANSWER < d.JOB,
    "a worker is seen after three heartbeats are lost": min(d.WORKER_SEEN, d.WORKER_SILENT) > 4 * d.WORKER_BEAT,
    "so is a clock": 4 * d.CLOCK_BEAT < d.CLOCK_SILENT,
    "a job has committed what it did before that is added up": d.JOB < d.FIGURES_SETTLE,
    "so has the worker of a stopped turn": d.STOPPED_STEP < d.FIGURES_SETTLE,
    "a command is answered while Slack takes it": d.COMMAND_RETRY < d.COMMAND_GIVE_UP < 30 * 60,
}


@pytest.mark.parametrize("what", HOLDS)
def test_what_must_be_longer_is(what: str) -> None:
    """Each for the reason that its name gives."""
    assert HOLDS[what]


def test_the_clock_looks_as_often_as_it_is_said() -> None:
    """What takes over leases and says what is owed is a round of its own, at least as often as `CLOCK_SWEEP`."""
    assert all(clock.ROUNDS[one] <= d.CLOCK_SWEEP for one in (upkeep.sweep, upkeep.deliver_messages, handoff.look))
    assert clock.ROUNDS[clock.show_life] == d.CLOCK_BEAT
