"""The command that measures how well the judge of evaluations agrees with people."""

import json
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from bot.cli.evals import eval_group
from bot.cli.root import known, own_database, settings_to_look_at
from bot.errors import Transient

if TYPE_CHECKING:
    from bot.agent.card import Agent
    from bot.evals.judge.calibration import CalibrationResult
    from bot.evals.judge.judge import Judge
    from bot.settings import Settings
    from bot.store.db import Database

UNKNOWN = 2
"Exit code of a calibration that measured nothing."


@eval_group.command("calibrate")
@click.option("--agent", "name", help="The folder under config/agents/; not needed where there is only one.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout; money in nano-USD.")
def eval_calibrate(*, name: str | None, as_json: bool) -> None:
    """Measure the judge of an agent by the answers that people have labelled.

    The result counts until the model or the prompt of the judge changes. Exit code 1 when the judge tells good from bad
    no better than a coin, 2 when nothing was measured.
    """
    settings = settings_to_look_at()
    agent = known(settings, name)
    with own_database(settings) as database:
        judge, found = _measured(settings, agent, database)
    about = _about(agent, judge, found)
    click.echo(json.dumps(about) if as_json else _text(about))
    sys.exit(0 if found.agreement.informs else 1)


def _measured(settings: "Settings", agent: "Agent", database: "Database") -> tuple["Judge", "CalibrationResult"]:
    """Judge every labelled answer, and store how often judge and people agree."""
    from bot.agent.release import release_of
    from bot.agent.runtime import open_meter
    from bot.evals.judge import calibration, labels
    from bot.evals.judge import judge as judges
    from bot.evals.pacing import Pace
    from bot.store.releases import judge_calibrations

    with closing(open_meter(settings, database)) as meter:
        meter.check()
        judge = judges.open_judge(settings, agent, meter, release=str(release_of(settings, agent)), pace=Pace())
        if judge is None:
            raise click.ClickException(f"The judge is off: {judges.off_because(settings, agent, meter.prices)}.")
        answers = labels.load(agent)
        try:
            found = calibration.measure(judge, answers, progress=lambda done: _progress(done, len(answers)))
        except Transient as error:
            click.echo(f"deskhand: nothing was measured: {error}. An earlier calibration stays.", err=True)
            sys.exit(UNKNOWN)
    agreed = found.agreement
    with database.write() as session:
        judge_calibrations.keep(
            session,
            agent=agent.card.name,
            model=judge.terms.model,
            judge=judge.fingerprint,
            good=(agreed.good, agreed.good_found),
            bad=(agreed.bad, agreed.bad_found),
            cost_nusd=found.cost_nusd,
            by="operator",
        )
    return judge, found


def _progress(done: int, total: int) -> None:
    click.echo(f"{done}/{total} judged", err=True)


def _about(agent: "Agent", judge: "Judge", found: "CalibrationResult") -> dict[str, Any]:
    agreed = found.agreement
    return {
        "agent": agent.card.name,
        "model": judge.terms.model,
        "judge": judge.fingerprint,
        "good": agreed.good,
        "good_found": agreed.good_found,
        "sensitivity": round(agreed.sensitivity, 4),
        "bad": agreed.bad,
        "bad_found": agreed.bad_found,
        "specificity": round(agreed.specificity, 4),
        "informs": agreed.informs,
        "disputed": [
            {"answer": label.number, "people": "good" if label.good else f"bad: {label.wrong}", "judge": one.because}
            for label, one in found.disputed
        ],
        "cost_nusd": found.cost_nusd,
    }


def _text(about: dict[str, Any]) -> str:
    from bot.slack.mrkdwn import dollars

    lines = [
        f"{about['model']} with the judge's prompt {about['judge'][:12]}, for {about['agent']}",
        f"It calls {about['good_found']} of {about['good']} good answers good,",
        f"and {about['bad_found']} of {about['bad']} bad ones bad.",
        *(f"  answer {one['answer']}: people say {one['people']}; judge: {one['judge']}" for one in about["disputed"]),
        f"It cost {dollars(about['cost_nusd'])}, and counts until the model or the prompt of the judge changes.",
    ]
    if not about["informs"]:
        lines.append("It tells good from bad no better than a coin: no share can be corrected by it.")
    return "\n".join(lines)
