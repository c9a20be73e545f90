"""The workspace on disk: one JSON file that is replaced as a whole, so a crash leaves the old or the new one.

It is written shortly after a change; no person and no request waits for it. A full disk costs only the saving: it is
logged once, the workspace goes on, and saving is tried again.
"""

import asyncio
import base64
import json
import logging
import os
from contextlib import suppress
from pathlib import Path

from bot import private
from bot.errors import ConfigError
from bot.sandbox.slack.seed import Json
from bot.sandbox.slack.state import Channel, StoredFile
from bot.sandbox.slack.world import World

VERSION = 1
PAUSE = 0.2
"""Seconds between a change and its saving, so that many changes are saved together."""
PAUSE_AFTER_FAILURE = 5.0
_log = logging.getLogger("deskhand.sandbox")


class Saver:
    """Writes the workspace to its file after every change."""

    def __init__(self, world: World, path: Path) -> None:
        self._world = world
        self._path = path
        self._dirty = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.problem: str | None = None
        """Why the last attempt failed, in words; None if it succeeded."""

    def start(self) -> None:
        """Save all changes from now on."""
        self._world.changes.listeners.append(self._dirty.set)
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Save what is left and stop."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self.save()

    async def save(self) -> None:
        """Save now; a failure is logged once and kept in `problem`."""
        self._dirty.clear()
        text = to_text(self._world)
        try:
            await asyncio.to_thread(_replace, self._path, text)
        except OSError as error:
            problem = f"cannot save the local workspace to {self._path}: {error.strerror or error}"
            if problem != self.problem:
                _log.error("%s; it goes on in memory and saving is tried again", problem)
            self.problem = problem
            self._dirty.set()
        else:
            self.problem = None

    async def _run(self) -> None:
        while True:
            await self._dirty.wait()
            await asyncio.sleep(PAUSE_AFTER_FAILURE if self.problem else PAUSE)
            await self.save()


def to_text(world: World) -> str:
    """Return the whole workspace as JSON."""
    state, surfaces = world.state, world.surfaces
    rest: Json = {
        "version": VERSION,
        "last_ts": state.last_ts,
        "deleted_users": sorted(state.deleted_users),
        "says": state.says,
        "ephemeral": list(state.ephemeral.values()),
        "sessions": list(state.sessions.values()),
        "seen": [[user, channel, ts] for (user, channel), ts in state.seen.items()],
        "views": surfaces.views,
        "stacks": surfaces.stacks,
        "homes": surfaces.homes,
        "files": [
            {
                "card": stored.card,
                "length": stored.length,
                "content": base64.b64encode(stored.content).decode(),
            }
            for stored in state.files.values()
        ],
    }
    rooms = []
    for channel in state.channels.values():
        card = {
            "id": channel.id,
            "name": channel.name,
            "members": sorted(channel.members),
            "is_im": channel.is_im,
            "is_private": channel.is_private,
            "is_archived": channel.is_archived,
            "is_shared": channel.is_shared,
            "threads": channel.threads,
        }
        messages = ",".join(state.text_of(channel, ts) for ts in channel.messages)
        rooms.append(f'{{"messages":[{messages}],{json.dumps(card)[1:]}')
    return f'{{"channels":[{",".join(rooms)}],{json.dumps(rest)[1:]}'


def load(world: World, path: Path) -> None:
    """Restore what an earlier run saved, if there is a file.

    Raises:
        ConfigError: the file cannot be read or is no saved workspace.
    """
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        if saved["version"] != VERSION:
            raise ConfigError(f"{path}: saved by another version; delete it to start afresh")
        _restore(world, saved)
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ConfigError(f"{path}: not a saved workspace; delete it to start afresh") from None


def _restore(world: World, saved: Json) -> None:
    state, surfaces = world.state, world.surfaces
    for one in saved["channels"]:
        messages = {message["ts"]: message for message in one.pop("messages")}
        state.channels[one["id"]] = Channel(**{**one, "members": set(one["members"]), "messages": messages})
    state.last_ts = int(saved["last_ts"])
    state.deleted_users = set(saved["deleted_users"])
    state.says = saved.get("says", {})
    state.ephemeral = {note["id"]: note for note in saved["ephemeral"]}
    state.sessions = {(one["channel"], one["thread_ts"]): one for one in saved["sessions"]}
    state.seen = {(user, channel): ts for user, channel, ts in saved["seen"]}
    for one in saved["files"]:
        content = base64.b64decode(one["content"])
        state.files[one["card"]["id"]] = StoredFile(one["card"], content, one["length"])
    surfaces.views, surfaces.stacks, surfaces.homes = saved["views"], saved["stacks"], saved["homes"]


def _replace(path: Path, text: str) -> None:
    private.folder(path.parent)
    fresh = path.with_name(f"{path.name}.new")
    try:
        with open(fresh, "w", encoding="utf-8", opener=private.opener) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise
