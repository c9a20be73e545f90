"""The commands that look at the last evaluation of an agent, as `/agent-eval` does in Slack."""

import json

import click

from bot.cli.evals import eval_group
from bot.cli.root import ROW, known, reading_database, settings_to_look_at
from bot.errors import ConfigError

_AGENT = click.option("--agent", "name", help="The folder under config/agents/; not needed where there is only one.")
_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout; times as ISO 8601.")


@eval_group.command("status")
@_AGENT
@_JSON
def eval_status(*, name: str | None, as_json: bool) -> None:
    """Show what is served, its verdict and waiver, the baseline, the last run, and the runs under way."""
    from bot.evals import overview
    from bot.releases.pairs import pair_of

    settings = settings_to_look_at()
    agent = known(settings, name)
    pair = pair_of(settings, agent)
    with reading_database(settings) as database, database.read() as session:
        found = overview.read(session, agent.card.name, pair)
    click.echo(json.dumps(overview.as_json(found)) if as_json else overview.as_text(found))


@eval_group.command("diff")
@_AGENT
@_JSON
def eval_diff(*, name: str | None, as_json: bool) -> None:
    """Compare the last run of an agent with the promoted release: by slice, and the cases that got worse or better."""
    from bot.evals import comparison_views
    from bot.store.releases import comparisons, eval_runs

    settings = settings_to_look_at()
    agent = known(settings, name).card.name
    with reading_database(settings) as database, database.read() as session:
        run = eval_runs.last_run(session, agent)
        if run is None:
            raise _nothing(agent)
        found = comparisons.of_run(session, agent, run)
    click.echo(json.dumps(comparison_views.as_json(found)) if as_json else comparison_views.as_text(found))


@eval_group.command("case")
@click.argument("case", metavar="ID")
@_AGENT
@click.option("--run", "number", type=ROW, help="Another run of `deskhand eval runs`, also one of a part of the cases.")
@_JSON
def eval_case(*, case: str, name: str | None, number: int | None, as_json: bool) -> None:
    """Show every play of a case in the last run of all cases: what was said, redacted, and what was expected."""
    from bot.evals import case_views
    from bot.store.releases import eval_runs, run_plays

    settings = settings_to_look_at()
    agent = known(settings, name).card.name if number is None else ""
    with reading_database(settings) as database, database.read() as session:
        run = eval_runs.last_run(session, agent) if number is None else run_plays.get(session, number)
        if run is None and number is not None:
            raise ConfigError(f"database: no run {number}; `deskhand eval runs` lists them")
        if run is None:
            raise _nothing(agent)
        found, near = case_views.of_run(session, run, case), case_views.nearest(session, run, case)
    if found is None:
        meant = f" Did you mean {', '.join(near)}?" if near else ""
        which = ", the last evaluation of all cases," if number is None else ""
        raise click.ClickException(f"Run {run.id}{which} has no case {case}.{meant} --run names another run.")
    click.echo(json.dumps(case_views.as_json(found)) if as_json else case_views.as_text(found))


def _nothing(agent: str) -> ConfigError:
    return ConfigError(f"database: no evaluation of {agent} has ended yet: run `deskhand eval run`")
