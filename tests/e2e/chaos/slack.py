"""The local workspace as a process of its own, with a witness that forgets nothing.

python -m tests.e2e.chaos.slack DELIVER_TO PEOPLE

The witness sees every message that the app ever put there, those taken back too, and whether an event that
a person caused was ever acknowledged. Tokens and port come from the environment, as Deskhand's do.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.sandbox.demo import serve
from bot.sandbox.demo.entrypoints import PAGE_KEY
from bot.sandbox.slack.delivery import DeliveryAnswer, EventDelivery
from bot.sandbox.slack.seed import Json, WorkspaceConfig
from bot.sandbox.slack.state import Channel
from bot.sandbox.workspace import create_app
from bot.settings import Settings
from tests.e2e.product_processes import TOKENS

if TYPE_CHECKING:
    from bot.sandbox.slack.world import World

OK = "ok"
CHANGED = ":changed"
"Behind the ts of a message: of its edit or deletion."
ANSWER_SECONDS = 3.0
"How long Slack waits for an answer to each sending of an event."
RETRY_DELAYS = (0.5, 6.0, 24.0)
"Slack's own are at once, a minute and five; the last comes when the harm of a short trial is over."


@dataclass(slots=True)
class Witness:
    """What was seen since the start."""

    posts: list[Json] = field(default_factory=list)
    "Each message of the app: channel, ts, thread_ts, key, removed."
    tries: dict[str, list[str]] = field(default_factory=dict)
    "How each sending of an event about a person's message ended, by the message's ts."

    async def show(self, _request: Request) -> Response:
        """Return the posts, and how every sending of an event went."""
        return JSONResponse({"posts": self.posts, "tries": self.tries})


def watch_app(app: Starlette) -> None:
    """Set a witness into a workspace."""
    world: World = app.state.world
    witness, state = Witness(), world.state
    post, remove, note = state.post, state.remove, EventDelivery._note

    def posted(channel: Channel, fields: Json, *, thread_ts: str | None = None) -> Json:
        message = post(channel, fields, thread_ts=thread_ts)
        if message.get("bot_id"):
            key = message.get("metadata", {}).get("event_payload", {}).get("key")
            seen = {"channel": channel.id, "ts": message["ts"], "thread_ts": thread_ts, "key": key, "removed": False}
            witness.posts.append(seen)
        return message

    def removed(channel: Channel, ts: str) -> Json | None:
        for seen in witness.posts:
            seen["removed"] = seen["removed"] or (seen["channel"], seen["ts"]) == (channel.id, ts)
        return remove(channel, ts)

    def noted(self: EventDelivery, envelope: Json, attempt: int, answer: DeliveryAnswer) -> None:
        event: dict[str, Any] = envelope["event"]
        if event.get("type") in ("message", "app_mention") and not event.get("bot_id") and not _is_ours(event):
            ended = f"{event['type']} {envelope['event_id']} {attempt}: {answer.error or OK} {answer.ms:.0f} ms"
            witness.tries.setdefault(_about(event), []).append(ended)
        note(self, envelope, attempt, answer)

    state.post, state.remove = posted, removed  # type: ignore[method-assign]
    EventDelivery._note = noted  # type: ignore[method-assign]
    app.router.routes.append(Route("/chaos/witness", witness.show))


def _is_ours(event: Json) -> bool:
    return any(event.get(name, {}).get("bot_id") for name in ("message", "previous_message"))


def _about(event: Json) -> str:
    """Return the ts of the message that an event tells of; of a change of it, marked as one."""
    if event.get("subtype") == "message_changed":
        return f"{event['message']['ts']}{CHANGED}"
    return f"{event['deleted_ts']}{CHANGED}" if event.get("subtype") == "message_deleted" else str(event["ts"])


def main() -> None:
    """Serve the workspace until told to end."""
    settings = Settings.from_environment()
    secrets = (settings.slack_bot_token, settings.slack_app_token, settings.slack_signing_secret)
    bot_token, app_token, signing_secret = (secret.get_secret_value() if secret else "" for secret in secrets)
    config = WorkspaceConfig(
        people=Path(sys.argv[2]),
        manifest=settings.deskhand_config / "slack-manifest.yaml",
        bot_token=bot_token,
        app_token=app_token,
        signing_secret=signing_secret,
        key=TOKENS[PAGE_KEY],
        deliver_to=sys.argv[1],
        answer_seconds=ANSWER_SECONDS,
        retry_delays=RETRY_DELAYS,
        rate_limits=False,
    )
    app = create_app(config)
    watch_app(app)
    with serve.listen(settings.host, settings.port) as listener:
        serve.WorkspaceServer(app).run(sockets=[listener])


if __name__ == "__main__":
    main()
