"""What a person can do in the workspace, as requests of the page, the tour and the tests.

An invalid request is refused with HTTP 400 and an error name, and changes nothing. A test may `forge` what no page
would send: Slack checks it too, but the app must not rely on that.
"""

import re
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.sandbox.methods.files import new_file
from bot.sandbox.methods.registry import MESSAGE_CHARACTERS
from bot.sandbox.methods.views import shown
from bot.sandbox.people.feed import seen
from bot.sandbox.people.visible_state import state_text
from bot.sandbox.slack import events, richtext
from bot.sandbox.slack.ids import app
from bot.sandbox.slack.seed import Json
from bot.sandbox.slack.state import Channel
from bot.sandbox.slack.world import World

_CONTROL = re.compile(
    r"<(?:@[UW][A-Z0-9]+|#C[A-Z0-9]+|!subteam\^S[A-Z0-9]+|https?://[^<>\s]+|mailto:[^<>\s]+)(?:\|[^<>]*)?>"
)
_BARE_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt);)")


class RequestError(Exception):
    """A person's request is invalid; the message is the error's name."""


class PersonRequest(BaseModel):
    """The fields of a request; every request says who acts."""

    model_config = ConfigDict(extra="forbid")

    user: str
    forge: bool = False
    """Act as a deactivated person, or as if a button existed, with any value, whoever clicks it."""


B = TypeVar("B", bound=PersonRequest)


@dataclass(frozen=True, slots=True)
class Act:
    """Who does something, and where the workspace is."""

    world: World
    user: str
    base_url: str

    def channel(self, channel_id: str | None) -> Channel:
        """Return a channel that this person is in."""
        channel = self.world.state.channels.get(channel_id or "")
        if channel is None:
            raise RequestError("channel_not_found")
        if self.user not in channel.members:
            raise RequestError("not_in_channel")
        return channel

    def open_channel(self, channel_id: str) -> Channel:
        """Return a channel that this person is in and can post in."""
        channel = self.channel(channel_id)
        if channel.is_archived:
            raise RequestError("is_archived")
        return channel

    def message(self, channel: Channel, ts: str | None) -> Json:
        """Return an existing message."""
        message = channel.messages.get(ts or "")
        if message is None or message.get("deleted"):
            raise RequestError("message_not_found")
        return message

    def author(self, through: str | None = None) -> Json:
        """Return the author as Slack shows them: this person, in their own client or through an app of theirs."""
        said: Json = {"user": self.user, "username": self.world.user_name(self.user)}
        return {**said, **(app(through, self.world.seed.team.id) if through else {"client_msg_id": str(uuid.uuid4())})}

    def own(self, channel: Channel, ts: str) -> Json:
        """Return a message that this person wrote."""
        message = self.message(channel, ts)
        if message.get("user") != self.user or message.get("bot_id"):
            raise RequestError("not_your_message")
        return message


def endpoint(model: type[B], do: Callable[[Act, B], Awaitable[Json]]) -> Callable[[Request], Awaitable[Response]]:
    """Return a request handler for an act: it reads the body, finds the person and answers refusals."""

    async def handle(request: Request) -> Response:
        world: World = request.app.state.world
        try:
            body = model.model_validate_json(await request.body())
            _known(world, body)
            act = Act(world, body.user, str(request.base_url).rstrip("/"))
            answer = await do(act, body)
        except ValidationError as error:
            problem = error.errors()[0]
            field = ".".join(str(part) for part in problem["loc"])
            return _refusal(f"{field}: {problem['msg']}" if field else problem["msg"])
        except RequestError as error:
            return _refusal(str(error))
        return JSONResponse({"ok": True, **answer})

    return handle


async def show_state(request: Request) -> Response:
    """Return everything that one person sees."""
    world: World = request.app.state.world
    person = world.seed.person(request.query_params.get("user", ""))
    if person is None:
        return _refusal("user_not_found")
    return Response(state_text(world, person), media_type="application/json")


class GivenFile(BaseModel):
    """A file that comes with a message: its text, or only its size."""

    model_config = ConfigDict(extra="ignore")

    name: str = Field(min_length=1, max_length=255)
    size: int = Field(default=0, ge=0)
    content: str | None = None
    transcript: str | None = None
    """The transcript that Slack made of a clip that was recorded for this message."""


class SayRequest(PersonRequest):
    """Post a message."""

    channel: str
    text: str = ""
    thread_ts: str | None = None
    files: tuple[GivenFile, ...] = ()
    through: str | None = None
    """The name of the app that posts it with this person's own token."""
    table: tuple[tuple[str, ...], ...] = ()
    """A table pasted below the text, by rows."""


