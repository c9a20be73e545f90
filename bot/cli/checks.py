"""The commands that check how well Deskhand does its job and how it runs: handoffs, doctor, status."""

import json
import sys

import click

from bot.cli.root import cli, known, reading_database, settings_to_look_at
from bot.errors import ConfigError


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
