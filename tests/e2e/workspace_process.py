"""The local workspace as a process of its own, without the rate limits that would stretch 200 requests over minutes.

python -m tests.e2e.workspace_process [DELIVER_TO]

Without an address it delivers over Socket Mode alone. Tokens and port come from the environment, as Deskhand's do.
"""

import sys

from bot.sandbox.demo import serve
from bot.sandbox.demo.entrypoints import PAGE_KEY
from bot.sandbox.slack.seed import WorkspaceConfig
from bot.settings import Settings
from tests.e2e.product_processes import SLACK_WAITS_SECONDS, TOKENS
from tests.support import crowd


def main() -> None:
    """Serve the workspace until told to end."""
    settings = Settings.from_environment()
    secrets = (settings.slack_bot_token, settings.slack_app_token, settings.slack_signing_secret)
    bot_token, app_token, signing_secret = (secret.get_secret_value() if secret else "" for secret in secrets)
    config = WorkspaceConfig(
        people=crowd.crowd_people(),
        manifest=settings.deskhand_config / "slack-manifest.yaml",
        agents=settings.deskhand_config,
        bot_token=bot_token,
        app_token=app_token,
        signing_secret=signing_secret,
        key=TOKENS[PAGE_KEY],
        deliver_to=sys.argv[1] if len(sys.argv) > 1 else None,
        banner="The stand-in model answers here, not Claude.",
        retry_delays=(0.0, 0.5, 1.0),
        answer_seconds=SLACK_WAITS_SECONDS,
        rate_limits=False,
    )
    serve.serve(config, settings.host, settings.port)


if __name__ == "__main__":
    main()
