"""What a person does with their phone: look at it, and answer what the directory asks on it."""

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.errors import Transient
from bot.sandbox.people.people import Act, PersonRequest, RequestError
from bot.sandbox.slack.phones import Phones
from bot.sandbox.slack.seed import Json


class AnswerChallenge(PersonRequest):
    """Type the number that one was told elsewhere."""

    key: str
    number: str


class RefuseChallenge(PersonRequest):
    """Say that it was somebody else who asked."""

    key: str


async def show(request: Request) -> Response:
    """Return what a person finds on their devices."""
    world, user = request.app.state.world, request.query_params.get("user", "")
    phones: Phones | None = world.config.phones
    if phones is None or world.seed.person(user) is None:
        return JSONResponse({"ok": False, "error": "no_phones" if phones is None else "user_not_found"}, 400)
    try:
        shown = await run_in_threadpool(phones.shown, user)
    except Transient:
        return JSONResponse({"ok": False, "error": "directory_down"}, 503)
    return JSONResponse({"ok": True, **shown})


async def answer(act: Act, body: AnswerChallenge) -> Json:
    """Type the number of a challenge."""
    phones = _phones(act)
    return await _answered(lambda: phones.answer(act.user, body.key, body.number))


async def refuse(act: Act, body: RefuseChallenge) -> Json:
    """Refuse a challenge."""
    phones = _phones(act)
    return await _answered(lambda: phones.refuse(act.user, body.key))


def _phones(act: Act) -> Phones:
    if act.world.config.phones is None:
        raise RequestError("no_phones")
    return act.world.config.phones


async def _answered(said: Callable[[], str | None]) -> Json:
    try:
        state = await run_in_threadpool(said)
    except Transient:
        raise RequestError("directory_down") from None
    if state is None:
        raise RequestError("challenge_not_found")
    return {"state": state}
