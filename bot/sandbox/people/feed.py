"""Live updates for the page: Server-Sent Events that resume where a page left off."""

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from bot.sandbox.slack.changes import WorldChange
from bot.sandbox.slack.seed import Json
from bot.sandbox.slack.world import World

KEEP_ALIVE_SECONDS = 15.0


async def stream_events(request: Request) -> Response:
    """Stream what this person may see, from `after` on, until the page closes."""
    world: World = request.app.state.world
    user = request.query_params.get("user", "")
    if world.seed.person(user) is None:
        return JSONResponse({"ok": False, "error": "user_not_found"}, 400)
    asked = request.headers.get("last-event-id") or request.query_params.get("after", "")
    try:
        after = int(asked) if asked else world.changes.seq
    except ValueError:
        return JSONResponse({"ok": False, "error": "invalid_after"}, 400)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_lines(world, user, after), media_type="text/event-stream", headers=headers)


async def _lines(world: World, user: str, after: int) -> AsyncIterator[str]:
    awake = asyncio.Event()
    world.changes.listeners.append(awake.set)
    try:
        yield ": hello\n\n"
        while not world.changes.closed:
            awake.clear()
            newer = world.changes.after(after)
            if newer is None:
                after = world.changes.seq
                yield _line(after, f'{{"seq":{after},"type":"resync"}}')
            else:
                after = newer[-1].seq if newer else after
                yield "".join(_line(one.seq, one.data) for one in newer if may_know(world, user, one))
            if not awake.is_set() and not await _woken(awake):
                yield ": still here\n\n"
    finally:
        world.changes.listeners.remove(awake.set)


def may_know(world: World, user: str, change: WorldChange) -> bool:
    """Return whether this person may see a change."""
    if change.user is not None:
        return change.user == user
    return change.channel is None or world.state.can_see(user, change.channel)


async def _woken(awake: asyncio.Event) -> bool:
    try:
        await asyncio.wait_for(awake.wait(), KEEP_ALIVE_SECONDS)
    except TimeoutError:
        return False
    return True


def _line(seq: int, data: str) -> str:
    return f"id: {seq}\ndata: {data}\n\n"


def seen(world: World, body: Json) -> None:
    """Note that a person has read a channel up to its last message."""
    channel = world.state.channels[body["channel"]]
    world.state.seen[body["user"], channel.id] = next(reversed(channel.messages), "")
