"""`deskhand sandbox`: a local Slack workspace and a stand-in for the model, to try an installation with.

Their addresses and tokens stand in `.env`, where `deskhand init` and every process of the installation find them. The
processes of the installation are started as on a real Slack.
"""

import os
import secrets
import signal
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from bot import env_file, private
from bot.errors import ConfigError
from bot.sandbox import standin
from bot.sandbox.demo import launch
from bot.sandbox.demo.demo import CONFIG, MODEL_SECONDS, PAGE_PORT
from bot.sandbox.demo.entrypoints import PAGE_KEY
from bot.sandbox.demo.processes import CannotRun, Supervisor, free_port

STATE = Path(".deskhand/sandbox")
WEB_PORT = 3000
"Where the workspace sends events while no `deskhand socket` is connected: the default of `deskhand web`."


def run(env: Path, say: Callable[[str], None]) -> None:
    """Run both until Ctrl-C.

    Args:
        env: the file of variables; it is made, or one of an earlier sandbox.
        say: shows a line.

    Raises:
        ConfigError: the file is of another installation.
        CannotRun: one of them does not start, or a sandbox with this file is running already.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # end as on Ctrl-C
    ports = _provide(env)
    _refuse_taken(env, ports)
    private.folder(STATE)
    options = launch.LaunchOptions(STATE, CONFIG, ports.page, model_seconds=MODEL_SECONDS)
    try:
        with Supervisor((STATE / "logs").absolute()) as supervisor:
            supervisor.start(*launch.world(options, ports, {"HOST": "127.0.0.1"}, STATE.absolute()))
            say(f"The workspace is up: {launch.address(ports.page)}?key={os.environ[PAGE_KEY]}")
            say(f"{launch.STANDIN} {env} has its address and its tokens; in another terminal: `deskhand init`.")
            supervisor.watch()
    except KeyboardInterrupt:
        say("\nEnded.")


def _provide(env: Path) -> launch.DemoPorts:
    """Make the file of variables where there is none, set them for the programs that are started, and return the ports.

    Raises:
        ConfigError: the file is of another installation, or cannot be made.
    """
    try:
        new = private.new(env)
    except OSError as error:
        raise ConfigError(f"{env}: cannot be made: {error.strerror}") from error
    if new is not None:
        with os.fdopen(new, "w", encoding="utf-8") as made:
            made.write("# Made by `deskhand sandbox`; its tokens are valid nowhere else.\n")
            made.write(env_file.updated(env, "", _variables()))
    known = env_file.read(env)
    if PAGE_KEY not in known:
        raise ConfigError(f"{env}: is of an installation, not of a sandbox; use another checkout for that")
    os.environ.update(known)
    page, model = (urlsplit(known[name]).port or 0 for name in ("SLACK_API_URL", "ANTHROPIC_BASE_URL"))
    return launch.DemoPorts(page, WEB_PORT, model)


def _refuse_taken(env: Path, ports: launch.DemoPorts) -> None:
    for port in (ports.page, ports.model):
        try:
            free_port(port)
        except CannotRun:
            raise CannotRun(f"{env} names port {port}, which is in use: a sandbox is running here already.") from None


def _variables() -> dict[str, str]:
    page, model = free_port(preferred=PAGE_PORT), free_port(preferred=PAGE_PORT + 1)
    return {
        "SLACK_API_URL": f"{launch.address(page)}api/",
        "SLACK_BOT_TOKEN": f"xoxb-{secrets.token_hex(12)}",
        "SLACK_APP_TOKEN": f"xapp-{secrets.token_hex(12)}",
        "SLACK_SIGNING_SECRET": secrets.token_hex(16),
        PAGE_KEY: secrets.token_urlsafe(24),
        "ANTHROPIC_BASE_URL": launch.address(model).rstrip("/"),
        "ANTHROPIC_API_KEY": f"stand-in-{secrets.token_urlsafe(24)}",
        "DESKHAND_MODEL": standin.MODEL,
    }
