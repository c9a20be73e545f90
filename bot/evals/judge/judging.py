"""Judged plays of a run, and what they say of a release: the share of good answers, corrected for the judge's errors.

A judgement is an entry of its play's transcript. Only plays that passed are judged, in the first repeat: a judge finds
what state cannot show, and repeats of a case are alike. Where the card requires the judge, a run in which it was off,
down or not calibrated says nothing about the release; else the figure is shown and decides nothing.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.agent.card import Agent
from bot.evals.gate import ReleaseVerdict
from bot.evals.judge import rogan_gladen
from bot.evals.judge.judge import Judge
from bot.evals.judge.question import JudgedAnswer
from bot.evals.judge.rogan_gladen import Agreement, CorrectedRate
from bot.store.db import Session
from bot.store.releases import judge_calibrations
from bot.store.schema import Verdict

JUDGED_REPEAT = 1
"The repeat of each case that is judged."
BY = "judge"
OFF = "no answer was judged for tone and groundedness: the judge is off"
Transcript = Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class JudgedRun:
    """What the judge said in a run."""

    model: str
    judged: int
    called_good: int
    corrected: CorrectedRate | None
    "None while the judge is not calibrated, or tells nothing."

    def __str__(self) -> str:
        """Return it in one sentence."""
        said = f"tone and groundedness by {self.model}: {self.called_good} of {self.judged} answers are called good"
        if self.corrected is None:
            return f"{said}; without a calibration of this judge that is no rate (`deskhand eval calibrate`)"
        low, high = 100 * self.corrected.low, 100 * self.corrected.high
        return f"{said}; corrected for its errors {low:.1f} to {high:.1f} %"


def entry(judge: Judge, transcript: Transcript) -> tuple[dict[str, Any], int]:
    """Judge the last answer of a play; return the entry for its transcript, and its cost in nano-USD.

    Raises:
        Transient: the judge is down.
    """
    found = judge.judge(sample(transcript))
    said = {"tone": found.tone, "grounded": found.grounded, "text": found.because}
    return {
        "by": BY,
        "judge": judge.fingerprint,
        "model": judge.terms.model,
        "good": found.good,
        **said,
    }, found.cost_nusd


def sample(transcript: Transcript) -> JudgedAnswer:
    """Return the last answer of a play, with what the agent could know when it gave it."""
    last = max(number for number, one in enumerate(transcript) if one["by"] == "agent")
    before = transcript[:last]
    return JudgedAnswer(
        said=tuple(str(one["text"]) for one in before if one["by"] in ("requester", "colleague")),
        facts=tuple(
            f"{one['name']} ({one['status']}): {json.dumps(one['gave'], default=str)}"
            for one in before
            if one["by"] == "tool"
        ),
        answer=str(transcript[last]["text"]),
    )


def of_run(session: Session, agent: str, transcripts: Iterable[Transcript]) -> JudgedRun | None:
    """Return what the judge said in the plays of a run, or None if it judged nothing."""
    entries = [one for transcript in transcripts for one in transcript if one["by"] == BY]
    if not entries:
        return None
    good, judged = sum(bool(one["good"]) for one in entries), len(entries)
    kept = judge_calibrations.valid(session, agent, entries[0]["judge"])
    agreement = None if kept is None else Agreement(kept.good, kept.good_found, kept.bad, kept.bad_found)
    informs = agreement is not None and agreement.informs
    corrected = rogan_gladen.corrected(good, judged, agreement) if agreement is not None and informs else None
    return JudgedRun(str(entries[0]["model"]), judged, good, corrected)


def held(agent: Agent, said: JudgedRun | None, verdict: ReleaseVerdict) -> ReleaseVerdict:
    """Return what a verdict becomes where the card requires the judge: never a PASS without the judge's word."""
    terms = agent.card.evals.judge
    if terms is None or not terms.required or verdict.word is not Verdict.PASS:
        return verdict
    if said is None or said.corrected is None:
        return ReleaseVerdict(Verdict.NOT_RUN, (f"the card requires the judge: {OFF if said is None else said}",))
    if said.corrected.low < terms.at_least:
        return ReleaseVerdict(Verdict.BLOCK, (f"{said}, below {100 * terms.at_least:.0f} %",))
    return ReleaseVerdict(Verdict.PASS, (*verdict.why, str(said)))
