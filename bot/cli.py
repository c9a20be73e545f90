"""The `deskhand` command: wires processes and answers operators.

Each command loads only the rooms it needs: a worker must not wait for the web door to be imported.
"""

import asyncio
import json
import os
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot import logs
from bot.errors import ConfigError, DeskhandError
from bot.principals import AccountStatus
from bot.settings import Settings

if TYPE_CHECKING:
    from bot.agent.card import Agent


def main() -> None:
    """Run the command line; what goes wrong is one clear sentence and exit code 1 or 2."""
    try:
        cli.main(prog_name="deskhand", standalone_mode=True)
    except ConfigError as error:
        click.echo(f"deskhand: {error}", err=True)
        sys.exit(2)
    except DeskhandError as error:
        click.echo(f"deskhand: {error}", err=True)
        sys.exit(1)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def cli() -> None:
    """Get people back into their account, and fetch a human before the agent is out of its depth."""


@cli.command("web")
def web_command() -> None:
    """Hear Slack over HTTP on HOST:PORT (/slack/events, /healthz, /readyz)."""
    import uvicorn

    from bot import web

    settings = _settings()
    app = web.create_app(settings)
    uvicorn.run(app, host=settings.host, port=settings.port, log_config=None, access_log=False)


@cli.command("socket")
def socket_command() -> None:
    """Hear Slack over Socket Mode: no public address needed (SLACK_APP_TOKEN)."""
    from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler

    from bot import web

    settings = _settings()
    token = settings.slack_app_token
    if token is None:
        raise ConfigError("environment: SLACK_APP_TOKEN is not set; Socket Mode needs it")
    app = web.create_bolt(settings, web.open_door(settings))

    async def listen() -> None:
        handler = AsyncSocketModeHandler(app, token.get_secret_value())
        await handler.start_async()  # type: ignore[no-untyped-call]  # bolt leaves it untyped

    asyncio.run(listen())


@cli.command("worker")
@click.option(
    "--concurrency", type=click.IntRange(1, 1000), help="Turns at once; DESKHAND_CONCURRENCY (50) by default."
)
def worker_command(concurrency: int | None) -> None:
    """Run many turns at once, each on a thread; start one process a core.

    SIGTERM ends it: it takes no more turns and gives those in hand DESKHAND_DRAIN seconds (20) to end; what is
    left then goes to another worker at once. A second signal, a second later, does not wait.
    """
    _become("jobs.worker", *([] if concurrency is None else ["--concurrency", str(concurrency)]))


@cli.command("clock")
def clock_command() -> None:
    """Look every second or two for what is due: leases, the ladder, App Homes, what a crash left undone."""
    _become("jobs.clock")


@cli.command()
def migrate() -> None:
    """Bring the database at DATABASE_URL up to this code's schema."""
    from bot.store import revisions

    settings = _settings()
    revisions.migrate(settings.database_url)
    click.echo("The schema is up to date.")


@cli.group()
def directory() -> None:
    """Look after the local directory of accounts."""


@directory.command("load")
@click.argument("file", type=click.Path(path_type=Path))
def directory_load(file: Path) -> None:
    """Load accounts from a YAML FILE (`people:` with email, real_name, account), replacing those of the same id."""
    from bot.store import accounts, db

    seeds = accounts.read_seed(file)
    database = db.connect(_settings().database_url)
    with database.write() as session:
        count = accounts.seed(session, seeds)
    database.close()
    click.echo(f"{count} accounts loaded.")


@directory.command("set")
@click.argument("account")
@click.argument("status", type=click.Choice([status.value for status in AccountStatus]))
def directory_set(account: str, status: str) -> None:
    """Change an ACCOUNT's STATUS from outside, as its owner or an administrator would."""
    from bot.store import accounts, db

    database = db.connect(_settings().database_url)
    with database.write() as session:
        known = accounts.set_status(session, account, AccountStatus(status))
    database.close()
    if not known:
        raise ConfigError(f"directory: no account {account}")
    click.echo(f"{account} is {status}.")


@cli.group("eval")
def eval_group() -> None:
    """Find out whether a release still does its job."""