async def say(act: Act, body: SayRequest) -> Json:
    """Post a message as this person."""
    channel = act.open_channel(body.channel)
    fields = _written(body.text, may_be_empty=bool(body.files or body.table)) | act.author(body.through)
    if body.table:
        fields["attachments"] = [richtext.table(body.table)]
    parent = act.world.state.parent_ts(channel, body.thread_ts) if body.thread_ts else None
    if body.thread_ts and parent is None:
        raise RequestError("thread_not_found")
    if body.files:
        # Slack gives no team for a file.
        fields |= {"subtype": "file_share", "upload": True, "files": [_stored(act, one) for one in body.files]}
    else:
        fields["team"] = act.world.state.team_of(act.user)
    message = act.world.say(channel, fields, thread_ts=parent)
    act.world.state.seen[act.user, channel.id] = message["ts"]
    return {"ts": message["ts"]}


class Edit(PersonRequest):
    """Change a message."""

    channel: str
    ts: str
    text: str


async def edit(act: Act, body: Edit) -> Json:
    """Edit one's own message."""
    channel = act.open_channel(body.channel)
    act.own(channel, body.ts)
    edited = {"user": act.user, "ts": act.world.state.next_ts()}
    act.world.edit(channel, body.ts, {**_written(body.text), "edited": edited})
    return {"ts": body.ts}


class Delete(PersonRequest):
    """Delete a message."""

    channel: str
    ts: str


async def delete(act: Act, body: Delete) -> Json:
    """Delete one's own message."""
    channel = act.open_channel(body.channel)
    act.own(channel, body.ts)
    act.world.delete(channel, body.ts)
    return {}


async def open_dm(act: Act, body: PersonRequest) -> Json:  # noqa: ARG001 every act takes its body
    """Open the direct conversation with the bot."""
    channel = act.world.state.dm(act.user)
    ts = act.world.state.next_ts()
    act.world.tell(None, events.home_opened(act.user, channel.id, "messages", None, ts))
    return {"channel": channel.id}


async def open_home(act: Act, body: PersonRequest) -> Json:  # noqa: ARG001 every act takes its body
    """Open the app's Home tab."""
    if not act.world.manifest.has_home:
        raise RequestError("home_tab_disabled")
    channel = act.world.state.dm(act.user)
    view = act.world.surfaces.homes.get(act.user)
    ts = act.world.state.next_ts()
    act.world.tell(None, events.home_opened(act.user, channel.id, "home", view and shown(view), ts))
    return {"home": view}


class Read(PersonRequest):
    """Mark a channel as read."""

    channel: str


async def read(act: Act, body: Read) -> Json:
    """Mark all messages of a channel as read."""
    act.channel(body.channel)
    seen(act.world, {"user": act.user, "channel": body.channel})
    return {}


class Stop(PersonRequest):
    """Press the stop button of an agent session."""

    channel: str
    thread_ts: str


async def stop_session(act: Act, body: Stop) -> Json:
    """Ask the bot to stop, and stop its streams in that thread as Slack does."""
    channel = act.channel(body.channel)
    session = act.world.state.sessions.get((channel.id, body.thread_ts))
    if session is None or session["status"] != "processing":
        raise RequestError("session_not_processing")
    streams = [ts for ts in channel.threads.get(body.thread_ts, ()) if channel.messages[ts].get("streaming")]
    for ts in streams:
        act.world.state.replace(channel, ts, streaming=None)
    stopped = events.session_stopped(act.user, channel.id, body.thread_ts, streams, act.world.state.next_ts())
    act.world.tell(channel, stopped)
    return {"streams": streams}


def slack_text(typed: str) -> str:
    """Escape typed text as Slack does; mentions and links stay, and so does text that is escaped already."""
    pieces, last = [], 0
    for found in _CONTROL.finditer(typed):
        pieces += [_escaped(typed[last : found.start()]), found.group()]
        last = found.end()
    return "".join([*pieces, _escaped(typed[last:])])


def _escaped(text: str) -> str:
    return _BARE_AMPERSAND.sub("&amp;", text).replace("<", "&lt;").replace(">", "&gt;")


def _written(typed: str, *, may_be_empty: bool = False) -> Json:
    if not typed.strip() and not may_be_empty:
        raise RequestError("no_text")
    if len(typed) > MESSAGE_CHARACTERS:
        raise RequestError("msg_too_long")
    return {"text": slack_text(typed)}


def _stored(act: Act, given: GivenFile) -> Json:
    content = (given.content or "").encode()
    length = len(content) if given.content is not None else given.size
    stored = new_file(act.world, given.name, act.user, length, base_url=act.base_url, content=content)
    if given.transcript is not None:
        heard = {"status": "complete", "locale": "en-US", "preview": {"content": given.transcript, "has_more": False}}
        stored.card = {**stored.card, "subtype": "slack_audio", "transcription": heard}
    return stored.card


def _known(world: World, body: PersonRequest) -> None:
    if world.seed.person(body.user) is None:
        raise RequestError("user_not_found")
    if body.user in world.state.deleted_users and not body.forge:
        raise RequestError("account_inactive")


def _refusal(error: Any) -> Response:
    return JSONResponse({"ok": False, "error": error}, 400)
