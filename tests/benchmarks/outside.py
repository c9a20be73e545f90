"""The world outside, as the benchmarks need it: Slack with a crowd of people, and a model that times itself.

    python -m tests.benchmarks.outside slack PEOPLE [DELIVER_TO]
    python -m tests.benchmarks.outside model SECONDS

What a turn adds is what is left of it when the model's own time is taken away, so the model keeps how long
each call took on its side: from the request's first byte to the answer's last. A request is known by the
number that its text carries (`#17`).
"""

import re
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import uvicorn
import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.sandbox import standin
from bot.sandbox.demo import serve
from bot.sandbox.demo.entrypoints import PAGE_KEY, PEOPLE
from bot.sandbox.slack.seed import WorkspaceConfig
from bot.settings import Settings
from tests.e2e.product_processes import TOKENS
from tests.support.json_object import Json

NUMBER = re.compile(rb"#(\d+)")


def crowd_file(folder: Path, count: int) -> Path:
    """Write a people file with so many requesters more, each with an account that nothing is wrong with."""
    rows = yaml.safe_load(PEOPLE.read_text(encoding="utf-8"))
    rows["people"] += [_person(number) for number in range(count)]
    path = folder / "people.yaml"
    path.write_text(yaml.safe_dump(rows, allow_unicode=True), encoding="utf-8")
    return path


def crowd_member(number: int) -> str:
    """Return the user id of one of the crowd."""
    return f"U0CROWD{number:03}"


def _person(number: int) -> Json:
    name = f"crowd.{number:03}"
    account = {"id": f"acc-{name}", "status": "active", "privileged": False, "factors": ["totp"], "liftable": False}
    sign_ins = [{"minutes_ago": 12, "ok": False, "why": "wrong password"}]
    return {
        "id": crowd_member(number),
        "name": name,
        "real_name": f"Crowd {number:03}",
        "email": f"{name}@northwind.example",
        "tz": "Europe/London",
        "role": "requester",
        "title": "One of many",
        "account": {**account, "password_changed": 41, "sign_ins": sign_ins},
    }


class _Timed:
    """The stand-in, with a clock at its door."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.spent: dict[str, list[float]] = defaultdict(list)
        "Milliseconds of each call, by the number in its text."

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began, text = time.perf_counter(), bytearray()

        async def listen() -> Any:
            message = await receive()
            text.extend(message.get("body", b""))
            return message

        await self._app(scope, listen, send)
        found = NUMBER.findall(bytes(text))
        if found:
            self.spent[found[-1].decode()].append((time.perf_counter() - began) * 1000)


def _model(seconds: float) -> Starlette:
    timed = _Timed(standin.create_app(standin.StandinConfig(latency=seconds)))

    async def spent(_request: Request) -> Response:
        return JSONResponse(timed.spent)

    return Starlette(routes=[Route("/spent", spent), Mount("/", timed)])


def main(part: str, *arguments: str) -> None:
    """Serve one part until told to end; tokens and port come from the environment, as Deskhand's do."""
    settings = Settings.from_environment()
    if part == "model":
        uvicorn.run(_model(float(arguments[0])), host=settings.host, port=settings.port, log_level="warning")
        return
    secrets = (settings.slack_bot_token, settings.slack_app_token, settings.slack_signing_secret)
    bot_token, app_token, signing_secret = (secret.get_secret_value() if secret else "" for secret in secrets)
    config = WorkspaceConfig(
        people=Path(arguments[0]),
        manifest=settings.deskhand_config / "slack-manifest.yaml",
        bot_token=bot_token,
        app_token=app_token,
        signing_secret=signing_secret,
        key=TOKENS[PAGE_KEY],
        deliver_to=arguments[1] if len(arguments) > 1 else None,
        rate_limits=False,
    )
    serve.serve(config, settings.host, settings.port)


if __name__ == "__main__":
    main(*sys.argv[1:])