@eval_group.command("run")
@click.option("--agent", "name", default="access", show_default=True, help="The folder under config/agents/.")
@click.option("--repeats", default=1, show_default=True, type=click.IntRange(1, 20), help="Times each case is played.")
@click.option("--workers", default=4, show_default=True, type=click.IntRange(1, 32), help="Cases played at a time.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, progress on stderr.")
def eval_run(*, name: str, repeats: int, workers: int, as_json: bool) -> None:
    """Play the agent's cases through the production loop on private directories, and give its release a verdict.

    Exit code 0 when it passes, 1 when it is blocked or the run is invalid.
    """
    from bot.agent.desk import open_desk, open_meter
    from bot.evals import cases, report, runner
    from bot.store import db
    from bot.store.accounts import LocalDirectory

    settings = _settings()
    agent = _known(settings, name)
    suite = cases.load(agent.folder)
    with closing(db.connect(settings.database_url)) as database, closing(open_meter(settings, database)) as meter:
        desk = open_desk(settings, agent, database, meter)
        result = runner.run_suite(
            agent=agent,
            release_id=desk.release,
            desk_for=lambda own: replace(desk, database=own, directory=LocalDirectory(own), purpose="eval"),
            suite=suite,
            main=database,
            repeats=repeats,
            workers=workers,
            started_by="operator",
            progress=lambda seen: click.echo(report.line(seen), err=True),
        )
    click.echo(json.dumps(report.as_json(result)) if as_json else report.as_text(result))
    sys.exit(0 if result.verdict == "pass" else 1)


@cli.command("handoffs")
@click.option("--days", default=30, show_default=True, type=click.IntRange(1, 3650), help="UTC days, today included.")
@click.option("--agent", "name", help="Only of this folder under config/agents/; all agents by default.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout; times in seconds, null for unknown.")
def handoffs_command(*, days: int, name: str | None, as_json: bool) -> None:
    """Measure the handoffs that were opened in the last days: how many, why, how long people waited, what lasted."""
    from bot.slack import handoff_report
    from bot.slack.handoff_report import HandoffReport
    from bot.store import db, measures
    from bot.store.schema import now

    settings = _settings()
    if name is not None:
        _known(settings, name)
    cohort = measures.last_days(days, at=now(), agent=name)
    with closing(db.connect(settings.database_url)) as database, database.read() as session:
        report = HandoffReport(
            cohort,
            measures.totals(session, cohort),
            measures.by_reason(session, cohort),
            measures.by_day(session, cohort),
            measures.by_day_and_reason(session, cohort),
        )
    click.echo(json.dumps(handoff_report.as_json(report)) if as_json else handoff_report.as_text(report))


@cli.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def doctor_command(*, as_json: bool) -> None:
    """Look at everything that Deskhand stands on, and say what to mend; nothing is changed, no model is paid for.

    Exit code 1 when something has to be mended.
    """
    from bot.health import doctor, report
    from bot.health.findings import Finding

    try:
        found = doctor.examine(_settings())
    except ConfigError as error:
        found = (Finding("settings", "fail", str(error), "Correct the environment; nothing starts before."),)
    click.echo(json.dumps(report.findings_as_json(found)) if as_json else report.findings_as_text(found))
    sys.exit(1 if any(one.state == "fail" for one in found) else 0)


@cli.command("status")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout; ages in seconds, null for unknown.")
def status_command(*, as_json: bool) -> None:
    """Show who is at work, what is under way, and what is owed; Redis or the database may be away.

    Exit code 1 when one of them is.
    """
    from bot.health import report, status

    seen = status.look(_settings())
    click.echo(json.dumps(report.status_as_json(seen)) if as_json else report.status_as_text(seen))
    sys.exit(1 if seen.away else 0)


@cli.command()
@click.option("--fresh", is_flag=True, help="Forget what an earlier demo kept under ./.deskhand/.")
@click.option("--tour", is_flag=True, help="Play the scenes of the story without a browser, then stop.")
@click.option("--json", "as_json", is_flag=True, help="With --tour: one JSON object a scene on stdout.")
@click.option("--scene", "scenes", multiple=True, help="With --tour: only this scene; may be given again.")
@click.option("--port", type=click.IntRange(0, 65535), help="Where the chat page is served; a free port by default.")
@click.option("--model-seconds", type=float, help="How long the stand-in model thinks about one call.")
def demo(
    *, fresh: bool, tour: bool, as_json: bool, scenes: tuple[str, ...], port: int | None, model_seconds: float | None
) -> None:
    """Run the whole product on this machine: a local Slack workspace with a page, no key and no server needed."""
    from bot.sandbox import demo as sandbox_demo

    code = sandbox_demo.run(
        fresh=fresh, tour=tour, as_json=as_json, port=port, scenes=scenes, model_seconds=model_seconds
    )
    sys.exit(code)


def _settings() -> Settings:
    settings = Settings.from_environment()
    logs.configure(settings.deskhand_log)
    return settings


def _known(settings: Settings, name: str) -> "Agent":
    """Return an agent by the name of its folder.

    Raises:
        ConfigError: there is none of that name.
    """
    from bot.agent import card

    agents = card.load_all(settings.deskhand_config)
    if name not in agents:
        raise ConfigError(f"config: no agent {name}; there are {', '.join(agents)}")
    return agents[name]


def _become(module: str, *arguments: str) -> None:
    """Turn this process into another: `jobs` imports `bot`, never the other way round."""
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606 - no shell, our own module


if __name__ == "__main__":
    main()
