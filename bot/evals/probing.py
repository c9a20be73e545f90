"""The end of a run of probes: what its plays say of the release, beside the release's own evaluation.

A release is held against itself. Of one that was promoted, its evaluation is the baseline; of another, the evaluation
has compared it with the baseline already, and what is looked for here is a change since then, with nobody's doing.
"""

from bot.evals.gate import probing
from bot.evals.gate.probing import ProbeReading
from bot.store.db import Session
from bot.store.releases import baselines, eval_runs, probes
from bot.store.releases.verdicts import ReleasePair
from bot.store.schema import EvalRun, RunState

NO_EVALUATION = "nothing to compare with: no play of the release's evaluation is kept"


def finish(session: Session, run: EvalRun) -> None:
    """End a run of which every probe was played, and store what it says; the run is locked."""
    pair = ReleasePair(run.release, run.suite)
    ended, before = probes.plays_of(session, run.id), probes.plays(session, pair, runs=probing.LONGEST - 1)
    evaluation = baselines.own_plays(session, run.release, {one.case_id: one.case_sha for one in ended})
    passed = [{one.case_id: one.passed for one in plays} for plays in (ended, *before)]
    found = probing.read(passed, evaluation, [one.case_id for one in ended if one.hard])
    window = found.window
    probes.say(
        session,
        run.id,
        found.state,
        runs=1 if window is None else window.runs,
        p_value=None if window is None else window.p,
        difference=None if window is None else window.difference,
        hard_failures=found.hard_failures,
    )
    why = (f"{sum(one.passed for one in ended)} of {len(ended)} probes passed", *_why(found))
    eval_runs.finish_run(session, run.id, state=RunState.FINISHED, verdict=None, why=why)


def _why(found: ProbeReading) -> tuple[str, ...]:
    window = found.window
    failed = tuple(f"a hard case failed: {case}" for case in found.hard_failures)
    if window is None:
        return (*failed, NO_EVALUATION)
    points = f"{100 * window.difference:+.1f} points against the release's own evaluation"
    runs = "run" if window.runs == 1 else f"{window.runs} runs"
    return (*failed, f"in the last {runs} {points}, exact p {probes.p_in_words(window.p)}")
