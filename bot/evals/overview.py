"""What is known of the evaluation of the release that an agent serves: read from rows, for Slack and the terminal."""

from dataclasses import dataclass
from typing import Any

from bot.evals import gate
from bot.evals.gate import Score, SliceTally, pass_k
from bot.evals.gate.pass_k import PassK
from bot.sampling import quality, quality_words
from bot.sampling.quality import SampledQuality
from bot.store.db import Session
from bot.store.releases import baselines, eval_runs, probes, run_plays, verdicts
from bot.store.releases.probes import LastProbe
from bot.store.releases.run_plays import RunUnderWay
from bot.store.releases.verdicts import ReleasePair, ReleaseStanding
from bot.store.schema import EvalResult, EvalRun, Promotion


@dataclass(frozen=True, slots=True)
class EvalOverview:
    """The verdict of what is served, the baseline, the agent's last run, and the runs under way."""

    agent: str
    pair: ReleasePair
    said: ReleaseStanding
    "What this suite says of this release."
    baseline: Promotion | None
    run: EvalRun | None
    "The agent's last run of its whole suite that has ended, of whatever release."
    results: tuple[EvalResult, ...]
    "The plays of that run that say something about the agent."
    under_way: tuple[RunUnderWay, ...]
    sampled: SampledQuality
    "What the samples of people's turns with this release say."
    probe: LastProbe | None = None
    "What the last probes of this release say."

    @property
    def is_baseline(self) -> bool:
        """Return whether the release that is served is the baseline."""
        return self.baseline is not None and self.baseline.release == self.pair.release

    @property
    def scores(self) -> tuple[Score, ...]:
        """Return the scores of the last run."""
        return tuple(Score(one.case_id, one.slice, one.hard, one.passed) for one in self.results)

    @property
    def slices(self) -> tuple[SliceTally, ...]:
        """Return how each slice did in the last run."""
        return gate.tally(self.scores)

    @property
    def in_a_row(self) -> tuple[PassK, ...]:
        """Return pass^k of the last run."""
        return pass_k.figures(gate.by_case(self.scores).values())

    @property
    def failed(self) -> tuple[EvalResult, ...]:
        """Return the plays of the last run that failed."""
        return tuple(one for one in self.results if not one.passed)

    @property
    def baseline_words(self) -> str:
        """Return in a sentence which release is the baseline."""
        if self.baseline is None:
            return "No release is the baseline yet: the first one that passes becomes it."
        promoted = f"promoted {self.baseline.at:%Y-%m-%d %H:%M} UTC by {self.baseline.by}"
        if self.is_baseline:
            return f"It is the baseline, {promoted}."
        return f"The baseline is {self.baseline.release}, {promoted}."

    @property
    def probe_words(self) -> str:
        """Return in a sentence what the last probes of the release say."""
        if self.probe is None:
            return "Its probes were not played yet."
        return f"Probes of {self.probe.finished_at:%Y-%m-%d %H:%M} UTC (run {self.probe.run_id}): {self.probe.words}."


def read(session: Session, agent: str, pair: ReleasePair) -> EvalOverview:
    """Return what is known of the pair that an agent serves."""
    run = eval_runs.last_run(session, agent)
    return EvalOverview(
        agent=agent,
        pair=pair,
        said=verdicts.standing(session, *pair),
        baseline=baselines.current(session, agent),
        run=run,
        results=tuple(eval_runs.results(session, run.id)) if run else (),
        under_way=tuple(run_plays.of_agent(session, agent)),
        sampled=quality.read(session, agent, pair.release),
        probe=probes.last(session, pair),
    )


def as_json(found: EvalOverview) -> dict[str, Any]:
    """Return it as plain values; money in nano-USD, times as ISO 8601."""
    said, baseline, run = found.said, found.baseline, found.run
    waiver = None
    if said.waiver is not None:
        waiver = {"owner": said.waiver.owner, "reason": said.waiver.reason, "ends_at": said.waiver.ends_at.isoformat()}
    return {
        "agent": found.agent,
        "release": found.pair.release,
        "suite": found.pair.suite,
        "verdict": said.verdict,
        "at": None if said.at is None else said.at.isoformat(),
        "serves": said.serves,
        "waiver": waiver,
        "baseline": None if baseline is None else {"release": baseline.release, "at": baseline.at.isoformat()},
        "is_baseline": found.is_baseline,
        "run": None if run is None else _run(found, run),
        "probe": None if found.probe is None else found.probe.as_json(),
        "under_way": [
            {"run": one.run_id, "release": one.release, "suite": one.suite, "done": one.done, "total": one.total}
            for one in found.under_way
        ],
        "samples": quality_words.as_json(found.sampled),
    }


def as_text(found: EvalOverview) -> str:
    """Return it for a terminal of 100 columns."""
    serves = "It answers people." if found.said.serves else "It answers nobody: every request goes to a person."
    lines = [
        f"{found.pair.release} against suite {found.pair.suite[:12]} {found.said.words}. {serves}",
        found.baseline_words,
        found.probe_words,
        *(f"Under way: {one.words}, begun by {one.started_by}." for one in found.under_way),
    ]
    run = found.run
    if run is None:
        return "\n".join([*lines, "Nothing was evaluated yet: run `deskhand eval run`.", "", *_sampled(found)])
    standin = ", STAND-IN MODEL" if run.model_is_standin else ""
    lines += ["", f"Last run: {run.id} of {run.release}{standin}. {'; '.join(map(str, run.why))}".rstrip()]
    lines += [f"  {one.slice:<24} {f'{one.passed}/{one.played}':>9}   {one.bounds}" for one in found.slices]
    lines += [f"  {one.words}" for one in found.in_a_row]
    failed = ", ".join(sorted({one.case_id for one in found.failed}))
    return "\n".join([*lines, f"Failing cases: {failed or 'none'}", "", *_sampled(found)])


def _sampled(found: EvalOverview) -> list[str]:
    return quality_words.as_text(found.sampled).splitlines()


def _run(found: EvalOverview, run: EvalRun) -> dict[str, Any]:
    return {
        "run": run.id,
        "release": run.release,
        "suite": run.suite,
        "verdict": run.verdict,
        "why": list(run.why),
        "model_is_standin": run.model_is_standin,
        "cost_nusd": run.cost_nusd,
        "slices": [
            {"slice": one.slice, "hard": one.hard, "passed": one.passed, "played": one.played, "bounds": one.bounds}
            for one in found.slices
        ],
        "pass_k": [{"k": one.k, "rate": one.rate, "low": one.low, "high": one.high} for one in found.in_a_row],
        "failures": sorted({one.case_id for one in found.failed}),
    }
