"""The commands that run a process, and what the processes need: the schema, the directory, the demo."""

import asyncio
import os
import sys
from contextlib import closing
from pathlib import Path

import click

from bot.cli import root
from bot.cli.root import cli, own_database, settings_of_environment
from bot.errors import ConfigError, Transient
from bot.principals import AccountStatus


@cli.command("web")
def web_command() -> None:
    """Hear Slack over HTTP on HOST:PORT (/slack/events, /healthz, /readyz)."""
    from bot import web
    from bot.telemetry import metrics_server, span_export
    from bot.web import server
    from bot.web.entrance import ClientLimits

    settings = settings_of_environment()
    app = web.create_app(settings)
    web.check_token(app.state.ctx)
    metrics_server.start("web", settings.deskhand_metrics, app.state.readiness.answer)
    end_traces = span_export.start("web", settings, installation=app.state.ctx.queue.prefix)
    limits = ClientLimits(idle_seconds=settings.deskhand_idle)
    server.serve(app, host=settings.host, port=settings.port, limits=limits)
    end_traces()


@cli.command("socket")
def socket_command() -> None:
    """Hear Slack over Socket Mode, which needs no public address (SLACK_APP_TOKEN)."""
    from bot import web
    from bot.telemetry import metrics_server, span_export
    from bot.web.socket import SocketListener

    settings = settings_of_environment()
    token = settings.slack_app_token
    if token is None:
        raise ConfigError("environment: SLACK_APP_TOKEN is not set; Socket Mode needs it")
    ctx = web.open_context(settings)
    listener = SocketListener(web.create_bolt(settings, ctx), token.get_secret_value(), settings.network)
    web.check_token(ctx)
    ready = web.readiness_of(ctx, "socket", socket=listener.look)
    metrics_server.start("socket", settings.deskhand_metrics, ready.answer)
    end_traces = span_export.start("socket", settings, installation=ctx.queue.prefix)
    asyncio.run(listener.listen())
    end_traces()


@cli.command("worker")
@click.option(
    "--concurrency", type=click.IntRange(1, 1000), help="Turns at once; DESKHAND_CONCURRENCY (50) by default."
)
def worker_command(concurrency: int | None) -> None:
    """Run many turns at once, each on a thread; start one process for each core.

    SIGTERM ends it: it takes no more turns and gives those in hand DESKHAND_DRAIN seconds (20) to end; the rest
    goes to another worker at once. A second signal, at least a second later, does not wait.
    """
    root.become("jobs.worker", *([] if concurrency is None else ["--concurrency", str(concurrency)]))


@cli.command("clock")
def clock_command() -> None:
    """Do what is due, checked every second or two: leases, escalation, App Homes, what a crash left undone."""
    root.become("jobs.clock")


@cli.command()
def migrate() -> None:
    """Migrate the database at DATABASE_URL to this code's schema; a new database becomes this installation's.

    With DATABASE_OWNER_URL it is migrated by the owner of its tables, and the role of DATABASE_URL gets the rights that
    Deskhand needs: to add to the audit log and to read it, but not to change it.
    """
    from bot.store import db
    from bot.store.audit import guards
    from bot.store.installation import marks, revisions

    settings = settings_of_environment()
    owner, application = settings.database_owner_url or settings.database_url, None
    if settings.database_owner_url:
        application = settings.database_url
        guards.check_roles(owner=owner, application=application)
    try:
        with closing(db.connect(owner)) as database:
            marks.look_before_migrating(database, settings.deskhand_ground)
            revisions.migrate(owner, application=application)
            ground = marks.enter(database, settings.deskhand_ground)
    except Transient as error:
        raise ConfigError(
            f"{error}. See that it runs and has room, or correct its address; `deskhand migrate` can be run again"
        ) from error
    click.echo(f"The schema is up to date; the database belongs to {ground}.")


@cli.command("ground")
@click.option("--new", is_flag=True, help="Make the database that of a new installation; end its processes first.")
def ground_command(*, new: bool) -> None:
    """Show which installation the database and Redis belong to, and which Slack workspace they serve.

    With --new, a copied database gets its own id and serves the workspace of the next bot token.
    """
    from bot.queue import JobQueue
    from bot.store.installation import marks

    settings = settings_of_environment()
    with own_database(settings) as database:
        if new:
            marks.renew(database, settings.deskhand_ground)
        with database.read() as session:
            seen = marks.read(session)
    assert seen is not None  # noqa: S101 - `own_database` has marked it
    click.echo(f"Database: {seen.ground}, Slack workspace {seen.team or 'not known yet'}.")
    try:
        with closing(JobQueue.connect(settings.redis_url)) as queue:
            owner = queue.owner()
    except Transient as error:
        click.echo(f"Redis: {error}")
    else:
        click.echo(f"Redis: {owner or 'has no mark yet'}.")


@cli.group()
def directory() -> None:
    """Load and change the accounts of the local directory."""


@directory.command("load")
@click.argument("file", type=click.Path(path_type=Path))
def directory_load(file: Path) -> None:
    """Load accounts from a YAML FILE (`people:` with email, real_name, account), replacing those of the same id."""
    from bot.directory import seed_file
    from bot.directory.local import LocalDirectory

    seeds = seed_file.read(file)
    with own_database(settings_of_environment()) as database:
        count = LocalDirectory(database).seed(seeds)
    click.echo(f"{count} account{'' if count == 1 else 's'} loaded.")


@directory.command("set")
@click.argument("account")
@click.argument("status", type=click.Choice([status.value for status in AccountStatus]))
def directory_set(account: str, status: str) -> None:
    """Set the STATUS of an ACCOUNT, as its owner or an administrator would."""
    from bot.directory.local import LocalDirectory

    with own_database(settings_of_environment()) as database:
        known = LocalDirectory(database).set_status(account, AccountStatus(status))
    if not known:
        raise ConfigError(f"directory: no account {account}")
    click.echo(f"{account} is {status}.")


@cli.command("sandbox")
def sandbox_command() -> None:
    """Run a local Slack workspace and a stand-in model, and put their addresses and tokens into a new .env.

    Set up an installation on them as on a real Slack: `deskhand init`, and so on. It ends with Ctrl-C.
    """
    from bot import env_file
    from bot.sandbox.demo import standalone

    env = env_file.named(os.environ)
    if env is None:
        raise ConfigError(f"environment: {env_file.VARIABLE} is empty, so there is no file for the tokens")
    standalone.run(env, click.echo)


@cli.command()
@click.option("--fresh", is_flag=True, help="Delete what an earlier demo kept in ./.deskhand/demo/.")
@click.option("--tour", is_flag=True, help="Play the scenes of the story without a browser, then stop.")
@click.option("--json", "as_json", is_flag=True, help="With --tour: one JSON object a scene on stdout.")
@click.option("--scene", "scenes", multiple=True, help="With --tour: only this scene; repeat it for several.")
@click.option("--port", type=click.IntRange(0, 65535), help="The port of the chat page; a free one by default.")
@click.option("--model-seconds", type=float, help="How long the stand-in model thinks about one call.")
def demo(
    *, fresh: bool, tour: bool, as_json: bool, scenes: tuple[str, ...], port: int | None, model_seconds: float | None
) -> None:
    """Run the whole product on this machine: a local Slack workspace with a page, no key and no server needed."""
    from bot.sandbox.demo import demo as sandbox_demo

    code = sandbox_demo.run(
        fresh=fresh, tour=tour, as_json=as_json, port=port, scenes=scenes, model_seconds=model_seconds
    )
    sys.exit(code)
