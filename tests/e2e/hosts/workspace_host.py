"""The workspace as a process on a host of its own.

python -m tests.e2e.hosts.workspace_host PEOPLE DELIVER_TO

Its people are given, so that every request can have an account of its own; tokens, address and port come
from the environment, as Deskhand's do. It retries as Slack does, only sooner, and has no rate limits, which
would stretch the run.
"""

import sys
from pathlib import Path

from bot.sandbox.demo import serve
from bot.sandbox.demo.entrypoints import PAGE_KEY
from bot.sandbox.slack.seed import WorkspaceConfig
from bot.settings import Settings
from tests.e2e.product_processes import TOKENS


def main() -> None:
    """Serve the workspace until told to end."""
    people, deliver_to = sys.argv[1:]
    settings = Settings.from_environment()
    secrets = (settings.slack_bot_token, settings.slack_app_token, settings.slack_signing_secret)
    bot_token, app_token, signing_secret = (secret.get_secret_value() if secret else "" for secret in secrets)
    config = WorkspaceConfig(
        people=Path(people),
        manifest=settings.deskhand_config / "slack-manifest.yaml",
        bot_token=bot_token,
        app_token=app_token,
        signing_secret=signing_secret,
        key=TOKENS[PAGE_KEY],
        deliver_to=deliver_to,
        retry_delays=(0.0, 0.5, 1.0),
        rate_limits=False,
    )
    serve.serve(config, settings.host, settings.port)


if __name__ == "__main__":
    main()
