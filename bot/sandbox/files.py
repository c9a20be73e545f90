"""The bytes of files: uploaded, returned, and shown to people who follow a file's permalink.

An uploaded page must not run in our origin, so nothing is ever served as HTML.
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bot.sandbox.api import is_the_bot
from bot.sandbox.methods.files import MOST_BYTES
from bot.sandbox.slack.state import StoredFile

_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_SAFE = {"Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'"}
_MISSING = {"ok": False, "error": "file_not_found"}


async def upload(request: Request) -> Response:
    """Take the bytes of a file that was announced."""
    stored = _find(request, request.path_params["file"])
    if stored is None:
        return JSONResponse(_MISSING, 404)
    if int(request.headers.get("content-length", MOST_BYTES + 1)) > MOST_BYTES:
        return JSONResponse({"ok": False, "error": "file_upload_size_restricted"}, 413)
    stored.content = await request.body()
    return PlainTextResponse(f"OK - {len(stored.content)}")


async def download(request: Request) -> Response:
    """Return a file's bytes to the bot; `team_file` is the team's id, a dash and the file's id."""
    if not is_the_bot(request):
        return JSONResponse({"ok": False, "error": "not_authed"}, 403)
    stored = _find(request, request.path_params["team_file"].rpartition("-")[2])
    if stored is None:
        return JSONResponse(_MISSING, 404)
    headers = {**_SAFE, "Content-Disposition": "attachment"}
    return Response(stored.content, media_type=stored.card["mimetype"], headers=headers)


async def show(request: Request) -> Response:
    """Show a file to a person: a picture, a text, or the name and size of anything else."""
    stored = _find(request, request.path_params["file"])
    if stored is None:
        return PlainTextResponse("There is no such file.", 404)
    card, headers = stored.card, dict(_SAFE)
    if stored.content and card["mimetype"] in _PICTURES:
        return Response(stored.content, media_type=card["mimetype"], headers=headers)
    if stored.content and (card["mimetype"].startswith("text/") or card["mimetype"] == "application/json"):
        return PlainTextResponse(stored.content, headers=headers)
    if stored.content:
        headers["Content-Disposition"] = "attachment"
        return Response(stored.content, media_type=card["mimetype"], headers=headers)
    words = f"{card['name']}, {card['size']} bytes. The local workspace keeps its name and size, not its content."
    return PlainTextResponse(words, headers=headers)


def _find(request: Request, file_id: str) -> StoredFile | None:
    files: dict[str, StoredFile] = request.app.state.world.state.files
    return files.get(file_id)
