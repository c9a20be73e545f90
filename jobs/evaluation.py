"""The process of `deskhand eval run`: begins or resumes a run, plays it with processes of its own, and reports it.

The run is rows, so it goes on where it was after a crash of this process or of any of its workers. Of two commands on
one run, one plays it and the other looks on, and takes over if the first one dies.
"""

import json
import signal
import sys
from contextlib import closing
from dataclasses import dataclass
from types import FrameType

import click
import structlog

from bot import logs, private
from bot.cli import root
from bot.errors import ConfigError, DeskhandError
from bot.evals import cases, endpoint, pacing, report, runs
from bot.evals.cases import Case, Suite
from bot.evals.runner import RunReport
from bot.evals.runs import Chosen, NothingToPlay, PlannedRun
from bot.store.db import Database
from bot.store.releases import probes, verdicts
from bot.store.releases.eval_runs import RunPlan
from bot.store.releases.verdicts import ReleasePair
from bot.store.schema import PlayedBy, ProbeState, RunKind, Verdict
from jobs import eval_desk
from jobs.eval_command import AHEAD, EvalCommand

log = structlog.get_logger()

PASSED, BLOCKED, NOT_RUN, INCONCLUSIVE = 0, 1, 2, 3
"Exit codes."
CODES = {
    Verdict.PASS: PASSED,
    Verdict.BLOCK: BLOCKED,
    Verdict.NOT_RUN: NOT_RUN,
    Verdict.INCONCLUSIVE: INCONCLUSIVE,
    None: NOT_RUN,
}
KEPT = "The release keeps the verdict that it had."


@dataclass(frozen=True, slots=True)
class EvalRequest:
    """What the command was asked for."""

    agent: str | None
    "None: the only one there is."
    chosen: Chosen
    repeats: int | None
    workers: int
    fresh: bool
    probes: bool = False
    "Whether the probes are played: then there is no verdict."


@click.command()
@click.option("--agent")
@click.option("--slice", "slices", multiple=True)
@click.option("--case", "case_ids", multiple=True)
@click.option("--repeats", type=int)
@click.option("--workers", type=int, required=True)
@click.option("--fresh", is_flag=True)
@click.option("--probes", is_flag=True)
@click.option("--json", "as_json", is_flag=True)
def main(
    *,
    agent: str | None,
    slices: tuple[str, ...],
    case_ids: tuple[str, ...],
    repeats: int | None,
    workers: int,
    fresh: bool,
    probes: bool,
    as_json: bool,
) -> None:
    """Run an evaluation; `bot.cli.evals` is what people call."""
    private.keep_to_ourselves()
    logs.guard()
    request = EvalRequest(agent, Chosen(slices, case_ids), repeats, workers, fresh, probes)
    try:
        code = _evaluate(request, as_json=as_json)
    except (DeskhandError, KeyboardInterrupt) as error:
        code = _no_verdict(_why(error), as_json=as_json)
    except Exception as error:
        log.exception("eval.crashed", error=type(error).__name__)
        code = _no_verdict("the evaluation broke", as_json=as_json)
    sys.exit(code)


def _evaluate(request: EvalRequest, *, as_json: bool) -> int:
    """Play a run to its end, and print what became of it; return the exit code."""
    settings = root.settings_to_look_at()
    signal.signal(signal.SIGTERM, _interrupt)
    agent = root.known(settings, request.agent)
    with root.reading_database(settings):
        pass  # it is there, and its schema is this code's
    suite = cases.load(agent)
    chosen = _probes(agent.card.name, suite) if request.probes else request.chosen.of(suite)
    with closing(eval_desk.open_desk(settings)) as desk:
        runtime = desk.runtime(agent)
        plan = _plan(request, standin=endpoint.is_standin(settings.anthropic_base_url, settings.network))
        planned = PlannedRun(agent, runtime.release, suite, chosen, plan, "operator")
        if request.probes:
            _must_serve(desk.database, ReleasePair(str(runtime.release), suite.fingerprint))
        if request.fresh:
            runs.abandon(desk.database, planned)
        run_id, done = runs.resume_or_begin(desk.database, planned)
        if done:
            click.echo(f"Run {run_id} goes on; {done} plays are done.", err=True)
        result = EvalCommand(desk, run_id, request.workers).see_to_the_end()
        if request.probes:
            return _say_probe(desk.database, result, as_json=as_json)
    click.echo(json.dumps(report.as_json(result)) if as_json else report.as_text(result))
    return CODES[result.verdict]


def _probes(agent: str, suite: Suite) -> tuple[Case, ...]:
    if not suite.probes:
        raise NothingToPlay(f"{agent} has no probes: list ids of its cases in evals/{cases.PROBES}")
    return suite.probes


def _must_serve(database: Database, pair: ReleasePair) -> None:
    """Refuse to probe what was never evaluated.

    Raises:
        NothingToPlay: no evaluation has said anything of the release with these cases.
    """
    with database.read() as session:
        if verdicts.standing(session, *pair).verdict is None:
            raise NothingToPlay(f"{pair.release} was never evaluated with these cases: run `deskhand eval run` first")


def _say_probe(database: Database, result: RunReport, *, as_json: bool) -> int:
    """Print what a run of the probes says of its release; return the exit code."""
    with database.read() as session:
        last = probes.of_run(session, result.run_id)
    if as_json:
        click.echo(json.dumps(report.as_json(result) | {"probe": None if last is None else last.as_json()}))
    else:
        click.echo(report.as_text(result))
    if last is None:
        return NOT_RUN
    return BLOCKED if last.result.state is ProbeState.WORSE else PASSED


def _plan(request: EvalRequest, *, standin: bool) -> RunPlan:
    return RunPlan(
        fixed_repeats=1 if request.probes else request.repeats,
        only=request.chosen.words,
        kind=RunKind.PROBE if request.probes else RunKind.EVALUATION,
        played_by=PlayedBy.COMMAND,
        width=request.workers * pacing.MOST * AHEAD,
        model_is_standin=standin,
    )


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _no_verdict(why: str, *, as_json: bool) -> int:
    """Say why nothing is known of the release; return the exit code."""
    click.echo(f"deskhand: NOT RUN: {why}", err=True)
    if as_json:
        click.echo(json.dumps({"run": None, "verdict": Verdict.NOT_RUN, "why": why.split("\n")}))
    return NOT_RUN


def _why(error: BaseException) -> str:
    match error:
        case ConfigError() | NothingToPlay():
            return str(error)
        case KeyboardInterrupt():
            return f"it was interrupted. {KEPT} `deskhand eval run` goes on where it was."
        case _:
            return f"the evaluation did not end: {error}. {KEPT}"


if __name__ == "__main__":
    main()
