"""A local Slack workspace as one ASGI app: the Web API, Socket Mode, the page and its requests.

It is strict where Slack is: what it accepts, Slack would accept. It belongs on the loopback address, and there it
answers only requests that carry its key, and the bot (`guard.py`).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from bot.sandbox import files
from bot.sandbox.api import call_method
from bot.sandbox.guard import Guard
from bot.sandbox.people import acts, control, people, phone, sharing, sign_in
from bot.sandbox.people.answers import take_response
from bot.sandbox.people.feed import stream_events
from bot.sandbox.slack.saving import Saver, load
from bot.sandbox.slack.seed import WorkspaceConfig as WorkspaceConfig  # noqa: PLC0414 the name callers import
from bot.sandbox.slack.world import World, build_world

STATIC = Path(__file__).with_name("static")


class FreshFiles(StaticFiles):
    """Files that a browser revalidates each time, so that it never mixes old and new modules."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file, or 304 if the browser has it."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


class WorkspaceApp(Starlette):
    """Starlette behind the guard; a fault can reach the server's own connection."""

    def __init__(self, world: World) -> None:
        super().__init__(routes=_routes(), lifespan=_lifespan)
        self.state.world = world
        self._guard = Guard(super().__call__, world.config.key)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, keeping its raw `send` for faults."""
        scope["sandbox.send"] = send
        await self._guard(scope, receive, send)


def create_app(config: WorkspaceConfig) -> Starlette:
    """Build the workspace.

    Raises:
        ConfigError: the people file, the manifest or the saved state is wrong.
    """
    world = build_world(config)
    if config.state_file is not None:
        load(world, config.state_file)
    return WorkspaceApp(world)


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    world: World = app.state.world
    saver = Saver(world, world.config.state_file) if world.config.state_file else None
    if saver is not None:
        saver.start()
    try:
        yield
    finally:
        world.changes.close()
        await world.delivery.close()
        if saver is not None:
            await saver.close()


def _routes() -> list[BaseRoute]:
    return [
        Route("/", _page),
        Mount("/static", FreshFiles(directory=STATIC, check_dir=False)),
        Route("/healthz", _healthy),
        Route("/archives/{channel}/{stamp}", _permalink),
        Route("/api/openid.connect.token", sign_in.exchange, methods=["POST"]),
        Route("/openid/connect/authorize", sign_in.authorize),
        Route("/openid/connect/agree", sign_in.agree),
        Route("/api/{method}", call_method, methods=["GET", "POST"]),
        Route("/upload/v1/{file}", files.upload, methods=["POST", "PUT"]),
        Route("/files-pri/{team_file}/{name:path}", files.download),
        Route("/files/{user}/{file}/{name}", files.show),
        WebSocketRoute("/link", _link),
        *(
            Route(f"/{kind}/{{team}}/{{number}}/{{name}}", take_response, methods=["POST"])
            for kind in ("commands", "actions", "app")
        ),
        Route("/sandbox/state", people.show_state),
        Route("/sandbox/events", stream_events),
        Route("/sandbox/phone", phone.show),
        Route("/sandbox/log", control.show_log),
        Route("/sandbox/faults", control.show_faults, methods=["GET"]),
        Route("/sandbox/faults", control.put_faults, methods=["PUT"]),
        Route("/sandbox/disconnect", control.disconnect, methods=["POST"]),
        Route("/sandbox/drop_events", control.drop_events, methods=["POST"]),
        *_posts(),
    ]


def _posts() -> list[Route]:
    handlers = {
        "say": people.endpoint(people.SayRequest, people.say),
        "forward": people.endpoint(sharing.Forward, sharing.forward),
        "edit": people.endpoint(people.Edit, people.edit),
        "delete": people.endpoint(people.Delete, people.delete),
        "dm": people.endpoint(people.PersonRequest, people.open_dm),
        "home": people.endpoint(people.PersonRequest, people.open_home),
        "read": people.endpoint(people.Read, people.read),
        "stop_session": people.endpoint(people.Stop, people.stop_session),
        "click": people.endpoint(acts.Click, acts.click),
        "command": people.endpoint(acts.UseCommand, acts.command),
        "shortcut": people.endpoint(acts.UseShortcut, acts.shortcut),
        "submit": people.endpoint(acts.Submit, acts.submit),
        "close_view": people.endpoint(acts.CloseView, acts.close_view),
        "phone/answer": people.endpoint(phone.AnswerChallenge, phone.answer),
        "phone/refuse": people.endpoint(phone.RefuseChallenge, phone.refuse),
        "redeliver": control.bench(control.Redeliver, control.redeliver),
        "channel": control.bench(control.ChangeChannel, control.change_channel),
        "remove": control.bench(control.Remove, control.remove),
        "remind": control.bench(control.Remind, control.remind),
        "user": control.bench(control.ChangeUser, control.change_user),
        "workflow": control.bench(sharing.Workflow, sharing.workflow),
        "reset": control.bench(control.Nothing, control.reset),
    }
    return [Route(f"/sandbox/{name}", handler, methods=["POST"]) for name, handler in handlers.items()]


async def _page(_request: Request) -> Response:
    index = STATIC / "index.html"
    if not index.is_file():
        return PlainTextResponse("The page's files are missing; the APIs work.", 404)
    return FileResponse(index, headers={"Cache-Control": "no-cache"})


async def _healthy(_request: Request) -> Response:
    return JSONResponse({"ok": True})


async def _permalink(request: Request) -> Response:
    channel, stamp = request.path_params["channel"], request.path_params["stamp"].removeprefix("p")
    ts = request.query_params.get("thread_ts") or f"{stamp[:-6]}.{stamp[-6:]}"
    return RedirectResponse(f"/#channel={channel}&thread={ts}")


async def _link(socket: WebSocket) -> None:
    world: World = socket.app.state.world
    await world.links.serve(socket)
