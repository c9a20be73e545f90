"""What tests control: faults, the journal, repeated events, and what an administrator could change."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.sandbox.methods.users import user_card
from bot.sandbox.people.people import RequestError
from bot.sandbox.slack import events
from bot.sandbox.slack.faults import FAULTS
from bot.sandbox.slack.ids import new_id
from bot.sandbox.slack.seed import Json
from bot.sandbox.slack.state import SLACKBOT, channel_card
from bot.sandbox.slack.world import World


class BenchBody(BaseModel):
    """The fields of a control request."""

    model_config = ConfigDict(extra="forbid")


B = TypeVar("B", bound=BenchBody)


class Redeliver(BenchBody):
    """Send a past event again."""

    event_id: str
    new_id: bool = False


class ChangeChannel(BenchBody):
    """Archive a channel, share it with another organisation, or take the bot in or out."""

    channel: str
    archived: bool | None = None
    shared: bool | None = None
    bot_member: bool | None = None


class Remove(BenchBody):
    """Let an administrator delete any message."""

    channel: str
    ts: str


class Remind(BenchBody):
    """Let Slackbot post somebody's reminder; nothing marks it as a bot's."""

    user: str
    channel: str
    text: str
    thread_ts: str | None = None


class ChangeUser(BenchBody):
    """Deactivate or reactivate a person's Slack account, or let Slack show other facts about them."""

    user: str
    deleted: bool | None = None
    says: Json | None = None
    """Fields of the answer of `users.info`, those of the profile below `profile`; null removes a field."""
    told: bool = True
    """Whether the bot gets an event; Slack may lose one."""


class Nothing(BenchBody):
    """A request without fields."""


async def show_faults(request: Request) -> Response:
    """List the active faults."""
    world: World = request.app.state.world
    return JSONResponse([fault.model_dump() for fault in world.faults.active])


async def put_faults(request: Request) -> Response:
    """Replace all faults by these."""
    world: World = request.app.state.world
    try:
        world.faults.active = FAULTS.validate_json(await request.body())
    except ValidationError as error:
        problem = error.errors()[0]
        field = ".".join(str(part) for part in problem["loc"])
        return JSONResponse({"ok": False, "error": f"{field}: {problem['msg']}"}, 400)
    return JSONResponse({"ok": True})


async def show_log(request: Request) -> Response:
    """Return the recent calls and deliveries, oldest first."""
    world: World = request.app.state.world
    return JSONResponse(list(world.journal.entries))


def bench(model: type[B], do: Callable[[World, B], Json]) -> Callable[[Request], Awaitable[Response]]:
    """Turn a change into a request handler."""

    async def handle(request: Request) -> Response:
        world: World = request.app.state.world
        try:
            answer = do(world, model.model_validate_json(await request.body() or b"{}"))
        except ValidationError as error:
            return JSONResponse({"ok": False, "error": error.errors()[0]["msg"]}, 400)
        except RequestError as error:
            return JSONResponse({"ok": False, "error": str(error)}, 400)
        return JSONResponse({"ok": True, **answer})

    return handle


def redeliver(world: World, body: Redeliver) -> Json:
    """Send a past event again, under its own id or a new one."""
    kept = world.journal.event(body.event_id)
    if kept is None:
        raise RequestError("event_not_found")
    channel, envelope = kept
    again = {**envelope, "event_id": new_id("Ev")} if body.new_id else envelope
    world.delivery.again(channel, again)
    return {"event_id": again["event_id"]}


def change_channel(world: World, body: ChangeChannel) -> Json:
    """Archive or restore a channel; add the bot to it or remove it."""
    channel = world.state.channels.get(body.channel)
    if channel is None:
        raise RequestError("channel_not_found")
    bot = world.seed.bot.id
    if body.archived is not None:
        channel.is_archived = body.archived
    if body.shared is not None:
        channel.is_shared = body.shared
    if body.bot_member is False:
        channel.members.discard(bot)
    elif body.bot_member and bot not in channel.members:
        channel.members.add(bot)
        world.tell(channel, events.member_joined(world.seed, channel, bot, world.state.next_ts()))
    world.changes.add("channel", {"channel": channel_card(channel)}, channel=channel.id)
    return {"channel": channel_card(channel)}


def remove(world: World, body: Remove) -> Json:
    """Delete any message, and notify the bot."""
    channel = world.state.channels.get(body.channel)
    message = None if channel is None else channel.messages.get(body.ts)
    if channel is None or message is None or message.get("deleted"):
        raise RequestError("message_not_found")
    world.delete(channel, body.ts)
    return {}


def remind(world: World, body: Remind) -> Json:
    """Post a reminder in a channel, and notify the bot."""
    channel = world.state.channels.get(body.channel)
    if channel is None:
        raise RequestError("channel_not_found")
    fields = {"user": SLACKBOT, "username": "Slackbot", "text": f"Reminder: {body.text}", "team": world.seed.team.id}
    return {"ts": world.say(channel, fields, thread_ts=body.thread_ts)["ts"]}


def change_user(world: World, body: ChangeUser) -> Json:
    """Change what Slack shows of a person, and notify the bot."""
    person, state = world.seed.person(body.user), world.state
    if person is None:
        raise RequestError("user_not_found")
    before = user_card(world, person)
    if body.deleted is not None:
        state.deleted_users = state.deleted_users - {body.user} | ({body.user} if body.deleted else set())
    if body.says is not None:
        state.says[body.user] = body.says
    card = user_card(world, person)
    if card == before:
        return {}
    world.changes.add("user", {"user": {"id": body.user, "deleted": card.get("deleted")}})
    if body.told:
        world.tell(None, events.user_changed(card, state.next_ts()))
    return {}


def reset(world: World, _body: Nothing) -> Json:
    """Clear messages, views, faults and the journal."""
    world.forget()
    return {}


async def disconnect(request: Request) -> Response:
    """Ask the Socket Mode connections to reconnect, as Slack does every hour or so."""
    world: World = request.app.state.world
    await world.links.disconnect()
    return JSONResponse({"ok": True})


async def drop_events(request: Request) -> Response:
    """Notify the bot, as Slack does each minute, that events above the hourly limit are dropped; they are lost."""
    world: World = request.app.state.world
    answer = await world.delivery.interaction("events_api", "app_rate_limited", events.rate_limited(world.seed))
    return JSONResponse({"ok": True, "status": answer.status})
