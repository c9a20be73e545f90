"""What replaces the outside world in the demo, each as a process: the workspace and the model.

    python -m bot.sandbox.demo.entrypoints workspace | stand-in

They find their port and tokens in the same environment variables as Deskhand's own processes.
"""

import sys
from pathlib import Path

import click

from bot.errors import ConfigError
from bot.sandbox import standin
from bot.sandbox.demo import phones, serve
from bot.sandbox.slack.seed import WorkspaceConfig
from bot.settings import Settings

PEOPLE = Path(__file__).with_name("people.yaml")
PAGE_KEY = "DESKHAND_PAGE_KEY"
"The variable that holds the key of the local workspace's page."


@click.group()
def main() -> None:
    """Run one of the processes."""


@main.command("workspace")
@click.option("--deliver-to", required=True, help="The bot's address for events.")
@click.option("--state", type=click.Path(path_type=Path), required=True, help="The file that keeps the messages.")
@click.option("--banner", required=True, help="Who answers.")
@click.option(
    "--authenticators", type=click.Path(path_type=Path), required=True, help="The file of the approvers' secrets."
)
@click.option(
    "--key", envvar=PAGE_KEY, required=True, help="The key of its page; in the variable it does not show in `ps`."
)
def run_workspace(*, deliver_to: str, state: Path, banner: str, authenticators: Path, key: str) -> None:
    """Run the local Slack workspace."""
    settings = Settings.from_environment()
    secrets = (settings.slack_bot_token, settings.slack_app_token, settings.slack_signing_secret)
    bot_token, app_token, signing_secret = (secret.get_secret_value() if secret else "" for secret in secrets)
    config = WorkspaceConfig(
        people=PEOPLE,
        manifest=settings.deskhand_config / "slack-manifest.yaml",
        agents=settings.deskhand_config,
        bot_token=bot_token,
        app_token=app_token,
        signing_secret=signing_secret,
        key=key,
        deliver_to=deliver_to,
        state_file=state,
        banner=banner,
        phones=phones.connect(settings.database_url, PEOPLE, authenticators),
    )
    serve.serve(config, settings.host, settings.port)


@main.command("stand-in")
@click.option("--seconds", type=float, required=True, help="How many seconds an answer takes.")
def run_standin(seconds: float) -> None:
    """Run the stand-in for the model."""
    settings = Settings.from_environment()
    key = settings.credential("ANTHROPIC_API_KEY").get_secret_value()
    standin.serve(standin.StandinConfig(latency=seconds, key=key), settings.host, settings.port)


if __name__ == "__main__":
    try:
        main()
    except ConfigError as error:
        sys.exit(str(error))
