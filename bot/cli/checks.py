"""The commands that check how well Deskhand does its job and how it runs: eval, handoffs, doctor, status."""

import json
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager

import click
import structlog

from bot.cli.root import cli, known, reading_database, settings_to_look_at
from bot.errors import ConfigError, DeskhandError

PASSED, BLOCKED, UNKNOWN = 0, 1, 2
"Exit codes of an evaluation."


@cli.group("eval")
def eval_group() -> None:
    """Find out whether a release still does its job."""


@eval_group.command("run")
@click.option("--agent", "name", help="The folder under config/agents/; not needed where there is only one.")
@click.option("--repeats", default=1, show_default=True, type=click.IntRange(1, 20), help="Plays of each case.")
@click.option("--workers", default=4, show_default=True, type=click.IntRange(1, 32), help="Cases played at a time.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, progress on stderr.")
def eval_run(*, name: str | None, repeats: int, workers: int, as_json: bool) -> None:
    """Play the agent's cases through the production loop on private directories, and give its release a verdict.

    Exit code 0 when it passes, 1 when it is blocked, 2 without a verdict: the run was invalid or did not end.
    """
    from bot import directory
    from bot.agent.runtime import open_meter, open_runtime
    from bot.evals import cases, report, runner, stage
    from bot.store.schema import Verdict

    settings = settings_to_look_at()
    agent = known(settings, name)
    suite = cases.load(agent)
    with (
        _exit_unknown_on_error(),
        reading_database(settings) as database,
        closing(open_meter(settings, database)) as meter,
    ):
        meter.check()
        runtime = open_runtime(settings, agent, database, directory.connect(database), meter)
        result = runner.run_suite(
            agent=agent,
            release_id=runtime.release,
            runtime_for=stage.on_scratch_database(runtime),
            suite=suite,
            main=database,
            repeats=repeats,
            workers=workers,
            started_by="operator",
            progress=lambda seen: click.echo(report.line(seen), err=True),
        )
    click.echo(json.dumps(report.as_json(result)) if as_json else report.as_text(result))
    sys.exit({Verdict.PASS: PASSED, Verdict.BLOCK: BLOCKED, None: UNKNOWN}[result.verdict])


@contextmanager
def _exit_unknown_on_error() -> Iterator[None]:
    """Exit with `UNKNOWN` when a run does not end: Python's own exit code, 1, would be read as `block`."""
    try:
        yield
    except ConfigError:
        raise
    except (DeskhandError, KeyboardInterrupt) as error:
        why = "it was interrupted" if isinstance(error, KeyboardInterrupt) else str(error)
        click.echo(f"deskhand: the evaluation did not end: {why}. The release keeps the verdict that it had.", err=True)
        sys.exit(UNKNOWN)
    except Exception as error:  # noqa: BLE001 - its exit code would be that of `block`
        structlog.get_logger().exception("eval.crashed", error=type(error).__name__)
        click.echo("deskhand: the evaluation broke. The release keeps the verdict that it had.", err=True)
        sys.exit(UNKNOWN)


@cli.command("handoffs")
@click.option("--days", default=30, show_default=True, type=click.IntRange(1, 3650), help="UTC days, today included.")
@click.option("--agent", "name", help="Only of this folder under config/agents/; all agents by default.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout; times in seconds, null for unknown.")
def handoffs_command(*, days: int, name: str | None, as_json: bool) -> None:
    """Measure the handoffs of the last days: how many, why, how long people waited, how many stayed resolved."""
    from bot.agent import card
    from bot.slack.reports import handoff_report
    from bot.slack.reports.handoff_report import HandoffReport
    from bot.store.handoffs import handoff_metrics
    from bot.store.schema import now

    settings = settings_to_look_at()
    if name is not None:
        known(settings, name)
    in_scope = card.in_scope(card.load_all(settings.deskhand_config))
    cohort = handoff_metrics.last_days(days, at=now(), agent=name, in_scope=in_scope)
    with reading_database(settings) as database, database.read() as session:
        report = HandoffReport(
            cohort,
            handoff_metrics.totals(session, cohort),
            handoff_metrics.by_reason(session, cohort),
            handoff_metrics.by_day(session, cohort),
            handoff_metrics.by_day_and_reason(session, cohort),
        )
    click.echo(json.dumps(handoff_report.as_json(report)) if as_json else handoff_report.as_text(report))


@cli.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def doctor_command(*, as_json: bool) -> None:
    """Check everything that Deskhand depends on, and say what to fix; it changes nothing and calls no model.

    Exit code 1 when something must be fixed.
    """
    from bot.health import doctor, report
    from bot.health.findings import Finding

    try:
        found = doctor.examine(settings_to_look_at())
    except ConfigError as error:
        found = (Finding("settings", "fail", str(error), "Correct the environment; nothing starts before."),)
    click.echo(json.dumps(report.findings_as_json(found)) if as_json else report.findings_as_text(found))
    sys.exit(1 if any(one.state == "fail" for one in found) else 0)


@cli.command("status")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout; ages in seconds, null for unknown.")
def status_command(*, as_json: bool) -> None:
    """Show how well it goes, who is at work, what is under way and what is due.

    It does so even when Redis or the database cannot be reached; the exit code is then 1.
    """
    from bot.health import report, status

    seen = status.look(settings_to_look_at())
    click.echo(json.dumps(report.status_as_json(seen)) if as_json else report.status_as_text(seen))
    sys.exit(1 if seen.unavailable else 0)
