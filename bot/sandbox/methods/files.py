"""files.*: the upload in three steps (an address, the bytes, the completion), and a file's card."""

import mimetypes
import re
import time

from bot.sandbox.methods.chat import speaker, thread
from bot.sandbox.methods.registry import MethodCall, SlackError, method
from bot.sandbox.slack.ids import new_id
from bot.sandbox.slack.seed import Json
from bot.sandbox.slack.state import StoredFile
from bot.sandbox.slack.world import World

MOST_BYTES = 20_000_000
"""Smaller than Slack's 1 GB: the bytes are kept in memory."""


@method("files.getUploadURLExternal", "files:write", tier=4)
def get_upload_url(call: MethodCall) -> Json:
    """Announce a file and get the address to send its bytes to."""
    length = call.number("length", 0, MOST_BYTES + 1)
    if length > MOST_BYTES:
        raise SlackError("file_upload_size_restricted")
    stored = new_file(call.world, call.required("filename"), call.world.seed.bot.id, length, base_url=call.base_url)
    file_id = stored.card["id"]
    return {"upload_url": f"{call.base_url}/upload/v1/{file_id}", "file_id": file_id}


@method("files.completeUploadExternal", "files:write", tier=4)
def complete_upload(call: MethodCall) -> Json:
    """Finish uploads and share them in their conversations."""
    given = call.decoded("files")
    if not isinstance(given, list) or not given:
        raise SlackError("invalid_arguments")
    cards = []
    for one in given:
        stored = call.world.state.files.get(str(one.get("id")))
        if stored is None or len(stored.content) != stored.length:
            raise SlackError("file_not_found")
        stored.card = {**stored.card, "title": one.get("title") or stored.card["name"], "mode": "hosted"}
        cards.append(stored.card)
    if call.text("channel_id") is not None:
        channel = call.open_channel("channel_id")
        fields = {"text": call.text("initial_comment") or "", "files": cards, "upload": True}
        call.world.say(channel, {**speaker(call), **fields}, thread_ts=thread(call, channel))
    return {"files": cards}


@method("files.delete", "files:write", tier=3)
def delete_file(call: MethodCall) -> Json:
    """Delete one of the app's own files; from then on its permalink opens nothing."""
    stored = _known(call)
    if stored.card["user"] != call.world.seed.bot.id:
        raise SlackError("cant_delete_file")
    del call.world.state.files[stored.card["id"]]
    return {}


@method("files.info", "files:read", tier=4)
def file_info(call: MethodCall) -> Json:
    """Describe a file."""
    return {"file": _known(call).card}


def _known(call: MethodCall) -> StoredFile:
    stored = call.world.state.files.get(call.required("file"))
    if stored is None:
        raise SlackError("file_not_found")
    return stored


def new_file(world: World, name: str, user: str, length: int, *, base_url: str, content: bytes = b"") -> StoredFile:
    """Create a file's card, whose bytes may follow."""
    file_id, team = new_id("F"), world.seed.team.id
    plain_name = re.sub(r"[^a-z0-9.-]+", "_", name.lower())
    private = f"{base_url}/files-pri/{team}-{file_id}"
    mimetype = mimetypes.guess_type(name)[0] or "application/octet-stream"
    now = int(time.time())
    card: Json = {
        "id": file_id,
        "created": now,
        "timestamp": now,
        "name": name,
        "title": name,
        "mimetype": mimetype,
        "filetype": name.rpartition(".")[2] if "." in name else "binary",
        "user": user,
        "user_team": team,
        "size": length,
        "mode": "hosted",
        "is_external": False,
        "is_public": False,
        "file_access": "visible",
        "url_private": f"{private}/{plain_name}",
        "url_private_download": f"{private}/download/{plain_name}",
        "permalink": f"{base_url}/files/{user}/{file_id}/{plain_name}",
    }
    stored = StoredFile(card, content, length)
    world.state.files[file_id] = stored
    return stored
